/* DescribeCluster (60): the brokers and the controller, without topics. */
#pragma once
#include "sim/base/fields.h"

struct describe_cluster_request {
    bool include_cluster_authorized_operations;
    int8_t endpoint_type;        /* 1 brokers, 2 controllers; from version 1 */
    bool include_fenced_brokers; /* from version 2 */
};

extern const struct message describe_cluster_request_message;

struct describe_cluster_response_broker {
    int32_t broker_id;
    const char *host;
    int32_t port;
    const char *rack;
    bool is_fenced; /* from version 2 */
};

struct describe_cluster_response {
    int32_t throttle_time_ms;
    int16_t error_code;
    const char *error_message;
    int8_t endpoint_type; /* from version 1 */
    const char *cluster_id;
    int32_t controller_id;
    ARRAY_OF(struct describe_cluster_response_broker) brokers;
    int32_t cluster_authorized_operations;
};

extern const struct message describe_cluster_response_message;
