/* A history: a cluster, its topics, its clients, and small steps at moments of virtual time. It is a text, so it can be kept, cut down and played again;
 * a seed writes one. */
#pragma once
#include "sim/sim.h"

enum step_kind {
    STEP_ORDER,      /* sim/order.h: "broker kill 1" */
    STEP_SEND,       /* a producer gets so many records to send */
    STEP_BREAK,      /* all connections of a client break; what was asked is done, its answer is lost */
    STEP_START,      /* a consumer begins, anew if it ended; a simulated producer does, once */
    STEP_CLOSE,      /* it ends as one should */
    STEP_DROP,       /* it vanishes */
    STEP_ELECT,      /* "t0 0": its preferred leader, by ElectLeaders */
    STEP_REASSIGN,   /* "t0 0 1,2,3": it goes there, by AlterPartitionReassignments */
    STEP_CREATE,     /* "t0": as its line says, after it was deleted */
    STEP_DELETE,     /* "t0" */
    STEP_PARTITIONS, /* "t0 5": so many from now on */
    STEP_CONFIG,     /* "t0 retention.ms=1000" */
    STEP_REMOVE,     /* "t0 0 60": DeleteRecords up to 60 % of what can be read; over 100: beyond, which is refused */
    STEP_KINDS
};
struct step {
    int64_t at_ms;
    enum step_kind kind;
    char *who;                        /* a client; the words of an order, or of what is asked of the controller */
    int32_t count;
};
struct history_topic {
    char *name, *settings;            /* "min.insync.replicas=2 ..." */
    int32_t partitions;
    int16_t factor;
};
struct history_client {
    char *name, *topics, *settings;   /* "t0,t1" */
    char *group;                      /* NULL: a producer */
};
/* One that the product itself simulates, by `producer start`, with simulated.rate=, simulated.keys= ... among its settings; the others are of the history. */
bool history_simulated(const struct history_client *client);
struct history {
    enum release release;
    int32_t brokers;
    uint64_t seed;                    /* of the cluster */
    char *settings;                   /* of all brokers */
    struct history_topic *topics;
    size_t topic_count, topic_capacity;
    struct history_client *clients;
    size_t client_count, client_capacity;
    struct step *steps;               /* in order of time */
    size_t step_count, step_capacity;
    int64_t end_ms;                   /* from here on all is healed and started */
};
void history_done(struct history *history);
void history_copy(struct history *to, const struct history *from);
void history_print(const struct history *history, struct text *out);
enum err history_parse(struct history *out, const char *text, struct reason *reason);
/* The history of a seed: of 2.7 where it is odd, else of 4.3. */
void history_generate(struct history *out, uint64_t seed);

/* "key=value key=value" */
void settings_read(const char *settings, struct config_map *out);
bool settings_have(const char *settings, const char *pair);            /* "acks=all" */
bool topics_have(const char *topics, const char *name);
