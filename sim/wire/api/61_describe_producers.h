/* DescribeProducers (61): the idempotent and transactional producers known to partitions. */
#pragma once
#include "sim/base/fields.h"

struct describe_producers_request_topic {
    const char *name;
    ARRAY_OF(int32_t) partition_indexes;
};

struct describe_producers_request {
    ARRAY_OF(struct describe_producers_request_topic) topics;
};

extern const struct message describe_producers_request_message;

struct describe_producers_response_producer {
    int64_t producer_id;
    int32_t producer_epoch;
    int32_t last_sequence;
    int64_t last_timestamp;
    int32_t coordinator_epoch;
    int64_t current_txn_start_offset;
};

struct describe_producers_response_partition {
    int32_t partition_index;
    int16_t error_code;
    const char *error_message;
    ARRAY_OF(struct describe_producers_response_producer) active_producers;
};

struct describe_producers_response_topic {
    const char *name;
    ARRAY_OF(struct describe_producers_response_partition) partitions;
};

struct describe_producers_response {
    int32_t throttle_time_ms;
    ARRAY_OF(struct describe_producers_response_topic) topics;
};

extern const struct message describe_producers_response_message;
