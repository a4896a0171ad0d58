/* refresh: a real broker's folder (--inspect) read again. */
#include "shell/inspected.h"

#include "shell/command.h"

static int run(struct call *call)
{
    return command_status.run(call); /* a folder was read again before this command, as before each; a lab is always up to date */
}

const struct command command_refresh = {
    .name = "refresh", .summary = "read a real broker's folder again (--inspect)", .usage = "refresh",
    .details = N_("With --inspect every command first looks whether the folder changed, and reads it again if so; this one only says what is there.\n"
               "A lab needs no reading again."),
    .example = "refresh", .needs_lab = true, .looks = true, .run = run,
};
