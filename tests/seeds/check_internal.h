/* What the checkers' files share: check.c (samples), check_leaders.c (what the controller says), check_committed.c (what is committed, and where it may be missing), check_start.c
 * (log starts), check_clients.c (what clients tell), check_groups.c (requests and answers), check_files.c (the end). */
#pragma once
#include "tests/seeds/check.h"

enum { MOST_SEEN_BROKERS = 16 };

struct seen_batch {
    int64_t base, last, max_timestamp_ms;
    int32_t epoch, size;
    uint64_t sum;
    int64_t before;                   /* bytes of all committed batches before it */
};
struct seen_record {                  /* by offset */
    uint64_t key, sum;                /* key 0: none; sum: of all that it holds */
    int64_t newer;                    /* the next of the same key; -1: none is committed yet */
    int64_t committed_ms;
    int32_t client;                   /* whose it is: an index of the history's; -1: the cluster's own */
    uint32_t number;
    bool tombstone;
};

struct seen_replica {                 /* at the last sample */
    const struct partition *partition;/* NULL: its broker is down, or does not have it */
    int64_t start, end, high_watermark, verified; /* verified: from its start to here the log is what was committed */
    int64_t start_since_us;
    bool start_by_segment;            /* it went up since segments went */
    int64_t kept_start;               /* what its folder must know if its broker comes back with it; 0: nothing */
    int32_t epoch;
    int64_t epoch_since_us;
    bool leads;
    int64_t behind_since_us;          /* in sync, and lacks something of its leader's since then; 0: it does not */
    int32_t known_isr, known_isr_before; /* of one that leads: how many it knows to be in sync; and at the sample before */
};

/* What the settings of a topic promise, whatever they are changed to in a history: of all values the one that promises least. */
struct promise {
    int32_t least_in_sync;            /* min.insync.replicas */
    bool unclean;                     /* unclean elections are allowed */
    bool deletes, compacts;           /* cleanup.policy */
    int64_t retention_ms, retention_bytes, delete_retention_ms; /* -1: no limit */
    bool fickle;                      /* it is deleted, and made again */
};

struct seen_partition {               /* of one topic id */
    char *topic;
    struct uuid id;
    int32_t number;
    bool internal;
    struct promise promise;
    bool lossy;                       /* an unclean election happened, or a disk lost what it need not keep: nothing is promised any more */
    int64_t since_us;                 /* seen since then */
    bool image_seen, going, gone;     /* the controller told of it; its topic is to be deleted (2.7), is deleted */
    struct seen_batch *batches;       /* committed, from offset 0 */
    size_t batch_count, batch_capacity;
    struct seen_record *records;
    size_t record_count, record_capacity;
    struct seen_key { uint64_t key; int64_t newest; } *keys; /* open addressing; newest -1: free */
    size_t key_count, key_room;
    struct seen_last { int64_t number, offset; } *last; /* by client: of its records the one of the highest number; -1 */
    int64_t committed;
    int64_t removed;                  /* all below was taken by retention or by DeleteRecords, at some replica */
    int64_t asked_removed;            /* so far DeleteRecords was asked for */
    int64_t active_base;              /* the greatest that a replica's active segment had: cleaners stay below it */
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
    const struct seen_partition *found; /* where it was committed last */
    int64_t found_at, acked_us;
    enum { SENT_WAITS, SENT_ACKED, SENT_FAILED } state;
};
struct seen_client {
    const struct history_client *line;
    bool idempotent, no_retries, all, simulated;
    struct sent *sent;
    size_t sent_count, sent_capacity;
    struct seen_position { char *topic; int32_t partition; int64_t offset; } *positions; /* of a consumer: what it read last since it was assigned */
    size_t position_count, position_capacity;
};
struct seen_group {                   /* of consumers, and what they read of a partition */
    const char *name;
    struct seen_reading {
        char *topic;
        int32_t partition;
        bool *records;                /* by offset: it was read */
        size_t size, capacity;
        size_t read;                  /* all below it were read */
    } *readings;
    size_t reading_count, reading_capacity;
};
struct told {                         /* by a client, since the last sample */
    bool read;                        /* else acknowledged */
    size_t client;
    int32_t producer;                 /* whose record it is */
    uint32_t number;
    char *topic;
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
    int64_t skew_ms[MOST_SEEN_BROKERS]; /* by index: the furthest ahead that its clock was put */
    bool only_held;                   /* followers were held at most, nothing else was ever broken */
    bool powerless;                   /* a disk may lose what was not flushed, and not all is */
    bool power_went;
    bool disk_broken[MOST_SEEN_BROKERS]; /* some time: what it keeps may be older than what its broker knew */
    int64_t start_checkpoint_us, first_checkpoint_us; /* log.flush.start.offset.checkpoint.interval.ms; how long after a broker's start */
    int64_t up_since_us[MOST_SEEN_BROKERS];
    struct seen_client *clients;
    struct seen_group *groups;
    size_t group_count;
    struct told *told;
    size_t told_count, told_capacity;
    struct group_watch *group_watch;
};

/* The one that there is now, or was last; made if `id` is new. */
struct seen_partition *checks_partition(struct checks *checks, const char *topic, struct uuid id, int32_t number);
/* From the newest topic of that name to the oldest; `seen` NULL: the first. */
struct seen_partition *checks_next_named(const struct checks *checks, const char *topic, int32_t number, const struct seen_partition *seen);
/* Whose record it is, by its value, or a tombstone by its header; -1: nobody's. And whether it has the value that its producer gave it. */
int32_t checks_producer(const struct checks *checks, struct bytes value, const struct header *headers, int32_t header_count, uint32_t *number);
bool checks_value_is(const struct checks *checks, size_t client, uint32_t number, struct bytes value);
const struct history_topic *checks_topic(const struct checks *checks, const char *name);
uint64_t checks_sum(const void *data, size_t size);
int64_t checks_setting(const char *settings, const char *key, int64_t preset);                        /* a number */
int32_t checks_broker_id(const struct checks *checks, size_t index);
size_t checks_broker_index(const struct checks *checks, int32_t id);
bool checks_contains(const int32_t *ids, int32_t count, int32_t id);
bool checks_calm(const struct checks *checks);

/* check_committed.c */
struct promise checks_promise(const struct checks *checks, const char *topic);
/* The leader shows more: that is what must be everywhere from now on. */
void checks_extend(struct checks *checks, struct seen_partition *seen, const struct partition *leader, int64_t high_watermark, int32_t id);
/* A replica's log up to `upto` is what was committed, or lacks what may be missing. */
void checks_verify(struct checks *checks, struct seen_partition *seen, struct seen_replica *replica, int64_t upto, int32_t id);
/* That batch of replica `id` is the committed one, as a cleaner may have left it. */
bool checks_batch(struct checks *checks, const struct seen_partition *seen, const struct batch *batch, int32_t id);
/* The first offset in [from, to) that is committed and may not be missing at a log that begins at `start`; `to`: there is none. */
int64_t checks_must_be(const struct checks *checks, const struct seen_partition *seen, int64_t from, int64_t to, int64_t start);

/* check_start.c: a replica's log start moved. */
void checks_start_moved(struct checks *checks, struct seen_partition *seen, size_t index, int64_t start);
void checks_start_found(struct checks *checks, struct seen_partition *seen, size_t index, int64_t start); /* its broker came up with it */
void checks_start_watch(struct checks *checks);
void checks_start_unwatch(struct checks *checks);

/* check_leaders.c */
void checks_sample_controller(struct checks *checks);
void checks_epochs_watch(struct checks *checks);   /* of fetches */
void checks_epochs_unwatch(struct checks *checks);
void checks_note_leader(struct checks *checks, struct seen_partition *seen, int32_t epoch, int32_t leader);
const struct image_partition *checks_known(const struct image *image, const struct seen_partition *seen); /* NULL: its topic is not there */

void checks_clients_new(struct checks *checks);
void checks_clients_free(struct checks *checks);
void checks_clients_sample(struct checks *checks);
struct seen_reading *checks_reading(struct checks *checks, const char *group, const char *topic, int32_t partition); /* NULL: no such group */
bool checks_may_skip(const struct checks *checks, const char *topic, int32_t partition, int64_t from, int64_t to);
struct group_watch *group_watch_new(struct checks *checks);
void group_watch_free(struct group_watch *watch);
