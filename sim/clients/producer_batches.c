/* What gathers: batches in their partitions' queues, the memory they take, and their age. */
#include <stdlib.h>
#include <string.h>

#include "sim/clients/producer_internal.h"

static const double ratio_margin = 1.05;  /* how far a compressed batch is believed to be off its estimate */

/* ---- queues ---- */

void queue_out_add(struct queue_out *queue, struct batch_out *batch)
{
    batch->next = NULL;
    if (queue->last)
        queue->last->next = batch;
    else
        queue->first = batch;
    queue->last = batch;
}

void queue_out_add_first(struct queue_out *queue, struct batch_out *batch)
{
    batch->next = queue->first;
    queue->first = batch;
    if (!queue->last)
        queue->last = batch;
}

bool queue_out_remove(struct queue_out *queue, struct batch_out *batch)
{
    struct batch_out *before = NULL, *at = queue->first;

    while (at && at != batch) {
        before = at;
        at = at->next;
    }
    if (!at)
        return false;
    if (before)
        before->next = batch->next;
    else
        queue->first = batch->next;
    if (queue->last == batch)
        queue->last = before;
    batch->next = NULL;
    return true;
}

/* ---- sizes ---- */

static size_t field_size(struct bytes bytes)
{
    return bytes.data ? varint_size((int64_t)bytes.size) + bytes.size : 1;
}

size_t record_most_bytes(const struct producer_record *record)
{
    size_t size = BATCH_HEADER + 21 + field_size(record->key) + field_size(record->value) + varint_size(record->header_count);

    for (int32_t i = 0; i < record->header_count; i++)
        size += field_size(record->headers[i].key) + field_size(record->headers[i].value);
    return size;
}

size_t batch_memory(const struct producer *producer, const struct producer_record *record)
{
    size_t most = record_most_bytes(record);

    return most > (size_t)producer->batch_size ? most : (size_t)producer->batch_size;
}

size_t batch_bytes(const struct producer *producer, const struct batch_out *batch)
{
    double plain = (double)batch->builder.plain.size;

    if (batch->bytes.data)
        return batch->bytes.size;
    return BATCH_HEADER + (producer->codec ? (size_t)(plain * batch->partition->topic->ratio * ratio_margin) : batch->builder.plain.size);
}

bool batch_full(const struct producer *producer, const struct batch_out *batch)
{
    return batch->closed || (batch->count && batch->memory <= batch_bytes(producer, batch));
}

/* ---- making and filling ---- */

bool partition_take(struct producer *producer, struct partition_out *partition, const struct producer_record *record, int64_t timestamp_ms, size_t *bytes)
{
    struct batch_out *batch = partition->waiting.last;
    size_t before, size;

    if (!batch || batch->closed)
        return false;
    before = batch_bytes(producer, batch);
    if (batch->count) {
        size = batch_builder_size_with_timestamp(&batch->builder, timestamp_ms, record->key, record->value, record->headers, record->header_count) -
               BATCH_HEADER - batch->builder.plain.size;
        if (before + size > batch->memory) {
            batch->closed = true;
            return false;
        }
    }
    batch_builder_add(&batch->builder, timestamp_ms, record->key, record->value, record->headers, record->header_count);
    ARRAY_ADD(batch->records, batch->count, batch->capacity) = (struct producer_sent){ record->number ? record->number : ++producer->next_number, timestamp_ms };
    producer->unsent++;
    *bytes = batch_bytes(producer, batch) - (batch->count > 1 ? before : 0);
    return true;
}

struct batch_out *partition_new_batch(struct producer *producer, struct partition_out *partition, size_t memory, int64_t at_us)
{
    struct batch_out *batch = producer->free_batches;

    if (batch)
        producer->free_batches = batch->next;
    else
        batch = mem_zero(sizeof(*batch));
    *batch = (struct batch_out){ .partition = partition, .builder = batch->builder, .records = batch->records, .capacity = batch->capacity, .memory = memory,
                                 .made_us = at_us, .tried_us = at_us, .tried_epoch = -1 };
    batch_builder_init(&batch->builder, producer->codec);
    queue_out_add(&partition->waiting, batch);
    producer->buffered += memory;
    return batch;
}

void batch_free(struct producer *producer, struct batch_out *batch)
{
    enum { KEPT_BYTES = 256 * 1024 };

    if (batch->capacity * sizeof(*batch->records) + batch->builder.plain.capacity > KEPT_BYTES) {
        batch_builder_done(&batch->builder);
        mem_free(batch->records);
        mem_free(batch);
        return;
    }
    batch->next = producer->free_batches;
    producer->free_batches = batch;
}

/* ---- results ---- */

/* Where the broker named single records, what it said of each. */
static const char **record_messages(const struct batch_out *batch, const struct produce_response_partition *answer)
{
    const char **messages;

    if (!answer || !answer->error_code || answer->record_errors.count <= 0)
        return NULL;
    messages = mem_zero_array(batch->count + 1, sizeof(*messages));
    for (size_t i = 0; i < batch->count; i++)
        messages[i] = "Failed to append record because it was part of a batch which had one more more invalid records";
    for (int32_t i = 0; i < answer->record_errors.count; i++) {
        const struct produce_response_record_error *one = &answer->record_errors.items[i];

        if (one->batch_index >= 0 && (size_t)one->batch_index < batch->count)
            messages[one->batch_index] = one->batch_index_error_message ? one->batch_index_error_message
                                         : answer->error_message        ? answer->error_message
                                                                        : err_message((enum err)answer->error_code);
    }
    return messages;
}

static void give_one_by_one(struct producer *producer, const struct producer_batch_result *result)
{
    for (size_t i = 0; i < result->count && producer->done; i++) {
        const struct producer_sent *sent = &result->records[i];
        struct producer_result one = { result->err, result->record_messages ? result->record_messages[i] : result->message, result->topic, result->partition,
                                       result->base_offset < 0 ? -1 : result->base_offset + (int64_t)i,
                                       result->log_append_time_ms >= 0 ? result->log_append_time_ms : sent->timestamp_ms, sent->number };

        producer->done(producer->context, &one);
    }
}

void batch_end(struct producer *producer, struct batch_out *batch, enum err err, const char *message, const struct produce_response_partition *answer)
{
    const char **messages = err ? record_messages(batch, answer) : NULL;
    struct producer_batch_result result = {
        .err = err, .message = message, .topic = batch->partition->topic->name, .partition = batch->partition->index,
        .base_offset = err || !answer ? -1 : answer->base_offset, .log_append_time_ms = err || !answer ? -1 : answer->log_append_time_ms,
        .count = batch->count, .records = batch->records, .record_messages = messages,
    };

    batch->over = true;
    producer->unsent -= batch->count;
    if (!batch->split)
        producer->buffered -= batch->memory;
    if (producer->watch.batch)
        producer->watch.batch(producer->watch.context, &result);
    else
        give_one_by_one(producer, &result);
    mem_free(messages);
    if (!batch->on_way)
        batch_free(producer, batch);
}

/* ---- sending again ---- */

void partition_requeue(struct producer *producer, struct batch_out *batch)
{
    batch->tried_us = producer_now_us(producer);
    if (producer->idempotent)
        sequences_insert(batch->partition, batch);
    else
        queue_out_add_first(&batch->partition->waiting, batch);
}

/* The broker found it too large, so more than it was estimated to be: as many smaller ones, each made as if it were new. */
void batches_split(struct producer *producer, struct batch_out *big)
{
    struct partition_out *partition = big->partition;
    struct queue_out parts = { NULL, NULL };
    struct batch plain;
    struct record_iterator it;
    struct record record;
    struct bytes bytes;
    size_t i = 0, count = 0;
    int codec = big->builder.codec;
    int32_t sequence = big->builder.base_sequence;

    big->builder.codec = CODEC_NONE; /* its own records, as they were given */
    if (batch_builder_finish(&big->builder, &bytes, NULL) || batch_decode(bytes, &plain, NULL, NULL))
        return;
    big->builder.codec = codec;
    producer->unsent -= big->count;
    records_begin(&it, &plain);
    while (records_next(&it, &record)) {
        struct producer_record one = { .key = record.key, .value = record.value, .headers = record.headers, .header_count = record.header_count, .partition = -1 };
        struct producer_sent sent = big->records[i++];
        uint64_t next_number = producer->next_number;
        struct queue_out rest = partition->waiting;
        size_t added;

        partition->waiting = parts;
        if (!partition_take(producer, partition, &one, record.timestamp_ms, &added)) {
            struct batch_out *small = partition_new_batch(producer, partition, batch_memory(producer, &one), big->made_us);

            small->split = true;
            small->attempts = big->attempts;
            producer->buffered -= small->memory;
            partition_take(producer, partition, &one, record.timestamp_ms, &added);
            count++;
        }
        parts = partition->waiting;
        parts.last->records[parts.last->count - 1] = sent;
        partition->waiting = rest;
        producer->next_number = next_number;
    }
    records_done(&it);
    if (count == 1) { /* no smaller than before: tried again all the same, until its time is over; but not in one moment for ever */
        parts.first->attempts++;
        parts.first->tried_us = producer_now_us(producer);
        parts.first->backoff_us = producer->backoff_us;
    }
    for (struct batch_out *small = parts.first; small; small = small->next) {
        small->closed = true;
        if (big->sequenced) {
            small->builder.producer_id = big->builder.producer_id;
            small->builder.producer_epoch = big->builder.producer_epoch;
            small->builder.base_sequence = sequence;
            small->sequenced = true;
            sequence += (int32_t)small->count;
        }
    }
    while (parts.first) { /* from the last, each before those behind it */
        struct batch_out *last = parts.last;

        queue_out_remove(&parts, last);
        if (producer->idempotent)
            sequences_insert(partition, last);
        else
            queue_out_add_first(&partition->waiting, last);
    }
    if (!big->split)
        producer->buffered -= big->memory;
    batch_free(producer, big);
}

/* ---- age ---- */

static void expire(struct producer *producer, struct batch_out *batch)
{
    char *message = mem_printf("Expiring %zu record(s) for %s-%d:%lld ms has passed since batch creation%s", batch->count, batch->partition->topic->name,
                               batch->partition->index, (long long)((producer_now_us(producer) - batch->made_us) / 1000),
                               producer->is_27 ? "" : ". The request has not been sent, or no server response has been received yet.");

    if (batch->attempts)
        sequences_expired(producer, batch);
    batch_end(producer, batch, ERR_REQUEST_TIMED_OUT, message, NULL);
    mem_free(message);
}

static bool is_old(const struct producer *producer, const struct batch_out *batch)
{
    return producer_now_us(producer) - batch->made_us >= producer->delivery_us;
}

static void note_next(const struct producer *producer, const struct batch_out *batch, int64_t *next_us)
{
    int64_t at_us = batch->made_us + producer->delivery_us;

    if (at_us < *next_us)
        *next_us = at_us;
}

void batches_expire(struct producer *producer, int64_t *next_us)
{
    for (struct topic_out *topic = producer->topics; topic; topic = topic->next)
        for (int32_t p = 0; p < topic->count; p++) {
            struct partition_out *partition = topic->partitions[p];
            struct batch_out *next;

            for (struct batch_out *batch = partition->on_way.first; batch; batch = next) {
                next = batch->next;
                if (batch->over)
                    continue;
                if (is_old(producer, batch))
                    expire(producer, batch); /* it stays with its request */
                else
                    note_next(producer, batch, next_us);
            }
            while (partition->waiting.first && is_old(producer, partition->waiting.first)) {
                struct batch_out *batch = partition->waiting.first;

                queue_out_remove(&partition->waiting, batch);
                expire(producer, batch);
            }
            if (partition->waiting.first)
                note_next(producer, partition->waiting.first, next_us);
        }
}

void batches_fail_all(struct producer *producer, enum err err, const char *message)
{
    for (struct topic_out *topic = producer->topics; topic; topic = topic->next)
        for (int32_t p = 0; p < topic->count; p++) {
            struct partition_out *partition = topic->partitions[p];
            struct batch_out *batch;

            for (batch = partition->on_way.first; batch; batch = batch->next)
                if (!batch->over && producer->closing)
                    batch_end(producer, batch, err, message, NULL);
            while ((batch = partition->waiting.first)) {
                queue_out_remove(&partition->waiting, batch);
                batch_end(producer, batch, err, message, NULL);
            }
        }
}
