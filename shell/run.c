/* Running what language.h parsed: commands of ours as tasks, others as children of /bin/sh, pipes between them, background jobs. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shell/branches.h"
#include "shell/language.h"
#include "shell/past.h"
#include "shell/shell.h"

enum { STATUS_USAGE = 2, STATUS_UNKNOWN = 127, STATUS_INTERRUPTED = 130, MOST_DEPTH = 16 };

struct job;
struct stage {
    struct job *job;
    struct call call;
    struct simple simple;          /* taken from the statement */
    struct stream *own_out, *own_err; /* to be closed at the end */
    struct input *own_in;
    struct task *task;             /* while it runs, if it is ours */
    uv_process_t *process;         /* while it runs, if it is a child */
    int pumps;                     /* of a child's streams that are no descriptors */
    bool ended;
    int status;
};

struct job {
    struct jobs *jobs;
    int number;                    /* 0: foreground */
    char *text;
    struct stage *stages;
    size_t count, left;
    int children;                  /* started as children, for time's sake */
    struct lab *lab;               /* whose time that is */
    struct task *waiter;           /* foreground: who waits */
    bool abandoned;                /* nobody waits any more */
};

struct variable {
    char *name, *value;
};

struct jobs {
    struct session *session;
    struct job **jobs;             /* background */
    size_t count, capacity;
    struct variable *variables;
    size_t variable_count, variable_capacity;
    int dying;                     /* children of interrupted foreground commands */
    int depth;
    int64_t python_at_us;
    char number[16];
};

static struct jobs *jobs_of(struct session *session)
{
    if (!session->jobs) {
        session->jobs = mem_zero(sizeof(*session->jobs));
        session->jobs->session = session;
    }
    return session->jobs;
}

/* ---- variables ---- */

const char *session_variable(struct session *session, const char *name)
{
    struct jobs *jobs = jobs_of(session);

    if (!strcmp(name, "?")) {
        snprintf(jobs->number, sizeof(jobs->number), "%d", session->last_status);
        return jobs->number;
    }
    for (size_t i = 0; i < jobs->variable_count; i++)
        if (!strcmp(jobs->variables[i].name, name))
            return jobs->variables[i].value;
    return getenv(name);
}

void session_set_variable(struct session *session, const char *name, const char *value)
{
    struct jobs *jobs = jobs_of(session);

    for (size_t i = 0; i < jobs->variable_count; i++) {
        if (!strcmp(jobs->variables[i].name, name)) {
            mem_free(jobs->variables[i].value);
            jobs->variables[i].value = mem_text(value);
            return;
        }
    }
    ARRAY_ADD(jobs->variables, jobs->variable_count, jobs->variable_capacity) = (struct variable){ mem_text(name), mem_text(value) };
}

static const char *variable(void *context, const char *name)
{
    return session_variable(context, name);
}

/* The environment of a child: ours and the session's variables. */
static char **child_environment(const struct jobs *jobs)
{
    extern char **environ;
    char **list = NULL;
    size_t count = 0, capacity = 0;

    for (char **at = environ; *at; at++) {
        bool replaced = false;

        for (size_t i = 0; i < jobs->variable_count; i++) {
            size_t size = strlen(jobs->variables[i].name);

            replaced |= !strncmp(*at, jobs->variables[i].name, size) && (*at)[size] == '=';
        }
        if (!replaced)
            ARRAY_ADD(list, count, capacity) = mem_text(*at);
    }
    for (size_t i = 0; i < jobs->variable_count; i++)
        ARRAY_ADD(list, count, capacity) = mem_printf("%s=%s", jobs->variables[i].name, jobs->variables[i].value);
    ARRAY_ADD(list, count, capacity) = NULL;
    return list;
}

/* ---- streams of a command ---- */

static void print_error(struct stream *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void print_error(struct stream *err, const char *format, ...)
{
    struct text text = { 0 };
    va_list args;

    va_start(args, format);
    text_vprintf(&text, format, args);
    va_end(args);
    err->write(err, text_chars(&text), text.size);
    text_done(&text);
}

static bool open_file(struct stage *stage, const struct redirect *redirect)
{
    bool append = redirect->kind == REDIRECT_APPEND || redirect->kind == REDIRECT_ERR_APPEND;
    int fd = redirect->kind == REDIRECT_IN ? open(redirect->word, O_RDONLY | O_CLOEXEC)
                                           : open(redirect->word, O_WRONLY | O_CREAT | O_CLOEXEC | (append ? O_APPEND : O_TRUNC), 0666);
    struct stream *stream;

    if (fd < 0) {
        print_error(stage->call.err, "%s: %s\n", redirect->word, strerror(errno));
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

static void close_stage(struct stage *stage)
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
        close_stage(&job->stages[i]);
        free_simple(&job->stages[i].simple);
    }
    mem_free(job->stages);
    mem_free(job->text);
    mem_free(job);
}

/* ---- the life of a job ---- */

static void children_changed(struct job *job, int by)
{
    const struct shell *shell = job->jobs->session->shell;

    job->children += by;
    if (job->lab && (job->lab == shell->lab || branch_number(shell, job->lab))) /* it may have been closed meanwhile */
        lab_hold_jumping(job->lab, by);
}

static void stage_ended(struct stage *stage, int status)
{
    struct job *job = stage->job;

    stage->ended = true;
    stage->status = status;
    close_stage(stage); /* may run the next stage on to its end, never to ours */
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

/* ---- children ---- */

struct pump {                      /* a child's output into a stream that is no descriptor, or text into its input */
    uv_poll_t poll;
    int fd;
    struct stage *stage;
    struct stream *to;             /* NULL: inward */
    char *data;
    size_t size, at;
};

static void free_handle(uv_handle_t *handle)
{
    mem_free(handle->data);
}

static void child_may_have_ended(struct stage *stage)
{
    if (stage->process || stage->pumps)
        return;
    children_changed(stage->job, -1);
    stage_ended(stage, stage->status);
}

static void pump_end(struct pump *pump)
{
    struct stage *stage = pump->stage;
    bool counted = pump->to != NULL;

    uv_poll_stop(&pump->poll);
    close(pump->fd);
    mem_free(pump->data);
    uv_close((uv_handle_t *)&pump->poll, free_handle);
    if (counted) {
        stage->pumps--;
        child_may_have_ended(stage);
    }
}

static void on_pump_out(uv_poll_t *poll, int status, int events)
{
    struct pump *pump = poll->data;
    char part[16384];
    ssize_t got = status < 0 ? 0 : read(pump->fd, part, sizeof(part));

    (void)events;
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0)
        pump_end(pump);
    else
        pump->to->write(pump->to, part, (size_t)got);
}

static void on_pump_in(uv_poll_t *poll, int status, int events)
{
    struct pump *pump = poll->data;
    ssize_t written = status < 0 ? -1 : write(pump->fd, pump->data + pump->at, pump->size - pump->at);

    (void)events;
    if (written < 0 && status >= 0 && (errno == EAGAIN || errno == EINTR))
        return;
    pump->at += written > 0 ? (size_t)written : 0;
    if (written < 0 || pump->at == pump->size)
        pump_end(pump);
}

/* A pipe whose one end the child gets (returned) and the other a pump works. */
static int start_pump(struct stage *stage, struct stream *to, struct bytes text)
{
    struct pump *pump;
    int ends[2];

    if (pipe2(ends, O_CLOEXEC))
        return -1;
    pump = mem_zero(sizeof(*pump));
    pump->stage = stage;
    pump->to = to;
    pump->fd = to ? ends[0] : ends[1];
    pump->data = mem_copy(text.data, text.size);
    pump->size = text.size;
    if (!to && !text.size) { /* nothing to say: closed at once */
        close(pump->fd);
        mem_free(pump);
        return ends[0];
    }
    uv_poll_init(stage->call.session->shell->loop, &pump->poll, pump->fd);
    pump->poll.data = pump;
    uv_poll_start(&pump->poll, to ? UV_READABLE | UV_DISCONNECT : UV_WRITABLE, to ? on_pump_out : on_pump_in);
    stage->pumps += to != NULL;
    return to ? ends[1] : ends[0];
}

static void on_exit_of_child(uv_process_t *process, int64_t status, int signal)
{
    struct stage *stage = process->data;

    stage->process = NULL;
    stage->status = signal ? 128 + signal : (int)status;
    process->data = process;
    uv_close((uv_handle_t *)process, free_handle);
    child_may_have_ended(stage);
}

static void start_child(struct stage *stage)
{
    char *args[] = { "sh", "-c", stage->simple.source, NULL };
    struct input *in = stage->call.in;
    struct stream *streams[2] = { stage->call.out, stage->call.err };
    int opened[3] = { -1, -1, -1 };
    uv_stdio_container_t stdio[3];
    uv_process_options_t options = { .exit_cb = on_exit_of_child, .file = "/bin/sh", .args = args, .stdio_count = 3, .stdio = stdio };
    uv_process_t *process = mem_zero(sizeof(*process));
    int error, fd = input_fd(in);

    if (fd < 0)
        fd = opened[0] = start_pump(stage, NULL, input_left(in));
    stdio[0] = (uv_stdio_container_t){ .flags = UV_INHERIT_FD, .data.fd = fd };
    for (int i = 0; i < 2; i++) {
        fd = stage->job->number && streams[i]->terminal ? -1 : stream_fd(streams[i]); /* in the background not across the prompt */
        if (i && fd < 0 && streams[1] == streams[0])
            fd = stdio[1].data.fd;
        else if (fd < 0)
            fd = opened[i + 1] = start_pump(stage, streams[i], (struct bytes){ NULL, 0 });
        stdio[i + 1] = (uv_stdio_container_t){ .flags = UV_INHERIT_FD, .data.fd = fd };
    }
    options.env = child_environment(stage->job->jobs);
    if (stage->job->number)
        options.flags = UV_PROCESS_DETACHED; /* a Ctrl-C at the terminal is not for it */
    process->data = stage;
    stage->process = process;
    children_changed(stage->job, 1);
    error = uv_spawn(stage->call.session->shell->loop, process, &options);
    for (char **at = options.env; *at; at++)
        mem_free(*at);
    mem_free(options.env);
    for (int i = 0; i < 3; i++)
        if (opened[i] >= 0)
            close(opened[i]);
    if (error)
        print_error(stage->call.err, "/bin/sh: %s\n", uv_strerror(error));
    close_stage(stage); /* the child has its own copies; so a pipe ends when the child does */
    if (error) {
        stage->process = NULL;
        stage->status = 126;
        process->data = process;
        uv_close((uv_handle_t *)process, free_handle);
        child_may_have_ended(stage);
    }
}

/* ---- starting ---- */

static bool in_path(const char *name)
{
    const char *path = getenv("PATH");
    bool found = false;

    if (strchr(name, '/'))
        return !access(name, X_OK);
    while (path && *path && !found) {
        size_t size = strcspn(path, ":");
        char *full = mem_printf("%.*s/%s", (int)size, path, name);

        found = !access(full, X_OK);
        mem_free(full);
        path += size + (path[size] == ':');
    }
    return found;
}

static bool of_the_shell(const char *name)
{
    static const char *const words[] = { "for", "while", "if", "case", "(", "{", "test", "[", "read", "printf", "true", "false", "export", "cd", "pwd", "command", ":" };

    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        if (!strcmp(name, words[i]))
            return true;
    return false;
}

/* Says what to type instead; the status. */
static int say_unknown(const struct simple *simple, const struct statement *statement, const struct session *session, struct stream *err)
{
    const char *near = command_nearest(simple->argv[0]);
    struct text name = { 0 };

    text_escaped(&name, bytes_text(simple->argv[0]));
    print_error(err, "%s: there is no such command", text_chars(&name));
    if (near)
        print_error(err, "; did you mean %s?\n", near);
    else if (session->allow_shell && !statement->bang && statement->count == 1 && in_path(simple->argv[0]))
        print_error(err, " here; !%s runs the system's (help shows ours)\n", text_chars(&name));
    else
        print_error(err, " (help shows what there is)\n");
    text_done(&name);
    return STATUS_UNKNOWN;
}

static bool may_be_child(const struct simple *simple, const struct statement *statement, const struct session *session)
{
    return session->allow_shell && (statement->bang || statement->count > 1) && (in_path(simple->argv[0]) || of_the_shell(simple->argv[0]));
}

/* The pipe from a stage to the next; each side gets its own kind of end. */
static bool connect_stages(struct stage *from, struct stage *to, uv_loop_t *loop)
{
    int ends[2];

    if (from->simple.command && to->simple.command) {
        to->own_in = input_pipe(&from->own_out);
    } else {
        if (pipe2(ends, O_CLOEXEC)) {
            print_error(from->call.err, "pipe: %s\n", strerror(errno));
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

static struct job *job_new(struct session *session, struct statement *statement, struct stream *out, struct stream *err, struct input *in)
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
            start_child(stage);
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

static int job_wait(struct task *task, struct job *job)
{
    struct shell *shell = job->jobs->session->shell;
    struct task *foreground = shell->foreground;
    bool outside = job->children > 0 && (size_t)job->children == job->count, more = true; /* a stage of ours may need virtual time */
    int status;

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

static int run_in_background(struct session *session, struct job *job, struct stream *out)
{
    struct jobs *jobs = job->jobs;
    int number = 1;

    for (size_t i = 0; i < jobs->count; i++) /* the smallest that is free */
        if (jobs->jobs[i]->number == number)
            number++, i = (size_t)-1;
    job->number = number;
    ARRAY_ADD(jobs->jobs, jobs->count, jobs->capacity) = job;
    if (session->interactive)
        print_error(out, "[%d] %s\n", number, job->text);
    job_start(job);
    return 0;
}

/* One command of ours in the task of the session itself. */
static int run_here(struct task *task, struct job *job)
{
    struct stage *stage = &job->stages[0];
    int status;

    stage->call.task = task;
    stream_written_by(stage->own_out, task);
    status = run_ours(&stage->call);
    job_free(job);
    return status;
}

static int run_commands(struct task *task, struct session *session, struct statement *statement, struct stream *out, struct stream *err, struct input *in)
{
    struct job *job;

    for (size_t i = 0; i < statement->count; i++) {
        const struct simple *simple = &statement->stages[i];

        if (simple->argc && !simple->command && !may_be_child(simple, statement, session))
            return say_unknown(simple, statement, session, err);
    }
    job = job_new(session, statement, out, err, in);
    if (!job)
        return 1;
    if (statement->background)
        return run_in_background(session, job, out);
    if (job->count == 1 && job->stages[0].simple.command)
        return run_here(task, job);
    job_start(job);
    return job_wait(task, job);
}

static int assign(struct session *session, const struct simple *simple)
{
    for (int i = 0; i < simple->argc; i++) {
        const char *equals = strchr(simple->argv[i], '=');
        char *name = equals ? mem_text_size(simple->argv[i], (size_t)(equals - simple->argv[i])) : NULL;

        if (name)
            session_set_variable(session, name, equals + 1);
        mem_free(name);
    }
    return 0;
}

static int say_python(struct session *session, struct stream *err)
{
    struct jobs *jobs = jobs_of(session);
    int64_t now = monotonic_now_us();
    bool just_said = jobs->python_at_us && now - jobs->python_at_us < 2000000;

    jobs->python_at_us = now;
    if (just_said) /* line after line of the same paste */
        return 1;
    print_error(err, "That is Python: run it in a notebook or with python3, against localhost:%d. This shell takes Kafka's tools and its own commands (help).\n",
                session->lab ? (int)lab_port(session->lab, 0) : 9092);
    return 1;
}

static int run_statement(struct task *task, struct session *session, struct statement *statement, struct stream *out, struct stream *err, struct input *in)
{
    switch (statement->kind) {
    case STATEMENT_PYTHON:
        return say_python(session, err);
    case STATEMENT_NOT_NEEDED:
        print_error(out, "not needed here: %s\n", statement->hint);
        return 0;
    case STATEMENT_LAYOUT:
        print_error(err, "The keyboard is on a Cyrillic layout; that would be: %s\n", statement->hint);
        return STATUS_UNKNOWN;
    case STATEMENT_ASSIGN:
        return assign(session, &statement->stages[0]);
    default:
        return run_commands(task, session, statement, out, err, in);
    }
}

static bool asked_for(const struct language *language)
{
    return language->join != JOIN_ALWAYS;
}

int session_run(struct task *task, struct session *session, const char *text, struct stream *out, struct stream *err, struct input *in)
{
    struct jobs *jobs = jobs_of(session);
    struct reason reason = { "" };
    struct language language;
    struct statement statement;
    int parsed, status = 0;

    if (jobs->depth >= MOST_DEPTH) {
        print_error(err, "source: %d files deep, one of them calls itself\n", MOST_DEPTH);
        return 1;
    }
    jobs->depth++;
    language_begin(&language, text, variable, session);
    while (!session->exiting && !task_interrupted(task) && (parsed = language_next(&language, &statement, &reason)) != 0) {
        if (parsed < 0) {
            print_error(err, "syntax: %s\n", reason.text);
            session->last_status = status = STATUS_USAGE;
            session->failed = true;
        } else {
            bool runs = statement.join == JOIN_ALWAYS || (statement.join == JOIN_AND) == (status == 0);

            if (runs) {
                status = run_statement(task, session, &statement, out, err, in);
                session->last_status = status;
            }
            statement_done(&statement);
            if (status && !asked_for(&language))
                session->failed = true;
        }
        if (status && session->stop_at_error && !asked_for(&language))
            break;
    }
    if (task_interrupted(task)) {
        status = session->last_status = STATUS_INTERRUPTED;
        session->failed = true;
    }
    jobs->depth--;
    return session->exiting ? session->exit_status : status;
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
            print_error(out, "[%d] exit %d  %s\n", info.number, info.status, info.text);
        else if (out)
            print_error(out, "[%d] done  %s\n", info.number, info.text);
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
