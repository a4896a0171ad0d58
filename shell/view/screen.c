/* Two ways to put a grid on a terminal. */
#include "shell/view/screen.h"

#include <curses.h>
#include <langinfo.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "shell/repl/terminal.h"

struct screen {
    struct stream *stream;
    bool own, ascii, colours;
    SCREEN *curses;
    struct grid shown;         /* on a terminal elsewhere: what stands there */
};

static const char *const escapes[STYLES] = { /* on a terminal elsewhere */
    [STYLE_PLAIN] = "\x1b[0m",        [STYLE_DIM] = "\x1b[0;2m",        [STYLE_STRONG] = "\x1b[0;1m",
    [STYLE_TITLE] = "\x1b[0;7m",      [STYLE_ACTIVE] = "\x1b[0;1;32m",  [STYLE_CLOSED] = "\x1b[0;34m",
    [STYLE_DELETED] = "\x1b[0;2;35m", [STYLE_WARNING] = "\x1b[0;1;33m", [STYLE_KEY] = "\x1b[0;1m",
};
static const char *const plain_escapes[STYLES] = { /* NO_COLOR */
    [STYLE_PLAIN] = "\x1b[0m",     [STYLE_DIM] = "\x1b[0;2m",    [STYLE_STRONG] = "\x1b[0;1m",
    [STYLE_TITLE] = "\x1b[0;7m",   [STYLE_ACTIVE] = "\x1b[0;1m", [STYLE_CLOSED] = "\x1b[0m",
    [STYLE_DELETED] = "\x1b[0;2m", [STYLE_WARNING] = "\x1b[0;1m", [STYLE_KEY] = "\x1b[0;1m",
};

static bool wants_colour(void)
{
    const char *no = getenv("NO_COLOR");

    return !no || !*no;
}

static void begin_curses(struct screen *screen)
{
    screen->curses = newterm(NULL, stdout, stdin);
    if (!screen->curses) {
        screen->own = false;
        return;
    }
    terminal_full_screen(true);
    set_term(screen->curses);
    raw();
    noecho();
    nonl();
    curs_set(0);
    screen->colours = wants_colour() && has_colors();
    if (screen->colours) {
        start_color();
        use_default_colors();
        init_pair(STYLE_ACTIVE, COLOR_GREEN, -1);
        init_pair(STYLE_CLOSED, COLOR_BLUE, -1);
        init_pair(STYLE_DELETED, COLOR_MAGENTA, -1);
        init_pair(STYLE_WARNING, COLOR_YELLOW, -1);
    }
    clear();
    refresh();
}

struct screen *screen_open(struct stream *stream)
{
    struct screen *screen = mem_zero(sizeof(*screen));

    screen->stream = stream;
    screen->own = true;
    screen->ascii = strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
    begin_curses(screen);
    return screen;
}

struct screen *screen_open_elsewhere(struct stream *stream, bool ascii, bool colours)
{
    struct screen *screen = mem_zero(sizeof(*screen));

    screen->stream = stream;
    screen->ascii = ascii;
    screen->colours = colours;
    stream->write(stream, "\x1b[?1049h\x1b[2J\x1b[?25l", 18);
    return screen;
}

void screen_close(struct screen *screen)
{
    if (!screen)
        return;
    if (screen->curses) {
        set_term(screen->curses);
        curs_set(1);
        endwin();
        delscreen(screen->curses);
        terminal_full_screen(false);
    } else {
        screen->stream->write(screen->stream, "\x1b[0m\x1b[?25h\x1b[?1049l", 18);
    }
    grid_done(&screen->shown);
    mem_free(screen);
}

void screen_size(struct screen *screen, int *rows, int *columns)
{
    struct winsize size;

    *rows = screen->stream->rows > 0 ? screen->stream->rows : 24;
    *columns = screen->stream->columns > 0 ? screen->stream->columns : 80;
    if (screen->own && !ioctl(1, TIOCGWINSZ, &size) && size.ws_row && size.ws_col) {
        *rows = size.ws_row;
        *columns = size.ws_col;
    }
}

bool screen_ascii(const struct screen *screen)
{
    return screen->ascii;
}

static attr_t curses_style(const struct screen *screen, enum style style)
{
    attr_t attribute = screen->colours && (style == STYLE_ACTIVE || style == STYLE_CLOSED || style == STYLE_DELETED || style == STYLE_WARNING)
                           ? (attr_t)COLOR_PAIR(style)
                           : A_NORMAL;

    switch (style) {
    case STYLE_DIM:
        return A_DIM;
    case STYLE_STRONG:
    case STYLE_KEY:
        return A_BOLD;
    case STYLE_TITLE:
        return A_REVERSE;
    case STYLE_ACTIVE:
    case STYLE_WARNING:
        return attribute | A_BOLD;
    default:
        return attribute;
    }
}

static void show_curses(struct screen *screen, const struct grid *grid, int cursor_row, int cursor_column)
{
    int rows, columns;

    set_term(screen->curses);
    getmaxyx(stdscr, rows, columns);
    if (rows != grid->rows || columns != grid->columns) {
        resizeterm(grid->rows, grid->columns);
        clear();
    }
    for (int row = 0; row < grid->rows; row++) {
        for (int column = 0; column < grid->columns; column++) {
            const struct cell *cell = &grid->cells[row * grid->columns + column];

            if (!cell->text[0])
                continue;
            attrset(curses_style(screen, cell->style));
            mvaddstr(row, column, cell->text);
        }
    }
    curs_set(cursor_row >= 0);
    if (cursor_row >= 0)
        move(cursor_row, cursor_column);
    refresh();
}

static void show_escapes(struct screen *screen, const struct grid *grid, int cursor_row, int cursor_column)
{
    const char *const *style = screen->colours ? escapes : plain_escapes;
    struct text out = { 0 };
    bool whole = screen->shown.rows != grid->rows || screen->shown.columns != grid->columns;
    int last = -1;

    if (whole) {
        grid_done(&screen->shown);
        grid_init(&screen->shown, grid->rows, grid->columns, grid->ascii);
        text_add(&out, "\x1b[0m\x1b[2J");
    }
    for (int row = 0; row < grid->rows; row++) {
        bool placed = false;

        for (int column = 0; column < grid->columns; column++) {
            const struct cell *cell = &grid->cells[row * grid->columns + column];
            struct cell *was = &screen->shown.cells[row * grid->columns + column];

            if (!strcmp(cell->text, was->text) && cell->style == was->style) {
                placed = false;
                continue;
            }
            *was = *cell;
            if (!cell->text[0])
                continue;
            if (!placed)
                text_printf(&out, "\x1b[%d;%dH", row + 1, column + 1);
            placed = true;
            if (last != cell->style)
                text_add(&out, style[cell->style]);
            last = cell->style;
            text_add(&out, cell->text);
        }
    }
    if (cursor_row >= 0)
        text_printf(&out, "\x1b[0m\x1b[%d;%dH\x1b[?25h", cursor_row + 1, cursor_column + 1);
    else
        text_add(&out, "\x1b[0m\x1b[?25l");
    screen->stream->write(screen->stream, text_chars(&out), out.size);
    text_done(&out);
}

void screen_show(struct screen *screen, const struct grid *grid, int cursor_row, int cursor_column)
{
    if (screen->curses)
        show_curses(screen, grid, cursor_row, cursor_column);
    else
        show_escapes(screen, grid, cursor_row, cursor_column);
}

void screen_suspend(struct screen *screen)
{
    if (!screen->curses)
        return;
    set_term(screen->curses);
    endwin();
    kill(getpid(), SIGSTOP);
    clearok(curscr, TRUE);
    refresh();
}
