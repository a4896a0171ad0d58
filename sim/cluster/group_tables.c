/* The tables groups, members and offsets: what the coordinators of all brokers know. Looking changes nothing. */
#include "sim/cluster/group_internal.h"

struct cursor {
    struct cluster *cluster;
    size_t broker;
    struct group *group;
    struct member *member;
    size_t offset;
    bool begun;
    struct text text;
};

static void *open_cursor(void *context, const struct constraint *constraints, size_t count)
{
    struct cursor *cursor = mem_zero(sizeof(*cursor));

    (void)constraints, (void)count;
    cursor->cluster = context;
    return cursor;
}

static void close_cursor(void *context)
{
    struct cursor *cursor = context;

    text_done(&cursor->text);
    mem_free(cursor);
}

static bool next_group(struct cursor *cursor)
{
    if (cursor->group) {
        cursor->group = cursor->group->next;
    } else if (!cursor->begun) {
        struct groups *groups = cluster_broker_count(cursor->cluster) ? broker_groups(cluster_broker_at(cursor->cluster, 0)) : NULL;

        cursor->group = groups ? groups->first : NULL;
    }
    cursor->begun = true;
    while (!cursor->group && cursor->broker + 1 < cluster_broker_count(cursor->cluster)) {
        struct groups *groups = broker_groups(cluster_broker_at(cursor->cluster, ++cursor->broker));

        cursor->group = groups ? groups->first : NULL;
    }
    return cursor->group != NULL;
}

static bool next_group_row(void *context)
{
    return next_group(context);
}

static bool next_member_row(void *context)
{
    struct cursor *cursor = context;

    if (cursor->member)
        cursor->member = cursor->member->next;
    while (!cursor->member && next_group(cursor))
        cursor->member = cursor->group->members;
    return cursor->member != NULL;
}

static bool next_offset_row(void *context)
{
    struct cursor *cursor = context;

    cursor->offset++;
    while (!cursor->group || cursor->offset >= cursor->group->offset_count) {
        if (!next_group(cursor))
            return false;
        cursor->offset = 0;
        if (cursor->group->offset_count > 0)
            break;
    }
    return true;
}

/* ---- groups ---- */

static int64_t group_next_expiry_ms(const struct group *group)
{
    int64_t soonest_ms = INT64_MAX, at_us;

    if (group->state == GROUP_EMPTY && group->offset_count == 0)
        soonest_ms = groups_now_ms(group->groups);
    for (size_t i = 0; i < group->offset_count; i++) {
        int64_t since_ms, due_ms = group_offset_expires_ms(group, &group->offsets[i], &since_ms);

        if (due_ms < soonest_ms)
            soonest_ms = due_ms;
    }
    at_us = groups_next_tick_us(group->groups, group->home, soonest_ms);
    return at_us == INT64_MAX ? -1 : at_us / 1000;
}

enum { G_GROUP, G_STATE, G_TYPE, G_PROTOCOL, G_GENERATION, G_MEMBERS, G_OFFSETS, G_LEADER, G_COORDINATOR, G_PARTITION, G_SINCE, G_EXPIRY };
static const struct column group_columns[] = {
    { "group", VALUE_TEXT, "group id" },
    { "state", VALUE_TEXT, "Empty, PreparingRebalance, CompletingRebalance, Stable" },
    { "protocol_type", VALUE_TEXT, "consumer for groups of consumers; empty for one that only holds offsets" },
    { "protocol", VALUE_TEXT, "the assignor that its members agreed on" },
    { "generation", VALUE_INT, "goes up with each rebalance" },
    { "members", VALUE_INT, "how many" },
    { "offsets", VALUE_INT, "how many partitions it has committed offsets of" },
    { "leader", VALUE_TEXT, "the member that assigns" },
    { "coordinator", VALUE_INT, "broker that leads its partition of __consumer_offsets" },
    { "partition", VALUE_INT, "that partition: hash of the group id modulo their number" },
    { "state_since_ms", VALUE_INT, "when it came into this state" },
    { "next_expiry_ms", VALUE_INT, "the check at which it loses offsets, or goes, if nothing happens; NULL: none" },
    { 0 },
};

static struct value group_get(void *context, int column)
{
    const struct group *group = ((struct cursor *)context)->group;
    int64_t expiry_ms;

    switch (column) {
    case G_GROUP: return value_text(group->name);
    case G_STATE: return value_text(group_state_name(group->state));
    case G_TYPE: return value_text(group->protocol_type ? group->protocol_type : "");
    case G_PROTOCOL: return value_text(group->protocol ? group->protocol : "");
    case G_GENERATION: return value_int(group->generation);
    case G_MEMBERS: return value_int(group->member_count);
    case G_OFFSETS: return value_int((int64_t)group->offset_count);
    case G_LEADER: return value_text(group->leader);
    case G_COORDINATOR: return value_int(group->groups->broker->id);
    case G_PARTITION: return value_int(group->home->partition);
    case G_SINCE: return value_int(group->state_since_ms);
    default:
        expiry_ms = group_next_expiry_ms(group);
        return expiry_ms < 0 ? value_null() : value_int(expiry_ms);
    }
}

/* ---- members ---- */

enum {
    M_GROUP, M_MEMBER, M_INSTANCE, M_CLIENT, M_HOST, M_SUBSCRIPTION, M_ASSIGNMENT, M_LEADER, M_SESSION, M_LEFT, M_REBALANCE,
    M_CLOCK, M_WAITS,
};
static const struct column member_columns[] = {
    { "group", VALUE_TEXT, "group id" },
    { "member", VALUE_TEXT, "member id, given by the coordinator" },
    { "instance_id", VALUE_TEXT, "group.instance.id of a static member" },
    { "client_id", VALUE_TEXT, "client.id" },
    { "client_host", VALUE_TEXT, "where it connects from" },
    { "subscription", VALUE_TEXT, "topics" },
    { "assignment", VALUE_TEXT, "partitions" },
    { "leader", VALUE_INT, "1: assigns for all" },
    { "session_timeout_ms", VALUE_INT, "session.timeout.ms" },
    { "session_left_ms", VALUE_INT, "until it is removed if it stays silent; NULL: the coordinator has its request" },
    { "rebalance_timeout_ms", VALUE_INT, "max.poll.interval.ms: how long a rebalance waits for it" },
    { "clock", VALUE_TEXT, "whose time its session runs in: virtual, wall; NULL: read from disk, not heard of yet" },
    { "waits", VALUE_TEXT, "join or sync: its request is kept until the others are there" },
    { 0 },
};

static struct value member_text(struct cursor *cursor, struct bytes bytes, void (*as_text)(struct bytes, struct text *))
{
    text_clear(&cursor->text);
    if (text_equal(cursor->group->protocol_type, CONSUMER_PROTOCOL))
        as_text(bytes, &cursor->text);
    return value_text(text_chars(&cursor->text));
}

static struct value member_get(void *context, int column)
{
    struct cursor *cursor = context;
    const struct member *member = cursor->member;

    switch (column) {
    case M_GROUP: return value_text(member->group->name);
    case M_MEMBER: return value_text(member->id);
    case M_INSTANCE: return value_text(member->instance_id);
    case M_CLIENT: return value_text(member->client_id);
    case M_HOST: return value_text(member->client_host);
    case M_SUBSCRIPTION: return member_text(cursor, member_metadata(member, member->group->protocol), consumer_subscription_text);
    case M_ASSIGNMENT: return member_text(cursor, owned_view(member->assignment), consumer_assignment_text);
    case M_LEADER: return value_int(text_equal(member->group->leader, member->id));
    case M_SESSION: return value_int(member->session_timeout_ms);
    case M_LEFT: return timer_armed(&member->session) ? value_int(timer_left_us(&member->session) / 1000) : value_null();
    case M_REBALANCE: return value_int(member->rebalance_timeout_ms);
    case M_CLOCK: return value_text(!member->timers ? NULL : member->timers->wall ? "wall" : "virtual");
    default: return value_text(member->awaiting_join ? "join" : member->awaiting_sync ? "sync" : NULL);
    }
}

/* ---- offsets ---- */

enum {
    O_GROUP, O_TOPIC, O_PARTITION, O_COMMITTED, O_START, O_END, O_LAG, O_DELETED, O_READABLE, O_MEMBER, O_EPOCH, O_METADATA,
    O_COMMIT, O_EXPIRES,
};
static const struct column offset_columns[] = {
    { "group", VALUE_TEXT, "group id" },
    { "topic", VALUE_TEXT, "topic" },
    { "partition", VALUE_INT, "partition" },
    { "committed", VALUE_INT, "the offset that the group reads next" },
    { "log_start_offset", VALUE_INT, "first offset that can be read" },
    { "log_end_offset", VALUE_INT, "where reading ends: the leader's high watermark, LOG-END-OFFSET of kafka-consumer-groups" },
    { "lag", VALUE_INT, "log_end_offset - committed" },
    { "deleted", VALUE_INT, "the part of the lag that retention took: it can't be read any more" },
    { "readable", VALUE_INT, "the part that can" },
    { "member", VALUE_TEXT, "the member that has the partition; NULL: none" },
    { "leader_epoch", VALUE_INT, "of the last record read; -1: not said" },
    { "metadata", VALUE_TEXT, "what the client wrote beside it" },
    { "commit_ms", VALUE_INT, "when it was committed" },
    { "expires_ms", VALUE_INT, "when retention may forget it, if the group stays as it is; NULL: not as it is" },
    { 0 },
};

static struct log *leaders_log(struct cluster *cluster, const char *topic, int32_t number)
{
    const struct image_partition *image = image_partition(cluster_image(cluster), topic, number);
    struct broker *broker = image ? cluster_broker(cluster, image->leader) : NULL;
    struct partition *partition = broker ? broker_partition(broker, topic, number) : NULL;

    return partition ? partition_log(partition) : NULL;
}

static struct value lag_column(struct cursor *cursor, const struct committed *offset, int column)
{
    struct log *log = leaders_log(cursor->cluster, offset->topic, offset->partition);
    int64_t start, end, lag, deleted;

    if (!log)
        return value_null();
    start = log_start_offset(log);
    end = log_high_watermark(log);
    lag = end - offset->offset;
    deleted = start > offset->offset ? start - offset->offset : 0;
    if (deleted > lag)
        deleted = lag > 0 ? lag : 0;
    switch (column) {
    case O_START: return value_int(start);
    case O_END: return value_int(end);
    case O_LAG: return value_int(lag);
    case O_DELETED: return value_int(deleted);
    default: return value_int(lag - deleted);
    }
}

static struct value offset_get(void *context, int column)
{
    struct cursor *cursor = context;
    const struct committed *offset = &cursor->group->offsets[cursor->offset];
    int64_t since_ms, expires_ms;

    switch (column) {
    case O_GROUP: return value_text(cursor->group->name);
    case O_TOPIC: return value_text(offset->topic);
    case O_PARTITION: return value_int(offset->partition);
    case O_COMMITTED: return value_int(offset->offset);
    case O_MEMBER:
        for (const struct member *member = cursor->group->members; member; member = member->next)
            if (consumer_assigned(owned_view(member->assignment), offset->topic, offset->partition))
                return value_text(member->id);
        return value_null();
    case O_EPOCH: return value_int(offset->leader_epoch);
    case O_METADATA: return value_text(offset->metadata);
    case O_COMMIT: return value_int(offset->commit_ms);
    case O_EXPIRES:
        expires_ms = group_offset_expires_ms(cursor->group, offset, &since_ms);
        return expires_ms == INT64_MAX ? value_null() : value_int(expires_ms);
    default: return lag_column(cursor, offset, column);
    }
}

static const struct table groups_table = {
    .name = "groups", .doc = "consumer groups", .columns = group_columns, .open = open_cursor, .next = next_group_row, .get = group_get,
    .close = close_cursor,
};
static const struct table members_table = {
    .name = "members", .doc = "members of consumer groups", .columns = member_columns, .open = open_cursor, .next = next_member_row,
    .get = member_get, .close = close_cursor,
};
static const struct table offsets_table = {
    .name = "offsets", .doc = "committed offsets, with the lag and how much of it can still be read", .columns = offset_columns,
    .open = open_cursor, .next = next_offset_row, .get = offset_get, .close = close_cursor,
};

void groups_register_tables(struct cluster *cluster, struct tables *tables)
{
    tables_add(tables, &groups_table, cluster);
    tables_add(tables, &members_table, cluster);
    tables_add(tables, &offsets_table, cluster);
}
