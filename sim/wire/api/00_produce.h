/* Produce (0): appends record batches to partitions. */
#pragma once
#include "sim/base/fields.h"

struct produce_request_partition {
    int32_t index;
    struct records records;
};

/* A topic goes by its name, from version 13 by its id. */
struct produce_request_topic {
    const char *name;     /* to version 12 */
    struct uuid topic_id; /* from version 13 */
    ARRAY_OF(struct produce_request_partition) partition_data;
};

struct produce_request {
    const char *transactional_id; /* from version 3 */
    int16_t acks;                 /* 0 no answer, 1 the leader, -1 all in sync */
    int32_t timeout_ms;
    ARRAY_OF(struct produce_request_topic) topic_data;
};

extern const struct message produce_request_message;

/* A record that was refused, by its place in the batch. */
struct produce_response_record_error {
    int32_t batch_index;
    const char *batch_index_error_message;
};

/* Who leads now, in answers that say NOT_LEADER_OR_FOLLOWER. */
struct produce_response_current_leader {
    int32_t leader_id;
    int32_t leader_epoch;
};

struct produce_response_partition {
    int32_t index;
    int16_t error_code;
    int64_t base_offset;
    int64_t log_append_time_ms;                                   /* from version 2 */
    int64_t log_start_offset;                                     /* from version 5 */
    ARRAY_OF(struct produce_response_record_error) record_errors; /* from version 8 */
    const char *error_message;                                    /* from version 8 */
    struct produce_response_current_leader current_leader;        /* from version 10, tagged */
};

struct produce_response_topic {
    const char *name;     /* to version 12 */
    struct uuid topic_id; /* from version 13 */
    ARRAY_OF(struct produce_response_partition) partition_responses;
};

/* Where the brokers named as current leaders are. */
struct produce_response_node {
    int32_t node_id;
    const char *host;
    int32_t port;
    const char *rack;
};

struct produce_response {
    ARRAY_OF(struct produce_response_topic) responses;
    int32_t throttle_time_ms;                              /* from version 1 */
    ARRAY_OF(struct produce_response_node) node_endpoints; /* from version 10, tagged */
};

extern const struct message produce_response_message;
