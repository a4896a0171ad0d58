/* A broker's start while the cluster goes on: registered, its logs loaded and recovered, unfenced, its roles taken, and then it serves. All at one virtual
 * moment, in a task that goes on in an event of its own for each slice of work: ten thousand logs, or one of gigabytes that a kill left, hold up nobody.
 * What is short is done at once. Kafka's BrokerServer (4.3), KafkaServer (2.7). */
#include <stdio.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/task.h"
#include "sim/cluster/cluster_internal.h"

int64_t broker_starts_us(const struct broker *broker)
{
    return event_scheduled(&broker->life_event) ? broker->life_event.at_us : INT64_MAX;
}

bool broker_loading(const struct broker *broker, size_t *done, size_t *total)
{
    bool loading = broker->state == BROKER_STARTING && broker->task && !broker->awaits_commit;

    if (done)
        *done = loading ? broker->logs_done : 0;
    if (total)
        *total = loading ? broker->logs_total : 0;
    return loading;
}

/* Why the task stops where it was told to. */
static enum err given_up(const struct broker *broker, struct reason *reason)
{
    return err_because(ERR_BROKER_NOT_AVAILABLE, reason, "broker %d went down while it was starting", broker->id);
}

/* ---- what it does, in order ---- */

static enum err leave_all(struct broker *of, struct broker *starting, enum broker_leaving how, const char *why, struct reason *reason)
{
    bool more = true;
    enum err err = ERR_OK;

    while (more && !err) {
        err = controller_broker_leaves(of->cluster, of, how, why, &more, reason);
        if (!err && more && !life_breathe(starting, COST_OF_ELECTIONS))
            err = given_up(starting, reason);
        if (!err && of->cluster->controller.down)
            err = err_because(ERR_REQUEST_TIMED_OUT, reason, "the controller went down while broker %d registered", starting->id);
    }
    return err;
}

static enum err register_anew(struct broker *broker, bool *alone, struct reason *reason)
{
    struct cluster *cluster = broker->cluster;
    const struct image_broker *known = image_broker(cluster->controller.image, broker->id);
    enum err err = ERR_OK;

    (void)alone;
    /* The old registration may still count as alive: what it led is taken from it first. Without the marker of a clean shutdown it is not known what it still has. */
    if (known && !release_is_27(cluster->release) && !broker->clean)
        err = leave_all(broker, broker, LEAVING_UNCLEAN, "its broker comes back from an unclean shutdown", reason);
    else if (known && !known->fenced && !release_is_27(cluster->release))
        err = leave_all(broker, broker, LEAVING_GONE, "its broker was away and registers anew", reason);
    return err ? err : controller_register(cluster, broker, true, reason);
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
        life_set_home(cluster, broker->index);
        session_controller_starts(cluster);
    }
    mem_free(cluster_id);
    return err;
}

static enum err load_and_host(struct broker *broker, struct reason *reason)
{
    struct cluster *cluster = broker->cluster;
    enum err err = ERR_OK;

    if (broker->index && !release_is_27(cluster->release) && !quorum_votes(broker))
        err = cluster_copy_metadata(cluster, broker, reason);
    image_free(broker->image);
    broker->image = image_copy(cluster->controller.image);
    broker->controller_epoch = cluster->controller.epoch;
    broker->started_us = queue_now_us(cluster->queue);
    broker->groups = groups_new(broker);
    if (!err && !life_breathe(broker, (int64_t)image_offset(broker->image) * COST_OF_LINE))
        err = given_up(broker, reason);
    return err ? err : broker_host_all(broker, reason);
}

/* 2.7: one that went while no controller was there to see it. */
static enum err notice_gone(struct broker *gone, struct broker *starting, struct reason *reason)
{
    const struct image_broker *known = image_broker(gone->cluster->controller.image, gone->id);

    if (gone->up || gone == starting || !known || known->fenced || gone->session_ends_us)
        return ERR_OK;
    return leave_all(gone, starting, LEAVING_GONE, "its broker was gone when the controller started", reason);
}

/* Whose folder it is, what its checkpoints say; and where the controller sits with it, its log. */
static enum err load(struct broker *broker, struct reason *reason)
{
    struct cluster *cluster = broker->cluster;
    char cluster_id[UUID_TEXT];
    enum err err;

    log_dirs_try_all(broker);
    snprintf(cluster_id, sizeof(cluster_id), "%s", image_cluster_id(cluster->controller.image));
    err = broker_load(broker, reason);
    if (!err)
        err = cluster_identify(cluster, broker, cluster_id, reason);
    if (!err && quorum_votes(broker))
        err = quorum_join(broker, reason);
    else if (!err && cluster->controller.down && !release_is_27(cluster->release))
        err = open_controller_here(broker, reason);
    broker->loaded = !err;
    return err;
}

/* The controller may have gone while the logs were loaded: 4.3 waits for it, with 2.7 this broker takes its place. */
static enum err find_controller(struct broker *broker, bool *alone, struct reason *reason)
{
    struct cluster *cluster = broker->cluster;

    if (!cluster->controller.down)
        return ERR_OK;
    if (release_is_27(cluster->release)) {
        life_set_home(cluster, broker->index);
        *alone = true;
        return ERR_OK;
    }
    return life_await_controller(broker) ? ERR_OK : given_up(broker, reason);
}

static bool is_fenced(const struct broker *broker)
{
    const struct image_broker *known = image_broker(broker->cluster->controller.image, broker->id);

    return !known || known->fenced;
}

static enum err unfence(struct broker *broker, bool *alone, struct reason *reason)
{
    struct cluster *cluster = broker->cluster;
    enum err err = find_controller(broker, alone, reason);
    bool more = true;

    if (!err)
        err = controller_unfence(cluster, broker, reason);
    for (size_t i = 0; !err && *alone && i < cluster->broker_count; i++)
        err = notice_gone(cluster->brokers[i], broker, reason);
    while (!err && more && !cluster->controller.down) {
        err = controller_elect_offline(cluster, &more, reason);
        if (!err && more && !life_breathe(broker, COST_OF_ELECTIONS))
            err = given_up(broker, reason);
    }
    return err;
}

/* With a quorum: registered and unfenced it is once that is committed; where a controller went before, it is done again. */
static enum err until_committed(struct broker *broker, enum err (*order)(struct broker *broker, bool *alone, struct reason *reason), bool *alone, struct reason *reason)
{
    bool again = true;
    enum err err = ERR_OK;

    while (!err && again) {
        err = find_controller(broker, alone, reason);
        if (!err && order == register_anew && !heartbeat_register(broker))
            err = given_up(broker, reason);
        if (!err)
            err = find_controller(broker, alone, reason);
        if (!err)
            err = order(broker, alone, reason);
        if (!err && !life_await_commit(broker, &again))
            err = given_up(broker, reason);
    }
    return err;
}

static enum err take_roles(struct broker *broker, struct reason *reason)
{
    if (!broker_start_tasks(broker) || !life_say_losses(broker))
        return given_up(broker, reason);
    for (size_t p = 0; p < broker->partition_count; p++) {
        partition_reconcile(broker->partitions[p]);
        assignment_check(broker->partitions[p]);
        if (!life_breathe(broker, COST_OF_ROLE))
            return given_up(broker, reason);
    }
    return ERR_OK;
}

/* The metadata since its image was copied: nobody sends it to one that is not up. */
static enum err catch_up(struct broker *broker, bool *alone, struct reason *reason)
{
    struct cluster *cluster = broker->cluster;
    enum err err = find_controller(broker, alone, reason);

    while (!err && image_offset(broker->image) < controller_high_watermark(cluster) - 1) {
        err = broker_read_metadata(broker, reason);
        if (!err && !life_breathe(broker, COST_OF_ELECTIONS / 4))
            err = given_up(broker, reason);
        if (!err)
            err = find_controller(broker, alone, reason);
        if (!err && is_fenced(broker))
            err = until_committed(broker, unfence, alone, reason);
    }
    return err;
}

void life_say_up(const struct broker *broker)
{
    char text[64];

    snprintf(text, sizeof(text), "broker %d registered and unfenced", broker->id);
    journal_add(broker->cluster->journal, ENTRY(EVENT_broker_started, .broker = broker->id, .text = text,
                                                .facts = { { "epoch", broker->epoch, NULL }, { "port", broker->port, NULL },
                                                           { "logs", (int64_t)broker->partition_count, NULL } }, .fact_count = 3));
}

static enum err come_up(struct broker *broker, struct reason *reason)
{
    struct cluster *cluster = broker->cluster;
    bool alone = cluster->controller.down; /* 2.7: it becomes the controller */
    enum err err = broker->loaded ? ERR_OK : load(broker, reason);

    if (!err && alone)
        life_set_home(cluster, broker->index);
    if (!err)
        err = until_committed(broker, register_anew, &alone, reason);
    event_cancel(cluster->queue, &broker->patience_event); /* registered, or failed */
    if (!err)
        err = load_and_host(broker, reason);
    if (!err)
        err = until_committed(broker, unfence, &alone, reason);
    if (!err)
        err = take_roles(broker, reason);
    if (!err)
        err = catch_up(broker, &alone, reason);
    if (err)
        return err;
    broker->loaded = false;
    broker->up = true;
    broker->state = BROKER_UP;
    broker_catch_up(broker);
    broker_fetch_metadata(broker);
    log_moves_start(broker);
    log_dirs_look(broker);
    life_say_up(broker);
    fetchers_leader_up(broker);
    heartbeats_check(cluster);
    life_tell_up(broker);
    if (alone || (release_is_27(cluster->release) && life_is_home(broker))) /* 2.7: nobody had taken over from it before it came back */
        life_controller_is_back(cluster);
    return ERR_OK;
}

/* ---- as a task ---- */

static bool breathe(void *context, int64_t bytes)
{
    return life_breathe(context, bytes);
}

static void start_run(struct task *task, void *context)
{
    struct broker *broker = context;
    struct reason reason = { "" };

    broker->task = task;
    broker->env.breathe = breathe;
    broker->env.breathe_context = broker;
    broker->start_err = come_up(broker, &reason);
    broker->env.breathe = NULL;
    if (broker->start_err)
        broker->start_failure = mem_text(reason.text);
}

static void failed(struct broker *broker)
{
    event_cancel(broker->cluster->queue, &broker->patience_event);
    if (broker->cluster->quorum)
        quorum_leave(broker, "its broker could not start");
    else if (life_is_home(broker) && !release_is_27(broker->cluster->release) && !broker->cluster->controller.down)
        controller_shut(broker->cluster, false);
    life_leave_memory(broker);
    mem_free(broker->failure); /* the disk's: it is why the start failed */
    broker->failure = NULL;
    broker->loaded = false;
    broker->state = BROKER_DOWN;
}

static void start_ended(void *context)
{
    struct broker *broker = context;
    struct cluster *cluster = broker->cluster;

    broker->task = NULL;
    if (broker->task_given_up)
        return;
    if (!broker->start_err) {
        if (broker->failure)
            life_halt(broker, NULL);
        return;
    }
    failed(broker);
    if (broker->task_begins)
        return;
    life_tell_down(broker, broker->start_failure, false); /* its port was bound already */
    journal_add(cluster->journal, ENTRY(EVENT_broker_stopped, .broker = broker->id, .rule = "log.dirs", .text = broker->start_failure));
}

/* ---- a start that can't register ---- */

const char *broker_start_limit_key(const struct broker *broker)
{
    return release_is_27(broker->cluster->release) ? "zookeeper.connection.timeout.ms" : "initial.broker.registration.timeout.ms";
}

int64_t broker_start_limit_ms(const struct broker *broker)
{
    struct config_layers layers = broker_config(broker);
    const char *set = config_text(&layers, broker_start_limit_key(broker));

    return broker_setting(broker, set ? broker_start_limit_key(broker) : "zookeeper.session.timeout.ms");
}

/* 2.7 has registered once ZooKeeper is reached, however long the controller takes; that it waits for its own old session is the lab's kindness. */
static void lose_patience(void *context)
{
    struct broker *broker = context;
    bool old = release_is_27(broker->cluster->release);
    char *why;

    if (broker->state != BROKER_STARTING || (old && session_in_contact(broker)))
        return;
    why = old ? mem_printf("Timed out waiting for connection while in state: CONNECTING: broker %d did not reach ZooKeeper within %lld ms (%s)", broker->id,
                           (long long)broker_start_limit_ms(broker), broker_start_limit_key(broker))
              : mem_printf("Shutting down because we were unable to register with the controller quorum: broker %d tried for %lld ms (%s)", broker->id,
                           (long long)broker_start_limit_ms(broker), broker_start_limit_key(broker));
    life_give_up(broker);
    event_cancel(broker->cluster->queue, &broker->life_event);
    failed(broker);
    life_tell_down(broker, why, false); /* its port was bound already */
    journal_add(broker->cluster->journal, ENTRY(EVENT_broker_stopped, .broker = broker->id, .rule = broker_start_limit_key(broker), .text = why,
                                                .facts = { { "waited_ms", broker_start_limit_ms(broker), NULL } }, .fact_count = 1));
    mem_free(why);
}

static enum err try_to_start(struct broker *broker, struct reason *reason)
{
    struct cluster *cluster = broker->cluster;
    bool opens = cluster->quorum ? quorum_votes(broker) && !quorum_votes_now(broker)
                                 : cluster->controller.down && life_is_home(broker) && !release_is_27(cluster->release);
    enum err err = opens ? load(broker, reason) : ERR_OK;
    int64_t at_us = session_may_start_us(broker);

    broker->state = BROKER_STARTING;
    if (!err && opens && !cluster->quorum)
        life_controller_is_back(cluster);
    if (!err && at_us == INT64_MAX)
        return ERR_OK;
    if (!err && at_us > queue_now_us(cluster->queue)) {
        broker->life_event.run = life_start_again;
        event_at(cluster->queue, &broker->life_event, at_us);
        return ERR_OK;
    }
    if (err) {
        failed(broker);
        return err;
    }
    mem_free(broker->start_failure);
    broker->start_failure = NULL;
    broker->start_err = ERR_OK;
    broker->task_cost = 0;
    broker->task_begins = true;
    task_start(start_run, start_ended, broker);
    broker->task_begins = false;
    return broker->start_err ? err_because(broker->start_err, reason, "%s", broker->start_failure) : ERR_OK;
}

void life_start_again(void *context)
{
    struct broker *broker = context;
    struct reason reason = { "" };

    if (!try_to_start(broker, &reason))
        return;
    life_tell_down(broker, reason.text, false); /* its port was bound already */
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
    broker->patience_event = (struct event){ .run = lose_patience, .context = broker };
    event_after(broker->cluster->queue, &broker->patience_event, broker_start_limit_ms(broker) * 1000);
    return try_to_start(broker, reason);
}
