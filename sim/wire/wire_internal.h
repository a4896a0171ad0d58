/* The inside of a wire, for wire.c, tables.c and api.c. */
#pragma once
#include "sim/cluster/metrics.h"
#include "sim/cluster/network.h"
#include "sim/wire/header.h"
#include "sim/wire/wire.h"

enum { RECENT_REQUESTS = 1024 };

struct recent {                   /* one answered request, for the table `requests` */
    int64_t number, connection;
    int64_t began_us, took_us;
    int32_t broker, correlation_id;
    const struct api *api;
    int16_t version;
    int16_t error;                /* the first that the answer names */
    uint32_t bytes_in;
    uint64_t bytes_out;           /* 0: no answer */
    char client_id[32];
};

struct watcher {
    wire_trace_fn *fn;
    void *context;
};

/* Where a request is that is not at its handler. */
enum gate_at {
    GATE_NONE,
    GATE_COMING,                  /* on its way to the broker */
    GATE_DELAYED,                 /* by a fault, on the client's clock */
    GATE_HELD,                    /* by a fault, until that is released */
    GATE_LEAVING,                 /* the answer is on its way back */
    GATE_LOST,                    /* or the answer was: nothing more comes of it */
};
struct gate {
    enum gate_at at;
    struct network_message message;
    struct timer timer;
    struct frame answer;          /* GATE_LEAVING */
    bool close;                   /* with the answer */
    bool counted;                 /* among those that wait for time */
    bool swallowed;               /* held by a blackhole: who gives up takes it along */
    uint64_t fault;               /* GATE_HELD */
};

struct wire {
    struct cluster *cluster;
    struct queue *queue;
    enum release release;
    struct random random;         /* of its own, so that sessions' ids shift nobody else's chance */
    struct connection **connections; /* in order of opening */
    size_t connection_count, connection_capacity;
    int64_t last_connection;
    struct watcher *watchers;
    size_t watcher_count, watcher_capacity;
    struct recent *recent;        /* a ring; made at the first request */
    int64_t request_count;
    struct wire_waiting waiting, waiting_network;
    int64_t shift_us;
    bool keep_timestamps;
    struct metric_source metrics;
    struct api_count *api_counts;
    size_t api_count_count, api_count_capacity;
    struct fetch_sessions *fetch_sessions; /* made when a client asks for the first: sim/wire/fetch_session.c */
    struct timers timers;              /* virtual, see wire_virtual_timers() */
    struct timers guest_timers;        /* the same clock, but no part of the history */
    bool guests_only;
    int64_t last_guest;
    const struct wire_recorder *recorder;
    void *recorder_context;
    struct connection **orphans;  /* closed by their clients while a request was on its way; in order of closing */
    size_t orphan_count, orphan_capacity;
    struct lingering *lingering;  /* channels of transport_local */
    struct faults *faults;        /* NULL: there never was one */
    struct network_watch network_watch;
};

/* A channel whose client has closed it while what it had sent was on its way: it goes when all of that has come in, or with the wire. */
struct lingering {
    void (*end)(struct lingering *lingering);
    struct lingering *next, *previous;
};

struct connection {
    struct wire *wire;
    struct broker *broker;
    struct timers *timers;
    char *local_host;             /* NULL: the broker's own */
    void (*lost)(void *context, int64_t number, bool reset);
    void *lost_context;
    struct connection_info info;
    struct request request;       /* one at a time */
    bool busy, in_handler, replied_early;
    bool may_change_requests, guest, simulated;
    bool orphan;
    uint8_t *own_frame;           /* an orphan's copy of what its client sent */
    struct gate gate;
};

/* ---- wire.c, for gate.c ---- */
bool wire_decode(struct request *request);              /* false: refused, and the request is over */
void wire_handle(struct request *request);              /* it has come in */
void wire_deliver(struct request *request, struct frame *answer, bool close); /* it has left; the connection is free */
void wire_count_waiting(struct request *request, int by);
void wire_tell_watchers(const struct request *request, bool answered);
void wire_end_connection(struct connection *connection, const char *why);
void wire_journal_gone(struct connection *connection, const char *why);
void wire_answer(struct request *request);              /* request->out, at once */
void wire_never_answer(struct request *request);
void wire_release_records(const struct field *fields, const void *in);  /* slices of files in what isn't sent after all */
bool wire_only_reads(int16_t api_key);

enum { API_VERSIONS_KEY = 18 };
/* The answer to an ApiVersions request in a version that is not taken. */
void api_versions_refuse_version(struct request *request);

void wire_count_request(struct wire *wire, const struct request *request, int16_t error);
void wire_forget_counts(struct wire *wire, int32_t broker);
void wire_list_metrics(void *context, struct broker *broker, const struct metric_filter *filter, metric_fn *fn, void *fn_context);

void fetch_sessions_free(struct fetch_sessions *sessions);
void fetch_sessions_drop(struct fetch_sessions *sessions, int32_t broker); /* those of a broker that went down */

/* Whether a request of this version is taken, which can be more than what is advertised. */
bool api_accepts(const struct api *api, enum release release, int16_t version);
