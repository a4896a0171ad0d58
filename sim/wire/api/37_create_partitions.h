/* CreatePartitions (37): gives topics more partitions. */
#pragma once
#include "sim/base/fields.h"

struct create_partitions_request_assignment {
    ARRAY_OF(int32_t) broker_ids;
};

/* count is the new total; assignments, if not null, place the new ones only. */
struct create_partitions_request_topic {
    const char *name;
    int32_t count;
    ARRAY_OF(struct create_partitions_request_assignment) assignments;
};

struct create_partitions_request {
    ARRAY_OF(struct create_partitions_request_topic) topics;
    int32_t timeout_ms;
    bool validate_only;
};

extern const struct message create_partitions_request_message;

struct create_partitions_response_topic {
    const char *name;
    int16_t error_code;
    const char *error_message;
};

struct create_partitions_response {
    int32_t throttle_time_ms;
    ARRAY_OF(struct create_partitions_response_topic) results;
};

extern const struct message create_partitions_response_message;
