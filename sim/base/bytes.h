/* Bytes as Kafka writes them: big-endian integers, zig-zag varints (protobuf's), borrowed ranges, a growing buffer to
 * write into and a reader that can't run past its end. Source: Kafka protocol guide, "Protocol Primitive Types". */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes { /* borrowed; data NULL means Kafka's null, which is not the same as empty */
    const uint8_t *data;
    size_t size;
};

static inline uint16_t get_u16(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }
static inline uint32_t get_u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}
static inline uint64_t get_u64(const uint8_t *p) { return (uint64_t)get_u32(p) << 32 | get_u32(p + 4); }
static inline int16_t get_i16(const uint8_t *p) { return (int16_t)get_u16(p); }
static inline int32_t get_i32(const uint8_t *p) { return (int32_t)get_u32(p); }
static inline int64_t get_i64(const uint8_t *p) { return (int64_t)get_u64(p); }
static inline void put_u16(uint8_t *p, uint16_t v) { p[0] = (uint8_t)(v >> 8), p[1] = (uint8_t)v; }
static inline void put_u32(uint8_t *p, uint32_t v) { put_u16(p, (uint16_t)(v >> 16)), put_u16(p + 2, (uint16_t)v); }
static inline void put_u64(uint8_t *p, uint64_t v) { put_u32(p, (uint32_t)(v >> 32)), put_u32(p + 4, (uint32_t)v); }

/* ---- writing ---- */
struct buffer { /* owns data; all zero is an empty one */
    uint8_t *data;
    size_t size, capacity;
};
void buffer_done(struct buffer *buffer);
void buffer_clear(struct buffer *buffer);                    /* keeps the memory */
uint8_t *buffer_add(struct buffer *buffer, size_t size);     /* room for `size` more bytes, not set; valid until the next add */
void buffer_put(struct buffer *buffer, const void *data, size_t size);
void buffer_i8(struct buffer *buffer, int8_t v);
void buffer_i16(struct buffer *buffer, int16_t v);
void buffer_i32(struct buffer *buffer, int32_t v);
void buffer_i64(struct buffer *buffer, int64_t v);
void buffer_uvarint(struct buffer *buffer, uint64_t v);      /* unsigned */
void buffer_varint(struct buffer *buffer, int64_t v);        /* zig-zag; for 32 and 64 bit alike */
size_t varint_size(int64_t v);
struct bytes buffer_bytes(const struct buffer *buffer);

/* ---- reading: past the end every read answers 0 and `failed` stays set, so a run of reads is checked once ---- */
struct reader {
    const uint8_t *at, *end;
    bool failed;
};
struct reader reader_of(struct bytes bytes);
size_t reader_left(const struct reader *reader);
int8_t reader_i8(struct reader *reader);
int16_t reader_i16(struct reader *reader);
uint16_t reader_u16(struct reader *reader);
int32_t reader_i32(struct reader *reader);
uint32_t reader_u32(struct reader *reader);
int64_t reader_i64(struct reader *reader);
uint32_t reader_uvarint(struct reader *reader);   /* at most 5 bytes, else failed */
int32_t reader_varint(struct reader *reader);
int64_t reader_varlong(struct reader *reader);    /* at most 10 bytes, else failed */
struct bytes reader_bytes(struct reader *reader, size_t size); /* borrowed from what is read */

bool bytes_equal(struct bytes a, struct bytes b);
struct bytes bytes_text(const char *text);        /* of a C string, without its NUL; NULL gives null */
