/* pause: let no time pass by itself. */
#include "shell/commands/pace.h"

static int run(struct call *call)
{
    lab_set_pace(call_lab(call), PACE_PAUSED);
    call_print(call, "Paused: no time passes by itself; clients are still served.\n");
    return 0;
}

const struct command command_pause = {
    .name = "pause", .summary = "let no time pass by itself", .usage = "pause",
    .details = N_("Clients are still served; the clock runs only while one waits for something other than new data, so nobody's notebook hangs.\n"
               "next, step, advance and until move it on purpose; resume goes on."),
    .example = "pause", .needs_lab = true, .run = run,
};
