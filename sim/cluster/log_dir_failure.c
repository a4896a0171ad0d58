/* A log dir that fails while others live: its replicas go offline, and the controller is told, which gives them other leaders. Kafka's ReplicaManager.handleLogDirFailure, KIP-112;
 * 4.3: BrokerLifecycleManager.propagateDirectoryFailure with the next heartbeat, ReplicationControlManager.handleDirectoriesOffline; 2.7: the node /log_dir_event_notification,
 * at which the controller asks that broker by LeaderAndIsr which replicas it has still. Here one message stands for what goes to and fro. */
#include <string.h>

#include "sim/base/mem.h"
#include "sim/cluster/cluster_internal.h"

enum { AGAIN_US = 1000000 };

struct dir_notice {
    struct network_message message;
    struct event again;
    int32_t home;
    bool told[MOST_LOG_DIRS], in_flight;
};

static bool old(const struct broker *broker) { return release_is_27(broker->cluster->release); }

/* ---- replicas that nobody can read ---- */

static struct offline_replica *find_offline(const struct broker *broker, const char *topic, int32_t number)
{
    for (size_t i = 0; i < broker->offline_count; i++)
        if (broker->offline[i].partition == number && !strcmp(broker->offline[i].topic, topic))
            return &broker->offline[i];
    return NULL;
}

bool broker_replica_offline(const struct broker *broker, const char *topic, int32_t number) { return find_offline(broker, topic, number) != NULL; }

void broker_set_offline(struct broker *broker, const struct image_topic *topic, int32_t number)
{
    if (!find_offline(broker, topic->name, number))
        ARRAY_ADD(broker->offline, broker->offline_count, broker->offline_capacity) = (struct offline_replica){ mem_text(topic->name), topic->id, number };
}

void broker_forget_offline(struct broker *broker, const char *topic, int32_t number)
{
    for (size_t i = broker->offline_count; i-- > 0;)
        if (!topic || (!strcmp(broker->offline[i].topic, topic) && (number < 0 || broker->offline[i].partition == number))) {
            mem_free(broker->offline[i].topic);
            broker->offline[i] = broker->offline[--broker->offline_count];
        }
}

enum err broker_no_replica(const struct broker *broker, const char *topic, int32_t number)
{
    if (broker_replica_offline(broker, topic, number))
        return ERR_KAFKA_STORAGE_ERROR;
    return image_partition(broker->image, topic, number) ? ERR_NOT_LEADER_OR_FOLLOWER : ERR_UNKNOWN_TOPIC_OR_PARTITION;
}

/* ---- which dirs there are still ---- */

bool log_dirs_offline(const struct broker *broker)
{
    for (size_t i = 0; i < broker->dir_count; i++)
        if (broker->dirs[i].offline)
            return true;
    return false;
}

/* The broker lives on without it: another is left, and the metadata lies elsewhere. */
bool log_dir_expendable(const struct log_dir *dir)
{
    const struct broker *broker = dir->broker;

    if (dir == &broker->dirs[0] && !old(broker))
        return false;
    for (size_t i = 0; i < broker->dir_count; i++)
        if (&broker->dirs[i] != dir && !broker->dirs[i].offline)
            return true;
    return false;
}

/* ---- it fails ---- */

static void say(const struct log_dir *dir, size_t replicas)
{
    char *text = mem_printf(replicas == 1 ? "broker %d: its log dir %s failed: %s; %zu replica there is offline" : "broker %d: its log dir %s failed: %s; %zu replicas there are offline",
                            dir->broker->id, dir->name, dir->failure ? dir->failure : "", replicas);

    journal_add(dir->broker->cluster->journal, ENTRY(EVENT_log_dir_failed, .broker = dir->broker->id, .subject = dir->name, .rule = "log.dirs", .text = text,
                                                     .facts = { { "replicas", (int64_t)replicas, NULL } }, .fact_count = 1));
    mem_free(text);
}

void log_dir_go_offline(struct log_dir *dir)
{
    struct broker *broker = dir->broker;
    size_t replicas = 0;

    dir->offline = true;
    for (size_t i = broker->partition_count; i-- > 0;) {
        struct partition *partition = broker->partitions[i];

        if (partition->move && (partition->dir == dir || partition->move->dir == dir))
            log_move_close(partition, false);
        if (partition->dir != dir)
            continue;
        replicas++;
        cleaner_abort(partition);
        partition_stop(partition);
        cluster_drop_log(broker->cluster, partition->log);
        partition->log = NULL;
        broker_set_offline(broker, partition->topic, partition->number);
        partition_unhost(partition);
    }
    cluster_drop_soon(broker->cluster);
    say(dir, replicas);
}

enum err log_dir_do_without(struct log_dir *dir, enum err err, const struct reason *why, struct reason *reason)
{
    if (err != ERR_KAFKA_STORAGE_ERROR || !log_dir_expendable(dir))
        return err ? err_because(err, reason, "%s", why->text) : ERR_OK;
    log_dir_refused(dir, why->text);
    log_dir_go_offline(dir);
    return ERR_OK;
}

static void lose_patience(void *context)
{
    struct log_dir *dir = context;
    struct broker *broker = dir->broker;

    if (!broker_sleeps(broker, &dir->patience_event) && broker->up && !(broker->notice && broker->notice->told[dir - broker->dirs]))
        broker_stop(broker, NULL);
}

static void fails(void *context)
{
    struct log_dir *dir = context;
    struct broker *broker = dir->broker;

    if (!broker->up || dir->offline || broker_sleeps(broker, &dir->failure_event))
        return;
    if (!log_dir_expendable(dir)) {
        say(dir, dir->log_count);
        life_halt(broker, dir->failure);
        return;
    }
    log_dir_go_offline(dir);
    log_dirs_tell(broker);
    if (!old(broker)) {
        dir->patience_event = (struct event){ .run = lose_patience, .context = dir };
        event_after(broker->cluster->queue, &dir->patience_event, broker_setting(broker, "log.dir.failure.timeout.ms") * 1000);
    }
}

/* Inside of whatever the disk refused: it only takes note. One that is starting looks when it has come up, or where it can't go on. */
void log_dir_refused(struct log_dir *dir, const char *what)
{
    struct broker *broker = dir->broker;

    if (dir->failure || dir->offline || (!broker->up && !broker->cluster->opening && broker->state != BROKER_STARTING))
        return;
    dir->failure = life_without_path(broker, what);
    dir->failure_event = (struct event){ .run = fails, .context = dir };
    if (broker->up)
        event_at(broker->cluster->queue, &dir->failure_event, queue_now_us(broker->cluster->queue));
}

void log_dirs_look(struct broker *broker)
{
    for (size_t i = 0; i < broker->dir_count; i++)
        if (broker->dirs[i].failure && !broker->dirs[i].offline && !event_scheduled(&broker->dirs[i].failure_event))
            event_at(broker->cluster->queue, &broker->dirs[i].failure_event, queue_now_us(broker->cluster->queue));
    log_dirs_tell(broker);
}

/* ---- the controller is told ---- */

static bool untold(const struct broker *broker)
{
    for (size_t i = 0; i < broker->dir_count; i++)
        if (broker->dirs[i].offline && !(broker->notice && broker->notice->told[i]))
            return true;
    return false;
}

static void try_again(struct broker *broker)
{
    event_after(broker->cluster->queue, &broker->notice->again, AGAIN_US);
}

static void at_controller(void *context)
{
    struct broker *broker = context;
    struct dir_notice *notice = broker->notice;
    struct cluster *cluster = broker->cluster;
    bool more = false;
    enum err err = ERR_NOT_CONTROLLER;

    if (cluster_broker(cluster, notice->home)->up && !cluster->controller.down && controller_home(cluster) == notice->home)
        err = controller_dirs_offline(cluster, broker, &more, NULL);
    if (!err && more) {
        notice->again.run = at_controller;
        event_at(cluster->queue, &notice->again, queue_now_us(cluster->queue));
        return;
    }
    notice->in_flight = false;
    for (size_t i = 0; !err && i < broker->dir_count; i++)
        notice->told[i] = broker->dirs[i].offline;
    if (err)
        try_again(broker);
}

static void again(void *context)
{
    struct broker *broker = context;

    if (!broker_sleeps(broker, &broker->notice->again))
        log_dirs_tell(broker);
}

void log_dirs_tell(struct broker *broker)
{
    struct dir_notice *notice = broker->notice;

    if (!broker->up || !untold(broker))
        return;
    if (!notice)
        notice = broker->notice = mem_zero(sizeof(*notice));
    if (notice->in_flight || broker->cluster->controller.down) /* log_dirs_controller_back */
        return;
    notice->message.run = at_controller;
    notice->message.context = broker;
    notice->again = (struct event){ .run = again, .context = broker };
    notice->in_flight = true;
    notice->home = controller_home(broker->cluster);
    network_send(broker->cluster, broker->id, notice->home, &notice->message, 64 + 16 * broker->dir_count);
}

/* It may be another, which has not heard of it, or the same, which had not committed it. */
void log_dirs_controller_back(struct broker *broker)
{
    if (!broker->up || !log_dirs_offline(broker))
        return;
    if (broker->notice) {
        network_cancel(&broker->notice->message);
        event_cancel(broker->cluster->queue, &broker->notice->again);
        memset(broker->notice->told, 0, sizeof(broker->notice->told));
        broker->notice->in_flight = false;
    }
    log_dirs_tell(broker);
}

/* ---- coming and going ---- */

void log_dirs_stop(struct broker *broker)
{
    broker_forget_offline(broker, NULL, -1);
    for (size_t i = 0; i < broker->dir_count; i++) {
        event_cancel(broker->cluster->queue, &broker->dirs[i].failure_event);
        event_cancel(broker->cluster->queue, &broker->dirs[i].patience_event);
    }
    if (!broker->notice)
        return;
    network_cancel(&broker->notice->message);
    event_cancel(broker->cluster->queue, &broker->notice->again);
    mem_free(broker->notice);
    broker->notice = NULL;
}

void log_dirs_try_all(struct broker *broker)
{
    for (size_t i = 0; i < broker->dir_count; i++) {
        broker->dirs[i].refused = broker->dirs[i].offline = false;
        mem_free(broker->dirs[i].failure);
        broker->dirs[i].failure = NULL;
    }
}

bool log_dir_online(const struct log_dir *dir) { return !dir->offline; }
const char *log_dir_failure(const struct log_dir *dir) { return dir->offline ? dir->failure : NULL; }
