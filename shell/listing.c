/* Tables as people, spreadsheets and programs want them. */
#include "shell/listing.h"

#include <string.h>

enum { WIDEST = 80 };

struct listing {
    struct call *call;
    int columns;
    char **names;
    struct value *cells;     /* text owned */
    size_t count, capacity;  /* in cells */
};

struct listing *listing_new(struct call *call, int columns, const char *const *names)
{
    struct listing *rows = mem_zero(sizeof(*rows));

    rows->call = call;
    rows->columns = columns;
    rows->names = mem_zero_array((size_t)columns + 1, sizeof(*rows->names));
    for (int i = 0; i < columns; i++)
        rows->names[i] = mem_text(names[i]);
    return rows;
}

void listing_add(struct listing *rows, const struct value *values)
{
    for (int i = 0; i < rows->columns; i++) {
        struct value value = values[i];

        if (value.type == VALUE_TEXT || value.type == VALUE_BLOB)
            value.text = mem_text_size(value.text ? value.text : "", value.size);
        ARRAY_ADD(rows->cells, rows->count, rows->capacity) = value;
    }
}

size_t listing_count(const struct listing *rows)
{
    return rows->columns ? rows->count / (size_t)rows->columns : 0;
}

static void cell_text(const struct value *value, struct text *out)
{
    switch (value->type) {
    case VALUE_INT:
        text_printf(out, "%lld", (long long)value->integer);
        break;
    case VALUE_REAL:
        text_printf(out, "%.10g", value->real);
        break;
    case VALUE_TEXT:
    case VALUE_BLOB:
        text_escaped(out, (struct bytes){ (const uint8_t *)value->text, value->size });
        break;
    default:
        break;
    }
}

static bool right(const struct value *value)
{
    return value->type == VALUE_INT || value->type == VALUE_REAL;
}

static void print_table(struct listing *rows, struct text *out)
{
    size_t columns = (size_t)rows->columns;
    int *widths = mem_zero_array(columns + 1, sizeof(*widths));
    struct text cell = { 0 };

    for (size_t i = 0; i < columns; i++)
        widths[i] = text_width(rows->names[i]);
    for (size_t i = 0; i < rows->count; i++) {
        int width;

        text_clear(&cell);
        cell_text(&rows->cells[i], &cell);
        width = text_width(text_chars(&cell));
        if (width > widths[i % columns])
            widths[i % columns] = width > WIDEST && i % columns + 1 < columns ? WIDEST : width;
    }
    for (size_t i = 0; i < columns; i++) {
        bool numbers = rows->count > i && right(&rows->cells[i]);
        int pad = widths[i] - text_width(rows->names[i]);

        text_printf(out, "%*s%s%*s", numbers ? pad : 0, "", rows->names[i], !numbers && i + 1 < columns ? pad : 0, "");
        text_add(out, i + 1 < columns ? "  " : "\n");
    }
    for (size_t i = 0; i < rows->count; i++) {
        size_t column = i % columns;
        int pad;

        text_clear(&cell);
        cell_text(&rows->cells[i], &cell);
        pad = widths[column] - text_width(text_chars(&cell));
        if (pad < 0)
            pad = 0;
        text_printf(out, "%*s%s%*s", right(&rows->cells[i]) ? pad : 0, "", text_chars(&cell),
                    !right(&rows->cells[i]) && column + 1 < columns ? pad : 0, "");
        text_add(out, column + 1 < columns ? "  " : "\n");
    }
    text_done(&cell);
    mem_free(widths);
}

static void csv_cell(const char *text, struct text *out)
{
    if (!strpbrk(text, ",\"\n\r")) {
        text_add(out, text);
        return;
    }
    text_char(out, '"');
    for (; *text; text++) {
        if (*text == '"')
            text_char(out, '"');
        text_char(out, *text);
    }
    text_char(out, '"');
}

static void print_csv(struct listing *rows, struct text *out)
{
    size_t columns = (size_t)rows->columns;
    struct text cell = { 0 };

    for (size_t i = 0; i < columns; i++) {
        csv_cell(rows->names[i], out);
        text_char(out, i + 1 < columns ? ',' : '\n');
    }
    for (size_t i = 0; i < rows->count; i++) {
        text_clear(&cell);
        cell_text(&rows->cells[i], &cell);
        csv_cell(text_chars(&cell), out);
        text_char(out, i % columns + 1 < columns ? ',' : '\n');
    }
    text_done(&cell);
}

static void print_json(struct listing *rows, struct text *out)
{
    size_t columns = (size_t)rows->columns;

    for (size_t i = 0; i < rows->count; i++) {
        const struct value *value = &rows->cells[i];

        text_char(out, i % columns ? ',' : '{');
        text_json(out, bytes_text(rows->names[i % columns]));
        text_char(out, ':');
        if (value->type == VALUE_TEXT || value->type == VALUE_BLOB)
            text_json(out, (struct bytes){ (const uint8_t *)value->text, value->size });
        else if (value->type == VALUE_NULL)
            text_add(out, "null");
        else
            cell_text(value, out);
        if (i % columns + 1 == columns)
            text_add(out, "}\n");
    }
}

void listing_print(struct listing *rows)
{
    struct text out = { 0 };

    if (rows->columns) {
        if (rows->call->session->mode == PRINT_JSON)
            print_json(rows, &out);
        else if (rows->call->session->mode == PRINT_CSV)
            print_csv(rows, &out);
        else
            print_table(rows, &out);
    }
    call_write(rows->call, text_chars(&out), out.size);
    text_done(&out);
    listing_free(rows);
}

void listing_free(struct listing *rows)
{
    for (size_t i = 0; i < rows->count; i++)
        if (rows->cells[i].type == VALUE_TEXT || rows->cells[i].type == VALUE_BLOB)
            mem_free((void *)rows->cells[i].text);
    for (int i = 0; i < rows->columns; i++)
        mem_free(rows->names[i]);
    mem_free(rows->names);
    mem_free(rows->cells);
    mem_free(rows);
}
