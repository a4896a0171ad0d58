/* replay: plays what another lab kept of its inputs, and looks at it. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "shell/commands/pace.h"
#include "shell/past.h"
#include "shell/prose.h"
#include "shell/shell.h"

/* LAB, LAB/inputs or a file: the recording and the files it begins with. False: said. */
static bool find(struct call *call, const char *name, char **path, char **base)
{
    struct fs *fs = lab_fs(session_live(call->session));
    struct stat st;
    const char *suffix;
    char *folder;
    int first, last;

    *base = NULL;
    *path = mem_text(name);
    if (stat(name, &st)) {
        call_error(call, "replay: %s: %s\n", name, strerror(errno));
        return false;
    }
    if (S_ISDIR(st.st_mode)) {
        folder = mem_printf("%s/inputs", name);
        if (stat(folder, &st)) {
            mem_free(folder);
            folder = mem_text(name);
        }
        last = lab_parts(fs, folder, &first);
        if (!last) {
            call_error(call, "replay: %s keeps no recording (a shell does, and --serve with --record)\n", name);
            mem_free(folder);
            return false;
        }
        mem_free(*path);
        *path = lab_part_path(folder, "recording", last);
        mem_free(folder);
    }
    suffix = strrchr(*path, '/');
    suffix = suffix ? suffix + 1 : *path;
    if (text_starts(suffix, "recording"))
        *base = mem_printf("%.*sbase%s", (int)(suffix - *path), *path, suffix + 9);
    return true;
}

static void say_end(struct call *call, struct past *past)
{
    struct lab *lab = past_lab(past);
    struct text line = { 0 };

    text_printf(&line, "Played again to its end: %llu input%s, %llu event%s, ", (unsigned long long)past_inputs(past), past_inputs(past) == 1 ? "" : "s",
                (unsigned long long)queue_events_run(lab_queue(lab)), queue_events_run(lab_queue(lab)) == 1 ? "" : "s");
    text_time(&line, past_from_us(past), TIME_DATE | TIME_CLOCK | TIME_TENTHS);
    text_add(&line, " to ");
    text_time(&line, queue_now_us(lab_queue(lab)), TIME_DATE | TIME_CLOCK | TIME_TENTHS);
    text_add(&line, past_as_recorded(past) ? ". The lab came to what was recorded there: the same journal, the same state of chance."
                                           : ". The lab did not come to what was recorded there: its journal or the state of chance is another.");
    prose_print(call, "%s\n", text_chars(&line));
    text_done(&line);
}

static int play(struct call *call, const char *path, const char *base, const char *from)
{
    struct past *past;
    struct reason reason = { "" };
    struct stat st;
    int64_t until = NEVER_US, number;
    bool good;

    if (past_open_file(&past, path, base && !stat(base, &st) ? base : NULL, call->session->shell->loop, &reason)) {
        call_error(call, "replay: %s: %s\n", path, reason.text);
        return 1;
    }
    if (from && text_equal(from, "start"))
        until = past_from_us(past);
    else if (from && strchr(from, ':') && parse_time(from, past_from_us(past), &number))
        until = number;
    else if (from && parse_duration(from, &number))
        until = past_from_us(past) + number;
    else if (from) {
        call_error(call, "replay: --from wants start, a time or a while after it, not '%s'\n", from);
        past_close(past);
        return 1;
    }
    if (!past_run(call, past, until, 0)) {
        call_error(call, "replay: given up\n");
        past_close(past);
        return 130;
    }
    good = !past_error(past, &reason);
    if (!good)
        call_error(call, "replay: %s: %s\n", path, reason.text);
    else if (past_at_end(past))
        say_end(call, past);
    if (good && past_at_end(past))
        good = past_as_recorded(past);
    past_enter(call->session, past);
    prose_print(call, "You look at it: rewind start, rewind 30s, step, until and advance go through it; rewind end comes back to this lab.\n");
    return good ? 0 : 1;
}

static int run(struct call *call)
{
    const char *name = NULL, *from = NULL;
    char *path, *base;
    int status = 1;

    for (int i = 1; i < call->argc; i++) {
        if (text_equal(call->argv[i], "--from") && i + 1 < call->argc)
            from = call->argv[++i];
        else if (!name && call->argv[i][0] != '-')
            name = call->argv[i];
        else
            name = "";
    }
    if (!name || !*name) {
        call_error(call, "replay: a recording or a lab's folder is wanted, for instance: replay LAB/inputs/recording\n");
        return 1;
    }
    if (find(call, name, &path, &base))
        status = play(call, path, base, from);
    mem_free(path);
    mem_free(base);
    return status;
}

static const struct option options[] = {
    { "from", "TIME", N_("stay there: start, a time, or a while after the start (the end)"), COMPLETE_NONE, RELEASE_ANY },
    { 0 },
};

const struct command command_replay = {
    .name = "replay", .summary = "play what another lab kept of its inputs", .usage = "replay FILE|LAB [--from start|TIME]",
    .details = N_("Plays a recording (LAB/inputs/recording, recording-2, ...) in a second lab in memory, says whether it came to the end that was recorded, and looks at it,\n"
               "read-only: step, next, until, advance and rewind go through it. Exit status 1 if it came to another end."),
    .example = "replay LAB/inputs/recording --from start", .options = options, .argument = COMPLETE_FILE, .checks = "", .past = "", .needs_lab = true, .run = run,
};
