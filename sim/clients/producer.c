/* The producer: records gather in one batch a partition; a sender task finds the leaders, sends what is ready and deals with what
 * comes back. Source of behaviour: Kafka's KafkaProducer, RecordAccumulator, Sender. */
#include "sim/clients/producer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { API_PRODUCE = 0, API_INIT_PRODUCER_ID = 22 };

struct sent_record {
    uint64_t number;
    int64_t timestamp_ms;
};

struct batch_out {               /* one batch: being filled, ready, or in flight */
    struct batch_out *next;
    struct batch_builder builder;
    struct sent_record *records;
    size_t count, capacity;
    size_t bytes;                /* counted against buffer.memory */
    int64_t made_us;             /* on the client's clock: of delivery.timeout.ms */
    int64_t retry_at_us;         /* not before; 0: at once */
    bool closed, sequenced;
    int attempts;
};

struct topic_out {
    struct topic_out *next;
    char *name;
    struct partition_out *partitions;
    int32_t count;
    int32_t sticky;              /* where records without key go until a batch is full */
};

struct partition_out {
    struct batch_out *first, *last;   /* from the oldest */
    int64_t producer_id;              /* whose sequence it is */
    int32_t next_sequence;
    bool in_flight;                   /* the oldest: one at a time, so the order never changes */
};

struct flight {                  /* a request on its way to one broker */
    struct flight *next;
    struct producer *producer;
    struct arena arena;
    struct client_send *send;
    struct produce_request *request;
    bool by_id;
};

struct producer {
    struct client *client;
    struct client_options options;    /* for its log lines; texts are not ours */
    char *client_id;
    int32_t last_correlation_id;
    struct queue *queue;
    struct timers *timers;
    producer_done *done;
    void *context;
    /* settings */
    int16_t acks;
    int64_t linger_us, delivery_us, max_block_us, backoff_us;
    int64_t batch_size, buffer_memory, max_request_size, retries;
    int32_t request_timeout_ms;
    int codec;
    bool idempotent, round_robin, is_27;
    /* state */
    struct topic_out *topics;
    struct flight *flights, *sending; /* sending: within client_send, which may answer at once */
    size_t buffered, unsent;          /* bytes; records without a result yet */
    uint64_t next_number;
    int64_t producer_id;
    int16_t producer_epoch;
    struct task *sender, *waiter;     /* waiter: in producer_send or producer_flush */
    struct timer wake, expiry;        /* expiry: when the oldest batch not in flight has had its delivery.timeout.ms */
    int64_t expiry_at_us;             /* of the batch for which it is armed */
    bool flushing, closing, refresh, working;
    int using;                        /* calls on the stack that still look at us; the sender is one */
    struct random random;
    int32_t round;
};

/* ---- results ---- */

static void give_result(struct producer *producer, const char *topic, int32_t partition, const struct sent_record *record, enum err err, const char *message,
                        int64_t offset, int64_t timestamp_ms)
{
    struct producer_result result = { err, message, topic, partition, offset, timestamp_ms >= 0 ? timestamp_ms : record->timestamp_ms, record->number };

    producer->unsent--;
    if (producer->done)
        producer->done(producer->context, &result);
}

static void free_batch(struct producer *producer, struct batch_out *batch)
{
    producer->buffered -= batch->bytes;
    batch_builder_done(&batch->builder);
    mem_free(batch->records);
    mem_free(batch);
}

/* The oldest batch of a partition has come to its end, good or bad. */
static void end_batch(struct producer *producer, struct topic_out *topic, int32_t partition, enum err err, const char *message, int64_t base_offset, int64_t time_ms)
{
    struct partition_out *out = &topic->partitions[partition];
    struct batch_out *batch = out->first;

    out->first = batch->next;
    if (!out->first)
        out->last = NULL;
    for (size_t i = 0; i < batch->count; i++)
        give_result(producer, topic->name, partition, &batch->records[i], err, message, err || base_offset < 0 ? -1 : base_offset + (int64_t)i, time_ms);
    free_batch(producer, batch);
    if (!producer->unsent)
        timer_cancel(&producer->expiry);
}

static void leave(struct producer *producer)
{
    if (!--producer->using && producer->closing)
        mem_free(producer);
}

static void wake_waiter(struct producer *producer)
{
    if (producer->waiter)
        task_wake(producer->waiter);
}

static void wake_sender(void *context)
{
    struct producer *producer = context;

    if (producer->sender && !producer->working && !producer->closing)
        task_wake(producer->sender);
}

static void arm(struct producer *producer, int64_t us)
{
    producer->wake.run = wake_sender;
    producer->wake.context = producer;
    if (!timer_armed(&producer->wake) || timer_left_us(&producer->wake) > us)
        timer_arm(producer->timers, &producer->wake, us);
}

static int64_t now_us(const struct producer *producer)
{
    return queue_now_us(producer->queue);
}

static void expire_on_time(void *context);

static void watch_expiry(struct producer *producer, const struct batch_out *batch)
{
    int64_t at_us = batch->made_us + producer->delivery_us, left_us = at_us - now_us(producer);

    if (timer_armed(&producer->expiry) && producer->expiry_at_us <= at_us)
        return;
    producer->expiry_at_us = at_us;
    producer->expiry.run = expire_on_time;
    producer->expiry.context = producer;
    timer_arm(producer->timers, &producer->expiry, left_us > 0 ? left_us : 1);
}

/* ---- answers ---- */

static struct topic_out *topic_named(struct producer *producer, const char *name)
{
    struct topic_out *topic = producer->topics;

    while (topic && strcmp(topic->name, name))
        topic = topic->next;
    return topic;
}

/* What an idempotent producer does with the numbers of a batch that will not come back. */
static void forget_sequence(struct producer *producer, struct partition_out *out, enum err err)
{
    struct batch_out *batch = out->first;

    if (!batch->sequenced)
        return;
    if (err == ERR_NETWORK_EXCEPTION || err == ERR_REQUEST_TIMED_OUT || err == ERR_OUT_OF_ORDER_SEQUENCE_NUMBER || err == ERR_UNKNOWN_PRODUCER_ID)
        producer->producer_id = -1; /* nobody knows whether it was written: from the start with another id */
    else if (out->producer_id == batch->builder.producer_id)
        out->next_sequence = batch->builder.base_sequence;
}

static bool may_retry(const struct producer *producer, const struct batch_out *batch, enum err err)
{
    bool lost_numbers = producer->idempotent && (err == ERR_OUT_OF_ORDER_SEQUENCE_NUMBER || err == ERR_UNKNOWN_PRODUCER_ID);

    return (err_retriable(err) || lost_numbers) && batch->attempts <= producer->retries && now_us(producer) - batch->made_us < producer->delivery_us &&
           !producer->closing;
}

static void retry_or_fail(struct producer *producer, struct topic_out *topic, int32_t partition, enum err err, const char *message)
{
    struct partition_out *out = &topic->partitions[partition];
    struct batch_out *batch = out->first;
    const char *logger = "org.apache.kafka.clients.producer.internals.Sender";

    if (may_retry(producer, batch, err)) {
        if (!err_retriable(err)) {
            forget_sequence(producer, out, err);
            batch->sequenced = false;
        }
        producer->refresh |= err_refreshes(err);
        batch->retry_at_us = now_us(producer) + producer->backoff_us;
        arm(producer, producer->backoff_us);
        watch_expiry(producer, batch);
        if (producer->options.warn) {
            char *line = mem_printf("[Producer clientId=%s] Got error produce response with correlation id %d on topic-partition %s-%d, retrying (%lld attempts left). Error: %s",
                                    producer->client_id, producer->last_correlation_id, topic->name, partition, (long long)(producer->retries - batch->attempts),
                                    err_name(err));

            producer->options.warn(producer->options.warn_context, "WARN", line, logger);
            mem_free(line);
        }
        return;
    }
    forget_sequence(producer, out, err);
    end_batch(producer, topic, partition, err, message, -1, -1);
}

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

static void take_answer(struct producer *producer, struct topic_out *topic, int32_t partition, enum err err, const struct produce_response_partition *answer)
{
    struct partition_out *out = &topic->partitions[partition];

    out->in_flight = false;
    if (!out->first)
        return;
    if (!err && answer)
        err = (enum err)answer->error_code;
    else if (!err && producer->acks)
        err = ERR_UNKNOWN_SERVER_ERROR;
    if (err == ERR_DUPLICATE_SEQUENCE_NUMBER)
        err = ERR_OK;
    if (!err)
        end_batch(producer, topic, partition, ERR_OK, NULL, answer ? answer->base_offset : -1, answer ? answer->log_append_time_ms : -1);
    else
        retry_or_fail(producer, topic, partition, err, answer && answer->error_message ? answer->error_message : err_message(err));
}

static void end_flight(struct flight *flight)
{
    struct flight **at = &flight->producer->flights;

    while (*at != flight)
        at = &(*at)->next;
    *at = flight->next;
    if (flight->producer->sending == flight)
        flight->producer->sending = NULL;
    arena_done(&flight->arena);
    mem_free(flight);
}

static void on_answer(void *context, enum err err, void *out)
{
    struct flight *flight = context;
    struct producer *producer = flight->producer;
    const struct produce_request *request = flight->request;

    producer->using++;
    for (int32_t t = 0; t < request->topic_data.count; t++) {
        const struct produce_request_topic *asked = &request->topic_data.items[t];
        struct topic_out *topic = topic_named(producer, asked->name);

        for (int32_t p = 0; p < asked->partition_data.count; p++) {
            int32_t index = asked->partition_data.items[p].index;

            take_answer(producer, topic, index, err, err ? NULL : answer_for(out, asked, index, flight->by_id));
        }
    }
    end_flight(flight);
    wake_sender(producer);
    if (!producer->closing)
        wake_waiter(producer);
    leave(producer);
}

/* ---- sending ---- */

static bool batch_ready(const struct producer *producer, const struct batch_out *batch)
{
    return batch->closed || producer->flushing || producer->closing || now_us(producer) - batch->made_us >= producer->linger_us ||
           producer->buffered >= (size_t)producer->buffer_memory;
}

/* Ready, allowed, and not on its way; sets a timer for those that will be. */
static bool partition_ready(struct producer *producer, struct partition_out *out)
{
    struct batch_out *batch = out->first;

    if (!batch || out->in_flight)
        return false;
    if (batch->retry_at_us > now_us(producer)) {
        arm(producer, batch->retry_at_us - now_us(producer));
        return false;
    }
    if (batch_ready(producer, batch))
        return true;
    arm(producer, producer->linger_us - (now_us(producer) - batch->made_us));
    return false;
}

static bool any_ready(struct producer *producer)
{
    bool ready = false;

    for (struct topic_out *topic = producer->topics; topic; topic = topic->next)
        for (int32_t p = 0; p < topic->count; p++)
            ready |= partition_ready(producer, &topic->partitions[p]);
    return ready;
}

static void expire(struct producer *producer, int64_t now)
{
    for (struct topic_out *topic = producer->topics; topic; topic = topic->next) {
        for (int32_t p = 0; p < topic->count; p++) {
            struct partition_out *out = &topic->partitions[p];

            while (out->first && !out->in_flight && now - out->first->made_us >= producer->delivery_us) {
                char *message = mem_printf("Expiring %zu record(s) for %s-%d:%lld ms has passed since batch creation%s", out->first->count, topic->name, p,
                                           (long long)((now - out->first->made_us) / 1000),
                                           producer->is_27 ? "" : ". The request has not been sent, or no server response has been received yet.");

                forget_sequence(producer, out, ERR_REQUEST_TIMED_OUT);
                end_batch(producer, topic, p, ERR_REQUEST_TIMED_OUT, message, -1, -1);
                mem_free(message);
            }
            if (out->first && !out->in_flight) /* one in flight is watched again if it comes back */
                watch_expiry(producer, out->first);
        }
    }
}

/* Not the sender's matter: it may sit in a call for as long as no broker answers. */
static void expire_on_time(void *context)
{
    struct producer *producer = context;

    expire(producer, producer->expiry_at_us); /* by the timer: of a wall clock, the queue's lags behind */
    wake_waiter(producer);
}

static enum err get_producer_id(struct task *task, struct producer *producer, struct reason *reason)
{
    struct init_producer_id_request request;
    void *out = NULL;
    struct arena arena;
    enum err err;

    if (!producer->idempotent || producer->producer_id >= 0)
        return ERR_OK;
    fields_preset(&init_producer_id_request_message, &request);
    request.transactional_id = NULL;
    request.transaction_timeout_ms = INT32_MAX;
    request.producer_id = -1;
    request.producer_epoch = -1;
    arena_init(&arena);
    err = client_call(task, producer->client, NODE_ANY, API_INIT_PRODUCER_ID, -1, &request, &arena, &out, reason);
    if (!err) {
        const struct init_producer_id_response *answer = out;

        err = (enum err)answer->error_code;
        producer->producer_id = answer->producer_id;
        producer->producer_epoch = answer->producer_epoch;
    }
    arena_done(&arena);
    return err;
}

static const struct client_partition *leader_of(const struct producer *producer, const struct topic_out *topic, int32_t partition)
{
    const struct client_topic *known = client_topic(producer->client, topic->name);

    return known && !known->err && partition < known->partition_count && known->partitions[partition].leader >= 0 ? &known->partitions[partition] : NULL;
}

static void finish_batch(struct producer *producer, struct partition_out *out, struct bytes *bytes)
{
    struct batch_out *batch = out->first;

    batch->closed = true;
    if (producer->idempotent && !batch->sequenced) {
        if (out->producer_id != producer->producer_id)
            out->next_sequence = 0;
        out->producer_id = producer->producer_id;
        batch->builder.producer_id = producer->producer_id;
        batch->builder.producer_epoch = producer->producer_epoch;
        batch->builder.base_sequence = out->next_sequence;
        out->next_sequence = (int32_t)(((int64_t)out->next_sequence + (int64_t)batch->count) & INT32_MAX);
        batch->sequenced = true;
    }
    if (batch_builder_finish(&batch->builder, bytes, NULL))
        *bytes = (struct bytes){ 0 };
}

static void add_to_flight(struct producer *producer, struct flight *flight, struct topic_out *topic, int32_t partition)
{
    struct produce_request *request = flight->request;
    struct produce_request_topic *item = NULL;
    struct partition_out *out = &topic->partitions[partition];
    struct bytes bytes;

    for (int32_t t = 0; t < request->topic_data.count; t++)
        if (!strcmp(request->topic_data.items[t].name, topic->name))
            item = &request->topic_data.items[t];
    if (!item) {
        const struct client_topic *known = client_topic(producer->client, topic->name);

        item = &request->topic_data.items[request->topic_data.count++];
        item->name = topic->name;
        item->topic_id = known->id;
        item->partition_data.items = arena_alloc(&flight->arena, (size_t)topic->count * sizeof(*item->partition_data.items));
    }
    finish_batch(producer, out, &bytes);
    item->partition_data.items[item->partition_data.count++] =
        (struct produce_request_partition){ partition, { .data = bytes.data, .size = (int32_t)bytes.size } };
    out->in_flight = true;
    out->first->attempts++;
}

static size_t topic_count(const struct producer *producer)
{
    size_t count = 0;

    for (struct topic_out *topic = producer->topics; topic; topic = topic->next)
        count++;
    return count;
}

/* All that is ready for one broker in one request. */
static void send_to(struct task *task, struct producer *producer, int32_t node)
{
    bool by_id = client_version(task, producer->client, node, API_PRODUCE, -1) >= 13; /* waits, so first of all */
    struct flight *flight;
    struct client_send *send;

    if (task_interrupted(task))
        return;
    flight = mem_zero(sizeof(*flight));
    flight->producer = producer;
    flight->by_id = by_id;
    arena_init(&flight->arena);
    flight->request = arena_alloc(&flight->arena, sizeof(*flight->request));
    fields_preset(&produce_request_message, flight->request);
    flight->request->transactional_id = NULL;
    flight->request->acks = producer->acks;
    flight->request->timeout_ms = producer->request_timeout_ms;
    flight->request->topic_data.items = arena_alloc(&flight->arena, topic_count(producer) * sizeof(*flight->request->topic_data.items));
    for (struct topic_out *topic = producer->topics; topic; topic = topic->next) {
        for (int32_t p = 0; p < topic->count; p++) {
            const struct client_partition *leader = leader_of(producer, topic, p);

            if (leader && leader->leader == node && partition_ready(producer, &topic->partitions[p]))
                add_to_flight(producer, flight, topic, p);
        }
    }
    if (!flight->request->topic_data.count) { /* all expired while the broker's versions were asked for */
        arena_done(&flight->arena);
        mem_free(flight);
        return;
    }
    flight->next = producer->flights;
    producer->flights = flight;
    producer->sending = flight;
    send = client_send(producer->client, node, API_PRODUCE, -1, flight->request, &flight->arena, on_answer, flight);
    if (producer->sending == flight)
        flight->send = send;
    producer->sending = NULL;
}

static void find_leaders(struct task *task, struct producer *producer)
{
    const char *names[256];
    int32_t count = 0;

    for (struct topic_out *topic = producer->topics; topic && count < 256; topic = topic->next)
        names[count++] = topic->name;
    client_metadata(task, producer->client, names, count, true, true, NULL);
    producer->refresh = false;
}

static void send_ready(struct task *task, struct producer *producer)
{
    bool leaderless = false;

    if (producer->refresh)
        find_leaders(task, producer);
    if (task_interrupted(task))
        return;
    for (struct topic_out *topic = producer->topics; topic; topic = topic->next) {
        for (int32_t p = 0; p < topic->count; p++) {
            const struct client_partition *leader;

            if (!partition_ready(producer, &topic->partitions[p]))
                continue;
            leader = leader_of(producer, topic, p);
            if (leader)
                send_to(task, producer, leader->leader);
            else
                leaderless = true;
            if (task_interrupted(task))
                return;
        }
    }
    if (leaderless) {
        producer->refresh = true;
        arm(producer, producer->backoff_us);
    }
}

static void fail_all(struct producer *producer, enum err err, const char *message)
{
    for (struct topic_out *topic = producer->topics; topic; topic = topic->next)
        for (int32_t p = 0; p < topic->count; p++)
            while (topic->partitions[p].first && (!topic->partitions[p].in_flight || producer->closing))
                end_batch(producer, topic, p, err, message, -1, -1);
}

static void run_sender(struct task *task, void *context)
{
    struct producer *producer = context;

    producer->sender = task;
    while (!task_interrupted(task)) {
        struct reason reason = { "" };
        enum err err = ERR_OK;

        producer->working = true;
        expire(producer, now_us(producer));
        if (any_ready(producer)) {
            err = get_producer_id(task, producer, &reason);
            if (task_interrupted(task))
                break;
            if (err && !err_retriable(err))
                fail_all(producer, err, reason.text);
            else if (err)
                arm(producer, producer->backoff_us);
            else
                send_ready(task, producer);
        }
        if (task_interrupted(task))
            break;
        producer->working = false;
        wake_waiter(producer);
        if (task_interrupted(task))
            break;
        if (!err && !producer->refresh && any_ready(producer)) {
            continue; /* became ready meanwhile */
        }
        task_wait(task);
    }
}

static void sender_over(void *context)
{
    struct producer *producer = context;

    producer->sender = NULL;
    leave(producer);
}

/* ---- open, send, flush, close ---- */

static int64_t number_setting(const struct config_map *config, const char *key, int64_t preset, enum err *err, struct reason *reason, const char *type)
{
    const char *value = config ? config_map_get(config, key) : NULL;
    int64_t number = preset;

    if (value && !parse_i64(value, &number) && !*err)
        *err = err_because(ERR_INVALID_CONFIG, reason, "Invalid value %s for configuration %s: Not a number of type %s", value, key, type);
    return number;
}

static void take_acks(struct producer *producer, const struct config_map *config, enum err *err, struct reason *reason)
{
    const char *acks = config_map_get(config, "acks");

    producer->acks = producer->is_27 ? 1 : -1;
    if (!acks)
        return;
    if (!strcmp(acks, "all") || !strcmp(acks, "-1"))
        producer->acks = -1;
    else if (!strcmp(acks, "0") || !strcmp(acks, "1"))
        producer->acks = (int16_t)atoi(acks);
    else if (!*err)
        *err = err_because(ERR_INVALID_CONFIG, reason, "Invalid value %s for configuration acks: String must be one of: all, -1, 0, 1", acks);
}

static enum err take_settings(struct producer *producer, const struct config_map *config, struct reason *reason)
{
    const char *codec = config_map_get(config, "compression.type"), *idempotence = config_map_get(config, "enable.idempotence");
    const char *partitioner = config_map_get(config, "partitioner.class");
    enum err err = ERR_OK;

    take_acks(producer, config, &err, reason);
    producer->linger_us = number_setting(config, "linger.ms", producer->is_27 ? 0 : 5, &err, reason, "LONG") * 1000;
    producer->delivery_us = number_setting(config, "delivery.timeout.ms", 120000, &err, reason, "INT") * 1000;
    producer->max_block_us = number_setting(config, "max.block.ms", 60000, &err, reason, "LONG") * 1000;
    producer->backoff_us = number_setting(config, "retry.backoff.ms", 100, &err, reason, "LONG") * 1000;
    producer->batch_size = number_setting(config, "batch.size", 16384, &err, reason, "INT");
    producer->buffer_memory = number_setting(config, "buffer.memory", 33554432, &err, reason, "LONG");
    producer->max_request_size = number_setting(config, "max.request.size", 1048576, &err, reason, "INT");
    producer->retries = number_setting(config, "retries", INT32_MAX, &err, reason, "INT");
    producer->request_timeout_ms = (int32_t)number_setting(config, "request.timeout.ms", 30000, &err, reason, "INT");
    producer->codec = CODEC_NONE;
    if (!err && codec && !codec_parse(codec, &producer->codec))
        err = producer->is_27 ? err_because(ERR_UNSUPPORTED_COMPRESSION_TYPE, reason, "Unknown compression name: %s", codec)
                              : err_because(ERR_INVALID_CONFIG, reason, "Invalid value %s for configuration compression.type: "
                                            "String must be one of: none, gzip, snappy, lz4, zstd", codec);
    producer->idempotent = !producer->is_27 && producer->acks == -1 && producer->retries > 0;
    if (!err && idempotence) {
        producer->idempotent = !strcasecmp(idempotence, "true");
        if (producer->idempotent && producer->acks != -1 && config_map_get(config, "acks"))
            err = err_because(ERR_INVALID_CONFIG, reason, "Must set acks to all in order to use the idempotent producer. Otherwise we cannot guarantee idempotence.");
        if (producer->idempotent)
            producer->acks = -1;
    }
    producer->round_robin = partitioner && strstr(partitioner, "RoundRobin");
    return err;
}

enum err producer_open(struct producer **out, const struct client_options *options, struct queue *queue, const struct config_map *config,
                       producer_done *done, void *context, struct reason *reason)
{
    static const struct config_map nothing;
    struct producer *producer = mem_zero(sizeof(*producer));
    enum err err;

    *out = NULL;
    producer->queue = queue;
    producer->timers = options->transport->timers;
    producer->done = done;
    producer->context = context;
    producer->options = *options;
    producer->is_27 = release_is_27(options->release);
    producer->producer_id = -1;
    producer->producer_epoch = -1;
    config = config ? config : &nothing;
    if (!options->client_id)
        producer->options.client_id = config_map_get(config, "client.id");
    producer->options.kind = CLIENT_PRODUCER;
    producer->client_id = mem_text(producer->options.client_id ? producer->options.client_id : "");
    random_init(&producer->random, java_hash(producer->client_id) ^ (uint64_t)queue_now_us(queue) << 20);
    err = take_settings(producer, config, reason);
    producer->options.request_timeout_us = (int64_t)producer->request_timeout_ms * 1000;
    producer->options.api_timeout_us = producer->max_block_us;
    if (!err)
        err = client_open(&producer->client, &producer->options, reason);
    if (err) {
        mem_free(producer->client_id);
        mem_free(producer);
        return err;
    }
    producer->using = 1;
    task_start(run_sender, sender_over, producer);
    *out = producer;
    return ERR_OK;
}

/* Waits in `task` until the topic is known; its error if it can't be. */
static enum err learn_topic(struct task *task, struct producer *producer, const char *name, struct topic_out **out, struct reason *reason)
{
    const struct client_topic *known = client_topic(producer->client, name);
    int64_t began = now_us(producer);
    struct topic_out *topic;

    while (!known || known->err || !known->partition_count) {
        enum err err = client_metadata(task, producer->client, &name, 1, true, true, reason);

        if (task_interrupted(task))
            return ERR_NETWORK_EXCEPTION;
        known = err ? NULL : client_topic(producer->client, name);
        if (known && known->err && !err_retriable(known->err))
            return err_because(known->err, reason, known->err == ERR_INVALID_TOPIC_EXCEPTION ? "Invalid topics: [%s]" : "%s",
                               known->err == ERR_INVALID_TOPIC_EXCEPTION ? name : err_message(known->err));
        if (known && !known->err && known->partition_count)
            break;
        if (err == ERR_REQUEST_TIMED_OUT || now_us(producer) - began >= producer->max_block_us) /* the client tries as long as max.block.ms */
            return err_because(ERR_REQUEST_TIMED_OUT, reason, "Topic %s not present in metadata after %lld ms.", name, (long long)(producer->max_block_us / 1000));
        struct timer pause = { .run = (void (*)(void *))task_wake, .context = task };

        timer_arm(producer->timers, &pause, producer->backoff_us);
        while (timer_armed(&pause) && task_wait(task))
            ;
        timer_cancel(&pause);
        if (task_interrupted(task))
            return ERR_NETWORK_EXCEPTION;
    }
    topic = topic_named(producer, name);
    if (!topic) {
        topic = mem_zero(sizeof(*topic));
        topic->name = mem_text(name);
        topic->sticky = -1;
        topic->next = producer->topics;
        producer->topics = topic;
    }
    if (topic->count < known->partition_count) {
        topic->partitions = mem_resize(topic->partitions, (size_t)known->partition_count * sizeof(*topic->partitions));
        memset(topic->partitions + topic->count, 0, (size_t)(known->partition_count - topic->count) * sizeof(*topic->partitions));
        topic->count = known->partition_count;
    }
    *out = topic;
    return ERR_OK;
}

static int32_t choose_partition(struct producer *producer, struct topic_out *topic, const struct producer_record *record)
{
    if (record->partition >= 0)
        return record->partition;
    if (producer->round_robin)
        return producer->round++ % topic->count;
    if (record->key.data)
        return (int32_t)((murmur2(record->key) & 0x7fffffff) % (uint32_t)topic->count);
    if (topic->sticky < 0 || topic->sticky >= topic->count)
        topic->sticky = (int32_t)random_below(&producer->random, (uint64_t)topic->count);
    return topic->sticky;
}

static struct batch_out *open_batch(struct producer *producer, struct topic_out *topic, int32_t partition, const struct producer_record *record)
{
    struct partition_out *out = &topic->partitions[partition];
    struct batch_out *batch = out->last;

    if (batch && !batch->closed && batch->count &&
        batch_builder_size_with(&batch->builder, record->key, record->value, record->headers, record->header_count) <= (size_t)producer->batch_size)
        return batch;
    if (batch) {
        batch->closed = true;
        topic->sticky = -1; /* the next without a key may go elsewhere */
    }
    batch = mem_zero(sizeof(*batch));
    batch_builder_init(&batch->builder, producer->codec);
    batch->made_us = now_us(producer);
    if (out->last)
        out->last->next = batch;
    else
        out->first = batch;
    out->last = batch;
    watch_expiry(producer, batch);
    return batch;
}

static size_t field_size(struct bytes bytes)
{
    return bytes.data ? varint_size((int64_t)bytes.size) + bytes.size : 1;
}

/* What Kafka's library reckons a record with a batch of its own may take at most. */
static size_t most_size(const struct producer_record *record)
{
    size_t size = BATCH_HEADER + 21 + field_size(record->key) + field_size(record->value) + varint_size(record->header_count);

    for (int32_t i = 0; i < record->header_count; i++)
        size += field_size(record->headers[i].key) + field_size(record->headers[i].value);
    return size;
}

enum err producer_send(struct task *task, struct producer *producer, const struct producer_record *record, uint64_t *number, struct reason *reason)
{
    struct topic_out *topic = NULL;
    struct batch_out *batch;
    size_t size = most_size(record);
    int64_t timestamp = record->timestamp_ms >= 0 ? record->timestamp_ms : queue_now_ms(producer->queue);
    int32_t partition;
    enum err err = learn_topic(task, producer, record->topic, &topic, reason);

    if (err)
        return err;
    if ((int64_t)size > producer->max_request_size)
        return err_because(ERR_MESSAGE_TOO_LARGE, reason,
                           "The message is %zu bytes when serialized which is larger than %lld, which is the value of the max.request.size configuration.", size,
                           (long long)producer->max_request_size);
    partition = choose_partition(producer, topic, record);
    if (partition >= topic->count)
        return err_because(ERR_UNKNOWN_TOPIC_OR_PARTITION, reason, "Topic %s has no partition %d", record->topic, partition);
    while (producer->buffered && producer->buffered + size > (size_t)producer->buffer_memory) {
        producer->waiter = task;
        wake_sender(producer);
        if (producer->buffered + size > (size_t)producer->buffer_memory && !task_wait(task)) {
            producer->waiter = NULL;
            return ERR_NETWORK_EXCEPTION;
        }
        producer->waiter = NULL;
    }
    batch = open_batch(producer, topic, partition, record);
    batch_builder_add(&batch->builder, timestamp, record->key, record->value, record->headers, record->header_count);
    ARRAY_ADD(batch->records, batch->count, batch->capacity) = (struct sent_record){ ++producer->next_number, timestamp };
    batch->bytes += size;
    producer->buffered += size;
    producer->unsent++;
    if (number)
        *number = producer->next_number;
    wake_sender(producer);
    return ERR_OK;
}

enum err producer_flush(struct task *task, struct producer *producer)
{
    producer->flushing = true;
    producer->waiter = task;
    wake_sender(producer);
    while (producer->unsent && task_wait(task))
        ;
    producer->waiter = NULL;
    producer->flushing = false;
    return producer->unsent ? ERR_NETWORK_EXCEPTION : ERR_OK;
}

void producer_close(struct producer *producer)
{
    if (!producer)
        return;
    producer->closing = true;
    producer->waiter = NULL;
    producer->using++;
    if (producer->sender)
        task_interrupt(producer->sender);
    while (producer->flights) {
        client_send_cancel(producer->flights->send);
        end_flight(producer->flights);
    }
    fail_all(producer, ERR_NETWORK_EXCEPTION, "Producer is closed forcefully.");
    timer_cancel(&producer->wake);
    timer_cancel(&producer->expiry);
    client_close(producer->client);
    while (producer->topics) {
        struct topic_out *next = producer->topics->next;

        mem_free(producer->topics->partitions);
        mem_free(producer->topics->name);
        mem_free(producer->topics);
        producer->topics = next;
    }
    mem_free(producer->client_id);
    leave(producer);
}
