/* at: an order for later; alone: which wait. */
#include <string.h>

#include "shell/commands/orders.h"
#include "shell/listing.h"
#include "sim/schedule.h"

static int list(struct call *call)
{
    const struct lab *lab = call_lab(call);
    const char *names[] = { "number", "at", "in", "order" };
    struct listing *rows;

    if (!lab_due_count(lab)) {
        call_print(call, "%s\n", _(call->session->lang, "No order is waiting."));
        return 0;
    }
    rows = listing_new(call, 4, names);
    for (size_t i = 0; i < lab_due_count(lab); i++) {
        const struct due_order *order = lab_due_at(lab, i);
        struct text at = { 0 }, in = { 0 };

        text_time(&at, order->at_us, TIME_DATE | TIME_CLOCK | TIME_TENTHS);
        lang_duration(call->session->lang, &in, order->at_us - queue_now_us(lab_queue(lab)));
        listing_add(rows, (struct value[]){ value_int((int64_t)order->number), value_text(text_chars(&at)), value_text(text_chars(&in)), value_text(order->words) });
        text_done(&at);
        text_done(&in);
    }
    listing_print(rows);
    return 0;
}

static int run(struct call *call)
{
    return call->argc == 1 || (call->argc == 2 && !strcmp(call->argv[1], "list")) ? list(call) : order_run(call);
}

const struct command command_at_time = {
    .name = "at", .summary = "give an order later; alone: which orders wait", .usage = "at [TIME ORDER | list | cancel N]",
    .details = N_("TIME is +5s from now, 10:05:00 of this day or a date with a time. ORDER is any line of broker, net, disk, fault, producer, consumer, ... that changes something. It is given when virtual "
               "time comes there, as an event; what can't be done then is an event too (events order_failed)."),
    .example = "at +5s broker kill 1", .words = "list cancel", .argument = COMPLETE_COMMAND, .needs_lab = true, .run = run,
};
