/* Brokers that live but are not heard of: their sessions end, they are zombies, and they come back. */
#include <stdio.h>

#include "sim/cluster/network.h"
#include "tests/cluster/cluster_lab.h"

static struct broker *broker_of(struct cluster_lab *lab, int32_t id)
{
    return cluster_broker(lab->cluster, id);
}

static const struct image_partition *students(struct cluster_lab *lab)
{
    return image_partition(cluster_image(lab->cluster), "students", 0);
}

static bool fenced(struct cluster_lab *lab, int32_t id)
{
    return image_broker(cluster_image(lab->cluster), id)->fenced;
}

static const struct image_partition *known_to(struct cluster_lab *lab, int32_t id)
{
    return image_partition(broker_image(broker_of(lab, id)), "students", 0);
}

static struct cluster_lab *three(enum release release, int32_t first)
{
    struct cluster_lab *lab = cluster_lab_new(release, 3, NULL);
    int32_t replicas[3] = { first, first + 1, first == 1 ? 0 : 1 };
    struct assignment assignment = { 0, replicas, 3 };
    struct create_topic create = { .name = "students", .assignments = &assignment, .assignment_count = 1, .partition_count = -1, .replication_factor = -1 };

    CHECK_INT(ERR_OK, controller_create_topic(lab->cluster, &create, false, NULL, NULL, &lab->reason));
    cluster_lab_advance_ms(lab, 1);
    CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 10, 20, -1));
    cluster_lab_advance_ms(lab, 1999); /* two seconds after the start: a heartbeat of 4.3 is just due */
    return lab;
}

TEST(a_leader_that_is_not_heard_of_loses_its_session_and_lives_on)
{
    static const struct { enum release release; int32_t leader, listener; int64_t session_ms; } cases[] = {
        { RELEASE_43, 2, 1, 9000 }, { RELEASE_27, 1, NETWORK_ZOOKEEPER, 19000 },
    };

    for (size_t i = 0; i < 2; i++) {
        struct cluster_lab *lab = three(cases[i].release, cases[i].leader);
        int32_t zombie = cases[i].leader, next = zombie + 1, listener = cases[i].listener, epoch = students(lab)->leader_epoch;
        int64_t broker_epoch = image_broker(cluster_image(lab->cluster), zombie)->epoch;

        network_cut(lab->cluster, zombie, listener);
        network_cut(lab->cluster, listener, zombie);
        for (int32_t other = 0; other < 4; other++) /* from the others too: it hears nothing of what happens */
            if (cluster_broker(lab->cluster, other) && other != zombie) {
                network_cut(lab->cluster, zombie, other);
                network_cut(lab->cluster, other, zombie);
            }
        cluster_lab_advance_ms(lab, cases[i].session_ms - 1);
        CHECK_INT(zombie, students(lab)->leader);
        cluster_lab_advance_ms(lab, 2);
        CHECK(fenced(lab, zombie));
        CHECK_INT(next, students(lab)->leader);
        CHECK_INT(2, students(lab)->isr_count);
        CHECK_INT(next, known_to(lab, next)->leader);
        CHECK_INT(zombie, known_to(lab, zombie)->leader); /* it does not know */
        CHECK(partition_leads(broker_partition(broker_of(lab, zombie), "students", 0)));
        CHECK(broker_up(broker_of(lab, zombie)));
        CHECK_INT(1, cluster_lab_entries(lab, EVENT_broker_fenced));

        network_heal_all(lab->cluster);
        cluster_lab_advance_ms(lab, 1);
        CHECK(!fenced(lab, zombie));
        CHECK_INT(1, cluster_lab_entries(lab, EVENT_broker_unfenced));
        CHECK_INT(next, known_to(lab, zombie)->leader);
        CHECK(!partition_leads(broker_partition(broker_of(lab, zombie), "students", 0)));
        if (release_is_27(cases[i].release)) /* ZooKeeper forgot it: it registers anew */
            CHECK(image_broker(cluster_image(lab->cluster), zombie)->epoch > broker_epoch);
        else
            CHECK_INT(broker_epoch, image_broker(cluster_image(lab->cluster), zombie)->epoch);
        cluster_lab_advance_ms(lab, 2000);
        CHECK_INT(3, students(lab)->isr_count);
        CHECK_INT(next, students(lab)->leader);
        CHECK_INT(epoch + 1, students(lab)->leader_epoch);
        cluster_lab_free(lab);
    }
}

TEST(a_short_silence_is_forgiven)
{
    struct cluster_lab *lab = three(RELEASE_43, 2);

    network_cut(lab->cluster, 2, 1);
    cluster_lab_advance_ms(lab, 8999);
    network_heal(lab->cluster, 2, 1);
    cluster_lab_advance_ms(lab, 60000);
    CHECK(!fenced(lab, 2));
    CHECK_INT(2, students(lab)->leader);
    CHECK_INT(0, cluster_lab_entries(lab, EVENT_broker_fenced));
    cluster_lab_free(lab);
}

TEST(a_heartbeat_whose_answer_is_lost_still_counts)
{
    struct cluster_lab *lab = three(RELEASE_43, 2);

    cluster_lab_advance_ms(lab, 500); /* the last heartbeat is half a second old, the next comes in 1500 ms */
    network_cut(lab->cluster, 1, 2);
    cluster_lab_advance_ms(lab, 1500 + 8999);
    CHECK(!fenced(lab, 2));
    cluster_lab_advance_ms(lab, 2);
    CHECK(fenced(lab, 2));
    cluster_lab_free(lab);

    lab = three(RELEASE_43, 2);
    cluster_lab_advance_ms(lab, 500);
    network_cut(lab->cluster, 2, 1);
    cluster_lab_advance_ms(lab, 8499);
    CHECK(!fenced(lab, 2));
    cluster_lab_advance_ms(lab, 2);
    CHECK(fenced(lab, 2));
    cluster_lab_free(lab);
}

TEST(a_frozen_broker_is_fenced_and_a_frozen_controller_fences_nobody)
{
    struct cluster_lab *lab = three(RELEASE_43, 2);

    CHECK_INT(ERR_OK, broker_freeze(broker_of(lab, 2), 20000000, &lab->reason));
    cluster_lab_advance_ms(lab, 9001);
    CHECK(fenced(lab, 2));
    CHECK_INT(3, students(lab)->leader);
    cluster_lab_advance_ms(lab, 11002);
    CHECK(!fenced(lab, 2));
    cluster_lab_advance_ms(lab, 2000);
    CHECK_INT(3, students(lab)->isr_count);

    CHECK_INT(ERR_OK, broker_freeze(broker_of(lab, 1), 60000000, &lab->reason)); /* the controller's */
    cluster_lab_advance_ms(lab, 59000);
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_broker_fenced));
    cluster_lab_advance_ms(lab, 60000);
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_broker_fenced));
    cluster_lab_free(lab);
}

TEST(the_controller_of_2_7_is_another_when_zookeeper_loses_it)
{
    struct cluster_lab *lab = three(RELEASE_27, 1);

    network_cut(lab->cluster, 0, NETWORK_ZOOKEEPER);
    cluster_lab_advance_ms(lab, 19002);
    CHECK(fenced(lab, 0));
    CHECK_INT(1, image_controller(cluster_image(lab->cluster)));
    CHECK_INT(1, image_controller(broker_image(broker_of(lab, 2))));
    CHECK_INT(2, students(lab)->isr_count);
    network_heal(lab->cluster, 0, NETWORK_ZOOKEEPER);
    cluster_lab_advance_ms(lab, 2000);
    CHECK(!fenced(lab, 0));
    CHECK_INT(1, image_controller(broker_image(broker_of(lab, 0))));
    CHECK_INT(3, students(lab)->isr_count);
    cluster_lab_free(lab);
}

TEST(a_killed_zombie_may_start_at_once)
{
    struct cluster_lab *lab = three(RELEASE_43, 2);

    network_cut(lab->cluster, 2, 1);
    cluster_lab_advance_ms(lab, 10000);
    CHECK(fenced(lab, 2));
    CHECK_INT(ERR_OK, broker_kill(broker_of(lab, 2), "killed", &lab->reason));
    CHECK_INT(ERR_OK, broker_start(broker_of(lab, 2), &lab->reason));
    CHECK_INT(BROKER_STARTING, broker_state(broker_of(lab, 2))); /* it can't register */
    cluster_lab_advance_ms(lab, 5000);
    CHECK_INT(BROKER_STARTING, broker_state(broker_of(lab, 2)));
    network_heal(lab->cluster, 2, 1);
    cluster_lab_advance_ms(lab, 1);
    CHECK_INT(BROKER_UP, broker_state(broker_of(lab, 2)));
    cluster_lab_advance_ms(lab, 2000);
    CHECK_INT(3, students(lab)->isr_count);
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_broker_fenced));
    cluster_lab_free(lab);
}

TEST(what_a_cut_broker_missed_reaches_it_whole)
{
    struct cluster_lab *lab = three(RELEASE_43, 2);
    char name[32];

    network_cut(lab->cluster, 1, 3);
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof(name), "topic-%d", i);
        CHECK_INT(ERR_OK, cluster_lab_create(lab, name, 1, 1, NULL));
        cluster_lab_advance_ms(lab, 10);
    }
    CHECK(!image_topic(broker_image(broker_of(lab, 3)), "topic-0"));
    CHECK(image_topic(broker_image(broker_of(lab, 2)), "topic-19"));
    CHECK_INT(ERR_OK, broker_kill(broker_of(lab, 1), "killed", &lab->reason)); /* the controller, with what it had for broker 3 */
    CHECK_INT(ERR_OK, broker_start(broker_of(lab, 1), &lab->reason));
    cluster_lab_advance_ms(lab, 10000);
    CHECK_INT(BROKER_UP, broker_state(broker_of(lab, 1)));
    CHECK(!image_topic(broker_image(broker_of(lab, 3)), "topic-0"));
    network_heal(lab->cluster, 1, 3);
    cluster_lab_advance_ms(lab, 10);
    CHECK(image_topic(broker_image(broker_of(lab, 3)), "topic-0"));
    CHECK(image_topic(broker_image(broker_of(lab, 3)), "topic-19"));
    CHECK_INT(image_offset(cluster_image(lab->cluster)), image_offset(broker_image(broker_of(lab, 3))));
    cluster_lab_free(lab);
}

/* A start that can't register gives up: it is down again, and the journal says why. */
TEST(a_start_that_cannot_register_gives_up)
{
    static const struct { enum release release; int32_t broker, listener; int64_t limit_ms; const char *rule; } cases[] = {
        { RELEASE_43, 2, 1, 60000, "initial.broker.registration.timeout.ms" }, { RELEASE_27, 1, NETWORK_ZOOKEEPER, 18000, "zookeeper.connection.timeout.ms" },
    };

    for (size_t i = 0; i < 2; i++) {
        struct cluster_lab *lab = three(cases[i].release, cases[i].broker);
        struct broker *broker = broker_of(lab, cases[i].broker);
        int stopped;

        CHECK_INT(ERR_OK, broker_kill(broker, "killed", &lab->reason));
        cluster_lab_advance_ms(lab, 30000);
        network_cut(lab->cluster, cases[i].broker, cases[i].listener);
        stopped = cluster_lab_entries(lab, EVENT_broker_stopped);
        CHECK_INT(cases[i].limit_ms, broker_start_limit_ms(broker));
        CHECK_TEXT(cases[i].rule, broker_start_limit_key(broker));
        CHECK_INT(ERR_OK, broker_start(broker, &lab->reason));
        cluster_lab_advance_ms(lab, cases[i].limit_ms - 1);
        CHECK_INT(BROKER_STARTING, broker_state(broker));
        CHECK_INT(stopped, cluster_lab_entries(lab, EVENT_broker_stopped));
        cluster_lab_advance_ms(lab, 2);
        CHECK_INT(BROKER_DOWN, broker_state(broker));
        CHECK_INT(stopped + 1, cluster_lab_entries(lab, EVENT_broker_stopped));
        network_heal_all(lab->cluster);
        cluster_lab_advance_ms(lab, 60000);
        CHECK_INT(BROKER_DOWN, broker_state(broker)); /* nobody starts it by itself */
        CHECK_INT(ERR_OK, broker_start(broker, &lab->reason));
        cluster_lab_advance_ms(lab, 90000);
        CHECK_INT(BROKER_UP, broker_state(broker));
        CHECK_INT(3, students(lab)->isr_count);
        cluster_lab_free(lab);
    }
}

/* The lab starts at a tick of ZooKeeper, and each broker pings every third of its timeout from then on. */
TEST(a_session_of_2_7_counts_from_the_last_ping_to_a_tick)
{
    static const struct { const char *settings; int64_t cut_ms; bool answers_only; int64_t ends_ms; } cases[] = {
        { NULL, 2000, false, 21000 },  /* pinged at 0, over at 18 s, and gone with the tick after that */
        { NULL, 5999, false, 21000 },
        { NULL, 6500, false, 27000 },
        { NULL, 2000, true, 27000 },   /* one ping more arrives */
        { "zookeeper.session.timeout.ms=10000", 5000, false, 15000 },  /* 3333 + 10000 */
        { "zookeeper.session.timeout.ms=1000", 1000, false, 9000 },    /* ZooKeeper grants no less than two ticks */
        { "zookeeper.session.timeout.ms=600000", 1000, false, 63000 }, /* and no more than twenty */
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct cluster_lab *lab = cluster_lab_new(RELEASE_27, 3, cases[i].settings);
        int64_t run;

        cluster_lab_advance_ms(lab, cases[i].cut_ms);
        run = queue_events_run(lab->queue);
        CHECK_INT(0, run); /* pings are worked out */
        network_cut(lab->cluster, NETWORK_ZOOKEEPER, 2);
        if (!cases[i].answers_only)
            network_cut(lab->cluster, 2, NETWORK_ZOOKEEPER);
        CHECK_INT(LAB_START_US + cases[i].ends_ms * 1000, broker_session_ends_us(broker_of(lab, 2)));
        cluster_lab_advance_ms(lab, cases[i].ends_ms - cases[i].cut_ms - 1);
        CHECK(!fenced(lab, 2));
        cluster_lab_advance_ms(lab, 2);
        CHECK(fenced(lab, 2));
        cluster_lab_free(lab);
    }
}
