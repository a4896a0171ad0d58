/* What the records of a dumped batch hold: bytes by a decoder, and records of internal topics in each release's form. Source: Kafka's
 * DumpLogSegments, GroupMetadataManager and TransactionLog of 2.7, CoordinatorRecordSerde, MetadataRecordSerde and RemoteLogMetadata of 4.3. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shell/commands/dump_log.h"
#include "shell/java_order.h"

const struct message *dump_layout(struct dump *dump, const struct message *message)
{
    const struct message *laid_out;

    for (size_t i = 0; i < dump->laid_out_count; i++)
        if (dump->laid_out[i].from == message)
            return dump->laid_out[i].to;
    if (message->size)
        return message;
    laid_out = fields_laid_out(message, &dump->layouts);
    if (dump->laid_out_count < sizeof(dump->laid_out) / sizeof(*dump->laid_out)) {
        dump->laid_out[dump->laid_out_count].from = message;
        dump->laid_out[dump->laid_out_count++].to = laid_out;
    }
    return laid_out;
}

/* ---- text ---- */

static bool continues(const uint8_t *p, const uint8_t *end)
{
    return p < end && (*p & 0xc0) == 0x80;
}

/* How many bytes at p are one character, or by their number negative one broken piece, as java.lang.String decodes. */
static int utf8_piece(const uint8_t *p, const uint8_t *end)
{
    if (p[0] < 0x80)
        return 1;
    if (p[0] >= 0xc2 && p[0] <= 0xdf)
        return continues(p + 1, end) ? 2 : -1;
    if (p[0] >= 0xe0 && p[0] <= 0xef) {
        if (p + 1 < end && (!continues(p + 1, end) || (p[0] == 0xe0 && p[1] < 0xa0)))
            return -1;
        if (!continues(p + 1, end) || !continues(p + 2, end))
            return p + 1 >= end ? -1 : -2;
        return p[0] == 0xed && p[1] >= 0xa0 ? -3 : 3; /* a surrogate */
    }
    if (p[0] >= 0xf0 && p[0] <= 0xf4) {
        if (p + 1 < end && (!continues(p + 1, end) || (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f)))
            return -1;
        if (p + 1 >= end)
            return -1;
        if (!continues(p + 2, end))
            return -2;
        return continues(p + 3, end) ? 4 : -3;
    }
    return -1;
}

static void java_text(struct text *out, struct bytes bytes)
{
    const uint8_t *p = bytes.data, *end = p + bytes.size, *from = p;

    while (p < end) {
        int size = utf8_piece(p, end);

        if (size < 0) {
            text_add_size(out, (const char *)from, (size_t)(p - from));
            text_add(out, "\xef\xbf\xbd");
            p -= size;
            from = p;
        } else {
            p += size;
        }
    }
    text_add_size(out, (const char *)from, (size_t)(end - from));
}

void dump_text(const struct dump *dump, struct text *out, struct bytes bytes)
{
    if (!bytes.size)
        return;
    if (call_on_terminal(dump->call))
        text_escaped(out, bytes);
    else
        java_text(out, bytes);
}

static void add_string(struct dump *dump, const char *string)
{
    dump_text(dump, &dump->out, bytes_text(string ? string : "null"));
}

/* JSON as Jackson writes it: what isn't ASCII stands as it is, and escapes are in capitals. `json` is ours, with more escapes: those stay on a
 * terminal. */
static void add_json_text(struct dump *dump, const char *json)
{
    struct text *out = &dump->out;

    for (; *json; json++) {
        unsigned code, low;

        if (*json != '\\' || call_on_terminal(dump->call)) {
            text_char(out, *json);
        } else if (json[1] != 'u' || sscanf(json + 2, "%4x", &code) != 1) {
            text_add_size(out, json++, 2);
        } else if (code < 0x20) {
            text_printf(out, "\\u%04X", code);
            json += 5;
        } else {
            json += 5;
            if (code >= 0xd800 && code < 0xdc00 && sscanf(json + 1, "\\u%4x", &low) == 1) {
                code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
                json += 6;
                text_char(out, (char)(0xf0 | code >> 18));
                text_char(out, (char)(0x80 | (code >> 12 & 0x3f)));
                text_char(out, (char)(0x80 | (code >> 6 & 0x3f)));
            } else if (code >= 0x800) {
                text_char(out, (char)(0xe0 | code >> 12));
                text_char(out, (char)(0x80 | (code >> 6 & 0x3f)));
            } else if (code >= 0x80) {
                text_char(out, (char)(0xc0 | code >> 6));
            }
            text_char(out, (char)(code < 0x80 ? code : 0x80 | (code & 0x3f)));
        }
    }
}

static void add_json(struct dump *dump, const struct message *message, int16_t version, const void *in)
{
    struct text json = { 0 };

    fields_json(message, version, in, &json);
    add_json_text(dump, text_chars(&json));
    text_done(&json);
}

/* ---- records of a user's topic ---- */

static bool add_number(struct dump *dump, struct bytes bytes, size_t size)
{
    if (bytes.size < size)
        return trouble_set(&dump->trouble, "java.lang.ArrayIndexOutOfBoundsException", "Index %zu out of bounds for length %zu", bytes.size, bytes.size);
    text_printf(&dump->out, "%" PRId64, size == 4 ? get_i32(bytes.data) : get_i64(bytes.data));
    return true;
}

static bool add_decoded(struct dump *dump, enum dump_decoder decoder, struct bytes bytes)
{
    switch (decoder) {
    case DECODE_STRING: dump_text(dump, &dump->out, bytes); return true;
    case DECODE_BYTES: text_printf(&dump->out, "[B@%08" PRIx32, crc32c(bytes.data, bytes.size)); return true; /* an array's address there */
    case DECODE_INTEGER: return add_number(dump, bytes, 4);
    default: return add_number(dump, bytes, 8);
    }
}

static bool plain_record(struct dump *dump, const struct record *record, const char *prefix)
{
    size_t before = dump->out.size;

    if (record->key.data) {
        text_printf(&dump->out, "%skey: ", prefix);
        if (!add_decoded(dump, dump->key_decoder, record->key))
            goto failed;
        prefix = " ";
    }
    if (record->value.data) {
        text_printf(&dump->out, "%spayload: ", prefix);
        if (!add_decoded(dump, dump->value_decoder, record->value))
            goto failed;
    }
    return true;
failed: /* both are decoded before the first is printed */
    dump->out.size = before;
    return false;
}

/* ---- 4.3: records of coordinators, as JSON ---- */

/* The bytes of a member's subscription and assignment, where they make sense, stand as JSON too. */
static void add_consumer_bytes(struct dump *dump, const struct message *layout, struct bytes bytes, struct text *out)
{
    const struct message *message = dump_layout(dump, layout);
    struct reader reader = reader_of(bytes);
    int16_t version = reader_i16(&reader);
    void *in = arena_alloc(&dump->arena, message->size);

    if (!reader.failed && version >= 0 && !fields_decode(message, version > message->last ? message->last : version, &reader, &dump->arena, in, NULL))
        fields_json(message, version > message->last ? message->last : version, in, out);
    else
        out->size = 0;
}

/* Puts the JSON of `bytes` in place of `"name":"base64"` in the member's text. */
struct nested { const struct message *layout; const char *name; };
static void add_group_value(struct dump *dump, const struct message *message, int16_t version, const struct group_value *value)
{
    static const struct nested nested[] = { { &consumer_subscription_layout, "\"subscription\":" }, { &consumer_assignment_layout, "\"assignment\":" } };
    struct text json = { 0 }, inner = { 0 }, all = { 0 };
    const char *at, *start;

    fields_json(message, version, value, &json);
    start = at = text_chars(&json);
    for (int32_t i = 0; text_equal(value->protocol_type, "consumer") && i < value->members.count; i++)
        for (int n = 0; n < 2; n++) {
            const struct group_value_member *member = &value->members.items[i];
            const char *found = strstr(at, nested[n].name), *behind;

            if (!found)
                continue;
            found += strlen(nested[n].name);
            behind = strchr(found + 1, '"'); /* base64 holds none */
            text_clear(&inner);
            add_consumer_bytes(dump, nested[n].layout, n ? member->assignment : member->subscription, &inner);
            if (!behind || !inner.size)
                continue;
            text_add_size(&all, start, (size_t)(found - start));
            text_add_size(&all, inner.data, inner.size);
            start = at = behind + 1;
        }
    text_add(&all, start);
    add_json_text(dump, text_chars(&all));
    text_done(&all);
    text_done(&json);
    text_done(&inner);
}

/* Of what no record of its kind can be read. `key` goes in place of the key. */
static void add_unreadable(struct dump *dump, const char *prefix, int64_t offset, const char *why)
{
    text_printf(&dump->out, "%skey: Error at offset %" PRId64 ", skipping. %s", prefix, offset, why);
}

static void add_unread(struct dump *dump, const char *prefix, int64_t offset, const char *what, int16_t said, const struct message *message,
                       int16_t version, struct bytes left, const struct reason *reason)
{
    struct text why = { 0 };

    text_printf(&why, "Could not read record with version %d from %s's buffer due to: ", said, what);
    dump_schema_trouble(false, message, version, left, reason->text, &why);
    text_char(&why, '.');
    add_unreadable(dump, prefix, offset, text_chars(&why));
    text_done(&why);
}

static bool coordinator_record(struct dump *dump, const struct record *record, const char *prefix)
{
    struct reader key = reader_of(record->key), value = reader_of(record->value);
    const struct coordinator_layout *layout;
    const struct message *key_message, *value_message;
    struct reason reason = { "" };
    void *key_in, *value_in = NULL;
    int16_t type, key_version, version = 0;
    struct bytes left;

    if (!record->key.data)
        return trouble_set(&dump->trouble, "java.lang.RuntimeException",
                           "Failed to decode message at offset %" PRId64 " using the specified decoder (message had a missing key)", record->offset);
    type = reader_i16(&key);
    if (key.failed) {
        add_unreadable(dump, prefix, record->offset, "Could not read version from key's buffer.");
        return true;
    }
    layout = coordinator_layout(dump->family, type);
    if (!layout) {
        text_printf(&dump->out, "%skey: Unknown record type %d at offset %" PRId64 ", skipping.", prefix, type, record->offset);
        return true;
    }
    key_message = dump_layout(dump, layout->key);
    key_in = arena_alloc(&dump->arena, key_message->size);
    key_version = key_message->first <= type && type <= key_message->last ? type : key_message->last;
    left = (struct bytes){ key.at, reader_left(&key) };
    if (fields_decode(key_message, key_version, &key, &dump->arena, key_in, &reason)) {
        add_unread(dump, prefix, record->offset, "key", type, key_message, key_version, left, &reason);
        return true;
    }
    if (record->value.data) {
        version = reader_i16(&value);
        value_message = dump_layout(dump, layout->value);
        value_in = arena_alloc(&dump->arena, value_message->size);
        if (value.failed || version < value_message->first || version > value_message->last) {
            char *why = value.failed ? mem_text("Could not read version from value's buffer.")
                                     : mem_printf("Found an unknown record version %d for %d type", version, type);

            add_unreadable(dump, prefix, record->offset, why);
            mem_free(why);
            return true;
        }
        left = (struct bytes){ value.at, reader_left(&value) };
        if (fields_decode(value_message, version, &value, &dump->arena, value_in, &reason)) {
            add_unread(dump, prefix, record->offset, "value", version, value_message, version, left, &reason);
            return true;
        }
    }
    text_printf(&dump->out, "%skey: {\"type\":\"%d\",\"data\":", prefix, type);
    add_json(dump, key_message, key_message->last, key_in);
    text_add(&dump->out, "} payload: ");
    if (!value_in) {
        text_add(&dump->out, "<DELETE>");
        return true;
    }
    text_printf(&dump->out, "{\"version\":\"%d\",\"data\":", version);
    if (layout->value == &group_value_message)
        add_group_value(dump, value_message, version, value_in);
    else
        add_json(dump, value_message, version, value_in);
    text_char(&dump->out, '}');
    return true;
}

/* ---- 4.3: records with a frame: the metadata log's, the remote log's ---- */

/* The value behind its frame; `why` tells otherwise. */
static const struct message *framed_value(struct dump *dump, struct bytes value, int16_t *version, void **in, const char **name, struct text *why)
{
    struct reader reader = reader_of(value);
    uint32_t numbers[3]; /* frame version, type, version */
    static const char *const entities[] = { "frame version", "type", "version" };
    const struct message *message;
    struct reason reason = { "" };

    for (int i = 0; i < 3; i++) {
        numbers[i] = reader_uvarint(&reader);
        if (reader.failed)
            text_printf(why, "Error while reading %s", entities[i]);
        else if ((int32_t)numbers[i] > INT16_MAX)
            text_printf(why, "Value for %s was too large.", entities[i]);
        else if (!i && !numbers[0])
            text_add(why, "Could not deserialize metadata record with frame version 0. Note that upgrades from the preview release of KRaft in 2.8 "
                          "to newer versions are not supported.");
        else if (!i && numbers[0] != 1)
            text_printf(why, "Could not deserialize metadata record due to unknown frame version %d(only frame version 1 is supported)",
                        (int16_t)numbers[0]);
        if (why->size)
            return NULL;
    }
    message = framed_layout(dump->family, numbers[1], name);
    if (!message) {
        text_printf(why, "org.apache.kafka.common.errors.UnsupportedVersionException: Unknown metadata id %d", (int16_t)numbers[1]);
        return NULL;
    }
    message = dump_layout(dump, message);
    *version = (int16_t)numbers[2];
    *in = arena_alloc(&dump->arena, message->size);
    if (*version > message->last || fields_decode(message, *version, &reader, &dump->arena, *in, &reason)) {
        text_printf(why, "Failed to deserialize record with type %d", (int16_t)numbers[1]);
        return NULL;
    }
    if (reader_left(&reader)) {
        text_printf(why, "Found %zu byte(s) of garbage after %d", reader_left(&reader), (int16_t)numbers[1]);
        return NULL;
    }
    return message;
}

static bool metadata_record_text(struct dump *dump, const struct record *record)
{
    const struct message *message;
    const char *name;
    struct text why = { 0 };
    int16_t version;
    void *in;

    message = framed_value(dump, record->value, &version, &in, &name, &why);
    if (!message) {
        text_printf(&dump->out, " payload: Error at %" PRId64 ", skipping. %s", record->offset, text_chars(&why));
    } else {
        text_printf(&dump->out, " payload: {\"type\":\"%s\",\"version\":%d,\"data\":", name, version);
        add_json(dump, message, version, in);
        text_char(&dump->out, '}');
    }
    text_done(&why);
    return true;
}

/* Where the field of this name lies in what was decoded; it is there. */
static const void *value_of(const struct field *fields, const void *in, const char *name)
{
    while (!text_equal(fields->name, name))
        fields++;
    return (const char *)in + fields->offset;
}

static const struct field *field_of(const struct field *fields, const char *name)
{
    while (!text_equal(fields->name, name))
        fields++;
    return fields;
}

static void add_uuid(struct text *out, const void *uuid)
{
    char chars[UUID_TEXT];

    uuid_text(*(const struct uuid *)uuid, chars);
    text_add(out, chars);
}

/* "TOPICID:students-0" */
static void add_topic_id_partition(struct dump *dump, const struct field *fields, const void *in)
{
    add_uuid(&dump->out, value_of(fields, in, "id"));
    text_char(&dump->out, ':');
    add_string(dump, *(const char *const *)value_of(fields, in, "name"));
    text_printf(&dump->out, "-%" PRId32, *(const int32_t *)value_of(fields, in, "partition"));
}

static void add_segment_id(struct dump *dump, const struct message *message, const void *in)
{
    const struct field *id = field_of(message->fields, "remote_log_segment_id");
    const struct field *topic = field_of(id->fields, "topic_id_partition");

    in = (const char *)in + id->offset;
    text_add(&dump->out, "RemoteLogSegmentId{topicIdPartition=");
    add_topic_id_partition(dump, topic->fields, (const char *)in + topic->offset);
    text_add(&dump->out, ", id=");
    add_uuid(&dump->out, value_of(id->fields, in, "id"));
    text_char(&dump->out, '}');
}

static void add_state(struct text *out, const char *const *names, int count, int8_t state)
{
    text_add(out, state >= 0 && state < count ? names[state] : "null");
}

static void add_custom_metadata(struct text *out, const struct message *message, const void *in)
{
    const struct bytes *bytes = value_of(message->fields, in, "custom_metadata");

    if (bytes->data)
        text_printf(out, "Optional[CustomMetadata{%zu bytes}]", bytes->size);
    else
        text_add(out, "Optional.empty");
}

struct leader_epochs { const char *items; int32_t count; };
static void add_leader_epochs(struct text *out, const struct message *message, const void *in)
{
    const struct field *field = field_of(message->fields, "segment_leader_epochs");
    const struct leader_epochs *epochs = (const void *)((const char *)in + field->offset);

    text_char(out, '{');
    for (int32_t i = 0; i < epochs->count; i++) {
        const void *item = epochs->items + (size_t)i * field->size;

        text_printf(out, "%s%" PRId32 "=%" PRId64, i ? ", " : "", *(const int32_t *)value_of(field->fields, item, "leader_epoch"),
                    *(const int64_t *)value_of(field->fields, item, "offset"));
    }
    text_char(out, '}');
}

static int64_t number_of(const struct message *message, const void *in, const char *name)
{
    const struct field *field = field_of(message->fields, name);
    const void *at = (const char *)in + field->offset;

    return field->type == T_INT64 ? *(const int64_t *)at : field->type == T_INT8 ? *(const int8_t *)at : *(const int32_t *)at;
}

static void add_remote_log(struct dump *dump, const struct message *message, const void *in)
{
    static const char *const states[] = { "COPY_SEGMENT_STARTED", "COPY_SEGMENT_FINISHED", "DELETE_SEGMENT_STARTED", "DELETE_SEGMENT_FINISHED" };
    static const char *const deletes[] = { "DELETE_PARTITION_MARKED", "DELETE_PARTITION_STARTED", "DELETE_PARTITION_FINISHED" };
    struct text *out = &dump->out;

    if (text_equal(message->name, "RemotePartitionDeleteMetadataRecord")) {
        const struct field *topic = field_of(message->fields, "topic_id_partition");

        text_add(out, "RemotePartitionDeleteMetadata{topicPartition=");
        add_topic_id_partition(dump, topic->fields, (const char *)in + topic->offset);
        text_add(out, ", state=");
        add_state(out, deletes, 3, (int8_t)number_of(message, in, "remote_partition_delete_state"));
        text_printf(out, ", eventTimestampMs=%" PRId64 ", brokerId=%" PRId64 "}", number_of(message, in, "event_timestamp_ms"),
                    number_of(message, in, "broker_id"));
    } else if (text_equal(message->name, "RemoteLogSegmentMetadataUpdateRecord")) {
        text_add(out, "RemoteLogSegmentMetadataUpdate{remoteLogSegmentId=");
        add_segment_id(dump, message, in);
        text_add(out, ", customMetadata=");
        add_custom_metadata(out, message, in);
        text_add(out, ", state=");
        add_state(out, states, 4, (int8_t)number_of(message, in, "remote_log_segment_state"));
        text_printf(out, ", eventTimestampMs=%" PRId64 ", brokerId=%" PRId64 "}", number_of(message, in, "event_timestamp_ms"),
                    number_of(message, in, "broker_id"));
    } else {
        bool snapshot = text_equal(message->name, "RemoteLogSegmentMetadataSnapshotRecord");

        text_add(out, snapshot ? "RemoteLogSegmentMetadataSnapshot{segmentId=" : "RemoteLogSegmentMetadata{remoteLogSegmentId=");
        if (snapshot)
            add_uuid(out, value_of(message->fields, in, "segment_id"));
        else
            add_segment_id(dump, message, in);
        text_printf(out, ", startOffset=%" PRId64 ", endOffset=%" PRId64 ", brokerId=%" PRId64 ", maxTimestampMs=%" PRId64
                    ", eventTimestampMs=%" PRId64 ", segmentLeaderEpochs=", number_of(message, in, "start_offset"),
                    number_of(message, in, "end_offset"), number_of(message, in, "broker_id"), number_of(message, in, "max_timestamp_ms"),
                    number_of(message, in, "event_timestamp_ms"));
        add_leader_epochs(out, message, in);
        text_printf(out, ", segmentSizeInBytes=%" PRId64 ", customMetadata=", number_of(message, in, "segment_size_in_bytes"));
        add_custom_metadata(out, message, in);
        text_add(out, ", state=");
        add_state(out, states, 4, (int8_t)number_of(message, in, "remote_log_segment_state"));
        text_printf(out, ", txnIdxEmpty=%s}", *(const bool *)value_of(message->fields, in, "txn_index_empty") ? "true" : "false");
    }
}

static bool remote_log_record(struct dump *dump, const struct record *record)
{
    const struct message *message;
    const char *name;
    struct text why = { 0 };
    int16_t version;
    void *in;

    text_add(&dump->out, " payload: ");
    if (!record->value.data)
        text_add(&why, "Cannot invoke \"java.nio.ByteBuffer.remaining()\" because the return value of "
                       "\"org.apache.kafka.common.record.internal.Record.value()\" is null");
    message = why.size ? NULL : framed_value(dump, record->value, &version, &in, &name, &why);
    if (message)
        add_remote_log(dump, message, in);
    else
        text_printf(&dump->out, "Error at offset %" PRId64 ", skipping. %s", record->offset, text_chars(&why));
    text_done(&why);
    return true;
}

/* ---- 2.7 ---- */

/* `bytes`: behind the version. */
static bool old_schema(struct dump *dump, const struct message *message, int16_t version, struct bytes bytes, const struct reason *reason)
{
    struct text why = { 0 };

    dump_schema_trouble(true, message, version, bytes, reason->text, &why);
    trouble_set(&dump->trouble, "org.apache.kafka.common.protocol.types.SchemaException", "%s", text_chars(&why));
    text_done(&why);
    return false;
}

static struct bytes behind_version(struct bytes bytes)
{
    return bytes.size < 2 ? (struct bytes){ 0 } : (struct bytes){ bytes.data + 2, bytes.size - 2 };
}

/* The version before a key or value of 2.7's; false: there is none (BufferUnderflowException). */
static bool old_version(struct dump *dump, struct bytes bytes, int16_t *version)
{
    if (bytes.size < 2)
        return trouble_set(&dump->trouble, "java.nio.BufferUnderflowException", NULL);
    *version = get_i16(bytes.data);
    return true;
}

/* "%X" of the bytes as one number: no leading zeros. */
static void add_hex(struct text *out, struct bytes bytes)
{
    bool begun = false;

    for (size_t i = 0; i < bytes.size; i++)
        if (begun || bytes.data[i]) {
            text_printf(out, begun ? "%02X" : "%X", bytes.data[i]);
            begun = true;
        }
    if (!begun && bytes.size)
        text_char(out, '0');
}

/* "{member=[students-0],...}" as text of a JSON string. */
static bool add_old_assignments(struct dump *dump, const struct group_value *value, struct text *out)
{
    bool consumer = text_equal(value->protocol_type, "consumer");
    uint32_t *hashes = mem_zero_array((size_t)value->members.count + 1, sizeof(*hashes));
    size_t *order;
    bool good = true;

    for (int32_t i = 0; i < value->members.count; i++)
        hashes[i] = java_hash(value->members.items[i].member_id);
    order = scala_mutable_order_hashes(hashes, (size_t)value->members.count);
    text_char(out, '{');
    for (int32_t i = 0; good && i < value->members.count; i++) {
        const struct group_value_member *member = &value->members.items[order[i]];
        struct { struct { const char *topic; ARRAY_OF(int32_t) partitions; } *items; int32_t count; } *assigned;
        const struct message *message = dump_layout(dump, &consumer_assignment_layout);
        struct reader reader = reader_of(member->assignment);
        int16_t version = reader_i16(&reader);
        struct reason reason = { "" };
        const struct bytes *user_data;
        bool first = true;
        void *in;

        text_printf(out, "%s%s=", i ? "," : "", member->member_id);
        if (!consumer) {
            add_hex(out, member->assignment);
            continue;
        }
        in = arena_alloc(&dump->arena, message->size);
        if (reader.failed || version < 0)
            err_because(ERR_INVALID_REQUEST, &reason, "Buffer underflow while parsing consumer protocol's header");
        if (reason.text[0] || fields_decode(message, version > message->last ? message->last : version, &reader, &dump->arena, in, &reason)) {
            good = old_schema(dump, message, version, behind_version(member->assignment), &reason);
            break;
        }
        assigned = (void *)((char *)in + field_of(message->fields, "assigned_partitions")->offset);
        text_char(out, '[');
        for (int32_t t = 0; t < assigned->count; t++)
            for (int32_t p = 0; p < assigned->items[t].partitions.count; p++, first = false)
                text_printf(out, "%s%s-%" PRId32, first ? "" : ", ", assigned->items[t].topic, assigned->items[t].partitions.items[p]);
        text_char(out, ']');
        user_data = value_of(message->fields, in, "user_data");
        if (user_data->size) {
            text_char(out, ':');
            add_hex(out, *user_data);
        }
    }
    text_char(out, '}');
    mem_free(order);
    mem_free(hashes);
    return good;
}

static void add_json_string(struct text *out, const char *string)
{
    text_json(out, bytes_text(string));
}

static bool old_group_value(struct dump *dump, struct bytes bytes, struct text *out)
{
    struct group_value value;
    struct text assignments = { 0 };
    struct reason reason = { "" };
    int16_t version = 0;
    bool good;

    if (!old_version(dump, bytes, &version))
        return false;
    if (version < 0 || version > 3)
        return trouble_set(&dump->trouble, "org.apache.kafka.common.KafkaException", "Unknown group metadata version %d", version);
    if (group_value_decode(bytes, &dump->arena, &value, &reason))
        return old_schema(dump, &group_value_message, version, behind_version(bytes), &reason);
    good = add_old_assignments(dump, &value, &assignments);
    if (good) {
        text_add(out, "{\"protocolType\":");
        add_json_string(out, value.protocol_type);
        text_add(out, ",\"protocol\":");
        add_json_string(out, value.protocol);
        text_printf(out, ",\"generationId\":%" PRId32 ",\"assignment\":", value.generation);
        add_json_string(out, text_chars(&assignments));
        text_char(out, '}');
    }
    text_done(&assignments);
    return good;
}

static bool old_offset_value(struct dump *dump, struct bytes bytes, struct text *out)
{
    struct offset_value value;
    struct reason reason = { "" };
    int16_t version = 0;

    if (!old_version(dump, bytes, &version))
        return false;
    if (version < 0 || version > 3)
        return trouble_set(&dump->trouble, "org.apache.kafka.common.KafkaException", "Unknown offset schema version %d", version);
    if (offset_value_decode(bytes, &dump->arena, &value, &reason))
        return old_schema(dump, &offset_value_message, version, behind_version(bytes), &reason);
    text_printf(out, *value.metadata ? "offset=%" PRId64 ",metadata=%s" : "offset=%" PRId64, value.offset, value.metadata);
    return true;
}

static bool old_group_record(struct dump *dump, const struct record *record)
{
    struct group_key key;
    struct reason reason = { "" };
    struct text out = { 0 };
    int16_t type = 0;
    bool good = true;

    if (!record->key.data)
        return trouble_set(&dump->trouble, "org.apache.kafka.common.KafkaException",
                           "Failed to decode message using offset topic decoder (message had a missing key)");
    if (!old_version(dump, record->key, &type))
        return false;
    if (type < 0 || type > KEY_GROUP)
        return trouble_set(&dump->trouble, "org.apache.kafka.common.KafkaException", "Unknown message key schema version %d", type);
    if (group_key_decode(record->key, &dump->arena, &key, &reason))
        return old_schema(dump, type == KEY_GROUP ? &group_key_message : &offset_key_message, type, behind_version(record->key), &reason);
    if (key.type == KEY_GROUP)
        text_printf(&out, " key: group_metadata::group=%s payload: ", key.group);
    else
        text_printf(&out, " key: offset_commit::group=%s,partition=%s-%" PRId32 " payload: ", key.group, key.topic, key.partition);
    if (!record->value.data)
        text_add(&out, "<DELETE>");
    else
        good = key.type == KEY_GROUP ? old_group_value(dump, record->value, &out) : old_offset_value(dump, record->value, &out);
    if (good)
        dump_text(dump, &dump->out, (struct bytes){ (const uint8_t *)text_chars(&out), out.size });
    text_done(&out);
    return good;
}

struct transaction_partitions { const char *items; int32_t count; };
/* The partitions as Scala's mutable set of TopicPartition iterates. */
static void add_old_partitions(struct text *out, const struct field *field, const struct transaction_partitions *topics)
{
    struct place { const char *topic; int32_t partition; } *places = NULL;
    size_t count = 0, capacity = 0, *order;
    uint32_t *hashes;

    for (int32_t t = 0; t < topics->count; t++) {
        const void *item = topics->items + (size_t)t * field->size;
        const char *topic = *(const char *const *)value_of(field->fields, item, "topic");
        const struct { const int32_t *items; int32_t count; } *ids = value_of(field->fields, item, "partition_ids");

        for (int32_t p = 0; p < ids->count; p++)
            ARRAY_ADD(places, count, capacity) = (struct place){ topic, ids->items[p] };
    }
    hashes = mem_zero_array(count + 1, sizeof(*hashes));
    for (size_t i = 0; i < count; i++)
        hashes[i] = topic_partition_hash(places[i].topic, places[i].partition);
    order = scala_mutable_order_hashes(hashes, count);
    for (size_t i = 0; i < count; i++)
        text_printf(out, "%s%s-%" PRId32, i ? "," : "", places[order[i]].topic, places[order[i]].partition);
    mem_free(order);
    mem_free(hashes);
    mem_free(places);
}

static bool old_transaction_value(struct dump *dump, struct bytes bytes, struct text *out)
{
    static const char *const states[] = { "Empty", "Ongoing", "PrepareCommit", "PrepareAbort", "CompleteCommit", "CompleteAbort", "Dead",
                                          "PrepareEpochFence" };
    const struct message *message = dump_layout(dump, coordinator_layout(RECORDS_TRANSACTION, 0)->value);
    struct reader reader = reader_of(bytes);
    int16_t version = reader_i16(&reader);
    struct reason reason = { "" };
    const struct field *partitions = field_of(message->fields, "transaction_partitions");
    const struct transaction_partitions *topics;
    int8_t state;
    void *in = arena_alloc(&dump->arena, message->size);

    if (!old_version(dump, bytes, &version))
        return false;
    if (version)
        return trouble_set(&dump->trouble, "org.apache.kafka.common.KafkaException", "Unknown transaction log message value schema version %d", version);
    if (fields_decode(message, 0, &reader, &dump->arena, in, &reason))
        return old_schema(dump, message, 0, behind_version(bytes), &reason);
    state = *(const int8_t *)value_of(message->fields, in, "transaction_status");
    if (state < 0 || state >= 8)
        return trouble_set(&dump->trouble, "java.lang.IllegalStateException", "Unknown transaction state byte %d from the transaction status message",
                           state);
    topics = (const void *)((const char *)in + partitions->offset);
    text_printf(out, "producerId:%" PRId64 ",producerEpoch:%d,state=%s,partitions=[", *(const int64_t *)value_of(message->fields, in, "producer_id"),
                *(const int16_t *)value_of(message->fields, in, "producer_epoch"), states[state]);
    if (state)
        add_old_partitions(out, partitions, topics);
    text_printf(out, "],txnLastUpdateTimestamp=%" PRId64 ",txnTimeoutMs=%" PRId32,
                *(const int64_t *)value_of(message->fields, in, "transaction_last_update_timestamp_ms"),
                *(const int32_t *)value_of(message->fields, in, "transaction_timeout_ms"));
    return true;
}

static bool old_transaction_record(struct dump *dump, const struct record *record)
{
    const struct message *message = dump_layout(dump, coordinator_layout(RECORDS_TRANSACTION, 0)->key);
    struct reader reader = reader_of(record->key);
    int16_t type = reader_i16(&reader);
    struct reason reason = { "" };
    struct text out = { 0 };
    void *in = arena_alloc(&dump->arena, message->size);
    bool good = true;

    if (!record->key.data)
        return trouble_set(&dump->trouble, "java.lang.NullPointerException", NULL);
    if (!old_version(dump, record->key, &type))
        return false;
    if (type)
        return trouble_set(&dump->trouble, "org.apache.kafka.common.KafkaException", "Unknown transaction log message key schema version %d", type);
    if (fields_decode(message, 0, &reader, &dump->arena, in, &reason))
        return old_schema(dump, message, 0, behind_version(record->key), &reason);
    text_printf(&out, " key: transaction_metadata::transactionalId=%s payload: ", *(const char *const *)value_of(message->fields, in, "transactional_id"));
    if (record->value.data)
        good = old_transaction_value(dump, record->value, &out);
    else
        text_add(&out, "<DELETE>");
    if (good)
        dump_text(dump, &dump->out, (struct bytes){ (const uint8_t *)text_chars(&out), out.size });
    text_done(&out);
    return good;
}

/* ---- */

bool dump_record(struct dump *dump, const struct record *record, const char *prefix)
{
    switch (dump->family) {
    case RECORDS_PLAIN: return plain_record(dump, record, prefix);
    case RECORDS_GROUP: return dump->old ? old_group_record(dump, record) : coordinator_record(dump, record, prefix);
    case RECORDS_TRANSACTION: return dump->old ? old_transaction_record(dump, record) : coordinator_record(dump, record, prefix);
    case RECORDS_SHARE_STATE: return coordinator_record(dump, record, prefix);
    default: break;
    }
    if (prefix[0] == '|') { /* instead of the space before "payload" */
        text_char(&dump->out, '|');
    }
    return dump->family == RECORDS_METADATA ? metadata_record_text(dump, record) : remote_log_record(dump, record);
}

static bool control_value(struct dump *dump, const struct record *record, int16_t type)
{
    static const char *const names[] = { "", "", " LeaderChange: ", " SnapshotHeader ", " SnapshotFooter ", " KRaftVersion ", " KRaftVoters " };
    const struct message *message = dump_layout(dump, control_layout(type));
    struct reader reader = reader_of(record->value);
    struct reason reason = { "" };
    void *in = arena_alloc(&dump->arena, message->size);
    int16_t version;

    if (!record->value.data || fields_decode(message, 0, &reader, &dump->arena, in, &reason))
        return trouble_set(&dump->trouble, "java.nio.BufferUnderflowException", NULL);
    version = *(const int16_t *)value_of(message->fields, in, "version");
    if (version < message->first || version > message->last)
        return trouble_set(&dump->trouble, "org.apache.kafka.common.errors.UnsupportedVersionException", "Can't write version %d of %s", version,
                           message->name);
    text_add(&dump->out, names[type]);
    add_json(dump, message, version, in);
    return true;
}

bool dump_control(struct dump *dump, const struct record *record)
{
    static const char *const old_names[] = { "ABORT", "COMMIT", "QUORUM_REASSIGNMENT", "LEADER_CHANGE" };
    struct reader key = reader_of(record->key), value = reader_of(record->value);
    int16_t version = reader_i16(&key), type = reader_i16(&key);

    if (!record->key.data)
        return trouble_set(&dump->trouble, "java.lang.NullPointerException", "Cannot invoke \"java.nio.ByteBuffer.%s()\" because \"key\" is null",
                           dump->old ? "remaining" : "duplicate");
    if (key.failed)
        return trouble_set(&dump->trouble, "org.apache.kafka.common.InvalidRecordException",
                           "Invalid value size found for %s. Must have at least 4 bytes, but found only %zu",
                           dump->old ? "end control record key" : "control record key", record->key.size);
    if (version < 0)
        return trouble_set(&dump->trouble, "org.apache.kafka.common.InvalidRecordException",
                           "Invalid version found for control record: %d. May indicate data corruption", version);
    if (type == CONTROL_ABORT || type == CONTROL_COMMIT) {
        version = reader_i16(&value);
        if (!value.failed && version < 0)
            return trouble_set(&dump->trouble, "org.apache.kafka.common.InvalidRecordException",
                               "Invalid version found for end transaction marker: %d. May indicate data corruption", version);
        text_printf(&dump->out, " endTxnMarker: %s coordinatorEpoch: %" PRId32, type == CONTROL_ABORT ? "ABORT" : "COMMIT", reader_i32(&value));
        return true;
    }
    if (!dump->old && control_layout(type))
        return control_value(dump, record, type);
    text_printf(&dump->out, " controlType: %s(%d)", dump->old && type >= 0 && type < 4 ? old_names[type] : "UNKNOWN", type);
    return true;
}
