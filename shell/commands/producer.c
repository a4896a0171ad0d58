/* producer: simulated producers started, stopped, killed, slowed down; alone: how they are. */
#include "shell/commands/simulated.h"

static const struct option options[] = {
    { "topic", "TOPIC", N_("where its records go"), COMPLETE_TOPIC, 0 },
    { "rate", "N/s", N_("records a second (also N/min, N/h); 10/s without it"), 0, 0 },
    { "acks", "0|1|all", N_("as the setting acks"), 0, 0 },
    { "size", "BYTES", N_("of each value, which is filled up with dots"), 0, 0 },
    { "keys", "N", N_("record number i has the key k(i mod N); without it none has a key"), 0, 0 },
    { "count", "N", N_("so many records, then it closes"), 0, 0 },
    { "partition", "P", N_("all go there; without it the partitioner chooses"), 0, 0 },
    { "producer-property", "KEY=VALUE", N_("a setting of Kafka's producer: linger.ms=20, enable.idempotence=true, ...; may be given again"), 0, 0 },
    { 0 },
};

static int run(struct call *call)
{
    return simulated_run(call, SIMULATED_PRODUCER);
}

const struct command command_producer = {
    .name = "producer", .summary = "simulated producers: start, stop; alone: a list",
    .usage = "producer [start NAME --topic T [OPTION...] | stop NAME | kill NAME | slow NAME DURATION | list]",
    .details = N_("A simulated producer is Kafka's producer inside the lab: it lives in virtual time, with Kafka's settings and defaults of the lab's release, and goes on while time "
               "goes. Its records are NAME-000001, NAME-000002, ... A replay has it again. stop sends what was gathered and closes; kill lets it vanish with what it had. "
               "sent: given to the library; acknowledged: as acks has it; failed: given up after retries or delivery.timeout.ms; retries: batches sent again."),
    .example = "producer start p1 --topic students --rate 100/s --acks all --producer-property linger.ms=20", .options = options,
    .words = "start stop kill slow list", .argument = COMPLETE_CLIENT, .needs_lab = true, .past = "list", .run = run,
};
