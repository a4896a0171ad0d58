/* A transport: how a client (the shell's tools, simulated clients) reaches brokers. In process (transport_local), over TCP (net/tcp.h),
 * or both with the choice by address. A channel is one connection to one broker address; requests on it are answered in order. */
#pragma once
#include "sim/base/fields.h"
#include "sim/base/task.h"
#include "sim/base/timer.h"
#include "sim/wire/wire.h"

struct transport;
struct channel;
/* `answer` NULL: the connection broke, or `err` says why not (ERR_NETWORK_EXCEPTION, ERR_REQUEST_TIMED_OUT, ERR_BROKER_NOT_AVAILABLE: refused).
 * Bytes after the correlation id's frame length, borrowed during the call. */
typedef void channel_reply(void *context, enum err err, struct bytes answer);

struct transport {                     /* implementations put this first in their struct */
    /* Never fails at once: `opened` tells (maybe within the call). ERR_BROKER_NOT_AVAILABLE: nobody listens; ERR_NETWORK_EXCEPTION with the reason: name unknown, ... */
    struct channel *(*open)(struct transport *transport, const char *host, int32_t port, void (*opened)(void *context, enum err err), void *context);
    /* Takes the frame (without length prefix). One reply for each; in order. */
    void (*send)(struct channel *channel, struct frame *frame, channel_reply *reply, void *context);
    void (*expect_none)(struct channel *channel, struct frame *frame);  /* acks=0 */
    void (*close)(struct channel *channel);  /* pending replies are dropped, not called */
    void (*free)(struct transport *transport);
    /* The address behind a host's name, as text; false: the name is unknown. May block for the name service. NULL: every name is known. */
    bool (*resolve)(struct transport *transport, const char *host, char *address, size_t size);
    struct timers *timers;             /* the clock of this client: virtual in process, wall over TCP */
};
struct channel {                       /* first in each implementation's struct, zero but for `transport` */
    struct transport *transport;
    int32_t last_correlation_id;
    struct channel_wait *given_up;     /* calls that nobody waits for any more; channel_close() frees them */
};
/* Closes by the transport, and forgets the calls that timed out. NULL is accepted. */
void channel_close(struct channel *channel);

/* In process: `host`:`port` is broker i where host is localhost, 127.0.0.1, ::1 or the advertised host, and port is 9092+i or the broker's own.
 * `local_knows` tells whether an address is one of these. */
struct transport *transport_local(struct wire *wire, struct timers *timers, const char *client_host);
/* The same for a simulated client: what happens at its end too is part of the cluster's history, and no input. `timers`: virtual, not from outside. */
struct transport *transport_simulated(struct wire *wire, struct timers *timers, const char *client_host);
bool transport_local_knows(const struct wire *wire, const char *host, int32_t port);
void transport_free(struct transport *transport);

/* In a task: sends a request struct and waits for the answer struct, decoded into `arena`. *out points to the response struct. Encodes header
 * and body by the message tables. ERR_REQUEST_TIMED_OUT after timeout_us (NEVER_US: none). ERR_NONE; NULL out if interrupted with ERR_NETWORK_EXCEPTION. */
enum err channel_call(struct task *task, struct channel *channel, int16_t api_key, int16_t version, const char *client_id,
                      const void *in, struct arena *arena, void **out, int64_t timeout_us, struct reason *reason);
enum err channel_open_wait(struct task *task, struct transport *transport, const char *host, int32_t port, struct channel **out,
                           int64_t timeout_us, struct reason *reason);
