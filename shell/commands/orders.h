/* What the commands share that give orders to the lab (sim/order.h): broker, disk. */
#pragma once
#include "shell/command.h"
#include "sim/order.h"

/* Gives the order that was typed, prints its answer or why not. The exit status. */
int order_run(struct call *call);
void clock_text(const struct broker *broker, struct text *out);   /* "+5s": ahead, "-5s": behind; "" */
