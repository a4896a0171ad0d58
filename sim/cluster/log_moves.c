/* Replicas that move from one log dir of their broker to another: what is there is copied into a folder TOPIC-P.HEX-future, a piece an event, until the copy has all that the
 * replica has; then it takes its place. Kafka's ReplicaAlterLogDirsThread, Partition.maybeReplaceCurrentWithFutureReplica, LogManager.replaceCurrentWithFutureLog. Copying
 * takes no virtual time but what the throttle makes of it. One replica of a broker is copied at a time, as one of Kafka's threads does. */
#include <stdio.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/cluster/cluster_internal.h"

enum { PIECE_BYTES = 1024 * 1024, MOST_PREFERRED = 10000, MOST_NAME = 255, HEX = 33 };

struct preferred { char *topic; int32_t partition; struct log_dir *dir; };

struct log_moves {
    struct event event;
    struct partition *in_progress;    /* it goes first */
    struct preferred *preferred;
    size_t preferred_count, preferred_capacity;
};

static bool old(const struct broker *broker) { return release_is_27(broker->cluster->release); }

/* ---- where a replica that is not there yet is to lie ---- */

static struct preferred *find_preferred(const struct broker *broker, const char *topic, int32_t number)
{
    for (size_t i = 0; broker->moves && i < broker->moves->preferred_count; i++)
        if (broker->moves->preferred[i].partition == number && !strcmp(broker->moves->preferred[i].topic, topic))
            return &broker->moves->preferred[i];
    return NULL;
}

struct log_dir *log_moves_preferred(const struct broker *broker, const char *topic, int32_t number)
{
    const struct preferred *found = find_preferred(broker, topic, number);

    return found ? found->dir : NULL;
}

void log_moves_forget_preferred(struct broker *broker, const char *topic, int32_t number)
{
    struct preferred *found = find_preferred(broker, topic, number);

    if (!found)
        return;
    mem_free(found->topic);
    *found = broker->moves->preferred[--broker->moves->preferred_count];
}

static void run(void *context);

static struct log_moves *moves_of(struct broker *broker)
{
    if (!broker->moves) {
        broker->moves = mem_zero(sizeof(*broker->moves));
        broker->moves->event = (struct event){ .run = run, .context = broker };
    }
    return broker->moves;
}

static void prefer(struct broker *broker, const char *topic, int32_t number, struct log_dir *dir)
{
    struct log_moves *moves = moves_of(broker);
    struct preferred *found = find_preferred(broker, topic, number);

    if (found)
        found->dir = dir;
    else if (moves->preferred_count < MOST_PREFERRED)
        ARRAY_ADD(moves->preferred, moves->preferred_count, moves->preferred_capacity) = (struct preferred){ mem_text(topic), number, dir };
}

/* ---- coming and going ---- */

static void go_on(struct broker *broker)
{
    struct log_moves *moves = moves_of(broker);

    if (broker->up && (!event_scheduled(&moves->event) || moves->event.at_us > queue_now_us(broker->cluster->queue)))
        event_at(broker->cluster->queue, &moves->event, queue_now_us(broker->cluster->queue));
}

static void say(const struct partition *partition, enum event_kind kind, const struct log_dir *to, const char *rule, char *text)
{
    const struct log_move *move = partition->move;

    journal_add(partition->broker->cluster->journal,
                ENTRY(kind, .broker = partition->broker->id, .topic = partition->topic->name, .partition = partition->number, .subject = to->name, .rule = rule, .text = text,
                      .facts = { { "log_end_offset", log_end_offset(partition->log), NULL }, { "copied_to", move ? log_end_offset(move->log) : 0, NULL },
                                 { "size_bytes", log_size_bytes(partition->log), NULL } }, .fact_count = 3));
    mem_free(text);
}

static enum err open_copy(struct partition *partition, struct log_dir *dir, const char *folder, bool clean, struct reason *reason)
{
    struct broker *broker = partition->broker;
    char *path = mem_printf("%s/%s", dir->path, folder);
    struct log_open how = {
        .dir = path, .topic = partition->topic->name, .partition = partition->number, .clean = clean, .config = &partition->settings->config,
        .recovery_point = checkpoint_offset(&dir->checkpoints[RECOVERY_POINTS], partition->topic->name, partition->number, 0),
        .log_start_offset = checkpoint_offset(&dir->checkpoints[LOG_STARTS], partition->topic->name, partition->number, 0),
        .high_watermark = checkpoint_offset(&dir->checkpoints[HIGH_WATERMARKS], partition->topic->name, partition->number, 0),
        .now_ms = broker_now_ms(broker),
    };
    struct log *log;
    enum err err;

    if (!old(broker))
        how.topic_id = partition->topic->id;
    err = log_open(&log, &broker->copy_env, &how, reason);
    mem_free(path);
    if (err)
        return err;
    partition->move = mem_zero(sizeof(*partition->move));
    partition->move->log = log;
    partition->move->dir = dir;
    partition->move->began_us = queue_now_us(broker->cluster->queue);
    dir->log_count++;
    cleaner_abort(partition);
    return ERR_OK;
}

static enum err begin(struct partition *partition, struct log_dir *dir, struct reason *reason)
{
    struct broker *broker = partition->broker;
    char hex[HEX], *folder;
    enum err err;

    random_hex(&broker->cluster->random, hex);
    folder = mem_printf("%s-%d.%s-future", partition->topic->name, partition->number, hex);
    err = open_copy(partition, dir, folder, true, reason);
    mem_free(folder);
    if (err)
        return err;
    log_moves_forget_preferred(broker, partition->topic->name, partition->number);
    say(partition, EVENT_log_move_started, dir, "AlterReplicaLogDirs",
        mem_printf("%s-%d begins to move from %s to %s", partition->topic->name, partition->number, partition->dir->name, dir->name));
    broker_note_recovery_point(broker);
    broker_note_high_watermark(broker);
    go_on(broker);
    return ERR_OK;
}

static void forget(struct partition *partition)
{
    struct log_moves *moves = partition->broker->moves;

    if (moves && moves->in_progress == partition)
        moves->in_progress = NULL;
    partition->move->dir->log_count--;
    mem_free(partition->move);
    partition->move = NULL;
}

void log_move_close(struct partition *partition, bool clean)
{
    if (!partition->move)
        return;
    if (clean)
        log_close(partition->move->log, broker_now_ms(partition->broker));
    else
        cluster_drop_log(partition->broker->cluster, partition->move->log);
    forget(partition);
}

void log_move_cancel(struct partition *partition, const char *why)
{
    struct broker *broker = partition->broker;
    struct log_dir *dir = partition->move ? partition->move->dir : NULL;
    bool asked;

    if (!dir)
        return;
    say(partition, EVENT_log_move_cancelled, dir, NULL, mem_printf("%s-%d does not move to %s: %s", partition->topic->name, partition->number, dir->name, why));
    broker_delete_log(broker, partition->move->log, NULL);
    asked = partition->move->step != MOVE_COPIES;
    forget(partition);
    if (asked)
        assignment_ask(partition, partition->dir); /* it stays where it is */
    log_dir_write_checkpoint(dir, RECOVERY_POINTS);
    log_dir_write_checkpoint(dir, LOG_STARTS);
    broker_note_high_watermark(broker);
    partition->cleaner_base = -1;
    broker_note_retention(broker, partition);
}

void log_moves_done(struct broker *broker)
{
    struct log_moves *moves = broker->moves;

    if (!moves)
        return;
    event_cancel(broker->cluster->queue, &moves->event);
    for (size_t i = 0; i < moves->preferred_count; i++)
        mem_free(moves->preferred[i].topic);
    mem_free(moves->preferred);
    mem_free(moves);
    broker->moves = NULL;
}

/* ---- the copy ---- */

/* Where the replica was cut meanwhile, or a copy of before a crash has what it never kept: as a follower finds out with its leader. */
static enum err align(struct partition *partition, struct reason *reason)
{
    struct log *copy = partition->move->log;
    int64_t now_ms = broker_now_ms(partition->broker);
    enum err err = ERR_OK;

    while (!err && log_end_offset(copy) > log_start_offset(copy)) {
        int32_t mine = log_latest_epoch(copy), theirs, own;
        int64_t end, own_end;

        if (mine < 0) {
            end = log_end_offset(partition->log) < log_high_watermark(copy) ? log_end_offset(partition->log) : log_high_watermark(copy);
            return log_end_offset(copy) > log_end_offset(partition->log) ? log_truncate_to(copy, end, now_ms, reason) : ERR_OK;
        }
        log_end_offset_for_epoch(partition->log, mine, &theirs, &end);
        if (end < 0)
            return log_truncate_fully(copy, log_start_offset(partition->log), now_ms, reason);
        if (theirs == mine)
            return end < log_end_offset(copy) ? log_truncate_to(copy, end, now_ms, reason) : ERR_OK;
        log_end_offset_for_epoch(copy, theirs, &own, &own_end);
        if (own_end >= 0 && own_end < end)
            end = own_end;
        err = log_truncate_to(copy, end, now_ms, reason);
    }
    return err;
}

static enum err copy_piece(struct partition *partition, int64_t *bytes, struct reason *reason)
{
    struct log *copy = partition->move->log;
    int64_t most = broker_setting(partition->broker, "replica.fetch.max.bytes");
    struct log_appended appended;
    struct buffer buffer = { 0 };
    struct log_slice slice;
    enum err err = align(partition, reason);

    *bytes = 0;
    if (!err && log_end_offset(copy) < log_start_offset(partition->log))
        err = log_truncate_fully(copy, log_start_offset(partition->log), broker_now_ms(partition->broker), reason);
    if (err || log_end_offset(copy) >= log_end_offset(partition->log))
        return err;
    err = log_read(partition->log, log_end_offset(copy), most < PIECE_BYTES ? (int32_t)most : PIECE_BYTES, log_end_offset(partition->log), true, &slice, reason);
    if (err)
        return err;
    if (!slice.file || !slice.size)
        return err_because(ERR_KAFKA_STORAGE_ERROR, reason, "%s-%d has nothing at offset %lld", partition->topic->name, partition->number, (long long)log_end_offset(copy));
    err = file_read(slice.file, buffer_add(&buffer, (size_t)slice.size), (size_t)slice.size, slice.position, reason);
    file_unpin(slice.file);
    if (!err)
        err = log_append(copy, &(struct log_append){ .records = { buffer.data, (size_t)slice.size }, .origin = APPEND_REPLICATION, .leader_epoch = INT32_MAX,
                                                     .produce_version = -1, .now_ms = broker_now_ms(partition->broker), .may_change = true }, &appended, reason);
    if (!err && appended.last_offset < 0)
        err = err_because(ERR_KAFKA_STORAGE_ERROR, reason, "%s-%d can't be copied from offset %lld on", partition->topic->name, partition->number, (long long)log_end_offset(copy));
    *bytes = slice.size;
    buffer_done(&buffer);
    return err;
}

static bool has_all(const struct partition *partition)
{
    return log_end_offset(partition->move->log) == log_end_offset(partition->log);
}

/* ---- the swap ---- */

static enum err swap(struct partition *partition, struct reason *reason)
{
    struct broker *broker = partition->broker;
    struct log_dir *from = partition->dir, *to = partition->move->dir;
    char *path = mem_printf("%s/%s-%d", to->path, partition->topic->name, partition->number);
    struct log *left = partition->log;
    enum err err = log_rename(partition->move->log, path, &broker->env, reason);

    mem_free(path);
    if (err)
        return err;
    if (!old(broker)) /* 2.7 leaves it to the file system */
        fs_sync_folder(broker->cluster->fs, to->path, NULL);
    log_set_high_watermark(partition->move->log, log_high_watermark(left));
    say(partition, EVENT_log_moved, to, NULL, mem_printf("%s-%d lies in %s now, and no more in %s", partition->topic->name, partition->number, to->name, from->name));
    partition->log = partition->move->log;
    partition->dir = to;
    to->log_count++;
    from->log_count--;
    forget(partition);
    err = broker_delete_log(broker, left, reason);
    if (!old(broker))
        fs_sync_folder(broker->cluster->fs, from->path, NULL);
    log_dir_write_checkpoint(from, RECOVERY_POINTS);
    log_dir_write_checkpoint(from, LOG_STARTS);
    cleaner_moved(partition, from);
    partition->retention_at_ms = INT64_MAX;
    broker_note_retention(broker, partition);
    broker_note_unlink(broker, partition);
    broker_note_recovery_point(broker);
    broker_note_high_watermark(broker);
    partition_changed(partition);
    return err;
}

/* ---- what is done next ---- */

/* There is something to do for it now. */
static bool is_due(const struct partition *partition)
{
    const struct log_move *move = partition->move;

    return move && !move->failed && (move->step != MOVE_ASKS || !has_all(partition));
}

static struct partition *next(struct broker *broker)
{
    struct partition *first = broker->moves->in_progress;

    if (first && is_due(first))
        return first;
    first = NULL;
    for (size_t i = 0; i < broker->partition_count; i++) {
        struct partition *partition = broker->partitions[i];
        int order = first && is_due(partition) ? strcmp(partition->topic->name, first->topic->name) : -1;

        if (is_due(partition) && (order < 0 || (!order && partition->number < first->number)))
            first = partition;
    }
    return broker->moves->in_progress = first;
}

static enum err advance(struct partition *partition, struct reason *reason)
{
    struct log_move *move = partition->move;
    int64_t bytes;
    enum err err = copy_piece(partition, &bytes, reason);

    if (err)
        return err;
    log_set_high_watermark(move->log, log_high_watermark(partition->log));
    log_raise_start_offset(move->log, log_start_offset(partition->log));
    replication_quota_record(partition, QUOTA_MOVES, bytes);
    if (!has_all(partition))
        return ERR_OK;
    if (!move->caught_up) {
        move->caught_up = true;
        say(partition, EVENT_log_move_caught_up, move->dir, NULL, mem_printf("%s-%d: its copy in %s has all of it", partition->topic->name, partition->number, move->dir->name));
    }
    if (move->step == MOVE_COPIES && !old(partition->broker)) {
        move->step = MOVE_ASKS;
        assignment_ask(partition, move->dir);
        return ERR_OK;
    }
    return move->step == MOVE_ASKS ? ERR_OK : swap(partition, reason);
}

void log_move_accepted(struct partition *partition, struct uuid directory)
{
    struct log_move *move = partition->move;

    if (!move || move->step != MOVE_ASKS || !uuid_equal(move->dir->id, directory))
        return;
    move->step = MOVE_ACCEPTED;
    go_on(partition->broker);
}

static void run(void *context)
{
    struct broker *broker = context;
    struct partition *partition;
    struct reason reason = { "" };

    if (broker_sleeps(broker, &broker->moves->event))
        return;
    partition = next(broker);
    if (!partition)
        return;
    if (replication_quota_decide(broker, QUOTA_MOVES).exceeded) {
        event_after(broker->cluster->queue, &broker->moves->event, broker_setting(broker, "replica.fetch.backoff.ms") * 1000);
        return;
    }
    if (advance(partition, &reason) && partition->move) {
        partition->move->failed = true;
        say(partition, EVENT_log_move_cancelled, partition->move->dir, "log.dirs",
            mem_printf("%s-%d does not move to %s: %s", partition->topic->name, partition->number, partition->move->dir->name, reason.text));
    }
    if (next(broker))
        go_on(broker);
}

void log_move_wake(struct partition *partition)
{
    if (partition->move && !event_scheduled(&moves_of(partition->broker)->event))
        go_on(partition->broker);
}

/* Once it is up; until then its own task is at work. */
void log_moves_start(struct broker *broker)
{
    for (size_t i = 0; i < broker->partition_count; i++)
        if (broker->partitions[i]->move) {
            event_at(broker->cluster->queue, &moves_of(broker)->event, queue_now_us(broker->cluster->queue));
            return;
        }
}

void log_moves_stop(struct broker *broker)
{
    if (broker->moves)
        event_cancel(broker->cluster->queue, &broker->moves->event);
}

void log_moves_settings_changed(struct broker *broker)
{
    if (broker->moves && event_scheduled(&broker->moves->event))
        go_on(broker);
}

/* ---- what is asked ---- */

static bool name_too_long(const char *topic, int32_t number)
{
    char tail[64];

    return strlen(topic) + (size_t)snprintf(tail, sizeof(tail), "-%d.%032d-future", number, 0) > MOST_NAME;
}

enum err broker_alter_log_dir(struct broker *broker, const char *topic, int32_t number, const char *path, struct reason *reason)
{
    struct log_dir *dir = broker_dir_of_path(broker, path);
    struct partition *partition = broker_partition(broker, topic, number);

    if (broker->cluster->inspection)
        return cluster_refuse_change(broker->cluster, reason);
    if (name_too_long(topic, number))
        return err_because(ERR_INVALID_TOPIC_EXCEPTION, reason, "The topic name is too long.");
    if (!dir)
        return err_because(ERR_LOG_DIR_NOT_FOUND, reason, "Log dir %s is not found in the config.", path);
    if (dir->offline)
        return err_because(ERR_KAFKA_STORAGE_ERROR, reason, "Log directory %s is offline", path);
    if (broker_replica_offline(broker, topic, number))
        return err_because(ERR_KAFKA_STORAGE_ERROR, reason, "Partition %s-%d is offline", topic, number);
    if (partition && partition->move && partition->move->dir != dir)
        log_move_cancel(partition, "another log dir was asked for");
    if (!partition || (partition->dir != dir && !partition->move))
        prefer(broker, topic, number, dir);
    if (!partition)
        return image_partition(broker->image, topic, number) ? ERR_REPLICA_NOT_AVAILABLE : ERR_UNKNOWN_TOPIC_OR_PARTITION;
    if (partition->dir == dir || partition->move)
        return ERR_OK;
    if (log_dirs_offline(broker)) /* the copy might lie there already */
        return err_because(ERR_KAFKA_STORAGE_ERROR, reason, "Can not create log for %s-%d because log directories are offline", topic, number);
    return begin(partition, dir, reason);
}

/* ---- for looking ---- */

const struct log *partition_future_log(const struct partition *partition) { return partition->move ? partition->move->log : NULL; }
const struct log_dir *partition_future_dir(const struct partition *partition) { return partition->move ? partition->move->dir : NULL; }

/* ---- at a start ---- */

/* "students-0.0123...-future". */
static bool parse_name(const char *name, char *topic, size_t size, int32_t *number)
{
    const char *dot = strrchr(name, '.'), *dash = dot;
    char digits[12];

    if (!text_ends(name, "-future") || !dot)
        return false;
    while (dash > name && *dash != '-')
        dash--;
    if (dash == name || (size_t)(dash - name) >= size || (size_t)(dot - dash) > sizeof(digits))
        return false;
    snprintf(topic, size, "%.*s", (int)(dash - name), name);
    snprintf(digits, sizeof(digits), "%.*s", (int)(dot - dash - 1), dash + 1);
    return parse_i32(digits, number) && *number >= 0;
}

bool log_moves_found(struct log_dir *dir, const char *name)
{
    if (!text_ends(name, "-future"))
        return false;
    ARRAY_ADD(dir->futures, dir->future_count, dir->future_capacity) = mem_text(name);
    return true;
}

/* The folder in the other dir gives way, if there is one. */
static enum err promote(struct log_dir *dir, const char *folder, const char *topic, int32_t number, struct reason *reason)
{
    struct broker *broker = dir->broker;
    struct log_dir *other = log_dirs_find(broker, topic, number);
    char *from = mem_printf("%s/%s", dir->path, folder), *to = mem_printf("%s/%s-%d", dir->path, topic, number);
    enum err err = ERR_OK;

    if (other) {
        char hex[HEX], *left = mem_printf("%s/%s-%d", other->path, topic, number), *gone;

        random_hex(&broker->cluster->random, hex);
        gone = mem_printf("%s.%s-delete", left, hex);
        err = fs_rename(broker->cluster->fs, left, gone, reason);
        if (!err)
            broker_doom(broker, gone);
        else
            mem_free(gone);
        mem_free(left);
    }
    if (!err)
        err = fs_rename(broker->cluster->fs, from, to, reason);
    mem_free(from);
    mem_free(to);
    return err;
}

/* LogManager.recoverAbandonedFutureLogs; what is of no topic that this broker has is put aside, as any such folder. */
enum err log_moves_promote(struct broker *broker, struct reason *reason)
{
    enum err err = ERR_OK;

    for (size_t d = 0; d < broker->dir_count && !old(broker); d++) {
        struct log_dir *dir = &broker->dirs[d];
        size_t left = 0;

        for (size_t i = 0; i < dir->future_count; i++) {
            char topic[MOST_NAME + 1], *folder = dir->futures[i];
            int32_t number;
            const struct image_partition *known = parse_name(folder, topic, sizeof(topic), &number) ? image_partition(broker->image, topic, number) : NULL;

            if (!known || log_dir_is_stray(dir, folder, topic, number))
                log_dir_put_aside(dir, folder);
            else if (!err && uuid_equal(image_directory(broker->image, known, broker->id), dir->id))
                err = promote(dir, folder, topic, number, reason);
            else {
                dir->futures[left++] = folder;
                continue;
            }
            mem_free(folder);
        }
        dir->future_count = left;
    }
    return err;
}

enum err log_moves_resume(struct broker *broker, struct reason *reason)
{
    enum err err = ERR_OK;

    for (size_t d = 0; d < broker->dir_count; d++) {
        struct log_dir *dir = &broker->dirs[d];

        for (size_t i = 0; i < dir->future_count; i++) {
            char topic[MOST_NAME + 1];
            int32_t number;
            struct partition *partition = parse_name(dir->futures[i], topic, sizeof(topic), &number) ? broker_partition(broker, topic, number) : NULL;

            if (!err && partition && !partition->move && partition->dir != dir)
                err = open_copy(partition, dir, dir->futures[i], dir->clean, reason);
            mem_free(dir->futures[i]);
        }
        mem_free(dir->futures);
        dir->futures = NULL;
        dir->future_count = dir->future_capacity = 0;
    }
    return err;
}
