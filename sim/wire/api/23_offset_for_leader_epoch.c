/* OffsetForLeaderEpoch: its bytes and what the broker does with it. */
#include "sim/wire/api/23_offset_for_leader_epoch.h"

static const struct field offset_for_leader_epoch_request_partition_fields[] = {
    FIELD(offset_for_leader_epoch_request_partition, partition, T_INT32, 0, NEWEST),
    FIELD(offset_for_leader_epoch_request_partition, current_leader_epoch, T_INT32, 2, NEWEST,
          .preset = -1),
    FIELD(offset_for_leader_epoch_request_partition, leader_epoch, T_INT32, 0, NEWEST),
    { 0 },
};

static const struct field offset_for_leader_epoch_request_topic_fields[] = {
    FIELD(offset_for_leader_epoch_request_topic, topic, T_STRING, 0, NEWEST),
    FIELD_STRUCTS(offset_for_leader_epoch_request_topic, partitions,
                  offset_for_leader_epoch_request_partition, 0, NEWEST),
    { 0 },
};

static const struct field offset_for_leader_epoch_request_fields[] = {
    FIELD(offset_for_leader_epoch_request, replica_id, T_INT32, 3, NEWEST, .preset = -2),
    FIELD_STRUCTS(offset_for_leader_epoch_request, topics, offset_for_leader_epoch_request_topic,
                  0, NEWEST),
    { 0 },
};

const struct message offset_for_leader_epoch_request_message = {
    .name = "OffsetForLeaderEpochRequest",
    .first = 0,
    .last = 4,
    .flexible_since = 4,
    .fields = offset_for_leader_epoch_request_fields,
    .size = sizeof(struct offset_for_leader_epoch_request),
};

static const struct field offset_for_leader_epoch_response_partition_fields[] = {
    FIELD(offset_for_leader_epoch_response_partition, error_code, T_INT16, 0, NEWEST),
    FIELD(offset_for_leader_epoch_response_partition, partition, T_INT32, 0, NEWEST),
    FIELD(offset_for_leader_epoch_response_partition, leader_epoch, T_INT32, 1, NEWEST,
          .preset = -1),
    FIELD(offset_for_leader_epoch_response_partition, end_offset, T_INT64, 0, NEWEST, .preset = -1),
    { 0 },
};

static const struct field offset_for_leader_epoch_response_topic_fields[] = {
    FIELD(offset_for_leader_epoch_response_topic, topic, T_STRING, 0, NEWEST),
    FIELD_STRUCTS(offset_for_leader_epoch_response_topic, partitions,
                  offset_for_leader_epoch_response_partition, 0, NEWEST),
    { 0 },
};

static const struct field offset_for_leader_epoch_response_fields[] = {
    FIELD(offset_for_leader_epoch_response, throttle_time_ms, T_INT32, 2, NEWEST),
    FIELD_STRUCTS(offset_for_leader_epoch_response, topics, offset_for_leader_epoch_response_topic,
                  0, NEWEST),
    { 0 },
};

const struct message offset_for_leader_epoch_response_message = {
    .name = "OffsetForLeaderEpochResponse",
    .first = 0,
    .last = 4,
    .flexible_since = 4,
    .fields = offset_for_leader_epoch_response_fields,
    .size = sizeof(struct offset_for_leader_epoch_response),
};
