/* Cleaning a log: the newest offset of each key is noted, then segments are written anew without what is superseded, and swapped in. Every step is
 * bounded; what it works on it finds again by base offsets, so the log may grow meanwhile.
 * Source: Kafka's Cleaner, CleanedTransactionMetadata, MemoryRecords.filterTo. */
#include "sim/log/log_internal.h"
#include "sim/log/offset_map.h"
#include "sim/log/record.h"

/* Segments that become one. */
struct group { int64_t first_base, last_base; size_t count; };

struct open_abort { struct aborted_entry entry; bool observed; }; /* observed: a batch of it was met in this pass */

/* What is known of transactions at the place where the pass is. */
struct transactions {
    struct aborted_entry *ahead;          /* by first offset, from `next` on */
    size_t next, ahead_count, ahead_capacity;
    struct open_abort *aborted;           /* by producer id */
    size_t aborted_count, aborted_capacity;
    int64_t *committed;                   /* producer ids with data that isn't aborted, sorted */
    size_t committed_count, committed_capacity;
};

struct last_record { int64_t producer_id, offset; int16_t epoch; }; /* offset -1: no data known */

enum stage { STAGE_MAP, STAGE_CLEAN, STAGE_SWAP, STAGE_DONE };

struct cleaning {
    struct log *log;
    struct compaction_decision decision;
    struct cleaner_limits limits;
    struct cleaning_result result;
    bool stopped;
    enum stage stage;
    int64_t now_ms, legacy_horizon_ms;
    struct offset_map map;
    struct transactions transactions;
    int64_t segment_base, position;       /* what is read next */
    struct buffer in;                     /* a piece of that segment */
    size_t in_at;
    size_t io_bytes;                      /* of a piece: grows for large batches */
    struct group *groups;
    size_t group_count, group_capacity, group;
    struct segment *cleaned;
    struct last_record *lasts;
    size_t last_count;
    bool retain_legacy;                   /* tombstones of 2.7 and of old messages, in this segment */
    bool discard;                         /* records of this batch */
    struct buffer out;                    /* of this piece, not written yet */
    int64_t out_batches, out_first_max_ms, out_max_ms, out_max_offset, out_last_offset;
    struct buffer kept;                   /* a byte a record of the batch at hand */
    struct batch_builder builder;
};

/* ---- transactions ---- */

static void expect_aborted(struct transactions *transactions, const struct aborted_entry *entry)
{
    size_t i;

    (void)ARRAY_ADD(transactions->ahead, transactions->ahead_count, transactions->ahead_capacity);
    for (i = transactions->ahead_count - 1; i > transactions->next && transactions->ahead[i - 1].first_offset > entry->first_offset; i--)
        transactions->ahead[i] = transactions->ahead[i - 1];
    transactions->ahead[i] = *entry;
}

/* Those that have records in [from, upper). */
static void collect_aborted(struct cleaning *cleaning, int64_t from, int64_t upper)
{
    struct log *log = cleaning->log;
    size_t i = log_segment_of(log, from);

    for (i = i == log->segment_count ? 0 : i; i < log->segment_count; i++) {
        const struct segment *segment = log->segments[i];

        for (size_t k = 0; k < segment->aborted_count; k++) {
            if (segment->aborted[k].last_offset >= from && segment->aborted[k].first_offset < upper)
                expect_aborted(&cleaning->transactions, &segment->aborted[k]);
            if (segment->aborted[k].last_stable_offset >= upper)
                return;
        }
    }
}

static size_t place_of_abort(const struct transactions *transactions, int64_t producer_id, bool *found)
{
    size_t low = 0, high = transactions->aborted_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (transactions->aborted[middle].entry.producer_id < producer_id)
            low = middle + 1;
        else
            high = middle;
    }
    *found = low < transactions->aborted_count && transactions->aborted[low].entry.producer_id == producer_id;
    return low;
}

static size_t place_of_committed(const struct transactions *transactions, int64_t producer_id, bool *found)
{
    size_t low = 0, high = transactions->committed_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (transactions->committed[middle] < producer_id)
            low = middle + 1;
        else
            high = middle;
    }
    *found = low < transactions->committed_count && transactions->committed[low] == producer_id;
    return low;
}

/* Aborted transactions that began by now are open. */
static void open_aborts(struct transactions *transactions, int64_t offset)
{
    while (transactions->next < transactions->ahead_count && transactions->ahead[transactions->next].first_offset <= offset) {
        const struct aborted_entry *entry = &transactions->ahead[transactions->next++];
        bool found;
        size_t place = place_of_abort(transactions, entry->producer_id, &found);

        if (found)
            continue;
        (void)ARRAY_ADD(transactions->aborted, transactions->aborted_count, transactions->aborted_capacity);
        memmove(&transactions->aborted[place + 1], &transactions->aborted[place],
                (transactions->aborted_count - 1 - place) * sizeof(*transactions->aborted));
        transactions->aborted[place] = (struct open_abort){ .entry = *entry };
    }
}

/* A data batch: is it of an aborted transaction? */
static bool batch_aborted(struct transactions *transactions, const struct batch *batch)
{
    bool found;
    size_t place;

    open_aborts(transactions, batch->last_offset);
    if (!batch_transactional(batch))
        return false;
    place = place_of_abort(transactions, batch->producer_id, &found);
    if (found) {
        transactions->aborted[place].observed = true;
        return true;
    }
    place = place_of_committed(transactions, batch->producer_id, &found);
    if (!found) {
        (void)ARRAY_ADD(transactions->committed, transactions->committed_count, transactions->committed_capacity);
        memmove(&transactions->committed[place + 1], &transactions->committed[place],
                (transactions->committed_count - 1 - place) * sizeof(*transactions->committed));
        transactions->committed[place] = batch->producer_id;
    }
    return false;
}

/* -1: the batch is empty, cleaned before; else the type of its control record (INT16_MIN: none that is known). */
static int marker_type(const struct batch *batch)
{
    struct record_iterator it;
    struct record record;
    int type = -1;

    records_begin(&it, batch);
    if (records_next(&it, &record))
        type = record.key.size >= 4 && get_i16(record.key.data) >= 0 ? get_i16(record.key.data + 2) : INT16_MIN;
    records_done(&it);
    return type;
}

/* A control batch: can it go, as nothing of its transaction was met in this pass? An abort that stays goes into the new index, if there is one. */
static enum err take_marker(struct cleaning *cleaning, struct segment *cleaned, const struct batch *batch, bool *can_go, struct reason *reason)
{
    struct transactions *transactions = &cleaning->transactions;
    struct aborted_entry entry;
    bool found, observed;
    size_t place;

    open_aborts(transactions, batch->last_offset);
    switch (marker_type(batch)) {
    case -1:
        *can_go = true;
        return ERR_OK;
    case 0:
        place = place_of_abort(transactions, batch->producer_id, &found);
        observed = found && transactions->aborted[place].observed;
        *can_go = !observed;
        if (!found)
            return ERR_OK;
        entry = transactions->aborted[place].entry;
        memmove(&transactions->aborted[place], &transactions->aborted[place + 1],
                (--transactions->aborted_count - place) * sizeof(*transactions->aborted));
        return observed && cleaned ? segment_add_aborted(cleaning->log, cleaned, &entry, reason) : ERR_OK;
    case 1:
        place = place_of_committed(transactions, batch->producer_id, &found);
        *can_go = !found;
        if (found)
            memmove(&transactions->committed[place], &transactions->committed[place + 1],
                    (--transactions->committed_count - place) * sizeof(*transactions->committed));
        return ERR_OK;
    default:
        *can_go = false;
        return ERR_OK;
    }
}

static void transactions_clear(struct transactions *transactions)
{
    transactions->next = transactions->ahead_count = transactions->aborted_count = transactions->committed_count = 0;
}

/* ---- reading in pieces ---- */

static struct segment *segment_at(const struct log *log, int64_t base_offset, size_t *index)
{
    size_t i = log_segment_of(log, base_offset);

    if (index)
        *index = i;
    return i < log->segment_count && log->segments[i]->base_offset == base_offset ? log->segments[i] : NULL;
}

static void begin_segment(struct cleaning *cleaning, int64_t base_offset, int64_t position)
{
    cleaning->segment_base = base_offset;
    cleaning->position = position;
    cleaning->in_at = 0;
    buffer_clear(&cleaning->in);
    cleaning->io_bytes = (size_t)cleaning->limits.io_bytes;
}

static bool piece_used_up(const struct cleaning *cleaning)
{
    return cleaning->in_at >= cleaning->in.size;
}

static enum err read_piece(struct cleaning *cleaning, const struct segment *segment, struct reason *reason)
{
    int64_t left = segment->size_bytes - cleaning->position;
    size_t size = left < (int64_t)cleaning->io_bytes ? (size_t)left : cleaning->io_bytes;

    cleaning->in_at = 0;
    buffer_clear(&cleaning->in);
    return file_read(segment->log, buffer_add(&cleaning->in, size), size, cleaning->position, reason);
}

/* Kafka doubles its buffers, up to max.message.bytes first and then to what the batch needs. */
static void grow_piece(struct cleaning *cleaning, size_t need)
{
    size_t most = (size_t)cleaning->log->config->max_message_bytes, size = cleaning->io_bytes * 2;

    if (cleaning->io_bytes >= most)
        most = need;
    cleaning->io_bytes = size < most ? size : most;
}

/* The next whole batch of the piece at hand, or of the next one. *end: the segment is read; *boundary: the piece is (and the batch not given). */
static enum err next_batch(struct cleaning *cleaning, const struct segment *segment, struct batch *out, bool *end, bool *boundary, struct reason *reason)
{
    size_t need;
    enum err err = ERR_OK;

    *end = *boundary = false;
    if (piece_used_up(cleaning)) {
        *end = cleaning->position >= segment->size_bytes;
        if (*end)
            return ERR_OK;
        err = read_piece(cleaning, segment, reason);
    }
    while (!err) {
        struct bytes left = { cleaning->in.data + cleaning->in_at, cleaning->in.size - cleaning->in_at };

        err = batch_decode(left, out, &need, reason);
        if (err != ERR_OFFSET_OUT_OF_RANGE)
            break;
        if (cleaning->position + (int64_t)need > segment->size_bytes)
            return err_because(ERR_CORRUPT_MESSAGE, reason, "%s: the batch at %lld has %zu bytes, the file ends before", file_path(segment->log),
                               (long long)cleaning->position, need);
        if (cleaning->in_at) {
            buffer_clear(&cleaning->in); /* the rest comes with the next piece */
            cleaning->in_at = 0;
            *boundary = true;
            return ERR_OK;
        }
        while (cleaning->io_bytes < need)
            grow_piece(cleaning, need);
        err = read_piece(cleaning, segment, reason);
    }
    if (err)
        return err;
    if (out->last_offset < out->base_offset && out->magic == 2)
        return err_because(ERR_CORRUPT_MESSAGE, reason, "%s: the batch at %lld ends before it begins", file_path(segment->log), (long long)cleaning->position);
    cleaning->in_at += (size_t)out->size_bytes;
    cleaning->position += out->size_bytes;
    return ERR_OK;
}

/* What a batch costs of a step's bytes: packed ones unfold. */
static int64_t cost(const struct batch *batch)
{
    enum { RECORD_COST = 100, UNKNOWN_FACTOR = 8 };
    int64_t unfolded = batch->record_count < 0 ? (int64_t)batch->size_bytes * UNKNOWN_FACTOR : (int64_t)batch->record_count * RECORD_COST;

    return unfolded > batch->size_bytes ? unfolded : batch->size_bytes;
}

/* ---- the offset map ---- */

static enum err map_records(struct cleaning *cleaning, const struct batch *batch, bool *full, struct reason *reason)
{
    struct record_iterator it;
    struct record record;
    enum err err;

    records_begin(&it, batch);
    while (!*full && records_next(&it, &record))
        if (record.key.data && record.offset >= cleaning->decision.first_dirty_offset)
            *full = !offset_map_put(&cleaning->map, record.key, record.offset);
    err = it.err ? err_because(it.err, reason, "%s", it.reason.text) : ERR_OK;
    records_done(&it);
    return err;
}

static enum err map_batch(struct cleaning *cleaning, const struct batch *batch, bool *full, struct reason *reason)
{
    bool unused;
    enum err err = ERR_OK;

    if (batch_control(batch))
        err = take_marker(cleaning, NULL, batch, &unused, reason);
    else if (!batch_aborted(&cleaning->transactions, batch))
        err = map_records(cleaning, batch, full, reason);
    if (!err && !*full && batch->last_offset >= cleaning->decision.first_dirty_offset)
        cleaning->map.latest_offset = batch->last_offset;
    return err;
}

/* Base of the next segment that is mapped; end_offset: none. What is left out between them is covered too. */
static int64_t next_base(const struct cleaning *cleaning, size_t i)
{
    const struct log *log = cleaning->log;
    int64_t end = cleaning->decision.end_offset;

    return i + 1 < log->segment_count && log->segments[i + 1]->base_offset < end ? log->segments[i + 1]->base_offset : end;
}

static void begin_cleaning(struct cleaning *cleaning);

static enum err step_map(struct cleaning *cleaning, int64_t most_bytes, struct reason *reason)
{
    size_t i;
    struct segment *segment = segment_at(cleaning->log, cleaning->segment_base, &i);
    int64_t left = most_bytes;
    bool end = false, boundary, full = false;
    struct batch batch;
    enum err err = ERR_OK;

    while (!err && !end && !full && left > 0) {
        err = next_batch(cleaning, segment, &batch, &end, &boundary, reason);
        if (err || end || boundary)
            continue;
        left -= cost(&batch);
        err = map_batch(cleaning, &batch, &full, reason);
    }
    if (err)
        return err;
    if (end) {
        int64_t base = next_base(cleaning, i);

        cleaning->map.latest_offset = base - 1;
        if (base < cleaning->decision.end_offset)
            begin_segment(cleaning, base, 0);
        else
            begin_cleaning(cleaning);
    } else if (full) {
        begin_cleaning(cleaning);
    }
    return ERR_OK;
}

/* ---- groups ---- */

/* The largest offset that segments[i] may hold. */
static int64_t last_possible(const struct cleaning *cleaning, size_t i, size_t count)
{
    return (i + 1 < count ? cleaning->log->segments[i + 1]->base_offset : cleaning->decision.end_offset) - 1;
}

static void make_groups(struct cleaning *cleaning)
{
    const struct log *log = cleaning->log;
    size_t count = 0;

    while (count < log->segment_count && log->segments[count]->base_offset < cleaning->result.end_offset)
        count++;
    for (size_t i = 0; i < count;) {
        struct group *group = &ARRAY_ADD(cleaning->groups, cleaning->group_count, cleaning->group_capacity);
        int64_t base = log->segments[i]->base_offset, size = 0, offsets = 0, times = 0;

        *group = (struct group){ .first_base = base };
        do {
            group->last_base = log->segments[i]->base_offset;
            size += log->segments[i]->size_bytes;
            offsets += (int64_t)log->segments[i]->offsets.count * OFFSET_ENTRY;
            times += (int64_t)log->segments[i]->times.count * TIME_ENTRY;
            group->count++;
            i++;
        } while (i < count && size + log->segments[i]->size_bytes <= log->config->segment_bytes &&
                 offsets + (int64_t)log->segments[i]->offsets.count * OFFSET_ENTRY <= log->config->segment_index_bytes &&
                 times + (int64_t)log->segments[i]->times.count * TIME_ENTRY <= log->config->segment_index_bytes &&
                 (!log->segments[i]->size_bytes || last_possible(cleaning, i, count) - base <= INT32_MAX));
    }
    for (size_t i = 0; i < count; i++)
        cleaning->result.bytes_before += log->segments[i]->size_bytes;
    cleaning->result.segments_before = (int64_t)count;
    cleaning->result.segments_after = (int64_t)cleaning->group_count;
}

static void begin_cleaning(struct cleaning *cleaning)
{
    cleaning->result.end_offset = cleaning->map.latest_offset + 1;
    cleaning->result.keys = cleaning->map.count;
    transactions_clear(&cleaning->transactions);
    make_groups(cleaning);
    cleaning->stage = cleaning->group_count ? STAGE_CLEAN : STAGE_DONE;
}

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

static void note_producers(struct cleaning *cleaning)
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

static void begin_out(struct cleaning *cleaning)
{
    buffer_clear(&cleaning->out);
    cleaning->out_batches = 0;
    cleaning->out_first_max_ms = cleaning->out_max_ms = cleaning->out_max_offset = cleaning->out_last_offset = -1;
}

/* What came of a piece is one append, as in Kafka: 2.7 makes at most one index entry of it. */
static enum err write_out(struct cleaning *cleaning, struct reason *reason)
{
    enum err err = ERR_OK;

    if (cleaning->out.size)
        err = segment_append(cleaning->log, cleaning->cleaned, &(struct segment_append){
            .records = buffer_bytes(&cleaning->out), .first_max_timestamp_ms = cleaning->out_first_max_ms,
            .last_offset = cleaning->out_last_offset, .max_timestamp_ms = cleaning->out_max_ms,
            .max_timestamp_offset = cleaning->out_max_offset, .batch_count = cleaning->out_batches }, reason);
    begin_out(cleaning);
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
        err = take_marker(cleaning, cleaning->cleaned, batch, &can_go, reason);
    else
        can_go = batch_aborted(&cleaning->transactions, batch);
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

static enum err clean_batch(struct cleaning *cleaning, const struct batch *batch, struct reason *reason)
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

/* ---- a group ---- */

/* The end of what segments[i] has, as its reader sees it. */
static int64_t read_end(struct log *log, struct segment *segment)
{
    struct scan scan;
    struct batch batch;
    int64_t end = segment->base_offset;

    segment_seek(log, segment, INT64_MAX, &scan);
    while (scan_next(&scan, &batch))
        end = batch.last_offset + 1;
    return end;
}

static void enter_segment(struct cleaning *cleaning, size_t i)
{
    struct log *log = cleaning->log;
    struct segment *segment = log->segments[i];
    bool last = segment->base_offset == cleaning->groups[cleaning->group].last_base;

    begin_segment(cleaning, segment->base_offset, 0);
    collect_aborted(cleaning, segment->base_offset, last ? read_end(log, segment) : log->segments[i + 1]->base_offset);
    cleaning->retain_legacy = segment_mtime(log, segment) > cleaning->legacy_horizon_ms;
}

static enum err begin_group(struct cleaning *cleaning, struct reason *reason)
{
    int64_t base = cleaning->groups[cleaning->group].first_base;
    size_t i;
    enum err err = segment_create_cleaned(cleaning->log, base, cleaning->now_ms, &cleaning->cleaned, reason);

    if (err)
        return err;
    cleaning->cleaned->batch_count = cleaning->cleaned->record_count = 0;
    note_producers(cleaning);
    begin_out(cleaning);
    segment_at(cleaning->log, base, &i);
    enter_segment(cleaning, i);
    return ERR_OK;
}

static enum err step_clean(struct cleaning *cleaning, int64_t most_bytes, struct reason *reason)
{
    struct log *log = cleaning->log;
    int64_t left = most_bytes;
    bool end = false, boundary;
    struct batch batch;
    size_t i;
    enum err err = cleaning->cleaned ? ERR_OK : begin_group(cleaning, reason);

    while (!err && left > 0) {
        struct segment *segment = segment_at(log, cleaning->segment_base, &i);

        err = next_batch(cleaning, segment, &batch, &end, &boundary, reason);
        if (!err && !end && !boundary) {
            left -= cost(&batch);
            err = clean_batch(cleaning, &batch, reason);
        }
        /* what outgrew Kafka's write buffer ends the piece too */
        if (!err && !end && !boundary && cleaning->out.size > cleaning->io_bytes)
            cleaning->in_at = cleaning->in.size;
        if (!err && (end || boundary || piece_used_up(cleaning)))
            err = write_out(cleaning, reason);
        if (err || !end)
            continue;
        if (segment->base_offset == cleaning->groups[cleaning->group].last_base) {
            cleaning->stage = STAGE_SWAP;
            return ERR_OK;
        }
        enter_segment(cleaning, i + 1);
        left -= 1;
    }
    return err;
}

static enum err step_swap(struct cleaning *cleaning, struct reason *reason)
{
    struct log *log = cleaning->log;
    const struct group *group = &cleaning->groups[cleaning->group];
    struct segment *cleaned = cleaning->cleaned, *last = segment_at(log, group->last_base, NULL);
    int64_t mtime_us = segment_mtime(log, last) * 1000;
    size_t i;
    enum err err = segment_load_offsets(log, cleaned, reason);

    if (!err)
        err = segment_load_times(log, cleaned, reason);
    if (!err)
        err = segment_finish(log, cleaned, reason);
    if (!err)
        err = segment_sync(cleaned, reason);
    if (err)
        return err;
    fs_set_mtime(log->env->fs, file_path(cleaned->log), mtime_us);
    fs_set_mtime(log->env->fs, file_path(cleaned->offsets.file), mtime_us);
    fs_set_mtime(log->env->fs, file_path(cleaned->times.file), mtime_us);
    segment_at(log, group->first_base, &i);
    err = log_replace_segments(log, i, group->count, cleaned, cleaning->now_ms, reason);
    if (!err || cleaned == log->segments[i])
        cleaning->cleaned = NULL;
    cleaning->group++;
    cleaning->stage = cleaning->group < cleaning->group_count ? STAGE_CLEAN : STAGE_DONE;
    return err;
}

/* ---- the whole ---- */

struct cleaning *cleaning_begin(struct log *log, const struct compaction_decision *decision, const struct cleaner_limits *limits)
{
    struct cleaning *cleaning = mem_zero(sizeof(*cleaning));
    int64_t range = decision->end_offset - decision->first_dirty_offset;
    size_t first = log_segment_of(log, decision->first_dirty_offset), below;
    struct scan scan;

    assert(decision->cleans && !log->cleaning);
    first = first < log->segment_count ? first : 0;
    cleaning->log = log;
    cleaning->decision = *decision;
    cleaning->limits = *limits;
    cleaning->now_ms = decision->decided_at_ms;
    cleaning->result = (struct cleaning_result){ .first_dirty_offset = decision->first_dirty_offset, .end_offset = decision->first_dirty_offset };
    if (cleaning->limits.io_bytes < 1)
        cleaning->limits.io_bytes = 1;
    offset_map_init(&cleaning->map, limits->dedupe_bytes, limits->load_factor, range > 0 ? range : 0);
    /* the last segment that begins below the dirty part tells how old tombstones must be */
    below = log_segment_of(log, decision->first_dirty_offset - 1);
    if (below < log->segment_count)
        cleaning->legacy_horizon_ms = subtract_wrapping(segment_mtime(log, log->segments[below]), log->config->delete_retention_ms);
    collect_aborted(cleaning, decision->first_dirty_offset, decision->end_offset);
    segment_seek(log, log->segments[first], decision->first_dirty_offset, &scan);
    begin_segment(cleaning, log->segments[first]->base_offset, scan.position);
    log->cleaning = cleaning;
    return cleaning;
}

void log_stop_cleaning(struct log *log)
{
    if (log->cleaning)
        log->cleaning->stopped = true;
}

static const char *plural(int64_t count)
{
    return count == 1 ? "" : "s";
}

static void say_cleaned(const struct cleaning *cleaning)
{
    const struct log *log = cleaning->log;
    const struct cleaning_result *result = &cleaning->result;
    struct text text = { 0 };

    if (!log->env->journal)
        return;
    text_printf(&text, "%s-%d: %lld segment%s %lld B -> %lld of %lld B, records %lld -> %lld; clean up to %lld", log->topic, log->partition,
                (long long)result->segments_before, plural(result->segments_before), (long long)result->bytes_before,
                (long long)result->segments_after, (long long)result->bytes_after, (long long)result->records_read,
                (long long)result->records_kept, (long long)result->end_offset);
    journal_add(log->env->journal, ENTRY(EVENT_log_cleaned, .broker = log->env->broker, .topic = log->topic, .partition = log->partition,
                                         .offset = result->end_offset, .rule = cleaning->decision.rule, .text = text_chars(&text),
                                         .facts = { { "first_dirty_offset", result->first_dirty_offset, NULL },
                                                    { "cleanable_bytes", cleaning->decision.cleanable_bytes, NULL },
                                                    { "clean_bytes", cleaning->decision.clean_bytes, NULL },
                                                    { "bytes_before", result->bytes_before, NULL }, { "bytes_after", result->bytes_after, NULL },
                                                    { "records_before", result->records_read, NULL }, { "records_after", result->records_kept, NULL },
                                                    { "superseded", result->superseded, NULL },
                                                    { "tombstones_kept", result->tombstones_kept, NULL },
                                                    { "tombstones_removed", result->tombstones_removed, NULL },
                                                    { "aborted", result->aborted, NULL }, { "keys", result->keys, NULL },
                                                    { "segments_before", result->segments_before, NULL }, { "segments_after", result->segments_after, NULL } },
                                         .fact_count = 14));
    text_done(&text);
}

enum cleaning_state cleaning_step(struct cleaning *cleaning, int64_t most_bytes, struct reason *reason)
{
    enum err err = ERR_OK;

    if (cleaning->stopped)
        return CLEANING_STOPPED;
    if (cleaning->stage == STAGE_MAP)
        err = step_map(cleaning, most_bytes, reason);
    else if (cleaning->stage == STAGE_CLEAN)
        err = step_clean(cleaning, most_bytes, reason);
    else if (cleaning->stage == STAGE_SWAP)
        err = step_swap(cleaning, reason);
    if (err)
        return CLEANING_FAILED;
    if (cleaning->stage != STAGE_DONE)
        return CLEANING_GOES_ON;
    say_cleaned(cleaning);
    return CLEANING_DONE;
}

const struct cleaning_result *cleaning_result(const struct cleaning *cleaning)
{
    return &cleaning->result;
}

void cleaning_end(struct cleaning *cleaning, bool tidy)
{
    if (!cleaning)
        return;
    if (cleaning->cleaned) {
        int64_t base = cleaning->cleaned->base_offset;

        segment_free(cleaning->cleaned);
        if (tidy) {
            segment_remove_files(cleaning->log, base, ".cleaned");
            segment_remove_files(cleaning->log, base, ".swap"); /* renamed in part, and never installed */
        }
    }
    cleaning->log->cleaning = NULL;
    offset_map_done(&cleaning->map);
    mem_free(cleaning->transactions.ahead);
    mem_free(cleaning->transactions.aborted);
    mem_free(cleaning->transactions.committed);
    buffer_done(&cleaning->in);
    buffer_done(&cleaning->out);
    buffer_done(&cleaning->kept);
    batch_builder_done(&cleaning->builder);
    mem_free(cleaning->groups);
    mem_free(cleaning->lasts);
    mem_free(cleaning);
}
