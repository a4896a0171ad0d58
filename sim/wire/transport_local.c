/* The transport in process: a channel is a connection of the wire. A request enters the queue as an event of the present moment,
 * as one from the network does; its answer comes inside that event, or whenever the handler gives it. */
#include "sim/wire/transport.h"

#include <string.h>

#include "sim/wire/wire_internal.h"

enum { USUAL_PORT = 9092 };

struct local {
    struct transport transport;   /* first */
    struct wire *wire;
    char *client_host;
    int32_t last_port;            /* a made-up port for each connection */
    bool simulated;
};

struct pending {
    struct pending *next;
    struct frame frame;
    struct buffer flat;           /* for a frame with slices */
    channel_reply *reply;         /* NULL: none is wanted */
    void *context;
};

struct local_channel {
    struct channel channel;       /* first */
    struct connection *connection;/* NULL: refused, or closed by the broker */
    struct pending *first, **last;/* the first may be under way */
    struct event serve;
    bool calling, closed;         /* inside a callback; closed meanwhile */
};

/* ---- addresses ---- */

static bool is_here(const char *host)
{
    static const char *const names[] = { "localhost", "127.0.0.1", "::1", "[::1]" };

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (!strcmp(host, names[i]))
            return true;
    return false;
}

static struct broker *broker_at(const struct wire *wire, const char *host, int32_t port)
{
    const struct image *image = cluster_image(wire->cluster);
    size_t count = cluster_broker_count(wire->cluster);

    for (size_t i = 0; i < count; i++) {
        struct broker *broker = cluster_broker_at(wire->cluster, i);
        const struct image_broker *known = image_broker(image, broker_id(broker));

        if (broker_port(broker) == port && (is_here(host) || (known && !strcmp(known->host, host))))
            return broker;
    }
    for (size_t i = 0; i < count; i++) { /* as pasted from a course, wherever the lab listens */
        struct broker *broker = cluster_broker_at(wire->cluster, i);
        const struct image_broker *known = image_broker(image, broker_id(broker));

        if (port == USUAL_PORT + (int32_t)i && (is_here(host) || (known && !strcmp(known->host, host))))
            return broker;
    }
    return NULL;
}

bool transport_local_knows(const struct wire *wire, const char *host, int32_t port)
{
    return broker_at(wire, host, port) != NULL;
}

/* ---- channels ---- */

static void pending_free(struct pending *pending)
{
    frame_done(&pending->frame);
    buffer_done(&pending->flat);
    mem_free(pending);
}

static struct pending *take_first(struct local_channel *channel)
{
    struct pending *pending = channel->first;

    channel->first = pending->next;
    if (!channel->first)
        channel->last = &channel->first;
    return pending;
}

static void free_channel(struct local_channel *channel)
{
    while (channel->first)
        pending_free(take_first(channel));
    mem_free(channel);
}

static void serve_next(struct local_channel *channel)
{
    if (channel->first && !(channel->connection && connection_busy(channel->connection)))
        event_at(((struct local *)channel->channel.transport)->wire->queue, &channel->serve,
                 queue_now_us(((struct local *)channel->channel.transport)->wire->queue));
}

/* Tells the caller, who may close the channel meanwhile; false: it did, and the channel is gone. */
static bool tell(struct local_channel *channel, struct pending *pending, enum err err, struct bytes bytes)
{
    if (pending->reply) {
        bool outer = channel->calling;

        channel->calling = true;
        pending->reply(pending->context, err, bytes);
        channel->calling = outer;
    }
    pending_free(pending);
    if (channel->closed && !channel->calling) {
        free_channel(channel);
        return false;
    }
    return true;
}

static void broken(struct local_channel *channel)
{
    bool outer = channel->calling;

    channel->calling = true;
    while (!channel->closed && channel->first)
        tell(channel, take_first(channel), ERR_NETWORK_EXCEPTION, (struct bytes){ 0 });
    channel->calling = outer;
    if (channel->closed && !outer)
        free_channel(channel);
}

static void on_reply(void *context, struct frame *answer, bool close)
{
    struct local_channel *channel = context;
    struct pending *pending = take_first(channel);
    struct buffer flat = { 0 };
    struct bytes bytes = { 0 };
    enum err err = ERR_OK;
    bool there;

    if (answer && answer->slice_count) {
        err = frame_flatten(answer, &flat, NULL);
        bytes = err ? (struct bytes){ 0 } : buffer_bytes(&flat);
    } else if (answer) {
        bytes = buffer_bytes(&answer->bytes);
    }
    if (close) {
        connection_close(channel->connection, "the broker closed it");
        channel->connection = NULL;
    }
    if (!answer && close)
        err = ERR_NETWORK_EXCEPTION;
    there = tell(channel, pending, err, bytes);
    buffer_done(&flat);
    if (there && close)
        broken(channel);
    else if (there)
        serve_next(channel);
}

static void serve(void *context)
{
    struct local_channel *channel = context;

    if (!channel->connection) {
        broken(channel);
        return;
    }
    if (!channel->first || connection_busy(channel->connection))
        return;
    connection_request(channel->connection,
                       channel->first->flat.size ? buffer_bytes(&channel->first->flat) : buffer_bytes(&channel->first->frame.bytes),
                       on_reply, channel);
}

static void on_lost(void *context, int64_t number, bool reset)
{
    struct local_channel *channel = context;

    (void)number, (void)reset;
    channel->connection = NULL;
    event_at(((struct local *)channel->channel.transport)->wire->queue, &channel->serve,
             queue_now_us(((struct local *)channel->channel.transport)->wire->queue));
}

static struct channel *local_open(struct transport *transport, const char *host, int32_t port, void (*opened)(void *, enum err), void *context)
{
    struct local *local = (struct local *)transport;
    struct broker *broker = broker_at(local->wire, host, port);
    struct local_channel *channel = mem_zero(sizeof(*channel));
    bool guest = wire_has_guests_only(local->wire) && !local->simulated;

    channel->channel.transport = transport;
    channel->last = &channel->first;
    channel->serve = (struct event){ .run = serve, .context = channel, .outside = !local->simulated };
    if (broker && broker_up(broker))
        channel->connection = connection_open(local->wire, &(struct connection_options){
            .broker = broker_id(broker), .client_host = local->client_host, .client_port = ++local->last_port,
            .timers = guest ? wire_guest_timers(local->wire) : wire_virtual_timers(local->wire),
            .guest = guest, .simulated = local->simulated, .may_change_requests = local->simulated,
            .lost = on_lost, .lost_context = channel,
        });
    opened(context, channel->connection ? ERR_OK : ERR_BROKER_NOT_AVAILABLE);
    return &channel->channel;
}

static void add(struct channel *at, struct frame *frame, channel_reply *reply, void *context)
{
    struct local_channel *channel = (struct local_channel *)at;
    struct pending *pending = mem_zero(sizeof(*pending));

    pending->frame = *frame;
    *frame = (struct frame){ 0 };
    pending->reply = reply;
    pending->context = context;
    if (pending->frame.slice_count)
        frame_flatten(&pending->frame, &pending->flat, NULL);
    *channel->last = pending;
    channel->last = &pending->next;
    serve_next(channel);
}

static void expect_none(struct channel *channel, struct frame *frame)
{
    add(channel, frame, NULL, NULL);
}

static void local_close(struct channel *at)
{
    struct local_channel *channel = (struct local_channel *)at;

    event_cancel(((struct local *)at->transport)->wire->queue, &channel->serve);
    if (channel->connection)
        connection_close(channel->connection, "the client closed it");
    channel->connection = NULL;
    channel->closed = true;
    if (!channel->calling)
        free_channel(channel);
}

static void local_free(struct transport *transport)
{
    mem_free(((struct local *)transport)->client_host);
    mem_free(transport);
}

struct transport *transport_local(struct wire *wire, struct timers *timers, const char *client_host)
{
    struct local *local = mem_zero(sizeof(*local));

    local->transport = (struct transport){ .open = local_open, .send = add, .expect_none = expect_none, .close = local_close,
                                           .free = local_free, .timers = timers };
    local->wire = wire;
    local->client_host = mem_text(client_host);
    local->last_port = 49151; /* the first ephemeral port is the next */
    return &local->transport;
}

struct transport *transport_simulated(struct wire *wire, struct timers *timers, const char *client_host)
{
    struct transport *transport = transport_local(wire, timers, client_host);

    ((struct local *)transport)->simulated = true;
    return transport;
}
