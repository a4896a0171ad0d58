/* Cells and how text falls on them. */
#include "shell/view/grid.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "sim/base/mem.h"

void grid_init(struct grid *grid, int rows, int columns, bool ascii)
{
    *grid = (struct grid){ .rows = rows < 1 ? 1 : rows, .columns = columns < 1 ? 1 : columns, .ascii = ascii };
    grid->cells = mem_zero_array((size_t)grid->rows * (size_t)grid->columns, sizeof(*grid->cells));
    grid_clear(grid);
}

void grid_done(struct grid *grid)
{
    mem_free(grid->cells);
    grid->cells = NULL;
}

void grid_clear(struct grid *grid)
{
    for (int i = 0; i < grid->rows * grid->columns; i++)
        grid->cells[i] = (struct cell){ " ", STYLE_PLAIN };
}

static int put_character(struct grid *grid, int row, int column, enum style style, const char *text, int size, int width)
{
    struct cell *cell = &grid->cells[row * grid->columns + column];

    if (size > (int)sizeof(cell->text) - 1)
        return column + width;
    memcpy(cell->text, text, (size_t)size);
    cell->text[size] = 0;
    cell->style = (uint8_t)style;
    if (width == 2 && column + 1 < grid->columns)
        cell[1] = (struct cell){ "", (uint8_t)style };
    return column + width;
}

static int put_text(struct grid *grid, int row, int column, enum style style, const char *text)
{
    struct text clean = { 0 };
    const char *at;

    text_escaped(&clean, bytes_text(text));
    if (row < 0 || row >= grid->rows || column < 0) {
        text_done(&clean);
        return column;
    }
    for (at = text_chars(&clean); *at;) {
        int size = (*at & 0x80) == 0 ? 1 : (*at & 0xe0) == 0xc0 ? 2 : (*at & 0xf0) == 0xe0 ? 3 : 4, width;
        char one[5] = "";

        memcpy(one, at, strnlen(at, (size_t)size));
        width = text_width(one);
        at += strlen(one);
        if (column + width > grid->columns)
            break;
        if (width == 0)
            continue;
        if (grid->ascii && size > 1)
            column = put_character(grid, row, column, style, "?", 1, 1);
        else
            column = put_character(grid, row, column, style, one, (int)strlen(one), width);
    }
    text_done(&clean);
    return column;
}

int grid_put(struct grid *grid, int row, int column, enum style style, const char *format, ...)
{
    va_list args;
    char *text;

    va_start(args, format);
    text = mem_vprintf(format, args);
    va_end(args);
    column = put_text(grid, row, column, style, text);
    mem_free(text);
    return column;
}

void grid_right(struct grid *grid, int row, int column, enum style style, const char *format, ...)
{
    va_list args;
    char *text;

    va_start(args, format);
    text = mem_vprintf(format, args);
    va_end(args);
    column -= text_width(text);
    put_text(grid, row, column < 0 ? 0 : column, style, text);
    mem_free(text);
}

void grid_fill(struct grid *grid, int row, int from, int to, enum style style, const char *character)
{
    if (row < 0 || row >= grid->rows)
        return;
    for (int column = from < 0 ? 0 : from; column < to && column < grid->columns; column++)
        put_character(grid, row, column, style, character, (int)strlen(character), 1);
}

void grid_text(const struct grid *grid, struct text *out)
{
    for (int row = 0; row < grid->rows; row++) {
        size_t start = out->size;

        for (int column = 0; column < grid->columns; column++)
            text_add(out, grid->cells[row * grid->columns + column].text);
        while (out->size > start && out->data[out->size - 1] == ' ')
            out->data[--out->size] = 0;
        text_char(out, '\n');
    }
}
