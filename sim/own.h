/* What no setting of Kafka says of a lab's brokers: racks, how many log dirs each has, and whatever `broker add` gave them. It is kept among the lab's settings, in lab.db as in a recording, under keys that no
 * setting of Kafka has: "@racks" = "a,b,c" (broker i is in the i-th, going round), "@log-dirs" = "2", "@3" = "7" (the broker at index 3 was added, its id is 7), "@3:broker.rack" = "b". */
#pragma once
#include "sim/lab_internal.h"

bool own_key(const char *key);
/* Of a line of lab.db or a recording; ERR_INVALID_CONFIG: not of this form. */
enum err own_take(struct lab *lab, const char *key, const char *value, struct reason *reason);
void own_take_lines(struct lab *lab, const char *lines);        /* "KEY=VALUE\n..."; what is not of this form is passed over */
int32_t own_added(const struct config_map *map);                /* how many brokers it adds; NULL: none */
int32_t own_added_lines(const char *lines);
char *own_words(const char *lines);                             /* "--racks a,b --set num.io.threads=9": as options; the caller's */
char *own_without_added(const char *lines);                     /* the other lines; the caller's */
int32_t own_log_dirs(const struct lab *lab);                     /* of each broker; 1 where nobody said */
void own_of(const struct lab *lab, size_t index, int32_t *id, struct config_map *settings); /* sets what the broker at `index` has */
