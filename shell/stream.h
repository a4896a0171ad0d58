/* Streams and inputs: where what commands print goes, and where what they read comes from. */
#pragma once
#include <stdarg.h>
#include <stdbool.h>
#include <uv.h>

#include "sim/base/bytes.h"
#include "sim/base/task.h"
#include "sim/base/text.h"

/* Where output goes. Implementations: a file descriptor, a text in memory, a joined terminal's socket, a pane of the view. */
struct stream {
    void (*write)(struct stream *stream, const char *data, size_t size);
    void (*close)(struct stream *stream);   /* NULL: nothing to do */
    bool terminal;                           /* colours, hints and progress make sense */
    int columns, rows;                       /* of the terminal; 0: unknown */
    struct text *progress;                   /* borrowed: what call_progress() says is put here, where it is not drawn over a terminal's line; NULL: it is */
    int fd;                                  /* where a child may write by itself; 0: nowhere (stream_descriptor knows its own) */
};
struct stream *stream_descriptor(int fd, bool close_it);
struct stream *stream_text(struct text *text);   /* `text` is borrowed */
void stream_close(struct stream *stream);
void stream_print(struct stream *stream, const char *format, ...) __attribute__((format(printf, 2, 3)));
void stream_vprint(struct stream *stream, const char *format, va_list args);
/* To a pipe's end or a socket, closed with it: where it is full the task waits; when the reader goes away the task is interrupted, as by SIGPIPE.
 * `task` is told by stream_written_by() before the first write. */
struct stream *stream_pipe(uv_loop_t *loop, int fd);
void stream_written_by(struct stream *stream, struct task *task);   /* of stream_pipe and input_pipe; others ignore it */
int stream_fd(const struct stream *stream);                          /* of a descriptor; -1: it is none */

/* Where input comes from. Lines without their end; the last may have none. */
struct input;
struct input *input_none(void);
struct input *input_text(const char *text, size_t size);            /* <<<, tests */
struct input *input_descriptor(uv_loop_t *loop, int fd, bool close_it);  /* file, pipe, terminal */
/* A pipe between two commands of this process: what is written to *end is read here. Both ends are closed by their users. */
struct input *input_pipe(struct stream **end);
/* What comes in pieces from elsewhere: `want` is called when a command waits for a line; then input_give() or input_end(). */
struct input *input_asked(void (*want)(void *context), void *context, bool terminal);
void input_give(struct input *input, const char *data, size_t size);
void input_end(struct input *input);
int input_fd(const struct input *input);                            /* -1: it is none, or something was read ahead */
struct bytes input_left(const struct input *input);                 /* what is there without reading */
void input_close(struct input *input);
bool input_terminal(const struct input *input);
