/* ListConfigResources: its bytes and what the broker does with it. */
#include "sim/wire/api/74_list_config_resources.h"

#include <string.h>

#include "sim/wire/resource.h"

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

/* ---- what the broker does ---- */

struct listing {
    struct request *request;
    struct list_config_resources_response *answer;
    int32_t capacity;
};

static void add_resource(struct listing *listing, int8_t type, const char *name)
{
    if (listing->answer->config_resources.count < listing->capacity)
        listing->answer->config_resources.items[listing->answer->config_resources.count++] =
            (struct list_config_resources_response_resource){ arena_text(&listing->request->arena, name, strlen(name)), type };
}

/* Groups and subscriptions are known by their settings alone. */
static void add_configured(struct listing *listing, int8_t type, enum config_scope wanted)
{
    const struct image *image = broker_image(listing->request->broker);

    for (size_t i = 0; i < image_config_count(image); i++) {
        enum config_scope scope;
        const char *name;
        const struct config_map *map = image_config_at(image, i, &scope, &name);

        if (scope == wanted && map->count && *name)
            add_resource(listing, type, name);
    }
}

static void add_brokers(struct listing *listing, int8_t type)
{
    const struct image *image = broker_image(listing->request->broker);

    for (size_t i = 0; i < image_broker_count(image); i++)
        if (!image_broker_at(image, i)->fenced)
            add_resource(listing, type, arena_printf(&listing->request->arena, "%d", (int)image_broker_at(image, i)->id));
}

static void add_type(struct listing *listing, int8_t type)
{
    const struct image *image = broker_image(listing->request->broker);

    switch (type) {
    case RESOURCE_TOPIC:
        for (size_t i = 0; i < image_topic_count(image); i++)
            add_resource(listing, type, image_topic_at(image, i)->name);
        break;
    case RESOURCE_BROKER:
    case RESOURCE_BROKER_LOGGER: add_brokers(listing, type); break;
    case RESOURCE_CLIENT_METRICS: add_configured(listing, type, CONFIG_CLIENT_METRICS); break;
    case RESOURCE_GROUP: add_configured(listing, type, CONFIG_GROUP); break;
    default: break;
    }
}

enum reply handle_list_config_resources(struct request *request)
{
    static const int8_t all[] = { RESOURCE_GROUP, RESOURCE_CLIENT_METRICS, RESOURCE_BROKER_LOGGER, RESOURCE_BROKER, RESOURCE_TOPIC };
    const struct list_config_resources_request *in = request->in;
    struct list_config_resources_response *answer = request->out;
    const struct image *image = broker_image(request->broker);
    struct listing listing = { .request = request, .answer = answer };

    listing.capacity = (int32_t)(image_topic_count(image) + 2 * image_broker_count(image) + image_config_count(image));
    REPLY_ARRAY(request, answer->config_resources, listing.capacity);
    answer->config_resources.count = 0;
    if (request->version == 0) {
        add_type(&listing, RESOURCE_CLIENT_METRICS);
        return REPLY_NOW;
    }
    for (size_t i = 0; i < sizeof(all); i++) {
        bool wanted = !in->resource_types.count;

        for (int32_t t = 0; t < in->resource_types.count; t++)
            wanted = wanted || in->resource_types.items[t] == all[i];
        if (wanted)
            add_type(&listing, all[i]);
    }
    for (int32_t t = 0; t < in->resource_types.count; t++)
        if (!memchr(all, in->resource_types.items[t], sizeof(all))) {
            answer->error_code = ERR_UNSUPPORTED_VERSION;
            answer->config_resources.count = 0;
        }
    return REPLY_NOW;
}
