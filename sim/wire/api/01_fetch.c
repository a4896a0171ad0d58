/* Fetch: its bytes and what the broker does with it. */
#include "sim/wire/api/01_fetch.h"

static const struct field fetch_request_replica_state_fields[] = {
    FIELD(fetch_request_replica_state, replica_id, T_INT32, 15, NEWEST, .preset = -1),
    FIELD(fetch_request_replica_state, replica_epoch, T_INT64, 15, NEWEST, .preset = -1),
    { 0 },
};

static const struct field fetch_request_partition_fields[] = {
    FIELD(fetch_request_partition, partition, T_INT32, 0, NEWEST),
    FIELD(fetch_request_partition, current_leader_epoch, T_INT32, 9, NEWEST, .preset = -1),
    FIELD(fetch_request_partition, fetch_offset, T_INT64, 0, NEWEST),
    FIELD(fetch_request_partition, last_fetched_epoch, T_INT32, 12, NEWEST, .preset = -1),
    FIELD(fetch_request_partition, log_start_offset, T_INT64, 5, NEWEST, .preset = -1),
    FIELD(fetch_request_partition, partition_max_bytes, T_INT32, 0, NEWEST),
    FIELD(fetch_request_partition, replica_directory_id, T_UUID, 17, NEWEST, .tag = 0,
          .tag_since = 17),
    FIELD(fetch_request_partition, high_watermark, T_INT64, 18, NEWEST, .tag = 1, .tag_since = 18,
          .preset = INT64_MAX),
    { 0 },
};

static const struct field fetch_request_topic_fields[] = {
    FIELD(fetch_request_topic, topic, T_STRING, 0, 12),
    FIELD(fetch_request_topic, topic_id, T_UUID, 13, NEWEST),
    FIELD_STRUCTS(fetch_request_topic, partitions, fetch_request_partition, 0, NEWEST),
    { 0 },
};

static const struct field fetch_request_forgotten_topic_fields[] = {
    FIELD(fetch_request_forgotten_topic, topic, T_STRING, 7, 12),
    FIELD(fetch_request_forgotten_topic, topic_id, T_UUID, 13, NEWEST),
    FIELD_ARRAY(fetch_request_forgotten_topic, partitions, T_INT32, 7, NEWEST),
    { 0 },
};

static const struct field fetch_request_fields[] = {
    FIELD(fetch_request, cluster_id, T_STRING, 12, NEWEST, .null_since = 12, .tag = 0,
          .tag_since = 12, .preset = PRESET_NULL),
    FIELD(fetch_request, replica_id, T_INT32, 0, 14, .preset = -1),
    FIELD_STRUCT(fetch_request, replica_state, fetch_request_replica_state, 15, NEWEST, .tag = 1,
                 .tag_since = 15),
    FIELD(fetch_request, max_wait_ms, T_INT32, 0, NEWEST),
    FIELD(fetch_request, min_bytes, T_INT32, 0, NEWEST),
    FIELD(fetch_request, max_bytes, T_INT32, 3, NEWEST, .preset = INT32_MAX),
    FIELD(fetch_request, isolation_level, T_INT8, 4, NEWEST),
    FIELD(fetch_request, session_id, T_INT32, 7, NEWEST),
    FIELD(fetch_request, session_epoch, T_INT32, 7, NEWEST, .preset = -1),
    FIELD_STRUCTS(fetch_request, topics, fetch_request_topic, 0, NEWEST),
    FIELD_STRUCTS(fetch_request, forgotten_topics_data, fetch_request_forgotten_topic, 7, NEWEST),
    FIELD(fetch_request, rack_id, T_STRING, 11, NEWEST),
    { 0 },
};

const struct message fetch_request_message = {
    .name = "FetchRequest",
    .first = 0,
    .last = 18,
    .flexible_since = 12,
    .fields = fetch_request_fields,
    .size = sizeof(struct fetch_request),
};

static const struct field fetch_response_diverging_epoch_fields[] = {
    FIELD(fetch_response_diverging_epoch, epoch, T_INT32, 12, NEWEST, .preset = -1),
    FIELD(fetch_response_diverging_epoch, end_offset, T_INT64, 12, NEWEST, .preset = -1),
    { 0 },
};

static const struct field fetch_response_current_leader_fields[] = {
    FIELD(fetch_response_current_leader, leader_id, T_INT32, 12, NEWEST, .preset = -1),
    FIELD(fetch_response_current_leader, leader_epoch, T_INT32, 12, NEWEST, .preset = -1),
    { 0 },
};

static const struct field fetch_response_snapshot_id_fields[] = {
    FIELD(fetch_response_snapshot_id, end_offset, T_INT64, 0, NEWEST, .preset = -1),
    FIELD(fetch_response_snapshot_id, epoch, T_INT32, 0, NEWEST, .preset = -1),
    { 0 },
};

static const struct field fetch_response_aborted_transaction_fields[] = {
    FIELD(fetch_response_aborted_transaction, producer_id, T_INT64, 4, NEWEST),
    FIELD(fetch_response_aborted_transaction, first_offset, T_INT64, 4, NEWEST),
    { 0 },
};

static const struct field fetch_response_partition_fields[] = {
    FIELD(fetch_response_partition, partition_index, T_INT32, 0, NEWEST),
    FIELD(fetch_response_partition, error_code, T_INT16, 0, NEWEST),
    FIELD(fetch_response_partition, high_watermark, T_INT64, 0, NEWEST),
    FIELD(fetch_response_partition, last_stable_offset, T_INT64, 4, NEWEST, .preset = -1),
    FIELD(fetch_response_partition, log_start_offset, T_INT64, 5, NEWEST, .preset = -1),
    FIELD_STRUCT(fetch_response_partition, diverging_epoch, fetch_response_diverging_epoch, 12,
                 NEWEST, .tag = 0, .tag_since = 12),
    FIELD_STRUCT(fetch_response_partition, current_leader, fetch_response_current_leader, 12,
                 NEWEST, .tag = 1, .tag_since = 12),
    FIELD_STRUCT(fetch_response_partition, snapshot_id, fetch_response_snapshot_id, 12, NEWEST,
                 .tag = 2, .tag_since = 12),
    FIELD_STRUCTS(fetch_response_partition, aborted_transactions,
                  fetch_response_aborted_transaction, 4, NEWEST, .null_since = 4),
    FIELD(fetch_response_partition, preferred_read_replica, T_INT32, 11, NEWEST, .preset = -1),
    FIELD(fetch_response_partition, records, T_RECORDS, 0, NEWEST, .null_since = 0),
    { 0 },
};

static const struct field fetch_response_topic_fields[] = {
    FIELD(fetch_response_topic, topic, T_STRING, 0, 12),
    FIELD(fetch_response_topic, topic_id, T_UUID, 13, NEWEST),
    FIELD_STRUCTS(fetch_response_topic, partitions, fetch_response_partition, 0, NEWEST),
    { 0 },
};

static const struct field fetch_response_node_fields[] = {
    FIELD(fetch_response_node, node_id, T_INT32, 16, NEWEST),
    FIELD(fetch_response_node, host, T_STRING, 16, NEWEST),
    FIELD(fetch_response_node, port, T_INT32, 16, NEWEST),
    FIELD(fetch_response_node, rack, T_STRING, 16, NEWEST, .null_since = 16, .preset = PRESET_NULL),
    { 0 },
};

static const struct field fetch_response_fields[] = {
    FIELD(fetch_response, throttle_time_ms, T_INT32, 1, NEWEST),
    FIELD(fetch_response, error_code, T_INT16, 7, NEWEST),
    FIELD(fetch_response, session_id, T_INT32, 7, NEWEST),
    FIELD_STRUCTS(fetch_response, responses, fetch_response_topic, 0, NEWEST),
    FIELD_STRUCTS(fetch_response, node_endpoints, fetch_response_node, 16, NEWEST, .tag = 0,
                  .tag_since = 16),
    { 0 },
};

const struct message fetch_response_message = {
    .name = "FetchResponse",
    .first = 0,
    .last = 18,
    .flexible_since = 12,
    .fields = fetch_response_fields,
    .size = sizeof(struct fetch_response),
};
