/* Whole labs on the disk: a quiet year, a check over very many partitions, few descriptors. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "sim/base/mem.h"
#include "sim/cluster/partition.h"
#include "sim/sim.h"
#include "tests/bench/bench.h"

enum { MANY = 10000 };
static const int64_t start_us = 1767225600000000;

static struct lab *open_lab(const char *folder, int32_t brokers)
{
    struct lab_options options;
    struct lab *lab;
    struct reason reason = { "" };
    enum err err;

    lab_options_default(&options);
    options.dir = folder;
    options.release = RELEASE_43;
    options.brokers = brokers;
    options.start_us = start_us;
    err = lab_open(&lab, &options, &reason);
    if (err)
        give_up(folder, err, &reason);
    return lab;
}

static void create_topic(struct lab *lab, const char *name, int32_t partitions, int16_t factor, const char *config, const char *value)
{
    struct config_map configs = { 0 };
    struct reason reason = { "" };
    struct uuid id;
    enum err err;

    if (config)
        config_map_set(&configs, config, value);
    err = controller_create_topic(lab_cluster(lab), &(struct create_topic){ .name = name, .partition_count = partitions, .replication_factor = factor,
                                                                            .configs = &configs }, false, &id, NULL, &reason);
    if (err)
        give_up(name, err, &reason);
    config_map_done(&configs);
}

static void append_to(struct partition *partition, int64_t timestamp_ms)
{
    struct batch_builder builder = { 0 };
    struct log_appended out;
    struct bytes batch;
    struct reason reason = { "" };
    enum err err;

    batch_builder_init(&builder, CODEC_NONE);
    batch_builder_add(&builder, timestamp_ms, (struct bytes){ 0 }, bytes_text("Hello, World!"), NULL, 0);
    err = batch_builder_finish(&builder, &batch, &reason);
    if (!err)
        err = partition_append(partition, &(struct log_append){ .records = batch, .origin = APPEND_CLIENT, .produce_version = 9, .now_ms = timestamp_ms },
                               1, &out, &reason);
    if (err)
        give_up("append", err, &reason);
    batch_builder_done(&builder);
}

static void append_to_all(struct lab *lab, const char *topic, int32_t partitions)
{
    for (int32_t p = 0; p < partitions; p++)
        for (size_t b = 0; b < cluster_broker_count(lab_cluster(lab)); b++) {
            struct partition *partition = broker_partition(cluster_broker_at(lab_cluster(lab), b), topic, p);

            if (partition && partition_leads(partition))
                append_to(partition, queue_now_ms(lab_queue(lab)));
        }
}

struct run { double seconds, longest; uint64_t events; };   /* longest: of the processor's time */

/* Event by event, so that the longest is known. */
static struct run run_until(struct lab *lab, int64_t until_us)
{
    struct run run = { 0 };
    double begin = seconds_now();

    while (queue_next_us(lab_queue(lab)) <= until_us) {
        double before = cpu_seconds(), took;

        queue_run_next(lab_queue(lab));
        took = cpu_seconds() - before;
        run.longest = took > run.longest ? took : run.longest;
        run.events++;
    }
    lab_run_slice(lab, until_us, NULL);
    run.seconds = seconds_now() - begin;
    return run;
}

static void print_run(const char *what, struct run run)
{
    printf("    %-46s %8.1f ms, %llu events, the longest %.2f ms\n", what, run.seconds * 1000, (unsigned long long)run.events, run.longest * 1000);
}

static int64_t now_plus(const struct lab *lab, double seconds)
{
    return queue_now_us(lab_queue(lab)) + (int64_t)(seconds * 1e6);
}

void bench_year(const char *folder)
{
    struct lab *lab = open_lab(folder, 3);

    create_topic(lab, "students", 6, 3, NULL, NULL);
    print_run("a minute, topic made", run_until(lab, now_plus(lab, 60)));
    append_to_all(lab, "students", 6);
    print_run("a day with 6 records", run_until(lab, now_plus(lab, 86400)));
    print_run("a year", run_until(lab, now_plus(lab, 365.0 * 86400)));
    lab_close(lab);
}

/* All decisions of a check that keeps, then a check that finds nothing due, then one that takes every partition's only segment. */
void bench_retention(const char *folder)
{
    struct lab *lab = open_lab(folder, 1);
    struct broker *broker = cluster_broker_at(lab_cluster(lab), 0);
    int64_t check_us;
    double begin;
    size_t kept = 0;

    create_topic(lab, "many", MANY, 1, "retention.ms", "3600000");
    print_run("10,000 partitions made", run_until(lab, now_plus(lab, 1)));
    append_to_all(lab, "many", MANY);
    check_us = broker_next_retention_check_us(broker);
    run_until(lab, check_us - 1);
    print_run("a check, nothing due", run_until(lab, check_us));
    begin = seconds_now();
    for (size_t i = 0; i < broker_partition_count(broker); i++) {
        struct retention_decision decision = log_decide_retention(partition_log(broker_partition_at(broker, i)), queue_now_ms(lab_queue(lab)));

        kept += decision.count - decision.delete_count;
        retention_decision_done(&decision);
    }
    printf("    %-46s %8.1f ms (%zu segments kept)\n", "all of them decided, values compared", (seconds_now() - begin) * 1000, kept);
    run_until(lab, now_plus(lab, 3500));
    print_run("the check that takes all 10,000 segments", run_until(lab, now_plus(lab, 301)));
    print_run("the files leave the disk", run_until(lab, now_plus(lab, 120)));
    begin = seconds_now();
    lab_close(lab);
    printf("    %-46s %8.1f ms\n", "closed cleanly", (seconds_now() - begin) * 1000);
    begin = seconds_now();
    lab = open_lab(folder, 1);
    printf("    %-46s %8.1f ms\n", "opened again", (seconds_now() - begin) * 1000);
    if (controller_delete_topic(lab_cluster(lab), "many", NULL, NULL))
        give_up("delete", ERR_UNKNOWN_SERVER_ERROR, NULL);
    print_run("the topic deleted", run_until(lab, now_plus(lab, 10)));
    print_run("its folders leave the disk", run_until(lab, now_plus(lab, 120)));
    lab_close(lab);
}

static double begun;

static void order(const char *what, enum err err, const struct reason *reason)
{
    double took = cpu_seconds() - begun;

    if (err)
        give_up(what, err, reason);
    printf("    %-46s %8.2f ms in the order itself\n", what, took * 1000);
}

static void start_again(struct lab *lab, struct broker *broker, const char *what)
{
    struct reason reason = { "" };

    begun = cpu_seconds();
    order(what, broker_start(broker, &reason), &reason);
    print_run("until it is up", run_until(lab, now_plus(lab, 20)));
    if (broker_state(broker) != BROKER_UP)
        give_up(what, ERR_BROKER_NOT_AVAILABLE, NULL);
}

/* The second of two brokers, then both, die and come back. */
void bench_lives(const char *folder)
{
    struct lab *lab = open_lab(folder, 2);
    struct cluster *cluster = lab_cluster(lab);
    struct broker *broker = cluster_broker_at(cluster, 1);
    struct reason reason = { "" };

    create_topic(lab, "many", MANY, 2, NULL, NULL);
    print_run("10,000 partitions made on two brokers", run_until(lab, now_plus(lab, 1)));
    append_to_all(lab, "many", MANY);
    print_run("a record in each, checkpoints", run_until(lab, now_plus(lab, 120)));
    begun = cpu_seconds();
    order("killed", broker_kill(broker, "killed", &reason), &reason);
    print_run("its session ends, leaders are elected", run_until(lab, now_plus(lab, 20)));
    start_again(lab, broker, "started after a kill");
    begun = cpu_seconds();
    order("stopped", broker_stop(broker, &reason), &reason);
    print_run("until it is down", run_until(lab, now_plus(lab, 20)));
    start_again(lab, broker, "started after a stop");
    begun = cpu_seconds();
    order("its power off", broker_power_off(broker, NULL, &reason), &reason);
    print_run("its session ends", run_until(lab, now_plus(lab, 20)));
    start_again(lab, broker, "started after its power went");
    begun = cpu_seconds();
    order("the first, with the controller, killed", broker_kill(cluster_broker_at(cluster, 0), "killed", &reason), &reason);
    print_run("20 s without it", run_until(lab, now_plus(lab, 20)));
    start_again(lab, cluster_broker_at(cluster, 0), "the first started");
    print_run("ten minutes", run_until(lab, now_plus(lab, 600)));
    lab_close(lab);
}

/* What a request for one place in a long log costs, the first time after the start and at its worst. */
static void look_up(struct log *log, int64_t now_ms)
{
    double first_read = 0, read = 0, time = 0, newest, took;
    struct log_found found;
    struct log_slice slice;

    for (int i = 0; i < 1000; i++) {
        int64_t offset = log_end_offset(log) * (i * 379 % 1000) / 1000;

        begun = cpu_seconds();
        if (log_read(log, offset, 1024 * 1024, log_end_offset(log), true, &slice, NULL))
            give_up("a read", ERR_UNKNOWN_SERVER_ERROR, NULL);
        file_unpin(slice.file);
        took = cpu_seconds() - begun;
        if (i)
            read = took > read ? took : read;
        else
            first_read = took;
        begun = cpu_seconds();
        log_offset_for_time(log, now_ms - 200000 + i * 200, &found, NULL);
        took = cpu_seconds() - begun;
        time = took > time ? took : time;
    }
    begun = cpu_seconds();
    log_offset_of_max_timestamp(log, &found, NULL);
    newest = cpu_seconds() - begun;
    printf("    reads: the first %.2f ms, of 999 the longest %.2f ms; an offset for a time %.2f ms; of the newest record %.2f ms\n", first_read * 1000, read * 1000,
           time * 1000, newest * 1000);
}

void bench_long_log(const char *folder)
{
    enum { RECORD = 1000, RECORDS = 900, BATCHES = 400 };
    struct lab *lab = open_lab(folder, 1);
    struct broker *broker = cluster_broker_at(lab_cluster(lab), 0);
    struct batch_builder builder = { 0 };
    static const uint8_t value[RECORD] = { 1 };
    struct bytes batch;
    struct reason reason = { "" };

    create_topic(lab, "long", 1, 1, NULL, NULL);
    run_until(lab, now_plus(lab, 1));
    batch_builder_init(&builder, CODEC_NONE);
    for (int i = 0; i < RECORDS; i++)
        batch_builder_add(&builder, queue_now_ms(lab_queue(lab)), (struct bytes){ 0 }, (struct bytes){ value, RECORD }, NULL, 0);
    if (batch_builder_finish(&builder, &batch, &reason))
        give_up("a batch", ERR_UNKNOWN_SERVER_ERROR, &reason);
    for (int i = 0; i < BATCHES; i++) {
        struct partition *partition = broker_partition(broker, "long", 0);
        struct log_appended out;

        if (partition_append(partition, &(struct log_append){ .records = batch, .origin = APPEND_CLIENT, .produce_version = 9,
                                                              .now_ms = queue_now_ms(lab_queue(lab)) }, 1, &out, &reason))
            give_up("append", ERR_UNKNOWN_SERVER_ERROR, &reason);
    }
    for (int i = 0; i < 200000; i++)
        append_to(broker_partition(broker, "long", 0), queue_now_ms(lab_queue(lab)));
    batch_builder_done(&builder);
    print_run("200,000 small batches and 360 MB appended", run_until(lab, now_plus(lab, 120)));
    begun = cpu_seconds();
    order("killed", broker_kill(broker, "killed", &reason), &reason);
    run_until(lab, now_plus(lab, 20));
    start_again(lab, broker, "started");
    look_up(partition_log(broker_partition(broker, "long", 0)), queue_now_ms(lab_queue(lab)));
    lab_close(lab);
}

void bench_descriptors(const char *folder)
{
    struct rlimit limit = { 1024, 1024 };
    struct lab *lab;

    setrlimit(RLIMIT_NOFILE, &limit);
    lab = open_lab(folder, 1);
    create_topic(lab, "many", MANY, 1, NULL, NULL);
    run_until(lab, now_plus(lab, 1));
    append_to_all(lab, "many", MANY);
    run_until(lab, now_plus(lab, 600));
    printf("    a record in each of %d partitions, ten minutes: %.1f MB resident\n", MANY, resident_megabytes());
    append_to_all(lab, "many", MANY);
    printf("    a second one: %.1f MB\n", resident_megabytes());
    lab_close(lab);
    lab = open_lab(folder, 1);
    printf("    closed and opened again: %.1f MB\n", resident_megabytes());
    lab_close(lab);
}

/* Batches of 100 records of 100 bytes in turn to six partitions of factor 3, one each 50 virtual microseconds; and what three brokers with 1,000 partitions of
 * factor 3 cost while nobody writes. */
void bench_replication(const char *folder)
{
    enum { BATCHES = 40000, PARTITIONS = 6, RECORDS = 100, IDLE = 1000 };
    struct lab *lab = open_lab(folder, 3);
    struct cluster *cluster = lab_cluster(lab);
    struct batch_builder builder = { 0 };
    struct partition *leaders[PARTITIONS] = { NULL };
    struct reason reason = { "" };
    struct bytes batch;
    char value[80];
    double begin, cpu;
    uint64_t events;

    create_topic(lab, "copied", PARTITIONS, 3, NULL, NULL);
    run_until(lab, now_plus(lab, 1));
    for (int p = 0; p < PARTITIONS; p++)
        leaders[p] = broker_partition(cluster_broker(cluster, image_partition(cluster_image(cluster), "copied", p)->leader), "copied", p);
    memset(value, 'x', sizeof(value));
    batch_builder_init(&builder, CODEC_NONE);
    for (int i = 0; i < RECORDS; i++)
        batch_builder_add(&builder, start_us / 1000, (struct bytes){ 0 }, (struct bytes){ (const uint8_t *)value, sizeof(value) }, NULL, 0);
    if (batch_builder_finish(&builder, &batch, &reason))
        give_up("batch", ERR_UNKNOWN_SERVER_ERROR, &reason);
    events = queue_events_run(lab_queue(lab));
    begin = seconds_now();
    cpu = cpu_seconds();
    for (int i = 0; i < BATCHES; i++) {
        struct log_appended out;
        enum err err = partition_append(leaders[i % PARTITIONS], &(struct log_append){ .records = batch, .origin = APPEND_CLIENT, .produce_version = 9,
                                                                                       .now_ms = queue_now_ms(lab_queue(lab)) }, -1, &out, &reason);

        if (err)
            give_up("append", err, &reason);
        lab_run_slice(lab, queue_now_us(lab_queue(lab)) + 50, NULL);
    }
    lab_run_slice(lab, queue_now_us(lab_queue(lab)) + 2000000, NULL);
    printf("    %-46s %8.0f records/s wall, %.0f of processor time, %.2f events a batch\n", "appended at factor 3", (double)BATCHES * RECORDS / (seconds_now() - begin),
           (double)BATCHES * RECORDS / (cpu_seconds() - cpu), (double)(queue_events_run(lab_queue(lab)) - events) / BATCHES);
    for (int p = 0; p < PARTITIONS; p++)
        if (log_high_watermark(partition_log(leaders[p])) != log_end_offset(partition_log(leaders[p])))
            give_up("not committed", ERR_UNKNOWN_SERVER_ERROR, &reason);
    batch_builder_done(&builder);
    create_topic(lab, "idle", IDLE, 3, NULL, NULL);
    print_run("1,000 partitions of factor 3 made", run_until(lab, now_plus(lab, 10)));
    append_to_all(lab, "idle", IDLE);
    print_run("a record in each of them", run_until(lab, now_plus(lab, 60)));
    print_run("a day with nothing to do", run_until(lab, now_plus(lab, 86400)));
    lab_close(lab);
}
