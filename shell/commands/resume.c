/* resume: let time go on. */
#include "shell/commands/pace.h"

static int run(struct call *call)
{
    lab_set_pace(call_lab(call), PACE_RUNNING);
    call_print(call, "Running.\n");
    return 0;
}

const struct command command_resume = {
    .name = "resume", .summary = "let time go on", .usage = "resume",
    .details = N_("Undoes pause and freeze. The time that passed meanwhile is not caught up."),
    .example = "resume", .needs_lab = true, .run = run,
};
