/* What every client shares: bootstrap, metadata, one channel a broker, versions agreed by ApiVersions, retries. All calls with a
 * task wait in it; they return ERR_NETWORK_EXCEPTION when the task is interrupted (task_interrupted tells). */
#pragma once
#include "sim/base/task.h"
#include "sim/wire/messages.h"
#include "sim/wire/transport.h"

struct client;
enum client_kind { CLIENT_ADMIN, CLIENT_PRODUCER, CLIENT_CONSUMER }; /* what the library calls itself in its log lines, and what it logs */
struct client_options {
    struct transport *transport;      /* borrowed */
    const char *bootstrap;            /* "localhost:9092,localhost:9093" */
    const char *client_id;            /* "adminclient-1", "console-producer" */
    enum release release;             /* plays the client library of this release: versions it knows, defaults */
    enum client_kind kind;
    const char *group_id;             /* of a consumer, for its log lines; NULL: shown as null */
    int64_t request_timeout_us;       /* 0: 30 s; JoinGroup waits for its rebalance timeout beside */
    int64_t api_timeout_us;           /* 0: 60 s: how long a call tries, with what it has to find out first */
    int64_t reconnect_us, reconnect_max_us; /* reconnect.backoff.ms and .max.ms; 0: Kafka's 50 ms and 1 s */
    /* Told after whatever came: an answer, a connection made or lost, metadata. It may send, and close the client. NULL: nobody asks. */
    void (*changed)(void *context);
    void *changed_context;
    /* What the library would log at WARN or ERROR, without the time: "WARN", "[Producer clientId=..] Error while ...", logger class. */
    void (*warn)(void *context, const char *level, const char *message, const char *logger);
    void *warn_context;
};
/* Checks the bootstrap text. ERR_INVALID_CONFIG with Kafka's message ("Invalid url in bootstrap.servers: localhost"). Connects to nothing yet.
 * Whatever of `options` is text is copied; the transport is borrowed. */
enum err client_open(struct client **out, const struct client_options *options, struct reason *reason);
void client_close(struct client *client);

enum { NODE_ANY = -1, NODE_CONTROLLER = -2 };
/* A broker answers the requests of one connection in order, so what must not wait behind a fetch (heartbeats, commits, JoinGroup) goes over a
 * second connection to the same broker: the node of this number, as Kafka's consumer has it for its coordinator. */
static inline int32_t client_coordinator_node(int32_t node) { return INT32_MAX - node; }
/* One request to a broker by id. The version is the newest both know, at most `most_version` (-1: no limit). Waits for the connection, and an
 * admin client tries again when it breaks, until api_timeout: ERR_REQUEST_TIMED_OUT ("Timed out waiting for a node assignment."). Producers and
 * consumers get ERR_NETWORK_EXCEPTION when a node they named can't be reached. ERR_UNSUPPORTED_VERSION: the broker has not the API. */
enum err client_call(struct task *task, struct client *client, int32_t node, int16_t api_key, int16_t most_version, const void *in,
                     struct arena *arena, void **out, struct reason *reason);
/* The version that client_call would choose; -1: the broker has not the API. */
int16_t client_version(struct task *task, struct client *client, int32_t node, int16_t api_key, int16_t most_version);
/* Sends without waiting: for producers in flight. `reply` as the channel's, with the response struct decoded in `arena` (the caller's).
 * `in` must live until then. NULL if `reply` was called already, within this call. Nodes by number only, or NODE_ANY once metadata is known.
 * Produce with acks=0 has no answer: `reply` is called with ERR_OK and NULL when it was sent. */
typedef void client_reply(void *context, enum err err, void *out);
struct client_send;                   /* one in flight; client_send_cancel forgets it */
struct client_send *client_send(struct client *client, int32_t node, int16_t api_key, int16_t most_version, const void *in, struct arena *arena,
                                client_reply *reply, void *context);
void client_send_cancel(struct client_send *send);
/* Whether a request may go to a broker at once: CLIENT_NOT_READY begins to connect if it can, and `changed` tells; CLIENT_BUSY: so many are in flight. */
enum client_can { CLIENT_CAN_SEND, CLIENT_BUSY, CLIENT_NOT_READY };
enum client_can client_can_send(struct client *client, int32_t node, int64_t most_in_flight);
int16_t client_version_now(const struct client *client, int32_t node, int16_t api_key, int16_t most_version); /* of a broker that can be sent to; else -1 */
bool client_knows_node(const struct client *client, int32_t node);  /* by the last metadata */
int32_t client_next_correlation(const struct client *client);  /* which the next request gets */
uint64_t client_losses(const struct client *client);    /* connections to brokers that broke or were never made: each is a reason to ask for metadata */
uint64_t client_news(const struct client *client);      /* counts answers to Metadata in which a leader or a broker was another than before */
uint64_t client_metadata_count(const struct client *client); /* answers to Metadata: what client_topic() gave holds as long as it is the same */

struct client_partition { int32_t leader, leader_epoch; enum err err; const int32_t *replicas, *isr; int32_t replica_count, isr_count; };
struct client_topic { const char *name; struct uuid id; enum err err; bool internal; const struct client_partition *partitions; int32_t partition_count; };
/* Metadata of these topics (count 0: none, NULL topics: all), asked anew if `refresh` or not yet known. */
enum err client_metadata(struct task *task, struct client *client, const char *const *topics, int32_t count, bool allow_auto_create, bool refresh,
                         struct reason *reason);
const struct client_topic *client_topic(const struct client *client, const char *name); /* as last heard; NULL: not asked for */
size_t client_topic_count(const struct client *client);
const struct client_topic *client_topic_at(const struct client *client, size_t i);
struct client_node { int32_t id; const char *host; int32_t port; const char *rack; };
size_t client_node_count(const struct client *client);
struct client_node client_node_at(const struct client *client, size_t i);
/* Finds, and caches, the coordinator of a group; retries while it is being made, until timeout. */
enum err client_group_coordinator(struct task *task, struct client *client, const char *group, bool refresh, int32_t *node, struct reason *reason);
enum release client_broker_release(const struct client *client); /* after the first call: 2.7 if its ApiVersions end at Produce 8 */
