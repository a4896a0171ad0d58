/* A client's transport over TCP. What it is told goes to its owner at once: the owner is a tool, no part of a lab. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sim/base/mem.h"
#include "sim/net/frames.h"
#include "sim/net/net.h"

enum {
    MOST_ADDRESSES = 8,
    MOST_ANSWER_BYTES = 1 << 30,
    CONNECT_TIMEOUT_US = 10000000,  /* socket.connection.setup.timeout.ms */
};

struct tcp {
    struct transport transport; /* first */
    uv_loop_t *loop;
};

struct awaited { /* a reply */
    channel_reply *reply;
    void *context;
};

struct tcp_channel {
    struct channel channel; /* first */
    uv_loop_t *loop;
    uv_poll_t *poll;        /* NULL: no socket now; it owns nothing but itself */
    uv_getaddrinfo_t *lookup;
    int fd, watched;
    struct sockaddr_storage addresses[MOST_ADDRESSES];
    int address_count, next_address, last_errno;
    void (*opened)(void *context, enum err err);
    void *opened_context;
    struct timer timeout;   /* of connecting */
    bool connected, closed, broken;
    int using;              /* callbacks on the stack: memory stays */
    struct incoming incoming;
    struct outgoing *first, **last;
    struct awaited *awaited;
    size_t awaited_from, awaited_count, awaited_capacity;
};

static void try_next(struct tcp_channel *channel);
static void look_out(struct tcp_channel *channel);

/* ---- names ---- */

static bool add_address(struct tcp_channel *channel, const struct sockaddr *address, int32_t port)
{
    struct sockaddr_storage *to = &channel->addresses[channel->address_count];

    if (channel->address_count == MOST_ADDRESSES || (address->sa_family != AF_INET && address->sa_family != AF_INET6))
        return false;
    memcpy(to, address, address->sa_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
    ((struct sockaddr_in *)to)->sin_port = htons((uint16_t)port);
    channel->address_count++;
    return true;
}

/* Addresses that need nobody to be asked. localhost: IPv4 first, as Java takes it. */
static bool known_address(struct tcp_channel *channel, const char *host, int32_t port)
{
    struct sockaddr_in v4 = { .sin_family = AF_INET };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
    bool local = !strcmp(host, "localhost");

    if (inet_pton(AF_INET, local ? "127.0.0.1" : host, &v4.sin_addr) == 1)
        add_address(channel, (struct sockaddr *)&v4, port);
    if (inet_pton(AF_INET6, local ? "::1" : host, &v6.sin6_addr) == 1)
        add_address(channel, (struct sockaddr *)&v6, port);
    return channel->address_count > 0;
}

static bool resolve(struct transport *transport, const char *host, char *address, size_t size)
{
    struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM }, *found = NULL;
    struct tcp_channel known = { .fd = -1 };
    bool ok;

    (void)transport;
    if (!known_address(&known, host, 0)) {
        if (getaddrinfo(host, NULL, &hints, &found) || !found)
            return false;
        add_address(&known, found->ai_addr, 0);
        freeaddrinfo(found);
    }
    if (!known.address_count)
        return false;
    if (known.addresses[0].ss_family == AF_INET)
        ok = inet_ntop(AF_INET, &((struct sockaddr_in *)&known.addresses[0])->sin_addr, address, (socklen_t)size) != NULL;
    else
        ok = inet_ntop(AF_INET6, &((struct sockaddr_in6 *)&known.addresses[0])->sin6_addr, address, (socklen_t)size) != NULL;
    return ok;
}

/* ---- an end ---- */

static void free_handle(uv_handle_t *handle)
{
    mem_free(handle);
}

static void drop_socket(struct tcp_channel *channel)
{
    if (!channel->poll)
        return;
    channel->poll->data = NULL;
    uv_close((uv_handle_t *)channel->poll, free_handle);
    channel->poll = NULL;
    close(channel->fd);
    channel->fd = -1;
    channel->watched = 0;
}

static void release(struct tcp_channel *channel)
{
    if (!channel->closed || channel->using)
        return;
    mem_free(channel->awaited);
    mem_free(channel);
}

static void drop_outgoing(struct tcp_channel *channel)
{
    for (struct outgoing *next; channel->first; channel->first = next) {
        next = channel->first->next;
        outgoing_done(channel->first);
        mem_free(channel->first);
    }
    channel->last = &channel->first;
}

static void tell_opened(struct tcp_channel *channel, enum err err)
{
    void (*opened)(void *, enum err) = channel->opened;

    timer_cancel(&channel->timeout);
    channel->opened = NULL;
    if (opened)
        opened(channel->opened_context, err);
}

/* The connection is gone: whoever waits for an answer hears it. */
static void break_off(struct tcp_channel *channel)
{
    channel->broken = true;
    channel->connected = false;
    drop_socket(channel);
    drop_outgoing(channel);
    incoming_done(&channel->incoming);
    channel->using++;
    while (!channel->closed && channel->awaited_from < channel->awaited_count) {
        struct awaited awaited = channel->awaited[channel->awaited_from++];

        awaited.reply(awaited.context, ERR_NETWORK_EXCEPTION, (struct bytes){ 0 });
    }
    channel->using--;
    release(channel);
}

/* ---- connecting ---- */

static enum err connect_error(const struct tcp_channel *channel)
{
    if (channel->last_errno == ETIMEDOUT)
        return ERR_REQUEST_TIMED_OUT;
    return channel->last_errno == ECONNREFUSED ? ERR_BROKER_NOT_AVAILABLE : ERR_NETWORK_EXCEPTION;
}

static void give_up(struct tcp_channel *channel)
{
    channel->broken = true;
    channel->using++;
    tell_opened(channel, connect_error(channel));
    if (!channel->closed)
        break_off(channel);
    channel->using--;
    release(channel);
}

static void finish_connect(struct tcp_channel *channel)
{
    int error = 0;
    socklen_t size = sizeof(error);

    getsockopt(channel->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) {
        channel->last_errno = error;
        drop_socket(channel);
        try_next(channel);
        return;
    }
    channel->connected = true;
    channel->using++;
    tell_opened(channel, ERR_OK);
    channel->using--;
    if (channel->closed)
        release(channel);
    else
        look_out(channel);
}

static void read_answers(struct tcp_channel *channel)
{
    enum io io = incoming_read(&channel->incoming, channel->fd, NULL);
    struct received received;
    int32_t size;

    while (!channel->closed && incoming_take(&channel->incoming, &received, NULL)) {
        struct awaited awaited;

        if (channel->awaited_from == channel->awaited_count) { /* an answer to nothing */
            received_done(&received, NULL);
            io = IO_BROKEN;
            break;
        }
        awaited = channel->awaited[channel->awaited_from++];
        if (channel->awaited_from == channel->awaited_count)
            channel->awaited_from = channel->awaited_count = 0;
        awaited.reply(awaited.context, ERR_OK, received.frame);
        received_done(&received, NULL);
    }
    if (channel->closed)
        return;
    if (incoming_announced(&channel->incoming, &size) && (size < 0 || size > MOST_ANSWER_BYTES))
        io = IO_BROKEN;
    if (io == IO_END || io == IO_BROKEN)
        break_off(channel);
}

static void send_requests(struct tcp_channel *channel)
{
    while (channel->first) {
        struct outgoing *outgoing = channel->first;
        enum io io = outgoing_send(outgoing, channel->fd);

        if (io == IO_AGAIN)
            return;
        if (io != IO_DONE) {
            break_off(channel);
            return;
        }
        channel->first = outgoing->next;
        if (!channel->first)
            channel->last = &channel->first;
        outgoing_done(outgoing);
        mem_free(outgoing);
    }
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct tcp_channel *channel = poll->data;

    if (!channel)
        return;
    channel->using++;
    if (status < 0)
        events = UV_READABLE | UV_WRITABLE;
    if (!channel->connected) {
        finish_connect(channel);
    } else {
        if (events & UV_WRITABLE)
            send_requests(channel);
        if (!channel->closed && channel->connected && (events & UV_READABLE))
            read_answers(channel);
    }
    if (!channel->closed)
        look_out(channel);
    channel->using--;
    release(channel);
}

static void look_out(struct tcp_channel *channel)
{
    int watch = channel->connected ? UV_READABLE | (channel->first ? UV_WRITABLE : 0) : UV_WRITABLE;

    if (!channel->poll || watch == channel->watched)
        return;
    channel->watched = watch;
    uv_poll_start(channel->poll, watch, on_ready);
}

static void try_next(struct tcp_channel *channel)
{
    while (channel->next_address < channel->address_count) {
        const struct sockaddr_storage *address = &channel->addresses[channel->next_address++];
        int one = 1;

        channel->fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (channel->fd < 0) {
            channel->last_errno = errno;
            continue;
        }
        setsockopt(channel->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        if (connect(channel->fd, (const struct sockaddr *)address, address->ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6))
            && errno != EINPROGRESS) {
            channel->last_errno = errno;
            close(channel->fd);
            continue;
        }
        channel->poll = mem_zero(sizeof(*channel->poll));
        uv_poll_init(channel->loop, channel->poll, channel->fd);
        channel->poll->data = channel;
        look_out(channel);
        return;
    }
    give_up(channel);
}

static void on_connect_timeout(void *context)
{
    struct tcp_channel *channel = context;

    channel->last_errno = ETIMEDOUT;
    channel->next_address = channel->address_count;
    if (channel->lookup) {
        uv_cancel((uv_req_t *)channel->lookup);
        channel->lookup->data = NULL;
        channel->lookup = NULL;
    }
    drop_socket(channel);
    give_up(channel);
}

static void on_lookup(uv_getaddrinfo_t *lookup, int status, struct addrinfo *found)
{
    struct tcp_channel *channel = lookup->data;

    if (channel) {
        int32_t port = ntohs(((struct sockaddr_in *)&channel->addresses[0])->sin_port);

        channel->lookup = NULL;
        channel->last_errno = EHOSTUNREACH;
        for (struct addrinfo *at = status ? NULL : found; at; at = at->ai_next)
            add_address(channel, at->ai_addr, port);
        try_next(channel);
    }
    uv_freeaddrinfo(found);
    mem_free(lookup);
}

static struct channel *tcp_open(struct transport *transport, const char *host, int32_t port, void (*opened)(void *, enum err), void *context)
{
    struct tcp *tcp = (struct tcp *)transport;
    struct tcp_channel *channel = mem_zero(sizeof(*channel));
    struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };

    channel->channel.transport = transport;
    channel->loop = tcp->loop;
    channel->fd = -1;
    channel->last = &channel->first;
    channel->opened = opened;
    channel->opened_context = context;
    channel->last_errno = ECONNREFUSED;
    channel->timeout.context = channel;
    channel->timeout.run = on_connect_timeout;
    timer_arm(transport->timers, &channel->timeout, CONNECT_TIMEOUT_US);
    if (known_address(channel, host, port)) {
        try_next(channel);
        return &channel->channel;
    }
    ((struct sockaddr_in *)&channel->addresses[0])->sin_port = htons((uint16_t)port); /* kept there until the addresses come */
    channel->lookup = mem_zero(sizeof(*channel->lookup));
    channel->lookup->data = channel;
    if (uv_getaddrinfo(tcp->loop, channel->lookup, on_lookup, host, NULL, &hints)) {
        mem_free(channel->lookup);
        channel->lookup = NULL;
        channel->last_errno = EHOSTUNREACH;
        give_up(channel);
    }
    return &channel->channel;
}

/* ---- using ---- */

static void put_out(struct tcp_channel *channel, struct frame *frame)
{
    struct outgoing *outgoing = mem_alloc(sizeof(*outgoing));

    outgoing_init(outgoing, frame);
    *channel->last = outgoing;
    channel->last = &outgoing->next;
    look_out(channel);
}

static void tcp_send(struct channel *base, struct frame *frame, channel_reply *reply, void *context)
{
    struct tcp_channel *channel = (struct tcp_channel *)base;

    if (channel->broken) {
        frame_done(frame);
        *frame = (struct frame){ 0 };
        reply(context, ERR_NETWORK_EXCEPTION, (struct bytes){ 0 });
        return;
    }
    if (channel->awaited_from > 64 && channel->awaited_from * 2 > channel->awaited_count) {
        channel->awaited_count -= channel->awaited_from;
        memmove(channel->awaited, channel->awaited + channel->awaited_from, channel->awaited_count * sizeof(*channel->awaited));
        channel->awaited_from = 0;
    }
    ARRAY_ADD(channel->awaited, channel->awaited_count, channel->awaited_capacity) = (struct awaited){ reply, context };
    put_out(channel, frame);
}

static void tcp_expect_none(struct channel *base, struct frame *frame)
{
    struct tcp_channel *channel = (struct tcp_channel *)base;

    if (channel->broken) {
        frame_done(frame);
        *frame = (struct frame){ 0 };
        return;
    }
    put_out(channel, frame);
}

/* What was sent without wanting an answer still goes out, as far as the socket takes it now. */
static void tcp_close(struct channel *base)
{
    struct tcp_channel *channel = (struct tcp_channel *)base;

    if (channel->closed)
        return;
    timer_cancel(&channel->timeout);
    channel->using++;
    channel->awaited_from = channel->awaited_count = 0;
    if (channel->connected && channel->first)
        send_requests(channel);
    channel->using--;
    channel->closed = true;
    if (channel->lookup) {
        uv_cancel((uv_req_t *)channel->lookup);
        channel->lookup->data = NULL;
    }
    drop_socket(channel);
    drop_outgoing(channel);
    incoming_done(&channel->incoming);
    release(channel);
}

static void tcp_free(struct transport *transport)
{
    mem_free(transport);
}

struct transport *transport_tcp(uv_loop_t *loop, struct timers *wall)
{
    struct tcp *tcp = mem_zero(sizeof(*tcp));

    tcp->transport = (struct transport){ .open = tcp_open, .send = tcp_send, .expect_none = tcp_expect_none, .close = tcp_close,
                                         .free = tcp_free, .resolve = resolve, .timers = wall };
    tcp->loop = loop;
    return &tcp->transport;
}
