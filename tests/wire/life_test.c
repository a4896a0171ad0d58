/* What clients hear when a broker goes, when no controller is up, and when a disk is slow or refuses. */
#include "sim/base/files_faulty.h"

#include "tests/wire/wire_lab.h"

static void begin_create(struct wire_client *client, const char *name)
{
    struct create_topics_request_topic topic = { .name = name, .num_partitions = 1, .replication_factor = 1 };
    struct create_topics_request in = { .topics = { &topic, 1 }, .timeout_ms = 30000 };

    client_begin(client, 19, 4, &in);
}

TEST(an_order_waits_for_the_controller)
{
    struct wire_lab *lab = wire_lab_new(RELEASE_43, 2, NULL);
    struct wire_client *client = wire_lab_client(lab, 1, false);
    struct create_topics_response *out;

    CHECK_INT(ERR_OK, broker_kill(cluster_broker(lab->cluster, 1), "killed", NULL));
    begin_create(client, "students");
    wire_lab_advance_ms(lab, 30000);
    CHECK(!client_answer(client));
    CHECK_INT(1, wire_waiting(lab->wire, false).for_time);
    CHECK_INT(ERR_OK, broker_start(cluster_broker(lab->cluster, 1), NULL));
    wire_lab_advance_ms(lab, 1000);
    out = client_answer(client);
    CHECK(out != NULL);
    CHECK_INT(ERR_OK, out->topics.items[0].error_code);
    CHECK_INT(0, wire_waiting(lab->wire, false).for_time);
    wire_lab_free(lab);
}

TEST(an_order_waits_a_minute_and_no_longer)
{
    struct wire_lab *lab = wire_lab_new(RELEASE_43, 2, NULL);
    struct wire_client *client = wire_lab_client(lab, 1, false), *leaving = wire_lab_client(lab, 1, false);
    struct create_topics_response *out;

    CHECK_INT(ERR_OK, broker_kill(cluster_broker(lab->cluster, 1), "killed", NULL));
    begin_create(client, "students");
    begin_create(leaving, "orders");
    wire_lab_advance_ms(lab, 59000);
    CHECK(!client_answer(client));
    connection_close(leaving->connection, "enough");
    leaving->connection = NULL;
    wire_lab_advance_ms(lab, 2000);
    out = client_answer(client);
    CHECK(out != NULL);
    CHECK_INT(ERR_REQUEST_TIMED_OUT, out->topics.items[0].error_code);
    wire_lab_free(lab);
}

TEST(a_killed_brokers_clients_lose_their_connections_and_what_they_waited_for)
{
    struct wire_lab *lab = wire_lab_new(RELEASE_27, 2, NULL);
    struct wire_client *gone = wire_lab_client(lab, 1, false), *stays = wire_lab_client(lab, 0, false);

    begin_create(stays, "students");
    wire_lab_advance_ms(lab, 10);
    CHECK(client_answer(stays) != NULL);
    CHECK_INT(2, wire_connection_count(lab->wire));
    CHECK_INT(ERR_OK, broker_kill(cluster_broker(lab->cluster, 1), "killed", NULL));
    CHECK(gone->closed && !gone->connection);
    CHECK(!stays->closed);
    CHECK_INT(1, wire_connection_count(lab->wire));
    wire_lab_free(lab);
}

TEST(acks_1_waits_for_a_slow_disk_and_a_full_one_is_told)
{
    struct wire_lab *lab = wire_lab_new(RELEASE_43, 1, NULL);
    struct wire_client *client = wire_lab_client(lab, 0, false);
    struct disk *disk = broker_disk(cluster_broker_at(lab->cluster, 0));
    struct produce_request_partition partition = { .index = 0 };
    struct produce_request_topic topic = { .name = "students", .partition_data = { &partition, 1 } };
    struct produce_request in = { .acks = 1, .timeout_ms = 30000, .topic_data = { &topic, 1 } };
    struct produce_response *out;
    struct arena arena;

    arena_init(&arena);
    CHECK_INT(ERR_OK, lab_create_topic(client, "students", 1, 1));
    partition.records = lab_batch(&arena, 3, queue_now_ms(lab->queue));
    disk_set_slow(disk, 200000);
    client_begin(client, 0, 9, &in);
    wire_lab_advance_ms(lab, 150);
    CHECK(!client_answer(client));
    wire_lab_advance_ms(lab, 100);
    out = client_answer(client);
    CHECK(out != NULL);
    CHECK_INT(ERR_OK, out->responses.items[0].partition_responses.items[0].error_code);
    disk_heal(disk);
    disk_set_full(disk, 0);
    client_begin(client, 0, 9, &in);
    out = client_answer(client);
    CHECK(out != NULL);
    CHECK_INT(ERR_KAFKA_STORAGE_ERROR, out->responses.items[0].partition_responses.items[0].error_code);
    CHECK(!client->closed);
    wire_lab_advance_ms(lab, 1);
    CHECK(client->closed);
    CHECK_INT(BROKER_DOWN, broker_state(cluster_broker_at(lab->cluster, 0)));
    arena_done(&arena);
    wire_lab_free(lab);
}
