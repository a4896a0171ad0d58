/* A client: its bootstrap servers, and calls that wait for the right broker. */
#include "sim/clients/client.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/clients/client_internal.h"

enum {
    REQUEST_TIMEOUT_US = 30000000,  /* request.timeout.ms */
    API_TIMEOUT_US = 60000000,      /* default.api.timeout.ms */
    RETRY_BACKOFF_US = 100000,      /* retry.backoff.ms */
    RECONNECT_US = 50000,           /* reconnect.backoff.ms */
    RECONNECT_MAX_US = 1000000,     /* reconnect.backoff.max.ms */
    API_FIND_COORDINATOR = 10, API_PRODUCE = 0,
    LAST_PRODUCE_27 = 8,
};

/* ---- log lines ---- */

void client_warn(struct client *client, const char *level, const char *logger, const char *format, ...)
{
    char *message, *line;
    va_list args;

    if (!client->options.warn)
        return;
    va_start(args, format);
    message = mem_vprintf(format, args);
    va_end(args);
    line = mem_printf("%s%s", client->log_context, message);
    client->options.warn(client->options.warn_context, level, line, logger);
    mem_free(line);
    mem_free(message);
}

static char *make_log_context(const struct client_options *options, const char *client_id)
{
    if (options->kind == CLIENT_PRODUCER)
        return mem_printf("[Producer clientId=%s] ", client_id);
    if (options->kind == CLIENT_CONSUMER)
        return mem_printf("[Consumer clientId=%s, groupId=%s] ", client_id, options->group_id ? options->group_id : "null");
    return mem_printf("[AdminClient clientId=%s] ", client_id);
}

/* ---- bootstrap.servers ---- */

static bool is_host(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (!isalnum((unsigned char)text[i]) && !strchr("-%._:", text[i]))
            return false;
    return true;
}

/* "PLAINTEXT://[::1]:9092", "localhost:9092": the host between an optional protocol and the last colon. */
static bool split_address(const char *url, char **host, int64_t *port)
{
    const char *from = strstr(url, "://"), *colon = strrchr(url, ':');
    size_t size;

    from = from ? from + 3 : url;
    if (!colon || colon < from || !colon[1] || strspn(colon + 1, "0123456789") != strlen(colon + 1) || strlen(colon + 1) > 9)
        return false;
    size = (size_t)(colon - from);
    if (size >= 2 && from[0] == '[' && from[size - 1] == ']') {
        from++;
        size -= 2;
    }
    if (!is_host(from, size))
        return false;
    *port = strtoll(colon + 1, NULL, 10);
    *host = mem_text_size(from, size);
    return true;
}

static enum err add_bootstrap(struct client *client, const char *url, int32_t *id, struct reason *reason)
{
    struct transport *transport = client->options.transport;
    char address[64];
    char *host;
    int64_t port;

    if (!split_address(url, &host, &port))
        return err_because(ERR_INVALID_CONFIG, reason, "Invalid url in bootstrap.servers: %s", url);
    if (port > 65535) {
        mem_free(host);
        return err_because(ERR_INVALID_CONFIG, reason, "Invalid port in bootstrap.servers: %s", url);
    }
    if (transport->resolve && !transport->resolve(transport, host, address, sizeof(address))) {
        if (client->options.warn) { /* said before the client has a name */
            char *line = mem_printf("Couldn't resolve server %s from bootstrap.servers as DNS resolution failed for %s", url, host);

            client->options.warn(client->options.warn_context, "WARN", line, "org.apache.kafka.clients.ClientUtils");
            mem_free(line);
        }
    } else {
        link_add(client, (*id)--, host, (int32_t)port);
    }
    mem_free(host);
    return ERR_OK;
}

static enum err parse_bootstrap(struct client *client, const char *text, struct reason *reason)
{
    char *copy = mem_text(text ? text : ""), *save = NULL;
    int32_t id = -1;
    enum err err = ERR_OK;

    for (char *url = strtok_r(copy, ",", &save); url && !err; url = strtok_r(NULL, ",", &save)) {
        char *end = url + strlen(url);

        while (isspace((unsigned char)*url))
            url++;
        while (end > url && isspace((unsigned char)end[-1]))
            *--end = 0;
        if (*url)
            err = add_bootstrap(client, url, &id, reason);
    }
    mem_free(copy);
    if (!err && !client->links)
        err = err_because(ERR_INVALID_CONFIG, reason, "No resolvable bootstrap urls given in bootstrap.servers");
    return err;
}

/* ---- life ---- */

static void client_free(struct client *client)
{
    while (client->links) {
        struct link *link = client->links;

        client->links = link->next;
        link_free(link);
    }
    metadata_done(client);
    for (size_t i = 0; i < client->coordinator_count; i++)
        mem_free(client->coordinators[i].group);
    mem_free(client->coordinators);
    mem_free(client->client_id);
    mem_free(client->log_context);
    mem_free(client);
}

void client_enter(struct client *client)
{
    client->using++;
}

void client_leave(struct client *client)
{
    if (!--client->using && client->closed)
        client_free(client);
}

enum err client_open(struct client **out, const struct client_options *options, struct reason *reason)
{
    struct client *client = mem_zero(sizeof(*client));
    enum err err;

    *out = NULL;
    client->options = *options;
    client->client_id = mem_text(options->client_id ? options->client_id : "");
    client->log_context = make_log_context(options, client->client_id);
    client->options.bootstrap = client->options.client_id = client->options.group_id = NULL;
    if (!client->options.request_timeout_us)
        client->options.request_timeout_us = REQUEST_TIMEOUT_US;
    if (!client->options.api_timeout_us)
        client->options.api_timeout_us = API_TIMEOUT_US;
    if (!client->options.reconnect_us)
        client->options.reconnect_us = RECONNECT_US;
    if (!client->options.reconnect_max_us)
        client->options.reconnect_max_us = RECONNECT_MAX_US;
    client->controller = -1;
    arena_init(&client->node_arena);
    err = parse_bootstrap(client, options->bootstrap, reason);
    if (err)
        client_free(client);
    else
        *out = client;
    return err;
}

void client_close(struct client *client)
{
    if (!client)
        return;
    client_enter(client);
    client->closed = true;
    for (struct link *link = client->links; link; link = link->next)
        if (link->state != LINK_CLOSED)
            link_disconnect(link, ERR_NETWORK_EXCEPTION);
    client_wake_waiters(client);
    client_leave(client);
}

/* ---- waiting ---- */

/* Each waiter once: those that come while we wake have seen the news already. */
void client_wake_waiters(struct client *client)
{
    struct waiter *waiter;

    client_enter(client);
    for (waiter = client->waiters; waiter; waiter = waiter->next)
        waiter->woken = false;
    do {
        for (waiter = client->waiters; waiter && waiter->woken; waiter = waiter->next)
            ;
        if (waiter) {
            waiter->woken = true;
            task_wake(waiter->task);
        }
    } while (waiter);
    if (client->options.changed && !client->closed)
        client->options.changed(client->options.changed_context);
    client_leave(client);
}

static void wait_over(void *context)
{
    struct client_wait *wait = context;

    wait->late = true;
    task_wake(wait->waiter.task);
}

void client_wait_begin(struct client_wait *wait, struct task *task, struct client *client, int64_t timeout_us)
{
    *wait = (struct client_wait){ .client = client, .waiter = { .task = task, .woken = true, .next = client->waiters } };
    client->waiters = &wait->waiter;
    wait->timer.run = wait_over;
    wait->timer.context = wait;
    client_enter(client);
    timer_arm(client->options.transport->timers, &wait->timer, timeout_us);
}

void client_wait_end(struct client_wait *wait)
{
    struct waiter **at = &wait->client->waiters;

    timer_cancel(&wait->timer);
    while (*at != &wait->waiter)
        at = &(*at)->next;
    *at = wait->waiter.next;
    client_leave(wait->client);
}

/* Waits for any news; false: late, interrupted or closed. */
static bool client_wait_more(struct client_wait *wait)
{
    if (wait->late || wait->client->closed)
        return false;
    return task_wait(wait->waiter.task) && !wait->late && !wait->client->closed;
}

enum err client_wait_error(const struct client_wait *wait, struct reason *reason)
{
    if (task_interrupted(wait->waiter.task) || wait->client->closed)
        return err_because(ERR_NETWORK_EXCEPTION, reason, "interrupted");
    return err_because(ERR_REQUEST_TIMED_OUT, reason, "Timed out waiting for a node assignment.");
}

struct pause {
    struct timer timer;
    struct task *task;
    bool over;
};

static void pause_over(void *context)
{
    struct pause *pause = context;

    pause->over = true;
    task_wake(pause->task);
}

bool client_pause(struct client_wait *wait, int64_t us)
{
    struct pause pause = { .timer = { .run = pause_over, .context = &pause }, .task = wait->waiter.task };

    timer_arm(wait->client->options.transport->timers, &pause.timer, us);
    while (!pause.over && client_wait_more(wait))
        ;
    timer_cancel(&pause.timer);
    return pause.over;
}

/* ---- finding a broker ---- */

static const struct client_node *node_of(const struct client *client, int32_t id)
{
    for (size_t i = 0; i < client->node_count; i++)
        if (client->nodes[i].id == id)
            return &client->nodes[i];
    return NULL;
}

/* The link to a node as metadata knows it now; NULL: metadata does not know it. */
static struct link *link_of(struct client *client, int32_t id)
{
    int32_t real = id > INT32_MAX / 2 ? INT32_MAX - id : id;
    const struct client_node *node = node_of(client, real);
    struct link *link = link_find(client, id);

    if (!node)
        return NULL;
    if (!link)
        return link_add(client, id, node->host, node->port);
    if (link->port != node->port || strcmp(link->host, node->host)) { /* it moved */
        link_disconnect(link, ERR_NETWORK_EXCEPTION);
        mem_free(link->host);
        mem_free(link->address);
        link->address = NULL;
        link->host = mem_text(node->host);
        link->port = node->port;
    }
    return link;
}

/* The one with least to do that is connected; else one on its way; else the one that failed least. */
static int cost(const struct link *link)
{
    switch (link->state) {
    case LINK_READY:
        return (int)link->in_flight;
    case LINK_OPENING:
    case LINK_ASKING:
        return 1 << 20;
    case LINK_CLOSED:
        return (1 << 21) + link->failures;
    default:
        return 1 << 24;
    }
}

static struct link *any_link(struct client *client)
{
    struct link *best = NULL;

    if (client->known) {
        for (size_t i = 0; i < client->node_count; i++) {
            struct link *link = link_of(client, client->nodes[i].id);

            if (!best || cost(link) < cost(best))
                best = link;
        }
    }
    for (struct link *link = client->links; link && !client->node_count; link = link->next)
        if (link->id < 0 && (!best || cost(link) < cost(best)))
            best = link;
    return best;
}

/* Metadata is asked when a broker is looked for that it does not tell yet. */
static enum err learn_nodes(struct client_wait *wait, int32_t node, struct reason *reason)
{
    static const char *const none[1] = { NULL };
    struct client *client = wait->client;
    enum err err;

    for (;;) {
        if (client->known && (node == NODE_ANY || (node == NODE_CONTROLLER ? node_of(client, client->controller) != NULL : link_of(client, node) != NULL)))
            return ERR_OK;
        if (client->known && node >= 0 && client->options.kind != CLIENT_ADMIN)
            return err_because(ERR_NETWORK_EXCEPTION, reason, "broker %d is not available", node);
        if (client->known && !client_pause(wait, RETRY_BACKOFF_US))
            return client_wait_error(wait, reason);
        err = metadata_ask(wait, none, 0, true, reason);
        if (err)
            return err;
    }
}

enum err client_ready_link(struct client_wait *wait, int32_t node, struct link **out, struct reason *reason)
{
    struct client *client = wait->client;
    uint64_t tries = 0;
    bool counted = false;

    for (;;) {
        struct link *link = node == NODE_ANY ? any_link(client) : link_of(client, node == NODE_CONTROLLER ? client->controller : node);

        if (!link)
            return err_because(ERR_NETWORK_EXCEPTION, reason, "broker %d is not available", node);
        if (link->state == LINK_READY) {
            *out = link;
            return ERR_OK;
        }
        if (!counted)
            tries = link->tries;
        counted = true;
        if (node >= 0 && client->options.kind != CLIENT_ADMIN && link->tries > tries)
            return err_because(ERR_NETWORK_EXCEPTION, reason, "broker %d can't be reached", node);
        if (link->state == LINK_CLOSED)
            link_connect(link);
        else if (!client_wait_more(wait))
            return client_wait_error(wait, reason);
    }
}

/* ---- calls ---- */

struct call {
    bool done;
    enum err err;
    void *out;
};

static void on_call(void *context, enum err err, void *out)
{
    struct call *call = context;

    call->done = true;
    call->err = err;
    call->out = out;
}

enum err client_call_link(struct client_wait *wait, struct link *link, int16_t api_key, int16_t most_version, const void *in, struct arena *arena,
                          void **out, int32_t *correlation_id, struct reason *reason)
{
    const struct api *api = api_find(api_key);
    struct call call = { 0 };
    struct client_send *send;

    *out = NULL;
    if (!api || link_version(link, api_key, most_version) == NO_VERSION)
        return err_because(ERR_UNSUPPORTED_VERSION, reason, "The node does not support %s", api ? api->name : "this API");
    if (correlation_id)
        *correlation_id = wait->client->next_correlation_id;
    send = link_send(link, api, most_version, in, arena, on_call, &call);
    while (!call.done && !task_interrupted(wait->waiter.task) && !wait->client->closed)
        task_wait(wait->waiter.task); /* the request has a timeout of its own */
    if (!call.done) {
        client_send_cancel(send);
        return err_because(ERR_NETWORK_EXCEPTION, reason, "interrupted");
    }
    *out = call.out;
    return call.err ? err_because(call.err, reason, "%s", err_message(call.err)) : ERR_OK;
}

enum err client_call(struct task *task, struct client *client, int32_t node, int16_t api_key, int16_t most_version, const void *in,
                     struct arena *arena, void **out, struct reason *reason)
{
    struct client_wait wait;
    struct link *link;
    enum err err;
    bool again;

    *out = NULL;
    client_wait_begin(&wait, task, client, client->options.api_timeout_us);
    do {
        err = learn_nodes(&wait, node, reason);
        if (!err)
            err = client_ready_link(&wait, node, &link, reason);
        again = false;
        if (!err) {
            bool was_used = link->state == LINK_READY;

            err = client_call_link(&wait, link, api_key, most_version, in, arena, out, NULL, reason);
            again = was_used && (err == ERR_NETWORK_EXCEPTION || err == ERR_REQUEST_TIMED_OUT) && client->options.kind == CLIENT_ADMIN;
        }
        if (again && !client_pause(&wait, RETRY_BACKOFF_US)) {
            again = false;
            err = client_wait_error(&wait, reason);
        }
    } while (again);
    client_wait_end(&wait);
    return err;
}

int16_t client_version(struct task *task, struct client *client, int32_t node, int16_t api_key, int16_t most_version)
{
    struct client_wait wait;
    struct link *link;
    int16_t version = NO_VERSION;

    client_wait_begin(&wait, task, client, client->options.api_timeout_us);
    if (!learn_nodes(&wait, node, NULL) && !client_ready_link(&wait, node, &link, NULL))
        version = link_version(link, api_key, most_version);
    client_wait_end(&wait);
    return version;
}

struct client_send *client_send(struct client *client, int32_t node, int16_t api_key, int16_t most_version, const void *in, struct arena *arena,
                                client_reply *reply, void *context)
{
    const struct api *api = api_find(api_key);
    struct link *link = node == NODE_ANY ? any_link(client) : link_of(client, node == NODE_CONTROLLER ? client->controller : node);

    if (!api || !link || client->closed) {
        reply(context, api ? ERR_NETWORK_EXCEPTION : ERR_UNSUPPORTED_VERSION, NULL);
        return NULL;
    }
    return link_send(link, api, most_version, in, arena, reply, context);
}

enum client_can client_can_send(struct client *client, int32_t node, int64_t most_in_flight)
{
    struct link *link = client->closed ? NULL : link_of(client, node);

    if (link && link->state == LINK_CLOSED)
        link_connect(link);
    if (!link || link->state != LINK_READY)
        return CLIENT_NOT_READY;
    return (int64_t)link->in_flight < most_in_flight ? CLIENT_CAN_SEND : CLIENT_BUSY;
}

int16_t client_version_now(const struct client *client, int32_t node, int16_t api_key, int16_t most_version)
{
    const struct link *link = link_find(client, node);

    return link && link->state == LINK_READY ? link_version(link, api_key, most_version) : NO_VERSION;
}

bool client_knows_node(const struct client *client, int32_t node) { return node_of(client, node) != NULL; }
int32_t client_next_correlation(const struct client *client) { return client->next_correlation_id; }
uint64_t client_losses(const struct client *client) { return client->losses; }
uint64_t client_news(const struct client *client) { return client->news; }
uint64_t client_metadata_count(const struct client *client) { return client->metadata_count; }

/* ---- coordinators ---- */

static struct coordinator *coordinator_of(struct client *client, const char *group)
{
    for (size_t i = 0; i < client->coordinator_count; i++)
        if (!strcmp(client->coordinators[i].group, group))
            return &client->coordinators[i];
    ARRAY_ADD(client->coordinators, client->coordinator_count, client->coordinator_capacity) = (struct coordinator){ mem_text(group), -1 };
    return &client->coordinators[client->coordinator_count - 1];
}

/* What the answer says of our one key: at the top up to version 3, then in a list. */
static enum err read_coordinator(const struct find_coordinator_response *answer, int32_t *node, struct reason *reason)
{
    bool listed = answer->coordinators.count > 0;
    int16_t code = listed ? answer->coordinators.items[0].error_code : answer->error_code;
    const char *message = listed ? answer->coordinators.items[0].error_message : answer->error_message;

    *node = listed ? answer->coordinators.items[0].node_id : answer->node_id;
    if (code)
        return err_because((enum err)code, reason, "%s", message && *message ? message : err_message((enum err)code));
    return ERR_OK;
}

static enum err ask_coordinator(struct task *task, struct client *client, const char *group, int32_t *node, struct reason *reason)
{
    struct find_coordinator_request request;
    struct arena arena;
    void *out;
    enum err err;

    arena_init(&arena);
    fields_preset(&find_coordinator_request_message, &request);
    request.key = group; /* either goes out, as the version has it */
    request.coordinator_keys.items = &group;
    request.coordinator_keys.count = 1;
    err = client_call(task, client, NODE_ANY, API_FIND_COORDINATOR, -1, &request, &arena, &out, reason);
    if (!err)
        err = read_coordinator(out, node, reason);
    arena_done(&arena);
    return err;
}

enum err client_group_coordinator(struct task *task, struct client *client, const char *group, bool refresh, int32_t *node, struct reason *reason)
{
    struct client_wait wait;
    enum err err;

    *node = coordinator_of(client, group)->node;
    if (*node >= 0 && !refresh && node_of(client, *node))
        return ERR_OK;
    client_wait_begin(&wait, task, client, client->options.api_timeout_us);
    for (;;) {
        err = ask_coordinator(task, client, group, node, reason);
        if (!err && !node_of(client, *node)) /* it joined after we heard of the nodes */
            err = learn_nodes(&wait, *node, reason);
        if (err != ERR_COORDINATOR_NOT_AVAILABLE && err != ERR_COORDINATOR_LOAD_IN_PROGRESS)
            break;
        if (!client_pause(&wait, RETRY_BACKOFF_US)) {
            if (task_interrupted(task) || client->closed)
                err = client_wait_error(&wait, reason);
            break;
        }
    }
    if (!client->closed)
        coordinator_of(client, group)->node = err ? -1 : *node;
    client_wait_end(&wait);
    return err;
}

/* ---- looking ---- */

enum release client_broker_release(const struct client *client)
{
    for (const struct link *link = client->links; link; link = link->next)
        for (size_t i = 0; i < link->range_count; i++)
            if (link->ranges[i].key == API_PRODUCE)
                return link->ranges[i].last <= LAST_PRODUCE_27 ? RELEASE_27 : RELEASE_43;
    return RELEASE_43;
}
