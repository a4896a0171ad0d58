/* ElectLeaders: what is answered, and when. */
#include "sim/wire/api/43_elect_leaders.h"
#include "tests/wire/wire_lab.h"

static struct wire_client *to(struct wire_lab *lab, int32_t id)
{
    for (size_t i = 0; i < cluster_broker_count(lab->cluster); i++)
        if (broker_id(cluster_broker_at(lab->cluster, i)) == id)
            return wire_lab_client(lab, i, true);
    return NULL;
}

static void make(struct wire_lab *lab, const char *name, int32_t a, int32_t b)
{
    int32_t replicas[] = { a, b };
    struct assignment assignments[] = { { 0, replicas, 2 }, { 1, replicas, 2 } };
    struct create_topic create = { .name = name, .assignments = assignments, .assignment_count = 2, .partition_count = -1, .replication_factor = -1 };

    CHECK_INT(ERR_OK, controller_create_topic(lab->cluster, &create, false, NULL, NULL, NULL));
    queue_run_until(lab->queue, queue_now_us(lab->queue) + 1000000);
}

static void away_and_back(struct wire_lab *lab, int32_t id)
{
    struct broker *broker = cluster_broker(lab->cluster, id);

    CHECK_INT(ERR_OK, broker_stop(broker, NULL));
    queue_run_until(lab->queue, queue_now_us(lab->queue) + 3000000);
    CHECK_INT(ERR_OK, broker_start(broker, NULL));
    queue_run_until(lab->queue, queue_now_us(lab->queue) + 3000000);
}

TEST(of_all_partitions_those_are_told_of_that_were_elected)
{
    for (int old = 0; old < 2; old++) {
        struct wire_lab *lab = wire_lab_new(old ? RELEASE_27 : RELEASE_43, 3, "auto.leader.rebalance.enable=false");
        int32_t controller = image_controller(cluster_image(lab->cluster)), first = controller + 1, second = controller + 2;
        struct wire_client *client = to(lab, controller);
        struct elect_leaders_request in = { .topic_partitions = { NULL, -1 }, .timeout_ms = 30000 };
        struct elect_leaders_response *out;

        make(lab, "orders", second, first);
        make(lab, "students", first, second);
        away_and_back(lab, first);
        out = client_ask(client, 43, 2, &in);
        CHECK_INT(ERR_OK, out->error_code);
        CHECK_INT(old ? 1 : 2, out->replica_election_results.count); /* 4.3 names the other topic, without partitions */
        CHECK_TEXT("students", out->replica_election_results.items[!old].topic);
        CHECK_INT(2, out->replica_election_results.items[!old].partition_result.count);
        CHECK_INT(ERR_OK, out->replica_election_results.items[!old].partition_result.items[1].error_code);
        CHECK_TEXT(NULL, out->replica_election_results.items[!old].partition_result.items[1].error_message);
        CHECK_INT(first, image_partition(broker_image(cluster_broker(lab->cluster, controller)), "students", 1)->leader);
        out = client_ask(client, 43, 2, &in);
        CHECK_INT(old ? 0 : 2, out->replica_election_results.count);
        wire_lab_free(lab);
    }
}

TEST(each_partition_that_was_named_has_its_answer)
{
    int32_t asked[] = { 1, 7 };
    struct elect_leaders_request_topic topic = { "students", { asked, 2 } };
    struct elect_leaders_request in = { .election_type = 1, .topic_partitions = { &topic, 1 }, .timeout_ms = 30000 };
    struct wire_lab *lab = wire_lab_new(RELEASE_43, 3, NULL);
    struct elect_leaders_response *out;
    struct wire_client *client = to(lab, 1);

    make(lab, "students", 2, 3);
    out = client_ask(client, 43, 2, &in);
    CHECK_INT(1, out->replica_election_results.count);
    CHECK_INT(2, out->replica_election_results.items[0].partition_result.count);
    CHECK_INT(ERR_ELECTION_NOT_NEEDED, out->replica_election_results.items[0].partition_result.items[0].error_code);
    CHECK_INT(7, out->replica_election_results.items[0].partition_result.items[1].partition_id);
    CHECK_INT(ERR_UNKNOWN_TOPIC_OR_PARTITION, out->replica_election_results.items[0].partition_result.items[1].error_code);
    in.election_type = 5;
    out = client_ask(client, 43, 2, &in);
    CHECK_INT(ERR_INVALID_REQUEST, out->error_code);
    wire_lab_free(lab);

    lab = wire_lab_new(RELEASE_27, 3, NULL); /* only the controller takes it */
    make(lab, "students", 1, 2);
    in.election_type = 0;
    out = client_ask(to(lab, 2), 43, 2, &in);
    CHECK_INT(ERR_OK, out->error_code);
    CHECK_INT(ERR_NOT_CONTROLLER, out->replica_election_results.items[0].partition_result.items[0].error_code);
    wire_lab_free(lab);
}

TEST(many_partitions_are_elected_in_slices)
{
    struct wire_lab *lab = wire_lab_new(RELEASE_43, 3, "auto.leader.rebalance.enable=false");
    struct elect_leaders_request in = { .topic_partitions = { NULL, -1 }, .timeout_ms = 30000 };
    struct assignment *assignments = mem_zero_array(500, sizeof(*assignments));
    int32_t replicas[] = { 2, 3 };
    struct create_topic create = { .name = "students", .assignments = assignments, .assignment_count = 500, .partition_count = -1, .replication_factor = -1 };
    struct wire_client *client = to(lab, 1);
    struct elect_leaders_response *out;

    for (int32_t p = 0; p < 500; p++)
        assignments[p] = (struct assignment){ p, replicas, 2 };
    CHECK_INT(ERR_OK, controller_create_topic(lab->cluster, &create, false, NULL, NULL, NULL));
    queue_run_until(lab->queue, queue_now_us(lab->queue) + 1000000);
    away_and_back(lab, 2);
    CHECK_INT(3, image_partition(cluster_image(lab->cluster), "students", 499)->leader);
    out = client_ask(client, 43, 2, &in);
    CHECK_INT(500, out->replica_election_results.items[0].partition_result.count);
    for (int32_t p = 0; p < 500; p++) {
        CHECK_INT(ERR_OK, out->replica_election_results.items[0].partition_result.items[p].error_code);
        CHECK_INT(2, image_partition(cluster_image(lab->cluster), "students", p)->leader);
    }
    mem_free(assignments);
    wire_lab_free(lab);
}
