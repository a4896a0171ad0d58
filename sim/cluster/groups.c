/* The coordinator of a broker: which partitions of __consumer_offsets it leads, what it read from them, where its records
 * go, and the way answers leave. Kafka: GroupMetadataManager (2.7), CoordinatorRuntime (4.3). */
#include "sim/cluster/group_internal.h"

#include <string.h>

enum { LOAD_SLICE_RECORDS = 20000, HASH_START = 64, NAME_MOST = INT16_MAX };

void owned_set(struct owned_bytes *owned, struct bytes bytes)
{
    uint8_t *data = mem_copy(bytes.data, bytes.size);

    mem_free(owned->data);
    owned->data = data;
    owned->size = bytes.size;
}

/* ---- which partition, which broker ---- */

/* The next code point of UTF-8, taken loosely: a hash must only be the same each time. */
static uint32_t next_code_point(const unsigned char **at)
{
    const unsigned char *p = *at;
    int more = *p >= 0xf0 ? 3 : *p >= 0xe0 ? 2 : *p >= 0xc0 ? 1 : 0;
    uint32_t code = more == 3 ? *p & 7 : more == 2 ? *p & 15 : more == 1 ? *p & 31 : *p;

    for (p++; more > 0 && (*p & 0xc0) == 0x80; more--)
        code = code << 6 | (*p++ & 63);
    *at = p;
    return code;
}

int32_t group_hash(const char *group)
{
    const unsigned char *at = (const unsigned char *)group;
    uint32_t hash = 0;

    while (*at) {
        uint32_t code = next_code_point(&at);

        if (code >= 0x10000) {
            hash = hash * 31 + (0xd800 + ((code - 0x10000) >> 10));
            code = 0xdc00 + ((code - 0x10000) & 0x3ff);
        }
        hash = hash * 31 + code;
    }
    return (int32_t)hash;
}

static int32_t partition_of(const char *group, int32_t count)
{
    int32_t hash = group_hash(group);

    return count <= 0 || hash == INT32_MIN ? 0 : (hash < 0 ? -hash : hash) % count;
}

int64_t groups_config(const struct groups *groups, const char *key)
{
    struct config_layers layers = broker_config(groups->broker);

    return config_long(&layers, key);
}

static int32_t groups_partition_of(const struct groups *groups, const char *group)
{
    const struct image_topic *topic = image_topic(broker_image(groups->broker), OFFSETS_TOPIC);

    return partition_of(group, topic ? topic->partition_count : (int32_t)groups_config(groups, "offsets.topic.num.partitions"));
}

enum err group_coordinator_look(const struct broker *broker, const char *group, int32_t *coordinator, struct reason *reason)
{
    const struct image_topic *topic = image_topic(broker_image(broker), OFFSETS_TOPIC);
    const struct image_partition *partition;
    int32_t number;

    *coordinator = -1;
    if (!topic)
        return err_because(ERR_COORDINATOR_NOT_AVAILABLE, reason, "%s is not there", OFFSETS_TOPIC);
    number = partition_of(group, topic->partition_count);
    partition = image_partition(broker_image(broker), OFFSETS_TOPIC, number);
    if (!partition || partition->leader < 0)
        return err_because(ERR_COORDINATOR_NOT_AVAILABLE, reason, "%s-%d has no leader", OFFSETS_TOPIC, number);
    *coordinator = partition->leader;
    return ERR_OK;
}

enum err group_coordinator_of(struct broker *broker, const char *group, int32_t *coordinator, struct reason *reason)
{
    *coordinator = -1;
    if (!group)
        return err_because(ERR_INVALID_GROUP_ID, reason, "no group id");
    if (!image_topic(broker_image(broker), OFFSETS_TOPIC)) {
        struct reason why = { 0 };
        enum err err = controller_ensure_internal_topic(broker_cluster(broker), OFFSETS_TOPIC, NULL, &why);

        if (err)
            return err_because(ERR_COORDINATOR_NOT_AVAILABLE, reason, "%s could not be made: %s", OFFSETS_TOPIC, why.text);
        if (!image_topic(broker_image(broker), OFFSETS_TOPIC))
            return err_because(ERR_COORDINATOR_NOT_AVAILABLE, reason, "%s is being made", OFFSETS_TOPIC);
    }
    return group_coordinator_look(broker, group, coordinator, reason);
}

static struct group_home *find_home(const struct groups *groups, int32_t partition)
{
    for (size_t i = 0; i < groups->home_count; i++)
        if (groups->homes[i]->partition == partition)
            return groups->homes[i];
    return NULL;
}

enum err groups_check(const struct groups *groups, const char *group, bool may_be_empty, struct group_home **home)
{
    *home = NULL;
    if (!groups)
        return ERR_COORDINATOR_NOT_AVAILABLE;   /* the broker is going down */
    if (!group || (!*group && !may_be_empty) || strlen(group) > NAME_MOST)
        return ERR_INVALID_GROUP_ID;
    *home = find_home(groups, groups_partition_of(groups, group));
    if (!*home)
        return ERR_NOT_COORDINATOR;
    return (*home)->loading ? ERR_COORDINATOR_LOAD_IN_PROGRESS : ERR_OK;
}

/* ---- the groups of this broker ---- */

static struct group **hash_slot(const struct groups *groups, const char *name)
{
    return &groups->hash[(uint32_t)group_hash(name) % groups->hash_size];
}

static void hash_grow(struct groups *groups)
{
    mem_free(groups->hash);
    groups->hash_size = groups->hash_size ? groups->hash_size * 2 : HASH_START;
    groups->hash = mem_zero_array(groups->hash_size, sizeof(*groups->hash));
    for (struct group *group = groups->first; group; group = group->next) {
        struct group **slot = hash_slot(groups, group->name);

        group->hash_next = *slot;
        *slot = group;
    }
}

struct group *groups_find(const struct groups *groups, const char *name)
{
    struct group *group = groups->hash_size ? *hash_slot(groups, name) : NULL;

    while (group && strcmp(group->name, name) != 0)
        group = group->hash_next;
    return group;
}

struct group *groups_add(struct groups *groups, struct group_home *home, const char *name)
{
    struct group *group = mem_zero(sizeof(*group));
    struct group **slot;

    if (groups->count >= groups->hash_size)
        hash_grow(groups);
    group->groups = groups;
    group->home = home;
    group->name = mem_text(name);
    group->state = group->previous_state = GROUP_EMPTY;
    group->state_since_ms = groups_now_ms(groups);
    group->previous = groups->last;
    *(groups->last ? &groups->last->next : &groups->first) = group;
    groups->last = group;
    groups->count++;
    slot = hash_slot(groups, name);
    group->hash_next = *slot;
    *slot = group;
    return group;
}

void groups_remove(struct group *group)
{
    struct groups *groups = group->groups;
    struct group **slot = hash_slot(groups, group->name);

    while (*slot != group)
        slot = &(*slot)->hash_next;
    *slot = group->hash_next;
    *(group->previous ? &group->previous->next : &groups->first) = group->next;
    *(group->next ? &group->next->previous : &groups->last) = group->previous;
    groups->count--;
    for (struct group_write *write = groups->writes; write; write = write->next)
        if (write->group == group)
            write->group = NULL;
    group_offsets_free(group);
    mem_free(group->protocol_type);
    mem_free(group->protocol);
    mem_free(group->leader);
    mem_free(group->name);
    mem_free(group);
}

void group_note(const struct group *group, const struct entry *entry, const char *format, ...)
{
    struct entry whole = *entry;
    struct text plain = { 0 }, escaped = { 0 };
    va_list args;

    va_start(args, format);
    text_vprintf(&plain, format, args);
    va_end(args);
    text_escaped(&escaped, bytes_text(text_chars(&plain)));
    whole.broker = group->groups->broker->id;
    whole.subject = group->name;
    whole.text = text_chars(&escaped);
    journal_add(group->groups->cluster->journal, &whole);
    text_done(&plain);
    text_done(&escaped);
}

/* ---- answers ---- */

struct group_call *call_take(struct group_call **slot)
{
    struct group_call *call = *slot;

    *slot = NULL;
    if (call)
        call->parked = NULL;
    return call;
}

void group_call_forget(struct group_call *call)
{
    if (call->parked)
        *(struct group_call **)call->parked = NULL;
    call->parked = NULL;
}

struct answer *groups_answer(struct groups *groups, struct group_call *call, enum answer_kind kind)
{
    struct answer *answer = mem_zero(sizeof(*answer));

    arena_init(&answer->arena);
    answer->kind = kind;
    if (call)
        call_park(&answer->call, call);
    *(groups->last_answer ? &groups->last_answer->next : &groups->answers) = answer;
    groups->last_answer = answer;
    return answer;
}

static struct answer *pop_answer(struct groups *groups)
{
    struct answer *answer = groups->answers;

    if (answer) {
        groups->answers = answer->next;
        if (!groups->answers)
            groups->last_answer = NULL;
    }
    return answer;
}

static void answer_free(struct answer *answer)
{
    arena_done(&answer->arena);
    mem_free(answer);
}

static void give(const struct answer *answer, struct group_call *call)
{
    switch (answer->kind) {
    case ANSWER_JOINED:
        call->joined(call->context, &answer->joined);
        break;
    case ANSWER_SYNCED:
        call->synced(call->context, answer->err, answer->protocol_type, answer->protocol, answer->assignment);
        break;
    case ANSWER_COMMITTED:
        call->committed(call->context);
        break;
    }
}

void groups_enter(struct groups *groups)
{
    groups->depth++;
}

void groups_leave(struct groups *groups)
{
    struct answer *answer;

    if (--groups->depth > 0 || groups->delivering)
        return;
    groups->delivering = true;
    while ((answer = pop_answer(groups)) != NULL) {
        struct group_call *call = call_take(&answer->call);

        if (call)
            give(answer, call);
        answer_free(answer);
    }
    groups->delivering = false;
}

/* ---- writing ---- */

struct group_write *write_new(struct group *group, void (*done)(struct group_write *write, enum err err))
{
    struct groups *groups = group->groups;
    struct group_write *write = mem_zero(sizeof(*write));

    write->groups = groups;
    write->group = group;
    write->home = group->home;
    write->done = done;
    write->generation = group->generation;
    batch_builder_init(&write->builder, CODEC_NONE);
    arena_init(&write->arena);
    write->next = groups->writes;
    if (write->next)
        write->next->previous = write;
    groups->writes = write;
    return write;
}

void write_abandon(struct group_write *write)
{
    *(write->previous ? &write->previous->next : &write->groups->writes) = write->next;
    if (write->next)
        write->next->previous = write->previous;
    timer_cancel(&write->timeout);
    call_take(&write->call);
    frame_done(&write->key);
    frame_done(&write->value);
    batch_builder_done(&write->builder);
    arena_done(&write->arena);
    mem_free(write);
}

/* Takes what stands in write->key and write->value; an empty value is a tombstone. */
static void add_record(struct group_write *write)
{
    struct bytes value = { NULL, 0 };

    if (write->value.bytes.size > 0)
        value = buffer_bytes(&write->value.bytes);
    batch_builder_add(&write->builder, groups_now_ms(write->groups), buffer_bytes(&write->key.bytes), value, NULL, 0);
    buffer_clear(&write->key.bytes);
    buffer_clear(&write->value.bytes);
}

void write_offset(struct group_write *write, const char *topic, int32_t partition, const struct offset_value *value)
{
    struct group_key key = { .type = KEY_OFFSET, .group = write->group->name, .topic = topic, .partition = partition };

    write->too_long |= group_key_encode(&key, &write->key) != ERR_OK;
    if (value) {
        int16_t version = value->expire_timestamp >= 0 ? 1 : groups_27(write->groups) ? 3 : 4;

        write->too_long |= offset_value_encode(value, version, &write->value) != ERR_OK;
        write->builder.base_sequence = 0; /* so both releases' builders have it, though no producer id goes with it */
    }
    add_record(write);
}

static struct bytes assigned(const struct group_assignment *assignments, int32_t count, const char *member_id)
{
    for (int32_t i = 0; i < count; i++)
        if (text_equal(assignments[i].member_id, member_id))
            return assignments[i].assignment;
    return (struct bytes){ (const uint8_t *)"", 0 };
}

/* `first`: as 4.3 writes a group that was just made, before anything is known of it. `assignments` NULL: those the members have. */
void write_group(struct group_write *write, bool first, const struct group_assignment *assignments, int32_t assignment_count)
{
    const struct group *group = write->group;
    struct group_key key = { .type = KEY_GROUP, .group = group->name };
    struct group_value value = { .protocol_type = "", .current_state_timestamp = group->state_since_ms };
    int32_t i = 0;

    if (!first) {
        value.protocol_type = group->protocol_type ? group->protocol_type : "";
        value.generation = group->generation;
        value.protocol = group->protocol;
        value.leader = group->leader;
        value.members.count = group->member_count;
        value.members.items = arena_alloc(&write->arena, (size_t)group->member_count * sizeof(*value.members.items) + 1);
    }
    for (const struct member *member = first ? NULL : group->members; member; member = member->next)
        value.members.items[i++] = (struct group_value_member){
            .member_id = member->id, .group_instance_id = member->instance_id, .client_id = member->client_id,
            .client_host = member->client_host, .rebalance_timeout = member->rebalance_timeout_ms,
            .session_timeout = member->session_timeout_ms, .subscription = member_metadata(member, group->protocol),
            .assignment = assignments ? assigned(assignments, assignment_count, member->id) : owned_view(member->assignment),
        };
    write->too_long |= group_key_encode(&key, &write->key) != ERR_OK;
    write->too_long |= group_value_encode(&value, &write->value) != ERR_OK;
    if (!groups_27(write->groups))
        write->builder.base_sequence = 0;
    write->group->has_record = true;
    add_record(write);
}

void write_group_tombstone(struct group_write *write)
{
    struct group_key key = { .type = KEY_GROUP, .group = write->group->name };

    write->too_long |= group_key_encode(&key, &write->key) != ERR_OK;
    add_record(write);
}

static void finish_write(struct group_write *write, enum err err)
{
    struct groups *groups = write->groups;

    groups_enter(groups);
    timer_cancel(&write->timeout);
    partition_forget_commit(&write->wait);
    if (write->done)
        write->done(write, err);
    write_abandon(write);
    groups_leave(groups);
}

static void written(void *context, enum err err)
{
    finish_write(context, err);
}

static void timed_out(void *context)
{
    struct group_write *write = context;

    if (groups_sleep(write->groups, &write->timeout))
        return;
    finish_write(context, ERR_REQUEST_TIMED_OUT);
}

static enum err append(struct group_write *write, struct partition **partition, int64_t *end)
{
    struct groups *groups = write->groups;
    struct log_append how = { .origin = APPEND_COORDINATOR, .produce_version = -1, .now_ms = groups_now_ms(groups) };
    struct log_appended appended = { 0 };
    struct reason reason = { 0 };
    enum err err;

    if (write->too_long)
        return ERR_UNKNOWN_SERVER_ERROR;
    *partition = write->home ? broker_partition(groups->broker, OFFSETS_TOPIC, write->home->partition) : NULL;
    if (!*partition || !partition_leads(*partition))
        return ERR_NOT_LEADER_OR_FOLLOWER;
    err = batch_builder_finish(&write->builder, &how.records, &reason);
    if (err)
        return err;
    how.leader_epoch = partition_leader_epoch(*partition);
    err = partition_append(*partition, &how, -1, &appended, &reason);
    *end = appended.last_offset + 1;
    return err;
}

enum err write_send(struct group_write *write)
{
    struct partition *partition = NULL;
    struct groups *groups = write->groups;
    int64_t end = 0;
    enum err err = append(write, &partition, &end);

    if (err) {
        finish_write(write, err);
        return err;
    }
    write->timeout.run = timed_out;
    write->timeout.context = write;
    timer_arm(&groups->timers, &write->timeout, groups_config(groups, "offsets.commit.timeout.ms") * 1000);
    write->wait = (struct commit_wait){ .done = written, .context = write };
    partition_await_commit(partition, &write->wait, end);
    return ERR_OK;
}

/* ---- loading ---- */

static void load_members(struct group *group, const struct group_value *value)
{
    for (int32_t i = 0; i < value->members.count; i++) {
        const struct group_value_member *from = &value->members.items[i];
        struct group_protocol protocol = { value->protocol ? value->protocol : "", from->subscription };
        struct member *member = group_add_member(group, from->member_id, from->group_instance_id, from->client_id, from->client_host);

        member->rebalance_timeout_ms = from->rebalance_timeout ? from->rebalance_timeout : from->session_timeout;
        member->session_timeout_ms = from->session_timeout;
        member_set_protocols(member, &protocol, 1);
        owned_set(&member->assignment, from->assignment);
    }
}

static void load_group(struct group *group, const struct group_value *value)
{
    while (group->members)
        group_remove_member(group, group->members, ERR_OK);
    mem_free(group->protocol_type);
    mem_free(group->protocol);
    mem_free(group->leader);
    group->protocol_type = mem_text(*value->protocol_type ? value->protocol_type : NULL);
    group->protocol = mem_text(value->protocol);
    group->leader = NULL;
    load_members(group, value);
    mem_free(group->leader);
    group->leader = mem_text(value->leader);
    group->generation = value->generation;
    group->state = group->previous_state = group->members ? GROUP_STABLE : GROUP_EMPTY;
    if (value->current_state_timestamp >= 0)
        group->state_since_ms = value->current_state_timestamp;
    group->has_record = true;
}

static struct group *known(struct groups *groups, struct group_home *home, const char *name)
{
    struct group *group = groups_find(groups, name);

    return group ? group : groups_add(groups, home, name);
}

static void forget_loaded(struct groups *groups, const char *name)
{
    struct group *group = groups_find(groups, name);
    struct group_value none = { .protocol_type = "", .current_state_timestamp = -1 };

    if (!group)
        return;
    load_group(group, &none);
    group->has_record = false;
}

static void load_record(struct groups *groups, struct group_home *home, const struct record *record, struct arena *arena)
{
    struct group_key key;

    if (!record->key.data || group_key_decode(record->key, arena, &key, NULL) || !key.group)
        return;
    if (key.type == KEY_GROUP && !record->value.data) {
        forget_loaded(groups, key.group);
    } else if (key.type == KEY_GROUP) {
        struct group_value value;

        if (!group_value_decode(record->value, arena, &value, NULL))
            load_group(known(groups, home, key.group), &value);
    } else if (key.type == KEY_OFFSET || key.type == KEY_OFFSET_OLD) {
        struct offset_value value;

        if (!record->value.data) {
            struct group *group = groups_find(groups, key.group);

            if (group)
                group_offset_remove(group, key.topic, key.partition);
        } else if (!offset_value_decode(record->value, arena, &value, NULL)) {
            struct committed committed = { .topic = (char *)key.topic, .partition = key.partition, .offset = value.offset,
                                           .leader_epoch = value.leader_epoch, .metadata = (char *)value.metadata,
                                           .commit_ms = value.commit_timestamp, .expire_ms = value.expire_timestamp };

            group_offset_set(known(groups, home, key.group), &committed);
        }
    }
}

/* Whose clock a loaded member lives by is known when it is heard of. Until then it is the wall's, where there is one; else virtual time's, if the coordinator
 * changed while the lab lived: one that went with it must not be waited for. What a reopened lab finds has all the time it wants. */
static void arm_loaded(struct group *group)
{
    struct groups *groups = group->groups;
    struct timers *timers = groups->wall ? groups->wall : group->home->takes_over ? &groups->timers : NULL;

    for (struct member *member = group->members; member && timers; member = member->next)
        if (!member->timers) {
            member->timers = timers;
            member_restart_session(member);
        }
}

static void load_finished(struct groups *groups, struct group_home *home)
{
    size_t count = 0;

    home->loading = false;
    for (struct group *group = groups->first, *next; group; group = next) {
        next = group->next;
        if (group->home != home)
            continue;
        if (!group->has_record && group->offset_count == 0) {
            groups_remove(group);
            continue;
        }
        count++;
        arm_loaded(group);
        group_note_expiry(group);
    }
    if (home->load_records > 0) {
        struct text text = { 0 };

        text_printf(&text, "%s-%d: %llu records read, %zu groups", OFFSETS_TOPIC, home->partition,
                    (unsigned long long)home->load_records, count);
        journal_add(groups->cluster->journal,
                    ENTRY(EVENT_groups_loaded, .broker = groups->broker->id, .topic = OFFSETS_TOPIC, .partition = home->partition,
                          .text = text_chars(&text)));
        text_done(&text);
    }
}

/* Reads at most a slice of what is left; false: not at the end yet. */
static bool load_slice(struct groups *groups, struct group_home *home)
{
    struct partition *partition = broker_partition(groups->broker, OFFSETS_TOPIC, home->partition);
    struct log_cursor cursor;
    struct batch batch;
    struct arena arena;
    int32_t budget = LOAD_SLICE_RECORDS;
    bool more = true;

    if (!partition || home->load_next >= home->load_end)
        return true;
    arena_init(&arena);
    log_cursor_init(&cursor, partition_log(partition), home->load_next, false);
    while (budget > 0 && home->load_next < home->load_end && (more = log_cursor_next(&cursor, &batch))) {
        struct record_iterator it;
        struct record record;

        records_begin(&it, &batch);
        while (!batch_control(&batch) && records_next(&it, &record)) {
            load_record(groups, home, &record, &arena);
            home->load_records++;
            budget--;
            arena_reset(&arena);
        }
        records_done(&it);
        home->load_next = batch.last_offset + 1;
    }
    log_cursor_done(&cursor);
    arena_done(&arena);
    return !more || home->load_next >= home->load_end;
}

static void load_more(void *context)
{
    struct groups *groups = context;

    if (broker_sleeps(groups->broker, &groups->load_event))
        return;
    for (size_t i = 0; i < groups->home_count; i++)
        if (groups->homes[i]->loading) {
            if (load_slice(groups, groups->homes[i]))
                load_finished(groups, groups->homes[i]);
            event_after(groups->cluster->queue, &groups->load_event, 0);
            return;
        }
}

void groups_partition_led(struct groups *groups, int32_t offsets_partition, int32_t leader_epoch)
{
    struct partition *partition = broker_partition(groups->broker, OFFSETS_TOPIC, offsets_partition);
    struct group_home *home = find_home(groups, offsets_partition);

    if (home) {
        home->leader_epoch = leader_epoch;
        return;
    }
    home = mem_zero(sizeof(*home));
    home->partition = offsets_partition;
    home->leader_epoch = leader_epoch;
    home->loading = true;
    home->takes_over = !groups->cluster->opening;
    home->led_at_us = queue_now_us(groups->cluster->queue);
    if (partition) {
        home->load_next = cluster_inspect_offsets_from(groups->cluster, partition);
        home->load_end = log_end_offset(partition_log(partition));
    }
    ARRAY_ADD(groups->homes, groups->home_count, groups->home_capacity) = home;
    /* What is short is read at once, so that a lab which was just opened knows its groups; what is long in slices. */
    if (load_slice(groups, home))
        load_finished(groups, home);
    else
        event_after(groups->cluster->queue, &groups->load_event, 0);
}

void groups_read_all(struct groups *groups)
{
    while (event_scheduled(&groups->load_event)) {
        event_cancel(groups->cluster->queue, &groups->load_event);
        load_more(groups);
    }
    event_cancel(groups->cluster->queue, &groups->expiry_event);
}

void groups_partition_resigned(struct groups *groups, int32_t offsets_partition)
{
    struct group_home *home = groups ? find_home(groups, offsets_partition) : NULL;

    if (!home)
        return;
    groups_enter(groups);
    for (struct group *group = groups->first, *next; group; group = next) {
        next = group->next;
        if (group->home == home)
            group_unload(group, ERR_NOT_COORDINATOR);
    }
    for (struct group_write *write = groups->writes; write; write = write->next)
        if (write->home == home)
            write->home = NULL;
    for (size_t i = 0; i < groups->home_count; i++)
        if (groups->homes[i] == home)
            groups->homes[i] = groups->homes[--groups->home_count];
    mem_free(home);
    groups_leave(groups);
}

/* ---- life ---- */

struct groups *groups_new(struct broker *broker)
{
    struct groups *groups = mem_zero(sizeof(*groups));

    groups->broker = broker;
    groups->cluster = broker_cluster(broker);
    groups->timers = timers_virtual(groups->cluster->queue);
    groups->wall = groups->cluster->wall;
    groups->load_event = (struct event){ .run = load_more, .context = groups };
    groups->expiry_event = (struct event){ .run = groups_expiry_due, .context = groups };
    return groups;
}

/* Nobody is answered any more: connections have gone, or go with the cluster. */
void groups_free(struct groups *groups)
{
    struct answer *answer;

    if (!groups)
        return;
    event_cancel(groups->cluster->queue, &groups->load_event);
    event_cancel(groups->cluster->queue, &groups->expiry_event);
    groups->delivering = true;
    while (groups->writes) {
        partition_forget_commit(&groups->writes->wait);
        write_abandon(groups->writes);
    }
    while (groups->first)
        group_unload(groups->first, ERR_OK);
    while ((answer = pop_answer(groups)) != NULL) {
        call_take(&answer->call);
        answer_free(answer);
    }
    for (size_t i = 0; i < groups->home_count; i++)
        mem_free(groups->homes[i]);
    mem_free(groups->homes);
    mem_free(groups->hash);
    mem_free(groups);
}

struct groups *broker_groups(const struct broker *broker)
{
    return broker->groups;
}

void groups_use_wall(struct cluster *cluster, struct timers *wall)
{
    cluster->wall = wall;
    for (size_t i = 0; i < cluster_broker_count(cluster); i++) {
        struct groups *groups = broker_groups(cluster_broker_at(cluster, i));

        if (!groups)
            continue;
        for (struct group *group = groups->first; group; group = group->next) {
            if (groups->wall)
                group_retime(group, groups->wall, wall);
            groups->wall = wall;
            arm_loaded(group);
        }
        groups->wall = wall;
    }
}

void group_connection_gone(struct cluster *cluster, struct timers *timers, struct timers *instead)
{
    for (size_t i = 0; i < cluster_broker_count(cluster); i++) {
        struct groups *groups = broker_groups(cluster_broker_at(cluster, i));

        for (struct group *group = groups ? groups->first : NULL; group; group = group->next)
            group_retime(group, timers, instead);
    }
}

int64_t groups_next_expiry_us(const struct groups *groups)
{
    return groups && event_scheduled(&groups->expiry_event) ? groups->expiry_event.at_us : INT64_MAX;
}
