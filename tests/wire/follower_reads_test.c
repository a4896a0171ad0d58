/* What clients learn of replicas: a replica nearby to read from (KIP-392), where epochs end, and what nobody knows yet after an election. */
#include "sim/cluster/network.h"
#include "sim/wire/api/01_fetch.h"
#include "sim/wire/api/02_list_offsets.h"
#include "sim/wire/api/23_offset_for_leader_epoch.h"
#include "tests/wire/wire_lab.h"

enum { FETCH = 1, LIST_OFFSETS = 2, OFFSET_FOR_LEADER_EPOCH = 23 };

static struct wire_client *to(struct wire_lab *lab, int32_t id)
{
    for (size_t i = 0; i < cluster_broker_count(lab->cluster); i++)
        if (broker_id(cluster_broker_at(lab->cluster, i)) == id)
            return wire_lab_client(lab, i, false);
    return NULL;
}

/* students-0, led by `first`; ten records. */
static void make(struct wire_lab *lab, int32_t first, int32_t second, int32_t third)
{
    int32_t replicas[] = { first, second, third };
    struct assignment assignment = { 0, replicas, third < 0 ? 2 : 3 };
    struct create_topic create = { .name = "students", .assignments = &assignment, .assignment_count = 1, .partition_count = -1, .replication_factor = -1 };
    struct wire_client *client = to(lab, first);

    CHECK_INT(ERR_OK, controller_create_topic(lab->cluster, &create, false, NULL, NULL, NULL));
    wire_lab_advance_ms(lab, 1000);
    CHECK_INT(ERR_OK, lab_produce(client, 7, -1, "students", 0, lab_batch(&client->arena, 10, queue_now_ms(lab->queue))).error_code);
    wire_lab_advance_ms(lab, 1000);
}

static struct fetch_response_partition fetch(struct wire_client *client, int16_t version, int64_t offset, const char *rack)
{
    struct fetch_request_partition one = { .partition = 0, .current_leader_epoch = -1, .last_fetched_epoch = -1, .fetch_offset = offset, .partition_max_bytes = 100000 };
    struct fetch_request_topic topic = { .topic = "students", .partitions = { &one, 1 } };
    struct fetch_request in = { .replica_id = -1, .max_bytes = 100000, .session_epoch = -1, .topics = { &topic, 1 }, .rack_id = rack };
    struct fetch_response *out = client_ask(client, FETCH, version, &in);

    CHECK(out && out->responses.count == 1);
    return out->responses.items[0].partitions.items[0];
}

TEST(a_client_is_told_of_the_replica_in_its_rack)
{
    for (int old = 0; old < 2; old++) {
        struct wire_lab *lab = wire_lab_new(old ? RELEASE_27 : RELEASE_43, 3,
                                            "broker.rack=a,b,c replica.selector.class=org.apache.kafka.common.replica.RackAwareReplicaSelector");
        int32_t a = old ? 0 : 1, b = a + 1, c = a + 2;
        struct fetch_response_partition out;

        make(lab, a, b, c);
        CHECK_INT(-1, fetch(to(lab, a), 12, 0, "a").preferred_read_replica);
        CHECK_INT(-1, fetch(to(lab, a), 12, 0, "").preferred_read_replica);
        CHECK_INT(-1, fetch(to(lab, a), 12, 0, "z").preferred_read_replica);
        out = fetch(to(lab, a), 12, 0, "b");
        CHECK_INT(b, out.preferred_read_replica);
        CHECK_INT(0, out.records.size);
        CHECK_INT(10, out.high_watermark);
        CHECK_INT(c, fetch(to(lab, a), 12, 10, "c").preferred_read_replica);
        CHECK(fetch(to(lab, a), 12, 0, "a").records.size > 0);
        out = fetch(to(lab, b), 12, 0, "b");                      /* the follower gives what it knows to be committed */
        CHECK_INT(ERR_OK, out.error_code);
        CHECK_INT(-1, out.preferred_read_replica);
        CHECK(out.records.size > 0);
        CHECK_INT(ERR_OFFSET_OUT_OF_RANGE, fetch(to(lab, b), 12, 11, "b").error_code);
        CHECK_INT(ERR_OK, broker_hold(cluster_broker(lab->cluster, b), NULL, -1, NULL));
        CHECK_INT(ERR_OK, lab_produce(to(lab, a), 7, 1, "students", 0, lab_batch(&to(lab, a)->arena, 1, queue_now_ms(lab->queue))).error_code);
        wire_lab_advance_ms(lab, 1000);
        CHECK_INT(-1, fetch(to(lab, a), 12, 11, "b").preferred_read_replica);  /* it has not so much */
        CHECK_INT(b, fetch(to(lab, a), 12, 10, "b").preferred_read_replica);
        wire_lab_advance_ms(lab, 60000);
        CHECK_INT(old ? b : -1, fetch(to(lab, a), 12, 10, "b").preferred_read_replica); /* 4.3: out of the ISR is not asked */
        wire_lab_free(lab);
    }
}

TEST(without_a_selector_everybody_reads_from_the_leader)
{
    struct wire_lab *lab = wire_lab_new(RELEASE_43, 3, "broker.rack=a,b,c");

    make(lab, 1, 2, 3);
    CHECK_INT(-1, fetch(to(lab, 1), 12, 0, "b").preferred_read_replica);
    CHECK(fetch(to(lab, 1), 12, 0, "b").records.size > 0);
    CHECK_INT(ERR_NOT_LEADER_OR_FOLLOWER, fetch(to(lab, 2), 10, 0, NULL).error_code); /* of old only the leader was read from */
    wire_lab_free(lab);
}

static struct offset_for_leader_epoch_response_partition epoch_end(struct wire_client *client, int16_t version, int32_t current, int32_t epoch)
{
    struct offset_for_leader_epoch_request_partition one = { .partition = 0, .current_leader_epoch = current, .leader_epoch = epoch };
    struct offset_for_leader_epoch_request_topic topic = { .topic = "students", .partitions = { &one, 1 } };
    struct offset_for_leader_epoch_request in = { .replica_id = -1, .topics = { &topic, 1 } };
    struct offset_for_leader_epoch_response *out = client_ask(client, OFFSET_FOR_LEADER_EPOCH, version, &in);

    CHECK(out && out->topics.count == 1);
    return out->topics.items[0].partitions.items[0];
}

TEST(a_leader_says_where_its_epochs_end)
{
    struct wire_lab *lab = wire_lab_new(RELEASE_43, 3, NULL);
    struct offset_for_leader_epoch_response_partition out;
    int32_t epoch;

    make(lab, 2, 3, -1);
    CHECK_INT(ERR_OK, broker_kill(cluster_broker(lab->cluster, 2), "killed", NULL));
    wire_lab_advance_ms(lab, 15000);
    epoch = image_partition(cluster_image(lab->cluster), "students", 0)->leader_epoch;
    CHECK_INT(ERR_OK, lab_produce(to(lab, 3), 7, 1, "students", 0, lab_batch(&to(lab, 3)->arena, 5, queue_now_ms(lab->queue))).error_code);
    out = epoch_end(to(lab, 3), 4, -1, 0);
    CHECK_INT(ERR_OK, out.error_code);
    CHECK_INT(0, out.leader_epoch);
    CHECK_INT(10, out.end_offset);
    out = epoch_end(to(lab, 3), 4, epoch, epoch);
    CHECK_INT(epoch, out.leader_epoch);
    CHECK_INT(15, out.end_offset);
    out = epoch_end(to(lab, 3), 4, epoch, epoch + 1);             /* nobody knows such a one */
    CHECK_INT(ERR_OK, out.error_code);
    CHECK_INT(-1, out.leader_epoch);
    CHECK_INT(-1, out.end_offset);
    CHECK_INT(ERR_FENCED_LEADER_EPOCH, epoch_end(to(lab, 3), 4, epoch - 1, 0).error_code);
    CHECK_INT(ERR_UNKNOWN_LEADER_EPOCH, epoch_end(to(lab, 3), 4, epoch + 1, 0).error_code);
    CHECK_INT(ERR_NOT_LEADER_OR_FOLLOWER, epoch_end(to(lab, 1), 4, -1, 0).error_code);
    wire_lab_free(lab);
}

static struct list_offsets_response_partition latest(struct wire_client *client, int16_t version, int32_t replica, int64_t timestamp)
{
    struct list_offsets_request_partition one = { .partition_index = 0, .current_leader_epoch = -1, .timestamp = timestamp };
    struct list_offsets_request_topic topic = { .name = "students", .partitions = { &one, 1 } };
    struct list_offsets_request in = { .replica_id = replica, .topics = { &topic, 1 } };
    struct list_offsets_response *out = client_ask(client, LIST_OFFSETS, version, &in);

    CHECK(out && out->topics.count == 1);
    return out->topics.items[0].partitions.items[0];
}

/* The new leader has what was committed, but not yet heard so: until a follower that counts has fetched from it, it does not say what is latest. */
TEST(a_new_leader_does_not_know_what_is_latest_until_it_is_confirmed)
{
    static const enum release releases[] = { RELEASE_27, RELEASE_43 };

    for (int r = 0; r < 2; r++) {
        struct wire_lab *lab = wire_lab_new(releases[r], 3, NULL);
        bool old = release_is_27(releases[r]);
        int32_t a = old ? 0 : 1, b = a + 1, c = a + 2;

        make(lab, b, c, a);
        CHECK_INT(ERR_OK, lab_produce(to(lab, b), 7, 1, "students", 0, lab_batch(&to(lab, b)->arena, 5, queue_now_ms(lab->queue))).error_code);
        queue_run_until(lab->queue, queue_now_us(lab->queue) + 400); /* the others have them, but have not heard that they are committed */
        CHECK_INT(ERR_OK, broker_hold(cluster_broker(lab->cluster, a), NULL, -1, NULL));
        CHECK_INT(ERR_OK, broker_kill(cluster_broker(lab->cluster, b), "killed", NULL));
        wire_lab_advance_ms(lab, 20000);
        CHECK_INT(c, image_partition(cluster_image(lab->cluster), "students", 0)->leader);
        CHECK_INT(ERR_OFFSET_NOT_AVAILABLE, latest(to(lab, c), 5, -1, -1).error_code);
        CHECK_INT(ERR_LEADER_NOT_AVAILABLE, latest(to(lab, c), 4, -1, -1).error_code);
        CHECK_INT(ERR_OK, latest(to(lab, c), 5, -1, -2).error_code);
        CHECK_INT(15, latest(to(lab, c), 5, 1, -1).offset);       /* a replica sees the log's end */
        CHECK_INT(ERR_OK, broker_release(cluster_broker(lab->cluster, a), NULL, -1, NULL));
        wire_lab_advance_ms(lab, 1000);
        CHECK_INT(ERR_OK, latest(to(lab, c), 5, -1, -1).error_code);
        CHECK_INT(15, latest(to(lab, c), 5, -1, -1).offset);
        wire_lab_free(lab);
    }
}
