/* A transport around the lab's own whose connections break when told to. */
#include "tests/seeds/transport.h"

struct fragile {
    struct transport transport;        /* first */
    struct transport *inner;
    struct queue *queue;
    struct fragile_channel *channels;
};
struct call {
    struct call *next;
    struct fragile_channel *channel;
    channel_reply *reply;
    void *context;
};
struct fragile_channel {
    struct channel channel;            /* first */
    struct channel *inner;             /* NULL: it is broken */
    struct call *first, **last;        /* in the order in which answers come */
    struct event tell;
    bool calling, closed;
    struct fragile_channel *next;
};

static struct fragile *fragile_of(const struct fragile_channel *channel)
{
    return (struct fragile *)channel->channel.transport;
}

static struct call *take_first(struct fragile_channel *channel)
{
    struct call *call = channel->first;

    channel->first = call->next;
    if (!channel->first)
        channel->last = &channel->first;
    return call;
}

static void free_channel(struct fragile_channel *channel)
{
    while (channel->first)
        mem_free(take_first(channel));
    mem_free(channel);
}

/* False: the channel is gone. */
static bool answer(struct fragile_channel *channel, enum err err, struct bytes bytes)
{
    struct call *call = take_first(channel);
    bool outer = channel->calling;

    channel->calling = true;
    call->reply(call->context, err, bytes);
    channel->calling = outer;
    mem_free(call);
    if (!channel->closed || outer)
        return !channel->closed;
    free_channel(channel);
    return false;
}

static void on_reply(void *context, enum err err, struct bytes bytes)
{
    answer(((struct call *)context)->channel, err, bytes);
}

static void tell_broken(void *context)
{
    struct fragile_channel *channel = context;

    while (channel->first && answer(channel, ERR_NETWORK_EXCEPTION, (struct bytes){ 0 }))
        ;
}

static void tell_soon(struct fragile_channel *channel)
{
    event_at(fragile_of(channel)->queue, &channel->tell, queue_now_us(fragile_of(channel)->queue));
}

static struct channel *fragile_open(struct transport *transport, const char *host, int32_t port, void (*opened)(void *, enum err), void *context)
{
    struct fragile *fragile = (struct fragile *)transport;
    struct fragile_channel *channel = mem_zero(sizeof(*channel));

    channel->channel.transport = transport;
    channel->last = &channel->first;
    channel->tell = (struct event){ .run = tell_broken, .context = channel, .outside = true };
    channel->next = fragile->channels;
    fragile->channels = channel;
    channel->inner = fragile->inner->open(fragile->inner, host, port, opened, context);
    return &channel->channel;
}

static void fragile_send(struct channel *at, struct frame *frame, channel_reply *reply, void *context)
{
    struct fragile_channel *channel = (struct fragile_channel *)at;
    struct call *call = mem_zero(sizeof(*call));

    *call = (struct call){ .channel = channel, .reply = reply, .context = context };
    *channel->last = call;
    channel->last = &call->next;
    if (channel->inner) {
        channel->inner->transport->send(channel->inner, frame, on_reply, call);
    } else {
        frame_done(frame);
        tell_soon(channel);
    }
}

static void fragile_expect_none(struct channel *at, struct frame *frame)
{
    struct fragile_channel *channel = (struct fragile_channel *)at;

    if (channel->inner)
        channel->inner->transport->expect_none(channel->inner, frame);
    else
        frame_done(frame);
}

static void fragile_close(struct channel *at)
{
    struct fragile_channel *channel = (struct fragile_channel *)at, **place = &fragile_of(channel)->channels;

    while (*place != channel)
        place = &(*place)->next;
    *place = channel->next;
    event_cancel(fragile_of(channel)->queue, &channel->tell);
    if (channel->inner)
        channel->inner->transport->close(channel->inner);
    channel->inner = NULL;
    channel->closed = true;
    if (!channel->calling)
        free_channel(channel);
}

static void fragile_free(struct transport *transport)
{
    transport_free(((struct fragile *)transport)->inner);
    mem_free(transport);
}

static bool fragile_resolve(struct transport *transport, const char *host, char *address, size_t size)
{
    struct transport *inner = ((struct fragile *)transport)->inner;

    return !inner->resolve || inner->resolve(inner, host, address, size);
}

struct transport *fragile_transport(struct lab *lab)
{
    struct fragile *fragile = mem_zero(sizeof(*fragile));

    fragile->inner = lab_transport(lab, "127.0.0.1");
    fragile->queue = lab_queue(lab);
    fragile->transport = (struct transport){ .open = fragile_open, .send = fragile_send, .expect_none = fragile_expect_none, .close = fragile_close,
                                             .free = fragile_free, .resolve = fragile_resolve, .timers = fragile->inner->timers };
    return &fragile->transport;
}

void fragile_break(struct transport *transport)
{
    struct fragile *fragile = (struct fragile *)transport;

    for (struct fragile_channel *channel = fragile->channels; channel; channel = channel->next) {
        if (!channel->inner)
            continue;
        channel->inner->transport->close(channel->inner);
        channel->inner = NULL;
        tell_soon(channel);
    }
}
