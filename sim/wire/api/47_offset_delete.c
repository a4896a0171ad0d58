/* OffsetDelete: its bytes and what the broker does with it. */
#include "sim/wire/api/47_offset_delete.h"

static const struct field offset_delete_request_partition_fields[] = {
    FIELD(offset_delete_request_partition, partition_index, T_INT32, 0, NEWEST),
    { 0 },
};

static const struct field offset_delete_request_topic_fields[] = {
    FIELD(offset_delete_request_topic, name, T_STRING, 0, NEWEST),
    FIELD_STRUCTS(offset_delete_request_topic, partitions, offset_delete_request_partition, 0,
                  NEWEST),
    { 0 },
};

static const struct field offset_delete_request_fields[] = {
    FIELD(offset_delete_request, group_id, T_STRING, 0, NEWEST),
    FIELD_STRUCTS(offset_delete_request, topics, offset_delete_request_topic, 0, NEWEST),
    { 0 },
};

const struct message offset_delete_request_message = {
    .name = "OffsetDeleteRequest",
    .first = 0,
    .last = 0,
    .flexible_since = NEWEST,
    .fields = offset_delete_request_fields,
    .size = sizeof(struct offset_delete_request),
};

static const struct field offset_delete_response_partition_fields[] = {
    FIELD(offset_delete_response_partition, partition_index, T_INT32, 0, NEWEST),
    FIELD(offset_delete_response_partition, error_code, T_INT16, 0, NEWEST),
    { 0 },
};

static const struct field offset_delete_response_topic_fields[] = {
    FIELD(offset_delete_response_topic, name, T_STRING, 0, NEWEST),
    FIELD_STRUCTS(offset_delete_response_topic, partitions, offset_delete_response_partition, 0,
                  NEWEST),
    { 0 },
};

static const struct field offset_delete_response_fields[] = {
    FIELD(offset_delete_response, error_code, T_INT16, 0, NEWEST),
    FIELD(offset_delete_response, throttle_time_ms, T_INT32, 0, NEWEST),
    FIELD_STRUCTS(offset_delete_response, topics, offset_delete_response_topic, 0, NEWEST),
    { 0 },
};

const struct message offset_delete_response_message = {
    .name = "OffsetDeleteResponse",
    .first = 0,
    .last = 0,
    .flexible_since = NEWEST,
    .fields = offset_delete_response_fields,
    .size = sizeof(struct offset_delete_response),
};
