/* The gate: links, frozen brokers and faults between clients and handlers. */
#include "sim/wire/gate.h"

#include <assert.h>
#include <string.h>

#include "sim/wire/api/00_produce.h"
#include "sim/wire/faults_internal.h"

static void comes_in(struct request *request);


/* ---- waiting ---- */

static void count(struct connection *connection, bool waits)
{
    struct gate *gate = &connection->gate;

    if (gate->counted == waits)
        return;
    gate->counted = waits;
    wire_count_waiting(&connection->request, waits ? 1 : -1);
}

/* What a cut holds back needs no time, but that somebody heals it. */
static bool time_helps(const struct connection *connection)
{
    const struct gate *gate = &connection->gate;
    const struct network_message *message = &gate->message;

    if (gate->at == GATE_COMING || gate->at == GATE_LEAVING)
        return !message->held && network_open(connection->wire->cluster, message->from, message->to);
    return gate->at == GATE_DELAYED;
}

static void set(struct connection *connection, enum gate_at at)
{
    connection->gate.at = at;
    count(connection, time_helps(connection));
}

void gate_network_changed(void *context, int32_t from, int32_t to)
{
    struct wire *wire = context;

    (void)from, (void)to;
    for (size_t i = 0; i < wire->connection_count; i++)
        if (wire->connections[i]->gate.at)
            count(wire->connections[i], time_helps(wire->connections[i]));
    for (size_t i = 0; i < wire->orphan_count; i++)
        count(wire->orphans[i], time_helps(wire->orphans[i]));
}

/* What would wait for something sees that its client has gone; its answer goes nowhere. */
static void end_orphan(struct connection *connection)
{
    if (connection->gate.at != GATE_DELAYED && connection->gate.at != GATE_HELD)
        wire_end_connection(connection, "its client has gone");
}

static void arrived(void *context)
{
    struct connection *connection = context;
    struct gate *gate = &connection->gate;
    enum gate_at at = gate->at;
    bool orphan = connection->orphan;

    set(connection, GATE_NONE);
    if (at == GATE_COMING) {
        comes_in(&connection->request);
        if (orphan)
            end_orphan(connection);
    } else {
        struct frame answer = gate->answer;

        gate->answer = (struct frame){ 0 };
        wire_deliver(&connection->request, &answer, gate->close);
        frame_done(&answer); /* empty, if the receiver took it */
    }
}

static bool is_direct(const struct connection *connection, int32_t from, int32_t to)
{
    return connection->guest || connection->simulated || network_is_direct(connection->wire->cluster, from, to);
}

static void travel(struct connection *connection, enum gate_at at, size_t bytes)
{
    int32_t broker = connection->info.broker;
    bool coming = at == GATE_COMING;

    connection->gate.message.run = arrived;
    connection->gate.message.context = connection;
    network_send(connection->wire->cluster, coming ? NETWORK_CLIENTS : broker, coming ? broker : NETWORK_CLIENTS, &connection->gate.message, bytes);
    set(connection, at);
}

/* ---- in ---- */

static void delay_is_over(void *context)
{
    struct connection *connection = context;
    bool orphan = connection->orphan;

    connection->gate.timer = (struct timer){ 0 };
    set(connection, GATE_NONE);
    wire_handle(&connection->request);
    if (orphan)
        end_orphan(connection);
}

static bool wants_no_answer(const struct request *request)
{
    return request->api->handle == handle_produce && !((const struct produce_request *)request->in)->acks;
}

static void lose(struct request *request)
{
    if (wants_no_answer(request)) /* nobody misses anything: what is sent next comes in */
        wire_deliver(request, NULL, false);
    else
        set(request->connection, GATE_LOST);
}

static void refuse(struct request *request, const struct fault_rule *rule)
{
    if (fault_refuse(request, rule)) {
        wire_handle(request);
    } else if (wants_no_answer(request)) { /* as a broker does with what it can't say */
        request->close = true;
        wire_never_answer(request);
    } else {
        wire_answer(request);
    }
}

static void comes_in(struct request *request)
{
    struct connection *connection = request->connection;
    const struct fault *fault;
    struct fault_verdict verdict;

    wire_tell_watchers(request, false);
    verdict = faults_ask(request, &fault);
    switch (verdict.kind) {
    case FAULT_ERROR:
        refuse(request, &fault->rule);
        return;
    case FAULT_LOSE_REQUEST:
        lose(request);
        return;
    case FAULT_DELAY:
        connection->gate.timer.run = delay_is_over;
        connection->gate.timer.context = connection;
        timer_arm(connection->timers, &connection->gate.timer, verdict.delay_us);
        set(connection, GATE_DELAYED);
        return;
    case FAULT_HOLD:
    case FAULT_BLACKHOLE:
        connection->gate.fault = verdict.fault;
        connection->gate.swallowed = verdict.kind == FAULT_BLACKHOLE;
        set(connection, GATE_HELD);
        return;
    default:
        request->lose_answer = verdict.kind == FAULT_LOSE_RESPONSE;
        wire_handle(request);
    }
}

void gate_enter(struct request *request)
{
    struct connection *connection = request->connection;

    if (is_direct(connection, NETWORK_CLIENTS, connection->info.broker))
        comes_in(request);
    else
        travel(connection, GATE_COMING, request->frame.size + 4);
}

/* ---- out ---- */

void gate_leave(struct request *request, struct frame *answer, bool close)
{
    struct connection *connection = request->connection;

    if (answer && request->lose_answer) {
        frame_done(answer);
        set(connection, GATE_LOST);
    } else if (!answer || connection->orphan || is_direct(connection, connection->info.broker, NETWORK_CLIENTS)) {
        wire_deliver(request, answer, close);
    } else {
        request->waits_for_data = false;
        connection->gate.answer = *answer;
        connection->gate.close = close;
        *answer = (struct frame){ 0 };
        travel(connection, GATE_LEAVING, frame_size(&connection->gate.answer) + 4);
    }
}

/* ---- ends ---- */

bool connection_is_mute(const struct connection *connection)
{
    return connection->gate.at == GATE_LOST || (connection->gate.at == GATE_HELD && connection->gate.swallowed);
}

static void no_reply(void *context, struct frame *answer, bool close)
{
    (void)context, (void)answer, (void)close;
}

/* What was read of the request so far points into bytes that are its client's. */
static void own_frame(struct request *request)
{
    struct connection *connection = request->connection;

    connection->own_frame = mem_copy(request->frame.data, request->frame.size);
    request->frame.data = connection->own_frame;
    arena_reset(&request->arena);
    assert(!request->lose_answer && !request->fault);
    if (!wire_decode(request)) /* it could be read before */
        assert(false);
}

bool gate_outlives(struct connection *connection, const char *why)
{
    struct wire *wire = connection->wire;
    enum gate_at at = connection->gate.at;
    size_t place = 0;

    if (connection->orphan || !(at == GATE_COMING || at == GATE_DELAYED || (at == GATE_HELD && !connection->gate.swallowed)))
        return false;
    wire_journal_gone(connection, why);
    while (wire->connections[place] != connection)
        place++;
    memmove(wire->connections + place, wire->connections + place + 1, (--wire->connection_count - place) * sizeof(*wire->connections));
    ARRAY_ADD(wire->orphans, wire->orphan_count, wire->orphan_capacity) = connection;
    connection->orphan = true;
    connection->lost = NULL;
    own_frame(&connection->request);
    connection->may_change_requests = true; /* they are its own now */
    connection->request.reply = no_reply;
    connection->request.reply_context = NULL;
    return true;
}

void gate_forget(struct connection *connection)
{
    struct gate *gate = &connection->gate;

    count(connection, false);
    network_cancel(&gate->message);
    timer_cancel(&gate->timer);
    frame_done(&gate->answer);
    gate->at = GATE_NONE;
    mem_free(connection->own_frame);
    connection->own_frame = NULL;
}

/* ---- faults that hold ---- */

static struct connection *held_by(const struct wire *wire, uint64_t fault, size_t skip)
{
    for (size_t i = 0; i < wire->orphan_count; i++) /* these came first */
        if (wire->orphans[i]->gate.at == GATE_HELD && wire->orphans[i]->gate.fault == fault && !skip--)
            return wire->orphans[i];
    for (size_t i = 0; i < wire->connection_count; i++)
        if (wire->connections[i]->gate.at == GATE_HELD && wire->connections[i]->gate.fault == fault && !skip--)
            return wire->connections[i];
    return NULL;
}

size_t gate_holds(const struct wire *wire, uint64_t fault)
{
    size_t held = 0;

    while (held_by(wire, fault, held))
        held++;
    return held;
}

/* Each goes on in an event of its own: whoever gives the order is not to find clients closing connections under it. */
void gate_release(struct wire *wire, uint64_t fault)
{
    struct connection *connection;

    while ((connection = held_by(wire, fault, 0))) {
        connection->gate.timer.run = delay_is_over;
        connection->gate.timer.context = connection;
        timer_arm(&wire->timers, &connection->gate.timer, 0);
        set(connection, GATE_DELAYED);
    }
}
