/* The clients of a history: tasks over libraries of sim/clients, and those that the product itself simulates. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/order.h"
#include "tests/seeds/play_internal.h"
#include "tests/seeds/transport.h"

enum { POLL_US = 300000 };

/* ---- producers ---- */

static void on_result(void *context, const struct producer_result *result)
{
    struct actor *actor = context;
    struct checks *checks = actor->stage->checks;

    if (checks && result->err)
        checks_failed(checks, actor->index, (uint32_t)result->number - 1);
    else if (checks)
        checks_acked(checks, actor->index, (uint32_t)result->number - 1, result->partition, result->offset);
}

/* To a compacted topic all records have keys, and some are tombstones, which say in a header whose they are. */
static void send_one(struct task *task, struct actor *actor)
{
    struct producer_record record = { .topic = actor->line->topics, .partition = -1, .timestamp_ms = -1 };
    bool compacted = settings_have(actor->line->settings, "keyed=true");
    struct header header = { bytes_text("of"), { 0 } };
    uint32_t ours = actor->sent++;
    struct text value = { 0 };
    char key[16];
    struct reason reason = { "" };
    uint64_t number;
    enum err err;

    checks_value(actor->line->name, ours, 20 + (int32_t)(ours * 37 % 180), &value);
    record.number = ours + 1;
    record.value = bytes_text(text_chars(&value));
    snprintf(key, sizeof(key), "k%u", ours % 7);
    if (ours % 3 || compacted)
        record.key = bytes_text(key);
    if (compacted && ours % 5 == 4) {
        header.value = record.value;
        record.value = (struct bytes){ 0 };
        record.headers = &header;
        record.header_count = 1;
    }
    if (actor->stage->checks)
        checks_sent(actor->stage->checks, actor->index, ours);
    err = producer_send(task, actor->producer, &record, &number, &reason);
    text_done(&value);
    if (err && actor->stage->checks)
        checks_failed(actor->stage->checks, actor->index, ours);
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

static void on_assigned(void *context, const struct consumer_position *partitions, size_t count, int32_t generation)
{
    struct actor *actor = context;

    (void)generation;
    if (actor->stage->checks)
        checks_assigned(actor->stage->checks, actor->index, partitions, count);
}

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
        stage_fail(actor->stage, "history", reason.text);
        return;
    }
    if (actor->line->group) {
        if (actor->stage->checks)
            checks_started(actor->stage->checks, actor->index);
        consumer_watch(actor->consumer, &(struct consumer_watch){ .assigned = on_assigned, .context = actor });
        subscribe(actor);
    }
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

/* ---- those that the product simulates ---- */

static const char *kind_of(const struct actor *actor)
{
    return actor->line->group ? "consumer" : "producer";
}

static bool lives(const struct actor *actor)
{
    const struct simulated_client *client =
        simulated_find(lab_simulated(actor->stage->lab), actor->line->group ? SIMULATED_CONSUMER : SIMULATED_PRODUCER, actor->line->name);
    struct simulated_info info;

    if (!client)
        return false;
    simulated_info(client, &info);
    return simulated_lives(info.state);
}

static void give_order(struct actor *actor, const char *verb)
{
    char *words = mem_printf("%s %s %s", kind_of(actor), verb, actor->line->name);

    lab_order(actor->stage->lab, words, NULL, NULL);
    mem_free(words);
}

static void start_simulated(struct actor *actor)
{
    struct text words = { 0 };
    struct reason reason = { "" };
    char *copy, *rest, *one;
    enum { OURS = sizeof("simulated.") - 1 };

    if ((actor->started && !actor->line->group) || lives(actor)) /* a producer counts its records from 1 */
        return;
    copy = rest = mem_text(actor->line->settings);
    text_printf(&words, "%s start %s --topic %s", kind_of(actor), actor->line->name, actor->line->topics);
    if (actor->line->group)
        text_printf(&words, " --group %s --consumer-property auto.offset.reset=earliest", actor->line->group);
    while ((one = strsep(&rest, " "))) {
        char *equals = strchr(one, '=');

        if (text_starts(one, "simulated.") && equals) {
            *equals = 0;
            text_printf(&words, " --%s %s", one + OURS, equals + 1);
        } else if (equals) {
            text_printf(&words, " --%s-property %s", kind_of(actor), one);
        }
    }
    mem_free(copy);
    actor->started = true;
    if (actor->stage->checks && actor->line->group)
        checks_started(actor->stage->checks, actor->index);
    if (lab_order(actor->stage->lab, text_chars(&words), NULL, &reason))
        stage_fail(actor->stage, "history", reason.text);
    text_done(&words);
}

static struct actor *simulated_named(struct stage *stage, const char *name)
{
    size_t i = 0;

    while (strcmp(stage->actors[i].line->name, name))
        i++;
    return &stage->actors[i];
}

static void on_sent(void *context, const struct simulated_record *record)
{
    struct stage *stage = context;

    checks_sent(stage->checks, simulated_named(stage, record->client)->index, (uint32_t)record->number - 1);
}

static void on_acked(void *context, const struct simulated_record *record)
{
    struct stage *stage = context;

    checks_acked(stage->checks, simulated_named(stage, record->client)->index, (uint32_t)record->number - 1, record->partition, record->offset);
}

/* One that was refused was never sent. */
static void on_failed(void *context, const struct simulated_record *record)
{
    struct stage *stage = context;
    size_t index = simulated_named(stage, record->client)->index;

    checks_sent(stage->checks, index, (uint32_t)record->number - 1);
    checks_failed(stage->checks, index, (uint32_t)record->number - 1);
}

static void on_consumed(void *context, const struct simulated_record *record)
{
    struct stage *stage = context;

    checks_read(stage->checks, simulated_named(stage, record->client)->index,
                &(struct consumer_record){ .topic = record->topic, .partition = record->partition, .offset = record->offset, .key = record->key, .value = record->value });
}

static void on_simulated_assigned(void *context, const char *client, const struct consumer_position *partitions, size_t count, int32_t generation)
{
    struct stage *stage = context;

    (void)generation;
    checks_assigned(stage->checks, simulated_named(stage, client)->index, partitions, count);
}

static void on_ended(void *context, const char *client, enum simulated_state state)
{
    struct stage *stage = context;
    struct actor *actor = simulated_named(stage, client);

    if (state == SIMULATED_KILLED && !actor->line->group)
        checks_vanished(stage->checks, actor->index);
    if (state == SIMULATED_FAILED)
        checks_fail(stage->checks, "client", "%s ended by an error", client);
}

/* ---- all of them ---- */

static void close_one(struct actor *actor, bool drops)
{
    if (actor->simulated)
        give_order(actor, drops ? "kill" : "stop");
    else
        end_actor(actor, drops);
}

void clients_step(struct stage *stage, const struct step *step)
{
    size_t i = 0;
    struct actor *actor;

    while (i < stage->history->client_count && strcmp(stage->actors[i].line->name, step->who))
        i++;
    if (i == stage->history->client_count)
        return;
    actor = &stage->actors[i];
    switch (step->kind) {
    case STEP_SEND:
        actor->to_send += step->count;
        if (actor->waits)
            task_wake(actor->task);
        break;
    case STEP_BREAK:
        fragile_break(actor->transport);
        break;
    case STEP_START:
        if (actor->simulated)
            start_simulated(actor);
        else if (!actor->task)
            begin_actor(actor);
        else if (actor->ends)
            actor->again = true;
        break;
    default:
        close_one(actor, step->kind == STEP_DROP);
        break;
    }
}

const char *clients_unrest(struct stage *stage, char *text, size_t size)
{
    for (size_t i = 0; i < stage->history->client_count; i++) {
        const struct actor *actor = &stage->actors[i];
        bool reads = actor->line->group && (actor->simulated ? lives(actor) : actor->task && !actor->ends);

        if (!actor->line->group && actor->to_send)
            return "a producer has records to send";
        if (actor->again)
            return "a consumer that is to begin anew has not ended yet";
        if (!actor->line->group && actor->simulated && lives(actor))
            return "a simulated producer does not end";
        if (reads && !checks_group_at_end(stage->checks, i, text, size))
            return text;
    }
    return checks_sent_all(stage->checks);
}

bool clients_gone(struct stage *stage)
{
    bool all = true;

    for (size_t i = 0; i < stage->history->client_count; i++) {
        struct actor *actor = &stage->actors[i];

        if (!actor->line->group || !(actor->simulated ? lives(actor) : actor->task != NULL))
            continue;
        if (actor->simulated || !actor->ends)
            close_one(actor, false);
        all = false;
    }
    return all;
}

void clients_stop_producers(struct stage *stage)
{
    for (size_t i = 0; i < stage->history->client_count; i++)
        if (stage->actors[i].simulated && !stage->actors[i].line->group && lives(&stage->actors[i]))
            give_order(&stage->actors[i], "stop");
}

void clients_open(struct stage *stage)
{
    stage->actors = mem_zero_array(stage->history->client_count + 1, sizeof(*stage->actors));
    for (size_t i = 0; i < stage->history->client_count; i++) {
        struct actor *actor = &stage->actors[i];

        *actor = (struct actor){ .stage = stage, .line = &stage->history->clients[i], .index = i };
        actor->simulated = history_simulated(actor->line);
        if (actor->simulated)
            continue;
        actor->transport = fragile_transport(stage->lab);
        settings_read(actor->line->settings, &actor->config);
        if (actor->line->group) {
            config_map_set(&actor->config, "group.id", actor->line->group);
            config_map_set(&actor->config, "auto.offset.reset", "earliest");
        } else {
            begin_actor(actor);
        }
    }
    if (stage->checks)
        simulated_watch(lab_simulated(stage->lab), &(struct simulated_client_watch){ .sent = on_sent, .acked = on_acked, .failed = on_failed, .consumed = on_consumed,
                                                                                     .assigned = on_simulated_assigned, .ended = on_ended, .context = stage });
}

void clients_close(struct stage *stage)
{
    simulated_watch(lab_simulated(stage->lab), NULL);
    for (size_t i = 0; i < stage->history->client_count; i++) {
        struct actor *actor = &stage->actors[i];

        if (actor->simulated)
            continue;
        end_actor(actor, true);
        producer_close(actor->producer);
        transport_free(actor->transport);
        config_map_done(&actor->config);
    }
    mem_free(stage->actors);
}
