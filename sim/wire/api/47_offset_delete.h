/* OffsetDelete (47): forgets offsets that a group has committed. */
#pragma once
#include "sim/base/fields.h"

struct offset_delete_request_partition {
    int32_t partition_index;
};

struct offset_delete_request_topic {
    const char *name;
    ARRAY_OF(struct offset_delete_request_partition) partitions;
};

struct offset_delete_request {
    const char *group_id;
    ARRAY_OF(struct offset_delete_request_topic) topics;
};

extern const struct message offset_delete_request_message;

struct offset_delete_response_partition {
    int32_t partition_index;
    int16_t error_code;
};

struct offset_delete_response_topic {
    const char *name;
    ARRAY_OF(struct offset_delete_response_partition) partitions;
};

struct offset_delete_response {
    int16_t error_code;
    int32_t throttle_time_ms;
    ARRAY_OF(struct offset_delete_response_topic) topics;
};

extern const struct message offset_delete_response_message;
