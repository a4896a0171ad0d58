/* ListConfigResources: its bytes and what the broker does with it. */
#include "sim/wire/api/74_list_config_resources.h"

static const struct field list_config_resources_request_fields[] = {
    FIELD_ARRAY(list_config_resources_request, resource_types, T_INT8, 1, NEWEST),
    { 0 },
};

const struct message list_config_resources_request_message = {
    .name = "ListConfigResourcesRequest",
    .first = 0,
    .last = 1,
    .flexible_since = 0,
    .fields = list_config_resources_request_fields,
    .size = sizeof(struct list_config_resources_request),
};

static const struct field list_config_resources_response_resource_fields[] = {
    FIELD(list_config_resources_response_resource, resource_name, T_STRING, 0, NEWEST),
    FIELD(list_config_resources_response_resource, resource_type, T_INT8, 1, NEWEST, .preset = 16),
    { 0 },
};

static const struct field list_config_resources_response_fields[] = {
    FIELD(list_config_resources_response, throttle_time_ms, T_INT32, 0, NEWEST),
    FIELD(list_config_resources_response, error_code, T_INT16, 0, NEWEST),
    FIELD_STRUCTS(list_config_resources_response, config_resources,
                  list_config_resources_response_resource, 0, NEWEST),
    { 0 },
};

const struct message list_config_resources_response_message = {
    .name = "ListConfigResourcesResponse",
    .first = 0,
    .last = 1,
    .flexible_since = 0,
    .fields = list_config_resources_response_fields,
    .size = sizeof(struct list_config_resources_response),
};
