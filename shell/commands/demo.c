/* demo: a scene that plays itself. It sends records as a client would, lets time run faster, and tells what happens as it happens. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "shell/commands/pace.h"
#include "shell/look.h"
#include "shell/prose.h"
#include "shell/repl/repl.h"
#include "shell/shell.h"

enum { RECORDS = 95, SPEED = 8, SILENCE_S = 5 /* by the wall */ };
static const char topic[] = "demo";

struct play {
    struct call *call;
    struct producer *producer;
    struct transport *transport;
    uint64_t told;
    bool failed;
};

/* ---- telling ---- */

static bool worth_telling(const struct entry *entry)
{
    switch (entry->kind) {
    case EVENT_segment_rolled:
    case EVENT_segment_deleted:
    case EVENT_segment_kept:
    case EVENT_segment_unlinked:
    case EVENT_topic_created:
    case EVENT_config_changed:
        return entry->topic && !strcmp(entry->topic, topic);
    default:
        return false;
    }
}

static void tell(struct play *play)
{
    struct journal *journal = lab_journal(call_lab(play->call));

    for (; play->told < journal_last(journal); play->told++) {
        const struct entry *entry = journal_get(journal, play->told + 1);

        if (entry && worth_telling(entry))
            entry_print(play->call, entry);
    }
}

static void say(struct play *play, const char *text)
{
    tell(play);
    prose_print(play->call, "\n%s\n", text);
}

/* Lets virtual time pass by itself, telling on the way; false: interrupted. */
static bool pass(struct play *play, int64_t us)
{
    struct queue *queue = lab_queue(call_lab(play->call));
    int64_t until = queue_now_us(queue) + us;

    while (queue_now_us(queue) < until) {
        int64_t left = until - queue_now_us(queue);

        if (!call_sleep(play->call, left < 500000 ? left : 500000))
            return false;
        tell(play);
    }
    return true;
}

static bool type(struct play *play, const char *line)
{
    struct call *call = play->call;

    tell(play);
    call_print(call, "\n%s> %s\n", "kafkarium", line);
    return !session_run(call->task, call->session, line, call->out, call->err, call->in) && !call_interrupted(call);
}

/* ---- any key takes over ---- */

struct keys {
    uv_poll_t poll;
    struct call *call;
    struct termios found;
    int fd;
};

static void on_key(uv_poll_t *poll, int status, int events)
{
    struct keys *keys = poll->data;
    char bytes[64];
    ssize_t got = status < 0 ? -1 : read(keys->fd, bytes, sizeof(bytes));

    (void)events;
    if (status >= 0 && got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    uv_poll_stop(poll);
    task_interrupt(keys->call->task);
}

/* NULL: no terminal of this process; Ctrl-C still takes over. */
static struct keys *watch_keys(struct call *call)
{
    struct keys *keys;
    struct termios each;
    char name[256];
    int fd;

    if (!call->out->terminal || !repl_of(call->session) || !input_terminal(call->in) || ttyname_r(0, name, sizeof(name)))
        return NULL;
    fd = open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    keys = mem_zero(sizeof(*keys));
    keys->call = call;
    keys->fd = fd;
    if (tcgetattr(fd, &keys->found) || uv_poll_init(call->session->shell->loop, &keys->poll, fd)) {
        close(fd);
        mem_free(keys);
        return NULL;
    }
    each = keys->found;
    each.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    tcsetattr(fd, TCSADRAIN, &each);
    keys->poll.data = keys;
    uv_poll_start(&keys->poll, UV_READABLE, on_key);
    return keys;
}

static void keys_gone(uv_handle_t *handle)
{
    struct keys *keys = handle->data;

    close(keys->fd);
    mem_free(keys);
}

static void unwatch_keys(struct keys *keys)
{
    if (!keys)
        return;
    uv_poll_stop(&keys->poll);
    tcsetattr(keys->fd, TCSADRAIN, &keys->found);
    uv_close((uv_handle_t *)&keys->poll, keys_gone);
}

/* ---- the scene ---- */

static bool open_producer(struct play *play)
{
    struct client_options options = { .bootstrap = "localhost:9092", .client_id = "demo", .release = call_release(play->call) };
    struct config_map config = { 0 };
    struct reason reason = { "" };
    enum err err;

    play->transport = call_transport(play->call);
    options.transport = play->transport;
    config_map_set(&config, "acks", "1");
    config_map_set(&config, "linger.ms", "0");
    err = producer_open(&play->producer, &options, lab_queue(call_lab(play->call)), &config, NULL, NULL, &reason);
    config_map_done(&config);
    if (err)
        call_error(play->call, "demo: %s\n", reason.text);
    return !err;
}

static bool send_records(struct play *play)
{
    for (int i = 0; i < RECORDS; i++) {
        struct producer_record record = { .topic = topic, .partition = -1, .timestamp_ms = -1, .value = bytes_text("i") };
        struct reason reason = { "" };

        if (producer_send(play->call->task, play->producer, &record, NULL, &reason)) {
            if (!call_interrupted(play->call))
                call_error(play->call, "demo: %s\n", reason.text);
            return false;
        }
        if (!pass(play, 1000000))
            return false;
    }
    return true;
}

static bool emptied(const struct lab *lab)
{
    struct partition *partition = look_leader(lab, topic, 0);
    struct segment_info info;

    if (!partition || log_start_offset(partition_log(partition)) < log_end_offset(partition_log(partition)))
        return false;
    for (size_t i = 0; i < log_segment_count(partition_log(partition)); i++) {
        log_segment_get(partition_log(partition), i, &info);
        if (info.state == SEGMENT_DELETED)
            return false;
    }
    return true;
}

/* The silence lasts the same by the wall, however long the next check is away. */
static void hurry(struct lab *lab)
{
    struct partition *partition = look_leader(lab, topic, 0);
    int64_t now = queue_now_ms(lab_queue(lab)), end = look_check_after_ms(partition, now + 30000) + 20000;

    lab_set_speed(lab, end - now < SILENCE_S * 1000 ? 1 : (double)(end - now) / (SILENCE_S * 1000));
}

static void say_nothing_went(struct play *play)
{
    struct lab *lab = call_lab(play->call);
    struct partition *partition = look_leader(lab, topic, 0);
    struct text next = { 0 };

    if (!partition || log_start_offset(partition_log(partition)))
        return;
    look_clock(lab, broker_next_retention_check_us(partition_broker(partition)) / 1000, &next);
    tell(play);
    prose_print(play->call, "\nRecords 0..27 are well over 30 s old and still there: nobody has looked since. Retention looks next at %s "
                            "(log.retention.check.interval.ms is 300000; kafkarium --course makes it 10000).\n", text_chars(&next));
    text_done(&next);
}

static bool play_retention(struct play *play)
{
    struct lab *lab = call_lab(play->call);
    bool small = lab_release(lab) != RELEASE_43; /* 4.3 itself takes no segment below 1 MiB */
    char line[400];

    say(play, "A topic whose records live 30 seconds, in segments of 2000 bytes.");
    if (look_leader(lab, topic, 0)) {
        prose_print(play->call, "(%s is there from the last time; it is made anew)\n", topic);
        if (!type(play, "kafka-topics.sh --delete --topic demo --bootstrap-server localhost:9092"))
            return false;
    }
    snprintf(line, sizeof(line), "kafka-topics.sh --create --topic %s --config retention.ms=30000 --config segment.bytes=%d --config file.delete.delay.ms=20000 "
             "--bootstrap-server localhost:9092", topic, small ? 2000 : 1048576);
    if (!type(play, line) || !open_producer(play))
        return false;
    say(play, "95 records, one a second. A full segment is closed and a new one begun: ROLL. The retention check takes closed segments "
              "whose newest record is over 30 s old: DELETE. Watch that it never comes at once: it waits for the next check.");
    if (!send_records(play))
        return false;
    snprintf(line, sizeof(line), "ls -la /tmp/kafka-logs/%s-0", topic);
    if (!type(play, line))
        return false;
    say_nothing_went(play);
    say(play, "Now silence. Nobody writes, so nothing rolls; but the last segment, the active one, expires too. Guides say that it is never deleted:");
    hurry(lab);
    while (!emptied(lab))
        if (!pass(play, 1000000))
            return false;
    if (!type(play, line) || !type(play, "why demo-0 0"))
        return false;
    say(play, "An empty segment named by the next offset is all that is left. Your turn: why demo-0 · view · lesson start");
    return true;
}

static int run(struct call *call)
{
    struct play play = { .call = call };
    struct lab *lab = call_lab(call);
    double speed = lab_speed(lab);
    enum pace pace = lab_pace(lab);
    struct keys *keys;
    bool good;

    if (call->argc > 2 || (call->argc == 2 && strcmp(call->argv[1], "retention"))) {
        call_error(call, "demo: there is one demo: retention\n");
        return 1;
    }
    play.told = journal_last(lab_journal(lab));
    lab_set_pace(lab, PACE_RUNNING);
    lab_set_speed(lab, SPEED);
    keys = watch_keys(call);
    if (keys)
        call_print(call, "Any key takes over.\n");
    good = play_retention(&play);
    unwatch_keys(keys);
    tell(&play);
    producer_close(play.producer);
    if (play.transport)
        transport_free(play.transport);
    lab_set_speed(lab, speed);
    lab_set_pace(lab, pace);
    if (call_interrupted(call))
        prose_print(call, "\nYours: the topic is %s. next goes to what happens next, why %s-0 says why.\n", topic, topic);
    return good ? 0 : call_interrupted(call) ? 130 : 1;
}

const struct command command_demo = {
    .name = "demo", .summary = "a scene that plays itself", .usage = "demo [retention]",
    .details = N_("retention (20 s): segments roll, expire and are deleted, the active one as well. Any key takes over."),
    .example = "demo retention", .words = "retention", .needs_lab = true, .run = run,
};
