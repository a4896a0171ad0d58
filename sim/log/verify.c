/* Indexes that don't fit their log. Kafka believes an index that it finds after a clean stop; a damaged one leads it past records, or to a wrong moment of
 * deletion. Here each use looks whether the batch at the place is the one that the entry speaks of, and an index that lies is built anew from the log. */
#include "sim/log/log_internal.h"

static int32_t entry_offset(const struct index *index, uint32_t i) { return get_i32(index->entries + (size_t)i * OFFSET_ENTRY); }
static uint32_t entry_position(const struct index *index, uint32_t i) { return get_u32(index->entries + (size_t)i * OFFSET_ENTRY + 4); }
static int64_t entry_time(const struct index *index, uint32_t i) { return get_i64(index->entries + (size_t)i * TIME_ENTRY); }
static int32_t entry_time_offset(const struct index *index, uint32_t i) { return get_i32(index->entries + (size_t)i * TIME_ENTRY + 8); }

/* Entries grow, and stay within the segment. */
static bool offsets_sound(const struct segment *segment)
{
    const struct index *index = &segment->offsets;

    if (index->file && file_size(index->file) % OFFSET_ENTRY)
        return false;
    for (uint32_t i = 0; i < index->count; i++)
        if (entry_offset(index, i) < 0 || entry_position(index, i) >= segment->size_bytes ||
            (i && (entry_offset(index, i) <= entry_offset(index, i - 1) || entry_position(index, i) <= entry_position(index, i - 1))))
            return false;
    return true;
}

static bool times_sound(struct segment *segment)
{
    const struct index *index = &segment->times;

    if (index->file && file_size(index->file) % TIME_ENTRY)
        return false;
    for (uint32_t i = 0; i < index->count; i++)
        if (entry_time_offset(index, i) < 0 ||
            (i && (entry_time(index, i) <= entry_time(index, i - 1) || entry_time_offset(index, i) < entry_time_offset(index, i - 1))))
            return false;
    if (!index->count) /* none is right where no batch has a time, or none was closed yet */
        return !index->file || !segment->size_bytes || segment_first_timestamp(segment) < 0;
    return segment->size_bytes > 0;
}

/* Both indexes from the batches, as recovery makes them. */
static void mend(struct log *log, struct segment *segment, const char *what)
{
    bool active = segment == log_active(log);
    struct text text = { 0 };
    int64_t batches = 0, indexed_at = 0;
    struct scan scan;
    struct batch batch;
    enum err err = segment_reset_lookup(log, segment, NULL);

    segment->mended = true;
    scan_begin(&scan, segment, 0);
    for (; !err && scan_next(&scan, &batch); batches++)
        err = segment_index_found(log, segment, &batch, scan.at, &indexed_at, NULL);
    if (!err && !active)
        segment_finish(log, segment, NULL);
    text_printf(&text, "%s-%d/%lld: the %s does not fit the log: built anew from %lld batch%s", log->topic, log->partition, (long long)segment->base_offset,
                what, (long long)batches, batches == 1 ? "" : "es");
    journal_add(log->env->journal, ENTRY(EVENT_log_recovered, .broker = log->env->broker, .topic = log->topic, .partition = log->partition,
                                         .offset = segment->base_offset, .rule = "damaged index", .text = text_chars(&text),
                                         .facts = { { "batches", batches, NULL }, { "index", 0, what } }, .fact_count = 2));
    text_done(&text);
}

/* What is only looked at is left as it is; lookups that it leads astray go without. */
static bool is_looked_at(const struct log *log)
{
    return log->inspected || log->only_looks;
}

/* Once a segment: whether the entries of both files can be right at all. */
void segment_check(struct log *log, struct segment *segment)
{
    if (segment->checked || is_looked_at(log))
        return;
    segment->checked = true;
    if ((segment->offsets.file && segment_load_offsets(log, segment, NULL)) || (segment->times.file && segment_load_times(log, segment, NULL)))
        return; /* unreadable: lookups go without */
    if (!offsets_sound(segment))
        mend(log, segment, "offset index");
    else if (!times_sound(segment))
        mend(log, segment, "time index");
}

/* Does a batch lie at that entry's place, and end at the entry's offset, or before it (2.7's entry for several batches at once)? The scan stands before it. */
static bool entry_right(const struct segment *segment, uint32_t i, struct scan *scan)
{
    struct batch batch;
    bool right;

    scan_begin(scan, segment, entry_position(&segment->offsets, i));
    right = scan_next(scan, &batch) && batch.base_offset >= segment->base_offset && batch.last_offset - segment->base_offset <= entry_offset(&segment->offsets, i);
    scan->position = scan->at;
    scan->last_offset = -1;
    return right;
}

void segment_seek(struct log *log, struct segment *segment, int64_t offset, struct scan *scan)
{
    uint32_t n;

    segment_check(log, segment);
    n = segment_entries_to(segment, offset);
    if (n && n <= segment->offsets.found) {
        if (entry_right(segment, n - 1, scan))
            return;
        if (!segment->mended && !is_looked_at(log))
            mend(log, segment, "offset index");
        n = segment->offsets.found ? 0 : segment_entries_to(segment, offset); /* mended before: it is the log that is damaged, what can be read is found without */
    }
    scan_begin(scan, segment, n ? entry_position(&segment->offsets, n - 1) : 0);
}

/* An entry of the time index names the batch that has that timestamp as its largest. */
static bool time_right(struct log *log, struct segment *segment, int64_t timestamp_ms, int64_t offset)
{
    struct scan scan;
    struct batch batch;

    segment_seek(log, segment, offset, &scan);
    while (scan_next(&scan, &batch))
        if (batch.last_offset >= offset)
            return batch.max_timestamp_ms == timestamp_ms;
    return false;
}

void segment_time_position(struct log *log, struct segment *segment, int64_t timestamp_ms, int64_t *found_ms, int64_t *offset)
{
    segment_check(log, segment);
    segment_index_time(segment, timestamp_ms, found_ms, offset);
    if (*found_ms < 0 || segment->mended || time_right(log, segment, *found_ms, *offset))
        return;
    if (is_looked_at(log)) {
        *found_ms = -1;
        *offset = segment->base_offset;
        return;
    }
    mend(log, segment, "time index");
    segment_index_time(segment, timestamp_ms, found_ms, offset);
}

void segment_verify_newest(struct log *log, struct segment *segment)
{
    int64_t newest_ms = segment_max_timestamp(log, segment);

    if (segment->newest_verified || is_looked_at(log))
        return;
    segment->newest_verified = true;
    segment_check(log, segment);
    if (segment->mended || !segment->times.count || newest_ms < 0)
        return;
    if (!time_right(log, segment, newest_ms, segment->max_timestamp_offset))
        mend(log, segment, "time index");
}

/* ---- aborted transactions ---- */

/* The batch that holds an offset, whole; false: there is none. */
static bool batch_of(struct log *log, int64_t offset, struct buffer *buffer, struct batch *out)
{
    size_t i = log_segment_of(log, offset);
    int64_t position;
    int32_t size;

    if (i == log->segment_count)
        return false;
    position = segment_find(log, log->segments[i], offset, NULL, &size);
    return position >= 0 && !segment_read_batch(log->segments[i], position, size, buffer, out, NULL) && out->base_offset <= offset && out->last_offset >= offset;
}

static bool aborted_right(struct log *log, const struct segment *segment, const struct aborted_entry *entry, const struct aborted_entry *before)
{
    struct buffer buffer = { 0 };
    struct batch batch;
    struct producers none;
    struct completed completed;
    bool right = entry->first_offset >= 0 && entry->last_offset >= segment->base_offset && entry->first_offset <= entry->last_offset &&
                 entry->last_stable_offset >= 0 && entry->last_stable_offset <= entry->last_offset + 1 && (!before || (entry->last_offset > before->last_offset &&
                                                                                    entry->last_stable_offset >= before->last_stable_offset));

    producers_init(&none, log->env->fs, log->dir, log->env->release);
    if (right)
        right = batch_of(log, entry->last_offset, &buffer, &batch) && batch_control(&batch) && batch.producer_id == entry->producer_id;
    if (right) {
        producers_update(&none, &batch, &completed);
        right = completed.is && completed.aborted;
    }
    /* 2.7 takes a marker alone for a transaction of its own */
    if (right && entry->first_offset >= log->start_offset && entry->first_offset < entry->last_offset) /* compaction may have taken the data and left the marker */
        right = batch_of(log, entry->first_offset, &buffer, &batch) ? batch.producer_id == entry->producer_id && batch.base_offset == entry->first_offset &&
                batch_transactional(&batch) && !batch_control(&batch) : log->config->cleanup_compact;
    producers_done(&none);
    buffer_done(&buffer);
    return right;
}

struct aborted_list { struct aborted_entry *items; size_t count, capacity; };

/* What the batches say: producers followed from the first segment on, entries kept for `segment`. */
static void find_aborted(struct log *log, const struct segment *segment, struct aborted_list *out)
{
    struct producers producers;
    struct buffer buffer = { 0 };

    producers_init(&producers, log->env->fs, log->dir, log->env->release);
    for (size_t i = 0; i < log->segment_count && log->segments[i]->base_offset <= segment->base_offset; i++) {
        struct scan scan;
        struct batch batch, whole;

        scan_begin(&scan, log->segments[i], 0);
        while (scan_next(&scan, &batch)) {
            struct completed completed;

            if (batch.producer_id < 0 || !batch_transactional(&batch))
                continue;
            if (batch_control(&batch)) {
                if (segment_read_batch(log->segments[i], scan.at, batch.size_bytes, &buffer, &whole, NULL))
                    continue;
                batch = whole;
            }
            producers_update(&producers, &batch, &completed);
            if (!completed.is)
                continue;
            if (completed.aborted && completed.first_offset >= 0 && log->segments[i] == segment)
                ARRAY_ADD(out->items, out->count, out->capacity) = (struct aborted_entry){
                    completed.producer_id, completed.first_offset, completed.last_offset, producers_stable_offset(&producers, &completed) };
            producers_complete(&producers, &completed);
        }
    }
    buffer_done(&buffer);
    producers_done(&producers);
}

void segment_check_aborted(struct log *log, struct segment *segment)
{
    struct aborted_list list = { 0 };
    struct text text = { 0 };
    size_t found = segment->aborted_found;
    bool right = !segment->aborted_cut;

    if (!found && right)
        return;
    segment->aborted_found = 0;
    segment->aborted_cut = false;
    for (size_t i = 0; i < found && right; i++)
        right = aborted_right(log, segment, &segment->aborted[i], i ? &segment->aborted[i - 1] : NULL);
    if (right)
        return;
    find_aborted(log, segment, &list);
    segment_set_aborted(log, segment, list.items, list.count, NULL);
    text_printf(&text, "%s-%d/%lld: the transaction index does not fit the log: built anew, %zu aborted transaction%s", log->topic, log->partition,
                (long long)segment->base_offset, list.count, list.count == 1 ? "" : "s");
    journal_add(log->env->journal, ENTRY(EVENT_log_recovered, .broker = log->env->broker, .topic = log->topic, .partition = log->partition,
                                         .offset = segment->base_offset, .rule = "damaged index", .text = text_chars(&text),
                                         .facts = { { "aborted_transactions", (int64_t)list.count, NULL }, { "index", 0, "transaction index" } }, .fact_count = 2));
    text_done(&text);
    mem_free(list.items);
}
