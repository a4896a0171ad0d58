/* replica: followers held and released; alone: who is held or behind, and when it leaves the ISR. */
#include "sim/cluster/partition.h"

#include "shell/commands/orders.h"
#include "shell/listing.h"

enum { MOST_INFOS = 64 };

static void add(struct listing *rows, const struct call *call, const char *topic, int32_t partition, const struct replica_info *info)
{
    struct text at = { 0 }, in = { 0 };

    if (info->leaves_isr_us != INT64_MAX) {
        text_time(&at, info->leaves_isr_us, TIME_CLOCK);
        text_duration(&in, info->leaves_isr_us - queue_now_us(lab_queue(call_lab(call))));
    }
    listing_add(rows, (struct value[]){ value_text(topic), value_int(partition), value_int(info->broker), value_text(info->held ? "held" : info->follows ? "fetches" : "stands still"),
                                        value_text(info->in_isr ? "yes" : "no"), info->log_end_offset < 0 ? value_text("") : value_int(info->log_end_offset),
                                        info->lag < 0 ? value_text("") : value_int(info->lag), value_text(text_chars(&at)), value_text(text_chars(&in)) });
    text_done(&at);
    text_done(&in);
}

static int list(struct call *call)
{
    const struct cluster *cluster = lab_cluster(call_lab(call));
    const struct image *image = cluster_image(cluster);
    const char *names[] = { "topic", "partition", "broker", "state", "in_isr", "log_end", "lag", "leaves_isr", "in" };
    struct listing *rows = listing_new(call, 9, names);

    for (size_t t = 0; t < image_topic_count(image); t++) {
        const struct image_topic *topic = image_topic_at(image, t);

        for (int32_t p = 0; p < topic->partition_count; p++) {
            struct replica_info infos[MOST_INFOS];
            size_t count = cluster_replicas(cluster, topic->name, p, infos, MOST_INFOS);

            for (size_t i = 0; i < count; i++)
                if (!infos[i].leader && ((infos[i].held && !topic->internal) || !infos[i].in_isr || infos[i].lag > 0))
                    add(rows, call, topic->name, p, &infos[i]);
        }
    }
    if (!listing_count(rows)) {
        listing_free(rows);
        call_print(call, "%s\n", _(call->session->lang, "All followers fetch, lack nothing and are in the ISR. `replica hold 2 students-0` stops one."));
        return 0;
    }
    listing_print(rows);
    return 0;
}

static int run(struct call *call)
{
    return call->argc == 1 ? list(call) : order_run(call);
}

const struct command command_replica = {
    .name = "replica", .summary = "hold and release followers; alone: who is behind", .usage = "replica [hold|release BROKER... [TOPIC-P]]",
    .details = N_("hold stops a follower's fetching, of all that the broker follows or of one partition, as if its thread were stuck; the broker lives on. The leader takes it out of "
               "the ISR at the first look at which it lacks records and was caught up last longer than replica.lag.time.max.ms ago: a look comes every half of that. Until then the high "
               "watermark waits for it, and acks=all with it. One that lacks nothing stays. release lets it fetch again: it comes back by itself. Alone the command lists followers that are held, "
               "behind or out of the ISR, and when they will leave it."),
    .example = "replica hold 2", .words = "hold release", .argument = COMPLETE_BROKER, .needs_lab = true, .run = run,
};
