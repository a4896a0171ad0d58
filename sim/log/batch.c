/* Record batches of magic 2: taken apart, walked, built, rewritten. Old message sets are message_set.c's. */
#include "sim/log/batch.h"

#include <string.h>
#include <zlib.h>

#include "sim/log/record.h"

enum {                                  /* where the fields lie */
    AT_LENGTH = 8, AT_EPOCH = 12, AT_MAGIC = 16, AT_CRC = 17, AT_ATTRIBUTES = 21, AT_LAST_DELTA = 23, AT_BASE_TIMESTAMP = 27,
    AT_MAX_TIMESTAMP = 35, AT_PRODUCER_ID = 43, AT_PRODUCER_EPOCH = 51, AT_BASE_SEQUENCE = 53, AT_COUNT = 57,
    AT_OLD_CRC = 12, AT_OLD_MAGIC = 16, AT_OLD_ATTRIBUTES = 17, AT_OLD_TIMESTAMP = 18,
};

/* -1 stays -1; 2147483647 is followed by 0. */
static int32_t sequence_add(int32_t sequence, int32_t increment)
{
    if (sequence < 0)
        return -1;
    return (int32_t)(((uint32_t)sequence + (uint32_t)increment) & INT32_MAX);
}

int32_t batch_last_sequence(const struct batch *batch)
{
    return sequence_add(batch->base_sequence, (int32_t)subtract_wrapping(batch->last_offset, batch->base_offset));
}

/* ---- decoding ---- */
static void decode_old(const uint8_t *p, struct batch *out)
{
    out->base_offset = out->last_offset = get_i64(p);
    out->leader_epoch = -1;
    out->crc = get_u32(p + AT_OLD_CRC);
    out->attributes = p[AT_OLD_ATTRIBUTES] & (out->magic ? ATTRIBUTE_CODEC | ATTRIBUTE_LOG_APPEND_TIME : ATTRIBUTE_CODEC);
    out->base_timestamp_ms = out->max_timestamp_ms = out->magic ? get_i64(p + AT_OLD_TIMESTAMP) : -1;
    out->producer_id = -1;
    out->producer_epoch = -1;
    out->base_sequence = -1;
    out->record_count = batch_codec(out) ? -1 : 1;
}

static void decode_new(const uint8_t *p, struct batch *out)
{
    out->base_offset = get_i64(p);
    out->last_offset = add_wrapping(out->base_offset, get_i32(p + AT_LAST_DELTA));
    out->leader_epoch = get_i32(p + AT_EPOCH);
    out->crc = get_u32(p + AT_CRC);
    out->attributes = get_i16(p + AT_ATTRIBUTES);
    out->base_timestamp_ms = get_i64(p + AT_BASE_TIMESTAMP);
    out->max_timestamp_ms = get_i64(p + AT_MAX_TIMESTAMP);
    out->producer_id = get_i64(p + AT_PRODUCER_ID);
    out->producer_epoch = get_i16(p + AT_PRODUCER_EPOCH);
    out->base_sequence = get_i32(p + AT_BASE_SEQUENCE);
    out->record_count = get_i32(p + AT_COUNT);
}

/* As Kafka's ByteBufferLogInputStream: *need is what has to be there to know the header, *size the whole batch. */
static enum err look(struct bytes bytes, size_t *need, size_t *size, struct reason *reason)
{
    int32_t length;
    int8_t magic;

    *size = 0;
    *need = HEADER_TO_MAGIC;
    if (bytes.size >= BATCH_OVERHEAD) {
        length = get_i32(bytes.data + AT_LENGTH);
        if (length < MESSAGE_OVERHEAD_0)
            return err_because(ERR_CORRUPT_MESSAGE, reason,
                               "Record size %d is less than the minimum record overhead (%d)", length, MESSAGE_OVERHEAD_0);
        if (length > BATCH_MOST_BYTES - BATCH_OVERHEAD)
            return err_because(ERR_CORRUPT_MESSAGE, reason, "Record size %d exceeds the largest allowable message size (%d).",
                               length, BATCH_MOST_BYTES - BATCH_OVERHEAD);
        *size = BATCH_OVERHEAD + (size_t)length;
    }
    if (bytes.size < HEADER_TO_MAGIC)
        return err_because(ERR_OFFSET_OUT_OF_RANGE, reason, "A batch's header is cut short: %zu bytes", bytes.size);
    magic = (int8_t)bytes.data[AT_MAGIC];
    if (magic < 0 || magic > 2)
        return err_because(ERR_CORRUPT_MESSAGE, reason, "Invalid magic found in record: %d", magic);
    if (get_i64(bytes.data) > INT64_MAX / 2 || get_i64(bytes.data) < INT64_MIN / 2) /* so that counting on from it can't overflow */
        return err_because(ERR_CORRUPT_MESSAGE, reason, "A batch of offset %lld: no log is that long", (long long)get_i64(bytes.data));
    *need = magic == 2 ? BATCH_HEADER : BATCH_OVERHEAD + (magic ? MESSAGE_OVERHEAD_1 : MESSAGE_OVERHEAD_0);
    if (*size < *need)
        return err_because(ERR_CORRUPT_MESSAGE, reason, magic == 2 ?
                           "Record batch is corrupt (the size %zu is smaller than the minimum allowed overhead %zu)" :
                           "Record is corrupt (the size %zu is smaller than the minimum allowed overhead %zu)", *size, *need);
    return ERR_OK;
}

enum err batch_decode_header(struct bytes header, struct batch *out, struct reason *reason)
{
    size_t need, size;
    enum err err = look(header, &need, &size, reason);

    *out = (struct batch){ .bytes = header };
    if (err)
        return err;
    if (header.size < need)
        return err_because(ERR_OFFSET_OUT_OF_RANGE, reason, "A batch's header is cut short: %zu bytes", header.size);
    out->size_bytes = (int32_t)size;
    out->magic = (int8_t)header.data[AT_MAGIC];
    if (out->magic == 2)
        decode_new(header.data, out);
    else
        decode_old(header.data, out);
    return ERR_OK;
}

enum err batch_decode(struct bytes bytes, struct batch *out, size_t *need, struct reason *reason)
{
    size_t header, size;
    enum err err = look(bytes, &header, &size, reason);

    if (need)
        *need = size ? size : header;
    if (!err && bytes.size < size)
        err = err_because(ERR_OFFSET_OUT_OF_RANGE, reason, "A batch of %zu bytes is cut short after %zu", size, bytes.size);
    if (err) {
        *out = (struct batch){ 0 };
        return err;
    }
    return batch_decode_header((struct bytes){ bytes.data, size }, out, reason);
}

static uint32_t crc_of(const uint8_t *batch, size_t size)
{
    if ((int8_t)batch[AT_MAGIC] == 2)
        return crc32c(batch + AT_ATTRIBUTES, size - AT_ATTRIBUTES);
    return (uint32_t)crc32_z(0, batch + AT_OLD_MAGIC, size - AT_OLD_MAGIC);
}

uint32_t batch_crc(struct bytes batch)
{
    return crc_of(batch.data, batch.size);
}

bool batch_crc_right(const struct batch *batch)
{
    size_t size = (size_t)batch->size_bytes;

    return batch->bytes.size >= size && crc_of(batch->bytes.data, size) == batch->crc;
}

/* ---- one record ---- */
/* Most varints take one byte or two; these are the others. At most `most_bits`: 35 for 32 bits, 70 for 64. */
static __attribute__((noinline)) const uint8_t *varint_long(const uint8_t *p, const uint8_t *end, int most_bits, uint64_t *out)
{
    uint64_t v = 0;

    for (int shift = 0; shift < most_bits && p < end; shift += 7, p++) {
        v |= (uint64_t)(*p & 0x7f) << shift;
        if (*p >= 0x80)
            continue;
        if (most_bits < 64)
            v &= UINT32_MAX;
        *out = v >> 1 ^ -(v & 1);
        return p + 1;
    }
    return NULL;
}

static inline __attribute__((always_inline)) bool varint(const uint8_t **at, const uint8_t *end, int most_bits, uint64_t *out)
{
    const uint8_t *p = *at;

    if (__builtin_expect(p < end && p[0] < 0x80, 1)) {
        *out = (uint64_t)(p[0] >> 1) ^ -(uint64_t)(p[0] & 1);
        *at = p + 1;
    } else if (end - p >= 2 && p[1] < 0x80) {
        *out = (uint64_t)((p[0] & 0x7f) >> 1 | p[1] << 6) ^ -(uint64_t)(p[0] & 1);
        *at = p + 2;
    } else {
        p = varint_long(p, end, most_bits, out);
        if (!p)
            return false;
        *at = p;
    }
    return true;
}

static inline __attribute__((always_inline)) bool varint_32(const uint8_t **at, const uint8_t *end, int32_t *out)
{
    uint64_t v;

    if (!varint(at, end, 35, &v))
        return false;
    *out = (int32_t)v;
    return true;
}

/* Bytes with their length before them; any negative length is null. */
static inline __attribute__((always_inline)) bool sized(const uint8_t **at, const uint8_t *end, struct bytes *out)
{
    int32_t size;

    if (!varint_32(at, end, &size))
        return false;
    if (size < 0) {
        *out = (struct bytes){ 0 };
        return true;
    }
    if (size > end - *at)
        return false;
    *out = (struct bytes){ *at, (size_t)size };
    *at += size;
    return true;
}

static enum err bad_structure(struct reason *reason)
{
    return err_because(ERR_INVALID_RECORD, reason, "Found invalid record structure");
}

static __attribute__((noinline)) enum err check_headers(const uint8_t **at, const uint8_t *end, int32_t count, struct reason *reason)
{
    struct bytes text;

    if (count < 0)
        return err_because(ERR_INVALID_RECORD, reason, "Found invalid number of record headers %d", count);
    if (count > end - *at)
        return err_because(ERR_INVALID_RECORD, reason, "Found invalid number of record headers. %d is larger than the "
                           "remaining size of the buffer", count);
    for (int32_t i = 0; i < count; i++) {
        if (!sized(at, end, &text))
            return bad_structure(reason);
        if (!text.data)
            return err_because(ERR_INVALID_RECORD, reason, "Invalid negative header key size -1");
        if (!sized(at, end, &text))
            return bad_structure(reason);
    }
    return ERR_OK;
}

/* The fields before a record's headers. */
static inline bool parse_fields(const uint8_t **at, const uint8_t *end, struct record_view *out)
{
    uint64_t delta;

    if (!varint(at, end, 70, &delta) || !varint_32(at, end, &out->offset_delta) || !sized(at, end, &out->key) ||
        !sized(at, end, &out->value) || !varint_32(at, end, &out->header_count))
        return false;
    out->timestamp_delta = (int64_t)delta;
    return true;
}

/* Java's ByteUtils throws where five bytes were not enough, and nobody made a refusal of that. */
static enum err no_length(const uint8_t *at, const uint8_t *end, struct reason *reason)
{
    return end - at < 5 ? err_because(ERR_INVALID_RECORD, reason, "Incorrect declared batch size, premature EOF reached") :
                          err_because(ERR_UNKNOWN_SERVER_ERROR, reason, "Varint is too long, the most significant bit in the 5th byte is set");
}

enum err record_skim(const uint8_t **at, const uint8_t *end, struct record_view *out, struct reason *reason)
{
    const uint8_t *start = *at, *p = start;
    int32_t size;
    enum err err;

    if (!varint_32(&p, end, &size) || p >= end)
        return err_because(ERR_INVALID_RECORD, reason, "Incorrect declared batch size, premature EOF reached");
    p++;                                /* attributes: none are in use */
    if (!parse_fields(&p, end, out))
        return bad_structure(reason);
    out->headers = p;
    err = out->header_count ? check_headers(&p, end, out->header_count, reason) : ERR_OK;
    if (err)
        return err;
    out->end = p;
    out->size_bytes = (int32_t)(p - start);
    *at = p;
    return ERR_OK;
}

enum err record_parse(const uint8_t **at, const uint8_t *end, struct record_view *out, struct reason *reason)
{
    const uint8_t *start = *at, *p = start, *body;
    int32_t size;

    if (!varint_32(&p, end, &size))
        return no_length(p, end, reason);
    if (size > end - p)
        return err_because(ERR_INVALID_RECORD, reason, "Invalid record size: expected %d bytes in record payload, but instead "
                           "the buffer has only %td remaining bytes.", size, end - p);
    body = p;
    if (p >= end)
        return bad_structure(reason);
    p++;                                /* attributes: none are in use */
    if (!parse_fields(&p, end, out))
        return bad_structure(reason);
    out->headers = p;
    if (out->header_count) {
        const uint8_t *behind = p;      /* p itself stays in a register */
        enum err err = check_headers(&behind, end, out->header_count, reason);

        if (err)
            return err;
        p = behind;
    }
    if (p - body != size)
        return err_because(ERR_INVALID_RECORD, reason, "Invalid record size: expected to read %d bytes in record payload, but "
                           "instead read %td", size, p - body);
    out->end = p;
    out->size_bytes = (int32_t)(p - start);
    *at = p;
    return ERR_OK;
}

/* ---- walking ---- */
void records_begin(struct record_iterator *it, const struct batch *batch)
{
    struct bytes body;

    *it = (struct record_iterator){ .batch = batch };
    if (batch->magic < 2) {
        old_begin(it);
        return;
    }
    body = (struct bytes){ batch->bytes.data + BATCH_HEADER, batch->bytes.size - BATCH_HEADER };
    if (batch->record_count < 0)
        it->err = err_because(ERR_INVALID_RECORD, &it->reason, "Found invalid record count %d in magic v2 batch",
                              batch->record_count);
    else if (batch_codec(batch) && batch->record_count) {
        it->err = codec_decompress(batch_codec(batch), body, PLAIN_MOST_BYTES, &it->plain, &it->reason);
        body = buffer_bytes(&it->plain);
    }
    it->reader = reader_of(body);
}

static void give_headers(struct record_iterator *it, const struct record_view *view, struct record *out)
{
    const uint8_t *at = view->headers;
    size_t count = (size_t)view->header_count;

    if (count > it->header_capacity) {
        it->headers = mem_resize(it->headers, count * sizeof(*it->headers));
        it->header_capacity = count;
    }
    for (size_t i = 0; i < count; i++) {
        sized(&at, view->end, &it->headers[i].key);
        sized(&at, view->end, &it->headers[i].value);
    }
    out->headers = count ? it->headers : NULL;
    out->header_count = view->header_count;
}

bool records_next(struct record_iterator *it, struct record *out)
{
    const struct batch *batch = it->batch;
    struct record_view view;

    if (it->err)
        return false;
    if (batch->magic < 2)
        return old_next(it, out);
    if (it->index >= batch->record_count)
        return false;
    it->err = record_parse(&it->reader.at, it->reader.end, &view, &it->reason);
    if (!it->err && it->index == batch->record_count - 1 && it->reader.at != it->reader.end)
        it->err = err_because(ERR_INVALID_RECORD, &it->reason, "Incorrect declared batch size, records still remaining in file");
    if (it->err)
        return false;
    *out = (struct record){
        .offset = add_wrapping(batch->base_offset, view.offset_delta),
        .timestamp_ms = batch_log_append_time(batch) ? batch->max_timestamp_ms :
                                                       add_wrapping(batch->base_timestamp_ms, view.timestamp_delta),
        .sequence = sequence_add(batch->base_sequence, view.offset_delta),
        .key = view.key,
        .value = view.value,
        .size_bytes = view.size_bytes,
    };
    give_headers(it, &view, out);
    it->index++;
    return true;
}

void records_done(struct record_iterator *it)
{
    if (it->old)
        old_done(it);
    buffer_done(&it->plain);
    mem_free(it->headers);
    it->headers = NULL;
    it->header_capacity = 0;
}

/* ---- building ---- */
void batch_builder_init(struct batch_builder *builder, int codec)
{
    struct buffer plain = builder->plain, out = builder->out;

    buffer_clear(&plain);
    buffer_clear(&out);
    *builder = (struct batch_builder){
        .plain = plain, .out = out, .codec = codec, .level = INT32_MIN, .leader_epoch = -1, .base_timestamp_ms = -1,
        .max_timestamp_ms = -1, .first_timestamp_ms = -1, .producer_id = -1, .producer_epoch = -1, .base_sequence = -1,
        .last_delta = -1,
    };
}

void batch_builder_init_marker(struct batch_builder *builder, bool commit, int64_t producer_id, int16_t producer_epoch, int32_t coordinator_epoch,
                               int64_t timestamp_ms)
{
    uint8_t key[4] = { 0, 0, 0, commit }, value[6] = { 0 };   /* versions 0; types 0 ABORT, 1 COMMIT */

    put_u32(value + 2, (uint32_t)coordinator_epoch);
    batch_builder_init(builder, CODEC_NONE);
    builder->attributes = ATTRIBUTE_TRANSACTIONAL | ATTRIBUTE_CONTROL;
    builder->producer_id = producer_id;
    builder->producer_epoch = producer_epoch;
    batch_builder_add(builder, timestamp_ms, (struct bytes){ key, sizeof(key) }, (struct bytes){ value, sizeof(value) }, NULL, 0);
}

void batch_builder_done(struct batch_builder *builder)
{
    if (!builder)
        return;
    buffer_done(&builder->plain);
    buffer_done(&builder->out);
}

static size_t sized_size(struct bytes bytes)
{
    return bytes.data ? varint_size((int64_t)bytes.size) + bytes.size : 1;
}

static void put_sized(struct buffer *out, struct bytes bytes)
{
    buffer_varint(out, bytes.data ? (int64_t)bytes.size : -1);
    buffer_put(out, bytes.data, bytes.size);
}

/* Of a record without its length. */
static size_t body_size(int64_t timestamp_delta, int32_t offset_delta, struct bytes key, struct bytes value,
                        const struct header *headers, int32_t header_count)
{
    size_t size = 1 + varint_size(timestamp_delta) + varint_size(offset_delta) + sized_size(key) + sized_size(value) +
                  varint_size(header_count);

    for (int32_t i = 0; i < header_count; i++)
        size += varint_size((int64_t)headers[i].key.size) + headers[i].key.size + sized_size(headers[i].value);
    return size;
}

void batch_builder_add_at(struct batch_builder *builder, int64_t offset, int64_t timestamp_ms, struct bytes key,
                          struct bytes value, const struct header *headers, int32_t header_count)
{
    struct buffer *plain = &builder->plain;
    int32_t offset_delta = (int32_t)(offset - builder->base_offset);
    int64_t timestamp_delta;

    if (!builder->record_count) {
        builder->first_timestamp_ms = builder->max_timestamp_ms = timestamp_ms;
        if (!(builder->attributes & ATTRIBUTE_DELETE_HORIZON)) /* else the base is the horizon */
            builder->base_timestamp_ms = timestamp_ms;
    }
    timestamp_delta = subtract_wrapping(timestamp_ms, builder->base_timestamp_ms);
    buffer_varint(plain, (int64_t)body_size(timestamp_delta, offset_delta, key, value, headers, header_count));
    buffer_i8(plain, 0);
    buffer_varint(plain, timestamp_delta);
    buffer_varint(plain, offset_delta);
    put_sized(plain, key);
    put_sized(plain, value);
    buffer_varint(plain, header_count);
    for (int32_t i = 0; i < header_count; i++) {
        buffer_varint(plain, (int64_t)headers[i].key.size);
        buffer_put(plain, headers[i].key.data, headers[i].key.size);
        put_sized(plain, headers[i].value);
    }
    if (timestamp_ms > builder->max_timestamp_ms)
        builder->max_timestamp_ms = timestamp_ms;
    builder->last_delta = offset_delta;
    builder->record_count++;
}

void batch_builder_add(struct batch_builder *builder, int64_t timestamp_ms, struct bytes key, struct bytes value,
                       const struct header *headers, int32_t header_count)
{
    batch_builder_add_at(builder, builder->base_offset + builder->last_delta + 1, timestamp_ms, key, value, headers,
                         header_count);
}

size_t batch_builder_size_with_timestamp(const struct batch_builder *builder, int64_t timestamp_ms, struct bytes key,
                                         struct bytes value, const struct header *headers, int32_t header_count)
{
    int64_t delta = builder->record_count ? subtract_wrapping(timestamp_ms, builder->base_timestamp_ms) : 0;
    size_t body = body_size(delta, builder->last_delta + 1, key, value, headers, header_count);

    return BATCH_HEADER + builder->plain.size + varint_size((int64_t)body) + body;
}

size_t batch_builder_size_with(const struct batch_builder *builder, struct bytes key, struct bytes value,
                               const struct header *headers, int32_t header_count)
{
    return batch_builder_size_with_timestamp(builder, builder->max_timestamp_ms, key, value, headers, header_count);
}

static void write_header(const struct batch_builder *builder, uint8_t *p, size_t size)
{
    put_u64(p, (uint64_t)builder->base_offset);
    put_u32(p + AT_LENGTH, (uint32_t)(size - BATCH_OVERHEAD));
    put_u32(p + AT_EPOCH, (uint32_t)builder->leader_epoch);
    p[AT_MAGIC] = 2;
    put_u16(p + AT_ATTRIBUTES, (uint16_t)((builder->attributes & ~ATTRIBUTE_CODEC) | builder->codec));
    put_u32(p + AT_LAST_DELTA, (uint32_t)(builder->last_delta < 0 ? 0 : builder->last_delta));
    put_u64(p + AT_BASE_TIMESTAMP, (uint64_t)builder->base_timestamp_ms);
    put_u64(p + AT_MAX_TIMESTAMP, (uint64_t)builder->max_timestamp_ms);
    put_u64(p + AT_PRODUCER_ID, (uint64_t)builder->producer_id);
    put_u16(p + AT_PRODUCER_EPOCH, (uint16_t)builder->producer_epoch);
    put_u32(p + AT_BASE_SEQUENCE, (uint32_t)builder->base_sequence);
    put_u32(p + AT_COUNT, (uint32_t)builder->record_count);
    put_u32(p + AT_CRC, crc_of(p, size));
}

enum err batch_builder_finish(struct batch_builder *builder, struct bytes *out, struct reason *reason)
{
    enum err err = ERR_OK;

    buffer_clear(&builder->out);
    buffer_add(&builder->out, BATCH_HEADER);
    if (builder->record_count)
        err = codec_compress(builder->codec, builder->level, buffer_bytes(&builder->plain), &builder->out, reason);
    if (!err && builder->out.size > BATCH_MOST_BYTES)
        err = err_because(ERR_MESSAGE_TOO_LARGE, reason, "A batch of %zu bytes is larger than %d", builder->out.size,
                          BATCH_MOST_BYTES);
    if (!err)
        write_header(builder, builder->out.data, builder->out.size);
    *out = err ? (struct bytes){ 0 } : buffer_bytes(&builder->out);
    return err;
}

/* ---- rewriting ---- */
static size_t whole_size(const uint8_t *batch)
{
    return BATCH_OVERHEAD + (size_t)get_u32(batch + AT_LENGTH);
}

void batch_set_offset(uint8_t *batch, int64_t base_offset, int32_t leader_epoch)
{
    put_u64(batch, (uint64_t)base_offset);
    if ((int8_t)batch[AT_MAGIC] == 2)
        put_u32(batch + AT_EPOCH, (uint32_t)leader_epoch);
}

static void make_crc(uint8_t *batch)
{
    put_u32(batch + ((int8_t)batch[AT_MAGIC] == 2 ? AT_CRC : AT_OLD_CRC), crc_of(batch, whole_size(batch)));
}

void batch_set_max_timestamp(uint8_t *batch, bool log_append_time, int64_t max_timestamp_ms)
{
    bool new = (int8_t)batch[AT_MAGIC] == 2;
    uint8_t *flags = batch + (new ? AT_ATTRIBUTES + 1 : AT_OLD_ATTRIBUTES); /* magic 2 uses the second byte only */
    uint8_t *at = batch + (new ? AT_MAX_TIMESTAMP : AT_OLD_TIMESTAMP);
    bool was = *flags & ATTRIBUTE_LOG_APPEND_TIME;

    if (batch[AT_MAGIC] == 0 || (was == log_append_time && get_i64(at) == max_timestamp_ms))
        return;
    *flags = (uint8_t)((*flags & ~ATTRIBUTE_LOG_APPEND_TIME) | (log_append_time ? ATTRIBUTE_LOG_APPEND_TIME : 0));
    put_u64(at, (uint64_t)max_timestamp_ms);
    make_crc(batch);
}

static void shift(uint8_t *at, int64_t by_ms)
{
    if (get_i64(at) != -1)
        put_u64(at, (uint64_t)add_wrapping(get_i64(at), by_ms));
}

void batch_shift_timestamps(uint8_t *batch, int64_t by_ms)
{
    if (!by_ms || batch[AT_MAGIC] == 0)
        return;
    if ((int8_t)batch[AT_MAGIC] == 2) {
        shift(batch + AT_BASE_TIMESTAMP, by_ms);
        shift(batch + AT_MAX_TIMESTAMP, by_ms);
    } else
        shift(batch + AT_OLD_TIMESTAMP, by_ms);
    make_crc(batch);
}
