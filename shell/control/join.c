/* The caller's side of --to: lines are parsed here, commands run in the lab's process, what they print comes back here. */
#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "shell/command.h"
#include "shell/control/control.h"
#include "shell/control/frame.h"
#include "shell/control/running.h"
#include "shell/repl/repl.h"
#include "shell/repl/terminal.h"

struct joined {
    char *lab;
    int fd;                    /* the session's connection */
    uint64_t id;
    char *about;
};

static struct joined *joined_of(const struct session *session)
{
    return session->owner;
}

static bool write_all(int fd, const struct buffer *bytes)
{
    size_t at = 0;

    while (at < bytes->size) {
        ssize_t written = write(fd, bytes->data + at, bytes->size - at);

        if (written > 0)
            at += (size_t)written;
        else if (written < 0 && errno == EAGAIN)
            poll(&(struct pollfd){ .fd = fd, .events = POLLOUT }, 1, 1000);
        else if (!(written < 0 && errno == EINTR))
            return false;
    }
    return true;
}

static bool send_frame(int fd, enum frame_type type, const void *data, size_t size)
{
    struct buffer bytes = { 0 };
    bool sent;

    frame_put(&bytes, type, data, size);
    sent = write_all(fd, &bytes);
    buffer_done(&bytes);
    return sent;
}

/* Reads until a whole frame is there, at most `wait_ms`; 1, 0: too late, -1: the lab is gone. */
static int read_frame(int fd, struct buffer *in, size_t *at, enum frame_type *type, struct bytes *body, int wait_ms)
{
    int took;

    while (!(took = frame_take(in, at, type, body))) {
        struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
        ssize_t got;

        if (poll(&poll_fd, 1, wait_ms) <= 0)
            return 0;
        got = read(fd, buffer_add(in, 65536), 65536);
        in->size -= 65536 - (size_t)(got > 0 ? got : 0);
        if (got <= 0 && !(got < 0 && (errno == EINTR || errno == EAGAIN)))
            return -1;
    }
    return took;
}

/* ---- a session ---- */

static bool open_session(struct joined *joined, struct session *session, struct reason *reason)
{
    struct buffer bytes = { 0 };
    size_t at = 0, begun = frame_begin(&bytes, FRAME_SESSION);
    enum frame_type type;
    struct bytes body;
    struct reader reader;
    bool good = false;

    joined->fd = running_connect(joined->lab);
    if (joined->fd < 0) {
        err_because(ERR_KAFKA_STORAGE_ERROR, reason, "%s/control: %s", joined->lab, strerror(errno));
        return false;
    }
    buffer_i32(&bytes, CONTROL_VERSION);
    frame_end(&bytes, begun);
    if (write_all(joined->fd, &bytes)) {
        buffer_clear(&bytes);
        if (read_frame(joined->fd, &bytes, &at, &type, &body, 5000) > 0) {
            if (type == FRAME_SESSION) {
                reader = reader_of(body);
                joined->id = (uint64_t)reader_i64(&reader);
                session->release = (enum release)reader_i8(&reader);
                joined->about = mem_text_size((const char *)reader.at, reader_left(&reader));
                good = !reader.failed;
            } else {
                err_because(ERR_KAFKA_STORAGE_ERROR, reason, "%.*s", (int)body.size - 1, (const char *)body.data);
            }
        } else {
            err_because(ERR_KAFKA_STORAGE_ERROR, reason, "%s: the lab does not answer; it may be stopped", joined->lab);
        }
    }
    buffer_done(&bytes);
    return good;
}

/* ---- a command ---- */

struct remote {
    struct call *call;
    int fd;
    struct buffer in;
    size_t at;
    uv_poll_t *poll;
    bool reading;              /* the task reads a line for the lab */
    bool ready, ended, lost;
    int status;
};

static int flags_of(const struct call *call)
{
    const char *codeset = nl_langinfo(CODESET), *no_color = getenv("NO_COLOR");

    return (call->out->terminal ? FLAG_OUT_TERMINAL : 0) | (call->err->terminal ? FLAG_ERR_TERMINAL : 0) | (input_terminal(call->in) ? FLAG_IN_TERMINAL : 0) |
           (call->session->interactive ? FLAG_INTERACTIVE : 0) | (codeset && !strcmp(codeset, "UTF-8") ? FLAG_UTF8 : 0) | (no_color && *no_color ? FLAG_NO_COLOR : 0);
}

static void put_call(struct buffer *bytes, const struct call *call)
{
    buffer_i32(bytes, CONTROL_VERSION);
    buffer_i64(bytes, (int64_t)joined_of(call->session)->id);
    buffer_i8(bytes, (int8_t)flags_of(call));
    buffer_i8(bytes, (int8_t)call->session->mode);
    buffer_i8(bytes, (int8_t)call->session->lang);
    buffer_i16(bytes, (int16_t)call->out->columns);
    buffer_i16(bytes, (int16_t)call->out->rows);
}

static void put_command(struct buffer *bytes, const struct call *call)
{
    size_t begun = frame_begin(bytes, FRAME_RUN);

    put_call(bytes, call);
    buffer_i16(bytes, (int16_t)call->argc);
    for (int i = 0; i < call->argc; i++) {
        buffer_i32(bytes, (int32_t)strlen(call->argv[i]));
        buffer_put(bytes, call->argv[i], strlen(call->argv[i]));
    }
    frame_end(bytes, begun);
}

static void take_frame(struct remote *remote, enum frame_type type, struct bytes body, bool *wanted)
{
    struct call *call = remote->call;

    if (type == FRAME_OUT) {
        call_write(call, body.data, body.size);
    } else if (type == FRAME_ERR) {
        call->err->write(call->err, (const char *)body.data, body.size);
    } else if (type == FRAME_WANT) {
        *wanted = true;
    } else if (type == FRAME_PROMPT) {
        snprintf(call->session->prompt, sizeof(call->session->prompt), "%.*s", (int)(body.size < 60 ? body.size : 60), (const char *)body.data);
    } else if (type == FRAME_EXIT && body.size == 4) {
        remote->status = get_i32(body.data);
        remote->ended = true;
    }
}

/* What has come in already; false: the connection broke. */
static bool read_some(struct remote *remote)
{
    ssize_t got;

    if (remote->at) {
        memmove(remote->in.data, remote->in.data + remote->at, remote->in.size - remote->at);
        remote->in.size -= remote->at;
        remote->at = 0;
    }
    got = read(remote->fd, buffer_add(&remote->in, 65536), 65536);
    remote->in.size -= 65536 - (size_t)(got > 0 ? got : 0);
    return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

static void take_frames(struct remote *remote, bool *wanted)
{
    enum frame_type type;
    struct bytes body;
    int took;

    while (!remote->ended && (took = frame_take(&remote->in, &remote->at, &type, &body)) != 0) {
        if (took < 0) {
            remote->lost = true;
            return;
        }
        take_frame(remote, type, body, wanted);
    }
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct remote *remote = poll->data;

    (void)status, (void)events;
    remote->ready = true;
    if (remote->reading) { /* a line is awaited: what the command prints meanwhile is shown all the same */
        bool wanted = false;

        if (!read_some(remote)) {
            remote->lost = true;
            uv_poll_stop(poll);
        }
        take_frames(remote, &wanted);
        remote->ready = false;
        if (!remote->lost && !remote->ended)
            return;
        uv_poll_stop(poll);
        task_interrupt(remote->call->task); /* nobody wants the line any more */
        return;
    }
    uv_poll_stop(poll);
    task_wake(remote->call->task);
}

static void give_line(struct remote *remote)
{
    size_t size;
    char *line;

    remote->reading = true;
    uv_poll_start(remote->poll, UV_READABLE, on_readable);
    line = call_read_line(remote->call, NULL, &size);
    remote->reading = false;
    if (line) {
        struct buffer text = { 0 };

        buffer_put(&text, line, size);
        buffer_i8(&text, '\n');
        send_frame(remote->fd, FRAME_INPUT, text.data, text.size);
        buffer_done(&text);
    } else if (!call_interrupted(remote->call)) {
        send_frame(remote->fd, FRAME_INPUT_END, "", 0);
    }
    mem_free(line);
}

/* Interrupted: the command may still have a word to say. */
static void last_words(struct remote *remote)
{
    enum frame_type type;
    struct bytes body;
    bool wanted = false;

    if (remote->ended || remote->lost || !send_frame(remote->fd, FRAME_INTERRUPT, "", 0))
        return;
    while (!remote->ended && read_frame(remote->fd, &remote->in, &remote->at, &type, &body, 2000) > 0)
        take_frame(remote, type, body, &wanted);
    if (!remote->status)
        remote->status = 130;
}

static int run_remote(struct remote *remote)
{
    struct call *call = remote->call;
    bool wanted = false;

    while (!remote->ended && !remote->lost && !call_interrupted(call)) {
        bool more = true;

        remote->ready = false;
        uv_poll_start(remote->poll, UV_READABLE, on_readable);
        while (more && !remote->ready)
            more = task_wait(call->task);
        if (!more)
            break;
        if (!read_some(remote))
            remote->lost = true;
        take_frames(remote, &wanted);
        while (wanted && !remote->ended && !call_interrupted(call)) {
            wanted = false;
            give_line(remote);
        }
    }
    if (call_interrupted(call))
        last_words(remote);
    if (remote->lost && !remote->ended) {
        call_error(call, "%s: the lab has ended\n", call->argv[0]);
        remote->status = 1;
    }
    return remote->status;
}

static int remote_view(struct call *call);

static int remote_call(struct call *call)
{
    struct remote remote = { .call = call };
    struct buffer bytes = { 0 };
    int status = 1;

    if (!strcmp(call->command->name, "view") && call->argc == 1)
        return remote_view(call);
    remote.fd = running_connect(joined_of(call->session)->lab);
    if (remote.fd < 0) {
        call_error(call, "%s: the lab has ended\n", call->argv[0]);
        return 1;
    }
    put_command(&bytes, call);
    fcntl(remote.fd, F_SETFL, O_NONBLOCK);
    remote.poll = mem_zero(sizeof(*remote.poll));
    if (!write_all(remote.fd, &bytes) || uv_poll_init(call->session->shell->loop, remote.poll, remote.fd)) {
        call_error(call, "%s: the lab has ended\n", call->argv[0]);
        mem_free(remote.poll);
    } else {
        remote.poll->data = &remote;
        call->session->shell->outside_waits++;
        status = run_remote(&remote);
        call->session->shell->outside_waits--;
        uv_close((uv_handle_t *)remote.poll, handle_free);
    }
    close(remote.fd);
    buffer_done(&bytes);
    buffer_done(&remote.in);
    return status;
}

/* ---- names to complete: asked and awaited at once, for a fraction of a second ---- */

static void remote_names(struct session *session, int kind, const char *prefix, void (*add)(void *context, const char *name), void *context)
{
    int fd = running_connect(joined_of(session)->lab);
    struct buffer bytes = { 0 };
    size_t at = 0, begun;
    enum frame_type type;
    struct bytes body;

    if (fd < 0)
        return;
    begun = frame_begin(&bytes, FRAME_NAMES);
    buffer_i32(&bytes, CONTROL_VERSION);
    buffer_i32(&bytes, kind);
    buffer_put(&bytes, prefix, strlen(prefix));
    frame_end(&bytes, begun);
    if (write_all(fd, &bytes)) {
        buffer_clear(&bytes);
        if (read_frame(fd, &bytes, &at, &type, &body, 500) > 0 && type == FRAME_NAMES) {
            char *names = mem_text_size((const char *)body.data, body.size), *save = NULL;

            for (char *name = strtok_r(names, "\n", &save); name; name = strtok_r(NULL, "\n", &save))
                add(context, name);
            mem_free(names);
        }
    }
    buffer_done(&bytes);
    close(fd);
}

/* ---- the view: keys there, pictures back ---- */

struct watch {
    uv_poll_t keys, socket;
    uv_signal_t resize;
    struct call *call;
    int fd, tty;
    struct buffer in;
    size_t at;
    bool ended, lost;
    int status, open;
};

static void end_watch(struct watch *watch)
{
    watch->ended = true;
    uv_poll_stop(&watch->keys);
    uv_poll_stop(&watch->socket);
    task_wake(watch->call->task);
}

static void on_keys(uv_poll_t *poll, int status, int events)
{
    struct watch *watch = poll->data;
    char keys[1024];
    ssize_t got = status < 0 ? -1 : read(watch->tty, keys, sizeof(keys));

    (void)events;
    if (got < 0 && status >= 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0 || !send_frame(watch->fd, FRAME_INPUT, keys, (size_t)got))
        end_watch(watch);
}

static void on_picture(uv_poll_t *poll, int status, int events)
{
    struct watch *watch = poll->data;
    enum frame_type type = 0;
    struct bytes body;
    int took;

    (void)status, (void)events;
    do {
        took = read_frame(watch->fd, &watch->in, &watch->at, &type, &body, 0);
        if (took > 0 && (type == FRAME_OUT || type == FRAME_ERR))
            call_write(watch->call, body.data, body.size);
        if (took > 0 && type == FRAME_EXIT && body.size == 4)
            watch->status = get_i32(body.data);
    } while (took > 0 && type != FRAME_EXIT);
    memmove(watch->in.data, watch->in.data + watch->at, watch->in.size - watch->at);
    watch->in.size -= watch->at;
    watch->at = 0;
    watch->lost = took < 0;
    if (took < 0 || (took > 0 && type == FRAME_EXIT))
        end_watch(watch);
}

static void send_size(struct watch *watch)
{
    struct winsize size;
    uint8_t body[4];

    if (ioctl(1, TIOCGWINSZ, &size))
        return;
    put_u16(body, size.ws_col);
    put_u16(body + 2, size.ws_row);
    send_frame(watch->fd, FRAME_SIZE, body, 4);
}

static void on_resize(uv_signal_t *signal, int number)
{
    (void)number;
    send_size(signal->data);
}

static void closed_one(uv_handle_t *handle)
{
    struct watch *watch = handle->data;

    if (!--watch->open) {
        buffer_done(&watch->in);
        mem_free(watch);
    }
}

static int watch_view(struct watch *watch)
{
    struct call *call = watch->call;
    struct termios found, raw;
    bool changed = !tcgetattr(watch->tty, &found);
    int status;

    raw = found;
    cfmakeraw(&raw);
    if (changed)
        tcsetattr(watch->tty, TCSADRAIN, &raw);
    terminal_full_screen(true);
    uv_poll_start(&watch->keys, UV_READABLE, on_keys);
    uv_poll_start(&watch->socket, UV_READABLE, on_picture);
    uv_signal_start(&watch->resize, on_resize, SIGWINCH);
    call->session->shell->outside_waits++;
    while (!watch->ended && task_wait(call->task))
        ;
    call->session->shell->outside_waits--;
    uv_poll_stop(&watch->keys);
    uv_poll_stop(&watch->socket);
    call_print(call, "\x1b[0m\x1b[?25h\x1b[?1049l"); /* also where the lab went away in the middle of a picture */
    terminal_full_screen(false);
    if (changed)
        tcsetattr(watch->tty, TCSADRAIN, &found);
    status = watch->status;
    if (watch->lost) {
        call_error(call, "view: the lab has ended\n");
        status = 1;
    }
    return status;
}

static int remote_view(struct call *call)
{
    struct watch *watch;
    struct buffer bytes = { 0 };
    size_t begun = frame_begin(&bytes, FRAME_VIEW);
    uv_loop_t *loop = call->session->shell->loop;
    char name[256];
    int status = 1;

    if (!call->out->terminal || ttyname_r(0, name, sizeof(name))) {
        call_error(call, "view: a terminal is wanted\n");
        buffer_done(&bytes);
        return 1;
    }
    terminal_begin();
    watch = mem_zero(sizeof(*watch));
    watch->call = call;
    watch->fd = running_connect(joined_of(call->session)->lab);
    watch->tty = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    put_call(&bytes, call);
    frame_end(&bytes, begun);
    if (watch->fd < 0 || watch->tty < 0 || !write_all(watch->fd, &bytes)) {
        call_error(call, "view: the lab has ended\n");
        mem_free(watch);
    } else {
        fcntl(watch->fd, F_SETFL, O_NONBLOCK);
        uv_poll_init(loop, &watch->keys, watch->tty);
        uv_poll_init(loop, &watch->socket, watch->fd);
        uv_signal_init(loop, &watch->resize);
        watch->keys.data = watch->socket.data = watch->resize.data = watch;
        watch->open = 3;
        status = watch_view(watch);
        close(watch->fd);
        close(watch->tty);
        uv_close((uv_handle_t *)&watch->keys, closed_one);
        uv_close((uv_handle_t *)&watch->socket, closed_one);
        uv_close((uv_handle_t *)&watch->resize, closed_one);
    }
    buffer_done(&bytes);
    return status;
}

/* ---- from the command line ---- */

static char *read_whole(const char *path)
{
    FILE *file = path ? fopen(path, "re") : stdin;
    struct text text = { 0 };
    char part[65536];
    size_t got;

    if (!file) {
        fprintf(stderr, "kafkarium: %s: %s\n", path, strerror(errno));
        return NULL;
    }
    while ((got = fread(part, 1, sizeof(part), file)) > 0)
        text_add_size(&text, part, got);
    if (path)
        fclose(file);
    return text.size ? text_take(&text) : mem_text("");
}

static int run_text(struct shell *shell, struct session *session, const struct run_options *options)
{
    char *text = options->mode == RUN_VIEW ? mem_text("view") : options->commands ? mem_text(options->commands) : read_whole(options->file);
    bool whole = !options->commands && !options->file && options->mode != RUN_VIEW;
    struct stream *out = stream_descriptor(1, false), *err = stream_descriptor(2, false);
    struct input *in = whole ? input_none() : input_descriptor(shell->loop, 0, false);
    int status = 1;

    if (text) {
        session->script = true;
        session->allow_shell = true; /* at the caller, as the caller; the lab never runs a word of the system's */
        status = shell_run_text(shell, session, text, out, err, in);
        if (!session->exiting)
            status = session->failed ? 1 : 0;
    }
    mem_free(text);
    stream_close(out);
    stream_close(err);
    input_close(in);
    return status;
}

int control_join(const struct run_options *options)
{
    struct reason reason = { "" };
    struct joined joined = { .lab = running_find(options->join_lab, &reason), .fd = -1 };
    struct shell shell = { 0 };
    struct session session = { .shell = &shell, .owner = &joined, .release_fixed = true, .remote = remote_call, .remote_names = remote_names };
    int status = 3;

    if (!joined.lab || !open_session(&joined, &session, &reason)) {
        fprintf(stderr, "kafkarium: %s\n", reason.text);
    } else {
        shell_init(&shell);
        session.mode = options->print_mode >= 0 ? (enum print_mode)options->print_mode : PRINT_TABLE;
        session.lang = lang_of_environment();
        if (options->mode == RUN_SHELL) {
            printf("Joined: %s\n", joined.about);
            status = repl_run(&shell, &session);
        } else {
            status = run_text(&shell, &session, options);
        }
        session_done(&session);
        shell_done(&shell);
    }
    if (joined.fd >= 0)
        close(joined.fd);
    mem_free(joined.about);
    mem_free(joined.lab);
    return status;
}
