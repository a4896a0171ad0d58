/* jobs: what runs in the background. */
#include "shell/command.h"

static int run(struct call *call)
{
    struct session *session = call->session;

    for (size_t i = 0; i < session_job_count(session); i++) {
        struct job_info job = session_job(session, i);

        if (job.running)
            call_print(call, "[%d] running  %s\n", job.number, job.text);
    }
    session_jobs_report(session, call->out);
    return 0;
}

const struct command command_jobs = {
    .name = "jobs", .summary = "what runs in the background", .usage = "jobs",
    .details = N_("A & at the end of a line runs it in the background; kill %1 ends it. What ended since the last time is named once."),
    .example = "jobs", .local = true, .past = "", .run = run,
};
