/* Jobs: what a line that runs is made of. Private to run.c, which begins them, job.c and child.c. */
#pragma once
#include "shell/language.h"
#include "shell/shell.h"

enum { STATUS_USAGE = 2, STATUS_UNKNOWN = 127, STATUS_INTERRUPTED = 130 };

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

struct jobs *jobs_of(struct session *session);                     /* made at the first use; session_done() ends them */

/* A job of a statement, whose stages it takes; `in` NULL: nothing to read. NULL: it can't be begun, which was said. */
struct job *job_new(struct session *session, struct statement *statement, struct stream *out, struct stream *err, struct input *in);
/* Each runs it and frees it in the end: in front, while `task` waits; one command of ours in the task of the session itself; behind. The status. */
int job_run(struct task *task, struct job *job);
int job_run_here(struct task *task, struct job *job);
int job_run_in_background(struct session *session, struct job *job, struct stream *out);

/* ---- for child.c ---- */
void child_start(struct stage *stage);
void stage_close(struct stage *stage);                             /* its own streams */
void stage_ended(struct stage *stage, int status);                 /* may free the job */
void job_children_changed(struct job *job, int by);                /* +1, -1: real time passes for them */
