/* kafka-consumer-groups in parts: the command line, lists and deletions (kafka_consumer_groups.c), describing
 * (kafka_groups_describe.c), resetting (kafka_groups_reset.c), and the requests that they share (kafka_groups_ask.c).
 */
#pragma once
#include "shell/java_order.h"
#include "shell/tool_admin.h"

struct groups {
    struct call *call;
    struct tool_options *options;
    struct tool_admin admin;
    int status; /* of who printed the usage in the middle of things; else 0 */
};
struct spot { /* a partition of a group, with what is known of it */
    const char *topic;
    int32_t partition;
    int64_t committed; /* -1: nothing */
    int32_t epoch;     /* of the leader, committed with it; -1: none */
    int64_t offset;    /* looked up, or to be set */
};
struct spots {
    struct spot *items;
    size_t count, capacity;
};
struct member {
    const char *id, *instance, *host, *client;
    struct spots assigned, target;
    int32_t epoch; /* -1: of the classic protocol */
};
struct group {
    const char *name, *state, *assignor;
    int32_t coordinator;
    int32_t epoch, target_epoch; /* -1: of the classic protocol */
    struct member *members;
    size_t member_count;
};
struct listing {
    const char *name, *state, *type;
};

static inline bool groups_old(const struct groups *groups)
{
    return release_is_27(call_release(groups->call));
}
/* "\nError: ...\n" on stdout, as the tool prints it. */
void groups_error(struct groups *groups, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Around what a future threw: 2.7 an ExecutionException, 4.3 mostly one more RuntimeException around that. Returns
 * false. */
bool groups_future(struct groups *groups, bool runtime, struct trouble *trouble);

/* kafka_groups_ask.c */
struct spot *spots_add(struct spots *spots, const char *topic, int32_t partition);
struct spot *spots_find(const struct spots *spots, const char *topic, int32_t partition);
/* Adds those of "0,1" (which is cut up) in `argument`, "topic:0,1". False: IllegalArgumentException. */
bool groups_partitions(const struct groups *groups, const char *argument, const char *topic, char *list, struct spots *spots, struct trouble *trouble);
void spots_done(struct spots *spots);
void spots_reorder(struct spots *spots, size_t *order); /* frees `order` */
uint32_t *spots_hashes(const struct spots *spots);      /* the caller's */
/* As a Java or Scala map of this release hands them out. */
void spots_order_map(const struct groups *groups, struct spots *spots);
void spots_sort_partitions(struct spots *spots);
/* Consumer groups in the order in which the tool gets them; filters are lists with commas or NULL. */
bool groups_list(struct groups *groups, const char *states, const char *types, struct listing **out, size_t *count,
                 struct trouble *trouble);
/* The groups that --group or --all-groups name. */
bool groups_named(struct groups *groups, const char ***names, size_t *count, struct trouble *trouble);
bool groups_describe_one(struct groups *groups, const char *name, struct group *out, struct trouble *trouble);
void groups_group_done(struct group *group);
bool groups_committed(struct groups *groups, const char *group, struct spots *out, struct trouble *trouble);
bool groups_commit(struct groups *groups, const char *group, const struct spots *spots, struct trouble *trouble);
bool groups_delete_one(struct groups *groups, const char *group, struct trouble *trouble);
/* Errors of partitions in spots' `epoch`; *code: of the whole. */
bool groups_delete_spots(struct groups *groups, const char *group, struct spots *spots, int16_t *code,
                         struct trouble *trouble);
/* Looks up `timestamp` (-1, -2, a time) of each into `offset`. */
bool groups_lookup(struct groups *groups, struct spots *spots, int64_t timestamp, struct trouble *trouble);
/* The partitions of a topic are added; false with the client's exception, not wrapped. */
bool groups_topic(struct groups *groups, const char *topic, struct spots *spots, struct trouble *trouble);

/* the other parts */
bool groups_describe(struct groups *groups, struct trouble *trouble);
bool groups_reset(struct groups *groups, struct trouble *trouble);
