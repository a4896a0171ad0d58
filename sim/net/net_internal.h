/* The inside of the network: the listener (listener.c) and the clients at its connections (peer.c). */
#pragma once
#include "sim/net/frames.h"
#include "sim/net/net.h"

enum { HOST_TEXT = 64 };

struct peer {                  /* a client at the other end of an accepted connection */
    uv_poll_t poll;            /* first: libuv lets go of the memory last */
    struct net *net;           /* NULL: closed */
    struct connection *connection;
    int fd, watched;           /* what the poll looks for */
    size_t place;              /* in net->peers */
    int32_t broker_id;
    char host[HOST_TEXT], local_host[HOST_TEXT];
    int32_t port;
    struct incoming incoming;
    struct received request;   /* being served */
    struct outgoing answer;
    struct event serve;        /* in the lab's queue: a request, or the end of the connection, comes in */
    int64_t since_us;          /* monotonic, when the request that waits or is being served was complete */
    bool busy;                 /* a request is in the broker, or its answer not yet sent */
    bool serving;              /* inside connection_request */
    bool sending;              /* the answer waits for the socket */
    bool ended;                /* the client sends no more */
    bool broken;               /* nothing can be sent to it any more */
    bool close_after;          /* close when the answer is out */
    const char *why;           /* the connection is to be closed, for this reason */
};

struct listener {
    uv_poll_t poll;            /* first */
    struct net *net;
    size_t broker_index;
    int fd;
    bool watching;
};

struct net {
    struct net_options options;
    char *advertised_host;     /* NULL: auto */
    char *listen;              /* as in options; they point here */
    struct timers *timers;
    bool own_timers;
    struct listener **listeners;
    size_t listener_count, listener_capacity;
    int32_t *ports;            /* one a broker */
    struct peer **peers;
    size_t peer_count, peer_capacity, most;
    uv_timer_t *retry;         /* after the system had no descriptor left */
    struct spares spares;      /* for requests; let go of when none came for a while */
    uv_timer_t *shed;
    bool frozen;
    void (*before)(void *context);
    void *before_context;
};

void net_input(struct net *net);      /* something is about to enter the queue */
void net_shed_later(struct net *net); /* there may be spares */
void net_peer_gone(struct net *net, struct peer *peer);

/* Takes over `fd`, which has just been accepted. */
void peer_open(struct net *net, size_t broker_index, int fd);
void peer_close(struct peer *peer, const char *why);
void peer_thaw(struct peer *peer);
