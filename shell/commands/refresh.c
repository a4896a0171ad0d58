/* refresh: a real broker's folder (--inspect) read again. */
#include "shell/inspected.h"

#include "shell/command.h"

static int run(struct call *call)
{
    if (!lab_inspects(call_lab(call))) {
        call_error(call, _(call->session->lang, "refresh: only for a real broker's folder (kafkarium --inspect DIR); a lab is always up to date\n"));
        return 1;
    }
    return command_status.run(call); /* it was read again before this command, as before each */
}

const struct command command_refresh = {
    .name = "refresh", .summary = "read a real broker's folder again (--inspect)", .usage = "refresh",
    .details = "With --inspect every command first looks whether the folder changed, and reads it again if so; this one only says what is there.",
    .example = "refresh", .needs_lab = true, .looks = true, .run = run,
};
