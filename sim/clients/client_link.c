/* A client's connection to one broker: opened when first needed, asked for its versions, tried again after a rest when it broke. */
#include <stdio.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/clients/client_internal.h"

enum {
    API_PRODUCE = 0, API_JOIN_GROUP = 11, API_API_VERSIONS = 18,
    MOST_RANGES = 512,
};

static const char network_client[] = "org.apache.kafka.clients.NetworkClient";

static void ask_versions(struct link *link, bool plainly);
static void send_waiting(struct link *link);

/* ---- making and ending ---- */

struct link *link_find(const struct client *client, int32_t id)
{
    for (struct link *link = client->links; link; link = link->next)
        if (link->id == id)
            return link;
    return NULL;
}

struct link *link_add(struct client *client, int32_t id, const char *host, int32_t port)
{
    struct link *link = mem_zero(sizeof(*link)), **at = &client->links;

    link->client = client;
    link->id = id;
    link->host = mem_text(host);
    link->port = port;
    link->last = &link->first;
    while (*at)
        at = &(*at)->next;
    *at = link;
    return link;
}

static void drop_channel(struct link *link)
{
    struct channel *channel = link->channel;

    link->channel = NULL;
    if (channel)
        channel_close(channel);
}

static void send_free(struct client_send *send)
{
    timer_cancel(&send->timeout);
    arena_done(&send->own_arena);
    mem_free(send);
}

void link_free(struct link *link)
{
    timer_cancel(&link->rest);
    drop_channel(link);
    for (struct client_send *next; link->first; link->first = next) {
        next = link->first->next;
        send_free(link->first);
    }
    mem_free(link->ranges);
    mem_free(link->host);
    mem_free(link->address);
    mem_free(link);
}

/* ---- connecting ---- */

static void rest_over(void *context)
{
    struct link *link = context;
    struct client *client = link->client;

    client_enter(client);
    link->state = LINK_CLOSED;
    if (link->first)
        link_connect(link);
    client_wake_waiters(client);
    client_leave(client);
}

/* As the library does, without its random part: reconnect.backoff.ms, doubled with each failure up to reconnect.backoff.max.ms. */
static void rest(struct link *link)
{
    int64_t us = link->client->options.reconnect_us, most_us = link->client->options.reconnect_max_us;

    if (link->client->closed) { /* by one who was told that it failed: its transport may be gone */
        link->state = LINK_CLOSED;
        return;
    }
    for (int i = 0; i < link->failures && us < most_us; i++)
        us *= 2;
    link->failures++;
    link->state = LINK_RESTING;
    link->rest.run = rest_over;
    link->rest.context = link;
    timer_arm(link->client->options.transport->timers, &link->rest, us < most_us ? us : most_us);
}

static const char *address_of(struct link *link)
{
    struct transport *transport = link->client->options.transport;
    char address[64];

    if (!link->address && transport->resolve && transport->resolve(transport, link->host, address, sizeof(address)))
        link->address = mem_text(address);
    if (!link->address)
        link->address = mem_text(text_equal(link->host, "localhost") ? "127.0.0.1" : link->host);
    return link->address;
}

static void say_bootstrap_gone(const struct link *link)
{
    const struct client *client = link->client;

    if (client->options.kind == CLIENT_ADMIN || client->known || link->id >= 0)
        return;
    client_warn(link->client, "WARN", network_client, "Bootstrap broker %s:%d (id: %d rack: null%s) disconnected", link->host, link->port, link->id,
                release_is_27(client->options.release) ? "" : " isFenced: false");
}

static void say_not_reached(struct link *link)
{
    const char *address = address_of(link);
    int32_t id = link->id;

    client_warn(link->client, "WARN", network_client, "Connection to node %d (%s/%s:%d) could not be established. %s may not be available.", id,
                text_equal(link->host, address) ? "" : link->host, address, link->port, release_is_27(link->client->options.release) ? "Broker" : "Node");
    say_bootstrap_gone(link);
}

static void remove_send(struct client_send *send)
{
    struct client_send **at = &send->link->first;

    while (*at != send)
        at = &(*at)->next;
    *at = send->next;
    if (send->link->last == &send->next)
        send->link->last = at;
    if (send->sent)
        send->link->in_flight--;
}

/* Tells the sender and forgets it. */
static void finish(struct client_send *send, enum err err, void *out)
{
    client_reply *reply = send->reply;
    void *context = send->context;

    remove_send(send);
    timer_cancel(&send->timeout);
    send->reply = NULL;
    send->over = true;
    if (reply)
        reply(context, err, out);
    if (!send->sending_now)
        send_free(send);
}

void link_disconnect(struct link *link, enum err err)
{
    struct client_send *doomed = link->first;

    drop_channel(link);
    link->state = LINK_CLOSED;
    link->first = NULL;
    link->last = &link->first;
    link->in_flight = 0;
    mem_free(link->ranges);
    link->ranges = NULL;
    link->range_count = 0;
    for (struct client_send *send = doomed; send; send = send->next)
        send->over = true; /* in no list any more, should one be cancelled by another's reply */
    client_enter(link->client);
    while (doomed) {
        struct client_send *send = doomed;

        doomed = send->next;
        timer_cancel(&send->timeout);
        if (send->reply)
            send->reply(send->context, err, NULL);
        send->reply = NULL;
        if (!send->sending_now)
            send_free(send);
    }
    client_leave(link->client);
}

static void not_reached(struct link *link)
{
    link->tries++;
    link->client->losses++;
    say_not_reached(link);
    link_disconnect(link, ERR_NETWORK_EXCEPTION);
    rest(link);
    client_wake_waiters(link->client);
}

static void on_opened(void *context, enum err err)
{
    struct link *link = context;

    struct client *client = link->client;

    if (link->opening_now) {
        link->early = 1 + (int)err;
        return;
    }
    client_enter(client);
    if (err)
        not_reached(link);
    else
        ask_versions(link, false);
    client_leave(client);
}

void link_connect(struct link *link)
{
    struct transport *transport = link->client->options.transport;

    if (link->state != LINK_CLOSED)
        return;
    link->state = LINK_OPENING;
    link->opening_now = true;
    link->early = 0;
    link->channel = transport->open(transport, link->host, link->port, on_opened, link);
    link->opening_now = false;
    if (link->early)
        on_opened(link, (enum err)(link->early - 1));
}

/* ---- versions ---- */

/* What the library of that release knows of an API. */
static bool known_range(const struct api *api, enum release release, int16_t *first, int16_t *last)
{
    *first = release_is_27(release) ? api->first_27 : api->first_43;
    *last = release_is_27(release) ? api->last_27 : api->last_43;
    return *first >= 0;
}

int16_t link_version(const struct link *link, int16_t api_key, int16_t most_version)
{
    const struct api *api = api_find(api_key);
    int16_t first, last;

    if (!api || !known_range(api, link->client->options.release, &first, &last))
        return NO_VERSION;
    if (most_version >= 0 && most_version < last)
        last = most_version;
    for (size_t i = 0; i < link->range_count; i++) {
        const struct api_range *range = &link->ranges[i];
        int16_t version = range->last < last ? range->last : last;

        if (range->key == api_key)
            return version >= first && version >= range->first ? version : NO_VERSION;
    }
    return NO_VERSION;
}

static void on_versions(void *context, enum err err, void *out)
{
    struct link *link = context;
    const struct api_versions_response *answer = out;
    bool refused = !err && answer->error_code == ERR_UNSUPPORTED_VERSION;

    if (refused && !link->asked_versions_plainly) {
        ask_versions(link, true);
        return;
    }
    if (err || answer->error_code || answer->api_keys.count > MOST_RANGES) { /* whoever listens there is no broker */
        link->tries++;
        say_bootstrap_gone(link);
        if (link->channel) /* after an answer that made no sense, or none in time, it is still open */
            link_disconnect(link, ERR_NETWORK_EXCEPTION);
        rest(link);
        client_wake_waiters(link->client);
        return;
    }
    mem_free(link->ranges);
    link->range_count = (size_t)answer->api_keys.count;
    link->ranges = mem_zero_array(link->range_count + 1, sizeof(*link->ranges));
    for (size_t i = 0; i < link->range_count; i++)
        link->ranges[i] = (struct api_range){ answer->api_keys.items[i].api_key, answer->api_keys.items[i].min_version, answer->api_keys.items[i].max_version };
    link->failures = 0;
    link->state = LINK_READY;
    send_waiting(link);
    client_wake_waiters(link->client);
}

/* ---- sending ---- */

static int64_t timeout_us(const struct client_send *send)
{
    int64_t us = send->link->client->options.request_timeout_us;

    if (send->api->key == API_JOIN_GROUP) { /* it waits for all the others */
        const struct join_group_request *join = send->in;
        int64_t rebalance_us = ((int64_t)join->rebalance_timeout_ms + 5000) * 1000;

        return rebalance_us > us ? rebalance_us : us;
    }
    return us;
}

static void on_timeout(void *context)
{
    struct client_send *send = context;
    struct link *link = send->link;
    struct client *client = link->client;

    client_enter(client);
    client->losses++;
    finish(send, ERR_REQUEST_TIMED_OUT, NULL);
    if (link->state != LINK_RESTING) /* that of its versions has closed it already */
        link_disconnect(link, ERR_NETWORK_EXCEPTION);
    client_wake_waiters(client);
    client_leave(client);
}

/* The version of an ApiVersions answer: 0 if the broker did not know that of the request. */
static int16_t answer_version(const struct client_send *send, const struct reader *body)
{
    if (send->for_versions && reader_left(body) >= 2 && get_i16(body->at) == ERR_UNSUPPORTED_VERSION)
        return 0;
    return send->version;
}

static enum err decode_answer(struct client_send *send, struct bytes answer, void **out)
{
    const struct message *message = send->api->response;
    struct reader reader;
    struct response_header header;
    struct bytes kept = { arena_alloc(send->arena, answer.size), answer.size };
    enum err err;

    memcpy((uint8_t *)kept.data, answer.data, answer.size);
    reader = reader_of(kept);
    err = response_header_decode(response_header_version(message, send->version), &reader, &header, NULL);
    if (err || header.correlation_id != send->correlation_id)
        return ERR_NETWORK_EXCEPTION;
    *out = arena_alloc(send->arena, message->size);
    return fields_decode(message, answer_version(send, &reader), &reader, send->arena, *out, NULL);
}

static void on_answer(void *context, enum err err, struct bytes answer)
{
    struct client_send *send = context;
    struct link *link = send->link;
    struct client *client = link->client;
    void *out = NULL;

    client_enter(client);
    if (!err && answer.data)
        err = decode_answer(send, answer, &out);
    else if (!err)
        err = ERR_NETWORK_EXCEPTION;
    if (err && !out) { /* the connection is gone, or what came is no answer */
        bool was_ready = link->state == LINK_READY;

        client->losses++;
        link_disconnect(link, ERR_NETWORK_EXCEPTION);
        if (was_ready)
            say_bootstrap_gone(link);
    } else {
        finish(send, err ? ERR_UNKNOWN_SERVER_ERROR : ERR_OK, err ? NULL : out);
    }
    client_wake_waiters(client);
    client_leave(client);
}

static bool wants_no_answer(const struct client_send *send)
{
    return send->api->key == API_PRODUCE && ((const struct produce_request *)send->in)->acks == 0;
}

static void put_out(struct client_send *send)
{
    struct link *link = send->link;
    struct request_header header = { send->api->key, send->version, link->client->next_correlation_id++, link->client->client_id };
    struct frame frame = { 0 };
    enum err err = request_header_encode(request_header_version(send->api->request, send->version), &header, &frame, NULL);

    if (!err)
        err = fields_encode(send->api->request, send->version, send->in, &frame, NULL);
    if (err) {
        frame_done(&frame);
        finish(send, err, NULL);
        return;
    }
    send->correlation_id = header.correlation_id;
    send->sent = true;
    link->in_flight++;
    if (wants_no_answer(send)) {
        link->channel->transport->expect_none(link->channel, &frame);
        finish(send, ERR_OK, NULL);
        return;
    }
    send->timeout.run = on_timeout;
    send->timeout.context = send;
    timer_arm(link->channel->transport->timers, &send->timeout, timeout_us(send));
    link->channel->transport->send(link->channel, &frame, on_answer, send);
}

/* The caller keeps `send` from being freed, by sending_now. */
static void send_now(struct client_send *send)
{
    send->version = link_version(send->link, send->api->key, send->most_version);
    if (send->version == NO_VERSION)
        finish(send, ERR_UNSUPPORTED_VERSION, NULL);
    else
        put_out(send);
}

/* Sends what has waited for the versions. Each call may end in answers and more of it, or in the end of the connection. */
static void send_waiting(struct link *link)
{
    struct client_send *send = link->first;

    while (send && link->state == LINK_READY) {
        bool outer = send->sending_now;

        if (send->sent) {
            send = send->next;
            continue;
        }
        send->sending_now = true;
        send_now(send);
        send->sending_now = outer;
        if (send->over && !outer)
            send_free(send);
        send = link->first; /* anything may have changed */
    }
}

static struct client_send *new_send(struct link *link, const struct api *api, const void *in, struct arena *arena, client_reply *reply, void *context)
{
    struct client_send *send = mem_zero(sizeof(*send));

    *send = (struct client_send){ .link = link, .api = api, .in = in, .reply = reply, .context = context, .most_version = NO_VERSION };
    arena_init(&send->own_arena);
    send->arena = arena ? arena : &send->own_arena;
    return send;
}

struct client_send *link_send(struct link *link, const struct api *api, int16_t most_version, const void *in, struct arena *arena,
                              client_reply *reply, void *context)
{
    struct client_send *send = new_send(link, api, in, arena, reply, context);
    struct client *client = link->client;
    bool over;

    send->most_version = most_version;
    *link->last = send;
    link->last = &send->next;
    send->sending_now = true;
    client_enter(client);
    if (link->state == LINK_READY)
        send_now(send);
    else
        link_connect(link);
    send->sending_now = false;
    over = send->over;
    if (over)
        send_free(send);
    client_leave(client);
    return over ? NULL : send;
}

static void ask_versions(struct link *link, bool plainly)
{
    const struct api *api = api_find(API_API_VERSIONS);
    bool is_27 = release_is_27(link->client->options.release);
    struct client_send *send = new_send(link, api, NULL, NULL, on_versions, link);
    struct api_versions_request *request = arena_alloc(&send->own_arena, sizeof(*request));
    int16_t first, last;

    known_range(api, link->client->options.release, &first, &last);
    fields_preset(api->request, request);
    request->client_software_name = "apache-kafka-java";
    request->client_software_version = is_27 ? "2.7.0" : "4.3.0";
    send->in = request;
    send->for_versions = true;
    send->version = plainly ? 0 : last;
    send->next = link->first; /* before all that waits for it */
    link->first = send;
    if (link->last == &link->first)
        link->last = &send->next;
    link->asked_versions_plainly = plainly;
    link->state = LINK_ASKING;
    send->sending_now = true;
    put_out(send);
    send->sending_now = false;
    if (send->over)
        send_free(send);
}

void client_send_cancel(struct client_send *send)
{
    if (!send)
        return;
    send->reply = NULL; /* the answer, if it comes, finds nobody */
    if (send->over)
        return;
    if (send->sent || send->sending_now) {
        arena_done(&send->own_arena);
        send->arena = &send->own_arena;
        arena_init(send->arena);
        return;
    }
    remove_send(send);
    send_free(send);
}
