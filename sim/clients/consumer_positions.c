/* Positions: where to read on, by the group, by the log's ends, and whether they still hold under another leader. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/clients/consumer_internal.h"

const struct client_partition *consumer_leader(const struct consumer *consumer, const struct part *part)
{
    const struct client_topic *topic = client_topic(consumer->client, part->topic);

    return topic && !topic->err && part->partition >= 0 && part->partition < topic->partition_count && topic->partitions[part->partition].leader >= 0
               ? &topic->partitions[part->partition] : NULL;
}

/* ---- positions from the group ---- */

static void take_committed(struct consumer *consumer, const char *topic, int32_t partition, int64_t offset, int32_t epoch)
{
    for (size_t i = 0; i < consumer->part_count; i++) {
        struct part *part = consumer->parts[i];

        if (part->want != WANT_COMMITTED || part->partition != partition || strcmp(part->topic, topic))
            continue;
        part_move(part, offset, epoch);
        part->want = offset >= 0 ? WANT_NOTHING : consumer->reset == RESET_EARLIEST ? WANT_EARLIEST : WANT_LATEST;
        if (offset < 0 && consumer->reset == RESET_NONE) {
            part->want = WANT_COMMITTED;
            consumer_fail(consumer, ERR_OFFSET_OUT_OF_RANGE, "Undefined offset with no reset policy for partitions: [%s-%d]", topic, partition);
        }
    }
}

static void fill_committed(struct consumer *consumer, struct offset_fetch_request *request, struct arena *arena)
{
    struct offset_fetch_request_group *group = arena_alloc(arena, sizeof(*group));
    size_t most = consumer->part_count + 1;

    fields_preset(&offset_fetch_request_message, request);
    request->group_id = group->group_id = consumer->group_id;
    request->require_stable = consumer->read_committed;
    request->groups.items = group;
    request->groups.count = 1;
    group->member_epoch = -1;
    request->topics.items = arena_alloc(arena, most * sizeof(*request->topics.items));
    group->topics.items = arena_alloc(arena, most * sizeof(*group->topics.items));
    for (size_t i = 0; i < consumer->part_count; i++) {
        const struct part *part = consumer->parts[i];
        int32_t t = 0;

        if (part->want != WANT_COMMITTED)
            continue;
        while (t < request->topics.count && strcmp(request->topics.items[t].name, part->topic))
            t++;
        if (t == request->topics.count) {
            request->topics.items[t].name = group->topics.items[t].name = arena_text(arena, part->topic, strlen(part->topic));
            request->topics.items[t].partition_indexes.items = group->topics.items[t].partition_indexes.items = arena_alloc(arena, most * sizeof(int32_t));
            request->topics.count = group->topics.count = t + 1;
        }
        request->topics.items[t].partition_indexes.items[request->topics.items[t].partition_indexes.count++] = part->partition;
        group->topics.items[t].partition_indexes.count = request->topics.items[t].partition_indexes.count;
    }
}

static enum err ask_committed(struct consumer *consumer)
{
    struct offset_fetch_request request;
    const struct offset_fetch_response *answer;
    struct arena arena;
    void *out;
    enum err err;

    arena_init(&arena);
    fill_committed(consumer, &request, &arena);
    err = client_call(consumer->worker, consumer->client, client_coordinator_node(consumer->coordinator), API_OFFSET_FETCH, 9, &request, &arena, &out, NULL);
    answer = out;
    if (!err)
        err = (enum err)(answer->groups.count > 0 ? answer->groups.items[0].error_code : answer->error_code);
    if (!err && answer->groups.count > 0) {
        for (int32_t t = 0; t < answer->groups.items[0].topics.count; t++)
            for (int32_t p = 0; p < answer->groups.items[0].topics.items[t].partitions.count; p++) {
                const struct offset_fetch_response_group_topic_partition *found = &answer->groups.items[0].topics.items[t].partitions.items[p];

                if (found->error_code)
                    err = (enum err)found->error_code;
                else
                    take_committed(consumer, answer->groups.items[0].topics.items[t].name, found->partition_index, found->committed_offset,
                                   found->committed_leader_epoch);
            }
    } else if (!err) {
        for (int32_t t = 0; t < answer->topics.count; t++)
            for (int32_t p = 0; p < answer->topics.items[t].partitions.count; p++) {
                const struct offset_fetch_response_partition *found = &answer->topics.items[t].partitions.items[p];

                if (found->error_code)
                    err = (enum err)found->error_code;
                else
                    take_committed(consumer, answer->topics.items[t].name, found->partition_index, found->committed_offset,
                                   found->committed_leader_epoch);
            }
    }
    arena_done(&arena);
    return err;
}

bool consumer_any_wants(const struct consumer *consumer, enum want least)
{
    for (size_t i = 0; i < consumer->part_count; i++)
        if (consumer->parts[i]->want >= least && (least > WANT_COMMITTED || consumer->parts[i]->want == WANT_COMMITTED))
            return true;
    return false;
}

static void committed_step(struct consumer *consumer)
{
    enum err err;

    if (!consumer->group_id) {
        for (size_t i = 0; i < consumer->part_count; i++)
            if (consumer->parts[i]->want == WANT_COMMITTED)
                take_committed(consumer, consumer->parts[i]->topic, consumer->parts[i]->partition, -1, -1);
        return;
    }
    if (consumer->coordinator < 0)
        return; /* consumer_group_step looks for it */
    err = ask_committed(consumer);
    if (task_interrupted(consumer->worker) || !err)
        return;
    if (err == ERR_NOT_COORDINATOR || err == ERR_COORDINATOR_NOT_AVAILABLE || err == ERR_NETWORK_EXCEPTION || err == ERR_REQUEST_TIMED_OUT)
        consumer->coordinator = -1;
    if (err_retriable(err))
        consumer_wake_in(consumer, consumer->backoff_us);
    else
        consumer_fail(consumer, err, "%s", err_message(err));
}

/* ---- positions from the log's ends ---- */

static void take_offset(struct consumer *consumer, const char *topic, const struct list_offsets_response_partition *found)
{
    for (size_t i = 0; i < consumer->part_count; i++) {
        struct part *part = consumer->parts[i];

        if (part->want < WANT_EARLIEST || part->partition != found->partition_index || strcmp(part->topic, topic))
            continue;
        if (found->error_code) {
            part->retry_at_us = consumer_now_us(consumer) + consumer->backoff_us;
            consumer_refresh_metadata(consumer);
        } else {
            part_move(part, found->offset >= 0 ? found->offset : found->old_style_offsets.count > 0 ? found->old_style_offsets.items[0] : 0,
                      found->leader_epoch);
            part->want = WANT_NOTHING;
        }
    }
}

static bool asks_end(const struct consumer *consumer, const struct part *part, int32_t node)
{
    const struct client_partition *leader = part->want >= WANT_EARLIEST && part->retry_at_us <= consumer_now_us(consumer) ? consumer_leader(consumer, part) : NULL;

    return leader && leader->leader == node;
}

static void ask_ends(struct consumer *consumer, int32_t node)
{
    struct list_offsets_request request;
    const struct list_offsets_response *answer;
    struct arena arena;
    void *out;
    enum err err;

    arena_init(&arena);
    fields_preset(&list_offsets_request_message, &request);
    request.replica_id = -1;
    request.isolation_level = consumer->read_committed;
    request.timeout_ms = 30000;
    request.topics.items = arena_alloc(&arena, (consumer->part_count + 1) * sizeof(*request.topics.items));
    for (size_t i = 0; i < consumer->part_count; i++) {
        const struct part *part = consumer->parts[i];
        struct list_offsets_request_topic *topic;

        if (!asks_end(consumer, part, node))
            continue;
        topic = &request.topics.items[request.topics.count++];
        topic->name = arena_text(&arena, part->topic, strlen(part->topic));
        topic->partitions.items = arena_alloc(&arena, sizeof(*topic->partitions.items));
        topic->partitions.items[topic->partitions.count++] = (struct list_offsets_request_partition){
            .partition_index = part->partition, .current_leader_epoch = consumer_leader(consumer, part)->leader_epoch, .timestamp = part->want == WANT_EARLIEST ? -2 : -1, .max_num_offsets = 1 };
    }
    err = client_call(consumer->worker, consumer->client, node, API_LIST_OFFSETS, -1, &request, &arena, &out, NULL);
    answer = out;
    if (!task_interrupted(consumer->worker)) {
        for (int32_t t = 0; !err && t < answer->topics.count; t++)
            for (int32_t p = 0; p < answer->topics.items[t].partitions.count; p++)
                take_offset(consumer, answer->topics.items[t].name, &answer->topics.items[t].partitions.items[p]);
        for (size_t i = 0; err && i < consumer->part_count; i++)
            if (asks_end(consumer, consumer->parts[i], node))
                consumer->parts[i]->retry_at_us = consumer_now_us(consumer) + consumer->backoff_us;
        if (err)
            consumer_refresh_metadata(consumer);
    }
    arena_done(&arena);
}

/* ---- does a position still lie in the log of who leads now? ---- */

/* Another leads than when it was found right: what was read may have been cut off meanwhile. */
bool consumer_unsure(const struct consumer *consumer, const struct part *part)
{
    const struct client_partition *leader = consumer_leader(consumer, part);

    return leader && part->want == WANT_NOTHING && part->position >= 0 && part->position_epoch >= 0 && leader->leader_epoch >= 0 &&
           part->sure_epoch != leader->leader_epoch;
}

static void cut_short(struct consumer *consumer, struct part *part, const struct offset_for_leader_epoch_response_partition *found)
{
    if (consumer->reset == RESET_NONE) {
        consumer_fail(consumer, ERR_OFFSET_OUT_OF_RANGE, "Detected truncated partitions: {%s-%d=%lld}", part->topic, part->partition, (long long)part->position);
        part->retry_at_us = consumer_now_us(consumer) + consumer->backoff_us;
    } else if (found->end_offset < 0 || found->leader_epoch < 0) {
        part_move(part, -1, -1);
        part->want = consumer->reset == RESET_EARLIEST ? WANT_EARLIEST : WANT_LATEST;
    } else {
        part_move(part, found->end_offset, found->leader_epoch);
    }
    consumer->cut_short++;
}

static void take_end(struct consumer *consumer, const char *topic, const struct offset_for_leader_epoch_response_partition *found, int32_t asked_epoch, int64_t asked_position)
{
    for (size_t i = 0; i < consumer->part_count; i++) {
        struct part *part = consumer->parts[i];

        if (part->partition != found->partition || strcmp(part->topic, topic) || !consumer_unsure(consumer, part) || part->position != asked_position)
            continue;
        if (found->error_code) {
            part->retry_at_us = consumer_now_us(consumer) + consumer->backoff_us;
            consumer_refresh_metadata(consumer);
            consumer_wake_in(consumer, consumer->backoff_us);
            continue;
        }
        part->sure_epoch = asked_epoch;
        if (found->end_offset < 0 || found->leader_epoch < 0 || found->end_offset < part->position)
            cut_short(consumer, part, found);
    }
}

struct asked_end { char *topic; int32_t partition, epoch; int64_t position; };

static const struct asked_end *asked_for(const struct asked_end *asked, size_t count, const char *topic, int32_t partition)
{
    for (size_t i = 0; i < count; i++)
        if (asked[i].partition == partition && text_equal(asked[i].topic, topic))
            return &asked[i];
    return NULL;
}

static bool asks_check(const struct consumer *consumer, const struct part *part, int32_t node)
{
    return consumer_unsure(consumer, part) && part->retry_at_us <= consumer_now_us(consumer) && consumer_leader(consumer, part)->leader == node;
}

static void check_at(struct consumer *consumer, int32_t node)
{
    struct offset_for_leader_epoch_request request;
    const struct offset_for_leader_epoch_response *answer;
    struct asked_end *asked;
    size_t asked_count = 0;
    struct arena arena;
    void *out;
    enum err err;

    arena_init(&arena);
    fields_preset(&offset_for_leader_epoch_request_message, &request);
    request.replica_id = -1;
    request.topics.items = arena_alloc(&arena, (consumer->part_count + 1) * sizeof(*request.topics.items));
    asked = arena_alloc(&arena, (consumer->part_count + 1) * sizeof(*asked));
    for (size_t i = 0; i < consumer->part_count; i++) {
        struct part *part = consumer->parts[i];
        struct offset_for_leader_epoch_request_topic *topic;

        if (!asks_check(consumer, part, node))
            continue;
        asked[asked_count] = (struct asked_end){ arena_text(&arena, part->topic, strlen(part->topic)), part->partition,
                                                 consumer_leader(consumer, part)->leader_epoch, part->position };
        topic = &request.topics.items[request.topics.count++];
        topic->topic = asked[asked_count].topic;
        topic->partitions.items = arena_alloc(&arena, sizeof(*topic->partitions.items));
        topic->partitions.items[topic->partitions.count++] = (struct offset_for_leader_epoch_request_partition){
            .partition = part->partition, .current_leader_epoch = asked[asked_count].epoch, .leader_epoch = part->position_epoch };
        asked_count++;
    }
    err = client_call(consumer->worker, consumer->client, node, API_OFFSET_FOR_LEADER_EPOCH, -1, &request, &arena, &out, NULL);
    answer = out;
    if (!task_interrupted(consumer->worker)) {
        for (int32_t t = 0; !err && t < answer->topics.count; t++)
            for (int32_t p = 0; p < answer->topics.items[t].partitions.count; p++) {
                const struct offset_for_leader_epoch_response_partition *found = &answer->topics.items[t].partitions.items[p];
                const struct asked_end *one = asked_for(asked, asked_count, answer->topics.items[t].topic, found->partition);

                if (one)
                    take_end(consumer, one->topic, found, one->epoch, one->position);
            }
        for (size_t i = 0; i < consumer->part_count; i++) { /* a broker that can't tell, or did not */
            struct part *part = consumer->parts[i];

            if (!asks_check(consumer, part, node))
                continue;
            if (err == ERR_UNSUPPORTED_VERSION)
                part->sure_epoch = consumer_leader(consumer, part)->leader_epoch;
            else
                part->retry_at_us = consumer_now_us(consumer) + consumer->backoff_us;
        }
        if (err && err != ERR_UNSUPPORTED_VERSION) {
            consumer_refresh_metadata(consumer);
            consumer_wake_in(consumer, consumer->backoff_us);
        }
    }
    arena_done(&arena);
}

static void check_positions(struct consumer *consumer)
{
    bool more = true;

    while (more && !task_interrupted(consumer->worker)) {
        more = false;
        for (size_t i = 0; i < consumer->part_count && !more; i++) {
            const struct client_partition *leader = consumer_leader(consumer, consumer->parts[i]);

            if (leader && asks_check(consumer, consumer->parts[i], leader->leader)) {
                check_at(consumer, leader->leader);
                more = true;
            }
        }
    }
}

void consumer_fetch_positions(struct consumer *consumer)
{
    bool more = consumer->polling;

    if (more && consumer_any_wants(consumer, WANT_COMMITTED) && !consumer->failed)
        committed_step(consumer);
    while (more && !task_interrupted(consumer->worker)) {
        more = false;
        for (size_t i = 0; i < consumer->part_count && !more; i++) {
            const struct client_partition *leader = consumer_leader(consumer, consumer->parts[i]);

            if (leader && asks_end(consumer, consumer->parts[i], leader->leader)) {
                ask_ends(consumer, leader->leader);
                more = true;
            }
        }
    }
    if (consumer->polling)
        check_positions(consumer);
    if (!task_interrupted(consumer->worker) && consumer->polling && consumer_any_wants(consumer, WANT_EARLIEST))
        consumer_wake_in(consumer, consumer->backoff_us);
    for (size_t i = 0; i < consumer->part_count && !task_interrupted(consumer->worker); i++)
        if (!consumer_leader(consumer, consumer->parts[i]) && !consumer->refresh)
            consumer_refresh_metadata(consumer);
}

