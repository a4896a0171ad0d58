/* A job: one line's commands with the streams between them, in the foreground or not. Commands of ours are tasks, others children (child.c). */
#include "shell/job.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "shell/branches.h"
#include "shell/past.h"

struct jobs *jobs_of(struct session *session)
{
    if (!session->jobs) {
        session->jobs = mem_zero(sizeof(*session->jobs));
        session->jobs->session = session;
    }
    return session->jobs;
}

/* ---- streams of a command ---- */

static bool open_file(struct stage *stage, const struct redirect *redirect)
{
    bool append = redirect->kind == REDIRECT_APPEND || redirect->kind == REDIRECT_ERR_APPEND;
    int fd = redirect->kind == REDIRECT_IN ? open(redirect->word, O_RDONLY | O_CLOEXEC)
                                           : open(redirect->word, O_WRONLY | O_CREAT | O_CLOEXEC | (append ? O_APPEND : O_TRUNC), 0666);
    struct stream *stream;

    if (fd < 0) {
        stream_print(stage->call.err, "%s: %s\n", redirect->word, strerror(errno));
        return false;
    }
    if (redirect->kind == REDIRECT_IN) {
        input_close(stage->own_in);
        stage->own_in = stage->call.in = input_descriptor(stage->call.session->shell->loop, fd, true);
        return true;
    }
    stream = stream_descriptor(fd, true);
    if (redirect->kind == REDIRECT_ERR || redirect->kind == REDIRECT_ERR_APPEND) {
        stream_close(stage->own_err);
        stage->own_err = stage->call.err = stream;
    } else {
        if (stage->own_out && stage->own_out != stage->call.err)
            stream_close(stage->own_out); /* a pipe nobody writes to: its reader sees the end */
        stage->own_out = stage->call.out = stream;
    }
    return true;
}

static bool redirect_all(struct stage *stage)
{
    for (size_t i = 0; i < stage->simple.redirect_count; i++) {
        const struct redirect *redirect = &stage->simple.redirects[i];

        if (redirect->kind == REDIRECT_ERR_TO_OUT) {
            stage->call.err = stage->call.out;
        } else if (redirect->kind == REDIRECT_OUT_TO_ERR) {
            stage->call.out = stage->call.err;
        } else if (redirect->kind == REDIRECT_TEXT) {
            input_close(stage->own_in);
            stage->own_in = stage->call.in = input_text(redirect->word, strlen(redirect->word));
        } else if (!open_file(stage, redirect)) {
            return false;
        }
    }
    return true;
}

void stage_close(struct stage *stage)
{
    stream_written_by(stage->own_out, NULL);
    stream_close(stage->own_out);
    stream_close(stage->own_err);
    input_close(stage->own_in);
    stage->own_out = stage->own_err = NULL;
    stage->own_in = NULL;
}

static void free_simple(struct simple *simple)
{
    struct statement statement = { 0 };
    size_t capacity = 0;

    ARRAY_ADD(statement.stages, statement.count, capacity) = *simple;
    statement_done(&statement);
}

static void job_free(struct job *job)
{
    for (size_t i = 0; i < job->count; i++) {
        stage_close(&job->stages[i]);
        free_simple(&job->stages[i].simple);
    }
    mem_free(job->stages);
    mem_free(job->text);
    mem_free(job);
}

/* ---- the life of a job ---- */

void job_children_changed(struct job *job, int by)
{
    const struct shell *shell = job->jobs->session->shell;

    job->children += by;
    if (job->lab && (job->lab == shell->lab || branch_number(shell, job->lab))) /* it may have been closed meanwhile */
        lab_hold_jumping(job->lab, by);
}

void stage_ended(struct stage *stage, int status)
{
    struct job *job = stage->job;

    stage->ended = true;
    stage->status = status;
    stage_close(stage); /* may run the next stage on to its end, never to ours */
    if (--job->left)
        return;
    if (job->number)
        return; /* `jobs` and the prompt tell */
    if (job->abandoned) {
        job->jobs->dying--;
        job_free(job);
    } else if (job->waiter) {
        task_wake(job->waiter);
    }
}

static int run_ours(struct call *call)
{
    struct session *session = call->session;

    if (session->remote && !call->command->local)
        return session->remote(call);
    if (call->command->needs_lab && !call->lab) {
        call_error(call, "%s: there is no lab here\n", call->command->name);
        return 1;
    }
    return call_run(call);
}

static void stage_task(struct task *task, void *context)
{
    struct stage *stage = context;

    stage->task = stage->call.task = task;
    stream_written_by(stage->own_out, task);
    stage->status = run_ours(&stage->call);
    if (stage->status == 0 && task_interrupted(task))
        stage->status = STATUS_INTERRUPTED;
}

static void stage_task_ended(void *context)
{
    struct stage *stage = context;

    stage->task = NULL;
    stage_ended(stage, stage->status);
}

/* ---- starting ---- */

/* The pipe from a stage to the next; each side gets its own kind of end. */
static bool connect_stages(struct stage *from, struct stage *to, uv_loop_t *loop)
{
    int ends[2];

    if (from->simple.command && to->simple.command) {
        to->own_in = input_pipe(&from->own_out);
    } else {
        if (pipe2(ends, O_CLOEXEC)) {
            stream_print(from->call.err, "pipe: %s\n", strerror(errno));
            return false;
        }
        if (from->simple.command) {
            fcntl(ends[1], F_SETFL, O_NONBLOCK);
            from->own_out = stream_pipe(loop, ends[1]);
        } else {
            from->own_out = stream_descriptor(ends[1], true);
        }
        to->own_in = input_descriptor(loop, ends[0], true);
    }
    from->call.out = from->own_out;
    to->call.in = to->own_in;
    return true;
}

struct job *job_new(struct session *session, struct statement *statement, struct stream *out, struct stream *err, struct input *in)
{
    struct job *job = mem_zero(sizeof(*job));

    job->jobs = jobs_of(session);
    job->lab = session_live(session);
    job->text = mem_text(statement->source);
    job->count = job->left = statement->count;
    job->stages = mem_zero_array(statement->count, sizeof(*job->stages));
    for (size_t i = 0; i < job->count; i++) {
        struct stage *stage = &job->stages[i];

        stage->job = job;
        stage->simple = statement->stages[i];
        statement->stages[i] = (struct simple){ 0 };
        stage->call = (struct call){ .session = session, .lab = session->lab, .command = stage->simple.command, .argc = stage->simple.argc, .argv = stage->simple.argv,
                                     .out = out, .err = err, .in = in, .background = statement->background };
    }
    if (!in || statement->background)
        job->stages[0].own_in = job->stages[0].call.in = input_none();
    for (size_t i = 0; i < job->count; i++) {
        if (i + 1 < job->count && !connect_stages(&job->stages[i], &job->stages[i + 1], session->shell->loop))
            goto failed;
        if (!redirect_all(&job->stages[i]))
            goto failed;
    }
    return job;
failed:
    job_free(job);
    return NULL;
}

/* Readers first, so that they wait when the first line comes. */
static void job_start(struct job *job)
{
    size_t count = job->count;

    for (size_t i = count; i-- > 0;) {
        struct stage *stage = &job->stages[i];

        if (stage->simple.command)
            task_start(stage_task, stage_task_ended, stage);
        else if (stage->simple.argc)
            child_start(stage);
        else
            stage_ended(stage, 0); /* "> FILE" alone makes the file */
    }
}

static void job_interrupt(struct job *job, int signal)
{
    size_t count = job->count;

    for (size_t i = 0; i < count; i++)
        if (job->stages[i].process)
            uv_process_kill(job->stages[i].process, signal);
    for (size_t i = 0; i < count; i++)
        if (job->stages[i].task && !task_interrupted(job->stages[i].task))
            task_interrupt(job->stages[i].task);
}

static int job_status(const struct job *job)
{
    return job->stages[job->count - 1].status;
}

/* Only children, at the terminal: they get the Ctrl-C themselves, and may do with it what they like. */
static bool own_terminal(const struct job *job)
{
    for (size_t i = 0; i < job->count; i++)
        if (job->stages[i].simple.command)
            return false;
    return job->stages[job->count - 1].call.session->interactive && job->stages[job->count - 1].call.out->terminal;
}

int job_run(struct task *task, struct job *job)
{
    struct shell *shell = job->jobs->session->shell;
    struct task *foreground = shell->foreground;
    bool outside, more = true;
    int status;

    job_start(job);
    outside = job->children > 0 && (size_t)job->children == job->count; /* a stage of ours may need virtual time */
    job->waiter = task;
    if (own_terminal(job) && foreground == task)
        shell->foreground = NULL;
    shell->outside_waits += outside;
    while (job->left && more)
        more = task_wait(task);
    shell->outside_waits -= outside;
    if (shell->foreground == NULL && foreground == task)
        shell->foreground = foreground;
    job->waiter = NULL;
    if (job->left) {
        job->abandoned = true;
        job->jobs->dying++;
        job->left++; /* holds it while its parts end */
        job_interrupt(job, SIGINT);
        if (--job->left == 0) {
            job->jobs->dying--;
            job_free(job);
        }
        return STATUS_INTERRUPTED;
    }
    status = job_status(job);
    job_free(job);
    return status;
}

int job_run_in_background(struct session *session, struct job *job, struct stream *out)
{
    struct jobs *jobs = job->jobs;
    int number = 1;

    for (size_t i = 0; i < jobs->count; i++) /* the smallest that is free */
        if (jobs->jobs[i]->number == number)
            number++, i = (size_t)-1;
    job->number = number;
    ARRAY_ADD(jobs->jobs, jobs->count, jobs->capacity) = job;
    if (session->interactive)
        stream_print(out, "[%d] %s\n", number, job->text);
    job_start(job);
    return 0;
}

int job_run_here(struct task *task, struct job *job)
{
    struct stage *stage = &job->stages[0];
    int status;

    stage->call.task = task;
    stream_written_by(stage->own_out, task);
    status = run_ours(&stage->call);
    job_free(job);
    return status;
}

/* ---- background jobs, from outside ---- */

size_t session_job_count(const struct session *session)
{
    return session->jobs ? session->jobs->count : 0;
}

struct job_info session_job(const struct session *session, size_t i)
{
    const struct job *job = session->jobs->jobs[i];

    return (struct job_info){ job->number, job->left > 0, job_status(job), job->text };
}

void session_end_jobs_of(struct session *session, const struct lab *lab)
{
    for (size_t i = 0; i < session_job_count(session); i++) {
        struct job *job = session->jobs->jobs[i];

        for (size_t s = 0; s < job->count; s++)
            if (job->left && job->stages[s].call.lab == lab) {
                job_interrupt(job, SIGTERM);
                break;
            }
    }
}

static void drop_job(struct jobs *jobs, size_t i)
{
    job_free(jobs->jobs[i]);
    memmove(&jobs->jobs[i], &jobs->jobs[i + 1], (--jobs->count - i) * sizeof(*jobs->jobs));
}

bool session_job_end(struct session *session, int number)
{
    for (size_t i = 0; i < session_job_count(session); i++) {
        struct job *job = session->jobs->jobs[i];

        if (job->number != number)
            continue;
        if (job->left)
            job_interrupt(job, SIGTERM);
        return true;
    }
    return false;
}

void session_jobs_report(struct session *session, struct stream *out)
{
    for (size_t i = 0; i < session_job_count(session); i++) {
        struct job_info info = session_job(session, i);

        if (info.running)
            continue;
        if (out && info.status)
            stream_print(out, "[%d] exit %d  %s\n", info.number, info.status, info.text);
        else if (out)
            stream_print(out, "[%d] done  %s\n", info.number, info.text);
        drop_job(session->jobs, i--);
    }
}

bool session_busy(const struct session *session)
{
    return session->jobs && session->jobs->dying > 0;
}

static bool children_live(const struct session *session)
{
    bool live = session_busy(session);

    for (size_t i = 0; i < session_job_count(session); i++)
        live |= session->jobs->jobs[i]->left > 0;
    return live;
}

void session_done(struct session *session)
{
    struct jobs *jobs = session->jobs;
    int64_t end = monotonic_now_us() + 500000;

    past_leave(session);
    branch_leave(session);
    if (!jobs)
        return;
    for (size_t i = 0; i < jobs->count; i++)
        if (jobs->jobs[i]->left)
            job_interrupt(jobs->jobs[i], SIGTERM);
    while (children_live(session) && monotonic_now_us() < end) {
        uv_run(session->shell->loop, UV_RUN_NOWAIT);
        usleep(2000);
    }
    if (children_live(session))
        return; /* one that does not end keeps its memory */
    session_jobs_report(session, NULL);
    for (size_t i = 0; i < jobs->variable_count; i++) {
        mem_free(jobs->variables[i].name);
        mem_free(jobs->variables[i].value);
    }
    mem_free(jobs->variables);
    mem_free(jobs->jobs);
    mem_free(jobs);
    session->jobs = NULL;
}
