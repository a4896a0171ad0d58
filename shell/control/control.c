/* The lab's side of --to: a listener in the lab's folder, a session a caller, a task a command. */
#include "shell/control/control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "shell/command.h"
#include "shell/control/frame.h"
#include "shell/control/running.h"
#include "shell/repl/complete.h"

enum { MOST_CALLERS = 256, MOST_WORDS = 4096, QUEUE_BYTES = 1 << 20 };

struct connection;
struct out_stream {
    struct stream stream;
    struct connection *connection;
    enum frame_type type;
};

struct connection {
    struct control *control;
    uv_pipe_t pipe;
    struct buffer in;
    bool closing, begun;
    /* a session */
    uint64_t id;
    struct session session;
    int users;                     /* commands that run in it */
    bool gone;                     /* its connection ended, commands remain */
    /* a command */
    struct connection *of;         /* its session's connection */
    struct task *task;
    struct call call;
    struct out_stream out, err;
    struct input *input;
    bool waiting;                  /* the task waits for the socket */
    int status;
    char prompt[64];               /* of its session, after it */
    /* a view */
    struct remote_view *view;
    struct connection *next;
};

struct control {
    struct shell *shell;
    struct lab *lab;
    uv_pipe_t listener;
    char *path, *link;
    struct connection *connections;
    size_t count;
    uint64_t last_id;
    bool closing;
};

/* ---- connections ---- */

static void free_connection(uv_handle_t *handle)
{
    struct connection *connection = handle->data;

    buffer_done(&connection->in);
    for (int i = 0; i < connection->call.argc; i++)
        mem_free(connection->call.argv[i]);
    mem_free(connection->call.argv);
    mem_free(connection);
}

static void forget(struct connection *connection)
{
    struct connection **at = &connection->control->connections;

    while (*at && *at != connection)
        at = &(*at)->next;
    if (*at) {
        *at = connection->next;
        connection->control->count--;
    }
    uv_close((uv_handle_t *)&connection->pipe, free_connection);
}

static void leave_session(struct connection *session)
{
    if (session && --session->users == 0 && session->gone) {
        session_done(&session->session);
        forget(session);
    }
}

/* The peer is gone, or all is said. A task that still runs ends first. */
static void end_connection(struct connection *connection)
{
    if (connection->closing)
        return;
    connection->closing = true;
    uv_read_stop((uv_stream_t *)&connection->pipe);
    if (connection->view) {
        view_remote_close(connection->view);
        connection->view = NULL;
    }
    if (connection->id) {
        connection->gone = true;
        connection->users++;
        leave_session(connection);
        return;
    }
    if (connection->task) {
        task_interrupt(connection->task); /* its end closes the rest */
        return;
    }
    forget(connection);
}

struct write {
    uv_write_t request;
    struct buffer bytes;
    struct connection *connection;
    bool last;
};

static void written(uv_write_t *request, int status)
{
    struct write *write = request->data;
    struct connection *connection = write->connection;
    bool last = write->last;

    buffer_done(&write->bytes);
    mem_free(write);
    if (status == UV_ECANCELED)
        return;
    if (status < 0 || last)
        end_connection(connection);
    else if (connection->waiting)
        task_wake(connection->task);
}

static void send_buffer(struct connection *connection, struct buffer *bytes, bool last)
{
    struct write *write = mem_zero(sizeof(*write));
    uv_buf_t buf;

    write->request.data = write;
    write->bytes = *bytes;
    write->connection = connection;
    write->last = last;
    *bytes = (struct buffer){ 0 };
    buf = uv_buf_init((char *)write->bytes.data, (unsigned)write->bytes.size);
    if (uv_is_closing((uv_handle_t *)&connection->pipe) || uv_write(&write->request, (uv_stream_t *)&connection->pipe, &buf, 1, written)) {
        buffer_done(&write->bytes);
        mem_free(write);
    }
}

static void send_frame(struct connection *connection, enum frame_type type, const void *data, size_t size, bool last)
{
    struct buffer bytes = { 0 };

    frame_put(&bytes, type, data, size);
    send_buffer(connection, &bytes, last);
}

static void write_out(struct stream *stream, const char *data, size_t size)
{
    struct out_stream *self = (struct out_stream *)stream;
    struct connection *connection = self->connection;

    if (connection->closing || !size)
        return;
    send_frame(connection, self->type, data, size, false);
    if (!connection->task)
        return;
    connection->waiting = true; /* a slow terminal slows the command, it does not fill the memory */
    while (!connection->closing && uv_stream_get_write_queue_size((uv_stream_t *)&connection->pipe) > QUEUE_BYTES && task_wait(connection->task))
        ;
    connection->waiting = false;
}

/* ---- a session ---- */

static void about_lab(const struct lab *lab, struct text *out)
{
    size_t brokers = cluster_broker_count(lab_cluster(lab));

    text_printf(out, "Kafka %s, %zu broker%s", release_is_27(lab_release(lab)) ? "2.7" : "4.3", brokers, brokers == 1 ? "" : "s");
    if (lab_net(lab))
        text_printf(out, brokers > 1 ? " on localhost:%d-%d" : " on localhost:%d", (int)lab_port(lab, 0), (int)lab_port(lab, brokers - 1));
    text_printf(out, ", %s", lab_dir(lab));
}

static void begin_session(struct connection *connection)
{
    struct shell *shell = connection->control->shell;
    struct buffer bytes = { 0 };
    struct text about = { 0 };
    size_t begun = frame_begin(&bytes, FRAME_SESSION);

    connection->id = ++connection->control->last_id;
    connection->session = (struct session){ .shell = shell, .lab = connection->control->lab, .release_fixed = true, .joined = true,
                                            .release = release_is_27(lab_release(connection->control->lab)) ? RELEASE_27 : RELEASE_43 };
    about_lab(connection->control->lab, &about);
    buffer_i64(&bytes, (int64_t)connection->id);
    buffer_i8(&bytes, (int8_t)connection->session.release);
    buffer_put(&bytes, text_chars(&about), about.size);
    text_done(&about);
    frame_end(&bytes, begun);
    send_buffer(connection, &bytes, false);
}

static struct connection *session_of(struct control *control, uint64_t id)
{
    for (struct connection *at = control->connections; at; at = at->next)
        if (id && at->id == id && !at->gone)
            return at;
    return NULL;
}

/* ---- a command ---- */

static void want_line(void *context)
{
    struct connection *connection = context;

    if (!connection->closing)
        send_frame(connection, FRAME_WANT, "", 0, false);
}

static void run_command(struct task *task, void *context)
{
    struct connection *connection = context;

    connection->task = connection->call.task = task;
    connection->status = call_run(&connection->call);
    snprintf(connection->prompt, sizeof(connection->prompt), "%s", session_prompt(connection->call.session));
}

static void command_ended(void *context)
{
    struct connection *connection = context;
    uint8_t status[4];

    connection->task = NULL;
    input_close(connection->input);
    connection->input = NULL;
    leave_session(connection->of);
    connection->of = NULL;
    if (connection->closing) {
        forget(connection);
        return;
    }
    put_u32(status, (uint32_t)connection->status);
    send_frame(connection, FRAME_PROMPT, connection->prompt, strlen(connection->prompt), false);
    send_frame(connection, FRAME_EXIT, status, 4, true);
}

static void refuse(struct connection *connection, const char *sentence)
{
    uint8_t status[4];

    put_u32(status, 1);
    send_frame(connection, FRAME_ERR, sentence, strlen(sentence), false);
    send_frame(connection, FRAME_EXIT, status, 4, true);
}

/* Streams and session of a command or a view; false: it was refused. */
static bool begin_call(struct connection *connection, struct reader *reader, int *flags)
{
    struct connection *session = session_of(connection->control, (uint64_t)reader_i64(reader));
    int mode, lang, columns, rows;

    *flags = reader_i8(reader);
    mode = reader_i8(reader);
    lang = reader_i8(reader);
    columns = reader_u16(reader);
    rows = reader_u16(reader);
    if (reader->failed || !session || mode < 0 || mode > PRINT_JSON || lang < 0 || lang >= LANGS) {
        refuse(connection, "control: that session is not known here\n");
        return false;
    }
    session->session.mode = (enum print_mode)mode;
    session->session.lang = (enum lang)lang;
    session->session.interactive = (*flags & FLAG_INTERACTIVE) != 0;
    connection->of = session;
    connection->out = (struct out_stream){ { .write = write_out, .terminal = *flags & FLAG_OUT_TERMINAL, .columns = columns, .rows = rows }, connection, FRAME_OUT };
    connection->err = (struct out_stream){ { .write = write_out, .terminal = *flags & FLAG_ERR_TERMINAL, .columns = columns, .rows = rows }, connection, FRAME_ERR };
    return true;
}

static void begin_command(struct connection *connection, struct reader *reader)
{
    struct call *call = &connection->call;
    int flags, argc;

    if (!begin_call(connection, reader, &flags))
        return;
    argc = reader_u16(reader);
    if (argc < 1 || argc > MOST_WORDS) {
        refuse(connection, "control: this is no command\n");
        return;
    }
    call->argv = mem_zero_array((size_t)argc + 1, sizeof(*call->argv));
    for (; call->argc < argc; call->argc++) {
        uint32_t size = reader_u32(reader);
        struct bytes word = reader_bytes(reader, size);

        if (reader->failed || (word.size && memchr(word.data, 0, word.size))) {
            refuse(connection, "control: this is no command\n");
            return;
        }
        call->argv[call->argc] = mem_text_size((const char *)word.data, word.size);
    }
    call->command = command_find(call->argv[0]);
    if (!call->command || call->command->local) {
        refuse(connection, "control: the lab's kafkarium does not have that command\n");
        return;
    }
    call->session = &connection->of->session;
    call->lab = call->session->lab;
    call->out = &connection->out.stream;
    call->err = &connection->err.stream;
    call->in = connection->input = input_asked(want_line, connection, flags & FLAG_IN_TERMINAL);
    connection->of->users++;
    task_start(run_command, command_ended, connection);
}

/* ---- names to complete ---- */

static void add_name(void *context, const char *name)
{
    struct text *out = context;

    if (out->size < FRAME_MOST / 4)
        text_printf(out, "%s\n", name);
}

static void answer_names(struct connection *connection, struct reader *reader)
{
    int32_t kind = reader_i32(reader);
    struct text names = { 0 };
    char *prefix = mem_text_size((const char *)reader->at, reader_left(reader));

    complete_from_lab(connection->control->lab, (enum complete)kind, prefix, add_name, &names);
    send_frame(connection, FRAME_NAMES, text_chars(&names), names.size, true);
    text_done(&names);
    mem_free(prefix);
}

/* ---- a view ---- */

static void view_left(void *context)
{
    struct connection *connection = context;
    uint8_t status[4] = { 0 };

    send_frame(connection, FRAME_EXIT, status, 4, true);
}

static void begin_view(struct connection *connection, struct reader *reader)
{
    int flags;

    if (!begin_call(connection, reader, &flags))
        return;
    connection->view = view_remote_open(connection->control->shell, &connection->of->session, &connection->out.stream, flags & FLAG_UTF8, !(flags & FLAG_NO_COLOR),
                                        view_left, connection);
}

/* ---- what comes in ---- */

static void begin(struct connection *connection, enum frame_type type, struct bytes body)
{
    struct reader reader = reader_of(body);

    connection->begun = true;
    if (reader_i32(&reader) != CONTROL_VERSION) {
        refuse(connection, "control: the lab is open in a kafkarium of another version\n");
        return;
    }
    if (type == FRAME_SESSION)
        begin_session(connection);
    else if (type == FRAME_RUN)
        begin_command(connection, &reader);
    else if (type == FRAME_NAMES)
        answer_names(connection, &reader);
    else if (type == FRAME_VIEW)
        begin_view(connection, &reader);
    else
        end_connection(connection);
}

static void take_size(struct connection *connection, struct bytes body)
{
    if (body.size != 4)
        return;
    connection->out.stream.columns = connection->err.stream.columns = get_u16(body.data);
    connection->out.stream.rows = connection->err.stream.rows = get_u16(body.data + 2);
    if (connection->view)
        view_remote_resized(connection->view);
}

static void take_frame(struct connection *connection, enum frame_type type, struct bytes body)
{
    if (!connection->begun) {
        begin(connection, type, body);
    } else if (type == FRAME_INPUT && connection->view) {
        view_remote_keys(connection->view, (const char *)body.data, body.size);
    } else if (type == FRAME_INPUT && connection->input) {
        input_give(connection->input, (const char *)body.data, body.size);
    } else if (type == FRAME_INPUT_END && connection->input) {
        input_end(connection->input);
    } else if (type == FRAME_INTERRUPT && connection->task) {
        task_interrupt(connection->task);
    } else if (type == FRAME_SIZE) {
        take_size(connection, body);
    }
}

static void give_room(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
    struct connection *connection = handle->data;

    (void)size;
    *buf = uv_buf_init((char *)buffer_add(&connection->in, 65536), 65536);
    connection->in.size -= 65536;
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf)
{
    struct connection *connection = stream->data;
    struct bytes body;
    enum frame_type type;
    size_t at = 0;
    int took = 0;

    (void)buf;
    if (got == 0)
        return;
    if (got < 0) {
        end_connection(connection);
        return;
    }
    connection->in.size += (size_t)got;
    while (!connection->closing && (took = frame_take(&connection->in, &at, &type, &body)) > 0)
        take_frame(connection, type, body);
    if (connection->closing)
        return;
    if (took < 0) {
        end_connection(connection);
        return;
    }
    memmove(connection->in.data, connection->in.data + at, connection->in.size - at);
    connection->in.size -= at;
}

static void on_caller(uv_stream_t *listener, int status)
{
    struct control *control = listener->data;
    struct connection *connection;

    if (status < 0)
        return;
    connection = mem_zero(sizeof(*connection));
    connection->control = control;
    uv_pipe_init(control->shell->loop, &connection->pipe, 0);
    connection->pipe.data = connection;
    connection->next = control->connections;
    control->connections = connection;
    control->count++;
    if (uv_accept(listener, (uv_stream_t *)&connection->pipe) || control->count > MOST_CALLERS ||
        uv_read_start((uv_stream_t *)&connection->pipe, give_room, on_read))
        end_connection(connection);
}

/* ---- open and close ---- */

static enum err listen_at(struct control *control, const char *dir, struct reason *reason)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int folder = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC), fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mode_t mask = umask(0177);
    bool made;

    unlink(control->path); /* the lab is ours: what lies there is of one that was killed */
    snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/control", folder);
    made = folder >= 0 && fd >= 0 && !bind(fd, (struct sockaddr *)&address, sizeof(address));
    umask(mask);
    if (folder >= 0)
        close(folder);
    if (!made || uv_pipe_open(&control->listener, fd) || uv_listen((uv_stream_t *)&control->listener, 64, on_caller)) {
        int error = errno;

        if (fd >= 0 && !made)
            close(fd);
        return err_because(ERR_KAFKA_STORAGE_ERROR, reason, "%s: %s", control->path, strerror(error));
    }
    return ERR_OK;
}

static void free_control(uv_handle_t *handle)
{
    struct control *control = handle->data;

    mem_free(control->path);
    mem_free(control->link);
    mem_free(control);
}

enum err control_open(struct control **out, struct shell *shell, struct lab *lab, struct reason *reason)
{
    struct control *control = mem_zero(sizeof(*control));
    enum err err;

    *out = NULL;
    control->shell = shell;
    control->lab = lab;
    control->path = mem_text(lab_control_path(lab));
    uv_pipe_init(shell->loop, &control->listener, 0);
    control->listener.data = control;
    err = listen_at(control, lab_dir(lab), reason);
    if (err) {
        uv_close((uv_handle_t *)&control->listener, free_control);
        return err;
    }
    uv_unref((uv_handle_t *)&control->listener);
    control->link = running_add(lab);
    *out = control;
    return ERR_OK;
}

void control_close(struct control *control)
{
    if (!control)
        return;
    control->closing = true;
    unlink(control->path);
    if (control->link)
        unlink(control->link);
    for (int pass = 0; pass < 2; pass++) { /* commands first, then their sessions */
        struct connection *at = control->connections;

        while (at) {
            struct connection *next = at->next;

            if (!at->closing && (pass || !at->id)) {
                end_connection(at);
                next = control->connections; /* its end may have taken others */
            }
            at = next;
        }
    }
    uv_close((uv_handle_t *)&control->listener, free_control);
}
