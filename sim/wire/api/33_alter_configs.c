/* AlterConfigs: its bytes and what the broker does with it. */
#include "sim/wire/api/33_alter_configs.h"

#include "sim/wire/order.h"
#include "sim/wire/resource.h"

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

/* ---- what the broker does ---- */

enum reply handle_alter_configs(struct request *request)
{
    const struct alter_configs_request *in = request->in;
    struct alter_configs_response *answer = request->out;
    size_t count = (size_t)in->resources.count;
    struct resource_order *orders = arena_alloc(&request->arena, count * sizeof(*orders));
    int64_t wait;

    for (size_t i = 0; i < count; i++) {
        const struct alter_configs_request_resource *resource = &in->resources.items[i];
        struct config_change *changes = arena_alloc(&request->arena, (size_t)resource->configs.count * sizeof(*changes));

        for (int32_t j = 0; j < resource->configs.count; j++)
            changes[j] = (struct config_change){ resource->configs.items[j].name, CONFIG_SET, resource->configs.items[j].value };
        orders[i] = (struct resource_order){ .type = resource->resource_type, .name = resource->resource_name, .changes = changes,
                                             .count = (size_t)resource->configs.count };
    }
    wait = resource_alter(request, orders, count, true, in->validate_only);
    REPLY_ARRAY(request, answer->responses, count);
    for (size_t i = 0; i < count; i++)
        answer->responses.items[i] = (struct alter_configs_response_resource){ (int16_t)orders[i].err, orders[i].message, orders[i].type,
                                                                             orders[i].name };
    return order_reply(request, wait, NULL);
}

void cancel_alter_configs(struct request *request)
{
    order_cancel(request);
}
