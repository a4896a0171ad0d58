/* Orders to clocks: a broker's wall clock is set wrong, or right again. */
#include <string.h>

#include "sim/lab_internal.h"
#include "sim/order.h"

#define MOST_SKEW_US ((int64_t)366 * 86400 * 1000000)

/* clock skew ID DURATION: 5s, +5s: ahead; -5s: behind */
enum err order_clock_skew(struct order_call *call)
{
    const char *word = call->count == 2 ? call->words[1] : "";
    bool behind = *word == '-';
    struct broker *broker;
    int64_t us;

    if (call->count != 2)
        return err_because(ERR_INVALID_REQUEST, call->reason, "it is clock skew ID DURATION: clock skew 1 5s; `clock` alone shows how they are");
    broker = order_broker(call, call->words[0]);
    if (!broker)
        return ERR_INVALID_REQUEST;
    if (!parse_duration(word + (*word == '-' || *word == '+'), &us) || us > MOST_SKEW_US) {
        struct text shown = { 0 };
        enum err err;

        text_escaped(&shown, bytes_text(word));
        err = err_because(ERR_INVALID_REQUEST, call->reason, "'%s': by how much is it wrong? clock skew %d 5s: ahead, -5s: behind, 0s: right (a year at most)",
                          text_chars(&shown), broker_id(broker));
        text_done(&shown);
        return err;
    }
    us = us / 1000 * 1000;
    broker_set_skew(broker, behind ? -us : us);
    if (!us) {
        text_printf(call->answer, "Broker %d's wall clock is right.\n", broker_id(broker));
        return ERR_OK;
    }
    text_printf(call->answer, "Broker %d's wall clock is ", broker_id(broker));
    text_duration(call->answer, us);
    text_printf(call->answer, " %s: it stamps and compares ages with it. `clock skew %d 0s` sets it right.\n", behind ? "behind" : "ahead", broker_id(broker));
    return ERR_OK;
}
