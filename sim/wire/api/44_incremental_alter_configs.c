/* IncrementalAlterConfigs: its bytes and what the broker does with it. */
#include "sim/wire/api/44_incremental_alter_configs.h"

static const struct field incremental_alter_configs_request_config_fields[] = {
    FIELD(incremental_alter_configs_request_config, name, T_STRING, 0, NEWEST),
    FIELD(incremental_alter_configs_request_config, config_operation, T_INT8, 0, NEWEST),
    FIELD(incremental_alter_configs_request_config, value, T_STRING, 0, NEWEST, .null_since = 0),
    { 0 },
};

static const struct field incremental_alter_configs_request_resource_fields[] = {
    FIELD(incremental_alter_configs_request_resource, resource_type, T_INT8, 0, NEWEST),
    FIELD(incremental_alter_configs_request_resource, resource_name, T_STRING, 0, NEWEST),
    FIELD_STRUCTS(incremental_alter_configs_request_resource, configs,
                  incremental_alter_configs_request_config, 0, NEWEST),
    { 0 },
};

static const struct field incremental_alter_configs_request_fields[] = {
    FIELD_STRUCTS(incremental_alter_configs_request, resources,
                  incremental_alter_configs_request_resource, 0, NEWEST),
    FIELD(incremental_alter_configs_request, validate_only, T_BOOL, 0, NEWEST),
    { 0 },
};

const struct message incremental_alter_configs_request_message = {
    .name = "IncrementalAlterConfigsRequest",
    .first = 0,
    .last = 1,
    .flexible_since = 1,
    .fields = incremental_alter_configs_request_fields,
    .size = sizeof(struct incremental_alter_configs_request),
};

static const struct field incremental_alter_configs_response_resource_fields[] = {
    FIELD(incremental_alter_configs_response_resource, error_code, T_INT16, 0, NEWEST),
    FIELD(incremental_alter_configs_response_resource, error_message, T_STRING, 0, NEWEST,
          .null_since = 0),
    FIELD(incremental_alter_configs_response_resource, resource_type, T_INT8, 0, NEWEST),
    FIELD(incremental_alter_configs_response_resource, resource_name, T_STRING, 0, NEWEST),
    { 0 },
};

static const struct field incremental_alter_configs_response_fields[] = {
    FIELD(incremental_alter_configs_response, throttle_time_ms, T_INT32, 0, NEWEST),
    FIELD_STRUCTS(incremental_alter_configs_response, responses,
                  incremental_alter_configs_response_resource, 0, NEWEST),
    { 0 },
};

const struct message incremental_alter_configs_response_message = {
    .name = "IncrementalAlterConfigsResponse",
    .first = 0,
    .last = 1,
    .flexible_since = 1,
    .fields = incremental_alter_configs_response_fields,
    .size = sizeof(struct incremental_alter_configs_response),
};
