/* The socket of --to: LAB/control, mode 0600. A caller (a shell, a script, the view in a second terminal, a client's test suite) sends commands to be
 * run in the lab's process and gets back what they print; it parses, completes, redirects and prints itself. frame.h has the protocol. */
#pragma once
#include "shell/options.h"
#include "shell/shell.h"

struct control;
/* Listens for callers; ERR_KAFKA_STORAGE_ERROR with a sentence if the socket can't be made. */
enum err control_open(struct control **out, struct shell *shell, struct lab *lab, struct reason *reason);
void control_close(struct control *control);
/* The caller's side: -c, -f, a shell, or the view, in the lab named, or in the only one that runs. Returns the exit status. */
int control_join(const struct run_options *options);

/* ---- the view in another terminal: shell/view/ has these; control carries what it draws and the keys ---- */
struct remote_view;
/* Draws to `out` (its columns and rows are the terminal's) as bytes for that terminal, until `closed` is called: the view was left by a key. */
struct remote_view *view_remote_open(struct shell *shell, struct session *session, struct stream *out, bool utf8, bool colours, void (*closed)(void *context),
                                     void *context);
void view_remote_keys(struct remote_view *view, const char *bytes, size_t size);
void view_remote_resized(struct remote_view *view);   /* out->columns, out->rows changed */
void view_remote_close(struct remote_view *view);     /* also after `closed` */
