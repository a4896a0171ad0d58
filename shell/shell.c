/* The one event loop: virtual time gets its turn, then libuv waits for whatever comes first. */
#include "shell/shell.h"
#include "shell/branches.h"
#include "shell/breaks.h"
#include "shell/outcomes.h"
#include "shell/past.h"

#include <signal.h>
#include <stdio.h>

/* uv_run() runs timers before it waits, too: one that fired already must not let it wait for the next. */
static void end_waiting(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

static void on_interrupt(uv_signal_t *signal, int number)
{
    struct shell *shell = signal->data;

    (void)number;
    if (shell->foreground)
        task_interrupt(shell->foreground);
    else if (shell->interrupted)
        shell->interrupted(shell->interrupted_context);
    else
        shell->ending = true;
}

static void on_end(uv_signal_t *signal, int number)
{
    struct shell *shell = signal->data;

    (void)number;
    shell->ending = true;
    if (shell->foreground)
        task_interrupt(shell->foreground);
}

void shell_init(struct shell *shell)
{
    shell->replayed_per_s = 200000; /* until it is known better */
    shell->loop = mem_zero(sizeof(*shell->loop));
    uv_loop_init(shell->loop);
    uv_timer_init(shell->loop, &shell->tick);
    uv_signal_init(shell->loop, &shell->interrupt);
    uv_signal_init(shell->loop, &shell->terminate);
    uv_signal_init(shell->loop, &shell->hangup);
    shell->interrupt.data = shell->terminate.data = shell->hangup.data = shell;
    uv_signal_start(&shell->interrupt, on_interrupt, SIGINT);
    uv_signal_start(&shell->terminate, on_end, SIGTERM);
    uv_signal_start(&shell->hangup, on_end, SIGHUP);
    uv_unref((uv_handle_t *)&shell->interrupt);
    uv_unref((uv_handle_t *)&shell->terminate);
    uv_unref((uv_handle_t *)&shell->hangup);
    signal(SIGPIPE, SIG_IGN);
}

static void close_handle(uv_handle_t *handle, void *context)
{
    (void)context;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

void shell_done(struct shell *shell)
{
    breaks_end(shell, NULL);
    outcomes_end(shell);
    branches_end(shell);
    pasts_end(shell, NULL);
    lab_close(shell->lab);
    shell->lab = NULL;
    if (shell->outside) {
        wall_timers_free(shell->wall);
        queue_free(shell->outside);
    }
    uv_walk(shell->loop, close_handle, NULL);
    while (uv_run(shell->loop, UV_RUN_DEFAULT))
        ;
    uv_loop_close(shell->loop);
    mem_free(shell->loop);
    shell->loop = NULL;
}

static void turn_outside(struct shell *shell)
{
    if (!shell->outside)
        return;
    queue_run_until(shell->outside, wall_now_us() > queue_now_us(shell->outside) ? wall_now_us() : queue_now_us(shell->outside));
}

static int turn(struct shell *shell)
{
    int wait_ms = -1;
    int64_t gap;
    bool visited;

    turn_outside(shell);
    if (!shell->lab)
        return shell->outside && queue_next_us(shell->outside) != NEVER_US ? 10 : -1;
    visited = pasts_turn(shell);
    gap = lab_turn(shell->lab, shell->foreground && !shell->outside_waits && shell->current == shell->lab, &wait_ms);
    if (breaks_look(shell, shell->lab, NULL))
        wait_ms = 0;
    if (gap)
        shell_gap(shell, gap);
    if (wait_ms)
        lab_settle(shell->lab);
    wait_ms = branches_turn(shell, wait_ms);
    return visited ? 0 : wait_ms;
}

void shell_run(struct shell *shell, const bool *done)
{
    while (!shell->ending && !(done && *done)) {
        int wait_ms = turn(shell);

        if (shell->changed)
            shell->changed(shell->context);
        if (shell->ending || (done && *done))
            break;
        if (wait_ms > 0)
            uv_timer_start(&shell->tick, end_waiting, (uint64_t)wait_ms, 0);
        else
            uv_timer_stop(&shell->tick);
        uv_ref((uv_handle_t *)&shell->interrupt); /* so that an idle loop waits instead of returning at once */
        uv_run(shell->loop, wait_ms == 0 ? UV_RUN_NOWAIT : UV_RUN_ONCE);
        uv_unref((uv_handle_t *)&shell->interrupt);
    }
}

void handle_free(uv_handle_t *handle)
{
    mem_free(handle);
}

void handle_free_owner(uv_handle_t *handle)
{
    mem_free(handle->data);
}

void shell_gap(struct shell *shell, int64_t gap_us)
{
    struct text text = { 0 };

    text_add(&text, "Time stood still for ");
    text_duration(&text, gap_us);
    text_add(&text, " while the program was stopped; virtual time did not catch up.\n");
    if (shell->say)
        shell->say(shell->interrupted_context, text_chars(&text));
    else
        fputs(text_chars(&text), stderr);
    text_done(&text);
}

struct running {
    struct session *session;
    const char *text;
    struct stream *out, *err;
    struct input *in;
    int status;
    bool ended;
};

static void run_text(struct task *task, void *context)
{
    struct running *running = context;

    running->session->shell->foreground = task;
    running->status = session_run(task, running->session, running->text, running->out, running->err, running->in);
}

static void text_ended(void *context)
{
    struct running *running = context;

    running->ended = true;
    running->session->shell->foreground = NULL;
}

int shell_run_text(struct shell *shell, struct session *session, const char *text, struct stream *out, struct stream *err, struct input *in)
{
    struct running running = { session, text, out, err, in, 0, false };

    task_start(run_text, text_ended, &running);
    while (!running.ended) {
        shell_run(shell, &running.ended);
        if (shell->ending && !running.ended) { /* told to end: the command was interrupted; it may still need a turn or two */
            shell->ending = false;
            if (shell->foreground)
                task_interrupt(shell->foreground);
            shell_run(shell, &running.ended);
            shell->ending = true;
        }
    }
    return running.status;
}

int session_end_script(struct session *session, int status, struct stream *out, struct stream *err)
{
    struct input *none = input_none();
    int missed = faults_last(lab_wire(session->lab)) ? shell_run_text(session->shell, session, "fault missed", out, err, none) : 0;

    input_close(none);
    return status ? status : missed;
}
