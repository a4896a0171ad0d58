/* The producer: its settings, and how records come in and results go out. */
#include "sim/clients/producer_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- small things ---- */

int64_t producer_now_us(const struct producer *producer)
{
    int64_t now_us = queue_now_us(producer->queue);

    return now_us > producer->clock_us ? now_us : producer->clock_us;
}

void producer_enter(struct producer *producer)
{
    producer->using++;
}

void producer_leave(struct producer *producer)
{
    if (!--producer->using && producer->closing)
        mem_free(producer);
}

void producer_warn(struct producer *producer, const char *level, const char *logger, const char *format, ...)
{
    char *message, *line;
    va_list args;

    if (!producer->options.warn)
        return;
    va_start(args, format);
    message = mem_vprintf(format, args);
    va_end(args);
    line = mem_printf("[Producer clientId=%s] %s", producer->client_id, message);
    producer->options.warn(producer->options.warn_context, level, line, logger);
    mem_free(line);
    mem_free(message);
}

static void wake_waiter(struct producer *producer)
{
    if (producer->waiter)
        task_wake(producer->waiter);
}

/* ---- topics ---- */

static struct topic_out *producer_topic(const struct producer *producer, const char *name)
{
    struct topic_out *topic = producer->topics;

    while (topic && topic->name != name && strcmp(topic->name, name))
        topic = topic->next;
    return topic;
}

const struct client_partition *producer_leader(const struct producer *producer, const struct partition_out *partition)
{
    struct topic_out *topic = partition->topic;

    if (topic->known_at != client_metadata_count(producer->client) || !topic->known) {
        topic->known_at = client_metadata_count(producer->client);
        topic->known = client_topic(producer->client, topic->name);
    }
    if (!topic->known || topic->known->err || partition->index >= topic->known->partition_count || topic->known->partitions[partition->index].leader < 0)
        return NULL;
    return &topic->known->partitions[partition->index];
}

static struct topic_out *add_topic(struct producer *producer, const char *name)
{
    struct topic_out *topic = mem_zero(sizeof(*topic)), **at = &producer->topics;

    topic->name = mem_text(name);
    topic->sticky = -1;
    topic->ratio = 1;
    while (*at)
        at = &(*at)->next;
    *at = topic;
    return topic;
}

static void producer_grow_topic(struct topic_out *topic, int32_t count)
{
    if (topic->count >= count)
        return;
    topic->partitions = mem_resize(topic->partitions, (size_t)count * sizeof(*topic->partitions));
    for (int32_t p = topic->count; p < count; p++) {
        topic->partitions[p] = mem_zero(sizeof(**topic->partitions));
        *topic->partitions[p] = (struct partition_out){ .topic = topic, .index = p, .producer_id = -1, .producer_epoch = -1,
                                                        .last_acked_sequence = NO_SEQUENCE, .last_acked_offset = -1 };
    }
    topic->count = count;
}

/* The topic with as many partitions as metadata knows of; NULL: none is known. */
static struct topic_out *topic_for(struct producer *producer, const char *name)
{
    struct topic_out *topic = producer_topic(producer, name);
    const struct client_topic *known;

    if (topic && topic->counted_at == client_metadata_count(producer->client))
        return topic;
    known = client_topic(producer->client, name);
    if (!known || known->err || !known->partition_count)
        return topic; /* as it was known before */
    if (!topic)
        topic = add_topic(producer, name);
    topic->counted_at = client_metadata_count(producer->client);
    producer_grow_topic(topic, known->partition_count);
    return topic;
}

/* ---- the task beside: metadata, and the producer id ---- */

static void wake_up(void *context)
{
    producer_wake_worker(context);
}

void producer_wake_worker(struct producer *producer)
{
    producer->work = true;
    if (producer->worker && !producer->closing)
        task_wake(producer->worker);
}

void producer_want_metadata(struct producer *producer)
{
    if (producer->refresh)
        return;
    producer->refresh = true;
    producer_wake_worker(producer);
}

static void rest_until(struct producer *producer, int64_t at_us)
{
    int64_t left_us = at_us - producer_now_us(producer);

    producer->rest.run = wake_up;
    producer->rest.context = producer;
    if (!timer_armed(&producer->rest) || timer_left_us(&producer->rest) > left_us)
        timer_arm(producer->timers, &producer->rest, left_us > 0 ? left_us : 0);
}

/* A topic that can't be, by an error that time does not heal. */
static void judge_wanted(struct producer *producer)
{
    const struct client_topic *known = client_topic(producer->client, producer->wanted);

    producer->wanted_err = known && known->err && !err_retriable(known->err) ? known->err : ERR_OK;
    if (producer->wanted_err || (known && !known->err && known->partition_count)) {
        mem_free(producer->wanted);
        producer->wanted = NULL;
    }
}

static void ask_metadata(struct task *task, struct producer *producer)
{
    const char *names[256];
    char *wanted = mem_text(producer->wanted);
    int64_t backoff_us = producer->backoff_us;
    int32_t count = 0;

    for (struct topic_out *topic = producer->topics; topic && count < 255; topic = topic->next)
        if (!wanted || strcmp(topic->name, wanted))
            names[count++] = topic->name;
    if (wanted)
        names[count++] = wanted;
    producer->refresh = false;
    if (count)
        client_metadata(task, producer->client, names, count, true, true, NULL);
    mem_free(wanted);
    if (task_interrupted(task))
        return;
    producer->refreshes = client_news(producer->client) == producer->seen_news ? producer->refreshes + 1 : 0;
    producer->seen_news = client_news(producer->client);
    for (int i = 0; i < producer->refreshes && !producer->is_27 && backoff_us < producer->backoff_max_us; i++)
        backoff_us *= 2;
    producer->refreshed_us = producer_now_us(producer);
    producer->refresh_at_us = producer->refreshed_us + (producer->is_27 || backoff_us < producer->backoff_max_us ? backoff_us : producer->backoff_max_us);
    if (producer->wanted)
        judge_wanted(producer);
}

static void get_producer_id(struct task *task, struct producer *producer)
{
    struct init_producer_id_request request;
    struct reason reason = { "" };
    void *out = NULL;
    struct arena arena;
    enum err err;

    fields_preset(&init_producer_id_request_message, &request);
    request.transactional_id = NULL;
    request.transaction_timeout_ms = INT32_MAX;
    request.producer_id = -1;
    request.producer_epoch = -1;
    arena_init(&arena);
    err = client_call(task, producer->client, NODE_ANY, API_INIT_PRODUCER_ID, -1, &request, &arena, &out, &reason);
    if (!err) {
        const struct init_producer_id_response *answer = out;

        err = (enum err)answer->error_code;
        if (!err) {
            producer->producer_id = answer->producer_id;
            producer->producer_epoch = answer->producer_epoch;
        }
    }
    arena_done(&arena);
    if (task_interrupted(task) || !err)
        return;
    if (err_retriable(err))
        producer->identify_at_us = producer_now_us(producer) + producer->backoff_us;
    else
        batches_fail_all(producer, err, *reason.text ? reason.text : err_message(err));
}

static bool wants_id(const struct producer *producer)
{
    return producer->idempotent && producer->producer_id < 0 && producer->unsent;
}

static void run_worker(struct task *task, void *context)
{
    struct producer *producer = context;

    producer->worker = task;
    while (!task_interrupted(task)) {
        int64_t now_us = producer_now_us(producer);
        bool did = true;

        producer->work = false;
        if (producer->refreshed_us && now_us - producer->refreshed_us >= producer->max_age_us)
            producer->refresh = true;
        if ((producer->refresh || producer->wanted) && now_us >= producer->refresh_at_us)
            ask_metadata(task, producer);
        else if (wants_id(producer) && now_us >= producer->identify_at_us)
            get_producer_id(task, producer);
        else
            did = false;
        if (task_interrupted(task))
            break;
        if (did) {
            producer_step(producer);
            wake_waiter(producer);
            continue;
        }
        if (producer->refresh || producer->wanted)
            rest_until(producer, producer->refresh_at_us);
        if (wants_id(producer))
            rest_until(producer, producer->identify_at_us);
        if (producer->refreshed_us && producer->topics)
            rest_until(producer, producer->refreshed_us + producer->max_age_us);
        if (!producer->work && !task_wait(task))
            break;
    }
}

static void worker_over(void *context)
{
    struct producer *producer = context;

    producer->worker = NULL;
    producer_leave(producer);
}

static void on_changed(void *context)
{
    struct producer *producer = context;

    producer_step(producer);
}

/* ---- settings ---- */

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

static bool flag_setting(const struct config_map *config, const char *key, bool preset)
{
    const char *value = config_map_get(config, key);

    return value ? !strcasecmp(value, "true") : preset;
}

/* Since 3.0 it is on where nothing contradicts it; asked for by name, what contradicts it is an error. */
static enum err take_idempotence(struct producer *producer, const struct config_map *config, struct reason *reason)
{
    const char *set = config_map_get(config, "enable.idempotence");
    bool asked = set && !strcasecmp(set, "true");

    producer->idempotent = set ? asked : !producer->is_27 && producer->acks == -1 && producer->retries > 0 && producer->most_in_flight <= 5;
    if (!producer->idempotent)
        return ERR_OK;
    if (producer->acks != -1 && config_map_get(config, "acks"))
        return err_because(ERR_INVALID_CONFIG, reason, "Must set acks to all in order to use the idempotent producer. Otherwise we cannot guarantee idempotence.");
    if (!producer->retries)
        return err_because(ERR_INVALID_CONFIG, reason, "Must set retries to non-zero when using the idempotent producer.");
    if (producer->most_in_flight > 5)
        return err_because(ERR_INVALID_CONFIG, reason, producer->is_27 ? "Must set max.in.flight.requests.per.connection to at most 5 to use the idempotent producer."
                                                                       : "To use the idempotent producer, max.in.flight.requests.per.connection must be set to at most 5. "
                                                                         "Current value is %lld.", (long long)producer->most_in_flight);
    producer->acks = -1;
    return ERR_OK;
}

static enum err take_partitioner(struct producer *producer, const struct config_map *config, struct reason *reason)
{
    const char *name = config_map_get(config, "partitioner.class"), *last = name ? strrchr(name, '.') : NULL;

    producer->ignore_keys = !producer->is_27 && flag_setting(config, "partitioner.ignore.keys", false);
    producer->adaptive = flag_setting(config, "partitioner.adaptive.partitioning.enable", true);
    last = last ? last + 1 : name;
    if (!last || !*last || (producer->is_27 && !strcmp(last, "DefaultPartitioner")))
        return ERR_OK;
    if (!strcmp(last, "RoundRobinPartitioner"))
        producer->partitioner = PARTITION_ROUND_ROBIN;
    else if (producer->is_27 && !strcmp(last, "UniformStickyPartitioner"))
        producer->partitioner = PARTITION_STICKY;
    else
        return err_because(ERR_INVALID_CONFIG, reason, "Invalid value %s for configuration partitioner.class: Class %s could not be found.", name, name);
    return ERR_OK;
}

/* One that was set must cover linger and a request; one that was not, is stretched. */
static enum err take_timeouts(struct producer *producer, const struct config_map *config, struct reason *reason)
{
    int64_t least_us = producer->linger_us + (int64_t)producer->request_timeout_ms * 1000;

    if (producer->delivery_us >= least_us)
        return ERR_OK;
    if (config_map_get(config, "delivery.timeout.ms"))
        return err_because(ERR_INVALID_CONFIG, reason, "delivery.timeout.ms should be equal to or larger than linger.ms + request.timeout.ms");
    producer->delivery_us = least_us;
    return ERR_OK;
}

static enum err take_settings(struct producer *producer, const struct config_map *config, struct reason *reason)
{
    const char *codec = config_map_get(config, "compression.type");
    enum err err = ERR_OK;

    take_acks(producer, config, &err, reason);
    producer->linger_us = number_setting(config, "linger.ms", producer->is_27 ? 0 : 5, &err, reason, "LONG") * 1000;
    producer->delivery_us = number_setting(config, "delivery.timeout.ms", 120000, &err, reason, "INT") * 1000;
    producer->max_block_us = number_setting(config, "max.block.ms", 60000, &err, reason, "LONG") * 1000;
    producer->backoff_us = number_setting(config, "retry.backoff.ms", 100, &err, reason, "LONG") * 1000;
    producer->backoff_max_us = number_setting(config, "retry.backoff.max.ms", 1000, &err, reason, "LONG") * 1000;
    producer->max_age_us = number_setting(config, "metadata.max.age.ms", 300000, &err, reason, "LONG") * 1000;
    producer->options.reconnect_us = number_setting(config, "reconnect.backoff.ms", 50, &err, reason, "LONG") * 1000;
    producer->options.reconnect_max_us = number_setting(config, "reconnect.backoff.max.ms", 1000, &err, reason, "LONG") * 1000;
    producer->most_in_flight = number_setting(config, "max.in.flight.requests.per.connection", 5, &err, reason, "INT");
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
    if (!err)
        err = take_idempotence(producer, config, reason);
    if (!err)
        err = take_partitioner(producer, config, reason);
    if (!err && producer->most_in_flight < 1)
        err = err_because(ERR_INVALID_CONFIG, reason, "Invalid value %lld for configuration max.in.flight.requests.per.connection: Value must be at least 1",
                          (long long)producer->most_in_flight);
    if (!err && producer->batch_size < 0)
        err = err_because(ERR_INVALID_CONFIG, reason, "Invalid value %lld for configuration batch.size: Value must be at least 0", (long long)producer->batch_size);
    return err ? err : take_timeouts(producer, config, reason);
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
    producer->options.changed = on_changed;
    producer->options.changed_context = producer;
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
    task_start(run_worker, worker_over, producer);
    *out = producer;
    return ERR_OK;
}

void producer_watch(struct producer *producer, const struct producer_watch *watch)
{
    producer->watch = *watch;
}

void producer_set_chance(struct producer *producer, struct random random)
{
    producer->random = random;
}

/* ---- records come in ---- */

static enum producer_offer refuse(enum err *out, enum err err)
{
    *out = err;
    return PRODUCER_REFUSED;
}

static enum producer_offer want_topic(struct producer *producer, const char *name, enum err *err, struct reason *reason)
{
    if (producer->wanted_err && text_equal(producer->refused, name)) {
        enum err why = producer->wanted_err;

        producer->wanted_err = ERR_OK;
        return refuse(err, err_because(why, reason, why == ERR_INVALID_TOPIC_EXCEPTION ? "Invalid topics: [%s]" : "%s",
                                       why == ERR_INVALID_TOPIC_EXCEPTION ? name : err_message(why)));
    }
    if (!producer->wanted) {
        mem_free(producer->refused);
        producer->wanted = mem_text(name);
        producer->refused = mem_text(name);
        producer->wanted_err = ERR_OK;
        producer_wake_worker(producer);
    }
    return PRODUCER_NO_METADATA;
}

/* A batch that takes the record, in `*partition` or, if the sticky one is another by then, there; NULL: there is no room for one. */
static enum producer_offer place(struct producer *producer, struct topic_out *topic, const struct producer_record *record, int64_t at_us, int64_t timestamp_ms)
{
    bool sticks;
    int32_t index = partition_choose(producer, topic, record, &sticks);
    struct partition_out *partition = topic->partitions[index];
    size_t memory, bytes;

    if (sticks && !producer->is_27 && (!partition->waiting.last || batch_full(producer, partition->waiting.last))) {
        partition_stuck(producer, topic, 0, true); /* it was put off until this batch was full */
        partition = topic->partitions[topic->sticky];
    }
    if (!partition_take(producer, partition, record, timestamp_ms, &bytes)) {
        if (producer->is_27 && record->partition < 0) { /* its partitioner is told that a batch begins, and asked again */
            partition_full_27(producer, topic, partition->index);
            partition = topic->partitions[partition_choose(producer, topic, record, &sticks)];
        }
        memory = batch_memory(producer, record);
        if (!(producer->is_27 && partition_take(producer, partition, record, timestamp_ms, &bytes))) {
            if (producer->buffered + memory > (size_t)producer->buffer_memory) {
                producer->exhausted = true;
                return PRODUCER_FULL;
            }
            partition_new_batch(producer, partition, memory, at_us);
            partition->used = true;
            partition_take(producer, partition, record, timestamp_ms, &bytes);
        }
    }
    producer->exhausted = false;
    if (sticks && !producer->is_27)
        partition_stuck(producer, topic, bytes, batch_full(producer, partition->waiting.last));
    return PRODUCER_TOOK;
}

enum producer_offer producer_offer(struct producer *producer, const struct producer_record *record, int64_t at_us, uint64_t *number, enum err *err,
                                   struct reason *reason)
{
    struct topic_out *topic = topic_for(producer, record->topic);
    size_t size = record_most_bytes(record);
    enum producer_offer took;

    *err = ERR_OK;
    if (!topic)
        return want_topic(producer, record->topic, err, reason);
    if ((int64_t)size > producer->max_request_size)
        return refuse(err, err_because(ERR_MESSAGE_TOO_LARGE, reason,
                           "The message is %zu bytes when serialized which is larger than %lld, which is the value of the max.request.size configuration.", size,
                           (long long)producer->max_request_size));
    if ((int64_t)size > producer->buffer_memory)
        return refuse(err, err_because(ERR_MESSAGE_TOO_LARGE, reason,
                           "The message is %zu bytes when serialized which is larger than the total memory buffer you have configured with the buffer.memory configuration.",
                           size));
    if ((int64_t)batch_memory(producer, record) > producer->buffer_memory)
        return refuse(err, err_because(ERR_INVALID_CONFIG, reason, "Attempt to allocate %zu bytes, but there is a hard limit of %lld on memory allocations.",
                                       batch_memory(producer, record), (long long)producer->buffer_memory));
    if (record->partition >= topic->count)
        return refuse(err, err_because(ERR_UNKNOWN_TOPIC_OR_PARTITION, reason, "Topic %s has no partition %d", record->topic, record->partition));
    took = place(producer, topic, record, at_us, record->timestamp_ms >= 0 ? record->timestamp_ms : queue_now_ms(producer->queue));
    if (took == PRODUCER_TOOK && number)
        *number = producer->next_number;
    return took;
}

int64_t producer_max_block_us(const struct producer *producer) { return producer->max_block_us; }

enum err producer_blocked(const struct producer *producer, enum producer_offer why, const struct producer_record *record, struct reason *reason)
{
    long long ms = (long long)(producer->max_block_us / 1000);

    if (why == PRODUCER_NO_METADATA)
        return err_because(ERR_REQUEST_TIMED_OUT, reason, "Topic %s not present in metadata after %lld ms.", record->topic, ms);
    if (producer->is_27)
        return err_because(ERR_REQUEST_TIMED_OUT, reason, "Failed to allocate memory within the configured max blocking time %lld ms.", ms);
    return err_because(ERR_REQUEST_TIMED_OUT, reason, "Failed to allocate %zu bytes within the configured max blocking time %lld ms.", batch_memory(producer, record), ms);
}

int64_t producer_slack(const struct producer *producer, const char *topic_name, size_t record_bytes)
{
    struct topic_out *topic = producer_topic(producer, topic_name);
    int64_t slack = INT64_MAX;
    bool waits = false;

    if (!topic)
        return 0;
    for (int32_t p = 0; p < topic->count; p++) {
        const struct partition_out *partition = topic->partitions[p];
        const struct client_partition *leader = producer_leader(producer, partition);
        const struct batch_out *batch = partition->waiting.last;
        size_t room;

        waits |= partition->waiting.first != NULL;
        if (batch && !batch->closed) {
            size_t bytes = batch_bytes(producer, batch);

            room = bytes < batch->memory ? batch->memory - bytes : 0;
        } else if (!producer->linger_us && leader && client_can_send(producer->client, leader->leader, producer->most_in_flight) != CLIENT_BUSY) {
            return 0;
        } else {
            room = (size_t)producer->batch_size;
        }
        if ((int64_t)(room / record_bytes) < slack)
            slack = (int64_t)(room / record_bytes);
    }
    return waits ? slack : 0;
}

static void wake_sender_of(void *context)
{
    task_wake(context);
}

enum err producer_send(struct task *task, struct producer *producer, const struct producer_record *record, uint64_t *number, struct reason *reason)
{
    struct timer deadline = { .run = wake_sender_of, .context = task };
    enum producer_offer took;
    enum err err = ERR_OK;

    while ((took = producer_offer(producer, record, producer_now_us(producer), number, &err, reason)) == PRODUCER_NO_METADATA || took == PRODUCER_FULL) {
        if (!timer_armed(&deadline) && producer->max_block_us > 0 && !deadline.number)
            timer_arm(producer->timers, &deadline, producer->max_block_us);
        deadline.number = 1; /* armed once */
        producer->waiter = task;
        producer_step(producer);
        if (!timer_armed(&deadline))
            err = producer_blocked(producer, took, record, reason);
        else if (!task_wait(task))
            err = ERR_NETWORK_EXCEPTION;
        producer->waiter = NULL;
        if (err)
            break;
    }
    timer_cancel(&deadline);
    if (took == PRODUCER_TOOK)
        producer_step(producer);
    return err;
}

/* ---- flush, close ---- */

void producer_flush_begin(struct producer *producer)
{
    producer->flushing = true;
    producer_step(producer);
}

enum err producer_flush(struct task *task, struct producer *producer)
{
    producer->waiter = task;
    producer_flush_begin(producer);
    while (producer->unsent && task_wait(task))
        ;
    producer->waiter = NULL;
    producer->flushing = false;
    return producer->unsent ? ERR_NETWORK_EXCEPTION : ERR_OK;
}

void producer_counts(const struct producer *producer, struct producer_counts *out)
{
    *out = (struct producer_counts){ producer->unsent, producer->buffered, producer->flight_count, producer->producer_id, producer->producer_epoch, producer->retried };
}

static void free_topic(struct topic_out *topic)
{
    for (int32_t p = 0; p < topic->count; p++)
        mem_free(topic->partitions[p]);
    mem_free(topic->partitions);
    mem_free(topic->load);
    mem_free(topic->load_partition);
    mem_free(topic->name);
    mem_free(topic);
}

void producer_close(struct producer *producer)
{
    if (!producer)
        return;
    producer->closing = true;
    producer->waiter = NULL;
    producer_enter(producer);
    if (producer->worker)
        task_interrupt(producer->worker);
    batches_fail_all(producer, ERR_NETWORK_EXCEPTION, "Producer is closed forcefully.");
    flights_cancel(producer);
    timer_cancel(&producer->wake);
    timer_cancel(&producer->rest);
    client_close(producer->client);
    for (struct topic_out *next; producer->topics; producer->topics = next) {
        next = producer->topics->next;
        free_topic(producer->topics);
    }
    for (struct batch_out *next; producer->free_batches; producer->free_batches = next) {
        next = producer->free_batches->next;
        batch_builder_done(&producer->free_batches->builder);
        mem_free(producer->free_batches->records);
        mem_free(producer->free_batches);
    }
    mem_free(producer->nodes);
    mem_free(producer->parts);
    mem_free(producer->wanted);
    mem_free(producer->refused);
    mem_free(producer->client_id);
    producer_leave(producer);
}
