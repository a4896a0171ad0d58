/* The cluster as a whole: made or reopened, asked, ended. */
#include "sim/cluster/cluster.h"

#include <assert.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/cluster/cluster_internal.h"

/* ---- asking ---- */

struct queue *cluster_queue(const struct cluster *cluster)
{
    return cluster->queue;
}

struct journal *cluster_journal(const struct cluster *cluster)
{
    return cluster->journal;
}

struct random *cluster_random(const struct cluster *cluster)
{
    return (struct random *)&cluster->random;
}

enum release cluster_release(const struct cluster *cluster)
{
    return cluster->release;
}

const struct image *cluster_image(const struct cluster *cluster)
{
    return cluster->controller.image;
}

size_t cluster_broker_count(const struct cluster *cluster)
{
    return cluster->broker_count;
}

struct broker *cluster_broker_at(const struct cluster *cluster, size_t i)
{
    return i < cluster->broker_count ? cluster->brokers[i] : NULL;
}

struct broker *cluster_broker(const struct cluster *cluster, int32_t id)
{
    int64_t i = (int64_t)id - cluster->brokers[0]->id;

    if (cluster->inspection) /* of the others nothing is there: whatever is asked about them, this one's folders answer */
        return cluster->brokers[0];
    if (i >= 0 && i < (int64_t)cluster->broker_count && cluster->brokers[i]->id == id)
        return cluster->brokers[i];
    for (size_t k = 0; k < cluster->broker_count; k++) /* one that was added may have any id */
        if (cluster->brokers[k]->id == id)
            return cluster->brokers[k];
    return NULL;
}

int32_t broker_id(const struct broker *broker)
{
    return broker->id;
}

int32_t broker_port(const struct broker *broker)
{
    return broker->port;
}

bool broker_up(const struct broker *broker)
{
    return broker->up;
}

struct cluster *broker_cluster(const struct broker *broker)
{
    return broker->cluster;
}

const struct image *broker_image(const struct broker *broker)
{
    return broker->image;
}

int64_t broker_started_us(const struct broker *broker)
{
    return broker->started_us;
}

/* The system chose a port: the broker registers anew, under the same epoch, and all learn of it at once. */
void broker_set_port(struct broker *broker, int32_t port)
{
    struct cluster *cluster = broker->cluster;

    if (broker->port == port)
        return;
    broker->port = port;
    if (!broker->up)
        return;
    cluster->opening = true;
    controller_register(cluster, broker, false, NULL);
    for (size_t i = 0; i < cluster->broker_count; i++)
        broker_catch_up(cluster->brokers[i]);
    cluster->opening = false;
}

/* ---- opening ---- */

static char *controller_dir(const struct cluster *cluster)
{
    if (release_is_27(cluster->release))
        return mem_printf("%s/controller", cluster->dir);
    return mem_text(broker_log_dir(cluster->brokers[0]));
}

/* Each folder says whose it is; all of one cluster say the same cluster. */
static enum err identify(struct cluster *cluster, struct log_dir *dir, char cluster_id[UUID_TEXT], struct reason *reason)
{
    struct meta_properties meta = { 0 };
    char *path = mem_printf("%s/meta.properties", dir->path);
    bool there = fs_exists(cluster->fs, path);
    enum err err = ERR_OK;

    mem_free(path);
    if (there) {
        err = meta_properties_read(cluster->fs, dir->path, &meta, reason);
        if (err)
            return err;
        if (meta.node_id != dir->broker->id)
            return err_because(ERR_INCONSISTENT_CLUSTER_ID, reason, "%s belongs to broker %d, not to broker %d", dir->path,
                               meta.node_id, dir->broker->id);
        if (!*cluster_id)
            memcpy(cluster_id, meta.cluster_id, UUID_TEXT);
        if (strcmp(cluster_id, meta.cluster_id) != 0)
            return err_because(ERR_INCONSISTENT_CLUSTER_ID, reason, "%s belongs to cluster %s, not to cluster %s", dir->path,
                               meta.cluster_id, cluster_id);
        if (*meta.directory_id)
            uuid_parse(meta.directory_id, &dir->id);
        return ERR_OK;
    }
    if (!*cluster_id)
        uuid_text(uuid_random(&cluster->random), cluster_id);
    dir->id = uuid_random(&cluster->random);
    meta.node_id = dir->broker->id;
    memcpy(meta.cluster_id, cluster_id, UUID_TEXT);
    uuid_text(dir->id, meta.directory_id);
    err = meta_properties_write(cluster->fs, dir->path, cluster->release, queue_now_us(cluster->queue), &meta, reason);
    if (!err && !release_is_27(cluster->release))
        err = raft_write_bootstrap(cluster, dir->path, reason);
    return err;
}

enum err cluster_identify(struct cluster *cluster, struct broker *broker, char cluster_id[UUID_TEXT], struct reason *reason)
{
    enum err err = ERR_OK;

    for (size_t i = 0; !err && i < broker->dir_count; i++) {
        struct reason why = { "" };

        if (!broker->dirs[i].offline)
            err = log_dir_do_without(&broker->dirs[i], identify(cluster, &broker->dirs[i], cluster_id, &why), &why, reason);
    }
    return err;
}

/* Copies what a broker's own log of metadata lacks from the controller's. */
enum err cluster_copy_metadata(struct cluster *cluster, struct broker *broker, struct reason *reason)
{
    struct config_layers layers = broker_layers(broker, NULL);
    struct log_cursor cursor;
    struct batch batch;
    enum err err = metadata_log_open(&broker->metadata, &broker->env, broker_log_dir(broker), &layers, broker->dirs[0].clean, 0,
                                     queue_now_ms(cluster->queue), reason);

    if (err)
        return err;
    if (log_end_offset(broker->metadata.log) > log_end_offset(cluster->controller.log->log))
        err = log_truncate_to(broker->metadata.log, log_end_offset(cluster->controller.log->log), queue_now_ms(cluster->queue), reason);
    if (err || log_end_offset(broker->metadata.log) == log_end_offset(cluster->controller.log->log))
        return err;
    log_cursor_init(&cursor, cluster->controller.log->log, log_end_offset(broker->metadata.log), false);
    while (!err && log_cursor_next(&cursor, &batch))
        err = metadata_log_append(&broker->metadata, batch.bytes, batch.leader_epoch, queue_now_ms(cluster->queue), reason);
    log_cursor_done(&cursor);
    return err;
}

enum err cluster_open_controller(struct cluster *cluster, struct reason *reason)
{
    struct config_layers layers = { .static_broker = &cluster->brokers[0]->settings, .release = cluster->release };
    char *dir = controller_dir(cluster);
    bool clean = cluster->brokers[0]->dirs[0].clean;
    enum err err = fs_mkdir(cluster->fs, dir, reason);

    if (!err && release_is_27(cluster->release))
        clean = clean_marker_take(cluster->fs, dir);
    if (!err)
        err = controller_open(cluster, &layers, dir, clean, 0, reason);
    mem_free(dir);
    return err;
}

static enum err start_brokers(struct cluster *cluster, bool fresh, struct reason *reason)
{
    enum err err = ERR_OK;

    for (size_t i = 0; !err && i < cluster->broker_count; i++)
        err = controller_register(cluster, cluster->brokers[i], true, reason);
    for (size_t i = 0; !err && i < cluster->broker_count; i++)
        err = controller_unfence(cluster, cluster->brokers[i], reason);
    if (!err && !fresh)
        err = controller_elect_after_restart(cluster, reason);
    for (size_t i = 0; !err && i < cluster->broker_count; i++) {
        struct broker *broker = cluster->brokers[i];

        if (i && !release_is_27(cluster->release) && !quorum_votes(broker))
            err = cluster_copy_metadata(cluster, broker, reason);
        broker->image = image_copy(cluster->controller.image);
        broker->started_us = queue_now_us(cluster->queue);
        broker->groups = groups_new(broker);
        broker->up = true;
        broker->state = BROKER_UP;
        broker->controller_epoch = cluster->controller.epoch;
        broker->metadata_parked = true;
        broker->metadata_parked_us = broker->started_us;
        if (!err)
            err = broker_host_all(broker, reason);
    }
    for (size_t i = 0; !err && i < cluster->broker_count; i++) {
        struct broker *broker = cluster->brokers[i];

        broker_start_tasks(broker);
        for (size_t p = 0; p < broker->partition_count; p++)
            partition_reconcile(broker->partitions[p]);
        for (size_t p = 0; p < broker->partition_count; p++)
            assignment_check(broker->partitions[p]);
        broker_catch_up(broker);
        log_moves_start(broker);
        log_dirs_look(broker);
        life_say_up(broker);
    }
    return err;
}

static enum err open_all(struct cluster *cluster, const struct cluster_options *options, struct reason *reason)
{
    char cluster_id[UUID_TEXT] = "";
    bool fresh = false;
    enum err err = ERR_OK;

    for (size_t i = 0; !err && i < (size_t)options->broker_count; i++) {
        err = broker_new(&cluster->brokers[i], cluster, i, options, reason);
        cluster->broker_count = i + 1;
        if (!err)
            err = broker_load(cluster->brokers[i], reason);
        if (!err)
            err = cluster_identify(cluster, cluster->brokers[i], cluster_id, reason);
    }
    if (!err && cluster->controllers > 1) {
        quorum_new(cluster, cluster->controllers);
        err = quorum_open(cluster, &fresh, reason);
    } else if (!err) {
        err = cluster_open_controller(cluster, reason);
    }
    if (err)
        return err;
    fresh = cluster->quorum ? fresh : log_end_offset(cluster->controller.log->log) == 0;
    image_set_cluster_id(cluster->controller.image, cluster_id);
    image_set_controller(cluster->controller.image, controller_home(cluster));
    if (fresh)
        err = controller_bootstrap(cluster, reason);
    else if (release_is_27(cluster->release))
        controller_begin_epoch(cluster);
    return err ? err : start_brokers(cluster, fresh, reason);
}

enum err cluster_open(struct cluster **out, const struct cluster_options *options, struct reason *reason)
{
    struct cluster *cluster = mem_zero(sizeof(*cluster));
    enum err err;

    *out = NULL;
    assert(options->broker_count > 0 && options->broker_count <= MOST_BROKERS && options->controllers <= options->broker_count);
    cluster->release = options->release;
    cluster->controller.log = &cluster->controller.own;
    cluster->queue = options->queue;
    cluster->random = random_fork(options->random, "cluster");
    cluster->network = network_new(cluster);
    fetchers_watch_network(cluster);
    cluster->links = (struct network_watch){ .changed = metadata_links_changed, .context = cluster };
    network_watch(cluster, &cluster->links);
    cluster->controllers = release_is_27(options->release) || options->controllers < 1 ? 1 : options->controllers;
    cluster->journal = options->journal;
    cluster->fs = options->fs;
    cluster->loaded = options->loaded;
    cluster->loaded_context = options->loaded_context;
    cluster->dir = mem_text(options->dir ? options->dir : options->log_dir);
    cluster->host = mem_text(options->host ? options->host : "localhost");
    cluster->brokers = mem_zero_array((size_t)options->broker_count, sizeof(*cluster->brokers));
    cluster->opening = true;
    err = open_all(cluster, options, reason);
    for (size_t i = 0; !err && i < cluster->broker_count; i++)
        broker_catch_up(cluster->brokers[i]);
    cluster->opening = false;
    session_watch_network(cluster);
    if (!err)
        err = controller_resume_deletions(cluster, reason);
    if (!err)
        elections_begin(cluster);
    for (size_t i = 0; i < cluster->broker_count; i++)
        for (size_t d = 0; cluster->brokers[i] && d < cluster->brokers[i]->dir_count; d++)
            if (cluster->brokers[i]->dirs[d].disk)
                disk_flush_all(cluster->brokers[i]->dirs[d].disk);
    if (err)
        cluster_drop(cluster);
    else
        *out = cluster;
    return err;
}

enum err cluster_add_broker(struct cluster *cluster, const struct cluster_options *options, struct broker **out, struct reason *reason)
{
    size_t index = cluster->broker_count, count = index + 1;
    struct broker *broker = NULL;
    enum err err = cluster_refuse_change(cluster, reason);

    *out = NULL;
    if (err)
        return err;
    assert((size_t)options->broker_count == count && count <= MOST_BROKERS);
    err = broker_new(&broker, cluster, index, options, reason);
    if (err) {
        broker_free(broker);
        return err;
    }
    cluster->brokers = mem_resize(cluster->brokers, count * sizeof(*cluster->brokers));
    cluster->brokers[index] = *out = broker;
    cluster->broker_count = count;
    for (size_t i = 0; i < index; i++) {
        cluster->brokers[i]->fetchers = mem_resize(cluster->brokers[i]->fetchers, count * sizeof(*cluster->brokers[i]->fetchers));
        cluster->brokers[i]->fetchers[index] = NULL;
    }
    return ERR_OK;
}

/* ---- logs of brokers that were killed ---- */

enum { DROP_SLICE = 64 };

static void drop_some(void *context)
{
    struct cluster *cluster = context;

    for (int i = 0; i < DROP_SLICE && cluster->dropped_count; i++)
        log_drop(cluster->dropped[--cluster->dropped_count]);
    if (cluster->dropped_count)
        event_at(cluster->queue, &cluster->bury_event, queue_now_us(cluster->queue));
}

void cluster_drop_log(struct cluster *cluster, struct log *log)
{
    ARRAY_ADD(cluster->dropped, cluster->dropped_count, cluster->dropped_capacity) = log;
}

void cluster_drop_soon(struct cluster *cluster)
{
    cluster->bury_event.run = drop_some;
    cluster->bury_event.context = cluster;
    if (!event_scheduled(&cluster->bury_event))
        drop_some(cluster);
}

void cluster_drop_now(struct cluster *cluster)
{
    event_cancel(cluster->queue, &cluster->bury_event);
    while (cluster->dropped_count)
        log_drop(cluster->dropped[--cluster->dropped_count]);
}

/* ---- the end ---- */

static void free_all(struct cluster *cluster)
{
    cluster_drop_now(cluster);
    old_requests_forget(cluster, NULL);
    mem_free(cluster->dropped);
    for (size_t i = 0; i < cluster->broker_count; i++)
        if (cluster->brokers[i] && cluster->brokers[i]->fetchers)
            broker_free_fetchers(cluster->brokers[i]);
    for (size_t i = 0; i < cluster->broker_count; i++)
        broker_free(cluster->brokers[i]);
    mem_free(cluster->brokers);
    mem_free(cluster->dir);
    mem_free(cluster->host);
    buffer_done(&cluster->scratch);
    inspection_free(cluster->inspection);
    quorum_free(cluster);
    network_free(cluster->network);
    mem_free(cluster);
}

void cluster_close(struct cluster *cluster)
{
    bool *were_up;
    char *dir;

    if (!cluster)
        return;
    dir = controller_dir(cluster);
    network_unwatch(cluster, &cluster->links);
    were_up = mem_zero_array(cluster->broker_count, sizeof(*were_up));
    for (size_t i = 0; i < cluster->broker_count; i++) {
        life_finish(cluster->brokers[i]);
        if (!cluster->brokers[i]->up)
            broker_drop(cluster->brokers[i]); /* one that was starting: as killed */
        were_up[i] = cluster->brokers[i]->up;
    }
    for (size_t i = 0; i < cluster->broker_count; i++)
        if (cluster->brokers[i]->up)
            broker_catch_up(cluster->brokers[i]);
    quorum_close(cluster);
    for (size_t i = cluster->broker_count; i-- > 0;)
        broker_stop_clean(cluster->brokers[i]);
    controller_close(cluster, true);
    for (size_t i = 0; i < cluster->broker_count; i++) /* a killed one has no such marker: its logs are recovered */
        if (were_up[i])
            log_dirs_mark_clean(cluster->brokers[i]);
    if (release_is_27(cluster->release))
        clean_marker_write(cluster->fs, dir, cluster->release, 0, NULL);
    mem_free(were_up);
    mem_free(dir);
    free_all(cluster);
}

void cluster_drop(struct cluster *cluster)
{
    if (!cluster)
        return;
    network_unwatch(cluster, &cluster->links);
    quorum_close(cluster);
    for (size_t i = 0; i < cluster->broker_count; i++)
        broker_drop(cluster->brokers[i]);
    controller_close(cluster, false);
    free_all(cluster);
}
