/* The table `clients`: simulated ones. */
#include "sim/clients/simulated_internal.h"

void simulated_info(const struct simulated_client *client, struct simulated_info *out)
{
    *out = (struct simulated_info){
        .name = client->name, .topic = client->topic, .group = client->group, .kind = client->kind, .state = client->state, .error = client->error.text,
        .started_us = client->started_us, .ended_us = client->ended_us, .rate = client->slow_us ? 1e6 / (double)client->slow_us : client->rate,
        .slow_us = client->slow_us, .acknowledged = client->acknowledged, .failed = client->failed, .consumed = client->consumed,
        .duplicates = client->duplicates, .out_of_order = client->out_of_order, .lag = -1, .generation = -1, .rebalances = client->rebalances,
        .last_error = client->last_error ? err_name(client->last_error) : "", .retries = client->retries, .sent = client->next_number ? client->next_number - 1 : 0,
    };
    if (client->producer) {
        struct producer_counts counts;

        producer_counts(client->producer, &counts);
        out->retries = counts.retries;
        out->in_flight = counts.in_flight;
        out->buffered_bytes = counts.buffered_bytes;
    }
    if (client->consumer) {
        struct consumer_counts counts;

        consumer_counts(client->consumer, &counts);
        out->lag = counts.lag;
        out->assigned = counts.assigned;
        out->generation = counts.generation;
        out->in_flight = counts.in_flight;
    }
}

enum {
    NAME, KIND, STATE, TOPIC, GROUP, RATE, SENT, ACKNOWLEDGED, FAILED, RETRIES, IN_FLIGHT, BUFFERED, CONSUMED, LAG, DUPLICATES, OUT_OF_ORDER, ASSIGNED,
    GENERATION, REBALANCES, SLOW, LAST_ERROR, STARTED, ENDED
};

static const struct column columns[] = {
    [NAME] = { "name", VALUE_TEXT, "also its client.id" },
    [KIND] = { "kind", VALUE_TEXT, "producer, consumer" },
    [STATE] = { "state", VALUE_TEXT, "running, stopping, stopped, done, killed, failed" },
    [TOPIC] = { "topic", VALUE_TEXT, "of a consumer: all of them, separated by commas" },
    [GROUP] = { "group_id", VALUE_TEXT, "of a consumer" },
    [RATE] = { "rate", VALUE_REAL, "records a second that a producer makes" },
    [SENT] = { "sent", VALUE_INT, "records it gave to its library" },
    [ACKNOWLEDGED] = { "acknowledged", VALUE_INT, "records, as acks has it" },
    [FAILED] = { "failed", VALUE_INT, "records that its library gave up" },
    [RETRIES] = { "retries", VALUE_INT, "batches sent again" },
    [IN_FLIGHT] = { "in_flight", VALUE_INT, "produce or fetch requests without an answer" },
    [BUFFERED] = { "buffered", VALUE_INT, "bytes of buffer.memory that are taken" },
    [CONSUMED] = { "consumed", VALUE_INT, "records that poll gave" },
    [LAG] = { "lag", VALUE_INT, "records of its partitions that it has not read, as far as it knows" },
    [DUPLICATES] = { "duplicates", VALUE_INT, "records of simulated producers that it saw before" },
    [OUT_OF_ORDER] = { "out_of_order", VALUE_INT, "those that came behind a later one of the same producer in the same partition" },
    [ASSIGNED] = { "assigned", VALUE_INT, "partitions it has" },
    [GENERATION] = { "generation", VALUE_INT, "of its group, as it knows it" },
    [REBALANCES] = { "rebalances", VALUE_INT, "how often it got an assignment" },
    [SLOW] = { "slow_us", VALUE_INT, "how long it works on a record" },
    [LAST_ERROR] = { "last_error", VALUE_TEXT, "the last one that it met, whether its library helped itself or not" },
    [STARTED] = { "started_us", VALUE_INT, "" },
    [ENDED] = { "ended_us", VALUE_INT, "NULL: it lives" },
    { 0 },
};

struct cursor {
    const struct simulated_clients *clients;
    size_t at;                   /* the next row */
    struct simulated_info info;
};

static void *open_cursor(void *context, const struct constraint *constraints, size_t count)
{
    struct cursor *cursor = mem_zero(sizeof(*cursor));

    (void)constraints, (void)count;
    cursor->clients = context;
    return cursor;
}

static bool next_row(void *at)
{
    struct cursor *cursor = at;

    if (cursor->at >= simulated_count(cursor->clients))
        return false;
    simulated_info(simulated_at(cursor->clients, cursor->at++), &cursor->info);
    return true;
}

static struct value if_consumer(const struct simulated_info *info, int64_t value)
{
    return info->kind == SIMULATED_CONSUMER && value >= 0 ? value_int(value) : value_null();
}

static struct value if_producer(const struct simulated_info *info, uint64_t value)
{
    return info->kind == SIMULATED_PRODUCER ? value_int((int64_t)value) : value_null();
}

static struct value get_value(void *at, int column)
{
    const struct simulated_info *info = &((struct cursor *)at)->info;

    switch (column) {
    case NAME: return value_text(info->name);
    case KIND: return value_text(info->kind == SIMULATED_PRODUCER ? "producer" : "consumer");
    case STATE: return value_text(simulated_state_name(info->state));
    case TOPIC: return value_text(info->topic);
    case GROUP: return value_text(info->group);
    case RATE: return info->kind == SIMULATED_PRODUCER ? value_real(info->rate) : value_null();
    case SENT: return if_producer(info, info->sent);
    case ACKNOWLEDGED: return if_producer(info, info->acknowledged);
    case FAILED: return if_producer(info, info->failed);
    case RETRIES: return if_producer(info, info->retries);
    case IN_FLIGHT: return value_int((int64_t)info->in_flight);
    case BUFFERED: return if_producer(info, info->buffered_bytes);
    case CONSUMED: return if_consumer(info, (int64_t)info->consumed);
    case LAG: return if_consumer(info, info->lag);
    case DUPLICATES: return if_consumer(info, (int64_t)info->duplicates);
    case OUT_OF_ORDER: return if_consumer(info, (int64_t)info->out_of_order);
    case ASSIGNED: return if_consumer(info, (int64_t)info->assigned);
    case GENERATION: return if_consumer(info, info->generation);
    case REBALANCES: return if_consumer(info, (int64_t)info->rebalances);
    case SLOW: return if_consumer(info, info->slow_us);
    case LAST_ERROR: return value_text(*info->last_error ? info->last_error : *info->error ? info->error : NULL);
    case STARTED: return value_int(info->started_us);
    default: return info->ended_us < 0 ? value_null() : value_int(info->ended_us);
    }
}

const struct table simulated_table = {
    .name = "clients", .doc = "simulated producers and consumers", .columns = columns, .open = open_cursor, .next = next_row, .get = get_value, .close = mem_free,
};
