/* The REPL. Between commands readline has the terminal; while one runs the terminal is as the user left it, so that lines typed into a producer
 * are echoed and edited by the system. readline keeps its state in globals, so there is one REPL a process. */
#include "shell/repl/repl.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <readline/history.h>
#include <readline/readline.h>

#include "shell/inspected.h"
#include "shell/language.h"
#include "shell/repl/complete.h"
#include "shell/repl/terminal.h"

#define MORE "         > "

enum { HISTORY_LINES = 2000 };

struct repl_stream {
    struct stream stream;
    struct repl *repl;
    int fd;
};

struct repl {
    struct shell *shell;
    struct session *session;
    struct repl_stream out, err;
    int tty;                     /* the terminal, opened anew: libuv makes it non-blocking */
    FILE *tty_file;
    uv_poll_t poll;
    uv_signal_t resize, suspend;
    uv_timer_t settle;
    struct text pending;         /* lines of a command that is not complete yet */
    char *line;                  /* entered, to be taken up outside readline */
    bool entered, prompting, running, done, interrupted;
    bool mid_line;               /* what was printed last did not end its line: the prompt begins a new one */
    struct task *before;         /* the foreground below the view's row: the command view */
    const struct repl_hook *hook;
    const char *fed;             /* bytes for readline that come from the view */
    size_t fed_size;
    char *history;
};

static struct repl *the_repl;    /* readline's callbacks get no context */

struct repl *repl_of(const struct session *session)
{
    return the_repl && the_repl->session == session ? the_repl : NULL;
}

/* ---- output while the prompt stands: above it ---- */

static void write_above(struct stream *stream, const char *data, size_t size)
{
    struct repl_stream *self = (struct repl_stream *)stream;
    bool above = self->repl->prompting && !self->repl->hook;

    if (size)
        self->repl->mid_line = data[size - 1] != '\n';
    if (self->repl->hook && self->repl->hook->out) {
        self->repl->hook->out->write(self->repl->hook->out, data, size);
        return;
    }
    if (above) {
        rl_clear_visible_line();
        fflush(stdout);
    }
    while (size) {
        ssize_t written = write(self->fd, data, size);

        if (written < 0 && errno != EINTR && errno != EAGAIN)
            break;
        if (written > 0) {
            data += written;
            size -= (size_t)written;
        }
    }
    if (above) {
        rl_on_new_line();
        rl_redisplay();
    }
}

static void say(void *context, const char *text)
{
    struct repl *repl = context;

    write_above(&repl->out.stream, text, strlen(text));
}

static void look_at_size(struct repl *repl)
{
    struct winsize size;

    if (ioctl(1, TIOCGWINSZ, &size) || !size.ws_col)
        return;
    repl->out.stream.columns = repl->err.stream.columns = size.ws_col;
    repl->out.stream.rows = repl->err.stream.rows = size.ws_row;
}

/* ---- history ---- */

static char *history_path(void)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    char *folder, *path;

    if (state && *state)
        folder = mem_printf("%s/kafkarium", state);
    else if (home && *home)
        folder = mem_printf("%s/.local/state/kafkarium", home);
    else
        return NULL;
    for (char *slash = folder + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
        *slash = 0;
        mkdir(folder, 0755);
    }
    mkdir(folder, 0700);
    path = mem_printf("%s/history", folder);
    mem_free(folder);
    return path;
}

static void open_history(struct repl *repl)
{
    int fd;

    using_history();
    history_comment_char = '#'; /* a time before each, so that one of several lines stays one */
    history_write_timestamps = 1;
    history_multiline_entries = 1;
    repl->history = history_path();
    if (!repl->history)
        return;
    fd = open(repl->history, O_CREAT | O_APPEND | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0) {
        mem_free(repl->history);
        repl->history = NULL;
        return;
    }
    close(fd);
    read_history(repl->history);
    stifle_history(HISTORY_LINES);
}

static void remember(struct repl *repl, const char *text)
{
    HIST_ENTRY *last = history_length ? history_get(history_base + history_length - 1) : NULL;

    if (!*text || *text == ' ' || (last && !strcmp(last->line, text)))
        return;
    add_history(text);
    if (repl->history)
        append_history(1, repl->history); /* at once: nothing is lost by a kill */
}

static void close_history(struct repl *repl)
{
    if (repl->history)
        history_truncate_file(repl->history, HISTORY_LINES);
    mem_free(repl->history);
}

/* ---- completion ---- */

struct matches {
    char **names;
    size_t count, capacity;
};

static void add_match(void *context, const char *name)
{
    struct matches *matches = context;

    for (size_t i = 0; i < matches->count; i++)
        if (!strcmp(matches->names[i], name))
            return;
    ARRAY_ADD(matches->names, matches->count, matches->capacity) = mem_text(name);
}

/* What readline wants: malloc'd, the common beginning first. */
static char **readline_matches(struct matches *matches)
{
    size_t common = matches->count ? strlen(matches->names[0]) : 0;
    char **list;

    if (!matches->count)
        return NULL;
    for (size_t i = 1; i < matches->count; i++)
        while (strncmp(matches->names[0], matches->names[i], common) != 0)
            common--;
    list = calloc(matches->count + 2, sizeof(*list));
    if (!list)
        return NULL;
    list[0] = strndup(matches->names[0], common);
    for (size_t i = 0; matches->count > 1 && i < matches->count; i++)
        list[i + 1] = strdup(matches->names[i]);
    return list;
}

static char **complete(const char *text, int start, int end)
{
    struct matches matches = { 0 };
    char **list, *before = NULL;
    bool files = false;
    struct text line = { 0 };

    (void)end;
    text_add(&line, text_chars(&the_repl->pending));
    if (line.size)
        text_char(&line, ' ');
    before = mem_text_size(rl_line_buffer, (size_t)start);
    text_add(&line, before);
    complete_at(the_repl->session, text_chars(&line), line.size, text, add_match, &matches, &files);
    list = readline_matches(&matches);
    rl_attempted_completion_over = list || !files;
    rl_completion_suppress_append = 0;
    if (matches.count == 1 && (text_ends(matches.names[0], "/") || text_ends(matches.names[0], "=")))
        rl_completion_suppress_append = 1;
    for (size_t i = 0; i < matches.count; i++)
        mem_free(matches.names[i]);
    mem_free(matches.names);
    mem_free(before);
    text_done(&line);
    return list;
}

/* ---- the prompt ---- */

static void on_line(char *line);
static void on_key(uv_poll_t *poll, int status, int events);

static void draw_hooked(void)
{
    if (!the_repl->hook)
        return;
    if (the_repl->prompting && !the_repl->pending.size) /* in the past it names the time, which a key may have moved */
        rl_set_prompt(session_prompt(the_repl->session));
    the_repl->hook->draw(the_repl->hook->context, rl_display_prompt ? rl_display_prompt : "", rl_line_buffer ? rl_line_buffer : "", (size_t)rl_point);
}

static void prepare_nothing(int meta)
{
    (void)meta;
}

static void undo_nothing(void)
{
}

static int next_byte(FILE *file)
{
    if (the_repl->fed_size) {
        the_repl->fed_size--;
        return (uint8_t)*the_repl->fed++;
    }
    return the_repl->hook ? EOF : rl_getc(file);
}

static void show_prompt(struct repl *repl)
{
    if (repl->prompting || repl->done)
        return;
    if (!repl->hook)
        session_jobs_report(repl->session, &repl->out.stream);
    repl->prompting = true;
    rl_callback_handler_install(repl->pending.size ? MORE : session_prompt(repl->session), on_line);
    if (!repl->hook)
        uv_poll_start(&repl->poll, UV_READABLE, on_key);
    else
        draw_hooked();
}

static void hide_prompt(struct repl *repl)
{
    if (!repl->prompting)
        return;
    repl->prompting = false;
    rl_callback_handler_remove();
    fflush(stdout);
    if (!repl->hook)
        uv_poll_stop(&repl->poll);
}

/* Inside readline: only noted, taken up by take_line(). */
static void on_line(char *line)
{
    the_repl->entered = true;
    the_repl->line = line;
    hide_prompt(the_repl);
}

struct running {
    struct repl *repl;
    char *text;
    struct stream *out, *err;
    struct input *in;
    bool own_in;
};

static void run_text(struct task *task, void *context)
{
    struct running *running = context;

    running->repl->shell->foreground = task;
    session_run(task, running->repl->session, running->text, running->out, running->err, running->in);
    running->repl->interrupted = task_interrupted(task);
}

static void look_for_children(uv_timer_t *timer);

static void after_command(struct repl *repl)
{
    if (session_busy(repl->session)) { /* a child that takes its time to go */
        uv_timer_start(&repl->settle, look_for_children, 20, 0);
        return;
    }
    repl->running = false;
    if (repl->hook && repl->hook->running)
        repl->hook->running(repl->hook->context, false);
    if (repl->session->exiting)
        repl->done = true;
    if (repl->interrupted && !repl->hook)
        write_above(&repl->out.stream, "\n", 1);
    else if (repl->mid_line && !repl->hook)
        write_above(&repl->out.stream, "\n", 1);
    repl->interrupted = repl->mid_line = false;
    show_prompt(repl);
}

static void look_for_children(uv_timer_t *timer)
{
    after_command(timer->data);
}

static void text_ended(void *context)
{
    struct running *running = context;
    struct repl *repl = running->repl;

    repl->shell->foreground = repl->before;
    if (running->own_in)
        input_close(running->in);
    mem_free(running->text);
    mem_free(running);
    after_command(repl);
}

static void start_text(struct repl *repl, const char *text)
{
    struct running *running = mem_zero(sizeof(*running));

    running->repl = repl;
    running->text = mem_text(text);
    running->out = repl->hook ? repl->hook->out : &repl->out.stream;
    running->err = repl->hook ? repl->hook->out : &repl->err.stream;
    running->own_in = !repl->hook || !repl->hook->in;
    running->in = repl->hook && repl->hook->in ? repl->hook->in : repl->hook ? input_none() : input_descriptor(repl->shell->loop, 0, false);
    repl->running = true;
    if (repl->hook && repl->hook->running)
        repl->hook->running(repl->hook->context, true);
    task_start(run_text, text_ended, running);
}

/* What was entered: one more line of something longer, or all of it. */
static void take_line(struct repl *repl)
{
    char *line = repl->line;

    repl->entered = false;
    repl->line = NULL;
    if (!line) { /* Ctrl-D */
        if (repl->pending.size) {
            text_clear(&repl->pending);
            write_above(&repl->out.stream, "\n", 1);
        } else {
            if (!repl->hook)
                write_above(&repl->out.stream, "exit\n", 5);
            repl->session->exiting = repl->done = true;
            return;
        }
    } else {
        if (repl->pending.size)
            text_char(&repl->pending, '\n');
        text_add(&repl->pending, line);
        free(line);
    }
    if (!repl->pending.size || !language_complete(text_chars(&repl->pending))) {
        show_prompt(repl);
        return;
    }
    char *text = text_take(&repl->pending);

    remember(repl, text);
    start_text(repl, text);
    mem_free(text);
}

static void on_key(uv_poll_t *poll, int status, int events)
{
    struct repl *repl = poll->data;
    int waiting = 0;

    (void)events;
    if (status < 0 || (!ioctl(repl->tty, FIONREAD, &waiting) && !waiting)) {
        /* readable without a byte: Ctrl-D arrives as one, so the terminal is gone */
        char byte;

        if (status < 0 || (read(repl->tty, &byte, 1) < 0 && errno == EIO)) {
            hide_prompt(repl);
            repl->session->exiting = repl->done = true;
            return;
        }
    }
    rl_callback_read_char();
    if (repl->entered)
        take_line(repl);
}

/* ---- signals ---- */

static void on_interrupt(void *context)
{
    struct repl *repl = context;

    if (repl->running) /* a child has the terminal, and got it as well */
        return;
    text_clear(&repl->pending);
    if (!repl->prompting)
        return;
    if (repl->hook) {
        rl_replace_line("", 0);
        rl_free_line_state();
        draw_hooked();
        return;
    }
    rl_free_line_state();
    rl_callback_sigcleanup();
    fputs("^C", stdout); /* behind what was typed */
    fflush(stdout);
    hide_prompt(repl);
    write_above(&repl->out.stream, "\n", 1);
    show_prompt(repl);
}

static void on_resize(uv_signal_t *signal, int number)
{
    struct repl *repl = signal->data;

    (void)number;
    look_at_size(repl);
    if (repl->prompting && !repl->hook)
        rl_resize_terminal();
}

/* Ctrl-Z: the terminal as it was for whoever comes next; on return everything is drawn again. */
static void on_suspend(uv_signal_t *signal, int number)
{
    struct repl *repl = signal->data;
    bool prompting = repl->prompting && !repl->hook;

    (void)number;
    if (prompting)
        rl_deprep_terminal();
    kill(getpid(), SIGSTOP);
    if (prompting) {
        rl_prep_terminal(1);
        rl_forced_update_display();
    }
}

/* ---- the view's row ---- */

void repl_take(struct repl *repl, const struct repl_hook *hook)
{
    repl->hook = hook;
    repl->before = repl->shell->foreground;
    repl->running = false;
    rl_redisplay_function = draw_hooked;
    rl_prep_term_function = prepare_nothing;
    rl_deprep_term_function = undo_nothing;
    show_prompt(repl);
}

void repl_release(struct repl *repl)
{
    if (!repl->hook)
        return;
    hide_prompt(repl);
    repl->hook = NULL;
    repl->before = NULL;
    repl->running = true; /* the command view, until it returns */
    rl_redisplay_function = rl_redisplay;
    rl_prep_term_function = rl_prep_terminal;
    rl_deprep_term_function = rl_deprep_terminal;
}

void repl_feed(struct repl *repl, const char *bytes, size_t size)
{
    if (!repl->hook || !repl->prompting)
        return;
    repl->fed = bytes;
    repl->fed_size = size;
    while (repl->fed_size && repl->prompting)
        rl_callback_read_char();
    repl->fed_size = 0;
    if (repl->entered)
        take_line(repl);
}

void repl_interrupt(struct repl *repl)
{
    if (repl->running && repl->shell->foreground && repl->shell->foreground != repl->before)
        task_interrupt(repl->shell->foreground);
    else
        on_interrupt(repl);
}

bool repl_done(const struct repl *repl)
{
    return repl->done;
}

/* ---- from the banner to the end ---- */

static void print_banner(const struct session *session)
{
    const struct lab *lab = session->lab;
    size_t brokers = lab ? cluster_broker_count(lab_cluster(lab)) : 0;
    struct text text = { 0 };

    if (lab && lab_inspects(lab)) {
        text_add(&text, "Kafkarium: ");
        inspected_title(lab, session->lang, &text, 0);
        text_char(&text, '\n');
        text_add(&text, _(session->lang, "Nothing there is changed. Try: status, view, why TOPIC-0, dump TOPIC-0, sql, help\n"));
        fputs(text_chars(&text), stdout);
        fflush(stdout);
        text_done(&text);
        return;
    }
    if (lab) {
        text_printf(&text, "Kafkarium: Kafka %s, %zu broker%s", release_is_27(lab_release(lab)) ? "2.7" : "4.3", brokers, brokers == 1 ? "" : "s");
        if (lab_net(lab))
            text_printf(&text, brokers > 1 ? " on localhost:%d-%d" : " on localhost:%d", (int)lab_port(lab, 0), (int)lab_port(lab, brokers - 1));
        else
            text_add(&text, ", not listening");
        text_printf(&text, "\nfiles in %s\n", brokers == 1 ? broker_log_dir(cluster_broker_at(lab_cluster(lab), 0)) : lab_dir(lab));
    }
    text_add(&text, "Try: demo retention (20 s) \xc2\xb7 lesson start \xc2\xb7 view \xc2\xb7 help\n");
    fputs(text_chars(&text), stdout);
    fflush(stdout);
    text_done(&text);
}

static int open_terminal(struct repl *repl)
{
    char name[256];

    repl->tty = ttyname_r(0, name, sizeof(name)) ? -1 : open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (repl->tty < 0)
        repl->tty = dup(0);
    repl->tty_file = fdopen(repl->tty, "r");
    if (!repl->tty_file || uv_poll_init(repl->shell->loop, &repl->poll, repl->tty)) {
        fprintf(stderr, "kafkarium: the terminal can't be read; -c, -f and a pipe work without one\n");
        return 1;
    }
    repl->poll.data = repl;
    return 0;
}

static void set_up_readline(struct repl *repl)
{
    rl_readline_name = "kafkarium";
    rl_catch_signals = 0; /* libuv has them */
    rl_catch_sigwinch = 0;
    rl_change_environment = 0;
    rl_instream = repl->tty_file;
    rl_outstream = stdout;
    rl_getc_function = next_byte;
    rl_attempted_completion_function = complete;
    rl_completer_word_break_characters = " \t\n|;&<>\"'=,!()";
    rl_completer_quote_characters = "\"'";
    rl_filename_quote_characters = " \t\"'";
    rl_variable_bind("enable-bracketed-paste", "on");
    rl_initialize();
}

static void close_repl(struct repl *repl)
{
    hide_prompt(repl);
    uv_close((uv_handle_t *)&repl->poll, NULL);
    uv_close((uv_handle_t *)&repl->resize, NULL);
    uv_close((uv_handle_t *)&repl->suspend, NULL);
    uv_close((uv_handle_t *)&repl->settle, NULL);
    uv_run(repl->shell->loop, UV_RUN_NOWAIT); /* so that they are closed before their memory goes */
    close_history(repl);
    terminal_restore();
    rl_instream = NULL;
    fclose(repl->tty_file);
    text_done(&repl->pending);
    the_repl = NULL;
}

static void finish_command(struct repl *repl)
{
    struct shell *shell = repl->shell;

    for (int i = 0; repl->running && i < 100; i++) { /* told to end while a command runs */
        if (shell->foreground)
            task_interrupt(shell->foreground);
        uv_run(shell->loop, UV_RUN_NOWAIT);
        if (repl->running)
            usleep(10000);
    }
}

int repl_run(struct shell *shell, struct session *session)
{
    struct repl repl = { .shell = shell, .session = session };

    if (open_terminal(&repl))
        return 1;
    terminal_begin();
    the_repl = &repl;
    repl.out = (struct repl_stream){ .stream = { .write = write_above, .terminal = isatty(1), .fd = 1 }, .repl = &repl, .fd = 1 };
    repl.err = (struct repl_stream){ .stream = { .write = write_above, .terminal = isatty(2), .fd = 2 }, .repl = &repl, .fd = 2 };
    look_at_size(&repl);
    session->interactive = true;
    session->allow_shell = true;
    uv_signal_init(shell->loop, &repl.resize);
    uv_signal_init(shell->loop, &repl.suspend);
    uv_timer_init(shell->loop, &repl.settle);
    repl.resize.data = repl.suspend.data = repl.settle.data = &repl;
    uv_signal_start(&repl.resize, on_resize, SIGWINCH);
    uv_signal_start(&repl.suspend, on_suspend, SIGTSTP);
    uv_unref((uv_handle_t *)&repl.resize);
    uv_unref((uv_handle_t *)&repl.suspend);
    shell->interrupted = on_interrupt;
    shell->say = say;
    shell->interrupted_context = &repl;
    set_up_readline(&repl);
    open_history(&repl);
    print_banner(session);
    show_prompt(&repl);
    shell_run(shell, &repl.done);
    repl.done = true;
    finish_command(&repl);
    shell->interrupted = NULL;
    shell->say = NULL;
    close_repl(&repl);
    return session->exiting ? session->exit_status : 0;
}
