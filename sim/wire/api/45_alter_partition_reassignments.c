/* AlterPartitionReassignments: its bytes and what the broker does with it. */
#include "sim/wire/api/45_alter_partition_reassignments.h"

#include <string.h>

#include "sim/wire/order.h"

static const struct field alter_partition_reassignments_request_partition_fields[] = {
    FIELD(alter_partition_reassignments_request_partition, partition_index, T_INT32, 0, NEWEST),
    FIELD_ARRAY(alter_partition_reassignments_request_partition, replicas, T_INT32, 0, NEWEST,
                .null_since = 0, .preset = PRESET_NULL),
    { 0 },
};

static const struct field alter_partition_reassignments_request_topic_fields[] = {
    FIELD(alter_partition_reassignments_request_topic, name, T_STRING, 0, NEWEST),
    FIELD_STRUCTS(alter_partition_reassignments_request_topic, partitions,
                  alter_partition_reassignments_request_partition, 0, NEWEST),
    { 0 },
};

static const struct field alter_partition_reassignments_request_fields[] = {
    FIELD(alter_partition_reassignments_request, timeout_ms, T_INT32, 0, NEWEST, .preset = 60000),
    FIELD(alter_partition_reassignments_request, allow_replication_factor_change, T_BOOL, 1,
          NEWEST, .preset = 1),
    FIELD_STRUCTS(alter_partition_reassignments_request, topics,
                  alter_partition_reassignments_request_topic, 0, NEWEST),
    { 0 },
};

const struct message alter_partition_reassignments_request_message = {
    .name = "AlterPartitionReassignmentsRequest",
    .first = 0,
    .last = 1,
    .flexible_since = 0,
    .fields = alter_partition_reassignments_request_fields,
    .size = sizeof(struct alter_partition_reassignments_request),
};

static const struct field alter_partition_reassignments_response_partition_fields[] = {
    FIELD(alter_partition_reassignments_response_partition, partition_index, T_INT32, 0, NEWEST),
    FIELD(alter_partition_reassignments_response_partition, error_code, T_INT16, 0, NEWEST),
    FIELD(alter_partition_reassignments_response_partition, error_message, T_STRING, 0, NEWEST,
          .null_since = 0),
    { 0 },
};

static const struct field alter_partition_reassignments_response_topic_fields[] = {
    FIELD(alter_partition_reassignments_response_topic, name, T_STRING, 0, NEWEST),
    FIELD_STRUCTS(alter_partition_reassignments_response_topic, partitions,
                  alter_partition_reassignments_response_partition, 0, NEWEST),
    { 0 },
};

static const struct field alter_partition_reassignments_response_fields[] = {
    FIELD(alter_partition_reassignments_response, throttle_time_ms, T_INT32, 0, NEWEST),
    FIELD(alter_partition_reassignments_response, allow_replication_factor_change, T_BOOL, 1,
          NEWEST, .preset = 1),
    FIELD(alter_partition_reassignments_response, error_code, T_INT16, 0, NEWEST),
    FIELD(alter_partition_reassignments_response, error_message, T_STRING, 0, NEWEST,
          .null_since = 0),
    FIELD_STRUCTS(alter_partition_reassignments_response, responses,
                  alter_partition_reassignments_response_topic, 0, NEWEST),
    { 0 },
};

const struct message alter_partition_reassignments_response_message = {
    .name = "AlterPartitionReassignmentsResponse",
    .first = 0,
    .last = 1,
    .flexible_since = 0,
    .fields = alter_partition_reassignments_response_fields,
    .size = sizeof(struct alter_partition_reassignments_response),
};

/* ---- what the broker does ---- */

enum { SLICE = 64 }; /* partitions of one event */

struct work {
    struct request *request;
    struct event event;
    struct image_wait wait;
    int32_t topic, partition; /* where it goes on */
    int64_t offset;
};

static void order(struct work *work, const struct alter_partition_reassignments_request_topic *topic,
                  const struct alter_partition_reassignments_request_partition *wanted, struct alter_partition_reassignments_response_partition *out)
{
    const struct alter_partition_reassignments_request *in = work->request->in;
    struct reassignment move = { .topic = topic->name, .partition = wanted->partition_index, .replicas = wanted->replicas.items,
                                 .count = wanted->replicas.count, .allow_factor_change = in->allow_replication_factor_change };
    struct reason reason = { "" };
    int64_t offset = -1;
    enum err err = controller_reassign(work->request->cluster, &move, &offset, &reason);

    if (offset > work->offset)
        work->offset = offset;
    out->partition_index = wanted->partition_index;
    out->error_code = (int16_t)err;
    out->error_message = order_message(work->request, err, &reason);
}

static void answered(void *context)
{
    struct work *work = context;

    request_reply(work->request);
}

/* A slice of the partitions; true: there are more. */
static bool order_some(struct work *work)
{
    const struct alter_partition_reassignments_request *in = work->request->in;
    struct alter_partition_reassignments_response *answer = work->request->out;
    int32_t done = 0;

    for (; work->topic < in->topics.count; work->topic++, work->partition = 0)
        for (; work->partition < in->topics.items[work->topic].partitions.count; work->partition++) {
            if (done++ == SLICE)
                return true;
            order(work, &in->topics.items[work->topic], &in->topics.items[work->topic].partitions.items[work->partition],
                  &answer->responses.items[work->topic].partitions.items[work->partition]);
        }
    return false;
}

static void go_on(void *context)
{
    struct work *work = context;

    if (order_some(work))
        event_after(cluster_queue(work->request->cluster), &work->event, 0);
    else if (work->offset >= 0)
        broker_await_image(work->request->broker, &work->wait, work->offset);
    else
        request_reply(work->request);
}

enum reply handle_alter_partition_reassignments(struct request *request)
{
    const struct alter_partition_reassignments_request *in = request->in;
    struct alter_partition_reassignments_response *answer = request->out;
    struct work *work = arena_alloc(&request->arena, sizeof(*work));

    answer->error_message = NULL;
    answer->allow_replication_factor_change = in->allow_replication_factor_change;
    if (order_is_misplaced(request)) {
        answer->error_code = ERR_NOT_CONTROLLER;
        return REPLY_NOW;
    }
    REPLY_ARRAY(request, answer->responses, in->topics.count);
    for (int32_t t = 0; t < in->topics.count; t++) {
        const char *name = in->topics.items[t].name;

        answer->responses.items[t].name = arena_text(&request->arena, name, strlen(name));
        REPLY_ARRAY(request, answer->responses.items[t].partitions, in->topics.items[t].partitions.count);
    }
    *work = (struct work){ .request = request, .event = { .run = go_on, .context = work }, .wait = { .done = answered, .context = work }, .offset = -1 };
    request->state = work;
    event_after(cluster_queue(request->cluster), &work->event, 0);
    return REPLY_LATER;
}

void cancel_alter_partition_reassignments(struct request *request)
{
    struct work *work = request->state;

    event_cancel(cluster_queue(request->cluster), &work->event);
    broker_forget_image_wait(request->broker, &work->wait);
}
