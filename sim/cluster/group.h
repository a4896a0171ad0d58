/* The group coordinator: classic protocol, dynamic and static members, committed offsets on a real __consumer_offsets, reloaded
 * when its partition gets a leader here. Answers come by a callback, at once or later. Source: Kafka's GroupCoordinator (2.7),
 * GroupMetadataManager/ClassicGroup (4.3).
 * Strings and bytes of requests are borrowed during the call; those of answers during the callback. */
#pragma once
#include "sim/base/bytes.h"
#include "sim/base/fields.h"
#include "sim/cluster/cluster.h"

/* Partition of __consumer_offsets and the broker leading it. ERR_COORDINATOR_NOT_AVAILABLE: the topic is missing (it is being made) or leaderless. */
enum err group_coordinator_of(struct broker *broker, const char *group, int32_t *coordinator, struct reason *reason);
/* For who only looks: makes nothing. */
enum err group_coordinator_look(const struct broker *broker, const char *group, int32_t *coordinator, struct reason *reason);

struct group_protocol { const char *name; struct bytes metadata; };
struct group_join {
    const char *group, *member_id, *instance_id /* NULL */, *client_id, *client_host /* "/127.0.0.1" */;
    const char *protocol_type;
    const struct group_protocol *protocols;
    int32_t protocol_count;
    int32_t session_timeout_ms, rebalance_timeout_ms;
    bool needs_member_id;              /* JoinGroup v4+: an empty member id is answered by MEMBER_ID_REQUIRED */
    bool supports_skip_assignment;     /* v9+ */
    struct timers *timers;             /* the member's clock: of its connection; outlives the member or is replaced by group_move_timers */
};
struct group_join_member { const char *member_id, *instance_id; struct bytes metadata; };
struct group_joined {
    enum err err;
    int32_t generation;                /* -1 on error */
    const char *protocol_type, *protocol, *leader, *member_id;
    bool skip_assignment;
    const struct group_join_member *members;  /* for the leader */
    int32_t member_count;
};
/* A parked call: lies in its owner (a request) until done; forget it if the connection goes. */
struct group_call {
    void (*joined)(void *context, const struct group_joined *answer);
    void (*synced)(void *context, enum err err, const char *protocol_type, const char *protocol, struct bytes assignment);
    void (*committed)(void *context);  /* the errors stand in the request's partitions */
    void *context;
    void *parked;                      /* the coordinator's; NULL when not parked */
};
void group_call_forget(struct group_call *call);

void group_join(struct broker *broker, const struct group_join *join, struct group_call *call);
struct group_sync {
    const char *group, *member_id, *instance_id, *protocol_type, *protocol; /* NULL: not given */
    int32_t generation;
    const struct group_assignment { const char *member_id; struct bytes assignment; } *assignments;
    int32_t assignment_count;
};
void group_sync(struct broker *broker, const struct group_sync *sync, struct group_call *call);
enum err group_heartbeat(struct broker *broker, const char *group, const char *member_id, const char *instance_id, int32_t generation);
enum err group_leave(struct broker *broker, const char *group, const char *member_id, const char *instance_id, const char *reason);

struct group_offset {                  /* one partition of a commit, a fetch or a delete */
    const char *topic;
    int32_t partition;
    int64_t offset;                    /* -1: none */
    int32_t leader_epoch;              /* -1 */
    const char *metadata;              /* "" */
    enum err err;                      /* out */
};
struct group_commit {
    const char *group, *member_id, *instance_id;
    int32_t generation;                /* -1: not a member */
    int64_t retention_ms;              /* v2-4; -1 */
    struct group_offset *offsets;
    int32_t count;
};
void group_commit(struct broker *broker, struct group_commit *commit, struct group_call *call);
/* offsets NULL: all that the group committed, allocated in `arena`. */
enum err group_fetch_offsets(struct broker *broker, const char *group, struct group_offset **offsets, int32_t *count, struct arena *arena);

enum group_state { GROUP_EMPTY, GROUP_PREPARING_REBALANCE, GROUP_COMPLETING_REBALANCE, GROUP_STABLE, GROUP_DEAD };
const char *group_state_name(enum group_state state); /* "PreparingRebalance" */
struct group_member_info {
    const char *member_id, *instance_id, *client_id, *client_host;
    struct bytes metadata, assignment;
    int32_t session_timeout_ms, rebalance_timeout_ms;
    bool wall_clock;
};
struct group_info {
    const char *group, *protocol_type, *protocol, *leader; /* "" where none */
    enum group_state state;
    int32_t generation, coordinator;
    const struct group_member_info *members;  /* in the arena */
    int32_t member_count;
};
/* GROUP_DEAD for one that is not known (as DescribeGroups answers). */
enum err group_describe(struct broker *broker, const char *group, struct arena *arena, struct group_info *out);
/* All groups that this broker coordinates, in no order worth showing. */
enum err group_list(struct broker *broker, struct arena *arena, struct group_info **out, int32_t *count);
enum err group_delete(struct broker *broker, const char *group);
enum err group_delete_offsets(struct broker *broker, const char *group, struct group_offset *offsets, int32_t count);
/* Expires a member as if its session had ended; moves all wall-clock sessions on by `us`. */
enum err group_expire_member(struct cluster *cluster, const char *group, const char *member_id, struct reason *reason);
void group_advance_wall(struct cluster *cluster, int64_t us);
/* The member speaks over a connection of another clock (it was read from disk, or connected anew): its session goes on there. */
void group_move_timers(struct broker *broker, const char *group, const char *member_id, struct timers *timers);
/* The clock of members read from disk until they speak; NULL (as at start): they have no session until then. */
void groups_use_wall(struct cluster *cluster, struct timers *wall);
void group_connection_gone(struct cluster *cluster, struct timers *timers, struct timers *instead); /* members keep living on `instead` */

/* Inside: what the rest of cluster calls. */
struct groups;
struct groups *groups_new(struct broker *broker);
void groups_free(struct groups *groups);
struct groups *broker_groups(const struct broker *broker);
void groups_partition_led(struct groups *groups, int32_t offsets_partition, int32_t leader_epoch); /* load it */
void groups_partition_resigned(struct groups *groups, int32_t offsets_partition);
int64_t groups_next_expiry_us(const struct groups *groups);                  /* the next check that may expire an offset; INT64_MAX: none */
void groups_topic_deleted(struct groups *groups, const char *topic);
void groups_register_tables(struct cluster *cluster, struct tables *tables);  /* groups members offsets */
