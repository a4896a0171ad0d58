/* Simulated clients: producers and consumers that live in a lab, in its virtual time, over connections in process. They are part of the cluster's
 * history: what they do follows from the orders that started and ended them (sim/order_client.c: `producer start ...`), so a replay has them again
 * and nothing that they send is an input. Each has chance of its own, forked from the cluster's by its name. A producer's record number N (from 1)
 * has the key and the value told by simulated_key() and simulated_value(), so whoever checks a history knows them from the number. */
#pragma once
#include "sim/base/table.h"
#include "sim/clients/consumer.h"
#include "sim/clients/producer.h"

struct simulated_clients;             /* all those of a lab: lab_simulated() of sim/sim.h */
struct simulated_client;
enum simulated_kind { SIMULATED_PRODUCER, SIMULATED_CONSUMER };
enum simulated_state {
    SIMULATED_RUNNING,
    SIMULATED_STOPPING,               /* a clean end: what is buffered is sent, offsets are committed, the group is left */
    SIMULATED_STOPPED,                /* it ended so */
    SIMULATED_DONE,                   /* a producer that has sent its --count and closed */
    SIMULATED_KILLED,                 /* it vanished: no farewell, nothing flushed */
    SIMULATED_FAILED,                 /* it ended by an error that its library does not retry: simulated_info.error */
};
const char *simulated_state_name(enum simulated_state state);
static inline bool simulated_lives(enum simulated_state state) { return state == SIMULATED_RUNNING || state == SIMULATED_STOPPING; }

enum { SIMULATED_MOST_NAME = 48, SIMULATED_MOST_CLIENTS = 200, SIMULATED_MOST_SIZE = 1 << 20 };
struct simulated_options {            /* texts are borrowed during the call */
    const char *name;                 /* 1..SIMULATED_MOST_NAME of [a-zA-Z0-9._-], none that lives; also the client.id */
    const char *topic;                /* of a consumer: one or more, separated by commas */
    const struct config_map *config;  /* Kafka's settings of the producer or consumer, beside those below; NULL: none */
    /* a producer */
    double rate;                      /* records a second, over 0 */
    int64_t count;                    /* of records, then it closes; 0: for ever */
    int64_t keys;                     /* record N has key "k(N mod keys)"; 0: none has a key */
    int32_t size;                     /* bytes of a value, which is filled up with dots; 0: as short as it is */
    int32_t partition;                /* -1: the partitioner chooses */
    /* a consumer */
    const char *group;
    int64_t slow_us;                  /* so long it works on each record before it polls again */
};
void simulated_options_default(struct simulated_options *options);

/* What happens to a client, for whoever checks a history; each call comes inside the event. All functions may be NULL. */
struct simulated_record {
    const char *client;               /* whose record it is told of */
    uint64_t number;                  /* the producer's own, from 1; of a consumed record as its value says, 0: it is no simulated producer's */
    const char *topic;
    int32_t partition;                /* -1: none was chosen yet */
    int64_t offset;                   /* -1: not known (acks=0, failed) */
    int64_t timestamp_ms;
    enum err err;                     /* of failed() */
    struct bytes key, value;          /* of consumed() only; borrowed */
    int32_t leader_epoch;             /* of consumed() only */
};
struct simulated_client_watch {
    void (*sent)(void *context, const struct simulated_record *record);     /* the library took it: from now on it is acknowledged or fails (or its client is killed) */
    void (*acked)(void *context, const struct simulated_record *record);    /* in order within a partition; acks=0: it was written to the connection */
    void (*failed)(void *context, const struct simulated_record *record);   /* it may be in the log nevertheless, as in Kafka */
    void (*consumed)(void *context, const struct simulated_record *record); /* poll gave it */
    /* What the rebalance listener is told: `assigned` those that are new to it, `revoked` those it gives up; `lost`: it was thrown out, others may have
     * them already. generation: of the group as the member knows it then (-1: none). */
    void (*assigned)(void *context, const char *client, const struct consumer_position *partitions, size_t count, int32_t generation);
    void (*revoked)(void *context, const char *client, const struct consumer_position *partitions, size_t count, int32_t generation, bool lost);
    void (*committed)(void *context, const char *client, const char *group, const struct consumer_position *positions, size_t count); /* the broker said so */
    void (*ended)(void *context, const char *client, enum simulated_state state);
    void *context;
};
void simulated_watch(struct simulated_clients *clients, const struct simulated_client_watch *watch); /* a copy is kept; NULL: no more */

/* Content of record `number`; the text is put into `out`. */
size_t simulated_value(const char *name, uint64_t number, int32_t size, char *out, size_t most);  /* "p1-000123", "p1-000123......" */
size_t simulated_key(uint64_t number, int64_t keys, char *out, size_t most);                      /* "k7" */
/* "p1-000123....": the producer's name and the number; false: it is no such value. */
bool simulated_parse(struct bytes value, struct bytes *name, uint64_t *number);

/* What is known of one, for its row in the table `clients`. Texts are the client's. */
struct simulated_info {
    const char *name, *topic, *group; /* group NULL: a producer */
    enum simulated_kind kind;
    enum simulated_state state;
    const char *error;                /* "" */
    int64_t started_us, ended_us;     /* ended_us -1: it lives */
    double rate;
    int64_t slow_us;
    uint64_t sent, acknowledged, failed, retries;          /* records; retries: batches sent again */
    size_t in_flight;                 /* produce or fetch requests */
    size_t buffered_bytes;            /* of buffer.memory */
    uint64_t consumed, duplicates, out_of_order;           /* of a consumer: records; those it saw before; those behind a later one of the same producer */
    int64_t lag;                      /* -1: not known */
    size_t assigned;                  /* partitions */
    int32_t generation;               /* -1 */
    uint64_t rebalances;
    const char *last_error;           /* the last batch's or poll's, by Kafka's name; "" */
};

/* ---- for the lab ---- */
struct simulated_env {                /* borrowed for its life */
    struct wire *wire;
    struct queue *queue;
    struct random *random;            /* the cluster's */
    struct journal *journal;
    enum release release;
};
struct simulated_clients *simulated_new(const struct simulated_env *env);
void simulated_free(struct simulated_clients *clients);    /* those that live vanish */
void simulated_register_tables(struct simulated_clients *clients, struct tables *tables);
/* ERR_INVALID_REQUEST: the name is taken or no name; ERR_INVALID_CONFIG with Kafka's words. */
enum err simulated_start(struct simulated_clients *clients, enum simulated_kind kind, const struct simulated_options *options, struct reason *reason);
/* One of that name and kind; the one that lives before those that ended. NULL: none. */
struct simulated_client *simulated_find(const struct simulated_clients *clients, enum simulated_kind kind, const char *name);
enum err simulated_stop(struct simulated_client *client, struct reason *reason);
enum err simulated_kill(struct simulated_client *client, struct reason *reason);
enum err simulated_slow(struct simulated_client *client, int64_t us, struct reason *reason);   /* a producer: so long between two records, 0: as before */
size_t simulated_count(const struct simulated_clients *clients);
const struct simulated_client *simulated_at(const struct simulated_clients *clients, size_t i); /* in order of starting */
void simulated_info(const struct simulated_client *client, struct simulated_info *out);
