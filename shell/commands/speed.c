/* speed: virtual seconds per second. */
#include "shell/commands/pace.h"

static int run(struct call *call)
{
    double speed;

    if (call->argc < 2) {
        call_print(call, "%g\n", lab_speed(call_lab(call)));
        return 0;
    }
    if (call->argc > 2 || !parse_double(call->argv[1], &speed) || !(speed > 0) || speed > 1e6) {
        call_error(call, "speed: a number above 0 is wanted, for instance: speed 10\n");
        return 1;
    }
    lab_set_speed(call_lab(call), speed);
    call_print(call, "%g virtual second%s a second.\n", speed, speed == 1 ? "" : "s");
    return 0;
}

const struct command command_speed = {
    .name = "speed", .summary = "virtual seconds per second", .usage = "speed [X]",
    .details = N_("Real clients keep their own clocks: at speed 60 a record is an hour old after a minute."),
    .example = "speed 60", .needs_lab = true, .run = run,
};
