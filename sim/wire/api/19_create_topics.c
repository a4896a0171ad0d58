/* CreateTopics: its bytes and what the broker does with it. */
#include "sim/wire/api/19_create_topics.h"

#include <inttypes.h>
#include <string.h>

#include "sim/wire/order.h"

static const struct field create_topics_request_assignment_fields[] = {
    FIELD(create_topics_request_assignment, partition_index, T_INT32, 0, NEWEST),
    FIELD_ARRAY(create_topics_request_assignment, broker_ids, T_INT32, 0, NEWEST),
    { 0 },
};

static const struct field create_topics_request_config_fields[] = {
    FIELD(create_topics_request_config, name, T_STRING, 0, NEWEST),
    FIELD(create_topics_request_config, value, T_STRING, 0, NEWEST, .null_since = 0),
    { 0 },
};

static const struct field create_topics_request_topic_fields[] = {
    FIELD(create_topics_request_topic, name, T_STRING, 0, NEWEST),
    FIELD(create_topics_request_topic, num_partitions, T_INT32, 0, NEWEST),
    FIELD(create_topics_request_topic, replication_factor, T_INT16, 0, NEWEST),
    FIELD_STRUCTS(create_topics_request_topic, assignments, create_topics_request_assignment, 0,
                  NEWEST),
    FIELD_STRUCTS(create_topics_request_topic, configs, create_topics_request_config, 0, NEWEST),
    { 0 },
};

static const struct field create_topics_request_fields[] = {
    FIELD_STRUCTS(create_topics_request, topics, create_topics_request_topic, 0, NEWEST),
    FIELD(create_topics_request, timeout_ms, T_INT32, 0, NEWEST, .preset = 60000),
    FIELD(create_topics_request, validate_only, T_BOOL, 1, NEWEST),
    { 0 },
};

const struct message create_topics_request_message = {
    .name = "CreateTopicsRequest",
    .first = 0,
    .last = 7,
    .flexible_since = 5,
    .fields = create_topics_request_fields,
    .size = sizeof(struct create_topics_request),
};

static const struct field create_topics_response_config_fields[] = {
    FIELD(create_topics_response_config, name, T_STRING, 5, NEWEST),
    FIELD(create_topics_response_config, value, T_STRING, 5, NEWEST, .null_since = 5),
    FIELD(create_topics_response_config, read_only, T_BOOL, 5, NEWEST),
    FIELD(create_topics_response_config, config_source, T_INT8, 5, NEWEST, .preset = -1),
    FIELD(create_topics_response_config, is_sensitive, T_BOOL, 5, NEWEST),
    { 0 },
};

static const struct field create_topics_response_topic_fields[] = {
    FIELD(create_topics_response_topic, name, T_STRING, 0, NEWEST),
    FIELD(create_topics_response_topic, topic_id, T_UUID, 7, NEWEST),
    FIELD(create_topics_response_topic, error_code, T_INT16, 0, NEWEST),
    FIELD(create_topics_response_topic, error_message, T_STRING, 1, NEWEST, .null_since = 1),
    FIELD(create_topics_response_topic, topic_config_error_code, T_INT16, 5, NEWEST, .tag = 0,
          .tag_since = 5),
    FIELD(create_topics_response_topic, num_partitions, T_INT32, 5, NEWEST, .preset = -1),
    FIELD(create_topics_response_topic, replication_factor, T_INT16, 5, NEWEST, .preset = -1),
    FIELD_STRUCTS(create_topics_response_topic, configs, create_topics_response_config, 5, NEWEST,
                  .null_since = 5),
    { 0 },
};

static const struct field create_topics_response_fields[] = {
    FIELD(create_topics_response, throttle_time_ms, T_INT32, 2, NEWEST),
    FIELD_STRUCTS(create_topics_response, topics, create_topics_response_topic, 0, NEWEST),
    { 0 },
};

const struct message create_topics_response_message = {
    .name = "CreateTopicsResponse",
    .first = 0,
    .last = 7,
    .flexible_since = 5,
    .fields = create_topics_response_fields,
    .size = sizeof(struct create_topics_response),
};

/* ---- what the broker does ---- */

static bool is_repeated(const struct create_topics_request *in, int32_t at)
{
    for (int32_t i = 0; i < in->topics.count; i++)
        if (i != at && !strcmp(in->topics.items[i].name, in->topics.items[at].name))
            return true;
    return false;
}

static enum err refuse_repeated(struct request *request, const char *name, struct reason *reason)
{
    if (release_is_27(cluster_release(request->cluster)))
        return err_because(ERR_INVALID_REQUEST, reason, "Create topics request from client `%s` contains multiple entries for the following topics: %s",
                           request->client_id, name);
    return err_because(ERR_INVALID_REQUEST, reason, "Duplicate topic name.");
}

static enum err read_configs(const struct request *request, const struct create_topics_request_topic *in, struct config_map *out,
                             struct reason *reason)
{
    bool old = release_is_27(cluster_release(request->cluster));

    for (int32_t i = 0; i < in->configs.count; i++) {
        if (!in->configs.items[i].value)
            return err_because(old ? ERR_INVALID_REQUEST : ERR_INVALID_CONFIG, reason, "Null value not supported for topic configs%s: %s",
                               old ? " " : "", in->configs.items[i].name);
        config_map_set(out, in->configs.items[i].name, in->configs.items[i].value);
    }
    return ERR_OK;
}

static enum err create(struct request *request, int32_t at, struct uuid *id, int64_t *offset, struct reason *reason)
{
    const struct create_topics_request *in = request->in;
    const struct create_topics_request_topic *topic = &in->topics.items[at];
    struct config_map configs = { 0 };
    struct create_topic order = { .name = topic->name, .partition_count = topic->num_partitions,
                                  .replication_factor = topic->replication_factor, .configs = &configs };
    enum err err;

    if (is_repeated(in, at))
        return refuse_repeated(request, topic->name, reason);
    order.assignment_count = topic->assignments.count;
    order.assignments = arena_alloc(&request->arena, (size_t)topic->assignments.count * sizeof(*order.assignments));
    for (int32_t i = 0; i < topic->assignments.count; i++)
        order.assignments[i] = (struct assignment){ topic->assignments.items[i].partition_index, topic->assignments.items[i].broker_ids.items,
                                                    topic->assignments.items[i].broker_ids.count };
    err = read_configs(request, topic, &configs, reason);
    if (!err)
        err = controller_create_topic(request->cluster, &order, in->validate_only, id, offset, reason);
    config_map_done(&configs);
    return err;
}

/* Version 5 on: what the topic got. */
static void add_configs(struct request *request, struct create_topics_response_topic *out)
{
    struct config_layers layers = broker_topic_config(request->broker, out->name);

    REPLY_ARRAY(request, out->configs, config_key_count());
    out->configs.count = 0;
    for (size_t i = 0; i < config_key_count(); i++) {
        const struct config_key *key = config_key_at(i);
        struct config_value value;

        if (key->scope != CONFIG_TOPIC || key->internal || !config_key_known(key, layers.release))
            continue;
        value = config_resolve(&layers, key);
        out->configs.items[out->configs.count++] = (struct create_topics_response_config){ key->name, value.value, false, (int8_t)value.source, false };
    }
}

static void add_details(struct request *request)
{
    const struct create_topics_request *in = request->in;
    struct create_topics_response *answer = request->out;

    for (int32_t i = 0; request->version >= 5 && i < answer->topics.count; i++) {
        struct create_topics_response_topic *out = &answer->topics.items[i];
        const struct image_topic *topic = image_topic(broker_image(request->broker), out->name);

        if (out->error_code)
            continue;
        out->num_partitions = topic && !in->validate_only ? topic->partition_count : in->topics.items[i].num_partitions;
        out->replication_factor = topic && !in->validate_only ? topic->partitions[0].replica_count : in->topics.items[i].replication_factor;
        add_configs(request, out);
    }
}

enum reply handle_create_topics(struct request *request)
{
    const struct create_topics_request *in = request->in;
    struct create_topics_response *answer = request->out;
    int64_t wait = -1;

    REPLY_ARRAY(request, answer->topics, in->topics.count);
    for (int32_t i = 0; i < in->topics.count; i++) {
        struct create_topics_response_topic *out = &answer->topics.items[i];
        struct reason reason = { "" };
        int64_t offset = -1;
        enum err err = ERR_NOT_CONTROLLER;

        *out = (struct create_topics_response_topic){ .name = in->topics.items[i].name, .num_partitions = -1, .replication_factor = -1 };
        if (!order_is_misplaced(request))
            err = create(request, i, &out->topic_id, &offset, &reason);
        if (err)
            out->topic_id = (struct uuid){ 0 };
        else if (offset > wait && !in->validate_only)
            wait = offset;
        out->error_code = (int16_t)err;
        out->error_message = order_message(request, err, &reason);
    }
    return order_reply(request, wait, add_details);
}

void cancel_create_topics(struct request *request)
{
    order_cancel(request);
}
