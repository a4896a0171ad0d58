/* A simulated consumer: it polls, works on what it got for as long as it is slow, and commits as it is configured. It knows simulated producers' records by
 * their values, and so which it saw before. */
#include <string.h>

#include "sim/clients/simulated_internal.h"

enum { WORK_US = 10000 };            /* records are worked on in portions of about so long */

/* ---- what was seen ---- */

static struct seen *seen_of(struct simulated_client *client, struct bytes producer, const char *topic, int32_t partition)
{
    struct seen *seen;

    for (size_t i = client->seen_count; i-- > 0;) {
        seen = client->seen[i];
        if (seen->partition == partition && !strncmp(seen->producer, (const char *)producer.data, producer.size) && !seen->producer[producer.size] &&
            !strcmp(seen->topic, topic))
            return seen;
    }
    if (client->seen_count >= MOST_SEEN)
        return NULL;
    seen = mem_zero(sizeof(*seen));
    seen->producer = mem_text_size((const char *)producer.data, producer.size);
    seen->topic = mem_text(topic);
    seen->partition = partition;
    ARRAY_ADD(client->seen, client->seen_count, client->seen_capacity) = seen;
    return seen;
}

static void clear_between(struct seen *seen, uint64_t from, uint64_t to)
{
    if (to - from >= SEEN_WINDOW) {
        memset(seen->bits, 0, sizeof(seen->bits));
        return;
    }
    for (uint64_t n = from + 1; n <= to; n++)
        seen->bits[n % SEEN_WINDOW / 64] &= ~((uint64_t)1 << n % 64);
}

/* True: it was there before (or is so old that nobody remembers). */
static bool note_seen(struct simulated_client *client, struct seen *seen, uint64_t number)
{
    uint64_t *word = &seen->bits[number % SEEN_WINDOW / 64], bit = (uint64_t)1 << number % 64;

    if (number > seen->highest) {
        clear_between(seen, seen->highest, number);
        seen->highest = number;
        *word |= bit;
        return false;
    }
    if (seen->highest - number >= SEEN_WINDOW || *word & bit)
        return true;
    *word |= bit;
    client->out_of_order++;
    return false;
}

static void take(struct simulated_client *client, const struct consumer_record *record)
{
    const struct simulated_client_watch *watch = &client->all->watch;
    struct bytes producer;
    uint64_t number = 0;

    client->consumed++;
    if (record->value.data && simulated_parse(record->value, &producer, &number)) {
        struct seen *seen = seen_of(client, producer, record->topic, record->partition);

        if (seen)
            client->duplicates += note_seen(client, seen, number);
    }
    if (watch->consumed)
        watch->consumed(watch->context, &(struct simulated_record){
            .client = client->name, .number = number, .topic = record->topic, .partition = record->partition, .offset = record->offset,
            .timestamp_ms = record->timestamp_ms, .key = record->key, .value = record->value, .leader_epoch = record->leader_epoch });
}

/* ---- working ---- */

static void wake(void *context)
{
    struct simulated_client *client = context;

    if (client->task)
        task_wake(client->task);
}

/* One that is stopped works on to the end of what its last poll gave, as an application that leaves its loop: its close commits that as read. False: it was killed. */
static bool work(struct task *task, struct simulated_client *client, int64_t us)
{
    client->timer.run = wake;
    client->timer.context = client;
    timer_arm(&client->all->timers, &client->timer, us);
    while (timer_armed(&client->timer) && !client->killed)
        if (!task_wait(task) && !client->killed)
            task_clear_interrupt(task);
    timer_cancel(&client->timer);
    return !client->killed;
}

static bool deal_with(struct task *task, struct simulated_client *client, const struct consumer_record *records, size_t count)
{
    for (size_t i = 0; i < count;) {
        size_t portion = client->slow_us ? (size_t)(WORK_US / client->slow_us) + 1 : count;

        for (size_t end = i + portion < count ? i + portion : (portion = count - i, count); i < end; i++)
            take(client, &records[i]);
        if (client->slow_us && !work(task, client, client->slow_us * (int64_t)portion))
            return false;
    }
    return true;
}

static void run(struct task *task, void *context)
{
    struct simulated_client *client = context;
    struct reason reason = { "" };
    enum err err = ERR_OK;

    client->task = task;
    while (client->state == SIMULATED_RUNNING && !task_interrupted(task) && !err) {
        const struct consumer_record *records;
        struct consumer_counts counts;
        size_t count;

        err = consumer_poll(task, client->consumer, NEVER_US, &records, &count, &reason);
        if (task_interrupted(task) || err)
            break;
        if (!deal_with(task, client, records, count))
            break;
        consumer_counts(client->consumer, &counts);
        if (!counts.auto_commit) {
            enum err commit = consumer_commit(task, client->consumer, NULL); /* where the group went on without it, the next poll sees to that */

            if (commit && !task_interrupted(task))
                client->last_error = commit;
        }
    }
    if (client->killed)
        return;
    if (task_interrupted(task))
        err = ERR_OK;
    task_clear_interrupt(task);
    if (err) {
        client->last_error = err;
        client->error = reason;
    }
    client->farewell = true;
    consumer_close(task, client->consumer);
    client->consumer = NULL;
    if (!client->killed) /* meanwhile */
        simulated_end(client, err ? SIMULATED_FAILED : SIMULATED_STOPPED);
}

static void over(void *context)
{
    struct simulated_client *client = context;

    client->task = NULL;
    simulated_leave(client);
}

/* ---- what the library tells ---- */

static void on_assigned(void *context, const struct consumer_position *partitions, size_t count, int32_t generation)
{
    struct simulated_client *client = context;
    const struct simulated_client_watch *watch = &client->all->watch;

    client->rebalances++;
    if (watch->assigned)
        watch->assigned(watch->context, client->name, partitions, count, generation);
}

static void on_revoked(void *context, const struct consumer_position *partitions, size_t count, int32_t generation, bool lost)
{
    struct simulated_client *client = context;
    const struct simulated_client_watch *watch = &client->all->watch;

    if (watch->revoked)
        watch->revoked(watch->context, client->name, partitions, count, generation, lost);
}

static void on_committed(void *context, const struct consumer_position *positions, size_t count)
{
    struct simulated_client *client = context;
    const struct simulated_client_watch *watch = &client->all->watch;

    if (watch->committed)
        watch->committed(watch->context, client->name, client->group, positions, count);
}

/* ---- beginning and end ---- */

static enum err read_topics(struct simulated_client *client, struct reason *reason)
{
    char *copy = mem_text(client->topic), *rest = copy, *one;
    enum err err = ERR_OK;

    while ((one = strsep(&rest, ",")) && !err) {
        if (!*one)
            continue;
        if (client->topic_count == MOST_TOPICS)
            err = err_because(ERR_INVALID_REQUEST, reason, "a simulated consumer has at most %d topics", MOST_TOPICS);
        else
            client->topics[client->topic_count++] = mem_text(one);
    }
    mem_free(copy);
    if (!err && !client->topic_count)
        err = err_because(ERR_INVALID_REQUEST, reason, "a consumer needs --topic");
    return err;
}

enum err simulated_consumer_begin(struct simulated_client *client, struct reason *reason)
{
    struct client_options options = simulated_client_options(client);
    char *bootstrap;
    enum err err = read_topics(client, reason);

    if (err)
        return err;
    config_map_set(&client->config, "group.id", client->group);
    bootstrap = simulated_bootstrap(client->all);
    options.bootstrap = bootstrap;
    err = consumer_open(&client->consumer, &options, client->all->env.queue, &client->config, reason);
    mem_free(bootstrap);
    if (err)
        return err;
    consumer_watch(client->consumer, &(struct consumer_watch){ on_assigned, on_revoked, on_committed, client });
    err = consumer_subscribe(client->consumer, (const char *const *)client->topics, client->topic_count);
    if (err) {
        consumer_drop(client->consumer);
        client->consumer = NULL;
        return err;
    }
    simulated_enter(client);
    task_start(run, over, client);
    return ERR_OK;
}

void simulated_consumer_stop(struct simulated_client *client)
{
    if (client->task)
        task_interrupt(client->task);
}

void simulated_consumer_drop(struct simulated_client *client)
{
    client->killed = true;
    if (client->task)
        task_interrupt(client->task); /* out of whatever it waits in; from its farewell it drops the consumer itself */
    if (client->consumer && !client->farewell)
        consumer_drop(client->consumer);
    client->consumer = NULL;
}

void simulated_consumer_free(struct simulated_client *client)
{
    for (size_t i = 0; i < client->topic_count; i++)
        mem_free(client->topics[i]);
    for (size_t i = 0; i < client->seen_count; i++) {
        mem_free(client->seen[i]->producer);
        mem_free(client->seen[i]->topic);
        mem_free(client->seen[i]);
    }
    mem_free(client->seen);
}
