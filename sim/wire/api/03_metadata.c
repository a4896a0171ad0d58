/* Metadata: its bytes and what the broker does with it. */
#include "sim/wire/api/03_metadata.h"

static const struct field metadata_request_topic_fields[] = {
    FIELD(metadata_request_topic, topic_id, T_UUID, 10, NEWEST),
    FIELD(metadata_request_topic, name, T_STRING, 0, NEWEST, .null_since = 10),
    { 0 },
};

static const struct field metadata_request_fields[] = {
    FIELD_STRUCTS(metadata_request, topics, metadata_request_topic, 0, NEWEST, .null_since = 1),
    FIELD(metadata_request, allow_auto_topic_creation, T_BOOL, 4, NEWEST, .preset = 1),
    FIELD(metadata_request, include_cluster_authorized_operations, T_BOOL, 8, 10),
    FIELD(metadata_request, include_topic_authorized_operations, T_BOOL, 8, NEWEST),
    { 0 },
};

const struct message metadata_request_message = {
    .name = "MetadataRequest",
    .first = 0,
    .last = 13,
    .flexible_since = 9,
    .fields = metadata_request_fields,
    .size = sizeof(struct metadata_request),
};

static const struct field metadata_response_broker_fields[] = {
    FIELD(metadata_response_broker, node_id, T_INT32, 0, NEWEST),
    FIELD(metadata_response_broker, host, T_STRING, 0, NEWEST),
    FIELD(metadata_response_broker, port, T_INT32, 0, NEWEST),
    FIELD(metadata_response_broker, rack, T_STRING, 1, NEWEST, .null_since = 1,
          .preset = PRESET_NULL),
    { 0 },
};

static const struct field metadata_response_partition_fields[] = {
    FIELD(metadata_response_partition, error_code, T_INT16, 0, NEWEST),
    FIELD(metadata_response_partition, partition_index, T_INT32, 0, NEWEST),
    FIELD(metadata_response_partition, leader_id, T_INT32, 0, NEWEST),
    FIELD(metadata_response_partition, leader_epoch, T_INT32, 7, NEWEST, .preset = -1),
    FIELD_ARRAY(metadata_response_partition, replica_nodes, T_INT32, 0, NEWEST),
    FIELD_ARRAY(metadata_response_partition, isr_nodes, T_INT32, 0, NEWEST),
    FIELD_ARRAY(metadata_response_partition, offline_replicas, T_INT32, 5, NEWEST),
    { 0 },
};

static const struct field metadata_response_topic_fields[] = {
    FIELD(metadata_response_topic, error_code, T_INT16, 0, NEWEST),
    FIELD(metadata_response_topic, name, T_STRING, 0, NEWEST, .null_since = 12),
    FIELD(metadata_response_topic, topic_id, T_UUID, 10, NEWEST),
    FIELD(metadata_response_topic, is_internal, T_BOOL, 1, NEWEST),
    FIELD_STRUCTS(metadata_response_topic, partitions, metadata_response_partition, 0, NEWEST),
    FIELD(metadata_response_topic, topic_authorized_operations, T_INT32, 8, NEWEST,
          .preset = INT32_MIN),
    { 0 },
};

static const struct field metadata_response_fields[] = {
    FIELD(metadata_response, throttle_time_ms, T_INT32, 3, NEWEST),
    FIELD_STRUCTS(metadata_response, brokers, metadata_response_broker, 0, NEWEST),
    FIELD(metadata_response, cluster_id, T_STRING, 2, NEWEST, .null_since = 2,
          .preset = PRESET_NULL),
    FIELD(metadata_response, controller_id, T_INT32, 1, NEWEST, .preset = -1),
    FIELD_STRUCTS(metadata_response, topics, metadata_response_topic, 0, NEWEST),
    FIELD(metadata_response, cluster_authorized_operations, T_INT32, 8, 10, .preset = INT32_MIN),
    FIELD(metadata_response, error_code, T_INT16, 13, NEWEST),
    { 0 },
};

const struct message metadata_response_message = {
    .name = "MetadataResponse",
    .first = 0,
    .last = 13,
    .flexible_since = 9,
    .fields = metadata_response_fields,
    .size = sizeof(struct metadata_response),
};
