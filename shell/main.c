/* kafkarium: reads the command line, opens the lab, and runs what was asked for. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shell/command.h"
#include "shell/control/control.h"
#include "shell/options.h"
#include "shell/repl/repl.h"
#include "shell/shell.h"
#include "shell/tool_process.h"

#define VERSION "0.1"

/* ---- kafkarium tools DIR ---- */

static int make_tools(const char *dir)
{
    char self[4096];
    ssize_t size = readlink("/proc/self/exe", self, sizeof(self) - 1);
    char *bin = mem_printf("%s/bin", dir);
    int made = 0;

    if (size < 0) {
        perror("kafkarium: /proc/self/exe");
        return 1;
    }
    self[size] = 0;
    if ((mkdir(dir, 0777) && errno != EEXIST) || (mkdir(bin, 0777) && errno != EEXIST)) {
        fprintf(stderr, "kafkarium: %s: %s\n", bin, strerror(errno));
        mem_free(bin);
        return 1;
    }
    for (size_t i = 0; i <= command_count(); i++) {
        const char *name = i < command_count() ? command_at(i)->name : "kafka-run-class";
        char *path = mem_printf("%s/%s.sh", bin, name);
        struct stat st;

        if (i < command_count() && !command_at(i)->tool) {
            mem_free(path);
            continue;
        }
        if (!lstat(path, &st) && S_ISLNK(st.st_mode))
            unlink(path);
        if (symlink(self, path))
            fprintf(stderr, "kafkarium: %s: %s (left as it is)\n", path, strerror(errno));
        else
            made++;
        mem_free(path);
    }
    printf("%d links in %s, for instance %s/kafka-topics.sh --bootstrap-server localhost:9092 --list\n", made, bin, bin);
    mem_free(bin);
    return 0;
}

/* ---- --serve ---- */

static void print_ready(const struct lab *lab, const struct run_options *options)
{
    struct text line = { 0 };
    const char *host = options->lab.advertised_host && strcmp(options->lab.advertised_host, "auto") ? options->lab.advertised_host : "localhost";

    if (options->lab.listen_address && !options->lab.advertised_host && strcmp(options->lab.listen_address, "0.0.0.0") && !strchr(options->lab.listen_address, ':'))
        host = options->lab.listen_address;
    text_add(&line, options->ready_json ? "{\"ready\":[" : "ready ");
    for (size_t i = 0; i < cluster_broker_count(lab_cluster(lab)); i++)
        text_printf(&line, options->ready_json ? "%s\"%s:%d\"" : "%s%s:%d", i ? "," : "", host, lab_port(lab, i));
    if (options->ready_json) {
        text_add(&line, "],\"control\":");
        text_json(&line, bytes_text(lab_control_path(lab)));
        text_add(&line, ",\"lab\":");
        text_json(&line, bytes_text(lab_dir(lab)));
        text_add(&line, "}");
    }
    text_char(&line, '\n');
    fputs(text_chars(&line), stdout);
    fflush(stdout);
    text_done(&line);
}

static void on_stdin(uv_poll_t *poll, int status, int events)
{
    char sink[4096];

    (void)events;
    if (status < 0 || read(0, sink, sizeof(sink)) <= 0) {
        ((struct shell *)poll->data)->ending = true;
        uv_poll_stop(poll);
    }
}

static int serve(struct shell *shell, const struct run_options *options)
{
    uv_poll_t poll;
    struct stat st;
    bool watched = !fstat(0, &st) && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode));

    print_ready(shell->lab, options);
    if (watched && !uv_poll_init(shell->loop, &poll, 0)) {
        poll.data = shell;
        uv_poll_start(&poll, UV_READABLE | UV_DISCONNECT, on_stdin);
    }
    shell_run(shell, NULL);
    return 0;
}

/* ---- -c, -f, a pipe ---- */

static char *read_whole(const char *path)
{
    FILE *f = path ? fopen(path, "r") : stdin;
    struct text text = { 0 };
    char part[65536];
    size_t got;

    if (!f) {
        fprintf(stderr, "kafkarium: %s: %s\n", path, strerror(errno));
        return NULL;
    }
    while ((got = fread(part, 1, sizeof(part), f)) > 0)
        text_add_size(&text, part, got);
    if (path)
        fclose(f);
    if (text.size && memchr(text.data, 0, text.size)) {
        fprintf(stderr, "kafkarium: %s is no text\n", path ? path : "standard input");
        text_done(&text);
        return NULL;
    }
    return text_take(&text);
}

static int run_script(struct shell *shell, const struct run_options *options, struct session *session)
{
    char *text = options->commands ? mem_text(options->commands) : read_whole(options->file);
    struct stream *out = stream_descriptor(1, false), *err = stream_descriptor(2, false);
    bool own_input = options->commands || options->file;
    struct input *in = own_input ? input_descriptor(shell->loop, 0, false) : input_none();
    int status = 1;

    if (text) {
        session->script = true;
        session->allow_shell = true;
        status = shell_run_text(shell, session, text, out, err, in);
        if (!session->exiting)
            status = session_end_script(session, session->failed ? 1 : 0, out, err);
        session_done(session);
    }
    mem_free(text);
    stream_close(out);
    stream_close(err);
    input_close(in);
    return status;
}

static void say_course(const struct lab *lab)
{
    const char *changed = lab_settings_changed(lab);

    if (*changed)
        fprintf(stderr, "Other than Kafka's defaults:\n%s", changed);
}

/* Ten thousand logs take a second or more: from then on a terminal is told, ten times a second. */
struct loading { int64_t begun_us, said_us; };
static void say_loaded(void *context, size_t done, size_t total)
{
    struct loading *loading = context;
    int64_t now_us = monotonic_now_us();

    if (now_us - loading->begun_us < 1000000 || now_us - loading->said_us < 100000 || !isatty(STDERR_FILENO))
        return;
    loading->said_us = now_us;
    fprintf(stderr, "\ropening: %zu of %zu logs", done, total);
}

static int run_lab(struct run_options *options)
{
    struct shell shell = { 0 };
    struct session session = { .shell = &shell, .release_fixed = true };
    struct reason reason = { "" };
    struct loading loading = { .begun_us = monotonic_now_us() };
    int status;
    enum err err;

    shell_init(&shell);
    options->lab.loop = shell.loop;
    options->lab.loaded = say_loaded;
    options->lab.loaded_context = &loading;
    if (options->mode != RUN_SERVE)
        options->lab.record = true; /* for rewind; --serve does with --record */
    err = lab_open(&shell.lab, &options->lab, &reason);
    if (loading.said_us)
        fputs("\r\033[K", stderr);
    if (err) {
        fprintf(stderr, "kafkarium: %s\n", reason.text);
        shell_done(&shell);
        return 3;
    }
    if (options->metrics_port >= 0) {
        options->metrics_port = lab_export_metrics(shell.lab, options->lab.listen_address, options->metrics_port, &reason);
        if (options->metrics_port < 0) {
            fprintf(stderr, "kafkarium: %s\n", reason.text);
            shell_done(&shell);
            return 3;
        }
        fprintf(stderr, "metrics: http://%s:%d/metrics\n", options->lab.listen_address ? options->lab.listen_address : "127.0.0.1", options->metrics_port);
    }
    session.lab = shell.current = shell.lab;
    shell.how = &options->lab;
    session.release = release_is_27(lab_release(shell.lab)) ? RELEASE_27 : RELEASE_43;
    session.mode = options->print_mode >= 0 ? (enum print_mode)options->print_mode : PRINT_TABLE;
    session.lang = lang_of_environment();
    if (options->speed != 1)
        lab_set_speed(shell.lab, options->speed);
    if (options->paused)
        lab_set_pace(shell.lab, PACE_PAUSED);
    if (control_open(&shell.control, &shell, shell.lab, &reason))
        fprintf(stderr, "kafkarium: %s; --to and the view in a second terminal will not work\n", reason.text);
    if (options->mode == RUN_SERVE) {
        status = serve(&shell, options);
    } else if (options->mode == RUN_SCRIPT) {
        lab_set_jumping(shell.lab, true);
        status = run_script(&shell, options, &session);
    } else {
        if (options->lab.course)
            say_course(shell.lab);
        status = repl_run(&shell, &session);
        session_done(&session);
    }
    control_close(shell.control);
    shell_done(&shell);
    return status;
}

int main(int argc, char **argv)
{
    struct run_options options;
    int status;

    if (!setlocale(LC_CTYPE, "")) /* LANG=ru_RU.UTF-8 on a system that never generated it: UTF-8 all the same */
        setlocale(LC_CTYPE, "C.UTF-8");
    setlocale(LC_MESSAGES, ""); /* the other categories stay C, and cost no files */
    if (tool_process(argc, argv, &status))
        return status;
    status = run_options_parse(&options, argc, argv);
    if (status) {
        run_options_done(&options);
        return status;
    }
    if (options.mode == RUN_HELP)
        run_usage(stdout);
    else if (options.mode == RUN_VERSION)
        puts("kafkarium " VERSION);
    else if (options.mode == RUN_TOOLS)
        status = make_tools(options.tools_dir);
    else if (options.join)
        status = control_join(&options);
    else
        status = run_lab(&options);
    run_options_done(&options);
    return status;
}
