/* fault: requests refused, lost, late, held, swallowed or only counted; alone: which faults there are. */
#include <string.h>

#include "shell/commands/orders.h"
#include "shell/listing.h"

static int list(struct call *call)
{
    const struct wire *wire = lab_wire(call_lab(call));
    const char *names[] = { "fault", "what", "hits", "passed", "held", "state" };
    struct listing *rows;

    if (!faults_count(wire)) {
        call_print(call, "%s\n", _(call->session->lang, "There are no faults. `help fault` shows what can be done to requests."));
        return 0;
    }
    rows = listing_new(call, 6, names);
    for (size_t i = 0; i < faults_count(wire); i++) {
        const struct fault *fault = faults_at(wire, i);
        struct text what = { 0 };

        fault_describe(fault, &what);
        listing_add(rows, (struct value[]){ value_int((int64_t)fault->id), value_text(text_chars(&what)), value_int(fault->hits), value_int(fault->matched - fault->hits),
                                            value_int((int64_t)fault_holds(wire, fault)), value_text(fault_state(fault)) });
        text_done(&what);
    }
    listing_print(rows);
    return 0;
}

/* Those that were never hit, cleared or not. Scripts ask at their end (session_end_script). */
static int missed(struct call *call)
{
    struct text lines = { 0 };
    size_t count = faults_missed(lab_wire(call_lab(call)), &lines);

    if (count)
        call_error(call, n_(call->session->lang, "This fault was never hit: %s", "These faults were never hit:\n%s", (int64_t)count), text_chars(&lines));
    text_done(&lines);
    return count ? 1 : 0;
}

static int run(struct call *call)
{
    const char *verb = call->argc > 1 ? call->argv[1] : "list";

    if (call->argc <= 2 && !strcmp(verb, "list"))
        return list(call);
    if (call->argc == 2 && !strcmp(verb, "missed"))
        return missed(call);
    return order_run(call);
}

const struct command command_fault = {
    .name = "fault", .summary = "requests refused, lost, late, held; alone: a list",
    .usage = "fault [add API [topic= partition= group= client= broker= from= skip=N count=N] EFFECT | list | clear [N] | release [N] | missed]",
    .details = N_("API is Kafka's name of the request (Produce, Fetch, JoinGroup, ...; * is any); topic=, group= and client= (the client.id) may be patterns with * and ?. The first skip= "
               "of what matches pass, then count= are hit, or all. EFFECT is one of: error=NAME (the answer carries it, for the partition that is meant, and nothing is done), "
               "lose-request (it never comes), lose-response (it is done, and the answer never comes), delay=DURATION, hold (until fault release), blackhole "
               "(it and its connection hang for good), observe (only counted). A client that hears nothing waits for its own request.timeout.ms. from=brokers, or the id of one: "
               "what brokers send each other (AlterPartition or AlterIsr, LeaderAndIsr, a follower's Fetch; 4.3's metadata: topic=__cluster_metadata). BrokerHeartbeat, BrokerRegistration "
               "and ControlledShutdown always come from brokers, and broker= is the one that sends them: fault add BrokerHeartbeat broker=2 blackhole ends its session. "
               "Vote, BeginQuorumEpoch and EndQuorumEpoch are the controllers' of 4.3; there it is the receiver. Faults are kept with the lab's folder. Each hit is an event. "
               "A script fails at its end if a fault never hit anything; fault missed says which, and fails, from a test suite through --to for instance."),
    .example = "fault add Produce topic=students count=1 error=NOT_LEADER_OR_FOLLOWER", .words = "add list clear release missed", .argument = COMPLETE_FAULT, .needs_lab = true,
    .run = run,
};
