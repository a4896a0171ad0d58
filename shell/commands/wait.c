/* wait: lets things go on by themselves, in wall time, until something holds. */
#include <string.h>

#include "shell/commands/pace.h"
#include "shell/condition.h"

static int run(struct call *call)
{
    struct condition *condition;
    struct reason reason = { "" };
    struct text text = { 0 };
    int64_t timeout_us = NEVER_US, end, duration;
    int status = 0;

    for (int i = 1; i < call->argc; i++) {
        if (!strcmp(call->argv[i], "--timeout") && i + 1 < call->argc) {
            if (!parse_duration(call->argv[++i], &timeout_us) || timeout_us <= 0) {
                call_error(call, "wait: --timeout wants a duration like 10s, not '%s'\n", call->argv[i]);
                text_done(&text);
                return 1;
            }
        } else {
            text_printf(&text, "%s%s", text.size ? " " : "", call->argv[i]);
        }
    }
    if (call->argc == 2 && parse_duration(call->argv[1], &duration)) { /* wait 5s: of virtual time, as it passes by itself */
        text_done(&text);
        return call_sleep(call, duration) ? 0 : 130;
    }
    if (!text.size || condition_new(call_lab(call), text_chars(&text), &condition, &reason)) {
        call_error(call, "wait: %s\n", text.size ? reason.text : "a condition or a duration is wanted, for instance: wait client --timeout 30s");
        text_done(&text);
        return 1;
    }
    end = timeout_us == NEVER_US ? NEVER_US : monotonic_now_us() + timeout_us;
    while (!condition_holds(condition)) {
        if (end != NEVER_US && monotonic_now_us() >= end) {
            call_error(call, "wait: '%s' did not come to pass in time\n", text_chars(&text));
            status = 1;
            break;
        }
        if (!call_sleep_wall(call, 20000)) {
            status = 130;
            break;
        }
    }
    condition_free(condition);
    text_done(&text);
    return status;
}

static const struct option options[] = {
    { "timeout", "DURATION", N_("how long to wait by the wall clock (no limit)"), COMPLETE_NONE, RELEASE_ANY },
    { 0 },
};

const struct command command_wait = {
    .name = "wait", .summary = "wait until something holds, as time goes by itself", .usage = "wait CONDITION|DURATION [--timeout 10s]",
    .details = N_("As until, but moves nothing: for what a real client is to do (wait client --timeout 1m).\nA plain duration waits that long in virtual time."),
    .example = "wait 2s", .options = options, .words = "client delete roll lag", .argument = COMPLETE_PARTITION, .compares = true, .checks = "", .needs_lab = true, .run = run,
};
