/* A simulated producer: its records are due at an even rate. They are made when the library looks what is to be sent, not one by one:
 * between two looks nobody could tell the difference. So a steady producer costs an event a batch or request. */
#include <string.h>

#include "sim/clients/simulated_internal.h"

enum {
    MOST_AT_ONCE = 10000,        /* records made in one event */
    LATE_US = 250000,            /* they are not made later than this, so that counters follow */
};

static void on_timer(void *context);

static int64_t now_us(const struct simulated_client *client)
{
    return queue_now_us(client->all->env.queue);
}

static double rate_now(const struct simulated_client *client)
{
    return client->slow_us ? 1e6 / (double)client->slow_us : client->rate;
}

static int64_t due_us(const struct simulated_client *client, uint64_t number)
{
    return client->base_us + (int64_t)((double)(number - client->base_number) * 1e6 / rate_now(client));
}

static bool more(const struct simulated_client *client)
{
    return client->state == SIMULATED_RUNNING && (!client->count || client->next_number <= (uint64_t)client->count);
}

/* ---- making records ---- */

static void tell_refused(struct simulated_client *client, enum err err)
{
    const struct simulated_client_watch *watch = &client->all->watch;

    client->failed++;
    client->last_error = err;
    if (watch->failed)
        watch->failed(watch->context, &(struct simulated_record){ .client = client->name, .number = client->next_number, .topic = client->topic, .partition = -1,
                                                                  .offset = -1, .timestamp_ms = due_us(client, client->next_number) / 1000, .err = err });
    client->next_number++;
}

/* False: it has to wait. */
static bool offer_one(struct simulated_client *client, int64_t due)
{
    const struct simulated_client_watch *watch = &client->all->watch;
    char key[24];
    struct producer_record record = { .topic = client->topic, .partition = client->partition, .timestamp_ms = due / 1000, .number = client->next_number };
    struct reason reason = { "" };
    enum producer_offer took;
    enum err err;

    record.value = (struct bytes){ (const uint8_t *)client->value,
                                   simulated_value(client->name, client->next_number, client->size, client->value, SIMULATED_MOST_NAME + 32 + (size_t)client->size) };
    if (client->keys)
        record.key = (struct bytes){ (const uint8_t *)key, simulated_key(client->next_number, client->keys, key, sizeof(key)) };
    took = producer_offer(client->producer, &record, due, NULL, &err, &reason);
    if (took == PRODUCER_TOOK) {
        client->blocked_us = -1;
        if (watch->sent)
            watch->sent(watch->context, &(struct simulated_record){ .client = client->name, .number = client->next_number, .topic = client->topic, .partition = -1,
                                                                    .offset = -1, .timestamp_ms = record.timestamp_ms });
        client->next_number++;
        return true;
    }
    if (took == PRODUCER_REFUSED) {
        tell_refused(client, err);
        return true;
    }
    if (client->blocked_us < 0)
        client->blocked_us = now_us(client);
    if (now_us(client) - client->blocked_us < producer_max_block_us(client->producer))
        return false;
    client->blocked_us = -1;
    tell_refused(client, producer_blocked(client->producer, took, &record, &reason));
    return true;
}

static void pull(void *context)
{
    struct simulated_client *client = context;

    for (int made = 0; made < MOST_AT_ONCE && more(client); made++) {
        int64_t due = due_us(client, client->next_number);

        if (due > now_us(client) || !offer_one(client, due))
            break;
    }
}

/* ---- when to look again ---- */

static void arm_at(struct simulated_client *client, int64_t at_us)
{
    int64_t left_us = at_us - now_us(client);

    if (timer_armed(&client->timer) && timer_left_us(&client->timer) == left_us)
        return;
    client->timer.run = on_timer;
    client->timer.context = client;
    timer_arm(&client->all->timers, &client->timer, left_us > 0 ? left_us : 0);
}

static void stepped(void *context)
{
    struct simulated_client *client = context;
    struct producer_counts counts;
    int64_t slack, due, latest;

    producer_counts(client->producer, &counts);
    if (!more(client)) {
        if (client->count && client->next_number > (uint64_t)client->count && client->state == SIMULATED_RUNNING && !client->stopping) {
            client->stopping = true; /* all are made: what lingers goes at once */
            arm_at(client, now_us(client));
        } else if (!counts.unsent) {
            arm_at(client, now_us(client)); /* to its end, but not from within the library */
        } else {
            timer_cancel(&client->timer);
        }
        return;
    }
    if (client->blocked_us >= 0) {
        arm_at(client, client->blocked_us + producer_max_block_us(client->producer));
        return;
    }
    slack = producer_slack(client->producer, client->topic, (size_t)client->size + strlen(client->name) + 64);
    due = due_us(client, client->next_number);
    latest = due + LATE_US;
    if (slack > 0 && slack < INT32_MAX && due_us(client, client->next_number + (uint64_t)slack) < latest)
        latest = due_us(client, client->next_number + (uint64_t)slack);
    arm_at(client, slack > 0 ? latest : due);
}

static void on_timer(void *context)
{
    struct simulated_client *client = context;
    struct producer_counts counts;

    producer_counts(client->producer, &counts);
    if (!more(client) && !counts.unsent) {
        simulated_producer_drop(client);
        simulated_end(client, client->state == SIMULATED_RUNNING ? SIMULATED_DONE : SIMULATED_STOPPED);
        return;
    }
    if (client->stopping)
        producer_flush_begin(client->producer);
    else
        producer_step(client->producer);
}

/* ---- results ---- */

static void on_batch(void *context, const struct producer_batch_result *result)
{
    struct simulated_client *client = context;
    const struct simulated_client_watch *watch = &client->all->watch;
    void (*tell)(void *, const struct simulated_record *) = result->err ? watch->failed : watch->acked;

    if (result->err) {
        client->failed += result->count;
        client->last_error = result->err;
    } else {
        client->acknowledged += result->count;
    }
    for (size_t i = 0; tell && i < result->count; i++)
        tell(watch->context, &(struct simulated_record){
            .client = client->name, .number = result->records[i].number, .topic = result->topic,
            .partition = result->partition, .offset = result->base_offset < 0 ? -1 : result->base_offset + (int64_t)i,
            .timestamp_ms = result->log_append_time_ms >= 0 ? result->log_append_time_ms : result->records[i].timestamp_ms, .err = result->err });
}

static void on_retried(void *context, const char *topic, int32_t partition, enum err err, size_t records)
{
    struct simulated_client *client = context;

    (void)topic, (void)partition, (void)records;
    client->last_error = err;
}

/* ---- beginning and end ---- */

enum err simulated_producer_begin(struct simulated_client *client, struct reason *reason)
{
    struct client_options options = simulated_client_options(client);
    char *bootstrap = simulated_bootstrap(client->all);
    enum err err;

    options.bootstrap = bootstrap;
    err = producer_open(&client->producer, &options, client->all->env.queue, &client->config, NULL, NULL, reason);
    mem_free(bootstrap);
    if (err)
        return err;
    client->value = mem_alloc(SIMULATED_MOST_NAME + 32 + (size_t)client->size);
    client->next_number = client->base_number = 1;
    client->base_us = now_us(client);
    producer_set_chance(client->producer, client->random);
    producer_watch(client->producer, &(struct producer_watch){ .batch = on_batch, .pull = pull, .stepped = stepped, .retried = on_retried, .context = client });
    arm_at(client, now_us(client));
    return ERR_OK;
}

void simulated_producer_pace(struct simulated_client *client)
{
    client->base_us = now_us(client);
    client->base_number = client->next_number;
    producer_step(client->producer);
}

void simulated_producer_stop(struct simulated_client *client)
{
    client->stopping = true;
    arm_at(client, now_us(client));
}

void simulated_producer_drop(struct simulated_client *client)
{
    struct producer *producer = client->producer;
    struct producer_counts counts;

    producer_counts(producer, &counts);
    client->retries = counts.retries;
    client->producer = NULL;
    producer_watch(producer, &(struct producer_watch){ 0 });
    producer_close(producer);
}
