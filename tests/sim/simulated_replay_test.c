/* Simulated clients are part of a lab's history: the same seed gives them again, and a replay plays them from their orders alone. */
#include "sim/order.h"
#include "sim/replay.h"
#include "tests/sim/sim_lab.h"

#define SETTINGS "log.retention.check.interval.ms=10000 offsets.topic.num.partitions=3"

static void order(struct sim_lab *sim, const char *words)
{
    struct reason reason = { "" };

    if (lab_order(sim->lab, words, NULL, &reason))
        fail_msg("%s: %s", words, reason.text);
}

/* Producers and consumers of all kinds, while brokers die, links are late and clients vanish. */
static void live(struct sim_lab *sim)
{
    struct wire_client *admin = wire_lab_client(&sim->ends, 0, true);

    sim_create_topic(admin, "students", 4, 3, NULL, NULL);
    sim_lab_advance_ms(sim, 500);
    order(sim, "producer start p1 --topic students --rate 300/s --acks all --keys 20");
    order(sim, "producer start p2 --topic students --rate 50/s --acks 1 --size 200 --producer-property enable.idempotence=false --producer-property linger.ms=100");
    order(sim, "producer start p3 --topic students --rate 20/s --count 100 --acks 0 --producer-property enable.idempotence=false");
    order(sim, "consumer start c1 --group g --topic students --consumer-property auto.offset.reset=earliest");
    sim_lab_advance_ms(sim, 3000);
    order(sim, "consumer start c2 --group g --topic students --slow 2ms --consumer-property enable.auto.commit=false --consumer-property session.timeout.ms=10000");
    order(sim, "net delay clients 1 3ms 5ms");
    sim_lab_advance_ms(sim, 5000);
    order(sim, "broker kill 2");
    sim_lab_advance_ms(sim, 21000);
    order(sim, "producer slow p1 100ms");
    order(sim, "broker start 2");
    sim_lab_advance_ms(sim, 15000);
    order(sim, "consumer kill c2");
    order(sim, "producer kill p2");
    order(sim, "consumer start c3 --group g --topic students");
    sim_lab_advance_ms(sim, 20000);
    order(sim, "producer stop p1");
    order(sim, "consumer stop c1");
    sim_lab_advance_ms(sim, 2000);
}

static char *clients_text(const struct lab *lab)
{
    struct text out = { 0 };

    for (size_t i = 0; i < simulated_count(lab_simulated(lab)); i++) {
        struct simulated_info info;

        simulated_info(simulated_at(lab_simulated(lab), i), &info);
        text_printf(&out, "%s %s sent=%llu acked=%llu failed=%llu consumed=%llu duplicates=%llu assigned=%zu\n", info.name, simulated_state_name(info.state),
                    (unsigned long long)info.sent, (unsigned long long)info.acknowledged, (unsigned long long)info.failed, (unsigned long long)info.consumed,
                    (unsigned long long)info.duplicates, info.assigned);
    }
    return text_take(&out);
}

static void check_texts(char *a, char *b)
{
    CHECK_TEXT(a, b);
    mem_free(a);
    mem_free(b);
}

static void check_same_seed(enum release release)
{
    char *sums[2], *events[2], *clients[2];

    for (int i = 0; i < 2; i++) {
        struct sim_lab sim;

        sim_lab_open(&sim, release, 3, 7, SETTINGS);
        live(&sim);
        sums[i] = sim_lab_sums(sim.lab);
        events[i] = sim_lab_events(sim.lab);
        clients[i] = clients_text(sim.lab);
        sim_lab_close(&sim);
    }
    CHECK(strstr(clients[0], "p1 stopped") && strstr(clients[0], "p2 killed") && strstr(clients[0], "p3 done sent=100") && strstr(clients[0], "c2 killed") &&
          strstr(clients[0], "c1 stopped") && strstr(clients[0], "c3 running"));
    check_texts(clients[0], clients[1]);
    check_texts(events[0], events[1]);
    check_texts(sums[0], sums[1]);
}

TEST(the_same_seed_gives_the_same_simulated_clients)
{
    check_same_seed(RELEASE_27);
    check_same_seed(RELEASE_43);
}

static void check_replay(enum release release)
{
    struct sim_lab sim, again;
    struct buffer recording = { 0 };
    struct lab_options options;
    struct recorder *recorder;
    struct reason reason = { "" };
    char *events, *replayed_events;

    sim_lab_open(&sim, release, 3, 11, SETTINGS);
    recorder = recorder_new(sim.lab, 0);
    live(&sim);
    recorder_save(recorder, &recording);
    CHECK(recorder_count(recorder) < 30); /* orders and the one who made the topic; nothing of what simulated clients sent */
    recorder_free(recorder);

    memset(&again, 0, sizeof(again));
    CHECK_INT(ERR_OK, replay_options(buffer_bytes(&recording), &options, &again.settings, &reason));
    options.memory = true;
    sim_lab_open_with(&again, &options);
    if (replay_run(again.lab, buffer_bytes(&recording), &reason))
        fail_msg("%s", reason.text);
    CHECK_INT(queue_now_us(lab_queue(sim.lab)), queue_now_us(lab_queue(again.lab)));
    check_texts(clients_text(sim.lab), clients_text(again.lab));
    check_texts(sim_lab_sums(sim.lab), sim_lab_sums(again.lab));
    events = sim_lab_events(sim.lab);
    replayed_events = sim_lab_events(again.lab);
    replayed_events[strlen(events)] = 0; /* what follows: its connections end with it */
    check_texts(events, replayed_events);
    buffer_done(&recording);
    sim_lab_close(&again);
    sim_lab_close(&sim);
}

TEST(a_replay_has_simulated_clients_again)
{
    check_replay(RELEASE_27);
    check_replay(RELEASE_43);
}

/* What is in the past may be looked at while they live there. */
TEST(the_past_has_them_too)
{
    struct sim_lab sim;
    struct recorder *recorder;
    struct past *past;
    struct past_place place;
    struct reason reason = { "" };

    sim_lab_open(&sim, RELEASE_43, 3, 3, SETTINGS);
    recorder = recorder_new(sim.lab, 0);
    live(&sim);
    place = recorder_place(recorder);
    CHECK_INT(ERR_OK, past_open_live(&past, recorder, NULL, NULL, &reason));
    while (!past_run_to(past, &place, 100000))
        ;
    if (past_error(past, &reason))
        fail_msg("%s", reason.text);
    check_texts(clients_text(sim.lab), clients_text(past_lab(past)));
    past_close(past);
    recorder_free(recorder);
    sim_lab_close(&sim);
}

/* ---- what a watch is told ---- */

struct told {
    uint64_t sent, acked, failed, consumed, acked_bad, consumed_bad;
    int assigned, revoked, committed, ended;
};

static void on_sent(void *context, const struct simulated_record *record) { ((struct told *)context)->sent += record->number > 0; }
static void on_failed(void *context, const struct simulated_record *record) { ((struct told *)context)->failed += record->err != ERR_OK; }

static void on_acked(void *context, const struct simulated_record *record)
{
    struct told *told = context;

    told->acked++;
    told->acked_bad += record->offset < 0 || record->partition < 0 || strcmp(record->topic, "students") != 0;
}

static void on_consumed(void *context, const struct simulated_record *record)
{
    struct told *told = context;
    struct bytes name;
    uint64_t number;

    told->consumed++;
    told->consumed_bad += !simulated_parse(record->value, &name, &number) || number != record->number || name.size != 2;
}

static void on_assigned(void *context, const char *client, const struct consumer_position *partitions, size_t count, int32_t generation)
{
    (void)client, (void)partitions, (void)count, (void)generation;
    ((struct told *)context)->assigned++;
}

static void on_revoked(void *context, const char *client, const struct consumer_position *partitions, size_t count, int32_t generation, bool lost)
{
    (void)client, (void)partitions, (void)count, (void)generation, (void)lost;
    ((struct told *)context)->revoked++;
}

static void on_committed(void *context, const char *client, const char *group, const struct consumer_position *positions, size_t count)
{
    (void)client, (void)positions;
    ((struct told *)context)->committed += count > 0 && !strcmp(group, "g");
}

static void on_ended(void *context, const char *client, enum simulated_state state)
{
    (void)client;
    ((struct told *)context)->ended += !simulated_lives(state);
}

TEST(a_watch_is_told_of_every_record)
{
    struct simulated_client_watch watch = { on_sent, on_acked, on_failed, on_consumed, on_assigned, on_revoked, on_committed, on_ended, NULL };
    struct told told = { 0 };
    struct sim_lab sim;
    struct simulated_info p1, p3;

    watch.context = &told;
    sim_lab_open(&sim, RELEASE_43, 3, 5, SETTINGS);
    simulated_watch(lab_simulated(sim.lab), &watch);
    live(&sim);
    simulated_info(simulated_find(lab_simulated(sim.lab), SIMULATED_PRODUCER, "p1"), &p1);
    simulated_info(simulated_find(lab_simulated(sim.lab), SIMULATED_PRODUCER, "p3"), &p3);
    CHECK(p1.acknowledged > 5000);
    CHECK_INT((long long)p1.sent, (long long)(p1.acknowledged + p1.failed));
    CHECK_INT(100, (long long)p3.acknowledged);
    CHECK(told.sent > told.acked && told.acked > 5000);
    CHECK_INT(100, (long long)told.acked_bad); /* acks=0 knows no offsets */
    CHECK(told.consumed > 5000);
    CHECK_INT(0, (long long)told.consumed_bad);
    CHECK(told.assigned >= 4 && told.revoked >= 3 && told.committed > 5);
    CHECK_INT(5, told.ended);
    sim_lab_close(&sim);
}

TEST(orders_to_clients_say_what_is_wrong)
{
    static const struct { const char *words, *why; } wrong[] = {
        { "producer start", "a name comes first: producer start p1 --topic students --rate 10/s" },
        { "producer start p1", "a topic is needed: --topic NAME" },
        { "producer start p1 --topic", "nothing follows behind: '--topic'" },
        { "producer start p1 --topic t --rate fast", "a rate is a number of records, for instance 100/s or 30/min: 'fast'" },
        { "producer start p1 --topic t --rate 0", "a rate is a number of records, for instance 100/s or 30/min: '0'" },
        { "producer start p1 --topic t --acks 5", "Invalid value 5 for configuration acks: String must be one of: all, -1, 0, 1" },
        { "producer start p1 --topic t --producer-property linger", "a property is KEY=VALUE, for instance linger.ms=20: 'linger'" },
        { "producer start p/1 --topic t", "a client's name has 1 to 48 of letters, digits, '.', '_' and '-'" },
        { "consumer start c1 --topic t", "a group is needed: --group NAME" },
        { "consumer start c1 --group g --topic t --slow soon", "how long does it work on a record? For instance 50ms: 'soon'" },
        { "producer stop p9", "there is no simulated producer p9; `producer start p9 ...` makes one" },
        { "consumer slow c1", "it is consumer slow NAME DURATION" },
    };
    struct sim_lab sim;

    sim_lab_open(&sim, RELEASE_43, 1, 5, SETTINGS);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        struct reason reason = { "" };

        CHECK(lab_order(sim.lab, wrong[i].words, NULL, &reason) != ERR_OK);
        CHECK_TEXT(wrong[i].why, reason.text);
    }
    order(&sim, "producer start p1 --topic t");
    {
        struct reason reason = { "" };

        CHECK_INT(ERR_INVALID_REQUEST, lab_order(sim.lab, "producer start p1 --topic t", NULL, &reason));
        CHECK_TEXT("producer p1 is running already; `producer stop p1` ends it", reason.text);
    }
    sim_lab_close(&sim);
}
