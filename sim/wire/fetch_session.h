/* Fetch sessions (KIP-227): what a client fetches stays known to the broker between its requests, which then name only what
 * changed, and are answered by what changed. Source: Kafka's FetchSession.scala, FetchSessionCache. */
#pragma once
#include "sim/wire/api/01_fetch.h"
#include "sim/wire/wire.h"

struct fetch_sessions;

struct fetch_target {             /* a partition to fetch */
    char *topic;                  /* owned by the session, else borrowed; "" where the id is unknown */
    struct uuid topic_id;
    int32_t partition;
    int64_t fetch_offset;
    int32_t max_bytes, leader_epoch, last_fetched_epoch;
    int64_t sent_high_watermark, sent_log_start; /* in the answer before: -1 none, so that it is sent */
};

struct fetch_session {
    int32_t broker, id, epoch;    /* the epoch that the next request has to carry */
    bool by_id;                   /* topics go by id (version 13) */
    struct fetch_target *targets; /* in the order of fetching: who got data goes to the end */
    size_t count, capacity;
    int64_t created_ms, used_ms;
};

struct fetch_plan {               /* what one request fetches */
    struct fetch_session *session;/* NULL: none */
    bool incremental;             /* only what changed is answered */
    struct fetch_target *targets; /* of the session, or in the request's arena */
    size_t count;
};
/* What this request is about. FETCH_SESSION_ID_NOT_FOUND, INVALID_FETCH_SESSION_EPOCH, FETCH_SESSION_TOPIC_ID_ERROR are the answer's own error. */
enum err fetch_plan_make(struct request *request, struct fetch_plan *out);
/* Of a full fetch that asked for a session: makes it. The id for the answer, 0: none. The plan's targets move into it. */
int32_t fetch_plan_keep(struct request *request, struct fetch_plan *plan);
/* By the id; NULL if it was thrown out meanwhile. */
struct fetch_session *fetch_session_find(struct request *request, int32_t id);
/* Those that got data go to the end. `moved` by place in session->targets. */
void fetch_session_rotate(struct fetch_session *session, const bool *moved);
