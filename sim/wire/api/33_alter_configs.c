/* AlterConfigs: its bytes and what the broker does with it. */
#include "sim/wire/api/33_alter_configs.h"

static const struct field alter_configs_request_config_fields[] = {
    FIELD(alter_configs_request_config, name, T_STRING, 0, NEWEST),
    FIELD(alter_configs_request_config, value, T_STRING, 0, NEWEST, .null_since = 0),
    { 0 },
};

static const struct field alter_configs_request_resource_fields[] = {
    FIELD(alter_configs_request_resource, resource_type, T_INT8, 0, NEWEST),
    FIELD(alter_configs_request_resource, resource_name, T_STRING, 0, NEWEST),
    FIELD_STRUCTS(alter_configs_request_resource, configs, alter_configs_request_config, 0, NEWEST),
    { 0 },
};

static const struct field alter_configs_request_fields[] = {
    FIELD_STRUCTS(alter_configs_request, resources, alter_configs_request_resource, 0, NEWEST),
    FIELD(alter_configs_request, validate_only, T_BOOL, 0, NEWEST),
    { 0 },
};

const struct message alter_configs_request_message = {
    .name = "AlterConfigsRequest",
    .first = 0,
    .last = 2,
    .flexible_since = 2,
    .fields = alter_configs_request_fields,
    .size = sizeof(struct alter_configs_request),
};

static const struct field alter_configs_response_resource_fields[] = {
    FIELD(alter_configs_response_resource, error_code, T_INT16, 0, NEWEST),
    FIELD(alter_configs_response_resource, error_message, T_STRING, 0, NEWEST, .null_since = 0),
    FIELD(alter_configs_response_resource, resource_type, T_INT8, 0, NEWEST),
    FIELD(alter_configs_response_resource, resource_name, T_STRING, 0, NEWEST),
    { 0 },
};

static const struct field alter_configs_response_fields[] = {
    FIELD(alter_configs_response, throttle_time_ms, T_INT32, 0, NEWEST),
    FIELD_STRUCTS(alter_configs_response, responses, alter_configs_response_resource, 0, NEWEST),
    { 0 },
};

const struct message alter_configs_response_message = {
    .name = "AlterConfigsResponse",
    .first = 0,
    .last = 2,
    .flexible_since = 2,
    .fields = alter_configs_response_fields,
    .size = sizeof(struct alter_configs_response),
};
