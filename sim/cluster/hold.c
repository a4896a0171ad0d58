/* `replica hold` and `replica release`: followers that stop fetching and go on, while their brokers live. */
#include <stdio.h>
#include <string.h>

#include "sim/cluster/cluster_internal.h"

bool partition_held(const struct partition *partition) { return partition->held || partition->broker->held; }

static void say(struct broker *broker, const struct partition *partition, bool held)
{
    char text[400];

    if (partition)
        snprintf(text, sizeof(text), "broker %d %s %s-%d", broker->id, held ? "stops fetching" : "fetches again:", partition->topic->name, partition->number);
    else
        snprintf(text, sizeof(text), "broker %d %s", broker->id, held ? "stops fetching whatever it follows" : "fetches again whatever it follows");
    journal_add(broker->cluster->journal,
                ENTRY(held ? EVENT_replica_held : EVENT_replica_released, .broker = broker->id, .topic = partition ? partition->topic->name : NULL,
                      .partition = partition ? partition->number : -1, .rule = held ? "replica hold" : "replica release", .text = text));
}

static enum err check(const struct broker *broker, const char *topic, int32_t number, struct partition **partition, struct reason *reason)
{
    enum err err = cluster_refuse_change(broker->cluster, reason);

    *partition = NULL;
    if (err)
        return err;
    if (!broker->up)
        return err_because(ERR_BROKER_NOT_AVAILABLE, reason, "broker %d is not up; broker start %d brings it back", broker->id, broker->id);
    if (!topic)
        return ERR_OK;
    *partition = broker_partition(broker, topic, number);
    if (!*partition)
        return err_because(ERR_UNKNOWN_TOPIC_OR_PARTITION, reason, "broker %d has no replica of %s-%d; kafka-topics --describe --topic %s shows who has",
                           broker->id, topic, number, topic);
    return ERR_OK;
}

/* Begins to fetch, or stops, as it may now. */
static void follow_anew(struct partition *partition)
{
    if (partition->leads)
        return;
    if (partition_held(partition))
        fetcher_leave(partition);
    else if (!partition->follow.fetcher)
        fetcher_follow(partition);
}

enum err broker_hold(struct broker *broker, const char *topic, int32_t number, struct reason *reason)
{
    struct partition *partition;
    enum err err = check(broker, topic, number, &partition, reason);

    if (err)
        return err;
    if (partition ? partition_held(partition) : broker->held)
        return err_because(ERR_INVALID_REQUEST, reason, "it is held already; replica release %d lets it go on", broker->id);
    if (partition)
        partition->held = true;
    else
        broker->held = true;
    say(broker, partition, true);
    for (size_t i = 0; i < broker->partition_count; i++)
        follow_anew(broker->partitions[i]);
    return ERR_OK;
}

enum err broker_release(struct broker *broker, const char *topic, int32_t number, struct reason *reason)
{
    struct partition *partition;
    bool any = broker->held;
    enum err err = check(broker, topic, number, &partition, reason);

    if (err)
        return err;
    for (size_t i = 0; !partition && i < broker->partition_count; i++)
        any = any || broker->partitions[i]->held;
    if (partition && broker->held)
        return err_because(ERR_INVALID_REQUEST, reason, "broker %d is held as a whole; replica release %d lets it go on", broker->id, broker->id);
    if (partition ? !partition->held : !any)
        return err_because(ERR_INVALID_REQUEST, reason, "it is not held; `replica` alone shows who is");
    if (partition)
        partition->held = false;
    else
        broker->held = false;
    for (size_t i = 0; i < broker->partition_count; i++) {
        if (!partition)
            broker->partitions[i]->held = false;
        follow_anew(broker->partitions[i]);
    }
    say(broker, partition, false);
    return ERR_OK;
}
