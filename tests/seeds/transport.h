/* A client's way to the brokers that can break under it: what was asked is done, the answer never comes. */
#pragma once
#include "sim/sim.h"

/* Over a lab's own transport in process; ended by transport_free(). */
struct transport *fragile_transport(struct lab *lab);
void fragile_break(struct transport *transport);   /* all connections of the present */
