/* Records: asking leaders (or the replicas that they name), checking and unpacking what they send. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/clients/consumer_internal.h"

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

/* From a follower it may only be that it has not got so far: its leader is asked. */
static bool back_to_leader(struct part *part)
{
    bool was_elsewhere = part->replica >= 0;

    part->replica = -1;
    return was_elsewhere;
}

static void take_partition(struct consumer *consumer, struct part *part, const struct fetch_response_partition *found)
{
    enum err err = (enum err)found->error_code;

    if (!err) {
        part->high_watermark = found->high_watermark;
        if (found->preferred_read_replica >= 0) {
            part->replica = found->preferred_read_replica;
            part->replica_until_us = consumer_now_us(consumer) + consumer->max_age_us;
        }
        keep_records(consumer, part, found);
        return;
    }
    if (err == ERR_OFFSET_OUT_OF_RANGE) {
        if (!back_to_leader(part))
            out_of_range(consumer, part);
        return;
    }
    back_to_leader(part);
    if (err == ERR_TOPIC_AUTHORIZATION_FAILED)
        consumer_fail(consumer, err, "Not authorized to access topics: [%s]", part->topic);
    else if (!err_retriable(err) && err != ERR_UNKNOWN_SERVER_ERROR)
        consumer_fail(consumer, err, "Unexpected error code %d while fetching at offset %lld from topic-partition %s-%d", err, (long long)part->position,
                      part->topic, part->partition);
    if (err == ERR_UNKNOWN_TOPIC_OR_PARTITION)
        consumer_warn(consumer, "WARN", consumer->is_27 ? "org.apache.kafka.clients.consumer.internals.Fetcher" : "org.apache.kafka.clients.consumer.internals.FetchCollector",
                      "Received unknown topic or partition error in fetch for partition %s-%d", part->topic, part->partition);
    part->retry_at_us = consumer_now_us(consumer) + consumer->backoff_us;
    if (err != ERR_UNKNOWN_LEADER_EPOCH) /* there the broker is the one who does not know yet */
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

/* ---- sessions: a broker remembers what was asked for, and is told only what is another ---- */

struct session *consumer_session(struct consumer *consumer, int32_t node)
{
    struct session *session = consumer->sessions;

    while (session && session->node != node)
        session = session->next;
    if (session)
        return session;
    session = mem_zero(sizeof(*session));
    session->node = node;
    session->next = consumer->sessions;
    consumer->sessions = session;
    return session;
}

static void forget_entries(struct session *session)
{
    for (size_t i = 0; i < session->count; i++)
        mem_free(session->entries[i].topic);
    session->count = 0;
}

/* What follows from an answer, or from none: the next epoch, or a new session. */
static void session_answered(struct session *session, enum err err, const struct fetch_response *answer)
{
    if (!err && session->epoch >= 0) {
        if (!session->epoch)
            session->id = answer->session_id;
        session->epoch = !session->id ? 0 : session->epoch == INT32_MAX ? 1 : session->epoch + 1;
        if (!session->id) /* the broker has no room for one */
            forget_entries(session);
        return;
    }
    if (err == ERR_FETCH_SESSION_ID_NOT_FOUND)
        session->id = 0;
    session->epoch = 0; /* from the beginning; an old one ends with it */
    forget_entries(session);
}

static struct session_entry *entry_of(struct session *session, const struct part *part)
{
    for (size_t i = 0; i < session->count; i++)
        if (session->entries[i].partition == part->partition && !strcmp(session->entries[i].topic, part->topic))
            return &session->entries[i];
    return NULL;
}

/* True: the broker has to be told of it. */
static bool note_entry(struct session *session, const struct part *part, const struct session_entry *wanted)
{
    struct session_entry *entry = entry_of(session, part);

    if (entry) {
        bool same = entry->offset == wanted->offset && entry->leader_epoch == wanted->leader_epoch && entry->most_bytes == wanted->most_bytes &&
                    uuid_equal(entry->topic_id, wanted->topic_id);
        char *topic = entry->topic;

        *entry = *wanted;
        entry->topic = topic;
        entry->wanted = true;
        return !same;
    }
    ARRAY_ADD(session->entries, session->count, session->capacity) = *wanted;
    session->entries[session->count - 1].topic = mem_text(part->topic);
    session->entries[session->count - 1].wanted = true;
    return true;
}

/* Those that are asked for no more are named as such, and dropped. */
static void forget_rest(struct session *session, struct fetch_request *request, struct arena *arena)
{
    size_t kept = 0;

    request->forgotten_topics_data.items = arena_alloc(arena, (session->count + 1) * sizeof(*request->forgotten_topics_data.items));
    request->forgotten_topics_data.count = 0;
    for (size_t i = 0; i < session->count; i++) {
        struct session_entry *entry = &session->entries[i];
        struct fetch_request_forgotten_topic *topic;

        if (entry->wanted) {
            session->entries[kept++] = *entry;
            continue;
        }
        topic = &request->forgotten_topics_data.items[request->forgotten_topics_data.count++];
        topic->topic = arena_text(arena, entry->topic, strlen(entry->topic));
        topic->topic_id = entry->topic_id;
        topic->partitions.items = arena_alloc(arena, sizeof(int32_t));
        topic->partitions.items[topic->partitions.count++] = entry->partition;
        mem_free(entry->topic);
    }
    session->count = kept;
}

/* Nothing came, at once: by fetch.min.bytes or fetch.max.wait.ms 0. Over a real network a moment passes at least until it is asked again. */
static void rest_a_moment(struct consumer *consumer, const struct flight *flight)
{
    enum { MOMENT_US = 1000 };

    for (size_t i = 0; i < flight->count; i++) {
        struct part *part = consumer_part(consumer, flight->ids[i]);

        if (part && !part->buffered && part->retry_at_us <= consumer_now_us(consumer))
            part->retry_at_us = consumer_now_us(consumer) + MOMENT_US;
    }
    consumer_wake_in(consumer, MOMENT_US);
}

static void on_fetched(void *context, enum err err, void *out)
{
    struct flight *flight = context;
    struct consumer *consumer = flight->consumer;
    const struct fetch_response *answer = out;
    const struct completed *before = consumer->first;
    bool again;

    consumer_enter(consumer);
    if (!err && answer->error_code)
        err = (enum err)answer->error_code;
    flight->incremental = consumer_session(consumer, flight->node)->epoch > 0;
    session_answered(consumer_session(consumer, flight->node), err, answer);
    again = flight->incremental && (err == ERR_FETCH_SESSION_ID_NOT_FOUND || err == ERR_INVALID_FETCH_SESSION_EPOCH || err == ERR_FETCH_SESSION_TOPIC_ID_ERROR);
    for (int32_t t = 0; !err && t < answer->responses.count; t++)
        for (int32_t p = 0; p < answer->responses.items[t].partitions.count; p++)
            for (size_t i = 0; i < flight->count; i++) {
                struct part *part = consumer_part(consumer, flight->ids[i]);

                if (part && part->position == flight->offsets[i] && part->partition == answer->responses.items[t].partitions.items[p].partition_index &&
                    same_topic(consumer, flight, &answer->responses.items[t], part))
                    take_partition(consumer, part, &answer->responses.items[t].partitions.items[p]);
            }
    for (size_t i = 0; err && !again && i < flight->count; i++) {
        struct part *part = consumer_part(consumer, flight->ids[i]);

        if (part) {
            part->retry_at_us = consumer_now_us(consumer) + consumer->backoff_us;
            back_to_leader(part);
        }
    }
    if (!err && consumer->first == before && flight->sent_us == consumer_now_us(consumer))
        rest_a_moment(consumer, flight);
    end_flight(flight);
    if (err && !again) {
        consumer_refresh_metadata(consumer);
        consumer_wake_in(consumer, consumer->backoff_us);
    }
    if (consumer_any_wants(consumer, WANT_EARLIEST))
        consumer_wake(consumer);
    if (!consumer->closing)
        consumer_wake_waiter(consumer);
    consumer_leave(consumer);
}

/* ---- asking ---- */

/* Who is asked for it: the leader, or for a while the replica that it named. */
static int32_t asked_node(struct consumer *consumer, struct part *part)
{
    const struct client_partition *leader = consumer_leader(consumer, part);

    if (part->replica >= 0 && (part->replica_until_us <= consumer_now_us(consumer) || !client_knows_node(consumer->client, part->replica)))
        part->replica = -1;
    return part->replica >= 0 ? part->replica : leader->leader;
}

static bool may_ask(struct consumer *consumer, struct part *part, int32_t node)
{
    bool may = part->position >= 0 && part->want == WANT_NOTHING && !part->fetching && !part->buffered && part->retry_at_us <= consumer_now_us(consumer) &&
               consumer_leader(consumer, part) && !consumer_unsure(consumer, part);

    return may && (node < 0 || asked_node(consumer, part) == node);
}

static bool node_busy(const struct consumer *consumer, int32_t node)
{
    for (const struct flight *flight = consumer->flights; flight; flight = flight->next)
        if (flight->node == node)
            return true;
    return false;
}

static void name_partition(struct consumer *consumer, struct fetch_request *request, struct flight *flight, const struct part *part, const struct session_entry *wanted)
{
    struct fetch_request_topic *topic = request->topics.count ? &request->topics.items[request->topics.count - 1] : NULL;

    if (!topic || strcmp(topic->topic, part->topic)) {
        topic = &request->topics.items[request->topics.count++];
        topic->topic = arena_text(&flight->arena, part->topic, strlen(part->topic));
        topic->topic_id = wanted->topic_id;
        topic->partitions.items = arena_alloc(&flight->arena, consumer->part_count * sizeof(*topic->partitions.items));
    }
    topic->partitions.items[topic->partitions.count++] = (struct fetch_request_partition){
        .partition = part->partition, .current_leader_epoch = wanted->leader_epoch, .fetch_offset = part->position, .last_fetched_epoch = -1, .log_start_offset = -1,
        .partition_max_bytes = wanted->most_bytes, .high_watermark = INT64_MAX };
}

static void fill_request(struct consumer *consumer, struct fetch_request *request, struct flight *flight, struct session *session)
{
    fields_preset(&fetch_request_message, request);
    request->replica_id = -1;
    request->replica_state.replica_id = -1;
    request->replica_state.replica_epoch = -1;
    request->max_wait_ms = consumer->fetch_wait_ms;
    request->min_bytes = consumer->fetch_min_bytes;
    request->max_bytes = consumer->fetch_max_bytes;
    request->isolation_level = consumer->read_committed;
    request->session_id = session->epoch < 0 ? 0 : session->id;
    request->session_epoch = session->epoch; /* below 0: the broker knows no sessions, everything is named each time */
    request->rack_id = consumer->rack ? consumer->rack : "";
    request->topics.items = arena_alloc(&flight->arena, (consumer->part_count + 1) * sizeof(*request->topics.items));
    for (size_t i = 0; i < session->count; i++)
        session->entries[i].wanted = false;
    for (size_t i = 0; i < consumer->part_count; i++) {
        struct part *part = consumer->parts[i];
        struct session_entry wanted;

        if (!may_ask(consumer, part, flight->node))
            continue;
        wanted = (struct session_entry){ .topic_id = client_topic(consumer->client, part->topic)->id, .partition = part->partition, .offset = part->position,
                                         .leader_epoch = consumer_leader(consumer, part)->leader_epoch, .most_bytes = consumer->partition_max_bytes };
        if (session->epoch < 0 || note_entry(session, part, &wanted))
            name_partition(consumer, request, flight, part, &wanted);
        flight->ids[flight->count] = part->id;
        flight->offsets[flight->count++] = part->position;
        part->fetching = true;
    }
    if (session->epoch >= 0)
        forget_rest(session, request, &flight->arena);
}

static void send_to(struct consumer *consumer, int32_t node)
{
    enum { FIRST_WITH_SESSIONS = 7, FIRST_BY_ID = 13 };
    int16_t version = client_version_now(consumer->client, node, API_FETCH, -1);
    struct session *session = consumer_session(consumer, node);
    struct flight *flight = mem_zero(sizeof(*flight));
    struct fetch_request *request;
    struct client_send *send;

    flight->consumer = consumer;
    flight->node = node;
    flight->sent_us = consumer_now_us(consumer);
    arena_init(&flight->arena);
    flight->ids = arena_alloc(&flight->arena, (consumer->part_count + 1) * sizeof(*flight->ids));
    flight->offsets = arena_alloc(&flight->arena, (consumer->part_count + 1) * sizeof(*flight->offsets));
    request = arena_alloc(&flight->arena, sizeof(*request));
    if (version < FIRST_WITH_SESSIONS)
        session->epoch = -1;
    else if (session->epoch < 0)
        session->epoch = 0;
    fill_request(consumer, request, flight, session);
    flight->by_id = version >= FIRST_BY_ID;
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

/* Its broker is not connected: that is begun, and told; one that is not reached makes us ask who leads now. */
static void node_missing(struct consumer *consumer, struct part *part, int32_t node)
{
    consumer->awaits_link = true;
    if (client_losses(consumer->client) == consumer->losses && client_knows_node(consumer->client, node))
        return;
    consumer->losses = client_losses(consumer->client);
    part->retry_at_us = consumer_now_us(consumer) + consumer->backoff_us;
    back_to_leader(part);
    consumer_refresh_metadata(consumer);
    consumer_wake_in(consumer, consumer->backoff_us);
}

void consumer_fetch_send(struct consumer *consumer)
{
    bool unsure = false;

    if (consumer->joining && !consumer->cooperative)
        return;
    for (size_t i = 0; i < consumer->part_count; i++) {
        struct part *part = consumer->parts[i];
        int32_t node;

        unsure |= consumer_unsure(consumer, part) && part->retry_at_us <= consumer_now_us(consumer);
        if (!may_ask(consumer, part, -1))
            continue;
        node = asked_node(consumer, part);
        if (node_busy(consumer, node))
            continue;
        if (client_can_send(consumer->client, node, INT32_MAX) == CLIENT_CAN_SEND)
            send_to(consumer, node);
        else
            node_missing(consumer, part, node);
    }
    if (unsure)
        consumer_wake(consumer); /* the worker asks */
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
    if (consumer->joining && !consumer->cooperative)
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
    while (consumer->sessions) {
        struct session *next = consumer->sessions->next;

        forget_entries(consumer->sessions);
        mem_free(consumer->sessions->entries);
        mem_free(consumer->sessions);
        consumer->sessions = next;
    }
}
