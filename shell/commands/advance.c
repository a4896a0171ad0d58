/* advance: moves virtual time on, as fast as it can be simulated. */
#include "shell/commands/pace.h"

static int run(struct call *call)
{
    struct lab *lab = call_lab(call);
    struct digest digest = digest_begin(lab);
    int64_t us;

    if (call->argc != 2 || !parse_duration(call->argv[1], &us) || us <= 0 || us > INT64_MAX / 4) {
        call_error(call, "advance: a duration is wanted, like 30s, 10m, 1.5h or 7d\n");
        return 1;
    }
    if (lab_pace(lab) == PACE_FROZEN) {
        call_error(call, "advance: time is frozen; resume or pause first\n");
        return 1;
    }
    pace_run(call, queue_now_us(lab_queue(lab)) + us, NULL);
    digest_print(call, &digest);
    return call_interrupted(call) ? 130 : 0;
}

const struct command command_advance = {
    .name = "advance", .summary = "move virtual time on by a while", .usage = "advance DURATION",
    .details = "Everything that is due on the way happens, in order. Real clients stay members: their sessions run on their own clocks.\n"
               "Ends with a digest of what came to pass.",
    .example = "advance 7d", .needs_lab = true, .run = run,
};
