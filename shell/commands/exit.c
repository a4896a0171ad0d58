/* exit: ends the session. */
#include "shell/command.h"

static int run(struct call *call)
{
    int32_t status = call->session->script && call->session->failed ? 1 : 0;

    if (call->argc > 2 || (call->argc == 2 && (!parse_i32(call->argv[1], &status) || status < 0 || status > 255))) {
        call_error(call, "exit: it is exit, or exit with a status from 0 to 255\n");
        return 2;
    }
    call->session->exiting = true;
    call->session->exit_status = status;
    return status;
}

const struct command command_exit = {
    .name = "exit", .summary = "end the session", .usage = "exit [STATUS]", .details = N_("A transient lab ends with it; save keeps one. Ctrl-D does the same."),
    .example = "exit", .local = true, .past = "", .run = run,
};
