/* A cluster with files in memory, for tests. */
#pragma once
#include "sim/base/mem.h"
#include "sim/cluster/cluster.h"
#include "sim/cluster/group.h"
#include "sim/cluster/partition.h"
#include "tests/harness.h"

struct cluster_lab {
    struct queue *queue;
    struct fs *fs;
    struct random random;
    struct journal *journal;
    struct config_map settings;
    struct cluster_options options;
    struct cluster *cluster;
    struct reason reason;
};
/* START: 2026-01-01T10:00:00Z. `settings`: "key=value key=value" of all brokers. */
#define LAB_START_US 1767261600000000
struct cluster_lab *cluster_lab_new(enum release release, int32_t brokers, const char *settings);
struct cluster_lab *cluster_lab_new_seeded(enum release release, int32_t brokers, const char *settings, uint64_t seed);
/* Of 4.3, with so many voters. */
struct cluster_lab *cluster_lab_new_quorum(int32_t brokers, int32_t controllers, uint64_t seed);
/* Each broker has so many log dirs. */
struct cluster_lab *cluster_lab_new_dirs(enum release release, int32_t brokers, int32_t log_dirs, const char *settings);
void cluster_lab_free(struct cluster_lab *lab);
void cluster_lab_reopen(struct cluster_lab *lab, bool clean);
void cluster_lab_advance_ms(struct cluster_lab *lab, int64_t ms);
enum err cluster_lab_create(struct cluster_lab *lab, const char *name, int32_t partitions, int16_t factor, const char *configs);
enum err cluster_lab_alter(struct cluster_lab *lab, const char *topic, const char *key, const char *value);
struct partition *cluster_lab_leader(struct cluster_lab *lab, const char *topic, int32_t partition);
/* One batch of `records` records of `size` bytes each, stamped now. */
enum err cluster_lab_append(struct cluster_lab *lab, const char *topic, int32_t partition, int records, int size, int16_t acks);
/* Names in a folder that match, comma separated; the caller frees. */
char *cluster_lab_files(struct cluster_lab *lab, const char *dir, const char *pattern);
#define CHECK_FILES(lab, dir, pattern, expected)                          \
    do {                                                                  \
        char *files_ = cluster_lab_files((lab), (dir), (pattern));        \
        CHECK_TEXT((expected), files_);                                   \
        mem_free(files_);                                                 \
    } while (0)
/* How many entries of this kind the journal has. */
int cluster_lab_entries(const struct cluster_lab *lab, enum event_kind kind);
