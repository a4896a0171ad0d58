/* Looking at a real broker's folder. */
#include "shell/inspected.h"

#include "shell/command.h"
#include "shell/prose.h"
#include "shell/shell.h"

enum { SLICE_BYTES = 4 * 1024 * 1024, MOST_BYTES = 1024 * 1024 * 1024 };

void inspected_title(const struct lab *lab, struct text *out)
{
    const struct cluster *cluster = lab_cluster(lab);
    size_t count = cluster_inspect_dir_count(cluster);

    text_add(out, "INSPECT ");
    text_escaped(out, bytes_text(cluster_inspect_dir(cluster, 0)));
    if (count > 1)
        text_printf(out, " and %zu more", count - 1);
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
        struct text title = { 0 };

        inspected_title(call_lab(call), &title);
        call_error(call, "%s: nothing is changed here and no time passes (%s). Here go: status view why sql ls hexdump refresh, and Kafka's tools that only ask.\n",
                   command->name, text_chars(&title));
        text_done(&title);
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
        const char *source = cluster_inspect_source(lab_cluster(call_lab(call)), topic, names[i], &assumed);

        if (assumed)
            text_printf(&line, "%s%s (%s)", count++ ? ", " : "", names[i], source);
    }
    if (count)
        prose_print(call, "Assumed, as it is not in the folder: %s. --set-topic %s:retention.ms=... or --properties FILE say it.\n", text_chars(&line), topic);
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
