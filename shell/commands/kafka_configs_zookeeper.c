/* kafka-configs --zookeeper: other words, the same doing. */
#include "shell/commands/kafka_configs.h"

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

bool configs_describe_zookeeper(struct configs *configs, struct trouble *trouble)
{
    const char *type = configs->types[0], *one[] = { configs->names[0] }, **names = one;
    size_t count = configs->name_count, entry_count;
    struct describe_configs_response_config **entries;

    if (!configs_resource_type(type) || (!count && !configs_list_entities(configs, type, &names, &count, trouble)))
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

bool configs_alter_zookeeper(struct configs *configs, struct trouble *trouble)
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
