/* The bytes of __consumer_offsets. */
#include "sim/cluster/group_records.h"

enum { OLDEST_VALUE = 0, NEWEST_VALUE = 4, GROUP_VALUE_WRITTEN = 3, FLEXIBLE_VALUE = 4 };

static const struct field offset_key_fields[] = {
    FIELD(group_key, group, T_STRING, 0, NEWEST),
    FIELD(group_key, topic, T_STRING, 0, NEWEST),
    FIELD(group_key, partition, T_INT32, 0, NEWEST),
    { 0 },
};
const struct message offset_key_message = {
    .name = "OffsetCommitKey", .first = KEY_OFFSET_OLD, .last = KEY_OFFSET, .flexible_since = NEWEST,
    .fields = offset_key_fields, .size = sizeof(struct group_key),
};

static const struct field group_key_fields[] = {
    FIELD(group_key, group, T_STRING, 0, NEWEST),
    { 0 },
};
const struct message group_key_message = {
    .name = "GroupMetadataKey", .first = KEY_GROUP, .last = KEY_GROUP, .flexible_since = NEWEST,
    .fields = group_key_fields, .size = sizeof(struct group_key),
};

static const struct field offset_value_fields[] = {
    FIELD(offset_value, offset, T_INT64, 0, NEWEST),
    FIELD(offset_value, leader_epoch, T_INT32, 3, NEWEST, .preset = -1),
    FIELD(offset_value, metadata, T_STRING, 0, NEWEST),
    FIELD(offset_value, commit_timestamp, T_INT64, 0, NEWEST),
    FIELD(offset_value, expire_timestamp, T_INT64, 1, 1, .preset = -1),
    FIELD(offset_value, topic_id, T_UUID, 4, NEWEST, .tag = 0, .tag_since = 4),
    { 0 },
};
const struct message offset_value_message = {
    .name = "OffsetCommitValue", .first = OLDEST_VALUE, .last = NEWEST_VALUE, .flexible_since = FLEXIBLE_VALUE,
    .fields = offset_value_fields, .size = sizeof(struct offset_value),
};

static const struct field group_value_member_fields[] = {
    FIELD(group_value_member, member_id, T_STRING, 0, NEWEST),
    FIELD(group_value_member, group_instance_id, T_STRING, 3, NEWEST, .null_since = 3, .preset = PRESET_NULL),
    FIELD(group_value_member, client_id, T_STRING, 0, NEWEST),
    FIELD(group_value_member, client_host, T_STRING, 0, NEWEST),
    FIELD(group_value_member, rebalance_timeout, T_INT32, 1, NEWEST),
    FIELD(group_value_member, session_timeout, T_INT32, 0, NEWEST),
    FIELD(group_value_member, subscription, T_BYTES, 0, NEWEST),
    FIELD(group_value_member, assignment, T_BYTES, 0, NEWEST),
    { 0 },
};
static const struct field group_value_fields[] = {
    FIELD(group_value, protocol_type, T_STRING, 0, NEWEST),
    FIELD(group_value, generation, T_INT32, 0, NEWEST),
    FIELD(group_value, protocol, T_STRING, 0, NEWEST, .null_since = 0, .preset = PRESET_NULL),
    FIELD(group_value, leader, T_STRING, 0, NEWEST, .null_since = 0, .preset = PRESET_NULL),
    FIELD(group_value, current_state_timestamp, T_INT64, 2, NEWEST, .preset = -1),
    FIELD_STRUCTS(group_value, members, group_value_member, 0, NEWEST),
    { 0 },
};
const struct message group_value_message = {
    .name = "GroupMetadataValue", .first = OLDEST_VALUE, .last = NEWEST_VALUE, .flexible_since = FLEXIBLE_VALUE,
    .fields = group_value_fields, .size = sizeof(struct group_value),
};

static enum err read_version(struct reader *reader, int16_t *version, struct reason *reason)
{
    *version = reader_i16(reader);
    if (reader->failed)
        return err_because(ERR_INVALID_REQUEST, reason, "a record without a version");
    return ERR_OK;
}

enum err group_key_decode(struct bytes bytes, struct arena *arena, struct group_key *out, struct reason *reason)
{
    struct reader reader = reader_of(bytes);
    int16_t type;
    enum err err = read_version(&reader, &type, reason);

    *out = (struct group_key){ 0 };
    if (err)
        return err;
    if (type == KEY_OFFSET_OLD || type == KEY_OFFSET)
        err = fields_decode(&offset_key_message, type, &reader, arena, out, reason);
    else if (type == KEY_GROUP)
        err = fields_decode(&group_key_message, type, &reader, arena, out, reason);
    out->type = type;
    return err;
}

static enum err decode_value(const struct message *message, struct bytes bytes, struct arena *arena, void *out, struct reason *reason)
{
    struct reader reader = reader_of(bytes);
    int16_t version;
    enum err err = read_version(&reader, &version, reason);

    if (err)
        return err;
    if (version < message->first || version > message->last)
        return err_because(ERR_UNSUPPORTED_VERSION, reason, "%s of version %d", message->name, version);
    return fields_decode(message, version, &reader, arena, out, reason);
}

enum err offset_value_decode(struct bytes bytes, struct arena *arena, struct offset_value *out, struct reason *reason)
{
    return decode_value(&offset_value_message, bytes, arena, out, reason);
}

enum err group_value_decode(struct bytes bytes, struct arena *arena, struct group_value *out, struct reason *reason)
{
    return decode_value(&group_value_message, bytes, arena, out, reason);
}

static enum err encode(const struct message *message, int16_t version, const void *in, struct frame *out)
{
    buffer_i16(&out->bytes, version);
    return fields_encode(message, version, in, out, NULL);
}

enum err group_key_encode(const struct group_key *key, struct frame *out)
{
    return encode(key->type == KEY_GROUP ? &group_key_message : &offset_key_message, key->type, key, out);
}

enum err offset_value_encode(const struct offset_value *value, int16_t version, struct frame *out)
{
    return encode(&offset_value_message, version, value, out);
}

enum err group_value_encode(const struct group_value *value, struct frame *out)
{
    return encode(&group_value_message, GROUP_VALUE_WRITTEN, value, out);
}

/* ---- subscriptions and assignments: int16 version, then an array; what follows is of no interest here ---- */

static bool next_topic(struct reader *reader, struct bytes *topic)
{
    int16_t size = reader_i16(reader);

    if (size < 0)
        reader->failed = true;
    *topic = reader_bytes(reader, size < 0 ? 0 : (size_t)size);
    return !reader->failed;
}

int consumer_subscribes(struct bytes subscription, const char *topic)
{
    struct reader reader = reader_of(subscription);
    struct bytes name;
    int32_t count;
    int found = 0;

    reader_i16(&reader);
    count = reader_i32(&reader);
    for (; count > 0 && next_topic(&reader, &name); count--)
        found |= bytes_equal(name, bytes_text(topic));
    return reader.failed ? -1 : found;
}

void consumer_subscription_text(struct bytes subscription, struct text *out)
{
    struct reader reader = reader_of(subscription);
    const char *between = "";
    struct bytes name;
    int32_t count;

    reader_i16(&reader);
    count = reader_i32(&reader);
    for (; count > 0 && next_topic(&reader, &name); count--) {
        text_add(out, between);
        text_escaped(out, name);
        between = ", ";
    }
}

/* Calls `fn` for each partition until it says true; false: it never did. */
static bool each_assigned(struct bytes assignment, bool (*fn)(void *context, struct bytes topic, int32_t partition), void *context)
{
    struct reader reader = reader_of(assignment);
    struct bytes name;
    int32_t topics, partitions;

    reader_i16(&reader);
    topics = reader_i32(&reader);
    for (; topics > 0 && next_topic(&reader, &name); topics--) {
        partitions = reader_i32(&reader);
        for (; partitions > 0; partitions--) {
            int32_t partition = reader_i32(&reader);

            if (reader.failed)
                return false;
            if (fn(context, name, partition))
                return true;
        }
    }
    return false;
}

struct assigned_text { struct text *out; const char *between; };

static bool add_assigned(void *context, struct bytes topic, int32_t partition)
{
    struct assigned_text *to = context;

    text_add(to->out, to->between);
    text_escaped(to->out, topic);
    text_printf(to->out, "-%d", partition);
    to->between = ", ";
    return false;
}

void consumer_assignment_text(struct bytes assignment, struct text *out)
{
    each_assigned(assignment, add_assigned, &(struct assigned_text){ out, "" });
}

struct assigned_one { struct bytes topic; int32_t partition; };

static bool is_assigned(void *context, struct bytes topic, int32_t partition)
{
    const struct assigned_one *wanted = context;

    return partition == wanted->partition && bytes_equal(topic, wanted->topic);
}

bool consumer_assigned(struct bytes assignment, const char *topic, int32_t partition)
{
    return each_assigned(assignment, is_assigned, &(struct assigned_one){ bytes_text(topic), partition });
}
