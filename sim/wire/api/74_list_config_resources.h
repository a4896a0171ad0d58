/* ListConfigResources (74): the resources that have settings. Version 0 knew client metrics only. */
#pragma once
#include "sim/base/fields.h"

struct list_config_resources_request {
    ARRAY_OF(int8_t) resource_types; /* from version 1 */
};

extern const struct message list_config_resources_request_message;

struct list_config_resources_response_resource {
    const char *resource_name;
    int8_t resource_type; /* from version 1 */
};

struct list_config_resources_response {
    int32_t throttle_time_ms;
    int16_t error_code;
    ARRAY_OF(struct list_config_resources_response_resource) config_resources;
};

extern const struct message list_config_resources_response_message;
