/* The cleaner's memory: for each key the offset of its newest record. Keys are known by their MD5 only, as in Kafka, so two keys of one MD5 count as
 * one key. MD5 is our own here: glibc has none, and a crypto library for one old hash would be one more package. Private to sim/log.
 * Source: Kafka's SkimpyOffsetMap; RFC 1321. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/bytes.h"

enum { MD5_SIZE = 16, OFFSET_MAP_SLOT = MD5_SIZE + 8 };
void md5(struct bytes data, uint8_t out[MD5_SIZE]);

struct offset_map {
    uint8_t *slots;            /* MD5, offset; all zero: empty */
    uint32_t slot_count;
    uint32_t most;             /* keys that it takes */
    uint32_t count;
    int64_t latest_offset;     /* all up to here is covered; -1: nothing yet */
};
/* `memory_bytes` and `load_factor` bound the keys as in Kafka; no more slots are made than `most_keys` could need. */
void offset_map_init(struct offset_map *map, int64_t memory_bytes, double load_factor, int64_t most_keys);
void offset_map_done(struct offset_map *map);
/* False: full, nothing was taken (also not where the key is known already, as Kafka looks at the count first). */
bool offset_map_put(struct offset_map *map, struct bytes key, int64_t offset);
int64_t offset_map_get(const struct offset_map *map, struct bytes key);   /* -1: not seen */
