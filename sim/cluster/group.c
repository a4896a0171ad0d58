/* A group: its members, its states, and how it goes from one generation to the next. The state machine of Kafka's classic
 * protocol (GroupCoordinator and GroupMetadata in 2.7, GroupMetadataManager and ClassicGroup in 4.3). */
#include "sim/cluster/group_internal.h"

#include <string.h>

enum { NEW_MEMBER_JOIN_MS = 5 * 60 * 1000 };

static void rebalance_due(void *context);
static void sync_due(void *context);
static void session_due(void *context);
static void pending_due(void *context);

/* A coordinator whose broker stands still notices what is over when it goes on. */
bool groups_sleep(struct groups *groups, struct timer *timer)
{
    if (!broker_frozen(groups->broker))
        return false;
    timer_put_off(&groups->timers, timer, groups->broker->id);
    return true;
}

const char *group_state_name(enum group_state state)
{
    static const char *const names[] = { "Empty", "PreparingRebalance", "CompletingRebalance", "Stable", "Dead" };

    return names[state];
}

void group_set_state(struct group *group, enum group_state state)
{
    group->previous_state = group->state;
    group->state = state;
    group->state_since_ms = groups_now_ms(group->groups);
}

/* ---- clocks ---- */

/* The clock of what concerns a group as a whole: wall time as soon as one member lives in it. */
static struct timers *group_timers(const struct group *group)
{
    for (const struct member *member = group->members; member; member = member->next)
        if (member->timers && member->timers->wall)
            return member->timers;
    return &group->groups->timers;
}

static void arm(struct timers *timers, struct timer *timer, void (*run)(void *), void *context, int64_t delay_ms)
{
    timer->run = run;
    timer->context = context;
    timer_arm(timers, timer, delay_ms * 1000);
}

static void retime(struct timer *timer, struct timers *to)
{
    int64_t left_us = timer_left_us(timer);

    timer_arm(to, timer, left_us > 0 ? left_us : 0);
}

void group_retime(struct group *group, struct timers *from, struct timers *to)
{
    for (struct member *member = group->members; member; member = member->next)
        if (member->timers == from) {
            member->timers = to;
            if (!to)
                timer_cancel(&member->session);
            else if (timer_armed(&member->session))
                retime(&member->session, to);
        }
    for (struct pending_member *pending = group->pending; pending; pending = pending->next)
        if (pending->timers == from) {
            pending->timers = to ? to : &group->groups->timers;
            retime(&pending->timer, pending->timers);
        }
    if (group->rebalance.timers == from)
        retime(&group->rebalance, to ? to : &group->groups->timers);
    if (group->sync.timers == from)
        retime(&group->sync, to ? to : &group->groups->timers);
}

/* A wall clock came to a group that was rebalancing in virtual time. */
static void follow_clock(struct group *group)
{
    struct timers *timers = group_timers(group);

    if (timer_armed(&group->rebalance) && timers->wall && !group->rebalance.timers->wall)
        retime(&group->rebalance, timers);
    if (timer_armed(&group->sync) && timers->wall && !group->sync.timers->wall)
        retime(&group->sync, timers);
}

void member_restart_session(struct member *member)
{
    if (!member->timers)
        return;
    if (member->is_new)
        arm(member->timers, &member->session, session_due, member, NEW_MEMBER_JOIN_MS);
    else if (member->awaiting_join || member->awaiting_sync)
        timer_cancel(&member->session);  /* whoever waits for us can't be late */
    else
        arm(member->timers, &member->session, session_due, member, member->session_timeout_ms);
}

void group_move_timers(struct broker *broker, const char *name, const char *member_id, struct timers *timers)
{
    struct groups *groups = broker_groups(broker);
    struct group *group = groups && name ? groups_find(groups, name) : NULL;
    struct member *member = group && member_id ? group_member(group, member_id) : NULL;

    if (!member || member->timers == timers)
        return;
    if (member->timers && timer_armed(&member->session)) {
        retime(&member->session, timers);
        member->timers = timers;
    } else {
        member->timers = timers;
        member_restart_session(member);
    }
    follow_clock(group);
}

static void advance_timer(struct timer *timer, int64_t us)
{
    if (timer_armed(timer) && timer->timers->wall) {
        struct timers *timers = timer->timers;
        int64_t left_us = timer_left_us(timer) - us;

        timer_arm(timers, timer, left_us > 0 ? left_us : 0);
    }
}

void group_advance_wall(struct cluster *cluster, int64_t us)
{
    for (size_t i = 0; i < cluster_broker_count(cluster); i++) {
        struct groups *groups = broker_groups(cluster_broker_at(cluster, i));

        for (struct group *group = groups ? groups->first : NULL; group; group = group->next) {
            for (struct member *member = group->members; member; member = member->next)
                advance_timer(&member->session, us);
            for (struct pending_member *pending = group->pending; pending; pending = pending->next)
                advance_timer(&pending->timer, us);
            advance_timer(&group->rebalance, us);
            advance_timer(&group->sync, us);
        }
    }
}

/* ---- members ---- */

struct member *group_member(const struct group *group, const char *member_id)
{
    struct member *member = group->members;

    while (member && !text_equal(member->id, member_id))
        member = member->next;
    return member;
}

struct member *group_static_member(const struct group *group, const char *instance_id)
{
    struct member *member = instance_id ? group->members : NULL;

    while (member && !text_equal(member->instance_id, instance_id))
        member = member->next;
    return member;
}

struct member *group_add_member(struct group *group, const char *id, const char *instance_id, const char *client_id,
                                const char *client_host)
{
    struct member *member = mem_zero(sizeof(*member));

    member->group = group;
    member->id = mem_text(id);
    member->instance_id = mem_text(instance_id);
    member->client_id = mem_text(client_id ? client_id : "");
    member->client_host = mem_text(client_host ? client_host : "");
    member->previous = group->last_member;
    *(group->last_member ? &group->last_member->next : &group->members) = member;
    group->last_member = member;
    group->member_count++;
    if (!group->leader)
        group->leader = mem_text(id);
    return member;
}

static void free_protocols(struct member *member)
{
    for (int32_t i = 0; i < member->protocol_count; i++) {
        mem_free(member->protocols[i].name);
        mem_free(member->protocols[i].metadata.data);
    }
    mem_free(member->protocols);
    member->protocols = NULL;
    member->protocol_count = 0;
}

void member_set_protocols(struct member *member, const struct group_protocol *protocols, int32_t count)
{
    struct member_protocol *copy = mem_zero_array((size_t)count + 1, sizeof(*copy));

    for (int32_t i = 0; i < count; i++) {
        copy[i].name = mem_text(protocols[i].name);
        owned_set(&copy[i].metadata, protocols[i].metadata);
    }
    free_protocols(member);
    member->protocols = copy;
    member->protocol_count = count;
}

bool member_matches(const struct member *member, const struct group_protocol *protocols, int32_t count)
{
    if (member->protocol_count != count)
        return false;
    for (int32_t i = 0; i < count; i++) {
        const struct member_protocol *own = &member->protocols[i];

        if (!text_equal(own->name, protocols[i].name) || own->metadata.size != protocols[i].metadata.size ||
            (own->metadata.size && memcmp(own->metadata.data, protocols[i].metadata.data, own->metadata.size) != 0))
            return false;
    }
    return true;
}

struct bytes member_metadata(const struct member *member, const char *protocol)
{
    for (int32_t i = 0; i < member->protocol_count; i++)
        if (text_equal(member->protocols[i].name, protocol))
            return owned_view(member->protocols[i].metadata);
    return (struct bytes){ (const uint8_t *)"", 0 };
}

/* Parked calls are answered: a join by UNKNOWN_MEMBER_ID, so that a client which still lives joins anew; ERR_OK: nobody is. */
void group_remove_member(struct group *group, struct member *member, enum err err)
{
    if (member->awaiting_join)
        group->awaiting_join_count--;
    if (err && member->join_call)
        group_join_error(group->groups, call_take(&member->join_call), err, "");
    if (err && member->sync_call)
        groups_answer(group->groups, call_take(&member->sync_call), ANSWER_SYNCED)->err = err;
    call_take(&member->join_call);
    call_take(&member->sync_call);
    timer_cancel(&member->session);
    *(member->previous ? &member->previous->next : &group->members) = member->next;
    *(member->next ? &member->next->previous : &group->last_member) = member->previous;
    group->member_count--;
    if (text_equal(group->leader, member->id)) {
        mem_free(group->leader);
        group->leader = group->members ? mem_text(group->members->id) : NULL;
    }
    free_protocols(member);
    mem_free(member->assignment.data);
    mem_free(member->id);
    mem_free(member->instance_id);
    mem_free(member->client_id);
    mem_free(member->client_host);
    mem_free(member);
}

struct pending_member *group_pending(const struct group *group, const char *member_id)
{
    struct pending_member *pending = group->pending;

    while (pending && !text_equal(pending->id, member_id))
        pending = pending->next;
    return pending;
}

void group_add_pending(struct group *group, const char *member_id, struct timers *timers, int32_t session_timeout_ms)
{
    struct pending_member *pending = mem_zero(sizeof(*pending));

    pending->group = group;
    pending->id = mem_text(member_id);
    pending->timers = timers;
    pending->next = group->pending;
    group->pending = pending;
    arm(timers, &pending->timer, pending_due, pending, session_timeout_ms);
}

void group_remove_pending(struct group *group, struct pending_member *pending)
{
    struct pending_member **slot = &group->pending;

    while (*slot != pending)
        slot = &(*slot)->next;
    *slot = pending->next;
    timer_cancel(&pending->timer);
    mem_free(pending->id);
    mem_free(pending);
}

static void pending_due(void *context)
{
    struct pending_member *pending = context;
    struct group *group = pending->group;
    struct groups *groups = group->groups;

    if (groups_sleep(groups, &pending->timer))
        return;
    groups_enter(groups);
    group_remove_pending(group, pending);
    group_maybe_complete_join(group);
    groups_leave(groups);
}

/* ---- protocols ---- */

static int32_t supporters(const struct group *group, const char *protocol)
{
    int32_t count = 0;

    for (const struct member *member = group->members; member; member = member->next)
        for (int32_t i = 0; i < member->protocol_count; i++)
            if (text_equal(member->protocols[i].name, protocol)) {
                count++;
                break;
            }
    return count;
}

bool group_supports(const struct group *group, const char *protocol_type, const struct group_protocol *protocols, int32_t count)
{
    if (group->state == GROUP_EMPTY)
        return protocol_type && *protocol_type && count > 0;
    if (!protocol_type || !text_equal(group->protocol_type, protocol_type))
        return false;
    for (int32_t i = 0; i < count; i++)
        if (supporters(group, protocols[i].name) == group->member_count)
            return true;
    return false;
}

static const char *vote(const struct group *group, const struct member *member)
{
    for (int32_t i = 0; i < member->protocol_count; i++)
        if (supporters(group, member->protocols[i].name) == group->member_count)
            return member->protocols[i].name;
    return NULL;
}

/* Each member votes for the first on its list that all know; the most votes win, the first seen of equals. */
const char *group_choose_protocol(const struct group *group)
{
    const char **votes = mem_zero_array((size_t)group->member_count + 1, sizeof(*votes));
    const char *best = NULL;
    int32_t count = 0, most = 0;

    for (const struct member *member = group->members; member; member = member->next)
        votes[count++] = vote(group, member);
    for (int32_t i = 0; i < count; i++) {
        int32_t same = 0;

        if (!votes[i] || text_equal(votes[i], best))
            continue;
        for (int32_t j = i; j < count; j++)
            same += text_equal(votes[j], votes[i]);
        if (same > most) {
            most = same;
            best = votes[i];
        }
    }
    mem_free(votes);
    return best;
}

/* ---- answers ---- */

void group_join_error(struct groups *groups, struct group_call *call, enum err err, const char *member_id)
{
    struct answer *answer = groups_answer(groups, call, ANSWER_JOINED);

    answer->joined = (struct group_joined){ .err = err, .generation = -1, .protocol = NULL, .leader = "",
                                            .member_id = arena_printf(&answer->arena, "%s", member_id) };
}

static const char *keep(struct arena *arena, const char *text)
{
    return text ? arena_text(arena, text, strlen(text)) : NULL;
}

static struct bytes keep_bytes(struct arena *arena, struct bytes bytes)
{
    return (struct bytes){ (const uint8_t *)arena_text(arena, (const char *)bytes.data, bytes.size), bytes.size };
}

void group_joined_answer(struct member *member, struct group_call *call, const char *leader, bool skip_assignment, bool with_members)
{
    struct group *group = member->group;
    struct answer *answer = groups_answer(group->groups, call, ANSWER_JOINED);
    struct arena *arena = &answer->arena;
    struct group_join_member *members = NULL;
    int32_t count = 0;

    if (with_members) {
        members = arena_alloc(arena, (size_t)group->member_count * sizeof(*members) + 1);
        for (const struct member *other = group->members; other; other = other->next)
            members[count++] = (struct group_join_member){ keep(arena, other->id), keep(arena, other->instance_id),
                                                           keep_bytes(arena, member_metadata(other, group->protocol)) };
    }
    answer->joined = (struct group_joined){
        .generation = group->generation, .protocol_type = keep(arena, group->protocol_type), .protocol = keep(arena, group->protocol),
        .leader = keep(arena, leader ? leader : ""), .member_id = keep(arena, member->id), .skip_assignment = skip_assignment,
        .members = members, .member_count = count,
    };
}

/* The generation as it is, to a parked or new join. */
static void group_answer_join(struct member *member)
{
    struct group *group = member->group;

    if (member->awaiting_join)
        group->awaiting_join_count--;
    member->awaiting_join = false;
    group_joined_answer(member, call_take(&member->join_call), group->leader, false, text_equal(group->leader, member->id));
}

/* All that wait for their assignment get it, or the error. */
void group_answer_syncs(struct group *group, enum err err)
{
    for (struct member *member = group->members; member; member = member->next) {
        struct answer *answer;

        if (!member->awaiting_sync)
            continue;
        member->awaiting_sync = false;
        answer = groups_answer(group->groups, call_take(&member->sync_call), ANSWER_SYNCED);
        answer->err = err;
        answer->assignment = keep_bytes(&answer->arena, owned_view(member->assignment));
        if (!err) {
            answer->protocol_type = keep(&answer->arena, group->protocol_type);
            answer->protocol = keep(&answer->arena, group->protocol);
        }
        member_restart_session(member);
    }
}

static void clear_assignments(struct group *group)
{
    for (struct member *member = group->members; member; member = member->next)
        owned_set(&member->assignment, (struct bytes){ NULL, 0 });
}

/* ---- rebalances ---- */

static int32_t rebalance_timeout_ms(const struct group *group)
{
    int32_t timeout_ms = 0;

    for (const struct member *member = group->members; member; member = member->next)
        if (member->rebalance_timeout_ms > timeout_ms)
            timeout_ms = member->rebalance_timeout_ms;
    return timeout_ms;
}

static bool all_joined(const struct group *group)
{
    return group->awaiting_join_count == group->member_count && !group->pending;
}

static void clear_pending_syncs(struct group *group)
{
    for (struct member *member = group->members; member; member = member->next)
        member->pending_sync = false;
    timer_cancel(&group->sync);
}

static void next_generation(struct group *group);

void group_prepare_rebalance(struct group *group, const char *rule, const char *member_id)
{
    struct groups *groups = group->groups;
    int32_t delay_ms = (int32_t)groups_config(groups, "group.initial.rebalance.delay.ms");
    int32_t timeout_ms = rebalance_timeout_ms(group);

    clear_pending_syncs(group);
    if (group->state == GROUP_COMPLETING_REBALANCE) {
        clear_assignments(group);
        group_answer_syncs(group, ERR_REBALANCE_IN_PROGRESS);
    }
    group->initial = group->state == GROUP_EMPTY;
    group_set_state(group, GROUP_PREPARING_REBALANCE);
    if (group->initial) {
        group->initial_delay_ms = delay_ms;
        group->initial_remaining_ms = timeout_ms > delay_ms ? timeout_ms - delay_ms : 0;
        group->new_member_added = false;
    }
    group_note(group,
               ENTRY(EVENT_group_rebalance, .rule = rule, .fact_count = 5,
                     .facts = { { "generation", group->generation, NULL }, { "members", group->member_count, NULL },
                                { "member", 0, member_id },
                                { group->initial ? "initial_delay_ms" : "rebalance_timeout_ms",
                                  group->initial ? delay_ms : timeout_ms, NULL },
                                { "waits_for", group->member_count - group->awaiting_join_count, NULL } }),
               "%s generation %d rebalances: %s%s%s", group->name, group->generation, rule, *member_id ? ", " : "", member_id);
    if (!group->initial && all_joined(group))
        next_generation(group);
    else
        arm(group_timers(group), &group->rebalance, rebalance_due, group, group->initial ? delay_ms : timeout_ms);
}

void group_maybe_prepare_rebalance(struct group *group, const char *rule, const char *member_id)
{
    follow_clock(group);
    if (group->state == GROUP_STABLE || group->state == GROUP_COMPLETING_REBALANCE || group->state == GROUP_EMPTY)
        group_prepare_rebalance(group, rule, member_id);
    else
        group_maybe_complete_join(group);
}

void group_maybe_complete_join(struct group *group)
{
    if (group->state == GROUP_PREPARING_REBALANCE && !group->initial && all_joined(group))
        next_generation(group);
}

static void rebalance_due(void *context)
{
    struct group *group = context;
    struct groups *groups = group->groups;

    if (groups_sleep(groups, &group->rebalance))
        return;
    groups_enter(groups);
    if (group->initial && group->new_member_added && group->initial_remaining_ms > 0) {
        int32_t delay_ms = (int32_t)groups_config(groups, "group.initial.rebalance.delay.ms");

        group->new_member_added = false;
        if (delay_ms > group->initial_remaining_ms)
            delay_ms = group->initial_remaining_ms;
        group->initial_remaining_ms -= group->initial_delay_ms;
        if (group->initial_remaining_ms < 0)
            group->initial_remaining_ms = 0;
        group->initial_delay_ms = delay_ms;
        arm(group_timers(group), &group->rebalance, rebalance_due, group, delay_ms);
    } else {
        next_generation(group);
    }
    groups_leave(groups);
}

static void note_left(const struct group *group, const char *member_id, const char *rule, int64_t timeout_ms)
{
    group_note(group,
               ENTRY(EVENT_member_left, .rule = rule, .fact_count = timeout_ms >= 0 ? 3 : 2,
                     .facts = { { "member", 0, member_id }, { "generation", group->generation, NULL },
                                { "timeout_ms", timeout_ms, NULL } }),
               "%s left %s: %s", member_id, group->name, rule);
}

/* A static member keeps its place until its session ends. */
static void remove_absent(struct group *group)
{
    int32_t timeout_ms = rebalance_timeout_ms(group);

    for (struct member *member = group->members, *next; member; member = next) {
        next = member->next;
        if (member->awaiting_join || member->instance_id)
            continue;
        note_left(group, member->id, "did not rejoin within the rebalance timeout (max.poll.interval.ms)", timeout_ms);
        group_remove_member(group, member, ERR_UNKNOWN_MEMBER_ID);
    }
}

/* The leader stays if it rejoined, else the first that did; false: nobody did. */
static bool elect_leader(struct group *group)
{
    struct member *member = group_member(group, group->leader);

    if (member && member->awaiting_join)
        return true;
    for (member = group->members; member && !member->awaiting_join; )
        member = member->next;
    if (!member)
        return false;
    mem_free(group->leader);
    group->leader = mem_text(member->id);
    return true;
}

static void write_empty(struct group *group)
{
    struct group_write *write = write_new(group, NULL);

    write_group(write, false, NULL, 0);
    write_send(write);   /* an error leaves the old generation in the log: its members will be missed after a reload */
}

static void become_empty(struct group *group)
{
    mem_free(group->protocol);
    mem_free(group->leader);
    group->protocol = group->leader = NULL;
    group_set_state(group, GROUP_EMPTY);
    group_note(group, ENTRY(EVENT_group_empty, .fact_count = 2,
                            .facts = { { "generation", group->generation, NULL }, { "offsets", (int64_t)group->offset_count, NULL } }),
               "%s is empty, generation %d", group->name, group->generation);
    write_empty(group);
    group_note_expiry(group);
}

static void begin_sync(struct group *group)
{
    const char *protocol = group_choose_protocol(group);
    bool is_27 = groups_27(group->groups);
    int64_t waited_ms = groups_now_ms(group->groups) - group->state_since_ms;

    mem_free(group->protocol);
    group->protocol = mem_text(protocol);
    group_set_state(group, GROUP_COMPLETING_REBALANCE);
    group_note(group,
               ENTRY(EVENT_group_generation, .fact_count = 5,
                     .facts = { { "generation", group->generation, NULL }, { "members", group->member_count, NULL },
                                { "protocol", 0, group->protocol ? group->protocol : "" }, { "leader", 0, group->leader },
                                { "waited_ms", waited_ms, NULL } }),
               "%s generation %d: %d member%s, %s assigns by %s", group->name, group->generation, group->member_count,
               group->member_count == 1 ? "" : "s", group->leader, group->protocol ? group->protocol : "no protocol");
    for (struct member *member = group->members; member; member = member->next) {
        member->is_new = false;
        if (member->awaiting_join)
            group_answer_join(member);
        member_restart_session(member);
        member->pending_sync = !is_27;
    }
    /* 4.3 waits no longer than this for a SyncGroup; 2.7 waits until the session ends. */
    if (!is_27)
        arm(group_timers(group), &group->sync, sync_due, group, rebalance_timeout_ms(group));
}

static void next_generation(struct group *group)
{
    timer_cancel(&group->rebalance);
    group->initial = false;
    remove_absent(group);
    if (!elect_leader(group) && group->members) {
        int32_t timeout_ms = rebalance_timeout_ms(group);

        /* a timeout of 0 from a client would come around for ever at one moment */
        arm(group_timers(group), &group->rebalance, rebalance_due, group, timeout_ms > 0 ? timeout_ms : 1);
        return;
    }
    group->generation++;
    if (group->members)
        begin_sync(group);
    else
        become_empty(group);
}

void group_synced(struct member *member)
{
    struct group *group = member->group;

    member->pending_sync = false;
    for (const struct member *other = group->members; other; other = other->next)
        if (other->pending_sync)
            return;
    timer_cancel(&group->sync);
}

static void sync_due(void *context)
{
    struct group *group = context;
    struct groups *groups = group->groups;
    int32_t timeout_ms = rebalance_timeout_ms(group);

    if (groups_sleep(groups, &group->sync))
        return;
    groups_enter(groups);
    for (struct member *member = group->members, *next; member; member = next) {
        next = member->next;
        if (!member->pending_sync)
            continue;
        note_left(group, member->id, "sent no SyncGroup within the rebalance timeout", timeout_ms);
        group_remove_member(group, member, ERR_UNKNOWN_MEMBER_ID);
    }
    group_prepare_rebalance(group, "a member did not sync", "");
    groups_leave(groups);
}

/* ---- leaving ---- */

void group_member_gone(struct group *group, const char *rule, const char *member_id)
{
    if (group->state == GROUP_STABLE || group->state == GROUP_COMPLETING_REBALANCE)
        group_prepare_rebalance(group, rule, member_id);
    else if (group->state == GROUP_PREPARING_REBALANCE)
        group_maybe_complete_join(group);
}

/* As if its session had ended now. */
static void member_expire(struct member *member, const char *rule)
{
    struct group *group = member->group;
    struct groups *groups = group->groups;
    char *id = mem_text(member->id);
    int64_t timeout_ms = member->is_new ? NEW_MEMBER_JOIN_MS : member->session_timeout_ms;

    groups_enter(groups);
    note_left(group, id, rule, timeout_ms);
    group_remove_member(group, member, ERR_UNKNOWN_MEMBER_ID);
    group_member_gone(group, rule, id);
    groups_leave(groups);
    mem_free(id);
}

static void session_due(void *context)
{
    struct member *member = context;

    if (groups_sleep(member->group->groups, &member->session))
        return;
    member_expire(member, member->is_new ? "its first join waited 5 minutes" : "session.timeout.ms");
}

enum err group_expire_member(struct cluster *cluster, const char *name, const char *member_id, struct reason *reason)
{
    for (size_t i = 0; i < cluster_broker_count(cluster); i++) {
        struct groups *groups = broker_groups(cluster_broker_at(cluster, i));
        struct group *group = groups ? groups_find(groups, name) : NULL;
        struct member *member = group ? group_member(group, member_id) : NULL;

        if (member) {
            member_expire(member, "group expire");
            return ERR_OK;
        }
        if (group)
            return err_because(ERR_UNKNOWN_MEMBER_ID, reason, "group %s has no member %s", name, member_id);
    }
    return err_because(ERR_GROUP_ID_NOT_FOUND, reason, "no group %s", name);
}

void group_unload(struct group *group, enum err err)
{
    while (group->members)
        group_remove_member(group, group->members, err);
    while (group->pending)
        group_remove_pending(group, group->pending);
    timer_cancel(&group->rebalance);
    timer_cancel(&group->sync);
    groups_remove(group);
}
