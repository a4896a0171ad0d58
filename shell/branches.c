/* Branches. */
#include "shell/branches.h"

#include "shell/breaks.h"
#include "shell/control/control.h"
#include "shell/shell.h"
#include "shell/past.h"

struct branch {
    int number, sessions;
    struct lab *lab;
    struct control *control;
    char *from;
    struct branch *next;
};

static struct branch *branch_of(const struct shell *shell, const struct lab *lab)
{
    struct branch *branch = shell->branches;

    while (branch && branch->lab != lab)
        branch = branch->next;
    return branch;
}

static struct branch *numbered(const struct shell *shell, int number)
{
    struct branch *branch = shell->branches;

    while (branch && branch->number != number)
        branch = branch->next;
    return branch;
}

int branch_number(const struct shell *shell, const struct lab *lab)
{
    const struct branch *branch = branch_of(shell, lab);

    return branch ? branch->number : 0;
}

/* The session goes on in `lab`: what it runs in the background stays where it began. */
static void move(struct session *session, struct lab *lab)
{
    struct branch *was, *is;

    past_leave(session);
    was = branch_of(session->shell, session->lab);
    is = branch_of(session->shell, lab);
    if (was)
        was->sessions--;
    if (is)
        is->sessions++;
    if (session->shell->current == session->lab)
        session->shell->current = lab;
    session->lab = lab;
}

int branch_add(struct session *session, struct lab *lab)
{
    struct shell *shell = session->shell;
    struct branch *branch = mem_zero(sizeof(*branch)), **at = &shell->branches;
    struct reason reason = { "" };
    struct text from = { 0 };

    text_time(&from, queue_now_us(lab_queue(lab)), TIME_CLOCK | TIME_TENTHS);
    branch->lab = lab;
    branch->number = 1;
    for (; *at; at = &(*at)->next)
        branch->number = (*at)->number + 1;
    *at = branch;
    branch->from = text_take(&from);
    if (control_open(&branch->control, shell, lab, &reason))
        branch->control = NULL; /* --to does not reach it; all else works */
    move(session, lab);
    return branch->number;
}

size_t branch_count(const struct shell *shell)
{
    size_t count = 0;

    for (const struct branch *branch = shell->branches; branch; branch = branch->next)
        count++;
    return count;
}

struct branch_info branch_at(const struct shell *shell, size_t i)
{
    const struct branch *branch = shell->branches;

    while (i--)
        branch = branch->next;
    return (struct branch_info){ branch->number, branch->lab, branch->from, branch->sessions };
}

bool branch_enter(struct session *session, int number)
{
    struct branch *branch = number ? numbered(session->shell, number) : NULL;

    if (number && !branch)
        return false;
    move(session, branch ? branch->lab : session->shell->lab);
    return true;
}

static void close_branch(struct shell *shell, struct branch *branch)
{
    struct branch **at = &shell->branches;

    while (*at != branch)
        at = &(*at)->next;
    *at = branch->next;
    control_close(branch->control);
    pasts_end(shell, branch->lab);
    breaks_end(shell, branch->lab);
    lab_close(branch->lab);
    mem_free(branch->from);
    mem_free(branch);
}

bool branch_end(struct shell *shell, int number)
{
    struct branch *branch = numbered(shell, number);

    if (!branch || branch->sessions)
        return false;
    close_branch(shell, branch);
    return true;
}

void branch_leave(struct session *session)
{
    struct branch *branch = session->lab ? branch_of(session->shell, session->lab) : NULL;

    if (branch)
        branch->sessions--;
}

int branches_turn(struct shell *shell, int wait_ms)
{
    for (struct branch *branch = shell->branches; branch; branch = branch->next) {
        int wait;

        lab_turn(branch->lab, shell->foreground && !shell->outside_waits && shell->current == branch->lab, &wait);
        if (breaks_look(shell, branch->lab, NULL))
            wait = 0;
        if (wait)
            lab_settle(branch->lab);
        if (wait >= 0 && (wait_ms < 0 || wait < wait_ms))
            wait_ms = wait;
    }
    return wait_ms;
}

void branches_end(struct shell *shell)
{
    while (shell->branches)
        close_branch(shell, shell->branches);
}
