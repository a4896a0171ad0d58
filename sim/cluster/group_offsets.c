/* Committed offsets: commit, fetch, delete, expiry, and the end of groups. Kafka: GroupMetadataManager (2.7),
 * OffsetMetadataManager (4.3). Expiry is looked at each offsets.retention.check.interval.ms, but an event is only queued for
 * a check at which something may go. */
#include "sim/cluster/group_internal.h"

#include <stdlib.h>
#include <string.h>

enum { TOMBSTONES_A_WRITE = 2000 };

/* ---- the offsets of a group ---- */

static int compare(const struct committed *offset, const char *topic, int32_t partition)
{
    int order = strcmp(offset->topic, topic);

    return order ? order : (offset->partition > partition) - (offset->partition < partition);
}

/* The first that is not before (topic, partition). */
static size_t place_of(const struct group *group, const char *topic, int32_t partition)
{
    size_t low = 0, high = group->offset_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compare(&group->offsets[middle], topic, partition) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct committed *group_offset_find(const struct group *group, const char *topic, int32_t partition)
{
    size_t place = place_of(group, topic, partition);

    if (place < group->offset_count && compare(&group->offsets[place], topic, partition) == 0)
        return &group->offsets[place];
    return NULL;
}

void group_offset_set(struct group *group, const struct committed *value)
{
    struct committed *offset = group_offset_find(group, value->topic, value->partition);
    char *metadata = mem_text(value->metadata ? value->metadata : "");

    if (!offset) {
        size_t place = place_of(group, value->topic, value->partition);

        (void)ARRAY_ADD(group->offsets, group->offset_count, group->offset_capacity);
        offset = &group->offsets[place];
        memmove(offset + 1, offset, (group->offset_count - 1 - place) * sizeof(*offset));
        *offset = (struct committed){ .topic = mem_text(value->topic), .partition = value->partition };
    }
    mem_free(offset->metadata);
    offset->metadata = metadata;
    offset->leader_epoch = value->leader_epoch;
    offset->offset = value->offset;
    offset->commit_ms = value->commit_ms;
    offset->expire_ms = value->expire_ms;
}

static void free_offset(struct committed *offset)
{
    mem_free(offset->topic);
    mem_free(offset->metadata);
}

void group_offset_remove(struct group *group, const char *topic, int32_t partition)
{
    struct committed *offset = group_offset_find(group, topic, partition);
    size_t place;

    if (!offset)
        return;
    place = (size_t)(offset - group->offsets);
    free_offset(offset);
    group->offset_count--;
    memmove(offset, offset + 1, (group->offset_count - place) * sizeof(*offset));
}

void group_offsets_free(struct group *group)
{
    for (size_t i = 0; i < group->offset_count; i++)
        free_offset(&group->offsets[i]);
    mem_free(group->offsets);
    group->offsets = NULL;
    group->offset_count = group->offset_capacity = 0;
}

/* Is `topic` subscribed to by a member? 1, 0; -1: it can't be known. */
static int group_subscribes(const struct group *group, const char *topic)
{
    if (!text_equal(group->protocol_type, CONSUMER_PROTOCOL))
        return 0;
    for (const struct member *member = group->members; member; member = member->next) {
        int subscribes = consumer_subscribes(member_metadata(member, group->protocol), topic);

        if (subscribes)
            return subscribes;
    }
    return 0;
}

/* ---- commit ---- */

static enum err commit_error(const struct groups *groups, enum err err)
{
    switch ((int)err) {
    case ERR_REQUEST_TIMED_OUT:
        return groups_27(groups) ? err : ERR_COORDINATOR_NOT_AVAILABLE;
    case ERR_UNKNOWN_TOPIC_OR_PARTITION:
    case ERR_NOT_ENOUGH_REPLICAS:
    case ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND:
        return ERR_COORDINATOR_NOT_AVAILABLE;
    case ERR_NOT_LEADER_OR_FOLLOWER:
    case ERR_KAFKA_STORAGE_ERROR:
        return ERR_NOT_COORDINATOR;
    case ERR_MESSAGE_TOO_LARGE:
    case ERR_RECORD_LIST_TOO_LARGE:
    case ERR_INVALID_FETCH_SIZE:
        return ERR_INVALID_COMMIT_OFFSET_SIZE;
    default:
        return err;
    }
}

static enum err check_commit(const struct group *group, const struct group_commit *commit, struct member **member)
{
    const char *member_id = commit->member_id ? commit->member_id : "";
    struct member *standing;

    *member = NULL;
    if (commit->generation < 0 && group->state == GROUP_EMPTY)
        return ERR_OK;
    if (commit->generation < 0 && !*member_id && !commit->instance_id)
        return ERR_UNKNOWN_MEMBER_ID;      /* not a member, but the group has some */
    standing = group_static_member(group, commit->instance_id);
    if (standing && !text_equal(standing->id, member_id))
        return ERR_FENCED_INSTANCE_ID;
    *member = group_member(group, member_id);
    if (!*member || (commit->instance_id && !standing))
        return ERR_UNKNOWN_MEMBER_ID;
    if (commit->generation != group->generation)
        return ERR_ILLEGAL_GENERATION;
    return group->state == GROUP_COMPLETING_REBALANCE ? ERR_REBALANCE_IN_PROGRESS : ERR_OK;
}

static void note_commit(const struct group *group, const struct committed *offset, const struct committed *before)
{
    group_note(group,
               ENTRY(EVENT_offset_committed, .topic = offset->topic, .partition = offset->partition, .offset = offset->offset,
                     .fact_count = 3,
                     .facts = { { "offset", offset->offset, NULL }, { "before", before ? before->offset : -1, NULL },
                                { "leader_epoch", offset->leader_epoch, NULL } }),
               "%s committed %lld of %s-%d", group->name, (long long)offset->offset, offset->topic, offset->partition);
}

static void note_offset_expiry(struct group *group, const struct committed *offset);

static void commit_done(struct group_write *write, enum err err)
{
    struct group *group = write->group;
    struct group_call *call = call_take(&write->call);

    for (int32_t i = 0; call && i < write->commit->count; i++)
        if (!write->commit->offsets[i].err)
            write->commit->offsets[i].err = commit_error(write->groups, err);
    for (int32_t i = 0; !err && group && i < write->offset_count; i++) {
        const struct committed *offset = &write->offsets[i];

        note_commit(group, offset, group_offset_find(group, offset->topic, offset->partition));
        group_offset_set(group, offset);
        if (i == 0 || !text_equal(offset->topic, offset[-1].topic)) /* the same moment for all of a topic */
            note_offset_expiry(group, offset);
    }
    if (call)
        groups_answer(write->groups, call, ANSWER_COMMITTED);
}

static void fail_all(struct group_commit *commit, enum err err)
{
    for (int32_t i = 0; i < commit->count; i++)
        commit->offsets[i].err = err;
}

static enum err check_offset(const struct groups *groups, const struct group_offset *offset)
{
    if (!offset->topic || !image_partition(broker_image(groups->broker), offset->topic, offset->partition))
        return ERR_UNKNOWN_TOPIC_OR_PARTITION;
    if (offset->metadata && strlen(offset->metadata) > (size_t)groups_config(groups, "offset.metadata.max.bytes"))
        return ERR_OFFSET_METADATA_TOO_LARGE;
    return ERR_OK;
}

static void take_offset(struct group_write *write, const struct group_offset *offset, int64_t retention_ms)
{
    const struct image_topic *topic = image_topic(broker_image(write->groups->broker), offset->topic);
    int64_t now_ms = groups_now_ms(write->groups);
    struct offset_value value = { .offset = offset->offset, .leader_epoch = offset->leader_epoch,
                                  .metadata = offset->metadata ? offset->metadata : "", .commit_timestamp = now_ms,
                                  .expire_timestamp = retention_ms >= 0 && retention_ms < INT64_MAX - now_ms ? now_ms + retention_ms : -1,
                                  .topic_id = topic->id };

    write->offsets[write->offset_count++] = (struct committed){
        .topic = arena_printf(&write->arena, "%s", offset->topic), .partition = offset->partition, .offset = offset->offset,
        .leader_epoch = offset->leader_epoch, .metadata = arena_printf(&write->arena, "%s", value.metadata),
        .commit_ms = now_ms, .expire_ms = value.expire_timestamp,
    };
    write_offset(write, offset->topic, offset->partition, &value);
}

static struct group *create_simple(struct groups *groups, struct group_home *home, const char *name)
{
    struct group *group = groups_add(groups, home, name);

    group_note(group, ENTRY(EVENT_group_created, .topic = OFFSETS_TOPIC, .partition = home->partition, .rule = "OffsetCommit",
                            .fact_count = 1, .facts = { { "hash", group_hash(name), NULL } }),
               "%s is new, for offsets only: coordinated by broker %d, which leads %s-%d", name, groups->broker->id, OFFSETS_TOPIC,
               home->partition);
    return group;
}

/* Sends what passed the checks; false: nothing did, all errors stand. */
static bool store_offsets(struct group *group, struct group_commit *commit, struct group_call *call)
{
    struct group_write *write = write_new(group, commit_done);

    write->offsets = arena_alloc(&write->arena, (size_t)commit->count * sizeof(*write->offsets) + 1);
    for (int32_t i = 0; i < commit->count; i++) {
        commit->offsets[i].err = check_offset(group->groups, &commit->offsets[i]);
        if (!commit->offsets[i].err)
            take_offset(write, &commit->offsets[i], commit->retention_ms);
    }
    if (write->offset_count == 0) {
        write_abandon(write);
        return false;
    }
    write->commit = commit;
    call_park(&write->call, call);
    write_send(write);
    return true;
}

void group_commit(struct broker *broker, struct group_commit *commit, struct group_call *call)
{
    struct groups *groups = broker_groups(broker);
    struct member *member = NULL;
    struct group_home *home;
    struct group *group;
    enum err err;

    if (!groups) {
        fail_all(commit, ERR_COORDINATOR_NOT_AVAILABLE);
        call->committed(call->context);
        return;
    }
    groups_enter(groups);
    err = groups_check(groups, commit->group, true, &home);
    group = err ? NULL : groups_find(groups, commit->group);
    if (!err && !group && commit->generation >= 0)
        err = ERR_ILLEGAL_GENERATION;
    else if (!err && !group)
        group = create_simple(groups, home, commit->group);
    if (!err)
        err = check_commit(group, commit, &member);
    if (member && (!err || groups_27(groups)))
        member_restart_session(member);
    if (err)
        fail_all(commit, err);
    if (err || !store_offsets(group, commit, call))
        groups_answer(groups, call, ANSWER_COMMITTED);
    if (group && group->offset_count == 0)
        group_note_expiry(group);
    groups_leave(groups);
}

/* ---- fetch ---- */

static void fill(struct group_offset *out, const struct committed *offset, struct arena *arena)
{
    out->offset = offset ? offset->offset : -1;
    out->leader_epoch = offset ? offset->leader_epoch : -1;
    out->metadata = offset ? arena_text(arena, offset->metadata, strlen(offset->metadata)) : "";
    out->err = ERR_OK;
}

enum err group_fetch_offsets(struct broker *broker, const char *name, struct group_offset **offsets, int32_t *count, struct arena *arena)
{
    struct groups *groups = broker_groups(broker);
    struct group_home *home;
    struct group *group;
    enum err err = groups_check(groups, name, true, &home);

    if (err)
        return err;
    group = groups_find(groups, name);
    if (!*offsets) {
        size_t all = group ? group->offset_count : 0;

        *offsets = arena_alloc(arena, all * sizeof(**offsets) + 1);
        *count = (int32_t)all;
        for (size_t i = 0; i < all; i++) {
            (*offsets)[i].topic = arena_text(arena, group->offsets[i].topic, strlen(group->offsets[i].topic));
            (*offsets)[i].partition = group->offsets[i].partition;
        }
    }
    for (int32_t i = 0; i < *count; i++) {
        struct group_offset *out = &(*offsets)[i];

        fill(out, group && out->topic ? group_offset_find(group, out->topic, out->partition) : NULL, arena);
    }
    return ERR_OK;
}

/* ---- removing ---- */

/* Writes tombstones for these offsets, which are the group's own, and takes them out of it. */
static enum err bury_offsets(struct group *group, const size_t *places, size_t count)
{
    enum err err = ERR_OK;

    for (size_t done = count; done > 0 && !err; ) { /* from the last, so that places stay true */
        size_t from = done > TOMBSTONES_A_WRITE ? done - TOMBSTONES_A_WRITE : 0;
        struct group_write *write = write_new(group, NULL);

        for (size_t i = from; i < done; i++)
            write_offset(write, group->offsets[places[i]].topic, group->offsets[places[i]].partition, NULL);
        err = write_send(write);
        while (!err && done > from) {
            const struct committed *offset = &group->offsets[places[--done]];

            group_offset_remove(group, offset->topic, offset->partition);
        }
    }
    return err;
}

/* The group itself, which has neither members nor offsets any more. */
static enum err bury_group(struct group *group, const char *rule)
{
    enum err err = ERR_OK;

    if (group->has_record) {
        struct group_write *write = write_new(group, NULL);

        write_group_tombstone(write);
        err = write_send(write);
    }
    if (err)
        return err;
    group_note(group, ENTRY(EVENT_group_deleted, .rule = rule, .fact_count = 1, .facts = { { "generation", group->generation, NULL } }),
               "%s is deleted: %s", group->name, rule);
    group_unload(group, ERR_UNKNOWN_MEMBER_ID);
    return ERR_OK;
}

/* Writes tombstones for all of a group and forgets it. */
static enum err group_destroy(struct group *group, const char *rule)
{
    size_t count = group->offset_count;
    size_t *places = mem_zero_array(count + 1, sizeof(*places));
    enum err err;

    for (size_t i = 0; i < count; i++)
        places[i] = i;
    err = bury_offsets(group, places, count);
    mem_free(places);
    return err ? err : bury_group(group, rule);
}

enum err group_delete(struct broker *broker, const char *name)
{
    struct groups *groups = broker_groups(broker);
    struct group_home *home;
    struct group *group;
    enum err err = groups_check(groups, name, true, &home);

    if (err)
        return err;
    group = groups_find(groups, name);
    if (!group)
        return ERR_GROUP_ID_NOT_FOUND;
    if (group->state != GROUP_EMPTY)
        return ERR_NON_EMPTY_GROUP;
    groups_enter(groups);
    err = commit_error(groups, group_destroy(group, "DeleteGroups"));
    groups_leave(groups);
    return err;
}

static enum err check_offset_delete(const struct group *group, const struct group_offset *offset)
{
    if (!offset->topic || !image_partition(broker_image(group->groups->broker), offset->topic, offset->partition))
        return ERR_UNKNOWN_TOPIC_OR_PARTITION;
    return group->members && group_subscribes(group, offset->topic) ? ERR_GROUP_SUBSCRIBED_TO_TOPIC : ERR_OK;
}

static int by_place(const void *a, const void *b)
{
    size_t left = *(const size_t *)a, right = *(const size_t *)b;

    return (left > right) - (left < right);
}

enum err group_delete_offsets(struct broker *broker, const char *name, struct group_offset *offsets, int32_t count)
{
    struct groups *groups = broker_groups(broker);
    struct group_home *home;
    struct group *group;
    size_t *places, found = 0;
    enum err err = groups_check(groups, name, true, &home);

    if (err)
        return err;
    group = groups_find(groups, name);
    if (!group)
        return ERR_GROUP_ID_NOT_FOUND;
    if (group->state != GROUP_EMPTY && !text_equal(group->protocol_type, CONSUMER_PROTOCOL))
        return ERR_NON_EMPTY_GROUP;
    groups_enter(groups);
    places = mem_zero_array((size_t)count + 1, sizeof(*places));
    for (int32_t i = 0; i < count; i++) {
        struct committed *offset;

        offsets[i].err = check_offset_delete(group, &offsets[i]);
        offset = offsets[i].err ? NULL : group_offset_find(group, offsets[i].topic, offsets[i].partition);
        if (offset)
            places[found++] = (size_t)(offset - group->offsets);
    }
    qsort(places, found, sizeof(*places), by_place);
    for (size_t i = 1; i < found; )          /* named twice */
        if (places[i] == places[i - 1])
            memmove(&places[i], &places[i + 1], (--found - i) * sizeof(*places));
        else
            i++;
    err = commit_error(groups, bury_offsets(group, places, found));
    mem_free(places);
    if (!err && found && group->state == GROUP_EMPTY && group->offset_count == 0 && groups_27(groups))
        bury_group(group, "no members and no offsets"); /* 4.3 leaves it to the next check */
    else
        group_note_expiry(group);
    groups_leave(groups);
    return err;
}

/* ---- expiry ---- */

int64_t group_offset_expires_ms(const struct group *group, const struct committed *offset, int64_t *since_ms)
{
    int64_t retention_ms = groups_config(group->groups, "offsets.retention.minutes") * 60 * 1000;

    if (!group->protocol_type)
        *since_ms = offset->commit_ms;
    else if (group->state == GROUP_EMPTY)
        *since_ms = group->state_since_ms;
    else if (group->state == GROUP_STABLE && text_equal(group->protocol_type, CONSUMER_PROTOCOL) && !group_subscribes(group, offset->topic))
        *since_ms = offset->commit_ms;
    else
        return INT64_MAX;
    return offset->expire_ms >= 0 ? offset->expire_ms : *since_ms + retention_ms;
}

/* 2.7 counts the checks from the broker's start, 4.3 from when the partition was led. */
int64_t groups_next_tick_us(const struct groups *groups, const struct group_home *home, int64_t at_ms)
{
    int64_t interval_us = groups_config(groups, "offsets.retention.check.interval.ms") * 1000;
    int64_t base_us = groups_27(groups) ? broker_started_us(groups->broker) : home->led_at_us;
    int64_t now_us = queue_now_us(groups->cluster->queue);
    int64_t at_us = broker_clock_us(groups->broker, at_ms), ticks;

    if (at_us == INT64_MAX)
        return INT64_MAX;
    if (at_us <= now_us)
        at_us = now_us + 1;
    ticks = (at_us - base_us + interval_us - 1) / interval_us;
    return base_us + (ticks > 0 ? ticks : 1) * interval_us;
}

static void queue_check(struct group *group, int64_t due_ms)
{
    struct groups *groups = group->groups;
    int64_t tick_us = groups_next_tick_us(groups, group->home, due_ms);

    if (tick_us == INT64_MAX || (event_scheduled(&groups->expiry_event) && groups->expiry_event.at_us <= tick_us))
        return;
    event_at(groups->cluster->queue, &groups->expiry_event, tick_us);
}

static void note_offset_expiry(struct group *group, const struct committed *offset)
{
    int64_t since_ms;

    queue_check(group, group_offset_expires_ms(group, offset, &since_ms));
}

void group_note_expiry(struct group *group)
{
    if (group->home->loading)
        return;
    if (group->state == GROUP_EMPTY && group->offset_count == 0) {
        queue_check(group, groups_now_ms(group->groups));
        return;
    }
    if (group->state != GROUP_EMPTY && group->state != GROUP_STABLE)
        return;
    for (size_t i = 0; i < group->offset_count; i++)
        note_offset_expiry(group, &group->offsets[i]);
}

void groups_clock_changed(struct groups *groups)
{
    for (struct group *group = groups ? groups->first : NULL; group; group = group->next)
        group_note_expiry(group);
}

static void note_expired(const struct group *group, const struct committed *offset, int64_t since_ms)
{
    int64_t now_ms = groups_now_ms(group->groups);
    int64_t retention_ms = groups_config(group->groups, "offsets.retention.minutes") * 60 * 1000;
    bool given = offset->expire_ms >= 0;

    group_note(group,
               ENTRY(EVENT_offset_expired, .topic = offset->topic, .partition = offset->partition, .offset = offset->offset,
                     .rule = given ? "retention_time of the commit" : "offsets.retention.minutes", .fact_count = 4,
                     .facts = { { "age_ms", now_ms - since_ms, NULL }, { given ? "expire_timestamp_ms" : "retention_ms",
                                given ? offset->expire_ms : retention_ms, NULL },
                                { "since_ms", since_ms, NULL },
                                { "counted_from", 0, group->protocol_type && group->state == GROUP_EMPTY ? "the group became empty"
                                                                                                         : "the commit" } }),
               "%s forgets %s-%d at %lld: %lld ms old, kept %lld ms", group->name, offset->topic, offset->partition, (long long)offset->offset,
               (long long)(now_ms - since_ms), (long long)(given ? offset->expire_ms - since_ms : retention_ms));
}

static void expire_group(struct group *group)
{
    int64_t now_ms = groups_now_ms(group->groups);
    size_t *places = mem_zero_array(group->offset_count + 1, sizeof(*places));
    size_t count = 0;

    for (size_t i = 0; i < group->offset_count; i++) {
        int64_t since_ms;

        if (now_ms >= group_offset_expires_ms(group, &group->offsets[i], &since_ms)) {
            note_expired(group, &group->offsets[i], since_ms);
            places[count++] = i;
        }
    }
    if (count == 0 || bury_offsets(group, places, count) == ERR_OK)
        if (group->state == GROUP_EMPTY && group->offset_count == 0)
            bury_group(group, "no members and no offsets");
    mem_free(places);
}

/* A check of those partitions whose turn is at this moment; then the next check that may find something is queued. */
void groups_expiry_due(void *context)
{
    struct groups *groups = context;
    int64_t interval_us = groups_config(groups, "offsets.retention.check.interval.ms") * 1000;
    int64_t now_us = queue_now_us(groups->cluster->queue);

    if (broker_sleeps(groups->broker, &groups->expiry_event))
        return;
    groups_enter(groups);
    for (struct group *group = groups->first, *next; group; group = next) {
        int64_t base_us = groups_27(groups) ? broker_started_us(groups->broker) : group->home->led_at_us;

        next = group->next;
        if (!group->home->loading && (now_us - base_us) % interval_us == 0)
            expire_group(group);
    }
    for (struct group *group = groups->first; group; group = group->next)
        group_note_expiry(group);
    groups_leave(groups);
}

void groups_topic_deleted(struct groups *groups, const char *topic)
{
    if (!groups)
        return;
    groups_enter(groups);
    for (struct group *group = groups->first, *next; group; group = next) {
        size_t *places = mem_zero_array(group->offset_count + 1, sizeof(*places));
        size_t count = 0;

        next = group->next;
        for (size_t i = place_of(group, topic, INT32_MIN); i < group->offset_count && text_equal(group->offsets[i].topic, topic); i++) {
            const struct committed *offset = &group->offsets[i];

            group_note(group, ENTRY(EVENT_offset_expired, .topic = topic, .partition = offset->partition, .offset = offset->offset,
                                    .rule = "the topic was deleted"),
                       "%s forgets %s-%d at %lld: the topic was deleted", group->name, topic, offset->partition, (long long)offset->offset);
            places[count++] = i;
        }
        if (count > 0 && bury_offsets(group, places, count) == ERR_OK) {
            if (group->state == GROUP_EMPTY && group->offset_count == 0 && groups_27(groups))
                bury_group(group, "no members and no offsets"); /* 4.3 leaves it to the next check */
            else
                group_note_expiry(group);
        }
        mem_free(places);
    }
    groups_leave(groups);
}

/* ---- describe, list ---- */

static void describe(const struct group *group, struct arena *arena, bool with_members, struct group_info *out)
{
    bool stable = group->state == GROUP_STABLE;
    struct group_member_info *members = NULL;
    int32_t count = 0;

    if (with_members) {
        members = arena_alloc(arena, (size_t)group->member_count * sizeof(*members) + 1);
        for (const struct member *member = group->members; member; member = member->next) {
            struct bytes metadata = stable ? member_metadata(member, group->protocol) : (struct bytes){ (const uint8_t *)"", 0 };
            struct bytes assignment = stable ? owned_view(member->assignment) : (struct bytes){ (const uint8_t *)"", 0 };

            members[count++] = (struct group_member_info){
                .member_id = arena_printf(arena, "%s", member->id),
                .instance_id = member->instance_id ? arena_printf(arena, "%s", member->instance_id) : NULL,
                .client_id = arena_printf(arena, "%s", member->client_id), .client_host = arena_printf(arena, "%s", member->client_host),
                .metadata = { (const uint8_t *)arena_text(arena, (const char *)metadata.data, metadata.size), metadata.size },
                .assignment = { (const uint8_t *)arena_text(arena, (const char *)assignment.data, assignment.size), assignment.size },
                .session_timeout_ms = member->session_timeout_ms, .rebalance_timeout_ms = member->rebalance_timeout_ms,
                .wall_clock = member->timers && member->timers->wall,
            };
        }
    }
    *out = (struct group_info){
        .group = arena_printf(arena, "%s", group->name),
        .protocol_type = arena_printf(arena, "%s", group->protocol_type ? group->protocol_type : ""),
        .protocol = arena_printf(arena, "%s", stable && group->protocol ? group->protocol : ""),
        .leader = arena_printf(arena, "%s", group->leader ? group->leader : ""),
        .state = group->state, .generation = group->generation, .coordinator = group->groups->broker->id,
        .members = members, .member_count = group->member_count,
    };
}

enum err group_describe(struct broker *broker, const char *name, struct arena *arena, struct group_info *out)
{
    struct groups *groups = broker_groups(broker);
    struct group_home *home;
    struct group *group;
    enum err err = groups_check(groups, name, true, &home);

    *out = (struct group_info){ .group = name, .protocol_type = "", .protocol = "", .leader = "", .state = GROUP_DEAD,
                                .coordinator = broker_id(broker) };
    if (err)
        return err;
    group = groups_find(groups, name);
    if (group)
        describe(group, arena, true, out);
    return ERR_OK;
}

enum err group_list(struct broker *broker, struct arena *arena, struct group_info **out, int32_t *count)
{
    struct groups *groups = broker_groups(broker);

    *count = 0;
    *out = arena_alloc(arena, (groups ? groups->count : 0) * sizeof(**out) + 1);
    if (!groups)
        return ERR_COORDINATOR_NOT_AVAILABLE;
    for (size_t i = 0; i < groups->home_count; i++)
        if (groups->homes[i]->loading)
            return ERR_COORDINATOR_LOAD_IN_PROGRESS;
    for (const struct group *group = groups->first; group; group = group->next)
        describe(group, arena, false, &(*out)[(*count)++]);
    return ERR_OK;
}
