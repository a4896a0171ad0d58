/* A grid of cells: what a pane draws on. It knows no terminal; screen.c puts it on one by ncurses, a test reads it as text. Meaning
 * never hangs on a style alone. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "sim/base/text.h"

enum style { STYLE_PLAIN, STYLE_DIM, STYLE_STRONG, STYLE_TITLE /* a bar in reverse */, STYLE_ACTIVE, STYLE_CLOSED, STYLE_DELETED, STYLE_WARNING, STYLE_KEY, STYLES };

struct cell {
    char text[8];          /* one character in UTF-8 with NUL; "" right of a wide one */
    uint8_t style;
};
struct grid {
    int rows, columns;
    bool ascii;            /* no UTF-8 on this terminal */
    struct cell *cells;
};
void grid_init(struct grid *grid, int rows, int columns, bool ascii);
void grid_done(struct grid *grid);
void grid_clear(struct grid *grid);
/* Text from (row, column), cut at the edge; what can't be shown is escaped. Returns the column after it. */
int grid_put(struct grid *grid, int row, int column, enum style style, const char *format, ...) __attribute__((format(printf, 5, 6)));
/* The same, ending at `column` (exclusive). */
void grid_right(struct grid *grid, int row, int column, enum style style, const char *format, ...) __attribute__((format(printf, 5, 6)));
void grid_fill(struct grid *grid, int row, int from, int to, enum style style, const char *character);
/* All rows as lines without spaces at their ends. */
void grid_text(const struct grid *grid, struct text *out);
