/* view: the cluster live in this terminal. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "shell/command.h"
#include "shell/repl/repl.h"
#include "shell/look.h"
#include "shell/view/viewer.h"

struct showing {
    struct viewer *viewer;
    struct task *task;
    uv_poll_t poll;
    int fd;
    bool closed;
};

static void on_closed(void *context)
{
    struct showing *showing = context;

    showing->closed = true;
    task_wake(showing->task);
}

static void on_keys(uv_poll_t *poll, int status, int events)
{
    struct showing *showing = poll->data;
    char bytes[256];
    ssize_t got = status < 0 ? 0 : read(showing->fd, bytes, sizeof(bytes));

    (void)events;
    if (got > 0)
        viewer_keys(showing->viewer, bytes, (size_t)got);
    else if (got == 0 || (errno != EAGAIN && errno != EINTR))
        on_closed(showing);
}

static void poll_gone(uv_handle_t *handle)
{
    struct showing *showing = handle->data;

    close(showing->fd);
    mem_free(showing);
}

/* One picture as text, where there is no terminal. */
static int print_once(struct call *call)
{
    struct view view;
    struct grid grid;
    struct text text = { 0 };

    view_init(&view, call_lab(call));
    if (call->argc > 1)
        look_parse(call->argv[1], &view.topic, &view.partition);
    grid_init(&grid, call->out->rows > 10 ? call->out->rows : 24, call->out->columns > 40 ? call->out->columns : 80, false);
    view.lang = call->session->lang;
    view.idle_prompt = session_prompt(call->session);
    view_draw(&view, &grid);
    grid_text(&grid, &text);
    call_write(call, text_chars(&text), text.size);
    text_done(&text);
    grid_done(&grid);
    view_done(&view);
    return 0;
}

static int run(struct call *call)
{
    struct shell *shell = call->session->shell;
    struct showing *showing;
    char name[256], *topic = NULL;
    int32_t partition;

    if (call->argc > 1) {
        bool known = look_parse(call->argv[1], &topic, &partition) && image_partition(cluster_image(lab_cluster(call_lab(call))), topic, partition);

        mem_free(topic);
        topic = NULL;
        if (!known) {
            struct text shown = { 0 };

            text_escaped(&shown, bytes_text(call->argv[1]));
            call_error(call, "view: there is no partition %s; `view` alone shows what there is, Tab goes to the next\n", text_chars(&shown));
            text_done(&shown);
            return 1;
        }
    }
    if (!call->out->terminal || !input_terminal(call->in) || ttyname_r(0, name, sizeof(name)))
        return print_once(call);
    showing = mem_zero(sizeof(*showing));
    showing->task = call->task;
    showing->fd = open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (showing->fd < 0 || uv_poll_init(shell->loop, &showing->poll, showing->fd)) {
        call_error(call, "view: %s can't be read\n", name);
        mem_free(showing);
        return 1;
    }
    showing->poll.data = showing;
    showing->viewer = viewer_open(shell, call->session, screen_open(call->out), repl_of(call->session), on_closed, showing);
    if (call->argc > 1 && look_parse(call->argv[1], &topic, &partition))
        viewer_choose(showing->viewer, topic, partition);
    mem_free(topic);
    uv_poll_start(&showing->poll, UV_READABLE | UV_DISCONNECT, on_keys);
    shell->outside_waits++;
    while (!showing->closed && task_wait(call->task))
        ;
    shell->outside_waits--;
    viewer_close(showing->viewer);
    uv_close((uv_handle_t *)&showing->poll, poll_gone);
    return 0;
}

const struct command command_view = {
    .name = "view", .summary = "the cluster live in this terminal", .usage = "view [TOPIC-P]",
    .details = N_("Segments to scale, what happens next to each and when, groups with their lag, decisions as they are made. q leaves, ? lists the keys.\n"
               "In a second terminal: kafkarium view. Without a terminal it prints one picture."),
    .example = "view", .argument = COMPLETE_PARTITION, .needs_lab = true, .looks = true, .run = run,
};
