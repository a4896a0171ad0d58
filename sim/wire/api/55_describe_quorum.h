/* DescribeQuorum (55): who of the controllers leads, and how far each has the metadata log. 4.3 only. */
#pragma once
#include "sim/base/fields.h"

struct describe_quorum_request_partition {
    int32_t partition_index;
};

struct describe_quorum_request_topic {
    const char *topic_name;
    ARRAY_OF(struct describe_quorum_request_partition) partitions;
};

struct describe_quorum_request {
    ARRAY_OF(struct describe_quorum_request_topic) topics;
};

extern const struct message describe_quorum_request_message;

struct describe_quorum_response_replica {
    int32_t replica_id;
    struct uuid replica_directory_id; /* from version 2 */
    int64_t log_end_offset;
    int64_t last_fetch_timestamp, last_caught_up_timestamp; /* from version 1 */
};

struct describe_quorum_response_partition {
    int32_t partition_index;
    int16_t error_code;
    const char *error_message; /* from version 2 */
    int32_t leader_id, leader_epoch;
    int64_t high_watermark;
    ARRAY_OF(struct describe_quorum_response_replica) current_voters;
    ARRAY_OF(struct describe_quorum_response_replica) observers;
};

struct describe_quorum_response_topic {
    const char *topic_name;
    ARRAY_OF(struct describe_quorum_response_partition) partitions;
};

struct describe_quorum_response_listener {
    const char *name, *host;
    uint16_t port;
};

struct describe_quorum_response_node {
    int32_t node_id;
    ARRAY_OF(struct describe_quorum_response_listener) listeners;
};

struct describe_quorum_response {
    int16_t error_code;
    const char *error_message; /* from version 2 */
    ARRAY_OF(struct describe_quorum_response_topic) topics;
    ARRAY_OF(struct describe_quorum_response_node) nodes; /* from version 2 */
};

extern const struct message describe_quorum_response_message;
