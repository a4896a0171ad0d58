/* Which partition a record goes to: by its key, in turn, or the sticky one, which is another from time to time. */
#include <string.h>

#include "sim/clients/producer_internal.h"

/* The partitions that have a leader, in their order; 0: none has. */
static int32_t available(const struct producer *producer, const struct topic_out *topic, int32_t nth, int32_t *count)
{
    int32_t found = -1;

    *count = 0;
    for (int32_t p = 0; p < topic->count; p++)
        if (producer_leader(producer, topic->partitions[p]))
            if ((*count)++ == nth)
                found = p;
    return found;
}

static uint32_t any(struct producer *producer)
{
    return (uint32_t)(random_u64(&producer->random) & 0x7fffffff);
}

/* The one at which a number stands among those with a leader, or among all if none has. */
static int32_t at_number(const struct producer *producer, const struct topic_out *topic, uint32_t number)
{
    int32_t count;

    available(producer, topic, -1, &count);
    return count ? available(producer, topic, (int32_t)(number % (uint32_t)count), &count) : (int32_t)(number % (uint32_t)topic->count);
}

/* 2.7, StickyPartitionCache: any but the last. */
static int32_t another_27(struct producer *producer, const struct topic_out *topic, int32_t last)
{
    int32_t count, partition;

    available(producer, topic, -1, &count);
    if (count == 1)
        return at_number(producer, topic, 0);
    do
        partition = at_number(producer, topic, any(producer));
    while (partition == last && topic->count > 1 && count);
    return partition;
}

/* 4.3, BuiltInPartitioner: partitions whose queues are shorter come more often. */
static int32_t another_43(struct producer *producer, const struct topic_out *topic)
{
    uint32_t number = any(producer);
    int32_t weighted;

    if (!topic->load_count)
        return at_number(producer, topic, number);
    weighted = (int32_t)(number % (uint32_t)topic->load[topic->load_count - 1]);
    for (int32_t i = 0; i < topic->load_count; i++)
        if (topic->load[i] > weighted)
            return topic->load_partition[i];
    return topic->load_partition[topic->load_count - 1];
}

static int32_t by_key(const struct topic_out *topic, struct bytes key)
{
    return (int32_t)((murmur2(key) & 0x7fffffff) % (uint32_t)topic->count);
}

int32_t partition_choose(struct producer *producer, struct topic_out *topic, const struct producer_record *record, bool *sticks)
{
    *sticks = false;
    if (record->partition >= 0)
        return record->partition;
    if (producer->partitioner == PARTITION_ROUND_ROBIN)
        return at_number(producer, topic, topic->round++ & 0x7fffffff);
    if (record->key.data && producer->partitioner == PARTITION_BY_KEY && !producer->ignore_keys)
        return by_key(topic, record->key);
    *sticks = true;
    if (topic->sticky < 0 || topic->sticky >= topic->count) {
        topic->sticky = producer->is_27 ? another_27(producer, topic, -1) : another_43(producer, topic);
        topic->sticky_bytes = 0;
    }
    return topic->sticky;
}

void partition_full_27(struct producer *producer, struct topic_out *topic, int32_t partition)
{
    if (producer->partitioner != PARTITION_ROUND_ROBIN && (topic->sticky < 0 || topic->sticky == partition))
        topic->sticky = another_27(producer, topic, partition);
}

void partition_stuck(struct producer *producer, struct topic_out *topic, size_t bytes, bool may_switch)
{
    size_t enough = producer->batch_size > 1 ? (size_t)producer->batch_size : 1;

    topic->sticky_bytes += bytes;
    if ((topic->sticky_bytes >= enough && may_switch) || topic->sticky_bytes >= 2 * enough) {
        topic->sticky = another_43(producer, topic);
        topic->sticky_bytes = 0;
    }
}

static int32_t queue_length(const struct partition_out *partition)
{
    int32_t length = 0;

    for (const struct batch_out *batch = partition->waiting.first; batch; batch = batch->next)
        length++;
    return length;
}

/* Only once every partition was used: until then they come evenly. */
void partition_measure(struct producer *producer, struct topic_out *topic)
{
    int32_t longest = 0, count = 0, sum = 0;
    bool equal = true;

    topic->load_count = 0;
    if (producer->is_27 || !producer->adaptive || topic->count < 2)
        return;
    for (int32_t p = 0; p < topic->count; p++)
        if (!topic->partitions[p]->used)
            return;
    if (topic->load_capacity < topic->count) {
        topic->load = mem_resize(topic->load, (size_t)topic->count * sizeof(*topic->load));
        topic->load_partition = mem_resize(topic->load_partition, (size_t)topic->count * sizeof(*topic->load_partition));
        topic->load_capacity = topic->count;
    }
    for (int32_t p = 0; p < topic->count; p++) {
        if (!producer_leader(producer, topic->partitions[p]))
            continue;
        topic->load_partition[count] = p;
        topic->load[count] = queue_length(topic->partitions[p]);
        longest = topic->load[count] > longest ? topic->load[count] : longest;
        equal &= topic->load[count] == topic->load[0];
        count++;
    }
    if (!count || (equal && count == topic->count))
        return;
    for (int32_t i = 0; i < count; i++)
        topic->load[i] = sum += longest + 1 - topic->load[i];
    topic->load_count = count;
}
