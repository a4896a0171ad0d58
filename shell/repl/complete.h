/* Completion: what may stand at the cursor, from the command's own table and from the lab. */
#pragma once
#include "shell/command.h"

typedef void complete_add(void *context, const char *name);
/* Names of a kind from the lab (topics, groups, brokers, tables, columns "table.column", files ...). `prefix` matters for files only. */
void complete_from_lab(struct lab *lab, enum complete kind, const char *prefix, complete_add *add, void *context);
/* Candidates for the word that stands at `start` of `line` and reads `word` so far; *files: the system's file names may follow. */
void complete_at(struct session *session, const char *line, size_t start, const char *word, complete_add *add, void *context, bool *files);
/* The kind after those of command.h that only this file asks for: all "table.column" there are. */
enum { COMPLETE_COLUMN = 100 };
