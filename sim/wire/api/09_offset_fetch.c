/* OffsetFetch: its bytes and what the broker does with it. */
#include "sim/wire/api/09_offset_fetch.h"

#include <stdlib.h>

#include "sim/cluster/group.h"
#include "sim/wire/api/keep.h"

static const struct field offset_fetch_request_topic_fields[] = {
    FIELD(offset_fetch_request_topic, name, T_STRING, 0, 7),
    FIELD_ARRAY(offset_fetch_request_topic, partition_indexes, T_INT32, 0, 7),
    { 0 },
};

static const struct field offset_fetch_request_group_topic_fields[] = {
    FIELD(offset_fetch_request_group_topic, name, T_STRING, 8, 9),
    FIELD(offset_fetch_request_group_topic, topic_id, T_UUID, 10, NEWEST),
    FIELD_ARRAY(offset_fetch_request_group_topic, partition_indexes, T_INT32, 8, NEWEST),
    { 0 },
};

static const struct field offset_fetch_request_group_fields[] = {
    FIELD(offset_fetch_request_group, group_id, T_STRING, 8, NEWEST),
    FIELD(offset_fetch_request_group, member_id, T_STRING, 9, NEWEST, .null_since = 9,
          .preset = PRESET_NULL),
    FIELD(offset_fetch_request_group, member_epoch, T_INT32, 9, NEWEST, .preset = -1),
    FIELD_STRUCTS(offset_fetch_request_group, topics, offset_fetch_request_group_topic, 8, NEWEST,
                  .null_since = 8),
    { 0 },
};

static const struct field offset_fetch_request_fields[] = {
    FIELD(offset_fetch_request, group_id, T_STRING, 0, 7),
    FIELD_STRUCTS(offset_fetch_request, topics, offset_fetch_request_topic, 0, 7, .null_since = 2),
    FIELD_STRUCTS(offset_fetch_request, groups, offset_fetch_request_group, 8, NEWEST),
    FIELD(offset_fetch_request, require_stable, T_BOOL, 7, NEWEST),
    { 0 },
};

const struct message offset_fetch_request_message = {
    .name = "OffsetFetchRequest",
    .first = 0,
    .last = 10,
    .flexible_since = 6,
    .fields = offset_fetch_request_fields,
    .size = sizeof(struct offset_fetch_request),
};

static const struct field offset_fetch_response_partition_fields[] = {
    FIELD(offset_fetch_response_partition, partition_index, T_INT32, 0, 7),
    FIELD(offset_fetch_response_partition, committed_offset, T_INT64, 0, 7),
    FIELD(offset_fetch_response_partition, committed_leader_epoch, T_INT32, 5, 7, .preset = -1),
    FIELD(offset_fetch_response_partition, metadata, T_STRING, 0, 7, .null_since = 0),
    FIELD(offset_fetch_response_partition, error_code, T_INT16, 0, 7),
    { 0 },
};

static const struct field offset_fetch_response_topic_fields[] = {
    FIELD(offset_fetch_response_topic, name, T_STRING, 0, 7),
    FIELD_STRUCTS(offset_fetch_response_topic, partitions, offset_fetch_response_partition, 0, 7),
    { 0 },
};

static const struct field offset_fetch_response_group_topic_partition_fields[] = {
    FIELD(offset_fetch_response_group_topic_partition, partition_index, T_INT32, 8, NEWEST),
    FIELD(offset_fetch_response_group_topic_partition, committed_offset, T_INT64, 8, NEWEST),
    FIELD(offset_fetch_response_group_topic_partition, committed_leader_epoch, T_INT32, 8, NEWEST,
          .preset = -1),
    FIELD(offset_fetch_response_group_topic_partition, metadata, T_STRING, 8, NEWEST,
          .null_since = 8),
    FIELD(offset_fetch_response_group_topic_partition, error_code, T_INT16, 8, NEWEST),
    { 0 },
};

static const struct field offset_fetch_response_group_topic_fields[] = {
    FIELD(offset_fetch_response_group_topic, name, T_STRING, 8, 9),
    FIELD(offset_fetch_response_group_topic, topic_id, T_UUID, 10, NEWEST),
    FIELD_STRUCTS(offset_fetch_response_group_topic, partitions,
                  offset_fetch_response_group_topic_partition, 8, NEWEST),
    { 0 },
};

static const struct field offset_fetch_response_group_fields[] = {
    FIELD(offset_fetch_response_group, group_id, T_STRING, 8, NEWEST),
    FIELD_STRUCTS(offset_fetch_response_group, topics, offset_fetch_response_group_topic, 8,
                  NEWEST),
    FIELD(offset_fetch_response_group, error_code, T_INT16, 8, NEWEST),
    { 0 },
};

static const struct field offset_fetch_response_fields[] = {
    FIELD(offset_fetch_response, throttle_time_ms, T_INT32, 3, NEWEST),
    FIELD_STRUCTS(offset_fetch_response, topics, offset_fetch_response_topic, 0, 7),
    FIELD(offset_fetch_response, error_code, T_INT16, 2, 7),
    FIELD_STRUCTS(offset_fetch_response, groups, offset_fetch_response_group, 8, NEWEST),
    { 0 },
};

const struct message offset_fetch_response_message = {
    .name = "OffsetFetchResponse",
    .first = 0,
    .last = 10,
    .flexible_since = 6,
    .fields = offset_fetch_response_fields,
    .size = sizeof(struct offset_fetch_response),
};

/* ---- the handler ---- */

/* Both shapes of the request come down to this: one group, its topics (all of them when `all`). */
struct wanted {
    const char *name;        /* NULL: an id that nobody has */
    struct uuid id;
    const int32_t *partitions;
    int32_t count;
    const struct group_offset *offsets; /* the answer, `count` of them */
};

static const char *name_of(struct request *request, struct uuid id)
{
    const struct image_topic *topic = image_topic_by_id(broker_image(request->broker), id);

    return topic ? keep_text(request, topic->name) : NULL;
}

/* Fills in the offsets of each; the error is that of the group as a whole. */
static enum err fetch_named(struct request *request, const char *group, struct wanted *wanted, int32_t count)
{
    struct group_offset *offsets, *next;
    int32_t most = 0;
    enum err err;

    for (int32_t t = 0; t < count; t++)
        most += wanted[t].count;
    offsets = next = arena_alloc(&request->arena, (size_t)most * sizeof(*offsets) + 1);
    for (int32_t t = 0; t < count; t++) {
        wanted[t].offsets = next;
        for (int32_t p = 0; p < wanted[t].count; p++)
            *next++ = (struct group_offset){ .topic = wanted[t].name ? wanted[t].name : "", .partition = wanted[t].partitions[p], .offset = -1,
                                             .leader_epoch = -1, .metadata = "" };
    }
    err = group_fetch_offsets(request->broker, group, &offsets, &most, &request->arena);
    next = offsets;
    for (int32_t t = 0; t < count; t++)
        for (int32_t p = 0; p < wanted[t].count; p++, next++)
            if (!wanted[t].name)
                next->err = ERR_UNKNOWN_TOPIC_ID;
    return err;
}

/* All that the group has, by topic: offsets of one topic stand together after the sort. */
static int by_topic(const void *a, const void *b)
{
    const struct group_offset *x = a, *y = b;
    int order = strcmp(x->topic, y->topic);

    return order ? order : (x->partition > y->partition) - (x->partition < y->partition);
}

static enum err fetch_all(struct request *request, const char *group, struct wanted **wanted, int32_t *count)
{
    struct group_offset *offsets = NULL;
    int32_t total = 0;
    enum err err = group_fetch_offsets(request->broker, group, &offsets, &total, &request->arena);

    *count = 0;
    *wanted = NULL;
    if (err || !total)
        return err;
    qsort(offsets, (size_t)total, sizeof(*offsets), by_topic);
    *wanted = arena_alloc(&request->arena, (size_t)total * sizeof(**wanted));
    for (int32_t i = 0; i < total; i++) {
        struct wanted *last = *count ? &(*wanted)[*count - 1] : NULL;

        if (!last || strcmp(last->name, offsets[i].topic)) {
            const struct image_topic *topic = image_topic(broker_image(request->broker), offsets[i].topic);

            last = &(*wanted)[(*count)++];
            *last = (struct wanted){ .name = offsets[i].topic, .id = topic ? topic->id : (struct uuid){ { 0 } }, .offsets = &offsets[i] };
        }
        last->count++;
    }
    return ERR_OK;
}

static void answer_group(struct request *request, const char *group, enum err err, const struct wanted *wanted, int32_t count,
                         struct offset_fetch_response_group *out)
{
    *out = (struct offset_fetch_response_group){ .group_id = group, .error_code = (int16_t)err };
    if (err)
        return;
    REPLY_ARRAY(request, out->topics, count);
    for (int32_t t = 0; t < count; t++) {
        struct offset_fetch_response_group_topic *topic = &out->topics.items[t];

        topic->name = text_or_empty(wanted[t].name);
        topic->topic_id = wanted[t].id;
        REPLY_ARRAY(request, topic->partitions, wanted[t].count);
        for (int32_t p = 0; p < wanted[t].count; p++) {
            const struct group_offset *offset = &wanted[t].offsets[p];

            topic->partitions.items[p] = (struct offset_fetch_response_group_topic_partition){
                offset->partition, offset->offset, offset->leader_epoch, text_or_empty(offset->metadata), (int16_t)offset->err,
            };
        }
    }
}

/* Versions before 2 have no place for an error of the whole group: each partition carries it. */
static void answer_old(struct request *request, enum err err, const struct wanted *wanted, int32_t count)
{
    struct offset_fetch_response *out = request->out;

    out->error_code = (int16_t)err;
    if (err && request->version >= 2)
        return;
    REPLY_ARRAY(request, out->topics, count);
    for (int32_t t = 0; t < count; t++) {
        struct offset_fetch_response_topic *topic = &out->topics.items[t];

        topic->name = text_or_empty(wanted[t].name);
        REPLY_ARRAY(request, topic->partitions, wanted[t].count);
        for (int32_t p = 0; p < wanted[t].count; p++) {
            const struct group_offset *offset = &wanted[t].offsets[p];

            topic->partitions.items[p] = err
                ? (struct offset_fetch_response_partition){ offset->partition, -1, -1, "", (int16_t)err }
                : (struct offset_fetch_response_partition){ offset->partition, offset->offset, offset->leader_epoch, text_or_empty(offset->metadata),
                                                            (int16_t)offset->err };
        }
    }
}

static enum reply handle_one_group(struct request *request)
{
    const struct offset_fetch_request *in = request->in;
    struct wanted *wanted;
    int32_t count = in->topics.count;
    enum err err;

    if (count < 0) {
        err = fetch_all(request, in->group_id, &wanted, &count);
        answer_old(request, err, wanted, count);
        return REPLY_NOW;
    }
    wanted = arena_alloc(&request->arena, (size_t)count * sizeof(*wanted) + 1);
    for (int32_t t = 0; t < count; t++)
        wanted[t] = (struct wanted){ .name = in->topics.items[t].name, .partitions = in->topics.items[t].partition_indexes.items,
                                     .count = in->topics.items[t].partition_indexes.count };
    err = fetch_named(request, in->group_id, wanted, count);
    answer_old(request, err, wanted, count);
    return REPLY_NOW;
}

enum reply handle_offset_fetch(struct request *request)
{
    const struct offset_fetch_request *in = request->in;
    struct offset_fetch_response *out = request->out;

    if (request->version < 8)
        return handle_one_group(request);
    REPLY_ARRAY(request, out->groups, in->groups.count);
    for (int32_t g = 0; g < in->groups.count; g++) {
        const struct offset_fetch_request_group *group = &in->groups.items[g];
        struct wanted *wanted;
        int32_t count = group->topics.count;
        enum err err;

        if (count < 0) {
            err = fetch_all(request, group->group_id, &wanted, &count);
        } else {
            wanted = arena_alloc(&request->arena, (size_t)count * sizeof(*wanted) + 1);
            for (int32_t t = 0; t < count; t++) {
                const struct offset_fetch_request_group_topic *topic = &group->topics.items[t];

                wanted[t] = (struct wanted){ .name = request->version >= 10 ? name_of(request, topic->topic_id) : topic->name,
                                             .id = topic->topic_id, .partitions = topic->partition_indexes.items,
                                             .count = topic->partition_indexes.count };
            }
            err = fetch_named(request, group->group_id, wanted, count);
        }
        answer_group(request, group->group_id, err, wanted, count, &out->groups.items[g]);
    }
    return REPLY_NOW;
}
