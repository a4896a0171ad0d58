/* What the commands producer, consumer and clients share. */
#pragma once
#include "shell/commands/orders.h"

/* The simulated clients of one kind as a table; how many there are. */
size_t simulated_list(struct call *call, enum simulated_kind kind, bool quiet_if_none);
/* producer, consumer: the order that was typed, or the list. */
int simulated_run(struct call *call, enum simulated_kind kind);
