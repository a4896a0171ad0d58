/* CreatePartitions: its bytes and what the broker does with it. */
#include "sim/wire/api/37_create_partitions.h"

static const struct field create_partitions_request_assignment_fields[] = {
    FIELD_ARRAY(create_partitions_request_assignment, broker_ids, T_INT32, 0, NEWEST),
    { 0 },
};

static const struct field create_partitions_request_topic_fields[] = {
    FIELD(create_partitions_request_topic, name, T_STRING, 0, NEWEST),
    FIELD(create_partitions_request_topic, count, T_INT32, 0, NEWEST),
    FIELD_STRUCTS(create_partitions_request_topic, assignments,
                  create_partitions_request_assignment, 0, NEWEST, .null_since = 0),
    { 0 },
};

static const struct field create_partitions_request_fields[] = {
    FIELD_STRUCTS(create_partitions_request, topics, create_partitions_request_topic, 0, NEWEST),
    FIELD(create_partitions_request, timeout_ms, T_INT32, 0, NEWEST),
    FIELD(create_partitions_request, validate_only, T_BOOL, 0, NEWEST),
    { 0 },
};

const struct message create_partitions_request_message = {
    .name = "CreatePartitionsRequest",
    .first = 0,
    .last = 3,
    .flexible_since = 2,
    .fields = create_partitions_request_fields,
    .size = sizeof(struct create_partitions_request),
};

static const struct field create_partitions_response_topic_fields[] = {
    FIELD(create_partitions_response_topic, name, T_STRING, 0, NEWEST),
    FIELD(create_partitions_response_topic, error_code, T_INT16, 0, NEWEST),
    FIELD(create_partitions_response_topic, error_message, T_STRING, 0, NEWEST, .null_since = 0,
          .preset = PRESET_NULL),
    { 0 },
};

static const struct field create_partitions_response_fields[] = {
    FIELD(create_partitions_response, throttle_time_ms, T_INT32, 0, NEWEST),
    FIELD_STRUCTS(create_partitions_response, results, create_partitions_response_topic, 0, NEWEST),
    { 0 },
};

const struct message create_partitions_response_message = {
    .name = "CreatePartitionsResponse",
    .first = 0,
    .last = 3,
    .flexible_since = 2,
    .fields = create_partitions_response_fields,
    .size = sizeof(struct create_partitions_response),
};
