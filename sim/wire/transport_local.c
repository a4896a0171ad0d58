/* The transport in process: a channel is a connection of the wire. A request enters the queue as an event of the present moment,
 * as one from the network does; its answer comes inside that event, or whenever the handler gives it.
 *
 * What a simulated client sends travels over its link to the broker, and back, as over TCP: each request sets out when it is sent, whatever the broker does; the broker
 * takes them one after the other, the next when the answer of the one before has set out. Closed, the channel lives on until what was sent has come in. */
#include "sim/wire/transport.h"

#include <stddef.h>
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

struct local_channel;

/* In the order in which they were sent: of some the answers return, one is served, some are there, some come. */
enum place { COMES, IS_THERE, IS_SERVED, RETURNS };

struct pending {
    struct pending *next;
    struct local_channel *channel;
    enum place place;
    struct network_message message;
    struct frame frame;
    struct buffer flat;           /* for a frame with slices */
    channel_reply *reply;         /* NULL: none is wanted */
    void *context;
    struct frame answer;          /* RETURNS */
    bool answered, close;         /* there is an answer; the broker closed the connection after it */
};

struct local_channel {
    struct channel channel;       /* first */
    struct wire *wire;
    struct connection *connection;/* NULL: refused, or closed by the broker */
    int32_t broker;
    bool travels;                 /* of a simulated client */
    struct pending *first, **last;
    struct event serve;
    bool calling, closed;         /* inside a callback; closed meanwhile */
    struct lingering lingering;   /* closed; `end` NULL: it is not */
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
    network_cancel(&pending->message);
    frame_done(&pending->frame);
    frame_done(&pending->answer);
    buffer_done(&pending->flat);
    mem_free(pending);
}

static void take(struct local_channel *channel, struct pending *pending)
{
    struct pending **at = &channel->first;

    while (*at != pending)
        at = &(*at)->next;
    *at = pending->next;
    if (!*at)
        channel->last = at;
}

static struct pending *in_place(const struct local_channel *channel, enum place place)
{
    struct pending *pending = channel->first;

    while (pending && pending->place != place)
        pending = pending->next;
    return pending;
}

static void be_forgotten(struct local_channel *channel)
{
    struct lingering *lingering = &channel->lingering;

    if (!lingering->end)
        return;
    if (lingering->next)
        lingering->next->previous = lingering->previous;
    if (lingering->previous)
        lingering->previous->next = lingering->next;
    else
        channel->wire->lingering = lingering->next;
    lingering->end = NULL;
}

static void free_channel(struct local_channel *channel)
{
    struct pending *pending;

    be_forgotten(channel);
    event_cancel(channel->wire->queue, &channel->serve);
    while ((pending = channel->first)) {
        take(channel, pending);
        pending_free(pending);
    }
    mem_free(channel);
}

static void close_connection(struct local_channel *channel, const char *why)
{
    if (channel->connection)
        connection_close(channel->connection, why);
    channel->connection = NULL;
}

static void linger_no_more(struct lingering *lingering)
{
    struct local_channel *channel = (struct local_channel *)(void *)((char *)lingering - offsetof(struct local_channel, lingering));

    close_connection(channel, "the client closed it");
    free_channel(channel);
}

static void serve_next(struct local_channel *channel);

/* Something that was sent is to come in: it is on its way, or behind one that a fault delays or holds. What is behind a request that waits for its answer is not. */
static bool more_comes_in(const struct local_channel *channel)
{
    const struct gate *gate = &channel->connection->gate;
    bool stopped_by_fault = gate->at == GATE_DELAYED || (gate->at == GATE_HELD && !gate->swallowed);

    return in_place(channel, COMES) || (in_place(channel, IS_THERE) && (stopped_by_fault || !connection_busy(channel->connection)));
}

/* Its client has closed it. */
static void leave(struct local_channel *channel)
{
    struct lingering *lingering = &channel->lingering;

    if (!channel->connection || !more_comes_in(channel)) {
        linger_no_more(lingering);
        return;
    }
    if (!lingering->end) {
        *lingering = (struct lingering){ .end = linger_no_more, .next = channel->wire->lingering };
        if (lingering->next)
            lingering->next->previous = lingering;
        channel->wire->lingering = lingering;
    }
    serve_next(channel);
}

static void serve_next(struct local_channel *channel)
{
    bool due = channel->connection ? in_place(channel, IS_THERE) && !connection_busy(channel->connection) : channel->first && !in_place(channel, RETURNS);

    if (due)
        event_at(channel->wire->queue, &channel->serve, queue_now_us(channel->wire->queue));
}

/* Tells the caller, who may close the channel meanwhile; false: it did, and the channel is none of ours any more. */
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
        leave(channel);
        return false;
    }
    return true;
}

static void broken(struct local_channel *channel)
{
    bool outer = channel->calling;
    struct pending *pending;

    channel->calling = true;
    while (!channel->closed && (pending = channel->first)) {
        take(channel, pending);
        tell(channel, pending, ERR_NETWORK_EXCEPTION, (struct bytes){ 0 });
    }
    channel->calling = outer;
    if (channel->closed && !outer)
        leave(channel);
}

/* The answer is at the client. */
static void hand_over(struct pending *pending)
{
    struct local_channel *channel = pending->channel;
    struct buffer flat = { 0 };
    struct bytes bytes = { 0 };
    enum err err = pending->answered || !pending->close ? ERR_OK : ERR_NETWORK_EXCEPTION;
    bool there, close = pending->close;

    take(channel, pending);
    if (pending->answered && pending->answer.slice_count) {
        err = frame_flatten(&pending->answer, &flat, NULL);
        bytes = err ? (struct bytes){ 0 } : buffer_bytes(&flat);
    } else if (pending->answered) {
        bytes = buffer_bytes(&pending->answer.bytes);
    }
    there = tell(channel, pending, err, bytes);
    buffer_done(&flat);
    if (there && close)
        broken(channel);
    else if (there)
        serve_next(channel);
}

static bool is_far(const struct local_channel *channel, int32_t from, int32_t to)
{
    return channel->travels && !network_is_direct(channel->wire->cluster, from, to);
}

static void arrived(void *context)
{
    struct pending *pending = context;

    if (pending->place == RETURNS) {
        hand_over(pending);
    } else {
        pending->place = IS_THERE;
        if (pending->channel->closed)
            leave(pending->channel);
        else
            serve_next(pending->channel);
    }
}

static void set_out(struct pending *pending, enum place place, int32_t from, int32_t to, const struct frame *frame)
{
    pending->place = place;
    pending->message.run = arrived;
    pending->message.context = pending;
    network_send(pending->channel->wire->cluster, from, to, &pending->message, frame_size(frame) + 4);
}

static void on_reply(void *context, struct frame *answer, bool close)
{
    struct local_channel *channel = context;
    struct pending *pending = in_place(channel, IS_SERVED);
    bool follows = in_place(channel, RETURNS) != NULL; /* one after the other, whatever the link is by now */

    pending->answered = answer;
    pending->close = close;
    if (answer) {
        pending->answer = *answer;
        *answer = (struct frame){ 0 };
    }
    if (close)
        close_connection(channel, "the broker closed it");
    if (!pending->reply || !(answer || close) || !(follows || is_far(channel, channel->broker, NETWORK_CLIENTS))) {
        hand_over(pending);
        return;
    }
    set_out(pending, RETURNS, channel->broker, NETWORK_CLIENTS, &pending->answer);
    if (channel->connection)
        serve_next(channel);
}

static void serve(void *context)
{
    struct local_channel *channel = context;
    struct pending *pending = in_place(channel, IS_THERE);

    if (!channel->connection) {
        broken(channel);
        return;
    }
    if (channel->travels && network_frozen(channel->wire->cluster, channel->broker)) {
        event_put_off(channel->wire->queue, &channel->serve, channel->broker);
        return;
    }
    if (!pending || connection_busy(channel->connection))
        return;
    pending->place = IS_SERVED;
    channel->calling = true;
    connection_request(channel->connection, pending->flat.size ? buffer_bytes(&pending->flat) : buffer_bytes(&pending->frame.bytes), on_reply, channel);
    channel->calling = false;
    if (channel->closed)
        leave(channel);
}

static void on_lost(void *context, int64_t number, bool reset)
{
    struct local_channel *channel = context;

    (void)number, (void)reset;
    channel->connection = NULL;
    event_at(channel->wire->queue, &channel->serve, queue_now_us(channel->wire->queue));
}

static struct channel *local_open(struct transport *transport, const char *host, int32_t port, void (*opened)(void *, enum err), void *context)
{
    struct local *local = (struct local *)transport;
    struct broker *broker = broker_at(local->wire, host, port);
    struct local_channel *channel = mem_zero(sizeof(*channel));
    bool guest = wire_has_guests_only(local->wire) && !local->simulated;

    channel->channel.transport = transport;
    channel->wire = local->wire;
    channel->travels = local->simulated;
    channel->last = &channel->first;
    channel->serve = (struct event){ .run = serve, .context = channel, .outside = !local->simulated };
    if (broker)
        channel->broker = broker_id(broker);
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
    bool follows = in_place(channel, COMES) != NULL;

    pending->channel = channel;
    pending->frame = *frame;
    *frame = (struct frame){ 0 };
    pending->reply = reply;
    pending->context = context;
    if (pending->frame.slice_count)
        frame_flatten(&pending->frame, &pending->flat, NULL);
    *channel->last = pending;
    channel->last = &pending->next;
    pending->place = IS_THERE;
    if (channel->connection && (follows || is_far(channel, NETWORK_CLIENTS, channel->broker)))
        set_out(pending, COMES, NETWORK_CLIENTS, channel->broker, &pending->frame);
    serve_next(channel);
}

static void expect_none(struct channel *channel, struct frame *frame)
{
    add(channel, frame, NULL, NULL);
}

static void local_close(struct channel *at)
{
    struct local_channel *channel = (struct local_channel *)at;

    channel->closed = true;
    for (struct pending *pending = channel->first; pending; pending = pending->next) {
        pending->reply = NULL;
        if (pending->place == RETURNS)
            network_cancel(&pending->message);
    }
    if (!channel->calling)
        leave(channel);
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
