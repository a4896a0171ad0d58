/* What a command does with its streams, its clock and its outcome. */
#include "shell/session.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "shell/command.h"
#include "shell/inspected.h"
#include "shell/branches.h"
#include "shell/outcomes.h"
#include "shell/past.h"
#include "shell/prose.h"
#include "shell/shell.h"

struct lab *call_lab(const struct call *call)
{
    return call->lab;
}

enum release call_release(const struct call *call)
{
    return call->session->release;
}

void call_print(struct call *call, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    stream_vprint(call->out, format, args);
    va_end(args);
}

void call_write(struct call *call, const void *data, size_t size)
{
    call->out->write(call->out, data, size);
}

static void remember(struct call *call, const char *text)
{
    if (!*call->said)
        snprintf(call->said, sizeof(call->said), "%.*s", (int)strcspn(text, "\n"), text);
}

void call_error(struct call *call, const char *format, ...)
{
    va_list args;
    char *text;

    va_start(args, format);
    text = mem_vprintf(format, args);
    va_end(args);
    if (call->command && !call->command->tool) {
        call_error_prose(call, text);
    } else {
        remember(call, text);
        call->err->write(call->err, text, strlen(text)); /* as Kafka's tools print it */
    }
    mem_free(text);
}

void call_error_prose(struct call *call, const char *text)
{
    remember(call, text);
    prose_error(call, text);
}

bool call_interrupted(const struct call *call)
{
    return task_interrupted(call->task);
}

bool call_sleep(struct call *call, int64_t virtual_us)
{
    struct lab *lab = call->lab;
    struct queue *queue = lab ? lab_queue(lab) : call->session->shell->outside;
    bool paused_tool = lab && call->command && call->command->tool && lab_pace(lab) == PACE_PAUSED; /* its retry would never come */

    return queue && !paused_tool ? task_sleep(call->task, queue, virtual_us) : call_sleep_wall(call, virtual_us);
}

struct wall_sleep {
    uv_timer_t timer;
    struct task *task;
    bool over;
};

static void wall_sleep_over(uv_timer_t *timer)
{
    struct wall_sleep *sleep = timer->data;

    sleep->over = true;
    task_wake(sleep->task);
}

bool call_sleep_wall(struct call *call, int64_t wall_us)
{
    struct wall_sleep *sleep = mem_zero(sizeof(*sleep));
    bool over;

    uv_timer_init(call->session->shell->loop, &sleep->timer);
    sleep->timer.data = sleep;
    sleep->task = call->task;
    uv_update_time(call->session->shell->loop);
    uv_timer_start(&sleep->timer, wall_sleep_over, (uint64_t)(wall_us + 999) / 1000, 0);
    call->session->shell->outside_waits++;
    while (!sleep->over && task_wait(call->task))
        ;
    call->session->shell->outside_waits--;
    over = sleep->over;
    uv_close((uv_handle_t *)&sleep->timer, handle_free_owner);
    return over;
}

struct turn {
    uv_idle_t idle;
    struct task *task;
    bool over;
};

static void turn_over(uv_idle_t *idle)
{
    struct turn *turn = idle->data;

    uv_idle_stop(idle);
    turn->over = true;
    task_wake(turn->task);
}

/* No timer: libuv runs one that is due at once, and the next that it starts, without ever looking at signals and sockets between. */
bool call_yield(struct call *call)
{
    struct turn *turn = mem_zero(sizeof(*turn));
    bool over;

    uv_idle_init(call->session->shell->loop, &turn->idle);
    turn->idle.data = turn;
    turn->task = call->task;
    uv_idle_start(&turn->idle, turn_over);
    call->session->shell->outside_waits++;
    while (!turn->over && task_wait(call->task))
        ;
    call->session->shell->outside_waits--;
    over = turn->over && !task_interrupted(call->task);
    uv_close((uv_handle_t *)&turn->idle, handle_free_owner);
    return over;
}

bool call_on_terminal(const struct call *call)
{
    return call->out->terminal;
}

void call_progress(struct call *call, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    if (call->err->progress) {
        text_clear(call->err->progress);
        text_vprintf(call->err->progress, format, args);
    } else if (call->err->terminal) {
        call->err->write(call->err, "\r\x1b[K", 4);
        stream_vprint(call->err, format, args);
    }
    va_end(args);
}

struct transport *call_transport(struct call *call)
{
    struct shell *shell = call->session->shell;

    if (call->lab)
        return lab_transport(call->lab, "127.0.0.1");
    return transport_tcp(shell->loop, shell->wall);
}

/* Time as Kafka's log lines print it: [2022-05-11 18:25:43,465], of the lab's clock (or the wall's without a lab). */
static void call_log_time(struct call *call, char out[32])
{
    int64_t us = call->lab ? queue_now_us(lab_queue(call->lab)) : wall_now_us();
    time_t seconds = (time_t)(us / 1000000);
    struct tm tm;
    size_t at;

    localtime_r(&seconds, &tm);
    at = strftime(out, 32, "[%Y-%m-%d %H:%M:%S", &tm);
    snprintf(out + at, 32 - at, ",%03d]", (int)(us / 1000 % 1000));
}

void call_log(struct call *call, const char *level, const char *message, const char *logger)
{
    char time[32];

    call_log_time(call, time);
    call_error(call, "%s %s %s (%s)\n", time, level, message, logger);
}

enum { TOOL_START_US = 1000 };

static int run_command(struct call *call)
{
    struct lab *lab = call->lab;
    struct shell *shell = call->session->shell;
    int status;

    if (lab && lab_inspects(lab))
        return inspected_run(call);
    if (lab && lab_is_past(lab)) {
        if (!past_allows(call))
            return 1;
        past_hold(shell, lab, 1);
        status = call->command->run(call);
        past_hold(shell, lab, -1);
        return status;
    }
    if (lab && call->command->tool && lab_pace(lab) == PACE_RUNNING)
        call_sleep(call, TOOL_START_US);
    else if (lab && call->command->tool && lab_pace(lab) == PACE_PAUSED)
        lab_run_slice(lab, queue_now_us(lab_queue(lab)) + TOOL_START_US, NULL);
    return call->command->run(call);
}

/* For report: what checks something, and what failed. */
static void note_outcome(struct call *call, int64_t began_us, uint64_t entry, int status)
{
    struct outcome outcome = { .lab = call->lab, .began_us = began_us, .ended_us = queue_now_us(lab_queue(call->lab)), .entry = entry, .status = status };
    struct text text = { 0 };

    outcome.checks = call->command->checks && (!*call->command->checks || (call->argc > 1 && text_equal(call->argv[1], call->command->checks)));
    if (!outcome.checks && (!status || status == 130))
        return;
    for (int i = 0; i < call->argc && text.size < 2000; i++)
        text_printf(&text, "%s%s", i ? " " : "", call->argv[i]);
    outcome.text = text_take(&text);
    outcome.said = mem_text(call->said);
    outcome_add(call->session->shell, &outcome);
}

int call_run(struct call *call)
{
    struct lab *lab = call->lab;
    int64_t began_us = lab ? queue_now_us(lab_queue(lab)) : 0;
    uint64_t entry = lab ? journal_last(lab_journal(lab)) : 0;
    bool past = lab && lab_is_past(lab);
    int status;

    if (lab && queue_running(lab_queue(lab)) && !call_yield(call)) /* what the command before waited for may have called us within its event */
        return 130;
    began_us = lab ? queue_now_us(lab_queue(lab)) : 0;
    status = run_command(call);

    if (lab && !past && (call->session->shell->lab == lab || branch_number(call->session->shell, lab)))
        note_outcome(call, began_us, entry, status);
    return status;
}
