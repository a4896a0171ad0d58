/* WriteTxnMarkers, and what a partition takes of a transaction before there is a coordinator. */
#include <string.h>

#include "tests/wire/wire_lab.h"

static struct records transactional(struct arena *arena, int64_t producer_id, int32_t sequence)
{
    struct batch_builder builder = { 0 };
    struct bytes records;

    batch_builder_init(&builder, CODEC_NONE);
    builder.producer_id = producer_id;
    builder.producer_epoch = 0;
    builder.base_sequence = sequence;
    builder.attributes |= ATTRIBUTE_TRANSACTIONAL;
    batch_builder_add(&builder, LAB_START_US / 1000, (struct bytes){ 0 }, bytes_text("x"), NULL, 0);
    CHECK_INT(ERR_OK, batch_builder_finish(&builder, &records, NULL));
    records = (struct bytes){ memcpy(arena_alloc(arena, records.size), records.data, records.size), records.size };
    batch_builder_done(&builder);
    return (struct records){ .data = (uint8_t *)records.data, .size = (int32_t)records.size };
}

static int produce(struct wire_client *client, int64_t producer_id, int32_t sequence)
{
    struct arena arena;
    struct produce_request_partition at = { .index = 0 };
    struct produce_request_topic topic = { .name = "students", .partition_data = { &at, 1 } };
    struct produce_request in = { .transactional_id = "t", .acks = -1, .timeout_ms = 1000, .topic_data = { &topic, 1 } };
    struct produce_response *out;

    arena_init(&arena);
    at.records = transactional(&arena, producer_id, sequence);
    out = client_ask(client, 0, 8, &in);
    arena_done(&arena);
    return out->responses.items[0].partition_responses.items[0].error_code;
}

static int end(struct wire_client *client, int16_t version, int64_t producer_id, bool commit, int32_t partition)
{
    struct write_txn_markers_request_topic topic = { .name = "students", .partition_indexes = { &partition, 1 } };
    struct write_txn_markers_request_marker marker = { .producer_id = producer_id, .transaction_result = commit, .topics = { &topic, 1 } };
    struct write_txn_markers_request in = { .markers = { &marker, 1 } };
    struct write_txn_markers_response *out = client_ask(client, 27, version, &in);

    CHECK_INT(producer_id, out->markers.items[0].producer_id);
    CHECK_TEXT("students", out->markers.items[0].topics.items[0].name);
    return out->markers.items[0].topics.items[0].partitions.items[0].error_code;
}

TEST(a_transaction_ends_in_a_partition_by_its_marker)
{
    static const enum release releases[] = { RELEASE_27, RELEASE_43 };

    for (size_t i = 0; i < 2; i++) {
        int16_t version = releases[i] == RELEASE_27 ? 0 : 1;
        struct wire_lab *lab = wire_lab_new(releases[i], 1, releases[i] == RELEASE_27 ? "" : "transaction.partition.verification.enable=false");
        struct wire_client *client = wire_lab_client(lab, 0, false);
        struct aborted aborted;
        struct log *log;

        CHECK_INT(ERR_OK, lab_create_topic(client, "students", 1, 1));
        log = partition_log(broker_partition(cluster_broker(lab->cluster, releases[i] == RELEASE_27 ? 0 : 1), "students", 0));
        CHECK_INT(ERR_OK, produce(client, 7, 0));
        CHECK_INT(ERR_OK, produce(client, 8, 0));
        CHECK_INT(0, log_last_stable_offset(log));
        CHECK_INT(ERR_OK, end(client, version, 7, true, 0));
        CHECK_INT(1, log_last_stable_offset(log));
        CHECK_INT(ERR_OK, end(client, version, 8, false, 0));
        CHECK_INT(4, log_last_stable_offset(log));
        CHECK_INT(1, log_aborted(log, 0, 4, &aborted, 1));
        CHECK_INT(8, aborted.producer_id);
        CHECK_INT(1, aborted.first_offset);
        CHECK_INT(ERR_UNKNOWN_TOPIC_OR_PARTITION, end(client, version, 8, false, 1));
        wire_lab_free(lab);
    }
}

TEST(markers_wait_for_the_replicas_in_sync)
{
    struct wire_lab *lab = wire_lab_new(RELEASE_27, 3, "");
    struct wire_client *client = wire_lab_client(lab, 0, false);

    CHECK_INT(ERR_OK, lab_create_topic(client, "students", 1, 3));
    for (size_t i = 0; i < 3; i++) {
        struct wire_client *broker = wire_lab_client(lab, i, false);

        if (partition_leads(broker_partition(cluster_broker(lab->cluster, (int32_t)i), "students", 0))) {
            CHECK_INT(ERR_OK, end(broker, 0, 7, true, 0));
            CHECK_INT(1, log_high_watermark(partition_log(broker_partition(cluster_broker(lab->cluster, (int32_t)i), "students", 0))));
        } else {
            CHECK_INT(ERR_NOT_LEADER_OR_FOLLOWER, end(broker, 0, 7, true, 0));
        }
    }
    wire_lab_free(lab);
}

TEST(what_no_coordinator_knows_of_4_3_refuses)
{
    struct wire_lab *lab = wire_lab_new(RELEASE_43, 1, "");
    struct wire_client *client = wire_lab_client(lab, 0, false);

    CHECK_INT(ERR_OK, lab_create_topic(client, "students", 1, 1));
    CHECK_INT(ERR_INVALID_TXN_STATE, produce(client, 7, 0));
    wire_lab_free(lab);
}
