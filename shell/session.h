/* A session: one place where commands are run - the REPL, a script, a joined terminal, a lesson's block, a test - with its streams, its
 * lab and its state. A command is a task and a `struct call` is one running: it prints to, reads from and waits in it. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "shell/stream.h"
#include "shell/translate.h"
#include "sim/sim.h"

struct shell;                        /* shell/shell.h: the process: loop, lab, sessions */
struct call;
struct command;

enum print_mode { PRINT_TABLE, PRINT_CSV, PRINT_JSON };

struct session {                     /* fields are for shell/; commands use the functions */
    struct shell *shell;
    struct lab *lab;                 /* NULL: none (a tool called by Kafka's name) */
    enum release release;            /* whose texts the tools print */
    enum print_mode mode;
    enum lang lang;          /* of our own texts; what Kafka's tools print is never translated */
    bool release_fixed;              /* --kafka or KAFKARIUM_KAFKA was given: else decided after connecting */
    bool script, stop_at_error;      /* set -e */
    bool allow_shell;                /* unknown words beside a pipe go to /bin/sh; not in lessons, not over --to */
    bool interactive;
    int last_status;
    char *lesson;                    /* the one under way: its name, and the step from 0; NULL: none */
    int lesson_step;
    bool lesson_answered;            /* the step's question */
    bool joined;                     /* of a caller of --to */
    bool failed;                     /* some command failed and nobody asked (&&, ||): a script's exit status is 1 */
    bool exiting;                    /* `exit` was run: its owner ends */
    int exit_status;
    struct jobs *jobs;               /* background jobs, children, variables: shell/job.h; NULL: none yet */
    /* Joined to a lab of another process: runs there what is not `local`. NULL: here. */
    int (*remote)(struct call *call);
    /* And asks there for names to complete; see shell/repl/complete.h. */
    void (*remote_names)(struct session *session, int kind, const char *prefix, void (*add)(void *context, const char *name), void *context);
    char prompt[64];                 /* session_prompt() */
    void *owner;                     /* of the REPL, the lesson, ... */
};

/* ---- for commands ---- */
struct call {
    struct session *session;
    struct lab *lab;                 /* the session's when the command began: it keeps it, whatever the session looks at meanwhile */
    struct task *task;
    const struct command *command;
    int argc;
    char **argv;                     /* argv[0] is the name as typed, without path and .sh */
    struct stream *out, *err;
    struct input *in;
    bool background;
    void *options;                   /* parsed by the command itself */
    char said[240];                  /* the first that call_error() printed, for report */
};
struct lab *call_lab(const struct call *call);
enum release call_release(const struct call *call);
void call_print(struct call *call, const char *format, ...) __attribute__((format(printf, 2, 3)));   /* stdout */
void call_write(struct call *call, const void *data, size_t size);                                   /* stdout, raw */
void call_error(struct call *call, const char *format, ...) __attribute__((format(printf, 2, 3)));   /* stderr; broken at words on a terminal, but what Kafka's tools say */
void call_error_prose(struct call *call, const char *text);   /* our own words, also in one of Kafka's tools */
/* A line from the input, allocated; NULL at the end or when interrupted. Prompt (may be NULL) goes to stdout first, as Kafka's producer does with '>'. */
char *call_read_line(struct call *call, const char *prompt, size_t *size);
bool call_sleep(struct call *call, int64_t virtual_us);     /* false: interrupted */
bool call_sleep_wall(struct call *call, int64_t wall_us);
bool call_yield(struct call *call);                          /* lets the loop turn once: long work in slices; false: interrupted */
bool call_interrupted(const struct call *call);
bool call_on_terminal(const struct call *call);              /* stdout is a terminal */
/* "retention: 3 of 12 s" on a terminal's last line, wiped at the end; nothing elsewhere. */
void call_progress(struct call *call, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The transport for an address list, and options of a client of the tools: prints its warnings as Kafka's log4j does ("[time] WARN ... (logger)") to
 * `log_to_out` ? stdout : stderr. The caller closes the client, then transport_free. */
struct transport *call_transport(struct call *call);
/* "[time] LEVEL message (logger)\n" */
void call_log(struct call *call, const char *level, const char *message, const char *logger);

/* Runs call->command in call->task. One of Kafka's tools first takes a millisecond of virtual time, as starting takes time: the brokers know by then what
 * the command before it changed. */
int call_run(struct call *call);

/* ---- running lines ---- */
/* Parses and runs a line, or several, in `session`; in a task. All statements run, unless set -e, exit or an interrupt stops. Output of commands goes to
 * out and err unless redirected; `out`, `err`, `in` are borrowed. Returns the exit status of the last. */
int session_run(struct task *task, struct session *session, const char *text, struct stream *out, struct stream *err, struct input *in);
/* A script is over, and its lab with it: its exit status, which is 1 also where a fault was never hit; that is said on `err`. */
int session_end_script(struct session *session, int status, struct stream *out, struct stream *err);
/* Ends jobs and frees what session_run keeps; the session itself is the caller's. */
void session_done(struct session *session);
/* Children of a foreground command that was interrupted and still live: the REPL's prompt waits for them. */
bool session_busy(const struct session *session);

/* ---- background jobs ---- */
struct job_info {
    int number;
    bool running;
    int status;
    const char *text;
};
size_t session_job_count(const struct session *session);
struct job_info session_job(const struct session *session, size_t i);
bool session_job_end(struct session *session, int number);               /* false: no such job */
void session_jobs_report(struct session *session, struct stream *out);   /* says which ended since the last time */
/* Those that run in this lab are told to end. */
void session_end_jobs_of(struct session *session, const struct lab *lab);
/* The lab that lives, also while the session looks at its past. */
const char *session_prompt(struct session *session);   /* "kafkarium> ", in the past "PAST 10:03:04.2> " */
struct lab *session_live(const struct session *session);
