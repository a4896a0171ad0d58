/* Faults at what brokers and controllers send each other only: heartbeats, registrations, controlled shutdowns. */
#include <stdio.h>

#include "sim/wire/faults.h"
#include "tests/wire/wire_lab.h"

#define RULE(api_, kind_, ...) \
    &(struct fault_rule) { .api = (api_), .kind = (kind_), .partition = -1, .broker = -1, .from = FAULT_FROM_BROKERS, __VA_ARGS__ }

static struct wire_lab *three(enum release release)
{
    struct wire_lab *lab = wire_lab_new(release, 3, "offsets.topic.num.partitions=1");

    CHECK_INT(ERR_OK, lab_create_topic(wire_lab_client(lab, 0, false), "students", 3, 3));
    wire_lab_advance_ms(lab, 100);
    return lab;
}

static bool fenced(const struct wire_lab *lab, int32_t id) { return image_broker(cluster_image(lab->cluster), id)->fenced; }

static int led_by(const struct wire_lab *lab, int32_t id)
{
    int count = 0;

    for (int32_t p = 0; p < 3; p++)
        count += image_partition(cluster_image(lab->cluster), "students", p)->leader == id;
    return count;
}

static const struct fault *fault_of(const struct wire_lab *lab, uint64_t id) { return faults_find(lab->wire, id); }

TEST(a_broker_whose_heartbeats_are_swallowed_is_fenced_and_comes_back_by_itself)
{
    struct wire_lab *lab = three(RELEASE_43);
    uint64_t id = faults_add(lab->wire, RULE("BrokerHeartbeat", FAULT_BLACKHOLE, .broker = 2)), quiet;

    CHECK_INT(1, led_by(lab, 2));
    wire_lab_advance_ms(lab, 8500); /* the last one was just after its start */
    CHECK(!fenced(lab, 2));
    wire_lab_advance_ms(lab, 1000);
    CHECK(fenced(lab, 2));
    CHECK(!fenced(lab, 3));
    CHECK_INT(0, led_by(lab, 2));
    CHECK(broker_up(cluster_broker(lab->cluster, 2)));
    wire_lab_advance_ms(lab, 60000);
    CHECK(fenced(lab, 2));
    CHECK(fault_of(lab, id)->hits > 13); /* each try waits 2 s for its answer, then 2 s for the next moment */
    CHECK(fault_of(lab, id)->hits < 18);
    faults_clear(lab->wire, id);
    wire_lab_advance_ms(lab, 15000);
    CHECK(!fenced(lab, 2));
    for (int32_t p = 0; p < 3; p++)
        CHECK_INT(3, image_partition(cluster_image(lab->cluster), "students", p)->isr_count);
    wire_lab_advance_ms(lab, 60000);
    quiet = queue_events_run(lab->queue);
    wire_lab_advance_ms(lab, 3600000); /* free again */
    CHECK(queue_events_run(lab->queue) - quiet < 200);
    wire_lab_free(lab);
}

TEST(what_is_done_to_a_heartbeat_decides_whether_it_counts)
{
    static const struct { enum fault_kind kind; int64_t delay_us; bool fences; } cases[] = {
        { FAULT_NONE, 0, false }, { FAULT_ERROR, 0, true }, { FAULT_LOSE_REQUEST, 0, true }, { FAULT_HOLD, 0, true },
        { FAULT_LOSE_RESPONSE, 0, false }, /* its sender waits 2 s for the answer, and sends the next 2 s later */
        { FAULT_DELAY, 3000000, false }, { FAULT_DELAY, 20000000, true },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct wire_lab *lab = three(RELEASE_43);
        uint64_t id = faults_add(lab->wire, RULE("BrokerHeartbeat", cases[i].kind, .error = ERR_STALE_BROKER_EPOCH, .delay_us = cases[i].delay_us, .broker = 3));
        bool was = false;

        for (int ms = 0; ms < 30000; ms += 10) {
            wire_lab_advance_ms(lab, 10);
            was = was || fenced(lab, 3);
        }
        CHECK_INT(cases[i].fences, was);
        CHECK(!fenced(lab, 2));
        CHECK(fault_of(lab, id)->hits > 1);
        faults_release(lab->wire, id);
        wire_lab_advance_ms(lab, 25000);
        CHECK(!fenced(lab, 3));
        wire_lab_free(lab);
    }
}

TEST(a_fault_that_is_used_up_leaves_heartbeats_free)
{
    struct wire_lab *lab = three(RELEASE_43);
    uint64_t id = faults_add(lab->wire, RULE("BrokerHeartbeat", FAULT_ERROR, .error = ERR_NOT_CONTROLLER, .broker = 2, .skip = 1, .count = 3)), quiet;

    wire_lab_advance_ms(lab, 20000);
    CHECK_INT(3, fault_of(lab, id)->hits);
    CHECK_INT(4, fault_of(lab, id)->matched);
    CHECK(!fenced(lab, 2));
    quiet = queue_events_run(lab->queue);
    wire_lab_advance_ms(lab, 250000);
    CHECK(queue_events_run(lab->queue) - quiet < 20);
    wire_lab_free(lab);
}

TEST(a_start_that_is_not_registered_tries_again_and_gives_up_after_a_minute)
{
    struct wire_lab *lab = three(RELEASE_43);
    struct broker *broker = cluster_broker(lab->cluster, 2);
    uint64_t id = faults_add(lab->wire, RULE("BrokerRegistration", FAULT_ERROR, .error = ERR_DUPLICATE_BROKER_REGISTRATION, .broker = 2, .count = 2));

    CHECK_INT(ERR_OK, broker_kill(broker, "killed", NULL));
    wire_lab_advance_ms(lab, 20000);
    CHECK_INT(ERR_OK, broker_start(broker, NULL));
    wire_lab_advance_ms(lab, 3900);
    CHECK_INT(BROKER_STARTING, broker_state(broker));
    wire_lab_advance_ms(lab, 200); /* two refused, each 2 s (broker.heartbeat.interval.ms) before the next */
    CHECK_INT(BROKER_UP, broker_state(broker));
    CHECK_INT(2, fault_of(lab, id)->hits);

    CHECK_INT(ERR_OK, broker_kill(broker, "killed", NULL));
    wire_lab_advance_ms(lab, 20000);
    id = faults_add(lab->wire, RULE("BrokerRegistration", FAULT_LOSE_REQUEST, .broker = 2));
    CHECK_INT(ERR_OK, broker_start(broker, NULL));
    wire_lab_advance_ms(lab, 59999);
    CHECK_INT(BROKER_STARTING, broker_state(broker));
    wire_lab_advance_ms(lab, 2);
    CHECK_INT(BROKER_DOWN, broker_state(broker));
    CHECK_INT(15, fault_of(lab, id)->hits); /* 2 s without an answer and 2 s more */
    wire_lab_free(lab);
}

TEST(a_controlled_shutdown_can_be_refused)
{
    for (int i = 0; i < 2; i++) {
        struct wire_lab *lab = three(i ? RELEASE_43 : RELEASE_27);
        struct broker *broker = cluster_broker(lab->cluster, 2);
        uint64_t id = faults_add(lab->wire, RULE(i ? "BrokerHeartbeat" : "ControlledShutdown", FAULT_ERROR, .error = ERR_STALE_BROKER_EPOCH, .broker = 2, .count = 2));

        CHECK_INT(ERR_OK, broker_stop(broker, NULL));
        wire_lab_advance_ms(lab, i ? 50 : 9000);
        CHECK_INT(BROKER_STOPPING, broker_state(broker));
        wire_lab_advance_ms(lab, 20000);
        CHECK_INT(BROKER_DOWN, broker_state(broker));
        CHECK_INT(2, fault_of(lab, id)->hits);
        CHECK_INT(0, led_by(lab, 2));
        wire_lab_free(lab);
    }
}
