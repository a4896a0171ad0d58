/* OffsetCommit: its bytes and what the broker does with it. */
#include "sim/wire/api/08_offset_commit.h"

static const struct field offset_commit_request_partition_fields[] = {
    FIELD(offset_commit_request_partition, partition_index, T_INT32, 0, NEWEST),
    FIELD(offset_commit_request_partition, committed_offset, T_INT64, 0, NEWEST),
    FIELD(offset_commit_request_partition, committed_leader_epoch, T_INT32, 6, NEWEST,
          .preset = -1),
    FIELD(offset_commit_request_partition, commit_timestamp, T_INT64, 1, 1, .preset = -1),
    FIELD(offset_commit_request_partition, committed_metadata, T_STRING, 0, NEWEST,
          .null_since = 0),
    { 0 },
};

static const struct field offset_commit_request_topic_fields[] = {
    FIELD(offset_commit_request_topic, name, T_STRING, 0, 9),
    FIELD(offset_commit_request_topic, topic_id, T_UUID, 10, NEWEST),
    FIELD_STRUCTS(offset_commit_request_topic, partitions, offset_commit_request_partition, 0,
                  NEWEST),
    { 0 },
};

static const struct field offset_commit_request_fields[] = {
    FIELD(offset_commit_request, group_id, T_STRING, 0, NEWEST),
    FIELD(offset_commit_request, generation_id_or_member_epoch, T_INT32, 1, NEWEST, .preset = -1),
    FIELD(offset_commit_request, member_id, T_STRING, 1, NEWEST),
    FIELD(offset_commit_request, group_instance_id, T_STRING, 7, NEWEST, .null_since = 7,
          .preset = PRESET_NULL),
    FIELD(offset_commit_request, retention_time_ms, T_INT64, 2, 4, .preset = -1),
    FIELD_STRUCTS(offset_commit_request, topics, offset_commit_request_topic, 0, NEWEST),
    { 0 },
};

const struct message offset_commit_request_message = {
    .name = "OffsetCommitRequest",
    .first = 0,
    .last = 10,
    .flexible_since = 8,
    .fields = offset_commit_request_fields,
    .size = sizeof(struct offset_commit_request),
};

static const struct field offset_commit_response_partition_fields[] = {
    FIELD(offset_commit_response_partition, partition_index, T_INT32, 0, NEWEST),
    FIELD(offset_commit_response_partition, error_code, T_INT16, 0, NEWEST),
    { 0 },
};

static const struct field offset_commit_response_topic_fields[] = {
    FIELD(offset_commit_response_topic, name, T_STRING, 0, 9),
    FIELD(offset_commit_response_topic, topic_id, T_UUID, 10, NEWEST),
    FIELD_STRUCTS(offset_commit_response_topic, partitions, offset_commit_response_partition, 0,
                  NEWEST),
    { 0 },
};

static const struct field offset_commit_response_fields[] = {
    FIELD(offset_commit_response, throttle_time_ms, T_INT32, 3, NEWEST),
    FIELD_STRUCTS(offset_commit_response, topics, offset_commit_response_topic, 0, NEWEST),
    { 0 },
};

const struct message offset_commit_response_message = {
    .name = "OffsetCommitResponse",
    .first = 0,
    .last = 10,
    .flexible_since = 8,
    .fields = offset_commit_response_fields,
    .size = sizeof(struct offset_commit_response),
};
