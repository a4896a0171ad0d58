/* The process: libuv's loop, the lab, the sessions. main.c makes it and runs the only loop. */
#pragma once
#include "shell/session.h"

struct shell {
    uv_loop_t *loop;
    struct lab *lab;                  /* NULL in a tool called by Kafka's name, or joined to another's lab */
    struct transport *tcp;            /* for what is not in process */
    struct timers *wall;
    struct session *foreground;       /* whose command gets Ctrl-C */
    struct task *foreground_task;     /* waiting command; NULL: none */
    bool ending;
    int exit_status;
    /* Called after each turn of the loop in which something may have changed: the view draws, the prompt is shown again. */
    void (*changed)(void *context);
    void *changed_context;
};
/* Runs the loop until `shell->ending`, or until *done. */
void shell_run(struct shell *shell, const bool *done);
void shell_wake(struct shell *shell);     /* another turn soon */
