/* consumer: simulated consumers started, stopped, killed, slowed down; alone: how they are. */
#include "shell/commands/simulated.h"

static const struct option options[] = {
    { "group", "GROUP", N_("its consumer group"), COMPLETE_GROUP, 0 },
    { "topic", "TOPIC", N_("what it reads; may be given again"), COMPLETE_TOPIC, 0 },
    { "slow", "DURATION", N_("so long it works on each record"), 0, 0 },
    { "consumer-property", "KEY=VALUE", N_("a setting of Kafka's consumer: auto.offset.reset=earliest, partition.assignment.strategy=..., ...; may be given again"), 0, 0 },
    { 0 },
};

static int run(struct call *call)
{
    return simulated_run(call, SIMULATED_CONSUMER);
}

const struct command command_consumer = {
    .name = "consumer", .summary = "simulated consumers: start, stop; alone: a list",
    .usage = "consumer [start NAME --group G --topic T [OPTION...] | stop NAME | kill NAME | slow NAME DURATION | list]",
    .details = N_("A simulated consumer is Kafka's consumer inside the lab: it lives in virtual time, with Kafka's settings and defaults of the lab's release. With "
               "enable.auto.commit=false it commits after each poll's records. One that is slower than max.poll.interval.ms leaves its group, as in Kafka. stop commits and leaves the "
               "group; kill lets it vanish, and the group misses it when its session ends. duplicates: records of simulated producers that it saw before."),
    .example = "consumer start c1 --group my-group --topic students --consumer-property auto.offset.reset=earliest", .options = options,
    .words = "start stop kill slow list", .argument = COMPLETE_CLIENT, .needs_lab = true, .past = "list", .run = run,
};
