/* A broker's life while the cluster goes on: killed, stopped, started. What the controller makes of it is in controller_brokers.c. Kafka's
 * BrokerLifecycleManager, BrokerHeartbeatManager (4.3); KafkaServer, KafkaZkClient (2.7). */
#include <stdio.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/cluster/cluster_internal.h"

enum { STOP_US = 2000000, LOOK_AGAIN_US = 10000, SHUTDOWN_US = 1000 };

enum broker_state broker_state(const struct broker *broker) { return broker->state; }

const char *broker_state_name(enum broker_state state)
{
    static const char *const names[] = { "down", "starting", "up", "stopping" };

    return names[state];
}

int64_t broker_starts_us(const struct broker *broker)
{
    return event_scheduled(&broker->life_event) ? broker->life_event.at_us : INT64_MAX;
}

/* ---- watchers ---- */

void cluster_watch_brokers(struct cluster *cluster, const struct broker_watch *watch, void *context)
{
    if (cluster->watcher_count < sizeof(cluster->watchers) / sizeof(*cluster->watchers))
        cluster->watchers[cluster->watcher_count++] = (struct broker_watcher){ watch, context };
}

void cluster_unwatch_brokers(struct cluster *cluster, void *context)
{
    for (size_t i = cluster->watcher_count; i-- > 0;)
        if (cluster->watchers[i].context == context)
            cluster->watchers[i] = cluster->watchers[--cluster->watcher_count];
}

static void tell_down(struct broker *broker, const char *why, bool reset)
{
    struct cluster *cluster = broker->cluster;

    for (size_t i = 0; i < cluster->watcher_count; i++)
        if (cluster->watchers[i].watch->went_down)
            cluster->watchers[i].watch->went_down(cluster->watchers[i].context, broker, why, reset);
}

static void tell_up(struct broker *broker)
{
    struct cluster *cluster = broker->cluster;

    for (size_t i = 0; i < cluster->watcher_count; i++)
        if (cluster->watchers[i].watch->came_up)
            cluster->watchers[i].watch->came_up(cluster->watchers[i].context, broker);
}

static bool answering(struct broker *broker)
{
    struct cluster *cluster = broker->cluster;

    for (size_t i = 0; i < cluster->watcher_count; i++)
        if (cluster->watchers[i].watch->answering && cluster->watchers[i].watch->answering(cluster->watchers[i].context, broker))
            return true;
    return false;
}

/* ---- who is the controller ---- */

static bool is_home(const struct broker *broker)
{
    return broker->cluster->controller.home == broker->index;
}

static void set_home(struct cluster *cluster, size_t index)
{
    cluster->controller.home = index;
    cluster->controller.down = false;
    image_set_controller(cluster->controller.image, controller_home(cluster));
    for (size_t i = 0; i < cluster->broker_count; i++)
        if (cluster->brokers[i]->up)
            image_set_controller(cluster->brokers[i]->image, controller_home(cluster));
}

/* 2.7: the first live broker to make the node /controller is the next one. False: nobody is left. */
static bool fail_over(struct cluster *cluster)
{
    for (size_t i = 0; i < cluster->broker_count; i++) {
        if (!cluster->brokers[i]->up || cluster->brokers[i]->state == BROKER_STOPPING)
            continue;
        set_home(cluster, i);
        return true;
    }
    cluster->controller.down = true;
    return false;
}

/* Whatever could not be asked of a controller before. */
static void controller_is_back(struct cluster *cluster)
{
    for (size_t i = 0; i < cluster->broker_count; i++) {
        struct broker *broker = cluster->brokers[i];

        for (size_t p = 0; broker->up && p < broker->partition_count; p++) {
            broker->partitions[p]->isr_changing = false;
            partition_consider_all(broker->partitions[p]);
        }
        if (broker->state == BROKER_STARTING && !broker->loaded && !event_scheduled(&broker->life_event))
            event_at(cluster->queue, &broker->life_event, queue_now_us(cluster->queue));
    }
    for (size_t i = 0; i < cluster->watcher_count; i++)
        if (cluster->watchers[i].watch->controller_back)
            cluster->watchers[i].watch->controller_back(cluster->watchers[i].context);
}

/* ---- the session ---- */

static int64_t session_ms(const struct broker *broker)
{
    struct config_layers layers = broker_config(broker);

    return config_long(&layers, release_is_27(broker->cluster->release) ? "zookeeper.session.timeout.ms" : "broker.session.timeout.ms");
}

/* 4.3 counts from the last heartbeat. */
static int64_t last_contact_us(const struct broker *broker)
{
    int64_t now_us = queue_now_us(broker->cluster->queue), every_us;
    struct config_layers layers = broker_config(broker);

    if (release_is_27(broker->cluster->release))
        return now_us;
    every_us = config_long(&layers, "broker.heartbeat.interval.ms") * 1000;
    return every_us < 1 ? now_us : now_us - (now_us - broker->started_us) % every_us;
}

static void session_over(void *context)
{
    struct broker *broker = context;
    struct cluster *cluster = broker->cluster;
    bool old = release_is_27(cluster->release);
    const char *key = old ? "zookeeper.session.timeout.ms" : "broker.session.timeout.ms";
    char text[160], why[96];

    broker->session_ends_us = 0;
    if (old && is_home(broker) && !fail_over(cluster))
        return;
    if (cluster->controller.down)
        return;
    snprintf(text, sizeof(text), "broker %d was silent for %lld ms (%s): its leaderships are taken away", broker->id, (long long)session_ms(broker), key);
    snprintf(why, sizeof(why), "the session of broker %d ended", broker->id);
    journal_add(cluster->journal, ENTRY(EVENT_broker_fenced, .broker = broker->id, .rule = key, .text = text,
                                        .facts = { { "session_timeout_ms", session_ms(broker), NULL } }, .fact_count = 1));
    controller_broker_leaves(cluster, broker, true, why, NULL);
    if (old)
        controller_is_back(cluster);
}

/* A controller that starts gives all that it finds registered the time of a session. */
static void watch_sessions(struct cluster *cluster)
{
    for (size_t i = 0; i < cluster->broker_count; i++) {
        struct broker *broker = cluster->brokers[i];
        const struct image_broker *known = image_broker(cluster->controller.image, broker->id);

        if (broker->up || !known || known->fenced)
            continue;
        broker->session_ends_us = queue_now_us(cluster->queue) + session_ms(broker) * 1000;
        event_at(cluster->queue, &broker->session_event, broker->session_ends_us);
    }
}

/* ---- down ---- */

static void leave_memory(struct broker *broker)
{
    broker_drop(broker);
    broker_free_fetchers(broker);
}

/* Under 4.3 the controller goes with its broker; ZooKeeper stays, and with it what 2.7's controller knew. */
static void take_controller_along(struct broker *broker, bool clean)
{
    struct cluster *cluster = broker->cluster;

    if (!is_home(broker) || release_is_27(cluster->release))
        return;
    for (size_t i = 0; i < cluster->broker_count; i++) {
        event_cancel(cluster->queue, &cluster->brokers[i]->session_event);
        if (cluster->brokers[i]->up)
            broker_catch_up(cluster->brokers[i]); /* what was sent arrives: the others fetch without the fetch being simulated */
    }
    controller_shut(cluster, clean);
}

enum err broker_kill(struct broker *broker, const char *why, struct reason *reason)
{
    struct cluster *cluster = broker->cluster;
    bool was_up = broker->up;
    char text[600];

    if (cluster->inspection)
        return cluster_refuse_change(cluster, reason);
    if (broker->state == BROKER_DOWN)
        return err_because(ERR_BROKER_NOT_AVAILABLE, reason, "broker %d is down already; broker start %d brings it back", broker->id, broker->id);
    if (!was_up) { /* it never came to serve anybody */
        event_cancel(cluster->queue, &broker->life_event);
        if (broker->loaded && !cluster->controller.down)
            take_controller_along(broker, false);
        broker->loaded = false;
        broker->state = BROKER_DOWN;
    } else {
        broker->session_ends_us = last_contact_us(broker) + session_ms(broker) * 1000;
        broker->up = false;
        tell_down(broker, why, true);
        broker->up = true;
        take_controller_along(broker, false);
        leave_memory(broker);
        if (!cluster->controller.down || release_is_27(cluster->release))
            event_at(cluster->queue, &broker->session_event, broker->session_ends_us);
    }
    snprintf(text, sizeof(text), "broker %d went down: %s", broker->id, why);
    journal_add(cluster->journal, ENTRY(EVENT_broker_stopped, .broker = broker->id, .rule = "kill", .text = text));
    return ERR_OK;
}

/* ---- the mains ---- */

struct before_power_off {
    char *topic;
    int32_t partition;
    int64_t end_offset, recovery_point, size_bytes;
};

static void forget_before(struct broker *broker)
{
    for (size_t i = 0; i < broker->before_count; i++)
        mem_free(broker->before[i].topic);
    mem_free(broker->before);
    broker->before = NULL;
    broker->before_count = broker->before_capacity = 0;
}

struct disk *broker_disk(const struct broker *broker) { return broker->disk; }

enum err broker_power_off(struct broker *broker, struct disk_losses *losses, struct reason *reason)
{
    struct random random;
    enum err err = cluster_refuse_change(broker->cluster, reason);

    if (losses)
        *losses = (struct disk_losses){ 0 };
    if (err)
        return err;
    random_init(&random, random_u64(&broker->cluster->random));
    if (broker->up) {
        forget_before(broker);
        for (size_t i = 0; i < broker->partition_count; i++) {
            const struct partition *partition = broker->partitions[i];

            ARRAY_ADD(broker->before, broker->before_count, broker->before_capacity) = (struct before_power_off){
                mem_text(partition->topic->name), partition->number, log_end_offset(partition->log), log_recovery_point(partition->log),
                log_size_bytes(partition->log),
            };
        }
    }
    if (broker->state != BROKER_DOWN)
        broker_kill(broker, "its power went", NULL);
    disk_power_off(broker->disk, &random, losses);
    return ERR_OK;
}

void life_say_losses(struct broker *broker)
{
    for (size_t i = 0; i < broker->before_count; i++) {
        const struct before_power_off *before = &broker->before[i];
        const struct partition *partition = broker_partition(broker, before->topic, before->partition);
        int64_t end = partition ? log_end_offset(partition->log) : before->end_offset;
        char text[600];

        if (end >= before->end_offset)
            continue;
        snprintf(text, sizeof(text), "%s-%d: offsets %lld..%lld are gone from broker %d: they had not been flushed (recovery point %lld) when its power went",
                 before->topic, before->partition, (long long)end, (long long)before->end_offset - 1, broker->id, (long long)before->recovery_point);
        journal_add(broker->cluster->journal,
                    ENTRY(EVENT_records_lost, .broker = broker->id, .topic = before->topic, .partition = before->partition, .offset = end,
                          .rule = "flush.messages", .text = text,
                          .facts = { { "first_lost_offset", end, NULL }, { "last_lost_offset", before->end_offset - 1, NULL },
                                     { "recovery_point", before->recovery_point, NULL },
                                     { "bytes_lost", before->size_bytes - log_size_bytes(partition->log), NULL },
                                     { "flush_messages", log_settings(partition->log)->flush_messages, NULL },
                                     { "flush_ms", log_settings(partition->log)->flush_ms, NULL } }, .fact_count = 6));
    }
    forget_before(broker);
}

/* ---- a disk that refuses ---- */

static void disk_refused(void *context, const char *what)
{
    struct broker *broker = context;

    broker->disk_refused = true;
    broker_fail(broker, what);
}

/* What a disk refused, with the lab's name of the broker's folder: the journal names no path of a machine. The caller's. */
static char *without_path(const struct broker *broker, const char *what)
{
    struct text out = { 0 };
    size_t size = strlen(broker->log_dir);
    char *result;

    for (const char *at; (at = strstr(what, broker->log_dir)); what = at + size)
        text_printf(&out, "%.*sbroker-%d", (int)(at - what), what, broker->id);
    text_add(&out, what);
    result = mem_text(text_chars(&out));
    text_done(&out);
    return result;
}

static void halt(void *context)
{
    struct broker *broker = context;
    char *why = mem_printf("Shutdown broker because all log dirs in broker-%d have failed: %s", broker->id, broker->failure);

    mem_free(broker->failure);
    broker->failure = NULL;
    broker_kill(broker, why, NULL);
    mem_free(why);
}

void broker_fail(struct broker *broker, const char *what)
{
    if (!broker->up || broker->failure)
        return;
    broker->failure = without_path(broker, what);
    broker->life_event.run = halt;
    event_at(broker->cluster->queue, &broker->life_event, queue_now_us(broker->cluster->queue));
    journal_add(broker->cluster->journal, ENTRY(EVENT_disk_failed, .broker = broker->id, .rule = "log.dirs", .text = broker->failure));
}

/* ---- a controlled shutdown ---- */

static bool others_know(const struct broker *broker)
{
    const struct cluster *cluster = broker->cluster;

    for (size_t i = 0; i < cluster->broker_count; i++)
        if (cluster->brokers[i]->up && image_offset(cluster->brokers[i]->image) < broker->stop_offset)
            return false;
    return true;
}

static void stop_now(struct broker *broker)
{
    struct cluster *cluster = broker->cluster;
    bool old = release_is_27(cluster->release), orphaned = false;

    broker->up = false;
    tell_down(broker, "the broker stopped", false);
    broker->up = true;
    if (old && is_home(broker))
        orphaned = !fail_over(cluster); /* nobody is left to see it go: its leaderships are what they were when it returns */
    if (!cluster->controller.down && !orphaned)
        controller_broker_leaves(cluster, broker, true, "the broker stopped", NULL);
    broker_catch_up(broker);
    take_controller_along(broker, true);
    broker_stop_clean(broker);
    broker_free_fetchers(broker);
    if (!broker->disk_refused)
        clean_marker_write(cluster->fs, broker->log_dir, cluster->release, broker->epoch, NULL);
}

static void look_if_done(void *context)
{
    struct broker *broker = context;
    struct queue *queue = broker->cluster->queue;
    bool late = queue_now_us(queue) >= broker->stops_by_us;

    if (!late && (!others_know(broker) || answering(broker))) {
        event_after(queue, &broker->life_event, LOOK_AGAIN_US);
        return;
    }
    stop_now(broker);
}

enum err broker_stop(struct broker *broker, struct reason *reason)
{
    struct cluster *cluster = broker->cluster;
    enum err err = cluster_refuse_change(cluster, reason);
    char why[64];

    if (err)
        return err;
    if (broker->state == BROKER_DOWN)
        return err_because(ERR_BROKER_NOT_AVAILABLE, reason, "broker %d is down already; broker start %d brings it back", broker->id, broker->id);
    if (broker->state == BROKER_STOPPING)
        return err_because(ERR_BROKER_NOT_AVAILABLE, reason, "broker %d is stopping already", broker->id);
    if (broker->state == BROKER_STARTING)
        return broker_kill(broker, "stopped while it was starting", reason);
    broker->state = BROKER_STOPPING;
    snprintf(why, sizeof(why), "broker %d shuts down", broker->id);
    if (!cluster->controller.down)
        controller_broker_leaves(cluster, broker, false, why, NULL); /* where it fails, it goes all the same, as Kafka's does after some tries */
    broker->stop_offset = image_offset(cluster->controller.image);
    broker->stops_by_us = queue_now_us(cluster->queue) + STOP_US;
    if (broker->failure) /* its disk refused just now: it halts */
        return ERR_OK;
    broker->life_event.run = look_if_done;
    event_after(cluster->queue, &broker->life_event, SHUTDOWN_US);
    return ERR_OK;
}

/* ---- up ---- */

static enum err register_anew(struct broker *broker, struct reason *reason)
{
    struct cluster *cluster = broker->cluster;
    const struct image_broker *known = image_broker(cluster->controller.image, broker->id);
    enum err err = ERR_OK;

    /* The old registration still counts as alive: what it led is taken from it first. */
    if (known && !known->fenced && !release_is_27(cluster->release))
        err = controller_broker_leaves(cluster, broker, true, "its broker was away and registers anew", reason);
    if (!err)
        err = controller_register(cluster, broker, true, reason);
    return err;
}

static enum err open_controller_here(struct broker *broker, struct reason *reason)
{
    struct cluster *cluster = broker->cluster;
    char *cluster_id = mem_text(image_cluster_id(cluster->controller.image));
    enum err err = cluster_open_controller(cluster, reason);

    if (err) {
        controller_shut(cluster, false);
    } else {
        image_set_cluster_id(cluster->controller.image, cluster_id);
        set_home(cluster, broker->index);
        watch_sessions(cluster);
    }
    mem_free(cluster_id);
    return err;
}

static enum err load_and_host(struct broker *broker, struct reason *reason)
{
    struct cluster *cluster = broker->cluster;
    enum err err = ERR_OK;

    if (broker->index && !release_is_27(cluster->release))
        err = cluster_copy_metadata(cluster, broker, reason);
    image_free(broker->image);
    broker->image = image_copy(cluster->controller.image);
    broker->started_us = queue_now_us(cluster->queue);
    broker->groups = groups_new(broker);
    broker->up = true;
    broker->state = BROKER_UP;
    return err ? err : broker_host_all(broker, reason);
}

/* 2.7: one that went while no controller was there to see it. */
static enum err notice_gone(struct broker *broker, struct reason *reason)
{
    const struct image_broker *known = image_broker(broker->cluster->controller.image, broker->id);

    if (broker->up || !known || known->fenced || broker->session_ends_us)
        return ERR_OK;
    return controller_broker_leaves(broker->cluster, broker, true, "its broker was gone when the controller started", reason);
}

/* Whose folder it is, what its checkpoints say; and where the controller sits with it, its log. */
static enum err load(struct broker *broker, struct reason *reason)
{
    struct cluster *cluster = broker->cluster;
    char cluster_id[UUID_TEXT];
    enum err err;

    broker->disk_refused = false;
    snprintf(cluster_id, sizeof(cluster_id), "%s", image_cluster_id(cluster->controller.image));
    err = broker_load(broker, reason);
    if (!err)
        err = cluster_identify(cluster, broker, cluster_id, reason);
    if (!err && cluster->controller.down && !release_is_27(cluster->release))
        err = open_controller_here(broker, reason);
    broker->loaded = !err;
    return err;
}

static enum err come_up(struct broker *broker, struct reason *reason)
{
    struct cluster *cluster = broker->cluster;
    bool alone = cluster->controller.down; /* 2.7: it becomes the controller */
    enum err err = broker->loaded ? ERR_OK : load(broker, reason);

    broker->loaded = false;
    if (!err && alone)
        set_home(cluster, broker->index);
    if (!err)
        err = register_anew(broker, reason);
    if (!err)
        err = load_and_host(broker, reason);
    if (!err)
        err = controller_unfence(cluster, broker, reason);
    for (size_t i = 0; !err && alone && i < cluster->broker_count; i++)
        err = notice_gone(cluster->brokers[i], reason);
    if (!err)
        err = controller_elect_offline(cluster, reason);
    if (err)
        return err;
    broker_start_tasks(broker);
    life_say_losses(broker);
    for (size_t p = 0; p < broker->partition_count; p++)
        partition_reconcile(broker->partitions[p]);
    broker_catch_up(broker);
    broker_schedule_metadata(broker);
    journal_add(cluster->journal, ENTRY(EVENT_broker_started, .broker = broker->id, .text = "registered and unfenced",
                                        .facts = { { "epoch", broker->epoch, NULL }, { "port", broker->port, NULL },
                                                   { "logs", (int64_t)broker->partition_count, NULL } }, .fact_count = 3));
    tell_up(broker);
    if (alone)
        controller_is_back(cluster);
    return ERR_OK;
}

/* What stands in the way of its registration: when it may try, INT64_MAX for when the controller is back. A controller that was killed with its
 * broker finds that broker registered, and waits for its session like for any other's. */
static int64_t may_start_us(const struct broker *broker)
{
    const struct cluster *cluster = broker->cluster;

    if (release_is_27(cluster->release))
        return broker->session_ends_us;
    if (cluster->controller.down)
        return INT64_MAX;
    return event_scheduled(&broker->session_event) ? broker->session_ends_us : 0;
}

static enum err try_to_start(struct broker *broker, struct reason *reason)
{
    struct cluster *cluster = broker->cluster;
    bool opens = cluster->controller.down && is_home(broker) && !release_is_27(cluster->release);
    enum err err = opens ? load(broker, reason) : ERR_OK;
    int64_t at_us = may_start_us(broker);

    broker->state = BROKER_STARTING;
    if (!err && opens)
        controller_is_back(cluster);
    if (!err && at_us == INT64_MAX)
        return ERR_OK;
    if (!err && at_us > queue_now_us(cluster->queue)) {
        event_at(cluster->queue, &broker->life_event, at_us);
        return ERR_OK;
    }
    if (!err)
        err = come_up(broker, reason);
    if (!err)
        return ERR_OK;
    if (is_home(broker) && !release_is_27(cluster->release) && !cluster->controller.down)
        controller_shut(cluster, false);
    leave_memory(broker);
    broker->loaded = false;
    broker->state = BROKER_DOWN;
    return err;
}

static void start_now(void *context)
{
    struct broker *broker = context;
    struct reason reason = { "" };

    if (!try_to_start(broker, &reason))
        return;
    tell_down(broker, reason.text, false); /* its port was bound already */
    journal_add(broker->cluster->journal, ENTRY(EVENT_broker_stopped, .broker = broker->id, .rule = "log.dirs", .text = reason.text));
}

enum err broker_start(struct broker *broker, struct reason *reason)
{
    if (broker->cluster->inspection)
        return cluster_refuse_change(broker->cluster, reason);
    if (broker->state == BROKER_STARTING)
        return err_because(ERR_BROKER_NOT_AVAILABLE, reason, "broker %d is starting already", broker->id);
    if (broker->state != BROKER_DOWN)
        return err_because(ERR_BROKER_NOT_AVAILABLE, reason, "broker %d is %s already", broker->id, broker_state_name(broker->state));
    broker->life_event.run = start_now;
    return try_to_start(broker, reason);
}

/* ---- */

void life_init(struct broker *broker)
{
    broker->disk = disk_add(broker->cluster->fs, broker->log_dir);
    disk_on_failure(broker->disk, disk_refused, broker);
    broker->life_event = (struct event){ .context = broker };
    broker->session_event = (struct event){ .run = session_over, .context = broker };
}

void life_cancel(struct broker *broker)
{
    event_cancel(broker->cluster->queue, &broker->life_event);
    event_cancel(broker->cluster->queue, &broker->session_event);
    mem_free(broker->failure);
    broker->failure = NULL;
}

void life_done(struct broker *broker)
{
    life_cancel(broker);
    forget_before(broker);
    if (broker->disk) /* the fs, and with it the disk, outlives the cluster */
        disk_on_failure(broker->disk, NULL, NULL);
}
