/* What the records of a dumped batch hold: bytes by a decoder, and records of internal topics in each release's form. Source: Kafka's
 * DumpLogSegments, GroupMetadataManager and TransactionLog of 2.7, CoordinatorRecordSerde, MetadataRecordSerde and RemoteLogMetadata of 4.3. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shell/commands/dump_log.h"
#include "shell/java_order.h"

static void add_string(struct dump *dump, const char *string)
{
    internal_text(&dump->records, &dump->out, bytes_text(string ? string : "null"));
}

static void add_json(struct dump *dump, const struct message *message, int16_t version, const void *in)
{
    internal_json(&dump->records, message, version, in, &dump->out);
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
    case DECODE_STRING: internal_text(&dump->records, &dump->out, bytes); return true;
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
    const struct message *message = internal_layout(&dump->records, layout);
    struct reader reader = reader_of(bytes);
    int16_t version = reader_i16(&reader);
    void *in = arena_alloc(&dump->records.arena, message->size);

    if (!reader.failed && version >= 0 && !fields_decode(message, version > message->last ? message->last : version, &reader, &dump->records.arena, in, NULL))
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
    internal_json_text(&dump->records, text_chars(&all), &dump->out);
    text_done(&all);
    text_done(&json);
    text_done(&inner);
}

/* Of what no record of its kind can be read. `key` goes in place of the key. */
/* Of what no record of its kind can be read. `key` goes in place of the key. */
static void add_unreadable(struct dump *dump, const char *prefix, int64_t offset, const char *why)
{
    text_printf(&dump->out, "%skey: Error at offset %" PRId64 ", skipping. %s", prefix, offset, why);
}

static bool coordinator_record(struct dump *dump, const struct record *record, const char *prefix)
{
    struct coordinator_record found;
    struct trouble why = { 0 };

    if (!record->key.data)
        return trouble_set(&dump->trouble, "java.lang.RuntimeException",
                           "Failed to decode message at offset %" PRId64 " using the specified decoder (message had a missing key)", record->offset);
    switch (coordinator_record_read(&dump->records, dump->family, record->key, record->value, &found, &why)) {
    case COORDINATOR_READ: break;
    case COORDINATOR_UNKNOWN_TYPE:
        text_printf(&dump->out, "%skey: Unknown record type %d at offset %" PRId64 ", skipping.", prefix, found.type, record->offset);
        return true;
    default:
        add_unreadable(dump, prefix, record->offset, why.message);
        trouble_done(&why);
        return true;
    }
    text_printf(&dump->out, "%skey: {\"type\":\"%d\",\"data\":", prefix, found.type);
    add_json(dump, found.key_message, found.key_message->last, found.key);
    text_add(&dump->out, "} payload: ");
    if (!found.value) {
        text_add(&dump->out, "<DELETE>");
        return true;
    }
    text_printf(&dump->out, "{\"version\":\"%d\",\"data\":", found.version);
    if (found.layout->value == &group_value_message)
        add_group_value(dump, found.value_message, found.version, found.value);
    else
        add_json(dump, found.value_message, found.version, found.value);
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
    message = internal_layout(&dump->records, message);
    *version = (int16_t)numbers[2];
    *in = arena_alloc(&dump->records.arena, message->size);
    if (*version > message->last || fields_decode(message, *version, &reader, &dump->records.arena, *in, &reason)) {
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

static void add_uuid(struct text *out, const void *uuid)
{
    char chars[UUID_TEXT];

    uuid_text(*(const struct uuid *)uuid, chars);
    text_add(out, chars);
}

/* "TOPICID:students-0" */
static void add_topic_id_partition(struct dump *dump, const struct field *fields, const void *in)
{
    add_uuid(&dump->out, internal_value(fields, in, "id"));
    text_char(&dump->out, ':');
    add_string(dump, *(const char *const *)internal_value(fields, in, "name"));
    text_printf(&dump->out, "-%" PRId32, *(const int32_t *)internal_value(fields, in, "partition"));
}

static void add_segment_id(struct dump *dump, const struct message *message, const void *in)
{
    const struct field *id = internal_field(message->fields, "remote_log_segment_id");
    const struct field *topic = internal_field(id->fields, "topic_id_partition");

    in = (const char *)in + id->offset;
    text_add(&dump->out, "RemoteLogSegmentId{topicIdPartition=");
    add_topic_id_partition(dump, topic->fields, (const char *)in + topic->offset);
    text_add(&dump->out, ", id=");
    add_uuid(&dump->out, internal_value(id->fields, in, "id"));
    text_char(&dump->out, '}');
}

static void add_state(struct text *out, const char *const *names, int count, int8_t state)
{
    text_add(out, state >= 0 && state < count ? names[state] : "null");
}

static void add_custom_metadata(struct text *out, const struct message *message, const void *in)
{
    const struct bytes *bytes = internal_value(message->fields, in, "custom_metadata");

    if (bytes->data)
        text_printf(out, "Optional[CustomMetadata{%zu bytes}]", bytes->size);
    else
        text_add(out, "Optional.empty");
}

struct leader_epochs { const char *items; int32_t count; };
static void add_leader_epochs(struct text *out, const struct message *message, const void *in)
{
    const struct field *field = internal_field(message->fields, "segment_leader_epochs");
    const struct leader_epochs *epochs = (const void *)((const char *)in + field->offset);

    text_char(out, '{');
    for (int32_t i = 0; i < epochs->count; i++) {
        const void *item = epochs->items + (size_t)i * field->size;

        text_printf(out, "%s%" PRId32 "=%" PRId64, i ? ", " : "", *(const int32_t *)internal_value(field->fields, item, "leader_epoch"),
                    *(const int64_t *)internal_value(field->fields, item, "offset"));
    }
    text_char(out, '}');
}

static int64_t number_of(const struct message *message, const void *in, const char *name)
{
    const struct field *field = internal_field(message->fields, name);
    const void *at = (const char *)in + field->offset;

    return field->type == T_INT64 ? *(const int64_t *)at : field->type == T_INT8 ? *(const int8_t *)at : *(const int32_t *)at;
}

static void add_remote_log(struct dump *dump, const struct message *message, const void *in)
{
    static const char *const states[] = { "COPY_SEGMENT_STARTED", "COPY_SEGMENT_FINISHED", "DELETE_SEGMENT_STARTED", "DELETE_SEGMENT_FINISHED" };
    static const char *const deletes[] = { "DELETE_PARTITION_MARKED", "DELETE_PARTITION_STARTED", "DELETE_PARTITION_FINISHED" };
    struct text *out = &dump->out;

    if (text_equal(message->name, "RemotePartitionDeleteMetadataRecord")) {
        const struct field *topic = internal_field(message->fields, "topic_id_partition");

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
            add_uuid(out, internal_value(message->fields, in, "segment_id"));
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
        text_printf(out, ", txnIdxEmpty=%s}", *(const bool *)internal_value(message->fields, in, "txn_index_empty") ? "true" : "false");
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
    size_t *order = old_members_order(value);
    bool good = true;

    text_char(out, '{');
    for (int32_t i = 0; good && i < value->members.count; i++) {
        const struct group_value_member *member = &value->members.items[order[i]];
        struct { struct { const char *topic; ARRAY_OF(int32_t) partitions; } *items; int32_t count; } *assigned;
        const struct message *message = internal_layout(&dump->records, &consumer_assignment_layout);
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
        in = arena_alloc(&dump->records.arena, message->size);
        if (reader.failed || version < 0)
            err_because(ERR_INVALID_REQUEST, &reason, "Buffer underflow while parsing consumer protocol's header");
        if (reason.text[0] || fields_decode(message, version > message->last ? message->last : version, &reader, &dump->records.arena, in, &reason)) {
            good = old_schema_trouble(message, version, behind_version(member->assignment), &reason, &dump->trouble);
            break;
        }
        assigned = (void *)((char *)in + internal_field(message->fields, "assigned_partitions")->offset);
        text_char(out, '[');
        for (int32_t t = 0; t < assigned->count; t++)
            for (int32_t p = 0; p < assigned->items[t].partitions.count; p++, first = false)
                text_printf(out, "%s%s-%" PRId32, first ? "" : ", ", assigned->items[t].topic, assigned->items[t].partitions.items[p]);
        text_char(out, ']');
        user_data = internal_value(message->fields, in, "user_data");
        if (user_data->size) {
            text_char(out, ':');
            add_hex(out, *user_data);
        }
    }
    text_char(out, '}');
    mem_free(order);
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
    bool good = old_group_value_read(&dump->records, bytes, &value, NULL, &dump->trouble) && add_old_assignments(dump, &value, &assignments);

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

    if (!old_offset_value_read(&dump->records, bytes, &value, &dump->trouble))
        return false;
    text_printf(out, *value.metadata ? "offset=%" PRId64 ",metadata=%s" : "offset=%" PRId64, value.offset, value.metadata);
    return true;
}

static bool old_group_record(struct dump *dump, const struct record *record)
{
    struct group_key key;
    struct text out = { 0 };
    bool good = true;

    if (!record->key.data)
        return trouble_set(&dump->trouble, "org.apache.kafka.common.KafkaException",
                           "Failed to decode message using offset topic decoder (message had a missing key)");
    if (!old_group_key_read(&dump->records, record->key, &key, &dump->trouble))
        return false;
    if (key.type == KEY_GROUP)
        text_printf(&out, " key: group_metadata::group=%s payload: ", key.group);
    else
        text_printf(&out, " key: offset_commit::group=%s,partition=%s-%" PRId32 " payload: ", key.group, key.topic, key.partition);
    if (!record->value.data)
        text_add(&out, "<DELETE>");
    else
        good = key.type == KEY_GROUP ? old_group_value(dump, record->value, &out) : old_offset_value(dump, record->value, &out);
    if (good)
        internal_text(&dump->records, &dump->out, (struct bytes){ (const uint8_t *)text_chars(&out), out.size });
    text_done(&out);
    return good;
}
static bool old_transaction_value(struct dump *dump, struct bytes bytes, struct text *out)
{
    struct old_transaction transaction;

    if (!old_transaction_value_read(&dump->records, bytes, &transaction, &dump->trouble))
        return false;
    text_printf(out, "producerId:%" PRId64 ",producerEpoch:%d,state=%s,partitions=[", transaction.producer_id, transaction.producer_epoch,
                transaction.state);
    for (size_t i = 0; i < transaction.partition_count; i++)
        text_printf(out, "%s%s-%" PRId32, i ? "," : "", transaction.partitions[i].topic, transaction.partitions[i].partition);
    text_printf(out, "],txnLastUpdateTimestamp=%" PRId64 ",txnTimeoutMs=%" PRId32, transaction.last_update_ms, transaction.timeout_ms);
    return true;
}

static bool old_transaction_record(struct dump *dump, const struct record *record)
{
    const char *transactional_id;
    struct text out = { 0 };
    bool good = true;

    if (!record->key.data)
        return trouble_set(&dump->trouble, "java.lang.NullPointerException", NULL);
    if (!old_transaction_key_read(&dump->records, record->key, &transactional_id, &dump->trouble))
        return false;
    text_printf(&out, " key: transaction_metadata::transactionalId=%s payload: ", transactional_id);
    if (record->value.data)
        good = old_transaction_value(dump, record->value, &out);
    else
        text_add(&out, "<DELETE>");
    if (good)
        internal_text(&dump->records, &dump->out, (struct bytes){ (const uint8_t *)text_chars(&out), out.size });
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
    const struct message *message = internal_layout(&dump->records, control_layout(type));
    struct reader reader = reader_of(record->value);
    struct reason reason = { "" };
    void *in = arena_alloc(&dump->records.arena, message->size);
    int16_t version;

    if (!record->value.data || fields_decode(message, 0, &reader, &dump->records.arena, in, &reason))
        return trouble_set(&dump->trouble, "java.nio.BufferUnderflowException", NULL);
    version = *(const int16_t *)internal_value(message->fields, in, "version");
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
