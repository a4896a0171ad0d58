/* Orders for faults at requests: add, clear, release. */
#include <string.h>
#include <strings.h>

#include "sim/lab_internal.h"
#include "sim/order.h"
#include "sim/wire/faults.h"

#define EXAMPLE "fault add Produce topic=students count=1 error=NOT_LEADER_OR_FOLLOWER"

/* ---- an error by its name ---- */

enum { MOST_ERROR = 1000 };

static bool parse_error(const char *name, enum err *out)
{
    int64_t number;

    if (parse_i64(name, &number)) {
        *out = (enum err)number;
        return number && number >= -1 && number <= INT16_MAX && err_known((int)number);
    }
    for (int code = -1; code < MOST_ERROR; code++)
        if (code && err_known(code) && !strcasecmp(err_name((enum err)code), name)) {
            *out = (enum err)code;
            return true;
        }
    return false;
}

static enum err no_error(struct order_call *call, const char *name)
{
    struct text near = { 0 };
    size_t most = 3;
    const char *best = NULL;
    enum err err;

    for (int code = 1; code < MOST_ERROR; code++) {
        const char *candidate = err_known(code) ? err_name((enum err)code) : "";
        size_t same = 0;

        while (name[same] && !strncasecmp(name, candidate, same + 1))
            same++;
        if (same > most) {
            most = same;
            best = candidate;
        }
    }
    if (best)
        text_printf(&near, "Kafka has no such error; did you mean %s?", best);
    else
        text_add(&near, "Kafka has no such error; it goes by its name, as NOT_LEADER_OR_FOLLOWER, or its number, as 6");
    err = order_refuse(call, name, text_chars(&near));
    text_done(&near);
    return err;
}

/* ---- fault add ---- */

static enum err set_effect(struct order_call *call, struct fault_rule *rule, const char *word, bool *given)
{
    static const struct { const char *word; enum fault_kind kind; } words[] = {
        { "lose-request", FAULT_LOSE_REQUEST }, { "lose-response", FAULT_LOSE_RESPONSE }, { "hold", FAULT_HOLD }, { "blackhole", FAULT_BLACKHOLE }, { "observe", FAULT_NONE },
    };
    enum fault_kind kind = FAULT_NONE;
    bool known = false;

    for (size_t i = 0; i < sizeof(words) / sizeof(*words) && !known; i++)
        if (!strcmp(word, words[i].word)) {
            known = true;
            kind = words[i].kind;
        }
    if (text_starts(word, "error=")) {
        if (!parse_error(word + 6, &rule->error))
            return no_error(call, word + 6);
        known = true;
        kind = FAULT_ERROR;
    } else if (text_starts(word, "delay=")) {
        if (!parse_duration(word + 6, &rule->delay_us) || rule->delay_us < 1 || rule->delay_us > (int64_t)86400 * 1000000)
            return order_refuse(call, word, "how long, from 1us to a day? For instance delay=200ms");
        known = true;
        kind = FAULT_DELAY;
    }
    if (!known)
        return order_refuse(call, word, "that is no part of a fault; what it matches: topic= partition= group= client= broker= from= skip= count=, and what it does: error=NAME, "
                                        "lose-request, lose-response, delay=DURATION, hold, blackhole or observe");
    if (*given)
        return order_refuse(call, word, "a fault does one thing; give another one for this");
    rule->kind = kind;
    *given = true;
    return ERR_OK;
}

static enum err set_number(struct order_call *call, const char *word, const char *text, int64_t least, int64_t *out)
{
    int64_t number;

    if (!parse_i64(text, &number) || number < least || number > INT32_MAX)
        return order_refuse(call, word, least ? "a number from 1 on is wanted" : "a number from 0 on is wanted");
    *out = number;
    return ERR_OK;
}

static enum err set_from(struct order_call *call, struct fault_rule *rule, const char *text)
{
    struct broker *broker;

    if (!strcmp(text, "clients"))
        rule->from = FAULT_FROM_CLIENTS;
    else if (!strcmp(text, "brokers"))
        rule->from = FAULT_FROM_BROKERS;
    else if ((broker = order_broker(call, text)))
        rule->from = broker_id(broker);
    else
        return ERR_INVALID_REQUEST;
    return ERR_OK;
}

static enum err set_match(struct order_call *call, struct fault_rule *rule, const char *word, bool *matches)
{
    const char *value = strchr(word, '=');
    const char **patterns[] = { &rule->topic, &rule->group, &rule->client };
    static const char *const names[] = { "topic=", "group=", "client=" };
    int64_t number = 0;
    enum err err = ERR_OK;

    *matches = true;
    for (size_t i = 0; i < 3; i++)
        if (text_starts(word, names[i])) {
            *patterns[i] = value + 1;
            return value[1] ? ERR_OK : order_refuse(call, word, "a name or a pattern is wanted");
        }
    if (text_starts(word, "partition=")) {
        if (!(err = set_number(call, word, value + 1, 0, &number)))
            rule->partition = (int32_t)number;
    } else if (text_starts(word, "broker=")) {
        struct broker *broker = order_broker(call, value + 1);

        err = broker ? ERR_OK : ERR_INVALID_REQUEST;
        if (broker)
            rule->broker = broker_id(broker);
    } else if (text_starts(word, "from=")) {
        err = set_from(call, rule, value + 1);
    } else if (text_starts(word, "skip=")) {
        err = set_number(call, word, value + 1, 0, &rule->skip);
    } else if (text_starts(word, "count=")) {
        err = set_number(call, word, value + 1, 1, &rule->count);
    } else {
        *matches = false;
    }
    return err;
}

static enum err no_api(struct order_call *call, const char *word)
{
    struct text near = { 0 };
    enum err err;

    if (fault_api_near(word))
        text_printf(&near, "there is no API of this name; did you mean %s?", fault_api_near(word));
    else
        text_add(&near, "there is no API of this name; `select name from apis` lists those that clients send, and * is any");
    err = order_refuse(call, word, text_chars(&near));
    text_done(&near);
    return err;
}

/* Of the other release: nobody here sends it. */
static bool is_spoken(const struct order_call *call, const char *api)
{
    enum release release = lab_release(call->lab);
    bool old = release_is_27(release);
    const struct inner_api *inner = fault_inner_api(api);
    int16_t first, last;

    for (size_t i = 0; i < api_count(); i++)
        if (!strcmp(api_at(i)->name, api))
            return api_range(api_at(i), release, &first, &last);
    return !inner || (old ? inner->in_27 : inner->in_43);
}

/* What a broker or a controller can't be answered with. */
static enum err check_error(struct order_call *call, const struct fault_rule *rule)
{
    const struct inner_api *inner = fault_inner_api(rule->api);
    char *name;
    bool listed;

    if (rule->kind != FAULT_ERROR || !inner || !inner->errors)
        return ERR_OK;
    name = mem_printf("%s ", err_name(rule->error));
    listed = strstr(inner->errors, name) == inner->errors;
    for (const char *at = inner->errors; (at = strchr(at, ' ')) && !listed; at++)
        listed = text_starts(at + 1, name);
    mem_free(name);
    return listed ? ERR_OK : err_because(ERR_INVALID_REQUEST, call->reason, "%s is no answer to %s, which is one of: %s", err_name(rule->error), rule->api, inner->errors);
}

/* What it names is the call's. */
static enum err parse_rule(struct order_call *call, struct fault_rule *out)
{
    struct fault_rule rule = { .partition = -1, .broker = -1 };
    bool clients, given = false;

    if (call->count < 2)
        return err_because(ERR_INVALID_REQUEST, call->reason, "a fault names an API and what happens to its requests, for instance: " EXAMPLE);
    rule.api = fault_api(call->words[0], &clients);
    if (!rule.api)
        return no_api(call, call->words[0]);
    if (!is_spoken(call, rule.api))
        return err_because(ERR_INVALID_REQUEST, call->reason, "%s is not spoken by Kafka %s", rule.api, release_is_27(lab_release(call->lab)) ? "2.7" : "4.3");
    rule.from = clients ? FAULT_FROM_CLIENTS : FAULT_FROM_BROKERS;
    for (int i = 1; i < call->count; i++) {
        bool matches;
        enum err err = set_match(call, &rule, call->words[i], &matches);

        if (!err && !matches)
            err = set_effect(call, &rule, call->words[i], &given);
        if (err)
            return err;
    }
    if (check_error(call, &rule))
        return ERR_INVALID_REQUEST;
    if (!given)
        return err_because(ERR_INVALID_REQUEST, call->reason, "what is to happen to %s? error=NAME, lose-request, lose-response, delay=DURATION, hold, blackhole or observe; "
                           "for instance: " EXAMPLE, rule.api);
    if (rule.from != FAULT_FROM_CLIENTS && (rule.topic || rule.partition >= 0) && (strcmp(rule.api, "Fetch") || (rule.kind != FAULT_ERROR && rule.kind != FAULT_NONE)) &&
        !(rule.topic && !strcmp(rule.topic, "__cluster_metadata")))
        return err_because(ERR_INVALID_REQUEST, call->reason, "what brokers send each other is of many partitions: only a follower's Fetch can be refused (error=) or counted (observe) "
                           "for a topic; else leave topic= and partition= out");
    if (rule.from != FAULT_FROM_CLIENTS && rule.group)
        return err_because(ERR_INVALID_REQUEST, call->reason, "what brokers send each other is of no group: leave group= out");
    if (!clients && rule.from == FAULT_FROM_CLIENTS)
        return err_because(ERR_INVALID_REQUEST, call->reason, "%s is sent by brokers, not by clients: leave out from=clients", rule.api);
    *out = rule;
    return ERR_OK;
}

enum err order_fault_add(struct order_call *call)
{
    struct wire *wire = lab_wire(call->lab);
    struct fault_rule rule;
    struct text said = { 0 };
    uint64_t id;
    enum err err = parse_rule(call, &rule);

    if (err)
        return err;
    id = faults_add(wire, &rule);
    if (!id)
        return err_because(ERR_INVALID_REQUEST, call->reason, "there are %d faults already; `fault clear` takes them away", MOST_FAULTS);
    fault_describe(faults_find(wire, id), &said);
    text_printf(call->answer, "Fault %llu: %s\n", (unsigned long long)id, text_chars(&said));
    text_done(&said);
    return ERR_OK;
}

/* ---- of another sitting ---- */

void order_keep_faults(const struct lab *lab, struct text *out)
{
    const struct wire *wire = lab_wire(lab);

    for (size_t i = 0; i < faults_count(wire); i++) {
        const struct fault *fault = faults_at(wire, i);

        text_printf(out, "fault restore %llu %lld %lld %lld %s ", (unsigned long long)fault->id, (long long)fault->matched, (long long)fault->hits,
                    (long long)fault->added_us, fault->over ? "released" : "on");
        fault_describe(fault, out);
        text_add(out, "\n");
    }
}

enum err order_fault_restore(struct order_call *call)
{
    enum { OWN_WORDS = 5 };
    struct fault fault = { 0 };
    struct order_call rest = *call;
    int64_t id;
    enum err err;

    if (call->count < OWN_WORDS || !parse_i64(call->words[0], &id) || id < 1 || !parse_i64(call->words[1], &fault.matched) || !parse_i64(call->words[2], &fault.hits) ||
        !parse_i64(call->words[3], &fault.added_us))
        return err_because(ERR_INVALID_REQUEST, call->reason, "a lab that is opened again gives this order; `fault add` makes a new fault, for instance: " EXAMPLE);
    rest.words += OWN_WORDS;
    rest.count -= OWN_WORDS;
    fault.id = (uint64_t)id;
    fault.over = !strcmp(call->words[4], "released");
    err = parse_rule(&rest, &fault.rule);
    return err ? err : faults_restore(lab_wire(call->lab), &fault, call->reason);
}

/* ---- fault clear, fault release ---- */

static enum err fault_of(struct order_call *call, const char *word, const struct fault **out)
{
    const struct wire *wire = lab_wire(call->lab);
    int64_t id;

    *out = parse_i64(word, &id) && id > 0 ? faults_find(wire, (uint64_t)id) : NULL;
    if (*out)
        return ERR_OK;
    return order_refuse(call, word, faults_count(wire) ? "there is no fault of this number; `fault list` shows them" : "there are no faults; `fault add` makes one");
}

static bool holds(const struct fault *fault)
{
    return fault->rule.kind == FAULT_HOLD || fault->rule.kind == FAULT_BLACKHOLE;
}

static enum err all_or_one(struct order_call *call, const char *verb, const char *done, bool release)
{
    struct wire *wire = lab_wire(call->lab);
    const struct fault *only = NULL;
    size_t went_on = 0, faults = 0, i = 0;
    enum err err = ERR_OK;

    if (call->count > 1)
        return err_because(ERR_INVALID_REQUEST, call->reason, "one fault's number, or none for all: fault %s 1", verb);
    if (call->count)
        err = fault_of(call, call->words[0], &only);
    if (err)
        return err;
    if (only && release && !holds(only))
        return order_refuse(call, call->words[0], "this fault holds nothing; `fault clear` takes it away");
    for (const struct fault *fault; (fault = faults_at(wire, i));) {
        if (only ? fault != only : release && (!holds(fault) || fault->over)) {
            i++;
            continue;
        }
        went_on += fault_holds(wire, fault);
        faults++;
        if (release)
            faults_release(wire, fault->id), i++;
        else
            faults_clear(wire, fault->id);
        if (only)
            break;
    }
    if (only)
        text_printf(call->answer, "Fault %s %s", call->words[0], done);
    else
        text_printf(call->answer, "%zu fault%s %s", faults, faults == 1 ? "" : "s", done);
    if (went_on)
        text_printf(call->answer, "; %zu request%s that %s held go%s on", went_on, went_on == 1 ? "" : "s", went_on == 1 ? "was" : "were", went_on == 1 ? "es" : "");
    text_add(call->answer, ".\n");
    return ERR_OK;
}

enum err order_fault_clear(struct order_call *call)
{
    return all_or_one(call, "clear", "cleared", false);
}

enum err order_fault_release(struct order_call *call)
{
    return all_or_one(call, "release", "released", true);
}
