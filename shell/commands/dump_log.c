/* Files as kafka-dump-log shows them: which is which, and the batches of a .log. Source: Kafka's DumpLogSegments, FileLogInputStream,
 * DefaultRecordBatch, AbstractLegacyRecordBatch, java.io.File. */
#include "shell/commands/dump_log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shell/java_order.h"

enum {
    PIECE = 256 * 1024,          /* read at once */
    FLUSHED_AT = 32 * 1024,      /* written at once */
    YIELD_AFTER = 1024 * 1024,   /* bytes between turns of the loop */
    MOST_PAIRS = 1000000,        /* of one finding in one file */
    HEADER_UP_TO_MAGIC = 17, LEAST_MESSAGE = 14,
};

void dump_init(struct dump *dump, struct call *call)
{
    *dump = (struct dump){
        .call = call, .old = release_is_27(call_release(call)), .max_message_size = 5 * 1024 * 1024, .max_bytes = INT32_MAX, .only_offset = -1,
    };
    internal_records_init(&dump->records, call);
}

void dump_done(struct dump *dump)
{
    for (int finding = 0; finding < DUMP_FINDINGS; finding++) {
        for (size_t i = 0; i < dump->list_counts[finding]; i++) {
            mem_free(dump->lists[finding][i].file);
            mem_free(dump->lists[finding][i].pairs);
        }
        mem_free(dump->lists[finding]);
    }
    text_done(&dump->out);
    internal_records_done(&dump->records);
    trouble_done(&dump->trouble);
}

/* Without a task nobody interrupts and no loop turns: tests. */
static bool interrupted(const struct dump *dump)
{
    return dump->call->task && call_interrupted(dump->call);
}

bool dump_flush(struct dump *dump, bool now)
{
    if (dump->out.size && (now || dump->out.size >= FLUSHED_AT)) {
        call_write(dump->call, dump->out.data, dump->out.size);
        dump->since_yield += dump->out.size;
        text_clear(&dump->out);
    }
    if (dump->since_yield >= YIELD_AFTER && dump->call->task) {
        dump->since_yield = 0;
        return call_yield(dump->call);
    }
    return !interrupted(dump);
}

/* ---- files ---- */

/* A path as java.io.File writes it: no slash twice, none at the end. */
static char *java_path(const char *name)
{
    struct text text = { 0 };

    for (; *name; name++)
        if (*name != '/' || name[1] != '/')
            text_char(&text, *name);
    while (text.size > 1 && text.data[text.size - 1] == '/')
        text.data[--text.size] = 0;
    return text.data ? text_take(&text) : mem_text("");
}

static char *absolute_path(const char *shown, const char *path)
{
    char folder[4096];

    if (shown[0] == '/')
        return mem_text(shown);
    if (path[0] == '/') /* a name that the lab resolved */
        return mem_text(path);
    return mem_printf("%s/%s", getcwd(folder, sizeof(folder)) ? folder : "", shown);
}

bool dump_open(struct dump *dump, struct dump_file *file, const char *name)
{
    struct file_stat st;
    struct reason reason = { "" };

    *file = (struct dump_file){ .shown = java_path(name) };
    file->path = dump->lab ? lab_resolve_path(dump->lab, file->shown) : mem_text(file->shown);
    file->absolute = absolute_path(file->shown, file->path);
    if (fs_stat(dump->fs, file->path, &st))
        return trouble_set(&dump->trouble, "java.nio.file.NoSuchFileException", "%s", file->shown);
    if (st.folder)
        return trouble_set(&dump->trouble, "java.io.IOException", "Is a directory");
    if (fs_open(dump->fs, file->path, FILE_READ, &file->file, &reason))
        return trouble_set(&dump->trouble, "java.nio.file.AccessDeniedException", "%s", file->shown);
    file->size = file_size(file->file);
    return true;
}

void dump_close(struct dump_file *file)
{
    file_close(file->file);
    buffer_done(&file->piece);
    mem_free(file->shown);
    mem_free(file->absolute);
    mem_free(file->path);
}

bool dump_bytes(struct dump *dump, struct dump_file *file, int64_t position, size_t size, struct bytes *out)
{
    int64_t left = file->size - position;
    struct reason reason;
    size_t got, want;

    if (left < 0)
        left = 0;
    if ((int64_t)size > left)
        size = (size_t)left;
    if (position < file->piece_at || position + (int64_t)size > file->piece_at + (int64_t)file->piece.size) {
        want = size > PIECE ? size : left < PIECE ? (size_t)left : PIECE;
        buffer_clear(&file->piece);
        file->piece_at = position;
        if (file_read_some(file->file, buffer_add(&file->piece, want), want, position, &got, &reason)) {
            buffer_clear(&file->piece);
            return trouble_set(&dump->trouble, "java.io.IOException", "%s", reason.text);
        }
        file->piece.size = got;
        dump->since_yield += got;
        if (size > got)
            size = got;
    }
    *out = (struct bytes){ size ? file->piece.data + (position - file->piece_at) : (const uint8_t *)"", size };
    return true;
}

static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

char *dump_beside(const char *path, const char *suffix)
{
    const char *name = file_name(path);
    size_t stem = strcspn(name, ".");

    return mem_printf("%.*s%.*s%s", (int)(name - path), path, (int)stem, name, suffix);
}

bool dump_base_offset(struct dump *dump, const char *path, int64_t *out)
{
    const char *name = file_name(path);
    char *stem = mem_text_size(name, strcspn(name, "."));
    const char *digits = stem[0] == '-' || stem[0] == '+' ? stem + 1 : stem;
    bool good = digits[0] && digits[strspn(digits, "0123456789")] == 0 && parse_i64(stem[0] == '+' ? digits : stem, out);

    if (!good)
        trouble_set(&dump->trouble, "java.lang.NumberFormatException", "For input string: \"%s\"", stem);
    mem_free(stem);
    return good;
}

/* ---- findings ---- */

void dump_found(struct dump *dump, enum dump_finding finding, const char *file, int64_t first, int64_t second)
{
    struct dump_list *list = NULL;

    for (size_t i = 0; i < dump->list_counts[finding]; i++)
        if (text_equal(dump->lists[finding][i].file, file))
            list = &dump->lists[finding][i];
    if (!list) {
        ARRAY_ADD(dump->lists[finding], dump->list_counts[finding], dump->list_capacities[finding]) =
            (struct dump_list){ .file = mem_text(file) };
        list = &dump->lists[finding][dump->list_counts[finding] - 1];
    }
    if (list->count >= MOST_PAIRS)
        list->left_out++;
    else
        ARRAY_ADD(list->pairs, list->count, list->capacity) = (struct dump_pair){ first, second, list->count - 1 };
}

static const struct {
    const char *head, *old_head; /* of a file's list; with the file's name behind if `named` */
    bool named, old_named;
    const char *format;
} findings[] = {
    [DUMP_MISMATCH] = { "Mismatches in :", "Mismatches in :", true, true, "  Index offset: %" PRId64 ", log offset: %" PRId64 "\n" },
    [DUMP_TIME_MISMATCH] = { "Found timestamp mismatch in :", "Found timestamp mismatch in :", true, true,
                             "  Index timestamp: %" PRId64 ", log timestamp: %" PRId64 "\n" },
    [DUMP_OUT_OF_ORDER] = { "Found out of order timestamp in :", "Found out of order timestamp in :", true, true,
                            "  Index timestamp: %" PRId64 ", Previously indexed timestamp: %" PRId64 "\n" },
    [DUMP_NOT_FOUND] = { "The following indexed offsets are not found in :", "The following indexed offsets are not found in the log.", true,
                         false, "Indexed offset: %" PRId64 ", found log offset: %" PRId64 "\n" },
    [DUMP_NON_CONSECUTIVE] = { "Non-consecutive offsets in ", "Non-consecutive offsets in ", true, true,
                               "  %" PRId64 " is followed by %" PRId64 "\n" },
};

static int by_first(const void *a, const void *b)
{
    const struct dump_pair *x = a, *y = b;

    return x->first != y->first ? (x->first > y->first) - (x->first < y->first) : (x->place > y->place) - (x->place < y->place);
}

static void reverse(struct dump_list *list)
{
    for (size_t i = 0, j = list->count; i + 1 < j; i++) {
        struct dump_pair swapped = list->pairs[i];

        list->pairs[i] = list->pairs[--j];
        list->pairs[j] = swapped;
    }
}

/* The pairs as the release's map or list has them: 2.7 puts each before the others; 4.3 sorts by the first, and one replaces another of the same
 * first. Time indexes' stand as they came. */
static void arrange(struct dump_list *list, enum dump_finding finding, bool old)
{
    size_t kept = 0;

    if (finding != DUMP_MISMATCH && finding != DUMP_NON_CONSECUTIVE)
        return;
    if (!old && list->count) {
        qsort(list->pairs, list->count, sizeof(*list->pairs), by_first);
        for (size_t i = 0; i < list->count; i++) {
            if (kept && list->pairs[kept - 1].first == list->pairs[i].first)
                kept--;
            list->pairs[kept++] = list->pairs[i];
        }
        list->count = kept;
    }
    if (old || finding == DUMP_MISMATCH)
        reverse(list);
}

static void print_finding(struct dump *dump, enum dump_finding finding, struct dump_list *list)
{
    bool named = dump->old ? findings[finding].old_named : findings[finding].named;

    arrange(list, finding, dump->old);
    call_error(dump->call, "%s%s\n", dump->old ? findings[finding].old_head : findings[finding].head, named ? list->file : "");
    for (size_t i = 0; i < list->count && !interrupted(dump); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        call_error(dump->call, findings[finding].format, list->pairs[i].first, list->pairs[i].second);
#pragma GCC diagnostic pop
        if (i % 10000 == 9999 && dump->call->task)
            call_yield(dump->call);
    }
    if (list->left_out)
        call_error(dump->call, "  ... and %" PRIu64 " more\n", list->left_out);
}

void dump_findings(struct dump *dump)
{
    for (int finding = 0; finding < DUMP_FINDINGS; finding++) {
        size_t count = dump->list_counts[finding];
        uint32_t *hashes = mem_zero_array(count + 1, sizeof(*hashes));
        size_t *order;

        for (size_t i = 0; i < count; i++)
            hashes[i] = java_hash(dump->lists[finding][i].file);
        order = dump->old ? scala_mutable_order_hashes(hashes, count) : java_order_hashes(hashes, count, 0);
        for (size_t i = 0; i < count; i++)
            print_finding(dump, (enum dump_finding)finding, &dump->lists[finding][order[i]]);
        mem_free(order);
        mem_free(hashes);
    }
}

/* ---- batches ---- */

static bool unreadable(struct dump *dump, const struct dump_file *file, int64_t position, const char *what, size_t want, size_t got)
{
    trouble_set(&dump->trouble, "org.apache.kafka.common.KafkaException",
                "Failed to load record batch at position %" PRId64 " from FileRecords(size=%" PRId64 ", file=%s, start=0, end=%" PRId64 ")", position,
                file->size, file->shown, dump->old ? (int64_t)INT32_MAX : file->size);
    trouble_cause(&dump->trouble, "java.io.EOFException",
                  "Failed to read `%s` from file channel `%s`. Expected to read %zu bytes, but reached end of file after reading %zu bytes. Started "
                  "read from position %" PRId64 ".", what, file->shown, want, got, position);
    return false;
}

static bool fill_new(struct dump *dump, struct dump_file *file, struct bytes whole, struct dump_batch *out)
{
    struct batch *batch = &out->batch;
    struct batch_header *header = &out->header;
    struct bytes head;
    struct reader reader;

    if (!dump_bytes(dump, file, out->position, BATCH_HEADER, &head))
        return false;
    if (head.size < BATCH_HEADER)
        return unreadable(dump, file, out->position, "record batch header", BATCH_HEADER, head.size);
    reader = reader_of(head);
    fields_decode(&batch_header_layout, 2, &reader, &dump->records.arena, header, NULL);
    batch->base_offset = header->base_offset;
    batch->last_offset = (int64_t)((uint64_t)header->base_offset + (uint64_t)(int64_t)header->last_offset_delta);
    batch->leader_epoch = header->partition_leader_epoch;
    batch->crc = header->crc;
    batch->attributes = header->attributes & 0xff; /* Kafka looks at the low byte */
    batch->base_timestamp_ms = header->base_timestamp;
    batch->max_timestamp_ms = header->max_timestamp;
    batch->producer_id = header->producer_id;
    batch->producer_epoch = header->producer_epoch;
    batch->base_sequence = header->base_sequence;
    batch->record_count = header->records_count;
    if (!dump_bytes(dump, file, out->position, (size_t)out->size, &whole)) /* reading the header may have moved it */
        return false;
    batch->bytes = whole;
    if (whole.size > 21)
        out->computed_crc = crc32c(whole.data + 21, whole.size - 21);
    out->valid = out->size >= BATCH_HEADER && out->computed_crc == batch->crc;
    return true;
}

static void fill_old(struct bytes whole, struct dump_batch *out)
{
    struct batch *batch = &out->batch;
    const uint8_t *p = whole.data;

    batch->base_offset = batch->last_offset = get_i64(p);
    batch->leader_epoch = -1;
    batch->crc = get_u32(p + 12);
    batch->attributes = p[17] & (batch->magic ? ATTRIBUTE_CODEC | ATTRIBUTE_LOG_APPEND_TIME : ATTRIBUTE_CODEC);
    batch->base_timestamp_ms = batch->max_timestamp_ms = batch->magic ? get_i64(p + 18) : -1;
    batch->producer_id = batch->producer_epoch = -1;
    batch->base_sequence = -1;
    batch->record_count = batch_codec(batch) ? -1 : 1;
    batch->bytes = whole;
    out->valid = batch_crc_right(batch);
}

int dump_next_batch(struct dump *dump, struct dump_file *file, int64_t *position, int64_t end, struct dump_batch *out)
{
    struct bytes bytes;
    int32_t size;

    if (*position >= end - HEADER_UP_TO_MAGIC)
        return 0;
    if (!dump_bytes(dump, file, *position, HEADER_UP_TO_MAGIC, &bytes))
        return -1;
    size = get_i32(bytes.data + 8);
    if (size < LEAST_MESSAGE)
        return trouble_set(&dump->trouble, "org.apache.kafka.common.errors.CorruptRecordException",
                           "Found record size %d smaller than minimum record overhead (%d) in file %s.", size, LEAST_MESSAGE, file->shown) - 1;
    if (*position > end - BATCH_OVERHEAD - size)
        return 0;
    if (size > BATCH_MOST_BYTES)
        return trouble_set(&dump->trouble, "java.lang.OutOfMemoryError", "Java heap space") - 1;
    *out = (struct dump_batch){ .position = *position, .size = BATCH_OVERHEAD + size };
    out->batch.magic = (int8_t)bytes.data[16];
    out->batch.size_bytes = out->size;
    if (!dump_bytes(dump, file, *position, (size_t)out->size, &bytes))
        return -1;
    if (out->batch.magic < 2)
        fill_old(bytes, out);
    else if (!fill_new(dump, file, bytes, out))
        return -1;
    *position += out->size;
    return 1;
}

/* DefaultRecordBatch.incrementSequence, with Java's arithmetic. */
static int32_t last_sequence(const struct batch *batch, int32_t delta)
{
    uint32_t sequence = (uint32_t)batch->base_sequence, increment = (uint32_t)delta;

    if (batch->base_sequence == -1)
        return -1;
    if (batch->base_sequence > (int32_t)((uint32_t)INT32_MAX - increment))
        return (int32_t)(increment - ((uint32_t)INT32_MAX - sequence) - 1);
    return (int32_t)(sequence + increment);
}

static const char *timestamp_type(const struct batch *batch)
{
    return !batch->magic ? "NoTimestampType" : batch_log_append_time(batch) ? "LogAppendTime" : "CreateTime";
}

static bool print_batch(struct dump *dump, const struct dump_batch *at)
{
    static const char *const upper[] = { "NONE", "GZIP", "SNAPPY", "LZ4", "ZSTD" };
    const struct batch *batch = &at->batch;
    struct text *out = &dump->out;
    int codec = batch_codec(batch);

    if (batch->magic >= 2) {
        text_printf(out, "baseOffset: %" PRId64 " lastOffset: %" PRId64 " count: %" PRId32 " baseSequence: %" PRId32 " lastSequence: %" PRId32
                    " producerId: %" PRId64 " producerEpoch: %d partitionLeaderEpoch: %" PRId32 " isTransactional: %s isControl: %s",
                    batch->base_offset, batch->last_offset, batch->record_count, batch->base_sequence,
                    last_sequence(batch, at->header.last_offset_delta), batch->producer_id, batch->producer_epoch, batch->leader_epoch,
                    batch_transactional(batch) ? "true" : "false", batch_control(batch) ? "true" : "false");
        if (!dump->old && batch->attributes & ATTRIBUTE_DELETE_HORIZON)
            text_printf(out, " deleteHorizonMs: OptionalLong[%" PRId64 "]", batch->base_timestamp_ms);
        else if (!dump->old)
            text_add(out, " deleteHorizonMs: OptionalLong.empty");
    } else {
        text_printf(out, "offset: %" PRId64, batch->last_offset);
    }
    if (batch->magic < 0)
        return trouble_illegal(&dump->trouble, "Invalid magic used in LegacyRecord: %d", batch->magic);
    if (codec >= CODECS)
        return trouble_illegal(&dump->trouble, "Unknown compression type id: %d", codec);
    text_printf(out, " position: %" PRId64 " %s: %" PRId64 " size: %" PRId32 " magic: %d compresscodec: %s crc: %" PRIu32 " isvalid: %s\n",
                at->position, timestamp_type(batch), batch->max_timestamp_ms, at->size, batch->magic,
                dump->old ? upper[codec] : codec_name(codec), batch->crc, at->valid ? "true" : "false");
    return true;
}

static void print_metadata(struct dump *dump, const struct batch *batch, const struct record *record, const struct record_iterator *it)
{
    struct text *out = &dump->out;
    uint32_t crc;
    bool right;

    text_printf(out, dump->old ? "| offset: %" PRId64 " %s: %" PRId64 " keysize: %" PRId64 " valuesize: %" PRId64 :
                                 "| offset: %" PRId64 " %s: %" PRId64 " keySize: %" PRId64 " valueSize: %" PRId64,
                record->offset, timestamp_type(batch), record->timestamp_ms, record->key.data ? (int64_t)record->key.size : -1,
                record->value.data ? (int64_t)record->value.size : -1);
    if (batch->magic >= 2) {
        text_printf(out, " sequence: %" PRId32 " headerKeys: [", record->sequence);
        for (int32_t i = 0; i < record->header_count; i++) {
            if (i)
                text_char(out, ',');
            internal_text(&dump->records, out, record->headers[i].key);
        }
        text_char(out, ']');
    } else if (records_crc(it, &crc, &right)) {
        if (dump->old)
            text_printf(out, " crc: %" PRIu32 " isvalid: %s", crc, right ? "true" : "false");
        else
            text_printf(out, " isValid: %s crc: %" PRIu32, right ? "true" : "false", crc);
    }
}

static bool print_record(struct dump *dump, const struct batch *batch, const struct record *record, const struct record_iterator *it)
{
    if (!dump->skip_metadata) {
        print_metadata(dump, batch, record, it);
        if (batch_control(batch) && batch->magic >= 2 && !dump_control(dump, record))
            return false;
    }
    if (dump->contents && !(batch_control(batch) && batch->magic >= 2) && !dump_record(dump, record, dump->skip_metadata ? "| " : " "))
        return false;
    text_char(&dump->out, '\n');
    return true;
}

/* Kafka unpacks a compressed batch whole before it gives the first of its records. */
static bool all_readable(struct dump *dump, const struct batch *batch)
{
    struct record_iterator it;
    struct record record;
    bool good;

    if (!batch_codec(batch))
        return true;
    records_begin(&it, batch);
    while (records_next(&it, &record))
        ;
    good = !it.err || dump_record_trouble(dump, &it);
    records_done(&it);
    return good;
}

/* An old message whose value is larger than it: its sizes are printed before that is found. */
static void print_half_message(struct dump *dump, const struct batch *batch)
{
    size_t key_at = batch->magic ? 26 : 18;
    int32_t key = get_i32(batch->bytes.data + key_at), value = get_i32(batch->bytes.data + key_at + 4 + (key > 0 ? key : 0));
    const char *valid = batch_crc_right(batch) ? "true" : "false";

    if (batch_codec(batch) || dump->skip_metadata)
        return;
    text_printf(&dump->out, dump->old ? "| offset: %" PRId64 " %s: %" PRId64 " keysize: %" PRId32 " valuesize: %" PRId32 :
                                        "| offset: %" PRId64 " %s: %" PRId64 " keySize: %" PRId32 " valueSize: %" PRId32,
                batch->base_offset, timestamp_type(batch), batch->max_timestamp_ms, key < 0 ? -1 : key, value);
    if (dump->old)
        text_printf(&dump->out, " crc: %" PRIu32 " isvalid: %s", batch->crc, valid);
    else
        text_printf(&dump->out, " isValid: %s crc: %" PRIu32, valid, batch->crc);
    if (!dump->contents) { /* never looked at its bytes */
        text_char(&dump->out, '\n');
        trouble_done(&dump->trouble);
    }
}

static bool print_records(struct dump *dump, const struct dump_file *file, const struct batch *batch, int64_t *last_offset)
{
    struct record_iterator it;
    struct record record;
    bool good = true;

    if (batch->magic >= 2 && batch->size_bytes < BATCH_HEADER)
        return trouble_set(&dump->trouble, "java.lang.IndexOutOfBoundsException", NULL);
    if (!all_readable(dump, batch))
        return false;
    records_begin(&it, batch);
    while (good && records_next(&it, &record)) {
        if (record.offset != *last_offset + 1 && (*last_offset != -1 || !dump->old) && dump->only_offset < 0)
            dump_found(dump, DUMP_NON_CONSECUTIVE, file->absolute, *last_offset, record.offset);
        *last_offset = record.offset;
        good = print_record(dump, batch, &record, &it) && dump_flush(dump, false);
        arena_reset(&dump->records.arena);
    }
    if (good && it.err) {
        good = dump_record_trouble(dump, &it);
        if (batch->magic < 2 && text_equal(dump->trouble.exception, "java.lang.IllegalArgumentException"))
            print_half_message(dump, batch);
        good = !dump->trouble.exception;
    }
    records_done(&it);
    return good;
}

/* KRaft's snapshots are named OFFSET-EPOCH.checkpoint. */
static bool print_snapshot_name(struct dump *dump, const struct dump_file *file)
{
    const char *name = file_name(file->shown);
    char *stem = mem_text_size(name, strcspn(name, ".")), *dash = strchr(stem, '-');
    int64_t offset, epoch;
    bool good = true;

    if (text_equal(name, "bootstrap.checkpoint")) {
        text_add(&dump->out, "KRaft bootstrap snapshot\n");
    } else if (strlen(stem) == 31 && dash == stem + 20) {
        *dash = 0;
        good = parse_i64(stem, &offset) && parse_i64(dash + 1, &epoch);
        if (good)
            text_printf(&dump->out, "Snapshot end offset: %" PRId64 ", epoch: %" PRId64 "\n", offset, epoch);
        else
            trouble_set(&dump->trouble, "java.util.NoSuchElementException", "No value present");
    } else {
        good = trouble_set(&dump->trouble, "java.util.NoSuchElementException", "No value present");
    }
    mem_free(stem);
    return good;
}

static bool dump_batches(struct dump *dump, struct dump_file *file)
{
    int64_t position = 0, last_offset = -1, end = file->size < dump->max_bytes ? file->size : dump->max_bytes;
    struct dump_batch at;
    int there;

    while ((there = dump_next_batch(dump, file, &position, end, &at)) > 0) {
        if (dump->only_offset >= 0 && (at.batch.last_offset < dump->only_offset || dump->found)) {
            if (!dump_flush(dump, false))
                return false;
            continue;
        }
        dump->found |= dump->only_offset >= 0;
        if (!print_batch(dump, &at) || (dump->deep && !print_records(dump, file, &at.batch, &last_offset)) || !dump_flush(dump, false))
            return false;
        arena_reset(&dump->records.arena);
        if (dump->found)
            return true;
    }
    if (!there && dump->only_offset < 0 && end > position && dump->max_bytes == INT32_MAX)
        text_printf(&dump->out, "Found %" PRId64 " invalid bytes at the end of %s\n", end - position, file_name(file->shown));
    return !there;
}

static bool dump_log_file(struct dump *dump, struct dump_file *file)
{
    int64_t base_offset;

    if (text_ends(file->shown, ".checkpoint")) {
        if (!print_snapshot_name(dump, file))
            return false;
    } else {
        if (!dump_base_offset(dump, file->shown, &base_offset))
            return false;
        text_printf(&dump->out, dump->old ? "Starting offset: %" PRId64 "\n" : "Log starting offset: %" PRId64 "\n", base_offset);
    }
    if (!file->file)
        return false;
    if (file->size > INT32_MAX)
        return trouble_set(&dump->trouble, "org.apache.kafka.common.KafkaException",
                           "The size of segment %s (%" PRId64 ") is larger than the maximum allowed segment size of 2147483647", file->shown,
                           file->size);
    return dump_batches(dump, file);
}

/* ---- which file is which ---- */

static const struct {
    const char *suffix;
    bool (*dump)(struct dump *dump, struct dump_file *file);
    bool new_only;
} kinds[] = {
    { ".log", dump_log_file, false },          { ".checkpoint", dump_log_file, true },
    { ".index", dump_index_file, false },      { ".timeindex", dump_time_index_file, false },
    { ".snapshot", dump_snapshot_file, false }, { ".txnindex", dump_transaction_index_file, false },
};

bool dump_file(struct dump *dump, const char *name)
{
    struct dump_file file;
    const char *dot;
    bool good, there = dump_open(dump, &file, name);
    struct trouble missing = dump->trouble;

    dump->trouble = (struct trouble){ 0 };
    text_printf(&dump->out, "Dumping %s\n", file.shown);
    dot = strrchr(file_name(file.shown), '.');
    good = dot || !dump->old;
    if (!good)
        trouble_set(&dump->trouble, "java.lang.StringIndexOutOfBoundsException", "begin -1, end %zu, length %zu", strlen(file_name(file.shown)),
                    strlen(file_name(file.shown)));
    for (size_t i = 0; good && i <= sizeof(kinds) / sizeof(*kinds); i++) {
        if (!dot || i == sizeof(kinds) / sizeof(*kinds)) {
            dump_flush(dump, true);
            call_error(dump->call, "Ignoring unknown file %s\n", file.shown);
            break;
        }
        if (!text_equal(dot, kinds[i].suffix) || (kinds[i].new_only && dump->old))
            continue;
        good = kinds[i].dump(dump, &file);
        if (!good && !there && !dump->trouble.exception) { /* the file was asked for, and isn't there */
            dump->trouble = missing;
            missing = (struct trouble){ 0 };
        }
        break;
    }
    if (dump->only_offset >= 0 && !dump->found)
        text_clear(&dump->out);
    trouble_done(&missing);
    dump_close(&file);
    arena_reset(&dump->records.arena);
    return dump_flush(dump, true) && good;
}
