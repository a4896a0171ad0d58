/* Same seed, same inputs: the same history, byte for byte; what was recorded is played again without a network; two labs in one process. */
#include "sim/replay.h"

#include "sim/order.h"
#include "sim/base/files_faulty.h"
#include "sim/chaos.h"
#include "sim/cluster/network.h"
#include "sim/schedule.h"

#include "tests/sim/sim_lab.h"

#define SETTINGS "log.retention.check.interval.ms=10000 offsets.topic.num.partitions=3"

static struct wire_client *join(struct wire_client *client, const char *group, const char *member, const char **given)
{
    struct join_group_request_protocol protocol = { .name = "range", .metadata = bytes_text("meta") };
    struct join_group_request in = { .group_id = group, .session_timeout_ms = 10000, .rebalance_timeout_ms = 30000, .member_id = member,
                                     .protocol_type = "consumer", .protocols = { &protocol, 1 } };
    struct join_group_response *out = client_ask(client, 11, 5, &in);

    *given = mem_text(out->member_id);
    return client;
}

/* A day in a lab's life: topics, records in several partitions, a group that comes and goes, rolls, retention. */
static void live(struct sim_lab *sim, bool network)
{
    struct wire_client *admin = wire_lab_client(&sim->ends, 0, network), *ends[3];
    size_t brokers = cluster_broker_count(lab_cluster(sim->lab));
    const char *member = NULL;

    sim_create_topic(admin, "students", 3, (int16_t)brokers, "retention.ms", "30000");
    sim_create_topic(admin, "small", 1, 1, "segment.bytes", "1048576");
    sim_lab_advance_ms(sim, 500);
    for (size_t i = 0; i < brokers; i++)
        ends[i] = wire_lab_client(&sim->ends, i, network);
    for (int i = 0; i < 60; i++) {
        struct partition_place { int32_t partition; } place = { i % 3 };
        int32_t leader = image_topic(cluster_image(lab_cluster(sim->lab)), "students")->partitions[place.partition].leader;

        for (size_t b = 0; b < brokers; b++)
            if (broker_id(cluster_broker_at(lab_cluster(sim->lab), b)) == leader)
                sim_produce(ends[b], "students", place.partition, "a record of the replay test", 1 + i % 4, queue_now_ms(lab_queue(sim->lab)));
        sim_lab_advance_ms(sim, 137);
    }
    for (size_t b = 0; b < brokers && !member; b++) {
        struct find_coordinator_request find = { .key = "team" };
        struct find_coordinator_response *found;

        for (int tries = 0; tries < 20; tries++) {
            found = client_ask(ends[b], 10, 2, &find);
            if (!found->error_code)
                break;
            sim_lab_advance_ms(sim, 100);
        }
        CHECK_INT(ERR_OK, found->error_code);
        for (size_t c = 0; c < brokers; c++)
            if (!member && broker_id(cluster_broker_at(lab_cluster(sim->lab), c)) == found->node_id)
                join(ends[c], "team", "", &member);
    }
    CHECK(member && *member);
    mem_free((char *)member);
    sim_lab_advance_ms(sim, 20000);
    connection_close(ends[0]->connection, "gone");
    ends[0]->connection = NULL;
    sim_lab_advance_ms(sim, 120000);
}

static void check_same_seed(enum release release, int32_t brokers)
{
    char *sums[2], *events[2];

    for (int i = 0; i < 2; i++) {
        struct sim_lab sim;

        sim_lab_open(&sim, release, brokers, 7, SETTINGS);
        live(&sim, false);
        sums[i] = sim_lab_sums(sim.lab);
        events[i] = sim_lab_events(sim.lab);
        sim_lab_close(&sim);
    }
    CHECK(strstr(sums[0], "students-0/"));
    CHECK(strstr(events[0], "segment"));
    CHECK_TEXT(events[0], events[1]);
    CHECK_TEXT(sums[0], sums[1]);
    for (int i = 0; i < 2; i++) {
        mem_free(sums[i]);
        mem_free(events[i]);
    }
}

TEST(the_same_seed_gives_the_same_events_and_folders)
{
    check_same_seed(RELEASE_27, 1);
    check_same_seed(RELEASE_43, 3);
    check_same_seed(RELEASE_ANY, 3);
}

TEST(another_seed_gives_another_cluster)
{
    char *sums[2];

    for (int i = 0; i < 2; i++) {
        struct sim_lab sim;

        sim_lab_open(&sim, RELEASE_43, 1, (uint64_t)i, SETTINGS);
        live(&sim, false);
        sums[i] = sim_lab_sums(sim.lab);
        sim_lab_close(&sim);
    }
    CHECK(strcmp(sums[0], sums[1]));
    mem_free(sums[0]);
    mem_free(sums[1]);
}

static void live_from_outside(struct sim_lab *sim)
{
    live(sim, true);
}

static void order(struct sim_lab *sim, const char *words)
{
    struct reason reason = { "" };

    if (lab_order(sim->lab, words, NULL, &reason))
        fail_msg("%s: %s", words, reason.text);
}

static struct wire_client *to_leader(struct sim_lab *sim)
{
    int32_t leader = image_partition(cluster_image(lab_cluster(sim->lab)), "students", 0)->leader;

    for (size_t i = 0; i < cluster_broker_count(lab_cluster(sim->lab)); i++)
        if (broker_id(cluster_broker_at(lab_cluster(sim->lab), i)) == leader)
            return wire_lab_client(&sim->ends, i, true);
    return NULL;
}

/* Brokers come and go under clients. */
static void live_dangerously(struct sim_lab *sim)
{
    struct wire_client *admin = wire_lab_client(&sim->ends, 0, true), *end;
    char words[32];

    sim_create_topic(admin, "students", 1, 3, NULL, NULL);
    sim_lab_advance_ms(sim, 500);
    for (int i = 0; i < 4; i++) {
        struct broker *broker;

        end = to_leader(sim);
        sim_produce(end, "students", 0, "before", 3, queue_now_ms(lab_queue(sim->lab)));
        broker = cluster_broker(lab_cluster(sim->lab), image_partition(cluster_image(lab_cluster(sim->lab)), "students", 0)->leader);
        if (i == 3) {
            snprintf(words, sizeof(words), "disk slow %d 20ms", broker_id(broker));
            order(sim, words);
            sim_produce(end, "students", 0, "slowly", 3, queue_now_ms(lab_queue(sim->lab)));
            snprintf(words, sizeof(words), "disk fail %d read 1000", broker_id(broker));
            order(sim, words);
        }
        snprintf(words, sizeof(words), "broker %s %d", i == 1 ? "stop" : i == 2 ? "power-off" : "kill", broker_id(broker));
        order(sim, words);
        sim_lab_advance_ms(sim, i == 1 ? 2500 : 100); /* one that is stopped waits for the others' heartbeats */
        CHECK(end->closed);
        CHECK(!end->connection);
        sim_lab_advance_ms(sim, 20000);
        snprintf(words, sizeof(words), "broker start %d", broker_id(broker));
        order(sim, words);
        CHECK_INT(ERR_BROKER_NOT_AVAILABLE, lab_order(sim->lab, words, NULL, NULL)); /* an input too, refused again */
        sim_lab_advance_ms(sim, 12000);
        sim_produce(to_leader(sim), "students", 0, "after", 2, queue_now_ms(lab_queue(sim->lab)));
        sim_lab_advance_ms(sim, 2000);
    }
}

static void begin_produce(struct wire_client *client, struct arena *arena)
{
    struct produce_request_partition partition = { 0, lab_batch(arena, 1, queue_now_ms(client->lab->queue)) };
    struct produce_request_topic topic = { .name = "students", .partition_data = { &partition, 1 } };
    struct produce_request in = { .acks = -1, .timeout_ms = 1000, .topic_data = { &topic, 1 } };

    client_begin(client, 0, 8, &in);
}

/* Requests are refused, lost, held and late; a client gives up while what it sent is on its way. */
static void live_with_faults(struct sim_lab *sim)
{
    struct wire_client *admin = wire_lab_client(&sim->ends, 0, true), *end[4];
    struct arena arena;
    char words[64];
    int32_t leader;

    arena_init(&arena);
    sim_create_topic(admin, "students", 1, 3, NULL, NULL);
    sim_lab_advance_ms(sim, 500);
    for (int i = 0; i < 4; i++)
        end[i] = to_leader(sim);
    leader = end[0]->broker;
    order(sim, "fault add Produce topic=students count=1 error=NOT_LEADER_OR_FOLLOWER");
    order(sim, "fault add Produce topic=students count=1 lose-response");
    order(sim, "fault add Produce count=1 hold");
    order(sim, "fault add Produce count=1 delay=1.5s");
    order(sim, "fault add * observe");
    for (int i = 0; i < 4; i++) {
        begin_produce(end[i], &arena);
        sim_lab_advance_ms(sim, 10);
        CHECK_INT(i == 0, end[i]->replied);
    }
    for (int i = 1; i < 3; i++) {
        connection_close(end[i]->connection, "it gives up");
        end[i]->connection = NULL;
        client_connect(end[i]);
    }
    order(sim, "fault release 3");
    sim_lab_advance_ms(sim, 2000);
    CHECK(end[3]->replied);
    snprintf(words, sizeof(words), "net delay clients %d 20ms 30ms", leader);
    order(sim, words);
    begin_produce(end[1], &arena);
    sim_lab_advance_ms(sim, 5);
    snprintf(words, sizeof(words), "net cut clients %d", leader);
    order(sim, words);
    sim_lab_advance_ms(sim, 5000);
    CHECK(!end[1]->replied);
    snprintf(words, sizeof(words), "net heal clients %d", leader);
    order(sim, words);
    sim_lab_advance_ms(sim, 1000);
    CHECK(end[1]->replied);
    order(sim, "fault clear");
    order(sim, "fault add Fetch from=brokers topic=students count=2 error=NOT_LEADER_OR_FOLLOWER");
    order(sim, "fault add Fetch from=brokers skip=1 count=2 delay=50ms");
    order(sim, "fault add Fetch from=brokers skip=1 count=1 lose-response");
    for (int i = 0; i < 5; i++) {
        begin_produce(end[1], &arena);
        sim_lab_advance_ms(sim, 40000);
        CHECK(end[1]->replied);
    }
    for (uint64_t id = 6; id <= 8; id++)
        if (!faults_find(lab_wire(sim->lab), id)->hits)
            fail_msg("fault %llu was not hit", (unsigned long long)id);
    snprintf(words, sizeof(words), "at +3s broker kill %d", leader);
    order(sim, words);
    snprintf(words, sizeof(words), "at +40s broker start %d", leader);
    order(sim, words);
    order(sim, "at +1s broker start 77"); /* an event of its own, that it can't be done */
    order(sim, "at +2s disk slow 1 1ms");
    order(sim, "at cancel 4");
    sim_lab_advance_ms(sim, 2999);
    CHECK(!end[0]->closed);
    sim_lab_advance_ms(sim, 1);
    CHECK(end[1]->closed);
    CHECK_INT(1, lab_due_count(sim->lab));
    sim_lab_advance_ms(sim, 60000);
    CHECK_INT(BROKER_UP, broker_state(cluster_broker(lab_cluster(sim->lab), leader)));
    arena_done(&arena);
}

static void check_all_is_well(struct sim_lab *sim)
{
    const struct cluster *cluster = lab_cluster(sim->lab);

    CHECK(!chaos_goes_on(lab_chaos(sim->lab)));
    CHECK(chaos_deed_count(lab_chaos(sim->lab)) > 20);
    CHECK_INT(0, network_disturbed_count(cluster));
    CHECK_INT(0, faults_count(lab_wire(sim->lab)));
    for (size_t i = 0; i < cluster_broker_count(cluster); i++) {
        const struct broker *broker = cluster_broker_at(cluster, i);
        struct disk_state disk = disk_state(broker_disk(broker));

        CHECK_INT(BROKER_UP, broker_state(broker));
        CHECK(!network_frozen(cluster, broker_id(broker)));
        CHECK(!disk.slow_us && disk.full_after < 0);
    }
}

/* Gentle: as many stay in sync as acks=all needs, at every moment. */
static void live_in_gentle_chaos(struct sim_lab *sim)
{
    struct wire_client *admin = wire_lab_client(&sim->ends, 0, true);
    const struct image_partition *partition;
    int64_t written = 0;

    sim_create_topic(admin, "students", 3, 3, "min.insync.replicas", "2");
    sim_lab_advance_ms(sim, 500);
    order(sim, "producer start p --topic students --rate 5/s --acks all");
    order(sim, "chaos start --seed 5 --for 5m");
    for (int i = 0; i < 4000; i++) {
        sim_lab_advance_ms(sim, 100);
        for (int32_t p = 0; p < 3; p++) {
            partition = image_partition(cluster_image(lab_cluster(sim->lab)), "students", p);
            CHECK(partition->isr_count >= 2);
        }
    }
    check_all_is_well(sim);
    for (int32_t p = 0; p < 3; p++) {
        const struct image_partition *at = image_partition(cluster_image(lab_cluster(sim->lab)), "students", p);

        written += log_end_offset(partition_log(broker_partition(cluster_broker(lab_cluster(sim->lab), at->leader), "students", p)));
    }
    CHECK(written > 1500); /* 5 a second, for 400 s */
    order(sim, "producer stop p");
    sim_lab_advance_ms(sim, 1000);
}

static void live_in_rough_chaos(struct sim_lab *sim)
{
    struct wire_client *admin = wire_lab_client(&sim->ends, 0, true);

    sim_create_topic(admin, "students", 3, 3, NULL, NULL);
    sim_lab_advance_ms(sim, 500);
    order(sim, "producer start p --topic students --rate 5/s --acks all");
    order(sim, "chaos start --seed 9 --for 1h --rough");
    sim_lab_advance_ms(sim, 200000);
    CHECK(chaos_goes_on(lab_chaos(sim->lab)));
    CHECK_INT(ERR_INVALID_REQUEST, lab_order(sim->lab, "chaos start", NULL, NULL));
    order(sim, "chaos stop");
    sim_lab_advance_ms(sim, 90000);
    check_all_is_well(sim);
    order(sim, "producer kill p");
}

/* Brokers join, and go. */
static void live_and_grow(struct sim_lab *sim)
{
    struct wire_client *admin = wire_lab_client(&sim->ends, 0, true), *end;

    order(sim, "broker add 7 num.io.threads=16");
    sim_lab_advance_ms(sim, 500);
    sim_create_topic(admin, "students", 3, 3, NULL, NULL);
    sim_lab_advance_ms(sim, 500);
    end = to_leader(sim);
    for (int i = 0; i < 8; i++)
        sim_produce(end, "students", 0, "grown", 3, queue_now_ms(lab_queue(sim->lab)));
    order(sim, "broker kill 7");
    CHECK_INT(ERR_INVALID_REQUEST, lab_order(sim->lab, "broker add 7", NULL, NULL));
    sim_lab_advance_ms(sim, 30000);
    order(sim, "broker add");
    order(sim, "broker start 7");
    sim_lab_advance_ms(sim, 5000);
    CHECK_INT(4, cluster_broker_count(lab_cluster(sim->lab)));
    sim_produce(to_leader(sim), "students", 0, "more", 3, queue_now_ms(lab_queue(sim->lab)));
}

static int joins(const struct sim_lab *sim)
{
    char *events = sim_lab_events(sim->lab);
    int count = 0;

    for (const char *at = events; (at = strstr(at, "member_joined")); at++)
        count++;
    mem_free(events);
    return count;
}

/* Members that are put out of their group come again. */
static void live_in_groups(struct sim_lab *sim)
{
    struct wire_client *admin = wire_lab_client(&sim->ends, 0, true);
    struct reason reason = { "" };

    sim_create_topic(admin, "students", 2, 3, NULL, NULL);
    sim_lab_advance_ms(sim, 500);
    order(sim, "consumer start one --group team --topic students");
    order(sim, "consumer start two --group team --topic students");
    sim_lab_advance_ms(sim, 15000);
    CHECK_INT(2, joins(sim));
    CHECK_INT(ERR_UNKNOWN_MEMBER_ID, lab_order(sim->lab, "group expire team", NULL, &reason)); /* which one? */
    CHECK(strstr(reason.text, "2 members of group team are meant"));
    CHECK_INT(ERR_GROUP_ID_NOT_FOUND, lab_order(sim->lab, "group expire other all", NULL, &reason));
    CHECK_TEXT("there is no group other; there are: team", reason.text);
    order(sim, "group expire team one");
    sim_lab_advance_ms(sim, 15000);
    CHECK_INT(3, joins(sim));
    order(sim, "group expire team all");
    sim_lab_advance_ms(sim, 15000);
    CHECK_INT(5, joins(sim));
    order(sim, "consumer stop one");
    order(sim, "consumer stop two");
    sim_lab_advance_ms(sim, 1000);
}

static void check_replay(enum release release, int32_t brokers, void (*live)(struct sim_lab *sim))
{
    struct sim_lab sim, again;
    struct buffer recording = { 0 };
    struct lab_options options;
    struct recorder *recorder;
    struct reason reason = { "" };
    char *lived, *replayed, *events, *replayed_events;

    sim_lab_open(&sim, release, brokers, 11, SETTINGS);
    recorder = recorder_new(sim.lab, 0);
    live(&sim);
    recorder_save(recorder, &recording);
    CHECK(recorder_count(recorder) > 4);
    CHECK(!recorder_full(recorder));
    recorder_free(recorder);
    lived = sim_lab_sums(sim.lab);
    events = sim_lab_events(sim.lab);

    memset(&again, 0, sizeof(again)); /* beside the live one */
    CHECK_INT(ERR_OK, replay_options(buffer_bytes(&recording), &options, &again.settings, &reason));
    options.memory = true;
    sim_lab_open_with(&again, &options);
    if (replay_run(again.lab, buffer_bytes(&recording), &reason))
        fail_msg("%s", reason.text);
    CHECK_INT(queue_now_us(lab_queue(sim.lab)), queue_now_us(lab_queue(again.lab)));
    replayed = sim_lab_sums(again.lab);
    CHECK(strstr(lived, "students-0/"));
    CHECK_TEXT(lived, replayed);
    replayed_events = sim_lab_events(again.lab);
    CHECK(strlen(replayed_events) >= strlen(events)); /* what follows: its connections end with it */
    replayed_events[strlen(events)] = 0;
    CHECK_TEXT(events, replayed_events);
    mem_free(events);
    mem_free(replayed_events);
    mem_free(lived);
    mem_free(replayed);
    buffer_done(&recording);
    sim_lab_close(&again);
    sim_lab_close(&sim);
}

TEST(what_was_recorded_is_replayed_to_the_same_folders)
{
    check_replay(RELEASE_27, 1, live_from_outside);
    check_replay(RELEASE_43, 1, live_from_outside);
    check_replay(RELEASE_ANY, 3, live_from_outside);
}

TEST(orders_are_replayed_at_their_place)
{
    check_replay(RELEASE_27, 3, live_dangerously);
    check_replay(RELEASE_43, 3, live_dangerously);
}

TEST(faults_are_replayed)
{
    check_replay(RELEASE_27, 3, live_with_faults);
    check_replay(RELEASE_43, 3, live_with_faults);
}

TEST(chaos_is_replayed_and_leaves_nothing_broken)
{
    check_replay(RELEASE_27, 3, live_in_gentle_chaos);
    check_replay(RELEASE_43, 3, live_in_gentle_chaos);
    check_replay(RELEASE_27, 3, live_in_rough_chaos);
    check_replay(RELEASE_43, 3, live_in_rough_chaos);
}

TEST(brokers_that_join_are_replayed)
{
    check_replay(RELEASE_27, 2, live_and_grow);
    check_replay(RELEASE_43, 2, live_and_grow);
}

TEST(members_that_are_put_out_are_so_again)
{
    check_replay(RELEASE_27, 3, live_in_groups);
    check_replay(RELEASE_43, 3, live_in_groups);
}

TEST(an_order_that_is_none_names_those_there_are)
{
    struct sim_lab sim;
    struct reason reason = { "" };

    sim_lab_open(&sim, RELEASE_43, 1, 1, NULL);
    CHECK_INT(ERR_INVALID_REQUEST, lab_order(sim.lab, "broker explode 1", NULL, &reason));
    CHECK(strstr(reason.text, "there is no order 'broker explode 1'; it is one of: broker stop ID, broker kill ID, "));
    CHECK_INT(ERR_INVALID_REQUEST, lab_order(sim.lab, "broker kill 7", NULL, &reason));
    CHECK_TEXT("there is no broker 7; there is only broker 1", reason.text);
    CHECK_INT(ERR_INVALID_REQUEST, lab_order(sim.lab, "broker kill", NULL, &reason));
    CHECK_INT(ERR_INVALID_REQUEST, lab_order(sim.lab, "", NULL, &reason));
    CHECK_INT(BROKER_UP, broker_state(cluster_broker_at(lab_cluster(sim.lab), 0)));
    sim_lab_close(&sim);
}

TEST(what_is_no_recording_is_refused)
{
    struct sim_lab sim;
    struct buffer recording = { 0 };
    struct config_map settings = { 0 };
    struct lab_options options;
    struct recorder *recorder;
    struct reason reason = { "" };

    CHECK_INT(ERR_INVALID_REQUEST, replay_options(bytes_text("nothing of ours"), &options, &settings, &reason));
    CHECK_INT(ERR_INVALID_REQUEST, replay_options((struct bytes){ 0 }, &options, &settings, &reason));
    sim_lab_open(&sim, RELEASE_43, 1, 1, NULL);
    recorder = recorder_new(sim.lab, 0);
    wire_lab_client(&sim.ends, 0, true);
    recorder_save(recorder, &recording);
    recorder_free(recorder);
    for (size_t size = 0; size < recording.size; size++) {
        struct bytes part = { recording.data, size };

        if (replay_options(part, &options, &settings, &reason) == ERR_OK)
            CHECK_INT(ERR_INVALID_REQUEST, replay_run(sim.lab, part, &reason));
    }
    config_map_done(&settings);
    buffer_done(&recording);
    sim_lab_close(&sim);
}

TEST(two_labs_of_one_process_know_nothing_of_each_other)
{
    struct sim_lab one, two;
    char *alone, *beside, *other;

    sim_lab_open(&one, RELEASE_27, 1, 3, SETTINGS);
    live(&one, false);
    alone = sim_lab_sums(one.lab);
    sim_lab_close(&one);
    sim_lab_open(&one, RELEASE_27, 1, 3, SETTINGS);
    sim_lab_open(&two, RELEASE_43, 3, 4, SETTINGS);
    sim_lab_advance_ms(&two, 1234);
    live(&one, false);
    live(&two, false);
    beside = sim_lab_sums(one.lab);
    other = sim_lab_sums(two.lab);
    CHECK_TEXT(alone, beside);
    CHECK(strcmp(beside, other));
    mem_free(alone);
    mem_free(beside);
    mem_free(other);
    sim_lab_close(&two);
    sim_lab_close(&one);
}
