/* A broker's life while the cluster goes on: killed, and what its task may do; its start is in life_start.c, its controlled shutdown in life_stop.c. What the controller makes of it is in controller_brokers.c. Kafka's
 * BrokerLifecycleManager, BrokerHeartbeatManager (4.3); KafkaServer, KafkaZkClient (2.7). */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/task.h"
#include "sim/cluster/cluster_internal.h"

enum { TASK_SLICE = 4 * 1024 * 1024 };

enum broker_state broker_state(const struct broker *broker) { return broker->state; }

const char *broker_state_name(enum broker_state state)
{
    static const char *const names[] = { "down", "starting", "up", "stopping" };

    return names[state];
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

void life_tell_down(struct broker *broker, const char *why, bool reset)
{
    struct cluster *cluster = broker->cluster;

    for (size_t i = 0; i < cluster->watcher_count; i++)
        if (cluster->watchers[i].watch->went_down)
            cluster->watchers[i].watch->went_down(cluster->watchers[i].context, broker, why, reset);
}

void life_tell_up(struct broker *broker)
{
    struct cluster *cluster = broker->cluster;

    for (size_t i = 0; i < cluster->watcher_count; i++)
        if (cluster->watchers[i].watch->came_up)
            cluster->watchers[i].watch->came_up(cluster->watchers[i].context, broker);
}

bool life_answering(struct broker *broker)
{
    struct cluster *cluster = broker->cluster;

    for (size_t i = 0; i < cluster->watcher_count; i++)
        if (cluster->watchers[i].watch->answering && cluster->watchers[i].watch->answering(cluster->watchers[i].context, broker))
            return true;
    return false;
}

/* ---- who is the controller ---- */

bool life_is_home(const struct broker *broker)
{
    return broker->cluster->controller.home == broker->index;
}

void life_set_home(struct cluster *cluster, size_t index)
{
    bool begins = release_is_27(cluster->release) && !cluster->opening;

    old_controller_begins(cluster);
    cluster->controller.home = index;
    cluster->controller.down = false;
    if (begins)
        controller_begin_epoch(cluster);
    image_set_controller(cluster->controller.image, controller_home(cluster));
    for (size_t i = 0; i < cluster->broker_count; i++)
        if (cluster->brokers[i]->up)
            broker_meet_controller(cluster->brokers[i]);
    for (size_t i = 0; i < cluster->broker_count; i++)
        session_check(cluster->brokers[i]);
    if (!cluster->opening)
        elections_begin(cluster);
}

/* Those that wait for a controller, or to be heard of. */
void life_wake_starting(struct cluster *cluster)
{
    for (size_t i = 0; i < cluster->broker_count; i++) {
        struct broker *broker = cluster->brokers[i];

        if (broker->state != BROKER_STARTING || (!broker->task && broker->loaded && !cluster->quorum) || event_scheduled(&broker->life_event))
            continue;
        broker->life_event.run = broker->task ? life_go_on : life_start_again;
        event_at(cluster->queue, &broker->life_event, queue_now_us(cluster->queue));
    }
}

void life_tell_controller_back(struct cluster *cluster)
{
    for (size_t i = 0; i < cluster->watcher_count; i++)
        if (cluster->watchers[i].watch->controller_back)
            cluster->watchers[i].watch->controller_back(cluster->watchers[i].context);
}

void life_committed(struct cluster *cluster)
{
    for (size_t i = 0; i < cluster->broker_count; i++) {
        struct broker *broker = cluster->brokers[i];

        if (!broker->awaits_commit || event_scheduled(&broker->life_event))
            continue;
        broker->life_event.run = life_go_on;
        event_at(cluster->queue, &broker->life_event, queue_now_us(cluster->queue));
    }
}

/* Whatever could not be asked of a controller before. */
void life_controller_is_back(struct cluster *cluster)
{
    for (size_t i = 0; i < cluster->broker_count; i++) {
        struct broker *broker = cluster->brokers[i];

        isr_controller_back(broker);
        assignments_controller_back(broker);
        log_dirs_controller_back(broker);
    }
    session_check_all(cluster); /* sessions that ended while there was none to act on it; and who waits to start */
    life_tell_controller_back(cluster);
}

/* ---- down ---- */

void life_leave_memory(struct broker *broker)
{
    broker_drop(broker);
    broker_free_fetchers(broker);
    fetchers_leader_down(broker);
    freeze_forget(broker);
    heartbeat_forget(broker);
    old_controller_gone(broker);
    broker->controller_epoch = 0;
}

/* Under 4.3 the controller goes with its broker; ZooKeeper stays, and with it what 2.7's controller knew. */
void life_take_controller_along(struct broker *broker, bool clean)
{
    struct cluster *cluster = broker->cluster;

    if (cluster->quorum) {
        quorum_leave(broker, clean ? "its broker stopped" : "its broker went down");
        return;
    }
    if (!life_is_home(broker) || release_is_27(cluster->release))
        return;
    session_controller_gone(cluster);
    for (size_t i = 0; i < cluster->broker_count; i++)
        if (cluster->brokers[i]->up && session_in_contact(cluster->brokers[i]))
            broker_catch_up(cluster->brokers[i]); /* what was sent arrives: the others fetch without the fetch being simulated */
    for (size_t i = 0; i < cluster->broker_count; i++)
        network_cancel(&cluster->brokers[i]->metadata_message);
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
    life_give_up(broker);
    event_cancel(cluster->queue, &broker->patience_event);
    if (!was_up) { /* it never came to serve anybody, or serves nobody any more */
        event_cancel(cluster->queue, &broker->life_event);
        if (broker->loaded && (cluster->quorum || !cluster->controller.down))
            life_take_controller_along(broker, false);
        if (broker->loaded && release_is_27(cluster->release) && life_is_home(broker) && session_fail_over(cluster))
            life_controller_is_back(cluster);
    } else {
        broker->up = false;
        life_tell_down(broker, why, true);
        broker->up = true;
        life_take_controller_along(broker, false);
    }
    life_leave_memory(broker);
    mem_free(broker->failure);
    broker->failure = NULL;
    broker->loaded = false;
    broker->state = BROKER_DOWN;
    session_broker_died(broker);
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
    cluster_drop_now(broker->cluster); /* no handle is left on what goes */
    for (size_t i = 0; i < broker->dir_count; i++)
        disk_power_off(broker->dirs[i].disk, &random, losses);
    return ERR_OK;
}

bool life_say_losses(struct broker *broker)
{
    for (size_t i = 0; i < broker->before_count; i++) {
        const struct before_power_off *before = &broker->before[i];
        const struct partition *partition = broker_partition(broker, before->topic, before->partition);
        int64_t end = partition ? log_end_offset(partition->log) : before->end_offset;
        char text[600];

        if (!life_breathe(broker, COST_OF_NAME))
            return false;
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
    return true;
}

/* ---- a disk that refuses ---- */

static void disk_refused(void *context, const char *what)
{
    struct log_dir *dir = context;

    dir->refused = true;
    if (dir->broker->dir_count > 1)
        log_dir_refused(dir, what);
    else
        broker_fail(dir->broker, what);
}

char *life_without_path(const struct broker *broker, const char *what)
{
    struct text out = { 0 };
    char *result;

    while (*what) {
        const struct log_dir *found = NULL;
        const char *first = NULL;

        for (size_t i = 0; i < broker->dir_count; i++) {
            const char *at = strstr(what, broker->dirs[i].path);

            if (at && (!first || at < first || (at == first && strlen(broker->dirs[i].path) > strlen(found->path)))) {
                first = at;
                found = &broker->dirs[i];
            }
        }
        text_printf(&out, "%.*s%s", (int)(first ? (size_t)(first - what) : strlen(what)), what, first ? found->name : "");
        what = first ? first + strlen(found->path) : "";
    }
    result = mem_text(text_chars(&out));
    text_done(&out);
    return result;
}

static void halt(void *context)
{
    struct broker *broker = context;
    bool metadata = broker->dir_count > 1 && broker->dirs[0].failure && !release_is_27(broker->cluster->release);
    char *why = metadata ? mem_printf("Shutdown broker because the metadata log dir %s has failed: %s", broker->dirs[0].name, broker->failure)
                         : mem_printf("Shutdown broker because all log dirs in broker-%d have failed: %s", broker->id, broker->failure);

    mem_free(broker->failure);
    broker->failure = NULL;
    broker_kill(broker, why, NULL);
    mem_free(why);
}

void broker_fail(struct broker *broker, const char *what)
{
    if (broker->failure || (!broker->up && !(broker->task && broker->state == BROKER_STARTING)))
        return;
    broker->failure = life_without_path(broker, what);
    if (broker->up) /* else it halts once it is up, if it comes that far */
        life_halt(broker, NULL);
}

void life_halt(struct broker *broker, const char *why)
{
    if (why) {
        mem_free(broker->failure);
        broker->failure = mem_text(why);
    }
    broker->life_event.run = halt;
    event_at(broker->cluster->queue, &broker->life_event, queue_now_us(broker->cluster->queue));
    journal_add(broker->cluster->journal, ENTRY(EVENT_disk_failed, .broker = broker->id, .rule = "log.dirs", .text = broker->failure));
}

/* ---- its task ---- */

void life_go_on(void *context)
{
    struct broker *broker = context;

    if (!broker->up || !broker_sleeps(broker, &broker->life_event))
        task_wake(broker->task);
}

void life_hurry(struct broker *broker)
{
    if (broker->task && broker->life_event.run == life_go_on && event_scheduled(&broker->life_event))
        event_at(broker->cluster->queue, &broker->life_event, queue_now_us(broker->cluster->queue));
}

/* Until life_event comes, or for ever where a halt was set upon it. */
static bool wait_for_event(struct broker *broker)
{
    while (event_scheduled(&broker->life_event) || (broker->up && broker->failure))
        if (!task_wait(broker->task)) {
            event_cancel(broker->cluster->queue, &broker->life_event);
            return false;
        }
    return true;
}

bool life_sleep(struct broker *broker, int64_t us)
{
    if (task_interrupted(broker->task))
        return false;
    broker->task_cost = 0;
    if (!(broker->up && broker->failure)) { /* else life_event is its halt */
        broker->life_event.run = life_go_on;
        event_after(broker->cluster->queue, &broker->life_event, us);
    }
    return wait_for_event(broker);
}

bool life_breathe(struct broker *broker, int64_t cost)
{
    if (!broker->task)
        return true;
    if (task_interrupted(broker->task))
        return false;
    broker->task_cost += cost;
    return broker->hurries || broker->task_cost < TASK_SLICE || life_sleep(broker, 0);
}

bool life_await_controller(struct broker *broker)
{
    while (broker->cluster->controller.down)
        if (!task_wait(broker->task))
            return false;
    return true;
}

bool life_await_commit(struct broker *broker, bool *again)
{
    struct cluster *cluster = broker->cluster;
    int32_t epoch = cluster->controller.epoch;
    bool goes_on = true;

    *again = false;
    if (!cluster->quorum)
        return true;
    while (goes_on && (cluster->controller.down || (!quorum_settle(cluster) && cluster->controller.epoch == epoch))) {
        broker->awaits_commit = true;
        goes_on = broker->task && task_wait(broker->task);
        broker->awaits_commit = false;
    }
    *again = cluster->controller.epoch != epoch;
    return goes_on;
}

void life_give_up(struct broker *broker)
{
    if (!broker->task)
        return;
    broker->task_given_up = true;
    task_interrupt(broker->task);
    assert(!broker->task);
    broker->task_given_up = false;
}

void life_finish(struct broker *broker)
{
    if (!broker->task)
        return;
    if (broker->state != BROKER_STOPPING || broker->up) { /* what it serves still is closed by who asks */
        life_give_up(broker);
        return;
    }
    broker->hurries = true;
    event_cancel(broker->cluster->queue, &broker->life_event);
    task_wake(broker->task);
    assert(!broker->task);
    broker->hurries = false;
}

/* ---- */

void life_init(struct broker *broker)
{
    for (size_t i = 0; i < broker->dir_count; i++) {
        broker->dirs[i].disk = disk_add(broker->cluster->fs, broker->dirs[i].path);
        disk_on_failure(broker->dirs[i].disk, disk_refused, &broker->dirs[i]);
    }
    broker->life_event = (struct event){ .context = broker };
    session_init(broker);
    shutdown_init(broker);
    heartbeat_init(broker);
}

void life_cancel(struct broker *broker)
{
    if (!broker->task) /* its own is what ends it */
        event_cancel(broker->cluster->queue, &broker->life_event);
    event_cancel(broker->cluster->queue, &broker->session_event);
    event_cancel(broker->cluster->queue, &broker->patience_event);
    mem_free(broker->failure);
    broker->failure = NULL;
}

void life_done(struct broker *broker)
{
    life_give_up(broker);
    life_cancel(broker);
    shutdown_forget(broker);
    heartbeat_forget(broker);
    mem_free(broker->start_failure);
    forget_before(broker);
    for (size_t i = 0; i < broker->dir_count; i++)
        if (broker->dirs[i].disk) /* the fs, and with it the disk, outlives the cluster */
            disk_on_failure(broker->dirs[i].disk, NULL, NULL);
}
