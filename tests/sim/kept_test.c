/* What a lab's folder keeps of orders: faults with what they hit, orders for later, chaos. Opened again it goes on with them, and its recording has them. */
#include <stdlib.h>
#include <unistd.h>

#include "sim/base/files.h"
#include "sim/chaos.h"
#include "sim/order.h"
#include "sim/schedule.h"
#include "sim/wire/faults.h"
#include "tests/sim/sim_lab.h"

static void open_in(struct sim_lab *sim, const char *dir)
{
    struct lab_options options;

    memset(sim, 0, sizeof(*sim));
    lab_options_default(&options);
    options.dir = dir;
    options.release = RELEASE_43;
    options.brokers = 3;
    options.new_start_us = LAB_START_US;
    sim_lab_open_with(sim, &options);
}

static void give(struct sim_lab *sim, const char *words)
{
    struct reason reason = { "" };

    if (lab_order(sim->lab, words, NULL, &reason))
        fail_msg("%s: %s", words, reason.text);
}

/* `fault list`, `at list` and what goes on of chaos. The caller's. */
static char *orders(struct sim_lab *sim)
{
    const struct wire *wire = lab_wire(sim->lab);
    const struct chaos *chaos = lab_chaos(sim->lab);
    struct text out = { 0 };

    for (size_t i = 0; i < faults_count(wire); i++) {
        const struct fault *fault = faults_at(wire, i);

        text_printf(&out, "%llu %lld/%lld %s %lld ", (unsigned long long)fault->id, (long long)fault->hits, (long long)fault->matched, fault_state(fault), (long long)fault->added_us);
        fault_describe(fault, &out);
        text_add(&out, "\n");
    }
    for (size_t i = 0; i < lab_due_count(sim->lab); i++)
        text_printf(&out, "%llu at %lld %s\n", (unsigned long long)lab_due_at(sim->lab, i)->number, (long long)lab_due_at(sim->lab, i)->at_us, lab_due_at(sim->lab, i)->words);
    if (chaos && chaos_goes_on(chaos))
        text_printf(&out, "chaos %llu until %lld\n", (unsigned long long)chaos_seed(chaos), (long long)chaos_until_us(chaos));
    return text_take(&out);
}

static void with_folder(void (*play)(const char *dir))
{
    char dir[] = "/tmp/kafkarium-kept-XXXXXX";
    int64_t now_us = 0;
    struct fs *fs;

    CHECK(mkdtemp(dir) != NULL);
    play(dir);
    fs = fs_real(&now_us, 0, false);
    fs_remove_tree(fs, dir, NULL);
    fs_free(fs);
}

static void play_faults_and_orders(const char *dir)
{
    struct sim_lab sim;
    struct text missed = { 0 };
    char *before, *after;

    open_in(&sim, dir);
    give(&sim, "fault add Fetch observe");
    give(&sim, "fault add Produce topic=students partition=3 client=p* skip=2 count=4 delay=1500ms");
    give(&sim, "fault add BrokerHeartbeat broker=2 skip=1 count=20 error=STALE_BROKER_EPOCH");
    give(&sim, "fault add Vote from=3 hold");
    give(&sim, "fault clear 1");
    give(&sim, "fault release 4");
    give(&sim, "at +60s broker kill 3");
    give(&sim, "at +20s fault clear 2");
    sim_lab_advance_ms(&sim, 9000);
    before = orders(&sim);
    CHECK(faults_find(lab_wire(sim.lab), 3)->hits > 1);
    sim_lab_close(&sim);

    open_in(&sim, dir);
    after = orders(&sim);
    CHECK_TEXT(before, after);
    CHECK_INT(0, (int)faults_missed(lab_wire(sim.lab), &missed)); /* nobody of this sitting expects anything of them */
    sim_lab_advance_ms(&sim, 12000);
    CHECK_INT(1, (int)lab_due_count(sim.lab)); /* the nearer one came */
    CHECK(!faults_find(lab_wire(sim.lab), 2));
    CHECK(faults_find(lab_wire(sim.lab), 3)->hits > 3);
    sim_lab_advance_ms(&sim, 40000);
    CHECK(!broker_up(cluster_broker(lab_cluster(sim.lab), 3)));
    CHECK_INT(20, (int)faults_find(lab_wire(sim.lab), 3)->hits); /* used up, all sittings together */
    give(&sim, "fault add Produce observe");
    CHECK(faults_find(lab_wire(sim.lab), 5)); /* numbers go on */
    sim_lab_close(&sim);
    text_done(&missed);
    mem_free(before);
    mem_free(after);
}

TEST(faults_and_orders_for_later_are_there_when_a_lab_is_opened_again)
{
    with_folder(play_faults_and_orders);
}

static void play_chaos(const char *dir)
{
    struct sim_lab sim;
    char *before, *after;

    open_in(&sim, dir);
    give(&sim, "chaos start --seed 5 --for 10m --kinds requests,freeze --brokers 2,3");
    sim_lab_advance_ms(&sim, 90000);
    before = orders(&sim);
    sim_lab_close(&sim);
    open_in(&sim, dir);
    after = orders(&sim);
    CHECK_TEXT(before, after);
    sim_lab_advance_ms(&sim, 100000);
    CHECK(chaos_deed_count(lab_chaos(sim.lab)) > 5);
    for (size_t i = 0; i < chaos_deed_count(lab_chaos(sim.lab)); i++)
        CHECK(chaos_deed_at(lab_chaos(sim.lab), i)->broker != 1);
    sim_lab_advance_ms(&sim, 600000);
    CHECK(!chaos_goes_on(lab_chaos(sim.lab)));
    CHECK_INT(0, (int)faults_count(lab_wire(sim.lab))); /* mended */
    sim_lab_close(&sim);
    mem_free(before);
    mem_free(after);
}

TEST(chaos_goes_on_when_a_lab_is_opened_again)
{
    with_folder(play_chaos);
}

/* Not for users, but typed all the same. */
TEST(an_order_that_brings_back_nonsense_is_refused)
{
    static const char *const nonsense[] = {
        "fault restore 1", "fault restore 0 0 0 0 on Produce observe", "fault restore 1 0 0 0 on Nothing observe", "fault restore 1 x 0 0 on Produce observe", "at restore 1 2",
        "at restore 1 2 nothing at all", "chaos restore", "chaos restore fault 1 2 3 4 x", "chaos restore 1 1 1 0 0 1 2 3 4 0000000000 1", "chaos restore 1 1 1 0 0 1 2 3 4 1111111111 9",
    };
    struct sim_lab sim;

    sim_lab_open(&sim, RELEASE_43, 1, 1, NULL);
    for (size_t i = 0; i < sizeof(nonsense) / sizeof(*nonsense); i++)
        CHECK_INT(ERR_INVALID_REQUEST, lab_order(sim.lab, nonsense[i], NULL, NULL));
    sim_lab_close(&sim);
}
