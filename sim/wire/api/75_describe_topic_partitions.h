/* DescribeTopicPartitions (75): topics page by page, with the replicas eligible to lead (KIP-966). */
#pragma once
#include "sim/base/fields.h"

struct describe_topic_partitions_request_topic {
    const char *name;
};

/* Where the page starts; null is the beginning. */
struct describe_topic_partitions_request_cursor {
    const char *topic_name;
    int32_t partition_index;
};

struct describe_topic_partitions_request {
    ARRAY_OF(struct describe_topic_partitions_request_topic) topics;
    int32_t response_partition_limit;
    struct describe_topic_partitions_request_cursor *cursor;
};

extern const struct message describe_topic_partitions_request_message;

struct describe_topic_partitions_response_partition {
    int16_t error_code;
    int32_t partition_index;
    int32_t leader_id;
    int32_t leader_epoch;
    ARRAY_OF(int32_t) replica_nodes;
    ARRAY_OF(int32_t) isr_nodes;
    ARRAY_OF(int32_t) eligible_leader_replicas;
    ARRAY_OF(int32_t) last_known_elr;
    ARRAY_OF(int32_t) offline_replicas;
};

struct describe_topic_partitions_response_topic {
    int16_t error_code;
    const char *name;
    struct uuid topic_id;
    bool is_internal;
    ARRAY_OF(struct describe_topic_partitions_response_partition) partitions;
    int32_t topic_authorized_operations;
};

/* Where the next page starts; null when there is none. */
struct describe_topic_partitions_response_cursor {
    const char *topic_name;
    int32_t partition_index;
};

struct describe_topic_partitions_response {
    int32_t throttle_time_ms;
    ARRAY_OF(struct describe_topic_partitions_response_topic) topics;
    struct describe_topic_partitions_response_cursor *next_cursor;
};

extern const struct message describe_topic_partitions_response_message;
