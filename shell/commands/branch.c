/* branch: what is looked at becomes a lab of its own. */
#include "shell/branches.h"
#include "shell/past.h"
#include "shell/prose.h"
#include "shell/shell.h"

static int list(struct call *call)
{
    struct shell *shell = call->session->shell;

    for (size_t i = 0; i <= branch_count(shell); i++) {
        struct branch_info info = i ? branch_at(shell, i - 1) : (struct branch_info){ 0, shell->lab, NULL, 0 };
        struct text line = { 0 };

        text_printf(&line, "%c %d  ", info.lab == session_live(call->session) ? '*' : ' ', info.number);
        text_time(&line, queue_now_us(lab_queue(info.lab)), TIME_CLOCK | TIME_TENTHS);
        text_printf(&line, lab_net(info.lab) ? "  localhost:%d" : "  not listening", (int)lab_port(info.lab, 0));
        text_printf(&line, info.from ? "  parted at %s  " : "  the first lab  ", info.from);
        text_add(&line, lab_dir(info.lab));
        call_print(call, "%s\n", text_chars(&line));
        text_done(&line);
    }
    return 0;
}

static int enter(struct call *call, int number)
{
    struct session *session = call->session;

    if (!branch_enter(session, number)) {
        call_error(call, "branch: there is no branch %d (branch list)\n", number);
        return 1;
    }
    if (number)
        call_print(call, "In branch %d now; branch leave goes back to the first lab.\n", number);
    else
        call_print(call, "In the first lab now.\n");
    return 0;
}

static int end(struct call *call, int number)
{
    struct session *session = call->session;
    bool here;

    if (!call_yield(call)) /* not within an event of the lab that closes */
        return 130;
    here = branch_number(session->shell, session_live(session)) == number && number;
    if (here) {
        session_end_jobs_of(session, session_live(session));
        branch_enter(session, 0);
    }
    if (!number || !branch_end(session->shell, number)) {
        call_error(call, number ? "branch: there is no branch %d, or somebody else works in it (branch list)\n" : "branch: this is the first lab: exit closes it\n", number);
        if (here)
            branch_enter(session, number);
        return 1;
    }
    call_print(call, "Branch %d is closed; you are in %s.\n", number, branch_number(session->shell, session_live(session)) ? "another" : "the first lab");
    return 0;
}

/* Plays into the new lab up to the place; false: said why not. */
static bool play(struct call *call, struct past *branch, const struct past_place *place)
{
    int64_t shown = monotonic_now_us() + 1000000;
    struct reason reason = { "" };
    bool progress = false, more = true;

    while (more && !past_run_to(branch, place, 10000)) {
        if (monotonic_now_us() > shown) {
            call_progress(call, "replaying: %d %% (Ctrl-C gives up)",
                          place->events ? (int)((double)past_place(branch).events * 100 / (double)place->events) : 0);
            shown = monotonic_now_us() + 100000;
            progress = true;
        }
        more = call_yield(call);
    }
    if (progress)
        call_progress(call, "%s", "");
    if (more && !past_error(branch, &reason))
        return true;
    call_error(call, more ? "branch: %s\n" : "branch: given up, nothing has changed\n", reason.text);
    return false;
}

/* A new folder, or an empty one. */
static bool is_free(struct call *call, const char *dir)
{
    struct fs *fs = lab_fs(session_live(call->session));
    struct fs_names names;
    struct file_stat stat;
    bool empty;

    if (!dir || fs_stat(fs, dir, &stat))
        return true;
    empty = stat.folder && !fs_list(fs, dir, &names, NULL) && !names.count;
    if (stat.folder)
        fs_names_free(&names);
    if (!empty)
        call_error(call, "branch: %s is not empty: name a new folder\n", dir);
    return empty;
}

static int make(struct call *call, const char *dir, const struct lab_options *net)
{
    struct session *session = call->session;
    struct lab *live = session_live(session), *lab;
    struct past *here = session_past(session), *branch;
    struct recorder *recorder = lab_recorder(live);
    struct past_place place;
    struct branch_source source;
    struct reason reason = { "" };
    struct text line = { 0 };
    int number;

    bool of_file = here && past_path(here);

    if (!recorder && !of_file) {
        call_error(call, "branch: there is nothing to begin from: %s\n", lab_no_recording(live));
        return 1;
    }
    if (!here && recorder_full(recorder)) {
        call_error(call, "branch: the recording was full before this moment: save keeps the present, and an earlier moment (rewind) can still branch\n");
        return 1;
    }
    if (!is_free(call, dir))
        return 1;
    place = here ? past_place(here) : recorder_place(recorder);
    source = of_file ? (struct branch_source){ NULL, past_path(here), past_base(here), NULL }
                     : (struct branch_source){ recorder, NULL, lab_recording_base(live), lab_made_with(live) };
    if (branch_begin(&branch, &source, dir, &reason)) {
        call_error(call, "branch: %s\n", reason.text);
        return 1;
    }
    if (!play(call, branch, &place)) {
        past_close(branch);
        return call_interrupted(call) ? 130 : 1;
    }
    if (branch_live(branch, session->shell->loop, net, &lab, &reason))
        call_error(call, "branch: it can't listen: %s\n", reason.text);
    lab_set_jumping(lab, lab_jumping(live));
    number = branch_add(session, lab);
    text_printf(&line, "Branch %d parts at ", number);
    text_time(&line, queue_now_us(lab_queue(lab)), TIME_CLOCK | TIME_TENTHS);
    text_add(&line, ": a lab of its own");
    if (lab_net(lab))
        text_printf(&line, " on localhost:%d", (int)lab_port(lab, 0));
    text_printf(&line, ", files in %s. The other goes on; branch leave goes back to it, branch list shows all.", lab_dir(lab));
    prose_print(call, "%s\n", text_chars(&line));
    text_done(&line);
    return 0;
}

static int run(struct call *call)
{
    const char *dir = NULL;
    struct lab_options net;
    int32_t number;

    lab_options_default(&net);
    net.port = 0;
    net.listen = lab_net(session_live(call->session)) != NULL;
    if (call->argc > 1 && text_equal(call->argv[1], "list"))
        return list(call);
    if (call->argc > 1 && text_equal(call->argv[1], "leave"))
        return enter(call, 0);
    if (call->argc > 1 && text_equal(call->argv[1], "enter") && call->argc == 3 && parse_i32(call->argv[2], &number))
        return enter(call, number);
    if (call->argc > 1 && text_equal(call->argv[1], "end") && call->argc <= 3) {
        number = branch_number(call->session->shell, session_live(call->session));
        if (call->argc == 3 && !parse_i32(call->argv[2], &number))
            number = -1;
        return end(call, number);
    }
    for (int i = 1; i < call->argc; i++) {
        if (text_equal(call->argv[i], "--port") && i + 1 < call->argc && parse_i32(call->argv[i + 1], &net.port) && net.port >= 0 && net.port <= 65535) {
            net.listen = true;
            i++;
        } else if (text_equal(call->argv[i], "--no-listen")) {
            net.listen = false;
        } else if (!dir && call->argv[i][0] != '-') {
            dir = call->argv[i];
        } else {
            call_error(call, "branch: a folder and --port P are taken (0: any free), or list, leave, enter N, end N; not '%s'\n", call->argv[i]);
            return 1;
        }
    }
    return make(call, dir, &net);
}

static const struct option options[] = {
    { "port", "PORT", N_("the first broker's (any that is free)"), COMPLETE_NONE, RELEASE_ANY },
    { "no-listen", NULL, N_("no port"), COMPLETE_NONE, RELEASE_ANY },
    { 0 },
};

const struct command command_branch = {
    .name = "branch", .summary = "make this moment a lab of its own", .usage = "branch [DIR] [--port P] | branch list | leave | enter N | end [N]",
    .details = N_("What the session looks at - a moment of the past, or the present - becomes a second lab that lives: on its own ports, with its own clock, in DIR (or a folder that\n"
               "is gone at the end). What came in until then is played into it; its clients of then are gone. The first lab goes on, with its clients. The session works in the\n"
               "branch from then on; branch leave goes back, branch enter 1 in again, branch end closes it. One can rewind in a branch beyond the moment at which it parted."),
    .example = "branch --no-listen", .options = options, .words = "list leave enter end", .argument = COMPLETE_FILE, .past = "", .needs_lab = true, .run = run,
};
