/* Sentences that fit the terminal: broken at spaces, what follows indented below. Nothing is broken where nobody looks (a pipe, a file). */
#pragma once
#include "shell/session.h"

/* Bytes of `text` that stand on one line of `width` columns; *next: where the one after it begins (its end, if that was all). */
int prose_line(const char *text, int width, const char **next);
/* Prints text whose lines may be longer than the terminal; below an indented one it goes on two columns further right. */
void prose_write(struct call *call, const char *text);
void prose_print(struct call *call, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same to where errors go. */
void prose_error(struct call *call, const char *text);
/* "head: command": a line to type that would be broken at the edge of `columns` (under 40: none) goes on behind a backslash, so that it can be copied as it stands. */
void prose_command(struct text *out, int columns, const char *head, const char *command);
