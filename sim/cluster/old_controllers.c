/* 2.7's controllers that lost their role and do not know: one whose session with ZooKeeper ended while its broker lives. What it had decided before and could not deliver it
 * goes on sending, with the epoch that it had; a broker that heard of a newer one refuses it (STALE_CONTROLLER_EPOCH), and it does not learn by that. It writes nothing: its
 * session is over, and all that it asks of ZooKeeper waits until it knows so, and then resigns. Kafka's ControllerChannelManager, ReplicaManager, ZooKeeperClient,
 * KafkaController's Expire. */
#include <stdio.h>

#include "sim/base/mem.h"
#include "sim/cluster/cluster_internal.h"
#include "sim/cluster/faults.h"

/* What it has for one broker: LeaderAndIsr, UpdateMetadata and StopReplica, one a batch of records. */
struct old_request {
    struct network_message message;
    struct broker *from, *to;
    int32_t epoch;
    int64_t last_offset;              /* of what it had decided */
    struct old_request *next;
};

static void drop(struct old_request *request)
{
    struct old_request **at = &request->from->cluster->old_requests;

    while (*at != request)
        at = &(*at)->next;
    *at = request->next;
    network_cancel(&request->message);
    mem_free(request);
}

void old_requests_forget(struct cluster *cluster, const struct broker *broker)
{
    for (struct old_request *request = cluster->old_requests, *next; request; request = next) {
        next = request->next;
        if (!broker || request->from == broker || request->to == broker)
            drop(request);
    }
}

/* ---- at the broker that it reaches ---- */

static const struct metadata_pending *next_for(const struct old_request *request)
{
    const struct metadata_pending *pending = request->to->pending;

    while (pending && pending->last_offset <= image_offset(request->to->image))
        pending = pending->next;
    return pending && pending->last_offset <= request->last_offset ? pending : NULL;
}

static void say_refused(const struct old_request *request)
{
    const struct broker *from = request->from, *to = request->to;
    char text[300];

    snprintf(text, sizeof(text), "broker %d refuses what controller %d of epoch %d had decided and sends only now: the last controller that it heard of, %d, has epoch %d"
             " (STALE_CONTROLLER_EPOCH)", to->id, from->id, request->epoch, image_controller(to->image), to->controller_epoch);
    journal_add(to->cluster->journal,
                ENTRY(EVENT_controller_refused, .broker = to->id, .rule = "controller epoch", .text = text,
                      .facts = { { "old_controller", from->id, NULL }, { "controller_epoch", request->epoch, NULL },
                                 { "latest_epoch", to->controller_epoch, NULL }, { "latest_controller", image_controller(to->image), NULL } }, .fact_count = 4));
}

static void request_arrives(void *context)
{
    struct old_request *request = context;
    struct broker *to = request->to;
    struct cluster *cluster = to->cluster;

    if (request->epoch < to->controller_epoch) {
        say_refused(request);
        drop(request);
        return;
    }
    image_set_controller(to->image, request->from->id); /* the new one did not reach it yet: what it knows is this one */
    if (!event_scheduled(&to->metadata_event) && next_for(request))
        broker_take_metadata(to);
    if (next_for(request))
        network_send_later(cluster, request->from->id, to->id, &request->message, 0, network_latency_us(cluster, to->id, request->from->id));
    else
        drop(request);
}

/* ---- a role is lost, and that is learnt ---- */

/* What is on its way to a broker, or held, stays so. */
static void keep_sending(struct broker *from, struct broker *to)
{
    struct cluster *cluster = from->cluster;
    struct network_message *message = &to->metadata_message;
    int64_t left_us = message->held ? 0 : message->event.at_us - queue_now_us(cluster->queue) - network_latency_us(cluster, from->id, to->id);
    struct old_request *request;

    if (to == from || !to->up || !network_under_way(message) || message->lost || message->from != from->id)
        return;
    request = mem_zero(sizeof(*request));
    request->message = (struct network_message){ .run = request_arrives, .context = request, .verdict = message->verdict };
    request->from = from;
    request->to = to;
    request->epoch = cluster->controller.epoch;
    request->last_offset = image_offset(cluster->controller.image);
    if (!next_for(request)) { /* it only said who it is */
        mem_free(request);
        return;
    }
    request->next = cluster->old_requests;
    cluster->old_requests = request;
    network_send_judged(cluster, from->id, to->id, &request->message, 0, left_us > 0 ? left_us : 0);
}

void old_controller_begins(struct cluster *cluster)
{
    struct broker *home = cluster->brokers[cluster->controller.home];

    if (!release_is_27(cluster->release) || cluster->opening || cluster->controller.down || home->state != BROKER_UP)
        return;
    home->old_epoch = cluster->controller.epoch;
    for (size_t i = 0; i < cluster->broker_count; i++)
        keep_sending(home, cluster->brokers[i]);
}

void old_controller_learns(struct broker *broker, const char *how)
{
    struct cluster *cluster = broker->cluster;
    int32_t undelivered = 0;
    char text[300];

    if (!broker->old_epoch)
        return;
    for (const struct old_request *request = cluster->old_requests; request; request = request->next)
        undelivered += request->from == broker;
    snprintf(text, sizeof(text), "controller %d of epoch %d learns that it lost its role, and resigns: %s", broker->id, broker->old_epoch, how);
    journal_add(cluster->journal,
                ENTRY(EVENT_controller_resigned, .broker = broker->id, .rule = "controller epoch", .text = text,
                      .facts = { { "controller_epoch", broker->old_epoch, NULL }, { "latest_epoch", cluster->controller.epoch, NULL },
                                 { "brokers_not_told", undelivered, NULL } }, .fact_count = 3));
    old_controller_gone(broker);
}

void old_controller_gone(struct broker *broker)
{
    broker->old_epoch = 0;
    old_requests_forget(broker->cluster, broker);
}

bool broker_lost_controller(const struct broker *broker)
{
    return broker->old_epoch;
}

bool broker_waits_for_zookeeper(const struct broker *broker)
{
    return release_is_27(broker->cluster->release) && broker->up && (broker->old_epoch || !session_in_contact(broker));
}
