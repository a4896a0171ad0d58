/* Rows made when a query begins, for tables that are small: what a table's `open` then returns; its next, get and close are those below. */
#pragma once
#include "sim/base/mem.h"
#include "sim/base/table.h"

struct rows {
    struct arena arena;            /* texts of the rows */
    struct value *values;
    size_t columns, count, capacity, at; /* at: of the row after the present one */
};
struct rows *rows_new(const struct table *table);
struct value *rows_add(struct rows *rows);                 /* a new row, all null; valid until the next */
struct value rows_text(struct rows *rows, const char *text); /* a copy that lives with the rows */
struct value value_known(int64_t number);                  /* negative ones and INT64_MAX are null */
/* table's next, get, close */
bool rows_next(void *cursor);
struct value rows_get(void *cursor, int column);
void rows_close(void *cursor);
/* Does the query want this text or number in a column? */
bool wants_text(const struct constraint *constraints, size_t count, int column, const char *text);
bool wants_int(const struct constraint *constraints, size_t count, int column, int64_t number);
