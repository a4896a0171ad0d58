/* A broker: its folder, its settings, its logs. The tasks that come around are in broker_tasks.c. Kafka's LogManager, ReplicaManager. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/cluster/cluster_internal.h"

/* ---- settings ---- */

static void set_text(struct config_map *map, const char *name, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void set_text(struct config_map *map, const char *name, const char *format, ...)
{
    va_list args;
    char *value;

    va_start(args, format);
    value = mem_vprintf(format, args);
    va_end(args);
    config_map_set(map, name, value);
    mem_free(value);
}

/* Nobody listens there: it stands in what brokers say of themselves, and in the quorum's files. */
static int32_t controller_port(int32_t port)
{
    return port > 55535 ? port - 10000 : port + 10000;
}

int32_t broker_controller_port(const struct broker *broker)
{
    return controller_port(broker->port);
}

/* All brokers have the same settings but for what is each one's own; broker.rack may name one for each: a,b,c. It goes around. */
static void set_rack(struct broker *broker)
{
    const char *all = config_map_get(&broker->settings, "broker.rack"), *at = all;
    size_t count = 1, size;

    for (; at && *at; at++)
        count += *at == ',';
    if (!all || count == 1)
        return;
    at = all;
    for (size_t i = broker->index % count; i--;)
        at = strchr(at, ',') + 1;
    size = strcspn(at, ",");
    set_text(&broker->settings, "broker.rack", "%.*s", (int)size, at);
}

/* What a broker's server.properties says beside what all have. */
static void set_own_settings(struct broker *broker, const struct cluster_options *options)
{
    struct cluster *cluster = broker->cluster;
    struct config_map *map = &broker->settings;
    bool votes = (int32_t)broker->index < cluster->controllers;
    struct text servers = { 0 };
    char *log_dirs = log_dirs_setting(broker);

    set_rack(broker);
    set_text(map, "broker.id", "%d", broker->id);
    set_text(map, "log.dirs", "%s", log_dirs);
    mem_free(log_dirs);
    if (release_is_27(cluster->release)) {
        set_text(map, "listeners", "PLAINTEXT://127.0.0.1:%d", broker->port);
        set_text(map, "advertised.listeners", "PLAINTEXT://%s:%d", cluster->host, broker->port);
        if (!config_map_get(map, "zookeeper.connect"))
            set_text(map, "zookeeper.connect", "127.0.0.1:%d", broker_controller_port(cluster->brokers[0]));
        if (!config_map_get(map, "zookeeper.connection.timeout.ms"))
            set_text(map, "zookeeper.connection.timeout.ms", "18000");
        return;
    }
    set_text(map, "node.id", "%d", broker->id);
    set_text(map, "process.roles", votes ? "broker,controller" : "broker");
    if (!votes) {
        set_text(map, "listeners", "PLAINTEXT://127.0.0.1:%d", broker->port);
        set_text(map, "advertised.listeners", "PLAINTEXT://%s:%d", cluster->host, broker->port);
    } else {
        set_text(map, "listeners", "PLAINTEXT://127.0.0.1:%d,CONTROLLER://localhost:%d", broker->port, broker_controller_port(broker));
        set_text(map, "advertised.listeners", "PLAINTEXT://%s:%d,CONTROLLER://localhost:%d", cluster->host, broker->port, broker_controller_port(broker));
    }
    for (int32_t i = 0; i < cluster->controllers; i++)
        text_printf(&servers, "%slocalhost:%d", i ? "," : "", controller_port(options->ports ? options->ports[i] : broker->port));
    set_text(map, "controller.quorum.bootstrap.servers", "%s", text_chars(&servers));
    text_done(&servers);
    set_text(map, "controller.listener.names", "CONTROLLER");
    set_text(map, "inter.broker.listener.name", "PLAINTEXT");
}

struct config_layers broker_layers(const struct broker *broker, const struct config_map *topic)
{
    struct config_layers layers = { .topic = topic, .static_broker = &broker->settings, .release = broker->cluster->release };
    char id[16];

    if (broker->image) {
        snprintf(id, sizeof(id), "%d", broker->id);
        layers.dynamic_broker = image_config(broker->image, CONFIG_BROKER, id);
        layers.dynamic_default = image_config(broker->image, CONFIG_BROKER, "");
    }
    return layers;
}

struct config_layers broker_config(const struct broker *broker)
{
    return broker_layers(broker, NULL);
}

struct config_layers broker_topic_config(const struct broker *broker, const char *topic)
{
    return broker_layers(broker, broker->image ? image_config(broker->image, CONFIG_TOPIC, topic) : NULL);
}

int64_t broker_setting(const struct broker *broker, const char *key)
{
    struct config_layers layers = broker_config(broker);

    return config_long(&layers, key);
}

static void read_settings(const struct broker *broker, struct topic_settings *settings)
{
    struct config_layers layers = broker_topic_config(broker, settings->name);

    config_of_log(&layers, &settings->config);
    settings->min_insync_replicas = config_long(&layers, "min.insync.replicas");
    replication_quota_topic(settings, &layers);
}

static const char *settings_name(const void *array, size_t i)
{
    struct topic_settings *const *topics = array;

    return topics[i]->name;
}

static size_t settings_place(const struct broker *broker, const char *topic, bool *found)
{
    return text_place(topic, broker->topics, broker->topic_count, settings_name, found);
}

struct topic_settings *broker_topic_settings(const struct broker *broker, const char *topic)
{
    bool found;
    size_t place = settings_place(broker, topic, &found);

    return found ? broker->topics[place] : NULL;
}

struct topic_settings *broker_take_settings(struct broker *broker, const char *topic)
{
    bool found;
    size_t place = settings_place(broker, topic, &found), size = strlen(topic) + 1;
    struct topic_settings *settings;

    if (!found) {
        settings = mem_zero(sizeof(*settings) + size);
        memcpy(settings->name, topic, size);
        read_settings(broker, settings);
        broker->topics = mem_grow(broker->topics, broker->topic_count, &broker->topic_capacity, sizeof(*broker->topics));
        memmove(&broker->topics[place + 1], &broker->topics[place], (broker->topic_count++ - place) * sizeof(*broker->topics));
        broker->topics[place] = settings;
    }
    broker->topics[place]->users++;
    return broker->topics[place];
}

void broker_give_settings(struct broker *broker, struct topic_settings *settings)
{
    bool found;
    size_t place;

    if (--settings->users)
        return;
    place = settings_place(broker, settings->name, &found);
    assert(found);
    memmove(&broker->topics[place], &broker->topics[place + 1], (--broker->topic_count - place) * sizeof(*broker->topics));
    mem_free(settings->meters);
    replication_quota_forget(settings);
    mem_free(settings);
}

static void settings_changed(struct broker *broker, const char *topic)
{
    for (size_t i = 0; i < broker->partition_count; i++) {
        struct partition *partition = broker->partitions[i];

        if (topic && strcmp(partition->topic->name, topic) != 0)
            continue;
        partition->retention_at_ms = partition->cleaning_at_ms = INT64_MAX;
        partition->cleaner_base = -1;
        if (!partition->settings->config.cleanup_compact)
            cleaner_abort(partition);
        broker_note_retention(broker, partition);
        partition_advance(partition); /* min.insync.replicas may have been what held it */
    }
}

void broker_topic_changed(struct broker *broker, const char *topic)
{
    bool found;
    size_t place = settings_place(broker, topic, &found);

    if (!found)
        return;
    read_settings(broker, broker->topics[place]);
    settings_changed(broker, topic);
}

void broker_settings_changed(struct broker *broker)
{
    for (size_t i = 0; i < broker->topic_count; i++)
        read_settings(broker, broker->topics[i]);
    cleaner_settings_changed(broker);
    log_moves_settings_changed(broker);
    settings_changed(broker, NULL);
}

/* ---- the folder ---- */

enum err broker_new(struct broker **out, struct cluster *cluster, size_t index, const struct cluster_options *options, struct reason *reason)
{
    struct broker *broker = mem_zero(sizeof(*broker));

    *out = broker;
    broker->cluster = cluster;
    broker->index = index;
    broker->id = options->first_broker_id + (int32_t)index;
    broker->port = options->ports ? options->ports[index] : 9092 + (int32_t)index;
    broker->epoch = -1;
    config_map_copy(&broker->settings, options->settings);
    if (options->own)
        options->own(options->own_context, index, &broker->id, &broker->settings);
    log_dirs_init(broker, options);
    broker->fetchers = mem_zero_array((size_t)options->broker_count, sizeof(*broker->fetchers));
    broker->env = (struct log_env){
        .fs = cluster->fs, .journal = cluster->journal, .random = &cluster->random, .release = cluster->release, .broker = broker->id,
        .scratch = &cluster->scratch,
    };
    broker->copy_env = broker->env;
    broker->copy_env.journal = NULL;
    broker_init_tasks(broker);
    life_init(broker);
    set_own_settings(broker, options);
    for (size_t i = 0; i < index; i++)
        if (cluster->brokers[i]->id == broker->id)
            return err_because(ERR_INVALID_CONFIG, reason, "there are two brokers of id %d", broker->id);
    return log_dirs_make(broker, reason);
}

void broker_free_fetchers(struct broker *broker)
{
    for (size_t i = 0; i < broker->cluster->broker_count; i++) {
        fetcher_free(broker->fetchers[i]);
        broker->fetchers[i] = NULL;
    }
    replication_quotas_done(broker);
}

static void forget_doomed(struct broker *broker)
{
    for (size_t i = 0; i < broker->doomed_count; i++)
        mem_free(broker->doomed[i].path);
    broker->doomed_count = 0;
}

void broker_free(struct broker *broker)
{
    if (!broker)
        return;
    broker_cancel_tasks(broker);
    life_done(broker);
    forget_doomed(broker);
    config_map_done(&broker->settings);
    config_map_done(&broker->loggers);
    mem_free(broker->offline);
    image_free(broker->image);
    mem_free(broker->doomed);
    mem_free(broker->fetchers);
    mem_free(broker->partitions);
    mem_free(broker->hash);
    mem_free(broker->topics);
    log_dirs_done(broker);
    mem_free(broker);
}

/* The moments of an earlier life are over: what is noted while logs load waits for those that broker_start_tasks works out. */
static void forget_ticks(struct broker *broker)
{
    struct ticker *tickers[] = { &broker->retention, &broker->recovery_tick, &broker->start_tick, &broker->high_watermark_tick, &broker->producer_tick,
                                  &broker->isr_tick, &broker->isr_send_tick };

    for (size_t i = 0; i < sizeof(tickers) / sizeof(*tickers); i++) {
        event_cancel(broker->cluster->queue, &tickers[i]->event);
        tickers[i]->interval_us = 0;
    }
}

enum err broker_load(struct broker *broker, struct reason *reason)
{
    forget_ticks(broker);
    return log_dirs_load(broker, reason);
}

/* Nothing of a topic of 2.7 that is being deleted is made again. */
static bool was_removed(const struct broker *broker, const struct image_topic *topic, int32_t number)
{
    return topic->deleting && !log_dirs_find(broker, topic->name, number);
}

static bool has_replica(const struct broker *broker, const char *topic, int32_t number)
{
    const struct image_partition *partition = image_partition(broker->image, topic, number);

    for (int16_t i = 0; partition && i < partition->replica_count; i++)
        if (partition->replicas[i] == broker->id)
            return true;
    return false;
}

/* A folder whose partition is not in the metadata: 4.x puts it aside. */
void log_dir_put_aside(struct log_dir *dir, const char *name)
{
    struct broker *broker = dir->broker;
    char *from = mem_printf("%s/%s", dir->path, name);
    char *to = mem_printf("%s/%.190s.%016" PRIx64 "%016" PRIx64 "-stray", dir->path, name, random_u64(&broker->cluster->random),
                          random_u64(&broker->cluster->random));

    fs_rename(broker->cluster->fs, from, to, NULL);
    mem_free(from);
    mem_free(to);
}

/* It is of a topic of that name that was deleted while the broker was away. */
static bool of_another_topic(const struct log_dir *dir, const char *name, const char *topic)
{
    const struct broker *broker = dir->broker;
    char *path = mem_printf("%s/%s", dir->path, name);
    struct uuid id;
    bool other = !partition_metadata_read(broker->cluster->fs, path, &id, NULL) && !uuid_is_zero(id) &&
                 !uuid_equal(id, image_topic(broker->image, topic)->id);

    mem_free(path);
    return other;
}

bool log_dir_is_stray(const struct log_dir *dir, const char *folder, const char *topic, int32_t number)
{
    return !has_replica(dir->broker, topic, number) || of_another_topic(dir, folder, topic);
}

/* A power-off in the middle of a move may leave two: which is the right one, Kafka leaves to people. */
static enum err check_single(const struct log_dir *dir, const char *name, struct reason *reason)
{
    const struct broker *broker = dir->broker;

    for (const struct log_dir *other = broker->dirs; other < dir; other++) {
        char *path = mem_printf("%s/%s", other->path, name);
        bool twice = !other->offline && fs_exists(broker->cluster->fs, path);

        mem_free(path);
        if (twice)
            return err_because(ERR_KAFKA_STORAGE_ERROR, reason,
                               "Duplicate log directories for %s are found in both %s/%s and %s/%s. It is likely because log directory failure happened while broker was "
                               "replacing current replica with future replica. Recover broker from this failure by manually deleting one of the two directories "
                               "for this partition. It is recommended to delete the partition in the log directory that is known to have failed recently.",
                               name, dir->path, name, other->path, name);
    }
    return ERR_OK;
}

static enum err look_at_folder(struct log_dir *dir, const char *name, struct reason *reason)
{
    struct broker *broker = dir->broker;
    const char *dash = strrchr(name, '-');
    char topic[256];
    int32_t number;

    if (log_moves_found(dir, name))
        return ERR_OK;
    if (text_ends(name, "-delete")) {
        broker_doom(broker, mem_printf("%s/%s", dir->path, name));
        return ERR_OK;
    }
    if (!dash || dash == name || (size_t)(dash - name) >= sizeof(topic) || !parse_i32(dash + 1, &number) || number < 0)
        return ERR_OK;
    snprintf(topic, sizeof(topic), "%.*s", (int)(dash - name), name);
    if (strcmp(topic, "__cluster_metadata") == 0)
        return ERR_OK;
    if (release_is_27(broker->cluster->release))
        return check_single(dir, name, reason);
    if (log_dir_is_stray(dir, name, topic, number))
        log_dir_put_aside(dir, name);
    else
        return check_single(dir, name, reason);
    return ERR_OK;
}

/* All, or those of one broker. */
static size_t count_replicas(const struct image *image, int32_t broker)
{
    size_t count = 0;

    for (size_t t = 0; t < image_topic_count(image); t++)
        for (int32_t p = 0; p < image_topic_at(image, t)->partition_count; p++) {
            const struct image_partition *partition = &image_topic_at(image, t)->partitions[p];

            for (int16_t i = 0; i < partition->replica_count; i++)
                count += broker < 0 || partition->replicas[i] == broker;
        }
    return count;
}

static void tell_loaded(struct broker *broker)
{
    struct cluster *cluster = broker->cluster;

    broker->logs_done++;
    if (!cluster->opening || !cluster->loaded)
        return;
    if (!cluster->loaded_count++)
        cluster->loaded_total = count_replicas(cluster->controller.image, -1);
    cluster->loaded(cluster->loaded_context, cluster->loaded_count, cluster->loaded_total);
}

static enum err look_at_folders(struct log_dir *dir, struct reason *reason)
{
    struct fs_names names = { 0 };
    enum err err = fs_list(dir->broker->cluster->fs, dir->path, &names, reason);

    for (size_t i = 0; !err && i < names.count; i++) {
        err = look_at_folder(dir, names.names[i], reason);
        if (!err && !life_breathe(dir->broker, COST_OF_NAME))
            err = ERR_BROKER_NOT_AVAILABLE;
    }
    fs_names_free(&names);
    return err;
}

/* A log dir that can't be read takes its replicas along, and not the broker. */
static enum err host(struct broker *broker, const struct image_topic *topic, int32_t number, struct reason *reason)
{
    enum err err = partition_host(broker, topic, number, reason);

    for (size_t i = 0; err && i < broker->dir_count; i++) {
        struct log_dir *dir = &broker->dirs[i];

        if (!dir->failure || dir->offline || !log_dir_expendable(dir))
            continue;
        broker_set_offline(broker, topic, number);
        log_dir_go_offline(dir);
        err = ERR_OK;
    }
    return err;
}

enum err broker_host_all(struct broker *broker, struct reason *reason)
{
    enum err err = ERR_OK;

    broker->logs_done = 0;
    broker->logs_total = count_replicas(broker->image, broker->id);
    for (size_t i = 0; !err && i < broker->dir_count; i++)
        err = broker->dirs[i].offline ? ERR_OK : look_at_folders(&broker->dirs[i], reason);
    if (!err)
        err = log_moves_promote(broker, reason);
    for (size_t t = 0; !err && t < image_topic_count(broker->image); t++) {
        const struct image_topic *topic = image_topic_at(broker->image, t);

        for (int32_t p = 0; !err && p < topic->partition_count; p++) {
            if (!has_replica(broker, topic->name, p) || was_removed(broker, topic, p))
                continue;
            err = host(broker, topic, p, reason);
            tell_loaded(broker);
            if (!err && !life_breathe(broker, COST_OF_LOG))
                err = ERR_BROKER_NOT_AVAILABLE;
        }
    }
    if (!err)
        err = log_moves_resume(broker, reason);
    log_dirs_forget_checkpoints(broker);
    broker->clean = true; /* what is made from now on is whole */
    for (size_t i = 0; i < broker->dir_count; i++)
        broker->dirs[i].clean = true;
    return err;
}

/* ---- the end ---- */

static void stop_roles(struct broker *broker)
{
    broker_cancel_tasks(broker);
    life_cancel(broker);
    config_map_done(&broker->loggers);
    broker->up = broker->held = false;
    broker->state = BROKER_DOWN;
    broker->retention_cursor = broker->producer_cursor = 0;
    broker->recovery_dirty = broker->starts_dirty = broker->high_watermarks_dirty = false;
    broker->producer_id_next = broker->producer_id_end = 0;
    broker->image_waits = NULL; /* those who waited are gone */
    forget_doomed(broker);
    for (size_t i = 0; i < broker->partition_count; i++)
        partition_stop(broker->partitions[i]);
    isr_stop(broker);
    assignments_stop(broker);
    log_dirs_stop(broker);
    groups_free(broker->groups);
    broker->groups = NULL;
}

static void unhost_all(struct broker *broker)
{
    while (broker->partition_count)
        partition_unhost(broker->partitions[broker->partition_count - 1]);
    metrics_forget(broker);
}

bool broker_stop_clean(struct broker *broker)
{
    char text[64];
    struct cluster *cluster = broker->cluster;
    int64_t now_ms = broker_now_ms(broker);

    if (!broker->up)
        return true;
    cleaner_stop(broker, true);
    stop_roles(broker);
    broker->state = BROKER_STOPPING;
    for (size_t i = 0; i < broker->partition_count; i++) {
        log_flush(broker->partitions[i]->log, NULL);
        if (broker->partitions[i]->move)
            log_flush(broker->partitions[i]->move->log, NULL);
        if (!life_breathe(broker, COST_OF_LOG))
            return false;
    }
    for (enum checkpoint_kind kind = RECOVERY_POINTS; kind <= HIGH_WATERMARKS; kind++) {
        broker_write_checkpoint(broker, kind);
        if (!life_breathe(broker, (int64_t)broker->partition_count * COST_OF_LINE))
            return false;
    }
    while (broker->partition_count) {
        struct partition *partition = broker->partitions[broker->partition_count - 1];

        log_close(partition->log, now_ms);
        partition->log = NULL;
        log_move_close(partition, true);
        partition_unhost(partition);
        if (!life_breathe(broker, COST_OF_LOG))
            return false;
    }
    broker->state = BROKER_DOWN;
    log_moves_done(broker);
    metadata_log_close(&broker->metadata, now_ms);
    if (!release_is_27(cluster->release)) { /* 4.x takes its .lock away */
        for (size_t i = 0; i < broker->dir_count; i++) {
            char *lock = mem_printf("%s/.lock", broker->dirs[i].path);

            if (!broker->dirs[i].offline)
                fs_unlink(cluster->fs, lock, NULL);
            mem_free(lock);
        }
    }
    snprintf(text, sizeof(text), "broker %d stopped; its logs are closed", broker->id);
    journal_add(cluster->journal, ENTRY(EVENT_broker_stopped, .broker = broker->id, .text = text));
    return true;
}

void broker_drop(struct broker *broker)
{
    life_give_up(broker);
    cleaner_stop(broker, false);
    if (broker->up || broker->groups)
        stop_roles(broker);
    for (size_t i = 0; i < broker->partition_count; i++) {
        if (broker->partitions[i]->log)
            cluster_drop_log(broker->cluster, broker->partitions[i]->log);
        broker->partitions[i]->log = NULL;
        log_move_close(broker->partitions[i], false);
    }
    unhost_all(broker);
    log_moves_done(broker);
    cluster_drop_soon(broker->cluster);
    metadata_log_drop(&broker->metadata);
}
