/* The ports of all brokers, and the connections accepted there. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sim/base/mem.h"
#include "sim/cluster/group.h"
#include "sim/net/net_internal.h"
#include "sim/net/port_owner.h"
#include "sim/net/wall.h"

enum { BACKLOG = 128, MOST_ACCEPTS = 16, RETRY_MS = 100, SHED_MS = 1000, LEAST_CONNECTIONS = 16, OTHER_FILES = 64, FREE_PORT_TRIES = 20 };

void net_input(struct net *net)
{
    if (net->before)
        net->before(net->before_context);
}

/* ---- memory ---- */

static void on_shed(uv_timer_t *timer)
{
    struct net *net = timer->data;

    if (!net->spares.used) {
        spares_done(&net->spares);
        uv_timer_stop(timer);
    }
    net->spares.used = false;
}

void net_shed_later(struct net *net)
{
    if (net->spares.count && !uv_is_active((uv_handle_t *)net->shed))
        uv_timer_start(net->shed, on_shed, SHED_MS, SHED_MS);
}

/* ---- accepting ---- */

static void on_knock(uv_poll_t *poll, int status, int events);

static void watch_ports(struct net *net, bool watch)
{
    for (size_t i = 0; i < net->listener_count; i++) {
        struct listener *listener = net->listeners[i];

        if (listener->watching == watch)
            continue;
        listener->watching = watch;
        if (watch)
            uv_poll_start(&listener->poll, UV_READABLE, on_knock);
        else
            uv_poll_stop(&listener->poll);
    }
}

static void on_retry(uv_timer_t *timer)
{
    watch_ports(timer->data, true);
}

static void on_knock(uv_poll_t *poll, int status, int events)
{
    struct listener *listener = (struct listener *)poll;
    struct net *net = listener->net;

    (void)status;
    (void)events;
    for (int i = 0; net && i < MOST_ACCEPTS; i++) {
        int fd;

        if (net->peer_count >= net->most) { /* the others wait in the backlog until one goes */
            watch_ports(net, false);
            return;
        }
        fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
                watch_ports(net, false);
                uv_timer_start(net->retry, on_retry, RETRY_MS, 0);
            }
            if (errno != ECONNABORTED && errno != EINTR)
                return;
            continue;
        }
        peer_open(net, listener->broker_index, fd);
        net = listener->net;
    }
}

void net_peer_gone(struct net *net, struct peer *peer)
{
    struct peer *last = net->peers[--net->peer_count];

    net->peers[peer->place] = last;
    last->place = peer->place;
    if (net->peer_count < net->most)
        watch_ports(net, true);
}

/* ---- binding ---- */

struct place { /* where to listen, with the port left open */
    struct sockaddr_storage address;
    socklen_t size;
    bool only_v6, optional;
};

static bool place_of(const char *text, struct place *out)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)&out->address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&out->address;

    *out = (struct place){ 0 };
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        out->size = sizeof(*v4);
        return true;
    }
    if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        out->size = sizeof(*v6);
        out->only_v6 = !IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr);
        return true;
    }
    return false;
}

/* The descriptor, listening; -1 with errno. */
static int listen_at(const struct place *place, int32_t port, int32_t *bound)
{
    struct sockaddr_storage address = place->address;
    socklen_t size = sizeof(address);
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1, only_v6 = place->only_v6;

    if (fd < 0)
        return -1;
    ((struct sockaddr_in *)&address)->sin_port = htons((uint16_t)port); /* lies at the same place in both families */
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (address.ss_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only_v6, sizeof(only_v6));
    if (bind(fd, (struct sockaddr *)&address, place->size) || listen(fd, BACKLOG)
        || getsockname(fd, (struct sockaddr *)&address, &size)) {
        int kept = errno;

        close(fd);
        errno = kept;
        return -1;
    }
    *bound = ntohs(((struct sockaddr_in *)&address)->sin_port);
    return fd;
}

static enum err explain(const struct net *net, int32_t port, int error, struct reason *reason)
{
    const char *where = net->options.listen ? net->options.listen : "localhost";
    char owner[128];

    if (error == EADDRINUSE && port_owner(port, owner, sizeof(owner)))
        return err_because(ERR_BROKER_NOT_AVAILABLE, reason, "port %d is in use by %s: stop it, or choose another with --port", port, owner);
    if (error == EADDRINUSE)
        return err_because(ERR_BROKER_NOT_AVAILABLE, reason,
                           "port %d is in use, by a process that can't be seen from here: choose another with --port", port);
    if (error == EACCES)
        return err_because(ERR_BROKER_NOT_AVAILABLE, reason, "port %d may not be opened by this user: choose one from 1024 with --port", port);
    if (error == EADDRNOTAVAIL)
        return err_because(ERR_BROKER_NOT_AVAILABLE, reason, "%s is no address of this machine: --listen takes one that is", where);
    return err_because(ERR_BROKER_NOT_AVAILABLE, reason, "%s:%d can't be listened on: %s", where, port, strerror(error));
}

static void add_listener(struct net *net, size_t broker_index, int fd)
{
    struct listener *listener = mem_zero(sizeof(*listener));

    listener->net = net;
    listener->broker_index = broker_index;
    listener->fd = fd;
    uv_poll_init(net->options.loop, &listener->poll, fd);
    ARRAY_ADD(net->listeners, net->listener_count, net->listener_capacity) = listener;
}

/* All places of one broker at the same port; *failed is the errno. */
static bool bind_places(struct net *net, size_t broker_index, const struct place *places, size_t count, int32_t port, int *failed)
{
    int fds[2];
    size_t opened = 0;

    for (size_t i = 0; i < count; i++) {
        fds[i] = listen_at(&places[i], port, &port);
        if (fds[i] >= 0) {
            opened++;
        } else if (!places[i].optional || errno == EADDRINUSE) {
            *failed = errno;
            while (i--)
                if (fds[i] >= 0)
                    close(fds[i]);
            return false;
        }
    }
    for (size_t i = 0; i < count; i++)
        if (fds[i] >= 0)
            add_listener(net, broker_index, fds[i]);
    net->ports[broker_index] = port;
    return opened > 0;
}

/* Where to listen; how many places. 0: --listen is no address. */
static size_t places_of(const struct net *net, struct place places[2])
{
    if (net->options.listen)
        return place_of(net->options.listen, &places[0]);
    place_of("127.0.0.1", &places[0]);
    place_of("::1", &places[1]);
    places[1].optional = true; /* a machine without IPv6 */
    return 2;
}

static enum err bind_broker(struct net *net, size_t broker_index, const struct place *places, size_t count, int32_t port, struct reason *reason)
{
    int failed = 0;

    if (port > 65535)
        return err_because(ERR_BROKER_NOT_AVAILABLE, reason, "broker %zu would listen on port %d: there are none above 65535", broker_index, port);
    for (int i = 0; i < (port ? 1 : FREE_PORT_TRIES); i++) /* a free port of the first address may be taken at the second */
        if (bind_places(net, broker_index, places, count, port, &failed))
            return ERR_OK;
    return explain(net, port, failed, reason);
}

static size_t connection_share(void)
{
    struct rlimit limit;
    size_t share;

    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur == RLIM_INFINITY)
        return SIZE_MAX;
    share = (size_t)limit.rlim_cur - (size_t)limit.rlim_cur / 4; /* a quarter is for segment files */
    return share > OTHER_FILES + LEAST_CONNECTIONS ? share - OTHER_FILES : LEAST_CONNECTIONS;
}

enum err net_open(struct net **out, const struct net_options *options, struct reason *reason)
{
    struct net *net = mem_zero(sizeof(*net));
    size_t broker_count = cluster_broker_count(wire_cluster(options->wire)), place_count;
    struct place places[2];
    enum err err = ERR_OK;

    *out = NULL;
    net->options = *options;
    net->most = options->most_connections ? options->most_connections : connection_share();
    if (options->advertised_host && !text_equal(options->advertised_host, "auto"))
        net->advertised_host = mem_text(options->advertised_host);
    net->timers = options->wall ? options->wall : wall_timers_new(options->loop, options->queue);
    net->own_timers = !options->wall;
    net->ports = mem_zero_array(broker_count, sizeof(*net->ports));
    net->retry = mem_zero(sizeof(*net->retry));
    uv_timer_init(options->loop, net->retry);
    net->retry->data = net;
    net->shed = mem_zero(sizeof(*net->shed));
    uv_timer_init(options->loop, net->shed);
    uv_unref((uv_handle_t *)net->shed); /* no reason to keep the loop running */
    net->shed->data = net;
    net->options.listen = net->listen = mem_text(options->listen);
    place_count = places_of(net, places);
    if (!place_count)
        err = err_because(ERR_BROKER_NOT_AVAILABLE, reason, "--listen takes an address such as 127.0.0.1, 0.0.0.0 or ::, not '%s'", options->listen);
    for (size_t i = 0; i < broker_count && !err; i++)
        err = bind_broker(net, i, places, place_count, options->first_port ? options->first_port + (int32_t)i : 0, reason);
    if (err) {
        net_close(net);
        return err;
    }
    watch_ports(net, true);
    *out = net;
    return ERR_OK;
}

static void handle_gone(uv_handle_t *handle)
{
    mem_free(handle);
}

static void close_listener(struct listener *listener)
{
    listener->net = NULL;
    uv_close((uv_handle_t *)&listener->poll, handle_gone);
    close(listener->fd);
}

void net_unbind(struct net *net, size_t broker_index)
{
    size_t left = 0;

    for (size_t i = 0; i < net->listener_count; i++) {
        if (net->listeners[i]->broker_index == broker_index)
            close_listener(net->listeners[i]);
        else
            net->listeners[left++] = net->listeners[i];
    }
    net->listener_count = left;
}

bool net_bound(const struct net *net, size_t broker_index)
{
    for (size_t i = 0; i < net->listener_count; i++)
        if (net->listeners[i]->broker_index == broker_index)
            return true;
    return false;
}

enum err net_bind(struct net *net, size_t broker_index, struct reason *reason)
{
    struct place places[2];
    enum err err;

    if (net_bound(net, broker_index))
        return ERR_OK;
    err = bind_broker(net, broker_index, places, places_of(net, places), net->ports[broker_index], reason);
    if (!err)
        watch_ports(net, true);
    return err;
}

enum err net_add_broker(struct net *net, size_t broker_index, int32_t port, struct reason *reason)
{
    net_unbind(net, broker_index);
    net->ports = mem_resize(net->ports, (broker_index + 1) * sizeof(*net->ports));
    net->ports[broker_index] = port;
    return net_bind(net, broker_index, reason);
}

void net_close(struct net *net)
{
    if (!net)
        return;
    for (size_t i = 0; i < net->listener_count; i++)
        close_listener(net->listeners[i]);
    net->listener_count = 0;
    while (net->peer_count)
        peer_close(net->peers[net->peer_count - 1], "the lab closes");
    uv_timer_stop(net->retry);
    uv_close((uv_handle_t *)net->retry, handle_gone);
    uv_timer_stop(net->shed);
    uv_close((uv_handle_t *)net->shed, handle_gone);
    spares_done(&net->spares);
    if (net->own_timers) {
        group_connection_gone(wire_cluster(net->options.wire), net->timers, NULL);
        wall_timers_free(net->timers);
    }
    mem_free(net->listeners);
    mem_free(net->peers);
    mem_free(net->ports);
    mem_free(net->advertised_host);
    mem_free(net->listen);
    mem_free(net);
}

/* ---- looking and steering ---- */

int32_t net_port(const struct net *net, size_t broker_index)
{
    return net->ports[broker_index];
}

void net_freeze(struct net *net, bool frozen)
{
    if (net->frozen == frozen)
        return;
    net->frozen = frozen;
    wall_timers_freeze(net->timers, frozen);
    for (size_t i = net->peer_count; !frozen && i--;)
        if (i < net->peer_count)
            peer_thaw(net->peers[i]);
}

struct net_waiting net_waiting(const struct net *net)
{
    struct net_waiting waiting = { 0, 0 };
    int64_t now_us = monotonic_now_us();

    for (size_t i = 0; i < net->peer_count; i++) {
        const struct peer *peer = net->peers[i];

        if (!peer->busy && !incoming_complete(&peer->incoming))
            continue;
        waiting.count++;
        if (now_us - peer->since_us > waiting.oldest_us)
            waiting.oldest_us = now_us - peer->since_us;
    }
    return waiting;
}

size_t net_connection_count(const struct net *net)
{
    return net->peer_count;
}

bool net_kick(struct net *net, int64_t connection_number)
{
    const struct wire *wire = net->options.wire;

    for (size_t i = 0; i < wire_connection_count(wire); i++) {
        struct connection_info info;

        wire_connection_get(wire, i, &info);
        for (size_t p = 0; info.number == connection_number && p < net->peer_count; p++) {
            if (net->peers[p]->connection == wire_connection_at(wire, i)) {
                peer_close(net->peers[p], "it was kicked");
                return true;
            }
        }
    }
    return false;
}

void net_before_input(struct net *net, void (*fn)(void *context), void *context)
{
    net->before = fn;
    net->before_context = context;
    if (net->own_timers)
        wall_timers_before_input(net->timers, fn, context);
}
