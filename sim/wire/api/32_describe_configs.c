/* DescribeConfigs: its bytes and what the broker does with it. */
#include "sim/wire/api/32_describe_configs.h"

#include <inttypes.h>
#include <string.h>

#include "sim/base/text.h"
#include "sim/wire/resource.h"

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

/* ---- what the broker does ---- */

/* Kafka's ConfigType numbers. */
static const int8_t type_numbers[] = {
    [CONFIG_BOOLEAN] = 1, [CONFIG_STRING] = 2, [CONFIG_INT] = 3, [CONFIG_SHORT] = 4, [CONFIG_LONG] = 5,
    [CONFIG_DOUBLE] = 6,  [CONFIG_LIST] = 7,   [CONFIG_CLASS] = 8, [CONFIG_PASSWORD] = 9,
};

struct describing {
    struct request *request;
    const struct describe_configs_request_resource *in;
    struct describe_configs_response_resource *out;
    size_t capacity;
};

static bool is_wanted(const struct describing *describing, const char *name)
{
    for (int32_t i = 0; i < describing->in->configuration_keys.count; i++)
        if (!strcmp(describing->in->configuration_keys.items[i], name))
            return true;
    return describing->in->configuration_keys.count <= 0;
}

static void add_synonyms(struct request *request, const struct config_value *value, bool sensitive, struct describe_configs_response_config *out)
{
    REPLY_ARRAY(request, out->synonyms, value->synonym_count);
    for (int i = 0; i < value->synonym_count; i++)
        out->synonyms.items[i] = (struct describe_configs_response_synonym){
            arena_text(&request->arena, value->synonyms[i].name, strlen(value->synonyms[i].name)),
            sensitive || !value->synonyms[i].value ? NULL : arena_text(&request->arena, value->synonyms[i].value, strlen(value->synonyms[i].value)),
            (int8_t)value->synonyms[i].source,
        };
}

/* `key` NULL: a name that nobody knows, so it may hold a secret. */
static void add_config(struct describing *describing, const char *name, const struct config_key *key, const struct config_value *value)
{
    struct request *request = describing->request;
    const struct describe_configs_request *in = request->in;
    struct describe_configs_response_config *out;
    bool sensitive = !key || key->sensitive;

    if (!is_wanted(describing, name) || (size_t)describing->out->configs.count >= describing->capacity)
        return;
    out = &describing->out->configs.items[describing->out->configs.count++];
    *out = (struct describe_configs_response_config){
        .name = name, .value = sensitive ? NULL : value->value, .read_only = key && key->scope == CONFIG_BROKER && key->read_only,
        .is_default = value->source == SOURCE_DEFAULT, .config_source = (int8_t)value->source, .is_sensitive = sensitive,
        .config_type = key ? type_numbers[key->type] : 0, .documentation = request->version >= 3 && in->include_documentation && key ? key->doc : NULL,
    };
    if (request->version >= 1 && in->include_synonyms)
        add_synonyms(request, value, sensitive, out);
}

/* All keys of a scope, with the value that acts. */
static void add_known(struct describing *describing, const struct config_layers *layers, enum config_scope scope)
{
    for (size_t i = 0; i < config_key_count(); i++) {
        const struct config_key *key = config_key_at(i);
        struct config_value value;

        if (key->scope != (int)scope || key->internal || !config_key_known(key, layers->release))
            continue;
        value = config_resolve(layers, key);
        add_config(describing, key->name, key, &value);
    }
}

/* What was set in one place and nothing else; `only_unknown`: of that what no key describes, or one that is hidden as long as it is not set. */
static void add_set(struct describing *describing, const struct config_map *map, enum config_scope scope, enum config_source source, bool only_unknown)
{
    for (size_t i = 0; i < map->count; i++) {
        const struct config_key *key = config_key_find(scope, map->sets[i].name);
        struct config_value value = { .value = map->sets[i].value, .source = source, .synonym_count = 1,
                                      .synonyms = { { map->sets[i].name, map->sets[i].value, source } } };

        if (!key || key->internal || !only_unknown)
            add_config(describing, map->sets[i].name, key, &value);
    }
}

static enum err describe_topic(struct describing *describing, struct reason *reason)
{
    struct request *request = describing->request;
    const char *name = describing->in->resource_name;
    struct config_layers layers;

    (void)reason; /* Kafka leaves the text empty */
    if (!image_topic(broker_image(request->broker), name))
        return ERR_UNKNOWN_TOPIC_OR_PARTITION;
    layers = broker_topic_config(request->broker, name);
    add_known(describing, &layers, CONFIG_TOPIC);
    return ERR_OK;
}

static enum err describe_broker(struct describing *describing, struct reason *reason)
{
    struct request *request = describing->request;
    const char *name = describing->in->resource_name;
    const struct image *image = broker_image(request->broker);
    struct config_layers layers = broker_config(request->broker);
    int32_t own = request_client(request)->broker, id;

    if (!*name) {
        add_set(describing, image_config(image, CONFIG_BROKER, ""), CONFIG_BROKER, SOURCE_DYNAMIC_DEFAULT_BROKER, false);
        return ERR_OK;
    }
    if (!parse_i32(name, &id))
        return err_because(ERR_INVALID_REQUEST, reason, "Broker id must be an integer, but it is: %s", name);
    if (id != own)
        return err_because(ERR_INVALID_REQUEST, reason, "Unexpected broker id, expected %" PRId32 " or empty string, but received %s", own, name);
    add_known(describing, &layers, CONFIG_BROKER);
    add_set(describing, image_config(image, CONFIG_BROKER, ""), CONFIG_BROKER, SOURCE_DYNAMIC_DEFAULT_BROKER, true);
    add_set(describing, image_config(image, CONFIG_BROKER, name), CONFIG_BROKER, SOURCE_DYNAMIC_BROKER, true);
    return ERR_OK;
}

static enum err describe_loggers(struct describing *describing, struct reason *reason)
{
    struct request *request = describing->request;
    const char *name = describing->in->resource_name, *logger, *level;
    int32_t own = request_client(request)->broker, id;

    if (!*name)
        return err_because(ERR_INVALID_REQUEST, reason, "Broker id must not be empty");
    if (!parse_i32(name, &id))
        return err_because(ERR_INVALID_REQUEST, reason, "Broker id must be an integer, but it is: %s", name);
    if (id != own)
        return err_because(ERR_INVALID_REQUEST, reason, "Unexpected broker id, expected %" PRId32 " but received %s", own, name);
    for (size_t i = 0; i < broker_logger_count(); i++)
        if (broker_logger(request->broker, i, &logger, &level) && is_wanted(describing, logger))
            describing->out->configs.items[describing->out->configs.count++] = (struct describe_configs_response_config){
                .name = logger, .value = arena_text(&request->arena, level, strlen(level)), .config_source = SOURCE_DYNAMIC_BROKER_LOGGER,
            };
    return ERR_OK;
}

static enum err describe_group(struct describing *describing, struct reason *reason)
{
    struct request *request = describing->request;
    struct config_layers layers = broker_config(request->broker);
    const char *name = describing->in->resource_name;

    if (!*name)
        return err_because(ERR_INVALID_REQUEST, reason, "Group name must not be empty");
    layers.group = image_config(broker_image(request->broker), CONFIG_GROUP, name);
    add_known(describing, &layers, CONFIG_GROUP);
    return ERR_OK;
}

static enum err describe_metrics(struct describing *describing, struct reason *reason)
{
    const char *name = describing->in->resource_name;

    if (!*name)
        return err_because(ERR_INVALID_REQUEST, reason, "Client metrics subscription name must not be empty");
    add_set(describing, image_config(broker_image(describing->request->broker), CONFIG_CLIENT_METRICS, name), CONFIG_CLIENT_METRICS,
            SOURCE_CLIENT_METRICS, false);
    return ERR_OK;
}

static const struct {
    int8_t type;
    bool in_27;
    enum err (*describe)(struct describing *describing, struct reason *reason);
} describers[] = {
    { RESOURCE_TOPIC, true, describe_topic },
    { RESOURCE_BROKER, true, describe_broker },
    { RESOURCE_BROKER_LOGGER, true, describe_loggers },
    { RESOURCE_CLIENT_METRICS, false, describe_metrics },
    { RESOURCE_GROUP, false, describe_group },
};

static enum err describe(struct describing *describing, struct reason *reason)
{
    bool old = release_is_27(cluster_release(describing->request->cluster));

    for (size_t i = 0; i < sizeof(describers) / sizeof(*describers); i++)
        if (describers[i].type == describing->in->resource_type && (!old || describers[i].in_27))
            return describers[i].describe(describing, reason);
    return err_because(ERR_INVALID_REQUEST, reason, "Unsupported resource type: %s", resource_type_name(describing->in->resource_type));
}

enum reply handle_describe_configs(struct request *request)
{
    const struct describe_configs_request *in = request->in;
    struct describe_configs_response *answer = request->out;
    const struct image *image = broker_image(request->broker);

    REPLY_ARRAY(request, answer->results, in->resources.count);
    for (int32_t i = 0; i < in->resources.count; i++) {
        const struct describe_configs_request_resource *resource = &in->resources.items[i];
        struct describe_configs_response_resource *out = &answer->results.items[i];
        struct describing describing = { .request = request, .in = resource, .out = out };
        struct reason reason = { "" };
        enum err err;

        *out = (struct describe_configs_response_resource){ .error_message = "", .resource_type = resource->resource_type,
                                                            .resource_name = resource->resource_name };
        describing.capacity = config_key_count() + broker_logger_count() + image_config(image, CONFIG_BROKER, "")->count +
                              image_config(image, CONFIG_BROKER, resource->resource_name)->count +
                              image_config(image, CONFIG_CLIENT_METRICS, resource->resource_name)->count;
        REPLY_ARRAY(request, out->configs, describing.capacity);
        out->configs.count = 0;
        err = describe(&describing, &reason);
        out->error_code = (int16_t)err;
        if (err && *reason.text)
            out->error_message = arena_text(&request->arena, reason.text, strlen(reason.text));
    }
    return REPLY_NOW;
}
