/* The requests of members: JoinGroup, SyncGroup, Heartbeat, LeaveGroup. Each check in Kafka's order. */
#include "sim/cluster/group_internal.h"

#include <string.h>

static const char *given(const char *text)
{
    return text ? text : "";
}

/* What a client is told when the group's record could not be written. */
static enum err store_error(const struct groups *groups, enum err err)
{
    switch ((int)err) {
    case ERR_UNKNOWN_TOPIC_OR_PARTITION:
    case ERR_NOT_ENOUGH_REPLICAS:
    case ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND:
        return ERR_COORDINATOR_NOT_AVAILABLE;
    case ERR_REQUEST_TIMED_OUT:
        return groups_27(groups) ? ERR_REBALANCE_IN_PROGRESS : ERR_COORDINATOR_NOT_AVAILABLE;
    case ERR_NOT_LEADER_OR_FOLLOWER:
    case ERR_KAFKA_STORAGE_ERROR:
        return ERR_NOT_COORDINATOR;
    case ERR_MESSAGE_TOO_LARGE:
    case ERR_RECORD_LIST_TOO_LARGE:
    case ERR_INVALID_FETCH_SIZE:
        return ERR_UNKNOWN_SERVER_ERROR;
    default:
        return err;
    }
}

/* Is `member_id` a member, and the one that its instance id stands for? */
static enum err check_member(const struct group *group, const char *member_id, const char *instance_id, struct member **member)
{
    *member = NULL;
    if (instance_id) {
        struct member *standing = group_static_member(group, instance_id);

        if (!standing)
            return ERR_UNKNOWN_MEMBER_ID;
        if (!text_equal(standing->id, member_id))
            return ERR_FENCED_INSTANCE_ID;
    }
    *member = group_member(group, member_id);
    return *member ? ERR_OK : ERR_UNKNOWN_MEMBER_ID;
}

/* ---- JoinGroup ---- */

static char *new_member_id(struct groups *groups, const struct group_join *join)
{
    struct random *random = cluster_random(groups->cluster);
    struct uuid uuid;
    char dashed[37];

    for (int i = 0; i < 2; i++) {
        uint64_t bits = random_u64(random);

        memcpy(uuid.bytes + 8 * i, &bits, sizeof(bits));
    }
    uuid.bytes[6] = (uint8_t)((uuid.bytes[6] & 0x0f) | 0x40);
    uuid.bytes[8] = (uint8_t)((uuid.bytes[8] & 0x3f) | 0x80);
    uuid_dashed(uuid, dashed);
    return mem_printf("%s-%s", join->instance_id ? join->instance_id : given(join->client_id), dashed);
}

static bool has_room(const struct group *group, const char *member_id)
{
    int64_t most = groups_config(group->groups, "group.max.size");
    const struct member *member = group_member(group, member_id);

    switch (group->state) {
    case GROUP_PREPARING_REBALANCE:
        return (member && member->awaiting_join) || group->awaiting_join_count < most;
    case GROUP_COMPLETING_REBALANCE:
    case GROUP_STABLE:
        return member || group->member_count < most;
    default:
        return true;
    }
}

static void park_join(struct member *member, const struct group_join *join, struct group_call *call)
{
    if (!member->awaiting_join)
        member->group->awaiting_join_count++;
    member->awaiting_join = true;
    call_take(&member->join_call);
    call_park(&member->join_call, call);
    member->skips_assignment = join->supports_skip_assignment;
    member->timers = join->timers ? join->timers : &member->group->groups->timers;
    member->session_timeout_ms = join->session_timeout_ms;
    member->rebalance_timeout_ms = join->rebalance_timeout_ms;
    member_set_protocols(member, join->protocols, join->protocol_count);
    member_restart_session(member);
}

static void add_member(struct group *group, const struct group_join *join, const char *member_id, struct group_call *call)
{
    struct pending_member *pending = group_pending(group, member_id);
    struct member *member;

    if (pending)
        group_remove_pending(group, pending);
    if (group->state == GROUP_EMPTY || !group->protocol_type) {
        mem_free(group->protocol_type);
        group->protocol_type = mem_text(join->protocol_type);
    }
    if (group->state == GROUP_PREPARING_REBALANCE && group->generation == 0)
        group->new_member_added = true;
    member = group_add_member(group, member_id, join->instance_id, join->client_id, join->client_host);
    member->is_new = true;
    park_join(member, join, call);
    group_note(group,
               ENTRY(EVENT_member_joined, .fact_count = 5,
                     .facts = { { "member", 0, member_id }, { "client_id", 0, member->client_id },
                                { "client_host", 0, member->client_host },
                                { "session_timeout_ms", member->session_timeout_ms, NULL },
                                { "rebalance_timeout_ms", member->rebalance_timeout_ms, NULL } }),
               "%s joined %s%s", member_id, group->name, join->instance_id ? " as a static member" : "");
    group_maybe_prepare_rebalance(group, "a member joined", member_id);
}

static void update_member(struct member *member, const struct group_join *join, struct group_call *call, const char *rule)
{
    park_join(member, join, call);
    group_maybe_prepare_rebalance(member->group, rule, member->id);
}

/* ---- a static member comes back under a new id ---- */

static void static_stored(struct group_write *write, enum err err)
{
    struct group *group = write->group;
    struct member *member = group ? group_member(group, write->member_id) : NULL;
    bool leads;

    if (!member || !member->awaiting_join || group->state != GROUP_STABLE)
        return;              /* it left again, or waits for a rebalance that began meanwhile */
    member->awaiting_join = false;
    group->awaiting_join_count--;
    if (err) {
        group_join_error(group->groups, call_take(&member->join_call), store_error(group->groups, err), "");
        member_restart_session(member);
        return;
    }
    leads = text_equal(group->leader, member->id);
    if (member->skips_assignment)
        group_joined_answer(member, call_take(&member->join_call), group->leader, leads, leads);
    else  /* under the old leader's id it will not think that it has to assign */
        group_joined_answer(member, call_take(&member->join_call), write->assignments[0].member_id, false, false);
    member_restart_session(member);
}

static void fence(struct member *member)
{
    struct group *group = member->group;

    if (member->join_call)
        group_join_error(group->groups, call_take(&member->join_call), ERR_FENCED_INSTANCE_ID, member->id);
    if (member->awaiting_sync)
        groups_answer(group->groups, call_take(&member->sync_call), ANSWER_SYNCED)->err = ERR_FENCED_INSTANCE_ID;
    member->awaiting_sync = false;
}

static void replace_static(struct member *member, const struct group_join *join, const char *new_id, struct group_call *call)
{
    struct group *group = member->group;
    char *old_leader = mem_text(group->leader);
    struct group_write *write;

    fence(member);
    if (text_equal(group->leader, member->id)) {
        mem_free(group->leader);
        group->leader = mem_text(new_id);
    }
    group_note(group,
               ENTRY(EVENT_member_joined, .rule = "group.instance.id", .fact_count = 3,
                     .facts = { { "member", 0, new_id }, { "before", 0, member->id }, { "instance", 0, member->instance_id } }),
               "%s came back to %s as %s", member->instance_id, group->name, new_id);
    mem_free(member->id);
    member->id = mem_text(new_id);
    park_join(member, join, call);
    if (group->state == GROUP_STABLE && text_equal(group->protocol, group_choose_protocol(group))) {
        write = write_new(group, static_stored);
        write->member_id = arena_printf(&write->arena, "%s", new_id);
        write->assignments = arena_alloc(&write->arena, sizeof(*write->assignments));
        write->assignments[0].member_id = arena_printf(&write->arena, "%s", old_leader ? old_leader : "");
        write_group(write, false, NULL, 0);
        write_send(write);
    } else if (group->state == GROUP_STABLE || group->state == GROUP_COMPLETING_REBALANCE) {
        group_prepare_rebalance(group, "a static member came back", member->id);
    } else {
        group_maybe_complete_join(group);
    }
    mem_free(old_leader);
}

/* ---- who joins ---- */

static void join_new(struct group *group, const struct group_join *join, struct group_call *call)
{
    struct groups *groups = group->groups;
    struct member *standing = group_static_member(group, join->instance_id);
    char *id;

    if (!group_supports(group, join->protocol_type, join->protocols, join->protocol_count)) {
        group_join_error(groups, call, ERR_INCONSISTENT_GROUP_PROTOCOL, "");
        return;
    }
    id = new_member_id(groups, join);
    if (standing) {
        replace_static(standing, join, id, call);
    } else if (join->needs_member_id && !join->instance_id) {
        group_add_pending(group, id, join->timers ? join->timers : &groups->timers, join->session_timeout_ms);
        group_join_error(groups, call, ERR_MEMBER_ID_REQUIRED, id);
    } else {
        add_member(group, join, id, call);
    }
    mem_free(id);
}

static void rejoin(struct member *member, const struct group_join *join, struct group_call *call)
{
    struct group *group = member->group;
    bool same = member_matches(member, join->protocols, join->protocol_count);
    bool leads = text_equal(group->leader, member->id);

    switch (group->state) {
    case GROUP_PREPARING_REBALANCE:
        update_member(member, join, call, "a member rejoined");
        break;
    case GROUP_COMPLETING_REBALANCE: /* perhaps it never got its answer */
        if (same)
            group_joined_answer(member, call, group->leader, false, leads);
        else
            update_member(member, join, call, "a member changed its subscription");
        break;
    case GROUP_STABLE:
        if (leads || !same)
            update_member(member, join, call, leads ? "the leader rejoined" : "a member changed its subscription");
        else
            group_joined_answer(member, call, group->leader, false, false);
        break;
    default:
        group_join_error(group->groups, call, ERR_UNKNOWN_MEMBER_ID, member->id);
    }
}

static void join_known(struct group *group, const struct group_join *join, struct group_call *call)
{
    struct member *member;
    enum err err;

    if (!group_supports(group, join->protocol_type, join->protocols, join->protocol_count)) {
        group_join_error(group->groups, call, ERR_INCONSISTENT_GROUP_PROTOCOL, join->member_id);
    } else if (group_pending(group, join->member_id) && !join->instance_id) {
        add_member(group, join, join->member_id, call);
    } else {
        err = check_member(group, join->member_id, join->instance_id, &member);
        if (err)
            group_join_error(group->groups, call, err, join->member_id);
        else
            rejoin(member, join, call);
    }
}

/* A group that nobody knew. 4.3 writes it down at once, 2.7 with its first assignment. */
static enum err create(struct groups *groups, struct group_home *home, const struct group_join *join, struct group **out)
{
    struct group *group = groups_add(groups, home, join->group);
    struct group_write *write;
    enum err err = ERR_OK;

    *out = group;
    if (!groups_27(groups)) {
        write = write_new(group, NULL);
        write_group(write, true, NULL, 0);
        err = write_send(write);
        if (err) {
            groups_remove(group);
            return store_error(groups, err);
        }
    }
    group_note(group, ENTRY(EVENT_group_created, .topic = OFFSETS_TOPIC, .partition = home->partition, .rule = "JoinGroup", .fact_count = 1,
                            .facts = { { "hash", group_hash(group->name), NULL } }),
               "%s is new: coordinated by broker %d, which leads %s-%d", group->name, groups->broker->id, OFFSETS_TOPIC, home->partition);
    group_note_expiry(group);
    return ERR_OK;
}

static enum err check_join(const struct groups *groups, const struct group_join *join, struct group_home **home)
{
    enum err err = groups_check(groups, join->group, false, home);

    if (err)
        return err;
    if (join->session_timeout_ms < groups_config(groups, "group.min.session.timeout.ms") ||
        join->session_timeout_ms > groups_config(groups, "group.max.session.timeout.ms"))
        return ERR_INVALID_SESSION_TIMEOUT;
    if (strlen(given(join->instance_id)) > INT16_MAX / 2 || strlen(given(join->protocol_type)) > INT16_MAX)
        return ERR_INVALID_REQUEST;
    for (int32_t i = 0; i < join->protocol_count; i++)
        if (strlen(given(join->protocols[i].name)) > INT16_MAX)
            return ERR_INVALID_REQUEST;
    return ERR_OK;
}

void group_join(struct broker *broker, const struct group_join *join, struct group_call *call)
{
    struct groups *groups = broker_groups(broker);
    const char *member_id = given(join->member_id);
    struct group_home *home;
    struct group *group = NULL;
    enum err err;

    if (!groups) {           /* the broker is going down */
        call->joined(call->context, &(struct group_joined){ .err = ERR_COORDINATOR_NOT_AVAILABLE, .generation = -1, .leader = "",
                                                            .member_id = member_id });
        return;
    }
    groups_enter(groups);
    err = check_join(groups, join, &home);
    if (!err)
        err = cluster_refuse_change(groups->cluster, NULL);
    if (!err) {
        group = groups_find(groups, join->group);
        if (!group && *member_id)
            err = ERR_UNKNOWN_MEMBER_ID;
        else if (!group)
            err = create(groups, home, join, &group);
    }
    if (err) {
        group_join_error(groups, call, err, member_id);
    } else if (!has_room(group, member_id)) {
        struct member *member = group_member(group, member_id);

        if (member)
            group_remove_member(group, member, ERR_UNKNOWN_MEMBER_ID);
        group_join_error(groups, call, ERR_GROUP_MAX_SIZE_REACHED, "");
    } else if (*member_id) {
        join_known(group, join, call);
    } else {
        join_new(group, join, call);
    }
    groups_leave(groups);
}

/* ---- SyncGroup ---- */

static void sync_error(struct groups *groups, struct group_call *call, enum err err)
{
    groups_answer(groups, call, ANSWER_SYNCED)->err = err;
}

static void note_assigned(const struct group *group)
{
    struct text text = { 0 };

    for (const struct member *member = group->members; member; member = member->next) {
        text_printf(&text, "%s%s: ", member == group->members ? "" : "; ", member->id);
        if (text_equal(group->protocol_type, CONSUMER_PROTOCOL))
            consumer_assignment_text(owned_view(member->assignment), &text);
        else
            text_printf(&text, "%zu bytes", member->assignment.size);
    }
    group_note(group,
               ENTRY(EVENT_group_assigned, .rule = group->protocol, .fact_count = 3,
                     .facts = { { "generation", group->generation, NULL }, { "members", group->member_count, NULL },
                                { "leader", 0, group->leader } }),
               "%s generation %d, %s", group->name, group->generation, text_chars(&text));
    text_done(&text);
}

/* The leader's assignment stands in the log, or could not be written. */
static void assignment_stored(struct group_write *write, enum err err)
{
    struct group *group = write->group;

    if (!group || group->state != GROUP_COMPLETING_REBALANCE || group->generation != write->generation)
        return;
    for (struct member *member = group->members; member; member = member->next) {
        struct bytes bytes = { NULL, 0 };

        for (int32_t i = 0; !err && i < write->assignment_count; i++)
            if (text_equal(write->assignments[i].member_id, member->id))
                bytes = write->assignments[i].assignment;
        owned_set(&member->assignment, bytes);
    }
    if (err) {
        group_answer_syncs(group, store_error(group->groups, err));
        group_maybe_prepare_rebalance(group, "the assignment could not be written", "");
        return;
    }
    group_set_state(group, GROUP_STABLE);
    note_assigned(group);
    group_answer_syncs(group, ERR_OK);
    group_note_expiry(group);
}

static void store_assignment(struct group *group, const struct group_sync *sync)
{
    struct group_write *write = write_new(group, assignment_stored);
    struct arena *arena = &write->arena;

    write->assignments = arena_alloc(arena, (size_t)sync->assignment_count * sizeof(*write->assignments) + 1);
    for (int32_t i = 0; i < sync->assignment_count; i++) {
        const struct group_assignment *from = &sync->assignments[i];

        write->assignments[i] = (struct group_assignment){
            .member_id = arena_printf(arena, "%s", given(from->member_id)),
            .assignment = { (const uint8_t *)arena_text(arena, from->assignment.data ? (const char *)from->assignment.data : "",
                                                        from->assignment.size), from->assignment.size },
        };
    }
    write->assignment_count = sync->assignment_count;
    write_group(write, false, write->assignments, write->assignment_count);
    write_send(write);
}

static enum err check_sync(const struct group *group, const struct group_sync *sync, struct member **member)
{
    enum err err;

    if (!group || group->state == GROUP_EMPTY)
        return ERR_UNKNOWN_MEMBER_ID;
    err = check_member(group, sync->member_id, sync->instance_id, member);
    if (err)
        return err;
    if (sync->generation != group->generation)
        return ERR_ILLEGAL_GENERATION;
    if ((sync->protocol_type && !text_equal(sync->protocol_type, group->protocol_type)) ||
        (sync->protocol && !text_equal(sync->protocol, group->protocol)))
        return ERR_INCONSISTENT_GROUP_PROTOCOL;
    return group->state == GROUP_PREPARING_REBALANCE ? ERR_REBALANCE_IN_PROGRESS : ERR_OK;
}

void group_sync(struct broker *broker, const struct group_sync *sync, struct group_call *call)
{
    struct groups *groups = broker_groups(broker);
    struct group_home *home;
    struct member *member = NULL;
    struct group *group;
    enum err err;

    if (!groups) {
        call->synced(call->context, ERR_COORDINATOR_NOT_AVAILABLE, NULL, NULL, (struct bytes){ (const uint8_t *)"", 0 });
        return;
    }
    groups_enter(groups);
    err = groups_check(groups, sync->group, false, &home);
    group = err ? NULL : groups_find(groups, sync->group);
    if (err == ERR_COORDINATOR_LOAD_IN_PROGRESS)
        err = ERR_REBALANCE_IN_PROGRESS; /* the client then joins anew; its assignment would not have been kept anyhow */
    if (!err)
        err = check_sync(group, sync, &member);
    if (err) {
        sync_error(groups, call, err);
    } else {
        member->awaiting_sync = true;
        call_take(&member->sync_call);
        call_park(&member->sync_call, call);
        group_synced(member);
        if (group->state == GROUP_STABLE)
            group_answer_syncs(group, ERR_OK); /* nobody else waits in this state */
        else {
            member_restart_session(member);
            if (text_equal(group->leader, member->id))
                store_assignment(group, sync);
        }
    }
    groups_leave(groups);
}

/* ---- Heartbeat, LeaveGroup ---- */

enum err group_heartbeat(struct broker *broker, const char *name, const char *member_id, const char *instance_id, int32_t generation)
{
    struct groups *groups = broker_groups(broker);
    struct group_home *home;
    struct member *member;
    struct group *group;
    enum err err = groups_check(groups, name, false, &home);

    if (err)
        return err == ERR_COORDINATOR_LOAD_IN_PROGRESS ? ERR_OK : err;
    group = groups_find(groups, name);
    if (!group || group->state == GROUP_EMPTY)
        return ERR_UNKNOWN_MEMBER_ID;
    err = check_member(group, member_id, instance_id, &member);
    if (err)
        return err;
    if (generation != group->generation)
        return ERR_ILLEGAL_GENERATION;
    member_restart_session(member);
    return group->state == GROUP_PREPARING_REBALANCE ? ERR_REBALANCE_IN_PROGRESS : ERR_OK;
}

static void remove_leaver(struct member *member, const char *reason)
{
    struct group *group = member->group;
    char *id = mem_text(member->id);

    group_note(group,
               ENTRY(EVENT_member_left, .rule = "LeaveGroup", .fact_count = 3,
                     .facts = { { "member", 0, id }, { "generation", group->generation, NULL }, { "reason", 0, given(reason) } }),
               "%s left %s%s%s", id, group->name, reason && *reason ? ": " : "", given(reason));
    group_remove_member(group, member, ERR_UNKNOWN_MEMBER_ID);
    group_member_gone(group, "a member left", id);
    mem_free(id);
}

static enum err leave(struct group *group, const char *member_id, const char *instance_id, const char *reason)
{
    struct pending_member *pending = group_pending(group, member_id);
    struct member *member;
    enum err err;

    if (instance_id && !*member_id) {
        member = group_static_member(group, instance_id);
        err = member ? ERR_OK : ERR_UNKNOWN_MEMBER_ID;
    } else if (pending && !instance_id) {
        group_remove_pending(group, pending);
        group_maybe_complete_join(group);
        return ERR_OK;
    } else {
        err = check_member(group, member_id, instance_id, &member);
    }
    if (!err)
        remove_leaver(member, reason);
    return err;
}

enum err group_leave(struct broker *broker, const char *name, const char *member_id, const char *instance_id, const char *reason)
{
    struct groups *groups = broker_groups(broker);
    struct group_home *home;
    struct group *group;
    enum err err = groups_check(groups, name, false, &home);

    if (err)
        return err;
    groups_enter(groups);
    group = groups_find(groups, name);
    err = group ? leave(group, given(member_id), instance_id, reason) : ERR_UNKNOWN_MEMBER_ID;
    groups_leave(groups);
    return err;
}
