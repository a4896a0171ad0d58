/* Rows printed as a table, CSV or JSON lines, as --mode says. Values are collected first, so that columns fit; foreign text is escaped. */
#pragma once
#include "shell/command.h"

struct rows;
struct rows *rows_new(struct call *call, int columns, const char *const *names);
void rows_add(struct rows *rows, const struct value *values);   /* `columns` of them, copied */
size_t rows_count(const struct rows *rows);
void rows_print(struct rows *rows);                              /* prints and frees */
