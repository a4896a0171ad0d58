/* What all transports share: a task's call over a channel. */
#include "sim/wire/transport.h"

#include <inttypes.h>
#include <string.h>

#include "sim/wire/header.h"

void transport_free(struct transport *transport)
{
    if (transport)
        transport->free(transport);
}

/* ---- opening ---- */

struct opening {
    struct task *task;
    struct timer timer;
    enum err err;
    bool done, late;
};

static void opened(void *context, enum err err)
{
    struct opening *opening = context;

    opening->done = true;
    opening->err = err;
    task_wake(opening->task);
}

static void opening_late(void *context)
{
    struct opening *opening = context;

    opening->late = true;
    task_wake(opening->task);
}

enum err channel_open_wait(struct task *task, struct transport *transport, const char *host, int32_t port, struct channel **out,
                           int64_t timeout_us, struct reason *reason)
{
    struct opening opening = { .task = task, .timer = { .run = opening_late, .context = &opening } };
    struct channel *channel = transport->open(transport, host, port, opened, &opening);
    enum err err;

    *out = NULL;
    if (!opening.done && timeout_us != NEVER_US)
        timer_arm(transport->timers, &opening.timer, timeout_us);
    while (!opening.done && !opening.late)
        if (!task_wait(task))
            break;
    timer_cancel(&opening.timer);
    if (opening.done)
        err = opening.err ? err_because(opening.err, reason, "%s:%" PRId32 " can't be reached", host, port) : ERR_OK;
    else if (opening.late)
        err = err_because(ERR_REQUEST_TIMED_OUT, reason, "%s:%" PRId32 " doesn't answer", host, port);
    else
        err = err_because(ERR_NETWORK_EXCEPTION, reason, "interrupted");
    if (err)
        channel_close(channel);
    else
        *out = channel;
    return err;
}

/* ---- calling ---- */

struct channel_wait {             /* on the heap: an answer may come when nobody waits for it any more */
    struct channel *channel;
    struct task *task;            /* NULL: given up */
    struct timer timer;
    struct arena *arena;
    struct bytes answer;
    enum err err;
    bool done, late;
    struct channel_wait *next;    /* in channel->given_up */
};

static void forget_wait(struct channel_wait *wait)
{
    struct channel_wait **at = &wait->channel->given_up;

    while (*at != wait)
        at = &(*at)->next;
    *at = wait->next;
    mem_free(wait);
}

static void replied(void *context, enum err err, struct bytes answer)
{
    struct channel_wait *wait = context;

    if (!wait->task) {
        forget_wait(wait);
        return;
    }
    wait->done = true;
    wait->err = !err && !answer.data ? ERR_NETWORK_EXCEPTION : err;
    if (!wait->err) {
        wait->answer.data = memcpy(arena_alloc(wait->arena, answer.size), answer.data, answer.size);
        wait->answer.size = answer.size;
    }
    task_wake(wait->task);
}

static void waited_long(void *context)
{
    struct channel_wait *wait = context;

    wait->late = true;
    task_wake(wait->task);
}

void channel_close(struct channel *channel)
{
    if (!channel)
        return;
    while (channel->given_up)
        forget_wait(channel->given_up);
    channel->transport->close(channel);
}

static enum err encode(struct channel *channel, const struct api *api, int16_t version, const char *client_id, const void *in,
                       struct frame *frame, struct reason *reason)
{
    struct request_header header = { api->key, version, ++channel->last_correlation_id, client_id };
    enum err err = request_header_encode(request_header_version(api->request, version), &header, frame, reason);

    return err ? err : fields_encode(api->request, version, in, frame, reason);
}

static enum err decode(const struct api *api, int16_t version, struct bytes answer, struct arena *arena, void **out, struct reason *reason)
{
    struct reader reader = reader_of(answer);
    struct response_header header;
    enum err err = response_header_decode(response_header_version(api->response, version), &reader, &header, reason);

    if (err)
        return err;
    *out = arena_alloc(arena, api->response->size);
    err = fields_decode(api->response, version, &reader, arena, *out, reason);
    if (err)
        *out = NULL;
    return err;
}

enum err channel_call(struct task *task, struct channel *channel, int16_t api_key, int16_t version, const char *client_id,
                      const void *in, struct arena *arena, void **out, int64_t timeout_us, struct reason *reason)
{
    const struct api *api = api_find(api_key);
    struct frame frame = { 0 };
    struct channel_wait *wait;
    enum err err;

    *out = NULL;
    if (!api)
        return err_because(ERR_UNSUPPORTED_VERSION, reason, "API %d is not known here", api_key);
    err = encode(channel, api, version, client_id, in, &frame, reason);
    if (err) {
        frame_done(&frame);
        return err;
    }
    wait = mem_zero(sizeof(*wait));
    *wait = (struct channel_wait){ .channel = channel, .task = task, .arena = arena, .timer = { .run = waited_long, .context = wait } };
    channel->transport->send(channel, &frame, replied, wait);
    if (!wait->done && timeout_us != NEVER_US)
        timer_arm(channel->transport->timers, &wait->timer, timeout_us);
    while (!wait->done && !wait->late)
        if (!task_wait(task))
            break;
    timer_cancel(&wait->timer);
    if (!wait->done) {
        err = wait->late ? err_because(ERR_REQUEST_TIMED_OUT, reason, "%s: no answer in %" PRId64 " ms", api->name, timeout_us / 1000)
                         : err_because(ERR_NETWORK_EXCEPTION, reason, "interrupted");
        wait->task = NULL;
        wait->next = channel->given_up;
        channel->given_up = wait;
        return err;
    }
    err = wait->err ? err_because(wait->err, reason, "%s: the connection was lost", api->name) : decode(api, version, wait->answer, arena, out, reason);
    mem_free(wait);
    return err;
}
