/* The files beside a .log as kafka-dump-log shows them: offset, time and transaction indexes held against the log, and producer snapshots.
 * Source: Kafka's AbstractIndex, OffsetIndex, TimeIndex, TransactionIndex, ProducerStateManager. */
#include <inttypes.h>
#include <string.h>

#include "shell/commands/dump_log.h"

enum { OFFSET_BYTES = 8, TIME_BYTES = 12, ABORTED_BYTES = 34, WARM_BYTES = 8192, SNAPSHOT_HEAD = 10, SNAPSHOT_PRODUCER = 46 };

struct entries {
    struct dump_file *file;
    int64_t base_offset, count, entry_bytes;
    int64_t sound_from; /* the log's batches from here on were all found; -1: not looked at */
};
struct index_entry { int64_t timestamp, offset, position; };

/* An index file as Kafka maps it. It makes one that is missing, and then finds that it must not; here nothing is made. */
static bool open_entries(struct dump *dump, struct entries *out, struct dump_file *file, int64_t entry_bytes)
{
    out->file = file;
    out->sound_from = -1;
    out->entry_bytes = entry_bytes;
    if (!file->file)
        return trouble_illegal(&dump->trouble, "Invalid max index size: -1");
    out->count = file->size / entry_bytes;
    return true;
}

static bool read_entry(struct dump *dump, struct entries *entries, int64_t i, struct index_entry *out)
{
    struct bytes bytes;
    struct reader reader;
    struct offset_entry offset;
    struct time_entry time;

    if (!dump_bytes(dump, entries->file, i * entries->entry_bytes, (size_t)entries->entry_bytes, &bytes))
        return false;
    reader = reader_of(bytes);
    if (entries->entry_bytes == OFFSET_BYTES) {
        fields_decode(&offset_entry_layout, 0, &reader, &dump->records.arena, &offset, NULL);
        *out = (struct index_entry){ .offset = entries->base_offset + offset.relative_offset, .position = offset.position };
    } else {
        fields_decode(&time_entry_layout, 0, &reader, &dump->records.arena, &time, NULL);
        *out = (struct index_entry){ .timestamp = time.timestamp, .offset = entries->base_offset + time.relative_offset };
    }
    return true;
}

static bool passed(struct dump *dump, const struct dump_file *file)
{
    text_printf(&dump->out, "%s passed sanity check.\n", file->shown);
    return true;
}

static const char *corrupt_class(const struct dump *dump)
{
    return dump->old ? "kafka.log.CorruptIndexException" : "org.apache.kafka.storage.internals.log.CorruptIndexException";
}

/* .log and .index of the same base offset; *good tells whether the .log is there. */
static bool open_beside(struct dump *dump, const struct dump_file *file, const char *suffix, struct dump_file *out)
{
    char *name = dump_beside(file->absolute, suffix);
    bool good = dump_open(dump, out, name);

    mem_free(name);
    return good;
}

/* ---- .index ---- */

static bool check_offsets(struct dump *dump, struct entries *index)
{
    struct index_entry last = { 0 };

    if (index->count && !read_entry(dump, index, index->count - 1, &last))
        return false;
    if (index->count && last.offset < index->base_offset)
        return trouble_set(&dump->trouble, corrupt_class(dump),
                           "Corrupt index found, index file %s has non-zero size but the last offset is %" PRId64
                           " which is less than the base offset %" PRId64 "%s", index->file->absolute, last.offset, index->base_offset,
                           dump->old ? "." : "");
    if (index->file->size % OFFSET_BYTES)
        return trouble_set(&dump->trouble, corrupt_class(dump),
                           "Index file %s is corrupt, found %" PRId64 " bytes which is neither positive nor a multiple of 8%s", index->file->absolute,
                           index->file->size, dump->old ? "." : "");
    return passed(dump, index->file);
}

/* The last offset of the batch that an entry points at. */
static bool batch_at(struct dump *dump, struct dump_file *log, int64_t position, int64_t *last_offset)
{
    struct dump_batch batch;
    int64_t end;
    int there;

    if (position < 0)
        return trouble_illegal(&dump->trouble, "Invalid position: %" PRId64 " in read from FileRecords(size=%" PRId64
                               ", file=%s, start=0, end=2147483647)", position, log->size, log->shown);
    if (position > log->size)
        return trouble_illegal(&dump->trouble, "Slice from position %" PRId64 " exceeds end position of FileRecords(size=%" PRId64
                               ", file=%s, start=0, end=2147483647)", position, log->size, log->shown);
    end = log->size - position < dump->max_message_size ? log->size : position + dump->max_message_size;
    there = dump_next_batch(dump, log, &position, end, &batch);
    if (!there)
        return trouble_set(&dump->trouble, "java.util.NoSuchElementException", NULL);
    *last_offset = there > 0 ? batch.batch.last_offset : -1;
    return there > 0;
}

static bool dump_offsets(struct dump *dump, struct entries *index, struct dump_file *log)
{
    for (int64_t i = 0; i < index->count; i++) {
        struct index_entry entry;
        int64_t last_offset;

        if (!read_entry(dump, index, i, &entry))
            return false;
        if (entry.offset == index->base_offset && (i > 0 || (dump->friendly && !entry.position))) /* what was made ready and not used */
            return true;
        if (!batch_at(dump, log, entry.position, &last_offset))
            return false;
        if (last_offset != entry.offset)
            dump_found(dump, DUMP_MISMATCH, index->file->absolute, entry.offset, last_offset);
        if (!dump->verify_only)
            text_printf(&dump->out, "offset: %" PRId64 " position: %" PRId64 "\n", entry.offset, entry.position);
        if (!dump_flush(dump, false))
            return false;
        arena_reset(&dump->records.arena);
    }
    return true;
}

bool dump_index_file(struct dump *dump, struct dump_file *file)
{
    struct entries index = { 0 };
    struct dump_file log = { 0 };
    bool good = dump_base_offset(dump, file->shown, &index.base_offset) && open_beside(dump, file, ".log", &log) &&
                open_entries(dump, &index, file, OFFSET_BYTES);

    if (good && !dump->old && !index.count)
        text_printf(&dump->out, "%s is empty.\n", file->shown);
    else if (good)
        good = dump->sanity_only ? check_offsets(dump, &index) : dump_offsets(dump, &index, &log);
    dump_close(&log);
    return good;
}

/* ---- .timeindex ---- */

static bool check_times(struct dump *dump, struct entries *times)
{
    struct index_entry first = { 0 }, last = { .timestamp = -1, .offset = times->base_offset };

    if (times->count && (!read_entry(dump, times, 0, &first) || !read_entry(dump, times, times->count - 1, &last)))
        return false;
    if (times->count && last.timestamp < first.timestamp)
        return trouble_set(&dump->trouble, corrupt_class(dump),
                           "Corrupt time index found, time index file (%s) has non-zero size but the last timestamp is %" PRId64
                           " which is less than the first timestamp %" PRId64, times->file->absolute, last.timestamp, first.timestamp);
    if (times->count && last.offset < times->base_offset)
        return trouble_set(&dump->trouble, corrupt_class(dump),
                           "Corrupt time index found, time index file (%s) has non-zero size but the last offset is %" PRId64
                           " which is less than the first offset %" PRId64, times->file->absolute, last.offset, times->base_offset);
    if (times->file->size % TIME_BYTES)
        return trouble_set(&dump->trouble, corrupt_class(dump),
                           "Time index file %s is corrupt, found %" PRId64 " bytes which is neither positive nor a multiple of 12%s",
                           times->file->absolute, times->file->size, dump->old ? "." : "");
    return passed(dump, times->file);
}

static bool search(struct dump *dump, struct entries *index, int64_t low, int64_t high, int64_t offset, struct index_entry *out)
{
    while (low < high) {
        int64_t middle = (low + high + 1) / 2;

        if (!read_entry(dump, index, middle, out))
            return false;
        if (out->offset == offset)
            return true;
        if (out->offset > offset)
            high = middle - 1;
        else
            low = middle;
    }
    return read_entry(dump, index, low, out);
}

/* OffsetIndex.lookup, with its search of the warm end first: that matters where zeros fill the file. */
static bool lookup(struct dump *dump, struct entries *index, int64_t offset, struct index_entry *out)
{
    int64_t first_hot = index->count - 1 - WARM_BYTES / OFFSET_BYTES;
    struct index_entry entry;

    *out = (struct index_entry){ .offset = index->base_offset };
    if (!index->count)
        return true;
    if (first_hot < 0)
        first_hot = 0;
    if (!read_entry(dump, index, first_hot, &entry))
        return false;
    if (entry.offset < offset)
        return search(dump, index, first_hot, index->count - 1, offset, out);
    if (!read_entry(dump, index, 0, &entry))
        return false;
    return entry.offset > offset || search(dump, index, 0, first_hot, offset, out);
}

static bool newest_timestamp(struct dump *dump, const struct dump_batch *at, int64_t *out)
{
    struct record_iterator it;
    struct record record;
    bool good;

    *out = -1;
    if (at->batch.magic >= 2 && at->size < BATCH_HEADER)
        return trouble_set(&dump->trouble, "java.lang.IndexOutOfBoundsException", NULL);
    records_begin(&it, &at->batch);
    while (records_next(&it, &record))
        if (record.timestamp_ms > *out)
            *out = record.timestamp_ms;
    dump->timestamps_only = true;
    good = !it.err || dump_record_trouble(dump, &it);
    dump->timestamps_only = false;
    records_done(&it);
    return good;
}

/* 4.3 looks at all batches behind that place before it looks at any. Done once from the first place: what is sound there is sound behind. */
static bool all_batches(struct dump *dump, struct entries *times, struct dump_file *log, int64_t position)
{
    struct dump_batch batch;
    int there;

    if (dump->old || (times->sound_from >= 0 && position >= times->sound_from))
        return true;
    times->sound_from = position;
    while ((there = dump_next_batch(dump, log, &position, log->size, &batch)) > 0)
        if (!dump_flush(dump, false))
            return false;
    return !there;
}

static bool check_time(struct dump *dump, struct entries *times, struct dump_file *log, int64_t position, const struct index_entry *entry, int64_t previous)
{
    struct dump_batch batch;
    int64_t newest;
    int there;

    if (position < 0 || position > log->size) {
        int64_t unread;

        return batch_at(dump, log, position, &unread);
    }
    if (!all_batches(dump, times, log, position))
        return false;
    while ((there = dump_next_batch(dump, log, &position, log->size, &batch)) > 0 && batch.batch.last_offset < entry->offset)
        if (!dump_flush(dump, false))
            return false;
    if (there < 0)
        return false;
    if (!there || batch.batch.last_offset != entry->offset) {
        dump_found(dump, DUMP_NOT_FOUND, times->file->absolute, entry->offset, there ? batch.batch.last_offset : -1);
        return true;
    }
    if (!newest_timestamp(dump, &batch, &newest))
        return false;
    if (newest != entry->timestamp)
        dump_found(dump, DUMP_TIME_MISMATCH, times->file->absolute, entry->timestamp, newest);
    if (previous >= entry->timestamp)
        dump_found(dump, DUMP_OUT_OF_ORDER, times->file->absolute, entry->timestamp, previous);
    return true;
}

static bool dump_times(struct dump *dump, struct entries *times, struct entries *index, struct dump_file *log)
{
    int64_t previous = -1;

    for (int64_t i = 0; i < times->count; i++) {
        struct index_entry entry, place;

        if (!read_entry(dump, times, i, &entry))
            return false;
        if (entry.offset == times->base_offset && (i > 0 || (dump->friendly && !entry.timestamp)))
            return true;
        if (!lookup(dump, index, entry.offset, &place) || !check_time(dump, times, log, place.position, &entry, previous))
            return false;
        if (!dump->verify_only)
            text_printf(&dump->out, "timestamp: %" PRId64 " offset: %" PRId64 "\n", entry.timestamp, entry.offset);
        previous = entry.timestamp;
        if (!dump_flush(dump, false))
            return false;
        arena_reset(&dump->records.arena);
    }
    return true;
}

bool dump_time_index_file(struct dump *dump, struct dump_file *file)
{
    struct entries times = { 0 }, index = { 0 };
    struct dump_file log = { 0 }, offsets = { 0 };
    bool good = dump_base_offset(dump, file->shown, &times.base_offset) && open_beside(dump, file, ".log", &log);

    if (good) {
        bool there = open_beside(dump, file, ".index", &offsets);

        if (!there)
            trouble_done(&dump->trouble);
        index.base_offset = times.base_offset;
        good = open_entries(dump, &index, &offsets, OFFSET_BYTES) && open_entries(dump, &times, file, TIME_BYTES);
    }
    if (good)
        good = dump->sanity_only ? check_times(dump, &times) : dump_times(dump, &times, &index, &log);
    dump_close(&offsets);
    dump_close(&log);
    return good;
}

/* ---- .txnindex ---- */

bool dump_transaction_index_file(struct dump *dump, struct dump_file *file)
{
    int64_t base_offset;
    struct text all = { 0 };
    bool good = dump_base_offset(dump, file->shown, &base_offset);

    if (!good || !file->file) { /* one that is missing holds nothing */
        return good;
    }
    for (int64_t at = 0; good && file->size - at >= ABORTED_BYTES; at += ABORTED_BYTES) {
        struct aborted_fields aborted;
        struct bytes bytes;
        struct reader reader;

        if (!dump_bytes(dump, file, at, ABORTED_BYTES, &bytes)) {
            good = false;
            break;
        }
        reader = reader_of(bytes);
        fields_decode(&aborted_entry_layout, 0, &reader, &dump->records.arena, &aborted, NULL);
        aborted.version = (int16_t)(aborted.version >> 8); /* Kafka looks at the first byte */
        if (aborted.version > 0)
            good = trouble_set(&dump->trouble, "org.apache.kafka.common.KafkaException",
                               "Unexpected aborted transaction version %d in transaction index %s, current version is 0", aborted.version,
                               file->absolute);
        else
            text_printf(&all, "version: %d producerId: %" PRId64 " firstOffset: %" PRId64 " lastOffset: %" PRId64 " lastStableOffset: %" PRId64 "\n",
                        aborted.version, aborted.producer_id, aborted.first_offset, aborted.last_offset, aborted.last_stable_offset);
    }
    if (good) /* all are read before the first is printed */
        text_add(&dump->out, text_chars(&all));
    text_done(&all);
    return good;
}

/* ---- .snapshot ---- */

static int32_t sequence_before(int32_t last, int32_t delta)
{
    return last >= delta ? (int32_t)((uint32_t)last - (uint32_t)delta) : (int32_t)((uint32_t)INT32_MAX - ((uint32_t)delta - (uint32_t)last) + 1);
}

static void print_producer(struct dump *dump, const struct snapshot_producer *producer)
{
    struct text *out = &dump->out;
    int64_t first = producer->current_txn_first_offset;

    text_printf(out, "producerId: %" PRId64 " producerEpoch: %d coordinatorEpoch: %" PRId32 " currentTxnFirstOffset: ", producer->producer_id,
                producer->epoch, producer->coordinator_epoch);
    if (first >= 0)
        text_printf(out, dump->old ? "Some(%" PRId64 ")" : "OptionalLong[%" PRId64 "]", first);
    else
        text_add(out, dump->old ? "None" : "OptionalLong.empty");
    text_add(out, dump->old ? " " : "");
    if (!dump->old)
        text_printf(out, " lastTimestamp: %" PRId64, producer->timestamp);
    if (producer->last_offset >= 0)
        text_printf(out, "%sfirstSequence: %" PRId32 " lastSequence: %" PRId32 " lastOffset: %" PRId64 " offsetDelta: %" PRId32 " timestamp: %" PRId64,
                    dump->old ? "" : " ", sequence_before(producer->last_sequence, producer->offset_delta), producer->last_sequence,
                    producer->last_offset, producer->offset_delta, producer->timestamp);
    text_char(out, '\n');
}

static void corrupt_snapshot(struct dump *dump, const char *why)
{
    dump_flush(dump, true);
    call_error(dump->call, "%s\n", why);
}

bool dump_snapshot_file(struct dump *dump, struct dump_file *file)
{
    struct producer_snapshot snapshot;
    struct bytes bytes;
    struct reader reader;
    struct reason reason = { "" };
    char why[300];
    uint32_t crc;

    if (!file->file)
        return false;
    if (file->size > BATCH_MOST_BYTES)
        return trouble_set(&dump->trouble, "java.lang.OutOfMemoryError", "Java heap space");
    if (!dump_bytes(dump, file, 0, (size_t)file->size, &bytes))
        return false;
    reader = reader_of(bytes);
    if (bytes.size >= 2 && get_i16(bytes.data) != 1 && !dump->old) {
        snprintf(why, sizeof(why), "Snapshot failed schema validation: Snapshot contained an unknown file version %d", get_i16(bytes.data));
        corrupt_snapshot(dump, why);
        return true;
    }
    if (fields_decode(&producer_snapshot_layout, 1, &reader, &dump->records.arena, &snapshot, &reason)) {
        struct text text = { 0 };

        text_add(&text, "Snapshot failed schema validation: ");
        dump_schema_trouble(dump->old, &producer_snapshot_layout, 1, bytes, reason.text, &text);
        corrupt_snapshot(dump, text_chars(&text));
        text_done(&text);
        return true;
    }
    if (snapshot.version != 1) {
        snprintf(why, sizeof(why), "Snapshot contained an unknown file version %d", snapshot.version);
        corrupt_snapshot(dump, why);
        return true;
    }
    crc = crc32c(bytes.data + 6, bytes.size - 6);
    if (crc != snapshot.crc) {
        snprintf(why, sizeof(why), "Snapshot is corrupt (CRC is no longer valid). Stored crc: %" PRIu32 ". Computed crc: %" PRIu32, snapshot.crc, crc);
        corrupt_snapshot(dump, why);
        return true;
    }
    for (int32_t i = 0; i < snapshot.producer_entries.count; i++) {
        print_producer(dump, &snapshot.producer_entries.items[i]);
        if (!dump_flush(dump, false))
            return false;
    }
    return true;
}
