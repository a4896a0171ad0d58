/* AlterPartitionReassignments: its bytes and what the broker does with it. */
#include "sim/wire/api/45_alter_partition_reassignments.h"

static const struct field alter_partition_reassignments_request_partition_fields[] = {
    FIELD(alter_partition_reassignments_request_partition, partition_index, T_INT32, 0, NEWEST),
    FIELD_ARRAY(alter_partition_reassignments_request_partition, replicas, T_INT32, 0, NEWEST,
                .null_since = 0, .preset = PRESET_NULL),
    { 0 },
};

static const struct field alter_partition_reassignments_request_topic_fields[] = {
    FIELD(alter_partition_reassignments_request_topic, name, T_STRING, 0, NEWEST),
    FIELD_STRUCTS(alter_partition_reassignments_request_topic, partitions,
                  alter_partition_reassignments_request_partition, 0, NEWEST),
    { 0 },
};

static const struct field alter_partition_reassignments_request_fields[] = {
    FIELD(alter_partition_reassignments_request, timeout_ms, T_INT32, 0, NEWEST, .preset = 60000),
    FIELD(alter_partition_reassignments_request, allow_replication_factor_change, T_BOOL, 1,
          NEWEST, .preset = 1),
    FIELD_STRUCTS(alter_partition_reassignments_request, topics,
                  alter_partition_reassignments_request_topic, 0, NEWEST),
    { 0 },
};

const struct message alter_partition_reassignments_request_message = {
    .name = "AlterPartitionReassignmentsRequest",
    .first = 0,
    .last = 1,
    .flexible_since = 0,
    .fields = alter_partition_reassignments_request_fields,
    .size = sizeof(struct alter_partition_reassignments_request),
};

static const struct field alter_partition_reassignments_response_partition_fields[] = {
    FIELD(alter_partition_reassignments_response_partition, partition_index, T_INT32, 0, NEWEST),
    FIELD(alter_partition_reassignments_response_partition, error_code, T_INT16, 0, NEWEST),
    FIELD(alter_partition_reassignments_response_partition, error_message, T_STRING, 0, NEWEST,
          .null_since = 0),
    { 0 },
};

static const struct field alter_partition_reassignments_response_topic_fields[] = {
    FIELD(alter_partition_reassignments_response_topic, name, T_STRING, 0, NEWEST),
    FIELD_STRUCTS(alter_partition_reassignments_response_topic, partitions,
                  alter_partition_reassignments_response_partition, 0, NEWEST),
    { 0 },
};

static const struct field alter_partition_reassignments_response_fields[] = {
    FIELD(alter_partition_reassignments_response, throttle_time_ms, T_INT32, 0, NEWEST),
    FIELD(alter_partition_reassignments_response, allow_replication_factor_change, T_BOOL, 1,
          NEWEST, .preset = 1),
    FIELD(alter_partition_reassignments_response, error_code, T_INT16, 0, NEWEST),
    FIELD(alter_partition_reassignments_response, error_message, T_STRING, 0, NEWEST,
          .null_since = 0),
    FIELD_STRUCTS(alter_partition_reassignments_response, responses,
                  alter_partition_reassignments_response_topic, 0, NEWEST),
    { 0 },
};

const struct message alter_partition_reassignments_response_message = {
    .name = "AlterPartitionReassignmentsResponse",
    .first = 0,
    .last = 1,
    .flexible_since = 0,
    .fields = alter_partition_reassignments_response_fields,
    .size = sizeof(struct alter_partition_reassignments_response),
};
