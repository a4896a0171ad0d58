/* What simulated clients do where things go wrong, or slowly, in virtual time: as Kafka's library does. */
#include <stdio.h>

#include "sim/cluster/partition.h"
#include "sim/order.h"
#include "tests/sim/sim_lab.h"

#define SETTINGS "offsets.topic.num.partitions=1 group.initial.rebalance.delay.ms=0"

static void order(struct sim_lab *sim, const char *words)
{
    struct reason reason = { "" };

    if (lab_order(sim->lab, words, NULL, &reason))
        fail_msg("%s: %s", words, reason.text);
}

static void open_with_topic(struct sim_lab *sim, enum release release, int32_t brokers, int32_t partitions)
{
    sim_lab_open(sim, release, brokers, 7, SETTINGS);
    sim_create_topic(wire_lab_client(&sim->ends, 0, true), "students", partitions, (int16_t)brokers, NULL, NULL);
    sim_lab_advance_ms(sim, 1000);
}

static struct simulated_info info_of(const struct sim_lab *sim, const char *name)
{
    const struct simulated_clients *clients = lab_simulated(sim->lab);
    const struct simulated_client *client = simulated_find(clients, SIMULATED_PRODUCER, name);
    struct simulated_info info;

    if (!client)
        client = simulated_find(clients, SIMULATED_CONSUMER, name);
    CHECK(client != NULL);
    simulated_info(client, &info);
    return info;
}

static int64_t log_end(const struct sim_lab *sim, int32_t partition)
{
    for (size_t b = 0; b < cluster_broker_count(lab_cluster(sim->lab)); b++) {
        struct partition *found = broker_partition(cluster_broker_at(lab_cluster(sim->lab), b), "students", partition);

        if (found && partition_leads(found))
            return log_end_offset(partition_log(found));
    }
    return -1;
}

/* ---- producers ---- */

/* Each record a batch of its own, and the link takes long: so many requests are on their way at once, and so many are acknowledged in its time. */
static size_t most_in_flight(int allowed)
{
    struct sim_lab sim;
    char words[300];
    size_t in_flight;
    uint64_t before;

    open_with_topic(&sim, RELEASE_43, 1, 1);
    order(&sim, "net delay clients 1 100ms");
    snprintf(words, sizeof(words), "producer start p1 --topic students --rate 1000/s --count 200 --producer-property linger.ms=0 --producer-property batch.size=0 "
             "--producer-property max.in.flight.requests.per.connection=%d", allowed);
    order(&sim, words);
    sim_lab_advance_ms(&sim, 3000); /* versions, metadata, a producer id: those come first */
    in_flight = info_of(&sim, "p1").in_flight;
    CHECK(info_of(&sim, "p1").acknowledged > 0 && info_of(&sim, "p1").acknowledged < 190);
    before = info_of(&sim, "p1").acknowledged;
    sim_lab_advance_ms(&sim, 1000);
    CHECK_INT(1000 / 100 * allowed, (long long)(info_of(&sim, "p1").acknowledged - before)); /* there 100 ms, back none */
    sim_lab_advance_ms(&sim, 60000);
    CHECK_INT(200, (long long)info_of(&sim, "p1").acknowledged);
    CHECK_INT(200, log_end(&sim, 0));
    sim_lab_close(&sim);
    return in_flight;
}

TEST(so_many_requests_are_in_flight)
{
    CHECK_INT(5, (long long)most_in_flight(5));
    CHECK_INT(2, (long long)most_in_flight(2));
    CHECK_INT(1, (long long)most_in_flight(1));
}

/* One request in the middle of several is refused: with idempotence the order stays, without it those behind go first. */
static struct simulated_info order_after_refusal(enum release release, bool idempotent, int64_t *end)
{
    struct sim_lab sim;
    struct simulated_info consumer;
    char words[300];

    open_with_topic(&sim, release, 1, 1);
    order(&sim, release == RELEASE_27 ? "net delay clients 0 20ms" : "net delay clients 1 20ms");
    order(&sim, "fault add Produce topic=students skip=4 count=1 error=NOT_LEADER_OR_FOLLOWER");
    snprintf(words, sizeof(words), "producer start p1 --topic students --rate 200/s --count 100 --acks all --producer-property enable.idempotence=%s "
             "--producer-property linger.ms=0 --producer-property batch.size=0", idempotent ? "true" : "false");
    order(&sim, words);
    order(&sim, "consumer start c1 --group g --topic students --consumer-property auto.offset.reset=earliest");
    sim_lab_advance_ms(&sim, 20000);
    CHECK_INT(100, (long long)info_of(&sim, "p1").acknowledged);
    CHECK(info_of(&sim, "p1").state == SIMULATED_DONE);
    *end = log_end(&sim, 0);
    consumer = info_of(&sim, "c1");
    sim_lab_close(&sim);
    return consumer;
}

TEST(idempotence_keeps_the_order_when_one_of_several_is_sent_again)
{
    static const enum release releases[] = { RELEASE_27, RELEASE_43 };

    for (int i = 0; i < 2; i++) {
        int64_t end;
        struct simulated_info consumer = order_after_refusal(releases[i], true, &end);

        CHECK_INT(100, end);
        CHECK_INT(100, (long long)consumer.consumed);
        CHECK_INT(0, (long long)consumer.out_of_order);
        CHECK_INT(0, (long long)consumer.duplicates);
        consumer = order_after_refusal(releases[i], false, &end);
        CHECK_INT(100, end);
        CHECK_INT(100, (long long)consumer.consumed);
        CHECK(consumer.out_of_order > 0);
        CHECK_INT(0, (long long)consumer.duplicates);
    }
}

/* The answer is lost: the batch is there, and is sent again. */
static struct simulated_info after_lost_answer(bool idempotent, int64_t *end)
{
    struct sim_lab sim;
    struct simulated_info consumer;
    char words[300];

    open_with_topic(&sim, RELEASE_43, 1, 1);
    order(&sim, "fault add Produce topic=students skip=2 count=1 lose-response");
    snprintf(words, sizeof(words), "producer start p1 --topic students --rate 100/s --count 50 --acks all --producer-property enable.idempotence=%s "
             "--producer-property request.timeout.ms=2000", idempotent ? "true" : "false");
    order(&sim, words);
    order(&sim, "consumer start c1 --group g --topic students --consumer-property auto.offset.reset=earliest");
    sim_lab_advance_ms(&sim, 20000);
    CHECK_INT(50, (long long)info_of(&sim, "p1").acknowledged);
    *end = log_end(&sim, 0);
    consumer = info_of(&sim, "c1");
    sim_lab_close(&sim);
    return consumer;
}

TEST(a_lost_answer_makes_duplicates_without_idempotence)
{
    int64_t end;
    struct simulated_info consumer = after_lost_answer(true, &end);

    CHECK_INT(50, end);
    CHECK_INT(0, (long long)consumer.duplicates);
    consumer = after_lost_answer(false, &end);
    CHECK(end > 50);
    CHECK_INT(end - 50, (long long)consumer.duplicates);
}

/* A gap that the broker sees: the producer goes on with the next epoch, and nothing is lost or twice there. */
TEST(a_gap_is_left_behind_by_the_next_epoch)
{
    struct sim_lab sim;

    open_with_topic(&sim, RELEASE_43, 1, 1);
    order(&sim, "fault add Produce topic=students skip=3 count=1 error=OUT_OF_ORDER_SEQUENCE_NUMBER");
    order(&sim, "producer start p1 --topic students --rate 100/s --count 100 --acks all");
    order(&sim, "consumer start c1 --group g --topic students --consumer-property auto.offset.reset=earliest");
    sim_lab_advance_ms(&sim, 10000);
    CHECK_INT(100, (long long)info_of(&sim, "p1").acknowledged);
    CHECK(info_of(&sim, "p1").retries >= 1);
    CHECK_INT(100, log_end(&sim, 0));
    CHECK_INT(0, (long long)info_of(&sim, "c1").out_of_order);
    sim_lab_close(&sim);
}

TEST(records_are_given_up_at_their_delivery_timeout_in_flight_too)
{
    struct sim_lab sim;

    open_with_topic(&sim, RELEASE_43, 1, 1);
    order(&sim, "fault add Produce topic=students blackhole");
    order(&sim, "producer start p1 --topic students --rate 10/s --count 10 --acks 1 --producer-property enable.idempotence=false "
                "--producer-property request.timeout.ms=30000 --producer-property delivery.timeout.ms=40000");
    sim_lab_advance_ms(&sim, 39500);
    CHECK_INT(0, (long long)info_of(&sim, "p1").failed);
    CHECK(info_of(&sim, "p1").retries > 0);
    sim_lab_advance_ms(&sim, 2000);
    CHECK_INT(10, (long long)info_of(&sim, "p1").failed);
    CHECK_TEXT("REQUEST_TIMED_OUT", info_of(&sim, "p1").last_error);
    CHECK(info_of(&sim, "p1").state == SIMULATED_DONE);
    sim_lab_close(&sim);
}

/* 4 batches fill the memory; then a record waits max.block.ms for room, and fails. */
TEST(a_full_buffer_blocks_and_then_fails)
{
    struct sim_lab sim;
    struct simulated_info info;

    open_with_topic(&sim, RELEASE_43, 1, 1);
    order(&sim, "producer start p1 --topic students --rate 100/s --size 400 --producer-property batch.size=1000 --producer-property buffer.memory=4000 "
                "--producer-property max.block.ms=1500 --producer-property linger.ms=0");
    sim_lab_advance_ms(&sim, 1000);
    order(&sim, "net cut clients 1");
    sim_lab_advance_ms(&sim, 1000);
    info = info_of(&sim, "p1");
    CHECK_INT(4000, (long long)info.buffered_bytes);
    CHECK_INT(0, (long long)info.failed);
    sim_lab_advance_ms(&sim, 1000);
    CHECK_INT(1, (long long)info_of(&sim, "p1").failed);
    order(&sim, "net heal clients 1");
    sim_lab_advance_ms(&sim, 5000);
    info = info_of(&sim, "p1");
    CHECK_INT(1, (long long)info.failed);
    CHECK(info.sent >= 795 && info.acknowledged >= info.sent - 3); /* what it owed is caught up with */
    sim_lab_close(&sim);
}

static void count_partitions(enum release release, const char *settings, int64_t ends[4])
{
    struct sim_lab sim;
    char words[400];

    open_with_topic(&sim, release, 1, 4);
    snprintf(words, sizeof(words), "producer start p1 --topic students --rate 1000/s --size 100 --count 4000 --producer-property batch.size=2000 --producer-property linger.ms=10 %s",
             settings);
    order(&sim, words);
    sim_lab_advance_ms(&sim, 10000);
    for (int32_t p = 0; p < 4; p++)
        ends[p] = log_end(&sim, p);
    sim_lab_close(&sim);
}

TEST(partitioners_spread_records)
{
    static const enum release releases[] = { RELEASE_27, RELEASE_43 };
    int64_t ends[4];

    for (int i = 0; i < 2; i++) {
        count_partitions(releases[i], "", ends); /* sticky: a batch here, a batch there */
        for (int p = 0; p < 4; p++)
            CHECK(ends[p] > 500 && ends[p] < 1500);
        CHECK_INT(4000, ends[0] + ends[1] + ends[2] + ends[3]);
        count_partitions(releases[i], "--partition 2", ends);
        CHECK_INT(4000, ends[2]);
        count_partitions(releases[i], "--keys 1", ends); /* "k0" has one place */
        CHECK_INT(4000, ends[(murmur2(bytes_text("k0")) & 0x7fffffff) % 4]);
    }
    count_partitions(RELEASE_43, "--producer-property partitioner.class=org.apache.kafka.clients.producer.RoundRobinPartitioner", ends);
    for (int p = 0; p < 4; p++)
        CHECK_INT(1000, ends[p]);
    count_partitions(RELEASE_43, "--keys 1 --producer-property partitioner.ignore.keys=true", ends);
    for (int p = 0; p < 4; p++)
        CHECK(ends[p] > 500 && ends[p] < 1500);
    count_partitions(RELEASE_27, "--keys 1 --producer-property partitioner.class=org.apache.kafka.clients.producer.UniformStickyPartitioner", ends);
    for (int p = 0; p < 4; p++)
        CHECK(ends[p] > 500 && ends[p] < 1500);
}

/* A batch that its topic does not take is split as long as that helps. */
TEST(a_batch_too_large_for_the_broker_is_split)
{
    struct sim_lab sim;

    open_with_topic(&sim, RELEASE_43, 1, 1);
    sim_alter_topic(wire_lab_client(&sim.ends, 0, true), "students", "max.message.bytes", "3000");
    order(&sim, "producer start p1 --topic students --rate 1000/s --size 1000 --count 50 --producer-property batch.size=2500 --producer-property linger.ms=100 "
                "--producer-property compression.type=gzip"); /* dots pack well: far more of them than 2500 bytes are put in one, and none is too large */
    order(&sim, "producer start p2 --topic students --rate 1000/s --size 2000 --count 10 --producer-property delivery.timeout.ms=31000");
    sim_lab_advance_ms(&sim, 20000);
    CHECK_INT(50, (long long)info_of(&sim, "p1").acknowledged);
    CHECK_INT(0, (long long)info_of(&sim, "p1").failed);
    sim_lab_advance_ms(&sim, 20000);
    CHECK(info_of(&sim, "p2").state == SIMULATED_DONE);
    CHECK_INT(10, (long long)(info_of(&sim, "p2").acknowledged + info_of(&sim, "p2").failed)); /* batch.size alone makes them too large */
    sim_lab_close(&sim);
}

/* ---- groups ---- */

struct story {
    struct text text;
    struct sim_lab *sim;
};

static void tell(struct story *story, const char *client, const char *what, const struct consumer_position *partitions, size_t count)
{
    text_printf(&story->text, "%s%s %s", story->text.size ? "; " : "", client, what);
    for (size_t i = 0; i < count; i++)
        text_printf(&story->text, " %d", partitions[i].partition);
}

static void on_assigned(void *context, const char *client, const struct consumer_position *partitions, size_t count, int32_t generation)
{
    char what[24];

    snprintf(what, sizeof(what), "in %d gets", generation);
    tell(context, client, what, partitions, count);
}

static void on_revoked(void *context, const char *client, const struct consumer_position *partitions, size_t count, int32_t generation, bool lost)
{
    (void)generation;
    tell(context, client, lost ? "loses" : "gives", partitions, count);
}

static void begin_story(struct story *story, struct sim_lab *sim, enum release release, int32_t partitions)
{
    struct simulated_client_watch watch = { .assigned = on_assigned, .revoked = on_revoked, .context = story };

    open_with_topic(sim, release, 1, partitions);
    *story = (struct story){ .sim = sim };
    simulated_watch(lab_simulated(sim->lab), &watch);
}

static void check_story(struct story *story, const char *expected)
{
    CHECK_TEXT(expected, text_chars(&story->text));
    text_clear(&story->text);
}

static void join(struct sim_lab *sim, const char *name, const char *strategy, const char *more)
{
    char words[500];

    snprintf(words, sizeof(words), "consumer start %s --group g --topic students --consumer-property auto.offset.reset=earliest "
             "--consumer-property partition.assignment.strategy=%s %s", name, strategy, more);
    order(sim, words);
    sim_lab_advance_ms(sim, 8000);
}

TEST(members_that_cooperate_keep_what_stays_theirs)
{
    static const enum release releases[] = { RELEASE_27, RELEASE_43 };

    for (int i = 0; i < 2; i++) {
        struct sim_lab sim;
        struct story story;

        begin_story(&story, &sim, releases[i], 4);
        join(&sim, "c1", "cooperative-sticky", "");
        check_story(&story, "c1 in 1 gets 0 1 2 3");
        join(&sim, "c2", "cooperative-sticky", ""); /* what moves is given up first, and given in the next round */
        check_story(&story, "c2 in 2 gets; c1 gives 2 3; c1 in 2 gets; c1 in 3 gets; c2 in 3 gets 2 3");
        order(&sim, "consumer stop c1");
        sim_lab_advance_ms(&sim, 8000);
        check_story(&story, "c1 gives 0 1; c2 in 4 gets 0 1");
        text_done(&story.text);
        sim_lab_close(&sim);
    }
}

TEST(members_that_do_not_give_all_back)
{
    struct sim_lab sim;
    struct story story;

    begin_story(&story, &sim, RELEASE_43, 4);
    join(&sim, "c1", "range", "");
    join(&sim, "c2", "range", "");
    check_story(&story, "c1 in 1 gets 0 1 2 3; c1 gives 0 1 2 3; c2 in 2 gets 2 3; c1 in 2 gets 0 1");
    text_done(&story.text);
    sim_lab_close(&sim);
}

/* Eager members stop reading while they commit; those who cooperate read on, so a few records of what they give up may come twice, as in Kafka. */
TEST(a_rebalance_makes_no_duplicates_where_offsets_are_committed)
{
    static const char *const strategies[] = { "range", "roundrobin", "sticky", "cooperative-sticky" }, *const names[] = { "c1", "c2", "c3" };

    for (int i = 0; i < 4; i++) {
        struct sim_lab sim;
        struct simulated_info producer;
        uint64_t consumed = 0;

        open_with_topic(&sim, RELEASE_43, 3, 6);
        order(&sim, "producer start p1 --topic students --rate 500/s --keys 50");
        join(&sim, "c1", strategies[i], "");
        join(&sim, "c2", strategies[i], "");
        join(&sim, "c3", strategies[i], "");
        order(&sim, "consumer stop c2");
        sim_lab_advance_ms(&sim, 8000);
        order(&sim, "producer stop p1");
        sim_lab_advance_ms(&sim, 8000);
        producer = info_of(&sim, "p1");
        for (int c = 0; c < 3; c++) {
            consumed += info_of(&sim, names[c]).consumed;
            CHECK_INT(0, (long long)info_of(&sim, names[c]).out_of_order);
        }
        if (i < 3)
            CHECK_INT((long long)producer.sent, (long long)consumed);
        else
            CHECK(consumed >= producer.sent && consumed < producer.sent + 20);
        sim_lab_close(&sim);
    }
}

TEST(one_that_is_too_slow_leaves_its_group)
{
    struct sim_lab sim;
    struct story story;

    begin_story(&story, &sim, RELEASE_43, 2);
    order(&sim, "producer start p1 --topic students --rate 1000/s --count 100");
    sim_lab_advance_ms(&sim, 2000);
    join(&sim, "c1", "range", "--slow 100ms --consumer-property max.poll.interval.ms=5000 --consumer-property max.poll.records=100");
    sim_lab_advance_ms(&sim, 30000);
    CHECK(strstr(text_chars(&story.text), "c1 in 1 gets 0 1; c1 loses 0 1; c1 in 3 gets 0 1")); /* generation 2 had nobody */
    CHECK(info_of(&sim, "c1").duplicates > 0);
    text_done(&story.text);
    sim_lab_close(&sim);
}

static int32_t leader_of(const struct sim_lab *sim)
{
    return image_partition(cluster_image(lab_cluster(sim->lab)), "students", 0)->leader;
}

/* Its fetch breaks, metadata still names the broker that is gone, and nothing else happens: it tries again by itself, and not only when metadata.max.age.ms is over. */
TEST(one_whose_leader_dies_goes_on_with_the_next)
{
    for (int old = 0; old < 2; old++) {
        struct sim_lab sim;
        char words[40];

        open_with_topic(&sim, old ? RELEASE_27 : RELEASE_43, 3, 1);
        order(&sim, "consumer start c1 --group g --topic students --consumer-property auto.offset.reset=earliest --consumer-property enable.auto.commit=false");
        sim_lab_advance_ms(&sim, 10000);
        snprintf(words, sizeof(words), "broker kill %d", leader_of(&sim));
        order(&sim, words);
        sim_lab_advance_ms(&sim, 30000);
        order(&sim, "producer start p1 --topic students --rate 100/s --count 10");
        sim_lab_advance_ms(&sim, 5000);
        CHECK_INT(10, (long long)info_of(&sim, "p1").acknowledged);
        CHECK_INT(10, (long long)info_of(&sim, "c1").consumed);
        sim_lab_close(&sim);
    }
}

/* What its close commits it has worked on: else nobody of the group would ever see it. */
TEST(one_that_is_stopped_works_on_to_the_end_of_its_poll)
{
    static const char *const commits[] = { "true", "false" };

    for (size_t i = 0; i < 2; i++) {
        struct sim_lab sim;
        char words[300];

        open_with_topic(&sim, RELEASE_43, 1, 1);
        order(&sim, "producer start p1 --topic students --rate 100/s --count 50");
        sim_lab_advance_ms(&sim, 2000);
        snprintf(words, sizeof(words), "consumer start c1 --group g --topic students --slow 100ms --consumer-property auto.offset.reset=earliest "
                 "--consumer-property enable.auto.commit=%s --consumer-property max.poll.records=30", commits[i]);
        order(&sim, words);
        sim_lab_advance_ms(&sim, 1000);
        order(&sim, "consumer stop c1");
        sim_lab_advance_ms(&sim, 10000);
        CHECK_INT(SIMULATED_STOPPED, info_of(&sim, "c1").state);
        CHECK_INT(30, (long long)info_of(&sim, "c1").consumed);
        order(&sim, "consumer start c2 --group g --topic students --consumer-property auto.offset.reset=earliest");
        sim_lab_advance_ms(&sim, 10000);
        CHECK_INT(20, (long long)info_of(&sim, "c2").consumed);
        sim_lab_close(&sim);
    }
}

TEST(a_static_member_comes_back_to_what_it_had)
{
    struct sim_lab sim;
    struct story story;

    begin_story(&story, &sim, RELEASE_43, 2);
    join(&sim, "c1", "range", "--consumer-property group.instance.id=one");
    join(&sim, "c2", "range", "--consumer-property group.instance.id=two");
    text_clear(&story.text);
    order(&sim, "consumer stop c1");
    sim_lab_advance_ms(&sim, 8000);
    join(&sim, "c1", "range", "--consumer-property group.instance.id=one");
    check_story(&story, "c1 gives 0; c1 in 2 gets 0"); /* no rebalance for c2 */
    join(&sim, "c3", "range", "--consumer-property group.instance.id=two");
    CHECK(info_of(&sim, "c2").state == SIMULATED_FAILED);
    CHECK_TEXT("FENCED_INSTANCE_ID", info_of(&sim, "c2").last_error);
    text_done(&story.text);
    sim_lab_close(&sim);
}

/* fetch.min.bytes and fetch.max.wait.ms: nothing comes before there is enough, or the wait is over. */
TEST(a_fetch_waits_for_enough_or_long_enough)
{
    struct sim_lab sim;

    open_with_topic(&sim, RELEASE_43, 1, 1);
    join(&sim, "c1", "range", "--consumer-property fetch.min.bytes=100000 --consumer-property fetch.max.wait.ms=5000");
    sim_lab_advance_ms(&sim, 300); /* a wait began 8 s ago, the next at 5 */
    order(&sim, "producer start p1 --topic students --rate 10/s --count 5");
    sim_lab_advance_ms(&sim, 800);
    CHECK_INT(5, (long long)info_of(&sim, "p1").acknowledged);
    CHECK_INT(0, (long long)info_of(&sim, "c1").consumed);
    sim_lab_advance_ms(&sim, 5000);
    CHECK_INT(5, (long long)info_of(&sim, "c1").consumed);
    sim_lab_close(&sim);
}
