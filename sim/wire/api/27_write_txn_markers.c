/* WriteTxnMarkers: its bytes and what the broker does with it. */
#include "sim/wire/api/27_write_txn_markers.h"

#include "sim/cluster/partition.h"
#include "sim/wire/wire.h"

static const struct field write_txn_markers_request_topic_fields[] = {
    FIELD(write_txn_markers_request_topic, name, T_STRING, 0, NEWEST),
    FIELD_ARRAY(write_txn_markers_request_topic, partition_indexes, T_INT32, 0, NEWEST),
    { 0 },
};

static const struct field write_txn_markers_request_marker_fields[] = {
    FIELD(write_txn_markers_request_marker, producer_id, T_INT64, 0, NEWEST),
    FIELD(write_txn_markers_request_marker, producer_epoch, T_INT16, 0, NEWEST),
    FIELD(write_txn_markers_request_marker, transaction_result, T_BOOL, 0, NEWEST),
    FIELD_STRUCTS(write_txn_markers_request_marker, topics, write_txn_markers_request_topic, 0, NEWEST),
    FIELD(write_txn_markers_request_marker, coordinator_epoch, T_INT32, 0, NEWEST),
    FIELD(write_txn_markers_request_marker, transaction_version, T_INT8, 2, NEWEST),
    { 0 },
};

static const struct field write_txn_markers_request_fields[] = {
    FIELD_STRUCTS(write_txn_markers_request, markers, write_txn_markers_request_marker, 0, NEWEST),
    { 0 },
};

const struct message write_txn_markers_request_message = {
    .name = "WriteTxnMarkersRequest",
    .first = 0,
    .last = 2,
    .flexible_since = 1,
    .fields = write_txn_markers_request_fields,
    .size = sizeof(struct write_txn_markers_request),
};

static const struct field write_txn_markers_response_partition_fields[] = {
    FIELD(write_txn_markers_response_partition, partition_index, T_INT32, 0, NEWEST),
    FIELD(write_txn_markers_response_partition, error_code, T_INT16, 0, NEWEST),
    { 0 },
};

static const struct field write_txn_markers_response_topic_fields[] = {
    FIELD(write_txn_markers_response_topic, name, T_STRING, 0, NEWEST),
    FIELD_STRUCTS(write_txn_markers_response_topic, partitions, write_txn_markers_response_partition, 0, NEWEST),
    { 0 },
};

static const struct field write_txn_markers_response_marker_fields[] = {
    FIELD(write_txn_markers_response_marker, producer_id, T_INT64, 0, NEWEST),
    FIELD_STRUCTS(write_txn_markers_response_marker, topics, write_txn_markers_response_topic, 0, NEWEST),
    { 0 },
};

static const struct field write_txn_markers_response_fields[] = {
    FIELD_STRUCTS(write_txn_markers_response, markers, write_txn_markers_response_marker, 0, NEWEST),
    { 0 },
};

const struct message write_txn_markers_response_message = {
    .name = "WriteTxnMarkersResponse",
    .first = 0,
    .last = 2,
    .flexible_since = 1,
    .fields = write_txn_markers_response_fields,
    .size = sizeof(struct write_txn_markers_response),
};

/* ---- what the broker does ---- */

struct waiting {                  /* a marker that was written, until the replicas in sync have it */
    struct markers_state *state;
    struct write_txn_markers_response_partition *out;
    struct commit_wait wait;
    bool done;
};

struct markers_state {
    struct request *request;
    struct waiting *waiting;
    int32_t count, left;          /* of `waiting`; those not yet done */
};

static void committed(void *context, enum err err)
{
    struct waiting *waiting = context;
    struct markers_state *state = waiting->state;

    waiting->done = true;
    waiting->out->error_code = (int16_t)err;
    if (--state->left == 0 && state->request->parked)
        request_reply(state->request);
}

void cancel_write_txn_markers(struct request *request)
{
    struct markers_state *state = request->state;

    for (int32_t i = 0; i < state->count; i++)
        if (!state->waiting[i].done)
            partition_forget_commit(&state->waiting[i].wait);
}

static enum err append_marker(struct request *request, struct partition *partition, const struct write_txn_markers_request_marker *marker,
                              struct log_appended *appended)
{
    int64_t now_ms = broker_now_ms(request->broker);
    struct batch_builder builder = { 0 };
    struct reason reason = { "" };
    struct bytes batch;
    enum err err;

    batch_builder_init_marker(&builder, marker->transaction_result, marker->producer_id, marker->producer_epoch, marker->coordinator_epoch, now_ms);
    err = batch_builder_finish(&builder, &batch, &reason);
    if (!err)
        err = partition_append(partition, &(struct log_append){
            .records = batch, .origin = APPEND_COORDINATOR, .leader_epoch = partition_leader_epoch(partition),
            .produce_version = -1, .now_ms = now_ms,
        }, -1, appended, &reason);
    batch_builder_done(&builder);
    return err;
}

static void write_marker(struct markers_state *state, const struct write_txn_markers_request_marker *marker, const char *topic,
                         struct write_txn_markers_response_partition *out)
{
    struct partition *partition = broker_partition(state->request->broker, topic, out->partition_index);
    struct log_appended appended;
    struct waiting *waiting;

    /* in the magic of old there are no transactions */
    if (partition && log_settings(partition_log(partition))->magic < 2)
        out->error_code = ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT;
    else
        out->error_code = (int16_t)(partition ? append_marker(state->request, partition, marker, &appended) : ERR_UNKNOWN_TOPIC_OR_PARTITION);
    if (out->error_code)
        return;
    waiting = &state->waiting[state->count++];
    *waiting = (struct waiting){ .state = state, .out = out, .wait = { .done = committed, .context = waiting } };
    state->left++;
    partition_await_commit(partition, &waiting->wait, appended.last_offset + 1);
}

static int32_t count_partitions(const struct write_txn_markers_request *in)
{
    int32_t count = 0;

    for (int32_t m = 0; m < in->markers.count; m++)
        for (int32_t t = 0; t < in->markers.items[m].topics.count; t++)
            count += in->markers.items[m].topics.items[t].partition_indexes.count;
    return count;
}

enum reply handle_write_txn_markers(struct request *request)
{
    const struct write_txn_markers_request *in = request->in;
    struct write_txn_markers_response *answer = request->out;
    struct markers_state *state = arena_alloc(&request->arena, sizeof(*state));

    request->state = state;
    state->request = request;
    state->waiting = arena_alloc(&request->arena, (size_t)count_partitions(in) * sizeof(*state->waiting));
    REPLY_ARRAY(request, answer->markers, in->markers.count);
    for (int32_t m = 0; m < in->markers.count; m++) {
        const struct write_txn_markers_request_marker *marker = &in->markers.items[m];
        struct write_txn_markers_response_marker *out = &answer->markers.items[m];

        out->producer_id = marker->producer_id;
        REPLY_ARRAY(request, out->topics, marker->topics.count);
        for (int32_t t = 0; t < marker->topics.count; t++) {
            const struct write_txn_markers_request_topic *topic = &marker->topics.items[t];

            out->topics.items[t].name = topic->name;
            REPLY_ARRAY(request, out->topics.items[t].partitions, topic->partition_indexes.count);
            for (int32_t p = 0; p < topic->partition_indexes.count; p++) {
                out->topics.items[t].partitions.items[p].partition_index = topic->partition_indexes.items[p];
                write_marker(state, marker, topic->name, &out->topics.items[t].partitions.items[p]);
            }
        }
    }
    return state->left ? REPLY_LATER : REPLY_NOW;
}
