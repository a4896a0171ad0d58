/* A broker: its folder, its settings, its logs, and the tasks that come around: retention, checkpoints, unlinking. A task
 * costs an event only where it has something to do; its moments are known all the same. Kafka's LogManager, ReplicaManager. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/cluster/cluster_internal.h"

/* How much one event does, so that it stays far below 10 ms: partitions looked at by a check, segments deleted, segments unlinked or folders removed.
 * Counts and not moments: the same history has the same events. */
enum { RETENTION_SLICE = 16, DELETE_SLICE = 32, UNLINK_SLICE = 32 };

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
int32_t cluster_controller_port(const struct cluster *cluster)
{
    int32_t port = cluster->brokers[0]->port;

    return port > 55535 ? port - 10000 : port + 10000;
}

/* What a broker's server.properties says beside what all have. */
static void set_own_settings(struct broker *broker)
{
    struct cluster *cluster = broker->cluster;
    struct config_map *map = &broker->settings;
    int32_t controller_port = cluster_controller_port(cluster);

    set_text(map, "broker.id", "%d", broker->id);
    set_text(map, "log.dirs", "%s", broker->log_dir);
    if (release_is_27(cluster->release)) {
        set_text(map, "listeners", "PLAINTEXT://127.0.0.1:%d", broker->port);
        set_text(map, "advertised.listeners", "PLAINTEXT://%s:%d", cluster->host, broker->port);
        if (!config_map_get(map, "zookeeper.connect"))
            set_text(map, "zookeeper.connect", "127.0.0.1:%d", controller_port);
        if (!config_map_get(map, "zookeeper.connection.timeout.ms"))
            set_text(map, "zookeeper.connection.timeout.ms", "18000");
        return;
    }
    set_text(map, "node.id", "%d", broker->id);
    set_text(map, "process.roles", broker->index ? "broker" : "broker,controller");
    if (broker->index) {
        set_text(map, "listeners", "PLAINTEXT://127.0.0.1:%d", broker->port);
        set_text(map, "advertised.listeners", "PLAINTEXT://%s:%d", cluster->host, broker->port);
    } else {
        set_text(map, "listeners", "PLAINTEXT://127.0.0.1:%d,CONTROLLER://localhost:%d", broker->port, controller_port);
        set_text(map, "advertised.listeners", "PLAINTEXT://%s:%d,CONTROLLER://localhost:%d", cluster->host, broker->port, controller_port);
    }
    set_text(map, "controller.quorum.bootstrap.servers", "localhost:%d", controller_port);
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

static int64_t setting(const struct broker *broker, const char *key)
{
    struct config_layers layers = broker_config(broker);

    return config_long(&layers, key);
}

static void read_settings(const struct broker *broker, struct topic_settings *settings)
{
    struct config_layers layers = broker_topic_config(broker, settings->name);

    config_of_log(&layers, &settings->config);
    settings->min_insync_replicas = config_long(&layers, "min.insync.replicas");
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
    settings_changed(broker, NULL);
}

/* ---- tasks that come around ---- */

int64_t ticker_after(const struct ticker *ticker, int64_t us)
{
    int64_t passed;

    if (us < ticker->first_us)
        return ticker->first_us;
    passed = (us - ticker->first_us) / ticker->interval_us + 1;
    if (passed > (INT64_MAX - ticker->first_us) / ticker->interval_us)
        return INT64_MAX;
    return ticker->first_us + passed * ticker->interval_us;
}

void ticker_arm(struct broker *broker, struct ticker *ticker, int64_t us)
{
    int64_t now_us = queue_now_us(broker->cluster->queue), at_us;

    if (!ticker->interval_us || us == INT64_MAX)
        return;
    at_us = ticker_after(ticker, us - 1 > now_us ? us - 1 : now_us);
    if (at_us != INT64_MAX && (!event_scheduled(&ticker->event) || ticker->event.at_us > at_us))
        event_at(broker->cluster->queue, &ticker->event, at_us);
}

static int64_t ms_to_us(int64_t ms)
{
    return ms > INT64_MAX / 1000 ? INT64_MAX : ms * 1000;
}

void broker_note_high_watermark(struct broker *broker)
{
    if (broker->high_watermarks_dirty)
        return;
    broker->high_watermarks_dirty = true;
    ticker_arm(broker, &broker->high_watermark_tick, 0);
}

void broker_note_recovery_point(struct broker *broker)
{
    if (broker->recovery_dirty)
        return;
    broker->recovery_dirty = true;
    ticker_arm(broker, &broker->recovery_tick, 0);
}

static void note_log_start(struct broker *broker)
{
    broker->starts_dirty = true;
    ticker_arm(broker, &broker->start_tick, 0);
}

/* Called at every append, so the usual case is left at once: a moment is known, and appending only moves it later. */
void broker_note_retention(struct broker *broker, struct partition *partition)
{
    const struct log_config *config = &partition->settings->config;
    int64_t now_ms, due;

    if (broker->starts_dirty)
        ticker_arm(broker, &broker->start_tick, 0);
    if (config->cleanup_compact) {
        cleaner_note(broker, partition);
        return;
    }
    if (partition->retention_at_ms != INT64_MAX && config->retention_bytes < 0)
        return;
    now_ms = queue_now_ms(broker->cluster->queue);
    due = log_retention_due(partition->log, now_ms) ? now_ms : log_next_expiry_ms(partition->log);
    partition->retention_at_ms = due;
    ticker_arm(broker, &broker->retention, ms_to_us(due));
}

void broker_note_unlink(struct broker *broker, struct partition *partition)
{
    partition->unlink_at_ms = log_next_unlink_ms(partition->log);
    if (partition->unlink_at_ms == INT64_MAX)
        return;
    if (!event_scheduled(&broker->unlink_event) || broker->unlink_event.at_us > ms_to_us(partition->unlink_at_ms))
        event_at(broker->cluster->queue, &broker->unlink_event, ms_to_us(partition->unlink_at_ms));
}

/* Before the first of the tasks that come around: log.initial.task.delay.ms; 2.7 has it built in. */
static int64_t initial_delay_ms(const struct broker *broker)
{
    return release_is_27(broker->cluster->release) ? 30000 : setting(broker, "log.initial.task.delay.ms");
}

/* kafka-delete-logs: not before its first turn, and the topic's own file.delete.delay.ms doesn't count. */
void broker_doom(struct broker *broker, char *path)
{
    int64_t now_us = queue_now_us(broker->cluster->queue);
    int64_t first_us = (broker->up ? broker->started_us : now_us) + initial_delay_ms(broker) * 1000;
    int64_t at_us = now_us + ms_to_us(setting(broker, "log.segment.delete.delay.ms"));

    if (at_us < first_us)
        at_us = first_us;
    ARRAY_ADD(broker->doomed, broker->doomed_count, broker->doomed_capacity) = (struct doomed){ path, at_us };
    if (!event_scheduled(&broker->unlink_event) || broker->unlink_event.at_us > at_us)
        event_at(broker->cluster->queue, &broker->unlink_event, at_us);
}

int64_t broker_next_retention_check_us(const struct broker *broker)
{
    if (!broker->up || broker->cluster->inspection) /* when a real broker began is not on its disk */
        return INT64_MAX;
    /* A pass that is being worked on in slices counts as done. */
    return ticker_after(&broker->retention, queue_now_us(broker->cluster->queue));
}

bool broker_check_retention(struct broker *broker, struct partition *partition, int64_t now_ms)
{
    struct retention_decision decision;
    int64_t start = log_start_offset(partition->log);
    bool changed, more;

    log_touch_by_retention(partition->log, now_ms);
    decision = log_decide_retention(partition->log, now_ms);
    more = retention_decision_limit(&decision, DELETE_SLICE);
    changed = decision.delete_count > 0;
    if (changed) {
        if (!log_apply_retention(partition->log, &decision, NULL)) {
            broker_note_unlink(broker, partition);
            broker_note_recovery_point(broker);
        } else {
            more = false;
        }
    }
    retention_decision_done(&decision);
    if (log_start_offset(partition->log) != start) {
        note_log_start(broker);
        broker_note_high_watermark(broker);
        partition_changed(partition);
    }
    if (more)
        return true;
    if (changed) { /* a new active segment's time index is made by the next check */
        partition->retention_at_ms = INT64_MAX;
        broker_note_retention(broker, partition);
        return false;
    }
    partition->retention_at_ms = log_next_expiry_ms(partition->log);
    /* What is due and yet stays waits for the high watermark, which looks anew. */
    if (partition->retention_at_ms <= now_ms)
        partition->retention_at_ms = INT64_MAX;
    return false;
}

/* A check looks at all logs; those of which nothing can be due are passed over. In slices, so that none takes long. */
static void run_retention(void *context)
{
    struct broker *broker = context;
    struct cluster *cluster = broker->cluster;
    int64_t earliest = INT64_MAX;
    int work = 0;

    if (!broker->retention_cursor) {
        broker->retention_pass_ms = queue_now_ms(cluster->queue);
        journal_add(cluster->journal,
                    ENTRY(EVENT_retention_checked, .broker = broker->id, .rule = "log.retention.check.interval.ms",
                          .text = "the retention task looks at the logs",
                          .facts = { { "logs", (int64_t)broker->partition_count, NULL },
                                     { "interval_ms", broker->retention.interval_us / 1000, NULL } }, .fact_count = 2));
    }
    while (broker->retention_cursor < broker->partition_count) {
        struct partition *partition = broker->partitions[broker->retention_cursor];

        if (partition->retention_at_ms <= broker->retention_pass_ms && !partition->settings->config.cleanup_compact) {
            if (work++ >= RETENTION_SLICE || broker_check_retention(broker, partition, broker->retention_pass_ms)) {
                event_at(cluster->queue, &broker->retention.event, queue_now_us(cluster->queue));
                return;
            }
        }
        broker->retention_cursor++;
    }
    broker->retention_cursor = 0;
    for (size_t i = 0; i < broker->partition_count; i++)
        if (!broker->partitions[i]->settings->config.cleanup_compact && broker->partitions[i]->retention_at_ms < earliest)
            earliest = broker->partitions[i]->retention_at_ms;
    ticker_arm(broker, &broker->retention, ms_to_us(earliest));
}

/* Files whose delay is over, in slices. */
static void run_unlink(void *context)
{
    struct broker *broker = context;
    struct cluster *cluster = broker->cluster;
    int64_t now_us = queue_now_us(cluster->queue), now_ms = now_us / 1000, next_us = INT64_MAX;
    size_t left = 0, work = 0;

    for (size_t i = 0; i < broker->partition_count; i++) {
        struct partition *partition = broker->partitions[i];

        if (partition->unlink_at_ms <= now_ms && work < UNLINK_SLICE) {
            work += log_unlink_due(partition->log, now_ms, UNLINK_SLICE - work);
            partition->unlink_at_ms = log_next_unlink_ms(partition->log);
        }
        if (partition->unlink_at_ms != INT64_MAX && ms_to_us(partition->unlink_at_ms) < next_us)
            next_us = ms_to_us(partition->unlink_at_ms);
    }
    for (size_t i = 0; i < broker->doomed_count; i++) {
        struct doomed *doomed = &broker->doomed[i];

        if (doomed->at_us <= now_us && work < UNLINK_SLICE) {
            fs_remove_tree(cluster->fs, doomed->path, NULL);
            mem_free(doomed->path);
            work++;
            continue;
        }
        if (doomed->at_us < next_us)
            next_us = doomed->at_us;
        broker->doomed[left++] = *doomed;
    }
    broker->doomed_count = left;
    if (next_us != INT64_MAX)
        event_at(cluster->queue, &broker->unlink_event, next_us);
}

/* ---- producers that fell silent ---- */

/* Only a batch of an idempotent producer leaves something to forget. */
void broker_note_producers(struct broker *broker, struct bytes records)
{
    bool idempotent = records.size >= BATCH_HEADER && records.data[16] == 2 && get_i64(records.data + 43) >= 0;

    if (idempotent && !event_scheduled(&broker->producer_tick.event))
        ticker_arm(broker, &broker->producer_tick, 0);
}

static int64_t next_producer_expiry_ms(const struct partition *partition)
{
    int64_t limit_ms = partition->settings->config.producer_id_expiration_ms, next = INT64_MAX;
    size_t count = log_producers(partition->log, NULL, 0);
    struct producer_info *infos;

    if (!count)
        return INT64_MAX;
    infos = mem_zero_array(count, sizeof(*infos));
    log_producers(partition->log, infos, count);
    for (size_t i = 0; i < count; i++)
        if (infos[i].transaction_start_offset < 0 && infos[i].last_timestamp_ms < INT64_MAX - limit_ms &&
            infos[i].last_timestamp_ms + limit_ms < next)
            next = infos[i].last_timestamp_ms + limit_ms;
    mem_free(infos);
    return next;
}

static void run_producers(void *context)
{
    struct broker *broker = context;
    int64_t now_ms = queue_now_ms(broker->cluster->queue), next_ms = INT64_MAX;

    for (size_t i = 0; i < broker->partition_count; i++) {
        int64_t at_ms;

        log_expire_producers(broker->partitions[i]->log, now_ms);
        at_ms = next_producer_expiry_ms(broker->partitions[i]);
        if (at_ms < next_ms)
            next_ms = at_ms;
    }
    ticker_arm(broker, &broker->producer_tick, ms_to_us(next_ms));
}

/* ---- flushing by age ---- */

/* Nothing is to be done where neither the task runs (log.flush.scheduler.interval.ms is forever by default) nor an age is set. */
void broker_note_flush(struct broker *broker, struct partition *partition)
{
    if (partition->settings->config.flush_ms < INT64_MAX && !event_scheduled(&broker->flush_tick.event))
        ticker_arm(broker, &broker->flush_tick, 0);
}

/* Kafka counts from the last flush of whatever reason that a log knows of; here from the task's own, or the opening. */
static void run_flush(void *context)
{
    struct broker *broker = context;
    int64_t now_ms = queue_now_ms(broker->cluster->queue);
    bool waiting = false;

    for (size_t i = 0; i < broker->partition_count; i++) {
        struct partition *partition = broker->partitions[i];

        if (partition->settings->config.flush_ms == INT64_MAX || log_recovery_point(partition->log) >= log_end_offset(partition->log))
            continue;
        if (now_ms - partition->flushed_ms < partition->settings->config.flush_ms) {
            waiting = true;
            continue;
        }
        partition->flushed_ms = now_ms;
        if (!log_flush(partition->log, NULL))
            broker_note_recovery_point(broker);
    }
    if (waiting)
        ticker_arm(broker, &broker->flush_tick, 0);
}

/* ---- checkpoints ---- */

enum checkpoint_kind { RECOVERY_POINTS, LOG_STARTS, HIGH_WATERMARKS, CLEANER_OFFSETS };
static const char *const checkpoint_names[] = {
    "recovery-point-offset-checkpoint", "log-start-offset-checkpoint", "replication-offset-checkpoint", "cleaner-offset-checkpoint",
};

static void write_checkpoint(struct broker *broker, enum checkpoint_kind kind)
{
    struct cluster *cluster = broker->cluster;
    struct text lines = { 0 };
    size_t count = 0;
    char *path = mem_printf("%s/%s", broker->log_dir, checkpoint_names[kind]);
    enum err err;

    for (size_t i = 0; i < broker->partition_count; i++) {
        const struct partition *partition = broker->partitions[i];
        int64_t offset = kind == RECOVERY_POINTS ? log_recovery_point(partition->log)
                         : kind == LOG_STARTS    ? log_start_offset(partition->log)
                                                 : log_high_watermark(partition->log);

        if (kind == LOG_STARTS && offset <= log_first_base_offset(partition->log))
            continue;
        checkpoint_line(&lines, partition->topic->name, partition->number, offset);
        count++;
    }
    err = checkpoint_write_lines(cluster->fs, path, count, &lines, NULL);
    if (!err && !cluster->opening)
        journal_add(cluster->journal, ENTRY(EVENT_checkpoint_written, .broker = broker->id, .subject = checkpoint_names[kind],
                                            .text = checkpoint_names[kind],
                                            .facts = { { "lines", (int64_t)count, NULL } }, .fact_count = 1));
    text_done(&lines);
    mem_free(path);
}

static void run_high_watermarks(void *context)
{
    struct broker *broker = context;

    broker->high_watermarks_dirty = false;
    write_checkpoint(broker, HIGH_WATERMARKS);
}

static void run_recovery_points(void *context)
{
    struct broker *broker = context;

    broker->recovery_dirty = false;
    write_checkpoint(broker, RECOVERY_POINTS);
    if (release_is_27(broker->cluster->release))
        for (size_t i = 0; i < broker->partition_count; i++)
            log_remove_old_snapshots(broker->partitions[i]->log);
}

static void run_log_starts(void *context)
{
    struct broker *broker = context;

    broker->starts_dirty = false;
    write_checkpoint(broker, LOG_STARTS);
}

void broker_note_removed(struct broker *broker)
{
    if (!broker->removed)
        return;
    broker->removed = false;
    if (!broker->up)
        return;
    cleaner_write(broker);
    broker->recovery_dirty = broker->starts_dirty = false;
    write_checkpoint(broker, RECOVERY_POINTS);
    write_checkpoint(broker, LOG_STARTS);
}

void ticker_start(struct broker *broker, struct ticker *ticker, int64_t delay_ms, int64_t interval_ms, void (*run)(void *))
{
    ticker->first_us = broker->started_us + delay_ms * 1000;
    ticker->interval_us = interval_ms < 1 ? 1000 : interval_ms > INT64_MAX / 4000 ? INT64_MAX / 4 : interval_ms * 1000;
    ticker->event.run = run;
    ticker->event.context = broker;
}

bool broker_start_tasks(struct broker *broker)
{
    int64_t delay_ms = initial_delay_ms(broker);

    broker->started_us = queue_now_us(broker->cluster->queue);
    ticker_start(broker, &broker->retention, delay_ms, setting(broker, "log.retention.check.interval.ms"), run_retention);
    ticker_start(broker, &broker->recovery_tick, delay_ms, setting(broker, "log.flush.offset.checkpoint.interval.ms"), run_recovery_points);
    ticker_start(broker, &broker->start_tick, delay_ms, setting(broker, "log.flush.start.offset.checkpoint.interval.ms"), run_log_starts);
    ticker_start(broker, &broker->high_watermark_tick, setting(broker, "replica.high.watermark.checkpoint.interval.ms"),
                 setting(broker, "replica.high.watermark.checkpoint.interval.ms"), run_high_watermarks);
    ticker_start(broker, &broker->producer_tick, 600000,
                 release_is_27(broker->cluster->release) ? 600000 : setting(broker, "producer.id.expiration.check.interval.ms"), run_producers);
    ticker_start(broker, &broker->flush_tick, delay_ms, setting(broker, "log.flush.scheduler.interval.ms"), run_flush);
    for (size_t i = 0; i < broker->partition_count; i++) {
        if (log_producers(broker->partitions[i]->log, NULL, 0))
            ticker_arm(broker, &broker->producer_tick, 0);
        if (!life_breathe(broker, COST_OF_NAME))
            return false;
    }
    if (broker->recovery_dirty)
        ticker_arm(broker, &broker->recovery_tick, 0);
    if (broker->starts_dirty)
        ticker_arm(broker, &broker->start_tick, 0);
    if (broker->high_watermarks_dirty)
        ticker_arm(broker, &broker->high_watermark_tick, 0);
    cleaner_start(broker);
    for (size_t i = 0; i < broker->partition_count; i++) {
        broker->partitions[i]->retention_at_ms = INT64_MAX;
        broker_note_retention(broker, broker->partitions[i]);
        if (!life_breathe(broker, COST_OF_NAME))
            return false;
    }
    return true;
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
    broker->log_dir = options->log_dir ? mem_text(options->log_dir) : mem_printf("%s/broker-%d", options->dir, broker->id);
    broker->fetchers = mem_zero_array((size_t)options->broker_count, sizeof(*broker->fetchers));
    broker->env = (struct log_env){
        .fs = cluster->fs, .journal = cluster->journal, .random = &cluster->random, .release = cluster->release, .broker = broker->id,
        .scratch = &cluster->scratch,
    };
    broker->unlink_event = (struct event){ .run = run_unlink, .context = broker };
    life_init(broker);
    config_map_copy(&broker->settings, options->settings);
    set_own_settings(broker);
    return fs_mkdir(cluster->fs, broker->log_dir, reason);
}

static void cancel_events(struct broker *broker)
{
    struct queue *queue = broker->cluster->queue;

    event_cancel(queue, &broker->metadata_event);
    event_cancel(queue, &broker->retention.event);
    event_cancel(queue, &broker->recovery_tick.event);
    event_cancel(queue, &broker->start_tick.event);
    event_cancel(queue, &broker->high_watermark_tick.event);
    event_cancel(queue, &broker->producer_tick.event);
    event_cancel(queue, &broker->flush_tick.event);
    event_cancel(queue, &broker->unlink_event);
    event_cancel(queue, &broker->cleaner.tick.event);
    event_cancel(queue, &broker->cleaner.work);
}

void broker_free_fetchers(struct broker *broker)
{
    struct cluster *cluster = broker->cluster;

    for (size_t i = 0; i < cluster->broker_count; i++) {
        struct broker *other = cluster->brokers[i];

        fetcher_free(broker->fetchers[i]);
        broker->fetchers[i] = NULL;
        if (!other)
            continue;
        fetcher_free(other->fetchers[broker->index]);
        other->fetchers[broker->index] = NULL;
    }
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
    cancel_events(broker);
    life_done(broker);
    forget_doomed(broker);
    checkpoint_done(&broker->recovery_points);
    checkpoint_done(&broker->log_starts);
    checkpoint_done(&broker->high_watermarks);
    checkpoint_done(&broker->cleaner_offsets);
    config_map_done(&broker->settings);
    config_map_done(&broker->loggers);
    image_free(broker->image);
    mem_free(broker->doomed);
    mem_free(broker->fetchers);
    mem_free(broker->partitions);
    mem_free(broker->hash);
    mem_free(broker->topics);
    mem_free(broker->log_dir);
    mem_free(broker);
}

/* A damaged checkpoint counts as missing; the logs are then read further back. */
static void read_checkpoint(struct broker *broker, enum checkpoint_kind kind, struct checkpoint *out)
{
    char *path = mem_printf("%s/%s", broker->log_dir, checkpoint_names[kind]);

    if (checkpoint_read(broker->cluster->fs, path, out, NULL)) {
        checkpoint_done(out);
        *out = (struct checkpoint){ 0 };
    }
    checkpoint_sort(out);
    mem_free(path);
}

/* Kafka makes these at once, empty. */
static enum err make_file(struct broker *broker, const char *name, struct reason *reason)
{
    char *path = mem_printf("%s/%s", broker->log_dir, name);
    struct file *file = NULL;
    enum err err = ERR_OK;

    if (!fs_exists(broker->cluster->fs, path)) {
        err = fs_open(broker->cluster->fs, path, FILE_WRITE | FILE_CREATE, &file, reason);
        file_close(file);
    }
    mem_free(path);
    return err;
}

/* The moments of an earlier life are over: what is noted while logs load waits for those that broker_start_tasks works out. */
static void forget_ticks(struct broker *broker)
{
    struct ticker *tickers[] = { &broker->retention, &broker->recovery_tick, &broker->start_tick, &broker->high_watermark_tick, &broker->producer_tick };

    for (size_t i = 0; i < sizeof(tickers) / sizeof(*tickers); i++) {
        event_cancel(broker->cluster->queue, &tickers[i]->event);
        tickers[i]->interval_us = 0;
    }
}

enum err broker_load(struct broker *broker, struct reason *reason)
{
    static const char *const files[] = { ".lock", "cleaner-offset-checkpoint", "log-start-offset-checkpoint",
                                         "recovery-point-offset-checkpoint", "replication-offset-checkpoint" };
    enum err err = ERR_OK;

    forget_ticks(broker);
    read_checkpoint(broker, RECOVERY_POINTS, &broker->recovery_points);
    read_checkpoint(broker, LOG_STARTS, &broker->log_starts);
    read_checkpoint(broker, HIGH_WATERMARKS, &broker->high_watermarks);
    read_checkpoint(broker, CLEANER_OFFSETS, &broker->cleaner_offsets);
    broker->clean = clean_marker_take(broker->cluster->fs, broker->log_dir);
    if (broker->clean) /* gone for good: no power-off may bring it back beside logs that are not clean any more */
        err = fs_sync_folder(broker->cluster->fs, broker->log_dir, reason);
    for (size_t i = 0; !err && i < sizeof(files) / sizeof(files[0]); i++)
        err = make_file(broker, files[i], reason);
    return err;
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
static void put_aside(struct broker *broker, const char *name)
{
    char *from = mem_printf("%s/%s", broker->log_dir, name);
    char *to = mem_printf("%s/%.190s.%016" PRIx64 "%016" PRIx64 "-stray", broker->log_dir, name, random_u64(&broker->cluster->random),
                          random_u64(&broker->cluster->random));

    fs_rename(broker->cluster->fs, from, to, NULL);
    mem_free(from);
    mem_free(to);
}

static void look_at_folder(struct broker *broker, const char *name)
{
    const char *dash = strrchr(name, '-');
    char topic[256];
    int32_t number;

    if (text_ends(name, "-delete")) {
        broker_doom(broker, mem_printf("%s/%s", broker->log_dir, name));
        return;
    }
    if (!dash || dash == name || (size_t)(dash - name) >= sizeof(topic) || !parse_i32(dash + 1, &number) || number < 0)
        return;
    snprintf(topic, sizeof(topic), "%.*s", (int)(dash - name), name);
    if (strcmp(topic, "__cluster_metadata") == 0 || has_replica(broker, topic, number))
        return;
    if (!release_is_27(broker->cluster->release))
        put_aside(broker, name);
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

enum err broker_host_all(struct broker *broker, struct reason *reason)
{
    struct fs_names names = { 0 };
    enum err err = fs_list(broker->cluster->fs, broker->log_dir, &names, reason);

    broker->logs_done = 0;
    broker->logs_total = count_replicas(broker->image, broker->id);
    for (size_t i = 0; !err && i < names.count; i++) {
        look_at_folder(broker, names.names[i]);
        if (!life_breathe(broker, COST_OF_NAME))
            err = ERR_BROKER_NOT_AVAILABLE;
    }
    fs_names_free(&names);
    for (size_t t = 0; !err && t < image_topic_count(broker->image); t++) {
        const struct image_topic *topic = image_topic_at(broker->image, t);

        for (int32_t p = 0; !err && p < topic->partition_count; p++) {
            if (!has_replica(broker, topic->name, p))
                continue;
            err = partition_host(broker, topic, p, reason);
            tell_loaded(broker);
            if (!err && !life_breathe(broker, COST_OF_LOG))
                err = ERR_BROKER_NOT_AVAILABLE;
        }
    }
    checkpoint_done(&broker->recovery_points);
    checkpoint_done(&broker->log_starts);
    checkpoint_done(&broker->high_watermarks);
    checkpoint_done(&broker->cleaner_offsets);
    broker->recovery_points = broker->log_starts = broker->high_watermarks = broker->cleaner_offsets = (struct checkpoint){ 0 };
    broker->clean = true; /* what is made from now on is whole */
    return err;
}

/* ---- the end ---- */

static void stop_roles(struct broker *broker)
{
    cancel_events(broker);
    life_cancel(broker);
    config_map_done(&broker->loggers);
    broker->up = false;
    broker->state = BROKER_DOWN;
    broker->retention_cursor = 0;
    broker->recovery_dirty = broker->starts_dirty = broker->high_watermarks_dirty = false;
    broker->producer_id_next = broker->producer_id_end = 0;
    broker->image_waits = NULL; /* those who waited are gone */
    forget_doomed(broker);
    for (size_t i = 0; i < broker->partition_count; i++)
        partition_stop(broker->partitions[i]);
    groups_free(broker->groups);
    broker->groups = NULL;
}

static void unhost_all(struct broker *broker)
{
    while (broker->partition_count)
        partition_unhost(broker->partitions[broker->partition_count - 1]);
}

bool broker_stop_clean(struct broker *broker)
{
    struct cluster *cluster = broker->cluster;
    int64_t now_ms = queue_now_ms(cluster->queue);

    if (!broker->up)
        return true;
    cleaner_stop(broker, true);
    stop_roles(broker);
    broker->state = BROKER_STOPPING;
    for (size_t i = 0; i < broker->partition_count; i++) {
        log_flush(broker->partitions[i]->log, NULL);
        if (!life_breathe(broker, COST_OF_LOG))
            return false;
    }
    for (enum checkpoint_kind kind = RECOVERY_POINTS; kind <= HIGH_WATERMARKS; kind++) {
        write_checkpoint(broker, kind);
        if (!life_breathe(broker, (int64_t)broker->partition_count * COST_OF_LINE))
            return false;
    }
    while (broker->partition_count) {
        struct partition *partition = broker->partitions[broker->partition_count - 1];

        log_close(partition->log, now_ms);
        partition->log = NULL;
        partition_unhost(partition);
        if (!life_breathe(broker, COST_OF_LOG))
            return false;
    }
    broker->state = BROKER_DOWN;
    metadata_log_close(&broker->metadata, now_ms);
    if (!release_is_27(cluster->release)) { /* 4.x takes its .lock away */
        char *lock = mem_printf("%s/.lock", broker->log_dir);

        fs_unlink(cluster->fs, lock, NULL);
        mem_free(lock);
    }
    journal_add(cluster->journal, ENTRY(EVENT_broker_stopped, .broker = broker->id, .text = "stopped; its logs are closed"));
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
    }
    unhost_all(broker);
    cluster_drop_soon(broker->cluster);
    metadata_log_drop(&broker->metadata);
}
