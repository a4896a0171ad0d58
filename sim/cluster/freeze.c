/* A broker that stands still: its process is stopped, or its garbage collector runs. What comes to it waits in the network; whoever runs something for it by the
 * clock asks broker_frozen() first. */
#include "sim/cluster/cluster_internal.h"

bool broker_frozen(const struct broker *broker)
{
    return network_frozen(broker->cluster, broker->id);
}

bool broker_sleeps(struct broker *broker, struct event *event)
{
    if (!broker_frozen(broker))
        return false;
    event_put_off(broker->cluster->queue, event, broker->id);
    return true;
}

int64_t broker_thaws_us(const struct broker *broker)
{
    return event_scheduled(&broker->thaw_event) ? broker->thaw_event.at_us : NEVER_US;
}

static void thaw(struct broker *broker)
{
    struct cluster *cluster = broker->cluster;
    int64_t since_us = network_frozen_since_us(cluster, broker->id);
    struct text text = { 0 };

    event_cancel(cluster->queue, &broker->thaw_event);
    text_printf(&text, "broker %d goes on after ", broker->id);
    text_duration(&text, queue_now_us(cluster->queue) - since_us);
    text_add(&text, ", with all that it believed before");
    journal_add(cluster->journal, ENTRY(EVENT_broker_thawed, .broker = broker->id, .text = text_chars(&text),
                                        .facts = { { "frozen_ms", (queue_now_us(cluster->queue) - since_us) / 1000, NULL } }, .fact_count = 1));
    text_done(&text);
    network_thaw(cluster, broker->id);
    queue_go_on(cluster->queue, broker->id);
}

static void thaws(void *context)
{
    thaw(context);
}

enum err broker_freeze(struct broker *broker, int64_t for_us, struct reason *reason)
{
    struct cluster *cluster = broker->cluster;
    enum err err = cluster_refuse_change(cluster, reason);
    struct text text = { 0 };

    if (err)
        return err;
    if (!broker->up)
        return err_because(ERR_BROKER_NOT_AVAILABLE, reason, "broker %d is not up: only a running one can freeze", broker->id);
    if (broker_frozen(broker))
        return err_because(ERR_BROKER_NOT_AVAILABLE, reason, "broker %d is frozen already; broker thaw %d lets it go on", broker->id, broker->id);
    text_printf(&text, "broker %d stands still", broker->id);
    if (for_us != NEVER_US) {
        text_add(&text, " for ");
        text_duration(&text, for_us);
        broker->thaw_event.run = thaws;
        broker->thaw_event.context = broker;
        event_after(cluster->queue, &broker->thaw_event, for_us);
    }
    journal_add(cluster->journal, ENTRY(EVENT_broker_frozen, .broker = broker->id, .text = text_chars(&text)));
    text_done(&text);
    network_freeze(cluster, broker->id);
    return ERR_OK;
}

enum err broker_thaw(struct broker *broker, struct reason *reason)
{
    if (!broker_frozen(broker))
        return err_because(ERR_BROKER_NOT_AVAILABLE, reason, "broker %d is not frozen", broker->id);
    thaw(broker);
    return ERR_OK;
}

void freeze_forget(struct broker *broker)
{
    event_cancel(broker->cluster->queue, &broker->thaw_event);
    network_thaw(broker->cluster, broker->id);
    queue_go_on(broker->cluster->queue, broker->id);
}
