/* A partition at a broker: one replica, leader or follower, with its log. Replication is real fetching between brokers over
 * the simulated network, in cluster's own structs. Source: Kafka's Partition, ReplicaManager. */
#pragma once
#include "sim/cluster/cluster.h"
#include "sim/log/log.h"

/* The replica of a partition that this broker hosts; NULL: it hosts none. */
struct partition *broker_partition(const struct broker *broker, const char *topic, int32_t partition);
size_t broker_partition_count(const struct broker *broker);
struct partition *broker_partition_at(const struct broker *broker, size_t i);   /* in no order worth showing */
struct log *partition_log(const struct partition *partition);
struct broker *partition_broker(const struct partition *partition);
const char *partition_topic(const struct partition *partition);
struct uuid partition_topic_id(const struct partition *partition);       /* a topic that is made again under the same name has another */
int32_t partition_number(const struct partition *partition);
bool partition_leads(const struct partition *partition);
int32_t partition_leader_epoch(const struct partition *partition);
/* What a client may read up to: high watermark, or with read_committed the last stable offset. */
int64_t partition_read_bound(const struct partition *partition, bool read_committed);
/* The line of cleaner-offset-checkpoint: the log is clean below it; -1: none. For log_decide_compaction(). */
int64_t partition_cleaner_offset(const struct partition *partition);
bool partition_uncleanable(const struct partition *partition);   /* the cleaner met an error there: not before the broker starts again */
/* The cleaner's look at which it will clean this log, if nothing is appended and nothing changed; INT64_MAX: none. */
int64_t partition_next_cleaning_us(const struct partition *partition);
/* A leader: the log end at which its epoch began; -1: it does not lead. */
int64_t partition_epoch_start_offset(const struct partition *partition);
/* KIP-392, RackAwareReplicaSelector: which follower in the client's rack a client that wants `fetch_offset` had better ask; -1: this leader itself. */
int32_t partition_preferred_read_replica(const struct partition *leader, const char *rack, int64_t fetch_offset);
/* Epoch of a request against ours: FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH; -1 skips. And NOT_LEADER_OR_FOLLOWER if it must lead. */
enum err partition_check(const struct partition *partition, int32_t request_leader_epoch, bool must_lead, struct reason *reason);

/* The checks of a leader and the append; with acks -1 NOT_ENOUGH_REPLICAS before anything is written. A high watermark that can move
 * moves within the call (replication factor 1). */
enum err partition_append(struct partition *partition, const struct log_append *append, int16_t acks, struct log_appended *out,
                          struct reason *reason);

/* With a slow disk (sim/base/files_faulty.h) an append counts as done only when the disk is: the high watermark waits for it, a follower's next fetch, and with
 * acks=1 the answer, until this moment; at most now where nothing is to be waited for. Reading waits for nothing. */
int64_t partition_written_us(const struct partition *partition);

/* Waiting for acks=all: done is called once, with ERR_OK, NOT_ENOUGH_REPLICAS_AFTER_APPEND or NOT_LEADER_OR_FOLLOWER. The timeout is the owner's.
 * Lies in its owner; may call done at once. */
struct commit_wait {
    void (*done)(void *context, enum err err);
    void *context;
    struct partition *partition;      /* set while it waits */
    int64_t offset;                   /* the high watermark must reach it */
    struct commit_wait *next, *previous;
};
void partition_await_commit(struct partition *partition, struct commit_wait *wait, int64_t high_watermark);
void partition_forget_commit(struct commit_wait *wait);

/* Told of each change that a waiting fetch cares about: high watermark or end moved, log start moved, leadership changed, gone. The owner looks
 * anew. It may take itself out inside the call. */
struct partition_watch {
    void (*changed)(void *context);
    void *context;
    struct partition *partition;      /* set while it watches */
    struct partition_watch *next, *previous;
};
void partition_watch(struct partition *partition, struct partition_watch *watch);
void partition_unwatch(struct partition_watch *watch);

/* DeleteRecords at a leader: raises the log start; -1 means up to the high watermark. The low watermark is the smallest log start offset
 * of the replicas whose brokers live; it may be below *required_offset until the followers have heard. */
enum err partition_delete_records(struct partition *partition, int64_t before_offset, int64_t *required_offset, int64_t *low_watermark,
                                  struct reason *reason);
/* Waiting for that: done is called once, with ERR_OK and the low watermark, or NOT_LEADER_OR_FOLLOWER and -1. The timeout is the owner's. */
struct deletion_wait {
    void (*done)(void *context, enum err err, int64_t low_watermark);
    void *context;
    struct partition *partition;      /* set while it waits */
    int64_t offset;
    struct deletion_wait *next, *previous;
};
void partition_await_deletion(struct partition *partition, struct deletion_wait *wait, int64_t offset);
void partition_forget_deletion(struct deletion_wait *wait);

/* What a leader decides about a follower: it leaves the ISR if its log ends elsewhere than the leader's and it was caught up last longer ago than the limit, strictly;
 * it joins if it has all that is committed, and where this leader's epoch begins, and is eligible (4.3: unfenced, not shutting down, and its fetches are of its
 * present life). Looked at each half of the limit for leaving, at each of its fetches for joining. */
struct isr_decision {
    int32_t follower;
    bool in_isr, leaves, joins, eligible;
    const char *rule;                 /* "replica.lag.time.max.ms" */
    int64_t log_end_offset, leader_end_offset; /* as the leader knows; -1: it did not fetch from this leader yet */
    int64_t last_caught_up_ms, now_ms, max_lag_ms;
    int64_t high_watermark, epoch_start_offset;
};
struct isr_decision partition_decide_follower(const struct partition *leader, int32_t follower);
/* When the leader will take it out of the ISR, if no fetch of it comes any more and nothing is appended; INT64_MAX: it will not (it lacks nothing, or is out). */
int64_t partition_follower_leaves_us(const struct partition *leader, int32_t follower);
/* Replication throttles: why a follower's records are left out at present: what passed, over which time, against leader. or follower.replication.throttled.rate.
 * False: nothing holds it back. `by_leader`: the leader leaves them out, else the follower. */
struct quota_decision { bool exceeded; int64_t bytes, window_ms, bound; double rate; };
bool partition_throttled(const struct partition *leader, int32_t follower, struct quota_decision *out, bool *by_leader);
/* `replica hold`: a follower's fetching stops as if its thread were stuck, while its broker lives on; of all its replicas (topic NULL), or of one. It ends with the broker. */
enum err broker_hold(struct broker *broker, const char *topic, int32_t partition, struct reason *reason);
enum err broker_release(struct broker *broker, const char *topic, int32_t partition, struct reason *reason);
bool partition_held(const struct partition *partition);                     /* by either */

/* The ISR that a leader counts with, which may be ahead of what its broker's image says; what it counts acks=all with: one that is about to join already counts. */
int32_t partition_isr_count(const struct partition *partition);
const int32_t *partition_isr(const struct partition *partition);
int32_t partition_maximal_isr_count(const struct partition *partition);

struct replica_info {                 /* for tables and the view: what a replica has, and what the leader that its controller names knows of it */
    int32_t broker;
    bool leader, in_isr;              /* as the controller has it */
    bool follows, held;               /* it fetches from a leader; `replica hold` keeps it from that */
    int32_t leader_epoch;             /* as this replica knows it; -1 */
    int64_t log_end_offset, log_start_offset, high_watermark; /* its own; -1: its broker is down */
    int64_t known_end_offset;         /* its log end as the leader knows it; -1 */
    int64_t last_caught_up_ms;        /* as its leader knows; -1 */
    int64_t lag;                      /* records that it lacks; -1: nobody knows */
    int64_t leaves_isr_us;            /* if it goes on like this; INT64_MAX: it does not */
};
size_t cluster_replicas(const struct cluster *cluster, const char *topic, int32_t partition, struct replica_info *out, size_t most);
