/* Reading: slices for a fetch, walks over batches, lookups by time, aborted transactions. */
#include "sim/log/log_internal.h"

/* ---- where an offset lies ---- */

/* In segments[i]: position of the first batch with last offset >= offset; -1: none here. */
static int64_t position_of(struct log *log, size_t i, int64_t offset, int64_t *base_offset, int32_t *size)
{
    struct segment *segment = log->segments[i];
    int64_t position;
    int32_t found;

    if (offset >= log->end_offset)
        return i + 1 == log->segment_count ? segment->size_bytes : -1;
    for (int p = 0; p < PLACES; p++) {
        if (log->places[p].offset == offset && log->places[p].segment_base == segment->base_offset && (!size || log->places[p].size)) {
            *base_offset = offset;
            if (size)
                *size = log->places[p].size;
            return log->places[p].position;
        }
    }
    position = segment_find(log, segment, offset, base_offset, &found);
    if (position >= 0 && size)
        *size = found;
    if (position >= 0 && *base_offset == offset)
        log_note_place(log, offset, segment->base_offset, position, found);
    return position;
}

/* End of what may be read of segments[i] below `upper`. */
static int64_t end_position(struct log *log, size_t i, int64_t upper)
{
    int64_t position, base_offset;

    if (upper >= segment_next_offset(log, i))
        return log->segments[i]->size_bytes;
    position = position_of(log, i, upper, &base_offset, NULL);
    return position < 0 ? log->segments[i]->size_bytes : position;
}

int64_t log_first_offset_of_start(const struct log *log)
{
    int64_t offset = log->start_offset, base_offset = offset;

    for (size_t i = log_segment_of(log, offset); !log_is_27(log) && offset < log->end_offset && i < log->segment_count; i++)
        if (position_of((struct log *)log, i, offset, &base_offset, NULL) >= 0)
            return base_offset;
    return offset;
}

static enum err out_of_range(const struct log *log, int64_t offset, struct reason *reason)
{
    return err_because(ERR_OFFSET_OUT_OF_RANGE, reason,
                       "Received request for offset %lld for partition %s-%d, but we only have log segments upto %lld with a log start offset of %lld",
                       (long long)offset, log->topic, log->partition, (long long)log->end_offset, (long long)log->start_offset);
}

static enum err damaged(const struct log *log, size_t i, int64_t offset, struct reason *reason)
{
    return err_because(ERR_CORRUPT_MESSAGE, reason, "%s-%d: the segment at %lld is damaged before offset %lld: what lies there is no batch, and the rest of it can't be read",
                       log->topic, log->partition, (long long)log->segments[i]->base_offset, (long long)offset);
}

/* A segment ends before the next begins: compaction leaves such holes; else somebody cut the file. Kafka passes on to the next segment in silence. */
static void say_gap(struct log *log, size_t i)
{
    struct segment *segment = log->segments[i];
    int64_t next = segment_next_offset(log, i), end = segment->base_offset;
    struct text text = { 0 };
    struct scan scan;
    struct batch batch;

    if (segment->gap_said || log->config->cleanup_compact || i + 1 == log->segment_count)
        return;
    segment->gap_said = true;
    segment_seek(log, segment, INT64_MAX, &scan);
    while (scan_next(&scan, &batch))
        end = batch.last_offset + 1;
    if (end == next)
        return;
    text_printf(&text, "%s-%d/%lld: ends at %lld and the next segment begins at %lld: what was between them is not in the file", log->topic, log->partition,
                (long long)segment->base_offset, (long long)end, (long long)next);
    journal_add(log->env->journal, ENTRY(EVENT_log_recovered, .broker = log->env->broker, .topic = log->topic, .partition = log->partition,
                                         .offset = segment->base_offset, .rule = "missing offsets", .text = text_chars(&text),
                                         .facts = { { "from_offset", end, NULL }, { "to_offset", next, NULL } }, .fact_count = 2));
    text_done(&text);
}

enum err log_read(struct log *log, int64_t offset, int32_t max_bytes, int64_t upper, bool at_least_one, struct log_slice *out, struct reason *reason)
{
    int64_t position = -1, end, base_offset = offset, available;
    int32_t first_size;
    size_t i;

    *out = (struct log_slice){ .base_offset = offset };
    if (offset < log->start_offset || offset > log->end_offset)
        return out_of_range(log, offset, reason);
    if (upper > log->end_offset)
        upper = log->end_offset;
    if (offset >= upper)
        return ERR_OK;
    for (i = log_segment_of(log, offset); i < log->segment_count; i++) {
        position = position_of(log, i, offset, &base_offset, NULL);
        if (position == SEGMENT_DAMAGED)
            return damaged(log, i, offset, reason);
        if (position >= 0)
            break;
        say_gap(log, i);
    }
    if (position < 0 || log->segments[i]->base_offset >= upper)
        return ERR_OK;
    end = end_position(log, i, upper);
    available = end - position;
    if (available > max_bytes) {
        available = max_bytes;
        first_size = 0;
        if (at_least_one && position_of(log, i, offset, &base_offset, &first_size) >= 0 && available < first_size)
            available = first_size;
        if (position + available > end)
            available = end - position;
    }
    if (available <= 0)
        return ERR_OK;
    out->file = file_pin(log->segments[i]->log);
    out->position = position;
    out->size = (int32_t)(available < INT32_MAX ? available : INT32_MAX);
    out->base_offset = base_offset;
    return ERR_OK;
}

int64_t log_readable_bytes(struct log *log, int64_t offset, int64_t upper, int64_t most)
{
    int64_t bytes = 0, position, base_offset;

    if (offset < log->start_offset)
        offset = log->start_offset;
    if (upper > log->end_offset)
        upper = log->end_offset;
    if (offset >= upper)
        return 0;
    for (size_t i = log_segment_of(log, offset); i < log->segment_count && bytes < most; i++) {
        if (log->segments[i]->base_offset >= upper)
            break;
        position = bytes ? 0 : position_of(log, i, offset, &base_offset, NULL);
        if (position >= 0)
            bytes += end_position(log, i, upper) - position;
    }
    return bytes < most ? bytes : most;
}

/* ---- walking ---- */

enum { PIECE = 16 * 1024 };

void log_cursor_init(struct log_cursor *cursor, struct log *log, int64_t offset, bool headers_only)
{
    *cursor = (struct log_cursor){ .log = log, .offset = offset, .headers_only = headers_only, .segment_base = -1, .next_position = -1, .piece_base = -1 };
}

void log_cursor_done(struct log_cursor *cursor)
{
    buffer_done(&cursor->buffer);
}

/* `size` bytes at `position` of the segment, in the cursor's buffer; NULL: not there. */
static const uint8_t *piece(struct log_cursor *cursor, const struct segment *segment, int64_t position, size_t size)
{
    int64_t left = segment->size_bytes - position;
    size_t want = size > PIECE ? size : PIECE;

    if (left < (int64_t)size)
        return NULL;
    if (cursor->piece_base != segment->base_offset || position < cursor->piece_at ||
        position + (int64_t)size > cursor->piece_at + (int64_t)cursor->buffer.size) {
        if ((int64_t)want > left)
            want = (size_t)left;
        cursor->piece_base = -1;
        buffer_clear(&cursor->buffer);
        if (file_read(segment->log, buffer_add(&cursor->buffer, want), want, position, NULL))
            return NULL;
        cursor->piece_base = segment->base_offset;
        cursor->piece_at = position;
    }
    return cursor->buffer.data + (position - cursor->piece_at);
}

static bool batch_at(struct log_cursor *cursor, const struct segment *segment, int64_t position, struct batch *out)
{
    int64_t left = segment->size_bytes - position;
    size_t head = left < BATCH_HEADER ? (size_t)left : BATCH_HEADER;
    const uint8_t *bytes = left >= 17 ? piece(cursor, segment, position, head) : NULL;

    if (!bytes || batch_decode_header((struct bytes){ bytes, head }, out, NULL) || out->size_bytes > left)
        return false;
    out->bytes = (struct bytes){ NULL, 0 };
    if (cursor->headers_only)
        return true;
    bytes = piece(cursor, segment, position, (size_t)out->size_bytes);
    return bytes && !batch_decode((struct bytes){ bytes, (size_t)out->size_bytes }, out, NULL, NULL);
}

/* A walk only looks: an index that does not fit the log is left to those who serve by it, or looking would change what comes (and be written in the journal). */
static int64_t position_looked_up(struct log *log, size_t i, int64_t offset)
{
    int64_t position, base_offset;

    log->only_looks = true;
    position = position_of(log, i, offset, &base_offset, NULL);
    log->only_looks = false;
    return position;
}

bool log_cursor_next(struct log_cursor *cursor, struct batch *out)
{
    struct log *log = cursor->log;
    int64_t offset = cursor->offset > log->start_offset ? cursor->offset : log->start_offset;
    size_t i = log_segment_of(log, offset);
    int64_t position = -1;

    if (cursor->changes != log->changes) {
        cursor->next_position = cursor->piece_base = -1;
        cursor->changes = log->changes;
    }
    if (offset >= log->end_offset)
        return false;
    if (i == log->segment_count)
        i = 0;
    if (cursor->next_position >= 0 && log->segments[i]->base_offset == cursor->segment_base && cursor->next_position < log->segments[i]->size_bytes)
        position = cursor->next_position;
    for (; position < 0 && i < log->segment_count; i++) {
        position = position_looked_up(log, i, offset);
        if (position >= 0)
            break;
    }
    if (position < 0 || i == log->segment_count || !batch_at(cursor, log->segments[i], position, out))
        return false;
    if (out->last_offset < offset) /* damaged: offsets never go back, or there would be no end */
        return false;
    cursor->segment_base = log->segments[i]->base_offset;
    cursor->position = position;
    cursor->next_position = position + out->size_bytes;
    cursor->offset = out->last_offset + 1;
    return true;
}

/* ---- by time ---- */

/* The first record of the batch that is new enough and not below the log's start. */
static bool record_since(const struct batch *batch, int64_t timestamp_ms, int64_t start, struct log_found *out)
{
    struct record_iterator it;
    struct record record;
    bool found = false;

    records_begin(&it, batch);
    while (!found && records_next(&it, &record)) {
        if (record.timestamp_ms >= timestamp_ms && record.offset >= start) {
            *out = (struct log_found){ record.offset, record.timestamp_ms, batch->leader_epoch };
            found = true;
        }
    }
    records_done(&it);
    return found;
}

/* From the batch that holds `from` on. */
static bool search_segment(struct log *log, struct segment *segment, int64_t from, int64_t timestamp_ms, int64_t start, struct log_found *out)
{
    struct scan scan;
    struct batch header, batch;
    struct buffer buffer = { 0 };
    bool found = false;

    segment_seek(log, segment, from, &scan);
    while (!found && scan_next(&scan, &header))
        if (header.max_timestamp_ms >= timestamp_ms && header.last_offset >= start &&
            !segment_read_batch(segment, scan.at, header.size_bytes, &buffer, &batch, NULL))
            found = record_since(&batch, timestamp_ms, start, out);
    buffer_done(&buffer);
    return found;
}

enum err log_offset_for_time(struct log *log, int64_t timestamp_ms, struct log_found *out, struct reason *reason)
{
    *out = (struct log_found){ -1, -1, -1 };
    for (size_t i = 0; i < log->segment_count; i++) {
        struct segment *segment = log->segments[i];
        int64_t found_ms, offset;
        enum err err = segment_load_times(log, segment, reason);

        if (err)
            return err;
        if (segment_newest(log, segment, NULL) < timestamp_ms)
            continue;
        err = segment_load_offsets(log, segment, reason);
        if (err)
            return err;
        segment_time_position(log, segment, timestamp_ms, &found_ms, &offset);
        if (offset < log->start_offset)
            offset = log->start_offset;
        search_segment(log, segment, offset, timestamp_ms, log->start_offset, out);
        break;
    }
    return ERR_OK;
}

enum err log_offset_of_max_timestamp(struct log *log, struct log_found *out, struct reason *reason)
{
    struct segment *best = log->segments[0];
    int64_t most_ms = -1;
    enum err err = ERR_OK;

    *out = (struct log_found){ -1, -1, -1 };
    for (size_t i = 0; i < log->segment_count && !err; i++) {
        err = segment_load_times(log, log->segments[i], reason);
        if (!err && segment_max_timestamp(log, log->segments[i]) > most_ms) {
            best = log->segments[i];
            most_ms = best->max_timestamp_ms;
        }
    }
    if (!err)
        err = segment_load_offsets(log, best, reason);
    if (err)
        return err;
    /* below the log start too: what DeleteRecords hid is found until its segment goes. Without timestamps it is the first record there is */
    search_segment(log, best, most_ms < 0 ? best->base_offset : best->max_timestamp_offset, most_ms, 0, out);
    return ERR_OK;
}

/* ---- aborted transactions ---- */

int64_t log_aborted_bound(struct log *log, int64_t offset, int32_t size)
{
    int64_t position = -1, base_offset, found;
    size_t i;

    for (i = log_segment_of(log, offset); i < log->segment_count && position < 0; i++)
        position = position_of(log, i, offset, &base_offset, NULL);
    if (position < 0)
        return log->end_offset;
    i--;
    found = segment_indexed_from(log->segments[i], position + size);
    return found >= 0 ? found : segment_next_offset(log, i);
}

size_t log_aborted(struct log *log, int64_t from, int64_t upper, struct aborted *out, size_t most)
{
    size_t count = 0, i = log_segment_of(log, from);

    for (i = i == log->segment_count ? 0 : i; i < log->segment_count; i++) {
        struct segment *segment = log->segments[i];

        segment_check_aborted(log, segment);
        for (size_t k = 0; k < segment->aborted_count; k++) {
            const struct aborted_entry *entry = &segment->aborted[k];

            if (entry->last_offset >= from && entry->first_offset < upper) {
                if (count < most)
                    out[count] = (struct aborted){ entry->producer_id, entry->first_offset };
                count++;
            }
            if (entry->last_stable_offset >= upper)
                return count;
        }
    }
    return count;
}

/* ---- for looking ---- */

size_t log_segment_count(const struct log *log)
{
    return log->deleted_count + log->segment_count;
}

void log_segment_get(const struct log *log, size_t i, struct segment_info *out)
{
    bool deleted = i < log->deleted_count;
    size_t at = i - log->deleted_count;
    struct segment *segment = deleted ? log->deleted[i] : log->segments[at];
    int64_t next = deleted ? -1 : segment_next_offset(log, at), retention_ms = log->config->retention_ms;

    if (deleted)
        next = segment->deleted_next_offset;
    *out = (struct segment_info){
        .state = deleted ? SEGMENT_DELETED : at + 1 == log->segment_count ? SEGMENT_ACTIVE : SEGMENT_CLOSED,
        .base_offset = segment->base_offset, .next_offset = next, .size_bytes = segment->size_bytes,
        .index_bytes = (int64_t)segment->offsets.count * OFFSET_ENTRY, .time_index_bytes = (int64_t)segment->times.count * TIME_ENTRY,
        .first_timestamp_ms = segment_first_timestamp(segment), .newest_ms = segment_max_timestamp((struct log *)log, segment),
        .mtime_ms = segment_mtime((struct log *)log, segment), .created_ms = segment->created_ms,
        .deleted_at_ms = segment->deleted_at_ms, .unlink_at_ms = segment->unlink_at_ms,
        .expires_at_ms = INT64_MAX, .batch_count = segment->batch_count,
        .record_count = segment->record_count,
    };
    if (!deleted && segment->size_bytes && retention_ms >= 0 && log->config->cleanup_delete) {
        int64_t newest = segment_newest((struct log *)log, segment, NULL);

        out->expires_at_ms = newest > INT64_MAX - retention_ms - 1 ? INT64_MAX : newest + retention_ms + 1;
    }
}
