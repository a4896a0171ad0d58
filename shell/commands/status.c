/* status: the lab on one page. */
#include "shell/commands/pace.h"
#include "shell/inspected.h"
#include "shell/past.h"

static void print_brokers(struct call *call, const struct lab *lab)
{
    const struct cluster *cluster = lab_cluster(lab);

    for (size_t i = 0; i < cluster_broker_count(cluster); i++) {
        const struct broker *broker = cluster_broker_at(cluster, i);

        call_print(call, "broker %d  %-4s  %s%d  %zu partition%s  %s\n", broker_id(broker), broker_state_name(broker_state(broker)),
                   lab_net(lab) ? "localhost:" : "(not listening) ", broker_port(broker), broker_partition_count(broker),
                   broker_partition_count(broker) == 1 ? "" : "s", broker_log_dir(broker));
        for (size_t d = 1; d < broker_dir_count(broker); d++) {
            const struct log_dir *dir = broker_dir_at(broker, d);

            call_print(call, "          log dir %zu%s  %s\n", d + 1, log_dir_online(dir) ? "" : "  offline", log_dir_path(dir));
        }
    }
}

/* Of one that can't be another nothing is said. */
static void print_quorum(struct call *call, const struct lab *lab)
{
    struct quorum_info quorum;

    if (!cluster_quorum(lab_cluster(lab), &quorum) || quorum.voters == 1)
        return;
    if (quorum.leader >= 0)
        call_print(call, "controller  broker %d, epoch %d; %d of %d voters up\n", quorum.leader, quorum.epoch, quorum.voters_up, quorum.voters);
    else
        call_print(call, "controller  none; %d of %d voters up, %d are a majority\n", quorum.voters_up, quorum.voters, quorum.majority);
}

static void print_topics(struct call *call, const struct lab *lab)
{
    const struct image *image = cluster_image(lab_cluster(lab));
    size_t topics = 0, internal = 0, partitions = 0;

    for (size_t i = 0; i < image_topic_count(image); i++) {
        const struct image_topic *topic = image_topic_at(image, i);

        topics += !topic->internal;
        internal += topic->internal;
        partitions += topic->internal ? 0 : (size_t)topic->partition_count;
    }
    call_print(call, "%zu topic%s with %zu partition%s", topics, topics == 1 ? "" : "s", partitions, partitions == 1 ? "" : "s");
    if (internal)
        call_print(call, ", and %zu of Kafka's own", internal);
    call_print(call, "\n");
}

static void print_inputs(struct call *call, const struct lab *lab)
{
    const struct recorder *recorder = lab_recorder(lab);
    struct text line = { 0 };

    if (!recorder)
        return;
    text_printf(&line, "%zu input%s kept, ", recorder_count(recorder), recorder_count(recorder) == 1 ? "" : "s");
    text_bytes_size(&line, (int64_t)recorder_bytes(recorder));
    text_add(&line, " of ");
    text_bytes_size(&line, (int64_t)recorder_most_bytes(recorder));
    text_add(&line, recorder_full(recorder) ? ": full, rewind goes back from " : ": rewind goes back to ");
    text_time(&line, recorder_full(recorder) ? recorder_end_us(recorder) : lab_start_us(lab), TIME_DATE | TIME_CLOCK);
    call_print(call, "%s\n", text_chars(&line));
    text_done(&line);
}

static int run(struct call *call)
{
    struct lab *lab = call_lab(call);
    struct wire_waiting waiting = wire_waiting(lab_wire(lab), true);
    size_t network = 0;

    if (lab_inspects(lab))
        return inspected_status(call);
    if (lab_is_past(lab)) {
        struct text title = { 0 };

        past_title(lab, &title);
        call_print(call, "%s\n", text_chars(&title));
        text_done(&title);
    }
    call_print(call, "Kafka %s, seed %llu, %s\n", release_is_27(lab_release(lab)) ? "2.7" : lab_release(lab) == RELEASE_43 ? "4.3" : "4.3 (clients of 2.7 too)",
               (unsigned long long)lab_seed(lab), lab_dir(lab));
    print_brokers(call, lab);
    print_quorum(call, lab);
    print_topics(call, lab);
    print_inputs(call, lab);
    for (size_t i = 0; i < wire_connection_count(lab_wire(lab)); i++) {
        struct connection_info info;

        wire_connection_get(lab_wire(lab), i, &info);
        network += info.network;
    }
    call_print(call, "%zu connection%s from outside; %zu wait for data, %zu for something else\n", network, network == 1 ? "" : "s", waiting.for_data, waiting.for_time);
    return command_time.run(call);
}

const struct command command_status = {
    .name = "status", .summary = "the lab on one page", .usage = "status", .example = "status", .needs_lab = true, .looks = true, .run = run,
};
