/* Cleaning a log: the newest offset of each key is noted, then segments are written anew without what is superseded, and swapped in. Every step is
 * bounded; what it works on it finds again by base offsets, so the log may grow meanwhile.
 * Source: Kafka's Cleaner. */
#include "sim/log/cleaning_internal.h"

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
        err = cleaning_take_marker(cleaning, NULL, batch, &unused, reason);
    else if (!cleaning_batch_aborted(&cleaning->transactions, batch))
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
    cleaning_transactions_clear(&cleaning->transactions);
    make_groups(cleaning);
    cleaning->stage = cleaning->group_count ? STAGE_CLEAN : STAGE_DONE;
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
    cleaning_collect_aborted(cleaning, segment->base_offset, last ? read_end(log, segment) : log->segments[i + 1]->base_offset);
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
    cleaning_note_producers(cleaning);
    cleaning_begin_out(cleaning);
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
            err = cleaning_clean_batch(cleaning, &batch, reason);
        }
        /* what outgrew Kafka's write buffer ends the piece too */
        if (!err && !end && !boundary && cleaning->out.size > cleaning->io_bytes)
            cleaning->in_at = cleaning->in.size;
        if (!err && (end || boundary || piece_used_up(cleaning)))
            err = cleaning_write_out(cleaning, reason);
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
    cleaning_collect_aborted(cleaning, decision->first_dirty_offset, decision->end_offset);
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
