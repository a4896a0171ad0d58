/* A broker's loggers. Nothing is logged by them here: they can be listed and set as a real broker's can. What was set is lost when it stops. */
#include <string.h>

#include "sim/cluster/cluster_internal.h"

/* The levels of the distribution's own log4j.properties, by release; NULL: the release has it not. */
static const struct logger {
    const char *name, *level_27, *level_43;
} loggers[] = {
    { "kafka", "INFO", "INFO" },
    { "kafka.authorizer.logger", "INFO", "INFO" },
    { "kafka.cluster.Partition", "INFO", "INFO" },
    { "kafka.controller", "TRACE", NULL },
    { "kafka.controller.KafkaController", "TRACE", NULL },
    { "kafka.coordinator.group.GroupCoordinator", "INFO", NULL },
    { "kafka.coordinator.transaction.TransactionCoordinator", "INFO", "INFO" },
    { "kafka.log.Log", "INFO", NULL },
    { "kafka.log.LogCleaner", "INFO", "INFO" },
    { "kafka.log.LogManager", "INFO", "INFO" },
    { "kafka.network.Processor", "INFO", "INFO" },
    { "kafka.network.RequestChannel$", "WARN", "WARN" },
    { "kafka.network.SocketServer", "INFO", "INFO" },
    { "kafka.request.logger", "WARN", "WARN" },
    { "kafka.server.KafkaApis", "INFO", "INFO" },
    { "kafka.server.ReplicaFetcherThread", "INFO", "INFO" },
    { "kafka.server.ReplicaManager", "INFO", "INFO" },
    { "org.apache.kafka", "INFO", "INFO" },
    { "org.apache.kafka.controller", NULL, "INFO" },
    { "org.apache.kafka.coordinator.group.GroupCoordinatorService", NULL, "INFO" },
    { "org.apache.kafka.image.publisher.MetadataPublisher", NULL, "INFO" },
    { "org.apache.kafka.storage.internals.log.LogCleaner", NULL, "INFO" },
    { "org.apache.kafka.storage.internals.log.UnifiedLog", NULL, "INFO" },
    { "org.apache.zookeeper", "INFO", NULL },
    { "root", "INFO", "INFO" },
    { "state.change.logger", "INFO", "INFO" },
};
enum { LOGGERS = sizeof(loggers) / sizeof(*loggers) };

static const char *usual_level(const struct broker *broker, size_t i)
{
    return release_is_27(broker->cluster->release) ? loggers[i].level_27 : loggers[i].level_43;
}

size_t broker_logger_count(void)
{
    return LOGGERS;
}

bool broker_logger(const struct broker *broker, size_t i, const char **name, const char **level)
{
    const char *usual = usual_level(broker, i), *set = config_map_get(&broker->loggers, loggers[i].name);

    *name = loggers[i].name;
    *level = set ? set : usual;
    return usual != NULL;
}

bool broker_logger_known(const struct broker *broker, const char *name)
{
    for (size_t i = 0; i < LOGGERS; i++)
        if (!strcmp(loggers[i].name, name))
            return usual_level(broker, i) != NULL;
    return false;
}

/* Unset, a logger follows the root. */
void broker_set_logger(struct broker *broker, const char *name, const char *level)
{
    const char *root = config_map_get(&broker->loggers, "root");

    config_map_set(&broker->loggers, name, level ? level : root ? root : "INFO");
}
