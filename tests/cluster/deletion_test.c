/* Topics that are deleted while a broker with replicas of them is down. */
#include <string.h>

#include "tests/cluster/cluster_lab.h"

static struct broker *broker_of(struct cluster_lab *lab, int32_t id)
{
    return cluster_broker(lab->cluster, id);
}

static void make(struct cluster_lab *lab, const char *name, int32_t a, int32_t b)
{
    struct assignment assignment = { 0, (const int32_t[]){ a, b }, 2 };
    struct create_topic create = { .name = name, .assignments = &assignment, .assignment_count = 1, .partition_count = -1, .replication_factor = -1 };

    CHECK_INT(ERR_OK, controller_create_topic(lab->cluster, &create, false, NULL, NULL, &lab->reason));
    cluster_lab_advance_ms(lab, 1000);
    CHECK_INT(ERR_OK, cluster_lab_append(lab, name, 0, 10, 20, -1));
    cluster_lab_advance_ms(lab, 1000);
}

static void stop(struct cluster_lab *lab, int32_t id)
{
    CHECK_INT(ERR_OK, broker_stop(broker_of(lab, id), &lab->reason));
    cluster_lab_advance_ms(lab, 2500);
    CHECK_INT(BROKER_DOWN, broker_state(broker_of(lab, id)));
}

static void start(struct cluster_lab *lab, int32_t id)
{
    CHECK_INT(ERR_OK, broker_start(broker_of(lab, id), &lab->reason));
    cluster_lab_advance_ms(lab, 1000);
    CHECK_INT(BROKER_UP, broker_state(broker_of(lab, id)));
}

TEST(with_2_7_a_topic_waits_for_the_broker_that_has_replicas_of_it)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_27, 3, NULL);
    const struct image *image = cluster_image(lab->cluster);

    make(lab, "students", 1, 2);
    stop(lab, 2);
    CHECK_INT(ERR_OK, controller_delete_topic(lab->cluster, "students", NULL, &lab->reason));
    cluster_lab_advance_ms(lab, 1000);
    CHECK(image_topic(image, "students"));
    CHECK(image_topic(image, "students")->deleting);
    CHECK_INT(-1, image_topic(broker_image(broker_of(lab, 1)), "students")->partitions[0].leader);
    CHECK_INT(1, image_partition(image, "students", 0)->isr_count);
    CHECK(!broker_partition(broker_of(lab, 1), "students", 0)); /* who lives removes its replica at once */
    CHECK_FILES(lab, broker_log_dir(broker_of(lab, 2)), "students-0", "students-0");
    CHECK_INT(ERR_TOPIC_ALREADY_EXISTS, cluster_lab_create(lab, "students", 1, 1, NULL));
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_deletion_waits));
    CHECK_INT(0, cluster_lab_entries(lab, EVENT_topic_deleted));
    CHECK_INT(ERR_OK, controller_delete_topic(lab->cluster, "students", NULL, &lab->reason)); /* once more: it goes on waiting */
    stop(lab, 1);
    start(lab, 1); /* what was removed there is not made again */
    CHECK_FILES(lab, broker_log_dir(broker_of(lab, 1)), "students-0", "");
    start(lab, 2);
    CHECK(!image_topic(image, "students"));
    CHECK(!image_topic(broker_image(broker_of(lab, 0)), "students"));
    CHECK_FILES(lab, broker_log_dir(broker_of(lab, 2)), "students-0", "");
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_topic_deleted));
    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 1, 3, NULL));
    cluster_lab_free(lab);
}

/* Its session goes on, so the controller thinks that it lives: but it has not answered. Else it would come back with what a new topic of that name has no record of. */
TEST(with_2_7_a_topic_waits_for_a_broker_that_does_not_answer)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_27, 3, "zookeeper.session.timeout.ms=18000");
    const struct image *image = cluster_image(lab->cluster);

    make(lab, "frozen", 1, 2);
    make(lab, "killed", 1, 2);
    CHECK_INT(ERR_OK, broker_freeze(broker_of(lab, 2), NEVER_US, &lab->reason));
    CHECK_INT(ERR_OK, controller_delete_topic(lab->cluster, "frozen", NULL, &lab->reason));
    cluster_lab_advance_ms(lab, 1000);
    CHECK(image_topic(image, "frozen")->deleting);
    CHECK_INT(ERR_TOPIC_ALREADY_EXISTS, cluster_lab_create(lab, "frozen", 1, 1, NULL));
    CHECK_INT(ERR_REQUEST_TIMED_OUT, controller_add_partitions(lab->cluster, "frozen", 2, NULL, 0, false, NULL, &lab->reason));
    CHECK_INT(ERR_OK, broker_thaw(broker_of(lab, 2), &lab->reason));
    cluster_lab_advance_ms(lab, 1000);
    CHECK(!image_topic(image, "frozen"));
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_topic_deleted));
    CHECK_INT(ERR_OK, broker_kill(broker_of(lab, 2), "killed", &lab->reason));
    CHECK_INT(ERR_OK, controller_delete_topic(lab->cluster, "killed", NULL, &lab->reason));
    cluster_lab_advance_ms(lab, 1000);
    CHECK(image_topic(image, "killed")->deleting);
    CHECK_INT(ERR_OK, broker_start(broker_of(lab, 2), &lab->reason));
    cluster_lab_advance_ms(lab, 20000); /* its predecessor's session first has to end */
    CHECK_INT(BROKER_UP, broker_state(broker_of(lab, 2)));
    CHECK(!image_topic(image, "killed"));
    CHECK_FILES(lab, broker_log_dir(broker_of(lab, 2)), "killed-0", "");
    cluster_lab_free(lab);
}

TEST(a_deletion_that_waits_outlives_the_lab)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_27, 3, NULL);

    make(lab, "students", 1, 2);
    stop(lab, 2);
    CHECK_INT(ERR_OK, controller_delete_topic(lab->cluster, "students", NULL, &lab->reason));
    cluster_lab_advance_ms(lab, 1000);
    cluster_lab_reopen(lab, true); /* with all brokers */
    cluster_lab_advance_ms(lab, 1000);
    CHECK(!image_topic(cluster_image(lab->cluster), "students"));
    CHECK_FILES(lab, broker_log_dir(broker_of(lab, 1)), "students-0", "");
    CHECK_FILES(lab, broker_log_dir(broker_of(lab, 2)), "students-0", "");
    cluster_lab_free(lab);
}

/* As the real 2.7.0 was seen to, whose TopicDeletionManager means to wait for the move, and does not. */
TEST(with_2_7_a_topic_goes_while_its_partitions_move)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_27, 3, NULL);
    struct reassignment move = { .topic = "students", .partition = 0, .replicas = (const int32_t[]){ 1, 0 }, .count = 2 };

    make(lab, "students", 1, 2);
    CHECK_INT(ERR_OK, broker_hold(broker_of(lab, 0), NULL, -1, &lab->reason));
    CHECK_INT(ERR_OK, controller_reassign(lab->cluster, &move, NULL, &lab->reason));
    cluster_lab_advance_ms(lab, 1000);
    CHECK_INT(3, image_partition(cluster_image(lab->cluster), "students", 0)->replica_count);
    CHECK_INT(ERR_OK, controller_delete_topic(lab->cluster, "students", NULL, &lab->reason));
    cluster_lab_advance_ms(lab, 1000);
    CHECK(!image_topic(cluster_image(lab->cluster), "students"));
    CHECK_INT(0, cluster_lab_entries(lab, EVENT_deletion_waits));
    for (int32_t id = 0; id < 3; id++)
        CHECK_FILES(lab, broker_log_dir(broker_of(lab, id)), "students-0", "");
    cluster_lab_free(lab);
}

TEST(with_4_3_a_broker_that_was_away_puts_aside_what_is_known_no_more)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_43, 3, NULL);
    struct partition *partition;

    make(lab, "students", 2, 3);
    make(lab, "orders", 2, 3);
    stop(lab, 3);
    CHECK_INT(ERR_OK, controller_delete_topic(lab->cluster, "orders", NULL, &lab->reason));
    CHECK_INT(ERR_OK, controller_delete_topic(lab->cluster, "students", NULL, &lab->reason));
    cluster_lab_advance_ms(lab, 1000);
    CHECK(!image_topic(cluster_image(lab->cluster), "students"));
    {
        struct assignment assignment = { 0, (const int32_t[]){ 2, 3 }, 2 };
        struct create_topic create = { .name = "students", .assignments = &assignment, .assignment_count = 1, .partition_count = -1, .replication_factor = -1 };

        CHECK_INT(ERR_OK, controller_create_topic(lab->cluster, &create, false, NULL, NULL, &lab->reason));
    }
    cluster_lab_advance_ms(lab, 1000);
    start(lab, 3);
    cluster_lab_advance_ms(lab, 1000);
    CHECK_FILES(lab, broker_log_dir(broker_of(lab, 3)), "orders-0", "");
    partition = broker_partition(broker_of(lab, 3), "students", 0); /* the new one of that name, empty */
    CHECK_INT(0, log_end_offset(partition_log(partition)));
    {
        char *strays = cluster_lab_files(lab, broker_log_dir(broker_of(lab, 3)), "*-stray");

        CHECK(text_starts(strays, "orders-0.") && strchr(strays, ',') && text_starts(strchr(strays, ',') + 1, "students-0."));
        mem_free(strays);
    }
    CHECK_INT(2, image_partition(cluster_image(lab->cluster), "students", 0)->isr_count);
    cluster_lab_free(lab);
}
