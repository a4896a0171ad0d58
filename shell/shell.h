/* The process: libuv's loop, the lab, the sessions. main.c makes it; shell_run() is the only loop. */
#pragma once
#include "shell/session.h"

struct shell {
    uv_loop_t *loop;
    struct lab *lab;                  /* NULL in a tool called by Kafka's name, or joined to another's lab */
    struct timers *wall;              /* the process's own wall timers, for its TCP clients; also without a lab */
    struct queue *outside;            /* without a lab: the queue that `wall` fires into, on the wall's time */
    struct task *foreground;          /* the command that Ctrl-C ends; NULL: none runs */
    int outside_waits;                /* the foreground waits for a child, the keyboard or the wall: virtual time does not jump for it */
    int walking;                      /* commands under way that may hold what a second look at a real broker's folder would replace */
    struct control *control;          /* of --to; NULL: none */
    const struct lab_options *how;    /* as the lab was opened; for open */
    struct lab *current;              /* the one in which the foreground works: lab, or a branch */
    struct branch *branches;          /* shell/branches.c: more labs of this process */
    struct brk *breaks;               /* shell/breaks.c */
    bool break_flag, broke;           /* something happened at which one may hold; one did, during the last pace_run() */
    struct outcomes *outcomes;        /* shell/outcomes.c */
    struct visit *visits;             /* shell/past.c: who looks at the past */
    double replayed_per_s;            /* events and inputs that a replay manages: learned */
    bool ending;
    int exit_status;
    uv_timer_t tick;
    uv_signal_t interrupt, terminate, hangup;
    void (*interrupted)(void *context);   /* Ctrl-C with nothing in the foreground: the REPL's line */
    void (*say)(void *context, const char *text); /* a line of the program itself, above the prompt; NULL: to stderr */
    void *interrupted_context;            /* of both: the REPL's */
    void (*changed)(void *context);       /* after each turn of the loop: the view looks whether to draw */
    void *context;                        /* of changed */
};
void shell_init(struct shell *shell);     /* loop, signals; no lab yet */
void shell_done(struct shell *shell);     /* closes the lab too */
/* Turns the loop until `shell->ending`, or until *done (may be NULL). */
void shell_run(struct shell *shell, const bool *done);
/* Runs text in a session as the foreground and turns the loop until it ended. */
int shell_run_text(struct shell *shell, struct session *session, const char *text, struct stream *out, struct stream *err, struct input *in);
/* For uv_close(): frees a handle that was allocated by itself, or what it lies in, which its `data` names. */
void handle_free(uv_handle_t *handle);
void handle_free_owner(uv_handle_t *handle);
void shell_gap(struct shell *shell, int64_t gap_us);  /* the process stood still: said to who looks */
