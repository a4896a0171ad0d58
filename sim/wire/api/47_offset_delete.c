/* OffsetDelete: its bytes and what the broker does with it. */
#include "sim/wire/api/47_offset_delete.h"

#include "sim/cluster/group.h"
#include "sim/wire/api/keep.h"

static const struct field offset_delete_request_partition_fields[] = {
    FIELD(offset_delete_request_partition, partition_index, T_INT32, 0, NEWEST),
    { 0 },
};

static const struct field offset_delete_request_topic_fields[] = {
    FIELD(offset_delete_request_topic, name, T_STRING, 0, NEWEST),
    FIELD_STRUCTS(offset_delete_request_topic, partitions, offset_delete_request_partition, 0,
                  NEWEST),
    { 0 },
};

static const struct field offset_delete_request_fields[] = {
    FIELD(offset_delete_request, group_id, T_STRING, 0, NEWEST),
    FIELD_STRUCTS(offset_delete_request, topics, offset_delete_request_topic, 0, NEWEST),
    { 0 },
};

const struct message offset_delete_request_message = {
    .name = "OffsetDeleteRequest",
    .first = 0,
    .last = 0,
    .flexible_since = NEWEST,
    .fields = offset_delete_request_fields,
    .size = sizeof(struct offset_delete_request),
};

static const struct field offset_delete_response_partition_fields[] = {
    FIELD(offset_delete_response_partition, partition_index, T_INT32, 0, NEWEST),
    FIELD(offset_delete_response_partition, error_code, T_INT16, 0, NEWEST),
    { 0 },
};

static const struct field offset_delete_response_topic_fields[] = {
    FIELD(offset_delete_response_topic, name, T_STRING, 0, NEWEST),
    FIELD_STRUCTS(offset_delete_response_topic, partitions, offset_delete_response_partition, 0,
                  NEWEST),
    { 0 },
};

static const struct field offset_delete_response_fields[] = {
    FIELD(offset_delete_response, error_code, T_INT16, 0, NEWEST),
    FIELD(offset_delete_response, throttle_time_ms, T_INT32, 0, NEWEST),
    FIELD_STRUCTS(offset_delete_response, topics, offset_delete_response_topic, 0, NEWEST),
    { 0 },
};

const struct message offset_delete_response_message = {
    .name = "OffsetDeleteResponse",
    .first = 0,
    .last = 0,
    .flexible_since = NEWEST,
    .fields = offset_delete_response_fields,
    .size = sizeof(struct offset_delete_response),
};

/* ---- the handler ---- */

/* The partitions that exist, as the coordinator takes them, with the place of each one's error in the answer. */
static struct group_offset *gather(struct request *request, int16_t ***codes, int32_t *count)
{
    const struct offset_delete_request *in = request->in;
    struct offset_delete_response *out = request->out;
    struct group_offset *offsets;
    int32_t most = 0;

    *count = 0;
    for (int32_t t = 0; t < in->topics.count; t++)
        most += in->topics.items[t].partitions.count;
    offsets = arena_alloc(&request->arena, (size_t)most * sizeof(*offsets) + 1);
    *codes = arena_alloc(&request->arena, (size_t)most * sizeof(**codes) + 1);
    REPLY_ARRAY(request, out->topics, in->topics.count);
    for (int32_t t = 0; t < in->topics.count; t++) {
        const struct offset_delete_request_topic *topic = &in->topics.items[t];
        struct offset_delete_response_topic *answer = &out->topics.items[t];

        answer->name = topic->name;
        REPLY_ARRAY(request, answer->partitions, topic->partitions.count);
        for (int32_t p = 0; p < topic->partitions.count; p++) {
            int32_t partition = topic->partitions.items[p].partition_index;

            answer->partitions.items[p] = (struct offset_delete_response_partition){ partition, ERR_UNKNOWN_TOPIC_OR_PARTITION };
            if (!image_partition(broker_image(request->broker), topic->name, partition))
                continue;
            (*codes)[*count] = &answer->partitions.items[p].error_code;
            offsets[(*count)++] = (struct group_offset){ .topic = topic->name, .partition = partition, .offset = -1, .leader_epoch = -1, .metadata = "" };
        }
    }
    return offsets;
}

enum reply handle_offset_delete(struct request *request)
{
    const struct offset_delete_request *in = request->in;
    struct offset_delete_response *out = request->out;
    int16_t **codes;
    int32_t count;
    struct group_offset *offsets = gather(request, &codes, &count);
    enum err err = group_delete_offsets(request->broker, in->group_id, offsets, count);

    out->error_code = (int16_t)err;
    if (err)
        out->topics.count = 0;
    for (int32_t i = 0; i < count; i++)
        *codes[i] = (int16_t)offsets[i].err;
    return REPLY_NOW;
}
