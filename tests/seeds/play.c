/* A history is played: its steps at their moments, its clients as tasks beside the cluster. */
#include "tests/seeds/play_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/order.h"
#include "tests/sim/sums.h"

enum {
    START_S = 1767261600,             /* 2026-01-01T10:00:00Z */
    MOST_REST_MS = 420000, REST_STEP_MS = 500, MOST_EVENTS = 3000000,
};

static const struct failure *failure_of(struct stage *stage)
{
    return stage->checks ? checks_failure(stage->checks) : &stage->play->failure;
}

void stage_fail(struct stage *stage, const char *what, const char *text)
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
            stage_fail(stage, "quiet", "events without end");
            return false;
        }
    }
    lab_run_slice(stage->lab, at_us, NULL);
    return true;
}

/* ---- steps ---- */

static void take_step(struct stage *stage, const struct step *step)
{
    struct reason reason = { "" };

    if (step->kind == STEP_ORDER) {
        if (stage->checks)
            checks_disturbed(stage->checks, step->who);
        lab_order(stage->lab, step->who, NULL, &reason); /* one that is refused (the broker is down already) does nothing */
    } else if (step->kind >= STEP_ELECT) {
        admin_step(stage, step);
    } else {
        clients_step(stage, step);
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
        order(stage, "clock skew %d 0s", broker_id(broker));
        order(stage, "broker start %d", broker_id(broker));
    }
    clients_stop_producers(stage);
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

static const char *unrest_of(struct stage *stage, char *text, size_t size)
{
    const char *unrest = !start_again(stage) ? "a broker was down" : !admin_make_missing(stage) ? "a topic is missing" : clients_unrest(stage, text, size);

    if (unrest)
        return unrest;
    stage->satisfied = true;
    return clients_gone(stage) ? checks_unrest(stage->checks) : "a consumer does not end";
}

/* The second time nobody knows what is satisfied: all is done when it was done the first time. */
static void rest_again(struct stage *stage)
{
    for (int step = 1; step <= stage->play->rest_steps; step++) {
        run_until(stage, queue_now_us(lab_queue(stage->lab)) + REST_STEP_MS * 1000);
        if (start_again(stage))
            admin_make_missing(stage);
        if (step >= stage->play->satisfied_step)
            clients_gone(stage);
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
        stage_fail(stage, "quiet", unrest);
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
    clients_open(stage);
}

static void close_stage(struct stage *stage)
{
    admin_close(stage);
    clients_close(stage);
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
    admin_make_topics(stage);
    for (int i = 0; i < 60 && !stage->topics_made; i++)
        if (!run_until(stage, queue_now_us(lab_queue(stage->lab)) + 1000000))
            return false;
    if (!stage->topics_made)
        stage_fail(stage, "quiet", "the topics are not made");
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
