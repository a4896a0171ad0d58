/* How kafka-console-consumer prints a record: Kafka's formatters, by the names of their classes. */
#pragma once
#include "shell/tool_options.h"

struct console_format;
/* `name` NULL: the usual one. False: no such class (ClassNotFoundException). `config` is borrowed. */
bool console_format_new(struct console_format **out, struct call *call, const char *name, const struct config_map *config, struct trouble *trouble);
void console_format_free(struct console_format *format);
/* False: the record can't be read so, *trouble tells; what stands before is printed. */
bool console_format_write(struct console_format *format, const struct consumer_record *record, struct trouble *trouble);
/* The classes that a release's tool has, one after the other; NULL: no more. */
const char *console_format_class(enum release release, size_t i);
