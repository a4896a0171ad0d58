/* kill: ends a background job. */
#include "shell/command.h"

static int run(struct call *call)
{
    int status = 0;

    if (call->argc < 2) {
        call_error(call, "kill: which job? For instance: kill %%1 (jobs lists them)\n");
        return 2;
    }
    for (int i = 1; i < call->argc; i++) {
        const char *word = call->argv[i];
        int32_t number;

        if (word[0] == '-') /* -9, -TERM: there is one way to end a job */
            continue;
        if (!parse_i32(word + (*word == '%'), &number) || !session_job_end(call->session, number)) {
            struct text name = { 0 };

            text_escaped(&name, bytes_text(word));
            call_error(call, "kill: there is no job %s; jobs lists them\n", text_chars(&name));
            text_done(&name);
            status = 1;
        }
    }
    return status;
}

const struct command command_kill = {
    .name = "kill", .summary = "end a background job", .usage = "kill %N...", .example = "kill %1", .local = true, .past = "", .run = run,
};
