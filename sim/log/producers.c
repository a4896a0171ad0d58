/* Idempotence: the last five batches of each producer, and the snapshots that save the scan at a start. */
#include "sim/log/producers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/text.h"
#include "sim/log/record.h"
#include "sim/log/segment.h"

enum { SNAPSHOT_VERSION = 1, SNAPSHOT_HEAD = 10, SNAPSHOT_ENTRY = 46, MOST_SNAPSHOT_BYTES = 256 * 1024 * 1024 };

void producers_init(struct producers *producers, struct fs *fs, const char *dir, enum release release)
{
    *producers = (struct producers){ .fs = fs, .dir = dir, .release = release };
}

void producers_done(struct producers *producers)
{
    mem_free(producers->items);
    mem_free(producers->ended);
    mem_free(producers->snapshots);
}

static void forget_all(struct producers *producers)
{
    producers->count = 0;
    producers->ended_count = 0;
}

/* Place of the producer in the array, or where it belongs. */
static size_t place_of(const struct producers *producers, int64_t producer_id)
{
    size_t low = 0, high = producers->count;

    if (high && producers->items[high - 1].producer_id < producer_id) /* new ids grow */
        return high;
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (producers->items[middle].producer_id < producer_id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct producer_state *producers_find(const struct producers *producers, int64_t producer_id)
{
    size_t i = place_of(producers, producer_id);

    return i < producers->count && producers->items[i].producer_id == producer_id ? &producers->items[i] : NULL;
}

static struct producer_state *find_or_add(struct producers *producers, int64_t producer_id)
{
    size_t i = place_of(producers, producer_id);

    if (i < producers->count && producers->items[i].producer_id == producer_id)
        return &producers->items[i];
    (void)ARRAY_ADD(producers->items, producers->count, producers->capacity);
    memmove(&producers->items[i + 1], &producers->items[i], (producers->count - 1 - i) * sizeof(*producers->items));
    producers->items[i] = (struct producer_state){
        .producer_id = producer_id, .epoch = -1, .coordinator_epoch = -1, .last_timestamp_ms = -1, .transaction_start = -1,
    };
    return &producers->items[i];
}

static void add_batch(struct producer_state *producer, struct producer_batch batch)
{
    if (producer->batch_count == PRODUCER_BATCHES) {
        memmove(producer->batches, producer->batches + 1, (PRODUCER_BATCHES - 1) * sizeof(*producer->batches));
        producer->batch_count--;
    }
    producer->batches[producer->batch_count++] = batch;
}

/* ---- what a leader checks ---- */

static enum err check_sequence(const struct producer_state *producer, const struct batch *batch, struct reason *reason)
{
    int32_t last = producer->batch_count ? producer->batches[producer->batch_count - 1].last_sequence : -1;

    if (batch->producer_epoch != producer->epoch) {
        if (batch->base_sequence != 0 && producer->epoch != -1)
            return err_because(ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, reason,
                               "Invalid sequence number for new epoch of producer %lld at offset %lld: %d (request epoch), %d (seq. number), %d (current producer epoch)",
                               (long long)producer->producer_id, (long long)batch->base_offset, batch->producer_epoch,
                               batch->base_sequence, producer->epoch);
        return ERR_OK;
    }
    if (producer->epoch == -1) /* no epoch is known: any sequence will do */
        return ERR_OK;
    if ((int64_t)batch->base_sequence == (int64_t)last + 1 || (batch->base_sequence == 0 && last == INT32_MAX))
        return ERR_OK;
    return err_because(ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, reason,
                       "Out of order sequence number for producer %lld at offset %lld: %d (incoming seq. number), %d (current end sequence number)",
                       (long long)producer->producer_id, (long long)batch->base_offset, batch->base_sequence, last);
}

/* A marker of a coordinator that another one has replaced. */
static enum err check_coordinator(const struct producer_state *producer, const struct batch *batch, struct reason *reason)
{
    struct record_iterator it;
    struct record record;
    int32_t epoch = INT32_MAX;

    records_begin(&it, batch);
    if (records_next(&it, &record) && record.value.size >= 6)
        epoch = get_i32(record.value.data + 2);
    records_done(&it);
    if (epoch >= producer->coordinator_epoch)
        return ERR_OK;
    return err_because(ERR_TRANSACTION_COORDINATOR_FENCED, reason, "Invalid coordinator epoch for producerId %lld at offset %lld: %d (zombie), %d (current)",
                       (long long)producer->producer_id, (long long)batch->base_offset, epoch, producer->coordinator_epoch);
}

static const struct producer_batch *find_duplicate(const struct producer_state *producer, const struct batch *batch)
{
    int32_t last = batch_last_sequence(batch);

    if (batch->producer_epoch != producer->epoch)
        return NULL;
    for (int i = 0; i < producer->batch_count; i++)
        if (producer->batches[i].first_sequence == batch->base_sequence && producer->batches[i].last_sequence == last)
            return &producer->batches[i];
    return NULL;
}

enum err producers_check(const struct producers *producers, const struct batch *batch, enum append_origin origin,
                         const struct producer_batch **duplicate, struct reason *reason)
{
    const struct producer_state *producer = producers_find(producers, batch->producer_id);

    *duplicate = NULL;
    if (!producer || origin == APPEND_REPLICATION)
        return ERR_OK;
    if (origin == APPEND_CLIENT && !batch_control(batch)) {
        *duplicate = find_duplicate(producer, batch);
        if (*duplicate)
            return ERR_OK;
    }
    if (batch->producer_epoch < producer->epoch)
        return err_because(ERR_INVALID_PRODUCER_EPOCH, reason,
                           "Epoch of producer %lld at offset %lld is %d, which is smaller than the last seen epoch %d",
                           (long long)batch->producer_id, (long long)batch->base_offset, batch->producer_epoch, producer->epoch);
    if (batch_control(batch))
        return check_coordinator(producer, batch, reason);
    if (origin == APPEND_CLIENT) {
        enum err err = check_sequence(producer, batch, reason);

        if (err)
            return err;
    }
    if (producer->transaction_start >= 0 && !batch_transactional(batch))
        return err_because(ERR_INVALID_TXN_STATE, reason,
                           "Expected transactional write from producer %lld at offset %lld",
                           (long long)batch->producer_id, (long long)batch->base_offset);
    return ERR_OK;
}

/* ---- what was written ---- */

static void update_by_marker(struct producers *producers, const struct batch *batch, struct completed *completed)
{
    struct record_iterator it;
    struct record record;
    struct producer_state *producer;
    int16_t type;

    records_begin(&it, batch);
    /* an empty control batch: the cleaner took the whole transaction */
    if (!records_next(&it, &record) || record.key.size < 4) {
        records_done(&it);
        return;
    }
    type = get_i16(record.key.data + 2);
    if (type == 0 || type == 1) {
        producer = find_or_add(producers, batch->producer_id);
        *completed = (struct completed){
            .is = true, .aborted = type == 0, .producer_id = batch->producer_id,
            .first_offset = producer->transaction_start, .last_offset = batch->base_offset,
        };
        if (producer->transaction_start < 0 && release_is_27(producers->release)) /* 2.7 takes a marker alone for a transaction of its own */
            completed->first_offset = batch->base_offset;
        if (batch->producer_epoch > producer->epoch) {
            producer->epoch = batch->producer_epoch;
            producer->batch_count = 0;
        }
        producer->transaction_start = -1;
        if (record.value.size >= 6)
            producer->coordinator_epoch = get_i32(record.value.data + 2);
        producer->last_timestamp_ms = record.timestamp_ms;
    }
    records_done(&it);
}

void producers_update(struct producers *producers, const struct batch *batch, struct completed *completed)
{
    struct producer_state *producer;

    *completed = (struct completed){ 0 };
    if (batch->producer_id < 0)
        return;
    if (batch_control(batch)) {
        update_by_marker(producers, batch, completed);
        return;
    }
    producer = find_or_add(producers, batch->producer_id);
    if (batch->producer_epoch != producer->epoch) {
        producer->epoch = batch->producer_epoch;
        producer->batch_count = 0;
    }
    add_batch(producer, (struct producer_batch){
        .first_sequence = batch->base_sequence, .last_sequence = batch_last_sequence(batch),
        .last_offset = batch->last_offset, .offset_delta = (int32_t)(batch->last_offset - batch->base_offset),
        .timestamp_ms = batch->max_timestamp_ms,
    });
    producer->last_timestamp_ms = batch->max_timestamp_ms;
    if (batch_transactional(batch) && producer->transaction_start < 0)
        producer->transaction_start = batch->base_offset;
}

static int64_t first_open(const struct producers *producers)
{
    int64_t first = -1;

    for (size_t i = 0; i < producers->count; i++)
        if (producers->items[i].transaction_start >= 0 && (first < 0 || producers->items[i].transaction_start < first))
            first = producers->items[i].transaction_start;
    return first;
}

int64_t producers_stable_offset(const struct producers *producers, const struct completed *completed)
{
    int64_t first = first_open(producers);

    return first >= 0 ? first : completed->last_offset + 1;
}

void producers_complete(struct producers *producers, const struct completed *completed)
{
    if (completed->first_offset < 0)
        return;
    ARRAY_ADD(producers->ended, producers->ended_count, producers->ended_capacity) =
        (struct transaction){ completed->producer_id, completed->first_offset, completed->last_offset };
}

int64_t producers_first_unstable(const struct producers *producers)
{
    int64_t first = first_open(producers);

    for (size_t i = 0; i < producers->ended_count; i++)
        if (first < 0 || producers->ended[i].first_offset < first)
            first = producers->ended[i].first_offset;
    return first;
}

void producers_committed(struct producers *producers, int64_t high_watermark)
{
    size_t kept = 0;

    for (size_t i = 0; i < producers->ended_count; i++)
        if (producers->ended[i].last_offset >= high_watermark)
            producers->ended[kept++] = producers->ended[i];
    producers->ended_count = kept;
}

size_t producers_expire(struct producers *producers, int64_t now_ms, int64_t expiration_ms)
{
    size_t kept = 0, gone;

    for (size_t i = 0; i < producers->count; i++) {
        const struct producer_state *producer = &producers->items[i];

        if (producer->transaction_start >= 0 || subtract_wrapping(now_ms, producer->last_timestamp_ms) < expiration_ms)
            producers->items[kept++] = *producer;
    }
    gone = producers->count - kept;
    producers->count = kept;
    return gone;
}

/* ---- snapshots ---- */

void producers_set_end(struct producers *producers, int64_t map_end)
{
    producers->map_end = map_end;
}

bool producers_has_snapshot(const struct producers *producers, int64_t offset)
{
    for (size_t i = producers->snapshot_count; i-- > 0 && producers->snapshots[i] >= offset;)
        if (producers->snapshots[i] == offset)
            return true;
    return false;
}

static void note_snapshot(struct producers *producers, int64_t offset)
{
    size_t i;

    if (producers_has_snapshot(producers, offset))
        return;
    (void)ARRAY_ADD(producers->snapshots, producers->snapshot_count, producers->snapshot_capacity);
    for (i = producers->snapshot_count - 1; i && producers->snapshots[i - 1] > offset; i--)
        producers->snapshots[i] = producers->snapshots[i - 1];
    producers->snapshots[i] = offset;
}

void producers_forget_snapshot(struct producers *producers, int64_t offset)
{
    size_t kept = 0;

    for (size_t i = 0; i < producers->snapshot_count; i++)
        if (producers->snapshots[i] != offset)
            producers->snapshots[kept++] = producers->snapshots[i];
    producers->snapshot_count = kept;
}

void producers_delete_snapshot(struct producers *producers, size_t i)
{
    char *path = segment_path(producers->dir, producers->snapshots[i], ".snapshot");

    if (!producers->looking)
        fs_unlink(producers->fs, path, NULL);
    mem_free(path);
    producers_forget_snapshot(producers, producers->snapshots[i]);
}

void producers_delete_snapshots_before(struct producers *producers, int64_t offset)
{
    while (producers->snapshot_count && producers->snapshots[0] < offset)
        producers_delete_snapshot(producers, 0);
}

static void encode(const struct producers *producers, struct buffer *out)
{
    buffer_i16(out, SNAPSHOT_VERSION);
    buffer_i32(out, 0);
    buffer_i32(out, (int32_t)producers->count);
    for (size_t i = 0; i < producers->count; i++) {
        const struct producer_state *producer = &producers->items[i];
        const struct producer_batch *last = producer->batch_count ? &producer->batches[producer->batch_count - 1] : NULL;

        buffer_i64(out, producer->producer_id);
        buffer_i16(out, producer->epoch);
        buffer_i32(out, last ? last->last_sequence : -1);
        buffer_i64(out, last ? last->last_offset : -1);
        buffer_i32(out, last ? last->offset_delta : 0);
        buffer_i64(out, producer->last_timestamp_ms);
        buffer_i32(out, producer->coordinator_epoch);
        buffer_i64(out, producer->transaction_start);
    }
    put_u32(out->data + 2, crc32c(out->data + 6, out->size - 6));
}

enum err producers_snapshot(struct producers *producers, struct reason *reason)
{
    struct buffer bytes = { 0 };
    struct file *file = NULL;
    char *path;
    enum err err;

    if (producers->map_end <= producers->last_snapshot || producers->looking)
        return ERR_OK;
    encode(producers, &bytes);
    path = segment_path(producers->dir, producers->map_end, ".snapshot");
    err = fs_open(producers->fs, path, FILE_READ | FILE_WRITE | FILE_CREATE, &file, reason);
    if (!err)
        err = file_truncate(file, 0, reason);
    if (!err)
        err = file_write(file, bytes.data, bytes.size, 0, reason);
    if (!err)
        err = file_sync(file, reason);
    file_close(file);
    mem_free(path);
    buffer_done(&bytes);
    if (!err) {
        note_snapshot(producers, producers->map_end);
        producers->last_snapshot = producers->map_end;
    }
    return err;
}

/* The last sequence less the number of records before it, on the ring of sequences. */
static int32_t sequence_before(int32_t last, int32_t delta)
{
    return last >= delta ? last - delta : (int32_t)((int64_t)INT32_MAX - (delta - (int64_t)last) + 1);
}

static bool decode(struct producers *producers, struct bytes bytes, int64_t now_ms, int64_t expiration_ms)
{
    struct reader reader = reader_of(bytes);
    int32_t count;

    if (bytes.size < SNAPSHOT_HEAD || reader_i16(&reader) != SNAPSHOT_VERSION ||
        reader_u32(&reader) != crc32c(bytes.data + 6, bytes.size - 6))
        return false;
    count = reader_i32(&reader);
    if (count < 0 || (size_t)count > reader_left(&reader) / SNAPSHOT_ENTRY)
        return false;
    while (count--) {
        int64_t id = reader_i64(&reader);
        int16_t epoch = reader_i16(&reader);
        int32_t last_sequence = reader_i32(&reader);
        int64_t last_offset = reader_i64(&reader);
        int32_t delta = reader_i32(&reader);
        int64_t timestamp_ms = reader_i64(&reader);
        int32_t coordinator_epoch = reader_i32(&reader);
        int64_t transaction_start = reader_i64(&reader);
        struct producer_state *producer;

        if (transaction_start < 0 && subtract_wrapping(now_ms, timestamp_ms) >= expiration_ms)
            continue;
        producer = find_or_add(producers, id);
        producer->epoch = epoch;
        producer->last_timestamp_ms = timestamp_ms;
        producer->coordinator_epoch = coordinator_epoch;
        producer->transaction_start = transaction_start < 0 ? -1 : transaction_start;
        producer->batch_count = 0;
        if (last_offset >= 0)
            add_batch(producer, (struct producer_batch){ sequence_before(last_sequence, delta), last_sequence, last_offset, delta, timestamp_ms });
    }
    return true;
}

enum err producers_list_snapshots(struct producers *producers, struct reason *reason)
{
    struct fs_names names;
    enum err err = fs_list(producers->fs, producers->dir, &names, reason);

    if (err)
        return err;
    producers->snapshot_count = 0;
    for (size_t i = 0; i < names.count; i++) {
        int64_t offset;
        char digits[21];

        if (strlen(names.names[i]) != 29 || !text_ends(names.names[i], ".snapshot"))
            continue;
        memcpy(digits, names.names[i], 20);
        digits[20] = 0;
        if (parse_i64(digits, &offset) && offset >= 0)
            note_snapshot(producers, offset);
    }
    fs_names_free(&names);
    return ERR_OK;
}

static void load_newest(struct producers *producers, int64_t log_start, int64_t now_ms, int64_t expiration_ms)
{
    producers->map_end = producers->last_snapshot = log_start;
    while (producers->snapshot_count) {
        int64_t offset = producers->snapshots[producers->snapshot_count - 1];
        char *path = segment_path(producers->dir, offset, ".snapshot");
        struct buffer bytes = { 0 };
        bool good = !fs_read_all(producers->fs, path, MOST_SNAPSHOT_BYTES, &bytes, NULL) &&
                    decode(producers, buffer_bytes(&bytes), now_ms, expiration_ms);

        buffer_done(&bytes);
        mem_free(path);
        if (good) {
            producers->map_end = producers->last_snapshot = offset;
            return;
        }
        forget_all(producers);
        producers_delete_snapshot(producers, producers->snapshot_count - 1);
    }
}

enum err producers_reload(struct producers *producers, int64_t log_start, int64_t log_end, int64_t now_ms, int64_t expiration_ms, struct reason *reason)
{
    (void)reason;
    for (size_t i = producers->snapshot_count; i-- > 0;)
        if (producers->snapshots[i] > log_end || producers->snapshots[i] <= log_start)
            producers_delete_snapshot(producers, i);
    if (producers->map_end != log_end) {
        forget_all(producers);
        load_newest(producers, log_start, now_ms, expiration_ms);
    } else {
        producers_start_moved(producers, log_start);
    }
    return ERR_OK;
}

void producers_start_moved(struct producers *producers, int64_t log_start)
{
    size_t kept = 0;

    for (size_t i = 0; i < producers->ended_count; i++)
        if (producers->ended[i].last_offset >= log_start)
            producers->ended[kept++] = producers->ended[i];
    producers->ended_count = kept;
    if (producers->map_end < log_start)
        producers->map_end = log_start;
    /* 2.7 unlinks them here; later releases with their segments */
    if (release_is_27(producers->release))
        producers_delete_snapshots_before(producers, log_start);
    producers->last_snapshot = producers->snapshot_count ? producers->snapshots[producers->snapshot_count - 1] : log_start;
}

void producers_clear(struct producers *producers, int64_t offset)
{
    forget_all(producers);
    while (producers->snapshot_count)
        producers_delete_snapshot(producers, producers->snapshot_count - 1);
    producers->last_snapshot = 0;
    producers->map_end = offset;
}
