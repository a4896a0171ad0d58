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
    if (err == ERR_FENCED_INSTANCE_ID) { /* another took its place: it ends */
        consumer->generation = -1;
        consumer->need_join = false;
        consumer_fail(consumer, err, "%s", err_message(err));
        consumer_wake_waiter(consumer);
        return;
    }
    if (err == ERR_UNKNOWN_MEMBER_ID || err == ERR_ILLEGAL_GENERATION) {
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

static void consumer_group_arm_commit(struct consumer *consumer)
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
    if (!err || err == ERR_REBALANCE_IN_PROGRESS)
        consumer->heard_us = consumer_now_us(consumer);
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
        if (consumer->coordinator >= 0 && consumer_now_us(consumer) - consumer->heard_us > (int64_t)consumer->session_ms * 1000) {
            consumer->coordinator = -1; /* it has not answered for as long as a session lasts: is it still the one? */
            consumer->heard_us = consumer_now_us(consumer);
            consumer_wake(consumer);
        } else if (!consumer->heartbeat_flies && consumer->coordinator >= 0) {
            send_heartbeat(consumer);
        }
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
        request->protocols.items[i] = (struct join_group_request_protocol){ consumer->strategies[i], consumer_protocol_subscription(consumer, consumer->strategies[i], arena) };
    request->reason = "";
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

/* What a leader deals by: the number of partitions and, if it tells its own rack (4.3), the racks of each one's replicas. */
static int64_t shape_of(const struct consumer *consumer, const char *topic)
{
    int64_t count = partitions_of(consumer, topic);

    return consumer->is_27 || !consumer->rack || !*consumer->rack ? count : racks_shape(consumer->client, topic, count);
}

static void take_snapshot(struct consumer *consumer)
{
    mem_free(consumer->snapshot);
    consumer->snapshot = mem_zero_array(consumer->group_topic_count + 1, sizeof(*consumer->snapshot));
    for (size_t i = 0; i < consumer->group_topic_count; i++)
        consumer->snapshot[i] = shape_of(consumer, consumer->group_topics[i]);
}

void consumer_group_check_metadata(struct consumer *consumer)
{
    for (size_t i = 0; consumer->leads && consumer->snapshot && i < consumer->group_topic_count; i++)
        if (shape_of(consumer, consumer->group_topics[i]) != consumer->snapshot[i])
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

/* As the leader of the group: deals all partitions out. False: interrupted, or somebody's wish can't be read. */
static bool deal(struct consumer *consumer, const struct join_group_response *group, struct sync_group_request *request, struct arena *arena)
{
    size_t member_count = (size_t)group->members.count, count;
    struct member_wish *members = arena_alloc(arena, (member_count + 1) * sizeof(*members));
    struct dealt *dealt;

    if (!consumer_protocol_wishes(consumer, group, members, arena))
        return false;
    take_lead(consumer, members, member_count);
    client_metadata(consumer->worker, consumer->client, (const char *const *)consumer->group_topics, (int32_t)consumer->group_topic_count, consumer->auto_create,
                    false, NULL);
    if (task_interrupted(consumer->worker))
        return false;
    take_snapshot(consumer);
    say_unassigned(consumer);
    dealt = consumer_assign_partitions(group->protocol_name, consumer->is_27, members, member_count, consumer->client, &count);
    request->assignments.items = arena_alloc(arena, (member_count + 1) * sizeof(*request->assignments.items));
    for (size_t m = 0; m < member_count; m++)
        request->assignments.items[request->assignments.count++] =
            (struct sync_group_request_assignment){ members[m].member_id, consumer_protocol_assignment(consumer, dealt, count, m, arena) };
    mem_free(dealt);
    return true;
}

static bool owns(const struct consumer *consumer, const char *topic, int32_t partition)
{
    for (size_t i = 0; i < consumer->part_count; i++)
        if (consumer->parts[i]->partition == partition && !strcmp(consumer->parts[i]->topic, topic))
            return true;
    return false;
}

/* Gives up those for which `goes` is true, and says so first. True: there were any. */
static bool give_up(struct consumer *consumer, enum told what, bool (*goes)(const struct consumer *, const struct part *, const void *), const void *context)
{
    struct part **going = mem_zero_array(consumer->part_count + 1, sizeof(*going));
    size_t count = 0, kept = 0;

    for (size_t i = 0; i < consumer->part_count; i++)
        if (goes(consumer, consumer->parts[i], context))
            going[count++] = consumer->parts[i];
    if (count)
        consumer_tell(consumer, what, going, count);
    for (size_t i = 0; i < consumer->part_count; i++) {
        bool leaves = false;

        for (size_t k = 0; k < count; k++)
            leaves |= going[k] == consumer->parts[i];
        if (leaves)
            consumer_free_part(consumer->parts[i]);
        else
            consumer->parts[kept++] = consumer->parts[i];
    }
    consumer->part_count = kept;
    mem_free(going);
    return count > 0;
}

static bool all_go(const struct consumer *consumer, const struct part *part, const void *context)
{
    (void)consumer, (void)part, (void)context;
    return true;
}

static bool not_subscribed(const struct consumer *consumer, const struct part *part, const void *context)
{
    (void)context;
    for (size_t i = 0; i < consumer->topic_count; i++)
        if (!strcmp(consumer->topics[i], part->topic))
            return false;
    return true;
}

static bool not_assigned(const struct consumer *consumer, const struct part *part, const void *context)
{
    const struct consumer_protocol_assignment *mine = context;

    (void)consumer;
    for (int32_t t = 0; t < mine->assigned_partitions.count; t++)
        for (int32_t p = 0; p < mine->assigned_partitions.items[t].partitions.count; p++)
            if (mine->assigned_partitions.items[t].partitions.items[p] == part->partition && !strcmp(mine->assigned_partitions.items[t].topic, part->topic))
                return false;
    return true;
}

/* What a member has during a rebalance: nothing, unless its strategies let it keep what stays its own. Who was thrown out has lost all. */
static void consumer_group_revoke(struct consumer *consumer)
{
    bool lost = consumer->generation < 0 || !*consumer->member_id;

    if (!consumer->subscribed)
        consumer_clear_parts(consumer);
    else if (lost)
        give_up(consumer, TOLD_LOST, all_go, NULL);
    else
        give_up(consumer, TOLD_REVOKED, consumer->cooperative ? not_subscribed : all_go, NULL);
    consumer->joined = false;
}

void consumer_group_give_all_back(struct consumer *consumer)
{
    if (consumer->subscribed)
        give_up(consumer, consumer->generation < 0 || consumer->need_join || consumer->joining ? TOLD_LOST : TOLD_REVOKED, all_go, NULL);
}

static void take_assignment(struct consumer *consumer, const char *strategy, struct bytes bytes)
{
    struct consumer_protocol_assignment mine;
    struct arena arena;
    size_t kept;

    arena_init(&arena);
    if (!consumer_protocol_read_assignment(bytes, &mine, &arena))
        mine = (struct consumer_protocol_assignment){ 0 };
    if (consumer->cooperative && give_up(consumer, TOLD_REVOKED, not_assigned, &mine))
        consumer->need_join = true; /* who gets those is to be settled, now that they are free */
    kept = consumer->part_count;
    for (int32_t t = 0; t < mine.assigned_partitions.count; t++)
        for (int32_t p = 0; p < mine.assigned_partitions.items[t].partitions.count; p++)
            if (!owns(consumer, mine.assigned_partitions.items[t].topic, mine.assigned_partitions.items[t].partitions.items[p]))
                consumer_add_part(consumer, mine.assigned_partitions.items[t].topic, mine.assigned_partitions.items[t].partitions.items[p]);
    consumer_protocol_remember(consumer, strategy);
    arena_done(&arena);
    consumer_tell(consumer, TOLD_ASSIGNED, consumer->parts + kept, consumer->part_count - kept);
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
    take_assignment(consumer, group->protocol_name, answer->assignment);
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
    enum { MOST_AT_ONCE = 10 };      /* tries in one moment; over a real network some time passes with each */
    int64_t tried_us = -1;
    bool in = false;
    int tries = 0;

    consumer->joining = true;
    prepare(consumer);
    if (!task_interrupted(consumer->worker))
        consumer_group_revoke(consumer);
    while (!task_interrupted(consumer->worker) && !in && consumer->need_join && consumer->coordinator >= 0) {
        struct arena arena;
        enum err err;

        arena_init(&arena);
        err = join_group(consumer, &arena);
        arena_done(&arena);
        if (task_interrupted(consumer->worker))
            return;
        in = !err;
        if (err)
            join_failed(consumer, err);
        tries = tried_us == consumer_now_us(consumer) ? tries + 1 : 0;
        tried_us = consumer_now_us(consumer);
        if (tries >= MOST_AT_ONCE)
            consumer_sleep(consumer, consumer->backoff_us);
        if (consumer->part_count && consumer->generation < 0) /* thrown out while it kept some */
            consumer_group_revoke(consumer);
    }
    if (task_interrupted(consumer->worker))
        return;
    consumer->joining = false;
    consumer->joined = in && consumer->generation >= 0;
    if (consumer->joined) {
        consumer->heard_us = consumer_now_us(consumer);
        timer_arm(consumer->timers, &consumer->heartbeat, consumer->heartbeat_us);
    }
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
