/* A quorum of controllers: who is elected, what a majority has, what is lost, and what that shows. */
#include <stdio.h>
#include <string.h>

#include "sim/cluster/network.h"
#include "sim/cluster/quorum.h"
#include "sim/log/batch.h"
#include "tests/cluster/cluster_lab.h"

static struct broker *broker_of(struct cluster_lab *lab, int32_t id) { return cluster_broker(lab->cluster, id); }

static struct quorum_info info(struct cluster_lab *lab)
{
    struct quorum_info out;

    CHECK(cluster_quorum(lab->cluster, &out));
    return out;
}

static struct quorum_replica replica(struct cluster_lab *lab, int32_t id) { return cluster_quorum_replica(lab->cluster, (size_t)id - 1); }

static void cut(struct cluster_lab *lab, int32_t a, int32_t b)
{
    network_cut(lab->cluster, a, b);
    network_cut(lab->cluster, b, a);
}

static bool has_topic(struct cluster_lab *lab, int32_t broker, const char *topic)
{
    return image_topic(broker_image(broker_of(lab, broker)), topic) != NULL;
}

/* The .log files of a copy of the metadata, one after the other. */
static struct buffer copy_of(struct cluster_lab *lab, int32_t id)
{
    char *dir = mem_printf("%s/__cluster_metadata-0", broker_log_dir(broker_of(lab, id)));
    struct buffer out = { 0 };
    struct fs_names names;

    CHECK_INT(ERR_OK, fs_list(lab->fs, dir, &names, &lab->reason));
    for (size_t i = 0; i < names.count; i++) {
        size_t size = strlen(names.names[i]);
        char *path = mem_printf("%s/%s", dir, names.names[i]);

        if (size > 4 && !strcmp(names.names[i] + size - 4, ".log"))
            CHECK_INT(ERR_OK, fs_read_all(lab->fs, path, 64 * 1024 * 1024, &out, &lab->reason));
        mem_free(path);
    }
    fs_names_free(&names);
    mem_free(dir);
    return out;
}

#define CHECK_SAME_COPIES(lab, a, b)                                                                        \
    do {                                                                                                    \
        struct buffer left_ = copy_of((lab), (a)), right_ = copy_of((lab), (b));                            \
        CHECK(left_.size > 0);                                                                              \
        CHECK_INT((int)left_.size, (int)right_.size);                                                       \
        CHECK(left_.size == right_.size && !memcmp(left_.data, right_.data, left_.size));                   \
        buffer_done(&left_);                                                                                \
        buffer_done(&right_);                                                                               \
    } while (0)

TEST(three_voters_have_the_same_log)
{
    struct cluster_lab *lab = cluster_lab_new_quorum(5, 3, 1);

    CHECK_INT(1, info(lab).leader);
    CHECK_INT(1, info(lab).epoch);
    CHECK_INT(3, info(lab).voters);
    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 10, 3, NULL));
    for (int32_t id = 1; id <= 5; id++) {
        CHECK(has_topic(lab, id, "students"));
        CHECK_INT(id <= 3, replica(lab, id).voter);
        CHECK_INT(0, replica(lab, id).lag);
    }
    CHECK_INT(QUORUM_LEADER, replica(lab, 1).role);
    CHECK_INT(QUORUM_FOLLOWER, replica(lab, 3).role);
    CHECK_INT(QUORUM_OBSERVER, replica(lab, 4).role);
    for (int32_t id = 2; id <= 5; id++)
        CHECK_SAME_COPIES(lab, 1, id);
    cluster_lab_free(lab);
}

/* What the leader decides takes one way to a voter and one back before it holds, and one more to the others. */
TEST(a_decision_holds_after_one_round_trip)
{
    struct cluster_lab *lab = cluster_lab_new_quorum(3, 3, 1);
    struct create_topic create = { .name = "students", .partition_count = 1, .replication_factor = 3 };
    int64_t start_us = queue_now_us(lab->queue), offset;

    CHECK_INT(ERR_OK, controller_create_topic(lab->cluster, &create, false, NULL, &offset, &lab->reason));
    queue_run_until(lab->queue, start_us + 199);
    CHECK(!has_topic(lab, 1, "students"));
    queue_run_until(lab->queue, start_us + 200);
    CHECK(has_topic(lab, 1, "students"));
    CHECK(!has_topic(lab, 2, "students"));
    queue_run_until(lab->queue, start_us + 300);
    CHECK(has_topic(lab, 2, "students"));
    CHECK(has_topic(lab, 3, "students"));
    CHECK_INT(offset + 1, info(lab).high_watermark);
    cluster_lab_free(lab);
}

TEST(another_is_elected_when_the_active_controller_dies)
{
    struct cluster_lab *lab = cluster_lab_new_quorum(3, 3, 1);
    int64_t killed_us = queue_now_us(lab->queue), elected_us = 0;

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "before", 1, 3, NULL));
    CHECK_INT(ERR_OK, broker_kill(broker_of(lab, 1), "killed", &lab->reason));
    CHECK(!cluster_controller_up(lab->cluster));
    CHECK_INT(ERR_REQUEST_TIMED_OUT, cluster_lab_create(lab, "meanwhile", 1, 1, NULL));
    while (!cluster_controller_up(lab->cluster) && queue_next_us(lab->queue) < killed_us + 10000000)
        queue_run_next(lab->queue);
    elected_us = queue_now_us(lab->queue) - killed_us;
    CHECK(elected_us > 1500000); /* controller.quorum.fetch.timeout.ms, less what of a fetch's half second had passed */
    CHECK(elected_us < 4000000);
    CHECK(info(lab).leader == 2 || info(lab).leader == 3);
    CHECK_INT(2, info(lab).epoch);
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_controller_elected));
    CHECK_INT(0, cluster_lab_entries(lab, EVENT_broker_fenced)); /* a fresh session for everybody */
    CHECK_INT(ERR_OK, cluster_lab_create(lab, "after", 1, 2, NULL));
    cluster_lab_advance_ms(lab, 15000);
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_broker_fenced));
    CHECK_INT(ERR_OK, broker_start(broker_of(lab, 1), &lab->reason));
    cluster_lab_advance_ms(lab, 1000);
    CHECK_INT(BROKER_UP, broker_state(broker_of(lab, 1)));
    CHECK_INT(QUORUM_FOLLOWER, replica(lab, 1).role);
    CHECK(has_topic(lab, 1, "after"));
    CHECK_SAME_COPIES(lab, 1, 2);
    CHECK_SAME_COPIES(lab, 1, 3);
    cluster_lab_free(lab);
}

TEST(without_a_majority_nothing_is_decided)
{
    struct cluster_lab *lab = cluster_lab_new_quorum(3, 3, 1);
    uint64_t events;

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 3, 3, NULL));
    CHECK_INT(ERR_OK, broker_kill(broker_of(lab, 2), "killed", &lab->reason));
    CHECK_INT(0, cluster_lab_entries(lab, EVENT_quorum_lost));
    CHECK_INT(ERR_OK, broker_kill(broker_of(lab, 3), "killed", &lab->reason));
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_quorum_lost));
    cluster_lab_advance_ms(lab, 20000); /* the leader resigns before the sessions of the others end */
    CHECK_INT(-1, info(lab).leader);
    CHECK_INT(1, info(lab).voters_up);
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_controller_resigned));
    CHECK_INT(0, cluster_lab_entries(lab, EVENT_broker_fenced));
    events = queue_events_run(lab->queue);
    cluster_lab_advance_ms(lab, 3600 * 1000);
    CHECK(queue_events_run(lab->queue) - events < 50); /* it does not try for ever */
    CHECK_INT(BROKER_UP, broker_state(broker_of(lab, 1)));
    CHECK(has_topic(lab, 1, "students")); /* it goes on with what it knows */

    CHECK_INT(ERR_OK, broker_start(broker_of(lab, 3), &lab->reason));
    CHECK_INT(BROKER_STARTING, broker_state(broker_of(lab, 3)));
    cluster_lab_advance_ms(lab, 30000);
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_quorum_back));
    CHECK(info(lab).leader == 1 || info(lab).leader == 3);
    CHECK_INT(BROKER_UP, broker_state(broker_of(lab, 3)));
    CHECK(image_broker(cluster_image(lab->cluster), 2)->fenced);
    CHECK_INT(ERR_OK, cluster_lab_create(lab, "again", 1, 2, NULL));
    CHECK(has_topic(lab, 1, "again"));
    cluster_lab_free(lab);
}

/* A leader cut off from the others goes on for 3 s; nothing of what it decides holds. */
TEST(what_was_not_committed_is_lost_and_cut_off)
{
    struct cluster_lab *lab = cluster_lab_new_quorum(3, 3, 1);
    int64_t high_watermark = info(lab).high_watermark;

    cut(lab, 1, 2);
    cut(lab, 1, 3);
    CHECK_INT(ERR_OK, cluster_lab_create(lab, "lost", 1, 1, NULL));
    cluster_lab_advance_ms(lab, 500);
    CHECK(!has_topic(lab, 1, "lost"));
    CHECK_INT(high_watermark, info(lab).high_watermark);
    CHECK(replica(lab, 1).log_end_offset > high_watermark);
    cluster_lab_advance_ms(lab, 9000);
    CHECK(info(lab).leader == 2 || info(lab).leader == 3);
    CHECK_INT(0, image_topic(cluster_image(lab->cluster), "lost") != NULL);
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_controller_resigned));
    CHECK_INT(ERR_OK, cluster_lab_create(lab, "kept", 1, 1, NULL));
    network_heal_all(lab->cluster);
    cluster_lab_advance_ms(lab, 5000);
    CHECK_INT(QUORUM_FOLLOWER, replica(lab, 1).role);
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_log_truncated));
    CHECK(has_topic(lab, 1, "kept"));
    CHECK(!has_topic(lab, 1, "lost"));
    CHECK_SAME_COPIES(lab, 1, 2);
    CHECK_SAME_COPIES(lab, 1, 3);
    cluster_lab_free(lab);
}

struct lost { struct image_wait wait; bool done, lost; };
static void is_done(void *context) { ((struct lost *)context)->done = true; }
static void is_lost(void *context) { ((struct lost *)context)->lost = true; }

TEST(who_waits_for_an_order_that_is_lost_hears_of_it)
{
    struct cluster_lab *lab = cluster_lab_new_quorum(3, 3, 1);
    struct create_topic create = { .name = "students", .partition_count = 1, .replication_factor = 3 };
    struct lost kept = { .wait = { .done = is_done, .lost = is_lost, .context = &kept } }, lost = { .wait = { .done = is_done, .lost = is_lost, .context = &lost } };
    int64_t offset;

    CHECK_INT(ERR_OK, controller_create_topic(lab->cluster, &create, false, NULL, &offset, &lab->reason));
    broker_await_image(broker_of(lab, 1), &kept.wait, offset);
    CHECK(!kept.done);
    cluster_lab_advance_ms(lab, 1);
    CHECK(kept.done && !kept.lost);
    create.name = "teachers";
    cut(lab, 1, 2);
    cut(lab, 1, 3);
    CHECK_INT(ERR_OK, controller_create_topic(lab->cluster, &create, false, NULL, &offset, &lab->reason));
    broker_await_image(broker_of(lab, 1), &lost.wait, offset);
    cluster_lab_advance_ms(lab, 9000);
    CHECK(lost.lost && !lost.done);
    cluster_lab_free(lab);
}

/* The leader's records reach the others, their fetches don't reach it: another is elected, and has them. */
TEST(a_one_way_cut_loses_nothing_that_arrived)
{
    struct cluster_lab *lab = cluster_lab_new_quorum(3, 3, 1);
    struct create_topic create = { .name = "students", .partition_count = 1, .replication_factor = 1 };

    CHECK_INT(ERR_OK, controller_create_topic(lab->cluster, &create, false, NULL, NULL, &lab->reason));
    network_cut(lab->cluster, 2, 1); /* it is on its way to them, and comes */
    network_cut(lab->cluster, 3, 1);
    cluster_lab_advance_ms(lab, 9000);
    CHECK(info(lab).leader == 2 || info(lab).leader == 3);
    CHECK(image_topic(cluster_image(lab->cluster), "students") != NULL);
    CHECK(has_topic(lab, 2, "students"));
    network_heal_all(lab->cluster);
    cluster_lab_advance_ms(lab, 3000);
    CHECK(has_topic(lab, 1, "students"));
    CHECK_SAME_COPIES(lab, 1, 2);
    cluster_lab_free(lab);
}

TEST(a_follower_that_alone_is_cut_off_disturbs_nobody)
{
    struct cluster_lab *lab = cluster_lab_new_quorum(3, 3, 1);

    cut(lab, 3, 1);
    cut(lab, 3, 2);
    cluster_lab_advance_ms(lab, 20000);
    CHECK_INT(1, info(lab).leader);
    CHECK_INT(1, info(lab).epoch);
    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 1, 1, NULL));
    network_heal_all(lab->cluster);
    cluster_lab_advance_ms(lab, 5000);
    CHECK_INT(1, info(lab).leader);
    CHECK_INT(1, info(lab).epoch); /* the pre-vote: its epoch did not grow meanwhile */
    CHECK(has_topic(lab, 3, "students"));
    CHECK_SAME_COPIES(lab, 1, 3);
    cluster_lab_free(lab);
}

TEST(a_frozen_leader_comes_back_as_a_zombie)
{
    struct cluster_lab *lab = cluster_lab_new_quorum(3, 3, 1);
    struct create_topic create = { .name = "zombie", .partition_count = 1, .replication_factor = 1 };
    int32_t epoch;

    CHECK_INT(ERR_OK, broker_freeze(broker_of(lab, 1), 20 * 1000000, &lab->reason));
    CHECK_INT(ERR_OK, controller_create_topic(lab->cluster, &create, false, NULL, NULL, &lab->reason)); /* written, and it stands still */
    cluster_lab_advance_ms(lab, 10000);
    epoch = info(lab).epoch;
    CHECK(info(lab).leader == 2 || info(lab).leader == 3);
    CHECK_INT(QUORUM_LEADER, replica(lab, 1).role); /* as it believes */
    CHECK_INT(1, replica(lab, 1).epoch);
    cluster_lab_advance_ms(lab, 15000);
    CHECK_INT(QUORUM_FOLLOWER, replica(lab, 1).role);
    CHECK_INT(epoch, info(lab).epoch);
    CHECK(!image_topic(cluster_image(lab->cluster), "zombie"));
    CHECK(!has_topic(lab, 1, "zombie"));
    CHECK_SAME_COPIES(lab, 1, 2);
    cluster_lab_free(lab);
}

TEST(a_stopped_controller_hands_over_at_once)
{
    struct cluster_lab *lab = cluster_lab_new_quorum(3, 3, 1);
    int64_t stopped_us = queue_now_us(lab->queue);

    CHECK_INT(ERR_OK, broker_stop(broker_of(lab, 1), &lab->reason));
    cluster_lab_advance_ms(lab, 1500);
    CHECK_INT(BROKER_DOWN, broker_state(broker_of(lab, 1)));
    CHECK(info(lab).leader == 2 || info(lab).leader == 3);
    CHECK_INT(2, info(lab).epoch);
    CHECK(queue_now_us(lab->queue) - stopped_us < 2000000);
    CHECK(image_broker(cluster_image(lab->cluster), 1)->fenced);
    CHECK_INT(ERR_OK, broker_start(broker_of(lab, 1), &lab->reason));
    CHECK_INT(BROKER_UP, broker_state(broker_of(lab, 1)));
    cluster_lab_advance_ms(lab, 100);
    CHECK_SAME_COPIES(lab, 1, 2);
    cluster_lab_free(lab);
}

TEST(a_lab_is_opened_again_with_its_quorum)
{
    for (int clean = 0; clean < 2; clean++) {
        struct cluster_lab *lab = cluster_lab_new_quorum(3, 3, 1);

        CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 1, 3, NULL));
        CHECK_INT(ERR_OK, broker_kill(broker_of(lab, 1), "killed", &lab->reason));
        cluster_lab_advance_ms(lab, 5000);
        CHECK_INT(2, info(lab).epoch);
        CHECK_INT(ERR_OK, cluster_lab_create(lab, "teachers", 1, 2, NULL));
        cluster_lab_reopen(lab, clean);
        CHECK_INT(3, info(lab).epoch); /* an election */
        CHECK(info(lab).leader == 2 || info(lab).leader == 3); /* broker 1 lacks the newest */
        CHECK(image_topic(cluster_image(lab->cluster), "teachers") != NULL);
        CHECK_INT(ERR_OK, cluster_lab_create(lab, "more", 1, 3, NULL));
        for (int32_t id = 1; id <= 3; id++)
            CHECK(has_topic(lab, id, "more") && has_topic(lab, id, "teachers"));
        CHECK_SAME_COPIES(lab, 1, 2);
        CHECK_SAME_COPIES(lab, 1, 3);
        cluster_lab_free(lab);
    }
}

TEST(all_are_killed_and_come_back)
{
    struct cluster_lab *lab = cluster_lab_new_quorum(3, 3, 7);

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 1, 3, NULL));
    for (int32_t id = 1; id <= 3; id++)
        CHECK_INT(ERR_OK, broker_kill(broker_of(lab, id), "killed", &lab->reason));
    cluster_lab_advance_ms(lab, 60000);
    for (int32_t id = 1; id <= 3; id++)
        CHECK_INT(ERR_OK, broker_start(broker_of(lab, id), &lab->reason));
    cluster_lab_advance_ms(lab, 30000);
    for (int32_t id = 1; id <= 3; id++) {
        CHECK_INT(BROKER_UP, broker_state(broker_of(lab, id)));
        CHECK(has_topic(lab, id, "students"));
    }
    CHECK(info(lab).leader > 0);
    CHECK_INT(ERR_OK, cluster_lab_create(lab, "teachers", 1, 3, NULL));
    CHECK_SAME_COPIES(lab, 1, 2);
    CHECK_SAME_COPIES(lab, 1, 3);
    cluster_lab_free(lab);
}

TEST(a_quiet_year_of_three_voters_costs_next_to_nothing)
{
    struct cluster_lab *lab = cluster_lab_new_quorum(3, 3, 1);
    uint64_t events;

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 3, 3, NULL));
    cluster_lab_advance_ms(lab, 600 * 1000);
    events = queue_events_run(lab->queue);
    cluster_lab_advance_ms(lab, 365LL * 24 * 3600 * 1000);
    CHECK(queue_events_run(lab->queue) - events < 20);
    cluster_lab_free(lab);
}

/* ---- histories ---- */

struct history {
    struct cluster_lab *lab;
    struct random random;
    int32_t leader_of[1000];          /* of each epoch, as it was seen */
    int64_t high_watermark;
    char created[200][16];            /* topics that a broker was seen to have: committed */
    int created_count, made;
};

static void look(struct history *history)
{
    struct cluster_lab *lab = history->lab;
    struct quorum_info now = info(lab);

    for (int32_t id = 1; id <= now.voters; id++) { /* one leader an epoch, whoever believes it */
        struct quorum_replica voter = replica(lab, id);

        if (voter.role != QUORUM_LEADER)
            continue;
        CHECK(voter.epoch >= 0 && voter.epoch < 1000);
        CHECK(!history->leader_of[voter.epoch] || history->leader_of[voter.epoch] == id);
        history->leader_of[voter.epoch] = id;
    }
    if (now.leader >= 0) {
        CHECK(now.high_watermark >= history->high_watermark);
        history->high_watermark = now.high_watermark;
    }
}

static void disturb(struct history *history)
{
    struct cluster_lab *lab = history->lab;
    int32_t a = 1 + (int32_t)random_below(&history->random, 5), b = 1 + (int32_t)random_below(&history->random, 5);
    struct network_link link;

    switch (random_below(&history->random, 9)) {
    case 0: broker_kill(broker_of(lab, a), "killed", NULL); break;
    case 1:
    case 2: broker_start(broker_of(lab, a), NULL); break;
    case 3:
        if (a != b)
            network_cut(lab->cluster, a, b);
        break;
    case 4:
        network_heal_all(lab->cluster);
        break;
    case 5: broker_freeze(broker_of(lab, a), (int64_t)random_below(&history->random, 12000000), NULL); break;
    case 6: broker_stop(broker_of(lab, a), NULL); break;
    case 7:
        link = network_link(lab->cluster, a, b);
        link.latency_us = 1000 + (int64_t)random_below(&history->random, 300000);
        link.jitter_us = (int64_t)random_below(&history->random, 20000);
        if (a != b)
            network_set_link(lab->cluster, &link);
        break;
    default: break;
    }
}

static void order(struct history *history)
{
    char name[16];
    struct create_topic create = { .name = name, .partition_count = 1, .replication_factor = 1 };

    if (history->made >= 200)
        return;
    snprintf(name, sizeof(name), "t%d", history->made);
    if (!controller_create_topic(history->lab->cluster, &create, false, NULL, NULL, NULL))
        history->made++;
}

/* What a broker knows is committed: it stays. */
static void note_committed(struct history *history)
{
    for (int32_t id = 1; id <= 5; id++) {
        const struct image *image = broker_up(broker_of(history->lab, id)) ? broker_image(broker_of(history->lab, id)) : NULL;

        for (size_t t = 0; image && t < image_topic_count(image); t++) {
            const char *name = image_topic_at(image, t)->name;
            bool known = false;

            for (int i = 0; i < history->created_count; i++)
                known = known || !strcmp(history->created[i], name);
            if (!known && history->created_count < 200)
                snprintf(history->created[history->created_count++], 16, "%s", name);
        }
    }
}

static void come_to_rest(struct history *history)
{
    struct cluster_lab *lab = history->lab;

    network_heal_all(lab->cluster);
    for (int32_t id = 1; id <= 5; id++)
        broker_thaw(broker_of(lab, id), NULL);
    cluster_lab_advance_ms(lab, 10000);
    for (int32_t id = 1; id <= 5; id++)
        while (broker_state(broker_of(lab, id)) == BROKER_STOPPING) /* without a controller it waits for one */
            cluster_lab_advance_ms(lab, 1000);
    for (int i = 0; i < 2; i++) { /* one that tried for a minute gives up just then */
        for (int32_t id = 1; id <= 5; id++)
            broker_start(broker_of(lab, id), NULL);
        cluster_lab_advance_ms(lab, 60000);
    }
}

static uint64_t play(uint64_t seed, uint64_t *log_mark)
{
    struct history history = { .lab = cluster_lab_new_quorum(5, seed % 2 ? 3 : 5, seed) };
    struct cluster_lab *lab = history.lab;
    struct buffer copy;
    uint64_t events;

    random_init(&history.random, seed * 7 + 1);
    for (int step = 0; step < 60; step++) {
        int64_t until_us = queue_now_us(lab->queue) + (int64_t)random_below(&history.random, 3000000);

        disturb(&history);
        if (random_below(&history.random, 2))
            order(&history);
        while (queue_next_us(lab->queue) <= until_us) {
            queue_run_next(lab->queue);
            look(&history);
        }
        queue_run_until(lab->queue, until_us);
        note_committed(&history);
    }
    come_to_rest(&history);
    look(&history);
    CHECK(info(lab).leader > 0);
    for (int32_t id = 1; id <= 5; id++) {
        CHECK_INT(BROKER_UP, broker_state(broker_of(lab, id)));
        CHECK_INT(0, replica(lab, id).lag);
        for (int i = 0; i < history.created_count; i++)
            CHECK(has_topic(lab, id, history.created[i]));
        if (id > 1)
            CHECK_SAME_COPIES(lab, 1, id);
    }
    copy = copy_of(lab, 1);
    *log_mark = copy.size;
    for (size_t i = 0; i < copy.size; i++)
        *log_mark = *log_mark * 31 + copy.data[i];
    buffer_done(&copy);
    events = queue_events_run(lab->queue);
    cluster_lab_free(lab);
    return events;
}

TEST(random_histories_lose_nothing_that_was_committed)
{
    for (uint64_t seed = 1; seed <= 60; seed++) {
        uint64_t mark, again;
        uint64_t events = play(seed, &mark);

        if (seed % 20)
            continue;
        CHECK_INT((int)events, (int)play(seed, &again)); /* the same seed, the same history */
        CHECK(mark == again);
    }
}
