/* Idempotence: batches are numbered a partition, and what follows when the broker finds a number missing, or has forgotten the producer. A gap that
 * nobody can close is left behind by the next epoch, in which numbers begin at 0 again. */
#include "sim/clients/producer_internal.h"

static bool numbered_waits(const struct partition_out *partition)
{
    for (const struct batch_out *batch = partition->waiting.first; batch; batch = batch->next)
        if (batch->sequenced)
            return true;
    return false;
}

/* Numbered and not done: on its way, or to be sent again. */
static bool has_unfinished(const struct partition_out *partition)
{
    for (const struct batch_out *batch = partition->on_way.first; batch; batch = batch->next)
        if (!batch->over)
            return true;
    return numbered_waits(partition);
}

static int32_t first_unfinished(const struct partition_out *partition)
{
    const struct queue_out *queues[] = { &partition->on_way, &partition->waiting };
    int32_t first = NO_SEQUENCE;

    for (int q = 0; q < 2; q++)
        for (const struct batch_out *batch = queues[q]->first; batch; batch = batch->next)
            if (batch->sequenced && !batch->over && (first == NO_SEQUENCE || batch->builder.base_sequence < first))
                first = batch->builder.base_sequence;
    return first;
}

static int32_t last_sequence(const struct batch_out *batch)
{
    return (int32_t)(((int64_t)batch->builder.base_sequence + (int64_t)batch->count - 1) & INT32_MAX);
}

static bool is_next(const struct partition_out *partition, int32_t sequence)
{
    return sequence - partition->last_acked_sequence == 1;
}

static bool is_stale(const struct producer *producer, const struct partition_out *partition)
{
    return partition->producer_id != producer->producer_id || partition->producer_epoch != producer->producer_epoch;
}

static void renumber(struct producer *producer, struct batch_out *batch, int32_t *sequence)
{
    batch->builder.producer_id = producer->producer_id;
    batch->builder.producer_epoch = producer->producer_epoch;
    batch->builder.base_sequence = *sequence;
    batch->renumbered = true;
    batch->bytes = (struct bytes){ 0 }; /* its header is another */
    *sequence = (int32_t)(((int64_t)*sequence + (int64_t)batch->count) & INT32_MAX);
}

static struct batch_out *next_by_number(const struct partition_out *partition, const struct batch_out *after)
{
    const struct queue_out *queues[] = { &partition->on_way, &partition->waiting };
    struct batch_out *next = NULL;

    for (int q = 0; q < 2; q++)
        for (struct batch_out *batch = queues[q]->first; batch; batch = batch->next)
            if (batch->sequenced && !batch->over && (!after || batch->builder.base_sequence > after->builder.base_sequence) &&
                (!next || batch->builder.base_sequence < next->builder.base_sequence))
                next = batch;
    return next;
}

/* All that is not done gets numbers from 0, in the order of those it had. */
static void begin_anew(struct producer *producer, struct partition_out *partition)
{
    struct batch_out **batches = NULL;
    size_t count = 0, capacity = 0;
    int32_t sequence = 0;

    for (struct batch_out *batch = next_by_number(partition, NULL); batch; batch = next_by_number(partition, batch))
        ARRAY_ADD(batches, count, capacity) = batch;
    for (size_t i = 0; i < count; i++)
        renumber(producer, batches[i], &sequence);
    mem_free(batches);
    partition->producer_id = producer->producer_id;
    partition->producer_epoch = producer->producer_epoch;
    partition->next_sequence = sequence;
    partition->last_acked_sequence = NO_SEQUENCE;
}

static void want_new_epoch(struct producer *producer, struct partition_out *partition)
{
    producer->bump = true;
    partition->renumber = true;
}

/* A batch was given up, and those behind it are done now: were they taken, or is there a gap? */
static void resolve(struct producer *producer, struct partition_out *partition)
{
    if (!partition->unresolved || has_unfinished(partition))
        return;
    partition->unresolved = false;
    if (!is_next(partition, partition->next_sequence))
        want_new_epoch(producer, partition);
}

static void each_partition(struct producer *producer, void (*visit)(struct producer *, struct partition_out *))
{
    for (struct topic_out *topic = producer->topics; topic; topic = topic->next)
        for (int32_t p = 0; p < topic->count; p++)
            visit(producer, topic->partitions[p]);
}

static void renumber_if_wanted(struct producer *producer, struct partition_out *partition)
{
    if (!partition->renumber)
        return;
    partition->renumber = partition->unresolved = false;
    begin_anew(producer, partition);
}

bool sequences_ready(struct producer *producer)
{
    if (!producer->idempotent)
        return true;
    each_partition(producer, resolve);
    if (producer->bump && producer->producer_id >= 0) {
        if (producer->producer_epoch == INT16_MAX)
            producer->producer_id = producer->producer_epoch = -1;
        else
            producer->producer_epoch++;
        each_partition(producer, renumber_if_wanted);
        producer->bump = false;
    }
    if (producer->producer_id < 0)
        producer_wake_worker(producer);
    return producer->producer_id >= 0;
}

bool sequences_hold(const struct producer *producer, const struct partition_out *partition, const struct batch_out *batch)
{
    int32_t first;

    if (!producer->idempotent)
        return false;
    if (!batch->sequenced && ((has_unfinished(partition) && is_stale(producer, partition)) || partition->unresolved))
        return true;
    first = first_unfinished(partition);
    return first != NO_SEQUENCE && batch->sequenced && batch->builder.base_sequence != first; /* those sent again go in their order, one after the other */
}

void sequences_number(struct producer *producer, struct partition_out *partition, struct batch_out *batch)
{
    if (!producer->idempotent || batch->sequenced)
        return;
    if (is_stale(producer, partition) && !has_unfinished(partition))
        begin_anew(producer, partition);
    batch->builder.producer_id = producer->producer_id;
    batch->builder.producer_epoch = producer->producer_epoch;
    batch->builder.base_sequence = partition->next_sequence;
    partition->next_sequence = (int32_t)(((int64_t)partition->next_sequence + (int64_t)batch->count) & INT32_MAX);
    batch->sequenced = true;
}

void sequences_insert(struct partition_out *partition, struct batch_out *batch)
{
    struct queue_out before = { NULL, NULL };

    while (partition->waiting.first && partition->waiting.first->sequenced &&
           partition->waiting.first->builder.base_sequence < batch->builder.base_sequence) {
        struct batch_out *first = partition->waiting.first;

        queue_out_remove(&partition->waiting, first);
        queue_out_add(&before, first);
    }
    queue_out_add_first(&partition->waiting, batch);
    while (before.last) {
        struct batch_out *last = before.last;

        queue_out_remove(&before, last);
        queue_out_add_first(&partition->waiting, last);
    }
}

void sequences_acked(struct producer *producer, struct batch_out *batch, int64_t base_offset)
{
    struct partition_out *partition = batch->partition;

    if (!producer->idempotent)
        return;
    if (last_sequence(batch) > partition->last_acked_sequence)
        partition->last_acked_sequence = last_sequence(batch);
    if (base_offset >= 0 && base_offset + (int64_t)batch->count - 1 > partition->last_acked_offset)
        partition->last_acked_offset = base_offset + (int64_t)batch->count - 1;
}

void sequences_failed(struct producer *producer, struct batch_out *batch, enum err err, bool sure)
{
    if (!producer->idempotent || !batch->sequenced)
        return;
    if (err == ERR_OUT_OF_ORDER_SEQUENCE_NUMBER)
        producer_warn(producer, "ERROR", "org.apache.kafka.clients.producer.internals.TransactionManager",
                      "The broker returned %s: %s for topic-partition %s-%d with producerId %lld, epoch %d, and sequence number %d", err_exception(err), err_message(err),
                      batch->partition->topic->name, batch->partition->index, (long long)batch->builder.producer_id, batch->builder.producer_epoch,
                      batch->builder.base_sequence);
    if (err == ERR_OUT_OF_ORDER_SEQUENCE_NUMBER || (sure && err != ERR_UNKNOWN_PRODUCER_ID))
        want_new_epoch(producer, batch->partition);
    else if (err == ERR_UNKNOWN_PRODUCER_ID)
        batch->partition->next_sequence = 0;
}

void sequences_expired(struct producer *producer, struct batch_out *batch)
{
    struct partition_out *partition = batch->partition;

    if (!producer->idempotent || !batch->sequenced)
        return;
    partition->unresolved = true;
    partition->unresolved_sequence = last_sequence(batch) + 1;
}

/* True: the batch goes again, with a new epoch where its numbers are at fault. */
bool sequences_may_retry(struct producer *producer, struct batch_out *batch, enum err err, int64_t log_start_offset)
{
    struct partition_out *partition = batch->partition;

    if (err == ERR_UNKNOWN_PRODUCER_ID) {
        if (log_start_offset != -1 && !batch->renumbered)
            want_new_epoch(producer, partition);
        return true;
    }
    if (err == ERR_OUT_OF_ORDER_SEQUENCE_NUMBER) {
        if (!partition->unresolved && (batch->renumbered || !is_next(partition, batch->builder.base_sequence)))
            return true; /* one before it is not done yet */
        if (!partition->unresolved || batch->builder.base_sequence == partition->unresolved_sequence)
            want_new_epoch(producer, partition);
        return true;
    }
    return err_retriable(err);
}
