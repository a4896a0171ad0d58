/* Which brokers get the replicas of new partitions: as Kafka's controllers decide it, and its tools that propose plans. */
#pragma once
#include "sim/base/err.h"
#include "sim/base/random.h"
#include "sim/base/release.h"

struct placement_broker { int32_t id; const char *rack; bool fenced; };
struct placement {
    const struct placement_broker *brokers; /* sorted by id */
    int32_t broker_count;
    int32_t first_partition, partition_count;
    int16_t replication_factor;
    int32_t fixed_start;                    /* 2.7, adding partitions: index of the first broker of partition 0; -1 */
    enum release release;
};
/* Fills `out` with partition_count * replication_factor ids. */
enum err placement_make(const struct placement *placement, struct random *random, int32_t *out, struct reason *reason);
