/* IncrementalAlterConfigs: its bytes and what the broker does with it. */
#include "sim/wire/api/44_incremental_alter_configs.h"

#include <string.h>

#include "sim/wire/order.h"
#include "sim/wire/resource.h"

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

/* ---- what the broker does ---- */

static enum err alter(struct request *request, const struct incremental_alter_configs_request_resource *in, bool validate_only, int64_t *offset,
                      struct reason *reason)
{
    struct config_change *changes = arena_alloc(&request->arena, (size_t)in->configs.count * sizeof(*changes));

    for (int32_t i = 0; i < in->configs.count; i++)
        changes[i] = (struct config_change){ in->configs.items[i].name, (enum config_op)in->configs.items[i].config_operation, in->configs.items[i].value };
    return resource_alter(request, in->resource_type, in->resource_name, changes, (size_t)in->configs.count, false, validate_only, offset, reason);
}

static bool is_repeated(const struct incremental_alter_configs_request *in, int32_t at)
{
    for (int32_t i = 0; i < in->resources.count; i++)
        if (i != at && in->resources.items[i].resource_type == in->resources.items[at].resource_type &&
            !strcmp(in->resources.items[i].resource_name, in->resources.items[at].resource_name))
            return true;
    return false;
}

enum reply handle_incremental_alter_configs(struct request *request)
{
    const struct incremental_alter_configs_request *in = request->in;
    struct incremental_alter_configs_response *answer = request->out;
    int64_t wait = -1;

    REPLY_ARRAY(request, answer->responses, in->resources.count);
    for (int32_t i = 0; i < in->resources.count; i++) {
        const struct incremental_alter_configs_request_resource *resource = &in->resources.items[i];
        struct reason reason = { "" };
        int64_t offset = -1;
        enum err err = is_repeated(in, i) ? err_because(ERR_INVALID_REQUEST, &reason, "Each resource must appear at most once.")
                                          : alter(request, resource, in->validate_only, &offset, &reason);

        if (!err && !in->validate_only && offset > wait)
            wait = offset;
        answer->responses.items[i] = (struct incremental_alter_configs_response_resource){ (int16_t)err, order_message(request, err, &reason),
                                                                                     resource->resource_type, resource->resource_name };
    }
    return order_reply(request, wait, NULL);
}

void cancel_incremental_alter_configs(struct request *request)
{
    order_cancel(request);
}
