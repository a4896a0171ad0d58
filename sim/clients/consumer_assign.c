/* Who of a group gets which partition: Kafka's RangeAssignor and RoundRobinAssignor, and the way to the sticky ones. */
#include <stdlib.h>
#include <string.h>

#include "sim/clients/consumer_internal.h"

static const struct { const char *name, *class_name; bool cooperates; } strategies[] = {
    { "range", "RangeAssignor", false },
    { "roundrobin", "RoundRobinAssignor", false },
    { "cooperative-sticky", "CooperativeStickyAssignor", true },
    { "sticky", "StickyAssignor", false },
};
enum { STRATEGIES = sizeof(strategies) / sizeof(*strategies) };

const char *consumer_assign_named(const char *name)
{
    const char *dot = strrchr(name, '.'), *last = dot ? dot + 1 : name;

    for (int i = 0; i < STRATEGIES; i++)
        if (!strcmp(last, strategies[i].class_name) || !strcmp(name, strategies[i].name))
            return strategies[i].name;
    return NULL;
}

bool consumer_assign_knows(const char *strategy)
{
    return consumer_assign_named(strategy) != NULL;
}

bool consumer_assign_cooperates(const char *strategy)
{
    for (int i = 0; i < STRATEGIES; i++)
        if (!strcmp(strategy, strategies[i].name))
            return strategies[i].cooperates;
    return false;
}

/* Static members come first, by their instance; the others by member id. */
static int by_member(const void *a, const void *b)
{
    const struct member_wish *x = a, *y = b;

    if (!x->instance_id != !y->instance_id)
        return x->instance_id ? -1 : 1;
    return x->instance_id ? strcmp(x->instance_id, y->instance_id) : strcmp(x->member_id, y->member_id);
}

bool consumer_assign_wants(const struct member_wish *member, const char *topic)
{
    for (int32_t i = 0; i < member->topic_count; i++)
        if (text_equal(member->topics[i], topic))
            return true;
    return false;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char **consumer_assign_topics(const struct member_wish *members, size_t member_count, size_t *count)
{
    size_t most = 0, kept = 0;
    const char **topics;

    for (size_t m = 0; m < member_count; m++)
        most += (size_t)members[m].topic_count;
    topics = mem_zero_array(most + 1, sizeof(*topics));
    *count = 0;
    for (size_t m = 0; m < member_count; m++)
        for (int32_t t = 0; t < members[m].topic_count; t++)
            topics[(*count)++] = members[m].topics[t];
    qsort(topics, *count, sizeof(*topics), by_name);
    for (size_t i = 0; i < *count; i++)
        if (!kept || strcmp(topics[kept - 1], topics[i]))
            topics[kept++] = topics[i];
    *count = kept;
    return topics;
}

int32_t consumer_assign_partition_count(const struct client *client, const char *topic)
{
    const struct client_topic *known = client_topic(client, topic);

    return known && !known->err ? known->partition_count : 0;
}

static void deal_range(const char *topic, int32_t partitions, const struct member_wish *members, size_t member_count, struct dealt *dealt, size_t *count)
{
    int32_t consumers = 0, next = 0, at = 0;

    for (size_t m = 0; m < member_count; m++)
        consumers += consumer_assign_wants(&members[m], topic);
    for (size_t m = 0; m < member_count; m++) {
        int32_t share;

        if (!consumer_assign_wants(&members[m], topic))
            continue;
        share = partitions / consumers + (at++ < partitions % consumers);
        for (int32_t i = 0; i < share; i++)
            dealt[(*count)++] = (struct dealt){ topic, next++, m };
    }
}

static void deal_in_turn(const char *topic, int32_t partitions, const struct member_wish *members, size_t member_count, struct dealt *dealt, size_t *count,
                         size_t *turn)
{
    for (int32_t p = 0; p < partitions; p++) {
        while (!consumer_assign_wants(&members[*turn % member_count], topic))
            ++*turn;
        dealt[(*count)++] = (struct dealt){ topic, p, *turn % member_count };
        ++*turn;
    }
}

struct dealt *consumer_assign_partitions(const char *strategy, bool is_27, struct member_wish *members, size_t member_count, const struct client *client, size_t *count)
{
    size_t topic_count, total = 0, turn = 0;
    const char **topics;
    struct dealt *dealt;

    qsort(members, member_count, sizeof(*members), by_member);
    topics = consumer_assign_topics(members, member_count, &topic_count);
    for (size_t t = 0; t < topic_count; t++)
        total += (size_t)consumer_assign_partition_count(client, topics[t]);
    dealt = mem_zero_array(total + 1, sizeof(*dealt));
    *count = 0;
    if (strstr(strategy, "sticky"))
        consumer_assign_sticky(client, consumer_assign_cooperates(strategy), is_27, members, member_count, dealt, count);
    for (size_t t = 0; t < topic_count && !strstr(strategy, "sticky"); t++) {
        int32_t partitions = consumer_assign_partition_count(client, topics[t]);

        if (!strcmp(strategy, "roundrobin"))
            deal_in_turn(topics[t], partitions, members, member_count, dealt, count, &turn);
        else
            deal_range(topics[t], partitions, members, member_count, dealt, count);
    }
    mem_free(topics);
    return dealt;
}

/* ---- the order of a HashMap ---- */

static uint32_t bucket(const char *topic, uint32_t capacity)
{
    uint32_t hash = java_hash(topic);

    return (hash ^ hash >> 16) & (capacity - 1);
}

void consumer_assign_java_order(const char **topics, size_t count)
{
    uint32_t capacity = 16;

    while (count > (size_t)capacity * 3 / 4)
        capacity *= 2;
    for (size_t i = 1; i < count; i++) { /* few topics; equal buckets stay in the order of their coming */
        const char *topic = topics[i];
        size_t at = i;

        for (; at && bucket(topics[at - 1], capacity) > bucket(topic, capacity); at--)
            topics[at] = topics[at - 1];
        topics[at] = topic;
    }
}
