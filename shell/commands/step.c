/* step: to the next thing that happens. */
#include "shell/commands/pace.h"
#include "shell/prose.h"

struct stop {
    bool stop;
    uint64_t shown;
};

static void on_entry(void *context, const struct entry *entry)
{
    struct stop *stop = context;

    if (event_shown(entry->kind) && !stop->stop) {
        stop->shown = entry->number;
        stop->stop = true;
    }
}

static int step_raw(struct call *call, int64_t count)
{
    struct lab *lab = call_lab(call);

    for (int64_t i = 0; i < count; i++) {
        if (!lab_step(lab)) {
            if (pace_at_present(call))
                return 0;
            prose_print(call, "No event is queued: time may pass, but nothing is due.\n");
            return 0;
        }
    }
    struct text now = { 0 };

    text_time(&now, queue_now_us(lab_queue(lab)), TIME_CLOCK | TIME_MILLIS);
    prose_print(call, "%s  %lld event%s, %zu left in the queue\n", text_chars(&now), (long long)count, count == 1 ? "" : "s", queue_count(lab_queue(lab)));
    text_done(&now);
    return 0;
}

static int run(struct call *call)
{
    struct lab *lab = call_lab(call);
    bool raw = false;
    int64_t count = 1;

    for (int i = 1; i < call->argc; i++) {
        if (text_equal(call->argv[i], "--raw")) {
            raw = true;
        } else if (!parse_i64(call->argv[i], &count) || count < 1 || count > 1000000) {
            call_error(call, "step: a number of steps is wanted, for instance: step 3\n");
            return 1;
        }
    }
    if (raw)
        return step_raw(call, count);
    for (int64_t i = 0; i < count && !call_interrupted(call); i++) {
        struct stop stop = { 0 };
        uint64_t first = journal_last(lab_journal(lab));

        if (pace_at_present(call))
            return 0;
        if (!lab_is_past(lab) && queue_next_us(lab_queue(lab)) == NEVER_US) {
            prose_print(call, "Nothing is due: no event is queued. Produce something, or advance the clock.\n");
            return 0;
        }
        if (!pace_watch(call, on_entry, &stop, &stop.stop))
            return 0;
        if (!stop.stop) {
            prose_print(call, "Nothing happened within a virtual day.\n");
            return 0;
        }
        for (uint64_t n = first + 1; n <= journal_last(lab_journal(lab)); n++) { /* all of that event */
            const struct entry *entry = journal_get(lab_journal(lab), n);

            if (entry && event_shown(entry->kind))
                entry_print(call, entry);
        }
    }
    return call_interrupted(call) ? 130 : 0;
}

static const struct option options[] = {
    { "raw", NULL, N_("single events of the queue, also those that nobody is shown"), COMPLETE_NONE, RELEASE_ANY },
    { 0 },
};

const struct command command_step = {
    .name = "step", .summary = "to the next thing that happens", .usage = "step [--raw] [N]",
    .details = N_("Runs virtual time to the next happening (a roll, a deletion, a rebalance, ...) and says it."),
    .example = "step 3", .options = options, .needs_lab = true, .past = "", .run = run,
};
