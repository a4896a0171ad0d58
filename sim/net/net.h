/* The network: a listener a broker, the TCP transport, wall timers. Beside sim/sql's store the only place of sim that knows the
 * system's clock and sockets. Own non-blocking sockets under uv_poll; fetches go from the page cache to the socket by sendfile.
 * Whatever comes in enters the queue at the present virtual moment as an input. */
#pragma once
#include <uv.h>

#include "sim/wire/transport.h"
#include "sim/wire/wire.h"

struct net;
struct net_options {
    uv_loop_t *loop;               /* borrowed; main runs it */
    struct wire *wire;
    struct queue *queue;
    const char *listen;            /* "127.0.0.1" and "::1" for NULL; else one address; "0.0.0.0", "::" for all */
    const char *advertised_host;   /* NULL: auto */
    int32_t first_port;            /* broker i at first_port + i; 0: any free */
    size_t most_connections;       /* 0: a share of the limit of open files */
    struct timers *wall;           /* the clients' timers, borrowed; NULL: the net's own */
};
/* Binds all brokers' ports. ERR_BROKER_NOT_AVAILABLE with a sentence naming the port and, where it can be found, who has it. */
enum err net_open(struct net **out, const struct net_options *options, struct reason *reason);
void net_close(struct net *net);
int32_t net_port(const struct net *net, size_t broker_index);
/* A broker's port, while the net is open: given up, and taken again under the same number (an error as net_open's). */
void net_unbind(struct net *net, size_t broker_index);
enum err net_bind(struct net *net, size_t broker_index, struct reason *reason);
bool net_bound(const struct net *net, size_t broker_index);
/* A port for a broker that is about to be added, the next by index; `port` 0: any free. Bound at once; again for the same index: another port. */
enum err net_add_broker(struct net *net, size_t broker_index, int32_t port, struct reason *reason);
/* Frozen: requests are read and queued, none is served; the number waiting and the age of the oldest. */
void net_freeze(struct net *net, bool frozen);
struct net_waiting { size_t count; int64_t oldest_us; };
struct net_waiting net_waiting(const struct net *net);
size_t net_connection_count(const struct net *net);
bool net_kick(struct net *net, int64_t connection_number);
/* Timers on the wall clock; firings enter `queue`. */
struct timers *wall_timers_new(uv_loop_t *loop, struct queue *queue);
void wall_timers_free(struct timers *timers);
/* A client's transport over TCP; its timers are `wall`'s. */
struct transport *transport_tcp(uv_loop_t *loop, struct timers *wall);
/* Called before each input (a request, a connection, a wall timer's firing) enters the queue: the pace brings virtual time to the present moment.
 * For timers made by wall_timers_new() and for a net's listener alike; NULL: nothing. */
void net_before_input(struct net *net, void (*fn)(void *context), void *context);
/* Tells of each firing by the number of its arming, for recordings; NULL: no more. */
void wall_timers_record(struct timers *timers, void (*fired)(void *context, uint64_t number), void *context);
void wall_timers_count_from(struct timers *timers, uint64_t armed);   /* the first that is armed has number `armed` + 1 */
void wall_timers_before_input(struct timers *timers, void (*fn)(void *context), void *context);
int64_t wall_now_us(void);         /* since 1970 */
int64_t monotonic_now_us(void);
