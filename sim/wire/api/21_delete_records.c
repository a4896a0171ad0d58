/* DeleteRecords: its bytes and what the broker does with it. */
#include "sim/wire/api/21_delete_records.h"

#include "sim/cluster/log_dirs.h"
#include "sim/cluster/partition.h"
#include "sim/wire/wire.h"

static const struct field delete_records_request_partition_fields[] = {
    FIELD(delete_records_request_partition, partition_index, T_INT32, 0, NEWEST),
    FIELD(delete_records_request_partition, offset, T_INT64, 0, NEWEST),
    { 0 },
};

static const struct field delete_records_request_topic_fields[] = {
    FIELD(delete_records_request_topic, name, T_STRING, 0, NEWEST),
    FIELD_STRUCTS(delete_records_request_topic, partitions, delete_records_request_partition, 0,
                  NEWEST),
    { 0 },
};

static const struct field delete_records_request_fields[] = {
    FIELD_STRUCTS(delete_records_request, topics, delete_records_request_topic, 0, NEWEST),
    FIELD(delete_records_request, timeout_ms, T_INT32, 0, NEWEST),
    { 0 },
};

const struct message delete_records_request_message = {
    .name = "DeleteRecordsRequest",
    .first = 0,
    .last = 2,
    .flexible_since = 2,
    .fields = delete_records_request_fields,
    .size = sizeof(struct delete_records_request),
};

static const struct field delete_records_response_partition_fields[] = {
    FIELD(delete_records_response_partition, partition_index, T_INT32, 0, NEWEST),
    FIELD(delete_records_response_partition, low_watermark, T_INT64, 0, NEWEST),
    FIELD(delete_records_response_partition, error_code, T_INT16, 0, NEWEST),
    { 0 },
};

static const struct field delete_records_response_topic_fields[] = {
    FIELD(delete_records_response_topic, name, T_STRING, 0, NEWEST),
    FIELD_STRUCTS(delete_records_response_topic, partitions, delete_records_response_partition, 0,
                  NEWEST),
    { 0 },
};

static const struct field delete_records_response_fields[] = {
    FIELD(delete_records_response, throttle_time_ms, T_INT32, 0, NEWEST),
    FIELD_STRUCTS(delete_records_response, topics, delete_records_response_topic, 0, NEWEST),
    { 0 },
};

const struct message delete_records_response_message = {
    .name = "DeleteRecordsResponse",
    .first = 0,
    .last = 2,
    .flexible_since = 2,
    .fields = delete_records_response_fields,
    .size = sizeof(struct delete_records_response),
};

/* ---- what the broker does ---- */

struct waiting {                  /* a partition whose followers have not heard yet */
    struct deletion_state *state;
    struct delete_records_response_partition *out;
    struct deletion_wait wait;
};

struct deletion_state {
    struct request *request;
    struct waiting *waiting;
    int32_t count, left;
};

static enum err delete_before(struct request *request, const char *topic, const struct delete_records_request_partition *in,
                              struct partition **partition, int64_t *required_offset, int64_t *low_watermark)
{
    const struct image *image = broker_image(request->broker);
    const struct image_topic *known = image_topic(image, topic);
    struct reason reason = { "" };

    if (!known || !image_partition(image, topic, in->partition_index))
        return ERR_UNKNOWN_TOPIC_OR_PARTITION;
    if (known->internal)
        return ERR_INVALID_TOPIC_EXCEPTION;
    *partition = broker_partition(request->broker, topic, in->partition_index);
    return *partition ? partition_delete_records(*partition, in->offset, required_offset, low_watermark, &reason) : broker_no_replica(request->broker, topic, in->partition_index);
}

static void deleted(void *context, enum err err, int64_t low_watermark)
{
    struct waiting *waiting = context;
    struct deletion_state *state = waiting->state;

    waiting->out->error_code = (int16_t)err;
    waiting->out->low_watermark = low_watermark;
    if (--state->left == 0 && state->request->parked)
        request_reply(state->request);
}

void cancel_delete_records(struct request *request)
{
    struct deletion_state *state = request->state;

    for (int32_t i = 0; i < state->count; i++)
        partition_forget_deletion(&state->waiting[i].wait);
}

/* Each that still waits has said REQUEST_TIMED_OUT from the beginning, as Kafka's DelayedDeleteRecords. */
static void timed_out(void *context)
{
    struct request *request = context;

    cancel_delete_records(request);
    request_reply(request);
}

static void delete_from(struct deletion_state *state, const char *topic, const struct delete_records_request_partition *in,
                        struct delete_records_response_partition *out)
{
    struct partition *partition = NULL;
    int64_t required_offset = -1, low_watermark = -1;
    enum err err = delete_before(state->request, topic, in, &partition, &required_offset, &low_watermark);
    struct waiting *waiting;

    *out = (struct delete_records_response_partition){
        .partition_index = in->partition_index, .low_watermark = low_watermark, .error_code = (int16_t)err,
    };
    if (err || low_watermark >= required_offset)
        return;
    waiting = &state->waiting[state->count++];
    *waiting = (struct waiting){ .state = state, .out = out, .wait = { .done = deleted, .context = waiting } };
    out->error_code = ERR_REQUEST_TIMED_OUT;
    state->left++;
    partition_await_deletion(partition, &waiting->wait, required_offset);
}

enum reply handle_delete_records(struct request *request)
{
    const struct delete_records_request *in = request->in;
    struct delete_records_response *answer = request->out;
    struct deletion_state *state = arena_alloc(&request->arena, sizeof(*state));
    int32_t count = 0;

    for (int32_t t = 0; t < in->topics.count; t++)
        count += in->topics.items[t].partitions.count;
    state->request = request;
    state->waiting = arena_alloc(&request->arena, (size_t)count * sizeof(*state->waiting));
    request->state = state;
    REPLY_ARRAY(request, answer->topics, in->topics.count);
    for (int32_t t = 0; t < in->topics.count; t++) {
        const struct delete_records_request_topic *topic = &in->topics.items[t];
        struct delete_records_response_topic *out = &answer->topics.items[t];

        out->name = topic->name;
        REPLY_ARRAY(request, out->partitions, topic->partitions.count);
        for (int32_t p = 0; p < topic->partitions.count; p++)
            delete_from(state, topic->name, &topic->partitions.items[p], &out->partitions.items[p]);
    }
    if (!state->left)
        return REPLY_NOW;
    request->timer.run = timed_out;
    request->timer.context = request;
    timer_arm(request_timers(request), &request->timer, (int64_t)(in->timeout_ms < 0 ? 0 : in->timeout_ms) * 1000);
    return REPLY_LATER;
}
