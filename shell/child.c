/* Children: what is no command of ours, run by /bin/sh. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "shell/job.h"

/* The environment of a child: ours and the session's variables. */
static char **child_environment(const struct jobs *jobs)
{
    extern char **environ;
    char **list = NULL;
    size_t count = 0, capacity = 0;

    for (char **at = environ; *at; at++) {
        bool replaced = false;

        for (size_t i = 0; i < jobs->variable_count; i++) {
            size_t size = strlen(jobs->variables[i].name);

            replaced |= !strncmp(*at, jobs->variables[i].name, size) && (*at)[size] == '=';
        }
        if (!replaced)
            ARRAY_ADD(list, count, capacity) = mem_text(*at);
    }
    for (size_t i = 0; i < jobs->variable_count; i++)
        ARRAY_ADD(list, count, capacity) = mem_printf("%s=%s", jobs->variables[i].name, jobs->variables[i].value);
    ARRAY_ADD(list, count, capacity) = NULL;
    return list;
}

struct pump {                      /* a child's output into a stream that is no descriptor, or text into its input */
    uv_poll_t poll;
    int fd;
    struct stage *stage;
    struct stream *to;             /* NULL: inward */
    char *data;
    size_t size, at;
};

static void child_may_have_ended(struct stage *stage)
{
    if (stage->process || stage->pumps)
        return;
    job_children_changed(stage->job, -1);
    stage_ended(stage, stage->status);
}

static void pump_end(struct pump *pump)
{
    struct stage *stage = pump->stage;
    bool counted = pump->to != NULL;

    uv_poll_stop(&pump->poll);
    close(pump->fd);
    mem_free(pump->data);
    uv_close((uv_handle_t *)&pump->poll, handle_free_owner);
    if (counted) {
        stage->pumps--;
        child_may_have_ended(stage);
    }
}

static void on_pump_out(uv_poll_t *poll, int status, int events)
{
    struct pump *pump = poll->data;
    char part[16384];
    ssize_t got = status < 0 ? 0 : read(pump->fd, part, sizeof(part));

    (void)events;
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0)
        pump_end(pump);
    else
        pump->to->write(pump->to, part, (size_t)got);
}

static void on_pump_in(uv_poll_t *poll, int status, int events)
{
    struct pump *pump = poll->data;
    ssize_t written = status < 0 ? -1 : write(pump->fd, pump->data + pump->at, pump->size - pump->at);

    (void)events;
    if (written < 0 && status >= 0 && (errno == EAGAIN || errno == EINTR))
        return;
    pump->at += written > 0 ? (size_t)written : 0;
    if (written < 0 || pump->at == pump->size)
        pump_end(pump);
}

/* A pipe whose one end the child gets (returned) and the other a pump works. */
static int start_pump(struct stage *stage, struct stream *to, struct bytes text)
{
    struct pump *pump;
    int ends[2];

    if (pipe2(ends, O_CLOEXEC))
        return -1;
    pump = mem_zero(sizeof(*pump));
    pump->stage = stage;
    pump->to = to;
    pump->fd = to ? ends[0] : ends[1];
    pump->data = mem_copy(text.data, text.size);
    pump->size = text.size;
    if (!to && !text.size) { /* nothing to say: closed at once */
        close(pump->fd);
        mem_free(pump);
        return ends[0];
    }
    uv_poll_init(stage->call.session->shell->loop, &pump->poll, pump->fd);
    pump->poll.data = pump;
    uv_poll_start(&pump->poll, to ? UV_READABLE | UV_DISCONNECT : UV_WRITABLE, to ? on_pump_out : on_pump_in);
    stage->pumps += to != NULL;
    return to ? ends[1] : ends[0];
}

static void on_exit_of_child(uv_process_t *process, int64_t status, int signal)
{
    struct stage *stage = process->data;

    stage->process = NULL;
    stage->status = signal ? 128 + signal : (int)status;
    process->data = process;
    uv_close((uv_handle_t *)process, handle_free_owner);
    child_may_have_ended(stage);
}

void child_start(struct stage *stage)
{
    char *args[] = { "sh", "-c", stage->simple.source, NULL };
    struct input *in = stage->call.in;
    struct stream *streams[2] = { stage->call.out, stage->call.err };
    int opened[3] = { -1, -1, -1 };
    uv_stdio_container_t stdio[3];
    uv_process_options_t options = { .exit_cb = on_exit_of_child, .file = "/bin/sh", .args = args, .stdio_count = 3, .stdio = stdio };
    uv_process_t *process = mem_zero(sizeof(*process));
    int error, fd = input_fd(in);

    if (fd < 0)
        fd = opened[0] = start_pump(stage, NULL, input_left(in));
    stdio[0] = (uv_stdio_container_t){ .flags = UV_INHERIT_FD, .data.fd = fd };
    for (int i = 0; i < 2; i++) {
        fd = stage->job->number && streams[i]->terminal ? -1 : stream_fd(streams[i]); /* in the background not across the prompt */
        if (i && fd < 0 && streams[1] == streams[0])
            fd = stdio[1].data.fd;
        else if (fd < 0)
            fd = opened[i + 1] = start_pump(stage, streams[i], (struct bytes){ NULL, 0 });
        stdio[i + 1] = (uv_stdio_container_t){ .flags = UV_INHERIT_FD, .data.fd = fd };
    }
    options.env = child_environment(stage->job->jobs);
    if (stage->job->number)
        options.flags = UV_PROCESS_DETACHED; /* a Ctrl-C at the terminal is not for it */
    process->data = stage;
    stage->process = process;
    job_children_changed(stage->job, 1);
    error = uv_spawn(stage->call.session->shell->loop, process, &options);
    for (char **at = options.env; *at; at++)
        mem_free(*at);
    mem_free(options.env);
    for (int i = 0; i < 3; i++)
        if (opened[i] >= 0)
            close(opened[i]);
    if (error)
        stream_print(stage->call.err, "/bin/sh: %s\n", uv_strerror(error));
    stage_close(stage); /* the child has its own copies; so a pipe ends when the child does */
    if (error) {
        stage->process = NULL;
        stage->status = 126;
        process->data = process;
        uv_close((uv_handle_t *)process, handle_free_owner);
        child_may_have_ended(stage);
    }
}
