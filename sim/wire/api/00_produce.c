/* Produce: its bytes and what the broker does with it. */
#include "sim/wire/api/00_produce.h"

#include <inttypes.h>
#include <string.h>

#include "sim/cluster/metrics.h"
#include "sim/cluster/log_dirs.h"
#include "sim/cluster/partition.h"
#include "sim/wire/wire.h"

static const struct field produce_request_partition_fields[] = {
    FIELD(produce_request_partition, index, T_INT32, 0, NEWEST),
    FIELD(produce_request_partition, records, T_RECORDS, 0, NEWEST, .null_since = 0),
    { 0 },
};

static const struct field produce_request_topic_fields[] = {
    FIELD(produce_request_topic, name, T_STRING, 0, 12),
    FIELD(produce_request_topic, topic_id, T_UUID, 13, NEWEST),
    FIELD_STRUCTS(produce_request_topic, partition_data, produce_request_partition, 0, NEWEST),
    { 0 },
};

static const struct field produce_request_fields[] = {
    FIELD(produce_request, transactional_id, T_STRING, 3, NEWEST, .null_since = 3,
          .preset = PRESET_NULL),
    FIELD(produce_request, acks, T_INT16, 0, NEWEST),
    FIELD(produce_request, timeout_ms, T_INT32, 0, NEWEST),
    FIELD_STRUCTS(produce_request, topic_data, produce_request_topic, 0, NEWEST),
    { 0 },
};

const struct message produce_request_message = {
    .name = "ProduceRequest",
    .first = 0,
    .last = 13,
    .flexible_since = 9,
    .fields = produce_request_fields,
    .size = sizeof(struct produce_request),
};

static const struct field produce_response_record_error_fields[] = {
    FIELD(produce_response_record_error, batch_index, T_INT32, 8, NEWEST),
    FIELD(produce_response_record_error, batch_index_error_message, T_STRING, 8, NEWEST,
          .null_since = 8, .preset = PRESET_NULL),
    { 0 },
};

static const struct field produce_response_current_leader_fields[] = {
    FIELD(produce_response_current_leader, leader_id, T_INT32, 10, NEWEST, .preset = -1),
    FIELD(produce_response_current_leader, leader_epoch, T_INT32, 10, NEWEST, .preset = -1),
    { 0 },
};

static const struct field produce_response_partition_fields[] = {
    FIELD(produce_response_partition, index, T_INT32, 0, NEWEST),
    FIELD(produce_response_partition, error_code, T_INT16, 0, NEWEST),
    FIELD(produce_response_partition, base_offset, T_INT64, 0, NEWEST),
    FIELD(produce_response_partition, log_append_time_ms, T_INT64, 2, NEWEST, .preset = -1),
    FIELD(produce_response_partition, log_start_offset, T_INT64, 5, NEWEST, .preset = -1),
    FIELD_STRUCTS(produce_response_partition, record_errors, produce_response_record_error, 8,
                  NEWEST),
    FIELD(produce_response_partition, error_message, T_STRING, 8, NEWEST, .null_since = 8,
          .preset = PRESET_NULL),
    FIELD_STRUCT(produce_response_partition, current_leader, produce_response_current_leader, 10,
                 NEWEST, .tag = 0, .tag_since = 10),
    { 0 },
};

static const struct field produce_response_topic_fields[] = {
    FIELD(produce_response_topic, name, T_STRING, 0, 12),
    FIELD(produce_response_topic, topic_id, T_UUID, 13, NEWEST),
    FIELD_STRUCTS(produce_response_topic, partition_responses, produce_response_partition, 0,
                  NEWEST),
    { 0 },
};

static const struct field produce_response_node_fields[] = {
    FIELD(produce_response_node, node_id, T_INT32, 10, NEWEST),
    FIELD(produce_response_node, host, T_STRING, 10, NEWEST),
    FIELD(produce_response_node, port, T_INT32, 10, NEWEST),
    FIELD(produce_response_node, rack, T_STRING, 10, NEWEST, .null_since = 10,
          .preset = PRESET_NULL),
    { 0 },
};

static const struct field produce_response_fields[] = {
    FIELD_STRUCTS(produce_response, responses, produce_response_topic, 0, NEWEST),
    FIELD(produce_response, throttle_time_ms, T_INT32, 1, NEWEST),
    FIELD_STRUCTS(produce_response, node_endpoints, produce_response_node, 10, NEWEST, .tag = 0,
                  .tag_since = 10),
    { 0 },
};

const struct message produce_response_message = {
    .name = "ProduceResponse",
    .first = 0,
    .last = 13,
    .flexible_since = 9,
    .fields = produce_response_fields,
    .size = sizeof(struct produce_response),
};

/* ---- what the broker does ---- */

enum { ACKS_ALL = -1, ACKS_NONE = 0, ACKS_LEADER = 1 };

struct waiting {                  /* a partition whose records wait for acks=all */
    struct produce_state *state;
    struct produce_response_partition *out;
    struct commit_wait wait;
    bool done;
};

struct produce_state {
    struct request *request;
    struct waiting *waiting;
    int32_t count, left;          /* of `waiting`; those not yet done */
    struct event written;         /* acks=1 on a slow disk: it is done */
    int64_t written_us;
    bool failed;                  /* some partition was refused: what acks=0 closes the connection for */
};

static const struct produce_response_partition nothing_written = {
    .base_offset = -1, .log_append_time_ms = -1, .log_start_offset = -1, .current_leader = { -1, -1 },
};

/* A real client's stamps follow the virtual clock: on a copy, where the request's bytes are not ours. */
static struct bytes shift_stamps(struct request *request, struct bytes records)
{
    struct batch batch;
    size_t need;
    uint8_t *shifted;
    int64_t shift_ms;

    if (!request_from_network(request) || records.size < BATCH_HEADER || records.data[16] != 2)
        return records;
    shift_ms = request_shift_ms(request, get_i64(records.data + 35));
    if (!shift_ms || batch_decode(records, &batch, &need, NULL) || !batch_crc_right(&batch))
        return records;
    shifted = (uint8_t *)records.data;
    if (!request_may_change(request)) {
        shifted = arena_alloc(&request->arena, records.size);
        memcpy(shifted, records.data, records.size);
    }
    batch_shift_timestamps(shifted, shift_ms);
    return (struct bytes){ shifted, records.size };
}

static enum err find_partition(const struct request *request, const char *topic, int32_t index, struct partition **out)
{
    *out = broker_partition(request->broker, topic, index);
    if (*out)
        return ERR_OK;
    return broker_no_replica(request->broker, topic, index);
}

static void name_leader(struct request *request, const char *topic, struct produce_response_partition *out)
{
    const struct image_partition *partition = image_partition(broker_image(request->broker), topic, out->index);

    if (partition && request->version >= 10)
        out->current_leader = (struct produce_response_current_leader){ partition->leader, partition->leader_epoch };
}

/* Kafka says more than the code only of records that it looked at one by one. */
static void explain(struct request *request, const struct record_errors *errors, const struct reason *reason,
                    struct produce_response_partition *out)
{
    if (!errors->count || request->version < 8)
        return;
    out->error_message = arena_text(&request->arena, reason->text, strlen(reason->text));
    REPLY_ARRAY(request, out->record_errors, (int32_t)errors->count);
    for (size_t i = 0; i < errors->count; i++) {
        const char *message = errors->items[i].message;

        out->record_errors.items[i] = (struct produce_response_record_error){
            errors->items[i].batch_index, arena_text(&request->arena, message, strlen(message)),
        };
    }
}

/* What ReplicaManager answers to without asking the log for its start. */
static bool start_is_told(enum err err)
{
    return err != ERR_UNKNOWN_TOPIC_OR_PARTITION && err != ERR_NOT_LEADER_OR_FOLLOWER && err != ERR_MESSAGE_TOO_LARGE &&
           err != ERR_RECORD_LIST_TOO_LARGE && err != ERR_CORRUPT_MESSAGE && err != ERR_KAFKA_STORAGE_ERROR;
}

/* In Kafka's order: KafkaApis.handleProduceRequest, then ReplicaManager.appendRecords and appendToLocalLog. */
/* KIP-890: whether the coordinator is asked if the partition is part of the transaction. */
static bool verifies_transactions(const struct request *request)
{
    struct config_layers layers = broker_config(request->broker);

    return !release_is_27(layers.release) && config_boolean(&layers, "transaction.partition.verification.enable");
}

static enum err append(struct request *request, const char *topic, const struct produce_request_partition *in, struct partition **partition,
                       struct record_errors *errors, struct log_appended *appended, struct reason *reason)
{
    const struct produce_request *produce = request->in;
    const struct image_topic *known = image_topic(broker_image(request->broker), topic);
    struct bytes records = { in->records.data, in->records.data ? (size_t)in->records.size : 0 };
    bool is_27 = release_is_27(cluster_release(request->cluster));
    int attributes;
    enum err err;

    if (!known || in->index < 0 || in->index >= known->partition_count)
        return ERR_UNKNOWN_TOPIC_OR_PARTITION;
    err = records_check_request(records, request->version, is_27, reason);
    if (err)
        return err;
    if (produce->acks < ACKS_ALL || produce->acks > ACKS_LEADER)
        return ERR_INVALID_REQUIRED_ACKS;
    if (known->internal && strcmp(request->client_id, "__admin_client"))
        return ERR_INVALID_TOPIC_EXCEPTION;
    records_first_attributes(records, is_27, &attributes, NULL);
    if (attributes >= 0 && attributes & ATTRIBUTE_TRANSACTIONAL && verifies_transactions(request))
        return ERR_INVALID_TXN_STATE; /* no transaction was begun: that comes with the transaction coordinator */
    err = find_partition(request, topic, in->index, partition);
    if (err)
        return err;
    records = shift_stamps(request, records);
    return partition_append(*partition, &(struct log_append){
        .records = records, .origin = APPEND_CLIENT, .leader_epoch = partition_leader_epoch(*partition),
        .produce_version = -1, .now_ms = broker_now_ms(request->broker), .errors = errors,
        .may_change = request_may_change(request),
    }, produce->acks, appended, reason);
}

/* Codes that an old client doesn't know are said by one that it does. */
static int16_t code_for(const struct request *request, enum err err)
{
    return err == ERR_KAFKA_STORAGE_ERROR && request->version <= 3 ? ERR_NOT_LEADER_OR_FOLLOWER : (int16_t)err;
}

static void committed(void *context, enum err err)
{
    struct waiting *waiting = context;
    struct produce_state *state = waiting->state;

    waiting->done = true;
    waiting->out->error_code = code_for(state->request, err);
    if (err) {
        waiting->out->base_offset = -1;
        waiting->out->log_append_time_ms = -1;
    }
    if (--state->left == 0 && state->request->parked)
        request_reply(state->request);
}

static void await_commit(struct produce_state *state, struct partition *partition, int64_t last_offset, struct produce_response_partition *out)
{
    struct waiting *waiting = &state->waiting[state->count++];

    *waiting = (struct waiting){ .state = state, .out = out, .wait = { .done = committed, .context = waiting } };
    state->left++;
    partition_await_commit(partition, &waiting->wait, last_offset + 1);
}

static void forget_waiting(struct produce_state *state)
{
    for (int32_t i = 0; i < state->count; i++)
        if (!state->waiting[i].done)
            partition_forget_commit(&state->waiting[i].wait);
}

static void timed_out(void *context)
{
    struct request *request = context;
    struct produce_state *state = request->state;

    forget_waiting(state);
    for (int32_t i = 0; i < state->count; i++)
        if (!state->waiting[i].done)
            state->waiting[i].out->error_code = ERR_REQUEST_TIMED_OUT;
    request_reply(request);
}

static void written(void *context)
{
    request_reply(context);
}

void cancel_produce(struct request *request)
{
    struct produce_state *state = request->state;

    event_cancel(cluster_queue(request->cluster), &state->written);
    forget_waiting(state);
}

/* ---- what `why` may be asked of it ---- */

/* Which setting or rule refused it, and the two values that it compared, where they are numbers. */
struct refusal { const char *rule; int64_t value, limit; };

static struct refusal refusal_of(const struct request *request, const struct partition *partition, enum err err, int64_t bytes)
{
    const struct log_config *config = partition ? log_settings(partition_log(partition)) : NULL;
    bool is_27 = release_is_27(cluster_release(request->cluster));
    struct config_layers layers;
    const struct image_partition *image;

    switch (err) {
    case ERR_MESSAGE_TOO_LARGE:
        return (struct refusal){ "max.message.bytes", bytes, config ? config->max_message_bytes : -1 };
    case ERR_RECORD_LIST_TOO_LARGE:
        return (struct refusal){ "segment.bytes", bytes, config ? config->segment_bytes : -1 };
    case ERR_NOT_ENOUGH_REPLICAS:
        layers = broker_topic_config(request->broker, partition_topic(partition));
        image = image_partition(broker_image(request->broker), partition_topic(partition), partition_number(partition));
        return (struct refusal){ "min.insync.replicas", image ? image->isr_count : 0, config_long(&layers, "min.insync.replicas") };
    case ERR_INVALID_TIMESTAMP:
        return (struct refusal){ is_27 ? "message.timestamp.difference.max.ms" : "message.timestamp.before.max.ms, message.timestamp.after.max.ms", -1, -1 };
    case ERR_INVALID_RECORD:
        return (struct refusal){ config && config->cleanup_compact ? "cleanup.policy=compact wants keys" : "the format of records", -1, -1 };
    case ERR_CORRUPT_MESSAGE:
        return (struct refusal){ "the CRC of the batch", -1, -1 };
    case ERR_OUT_OF_ORDER_SEQUENCE_NUMBER:
        return (struct refusal){ "sequence numbers of idempotence", -1, -1 };
    case ERR_INVALID_PRODUCER_EPOCH:
        return (struct refusal){ "producer epoch", -1, -1 };
    case ERR_INVALID_REQUIRED_ACKS:
        return (struct refusal){ "acks", -1, -1 };
    case ERR_UNSUPPORTED_COMPRESSION_TYPE:
        return (struct refusal){ "compression.type", -1, -1 };
    case ERR_INVALID_TOPIC_EXCEPTION:
        return (struct refusal){ "internal topic", -1, -1 };
    default:
        return (struct refusal){ "Produce", -1, -1 };
    }
}

/* A topic or leader that is not there is met by every client's next question for metadata, and no decision about the batch. */
static void note_refused(const struct request *request, const char *topic, const struct partition *partition, int32_t index, enum err err, int64_t bytes,
                         const struct reason *reason)
{
    struct refusal refusal = refusal_of(request, partition, err, bytes);
    struct text text = { 0 };

    if (err == ERR_UNKNOWN_TOPIC_OR_PARTITION || err == ERR_UNKNOWN_TOPIC_ID || err == ERR_NOT_LEADER_OR_FOLLOWER)
        return;
    text_printf(&text, "%s-%d: %s", topic, index, err_name(err));
    if (refusal.limit >= 0)
        text_printf(&text, ", %" PRId64 " %s %" PRId64, refusal.value, err == ERR_NOT_ENOUGH_REPLICAS ? "<" : ">", refusal.limit);
    text_printf(&text, " (%s), %s", refusal.rule, request->client_id);
    journal_add(cluster_journal(request->cluster), ENTRY(EVENT_append_refused, .broker = broker_id(request->broker), .topic = topic, .partition = index,
                .subject = request->client_id, .rule = refusal.rule, .text = text_chars(&text),
                .facts = { { "error_code", err, NULL }, { "error", 0, err_name(err) }, { "value", refusal.value, NULL }, { "limit", refusal.limit, NULL },
                           { "bytes", bytes, NULL }, { "now_ms", broker_now_ms(request->broker), NULL }, { "reason", 0, reason->text } },
                .fact_count = *reason->text ? 7 : 6));
    text_done(&text);
}

static void note_duplicate(const struct request *request, const char *topic, int32_t index, const struct produce_request_partition *in, int64_t base_offset)
{
    struct batch batch;
    struct text text = { 0 };

    if (batch_decode_header((struct bytes){ in->records.data, (size_t)in->records.size }, &batch, NULL))
        return;
    text_printf(&text, "%s-%d: producer %" PRId64 " sent sequence %d again, it lies at %" PRId64 " already; nothing was written", topic, index, batch.producer_id,
                batch.base_sequence, base_offset);
    journal_add(cluster_journal(request->cluster), ENTRY(EVENT_producer_duplicate, .broker = broker_id(request->broker), .topic = topic, .partition = index,
                .offset = base_offset, .subject = request->client_id, .rule = "sequence numbers of idempotence", .text = text_chars(&text),
                .facts = { { "producer_id", batch.producer_id, NULL }, { "producer_epoch", batch.producer_epoch, NULL }, { "base_sequence", batch.base_sequence, NULL },
                           { "records", batch.record_count, NULL } }, .fact_count = 4));
    text_done(&text);
}

static void mark(const struct request *request, const char *topic, struct partition *partition, enum topic_meter meter, int64_t n)
{
    if (partition)
        partition_mark(partition, meter, n);
    else
        broker_mark_topic(request->broker, topic, meter, n);
}

static void produce_partition(struct produce_state *state, const char *topic, enum err known, const struct produce_request_partition *in,
                              struct produce_response_partition *out)
{
    struct request *request = state->request;
    const struct produce_request *produce = request->in;
    struct partition *partition = NULL;
    struct log_appended appended = { 0 };
    struct record_errors errors = { 0 };
    struct reason reason = { "" };
    enum err err = known;

    *out = nothing_written;
    out->index = in->index;
    if (!err)
        err = append(request, topic, in, &partition, &errors, &appended, &reason);
    mark(request, topic, partition, METER_TOTAL_PRODUCE_REQUESTS, 1);
    if (err) {
        state->failed = true;
        mark(request, topic, partition, METER_FAILED_PRODUCE_REQUESTS, 1);
        if (err == ERR_MESSAGE_TOO_LARGE || err == ERR_RECORD_LIST_TOO_LARGE)
            mark(request, topic, partition, METER_BYTES_REJECTED, in->records.size);
        out->error_code = code_for(request, err);
        if (partition && start_is_told(err))
            out->log_start_offset = log_start_offset(partition_log(partition));
        note_refused(request, topic, partition, in->index, err, in->records.data ? in->records.size : 0, &reason);
        explain(request, &errors, &reason, out);
        record_errors_done(&errors);
        if (err == ERR_NOT_LEADER_OR_FOLLOWER)
            name_leader(request, topic, out);
        return;
    }
    if (appended.duplicate)
        note_duplicate(request, topic, in->index, in, appended.base_offset);
    out->base_offset = appended.base_offset;
    out->log_append_time_ms = appended.log_append_time_ms;
    out->log_start_offset = appended.log_start_offset;
    if (produce->acks == ACKS_LEADER && partition_written_us(partition) > state->written_us)
        state->written_us = partition_written_us(partition);
    if (produce->acks == ACKS_ALL)
        await_commit(state, partition, appended.last_offset, out);
}

static int32_t count_partitions(const struct produce_request *in)
{
    int32_t count = 0;

    for (int32_t i = 0; i < in->topic_data.count; i++)
        count += in->topic_data.items[i].partition_data.count;
    return count;
}

/* Where the leaders that were named are. */
static void add_nodes(struct request *request, struct produce_response *answer)
{
    const struct image *image = broker_image(request->broker);

    REPLY_ARRAY(request, answer->node_endpoints, image_broker_count(image));
    answer->node_endpoints.count = 0;
    for (size_t i = 0; i < image_broker_count(image); i++) {
        int32_t id = image_broker_at(image, i)->id;
        struct wire_node node;
        bool named = false;

        for (int32_t t = 0; !named && t < answer->responses.count; t++)
            for (int32_t p = 0; p < answer->responses.items[t].partition_responses.count; p++)
                named = named || answer->responses.items[t].partition_responses.items[p].current_leader.leader_id == id;
        if (named && request_node(request, id, &node))
            answer->node_endpoints.items[answer->node_endpoints.count++] = (struct produce_response_node){ id, node.host, node.port, node.rack };
    }
}

static void produce_topic(struct produce_state *state, const struct produce_request_topic *in, struct produce_response_topic *out)
{
    struct request *request = state->request;
    const struct image_topic *by_id = request->version >= 13 ? image_topic_by_id(broker_image(request->broker), in->topic_id) : NULL;
    const char *name = request->version >= 13 ? (by_id ? by_id->name : "") : in->name;
    enum err err = ERR_OK;

    if (request->version >= 13 && !by_id)
        err = ERR_UNKNOWN_TOPIC_ID;
    out->name = in->name;
    out->topic_id = in->topic_id;
    REPLY_ARRAY(request, out->partition_responses, in->partition_data.count);
    for (int32_t i = 0; i < in->partition_data.count; i++)
        produce_partition(state, name, err, &in->partition_data.items[i], &out->partition_responses.items[i]);
}

/* What Kafka fails on before it looks at any partition by itself: 2.7 while it reads the request, without an answer; 4.3 with one for all. */
static enum err look_ahead(struct request *request, bool *closes, struct reason *reason)
{
    const struct produce_request *in = request->in;
    bool is_27 = release_is_27(cluster_release(request->cluster)), transactional = false;
    enum err err = ERR_OK;

    *closes = false;
    for (int32_t t = 0; t < in->topic_data.count && !err; t++) {
        for (int32_t p = 0; p < in->topic_data.items[t].partition_data.count && !err; p++) {
            const struct records *records = &in->topic_data.items[t].partition_data.items[p].records;
            int attributes;

            err = records_first_attributes((struct bytes){ records->data, records->data ? (size_t)records->size : 0 }, is_27,
                                           &attributes, reason);
            if (is_27 && (err || attributes < 0)) {
                *closes = true;
                return ERR_CORRUPT_MESSAGE;
            }
            transactional = transactional || (attributes >= 0 && attributes & ATTRIBUTE_TRANSACTIONAL);
        }
    }
    if (!err && transactional && !in->transactional_id)
        err = ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
    return err;
}

static enum reply refuse_all(struct request *request, enum err err, const struct reason *reason)
{
    const struct produce_request *in = request->in;
    struct produce_response *answer = request->out;

    REPLY_ARRAY(request, answer->responses, in->topic_data.count);
    for (int32_t t = 0; t < in->topic_data.count; t++) {
        const struct produce_request_topic *topic = &in->topic_data.items[t];
        struct produce_response_topic *out = &answer->responses.items[t];

        out->name = topic->name;
        out->topic_id = topic->topic_id;
        REPLY_ARRAY(request, out->partition_responses, topic->partition_data.count);
        for (int32_t p = 0; p < topic->partition_data.count; p++) {
            out->partition_responses.items[p] = nothing_written;
            out->partition_responses.items[p].index = topic->partition_data.items[p].index;
            out->partition_responses.items[p].error_code = code_for(request, err);
            if (err == ERR_CORRUPT_MESSAGE && *reason->text)
                out->partition_responses.items[p].error_message = arena_text(&request->arena, reason->text, strlen(reason->text));
        }
    }
    request->close = in->acks == ACKS_NONE;
    return in->acks == ACKS_NONE ? REPLY_NEVER : REPLY_NOW;
}

enum reply handle_produce(struct request *request)
{
    const struct produce_request *in = request->in;
    struct produce_response *answer = request->out;
    struct produce_state *state = arena_alloc(&request->arena, sizeof(*state));
    struct reason reason = { "" };
    bool closes;
    enum err err = look_ahead(request, &closes, &reason);

    request->state = state;
    state->request = request;
    request->close = closes;
    if (closes)
        return REPLY_NEVER;
    if (err)
        return refuse_all(request, err, &reason);
    if (in->acks == ACKS_ALL)
        state->waiting = arena_alloc(&request->arena, (size_t)count_partitions(in) * sizeof(*state->waiting));
    REPLY_ARRAY(request, answer->responses, in->topic_data.count);
    for (int32_t i = 0; i < in->topic_data.count; i++)
        produce_topic(state, &in->topic_data.items[i], &answer->responses.items[i]);
    if (in->acks == ACKS_NONE) {
        request->close = state->failed; /* the only way to say it */
        return REPLY_NEVER;
    }
    if (state->failed && request->version >= 10)
        add_nodes(request, answer);
    if (in->acks == ACKS_LEADER && state->written_us > queue_now_us(cluster_queue(request->cluster))) {
        state->written = (struct event){ .run = written, .context = request };
        event_at(cluster_queue(request->cluster), &state->written, state->written_us);
        return REPLY_LATER;
    }
    if (!state->left)
        return REPLY_NOW;
    request->timer.run = timed_out;
    request->timer.context = request;
    timer_arm(request_timers(request), &request->timer, (int64_t)(in->timeout_ms < 0 ? 0 : in->timeout_ms) * 1000);
    return REPLY_LATER;
}
