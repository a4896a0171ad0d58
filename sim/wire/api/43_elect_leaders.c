/* ElectLeaders: its bytes and what the broker does with it. */
#include "sim/wire/api/43_elect_leaders.h"

#include <stdio.h>
#include <string.h>

#include "sim/wire/order.h"
#include "sim/wire/wire.h"

static const struct field elect_leaders_request_topic_fields[] = {
    FIELD(elect_leaders_request_topic, topic, T_STRING, 0, NEWEST),
    FIELD_ARRAY(elect_leaders_request_topic, partitions, T_INT32, 0, NEWEST),
    { 0 },
};

static const struct field elect_leaders_request_fields[] = {
    FIELD(elect_leaders_request, election_type, T_INT8, 1, NEWEST),
    FIELD_STRUCTS(elect_leaders_request, topic_partitions, elect_leaders_request_topic, 0, NEWEST,
                  .null_since = 0),
    FIELD(elect_leaders_request, timeout_ms, T_INT32, 0, NEWEST, .preset = 60000),
    { 0 },
};

const struct message elect_leaders_request_message = {
    .name = "ElectLeadersRequest",
    .first = 0,
    .last = 2,
    .flexible_since = 2,
    .fields = elect_leaders_request_fields,
    .size = sizeof(struct elect_leaders_request),
};

static const struct field elect_leaders_response_partition_fields[] = {
    FIELD(elect_leaders_response_partition, partition_id, T_INT32, 0, NEWEST),
    FIELD(elect_leaders_response_partition, error_code, T_INT16, 0, NEWEST),
    FIELD(elect_leaders_response_partition, error_message, T_STRING, 0, NEWEST, .null_since = 0),
    { 0 },
};

static const struct field elect_leaders_response_topic_fields[] = {
    FIELD(elect_leaders_response_topic, topic, T_STRING, 0, NEWEST),
    FIELD_STRUCTS(elect_leaders_response_topic, partition_result, elect_leaders_response_partition,
                  0, NEWEST),
    { 0 },
};

static const struct field elect_leaders_response_fields[] = {
    FIELD(elect_leaders_response, throttle_time_ms, T_INT32, 0, NEWEST),
    FIELD(elect_leaders_response, error_code, T_INT16, 1, NEWEST),
    FIELD_STRUCTS(elect_leaders_response, replica_election_results, elect_leaders_response_topic,
                  0, NEWEST),
    { 0 },
};

const struct message elect_leaders_response_message = {
    .name = "ElectLeadersResponse",
    .first = 0,
    .last = 2,
    .flexible_since = 2,
    .fields = elect_leaders_response_fields,
    .size = sizeof(struct elect_leaders_response),
};

/* ---- what the broker does ---- */

enum { SLICE = 200 }; /* partitions an event */

struct election_state {
    struct request *request;
    struct elect_leader items[SLICE];
    struct elect_leaders_response_partition *out[SLICE];
    int32_t topic, partition;     /* the next one to be elected */
    int32_t elected;
    int64_t offset;               /* of the last record; -1 */
    struct event event;           /* the next slice */
    struct image_wait wait;       /* 2.7: until this broker knows of the new leaders */
    bool waits;
};

static bool is_unclean(const struct request *request)
{
    const struct elect_leaders_request *in = request->in;

    return request->version >= 1 && in->election_type == 1;
}

/* Kafka asks for each partition of a topic once, and null means all there are. */
static void lay_out(struct request *request)
{
    const struct elect_leaders_request *in = request->in;
    struct elect_leaders_response *answer = request->out;
    const struct image *image = broker_image(request->broker);
    bool all = in->topic_partitions.count < 0;
    int32_t count = all ? (int32_t)image_topic_count(image) : in->topic_partitions.count;

    REPLY_ARRAY(request, answer->replica_election_results, count);
    for (int32_t t = 0; t < count; t++) {
        struct elect_leaders_response_topic *out = &answer->replica_election_results.items[t];
        const struct image_topic *topic = all ? image_topic_at(image, (size_t)t) : NULL;

        out->topic = all ? arena_text(&request->arena, topic->name, strlen(topic->name)) : in->topic_partitions.items[t].topic;
        REPLY_ARRAY(request, out->partition_result, all ? topic->partition_count : in->topic_partitions.items[t].partitions.count);
        for (int32_t p = 0; p < out->partition_result.count; p++)
            out->partition_result.items[p].partition_id = all ? p : in->topic_partitions.items[t].partitions.items[p];
    }
}

static void set_error(struct request *request, struct elect_leaders_response_partition *out, enum err err, const char *text)
{
    out->error_code = (int16_t)err;
    out->error_message = err && text && *text ? arena_text(&request->arena, text, strlen(text)) : NULL;
}

static void set_all(struct request *request, enum err err, const char *text)
{
    struct elect_leaders_response *answer = request->out;

    for (int32_t t = 0; t < answer->replica_election_results.count; t++)
        for (int32_t p = 0; p < answer->replica_election_results.items[t].partition_result.count; p++)
            set_error(request, &answer->replica_election_results.items[t].partition_result.items[p], err, text);
}

/* Of all partitions only those where something was done or went wrong are told of. 2.7 leaves out the topics of which nothing is told. */
static void leave_out_the_rest(struct request *request)
{
    const struct elect_leaders_request *in = request->in;
    struct elect_leaders_response *answer = request->out;
    bool all = in->topic_partitions.count < 0, old = release_is_27(cluster_release(request->cluster));
    int32_t topics = 0;

    for (int32_t t = 0; t < answer->replica_election_results.count; t++) {
        struct elect_leaders_response_topic *topic = &answer->replica_election_results.items[t];
        int32_t kept = 0;

        for (int32_t p = 0; p < topic->partition_result.count; p++)
            if (!all || topic->partition_result.items[p].error_code != ERR_ELECTION_NOT_NEEDED)
                topic->partition_result.items[kept++] = topic->partition_result.items[p];
        topic->partition_result.count = kept;
        if (kept || !old)
            answer->replica_election_results.items[topics++] = *topic;
    }
    answer->replica_election_results.count = topics;
}

static void finish(struct request *request)
{
    leave_out_the_rest(request);
    if (request->parked)
        request_reply(request);
}

static void known(void *context)
{
    struct election_state *state = context;

    state->waits = false;
    timer_cancel(&state->request->timer);
    finish(state->request);
}

/* DelayedElectLeader: those of whose leader this broker has not heard have failed, as far as the client is concerned. */
static void timed_out(void *context)
{
    struct request *request = context;
    struct election_state *state = request->state;
    struct elect_leaders_response *answer = request->out;

    broker_forget_image_wait(request->broker, &state->wait);
    state->waits = false;
    for (int32_t t = 0; t < answer->replica_election_results.count; t++)
        for (int32_t p = 0; p < answer->replica_election_results.items[t].partition_result.count; p++) {
            struct elect_leaders_response_partition *out = &answer->replica_election_results.items[t].partition_result.items[p];

            if (!out->error_code)
                set_error(request, out, ERR_REQUEST_TIMED_OUT, err_message(ERR_REQUEST_TIMED_OUT));
        }
    finish(request);
}

static enum reply wait_for_leaders(struct election_state *state)
{
    struct request *request = state->request;
    const struct elect_leaders_request *in = request->in;

    if (!state->elected || image_offset(broker_image(request->broker)) >= state->offset) {
        leave_out_the_rest(request);
        return REPLY_NOW;
    }
    state->wait = (struct image_wait){ .done = known, .context = state };
    state->waits = true;
    if (release_is_27(cluster_release(request->cluster))) {
        request->timer.run = timed_out;
        request->timer.context = request;
        timer_arm(request_timers(request), &request->timer, (int64_t)(in->timeout_ms < 0 ? 0 : in->timeout_ms) * 1000);
    }
    broker_await_image(request->broker, &state->wait, state->offset);
    return REPLY_LATER;
}

/* True: that was the last of them. */
static bool elect_slice(struct election_state *state)
{
    struct request *request = state->request;
    struct elect_leaders_response *answer = request->out;
    struct reason reason = { "" };
    int64_t offset = -1;
    size_t count = 0;
    enum err err;

    while (count < SLICE && state->topic < answer->replica_election_results.count) {
        struct elect_leaders_response_topic *topic = &answer->replica_election_results.items[state->topic];

        if (state->partition >= topic->partition_result.count) {
            state->topic++;
            state->partition = 0;
            continue;
        }
        state->out[count] = &topic->partition_result.items[state->partition++];
        state->items[count] = (struct elect_leader){ .topic = topic->topic, .partition = state->out[count]->partition_id };
        count++;
    }
    err = controller_elect_leaders(request->cluster, is_unclean(request), state->items, count, &offset, &reason);
    for (size_t i = 0; i < count; i++) {
        enum err of = err ? err : state->items[i].err;

        set_error(request, state->out[i], of, err ? reason.text : state->items[i].reason.text);
        state->elected += !of;
    }
    if (err && !release_is_27(cluster_release(request->cluster)))
        answer->error_code = (int16_t)err;
    if (offset > state->offset)
        state->offset = offset;
    return state->topic >= answer->replica_election_results.count;
}

static void next_slice(void *context)
{
    struct election_state *state = context;

    if (!elect_slice(state))
        event_at(cluster_queue(state->request->cluster), &state->event, queue_now_us(cluster_queue(state->request->cluster)));
    else if (wait_for_leaders(state) == REPLY_NOW)
        request_reply(state->request);
}

enum reply handle_elect_leaders(struct request *request)
{
    const struct elect_leaders_request *in = request->in;
    struct elect_leaders_response *answer = request->out;
    struct election_state *state;

    lay_out(request);
    if (request->version >= 1 && in->election_type != 0 && in->election_type != 1) {
        bool old = release_is_27(cluster_release(request->cluster));
        char text[64];

        snprintf(text, sizeof(text), "Unknown election type %d", in->election_type);
        answer->error_code = old ? ERR_UNKNOWN_SERVER_ERROR : ERR_INVALID_REQUEST;
        set_all(request, answer->error_code, text);
        return REPLY_NOW;
    }
    if (order_is_misplaced(request)) {
        set_all(request, ERR_NOT_CONTROLLER, NULL);
        return REPLY_NOW;
    }
    state = arena_alloc(&request->arena, sizeof(*state));
    state->request = request;
    state->offset = -1;
    state->event = (struct event){ .run = next_slice, .context = state };
    request->state = state;
    if (elect_slice(state))
        return wait_for_leaders(state);
    event_at(cluster_queue(request->cluster), &state->event, queue_now_us(cluster_queue(request->cluster)));
    return REPLY_LATER;
}

void cancel_elect_leaders(struct request *request)
{
    struct election_state *state = request->state;

    event_cancel(cluster_queue(request->cluster), &state->event);
    if (state->waits)
        broker_forget_image_wait(request->broker, &state->wait);
}
