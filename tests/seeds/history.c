/* Histories as text. */
#include "tests/seeds/history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const step_names[STEP_KINDS] = { "order", "send", "break", "start", "close", "drop", "elect", "reassign",
                                                    "create", "delete", "partitions", "config", "remove" };

/* ---- settings ---- */

void settings_read(const char *settings, struct config_map *out)
{
    char *copy = mem_text(settings ? settings : ""), *rest = copy, *one;

    while ((one = strsep(&rest, " "))) {
        char *equals = strchr(one, '=');

        if (!equals)
            continue;
        *equals = 0;
        config_map_set(out, one, equals + 1);
    }
    mem_free(copy);
}

bool settings_have(const char *settings, const char *pair)
{
    size_t size = strlen(pair);

    for (const char *at = settings; (at = strstr(at, pair)); at += size)
        if ((at == settings || at[-1] == ' ') && (at[size] == 0 || at[size] == ' '))
            return true;
    return false;
}

bool topics_have(const char *topics, const char *name)
{
    size_t size = strlen(name);

    for (const char *at = topics; (at = strstr(at, name)); at += size)
        if ((at == topics || at[-1] == ',') && (at[size] == 0 || at[size] == ','))
            return true;
    return false;
}

bool history_simulated(const struct history_client *client)
{
    return strstr(client->settings, "simulated.");
}

/* ---- life ---- */

void history_done(struct history *history)
{
    for (size_t i = 0; i < history->topic_count; i++) {
        mem_free(history->topics[i].name);
        mem_free(history->topics[i].settings);
    }
    for (size_t i = 0; i < history->client_count; i++) {
        mem_free(history->clients[i].name);
        mem_free(history->clients[i].topics);
        mem_free(history->clients[i].settings);
        mem_free(history->clients[i].group);
    }
    for (size_t i = 0; i < history->step_count; i++)
        mem_free(history->steps[i].who);
    mem_free(history->topics);
    mem_free(history->clients);
    mem_free(history->steps);
    mem_free(history->settings);
    *history = (struct history){ 0 };
}

void history_copy(struct history *to, const struct history *from)
{
    *to = (struct history){ .release = from->release, .brokers = from->brokers, .seed = from->seed, .settings = mem_text(from->settings), .end_ms = from->end_ms };
    for (size_t i = 0; i < from->topic_count; i++) {
        struct history_topic topic = from->topics[i];

        topic.name = mem_text(topic.name);
        topic.settings = mem_text(topic.settings);
        ARRAY_ADD(to->topics, to->topic_count, to->topic_capacity) = topic;
    }
    for (size_t i = 0; i < from->client_count; i++) {
        struct history_client client = from->clients[i];

        client.name = mem_text(client.name);
        client.topics = mem_text(client.topics);
        client.settings = mem_text(client.settings);
        client.group = mem_text(client.group);
        ARRAY_ADD(to->clients, to->client_count, to->client_capacity) = client;
    }
    for (size_t i = 0; i < from->step_count; i++) {
        struct step step = from->steps[i];

        step.who = mem_text(step.who);
        ARRAY_ADD(to->steps, to->step_count, to->step_capacity) = step;
    }
}

/* ---- print ---- */

static void print_at(struct text *out, int64_t at_ms)
{
    text_printf(out, "at %lld.%03lld ", (long long)(at_ms / 1000), (long long)(at_ms % 1000));
}

void history_print(const struct history *history, struct text *out)
{
    text_printf(out, "kafka %s\nbrokers %d\nseed %llu\n", release_name(history->release), history->brokers, (unsigned long long)history->seed);
    if (*history->settings)
        text_printf(out, "set %s\n", history->settings);
    for (size_t i = 0; i < history->topic_count; i++) {
        const struct history_topic *topic = &history->topics[i];

        text_printf(out, "topic %s %d %d%s%s\n", topic->name, topic->partitions, topic->factor, *topic->settings ? " " : "", topic->settings);
    }
    for (size_t i = 0; i < history->client_count; i++) {
        const struct history_client *client = &history->clients[i];

        if (client->group)
            text_printf(out, "consumer %s %s %s%s%s\n", client->name, client->group, client->topics, *client->settings ? " " : "", client->settings);
        else
            text_printf(out, "producer %s %s%s%s\n", client->name, client->topics, *client->settings ? " " : "", client->settings);
    }
    for (size_t i = 0; i < history->step_count; i++) {
        const struct step *step = &history->steps[i];

        print_at(out, step->at_ms);
        text_printf(out, "%s %s", step_names[step->kind], step->who);
        if (step->kind == STEP_SEND)
            text_printf(out, " %d", step->count);
        text_add(out, "\n");
    }
    print_at(out, history->end_ms);
    text_add(out, "end\n");
}

/* ---- parse ---- */

static const struct history_client *find_client(const struct history *history, const char *name)
{
    for (size_t i = 0; i < history->client_count; i++)
        if (!strcmp(history->clients[i].name, name))
            return &history->clients[i];
    return NULL;
}

static bool parse_at(const char *word, int64_t *at_ms)
{
    double seconds;

    if (!word || !parse_double(word, &seconds) || seconds < 0 || seconds > 86400)
        return false;
    *at_ms = (int64_t)(seconds * 1000 + 0.5);
    return true;
}

static const char *word_of(char **rest)
{
    const char *word = strsep(rest, " ");

    return word && *word ? word : NULL;
}

static bool may_take(const struct history_client *client, enum step_kind kind)
{
    if (kind == STEP_SEND || kind == STEP_BREAK)
        return !history_simulated(client) && (kind == STEP_BREAK || !client->group);
    return client->group || history_simulated(client);
}

static bool parse_step(struct history *history, char *rest)
{
    struct step step = { 0 };
    const char *verb;

    if (!parse_at(word_of(&rest), &step.at_ms) || !(verb = word_of(&rest)))
        return false;
    if (!strcmp(verb, "end")) {
        history->end_ms = step.at_ms;
        return true;
    }
    while (step.kind < STEP_KINDS && strcmp(step_names[step.kind], verb))
        step.kind++;
    if (step.kind == STEP_KINDS || !rest || !*rest)
        return false;
    if (step.kind == STEP_ORDER || step.kind >= STEP_ELECT) {
        step.who = mem_text(rest);
    } else {
        const char *who = word_of(&rest);
        const struct history_client *client = who ? find_client(history, who) : NULL;

        if (!client || !may_take(client, step.kind))
            return false;
        if (step.kind == STEP_SEND && (!rest || !parse_i32(rest, &step.count) || step.count < 1))
            return false;
        step.who = mem_text(who);
    }
    ARRAY_ADD(history->steps, history->step_count, history->step_capacity) = step;
    return true;
}

static bool parse_topic(struct history *history, char *rest)
{
    struct history_topic topic = { 0 };
    const char *name = word_of(&rest), *partitions = word_of(&rest), *factor = word_of(&rest);
    int32_t number;

    if (!name || !partitions || !factor || !parse_i32(partitions, &topic.partitions) || !parse_i32(factor, &number))
        return false;
    topic.factor = (int16_t)number;
    topic.name = mem_text(name);
    topic.settings = mem_text(rest ? rest : "");
    ARRAY_ADD(history->topics, history->topic_count, history->topic_capacity) = topic;
    return true;
}

static bool parse_client(struct history *history, bool consumer, char *rest)
{
    const char *name = word_of(&rest), *group = consumer ? word_of(&rest) : "", *topics = word_of(&rest);

    if (!name || !group || !topics || find_client(history, name))
        return false;
    ARRAY_ADD(history->clients, history->client_count, history->client_capacity) = (struct history_client){
        .name = mem_text(name), .group = consumer ? mem_text(group) : NULL, .topics = mem_text(topics), .settings = mem_text(rest ? rest : ""),
    };
    return true;
}

static bool parse_line(struct history *history, char *line)
{
    char *rest = line;
    const char *verb = word_of(&rest);
    int64_t number;

    if (!verb || *verb == '#')
        return true;
    if (!rest)
        return false;
    if (!strcmp(verb, "kafka"))
        return release_parse(rest, &history->release);
    if (!strcmp(verb, "brokers"))
        return parse_i32(rest, &history->brokers) && history->brokers > 0 && history->brokers < 100;
    if (!strcmp(verb, "seed")) {
        bool known = parse_i64(rest, &number);

        history->seed = known ? (uint64_t)number : 0;
        return known;
    }
    if (!strcmp(verb, "set")) {
        mem_free(history->settings);
        history->settings = mem_text(rest);
        return true;
    }
    if (!strcmp(verb, "topic"))
        return parse_topic(history, rest);
    if (!strcmp(verb, "producer") || !strcmp(verb, "consumer"))
        return parse_client(history, *verb == 'c', rest);
    return !strcmp(verb, "at") && parse_step(history, rest);
}

enum err history_parse(struct history *out, const char *text, struct reason *reason)
{
    char *copy = mem_text(text), *rest = copy, *line;
    int number = 0;

    *out = (struct history){ .settings = mem_text(""), .brokers = 3, .release = RELEASE_43 };
    while ((line = strsep(&rest, "\n"))) {
        char *shown = mem_text(line);
        bool fine = parse_line(out, line);

        number++;
        if (!fine)
            err_because(ERR_INVALID_REQUEST, reason, "line %d is no line of a history: %s", number, shown);
        mem_free(shown);
        if (!fine) {
            mem_free(copy);
            history_done(out);
            return ERR_INVALID_REQUEST;
        }
    }
    mem_free(copy);
    return ERR_OK;
}
