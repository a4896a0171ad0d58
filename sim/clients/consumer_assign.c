/* Who of a group gets which partition: Kafka's RoundRobinAssignor, and the way to the others. */
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

/* Topics that there are, in the order of the HashMap in which RangeAssignor has them. */
static const char **topics_for_range(bool is_27, const struct client *client, const struct member_wish *members, size_t member_count, size_t *count)
{
    size_t most = 0, kept = 0, *order = consumer_assign_java_members(members, member_count);
    const char **topics;

    for (size_t m = 0; m < member_count; m++)
        most += (size_t)members[m].topic_count;
    topics = mem_zero_array(most + 1, sizeof(*topics));
    *count = 0;
    for (size_t m = 0; m < member_count; m++)
        for (int32_t t = 0; t < members[order[m]].topic_count; t++) {
            size_t i = 0;

            while (i < *count && strcmp(topics[i], members[order[m]].topics[t]))
                i++;
            if (i == *count)
                topics[(*count)++] = members[order[m]].topics[t];
        }
    consumer_assign_java_order(topics, *count, is_27 ? JAVA_COMPUTED : JAVA_PUT);
    for (size_t t = 0; t < *count; t++)
        if (consumer_assign_partition_count(client, topics[t]))
            topics[kept++] = topics[t];
    *count = kept;
    if (!is_27) /* a set of all of them first, then a map of those */
        consumer_assign_java_order(topics, *count, JAVA_PUT);
    mem_free(order);
    return topics;
}

/* RoundRobinAssignor. */
static void deal_round(const struct client *client, const struct member_wish *members, size_t member_count, const char *const *topics, size_t topic_count,
                       struct dealt *dealt, size_t *count)
{
    size_t turn = 0;

    for (size_t t = 0; t < topic_count; t++)
        deal_in_turn(topics[t], consumer_assign_partition_count(client, topics[t]), members, member_count, dealt, count, &turn);
}

/* Those that deal to the members in their order. */
static void deal_in_order(const char *strategy, bool is_27, const struct client *client, const struct member_wish *members, size_t member_count,
                          struct dealt *dealt, size_t *count)
{
    bool round = !strcmp(strategy, "roundrobin");
    struct member_wish *sorted = mem_zero_array(member_count + 1, sizeof(*sorted));
    size_t topic_count;
    const char **topics =
        round ? consumer_assign_topics(members, member_count, &topic_count) : topics_for_range(is_27, client, members, member_count, &topic_count);

    memcpy(sorted, members, member_count * sizeof(*sorted));
    qsort(sorted, member_count, sizeof(*sorted), by_member);
    (round ? deal_round : consumer_assign_range)(client, sorted, member_count, topics, topic_count, dealt, count);
    for (size_t i = 0; i < *count; i++)
        for (size_t m = 0; m < member_count; m++)
            if (members[m].member_id == sorted[dealt[i].member].member_id) {
                dealt[i].member = m;
                break;
            }
    mem_free(topics);
    mem_free(sorted);
}

static size_t most_dealt(const struct client *client, const struct member_wish *members, size_t member_count)
{
    size_t topic_count, most = 1;
    const char **topics = consumer_assign_topics(members, member_count, &topic_count);

    for (size_t t = 0; t < topic_count; t++)
        most += (size_t)consumer_assign_partition_count(client, topics[t]);
    for (size_t m = 0; m < member_count; m++) /* what two of 2.7's sticky members say they have stays with both */
        most += members[m].owned_count;
    mem_free(topics);
    return most;
}

struct dealt *consumer_assign_partitions(const char *strategy, bool is_27, const struct member_wish *members, size_t member_count, const struct client *client, size_t *count)
{
    struct dealt *dealt = mem_zero_array(most_dealt(client, members, member_count), sizeof(*dealt));

    *count = 0;
    if (strstr(strategy, "sticky"))
        consumer_assign_sticky(client, consumer_assign_cooperates(strategy), is_27, members, member_count, dealt, count);
    else
        deal_in_order(strategy, is_27, client, members, member_count, dealt, count);
    return dealt;
}

/* ---- the order of a HashMap ---- */

struct place { uint32_t bucket; size_t came; bool newest_first; };

static int by_place(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    if (x->bucket != y->bucket)
        return x->bucket < y->bucket ? -1 : 1;
    return (x->came > y->came) == x->newest_first ? -1 : 1;
}

size_t *consumer_assign_java_places(const uint32_t *hashes, size_t count, enum java_map map)
{
    struct place *places = mem_zero_array(count + 1, sizeof(*places));
    size_t *order = mem_zero_array(count + 1, sizeof(*order));
    uint32_t capacity = 16;

    while (count > (size_t)capacity * 3 / 4)
        capacity *= 2;
    for (size_t i = 0; i < count; i++)
        places[i] = (struct place){ (hashes[i] ^ hashes[i] >> 16) & (capacity - 1), i, map == JAVA_COMPUTED };
    qsort(places, count, sizeof(*places), by_place);
    for (size_t i = 0; i < count; i++)
        order[i] = places[i].came;
    mem_free(places);
    return order;
}

void consumer_assign_java_order(const char **texts, size_t count, enum java_map map)
{
    uint32_t *hashes = mem_zero_array(count + 1, sizeof(*hashes));
    const char **came = mem_zero_array(count + 1, sizeof(*came));
    size_t *order;

    for (size_t i = 0; i < count; i++) {
        came[i] = texts[i];
        hashes[i] = java_hash(texts[i]);
    }
    order = consumer_assign_java_places(hashes, count, map);
    for (size_t i = 0; i < count; i++)
        texts[i] = came[order[i]];
    mem_free(order);
    mem_free(hashes);
    mem_free(came);
}

uint32_t consumer_assign_java_partition(const char *topic, int32_t partition)
{
    return (31 + (uint32_t)partition) * 31 + java_hash(topic);
}

size_t *consumer_assign_java_members(const struct member_wish *members, size_t count)
{
    uint32_t *hashes = mem_zero_array(count + 1, sizeof(*hashes));
    size_t *order;

    for (size_t m = 0; m < count; m++)
        hashes[m] = java_hash(members[m].member_id);
    order = consumer_assign_java_places(hashes, count, JAVA_PUT);
    mem_free(hashes);
    return order;
}
