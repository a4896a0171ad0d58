/* A controlled shutdown: the broker asks the controller to take its leaderships, over the network, until it leads nothing or has asked long enough, and then closes
 * down. 4.3: BrokerHeartbeat with wantShutDown, answered SHUTDOWN_NOW once nothing is led and every active broker knows of that; the broker waits for it up to five
 * minutes. 2.7: ControlledShutdown, answered with what it still leads, controlled.shutdown.max.retries times. Kafka's BrokerServer, BrokerLifecycleManager,
 * BrokerHeartbeatManager (4.3); KafkaServer, KafkaController (2.7). Measured on both: a 4.3 broker that led something is let go with its third heartbeat, two seconds later, as
 * the controller learns by the others' heartbeats how far they are; one that led nothing at once; partitions that can't move hold nobody up. 2.7 sleeps after its last try, too. */
#include <stdio.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/task.h"
#include "sim/cluster/cluster_internal.h"
#include "sim/cluster/faults.h"
#include "sim/cluster/partition_change.h"

enum {
    ANSWERS_US = 2000000,             /* for requests of clients that are under way */
    RAFT_SHUTDOWN_US = 5000000,
    LOOK_AGAIN_US = 10000,
    APPROVAL_US = 300000000,          /* 4.3: how long SHUTDOWN_NOW is waited for */
    SECOND_HEARTBEAT_US = 50000,
};

static bool old(const struct broker *broker)
{
    return release_is_27(broker->cluster->release);
}

/* ---- at the controller ---- */

/* Led by it, and there is another replica that could. 4.3 leaves it none. */
static int64_t leaderships(const struct cluster *cluster, int32_t id)
{
    const struct image *image = cluster->controller.image;
    int64_t count = 0;

    for (size_t t = 0; t < image_topic_count(image); t++) {
        const struct image_topic *topic = image_topic_at(image, t);

        for (int32_t p = 0; p < topic->partition_count; p++)
            count += topic->partitions[p].leader == id && !topic->deleting &&
                     (topic->partitions[p].replica_count > 1 || !release_is_27(cluster->release));
    }
    return count;
}

/* Whoever is active and has not told by a heartbeat that it has the metadata with the new leaders; -1: nobody. A dead one counts until its session ends. */
static int32_t who_lags(const struct cluster *cluster, const struct shutdown *stop)
{
    for (size_t i = 0; i < cluster->broker_count; i++) {
        const struct broker *broker = cluster->brokers[i];

        if (controller_active(cluster, broker->id) && (!broker->up || image_offset(broker->image) < stop->offset || session_heard_us(broker) <= stop->offset_at_us))
            return broker->id;
    }
    return -1;
}

static void answer(struct broker *broker)
{
    struct shutdown *stop = &broker->shutdown;

    stop->step = SHUTDOWN_RETURNS;
    network_send_answer(broker->cluster, stop->home, broker->id, &stop->message, 64);
}

/* True: there is more to do, in another event. */
static bool take_leaderships(struct broker *broker)
{
    struct cluster *cluster = broker->cluster;
    struct shutdown *stop = &broker->shutdown;
    const struct image_broker *known = image_broker(cluster->controller.image, broker->id);
    bool more = false, enters = known && !known->shutting_down;
    char why[64];

    if (!old(broker) && (!known || known->epoch != broker->epoch)) {
        stop->err = ERR_STALE_BROKER_EPOCH;
        return false;
    }
    stop->remaining = leaderships(cluster, broker->id);
    snprintf(why, sizeof(why), "broker %d shuts down", broker->id);
    if (old(broker) || (known && !known->fenced && (known->shutting_down || stop->remaining))) {
        stop->err = controller_broker_leaves(cluster, broker, LEAVING_STOPS, why, &more, NULL);
        stop->remaining = leaderships(cluster, broker->id);
        if (enters)
            stop->offset = -1;
        if (!more && stop->offset < 0) {
            stop->offset = image_offset(cluster->controller.image);
            stop->offset_at_us = queue_now_us(cluster->queue);
        }
        if (more || stop->err || old(broker))
            return more && !stop->err;
        stop->lags = who_lags(cluster, stop);
        if (enters || stop->remaining || stop->lags >= 0) /* CONTROLLED_SHUTDOWN */
            return false;
    }
    stop->err = controller_broker_leaves(cluster, broker, LEAVING_GONE, "the broker stopped", &more, NULL);
    stop->approved = !more && !stop->err;
    return more && !stop->err;
}

static void at_controller(void *context)
{
    struct broker *broker = context;
    struct cluster *cluster = broker->cluster;
    struct shutdown *stop = &broker->shutdown;
    const struct broker *home = cluster_broker(cluster, stop->home);

    if (broker_waits_for_zookeeper(home))
        return; /* who asked gives up one day */
    stop->lags = -1;
    stop->err = network_refusal(&stop->message);
    if (!home->up || cluster->controller.down || controller_home(cluster) != stop->home)
        stop->err = ERR_NOT_CONTROLLER;
    if (!stop->err && take_leaderships(broker))
        event_at(cluster->queue, &stop->work, queue_now_us(cluster->queue));
    else
        answer(broker);
}

static void arrives(void *context)
{
    struct broker *broker = context;

    if (broker->shutdown.step == SHUTDOWN_RETURNS) {
        broker->shutdown.step = SHUTDOWN_ANSWERED;
        life_hurry(broker);
        return;
    }
    at_controller(context);
}

void shutdown_init(struct broker *broker)
{
    broker->shutdown = (struct shutdown){ .message = { .run = arrives, .context = broker }, .work = { .run = at_controller, .context = broker }, .lags = -1, .offset = -1 };
}

void shutdown_forget(struct broker *broker)
{
    network_cancel(&broker->shutdown.message);
    event_cancel(broker->cluster->queue, &broker->shutdown.work);
    mem_free(broker->shutdown.waits);
    shutdown_init(broker);
}

/* ---- at the broker ---- */

const char *broker_stop_waits(const struct broker *broker)
{
    return broker->state == BROKER_STOPPING ? broker->shutdown.waits : NULL;
}

/* Said once as long as it is the same. */
static void say_waits(struct broker *broker, char *text)
{
    struct shutdown *stop = &broker->shutdown;
    bool new = !stop->waits || strcmp(stop->waits, text);

    mem_free(stop->waits);
    stop->waits = text;
    if (new)
        journal_add(broker->cluster->journal,
                    ENTRY(EVENT_shutdown_waits, .broker = broker->id, .rule = old(broker) ? "controlled.shutdown.max.retries" : "BrokerHeartbeat wantShutDown", .text = text,
                          .facts = { { "leaderships_left", stop->remaining, NULL }, { "tries", stop->tries, NULL }, { "broker_behind", stop->lags, NULL },
                                     { "error", 0, err_name(stop->err) } }, .fact_count = 4));
}

/* The request and its answer; stop->err says so where none came. False: given up. */
static bool ask(struct broker *broker, int64_t timeout_us)
{
    struct cluster *cluster = broker->cluster;
    struct shutdown *stop = &broker->shutdown;
    int64_t until_us = queue_now_us(cluster->queue) + timeout_us;
    bool goes_on = true;

    stop->tries++;
    stop->step = SHUTDOWN_ASKS;
    stop->remaining = stop->lags = -1;
    if (cluster->controller.down) {
        stop->err = ERR_NOT_CONTROLLER;
        return true;
    }
    if (stop->home != controller_home(cluster))
        stop->offset = -1;
    stop->home = controller_home(cluster);
    network_send_request(cluster, &(struct fault_query){ .api = old(broker) ? "ControlledShutdown" : "BrokerHeartbeat", .from = broker->id, .to = stop->home },
                         &stop->message, 64);
    while (goes_on && stop->step != SHUTDOWN_ANSWERED && queue_now_us(cluster->queue) < until_us) {
        if (!network_open_both_ways(cluster, broker->id, stop->home) && !stop->waits)
            say_waits(broker, mem_printf("it asks controller %d to take its leaderships, and no answer comes through", stop->home));
        goes_on = life_sleep(broker, until_us - queue_now_us(cluster->queue));
    }
    network_cancel(&stop->message);
    event_cancel(cluster->queue, &stop->work);
    if (stop->step != SHUTDOWN_ANSWERED)
        stop->err = ERR_REQUEST_TIMED_OUT;
    return goes_on;
}

/* What stands in its way; the caller's. */
static char *obstacle(const struct broker *broker)
{
    const struct shutdown *stop = &broker->shutdown;

    if (stop->err == ERR_REQUEST_TIMED_OUT)
        return mem_printf("controller %d does not answer", stop->home);
    if (stop->err == ERR_NOT_CONTROLLER)
        return mem_text("there is no controller that could take its leaderships");
    if (stop->err)
        return mem_printf("the controller refuses: %s", err_name(stop->err));
    if (stop->remaining > 0)
        return mem_printf("%lld partition%s that it leads ha%s no other live replica in sync", (long long)stop->remaining, stop->remaining == 1 ? "" : "s", stop->remaining == 1 ? "s" : "ve");
    return mem_printf("broker %d does not know of the new leaders yet", stop->lags);
}

/* 2.7's controller stops the replicas of a broker that shuts down: they fetch no more, else they would be back in the ISR before it is gone. 4.3's leaders know that
 * such a broker may not join. */
static void stop_fetching(struct broker *broker)
{
    broker->shutdown.stops_fetching = true;
    for (size_t i = 0; i < broker->partition_count; i++)
        fetcher_leave(broker->partitions[i]);
}

static bool hand_over_27(struct broker *broker)
{
    struct shutdown *stop = &broker->shutdown;
    int64_t most = broker_setting(broker, "controlled.shutdown.max.retries"), backoff_ms = broker_setting(broker, "controlled.shutdown.retry.backoff.ms");

    while (stop->tries < most) {
        char *why;

        if (!ask(broker, broker_setting(broker, "controller.socket.timeout.ms") * 1000))
            return false;
        if (!stop->err && !stop->stops_fetching)
            stop_fetching(broker);
        if (!stop->err && !stop->remaining) {
            stop->approved = true;
            return true;
        }
        why = obstacle(broker);
        if (stop->tries < most)
            say_waits(broker, mem_printf("%s: asked %d of %lld times, again in %lld ms", why, stop->tries, (long long)most, (long long)backoff_ms));
        else
            say_waits(broker, mem_printf("%s: asked %d times, goes down all the same in %lld ms", why, stop->tries, (long long)backoff_ms));
        mem_free(why);
        if (!life_sleep(broker, backoff_ms * 1000))
            return false;
    }
    return true;
}

static bool hand_over_43(struct broker *broker)
{
    struct queue *queue = broker->cluster->queue;
    struct shutdown *stop = &broker->shutdown;
    int64_t until_us = queue_now_us(queue) + APPROVAL_US, heartbeat_us = broker_setting(broker, "broker.heartbeat.interval.ms") * 1000, pause_us;
    int answers = 0;

    while (!stop->approved && queue_now_us(queue) < until_us) {
        int64_t left_us = until_us - queue_now_us(queue);

        if (!ask(broker, heartbeat_us < left_us ? heartbeat_us : left_us))
            return false;
        if (stop->approved && !stop->err)
            return true;
        stop->approved = false;
        if (stop->err || answers > 1) { /* two are needed where it led something */
            char *why = obstacle(broker);

            say_waits(broker, mem_printf("%s: it waits for that up to five minutes", why));
            mem_free(why);
        }
        pause_us = stop->err || answers ? heartbeat_us : SECOND_HEARTBEAT_US;
        answers = stop->err ? 0 : answers + 1;
        left_us = until_us - queue_now_us(queue);
        if (!life_sleep(broker, pause_us < left_us ? pause_us : left_us))
            return false;
    }
    if (!stop->approved)
        say_waits(broker, mem_text("the controller did not let it go within five minutes: it goes down all the same, and is missed when its session ends"));
    return true;
}

/* ---- the end ---- */

/* 2.7: with its session to ZooKeeper its node goes at once, and the controller sees that; in its task, a slice an event. */
static bool leave_zookeeper(struct broker *broker)
{
    struct cluster *cluster = broker->cluster;
    bool more = true;

    if (!session_in_contact(broker) || (life_is_home(broker) && !session_fail_over(cluster)))
        return true; /* nobody is left to see it go: its leaderships are what they were when it returns */
    while (more && session_acts(cluster)) {
        controller_broker_leaves(cluster, broker, LEAVING_GONE, "the broker stopped", &more, NULL);
        if (more && !life_breathe(broker, COST_OF_ELECTIONS))
            return false;
    }
    return true;
}

static void close_down(struct broker *broker)
{
    struct cluster *cluster = broker->cluster;
    bool closes_session = old(broker) && session_in_contact(broker);

    broker->up = false;
    life_tell_down(broker, "the broker stopped", false);
    broker->up = true;
    if (old(broker) && !leave_zookeeper(broker))
        return;
    quorum_settle(cluster);
    broker_catch_up(broker);
    life_take_controller_along(broker, true);
    if (!broker_stop_clean(broker))
        return;
    broker_free_fetchers(broker);
    fetchers_leader_down(broker);
    log_dirs_mark_clean(broker);
    if (closes_session)
        session_closed(broker);
    else
        session_broker_died(broker); /* where nobody saw it go */
}

/* An active controller that goes lets another be elected first, as long as Kafka's Raft client waits for that. False: given up. */
static bool hand_over_controller(struct broker *broker)
{
    struct queue *queue = broker->cluster->queue;
    int64_t until_us = queue_now_us(queue) + RAFT_SHUTDOWN_US;

    if (!broker->cluster->quorum)
        return true;
    quorum_settle(broker->cluster);
    if (!broker->hurries && quorum_resign(broker))
        while (!broker->hurries && queue_now_us(queue) < until_us && !quorum_has_successor(broker))
            if (!life_sleep(broker, LOOK_AGAIN_US))
                return false;
    return true;
}

static void stop_run(struct task *task, void *context)
{
    struct broker *broker = context;
    struct queue *queue = broker->cluster->queue;
    struct config_layers layers = broker_config(broker);
    int64_t until_us;

    broker->task = task;
    if (config_boolean(&layers, "controlled.shutdown.enable") && !(old(broker) ? hand_over_27(broker) : hand_over_43(broker)))
        return;
    until_us = queue_now_us(queue) + ANSWERS_US;
    while (queue_now_us(queue) < until_us && life_answering(broker))
        if (!life_sleep(broker, LOOK_AGAIN_US))
            return;
    if (hand_over_controller(broker))
        close_down(broker);
}

static void stop_ended(void *context)
{
    struct broker *broker = context;

    broker->task = NULL;
    shutdown_forget(broker);
}

enum err broker_stop(struct broker *broker, struct reason *reason)
{
    enum err err = cluster_refuse_change(broker->cluster, reason);

    if (err)
        return err;
    if (broker->state == BROKER_DOWN)
        return err_because(ERR_BROKER_NOT_AVAILABLE, reason, "broker %d is down already; broker start %d brings it back", broker->id, broker->id);
    if (broker->state == BROKER_STOPPING)
        return err_because(ERR_BROKER_NOT_AVAILABLE, reason, "broker %d is stopping already", broker->id);
    if (broker->state == BROKER_STARTING)
        return broker_kill(broker, "stopped while it was starting", reason);
    broker->state = BROKER_STOPPING;
    broker->task_cost = 0;
    shutdown_forget(broker);
    heartbeat_forget(broker);
    task_start(stop_run, stop_ended, broker);
    return ERR_OK;
}
