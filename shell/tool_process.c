/* A tool as a process of its own. */
#include "shell/tool_process.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shell/command.h"
#include "shell/shell.h"

enum { PROBE_US = 2000000, PRODUCE_KEY = 0, PRODUCE_OF_27 = 8 };

struct tool_run {
    struct call call;
    bool ended;
    int status;
};

/* ---- whose words the tool prints: KAFKARIUM_KAFKA, the release in its path (kafka_2.13-2.7.0/bin/...), else the broker's ---- */

static const char *bootstrap_of(int argc, char **argv)
{
    static const char *const names[] = { "--bootstrap-server", "--broker-list" };

    for (int i = 1; i < argc; i++) {
        for (size_t n = 0; n < sizeof(names) / sizeof(*names); n++) {
            size_t size = strlen(names[n]);

            if (!strcmp(argv[i], names[n]) && i + 1 < argc)
                return argv[i + 1];
            if (!strncmp(argv[i], names[n], size) && argv[i][size] == '=')
                return argv[i] + size + 1;
        }
    }
    return NULL;
}

/* Asks the first broker which versions it has: Produce ends at 8 in 2.7. A broker that can't be asked is the tool's own matter. */
static enum release ask_broker(struct task *task, struct shell *shell, const char *bootstrap)
{
    struct transport *transport = transport_tcp(shell->loop, shell->wall);
    const struct api_versions_response *answer;
    struct api_versions_request request;
    struct channel *channel = NULL;
    enum release release = RELEASE_43;
    struct arena arena;
    char host[256];
    int port;
    void *out = NULL;

    arena_init(&arena);
    fields_preset(&api_versions_request_message, &request);
    if (sscanf(bootstrap, "%255[^:,]:%d", host, &port) == 2 && port > 0 && port < 65536 &&
        !channel_open_wait(task, transport, host, port, &channel, PROBE_US, NULL) &&
        !channel_call(task, channel, 18, 0, "", &request, &arena, &out, PROBE_US, NULL) && out) {
        answer = out;
        for (int32_t i = 0; i < answer->api_keys.count; i++)
            if (answer->api_keys.items[i].api_key == PRODUCE_KEY && answer->api_keys.items[i].max_version <= PRODUCE_OF_27)
                release = RELEASE_27;
    }
    channel_close(channel);
    transport_free(transport);
    arena_done(&arena);
    return release;
}

static bool release_of_path(const char *path, enum release *release)
{
    if (strstr(path, "-2.7."))
        *release = RELEASE_27;
    else if (strstr(path, "-4.3."))
        *release = RELEASE_43;
    else
        return false;
    return true;
}

static void find_release(struct task *task, struct tool_run *run)
{
    struct session *session = run->call.session;
    const char *bootstrap = bootstrap_of(run->call.argc, run->call.argv);

    if (!session->release_fixed && bootstrap)
        session->release = ask_broker(task, session->shell, bootstrap);
}

/* ---- running ---- */

static void run_tool_task(struct task *task, void *context)
{
    struct tool_run *run = context;

    run->call.task = task;
    run->call.session->shell->foreground = task;
    find_release(task, run);
    run->status = run->call.command->run(&run->call);
}

static void tool_ended(void *context)
{
    struct tool_run *run = context;

    run->ended = true;
    run->call.session->shell->foreground = NULL;
}

static int run_tool(const struct command *command, const char *path, int argc, char **argv)
{
    struct shell shell = { 0 };
    const char *release = getenv("KAFKARIUM_KAFKA");
    struct session session = { .shell = &shell, .release = RELEASE_43 };
    struct tool_run run = { .call = { .session = &session, .command = command, .argc = argc, .argv = argv } };

    if (release && *release) {
        if (!release_parse(release, &session.release)) {
            fprintf(stderr, "kafkarium: KAFKARIUM_KAFKA is 2.7 or 4.3, not '%s'\n", release);
            return 2;
        }
        session.release_fixed = true;
    } else {
        session.release_fixed = release_of_path(path, &session.release);
    }
    shell_init(&shell);
    shell.outside = queue_new(wall_now_us());
    shell.wall = wall_timers_new(shell.loop, shell.outside);
    run.call.out = stream_descriptor(1, false);
    run.call.err = stream_descriptor(2, false);
    run.call.in = input_descriptor(shell.loop, 0, false);
    task_start(run_tool_task, tool_ended, &run);
    while (!run.ended) {
        shell_run(&shell, &run.ended);
        shell.ending = false;
        if (!run.ended && shell.foreground)
            task_interrupt(shell.foreground);
    }
    stream_close(run.call.out);
    stream_close(run.call.err);
    input_close(run.call.in);
    shell_done(&shell);
    return run.status;
}

bool tool_process(int argc, char **argv, int *status)
{
    char *copy = mem_text(argv[0]);
    const char *name = basename(copy);
    const struct command *command = NULL;
    bool class = !strcmp(name, "kafka-run-class.sh");

    if (class)
        command = argc > 1 ? command_of_class(argv[1]) : NULL;
    else if (text_ends(name, ".sh"))
        command = command_find(name);
    mem_free(copy);
    if (class && !command) {
        fprintf(stderr, "Error: Could not find or load main class %s\nCaused by: java.lang.ClassNotFoundException: %s\n", argc > 1 ? argv[1] : "",
                argc > 1 ? argv[1] : "");
        *status = 1;
        return true;
    }
    if (!command || !command->tool)
        return false;
    *status = run_tool(command, argv[0], argc - class, argv + class);
    return true;
}
