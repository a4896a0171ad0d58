/* kafka-reassign-partitions in parts: the command line and its actions (kafka_reassign_partitions.c), the plans in JSON files
 * (kafka_reassign_plan.c), what is asked and ordered of the brokers (kafka_reassign_ask.c), throttles (kafka_reassign_throttle.c). */
#pragma once
#include "shell/tool_admin.h"

struct broker_ids {
    int32_t *items;
    int32_t count;
};
/* A partition and where it is, or where it is to go. */
struct placed {
    const char *topic;
    int32_t partition;
    struct broker_ids replicas;
    const char **dirs;             /* of each replica; NULL: "any" */
    struct broker_ids adding, removing; /* of a move under way */
    size_t at;                     /* where it stood before the plan was sorted */
};
struct plan {                      /* in the arena, but for the array itself */
    struct placed *items;
    size_t count, capacity;
};
struct reassign {
    struct call *call;
    struct tool_options *options;
    struct tool_admin admin;
    struct arena file;             /* what was read before the client was made */
    bool zookeeper;                /* 2.7's --zookeeper */
};
bool reassign_is_old(const struct reassign *reassign);
/* kafka.common.AdminCommandFailedException, or 4.3's. */
bool reassign_refuse(const struct reassign *reassign, struct trouble *trouble, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* A failure that the tool words itself: printed without a trace. */
bool reassign_terse(struct trouble *trouble, const char *format, ...) __attribute__((format(printf, 2, 3)));

void plan_done(struct plan *plan);
/* In order of the names, each partition once: what was said last of it. */
void plan_sort(struct plan *plan);
struct placed *plan_find(const struct plan *sorted, const char *topic, int32_t partition); /* NULL: it is not there */
bool broker_ids_contain(const struct broker_ids *ids, int32_t id);
void broker_ids_add(struct arena *arena, struct broker_ids *ids, int32_t id);

/* ---- kafka_reassign_plan.c ---- */
bool plan_read(struct reassign *reassign, const char *path, struct plan *plan, struct trouble *trouble);
bool plan_check(struct reassign *reassign, const struct plan *plan, struct trouble *trouble); /* for --execute */
bool plan_has_dirs(const struct plan *plan);
/* {"topics": [{"topic": "foo"}]}; names in the arena. */
bool plan_read_topics(struct reassign *reassign, const char *path, const char ***topics, size_t *count, struct trouble *trouble);
/* As --reassignment-json-file takes it, on one line. */
void plan_print(struct reassign *reassign, const struct plan *plan);
/* "students-0,students-1" */
char *plan_names(const struct plan *plan);

/* ---- kafka_reassign_ask.c ---- */
struct metadata_response;
bool reassign_moves(struct reassign *reassign, const struct plan *only, struct plan *moves, struct trouble *trouble); /* `only` NULL: all */
/* Where all partitions of these topics are. `missing_is_fine`: unknown topics are left out. */
bool reassign_places(struct reassign *reassign, const char *const *topics, size_t count, bool missing_is_fine, struct plan *places,
                     struct trouble *trouble);
bool reassign_brokers(struct reassign *reassign, struct metadata_response **cluster, struct trouble *trouble);
/* Orders the moves, or calls them off; `what`: how the tool begins the list of what was refused. */
bool reassign_alter(struct reassign *reassign, const struct plan *plan, bool cancel, const char *what, struct trouble *trouble);
/* The dirs in which live brokers have these replicas: in placed.dirs, NULL where they have none. */
bool reassign_find_dirs(struct reassign *reassign, const struct metadata_response *cluster, struct plan *plan, struct trouble *trouble);
/* --execute with dirs: tries until the brokers have the replicas. */
bool reassign_move_dirs(struct reassign *reassign, const struct plan *plan, struct trouble *trouble);
/* Calls such moves off: back to where they are; *any: there were some. */
bool reassign_cancel_dirs(struct reassign *reassign, const struct plan *plan, bool *any, struct trouble *trouble);
/* What became of such moves: prints it; *running if one goes on. */
bool reassign_verify_dirs(struct reassign *reassign, const struct plan *plan, bool *running, struct trouble *trouble);

/* ---- kafka_reassign_throttle.c ---- */
bool reassign_throttle(struct reassign *reassign, const struct plan *moves, const struct plan *proposed, const struct plan *current, int64_t rate,
                       struct trouble *trouble);
bool reassign_throttle_dirs(struct reassign *reassign, const struct plan *proposed, int64_t rate, struct trouble *trouble);
bool reassign_clear_throttles(struct reassign *reassign, const struct plan *plan, struct trouble *trouble);
