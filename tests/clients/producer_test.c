/* The producer against a cluster in memory: where records go, in which batches, what is said when they don't. */
#include <stdio.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/cluster/cluster.h"
#include "sim/cluster/partition.h"
#include "sim/log/log.h"
#include "tests/clients/clients_lab.h"

static struct log *log_of(struct clients_lab *lab, const char *topic, int32_t partition)
{
    for (size_t b = 0; b < cluster_broker_count(lab->cluster); b++) {
        struct partition *found = broker_partition(cluster_broker_at(lab->cluster, b), topic, partition);

        if (found && partition_leads(found))
            return partition_log(found);
    }
    return NULL;
}

static void send_three(struct task *task, struct clients_lab *lab)
{
    struct text results = { 0 };
    struct producer *producer = lab_producer(lab, "linger.ms=10", &results);

    lab_send(task, producer, "students", -1, NULL, "Anna");
    lab_send(task, producer, "students", -1, NULL, "Boris");
    CHECK_TEXT("", text_chars(&results));
    CHECK_INT(ERR_OK, producer_flush(task, producer));
    lab_send(task, producer, "students", -1, "k", NULL);
    CHECK_INT(ERR_OK, producer_flush(task, producer));
    CHECK_TEXT("1 students-0@0\n2 students-0@1\n3 students-0@2\n", text_chars(&results));
    producer_close(producer);
    text_done(&results);
}

TEST(records_that_wait_together_travel_together)
{
    static const enum release releases[] = { RELEASE_27, RELEASE_43 };

    for (int i = 0; i < 2; i++) {
        struct clients_lab *lab = clients_lab_new(releases[i], 1);

        clients_lab_topic(lab, "students", 1);
        clients_lab_play(lab, send_three);
        CHECK_INT(3, log_end_offset(log_of(lab, "students", 0)));
        CHECK_TEXT("", text_chars(&lab->log));
        clients_lab_free(lab);
    }
}

/* What Kafka's default partitioner does with these keys and 3 partitions. */
static void send_keys(struct task *task, struct clients_lab *lab)
{
    static const char *const keys[] = { "a", "b", "k1", "user-42" };
    struct text results = { 0 };
    struct producer *producer = lab_producer(lab, "linger.ms=0", &results);
    char expected[200] = "";

    for (int i = 0; i < 4; i++) {
        lab_send(task, producer, "orders", -1, keys[i], "v");
        producer_flush(task, producer);
        snprintf(expected + strlen(expected), sizeof(expected) - strlen(expected), "%d orders-%d@", i + 1, (int)((murmur2(bytes_text(keys[i])) & 0x7fffffff) % 3));
        CHECK(strstr(text_chars(&results), strrchr(expected, '\n') ? strrchr(expected, '\n') + 1 : expected) != NULL);
        expected[0] = 0;
    }
    producer_close(producer);
    text_done(&results);
}

TEST(a_key_chooses_its_partition)
{
    struct clients_lab *lab = clients_lab_new(RELEASE_43, 3);

    clients_lab_topic(lab, "orders", 3);
    clients_lab_play(lab, send_keys);
    clients_lab_free(lab);
}

static void send_unacknowledged(struct task *task, struct clients_lab *lab)
{
    struct text results = { 0 };
    struct producer *producer = lab_producer(lab, "acks=0 enable.idempotence=false", &results);

    lab_send(task, producer, "students", 0, NULL, "Anna");
    CHECK_INT(ERR_OK, producer_flush(task, producer));
    CHECK_TEXT("1 students-0@-1\n", text_chars(&results));
    task_sleep(task, lab->queue, 100000);
    producer_close(producer);
    text_done(&results);
}

TEST(acks_0_knows_no_offset)
{
    struct clients_lab *lab = clients_lab_new(RELEASE_27, 1);

    clients_lab_topic(lab, "students", 1);
    clients_lab_play(lab, send_unacknowledged);
    CHECK_INT(1, log_end_offset(log_of(lab, "students", 0)));
    clients_lab_free(lab);
}

/* Many batches of an idempotent producer: numbers in order, nothing refused. */
static void send_many(struct task *task, struct clients_lab *lab)
{
    struct producer *producer = lab_producer(lab, "enable.idempotence=true acks=all batch.size=200 compression.type=lz4", NULL);

    for (int i = 0; i < 300; i++) {
        char value[20];

        snprintf(value, sizeof(value), "record %d", i);
        lab_send(task, producer, "orders", i % 3, NULL, value);
    }
    CHECK_INT(ERR_OK, producer_flush(task, producer));
    producer_close(producer);
}

TEST(an_idempotent_producer_numbers_its_batches)
{
    struct clients_lab *lab = clients_lab_new(RELEASE_43, 3);

    clients_lab_topic(lab, "orders", 3);
    clients_lab_play(lab, send_many);
    for (int32_t p = 0; p < 3; p++)
        CHECK_INT(100, log_end_offset(log_of(lab, "orders", p)));
    CHECK_TEXT("", text_chars(&lab->log));
    clients_lab_free(lab);
}

static void send_badly(struct task *task, struct clients_lab *lab)
{
    struct producer *producer = lab_producer(lab, "max.request.size=50 max.block.ms=3000", NULL);
    struct reason reason = { "" };
    struct producer_record record = { .topic = "students", .partition = -1, .timestamp_ms = -1, .value = bytes_text("Anna") };

    CHECK_INT(ERR_MESSAGE_TOO_LARGE, producer_send(task, producer, &record, NULL, &reason));
    CHECK_TEXT("The message is 89 bytes when serialized which is larger than 50, which is the value of the max.request.size configuration.", reason.text);
    record.topic = "bad name";
    CHECK_INT(ERR_INVALID_TOPIC_EXCEPTION, producer_send(task, producer, &record, NULL, &reason));
    CHECK_TEXT("Invalid topics: [bad name]", reason.text);
    producer_close(producer);
}

TEST(what_can_not_be_sent_is_said_in_kafkas_words)
{
    struct clients_lab *lab = clients_lab_new(RELEASE_27, 1);

    clients_lab_topic(lab, "students", 1);
    clients_lab_play(lab, send_badly);
    clients_lab_free(lab);
}

static void check_settings(struct clients_lab *lab, const char *key, const char *value, const char *why)
{
    struct client_options options = { .transport = lab->transport, .bootstrap = "localhost:9092", .release = RELEASE_43 };
    struct config_map config = { 0 };
    struct producer *producer = NULL;
    struct reason reason = { "" };

    config_map_set(&config, key, value);
    CHECK(producer_open(&producer, &options, lab->queue, &config, NULL, NULL, &reason) != ERR_OK);
    CHECK_TEXT(why, reason.text);
    config_map_done(&config);
}

static void send_to_a_dead_broker(struct task *task, struct clients_lab *lab)
{
    struct text results = { 0 };
    struct producer *producer = lab_producer(lab, "linger.ms=0 request.timeout.ms=2000 delivery.timeout.ms=3000", &results);
    int64_t began_ms;

    lab_send(task, producer, "students", 0, NULL, "Anna");
    CHECK_INT(ERR_OK, producer_flush(task, producer));
    text_clear(&results);
    CHECK_INT(ERR_OK, broker_kill(cluster_broker_at(lab->cluster, 0), "test", NULL));
    began_ms = queue_now_ms(lab->queue);
    lab_send(task, producer, "students", 0, NULL, "Boris");
    CHECK_INT(ERR_OK, producer_flush(task, producer));
    CHECK_INT(3000, queue_now_ms(lab->queue) - began_ms);
    CHECK(strstr(text_chars(&results), "Expiring 1 record(s) for students-0:3000 ms has passed since batch creation"));
    producer_close(producer);
    text_done(&results);
}

TEST(a_record_is_given_up_at_its_delivery_timeout_while_no_broker_answers)
{
    static const enum release releases[] = { RELEASE_27, RELEASE_43 };

    for (int i = 0; i < 2; i++) {
        struct clients_lab *lab = clients_lab_new(releases[i], 1);

        clients_lab_topic(lab, "students", 1);
        clients_lab_play(lab, send_to_a_dead_broker);
        clients_lab_free(lab);
    }
}

TEST(settings_are_checked)
{
    struct clients_lab *lab = clients_lab_new(RELEASE_43, 1);

    check_settings(lab, "acks", "2", "Invalid value 2 for configuration acks: String must be one of: all, -1, 0, 1");
    check_settings(lab, "linger.ms", "abc", "Invalid value abc for configuration linger.ms: Not a number of type LONG");
    check_settings(lab, "compression.type", "foo", "Invalid value foo for configuration compression.type: String must be one of: none, gzip, snappy, lz4, zstd");
    clients_lab_free(lab);
}

/* Closed with records unsent: each gets its result, nothing is left behind. */
static void close_early(struct task *task, struct clients_lab *lab)
{
    struct text results = { 0 };
    struct producer *producer = lab_producer(lab, "linger.ms=10000", &results);

    lab_send(task, producer, "students", 0, NULL, "Anna");
    producer_close(producer);
    CHECK_TEXT("1 NETWORK_EXCEPTION: Producer is closed forcefully.\n", text_chars(&results));
    text_done(&results);
}

TEST(a_producer_closed_early_gives_its_records_back)
{
    struct clients_lab *lab = clients_lab_new(RELEASE_43, 1);

    clients_lab_topic(lab, "students", 1);
    clients_lab_play(lab, close_early);
    CHECK_INT(0, log_end_offset(log_of(lab, "students", 0)));
    clients_lab_free(lab);
}
