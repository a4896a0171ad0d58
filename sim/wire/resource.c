/* Altering settings: AlterConfigs and IncrementalAlterConfigs order the same of the controller. */
#include "sim/wire/resource.h"

#include <string.h>

static const struct {
    int8_t type;
    const char *name;
    enum config_scope scope;      /* 0: none of ours */
    bool in_27;
} types[] = {
    { RESOURCE_TOPIC, "TOPIC", CONFIG_TOPIC, true },
    { RESOURCE_BROKER, "BROKER", CONFIG_BROKER, true },
    { RESOURCE_BROKER_LOGGER, "BROKER_LOGGER", 0, true },
    { RESOURCE_CLIENT_METRICS, "CLIENT_METRICS", CONFIG_CLIENT_METRICS, false },
    { RESOURCE_GROUP, "GROUP", CONFIG_GROUP, false },
};

const char *resource_type_name(int8_t type)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
        if (types[i].type == type)
            return types[i].name;
    return "UNKNOWN";
}

/* A simulated broker has no loggers, but takes what Kafka's would take. */
static enum err alter_logger(const char *name, const struct config_change *changes, size_t count, bool old, struct reason *reason)
{
    static const char *const levels[] = { "DEBUG", "ERROR", "FATAL", "INFO", "TRACE", "WARN" };

    for (size_t i = 0; i < count; i++) {
        const char *value = changes[i].value ? changes[i].value : "";
        bool known = changes[i].op != CONFIG_SET;

        for (size_t l = 0; l < sizeof(levels) / sizeof(*levels); l++)
            known = known || !strcmp(value, levels[l]);
        if (!known && old)
            return err_because(ERR_INVALID_REQUEST, reason, "Invalid config value for resource ConfigResource(type=BROKER_LOGGER, name='%s'): "
                               "Cannot set the log level of %s to %s as it is not a supported log level. Valid log levels are "
                               "DEBUG, ERROR, FATAL, INFO, TRACE, WARN", name, changes[i].name, value);
        if (!known)
            return err_because(ERR_INVALID_CONFIG, reason, "Cannot set the log level of %s to %s as it is not a supported log level. "
                               "Valid log levels are DEBUG, ERROR, FATAL, INFO, TRACE, WARN", changes[i].name, value);
    }
    return ERR_OK;
}

enum err resource_alter(struct request *request, int8_t type, const char *name, const struct config_change *changes, size_t count, bool whole,
                        bool validate_only, int64_t *offset, struct reason *reason)
{
    bool old = release_is_27(cluster_release(request->cluster));

    if (type == RESOURCE_BROKER_LOGGER && !whole)
        return alter_logger(name, changes, count, old, reason);
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
        if (types[i].type == type && types[i].scope && (!old || types[i].in_27))
            return controller_alter_config(request->cluster, types[i].scope, name, changes, count, whole, validate_only, offset, reason);
    return err_because(ERR_INVALID_REQUEST, reason, old ? "AlterConfigs is only supported for topics and brokers, but resource type is %s"
                                                        : "Unexpected resource type %s.", resource_type_name(type));
}
