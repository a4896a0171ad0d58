/* What batch.c, message_set.c and validate.c share, and nobody else includes: one record of a magic 2 batch taken apart in
 * place, the walk through the message sets of old, and their making. */
#pragma once
#include "sim/log/batch.h"

enum {
    MESSAGE_OVERHEAD_0 = 14, MESSAGE_OVERHEAD_1 = 22,   /* of an old message, after its offset and size */
    PLAIN_MOST_BYTES = BATCH_MOST_BYTES,                /* a compressed batch may unfold to this much */
    HEADER_TO_MAGIC = 17,
};

/* ---- magic 2 ---- */
struct record_view {
    int64_t timestamp_delta;
    int32_t offset_delta;
    int32_t size_bytes;                 /* with its length */
    int32_t header_count;
    struct bytes key, value;
    const uint8_t *headers, *end;       /* the headers' bytes, checked */
};
/* Takes the record at *at apart, headers checked too, and moves *at behind it. ERR_INVALID_RECORD, as Kafka's DefaultRecord. */
enum err record_parse(const uint8_t **at, const uint8_t *end, struct record_view *out, struct reason *reason);
/* The same, but nobody asks whether the record's length is that of its fields, nor for lengths below -1: what 4.3 makes of a compressed
 * record whose batch stays as it is (DefaultRecord.readPartiallyFrom). */
enum err record_skim(const uint8_t **at, const uint8_t *end, struct record_view *out, struct reason *reason);

/* At most three bytes, which are there; false: it has more. */
static inline __attribute__((always_inline)) bool varint_short(const uint8_t **at, int32_t *out)
{
    const uint8_t *p = *at;
    uint32_t v = p[0];

    if (v < 0x80) {
        *at = p + 1;
    } else if (p[1] < 0x80) {
        v = (v & 0x7f) | (uint32_t)p[1] << 7;
        *at = p + 2;
    } else if (p[2] < 0x80) {
        v = (v & 0x7f) | (uint32_t)(p[1] & 0x7f) << 7 | (uint32_t)p[2] << 14;
        *at = p + 3;
    } else {
        return false;
    }
    *out = (int32_t)(v >> 1 ^ -(v & 1));
    return true;
}

/* record_parse() for what nearly all records are, in line: whole, of moderate size, without headers. False: it may be another one, or a
 * damaged one; nothing has moved. */
static inline __attribute__((always_inline)) bool record_parse_plain(const uint8_t **at, const uint8_t *end, struct record_view *out)
{
    enum { MOST_BEFORE_KEY = 3 + 1 + 3 + 3 + 3, MOST_BEFORE_VALUE = 3 + 1 };
    const uint8_t *start = *at, *p = start, *body;
    int32_t size, timestamp_delta, key, value;

    if (end - p < MOST_BEFORE_KEY || !varint_short(&p, &size))
        return false;
    body = p++;                         /* attributes: none are in use */
    if (!varint_short(&p, &timestamp_delta) || !varint_short(&p, &out->offset_delta) || !varint_short(&p, &key))
        return false;
    out->key = (struct bytes){ key < 0 ? NULL : p, key < 0 ? 0 : (size_t)key };
    if (end - p < (ptrdiff_t)out->key.size + MOST_BEFORE_VALUE)
        return false;
    p += out->key.size;
    if (!varint_short(&p, &value))
        return false;
    out->value = (struct bytes){ value < 0 ? NULL : p, value < 0 ? 0 : (size_t)value };
    if (end - p <= (ptrdiff_t)out->value.size)
        return false;
    p += out->value.size;
    if (*p++ || p - body != size)
        return false;
    out->timestamp_delta = timestamp_delta;
    out->header_count = 0;
    out->headers = out->end = p;
    out->size_bytes = (int32_t)(p - start);
    *at = body + size;                  /* is p, but known sooner: the next record needn't wait for this one's fields */
    return true;
}
static inline int64_t add_wrapping(int64_t a, int64_t b) { return (int64_t)((uint64_t)a + (uint64_t)b); }
static inline int64_t subtract_wrapping(int64_t a, int64_t b) { return (int64_t)((uint64_t)a - (uint64_t)b); }

/* ---- magic 0 and 1 ---- */
struct old_message {                    /* one entry of a message set, borrowed */
    struct bytes bytes;                 /* offset and size included */
    int64_t offset, timestamp_ms;       /* timestamp -1 in magic 0 */
    uint32_t crc;
    int8_t magic, attributes;
    struct bytes key, value;
};
enum err old_message_decode(struct bytes bytes, struct old_message *out, struct reason *reason);
uint32_t old_message_crc(const struct old_message *message);   /* what crc should be */
void old_begin(struct record_iterator *it);
bool old_next(struct record_iterator *it, struct record *out);
void old_done(struct record_iterator *it);
/* The message that the record given last was read from; valid until the next. */
const struct old_message *old_last(const struct record_iterator *it);

struct set_builder {                    /* a message set being made; all zero, then set_builder_init() */
    struct buffer plain;
    int64_t first_offset, last_offset;
    int64_t max_timestamp_ms, offset_of_max_timestamp, append_time_ms;
    int64_t record_count;
    int codec;
    int8_t magic;
    bool log_append_time;
};
void set_builder_init(struct set_builder *builder, int8_t magic, int codec, bool log_append_time, int64_t append_time_ms);
void set_builder_done(struct set_builder *builder);
void set_builder_add(struct set_builder *builder, int64_t offset, int64_t timestamp_ms, struct bytes key, struct bytes value);
/* Appends the set to `out`: plain messages, or one compressed around them. */
enum err set_builder_finish(struct set_builder *builder, struct buffer *out, struct reason *reason);

/* Magic 0's lz4 frames have a wrong header checksum (KAFKA-3160): written so, not looked at. Other codecs as ever. */
enum err codec_compress_magic_0(int codec, struct bytes plain, struct buffer *out, struct reason *reason);
enum err codec_decompress_magic_0(int codec, struct bytes packed, size_t limit, struct buffer *out, struct reason *reason);
