/* Cleaning a log: what stays of a batch, and the batch that is written for it. Kafka's Cleaner.shouldRetainRecord, MemoryRecords.filterTo. */
#include "sim/log/cleaning_internal.h"

/* ---- which records stay ---- */

static bool tombstone_stays(const struct cleaning *cleaning, const struct batch *batch)
{
    if (log_is_27(cleaning->log) || batch->magic < 2)
        return cleaning->retain_legacy;
    return !(batch->attributes & ATTRIBUTE_DELETE_HORIZON) || cleaning->now_ms < batch->base_timestamp_ms;
}

static bool record_stays(struct cleaning *cleaning, const struct batch *batch, const struct record *record)
{
    struct cleaning_result *result = &cleaning->result;

    if (cleaning->discard) {
        result->aborted += !batch_control(batch);
        return false;
    }
    if (batch_control(batch) || record->offset > cleaning->map.latest_offset)
        return true;
    if (!record->key.data) {
        result->without_key++;
        return false;
    }
    if (record->offset < offset_map_get(&cleaning->map, record->key)) {
        result->superseded++;
        return false;
    }
    if (record->value.data)
        return true;
    if (!tombstone_stays(cleaning, batch)) {
        result->tombstones_removed++;
        return false;
    }
    result->tombstones_kept++;
    return true;
}

/* The last batch of a producer that is still known carries its last sequence, or its epoch. */
static bool last_of_producer(const struct cleaning *cleaning, const struct batch *batch)
{
    size_t low = 0, high = cleaning->last_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (cleaning->lasts[middle].producer_id < batch->producer_id)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == cleaning->last_count || cleaning->lasts[low].producer_id != batch->producer_id)
        return false;
    if (cleaning->lasts[low].offset >= 0)
        return batch->last_offset == cleaning->lasts[low].offset;
    return batch_control(batch) && batch->producer_epoch == cleaning->lasts[low].epoch;
}

void cleaning_note_producers(struct cleaning *cleaning)
{
    const struct producers *producers = &cleaning->log->producers;

    cleaning->last_count = producers->count;
    cleaning->lasts = mem_resize(cleaning->lasts, (producers->count ? producers->count : 1) * sizeof(*cleaning->lasts));
    for (size_t i = 0; i < producers->count; i++) {
        const struct producer_state *producer = &producers->items[i];

        cleaning->lasts[i] = (struct last_record){
            producer->producer_id, producer->batch_count ? producer->batches[producer->batch_count - 1].last_offset : -1, producer->epoch };
    }
}

/* ---- writing batches ---- */

static void note_written(struct cleaning *cleaning, int64_t max_timestamp_ms, int64_t max_timestamp_offset, int64_t last_offset, size_t size)
{
    if (!cleaning->out_batches++)
        cleaning->out_first_max_ms = max_timestamp_ms;
    if (max_timestamp_ms > cleaning->out_max_ms) {
        cleaning->out_max_ms = max_timestamp_ms;
        cleaning->out_max_offset = max_timestamp_offset;
    }
    if (last_offset > cleaning->out_last_offset)
        cleaning->out_last_offset = last_offset;
    cleaning->result.bytes_after += (int64_t)size;
}

void cleaning_begin_out(struct cleaning *cleaning)
{
    buffer_clear(&cleaning->out);
    cleaning->out_batches = 0;
    cleaning->out_first_max_ms = cleaning->out_max_ms = cleaning->out_max_offset = cleaning->out_last_offset = -1;
}

enum err cleaning_write_out(struct cleaning *cleaning, struct reason *reason)
{
    enum err err = ERR_OK;

    if (cleaning->out.size)
        err = segment_append(cleaning->log, cleaning->cleaned, &(struct segment_append){
            .records = buffer_bytes(&cleaning->out), .first_max_timestamp_ms = cleaning->out_first_max_ms,
            .last_offset = cleaning->out_last_offset, .max_timestamp_ms = cleaning->out_max_ms,
            .max_timestamp_offset = cleaning->out_max_offset, .batch_count = cleaning->out_batches }, reason);
    cleaning_begin_out(cleaning);
    return err;
}

static enum err write_empty(struct cleaning *cleaning, const struct batch *batch, struct reason *reason)
{
    struct batch_builder *builder = &cleaning->builder;
    struct bytes bytes;
    enum err err;

    if (batch->magic < 2)
        return err_because(ERR_UNKNOWN_SERVER_ERROR, reason, "an old message at %lld can't be kept as an empty batch", (long long)batch->last_offset);
    batch_builder_init(builder, CODEC_NONE);
    builder->base_offset = batch->base_offset;
    builder->last_delta = (int32_t)(batch->last_offset - batch->base_offset);
    builder->leader_epoch = batch->leader_epoch;
    builder->attributes = batch->attributes & (ATTRIBUTE_LOG_APPEND_TIME | ATTRIBUTE_TRANSACTIONAL | ATTRIBUTE_CONTROL);
    builder->max_timestamp_ms = batch->max_timestamp_ms;
    builder->producer_id = batch->producer_id;
    builder->producer_epoch = batch->producer_epoch;
    builder->base_sequence = batch->base_sequence;
    err = batch_builder_finish(builder, &bytes, reason);
    if (err)
        return err;
    buffer_put(&cleaning->out, bytes.data, bytes.size);
    note_written(cleaning, batch->max_timestamp_ms, batch->last_offset, batch->last_offset, bytes.size);
    cleaning->result.batches_emptied++;
    return ERR_OK;
}

/* The kept records of a batch in a new one. `horizon_ms` -1: none. */
static enum err rebuild(struct cleaning *cleaning, const struct batch *batch, int64_t horizon_ms, struct reason *reason)
{
    struct batch_builder *builder = &cleaning->builder;
    struct record_iterator it;
    struct record record;
    struct bytes bytes;
    int64_t last = -1;
    enum err err;

    batch_builder_init(builder, batch_codec(batch));
    builder->base_offset = batch->base_offset;
    builder->leader_epoch = batch->leader_epoch;
    builder->attributes = batch->attributes & (ATTRIBUTE_LOG_APPEND_TIME | ATTRIBUTE_TRANSACTIONAL | ATTRIBUTE_CONTROL);
    builder->producer_id = batch->producer_id;
    builder->producer_epoch = batch->producer_epoch;
    builder->base_sequence = batch->base_sequence;
    if (horizon_ms >= 0) {
        builder->attributes |= ATTRIBUTE_DELETE_HORIZON;
        builder->base_timestamp_ms = horizon_ms;
    }
    records_begin(&it, batch);
    for (size_t i = 0; records_next(&it, &record); i++) {
        if (!cleaning->kept.data[i])
            continue;
        batch_builder_add_at(builder, record.offset, record.timestamp_ms, record.key, record.value, record.headers, record.header_count);
        last = record.offset;
    }
    err = it.err ? err_because(it.err, reason, "%s", it.reason.text) : ERR_OK;
    records_done(&it);
    builder->last_delta = (int32_t)(batch->last_offset - batch->base_offset);
    if (!err)
        err = batch_builder_finish(builder, &bytes, reason);
    if (err)
        return err;
    buffer_put(&cleaning->out, bytes.data, bytes.size);
    note_written(cleaning, builder->max_timestamp_ms, batch->last_offset, log_is_27(cleaning->log) ? last : batch->last_offset, bytes.size);
    return ERR_OK;
}

static enum err rebuild_old(struct cleaning *cleaning, const struct batch *batch, struct reason *reason)
{
    struct set_builder builder;
    struct record_iterator it;
    struct record record;
    size_t before = cleaning->out.size;
    enum err err;

    set_builder_init(&builder, batch->magic, batch_codec(batch), batch_log_append_time(batch), batch->max_timestamp_ms);
    records_begin(&it, batch);
    for (size_t i = 0; records_next(&it, &record); i++)
        if (cleaning->kept.data[i])
            set_builder_add(&builder, record.offset, record.timestamp_ms, record.key, record.value);
    err = it.err ? err_because(it.err, reason, "%s", it.reason.text) : set_builder_finish(&builder, &cleaning->out, reason);
    if (!err)
        note_written(cleaning, batch_log_append_time(batch) ? batch->max_timestamp_ms : builder.max_timestamp_ms, builder.last_offset,
                     builder.last_offset, cleaning->out.size - before);
    records_done(&it);
    set_builder_done(&builder);
    return err;
}

/* ---- one batch ---- */

struct batch_verdict {
    bool marker_empty;          /* a marker of whose transaction nothing is left */
    bool retain_empty;
    int64_t count, kept;
    bool tombstones;            /* among the kept */
};

static enum err judge_records(struct cleaning *cleaning, const struct batch *batch, struct batch_verdict *verdict, struct reason *reason)
{
    struct record_iterator it;
    struct record record;
    enum err err;

    buffer_clear(&cleaning->kept);
    records_begin(&it, batch);
    while (records_next(&it, &record)) {
        bool stays = record_stays(cleaning, batch, &record);

        buffer_i8(&cleaning->kept, stays);
        verdict->count++;
        verdict->kept += stays;
        verdict->tombstones |= stays && !record.value.data;
    }
    err = it.err ? err_because(it.err, reason, "%s", it.reason.text) : ERR_OK;
    records_done(&it);
    cleaning->result.records_read += verdict->count;
    cleaning->result.records_kept += verdict->kept;
    cleaning->cleaned->record_count += verdict->kept;
    return err;
}

/* Is it to be dropped as a whole, or to be kept though nothing is left in it? */
static enum err judge_batch(struct cleaning *cleaning, const struct batch *batch, struct batch_verdict *verdict, struct reason *reason)
{
    bool can_go = false, horizon_passed;
    enum err err = ERR_OK;

    *verdict = (struct batch_verdict){ 0 };
    if (batch_control(batch))
        err = cleaning_take_marker(cleaning, cleaning->cleaned, batch, &can_go, reason);
    else
        can_go = cleaning_batch_aborted(&cleaning->transactions, batch);
    cleaning->discard = can_go;
    if (batch_control(batch)) {
        horizon_passed = batch->attributes & ATTRIBUTE_DELETE_HORIZON && batch->base_timestamp_ms <= cleaning->now_ms;
        cleaning->discard = can_go && (log_is_27(cleaning->log) ? !cleaning->retain_legacy : horizon_passed);
        verdict->marker_empty = can_go;
    }
    verdict->retain_empty = batch->producer_id >= 0 && last_of_producer(cleaning, batch);
    if (!log_is_27(cleaning->log) && batch->last_offset + 1 == cleaning->decision.end_offset)
        verdict->retain_empty = true;
    return err;
}

enum err cleaning_clean_batch(struct cleaning *cleaning, const struct batch *batch, struct reason *reason)
{
    struct batch_verdict verdict;
    bool set_horizon;
    int64_t horizon_ms = -1, relative = batch->last_offset - cleaning->cleaned->base_offset;
    enum err err;

    if (relative < 0 || relative > INT32_MAX)
        return err_because(ERR_CORRUPT_MESSAGE, reason, "the batch that ends at %lld can't be in the segment %lld", (long long)batch->last_offset,
                           (long long)cleaning->cleaned->base_offset);
    err = judge_batch(cleaning, batch, &verdict, reason);
    if (err)
        return err;
    if (cleaning->discard && batch_control(batch))
        cleaning->result.markers_removed += batch->record_count;
    if (cleaning->discard && !verdict.retain_empty) {
        if (!batch_control(batch) && batch->record_count > 0)
            cleaning->result.aborted += batch->record_count;
        cleaning->result.records_read += batch->record_count > 0 ? batch->record_count : 0;
        return ERR_OK;
    }
    err = judge_records(cleaning, batch, &verdict, reason);
    if (err)
        return err;
    if (!verdict.kept)
        return verdict.retain_empty ? write_empty(cleaning, batch, reason) : ERR_OK;
    set_horizon = !log_is_27(cleaning->log) && batch->magic >= 2 && (verdict.tombstones || verdict.marker_empty) &&
                  !(batch->attributes & ATTRIBUTE_DELETE_HORIZON);
    if (verdict.kept == verdict.count && !set_horizon) {
        buffer_put(&cleaning->out, batch->bytes.data, batch->bytes.size);
        note_written(cleaning, batch->max_timestamp_ms, batch->last_offset, batch->last_offset, batch->bytes.size);
        return ERR_OK;
    }
    if (batch->magic < 2)
        return rebuild_old(cleaning, batch, reason);
    if (set_horizon) {
        horizon_ms = cleaning->now_ms + cleaning->log->config->delete_retention_ms;
        cleaning->result.horizons_set++;
    } else if (batch->attributes & ATTRIBUTE_DELETE_HORIZON) {
        horizon_ms = batch->base_timestamp_ms;
    }
    return rebuild(cleaning, batch, horizon_ms, reason);
}
