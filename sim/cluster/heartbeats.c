/* 4.3's heartbeats and the registration of a broker as messages, for faults. Nobody sends them while no fault may hit them: what steady heartbeats would tell is worked
 * out (sessions.c). From the moment at which one may, each is sent, arrives, is answered and followed by the next, until one was answered after the fault has gone; so
 * what a fault did to the last one is still lived through. Kafka's BrokerLifecycleManager and NodeToControllerChannelManager: the next one leaves
 * broker.heartbeat.interval.ms after an answer, whatever that said; one without an answer is given up after as long (as a 4.3.0 did whose controller stood still); so
 * it takes two lost ones in a row to end a session. NOT_CONTROLLER is asked again at once, here 100 ms later.
 *
 * Deviation: a registration whose answer was lost is repeated, and takes effect with the one that is answered. */
#include "sim/base/mem.h"
#include "sim/cluster/cluster_internal.h"
#include "sim/cluster/faults.h"

enum { HEARTBEAT_BYTES = 64, REGISTRATION_BYTES = 300, ASK_AGAIN_US = 100000 };

static bool spoken(const struct broker *broker)
{
    return !release_is_27(broker->cluster->release) && !broker->cluster->inspection;
}

static struct fault_query query(const struct broker *broker, const char *api)
{
    return (struct fault_query){ .api = api, .from = broker->id, .to = controller_home(broker->cluster) };
}

static bool may_be_hit(const struct broker *broker)
{
    struct fault_query of = query(broker, "BrokerHeartbeat");

    return cluster_fault_may_hit(broker->cluster, &of);
}

static int64_t timeout_us(const struct broker *broker)
{
    int64_t interval_ms = broker_setting(broker, "broker.heartbeat.interval.ms"), socket_ms = broker_setting(broker, "controller.socket.timeout.ms");

    return (interval_ms < socket_ms ? interval_ms : socket_ms) * 1000;
}

static int64_t interval_us(const struct broker *broker)
{
    return broker_setting(broker, "broker.heartbeat.interval.ms") * 1000;
}

bool heartbeat_missing(const struct broker *broker) { return broker->heartbeat.missing; }

/* ---- the message ---- */

static void send(struct broker *broker, const char *api, size_t bytes)
{
    struct fault_query of = query(broker, api);

    network_cancel(&broker->heartbeat.message);
    broker->heartbeat.step = HEARTBEAT_ASKS;
    network_send_request(broker->cluster, &of, &broker->heartbeat.message, bytes);
}

/* Heard, or not: the session is looked at. */
static void note(struct broker *broker, bool missing)
{
    broker->heartbeat.missing = missing;
    session_check(broker);
}

static void at_controller(struct broker *broker)
{
    struct cluster *cluster = broker->cluster;
    struct heartbeat *heartbeat = &broker->heartbeat;
    int32_t home = heartbeat->message.to;
    bool answer_is_lost = heartbeat->message.verdict.kind == FAULT_LOSE_RESPONSE;

    heartbeat->err = network_refusal(&heartbeat->message);
    if (cluster->controller.down || controller_home(cluster) != home)
        heartbeat->err = ERR_NOT_CONTROLLER;
    heartbeat->step = HEARTBEAT_RETURNS;
    network_send_answer(cluster, home, broker->id, &heartbeat->message, HEARTBEAT_BYTES);
    if (heartbeat->err || !heartbeat->real)
        return;
    heartbeat->heard_us = queue_now_us(cluster->queue);
    note(broker, false);
    if (answer_is_lost) /* its sender waits for an answer, and sends nothing */
        note(broker, true);
}

static void be_unreal(struct broker *broker)
{
    broker->heartbeat.real = false;
    note(broker, false);
}

static void answered(struct broker *broker)
{
    struct heartbeat *heartbeat = &broker->heartbeat;

    heartbeat->step = HEARTBEAT_RESTS;
    if (!heartbeat->real) { /* a registration */
        life_hurry(broker);
        return;
    }
    event_cancel(broker->cluster->queue, &heartbeat->event);
    if (!heartbeat->err && !may_be_hit(broker))
        be_unreal(broker);
    else
        event_after(broker->cluster->queue, &heartbeat->event, heartbeat->err == ERR_NOT_CONTROLLER ? ASK_AGAIN_US : interval_us(broker));
}

static void arrives(void *context)
{
    struct broker *broker = context;

    if (broker->heartbeat.step == HEARTBEAT_RETURNS)
        answered(broker);
    else
        at_controller(broker);
}

/* ---- heartbeats ---- */

static void is_due(void *context)
{
    struct broker *broker = context;
    struct cluster *cluster = broker->cluster;
    struct heartbeat *heartbeat = &broker->heartbeat;

    if (broker_sleeps(broker, &heartbeat->event))
        return;
    if (heartbeat->step != HEARTBEAT_RESTS && heartbeat->message.verdict.kind == FAULT_DELAY) { /* given up, it arrives all the same */
        event_after(cluster->queue, &heartbeat->event, interval_us(broker));
        return;
    }
    if (heartbeat->step != HEARTBEAT_RESTS) { /* no answer came */
        network_cancel(&heartbeat->message);
        heartbeat->step = HEARTBEAT_RESTS;
        event_after(cluster->queue, &heartbeat->event, interval_us(broker));
        return;
    }
    if (cluster->controller.down) {
        event_after(cluster->queue, &heartbeat->event, ASK_AGAIN_US);
        return;
    }
    event_after(cluster->queue, &heartbeat->event, timeout_us(broker));
    send(broker, "BrokerHeartbeat", HEARTBEAT_BYTES);
    if (heartbeat->message.verdict.kind != FAULT_NONE && heartbeat->message.verdict.kind != FAULT_LOSE_RESPONSE)
        note(broker, true);
}

static void be_real(struct broker *broker)
{
    struct heartbeat *heartbeat = &broker->heartbeat;
    int64_t now_us = queue_now_us(broker->cluster->queue), last_us = session_last_contact_us(broker), due_us;

    heartbeat->heard_us = last_us < now_us ? last_us : now_us;
    due_us = heartbeat->heard_us + interval_us(broker);
    heartbeat->step = HEARTBEAT_RESTS;
    heartbeat->real = true;
    event_at(broker->cluster->queue, &heartbeat->event, due_us > now_us ? due_us : now_us);
}

void heartbeats_check(struct cluster *cluster)
{
    for (size_t i = 0; i < cluster->broker_count; i++) {
        struct broker *broker = cluster->brokers[i];

        if (spoken(broker) && broker->up && broker->state == BROKER_UP && !broker->heartbeat.real && may_be_hit(broker))
            be_real(broker);
    }
}

void heartbeats_controller_starts(struct broker *broker)
{
    broker->heartbeat.heard_us = queue_now_us(broker->cluster->queue);
}

/* ---- the registration ---- */

bool heartbeat_register(struct broker *broker)
{
    struct cluster *cluster = broker->cluster;
    struct heartbeat *heartbeat = &broker->heartbeat;
    struct fault_query of = query(broker, "BrokerRegistration");
    bool goes_on = true;

    if (!spoken(broker) || !cluster_fault_may_hit(cluster, &of))
        return true;
    while (goes_on) {
        int64_t until_us = queue_now_us(cluster->queue) + timeout_us(broker);

        goes_on = life_await_controller(broker);
        if (!goes_on)
            break;
        send(broker, "BrokerRegistration", REGISTRATION_BYTES);
        while (goes_on && heartbeat->step != HEARTBEAT_RESTS && queue_now_us(cluster->queue) < until_us)
            goes_on = life_sleep(broker, until_us - queue_now_us(cluster->queue));
        network_cancel(&heartbeat->message);
        if (goes_on && heartbeat->step == HEARTBEAT_RESTS && !heartbeat->err)
            return true;
        heartbeat->step = HEARTBEAT_RESTS;
        if (goes_on)
            goes_on = life_sleep(broker, heartbeat->err == ERR_NOT_CONTROLLER ? ASK_AGAIN_US : interval_us(broker));
    }
    return false;
}

/* ---- */

void heartbeat_init(struct broker *broker)
{
    broker->heartbeat = (struct heartbeat){ .message = { .run = arrives, .context = broker }, .event = { .run = is_due, .context = broker } };
}

void heartbeat_forget(struct broker *broker)
{
    network_cancel(&broker->heartbeat.message);
    event_cancel(broker->cluster->queue, &broker->heartbeat.event);
    heartbeat_init(broker);
}
