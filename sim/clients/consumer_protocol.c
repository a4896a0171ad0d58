/* What members of a group tell each other through the coordinator: wishes, with what they have, and assignments. */
#include <stdlib.h>
#include <string.h>

#include "sim/clients/consumer_internal.h"

enum { NEWEST_PROTOCOL = 3 };

/* A version and the message behind it, in the arena. */
static struct bytes protocol_bytes(const struct message *message, int16_t version, const void *in, struct arena *arena)
{
    struct frame frame = { 0 };
    struct bytes bytes;
    uint8_t *copy;

    if (fields_encode(message, version, in, &frame, NULL)) {
        frame_done(&frame);
        return bytes_text("");
    }
    copy = arena_alloc(arena, frame.bytes.size + 2);
    put_u16(copy, (uint16_t)version);
    memcpy(copy + 2, frame.bytes.data, frame.bytes.size);
    bytes = (struct bytes){ copy, frame.bytes.size + 2 };
    frame_done(&frame);
    return bytes;
}

/* ---- a wish ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int by_number(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

    return (x > y) - (x < y);
}

/* In which order topics are written, and their partitions: both as they come; topics as in a HashMap, partitions as they come; both sorted. */
enum order { AS_THEY_COME, HASHED, SORTED };

/* Each topic once; the names are the caller's. */
static const char **topics_of(const struct owned *owned, size_t count, enum order order, size_t *topic_count)
{
    const char **topics = mem_zero_array(count + 1, sizeof(*topics));

    *topic_count = 0;
    for (size_t i = 0; i < count; i++) {
        size_t t = 0;

        while (t < *topic_count && strcmp(topics[t], owned[i].topic))
            t++;
        if (t == *topic_count)
            topics[(*topic_count)++] = owned[i].topic;
    }
    if (order == HASHED)
        consumer_assign_java_order(topics, *topic_count, JAVA_COMPUTED);
    else if (order == SORTED)
        qsort(topics, *topic_count, sizeof(*topics), by_name);
    return topics;
}

static int32_t partitions_of(const struct owned *owned, size_t count, enum order order, const char *topic, int32_t **partitions, struct arena *arena)
{
    int32_t found = 0;

    *partitions = arena_alloc(arena, (count + 1) * sizeof(int32_t));
    for (size_t i = 0; i < count; i++)
        if (!strcmp(owned[i].topic, topic))
            (*partitions)[found++] = owned[i].partition;
    if (order == SORTED)
        qsort(*partitions, (size_t)found, sizeof(int32_t), by_number);
    return found;
}

static void group_by_topic(const struct owned *owned, size_t count, enum order order, struct consumer_protocol_subscription *wish, struct arena *arena)
{
    size_t topic_count;
    const char **topics = topics_of(owned, count, order, &topic_count);

    wish->owned_partitions.items = arena_alloc(arena, (topic_count + 1) * sizeof(*wish->owned_partitions.items));
    wish->owned_partitions.count = (int32_t)topic_count;
    for (size_t t = 0; t < topic_count; t++) {
        struct consumer_protocol_subscription_topic *topic = &wish->owned_partitions.items[t];

        topic->topic = topics[t];
        topic->partitions.count = partitions_of(owned, count, order, topics[t], &topic->partitions.items, arena);
    }
    mem_free(topics);
}

/* StickyAssignor's user data, version 1: the last assignment, and its generation. */
static struct bytes sticky_data(const struct consumer *consumer, struct arena *arena)
{
    struct consumer_protocol_subscription kept = { 0 };
    struct buffer out = { 0 };
    struct bytes bytes;

    group_by_topic(consumer->kept, consumer->kept_count, HASHED, &kept, arena);
    buffer_i32(&out, kept.owned_partitions.count);
    for (int32_t t = 0; t < kept.owned_partitions.count; t++) {
        const struct consumer_protocol_subscription_topic *topic = &kept.owned_partitions.items[t];

        buffer_i16(&out, (int16_t)strlen(topic->topic));
        buffer_put(&out, topic->topic, strlen(topic->topic));
        buffer_i32(&out, topic->partitions.count);
        for (int32_t p = 0; p < topic->partitions.count; p++)
            buffer_i32(&out, topic->partitions.items[p]);
    }
    buffer_i32(&out, consumer->kept_generation);
    bytes = (struct bytes){ (const uint8_t *)arena_text(arena, (const char *)out.data, out.size), out.size };
    buffer_done(&out);
    return bytes;
}

static struct bytes user_data(const struct consumer *consumer, const char *strategy, struct arena *arena)
{
    uint8_t *generation;

    if (!strcmp(strategy, "sticky") && consumer->kept)
        return sticky_data(consumer, arena);
    if (!consumer_assign_cooperates(strategy) || consumer->is_27) /* 2.7's says no generation */
        return (struct bytes){ 0 };
    generation = arena_alloc(arena, 4);
    put_u32(generation, (uint32_t)consumer->cooperative_generation);
    return (struct bytes){ generation, 4 };
}

struct bytes consumer_protocol_subscription(struct consumer *consumer, const char *strategy, struct arena *arena)
{
    struct consumer_protocol_subscription mine;
    struct owned *owned = arena_alloc(arena, (consumer->part_count + 1) * sizeof(*owned));
    const char **topics = arena_alloc(arena, (consumer->topic_count + 1) * sizeof(*topics));

    fields_preset(&consumer_protocol_subscription_message, &mine);
    mine.topics.items = topics;
    mine.topics.count = (int32_t)consumer->topic_count;
    for (size_t i = 0; i < consumer->topic_count; i++)
        topics[i] = consumer->topics[i];
    if (consumer->is_27)
        consumer_assign_java_order(topics, consumer->topic_count, JAVA_PUT);
    else
        qsort(topics, consumer->topic_count, sizeof(*topics), by_name);
    mine.generation_id = consumer->generation;
    mine.rack_id = consumer->rack && *consumer->rack ? consumer->rack : NULL;
    mine.user_data = user_data(consumer, strategy, arena);
    for (size_t i = 0; i < consumer->part_count; i++)
        owned[i] = (struct owned){ consumer->parts[i]->topic, consumer->parts[i]->partition };
    group_by_topic(owned, consumer->part_count, consumer->is_27 ? HASHED : SORTED, &mine, arena);
    return protocol_bytes(&consumer_protocol_subscription_message, consumer->is_27 ? 1 : NEWEST_PROTOCOL, &mine, arena);
}

void consumer_protocol_remember(struct consumer *consumer, const char *strategy)
{
    if (consumer_assign_cooperates(strategy))
        consumer->cooperative_generation = consumer->generation;
    if (strcmp(strategy, "sticky"))
        return;
    consumer_protocol_forget(consumer);
    consumer->kept = mem_zero_array(consumer->part_count + 1, sizeof(*consumer->kept));
    for (size_t i = 0; i < consumer->part_count; i++)
        consumer->kept[consumer->kept_count++] = (struct owned){ mem_text(consumer->parts[i]->topic), consumer->parts[i]->partition };
    consumer->kept_generation = consumer->generation;
}

void consumer_protocol_forget(struct consumer *consumer)
{
    for (size_t i = 0; i < consumer->kept_count; i++)
        mem_free((char *)consumer->kept[i].topic);
    mem_free(consumer->kept);
    consumer->kept = NULL;
    consumer->kept_count = 0;
}

/* ---- others' wishes ---- */

static void take_owned(const struct consumer_protocol_subscription *wish, struct member_wish *member, struct arena *arena)
{
    struct owned *owned;
    size_t count = 0;

    for (int32_t t = 0; t < wish->owned_partitions.count; t++)
        count += wish->owned_partitions.items[t].partitions.count > 0 ? (size_t)wish->owned_partitions.items[t].partitions.count : 0;
    member->owned = owned = arena_alloc(arena, (count + 1) * sizeof(*owned));
    for (int32_t t = 0; t < wish->owned_partitions.count; t++)
        for (int32_t p = 0; p < wish->owned_partitions.items[t].partitions.count; p++)
            if (wish->owned_partitions.items[t].topic)
                owned[member->owned_count++] = (struct owned){ wish->owned_partitions.items[t].topic, wish->owned_partitions.items[t].partitions.items[p] };
}

/* Whatever another library wrote: what can't be read is nothing. */
static void read_sticky(struct bytes data, struct member_wish *member, struct arena *arena)
{
    struct reader reader = reader_of(data);
    int32_t topics = reader_i32(&reader);
    size_t capacity = 0;
    struct owned *owned = NULL;

    member->owned = NULL;
    member->owned_count = 0;
    member->generation = -1;
    for (int32_t t = 0; t < topics && !reader.failed; t++) {
        int16_t size = reader_i16(&reader);
        struct bytes name = size > 0 ? reader_bytes(&reader, (size_t)size) : (struct bytes){ 0 };
        int32_t partitions = reader_i32(&reader);

        if (reader.failed || size <= 0 || partitions < 0 || (size_t)partitions > reader_left(&reader) / 4)
            break;
        for (int32_t p = 0; p < partitions; p++)
            ARRAY_ADD(owned, member->owned_count, capacity) = (struct owned){ arena_text(arena, (const char *)name.data, name.size), reader_i32(&reader) };
    }
    if (!reader.failed && reader_left(&reader) >= 4)
        member->generation = reader_i32(&reader);
    if (reader.failed)
        member->owned_count = 0;
    member->owned = arena_alloc(arena, (member->owned_count + 1) * sizeof(*owned));
    if (member->owned_count)
        memcpy((struct owned *)member->owned, owned, member->owned_count * sizeof(*owned));
    mem_free(owned);
}

static void read_wish(const char *strategy, bool is_27, const struct consumer_protocol_subscription *wish, struct member_wish *member, struct arena *arena)
{
    member->generation = member->owned_generation = wish->generation_id;
    member->rack = is_27 ? NULL : wish->rack_id;
    take_owned(wish, member, arena);
    if (!strcmp(strategy, "sticky"))
        read_sticky(wish->user_data, member, arena);
    else if (consumer_assign_cooperates(strategy) && is_27)
        member->generation = -1;
    else if (consumer_assign_cooperates(strategy) && wish->generation_id < 0 && wish->user_data.data && wish->user_data.size >= 4)
        member->generation = (int32_t)get_u32(wish->user_data.data);
}

/* False: one of them can't be read. */
bool consumer_protocol_wishes(const struct consumer *consumer, const struct join_group_response *group, struct member_wish *members, struct arena *arena)
{
    for (int32_t i = 0; i < group->members.count; i++) {
        const struct join_group_response_member *member = &group->members.items[i];
        struct consumer_protocol_subscription *wish = arena_alloc(arena, sizeof(*wish));
        struct reader reader = reader_of(member->metadata);
        int16_t version = reader_i16(&reader);

        wish->generation_id = -1;
        if (reader.failed || version < 0 ||
            fields_decode(&consumer_protocol_subscription_message, version > NEWEST_PROTOCOL ? NEWEST_PROTOCOL : version, &reader, arena, wish, NULL))
            return false;
        if (version < 2)
            wish->generation_id = -1;
        members[i] = (struct member_wish){ .member_id = member->member_id, .instance_id = member->group_instance_id, .topics = wish->topics.items,
                                           .topic_count = wish->topics.count > 0 ? wish->topics.count : 0 };
        read_wish(group->protocol_name, consumer->is_27, wish, &members[i], arena);
    }
    return true;
}

/* ---- assignments ---- */

struct bytes consumer_protocol_assignment(const struct consumer *consumer, const struct dealt *dealt, size_t count, size_t member, struct arena *arena)
{
    struct consumer_protocol_assignment mine;
    struct owned *owned = arena_alloc(arena, (count + 1) * sizeof(*owned));
    enum order order = consumer->is_27 ? HASHED : AS_THEY_COME;
    size_t owned_count = 0, topic_count;
    const char **topics;

    fields_preset(&consumer_protocol_assignment_message, &mine);
    for (size_t i = 0; i < count; i++)
        if (dealt[i].member == member)
            owned[owned_count++] = (struct owned){ dealt[i].topic, dealt[i].partition };
    topics = topics_of(owned, owned_count, order, &topic_count);
    mine.assigned_partitions.items = arena_alloc(arena, (topic_count + 1) * sizeof(*mine.assigned_partitions.items));
    mine.assigned_partitions.count = (int32_t)topic_count;
    for (size_t t = 0; t < topic_count; t++) {
        struct consumer_protocol_assignment_topic *topic = &mine.assigned_partitions.items[t];

        topic->topic = topics[t];
        topic->partitions.count = partitions_of(owned, owned_count, order, topics[t], &topic->partitions.items, arena);
    }
    mem_free(topics);
    return protocol_bytes(&consumer_protocol_assignment_message, consumer->is_27 ? 1 : NEWEST_PROTOCOL, &mine, arena);
}

bool consumer_protocol_read_assignment(struct bytes bytes, struct consumer_protocol_assignment *out, struct arena *arena)
{
    struct reader reader = reader_of(bytes);
    int16_t version = reader_i16(&reader);

    return bytes.size && !reader.failed && version >= 0 &&
           !fields_decode(&consumer_protocol_assignment_message, version > NEWEST_PROTOCOL ? NEWEST_PROTOCOL : version, &reader, arena, out, NULL);
}
