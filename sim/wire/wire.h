/* The one way in: a table of APIs (apis.def) over a cluster. Network clients, the shell's tools, simulated clients and lessons
 * all send a request's bytes on a connection and get an answer's bytes; the same handlers serve all. */
#pragma once
#include "sim/base/fields.h"
#include "sim/base/table.h"
#include "sim/base/timer.h"
#include "sim/cluster/cluster.h"

struct wire;
struct connection;
struct request;

/* The cluster is borrowed. */
struct wire *wire_new(struct cluster *cluster);
void wire_free(struct wire *wire);             /* all connections have been closed */
void wire_register_tables(struct wire *wire, struct tables *tables);  /* apis connections requests faults */
struct cluster *wire_cluster(const struct wire *wire);

/* Virtual now minus wall now, which batches of real clients are stamped by; 0: no shift. Set before each input: while the lab stands
 * still, or runs faster, it changes with every moment. */
void wire_set_shift(struct wire *wire, int64_t shift_us, int64_t wall_now_ms);
void wire_set_keep_timestamps(struct wire *wire, bool keep);   /* --timestamps keep */

struct connection_options {
    int32_t broker;
    const char *client_host;      /* "127.0.0.1"; members show it as "/127.0.0.1" */
    int32_t client_port;
    const char *local_host;       /* advertised to this connection in Metadata: --advertised-host; NULL: the broker's own */
    struct timers *timers;        /* of this client's life; borrowed, outlives the connection */
    bool network;                 /* a real client: its timestamps are shifted, what it sends is an input */
    bool simulated;               /* of a client that is part of the cluster's history (sim/clients/simulated.h): nothing of it is an input, nobody waits for it */
    bool guest;                   /* of who looks at a past: leaves no trace, and may only read; its number is below 0 */
    /* The broker went away and the connection with it, which is gone after the call; `reset`: without a goodbye. NULL: only where no broker can go. */
    void (*lost)(void *context, int64_t number, bool reset);
    void *lost_context;
    bool may_change_requests;     /* their bytes are nobody else's: what is stored may be prepared in them, without a copy */
};
struct connection *connection_open(struct wire *wire, const struct connection_options *options);
/* Parked requests are cancelled; no answer comes any more. */
void connection_close(struct connection *connection, const char *why);

/* An answer without its length prefix, the receiver's from now on (frame_done); NULL: none will come (acks=0). `close`: the connection must
 * be closed after sending (broken request, acks=0 with an error). */
typedef void connection_reply(void *context, struct frame *answer, bool close);
/* Serves one request (bytes after the length prefix, borrowed until the reply). One at a time: the next only after the reply,
 * as a broker mutes the channel. */
void connection_request(struct connection *connection, struct bytes frame, connection_reply *reply, void *context);
bool connection_busy(const struct connection *connection);
/* A fault lost its request or answer: nothing will ever come, and what else it sends is not looked at; its client gives up one day. */
bool connection_is_mute(const struct connection *connection);

struct connection_info {
    int64_t number;               /* from 1, in order of opening */
    int32_t broker;
    const char *client_host, *client_id, *software_name, *software_version; /* "" where unknown */
    int32_t client_port;
    bool network;
    uint64_t requests, bytes_in, bytes_out;
    const char *waiting_in;       /* API name of the parked request; NULL */
    bool waits_for_data;          /* parked in a fetch, not for replicas or a rebalance */
    int64_t since_us, last_us;
};
size_t wire_connection_count(const struct wire *wire);
void wire_connection_get(const struct wire *wire, size_t i, struct connection_info *out);
struct connection *wire_connection_at(const struct wire *wire, size_t i);
/* Requests parked at present: for new data, and for something that needs virtual time to move (replicas, a rebalance). */
struct wire_waiting { size_t for_data, for_time; };
struct wire_waiting wire_waiting(const struct wire *wire, bool network_only);

/* Each request and answer, decoded: when it comes in, `answered` false, and with its answer. */
typedef void wire_trace_fn(void *context, const struct request *request, bool answered);
void wire_watch(struct wire *wire, wire_trace_fn *fn, void *context);
void wire_unwatch(struct wire *wire, wire_trace_fn *fn, void *context);

/* Inputs for a recording, each before it acts; `shift_us` is that of the moment. NULL: no more. */
struct wire_recorder {
    void (*opened)(void *context, int64_t number, const struct connection_options *options);
    void (*requested)(void *context, int64_t number, struct bytes frame, int64_t shift_us);
    void (*closed)(void *context, int64_t number, const char *why);
    void (*refused)(void *context, int32_t broker, const char *client, const char *text);
};
void wire_record(struct wire *wire, const struct wire_recorder *recorder, void *context);
/* The virtual clock for the broker's side of connections in process: part of the cluster's history, unlike their clients' own timers. */
struct timers *wire_virtual_timers(struct wire *wire);
/* From here on connections in process are guests: see connection_options. */
void wire_only_guests(struct wire *wire);
struct timers *wire_guest_timers(struct wire *wire);
bool wire_has_guests_only(const struct wire *wire);
/* A stranger that never came as far as a request: journalled and recorded. */
void wire_refused(struct wire *wire, int32_t broker, const char *client, const char *text);

/* ---- for handlers (sim/wire/api/NN_name.c) ---- */
enum reply { REPLY_NOW, REPLY_LATER, REPLY_NEVER };
struct api {                      /* a row of apis.def */
    int16_t key;
    const char *name;             /* "Produce" */
    int16_t first_27, last_27;    /* advertised by 2.7 (-1, -1: it has not the API) */
    int16_t first_43, last_43, accept_43; /* advertised by 4.3, and what it takes */
    const struct message *request, *response;
    /* `request->in` is decoded, `request->out` preset: its own fields only, those of structs in arrays are the handler's to set. */
    enum reply (*handle)(struct request *request);
    void (*cancel)(struct request *request);   /* the client went while it was parked; NULL: nothing to undo */
};
/* api/NN_name.c defines handle_name() and, if it parks requests that something else knows of, cancel_name(), which is weak for those that don't;
 * request->timer is cancelled for it. */
#define API(key, name, kafka_name, ...)            \
    enum reply handle_##name(struct request *request); \
    void cancel_##name(struct request *request) __attribute__((weak));
#include "sim/wire/apis.def"
#undef API
size_t api_count(void);
const struct api *api_at(size_t i);            /* by key */
const struct api *api_find(int16_t key);
/* The range this release advertises; false: it has not the API. `any` advertises from the older first. */
bool api_range(const struct api *api, enum release release, int16_t *first, int16_t *last);

struct request {
    struct wire *wire;
    struct connection *connection;
    struct cluster *cluster;
    struct broker *broker;
    const struct api *api;
    int16_t version;
    int32_t correlation_id;
    const char *client_id;        /* "" when null */
    struct arena arena;           /* lives until the answer has been encoded */
    void *in, *out;               /* structs of the api's messages */
    void *state;                  /* the handler's own while parked */
    struct timer timer;           /* for the handler: a wait with an end, on the client's clock */
    bool waits_for_data, close;
    bool awaits_controller;       /* parked before its handler saw it: an order, and its broker finds no controller */
    bool parked;                  /* the handler answered REPLY_LATER and has not replied yet */
    bool lose_answer;             /* a fault: what is answered never comes */
    const struct fault_rule *fault; /* an error to be put into the answer (faults.h); NULL: none */
    void *injected;               /* entries to be added to the answer; NULL: none */
    struct bytes frame;           /* as it came, without length prefix: for trace */
    int64_t began_us;
    connection_reply *reply;      /* to whom the answer goes */
    void *reply_context;
};
/* Answers a parked request (REPLY_LATER); may be called from any event. `request` is gone after it. */
void request_reply(struct request *request);
/* Handles a parked order anew once there is a controller again, as if it had just come. */
void request_again(struct request *request);
const struct connection_info *request_client(const struct request *request);
/* Of a request in an arena: zeroed room for `count` items of an answer's array. REPLY_ARRAY(request, answer->topics, n); */
#define REPLY_ARRAY(request, array, count_) \
    ((array).items = arena_alloc(&(request)->arena, (size_t)(count_) * sizeof(*(array).items)), (array).count = (int32_t)(count_))
const char *request_local_host(const struct request *request); /* NULL: the broker's own */
/* Where this client reaches a broker: the address at which it reached this one, or what the broker advertises. False: no such broker, or it is
 * down; then host is "", port -1, as Kafka fills them in. */
struct wire_node { const char *host; int32_t port; const char *rack; };
bool request_node(const struct request *request, int32_t broker, struct wire_node *out);
/* Whom Metadata names as the controller. 4.3 keeps its controllers from clients: it names a live broker by chance, which hands orders on. The chance is of the
 * connection and the request, so that asking changes nothing. */
int32_t request_controller(const struct request *request);
/* Bits (1 << AclOperation's number) of all operations on a resource, which is what a broker without an authorizer allows; for *_authorized_operations. */
enum { ALL_ON_TOPIC = 3576, ALL_ON_GROUP_27 = 328, ALL_ON_GROUP = 3400, ALL_ON_CLUSTER = 8096, OPERATIONS_NOT_ASKED = INT32_MIN };
/* What ApiVersions v3 tells of the client's library. */
void request_set_software(struct request *request, const char *name, const char *version);
/* How much a batch stamped `timestamp_ms` is shifted, so that a real client's records are as old as virtual time has it: 0 for those of simulated clients and for old or strange stamps. */
int64_t request_shift_ms(const struct request *request, int64_t timestamp_ms);
struct timers *request_timers(const struct request *request); /* the client's clock */
bool request_is_guest(const struct request *request);         /* nothing may be made for it */
bool request_from_network(const struct request *request);
bool request_may_change(const struct request *request);       /* its bytes; connection_options.may_change_requests */
