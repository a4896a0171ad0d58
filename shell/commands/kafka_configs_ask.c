/* kafka-configs: the settings that a broker tells. */
#include "shell/commands/kafka_configs.h"

#include <stdlib.h>
#include <string.h>

#include "shell/java_order.h"

int8_t configs_resource_type(const char *type)
{
    static const struct {
        const char *type;
        int8_t number;
    } types[] = {
        { "topics", RESOURCE_TOPIC },
        { "brokers", RESOURCE_BROKER },
        { "broker-loggers", RESOURCE_BROKER_LOGGER },
        { "client-metrics", RESOURCE_CLIENT_METRICS },
        { "groups", RESOURCE_GROUP },
    };

    for (size_t i = 0; i < COUNT(types); i++)
        if (text_equal(types[i].type, type))
            return types[i].number;
    return 0;
}

static int8_t dynamic_source(const char *type, const char *name)
{
    return text_equal(type, "topics")           ? SOURCE_TOPIC
           : text_equal(type, "brokers")        ? *name ? SOURCE_DYNAMIC_BROKER : SOURCE_DYNAMIC_DEFAULT_BROKER
           : text_equal(type, "client-metrics") ? SOURCE_CLIENT_METRICS
           : text_equal(type, "groups")         ? SOURCE_GROUP
                                                : SOURCE_UNKNOWN; /* loggers: all of them */
}

/* What the tool gets out of a future: 2.7 waits for it with a limit of its own, and then knows no reason. */
bool configs_failed_call(const struct configs *configs, struct trouble *trouble)
{
    if (configs_old(configs) && trouble->exception &&
        text_equal(trouble->exception, "org.apache.kafka.common.errors.TimeoutException"))
        trouble_set(trouble, "java.util.concurrent.TimeoutException", NULL);
    else
        tool_execution(trouble);
    return false;
}

/* Settings of a broker are asked of that broker. One that isn't there lets the tool wait until its patience ends. */
bool configs_node(struct configs *configs, const char *type, const char *name, int32_t *node, struct trouble *trouble)
{
    struct metadata_response *cluster;

    *node = NODE_ANY;
    if ((!text_equal(type, "brokers") && !text_equal(type, "broker-loggers")) || !parse_i32(name, node))
        return true;
    if (!tool_metadata(&configs->admin, "describeConfigs", &cluster, trouble))
        return configs_failed_call(configs, trouble);
    for (int32_t i = 0; i < cluster->brokers.count; i++)
        if (cluster->brokers.items[i].node_id == *node)
            return true;
    call_sleep(configs->call, configs_old(configs) ? 30000000 : 60000000);
    trouble_set(trouble, "org.apache.kafka.common.errors.TimeoutException",
                "Timed out waiting for a node assignment. Call: describeBrokerConfigs");
    return configs_failed_call(configs, trouble);
}

static int by_config_name(const void *a, const void *b)
{
    return strcmp((*(struct describe_configs_response_config *const *)a)->name,
                  (*(struct describe_configs_response_config *const *)b)->name);
}

bool configs_name_is_legal(const struct configs *configs, const char *topic, struct trouble *trouble)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    const char *exception = "org.apache.kafka.common.errors.InvalidTopicException";
    bool is_old = configs_old(configs);

    if (text_equal(topic, ".") || text_equal(topic, ".."))
        return is_old ? trouble_set(trouble, exception, "Topic name cannot be \".\" or \"..\"")
                      : trouble_set(trouble, exception, "Topic name is invalid: '%s' is not allowed", topic);
    if (strlen(topic) > 249)
        return is_old
                   ? trouble_set(trouble, exception,
                                 "Topic name is illegal, it can't be longer than 249 characters, topic name: %s", topic)
                   : trouble_set(trouble, exception,
                                 "Topic name is invalid: the length of '%s' is longer than the max allowed length 249",
                                 topic);
    if (strspn(topic, letters) != strlen(topic))
        return is_old ? trouble_set(trouble, exception,
                                    "Topic name \"%s\" is illegal, it contains a character other than ASCII "
                                    "alphanumerics, '.', '_' and '-'",
                                    topic)
                      : trouble_set(trouble, exception,
                                    "Topic name is invalid: '%s' contains one or more characters other than ASCII "
                                    "alphanumerics, '.', '_' and '-'",
                                    topic);
    return true;
}

/* 4.3 says of an entity that isn't there so; 2.7 asks for it and shows the error. */
/* The entries in the order in which the tool walks them, those that are not asked for left out. */
bool configs_get_entries(struct configs *configs, const char *type, const char *name, bool synonyms, bool all,
                         struct describe_configs_response_config ***out, size_t *count, struct trouble *trouble)
{
    struct describe_configs_request request;
    struct describe_configs_request_resource resource = { .resource_type = configs_resource_type(type),
                                                          .resource_name = name,
                                                          .configuration_keys.count = -1 };
    struct describe_configs_response *response;
    int8_t source = dynamic_source(type, name);
    const char **names;
    size_t *order;
    int32_t node;
    void *answer;

    *count = 0;
    if ((text_equal(type, "topics") && *name && !configs_name_is_legal(configs, name, trouble)) ||
        !configs_node(configs, type, name, &node, trouble))
        return false;
    fields_preset(&describe_configs_request_message, &request);
    request.resources.items = &resource;
    request.resources.count = 1;
    request.include_synonyms = synonyms;
    if (!tool_admin_call(&configs->admin, node, 32, -1, &request, &answer,
                         node == NODE_ANY ? "describeConfigs" : "describeBrokerConfigs", trouble))
        return configs_failed_call(configs, trouble);
    response = answer;
    if (!response->results.count)
        return true;
    if (!tool_check(response->results.items[0].error_code, response->results.items[0].error_message, trouble)) {
        tool_execution(trouble);
        return false;
    }
    *out = arena_alloc(&configs->admin.arena, ((size_t)response->results.items[0].configs.count + 1) * sizeof(**out));
    names = mem_zero_array((size_t)response->results.items[0].configs.count + 1, sizeof(*names));
    for (int32_t i = 0; i < response->results.items[0].configs.count; i++)
        names[i] = response->results.items[0].configs.items[i].name;
    order = java_order_of_scala(names, (size_t)response->results.items[0].configs.count);
    for (int32_t i = 0; i < response->results.items[0].configs.count; i++) {
        struct describe_configs_response_config *entry = &response->results.items[0].configs.items[order[i]];

        if (all || !source || entry->config_source == source)
            (*out)[(*count)++] = entry;
    }
    mem_free(order);
    mem_free(names);
    if (!configs_old(configs))
        qsort(*out, *count, sizeof(**out), by_config_name);
    return true;
}
