/* What the quorum's controllers send each other is lost, late, held or refused: who leads, what is committed, what is taken back. */
#include <string.h>

#include "sim/cluster/faults.h"
#include "sim/cluster/quorum.h"
#include "tests/cluster/cluster_lab.h"

/* One fault, as sim/wire/faults.h has many. */
struct fault_of_test {
    struct fault_hook hook;
    const char *api;
    struct fault_verdict verdict;
    int32_t from, to;                 /* 0: whoever */
    int skip, count, matched, hits;   /* count 0: all */
};

static bool means(const struct fault_of_test *fault, const struct fault_query *query)
{
    return fault->api && !strcmp(fault->api, query->api) && (!fault->from || fault->from == query->from) && (!fault->to || fault->to == query->to) &&
           (!fault->count || fault->hits < fault->count);
}

static struct fault_verdict ask(void *context, const struct fault_query *query)
{
    struct fault_of_test *fault = context;

    if (!means(fault, query) || fault->matched++ < fault->skip)
        return (struct fault_verdict){ .kind = FAULT_NONE };
    fault->hits++;
    return fault->verdict;
}

static bool may_hit(void *context, const struct fault_query *query)
{
    return means(context, query);
}

static void add(struct cluster_lab *lab, struct fault_of_test *fault)
{
    fault->hook = (struct fault_hook){ .ask = ask, .may_hit = may_hit, .context = fault };
    fault->verdict.fault = 1;
    cluster_set_fault_hook(lab->cluster, &fault->hook);
    cluster_faults_changed(lab->cluster);
}

static void take_away(struct cluster_lab *lab, struct fault_of_test *fault)
{
    fault->api = NULL;
    network_release(lab->cluster, 1);
    cluster_faults_changed(lab->cluster);
}

static struct broker *broker_of(struct cluster_lab *lab, int32_t id) { return cluster_broker(lab->cluster, id); }
static struct quorum_replica replica(struct cluster_lab *lab, int32_t id) { return cluster_quorum_replica(lab->cluster, (size_t)id - 1); }

static struct quorum_info info(struct cluster_lab *lab)
{
    struct quorum_info out;

    CHECK(cluster_quorum(lab->cluster, &out));
    return out;
}

static bool has_topic(struct cluster_lab *lab, int32_t broker, const char *topic)
{
    return image_topic(broker_image(broker_of(lab, broker)), topic) != NULL;
}

/* Until a voter is the leader, as it sees itself; its id. */
static int32_t run_until_led(struct cluster_lab *lab, int32_t not_by)
{
    int64_t until_us = queue_now_us(lab->queue) + 20000000;

    while (queue_next_us(lab->queue) < until_us) {
        queue_run_next(lab->queue);
        for (int32_t id = 1; id <= info(lab).voters; id++)
            if (id != not_by && replica(lab, id).role == QUORUM_LEADER)
                return id;
    }
    return -1;
}

static void kill_leader(struct cluster_lab *lab)
{
    CHECK_INT(1, info(lab).leader);
    CHECK_INT(ERR_OK, broker_kill(broker_of(lab, 1), "killed", &lab->reason));
}

/* Raft's rule: a majority that has the records of an earlier epoch proves nothing, only one that has a record of the leader's own does. */
TEST(a_new_leader_commits_nothing_before_a_record_of_its_own_epoch)
{
    struct fault_of_test fault = { .api = "Fetch", .verdict = { .kind = FAULT_HOLD }, .skip = 1 };
    struct cluster_lab *lab = cluster_lab_new_quorum(3, 3, 1);
    int32_t leader;

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 1, 1, NULL)); /* a majority of the copies has it */
    kill_leader(lab);
    add(lab, &fault);
    leader = run_until_led(lab, 1);
    CHECK(leader == 2 || leader == 3);
    cluster_lab_advance_ms(lab, 100); /* the other has fetched once: all before this epoch is there. What would say that it has the epoch's first record is held */
    CHECK(fault.hits > 0);
    CHECK_INT(QUORUM_LEADER, replica(lab, leader).role);
    CHECK_INT(-1, info(lab).leader);
    CHECK(!cluster_controller_up(lab->cluster));
    CHECK_INT(ERR_REQUEST_TIMED_OUT, cluster_lab_create(lab, "teachers", 1, 1, NULL));
    take_away(lab, &fault);
    cluster_lab_advance_ms(lab, 1);
    CHECK_INT(leader, info(lab).leader);
    CHECK(cluster_controller_up(lab->cluster));
    CHECK(has_topic(lab, leader, "students"));
    CHECK_INT(ERR_OK, cluster_lab_create(lab, "teachers", 1, 1, NULL));
    CHECK(has_topic(lab, leader, "teachers"));
    cluster_lab_free(lab);
}

/* The fetches of the others never come: what the leader writes is never committed. It resigns, and nobody sees what it had decided, not even before there is another. */
TEST(a_controller_that_resigns_takes_back_what_was_not_committed)
{
    struct fault_of_test fault = { .api = "Fetch", .verdict = { .kind = FAULT_LOSE_REQUEST } };
    struct cluster_lab *lab = cluster_lab_new_quorum(3, 3, 1);
    int64_t offset;

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 1, 1, NULL));
    add(lab, &fault);
    cluster_lab_advance_ms(lab, 600); /* what was parked is answered, and the next ones are lost */
    CHECK_INT(2, fault.hits);
    offset = info(lab).high_watermark;
    CHECK_INT(ERR_OK, cluster_lab_create(lab, "lost", 1, 1, NULL));
    CHECK_INT(ERR_OK, cluster_lab_alter(lab, "students", "retention.ms", "77777"));
    cluster_lab_advance_ms(lab, 100);
    CHECK_INT(offset, info(lab).high_watermark);
    CHECK(image_topic(cluster_image(lab->cluster), "lost")); /* the active controller decides on it */
    CHECK_INT(ERR_OK, broker_stop(broker_of(lab, 2), &lab->reason)); /* that it is shutting down is not committed either */
    while (cluster_lab_entries(lab, EVENT_controller_resigned) == 0)
        queue_run_next(lab->queue);
    CHECK_INT(-1, info(lab).leader);
    CHECK(!image_topic(cluster_image(lab->cluster), "lost"));
    CHECK(image_topic(cluster_image(lab->cluster), "students"));
    CHECK(!config_map_get(image_config(cluster_image(lab->cluster), CONFIG_TOPIC, "students"), "retention.ms"));
    CHECK(!image_broker(cluster_image(lab->cluster), 2)->shutting_down);
    CHECK(image_offset(cluster_image(lab->cluster)) < offset);
    cluster_lab_free(lab);
}

/* The one that comes back into its role finds it neither in its image. */
TEST(one_that_leads_again_does_not_know_what_it_lost)
{
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct fault_of_test fault = { .api = "Fetch", .verdict = { .kind = FAULT_LOSE_REQUEST } };
        struct cluster_lab *lab = cluster_lab_new_quorum(3, 3, seed);

        add(lab, &fault);
        cluster_lab_advance_ms(lab, 600);
        CHECK_INT(ERR_OK, cluster_lab_create(lab, "lost", 1, 1, NULL));
        CHECK(run_until_led(lab, 1) > 1); /* 2 and 3 have heard nothing for two seconds */
        take_away(lab, &fault);
        cluster_lab_advance_ms(lab, 5000);
        CHECK(info(lab).leader > 0);
        CHECK(!image_topic(cluster_image(lab->cluster), "lost"));
        for (int32_t id = 1; id <= 3; id++)
            CHECK(!has_topic(lab, id, "lost"));
        CHECK_INT(ERR_OK, cluster_lab_create(lab, "lost", 2, 1, NULL)); /* its name is free */
        cluster_lab_free(lab);
    }
}

TEST(held_votes_are_asked_for_again_and_again_and_elect_nobody)
{
    struct fault_of_test fault = { .api = "Vote", .verdict = { .kind = FAULT_HOLD } };
    struct cluster_lab *lab = cluster_lab_new_quorum(3, 3, 1);
    int hits;

    add(lab, &fault);
    cluster_lab_advance_ms(lab, 60000);
    CHECK_INT(0, fault.hits); /* nobody votes while all is well */
    kill_leader(lab);
    cluster_lab_advance_ms(lab, 30000);
    hits = fault.hits;
    CHECK(hits >= 10);
    CHECK_INT(-1, info(lab).leader);
    CHECK_INT(1, info(lab).epoch); /* these were pre-votes: they raise no epoch */
    CHECK((int)network_held_by_fault(lab->cluster, 1) <= 2); /* what was given up is held no longer */
    cluster_lab_advance_ms(lab, 30000);
    CHECK(fault.hits >= 2 * hits - 4);
    take_away(lab, &fault);
    cluster_lab_advance_ms(lab, 6000);
    CHECK(info(lab).leader == 2 || info(lab).leader == 3);
    cluster_lab_free(lab);
}

/* Pre-votes pass, the votes themselves are lost: each try raises the epoch. */
TEST(lost_votes_make_elections_of_ever_higher_epochs)
{
    static const enum fault_kind kinds[] = { FAULT_LOSE_REQUEST, FAULT_LOSE_RESPONSE, FAULT_BLACKHOLE };

    for (size_t i = 0; i < 3; i++) {
        struct fault_of_test fault = { .api = "Vote", .verdict = { .kind = kinds[i] }, .count = 40 };
        struct cluster_lab *lab = cluster_lab_new_quorum(3, 3, 1);

        kill_leader(lab);
        while (!cluster_lab_entries(lab, EVENT_controller_candidate))
            queue_run_next(lab->queue);
        CHECK_INT(2, info(lab).epoch);
        add(lab, &fault); /* its requests of this try are on their way, and come */
        cluster_lab_advance_ms(lab, 60000);
        CHECK(info(lab).leader > 1);
        cluster_lab_free(lab);
    }
}

TEST(a_refused_vote_is_asked_for_again)
{
    struct fault_of_test fault = { .api = "Vote", .verdict = { .kind = FAULT_ERROR, .error = ERR_BROKER_NOT_AVAILABLE }, .count = 5 };
    struct cluster_lab *lab = cluster_lab_new_quorum(3, 3, 1);

    kill_leader(lab);
    add(lab, &fault);
    cluster_lab_advance_ms(lab, 5000);
    CHECK_INT(5, fault.hits);
    CHECK(info(lab).leader == 2 || info(lab).leader == 3);
    CHECK_INT(2, info(lab).epoch); /* within one election */
    cluster_lab_free(lab);
}

/* BeginQuorumEpoch is how the others hear of the new leader. */
TEST(a_lost_beginning_is_said_again)
{
    static const enum fault_kind kinds[] = { FAULT_LOSE_REQUEST, FAULT_ERROR, FAULT_HOLD, FAULT_DELAY };

    for (size_t i = 0; i < 4; i++) {
        struct fault_of_test fault = { .api = "BeginQuorumEpoch", .verdict = { .kind = kinds[i], .error = ERR_BROKER_NOT_AVAILABLE, .delay_us = 300000 }, .count = 1 };
        struct cluster_lab *lab = cluster_lab_new_quorum(3, 3, 1);

        add(lab, &fault);
        kill_leader(lab);
        CHECK(run_until_led(lab, 1) > 1);
        cluster_lab_advance_ms(lab, 12000);
        CHECK_INT(1, fault.hits);
        CHECK(info(lab).leader == 2 || info(lab).leader == 3);
        CHECK_INT(0, replica(lab, 5 - info(lab).leader).lag);
        cluster_lab_free(lab);
    }
}

/* EndQuorumEpoch lets another stand at once; lost, the others wait for their fetch timeout. */
TEST(a_lost_farewell_costs_a_fetch_timeout)
{
    struct fault_of_test fault = { .api = "EndQuorumEpoch", .verdict = { .kind = FAULT_LOSE_REQUEST } };
    struct cluster_lab *lab = cluster_lab_new_quorum(3, 3, 1);
    int64_t stopped_us = queue_now_us(lab->queue);

    add(lab, &fault);
    CHECK_INT(ERR_OK, broker_stop(broker_of(lab, 1), &lab->reason));
    while (info(lab).leader == 1 || info(lab).leader < 0)
        queue_run_next(lab->queue);
    CHECK_INT(2, fault.hits);
    CHECK(queue_now_us(lab->queue) - stopped_us > 1000000);
    cluster_lab_free(lab);
}

/* Only counted, fetches come each half second, the quorum is as before, and once the fault has gone they are free again. */
TEST(fetches_that_are_only_counted_disturb_nobody)
{
    struct fault_of_test fault = { .api = "Fetch", .verdict = { .kind = FAULT_NONE } };
    struct cluster_lab *lab = cluster_lab_new_quorum(3, 3, 1);
    uint64_t events;

    add(lab, &fault);
    cluster_lab_advance_ms(lab, 60000);
    CHECK_INT(1, info(lab).leader);
    CHECK_INT(1, info(lab).epoch);
    CHECK(fault.hits >= 230 && fault.hits <= 240); /* of two voters, 120 each */
    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 1, 3, NULL));
    CHECK(has_topic(lab, 3, "students"));
    take_away(lab, &fault);
    cluster_lab_advance_ms(lab, 600000);
    events = queue_events_run(lab->queue);
    cluster_lab_advance_ms(lab, 3600000);
    CHECK(queue_events_run(lab->queue) - events < 20);
    CHECK_INT(1, info(lab).epoch);
    cluster_lab_free(lab);
}

TEST(fetches_late_by_less_than_the_timeout_change_nothing)
{
    struct fault_of_test fault = { .api = "Fetch", .verdict = { .kind = FAULT_DELAY, .delay_us = 1000000 } };
    struct cluster_lab *lab = cluster_lab_new_quorum(3, 3, 1);

    add(lab, &fault);
    cluster_lab_advance_ms(lab, 60000);
    CHECK_INT(1, info(lab).leader);
    CHECK_INT(1, info(lab).epoch);
    fault.verdict.delay_us = 2500000;
    cluster_lab_advance_ms(lab, 20000);
    CHECK(info(lab).epoch > 1);
    cluster_lab_free(lab);
}
