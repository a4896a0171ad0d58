/* Fetch: its bytes and what the broker does with it. */
#include "sim/wire/api/01_fetch.h"

#include <string.h>

#include "sim/cluster/metrics.h"
#include "sim/cluster/log_dirs.h"
#include "sim/cluster/partition.h"
#include "sim/wire/fetch_session.h"

static const struct field fetch_request_replica_state_fields[] = {
    FIELD(fetch_request_replica_state, replica_id, T_INT32, 15, NEWEST, .preset = -1),
    FIELD(fetch_request_replica_state, replica_epoch, T_INT64, 15, NEWEST, .preset = -1),
    { 0 },
};

static const struct field fetch_request_partition_fields[] = {
    FIELD(fetch_request_partition, partition, T_INT32, 0, NEWEST),
    FIELD(fetch_request_partition, current_leader_epoch, T_INT32, 9, NEWEST, .preset = -1),
    FIELD(fetch_request_partition, fetch_offset, T_INT64, 0, NEWEST),
    FIELD(fetch_request_partition, last_fetched_epoch, T_INT32, 12, NEWEST, .preset = -1),
    FIELD(fetch_request_partition, log_start_offset, T_INT64, 5, NEWEST, .preset = -1),
    FIELD(fetch_request_partition, partition_max_bytes, T_INT32, 0, NEWEST),
    FIELD(fetch_request_partition, replica_directory_id, T_UUID, 17, NEWEST, .tag = 0,
          .tag_since = 17),
    FIELD(fetch_request_partition, high_watermark, T_INT64, 18, NEWEST, .tag = 1, .tag_since = 18,
          .preset = INT64_MAX),
    { 0 },
};

static const struct field fetch_request_topic_fields[] = {
    FIELD(fetch_request_topic, topic, T_STRING, 0, 12),
    FIELD(fetch_request_topic, topic_id, T_UUID, 13, NEWEST),
    FIELD_STRUCTS(fetch_request_topic, partitions, fetch_request_partition, 0, NEWEST),
    { 0 },
};

static const struct field fetch_request_forgotten_topic_fields[] = {
    FIELD(fetch_request_forgotten_topic, topic, T_STRING, 7, 12),
    FIELD(fetch_request_forgotten_topic, topic_id, T_UUID, 13, NEWEST),
    FIELD_ARRAY(fetch_request_forgotten_topic, partitions, T_INT32, 7, NEWEST),
    { 0 },
};

static const struct field fetch_request_fields[] = {
    FIELD(fetch_request, cluster_id, T_STRING, 12, NEWEST, .null_since = 12, .tag = 0,
          .tag_since = 12, .preset = PRESET_NULL),
    FIELD(fetch_request, replica_id, T_INT32, 0, 14, .preset = -1),
    FIELD_STRUCT(fetch_request, replica_state, fetch_request_replica_state, 15, NEWEST, .tag = 1,
                 .tag_since = 15),
    FIELD(fetch_request, max_wait_ms, T_INT32, 0, NEWEST),
    FIELD(fetch_request, min_bytes, T_INT32, 0, NEWEST),
    FIELD(fetch_request, max_bytes, T_INT32, 3, NEWEST, .preset = INT32_MAX),
    FIELD(fetch_request, isolation_level, T_INT8, 4, NEWEST),
    FIELD(fetch_request, session_id, T_INT32, 7, NEWEST),
    FIELD(fetch_request, session_epoch, T_INT32, 7, NEWEST, .preset = -1),
    FIELD_STRUCTS(fetch_request, topics, fetch_request_topic, 0, NEWEST),
    FIELD_STRUCTS(fetch_request, forgotten_topics_data, fetch_request_forgotten_topic, 7, NEWEST),
    FIELD(fetch_request, rack_id, T_STRING, 11, NEWEST),
    { 0 },
};

const struct message fetch_request_message = {
    .name = "FetchRequest",
    .first = 0,
    .last = 18,
    .flexible_since = 12,
    .fields = fetch_request_fields,
    .size = sizeof(struct fetch_request),
};

static const struct field fetch_response_diverging_epoch_fields[] = {
    FIELD(fetch_response_diverging_epoch, epoch, T_INT32, 12, NEWEST, .preset = -1),
    FIELD(fetch_response_diverging_epoch, end_offset, T_INT64, 12, NEWEST, .preset = -1),
    { 0 },
};

static const struct field fetch_response_current_leader_fields[] = {
    FIELD(fetch_response_current_leader, leader_id, T_INT32, 12, NEWEST, .preset = -1),
    FIELD(fetch_response_current_leader, leader_epoch, T_INT32, 12, NEWEST, .preset = -1),
    { 0 },
};

static const struct field fetch_response_snapshot_id_fields[] = {
    FIELD(fetch_response_snapshot_id, end_offset, T_INT64, 0, NEWEST, .preset = -1),
    FIELD(fetch_response_snapshot_id, epoch, T_INT32, 0, NEWEST, .preset = -1),
    { 0 },
};

static const struct field fetch_response_aborted_transaction_fields[] = {
    FIELD(fetch_response_aborted_transaction, producer_id, T_INT64, 4, NEWEST),
    FIELD(fetch_response_aborted_transaction, first_offset, T_INT64, 4, NEWEST),
    { 0 },
};

static const struct field fetch_response_partition_fields[] = {
    FIELD(fetch_response_partition, partition_index, T_INT32, 0, NEWEST),
    FIELD(fetch_response_partition, error_code, T_INT16, 0, NEWEST),
    FIELD(fetch_response_partition, high_watermark, T_INT64, 0, NEWEST),
    FIELD(fetch_response_partition, last_stable_offset, T_INT64, 4, NEWEST, .preset = -1),
    FIELD(fetch_response_partition, log_start_offset, T_INT64, 5, NEWEST, .preset = -1),
    FIELD_STRUCT(fetch_response_partition, diverging_epoch, fetch_response_diverging_epoch, 12,
                 NEWEST, .tag = 0, .tag_since = 12),
    FIELD_STRUCT(fetch_response_partition, current_leader, fetch_response_current_leader, 12,
                 NEWEST, .tag = 1, .tag_since = 12),
    FIELD_STRUCT(fetch_response_partition, snapshot_id, fetch_response_snapshot_id, 12, NEWEST,
                 .tag = 2, .tag_since = 12),
    FIELD_STRUCTS(fetch_response_partition, aborted_transactions,
                  fetch_response_aborted_transaction, 4, NEWEST, .null_since = 4),
    FIELD(fetch_response_partition, preferred_read_replica, T_INT32, 11, NEWEST, .preset = -1),
    FIELD(fetch_response_partition, records, T_RECORDS, 0, NEWEST, .null_since = 0),
    { 0 },
};

static const struct field fetch_response_topic_fields[] = {
    FIELD(fetch_response_topic, topic, T_STRING, 0, 12),
    FIELD(fetch_response_topic, topic_id, T_UUID, 13, NEWEST),
    FIELD_STRUCTS(fetch_response_topic, partitions, fetch_response_partition, 0, NEWEST),
    { 0 },
};

static const struct field fetch_response_node_fields[] = {
    FIELD(fetch_response_node, node_id, T_INT32, 16, NEWEST),
    FIELD(fetch_response_node, host, T_STRING, 16, NEWEST),
    FIELD(fetch_response_node, port, T_INT32, 16, NEWEST),
    FIELD(fetch_response_node, rack, T_STRING, 16, NEWEST, .null_since = 16, .preset = PRESET_NULL),
    { 0 },
};

static const struct field fetch_response_fields[] = {
    FIELD(fetch_response, throttle_time_ms, T_INT32, 1, NEWEST),
    FIELD(fetch_response, error_code, T_INT16, 7, NEWEST),
    FIELD(fetch_response, session_id, T_INT32, 7, NEWEST),
    FIELD_STRUCTS(fetch_response, responses, fetch_response_topic, 0, NEWEST),
    FIELD_STRUCTS(fetch_response, node_endpoints, fetch_response_node, 16, NEWEST, .tag = 0,
                  .tag_since = 16),
    { 0 },
};

const struct message fetch_response_message = {
    .name = "FetchResponse",
    .first = 0,
    .last = 18,
    .flexible_since = 12,
    .fields = fetch_response_fields,
    .size = sizeof(struct fetch_response),
};

/* ---- what the broker does ---- */

enum { CONSUMER = -1, DEBUGGING_CONSUMER = -2, FEW_ABORTED = 8, MOST_ABORTED = 4096 };

struct watched {
    struct fetch_state *state;
    struct partition_watch watch;
};

/* Lives in the request's arena while it is parked. */
struct fetch_state {
    struct request *request;
    struct fetch_plan plan;       /* the targets are the arena's own: a session may go while this waits */
    int32_t session_id;           /* of the answer */
    bool read_committed, to_the_end, must_lead;
    const char *rack;             /* of a consumer that may be told of a replica nearby; NULL */
    int32_t max_bytes, min_bytes;
    struct watched *watched;      /* by target, where parked */
    struct event look;            /* what changed is looked at once, after all that this moment changes */
};

/* Where a target can be read now. */
struct source {
    struct partition *partition;
    struct log *log;
    int64_t bound;                /* readable below it */
    enum err err;
    bool diverges;
    struct fetch_response_diverging_epoch diverging;
    int32_t preferred;            /* the replica that it had better ask; -1: none */
};

static enum err find_partition(const struct fetch_state *state, const struct fetch_target *target, struct partition **out)
{
    const struct request *request = state->request;

    *out = NULL;
    if (request->version >= 13 && !*target->topic)
        return ERR_UNKNOWN_TOPIC_ID;
    *out = broker_partition(request->broker, target->topic, target->partition);
    if (*out)
        return partition_check(*out, request->version >= 9 ? target->leader_epoch : -1, state->must_lead, NULL);
    return broker_no_replica(request->broker, target->topic, target->partition);
}

static struct source source_of(const struct fetch_state *state, const struct fetch_target *target)
{
    struct source source = { .bound = -1, .preferred = -1 };

    source.err = find_partition(state, target, &source.partition);
    if (source.err)
        return source;
    source.log = partition_log(source.partition);
    if (state->rack)
        source.preferred = partition_preferred_read_replica(source.partition, state->rack, target->fetch_offset);
    if (source.preferred >= 0)
        return source;
    if (state->request->version < 10 && log_settings(source.log)->codec == CODEC_ZSTD) {
        source.err = ERR_UNSUPPORTED_COMPRESSION_TYPE;
        return source;
    }
    source.bound = state->to_the_end ? log_end_offset(source.log) : partition_read_bound(source.partition, state->read_committed);
    if (state->request->version >= 12 && target->last_fetched_epoch >= 0) {
        int32_t epoch;
        int64_t end;

        log_end_offset_for_epoch(source.log, target->last_fetched_epoch, &epoch, &end);
        if (end < 0)
            source.err = ERR_OFFSET_OUT_OF_RANGE;
        else if (epoch < target->last_fetched_epoch || end < target->fetch_offset)
            source.diverges = true, source.diverging = (struct fetch_response_diverging_epoch){ epoch, end };
    }
    if (target->fetch_offset < log_start_offset(source.log) || target->fetch_offset > log_end_offset(source.log))
        source.err = ERR_OFFSET_OUT_OF_RANGE;
    return source;
}

/* Is there anything to say of this target, or how many bytes would it have? */
static bool is_due(const struct fetch_state *state, const struct fetch_target *target, int64_t *bytes)
{
    struct source source = source_of(state, target);

    if (source.err || source.diverges || source.preferred >= 0)
        return true;
    if (target->fetch_offset < source.bound)
        *bytes += log_readable_bytes(source.log, target->fetch_offset, source.bound, target->max_bytes);
    return false;
}

static bool enough(const struct fetch_state *state)
{
    int64_t bytes = 0;

    for (size_t i = 0; i < state->plan.count; i++)
        if (is_due(state, &state->plan.targets[i], &bytes) || bytes >= state->min_bytes)
            return true;
    return false;
}

/* ---- the answer ---- */

struct answering {
    struct fetch_state *state;
    struct fetch_response *out;
    int64_t left;                 /* bytes still allowed */
    bool any;                     /* some partition had data */
    bool *sent;                   /* by target: had data */
};

static const struct fetch_response_partition nothing_read = {
    .high_watermark = -1, .last_stable_offset = -1, .log_start_offset = -1, .diverging_epoch = { -1, -1 }, .current_leader = { -1, -1 },
    .snapshot_id = { -1, -1 }, .aborted_transactions = { NULL, -1 }, .preferred_read_replica = -1, .records = { .data = (const uint8_t *)"" },
};

static void add_aborted(struct request *request, struct log *log, int64_t from, struct fetch_response_partition *out)
{
    struct aborted few[FEW_ABORTED], *found = few;
    int64_t upper = out->records.size ? log_aborted_bound(log, from, out->records.size) : from;
    size_t count = from < upper ? log_aborted(log, from, upper, few, FEW_ABORTED) : 0;

    if (count >= FEW_ABORTED) { /* rarely so many */
        found = arena_alloc(&request->arena, MOST_ABORTED * sizeof(*found));
        count = log_aborted(log, from, upper, found, MOST_ABORTED);
    }
    if (count > MOST_ABORTED)
        count = MOST_ABORTED;
    REPLY_ARRAY(request, out->aborted_transactions, count);
    for (size_t i = 0; i < count; i++)
        out->aborted_transactions.items[i] = (struct fetch_response_aborted_transaction){ found[i].producer_id, found[i].first_offset };
}

static enum err read_slice(struct request *request, struct log_slice *slice, uint8_t **out, struct reason *reason)
{
    *out = arena_alloc(&request->arena, (size_t)slice->size);
    return file_read(slice->file, *out, (size_t)slice->size, slice->position, reason);
}

/* Clients of old want message sets (Fetch v0, v1: magic 0; v2, v3: magic 1). */
static enum err convert_down(struct request *request, const struct fetch_target *target, struct log_slice *slice, struct records *out)
{
    struct config_layers layers = broker_topic_config(request->broker, target->topic);
    const struct config_key *key = config_key_find(CONFIG_TOPIC, "message.downconversion.enable");
    struct buffer converted = { 0 };
    uint8_t *bytes, *kept;
    enum err err;

    if (config_key_known(key, layers.release) && !strcmp(config_resolve(&layers, key).value, "false"))
        return ERR_UNSUPPORTED_VERSION;
    err = read_slice(request, slice, &bytes, NULL);
    if (!err)
        err = records_down_convert((struct bytes){ bytes, (size_t)slice->size }, request->version < 2 ? 0 : 1, target->fetch_offset,
                                   &converted, NULL);
    if (!err && converted.size) {
        kept = arena_alloc(&request->arena, converted.size);
        memcpy(kept, converted.data, converted.size);
        *out = (struct records){ .data = kept, .size = (int32_t)converted.size };
    }
    buffer_done(&converted);
    return err;
}

/* A first batch that is larger than what may be sent isn't sent at all (version 3 on): only the first partition with data may be over the limit. */
static bool cut_short(const struct log_slice *slice)
{
    uint8_t head[12];

    return slice->size < (int32_t)sizeof(head) || file_read(slice->file, head, sizeof(head), slice->position, NULL) ||
           (int64_t)get_i32(head + 8) + 12 > slice->size;
}

static enum err add_records(struct answering *answering, const struct fetch_target *target, const struct source *source,
                            struct fetch_response_partition *out)
{
    struct request *request = answering->state->request;
    bool one = request->version >= 3 && !answering->any;
    int32_t most = target->max_bytes < answering->left ? target->max_bytes : (int32_t)answering->left;
    struct log_slice slice = { 0 };
    enum err err;

    if (target->fetch_offset >= source->bound || (most <= 0 && !one))
        return ERR_OK;
    err = log_read(source->log, target->fetch_offset, most < 0 ? 0 : most, source->bound, one, &slice, NULL);
    if (err || !slice.file)
        return err;
    if (request->version >= 3 && !one && slice.size >= most && cut_short(&slice)) {
        file_unpin(slice.file);
        return ERR_OK;
    }
    if (request->version < 4) {
        err = convert_down(request, target, &slice, &out->records);
        file_unpin(slice.file);
    } else {
        out->records = (struct records){ .file = slice.file, .position = slice.position, .size = slice.size };
    }
    answering->any = answering->any || out->records.size > 0;
    answering->left -= out->records.size;
    return err;
}

static void name_leader(struct request *request, const struct fetch_target *target, struct fetch_response_partition *out)
{
    const struct image_partition *partition = image_partition(broker_image(request->broker), target->topic, target->partition);

    if (partition && request->version >= 16)
        out->current_leader = (struct fetch_response_current_leader){ partition->leader, partition->leader_epoch };
}

static void answer_target(struct answering *answering, const struct fetch_target *target, struct fetch_response_partition *out)
{
    struct fetch_state *state = answering->state;
    struct source source = source_of(state, target);
    enum err err = source.err;

    *out = nothing_read;
    out->partition_index = target->partition;
    out->preferred_read_replica = source.preferred;
    if (!err && !source.diverges)
        err = add_records(answering, target, &source, out);
    out->error_code = (int16_t)err;
    if (err == ERR_NOT_LEADER_OR_FOLLOWER || err == ERR_FENCED_LEADER_EPOCH)
        name_leader(state->request, target, out);
    if (err == ERR_KAFKA_STORAGE_ERROR && state->request->version <= 5)
        out->error_code = ERR_NOT_LEADER_OR_FOLLOWER;
    if (err)
        return;
    if (source.diverges)
        out->diverging_epoch = source.diverging;
    out->high_watermark = log_high_watermark(source.log);
    out->last_stable_offset = log_last_stable_offset(source.log);
    out->log_start_offset = log_start_offset(source.log);
    if (state->read_committed)
        add_aborted(state->request, source.log, target->fetch_offset, out);
}

/* In a session only what is new is said. */
static bool is_news(const struct fetch_target *target, const struct fetch_response_partition *out)
{
    return out->error_code || out->records.size || out->diverging_epoch.epoch >= 0 || out->preferred_read_replica >= 0 ||
           out->high_watermark != target->sent_high_watermark || out->log_start_offset != target->sent_log_start;
}

static bool same_topic(const struct request *request, const struct fetch_response_topic *topic, const struct fetch_target *target)
{
    return request->version >= 13 ? uuid_equal(topic->topic_id, target->topic_id) : !strcmp(topic->topic, target->topic);
}

/* Runs of one topic become one topic of the answer. */
static void add_answer(struct request *request, struct fetch_response *answer, const struct fetch_target *target,
                       struct fetch_response_partition *partitions, size_t i)
{
    struct fetch_response_topic *topic = answer->responses.count ? &answer->responses.items[answer->responses.count - 1] : NULL;

    if (!topic || !same_topic(request, topic, target)) {
        topic = &answer->responses.items[answer->responses.count++];
        *topic = (struct fetch_response_topic){ .topic = target->topic, .topic_id = target->topic_id };
        topic->partitions.items = &partitions[i];
    }
    topic->partitions.count++;
}

static void note_sent(struct fetch_session *session, size_t i, const struct fetch_target *target, const struct fetch_response_partition *out)
{
    struct fetch_target *kept = i < session->count ? &session->targets[i] : NULL;

    if (!kept || kept->partition != target->partition || strcmp(kept->topic, target->topic))
        return; /* somebody else changed the session meanwhile */
    kept->sent_high_watermark = out->error_code ? -1 : out->high_watermark;
    kept->sent_log_start = out->log_start_offset;
}

/* Where the leaders that were named are. */
static void add_nodes(struct request *request, struct fetch_response *answer)
{
    const struct image *image = broker_image(request->broker);

    REPLY_ARRAY(request, answer->node_endpoints, image_broker_count(image));
    answer->node_endpoints.count = 0;
    for (size_t i = 0; i < image_broker_count(image); i++) {
        int32_t id = image_broker_at(image, i)->id;
        struct wire_node node;
        bool named = false;

        for (int32_t t = 0; !named && t < answer->responses.count; t++)
            for (int32_t p = 0; p < answer->responses.items[t].partitions.count; p++)
                named = named || answer->responses.items[t].partitions.items[p].current_leader.leader_id == id;
        if (named && request_node(request, id, &node))
            answer->node_endpoints.items[answer->node_endpoints.count++] = (struct fetch_response_node){ id, node.host, node.port, node.rack };
    }
}

static void mark(struct request *request, const struct fetch_target *target, const struct fetch_response_partition *out)
{
    broker_mark_topic(request->broker, target->topic, METER_TOTAL_FETCH_REQUESTS, 1);
    if (out->error_code)
        broker_mark_topic(request->broker, target->topic, METER_FAILED_FETCH_REQUESTS, 1);
    else if (out->records.size)
        broker_mark_topic(request->broker, target->topic, METER_BYTES_OUT, out->records.size);
}

static void fill_answer(struct fetch_state *state)
{
    struct request *request = state->request;
    struct fetch_response *answer = request->out;
    struct fetch_plan *plan = &state->plan;
    struct answering answering = { .state = state, .out = answer, .left = state->max_bytes };
    struct fetch_response_partition *partitions = arena_alloc(&request->arena, plan->count * sizeof(*partitions));
    struct fetch_session *session;
    size_t used = 0;
    bool failed = false;

    if (!plan->incremental)
        state->session_id = fetch_plan_keep(request, plan);
    session = state->session_id ? fetch_session_find(request, state->session_id) : NULL;
    answering.sent = arena_alloc(&request->arena, plan->count);
    answer->session_id = state->session_id;
    REPLY_ARRAY(request, answer->responses, plan->count);
    answer->responses.count = 0;
    for (size_t i = 0; i < plan->count; i++) {
        const struct fetch_target *target = &plan->targets[i];
        struct fetch_response_partition *out = &partitions[used];

        answer_target(&answering, target, out);
        answering.sent[i] = out->records.size > 0;
        mark(request, target, out);
        if (!plan->incremental || is_news(target, out)) {
            add_answer(request, answer, target, partitions, used++);
            failed = failed || out->current_leader.leader_id >= 0;
            if (session)
                note_sent(session, i, target, out);
        }
    }
    if (failed)
        add_nodes(request, answer);
    if (session && plan->incremental && session->count == plan->count)
        fetch_session_rotate(session, answering.sent);
}

/* ---- waiting ---- */

static void stop_waiting(struct fetch_state *state)
{
    event_cancel(cluster_queue(state->request->cluster), &state->look);
    for (size_t i = 0; state->watched && i < state->plan.count; i++)
        if (state->watched[i].watch.partition)
            partition_unwatch(&state->watched[i].watch);
}

static void finish(struct fetch_state *state)
{
    struct request *request = state->request;

    stop_waiting(state);
    fill_answer(state);
    request_reply(request);
}

static void timed_out(void *context)
{
    finish(context);
}

static void look(void *context)
{
    if (enough(context))
        finish(context);
}

static void changed(void *context)
{
    struct fetch_state *state = ((struct watched *)context)->state;
    struct queue *queue = cluster_queue(state->request->cluster);

    if (!event_scheduled(&state->look))
        event_at(queue, &state->look, queue_now_us(queue));
}

void cancel_fetch(struct request *request)
{
    stop_waiting(request->state);
}

static enum reply wait(struct fetch_state *state, int32_t most_ms)
{
    struct request *request = state->request;
    struct fetch_plan *plan = &state->plan;

    if (plan->incremental || request->version >= 13) { /* the session's targets aren't ours to keep, nor are the names that ids have until their topic is deleted */
        struct fetch_target *targets = arena_alloc(&request->arena, plan->count * sizeof(*targets));

        memcpy(targets, plan->targets, plan->count * sizeof(*targets));
        for (size_t i = 0; i < plan->count; i++)
            targets[i].topic = arena_text(&request->arena, targets[i].topic, strlen(targets[i].topic));
        plan->targets = targets;
        plan->session = NULL;
    }
    state->look = (struct event){ .run = look, .context = state };
    state->watched = arena_alloc(&request->arena, plan->count * sizeof(*state->watched));
    for (size_t i = 0; i < plan->count; i++) {
        struct partition *partition = broker_partition(request->broker, plan->targets[i].topic, plan->targets[i].partition);
        struct watched *watched = &state->watched[i];

        *watched = (struct watched){ .state = state, .watch = { .changed = changed, .context = watched } };
        partition_watch(partition, &watched->watch); /* there is one: nothing with an error waits */
    }
    request->waits_for_data = true;
    request->timer.run = timed_out;
    request->timer.context = state;
    timer_arm(request_timers(request), &request->timer, (int64_t)most_ms * 1000);
    return REPLY_LATER;
}

/* replica.selector.class: LeaderSelector, which is as good as none, or by racks (KIP-392). */
static const char *rack_of(const struct request *request, const struct config_layers *layers)
{
    const struct fetch_request *in = request->in;
    const char *selector = config_resolve(layers, config_key_find(CONFIG_BROKER, "replica.selector.class")).value;

    return request->version >= 11 && in->rack_id && *in->rack_id && selector && text_ends(selector, "RackAwareReplicaSelector") ? in->rack_id : NULL;
}

enum reply handle_fetch(struct request *request)
{
    const struct fetch_request *in = request->in;
    struct fetch_response *answer = request->out;
    struct fetch_state *state = arena_alloc(&request->arena, sizeof(*state));
    struct config_layers layers = broker_config(request->broker);
    int64_t most_bytes = config_long(&layers, "fetch.max.bytes");
    int32_t replica = request->version >= 15 ? in->replica_state.replica_id : in->replica_id;
    enum err err = fetch_plan_make(request, &state->plan);

    if (err) {
        answer->error_code = (int16_t)err;
        return REPLY_NOW;
    }
    request->state = state;
    state->request = request;
    state->session_id = state->plan.session ? state->plan.session->id : 0;
    state->read_committed = request->version >= 4 && in->isolation_level == 1;
    state->to_the_end = replica != CONSUMER && replica != DEBUGGING_CONSUMER;
    state->rack = state->to_the_end ? NULL : rack_of(request, &layers);
    state->must_lead = state->to_the_end || request->version < 11; /* from 11 on a consumer may read from a follower (KIP-392) */
    state->max_bytes = in->max_bytes < most_bytes ? in->max_bytes : (int32_t)most_bytes;
    state->min_bytes = in->min_bytes < state->max_bytes ? in->min_bytes : state->max_bytes;
    if (in->max_wait_ms > 0 && state->plan.count && !enough(state))
        return wait(state, in->max_wait_ms);
    fill_answer(state);
    return REPLY_NOW;
}
