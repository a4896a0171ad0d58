/* A view that lives on a terminal: draws when something changed (at most 30 times a second), takes keys, runs lines typed in its row. The command
 * `view` has one on the program's own terminal; a joined `kafkarium view` has one whose bytes go over the control socket. */
#pragma once
#include "shell/shell.h"
#include "shell/view/screen.h"
#include "shell/view/view.h"

struct repl;
struct viewer;
/* `repl`: its line editor serves the prompt row; NULL: a plain one of the viewer's own. `closed` is called when a key left the view; the owner
 * then closes it, not within the call. Owns the screen. */
struct viewer *viewer_open(struct shell *shell, struct session *session, struct screen *screen, struct repl *repl, void (*closed)(void *context), void *context);
void viewer_close(struct viewer *viewer);
void viewer_choose(struct viewer *viewer, const char *topic, int32_t partition);
void viewer_keys(struct viewer *viewer, const char *bytes, size_t size);
