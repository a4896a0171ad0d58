/* The one way in: connections, and a request's way from bytes to its handler and back. */
#include "sim/wire/wire_internal.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sim/cluster/group.h"
#include "sim/wire/faults_internal.h"
#include "sim/wire/gate.h"

enum { SHIFTED_WITHIN_MS = 5 * 60 * 1000 };

static void broker_went_down(void *context, struct broker *broker, const char *why, bool reset);
static bool broker_answering(void *context, struct broker *broker);
static void controller_back(void *context);
static const struct broker_watch broker_watch = { .went_down = broker_went_down, .controller_back = controller_back, .answering = broker_answering };

struct wire *wire_new(struct cluster *cluster)
{
    struct wire *wire = mem_zero(sizeof(*wire));

    wire->cluster = cluster;
    wire->queue = cluster_queue(cluster);
    wire->release = cluster_release(cluster);
    wire->timers = timers_virtual(wire->queue);
    wire->guest_timers = (struct timers){ .queue = wire->queue, .outside = true };
    wire->random = random_fork(cluster_random(cluster), "wire");
    cluster_watch_brokers(cluster, &broker_watch, wire);
    wire->metrics = (struct metric_source){ .list = wire_list_metrics, .context = wire };
    cluster_add_metrics(cluster, &wire->metrics);
    wire->network_watch = (struct network_watch){ .changed = gate_network_changed, .context = wire };
    network_watch(cluster, &wire->network_watch);
    return wire;
}

void wire_free(struct wire *wire)
{
    if (!wire)
        return;
    while (wire->lingering)
        wire->lingering->end(wire->lingering);
    while (wire->connection_count)
        connection_close(wire->connections[wire->connection_count - 1], "the lab closes");
    while (wire->orphan_count)
        wire_end_connection(wire->orphans[wire->orphan_count - 1], "the lab closes");
    group_connection_gone(wire->cluster, &wire->timers, NULL); /* members may stay in their groups longer than we are here */
    cluster_unwatch_brokers(wire->cluster, wire);
    cluster_remove_metrics(wire->cluster, &wire->metrics);
    network_unwatch(wire->cluster, &wire->network_watch);
    faults_free(wire->faults);
    mem_free(wire->orphans);
    fetch_sessions_free(wire->fetch_sessions);
    mem_free(wire->connections);
    mem_free(wire->watchers);
    mem_free(wire->recent);
    mem_free(wire->api_counts);
    mem_free(wire);
}

void wire_record(struct wire *wire, const struct wire_recorder *recorder, void *context)
{
    wire->recorder = recorder;
    wire->recorder_context = context;
}

struct timers *wire_virtual_timers(struct wire *wire) { return &wire->timers; }
struct timers *wire_guest_timers(struct wire *wire) { return &wire->guest_timers; }
bool wire_has_guests_only(const struct wire *wire) { return wire->guests_only; }

void wire_only_guests(struct wire *wire)
{
    wire->guests_only = true;
}

struct cluster *wire_cluster(const struct wire *wire) { return wire->cluster; }

void wire_set_shift(struct wire *wire, int64_t shift_us, int64_t wall_now_ms)
{
    (void)wall_now_ms; /* follows from the virtual now and the shift */
    wire->shift_us = shift_us;
}

void wire_set_keep_timestamps(struct wire *wire, bool keep)
{
    wire->keep_timestamps = keep;
}

int64_t request_shift_ms(const struct request *request, int64_t timestamp_ms)
{
    const struct wire *wire = request->wire;
    int64_t shift_ms = wire->shift_us / 1000, wall_now_ms;

    if (!shift_ms || wire->keep_timestamps || !request->connection->info.network || timestamp_ms < 0)
        return 0;
    wall_now_ms = queue_now_ms(wire->queue) - shift_ms;
    return timestamp_ms >= wall_now_ms - SHIFTED_WITHIN_MS && timestamp_ms <= wall_now_ms + SHIFTED_WITHIN_MS ? shift_ms : 0;
}

/* ---- watching ---- */

void wire_watch(struct wire *wire, wire_trace_fn *fn, void *context)
{
    ARRAY_ADD(wire->watchers, wire->watcher_count, wire->watcher_capacity) = (struct watcher){ fn, context };
}

void wire_unwatch(struct wire *wire, wire_trace_fn *fn, void *context)
{
    for (size_t i = 0; i < wire->watcher_count; i++)
        if (wire->watchers[i].fn == fn && wire->watchers[i].context == context) {
            wire->watchers[i] = wire->watchers[--wire->watcher_count];
            return;
        }
}

void wire_tell_watchers(const struct request *request, bool answered)
{
    const struct wire *wire = request->wire;

    for (size_t i = 0; i < wire->watcher_count; i++)
        wire->watchers[i].fn(wire->watchers[i].context, request, answered);
}

static struct wire_waiting add_waiting(struct wire_waiting waiting, const struct request *request, int by)
{
    if (request->waits_for_data)
        waiting.for_data += (size_t)by;
    else
        waiting.for_time += (size_t)by;
    return waiting;
}

void wire_count_waiting(struct request *request, int by)
{
    struct wire *wire = request->wire;

    if (request->connection->simulated) /* the clock does not move for it */
        return;
    wire->waiting = add_waiting(wire->waiting, request, by);
    if (request->connection->info.network)
        wire->waiting_network = add_waiting(wire->waiting_network, request, by);
}

struct wire_waiting wire_waiting(const struct wire *wire, bool network_only)
{
    return network_only ? wire->waiting_network : wire->waiting;
}

/* ---- connections ---- */

static void journal_client(struct connection *connection, enum event_kind kind, const char *what)
{
    const struct connection_info *info = &connection->info;
    char client[96], text[640];

    if (!info->network)
        return;
    snprintf(client, sizeof(client), "%s:%" PRId32, info->client_host, info->client_port);
    snprintf(text, sizeof(text), "%s: %s", client, what);
    journal_add(cluster_journal(connection->wire->cluster), ENTRY(kind, .broker = info->broker, .subject = client, .text = text));
}

struct connection *connection_open(struct wire *wire, const struct connection_options *options)
{
    struct connection *connection = mem_zero(sizeof(*connection));
    int64_t now_us = queue_now_us(wire->queue);
    char what[64];

    connection->wire = wire;
    connection->broker = cluster_broker(wire->cluster, options->broker);
    assert(connection->broker);
    connection->timers = options->timers;
    connection->local_host = mem_text(options->local_host);
    connection->lost = options->lost;
    connection->lost_context = options->lost_context;
    connection->may_change_requests = options->may_change_requests;
    connection->guest = options->guest;
    connection->simulated = options->simulated;
    connection->info = (struct connection_info){
        .number = options->guest ? --wire->last_guest : ++wire->last_connection, .broker = options->broker, .client_port = options->client_port,
        .client_host = mem_text(options->client_host ? options->client_host : ""), .client_id = mem_text(""), .software_name = mem_text(""),
        .software_version = mem_text(""), .network = options->network, .since_us = now_us, .last_us = now_us,
    };
    arena_init(&connection->request.arena);
    ARRAY_ADD(wire->connections, wire->connection_count, wire->connection_capacity) = connection;
    if (wire->recorder && !options->simulated)
        wire->recorder->opened(wire->recorder_context, connection->info.number, options);
    snprintf(what, sizeof(what), "connected to broker %" PRId32, options->broker);
    journal_client(connection, EVENT_client_connected, what);
    return connection;
}

void wire_refused(struct wire *wire, int32_t broker, const char *client, const char *text)
{
    if (wire->recorder && wire->recorder->refused)
        wire->recorder->refused(wire->recorder_context, broker, client, text);
    journal_add(cluster_journal(wire->cluster), ENTRY(EVENT_client_refused, .broker = broker, .subject = client, .text = text));
}

static void set_text(const char **at, const char *text)
{
    if (!strcmp(*at, text))
        return;
    mem_free((char *)*at);
    *at = mem_text(text);
}

static void forget_request(struct request *request)
{
    timer_cancel(&request->timer);
    if (request->parked) {
        request->parked = false;
        wire_count_waiting(request, -1);
        if (request->api->cancel && !request->awaits_controller)
            request->api->cancel(request);
        if (request->out)
            wire_release_records(request->api->response->fields, request->out);
    }
}

void wire_journal_gone(struct connection *connection, const char *why)
{
    char what[256];

    snprintf(what, sizeof(what), "disconnected: %s", why);
    journal_client(connection, EVENT_client_disconnected, what);
}

void wire_end_connection(struct connection *connection, const char *why)
{
    struct wire *wire = connection->wire;
    struct connection **list = connection->orphan ? wire->orphans : wire->connections;
    size_t *list_count = connection->orphan ? &wire->orphan_count : &wire->connection_count, place = 0;

    assert(!connection->in_handler);
    gate_forget(connection);
    forget_request(&connection->request);
    if (!connection->orphan)
        wire_journal_gone(connection, why);
    while (list[place] != connection)
        place++;
    memmove(list + place, list + place + 1, (--*list_count - place) * sizeof(*list));
    arena_done(&connection->request.arena);
    mem_free((char *)connection->info.client_host);
    mem_free((char *)connection->info.client_id);
    mem_free((char *)connection->info.software_name);
    mem_free((char *)connection->info.software_version);
    mem_free(connection->local_host);
    mem_free(connection);
}

void connection_close(struct connection *connection, const char *why)
{
    if (connection->wire->recorder && !connection->simulated)
        connection->wire->recorder->closed(connection->wire->recorder_context, connection->info.number, why);
    if (!gate_outlives(connection, why))
        wire_end_connection(connection, why);
}

/* No input: it follows from what took the broker. Owners may close others meanwhile, so the search begins anew each time. */
static void broker_went_down(void *context, struct broker *broker, const char *why, bool reset)
{
    struct wire *wire = context;

    for (size_t i = wire->connection_count; i-- > 0;) {
        struct connection *connection = wire->connections[i];
        void (*lost)(void *, int64_t, bool) = connection->lost;
        void *lost_context = connection->lost_context;
        int64_t number = connection->info.number;

        if (connection->broker != broker)
            continue;
        wire_end_connection(connection, why);
        if (lost)
            lost(lost_context, number, reset);
        i = wire->connection_count;
    }
    for (size_t i = wire->orphan_count; i-- > 0;)
        if (wire->orphans[i]->broker == broker)
            wire_end_connection(wire->orphans[i], why);
    if (wire->fetch_sessions)
        fetch_sessions_drop(wire->fetch_sessions, broker_id(broker));
    wire_forget_counts(wire, broker_id(broker));
}

static bool broker_answering(void *context, struct broker *broker)
{
    const struct wire *wire = context;

    for (size_t i = 0; i < wire->connection_count; i++) {
        const struct connection *connection = wire->connections[i];

        if (connection->broker == broker && connection->request.parked && !connection->request.waits_for_data)
            return true;
    }
    return false;
}

bool connection_busy(const struct connection *connection) { return connection->busy; }
size_t wire_connection_count(const struct wire *wire) { return wire->connection_count; }

struct connection *wire_connection_at(const struct wire *wire, size_t i)
{
    return i < wire->connection_count ? wire->connections[i] : NULL;
}

void wire_connection_get(const struct wire *wire, size_t i, struct connection_info *out)
{
    const struct connection *connection = wire->connections[i];

    *out = connection->info;
    if (connection->request.parked || connection->gate.at) {
        out->waiting_in = connection->request.api->name;
        out->waits_for_data = connection->request.waits_for_data;
    }
}

/* ---- what handlers ask ---- */

const struct connection_info *request_client(const struct request *request) { return &request->connection->info; }
const char *request_local_host(const struct request *request) { return request->connection->local_host; }
struct timers *request_timers(const struct request *request) { return request->connection->timers; }
bool request_may_change(const struct request *request) { return request->connection->may_change_requests; }
bool request_is_guest(const struct request *request) { return request->connection->guest; }
bool request_from_network(const struct request *request) { return request->connection->info.network; }

int32_t request_controller(const struct request *request)
{
    const struct image *image = broker_image(request->broker);
    uint64_t chance = (uint64_t)request_client(request)->number * 0x9e3779b97f4a7c15u + (uint64_t)(uint32_t)request->correlation_id * 0xbf58476d1ce4e5b9u;
    size_t live = 0;

    if (release_is_27(request->wire->release))
        return image_controller(image);
    for (size_t i = 0; i < image_broker_count(image); i++)
        live += !image_broker_at(image, i)->fenced;
    chance ^= chance >> 31;
    chance *= 0x94d049bb133111ebu;
    chance ^= chance >> 29;
    for (size_t i = 0, left = live ? (size_t)(chance % live) : 0; live && i < image_broker_count(image); i++)
        if (!image_broker_at(image, i)->fenced && !left--)
            return image_broker_at(image, i)->id;
    return -1;
}

bool request_node(const struct request *request, int32_t id, struct wire_node *out)
{
    const struct image_broker *known = image_broker(broker_image(request->broker), id);
    const struct broker *broker = cluster_broker(request->cluster, id);
    const char *local = request->connection->local_host;

    *out = (struct wire_node){ "", -1, NULL };
    if (!known || !broker || known->fenced)
        return false;
    *out = (struct wire_node){ local ? local : known->host, broker_port(broker), known->rack };
    return true;
}

void request_set_software(struct request *request, const char *name, const char *version)
{
    set_text(&request->connection->info.software_name, name);
    set_text(&request->connection->info.software_version, version);
}

/* ---- looking through an answer by its description ---- */

struct any_items {
    const char *items;
    int32_t count;
};

static void walk_structs(const struct field *fields, const char *in, void (*see)(void *context, const struct field *field, const void *at),
                         void *context)
{
    for (const struct field *field = fields; field->name; field++) {
        const char *at = in + field->offset;

        see(context, field, at);
        if (field->type != T_STRUCT || (!field->array && field->null_since != NOT_NULL))
            continue; /* what a pointer leads to has neither records nor errors */
        if (field->array) {
            const struct any_items *array = (const void *)at;

            for (int32_t i = 0; i < array->count; i++)
                walk_structs(field->fields, array->items + (size_t)i * field->size, see, context);
        } else {
            walk_structs(field->fields, at, see, context);
        }
    }
}

static void release_one(void *context, const struct field *field, const void *at)
{
    (void)context;
    if (field->type == T_RECORDS && ((const struct records *)at)->file)
        file_unpin(((const struct records *)at)->file);
}

void wire_release_records(const struct field *fields, const void *in)
{
    walk_structs(fields, in, release_one, NULL);
}

static void see_error(void *context, const struct field *field, const void *at)
{
    int16_t *error = context;

    if (!*error && field->type == T_INT16 && !field->array && !strcmp(field->name, "error_code"))
        *error = *(const int16_t *)at;
}

/* ---- answering ---- */

static void remember(struct request *request, uint64_t bytes_out)
{
    struct wire *wire = request->wire;
    struct recent *recent;

    if (request->connection->guest)
        return;
    if (!wire->recent)
        wire->recent = mem_zero_array(RECENT_REQUESTS, sizeof(*wire->recent));
    recent = &wire->recent[wire->request_count % RECENT_REQUESTS];
    *recent = (struct recent){
        .number = ++wire->request_count, .connection = request->connection->info.number, .began_us = request->began_us,
        .took_us = queue_now_us(wire->queue) - request->began_us, .broker = request->connection->info.broker,
        .correlation_id = request->correlation_id, .api = request->api, .version = request->version,
        .bytes_in = (uint32_t)request->frame.size, .bytes_out = bytes_out,
    };
    walk_structs(request->api->response->fields, request->out, see_error, &recent->error);
    snprintf(recent->client_id, sizeof(recent->client_id), "%s", request->client_id);
    wire_count_request(wire, request, recent->error);
}

/* The connection is free for its next request before the caller hears, who may send it or close at once. */
void wire_deliver(struct request *request, struct frame *answer, bool close)
{
    struct connection *connection = request->connection;
    connection_reply *reply = request->reply;
    void *context = request->reply_context;

    arena_reset(&request->arena);
    connection->busy = false;
    connection->info.last_us = queue_now_us(connection->wire->queue);
    if (answer)
        connection->info.bytes_out += frame_size(answer) + 4;
    reply(context, answer, close);
}

static void refuse(struct request *request, const char *why)
{
    char what[600];

    snprintf(what, sizeof(what), "closed: %s", why);
    journal_client(request->connection, EVENT_client_refused, what);
    wire_deliver(request, NULL, true);
}

static void answer(struct request *request, int16_t version)
{
    const struct message *message = request->api->response;
    struct frame frame = { 0 };
    struct reason reason;

    fault_finish_answer(request);
    response_header_encode(response_header_version(message, version), request->correlation_id, &frame);
    if (fields_encode(message, version, request->out, &frame, &reason)) {
        wire_release_records(message->fields, request->out);
        frame_done(&frame);
        refuse(request, reason.text);
        return;
    }
    remember(request, frame_size(&frame) + 4);
    wire_tell_watchers(request, true);
    gate_leave(request, &frame, request->close);
    frame_done(&frame); /* empty, if the receiver took it */
}

void wire_answer(struct request *request)
{
    answer(request, request->version);
}

void wire_never_answer(struct request *request)
{
    remember(request, 0);
    wire_tell_watchers(request, true);
    gate_leave(request, NULL, request->close);
}

void request_reply(struct request *request)
{
    struct connection *connection = request->connection;

    if (connection->in_handler) { /* what it wanted to wait for was there at once */
        connection->replied_early = true;
        return;
    }
    assert(request->parked);
    timer_cancel(&request->timer);
    request->parked = false;
    wire_count_waiting(request, -1);
    answer(request, request->version);
}

/* ---- a request comes in ---- */

static void handle_now(struct request *request)
{
    struct connection *connection = request->connection;
    enum reply reply;

    connection->in_handler = true;
    connection->replied_early = false;
    reply = request->api->handle(request);
    connection->in_handler = false;
    if (reply == REPLY_LATER && !connection->replied_early) {
        request->parked = true;
        wire_count_waiting(request, 1);
        return;
    }
    timer_cancel(&request->timer);
    if (reply == REPLY_NEVER) {
        wire_never_answer(request);
    } else {
        answer(request, request->version);
    }
}

enum { HELD_US = 60000000 };

/* 4.3: a broker hands these on to the controller, and while it finds none holds them back, for a minute at most (BrokerToControllerChannelManager). */
static bool is_order(const struct api *api)
{
    static const int16_t keys[] = { 19, 20, 33, 37, 43, 44, 45, 46, 55 };

    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
        if (api->key == keys[i])
            return true;
    return false;
}

static void no_more_waiting(void *context)
{
    struct request *request = context;

    timer_cancel(&request->timer);
    request->timer = (struct timer){ 0 };
    request->awaits_controller = request->parked = false;
    wire_count_waiting(request, -1);
    handle_now(request);
}

static void await_controller(struct request *request, int64_t most_us)
{
    timer_cancel(&request->timer);
    request->timer.run = no_more_waiting;
    request->timer.context = request;
    timer_arm(request_timers(request), &request->timer, most_us > 0 ? most_us : 0);
}

void wire_handle(struct request *request)
{
    if (release_is_27(request->wire->release) || broker_reaches_controller(request->broker) || !is_order(request->api)) {
        handle_now(request);
        return;
    }
    request->awaits_controller = request->parked = true;
    wire_count_waiting(request, 1);
    await_controller(request, HELD_US);
}

/* What the controller had decided is forgotten with its role, before it was committed: the broker asks the next one, for what is left of the minute. */
void request_again(struct request *request)
{
    fields_preset(request->api->response, request->out);
    request->state = NULL;
    request->awaits_controller = true; /* parked it is already */
    await_controller(request, request->began_us + HELD_US - queue_now_us(request->wire->queue));
}

static void controller_back(void *context)
{
    struct wire *wire = context;

    for (size_t i = 0; i < wire->connection_count; i++) {
        if (!wire->connections[i]->request.awaits_controller || !broker_reaches_controller(wire->connections[i]->request.broker))
            continue;
        no_more_waiting(&wire->connections[i]->request);
        i = (size_t)-1; /* its client may close connections */
    }
}

/* KIP-511: whoever asks in a version of the future learns in version 0 which there are of this API. */
static void answer_future_versions(struct request *request)
{
    request->version = 0;
    api_versions_refuse_version(request);
    answer(request, 0);
}

/* Header and body; false: refused, and the request is over. */
bool wire_decode(struct request *request)
{
    struct wire *wire = request->wire;
    struct reader reader = reader_of(request->frame);
    struct request_header header;
    struct reason reason;
    int16_t key;
    bool accepted;
    char why[128];

    if (!request_header_peek(request->frame, &key, &request->version)) {
        refuse(request, "a request too short for a header");
        return false;
    }
    request->api = api_find(key);
    if (!request->api) {
        snprintf(why, sizeof(why), "a request of API %d, which is not known here", key);
        refuse(request, why);
        return false;
    }
    accepted = api_accepts(request->api, wire->release, request->version);
    if (!accepted && key != API_VERSIONS_KEY) {
        snprintf(why, sizeof(why), "%s in version %d, which is not taken", request->api->name, request->version);
        refuse(request, why);
        return false;
    }
    if (request_header_decode(request_header_version(request->api->request, request->version), &reader, &request->arena, &header, &reason)) {
        refuse(request, reason.text);
        return false;
    }
    request->correlation_id = header.correlation_id;
    request->client_id = header.client_id ? header.client_id : "";
    set_text(&request->connection->info.client_id, request->client_id);
    request->out = arena_alloc(&request->arena, request->api->response->size);
    fields_preset(request->api->response, request->out);
    request->in = arena_alloc(&request->arena, request->api->request->size);
    if (!accepted) {
        fields_preset(request->api->request, request->in);
        answer_future_versions(request);
        return false;
    }
    if (fields_decode(request->api->request, request->version, &reader, &request->arena, request->in, &reason)) {
        refuse(request, reason.text);
        return false;
    }
    return true;
}

/* What a guest may ask: APIs that only read. */
bool wire_only_reads(int16_t key)
{
    static const int16_t keys[] = { 1, 2, 3, 9, 10, 15, 16, 18, 23, 29, 32, 35, 46, 55, 60, 61, 65, 66, 69, 74, 75 };

    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
        if (keys[i] == key)
            return true;
    return false;
}

void connection_request(struct connection *connection, struct bytes frame, connection_reply *reply, void *context)
{
    struct wire *wire = connection->wire;
    struct request *request = &connection->request;

    assert(!connection->busy);
    if (wire->recorder && !connection->simulated)
        wire->recorder->requested(wire->recorder_context, connection->info.number, frame, wire->shift_us);
    connection->busy = true;
    connection->info.requests++;
    connection->info.bytes_in += frame.size + 4;
    connection->info.last_us = queue_now_us(wire->queue);
    *request = (struct request){
        .wire = wire, .connection = connection, .cluster = wire->cluster, .broker = connection->broker, .client_id = "",
        .arena = request->arena, .frame = frame, .began_us = queue_now_us(wire->queue), .reply = reply, .reply_context = context,
    };
    if (!wire_decode(request))
        return;
    if (connection->guest && !wire_only_reads(request->api->key)) {
        refuse(request, "this is the past, which can't be changed");
        return;
    }
    gate_enter(request);
}
