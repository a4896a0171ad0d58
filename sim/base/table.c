/* The registry of virtual tables, and their values. */
#include "sim/base/table.h"

#include <string.h>

#include "sim/base/mem.h"

struct value value_null(void)
{
    return (struct value){ .type = VALUE_NULL };
}

struct value value_int(int64_t v)
{
    return (struct value){ .type = VALUE_INT, .integer = v };
}

struct value value_real(double v)
{
    return (struct value){ .type = VALUE_REAL, .real = v };
}

struct value value_text(const char *text)
{
    return text ? (struct value){ .type = VALUE_TEXT, .text = text, .size = strlen(text) } : value_null();
}

struct value value_blob(const void *data, size_t size)
{
    return data ? (struct value){ .type = VALUE_BLOB, .text = data, .size = size } : value_null();
}

const struct value *constraint_equal(const struct constraint *constraints, size_t count, int column)
{
    for (size_t i = 0; i < count; i++)
        if (constraints[i].column == column && constraints[i].op == CONSTRAINT_EQ)
            return &constraints[i].value;
    return NULL;
}

struct registered {
    const struct table *table;
    void *context;
};

struct tables {
    struct registered *rows;
    size_t count, capacity;
};

struct tables *tables_new(void)
{
    return mem_zero(sizeof(struct tables));
}

void tables_free(struct tables *tables)
{
    if (!tables)
        return;
    mem_free(tables->rows);
    mem_free(tables);
}

void tables_add(struct tables *tables, const struct table *table, void *context)
{
    ARRAY_ADD(tables->rows, tables->count, tables->capacity) = (struct registered){ table, context };
}

size_t tables_count(const struct tables *tables)
{
    return tables->count;
}

const struct table *tables_get(const struct tables *tables, size_t i, void **context)
{
    if (i >= tables->count)
        return NULL;
    if (context)
        *context = tables->rows[i].context;
    return tables->rows[i].table;
}

const struct table *tables_find(const struct tables *tables, const char *name, void **context)
{
    for (size_t i = 0; i < tables->count; i++)
        if (!strcmp(tables->rows[i].table->name, name))
            return tables_get(tables, i, context);
    return NULL;
}
