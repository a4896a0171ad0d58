/* clear: an empty terminal. */
#include "shell/command.h"

static int run(struct call *call)
{
    if (call->out->terminal)
        call_print(call, "\x1b[H\x1b[2J\x1b[3J");
    return 0;
}

const struct command command_clear = {
    .name = "clear", .summary = "empty the terminal", .usage = "clear", .example = "clear", .local = true, .past = "", .run = run,
};
