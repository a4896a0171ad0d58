/* DescribeConfigs: its bytes and what the broker does with it. */
#include "sim/wire/api/32_describe_configs.h"

static const struct field describe_configs_request_resource_fields[] = {
    FIELD(describe_configs_request_resource, resource_type, T_INT8, 0, NEWEST),
    FIELD(describe_configs_request_resource, resource_name, T_STRING, 0, NEWEST),
    FIELD_ARRAY(describe_configs_request_resource, configuration_keys, T_STRING, 0, NEWEST,
                .null_since = 0),
    { 0 },
};

static const struct field describe_configs_request_fields[] = {
    FIELD_STRUCTS(describe_configs_request, resources, describe_configs_request_resource, 0,
                  NEWEST),
    FIELD(describe_configs_request, include_synonyms, T_BOOL, 1, NEWEST),
    FIELD(describe_configs_request, include_documentation, T_BOOL, 3, NEWEST),
    { 0 },
};

const struct message describe_configs_request_message = {
    .name = "DescribeConfigsRequest",
    .first = 0,
    .last = 4,
    .flexible_since = 4,
    .fields = describe_configs_request_fields,
    .size = sizeof(struct describe_configs_request),
};

static const struct field describe_configs_response_synonym_fields[] = {
    FIELD(describe_configs_response_synonym, name, T_STRING, 1, NEWEST),
    FIELD(describe_configs_response_synonym, value, T_STRING, 1, NEWEST, .null_since = 1),
    FIELD(describe_configs_response_synonym, source, T_INT8, 1, NEWEST),
    { 0 },
};

static const struct field describe_configs_response_config_fields[] = {
    FIELD(describe_configs_response_config, name, T_STRING, 0, NEWEST),
    FIELD(describe_configs_response_config, value, T_STRING, 0, NEWEST, .null_since = 0),
    FIELD(describe_configs_response_config, read_only, T_BOOL, 0, NEWEST),
    FIELD(describe_configs_response_config, is_default, T_BOOL, 0, 0),
    FIELD(describe_configs_response_config, config_source, T_INT8, 1, NEWEST, .preset = -1),
    FIELD(describe_configs_response_config, is_sensitive, T_BOOL, 0, NEWEST),
    FIELD_STRUCTS(describe_configs_response_config, synonyms, describe_configs_response_synonym, 1,
                  NEWEST),
    FIELD(describe_configs_response_config, config_type, T_INT8, 3, NEWEST),
    FIELD(describe_configs_response_config, documentation, T_STRING, 3, NEWEST, .null_since = 3),
    { 0 },
};

static const struct field describe_configs_response_resource_fields[] = {
    FIELD(describe_configs_response_resource, error_code, T_INT16, 0, NEWEST),
    FIELD(describe_configs_response_resource, error_message, T_STRING, 0, NEWEST, .null_since = 0),
    FIELD(describe_configs_response_resource, resource_type, T_INT8, 0, NEWEST),
    FIELD(describe_configs_response_resource, resource_name, T_STRING, 0, NEWEST),
    FIELD_STRUCTS(describe_configs_response_resource, configs, describe_configs_response_config, 0,
                  NEWEST),
    { 0 },
};

static const struct field describe_configs_response_fields[] = {
    FIELD(describe_configs_response, throttle_time_ms, T_INT32, 0, NEWEST),
    FIELD_STRUCTS(describe_configs_response, results, describe_configs_response_resource, 0,
                  NEWEST),
    { 0 },
};

const struct message describe_configs_response_message = {
    .name = "DescribeConfigsResponse",
    .first = 0,
    .last = 4,
    .flexible_since = 4,
    .fields = describe_configs_response_fields,
    .size = sizeof(struct describe_configs_response),
};
