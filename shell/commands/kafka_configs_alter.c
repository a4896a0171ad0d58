/* kafka-configs --alter: single settings, a broker's as a whole (2.7), loggers; and what is checked of quotas and
 * SCRAM. */
#include "shell/commands/kafka_configs.h"

#include <string.h>

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

/* ---- the change ---- */

static bool contains(struct describe_configs_response_config *const *entries, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (text_equal(entries[i]->name, name))
            return true;
    return false;
}

bool configs_removed_exist(const struct configs *configs, struct describe_configs_response_config *const *entries,
                           size_t count, struct trouble *trouble)
{
    struct text missing = { 0 };

    for (size_t i = 0; i < configs->remove_count; i++)
        if (!contains(entries, count, configs->remove[i]))
            text_printf(&missing, "%s%s", missing.size ? "," : "", configs->remove[i]);
    if (missing.size)
        trouble_set(trouble, "org.apache.kafka.common.errors.InvalidConfigurationException", "Invalid config(s): %s",
                    missing.data);
    text_done(&missing);
    return !trouble->exception;
}

static bool removes(const struct configs *configs, const char *name)
{
    for (size_t i = 0; i < configs->remove_count; i++)
        if (text_equal(configs->remove[i], name))
            return true;
    return false;
}

bool configs_incremental(struct configs *configs, const char *type, const char *name, struct trouble *trouble)
{
    struct incremental_alter_configs_request request;
    struct incremental_alter_configs_request_resource resource = { .resource_type = configs_resource_type(type),
                                                                   .resource_name = name };
    struct incremental_alter_configs_response *response;
    int32_t node;
    void *answer;

    if (!configs_node(configs, type, name, &node, trouble))
        return false;
    resource.configs.items = arena_alloc(&configs->admin.arena, (configs->add.count + configs->remove_count + 1) *
                                                                    sizeof(*resource.configs.items));
    for (size_t i = 0; i < configs->add.count; i++)
        resource.configs.items[resource.configs.count++] =
            (struct incremental_alter_configs_request_config){ configs->add.sets[i].name, 0,
                                                               configs->add.sets[i].value };
    for (size_t i = 0; i < configs->remove_count; i++)
        resource.configs.items[resource.configs.count++] =
            (struct incremental_alter_configs_request_config){ configs->remove[i], 1, "" };
    fields_preset(&incremental_alter_configs_request_message, &request);
    request.resources.items = &resource;
    request.resources.count = 1;
    if (!tool_admin_call(&configs->admin, node, 44, -1, &request, &answer, "incrementalAlterConfigs", trouble))
        return configs_failed_call(configs, trouble);
    response = answer;
    for (int32_t i = 0; i < response->responses.count; i++)
        if (!tool_check(response->responses.items[i].error_code, response->responses.items[i].error_message, trouble)) {
            tool_execution(trouble);
            return false;
        }
    return true;
}

/* 2.7 sets a broker's settings as a whole (AlterConfigs), so it has to know the old ones, and can't when one is a
 * secret. */
static bool replace_broker(struct configs *configs, const char *name,
                           struct describe_configs_response_config *const *entries, size_t count,
                           struct trouble *trouble)
{
    struct alter_configs_request request;
    struct alter_configs_request_resource resource = { .resource_type = RESOURCE_BROKER, .resource_name = name };
    struct alter_configs_response *response;
    struct text secret = { 0 };
    int32_t node;
    void *answer;

    resource.configs.items =
        arena_alloc(&configs->admin.arena, (configs->add.count + count + 1) * sizeof(*resource.configs.items));
    for (size_t i = 0; i < count; i++) {
        const char *added = config_map_get(&configs->add, entries[i]->name);

        if (removes(configs, entries[i]->name))
            continue;
        if (!added && !entries[i]->value)
            text_printf(&secret, "%s%s", secret.size ? ", " : "", entries[i]->name);
        resource.configs.items[resource.configs.count++] =
            (struct alter_configs_request_config){ entries[i]->name, added ? added : entries[i]->value };
    }
    for (size_t i = 0; i < configs->add.count; i++)
        if (!contains(entries, count, configs->add.sets[i].name) && !removes(configs, configs->add.sets[i].name))
            resource.configs.items[resource.configs.count++] =
                (struct alter_configs_request_config){ configs->add.sets[i].name, configs->add.sets[i].value };
    if (secret.size) {
        trouble_set(trouble, "org.apache.kafka.common.errors.InvalidConfigurationException",
                    "All sensitive broker config entries must be specified for --alter, missing entries: Set(%s)",
                    secret.data);
        text_done(&secret);
        return false;
    }
    if (!configs_node(configs, "brokers", name, &node, trouble))
        return false;
    fields_preset(&alter_configs_request_message, &request);
    request.resources.items = &resource;
    request.resources.count = 1;
    if (!tool_admin_call(&configs->admin, node, 33, -1, &request, &answer, "alterConfigs", trouble))
        return configs_failed_call(configs, trouble);
    response = answer;
    for (int32_t i = 0; i < response->responses.count; i++)
        if (!tool_check(response->responses.items[i].error_code, response->responses.items[i].error_message, trouble)) {
            tool_execution(trouble);
            return false;
        }
    return true;
}

static bool alter_loggers(struct configs *configs, const char *name, struct trouble *trouble)
{
    struct describe_configs_response_config **entries;
    struct text invalid = { 0 };
    size_t count;

    if (!configs_get_entries(configs, "broker-loggers", name, true, false, &entries, &count, trouble))
        return false;
    for (size_t i = 0; i < configs->remove_count; i++)
        if (!contains(entries, count, configs->remove[i]))
            text_printf(&invalid, "%s%s", invalid.size ? "," : "", configs->remove[i]);
    for (size_t i = 0; i < configs->add.count; i++)
        if (!contains(entries, count, configs->add.sets[i].name))
            text_printf(&invalid, "%s%s", invalid.size ? "," : "", configs->add.sets[i].name);
    if (invalid.size)
        trouble_set(trouble, "org.apache.kafka.common.errors.InvalidConfigurationException",
                    "Invalid broker logger(s): %s", invalid.data);
    text_done(&invalid);
    return !trouble->exception && configs_incremental(configs, "broker-loggers", name, trouble);
}

/* ---- quotas and SCRAM: what the tool checks before it asks ---- */

static bool is_quota(const struct configs *configs, const char *name)
{
    static const char *const quotas[] = { "producer_byte_rate", "consumer_byte_rate", "request_percentage",
                                          "controller_mutation_rate" };

    if (text_equal(configs->types[0], "ips"))
        return text_equal(name, "connection_creation_rate");
    for (size_t i = 0; i < COUNT(quotas); i++)
        if (text_equal(name, quotas[i]))
            return true;
    return false;
}

static bool is_scram(const char *name)
{
    return text_equal(name, "SCRAM-SHA-256") || text_equal(name, "SCRAM-SHA-512");
}

static bool check_scram(const char *mechanism, const char *value, struct trouble *trouble)
{
    const char *password = text_starts(value, "iterations=") ? strchr(value, ',') : value;
    int32_t iterations = 4096;

    if (password && password != value) {
        char *number = mem_text_size(value + 11, (size_t)(password - value) - 11);

        if (!parse_i32(number, &iterations))
            password = NULL;
        else if (iterations == -1)
            iterations = 4096;
        mem_free(number);
        password = password ? password + 1 : NULL;
    }
    if (!password || !text_starts(password, "password="))
        return trouble_illegal(trouble, "Invalid credential property %s=%s", mechanism, value);
    if (iterations < 4096)
        return trouble_illegal(trouble, "Iterations %d is less than the minimum 4096 required for %s", (int)iterations,
                               mechanism);
    if (!password[9]) {
        trouble_set(trouble, "org.apache.kafka.common.errors.UnacceptableCredentialException",
                    "Password must not be empty");
        tool_execution(trouble);
        return false;
    }
    return true;
}

/* What doesn't belong there: "Set(a, b)" or, for what is to be removed, "List(a, b)". */
static bool check_unexpected(const struct configs *configs, bool removed, bool scram_too, const char *what,
                             struct trouble *trouble)
{
    size_t count = removed ? configs->remove_count : configs->add.count;
    struct text names = { 0 };

    for (size_t i = 0; i < count; i++) {
        const char *name = removed ? configs->remove[i] : configs->add.sets[i].name;

        if (!is_quota(configs, name) && !(scram_too && is_scram(name)))
            text_printf(&names, "%s%s", names.size ? ", " : "", name);
    }
    if (names.size)
        trouble_illegal(
            trouble, "Only %s configs can be %s for '%s' using --bootstrap-server. Unexpected config names: %s(%s)",
            what, removed ? "deleted" : "added", scram_too ? "users" : "clients", removed ? "List" : "Set", names.data);
    text_done(&names);
    return !trouble->exception;
}

static bool unsupported(const char *api, struct trouble *trouble)
{
    trouble_set(trouble, "org.apache.kafka.common.errors.UnsupportedVersionException", "The broker does not support %s",
                api);
    tool_execution(trouble);
    return false;
}

bool configs_alter_quotas(struct configs *configs, struct trouble *trouble)
{
    bool clients = text_equal(configs->types[0], "clients") || configs->type_count == 2, quotas = false, scram = false;
    double number;

    if (!text_equal(configs->types[0], "ips")) {
        const char *what = clients ? "quota" : "quota and SCRAM credential";

        if (!check_unexpected(configs, false, !clients, what, trouble) ||
            !check_unexpected(configs, true, !clients, what, trouble))
            return false;
    }
    for (size_t i = 0; i < configs->add.count; i++) {
        quotas |= is_quota(configs, configs->add.sets[i].name);
        scram |= is_scram(configs->add.sets[i].name);
    }
    for (size_t i = 0; i < configs->remove_count; i++) {
        quotas |= is_quota(configs, configs->remove[i]);
        scram |= is_scram(configs->remove[i]);
    }
    if (scram && configs_has_name(configs, true))
        return trouble_illegal(trouble, "The use of --entity-default or --user-defaults is not allowed with User SCRAM "
                                        "Credentials using --bootstrap-server.");
    if (scram && quotas)
        return trouble_illegal(trouble, "Cannot alter both quota and SCRAM credential configs simultaneously for "
                                        "'users' using --bootstrap-server.");
    if (scram || !quotas) {
        for (size_t i = 0; i < configs->add.count; i++)
            if (is_scram(configs->add.sets[i].name) &&
                !check_scram(configs->add.sets[i].name, configs->add.sets[i].value, trouble))
                return false;
        return unsupported("ALTER_USER_SCRAM_CREDENTIALS", trouble);
    }
    if (!configs_removed_exist(configs, NULL, 0, trouble))
        return false; /* nobody has a quota yet */
    for (size_t i = 0; i < configs->add.count; i++)
        if (!parse_double(configs->add.sets[i].value, &number))
            return trouble_illegal(trouble, "Cannot parse quota configuration value for %s: %s",
                                   configs->add.sets[i].name, configs->add.sets[i].value);
    return unsupported("ALTER_CLIENT_QUOTAS", trouble);
}

/* ---- */

bool configs_alter(struct configs *configs, struct trouble *trouble)
{
    const char *type = configs->types[0], *name = configs->names[0];
    struct describe_configs_response_config **entries = NULL;
    size_t count = 0;
    char *kind;
    bool ok;

    if (configs->type_count != configs->name_count)
        return trouble_illegal(trouble, "An entity name must be specified for every entity type");
    if (!configs_parse_added(configs, trouble))
        return false;
    configs_parse_removed(configs);
    if (!configs_resource_type(type))
        ok = configs_alter_quotas(configs, trouble);
    else if (text_equal(type, "broker-loggers"))
        ok = alter_loggers(configs, name, trouble);
    else if (configs_old(configs))
        ok = configs_get_entries(configs, type, name, false, false, &entries, &count, trouble) &&
             configs_removed_exist(configs, entries, count, trouble) &&
             (text_equal(type, "brokers") ? replace_broker(configs, name, entries, count, trouble)
                                          : configs_incremental(configs, type, name, trouble));
    else
        ok = configs_incremental(configs, type, name, trouble);
    if (!ok)
        return false;
    kind = configs_singular(type);
    if (*name)
        call_print(configs->call, "Completed updating config for %s %s.\n", kind, name);
    else
        call_print(configs->call, "Completed updating default config for %s in the cluster.\n", type);
    mem_free(kind);
    return true;
}
