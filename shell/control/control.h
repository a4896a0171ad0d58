/* The socket of --to: LAB/control, mode 0600. A caller (a shell, a script, the view in a second terminal, a client's test suite) sends lines to be
 * run in the lab's process and gets back what they print; it parses, completes, redirects and prints itself. */
#pragma once
#include "shell/options.h"
#include "shell/shell.h"

struct control;
/* Listens for callers; ERR_KAFKA_STORAGE_ERROR with a sentence if the socket can't be made. */
enum err control_open(struct control **out, struct shell *shell, struct reason *reason);
void control_close(struct control *control);
/* The caller's side: -c, -f, a shell, or the view, in the lab named, or in the only one that runs. Returns the exit status. */
int control_join(const struct run_options *options);
