/* Fetch (1): reads record batches, waiting for them if asked to. With a session (KIP-227) only what changed
 * is named in requests and answers. */
#pragma once
#include "sim/base/fields.h"

/* Which broker asks, from version 15; a consumer leaves the defaults. */
struct fetch_request_replica_state {
    int32_t replica_id;
    int64_t replica_epoch;
};

struct fetch_request_partition {
    int32_t partition;
    int32_t current_leader_epoch;     /* from version 9 */
    int64_t fetch_offset;
    int32_t last_fetched_epoch;       /* from version 12 */
    int64_t log_start_offset;         /* from version 5 */
    int32_t partition_max_bytes;
    struct uuid replica_directory_id; /* from version 17, tagged */
    int64_t high_watermark;           /* from version 18, tagged */
};

struct fetch_request_topic {
    const char *topic;    /* to version 12 */
    struct uuid topic_id; /* from version 13 */
    ARRAY_OF(struct fetch_request_partition) partitions;
};

/* Partitions that the session shall leave out from now on. */
struct fetch_request_forgotten_topic {
    const char *topic;    /* to version 12 */
    struct uuid topic_id; /* from version 13 */
    ARRAY_OF(int32_t) partitions;
};

struct fetch_request {
    const char *cluster_id;                                               /* from version 12, tagged */
    int32_t replica_id;                                                   /* -1 a consumer; to version 14 */
    struct fetch_request_replica_state replica_state;                     /* from version 15, tagged */
    int32_t max_wait_ms;
    int32_t min_bytes;
    int32_t max_bytes;                                                    /* from version 3 */
    int8_t isolation_level;                                               /* 1 committed only; from version 4 */
    int32_t session_id;                                                   /* from version 7 */
    int32_t session_epoch;                                                /* from version 7 */
    ARRAY_OF(struct fetch_request_topic) topics;
    ARRAY_OF(struct fetch_request_forgotten_topic) forgotten_topics_data; /* from version 7 */
    const char *rack_id;                                                  /* from version 11 */
};

extern const struct message fetch_request_message;

/* Where the log of the follower that asks parts from the leader's. */
struct fetch_response_diverging_epoch {
    int32_t epoch;
    int64_t end_offset;
};

struct fetch_response_current_leader {
    int32_t leader_id;
    int32_t leader_epoch;
};

/* The snapshot to fetch first: only in the metadata log. */
struct fetch_response_snapshot_id {
    int64_t end_offset;
    int32_t epoch;
};

/* A consumer of committed records drops what this producer wrote from there. */
struct fetch_response_aborted_transaction {
    int64_t producer_id;
    int64_t first_offset;
};

struct fetch_response_partition {
    int32_t partition_index;
    int16_t error_code;
    int64_t high_watermark;
    int64_t last_stable_offset;                                               /* from version 4 */
    int64_t log_start_offset;                                                 /* from version 5 */
    struct fetch_response_diverging_epoch diverging_epoch;                    /* from version 12, tagged */
    struct fetch_response_current_leader current_leader;                      /* from version 12, tagged */
    struct fetch_response_snapshot_id snapshot_id;                            /* from version 12, tagged */
    ARRAY_OF(struct fetch_response_aborted_transaction) aborted_transactions; /* from version 4 */
    int32_t preferred_read_replica;                                           /* from version 11 */
    struct records records;
};

struct fetch_response_topic {
    const char *topic;    /* to version 12 */
    struct uuid topic_id; /* from version 13 */
    ARRAY_OF(struct fetch_response_partition) partitions;
};

/* Where the brokers named as current leaders are. */
struct fetch_response_node {
    int32_t node_id;
    const char *host;
    int32_t port;
    const char *rack;
};

struct fetch_response {
    int32_t throttle_time_ms;                            /* from version 1 */
    int16_t error_code;                                  /* from version 7 */
    int32_t session_id;                                  /* from version 7 */
    ARRAY_OF(struct fetch_response_topic) responses;
    ARRAY_OF(struct fetch_response_node) node_endpoints; /* from version 16, tagged */
};

extern const struct message fetch_response_message;
