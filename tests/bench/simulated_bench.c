/* Records a second that a lab of simulated clients gets through: DESIGN's shape, factor 3, 6 partitions, batches of 100 records of 100 bytes. */
#include <stdio.h>

#include "sim/base/mem.h"
#include "sim/order.h"
#include "sim/sim.h"
#include "tests/bench/bench.h"

enum { SECONDS = 10, RATE = 200000, PRODUCERS = 2 };

static void order(struct lab *lab, const char *words)
{
    struct reason reason = { "" };
    enum err err = lab_order(lab, words, NULL, &reason);

    if (err)
        give_up(words, err, &reason);
}

static struct lab *open_lab(const char *folder, bool memory)
{
    struct create_topic topic = { .name = "students", .partition_count = 6, .replication_factor = 3 };
    struct lab_options options;
    struct lab *lab;
    struct reason reason = { "" };
    struct uuid id;
    enum err err;

    lab_options_default(&options);
    options.dir = memory ? NULL : folder;
    options.memory = memory;
    options.release = RELEASE_43;
    options.brokers = 3;
    options.start_us = 1767225600000000;
    err = lab_open(&lab, &options, &reason);
    if (err)
        give_up(folder, err, &reason);
    err = controller_create_topic(lab_cluster(lab), &topic, false, &id, NULL, &reason);
    if (err)
        give_up("the topic", err, &reason);
    lab_run_slice(lab, queue_now_us(lab_queue(lab)) + 1000000, NULL);
    return lab;
}

static void run_on(struct lab *lab, double seconds)
{
    int64_t until = queue_now_us(lab_queue(lab)) + (int64_t)(seconds * 1e6);

    while (!lab_run_slice(lab, until, NULL))
        ;
}

static void measure(const char *what, const char *folder, bool memory, int consumers)
{
    struct lab *lab = open_lab(folder, memory);
    const struct simulated_clients *clients = lab_simulated(lab);
    uint64_t acknowledged = 0, consumed = 0, events;
    double begin, cpu, took;
    char words[400];

    for (int i = 0; i < PRODUCERS; i++) { /* 100 records of 100 bytes: a batch is full at that */
        snprintf(words, sizeof(words), "producer start p%d --topic students --rate %d/s --size 100 --acks all --producer-property batch.size=10900 "
                 "--producer-property linger.ms=20 --producer-property max.request.size=10000000", i, RATE / PRODUCERS);
        order(lab, words);
    }
    for (int i = 0; i < consumers; i++) {
        snprintf(words, sizeof(words), "consumer start c%d --group g --topic students --consumer-property auto.offset.reset=earliest", i);
        order(lab, words);
    }
    run_on(lab, 1);
    events = queue_events_run(lab_queue(lab));
    begin = seconds_now();
    cpu = cpu_seconds();
    run_on(lab, SECONDS);
    took = seconds_now() - begin;
    cpu = cpu_seconds() - cpu;
    for (size_t i = 0; i < simulated_count(clients); i++) {
        struct simulated_info info;

        simulated_info(simulated_at(clients, i), &info);
        acknowledged += info.acknowledged;
        consumed += info.consumed;
    }
    printf("    %-46s %8.0f records/s, %.0f by the processor's time (%llu acknowledged, %llu consumed; %.2f events a batch of 100)\n", what,
           (double)acknowledged * SECONDS / (SECONDS + 1) / took, (double)acknowledged * SECONDS / (SECONDS + 1) / cpu, (unsigned long long)acknowledged,
           (unsigned long long)consumed, (double)(queue_events_run(lab_queue(lab)) - events) / ((double)RATE * SECONDS / 100));
    lab_close(lab);
}

void bench_simulated(const char *folder)
{
    char *one = mem_printf("%s/one", folder), *two = mem_printf("%s/two", folder);

    measure("producers", one, false, 0);
    measure("producers, files in memory", one, true, 0);
    measure("producers and two consumers", two, false, 2);
    mem_free(one);
    mem_free(two);
}
