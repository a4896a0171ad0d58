/* Whole labs, as sim.h opens them, with files in memory: requests in by connections, files out by their sums. */
#pragma once
#include "sim/base/mem.h"
#include "sim/log/batch.h"
#include "sim/sim.h"
#include "tests/harness.h"
#include "tests/sim/sums.h"
#include "tests/wire/wire_lab.h"

struct sim_lab {
    struct lab *lab;
    struct wire_lab ends;         /* its clients: wire_lab_client(&sim.ends, ...) */
    struct config_map settings;
};
/* In memory, no loop; `settings`: "key=value key=value". */
void sim_lab_open(struct sim_lab *sim, enum release release, int32_t brokers, uint64_t seed, const char *settings);
void sim_lab_open_with(struct sim_lab *sim, const struct lab_options *options);
void sim_lab_close(struct sim_lab *sim);
void sim_lab_hang_up(struct sim_lab *sim);        /* all connections of its clients */
void sim_lab_run_until(struct sim_lab *sim, int64_t at_us);
void sim_lab_advance_ms(struct sim_lab *sim, int64_t ms);

/* "key=value" of a topic; NULL: none. */
void sim_create_topic(struct wire_client *client, const char *name, int32_t partitions, int16_t factor, const char *config, const char *value);
void sim_alter_topic(struct wire_client *client, const char *name, const char *key, const char *value);
/* One batch of `count` records "TEXT" with this timestamp, acks=all; gives the base offset. */
int64_t sim_produce(struct wire_client *client, const char *topic, int32_t partition, const char *text, int count, int64_t timestamp_ms);
/* One record of this key; `value` NULL: a tombstone. */
int64_t sim_produce_keyed(struct wire_client *client, const char *topic, int32_t partition, const char *key, const char *value, int64_t timestamp_ms);

/* sum_folder() of one folder. The caller's. */
char *sim_file_sums(struct fs *fs, const char *folder);
/* Of all brokers of a lab. */
char *sim_lab_sums(const struct lab *lab);
/* All that the journal still has, a line each. */
char *sim_lab_events(const struct lab *lab);
