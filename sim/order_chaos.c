/* Orders for chaos: start, stop. */
#include <stdlib.h>
#include <string.h>

#include "sim/chaos.h"
#include "sim/lab_internal.h"
#include "sim/order.h"
#include "sim/wire/faults.h"

#define EXAMPLE "chaos start --seed 7 --for 10m"

static enum err parse_kinds(struct order_call *call, char *list, bool out[CHAOS_KINDS])
{
    char *save = NULL;

    memset(out, 0, CHAOS_KINDS * sizeof(*out));
    for (char *word = strtok_r(list, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
        int kind = 0;

        while (kind < CHAOS_KINDS && strcmp(chaos_kind_name((enum chaos_kind)kind), word))
            kind++;
        if (kind == CHAOS_KINDS)
            return order_refuse(call, word, "no kind of chaos: kill, stop, power-off, freeze, cut, disk-fail, delay, loss, disk, requests");
        out[kind] = true;
    }
    return ERR_OK;
}

static enum err parse_brokers(struct order_call *call, char *list, int32_t **out, size_t *count)
{
    char *save = NULL;
    size_t capacity = 0;

    for (char *word = strtok_r(list, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
        const struct broker *broker = order_broker(call, word);

        if (!broker)
            return ERR_INVALID_REQUEST;
        ARRAY_ADD(*out, *count, capacity) = broker_id(broker);
    }
    return ERR_OK;
}

static enum err parse(struct order_call *call, struct chaos_options *options, int32_t **brokers, bool *kinds_given)
{
    enum err err = ERR_OK;

    for (int i = 0; i < call->count && !err; i++) {
        char *word = call->words[i], *value = i + 1 < call->count ? call->words[i + 1] : NULL;
        int64_t number;

        if (!strcmp(word, "--rough") || !strcmp(word, "--gentle")) {
            options->rough = !strcmp(word, "--rough");
            continue;
        }
        if (strcmp(word, "--seed") && strcmp(word, "--for") && strcmp(word, "--kinds") && strcmp(word, "--brokers"))
            return order_refuse(call, word, "it is one of --seed N, --for DURATION, --kinds LIST, --brokers LIST, --gentle, --rough; for instance: " EXAMPLE);
        if (!value)
            return order_refuse(call, word, "something is wanted behind it; for instance: " EXAMPLE);
        i++;
        if (!strcmp(word, "--seed")) {
            if (!parse_i64(value, &number) || number < 0)
                return order_refuse(call, value, "a seed is a number from 0 on");
            options->seed = (uint64_t)number;
        } else if (!strcmp(word, "--for")) {
            if (!parse_duration(value, &options->for_us) || options->for_us < 1 || options->for_us > (int64_t)366 * 86400 * 1000000)
                return order_refuse(call, value, "for how long? For instance: " EXAMPLE " (a year at most)");
        } else if (!strcmp(word, "--kinds")) {
            err = parse_kinds(call, value, options->kinds);
            *kinds_given = true;
        } else {
            err = parse_brokers(call, value, brokers, &options->broker_count);
        }
    }
    return err;
}

enum err order_chaos_start(struct order_call *call)
{
    struct lab *lab = call->lab;
    struct chaos_options options = { .seed = lab->seed, .for_us = (int64_t)600 * 1000000 };
    int32_t *brokers = NULL;
    size_t count = 0, capacity = 0;
    bool kinds_given = false, any = false;
    enum err err = parse(call, &options, &brokers, &kinds_given);

    for (size_t i = 0; !err && !options.broker_count && i < cluster_broker_count(lab->cluster); i++)
        ARRAY_ADD(brokers, count, capacity) = broker_id(cluster_broker_at(lab->cluster, i));
    for (int i = 0; i < CHAOS_KINDS && !kinds_given; i++) /* what a disk loses for good is only for who wants it */
        options.kinds[i] = options.rough || (i != CHAOS_POWER_OFF && i != CHAOS_DISK_FAIL);
    for (int i = 0; i < CHAOS_KINDS; i++)
        any = any || options.kinds[i];
    if (!err && !any)
        err = order_refuse(call, "--kinds", "one kind at least");
    options.brokers = brokers;
    if (!err && !options.broker_count)
        options.broker_count = count;
    if (!err)
        err = chaos_begin(lab, &options, call->reason);
    mem_free(brokers);
    if (err)
        return err;
    text_printf(call->answer, "%s chaos with seed %llu for ", options.rough ? "Rough" : "Gentle", (unsigned long long)options.seed);
    text_duration(call->answer, options.for_us);
    text_add(call->answer, ":");
    for (int i = 0; i < CHAOS_KINDS; i++)
        if (options.kinds[i])
            text_printf(call->answer, " %s", chaos_kind_name((enum chaos_kind)i));
    text_add(call->answer, ". `chaos` shows what it does, `chaos stop` ends it; in the end all is mended.\n");
    return ERR_OK;
}

enum err order_chaos_stop(struct order_call *call)
{
    enum err err;

    if (call->count)
        return order_refuse(call, call->words[0], "nothing is wanted behind chaos stop");
    err = chaos_end(call->lab, call->reason);
    if (!err)
        text_add(call->answer, "What it broke is being mended.\n");
    return err;
}

/* ---- of another sitting ---- */

void order_keep_chaos(const struct lab *lab, struct text *out)
{
    const struct chaos *chaos = lab_chaos(lab);
    struct chaos_state state;

    if (!chaos_state(lab, &state))
        return;
    text_printf(out, "chaos restore %llu %lld %lld %d %d", (unsigned long long)state.options.seed, (long long)state.options.for_us, (long long)state.next_us,
                state.options.rough, state.over);
    for (int i = 0; i < CHAOS_STATE_NUMBERS; i++)
        text_printf(out, " %llx", (unsigned long long)state.random[i]);
    text_add(out, " ");
    for (int i = 0; i < CHAOS_KINDS; i++)
        text_add(out, state.options.kinds[i] ? "1" : "0");
    for (size_t i = 0; i < state.options.broker_count; i++)
        text_printf(out, "%s%d", i ? "," : " ", state.options.brokers[i]);
    text_add(out, "\n");
    for (size_t i = 0; i < chaos_deed_count(chaos); i++) {
        const struct chaos_deed *deed = chaos_deed_at(chaos, i);

        if (deed->kind == CHAOS_REQUESTS && !deed->mended_us && faults_find(lab->wire, deed->fault))
            text_printf(out, "chaos restore fault %llu %d %lld %lld %s\n", (unsigned long long)deed->fault, deed->broker, (long long)deed->at_us,
                        (long long)deed->until_us, deed->words);
    }
}

static enum err no_state(struct order_call *call)
{
    return err_because(ERR_INVALID_REQUEST, call->reason, "a lab that is opened again gives this order; for instance: " EXAMPLE);
}

static enum err restore_fault(struct order_call *call)
{
    struct text words = { 0 };
    int64_t fault, at_us, until_us;
    const struct broker *broker;

    if (call->count < 6 || !call->lab->chaos || !parse_i64(call->words[1], &fault) || !parse_i64(call->words[3], &at_us) || !parse_i64(call->words[4], &until_us))
        return no_state(call);
    broker = order_broker(call, call->words[2]);
    if (!broker)
        return ERR_INVALID_REQUEST;
    for (int i = 5; i < call->count; i++)
        text_printf(&words, "%s%s", i > 5 ? " " : "", call->words[i]);
    chaos_add_fault(call->lab, (uint64_t)fault, broker_id(broker), at_us, until_us, text_chars(&words));
    text_done(&words);
    return ERR_OK;
}

enum err order_chaos_restore(struct order_call *call)
{
    enum { RANDOM = 5, KINDS = RANDOM + CHAOS_STATE_NUMBERS, BROKERS, WORDS };
    struct chaos_state state = { 0 };
    int32_t *brokers = NULL;
    int64_t seed, rough, over;
    enum err err;

    if (call->count && !strcmp(call->words[0], "fault"))
        return restore_fault(call);
    if (call->count != WORDS || !parse_i64(call->words[0], &seed) || seed < 0 || !parse_i64(call->words[1], &state.options.for_us) || state.options.for_us < 0 ||
        !parse_i64(call->words[2], &state.next_us) || state.next_us < 0 || !parse_i64(call->words[3], &rough) || !parse_i64(call->words[4], &over) ||
        strspn(call->words[KINDS], "01") != CHAOS_KINDS || strlen(call->words[KINDS]) != CHAOS_KINDS || !strchr(call->words[KINDS], '1'))
        return no_state(call);
    state.options.seed = (uint64_t)seed;
    state.options.rough = rough;
    state.over = over;
    for (int i = 0; i < CHAOS_STATE_NUMBERS; i++)
        state.random[i] = strtoull(call->words[RANDOM + i], NULL, 16);
    for (int i = 0; i < CHAOS_KINDS; i++)
        state.options.kinds[i] = call->words[KINDS][i] == '1';
    err = parse_brokers(call, call->words[BROKERS], &brokers, &state.options.broker_count);
    state.options.brokers = brokers;
    if (!err && !state.options.broker_count)
        err = no_state(call);
    if (!err)
        err = chaos_go_on(call->lab, &state, call->reason);
    mem_free(brokers);
    return err;
}
