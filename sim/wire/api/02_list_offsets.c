/* ListOffsets: its bytes and what the broker does with it. */
#include "sim/wire/api/02_list_offsets.h"

static const struct field list_offsets_request_partition_fields[] = {
    FIELD(list_offsets_request_partition, partition_index, T_INT32, 0, NEWEST),
    FIELD(list_offsets_request_partition, current_leader_epoch, T_INT32, 4, NEWEST, .preset = -1),
    FIELD(list_offsets_request_partition, timestamp, T_INT64, 0, NEWEST),
    FIELD(list_offsets_request_partition, max_num_offsets, T_INT32, 0, 0, .preset = 1),
    { 0 },
};

static const struct field list_offsets_request_topic_fields[] = {
    FIELD(list_offsets_request_topic, name, T_STRING, 0, NEWEST),
    FIELD_STRUCTS(list_offsets_request_topic, partitions, list_offsets_request_partition, 0,
                  NEWEST),
    { 0 },
};

static const struct field list_offsets_request_fields[] = {
    FIELD(list_offsets_request, replica_id, T_INT32, 0, NEWEST),
    FIELD(list_offsets_request, isolation_level, T_INT8, 2, NEWEST),
    FIELD_STRUCTS(list_offsets_request, topics, list_offsets_request_topic, 0, NEWEST),
    FIELD(list_offsets_request, timeout_ms, T_INT32, 10, NEWEST),
    { 0 },
};

const struct message list_offsets_request_message = {
    .name = "ListOffsetsRequest",
    .first = 0,
    .last = 11,
    .flexible_since = 6,
    .fields = list_offsets_request_fields,
    .size = sizeof(struct list_offsets_request),
};

static const struct field list_offsets_response_partition_fields[] = {
    FIELD(list_offsets_response_partition, partition_index, T_INT32, 0, NEWEST),
    FIELD(list_offsets_response_partition, error_code, T_INT16, 0, NEWEST),
    FIELD_ARRAY(list_offsets_response_partition, old_style_offsets, T_INT64, 0, 0),
    FIELD(list_offsets_response_partition, timestamp, T_INT64, 1, NEWEST, .preset = -1),
    FIELD(list_offsets_response_partition, offset, T_INT64, 1, NEWEST, .preset = -1),
    FIELD(list_offsets_response_partition, leader_epoch, T_INT32, 4, NEWEST, .preset = -1),
    { 0 },
};

static const struct field list_offsets_response_topic_fields[] = {
    FIELD(list_offsets_response_topic, name, T_STRING, 0, NEWEST),
    FIELD_STRUCTS(list_offsets_response_topic, partitions, list_offsets_response_partition, 0,
                  NEWEST),
    { 0 },
};

static const struct field list_offsets_response_fields[] = {
    FIELD(list_offsets_response, throttle_time_ms, T_INT32, 2, NEWEST),
    FIELD_STRUCTS(list_offsets_response, topics, list_offsets_response_topic, 0, NEWEST),
    { 0 },
};

const struct message list_offsets_response_message = {
    .name = "ListOffsetsResponse",
    .first = 0,
    .last = 11,
    .flexible_since = 6,
    .fields = list_offsets_response_fields,
    .size = sizeof(struct list_offsets_response),
};
