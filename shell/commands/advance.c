/* advance: moves virtual time on, as fast as it can be simulated. */
#include "shell/commands/pace.h"

static int run(struct call *call)
{
    struct lab *lab = call_lab(call);
    struct digest digest = digest_begin(lab);
    const char *duration = NULL;
    bool clients = false;
    int64_t us, until;

    for (int i = 1; i < call->argc; i++) {
        if (text_equal(call->argv[i], "--clients"))
            clients = true;
        else
            duration = duration ? "" : call->argv[i];
    }
    if (clients && lab_is_past(lab)) {
        call_error(call, "advance: in the past the clients do what they did: leave out --clients\n");
        return 1;
    }
    if (!duration || !parse_duration(duration, &us) || us <= 0 || us > INT64_MAX / 4) {
        call_error(call, _(call->session->lang, "advance: a duration is wanted, like 30s, 10m, 1.5h or 7d\n"));
        return 1;
    }
    if (lab_pace(lab) == PACE_FROZEN) {
        call_error(call, _(call->session->lang, "advance: time is frozen; resume or pause first\n"));
        return 1;
    }
    until = queue_now_us(lab_queue(lab)) + us;
    pace_run(call, until, NULL);
    if (queue_now_us(lab_queue(lab)) < until)
        pace_at_present(call);
    if (clients) /* their sessions run on the wall clock: moved on purpose */
        lab_advance_clients(lab, us);
    digest_print_losses(call, &digest);
    digest_print(call, &digest);
    return call_interrupted(call) ? 130 : 0;
}

static const struct option options[] = {
    { "clients", NULL, N_("the sessions of real clients too: who does not speak in time is out"), COMPLETE_NONE, RELEASE_ANY },
    { 0 },
};

const struct command command_advance = {
    .name = "advance", .summary = "move virtual time on by a while", .usage = "advance DURATION [--clients]",
    .details = N_("Everything that is due on the way happens, in order. Real clients stay members: their sessions run on their own clocks.\n"
               "Ends with a digest of what came to pass."),
    .example = "advance 7d", .options = options, .needs_lab = true, .past = "", .run = run,
};
