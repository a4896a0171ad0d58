/* Rows printed as a table, CSV or JSON lines, as --mode says. Values are collected first, so that columns fit; foreign text is escaped. */
#pragma once
#include "shell/command.h"

struct listing;
struct listing *listing_new(struct call *call, int columns, const char *const *names);
void listing_add(struct listing *rows, const struct value *values);   /* `columns` of them, copied */
void listing_free(struct listing *rows);                               /* without printing */
size_t listing_count(const struct listing *rows);
void listing_print(struct listing *rows);                              /* prints and frees */
