/* Faults at requests: kept, matched, counted. */
#include "sim/wire/faults_internal.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "sim/wire/gate.h"

/* ---- names of APIs ---- */

/* As far as it is sent on the simulated network. Whatever the error, a heartbeat, a registration or a vote is tried again (BrokerLifecycleManager, KafkaRaftClient);
 * those listed are what the controllers of Kafka answer. */
#define LIFE_ERRORS "NOT_CONTROLLER CLUSTER_AUTHORIZATION_FAILED REQUEST_TIMED_OUT UNKNOWN_SERVER_ERROR UNSUPPORTED_VERSION "
#define RAFT_ERRORS "BROKER_NOT_AVAILABLE INCONSISTENT_CLUSTER_ID REQUEST_TIMED_OUT UNKNOWN_SERVER_ERROR "
static const struct inner_api inner_apis[] = {
    { "AlterPartition", false, true, false, NULL },
    { "AlterIsr", true, false, false, NULL },
    { "LeaderAndIsr", true, false, false, NULL },
    { "OffsetForLeaderEpoch", true, true, false, NULL },
    { "AssignReplicasToDirs", false, true, false, NULL },
    { "BrokerHeartbeat", false, true, true, LIFE_ERRORS "STALE_BROKER_EPOCH BROKER_ID_NOT_REGISTERED " },
    { "BrokerRegistration", false, true, true, LIFE_ERRORS "DUPLICATE_BROKER_REGISTRATION INCONSISTENT_CLUSTER_ID INVALID_REGISTRATION BROKER_ID_NOT_REGISTERED " },
    { "Vote", false, true, false, RAFT_ERRORS },
    { "BeginQuorumEpoch", false, true, false, RAFT_ERRORS },
    { "EndQuorumEpoch", false, true, false, RAFT_ERRORS },
    { "ControlledShutdown", true, false, true, "STALE_CONTROLLER_EPOCH STALE_BROKER_EPOCH BROKER_NOT_AVAILABLE CLUSTER_AUTHORIZATION_FAILED UNKNOWN_SERVER_ERROR " },
};
enum { INNER_APIS = sizeof(inner_apis) / sizeof(*inner_apis) };

static const char *name_at(size_t i)
{
    return i < api_count() ? api_at(i)->name : inner_apis[i - api_count()].name;
}

const struct inner_api *fault_inner_api(const char *name)
{
    for (size_t i = 0; i < INNER_APIS; i++)
        if (!strcmp(inner_apis[i].name, name))
            return &inner_apis[i];
    return NULL;
}

const char *fault_api(const char *name, bool *clients)
{
    *clients = true;
    if (!strcmp(name, "*"))
        return "*";
    for (size_t i = 0; i < api_count() + INNER_APIS; i++)
        if (!strcasecmp(name, name_at(i))) {
            *clients = i < api_count();
            return name_at(i);
        }
    return NULL;
}

const char *fault_api_at(size_t i)
{
    return i < api_count() + INNER_APIS ? name_at(i) : NULL;
}

/* As many letters in common from the beginning, or one inside the other. */
const char *fault_api_near(const char *name)
{
    const char *best = NULL;
    size_t most = 2;

    for (size_t i = 0; i < api_count() + INNER_APIS; i++) {
        const char *candidate = name_at(i);
        size_t same = 0;

        while (name[same] && candidate[same] && !strncasecmp(name, candidate, same + 1))
            same++;
        if (strcasestr(candidate, name) && strlen(name) > same)
            same = strlen(name);
        if (same > most) {
            most = same;
            best = candidate;
        }
    }
    return best;
}

/* ---- kept ---- */

static void fault_free(struct fault *fault)
{
    mem_free((char *)fault->rule.api);
    mem_free((char *)fault->rule.topic);
    mem_free((char *)fault->rule.group);
    mem_free((char *)fault->rule.client);
    mem_free(fault);
}

void faults_free(struct faults *faults)
{
    if (!faults)
        return;
    cluster_set_fault_hook(faults->wire->cluster, NULL);
    for (size_t i = 0; i < faults->count; i++)
        fault_free(faults->items[i]);
    mem_free(faults->items);
    mem_free(faults);
}

static struct fault_verdict ask_brokers(void *context, const struct fault_query *query);
static bool may_hit(void *context, const struct fault_query *query);

static struct faults *faults_of(struct wire *wire)
{
    struct faults *faults = wire->faults;

    if (faults)
        return faults;
    faults = wire->faults = mem_zero(sizeof(*faults));
    faults->wire = wire;
    faults->hook = (struct fault_hook){ .ask = ask_brokers, .may_hit = may_hit, .context = faults };
    cluster_set_fault_hook(wire->cluster, &faults->hook);
    return faults;
}

static void forget(struct faults *faults, size_t i)
{
    fault_free(faults->items[i]);
    memmove(faults->items + i, faults->items + i + 1, (--faults->count - i) * sizeof(*faults->items));
}

static struct fault *add(struct faults *faults, const struct fault_rule *rule, uint64_t id)
{
    struct fault *fault = mem_zero(sizeof(*fault));

    fault->id = id;
    fault->rule = *rule;
    fault->rule.api = mem_text(rule->api);
    fault->rule.topic = mem_text(rule->topic);
    fault->rule.group = mem_text(rule->group);
    fault->rule.client = mem_text(rule->client);
    if (id > faults->last)
        faults->last = id;
    ARRAY_ADD(faults->items, faults->count, faults->capacity) = fault;
    return fault;
}

enum err faults_restore(struct wire *wire, const struct fault *as_it_was, struct reason *reason)
{
    struct faults *faults = faults_of(wire);
    struct fault *fault;

    if (as_it_was->id <= faults->last || faults_count(wire) >= MOST_FAULTS)
        return err_because(ERR_INVALID_REQUEST, reason, "fault %llu was before: the next is %llu", (unsigned long long)as_it_was->id, (unsigned long long)faults->last + 1);
    fault = add(faults, &as_it_was->rule, as_it_was->id);
    fault->rule.may_miss = true;
    fault->matched = as_it_was->matched;
    fault->hits = as_it_was->hits;
    fault->over = as_it_was->over;
    fault->added_us = as_it_was->added_us;
    cluster_faults_changed(wire->cluster);
    return ERR_OK;
}

uint64_t faults_add(struct wire *wire, const struct fault_rule *rule)
{
    struct faults *faults = faults_of(wire);
    struct fault *fault;

    if (faults_count(wire) >= MOST_FAULTS)
        return 0;
    if (faults->count >= 2 * MOST_FAULTS) /* one that was cleared, and nobody asked for */
        for (size_t i = 0; i < faults->count; i++)
            if (faults->items[i]->cleared) {
                forget(faults, i);
                break;
            }
    fault = add(faults, rule, faults->last + 1);
    fault->added_us = queue_now_us(wire->queue);
    cluster_faults_changed(wire->cluster);
    return fault->id;
}

void fault_may_miss(struct wire *wire, uint64_t id)
{
    for (size_t i = 0; wire->faults && i < wire->faults->count; i++)
        if (wire->faults->items[i]->id == id)
            wire->faults->items[i]->rule.may_miss = true;
}

size_t faults_count(const struct wire *wire)
{
    size_t count = 0;

    for (size_t i = 0; wire->faults && i < wire->faults->count; i++)
        count += !wire->faults->items[i]->cleared;
    return count;
}

const struct fault *faults_at(const struct wire *wire, size_t i)
{
    for (size_t at = 0; wire->faults && at < wire->faults->count; at++)
        if (!wire->faults->items[at]->cleared && !i--)
            return wire->faults->items[at];
    return NULL;
}

const struct fault *faults_find(const struct wire *wire, uint64_t id)
{
    for (size_t i = 0; wire->faults && i < wire->faults->count; i++)
        if (wire->faults->items[i]->id == id && !wire->faults->items[i]->cleared)
            return wire->faults->items[i];
    return NULL;
}

uint64_t faults_last(const struct wire *wire)
{
    return wire->faults ? wire->faults->last : 0;
}

size_t fault_holds(const struct wire *wire, const struct fault *fault)
{
    return gate_holds(wire, fault->id) + network_held_by_fault(wire->cluster, fault->id);
}

void faults_release(struct wire *wire, uint64_t id)
{
    for (size_t i = 0; wire->faults && i < wire->faults->count; i++)
        if (wire->faults->items[i]->id == id)
            wire->faults->items[i]->over = true;
    gate_release(wire, id);
    network_release(wire->cluster, id);
}

void faults_clear(struct wire *wire, uint64_t id)
{
    faults_release(wire, id);
    for (size_t i = 0; wire->faults && i < wire->faults->count; i++) {
        struct fault *fault = wire->faults->items[i];

        if (fault->id != id)
            continue;
        fault->cleared = true;
        if (fault->hits)
            forget(wire->faults, i);
        return;
    }
}

size_t faults_missed(struct wire *wire, struct text *out)
{
    size_t missed = 0;

    for (size_t i = 0; wire->faults && i < wire->faults->count; i++) {
        const struct fault *fault = wire->faults->items[i];

        if (fault->hits || fault->rule.may_miss)
            continue;
        text_printf(out, "fault %llu: ", (unsigned long long)fault->id);
        fault_describe(fault, out);
        if (fault->matched)
            text_printf(out, " (%lld passed)", (long long)fault->matched);
        text_add(out, "\n");
        missed++;
        if (fault->cleared)
            forget(wire->faults, i--);
    }
    return missed;
}

/* ---- said ---- */

static void describe_effect(const struct fault_rule *rule, struct text *out)
{
    static const char *const words[] = {
        [FAULT_NONE] = "observe", [FAULT_ERROR] = "error=", [FAULT_LOSE_REQUEST] = "lose-request", [FAULT_LOSE_RESPONSE] = "lose-response",
        [FAULT_DELAY] = "delay=", [FAULT_HOLD] = "hold", [FAULT_BLACKHOLE] = "blackhole",
    };

    text_add(out, words[rule->kind]);
    if (rule->kind == FAULT_ERROR)
        text_add(out, err_name(rule->error));
    else if (rule->kind == FAULT_DELAY && rule->delay_us % 1000)
        text_printf(out, "%lldus", (long long)rule->delay_us);
    else if (rule->kind == FAULT_DELAY)
        text_printf(out, "%lldms", (long long)rule->delay_us / 1000);
}

static void describe_matches(const struct fault_rule *rule, struct text *out)
{
    const struct { const char *name, *value; } patterns[] = { { "topic", rule->topic }, { "group", rule->group }, { "client", rule->client } };

    for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++)
        if (patterns[i].value) {
            text_printf(out, " %s=", patterns[i].name);
            text_escaped(out, bytes_text(patterns[i].value));
        }
    if (rule->partition >= 0)
        text_printf(out, " partition=%d", rule->partition);
    if (rule->broker >= 0)
        text_printf(out, " broker=%d", rule->broker);
    if (rule->from == FAULT_FROM_BROKERS)
        text_add(out, " from=brokers");
    else if (rule->from >= 0)
        text_printf(out, " from=%d", rule->from);
    if (rule->skip)
        text_printf(out, " skip=%lld", (long long)rule->skip);
    if (rule->count)
        text_printf(out, " count=%lld", (long long)rule->count);
}

void fault_describe(const struct fault *fault, struct text *out)
{
    text_add(out, fault->rule.api);
    describe_matches(&fault->rule, out);
    text_add(out, " ");
    describe_effect(&fault->rule, out);
}

static const char *what_happens(const struct fault_rule *rule)
{
    static const char *const words[] = {
        [FAULT_NONE] = "seen", [FAULT_ERROR] = "refused with", [FAULT_LOSE_REQUEST] = "lost on its way", [FAULT_LOSE_RESPONSE] = "served, its answer is lost",
        [FAULT_DELAY] = "late by", [FAULT_HOLD] = "held", [FAULT_BLACKHOLE] = "swallowed, and its connection with it",
    };

    return words[rule->kind];
}

/* ---- hit ---- */

static bool is_on(const struct fault *fault)
{
    return !fault->over && !fault->cleared && (!fault->rule.count || fault->hits < fault->rule.count);
}

const char *fault_state(const struct fault *fault)
{
    return fault->over ? "released" : is_on(fault) ? "on" : "used up";
}

struct sender {
    const char *api, *who;        /* who: its client.id */
    int32_t broker;
};

/* It matches: is this one hit? Then the journal hears of it. */
static bool hit(struct faults *faults, struct fault *fault, const struct sender *sender, const struct fault_place *place)
{
    const struct fault_rule *rule = &fault->rule;
    struct text text = { 0 };

    fault->matched++;
    if (fault->matched <= rule->skip)
        return false;
    fault->hits++;
    text_printf(&text, "fault %llu: %s", (unsigned long long)fault->id, sender->api);
    if (place->topic && place->partition >= 0)
        text_printf(&text, " of %s-%d", place->topic, place->partition);
    else if (place->topic || place->group)
        text_printf(&text, " of %s", place->topic ? place->topic : place->group);
    text_add(&text, " from ");
    text_escaped(&text, bytes_text(*sender->who ? sender->who : "a client"));
    text_printf(&text, " to broker %d: %s", sender->broker, what_happens(rule));
    if (rule->kind == FAULT_ERROR)
        text_printf(&text, " %s", err_name(rule->error));
    if (rule->kind == FAULT_DELAY) {
        text_add(&text, " ");
        text_duration(&text, rule->delay_us);
    }
    journal_add(cluster_journal(faults->wire->cluster),
                ENTRY(EVENT_fault_hit, .broker = sender->broker, .topic = place->topic, .partition = place->topic ? place->partition : -1, .subject = sender->who,
                      .rule = "fault", .text = text_chars(&text), .fact_count = 4,
                      .facts = { { "fault", (int64_t)fault->id, NULL }, { "matched", fault->matched, NULL }, { "skip", rule->skip, NULL },
                                 { "count", rule->count, NULL } }));
    text_done(&text);
    return true;
}

static bool names_api(const struct fault_rule *rule, const char *api)
{
    return !strcmp(rule->api, "*") || !strcmp(rule->api, api);
}

struct fault_verdict faults_ask(struct request *request, const struct fault **out)
{
    struct faults *faults = request->wire->faults;
    struct sender sender = { request->api->name, request->client_id, request->connection->info.broker };

    *out = NULL;
    for (size_t i = 0; faults && !request->connection->guest && i < faults->count; i++) {
        struct fault *fault = faults->items[i];
        const struct fault_rule *rule = &fault->rule;
        struct fault_place place;

        if (!is_on(fault) || rule->from != FAULT_FROM_CLIENTS || !names_api(rule, sender.api) || (rule->broker >= 0 && rule->broker != sender.broker) ||
            (rule->client && !text_matches(sender.who, rule->client)) || (*out && rule->kind != FAULT_NONE) || !fault_matches(request, rule, &place))
            continue;
        if (hit(faults, fault, &sender, &place) && rule->kind != FAULT_NONE)
            *out = fault;
    }
    if (!*out)
        return (struct fault_verdict){ .kind = FAULT_NONE };
    return (struct fault_verdict){ (*out)->rule.kind, (*out)->rule.error, (*out)->rule.delay_us, (*out)->id };
}

static bool meant(const struct fault_rule *rule, const struct fault_query *query, const char *who)
{
    const struct inner_api *inner = fault_inner_api(query->api);
    int32_t broker = inner && inner->of_sender ? query->from : query->to;

    return rule->from != FAULT_FROM_CLIENTS && names_api(rule, query->api) && (rule->from < 0 || rule->from == query->from) &&
           (rule->broker < 0 || rule->broker == broker) && !rule->group && (!rule->client || text_matches(who, rule->client)) &&
           !(query->part && (!rule->topic || (rule->kind != FAULT_ERROR && rule->kind != FAULT_NONE))) &&
           (!rule->topic || (query->topic && text_matches(query->topic, rule->topic))) &&
           (rule->partition < 0 || (query->topic && query->partition == rule->partition));
}

static struct fault_verdict ask_brokers(void *context, const struct fault_query *query)
{
    struct faults *faults = context;
    struct fault_verdict verdict = { .kind = FAULT_NONE };
    const struct fault_place place = { .topic = query->topic, .partition = query->topic ? query->partition : -1 };
    char who[32];
    struct sender sender = { query->api, who, query->to };

    snprintf(who, sizeof(who), "broker-%d", query->from);
    for (size_t i = 0; i < faults->count; i++) {
        struct fault *fault = faults->items[i];
        const struct fault_rule *rule = &fault->rule;

        if (!is_on(fault) || !meant(rule, query, who) || (verdict.kind && rule->kind != FAULT_NONE))
            continue;
        if (hit(faults, fault, &sender, &place) && rule->kind != FAULT_NONE)
            verdict = (struct fault_verdict){ rule->kind, rule->error, rule->delay_us, fault->id };
    }
    return verdict;
}

static bool may_hit(void *context, const struct fault_query *query)
{
    const struct faults *faults = context;
    char who[32];

    snprintf(who, sizeof(who), "broker-%d", query->from);
    for (size_t i = 0; i < faults->count; i++)
        if (is_on(faults->items[i]) && meant(&faults->items[i]->rule, query, who))
            return true;
    return false;
}

/* ---- the table ---- */

enum { FAULT_ID, FAULT_WHAT, FAULT_API, FAULT_EFFECT, FAULT_TOPIC, FAULT_PARTITION, FAULT_GROUP, FAULT_CLIENT, FAULT_BROKER, FAULT_SKIP, FAULT_COUNT, FAULT_MATCHED,
       FAULT_HITS, FAULT_WAITING, FAULT_STATE, FAULT_ADDED };

static const struct column columns[] = {
    [FAULT_ID] = { "fault", VALUE_INT, "its number" },
    [FAULT_WHAT] = { "what", VALUE_TEXT, "all of it in a line, as it was ordered" },
    [FAULT_API] = { "api", VALUE_TEXT, "Kafka's name of the request; *: any" },
    [FAULT_EFFECT] = { "effect", VALUE_TEXT, "what is done to it" },
    [FAULT_TOPIC] = { "topic", VALUE_TEXT, "pattern; NULL: any" },
    [FAULT_PARTITION] = { "partition", VALUE_INT, "NULL: any" },
    [FAULT_GROUP] = { "group_id", VALUE_TEXT, "pattern; NULL: any" },
    [FAULT_CLIENT] = { "client_id", VALUE_TEXT, "pattern; NULL: any" },
    [FAULT_BROKER] = { "broker", VALUE_INT, "that the request is sent to; NULL: any" },
    [FAULT_SKIP] = { "skip", VALUE_INT, "so many of them pass first" },
    [FAULT_COUNT] = { "count", VALUE_INT, "so many are hit; NULL: all" },
    [FAULT_MATCHED] = { "matched", VALUE_INT, "requests that were meant so far, with those that passed" },
    [FAULT_HITS] = { "hits", VALUE_INT, "and were hit" },
    [FAULT_WAITING] = { "held", VALUE_INT, "requests that wait because of it" },
    [FAULT_STATE] = { "state", VALUE_TEXT, "on, used up, released" },
    [FAULT_ADDED] = { "added_us", VALUE_INT, "virtual time of its order" },
    { 0 },
};

struct cursor {
    const struct wire *wire;
    size_t next;
    const struct fault *fault;
    struct text text;
};

static void *open_cursor(void *context, const struct constraint *constraints, size_t count)
{
    struct cursor *cursor = mem_zero(sizeof(*cursor));

    (void)constraints, (void)count;
    cursor->wire = context;
    return cursor;
}

static bool next(void *at)
{
    struct cursor *cursor = at;

    cursor->fault = faults_at(cursor->wire, cursor->next++);
    return cursor->fault;
}

static struct value text_of(struct cursor *cursor, void (*say)(const struct fault_rule *rule, struct text *out))
{
    text_clear(&cursor->text);
    if (say)
        say(&cursor->fault->rule, &cursor->text);
    else
        fault_describe(cursor->fault, &cursor->text);
    return value_text(text_chars(&cursor->text));
}

static struct value get(void *at, int column)
{
    struct cursor *cursor = at;
    const struct fault *fault = cursor->fault;
    const struct fault_rule *rule = &fault->rule;

    switch (column) {
    case FAULT_ID: return value_int((int64_t)fault->id);
    case FAULT_WHAT: return text_of(cursor, NULL);
    case FAULT_API: return value_text(rule->api);
    case FAULT_EFFECT: return text_of(cursor, describe_effect);
    case FAULT_TOPIC: return value_text(rule->topic);
    case FAULT_PARTITION: return rule->partition < 0 ? value_null() : value_int(rule->partition);
    case FAULT_GROUP: return value_text(rule->group);
    case FAULT_CLIENT: return value_text(rule->client);
    case FAULT_BROKER: return rule->broker < 0 ? value_null() : value_int(rule->broker);
    case FAULT_SKIP: return value_int(rule->skip);
    case FAULT_COUNT: return rule->count ? value_int(rule->count) : value_null();
    case FAULT_MATCHED: return value_int(fault->matched);
    case FAULT_HITS: return value_int(fault->hits);
    case FAULT_WAITING: return value_int((int64_t)fault_holds(cursor->wire, fault));
    case FAULT_STATE: return value_text(fault_state(fault));
    default: return value_int(fault->added_us);
    }
}

static void close_cursor(void *at)
{
    struct cursor *cursor = at;

    text_done(&cursor->text);
    mem_free(cursor);
}

const struct table fault_table = {
    .name = "faults", .doc = "faults at requests (`fault add`)", .columns = columns, .open = open_cursor, .next = next, .get = get, .close = close_cursor,
};
