/* hexdump: hexdump.c has the command and plain bytes, hexdump_fields.c the fields of files that Kafka knows, from the tables that describe them. */
#pragma once
#include "shell/commands/dump_log.h"

struct hexdump {
    struct dump dump;            /* reads the file, prints, yields */
    int64_t from, to;            /* only what lies between */
    bool all;                    /* no long value is cut */
    int across;                  /* bytes a line */
    int columns;                 /* of the terminal; 0: no line is broken */
};
/* Shows the file field by field, if it is one of Kafka's; *known tells. False: trouble in hexdump->dump, or interrupted. */
bool hexdump_file(struct hexdump *hexdump, struct dump_file *file, bool *known);
/* Bytes at `at`, `across` a line, with their characters; the same line again is one star. */
void hexdump_bytes(struct hexdump *hexdump, int64_t at, struct bytes bytes);
