/* Running what language.h parsed: which word is a command, which is a child's, and what to say of one that is neither. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shell/job.h"

enum { MOST_DEPTH = 16 };

/* ---- variables ---- */

/* Falls back on the environment; NULL: not set. */
static const char *session_variable(struct session *session, const char *name)
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

static void session_set_variable(struct session *session, const char *name, const char *value)
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
    stream_print(err, "%s: there is no such command", text_chars(&name));
    if (near)
        stream_print(err, "; did you mean %s?\n", near);
    else if (session->allow_shell && !statement->bang && statement->count == 1 && in_path(simple->argv[0]))
        stream_print(err, " here; !%s runs the system's (help shows ours)\n", text_chars(&name));
    else
        stream_print(err, " (help shows what there is)\n");
    text_done(&name);
    return STATUS_UNKNOWN;
}

static bool may_be_child(const struct simple *simple, const struct statement *statement, const struct session *session)
{
    return session->allow_shell && (statement->bang || statement->count > 1) && (in_path(simple->argv[0]) || of_the_shell(simple->argv[0]));
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
        return job_run_in_background(session, job, out);
    if (job->count == 1 && job->stages[0].simple.command)
        return job_run_here(task, job);
    return job_run(task, job);
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
    stream_print(err, "That is Python: run it in a notebook or with python3, against localhost:%d. This shell takes Kafka's tools and its own commands (help).\n",
                session->lab ? (int)lab_port(session->lab, 0) : 9092);
    return 1;
}

static int run_statement(struct task *task, struct session *session, struct statement *statement, struct stream *out, struct stream *err, struct input *in)
{
    switch (statement->kind) {
    case STATEMENT_PYTHON:
        return say_python(session, err);
    case STATEMENT_NOT_NEEDED:
        stream_print(out, "not needed here: %s\n", statement->hint);
        return 0;
    case STATEMENT_LAYOUT:
        stream_print(err, "The keyboard is on a Cyrillic layout; that would be: %s\n", statement->hint);
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
        stream_print(err, "source: %d files deep, one of them calls itself\n", MOST_DEPTH);
        return 1;
    }
    jobs->depth++;
    language_begin(&language, text, variable, session);
    while (!session->exiting && !task_interrupted(task) && (parsed = language_next(&language, &statement, &reason)) != 0) {
        if (parsed < 0) {
            stream_print(err, "syntax: %s\n", reason.text);
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
