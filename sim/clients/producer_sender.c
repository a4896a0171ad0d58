/* The sender: which brokers something is ready for, one batch of each partition in a request, several requests in flight, and what follows from the answers. */
#include <string.h>

#include "sim/clients/producer_internal.h"

static const char logger[] = "org.apache.kafka.clients.producer.internals.Sender";

/* ---- answers ---- */

static const struct produce_response_partition *answer_for(const struct produce_response *answer, const struct produce_request_topic *topic, int32_t partition,
                                                           bool by_id)
{
    for (int32_t t = 0; answer && t < answer->responses.count; t++) {
        const struct produce_response_topic *found = &answer->responses.items[t];

        if (by_id ? !uuid_equal(found->topic_id, topic->topic_id) : !text_equal(found->name, topic->name))
            continue;
        for (int32_t p = 0; p < found->partition_responses.count; p++)
            if (found->partition_responses.items[p].index == partition)
                return &found->partition_responses.items[p];
    }
    return NULL;
}

static bool may_retry(struct producer *producer, struct batch_out *batch, enum err err, const struct produce_response_partition *answer)
{
    if (producer->closing || batch->attempts >= producer->retries || producer_now_us(producer) - batch->made_us >= producer->delivery_us)
        return false;
    return producer->idempotent ? sequences_may_retry(producer, batch, err, answer ? answer->log_start_offset : -1) : err_retriable(err);
}

/* retry.backoff.ms; from 3.7 on doubled with each attempt, a fifth more or less, up to retry.backoff.max.ms. */
static int64_t backoff(struct producer *producer, int attempts)
{
    int64_t us = producer->backoff_us;

    if (producer->is_27)
        return us;
    for (int i = 1; i < attempts && us < producer->backoff_max_us; i++)
        us *= 2;
    us = (int64_t)((double)us * (0.8 + 0.4 * random_unit(&producer->random)));
    return us < producer->backoff_max_us ? us : producer->backoff_max_us;
}

static void send_again(struct producer *producer, struct batch_out *batch, enum err err, int32_t correlation_id)
{
    const struct topic_out *topic = batch->partition->topic;

    producer_warn(producer, "WARN", logger, "Got error produce response with correlation id %d on topic-partition %s-%d, retrying (%lld attempts left). Error: %s",
                  correlation_id, topic->name, batch->partition->index, (long long)(producer->retries - batch->attempts - 1), err_name(err));
    batch->attempts++;
    batch->backoff_us = backoff(producer, batch->attempts);
    producer->retried++;
    if (producer->watch.retried)
        producer->watch.retried(producer->watch.context, topic->name, batch->partition->index, err, batch->count);
    partition_requeue(producer, batch);
}

static void take_error(struct producer *producer, struct batch_out *batch, enum err err, const struct produce_response_partition *answer, int32_t correlation_id)
{
    const char *message = answer && answer->error_message ? answer->error_message : err_message(err);

    if (err_refreshes(err))
        producer_want_metadata(producer);
    if (err == ERR_MESSAGE_TOO_LARGE && batch->count > 1 && !producer->closing) {
        producer_warn(producer, "WARN", logger, "Got error produce response in correlation id %d on topic-partition %s-%d, splitting and retrying (%lld attempts left). Error: %s",
                      correlation_id, batch->partition->topic->name, batch->partition->index, (long long)(producer->retries - batch->attempts), err_name(err));
        batch->partition->topic->ratio = 1;
        batches_split(producer, batch);
    } else if (may_retry(producer, batch, err, answer)) {
        send_again(producer, batch, err, correlation_id);
    } else {
        sequences_failed(producer, batch, err, batch->attempts < producer->retries);
        batch_end(producer, batch, err, message, answer);
    }
}

static void take_answer(struct producer *producer, struct batch_out *batch, enum err err, const struct produce_response_partition *answer, int32_t correlation_id)
{
    queue_out_remove(&batch->partition->on_way, batch);
    batch->on_way = false;
    if (!err && answer)
        err = (enum err)answer->error_code;
    else if (!err && producer->acks)
        err = ERR_UNKNOWN_SERVER_ERROR;
    if (batch->over) { /* given up meanwhile */
        batch_free(producer, batch);
        return;
    }
    if (err && err != ERR_DUPLICATE_SEQUENCE_NUMBER) {
        take_error(producer, batch, err, answer, correlation_id);
        return;
    }
    sequences_acked(producer, batch, answer && !err ? answer->base_offset : -1);
    batch_end(producer, batch, ERR_OK, NULL, err ? NULL : answer);
}

static void end_flight(struct flight *flight)
{
    struct producer *producer = flight->producer;
    struct flight **at = &producer->flights;

    while (*at != flight)
        at = &(*at)->next;
    *at = flight->next;
    producer->flight_count--;
    if (producer->sending == flight)
        producer->sending = NULL;
    flight->next = producer->free_flights;
    producer->free_flights = flight;
}

static void on_answer(void *context, enum err err, void *out)
{
    struct flight *flight = context;
    struct producer *producer = flight->producer;
    size_t i = 0;

    producer_enter(producer);
    for (int32_t t = 0; t < flight->request->topic_data.count; t++) {
        const struct produce_request_topic *asked = &flight->request->topic_data.items[t];

        for (int32_t p = 0; p < asked->partition_data.count; p++)
            take_answer(producer, flight->batches[i++], err, err ? NULL : answer_for(out, asked, asked->partition_data.items[p].index, flight->by_id),
                        flight->correlation_id);
    }
    end_flight(flight);
    producer_step(producer);
    if (!producer->closing && producer->waiter)
        task_wake(producer->waiter);
    producer_leave(producer);
}

void flights_cancel(struct producer *producer)
{
    while (producer->flights) {
        struct flight *flight = producer->flights;

        client_send_cancel(flight->send);
        for (size_t i = 0; i < flight->count; i++) {
            queue_out_remove(&flight->batches[i]->partition->on_way, flight->batches[i]);
            flight->batches[i]->on_way = false;
            batch_free(producer, flight->batches[i]); /* batches_fail_all() gave it its result */
        }
        end_flight(flight);
    }
    while (producer->free_flights) {
        struct flight *next = producer->free_flights->next;

        arena_done(&producer->free_flights->arena);
        mem_free(producer->free_flights);
        producer->free_flights = next;
    }
}

/* ---- what is ready ---- */

static struct node_out *node_of(struct producer *producer, int32_t id)
{
    for (size_t i = 0; i < producer->node_count; i++)
        if (producer->nodes[i].id == id)
            return &producer->nodes[i];
    ARRAY_ADD(producer->nodes, producer->node_count, producer->node_capacity) = (struct node_out){ .id = id };
    return &producer->nodes[producer->node_count - 1];
}

/* Waits after an error; from 3.7 on not if another leads now. */
static bool backs_off(const struct producer *producer, const struct batch_out *batch, int32_t leader_epoch)
{
    bool moved = !producer->is_27 && batch->attempts && leader_epoch >= 0 && batch->tried_epoch >= 0 && leader_epoch != batch->tried_epoch;

    return batch->attempts && !moved && producer_now_us(producer) - batch->tried_us < batch->backoff_us;
}

/* One at a time with max.in.flight 1: a partition whose batch is on its way sends no other. */
static bool muted(const struct producer *producer, const struct partition_out *partition)
{
    return producer->most_in_flight == 1 && partition->on_way.first;
}

static void look_at(struct producer *producer, struct partition_out *partition, int64_t *next_us, bool *leaderless)
{
    struct batch_out *batch = partition->waiting.first;
    const struct client_partition *leader;
    int64_t wait_us;
    bool backing_off;

    if (!batch)
        return;
    leader = producer_leader(producer, partition);
    if (!leader) {
        *leaderless = true;
        return;
    }
    if (muted(producer, partition))
        return;
    backing_off = backs_off(producer, batch, leader->leader_epoch);
    wait_us = backing_off ? batch->tried_us + batch->backoff_us : batch->tried_us + producer->linger_us;
    if (!backing_off && (batch->next || batch_full(producer, batch) || wait_us <= producer_now_us(producer) || producer->exhausted || producer->flushing))
        node_of(producer, leader->leader)->ready = true;
    else if (wait_us < *next_us)
        *next_us = wait_us;
}

/* ---- one request ---- */

/* Those a broker leads, from where the last request to it stopped. */
static size_t parts_of(struct producer *producer, int32_t node)
{
    size_t count = 0;

    for (struct topic_out *topic = producer->topics; topic; topic = topic->next)
        for (int32_t p = 0; p < topic->count; p++) {
            const struct client_partition *leader = producer_leader(producer, topic->partitions[p]);

            if (leader && leader->leader == node)
                ARRAY_ADD(producer->parts, count, producer->part_capacity) = topic->partitions[p];
        }
    return count;
}

/* False: it can't be packed; its records were told. */
static bool finish(struct producer *producer, struct batch_out *batch)
{
    struct reason reason = { "" };
    struct topic_out *topic = batch->partition->topic;
    enum err err;

    batch->closed = true;
    sequences_number(producer, batch->partition, batch);
    err = batch->bytes.data ? ERR_OK : batch_builder_finish(&batch->builder, &batch->bytes, &reason);
    if (err) {
        sequences_failed(producer, batch, err, true);
        batch_end(producer, batch, err, reason.text, NULL);
        return false;
    }
    if (producer->codec && batch->builder.plain.size) { /* slowly down, quickly up */
        double ratio = (double)(batch->bytes.size - BATCH_HEADER) / (double)batch->builder.plain.size;

        topic->ratio = ratio > topic->ratio ? (topic->ratio + 0.05 > ratio ? topic->ratio + 0.05 : ratio)
                                            : (topic->ratio - 0.005 > ratio ? topic->ratio - 0.005 : ratio);
    }
    batch->renumbered = false;
    return true;
}

static struct flight *new_flight(struct producer *producer, int32_t node, size_t most)
{
    struct flight *flight = producer->free_flights;

    if (flight) {
        producer->free_flights = flight->next;
        arena_reset(&flight->arena);
    } else {
        flight = mem_zero(sizeof(*flight));
        flight->producer = producer;
        arena_init(&flight->arena);
    }
    flight->node = node;
    flight->count = 0;
    flight->send = NULL;
    flight->by_id = client_version_now(producer->client, node, API_PRODUCE, -1) >= 13;
    flight->batches = arena_alloc(&flight->arena, most * sizeof(*flight->batches));
    flight->request = arena_alloc(&flight->arena, sizeof(*flight->request));
    fields_preset(&produce_request_message, flight->request);
    flight->request->transactional_id = NULL;
    flight->request->acks = producer->acks;
    flight->request->timeout_ms = producer->request_timeout_ms;
    flight->request->topic_data.items = arena_alloc(&flight->arena, most * sizeof(*flight->request->topic_data.items));
    return flight;
}

/* The partitions of a topic stand together. */
static void add(struct flight *flight, struct batch_out *batch, size_t most, int32_t leader_epoch)
{
    struct produce_request *request = flight->request;
    struct topic_out *topic = batch->partition->topic;
    struct produce_request_topic *item = NULL;
    size_t at = 0;

    for (int32_t t = 0; t < request->topic_data.count && !item; t++) {
        at += (size_t)request->topic_data.items[t].partition_data.count;
        if (request->topic_data.items[t].name == topic->name)
            item = &request->topic_data.items[t];
    }
    if (!item) {
        item = &request->topic_data.items[request->topic_data.count++];
        item->name = topic->name;
        item->topic_id = client_topic(flight->producer->client, topic->name)->id;
        item->partition_data.items = arena_alloc(&flight->arena, most * sizeof(*item->partition_data.items));
    }
    item->partition_data.items[item->partition_data.count++] =
        (struct produce_request_partition){ batch->partition->index, { .data = batch->bytes.data, .size = (int32_t)batch->bytes.size } };
    memmove(flight->batches + at + 1, flight->batches + at, (flight->count - at) * sizeof(*flight->batches));
    flight->batches[at] = batch;
    flight->count++;
    batch->on_way = true;
    batch->tried_epoch = leader_epoch;
    queue_out_add(&batch->partition->on_way, batch);
}

/* The oldest batch of each partition that this broker leads, up to max.request.size, lingering or not: the request goes anyway. */
static bool send_to(struct producer *producer, struct node_out *node)
{
    size_t count = parts_of(producer, node->id), begin = count ? node->turn % count : 0, bytes = 0;
    struct flight *flight = NULL;
    struct client_send *send;
    int32_t id = node->id;

    for (size_t i = 0; i < count; i++) {
        size_t at = (begin + i) % count;
        struct partition_out *partition = producer->parts[at];
        struct batch_out *batch = partition->waiting.first;
        int32_t leader_epoch = producer_leader(producer, partition)->leader_epoch;

        node->turn = at;
        if (!batch || muted(producer, partition) || backs_off(producer, batch, leader_epoch))
            continue;
        if (flight && bytes + batch_bytes(producer, batch) > (size_t)producer->max_request_size)
            break;
        if (sequences_hold(producer, partition, batch))
            continue;
        queue_out_remove(&partition->waiting, batch);
        if (!finish(producer, batch))
            continue;
        if (!flight)
            flight = new_flight(producer, id, count);
        bytes += batch->bytes.size;
        add(flight, batch, count, leader_epoch);
    }
    if (!flight)
        return false;
    flight->next = producer->flights;
    producer->flights = flight;
    producer->flight_count++;
    producer->sending = flight;
    flight->correlation_id = client_next_correlation(producer->client);
    send = client_send(producer->client, id, API_PRODUCE, -1, flight->request, &flight->arena, on_answer, flight);
    if (producer->sending == flight)
        flight->send = send;
    producer->sending = NULL;
    return true;
}

/* ---- a step ---- */

static void wake(void *context)
{
    struct producer *producer = context;

    if (producer->wake_at_us > producer->clock_us)
        producer->clock_us = producer->wake_at_us;
    producer_step(producer);
    if (!producer->closing && producer->waiter)
        task_wake(producer->waiter);
}

static void arm(struct producer *producer, int64_t at_us)
{
    int64_t left_us = at_us - producer_now_us(producer);

    if (at_us == NEVER_US) {
        timer_cancel(&producer->wake);
        return;
    }
    if (timer_armed(&producer->wake) && producer->wake_at_us == at_us)
        return;
    producer->wake_at_us = at_us;
    producer->wake.run = wake;
    producer->wake.context = producer;
    timer_arm(producer->timers, &producer->wake, left_us > 0 ? left_us : 0);
}

/* Sends once to each broker that can take a request; false: nothing was. */
static bool round_of_sending(struct producer *producer, int64_t *next_us)
{
    bool leaderless = false, sent = false;

    for (size_t i = 0; i < producer->node_count; i++)
        producer->nodes[i].ready = false;
    for (struct topic_out *topic = producer->topics; topic; topic = topic->next) {
        for (int32_t p = 0; p < topic->count; p++)
            look_at(producer, topic->partitions[p], next_us, &leaderless);
        partition_measure(producer, topic);
    }
    if (leaderless)
        producer_want_metadata(producer);
    for (size_t i = 0; i < producer->node_count && !producer->closing; i++)
        if (producer->nodes[i].ready && client_can_send(producer->client, producer->nodes[i].id, producer->most_in_flight) == CLIENT_CAN_SEND)
            sent |= send_to(producer, &producer->nodes[i]);
    return sent;
}

static void one_step(struct producer *producer)
{
    int64_t next_us = NEVER_US;
    bool sent = false;

    if (client_losses(producer->client) != producer->losses) {
        producer->losses = client_losses(producer->client);
        producer_want_metadata(producer);
    }
    if (producer->watch.pull)
        producer->watch.pull(producer->watch.context);
    if (producer->unsent && sequences_ready(producer))
        sent = round_of_sending(producer, &next_us);
    producer->again |= sent;
    if (producer->closing)
        return;
    batches_expire(producer, &next_us);
    arm(producer, producer->again ? NEVER_US : next_us);
}

void producer_step(struct producer *producer)
{
    if (producer->stepping || producer->closing) {
        producer->again = true;
        return;
    }
    producer_enter(producer);
    producer->stepping = true;
    do {
        producer->again = false;
        one_step(producer);
    } while (producer->again && !producer->closing);
    producer->stepping = false;
    if (producer->watch.stepped && !producer->closing)
        producer->watch.stepped(producer->watch.context);
    producer_leave(producer);
}
