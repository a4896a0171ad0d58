/* kafka-configs --describe: which entities there are, and their settings. */
#include "shell/commands/kafka_configs.h"

#include <string.h>

#include "shell/java_order.h"

static void print_entry(struct call *call, const struct describe_configs_response_config *entry)
{
    struct text line = { 0 };

    text_printf(&line, "  %s=%s sensitive=%s synonyms={", entry->name, entry->value ? entry->value : "null",
                entry->is_sensitive ? "true" : "false");
    for (int32_t i = 0; i < entry->synonyms.count; i++)
        text_printf(
            &line, "%s%s:%s=%s", i ? ", " : "", config_source_name((enum config_source)entry->synonyms.items[i].source),
            entry->synonyms.items[i].name, entry->synonyms.items[i].value ? entry->synonyms.items[i].value : "null");
    call_print(call, "%s}\n", line.data);
    text_done(&line);
}

/* "topic", "broker", ...: the tool takes the last letter off, which makes "client-metric" too. */
char *configs_singular(const char *type)
{
    return mem_text_size(type, strlen(type) - 1);
}

static bool describe_one(struct configs *configs, const char *type, const char *name, struct trouble *trouble)
{
    bool all = tool_has(configs->options, "all");
    struct describe_configs_response_config **entries;
    char *kind = configs_singular(type);
    size_t count;
    bool ok;

    if (!*name && text_equal(type, "brokers"))
        call_print(configs->call, "Default configs for %s in the cluster are:\n", type);
    else
        call_print(configs->call, "%s configs for %s %s are:\n", all ? "All" : "Dynamic", kind, name);
    mem_free(kind);
    ok = configs_get_entries(configs, type, name, true, all, &entries, &count, trouble);
    for (size_t i = 0; ok && i < count; i++)
        print_entry(configs->call, entries[i]);
    return ok;
}

static bool list_resources(struct configs *configs, const char *type, const char ***names, size_t *count,
                           struct trouble *trouble)
{
    struct list_config_resources_request request;
    struct list_config_resources_response *response;
    int8_t number = configs_resource_type(type);
    void *answer;

    *count = 0;
    fields_preset(&list_config_resources_request_message, &request);
    request.resource_types.items = &number;
    request.resource_types.count = 1;
    if (!tool_admin_call(&configs->admin, NODE_ANY, 74, -1, &request, &answer, "listConfigResources", trouble))
        return configs_failed_call(configs, trouble);
    response = answer;
    if (!tool_check(response->error_code, NULL, trouble)) {
        tool_execution(trouble);
        return false;
    }
    *names = arena_alloc(&configs->admin.arena, ((size_t)response->config_resources.count + 1) * sizeof(**names));
    for (int32_t i = 0; i < response->config_resources.count; i++)
        (*names)[(*count)++] = response->config_resources.items[i].resource_name;
    return true;
}

static bool list_groups(struct configs *configs, const char ***names, size_t *count, struct trouble *trouble)
{
    struct metadata_response *cluster;
    size_t capacity = 0;
    const char **all = NULL;

    *count = 0;
    if (!tool_metadata(&configs->admin, "findAllBrokers", &cluster, trouble))
        return configs_failed_call(configs, trouble);
    for (int32_t i = 0; i < cluster->brokers.count; i++) {
        struct list_groups_request request;
        struct list_groups_response *response;
        void *answer;

        fields_preset(&list_groups_request_message, &request);
        if (!tool_admin_call(&configs->admin, cluster->brokers.items[i].node_id, 16, -1, &request, &answer,
                             "listGroups", trouble)) {
            mem_free(all);
            return configs_failed_call(configs, trouble);
        }
        response = answer;
        for (int32_t g = 0; g < response->groups.count; g++)
            ARRAY_ADD(all, *count, capacity) = response->groups.items[g].group_id;
    }
    *names = arena_alloc(&configs->admin.arena, (*count + 1) * sizeof(**names));
    if (*count)
        memcpy(*names, all, *count * sizeof(**names));
    mem_free(all);
    return true;
}

/* The entities of a type: topics in the order of Java's set. */
bool configs_list_entities(struct configs *configs, const char *type, const char ***names, size_t *count,
                          struct trouble *trouble)
{
    struct metadata_response *cluster;
    struct arena *arena = &configs->admin.arena;

    if (text_equal(type, "client-metrics"))
        return list_resources(configs, type, names, count, trouble);
    if (text_equal(type, "groups"))
        return list_groups(configs, names, count, trouble);
    if (!tool_metadata(&configs->admin, text_equal(type, "topics") ? "listTopics" : "listNodes", &cluster, trouble))
        return configs_failed_call(configs, trouble);
    *count = 0;
    if (text_equal(type, "topics")) {
        const char **raw = arena_alloc(arena, ((size_t)cluster->topics.count + 1) * sizeof(*raw));
        size_t *order;

        *names = arena_alloc(arena, ((size_t)cluster->topics.count + 1) * sizeof(**names));
        for (int32_t i = 0; i < cluster->topics.count; i++)
            raw[i] = cluster->topics.items[i].name;
        order = java_order(raw, (size_t)cluster->topics.count, 0);
        for (int32_t i = 0; i < cluster->topics.count; i++)
            (*names)[(*count)++] = raw[order[i]];
        mem_free(order);
        return true;
    }
    *names = arena_alloc(arena, ((size_t)cluster->brokers.count + 2) * sizeof(**names));
    for (int32_t i = 0; i < cluster->brokers.count; i++)
        (*names)[(*count)++] = arena_printf(arena, "%d", (int)cluster->brokers.items[i].node_id);
    (*names)[(*count)++] = "";
    return true;
}

static bool exists(struct configs *configs, const char *type, const char *name, bool *there, struct trouble *trouble)
{
    const char **names;
    size_t count;

    *there = true;
    if (!*name || tool_has(configs->options, "all"))
        return true;
    if (text_equal(type, "topics") && !configs_name_is_legal(configs, name, trouble))
        return false;
    if (!configs_list_entities(configs, type, &names, &count, trouble))
        return false;
    *there = false;
    for (size_t i = 0; i < count; i++)
        *there |= text_equal(names[i], name);
    if (*there || !text_equal(type, "groups"))
        return true;
    if (tool_admin_version(&configs->admin, 74) < 1) { /* nobody to ask: then what it has is shown */
        *there = true;
        return true;
    }
    if (!list_resources(configs, type, &names, &count, trouble))
        return false;
    for (size_t i = 0; i < count; i++)
        *there |= text_equal(names[i], name);
    return true;
}

bool configs_describe(struct configs *configs, struct trouble *trouble)
{
    const char *type = configs->types[0], **names;
    size_t count;
    bool there;

    if (!configs_resource_type(type))
        return true; /* quotas and SCRAM credentials: nobody has any */
    if (configs->name_count) {
        if (!configs_old(configs)) {
            if (!exists(configs, type, configs->names[0], &there, trouble))
                return false;
            if (!there) {
                char *kind = configs_singular(type);

                call_print(configs->call, "The %s '%s' doesn't exist and doesn't have dynamic config.\n", kind,
                           configs->names[0]);
                mem_free(kind);
                return true;
            }
        }
        return describe_one(configs, type, configs->names[0], trouble);
    }
    if (!configs_list_entities(configs, type, &names, &count, trouble))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!describe_one(configs, type, names[i], trouble))
            return false;
    return true;
}
