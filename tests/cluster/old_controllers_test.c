/* 2.7's controllers that lost their role: epochs, what they still send, what they decide no more. */
#include "sim/cluster/network.h"
#include "tests/cluster/cluster_lab.h"

static struct broker *broker_of(struct cluster_lab *lab, int32_t id)
{
    return cluster_broker(lab->cluster, id);
}

static void create(struct cluster_lab *lab, const char *name, int32_t a, int32_t b)
{
    struct assignment assignment = { 0, (const int32_t[]){ a, b }, 2 };
    struct create_topic create = { .name = name, .assignments = &assignment, .assignment_count = 1, .partition_count = -1, .replication_factor = -1 };

    CHECK_INT(ERR_OK, controller_create_topic(lab->cluster, &create, false, NULL, NULL, &lab->reason));
    cluster_lab_advance_ms(lab, 1000);
}

static void cut(struct cluster_lab *lab, int32_t a, int32_t b)
{
    network_cut(lab->cluster, a, b);
    network_cut(lab->cluster, b, a);
}

static void heal(struct cluster_lab *lab, int32_t a, int32_t b)
{
    network_heal(lab->cluster, a, b);
    network_heal(lab->cluster, b, a);
}

static int32_t believed_by(struct cluster_lab *lab, int32_t id)
{
    return image_controller(broker_image(broker_of(lab, id)));
}

static bool knows(struct cluster_lab *lab, int32_t id, const char *topic)
{
    return image_topic(broker_image(broker_of(lab, id)), topic);
}

/* Broker 0 is the controller, has decided what broker 2 does not know yet, and loses its session. */
static struct cluster_lab *lost(void)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_27, 3, NULL);

    cut(lab, 0, 2);
    create(lab, "late", 1, 2);
    CHECK(knows(lab, 1, "late"));
    CHECK(!knows(lab, 2, "late"));
    CHECK_INT(1, cluster_controller_epoch(lab->cluster));
    cut(lab, 0, NETWORK_ZOOKEEPER);
    return lab;
}

TEST(what_an_old_controller_delivers_late_is_refused)
{
    struct cluster_lab *lab = lost();

    cluster_lab_advance_ms(lab, 21000);
    CHECK_INT(2, cluster_controller_epoch(lab->cluster));
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_controller_elected));
    CHECK_INT(1, believed_by(lab, 1));
    CHECK_INT(1, believed_by(lab, 2));
    CHECK_INT(0, believed_by(lab, 0)); /* it has no node in ZooKeeper: nobody tells it */
    CHECK(knows(lab, 2, "late"));
    CHECK(broker_lost_controller(broker_of(lab, 0)));
    heal(lab, 0, 2);
    cluster_lab_advance_ms(lab, 1000);
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_controller_refused));
    CHECK_INT(1, believed_by(lab, 2));
    CHECK_INT(0, cluster_lab_entries(lab, EVENT_controller_resigned)); /* by that it learns nothing */
    CHECK_INT(0, believed_by(lab, 0));
    heal(lab, 0, NETWORK_ZOOKEEPER);
    cluster_lab_advance_ms(lab, 1);
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_controller_resigned));
    CHECK(!broker_lost_controller(broker_of(lab, 0)));
    CHECK_INT(1, believed_by(lab, 0));
    cluster_lab_free(lab);
}

TEST(who_heard_of_no_newer_controller_believes_the_old_one)
{
    struct cluster_lab *lab = lost();

    cut(lab, 1, 2);
    cluster_lab_advance_ms(lab, 21000);
    CHECK(!knows(lab, 2, "late"));
    heal(lab, 0, 2);
    cluster_lab_advance_ms(lab, 1000);
    CHECK(knows(lab, 2, "late"));
    CHECK_INT(0, believed_by(lab, 2));
    CHECK_INT(0, cluster_lab_entries(lab, EVENT_controller_refused));
    CHECK(!image_broker(broker_image(broker_of(lab, 2)), 0)->fenced); /* that the next one decided */
    heal(lab, 1, 2);
    cluster_lab_advance_ms(lab, 1000);
    CHECK_INT(1, believed_by(lab, 2));
    CHECK(image_broker(broker_image(broker_of(lab, 2)), 0)->fenced);
    cluster_lab_free(lab);
}

/* As the real 2.7.0 was seen to, its controller stopped by SIGSTOP: first the brokers refuse, then it learns. */
TEST(a_controller_that_stood_still_is_refused_and_resigns)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_27, 3, NULL);

    CHECK_INT(ERR_OK, broker_freeze(broker_of(lab, 2), NEVER_US, &lab->reason));
    create(lab, "late", 1, 2);
    CHECK_INT(ERR_OK, broker_freeze(broker_of(lab, 0), NEVER_US, &lab->reason));
    CHECK_INT(ERR_OK, broker_thaw(broker_of(lab, 2), &lab->reason));
    cluster_lab_advance_ms(lab, 21000);
    CHECK_INT(1, believed_by(lab, 2));
    CHECK_INT(0, cluster_lab_entries(lab, EVENT_controller_refused));
    CHECK_INT(ERR_OK, broker_thaw(broker_of(lab, 0), &lab->reason));
    cluster_lab_advance_ms(lab, 1);
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_controller_refused));
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_controller_resigned));
    CHECK_INT(1, believed_by(lab, 0));
    CHECK_INT(2, cluster_controller_epoch(lab->cluster));
    cluster_lab_free(lab);
}

TEST(a_resigned_controller_sends_nothing_more)
{
    struct cluster_lab *lab = lost();

    cluster_lab_advance_ms(lab, 21000);
    heal(lab, 0, NETWORK_ZOOKEEPER);
    cluster_lab_advance_ms(lab, 1000);
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_controller_resigned));
    heal(lab, 0, 2);
    cluster_lab_advance_ms(lab, 1000);
    CHECK_INT(0, cluster_lab_entries(lab, EVENT_controller_refused));
    cluster_lab_free(lab);

    lab = lost(); /* nor does one that died */
    cluster_lab_advance_ms(lab, 21000);
    CHECK_INT(ERR_OK, broker_kill(broker_of(lab, 0), "killed", &lab->reason));
    heal(lab, 0, 2);
    cluster_lab_advance_ms(lab, 1000);
    CHECK_INT(0, cluster_lab_entries(lab, EVENT_controller_refused));
    cluster_lab_free(lab);
}

TEST(a_controller_without_zookeeper_decides_nothing)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_27, 3, "replica.lag.time.max.ms=2000");
    const struct image *image = cluster_image(lab->cluster);

    create(lab, "students", 1, 2);
    cut(lab, 0, NETWORK_ZOOKEEPER);
    CHECK_INT(ERR_REQUEST_TIMED_OUT, cluster_lab_create(lab, "orders", 1, 1, NULL));
    CHECK_INT(ERR_REQUEST_TIMED_OUT, controller_delete_topic(lab->cluster, "students", NULL, &lab->reason));
    cut(lab, 1, 2); /* the follower falls behind, and the leader asks for an ISR without it */
    CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 10, 20, 1));
    cluster_lab_advance_ms(lab, 8000);
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_follower_lags));
    CHECK_INT(2, image_partition(image, "students", 0)->isr_count);
    heal(lab, 0, NETWORK_ZOOKEEPER);
    cluster_lab_advance_ms(lab, 200);
    CHECK_INT(1, image_partition(image, "students", 0)->isr_count);
    CHECK_INT(1, cluster_controller_epoch(lab->cluster)); /* it was not long enough for another */
    CHECK_INT(0, cluster_lab_entries(lab, EVENT_broker_fenced));
    CHECK_INT(ERR_OK, cluster_lab_create(lab, "orders", 1, 1, NULL));
    cluster_lab_free(lab);
}

TEST(the_controller_epoch_grows_with_each_election_and_outlives_the_lab)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_27, 3, NULL);

    CHECK_INT(1, cluster_controller_epoch(lab->cluster));
    CHECK_INT(ERR_OK, broker_stop(broker_of(lab, 0), &lab->reason));
    cluster_lab_advance_ms(lab, 3000);
    CHECK_INT(2, cluster_controller_epoch(lab->cluster));
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_controller_elected));
    CHECK_INT(0, cluster_lab_entries(lab, EVENT_controller_resigned)); /* it went with its broker */
    CHECK_INT(ERR_OK, broker_start(broker_of(lab, 0), &lab->reason));
    cluster_lab_advance_ms(lab, 1000);
    CHECK_INT(2, cluster_controller_epoch(lab->cluster));
    cluster_lab_reopen(lab, true);
    CHECK_INT(3, cluster_controller_epoch(lab->cluster));
    cluster_lab_reopen(lab, false);
    CHECK_INT(4, cluster_controller_epoch(lab->cluster));
    cluster_lab_free(lab);
}

/* The only broker's session ends and begins anew: the same broker, elected again. */
TEST(who_comes_back_to_no_controller_is_elected_again)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_27, 1, NULL);

    cut(lab, 0, NETWORK_ZOOKEEPER);
    cluster_lab_advance_ms(lab, 30000);
    CHECK(!cluster_controller_up(lab->cluster));
    CHECK(broker_lost_controller(broker_of(lab, 0)));
    heal(lab, 0, NETWORK_ZOOKEEPER);
    cluster_lab_advance_ms(lab, 10);
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_controller_resigned));
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_controller_elected));
    CHECK_INT(2, cluster_controller_epoch(lab->cluster));
    CHECK_INT(ERR_OK, cluster_lab_create(lab, "orders", 1, 1, NULL));
    cluster_lab_free(lab);
}
