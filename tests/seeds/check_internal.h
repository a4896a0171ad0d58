/* What the checkers' files share: check.c (samples), check_clients.c (what clients tell), check_groups.c (requests and answers), check_files.c (the end). */
#pragma once
#include "tests/seeds/check.h"

enum { MOST_SEEN_BROKERS = 16 };

struct seen_batch { int64_t base, last; int32_t epoch; uint64_t sum; };

struct seen_replica {                 /* at the last sample */
    const struct partition *partition;/* NULL: its broker is down, or does not have it */
    int64_t end, high_watermark, verified; /* verified: below it the log is what was committed */
    int32_t epoch;
    bool leads;
    int64_t behind_since_us;          /* in sync, and lacks something of its leader's since then; 0: it does not */
    int32_t known_isr, known_isr_before; /* of one that leads: how many it knows to be in sync; and at the sample before */
};

struct seen_partition {
    char *topic;
    int32_t number;
    int32_t least_in_sync;            /* min.insync.replicas, as it acts */
    bool internal, unclean;           /* unclean: its topic allows unclean elections */
    bool lossy;                       /* one happened, or a disk lost what it need not keep: nothing is promised any more */
    struct seen_batch *batches;       /* committed, from offset 0 */
    size_t batch_count, batch_capacity;
    int64_t committed;
    bool dirty;
    /* as the controller has it */
    int32_t leader, leader_epoch, partition_epoch, factor;
    int32_t isr[MOST_SEEN_BROKERS], isr_count;
    int32_t elr[MOST_SEEN_BROKERS], elr_count;   /* eligible leader replicas: they too have all that is committed */
    int32_t last_leader;              /* the last known one, of a partition without any of these; -1 */
    int32_t *epoch_leaders;           /* by epoch: the broker seen leading; -1 */
    size_t epoch_count, epoch_capacity;
    struct seen_replica replicas[MOST_SEEN_BROKERS]; /* by index of the broker */
};

struct sent {
    int32_t partition;
    int64_t offset;
    enum { SENT_WAITS, SENT_ACKED, SENT_FAILED } state;
};
struct seen_client {
    const struct history_client *line;
    bool idempotent, no_retries, all;
    struct sent *sent;
    size_t sent_count, sent_capacity;
};
struct seen_group {                   /* of consumers, and what they read of a partition */
    const char *name;
    struct seen_reading {
        struct seen_partition *partition;
        struct read_record { int32_t client; uint32_t number; } *records; /* by offset: whose it is; client -1: not read yet */
        size_t size, capacity;
        size_t read;                  /* all below it were read */
    } *readings;
    size_t reading_count, reading_capacity;
};
struct told {                         /* by a client, since the last sample */
    bool read;                        /* else acknowledged */
    size_t client;
    uint32_t number;                  /* of a record that is acknowledged */
    int32_t partition;
    int64_t offset;
};

struct checks {
    struct lab *lab;
    const struct history *history;
    struct failure failure;
    struct checks_counts counts;
    struct seen_partition **partitions;
    size_t count, capacity;
    int64_t image_offset;
    size_t broker_count;
    struct seen_place { const struct partition *partition; struct seen_partition *seen; } *places[MOST_SEEN_BROKERS]; /* as broker_partition_at() has them */
    size_t place_count[MOST_SEEN_BROKERS];
    int64_t heard[MOST_SEEN_BROKERS]; /* each broker's image's offset */
    int64_t calm_from_us;             /* nothing is broken from here on; NEVER_US: something is */
    int64_t lag_us;                   /* replica.lag.time.max.ms */
    int64_t looked_us;                /* for those behind */
    bool only_held;                   /* followers were held at most, nothing else was ever broken */
    bool powerless;                   /* a disk may lose what was not flushed, and not all is */
    struct seen_client *clients;
    struct seen_group *groups;
    size_t group_count;
    struct told *told;
    size_t told_count, told_capacity;
    struct group_watch *group_watch;
};

struct seen_partition *checks_partition(struct checks *checks, const char *topic, int32_t number);
int32_t checks_producer(const struct checks *checks, struct bytes value, uint32_t *number);  /* whose record it is; -1 */
const struct history_topic *checks_topic(const struct checks *checks, const char *name);
uint64_t checks_sum(const void *data, size_t size);
void checks_clients_new(struct checks *checks);
void checks_clients_free(struct checks *checks);
void checks_clients_sample(struct checks *checks);
struct group_watch *group_watch_new(struct checks *checks);
void group_watch_free(struct group_watch *watch);
