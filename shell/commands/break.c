/* break: pauses the clock when something holds. */
#include "shell/breaks.h"
#include "shell/commands/pace.h"
#include "shell/shell.h"

static int list(struct call *call)
{
    struct shell *shell = call->session->shell;
    struct lab *lab = call_lab(call);
    size_t count = break_count(shell, lab);

    if (!count)
        call_print(call, "There is no break. break delete students-0 makes one.\n");
    for (size_t i = 0; i < count; i++) {
        struct break_info info = break_at(shell, lab, i);
        struct text line = { 0 };

        text_printf(&line, "%d  ", info.number);
        text_escaped(&line, bytes_text(info.text));
        if (info.hits) {
            text_printf(&line, "  (%d time%s, last at ", info.hits, info.hits == 1 ? "" : "s");
            text_time(&line, info.last_us, TIME_CLOCK | TIME_TENTHS);
            text_char(&line, ')');
        }
        call_print(call, "%s\n", text_chars(&line));
        text_done(&line);
    }
    return 0;
}

static int run(struct call *call)
{
    struct shell *shell = call->session->shell;
    struct lab *lab = call_lab(call);
    struct reason reason = { "" };
    struct text text = { 0 };
    int32_t number;

    if (call->argc < 2)
        return list(call);
    if (text_equal(call->argv[1], "clear") && call->argc == 3) {
        if (text_equal(call->argv[2], "all")) {
            break_clear(shell, lab, 0);
        } else if (!parse_i32(call->argv[2], &number) || number < 1 || !break_clear(shell, lab, number)) {
            call_error(call, "break: there is no break '%s' (break lists them)\n", call->argv[2]);
            return 1;
        }
        return 0;
    }
    for (int i = 1; i < call->argc; i++)
        text_printf(&text, "%s%s", i > 1 ? " " : "", call->argv[i]);
    number = break_add(shell, lab, text_chars(&text), &reason);
    if (number)
        call_print(call, "break %d: the clock pauses when this holds: %s\n", number, text_chars(&text));
    else
        call_error(call, "break: %s\n", reason.text);
    text_done(&text);
    return number ? 0 : 1;
}

const struct command command_break = {
    .name = "break", .summary = "pause the clock when something holds", .usage = "break [CONDITION | clear N|all]",
    .details = N_("CONDITION as for until: delete students-0, roll, unlink, isr, rebalance my-group, leader students-0 != 1, lag my-group = 0, the name or label of any event\n"
               "(events --kinds), or an SQL expression. It pauses whoever moves the clock: it may run by itself, in --serve too, or be moved by advance. Alone it lists them."),
    .example = "break delete students-0", .words = "clear delete roll unlink clean leader lag rebalance", .argument = COMPLETE_PARTITION, .compares = true, .needs_lab = true,
    .run = run,
};
