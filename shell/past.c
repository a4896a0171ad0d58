/* Sessions in the past. */
#include "shell/past.h"

#include <stdio.h>
#include <string.h>

#include "shell/branches.h"
#include "shell/shell.h"

struct visit {
    struct past *past;
    struct lab *from;             /* the lab that lives, to which the session goes back */
    int users;                    /* commands that run there */
    bool left;
    struct visit *next;
};

static struct visit *visit_of(const struct shell *shell, const struct lab *lab)
{
    struct visit *visit = shell->visits;

    while (visit && past_lab(visit->past) != lab)
        visit = visit->next;
    return visit;
}

static void end_visit(struct shell *shell, struct visit *visit)
{
    struct visit **at = &shell->visits;

    visit->left = true;
    if (visit->users)
        return;
    while (*at != visit)
        at = &(*at)->next;
    *at = visit->next;
    past_close(visit->past);
    mem_free(visit);
}

struct past *session_past(const struct session *session)
{
    const struct visit *visit = session->lab ? visit_of(session->shell, session->lab) : NULL;

    return visit ? visit->past : NULL;
}

void past_enter(struct session *session, struct past *past)
{
    struct shell *shell = session->shell;
    struct visit *visit = mem_zero(sizeof(*visit));

    past_leave(session);
    visit->past = past;
    visit->from = session->lab;
    visit->next = shell->visits;
    shell->visits = visit;
    session->lab = past_lab(past);
}

void past_leave(struct session *session)
{
    struct visit *visit = session->lab ? visit_of(session->shell, session->lab) : NULL;
    struct lab *was = session->lab;

    if (!visit)
        return;
    session->lab = visit->from;
    session_end_jobs_of(session, was);
    end_visit(session->shell, visit);
}

void past_hold(struct shell *shell, const struct lab *lab, int by)
{
    struct visit *visit = lab ? visit_of(shell, lab) : NULL;

    if (!visit)
        return;
    visit->users += by;
    shell->outside_waits += by; /* a script's time does not jump for what waits there */
    if (visit->left && !visit->users)
        end_visit(shell, visit);
}

bool pasts_turn(struct shell *shell)
{
    bool done = false;

    for (struct visit *visit = shell->visits, *next; visit; visit = next) {
        next = visit->next;
        past_hold(shell, past_lab(visit->past), 1); /* what runs in it may leave it */
        done |= lab_past_turn(past_lab(visit->past));
        next = visit->next;
        past_hold(shell, past_lab(visit->past), -1);
    }
    return done;
}

/* Their sessions are gone, or go on with another lab. */
void pasts_end(struct shell *shell, const struct lab *live)
{
    for (struct visit *visit = shell->visits, *next; visit; visit = next) {
        next = visit->next;
        if (live && visit->from != live)
            continue;
        visit->users = 0;
        end_visit(shell, visit);
    }
}

/* ---- what runs there ---- */

/* command->looks: all; command->past: NULL: nothing of it; "": all; else words of which one must be there ("--list --describe"). */
static bool reads_only(const struct call *call)
{
    const char *words = call->command->looks ? "" : call->command->past;

    if (!words || !*words)
        return words != NULL;
    for (int i = 1; i < call->argc; i++) {
        const char *found = strstr(words, call->argv[i]);
        size_t size = strlen(call->argv[i]);

        if (size && found && (found == words || found[-1] == ' ') && (!found[size] || found[size] == ' '))
            return true;
    }
    return call->argc < 2 || text_equal(call->argv[1], "--help");
}

const char *session_prompt(struct session *session)
{
    struct text text = { 0 };

    if (session->remote) /* as the lab's process said with the last command */
        return *session->prompt ? session->prompt : "kafkarium> ";
    if (session->lab && lab_is_past(session->lab))
        past_title(session->lab, &text);
    else if (session->lab && branch_number(session->shell, session->lab))
        text_printf(&text, "branch %d", branch_number(session->shell, session->lab));
    else
        text_add(&text, "kafkarium");
    snprintf(session->prompt, sizeof(session->prompt), "%s> ", text_chars(&text));
    text_done(&text);
    return session->prompt;
}

struct lab *session_live(const struct session *session)
{
    const struct visit *visit = session->lab ? visit_of(session->shell, session->lab) : NULL;

    return visit ? visit->from : session->lab;
}

bool past_allows(struct call *call)
{
    struct text title = { 0 }, text = { 0 };

    if (reads_only(call))
        return true;
    past_title(call_lab(call), &title);
    text_printf(&text, "%s: this is the past (%s): it can be looked at, and not changed. 'rewind end' goes back to the present, 'branch' makes this moment a lab of "
                       "its own.\n", call->command->name, text_chars(&title));
    call_error_prose(call, text_chars(&text));
    text_done(&title);
    text_done(&text);
    return false;
}

/* ---- what is said of it ---- */

void past_title(const struct lab *lab, struct text *out)
{
    text_add(out, "PAST ");
    text_time(out, queue_now_us(lab_queue(lab)), TIME_CLOCK | TIME_TENTHS);
}

void past_ago(const struct lab *lab, enum lang lang, struct text *out)
{
    int64_t end = lab_past_end_us(lab);

    if (end == INT64_MAX) {
        text_add(out, _(lang, "of a recording"));
        return;
    }
    lang_duration(lang, out, end - queue_now_us(lab_queue(lab)));
    text_add(out, _(lang, " ago"));
}

/* ---- going there ---- */

struct stop {
    uint64_t entry;
    bool stop;
};

static void on_entry(void *context, const struct entry *entry)
{
    struct stop *stop = context;

    if (stop->entry && entry->number >= stop->entry)
        stop->stop = true;
}

bool past_run(struct call *call, struct past *past, int64_t until_us, uint64_t entry)
{
    struct lab *lab = past_lab(past);
    struct stop stop = { entry, entry && journal_last(lab_journal(lab)) >= entry };
    int64_t began = monotonic_now_us(), shown = began + 1000000, end = lab_past_end_us(lab);
    bool progress = false, more = true;

    journal_watch(lab_journal(lab), on_entry, &stop);
    while (more && !lab_run_slice(lab, until_us, &stop.stop) && !stop.stop) {
        if (monotonic_now_us() > shown) {
            struct text at = { 0 };

            text_time(&at, queue_now_us(lab_queue(lab)), TIME_DATE | TIME_CLOCK);
            if (end != INT64_MAX && end > past_from_us(past))
                text_printf(&at, "  %d %%", (int)((double)(queue_now_us(lab_queue(lab)) - past_from_us(past)) * 100 / (double)((end < until_us ? end : until_us) - past_from_us(past))));
            call_progress(call, "replaying: %s, %llu inputs (Ctrl-C gives up)", text_chars(&at), (unsigned long long)past_inputs(past));
            text_done(&at);
            progress = true;
            shown = monotonic_now_us() + 100000;
        }
        more = call_yield(call);
    }
    journal_unwatch(lab_journal(lab), on_entry, &stop);
    if (progress)
        call_progress(call, "%s", "");
    return more;
}
