/* The gate: where requests of clients come in and answers leave. Here a client's link to the broker takes its time or is cut, a frozen broker keeps them waiting,
 * and faults hit. A request on its way comes in also when its client has given up meanwhile: it was sent.
 *
 * With an undisturbed network and no faults the gate is open: no event, no copy. What simulated clients send, several requests at once, travels on its own before it
 * comes here, and so do the answers (transport_local.c). Deviation: a real client's connection, or a tool's, has one request on its way at a time; it waits for the
 * link's latency once a request. */
#pragma once
#include "sim/wire/wire_internal.h"

/* Decoded, it is about to come in. */
void gate_enter(struct request *request);
/* To its client; takes what is in `answer` (NULL: none comes). */
void gate_leave(struct request *request, struct frame *answer, bool close);
/* Its client closes the connection. True: a request of it is on its way still, and the connection lives on until that was served (in wire->orphans). */
bool gate_outlives(struct connection *connection, const char *why);
void gate_forget(struct connection *connection);   /* it ends */
/* A fault lets go of the requests that it holds. */
void gate_release(struct wire *wire, uint64_t fault);
size_t gate_holds(const struct wire *wire, uint64_t fault);
void gate_network_changed(void *context, int32_t from, int32_t to);
