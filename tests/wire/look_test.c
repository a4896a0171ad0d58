/* DeleteRecords and what a broker tells of its folder, its loggers and what has settings. */
#include "tests/wire/wire_lab.h"

static struct delete_records_response_partition delete_before(struct wire_client *client, const char *topic, int32_t partition, int64_t offset)
{
    struct delete_records_request_partition at = { partition, offset };
    struct delete_records_request_topic one = { topic, { &at, 1 } };
    struct delete_records_request in = { .topics = { &one, 1 }, .timeout_ms = 30000 };
    struct delete_records_response *out = client_ask(client, 21, 2, &in);

    CHECK_INT(1, out->topics.count);
    CHECK_INT(1, out->topics.items[0].partitions.count);
    return out->topics.items[0].partitions.items[0];
}

static void produce(struct wire_client *client, const char *topic, int count)
{
    struct arena arena;

    arena_init(&arena);
    CHECK_INT(ERR_OK, lab_produce(client, 8, -1, topic, 0, lab_batch(&arena, count, LAB_START_US / 1000)).error_code);
    arena_done(&arena);
}

TEST(records_before_an_offset_go_and_never_come_back)
{
    struct wire_lab *lab = wire_lab_new(RELEASE_27, 1, "");
    struct wire_client *client = wire_lab_client(lab, 0, false);

    CHECK_INT(ERR_OK, lab_create_topic(client, "students", 1, 1));
    produce(client, "students", 10);
    CHECK_INT(4, delete_before(client, "students", 0, 4).low_watermark);
    CHECK_INT(4, delete_before(client, "students", 0, 2).low_watermark);
    CHECK_INT(ERR_OFFSET_OUT_OF_RANGE, delete_before(client, "students", 0, 11).error_code);
    CHECK_INT(10, delete_before(client, "students", 0, -1).low_watermark);
    CHECK_INT(ERR_UNKNOWN_TOPIC_OR_PARTITION, delete_before(client, "students", 1, 1).error_code);
    CHECK_INT(-1, delete_before(client, "nope", 0, 1).low_watermark);
    wire_lab_free(lab);
}

/* ---- with followers ---- */
static int64_t start_at(struct wire_lab *lab, size_t broker)
{
    return log_start_offset(partition_log(broker_partition(cluster_broker_at(lab->cluster, broker), "students", 0)));
}

static struct wire_client *client_of_leader(struct wire_lab *lab)
{
    struct wire_client *client = wire_lab_client(lab, 0, false);

    CHECK_INT(ERR_OK, lab_create_topic(client, "students", 1, 3));
    wire_lab_advance_ms(lab, 1000);
    for (size_t i = 0; i < 3; i++)
        if (partition_leads(broker_partition(cluster_broker_at(lab->cluster, i), "students", 0)))
            client = i ? wire_lab_client(lab, i, false) : client;
    produce(client, "students", 10);
    wire_lab_advance_ms(lab, 1000);
    return client;
}

static void begin_deletion(struct wire_client *client, int64_t offset, int32_t timeout_ms)
{
    struct delete_records_request_partition at = { 0, offset };
    struct delete_records_request_topic one = { "students", { &at, 1 } };
    struct delete_records_request in = { .topics = { &one, 1 }, .timeout_ms = timeout_ms };

    client_begin(client, 21, 2, &in);
}

static struct delete_records_response_partition deletion(struct wire_client *client)
{
    struct delete_records_response *out = client_answer(client);

    CHECK(out != NULL);
    return out->topics.items[0].partitions.items[0];
}

TEST(a_deletion_is_answered_when_every_live_replica_made_it)
{
    for (int r = 0; r < 2; r++) {
        struct wire_lab *lab = wire_lab_new(r ? RELEASE_43 : RELEASE_27, 3, "");
        struct wire_client *client = client_of_leader(lab);

        begin_deletion(client, 4, 30000);
        while (!client->replied)
            queue_run_next(lab->queue);
        for (size_t i = 0; i < 3; i++)
            CHECK_INT(4, start_at(lab, i));
        CHECK_INT(ERR_OK, deletion(client).error_code);
        CHECK_INT(4, deletion(client).low_watermark);
        begin_deletion(client, 3, 30000);       /* they are past it: at once */
        CHECK(client->replied);
        CHECK_INT(4, deletion(client).low_watermark);
        wire_lab_free(lab);
    }
}

TEST(a_deletion_that_followers_did_not_hear_of_in_time_says_so)
{
    struct wire_lab *lab = wire_lab_new(RELEASE_43, 3, "");
    struct wire_client *client = client_of_leader(lab);

    begin_deletion(client, -1, 0);
    CHECK(!client->replied);
    queue_run_until(lab->queue, queue_now_us(lab->queue));
    CHECK_INT(ERR_REQUEST_TIMED_OUT, deletion(client).error_code);
    CHECK_INT(0, deletion(client).low_watermark);
    wire_lab_advance_ms(lab, 1000);             /* it happens all the same */
    for (size_t i = 0; i < 3; i++)
        CHECK_INT(10, start_at(lab, i));
    produce(client, "students", 5);
    wire_lab_advance_ms(lab, 1000);
    begin_deletion(client, 12, 30000);          /* who asked has gone before the answer */
    CHECK(!client->replied);
    connection_close(client->connection, "the client went");
    client->connection = NULL;
    wire_lab_advance_ms(lab, 1000);
    wire_lab_free(lab);
}

TEST(a_deletion_does_not_outlive_its_topic)
{
    struct wire_lab *lab = wire_lab_new(RELEASE_43, 3, "");
    struct wire_client *client = client_of_leader(lab), *other = wire_lab_client(lab, 0, false);
    const char *name = "students";
    struct delete_topics_request in = { .topic_names = { &name, 1 }, .timeout_ms = 30000 };

    begin_deletion(client, 4, 30000);
    client_ask(other, 20, 5, &in);
    CHECK(client->replied);
    wire_lab_free(lab);
}

static struct describe_log_dirs_response *describe_dirs(struct wire_client *client, struct describe_log_dirs_request_topic *topic)
{
    struct describe_log_dirs_request in = { .topics = { topic, topic ? 1 : -1 } };
    struct describe_log_dirs_response *out = client_ask(client, 35, 2, &in);

    CHECK_INT(1, out->results.count);
    return out;
}

TEST(a_folder_tells_its_partitions_and_their_bytes)
{
    struct wire_lab *lab = wire_lab_new(RELEASE_43, 1, "");
    struct wire_client *client = wire_lab_client(lab, 0, false);
    int32_t wanted[] = { 1, 7 };
    struct describe_log_dirs_request_topic topic = { "orders", { wanted, 2 } };
    struct describe_log_dirs_response *out;

    CHECK_INT(ERR_OK, lab_create_topic(client, "students", 1, 1));
    CHECK_INT(ERR_OK, lab_create_topic(client, "orders", 2, 1));
    produce(client, "students", 1);
    out = describe_dirs(client, NULL);
    CHECK_INT(2, out->results.items[0].topics.count);
    CHECK_TEXT("orders", out->results.items[0].topics.items[0].name);
    CHECK_INT(2, out->results.items[0].topics.items[0].partitions.count);
    CHECK(out->results.items[0].topics.items[1].partitions.items[0].partition_size > 60);
    out = describe_dirs(client, &topic);
    CHECK_INT(1, out->results.items[0].topics.count);
    CHECK_INT(1, out->results.items[0].topics.items[0].partitions.count);
    CHECK_INT(1, out->results.items[0].topics.items[0].partitions.items[0].partition_index);
    wire_lab_free(lab);
}

static enum err set_logger(struct wire_client *client, const char *name, const char *level)
{
    struct incremental_alter_configs_request_config config = { name, 0, level };
    struct incremental_alter_configs_request_resource resource = { 8, "1", { &config, 1 } };
    struct incremental_alter_configs_request in = { .resources = { &resource, 1 } };
    struct incremental_alter_configs_response *out = client_ask(client, 44, 1, &in);

    return (enum err)out->responses.items[0].error_code;
}

static const char *logger_level(struct wire_client *client, const char *name)
{
    const char *keys[] = { name };
    struct describe_configs_request_resource resource = { 8, "1", { keys, 1 } };
    struct describe_configs_request in = { .resources = { &resource, 1 } };
    struct describe_configs_response *out = client_ask(client, 32, 4, &in);

    CHECK_INT(ERR_OK, out->results.items[0].error_code);
    return out->results.items[0].configs.count ? out->results.items[0].configs.items[0].value : NULL;
}

TEST(loggers_can_be_set_and_seen)
{
    struct wire_lab *lab = wire_lab_new(RELEASE_43, 1, "");
    struct wire_client *client = wire_lab_client(lab, 0, false);

    CHECK_TEXT("INFO", logger_level(client, "kafka.log.LogCleaner"));
    CHECK_INT(ERR_OK, set_logger(client, "kafka.log.LogCleaner", "DEBUG"));
    CHECK_TEXT("DEBUG", logger_level(client, "kafka.log.LogCleaner"));
    CHECK_INT(ERR_INVALID_CONFIG, set_logger(client, "kafka.log.LogCleaner", "LOUD"));
    CHECK_INT(ERR_INVALID_CONFIG, set_logger(client, "no.such", "INFO"));
    CHECK_TEXT(NULL, logger_level(client, "no.such"));
    wire_lab_free(lab);
}

TEST(what_has_settings_is_listed_by_type)
{
    struct wire_lab *lab = wire_lab_new(RELEASE_43, 1, "");
    struct wire_client *client = wire_lab_client(lab, 0, false);
    int8_t type = 2, wrong = 99;
    struct list_config_resources_request in = { { &type, 1 } };
    struct list_config_resources_response *out;

    CHECK_INT(ERR_OK, lab_create_topic(client, "students", 1, 1));
    out = client_ask(client, 74, 1, &in);
    CHECK_INT(1, out->config_resources.count);
    CHECK_TEXT("students", out->config_resources.items[0].resource_name);
    in.resource_types.items = &wrong;
    out = client_ask(client, 74, 1, &in);
    CHECK_INT(ERR_UNSUPPORTED_VERSION, out->error_code);
    wire_lab_free(lab);
}

TEST(a_classic_group_is_no_consumer_group)
{
    struct wire_lab *lab = wire_lab_new(RELEASE_43, 1, "");
    struct wire_client *client = wire_lab_client(lab, 0, false);
    struct find_coordinator_request find = { .key = "g", .coordinator_keys = { (const char *[]){ "g" }, 1 } };
    struct consumer_group_describe_request in = { .group_ids = { (const char *[]){ "g" }, 1 } };
    struct consumer_group_describe_response *out;

    client_ask(client, 10, 4, &find); /* makes __consumer_offsets */
    wire_lab_advance_ms(lab, 1000);
    out = client_ask(client, 69, 1, &in);
    CHECK_INT(ERR_GROUP_ID_NOT_FOUND, out->groups.items[0].error_code);
    CHECK_TEXT("Group g not found.", out->groups.items[0].error_message);
    wire_lab_free(lab);
}
