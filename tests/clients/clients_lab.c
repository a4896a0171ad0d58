/* The scene of the tests of producer and consumer. */
#include "tests/clients/clients_lab.h"

#include <stdio.h>
#include <stdlib.h>

#include "sim/base/mem.h"
#include "sim/cluster/cluster.h"

struct clients_lab *clients_lab_new(enum release release, int32_t brokers)
{
    static const int32_t ports[] = { 9092, 9093, 9094 };
    struct clients_lab *lab = mem_zero(sizeof(*lab));
    struct cluster_options options;

    lab->release = release;
    lab->queue = queue_new(1767261600000000);
    lab->fs = fs_memory(queue_clock(lab->queue));
    random_init(&lab->random, 42);
    lab->journal = journal_new(queue_clock(lab->queue), 0);
    config_map_set(&lab->settings, "offsets.topic.replication.factor", "1");
    config_map_set(&lab->settings, "group.initial.rebalance.delay.ms", "0");
    options = (struct cluster_options){
        .release = release, .broker_count = brokers, .first_broker_id = release_is_27(release) ? 0 : 1, .dir = "lab", .settings = &lab->settings,
        .host = "localhost", .ports = ports, .queue = lab->queue, .random = &lab->random, .journal = lab->journal, .fs = lab->fs,
    };
    CHECK_INT(ERR_OK, cluster_open(&lab->cluster, &options, NULL));
    lab->wire = wire_new(lab->cluster);
    lab->timers = timers_virtual(lab->queue);
    lab->timers.outside = true;
    lab->transport = transport_local(lab->wire, &lab->timers, "127.0.0.1");
    return lab;
}

void clients_lab_free(struct clients_lab *lab)
{
    transport_free(lab->transport);
    queue_run_due(lab->queue, 1000);
    wire_free(lab->wire);
    cluster_drop(lab->cluster);
    fs_free(lab->fs);
    journal_free(lab->journal);
    queue_free(lab->queue);
    config_map_done(&lab->settings);
    text_done(&lab->log);
    mem_free(lab);
}

void clients_lab_run(struct clients_lab *lab, int64_t ms)
{
    queue_run_until(lab->queue, queue_now_us(lab->queue) + ms * 1000);
}

void clients_lab_topic(struct clients_lab *lab, const char *name, int32_t partitions)
{
    CHECK_INT(ERR_OK, controller_create_topic(lab->cluster, &(struct create_topic){ .name = name, .partition_count = partitions, .replication_factor = 1 },
                                              false, NULL, NULL, NULL));
    clients_lab_run(lab, 1000);
}

struct play {
    void (*body)(struct task *task, struct clients_lab *lab);
    struct clients_lab *lab;
    bool ended;
};

static void play_run(struct task *task, void *context)
{
    struct play *play = context;

    play->body(task, play->lab);
}

static void play_ended(void *context)
{
    ((struct play *)context)->ended = true;
}

void clients_lab_play(struct clients_lab *lab, void (*body)(struct task *, struct clients_lab *))
{
    struct play play = { body, lab, false };

    task_start(play_run, play_ended, &play);
    while (!play.ended)
        CHECK(queue_run_next(lab->queue));
}

static void warn(void *context, const char *level, const char *message, const char *logger)
{
    struct clients_lab *lab = context;

    (void)logger;
    text_printf(&lab->log, "%s %s\n", level, message);
}

static void read_settings(const char *settings, struct config_map *map)
{
    char *copy = mem_text(settings), *rest = copy, *one;

    while ((one = strsep(&rest, " "))) {
        char *equals = strchr(one, '=');

        if (!equals)
            continue;
        *equals = 0;
        config_map_set(map, one, equals + 1);
    }
    mem_free(copy);
}

static struct client_options options_of(struct clients_lab *lab)
{
    return (struct client_options){ .transport = lab->transport, .bootstrap = "localhost:9092", .release = lab->release, .warn = warn, .warn_context = lab };
}

static void on_done(void *context, const struct producer_result *result)
{
    struct text *results = context;

    if (!results)
        return;
    text_printf(results, "%llu ", (unsigned long long)result->number);
    if (result->err)
        text_printf(results, "%s: %s\n", err_name(result->err), result->message);
    else
        text_printf(results, "%s-%d@%lld\n", result->topic, result->partition, (long long)result->offset);
}

struct producer *lab_producer(struct clients_lab *lab, const char *settings, struct text *results)
{
    struct client_options options = options_of(lab);
    struct config_map config = { 0 };
    struct producer *producer;
    struct reason reason = { "" };

    options.client_id = "p";
    read_settings(settings, &config);
    CHECK_INT(ERR_OK, producer_open(&producer, &options, lab->queue, &config, on_done, results, &reason));
    config_map_done(&config);
    return producer;
}

void lab_send(struct task *task, struct producer *producer, const char *topic, int32_t partition, const char *key, const char *value)
{
    struct producer_record record = { .topic = topic, .partition = partition, .timestamp_ms = -1, .key = bytes_text(key), .value = bytes_text(value) };

    CHECK_INT(ERR_OK, producer_send(task, producer, &record, NULL, NULL));
}

struct consumer *lab_consumer(struct clients_lab *lab, const char *settings)
{
    struct client_options options = options_of(lab);
    struct config_map config = { 0 };
    struct consumer *consumer;
    struct reason reason = { "" };

    read_settings(settings, &config);
    CHECK_INT(ERR_OK, consumer_open(&consumer, &options, lab->queue, &config, &reason));
    config_map_done(&config);
    return consumer;
}

char *lab_consume(struct task *task, struct consumer *consumer)
{
    struct text text = { 0 };
    const struct consumer_record *records;
    size_t count;

    text_add(&text, "");
    do {
        struct reason reason = { "" };
        enum err err = consumer_poll(task, consumer, 1000000, &records, &count, &reason);

        if (err)
            text_printf(&text, "%s: %s", err_name(err), reason.text);
        for (size_t i = 0; i < count; i++)
            text_printf(&text, "%s%s-%d@%lld %.*s=%.*s", text.size ? " " : "", records[i].topic, records[i].partition, (long long)records[i].offset,
                        records[i].key.data ? (int)records[i].key.size : 4, records[i].key.data ? (const char *)records[i].key.data : "null",
                        records[i].value.data ? (int)records[i].value.size : 4, records[i].value.data ? (const char *)records[i].value.data : "null");
    } while (count);
    return text.data ? text_take(&text) : mem_text("");
}

char *lab_assigned(const struct consumer *consumer)
{
    struct consumer_position positions[16];
    size_t count = consumer_assignment(consumer, positions, 16);
    struct text text = { 0 };

    text_add(&text, "");
    for (size_t i = 0; i < count; i++)
        text_printf(&text, "%s%s-%d", i ? " " : "", positions[i].topic, positions[i].partition);
    return text.data ? text_take(&text) : mem_text("");
}
