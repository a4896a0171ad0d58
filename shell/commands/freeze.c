/* freeze: stop everything, requests too. */
#include "shell/commands/pace.h"

static int run(struct call *call)
{
    lab_set_pace(call_lab(call), PACE_FROZEN);
    call_print(call, "Frozen: nothing runs; requests queue until resume.\n");
    return 0;
}

const struct command command_freeze = {
    .name = "freeze", .summary = "stop everything, requests too", .usage = "freeze",
    .details = N_("Requests of clients queue; the header of the view counts them. Their own timeouts (often 30 s) go on, so do not leave it frozen for long."),
    .example = "freeze", .needs_lab = true, .run = run,
};
