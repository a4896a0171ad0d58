/* Fetch sessions (KIP-227). */
#include "sim/wire/fetch_session.h"

#include <string.h>

#include "sim/wire/wire_internal.h"

enum {
    FINAL_EPOCH = -1,             /* no session, and an end to the one named */
    INITIAL_EPOCH = 0,            /* a new one is wanted */
    MOST_SESSIONS = 1000,         /* max.incremental.fetch.session.cache.slots */
    EVICTION_MS = 120000,         /* min.incremental.fetch.session.eviction.ms */
};

struct fetch_sessions {
    struct fetch_session **items;
    size_t count, capacity;
};

static void session_free(struct fetch_session *session)
{
    for (size_t i = 0; i < session->count; i++)
        mem_free(session->targets[i].topic);
    mem_free(session->targets);
    mem_free(session);
}

void fetch_sessions_free(struct fetch_sessions *sessions)
{
    if (!sessions)
        return;
    for (size_t i = 0; i < sessions->count; i++)
        session_free(sessions->items[i]);
    mem_free(sessions->items);
    mem_free(sessions);
}

struct fetch_session *fetch_session_find(struct request *request, int32_t id)
{
    struct fetch_sessions *sessions = request->wire->fetch_sessions;

    for (size_t i = 0; sessions && i < sessions->count; i++)
        if (sessions->items[i]->id == id && sessions->items[i]->broker == request_client(request)->broker)
            return sessions->items[i];
    return NULL;
}

static void remove_session(struct fetch_sessions *sessions, struct fetch_session *session)
{
    for (size_t i = 0; i < sessions->count; i++)
        if (sessions->items[i] == session) {
            sessions->items[i] = sessions->items[--sessions->count];
            session_free(session);
            return;
        }
}

void fetch_sessions_drop(struct fetch_sessions *sessions, int32_t broker)
{
    for (size_t i = sessions->count; i-- > 0;)
        if (sessions->items[i]->broker == broker)
            remove_session(sessions, sessions->items[i]);
}

/* ---- what a session fetches ---- */

static bool same(const struct fetch_target *target, const char *topic, struct uuid id, int32_t partition, bool by_id)
{
    return target->partition == partition && (by_id ? uuid_equal(target->topic_id, id) : !strcmp(target->topic, topic));
}

static struct fetch_target *find_target(struct fetch_session *session, const char *topic, struct uuid id, int32_t partition)
{
    for (size_t i = 0; i < session->count; i++)
        if (same(&session->targets[i], topic, id, partition, session->by_id))
            return &session->targets[i];
    return NULL;
}

static void set_target(struct fetch_target *target, const struct fetch_request_partition *in)
{
    target->fetch_offset = in->fetch_offset;
    target->max_bytes = in->partition_max_bytes;
    target->leader_epoch = in->current_leader_epoch;
    target->last_fetched_epoch = in->last_fetched_epoch;
}

/* The name in a request, or of the id in it; "" where that is unknown here. */
static const char *topic_name(const struct request *request, const char *name, struct uuid id)
{
    const struct image_topic *topic;

    if (request->version < 13)
        return name;
    topic = image_topic_by_id(broker_image(request->broker), id);
    return topic ? topic->name : "";
}

static struct fetch_target target_of(const struct request *request, const struct fetch_request_topic *topic,
                                     const struct fetch_request_partition *partition)
{
    struct fetch_target target = { .topic = (char *)topic_name(request, topic->topic, topic->topic_id), .topic_id = topic->topic_id,
                                   .partition = partition->partition, .sent_high_watermark = -1, .sent_log_start = -1 };

    set_target(&target, partition);
    return target;
}

static void plan_all(struct request *request, struct fetch_plan *out)
{
    const struct fetch_request *in = request->in;
    size_t count = 0;

    for (int32_t i = 0; i < in->topics.count; i++)
        count += (size_t)in->topics.items[i].partitions.count;
    out->targets = arena_alloc(&request->arena, count * sizeof(*out->targets));
    for (int32_t i = 0; i < in->topics.count; i++)
        for (int32_t j = 0; j < in->topics.items[i].partitions.count; j++)
            out->targets[out->count++] = target_of(request, &in->topics.items[i], &in->topics.items[i].partitions.items[j]);
}

static void update(struct request *request, struct fetch_session *session)
{
    const struct fetch_request *in = request->in;

    for (int32_t i = 0; i < in->topics.count; i++) {
        const struct fetch_request_topic *topic = &in->topics.items[i];

        for (int32_t j = 0; j < topic->partitions.count; j++) {
            const struct fetch_request_partition *partition = &topic->partitions.items[j];
            struct fetch_target *target = find_target(session, topic->topic, topic->topic_id, partition->partition);

            if (target) {
                set_target(target, partition);
            } else {
                struct fetch_target added = target_of(request, topic, partition);

                added.topic = mem_text(added.topic);
                ARRAY_ADD(session->targets, session->count, session->capacity) = added;
            }
        }
    }
    for (int32_t i = 0; i < in->forgotten_topics_data.count; i++) {
        const struct fetch_request_forgotten_topic *topic = &in->forgotten_topics_data.items[i];

        for (int32_t j = 0; j < topic->partitions.count; j++) {
            struct fetch_target *target = find_target(session, topic->topic, topic->topic_id, topic->partitions.items[j]);

            if (!target)
                continue;
            mem_free(target->topic);
            session->count--;
            memmove(target, target + 1, (size_t)(session->targets + session->count - target) * sizeof(*target));
        }
    }
    for (size_t i = 0; session->by_id && i < session->count; i++) { /* an id may have become known */
        struct fetch_target *target = &session->targets[i];

        if (!*target->topic) {
            mem_free(target->topic);
            target->topic = mem_text(topic_name(request, NULL, target->topic_id));
        }
    }
}

static enum err plan_incremental(struct request *request, struct fetch_plan *out)
{
    const struct fetch_request *in = request->in;
    struct fetch_session *session = fetch_session_find(request, in->session_id);

    if (!session)
        return ERR_FETCH_SESSION_ID_NOT_FOUND;
    if (session->epoch != in->session_epoch)
        return ERR_INVALID_FETCH_SESSION_EPOCH;
    if (session->by_id != (request->version >= 13))
        return ERR_FETCH_SESSION_TOPIC_ID_ERROR;
    session->epoch = session->epoch == INT32_MAX ? 1 : session->epoch + 1;
    session->used_ms = queue_now_ms(request->wire->queue);
    update(request, session);
    if (!session->count) { /* everything forgotten: the session goes too */
        remove_session(request->wire->fetch_sessions, session);
        return ERR_OK;
    }
    out->session = session;
    out->incremental = true;
    out->targets = session->targets;
    out->count = session->count;
    return ERR_OK;
}

enum err fetch_plan_make(struct request *request, struct fetch_plan *out)
{
    const struct fetch_request *in = request->in;
    struct fetch_session *old;

    *out = (struct fetch_plan){ 0 };
    if (request->version >= 7 && in->session_epoch != INITIAL_EPOCH && in->session_epoch != FINAL_EPOCH)
        return plan_incremental(request, out);
    old = in->session_id ? fetch_session_find(request, in->session_id) : NULL;
    if (old)
        remove_session(request->wire->fetch_sessions, old);
    plan_all(request, out);
    return ERR_OK;
}

/* ---- keeping ---- */

/* Room for one more of `size` partitions: the one idle longest goes if it is idle for two minutes, or else a smaller one as old. */
static bool make_room(struct fetch_sessions *sessions, size_t size, int64_t now_ms)
{
    struct fetch_session *idle = NULL, *small = NULL;

    if (sessions->count < MOST_SESSIONS)
        return true;
    for (size_t i = 0; i < sessions->count; i++) {
        struct fetch_session *session = sessions->items[i];

        if (!idle || session->used_ms < idle->used_ms)
            idle = session;
        if (now_ms - session->created_ms > EVICTION_MS && session->count < size && (!small || session->count < small->count))
            small = session;
    }
    if (now_ms - idle->used_ms > EVICTION_MS)
        small = idle;
    if (small)
        remove_session(sessions, small);
    return small != NULL;
}

static int32_t new_id(struct request *request)
{
    int32_t id;

    do
        id = (int32_t)random_below(&request->wire->random, INT32_MAX) + 1;
    while (id <= 0 || fetch_session_find(request, id));
    return id;
}

int32_t fetch_plan_keep(struct request *request, struct fetch_plan *plan)
{
    const struct fetch_request *in = request->in;
    struct wire *wire = request->wire;
    int64_t now_ms = queue_now_ms(wire->queue);
    struct fetch_session *session;

    if (request->version < 7 || in->session_epoch != INITIAL_EPOCH || !plan->count || request_is_guest(request))
        return 0;
    if (!wire->fetch_sessions)
        wire->fetch_sessions = mem_zero(sizeof(*wire->fetch_sessions));
    if (!make_room(wire->fetch_sessions, plan->count, now_ms))
        return 0;
    session = mem_zero(sizeof(*session));
    session->broker = request_client(request)->broker;
    session->id = new_id(request);
    session->epoch = 1;
    session->by_id = request->version >= 13;
    session->created_ms = session->used_ms = now_ms;
    session->targets = mem_copy(plan->targets, plan->count * sizeof(*plan->targets));
    session->count = session->capacity = plan->count;
    for (size_t i = 0; i < session->count; i++)
        session->targets[i].topic = mem_text(session->targets[i].topic);
    ARRAY_ADD(wire->fetch_sessions->items, wire->fetch_sessions->count, wire->fetch_sessions->capacity) = session;
    plan->session = session;
    plan->targets = session->targets;
    return session->id;
}

void fetch_session_rotate(struct fetch_session *session, const bool *moved)
{
    struct fetch_target *order = mem_alloc(session->count * sizeof(*order) + 1);
    size_t count = 0;

    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < session->count; i++)
            if (moved[i] == (pass == 1))
                order[count++] = session->targets[i];
    memcpy(session->targets, order, count * sizeof(*order));
    mem_free(order);
}
