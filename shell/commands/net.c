/* net: links between brokers and clients cut, slow, lossy, narrow; alone: how they are. */
#include "sim/cluster/network.h"

#include "shell/commands/orders.h"
#include "shell/listing.h"

static int list(struct call *call)
{
    const struct cluster *cluster = lab_cluster(call_lab(call));
    const char *names[] = { "from", "to", "state", "latency", "jitter", "loss", "bytes/s", "waiting" };
    struct listing *rows;

    if (!network_disturbed_count(cluster)) {
        call_print(call, "%s\n", _(call->session->lang, "All links are whole: a message takes 0.1 ms between brokers. `help net` shows what can be done to them."));
        return 0;
    }
    rows = listing_new(call, 8, names);
    for (size_t i = 0; i < network_disturbed_count(cluster); i++) {
        struct network_link link = network_disturbed_at(cluster, i);
        struct text latency = { 0 }, jitter = { 0 }, loss = { 0 };
        char from[16], to[16];

        network_node_name(link.from, from);
        network_node_name(link.to, to);
        text_duration(&latency, link.latency_us);
        if (link.jitter_us)
            text_duration(&jitter, link.jitter_us);
        if (link.loss_ppm)
            text_printf(&loss, "%g%%", (double)link.loss_ppm / 10000);
        listing_add(rows, (struct value[]){ value_text(from), value_text(to), value_text(link.cut ? "cut" : network_open(cluster, link.from, link.to) ? "open" : "frozen"),
                                            value_text(text_chars(&latency)), value_text(text_chars(&jitter)), value_text(text_chars(&loss)),
                                            link.bytes_per_second ? value_int(link.bytes_per_second) : value_text(""),
                                            value_int((int64_t)network_held_count(cluster, link.from, link.to)) });
        text_done(&latency);
        text_done(&jitter);
        text_done(&loss);
    }
    listing_print(rows);
    return 0;
}

static int run(struct call *call)
{
    return call->argc == 1 ? list(call) : order_run(call);
}

const struct command command_net = {
    .name = "net", .summary = "cut links, make them slow or lossy; alone: list",
    .usage = "net [cut A B | heal [A B] | delay A B DURATION [JITTER] | loss A B PERCENT | bandwidth A B BYTES]",
    .details = N_("A and B are brokers by their ids, clients (all of them, real ones too), under 2.7 also zookeeper. A link has two directions; one-way at the end means only "
               "from A to B. Through a cut link nothing comes: connections stay open and hang, until a timeout of who waits; what was sent waits, and goes on when the link is healed. "
               "loss: as under TCP a lost message comes 200 ms later, or 400 if it is lost again. A broker whose link to the controller is cut loses its session and its leaderships."),
    .example = "net cut 1 clients", .words = "cut heal delay loss bandwidth", .argument = COMPLETE_BROKER, .needs_lab = true, .run = run,
};
