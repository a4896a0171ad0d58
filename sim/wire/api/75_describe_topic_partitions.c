/* DescribeTopicPartitions: its bytes and what the broker does with it. */
#include "sim/wire/api/75_describe_topic_partitions.h"

static const struct field describe_topic_partitions_request_topic_fields[] = {
    FIELD(describe_topic_partitions_request_topic, name, T_STRING, 0, NEWEST),
    { 0 },
};

static const struct field describe_topic_partitions_request_cursor_fields[] = {
    FIELD(describe_topic_partitions_request_cursor, topic_name, T_STRING, 0, NEWEST),
    FIELD(describe_topic_partitions_request_cursor, partition_index, T_INT32, 0, NEWEST),
    { 0 },
};

static const struct field describe_topic_partitions_request_fields[] = {
    FIELD_STRUCTS(describe_topic_partitions_request, topics,
                  describe_topic_partitions_request_topic, 0, NEWEST),
    FIELD(describe_topic_partitions_request, response_partition_limit, T_INT32, 0, NEWEST,
          .preset = 2000),
    FIELD_STRUCT(describe_topic_partitions_request, cursor,
                 describe_topic_partitions_request_cursor, 0, NEWEST, .null_since = 0),
    { 0 },
};

const struct message describe_topic_partitions_request_message = {
    .name = "DescribeTopicPartitionsRequest",
    .first = 0,
    .last = 0,
    .flexible_since = 0,
    .fields = describe_topic_partitions_request_fields,
    .size = sizeof(struct describe_topic_partitions_request),
};

static const struct field describe_topic_partitions_response_partition_fields[] = {
    FIELD(describe_topic_partitions_response_partition, error_code, T_INT16, 0, NEWEST),
    FIELD(describe_topic_partitions_response_partition, partition_index, T_INT32, 0, NEWEST),
    FIELD(describe_topic_partitions_response_partition, leader_id, T_INT32, 0, NEWEST),
    FIELD(describe_topic_partitions_response_partition, leader_epoch, T_INT32, 0, NEWEST,
          .preset = -1),
    FIELD_ARRAY(describe_topic_partitions_response_partition, replica_nodes, T_INT32, 0, NEWEST),
    FIELD_ARRAY(describe_topic_partitions_response_partition, isr_nodes, T_INT32, 0, NEWEST),
    FIELD_ARRAY(describe_topic_partitions_response_partition, eligible_leader_replicas, T_INT32, 0,
                NEWEST, .null_since = 0, .preset = PRESET_NULL),
    FIELD_ARRAY(describe_topic_partitions_response_partition, last_known_elr, T_INT32, 0, NEWEST,
                .null_since = 0, .preset = PRESET_NULL),
    FIELD_ARRAY(describe_topic_partitions_response_partition, offline_replicas, T_INT32, 0, NEWEST),
    { 0 },
};

static const struct field describe_topic_partitions_response_topic_fields[] = {
    FIELD(describe_topic_partitions_response_topic, error_code, T_INT16, 0, NEWEST),
    FIELD(describe_topic_partitions_response_topic, name, T_STRING, 0, NEWEST, .null_since = 0),
    FIELD(describe_topic_partitions_response_topic, topic_id, T_UUID, 0, NEWEST),
    FIELD(describe_topic_partitions_response_topic, is_internal, T_BOOL, 0, NEWEST),
    FIELD_STRUCTS(describe_topic_partitions_response_topic, partitions,
                  describe_topic_partitions_response_partition, 0, NEWEST),
    FIELD(describe_topic_partitions_response_topic, topic_authorized_operations, T_INT32, 0,
          NEWEST, .preset = INT32_MIN),
    { 0 },
};

static const struct field describe_topic_partitions_response_cursor_fields[] = {
    FIELD(describe_topic_partitions_response_cursor, topic_name, T_STRING, 0, NEWEST),
    FIELD(describe_topic_partitions_response_cursor, partition_index, T_INT32, 0, NEWEST),
    { 0 },
};

static const struct field describe_topic_partitions_response_fields[] = {
    FIELD(describe_topic_partitions_response, throttle_time_ms, T_INT32, 0, NEWEST),
    FIELD_STRUCTS(describe_topic_partitions_response, topics,
                  describe_topic_partitions_response_topic, 0, NEWEST),
    FIELD_STRUCT(describe_topic_partitions_response, next_cursor,
                 describe_topic_partitions_response_cursor, 0, NEWEST, .null_since = 0),
    { 0 },
};

const struct message describe_topic_partitions_response_message = {
    .name = "DescribeTopicPartitionsResponse",
    .first = 0,
    .last = 0,
    .flexible_since = 0,
    .fields = describe_topic_partitions_response_fields,
    .size = sizeof(struct describe_topic_partitions_response),
};
