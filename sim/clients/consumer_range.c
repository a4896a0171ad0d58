/* RangeAssignor: each topic for itself, neighbours to one member. Where racks matter, members are given partitions of their own rack first, as far
 * as their shares go; topics that the same members want and that have as many partitions are dealt alike, so that equal numbers stay together. */
#include <stdlib.h>
#include <string.h>

#include "sim/clients/consumer_internal.h"

struct range_topic {
    const char *name;
    int first, count;                /* partitions, as racks number them */
    size_t *members, member_count;   /* who want it, in order */
    int *taken;                      /* by each of them */
    int share, extra;                /* how many each gets; how many may get one more */
    int *owner;                      /* of each partition: a place in `members`; -1 */
    bool racked, dealt;              /* somebody tells a rack; racks are done */
};

struct range {
    const struct racks *racks;
    struct range_topic *topics;
    size_t topic_count;
};

static int room(const struct range_topic *topic, size_t place)
{
    int most = topic->share + (topic->extra > 0) - topic->taken[place];

    return most > 0 ? most : 0;
}

static void take(struct range_topic *topic, size_t place, const int *partitions, int count)
{
    for (int i = 0; i < count; i++)
        topic->owner[partitions[i]] = (int)place;
    topic->taken[place] += count;
    if (count && topic->taken[place] > topic->share)
        topic->extra--;
}

static bool beside(const struct range *range, const struct range_topic *topic, size_t place, int partition)
{
    return !racks_mismatch(range->racks, topic->members[place], topic->first + partition);
}

static void deal_ranges(const struct range *range, struct range_topic *topic, bool by_rack)
{
    int *partitions = mem_zero_array((size_t)topic->count + 1, sizeof(*partitions));

    for (size_t place = 0; place < topic->member_count; place++) {
        int most = room(topic, place), count = 0;

        for (int p = 0; p < topic->count && count < most; p++)
            if (topic->owner[p] < 0 && (!by_rack || beside(range, topic, place, p)))
                partitions[count++] = p;
        take(topic, place, partitions, count);
    }
    mem_free(partitions);
}

/* ---- racks ---- */

static bool alike(const struct range_topic *a, const struct range_topic *b)
{
    if (a->count != b->count || a->member_count != b->member_count || !a->racked || !b->racked)
        return false;
    for (size_t i = 0; i < a->member_count; i++)
        if (a->members[i] != b->members[i])
            return false;
    return true;
}

/* True: this member stands beside partition `p` of all of them, and each has room for it. */
static bool may_take(const struct range *range, struct range_topic *const *topics, size_t count, size_t place, int p)
{
    for (size_t t = 0; t < count; t++)
        if (!beside(range, topics[t], place, p) || !room(topics[t], place))
            return false;
    return true;
}

static void deal_alike(const struct range *range, struct range_topic *const *topics, size_t count)
{
    for (int p = 0; p < topics[0]->count; p++)
        for (size_t place = 0; place < topics[0]->member_count; place++)
            if (may_take(range, topics, count, place, p)) {
                for (size_t t = 0; t < count; t++)
                    take(topics[t], place, &p, 1);
                break;
            }
}

static bool matters(const struct range *range, const struct range_topic *topic)
{
    return racks_matter(range->racks, topic->members, topic->member_count, topic->first, topic->count);
}

static void deal_by_racks(struct range *range)
{
    struct range_topic **together = mem_zero_array(range->topic_count + 1, sizeof(struct range_topic *));

    for (size_t t = 0; t < range->topic_count; t++) {
        size_t count = 0;

        if (range->topics[t].dealt || !range->topics[t].racked)
            continue;
        for (size_t k = t; k < range->topic_count; k++)
            if (k == t || (!range->topics[k].dealt && alike(&range->topics[t], &range->topics[k]))) {
                together[count++] = &range->topics[k];
                range->topics[k].dealt = true;
            }
        if (count > 1)
            deal_alike(range, together, count);
        else if (matters(range, together[0]))
            deal_ranges(range, together[0], true);
    }
    mem_free(together);
}

/* ---- all ---- */

static void begin_topic(struct range_topic *topic, const char *name, int first, int count, const struct racks *racks, const struct member_wish *members,
                        size_t member_count)
{
    *topic = (struct range_topic){ .name = name, .first = first, .count = count };
    topic->members = mem_zero_array(member_count + 1, sizeof(*topic->members));
    topic->taken = mem_zero_array(member_count + 1, sizeof(*topic->taken));
    topic->owner = mem_zero_array((size_t)count + 1, sizeof(*topic->owner));
    for (int p = 0; p < count; p++)
        topic->owner[p] = -1;
    for (size_t m = 0; m < member_count; m++)
        if (consumer_assign_wants(&members[m], name)) {
            topic->racked |= racks->of_member[m] >= 0;
            topic->members[topic->member_count++] = m;
        }
    topic->share = count / (int)topic->member_count;
    topic->extra = count % (int)topic->member_count;
}

static void end_topic(const struct range *range, struct range_topic *topic, struct dealt *dealt, size_t *count)
{
    deal_ranges(range, topic, false);
    for (int p = 0; p < topic->count; p++)
        dealt[(*count)++] = (struct dealt){ topic->name, p, topic->members[topic->owner[p]] };
    mem_free(topic->members);
    mem_free(topic->taken);
    mem_free(topic->owner);
}

static int by_topic(const void *a, const void *b)
{
    return strcmp(((const struct range_topic *)a)->name, ((const struct range_topic *)b)->name);
}

void consumer_assign_range(const struct client *client, const struct member_wish *members, size_t member_count, const char *const *topics,
                           size_t topic_count, struct dealt *dealt, size_t *count)
{
    struct racks racks;
    struct range range = { .racks = &racks, .topics = mem_zero_array(topic_count + 1, sizeof(*range.topics)), .topic_count = topic_count };
    bool by_racks = false;
    int first = 0;

    racks_init(&racks, client, members, member_count, topics, topic_count);
    for (size_t t = 0; t < topic_count; t++) {
        begin_topic(&range.topics[t], topics[t], first, consumer_assign_partition_count(client, topics[t]), &racks, members, member_count);
        first += range.topics[t].count;
        by_racks |= matters(&range, &range.topics[t]);
    }
    if (by_racks)
        deal_by_racks(&range);
    if (by_racks)
        qsort(range.topics, topic_count, sizeof(*range.topics), by_topic);
    for (size_t t = 0; t < topic_count; t++)
        end_topic(&range, &range.topics[t], dealt, count);
    mem_free(range.topics);
    racks_done(&racks);
}
