/* DescribeConfigs (32): the settings of topics and brokers, and where each value comes from. */
#pragma once
#include "sim/base/fields.h"

/* configuration_keys null asks for all. */
struct describe_configs_request_resource {
    int8_t resource_type;
    const char *resource_name;
    ARRAY_OF(const char *) configuration_keys;
};

struct describe_configs_request {
    ARRAY_OF(struct describe_configs_request_resource) resources;
    bool include_synonyms;      /* from version 1 */
    bool include_documentation; /* from version 3 */
};

extern const struct message describe_configs_request_message;

/* A place where the value could come from, in order of preference. */
struct describe_configs_response_synonym {
    const char *name;
    const char *value;
    int8_t source;
};

struct describe_configs_response_config {
    const char *name;
    const char *value;
    bool read_only;
    bool is_default;                                             /* version 0 */
    int8_t config_source;                                        /* from version 1 */
    bool is_sensitive;
    ARRAY_OF(struct describe_configs_response_synonym) synonyms; /* from version 1 */
    int8_t config_type;                                          /* from version 3 */
    const char *documentation;                                   /* from version 3 */
};

struct describe_configs_response_resource {
    int16_t error_code;
    const char *error_message;
    int8_t resource_type;
    const char *resource_name;
    ARRAY_OF(struct describe_configs_response_config) configs;
};

struct describe_configs_response {
    int32_t throttle_time_ms;
    ARRAY_OF(struct describe_configs_response_resource) results;
};

extern const struct message describe_configs_response_message;
