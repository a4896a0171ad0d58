/* Where logs part: zombie leaders, answers that come late, unclean elections, followers that are out of range. In the end all replicas are the same. */
#include "sim/cluster/network.h"
#include "tests/cluster/cluster_lab.h"

#include <stdio.h>

/* students-0, led by the first of `replicas`, with ten records that all have. The controller sits at the first broker. */
static struct cluster_lab *lab_of(enum release release, const int32_t *replicas, int32_t count, const char *settings)
{
    struct cluster_lab *lab = cluster_lab_new(release, 3, settings);
    struct assignment assignment = { 0, replicas, count };
    struct create_topic create = { .name = "students", .assignments = &assignment, .assignment_count = 1, .partition_count = -1, .replication_factor = -1 };

    CHECK_INT(ERR_OK, controller_create_topic(lab->cluster, &create, false, NULL, NULL, &lab->reason));
    cluster_lab_advance_ms(lab, 1);
    CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 10, 20, -1));
    cluster_lab_advance_ms(lab, 1000);
    return lab;
}

static struct broker *broker_of(struct cluster_lab *lab, int32_t id)
{
    return cluster_broker(lab->cluster, id);
}

static struct partition *replica_at(struct cluster_lab *lab, int32_t id)
{
    return broker_partition(broker_of(lab, id), "students", 0);
}

static struct log *log_at(struct cluster_lab *lab, int32_t id)
{
    return partition_log(replica_at(lab, id));
}

static const struct image_partition *students(struct cluster_lab *lab)
{
    return image_partition(cluster_image(lab->cluster), "students", 0);
}

/* To this broker, whoever leads in the eyes of others. */
static enum err append_at(struct cluster_lab *lab, int32_t id, int records, char letter, int16_t acks)
{
    struct batch_builder builder = { 0 };
    struct log_append append = { .origin = APPEND_CLIENT, .produce_version = 9, .now_ms = queue_now_ms(lab->queue) };
    struct log_appended appended;
    char value[8];
    enum err err;

    memset(value, letter, sizeof(value));
    batch_builder_init(&builder, CODEC_NONE);
    for (int i = 0; i < records; i++)
        batch_builder_add(&builder, append.now_ms, (struct bytes){ 0 }, (struct bytes){ (const uint8_t *)value, sizeof(value) }, NULL, 0);
    CHECK_INT(ERR_OK, batch_builder_finish(&builder, &append.records, &lab->reason));
    err = partition_append(replica_at(lab, id), &append, acks, &appended, &lab->reason);
    batch_builder_done(&builder);
    return err;
}

/* All batches of both logs: the same bytes at the same offsets. */
static void check_same(struct cluster_lab *lab, int32_t a, int32_t b)
{
    struct log_cursor left, right;
    struct batch of_left, of_right;

    CHECK_INT(log_end_offset(log_at(lab, a)), log_end_offset(log_at(lab, b)));
    CHECK_INT(log_high_watermark(log_at(lab, a)), log_high_watermark(log_at(lab, b)));
    log_cursor_init(&left, log_at(lab, a), log_start_offset(log_at(lab, a)), false);
    log_cursor_init(&right, log_at(lab, b), log_start_offset(log_at(lab, b)), false);
    while (log_cursor_next(&left, &of_left)) {
        CHECK(log_cursor_next(&right, &of_right));
        CHECK_INT(of_left.base_offset, of_right.base_offset);
        CHECK_INT(of_left.leader_epoch, of_right.leader_epoch);
        CHECK_INT(of_left.bytes.size, of_right.bytes.size);
        CHECK(!memcmp(of_left.bytes.data, of_right.bytes.data, of_left.bytes.size));
    }
    CHECK(!log_cursor_next(&right, &of_right));
    log_cursor_done(&left);
    log_cursor_done(&right);
}

static const struct entry *last_entry(struct cluster_lab *lab, enum event_kind kind)
{
    for (uint64_t n = journal_last(lab->journal); n && n >= journal_first(lab->journal); n--)
        if (journal_get(lab->journal, n)->kind == kind)
            return journal_get(lab->journal, n);
    return NULL;
}

static void isolate(struct cluster_lab *lab, int32_t id, bool cut)
{
    for (size_t i = 0; i < cluster_broker_count(lab->cluster); i++) {
        int32_t other = broker_id(cluster_broker_at(lab->cluster, i));

        if (other == id)
            continue;
        (cut ? network_cut : network_heal)(lab->cluster, id, other);
        (cut ? network_cut : network_heal)(lab->cluster, other, id);
    }
    if (release_is_27(cluster_release(lab->cluster))) {
        (cut ? network_cut : network_heal)(lab->cluster, id, NETWORK_ZOOKEEPER);
        (cut ? network_cut : network_heal)(lab->cluster, NETWORK_ZOOKEEPER, id);
    }
}

/* A leader that is cut off goes on taking acks=1; a new one is elected without it. Healed, it gives up what only it has. */
TEST(a_zombie_leader_gives_up_what_only_it_has)
{
    static const struct { enum release release; int32_t replicas[3]; } cases[] = { { RELEASE_27, { 1, 2, 0 } }, { RELEASE_43, { 2, 3, 1 } } };

    for (size_t i = 0; i < 2; i++) {
        struct cluster_lab *lab = lab_of(cases[i].release, cases[i].replicas, 3, NULL);
        int32_t zombie = cases[i].replicas[0], next = cases[i].replicas[1], third = cases[i].replicas[2];
        const struct entry *cut;

        isolate(lab, zombie, true);
        cluster_lab_advance_ms(lab, 100);
        CHECK_INT(ERR_OK, append_at(lab, zombie, 5, 'z', 1));
        cluster_lab_advance_ms(lab, 25000);
        CHECK_INT(next, students(lab)->leader);
        CHECK(partition_leads(replica_at(lab, zombie)));          /* it knows nothing of it */
        CHECK_INT(15, log_end_offset(log_at(lab, zombie)));
        CHECK_INT(10, log_high_watermark(log_at(lab, zombie)));   /* nobody else has them: no consumer sees them */
        CHECK_INT(ERR_OK, append_at(lab, next, 3, 'n', -1));
        cluster_lab_advance_ms(lab, 1000);
        CHECK_INT(13, log_high_watermark(log_at(lab, next)));
        isolate(lab, zombie, false);
        cluster_lab_advance_ms(lab, 5000);
        CHECK(!partition_leads(replica_at(lab, zombie)));
        check_same(lab, next, zombie);
        check_same(lab, next, third);
        cut = last_entry(lab, EVENT_log_truncated);
        CHECK(cut);
        CHECK_INT(zombie, cut->broker);
        CHECK_INT(10, cut->offset);
        CHECK_INT(15, cut->facts[0].number);
        CHECK_TEXT("the leader's log has another history from here", cut->rule);
        CHECK_INT(3, students(lab)->isr_count);
        cluster_lab_free(lab);
    }
}

/* KIP-101: a follower that comes back knows a high watermark that is behind its log's end. What it has may be committed: it must not be cut off. */
TEST(a_follower_that_returns_keeps_what_is_beyond_its_high_watermark)
{
    static const struct { enum release release; int32_t replicas[2]; } cases[] = { { RELEASE_27, { 1, 2 } }, { RELEASE_43, { 2, 3 } } };

    for (size_t i = 0; i < 2; i++) {
        struct cluster_lab *lab = lab_of(cases[i].release, cases[i].replicas, 2, NULL);
        int32_t leader = cases[i].replicas[0], follower = cases[i].replicas[1];

        CHECK_INT(ERR_OK, append_at(lab, leader, 5, 'c', -1));
        queue_run_until(lab->queue, queue_now_us(lab->queue) + 400); /* there and back: committed at the leader, the follower has not heard of it */
        CHECK_INT(15, log_high_watermark(log_at(lab, leader)));
        CHECK_INT(10, log_high_watermark(log_at(lab, follower)));
        CHECK_INT(15, log_end_offset(log_at(lab, follower)));
        CHECK_INT(ERR_OK, broker_kill(broker_of(lab, follower), "killed", &lab->reason));
        CHECK_INT(ERR_OK, broker_start(broker_of(lab, follower), &lab->reason));
        cluster_lab_advance_ms(lab, 30000);
        CHECK_INT(BROKER_UP, broker_state(broker_of(lab, follower)));
        CHECK_INT(0, cluster_lab_entries(lab, EVENT_log_truncated));
        CHECK_INT(ERR_OK, broker_kill(broker_of(lab, leader), "killed", &lab->reason));
        cluster_lab_advance_ms(lab, 30000);
        CHECK_INT(follower, students(lab)->leader);
        CHECK_INT(15, log_end_offset(log_at(lab, follower)));
        CHECK_INT(15, log_high_watermark(log_at(lab, follower)));
        cluster_lab_free(lab);
    }
}

/* KIP-279: a leader of an epoch that nobody else ever saw. The next leader knows nothing of that epoch, and says where the one before it ended. */
TEST(an_epoch_that_nobody_else_saw_is_cut_off)
{
    static const struct { enum release release; int32_t replicas[3]; } cases[] = { { RELEASE_27, { 1, 2, 0 } }, { RELEASE_43, { 2, 3, 1 } } };

    for (size_t i = 0; i < 2; i++) {
        struct cluster_lab *lab = lab_of(cases[i].release, cases[i].replicas, 3, NULL);
        int32_t first = cases[i].replicas[0], second = cases[i].replicas[1], third = cases[i].replicas[2];
        int32_t epochs[3];

        epochs[0] = students(lab)->leader_epoch;
        isolate(lab, first, true);
        cluster_lab_advance_ms(lab, 25000);
        CHECK_INT(second, students(lab)->leader);
        epochs[1] = students(lab)->leader_epoch;
        isolate(lab, second, true);
        cluster_lab_advance_ms(lab, 100);
        CHECK_INT(ERR_OK, append_at(lab, second, 4, 's', 1));      /* only there, in its epoch */
        CHECK_INT(ERR_OK, append_at(lab, first, 7, 'f', 1));       /* only there, in the epoch before */
        cluster_lab_advance_ms(lab, 25000);
        CHECK_INT(third, students(lab)->leader);
        epochs[2] = students(lab)->leader_epoch;
        CHECK(epochs[0] < epochs[1] && epochs[1] < epochs[2]);
        CHECK_INT(ERR_OK, append_at(lab, third, 2, 't', 1));
        cluster_lab_advance_ms(lab, 1000);
        isolate(lab, first, false);
        isolate(lab, second, false);
        cluster_lab_advance_ms(lab, 40000);
        check_same(lab, third, first);
        check_same(lab, third, second);
        CHECK_INT(12, log_end_offset(log_at(lab, third)));
        CHECK_INT(2, cluster_lab_entries(lab, EVENT_log_truncated));
        CHECK_INT(3, students(lab)->isr_count);
        cluster_lab_free(lab);
    }
}

/* An answer under way for twenty seconds: its sender was killed, the follower follows another leader by then. It is dropped. */
TEST(a_late_answer_of_a_leader_of_before_is_dropped)
{
    static const int32_t replicas[] = { 2, 1, 3 };
    struct cluster_lab *lab = lab_of(RELEASE_43, replicas, 3, NULL);
    struct network_link link = network_link(lab->cluster, 2, 3);

    link.latency_us = 20000000;
    network_set_link(lab->cluster, &link);
    network_cut(lab->cluster, 2, 1); /* only 3 would get it */
    CHECK_INT(ERR_OK, append_at(lab, 2, 5, 'l', 1));
    cluster_lab_advance_ms(lab, 500);
    CHECK_INT(ERR_OK, broker_kill(broker_of(lab, 2), "killed", &lab->reason));
    cluster_lab_advance_ms(lab, 15000);
    CHECK_INT(1, students(lab)->leader);
    CHECK_INT(ERR_OK, append_at(lab, 1, 2, 'n', -1));
    cluster_lab_advance_ms(lab, 20000);
    CHECK_INT(12, log_end_offset(log_at(lab, 3)));
    check_same(lab, 1, 3);
    cluster_lab_free(lab);
}

/* The same, but nothing else happened: late is as good as early. And it is what was read when it was sent. */
TEST(a_late_answer_brings_what_was_read_when_it_was_sent)
{
    static const int32_t replicas[] = { 2, 3 };
    struct cluster_lab *lab = lab_of(RELEASE_43, replicas, 2, NULL);
    struct network_link link = network_link(lab->cluster, 2, 3);

    link.latency_us = 5000000;
    network_set_link(lab->cluster, &link);
    CHECK_INT(ERR_OK, append_at(lab, 2, 5, 'a', 1));
    cluster_lab_advance_ms(lab, 1000);
    CHECK_INT(ERR_OK, append_at(lab, 2, 5, 'b', 1));
    cluster_lab_advance_ms(lab, 4500);
    CHECK_INT(15, log_end_offset(log_at(lab, 3)));
    cluster_lab_advance_ms(lab, 5001);
    CHECK_INT(20, log_end_offset(log_at(lab, 3)));
    cluster_lab_free(lab);
}

/* The leader deleted what the follower needs next: it starts over from where the leader's log begins. */
TEST(a_follower_below_the_leaders_start_begins_anew)
{
    static const int32_t replicas[] = { 2, 3 };
    struct cluster_lab *lab = lab_of(RELEASE_43, replicas, 2, NULL);
    int64_t required, low;

    CHECK_INT(ERR_OK, broker_hold(broker_of(lab, 3), NULL, -1, &lab->reason));
    CHECK_INT(ERR_OK, append_at(lab, 2, 5, 'a', 1));
    cluster_lab_advance_ms(lab, 46000);
    CHECK_INT(1, students(lab)->isr_count);
    CHECK_INT(ERR_OK, partition_delete_records(replica_at(lab, 2), -1, &required, &low, &lab->reason));
    CHECK_INT(15, log_start_offset(log_at(lab, 2)));
    CHECK_INT(ERR_OK, append_at(lab, 2, 2, 'b', 1));
    CHECK_INT(ERR_OK, broker_release(broker_of(lab, 3), NULL, -1, &lab->reason));
    cluster_lab_advance_ms(lab, 2000);
    CHECK_INT(15, log_start_offset(log_at(lab, 3)));
    check_same(lab, 2, 3);
    CHECK_INT(2, students(lab)->isr_count);
    cluster_lab_free(lab);
}

/* An unclean election: the new leader lacks what was committed, and so do all, once they follow it. */
TEST(an_unclean_election_takes_committed_records_from_all)
{
    static const struct { enum release release; int32_t replicas[2]; } cases[] = { { RELEASE_27, { 1, 2 } }, { RELEASE_43, { 2, 3 } } };

    for (size_t i = 0; i < 2; i++) {
        struct cluster_lab *lab = lab_of(cases[i].release, cases[i].replicas, 2, "unclean.leader.election.enable=true");
        int32_t leader = cases[i].replicas[0], behind = cases[i].replicas[1];
        struct elect_leader item = { .topic = "students", .partition = 0 };

        CHECK_INT(ERR_OK, broker_kill(broker_of(lab, behind), "killed", &lab->reason));
        cluster_lab_advance_ms(lab, 30000);
        CHECK_INT(1, students(lab)->isr_count);
        CHECK_INT(ERR_OK, append_at(lab, leader, 5, 'c', -1));    /* committed: it is the whole ISR */
        cluster_lab_advance_ms(lab, 6000);
        CHECK_INT(15, log_high_watermark(log_at(lab, leader)));
        CHECK_INT(ERR_OK, broker_kill(broker_of(lab, leader), "killed", &lab->reason));
        cluster_lab_advance_ms(lab, 30000);
        CHECK_INT(ERR_OK, broker_start(broker_of(lab, behind), &lab->reason));
        cluster_lab_advance_ms(lab, 1000);
        if (students(lab)->leader != behind) {
            controller_elect_leaders(lab->cluster, true, &item, 1, NULL, &lab->reason);
            cluster_lab_advance_ms(lab, 1000);
        }
        CHECK_INT(behind, students(lab)->leader);
        CHECK_INT(ERR_OK, append_at(lab, behind, 2, 'n', -1));
        CHECK_INT(ERR_OK, broker_start(broker_of(lab, leader), &lab->reason));
        cluster_lab_advance_ms(lab, 5000);
        check_same(lab, behind, leader);
        CHECK_INT(12, log_end_offset(log_at(lab, leader)));
        CHECK_INT(leader, last_entry(lab, EVENT_log_truncated)->broker);
        CHECK_INT(10, last_entry(lab, EVENT_log_truncated)->offset);
        cluster_lab_free(lab);
    }
}

/* One way is cut. What the follower asks for does not come, or what it is answered; either way it is out of the ISR in time, and back when the way is open. */
TEST(a_link_that_is_cut_one_way_is_enough)
{
    static const int32_t replicas[] = { 2, 3 };

    for (int way = 0; way < 2; way++) {
        struct cluster_lab *lab = lab_of(RELEASE_43, replicas, 2, NULL);
        int32_t from = way ? 2 : 3, to = way ? 3 : 2;

        network_cut(lab->cluster, from, to);
        CHECK_INT(ERR_OK, append_at(lab, 2, 5, 'a', 1));
        cluster_lab_advance_ms(lab, 46000);
        CHECK_INT(1, students(lab)->isr_count);
        CHECK_INT(way ? 10 : 15, log_end_offset(log_at(lab, 3))); /* the fetch that waited there already was answered */
        network_heal(lab->cluster, from, to);
        cluster_lab_advance_ms(lab, 32000);
        CHECK_INT(2, students(lab)->isr_count);
        check_same(lab, 2, 3);
        cluster_lab_free(lab);
    }
}

/* A killed leader: its followers' connections are reset, they try again and again without an event, and go on when it is back. */
TEST(followers_of_a_dead_leader_cost_nothing)
{
    static const int32_t replicas[] = { 2, 3 };
    struct cluster_lab *lab = lab_of(RELEASE_43, replicas, 2, "auto.leader.rebalance.enable=false");
    uint64_t events;

    CHECK_INT(ERR_OK, broker_kill(broker_of(lab, 3), "killed", &lab->reason));
    cluster_lab_advance_ms(lab, 20000);
    CHECK_INT(ERR_OK, broker_kill(broker_of(lab, 2), "killed", &lab->reason)); /* the last in sync: nobody leads */
    cluster_lab_advance_ms(lab, 20000);
    CHECK_INT(ERR_OK, broker_start(broker_of(lab, 3), &lab->reason));
    cluster_lab_advance_ms(lab, 400000);
    events = queue_events_run(lab->queue);
    cluster_lab_advance_ms(lab, 86400000);
    CHECK_INT(events, queue_events_run(lab->queue));
    CHECK_INT(ERR_OK, broker_start(broker_of(lab, 2), &lab->reason));
    cluster_lab_advance_ms(lab, 5000);
    CHECK_INT(2, students(lab)->leader);
    CHECK_INT(2, students(lab)->isr_count);
    check_same(lab, 2, 3);
    cluster_lab_free(lab);
}

/* The same seed, the same cuts: the same events. */
TEST(the_same_troubles_have_the_same_history)
{
    static const int32_t replicas[] = { 2, 3, 1 };
    uint64_t events[2], entries[2];

    for (int i = 0; i < 2; i++) {
        struct cluster_lab *lab = lab_of(RELEASE_43, replicas, 3, NULL);
        struct network_link link = network_link(lab->cluster, 2, 3);

        link.jitter_us = 300000;
        link.loss_ppm = 200000;
        network_set_link(lab->cluster, &link);
        for (int k = 0; k < 100; k++) {
            cluster_lab_append(lab, "students", 0, 1, 20, 1);
            cluster_lab_advance_ms(lab, 137);
        }
        isolate(lab, 2, true);
        cluster_lab_advance_ms(lab, 20000);
        network_heal_all(lab->cluster);
        cluster_lab_advance_ms(lab, 60000);
        check_same(lab, 1, 2);
        check_same(lab, 1, 3);
        events[i] = queue_events_run(lab->queue);
        entries[i] = journal_last(lab->journal);
        cluster_lab_free(lab);
    }
    CHECK_INT(events[0], events[1]);
    CHECK_INT(entries[0], entries[1]);
}
