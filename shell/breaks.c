/* Breaks of all labs of the process. */
#include "shell/breaks.h"

#include <stdio.h>

#include "shell/shell.h"

struct brk {
    int number, hits;
    bool held;                     /* a question: it pauses when its answer becomes yes */
    struct lab *lab;
    char *text;
    struct condition *condition;
    int64_t last_us;
    struct brk *next;
};

int break_add(struct shell *shell, struct lab *lab, const char *text, struct reason *reason)
{
    struct brk *brk = mem_zero(sizeof(*brk)), **at = &shell->breaks;

    if (condition_new(lab, text, &brk->condition, reason)) {
        mem_free(brk);
        return 0;
    }
    brk->number = 1;
    for (; *at; at = &(*at)->next)
        brk->number = (*at)->number + 1;
    *at = brk;
    brk->lab = lab;
    brk->text = mem_text(text);
    condition_tell(brk->condition, &shell->break_flag);
    lab_set_stop(lab, &shell->break_flag);
    return brk->number;
}

static void drop(struct shell *shell, struct brk **at)
{
    struct brk *brk = *at;
    struct lab *lab = brk->lab;

    *at = brk->next;
    condition_free(brk->condition);
    mem_free(brk->text);
    mem_free(brk);
    if (!break_count(shell, lab))
        lab_set_stop(lab, NULL);
}

bool break_clear(struct shell *shell, const struct lab *lab, int number)
{
    bool found = !number;

    for (struct brk **at = &shell->breaks; *at;) {
        if ((*at)->lab == lab && (!number || (*at)->number == number)) {
            drop(shell, at);
            found = true;
        } else {
            at = &(*at)->next;
        }
    }
    return found;
}

size_t break_count(const struct shell *shell, const struct lab *lab)
{
    size_t count = 0;

    for (const struct brk *brk = shell->breaks; brk; brk = brk->next)
        count += brk->lab == lab;
    return count;
}

struct break_info break_at(const struct shell *shell, const struct lab *lab, size_t i)
{
    const struct brk *brk = shell->breaks;

    while (brk->lab != lab || i--)
        brk = brk->next;
    return (struct break_info){ brk->number, brk->hits, brk->text, brk->last_us };
}

static void say(struct shell *shell, struct call *call, const char *text)
{
    if (call)
        call_print(call, "%s", text);
    else if (shell->say)
        shell->say(shell->interrupted_context, text);
    else
        fputs(text, stderr);
}

bool breaks_look(struct shell *shell, struct lab *lab, struct call *call)
{
    bool hit = false;

    if (!shell->break_flag)
        return false;
    shell->break_flag = false;
    for (struct brk *brk = shell->breaks; brk; brk = brk->next) {
        struct text text = { 0 };
        struct reason reason = { "" };
        bool holds, held;

        if (brk->lab != lab) {
            shell->break_flag |= *condition_flag(brk->condition); /* its own turn comes */
            continue;
        }
        if (!*condition_flag(brk->condition))
            continue;
        holds = condition_holds(brk->condition);
        held = brk->held;
        brk->held = holds && condition_asks(brk->condition);
        if (!holds || held) {
            if (condition_error(brk->condition, &reason)) {
                text_printf(&text, "break %d (%s) is not tried any more: %s\n", brk->number, brk->text, reason.text);
                condition_forgive(brk->condition);
                say(shell, call, text_chars(&text));
            }
            text_done(&text);
            continue;
        }
        brk->hits++;
        brk->last_us = queue_now_us(lab_queue(lab));
        hit = true;
        text_printf(&text, "break %d: %s, at ", brk->number, brk->text);
        text_time(&text, brk->last_us, TIME_CLOCK | TIME_TENTHS);
        text_add(&text, ". Paused (resume goes on).\n");
        if (lab_pace(lab) == PACE_RUNNING)
            lab_set_pace(lab, PACE_PAUSED);
        say(shell, call, text_chars(&text));
        text_done(&text);
    }
    shell->broke |= hit;
    return hit;
}

void breaks_end(struct shell *shell, const struct lab *lab)
{
    for (struct brk **at = &shell->breaks; *at;) {
        if (!lab || (*at)->lab == lab)
            drop(shell, at);
        else
            at = &(*at)->next;
    }
}
