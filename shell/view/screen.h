/* A grid on a terminal: by ncurses on the program's own, by escape sequences on one that is elsewhere (a joined terminal). */
#pragma once
#include "shell/session.h"
#include "shell/view/grid.h"

struct screen;
/* The program's own terminal, which `stream` prints on: ncurses takes it over until screen_close(). */
struct screen *screen_open(struct stream *stream);
struct screen *screen_open_elsewhere(struct stream *stream, bool ascii, bool colours);
void screen_close(struct screen *screen);
/* The size at this moment; also after a resize. */
void screen_size(struct screen *screen, int *rows, int *columns);
bool screen_ascii(const struct screen *screen);
/* Shows what differs from the last time. cursor_row -1: no cursor. */
void screen_show(struct screen *screen, const struct grid *grid, int cursor_row, int cursor_column);
/* Ctrl-Z: gives the terminal back and stops the process; on its return takes it again. Nothing on a terminal elsewhere. */
void screen_suspend(struct screen *screen);
