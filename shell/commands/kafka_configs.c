/* kafka-configs: shows and changes the settings of topics, brokers and others while they run. */
#include "shell/commands/kafka_configs.h"

#include <stdlib.h>
#include <string.h>

#include "shell/java_order.h"

static const struct option options[] = {
    { "add-config", "String", "settings to make, 'k1=v1,k2=[v1,v2],k3=v3': brackets hold values with commas together",
      COMPLETE_CONFIG, 0 },
    { "add-config-file", "String", "a properties file with settings to make", COMPLETE_FILE, 0 },
    { "all", NULL, "with --describe: every setting, also those that nobody made", 0, 0 },
    { "alter", NULL, "change settings", 0, 0 },
    { "bootstrap-controller", "String: controller to connect to", "a controller's address, HOST:PORT",
      COMPLETE_BOOTSTRAP, RELEASE_43 },
    { "bootstrap-server", "String: server to connect to", "a broker's address, HOST:PORT", COMPLETE_BOOTSTRAP, 0 },
    { "broker", "String", "the broker with this id", COMPLETE_BROKER, 0 },
    { "broker-defaults", NULL, "what holds for all brokers", 0, 0 },
    { "broker-logger", "String", "the loggers of the broker with this id", COMPLETE_BROKER, 0 },
    { "client", "String", "the client with this id", 0, 0 },
    { "client-defaults", NULL, "what holds for all clients", 0, 0 },
    { "client-metrics", "String", "the metrics subscription with this name", 0, RELEASE_43 },
    { "command-config", "String: command config property file", "a file with settings for the tool's client",
      COMPLETE_FILE, 0 },
    { "delete-config", "String", "settings to take back, 'k1,k2'", COMPLETE_CONFIG, 0 },
    { "describe", NULL, "show settings", 0, 0 },
    { "entity-default", NULL, "the default of the entity type before it", 0, 0 },
    { "entity-name", "String", "the name of the entity whose type stands before it", COMPLETE_TOPIC, 0 },
    { "entity-type", "String",
      "topics, brokers, broker-loggers, clients, users; in 4.3 also ips, groups, client-metrics", COMPLETE_ENTITY_TYPE,
      0 },
    { "force", NULL, "ask nothing", 0, RELEASE_27 },
    { "group", "String", "the group with this id", COMPLETE_GROUP, RELEASE_43 },
    { "help", NULL, "show these options", 0, 0 },
    { "ip", "String", "the address of clients", 0, RELEASE_43 },
    { "ip-defaults", NULL, "what holds for all addresses", 0, RELEASE_43 },
    { "topic", "String", "the topic with this name", COMPLETE_TOPIC, 0 },
    { "user", "String", "the user with this name", 0, 0 },
    { "user-defaults", NULL, "what holds for all users", 0, 0 },
    { "version", NULL, "show Kafka's version", 0, 0 },
    { "zk-tls-config-file", "String: ZooKeeper TLS configuration", "not needed here", COMPLETE_FILE, RELEASE_27 },
    { "zookeeper", "String: urls", "the old way to reach the cluster: whatever the address, this lab", 0, RELEASE_27 },
    { 0 },
};

static const struct {
    const char *flag, *type;
} named[] = {
    /* in the order in which the tool collects them */
    { "topic", "topics" },
    { "client", "clients" },
    { "user", "users" },
    { "broker", "brokers" },
    { "broker-logger", "broker-loggers" },
    { "ip", "ips" },
    { "client-metrics", "client-metrics" },
    { "group", "groups" },
};
static const struct {
    const char *flag, *type;
} defaults[] = {
    { "client-defaults", "clients" },
    { "user-defaults", "users" },
    { "broker-defaults", "brokers" },
    { "ip-defaults", "ips" },
};

bool configs_old(const struct configs *configs)
{
    return configs->zookeeper || release_is_27(call_release(configs->call));
}

/* ---- the command line ---- */

static bool has_type(const struct configs *configs, const char *type)
{
    for (size_t i = 0; i < configs->type_count; i++)
        if (text_equal(configs->types[i], type))
            return true;
    return false;
}

bool configs_has_name(const struct configs *configs, bool empty)
{
    for (size_t i = 0; i < configs->name_count; i++)
        if (!*configs->names[i] == empty)
            return true;
    return false;
}

static bool add_type(struct configs *configs, const char *type, struct trouble *trouble)
{
    if (configs->type_count == NAMES_MAX)
        return trouble_illegal(trouble, "Only 'users' and 'clients' entity types may be specified together");
    configs->types[configs->type_count++] = type;
    return true;
}

static bool collect(struct configs *configs, struct trouble *trouble)
{
    const char *name, *argument, *value;

    for (size_t i = 0; tool_given(configs->options, i, &name, &argument); i++) {
        if (text_equal(name, "entity-type") && !add_type(configs, argument, trouble))
            return false;
        if ((text_equal(name, "entity-name") || text_equal(name, "entity-default")) && configs->name_count < NAMES_MAX)
            configs->names[configs->name_count++] = argument ? argument : "";
    }
    for (size_t i = 0; i < COUNT(named); i++) {
        if (!tool_has(configs->options, named[i].flag))
            continue;
        if (!tool_text(configs->options, named[i].flag, &value, trouble) || !add_type(configs, named[i].type, trouble))
            return false;
        if (configs->name_count < NAMES_MAX)
            configs->names[configs->name_count++] = value;
    }
    for (size_t i = 0; i < COUNT(defaults); i++) {
        if (!tool_has(configs->options, defaults[i].flag))
            continue;
        if (!add_type(configs, defaults[i].type, trouble))
            return false;
        if (configs->name_count < NAMES_MAX)
            configs->names[configs->name_count++] = "";
    }
    return true;
}

static bool check_types(const struct configs *configs, struct trouble *trouble)
{
    static const char *const types_27[] = { "topics", "clients", "users", "brokers", "broker-loggers" };
    static const char *const types_43[] = { "topics", "clients",        "users",  "brokers",
                                            "ips",    "client-metrics", "groups", "broker-loggers" };
    bool is_old = configs_old(configs);
    const char *const *allowed = is_old ? types_27 : types_43;
    size_t allowed_count = is_old ? COUNT(types_27) - configs->zookeeper : COUNT(types_43);

    for (size_t i = 0; i < configs->type_count; i++)
        for (size_t j = 0; j < i; j++)
            if (text_equal(configs->types[i], configs->types[j]))
                return trouble_illegal(trouble, "Duplicate entity type(s) specified: %s", configs->types[i]);
    for (size_t i = 0; i < configs->type_count; i++) {
        bool found = false;
        char *all;

        for (size_t j = 0; j < allowed_count; j++)
            found |= text_equal(configs->types[i], allowed[j]);
        if (found)
            continue;
        all = tool_join(allowed, allowed_count, is_old ? "," : ", ");
        trouble_illegal(trouble, "Invalid entity type %s, the entity type must be one of %s with %s argument",
                        configs->types[i], all,
                        configs->zookeeper ? "the --zookeeper"
                        : is_old           ? "the --bootstrap-server"
                                           : "a --bootstrap-server or --bootstrap-controller");
        mem_free(all);
        return false;
    }
    if (!configs->type_count)
        return trouble_illegal(trouble, "At least one entity type must be specified");
    if (configs->type_count > 1 &&
        !(configs->type_count == 2 && has_type(configs, "users") && has_type(configs, "clients")))
        return trouble_illegal(trouble, "Only 'users' and 'clients' entity types may be specified together");
    if (tool_has(configs->options, "entity-name") || tool_has(configs->options, "entity-type") ||
        tool_has(configs->options, "entity-default")) {
        bool flags = false;

        for (size_t i = 0; i < COUNT(named); i++)
            flags |= tool_has(configs->options, named[i].flag);
        for (size_t i = 0; i < COUNT(defaults); i++)
            flags |= tool_has(configs->options, defaults[i].flag);
        if (flags)
            return trouble_illegal(
                trouble, "--entity-{type,name,default} should not be used in conjunction with specific entity flags");
    }
    return true;
}

static bool check_connection(const struct configs *configs, struct trouble *trouble)
{
    const struct tool_options *o = configs->options;
    bool server = tool_has(o, "bootstrap-server"), controller = tool_has(o, "bootstrap-controller");

    if (configs_old(configs)) {
        if (!server && !configs->zookeeper)
            return trouble_illegal(trouble,
                                   "One of the required --bootstrap-server or --zookeeper arguments must be specified");
        if (server && configs->zookeeper)
            return trouble_illegal(trouble, "Only one of --bootstrap-server or --zookeeper must be specified");
        if (tool_has(o, "all") && configs->zookeeper)
            return trouble_illegal(trouble, "--bootstrap-server must be specified for --all");
        return true;
    }
    if (!server && !controller)
        return trouble_illegal(trouble, "Either --bootstrap-server or --bootstrap-controller must be specified.");
    if (server && controller)
        return trouble_illegal(trouble, "Only one of --bootstrap-server or --bootstrap-controller can be specified.");
    return true;
}

static bool check_alter(const struct configs *configs, const char *an, struct trouble *trouble)
{
    const struct tool_options *o = configs->options;
    bool some = configs_has_name(configs, false), add = tool_has(o, "add-config"),
         file = tool_has(o, "add-config-file");

    if (has_type(configs, "users") || has_type(configs, "clients") || has_type(configs, "brokers") ||
        has_type(configs, "ips")) {
        if (!some && !configs_has_name(configs, true))
            return trouble_illegal(
                trouble, "%s entity-name or default entity must be specified with --alter of users, clients%s", an,
                configs_old(configs) ? " or brokers" : ", brokers or ips");
    } else if (!some) {
        return trouble_illegal(trouble, "%s entity name must be specified with --alter of %s", an, configs->types[0]);
    }
    if (add && file)
        return trouble_illegal(trouble, "Only one of --add-config or --add-config-file must be specified");
    if (!add && !file && !tool_has(o, "delete-config"))
        return trouble_illegal(
            trouble,
            "At least one of --add-config, --add-config-file, or --delete-config must be specified with --alter");
    return true;
}

/* -1: go on; -2: trouble. */
static int check(struct configs *configs, struct trouble *trouble)
{
    const struct tool_options *o = configs->options;
    struct call *call = configs->call;
    const char *an = configs_old(configs) ? "an" : "An";
    int32_t id;

    if (call->argc == 1 || tool_has(o, "help"))
        return tool_usage(call, options,
                          "This tool helps to manipulate and describe entity config for a topic, client, user%s\n",
                          configs_old(configs) ? " or broker" : ", broker, ip, client-metrics or group");
    if (tool_has(o, "version")) {
        tool_print_version(call);
        return 0;
    }
    if (tool_has(o, "alter") == tool_has(o, "describe"))
        return tool_usage(call, options, "Command must include exactly one action: --describe, --alter\n");
    if (!tool_forbid(call, o, "describe", (const char *const[]){ "add-config", "delete-config", NULL }))
        return 1;
    if (!collect(configs, trouble) || !check_types(configs, trouble) || !check_connection(configs, trouble))
        return -2;
    for (size_t i = 0; i < configs->name_count && (has_type(configs, "brokers") || has_type(configs, "broker-loggers"));
         i++)
        if (*configs->names[i] && !parse_i32(configs->names[i], &id))
            return trouble_illegal(trouble, "The entity name for %s must be a valid integer broker id, but it is: %s",
                                   configs->types[0], configs->names[i]) -
                   2;
    if (tool_has(o, "describe") && !configs_old(configs) && tool_has(o, "entity-default") &&
        !has_type(configs, "users") && !has_type(configs, "clients") && !has_type(configs, "brokers") &&
        !has_type(configs, "ips"))
        return trouble_illegal(trouble, "--entity-default must not be specified with --describe of %s",
                               configs->types[0]) -
               2;
    if (tool_has(o, "describe") && has_type(configs, "broker-loggers") && !configs_has_name(configs, false))
        return trouble_illegal(trouble, "%s entity name must be specified with --describe of %s", an,
                               configs->types[0]) -
               2;
    if (tool_has(o, "alter") && !check_alter(configs, an, trouble))
        return -2;
    return -1;
}

/* ---- what is to be changed ---- */

/* A comma or '=' separates where no ']' follows before the next '[': brackets hold a value together. */
static bool separates(const char *rest)
{
    for (; *rest; rest++)
        if (*rest == '[' || *rest == ']')
            return *rest == '[';
    return true;
}

static char *without_brackets(const char *text, size_t size)
{
    struct text out = { 0 };
    char *trimmed;

    while (size && strchr(" \t", text[size - 1]))
        size--;
    for (; size && strchr(" \t", *text); size--)
        text++;
    for (size_t i = 0; i < size; i++)
        if (text[i] != '[' && text[i] != ']')
            text_char(&out, text[i]);
    trimmed = mem_text(text_chars(&out));
    text_done(&out);
    return trimmed;
}

static bool add_pair(struct configs *configs, const char *pair, size_t size)
{
    const char *equals = NULL;
    char *one = mem_text_size(pair, size), *key, *value;
    int parts = 1;

    for (const char *at = one; *at; at++) {
        const char *behind = at + 1;

        while (*behind == ' ')
            behind++;
        if (*at == '=' && separates(behind)) {
            parts++;
            equals = equals ? equals : at;
        }
    }
    if (parts == 2) {
        key = without_brackets(one, (size_t)(equals - one));
        value = without_brackets(equals + 1, strlen(equals + 1));
        config_map_set(&configs->add, key, value);
        mem_free(key);
        mem_free(value);
    }
    mem_free(one);
    return parts == 2;
}

bool configs_parse_added(struct configs *configs, struct trouble *trouble)
{
    const char *file, *text, *from;

    if (!tool_text(configs->options, "add-config-file", &file, trouble) ||
        (file && !tool_properties(file, &configs->add, trouble)) ||
        !tool_text(configs->options, "add-config", &text, trouble))
        return false;
    for (from = text; text && *from;) {
        const char *end = from;

        while (*end && !(*end == ',' && separates(end + 1)))
            end++;
        if (!add_pair(configs, from, (size_t)(end - from)))
            return trouble_illegal(
                trouble,
                "requirement failed: Invalid entity config: all configs to be added must be in the format "
                "\"key=val\"%s",
                configs_old(configs) ? "." : " or  \"key=[val1,val2]\" to group values which contain commas.");
        from = *end ? end + 1 : end;
    }
    for (size_t i = 0; !configs_old(configs) && i < configs->add.count; i++)
        if (strspn(configs->add.sets[i].name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") !=
            strlen(configs->add.sets[i].name))
            return trouble_illegal(trouble, "Invalid character found for config key: %s", configs->add.sets[i].name);
    if (configs_old(configs) && config_map_get(&configs->add, "message.format.version"))
        call_print(configs->call,
                   "WARNING: The configuration message.format.version=%s is specified. This configuration will be "
                   "ignored if the version is newer than the "
                   "inter.broker.protocol.version specified in the broker.\n",
                   config_map_get(&configs->add, "message.format.version"));
    return true;
}

void configs_parse_removed(struct configs *configs)
{
    size_t capacity = 0;

    for (size_t i = 0; i < tool_count(configs->options, "delete-config"); i++) {
        const char *text = tool_at(configs->options, "delete-config", i);
        char *rest = arena_text(&configs->admin.arena, text, strlen(text)), *one;

        while ((one = strsep(&rest, ","))) {
            while (*one == ' ')
                one++;
            for (char *end = one + strlen(one); end > one && end[-1] == ' ';)
                *--end = 0;
            if (*one)
                ARRAY_ADD(configs->remove, configs->remove_count, capacity) = one;
        }
    }
}

/* ---- asking ---- */

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

/* The topic's name is looked at before it is asked for (Topic.validate). */
static bool name_is_legal(const struct configs *configs, const char *topic, struct trouble *trouble)
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
    if ((text_equal(type, "topics") && *name && !name_is_legal(configs, name, trouble)) ||
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

/* ---- describe ---- */

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
static bool list_entities(struct configs *configs, const char *type, const char ***names, size_t *count,
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

/* 4.3 says of an entity that isn't there so; 2.7 asks for it and shows the error. */
static bool exists(struct configs *configs, const char *type, const char *name, bool *there, struct trouble *trouble)
{
    const char **names;
    size_t count;

    *there = true;
    if (!*name || tool_has(configs->options, "all"))
        return true;
    if (text_equal(type, "topics") && !name_is_legal(configs, name, trouble))
        return false;
    if (!list_entities(configs, type, &names, &count, trouble))
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

static bool describe(struct configs *configs, struct trouble *trouble)
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
    if (!list_entities(configs, type, &names, &count, trouble))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!describe_one(configs, type, names[i], trouble))
            return false;
    return true;
}

/* ---- over ZooKeeper: other words, the same doing ---- */

static void zookeeper_entity(const char *type, const char *name, struct text *out)
{
    const char *kind = text_equal(type, "topics")    ? "topic"
                       : text_equal(type, "users")   ? "user-principal"
                       : text_equal(type, "clients") ? "client-id"
                                                     : type;

    if (*name)
        text_printf(out, "%s '%s'", kind, name);
    else
        text_printf(out, "default %s", kind);
}

static bool describe_zookeeper(struct configs *configs, struct trouble *trouble)
{
    const char *type = configs->types[0], *one[] = { configs->names[0] }, **names = one;
    size_t count = configs->name_count, entry_count;
    struct describe_configs_response_config **entries;

    if (!configs_resource_type(type) || (!count && !list_entities(configs, type, &names, &count, trouble)))
        return !trouble->exception;
    for (size_t i = 0; i < count; i++) {
        struct text line = { 0 };

        if (!configs_get_entries(configs, type, names[i], false, false, &entries, &entry_count, trouble))
            return false;
        if (!entry_count && !configs->name_count)
            continue;
        text_add(&line, "Configs for ");
        zookeeper_entity(type, names[i], &line);
        text_add(&line, " are ");
        for (size_t e = 0; e < entry_count; e++)
            text_printf(&line, "%s%s=%s", e ? "," : "", entries[e]->name,
                        entries[e]->value ? entries[e]->value : "null");
        call_print(configs->call, "%s\n", line.data);
        text_done(&line);
    }
    return true;
}

static bool alter_zookeeper(struct configs *configs, struct trouble *trouble)
{
    const char *type = configs->types[0], *name = configs->names[0];
    struct describe_configs_response_config **entries = NULL;
    struct text line = { 0 };
    size_t count = 0;

    if (configs->type_count != configs->name_count)
        return trouble_illegal(
            trouble, "--entity-name or --entity-default must be specified with each --entity-type for --alter");
    if (!configs_parse_added(configs, trouble))
        return false;
    configs_parse_removed(configs);
    for (size_t i = 0; text_equal(type, "topics") && i < configs->add.count; i++)
        if (!config_key_known(config_key_find(CONFIG_TOPIC, configs->add.sets[i].name), RELEASE_27))
            return trouble_set(trouble, "org.apache.kafka.common.errors.InvalidConfigurationException",
                               "Unknown topic config name: %s", configs->add.sets[i].name);
    if (!configs_resource_type(type)) {
        if (!configs_alter_quotas(configs, trouble))
            return false;
    } else if (!configs_get_entries(configs, type, name, false, false, &entries, &count, trouble)) {
        if (text_equal(type, "topics"))
            trouble_set(trouble, "org.apache.kafka.common.errors.UnknownTopicOrPartitionException",
                        "Topic '%s' does not exist.", name);
        return false;
    } else if (!configs_removed_exist(configs, entries, count, trouble) ||
               !configs_incremental(configs, type, name, trouble)) {
        return false;
    }
    zookeeper_entity(type, name, &line);
    call_print(configs->call, "Completed updating config for entity: %s.\n", text_chars(&line));
    text_done(&line);
    return true;
}

static bool open_client(struct configs *configs, struct trouble *trouble)
{
    const struct tool_options *o = configs->options;
    struct config_map config = { 0 };
    const char *bootstrap, *file;
    char *lab = NULL;
    bool ok;

    if (configs->zookeeper) {
        if (!tool_text(o, "zookeeper", &bootstrap, trouble))
            return false;
        if (!(lab = tool_lab_bootstrap(configs->call)))
            return trouble_set(trouble, "kafka.zookeeper.ZooKeeperClientTimeoutException",
                               "Timed out waiting for connection while in state: CONNECTING");
        bootstrap = lab;
    }
    ok = tool_text(o, "command-config", &file, trouble) && (!file || tool_properties(file, &config, trouble)) &&
         (configs->zookeeper ||
          tool_text(o, tool_has(o, "bootstrap-server") ? "bootstrap-server" : "bootstrap-controller", &bootstrap,
                    trouble));
    if (ok && configs_old(configs) && !config_map_get(&config, "default.api.timeout.ms"))
        config_map_set(&config, "default.api.timeout.ms", "30000"); /* as long as the tool waits for an answer */
    ok = ok && tool_admin_open(&configs->admin, configs->call, bootstrap, NULL, &config, trouble);
    config_map_done(&config);
    mem_free(lab);
    return ok;
}

/* Mistakes of who typed: one line. Else the line as it was typed, and the trace. */
static int say(struct configs *configs, struct trouble *trouble)
{
    struct call *call = configs->call;
    char *args;

    if (call_interrupted(call)) {
        trouble_done(trouble);
        return 130;
    }
    if (text_equal(trouble->exception, "java.lang.IllegalArgumentException") ||
        text_equal(trouble->exception, "org.apache.kafka.common.errors.InvalidConfigurationException") ||
        text_starts(trouble->exception, "joptsimple.")) {
        call_error(call, "%s\n", trouble->message);
    } else {
        args = tool_join((const char *const *)call->argv + 1, (size_t)call->argc - 1, " ");
        call_error(call, "Error while executing config command with args '%s'\n", args);
        mem_free(args);
        trouble_print(call, trouble);
    }
    trouble_done(trouble);
    return 1;
}

static int run(struct call *call)
{
    struct configs configs = { .call = call };
    struct trouble trouble = { 0 };
    int status = -2;
    bool ok;

    if (tool_options_parse(&configs.options, call, options, &trouble)) {
        configs.zookeeper = tool_has(configs.options, "zookeeper");
        status = check(&configs, &trouble);
    }
    if (status == -1) {
        if (configs.zookeeper)
            call_print(call, "Warning: --zookeeper is deprecated and will be removed in a future version of Kafka.\n"
                             "Use --bootstrap-server instead to specify a broker to connect to.\n");
        ok = open_client(&configs, &trouble) &&
             (tool_has(configs.options, "alter")
                  ? (configs.zookeeper ? alter_zookeeper : configs_alter)(&configs, &trouble)
                  : (configs.zookeeper ? describe_zookeeper : describe)(&configs, &trouble));
        status = ok ? 0 : -2;
    }
    if (status == -2)
        status = say(&configs, &trouble);
    tool_admin_close(&configs.admin);
    config_map_done(&configs.add);
    mem_free(configs.remove);
    tool_options_done(configs.options);
    return tool_status(call, status);
}

const struct command command_kafka_configs = {
    .name = "kafka-configs",
    .summary = "show and change the settings of topics and brokers",
    .example = "kafka-configs.sh --alter --entity-type topics --entity-name students --add-config retention.ms=30000 "
               "--bootstrap-server localhost:9092",
    .options = options,
    .tool = true,
    .past = "--describe --version --help", .run = run,
};
