/* What clients hear of a quorum of controllers: DescribeQuorum, and orders that a controller took and could not keep. */
#include "sim/cluster/network.h"
#include "sim/cluster/quorum.h"
#include "tests/wire/wire_lab.h"

static struct describe_quorum_response *describe(struct wire_client *client, int16_t version)
{
    struct describe_quorum_request_partition partitions[2] = { { 0 }, { 1 } };
    struct describe_quorum_request_topic topics[2] = { { "__cluster_metadata", { partitions, 2 } }, { "students", { partitions, 1 } } };
    struct describe_quorum_request in = { .topics = { topics, 2 } };

    return client_ask(client, 55, version, &in);
}

static void begin_create(struct wire_client *client, const char *name)
{
    struct create_topics_request_topic topic = { .name = name, .num_partitions = 1, .replication_factor = 1 };
    struct create_topics_request in = { .topics = { &topic, 1 }, .timeout_ms = 30000 };

    client_begin(client, 19, 4, &in);
}

TEST(the_quorum_is_described)
{
    struct wire_lab *lab = wire_lab_new_quorum(5, 3);
    struct wire_client *client = wire_lab_client(lab, 4, false);
    struct describe_quorum_response *out;
    struct describe_quorum_response_partition *quorum;

    for (int16_t version = 0; version <= 2; version++) {
        out = describe(client, version);
        CHECK(out != NULL);
        CHECK_INT(ERR_OK, out->error_code);
        CHECK_INT(2, out->topics.count);
        CHECK_INT(ERR_UNKNOWN_TOPIC_OR_PARTITION, out->topics.items[0].partitions.items[1].error_code);
        CHECK_INT(ERR_UNKNOWN_TOPIC_OR_PARTITION, out->topics.items[1].partitions.items[0].error_code);
        quorum = &out->topics.items[0].partitions.items[0];
        CHECK_INT(ERR_OK, quorum->error_code);
        CHECK_INT(1, quorum->leader_id);
        CHECK_INT(1, quorum->leader_epoch);
        CHECK_INT(3, quorum->current_voters.count);
        CHECK_INT(2, quorum->observers.count);
        CHECK_INT(4, quorum->observers.items[0].replica_id);
        CHECK(quorum->high_watermark > 0);
        CHECK_INT(quorum->high_watermark, quorum->current_voters.items[2].log_end_offset);
        CHECK_INT(version >= 2 ? 3 : 0, out->nodes.count);
        CHECK_INT(version >= 1, quorum->current_voters.items[1].last_caught_up_timestamp > 0);
        if (version >= 2)
            CHECK_TEXT("CONTROLLER", out->nodes.items[1].listeners.items[0].name);
    }
    wire_lab_free(lab);
}

TEST(an_order_that_a_controller_could_not_keep_is_given_to_the_next)
{
    struct wire_lab *lab = wire_lab_new_quorum(3, 3);
    struct wire_client *client = wire_lab_client(lab, 0, false), *other = wire_lab_client(lab, 1, false);
    struct create_topics_response *out;

    network_cut(lab->cluster, 1, 2);
    network_cut(lab->cluster, 1, 3);
    network_cut(lab->cluster, 2, 1);
    network_cut(lab->cluster, 3, 1);
    begin_create(client, "students");      /* at the old controller, which has no majority any more */
    begin_create(other, "teachers");       /* and on the side of the majority, which has to elect one first */
    wire_lab_advance_ms(lab, 8000);
    CHECK(!client_answer(client));
    out = client_answer(other);
    CHECK(out != NULL);
    CHECK_INT(ERR_OK, out->topics.items[0].error_code);
    network_heal_all(lab->cluster);
    wire_lab_advance_ms(lab, 2000);
    out = client_answer(client);
    CHECK(out != NULL);
    CHECK_INT(ERR_OK, out->topics.items[0].error_code);
    CHECK(image_topic(broker_image(cluster_broker(lab->cluster, 3)), "students") != NULL);
    wire_lab_free(lab);
}

TEST(without_a_majority_an_order_times_out)
{
    struct wire_lab *lab = wire_lab_new_quorum(3, 3);
    struct wire_client *client = wire_lab_client(lab, 0, false), *asking = wire_lab_client(lab, 0, false);
    struct create_topics_response *out;

    CHECK_INT(ERR_OK, broker_kill(cluster_broker(lab->cluster, 2), "killed", NULL));
    CHECK_INT(ERR_OK, broker_kill(cluster_broker(lab->cluster, 3), "killed", NULL));
    begin_create(client, "students"); /* taken, never committed */
    wire_lab_advance_ms(lab, 59000);
    CHECK(!client_answer(client));
    wire_lab_advance_ms(lab, 2000);
    out = client_answer(client);
    CHECK(out != NULL);
    CHECK_INT(ERR_REQUEST_TIMED_OUT, out->topics.items[0].error_code);
    client_begin(asking, 55, 2, &(struct describe_quorum_request){ 0 });
    wire_lab_advance_ms(lab, 59000);
    CHECK(!client_answer(asking));
    wire_lab_advance_ms(lab, 2000);
    CHECK_INT(ERR_REQUEST_TIMED_OUT, ((struct describe_quorum_response *)client_answer(asking))->error_code);
    wire_lab_free(lab);
}
