/* AlterConfigs (33): replaces all settings of a topic or broker by those given. */
#pragma once
#include "sim/base/fields.h"

struct alter_configs_request_config {
    const char *name;
    const char *value;
};

struct alter_configs_request_resource {
    int8_t resource_type;
    const char *resource_name;
    ARRAY_OF(struct alter_configs_request_config) configs;
};

struct alter_configs_request {
    ARRAY_OF(struct alter_configs_request_resource) resources;
    bool validate_only;
};

extern const struct message alter_configs_request_message;

struct alter_configs_response_resource {
    int16_t error_code;
    const char *error_message;
    int8_t resource_type;
    const char *resource_name;
};

struct alter_configs_response {
    int32_t throttle_time_ms;
    ARRAY_OF(struct alter_configs_response_resource) responses;
};

extern const struct message alter_configs_response_message;
