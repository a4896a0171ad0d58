/* A history is played: its steps at their moments, its clients as tasks beside the cluster. */
#include "tests/seeds/play.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/order.h"
#include "tests/seeds/transport.h"
#include "tests/sim/sums.h"

enum {
    START_S = 1767261600,             /* 2026-01-01T10:00:00Z */
    MOST_IDS = 16,
    MOST_REST_MS = 420000, REST_STEP_MS = 500, POLL_US = 300000, MOST_EVENTS = 3000000,
};

#define BOOTSTRAP "localhost:9092,localhost:9093,localhost:9094"

struct actor {                        /* a client of the history */
    struct stage *stage;
    const struct history_client *line;
    size_t index;
    struct transport *transport;
    struct config_map config;
    struct task *task;                /* NULL: it does not live */
    bool waits, ends, drops, again;
    struct producer *producer;
    int64_t to_send;
    uint32_t sent;
    struct number { uint64_t librarys; uint32_t ours; bool over; } *numbers;
    size_t number_count, number_capacity, number_first;
    struct early { uint64_t librarys; enum err err; int32_t partition; int64_t offset; } *early; /* results that came before their number was known */
    size_t early_count, early_capacity;
    struct consumer *consumer;
};

struct stage {
    const struct history *history;
    struct play *play;
    struct lab *lab;
    struct config_map settings;
    struct checks *checks;            /* NULL: nobody checks */
    struct recorder *recorder;
    struct sums *sums;
    struct actor *actors;
    struct transport *admin_transport;
    struct asked *asked;              /* requests to the controller under way */
    bool topics_made, satisfied;
    struct random chance;             /* of the stepping */
    uint64_t events;
};

static const struct failure *failure_of(struct stage *stage)
{
    return stage->checks ? checks_failure(stage->checks) : &stage->play->failure;
}

static void fail_stage(struct stage *stage, const char *what, const char *text)
{
    if (stage->checks) {
        checks_fail(stage->checks, what, "%s", text);
    } else if (!stage->play->failure.checker) {
        stage->play->failure.checker = what;
        snprintf(stage->play->failure.text, sizeof(stage->play->failure.text), "%s", text);
        stage->play->failure.at_us = queue_now_us(lab_queue(stage->lab));
    }
}

/* ---- time ---- */

static bool run_until(struct stage *stage, int64_t at_us)
{
    struct queue *queue = lab_queue(stage->lab);

    if (stage->play->stepping == STEPPING_SLICES) {
        do {
            int64_t to_us = queue_now_us(queue) + 1 + (int64_t)random_below(&stage->chance, 700000);

            while (!lab_run_slice(stage->lab, to_us < at_us ? to_us : at_us, NULL))
                ;
        } while (queue_now_us(queue) < at_us);
        return true;
    }
    while (queue_next_us(queue) <= at_us) {
        lab_step(stage->lab);
        stage->events++;
        checks_sample(stage->checks);
        if (failure_of(stage)->checker)
            return false;
        if (stage->events > MOST_EVENTS) {
            fail_stage(stage, "quiet", "events without end");
            return false;
        }
    }
    lab_run_slice(stage->lab, at_us, NULL);
    return true;
}

/* ---- producers ---- */

static bool give_result(struct actor *actor, const struct early *result)
{
    size_t i = actor->number_first;

    while (i < actor->number_count && actor->numbers[i].librarys != result->librarys)
        i++;
    if (i == actor->number_count)
        return false;
    actor->numbers[i].over = true;
    if (actor->stage->checks && result->err)
        checks_failed(actor->stage->checks, actor->index, actor->numbers[i].ours);
    else if (actor->stage->checks)
        checks_acked(actor->stage->checks, actor->index, actor->numbers[i].ours, result->partition, result->offset);
    while (actor->number_first < actor->number_count && actor->numbers[actor->number_first].over)
        actor->number_first++;
    return true;
}

static void on_result(void *context, const struct producer_result *result)
{
    struct actor *actor = context;
    struct early early = { result->number, result->err, result->partition, result->offset };

    if (!give_result(actor, &early))
        ARRAY_ADD(actor->early, actor->early_count, actor->early_capacity) = early;
}

static void take_early(struct actor *actor)
{
    size_t kept = 0;

    for (size_t i = 0; i < actor->early_count; i++)
        if (!give_result(actor, &actor->early[i]))
            actor->early[kept++] = actor->early[i];
    actor->early_count = kept;
}

static void send_one(struct task *task, struct actor *actor)
{
    struct producer_record record = { .topic = actor->line->topics, .partition = -1, .timestamp_ms = -1 };
    uint32_t ours = actor->sent++;
    struct text value = { 0 };
    char key[16];
    struct reason reason = { "" };
    uint64_t number = 0;
    enum err err;

    checks_value(actor->line->name, ours, 20 + (int32_t)(ours * 37 % 180), &value);
    record.value = bytes_text(text_chars(&value));
    snprintf(key, sizeof(key), "k%u", ours % 7);
    if (ours % 3)
        record.key = bytes_text(key);
    if (actor->stage->checks)
        checks_sent(actor->stage->checks, actor->index, ours, -1);
    err = producer_send(task, actor->producer, &record, &number, &reason);
    text_done(&value);
    if (!err)
        ARRAY_ADD(actor->numbers, actor->number_count, actor->number_capacity) = (struct number){ number, ours, false };
    else if (actor->stage->checks)
        checks_failed(actor->stage->checks, actor->index, ours);
    take_early(actor);
}

static void produce(struct task *task, struct actor *actor)
{
    while (!actor->ends && !task_interrupted(task)) {
        if (!actor->to_send) {
            actor->waits = true;
            task_wait(task);
            actor->waits = false;
            continue;
        }
        actor->to_send--;
        send_one(task, actor);
    }
}

/* ---- consumers ---- */

static void consume(struct task *task, struct actor *actor)
{
    bool commits = settings_have(actor->line->settings, "enable.auto.commit=false");

    while (!actor->ends && !task_interrupted(task)) {
        const struct consumer_record *records;
        struct reason reason = { "" };
        size_t count;
        enum err err = consumer_poll(task, actor->consumer, POLL_US, &records, &count, &reason);

        for (size_t i = 0; i < count && actor->stage->checks; i++)
            checks_read(actor->stage->checks, actor->index, &records[i]);
        if (!err && count && commits && !actor->drops)
            consumer_commit(task, actor->consumer, &reason);
    }
    if (actor->drops)
        consumer_drop(actor->consumer);
    else
        consumer_close(task, actor->consumer);
    actor->consumer = NULL;
}

static void act(struct task *task, void *context)
{
    struct actor *actor = context;

    actor->task = task;
    if (actor->line->group)
        consume(task, actor);
    else
        produce(task, actor);
}

static void begin_actor(struct actor *actor);

static void acted(void *context)
{
    struct actor *actor = context;

    actor->task = NULL;
    if (actor->again)
        begin_actor(actor);
}

static void subscribe(struct actor *actor)
{
    const char *topics[32];
    char *copy = mem_text(actor->line->topics), *rest = copy, *one;
    size_t count = 0;

    while ((one = strsep(&rest, ",")) && count < 32)
        topics[count++] = one;
    consumer_subscribe(actor->consumer, topics, count);
    mem_free(copy);
}

static void begin_actor(struct actor *actor)
{
    struct client_options options = { .transport = actor->transport, .bootstrap = BOOTSTRAP,
                                      .release = release_is_27(actor->stage->history->release) ? RELEASE_27 : RELEASE_43, .client_id = actor->line->name };
    struct reason reason = { "" };
    enum err err;

    actor->ends = actor->drops = actor->again = false;
    if (actor->line->group)
        err = consumer_open(&actor->consumer, &options, lab_queue(actor->stage->lab), &actor->config, &reason);
    else
        err = producer_open(&actor->producer, &options, lab_queue(actor->stage->lab), &actor->config, on_result, actor, &reason);
    if (err) {
        fail_stage(actor->stage, "history", reason.text);
        return;
    }
    if (actor->line->group)
        subscribe(actor);
    task_start(act, acted, actor);
}

static void end_actor(struct actor *actor, bool drops)
{
    actor->ends = true;
    actor->drops |= drops;
    actor->again = false;
    if (!actor->task)
        return;
    if (drops || !actor->line->group) /* a consumer sees it when its poll is over */
        task_interrupt(actor->task);
}

/* ---- what is asked of the controller ---- */

static struct client_options admin_options(struct stage *stage)
{
    return (struct client_options){ .transport = stage->admin_transport, .bootstrap = BOOTSTRAP, .client_id = "admin", .kind = CLIENT_ADMIN,
                                    .release = release_is_27(stage->history->release) ? RELEASE_27 : RELEASE_43 };
}

static enum err make_topic(struct task *task, struct client *client, const struct history_topic *line, struct reason *reason)
{
    struct create_topics_request_topic topic = { .name = line->name, .num_partitions = line->partitions, .replication_factor = line->factor };
    struct create_topics_request request = { .topics = { &topic, 1 }, .timeout_ms = 30000 };
    struct create_topics_response *answer;
    struct config_map settings = { 0 };
    struct arena arena;
    void *out = NULL;
    enum err err;

    arena_init(&arena);
    settings_read(line->settings, &settings);
    topic.configs.items = arena_alloc(&arena, (settings.count + 1) * sizeof(*topic.configs.items));
    for (size_t s = 0; s < settings.count; s++)
        topic.configs.items[topic.configs.count++] = (struct create_topics_request_config){ settings.sets[s].name, settings.sets[s].value };
    err = client_call(task, client, NODE_CONTROLLER, 19, 4, &request, &arena, &out, reason);
    answer = out;
    if (!err && answer->topics.items[0].error_code)
        err = err_because((enum err)answer->topics.items[0].error_code, reason, "topic %s: %s", line->name, answer->topics.items[0].error_message);
    arena_done(&arena);
    config_map_done(&settings);
    return err;
}

static void make_topics(struct task *task, void *context)
{
    struct stage *stage = context;
    struct client_options options = admin_options(stage);
    struct client *client;
    struct reason reason = { "" };
    enum err err = client_open(&client, &options, &reason);

    for (size_t i = 0; i < stage->history->topic_count && !err; i++)
        err = make_topic(task, client, &stage->history->topics[i], &reason);
    client_close(client);
    if (err)
        fail_stage(stage, "history", reason.text);
    stage->topics_made = true;
}

struct asked {                        /* elect, reassign; what becomes of it nobody waits for */
    struct stage *stage;
    const struct step *step;
    struct task *task;
    struct asked *next;
};

static void elect(struct task *task, struct client *client, const char *topic, int32_t partition, struct arena *arena)
{
    struct elect_leaders_request_topic item = { .topic = topic, .partitions = { &partition, 1 } };
    struct elect_leaders_request request = { .topic_partitions = { &item, 1 }, .timeout_ms = 10000 };
    void *out;

    client_call(task, client, NODE_CONTROLLER, 43, -1, &request, arena, &out, NULL);
}

static void reassign(struct task *task, struct client *client, const char *topic, int32_t partition, char *ids, struct arena *arena)
{
    int32_t replicas[MOST_IDS];
    struct alter_partition_reassignments_request_partition to = { .partition_index = partition, .replicas = { replicas, 0 } };
    struct alter_partition_reassignments_request_topic item = { .name = topic, .partitions = { &to, 1 } };
    struct alter_partition_reassignments_request request = { .timeout_ms = 10000, .allow_replication_factor_change = true, .topics = { &item, 1 } };
    const char *one;
    void *out;

    while ((one = strsep(&ids, ",")) && to.replicas.count < MOST_IDS)
        if (parse_i32(one, &replicas[to.replicas.count]))
            to.replicas.count++;
    client_call(task, client, NODE_CONTROLLER, 45, -1, &request, arena, &out, NULL);
}

static void ask(struct task *task, void *context)
{
    struct asked *asked = context;
    struct client_options options = admin_options(asked->stage);
    char *words = mem_text(asked->step->who), *rest = words, *topic = strsep(&rest, " "), *partition = strsep(&rest, " ");
    struct client *client;
    struct arena arena;
    int32_t number;

    asked->task = task;
    arena_init(&arena);
    if (partition && parse_i32(partition, &number) && !client_open(&client, &options, NULL)) {
        if (asked->step->kind == STEP_ELECT)
            elect(task, client, topic, number, &arena);
        else if (rest)
            reassign(task, client, topic, number, rest, &arena);
        client_close(client);
    }
    arena_done(&arena);
    mem_free(words);
}

static void asked_over(void *context)
{
    struct asked *asked = context, **at = &asked->stage->asked;

    while (*at != asked)
        at = &(*at)->next;
    *at = asked->next;
    mem_free(asked);
}

static void begin_ask(struct stage *stage, const struct step *step)
{
    struct asked *asked = mem_zero(sizeof(*asked));

    *asked = (struct asked){ .stage = stage, .step = step, .next = stage->asked };
    stage->asked = asked;
    task_start(ask, asked_over, asked);
}

/* ---- steps ---- */

static struct actor *actor_named(struct stage *stage, const char *name)
{
    for (size_t i = 0; i < stage->history->client_count; i++)
        if (!strcmp(stage->actors[i].line->name, name))
            return &stage->actors[i];
    return NULL;
}

static void take_step(struct stage *stage, const struct step *step)
{
    struct actor *actor = actor_named(stage, step->who); /* NULL: it is no client's */
    struct reason reason = { "" };

    switch (step->kind) {
    case STEP_ELECT:
    case STEP_REASSIGN:
        begin_ask(stage, step);
        break;
    case STEP_ORDER:
        if (stage->checks)
            checks_disturbed(stage->checks, step->who);
        lab_order(stage->lab, step->who, NULL, &reason); /* one that is refused (the broker is down already) does nothing */
        break;
    case STEP_SEND:
        actor->to_send += step->count;
        if (actor->waits)
            task_wake(actor->task);
        break;
    case STEP_BREAK:
        fragile_break(actor->transport);
        break;
    case STEP_START:
        if (!actor->task)
            begin_actor(actor);
        else if (actor->ends)
            actor->again = true;
        break;
    case STEP_CLOSE:
    case STEP_DROP:
        end_actor(actor, step->kind == STEP_DROP);
        break;
    default:
        break;
    }
    if (stage->checks)
        checks_sample(stage->checks);
}

static void order(struct stage *stage, const char *format, int32_t id)
{
    char *words = mem_printf(format, id);

    lab_order(stage->lab, words, NULL, NULL);
    mem_free(words);
    if (stage->checks)
        checks_sample(stage->checks);
}

static bool have_order(const char *group, const char *verb)
{
    for (size_t i = 0; i < order_count(); i++)
        if (!strcmp(order_at(i)->group, group) && !strcmp(order_at(i)->verb, verb))
            return true;
    return false;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void mend_all(struct stage *stage)
{
    struct cluster *cluster = lab_cluster(stage->lab);

    if (have_order("net", "heal"))
        lab_order(stage->lab, "net heal", NULL, NULL);
    if (have_order("fault", "clear"))
        lab_order(stage->lab, "fault clear", NULL, NULL);
    for (size_t i = 0; i < cluster_broker_count(cluster); i++) {
        struct broker *broker = cluster_broker_at(cluster, i);

        order(stage, "disk heal %d", broker_id(broker));
        if (have_order("broker", "thaw"))
            order(stage, "broker thaw %d", broker_id(broker));
        if (have_order("replica", "release"))
            order(stage, "replica release %d", broker_id(broker));
        order(stage, "broker start %d", broker_id(broker));
    }
    if (stage->checks && stage->history->step_count)
        checks_disturbed(stage->checks, NULL);
}
#pragma GCC diagnostic pop

static bool start_again(struct stage *stage)
{
    struct cluster *cluster = lab_cluster(stage->lab);
    bool all = true;

    for (size_t i = 0; i < cluster_broker_count(cluster); i++)
        if (broker_state(cluster_broker_at(cluster, i)) == BROKER_DOWN) { /* it was stopping, or its disk failed just now */
            order(stage, "disk heal %d", broker_id(cluster_broker_at(cluster, i)));
            order(stage, "broker start %d", broker_id(cluster_broker_at(cluster, i)));
            all = false;
        }
    return all;
}

static const char *client_unrest(struct stage *stage, char *text, size_t size)
{
    for (size_t i = 0; i < stage->history->client_count; i++) {
        const struct actor *actor = &stage->actors[i];

        if (!actor->line->group && actor->to_send)
            return "a producer has records to send";
        if (actor->line->group && actor->task && !actor->ends && !checks_group_at_end(stage->checks, i, text, size))
            return text;
    }
    return checks_sent_all(stage->checks);
}

/* Consumers go when they have read all, so that nothing moves any more. */
static bool consumers_gone(struct stage *stage)
{
    bool all = true;

    for (size_t i = 0; i < stage->history->client_count; i++) {
        struct actor *actor = &stage->actors[i];

        if (!actor->line->group || !actor->task)
            continue;
        if (!actor->ends)
            end_actor(actor, false);
        all = false;
    }
    return all;
}

static const char *unrest_of(struct stage *stage, char *text, size_t size)
{
    const char *unrest = start_again(stage) ? client_unrest(stage, text, size) : "a broker was down";

    if (unrest)
        return unrest;
    stage->satisfied = true;
    return consumers_gone(stage) ? checks_unrest(stage->checks) : "a consumer does not end";
}

/* The second time nobody knows what is satisfied: all is done when it was done the first time. */
static void rest_again(struct stage *stage)
{
    for (int step = 1; step <= stage->play->rest_steps; step++) {
        run_until(stage, queue_now_us(lab_queue(stage->lab)) + REST_STEP_MS * 1000);
        start_again(stage);
        if (step >= stage->play->satisfied_step)
            consumers_gone(stage);
    }
}

/* As long as it takes until all have all. */
static void rest(struct stage *stage)
{
    const char *unrest = "";
    char text[300];

    stage->play->rest_steps = stage->play->satisfied_step = 0;
    while (unrest && stage->play->rest_steps < MOST_REST_MS / REST_STEP_MS) {
        if (!run_until(stage, queue_now_us(lab_queue(stage->lab)) + REST_STEP_MS * 1000))
            return;
        stage->play->rest_steps++;
        unrest = unrest_of(stage, text, sizeof(text));
        if (stage->satisfied && !stage->play->satisfied_step)
            stage->play->satisfied_step = stage->play->rest_steps;
    }
    if (unrest)
        fail_stage(stage, "quiet", unrest);
}

/* ---- from beginning to end ---- */

static void open_stage(struct stage *stage)
{
    struct lab_options options;
    struct reason reason = { "" };

    lab_options_default(&options);
    settings_read(stage->history->settings, &stage->settings);
    options.memory = true;
    options.release = stage->history->release;
    options.brokers = stage->history->brokers;
    options.seed = stage->history->seed;
    options.start_us = START_S * 1000000LL;
    options.settings = &stage->settings;
    if (lab_open(&stage->lab, &options, &reason)) {
        stage->play->failure.checker = "history";
        snprintf(stage->play->failure.text, sizeof(stage->play->failure.text), "%s", reason.text);
        return;
    }
    stage->sums = sums_new(stage->lab);
    if (stage->play->record)
        stage->recorder = recorder_new(stage->lab, 0);
    if (stage->play->stepping == STEPPING_EVENTS)
        stage->checks = checks_new(stage->lab, stage->history);
    stage->admin_transport = lab_transport(stage->lab, "127.0.0.1");
    stage->actors = mem_zero_array(stage->history->client_count + 1, sizeof(*stage->actors));
    for (size_t i = 0; i < stage->history->client_count; i++) {
        struct actor *actor = &stage->actors[i];

        *actor = (struct actor){ .stage = stage, .line = &stage->history->clients[i], .index = i };
        actor->transport = fragile_transport(stage->lab);
        settings_read(actor->line->settings, &actor->config);
        if (actor->line->group) {
            config_map_set(&actor->config, "group.id", actor->line->group);
            config_map_set(&actor->config, "auto.offset.reset", "earliest");
        } else {
            begin_actor(actor);
        }
    }
}

static void close_stage(struct stage *stage)
{
    while (stage->asked)
        task_interrupt(stage->asked->task);
    for (size_t i = 0; i < stage->history->client_count; i++) {
        struct actor *actor = &stage->actors[i];

        end_actor(actor, true);
        producer_close(actor->producer);
        transport_free(actor->transport);
        config_map_done(&actor->config);
        mem_free(actor->numbers);
        mem_free(actor->early);
    }
    transport_free(stage->admin_transport);
    mem_free(stage->actors);
    checks_free(stage->checks);
    recorder_free(stage->recorder);
    sums_free(stage->sums);
    lab_close(stage->lab);
    config_map_done(&stage->settings);
}

static bool play_steps(struct stage *stage)
{
    const struct history *history = stage->history;
    int64_t began_us;

    run_until(stage, queue_now_us(lab_queue(stage->lab)) + 1000000); /* all brokers are in their places */
    task_start(make_topics, NULL, stage);
    for (int i = 0; i < 60 && !stage->topics_made; i++)
        if (!run_until(stage, queue_now_us(lab_queue(stage->lab)) + 1000000))
            return false;
    if (!stage->topics_made)
        fail_stage(stage, "quiet", "the topics are not made");
    if (failure_of(stage)->checker)
        return false;
    began_us = queue_now_us(lab_queue(stage->lab));
    for (size_t i = 0; i < history->step_count; i++) {
        if (!run_until(stage, began_us + history->steps[i].at_ms * 1000))
            return false;
        take_step(stage, &history->steps[i]);
    }
    if (!run_until(stage, began_us + history->end_ms * 1000))
        return false;
    mend_all(stage);
    if (stage->checks)
        rest(stage);
    else
        rest_again(stage);
    return !failure_of(stage)->checker;
}

void play_history(const struct history *history, struct play *play)
{
    struct stage stage = { .history = history, .play = play };

    random_init(&stage.chance, history->seed ^ 0x51ce5);
    open_stage(&stage);
    if (!stage.lab)
        return;
    if (play_steps(&stage) && stage.checks)
        checks_end(stage.checks);
    if (stage.checks) {
        play->failure = *checks_failure(stage.checks);
        play->counts = checks_counts(stage.checks);
    }
    play->events_run = stage.events;
    play->virtual_us = queue_now_us(lab_queue(stage.lab)) - START_S * 1000000LL;
    if (stage.recorder)
        recorder_save(stage.recorder, &play->recording);
    sums_take(stage.sums, &play->events, play->sums ? &play->files : NULL);
    close_stage(&stage);
}

void play_done(struct play *play)
{
    buffer_done(&play->recording);
    text_done(&play->events);
    text_done(&play->files);
    *play = (struct play){ 0 };
}

/* ---- the same again ---- */

/* The first line that differs; what follows in the other does not count where it may go on. */
static bool same_lines(const struct text *one, const struct text *other, bool goes_on, char *text, size_t size)
{
    const char *a = text_chars(one), *b = text_chars(other);
    size_t at = 0, begin = 0;

    while (a[at] && a[at] == b[at])
        if (a[at++] == '\n')
            begin = at;
    if (!a[at] && (!b[at] || goes_on))
        return true;
    snprintf(text, size, "%.*s | %.*s", (int)strcspn(a + begin, "\n"), a + begin, (int)strcspn(b + begin, "\n"), b + begin);
    return false;
}

static void check_same(struct play *play, const struct play *other, bool goes_on, const char *how, const char *why)
{
    char text[1000] = "";

    if (play->failure.checker || (same_lines(&play->events, &other->events, goes_on, text, sizeof(text)) &&
                                  same_lines(&play->files, &other->files, false, text, sizeof(text))))
        return;
    play->failure.checker = "same";
    play->failure.at_us = START_S * 1000000LL + play->virtual_us;
    snprintf(play->failure.text, sizeof(play->failure.text), "%s: %s %s", how, why, text);
}

static void replay(const struct play *play, struct play *again, struct reason *reason)
{
    struct config_map settings = { 0 };
    struct lab_options options;
    struct lab *lab = NULL;
    enum err err = replay_options(buffer_bytes(&play->recording), &options, &settings, reason);

    options.memory = true;
    if (!err)
        err = lab_open(&lab, &options, reason);
    if (!err) {
        struct sums *sums = sums_new(lab);

        replay_run(lab, buffer_bytes(&play->recording), reason);
        sums_take(sums, &again->events, &again->files);
        sums_free(sums);
    }
    lab_close(lab);
    config_map_done(&settings);
}

void play_thrice(const struct history *history, struct play *play)
{
    struct play again = { .stepping = STEPPING_SLICES, .sums = true }, replayed = { 0 };
    struct reason reason = { "" };

    play->sums = play->record = true;
    play_history(history, play);
    if (play->failure.checker)
        return;
    again.rest_steps = play->rest_steps;
    again.satisfied_step = play->satisfied_step;
    play_history(history, &again);
    check_same(play, &again, false, "played again in slices of time", again.failure.text);
    replay(play, &replayed, &reason);
    check_same(play, &replayed, true, "rebuilt from its recording", reason.text);
    play_done(&again);
    play_done(&replayed);
}
