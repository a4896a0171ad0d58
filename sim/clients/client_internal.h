/* The inside of a client: client.c (bootstrap, calls), client_link.c (connections to brokers), client_metadata.c (what is known of the cluster). */
#pragma once
#include "sim/clients/client.h"

enum link_state { LINK_CLOSED, LINK_OPENING, LINK_ASKING /* its versions */, LINK_READY, LINK_RESTING /* until the next try */ };

struct link {                    /* a connection to one broker */
    struct client *client;
    int32_t id;                  /* of the broker; -1, -2 ... bootstrap; INT32_MAX - id: the second one to it */
    char *host, *address;        /* address: behind the host's name, for log lines */
    int32_t port;
    enum link_state state;
    struct channel *channel;
    bool opening_now;            /* inside transport->open() */
    int early;                   /* 0: not yet told; else 1 + err, told inside it */
    int failures;                /* in a row */
    uint64_t tries;              /* how often it was tried, so that waiters see that one more failed */
    struct timer rest;
    struct api_range { int16_t key, first, last; } *ranges;
    size_t range_count;
    bool asked_versions_plainly; /* ApiVersions 0, after the broker refused ours */
    struct client_send *first, **last; /* in flight or waiting for READY, in order */
    size_t in_flight;
    struct link *next;
};

struct client_send {
    struct link *link;
    const struct api *api;
    int16_t version, most_version;
    const void *in;
    struct arena *arena, own_arena;
    client_reply *reply;         /* NULL: cancelled */
    void *context;
    struct timer timeout;
    int32_t correlation_id;
    bool sent, for_versions, sending_now, over;
    struct client_send *next;
};

struct waiter {                  /* a task inside one of our calls */
    struct task *task;
    bool woken;
    struct waiter *next;
};

struct topic {
    struct client_topic shown;
    struct arena arena;
};

struct client {
    struct client_options options;
    char *client_id, *log_context;
    struct link *links;          /* in order of making: bootstrap first */
    int32_t next_correlation_id;
    struct waiter *waiters;
    int using;                   /* callbacks on the stack */
    uint64_t losses, news, metadata_count;
    bool closed;
    /* metadata */
    bool known;                  /* nodes are those of the cluster, not of the bootstrap list */
    struct client_node *nodes;
    size_t node_count;
    struct arena node_arena;
    int32_t controller;
    struct topic **topics;       /* by name */
    size_t topic_count, topic_capacity;
    struct coordinator { char *group; int32_t node; } *coordinators;
    size_t coordinator_count, coordinator_capacity;
};

enum { NO_VERSION = -1 };

/* ---- client.c ---- */
void client_warn(struct client *client, const char *level, const char *logger, const char *format, ...) __attribute__((format(printf, 4, 5)));
void client_wake_waiters(struct client *client);
/* Around whatever calls out: a client closed meanwhile stays in memory until the last leaves. */
void client_enter(struct client *client);
void client_leave(struct client *client);
/* A deadline on the client's clock, for the waits of one call. */
struct client_wait {
    struct client *client;
    struct waiter waiter;
    struct timer timer;
    bool late;
};
void client_wait_begin(struct client_wait *wait, struct task *task, struct client *client, int64_t timeout_us);
void client_wait_end(struct client_wait *wait);
enum err client_wait_error(const struct client_wait *wait, struct reason *reason);
bool client_pause(struct client_wait *wait, int64_t us);
/* A link of `node` that is ready. */
enum err client_ready_link(struct client_wait *wait, int32_t node, struct link **out, struct reason *reason);
enum err client_call_link(struct client_wait *wait, struct link *link, int16_t api_key, int16_t most_version, const void *in, struct arena *arena,
                          void **out, int32_t *correlation_id, struct reason *reason);

/* ---- client_link.c ---- */
struct link *link_add(struct client *client, int32_t id, const char *host, int32_t port);
struct link *link_find(const struct client *client, int32_t id);
void link_connect(struct link *link);            /* unless it is, or rests */
void link_disconnect(struct link *link, enum err err); /* what waits for an answer fails with `err` */
void link_free(struct link *link);
int16_t link_version(const struct link *link, int16_t api_key, int16_t most_version);
struct client_send *link_send(struct link *link, const struct api *api, int16_t most_version, const void *in, struct arena *arena,
                              client_reply *reply, void *context);

/* ---- client_metadata.c ---- */
void metadata_done(struct client *client);
/* Asks any node or, before anything is known, a bootstrap server. */
enum err metadata_ask(struct client_wait *wait, const char *const *topics, int32_t count, bool allow_auto_create, struct reason *reason);
