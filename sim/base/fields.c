/* The engine behind tables of fields: one description decodes, encodes, presets, dumps and walks. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/fields_internal.h"

enum { MOST_STRING = INT16_MAX }; /* Kafka refuses longer strings in compact form too */

static const struct {
    uint8_t size;       /* in a C struct */
    uint8_t wire_size;  /* the least it takes in bytes, where not compact */
} types[] = {
    [T_BOOL] = { sizeof(bool), 1 },
    [T_INT8] = { sizeof(int8_t), 1 },
    [T_INT16] = { sizeof(int16_t), 2 },
    [T_UINT16] = { sizeof(uint16_t), 2 },
    [T_INT32] = { sizeof(int32_t), 4 },
    [T_UINT32] = { sizeof(uint32_t), 4 },
    [T_INT64] = { sizeof(int64_t), 8 },
    [T_FLOAT64] = { sizeof(double), 8 },
    [T_UUID] = { sizeof(struct uuid), 16 },
    [T_STRING] = { sizeof(const char *), 2 },
    [T_BYTES] = { sizeof(struct bytes), 4 },
    [T_RECORDS] = { sizeof(struct records), 4 },
    [T_STRUCT] = { 0, 0 },
    [T_VARINT] = { sizeof(int32_t), 1 },
    [T_VARLONG] = { sizeof(int64_t), 1 },
};

size_t field_item_size(const struct field *field)
{
    return field->type == T_STRUCT ? field->size : types[field->type].size;
}

size_t field_bytes(const struct field *field)
{
    return field->array ? sizeof(struct any_array) : field_is_pointer(field) ? sizeof(void *) : field_item_size(field);
}

static bool is_compact(const struct message *message, int16_t version)
{
    return version >= message->flexible_since;
}

/* ---- presets ---- */

static void preset_fields(const struct field *fields, void *out);

static void preset_field(const struct field *field, void *at)
{
    bool null = field->preset == PRESET_NULL && !(field->type == T_INT64 && !field->array);

    if (field->array) {
        ((struct any_array *)at)->count = null ? -1 : 0;
        return;
    }
    switch (field->type) {
    case T_BOOL: *(bool *)at = field->preset != 0; break;
    case T_INT8: *(int8_t *)at = (int8_t)field->preset; break;
    case T_INT16:
    case T_UINT16: *(int16_t *)at = (int16_t)field->preset; break;
    case T_INT32:
    case T_UINT32:
    case T_VARINT: *(int32_t *)at = (int32_t)field->preset; break;
    case T_INT64:
    case T_VARLONG: *(int64_t *)at = field->preset; break;
    case T_FLOAT64: *(double *)at = (double)field->preset; break;
    case T_STRING: *(const char **)at = null ? NULL : ""; break;
    case T_BYTES: ((struct bytes *)at)->data = null ? NULL : (const uint8_t *)""; break;
    case T_STRUCT:
        if (!field_is_pointer(field))
            preset_fields(field->fields, at);
        break;
    default: break; /* zero: a null uuid, null records */
    }
}

static void preset_fields(const struct field *fields, void *out)
{
    for (const struct field *field = fields; field->name; field++)
        preset_field(field, (char *)out + field->offset);
}

static bool fields_are_preset(const struct field *fields, const void *in);

/* A tagged field is sent only where it differs from its default. */
static bool is_preset(const struct field *field, const void *at)
{
    const struct any_array *array = at;
    const struct bytes *bytes = at;
    bool null = field->preset == PRESET_NULL;

    if (field->array)
        return null ? array->count < 0 : array->count == 0;
    switch (field->type) {
    case T_BOOL: return *(const bool *)at == (field->preset != 0);
    case T_INT8: return *(const int8_t *)at == (int8_t)field->preset;
    case T_INT16:
    case T_UINT16: return *(const int16_t *)at == (int16_t)field->preset;
    case T_INT32:
    case T_UINT32:
    case T_VARINT: return *(const int32_t *)at == (int32_t)field->preset;
    case T_INT64:
    case T_VARLONG: return *(const int64_t *)at == field->preset;
    case T_FLOAT64: return *(const double *)at == (double)field->preset;
    case T_UUID: return uuid_is_zero(*(const struct uuid *)at);
    case T_STRING: return text_equal(*(const char *const *)at, null ? NULL : "");
    case T_BYTES: return null ? !bytes->data : bytes->data && !bytes->size;
    case T_RECORDS: return records_are_null(at);
    default:
        return field_is_pointer(field) ? !*(const void *const *)at
                                       : fields_are_preset(field->fields, at);
    }
}

static bool fields_are_preset(const struct field *fields, const void *in)
{
    for (const struct field *field = fields; field->name; field++)
        if (!is_preset(field, (const char *)in + field->offset))
            return false;
    return true;
}

bool field_is_sent(const struct field *field, int16_t version, const void *in)
{
    return field_in_version(field, version) &&
           !(field_is_tagged(field, version) && is_preset(field, (const char *)in + field->offset));
}

void fields_preset(const struct message *message, void *out)
{
    memset(out, 0, message->size);
    preset_fields(message->fields, out);
}

/* ---- places for fields that have none ---- */

static const struct field *lay_out(const struct field *fields, struct arena *arena, size_t *size)
{
    size_t count = 0;
    struct field *out;

    while (fields[count].name)
        count++;
    out = arena_alloc(arena, (count + 1) * sizeof(*out));
    *size = 0;
    for (size_t i = 0; i < count; i++) {
        size_t inner = 0;

        out[i] = fields[i];
        if (fields[i].type == T_STRUCT)
            out[i].fields = lay_out(fields[i].fields, arena, &inner);
        out[i].size = inner;
        out[i].offset = *size;
        inner = field_bytes(&out[i]);
        *size += (inner + 7) / 8 * 8; /* each as aligned as any of them has to be */
    }
    return out;
}

const struct message *fields_laid_out(const struct message *message, struct arena *arena)
{
    struct message *out;

    if (message->size)
        return message;
    out = arena_alloc(arena, sizeof(*out));
    *out = *message;
    out->fields = lay_out(message->fields, arena, &out->size);
    if (!out->size)
        out->size = 8; /* a message without fields */
    return out;
}

/* ---- decoding ---- */

struct place { /* where in the message we are, for reasons; a chain on the stack */
    const struct place *up;
    const char *name;
    int32_t index; /* -1: no item of an array */
};

struct decoder {
    struct reader *reader;
    const uint8_t *start;
    struct arena *arena;
    const struct message *message;
    int16_t version;
    bool compact;
    struct reason *reason;
    fields_walk_fn *walk; /* NULL: only decode */
    void *walk_context;
};

static void add_place(struct text *out, const struct place *place)
{
    if (place->up) {
        add_place(out, place->up);
        if (place->up->up || place->up->name)
            text_char(out, '.');
    }
    if (place->name)
        text_add(out, place->name);
    if (place->index >= 0)
        text_printf(out, "[%" PRId32 "]", place->index);
}

static enum err refuse(struct decoder *decoder, const struct place *place, const char *what)
{
    if (decoder->reason) {
        struct text path = { 0 };

        add_place(&path, place);
        err_because(ERR_INVALID_REQUEST, decoder->reason, "%s v%d, %s at byte %zu: %s",
                    decoder->message->name, decoder->version, text_chars(&path),
                    (size_t)(decoder->reader->at - decoder->start), what);
        text_done(&path);
    }
    return ERR_INVALID_REQUEST;
}

static void show(struct decoder *decoder, int depth, const char *name, const uint8_t *from, const char *value)
{
    if (decoder->walk)
        decoder->walk(decoder->walk_context, depth, name, (size_t)(from - decoder->start),
                      (size_t)(decoder->reader->at - decoder->start), value);
}

static void show_value(struct decoder *decoder, int depth, const char *name, const uint8_t *from,
                       uint8_t type, const void *at)
{
    struct text value = { 0 };

    if (!decoder->walk)
        return;
    field_add_value(&value, type, at, FORM_TEXT);
    show(decoder, depth, name, from, text_chars(&value));
    text_done(&value);
}

static enum err decode_fields(struct decoder *decoder, const struct field *fields, void *out,
                              const struct place *place, int depth);

/* The length in front of a string (prefix_size 2), of bytes and arrays (4); -1 is null. */
static int64_t decode_length(struct decoder *decoder, const struct field *field, int prefix_size)
{
    int32_t varint;

    if (field->varint) {
        varint = reader_varint(decoder->reader);
        return varint < 0 ? -1 : varint;
    }
    if (decoder->compact && !field->plain)
        return (int64_t)reader_uvarint(decoder->reader) - 1;
    return prefix_size == 2 ? reader_i16(decoder->reader) : reader_i32(decoder->reader);
}

static enum err decode_string(struct decoder *decoder, const char **out, int64_t length,
                              const struct place *place)
{
    struct bytes bytes;

    if (length > MOST_STRING)
        return refuse(decoder, place, "a string of over 32767 bytes");
    bytes = reader_bytes(decoder->reader, (size_t)length);
    if (decoder->reader->failed)
        return ERR_OK; /* told by decode_field */
    if (bytes.size && memchr(bytes.data, 0, bytes.size))
        return refuse(decoder, place, "a NUL in a string");
    *out = arena_text(decoder->arena, (const char *)bytes.data, bytes.size);
    return ERR_OK;
}

static enum err decode_sized(struct decoder *decoder, const struct field *field, void *at, bool nullable,
                             const struct place *place)
{
    int64_t length = decode_length(decoder, field, field->type == T_STRING ? 2 : 4);
    struct bytes bytes;

    if (decoder->reader->failed)
        return ERR_OK;
    if (length < 0) { /* Kafka writes -1 and takes all of them for null */
        if (!nullable)
            return refuse(decoder, place, length < -1 ? "a negative length" : "null where this version allows none");
        memset(at, 0, types[field->type].size);
        return ERR_OK;
    }
    if (field->type == T_STRING)
        return decode_string(decoder, at, length, place);
    bytes = reader_bytes(decoder->reader, (size_t)length);
    if (field->type == T_BYTES)
        *(struct bytes *)at = bytes;
    else
        *(struct records *)at = (struct records){ .data = bytes.data, .size = (int32_t)bytes.size };
    return ERR_OK;
}

/* One value that is no struct. Running out of bytes is left to the caller to see. */
static enum err decode_value(struct decoder *decoder, const struct field *field, void *at, bool nullable,
                             const struct place *place)
{
    struct reader *reader = decoder->reader;
    struct bytes bytes;
    int64_t bits;

    switch (field->type) {
    case T_BOOL: *(bool *)at = reader_i8(reader) != 0; break;
    case T_INT8: *(int8_t *)at = reader_i8(reader); break;
    case T_INT16:
    case T_UINT16: *(int16_t *)at = reader_i16(reader); break;
    case T_INT32:
    case T_UINT32: *(int32_t *)at = reader_i32(reader); break;
    case T_INT64: *(int64_t *)at = reader_i64(reader); break;
    case T_VARINT: *(int32_t *)at = reader_varint(reader); break;
    case T_VARLONG: *(int64_t *)at = reader_varlong(reader); break;
    case T_FLOAT64:
        bits = reader_i64(reader);
        memcpy(at, &bits, sizeof(bits));
        break;
    case T_UUID:
        bytes = reader_bytes(reader, sizeof(struct uuid));
        if (bytes.data)
            memcpy(at, bytes.data, bytes.size);
        break;
    default: return decode_sized(decoder, field, at, nullable, place);
    }
    return ERR_OK;
}

/* The least that one value takes in bytes: what bounds the count of an array. */
static size_t least_size(const struct decoder *decoder, const struct field *field)
{
    size_t size = 0;

    if (field->type == T_STRING || field->type == T_BYTES || field->type == T_RECORDS)
        return decoder->compact || field->varint ? 1 : types[field->type].wire_size;
    if (field->type != T_STRUCT)
        return types[field->type].wire_size;
    for (const struct field *inner = field->fields; inner->name; inner++)
        if (field_in_version(inner, decoder->version) && !field_is_tagged(inner, decoder->version))
            size += inner->array              ? (decoder->compact || inner->varint ? 1 : 4)
                    : field_is_pointer(inner) ? 1
                                              : least_size(decoder, inner);
    return size + (decoder->compact ? 1 : 0);
}

static enum err decode_array(struct decoder *decoder, const struct field *field,
                             struct any_array *array, bool nullable, const struct place *place,
                             int depth)
{
    const uint8_t *from = decoder->reader->at;
    int64_t count = decode_length(decoder, field, 4);
    size_t size = field_item_size(field), least = least_size(decoder, field);
    struct place here = { place->up, place->name, 0 };
    char shown[32];
    enum err err = ERR_OK;

    if (decoder->reader->failed)
        return ERR_OK;
    if (count < 0 && !nullable)
        return refuse(decoder, place, count < -1 ? "a negative count" : "null where this version allows none");
    if (count < 0)
        count = -1;
    if (count > 0 && (uint64_t)count > reader_left(decoder->reader) / (least ? least : 1))
        return refuse(decoder, place, "more items than bytes left");
    *array =
        (struct any_array){ count > 0 ? arena_alloc(decoder->arena, (size_t)count * size) : NULL,
                            (int32_t)count };
    if (decoder->walk) {
        snprintf(shown, sizeof(shown), count < 0 ? "null" : count == 1 ? "1 item" : "%d items", (int)count);
        show(decoder, depth, place->name, from, shown);
    }
    for (; !err && !decoder->reader->failed && here.index < count; here.index++) {
        void *at = (char *)array->items + (size_t)here.index * size;

        from = decoder->reader->at;
        if (decoder->walk)
            snprintf(shown, sizeof(shown), "[%d]", (int)here.index);
        if (field->type == T_STRUCT) {
            show(decoder, depth + 1, shown, from, "");
            preset_fields(field->fields, at);
            err = decode_fields(decoder, field->fields, at, &here, depth + 2);
        } else {
            err = decode_value(decoder, field, at, false, &here);
            if (!err && !decoder->reader->failed)
                show_value(decoder, depth + 1, shown, from, field->type, at);
        }
    }
    return err;
}

static enum err decode_pointed(struct decoder *decoder, const struct field *field, void **out, bool nullable,
                               const struct place *place, int depth)
{
    const uint8_t *from = decoder->reader->at;
    int8_t there = reader_i8(decoder->reader);

    if (decoder->reader->failed)
        return ERR_OK;
    *out = NULL;
    show(decoder, depth, place->name, from, there < 0 ? "null" : "");
    if (there < 0)
        return nullable ? ERR_OK : refuse(decoder, place, "null where this version allows none");
    *out = arena_alloc(decoder->arena, field->size);
    preset_fields(field->fields, *out);
    return decode_fields(decoder, field->fields, *out, place, depth + 1);
}

static enum err decode_field(struct decoder *decoder, const struct field *field, void *at,
                             const struct place *up, int depth)
{
    const uint8_t *from = decoder->reader->at;
    bool nullable = decoder->version >= field->null_since;
    struct place place = { up, field->name, -1 };
    enum err err;

    if (field->array) {
        err = decode_array(decoder, field, at, nullable, &place, depth);
    } else if (field_is_pointer(field)) {
        err = decode_pointed(decoder, field, at, nullable, &place, depth);
    } else if (field->type == T_STRUCT) {
        show(decoder, depth, field->name, from, "");
        err = decode_fields(decoder, field->fields, at, &place, depth + 1);
    } else {
        err = decode_value(decoder, field, at, nullable, &place);
        if (!err && !decoder->reader->failed)
            show_value(decoder, depth, field->name, from, field->type, at);
    }
    if (!err && decoder->reader->failed)
        err = refuse(decoder, &place, "the bytes end inside it");
    return err;
}

/* KIP-482: a count, then tag, size and bytes of each. A tag we don't know is skipped, as Kafka does. */
static enum err decode_tagged(struct decoder *decoder, const struct field *fields, void *out,
                              const struct place *up, int depth)
{
    struct place place = { up, "tagged_fields", -1 };
    struct reader *reader = decoder->reader;
    const uint8_t *from = reader->at;
    uint32_t count = reader_uvarint(reader);
    char shown[32];

    if (reader->failed)
        return refuse(decoder, &place, "the bytes end inside it");
    if (count > reader_left(reader) / 2)
        return refuse(decoder, &place, "more tags than bytes left");
    snprintf(shown, sizeof(shown), "%u", count);
    show(decoder, depth, place.name, from, shown);
    for (uint32_t i = 0; i < count; i++) {
        const struct field *field = fields;
        const uint8_t *end = reader->end;
        uint32_t tag, size;
        enum err err = ERR_OK;

        from = reader->at;
        tag = reader_uvarint(reader);
        size = reader_uvarint(reader);
        if (reader->failed || size > reader_left(reader))
            return refuse(decoder, &place, "the bytes end inside it");
        snprintf(shown, sizeof(shown), "tag %u, %u bytes", tag, size);
        show(decoder, depth + 1, "tag", from, shown);
        while (field->name &&
               !(field_is_tagged(field, decoder->version) &&
                 field_in_version(field, decoder->version) && (uint32_t)field->tag == tag))
            field++;
        if (!field->name) {
            from = reader->at;
            reader_bytes(reader, size);
            show(decoder, depth + 2, "unknown", from, "");
            continue;
        }
        reader->end = reader->at + size;
        err = decode_field(decoder, field, (char *)out + field->offset, up, depth + 2);
        if (!err && reader->at != reader->end)
            err = refuse(decoder, &place, "a tagged field is shorter than its size says");
        reader->end = end;
        if (err)
            return err;
    }
    return ERR_OK;
}

static enum err decode_fields(struct decoder *decoder, const struct field *fields, void *out,
                              const struct place *place, int depth)
{
    for (const struct field *field = fields; field->name; field++) {
        enum err err;

        if (!field_in_version(field, decoder->version) || field_is_tagged(field, decoder->version))
            continue;
        err = decode_field(decoder, field, (char *)out + field->offset, place, depth);
        if (err)
            return err;
    }
    return decoder->compact ? decode_tagged(decoder, fields, out, place, depth) : ERR_OK;
}

static enum err check_version(const struct message *message, int16_t version, struct reason *reason)
{
    if (version >= message->first && version <= message->last)
        return ERR_OK;
    return err_because(ERR_UNSUPPORTED_VERSION, reason, "%s has versions %d to %d, not %d",
                       message->name, message->first, message->last, version);
}

static enum err decode(const struct message *message, int16_t version, struct reader *reader,
                       struct arena *arena, void *out, fields_walk_fn *walk, void *walk_context,
                       struct reason *reason)
{
    struct place top = { NULL, NULL, -1 };
    struct decoder decoder = {
        .reader = reader,
        .start = reader->at,
        .arena = arena,
        .message = message,
        .version = version,
        .compact = is_compact(message, version),
        .reason = reason,
        .walk = walk,
        .walk_context = walk_context,
    };
    enum err err;

    fields_preset(message, out);
    err = check_version(message, version, reason);
    return err ? err : decode_fields(&decoder, message->fields, out, &top, 0);
}

enum err fields_decode(const struct message *message, int16_t version, struct reader *reader,
                       struct arena *arena, void *out, struct reason *reason)
{
    return decode(message, version, reader, arena, out, NULL, NULL, reason);
}

enum err fields_walk(const struct message *message, int16_t version, struct bytes bytes,
                     fields_walk_fn *fn, void *context, struct reason *reason)
{
    struct reader reader = reader_of(bytes);
    struct arena arena;
    enum err err;

    arena_init(&arena);
    message = fields_laid_out(message, &arena);
    err = decode(message, version, &reader, &arena, arena_alloc(&arena, message->size), fn, context, reason);
    arena_done(&arena);
    return err;
}

/* ---- encoding ---- */

struct encoder {
    struct frame *frame;
    const struct message *message;
    int16_t version;
    bool compact;
    struct reason *reason;
};

static enum err encode_fields(struct encoder *encoder, const struct field *fields, const void *in);

static enum err unencodable(struct encoder *encoder, const struct field *field, const char *what)
{
    return err_because(ERR_UNSUPPORTED_VERSION, encoder->reason, "%s v%d: %s %s",
                       encoder->message->name, encoder->version, field->name, what);
}

/* -1 is null. */
static void encode_length(struct encoder *encoder, const struct field *field, int64_t length, int prefix_size)
{
    struct buffer *out = &encoder->frame->bytes;

    if (field->varint)
        buffer_varint(out, length);
    else if (encoder->compact && !field->plain)
        buffer_uvarint(out, (uint64_t)(length + 1));
    else if (prefix_size == 2)
        buffer_i16(out, (int16_t)length);
    else
        buffer_i32(out, (int32_t)length);
}

static enum err encode_string(struct encoder *encoder, const struct field *field,
                              const char *string, bool nullable)
{
    size_t size;

    if (!string) {
        if (!nullable)
            return unencodable(encoder, field, "is null, which this version can't say");
        encode_length(encoder, field, -1, 2);
        return ERR_OK;
    }
    size = strlen(string);
    if (size > MOST_STRING)
        return unencodable(encoder, field, "is longer than 32767 bytes");
    encode_length(encoder, field, (int64_t)size, 2);
    buffer_put(&encoder->frame->bytes, string, size);
    return ERR_OK;
}

static void encode_bytes(struct encoder *encoder, const struct field *field, struct bytes bytes,
                         bool nullable)
{
    assert(bytes.size <= INT32_MAX);
    encode_length(encoder, field, !bytes.data && nullable ? -1 : (int64_t)bytes.size, 4);
    buffer_put(&encoder->frame->bytes, bytes.data, bytes.size);
}

static void encode_records(struct encoder *encoder, const struct field *field,
                           const struct records *records, bool nullable)
{
    struct frame *frame = encoder->frame;

    if (!records->file) {
        encode_bytes(encoder, field, (struct bytes){ records->data, (size_t)records->size }, nullable);
        return;
    }
    encode_length(encoder, field, records->size, 4);
    ARRAY_ADD(frame->slices, frame->slice_count, frame->slice_capacity) =
        (struct frame_slice){ .at = frame->bytes.size,
                              .file = records->file,
                              .position = records->position,
                              .size = (size_t)records->size };
}

static enum err encode_value(struct encoder *encoder, const struct field *field, const void *at,
                             bool nullable)
{
    struct buffer *out = &encoder->frame->bytes;
    int64_t bits;

    switch (field->type) {
    case T_BOOL: buffer_i8(out, *(const bool *)at); break;
    case T_INT8: buffer_i8(out, *(const int8_t *)at); break;
    case T_INT16:
    case T_UINT16: buffer_i16(out, *(const int16_t *)at); break;
    case T_INT32:
    case T_UINT32: buffer_i32(out, *(const int32_t *)at); break;
    case T_INT64: buffer_i64(out, *(const int64_t *)at); break;
    case T_VARINT: buffer_varint(out, *(const int32_t *)at); break;
    case T_VARLONG: buffer_varint(out, *(const int64_t *)at); break;
    case T_FLOAT64:
        memcpy(&bits, at, sizeof(bits));
        buffer_i64(out, bits);
        break;
    case T_UUID: buffer_put(out, at, sizeof(struct uuid)); break;
    case T_STRING: return encode_string(encoder, field, *(const char *const *)at, nullable);
    case T_BYTES: encode_bytes(encoder, field, *(const struct bytes *)at, nullable); break;
    case T_RECORDS: encode_records(encoder, field, at, nullable); break;
    default: return encode_fields(encoder, field->fields, at);
    }
    return ERR_OK;
}

static enum err encode_field(struct encoder *encoder, const struct field *field, const void *at)
{
    bool nullable = encoder->version >= field->null_since;
    const struct any_array *array = at;
    enum err err = ERR_OK;

    if (field_is_pointer(field)) {
        const void *there = *(const void *const *)at;

        if (!there && !nullable)
            return unencodable(encoder, field, "is null, which this version can't say");
        buffer_i8(&encoder->frame->bytes, there ? 1 : -1);
        return there ? encode_fields(encoder, field->fields, there) : ERR_OK;
    }
    if (!field->array)
        return encode_value(encoder, field, at, nullable);
    if (array->count < 0 && !nullable)
        return unencodable(encoder, field, "is null, which this version can't say");
    encode_length(encoder, field, array->count < 0 ? -1 : array->count, 4);
    for (int32_t i = 0; !err && i < array->count; i++)
        err = encode_value(encoder, field,
                           (const char *)array->items + (size_t)i * field_item_size(field), false);
    return err;
}

/* The next field to send with a tag over `tag`; they go by rising tag, whatever their order in the table. */
static const struct field *next_tagged(const struct encoder *encoder, const struct field *fields,
                                       const void *in, int tag)
{
    const struct field *next = NULL;

    for (const struct field *field = fields; field->name; field++)
        if (field->tag > tag && field_is_tagged(field, encoder->version) &&
            (!next || field->tag < next->tag) && field_is_sent(field, encoder->version, in))
            next = field;
    return next;
}

static enum err encode_tagged(struct encoder *encoder, const struct field *fields, const void *in)
{
    struct buffer *out = &encoder->frame->bytes;
    const struct field *field;
    uint32_t count = 0;

    for (field = fields; field->name; field++)
        count += field_is_tagged(field, encoder->version) && field_is_sent(field, encoder->version, in);
    buffer_uvarint(out, count);
    for (int tag = -1; count-- > 0; tag = field->tag) {
        struct frame value = { 0 };
        struct encoder inner = *encoder;
        enum err err;

        field = next_tagged(encoder, fields, in, tag);
        inner.frame = &value;
        err = encode_field(&inner, field, (const char *)in + field->offset);
        assert(!value.slice_count); /* no tagged field carries records */
        if (!err) {
            buffer_uvarint(out, (uint64_t)field->tag);
            buffer_uvarint(out, value.bytes.size);
            buffer_put(out, value.bytes.data, value.bytes.size);
        }
        buffer_done(&value.bytes);
        if (err)
            return err;
    }
    return ERR_OK;
}

static enum err encode_fields(struct encoder *encoder, const struct field *fields, const void *in)
{
    for (const struct field *field = fields; field->name; field++) {
        enum err err;

        if (!field_in_version(field, encoder->version) || field_is_tagged(field, encoder->version))
            continue;
        err = encode_field(encoder, field, (const char *)in + field->offset);
        if (err)
            return err;
    }
    return encoder->compact ? encode_tagged(encoder, fields, in) : ERR_OK;
}

enum err fields_encode(const struct message *message, int16_t version, const void *in, struct frame *frame,
                       struct reason *reason)
{
    size_t size = frame->bytes.size, slice_count = frame->slice_count;
    struct encoder encoder = { frame, message, version, is_compact(message, version), reason };
    enum err err = check_version(message, version, reason);

    if (!err)
        err = encode_fields(&encoder, message->fields, in);
    if (err) {
        frame->bytes.size = size;
        frame->slice_count = slice_count;
    }
    return err;
}
