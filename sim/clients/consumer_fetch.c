/* Positions and records: where to read on, asking the leaders, checking and unpacking what they send. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/clients/consumer_internal.h"

static const struct client_partition *leader_of(const struct consumer *consumer, const struct part *part)
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

static bool any_wants(const struct consumer *consumer, enum want least)
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
    const struct client_partition *leader = part->want >= WANT_EARLIEST && part->retry_at_us <= consumer_now_us(consumer) ? leader_of(consumer, part) : NULL;

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
            .partition_index = part->partition, .current_leader_epoch = -1, .timestamp = part->want == WANT_EARLIEST ? -2 : -1, .max_num_offsets = 1 };
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

void consumer_fetch_positions(struct consumer *consumer)
{
    bool more = consumer->polling;

    if (more && any_wants(consumer, WANT_COMMITTED) && !consumer->failed)
        committed_step(consumer);
    while (more && !task_interrupted(consumer->worker)) {
        more = false;
        for (size_t i = 0; i < consumer->part_count && !more; i++) {
            const struct client_partition *leader = leader_of(consumer, consumer->parts[i]);

            if (leader && asks_end(consumer, consumer->parts[i], leader->leader)) {
                ask_ends(consumer, leader->leader);
                more = true;
            }
        }
    }
    if (!task_interrupted(consumer->worker) && consumer->polling && any_wants(consumer, WANT_EARLIEST))
        consumer_wake_in(consumer, consumer->backoff_us);
    for (size_t i = 0; i < consumer->part_count && !task_interrupted(consumer->worker); i++)
        if (!leader_of(consumer, consumer->parts[i]) && !consumer->refresh)
            consumer_refresh_metadata(consumer);
}

/* ---- what came ---- */

static void completed_free(struct completed *completed)
{
    if (completed->open)
        records_done(&completed->it);
    mem_free(completed->aborted);
    mem_free(completed->skipped);
    mem_free(completed->data);
    mem_free(completed);
}

static int by_first_offset(const void *a, const void *b)
{
    const struct aborted *x = a, *y = b;

    return x->first_offset < y->first_offset ? -1 : x->first_offset > y->first_offset;
}

static void keep_records(struct consumer *consumer, struct part *part, const struct fetch_response_partition *found)
{
    struct completed *completed;
    int32_t aborted = found->aborted_transactions.count > 0 ? found->aborted_transactions.count : 0;

    if (!found->records.data || found->records.size <= 0)
        return;
    completed = mem_zero(sizeof(*completed));
    completed->part_id = part->id;
    completed->next_offset = part->position;
    completed->next_epoch = part->position_epoch;
    completed->data = mem_copy(found->records.data, (size_t)found->records.size);
    completed->size = (size_t)found->records.size;
    completed->aborted = mem_zero_array((size_t)aborted + 1, sizeof(*completed->aborted));
    completed->aborted_count = consumer->read_committed ? (size_t)aborted : 0;
    for (size_t i = 0; i < completed->aborted_count; i++)
        completed->aborted[i] = (struct aborted){ found->aborted_transactions.items[i].producer_id, found->aborted_transactions.items[i].first_offset };
    qsort(completed->aborted, completed->aborted_count, sizeof(*completed->aborted), by_first_offset);
    part->buffered = true;
    *consumer->last = completed;
    consumer->last = &completed->next;
}

static void out_of_range(struct consumer *consumer, struct part *part)
{
    if (consumer->reset == RESET_NONE) {
        consumer_fail(consumer, ERR_OFFSET_OUT_OF_RANGE, "Fetch position %lld is out of range for partition %s-%d", (long long)part->position, part->topic,
                      part->partition);
        part->retry_at_us = consumer_now_us(consumer) + consumer->backoff_us;
        return;
    }
    part_move(part, -1, -1);
    part->want = consumer->reset == RESET_EARLIEST ? WANT_EARLIEST : WANT_LATEST;
}

static void take_partition(struct consumer *consumer, struct part *part, const struct fetch_response_partition *found)
{
    enum err err = (enum err)found->error_code;

    if (!err) {
        part->high_watermark = found->high_watermark;
        keep_records(consumer, part, found);
        return;
    }
    if (err == ERR_OFFSET_OUT_OF_RANGE) {
        out_of_range(consumer, part);
        return;
    }
    if (err == ERR_TOPIC_AUTHORIZATION_FAILED)
        consumer_fail(consumer, err, "Not authorized to access topics: [%s]", part->topic);
    else if (!err_retriable(err) && err != ERR_UNKNOWN_SERVER_ERROR)
        consumer_fail(consumer, err, "Unexpected error code %d while fetching at offset %lld from topic-partition %s-%d", err, (long long)part->position,
                      part->topic, part->partition);
    if (err == ERR_UNKNOWN_TOPIC_OR_PARTITION)
        consumer_warn(consumer, "WARN", consumer->is_27 ? "org.apache.kafka.clients.consumer.internals.Fetcher" : "org.apache.kafka.clients.consumer.internals.FetchCollector",
                      "Received unknown topic or partition error in fetch for partition %s-%d", part->topic, part->partition);
    part->retry_at_us = consumer_now_us(consumer) + consumer->backoff_us;
    consumer_refresh_metadata(consumer);
    consumer_wake_in(consumer, consumer->backoff_us);
}

static void end_flight(struct flight *flight)
{
    struct consumer *consumer = flight->consumer;
    struct flight **at = &consumer->flights;

    while (*at != flight)
        at = &(*at)->next;
    *at = flight->next;
    if (consumer->sending == flight)
        consumer->sending = NULL;
    for (size_t i = 0; i < flight->count; i++) {
        struct part *part = consumer_part(consumer, flight->ids[i]);

        if (part)
            part->fetching = false;
    }
    arena_done(&flight->arena);
    mem_free(flight);
}

static bool same_topic(const struct consumer *consumer, const struct flight *flight, const struct fetch_response_topic *answer, const struct part *part)
{
    const struct client_topic *topic = flight->by_id ? client_topic(consumer->client, part->topic) : NULL;

    return flight->by_id ? topic && uuid_equal(topic->id, answer->topic_id) : text_equal(answer->topic, part->topic);
}

static void on_fetched(void *context, enum err err, void *out)
{
    struct flight *flight = context;
    struct consumer *consumer = flight->consumer;
    const struct fetch_response *answer = out;

    consumer_enter(consumer);
    if (!err && answer->error_code)
        err = (enum err)answer->error_code;
    for (int32_t t = 0; !err && t < answer->responses.count; t++)
        for (int32_t p = 0; p < answer->responses.items[t].partitions.count; p++)
            for (size_t i = 0; i < flight->count; i++) {
                struct part *part = consumer_part(consumer, flight->ids[i]);

                if (part && part->position == flight->offsets[i] && part->partition == answer->responses.items[t].partitions.items[p].partition_index &&
                    same_topic(consumer, flight, &answer->responses.items[t], part))
                    take_partition(consumer, part, &answer->responses.items[t].partitions.items[p]);
            }
    for (size_t i = 0; err && i < flight->count; i++) {
        struct part *part = consumer_part(consumer, flight->ids[i]);

        if (part)
            part->retry_at_us = consumer_now_us(consumer) + consumer->backoff_us;
    }
    end_flight(flight);
    if (err) {
        consumer_refresh_metadata(consumer);
        consumer_wake_in(consumer, consumer->backoff_us);
    }
    if (any_wants(consumer, WANT_EARLIEST))
        consumer_wake(consumer);
    if (!consumer->closing)
        consumer_wake_waiter(consumer);
    consumer_leave(consumer);
}

/* ---- asking ---- */

static bool may_ask(const struct consumer *consumer, const struct part *part, int32_t node)
{
    const struct client_partition *leader = part->position >= 0 && part->want == WANT_NOTHING && !part->fetching && !part->buffered &&
                                                    part->retry_at_us <= consumer_now_us(consumer) ? leader_of(consumer, part) : NULL;

    return leader && (node < 0 || leader->leader == node);
}

static bool node_busy(const struct consumer *consumer, int32_t node)
{
    for (const struct flight *flight = consumer->flights; flight; flight = flight->next)
        if (flight->node == node)
            return true;
    return false;
}

static void add_partition(struct consumer *consumer, struct fetch_request *request, struct flight *flight, struct part *part)
{
    const struct client_topic *known = client_topic(consumer->client, part->topic);
    struct fetch_request_topic *topic = request->topics.count ? &request->topics.items[request->topics.count - 1] : NULL;

    if (!topic || strcmp(topic->topic, part->topic)) {
        topic = &request->topics.items[request->topics.count++];
        topic->topic = arena_text(&flight->arena, part->topic, strlen(part->topic));
        topic->topic_id = known->id;
        topic->partitions.items = arena_alloc(&flight->arena, consumer->part_count * sizeof(*topic->partitions.items));
    }
    topic->partitions.items[topic->partitions.count++] = (struct fetch_request_partition){
        .partition = part->partition, .current_leader_epoch = -1, .fetch_offset = part->position, .last_fetched_epoch = -1, .log_start_offset = -1,
        .partition_max_bytes = consumer->partition_max_bytes, .high_watermark = INT64_MAX };
    flight->ids[flight->count] = part->id;
    flight->offsets[flight->count++] = part->position;
    part->fetching = true;
}

static void send_to(struct consumer *consumer, int32_t node)
{
    struct flight *flight = mem_zero(sizeof(*flight));
    struct fetch_request *request;
    struct client_send *send;

    flight->consumer = consumer;
    flight->node = node;
    arena_init(&flight->arena);
    flight->ids = arena_alloc(&flight->arena, (consumer->part_count + 1) * sizeof(*flight->ids));
    flight->offsets = arena_alloc(&flight->arena, (consumer->part_count + 1) * sizeof(*flight->offsets));
    request = arena_alloc(&flight->arena, sizeof(*request));
    fields_preset(&fetch_request_message, request);
    request->replica_id = -1;
    request->replica_state.replica_id = -1;
    request->replica_state.replica_epoch = -1;
    request->max_wait_ms = consumer->fetch_wait_ms;
    request->min_bytes = consumer->fetch_min_bytes;
    request->max_bytes = consumer->fetch_max_bytes;
    request->isolation_level = consumer->read_committed;
    request->session_id = 0;
    request->session_epoch = -1; /* no session: everything is named each time */
    request->rack_id = "";
    request->topics.items = arena_alloc(&flight->arena, (consumer->part_count + 1) * sizeof(*request->topics.items));
    for (size_t i = 0; i < consumer->part_count; i++)
        if (may_ask(consumer, consumer->parts[i], node))
            add_partition(consumer, request, flight, consumer->parts[i]);
    flight->by_id = client_broker_release(consumer->client) != RELEASE_27 && !consumer->is_27;
    flight->next = consumer->flights;
    consumer->flights = flight;
    consumer->sending = flight;
    consumer_enter(consumer);
    send = client_send(consumer->client, node, API_FETCH, -1, request, &flight->arena, on_fetched, flight);
    if (consumer->sending == flight)
        flight->send = send;
    consumer->sending = NULL;
    consumer_leave(consumer);
}

void consumer_fetch_send(struct consumer *consumer)
{
    if (consumer->joining)
        return;
    for (size_t i = 0; i < consumer->part_count; i++) {
        const struct part *part = consumer->parts[i];

        if (may_ask(consumer, part, -1) && !node_busy(consumer, leader_of(consumer, part)->leader))
            send_to(consumer, leader_of(consumer, part)->leader);
    }
}

/* ---- giving records out ---- */

static bool is_skipped(const struct completed *completed, int64_t producer_id)
{
    for (size_t i = 0; i < completed->skipped_count; i++)
        if (completed->skipped[i] == producer_id)
            return true;
    return false;
}

static void unskip(struct completed *completed, int64_t producer_id)
{
    for (size_t i = 0; i < completed->skipped_count; i++)
        if (completed->skipped[i] == producer_id)
            completed->skipped[i--] = completed->skipped[--completed->skipped_count];
}

static bool is_abort_marker(const struct batch *batch)
{
    struct record_iterator it;
    struct record record;
    bool abort;

    records_begin(&it, batch);
    abort = records_next(&it, &record) && record.key.size >= 4 && get_i16(record.key.data + 2) == 0;
    records_done(&it);
    return abort;
}

/* What a reader of committed records leaves out, and control records, which nobody reads. */
static bool left_out(struct completed *completed)
{
    const struct batch *batch = &completed->batch;

    while (completed->aborted_at < completed->aborted_count && completed->aborted[completed->aborted_at].first_offset <= batch->last_offset)
        ARRAY_ADD(completed->skipped, completed->skipped_count, completed->skipped_capacity) = completed->aborted[completed->aborted_at++].producer_id;
    if (batch_control(batch)) {
        if (is_abort_marker(batch))
            unskip(completed, batch->producer_id);
        return true;
    }
    return batch_transactional(batch) && is_skipped(completed, batch->producer_id);
}

/* The next batch to read; false: no more, or it is damaged (the consumer fails). */
static bool open_batch(struct consumer *consumer, struct completed *completed, const struct part *part)
{
    while (completed->at < completed->size) {
        struct bytes rest = { completed->data + completed->at, completed->size - completed->at };
        struct reason reason = { "" };
        size_t need;
        enum err err = batch_decode(rest, &completed->batch, &need, &reason);

        if (err == ERR_OFFSET_OUT_OF_RANGE)
            return false; /* cut short */
        if (!err && !batch_crc_right(&completed->batch))
            err = err_because(ERR_CORRUPT_MESSAGE, &reason, "Record is corrupt (stored crc = %u)", completed->batch.crc);
        if (err) {
            consumer_fail(consumer, ERR_CORRUPT_MESSAGE, "Received exception when fetching the next record from %s-%d. If needed, please seek past the record to continue consumption. (%s)",
                          part->topic, part->partition, reason.text);
            return false;
        }
        completed->at += (size_t)completed->batch.size_bytes;
        if (completed->batch.last_offset < part->position)
            continue;
        completed->next_epoch = completed->batch.leader_epoch;
        if (left_out(completed)) {
            completed->next_offset = completed->batch.last_offset + 1;
            continue;
        }
        records_begin(&completed->it, &completed->batch);
        completed->open = true;
        return true;
    }
    return false;
}

static struct bytes keep(struct arena *arena, struct bytes bytes)
{
    return bytes.data ? (struct bytes){ (const uint8_t *)arena_text(arena, (const char *)bytes.data, bytes.size), bytes.size } : bytes;
}

static void give(struct consumer *consumer, const struct completed *completed, const struct part *part, const char *topic, const struct record *record)
{
    struct header *headers = arena_alloc(&consumer->arena, (size_t)record->header_count * sizeof(*headers) + 1);

    for (int32_t i = 0; i < record->header_count; i++)
        headers[i] = (struct header){ keep(&consumer->arena, record->headers[i].key), keep(&consumer->arena, record->headers[i].value) };
    ARRAY_ADD(consumer->records, consumer->record_count, consumer->record_capacity) = (struct consumer_record){
        .topic = topic, .partition = part->partition, .leader_epoch = completed->batch.leader_epoch, .offset = record->offset,
        .timestamp_ms = record->timestamp_ms, .log_append_time = batch_log_append_time(&completed->batch), .key = keep(&consumer->arena, record->key),
        .value = keep(&consumer->arena, record->value), .headers = headers, .header_count = record->header_count };
}

/* True: all of it was given. */
static bool take_from(struct consumer *consumer, struct completed *completed, struct part *part)
{
    const char *topic = arena_text(&consumer->arena, part->topic, strlen(part->topic));
    struct record record;

    while (consumer->record_count < (size_t)consumer->max_poll_records) {
        if (!completed->open && !open_batch(consumer, completed, part)) {
            part_move(part, completed->next_offset, completed->next_epoch);
            return true;
        }
        if (!records_next(&completed->it, &record)) {
            if (completed->it.err)
                consumer_fail(consumer, completed->it.err, "%s", completed->it.reason.text);
            completed->next_offset = completed->it.err ? part->position : completed->batch.last_offset + 1;
            records_done(&completed->it);
            completed->open = false;
            part_move(part, completed->next_offset, completed->next_epoch);
            if (consumer->failed)
                return true;
            continue;
        }
        if (record.offset < part->position)
            continue;
        give(consumer, completed, part, topic, &record);
        completed->next_offset = record.offset + 1;
        part_move(part, completed->next_offset, completed->next_epoch);
    }
    return false;
}

static void move_to_end(struct consumer *consumer, struct part *part)
{
    size_t i = 0;

    while (consumer->parts[i] != part)
        i++;
    memmove(consumer->parts + i, consumer->parts + i + 1, (consumer->part_count - i - 1) * sizeof(*consumer->parts));
    consumer->parts[consumer->part_count - 1] = part;
}

void consumer_fetch_take(struct consumer *consumer)
{
    if (consumer->joining)
        return;
    while (consumer->first && consumer->record_count < (size_t)consumer->max_poll_records && !consumer->failed) {
        struct completed *completed = consumer->first;
        struct part *part = consumer_part(consumer, completed->part_id);
        bool valid = part && part->position == completed->next_offset;

        if (valid && !take_from(consumer, completed, part))
            return; /* more of it at the next poll */
        consumer->first = completed->next;
        if (!consumer->first)
            consumer->last = &consumer->first;
        completed_free(completed);
        if (part) {
            part->buffered = false;
            move_to_end(consumer, part);
        }
    }
}

void consumer_fetch_done(struct consumer *consumer)
{
    while (consumer->flights) {
        client_send_cancel(consumer->flights->send);
        end_flight(consumer->flights);
    }
    while (consumer->first) {
        struct completed *next = consumer->first->next;

        completed_free(consumer->first);
        consumer->first = next;
    }
}
