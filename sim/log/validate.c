/* What a leader checks before it appends, in Kafka's order and words, and the bytes that are then stored. Sources:
 * ProduceRequest.validateRecords, analyzeAndValidateRecords of the log, LogValidator. A batch that may stay as it came is read
 * once and, where its bytes are not ours, copied once; only other codecs, formats and crooked offsets make it be built anew. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sim/log/record.h"

enum { ERRORS_SHOWN = 3 };

struct check {
    struct validate *v;
    struct reason *reason;
    struct bytes records;               /* whole batches only */
    struct batch first;
    int batch_count;
    int source_codec, target_codec;
    bool one_magic;                     /* all batches are of the target's magic */
    bool in_order;                      /* offsets inside are 0, 1, 2, ... */
    int64_t record_count;
    int64_t max_timestamp_ms, offset_of_max_timestamp; /* offset of the record in 2.7, of its batch's last in 4.3 */
    int64_t errors;                     /* of the batch at hand */
    struct record_errors *named, own;   /* where they are named */
    bool timestamp_error;
    bool refused;                       /* for what its records are, one by one */
    bool timestamps_matter;             /* of the batch at hand: some limit or type may refuse a record */
    struct buffer plain;                /* records of a compressed batch of magic 2 */
    struct bytes body;                  /* records of the only batch of magic 2 */
};

static const char *place(const struct check *check)
{
    return check->v->topic_partition ? check->v->topic_partition : "?";
}

/* 2.7 ends most of its sentences with a full stop, 4.3 doesn't. */
static const char *stop(const struct check *check)
{
    return check->v->is_27 ? "." : "";
}

/* The next whole batch of *left, which moves on; *got is false at the end. What is cut short at the end doesn't count (as Kafka). */
static enum err next_batch(struct bytes *left, struct batch *out, bool *got, struct reason *reason)
{
    enum err err = left->size ? batch_decode(*left, out, NULL, reason) : ERR_OFFSET_OUT_OF_RANGE;

    *got = !err;
    if (err)
        return err == ERR_OFFSET_OUT_OF_RANGE ? ERR_OK : err;
    left->data += out->size_bytes;
    left->size -= (size_t)out->size_bytes;
    return ERR_OK;
}

/* ---- the request: ProduceRequest.validateRecords ---- */
/* What ByteBufferLogInputStream finds at the start: the size of a whole batch, and its magic; *size 0: nothing, or cut short. */
static enum err peek_batch(struct bytes left, size_t *size, int8_t *magic, struct reason *reason)
{
    int32_t length;

    *size = 0;
    if (left.size < BATCH_OVERHEAD)
        return ERR_OK;
    length = get_i32(left.data + 8);
    if (length < MESSAGE_OVERHEAD_0)
        return err_because(ERR_CORRUPT_MESSAGE, reason, "Record size %d is less than the minimum record overhead (%d)", length,
                           MESSAGE_OVERHEAD_0);
    if (left.size < HEADER_TO_MAGIC)
        return ERR_OK;
    *magic = (int8_t)left.data[HEADER_TO_MAGIC - 1];
    if (*magic < 0 || *magic > 2)
        return err_because(ERR_CORRUPT_MESSAGE, reason, "Invalid magic found in record: %d", *magic);
    if (length > INT32_MAX - BATCH_OVERHEAD)    /* Java's sum is negative, and then no size of a slice */
        return err_because(ERR_UNKNOWN_SERVER_ERROR, reason, "Record size %d with its overhead is more than an int holds", length);
    if ((size_t)length + BATCH_OVERHEAD <= left.size)
        *size = (size_t)length + BATCH_OVERHEAD;
    return ERR_OK;
}

enum err records_first_attributes(struct bytes records, bool is_27, int *attributes, struct reason *reason)
{
    enum { UP_TO_PRODUCER_ID = 51 };    /* 2.7 asks for that, too */
    size_t size;
    int8_t magic = 0;
    enum err err = peek_batch(records, &size, &magic, reason);

    *attributes = -1;
    if (err || !size || (is_27 && magic == 2 && size < UP_TO_PRODUCER_ID))
        return err;
    *attributes = magic == 2 ? get_u16(records.data + 21) : records.data[HEADER_TO_MAGIC] & (ATTRIBUTE_CODEC | ATTRIBUTE_LOG_APPEND_TIME);
    return ERR_OK;
}

enum err records_check_request(struct bytes records, int version, bool is_27, struct reason *reason)
{
    const char *per_partition = is_27 ? "" : " per partition";
    size_t size, second;
    int8_t magic;
    enum err err;

    if (version < 3)                    /* any number of old messages */
        return ERR_OK;
    err = peek_batch(records, &size, &magic, reason);
    if (err)
        return err;
    if (!size)
        return err_because(ERR_INVALID_RECORD, reason,
                           "Produce requests with version %d must have at least one record batch%s", version, per_partition);
    if (magic != 2)
        return err_because(ERR_INVALID_RECORD, reason, "Produce requests with version %d are only allowed to contain "
                           "record batches with magic version 2", version);
    if (version < 7 && (get_u16(records.data + 21) & ATTRIBUTE_CODEC) == CODEC_ZSTD)
        return err_because(ERR_UNSUPPORTED_COMPRESSION_TYPE, reason,
                           "Produce requests with version %d are not allowed to use ZStandard compression", version);
    err = peek_batch((struct bytes){ records.data + size, records.size - size }, &second, &magic, reason);
    if (!err && second)
        err = err_because(ERR_INVALID_RECORD, reason, "Produce requests with version %d are only allowed to contain "
                          "exactly one record batch%s", version, per_partition);
    return err;
}

/* ---- the batches: analyzeAndValidateRecords ---- */
static enum err analyze_batch(struct check *check, const struct batch *batch)
{
    const struct validate *v = check->v;

    if (batch->magic == 2 && v->from_client && batch->base_offset)
        return err_because(ERR_INVALID_RECORD, check->reason, "The baseOffset of the record batch in the append to %s should "
                           "be 0, but it is %" PRId64, place(check), batch->base_offset);
    if (v->max_message_bytes && batch->size_bytes > v->max_message_bytes)
        return err_because(ERR_MESSAGE_TOO_LARGE, check->reason, "The record batch size in the append to %s is %d bytes which "
                           "exceeds the maximum configured value of %d%s.", place(check), batch->size_bytes,
                           v->max_message_bytes, v->is_27 ? "" : ")"); /* the bracket is 4.3's */
    if (!batch_crc_right(batch))
        return err_because(ERR_CORRUPT_MESSAGE, check->reason, "Record is corrupt (stored crc = %u) in topic partition %s.",
                           batch->crc, place(check));
    if (batch_codec(batch) >= CODECS)
        return err_because(ERR_UNKNOWN_SERVER_ERROR, check->reason, "Unknown compression type id: %d", batch_codec(batch));
    return ERR_OK;
}

static enum err analyze(struct check *check)
{
    struct bytes left = check->records;
    struct batch batch;
    bool got;
    enum err err;

    check->one_magic = true;
    while (!(err = next_batch(&left, &batch, &got, check->reason)) && got) {
        err = analyze_batch(check, &batch);
        if (err)
            return err;
        if (!check->batch_count++)
            check->first = batch;
        if (batch_codec(&batch))
            check->source_codec = batch_codec(&batch);
        if (batch.magic != check->v->target_magic)
            check->one_magic = false;
    }
    if (err)
        return err;
    check->records.size -= left.size;
    check->target_codec = check->v->target_codec == CODEC_PRODUCER ? check->source_codec : check->v->target_codec;
    return ERR_OK;
}

/* ---- a batch: LogValidator.validateBatch ---- */
static enum err check_client_batch(struct check *check, const struct batch *batch)
{
    int64_t count = subtract_wrapping(batch->last_offset, batch->base_offset) + 1;

    if (batch->magic == 2 && count <= 0)
        return err_because(ERR_INVALID_RECORD, check->reason, "Batch has an invalid offset range: [%" PRId64 ", %" PRId64
                           "] in topic partition %s%s", batch->base_offset, batch->last_offset, place(check), stop(check));
    if (batch->magic == 2 && batch->record_count <= 0)
        return err_because(ERR_INVALID_RECORD, check->reason, "Invalid reported count for record batch: %d in topic partition "
                           "%s%s", batch->record_count, place(check), stop(check));
    if (batch->magic == 2 && count != batch->record_count)
        return err_because(ERR_INVALID_RECORD, check->reason, "Inconsistent batch offset range [%" PRId64 ", %" PRId64
                           "] and count of records %d in topic partition %s%s", batch->base_offset, batch->last_offset,
                           batch->record_count, place(check), stop(check));
    if (batch_control(batch))
        return err_because(ERR_INVALID_RECORD, check->reason,
                           "Clients are not allowed to write control records in topic partition %s%s", place(check), stop(check));
    if (batch->producer_id >= 0 && batch->base_sequence < 0)
        return err_because(ERR_INVALID_RECORD, check->reason, "Invalid sequence number %d in record batch with producerId %"
                           PRId64 " in topic partition %s%s", batch->base_sequence, batch->producer_id, place(check),
                           stop(check));
    return ERR_OK;
}

static enum err check_batch(struct check *check, const struct batch *batch)
{
    const struct validate *v = check->v;
    enum err err = ERR_OK;

    if (batch->magic != check->first.magic)
        return err_because(ERR_INVALID_RECORD, check->reason, "Batch magic %d is not the same as the first %s magic byte %d in "
                           "topic partition %s%s", batch->magic, v->is_27 ? "batch'es" : "batch's", check->first.magic,
                           place(check), stop(check));
    if (v->from_client)
        err = check_client_batch(check, batch);
    if (!err && batch_transactional(batch) && v->target_magic < 2)
        err = err_because(ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT, check->reason,
                          "Transactional records cannot be used with magic version %d", v->target_magic);
    if (!err && batch->producer_id >= 0 && v->target_magic < 2)
        err = err_because(ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT, check->reason,
                          "Idempotent records cannot be used with magic version %d", v->target_magic);
    return err;
}

/* ---- a record: LogValidator.validateRecord ---- */
/* A record as checks see it, of any magic. */
struct seen {
    int64_t offset, timestamp_ms;
    struct bytes key, value;
    const struct old_message *old;      /* NULL in magic 2 */
};

static void add_error(struct check *check, int64_t index, bool timestamp, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static void add_error(struct check *check, int64_t index, bool timestamp, const char *format, ...)
{
    struct record_errors *named = check->named;
    struct record_error *error;
    char message[400];
    va_list args;

    check->errors++;
    check->timestamp_error |= timestamp;
    if (named->count == RECORD_ERRORS_MOST)
        return;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    error = &ARRAY_ADD(named->items, named->count, named->capacity);
    *error = (struct record_error){ (int32_t)index, mem_text(message) };
}

void record_errors_done(struct record_errors *errors)
{
    for (size_t i = 0; i < errors->count; i++)
        mem_free(errors->items[i].message);
    mem_free(errors->items);
    *errors = (struct record_errors){ 0 };
}

/* As Java prints a record. */
/* Keys and values are not looked at where the batch stays as it is: a DefaultRecord is a PartialDefaultRecord then. */
static bool skips_content(const struct check *check)
{
    return check->source_codec && check->source_codec == check->target_codec && check->one_magic && check->v->target_magic == 2;
}

static const char *describe(const struct check *check, const struct seen *seen, char *text, size_t size)
{
    static const char *const upper[] = { "NONE", "GZIP", "SNAPPY", "LZ4", "ZSTD" };
    const struct old_message *old = seen->old;
    int codec = old ? old->attributes & ATTRIBUTE_CODEC : 0;
    char when[64] = "";

    if (!old && skips_content(check)) {
        snprintf(text, size, "PartialDefaultRecord(offset=%" PRId64 ", timestamp=%" PRId64 ", key=%d bytes, value=%d bytes)", seen->offset, seen->timestamp_ms,
                 seen->key.data ? (int)seen->key.size : -1, seen->value.data ? (int)seen->value.size : -1);
        return text;
    }
    if (!old) {
        snprintf(text, size, "DefaultRecord(offset=%" PRId64 ", timestamp=%" PRId64 ", key=%zu bytes, value=%zu bytes)",
                 seen->offset, seen->timestamp_ms, seen->key.size, seen->value.size);
        return text;
    }
    if (old->magic)
        snprintf(when, sizeof(when), "%s=%" PRId64 ", ",
                 old->attributes & ATTRIBUTE_LOG_APPEND_TIME ? "LogAppendTime" : "CreateTime", seen->timestamp_ms);
    snprintf(text, size, "LegacyRecordBatch(offset=%" PRId64 ", Record(magic=%d, attributes=%d, compression=%s, crc=%u, %skey=%zu "
             "bytes, value=%zu bytes))", seen->offset, old->magic, old->attributes,
             codec >= CODECS ? "?" : check->v->is_27 ? upper[codec] : codec_name(codec), old->crc, when, seen->key.size,
             seen->value.size);
    return text;
}

static inline bool timestamp_outside(const struct validate *v, int64_t timestamp_ms)
{
    int64_t age = subtract_wrapping(v->now_ms, timestamp_ms);
    int64_t ahead = subtract_wrapping(0, age);

    if (v->is_27)                       /* one limit for both sides */
        return (age < 0 ? ahead : age) > v->timestamp_before_max_ms;
    return age > v->timestamp_before_max_ms || ahead > v->timestamp_after_max_ms;
}

static void refuse_timestamp(struct check *check, const struct seen *seen, int64_t index, bool limited, bool outside)
{
    const struct validate *v = check->v;
    int64_t after = v->is_27 ? v->timestamp_before_max_ms : v->timestamp_after_max_ms;
    char text[240];

    if (outside)
        add_error(check, index, true, "Timestamp %" PRId64 " of message with offset %" PRId64 " is out of range. The timestamp "
                  "should be within [%" PRId64 ", %" PRId64 "]", seen->timestamp_ms, seen->offset,
                  subtract_wrapping(v->now_ms, v->timestamp_before_max_ms), add_wrapping(v->now_ms, after));
    else if (!limited || v->is_27) /* 4.3 lets it pass where the limits were checked */
        add_error(check, index, true, "Invalid timestamp type in message %s. Producer should not set timestamp type to "
                  "LogAppendTime.", describe(check, seen, text, sizeof(text)));
}

static inline void check_timestamp(struct check *check, const struct batch *batch, const struct seen *seen, int64_t index)
{
    bool limited = !check->v->log_append_time && seen->timestamp_ms != -1;
    bool outside = limited && timestamp_outside(check->v, seen->timestamp_ms);

    if (outside || batch_log_append_time(batch))
        refuse_timestamp(check, seen, index, limited, outside);
}

/* No record of the batch can be refused for its time: the usual case with 2.7, whose limit is unlimited by default. */
static bool timestamps_matter(const struct check *check, const struct batch *batch)
{
    const struct validate *v = check->v;
    bool limited = v->timestamp_before_max_ms != INT64_MAX || (!v->is_27 && v->timestamp_after_max_ms != INT64_MAX);

    return batch_log_append_time(batch) || (!v->log_append_time && limited);
}

static enum err check_old(struct check *check, const struct batch *batch, const struct seen *seen, int64_t index, bool *bad)
{
    char text[240];

    if (seen->old->magic != batch->magic) {
        *bad = true;
        add_error(check, index, false, "Record %s's magic does not match outer magic %d in topic partition %s%s",
                  describe(check, seen, text, sizeof(text)), batch->magic, place(check), stop(check));
    } else if (batch_codec(batch) && old_message_crc(seen->old) != seen->old->crc)
        return err_because(ERR_CORRUPT_MESSAGE, check->reason, "Record is corrupt (stored crc = %u, computed crc = %u) in topic "
                           "partition %s%s", seen->old->crc, old_message_crc(seen->old), place(check), stop(check));
    return ERR_OK;
}

/* Checks one record; what is wrong with it is noted, and only an inner CRC ends it all at once. */
static inline enum err check_record(struct check *check, const struct batch *batch, const struct seen *seen, int64_t index)
{
    const struct validate *v = check->v;
    bool bad = false;

    if (seen->old) {
        enum err err = check_old(check, batch, seen, index, &bad);

        if (err || bad)
            return err;
    }
    if (v->compacted && !seen->key.data)
        add_error(check, index, false, "Compacted topic cannot accept message without key in topic partition %s%s", place(check),
                  stop(check));
    else if (check->timestamps_matter)
        check_timestamp(check, batch, seen, index);
    return ERR_OK;
}

/* LogValidator.processRecordErrors. */
static enum err record_errors(struct check *check)
{
    const struct validate *v = check->v;
    char shown[sizeof(check->reason->text)] = "";
    size_t used = 0;

    if (!check->errors)
        return ERR_OK;
    check->refused = true;
    if (check->timestamp_error)
        return err_because(ERR_INVALID_TIMESTAMP, check->reason,
                           "One or more records have been rejected due to invalid timestamp");
    if (v->is_27)
        return err_because(ERR_INVALID_RECORD, check->reason, "One or more records have been rejected");
    for (size_t i = 0; i < check->named->count && i < ERRORS_SHOWN && used < sizeof(shown); i++)
        used += (size_t)snprintf(shown + used, sizeof(shown) - used, "%sRecordError(batchIndex=%d, message='%s')",
                                 i ? ", " : "", check->named->items[i].batch_index, check->named->items[i].message);
    return err_because(ERR_INVALID_RECORD, check->reason, "One or more records have been rejected due to %" PRId64
                       " record errors in total, and only showing the first three errors at most: [%s]", check->errors, shown);
}

/* ---- all records ---- */
/* Notes the batch's maximum, the first that is larger than all before. */
static void note_max(struct check *check, int64_t timestamp_ms, int64_t record_offset, int64_t batch_last_offset)
{
    if (timestamp_ms <= check->max_timestamp_ms)
        return;
    check->max_timestamp_ms = timestamp_ms;
    check->offset_of_max_timestamp = check->v->is_27 ? record_offset : batch_last_offset;
}

/* Out of line, so that the hot path keeps its values in registers. */
static __attribute__((noinline)) enum err parse_other(const struct check *check, const uint8_t **at, const uint8_t *end, struct record_view *out)
{
    return (skips_content(check) && !check->v->is_27 ? record_skim : record_parse)(at, end, out, check->reason);
}

static __attribute__((noinline)) enum err check_new_record(struct check *check, const struct batch *batch, const struct record_view *view,
                                                           int64_t offset, int64_t timestamp_ms, int64_t index)
{
    struct seen seen = { .offset = offset, .timestamp_ms = timestamp_ms, .key = view->key, .value = view->value };

    return check_record(check, batch, &seen, index);
}

/* The hot path: no copies, no allocation per record, and no look at what can't be wrong with it. */
static enum err check_new_records(struct check *check, const struct batch *batch)
{
    const struct validate *v = check->v;
    const uint8_t *at = check->body.data, *end = at + check->body.size;
    bool appended = batch_log_append_time(batch), compacted = v->compacted, matter = check->timestamps_matter, in_order = true;
    int64_t max_ms = -1, max_index = -1;
    int32_t count = batch->record_count;

    for (int32_t i = 0; i < count; i++) {
        struct record_view view;
        int64_t offset, timestamp_ms;
        enum err err;

        if (!record_parse_plain(&at, end, &view)) {
            const uint8_t *behind = at;
            struct record_view other;

            err = parse_other(check, &behind, end, &other);
            if (err)
                return err;
            view = other;
            at = behind;
        }
        if (i == count - 1 && at != end)
            return err_because(ERR_INVALID_RECORD, check->reason, "Incorrect declared batch size, records still remaining in file");
        offset = add_wrapping(batch->base_offset, view.offset_delta);
        timestamp_ms = appended ? batch->max_timestamp_ms : add_wrapping(batch->base_timestamp_ms, view.timestamp_delta);
        if ((compacted && !view.key.data) || (matter && (appended || timestamp_outside(v, timestamp_ms)))) {
            struct record_view shown = view;

            err = check_new_record(check, batch, &shown, offset, timestamp_ms, i);
            if (err)
                return err;
        }
        if (offset != i)
            in_order = false;
        if (timestamp_ms > max_ms) {
            max_ms = timestamp_ms;
            max_index = i;
        }
    }
    check->in_order = check->in_order && in_order;
    note_max(check, max_ms, v->first_offset + max_index, v->first_offset + count - 1);
    check->record_count += count;
    return ERR_OK;
}

static enum err unpack_new(struct check *check, const struct batch *batch)
{
    enum err err;

    check->body = (struct bytes){ batch->bytes.data + BATCH_HEADER, batch->bytes.size - BATCH_HEADER };
    if (batch->record_count < 0)
        return err_because(ERR_INVALID_RECORD, check->reason, "Found invalid record count %d in magic v2 batch",
                           batch->record_count);
    if (!batch_codec(batch) || !batch->record_count || (batch_codec(batch) == CODEC_ZSTD && !check->body.size))
        return ERR_OK;                  /* zstd's stream of nothing is nothing */
    err = codec_decompress(batch_codec(batch), check->body, PLAIN_MOST_BYTES, &check->plain, NULL);
    check->body = buffer_bytes(&check->plain);
    return err ? err_because(ERR_UNKNOWN_SERVER_ERROR, check->reason, "Failed to decompress record stream") : ERR_OK;
}

static enum err check_old_records(struct check *check, const struct batch *batch)
{
    struct record_iterator it;
    struct record record;
    int64_t max_ms = -1, max_offset = -1, index = 0;
    enum err err = ERR_OK;

    records_begin(&it, batch);
    for (; !err && records_next(&it, &record); index++) {
        struct seen seen = { record.offset, record.timestamp_ms, record.key, record.value, old_last(&it) };

        err = check_record(check, batch, &seen, index);
        if (record.offset != check->record_count)
            check->in_order = false;
        if (batch->magic && record.timestamp_ms > max_ms) {
            max_ms = record.timestamp_ms;
            max_offset = check->v->first_offset + check->record_count;
        }
        check->record_count++;
    }
    if (!err && it.err)
        err = err_because(it.err, check->reason, "%s", it.reason.text);
    note_max(check, max_ms, max_offset, check->v->first_offset + check->record_count - 1);
    records_done(&it);
    return err;
}

static enum err check_records(struct check *check)
{
    struct bytes left = check->records;
    struct batch batch;
    bool got;
    enum err err;

    if ((check->first.magic == 2 || check->source_codec) && check->batch_count > 1)
        return err_because(ERR_INVALID_RECORD, check->reason, "Compressed outer record has more than one batch");
    while (!(err = next_batch(&left, &batch, &got, check->reason)) && got) {
        check->errors = 0;
        check->timestamp_error = false;
        check->timestamps_matter = timestamps_matter(check, &batch);
        err = check_batch(check, &batch);
        if (!err && batch.magic == 2)
            err = unpack_new(check, &batch);
        if (!err)
            err = batch.magic == 2 ? check_new_records(check, &batch) : check_old_records(check, &batch);
        if (!err)
            err = record_errors(check);
        if (err)
            break;
    }
    return err;
}

/* ---- storing ---- */
static bool may_stay(const struct check *check)
{
    if (!check->source_codec && !check->target_codec)
        return check->one_magic;
    if (!check->source_codec && batch_control(&check->first)) /* control records are not compressed */
        return true;
    return check->source_codec == check->target_codec && check->one_magic && check->v->target_magic > 0 && check->in_order;
}

static void store_as_is(struct check *check)
{
    struct validate *v = check->v;
    size_t size = check->records.size;
    uint8_t *stored = v->may_change ? (uint8_t *)check->records.data : buffer_add(&v->out, size);
    int64_t offset = v->first_offset;
    int64_t last = v->first_offset + check->record_count - 1;

    if (!v->may_change)
        memcpy(stored, check->records.data, size);
    v->stored = (struct bytes){ stored, size };
    for (size_t at = 0; at < size;) {
        uint8_t *p = stored + at;
        struct batch batch;

        batch_decode_header((struct bytes){ p, size - at }, &batch, NULL);
        at += (size_t)batch.size_bytes;
        if (batch.magic == 2)           /* the last offset is what counts */
            batch_set_offset(p, last - (batch.last_offset - batch.base_offset), v->leader_epoch);
        else
            batch_set_offset(p, check->batch_count == 1 ? last : offset++, v->leader_epoch);
        if (v->log_append_time)
            batch_set_max_timestamp(p, true, v->now_ms);
        else
            batch_set_max_timestamp(p, false, check->batch_count == 1 ? check->max_timestamp_ms : batch.max_timestamp_ms);
    }
    v->last_offset = last;
    v->max_timestamp_ms = check->max_timestamp_ms;
    v->offset_of_max_timestamp = check->source_codec ? last : check->offset_of_max_timestamp;
    if (v->log_append_time && (v->target_magic || v->is_27)) {
        v->max_timestamp_ms = v->now_ms;
        v->offset_of_max_timestamp = v->target_magic == 2 || check->source_codec ? last : v->first_offset;
    }
}

/* Gives every record with its new offset to one of the two builders. */
static enum err rebuild_records(struct check *check, struct batch_builder *new, struct set_builder *old)
{
    struct bytes left = check->records;
    int64_t offset = check->v->first_offset;
    struct batch batch;
    bool got;
    enum err err;

    while (!(err = next_batch(&left, &batch, &got, check->reason)) && got) {
        struct record_iterator it = { .batch = &batch };
        struct record record;

        if (batch.magic == 2)
            it.reader = reader_of(check->body); /* unpacked already */
        else
            records_begin(&it, &batch);
        for (; !err && records_next(&it, &record); offset++) {
            if (new)
                batch_builder_add_at(new, offset, record.timestamp_ms, record.key, record.value, record.headers,
                                     record.header_count);
            else if (record.header_count)
                err = err_because(ERR_UNKNOWN_SERVER_ERROR, check->reason, "Magic v%d does not support record headers",
                                  old->magic);
            else
                set_builder_add(old, offset, record.timestamp_ms, record.key, record.value);
        }
        if (it.err)
            err = err_because(it.err, check->reason, "%s", it.reason.text);
        records_done(&it);
        if (err)
            break;
    }
    return err;
}

/* What Kafka's MemoryRecordsBuilder will not write; a batch that stays as it came never meets it. */
static enum err check_builder(const struct check *check)
{
    const struct batch *first = &check->first;
    const char *what = NULL;

    if (first->producer_id == -1 && batch_transactional(first))
        what = "Cannot write transactional messages without a valid producer ID";
    else if (first->producer_id != -1 && first->producer_epoch == -1)
        what = "Invalid negative producer epoch";
    return what ? err_because(ERR_UNKNOWN_SERVER_ERROR, check->reason, "%s", what) : ERR_OK;
}

static enum err rebuild_new(struct check *check)
{
    struct validate *v = check->v;
    const struct batch *first = &check->first;
    struct batch_builder builder = { 0 };
    struct bytes made;
    enum err err;

    batch_builder_init(&builder, check->target_codec);
    builder.level = v->level;
    builder.base_offset = v->first_offset;
    builder.leader_epoch = v->leader_epoch;
    builder.attributes = (int16_t)((first->attributes & (ATTRIBUTE_TRANSACTIONAL | ATTRIBUTE_CONTROL)) |
                                   (v->log_append_time ? ATTRIBUTE_LOG_APPEND_TIME : 0));
    builder.producer_id = first->producer_id;
    builder.producer_epoch = first->producer_epoch;
    builder.base_sequence = first->base_sequence;
    err = rebuild_records(check, &builder, NULL);
    if (!err)
        err = check_builder(check);
    if (v->log_append_time)
        builder.max_timestamp_ms = v->now_ms;
    if (!err)
        err = batch_builder_finish(&builder, &made, check->reason);
    if (!err) {
        buffer_put(&v->out, made.data, made.size);
        v->max_timestamp_ms = builder.max_timestamp_ms;
        v->offset_of_max_timestamp = v->max_timestamp_ms == -1 && !v->is_27 ? -1 : v->first_offset + check->record_count - 1;
    }
    batch_builder_done(&builder);
    return err;
}

static enum err rebuild_old(struct check *check)
{
    struct validate *v = check->v;
    struct set_builder builder;
    int64_t last = v->first_offset + check->record_count - 1;
    enum err err;

    set_builder_init(&builder, v->target_magic, check->target_codec, v->log_append_time, v->now_ms);
    err = rebuild_records(check, NULL, &builder);
    if (!err)
        err = set_builder_finish(&builder, &v->out, check->reason);
    v->max_timestamp_ms = builder.log_append_time ? v->now_ms : builder.max_timestamp_ms;
    if (check->target_codec)
        v->offset_of_max_timestamp = last;
    else
        v->offset_of_max_timestamp = builder.log_append_time ? v->first_offset : builder.offset_of_max_timestamp;
    if (v->max_timestamp_ms == -1)
        v->offset_of_max_timestamp = v->is_27 ? last : -1;
    set_builder_done(&builder);
    return err;
}

/* What was built anew may have grown. */
static enum err check_new_size(struct check *check, size_t start)
{
    const struct validate *v = check->v;
    struct bytes left = { NULL, 0 };
    struct batch batch;
    bool got;
    enum err err;

    if (v->out.size > start)
        left = (struct bytes){ v->out.data + start, v->out.size - start };
    while (!(err = next_batch(&left, &batch, &got, check->reason)) && got)
        if (v->max_message_bytes && batch.size_bytes > v->max_message_bytes)
            return err_because(ERR_MESSAGE_TOO_LARGE, check->reason, "Message batch size is %d bytes in append topartition %s "
                               "which exceeds the maximum configured size of %d.", batch.size_bytes, place(check),
                               v->max_message_bytes);
    return err;
}

static enum err rebuild(struct check *check)
{
    struct validate *v = check->v;
    size_t start = v->out.size;
    enum err err;

    if (skips_content(check))           /* its offsets are crooked, and Kafka has thrown away what it now needs (of magic 1 it has not) */
        return err_because(ERR_UNKNOWN_SERVER_ERROR, check->reason, "key is skipped in PartialDefaultRecord");
    err = v->target_magic == 2 ? rebuild_new(check) : rebuild_old(check);

    if (!err)
        err = check_new_size(check, start);
    if (err) {
        v->out.size = start;
        return err;
    }
    v->stored = v->out.size > start ? (struct bytes){ v->out.data + start, v->out.size - start } : (struct bytes){ 0 };
    v->last_offset = v->first_offset + check->record_count - 1;
    v->converted = check->first.magic != v->target_magic;
    v->recompressed = check->source_codec || check->target_codec;
    return ERR_OK;
}

enum err records_validate(struct bytes records, struct validate *v, struct reason *reason)
{
    struct check check = {
        .v = v, .reason = reason, .records = records, .in_order = true, .max_timestamp_ms = -1, .offset_of_max_timestamp = -1,
    };
    enum err err;

    check.named = v->errors ? v->errors : &check.own;
    record_errors_done(check.named);

    v->stored = (struct bytes){ 0 };
    v->last_offset = v->first_offset - 1;
    v->max_timestamp_ms = v->offset_of_max_timestamp = -1;
    v->record_count = 0;
    v->recompressed = v->converted = false;
    err = records_check_request(records, v->produce_version, v->is_27, reason);
    if (!err)
        err = analyze(&check);
    if (err || !check.batch_count)
        goto out;
    err = check_records(&check);
    if (err)
        goto out;
    v->record_count = check.record_count;
    if (may_stay(&check))
        store_as_is(&check);
    else
        err = rebuild(&check);
out:
    if (check.named == &check.own || !check.refused)
        record_errors_done(check.named); /* what ended it was something else */
    buffer_done(&check.plain);
    return err;
}
