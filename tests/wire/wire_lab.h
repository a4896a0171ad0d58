/* A cluster in memory behind a wire, for tests: request structs in, answer structs out, over real bytes. */
#pragma once
#include "sim/cluster/partition.h"
#include "sim/wire/messages.h"
#include "sim/wire/wire.h"
#include "tests/harness.h"

#define LAB_START_US 1767261600000000 /* 2026-01-01T10:00:00Z */

struct wire_client {              /* one connection */
    struct wire_lab *lab;
    struct connection *connection;
    struct frame request;
    struct buffer answer;         /* as it came, header and all */
    bool replied, answered, closed;
    bool network;
    int16_t key, version;
    int32_t correlation_id, broker, number;
    struct arena arena;           /* of the latest answer */
};

struct wire_lab {
    struct queue *queue;
    struct fs *fs;
    struct random random;
    struct journal *journal;
    struct config_map settings;
    struct cluster *cluster;
    struct wire *wire;
    struct timers timers;
    struct wire_client *clients[16]; /* by index of the broker; the others on demand */
    size_t client_count;
};
/* `settings`: "key=value key=value" of all brokers. */
struct wire_lab *wire_lab_new(enum release release, int32_t brokers, const char *settings);
/* Of 4.3, with so many voters. */
struct wire_lab *wire_lab_new_quorum(int32_t brokers, int32_t controllers);
void wire_lab_free(struct wire_lab *lab);
void wire_lab_advance_ms(struct wire_lab *lab, int64_t ms);

/* A new connection to the i-th broker; `network`: as a real client's. The lab ends it. */
struct wire_client *wire_lab_client(struct wire_lab *lab, size_t broker_index, bool network);
/* Anew, after the broker closed it. */
void client_connect(struct wire_client *client);
/* Sends; the answer may come later. */
void client_begin(struct wire_client *client, int16_t key, int16_t version, const void *in);
void client_begin_bytes(struct wire_client *client, struct bytes frame);
/* The decoded answer, valid until the next; NULL: none (yet). */
void *client_answer(struct wire_client *client);
/* Both, running what is due at this moment and a second more of virtual time if need be. */
void *client_ask(struct wire_client *client, int16_t key, int16_t version, const void *in);

/* Shorthands over client_ask. */
enum err lab_create_topic(struct wire_client *client, const char *name, int32_t partitions, int16_t factor);
/* One batch of `count` records stamped `timestamp_ms`, in memory of the lab's arena. */
struct records lab_batch(struct arena *arena, int count, int64_t timestamp_ms);
struct produce_response_partition lab_produce(struct wire_client *client, int16_t version, int16_t acks, const char *topic, int32_t partition,
                                              struct records records);
