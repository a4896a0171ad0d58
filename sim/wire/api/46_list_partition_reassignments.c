/* ListPartitionReassignments: its bytes and what the broker does with it. */
#include "sim/wire/api/46_list_partition_reassignments.h"

#include <string.h>

#include "sim/wire/order.h"

static const struct field list_partition_reassignments_request_topic_fields[] = {
    FIELD(list_partition_reassignments_request_topic, name, T_STRING, 0, NEWEST),
    FIELD_ARRAY(list_partition_reassignments_request_topic, partition_indexes, T_INT32, 0, NEWEST),
    { 0 },
};

static const struct field list_partition_reassignments_request_fields[] = {
    FIELD(list_partition_reassignments_request, timeout_ms, T_INT32, 0, NEWEST, .preset = 60000),
    FIELD_STRUCTS(list_partition_reassignments_request, topics,
                  list_partition_reassignments_request_topic, 0, NEWEST, .null_since = 0,
                  .preset = PRESET_NULL),
    { 0 },
};

const struct message list_partition_reassignments_request_message = {
    .name = "ListPartitionReassignmentsRequest",
    .first = 0,
    .last = 0,
    .flexible_since = 0,
    .fields = list_partition_reassignments_request_fields,
    .size = sizeof(struct list_partition_reassignments_request),
};

static const struct field list_partition_reassignments_response_partition_fields[] = {
    FIELD(list_partition_reassignments_response_partition, partition_index, T_INT32, 0, NEWEST),
    FIELD_ARRAY(list_partition_reassignments_response_partition, replicas, T_INT32, 0, NEWEST),
    FIELD_ARRAY(list_partition_reassignments_response_partition, adding_replicas, T_INT32, 0,
                NEWEST),
    FIELD_ARRAY(list_partition_reassignments_response_partition, removing_replicas, T_INT32, 0,
                NEWEST),
    { 0 },
};

static const struct field list_partition_reassignments_response_topic_fields[] = {
    FIELD(list_partition_reassignments_response_topic, name, T_STRING, 0, NEWEST),
    FIELD_STRUCTS(list_partition_reassignments_response_topic, partitions,
                  list_partition_reassignments_response_partition, 0, NEWEST),
    { 0 },
};

static const struct field list_partition_reassignments_response_fields[] = {
    FIELD(list_partition_reassignments_response, throttle_time_ms, T_INT32, 0, NEWEST),
    FIELD(list_partition_reassignments_response, error_code, T_INT16, 0, NEWEST),
    FIELD(list_partition_reassignments_response, error_message, T_STRING, 0, NEWEST,
          .null_since = 0),
    FIELD_STRUCTS(list_partition_reassignments_response, topics,
                  list_partition_reassignments_response_topic, 0, NEWEST),
    { 0 },
};

const struct message list_partition_reassignments_response_message = {
    .name = "ListPartitionReassignmentsResponse",
    .first = 0,
    .last = 0,
    .flexible_since = 0,
    .fields = list_partition_reassignments_response_fields,
    .size = sizeof(struct list_partition_reassignments_response),
};

/* ---- what the broker does ---- */

#define COPY(request, to, from, count_) \
    do { \
        REPLY_ARRAY(request, to, count_); \
        if (count_) \
            memcpy((to).items, from, (size_t)(count_) * sizeof(*(to).items)); \
    } while (0)

static bool is_moving(const struct image_topic *topic, int32_t number)
{
    return number >= 0 && number < topic->partition_count && (topic->partitions[number].adding_count || topic->partitions[number].removing_count);
}

static void add(struct request *request, struct list_partition_reassignments_response_topic *out, const struct image_partition *partition, int32_t number)
{
    struct list_partition_reassignments_response_partition *move = &out->partitions.items[out->partitions.count++];

    move->partition_index = number;
    COPY(request, move->replicas, partition->replicas, partition->replica_count);
    COPY(request, move->adding_replicas, partition->adding_replicas, partition->adding_count);
    COPY(request, move->removing_replicas, partition->removing_replicas, partition->removing_count);
}

/* The moves among `numbers`, NULL: of all its partitions. */
static void add_topic(struct request *request, const struct image_topic *topic, const int32_t *numbers, int32_t count)
{
    struct list_partition_reassignments_response *answer = request->out;
    struct list_partition_reassignments_response_topic *out;
    size_t room = 0;

    for (int32_t i = 0; i < count; i++)
        room += is_moving(topic, numbers ? numbers[i] : i);
    if (!room)
        return;
    out = &answer->topics.items[answer->topics.count++];
    out->name = arena_text(&request->arena, topic->name, strlen(topic->name));
    REPLY_ARRAY(request, out->partitions, room);
    out->partitions.count = 0;
    for (int32_t i = 0; i < count; i++) {
        int32_t number = numbers ? numbers[i] : i;

        if (is_moving(topic, number))
            add(request, out, &topic->partitions[number], number);
    }
}

/* The controller's answer, of what it has decided. */
enum reply handle_list_partition_reassignments(struct request *request)
{
    const struct list_partition_reassignments_request *in = request->in;
    struct list_partition_reassignments_response *answer = request->out;
    const struct image *image = cluster_image(request->cluster);
    struct reason reason = { "" };

    answer->error_message = NULL;
    if (order_is_misplaced(request)) {
        answer->error_code = ERR_NOT_CONTROLLER;
        return REPLY_NOW;
    }
    if (!cluster_controller_up(request->cluster)) {
        answer->error_code = (int16_t)err_because(ERR_REQUEST_TIMED_OUT, &reason, "no controller is up");
        answer->error_message = order_message(request, ERR_REQUEST_TIMED_OUT, &reason);
        return REPLY_NOW;
    }
    REPLY_ARRAY(request, answer->topics, in->topics.count < 0 ? (int32_t)image_topic_count(image) : in->topics.count);
    answer->topics.count = 0;
    for (size_t t = 0; in->topics.count < 0 && t < image_topic_count(image); t++)
        add_topic(request, image_topic_at(image, t), NULL, image_topic_at(image, t)->partition_count);
    for (int32_t t = 0; t < in->topics.count; t++) {
        const struct image_topic *topic = image_topic(image, in->topics.items[t].name);

        if (topic)
            add_topic(request, topic, in->topics.items[t].partition_indexes.items, in->topics.items[t].partition_indexes.count);
    }
    return REPLY_NOW;
}
