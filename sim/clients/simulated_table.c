/* The table `clients`: simulated ones. */
#include "sim/base/rows.h"
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

static struct value if_consumer(const struct simulated_info *info, int64_t value)
{
    return info->kind == SIMULATED_CONSUMER && value >= 0 ? value_int(value) : value_null();
}

static struct value if_producer(const struct simulated_info *info, uint64_t value)
{
    return info->kind == SIMULATED_PRODUCER ? value_int((int64_t)value) : value_null();
}

static void add_row(struct rows *rows, const struct simulated_info *info)
{
    struct value *row = rows_add(rows);

    row[NAME] = rows_text(rows, info->name);
    row[KIND] = value_text(info->kind == SIMULATED_PRODUCER ? "producer" : "consumer");
    row[STATE] = value_text(simulated_state_name(info->state));
    row[TOPIC] = rows_text(rows, info->topic);
    row[GROUP] = rows_text(rows, info->group);
    row[RATE] = info->kind == SIMULATED_PRODUCER ? value_real(info->rate) : value_null();
    row[SENT] = if_producer(info, info->sent);
    row[ACKNOWLEDGED] = if_producer(info, info->acknowledged);
    row[FAILED] = if_producer(info, info->failed);
    row[RETRIES] = if_producer(info, info->retries);
    row[IN_FLIGHT] = value_int((int64_t)info->in_flight);
    row[BUFFERED] = if_producer(info, info->buffered_bytes);
    row[CONSUMED] = if_consumer(info, (int64_t)info->consumed);
    row[LAG] = if_consumer(info, info->lag);
    row[DUPLICATES] = if_consumer(info, (int64_t)info->duplicates);
    row[OUT_OF_ORDER] = if_consumer(info, (int64_t)info->out_of_order);
    row[ASSIGNED] = if_consumer(info, (int64_t)info->assigned);
    row[GENERATION] = if_consumer(info, info->generation);
    row[REBALANCES] = if_consumer(info, (int64_t)info->rebalances);
    row[SLOW] = if_consumer(info, info->slow_us);
    row[LAST_ERROR] = rows_text(rows, *info->last_error ? info->last_error : *info->error ? info->error : NULL);
    row[STARTED] = value_int(info->started_us);
    row[ENDED] = info->ended_us < 0 ? value_null() : value_int(info->ended_us);
}

static void *open_rows(void *context, const struct constraint *constraints, size_t count)
{
    struct rows *rows = rows_new(&simulated_table);

    (void)constraints, (void)count;
    for (size_t i = 0; i < simulated_count(context); i++) {
        struct simulated_info info;

        simulated_info(simulated_at(context, i), &info);
        add_row(rows, &info);
    }
    return rows;
}

const struct table simulated_table = {
    .name = "clients", .doc = "simulated producers and consumers", .columns = columns, .open = open_rows, .next = rows_next, .get = rows_get, .close = rows_close,
};
