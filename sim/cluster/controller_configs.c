/* The controller's orders about configuration: AlterConfigs, which replaces all, and IncrementalAlterConfigs. Kafka's
 * ConfigurationControlManager with ConfigAdminManager (4.3), AdminManager (2.7). */
#include <inttypes.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/cluster/cluster_internal.h"

/* 2.7 wraps what is wrong with a value, and calls it an invalid request. */
static enum err wrap(const struct cluster *cluster, enum config_scope scope, const char *name, enum err err, const struct reason *inner,
                     struct reason *reason)
{
    if (release_is_27(cluster->release))
        return err_because(ERR_INVALID_REQUEST, reason, "Invalid config value for resource ConfigResource(type=%s, name='%s'): %s",
                           scope == CONFIG_TOPIC ? "TOPIC" : "BROKER", name, inner->text);
    return err_because(scope == CONFIG_BROKER ? ERR_INVALID_REQUEST : err, reason, "%s", inner->text);
}

/* Security settings and listeners are each broker's own. */
static bool per_broker(const char *name)
{
    return text_starts(name, "ssl.") || strcmp(name, "listeners") == 0 || strcmp(name, "advertised.listeners") == 0 ||
           strcmp(name, "listener.security.protocol.map") == 0;
}

static enum err check_broker_change(const struct cluster *cluster, const char *name, const struct config_change *change,
                                    struct reason *reason)
{
    const struct config_key *key = config_key_find(CONFIG_BROKER, change->name);
    bool old = release_is_27(cluster->release);
    struct reason inner;
    enum err err;

    if (!old && strcmp(change->name, "min.insync.replicas") == 0) {
        if (*name)
            return err_because(ERR_INVALID_CONFIG, reason, "Broker-level min.insync.replicas cannot be altered while ELR is enabled.");
        if (change->op == CONFIG_DELETE)
            return err_because(ERR_INVALID_CONFIG, reason, "Cluster-level min.insync.replicas cannot be removed while ELR is enabled.");
    }
    /* Names that nobody knows may be for a plugin: they are kept. */
    if (!config_key_known(key, cluster->release))
        return ERR_OK;
    if (key->read_only) {
        err_because(ERR_INVALID_REQUEST, &inner, old ? "Cannot update these configs dynamically: Set(%s)"
                                                     : "Cannot update these configs dynamically: [%s]", change->name);
        return wrap(cluster, CONFIG_BROKER, name, ERR_INVALID_REQUEST, &inner, reason);
    }
    if (!*name && per_broker(change->name)) {
        err_because(ERR_INVALID_REQUEST, &inner,
                    old ? "Cannot update these configs at default cluster level, broker id must be specified: Set(%s)"
                        : "Cannot update these configs at default cluster level, broker id must be specified: [%s]", change->name);
        return wrap(cluster, CONFIG_BROKER, name, ERR_INVALID_REQUEST, &inner, reason);
    }
    if (change->op == CONFIG_DELETE || !change->value || change->op == CONFIG_SUBTRACT)
        return ERR_OK;
    err = config_check(key, change->value, cluster->release, &inner);
    return err ? wrap(cluster, CONFIG_BROKER, name, err, &inner, reason) : ERR_OK;
}

static enum err check_resource(const struct cluster *cluster, enum config_scope scope, const char *name, struct reason *reason)
{
    int32_t id;

    switch (scope) {
    case CONFIG_TOPIC:
        if (!*name)
            return err_because(ERR_INVALID_REQUEST, reason, "Default topic resources are not allowed.");
        if (image_topic(cluster->controller.image, name))
            return ERR_OK;
        return err_because(ERR_UNKNOWN_TOPIC_OR_PARTITION, reason, "The topic '%s' does not exist.", name);
    case CONFIG_BROKER:
        if (!*name)
            return ERR_OK;
        if (!parse_i32(name, &id))
            return err_because(ERR_INVALID_REQUEST, reason, release_is_27(cluster->release)
                                                                ? "Broker id must be an integer, but it is: %s"
                                                                : "Unable to parse broker name as a base 10 number.", name);
        if (id < 0)
            return err_because(ERR_INVALID_REQUEST, reason, "Invalid negative broker ID.");
        if (!image_broker(cluster->controller.image, id))
            return err_because(ERR_BROKER_NOT_AVAILABLE, reason, "No broker with id %d found.", id);
        return ERR_OK;
    case CONFIG_GROUP:
        if (!*name)
            return err_because(ERR_INVALID_REQUEST, reason, "Default group resources are not allowed.");
        return ERR_OK;
    case CONFIG_CLIENT_METRICS:
        if (!*name)
            return err_because(ERR_INVALID_REQUEST, reason, "Subscription name can't be empty");
        return ERR_OK;
    }
    return err_because(ERR_INVALID_REQUEST, reason, "Unknown resource type %d", (int)scope);
}

static const char *word_of(enum config_op op)
{
    return op == CONFIG_APPEND ? "APPEND" : "SUBTRACT";
}

static bool list_has(const char *list, const char *word, size_t size)
{
    for (const char *at = list; *at;) {
        size_t span = strcspn(at, ",");

        if (span == size && strncmp(at, word, size) == 0)
            return true;
        at += span + (at[span] == ',');
    }
    return false;
}

/* `list` with the words of `change` that it lacks, or without those that it has. */
static char *list_changed(const char *list, const char *change, bool append)
{
    struct text out = { 0 };
    const char *sources[2] = { list, append ? change : "" };

    for (int s = 0; s < 2; s++) {
        for (const char *at = sources[s]; *at;) {
            size_t span = strcspn(at, ",");
            bool skip = span == 0 || (s == 0 && !append && list_has(change, at, span)) || (s == 1 && list_has(text_chars(&out), at, span));

            if (!skip) {
                if (out.size)
                    text_char(&out, ',');
                text_add_size(&out, at, span);
            }
            at += span + (at[span] == ',');
        }
    }
    text_add(&out, "");
    return text_take(&out);
}

static enum err change_list(const struct cluster *cluster, enum config_scope scope, struct config_map *map, const struct config_change *change,
                            struct reason *reason)
{
    const struct config_key *key = config_key_find(scope, change->name);
    const char *now = config_map_get(map, change->name);
    char *value;

    if (!key || key->type != CONFIG_LIST) {
        if (release_is_27(cluster->release))
            return err_because(ERR_INVALID_REQUEST, reason, "Config value %s is not allowed for config key: %s",
                               change->op == CONFIG_APPEND ? "append" : "subtract", change->name);
        return err_because(ERR_INVALID_CONFIG, reason, "Can't %s to key %s because its type is not LIST.", word_of(change->op), change->name);
    }
    if (!now)
        now = config_key_known(key, cluster->release) ? config_key_default(key, cluster->release) : "";
    value = list_changed(now ? now : "", change->value ? change->value : "", change->op == CONFIG_APPEND);
    config_map_set(map, change->name, value);
    mem_free(value);
    return ERR_OK;
}

static enum err make_changes(const struct cluster *cluster, enum config_scope scope, struct config_map *map,
                             const struct config_change *changes, size_t count, struct reason *reason)
{
    bool old = release_is_27(cluster->release);

    for (size_t i = 0; i < count; i++) {
        enum err err = ERR_OK;

        for (size_t j = 0; j < i; j++)
            if (strcmp(changes[i].name, changes[j].name) == 0)
                return err_because(ERR_INVALID_REQUEST, reason, old ? "Error due to duplicate config keys : %s" : "Error due to duplicate config keys",
                                   changes[i].name);
        if (changes[i].op == CONFIG_SET && !changes[i].value) {
            if (old)
                return err_because(ERR_INVALID_REQUEST, reason, "Null value not supported for : %s", changes[i].name);
            return err_because(ERR_INVALID_CONFIG, reason, "Null value not supported for %s configs: %s",
                               scope == CONFIG_TOPIC ? "topic" : scope == CONFIG_BROKER ? "broker" : "group", changes[i].name);
        }
        if (changes[i].op == CONFIG_SET)
            config_map_set(map, changes[i].name, changes[i].value);
        else if (changes[i].op == CONFIG_DELETE)
            config_map_set(map, changes[i].name, NULL);
        else
            err = change_list(cluster, scope, map, &changes[i], reason);
        if (err)
            return err;
    }
    return ERR_OK;
}

static enum err check_values(const struct cluster *cluster, enum config_scope scope, const char *name, const struct config_map *map,
                             struct reason *reason)
{
    struct reason inner = { 0 };
    enum err err = ERR_OK;

    if (scope == CONFIG_BROKER)
        return ERR_OK;
    for (size_t i = 0; !err && i < map->count; i++) {
        const struct config_key *key = config_key_find(scope, map->sets[i].name);

        if (!config_key_known(key, cluster->release)) {
            if (scope == CONFIG_TOPIC)
                return err_because(ERR_INVALID_CONFIG, reason, "Unknown topic config name: %s", map->sets[i].name);
            return err_because(scope == CONFIG_GROUP ? ERR_INVALID_CONFIG : ERR_INVALID_REQUEST, reason,
                               scope == CONFIG_GROUP ? "Unknown group config name: %s" : "Unknown client metrics configuration: %s",
                               map->sets[i].name);
        }
        err = config_check(key, map->sets[i].value, cluster->release, &inner);
    }
    if (!err)
        err = config_check_together(scope, map, cluster->release, &inner);
    return err ? wrap(cluster, scope, name, err, &inner, reason) : ERR_OK;
}

static void write_change(struct cluster *cluster, enum config_scope scope, const char *name, const char *key, const char *value)
{
    struct metadata_record record = metadata_record(METADATA_CONFIG);

    record.config.resource_type = (int8_t)image_resource_of_scope(scope);
    record.config.resource_name = name;
    record.config.name = key;
    record.config.value = value;
    controller_add(cluster, &record);
}

static void tell(struct cluster *cluster, enum config_scope scope, const char *name, const struct text *what)
{
    struct text text = { 0 };

    if (scope == CONFIG_BROKER)
        text_printf(&text, *name ? "broker %s: " : "all brokers: ", name);
    else
        text_printf(&text, "%s: ", name);
    text_add(&text, text_chars(what));
    journal_add(cluster->journal, ENTRY(EVENT_config_changed, .topic = scope == CONFIG_TOPIC ? name : NULL,
                                        .subject = scope == CONFIG_TOPIC ? NULL : name, .text = text_chars(&text)));
    text_done(&text);
}

enum err controller_alter_config(struct cluster *cluster, enum config_scope scope, const char *name, const struct config_change *changes,
                                 size_t count, bool whole, bool validate_only, int64_t *offset, struct reason *reason)
{
    const struct config_map *was = image_config(cluster->controller.image, scope, name);
    struct config_map map = { 0 }, old = { 0 };
    struct text what = { 0 };
    enum err err = controller_check(cluster, reason);

    if (!err)
        err = check_resource(cluster, scope, name, reason);
    config_map_copy(&old, was);
    if (!whole)
        config_map_copy(&map, was);
    for (size_t i = 0; !err && scope == CONFIG_BROKER && i < count; i++)
        err = check_broker_change(cluster, name, &changes[i], reason);
    if (!err)
        err = make_changes(cluster, scope, &map, changes, count, reason);
    if (!err)
        err = check_values(cluster, scope, name, &map, reason);
    if (err || validate_only)
        goto out;
    for (size_t i = 0; i < map.count; i++) {
        if (text_equal(config_map_get(&old, map.sets[i].name), map.sets[i].value))
            continue;
        write_change(cluster, scope, name, map.sets[i].name, map.sets[i].value);
        text_printf(&what, "%s%s=%s", what.size ? ", " : "", map.sets[i].name, map.sets[i].value);
    }
    for (size_t i = 0; i < old.count; i++) {
        if (config_map_get(&map, old.sets[i].name))
            continue;
        write_change(cluster, scope, name, old.sets[i].name, NULL);
        text_printf(&what, "%s%s back to its default", what.size ? ", " : "", old.sets[i].name);
    }
    err = controller_commit(cluster, offset, reason);
    if (!err && what.size)
        tell(cluster, scope, name, &what);
    if (!err && strstr(text_chars(&what), "unclean.leader.election.enable"))
        elections_config_changed(cluster);
    if (!err && strstr(text_chars(&what), "min.insync.replicas"))
        elections_min_isr_changed(cluster);
out:
    text_done(&what);
    config_map_done(&map);
    config_map_done(&old);
    return err;
}
