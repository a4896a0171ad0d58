/* One fetcher: a follower's thread that fetches from one leader, and the leader's session of it. One message is under way at a time, as the thread waits for each
 * answer. fetcher.c is the follower's side, fetch_leader.c the leader's: they share this struct, but each side looks at its own part, and at `items`, which are
 * what is sent. */
#pragma once
#include "sim/cluster/cluster_internal.h"
#include "sim/cluster/faults.h"

enum fetcher_state {
    FETCHER_IDLE,                     /* the follower's: nothing to ask, or not yet; `event` wakes it */
    FETCHER_TO_LEADER, FETCHER_AT_LEADER, /* at the leader: in slices */
    FETCHER_PARKED,                   /* nothing to answer with: it waits there */
    FETCHER_TO_FOLLOWER, FETCHER_AT_FOLLOWER,
    FETCHER_AWAY,                     /* the leader is down: it would try again and again, which costs no events */
};
enum exchange { EXCHANGE_FETCH, EXCHANGE_EPOCHS, EXCHANGE_LATEST, EXCHANGE_EARLIEST };

/* What one event does: partitions, and bytes copied. The rest follows at the same moment. */
enum { PARTITION_SLICE = 64, BYTES_SLICE = 4 * 1024 * 1024 };

struct fetch_item {
    struct partition *partition;      /* the follower's; NULL: it left meanwhile */
    struct replica *replica;          /* the leader's, of an answer; NULL: none, or it went meanwhile */
    int32_t leader_epoch, last_epoch; /* the request */
    int64_t offset, log_start_offset, known_high_watermark;
    enum err err;                     /* the answer */
    int32_t epoch;                    /* diverging, or asked for: its end_offset; -1: none */
    int64_t end_offset;
    int64_t high_watermark, leader_log_start;
    struct log_slice slice;
    uint8_t *copy;                    /* the slice's bytes, where the leader's log was about to be cut */
};

struct fetcher {
    struct broker *follower, *leader;
    enum fetcher_state state;
    enum exchange exchange;
    bool reset;                       /* the answer is that nobody listens there (any more) */
    bool failed;                      /* the answer is an error as a whole */
    struct network_message message;
    struct event event;               /* a slice; the end of a pause; the return of a parked fetch */
    struct event socket;              /* replica.socket.timeout.ms; set only where something is in the way */
    int64_t wait_us, backoff_us, socket_timeout_us, min_bytes;
    int32_t partition_bytes, response_bytes;
    int64_t asked_us;                 /* when the request left */
    int64_t broker_epoch;             /* that it carries */
    /* the follower's */
    size_t count, failed_count;       /* partitions; those that wait for another epoch */
    struct partition **due, **delayed;/* to be named in the next request; after an error, later. NULL where one left */
    size_t due_count, due_capacity, delayed_count, delayed_capacity;
    size_t delayed_left;
    int64_t away_since_us;
    struct buffer scratch;
    /* what is under way */
    struct fetch_item *items;
    size_t item_count, item_capacity;
    size_t cursor;                    /* of what an event has not come to the end of */
    struct fetch_item range;          /* EXCHANGE_LATEST and EARLIEST: about this one, in the midst of the items of an answer */
    /* the leader's session */
    struct replica **news;            /* those that something is to be said of; NULL where one went */
    size_t news_count, news_capacity;
    struct partition **lost;          /* the follower's partitions that this broker leads no more */
    size_t lost_count, lost_capacity;
    size_t kept;                      /* of items that were refused */
    bool admitted, answering, must_answer;
    int64_t bytes;                    /* to be read, while looking; answered */
    int64_t arrived_us;               /* the last fetch */
    bool ideal;                       /* PARKED, and nothing is in its way: it returns and comes around every `period_us` without an event */
    int64_t period_us, back_us;       /* wait and both ways; the way back */
};

/* fetcher.c */
void fetcher_arrive(struct fetcher *fetcher);           /* an answer */
void fetcher_watch_socket(struct fetcher *fetcher);
void fetcher_drop_items(struct fetcher *fetcher);
/* fetch_leader.c */
void fetch_arrive(struct fetcher *fetcher);             /* a request */
void fetch_go_on(struct fetcher *fetcher);              /* AT_LEADER: the next slice; PARKED: it returns */
void fetch_return_for(struct fetcher *fetcher, int64_t not_before_us); /* parked: it returns when the follower can make use of it at that moment */
void fetch_end_all(struct fetcher *fetcher);            /* the connection is gone */
void fetch_answer_reset(struct fetcher *fetcher);
