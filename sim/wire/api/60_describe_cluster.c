/* DescribeCluster: its bytes and what the broker does with it. */
#include "sim/wire/api/60_describe_cluster.h"

static const struct field describe_cluster_request_fields[] = {
    FIELD(describe_cluster_request, include_cluster_authorized_operations, T_BOOL, 0, NEWEST),
    FIELD(describe_cluster_request, endpoint_type, T_INT8, 1, NEWEST, .preset = 1),
    FIELD(describe_cluster_request, include_fenced_brokers, T_BOOL, 2, NEWEST),
    { 0 },
};

const struct message describe_cluster_request_message = {
    .name = "DescribeClusterRequest",
    .first = 0,
    .last = 2,
    .flexible_since = 0,
    .fields = describe_cluster_request_fields,
    .size = sizeof(struct describe_cluster_request),
};

static const struct field describe_cluster_response_broker_fields[] = {
    FIELD(describe_cluster_response_broker, broker_id, T_INT32, 0, NEWEST),
    FIELD(describe_cluster_response_broker, host, T_STRING, 0, NEWEST),
    FIELD(describe_cluster_response_broker, port, T_INT32, 0, NEWEST),
    FIELD(describe_cluster_response_broker, rack, T_STRING, 0, NEWEST, .null_since = 0,
          .preset = PRESET_NULL),
    FIELD(describe_cluster_response_broker, is_fenced, T_BOOL, 2, NEWEST),
    { 0 },
};

static const struct field describe_cluster_response_fields[] = {
    FIELD(describe_cluster_response, throttle_time_ms, T_INT32, 0, NEWEST),
    FIELD(describe_cluster_response, error_code, T_INT16, 0, NEWEST),
    FIELD(describe_cluster_response, error_message, T_STRING, 0, NEWEST, .null_since = 0,
          .preset = PRESET_NULL),
    FIELD(describe_cluster_response, endpoint_type, T_INT8, 1, NEWEST, .preset = 1),
    FIELD(describe_cluster_response, cluster_id, T_STRING, 0, NEWEST),
    FIELD(describe_cluster_response, controller_id, T_INT32, 0, NEWEST, .preset = -1),
    FIELD_STRUCTS(describe_cluster_response, brokers, describe_cluster_response_broker, 0, NEWEST),
    FIELD(describe_cluster_response, cluster_authorized_operations, T_INT32, 0, NEWEST,
          .preset = INT32_MIN),
    { 0 },
};

const struct message describe_cluster_response_message = {
    .name = "DescribeClusterResponse",
    .first = 0,
    .last = 2,
    .flexible_since = 0,
    .fields = describe_cluster_response_fields,
    .size = sizeof(struct describe_cluster_response),
};
