/* IncrementalAlterConfigs (44): changes single settings: set, delete, append, subtract. */
#pragma once
#include "sim/base/fields.h"

struct incremental_alter_configs_request_config {
    const char *name;
    int8_t config_operation; /* 0 set, 1 delete, 2 append, 3 subtract */
    const char *value;
};

struct incremental_alter_configs_request_resource {
    int8_t resource_type;
    const char *resource_name;
    ARRAY_OF(struct incremental_alter_configs_request_config) configs;
};

struct incremental_alter_configs_request {
    ARRAY_OF(struct incremental_alter_configs_request_resource) resources;
    bool validate_only;
};

extern const struct message incremental_alter_configs_request_message;

struct incremental_alter_configs_response_resource {
    int16_t error_code;
    const char *error_message;
    int8_t resource_type;
    const char *resource_name;
};

struct incremental_alter_configs_response {
    int32_t throttle_time_ms;
    ARRAY_OF(struct incremental_alter_configs_response_resource) responses;
};

extern const struct message incremental_alter_configs_response_message;
