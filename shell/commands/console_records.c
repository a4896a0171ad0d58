/* Formatters of internal topics. Source: GroupMetadataManager, GroupMetadata, MemberMetadata, TransactionLog and TransactionMetadata of 2.7;
 * CoordinatorRecordMessageFormatter and its subclasses of 4.3. */
#include "shell/commands/console_records.h"

#include <inttypes.h>
#include <string.h>

/* ---- 2.7 ---- */

static void add_string(const struct internal_records *records, struct text *out, const char *string)
{
    internal_text(records, out, bytes_text(string ? string : "null"));
}

/* "KEY::VALUE\n" */
bool console_old_offset(struct call *call, struct internal_records *records, const struct consumer_record *record, struct text *out,
                      struct trouble *trouble)
{
    struct group_key key;
    struct offset_value value;

    (void)call;
    if (!record->key.data)
        return true;
    if (!old_group_key_read(records, record->key, &key, trouble))
        return false;
    if (key.type == KEY_GROUP)
        return true;
    if (record->value.data && !old_offset_value_read(records, record->value, &value, trouble))
        return false;
    text_char(out, '[');
    add_string(records, out, key.group);
    text_char(out, ',');
    add_string(records, out, key.topic);
    text_printf(out, ",%" PRId32 "]::", key.partition);
    if (!record->value.data) {
        text_add(out, "NULL\n");
        return true;
    }
    text_printf(out, "OffsetAndMetadata(offset=%" PRId64 ", leaderEpoch=", value.offset);
    text_printf(out, value.leader_epoch < 0 ? "Optional.empty" : "Optional[%" PRId32 "]", value.leader_epoch);
    text_add(out, ", metadata=");
    add_string(records, out, value.metadata);
    text_printf(out, ", commitTimestamp=%" PRId64 ", expireTimestamp=", value.commit_timestamp);
    text_printf(out, value.expire_timestamp == -1 ? "None)\n" : "Some(%" PRId64 "))\n", value.expire_timestamp);
    return true;
}

/* The first subscription that can't be read; the coordinator's class says so in its log and goes on. */
static void warn_of_subscriptions(struct call *call, struct internal_records *records, const char *group, const struct group_value *value)
{
    const struct message *message = internal_layout(records, &consumer_subscription_layout);
    struct trouble trouble = { 0 };

    if (!text_equal(value->protocol_type, CONSUMER_PROTOCOL) || !value->protocol)
        return;
    for (int32_t i = 0; i < value->members.count && !trouble.exception; i++) {
        struct reader reader = reader_of(value->members.items[i].subscription);
        int16_t version = reader_i16(&reader);
        const char *what = reader.failed ? "header" : "subscription";

        if (!reader.failed && version < 0) {
            trouble_set(&trouble, "org.apache.kafka.common.protocol.types.SchemaException", "Unsupported subscription version: %d", version);
            break;
        }
        if (!reader.failed && !fields_decode(message, version > 1 ? 1 : version, &reader, &records->arena,
                                             arena_alloc(&records->arena, message->size), NULL))
            continue;
        trouble_set(&trouble, "org.apache.kafka.common.protocol.types.SchemaException", "Buffer underflow while parsing consumer protocol's %s", what);
        trouble_cause(&trouble, "java.nio.BufferUnderflowException", NULL);
    }
    if (trouble.exception) {
        struct text line = { 0 };

        text_printf(&line, "Failed to parse Consumer Protocol %s:", CONSUMER_PROTOCOL);
        add_string(records, &line, value->protocol);
        text_add(&line, " of group ");
        add_string(records, &line, group);
        text_add(&line, ". Consumer group coordinator is not aware of the subscribed topics.");
        call_log(call, "WARN", text_chars(&line), "kafka.coordinator.group.GroupMetadata");
        trouble_print(call, &trouble);
        text_done(&line);
    }
    trouble_done(&trouble);
}

static void add_member(const struct internal_records *records, struct text *out, const struct group_value_member *member, int16_t version,
                       const char *protocol)
{
    text_add(out, "MemberMetadata(memberId=");
    add_string(records, out, member->member_id);
    text_add(out, ", groupInstanceId=");
    if (version >= 3) { /* there a null too */
        text_add(out, "Some(");
        add_string(records, out, member->group_instance_id);
        text_char(out, ')');
    } else {
        text_add(out, "None");
    }
    text_add(out, ", clientId=");
    add_string(records, out, member->client_id);
    text_add(out, ", clientHost=");
    add_string(records, out, member->client_host);
    text_printf(out, ", sessionTimeoutMs=%" PRId32 ", rebalanceTimeoutMs=%" PRId32 ", supportedProtocols=List(", member->session_timeout,
                version ? member->rebalance_timeout : member->session_timeout);
    add_string(records, out, protocol);
    text_add(out, "), )");
}

static bool add_group(struct internal_records *records, struct text *out, const char *group, const struct group_value *value, int16_t version,
                      struct trouble *trouble)
{
    const struct group_value_member *members = value->members.items;
    size_t count = (size_t)value->members.count, *order = old_members_order(value);
    bool good = true, first = true;

    text_printf(out, "GroupMetadata(groupId=");
    add_string(records, out, group);
    text_printf(out, ", generation=%" PRId32 ", protocolType=", value->generation);
    if (count || *value->protocol_type) {
        text_add(out, "Some(");
        add_string(records, out, value->protocol_type);
        text_char(out, ')');
    } else {
        text_add(out, "None");
    }
    text_printf(out, ", currentState=%s, members=HashMap(", count ? "Stable" : "Empty");
    for (size_t i = 0; good && i < count; i++) {
        const struct group_value_member *member = &members[order[i]];

        if (i + 1 < count && text_equal(member->member_id, members[order[i + 1]].member_id)) {
            if (order[i + 1] + 1 < count) /* whoever is added behind a member that came twice */
                good = trouble_set(trouble, "java.lang.AssertionError", "assertion failed");
            continue;
        }
        if (!first)
            text_add(out, ", ");
        first = false;
        add_string(records, out, member->member_id);
        text_add(out, " -> ");
        add_member(records, out, member, version, value->protocol);
    }
    text_add(out, "))");
    mem_free(order);
    return good;
}

bool console_old_group(struct call *call, struct internal_records *records, const struct consumer_record *record, struct text *out,
                     struct trouble *trouble)
{
    struct group_key key;
    struct group_value value;
    int16_t version = 0;

    if (!record->key.data)
        return true;
    if (!old_group_key_read(records, record->key, &key, trouble))
        return false;
    if (key.type != KEY_GROUP)
        return true;
    if (record->value.data && !old_group_value_read(records, record->value, &value, &version, trouble))
        return false;
    add_string(records, out, key.group);
    text_add(out, "::");
    if (!record->value.data) {
        text_add(out, "NULL");
    } else if (add_group(records, out, key.group, &value, version, trouble)) {
        warn_of_subscriptions(call, records, key.group, &value);
    } else {
        text_clear(out); /* it is read whole before any of it is printed */
        return false;
    }
    text_char(out, '\n');
    return true;
}

bool console_old_transaction(struct call *call, struct internal_records *records, const struct consumer_record *record, struct text *out,
                           struct trouble *trouble)
{
    struct old_transaction value;
    const char *id;

    (void)call;
    if (!record->key.data)
        return true;
    if (!old_transaction_key_read(records, record->key, &id, trouble) ||
        (record->value.data && !old_transaction_value_read(records, record->value, &value, trouble)))
        return false;
    add_string(records, out, id);
    text_add(out, "::");
    if (!record->value.data) {
        text_add(out, "NULL\n");
        return true;
    }
    text_add(out, "TransactionMetadata(transactionalId=");
    add_string(records, out, id);
    text_printf(out, ", producerId=%" PRId64 ", producerEpoch=%d, txnTimeoutMs=%" PRId32 ", state=%s, pendingState=None, topicPartitions=HashSet(",
                value.producer_id, value.producer_epoch, value.timeout_ms, value.state);
    for (size_t i = 0; i < value.partition_count; i++) {
        text_add(out, i ? ", " : "");
        add_string(records, out, value.partitions[i].topic);
        text_printf(out, "-%" PRId32, value.partitions[i].partition);
    }
    text_printf(out, "), txnStartTimestamp=%" PRId64 ", txnLastUpdateTimestamp=%" PRId64 ")\n", value.start_ms, value.last_update_ms);
    return true;
}

/* ---- 4.3 ---- */

/* {"key":{"type":T,"data":{..}},"value":{"version":V,"data":{..}}} of records of the types from..until; others are read all the same. */
static bool write_json(struct internal_records *records, const struct consumer_record *record, enum record_family family, int16_t from, int16_t until,
                       struct text *out, struct trouble *trouble)
{
    struct coordinator_record found;
    enum coordinator_reading reading;

    if (!record->key.data)
        return true;
    reading = coordinator_record_read(records, family, record->key, record->value, &found, trouble);
    if (reading == COORDINATOR_UNREADABLE) {
        char *message = mem_printf("Could not read record at offset %" PRId64 " due to: %s", record->offset, trouble->message);

        trouble_wrap(trouble, "java.lang.RuntimeException", message);
        mem_free(message);
        return false;
    }
    if (reading == COORDINATOR_UNKNOWN_TYPE || found.type < from || found.type > until)
        return true;
    text_printf(out, "{\"key\":{\"type\":%d,\"data\":", found.type);
    internal_json(records, found.key_message, found.key_message->last, found.key, out);
    text_add(out, "},\"value\":");
    if (found.value) {
        text_printf(out, "{\"version\":%d,\"data\":", found.version);
        internal_json(records, found.value_message, found.version, found.value, out);
        text_add(out, "}}");
    } else {
        text_add(out, "null}");
    }
    return true;
}

#define WRITER(name_, family_, from_, until_)                                                                                               \
    bool name_(struct call *call, struct internal_records *records, const struct consumer_record *record, struct text *out, struct trouble *trouble) \
    {                                                                                                                                       \
        (void)call;                                                                                                                         \
        return write_json(records, record, family_, from_, until_, out, trouble);                                                           \
    }
WRITER(console_offset, RECORDS_GROUP, KEY_OFFSET_OLD, KEY_OFFSET)
WRITER(console_group, RECORDS_GROUP, KEY_GROUP, KEY_GROUP)
WRITER(console_share_group, RECORDS_GROUP, 10, 15)
WRITER(console_transaction, RECORDS_TRANSACTION, 0, INT16_MAX)
WRITER(console_share_state, RECORDS_SHARE_STATE, 0, INT16_MAX)
