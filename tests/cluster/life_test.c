/* Brokers are killed, stopped and started while the cluster goes on: who leads, who is in sync, what is still there. */
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

static char *isr_of(struct cluster_lab *lab)
{
    struct text text = { 0 };

    for (int16_t i = 0; i < students(lab)->isr_count; i++)
        text_printf(&text, "%s%d", i ? "," : "", students(lab)->isr[i]);
    text_add(&text, "");
    return text_take(&text);
}

#define CHECK_ISR(lab, expected)          \
    do {                                  \
        char *isr_ = isr_of(lab);         \
        CHECK_TEXT((expected), isr_);     \
        mem_free(isr_);                   \
    } while (0)

/* students-0 on three brokers, in the order of `replicas`; ten records that all have. */
static struct cluster_lab *three(enum release release, const int32_t *replicas)
{
    struct cluster_lab *lab = cluster_lab_new(release, 3, NULL);
    struct assignment assignment = { 0, replicas, 3 };
    struct create_topic create = { .name = "students", .assignments = &assignment, .assignment_count = 1, .partition_count = -1, .replication_factor = -1 };

    CHECK_INT(ERR_OK, controller_create_topic(lab->cluster, &create, false, NULL, NULL, &lab->reason));
    cluster_lab_advance_ms(lab, 1);
    CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 10, 20, -1));
    cluster_lab_advance_ms(lab, 1000);
    return lab;
}

TEST(a_killed_leader_is_missed_when_its_session_ends)
{
    static const struct { enum release release; int32_t replicas[3]; int64_t session_ms; const char *isr, *isr_after; } cases[] = {
        { RELEASE_27, { 1, 2, 0 }, 18999, "2,0", "2,0,1" }, /* the last ping came at the start, and 18 s later is a tick of ZooKeeper: the next one */
        { RELEASE_43, { 2, 3, 1 }, 9000, "3,1", "1,2,3" },
    };

    for (size_t i = 0; i < 2; i++) {
        struct cluster_lab *lab = three(cases[i].release, cases[i].replicas);
        int32_t killed = cases[i].replicas[0], next = cases[i].replicas[1];
        int32_t epoch = students(lab)->leader_epoch;

        CHECK_INT(killed, students(lab)->leader);
        cluster_lab_advance_ms(lab, 1000); /* 2 s and 1 ms after the start: the second heartbeat was a millisecond ago */
        CHECK_INT(ERR_OK, broker_kill(broker_of(lab, killed), "killed", &lab->reason));
        CHECK_INT(ERR_BROKER_NOT_AVAILABLE, broker_kill(broker_of(lab, killed), "killed", &lab->reason));
        CHECK(!broker_up(broker_of(lab, killed)));
        cluster_lab_advance_ms(lab, cases[i].session_ms - 10);
        CHECK_INT(killed, students(lab)->leader);
        cluster_lab_advance_ms(lab, 20);
        CHECK_INT(next, students(lab)->leader);
        CHECK_INT(epoch + 1, students(lab)->leader_epoch);
        CHECK_ISR(lab, cases[i].isr);
        CHECK(image_broker(cluster_image(lab->cluster), killed)->fenced);
        CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 5, 20, -1));
        cluster_lab_advance_ms(lab, 1000);
        CHECK_INT(15, log_high_watermark(partition_log(cluster_lab_leader(lab, "students", 0))));

        CHECK_INT(ERR_OK, broker_start(broker_of(lab, killed), &lab->reason));
        CHECK_INT(BROKER_UP, broker_state(broker_of(lab, killed)));
        cluster_lab_advance_ms(lab, 1000);
        CHECK_ISR(lab, cases[i].isr_after);
        CHECK_INT(next, students(lab)->leader);
        CHECK_INT(15, log_end_offset(partition_log(broker_partition(broker_of(lab, killed), "students", 0))));
        CHECK_INT(15, log_high_watermark(partition_log(broker_partition(broker_of(lab, killed), "students", 0))));
        cluster_lab_free(lab);
    }
}

TEST(a_broker_that_is_stopped_hands_its_leaderships_over_at_once)
{
    static const int32_t replicas[2][3] = { { 1, 2, 0 }, { 2, 3, 1 } };

    for (int old = 0; old < 2; old++) {
        struct cluster_lab *lab = three(old ? RELEASE_27 : RELEASE_43, replicas[!old]);
        int32_t stopped = replicas[!old][0];
        char *folder = mem_text(broker_log_dir(broker_of(lab, stopped)));

        CHECK_INT(ERR_OK, broker_stop(broker_of(lab, stopped), &lab->reason));
        CHECK_INT(BROKER_STOPPING, broker_state(broker_of(lab, stopped)));
        cluster_lab_advance_ms(lab, 1);
        CHECK_INT(replicas[!old][1], students(lab)->leader);
        cluster_lab_advance_ms(lab, old ? 100 : 1900); /* 4.3: its third heartbeat, when the others' have told that they know of the new leader */
        CHECK_INT(old ? BROKER_DOWN : BROKER_STOPPING, broker_state(broker_of(lab, stopped)));
        cluster_lab_advance_ms(lab, 200);
        CHECK_INT(BROKER_DOWN, broker_state(broker_of(lab, stopped)));
        CHECK_INT(0, cluster_lab_entries(lab, EVENT_shutdown_waits));
        CHECK_FILES(lab, folder, ".kafka_cleanshutdown", ".kafka_cleanshutdown");
        CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 5, 20, -1));
        cluster_lab_advance_ms(lab, 1000);
        CHECK_INT(ERR_OK, broker_start(broker_of(lab, stopped), &lab->reason));
        CHECK_INT(BROKER_UP, broker_state(broker_of(lab, stopped)));
        cluster_lab_advance_ms(lab, 1000);
        CHECK_INT(3, students(lab)->isr_count);
        CHECK_INT(0, cluster_lab_entries(lab, EVENT_log_recovered));
        mem_free(folder);
        cluster_lab_free(lab);
    }
}

TEST(the_last_in_sync_is_waited_for)
{
    static const int32_t replicas[] = { 2, 3, 1 };
    struct cluster_lab *lab = three(RELEASE_43, replicas);

    CHECK_INT(ERR_OK, broker_stop(broker_of(lab, 3), &lab->reason));
    cluster_lab_advance_ms(lab, 100);
    CHECK_INT(ERR_OK, broker_kill(broker_of(lab, 1), "killed", &lab->reason)); /* the controller: nothing changes without it */
    cluster_lab_advance_ms(lab, 30000);
    CHECK(!cluster_controller_up(lab->cluster));
    CHECK_INT(2, students(lab)->leader);
    CHECK_INT(ERR_REQUEST_TIMED_OUT, cluster_lab_create(lab, "orders", 1, 1, NULL));
    CHECK_INT(ERR_OK, broker_start(broker_of(lab, 3), &lab->reason));
    CHECK_INT(BROKER_STARTING, broker_state(broker_of(lab, 3)));
    cluster_lab_advance_ms(lab, 30000);
    CHECK_INT(BROKER_STARTING, broker_state(broker_of(lab, 3)));
    CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 5, 20, 1));
    CHECK_INT(ERR_OK, broker_kill(broker_of(lab, 2), "killed", &lab->reason));
    CHECK_INT(ERR_OK, broker_start(broker_of(lab, 1), &lab->reason));
    CHECK(cluster_controller_up(lab->cluster)); /* but its broker is registered still, and waits for its own old session */
    CHECK_INT(BROKER_STARTING, broker_state(broker_of(lab, 1)));
    CHECK_INT(queue_now_us(lab->queue) + 9000000, broker_starts_us(broker_of(lab, 1)));
    cluster_lab_advance_ms(lab, 100);
    CHECK_INT(BROKER_UP, broker_state(broker_of(lab, 3)));
    CHECK_INT(2, students(lab)->leader); /* its session still runs */
    cluster_lab_advance_ms(lab, 9000);
    CHECK_INT(BROKER_UP, broker_state(broker_of(lab, 1)));
    CHECK_INT(-1, students(lab)->leader); /* 3 and 1 live, but lack what 2 may have */
    CHECK_ISR(lab, ""); /* with eligible leader replicas it may be */
    CHECK_INT(1, students(lab)->elr_count);
    CHECK_INT(2, students(lab)->elr[0]);
    CHECK_INT(ERR_OK, broker_start(broker_of(lab, 2), &lab->reason));
    cluster_lab_advance_ms(lab, 1000);
    CHECK_INT(2, students(lab)->leader);
    CHECK_ISR(lab, "1,2,3");
    CHECK_INT(0, students(lab)->elr_count);
    CHECK_INT(0, students(lab)->last_known_elr_count);
    CHECK_INT(15, log_high_watermark(partition_log(cluster_lab_leader(lab, "students", 0))));
    cluster_lab_free(lab);
}

TEST(another_broker_becomes_the_controller_of_2_7)
{
    static const int32_t replicas[] = { 0, 1, 2 };
    struct cluster_lab *lab = three(RELEASE_27, replicas);

    CHECK_INT(ERR_OK, broker_kill(broker_of(lab, 0), "killed", &lab->reason));
    CHECK_INT(LAB_START_US + 21000000, broker_session_ends_us(broker_of(lab, 0)));
    cluster_lab_advance_ms(lab, 19990);
    CHECK_INT(0, image_controller(broker_image(broker_of(lab, 2))));
    cluster_lab_advance_ms(lab, 20);
    CHECK_INT(1, image_controller(broker_image(broker_of(lab, 2))));
    CHECK_INT(1, students(lab)->leader);
    CHECK_INT(ERR_OK, cluster_lab_create(lab, "orders", 1, 2, NULL));
    CHECK_INT(ERR_OK, broker_start(broker_of(lab, 0), &lab->reason));
    cluster_lab_advance_ms(lab, 1000);
    CHECK_INT(1, image_controller(broker_image(broker_of(lab, 0))));
    CHECK_ISR(lab, "1,2,0");
    cluster_lab_free(lab);
}

TEST(a_single_broker_comes_back_with_what_it_had)
{
    static const enum release releases[] = { RELEASE_27, RELEASE_43 };

    for (size_t i = 0; i < 2; i++) {
        for (int stop = 0; stop < 2; stop++) {
            struct cluster_lab *lab = cluster_lab_new(releases[i], 1, NULL);
            struct broker *broker = cluster_broker_at(lab->cluster, 0);

            CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 1, 1, "retention.ms=3600000"));
            CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 10, 20, -1));
            CHECK_INT(ERR_OK, stop ? broker_stop(broker, &lab->reason) : broker_kill(broker, "killed", &lab->reason));
            cluster_lab_advance_ms(lab, 60000);
            CHECK_INT(BROKER_DOWN, broker_state(broker));
            CHECK_INT(ERR_REQUEST_TIMED_OUT, cluster_lab_create(lab, "orders", 1, 1, NULL));
            CHECK_INT(ERR_OK, broker_start(broker, &lab->reason));
            CHECK_INT(!stop && releases[i] == RELEASE_43 ? BROKER_STARTING : BROKER_UP, broker_state(broker)); /* as the real 4.3 was seen to */
            cluster_lab_advance_ms(lab, 10000);
            CHECK_INT(10, log_high_watermark(partition_log(cluster_lab_leader(lab, "students", 0))));
            CHECK_INT(3600000, log_settings(partition_log(cluster_lab_leader(lab, "students", 0)))->retention_ms);
            CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 1, 20, -1));
            CHECK_INT(ERR_OK, cluster_lab_create(lab, "orders", 1, 1, NULL));
            cluster_lab_reopen(lab, true);
            CHECK_INT(11, log_end_offset(partition_log(cluster_lab_leader(lab, "students", 0))));
            cluster_lab_free(lab);
        }
    }
}

TEST(a_start_right_after_a_kill_waits_for_the_old_session)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_27, 2, NULL);
    struct broker *broker = broker_of(lab, 1);

    CHECK_INT(ERR_OK, broker_kill(broker, "killed", &lab->reason));
    CHECK_INT(ERR_OK, broker_start(broker, &lab->reason));
    CHECK_INT(BROKER_STARTING, broker_state(broker));
    CHECK_INT(ERR_BROKER_NOT_AVAILABLE, broker_start(broker, &lab->reason));
    CHECK_INT(queue_now_us(lab->queue) + 21000000, broker_starts_us(broker));
    cluster_lab_advance_ms(lab, 20999);
    CHECK_INT(BROKER_STARTING, broker_state(broker));
    cluster_lab_advance_ms(lab, 2);
    CHECK_INT(BROKER_UP, broker_state(broker));
    cluster_lab_free(lab);
}

TEST(a_closed_lab_opens_with_the_brokers_that_were_down)
{
    static const int32_t replicas[] = { 2, 3, 1 };
    struct cluster_lab *lab = three(RELEASE_43, replicas);

    CHECK_INT(ERR_OK, broker_kill(broker_of(lab, 2), "killed", &lab->reason));
    cluster_lab_advance_ms(lab, 20000);
    CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 5, 20, -1));
    cluster_lab_advance_ms(lab, 1000);
    cluster_lab_reopen(lab, true);
    cluster_lab_advance_ms(lab, 2000);
    CHECK_INT(3, students(lab)->isr_count);
    for (int32_t id = 1; id <= 3; id++)
        CHECK_INT(15, log_end_offset(partition_log(broker_partition(broker_of(lab, id), "students", 0))));
    cluster_lab_free(lab);
}

/* ---- many logs, long logs: loaded in slices ---- */

enum { MANY = 300 };

static struct cluster_lab *many(enum release release)
{
    struct cluster_lab *lab = cluster_lab_new(release, 2, NULL);

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "many", MANY, 2, NULL));
    cluster_lab_advance_ms(lab, 100);
    for (int32_t p = 0; p < MANY; p += 10)
        CHECK_INT(ERR_OK, cluster_lab_append(lab, "many", p, 1, 20, -1));
    cluster_lab_advance_ms(lab, 1000);
    return lab;
}

static struct broker *second(struct cluster_lab *lab) { return cluster_broker_at(lab->cluster, 1); }

static int32_t led_by(struct cluster_lab *lab, struct broker *broker)
{
    int32_t leads = 0;

    for (size_t i = 0; i < broker_partition_count(broker); i++)
        leads += partition_leads(broker_partition_at(broker, i));
    (void)lab;
    return leads;
}

TEST(a_broker_with_many_logs_starts_in_slices_at_one_moment)
{
    static const enum release releases[] = { RELEASE_27, RELEASE_43 };

    for (size_t i = 0; i < 2; i++) {
        struct cluster_lab *lab = many(releases[i]);
        int64_t began_us;
        size_t done, total, events = 0, before = 0;

        CHECK_INT(ERR_OK, broker_kill(second(lab), "killed", &lab->reason));
        cluster_lab_advance_ms(lab, 30000);
        began_us = queue_now_us(lab->queue);
        CHECK_INT(ERR_OK, broker_start(second(lab), &lab->reason));
        CHECK_INT(BROKER_STARTING, broker_state(second(lab)));
        CHECK(!broker_up(second(lab)));
        CHECK_INT(ERR_BROKER_NOT_AVAILABLE, broker_start(second(lab), &lab->reason));
        while (broker_loading(second(lab), &done, &total)) {
            CHECK_INT(MANY, total);
            CHECK(done - before <= 64); /* no event has more */
            before = done;
            events += queue_next_us(lab->queue) <= began_us;
            CHECK(queue_next_us(lab->queue) == began_us && queue_run_next(lab->queue));
        }
        CHECK(events > MANY / 64);
        CHECK_INT(BROKER_UP, broker_state(second(lab)));
        CHECK_INT(began_us, queue_now_us(lab->queue));
        cluster_lab_advance_ms(lab, 5000);
        for (int32_t p = 0; p < MANY; p++) {
            CHECK_INT(2, image_partition(cluster_image(lab->cluster), "many", p)->isr_count);
            CHECK_INT(p % 10 ? 0 : 1, log_end_offset(partition_log(broker_partition(second(lab), "many", p))));
        }
        cluster_lab_free(lab);
    }
}

TEST(a_broker_goes_down_in_the_midst_of_its_start)
{
    for (int how = 0; how < 4; how++) {
        for (int events = 0; events < 40; events += 3) {
            struct cluster_lab *lab = many(how % 2 ? RELEASE_43 : RELEASE_27);

            CHECK_INT(ERR_OK, how ? broker_kill(second(lab), "killed", &lab->reason) : broker_stop(second(lab), &lab->reason));
            cluster_lab_advance_ms(lab, 30000);
            CHECK_INT(ERR_OK, broker_start(second(lab), &lab->reason));
            for (int i = 0; i < events && broker_loading(second(lab), NULL, NULL); i++)
                queue_run_next(lab->queue);
            if (how == 3) { /* the lab closes */
                cluster_lab_reopen(lab, true);
            } else {
                CHECK_INT(ERR_OK, how == 2 ? broker_power_off(second(lab), NULL, &lab->reason) : broker_kill(second(lab), "killed again", &lab->reason));
                CHECK_INT(BROKER_DOWN, broker_state(second(lab)));
                CHECK_INT(0, broker_partition_count(second(lab)));
                cluster_lab_advance_ms(lab, 30000);
                CHECK(image_broker(cluster_image(lab->cluster), broker_id(second(lab)))->fenced); /* also one that was unfenced already */
                CHECK_INT(MANY, led_by(lab, cluster_broker_at(lab->cluster, 0)));
                CHECK_INT(ERR_OK, broker_start(second(lab), &lab->reason));
            }
            cluster_lab_advance_ms(lab, 5000);
            CHECK_INT(BROKER_UP, broker_state(second(lab)));
            for (int32_t p = 0; p < MANY; p++)
                CHECK_INT(2, image_partition(cluster_image(lab->cluster), "many", p)->isr_count);
            cluster_lab_free(lab);
        }
    }
}

/* What the others do meanwhile reaches it, though nobody sends metadata to one that is not up. */
TEST(topics_come_and_go_while_a_broker_starts)
{
    struct cluster_lab *lab = many(RELEASE_43);

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "goes", 3, 2, NULL));
    cluster_lab_advance_ms(lab, 100);
    CHECK_INT(ERR_OK, broker_kill(second(lab), "killed", &lab->reason));
    cluster_lab_advance_ms(lab, 30000);
    CHECK_INT(ERR_OK, broker_start(second(lab), &lab->reason));
    queue_run_next(lab->queue);
    CHECK(broker_loading(second(lab), NULL, NULL));
    CHECK_INT(ERR_OK, controller_delete_topic(lab->cluster, "goes", NULL, &lab->reason));
    CHECK_INT(ERR_OK, controller_create_topic(lab->cluster, &(struct create_topic){ .name = "comes", .partition_count = 3, .replication_factor = 1 },
                                              false, NULL, NULL, &lab->reason));
    CHECK(broker_loading(second(lab), NULL, NULL));
    cluster_lab_advance_ms(lab, 5000);
    CHECK_INT(BROKER_UP, broker_state(second(lab)));
    CHECK(!broker_partition(second(lab), "goes", 0));
    for (int32_t p = 0; p < 3; p++)
        CHECK(cluster_lab_leader(lab, "comes", p));
    CHECK_INT(image_offset(cluster_image(lab->cluster)), image_offset(broker_image(second(lab))));
    cluster_lab_free(lab);
}

/* The controller, at the first broker, goes and comes back: the second loads on and waits for it. */
TEST(the_controller_goes_while_a_broker_starts)
{
    for (int old = 0; old < 2; old++) {
        struct cluster_lab *lab = many(old ? RELEASE_27 : RELEASE_43);

        CHECK_INT(ERR_OK, broker_kill(second(lab), "killed", &lab->reason));
        cluster_lab_advance_ms(lab, 30000);
        CHECK_INT(ERR_OK, broker_start(second(lab), &lab->reason));
        queue_run_next(lab->queue);
        CHECK(broker_loading(second(lab), NULL, NULL));
        CHECK_INT(ERR_OK, broker_kill(cluster_broker_at(lab->cluster, 0), "killed", &lab->reason));
        cluster_lab_advance_ms(lab, 100);
        CHECK_INT(old ? BROKER_UP : BROKER_STARTING, broker_state(second(lab)));
        cluster_lab_advance_ms(lab, 30000);
        CHECK_INT(ERR_OK, broker_start(cluster_broker_at(lab->cluster, 0), &lab->reason));
        cluster_lab_advance_ms(lab, 30000);
        CHECK_INT(BROKER_UP, broker_state(second(lab)));
        CHECK_INT(BROKER_UP, broker_state(cluster_broker_at(lab->cluster, 0)));
        CHECK(!image_broker(cluster_image(lab->cluster), broker_id(second(lab)))->fenced);
        for (int32_t p = 0; p < MANY; p++)
            CHECK_INT(2, image_partition(cluster_image(lab->cluster), "many", p)->isr_count);
        cluster_lab_free(lab);
    }
}

/* One long log that a kill left: its recovery goes by slices of bytes. */
TEST(a_long_log_is_recovered_in_slices)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_43, 1, NULL);
    struct broker *broker = cluster_broker_at(lab->cluster, 0);
    size_t events = 0;

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "long", 1, 1, NULL));
    for (int i = 0; i < 40; i++)
        CHECK_INT(ERR_OK, cluster_lab_append(lab, "long", 0, 1, 900000, -1));
    CHECK_INT(ERR_OK, broker_kill(broker, "killed", &lab->reason));
    cluster_lab_advance_ms(lab, 30000);
    CHECK_INT(ERR_OK, broker_start(broker, &lab->reason));
    while (broker_state(broker) == BROKER_STARTING && !broker_loading(broker, NULL, NULL))
        queue_run_next(lab->queue); /* the rest of its session */
    while (broker_loading(broker, NULL, NULL)) {
        queue_run_next(lab->queue);
        events++;
    }
    CHECK(events >= 36 / 4 - 2); /* 4 MB an event, the first of them with the session's end */
    CHECK_INT(BROKER_UP, broker_state(broker));
    CHECK_INT(40, log_end_offset(partition_log(cluster_lab_leader(lab, "long", 0))));
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_log_recovered));
    cluster_lab_free(lab);
}

/* ---- a controlled shutdown, step by step ---- */

static struct broker *stop_of(struct cluster_lab *lab, int32_t id)
{
    CHECK_INT(ERR_OK, broker_stop(broker_of(lab, id), &lab->reason));
    return broker_of(lab, id);
}

static void part(struct cluster_lab *lab, int32_t a, int32_t b)
{
    network_cut(lab->cluster, a, b);
    network_cut(lab->cluster, b, a);
}

/* The only one in sync that lives: 2.7 asks three times and leaves the partition to it, 4.3 takes the leadership away. */
TEST(a_leadership_that_nobody_can_take)
{
    static const int32_t replicas[2][3] = { { 1, 2, 0 }, { 2, 3, 1 } };

    for (int old = 0; old < 2; old++) {
        struct cluster_lab *lab = three(old ? RELEASE_27 : RELEASE_43, replicas[!old]);
        int32_t last = replicas[!old][0];
        struct broker *broker;

        for (int i = 1; i < 3; i++) {
            CHECK_INT(ERR_OK, broker_hold(broker_of(lab, replicas[!old][i]), NULL, -1, &lab->reason));
            CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 1, 20, 1));
        }
        cluster_lab_advance_ms(lab, 60000);
        CHECK_INT(1, students(lab)->isr_count);
        broker = stop_of(lab, last);
        CHECK(!broker_stop_waits(broker));
        cluster_lab_advance_ms(lab, 4000);
        CHECK_INT(old ? BROKER_STOPPING : BROKER_DOWN, broker_state(broker));
        if (old) {
            CHECK_TEXT("1 partition that it leads has no other live replica in sync: asked 1 of 3 times, again in 5000 ms", broker_stop_waits(broker));
            CHECK_INT(last, students(lab)->leader);
            cluster_lab_advance_ms(lab, 5000);
            CHECK_TEXT("1 partition that it leads has no other live replica in sync: asked 2 of 3 times, again in 5000 ms", broker_stop_waits(broker));
            cluster_lab_advance_ms(lab, 2000);
            CHECK_TEXT("1 partition that it leads has no other live replica in sync: asked 3 times, goes down all the same in 5000 ms", broker_stop_waits(broker));
            cluster_lab_advance_ms(lab, 3900);
            CHECK_INT(BROKER_STOPPING, broker_state(broker));
            cluster_lab_advance_ms(lab, 200);
            CHECK_INT(BROKER_DOWN, broker_state(broker));
            CHECK_INT(3, cluster_lab_entries(lab, EVENT_shutdown_waits));
        } else {
            CHECK_INT(0, cluster_lab_entries(lab, EVENT_shutdown_waits));
        }
        CHECK_INT(-1, students(lab)->leader);
        CHECK_INT(ERR_OK, broker_start(broker, &lab->reason));
        cluster_lab_advance_ms(lab, 1000);
        CHECK_INT(last, students(lab)->leader);
        cluster_lab_free(lab);
    }
}

/* 2.7: one that comes into the ISR between two tries takes over. */
TEST(a_second_try_finds_another_in_sync)
{
    static const int32_t replicas[3] = { 1, 2, 0 };
    struct cluster_lab *lab = three(RELEASE_27, replicas);
    struct broker *broker;

    for (int i = 1; i < 3; i++)
        CHECK_INT(ERR_OK, broker_hold(broker_of(lab, replicas[i]), NULL, -1, &lab->reason));
    CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 1, 20, 1));
    cluster_lab_advance_ms(lab, 60000);
    broker = stop_of(lab, 1);
    cluster_lab_advance_ms(lab, 100);
    CHECK_INT(ERR_OK, broker_release(broker_of(lab, 2), NULL, -1, &lab->reason));
    cluster_lab_advance_ms(lab, 4000);
    CHECK_INT(1, students(lab)->leader);
    CHECK_INT(2, students(lab)->isr_count);
    cluster_lab_advance_ms(lab, 1200);
    CHECK_INT(2, students(lab)->leader);
    CHECK_INT(BROKER_DOWN, broker_state(broker));
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_shutdown_waits));
    cluster_lab_free(lab);
}

/* Cut off from the controller it asks in vain, and goes down without: its leaderships stay until it is missed. */
TEST(a_shutdown_without_a_controller_ends)
{
    static const struct { enum release release; int32_t replicas[3], home; int64_t stops_ms; } cases[] = {
        { RELEASE_27, { 1, 2, 0 }, 0, 3 * (30000 + 5000) }, { RELEASE_43, { 2, 3, 1 }, 1, 300000 },
    };

    for (size_t i = 0; i < 2; i++) {
        for (int how = 0; how < 2; how++) {
            struct cluster_lab *lab = three(cases[i].release, cases[i].replicas);
            int32_t id = cases[i].replicas[0];
            struct broker *broker;

            if (how && !release_is_27(cases[i].release))
                CHECK_INT(ERR_OK, broker_kill(broker_of(lab, cases[i].home), "killed", &lab->reason));
            else
                part(lab, id, cases[i].home);
            broker = stop_of(lab, id);
            CHECK(broker_stop_waits(broker));
            cluster_lab_advance_ms(lab, cases[i].stops_ms - 100);
            CHECK_INT(BROKER_STOPPING, broker_state(broker));
            if (how && release_is_27(cases[i].release)) {
                CHECK_INT(ERR_OK, broker_kill(broker, "killed", &lab->reason)); /* whoever has no patience */
                CHECK(!broker_stop_waits(broker));
                cluster_lab_free(lab);
                continue;
            }
            cluster_lab_advance_ms(lab, 300);
            CHECK_INT(BROKER_DOWN, broker_state(broker));
            network_heal_all(lab->cluster);
            if (how) {
                CHECK_INT(id, students(lab)->leader); /* nobody is there to take it away */
                CHECK_INT(ERR_OK, broker_start(broker_of(lab, cases[i].home), &lab->reason));
            }
            cluster_lab_advance_ms(lab, 30000);
            CHECK_INT(cases[i].replicas[1], students(lab)->leader);
            CHECK_INT(ERR_OK, broker_start(broker, &lab->reason));
            cluster_lab_advance_ms(lab, 10000);
            CHECK_INT(BROKER_UP, broker_state(broker));
            CHECK_INT(3, students(lab)->isr_count);
            cluster_lab_free(lab);
        }
    }
}

TEST(a_controller_that_is_back_lets_it_go)
{
    static const int32_t replicas[2][3] = { { 1, 2, 0 }, { 2, 3, 1 } };

    for (int old = 0; old < 2; old++) {
        struct cluster_lab *lab = three(old ? RELEASE_27 : RELEASE_43, replicas[!old]);
        struct broker *broker;

        CHECK_INT(ERR_OK, broker_freeze(broker_of(lab, !old), 7000000, &lab->reason));
        broker = stop_of(lab, replicas[!old][0]);
        cluster_lab_advance_ms(lab, 6900);
        CHECK_INT(BROKER_STOPPING, broker_state(broker));
        CHECK_INT(replicas[!old][0], students(lab)->leader);
        cluster_lab_advance_ms(lab, old ? 300 : 3300); /* 4.3 asks each two seconds, and waits two for an answer */
        CHECK_INT(BROKER_DOWN, broker_state(broker));
        CHECK_INT(replicas[!old][1], students(lab)->leader);
        cluster_lab_free(lab);
    }
}

/* 4.3: an active broker that does not hear of the new leaders holds it up until its own session ends. */
TEST(all_active_brokers_must_know_of_the_new_leaders)
{
    static const int32_t replicas[3] = { 2, 3, 1 };
    struct cluster_lab *lab = three(RELEASE_43, replicas);
    struct broker *broker;

    part(lab, 3, 1);
    broker = stop_of(lab, 2);
    cluster_lab_advance_ms(lab, 5000);
    CHECK_INT(BROKER_STOPPING, broker_state(broker));
    CHECK_TEXT("broker 3 does not know of the new leaders yet: it waits for that up to five minutes", broker_stop_waits(broker));
    cluster_lab_advance_ms(lab, 12000);
    CHECK_INT(BROKER_DOWN, broker_state(broker));
    CHECK_INT(1, students(lab)->leader);
    cluster_lab_free(lab);
}

TEST(without_controlled_shutdown_nobody_is_asked)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_43, 3, "controlled.shutdown.enable=false");

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 1, 3, NULL));
    stop_of(lab, students(lab)->leader == 1 ? 2 : students(lab)->leader);
    cluster_lab_advance_ms(lab, 100);
    CHECK_INT(0, cluster_lab_entries(lab, EVENT_leader_elected));
    CHECK_INT(0, cluster_lab_entries(lab, EVENT_broker_fenced));
    cluster_lab_advance_ms(lab, 10000);
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_broker_fenced));
    cluster_lab_free(lab);
}
