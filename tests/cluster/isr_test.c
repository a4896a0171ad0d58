/* The ISR: who leaves it when, who comes back, what the leader counts with meanwhile. Each bound from both sides. */
#include "sim/cluster/network.h"
#include "tests/cluster/cluster_lab.h"

#include <stdio.h>

/* students-0 at brokers 1, 2, 3 (2.7: 0, 1, 2), led by the second of them; the controller sits at the first. */
static struct cluster_lab *three(enum release release, const char *configs)
{
    int32_t first = release_is_27(release) ? 0 : 1;
    int32_t replicas[] = { first + 1, first + 2, first };
    struct cluster_lab *lab = cluster_lab_new(release, 3, NULL);
    struct assignment assignment = { 0, replicas, 3 };
    struct config_map map = { 0 };
    struct create_topic create = { .name = "students", .assignments = &assignment, .assignment_count = 1, .partition_count = -1, .replication_factor = -1,
                                   .configs = &map };

    if (configs) {
        config_map_set(&map, "min.insync.replicas", configs);
    }
    CHECK_INT(ERR_OK, controller_create_topic(lab->cluster, &create, false, NULL, NULL, &lab->reason));
    config_map_done(&map);
    cluster_lab_advance_ms(lab, 1);
    CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 10, 20, -1));
    cluster_lab_advance_ms(lab, 1000);
    return lab;
}

static const struct image_partition *students(struct cluster_lab *lab)
{
    return image_partition(cluster_image(lab->cluster), "students", 0);
}

static struct partition *leader_of(struct cluster_lab *lab)
{
    return cluster_lab_leader(lab, "students", 0);
}

static bool in_sync(struct cluster_lab *lab, int32_t broker)
{
    for (int16_t i = 0; i < students(lab)->isr_count; i++)
        if (students(lab)->isr[i] == broker)
            return true;
    return false;
}

static const struct entry *last_entry(struct cluster_lab *lab, enum event_kind kind)
{
    for (uint64_t n = journal_last(lab->journal); n && n >= journal_first(lab->journal); n--)
        if (journal_get(lab->journal, n)->kind == kind)
            return journal_get(lab->journal, n);
    return NULL;
}

static int64_t fact(const struct entry *entry, const char *name)
{
    for (int i = 0; entry && i < entry->fact_count; i++)
        if (strcmp(entry->facts[i].name, name) == 0)
            return entry->facts[i].number;
    return INT64_MIN;
}

/* The follower is held; then a record comes. It leaves at the first look at which it lags longer than the limit: strictly, and not a moment before. */
TEST(a_follower_that_stands_still_leaves_at_the_look_after_the_limit)
{
    static const enum release releases[] = { RELEASE_27, RELEASE_43 };

    for (int r = 0; r < 2; r++) {
        struct cluster_lab *lab = three(releases[r], NULL);
        int32_t leader = students(lab)->leader, stuck = leader + 1;
        struct broker *broker = cluster_broker(lab->cluster, stuck);
        int64_t at_us, caught_up_ms;
        const struct entry *lags;

        CHECK_INT(INT64_MAX, partition_follower_leaves_us(leader_of(lab), stuck)); /* it lacks nothing */
        CHECK_INT(ERR_OK, broker_hold(broker, "students", 0, &lab->reason));
        CHECK_INT(ERR_INVALID_REQUEST, broker_hold(broker, "students", 0, &lab->reason)); /* already */
        cluster_lab_advance_ms(lab, 40000);
        CHECK(in_sync(lab, stuck));                                               /* silent, but at the leader's end */
        CHECK_INT(INT64_MAX, partition_follower_leaves_us(leader_of(lab), stuck));
        CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 1, 20, 1));
        caught_up_ms = partition_decide_follower(leader_of(lab), stuck).last_caught_up_ms;
        at_us = partition_follower_leaves_us(leader_of(lab), stuck);
        CHECK_INT(45000, (at_us - LAB_START_US) / 1000);                          /* looks come every 15 s; it was caught up 40 s ago */
        CHECK(caught_up_ms - LAB_START_US / 1000 <= 1001 && caught_up_ms - LAB_START_US / 1000 > 500); /* its last fetch, of the rounds of 500 ms */
        queue_run_until(lab->queue, at_us - 1);
        CHECK(in_sync(lab, stuck));
        CHECK_INT(10, log_high_watermark(partition_log(leader_of(lab))));         /* it waits for the follower */
        cluster_lab_advance_ms(lab, 100);
        CHECK(!in_sync(lab, stuck));
        CHECK_INT(2, partition_isr_count(leader_of(lab)));
        CHECK_INT(11, log_high_watermark(partition_log(leader_of(lab))));         /* and no more */
        lags = last_entry(lab, EVENT_follower_lags);
        CHECK_INT(stuck, fact(lags, "replica"));
        CHECK_INT(10, fact(lags, "log_end_offset"));
        CHECK_INT(11, fact(lags, "leader_log_end_offset"));
        CHECK_INT(30000, fact(lags, "replica_lag_time_max_ms"));
        CHECK_INT(caught_up_ms, fact(lags, "last_caught_up_ms"));
        CHECK_TEXT("replica.lag.time.max.ms", lags->rule);

        CHECK_INT(ERR_OK, broker_release(broker, "students", 0, &lab->reason));   /* it comes back by itself */
        cluster_lab_advance_ms(lab, 1000);
        CHECK(in_sync(lab, stuck));
        CHECK_INT(11, log_end_offset(partition_log(broker_partition(broker, "students", 0))));
        cluster_lab_free(lab);
    }
}

/* Caught up at 15000.x ms before a look, to the millisecond: exactly the limit stays, one more goes. */
TEST(the_limit_itself_is_not_too_long)
{
    struct cluster_lab *lab = three(RELEASE_43, NULL);
    struct partition *leader = leader_of(lab);
    int32_t stuck = students(lab)->leader + 1;
    struct isr_decision decision;
    int64_t caught_up_us;

    CHECK_INT(ERR_OK, broker_hold(cluster_broker(lab->cluster, stuck), NULL, -1, &lab->reason));
    CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 1, 20, 1));
    caught_up_us = partition_decide_follower(leader, stuck).last_caught_up_ms * 1000;
    queue_run_until(lab->queue, caught_up_us + 30000000);
    decision = partition_decide_follower(leader, stuck);
    CHECK_INT(30000, decision.now_ms - decision.last_caught_up_ms);
    CHECK(!decision.leaves);
    queue_run_until(lab->queue, caught_up_us + 30000999);
    CHECK(!partition_decide_follower(leader, stuck).leaves);
    queue_run_until(lab->queue, caught_up_us + 30001000);
    CHECK(partition_decide_follower(leader, stuck).leaves);
    CHECK(in_sync(lab, stuck));                                                   /* nobody looked yet */
    CHECK_INT(45000, (partition_follower_leaves_us(leader, stuck) - LAB_START_US) / 1000);
    cluster_lab_free(lab);
}

/* A slow one that never reaches the end is caught up as of the fetch before, and stays. */
TEST(a_follower_is_caught_up_with_what_the_leader_had_at_its_fetch_before)
{
    struct cluster_lab *lab = three(RELEASE_43, NULL);
    struct partition *leader = leader_of(lab);
    int32_t slow = students(lab)->leader + 1;
    struct network_link link = network_link(lab->cluster, students(lab)->leader, slow);

    link.latency_us = 400000; /* its answers take long: what it asks for is always old */
    network_set_link(lab->cluster, &link);
    for (int i = 0; i < 400; i++) {
        CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 1, 20, 1));
        cluster_lab_advance_ms(lab, 200);
        CHECK(partition_decide_follower(leader, slow).log_end_offset < log_end_offset(partition_log(leader)) || i < 3);
    }
    CHECK(in_sync(lab, slow));
    CHECK_INT(0, cluster_lab_entries(lab, EVENT_follower_lags));
    CHECK(queue_now_ms(lab->queue) - partition_decide_follower(leader, slow).last_caught_up_ms < 1500);
    cluster_lab_free(lab);
}

/* While the ISR is below min.insync.replicas 4.3's high watermark stands still, 2.7's does not. */
TEST(too_small_an_isr_stops_the_high_watermark_of_4_3_only)
{
    static const enum release releases[] = { RELEASE_27, RELEASE_43 };

    for (int r = 0; r < 2; r++) {
        struct cluster_lab *lab = three(releases[r], "3");
        int32_t stuck = students(lab)->leader + 1;
        bool old = release_is_27(releases[r]);

        CHECK_INT(ERR_OK, broker_hold(cluster_broker(lab->cluster, stuck), NULL, -1, &lab->reason));
        CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 1, 20, -1));
        cluster_lab_advance_ms(lab, 46000);
        CHECK(!in_sync(lab, stuck));
        CHECK_INT(ERR_NOT_ENOUGH_REPLICAS, cluster_lab_append(lab, "students", 0, 1, 20, -1));
        CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 1, 20, 1));
        cluster_lab_advance_ms(lab, 1000);
        CHECK_INT(old ? 12 : 10, log_high_watermark(partition_log(leader_of(lab))));
        CHECK_INT(ERR_OK, broker_release(cluster_broker(lab->cluster, stuck), NULL, -1, &lab->reason));
        cluster_lab_advance_ms(lab, 1000);
        CHECK_INT(12, log_high_watermark(partition_log(leader_of(lab))));
        cluster_lab_free(lab);
    }
}

static void note(void *context, enum err err)
{
    *(int *)context = err;
}

/* acks=all that was appended while enough were in sync: 2.7 answers that it is too late, 4.3 leaves it waiting. */
TEST(acks_all_whose_isr_shrank_meanwhile)
{
    static const enum release releases[] = { RELEASE_27, RELEASE_43 };

    for (int r = 0; r < 2; r++) {
        struct cluster_lab *lab = three(releases[r], "3");
        struct commit_wait wait = { .done = note };
        int result = -2;

        wait.context = &result;
        CHECK_INT(ERR_OK, broker_hold(cluster_broker(lab->cluster, students(lab)->leader + 1), NULL, -1, &lab->reason));
        CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 1, 20, -1));
        partition_await_commit(leader_of(lab), &wait, 11);
        cluster_lab_advance_ms(lab, 44000);
        CHECK_INT(-2, result);
        cluster_lab_advance_ms(lab, 2000);
        CHECK_INT(release_is_27(releases[r]) ? ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND : -2, result);
        partition_forget_commit(&wait);
        cluster_lab_free(lab);
    }
}

/* The controller can't be reached: the ISR stays what it is, the high watermark waits, until the way is open again. */
TEST(a_leader_that_cannot_reach_the_controller_keeps_its_isr)
{
    struct cluster_lab *lab = three(RELEASE_27, NULL);
    int32_t leader = students(lab)->leader, stuck = leader + 1;

    CHECK_INT(ERR_OK, broker_hold(cluster_broker(lab->cluster, stuck), NULL, -1, &lab->reason));
    CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 1, 20, 1));
    cluster_lab_advance_ms(lab, 100);
    network_cut(lab->cluster, leader, 0);
    cluster_lab_advance_ms(lab, 46000);
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_follower_lags));
    CHECK(in_sync(lab, stuck));
    CHECK_INT(3, partition_isr_count(leader_of(lab)));
    CHECK_INT(10, log_high_watermark(partition_log(leader_of(lab))));
    cluster_lab_advance_ms(lab, 60000);
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_follower_lags)); /* one change at a time */
    network_heal(lab->cluster, leader, 0);
    cluster_lab_advance_ms(lab, 40000);
    CHECK(!in_sync(lab, stuck));
    cluster_lab_free(lab);
}

/* 2.7 sends what was decided at a moment of its own, every 50 ms. */
TEST(alter_isr_of_2_7_waits_for_its_turn)
{
    struct cluster_lab *lab = three(RELEASE_27, NULL);
    int32_t stuck = students(lab)->leader + 1;

    CHECK_INT(ERR_OK, broker_hold(cluster_broker(lab->cluster, stuck), NULL, -1, &lab->reason));
    CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 1, 20, 1));
    queue_run_until(lab->queue, LAB_START_US + 45000000);
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_follower_lags));
    cluster_lab_advance_ms(lab, 49);
    CHECK(in_sync(lab, stuck));
    cluster_lab_advance_ms(lab, 2);
    CHECK(!in_sync(lab, stuck));
    cluster_lab_free(lab);
}

/* What is pending counts: a newcomer at once, one that leaves until it has left. */
TEST(a_pending_isr_is_counted_the_careful_way)
{
    struct cluster_lab *lab = three(RELEASE_43, NULL);
    int32_t leader = students(lab)->leader, stuck = leader + 1;
    struct network_link link = network_link(lab->cluster, leader, 1);

    CHECK_INT(ERR_OK, broker_hold(cluster_broker(lab->cluster, stuck), NULL, -1, &lab->reason));
    CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 1, 20, 1));
    link.latency_us = 300000;
    network_set_link(lab->cluster, &link);
    queue_run_until(lab->queue, LAB_START_US + 45000000 + 200000);
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_follower_lags));
    CHECK_INT(3, partition_maximal_isr_count(leader_of(lab)));
    CHECK_INT(10, log_high_watermark(partition_log(leader_of(lab))));
    cluster_lab_advance_ms(lab, 1000);
    CHECK_INT(2, partition_maximal_isr_count(leader_of(lab)));
    CHECK_INT(11, log_high_watermark(partition_log(leader_of(lab))));
    CHECK_INT(ERR_OK, broker_release(cluster_broker(lab->cluster, stuck), NULL, -1, &lab->reason));
    cluster_lab_advance_ms(lab, 10);
    CHECK_INT(2, partition_isr_count(leader_of(lab)));
    CHECK_INT(3, partition_maximal_isr_count(leader_of(lab)));
    CHECK_INT(2, students(lab)->isr_count);
    cluster_lab_advance_ms(lab, 1000);
    CHECK_INT(3, students(lab)->isr_count);
    cluster_lab_free(lab);
}

/* A quiet cluster looks for nobody. */
TEST(looking_for_stragglers_costs_nothing_while_there_are_none)
{
    struct cluster_lab *lab = three(RELEASE_43, NULL);
    uint64_t events;

    cluster_lab_advance_ms(lab, 120000);
    events = queue_events_run(lab->queue);
    cluster_lab_advance_ms(lab, 5 * 86400 * 1000);
    CHECK_INT(events, queue_events_run(lab->queue));
    cluster_lab_free(lab);
}

/* The last that it fetched is less than replica.lag.time.max.ms ago, and yet nobody waits for it once the controller has taken it out. */
TEST(a_fenced_follower_holds_the_high_watermark_back_no_longer)
{
    enum release releases[] = { RELEASE_27, RELEASE_43 };

    for (int i = 0; i < 2; i++) {
        struct cluster_lab *lab = three(releases[i], NULL);
        int32_t follower = release_is_27(releases[i]) ? 2 : 3;

        CHECK_INT(ERR_OK, broker_kill(cluster_broker(lab->cluster, follower), "killed", &lab->reason));
        CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 1, 20, 1));
        cluster_lab_advance_ms(lab, 5000);
        CHECK_INT(10, log_high_watermark(partition_log(leader_of(lab))));
        cluster_lab_advance_ms(lab, 16000); /* its session ended */
        CHECK(!in_sync(lab, follower));
        CHECK_INT(11, log_high_watermark(partition_log(leader_of(lab))));
        cluster_lab_free(lab);
    }
}

/* A leader that stands still for longer than the limit looks at its followers before their fetches reach it: all are late. They come back at once. */
TEST(a_long_pause_of_the_leader_costs_its_followers_the_isr)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_43, 3, "broker.session.timeout.ms=600000");
    static const int32_t replicas[] = { 2, 3, 1 };
    struct assignment assignment = { 0, replicas, 3 };
    struct create_topic create = { .name = "students", .assignments = &assignment, .assignment_count = 1, .partition_count = -1, .replication_factor = -1 };
    uint64_t before;

    CHECK_INT(ERR_OK, controller_create_topic(lab->cluster, &create, false, NULL, NULL, &lab->reason));
    cluster_lab_advance_ms(lab, 2000);
    CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 1, 20, 1));
    CHECK_INT(ERR_OK, broker_freeze(cluster_broker(lab->cluster, 2), NEVER_US, &lab->reason));
    before = queue_events_run(lab->queue);
    cluster_lab_advance_ms(lab, 100000);
    CHECK_INT(3, students(lab)->isr_count);
    CHECK_INT(0, cluster_lab_entries(lab, EVENT_follower_lags));      /* it runs nothing of its own */
    CHECK(queue_events_run(lab->queue) - before < 100);
    CHECK_INT(ERR_OK, broker_thaw(cluster_broker(lab->cluster, 2), &lab->reason));
    cluster_lab_advance_ms(lab, 1);
    CHECK_INT(2, cluster_lab_entries(lab, EVENT_follower_lags));
    CHECK(students(lab)->isr_count < 3);
    cluster_lab_advance_ms(lab, 5000);
    CHECK_INT(3, students(lab)->isr_count);
    CHECK_INT(1, log_high_watermark(partition_log(leader_of(lab))));
    cluster_lab_free(lab);
}
