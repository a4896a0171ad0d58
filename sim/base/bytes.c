/* Kafka's integers, growing buffers and bounded readers. */
#include "sim/base/bytes.h"

#include <string.h>

#include "sim/base/mem.h"

void buffer_done(struct buffer *buffer)
{
    mem_free(buffer->data);
    *buffer = (struct buffer){ 0 };
}

void buffer_clear(struct buffer *buffer)
{
    buffer->size = 0;
}

uint8_t *buffer_add(struct buffer *buffer, size_t size)
{
    uint8_t *at;

    if (buffer->capacity - buffer->size < size) {
        size_t capacity = buffer->capacity ? buffer->capacity * 2 : 64;

        while (capacity - buffer->size < size)
            capacity *= 2;
        buffer->data = mem_resize(buffer->data, capacity);
        buffer->capacity = capacity;
    }
    if (!buffer->data)
        return NULL; /* nothing of an empty one */
    at = buffer->data + buffer->size;
    buffer->size += size;
    return at;
}

void buffer_put(struct buffer *buffer, const void *data, size_t size)
{
    if (size)
        memcpy(buffer_add(buffer, size), data, size);
}

void buffer_i8(struct buffer *buffer, int8_t v)
{
    *buffer_add(buffer, 1) = (uint8_t)v;
}

void buffer_i16(struct buffer *buffer, int16_t v)
{
    put_u16(buffer_add(buffer, 2), (uint16_t)v);
}

void buffer_i32(struct buffer *buffer, int32_t v)
{
    put_u32(buffer_add(buffer, 4), (uint32_t)v);
}

void buffer_i64(struct buffer *buffer, int64_t v)
{
    put_u64(buffer_add(buffer, 8), (uint64_t)v);
}

void buffer_uvarint(struct buffer *buffer, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        buffer_i8(buffer, (int8_t)(v | 0x80));
    buffer_i8(buffer, (int8_t)v);
}

static uint64_t zigzag(int64_t v)
{
    return (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
}

void buffer_varint(struct buffer *buffer, int64_t v)
{
    buffer_uvarint(buffer, zigzag(v));
}

size_t varint_size(int64_t v)
{
    uint64_t left = zigzag(v);
    size_t size = 1;

    while (left >>= 7)
        size++;
    return size;
}

struct bytes buffer_bytes(const struct buffer *buffer)
{
    return (struct bytes){ buffer->data, buffer->size };
}

struct reader reader_of(struct bytes bytes)
{
    return (struct reader){ bytes.data, bytes.data ? bytes.data + bytes.size : NULL, false };
}

size_t reader_left(const struct reader *reader)
{
    return reader->failed ? 0 : (size_t)(reader->end - reader->at);
}

static const uint8_t *take(struct reader *reader, size_t size)
{
    const uint8_t *at = reader->at;

    if (reader_left(reader) < size) {
        reader->failed = true;
        return NULL;
    }
    reader->at += size;
    return at;
}

int8_t reader_i8(struct reader *reader)
{
    const uint8_t *p = take(reader, 1);

    return p ? (int8_t)*p : 0;
}

uint16_t reader_u16(struct reader *reader)
{
    const uint8_t *p = take(reader, 2);

    return p ? get_u16(p) : 0;
}

int16_t reader_i16(struct reader *reader)
{
    return (int16_t)reader_u16(reader);
}

uint32_t reader_u32(struct reader *reader)
{
    const uint8_t *p = take(reader, 4);

    return p ? get_u32(p) : 0;
}

int32_t reader_i32(struct reader *reader)
{
    return (int32_t)reader_u32(reader);
}

int64_t reader_i64(struct reader *reader)
{
    const uint8_t *p = take(reader, 8);

    return p ? get_i64(p) : 0;
}

static uint64_t uvarint(struct reader *reader, int most_bits)
{
    uint64_t v = 0;

    for (int shift = 0; shift < most_bits; shift += 7) {
        uint8_t byte = (uint8_t)reader_i8(reader);

        v |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return v;
    }
    reader->failed = true;
    return 0;
}

uint32_t reader_uvarint(struct reader *reader)
{
    return (uint32_t)uvarint(reader, 35);
}

int32_t reader_varint(struct reader *reader)
{
    uint32_t v = reader_uvarint(reader);

    return (int32_t)(v >> 1 ^ -(v & 1));
}

int64_t reader_varlong(struct reader *reader)
{
    uint64_t v = uvarint(reader, 70);

    return (int64_t)(v >> 1 ^ -(v & 1));
}

struct bytes reader_bytes(struct reader *reader, size_t size)
{
    const uint8_t *p = take(reader, size);

    return p ? (struct bytes){ p, size } : (struct bytes){ 0 };
}

bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.size == b.size && !a.data == !b.data && (!a.size || !memcmp(a.data, b.data, a.size));
}

struct bytes bytes_text(const char *text)
{
    return text ? (struct bytes){ (const uint8_t *)text, strlen(text) } : (struct bytes){ 0 };
}
