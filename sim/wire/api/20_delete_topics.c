/* DeleteTopics: its bytes and what the broker does with it. */
#include "sim/wire/api/20_delete_topics.h"

#include <string.h>

#include "sim/wire/order.h"

static const struct field delete_topics_request_topic_fields[] = {
    FIELD(delete_topics_request_topic, name, T_STRING, 6, NEWEST, .null_since = 6,
          .preset = PRESET_NULL),
    FIELD(delete_topics_request_topic, topic_id, T_UUID, 6, NEWEST),
    { 0 },
};

static const struct field delete_topics_request_fields[] = {
    FIELD_STRUCTS(delete_topics_request, topics, delete_topics_request_topic, 6, NEWEST),
    FIELD_ARRAY(delete_topics_request, topic_names, T_STRING, 0, 5),
    FIELD(delete_topics_request, timeout_ms, T_INT32, 0, NEWEST),
    { 0 },
};

const struct message delete_topics_request_message = {
    .name = "DeleteTopicsRequest",
    .first = 0,
    .last = 6,
    .flexible_since = 4,
    .fields = delete_topics_request_fields,
    .size = sizeof(struct delete_topics_request),
};

static const struct field delete_topics_response_topic_fields[] = {
    FIELD(delete_topics_response_topic, name, T_STRING, 0, NEWEST, .null_since = 6),
    FIELD(delete_topics_response_topic, topic_id, T_UUID, 6, NEWEST),
    FIELD(delete_topics_response_topic, error_code, T_INT16, 0, NEWEST),
    FIELD(delete_topics_response_topic, error_message, T_STRING, 5, NEWEST, .null_since = 5,
          .preset = PRESET_NULL),
    { 0 },
};

static const struct field delete_topics_response_fields[] = {
    FIELD(delete_topics_response, throttle_time_ms, T_INT32, 1, NEWEST),
    FIELD_STRUCTS(delete_topics_response, responses, delete_topics_response_topic, 0, NEWEST),
    { 0 },
};

const struct message delete_topics_response_message = {
    .name = "DeleteTopicsResponse",
    .first = 0,
    .last = 6,
    .flexible_since = 4,
    .fields = delete_topics_response_fields,
    .size = sizeof(struct delete_topics_response),
};

/* ---- what the broker does ---- */

static enum err delete_one(struct request *request, struct delete_topics_response_topic *out, int64_t *offset, struct reason *reason)
{
    const struct image_topic *topic;

    if (out->name && !uuid_is_zero(out->topic_id))
        return err_because(ERR_INVALID_REQUEST, reason, "You may not specify both topic name and topic id.");
    if (!out->name && uuid_is_zero(out->topic_id))
        return err_because(ERR_INVALID_REQUEST, reason, "Neither topic name nor id were specified.");
    if (!out->name) {
        topic = image_topic_by_id(broker_image(request->broker), out->topic_id);
        if (!topic)
            return err_because(ERR_UNKNOWN_TOPIC_ID, reason, "%s", err_message(ERR_UNKNOWN_TOPIC_ID));
        out->name = arena_text(&request->arena, topic->name, strlen(topic->name)); /* it goes with the topic */
    } else {
        topic = image_topic(broker_image(request->broker), out->name);
        if (topic)
            out->topic_id = topic->id;
    }
    return controller_delete_topic(request->cluster, out->name, offset, reason);
}

static bool is_repeated(const struct delete_topics_response *answer, int32_t at)
{
    for (int32_t i = 0; i < at; i++)
        if (answer->responses.items[i].name && answer->responses.items[at].name && !strcmp(answer->responses.items[i].name, answer->responses.items[at].name))
            return true;
    return false;
}

/* 2.7: DelayedDeleteTopics. Waited for is that this broker knows the topic no more, until the request's time is over; the deletion goes on without it. Kafka answers as soon as the
 * controller has told its broker to forget the topic, a moment before it is gone, in which none of that name can be made; its tools need a second to start, and do not
 * meet that. Ours start in no time: so they are answered when it is gone, or a second later. */
enum { GONE_US = 1000000 };
struct deletion {
    struct request *request;
    struct image_wait wait;
    bool forgotten;                   /* all of them: only being gone is waited for */
};
enum still { STILL_THERE, STILL_KNOWN }; /* known: to this broker's clients */

static bool some_are(const struct request *request, enum still still)
{
    const struct delete_topics_response *answer = request->out;

    for (int32_t i = 0; i < answer->responses.count; i++) {
        const struct delete_topics_response_topic *out = &answer->responses.items[i];
        const struct image_topic *topic = out->error_code ? NULL : image_topic_by_id(broker_image(request->broker), out->topic_id);

        if (topic && (still == STILL_THERE || !topic->deleting))
            return true;
    }
    return false;
}

static void tell_timed_out(struct request *request, enum still still)
{
    struct delete_topics_response *answer = request->out;

    for (int32_t i = 0; i < answer->responses.count; i++) {
        struct delete_topics_response_topic *out = &answer->responses.items[i];
        const struct image_topic *topic = out->error_code ? NULL : image_topic_by_id(broker_image(request->broker), out->topic_id);

        if (!topic || (still == STILL_KNOWN && topic->deleting))
            continue;
        out->error_code = ERR_REQUEST_TIMED_OUT;
        out->error_message = err_message(ERR_REQUEST_TIMED_OUT);
    }
}

static void wait_on(struct deletion *deletion)
{
    struct request *request = deletion->request;

    if (!deletion->forgotten && !some_are(request, STILL_KNOWN)) {
        deletion->forgotten = true;
        if (timer_left_us(&request->timer) > GONE_US)
            timer_arm(request_timers(request), &request->timer, GONE_US);
    }
    broker_await_image(request->broker, &deletion->wait, image_offset(broker_image(request->broker)) + 1);
}

static void look_again(void *context)
{
    struct deletion *deletion = context;
    struct request *request = deletion->request;

    if (some_are(request, STILL_THERE)) {
        wait_on(deletion);
        return;
    }
    timer_cancel(&request->timer);
    request_reply(request);
}

static void timed_out(void *context)
{
    struct request *request = context;
    struct deletion *deletion = request->state;

    broker_forget_image_wait(request->broker, &deletion->wait);
    tell_timed_out(request, STILL_KNOWN);
    request_reply(request);
}

static enum reply await_deletions(struct request *request)
{
    const struct delete_topics_request *in = request->in;
    struct deletion *deletion;

    if (in->timeout_ms <= 0) {
        tell_timed_out(request, STILL_THERE);
        return REPLY_NOW;
    }
    deletion = arena_alloc(&request->arena, sizeof(*deletion));
    *deletion = (struct deletion){ .request = request, .wait = { .done = look_again, .context = deletion } };
    request->state = deletion;
    request->timer.run = timed_out;
    request->timer.context = request;
    timer_arm(request_timers(request), &request->timer, (int64_t)in->timeout_ms * 1000);
    wait_on(deletion);
    return REPLY_LATER;
}

enum reply handle_delete_topics(struct request *request)
{
    const struct delete_topics_request *in = request->in;
    struct delete_topics_response *answer = request->out;
    int32_t count = request->version >= 6 ? in->topics.count : in->topic_names.count;
    int64_t wait = -1;

    REPLY_ARRAY(request, answer->responses, count);
    for (int32_t i = 0; i < count; i++) {
        struct delete_topics_response_topic *out = &answer->responses.items[i];
        struct reason reason = { "" };
        int64_t offset = -1;
        enum err err;

        *out = (struct delete_topics_response_topic){ .name = request->version >= 6 ? in->topics.items[i].name : in->topic_names.items[i] };
        if (request->version >= 6)
            out->topic_id = in->topics.items[i].topic_id;
        if (order_is_misplaced(request))
            err = ERR_NOT_CONTROLLER;
        else if (is_repeated(answer, i))
            err = err_because(ERR_INVALID_REQUEST, &reason, "Duplicate topic name.");
        else
            err = delete_one(request, out, &offset, &reason);
        if (err == ERR_TOPIC_DELETION_DISABLED && request->version < 3)
            err = ERR_INVALID_REQUEST;
        if (offset > wait)
            wait = offset;
        out->error_code = (int16_t)err;
        out->error_message = order_message(request, err, &reason);
    }
    if (release_is_27(cluster_release(request->cluster)) && some_are(request, STILL_THERE))
        return await_deletions(request);
    return order_reply(request, wait, NULL);
}

void cancel_delete_topics(struct request *request)
{
    struct deletion *deletion = request->state;

    if (request->timer.run == timed_out) /* else it is an order's wait */
        broker_forget_image_wait(request->broker, &deletion->wait);
    else
        order_cancel(request);
}
