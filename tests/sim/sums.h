/* What a lab came to: all entries of its journal as text, and a line with a sha256 for each of its files. */
#pragma once
#include "sim/sim.h"

struct sums;
struct sums *sums_new(struct lab *lab);
void sums_free(struct sums *sums);
/* `files` NULL: they are not looked at. */
void sums_take(struct sums *sums, struct text *events, struct text *files);
/* A line for each file below `folder`: its sha256 without the zeros at its end, its size, its path; sorted. */
void sum_folder(struct fs *fs, const char *folder, struct text *out);
