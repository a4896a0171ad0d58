/* AlterPartitionReassignments (45): moves partitions to other brokers, or calls that off. */
#pragma once
#include "sim/base/fields.h"

/* replicas null calls off the move under way. */
struct alter_partition_reassignments_request_partition {
    int32_t partition_index;
    ARRAY_OF(int32_t) replicas;
};

struct alter_partition_reassignments_request_topic {
    const char *name;
    ARRAY_OF(struct alter_partition_reassignments_request_partition) partitions;
};

struct alter_partition_reassignments_request {
    int32_t timeout_ms;
    bool allow_replication_factor_change; /* from version 1 */
    ARRAY_OF(struct alter_partition_reassignments_request_topic) topics;
};

extern const struct message alter_partition_reassignments_request_message;

struct alter_partition_reassignments_response_partition {
    int32_t partition_index;
    int16_t error_code;
    const char *error_message;
};

struct alter_partition_reassignments_response_topic {
    const char *name;
    ARRAY_OF(struct alter_partition_reassignments_response_partition) partitions;
};

struct alter_partition_reassignments_response {
    int32_t throttle_time_ms;
    bool allow_replication_factor_change; /* from version 1 */
    int16_t error_code;
    const char *error_message;
    ARRAY_OF(struct alter_partition_reassignments_response_topic) responses;
};

extern const struct message alter_partition_reassignments_response_message;
