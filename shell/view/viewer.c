/* Keys, the prompt row, and when to draw. */
#include "shell/view/viewer.h"

#include <string.h>

#include "shell/inspected.h"
#include "shell/repl/repl.h"
#include "shell/view/keys.h"

enum { LOOK_AGAIN_US = 1000000, FRAME_MS = 33, MOST_OUTPUT = 256 * 1024 };

struct viewer {
    struct shell *shell;
    struct session *session;
    struct screen *screen;
    struct repl *repl;
    struct repl_hook hook;
    void (*closed)(void *context);
    void *context;
    struct view view;
    struct grid grid;
    uv_timer_t *tick;             /* on its own: libuv lets go of it later */
    struct buffer keys;           /* bytes of a key that is not whole yet */
    struct stream *out;           /* into view.output */
    bool typing;                  /* keys go to the prompt row */
    struct text line;             /* without a repl: what was typed */
    struct text prompt;           /* as it is shown */
    struct task *running;         /* a line that a key or the row asked for */
    char *command;
    bool busy;                    /* the repl runs a line */
    bool finished;
    /* what was drawn last */
    bool drawn;
    int64_t shown_tenth;
    uint64_t shown_entry, shown_events;
    int64_t look_again_us;        /* with --inspect: when the folder is looked at next */
    size_t shown_connections;
};

static const char help_text[] = N_(
    "SPACE    time runs, or stands still     n        to the next change it shows\n"
    "c        to the next retention check    f        30 seconds on\n"
    "s        to the next happening          w        why: reasons of what it shows\n"
    "z        look 30 seconds back           SPACE    in the past: back to now\n"
    "+ -      faster, slower                 1 2 3 .. another pane; left right: the next\n"
    "Enter    brokers and topics, and back\n"
    "up down  another partition              : or Tab type a command; Esc: back\n"
    "PgUp PgDn scroll what was printed       q        leave the view\n"
    "Letters count by their place on the keyboard: т is n.\n");

static void redraw(struct viewer *viewer)
{
    viewer->drawn = false;
}

/* ---- running a line ---- */

static void run_line(struct task *task, void *context)
{
    struct viewer *viewer = context;
    struct input *in = input_none();

    viewer->running = task;
    session_run(task, viewer->session, viewer->command, viewer->out, viewer->out, in);
    input_close(in);
}

static void line_ended(void *context)
{
    struct viewer *viewer = context;

    viewer->running = NULL;
    mem_free(viewer->command);
    viewer->command = NULL;
    redraw(viewer);
}

/* `title`: the command whose output is to come; NULL: none, nothing is shown. */
static void begin_output(struct viewer *viewer, const char *title)
{
    mem_free(viewer->view.title);
    viewer->view.title = title && *title ? mem_text(title) : NULL;
    text_clear(&viewer->view.output);
    viewer->view.output_scroll = 0;
    text_clear(&viewer->view.progress);
}

static void run(struct viewer *viewer, const char *line)
{
    if (viewer->running)
        return;
    begin_output(viewer, line);
    viewer->command = mem_text(line);
    task_start(run_line, line_ended, viewer);
    redraw(viewer);
}

/* ---- the prompt row ---- */

static void show_row(struct viewer *viewer, const char *prompt, const char *line, size_t cursor)
{
    char *before = mem_text_size(line, cursor);

    text_clear(&viewer->prompt);
    text_printf(&viewer->prompt, "%s%s", prompt, line);
    viewer->view.prompt = text_chars(&viewer->prompt);
    viewer->view.prompt_cursor = viewer->typing ? 1 + text_width(prompt) + text_width(before) : -1;
    mem_free(before);
    redraw(viewer);
}

static void on_row(void *context, const char *prompt, const char *line, size_t cursor)
{
    struct viewer *viewer = context;

    show_row(viewer, *prompt == ' ' ? prompt : session_prompt(viewer->session), line, cursor); /* " >": the line before goes on */
}

static void on_running(void *context, bool running)
{
    struct viewer *viewer = context;
    const char *line = strchr(text_chars(&viewer->prompt), '>');

    if (running)
        begin_output(viewer, line ? line + 1 + strspn(line + 1, " ") : NULL);
    viewer->busy = running;
    redraw(viewer);
}

static void set_typing(struct viewer *viewer, bool typing)
{
    viewer->typing = typing;
    if (!viewer->repl)
        show_row(viewer, session_prompt(viewer->session), text_chars(&viewer->line), viewer->line.size);
    else if (!typing)
        viewer->view.prompt_cursor = -1;
    else
        repl_feed(viewer->repl, "", 0);
    if (viewer->repl && typing && viewer->view.prompt)
        viewer->view.prompt_cursor = 1 + text_width(viewer->view.prompt);
    redraw(viewer);
}

/* Without readline (a joined terminal): letters, backspace, Enter. */
static void plain_edit(struct viewer *viewer, const char *bytes, size_t size)
{
    struct text *line = &viewer->line;

    if (bytes[0] == '\r' || bytes[0] == '\n') {
        if (line->size)
            run(viewer, text_chars(line));
        text_clear(line);
    } else if (bytes[0] == 0x7f || bytes[0] == 8) {
        while (line->size && ((unsigned char)line->data[line->size - 1] & 0xc0) == 0x80)
            line->data[--line->size] = 0;
        if (line->size)
            line->data[--line->size] = 0;
    } else if (bytes[0] == 0x15) {
        text_clear(line);
    } else if ((unsigned char)bytes[0] >= ' ' && line->size < 4096) {
        text_add_size(line, bytes, size);
    }
    show_row(viewer, session_prompt(viewer->session), text_chars(line), line->size);
}

static void type(struct viewer *viewer, const char *bytes, size_t size, int key)
{
    if (key == KEY_ESCAPE) {
        set_typing(viewer, false);
    } else if (key == 26) {
        screen_suspend(viewer->screen);
    } else if (key == 3) {
        if (viewer->running)
            task_interrupt(viewer->running);
        else if (viewer->repl)
            repl_interrupt(viewer->repl);
    } else if (viewer->repl) {
        repl_feed(viewer->repl, bytes, size);
        if (repl_done(viewer->repl))
            viewer->finished = true;
    } else {
        plain_edit(viewer, bytes, size);
    }
}

/* ---- keys ---- */

static void change_speed(struct viewer *viewer, double by)
{
    double speed = lab_speed(viewer->view.lab) * by;

    if (speed >= 0.1 && speed <= 10000 && !lab_is_past(viewer->view.lab))
        lab_set_speed(viewer->view.lab, speed);
}

static void scroll(struct viewer *viewer, int by)
{
    int *at = &viewer->view.output_scroll;

    *at = *at + by < 0 ? 0 : *at + by;
}

static void ask_why(struct viewer *viewer)
{
    struct view *view = &viewer->view;
    struct text line = { 0 };

    if (view_pane(view)->why)
        view_pane(view)->why(view, &line);
    else if (view->topic)
        text_printf(&line, "why %s-%d", view->topic, view->partition);
    if (line.size)
        run(viewer, text_chars(&line));
    text_done(&line);
}

/* Ends what a key or the row asked for; false: nothing runs. */
static bool interrupt(struct viewer *viewer)
{
    if (viewer->running)
        task_interrupt(viewer->running);
    else if (viewer->busy)
        repl_interrupt(viewer->repl);
    else
        return false;
    return true;
}

static void act(struct viewer *viewer, int key)
{
    struct view *view = &viewer->view;
    char line[64];

    if (lab_inspects(view->lab) && key > 0 && key < 128 && strchr(" ncfs+=-", key)) {
        begin_output(viewer, "--inspect");
        text_add(&view->output, "A real broker's folder is only looked at: no time passes.\n");
        return;
    }
    switch (key) {
    case ' ':
        if (lab_is_past(view->lab))
            run(viewer, "rewind end");
        else
            lab_set_pace(view->lab, lab_pace(view->lab) == PACE_RUNNING ? PACE_PAUSED : PACE_RUNNING);
        break;
    case 'z':
        run(viewer, "rewind 30s");
        break;
    case 'n':
        snprintf(line, sizeof(line), "next%s%s", view_pane(view)->next ? " " : "", view_pane(view)->next ? view_pane(view)->next : "");
        run(viewer, line);
        break;
    case 'c':
        run(viewer, "next check");
        break;
    case 'f':
        run(viewer, "advance 30s");
        break;
    case 's':
        run(viewer, "step");
        break;
    case 'w':
        ask_why(viewer);
        break;
    case '+':
    case '=':
        change_speed(viewer, 2);
        break;
    case '-':
        change_speed(viewer, 0.5);
        break;
    case '\r':
    case '\n':
        view_open_pane(view, view->pane ? 'r' : 'b');
        break;
    case KEY_ARROW_LEFT:
        view->pane = (view->pane + view_pane_count() - 1) % view_pane_count();
        break;
    case KEY_ARROW_RIGHT:
        view->pane = (view->pane + 1) % view_pane_count();
        break;
    case KEY_ARROW_UP:
    case 'k':
        view_select(view, -1);
        break;
    case KEY_ARROW_DOWN:
    case 'j':
        view_select(view, +1);
        break;
    case KEY_PAGE_UP:
        scroll(viewer, +5);
        break;
    case KEY_PAGE_DOWN:
        scroll(viewer, -5);
        break;
    case '?':
    case 'h':
        begin_output(viewer, "keys");
        text_add(&view->output, _(view->lang, help_text));
        break;
    case KEY_ESCAPE:
        if (!interrupt(viewer))
            begin_output(viewer, NULL);
        break;
    case 26: /* Ctrl-Z */
        screen_suspend(viewer->screen);
        break;
    case ':':
    case '\t':
        set_typing(viewer, true);
        break;
    case 3:
        if (!interrupt(viewer))
            viewer->finished = true;
        break;
    case 'q':
    case 4:
        viewer->finished = true;
        break;
    default:
        view_open_pane(view, key);
        break;
    }
}

void viewer_choose(struct viewer *viewer, const char *topic, int32_t partition)
{
    view_choose(&viewer->view, topic, partition);
    redraw(viewer);
}

void viewer_keys(struct viewer *viewer, const char *bytes, size_t size)
{
    struct buffer *keys = &viewer->keys;
    size_t at = 0, used;

    buffer_put(keys, bytes, size);
    while (at < keys->size && !viewer->finished) {
        const char *here = (const char *)keys->data + at;
        int key = key_decode(here, keys->size - at, &used);

        if (!used)
            break;
        if (viewer->typing)
            type(viewer, here, used, key);
        else
            act(viewer, key);
        at += used;
    }
    if (at < keys->size)
        memmove(keys->data, keys->data + at, keys->size - at);
    keys->size -= at;
    redraw(viewer);
}

/* ---- drawing ---- */

static bool changed(struct viewer *viewer)
{
    const struct lab *lab = viewer->view.lab = viewer->session->lab; /* the session may have gone to the past, or come back */
    int64_t tenth = queue_now_us(lab_queue(lab)) / 100000;
    uint64_t entry = journal_last(lab_journal(lab)), events = queue_events_run(lab_queue(lab));
    size_t connections = wire_connection_count(lab_wire(lab));
    int rows, columns;

    screen_size(viewer->screen, &rows, &columns);
    if (rows != viewer->grid.rows || columns != viewer->grid.columns) {
        grid_done(&viewer->grid);
        grid_init(&viewer->grid, rows, columns, screen_ascii(viewer->screen));
        viewer->out->columns = columns - 2;
        viewer->drawn = false;
    }
    if (lab_pace(lab) == PACE_FROZEN) /* who waits, and for how long, is no event */
        tenth = queue_now_us(lab_queue(lab)) + monotonic_now_us() / 250000;
    if (viewer->drawn && tenth == viewer->shown_tenth && entry == viewer->shown_entry && events == viewer->shown_events &&
        connections == viewer->shown_connections && !viewer->running && !viewer->busy)
        return false;
    viewer->drawn = true;
    viewer->shown_tenth = tenth;
    viewer->shown_entry = entry;
    viewer->shown_events = events;
    viewer->shown_connections = connections;
    return true;
}

static void on_tick(uv_timer_t *tick)
{
    struct viewer *viewer = tick->data;
    int cursor;

    if (viewer->finished) {
        uv_timer_stop(tick);
        viewer->closed(viewer->context);
        return;
    }
    if (lab_inspects(viewer->view.lab) && monotonic_now_us() >= viewer->look_again_us) {
        int64_t began_us = monotonic_now_us(), took_us;

        inspected_refresh_quietly(viewer->shell, viewer->view.lab);
        took_us = monotonic_now_us() - began_us;
        viewer->look_again_us = began_us + (took_us * 20 > LOOK_AGAIN_US ? took_us * 20 : LOOK_AGAIN_US); /* a large folder more rarely */
    }
    if (!changed(viewer))
        return;
    if (viewer->view.output.size > MOST_OUTPUT) { /* a command that never ends: its newest lines are enough */
        size_t half = viewer->view.output.size / 2;

        memmove(viewer->view.output.data, viewer->view.output.data + half, viewer->view.output.size - half + 1);
        viewer->view.output.size -= half;
    }
    viewer->view.lang = viewer->session->lang;
    viewer->view.idle_prompt = session_prompt(viewer->session);
    if (!viewer->typing && viewer->view.prompt && text_ends(viewer->view.prompt, "> ")) /* nothing typed: the prompt of now, which in the past names the time */
        viewer->view.prompt = NULL;
    viewer->view.running = viewer->running || viewer->busy;
    view_draw(&viewer->view, &viewer->grid);
    cursor = viewer->typing ? viewer->view.prompt_cursor : -1;
    screen_show(viewer->screen, &viewer->grid, cursor >= 0 && cursor < viewer->grid.columns ? viewer->grid.rows - 2 : -1, cursor);
}

struct viewer *viewer_open(struct shell *shell, struct session *session, struct screen *screen, struct repl *repl, void (*closed)(void *context), void *context)
{
    struct viewer *viewer = mem_zero(sizeof(*viewer));

    viewer->shell = shell;
    viewer->session = session;
    viewer->screen = screen;
    viewer->repl = repl;
    viewer->closed = closed;
    viewer->context = context;
    view_init(&viewer->view, session->lab);
    viewer->out = stream_text(&viewer->view.output);
    viewer->out->columns = 78;
    viewer->out->progress = &viewer->view.progress;
    if (repl) {
        viewer->hook = (struct repl_hook){ .draw = on_row, .out = viewer->out, .running = on_running, .context = viewer };
        repl_take(repl, &viewer->hook);
    }
    viewer->tick = mem_zero(sizeof(*viewer->tick));
    uv_timer_init(shell->loop, viewer->tick);
    viewer->tick->data = viewer;
    uv_timer_start(viewer->tick, on_tick, 0, FRAME_MS);
    return viewer;
}

void viewer_close(struct viewer *viewer)
{
    if (!viewer)
        return;
    if (viewer->running)
        task_interrupt(viewer->running);
    if (viewer->repl)
        repl_release(viewer->repl);
    uv_timer_stop(viewer->tick);
    uv_close((uv_handle_t *)viewer->tick, handle_free);
    screen_close(viewer->screen);
    stream_close(viewer->out);
    view_done(&viewer->view);
    grid_done(&viewer->grid);
    buffer_done(&viewer->keys);
    text_done(&viewer->line);
    text_done(&viewer->prompt);
    mem_free(viewer);
}
