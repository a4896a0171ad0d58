/* The tasks of a broker that come around: retention, unlinking, silent producers, flushing by age, checkpoints. A task costs an event only where it has something
 * to do; its moments are known all the same. Kafka's LogManager, ReplicaManager. */
#include "sim/base/mem.h"
#include "sim/cluster/cluster_internal.h"

/* How much one event does, so that it stays far below 10 ms: partitions looked at by a check, segments deleted, segments unlinked or folders removed, logs
 * looked through for silent producers. Counts and not moments: the same history has the same events. */
enum { RETENTION_SLICE = 16, DELETE_SLICE = 32, UNLINK_SLICE = 32, PRODUCER_SLICE = 256 };

/* ---- moments that come around ---- */

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

    if (partition->move)
        log_move_wake(partition);
    if (broker->starts_dirty)
        ticker_arm(broker, &broker->start_tick, 0);
    if (config->cleanup_compact) {
        cleaner_note(broker, partition);
        return;
    }
    if (partition->retention_at_ms != INT64_MAX && config->retention_bytes < 0)
        return;
    now_ms = broker_now_ms(broker);
    due = log_retention_due(partition->log, now_ms) ? now_ms : log_next_expiry_ms(partition->log);
    partition->retention_at_ms = due;
    ticker_arm(broker, &broker->retention, broker_clock_us(broker, due));
}

void broker_note_unlink(struct broker *broker, struct partition *partition)
{
    partition->unlink_at_ms = log_next_unlink_ms(partition->log);
    if (partition->unlink_at_ms == INT64_MAX)
        return;
    if (!event_scheduled(&broker->unlink_event) || broker->unlink_event.at_us > broker_clock_us(broker, partition->unlink_at_ms))
        event_at(broker->cluster->queue, &broker->unlink_event, broker_clock_us(broker, partition->unlink_at_ms));
}

/* Before the first of the tasks that come around: log.initial.task.delay.ms; 2.7 has it built in. */
static int64_t initial_delay_ms(const struct broker *broker)
{
    return release_is_27(broker->cluster->release) ? 30000 : broker_setting(broker, "log.initial.task.delay.ms");
}

/* kafka-delete-logs: not before its first turn, and the topic's own file.delete.delay.ms doesn't count. */
void broker_doom(struct broker *broker, char *path)
{
    int64_t now_us = queue_now_us(broker->cluster->queue);
    int64_t first_us = (broker->up ? broker->started_us : now_us) + initial_delay_ms(broker) * 1000;
    int64_t at_us = now_us + ms_to_us(broker_setting(broker, "log.segment.delete.delay.ms"));

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

    if (broker_sleeps(broker, &broker->retention.event))
        return;
    if (!broker->retention_cursor) {
        broker->retention_pass_ms = broker_now_ms(broker);
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
    ticker_arm(broker, &broker->retention, broker_clock_us(broker, earliest));
}

/* Files whose delay is over, in slices. */
static void run_unlink(void *context)
{
    struct broker *broker = context;
    struct cluster *cluster = broker->cluster;
    int64_t now_us = queue_now_us(cluster->queue), now_ms = broker_now_ms(broker), next_us = INT64_MAX;
    size_t left = 0, work = 0;

    if (broker_sleeps(broker, &broker->unlink_event))
        return;
    for (size_t i = 0; i < broker->partition_count; i++) {
        struct partition *partition = broker->partitions[i];

        if (partition->unlink_at_ms <= now_ms && work < UNLINK_SLICE) {
            work += log_unlink_due(partition->log, now_ms, UNLINK_SLICE - work);
            partition->unlink_at_ms = log_next_unlink_ms(partition->log);
        }
        if (broker_clock_us(broker, partition->unlink_at_ms) < next_us)
            next_us = broker_clock_us(broker, partition->unlink_at_ms);
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

    if (idempotent && broker->producer_cursor) /* perhaps of a log that was looked at already */
        broker->producer_next_ms = 0;
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
    struct queue *queue = broker->cluster->queue;
    int64_t now_ms = broker_now_ms(broker);

    if (broker_sleeps(broker, &broker->producer_tick.event))
        return;
    if (!broker->producer_cursor)
        broker->producer_next_ms = INT64_MAX;
    for (int looked = 0; broker->producer_cursor < broker->partition_count; broker->producer_cursor++) {
        struct partition *partition = broker->partitions[broker->producer_cursor];
        int64_t at_ms;

        if (looked++ == PRODUCER_SLICE) {
            event_at(queue, &broker->producer_tick.event, queue_now_us(queue));
            return;
        }
        log_expire_producers(partition->log, now_ms);
        at_ms = next_producer_expiry_ms(partition);
        if (at_ms < broker->producer_next_ms)
            broker->producer_next_ms = at_ms;
    }
    broker->producer_cursor = 0;
    ticker_arm(broker, &broker->producer_tick, broker_clock_us(broker, broker->producer_next_ms));
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
    int64_t now_ms = broker_now_ms(broker);
    bool waiting = false;

    if (broker_sleeps(broker, &broker->flush_tick.event))
        return;
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

const char *broker_checkpoint_name(enum checkpoint_kind kind)
{
    static const char *const names[] = {
        "recovery-point-offset-checkpoint", "log-start-offset-checkpoint", "replication-offset-checkpoint", "cleaner-offset-checkpoint",
    };

    return names[kind];
}

static bool add_checkpoint_line(struct text *lines, const struct partition *partition, const struct log *log, enum checkpoint_kind kind)
{
    int64_t offset = kind == RECOVERY_POINTS ? log_recovery_point(log) : kind == LOG_STARTS ? log_start_offset(log) : log_high_watermark(log);

    if (kind == LOG_STARTS && offset <= log_first_base_offset(log))
        return false;
    checkpoint_line(lines, partition->topic->name, partition->number, offset);
    return true;
}

void log_dir_write_checkpoint(const struct log_dir *dir, enum checkpoint_kind kind)
{
    const struct broker *broker = dir->broker;
    struct cluster *cluster = broker->cluster;
    struct text lines = { 0 };
    size_t count = 0;
    char *path;
    enum err err;

    if (dir->offline)
        return;
    path = mem_printf("%s/%s", dir->path, broker_checkpoint_name(kind));
    for (size_t i = 0; i < broker->partition_count; i++) {
        const struct partition *partition = broker->partitions[i];

        if (partition->dir == dir)
            count += add_checkpoint_line(&lines, partition, partition->log, kind);
        if (partition->move && partition->move->dir == dir)
            count += add_checkpoint_line(&lines, partition, partition->move->log, kind);
    }
    err = checkpoint_write_lines(cluster->fs, path, count, &lines, NULL);
    if (!err && !cluster->opening)
        journal_add(cluster->journal, ENTRY(EVENT_checkpoint_written, .broker = broker->id, .subject = broker_checkpoint_name(kind),
                                            .text = broker_checkpoint_name(kind),
                                            .facts = { { "lines", (int64_t)count, NULL } }, .fact_count = 1));
    text_done(&lines);
    mem_free(path);
}

void broker_write_checkpoint(struct broker *broker, enum checkpoint_kind kind)
{
    for (size_t i = 0; i < broker->dir_count; i++)
        log_dir_write_checkpoint(&broker->dirs[i], kind);
}

static void run_high_watermarks(void *context)
{
    struct broker *broker = context;

    if (broker_sleeps(broker, &broker->high_watermark_tick.event))
        return;
    broker->high_watermarks_dirty = false;
    broker_write_checkpoint(broker, HIGH_WATERMARKS);
}

static void run_recovery_points(void *context)
{
    struct broker *broker = context;

    if (broker_sleeps(broker, &broker->recovery_tick.event))
        return;
    broker->recovery_dirty = false;
    broker_write_checkpoint(broker, RECOVERY_POINTS);
    if (release_is_27(broker->cluster->release))
        for (size_t i = 0; i < broker->partition_count; i++)
            log_remove_old_snapshots(broker->partitions[i]->log);
}

static void run_log_starts(void *context)
{
    struct broker *broker = context;

    if (broker_sleeps(broker, &broker->start_tick.event))
        return;
    broker->starts_dirty = false;
    broker_write_checkpoint(broker, LOG_STARTS);
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
    broker_write_checkpoint(broker, RECOVERY_POINTS);
    broker_write_checkpoint(broker, LOG_STARTS);
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
    ticker_start(broker, &broker->retention, delay_ms, broker_setting(broker, "log.retention.check.interval.ms"), run_retention);
    ticker_start(broker, &broker->recovery_tick, delay_ms, broker_setting(broker, "log.flush.offset.checkpoint.interval.ms"), run_recovery_points);
    ticker_start(broker, &broker->start_tick, delay_ms, broker_setting(broker, "log.flush.start.offset.checkpoint.interval.ms"), run_log_starts);
    ticker_start(broker, &broker->high_watermark_tick, broker_setting(broker, "replica.high.watermark.checkpoint.interval.ms"),
                 broker_setting(broker, "replica.high.watermark.checkpoint.interval.ms"), run_high_watermarks);
    ticker_start(broker, &broker->producer_tick, 600000,
                 release_is_27(broker->cluster->release) ? 600000 : broker_setting(broker, "producer.id.expiration.check.interval.ms"), run_producers);
    ticker_start(broker, &broker->flush_tick, delay_ms, broker_setting(broker, "log.flush.scheduler.interval.ms"), run_flush);
    isr_start(broker);
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

void broker_init_tasks(struct broker *broker)
{
    broker->unlink_event = (struct event){ .run = run_unlink, .context = broker };
}

void broker_cancel_tasks(struct broker *broker)
{
    struct queue *queue = broker->cluster->queue;

    network_cancel(&broker->metadata_message);
    broker->metadata_parked = false;
    broker->pending = NULL; /* the others' list forgets what it points to */
    event_cancel(queue, &broker->metadata_event);
    network_cancel(&broker->metadata_message);
    event_cancel(queue, &broker->retention.event);
    event_cancel(queue, &broker->recovery_tick.event);
    event_cancel(queue, &broker->start_tick.event);
    event_cancel(queue, &broker->high_watermark_tick.event);
    event_cancel(queue, &broker->producer_tick.event);
    event_cancel(queue, &broker->flush_tick.event);
    event_cancel(queue, &broker->unlink_event);
    event_cancel(queue, &broker->cleaner.tick.event);
    event_cancel(queue, &broker->cleaner.work);
    log_moves_stop(broker);
}
