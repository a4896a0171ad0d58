/* JSON files of the tools, and what is wrong with them. */
#include "shell/tool_json.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/text.h"

enum { MOST_FILE_BYTES = 16 << 20 };

#define MAPPING "com.fasterxml.jackson.databind.JsonMappingException"

bool tool_read_file(struct arena *arena, const char *path, const char **out, struct trouble *trouble)
{
    FILE *file = fopen(path, "re");
    struct text text = { 0 };
    char chunk[4096];
    size_t got;

    if (!file) {
        trouble_set(trouble, "java.io.IOException", "Unable to read file %s", path);
        trouble_cause(trouble, errno == EACCES ? "java.nio.file.AccessDeniedException" : "java.nio.file.NoSuchFileException", "%s", path);
        return false;
    }
    while (text.size < MOST_FILE_BYTES && (got = fread(chunk, 1, sizeof(chunk), file)))
        text_add_size(&text, chunk, got);
    fclose(file);
    *out = arena_text(arena, text_chars(&text), text.size);
    text_done(&text);
    return true;
}

/* Where a text ceases to be JSON, as far as its first word tells: what is no value there. */
bool tool_json_invalid(const char *text, struct trouble *trouble)
{
    static const char where[] = "\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: ";
    int line = 1, column = 1;
    const char *at = text;

    for (; *at && strchr(" \t\r\n", *at); at++) {
        column = *at == '\n' ? 1 : column + 1;
        line += *at == '\n';
    }
    if (isalpha((unsigned char)*at) || *at == '_') {
        int size = 0;

        while (size < 256 && (isalnum((unsigned char)at[size]) || at[size] == '_'))
            size++;
        return trouble_set(trouble, "com.fasterxml.jackson.core.JsonParseException",
                           "Unrecognized token '%.*s': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')%s%d, "
                           "column: %d]", size, at, where, line, column);
    }
    for (; *at; at++) { /* what opened and wasn't closed: Jackson comes to the end and misses it */
        column = *at == '\n' ? 1 : column + 1;
        line += *at == '\n';
    }
    return trouble_set(trouble, "com.fasterxml.jackson.core.JsonParseException", "Unexpected end-of-input or character: no valid JSON%s%d, column: %d]",
                       where, line, column);
}

static const char *shown(const struct json *value)
{
    return value->type == JSON_NUMBER || value->type == JSON_TEXT ? value->text : "another value";
}

bool tool_json_object(const struct json *value, struct trouble *trouble)
{
    return value->type == JSON_OBJECT || trouble_set(trouble, MAPPING, "Expected JSON object, received %s", shown(value));
}

bool tool_json_array(const struct json *value, struct trouble *trouble)
{
    return value->type == JSON_ARRAY || trouble_set(trouble, MAPPING, "Expected JSON array, received %s", shown(value));
}

bool tool_json_member(const struct json *item, const char *name, const struct json **out, struct trouble *trouble)
{
    *out = json_get(item, name);
    return *out || trouble_set(trouble, MAPPING, "No such field exists: `%s`", name);
}

bool tool_json_text(const struct json *value, const char **out, struct trouble *trouble)
{
    if (value->type != JSON_TEXT)
        return trouble_set(trouble, MAPPING, "Expected `String` value, received %s", shown(value));
    *out = value->text;
    return true;
}

bool tool_json_i32(const struct json *value, int32_t *out, struct trouble *trouble)
{
    int64_t number;

    if (!json_i64(value, &number) || number < INT32_MIN || number > INT32_MAX)
        return trouble_set(trouble, MAPPING, "Expected `Integer` value, received %s", shown(value));
    *out = (int32_t)number;
    return true;
}

bool tool_json_i64(const struct json *value, int64_t *out, struct trouble *trouble)
{
    return json_i64(value, out) || trouble_set(trouble, MAPPING, "Expected `Long` value, received %s", shown(value));
}
