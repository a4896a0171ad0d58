/* Altering settings: AlterConfigs and IncrementalAlterConfigs order the same of the controller. */
#include "sim/wire/resource.h"

#include <string.h>

#include "sim/wire/order.h"

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

static bool known_level(const char *level)
{
    static const char *const levels[] = { "DEBUG", "ERROR", "FATAL", "INFO", "TRACE", "WARN" };

    for (size_t i = 0; i < sizeof(levels) / sizeof(*levels); i++)
        if (!strcmp(level, levels[i]))
            return true;
    return false;
}

/* 2.7 walks a set of levels, 4.3 a sorted one; 2.7 wraps what is wrong, and calls it an invalid request. */
static enum err check_logger(const struct request *request, const char *name, const struct config_change *change, struct reason *reason)
{
    bool old = release_is_27(cluster_release(request->cluster));
    const char *value = change->value ? change->value : "", *open = old ? "Invalid config value for resource ConfigResource(type=BROKER_LOGGER, name='" : "";
    enum err err = old ? ERR_INVALID_REQUEST : ERR_INVALID_CONFIG;

    if (change->op != CONFIG_SET && change->op != CONFIG_DELETE)
        return err_because(ERR_INVALID_REQUEST, reason, "%s operation is not allowed for the BROKER_LOGGER resource",
                           change->op == CONFIG_APPEND ? "APPEND" : "SUBTRACT");
    if (!broker_logger_known(request->broker, change->name))
        return err_because(err, reason, "%s%s%sLogger %s does not exist!", open, old ? name : "", old ? "'): " : "", change->name);
    if (change->op == CONFIG_SET && !known_level(value))
        return err_because(err, reason, "%s%s%sCannot set the log level of %s to %s as it is not a supported log level. Valid log levels are %s", open,
                           old ? name : "", old ? "'): " : "", change->name, value,
                           old ? "TRACE, ERROR, INFO, FATAL, DEBUG, WARN" : "DEBUG, ERROR, FATAL, INFO, TRACE, WARN");
    if (change->op == CONFIG_DELETE && !strcmp(change->name, "root"))
        return err_because(ERR_INVALID_REQUEST, reason, "Removing the log level of the root logger is not allowed");
    return ERR_OK;
}

static enum err alter_loggers(struct request *request, const char *name, const struct config_change *changes, size_t count, bool validate_only,
                              struct reason *reason)
{
    for (size_t i = 0; i < count; i++) {
        enum err err = check_logger(request, name, &changes[i], reason);

        if (err)
            return err;
    }
    for (size_t i = 0; i < count && !validate_only; i++)
        broker_set_logger(request->broker, changes[i].name, changes[i].op == CONFIG_SET ? changes[i].value : NULL);
    return ERR_OK;
}

static enum err alter(struct request *request, const struct resource_order *order, bool whole, bool validate_only, int64_t *offset, struct reason *reason)
{
    bool old = release_is_27(cluster_release(request->cluster));

    if (order->type == RESOURCE_BROKER_LOGGER && !whole)
        return alter_loggers(request, order->name, order->changes, order->count, validate_only, reason);
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
        if (types[i].type == order->type && types[i].scope && (!old || types[i].in_27))
            return controller_alter_config(request->cluster, types[i].scope, order->name, order->changes, order->count, whole, validate_only, offset,
                                           reason);
    return err_because(ERR_INVALID_REQUEST, reason, old ? "AlterConfigs is only supported for topics and brokers, but resource type is %s"
                                                        : "Unexpected resource type %s.", resource_type_name(order->type));
}

static bool is_repeated(const struct resource_order *orders, size_t count, size_t at)
{
    for (size_t i = 0; i < count; i++)
        if (i != at && orders[i].type == orders[at].type && !strcmp(orders[i].name, orders[at].name))
            return true;
    return false;
}

int64_t resource_alter(struct request *request, struct resource_order *orders, size_t count, bool whole, bool validate_only)
{
    int64_t wait = -1;

    for (size_t i = 0; i < count; i++) {
        struct reason reason = { "" };
        int64_t offset = -1;

        orders[i].err = is_repeated(orders, count, i) ? err_because(ERR_INVALID_REQUEST, &reason, "Each resource must appear at most once.")
                                                      : alter(request, &orders[i], whole, validate_only, &offset, &reason);
        if (!orders[i].err && !validate_only && offset > wait)
            wait = offset;
        orders[i].message = order_message(request, orders[i].err, &reason);
    }
    return wait;
}
