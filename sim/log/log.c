/* A partition's log: opening, closing, appending. Reading is in read.c, the rest in files of its own. */
#include "sim/log/log_internal.h"

/* ---- opening and closing ---- */

struct log *log_new(const struct log_env *env, const struct log_open *how)
{
    struct log *log = mem_zero(sizeof(*log));

    log->env = env;
    log->config = how->config;
    log->dir = mem_text(how->dir);
    log->topic = mem_text(how->topic);
    log->partition = how->partition;
    log->kept_base = -1;
    log_forget_places(log);
    return log;
}

enum err log_open(struct log **out, const struct log_env *env, const struct log_open *how, struct reason *reason)
{
    struct log *log = log_new(env, how);
    enum err err;

    *out = NULL;
    log->epochs.off = how->config->magic < 2;
    producers_init(&log->producers, env->fs, log->dir, env->release);
    err = log_load(log, how, reason);
    if (err)
        log_drop(log);
    else
        *out = log;
    return err;
}

void log_drop(struct log *log)
{
    if (!log)
        return;
    assert(!log->cleaning); /* its cleaner ends it first */
    for (size_t i = 0; i < log->segment_count; i++)
        segment_free(log->segments[i]);
    for (size_t i = 0; i < log->deleted_count; i++)
        segment_free(log->deleted[i]);
    mem_free(log->segments);
    mem_free(log->deleted);
    producers_done(&log->producers);
    epochs_done(&log->epochs);
    buffer_done(&log->out);
    inspected_free(log->inspected);
    mem_free(log->dir);
    mem_free(log->topic);
    mem_free(log);
}

void log_close(struct log *log, int64_t now_ms)
{
    (void)now_ms;
    if (!log)
        return;
    if (log->segment_count) {
        /* what can't be written is found by the recovery of the next start: nobody could act on the error here */
        if (!log_is_27(log)) {    /* its flush takes the active segment also where nothing is to be flushed, which makes the indexes */
            segment_load_offsets(log, log_active(log), NULL);
            segment_load_times(log, log_active(log), NULL);
        }
        log_flush(log, NULL);
        producers_snapshot(&log->producers, NULL);
        for (size_t i = 0; i < log->segment_count; i++)
            segment_finish(log, log->segments[i], NULL);
    }
    log_drop(log);
}

enum err log_delete(struct log *log, const char *hex, char **renamed, struct reason *reason)
{
    enum { MOST_NAME = 255 };
    char *slash = strrchr(log->dir, '/'), *tail = mem_printf("-%d.%s-delete", log->partition, hex);
    int topic_size = (int)strlen(log->topic), most = MOST_NAME - (int)strlen(tail);
    char *to = mem_printf("%.*s%.*s%s", slash ? (int)(slash - log->dir + 1) : 0, log->dir,
                          topic_size < most ? topic_size : most, log->topic, tail);
    char *from = mem_text(log->dir);
    struct fs *fs = log->env->fs;
    enum err err;

    log_drop(log);
    err = fs_rename(fs, from, to, reason);
    mem_free(from);
    mem_free(tail);
    if (err) {
        mem_free(to);
        to = NULL;
    }
    *renamed = to;
    return err;
}

enum err log_rename(struct log *log, const char *dir, const struct log_env *env, struct reason *reason)
{
    enum err err = fs_rename(log->env->fs, log->dir, dir, reason);

    if (err)
        return err;
    mem_free(log->dir);
    log->dir = mem_text(dir);
    log->env = env;
    log->producers.dir = log->dir;
    epochs_moved(&log->epochs, dir);
    return ERR_OK;
}

enum err log_flush(struct log *log, struct reason *reason)
{
    enum err err = ERR_OK;

    for (size_t i = log->segment_count; i-- > 0 && !err;) {
        if (segment_next_offset(log, i) < log->recovery_point)
            break;
        err = segment_sync(log->segments[i], reason);
    }
    if (!err && log->recovery_point < log->end_offset)
        log->recovery_point = log->end_offset;
    return err;
}

/* ---- what it is ---- */

const char *log_dir(const struct log *log) { return log->dir; }
const struct log_config *log_settings(const struct log *log) { return log->config; }
int64_t log_start_offset(const struct log *log) { return log->start_offset; }
int64_t log_end_offset(const struct log *log) { return log->end_offset; }
int64_t log_high_watermark(const struct log *log) { return log->high_watermark; }
int64_t log_recovery_point(const struct log *log) { return log->recovery_point; }
int64_t log_active_base_offset(const struct log *log) { return log_active(log)->base_offset; }
int64_t log_size_bytes(const struct log *log) { return log->size_bytes; }
int64_t log_first_base_offset(const struct log *log) { return log->segments[0]->base_offset; }
int32_t log_latest_epoch(const struct log *log) { return epochs_latest(&log->epochs); }
size_t log_epoch_count(const struct log *log) { return log->epochs.count; }

void log_epoch_get(const struct log *log, size_t i, int32_t *epoch, int64_t *start_offset)
{
    *epoch = log->epochs.items[i].epoch;
    *start_offset = log->epochs.items[i].start_offset;
}

int64_t log_last_stable_offset(const struct log *log)
{
    int64_t unstable;

    log_know_producers(log);
    unstable = log->producers.count ? producers_first_unstable(&log->producers) : -1;
    if (unstable >= 0 && unstable < log->start_offset)
        unstable = log_first_offset_of_start(log);   /* its first records are gone */
    return unstable >= 0 && unstable < log->high_watermark ? unstable : log->high_watermark;
}

void log_set_high_watermark(struct log *log, int64_t offset)
{
    if (offset < log->start_offset)
        offset = log->start_offset;
    if (offset > log->end_offset)
        offset = log->end_offset;
    log->high_watermark = offset;
    if (log->producers.ended_count)
        producers_committed(&log->producers, offset);
}

enum err log_begin_epoch(struct log *log, int32_t epoch, struct reason *reason)
{
    return epochs_assign(&log->epochs, epoch, log->end_offset, reason);
}

void log_end_offset_for_epoch(const struct log *log, int32_t epoch, int32_t *out_epoch, int64_t *out_offset)
{
    epochs_end_offset(&log->epochs, epoch, log->end_offset, out_epoch, out_offset);
}

size_t log_producers(const struct log *log, struct producer_info *out, size_t most)
{
    log_know_producers(log);
    for (size_t i = 0; i < log->producers.count && i < most; i++) {
        const struct producer_state *producer = &log->producers.items[i];
        const struct producer_batch *last = producer->batch_count ? &producer->batches[producer->batch_count - 1] : NULL;

        out[i] = (struct producer_info){
            .producer_id = producer->producer_id, .producer_epoch = producer->epoch,
            .last_sequence = last ? last->last_sequence : -1, .coordinator_epoch = producer->coordinator_epoch,
            .last_timestamp_ms = producer->last_timestamp_ms, .last_offset = last ? last->last_offset : -1,
            .transaction_start_offset = producer->transaction_start,
        };
    }
    return log->producers.count;
}

void log_expire_producers(struct log *log, int64_t now_ms)
{
    size_t gone = log->producers.count ? producers_expire(&log->producers, now_ms, log->config->producer_id_expiration_ms) : 0;
    struct text text = { 0 };

    if (!gone)
        return;
    text_printf(&text, "%s-%d: %zu producer id%s silent for ", log->topic, log->partition, gone, gone == 1 ? "" : "s");
    log_text_ms(&text, log->config->producer_id_expiration_ms);
    text_add(&text, " or more: forgotten");
    journal_add(log->env->journal, ENTRY(EVENT_producer_expired, .broker = log->env->broker, .topic = log->topic,
                                         .partition = log->partition, .rule = "producer.id.expiration.ms", .text = text_chars(&text),
                                         .facts = { { "producers", (int64_t)gone, NULL },
                                                    { "producer_id_expiration_ms", log->config->producer_id_expiration_ms, NULL } },
                                         .fact_count = 2));
    text_done(&text);
}

void log_remove_old_snapshots(struct log *log)
{
    int64_t keep, point;
    size_t i;

    if (!log_is_27(log))
        return;
    keep = log->segment_count > 1 ? log->segments[log->segment_count - 2]->base_offset : log_active(log)->base_offset;
    i = log_segment_of(log, log->recovery_point - 1);
    point = i < log->segment_count ? log->segments[i]->base_offset : keep;
    producers_delete_snapshots_before(&log->producers, point < keep ? point : keep);
}

void log_text_ms(struct text *text, int64_t ms)
{
    if (ms > -100000 && ms < 100000)
        text_printf(text, "%s%lld.%lld s", ms < 0 ? "-" : "", llabs((long long)ms) / 1000, llabs((long long)ms) / 100 % 10);
    else if (ms > INT64_MAX / 1000 || ms < INT64_MIN / 1000)
        text_add(text, "forever");
    else
        text_duration(text, ms * 1000);
}

/* ---- segments in their order ---- */

size_t log_segment_of(const struct log *log, int64_t offset)
{
    size_t low = 0, high = log->segment_count;

    if (high && log->segments[high - 1]->base_offset <= offset)
        return high - 1;
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (log->segments[middle]->base_offset <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? low - 1 : log->segment_count;
}

void log_add_segment(struct log *log, struct segment *segment)
{
    ARRAY_ADD(log->segments, log->segment_count, log->segment_capacity) = segment;
    log->size_bytes += segment->size_bytes;
}

void log_forget_places(struct log *log)
{
    log->changes++;
    for (int i = 0; i < PLACES; i++)
        log->places[i] = (struct place){ -1, -1, -1, 0 };
}

void log_note_place(struct log *log, int64_t offset, int64_t segment_base, int64_t position, int32_t size)
{
    log->places[log->next_place++ % PLACES] = (struct place){ offset, segment_base, position, size };
}

/* ---- appending ---- */

/* What the set as a whole says, and where the leader's batch is one, its header. */
struct incoming {
    struct bytes records;
    struct batch first;
    int64_t first_offset, last_offset;
    int64_t max_timestamp_ms, max_timestamp_offset;
    int64_t batch_count, record_count;
    bool producers;             /* some batch has a producer id */
};

static enum err out_of_size(const struct log *log, const struct incoming *in, struct reason *reason)
{
    return err_because(ERR_RECORD_LIST_TOO_LARGE, reason, "Message batch size is %zu bytes in append to partition %s-%d, which exceeds the maximum configured segment size of %d.",
                       in->records.size, log->topic, log->partition, log->config->segment_bytes);
}

/* Walks the headers: offsets must grow, every batch must be whole and its CRC right. A replica ends (4.x) at the first batch
 * of an epoch above `most_epoch`, that of its fetch. */
static enum err look_at(struct log *log, struct bytes records, struct incoming *in, bool check_crc, int32_t most_epoch, struct reason *reason)
{
    struct bytes left = records;
    int64_t last = -1;

    *in = (struct incoming){ .records = records, .max_timestamp_ms = -1, .max_timestamp_offset = -1 };
    while (left.size) {
        struct batch batch;
        size_t need;
        enum err err = batch_decode(left, &batch, &need, reason);

        if (err == ERR_OFFSET_OUT_OF_RANGE && in->batch_count)
            break;              /* a fetch answer may end inside a batch */
        if (err == ERR_OFFSET_OUT_OF_RANGE)
            return err_because(ERR_CORRUPT_MESSAGE, reason, "%s-%d: the batch is cut short: %zu of %zu bytes", log->topic, log->partition, left.size, need);
        if (err)
            return err;
        if (batch.leader_epoch > most_epoch)
            break;
        if (check_crc && !batch_crc_right(&batch))
            return err_because(ERR_CORRUPT_MESSAGE, reason, "Record is corrupt (stored crc = %u) in topic partition %s-%d.", batch.crc, log->topic, log->partition);
        if (batch.last_offset <= last && last >= 0)
            return err_because(ERR_UNKNOWN_SERVER_ERROR, reason, "Out of order offsets found in append to %s-%d: %lld after %lld",
                               log->topic, log->partition, (long long)batch.last_offset, (long long)last);
        if (!in->batch_count++) {
            in->first = batch;
            in->first_offset = batch.base_offset;
        }
        last = in->last_offset = batch.last_offset;
        in->record_count += batch.record_count;
        in->producers |= batch.producer_id >= 0;
        if (batch.max_timestamp_ms > in->max_timestamp_ms) {
            in->max_timestamp_ms = batch.max_timestamp_ms;
            in->max_timestamp_offset = batch.last_offset;
        }
        left.data += batch.size_bytes;
        left.size -= (size_t)batch.size_bytes;
    }
    in->records.size = (size_t)(records.size - left.size);
    return ERR_OK;
}

static enum err validate(struct log *log, const struct log_append *append, struct buffer *buffer, struct incoming *in,
                         struct reason *reason)
{
    const struct log_config *config = log->config;
    struct validate check = { 0 };
    enum err err;

    check.target_codec = config->codec;
    check.level = config->codec_level;
    check.target_magic = config->magic;
    check.log_append_time = config->log_append_time;
    check.compacted = config->cleanup_compact;
    check.is_27 = log_is_27(log);
    check.from_client = append->origin == APPEND_CLIENT;
    check.now_ms = append->now_ms;
    check.timestamp_before_max_ms = config->timestamp_before_max_ms;
    check.timestamp_after_max_ms = config->timestamp_after_max_ms;
    check.first_offset = log->end_offset;
    check.leader_epoch = append->leader_epoch;
    check.topic_partition = strrchr(log->dir, '/') ? strrchr(log->dir, '/') + 1 : log->dir; /* the folder bears its name */
    check.max_message_bytes = append->origin == APPEND_CLIENT ? config->max_message_bytes : INT32_MAX;
    check.produce_version = append->produce_version;
    check.errors = append->errors;
    check.may_change = append->may_change;
    check.out = *buffer;
    buffer_clear(&check.out);
    err = records_validate(append->records, &check, reason);
    *buffer = check.out;
    if (err)
        return err;
    err = look_at(log, check.stored, in, false, INT32_MAX, reason);
    if (err)
        return err;
    in->max_timestamp_ms = check.max_timestamp_ms;
    in->max_timestamp_offset = check.offset_of_max_timestamp;
    in->record_count = check.record_count;
    in->first_offset = check.first_offset; /* a compressed set of old messages shows only its last */
    in->last_offset = check.last_offset;
    return ERR_OK;
}

/* Each epoch in the set that is new begins with the batch that brings it. */
static enum err take_epochs(struct log *log, const struct incoming *in, struct reason *reason)
{
    struct bytes left = in->records;
    enum err err = ERR_OK;

    if (in->batch_count == 1)
        return in->first.leader_epoch == epochs_latest(&log->epochs) ? ERR_OK
            : epochs_assign(&log->epochs, in->first.leader_epoch, in->first.base_offset, reason);
    while (left.size && !err) {
        struct batch batch;

        err = batch_decode(left, &batch, NULL, reason);
        if (!err && batch.leader_epoch != epochs_latest(&log->epochs))
            err = epochs_assign(&log->epochs, batch.leader_epoch, batch.base_offset, reason);
        left.data += batch.size_bytes;
        left.size -= (size_t)batch.size_bytes;
    }
    return err;
}

static enum err take_producers(struct log *log, const struct incoming *in, struct reason *reason)
{
    struct bytes left = in->records;
    enum err err = ERR_OK;

    while (left.size && !err) {
        struct batch batch;
        struct completed completed;

        err = batch_decode(left, &batch, NULL, reason);
        if (err)
            break;
        producers_update(&log->producers, &batch, &completed);
        if (completed.is) {
            if (completed.aborted && completed.first_offset >= 0)
                err = segment_add_aborted(log, log_active(log), &(struct aborted_entry){
                    completed.producer_id, completed.first_offset, completed.last_offset,
                    producers_stable_offset(&log->producers, &completed) }, reason);
            producers_complete(&log->producers, &completed);
        }
        left.data += batch.size_bytes;
        left.size -= (size_t)batch.size_bytes;
    }
    return err;
}

static enum err write_set(struct log *log, const struct incoming *in, struct log_appended *out, struct reason *reason)
{
    struct segment *active = log_active(log);
    int64_t position = active->size_bytes;
    enum err err = segment_append(log, active, &(struct segment_append){
        .records = in->records, .first_max_timestamp_ms = in->first.max_timestamp_ms, .last_offset = in->last_offset,
        .max_timestamp_ms = in->max_timestamp_ms, .max_timestamp_offset = in->max_timestamp_offset, .batch_count = in->batch_count,
    }, reason);

    if (err)
        return err;
    log_note_place(log, in->first_offset, active->base_offset, position,
                   in->batch_count == 1 && in->first.magic >= 2 ? (int32_t)in->records.size : 0);
    log->size_bytes += (int64_t)in->records.size;
    log->end_offset = in->last_offset + 1;
    if (in->producers)
        err = take_producers(log, in, reason);
    producers_set_end(&log->producers, log->end_offset);
    out->base_offset = in->first_offset;
    out->last_offset = in->last_offset;
    out->max_timestamp_ms = in->max_timestamp_ms;
    out->record_count = in->record_count;
    out->bytes = (int32_t)in->records.size;
    if (!err && log->end_offset - log->recovery_point >= log->config->flush_messages)
        err = log_flush(log, reason);
    return err;
}

/* Where neither size nor time decides Kafka looks if the indexes are full, which makes those of an empty segment: seen where what is appended
 * to it is then refused. */
static enum err touch_indexes(struct log *log, const struct roll_decision *decision, struct reason *reason)
{
    struct segment *active = log_active(log);
    enum err err;

    if (text_equal(decision->rule, "segment.bytes") || text_equal(decision->rule, "segment.ms"))
        return ERR_OK;
    err = segment_load_offsets(log, active, reason);
    return err ? err : segment_load_times(log, active, reason);
}

static enum err maybe_roll(struct log *log, const struct incoming *in, int64_t now_ms, struct log_appended *out, struct reason *reason)
{
    struct roll_decision decision = log_decide_roll(log, (int32_t)in->records.size, in->max_timestamp_ms, in->last_offset, now_ms);
    enum err err = touch_indexes(log, &decision, reason);

    if (err || !decision.rolls)
        return err;
    err = log_roll_to(log, in->first_offset, &decision, now_ms, reason);
    out->rolled = !err;
    return err;
}

static enum err check_producer(struct log *log, const struct incoming *in, enum append_origin origin, struct log_appended *out, struct reason *reason)
{
    const struct producer_batch *duplicate = NULL;
    enum err err;

    if (!in->producers || origin == APPEND_REPLICATION || in->first.producer_id < 0)
        return ERR_OK;
    err = producers_check(&log->producers, &in->first, origin, &duplicate, reason);
    if (duplicate) {
        out->duplicate = true;
        out->base_offset = duplicate->last_offset - duplicate->offset_delta;
        out->last_offset = duplicate->last_offset;
        out->log_append_time_ms = duplicate->timestamp_ms; /* also with CreateTime: the answer gives the earlier batch's */
    }
    return err;
}

enum err log_append(struct log *log, const struct log_append *append, struct log_appended *out, struct reason *reason)
{
    enum { KEEP_BUFFER_BYTES = 64 * 1024 };
    struct buffer *buffer = log->env->scratch ? log->env->scratch : &log->out;
    bool replicated = append->origin == APPEND_REPLICATION;
    struct incoming in;
    enum err err;

    *out = (struct log_appended){ 0 };
    out->base_offset = out->last_offset = out->log_append_time_ms = out->max_timestamp_ms = -1;
    if (log->inspected)
        return log_refuse_change(log, reason);
    err = replicated ? look_at(log, append->records, &in, true, log_is_27(log) ? INT32_MAX : append->leader_epoch, reason) : validate(log, append, buffer, &in, reason);
    if (err || !in.batch_count)
        goto out;
    if (replicated && in.first_offset < log->end_offset) {
        err = err_because(ERR_UNKNOWN_SERVER_ERROR, reason, "%s-%d: offset %lld of the leader's batch is below the log end offset %lld",
                          log->topic, log->partition, (long long)in.first_offset, (long long)log->end_offset);
        goto out;
    }
    err = take_epochs(log, &in, reason);
    if (!err && in.records.size > (size_t)log->config->segment_bytes)
        err = out_of_size(log, &in, reason);
    if (!err)
        err = maybe_roll(log, &in, append->now_ms, out, reason);
    if (!err)
        err = check_producer(log, &in, append->origin, out, reason);
    if (err || out->duplicate)
        goto out;
    if (log->config->log_append_time && !replicated)
        out->log_append_time_ms = in.max_timestamp_ms;
    err = write_set(log, &in, out, reason);
out:
    out->log_start_offset = log->start_offset;
    if (buffer->capacity > KEEP_BUFFER_BYTES)
        buffer_done(buffer);
    return err;
}
