/* OffsetFetch: its bytes and what the broker does with it. */
#include "sim/wire/api/09_offset_fetch.h"

static const struct field offset_fetch_request_topic_fields[] = {
    FIELD(offset_fetch_request_topic, name, T_STRING, 0, 7),
    FIELD_ARRAY(offset_fetch_request_topic, partition_indexes, T_INT32, 0, 7),
    { 0 },
};

static const struct field offset_fetch_request_group_topic_fields[] = {
    FIELD(offset_fetch_request_group_topic, name, T_STRING, 8, 9),
    FIELD(offset_fetch_request_group_topic, topic_id, T_UUID, 10, NEWEST),
    FIELD_ARRAY(offset_fetch_request_group_topic, partition_indexes, T_INT32, 8, NEWEST),
    { 0 },
};

static const struct field offset_fetch_request_group_fields[] = {
    FIELD(offset_fetch_request_group, group_id, T_STRING, 8, NEWEST),
    FIELD(offset_fetch_request_group, member_id, T_STRING, 9, NEWEST, .null_since = 9,
          .preset = PRESET_NULL),
    FIELD(offset_fetch_request_group, member_epoch, T_INT32, 9, NEWEST, .preset = -1),
    FIELD_STRUCTS(offset_fetch_request_group, topics, offset_fetch_request_group_topic, 8, NEWEST,
                  .null_since = 8),
    { 0 },
};

static const struct field offset_fetch_request_fields[] = {
    FIELD(offset_fetch_request, group_id, T_STRING, 0, 7),
    FIELD_STRUCTS(offset_fetch_request, topics, offset_fetch_request_topic, 0, 7, .null_since = 2),
    FIELD_STRUCTS(offset_fetch_request, groups, offset_fetch_request_group, 8, NEWEST),
    FIELD(offset_fetch_request, require_stable, T_BOOL, 7, NEWEST),
    { 0 },
};

const struct message offset_fetch_request_message = {
    .name = "OffsetFetchRequest",
    .first = 0,
    .last = 10,
    .flexible_since = 6,
    .fields = offset_fetch_request_fields,
    .size = sizeof(struct offset_fetch_request),
};

static const struct field offset_fetch_response_partition_fields[] = {
    FIELD(offset_fetch_response_partition, partition_index, T_INT32, 0, 7),
    FIELD(offset_fetch_response_partition, committed_offset, T_INT64, 0, 7),
    FIELD(offset_fetch_response_partition, committed_leader_epoch, T_INT32, 5, 7, .preset = -1),
    FIELD(offset_fetch_response_partition, metadata, T_STRING, 0, 7, .null_since = 0),
    FIELD(offset_fetch_response_partition, error_code, T_INT16, 0, 7),
    { 0 },
};

static const struct field offset_fetch_response_topic_fields[] = {
    FIELD(offset_fetch_response_topic, name, T_STRING, 0, 7),
    FIELD_STRUCTS(offset_fetch_response_topic, partitions, offset_fetch_response_partition, 0, 7),
    { 0 },
};

static const struct field offset_fetch_response_group_topic_partition_fields[] = {
    FIELD(offset_fetch_response_group_topic_partition, partition_index, T_INT32, 8, NEWEST),
    FIELD(offset_fetch_response_group_topic_partition, committed_offset, T_INT64, 8, NEWEST),
    FIELD(offset_fetch_response_group_topic_partition, committed_leader_epoch, T_INT32, 8, NEWEST,
          .preset = -1),
    FIELD(offset_fetch_response_group_topic_partition, metadata, T_STRING, 8, NEWEST,
          .null_since = 8),
    FIELD(offset_fetch_response_group_topic_partition, error_code, T_INT16, 8, NEWEST),
    { 0 },
};

static const struct field offset_fetch_response_group_topic_fields[] = {
    FIELD(offset_fetch_response_group_topic, name, T_STRING, 8, 9),
    FIELD(offset_fetch_response_group_topic, topic_id, T_UUID, 10, NEWEST),
    FIELD_STRUCTS(offset_fetch_response_group_topic, partitions,
                  offset_fetch_response_group_topic_partition, 8, NEWEST),
    { 0 },
};

static const struct field offset_fetch_response_group_fields[] = {
    FIELD(offset_fetch_response_group, group_id, T_STRING, 8, NEWEST),
    FIELD_STRUCTS(offset_fetch_response_group, topics, offset_fetch_response_group_topic, 8,
                  NEWEST),
    FIELD(offset_fetch_response_group, error_code, T_INT16, 8, NEWEST),
    { 0 },
};

static const struct field offset_fetch_response_fields[] = {
    FIELD(offset_fetch_response, throttle_time_ms, T_INT32, 3, NEWEST),
    FIELD_STRUCTS(offset_fetch_response, topics, offset_fetch_response_topic, 0, 7),
    FIELD(offset_fetch_response, error_code, T_INT16, 2, 7),
    FIELD_STRUCTS(offset_fetch_response, groups, offset_fetch_response_group, 8, NEWEST),
    { 0 },
};

const struct message offset_fetch_response_message = {
    .name = "OffsetFetchResponse",
    .first = 0,
    .last = 10,
    .flexible_since = 6,
    .fields = offset_fetch_response_fields,
    .size = sizeof(struct offset_fetch_response),
};
