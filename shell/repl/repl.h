/* The REPL: readline by its callback interface, completion, history, the banner; and the view's prompt row. */
#pragma once
#include "shell/shell.h"

/* Until exit or the end of input. Returns the exit status. */
int repl_run(struct shell *shell, struct session *session);
