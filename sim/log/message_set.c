/* Message sets of magic 0 and 1: one message after the other, or one message whose value is a compressed set. Read, made, and
 * made from newer batches for old consumers (Kafka's LegacyRecord, AbstractLegacyRecordBatch, RecordsUtil). */
#include <zlib.h>

#include "sim/log/record.h"

enum { AT_SIZE = 8, AT_CRC = 12, AT_MAGIC = 16, AT_ATTRIBUTES = 17, AT_TIMESTAMP = 18 };

static size_t overhead(int8_t magic)
{
    return magic ? MESSAGE_OVERHEAD_1 : MESSAGE_OVERHEAD_0;
}

/* ---- one message ---- */
static bool sized(struct reader *reader, struct bytes *out)
{
    int32_t size = reader_i32(reader);

    *out = size < 0 ? (struct bytes){ 0 } : reader_bytes(reader, (size_t)size);
    return !reader->failed;
}

enum err old_message_decode(struct bytes bytes, struct old_message *out, struct reason *reason)
{
    struct reader reader = reader_of(bytes);

    *out = (struct old_message){ .bytes = bytes, .timestamp_ms = -1 };
    out->offset = reader_i64(&reader);
    reader_i32(&reader);
    out->crc = reader_u32(&reader);
    out->magic = reader_i8(&reader);
    out->attributes = reader_i8(&reader);
    if (!reader.failed && (out->magic < 0 || out->magic > 1))
        return err_because(ERR_CORRUPT_MESSAGE, reason, "Invalid magic found in record: %d", out->magic);
    if (out->magic == 1)
        out->timestamp_ms = reader_i64(&reader);
    if (!sized(&reader, &out->key) || !sized(&reader, &out->value))
        return err_because(ERR_CORRUPT_MESSAGE, reason, "A message of %zu bytes with a key or value that does not fit",
                           bytes.size);
    return ERR_OK;
}

uint32_t old_message_crc(const struct old_message *message)
{
    return (uint32_t)crc32_z(0, message->bytes.data + AT_MAGIC, message->bytes.size - AT_MAGIC);
}

/* ---- the walk ---- */
struct old_walk {
    struct bytes left;                  /* messages still to come */
    struct old_message wrapper, last;
    int64_t add;                        /* to the inner offsets */
    bool compressed;
};

/* The next inner message at the start of *left, which moves on. false at the end, also when the last is cut short (as Kafka). */
static bool next_inner(struct bytes *left, struct old_message *out, enum err *err, struct reason *reason)
{
    size_t size;

    if (left->size < AT_CRC)
        return false;
    size = get_u32(left->data + AT_SIZE);
    if (size < MESSAGE_OVERHEAD_0 || size > INT32_MAX) {
        *err = err_because(ERR_CORRUPT_MESSAGE, reason, "Record size is less than the minimum record overhead (%d)",
                           MESSAGE_OVERHEAD_0);
        return false;
    }
    size += AT_CRC;
    if (left->size < size)
        return false;
    *err = old_message_decode((struct bytes){ left->data, size }, out, reason);
    left->data += size;
    left->size -= size;
    return !*err;
}

/* Magic 1 counts inner offsets from 0 and tells only the last absolute one, so all are looked at before the first is given. */
static enum err find_first_offset(struct old_walk *walk, struct reason *reason)
{
    struct bytes left = walk->left;
    struct old_message message;
    int64_t last = -1, wrapper = walk->wrapper.offset;
    bool any = false;
    enum err err = ERR_OK;

    for (; next_inner(&left, &message, &err, reason); any = true)
        last = message.offset;
    if (err)
        return err;
    if (!any)
        return err_because(ERR_INVALID_RECORD, reason, "Found invalid compressed record set with no inner records");
    if (!walk->wrapper.magic || !wrapper) /* some versions of librdkafka produce 0 */
        return ERR_OK;
    if (wrapper < last)
        return err_because(ERR_INVALID_RECORD, reason, "Found invalid wrapper offset in compressed v1 message set, wrapper "
                           "offset '%lld' is less than the last inner message offset '%lld' and it is not zero.",
                           (long long)wrapper, (long long)last);
    walk->add = subtract_wrapping(wrapper, last);
    return ERR_OK;
}

static enum err open_wrapper(struct record_iterator *it, struct old_walk *walk)
{
    const struct old_message *wrapper = &walk->wrapper;
    int codec = batch_codec(it->batch);
    enum err err;

    if (codec >= CODEC_ZSTD)
        return err_because(ERR_INVALID_RECORD, &it->reason,
                           "Invalid wrapper compressionType found in legacy deep record iterator %d", wrapper->magic);
    if (!wrapper->value.data)
        return err_because(ERR_INVALID_RECORD, &it->reason, "Found invalid compressed record set with null value (magic = %d)",
                           wrapper->magic);
    err = (wrapper->magic ? codec_decompress : codec_decompress_magic_0)(codec, wrapper->value, PLAIN_MOST_BYTES, &it->plain,
                                                                         &it->reason);
    walk->left = buffer_bytes(&it->plain);
    if (err)                            /* a KafkaException, which no client has a code for */
        return err_because(ERR_UNKNOWN_SERVER_ERROR, &it->reason, "Failed to decompress record stream");
    return find_first_offset(walk, &it->reason);
}

void old_begin(struct record_iterator *it)
{
    struct old_walk *walk = mem_zero(sizeof(*walk));

    it->old = walk;
    it->err = old_message_decode(it->batch->bytes, &walk->wrapper, &it->reason);
    walk->compressed = batch_codec(it->batch);
    if (!it->err && walk->compressed)
        it->err = open_wrapper(it, walk);
}

void old_done(struct record_iterator *it)
{
    mem_free(it->old);
    it->old = NULL;
}

const struct old_message *old_last(const struct record_iterator *it)
{
    const struct old_walk *walk = it->old;

    return &walk->last;
}

bool records_crc(const struct record_iterator *it, uint32_t *crc, bool *right)
{
    if (!it->old)
        return false;
    *crc = old_last(it)->crc;
    *right = old_message_crc(old_last(it)) == *crc;
    return true;
}

bool old_next(struct record_iterator *it, struct record *out)
{
    struct old_walk *walk = it->old;
    struct old_message *message = &walk->last;

    if (!walk->compressed) {
        if (it->index)
            return false;
        *message = walk->wrapper;
    } else {
        if (!next_inner(&walk->left, message, &it->err, &it->reason))
            return false;
        if (message->attributes & ATTRIBUTE_CODEC) {
            it->err = err_because(ERR_INVALID_RECORD, &it->reason, "Inner messages must not be compressed");
            return false;
        }
        if (walk->wrapper.magic)
            message->offset = add_wrapping(message->offset, walk->add);
        if (message->magic && batch_log_append_time(it->batch))
            message->timestamp_ms = walk->wrapper.timestamp_ms;
    }
    *out = (struct record){
        .offset = message->offset, .timestamp_ms = message->timestamp_ms, .sequence = -1, .key = message->key,
        .value = message->value, .size_bytes = (int32_t)message->bytes.size,
    };
    it->index++;
    return true;
}

/* ---- making one ---- */
void set_builder_init(struct set_builder *builder, int8_t magic, int codec, bool log_append_time, int64_t append_time_ms)
{
    *builder = (struct set_builder){
        .magic = magic, .codec = codec, .log_append_time = log_append_time && magic, .append_time_ms = append_time_ms,
        .max_timestamp_ms = -1, .offset_of_max_timestamp = -1,
    };
}

void set_builder_done(struct set_builder *builder)
{
    buffer_done(&builder->plain);
}

static void put_sized(struct buffer *out, struct bytes bytes)
{
    buffer_i32(out, bytes.data ? (int32_t)bytes.size : -1);
    buffer_put(out, bytes.data, bytes.size);
}

static void put_message(struct buffer *out, int8_t magic, int attributes, int64_t offset, int64_t timestamp_ms, struct bytes key,
                        struct bytes value)
{
    size_t start = out->size, size = overhead(magic) + key.size + value.size;

    buffer_i64(out, offset);
    buffer_i32(out, (int32_t)size);
    buffer_i32(out, 0);
    buffer_i8(out, magic);
    buffer_i8(out, (int8_t)attributes);
    if (magic)
        buffer_i64(out, timestamp_ms);
    put_sized(out, key);
    put_sized(out, value);
    put_u32(out->data + start + AT_CRC, (uint32_t)crc32_z(0, out->data + start + AT_MAGIC, AT_CRC + size - AT_MAGIC));
}

void set_builder_add(struct set_builder *builder, int64_t offset, int64_t timestamp_ms, struct bytes key, struct bytes value)
{
    bool plain = builder->codec == CODEC_NONE;
    int attributes = builder->log_append_time ? ATTRIBUTE_LOG_APPEND_TIME : 0;

    if (!builder->record_count++)
        builder->first_offset = offset;
    builder->last_offset = offset;
    if (plain && builder->log_append_time)
        timestamp_ms = builder->append_time_ms;
    put_message(&builder->plain, builder->magic, attributes,
                !plain && builder->magic ? offset - builder->first_offset : offset, timestamp_ms, key, value);
    if (builder->magic && timestamp_ms > builder->max_timestamp_ms) {
        builder->max_timestamp_ms = timestamp_ms;
        builder->offset_of_max_timestamp = offset;
    }
}

enum err set_builder_finish(struct set_builder *builder, struct buffer *out, struct reason *reason)
{
    struct bytes plain = buffer_bytes(&builder->plain);
    struct buffer packed = { 0 };
    int attributes = builder->codec | (builder->log_append_time ? ATTRIBUTE_LOG_APPEND_TIME : 0);
    enum err err;

    if (builder->codec == CODEC_NONE || !builder->record_count) {
        buffer_put(out, plain.data, plain.size);
        return ERR_OK;
    }
    if (builder->codec == CODEC_ZSTD)
        return err_because(ERR_UNKNOWN_SERVER_ERROR, reason, "ZStandard compression is not supported for magic %d",
                           builder->magic);
    err = builder->magic ? codec_compress(builder->codec, INT32_MIN, plain, &packed, reason) :
                           codec_compress_magic_0(builder->codec, plain, &packed, reason);
    if (!err)
        put_message(out, builder->magic, attributes, builder->last_offset,
                    builder->log_append_time ? builder->append_time_ms : builder->max_timestamp_ms, (struct bytes){ 0 },
                    buffer_bytes(&packed));
    buffer_done(&packed);
    return err;
}

/* ---- for old consumers ---- */
/* Records below `from_offset` are left out of what was not compressed: librdkafka relies on it. */
static enum err down_convert(const struct batch *batch, int8_t magic, int64_t from_offset, struct buffer *out,
                             struct reason *reason)
{
    struct record_iterator it;
    struct set_builder builder;
    struct record record;
    enum err err;

    set_builder_init(&builder, magic, batch_codec(batch), batch_log_append_time(batch), batch->max_timestamp_ms);
    records_begin(&it, batch);
    while (records_next(&it, &record))
        if (batch_codec(batch) || record.offset >= from_offset)
            set_builder_add(&builder, record.offset, record.timestamp_ms, record.key, record.value);
    err = it.err;
    if (err)
        err_because(err, reason, "%s", it.reason.text);
    else
        err = set_builder_finish(&builder, out, reason);
    records_done(&it);
    set_builder_done(&builder);
    return err;
}

enum err records_down_convert(struct bytes records, int8_t magic, int64_t from_offset, struct buffer *out, struct reason *reason)
{
    size_t start = out->size;
    enum err err = ERR_OK;

    while (!err && records.size) {
        struct batch batch;

        err = batch_decode(records, &batch, NULL, reason);
        if (err == ERR_OFFSET_OUT_OF_RANGE) { /* what was read may end inside a batch */
            err = ERR_OK;
            break;
        }
        if (err)
            break;
        records.data += batch.size_bytes;
        records.size -= (size_t)batch.size_bytes;
        if (batch_control(&batch) && batch.magic == 2)
            continue;
        if (batch_codec(&batch) == CODEC_ZSTD)
            err = err_because(ERR_UNSUPPORTED_COMPRESSION_TYPE, reason,
                              "Down-conversion of zstandard-compressed batches is not supported");
        else if (batch.magic <= magic)
            buffer_put(out, batch.bytes.data, batch.bytes.size);
        else
            err = down_convert(&batch, magic, from_offset, out, reason);
    }
    if (err)
        out->size = start;
    return err;
}
