/* ListPartitionReassignments (46): the moves of partitions under way. */
#pragma once
#include "sim/base/fields.h"

struct list_partition_reassignments_request_topic {
    const char *name;
    ARRAY_OF(int32_t) partition_indexes;
};

/* topics null means all. */
struct list_partition_reassignments_request {
    int32_t timeout_ms;
    ARRAY_OF(struct list_partition_reassignments_request_topic) topics;
};

extern const struct message list_partition_reassignments_request_message;

struct list_partition_reassignments_response_partition {
    int32_t partition_index;
    ARRAY_OF(int32_t) replicas;
    ARRAY_OF(int32_t) adding_replicas;
    ARRAY_OF(int32_t) removing_replicas;
};

struct list_partition_reassignments_response_topic {
    const char *name;
    ARRAY_OF(struct list_partition_reassignments_response_partition) partitions;
};

struct list_partition_reassignments_response {
    int32_t throttle_time_ms;
    int16_t error_code;
    const char *error_message;
    ARRAY_OF(struct list_partition_reassignments_response_topic) topics;
};

extern const struct message list_partition_reassignments_response_message;
