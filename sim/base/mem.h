/* Memory. Running out of it ends the program with one line on stderr: no caller checks for NULL.
 * An arena is memory that lives as long as one piece of work, a request for instance, and is given back at once. */
#pragma once
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void *mem_alloc(size_t size);
void *mem_zero(size_t size);                       /* zeroed */
void *mem_zero_array(size_t count, size_t size);   /* zeroed; ends the program if count * size overflows */
void *mem_resize(void *old, size_t size);
void *mem_copy(const void *data, size_t size);     /* NULL for size 0 */
char *mem_text(const char *text);                  /* NULL stays NULL */
char *mem_text_size(const char *data, size_t size);
char *mem_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *mem_vprintf(const char *format, va_list args) __attribute__((format(printf, 1, 0)));
void mem_free(void *p);                            /* accepts NULL */

/* Makes room for one more in a growing array: ARRAY_ADD(items, count, capacity) = value; */
#define ARRAY_ADD(items, count, capacity)                                                        \
    (*((items) = mem_grow((items), (count), &(capacity), sizeof(*(items))), &(items)[(count)++]))
void *mem_grow(void *items, size_t count, size_t *capacity, size_t item_size);

struct arena {
    struct arena_block *block; /* newest first */
    size_t used;               /* bytes handed out from the newest */
    size_t total;              /* bytes handed out in all */
};
void arena_init(struct arena *arena);
void arena_done(struct arena *arena);
void arena_reset(struct arena *arena); /* frees all but one block */
void *arena_alloc(struct arena *arena, size_t size);   /* zeroed, aligned for any type */
char *arena_text(struct arena *arena, const char *data, size_t size); /* a copy that ends with NUL */
char *arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
