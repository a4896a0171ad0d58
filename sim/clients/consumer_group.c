/* Membership: finding the coordinator, joining, handing out and taking partitions, heartbeats, commits, leaving. */
#include <stdio.h>
#include <string.h>

#include "sim/clients/consumer_internal.h"

static const char coordinator_logger[] = "org.apache.kafka.clients.consumer.internals.ConsumerCoordinator";

static void on_heartbeat_due(void *context);
static void on_commit_due(void *context);

void consumer_group_init(struct consumer *consumer)
{
    consumer->coordinator = -1;
    consumer->generation = -1;
    consumer->member_id = mem_text("");
    consumer->heartbeat.run = on_heartbeat_due;
    consumer->heartbeat.context = consumer;
    consumer->commit.run = on_commit_due;
    consumer->commit.context = consumer;
}

static void forget_lead(struct consumer *consumer)
{
    texts_free(&consumer->group_topics, &consumer->group_topic_count);
    mem_free(consumer->snapshot);
    consumer->snapshot = NULL;
    consumer->leads = false;
}

void consumer_group_done(struct consumer *consumer)
{
    timer_cancel(&consumer->heartbeat);
    timer_cancel(&consumer->commit);
    forget_lead(consumer);
    mem_free(consumer->member_id);
    consumer->member_id = NULL;
}

static void set_member_id(struct consumer *consumer, const char *id)
{
    char *old = consumer->member_id;

    consumer->member_id = mem_text(id);
    mem_free(old);
}

static int32_t coordinator_node(const struct consumer *consumer)
{
    return client_coordinator_node(consumer->coordinator);
}

/* The group goes on without what we were in it. */
static void rejoin(struct consumer *consumer, enum err err)
{
    if (err == ERR_UNKNOWN_MEMBER_ID || err == ERR_ILLEGAL_GENERATION || err == ERR_FENCED_INSTANCE_ID) {
        consumer->generation = -1;
        if (err == ERR_UNKNOWN_MEMBER_ID)
            set_member_id(consumer, "");
    }
    consumer->need_join = consumer->subscribed;
    consumer_wake(consumer);
}

static bool lost_coordinator(enum err err)
{
    return err == ERR_NOT_COORDINATOR || err == ERR_COORDINATOR_NOT_AVAILABLE || err == ERR_NETWORK_EXCEPTION || err == ERR_REQUEST_TIMED_OUT ||
           err == ERR_BROKER_NOT_AVAILABLE;
}

/* ---- commits ---- */

static const struct offset_commit_request *commit_request(struct consumer *consumer, struct arena *arena)
{
    struct offset_commit_request *request = arena_alloc(arena, sizeof(*request));

    fields_preset(&offset_commit_request_message, request);
    request->group_id = consumer->group_id;
    request->generation_id_or_member_epoch = consumer->subscribed ? consumer->generation : -1;
    request->member_id = arena_text(arena, consumer->member_id, consumer->subscribed ? strlen(consumer->member_id) : 0);
    request->group_instance_id = consumer->subscribed ? consumer->instance_id : NULL;
    request->retention_time_ms = -1;
    request->topics.items = arena_alloc(arena, (consumer->part_count + 1) * sizeof(*request->topics.items));
    for (size_t i = 0; i < consumer->part_count; i++) {
        const struct part *part = consumer->parts[i];
        struct offset_commit_request_topic *topic = NULL;

        if (part->position < 0)
            continue;
        for (int32_t t = 0; t < request->topics.count; t++)
            if (!strcmp(request->topics.items[t].name, part->topic))
                topic = &request->topics.items[t];
        if (!topic) {
            topic = &request->topics.items[request->topics.count++];
            topic->name = arena_text(arena, part->topic, strlen(part->topic));
            topic->partitions.items = arena_alloc(arena, consumer->part_count * sizeof(*topic->partitions.items));
        }
        topic->partitions.items[topic->partitions.count++] = (struct offset_commit_request_partition){
            .partition_index = part->partition, .committed_offset = part->position, .committed_leader_epoch = part->position_epoch, .commit_timestamp = -1, .committed_metadata = "" };
    }
    return request->topics.count ? request : NULL;
}

static void on_committed(void *context, enum err err, void *out)
{
    struct later *later = context;
    struct consumer *consumer = later->consumer;
    const struct offset_commit_response *answer = out;

    for (int32_t t = 0; !err && t < answer->topics.count; t++)
        for (int32_t p = 0; !err && p < answer->topics.items[t].partitions.count; p++)
            err = (enum err)answer->topics.items[t].partitions.items[p].error_code;
    consumer_enter(consumer);
    if (later->over)
        *later->over = true;
    if (later->err)
        *later->err = err;
    if (!err && consumer->watch.committed && !consumer->closing)
        consumer->watch.committed(consumer->watch.context, later->positions, later->position_count);
    consumer_later_done(later);
    if (lost_coordinator(err))
        consumer->coordinator = -1;
    if (consumer->joining) /* it waits for this one */
        consumer_wake(consumer);
    else if (err == ERR_UNKNOWN_MEMBER_ID || err == ERR_ILLEGAL_GENERATION || err == ERR_REBALANCE_IN_PROGRESS || err == ERR_FENCED_INSTANCE_ID)
        rejoin(consumer, err);
    if (!consumer->closing)
        consumer_wake_waiter(consumer);
    consumer_leave(consumer);
}

bool consumer_group_send_commit(struct consumer *consumer, bool *over, enum err *err)
{
    const struct offset_commit_request *request;
    struct later *later;

    if (consumer->coordinator < 0 || !consumer->group_id || (consumer->subscribed && consumer->generation < 0))
        return false;
    later = consumer_later(consumer, API_OFFSET_COMMIT);
    request = commit_request(consumer, &later->arena);
    if (!request) {
        consumer_later_done(later);
        return false;
    }
    for (int32_t t = 0; t < request->topics.count; t++)
        later->position_count += (size_t)request->topics.items[t].partitions.count;
    later->positions = arena_alloc(&later->arena, (later->position_count + 1) * sizeof(*later->positions));
    for (int32_t t = 0, n = 0; t < request->topics.count; t++)
        for (int32_t p = 0; p < request->topics.items[t].partitions.count; p++)
            later->positions[n++] = (struct consumer_position){ request->topics.items[t].name, request->topics.items[t].partitions.items[p].partition_index,
                                                                request->topics.items[t].partitions.items[p].committed_offset };
    later->over = over;
    later->err = err;
    consumer_send_later(later, coordinator_node(consumer), 9, request, on_committed); /* 10 names topics by id */
    return true;
}

void consumer_group_arm_commit(struct consumer *consumer)
{
    if (consumer->auto_commit && !timer_armed(&consumer->commit))
        timer_arm(consumer->timers, &consumer->commit, consumer->auto_commit_us);
}

/* Only what poll gave before its present call is sure to be dealt with, so it happens within poll. */
static void on_commit_due(void *context)
{
    struct consumer *consumer = context;

    if (!consumer->polling || consumer->joining || consumer->need_join)
        return; /* the next poll arms it again */
    consumer_enter(consumer);
    consumer_group_send_commit(consumer, NULL, NULL);
    if (!consumer->closing)
        consumer_group_arm_commit(consumer);
    consumer_leave(consumer);
}

/* ---- heartbeats ---- */

static void on_heartbeat(void *context, enum err err, void *out)
{
    struct later *later = context;
    struct consumer *consumer = later->consumer;
    const struct heartbeat_response *answer = out;

    consumer->heartbeat_flies = false;
    if (!err)
        err = (enum err)answer->error_code;
    consumer_later_done(later);
    if (lost_coordinator(err)) {
        consumer->coordinator = -1;
        consumer_wake(consumer); /* here too */
    } else if (err && err != ERR_COORDINATOR_LOAD_IN_PROGRESS && !consumer->joining) {
        rejoin(consumer, err);
    }
}

static void send_heartbeat(struct consumer *consumer)
{
    struct later *later = consumer_later(consumer, API_HEARTBEAT);
    struct heartbeat_request *request = arena_alloc(&later->arena, sizeof(*request));

    fields_preset(&heartbeat_request_message, request);
    request->group_id = consumer->group_id;
    request->generation_id = consumer->generation;
    request->member_id = arena_text(&later->arena, consumer->member_id, strlen(consumer->member_id));
    request->group_instance_id = consumer->instance_id;
    consumer->heartbeat_flies = true;
    consumer_send_later(later, coordinator_node(consumer), -1, request, on_heartbeat);
}

static void on_heartbeat_due(void *context)
{
    struct consumer *consumer = context;
    int64_t silent_us = consumer_now_us(consumer) - consumer->last_poll_us;

    if (consumer->generation < 0 || consumer->joining)
        return;
    consumer_enter(consumer);
    if (!consumer->polling && silent_us > consumer->max_poll_us) {
        consumer_warn(consumer, "WARN", coordinator_logger,
                      "consumer poll timeout has expired. This means the time between subsequent calls to poll() was longer than the configured "
                      "max.poll.interval.ms, which typically implies that the poll loop is spending too much time processing messages. You can address this "
                      "either by increasing max.poll.interval.ms or by reducing the maximum size of batches returned in poll() with max.poll.records.");
        consumer_group_send_leave(consumer, NULL);
        consumer->generation = -1;
        set_member_id(consumer, "");
        consumer->need_join = true; /* at the next poll */
    } else {
        timer_arm(consumer->timers, &consumer->heartbeat, consumer->heartbeat_us);
        if (!consumer->heartbeat_flies && consumer->coordinator >= 0)
            send_heartbeat(consumer);
    }
    consumer_leave(consumer);
}

/* ---- leaving ---- */

static void on_left(void *context, enum err err, void *out)
{
    struct later *later = context;
    struct consumer *consumer = later->consumer;

    (void)err, (void)out;
    if (later->over)
        *later->over = true;
    consumer_later_done(later);
    consumer_wake_waiter(consumer); /* the last word: it may be gone now */
}

/* Members with an instance id stay: they come back before their session is over. */
bool consumer_group_send_leave(struct consumer *consumer, bool *over)
{
    struct leave_group_request *request;
    struct leave_group_request_member *member;
    struct later *later;

    if (!consumer->subscribed || consumer->coordinator < 0 || !*consumer->member_id || consumer->instance_id)
        return false;
    later = consumer_later(consumer, API_LEAVE_GROUP);
    request = arena_alloc(&later->arena, sizeof(*request));
    member = arena_alloc(&later->arena, sizeof(*member));
    fields_preset(&leave_group_request_message, request);
    member->member_id = arena_text(&later->arena, consumer->member_id, strlen(consumer->member_id));
    member->group_instance_id = NULL;
    member->reason = "the consumer is being closed";
    request->group_id = consumer->group_id;
    request->member_id = member->member_id;
    request->members.items = member;
    request->members.count = 1;
    later->over = over;
    /* A JoinGroup that is parked holds its connection up: past it by the other one. */
    consumer_send_later(later, consumer->joining ? consumer->coordinator : coordinator_node(consumer), -1, request, on_left);
    return true;
}

/* ---- joining ---- */

void consumer_group_revoke(struct consumer *consumer)
{
    if (consumer->part_count && consumer->subscribed)
        consumer_tell(consumer, consumer->generation < 0 ? TOLD_LOST : TOLD_REVOKED, consumer->parts, consumer->part_count);
    consumer_clear_parts(consumer);
    consumer->joined = false;
}

/* A version and the message behind it, in the arena. */
static struct bytes protocol_bytes(const struct message *message, int16_t version, const void *in, struct arena *arena)
{
    struct frame frame = { 0 };
    struct bytes bytes;
    uint8_t *copy;

    if (fields_encode(message, version, in, &frame, NULL)) {
        frame_done(&frame);
        return bytes_text("");
    }
    copy = arena_alloc(arena, frame.bytes.size + 2);
    put_u16(copy, (uint16_t)version);
    memcpy(copy + 2, frame.bytes.data, frame.bytes.size);
    bytes = (struct bytes){ copy, frame.bytes.size + 2 };
    frame_done(&frame);
    return bytes;
}

static struct bytes my_subscription(struct consumer *consumer, struct arena *arena)
{
    struct consumer_protocol_subscription mine;

    fields_preset(&consumer_protocol_subscription_message, &mine);
    mine.topics.items = (const char **)consumer->topics;
    mine.topics.count = (int32_t)consumer->topic_count;
    mine.generation_id = -1;
    return protocol_bytes(&consumer_protocol_subscription_message, consumer->is_27 ? 1 : 3, &mine, arena);
}

static void fill_join(struct consumer *consumer, struct join_group_request *request, struct arena *arena)
{
    fields_preset(&join_group_request_message, request);
    request->group_id = consumer->group_id;
    request->session_timeout_ms = consumer->session_ms;
    request->rebalance_timeout_ms = consumer->max_poll_ms;
    request->member_id = arena_text(arena, consumer->member_id, strlen(consumer->member_id));
    request->group_instance_id = consumer->instance_id;
    request->protocol_type = "consumer";
    request->protocols.items = arena_alloc(arena, (size_t)consumer->strategy_count * sizeof(*request->protocols.items));
    request->protocols.count = consumer->strategy_count;
    for (int i = 0; i < consumer->strategy_count; i++)
        request->protocols.items[i] = (struct join_group_request_protocol){ consumer->strategies[i], my_subscription(consumer, arena) };
    request->reason = "";
}

/* The members' wishes as they told them; false: one of them can't be read. */
static bool read_wishes(const struct join_group_response *group, struct member_wish *members, struct arena *arena)
{
    for (int32_t i = 0; i < group->members.count; i++) {
        const struct join_group_response_member *member = &group->members.items[i];
        struct consumer_protocol_subscription *wish = arena_alloc(arena, sizeof(*wish));
        struct reader reader = reader_of(member->metadata);
        int16_t version = reader_i16(&reader);

        if (reader.failed || version < 0 || fields_decode(&consumer_protocol_subscription_message, version > 3 ? 3 : version, &reader, arena, wish, NULL))
            return false;
        members[i] = (struct member_wish){ member->member_id, member->group_instance_id, wish->topics.items, wish->topics.count > 0 ? wish->topics.count : 0 };
    }
    return true;
}

/* What a leader keeps an eye on: the topics of all. */
static void take_lead(struct consumer *consumer, const struct member_wish *members, size_t count)
{
    size_t capacity = 0;

    forget_lead(consumer);
    consumer->leads = true;
    for (size_t m = 0; m < count; m++)
        for (int32_t t = 0; t < members[m].topic_count; t++) {
            bool known = false;

            for (size_t i = 0; i < consumer->group_topic_count; i++)
                known |= !strcmp(consumer->group_topics[i], members[m].topics[t]);
            if (!known)
                ARRAY_ADD(consumer->group_topics, consumer->group_topic_count, capacity) = mem_text(members[m].topics[t]);
        }
}

static int64_t partitions_of(const struct consumer *consumer, const char *topic)
{
    const struct client_topic *known = client_topic(consumer->client, topic);

    return known && !known->err ? known->partition_count : 0;
}

static void take_snapshot(struct consumer *consumer)
{
    mem_free(consumer->snapshot);
    consumer->snapshot = mem_zero_array(consumer->group_topic_count + 1, sizeof(*consumer->snapshot));
    for (size_t i = 0; i < consumer->group_topic_count; i++)
        consumer->snapshot[i] = partitions_of(consumer, consumer->group_topics[i]);
}

void consumer_group_check_metadata(struct consumer *consumer)
{
    for (size_t i = 0; consumer->leads && consumer->snapshot && i < consumer->group_topic_count; i++)
        if (partitions_of(consumer, consumer->group_topics[i]) != consumer->snapshot[i])
            consumer->need_join = true;
}

static void say_unassigned(struct consumer *consumer)
{
    struct text topics = { 0 };

    for (size_t i = 0; i < consumer->group_topic_count; i++)
        if (!partitions_of(consumer, consumer->group_topics[i]))
            text_printf(&topics, "%s%s", topics.size ? ", " : "", consumer->group_topics[i]);
    if (topics.size && consumer->is_27)
        consumer_warn(consumer, "WARN", coordinator_logger, "The following subscribed topics are not assigned to any members: [%s] ", text_chars(&topics));
    text_done(&topics);
}

/* One member's part of what was dealt. */
static struct bytes assignment_of(const struct dealt *dealt, size_t count, size_t member, int16_t version, struct arena *arena)
{
    struct consumer_protocol_assignment mine;
    const char **topics = arena_alloc(arena, (count + 1) * sizeof(*topics));
    size_t topic_count = 0;

    fields_preset(&consumer_protocol_assignment_message, &mine);
    for (size_t i = 0; i < count; i++)
        if (dealt[i].member == member && (!topic_count || strcmp(topics[topic_count - 1], dealt[i].topic)))
            topics[topic_count++] = dealt[i].topic;
    consumer_assign_java_order(topics, topic_count);
    mine.assigned_partitions.items = arena_alloc(arena, (topic_count + 1) * sizeof(*mine.assigned_partitions.items));
    for (size_t t = 0; t < topic_count; t++) {
        struct consumer_protocol_assignment_topic *topic = &mine.assigned_partitions.items[mine.assigned_partitions.count++];

        topic->topic = topics[t];
        topic->partitions.items = arena_alloc(arena, (count + 1) * sizeof(int32_t));
        for (size_t i = 0; i < count; i++)
            if (dealt[i].member == member && !strcmp(dealt[i].topic, topics[t]))
                topic->partitions.items[topic->partitions.count++] = dealt[i].partition;
    }
    return protocol_bytes(&consumer_protocol_assignment_message, version, &mine, arena);
}

/* As the leader of the group: deals all partitions out. False: interrupted, or somebody's wish can't be read. */
static bool deal(struct consumer *consumer, const struct join_group_response *group, struct sync_group_request *request, struct arena *arena)
{
    size_t member_count = (size_t)group->members.count, count;
    struct member_wish *members = arena_alloc(arena, (member_count + 1) * sizeof(*members));
    struct dealt *dealt;

    if (!read_wishes(group, members, arena))
        return false;
    take_lead(consumer, members, member_count);
    client_metadata(consumer->worker, consumer->client, (const char *const *)consumer->group_topics, (int32_t)consumer->group_topic_count, consumer->auto_create,
                    false, NULL);
    if (task_interrupted(consumer->worker))
        return false;
    take_snapshot(consumer);
    say_unassigned(consumer);
    dealt = consumer_assign_partitions(group->protocol_name, members, member_count, consumer->client, &count);
    request->assignments.items = arena_alloc(arena, (member_count + 1) * sizeof(*request->assignments.items));
    for (size_t m = 0; m < member_count; m++)
        request->assignments.items[request->assignments.count++] =
            (struct sync_group_request_assignment){ members[m].member_id, assignment_of(dealt, count, m, consumer->is_27 ? 1 : 3, arena) };
    mem_free(dealt);
    return true;
}

static void take_assignment(struct consumer *consumer, struct bytes bytes)
{
    struct consumer_protocol_assignment mine;
    struct reader reader = reader_of(bytes);
    struct arena arena;
    int16_t version = reader_i16(&reader);

    arena_init(&arena);
    consumer_clear_parts(consumer);
    if (bytes.size && !reader.failed && version >= 0 &&
        !fields_decode(&consumer_protocol_assignment_message, version > 3 ? 3 : version, &reader, &arena, &mine, NULL))
        for (int32_t t = 0; t < mine.assigned_partitions.count; t++)
            for (int32_t p = 0; p < mine.assigned_partitions.items[t].partitions.count; p++)
                consumer_add_part(consumer, mine.assigned_partitions.items[t].topic, mine.assigned_partitions.items[t].partitions.items[p]);
    arena_done(&arena);
    consumer_tell(consumer, TOLD_ASSIGNED, consumer->parts, consumer->part_count);
    for (size_t i = 0; i < consumer->part_count; i++)
        if (!client_topic(consumer->client, consumer->parts[i]->topic) || partitions_of(consumer, consumer->parts[i]->topic) <= consumer->parts[i]->partition)
            consumer_refresh_metadata(consumer);
}

static enum err sync_group(struct consumer *consumer, const struct join_group_response *group, struct arena *arena)
{
    const struct sync_group_response *answer;
    struct sync_group_request request;
    void *out;
    enum err err;

    fields_preset(&sync_group_request_message, &request);
    request.group_id = consumer->group_id;
    request.generation_id = group->generation_id;
    request.member_id = group->member_id;
    request.group_instance_id = consumer->instance_id;
    request.protocol_type = "consumer";
    request.protocol_name = group->protocol_name;
    if (text_equal(group->leader, group->member_id) && !group->skip_assignment) {
        if (!deal(consumer, group, &request, arena))
            return task_interrupted(consumer->worker) ? ERR_NETWORK_EXCEPTION : ERR_INCONSISTENT_GROUP_PROTOCOL;
    } else {
        forget_lead(consumer);
    }
    err = client_call(consumer->worker, consumer->client, coordinator_node(consumer), API_SYNC_GROUP, -1, &request, arena, &out, NULL);
    if (err)
        return err;
    answer = out;
    if (answer->error_code)
        return (enum err)answer->error_code;
    consumer->generation = group->generation_id;
    consumer->need_join = false;
    take_assignment(consumer, answer->assignment);
    return ERR_OK;
}

static enum err join_group(struct consumer *consumer, struct arena *arena)
{
    struct join_group_request request;
    const struct join_group_response *answer;
    void *out;
    enum err err;

    fill_join(consumer, &request, arena);
    err = client_call(consumer->worker, consumer->client, coordinator_node(consumer), API_JOIN_GROUP, -1, &request, arena, &out, NULL);
    if (err)
        return err;
    answer = out;
    if (answer->error_code == ERR_MEMBER_ID_REQUIRED)
        set_member_id(consumer, answer->member_id);
    if (answer->error_code)
        return (enum err)answer->error_code;
    if (!answer->protocol_name || !consumer_assign_knows(answer->protocol_name))
        return ERR_INCONSISTENT_GROUP_PROTOCOL;
    set_member_id(consumer, answer->member_id);
    return sync_group(consumer, answer, arena);
}

/* What follows from an error of JoinGroup or SyncGroup; those that time does not heal go to who polls. */
static void join_failed(struct consumer *consumer, enum err err)
{
    if (err == ERR_MEMBER_ID_REQUIRED || err == ERR_REBALANCE_IN_PROGRESS)
        return; /* at once again */
    if (err == ERR_UNKNOWN_MEMBER_ID || err == ERR_ILLEGAL_GENERATION) {
        consumer->generation = -1;
        set_member_id(consumer, "");
        return;
    }
    if (lost_coordinator(err) || err == ERR_COORDINATOR_LOAD_IN_PROGRESS || err_retriable(err)) {
        if (lost_coordinator(err))
            consumer->coordinator = -1;
        consumer_sleep(consumer, consumer->backoff_us);
        return;
    }
    consumer->need_join = false;
    consumer_fail(consumer, err, "%s", err_message(err));
}

/* Before a rebalance: commits what was given, gives all partitions back. */
static void prepare(struct consumer *consumer)
{
    bool over = false;

    timer_cancel(&consumer->heartbeat);
    timer_cancel(&consumer->commit);
    if (consumer->auto_commit && consumer->joined && consumer_group_send_commit(consumer, &over, NULL)) {
        struct task *worker = consumer->worker;

        while (!over && task_wait(worker)) /* on_committed wakes us */
            ;
    }
}

static void join(struct consumer *consumer)
{
    consumer->joining = true;
    prepare(consumer);
    if (!task_interrupted(consumer->worker))
        consumer_group_revoke(consumer);
    while (!task_interrupted(consumer->worker) && consumer->need_join && consumer->coordinator >= 0) {
        struct arena arena;
        enum err err;

        arena_init(&arena);
        err = join_group(consumer, &arena);
        arena_done(&arena);
        if (task_interrupted(consumer->worker))
            return;
        if (err)
            join_failed(consumer, err);
    }
    if (task_interrupted(consumer->worker))
        return;
    consumer->joining = false;
    consumer->joined = !consumer->need_join && consumer->generation >= 0;
    if (consumer->joined)
        timer_arm(consumer->timers, &consumer->heartbeat, consumer->heartbeat_us);
    consumer->pending = true;
}

void consumer_group_step(struct consumer *consumer)
{
    struct reason reason = { "" };
    int32_t node;
    enum err err;

    bool wanted = consumer->subscribed || consumer->auto_commit;

    for (size_t i = 0; i < consumer->part_count; i++)
        wanted |= consumer->parts[i]->want == WANT_COMMITTED;
    if (!consumer->group_id || !wanted || !consumer->polling)
        return;
    if (consumer->coordinator < 0 && consumer->polling && consumer->metadata_known) {
        err = client_group_coordinator(consumer->worker, consumer->client, consumer->group_id, true, &node, &reason);
        if (task_interrupted(consumer->worker))
            return;
        if (!err)
            consumer->coordinator = node;
        else if (!err_retriable(err))
            consumer_fail(consumer, err, "%s", reason.text);
        else
            consumer_wake_in(consumer, consumer->backoff_us);
    }
    if (consumer->subscribed && consumer->need_join && consumer->polling && consumer->metadata_known && consumer->coordinator >= 0 && !consumer->failed)
        join(consumer);
    if (!task_interrupted(consumer->worker) && consumer->need_join && consumer->coordinator < 0)
        consumer_wake_in(consumer, consumer->backoff_us);
    if (!task_interrupted(consumer->worker) && consumer->auto_commit && (consumer->joined || !consumer->subscribed))
        consumer_group_arm_commit(consumer);
}
