/* demo: a scene that plays itself. It sends records as a client would, lets time run faster, and tells what happens as it happens. */
#include <stdio.h>
#include <string.h>

#include "shell/commands/pace.h"
#include "shell/look.h"

enum { RECORDS = 95, SPEED = 15 };
static const char topic[] = "demo-students";

struct play {
    struct call *call;
    struct producer *producer;
    struct transport *transport;
    struct task *teller;
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
    call_print(play->call, "\n%s\n", text);
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

static bool play_retention(struct play *play)
{
    struct lab *lab = call_lab(play->call);
    bool small = lab_release(lab) != RELEASE_43; /* 4.3 itself takes no segment below 1 MiB */
    char line[400];

    say(play, "A topic whose records live 30 seconds, in segments of 2000 bytes.");
    if (look_leader(lab, topic, 0)) {
        call_print(play->call, "(%s is there from the last time; it is made anew)\n", topic);
        if (!type(play, "kafka-topics.sh --delete --topic demo-students --bootstrap-server localhost:9092"))
            return false;
    }
    snprintf(line, sizeof(line), "kafka-topics.sh --create --topic %s --config retention.ms=30000 --config segment.bytes=%d --config file.delete.delay.ms=20000 "
             "--bootstrap-server localhost:9092", topic, small ? 2000 : 1048576);
    if (!type(play, line) || !open_producer(play))
        return false;
    say(play, "95 records, one a second. A full segment is closed and a new one begun: ROLL. The retention check takes closed segments\n"
              "whose newest record is over 30 s old: DELETE. Watch that it never comes at once: it waits for the next check.");
    if (!send_records(play))
        return false;
    snprintf(line, sizeof(line), "ls -la /tmp/kafka-logs/%s-0", topic);
    if (!type(play, line))
        return false;
    say(play, "Now silence. Nobody writes, so nothing rolls; but the last segment, the active one, expires too. Guides say that it is never deleted:");
    lab_set_speed(lab, SPEED * 4);
    while (!emptied(lab))
        if (!pass(play, 1000000))
            return false;
    if (!type(play, line) || !type(play, "why demo-students-0 0"))
        return false;
    say(play, "An empty segment named by the next offset is all that is left. Your turn: why demo-students-0 · view · lesson start");
    return true;
}

static int run(struct call *call)
{
    struct play play = { .call = call };
    struct lab *lab = call_lab(call);
    double speed = lab_speed(lab);
    enum pace pace = lab_pace(lab);
    bool good;

    if (call->argc > 2 || (call->argc == 2 && strcmp(call->argv[1], "retention"))) {
        call_error(call, "demo: there is one demo: retention\n");
        return 1;
    }
    play.told = journal_last(lab_journal(lab));
    lab_set_pace(lab, PACE_RUNNING);
    lab_set_speed(lab, SPEED);
    good = play_retention(&play);
    tell(&play);
    producer_close(play.producer);
    if (play.transport)
        transport_free(play.transport);
    lab_set_speed(lab, speed);
    lab_set_pace(lab, pace);
    if (call_interrupted(call))
        call_print(call, "\nYours: the topic is %s. next goes to what happens next, why %s-0 says why.\n", topic, topic);
    return good ? 0 : call_interrupted(call) ? 130 : 1;
}

const struct command command_demo = {
    .name = "demo", .summary = "a scene that plays itself", .usage = "demo [retention]",
    .details = "retention (20 s): segments roll, expire and are deleted, the active one as well. Ctrl-C takes over at any moment.",
    .example = "demo retention", .words = "retention", .needs_lab = true, .run = run,
};
