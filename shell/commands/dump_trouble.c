/* Why a damaged record or message can't be read, in the words of Kafka's classes: the bytes are read once more as those read them, to where they
 * stop. Source: Kafka's DefaultRecord, DefaultRecordBatch, LegacyRecord, Compression, Schema and Type of 2.7, the generated messages of 4.3. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "shell/commands/dump_log.h"

#define INVALID_RECORD "org.apache.kafka.common.InvalidRecordException"
#define KAFKA_EXCEPTION "org.apache.kafka.common.KafkaException"

/* ---- as java.nio.ByteBuffer reads ---- */

struct java {
    const uint8_t *at, *end;
    const char *exception; /* NULL: all went well */
    char message[160];
};

static void java_fail(struct java *java, const char *exception, const char *message)
{
    if (java->exception)
        return;
    java->exception = exception;
    snprintf(java->message, sizeof(java->message), "%s", message);
}

static int64_t java_left(const struct java *java)
{
    return java->end - java->at;
}

static uint8_t java_byte(struct java *java)
{
    if (java->exception)
        return 0;
    if (java->at < java->end)
        return *java->at++;
    java_fail(java, "java.nio.BufferUnderflowException", "");
    return 0;
}

static uint64_t java_unsigned(struct java *java, int most_bytes, const char *format)
{
    uint64_t value = 0;
    char message[128];

    for (int i = 0; i < most_bytes && !java->exception; i++) {
        uint8_t byte = java_byte(java);

        value |= (uint64_t)(byte & 0x7f) << 7 * i;
        if (byte < 0x80)
            return value;
    }
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(message, sizeof(message), format, most_bytes == 5 ? value & UINT32_MAX : value);
#pragma GCC diagnostic pop
    java_fail(java, "java.lang.IllegalArgumentException", message);
    return 0;
}

static int32_t java_varint(struct java *java)
{
    uint32_t v = (uint32_t)java_unsigned(java, 5, "Varint is too long, the most significant bit in the 5th byte is set, converted value: %" PRIx64);

    return (int32_t)(v >> 1 ^ -(v & 1));
}

static void java_varlong(struct java *java)
{
    java_unsigned(java, 10, "Varlong is too long, most significant bit in the 10th byte is set, converted value: %" PRIx64);
}

/* A slice with a limit set, as keys, values and headers are taken. */
static void java_slice(struct java *java, int32_t size)
{
    char message[64];

    if (java->exception || size < 0)
        return;
    if (size > java_left(java)) {
        snprintf(message, sizeof(message), "newLimit > capacity: (%" PRId32 " > %" PRId64 ")", size, java_left(java));
        java_fail(java, "java.lang.IllegalArgumentException", message);
    } else {
        java->at += size;
    }
}

/* ---- a record of magic 2 ---- */

static void read_headers(struct java *java, int32_t count)
{
    char message[80];

    for (int32_t i = 0; i < count && !java->exception; i++) {
        int32_t size = java_varint(java);

        if (size < 0 && !java->exception) {
            snprintf(message, sizeof(message), "Invalid negative header key size %" PRId32, size);
            java_fail(java, INVALID_RECORD, message);
        }
        java_slice(java, size);
        java_slice(java, java_varint(java));
    }
}

/* The body of `size` bytes at java->at. */
static void read_body(struct java *java, int32_t size, bool old)
{
    const uint8_t *start = java->at;
    char message[160];
    int32_t count;

    java_byte(java);
    java_varlong(java);
    java_varint(java);
    java_slice(java, java_varint(java));
    java_slice(java, java_varint(java));
    count = java_varint(java);
    if (!java->exception && count < 0) {
        snprintf(message, sizeof(message), "Found invalid number of record headers %" PRId32, count);
        java_fail(java, INVALID_RECORD, message);
    } else if (!java->exception && !old && count > java_left(java)) {
        snprintf(message, sizeof(message), "Found invalid number of record headers. %" PRId32 " is larger than the remaining size of the buffer", count);
        java_fail(java, INVALID_RECORD, message);
    }
    read_headers(java, count);
    if (!java->exception && java->at - start != size) {
        snprintf(message, sizeof(message), "Invalid record size: expected to read %" PRId32 " bytes in record payload, but instead read %td", size,
                 java->at - start);
        java_fail(java, INVALID_RECORD, message);
    }
}

static bool body_trouble(struct dump *dump, struct java *java, int32_t size)
{
    read_body(java, size, dump->old);
    if (text_equal(java->exception, INVALID_RECORD))
        return trouble_set(&dump->trouble, INVALID_RECORD, "%s", java->message);
    trouble_set(&dump->trouble, INVALID_RECORD, "Found invalid record structure");
    if (java->exception && java->message[0])
        trouble_cause(&dump->trouble, java->exception, "%s", java->message);
    else if (java->exception)
        trouble_cause(&dump->trouble, java->exception, NULL);
    return false;
}

static bool plain_trouble(struct dump *dump, struct java *java, bool last)
{
    int32_t size = java_varint(java);

    if (text_equal(java->exception, "java.nio.BufferUnderflowException"))
        return trouble_set(&dump->trouble, INVALID_RECORD, "Incorrect declared batch size, premature EOF reached");
    if (java->exception)
        return trouble_set(&dump->trouble, java->exception, "%s", java->message);
    if (size > java_left(java) && dump->old && last && java_left(java))
        return trouble_set(&dump->trouble, INVALID_RECORD, "Incorrect declared batch size, records still remaining in file");
    if (size > java_left(java) && dump->old) /* 2.7 gives no record then, and stumbles over it */
        return trouble_set(&dump->trouble, "java.lang.NullPointerException",
                           "Cannot invoke \"org.apache.kafka.common.record.Record.%s()\" because \"record\" is null",
                           dump->timestamps_only ? "timestamp" : "offset");
    if (size > java_left(java))
        return trouble_set(&dump->trouble, INVALID_RECORD,
                           "Invalid record size: expected %" PRId32 " bytes in record payload, but instead the buffer has only %" PRId64
                           " remaining bytes.", size, java_left(java));
    return body_trouble(dump, java, size);
}

/* A stream gives the record's bytes first, then they are taken apart. */
static bool stream_trouble(struct dump *dump, struct java *java)
{
    int32_t size = java_varint(java);
    char message[64];

    if (!java->exception && size < 0) {
        snprintf(message, sizeof(message), "capacity < 0: (%" PRId32 " < 0)", size);
        java_fail(java, "java.lang.IllegalArgumentException", message);
    } else if (text_equal(java->exception, "java.nio.BufferUnderflowException")) { /* the end of a stream is read as bytes of ones */
        java->exception = "java.lang.IllegalArgumentException";
        snprintf(java->message, sizeof(java->message), "Varint is too long, the most significant bit in the 5th byte is set, converted value: ffffffff");
    }
    if (java->exception || (dump->old && size > java_left(java))) {
        trouble_set(&dump->trouble, INVALID_RECORD, "Incorrect declared batch size, premature EOF reached");
        if (java->exception && !dump->old)
            trouble_cause(&dump->trouble, java->exception, "%s", java->message);
        return false;
    }
    if (size > java_left(java))
        return trouble_set(&dump->trouble, INVALID_RECORD,
                           "Invalid record size: expected %" PRId32 " bytes in record payload, but the record payload reached EOF.", size);
    java->end = java->at + size;
    return body_trouble(dump, java, size);
}

/* ---- compression ---- */

/* What zlib says of a gzip stream, and what it gave before that; "" when it just ends. */
static void gzip_word(struct bytes packed, struct buffer *plain, char *out, size_t size)
{
    z_stream stream = { .next_in = (Bytef *)(uintptr_t)packed.data, .avail_in = (uInt)packed.size };
    uint8_t piece[16384];
    int status;

    *out = 0;
    if (inflateInit2(&stream, 15 + 16) != Z_OK)
        return;
    do {
        stream.next_out = piece;
        stream.avail_out = sizeof(piece);
        status = inflate(&stream, Z_NO_FLUSH);
        buffer_put(plain, piece, sizeof(piece) - stream.avail_out);
    } while (status == Z_OK && plain->size < BATCH_MOST_BYTES && (stream.avail_in || !stream.avail_out));
    if (status == Z_DATA_ERROR) {
        bool trailer = stream.msg && (!strcmp(stream.msg, "incorrect data check") || !strcmp(stream.msg, "incorrect length check"));

        snprintf(out, size, "%s", trailer ? "Corrupt GZIP trailer" : stream.msg ? stream.msg : "Invalid ZLIB data format");
    }
    inflateEnd(&stream);
}

/* Only the trailer is wrong: Kafka meets it behind all records, which may be wrong themselves. */
static bool trailer_trouble(struct dump *dump, const struct batch *batch, struct bytes plain, const char *word)
{
    struct java java = { .at = plain.data, .end = plain.data + plain.size };

    for (int32_t i = 0; i < batch->record_count; i++) {
        struct java body = java;
        int32_t size = java_varint(&body);

        if (body.exception || size < 0 || size > java_left(&body))
            return stream_trouble(dump, &java);
        body.end = body.at + size;
        java.at = body.end;
        read_body(&body, size, dump->old);
        if (body.exception) {
            java.at = body.end - size;
            java.end = body.end;
            return body_trouble(dump, &java, size);
        }
    }
    if (java_left(&java))
        return trouble_set(&dump->trouble, INVALID_RECORD, "Incorrect declared batch size, records still remaining in file");
    trouble_set(&dump->trouble, KAFKA_EXCEPTION, "Error checking for remaining bytes after reading batch");
    trouble_cause(&dump->trouble, "java.util.zip.ZipException", "%s", word);
    return false;
}

/* `opening`: the stream's first bytes are refused already, and the exception stands by itself. */
static bool codec_failed(struct dump *dump, bool opening, const char *class, const char *message)
{
    if (opening)
        trouble_set(&dump->trouble, KAFKA_EXCEPTION, "%s: %s", class, message);
    else
        trouble_set(&dump->trouble, KAFKA_EXCEPTION, "Failed to decompress record stream");
    trouble_cause(&dump->trouble, class, "%s", message);
    return false;
}

static bool codec_trouble(struct dump *dump, const struct batch *batch, struct bytes packed, bool old_format, const char *why)
{
    static const uint8_t xerial[] = { 0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0 }, lz4[] = { 4, 0x22, 0x4d, 0x18 }, zstd[] = { 0x28, 0xb5, 0x2f, 0xfd };
    bool opening = old_format; /* message sets are unpacked as they are opened */
    struct buffer plain = { 0 };
    char word[80];

    switch (batch_codec(batch)) {
    case CODEC_GZIP:
        if (packed.size < 2 || packed.data[0] != 0x1f || packed.data[1] != 0x8b)
            return codec_failed(dump, true, "java.util.zip.ZipException", "Not in GZIP format");
        if (packed.size > 2 && packed.data[2] != 8)
            return codec_failed(dump, true, "java.util.zip.ZipException", "Unsupported compression method");
        gzip_word(packed, &plain, word, sizeof(word));
        if (!opening && text_equal(word, "Corrupt GZIP trailer"))
            trailer_trouble(dump, batch, buffer_bytes(&plain), word);
        buffer_done(&plain);
        if (dump->trouble.exception)
            return false;
        if (!word[0] && dump->old)
            return trouble_set(&dump->trouble, INVALID_RECORD, "Incorrect declared batch size, premature EOF reached");
        if (!word[0])
            return codec_failed(dump, opening, "java.io.EOFException", "Unexpected end of ZLIB input stream");
        return codec_failed(dump, opening, "java.util.zip.ZipException", word);
    case CODEC_SNAPPY:
        opening |= packed.size < sizeof(xerial) || memcmp(packed.data, xerial, sizeof(xerial));
        return codec_failed(dump, opening, "java.io.IOException", text_ends(why, "cut short") ? "failed to read chunk" : "FAILED_TO_UNCOMPRESS(5)");
    case CODEC_LZ4:
        if (packed.size < sizeof(lz4) || memcmp(packed.data, lz4, sizeof(lz4)))
            return codec_failed(dump, true, "java.io.IOException", "Stream unsupported (invalid magic bytes)");
        if (text_ends(why, "cut short"))
            return codec_failed(dump, opening, "java.io.IOException", "Stream ended prematurely");
        return codec_failed(dump, true, "java.io.IOException", "Stream frame descriptor corrupted");
    default:
        snprintf(word, sizeof(word), "%s%s", dump->old ? "Decompression error: " : "",
                 packed.size < sizeof(zstd) || memcmp(packed.data, zstd, sizeof(zstd)) ? "Unknown frame descriptor" :
                 dump->old ? "Corrupted block detected" : "Data corruption detected");
        return codec_failed(dump, opening, dump->old ? "java.io.IOException" : "com.github.luben.zstd.ZstdIOException", word);
    }
}

/* ---- */

static bool old_trouble(struct dump *dump, const struct record_iterator *it)
{
    const struct batch *batch = it->batch;
    size_t key_at = batch->magic ? 26 : 18, value_at; /* where the key's size stands */
    int32_t key, value;

    if (batch->bytes.size < key_at + 4)
        return trouble_set(&dump->trouble, "java.lang.IndexOutOfBoundsException", NULL);
    key = get_i32(batch->bytes.data + key_at);
    value_at = key_at + 4 + (key > 0 ? (size_t)key : 0);
    if (value_at + 4 > batch->bytes.size)
        return trouble_set(&dump->trouble, "java.lang.IndexOutOfBoundsException", NULL);
    value = get_i32(batch->bytes.data + value_at);
    if (value > (int64_t)(batch->bytes.size - value_at - 4))
        return trouble_illegal(&dump->trouble, "newLimit > capacity: (%" PRId32 " > %zu)", value, batch->bytes.size - value_at - 4);
    if (!batch_codec(batch))
        return trouble_set(&dump->trouble, "org.apache.kafka.common.errors.CorruptRecordException", "%s", it->reason.text);
    if (value < 0)
        return trouble_set(&dump->trouble, INVALID_RECORD, "Found invalid compressed record set with null value (magic = %d)", batch->magic);
    if (batch_codec(batch) == CODEC_ZSTD)
        return trouble_set(&dump->trouble, INVALID_RECORD, "Invalid wrapper compressionType found in legacy deep record iterator %d", batch->magic);
    return codec_trouble(dump, batch, (struct bytes){ batch->bytes.data + value_at + 4, (size_t)value }, true, it->reason.text);
}

bool dump_record_trouble(struct dump *dump, const struct record_iterator *it)
{
    const struct batch *batch = it->batch;
    struct java java = { .at = it->reader.at, .end = it->reader.end };

    if (batch->magic < 2)
        return old_trouble(dump, it);
    if (it->err == ERR_CORRUPT_MESSAGE && batch_codec(batch))
        return codec_trouble(dump, batch,
                             (struct bytes){ batch->bytes.data + BATCH_HEADER, batch->bytes.size - BATCH_HEADER }, false, it->reason.text);
    if (batch->record_count < 0 || it->index >= batch->record_count || text_starts(it->reason.text, "Incorrect declared batch size, records"))
        return trouble_set(&dump->trouble, INVALID_RECORD, "%s", it->reason.text);
    return batch_codec(batch) ? stream_trouble(dump, &java) : plain_trouble(dump, &java, it->index == batch->record_count - 1);
}

/* ---- messages ---- */

struct schema {
    struct reader reader;
    int16_t version;
    bool compact, old;
    struct text *out;
};

static void add_name(struct text *out, const char *name)
{
    for (; *name; name++)
        if (*name == '_' && name[1])
            text_char(out, (char)(*++name - 'a' + 'A'));
        else
            text_char(out, *name);
}

/* Where 2.7's schemas had another name than today's. */
static const char *old_name(const char *name, int16_t version)
{
    static const struct { const char *now, *then; } names[] = {
        { "transaction_timeout_ms", "transaction_timeout" },
        { "transaction_last_update_timestamp_ms", "transaction_entry_timestamp" },
        { "transaction_start_timestamp_ms", "transaction_start_timestamp" },
    };

    if (!version && text_equal(name, "commit_timestamp"))
        return "timestamp";
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (text_equal(name, names[i].now))
            return names[i].then;
    return name;
}

static bool read_fields(struct schema *schema, const struct field *fields);

static bool ended(struct schema *schema)
{
    text_add(schema->out, schema->old ? "java.nio.BufferUnderflowException" : "null");
    return false;
}

static bool read_number(struct schema *schema, size_t size)
{
    reader_bytes(&schema->reader, size);
    return schema->reader.failed ? ended(schema) : true;
}

/* The length before a string, bytes or an array. */
static bool read_length(struct schema *schema, int prefix_size, int64_t *out)
{
    *out = schema->compact ? (int64_t)reader_uvarint(&schema->reader) - 1 : prefix_size == 2 ? reader_i16(&schema->reader) : reader_i32(&schema->reader);
    return schema->reader.failed ? ended(schema) : true;
}

static bool is_null(struct schema *schema, const struct field *field, const char *kind, int64_t length)
{
    if (schema->version >= field->null_since)
        return true;
    if (schema->old) {
        text_printf(schema->out, "%s %" PRId64 " cannot be negative", kind, length);
    } else {
        text_add(schema->out, "non-nullable field ");
        add_name(schema->out, field->name);
        text_add(schema->out, " was serialized as null");
    }
    return false;
}

static bool read_sized(struct schema *schema, const struct field *field)
{
    bool string = field->type == T_STRING;
    size_t left;
    int64_t length;

    if (!read_length(schema, string ? 2 : 4, &length))
        return false;
    if (length < 0)
        return is_null(schema, field, string ? "String length" : "Bytes size", length);
    left = reader_left(&schema->reader);
    if (string && length > INT16_MAX && !schema->old) {
        text_add(schema->out, "string field ");
        add_name(schema->out, field->name);
        text_printf(schema->out, " had invalid length %" PRId64, length);
        return false;
    }
    if (length > (int64_t)left) {
        if (schema->old)
            text_printf(schema->out, "Error reading %s of %s %" PRId64 ", only %zu bytes available", string ? "string" : "bytes",
                        string ? "length" : "size", length, left);
        else
            text_printf(schema->out, "Error reading byte array of %" PRId64 " byte(s): only %zu byte(s) available", length, left);
        return false;
    }
    reader_bytes(&schema->reader, (size_t)length);
    return true;
}

static bool read_value(struct schema *schema, const struct field *field)
{
    switch (field->type) {
    case T_BOOL:
    case T_INT8: return read_number(schema, 1);
    case T_INT16:
    case T_UINT16: return read_number(schema, 2);
    case T_INT32:
    case T_UINT32: return read_number(schema, 4);
    case T_INT64:
    case T_FLOAT64: return read_number(schema, 8);
    case T_UUID: return read_number(schema, 16);
    case T_STRUCT: return read_fields(schema, field->fields);
    default: return read_sized(schema, field);
    }
}

static bool read_field(struct schema *schema, const struct field *field)
{
    size_t left;
    int64_t count;

    if (!field->array)
        return read_value(schema, field);
    if (!read_length(schema, 4, &count))
        return false;
    if (count < 0)
        return is_null(schema, field, "Array size", count);
    left = reader_left(&schema->reader);
    if (count > (int64_t)left) {
        if (schema->old)
            text_printf(schema->out, "Error reading array of size %" PRId64 ", only %zu bytes available", count, left);
        else
            text_printf(schema->out, "Tried to allocate a collection of size %" PRId64 ", but there are only %zu bytes remaining.", count, left);
        return false;
    }
    while (count-- > 0)
        if (!read_value(schema, field))
            return false;
    return true;
}

static bool read_fields(struct schema *schema, const struct field *fields)
{
    for (const struct field *field = fields; field->name; field++) {
        struct text *out = schema->out, why = { 0 };
        bool good;

        if (field->since > schema->version || field->until < schema->version || (field->tag >= 0 && schema->version >= field->tag_since))
            continue;
        schema->out = &why;
        good = read_field(schema, field);
        schema->out = out;
        if (!good && schema->old) {
            text_add(out, "Error reading field '");
            text_add(out, old_name(field->name, schema->version));
            text_add(out, "': ");
        }
        text_add(out, text_chars(&why));
        text_done(&why);
        if (!good)
            return false;
    }
    if (schema->compact)
        for (uint32_t count = reader_uvarint(&schema->reader); count && !schema->reader.failed; count--) {
            uint32_t size;

            reader_uvarint(&schema->reader);
            size = reader_uvarint(&schema->reader);
            if (!schema->reader.failed && size > reader_left(&schema->reader)) {
                text_printf(schema->out, "Error reading byte array of %" PRIu32 " byte(s): only %zu byte(s) available", size, reader_left(&schema->reader));
                return false;
            }
            reader_bytes(&schema->reader, size);
        }
    return schema->reader.failed ? ended(schema) : true;
}

void dump_schema_trouble(bool old, const struct message *message, int16_t version, struct bytes bytes, const char *otherwise, struct text *out)
{
    struct schema schema = { .reader = reader_of(bytes), .version = version, .compact = version >= message->flexible_since, .old = old, .out = out };

    if (read_fields(&schema, message->fields))
        text_add(out, otherwise);
}
