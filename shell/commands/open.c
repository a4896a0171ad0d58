/* open: closes this lab and opens another in its place. */
#include "shell/branches.h"
#include "shell/breaks.h"
#include "shell/control/control.h"
#include "shell/past.h"
#include "shell/prose.h"
#include "shell/shell.h"

static size_t clients_of(const struct lab *lab)
{
    size_t count = 0;

    for (size_t i = 0; i < wire_connection_count(lab_wire(lab)); i++) {
        struct connection_info info;

        wire_connection_get(lab_wire(lab), i, &info);
        count += info.network;
    }
    return count;
}

static void close_lab(struct shell *shell, struct lab *lab)
{
    control_close(shell->control);
    shell->control = NULL;
    pasts_end(shell, lab);
    breaks_end(shell, lab);
    lab_close(lab);
}

static void say(struct call *call, const struct lab *lab, size_t clients, const char *was, bool was_transient)
{
    struct text line = { 0 };

    text_printf(&line, was_transient ? "The lab of before is gone with its folder (save would have kept it)." : "%s is closed; open %s opens it again.", was, was);
    text_printf(&line, " This is %s, ", lab_dir(lab));
    text_time(&line, queue_now_us(lab_queue(lab)), TIME_DATE | TIME_CLOCK | TIME_TENTHS);
    if (lab_net(lab))
        text_printf(&line, ", on localhost:%d", (int)lab_port(lab, 0));
    text_char(&line, '.');
    if (clients && lab_net(lab))
        text_printf(&line, " %zu connection%s from outside ended; those clients come again by themselves, and find this lab.", clients, clients == 1 ? "" : "s");
    prose_print(call, "%s\n", text_chars(&line));
    text_done(&line);
}

static int change(struct call *call, const char *dir)
{
    struct session *session = call->session;
    struct shell *shell = session->shell;
    struct lab *was = shell->lab, *lab;
    struct lab_options options = *shell->how;
    bool listened = lab_net(was) != NULL, jumping = lab_jumping(was), was_transient = lab_is_transient(was);
    size_t clients = clients_of(was);
    struct reason reason = { "" };
    char *was_dir;

    options.dir = dir;
    options.transient = options.listen = options.release_given = options.brokers_given = options.controllers_given = options.seed_given = options.course = false;
    options.settings = NULL;
    options.log_dir = NULL;
    options.start_us = options.new_start_us = -1;
    if (!call_yield(call)) /* not within an event of the lab that closes */
        return 130;
    if (lab_open(&lab, &options, &reason)) {
        call_error(call, "open: %s\n", reason.text);
        return 1;
    }
    was_dir = mem_text(lab_dir(was));
    past_leave(session);
    session_end_jobs_of(session, was);
    close_lab(shell, was);
    shell->lab = shell->current = session->lab = lab;
    session->release = release_is_27(lab_release(lab)) ? RELEASE_27 : RELEASE_43;
    lab_set_jumping(lab, jumping);
    options.listen = true;
    if (listened && lab_listen(lab, &options, &reason))
        call_error(call, "open: it can't listen: %s\n", reason.text);
    if (control_open(&shell->control, shell, lab, &reason))
        call_error(call, "open: %s; --to will not work\n", reason.text);
    say(call, lab, clients, was_dir, was_transient);
    mem_free(was_dir);
    return 0;
}

static int run(struct call *call)
{
    struct session *session = call->session;

    if (call->argc != 2 || call->argv[1][0] == '-' || !*call->argv[1]) {
        call_error(call, "open: one folder is wanted: of a lab that was saved or closed before, or a new one\n");
        return 1;
    }
    if (session->joined) {
        call_error(call, "open: others work in this lab; only its own shell may close it\n");
        return 1;
    }
    if (branch_count(session->shell)) {
        call_error(call, "open: this lab has branches here: branch end closes them first\n");
        return 1;
    }
    return change(call, call->argv[1]);
}

const struct command command_open = {
    .name = "open", .summary = "close this lab and open another", .usage = "open DIR",
    .details = N_("DIR is a lab's folder (save makes one), or a new one. What runs in the background here ends; connections from outside end too, and find the other lab when they\n"
               "come again: it listens on the same ports."),
    .example = "open monday", .argument = COMPLETE_FILE, .past = "", .needs_lab = true, .run = run,
};
