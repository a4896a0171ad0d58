/* Produce: its bytes and what the broker does with it. */
#include "sim/wire/api/00_produce.h"

static const struct field produce_request_partition_fields[] = {
    FIELD(produce_request_partition, index, T_INT32, 0, NEWEST),
    FIELD(produce_request_partition, records, T_RECORDS, 0, NEWEST, .null_since = 0),
    { 0 },
};

static const struct field produce_request_topic_fields[] = {
    FIELD(produce_request_topic, name, T_STRING, 0, 12),
    FIELD(produce_request_topic, topic_id, T_UUID, 13, NEWEST),
    FIELD_STRUCTS(produce_request_topic, partition_data, produce_request_partition, 0, NEWEST),
    { 0 },
};

static const struct field produce_request_fields[] = {
    FIELD(produce_request, transactional_id, T_STRING, 3, NEWEST, .null_since = 3,
          .preset = PRESET_NULL),
    FIELD(produce_request, acks, T_INT16, 0, NEWEST),
    FIELD(produce_request, timeout_ms, T_INT32, 0, NEWEST),
    FIELD_STRUCTS(produce_request, topic_data, produce_request_topic, 0, NEWEST),
    { 0 },
};

const struct message produce_request_message = {
    .name = "ProduceRequest",
    .first = 0,
    .last = 13,
    .flexible_since = 9,
    .fields = produce_request_fields,
    .size = sizeof(struct produce_request),
};

static const struct field produce_response_record_error_fields[] = {
    FIELD(produce_response_record_error, batch_index, T_INT32, 8, NEWEST),
    FIELD(produce_response_record_error, batch_index_error_message, T_STRING, 8, NEWEST,
          .null_since = 8, .preset = PRESET_NULL),
    { 0 },
};

static const struct field produce_response_current_leader_fields[] = {
    FIELD(produce_response_current_leader, leader_id, T_INT32, 10, NEWEST, .preset = -1),
    FIELD(produce_response_current_leader, leader_epoch, T_INT32, 10, NEWEST, .preset = -1),
    { 0 },
};

static const struct field produce_response_partition_fields[] = {
    FIELD(produce_response_partition, index, T_INT32, 0, NEWEST),
    FIELD(produce_response_partition, error_code, T_INT16, 0, NEWEST),
    FIELD(produce_response_partition, base_offset, T_INT64, 0, NEWEST),
    FIELD(produce_response_partition, log_append_time_ms, T_INT64, 2, NEWEST, .preset = -1),
    FIELD(produce_response_partition, log_start_offset, T_INT64, 5, NEWEST, .preset = -1),
    FIELD_STRUCTS(produce_response_partition, record_errors, produce_response_record_error, 8,
                  NEWEST),
    FIELD(produce_response_partition, error_message, T_STRING, 8, NEWEST, .null_since = 8,
          .preset = PRESET_NULL),
    FIELD_STRUCT(produce_response_partition, current_leader, produce_response_current_leader, 10,
                 NEWEST, .tag = 0, .tag_since = 10),
    { 0 },
};

static const struct field produce_response_topic_fields[] = {
    FIELD(produce_response_topic, name, T_STRING, 0, 12),
    FIELD(produce_response_topic, topic_id, T_UUID, 13, NEWEST),
    FIELD_STRUCTS(produce_response_topic, partition_responses, produce_response_partition, 0,
                  NEWEST),
    { 0 },
};

static const struct field produce_response_node_fields[] = {
    FIELD(produce_response_node, node_id, T_INT32, 10, NEWEST),
    FIELD(produce_response_node, host, T_STRING, 10, NEWEST),
    FIELD(produce_response_node, port, T_INT32, 10, NEWEST),
    FIELD(produce_response_node, rack, T_STRING, 10, NEWEST, .null_since = 10,
          .preset = PRESET_NULL),
    { 0 },
};

static const struct field produce_response_fields[] = {
    FIELD_STRUCTS(produce_response, responses, produce_response_topic, 0, NEWEST),
    FIELD(produce_response, throttle_time_ms, T_INT32, 1, NEWEST),
    FIELD_STRUCTS(produce_response, node_endpoints, produce_response_node, 10, NEWEST, .tag = 0,
                  .tag_since = 10),
    { 0 },
};

const struct message produce_response_message = {
    .name = "ProduceResponse",
    .first = 0,
    .last = 13,
    .flexible_since = 9,
    .fields = produce_response_fields,
    .size = sizeof(struct produce_response),
};
