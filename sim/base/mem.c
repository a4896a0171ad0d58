/* Memory that never answers NULL, and arenas. */
#include "sim/base/mem.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *check(void *p, size_t size)
{
    if (!p && size) {
        fprintf(stderr, "kafkarium: out of memory (%zu bytes asked)\n", size);
        abort();
    }
    return p;
}

void *mem_alloc(size_t size)
{
    return check(malloc(size ? size : 1), size);
}

void *mem_zero(size_t size)
{
    return check(calloc(1, size ? size : 1), size);
}

void *mem_zero_array(size_t count, size_t size)
{
    return check(calloc(count ? count : 1, size ? size : 1), count ? SIZE_MAX : 0);
}

void *mem_resize(void *old, size_t size)
{
    return check(realloc(old, size ? size : 1), size);
}

void *mem_copy(const void *data, size_t size)
{
    if (!size)
        return NULL;
    return memcpy(mem_alloc(size), data, size);
}

char *mem_text_size(const char *data, size_t size)
{
    char *copy = mem_alloc(size + 1);

    if (size)
        memcpy(copy, data, size);
    copy[size] = 0;
    return copy;
}

char *mem_text(const char *text)
{
    return text ? mem_text_size(text, strlen(text)) : NULL;
}

char *mem_vprintf(const char *format, va_list args)
{
    char *text = NULL;
    int size = vasprintf(&text, format, args);

    return check(size < 0 ? NULL : text, 1);
}

char *mem_printf(const char *format, ...)
{
    va_list args;
    char *text;

    va_start(args, format);
    text = mem_vprintf(format, args);
    va_end(args);
    return text;
}

void mem_free(void *p)
{
    free(p);
}

void *mem_grow(void *items, size_t count, size_t *capacity, size_t item_size)
{
    if (count < *capacity)
        return items;
    *capacity = *capacity ? *capacity * 2 : 8;
    return mem_resize(items, *capacity * item_size);
}

/* ---- arenas ---- */

enum { BLOCK_SIZE = 16 * 1024, ALIGN = 16 };

struct arena_block {
    struct arena_block *older;
    size_t size;
    _Alignas(ALIGN) uint8_t data[];
};

void arena_init(struct arena *arena)
{
    *arena = (struct arena){ 0 };
}

void arena_done(struct arena *arena)
{
    while (arena->block) {
        struct arena_block *older = arena->block->older;

        mem_free(arena->block);
        arena->block = older;
    }
    arena->used = arena->total = 0;
}

void arena_reset(struct arena *arena)
{
    struct arena_block *keep = arena->block;

    if (!keep)
        return;
    arena->block = keep->older;
    arena_done(arena);
    if (keep->size > BLOCK_SIZE * 16) {
        mem_free(keep);
        return;
    }
    keep->older = NULL;
    arena->block = keep;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    void *p;

    assert(size < SIZE_MAX - ALIGN);
    size = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if (!arena->block || arena->block->size - arena->used < size) {
        size_t block_size = size > BLOCK_SIZE ? size : BLOCK_SIZE;
        struct arena_block *block = mem_alloc(sizeof(*block) + block_size);

        block->size = block_size;
        block->older = arena->block;
        arena->block = block;
        arena->used = 0;
    }
    p = arena->block->data + arena->used;
    arena->used += size;
    arena->total += size;
    return memset(p, 0, size);
}

char *arena_text(struct arena *arena, const char *data, size_t size)
{
    char *copy = arena_alloc(arena, size + 1);

    if (size)
        memcpy(copy, data, size);
    return copy;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    char *text, *copy;

    va_start(args, format);
    text = mem_vprintf(format, args);
    va_end(args);
    copy = arena_text(arena, text, strlen(text));
    mem_free(text);
    return copy;
}
