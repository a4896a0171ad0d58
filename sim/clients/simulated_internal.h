/* The inside of simulated clients: simulated.c (all of a lab), simulated_producer.c, simulated_consumer.c, simulated_table.c. */
#pragma once
#include "sim/base/mem.h"
#include "sim/base/text.h"
#include "sim/clients/simulated.h"

enum { SEEN_WINDOW = 8192, MOST_SEEN = 256, MOST_TOPICS = 32 };

/* What a consumer has seen of one producer in one partition: the highest number, and which of the last SEEN_WINDOW below it. */
struct seen {
    char *producer, *topic;
    int32_t partition;
    uint64_t highest;
    uint64_t bits[SEEN_WINDOW / 64];
};

struct simulated_client {
    struct simulated_client *next;
    struct simulated_clients *all;
    enum simulated_kind kind;
    enum simulated_state state;
    char *name, *topic, *group;
    struct config_map config;
    struct transport *transport;
    struct random random;
    double rate;
    int64_t count, keys, slow_us, started_us, ended_us;
    int32_t size, partition;
    struct reason error;
    enum err last_error;
    int using;                   /* calls on the stack that still look at us */
    bool farewell;               /* the consumer is being closed */
    bool stopping, killed;       /* asked for; the consumer's task sees to it */
    struct timer timer;          /* producer: the next record is due, or it is at its end; consumer: a record is worked on */
    /* producer */
    struct producer *producer;
    uint64_t next_number;        /* of the record that comes next, from 1 */
    int64_t base_us;             /* when record base_number was due; the others follow by the rate */
    uint64_t base_number;
    int64_t blocked_us;          /* since when it waits for metadata or room; -1: it does not */
    char *value;                 /* of a record, being made */
    uint64_t acknowledged, failed, retries;  /* retries: as it ended */
    /* consumer */
    struct consumer *consumer;
    struct task *task;
    char *topics[MOST_TOPICS];
    size_t topic_count;
    uint64_t consumed, duplicates, out_of_order, rebalances;
    struct seen **seen;
    size_t seen_count, seen_capacity;
};

struct simulated_clients {
    struct simulated_env env;
    struct timers timers;
    struct simulated_client_watch watch;
    struct simulated_client *first;
    size_t count, living;
};

/* ---- simulated.c ---- */
void simulated_enter(struct simulated_client *client);
void simulated_leave(struct simulated_client *client);
void simulated_end(struct simulated_client *client, enum simulated_state state);
struct client_options simulated_client_options(struct simulated_client *client);  /* without bootstrap */
char *simulated_bootstrap(const struct simulated_clients *clients);               /* the caller frees it */

/* ---- simulated_producer.c ---- */
enum err simulated_producer_begin(struct simulated_client *client, struct reason *reason);
void simulated_producer_stop(struct simulated_client *client);
void simulated_producer_drop(struct simulated_client *client);
void simulated_producer_pace(struct simulated_client *client);   /* the rate is another from here on */

/* ---- simulated_consumer.c ---- */
enum err simulated_consumer_begin(struct simulated_client *client, struct reason *reason);
void simulated_consumer_stop(struct simulated_client *client);
void simulated_consumer_drop(struct simulated_client *client);
void simulated_consumer_free(struct simulated_client *client);

/* ---- simulated_table.c ---- */
extern const struct table simulated_table;
