/* A cluster in memory, reached in process in virtual time, for the tests of producer and consumer. */
#pragma once
#include "sim/clients/consumer.h"
#include "sim/clients/producer.h"
#include "tests/harness.h"

struct clients_lab {
    struct queue *queue;
    struct fs *fs;
    struct random random;
    struct journal *journal;
    struct config_map settings;
    struct cluster *cluster;
    struct wire *wire;
    struct timers timers;
    struct transport *transport;
    struct text log;                  /* what was warned, a line each */
    enum release release;
};
struct clients_lab *clients_lab_new(enum release release, int32_t brokers);
void clients_lab_free(struct clients_lab *lab);
void clients_lab_topic(struct clients_lab *lab, const char *name, int32_t partitions);
void clients_lab_run(struct clients_lab *lab, int64_t ms);
/* Runs `body` in a task, in virtual time, to its end. */
void clients_lab_play(struct clients_lab *lab, void (*body)(struct task *task, struct clients_lab *lab));
/* "acks=1 linger.ms=5"; what was said of records lands in `results`, a line each. */
struct producer *lab_producer(struct clients_lab *lab, const char *settings, struct text *results);
void lab_send(struct task *task, struct producer *producer, const char *topic, int32_t partition, const char *key, const char *value);
struct consumer *lab_consumer(struct clients_lab *lab, const char *settings);
/* Polls until nothing came for a second: "topic-partition@offset key=value " each. The caller frees it. */
char *lab_consume(struct task *task, struct consumer *consumer);
char *lab_assigned(const struct consumer *consumer); /* "t-0 t-1", sorted as assigned */
