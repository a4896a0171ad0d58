/* The consumer: poll gives records to its caller; a task beside it keeps metadata, membership and positions right, timers keep the
 * member alive. Source of behaviour: Kafka's KafkaConsumer (the classic protocol), ConsumerCoordinator, Fetcher. */
#include "sim/clients/consumer_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- small things ---- */

int64_t consumer_now_us(const struct consumer *consumer)
{
    return queue_now_us(consumer->queue);
}

void consumer_enter(struct consumer *consumer)
{
    consumer->using++;
}

void consumer_leave(struct consumer *consumer)
{
    if (!--consumer->using && consumer->closing)
        mem_free(consumer);
}

void consumer_wake(struct consumer *consumer)
{
    consumer->pending = true;
    if (consumer->worker && !consumer->closing)
        task_wake(consumer->worker);
}

static void on_tick(void *context)
{
    consumer_wake(context);
}

void consumer_wake_in(struct consumer *consumer, int64_t us)
{
    consumer->tick.run = on_tick;
    consumer->tick.context = consumer;
    if (!timer_armed(&consumer->tick) || timer_left_us(&consumer->tick) > us)
        timer_arm(consumer->timers, &consumer->tick, us > 0 ? us : 0);
}

void consumer_wake_waiter(struct consumer *consumer)
{
    if (consumer->waiter)
        task_wake(consumer->waiter);
}

void consumer_fail(struct consumer *consumer, enum err err, const char *format, ...)
{
    va_list args;

    if (consumer->failed)
        return;
    consumer->failed = err;
    va_start(args, format);
    vsnprintf(consumer->reason.text, sizeof(consumer->reason.text), format, args);
    va_end(args);
}

void consumer_warn(struct consumer *consumer, const char *level, const char *logger, const char *format, ...)
{
    char *message, *line;
    va_list args;

    if (!consumer->options.warn)
        return;
    va_start(args, format);
    message = mem_vprintf(format, args);
    va_end(args);
    line = mem_printf("[Consumer clientId=%s, groupId=%s] %s", consumer->client_id, consumer->group_id ? consumer->group_id : "null", message);
    consumer->options.warn(consumer->options.warn_context, level, line, logger);
    mem_free(line);
    mem_free(message);
}

bool consumer_sleep(struct consumer *consumer, int64_t us)
{
    struct timer timer = { .run = on_tick, .context = consumer };
    struct task *task = consumer->worker;

    timer_arm(consumer->timers, &timer, us);
    while (timer_armed(&timer) && task_wait(task))
        ;
    timer_cancel(&timer);
    return !task_interrupted(task);
}

void texts_free(char ***texts, size_t *count)
{
    for (size_t i = 0; i < *count; i++)
        mem_free((*texts)[i]);
    mem_free(*texts);
    *texts = NULL;
    *count = 0;
}

/* ---- requests that nobody waits for ---- */

struct later *consumer_later(struct consumer *consumer, int16_t api)
{
    struct later *later = mem_zero(sizeof(*later));

    later->consumer = consumer;
    later->api = api;
    arena_init(&later->arena);
    later->next = consumer->laters;
    consumer->laters = later;
    return later;
}

/* `send` is not kept where the answer came within the call: `later` is gone then. */
void consumer_send_later(struct later *later, int32_t node, int16_t most_version, const void *request, client_reply *reply)
{
    struct consumer *consumer = later->consumer;
    struct client_send *send;

    consumer_enter(consumer);
    send = client_send(consumer->client, node, later->api, most_version, request, &later->arena, reply, later);
    for (struct later *other = consumer->laters; other; other = other->next)
        if (other == later)
            later->send = send;
    consumer_leave(consumer);
}

void consumer_later_done(struct later *later)
{
    struct later **at = &later->consumer->laters;

    while (*at != later)
        at = &(*at)->next;
    *at = later->next;
    arena_done(&later->arena);
    mem_free(later);
}

/* ---- partitions ---- */

struct part *consumer_part(struct consumer *consumer, uint64_t id)
{
    for (size_t i = 0; i < consumer->part_count; i++)
        if (consumer->parts[i]->id == id)
            return consumer->parts[i];
    return NULL;
}

struct part *consumer_add_part(struct consumer *consumer, const char *topic, int32_t partition)
{
    struct part *part = mem_zero(sizeof(*part));

    part->topic = mem_text(topic);
    part->partition = partition;
    part->id = ++consumer->next_id;
    part_move(part, -1, -1);
    part->high_watermark = -1;
    part->sure_epoch = part->replica = -1;
    part->want = WANT_COMMITTED;
    ARRAY_ADD(consumer->parts, consumer->part_count, consumer->part_capacity) = part;
    return part;
}

void consumer_free_part(struct part *part)
{
    mem_free(part->topic);
    mem_free(part);
}

void consumer_clear_parts(struct consumer *consumer)
{
    for (size_t i = 0; i < consumer->part_count; i++)
        consumer_free_part(consumer->parts[i]);
    consumer->part_count = 0;
}

size_t consumer_assignment(const struct consumer *consumer, struct consumer_position *out, size_t most)
{
    for (size_t i = 0; i < consumer->part_count && i < most; i++)
        out[i] = (struct consumer_position){ consumer->parts[i]->topic, consumer->parts[i]->partition, consumer->parts[i]->position };
    return consumer->part_count;
}

void consumer_watch(struct consumer *consumer, const struct consumer_watch *watch)
{
    consumer->watch = *watch;
}

void consumer_counts(const struct consumer *consumer, struct consumer_counts *out)
{
    *out = (struct consumer_counts){ .assigned = consumer->part_count, .generation = consumer->generation, .auto_commit = consumer->auto_commit };
    for (const struct flight *flight = consumer->flights; flight; flight = flight->next)
        out->in_flight++;
    for (size_t i = 0; i < consumer->part_count; i++) {
        const struct part *part = consumer->parts[i];

        if (part->position < 0 || part->high_watermark < 0)
            out->lag = -1;
        else if (out->lag >= 0 && part->high_watermark > part->position)
            out->lag += part->high_watermark - part->position;
    }
    if (!consumer->part_count)
        out->lag = -1;
}

void consumer_tell(struct consumer *consumer, enum told what, struct part *const *parts, size_t count)
{
    const struct consumer_watch *watch = &consumer->watch;
    struct consumer_position *positions;

    if (what == TOLD_ASSIGNED ? !watch->assigned : !watch->revoked)
        return;
    positions = mem_zero_array(count + 1, sizeof(*positions));
    for (size_t i = 0; i < count; i++)
        positions[i] = (struct consumer_position){ parts[i]->topic, parts[i]->partition, parts[i]->position };
    if (what == TOLD_ASSIGNED)
        watch->assigned(watch->context, positions, count, consumer->generation);
    else
        watch->revoked(watch->context, positions, count, consumer->generation, what == TOLD_LOST);
    mem_free(positions);
}

void consumer_seek(struct consumer *consumer, const char *topic, int32_t partition, int64_t offset)
{
    for (size_t i = 0; i < consumer->part_count; i++)
        if (consumer->parts[i]->partition == partition && !strcmp(consumer->parts[i]->topic, topic)) {
            part_move(consumer->parts[i], offset, -1);
            consumer->parts[i]->want = WANT_NOTHING;
        }
}

/* ---- metadata ---- */

void consumer_refresh_metadata(struct consumer *consumer)
{
    consumer->refresh = true;
    consumer_wake_in(consumer, consumer->refresh_at_us - consumer_now_us(consumer));
}

static bool match_pattern(struct consumer *consumer)
{
    char **topics = NULL;
    size_t count = 0, capacity = 0;
    bool changed;

    for (size_t i = 0; i < client_topic_count(consumer->client); i++) {
        const struct client_topic *topic = client_topic_at(consumer->client, i);

        if (!topic->err && !(topic->internal && consumer->exclude_internal) && !regexec(&consumer->pattern, topic->name, 0, NULL, 0))
            ARRAY_ADD(topics, count, capacity) = mem_text(topic->name);
    }
    changed = count != consumer->topic_count;
    for (size_t i = 0; i < count && !changed; i++)
        changed = strcmp(topics[i], consumer->topics[i]) != 0;
    texts_free(&consumer->topics, &consumer->topic_count);
    consumer->topics = topics;
    consumer->topic_count = count;
    return changed;
}

static void add_name(const char **names, int32_t *count, const char *name)
{
    for (int32_t i = 0; i < *count; i++)
        if (!strcmp(names[i], name))
            return;
    names[(*count)++] = name;
}

static const char **names_wanted(struct consumer *consumer, int32_t *count)
{
    const char **names = mem_zero_array(consumer->topic_count + consumer->group_topic_count + consumer->part_count + 1, sizeof(*names));

    *count = 0;
    for (size_t i = 0; i < consumer->topic_count; i++)
        add_name(names, count, consumer->topics[i]);
    for (size_t i = 0; i < consumer->group_topic_count; i++)
        add_name(names, count, consumer->group_topics[i]);
    for (size_t i = 0; i < consumer->part_count && !consumer->subscribed; i++)
        add_name(names, count, consumer->parts[i]->topic);
    return names;
}

/* Topics in error are asked for again, and so are partitions without a leader. */
static bool all_well(struct consumer *consumer, const char *const *names, int32_t count)
{
    struct text invalid = { 0 };
    bool well = true;

    for (int32_t i = 0; i < count; i++) {
        const struct client_topic *topic = client_topic(consumer->client, names[i]);

        if (topic && topic->err == ERR_INVALID_TOPIC_EXCEPTION)
            text_printf(&invalid, "%s%s", invalid.size ? ", " : "", names[i]);
        if (topic && topic->err == ERR_TOPIC_AUTHORIZATION_FAILED)
            consumer_fail(consumer, topic->err, "Not authorized to access topics: [%s]", names[i]);
        well &= topic && !topic->err;
        for (int32_t p = 0; topic && p < topic->partition_count; p++)
            well &= topic->partitions[p].leader >= 0;
    }
    if (invalid.size)
        consumer_fail(consumer, ERR_INVALID_TOPIC_EXCEPTION, "Invalid topics: [%s]", text_chars(&invalid));
    text_done(&invalid);
    for (size_t i = 0; i < consumer->part_count; i++) {
        const struct client_topic *topic = client_topic(consumer->client, consumer->parts[i]->topic);

        well &= topic && consumer->parts[i]->partition < topic->partition_count;
    }
    return well;
}

static void ask_metadata(struct consumer *consumer)
{
    int32_t count;
    const char **names = names_wanted(consumer, &count);
    struct reason reason = { "" };
    int64_t backoff_us = consumer->backoff_us;
    enum err err = ERR_OK;
    bool well;

    consumer->refresh = false;
    if (count || consumer->by_pattern)
        err = client_metadata(consumer->worker, consumer->client, consumer->by_pattern ? NULL : names, count, consumer->auto_create, true, &reason);
    mem_free(names);
    if (task_interrupted(consumer->worker))
        return;
    if (!err && consumer->by_pattern && match_pattern(consumer))
        consumer->need_join = true;
    names = names_wanted(consumer, &count); /* things may have changed meanwhile */
    well = !err && all_well(consumer, names, count);
    consumer->refresh_tries = well ? 0 : consumer->refresh_tries + 1;
    for (int i = 1; i < consumer->refresh_tries && !consumer->is_27 && backoff_us < 1000000; i++)
        backoff_us *= 2; /* retry.backoff.max.ms */
    consumer->refreshed_us = consumer_now_us(consumer);
    consumer->refresh_at_us = consumer->refreshed_us + (backoff_us < 1000000 ? backoff_us : 1000000);
    if (!well)
        consumer->refresh = true;
    if (!err && (well || consumer->refresh_tries > 1)) /* a topic that is being made is waited for once */
        consumer->metadata_known = true;
    mem_free(names);
    if (!err)
        consumer_group_check_metadata(consumer);
}

static void metadata_step(struct consumer *consumer)
{
    int64_t now_us = consumer_now_us(consumer);

    if (consumer->refreshed_us && now_us - consumer->refreshed_us >= consumer->max_age_us)
        consumer->refresh = true;
    if (consumer->refresh && consumer->polling && now_us >= consumer->refresh_at_us)
        ask_metadata(consumer);
    if (task_interrupted(consumer->worker))
        return;
    if (!consumer->polling)
        return; /* the next poll looks again */
    now_us = consumer_now_us(consumer);
    if (consumer->refresh)
        consumer_wake_in(consumer, consumer->refresh_at_us - now_us);
    else if (consumer->refreshed_us)
        consumer_wake_in(consumer, consumer->refreshed_us + consumer->max_age_us - now_us);
}

/* ---- the task beside ---- */

/* Partitions that rest are looked at again when their time comes, whatever else happens until then: the one timer may have been used up by something sooner. */
static void wake_for_retries(struct consumer *consumer)
{
    int64_t now_us = consumer_now_us(consumer);

    for (size_t i = 0; i < consumer->part_count; i++)
        if (consumer->parts[i]->retry_at_us > now_us)
            consumer_wake_in(consumer, consumer->parts[i]->retry_at_us - now_us);
}

static void run_worker(struct task *task, void *context)
{
    struct consumer *consumer = context;

    consumer->worker = task;
    while (!task_interrupted(task)) {
        if (!consumer->pending && !task_wait(task))
            break;
        consumer->pending = false;
        metadata_step(consumer);
        if (!task_interrupted(task))
            consumer_group_step(consumer);
        if (!task_interrupted(task))
            consumer_fetch_positions(consumer);
        if (task_interrupted(task))
            break;
        wake_for_retries(consumer);
        consumer_wake_waiter(consumer); /* it sends the fetches */
    }
}

static void worker_over(void *context)
{
    struct consumer *consumer = context;

    consumer->worker = NULL;
    consumer_leave(consumer);
}

/* ---- settings ---- */

struct settings {
    const struct config_map *config;
    enum err err;
    struct reason *reason;
};

static int64_t number(struct settings *settings, const char *key, int64_t preset, const char *type)
{
    const char *value = config_map_get(settings->config, key);
    int64_t out = preset;

    if (value && !parse_i64(value, &out) && !settings->err)
        settings->err = err_because(ERR_INVALID_CONFIG, settings->reason, "Invalid value %s for configuration %s: Not a number of type %s", value, key, type);
    return out;
}

static bool flag(struct settings *settings, const char *key, bool preset)
{
    const char *value = config_map_get(settings->config, key);
    bool out = preset;

    if (value && !parse_bool(value, &out) && !settings->err)
        settings->err = err_because(ERR_INVALID_CONFIG, settings->reason, "Invalid value %s for configuration %s: Expected value to be either true or false",
                                    value, key);
    return out;
}

static void take_reset(struct consumer *consumer, struct settings *settings)
{
    const char *value = config_map_get(settings->config, "auto.offset.reset");

    consumer->reset = value && !strcmp(value, "earliest") ? RESET_EARLIEST : value && !strcmp(value, "none") ? RESET_NONE : RESET_LATEST;
    if (!value || consumer->reset != RESET_LATEST || !strcmp(value, "latest") || settings->err)
        return;
    settings->err = consumer->is_27
        ? err_because(ERR_INVALID_CONFIG, settings->reason, "Invalid value %s for configuration auto.offset.reset: String must be one of: latest, earliest, none", value)
        : err_because(ERR_INVALID_CONFIG, settings->reason, "Invalid value %s for configuration auto.offset.reset: Invalid value `%s` for configuration "
                      "auto.offset.reset. The value must be either 'earliest', 'latest', 'none' or of the format 'by_duration:<PnDTnHnMn.nS.>'.", value, value);
}

static void take_isolation(struct consumer *consumer, struct settings *settings)
{
    const char *value = config_map_get(settings->config, "isolation.level");

    consumer->read_committed = value && !strcmp(value, "read_committed");
    if (value && !consumer->read_committed && strcmp(value, "read_uncommitted") && !settings->err)
        settings->err = err_because(ERR_INVALID_CONFIG, settings->reason,
                                    "Invalid value %s for configuration isolation.level: String must be one of: read_committed, read_uncommitted", value);
}

/* "org.apache.kafka.clients.consumer.RoundRobinAssignor,range": all of them must let members cooperate for it to be done. */
static void take_strategies(struct consumer *consumer, struct settings *settings)
{
    const char *value = config_map_get(settings->config, "partition.assignment.strategy");
    char *copy = mem_text(value ? value : consumer->is_27 ? "range" : "range,cooperative-sticky"), *rest = copy, *one;

    consumer->cooperative = true;
    while ((one = strsep(&rest, ",")) && consumer->strategy_count < 4) {
        const char *name;

        while (*one == ' ')
            one++;
        if (!*one)
            continue;
        name = consumer_assign_named(one);
        if (!name) {
            if (!settings->err)
                settings->err = err_because(ERR_INVALID_CONFIG, settings->reason, "%s ClassNotFoundException exception occurred", one);
            continue;
        }
        consumer->strategies[consumer->strategy_count++] = mem_text(name);
        consumer->cooperative &= consumer_assign_cooperates(name);
    }
    if (!consumer->strategy_count)
        consumer->strategies[consumer->strategy_count++] = mem_text("range");
    consumer->cooperative &= consumer_assign_cooperates(consumer->strategies[0]);
    mem_free(copy);
}

static enum err take_settings(struct consumer *consumer, const struct config_map *config, struct reason *reason)
{
    struct settings settings = { config, ERR_OK, reason };

    take_reset(consumer, &settings);
    take_isolation(consumer, &settings);
    take_strategies(consumer, &settings);
    consumer->auto_commit = flag(&settings, "enable.auto.commit", true) && consumer->group_id;
    consumer->auto_create = flag(&settings, "allow.auto.create.topics", true);
    consumer->exclude_internal = flag(&settings, "exclude.internal.topics", true);
    consumer->auto_commit_us = number(&settings, "auto.commit.interval.ms", 5000, "INT") * 1000;
    consumer->heartbeat_us = number(&settings, "heartbeat.interval.ms", 3000, "INT") * 1000;
    consumer->session_ms = (int32_t)number(&settings, "session.timeout.ms", consumer->is_27 ? 10000 : 45000, "INT");
    consumer->max_poll_ms = (int32_t)number(&settings, "max.poll.interval.ms", 300000, "INT");
    consumer->max_poll_us = (int64_t)consumer->max_poll_ms * 1000;
    consumer->max_poll_records = number(&settings, "max.poll.records", 500, "INT");
    consumer->max_age_us = number(&settings, "metadata.max.age.ms", 300000, "LONG") * 1000;
    consumer->backoff_us = number(&settings, "retry.backoff.ms", 100, "LONG") * 1000;
    consumer->fetch_min_bytes = (int32_t)number(&settings, "fetch.min.bytes", 1, "INT");
    consumer->fetch_wait_ms = (int32_t)number(&settings, "fetch.max.wait.ms", 500, "INT");
    consumer->fetch_max_bytes = (int32_t)number(&settings, "fetch.max.bytes", 52428800, "INT");
    consumer->partition_max_bytes = (int32_t)number(&settings, "max.partition.fetch.bytes", 1048576, "INT");
    consumer->options.reconnect_us = number(&settings, "reconnect.backoff.ms", 50, "LONG") * 1000;
    consumer->options.reconnect_max_us = number(&settings, "reconnect.backoff.max.ms", 1000, "LONG") * 1000;
    consumer->options.request_timeout_us = number(&settings, "request.timeout.ms", 30000, "INT") * 1000;
    consumer->options.api_timeout_us = number(&settings, "default.api.timeout.ms", 60000, "INT") * 1000;
    if (!settings.err && consumer->max_poll_records < 1)
        settings.err = err_because(ERR_INVALID_CONFIG, reason, "Invalid value %lld for configuration max.poll.records: Value must be at least 1",
                                   (long long)consumer->max_poll_records);
    return settings.err;
}

/* ---- open, subscribe, assign ---- */

static void free_texts(struct consumer *consumer)
{
    for (int i = 0; i < consumer->strategy_count; i++)
        mem_free(consumer->strategies[i]);
    mem_free(consumer->client_id);
    mem_free(consumer->group_id);
    mem_free(consumer->instance_id);
    mem_free(consumer->rack);
    consumer_protocol_forget(consumer);
}

/* A broker that was waited for is connected, or can't be. */
static void on_changed(void *context)
{
    struct consumer *consumer = context;

    if (!consumer->awaits_link || consumer->closing)
        return;
    consumer->awaits_link = false;
    consumer_wake_waiter(consumer);
}

static char *make_client_id(const struct consumer *consumer, const struct client_options *options, const struct config_map *config)
{
    const char *set = options->client_id ? options->client_id : config_map_get(config, "client.id");

    if (set && *set)
        return mem_text(set);
    return consumer->group_id ? mem_printf("consumer-%s-1", consumer->group_id) : mem_text("consumer-1");
}

enum err consumer_open(struct consumer **out, const struct client_options *options, struct queue *queue, const struct config_map *config, struct reason *reason)
{
    static const struct config_map nothing;
    struct consumer *consumer = mem_zero(sizeof(*consumer));
    enum err err;

    *out = NULL;
    config = config ? config : &nothing;
    consumer->options = *options;
    consumer->queue = queue;
    consumer->timers = options->transport->timers;
    consumer->is_27 = release_is_27(options->release);
    consumer->group_id = mem_text(config_map_get(config, "group.id") ? config_map_get(config, "group.id") : options->group_id);
    consumer->instance_id = mem_text(config_map_get(config, "group.instance.id"));
    consumer->rack = mem_text(config_map_get(config, "client.rack"));
    consumer->kept_generation = consumer->cooperative_generation = -1;
    consumer->client_id = make_client_id(consumer, options, config);
    consumer->last = &consumer->first;
    arena_init(&consumer->arena);
    consumer_group_init(consumer);
    err = take_settings(consumer, config, reason);
    consumer->options.kind = CLIENT_CONSUMER;
    consumer->options.client_id = consumer->client_id;
    consumer->options.group_id = consumer->group_id;
    consumer->options.changed = on_changed;
    consumer->options.changed_context = consumer;
    if (!err)
        err = client_open(&consumer->client, &consumer->options, reason);
    if (err) {
        consumer_group_done(consumer);
        free_texts(consumer);
        mem_free(consumer);
        return err;
    }
    consumer->using = 1;
    consumer->pending = false;
    task_start(run_worker, worker_over, consumer);
    *out = consumer;
    return ERR_OK;
}

static void begin(struct consumer *consumer)
{
    consumer->refresh = true;
    consumer->refresh_at_us = 0;
    consumer->metadata_known = false;
}

enum err consumer_subscribe(struct consumer *consumer, const char *const *topics, size_t count)
{
    if (!consumer->group_id)
        return ERR_INVALID_GROUP_ID;
    texts_free(&consumer->topics, &consumer->topic_count);
    consumer->topics = mem_zero_array(count + 1, sizeof(*consumer->topics));
    for (size_t i = 0; i < count; i++)
        consumer->topics[consumer->topic_count++] = mem_text(topics[i]);
    consumer->subscribed = consumer->need_join = true;
    begin(consumer);
    return ERR_OK;
}

enum err consumer_subscribe_pattern(struct consumer *consumer, const char *java_pattern, struct reason *reason)
{
    char *posix = text_posix_pattern(java_pattern);
    bool bad = regcomp(&consumer->pattern, posix, REG_EXTENDED | REG_NOSUB) != 0;

    mem_free(posix);
    if (bad)
        return err_because(ERR_INVALID_REGULAR_EXPRESSION, reason, "%s is an invalid regex.", java_pattern);
    if (!consumer->group_id) {
        regfree(&consumer->pattern);
        return ERR_INVALID_GROUP_ID;
    }
    consumer->subscribed = consumer->by_pattern = consumer->need_join = true;
    begin(consumer);
    return ERR_OK;
}

enum err consumer_assign(struct consumer *consumer, const struct consumer_position *positions, size_t count)
{
    consumer_clear_parts(consumer);
    for (size_t i = 0; i < count; i++) {
        struct part *part = consumer_add_part(consumer, positions[i].topic, positions[i].partition);

        part->position = positions[i].offset >= 0 ? positions[i].offset : -1;
        part->want = positions[i].offset == -2 ? WANT_EARLIEST : positions[i].offset == -3 ? WANT_LATEST : positions[i].offset == -1 ? WANT_COMMITTED : WANT_NOTHING;
    }
    begin(consumer);
    return ERR_OK;
}

/* ---- poll ---- */

struct deadline {
    struct timer timer;
    struct task *task;
    bool over;
};

static void deadline_over(void *context)
{
    struct deadline *deadline = context;

    deadline->over = true;
    task_wake(deadline->task);
}

enum err consumer_poll(struct task *task, struct consumer *consumer, int64_t timeout_us, const struct consumer_record **records, size_t *count, struct reason *reason)
{
    struct deadline deadline = { .timer = { .run = deadline_over, .context = &deadline }, .task = task };
    enum err err = ERR_OK;

    arena_reset(&consumer->arena);
    consumer->record_count = 0;
    *records = NULL;
    *count = 0;
    consumer->waiter = task;
    consumer->polling = true;
    consumer->last_poll_us = consumer_now_us(consumer);
    if (timeout_us != NEVER_US)
        timer_arm(consumer->timers, &deadline.timer, timeout_us);
    consumer_wake(consumer);
    while (!task_interrupted(task)) {
        consumer_fetch_take(consumer);
        if (consumer->record_count || consumer->failed)
            break;
        consumer_fetch_send(consumer);
        consumer_fetch_take(consumer);
        if (consumer->record_count || consumer->failed || deadline.over)
            break;
        task_wait(task);
    }
    timer_cancel(&deadline.timer);
    if (task_interrupted(task))
        err = err_because(ERR_NETWORK_EXCEPTION, reason, "interrupted");
    else if (!consumer->record_count && consumer->failed)
        err = err_because(consumer->failed, reason, "%s", consumer->reason.text);
    if (err)
        consumer->failed = ERR_OK;
    else
        consumer_fetch_send(consumer); /* what comes next is on its way while the caller looks at these */
    *records = consumer->records;
    *count = consumer->record_count;
    consumer->waiter = NULL;
    consumer->polling = false;
    consumer->last_poll_us = consumer_now_us(consumer);
    return err;
}

enum err consumer_commit(struct task *task, struct consumer *consumer, struct reason *reason)
{
    bool over = false;
    enum err err = ERR_OK;

    if (!consumer->group_id)
        return err_because(ERR_INVALID_GROUP_ID, reason, "To use the group management or offset commit APIs, you must provide a valid group.id in the consumer configuration.");
    if (consumer->coordinator < 0) {
        int32_t node;

        err = client_group_coordinator(task, consumer->client, consumer->group_id, true, &node, reason);
        if (err)
            return err;
        consumer->coordinator = node;
    }
    if (!consumer_group_send_commit(consumer, &over, &err))
        return consumer->part_count ? err_because(ERR_COORDINATOR_NOT_AVAILABLE, reason, "%s", err_message(ERR_COORDINATOR_NOT_AVAILABLE)) : ERR_OK;
    consumer->waiter = task;
    while (!over && task_wait(task))
        ;
    consumer->waiter = NULL;
    if (!over) {
        for (struct later *later = consumer->laters; later; later = later->next)
            if (later->over == &over)
                later->over = NULL, later->err = NULL;
        return err_because(ERR_NETWORK_EXCEPTION, reason, "interrupted");
    }
    return err ? err_because(err, reason, "%s", err_message(err)) : ERR_OK;
}

/* ---- the end ---- */

void consumer_drop(struct consumer *consumer)
{
    if (!consumer)
        return;
    consumer->closing = true;
    consumer->waiter = NULL;
    consumer_enter(consumer);
    if (consumer->worker)
        task_interrupt(consumer->worker);
    while (consumer->laters) {
        client_send_cancel(consumer->laters->send);
        consumer_later_done(consumer->laters);
    }
    consumer_fetch_done(consumer);
    consumer_group_done(consumer);
    timer_cancel(&consumer->tick);
    client_close(consumer->client);
    consumer_clear_parts(consumer);
    mem_free(consumer->parts);
    texts_free(&consumer->topics, &consumer->topic_count);
    if (consumer->by_pattern)
        regfree(&consumer->pattern);
    mem_free(consumer->records);
    arena_done(&consumer->arena);
    free_texts(consumer);
    consumer_leave(consumer);
}

void consumer_close(struct task *task, struct consumer *consumer)
{
    enum { FAREWELL_US = 5000000 };
    struct deadline deadline = { .timer = { .run = deadline_over, .context = &deadline }, .task = task };
    bool committed = false, left = false;

    if (!consumer)
        return;
    if (!consumer->auto_commit || (consumer->subscribed && !consumer->joined) || !consumer_group_send_commit(consumer, &committed, NULL))
        committed = true;
    consumer_group_give_all_back(consumer);
    consumer->need_join = false;
    if (!consumer_group_send_leave(consumer, &left)) /* behind the commit, on the same connection */
        left = true;
    consumer->waiter = task;
    timer_arm(consumer->timers, &deadline.timer, FAREWELL_US);
    while ((!committed || !left) && !deadline.over && task_wait(task))
        ;
    timer_cancel(&deadline.timer);
    consumer_drop(consumer);
}
