/* A coordinator and those who call it: what the tests of groups share. */
#pragma once
#include "tests/cluster/cluster_lab.h"

#define GROUP_SETTINGS "offsets.topic.replication.factor=1 group.initial.rebalance.delay.ms=0"

/* Somebody who calls, and remembers what was answered. */
struct caller {
    struct cluster_lab *lab;
    const char *name, *group, *instance_id;
    char member_id[100], leader[100], protocol[40], assignment[200];
    enum err err;
    int32_t generation, member_count, session_timeout_ms, rebalance_timeout_ms;
    bool skip_assignment;
    int joined_count, synced_count, committed_count;
    bool old_client;                     /* JoinGroup before v4 */
    struct timers timers;
    struct group_call join, sync, commit;
    struct group_commit request;
    struct group_offset offsets[4];
};

/* Of group "readers", a session of 45 s, a rebalance of 5 min, on virtual timers. */
void caller_init(struct caller *caller, struct cluster_lab *lab, const char *name);

/* Each calls the coordinator and lets 10 ms pass, but for caller_join_once() and caller_heartbeat(); what came back lies in the caller.
 * caller_join() asks again if it is given a member id first. */
void caller_join(struct caller *caller);
void caller_join_once(struct caller *caller, const char *protocol);
/* Keeps an answer; for a caller that does more with it. */
void caller_on_joined(void *context, const struct group_joined *answer);
/* caller_sync_alone: it leads and has partition 0 of "students". */
void caller_sync_with(struct caller *caller, const struct group_assignment *assignments, int32_t count);
void caller_sync_alone(struct caller *caller);
enum err caller_heartbeat(struct caller *caller);
enum err caller_leave(struct caller *caller);
enum err caller_commit(struct caller *caller, int32_t partition, int64_t offset);

/* One broker with a topic "students" of two partitions. */
struct cluster_lab *group_lab_new(enum release release);
void group_lab_run(struct cluster_lab *lab);
/* Made, if nobody asked for it before. */
struct broker *group_lab_coordinator(struct cluster_lab *lab, const char *group);
/* An assignment of version 0: one partition of "students". */
struct bytes group_lab_partition(uint8_t out[30], uint8_t partition);
int64_t group_lab_fetched(struct cluster_lab *lab, const char *group, int32_t partition);
int32_t group_lab_fetched_count(struct cluster_lab *lab, const char *group);
/* members: may be NULL */
enum group_state group_lab_state(struct cluster_lab *lab, const char *group, int32_t *members);
/* The journal's last of a kind, NULL: none. */
const struct entry *group_lab_last_entry(struct cluster_lab *lab, enum event_kind kind);
