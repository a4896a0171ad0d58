/* Rows made when a query begins. */
#include "sim/base/rows.h"

#include <string.h>

struct rows *rows_new(const struct table *table)
{
    struct rows *rows = mem_zero(sizeof(*rows));

    arena_init(&rows->arena);
    while (table->columns[rows->columns].name)
        rows->columns++;
    return rows;
}

struct value *rows_add(struct rows *rows)
{
    if (rows->count == rows->capacity) {
        rows->capacity = rows->capacity ? rows->capacity * 2 : 16;
        rows->values = mem_resize(rows->values, rows->capacity * rows->columns * sizeof(*rows->values));
    }
    for (size_t i = 0; i < rows->columns; i++)
        rows->values[rows->count * rows->columns + i] = value_null();
    return &rows->values[rows->count++ * rows->columns];
}

struct value rows_text(struct rows *rows, const char *text)
{
    return text ? value_text(arena_text(&rows->arena, text, strlen(text))) : value_null();
}

struct value value_known(int64_t number)
{
    return number == INT64_MAX || number < 0 ? value_null() : value_int(number);
}

bool rows_next(void *cursor)
{
    struct rows *rows = cursor;

    return rows->at++ < rows->count;
}

struct value rows_get(void *cursor, int column)
{
    struct rows *rows = cursor;

    return rows->values[(rows->at - 1) * rows->columns + (size_t)column];
}

void rows_close(void *cursor)
{
    struct rows *rows = cursor;

    arena_done(&rows->arena);
    mem_free(rows->values);
    mem_free(rows);
}

bool wants_text(const struct constraint *constraints, size_t count, int column, const char *text)
{
    const struct value *value = constraint_equal(constraints, count, column);

    return !value || (value->type == VALUE_TEXT && strcmp(value->text, text) == 0);
}

bool wants_int(const struct constraint *constraints, size_t count, int column, int64_t number)
{
    const struct value *value = constraint_equal(constraints, count, column);

    return !value || value->type != VALUE_INT || value->integer == number;
}
