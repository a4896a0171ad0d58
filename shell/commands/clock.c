/* clock: brokers' wall clocks set wrong; alone: what each says. */
#include "shell/commands/orders.h"
#include "shell/listing.h"

static int list(struct call *call)
{
    const struct cluster *cluster = lab_cluster(call_lab(call));
    const char *names[] = { "broker", "clock", "wrong_by" };
    struct listing *rows = listing_new(call, 3, names);

    for (size_t i = 0; i < cluster_broker_count(cluster); i++) {
        const struct broker *broker = cluster_broker_at(cluster, i);
        struct text says = { 0 }, by = { 0 };

        text_time(&says, broker_now_ms(broker) * 1000, TIME_DATE | TIME_CLOCK | TIME_MILLIS);
        clock_text(broker, &by);
        listing_add(rows, (struct value[]){ value_int(broker_id(broker)), value_text(text_chars(&says)), value_text(text_chars(&by)) });
        text_done(&says);
        text_done(&by);
    }
    listing_print(rows);
    return 0;
}

static int run(struct call *call)
{
    return call->argc == 1 ? list(call) : order_run(call);
}

const struct command command_clock = {
    .name = "clock", .summary = "set a broker's clock wrong; alone: what each says", .usage = "clock [skew ID DURATION]",
    .details = N_("The broker's own clock is ahead by DURATION, or behind (-5s); 0s sets it right. It stamps records with it where message.timestamp.type=LogAppendTime, compares with it "
               "what clients stamped (message.timestamp.before.max.ms and after.max.ms, 2.7 message.timestamp.difference.max.ms), and judges ages by it: retention, segment.ms, compaction, offsets "
               "of silent groups, idle producers' ids. Sessions, timeouts, the ISR and when tasks come around do not go by it, nor do the times of files. A new leader judges by its own clock."),
    .example = "clock skew 1 1h", .words = "skew", .argument = COMPLETE_BROKER, .needs_lab = true, .run = run,
};
