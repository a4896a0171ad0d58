/* Simulated clients of a lab: their names, their beginnings and ends, and what their records hold. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "sim/clients/simulated_internal.h"

static const char *const state_names[] = {
    [SIMULATED_RUNNING] = "running", [SIMULATED_STOPPING] = "stopping", [SIMULATED_STOPPED] = "stopped",
    [SIMULATED_DONE] = "done", [SIMULATED_KILLED] = "killed", [SIMULATED_FAILED] = "failed",
};
const char *simulated_state_name(enum simulated_state state) { return state_names[state]; }

void simulated_options_default(struct simulated_options *options)
{
    *options = (struct simulated_options){ .rate = 10, .partition = -1 };
}

struct simulated_clients *simulated_new(const struct simulated_env *env)
{
    struct simulated_clients *clients = mem_zero(sizeof(*clients));

    clients->env = *env;
    clients->timers = timers_virtual(env->queue);
    return clients;
}

/* ---- what records hold ---- */

static size_t put_number(char *out, size_t most, uint64_t number)
{
    char digits[24];
    size_t size = 0;

    for (; number || size < 6; number /= 10)
        digits[size++] = (char)('0' + number % 10);
    if (size > most)
        size = most;
    for (size_t i = 0; i < size; i++)
        out[i] = digits[size - 1 - i];
    return size;
}

size_t simulated_value(const char *name, uint64_t number, int32_t size, char *out, size_t most)
{
    size_t used = strlen(name), wanted = size > 0 ? (size_t)size : 0;

    if (used + 1 > most)
        return 0;
    memcpy(out, name, used);
    out[used++] = '-';
    used += put_number(out + used, most - used, number);
    if (wanted > most)
        wanted = most;
    if (used < wanted) {
        memset(out + used, '.', wanted - used);
        used = wanted;
    }
    return used;
}

size_t simulated_key(uint64_t number, int64_t keys, char *out, size_t most)
{
    int size = keys > 0 ? snprintf(out, most, "k%llu", (unsigned long long)(number % (uint64_t)keys)) : 0;

    return size > 0 && (size_t)size < most ? (size_t)size : 0;
}

bool simulated_parse(struct bytes value, struct bytes *name, uint64_t *number)
{
    size_t end = value.size, digits, dash;

    while (end && value.data[end - 1] == '.')
        end--;
    for (digits = end; digits && isdigit(value.data[digits - 1]); digits--)
        ;
    if (!digits || end - digits < 6 || end - digits > 19 || value.data[digits - 1] != '-' || digits - 1 == 0 || digits - 1 > SIMULATED_MOST_NAME)
        return false;
    dash = digits - 1;
    *number = 0;
    for (size_t i = digits; i < end; i++)
        *number = *number * 10 + (uint64_t)(value.data[i] - '0');
    *name = (struct bytes){ value.data, dash };
    return *number > 0;
}

/* ---- starting ---- */

static bool is_name(const char *name)
{
    size_t size = strlen(name);

    if (!size || size > SIMULATED_MOST_NAME)
        return false;
    for (size_t i = 0; i < size; i++)
        if (!isalnum((unsigned char)name[i]) && !strchr("._-", name[i]))
            return false;
    return true;
}

static enum err check(const struct simulated_clients *clients, enum simulated_kind kind, const struct simulated_options *options, struct reason *reason)
{
    const char *what = kind == SIMULATED_PRODUCER ? "producer" : "consumer";

    for (const struct simulated_client *client = clients->first; client; client = client->next)
        if (client->kind == kind && simulated_lives(client->state) && !strcmp(client->name, options->name))
            return err_because(ERR_INVALID_REQUEST, reason, "%s %s is %s already; `%s stop %s` ends it", what, options->name, simulated_state_name(client->state), what,
                               options->name);
    if (clients->living >= SIMULATED_MOST_CLIENTS)
        return err_because(ERR_INVALID_REQUEST, reason, "%d simulated clients live already, which is the most; stop one of them", SIMULATED_MOST_CLIENTS);
    if (kind == SIMULATED_PRODUCER && !(options->rate > 0 && options->rate <= 10000000))
        return err_because(ERR_INVALID_REQUEST, reason, "a rate is over 0 and at most 10000000 records a second");
    if (options->size < 0 || options->size > SIMULATED_MOST_SIZE)
        return err_because(ERR_INVALID_REQUEST, reason, "a value has 0 to %d bytes", SIMULATED_MOST_SIZE);
    if (options->count < 0 || options->keys < 0 || options->slow_us < 0 || options->partition < -1)
        return err_because(ERR_INVALID_REQUEST, reason, "a count is not below 0");
    if (kind == SIMULATED_CONSUMER && (!options->group || !*options->group))
        return err_because(ERR_INVALID_REQUEST, reason, "a consumer needs --group");
    return ERR_OK;
}

char *simulated_bootstrap(const struct simulated_clients *clients)
{
    const struct cluster *cluster = wire_cluster(clients->env.wire);
    struct text text = { 0 };

    for (size_t i = 0; i < cluster_broker_count(cluster); i++)
        text_printf(&text, "%slocalhost:%d", i ? "," : "", broker_port(cluster_broker_at(cluster, i)));
    return text_take(&text);
}

struct client_options simulated_client_options(struct simulated_client *client)
{
    const char *id = config_map_get(&client->config, "client.id");

    return (struct client_options){ .transport = client->transport, .client_id = id && *id ? id : client->name, .release = client->all->env.release };
}

static void free_client(struct simulated_client *client)
{
    timer_cancel(&client->timer);
    simulated_consumer_free(client);
    if (client->transport)
        transport_free(client->transport);
    config_map_done(&client->config);
    mem_free(client->value);
    mem_free(client->name);
    mem_free(client->topic);
    mem_free(client->group);
    mem_free(client);
}

/* One that ended makes room for its successor of the same name. */
static void forget_ended(struct simulated_clients *clients, enum simulated_kind kind, const char *name)
{
    for (struct simulated_client **at = &clients->first; *at;) {
        struct simulated_client *client = *at;

        if (client->kind != kind || simulated_lives(client->state) || client->using || strcmp(client->name, name)) {
            at = &client->next;
            continue;
        }
        *at = client->next;
        clients->count--;
        free_client(client);
    }
}

static void note(struct simulated_client *client, const char *what)
{
    char text[768];

    snprintf(text, sizeof(text), "%s %s %s%s%s", client->kind == SIMULATED_PRODUCER ? "producer" : "consumer", client->name, what, *client->error.text ? ": " : "",
             client->error.text);
    journal_add(client->all->env.journal, ENTRY(client->state == SIMULATED_RUNNING ? EVENT_client_connected : EVENT_client_disconnected, .topic = client->group ? NULL : client->topic,
                                                .subject = client->name, .text = text));
}

enum err simulated_start(struct simulated_clients *clients, enum simulated_kind kind, const struct simulated_options *options, struct reason *reason)
{
    struct simulated_client *client, **at = &clients->first;
    enum err err;

    if (!is_name(options->name))
        return err_because(ERR_INVALID_REQUEST, reason, "a client's name has 1 to %d of letters, digits, '.', '_' and '-'", SIMULATED_MOST_NAME);
    err = check(clients, kind, options, reason);
    if (err)
        return err;
    forget_ended(clients, kind, options->name);
    client = mem_zero(sizeof(*client));
    client->all = clients;
    client->kind = kind;
    client->name = mem_text(options->name);
    client->topic = mem_text(options->topic);
    client->group = mem_text(options->group);
    if (options->config)
        config_map_copy(&client->config, options->config);
    client->rate = options->rate;
    client->count = options->count;
    client->keys = options->keys;
    client->size = options->size;
    client->partition = options->partition;
    client->slow_us = options->slow_us;
    client->random = random_fork(clients->env.random, options->name);
    client->started_us = queue_now_us(clients->env.queue);
    client->ended_us = client->blocked_us = -1;
    client->transport = transport_simulated(clients->env.wire, &clients->timers, "127.0.0.1");
    err = kind == SIMULATED_PRODUCER ? simulated_producer_begin(client, reason) : simulated_consumer_begin(client, reason);
    if (err) {
        free_client(client);
        return err;
    }
    while (*at)
        at = &(*at)->next;
    *at = client;
    clients->count++;
    clients->living++;
    note(client, "started");
    return ERR_OK;
}

/* ---- ending ---- */

void simulated_enter(struct simulated_client *client) { client->using++; }
void simulated_leave(struct simulated_client *client) { client->using--; }

void simulated_end(struct simulated_client *client, enum simulated_state state)
{
    const struct simulated_client_watch *watch = &client->all->watch;

    client->state = state;
    client->ended_us = queue_now_us(client->all->env.queue);
    client->all->living--;
    note(client, simulated_state_name(state));
    if (watch->ended)
        watch->ended(watch->context, client->name, state);
}

static enum err must_live(const struct simulated_client *client, struct reason *reason)
{
    return simulated_lives(client->state) ? ERR_OK
                                          : err_because(ERR_INVALID_REQUEST, reason, "%s is %s already", client->name, simulated_state_name(client->state));
}

enum err simulated_stop(struct simulated_client *client, struct reason *reason)
{
    enum err err = must_live(client, reason);

    if (err || client->state == SIMULATED_STOPPING)
        return err;
    client->state = SIMULATED_STOPPING;
    if (client->kind == SIMULATED_PRODUCER)
        simulated_producer_stop(client);
    else
        simulated_consumer_stop(client);
    return ERR_OK;
}

static void drop(struct simulated_client *client)
{
    timer_cancel(&client->timer);
    if (client->kind == SIMULATED_PRODUCER)
        simulated_producer_drop(client);
    else
        simulated_consumer_drop(client);
}

enum err simulated_kill(struct simulated_client *client, struct reason *reason)
{
    enum err err = must_live(client, reason);

    if (err)
        return err;
    drop(client);
    simulated_end(client, SIMULATED_KILLED);
    return ERR_OK;
}

enum err simulated_slow(struct simulated_client *client, int64_t us, struct reason *reason)
{
    enum err err = must_live(client, reason);

    if (err)
        return err;
    client->slow_us = us;
    if (client->kind == SIMULATED_PRODUCER)
        simulated_producer_pace(client);
    return ERR_OK;
}

void simulated_free(struct simulated_clients *clients)
{
    if (!clients)
        return;
    clients->watch = (struct simulated_client_watch){ 0 };
    while (clients->first) {
        struct simulated_client *client = clients->first;

        clients->first = client->next;
        if (simulated_lives(client->state))
            drop(client);
        free_client(client);
    }
    mem_free(clients);
}

/* ---- looking ---- */

void simulated_watch(struct simulated_clients *clients, const struct simulated_client_watch *watch)
{
    clients->watch = watch ? *watch : (struct simulated_client_watch){ 0 };
}

struct simulated_client *simulated_find(const struct simulated_clients *clients, enum simulated_kind kind, const char *name)
{
    struct simulated_client *found = NULL;

    for (struct simulated_client *client = clients->first; client; client = client->next)
        if (client->kind == kind && !strcmp(client->name, name) && (!found || simulated_lives(client->state)))
            found = client;
    return found;
}

size_t simulated_count(const struct simulated_clients *clients) { return clients->count; }

const struct simulated_client *simulated_at(const struct simulated_clients *clients, size_t i)
{
    const struct simulated_client *client = clients->first;

    while (client && i--)
        client = client->next;
    return client;
}

void simulated_register_tables(struct simulated_clients *clients, struct tables *tables)
{
    tables_add(tables, &simulated_table, clients);
}
