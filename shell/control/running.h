/* Which labs run: transient ones lie in the runtime folder, others have a link there. What is stale is removed on the way. */
#pragma once
#include "sim/sim.h"

/* Tells that this process has `lab` open. Returns the link's path (the caller's, unlinked at the end), NULL where none is needed. */
char *running_add(const struct lab *lab);
/* The folder of the lab meant: by name or path, by KAFKARIUM_LAB, or the only one. The caller's; NULL with a sentence that lists what runs. */
char *running_find(const char *name, struct reason *reason);
/* Connects to LAB/control; -1. */
int running_connect(const char *lab);
