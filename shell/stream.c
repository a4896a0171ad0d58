/* Where what commands print goes, and where what they read comes from. */
#include "shell/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "shell/session.h"
#include "shell/shell.h"

struct input {
    uv_loop_t *loop;
    int fd;                  /* -1: none, only what is in the buffer */
    bool close_it, terminal, ended;
    struct buffer buffer;
    size_t taken;            /* bytes of the buffer already given */
    struct pipe_stream *from; /* the other end, a command of this process; NULL: none, or gone */
    struct task *reader;     /* waits for it */
    void (*want)(void *context);
    void *context;
};

/* ---- streams ---- */

struct descriptor_stream {
    struct stream stream;
    int fd;
    bool close_it;
};

static void write_descriptor(struct stream *stream, const char *data, size_t size)
{
    struct descriptor_stream *self = (struct descriptor_stream *)stream;

    while (size) {
        ssize_t written = write(self->fd, data, size);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0 && errno == EAGAIN) {
            poll(&(struct pollfd){ .fd = self->fd, .events = POLLOUT }, 1, 1000);
            continue;
        }
        if (written <= 0)
            return; /* the reader went away */
        data += written;
        size -= (size_t)written;
    }
}

static void close_descriptor(struct stream *stream)
{
    struct descriptor_stream *self = (struct descriptor_stream *)stream;

    if (self->close_it)
        close(self->fd);
    mem_free(self);
}

struct stream *stream_descriptor(int fd, bool close_it)
{
    struct descriptor_stream *self = mem_zero(sizeof(*self));
    struct winsize size;

    self->stream = (struct stream){ .write = write_descriptor, .close = close_descriptor, .terminal = isatty(fd) };
    if (self->stream.terminal && !ioctl(fd, TIOCGWINSZ, &size)) {
        self->stream.columns = size.ws_col;
        self->stream.rows = size.ws_row;
    }
    self->fd = fd;
    self->close_it = close_it;
    return &self->stream;
}

int stream_fd(const struct stream *stream)
{
    if (!stream)
        return -1;
    return stream->write == write_descriptor ? ((const struct descriptor_stream *)stream)->fd : stream->fd ? stream->fd : -1;
}

struct text_stream {
    struct stream stream;
    struct text *text;
};

static void write_text(struct stream *stream, const char *data, size_t size)
{
    text_add_size(((struct text_stream *)stream)->text, data, size);
}

static void close_text(struct stream *stream)
{
    mem_free(stream);
}

struct stream *stream_text(struct text *text)
{
    struct text_stream *self = mem_zero(sizeof(*self));

    self->stream = (struct stream){ .write = write_text, .close = close_text };
    self->text = text;
    return &self->stream;
}

void stream_close(struct stream *stream)
{
    if (stream && stream->close)
        stream->close(stream);
}

void stream_vprint(struct stream *stream, const char *format, va_list args)
{
    char *text = mem_vprintf(format, args);

    stream->write(stream, text, strlen(text));
    mem_free(text);
}

void stream_print(struct stream *stream, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    stream_vprint(stream, format, args);
    va_end(args);
}

/* ---- pipes between commands of this process: what is written is there at once ---- */

enum { PIPE_BYTES = 256 * 1024 };

struct pipe_stream {
    struct stream stream;
    struct input *to;        /* NULL: the reader is gone */
    struct task *writer;
    bool waiting;
};

static void write_pipe(struct stream *stream, const char *data, size_t size)
{
    struct pipe_stream *self = (struct pipe_stream *)stream;

    if (self->to) {
        buffer_put(&self->to->buffer, data, size);
        if (self->to->reader)
            task_wake(self->to->reader);
    }
    while (self->to && self->writer && self->to->buffer.size - self->to->taken > PIPE_BYTES) {
        bool more;

        self->waiting = true;
        more = task_wait(self->writer);
        self->waiting = false;
        if (!more)
            return;
    }
    if (!self->to && self->writer)
        task_interrupt(self->writer); /* runs at present: its next wait ends it */
}

static void close_pipe(struct stream *stream)
{
    struct pipe_stream *self = (struct pipe_stream *)stream;
    struct input *to = self->to;

    if (to) {
        to->from = NULL;
        to->ended = true;
        if (to->reader)
            task_wake(to->reader);
    }
    mem_free(self);
}

struct input *input_pipe(struct stream **end)
{
    struct input *input = mem_zero(sizeof(*input));
    struct pipe_stream *self = mem_zero(sizeof(*self));

    input->fd = -1;
    input->from = self;
    self->stream = (struct stream){ .write = write_pipe, .close = close_pipe };
    self->to = input;
    *end = &self->stream;
    return input;
}

/* ---- a stream to a pipe of the system ---- */

struct os_pipe {
    struct stream stream;
    uv_loop_t *loop;
    int fd;
    struct task *writer;
    uv_poll_t *poll;         /* watches for the reader's going away; NULL: not yet, or it went */
    bool ready, gone, waiting;
};

static void stop_poll(struct os_pipe *self)
{
    if (self->poll)
        uv_close((uv_handle_t *)self->poll, handle_free);
    self->poll = NULL;
}

static void on_os_pipe(uv_poll_t *poll, int status, int events)
{
    struct os_pipe *self = poll->data;

    if (status < 0 || (events & UV_DISCONNECT)) {
        self->gone = true;
        stop_poll(self);
    } else {
        self->ready = true;
        uv_poll_start(poll, UV_DISCONNECT, on_os_pipe);
    }
    if (!self->writer)
        return;
    if (self->gone && !task_interrupted(self->writer))
        task_interrupt(self->writer);
    else if (self->waiting)
        task_wake(self->writer);
}

static void write_os_pipe(struct stream *stream, const char *data, size_t size)
{
    struct os_pipe *self = (struct os_pipe *)stream;

    while (size && !self->gone) {
        ssize_t written = write(self->fd, data, size);

        if (written > 0) {
            data += written;
            size -= (size_t)written;
        } else if (written < 0 && errno == EAGAIN) {
            bool more = true;

            if (!self->poll || !self->writer)
                return;
            self->ready = false;
            uv_poll_start(self->poll, UV_WRITABLE | UV_DISCONNECT, on_os_pipe);
            self->waiting = true;
            while (more && !self->ready && !self->gone)
                more = task_wait(self->writer);
            self->waiting = false;
            if (!more)
                return;
        } else if (!(written < 0 && errno == EINTR)) {
            self->gone = true;
            if (self->writer)
                task_interrupt(self->writer);
        }
    }
}

static void close_os_pipe(struct stream *stream)
{
    struct os_pipe *self = (struct os_pipe *)stream;

    stop_poll(self);
    close(self->fd);
    mem_free(self);
}

struct stream *stream_pipe(uv_loop_t *loop, int fd)
{
    struct os_pipe *self = mem_zero(sizeof(*self));

    self->stream = (struct stream){ .write = write_os_pipe, .close = close_os_pipe };
    self->loop = loop;
    self->fd = fd;
    self->poll = mem_zero(sizeof(*self->poll));
    if (uv_poll_init(loop, self->poll, fd)) {
        mem_free(self->poll);
        self->poll = NULL;
    } else {
        self->poll->data = self;
        uv_poll_start(self->poll, UV_DISCONNECT, on_os_pipe);
        uv_unref((uv_handle_t *)self->poll);
    }
    return &self->stream;
}

void stream_written_by(struct stream *stream, struct task *task)
{
    if (stream && stream->write == write_os_pipe)
        ((struct os_pipe *)stream)->writer = task;
    else if (stream && stream->write == write_pipe)
        ((struct pipe_stream *)stream)->writer = task;
}

/* ---- inputs ---- */

struct input *input_none(void)
{
    return input_text("", 0);
}

struct input *input_text(const char *text, size_t size)
{
    struct input *input = mem_zero(sizeof(*input));

    input->fd = -1;
    input->ended = true;
    buffer_put(&input->buffer, text, size);
    return input;
}

struct input *input_descriptor(uv_loop_t *loop, int fd, bool close_it)
{
    struct input *input = mem_zero(sizeof(*input));

    input->loop = loop;
    input->fd = fd;
    input->close_it = close_it;
    input->terminal = isatty(fd);
    if (input->terminal && !close_it) { /* libuv makes it non-blocking: not the one that other programs share */
        char name[256];
        int own = ttyname_r(fd, name, sizeof(name)) ? -1 : open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);

        if (own >= 0) {
            input->fd = own;
            input->close_it = true;
        }
    }
    return input;
}

struct input *input_asked(void (*want)(void *context), void *context, bool terminal)
{
    struct input *input = mem_zero(sizeof(*input));

    input->fd = -1;
    input->want = want;
    input->context = context;
    input->terminal = terminal;
    return input;
}

void input_give(struct input *input, const char *data, size_t size)
{
    buffer_put(&input->buffer, data, size);
    if (input->reader)
        task_wake(input->reader);
}

void input_end(struct input *input)
{
    input->ended = true;
    if (input->reader)
        task_wake(input->reader);
}

int input_fd(const struct input *input)
{
    return input && input->buffer.size == input->taken && !input->ended ? input->fd : -1;
}

struct bytes input_left(const struct input *input)
{
    return (struct bytes){ input->buffer.data + input->taken, input->buffer.size - input->taken };
}

void input_close(struct input *input)
{
    if (!input)
        return;
    if (input->from) {
        struct pipe_stream *from = input->from;

        from->to = NULL;
        if (from->writer && !task_interrupted(from->writer))
            task_interrupt(from->writer);
    }
    if (input->close_it && input->fd >= 0)
        close(input->fd);
    buffer_done(&input->buffer);
    mem_free(input);
}

bool input_terminal(const struct input *input)
{
    return input && input->terminal;
}

static char *take_line(struct input *input, size_t *size)
{
    const char *from = (const char *)input->buffer.data + input->taken;
    size_t left = input->buffer.size - input->taken;
    const char *end = left ? memchr(from, '\n', left) : NULL;
    char *line;

    if (!end && !(input->ended && left))
        return NULL;
    *size = end ? (size_t)(end - from) : left;
    input->taken += *size + (end != NULL);
    if (*size && from[*size - 1] == '\r')
        --*size; /* BufferedReader.readLine ends lines with \r\n too */
    line = mem_text_size(from, *size);
    if (input->taken == input->buffer.size) {
        buffer_clear(&input->buffer);
        input->taken = 0;
    }
    return line;
}

static void read_more(struct input *input)
{
    ssize_t got = read(input->fd, buffer_add(&input->buffer, 65536), 65536);

    input->buffer.size -= 65536 - (size_t)(got > 0 ? got : 0);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
        input->ended = true;
}

static bool wait_pipe(struct call *call, struct input *input)
{
    size_t had = input->buffer.size;
    bool more = true;

    if (input->from && input->from->waiting)
        task_wake(input->from->writer);
    input->reader = call->task;
    if (input->want)
        input->want(input->context);
    while (more && input->buffer.size == had && !input->ended)
        more = task_wait(call->task);
    input->reader = NULL;
    return more;
}

struct poll_wait {
    uv_poll_t poll;
    struct task *task;
    bool ready;
};

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct poll_wait *wait = poll->data;

    (void)status, (void)events;
    wait->ready = true;
    uv_poll_stop(poll);
    task_wake(wait->task);
}

/* Waits until the descriptor can be read; false: interrupted. A regular file always can. */
static bool wait_readable(struct call *call, struct input *input)
{
    struct poll_wait *wait = mem_zero(sizeof(*wait));
    bool ready;

    if (uv_poll_init(input->loop, &wait->poll, input->fd)) {
        mem_free(wait);
        return call_yield(call);
    }
    wait->poll.data = wait;
    wait->task = call->task;
    uv_poll_start(&wait->poll, UV_READABLE | UV_DISCONNECT, on_readable);
    call->session->shell->outside_waits++;
    while (!wait->ready && task_wait(call->task))
        ;
    call->session->shell->outside_waits--;
    ready = wait->ready;
    uv_close((uv_handle_t *)&wait->poll, handle_free_owner);
    return ready;
}

char *call_read_line(struct call *call, const char *prompt, size_t *size)
{
    struct input *input = call->in;
    char *line;

    if (prompt)
        call_write(call, prompt, strlen(prompt));
    while (!(line = take_line(input, size))) {
        if (input->ended || call_interrupted(call))
            return NULL;
        if (input->fd < 0) {
            if (!wait_pipe(call, input))
                return NULL;
            continue;
        }
        if (!wait_readable(call, input))
            return NULL;
        read_more(input);
    }
    return line;
}
