/* Records of coordinators, read and shown as both releases' classes do. Source: GroupMetadataManager and TransactionLog of 2.7, CoordinatorRecordSerde
 * of 4.3. */
#include "shell/commands/internal_records.h"

#include <stdio.h>
#include <string.h>

#include "shell/commands/dump_log.h"
#include "shell/java_order.h"

void internal_records_init(struct internal_records *records, const struct call *call)
{
    *records = (struct internal_records){ .for_terminal = call_on_terminal(call) };
    arena_init(&records->arena);
    arena_init(&records->layouts);
}

void internal_records_done(struct internal_records *records)
{
    arena_done(&records->arena);
    arena_done(&records->layouts);
}

const struct message *internal_layout(struct internal_records *records, const struct message *message)
{
    const struct message *laid_out;

    for (size_t i = 0; i < records->laid_out_count; i++)
        if (records->laid_out[i].from == message)
            return records->laid_out[i].to;
    if (message->size)
        return message;
    laid_out = fields_laid_out(message, &records->layouts);
    if (records->laid_out_count < sizeof(records->laid_out) / sizeof(*records->laid_out)) {
        records->laid_out[records->laid_out_count].from = message;
        records->laid_out[records->laid_out_count++].to = laid_out;
    }
    return laid_out;
}

const struct field *internal_field(const struct field *fields, const char *name)
{
    while (!text_equal(fields->name, name))
        fields++;
    return fields;
}

const void *internal_value(const struct field *fields, const void *in, const char *name)
{
    return (const char *)in + internal_field(fields, name)->offset;
}

/* ---- text ---- */

static void java_text(struct text *out, struct bytes bytes)
{
    const uint8_t *p = bytes.data, *end = p + bytes.size, *from = p;

    while (p < end) {
        int size = text_utf8_piece(p, end);

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

void internal_text(const struct internal_records *records, struct text *out, struct bytes bytes)
{
    if (!bytes.size)
        return;
    if (records->for_terminal)
        text_escaped(out, bytes);
    else
        java_text(out, bytes);
}


/* JSON as Jackson writes it: what isn't ASCII stands as it is, and escapes are in capitals. `json` is ours, with more escapes: those stay on a
 * terminal. */
void internal_json_text(const struct internal_records *records, const char *json, struct text *out)
{
    for (; *json; json++) {
        unsigned code, low;

        if (*json != '\\' || records->for_terminal) {
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

void internal_json(const struct internal_records *records, const struct message *message, int16_t version, const void *in, struct text *out)
{
    struct text json = { 0 };

    fields_json(message, version, in, &json);
    internal_json_text(records, text_chars(&json), out);
    text_done(&json);
}

/* ---- 4.3 ---- */

/* `bytes`: behind the type or version that the record names. */
static enum coordinator_reading unread(const char *what, int16_t said, const struct message *message, int16_t version, struct bytes bytes,
                                       const struct reason *reason, struct trouble *trouble)
{
    struct text why = { 0 };

    dump_schema_trouble(false, message, version, bytes, reason->text, &why);
    trouble_set(trouble, "java.lang.RuntimeException", "Could not read record with version %d from %s's buffer due to: %s.", said, what, text_chars(&why));
    if (text_equal(text_chars(&why), "null")) /* no more bytes: an exception without a message */
        trouble_cause(trouble, "java.nio.BufferUnderflowException", NULL);
    else
        trouble_cause(trouble, "java.lang.RuntimeException", "%s", text_chars(&why));
    text_done(&why);
    return COORDINATOR_UNREADABLE;
}

static enum coordinator_reading read_value(struct internal_records *records, struct bytes bytes, struct coordinator_record *out, struct trouble *trouble)
{
    struct reader reader = reader_of(bytes);
    struct reason reason = { "" };
    struct bytes left;
    void *in;

    out->version = reader_i16(&reader);
    if (reader.failed) {
        trouble_set(trouble, "java.lang.RuntimeException", "Could not read version from value's buffer.");
        return COORDINATOR_UNREADABLE;
    }
    if (out->version < out->value_message->first || out->version > out->value_message->last) {
        trouble_set(trouble, "org.apache.kafka.coordinator.common.runtime.Deserializer$UnknownRecordVersionException",
                    "Found an unknown record version %d for %d type", out->version, out->type);
        return COORDINATOR_UNREADABLE;
    }
    in = arena_alloc(&records->arena, out->value_message->size);
    left = (struct bytes){ reader.at, reader_left(&reader) };
    if (fields_decode(out->value_message, out->version, &reader, &records->arena, in, &reason))
        return unread("value", out->version, out->value_message, out->version, left, &reason, trouble);
    out->value = in;
    return COORDINATOR_READ;
}

enum coordinator_reading coordinator_record_read(struct internal_records *records, enum record_family family, struct bytes key, struct bytes value,
                                                 struct coordinator_record *out, struct trouble *trouble)
{
    struct reader reader = reader_of(key);
    struct reason reason = { "" };
    int16_t key_version;
    struct bytes left;
    void *in;

    *out = (struct coordinator_record){ .type = reader_i16(&reader) };
    if (reader.failed) {
        trouble_set(trouble, "java.lang.RuntimeException", "Could not read version from key's buffer.");
        return COORDINATOR_UNREADABLE;
    }
    out->layout = coordinator_layout(family, out->type);
    if (!out->layout)
        return COORDINATOR_UNKNOWN_TYPE;
    out->key_message = internal_layout(records, out->layout->key);
    out->value_message = internal_layout(records, out->layout->value);
    in = arena_alloc(&records->arena, out->key_message->size);
    key_version = out->key_message->first <= out->type && out->type <= out->key_message->last ? out->type : out->key_message->last;
    left = (struct bytes){ reader.at, reader_left(&reader) };
    if (fields_decode(out->key_message, key_version, &reader, &records->arena, in, &reason))
        return unread("key", out->type, out->key_message, key_version, left, &reason, trouble);
    out->key = in;
    return value.data ? read_value(records, value, out, trouble) : COORDINATOR_READ;
}

/* ---- 2.7 ---- */

bool old_schema_trouble(const struct message *message, int16_t version, struct bytes bytes, const struct reason *reason, struct trouble *trouble)
{
    struct text why = { 0 };

    dump_schema_trouble(true, message, version, bytes, reason->text, &why);
    trouble_set(trouble, "org.apache.kafka.common.protocol.types.SchemaException", "%s", text_chars(&why));
    text_done(&why);
    return false;
}

struct bytes behind_version(struct bytes bytes)
{
    return bytes.size < 2 ? (struct bytes){ 0 } : (struct bytes){ bytes.data + 2, bytes.size - 2 };
}

/* The version before a key or value; false: none (BufferUnderflowException), or above the newest. */
static bool old_version(struct bytes bytes, int16_t newest, const char *what, int16_t *version, struct trouble *trouble)
{
    if (bytes.size < 2)
        return trouble_set(trouble, "java.nio.BufferUnderflowException", NULL);
    *version = get_i16(bytes.data);
    if (*version < 0 || *version > newest)
        return trouble_set(trouble, "org.apache.kafka.common.KafkaException", "Unknown %s version %d", what, *version);
    return true;
}

bool old_group_key_read(struct internal_records *records, struct bytes bytes, struct group_key *out, struct trouble *trouble)
{
    struct reason reason = { "" };
    int16_t type = 0;

    if (!old_version(bytes, KEY_GROUP, "message key schema", &type, trouble))
        return false;
    if (group_key_decode(bytes, &records->arena, out, &reason))
        return old_schema_trouble(type == KEY_GROUP ? &group_key_message : &offset_key_message, type, behind_version(bytes), &reason, trouble);
    return true;
}

bool old_offset_value_read(struct internal_records *records, struct bytes bytes, struct offset_value *out, struct trouble *trouble)
{
    struct reason reason = { "" };
    int16_t version = 0;

    if (!old_version(bytes, 3, "offset schema", &version, trouble))
        return false;
    if (offset_value_decode(bytes, &records->arena, out, &reason))
        return old_schema_trouble(&offset_value_message, version, behind_version(bytes), &reason, trouble);
    return true;
}

bool old_group_value_read(struct internal_records *records, struct bytes bytes, struct group_value *out, int16_t *version, struct trouble *trouble)
{
    struct reason reason = { "" };
    int16_t unread;

    if (!version)
        version = &unread;
    if (!old_version(bytes, 3, "group metadata", version, trouble))
        return false;
    if (group_value_decode(bytes, &records->arena, out, &reason))
        return old_schema_trouble(&group_value_message, *version, behind_version(bytes), &reason, trouble);
    return true;
}

/* Equal ids come together. */
size_t *old_members_order(const struct group_value *value)
{
    uint32_t *hashes = mem_zero_array((size_t)value->members.count + 1, sizeof(*hashes));
    size_t *order;

    for (int32_t i = 0; i < value->members.count; i++)
        hashes[i] = java_hash(value->members.items[i].member_id);
    order = scala_mutable_order_hashes(hashes, (size_t)value->members.count);
    mem_free(hashes);
    return order;
}

bool old_transaction_key_read(struct internal_records *records, struct bytes bytes, const char **transactional_id, struct trouble *trouble)
{
    const struct message *message = internal_layout(records, coordinator_layout(RECORDS_TRANSACTION, 0)->key);
    struct reader reader = reader_of(behind_version(bytes));
    struct reason reason = { "" };
    void *in = arena_alloc(&records->arena, message->size);
    int16_t version = 0;

    if (!old_version(bytes, 0, "transaction log message key schema", &version, trouble))
        return false;
    if (fields_decode(message, version, &reader, &records->arena, in, &reason))
        return old_schema_trouble(message, version, behind_version(bytes), &reason, trouble);
    *transactional_id = *(const char *const *)internal_value(message->fields, in, "transactional_id");
    return true;
}

struct array { const char *items; int32_t count; };
static bool take_partitions(struct internal_records *records, const struct field *field, const struct array *topics, struct old_transaction *out,
                            struct trouble *trouble)
{
    struct old_transaction_partition *places = NULL;
    size_t count = 0, capacity = 0, *order;
    uint32_t *hashes;

    if (!topics->items && topics->count < 0)
        return trouble_set(trouble, "java.lang.NullPointerException", "Cannot read the array length because \"topicPartitionArray\" is null");
    for (int32_t t = 0; t < topics->count; t++) {
        const void *item = topics->items + (size_t)t * field->size;
        const char *topic = *(const char *const *)internal_value(field->fields, item, "topic");
        const struct { const int32_t *items; int32_t count; } *ids = internal_value(field->fields, item, "partition_ids");

        for (int32_t p = 0; p < ids->count; p++)
            ARRAY_ADD(places, count, capacity) = (struct old_transaction_partition){ topic, ids->items[p] };
    }
    hashes = mem_zero_array(count + 1, sizeof(*hashes));
    for (size_t i = 0; i < count; i++)
        hashes[i] = topic_partition_hash(places[i].topic, places[i].partition);
    order = scala_mutable_order_hashes(hashes, count);
    out->partitions = arena_alloc(&records->arena, (count + 1) * sizeof(*places));
    for (size_t i = 0; i < count; i++) /* equal ones come together */
        if (i + 1 == count || places[order[i]].partition != places[order[i + 1]].partition || strcmp(places[order[i]].topic, places[order[i + 1]].topic))
            out->partitions[out->partition_count++] = places[order[i]];
    mem_free(order);
    mem_free(hashes);
    mem_free(places);
    return true;
}

bool old_transaction_value_read(struct internal_records *records, struct bytes bytes, struct old_transaction *out, struct trouble *trouble)
{
    static const char *const states[] = { "Empty", "Ongoing", "PrepareCommit", "PrepareAbort", "CompleteCommit", "CompleteAbort", "Dead",
                                          "PrepareEpochFence" };
    const struct message *message = internal_layout(records, coordinator_layout(RECORDS_TRANSACTION, 0)->value);
    const struct field *fields = message->fields;
    struct reader reader = reader_of(behind_version(bytes));
    struct reason reason = { "" };
    void *in = arena_alloc(&records->arena, message->size);
    int16_t version = 0;
    int8_t state;

    *out = (struct old_transaction){ 0 };
    if (!old_version(bytes, 0, "transaction log message value schema", &version, trouble))
        return false;
    if (fields_decode(message, version, &reader, &records->arena, in, &reason))
        return old_schema_trouble(message, version, behind_version(bytes), &reason, trouble);
    state = *(const int8_t *)internal_value(fields, in, "transaction_status");
    if (state < 0 || state >= 8)
        return trouble_set(trouble, "java.lang.IllegalStateException", "Unknown transaction state byte %d from the transaction status message", state);
    out->state = states[state];
    out->producer_id = *(const int64_t *)internal_value(fields, in, "producer_id");
    out->producer_epoch = *(const int16_t *)internal_value(fields, in, "producer_epoch");
    out->timeout_ms = *(const int32_t *)internal_value(fields, in, "transaction_timeout_ms");
    out->last_update_ms = *(const int64_t *)internal_value(fields, in, "transaction_last_update_timestamp_ms");
    out->start_ms = *(const int64_t *)internal_value(fields, in, "transaction_start_timestamp_ms");
    return !state || take_partitions(records, internal_field(fields, "transaction_partitions"), internal_value(fields, in, "transaction_partitions"),
                                     out, trouble);
}
