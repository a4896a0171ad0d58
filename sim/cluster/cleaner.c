/* The cleaner of a broker: at its looks it takes the filthiest of the compacted logs, cleans it, lets retention look at all of them, and goes on until
 * none is dirty enough. A look costs an event only where it may find something. Kafka's LogCleaner, LogCleanerManager. */
#include <string.h>

#include "sim/base/mem.h"
#include "sim/cluster/cluster_internal.h"

enum { SLICE_BYTES = 128 * 1024, LEAST_DEDUPE_BYTES = 1024 * 1024 };

static int64_t now_ms(const struct broker *broker)
{
    return broker_now_ms(broker);
}

static bool compacted(const struct partition *partition)
{
    return partition->settings->config.cleanup_compact && !partition->move; /* one that moves to another log dir rests */
}

/* ---- the checkpoint ---- */

static void write_checkpoint(const struct log_dir *dir)
{
    const struct broker *broker = dir->broker;
    struct cluster *cluster = broker->cluster;
    struct checkpoint checkpoint = { 0 };
    char *path;

    if (dir->offline)
        return;
    path = mem_printf("%s/cleaner-offset-checkpoint", dir->path);
    for (size_t i = 0; i < broker->partition_count; i++)
        if (broker->partitions[i]->dir == dir && broker->partitions[i]->cleaner_offset >= 0)
            checkpoint_add(&checkpoint, broker->partitions[i]->topic->name, broker->partitions[i]->number, broker->partitions[i]->cleaner_offset);
    if (!checkpoint_write(cluster->fs, path, &checkpoint, NULL))
        journal_add(cluster->journal, ENTRY(EVENT_checkpoint_written, .broker = broker->id, .subject = "cleaner-offset-checkpoint",
                                            .text = "cleaner-offset-checkpoint",
                                            .facts = { { "lines", (int64_t)checkpoint.count, NULL } }, .fact_count = 1));
    checkpoint_done(&checkpoint);
    mem_free(path);
}

static void set_checkpoint(struct partition *partition, int64_t offset)
{
    partition->cleaner_offset = offset;
    partition->cleaner_base = -1;
    write_checkpoint(partition->dir);
}

/* ---- when there may be something to do ---- */

static struct compaction_decision decide(const struct partition *partition)
{
    return log_decide_compaction(partition->log, partition->cleaner_offset, now_ms(partition->broker));
}

static int64_t stable_below(const struct partition *partition, int64_t base)
{
    int64_t stable = log_last_stable_offset(partition->log);

    return stable < base ? stable : base;
}

static void work_out(struct partition *partition)
{
    struct compaction_decision decision = decide(partition);

    partition->cleaner_base = decision.active_base_offset;
    partition->cleaner_stable = stable_below(partition, decision.active_base_offset);
    partition->cleaning_at_ms = decision.cleans || decision.resets_checkpoint ? decision.decided_at_ms : decision.next_at_ms;
}

static void work_out_retention(struct partition *partition)
{
    int64_t now = now_ms(partition->broker);

    partition->retention_at_ms = log_retention_due(partition->log, now) ? now : log_next_expiry_ms(partition->log);
}

/* Called at every append. Nothing the cleaner compares has changed unless a segment was rolled, or what may be read moved over segments. */
void cleaner_note(struct broker *broker, struct partition *partition)
{
    struct cleaner *cleaner = &broker->cleaner;
    int64_t base = log_active_base_offset(partition->log), earliest;

    if (!cleaner->on || partition->uncleanable || partition == cleaner->partition)
        return;
    if (partition->cleaner_base != base || partition->cleaner_stable != stable_below(partition, base)) {
        work_out(partition);
        work_out_retention(partition);
    } else if (partition->retention_at_ms == INT64_MAX || partition->settings->config.retention_bytes >= 0) {
        work_out_retention(partition);
    }
    earliest = partition->cleaning_at_ms < partition->retention_at_ms ? partition->cleaning_at_ms : partition->retention_at_ms;
    ticker_arm(broker, &cleaner->tick, broker_clock_us(broker, earliest));
}

static void arm(struct broker *broker)
{
    int64_t earliest = INT64_MAX;

    for (size_t i = 0; i < broker->partition_count; i++) {
        const struct partition *partition = broker->partitions[i];

        if (!compacted(partition) || partition->uncleanable)
            continue;
        if (partition->cleaning_at_ms < earliest)
            earliest = partition->cleaning_at_ms;
        if (partition->retention_at_ms < earliest)
            earliest = partition->retention_at_ms;
    }
    ticker_arm(broker, &broker->cleaner.tick, broker_clock_us(broker, earliest));
}

void cleaner_clock_changed(struct broker *broker)
{
    if (broker->cleaner.on)
        arm(broker);
}

/* ---- a look ---- */

/* The one with the greatest dirty ratio, among those that are to be cleaned. */
static struct partition *find_filthiest(struct broker *broker, struct compaction_decision *best)
{
    struct partition *filthiest = NULL;
    int64_t now = now_ms(broker);

    for (size_t i = 0; i < broker->partition_count; i++) {
        struct partition *partition = broker->partitions[i];
        struct compaction_decision decision;

        if (!compacted(partition) || partition->uncleanable || partition->cleaning_at_ms > now)
            continue;
        decision = decide(partition);
        if (decision.resets_checkpoint)
            set_checkpoint(partition, decision.first_dirty_offset);
        work_out(partition);
        if (decision.cleans && (!filthiest || decision.ratio > best->ratio)) {
            filthiest = partition;
            *best = decision;
        }
    }
    return filthiest;
}

/* True: some log has more to delete than one slice does. */
static bool look_by_retention(struct broker *broker)
{
    int64_t now = now_ms(broker);

    for (size_t i = 0; i < broker->partition_count; i++) {
        struct partition *partition = broker->partitions[i];

        if (!compacted(partition) || partition->uncleanable || partition->retention_at_ms > now)
            continue;
        partition->cleaner_base = -1;
        if (broker_check_retention(broker, partition, now))
            return true;
    }
    return false;
}

static void go_on(struct broker *broker)
{
    event_at(broker->cluster->queue, &broker->cleaner.work, queue_now_us(broker->cluster->queue));
}

static void say(const struct partition *partition, enum event_kind kind, const char *rule, const char *why)
{
    char *text = mem_printf("%s-%d: %s", partition->topic->name, partition->number, why);

    journal_add(partition->broker->cluster->journal, ENTRY(kind, .broker = partition->broker->id, .topic = partition->topic->name,
                                                           .partition = partition->number, .rule = rule, .text = text));
    mem_free(text);
}

static void end_cleaning(struct cleaner *cleaner, bool tidy)
{
    cleaning_end(cleaner->cleaning, tidy);
    cleaner->cleaning = NULL;
    cleaner->partition = NULL;
}

/* What a cleaning came to. Kafka writes the checkpoint after a failed one too, as it was. */
static void settle(struct broker *broker, enum cleaning_state state, const char *why)
{
    struct cleaner *cleaner = &broker->cleaner;
    struct partition *partition = cleaner->partition;
    const struct cleaning_result *result = cleaning_result(cleaner->cleaning);
    int64_t first = result->first_dirty_offset, end = result->end_offset;

    end_cleaning(cleaner, true);
    if (state == CLEANING_DONE && end > first) {
        set_checkpoint(partition, end);
    } else if (state == CLEANING_STOPPED) {
        say(partition, EVENT_cleaning_stopped, NULL, "cleaning given up: its segments go");
    } else {
        partition->uncleanable = true;
        set_checkpoint(partition, first);
        say(partition, EVENT_cleaning_failed, "uncleanable until the broker starts again", *why ? why : "not one key fits into the offset map");
    }
    work_out(partition);
    work_out_retention(partition);
    broker_note_unlink(broker, partition);
    broker_note_recovery_point(broker);
    partition_changed(partition);
}

/* One slice; then the next log, or the end of the look. */
static void run_work(void *context)
{
    struct broker *broker = context;
    struct cleaner *cleaner = &broker->cleaner;
    struct compaction_decision decision;
    struct reason reason = { 0 };
    enum cleaning_state state;

    if (broker_sleeps(broker, &broker->cleaner.work))
        return;
    if (!cleaner->cleaning) {
        cleaner->partition = find_filthiest(broker, &decision);
        if (!cleaner->partition) {
            if (look_by_retention(broker))
                go_on(broker);
            else
                arm(broker);
            return;
        }
        cleaner->cleaning = cleaning_begin(cleaner->partition->log, &decision, &cleaner->limits);
    }
    state = cleaning_step(cleaner->cleaning, SLICE_BYTES, &reason);
    if (state != CLEANING_GOES_ON) {
        settle(broker, state, reason.text);
        look_by_retention(broker);
    }
    go_on(broker);
}

static void run_tick(void *context)
{
    struct broker *broker = context;

    if (broker_sleeps(broker, &broker->cleaner.tick.event))
        return;
    if (!event_scheduled(&broker->cleaner.work))
        go_on(broker);
}

/* ---- coming and going ---- */

static void read_settings(struct broker *broker)
{
    struct config_layers layers = broker_config(broker);
    struct cleaner *cleaner = &broker->cleaner;
    int64_t threads = config_long(&layers, "log.cleaner.threads"), dedupe = config_long(&layers, "log.cleaner.dedupe.buffer.size");

    cleaner->on = config_boolean(&layers, "log.cleaner.enable") && threads > 0;
    if (threads < 1)
        threads = 1;
    cleaner->limits = (struct cleaner_limits){
        .dedupe_bytes = dedupe / threads > LEAST_DEDUPE_BYTES ? dedupe / threads : LEAST_DEDUPE_BYTES,
        .load_factor = config_double(&layers, "log.cleaner.io.buffer.load.factor"),
        .io_bytes = (int32_t)(config_long(&layers, "log.cleaner.io.buffer.size") / threads / 2),
    };
    cleaner->backoff_ms = config_long(&layers, "log.cleaner.backoff.ms");
}

/* It looks at once, and a backoff after each look that found nothing. */
void cleaner_start(struct broker *broker)
{
    struct cleaner *cleaner = &broker->cleaner;

    read_settings(broker);
    event_cancel(broker->cluster->queue, &cleaner->tick.event);
    event_cancel(broker->cluster->queue, &cleaner->work);
    ticker_start(broker, &cleaner->tick, 0, cleaner->backoff_ms, run_tick);
    cleaner->tick.first_us = queue_now_us(broker->cluster->queue);
    cleaner->work.run = run_work;
    cleaner->work.context = broker;
    for (size_t i = 0; i < broker->partition_count; i++)
        broker->partitions[i]->cleaner_base = -1;
    if (!cleaner->on)
        return;
    for (size_t i = 0; i < broker->partition_count; i++) {
        struct partition *partition = broker->partitions[i];

        if (!compacted(partition) || partition->uncleanable)
            continue;
        work_out(partition);
        work_out_retention(partition);
        if (partition->cleaning_at_ms <= now_ms(broker) || partition->retention_at_ms <= now_ms(broker))
            go_on(broker);
    }
    arm(broker);
}

void cleaner_stop(struct broker *broker, bool tidy)
{
    end_cleaning(&broker->cleaner, tidy);
    event_cancel(broker->cluster->queue, &broker->cleaner.tick.event);
    event_cancel(broker->cluster->queue, &broker->cleaner.work);
    broker->cleaner.on = false;
}

/* Kafka stops its cleaner threads and starts others. */
void cleaner_settings_changed(struct broker *broker)
{
    struct cleaner *cleaner = &broker->cleaner, before = *cleaner;

    if (!cleaner->work.run)
        return;
    read_settings(broker);
    if (before.on == cleaner->on && before.backoff_ms == cleaner->backoff_ms && before.limits.dedupe_bytes == cleaner->limits.dedupe_bytes &&
        before.limits.load_factor == cleaner->limits.load_factor && before.limits.io_bytes == cleaner->limits.io_bytes)
        return;
    end_cleaning(cleaner, true);
    cleaner_start(broker);
}

void cleaner_abort(struct partition *partition)
{
    struct cleaner *cleaner = &partition->broker->cleaner;

    if (cleaner->partition != partition)
        return;
    end_cleaning(cleaner, true);
    say(partition, EVENT_cleaning_stopped, NULL, "cleaning given up: it is no compacted log of this broker any more");
}

void cleaner_forget(struct partition *partition)
{
    cleaner_abort(partition);
    partition->cleaner_offset = partition->cleaner_base = -1;
}

void cleaner_moved(struct partition *partition, const struct log_dir *from)
{
    partition->cleaner_base = -1;
    if (!partition->broker->cleaner.on || partition->cleaner_offset < 0)
        return;
    write_checkpoint(from);
    write_checkpoint(partition->dir);
}

void cleaner_write(struct broker *broker)
{
    if (broker->cleaner.on)
        for (size_t i = 0; i < broker->dir_count; i++)
            write_checkpoint(&broker->dirs[i]);
}

void cleaner_truncated(struct partition *partition)
{
    int64_t base = log_active_base_offset(partition->log);

    partition->cleaner_base = -1;
    if (compacted(partition) && partition->cleaner_offset > base)
        set_checkpoint(partition, base);
}

/* ---- for looking ---- */

int64_t broker_next_cleaner_look_us(const struct broker *broker)
{
    return broker->up && broker->cleaner.on ? ticker_after(&broker->cleaner.tick, queue_now_us(broker->cluster->queue)) : INT64_MAX;
}

int64_t partition_cleaner_offset(const struct partition *partition) { return partition->cleaner_offset; }
bool partition_uncleanable(const struct partition *partition) { return partition->uncleanable; }

int64_t partition_next_cleaning_us(const struct partition *partition)
{
    struct compaction_decision decision = decide(partition);
    int64_t at_us = decision.cleans ? 0 : broker_clock_us(partition->broker, decision.next_at_ms), look_us = broker_next_cleaner_look_us(partition->broker);

    if (look_us == INT64_MAX || at_us == INT64_MAX || partition->uncleanable || !compacted(partition))
        return INT64_MAX;
    return at_us <= look_us ? look_us : ticker_after(&partition->broker->cleaner.tick, at_us - 1);
}
