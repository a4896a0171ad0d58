/* Sessions: a broker is alive as long as it is heard of, by the controller (4.3: a heartbeat each broker.heartbeat.interval.ms) or by ZooKeeper (2.7). One whose link there is
 * cut, or that stands still, loses its session after broker.session.timeout.ms (zookeeper.session.timeout.ms), lives on and believes what it believed: a zombie.
 * Heard of again it is let in again. Heartbeats cost no events, but where a fault may hit them (heartbeats.c): what changes contact tells so, and when the last one came is
 * worked out. Kafka's BrokerHeartbeatManager, BrokerLifecycleManager (4.3); KafkaZkClient, KafkaController's RegisterBrokerAndReelect, and ZooKeeper's ClientCnxn, SessionTrackerImpl, ExpiryQueue (2.7). Deviation: with 2.7
 * only pings keep a session alive, where ZooKeeper counts whatever a broker asks of it, and each broker begins to ping when its session begins. */
#include <stdio.h>

#include "sim/base/mem.h"
#include "sim/cluster/cluster_internal.h"

static bool old(const struct cluster *cluster)
{
    return release_is_27(cluster->release);
}

static int32_t listener(const struct cluster *cluster)
{
    return old(cluster) ? NETWORK_ZOOKEEPER : controller_home(cluster);
}

bool session_in_contact(const struct broker *broker)
{
    return network_open_both_ways(broker->cluster, broker->id, listener(broker->cluster));
}

/* As long as a fault may hit them heartbeats come one by one, and what counts is that they come. */
static bool is_heard(const struct broker *broker)
{
    return session_in_contact(broker) && !heartbeat_missing(broker);
}

/* Whoever counts sessions is there and goes on. */
static bool counts(const struct cluster *cluster)
{
    return old(cluster) ? !network_frozen(cluster, NETWORK_ZOOKEEPER) : !cluster->controller.down && !network_frozen(cluster, controller_home(cluster));
}

/* There is a controller that can act on it. */
bool session_acts(const struct cluster *cluster)
{
    const struct broker *home = cluster->brokers[cluster->controller.home];

    if (cluster->controller.down || !counts(cluster))
        return false;
    return !old(cluster) || (home->up && session_in_contact(home));
}

static const struct image_broker *known(const struct broker *broker)
{
    return image_broker(broker->cluster->controller.image, broker->id);
}

static const char *timeout_key(const struct cluster *cluster)
{
    return old(cluster) ? "zookeeper.session.timeout.ms" : "broker.session.timeout.ms";
}

/* tickTime of zookeeper.properties, which says nothing of it; ZooKeeper grants a session 2 to 20 of them. */
enum { TICK_MS = 3000, LEAST_TICKS = 2, MOST_TICKS = 20 };

static int64_t session_ms(const struct broker *broker)
{
    struct config_layers layers = broker_config(broker);
    int64_t ms = config_long(&layers, timeout_key(broker->cluster));

    if (!old(broker->cluster))
        return ms;
    return ms < LEAST_TICKS * TICK_MS ? LEAST_TICKS * TICK_MS : ms > MOST_TICKS * TICK_MS ? MOST_TICKS * TICK_MS : ms;
}

/* ZooKeeper looks for sessions that are over at each tick: this one goes at the first after its time. */
static int64_t session_end_us(const struct broker *broker, int64_t last_us)
{
    int64_t end_us = last_us + session_ms(broker) * 1000, tick_us = TICK_MS * 1000;

    return old(broker->cluster) ? (end_us / tick_us + 1) * tick_us : end_us;
}

/* 2.7's client pings when it has been silent for a third of the timeout. */
static int64_t heartbeat_every_us(const struct broker *broker)
{
    struct config_layers layers = broker_config(broker);

    return old(broker->cluster) ? session_ms(broker) * 1000 / 3 : config_long(&layers, "broker.heartbeat.interval.ms") * 1000;
}

int64_t session_heard_us(const struct broker *broker)
{
    int64_t now_us = queue_now_us(broker->cluster->queue), every_us = heartbeat_every_us(broker);

    if (broker->heartbeat.real)
        return broker->heartbeat.heard_us;
    if (every_us < 1)
        return now_us;
    return now_us - (now_us - (broker->session_since_us > broker->started_us ? broker->session_since_us : broker->started_us)) % every_us;
}

/* A session counts from the last heartbeat. Where only the answers are lost, one more arrives, and its sender waits in vain. */
int64_t session_last_contact_us(const struct broker *broker)
{
    const struct cluster *cluster = broker->cluster;
    int64_t heard_us = session_heard_us(broker);

    if (!broker->heartbeat.real && heard_us < queue_now_us(cluster->queue) && broker->up && network_open(cluster, broker->id, listener(cluster)))
        return heard_us + heartbeat_every_us(broker);
    return heard_us;
}

static void run_at(struct broker *broker, enum session_step step, int64_t at_us)
{
    broker->session_step = step;
    event_at(broker->cluster->queue, &broker->session_event, at_us);
}

static void be_still(struct broker *broker, enum session_step step)
{
    broker->session_step = step;
    event_cancel(broker->cluster->queue, &broker->session_event);
}

/* ---- a session ends ---- */

/* 2.7: the first live broker to make the node /controller is the next one. False: nobody is left. */
bool session_fail_over(struct cluster *cluster)
{
    for (size_t i = 0; i < cluster->broker_count; i++) {
        if (!cluster->brokers[i]->up || cluster->brokers[i]->state == BROKER_STOPPING || !session_in_contact(cluster->brokers[i]))
            continue;
        life_set_home(cluster, i);
        return true;
    }
    old_controller_begins(cluster);
    cluster->controller.down = true;
    return false;
}

/* What a broker led and followed, in slices: until none is left its session counts as not over. */
static void take_away(struct broker *broker)
{
    struct cluster *cluster = broker->cluster;
    char why[96];
    bool more;

    if (!session_acts(cluster)) { /* it does so when it is there again */
        be_still(broker, cluster->controller.down ? SESSION_FINE : SESSION_TAKES);
        return;
    }
    if (old(cluster) && broker->up)
        network_cancel(&broker->metadata_message); /* the controller ends its connection */
    snprintf(why, sizeof(why), "the session of broker %d ended", broker->id);
    controller_broker_leaves(cluster, broker, LEAVING_GONE, why, &more, NULL);
    if (more) {
        run_at(broker, SESSION_TAKES, queue_now_us(cluster->queue));
        return;
    }
    be_still(broker, SESSION_FINE);
    if (old(cluster))
        life_controller_is_back(cluster);
    session_check(broker);
}

static void end_session(struct broker *broker)
{
    struct cluster *cluster = broker->cluster;
    const char *key = timeout_key(cluster);
    int64_t silent_ms = (queue_now_us(cluster->queue) - broker->session_last_us) / 1000;
    char text[300], rule[100] = "";

    if (!counts(cluster)) /* looked at again when it goes on */
        return;
    broker->session_ends_us = 0;
    broker->session_step = SESSION_TAKES; /* whoever is the controller next knows that it is gone */
    if (old(cluster) && life_is_home(broker) && !session_fail_over(cluster)) {
        be_still(broker, SESSION_FINE);
        return;
    }
    if (cluster->controller.down) {
        be_still(broker, SESSION_FINE);
        return;
    }
    if (old(cluster))
        snprintf(rule, sizeof(rule), " = %lld, and up to the next tick of %d", (long long)session_ms(broker), TICK_MS);
    snprintf(text, sizeof(text), "broker %d was silent for %lld ms (%s%s): its leaderships are taken away%s", broker->id,
             (long long)(old(cluster) ? silent_ms : session_ms(broker)), key, rule, broker->up ? "; it lives, and does not know" : "");
    journal_add(cluster->journal, ENTRY(EVENT_broker_fenced, .broker = broker->id, .rule = key, .text = text,
                                        .facts = { { "session_timeout_ms", session_ms(broker), NULL }, { "silent_ms", silent_ms, NULL },
                                                   { "alive", broker->up, NULL } }, .fact_count = 3));
    take_away(broker);
}

/* ---- a broker is heard of again ---- */

static void come_back(struct broker *broker)
{
    struct cluster *cluster = broker->cluster;
    bool nobody_left = old(cluster) && cluster->controller.down, more; /* who would have fenced it */

    broker->session_step = SESSION_FINE;
    if (!broker->up || broker->state != BROKER_UP || !is_heard(broker))
        return;
    if (old(cluster) && (nobody_left || !known(broker) || known(broker)->fenced))
        old_controller_learns(broker, "its session with ZooKeeper has ended");
    if (nobody_left)
        life_set_home(cluster, broker->index);
    if (!session_acts(cluster))
        return;
    if (!known(broker) || known(broker)->fenced || nobody_left) {
        char text[80];
        bool anew = old(cluster); /* ZooKeeper forgot it: a new node, a new epoch */

        if (anew)
            broker->session_since_us = queue_now_us(cluster->queue);
        if ((anew && controller_register(cluster, broker, true, NULL)) || controller_unfence(cluster, broker, NULL))
            return;
        snprintf(text, sizeof(text), anew ? "broker %d is heard of again and registers anew" : "the heartbeats of broker %d arrive again", broker->id);
        journal_add(cluster->journal, ENTRY(EVENT_broker_unfenced, .broker = broker->id,
                                            .text = text,
                                            .facts = { { "epoch", broker->epoch, NULL } }, .fact_count = 1));
    }
    if (!controller_elect_offline(cluster, &more, NULL) && more)
        run_at(broker, SESSION_RETURNS, queue_now_us(cluster->queue));
    else if (old(cluster))
        life_controller_is_back(cluster);
}

static void session_goes_on(void *context)
{
    struct broker *broker = context;

    switch (broker->session_step) {
    case SESSION_ENDS: end_session(broker); break;
    case SESSION_TAKES: take_away(broker); break;
    case SESSION_RETURNS: come_back(broker); break;
    case SESSION_FINE: break;
    }
}

/* ---- contact ---- */

void session_init(struct broker *broker)
{
    broker->session_event = (struct event){ .run = session_goes_on, .context = broker };
}

static void be_missed(struct broker *broker, int64_t last_us)
{
    broker->session_last_us = last_us;
    broker->session_ends_us = session_end_us(broker, last_us);
    run_at(broker, SESSION_ENDS, broker->session_ends_us);
}

void session_check(struct broker *broker)
{
    struct cluster *cluster = broker->cluster;
    bool contact = broker->up && is_heard(broker), scheduled = event_scheduled(&broker->session_event);
    const struct image_broker *registered = known(broker);

    if (cluster->opening || cluster->inspection || (cluster->controller.down && !old(cluster)))
        return;
    switch (broker->session_step) {
    case SESSION_ENDS:
        if (contact && old(cluster) && life_is_home(broker)) { /* what waited for the controller goes on */
            broker->session_ends_us = 0;
            run_at(broker, SESSION_RETURNS, queue_now_us(cluster->queue) + network_latency_us(cluster, broker->id, listener(cluster)));
        } else if (contact) {
            broker->session_ends_us = 0;
            be_still(broker, SESSION_FINE);
        } else if (broker->session_last_us > queue_now_us(cluster->queue) && (!broker->up || !network_open(cluster, broker->id, listener(cluster)))) {
            be_missed(broker, session_last_contact_us(broker)); /* the one more that was to arrive does not */
        } else if (!scheduled && counts(cluster)) {
            run_at(broker, SESSION_ENDS, broker->session_ends_us);
        }
        return;
    case SESSION_TAKES:
        if (!scheduled && session_acts(cluster))
            run_at(broker, SESSION_TAKES, queue_now_us(cluster->queue));
        return;
    case SESSION_RETURNS:
        if (!contact)
            be_still(broker, SESSION_FINE);
        return;
    case SESSION_FINE:
        break;
    }
    if (!broker->up)
        return;
    if (!contact && registered && !registered->fenced)
        be_missed(broker, session_last_contact_us(broker));
    else if (contact && broker->state == BROKER_UP && (!registered || registered->fenced || cluster->controller.down))
        run_at(broker, SESSION_RETURNS, queue_now_us(cluster->queue) + network_latency_us(cluster, broker->id, listener(cluster)));
}

void session_check_all(struct cluster *cluster)
{
    for (size_t i = 0; i < cluster->broker_count; i++)
        session_check(cluster->brokers[i]);
    life_wake_starting(cluster);
    life_tell_controller_back(cluster);
}

bool broker_reaches_controller(const struct broker *broker)
{
    const struct cluster *cluster = broker->cluster;

    return !cluster->controller.down && network_open_both_ways(cluster, broker->id, controller_home(cluster));
}

static void network_changed(void *context, int32_t from, int32_t to)
{
    (void)from;
    (void)to;
    session_check_all(context);
}

void session_watch_network(struct cluster *cluster)
{
    cluster->session_watch = (struct network_watch){ .changed = network_changed, .context = cluster };
    network_watch(cluster, &cluster->session_watch);
}

/* ---- what life.c tells ---- */

void session_broker_died(struct broker *broker)
{
    const struct cluster *cluster = broker->cluster;
    const struct image_broker *registered = known(broker);
    bool listens = old(cluster) || !cluster->controller.down;

    if (broker->session_step == SESSION_ENDS || broker->session_step == SESSION_TAKES) { /* it was missed before */
        session_check(broker);
        return;
    }
    be_still(broker, SESSION_FINE);
    if (!registered || registered->fenced)
        return;
    broker->session_last_us = session_last_contact_us(broker);
    broker->session_ends_us = session_end_us(broker, broker->session_last_us);
    if (listens)
        run_at(broker, SESSION_ENDS, broker->session_ends_us);
}

void session_closed(struct broker *broker)
{
    const struct cluster *cluster = broker->cluster;

    if (cluster->controller.down || !known(broker) || known(broker)->fenced)
        return;
    broker->session_ends_us = 0;
    be_still(broker, SESSION_TAKES);
    session_check(broker);
}

void session_controller_gone(struct cluster *cluster)
{
    for (size_t i = 0; i < cluster->broker_count; i++)
        be_still(cluster->brokers[i], SESSION_FINE);
}

/* A controller that starts gives all that it finds registered the time of a session. */
void session_controller_starts(struct cluster *cluster)
{
    for (size_t i = 0; i < cluster->broker_count; i++) {
        struct broker *broker = cluster->brokers[i];
        const struct image_broker *registered = known(broker);

        be_still(broker, SESSION_FINE);
        broker->session_ends_us = 0;
        heartbeats_controller_starts(broker);
        if ((!broker->up || !is_heard(broker)) && !broker->task && registered && !registered->fenced)
            be_missed(broker, queue_now_us(cluster->queue));
        else
            session_check(broker);
        if (broker->up)
            broker_schedule_metadata(broker);
    }
}

int64_t broker_session_ends_us(const struct broker *broker)
{
    return broker->session_step == SESSION_ENDS && event_scheduled(&broker->session_event) ? broker->session_ends_us : NEVER_US;
}

int64_t session_may_start_us(const struct broker *broker)
{
    const struct cluster *cluster = broker->cluster;
    bool scheduled = event_scheduled(&broker->session_event);

    if ((cluster->controller.down && !old(cluster)) || !session_in_contact(broker))
        return INT64_MAX;
    if (broker->session_step == SESSION_TAKES)
        return scheduled ? queue_now_us(cluster->queue) + 1 : INT64_MAX;
    if (broker->session_step == SESSION_ENDS)
        return scheduled ? broker->session_ends_us : INT64_MAX;
    return old(cluster) ? broker->session_ends_us : 0;
}
