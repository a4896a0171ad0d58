/* What a handler answers with must live until the answer is encoded; what it is told in a callback lives only as long as that. */
#pragma once
#include <string.h>

#include "sim/wire/wire.h"

static inline const char *keep_text(struct request *request, const char *text)
{
    return text ? arena_text(&request->arena, text, strlen(text)) : NULL;
}

static inline struct bytes keep_bytes(struct request *request, struct bytes bytes)
{
    uint8_t *copy;

    if (!bytes.data)
        return bytes;
    copy = arena_alloc(&request->arena, bytes.size + 1); /* one more, so that empty stays different from null */
    if (bytes.size)
        memcpy(copy, bytes.data, bytes.size);
    return (struct bytes){ copy, bytes.size };
}

static inline const char *text_or_empty(const char *text)
{
    return text ? text : "";
}
