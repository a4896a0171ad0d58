/* CreatePartitions: its bytes and what the broker does with it. */
#include "sim/wire/api/37_create_partitions.h"

#include <string.h>

#include "sim/wire/order.h"

static const struct field create_partitions_request_assignment_fields[] = {
    FIELD_ARRAY(create_partitions_request_assignment, broker_ids, T_INT32, 0, NEWEST),
    { 0 },
};

static const struct field create_partitions_request_topic_fields[] = {
    FIELD(create_partitions_request_topic, name, T_STRING, 0, NEWEST),
    FIELD(create_partitions_request_topic, count, T_INT32, 0, NEWEST),
    FIELD_STRUCTS(create_partitions_request_topic, assignments,
                  create_partitions_request_assignment, 0, NEWEST, .null_since = 0),
    { 0 },
};

static const struct field create_partitions_request_fields[] = {
    FIELD_STRUCTS(create_partitions_request, topics, create_partitions_request_topic, 0, NEWEST),
    FIELD(create_partitions_request, timeout_ms, T_INT32, 0, NEWEST),
    FIELD(create_partitions_request, validate_only, T_BOOL, 0, NEWEST),
    { 0 },
};

const struct message create_partitions_request_message = {
    .name = "CreatePartitionsRequest",
    .first = 0,
    .last = 3,
    .flexible_since = 2,
    .fields = create_partitions_request_fields,
    .size = sizeof(struct create_partitions_request),
};

static const struct field create_partitions_response_topic_fields[] = {
    FIELD(create_partitions_response_topic, name, T_STRING, 0, NEWEST),
    FIELD(create_partitions_response_topic, error_code, T_INT16, 0, NEWEST),
    FIELD(create_partitions_response_topic, error_message, T_STRING, 0, NEWEST, .null_since = 0,
          .preset = PRESET_NULL),
    { 0 },
};

static const struct field create_partitions_response_fields[] = {
    FIELD(create_partitions_response, throttle_time_ms, T_INT32, 0, NEWEST),
    FIELD_STRUCTS(create_partitions_response, results, create_partitions_response_topic, 0, NEWEST),
    { 0 },
};

const struct message create_partitions_response_message = {
    .name = "CreatePartitionsResponse",
    .first = 0,
    .last = 3,
    .flexible_since = 2,
    .fields = create_partitions_response_fields,
    .size = sizeof(struct create_partitions_response),
};

/* ---- what the broker does ---- */

static bool is_repeated(const struct create_partitions_request *in, int32_t at)
{
    for (int32_t i = 0; i < in->topics.count; i++)
        if (i != at && !strcmp(in->topics.items[i].name, in->topics.items[at].name))
            return true;
    return false;
}

static enum err add_partitions(struct request *request, int32_t at, int64_t *offset, struct reason *reason)
{
    const struct create_partitions_request *in = request->in;
    const struct create_partitions_request_topic *topic = &in->topics.items[at];
    const struct image_topic *known = image_topic(broker_image(request->broker), topic->name);
    int32_t count = topic->assignments.count < 0 ? 0 : topic->assignments.count;
    struct assignment *assignments = arena_alloc(&request->arena, (size_t)count * sizeof(*assignments));

    if (is_repeated(in, at))
        return err_because(ERR_INVALID_REQUEST, reason, release_is_27(cluster_release(request->cluster)) ? "Duplicate topic in request." : "Duplicate topic name.");
    for (int32_t i = 0; i < count; i++)
        assignments[i] = (struct assignment){ (known ? known->partition_count : 0) + i, topic->assignments.items[i].broker_ids.items,
                                              topic->assignments.items[i].broker_ids.count };
    return controller_add_partitions(request->cluster, topic->name, topic->count, assignments, count, in->validate_only, offset, reason);
}

enum reply handle_create_partitions(struct request *request)
{
    const struct create_partitions_request *in = request->in;
    struct create_partitions_response *answer = request->out;
    int64_t wait = -1;

    REPLY_ARRAY(request, answer->results, in->topics.count);
    for (int32_t i = 0; i < in->topics.count; i++) {
        struct create_partitions_response_topic *out = &answer->results.items[i];
        struct reason reason = { "" };
        int64_t offset = -1;
        enum err err = ERR_NOT_CONTROLLER;

        if (!order_is_misplaced(request))
            err = add_partitions(request, i, &offset, &reason);
        if (!err && !in->validate_only && offset > wait)
            wait = offset;
        *out = (struct create_partitions_response_topic){ in->topics.items[i].name, (int16_t)err, order_message(request, err, &reason) };
    }
    return order_reply(request, wait, NULL);
}

void cancel_create_partitions(struct request *request)
{
    order_cancel(request);
}
