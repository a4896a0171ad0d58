/* Looking at a real broker's folder. */
#include "shell/inspected.h"

#include <string.h>

#include "shell/command.h"
#include "shell/prose.h"
#include "shell/shell.h"

enum { SLICE_BYTES = 4 * 1024 * 1024, MOST_BYTES = 1024 * 1024 * 1024 };

void inspected_title(const struct lab *lab, struct text *out, int most)
{
    const struct cluster *cluster = lab_cluster(lab);
    size_t count = cluster_inspect_dir_count(cluster);
    struct text dir = { 0 }, rest = { 0 };
    const char *shown;
    int over;

    text_escaped(&dir, bytes_text(cluster_inspect_dir(cluster, 0)));
    if (count > 1)
        text_printf(&rest, " and %zu more", count - 1);
    text_add(&rest, ", read at ");
    text_time(&rest, lab_inspect_read_us(lab), most ? TIME_CLOCK : TIME_DATE | TIME_CLOCK);
    if (lab_inspect_as_of(lab)) {
        text_add(&rest, ", seen as of ");
        text_time(&rest, queue_now_us(lab_queue(lab)), TIME_DATE | TIME_CLOCK);
    }
    shown = text_chars(&dir);
    over = most ? (int)(strlen("INSPECT ") + dir.size + rest.size) - most : 0; /* its end tells more than its beginning */
    if (over > 0 && (size_t)over + 3 < dir.size)
        shown += over + 3;
    text_printf(out, "INSPECT %s%s%s", shown == text_chars(&dir) ? "" : "...", shown, text_chars(&rest));
    text_done(&dir);
    text_done(&rest);
}

static bool refresh(struct shell *shell, struct lab *lab, struct reason *reason, bool *changed)
{
    *changed = false;
    return shell->walking || !lab_inspect_again(lab, changed, reason);
}

bool inspected_refresh_quietly(struct shell *shell, struct lab *lab)
{
    bool changed;

    return refresh(shell, lab, NULL, &changed) && changed;
}

bool inspected_refresh(struct call *call)
{
    struct reason reason = { "" };
    bool changed;

    if (refresh(call->session->shell, call_lab(call), &reason, &changed))
        return changed;
    call_error(call, "%s; what is shown is empty until it can be read again\n", reason.text);
    return false;
}

int inspected_run(struct call *call)
{
    const struct command *command = call->command;
    struct shell *shell = call->session->shell;
    int status;

    if (command->needs_lab && !command->tool && !command->looks) {
        call_error(call, "%s: a real broker's folder is only looked at (--inspect): nothing is changed, and no time passes. These look:", command->name);
        for (size_t i = 0; i < command_count(); i++)
            if (command_at(i)->looks)
                call_error(call, " %s", command_at(i)->name);
        call_error(call, "; and Kafka's tools.\n");
        return 1;
    }
    if (command != &command_view && command->needs_lab)
        inspected_refresh(call);
    if (command == &command_view) /* looks anew at each frame, and may stay open for long */
        return command->run(call);
    shell->walking++;
    status = command->run(call);
    shell->walking--;
    return status;
}

/* ---- why ---- */

static void say_assumed(struct call *call, const char *topic)
{
    static const char *const names[] = { "cleanup.policy", "retention.ms", "retention.bytes", "segment.bytes", "segment.ms", "file.delete.delay.ms" };
    struct text line = { 0 };
    size_t count = 0;

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        bool assumed;

        cluster_inspect_source(lab_cluster(call_lab(call)), topic, names[i], &assumed);
        if (assumed)
            text_printf(&line, "%s%s", count++ ? ", " : "", names[i]);
    }
    if (count)
        prose_print(call, "Kafka's defaults are assumed for %s: the folder does not tell. --set-topic %s:retention.ms=... or --properties FILE do.\n", text_chars(&line), topic);
    text_done(&line);
}

bool inspected_say(struct call *call, struct log *log, const char *topic)
{
    struct start_check *check = start_check_begin(log);
    struct text text = { 0 };
    bool more = true, done = false;

    for (int64_t read = 0; more && !done && read < MOST_BYTES; read += SLICE_BYTES) {
        done = start_check_slice(check, SLICE_BYTES);
        if (!done)
            more = call_yield(call);
    }
    if (more) {
        start_decision_text(start_check_decision(check), &text);
        prose_print(call, "%s\n", text_chars(&text));
        say_assumed(call, topic);
    }
    text_done(&text);
    start_check_end(check);
    return more;
}
