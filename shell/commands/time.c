/* time: where the clock stands. */
#include "shell/commands/pace.h"
#include "shell/past.h"
#include "shell/prose.h"

static int run(struct call *call)
{
    const struct lab *lab = call_lab(call);
    struct moment next = lab_next_moment(lab);
    int64_t now = queue_now_us(lab_queue(lab));
    struct text line = { 0 };

    text_time(&line, now, TIME_DATE | TIME_CLOCK | TIME_TENTHS);
    if (lab_is_past(lab)) {
        text_add(&line, "  PAST, ");
        past_ago(lab, LANG_EN, &line);
        text_add(&line, " (only to look at; step, next, until and advance walk on, rewind end goes back to the present)");
    } else switch (lab_pace(lab)) {
    case PACE_PAUSED:
        text_add(&line, "  PAUSED (resume goes on; next, step and advance move it)");
        break;
    case PACE_FROZEN:
        text_add(&line, "  FROZEN (requests wait; resume goes on)");
        break;
    default:
        text_printf(&line, "  running, %g virtual second%s a second", lab_speed(lab), lab_speed(lab) == 1 ? "" : "s");
    }
    if (next.what && next.at_us != INT64_MAX) {
        text_printf(&line, "; %s in ", next.what);
        text_duration(&line, next.at_us - now);
    }
    prose_print(call, "%s\n", text_chars(&line));
    text_done(&line);
    return 0;
}

const struct command command_time = {
    .name = "time", .summary = "where virtual time stands", .usage = "time", .example = "time", .needs_lab = true, .past = "", .run = run,
};
