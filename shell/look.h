/* Looking at the cluster, for why, the view and lessons: nothing here changes anything. */
#pragma once
#include "sim/sim.h"

/* The leading replica of a partition; NULL: unknown, or no leader. */
struct partition *look_leader(const struct lab *lab, const char *topic, int32_t partition);
/* "students-0" into topic (the caller's) and partition; false: it is no such name. */
bool look_parse(const char *text, char **topic, int32_t *partition);
/* The first look of retention (with compact: of the cleaner) at a partition at or after a moment, both by its broker's clock; INT64_MAX: never. */
int64_t look_check_after_ms(const struct partition *partition, int64_t ms);
/* A time of day, with the date where it is far from now. */
void look_clock(const struct lab *lab, int64_t ms, struct text *out);

/* A group's place in one partition. */
struct look_lag {
    int64_t committed, end, lag, deleted, readable;
};
bool look_lag(const struct lab *lab, const struct group_offset *offset, struct look_lag *out); /* false: no such partition, nothing committed */
/* The clients from outside, each once however many connections it has (same address and client.id; beyond `most` every connection counts). */
size_t look_clients(const struct lab *lab, struct connection_info *out, size_t most);
