/* Fields: bytes described once. A table of fields says how a C struct looks in Kafka's serialization, for each version; from
 * it the same few functions decode, encode and dump. wire/ describes the messages of the protocol so, cluster/ the records of
 * __consumer_offsets and of the metadata log, log/ what it keeps. Source: the protocol guide and the message JSON files'
 * meaning (KIP-482 for flexible versions and tagged fields).
 *
 *     struct topic { const char *name; struct uuid topic_id; ARRAY_OF(int32_t) partitions; };
 *     const struct field topic_fields[] = {
 *         FIELD(topic, name, T_STRING, 0, 12),
 *         FIELD(topic, topic_id, T_UUID, 13, NEWEST),
 *         FIELD_ARRAY(topic, partitions, T_INT32, 0, NEWEST),
 *         { 0 },
 *     };
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/bytes.h"
#include "sim/base/err.h"
#include "sim/base/mem.h"
#include "sim/base/text.h"

/* FIELD() sets every member and lets its extras set some again, which is the point of it. */
#pragma GCC diagnostic ignored "-Woverride-init"

enum field_type {
    T_END,
    T_BOOL,      /* bool */
    T_INT8,      /* int8_t */
    T_INT16,     /* int16_t */
    T_UINT16,    /* uint16_t */
    T_INT32,     /* int32_t */
    T_UINT32,    /* uint32_t */
    T_INT64,     /* int64_t */
    T_FLOAT64,   /* double */
    T_UUID,      /* struct uuid */
    T_STRING,    /* const char *; NULL: null. In the arena when decoded; a NUL inside is an error */
    T_BYTES,     /* struct bytes; data NULL: null (empty where null isn't allowed). Borrowed from the input when decoded */
    T_RECORDS,   /* struct records */
    T_STRUCT,    /* the struct itself, described by .fields; where nullable a pointer to it */
    T_VARINT,    /* int32_t, zig-zag: in the records of a batch */
    T_VARLONG,   /* int64_t */
};

#define NEWEST INT16_MAX    /* this version and all later */
#define NOT_NULL INT16_MAX

/* An array: items NULL with count -1 is null, with count 0 empty. */
#define ARRAY_OF(type)      \
    struct {                \
        type *items;        \
        int32_t count;      \
    }

struct file;
/* Record batches: bytes in memory, or a slice of a segment file that net/ sends by sendfile. */
struct records {
    const uint8_t *data;   /* NULL with file NULL: null */
    struct file *file;     /* pinned by whoever set it; unpinned by frame_done() */
    int64_t position;
    int32_t size;
};

struct field {
    const char *name;
    uint8_t type;          /* of the field; for an array of its items */
    bool array;
    int16_t since, until;  /* versions that have it */
    int16_t null_since;    /* from this version it may be null; NOT_NULL: never */
    int16_t tag;           /* -1: in place; else the number of a tagged field (in versions from tag_since) */
    int16_t tag_since;
    size_t offset;         /* in the struct */
    size_t size;           /* of one item, for T_STRUCT */
    const struct field *fields; /* of T_STRUCT */
    int64_t preset;        /* default: number; for string, bytes and array PRESET_NULL is null, else empty */
    bool plain;            /* never compact: the client id in the request header, which has to be readable before all else */
    bool varint;           /* its length or count is a zig-zag varint, and any negative one is null: in the records of a batch */
};
#define PRESET_NULL INT64_MIN

#define FIELD(struct_, name_, type_, since_, until_, ...)                                              \
    { .name = #name_, .type = (type_), .since = (since_), .until = (until_), .null_since = NOT_NULL,   \
      .tag = -1, .offset = offsetof(struct struct_, name_), ##__VA_ARGS__ }
#define FIELD_ARRAY(struct_, name_, type_, since_, until_, ...)                                        \
    FIELD(struct_, name_, type_, since_, until_, .array = true, ##__VA_ARGS__)
/* An array of structs: FIELD_STRUCTS(request, topics, request_topic, 0, NEWEST) reads request_topic_fields. */
#define FIELD_STRUCTS(struct_, name_, item_, since_, until_, ...)                                      \
    FIELD(struct_, name_, T_STRUCT, since_, until_, .array = true, .size = sizeof(struct item_),       \
          .fields = item_##_fields, ##__VA_ARGS__)
#define FIELD_STRUCT(struct_, name_, item_, since_, until_, ...)                                       \
    FIELD(struct_, name_, T_STRUCT, since_, until_, .size = sizeof(struct item_),                      \
          .fields = item_##_fields, ##__VA_ARGS__)
/* extras: .null_since = 3, .tag = 0, .tag_since = 10, .preset = -1 */

/* Fields of no C struct: for what is only shown, never used. fields_laid_out() makes a table for the functions below of them. */
#define SHOWN(name_, type_, since_, until_, ...)                                                       \
    { .name = #name_, .type = (type_), .since = (since_), .until = (until_), .null_since = NOT_NULL,   \
      .tag = -1, ##__VA_ARGS__ }
#define SHOWN_ARRAY(name_, type_, since_, until_, ...) SHOWN(name_, type_, since_, until_, .array = true, ##__VA_ARGS__)
#define SHOWN_STRUCTS(name_, fields_, since_, until_, ...)                                             \
    SHOWN(name_, T_STRUCT, since_, until_, .array = true, .fields = (fields_), ##__VA_ARGS__)
#define SHOWN_STRUCT(name_, fields_, since_, until_, ...)                                              \
    SHOWN(name_, T_STRUCT, since_, until_, .fields = (fields_), ##__VA_ARGS__)

struct message {           /* the description of one struct as a whole */
    const char *name;      /* "ProduceRequest" */
    int16_t first, last;   /* versions described */
    int16_t flexible_since;/* compact lengths and tagged fields from here; NEWEST: never */
    const struct field *fields;
    size_t size;           /* of the struct */
};

/* The message with a place in memory for each field, for a table of SHOWN fields; one of FIELDs (its size is not 0) is given back as it is.
 * In the arena, where what it is decoded into should be too. */
const struct message *fields_laid_out(const struct message *message, struct arena *arena);

/* What is sent: bytes, with slices of files to be put in at places. */
struct frame_slice {
    size_t at;             /* goes in before this byte of `bytes` */
    struct file *file;     /* pinned */
    int64_t position;
    size_t size;
};
struct frame {             /* owns all; all zero is an empty one */
    struct buffer bytes;
    struct frame_slice *slices;
    size_t slice_count, slice_capacity;
};
void frame_done(struct frame *frame);            /* unpins its files */
size_t frame_size(const struct frame *frame);    /* bytes and slices */
/* All in one piece in `out` (files are read). */
enum err frame_flatten(struct frame *frame, struct buffer *out, struct reason *reason);

size_t field_bytes(const struct field *field);   /* bytes that it takes in its struct */
/* Decodes one message from `reader` into `out` (of message->size bytes, zeroed by this function and then filled with presets). Arrays and
 * strings are in `arena`. No count or length is believed before it is compared with the bytes left, nesting is that of the table.
 * ERR_INVALID_REQUEST with the field's path and the byte where it stands. Bytes after the message are the caller's matter. */
enum err fields_decode(const struct message *message, int16_t version, struct reader *reader,
                       struct arena *arena, void *out, struct reason *reason);
/* Encodes; fields that the version has not are left out. ERR_UNSUPPORTED_VERSION: one of them is null where the version allows none.
 * Slices are moved into the frame (their pins too); after an error the frame is as it was and the pins are the caller's. */
enum err fields_encode(const struct message *message, int16_t version, const void *in, struct frame *frame, struct reason *reason);
/* Fills in the presets, as a message built by hand starts. */
void fields_preset(const struct message *message, void *out);
/* One line per field, two spaces an indent level, foreign text escaped; what the version has not is left out, and
 * tagged fields that would not be sent. */
void fields_dump(const struct message *message, int16_t version, const void *in, struct text *out);
/* As one JSON object, names in Kafka's camelCase. */
void fields_json(const struct message *message, int16_t version, const void *in, struct text *out);
/* Calls `fn` for each field met in encoded bytes, with where it lies and its value as text: for annotated hexdumps. Bytes that are
 * no such message give an error, after what could be read was told. */
typedef void fields_walk_fn(void *context, int depth, const char *name, size_t from, size_t to, const char *value);
enum err fields_walk(const struct message *message, int16_t version, struct bytes bytes, fields_walk_fn *fn, void *context,
                     struct reason *reason);
