/* A client at the other end of an accepted connection: its requests one after the other into the broker, the answers back. As a broker mutes a
 * channel, the next request is served only after the answer before it is on its way; what comes meanwhile is read up to a bound. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sim/base/mem.h"
#include "sim/net/net_internal.h"

enum {
    MOST_REQUEST_BYTES = 104857600, /* socket.request.max.bytes, as both releases ship it */
    READ_AHEAD_BYTES = 256 * 1024,  /* while a request is in the broker */
    MOST_READS = 16,                /* in a row, before others get their turn */
};

static void look_out(struct peer *peer);

/* ---- addresses ---- */

static void address_text(const struct sockaddr_storage *address, char out[HOST_TEXT], int32_t *port, bool *loopback)
{
    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;

        inet_ntop(AF_INET, &v4->sin_addr, out, HOST_TEXT);
        *port = ntohs(v4->sin_port);
        *loopback = (ntohl(v4->sin_addr.s_addr) >> 24) == 127;
    } else {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;

        *port = ntohs(v6->sin6_port);
        *loopback = IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
        if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
            inet_ntop(AF_INET, &v6->sin6_addr.s6_addr[12], out, HOST_TEXT);
            *loopback = v6->sin6_addr.s6_addr[12] == 127;
        } else {
            inet_ntop(AF_INET6, &v6->sin6_addr, out, HOST_TEXT);
        }
    }
}

/* --advertised-host auto: a client is told the address at which it came, for loopback the name that every course uses. */
static void name_ends(struct peer *peer)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof(address);
    int32_t local_port;
    bool loopback = false;

    snprintf(peer->host, sizeof(peer->host), "unknown");
    if (!getpeername(peer->fd, (struct sockaddr *)&address, &size))
        address_text(&address, peer->host, &peer->port, &loopback);
    size = sizeof(address);
    snprintf(peer->local_host, sizeof(peer->local_host), "localhost");
    if (!getsockname(peer->fd, (struct sockaddr *)&address, &size)) {
        address_text(&address, peer->local_host, &local_port, &loopback);
        if (loopback)
            snprintf(peer->local_host, sizeof(peer->local_host), "localhost");
    }
}

/* ---- what is no Kafka ---- */

static const struct { const char *start; size_t size; const char *what; } strangers[] = {
    { "GET ", 4, "an HTTP request (GET)" },
    { "POST", 4, "an HTTP request (POST)" },
    { "HEAD", 4, "an HTTP request (HEAD)" },
    { "PUT ", 4, "an HTTP request (PUT)" },
    { "DELE", 4, "an HTTP request (DELETE)" },
    { "OPTI", 4, "an HTTP request (OPTIONS)" },
    { "CONN", 4, "an HTTP request (CONNECT)" },
    { "PRI ", 4, "the start of HTTP/2" },
    { "\x16\x03", 2, "a TLS handshake; this port speaks Kafka without encryption (security.protocol=PLAINTEXT)" },
    { "SSH-", 4, "an SSH greeting" },
};

static void describe_stranger(struct bytes bytes, struct text *out)
{
    size_t shown = bytes.size < 16 ? bytes.size : 16;
    int32_t size = get_i32(bytes.data);
    bool printable = true;

    for (size_t i = 0; i < sizeof(strangers) / sizeof(*strangers); i++) {
        if (bytes.size >= strangers[i].size && !memcmp(bytes.data, strangers[i].start, strangers[i].size)) {
            text_add(out, strangers[i].what);
            return;
        }
    }
    for (size_t i = 0; i < 4; i++)
        printable = printable && ((bytes.data[i] >= 0x20 && bytes.data[i] < 0x7f) || bytes.data[i] == '\r' || bytes.data[i] == '\n');
    if (printable) {
        text_add(out, "text (\"");
        text_escaped(out, (struct bytes){ bytes.data, shown });
        text_add(out, "\")");
    } else if (size < 0) {
        text_printf(out, "a request of %d bytes", size);
    } else {
        text_printf(out, "a request of %d bytes; at most %d are taken (socket.request.max.bytes)", size, MOST_REQUEST_BYTES);
    }
}

static void refuse(struct peer *peer)
{
    char client[HOST_TEXT + 16];
    struct text text = { 0 };

    snprintf(client, sizeof(client), "%s:%d", peer->host, peer->port);
    text_printf(&text, "%s: closed, it sent ", client);
    describe_stranger(incoming_bytes(&peer->incoming), &text);
    wire_refused(peer->net->options.wire, peer->broker_id, client, text_chars(&text));
    text_done(&text);
    peer->why = "it does not speak Kafka";
}

static bool is_strange(const struct peer *peer)
{
    int32_t size;

    return incoming_announced(&peer->incoming, &size) && (size < 0 || size > MOST_REQUEST_BYTES);
}

/* ---- serving ---- */

static bool has_request(const struct peer *peer)
{
    return !is_strange(peer) && incoming_complete(&peer->incoming);
}

/* Nothing will come of what it sent, or sends: a fault took it. */
static bool is_mute(const struct peer *peer)
{
    return peer->busy && peer->connection && connection_is_mute(peer->connection);
}

/* A client that went away needs no answer; but what it sent before is served, as producers with acks=0 expect. */
static bool is_over(const struct peer *peer)
{
    return peer->ended && (is_mute(peer) || !has_request(peer)) && (!peer->sending || peer->broken);
}

/* Puts into the queue what is to happen next with this client, if there is something. `outside`: no event of the queue is running. */
static void go_on(struct peer *peer, bool outside)
{
    struct net *net = peer->net;

    if (outside && (peer->ended || is_strange(peer) || (!peer->busy && has_request(peer))))
        net_input(net);
    if (!peer->net)
        return;
    if (!peer->why && !peer->busy && is_strange(peer))
        refuse(peer);
    if (!peer->why && is_over(peer))
        peer->why = "the client closed it";
    if (!peer->why && (peer->busy || !has_request(peer) || net->frozen))
        return;
    if (event_scheduled(&peer->serve))
        return;
    event_at(net->options.queue, &peer->serve, queue_now_us(net->options.queue));
}

static void answered(struct peer *peer, bool outside)
{
    outgoing_done(&peer->answer);
    peer->sending = false;
    peer->busy = false;
    if (peer->close_after && !peer->why)
        peer->why = "the broker closed it";
    peer->since_us = monotonic_now_us();
    go_on(peer, outside);
}

static void send_answer(struct peer *peer, bool outside)
{
    enum io io = peer->broken ? IO_DONE : outgoing_send(&peer->answer, peer->fd);

    peer->sending = io == IO_AGAIN;
    if (io == IO_AGAIN)
        return;
    if (io == IO_BROKEN)
        peer->broken = peer->ended = true;
    answered(peer, outside);
}

static void request_over(struct peer *peer)
{
    received_done(&peer->request, &peer->net->spares);
    net_shed_later(peer->net);
}

static void on_reply(void *context, struct frame *answer, bool close)
{
    struct peer *peer = context;

    if (!peer->net)
        return;
    peer->close_after = close;
    if (!peer->serving)
        request_over(peer);
    if (answer) {
        outgoing_init(&peer->answer, answer);
        send_answer(peer, false);
    } else {
        answered(peer, false);
    }
    look_out(peer);
}

static void serve(void *context)
{
    struct peer *peer = context;

    if (peer->why) {
        peer_close(peer, peer->why);
        return;
    }
    if (peer->net->frozen || peer->busy || !incoming_take(&peer->incoming, &peer->request, &peer->net->spares))
        return;
    peer->busy = peer->serving = true;
    connection_request(peer->connection, peer->request.frame, on_reply, peer);
    peer->serving = false;
    if (!peer->busy || peer->sending)
        request_over(peer);
    if (peer->busy)
        go_on(peer, false); /* a client that went away meanwhile */
    look_out(peer);
}

/* ---- the socket ---- */

static void read_more(struct peer *peer)
{
    enum io io = IO_DONE;

    for (int i = 0; i < MOST_READS && io == IO_DONE && !is_strange(peer); i++) {
        bool complete = has_request(peer);

        if ((complete || peer->busy) && incoming_size(&peer->incoming) >= READ_AHEAD_BYTES)
            break;
        io = incoming_read(&peer->incoming, peer->fd, &peer->net->spares);
        if (!complete && !peer->busy && has_request(peer))
            peer->since_us = monotonic_now_us();
    }
    if (io == IO_END || io == IO_BROKEN) {
        peer->ended = true;
        peer->broken = peer->broken || io == IO_BROKEN;
    }
    go_on(peer, true);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct peer *peer = (struct peer *)poll;

    if (!peer->net)
        return;
    if (status < 0)
        events = UV_READABLE; /* the read says what is wrong */
    if ((events & UV_WRITABLE) && peer->sending)
        send_answer(peer, true);
    if (peer->net && (events & UV_DISCONNECT) && is_mute(peer)) {
        peer->ended = peer->broken = true;
        go_on(peer, true);
    }
    if (peer->net && (events & UV_READABLE) && !peer->ended)
        read_more(peer);
    if (peer->net)
        look_out(peer);
}

/* Looks at the socket for what can be done with it now, and for nothing else. */
static void look_out(struct peer *peer)
{
    int watch = 0;

    if (!peer->net)
        return;
    if (!peer->ended && !peer->why && !is_strange(peer)
        && (incoming_size(&peer->incoming) < READ_AHEAD_BYTES || (!peer->busy && !has_request(peer))))
        watch |= UV_READABLE;
    else if (!peer->ended && is_mute(peer)) /* all that is read ahead, and its end would be behind it */
        watch |= UV_DISCONNECT;
    if (peer->sending)
        watch |= UV_WRITABLE;
    if (watch == peer->watched)
        return;
    peer->watched = watch;
    if (watch)
        uv_poll_start(&peer->poll, watch, on_ready);
    else
        uv_poll_stop(&peer->poll);
}

void peer_thaw(struct peer *peer)
{
    go_on(peer, false);
}

/* ---- coming and going ---- */

/* A killed broker's sockets go without a goodbye. */
static void on_lost(void *context, int64_t number, bool reset)
{
    struct peer *peer = context;
    struct linger at_once = { 1, 0 };

    (void)number;
    peer->connection = NULL;
    if (reset)
        setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    peer_close(peer, NULL);
}

void peer_open(struct net *net, size_t broker_index, int fd)
{
    struct broker *broker = cluster_broker_at(wire_cluster(net->options.wire), broker_index);
    struct peer *peer;
    int one = 1;

    if (!broker_up(broker)) {
        close(fd);
        return;
    }
    net_input(net);
    if (!broker_up(broker)) { /* it went in the time that just passed */
        close(fd);
        return;
    }
    peer = mem_zero(sizeof(*peer));
    peer->fd = fd;
    peer->broker_id = broker_id(broker);
    if (uv_poll_init(net->options.loop, &peer->poll, fd)) {
        close(fd);
        mem_free(peer);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
    peer->net = net;
    peer->serve.run = serve;
    peer->serve.context = peer;
    peer->serve.outside = true; /* what it brings is an input: a replay has none of these */
    name_ends(peer);
    if (net->advertised_host)
        snprintf(peer->local_host, sizeof(peer->local_host), "%s", net->advertised_host);
    peer->place = net->peer_count;
    ARRAY_ADD(net->peers, net->peer_count, net->peer_capacity) = peer;
    peer->connection = connection_open(net->options.wire, &(struct connection_options){
        .broker = peer->broker_id, .client_host = peer->host, .client_port = peer->port,
        .local_host = net->advertised_host ? net->advertised_host : peer->local_host, .timers = net->timers, .network = true,
        .may_change_requests = true, .lost = on_lost, .lost_context = peer,
    });
    look_out(peer);
}

static void peer_gone(uv_handle_t *handle)
{
    mem_free(handle);
}

void peer_close(struct peer *peer, const char *why)
{
    struct net *net = peer->net;

    if (!net)
        return;
    peer->net = NULL;
    event_cancel(net->options.queue, &peer->serve);
    net_peer_gone(net, peer);
    if (peer->connection)
        connection_close(peer->connection, why);
    received_done(&peer->request, NULL);
    incoming_done(&peer->incoming);
    outgoing_done(&peer->answer);
    uv_close((uv_handle_t *)&peer->poll, peer_gone);
    close(peer->fd);
}
