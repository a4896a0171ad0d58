/* The partition folders that real brokers left, below tests/golden/segments. */
#pragma once
#include "tests/log/lab.h"

enum { MOST_GOLDEN_FILES = 64 };
struct golden {
    char dir[200];                        /* "segments/2.7.0-plain/plain-0" */
    char *names[MOST_GOLDEN_FILES];       /* its files, sorted */
    size_t count;
    enum release release;
};
void golden_open(struct golden *golden, const char *name);   /* "2.7.0-plain" */
void golden_done(struct golden *golden);
/* A file of it, whole; the caller frees it. */
uint8_t *golden_file(const struct golden *golden, const char *file, size_t *size);
/* Names of all golden partition folders: "2.7.0-plain", ... */
size_t golden_names(char *names[MOST_GOLDEN_FILES]);
/* A lab of that release, at a time after all captures, with the topic's id. */
struct lab *golden_lab(const struct golden *golden);
/* The same, at a time of one's own. */
struct lab *golden_lab_at(const struct golden *golden, int64_t now_ms);
/* Puts the files into the lab's folder. */
void golden_copy(const struct golden *golden, struct lab *lab);
/* Every batch of its .log files, as its producer sent it: base offset 0 and no leader epoch. */
void golden_feed(const struct golden *golden, struct lab *lab);
/* The batch of magic 2 as a producer with our encoder sends it who knows its records: times as before LogAppendTime. The builder owns it. */
struct bytes golden_as_sent(struct batch_builder *builder, const struct batch *stored, int codec);
/* Are the lab's files these? Those whose names match `except` (NULL: none) aside. */
void golden_compare(const struct golden *golden, struct lab *lab, const char *except);
