/* The REPL: readline by its callback interface, completion, history, the banner; and the view's prompt row. */
#pragma once
#include "shell/shell.h"

/* Until exit or the end of input. Returns the exit status. */
int repl_run(struct shell *shell, struct session *session);

/* ---- for the view, which shows the prompt in a row of its own ----
 * The command `view` runs as the REPL's foreground; its task calls repl_take(), shows the row as draw() says, and gives keys of the prompt to
 * repl_feed(). A line that is entered so runs as the foreground meanwhile, and prints to `out`. repl_release() gives all back, before the command ends. */
struct repl;
struct repl_hook {
    /* The row changed: prompt and line as UTF-8 text, the cursor in bytes of `line`. */
    void (*draw)(void *context, const char *prompt, const char *line, size_t cursor);
    struct stream *out;                                  /* where commands print */
    struct input *in;                                    /* what they read; NULL: nothing */
    void (*running)(void *context, bool running);        /* a command begins, ends; may be NULL */
    void *context;
};
struct repl *repl_of(const struct session *session);     /* NULL: a script, a lesson, a caller of --to's far end */
void repl_take(struct repl *repl, const struct repl_hook *hook); /* `hook` is borrowed until repl_release() */
void repl_release(struct repl *repl);
/* Bytes as a terminal sends them, whole key sequences at a time ("\x1b[A"). Ignored while a command runs. */
void repl_feed(struct repl *repl, const char *bytes, size_t size);
void repl_interrupt(struct repl *repl);                  /* Ctrl-C: ends the running command, or clears the line */
bool repl_done(const struct repl *repl);                 /* exit was entered: the view ends */
