/* One story, whatever moves its clock: a cluster under simulated clients, with faults, late and lost messages, chaos and a reassignment is the same history - its
 * events as text, its brokers' folders by their sums - in one go, event by event, in slices as they come, from its recording, and while somebody looks. */
#include "sim/chaos.h"
#include "sim/order.h"
#include "sim/replay.h"
#include "sim/wire/api/45_alter_partition_reassignments.h"
#include "tests/sim/sim_lab.h"

#define SETTINGS "log.retention.check.interval.ms=10000 log.index.size.max.bytes=8192 offsets.topic.num.partitions=3 default.replication.factor=3"

struct deed { int64_t at_ms; const char *words; };
static const struct deed story[] = {
    { 0,      "producer start p1 --topic students --rate 40/s --acks all --keys 20" },
    { 0,      "producer start p2 --topic moved --rate 15/s --acks 1 --producer-property enable.idempotence=false --producer-property linger.ms=50" },
    { 250,    "consumer start c1 --group team --topic students --consumer-property auto.offset.reset=earliest" },
    { 1001,   "fault add Produce topic=students skip=5 count=2 error=NOT_LEADER_OR_FOLLOWER" },
    { 1001,   "fault add Fetch from=brokers skip=3 count=3 lose-response" },
    { 1500,   "fault add Heartbeat count=2 delay=300ms" },
    { 3000,   "net delay clients %1 3ms 9ms" },
    { 3000,   "net delay %0 %1 2ms 5ms" },
    { 3000,   "net loss %1 %2 20" },
    { 4000,   "consumer start c2 --group team --topic students --slow 1ms" },
    { 5000,   "at +4s broker kill %2" },
    { 5000,   "at +24s broker start %2" },
    { 5000,   "at +25s broker start 77" },
    { 7777,   "disk slow %0 3ms" },
    { 20000,  "clock skew %0 25s" },
    { 20500,  "clock skew %1 -3s" },
    { 30000,  "replica hold %1" },
    { 36000,  "replica release %1" },
    { 40000,  "reassign" },
    { 41000,  "net heal" },
    { 42000,  "chaos start --seed 7 --for 40s --rough" },
    { 60000,  "producer start p3 --topic students --rate 20/s --count 100 --acks 0 --producer-property enable.idempotence=false" },
    { 70000,  "consumer kill c2" },
    { 105000, "clock skew %0 0s" },
    { 110000, "group expire team all" },
    { 115000, "producer stop p1" },
    { 115000, "producer kill p2" },
    { 116000, "consumer stop c1" },
    { 125000, NULL },
};
enum { DEEDS = sizeof(story) / sizeof(*story) };

/* How the clock gets from one deed to the next. */
enum way { AT_ONCE, BY_STEPS, IN_SLICES, WITH_LOOKS };

struct told { /* what is left of it */
    char *events, *sums;
};
struct player {
    struct sim_lab sim;
    enum way way;
    struct random chance;         /* the test's own, not the lab's */
    struct recorder *recorder;
    int64_t from_us;
    int looks;
};

static struct lab *lab_of(struct player *player) { return player->sim.lab; }
static int64_t now_us(struct player *player) { return queue_now_us(lab_queue(lab_of(player))); }

/* ---- looking ---- */

static void head(void *context, int count, const char *const *names)
{
    (void)context, (void)count, (void)names;
}

static bool row(void *context, const struct sql_row *row)
{
    ++*(size_t *)context;
    return row->count > 0;
}

static size_t read_tables(struct lab *lab)
{
    static const char *const tables[] = { "clock", "brokers", "topics", "partitions", "replicas", "segments", "batches", "groups", "members", "offsets", "producers",
                                          "configs", "connections", "requests", "clients", "events", "decisions", "metrics" };
    size_t rows = 0;

    for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
        struct reason reason = { "" };
        char *query = mem_printf("SELECT * FROM %s", tables[i]);

        if (sql_query(lab_sql(lab), query, head, row, &rows, NULL, &reason))
            fail_msg("%s: %s", query, reason.text);
        mem_free(query);
    }
    return rows;
}

/* What `why` and the view ask of each replica. */
static void read_decisions(struct lab *lab)
{
    struct cluster *cluster = lab_cluster(lab);
    int64_t now_ms = queue_now_ms(lab_queue(lab));

    for (size_t i = 0; i < cluster_broker_count(cluster); i++)
        for (int32_t p = 0; p < 4 && broker_up(cluster_broker_at(cluster, i)); p++) {
            struct partition *partition = broker_partition(cluster_broker_at(cluster, i), "students", p);
            struct retention_decision weighed;

            if (!partition)
                continue;
            weighed = log_weigh_retention(partition_log(partition), now_ms);
            retention_decision_done(&weighed);
            log_decide_compaction(partition_log(partition), partition_cleaner_offset(partition), now_ms);
        }
    lab_next_moment(lab);
}

/* Back to some moment, the tables of then, and on from there to another. */
static void rewind_and_look(struct player *player)
{
    int64_t back_us = (int64_t)random_below(&player->chance, (uint64_t)(now_us(player) - player->from_us) + 1);
    struct reason reason = { "" };
    struct past *past;

    if (past_open_live(&past, player->recorder, NULL, NULL, &reason))
        fail_msg("%s", reason.text);
    while (!lab_run_slice(past_lab(past), now_us(player) - back_us, NULL))
        ;
    CHECK(read_tables(past_lab(past)) > 10);
    for (int i = 0; i < 50 && lab_step(past_lab(past)); i++)
        ;
    read_decisions(past_lab(past));
    if (past_error(past, &reason))
        fail_msg("%s", reason.text);
    past_close(past);
}

static void look(struct player *player)
{
    char *events;

    CHECK(read_tables(lab_of(player)) > 10);
    read_decisions(lab_of(player));
    events = sim_lab_events(lab_of(player));
    CHECK(*events);
    mem_free(events);
    if (player->looks++ % 4 == 1)
        rewind_and_look(player);
}

/* ---- playing ---- */

static void step_to(struct player *player, int64_t at_us)
{
    while (queue_next_us(lab_queue(lab_of(player))) <= at_us && lab_step(lab_of(player)))
        ;
    CHECK(now_us(player) <= at_us);
}

static void run_to(struct player *player, int64_t at_us)
{
    if (player->way == BY_STEPS)
        step_to(player, at_us);
    while (player->way >= IN_SLICES && now_us(player) < at_us) {
        int64_t most_us = player->way == IN_SLICES ? 400000 : 9000000;
        int64_t until_us = now_us(player) + 1 + (int64_t)random_below(&player->chance, (uint64_t)most_us);

        sim_lab_run_until(&player->sim, until_us < at_us ? until_us : at_us);
        for (uint64_t i = random_below(&player->chance, 5); i && queue_next_us(lab_queue(lab_of(player))) <= at_us; i--)
            lab_step(lab_of(player)); /* a few by hand: it may stop between two events of one moment */
        if (player->way == WITH_LOOKS)
            look(player);
    }
    sim_lab_run_until(&player->sim, at_us);
}

static int32_t id_at(struct player *player, size_t i)
{
    return broker_id(cluster_broker_at(lab_cluster(lab_of(player)), i % cluster_broker_count(lab_cluster(lab_of(player)))));
}

/* moved-0 goes to those that have nothing of it, and one that has. */
static void reassign(struct player *player, struct wire_client *admin)
{
    const struct image_partition *moved = image_partition(cluster_image(lab_cluster(lab_of(player))), "moved", 0);
    int32_t to[2] = { moved->replicas[1], moved->replicas[1] };
    struct alter_partition_reassignments_request_partition partition = { 0, { to, 2 } };
    struct alter_partition_reassignments_request_topic topic = { "moved", { &partition, 1 } };
    struct alter_partition_reassignments_request in = { 30000, .topics = { &topic, 1 } };

    for (size_t i = 0; i < 5; i++)
        if (id_at(player, i) != moved->replicas[0] && id_at(player, i) != moved->replicas[1])
            to[0] = id_at(player, i);
    client_begin(admin, 45, 0, &in);
}

static void order(struct player *player, const char *words)
{
    struct text own = { 0 };
    struct reason reason = { "" };

    for (const char *at = words; *at; at++) /* %0: the first broker, whose id is another in each release */
        if (*at == '%')
            text_printf(&own, "%d", id_at(player, (size_t)(*++at - '0')));
        else
            text_char(&own, *at);
    if (lab_order(lab_of(player), text_chars(&own), NULL, &reason))
        fail_msg("%s: %s", words, reason.text);
    text_done(&own);
}

static void play(struct player *player)
{
    struct wire_client *admin = wire_lab_client(&player->sim.ends, 0, true);
    int64_t zero_us;

    player->from_us = now_us(player);
    sim_create_topic(admin, "students", 4, 3, "min.insync.replicas", "2");
    sim_alter_topic(admin, "students", "retention.ms", "30000");
    sim_alter_topic(admin, "students", "segment.ms", "9000");
    sim_create_topic(admin, "moved", 1, 2, NULL, NULL);
    zero_us = now_us(player) + 500000;
    for (size_t i = 0; i < DEEDS; i++) {
        run_to(player, zero_us + story[i].at_ms * 1000);
        if (!story[i].words)
            continue;
        if (!strcmp(story[i].words, "reassign"))
            reassign(player, admin);
        else
            order(player, story[i].words);
    }
}

static struct told keep(const struct lab *lab)
{
    return (struct told){ sim_lab_events(lab), sim_lab_sums(lab) };
}

static void forget(struct told *told)
{
    mem_free(told->events);
    mem_free(told->sums);
}

/* Long texts: only where they part is shown. */
static void check_long(const char *what, const char *expected, const char *got)
{
    size_t at = 0, line = 0;

    for (; expected[at] && expected[at] == got[at]; at++)
        line = expected[at] == '\n' ? at + 1 : line;
    if (expected[at] != got[at])
        fail_msg("%s\n expected: %.400s\n but got: %.400s", what, expected + line, got + line);
}

static struct told play_so(enum release release, int32_t brokers, uint64_t seed, enum way way, struct buffer *recording)
{
    struct player player = { .way = way };
    struct told told;

    sim_lab_open(&player.sim, release, brokers, seed, SETTINGS);
    random_init(&player.chance, seed + 100);
    if (recording || way == WITH_LOOKS)
        player.recorder = recorder_new(player.sim.lab, 0);
    play(&player);
    told = keep(player.sim.lab);
    CHECK(chaos_deed_count(lab_chaos(player.sim.lab)) > 2);
    CHECK(way != WITH_LOOKS || player.looks > 12);
    if (recording)
        recorder_save(player.recorder, recording);
    recorder_free(player.recorder);
    sim_lab_close(&player.sim);
    return told;
}

static struct told play_recording(struct bytes recording, size_t events)
{
    struct sim_lab again = { 0 };
    struct lab_options options;
    struct reason reason = { "" };
    struct told told;

    CHECK_INT(ERR_OK, replay_options(recording, &options, &again.settings, &reason));
    options.memory = true;
    sim_lab_open_with(&again, &options);
    if (replay_run(again.lab, recording, &reason))
        fail_msg("%s", reason.text);
    told = keep(again.lab);
    CHECK(strlen(told.events) >= events);
    told.events[events] = 0; /* what follows: its connections end with it */
    sim_lab_close(&again);
    return told;
}

static void check_same(const char *what, const struct told *first, struct told again)
{
    check_long(what, first->events, again.events);
    check_long(what, first->sums, again.sums);
    forget(&again);
}

static void check_story(enum release release, int32_t brokers, uint64_t seed)
{
    static const char *const happens[] = { " leader_elected ", " isr_changed ", " fault_hit ", " chaos_done ", " chaos_ended ", " broker_started ", " clock_skewed ", " segment_rolled ",
                                           " segment_deleted ", " reassignment_completed ", " replica_held ", " member_joined ", " order_failed " };
    struct buffer recording = { 0 };
    struct told first = play_so(release, brokers, seed, AT_ONCE, NULL);

    for (size_t i = 0; i < sizeof(happens) / sizeof(*happens); i++)
        if (!strstr(first.events, happens[i]))
            fail_msg("nothing of %s", happens[i]);
    CHECK(strstr(first.sums, "students-0/"));
    check_same("recorded meanwhile", &first, play_so(release, brokers, seed, AT_ONCE, &recording));
    check_same("event by event", &first, play_so(release, brokers, seed, BY_STEPS, NULL));
    check_same("in slices", &first, play_so(release, brokers, seed, IN_SLICES, NULL));
    check_same("rewound and looked at meanwhile", &first, play_so(release, brokers, seed, WITH_LOOKS, NULL));
    check_same("from the recording", &first, play_recording(buffer_bytes(&recording), strlen(first.events)));
    forget(&first);
    buffer_done(&recording);
}

TEST(three_brokers_of_2_7_live_the_same_whatever_moves_the_clock)
{
    check_story(RELEASE_27, 3, 21);
}

TEST(three_brokers_of_4_3_live_the_same_whatever_moves_the_clock)
{
    check_story(RELEASE_43, 3, 22);
}

TEST(five_brokers_live_the_same_whatever_moves_the_clock)
{
    check_story(RELEASE_27, 5, 23);
    check_story(RELEASE_43, 5, 24);
}
