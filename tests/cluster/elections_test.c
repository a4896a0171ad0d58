/* Who is elected: preferred leaders, asked for and by themselves; unclean elections; eligible leader replicas. */
#include <string.h>

#include "tests/cluster/cluster_lab.h"

static struct broker *broker_of(struct cluster_lab *lab, int32_t id)
{
    return cluster_broker(lab->cluster, id);
}

static const struct image_partition *partition_of(struct cluster_lab *lab, const char *topic, int32_t partition)
{
    return image_partition(cluster_image(lab->cluster), topic, partition);
}

static const struct image_partition *students(struct cluster_lab *lab)
{
    return partition_of(lab, "students", 0);
}

static char *ids(const int32_t *ids, int16_t count)
{
    struct text text = { 0 };

    for (int16_t i = 0; i < count; i++)
        text_printf(&text, "%s%d", i ? "," : "", ids[i]);
    text_add(&text, "");
    return text_take(&text);
}

#define CHECK_IDS(expected, list, count)            \
    do {                                            \
        char *ids_ = ids((list), (count));          \
        CHECK_TEXT((expected), ids_);               \
        mem_free(ids_);                             \
    } while (0)
#define CHECK_STATE(lab, leader_, isr_list, elr_list)                        \
    do {                                                                     \
        CHECK_INT((leader_), students(lab)->leader);                         \
        CHECK_IDS((isr_list), students(lab)->isr, students(lab)->isr_count); \
        CHECK_IDS((elr_list), students(lab)->elr, students(lab)->elr_count); \
    } while (0)

/* `partitions` of students, all on the brokers of `replicas`. */
static struct cluster_lab *lab_of(enum release release, const char *settings, const char *configs, int32_t partitions, const int32_t *replicas)
{
    struct cluster_lab *lab = cluster_lab_new(release, 3, settings);
    struct assignment *assignments = mem_zero_array((size_t)partitions, sizeof(*assignments));
    struct config_map map = { 0 };
    struct create_topic create = { .name = "students", .assignments = assignments, .assignment_count = partitions, .partition_count = -1,
                                   .replication_factor = -1, .configs = &map };
    char *copy = mem_text(configs ? configs : ""), *equals = strchr(copy, '=');

    for (int32_t p = 0; p < partitions; p++)
        assignments[p] = (struct assignment){ p, replicas, 3 };
    if (equals) {
        *equals = 0;
        config_map_set(&map, copy, equals + 1);
    }
    CHECK_INT(ERR_OK, controller_create_topic(lab->cluster, &create, false, NULL, NULL, &lab->reason));
    cluster_lab_advance_ms(lab, 10000); /* 2.7 looks for leaders that are not the preferred ones 5 s after the start, and then each 300 s */
    config_map_done(&map);
    mem_free(copy);
    mem_free(assignments);
    return lab;
}

static void stop(struct cluster_lab *lab, int32_t id)
{
    CHECK_INT(ERR_OK, broker_stop(broker_of(lab, id), &lab->reason));
    cluster_lab_advance_ms(lab, 2500);
    CHECK_INT(BROKER_DOWN, broker_state(broker_of(lab, id)));
}

static void start(struct cluster_lab *lab, int32_t id)
{
    CHECK_INT(ERR_OK, broker_start(broker_of(lab, id), &lab->reason));
    cluster_lab_advance_ms(lab, 2500);
    CHECK_INT(BROKER_UP, broker_state(broker_of(lab, id)));
}

static struct elect_leader elect(struct cluster_lab *lab, const char *topic, int32_t partition, bool unclean)
{
    struct elect_leader item = { .topic = topic, .partition = partition };

    CHECK_INT(ERR_OK, controller_elect_leaders(lab->cluster, unclean, &item, 1, NULL, &lab->reason));
    cluster_lab_advance_ms(lab, 10);
    return item;
}

#define CHECK_ELECTED(expected, words, item)           \
    do {                                               \
        struct elect_leader item_ = (item);            \
        CHECK_INT((expected), item_.err);              \
        CHECK_TEXT((words), item_.reason.text);        \
    } while (0)

TEST(a_preferred_leader_is_asked_for)
{
    static const int32_t replicas[] = { 2, 1, 3 };
    struct cluster_lab *lab = lab_of(RELEASE_43, NULL, NULL, 1, replicas);
    int32_t epoch;

    CHECK_ELECTED(ERR_ELECTION_NOT_NEEDED, err_message(ERR_ELECTION_NOT_NEEDED), elect(lab, "students", 0, false));
    CHECK_ELECTED(ERR_ELECTION_NOT_NEEDED, err_message(ERR_ELECTION_NOT_NEEDED), elect(lab, "students", 0, true));
    CHECK_ELECTED(ERR_UNKNOWN_TOPIC_OR_PARTITION, "No such topic as nowhere", elect(lab, "nowhere", 0, false));
    CHECK_ELECTED(ERR_UNKNOWN_TOPIC_OR_PARTITION, "No such partition as students-7", elect(lab, "students", 7, false));
    stop(lab, 2);
    CHECK_STATE(lab, 1, "1,3", "");
    CHECK_ELECTED(ERR_PREFERRED_LEADER_NOT_AVAILABLE, err_message(ERR_PREFERRED_LEADER_NOT_AVAILABLE), elect(lab, "students", 0, false));
    start(lab, 2);
    CHECK_STATE(lab, 1, "1,2,3", "");
    epoch = students(lab)->leader_epoch;
    CHECK_ELECTED(ERR_OK, "", elect(lab, "students", 0, false));
    CHECK_STATE(lab, 2, "1,2,3", "");
    CHECK_INT(epoch + 1, students(lab)->leader_epoch);
    CHECK_INT(2, image_partition(broker_image(broker_of(lab, 3)), "students", 0)->leader);
    cluster_lab_free(lab);
}

TEST(a_preferred_leader_is_asked_for_in_the_words_of_2_7)
{
    static const int32_t replicas[] = { 2, 1, 0 };
    struct cluster_lab *lab = lab_of(RELEASE_27, NULL, NULL, 1, replicas);

    CHECK_ELECTED(ERR_UNKNOWN_TOPIC_OR_PARTITION, "The partition does not exist.", elect(lab, "nowhere", 0, false));
    stop(lab, 2);
    CHECK_STATE(lab, 1, "1,0", "");
    CHECK_ELECTED(ERR_PREFERRED_LEADER_NOT_AVAILABLE,
                  "Failed to elect leader for partition students-0 under strategy PreferredReplicaPartitionLeaderElectionStrategy",
                  elect(lab, "students", 0, false));
    start(lab, 2);
    CHECK_STATE(lab, 1, "1,0,2", "");
    CHECK_ELECTED(ERR_OK, "", elect(lab, "students", 0, false));
    CHECK_STATE(lab, 2, "1,0,2", "");
    cluster_lab_free(lab);
}

TEST(preferred_leaders_come_back_by_themselves)
{
    static const int32_t replicas[2][3] = { { 2, 1, 3 }, { 2, 1, 0 } };

    for (int old = 0; old < 2; old++) {
        struct cluster_lab *lab = lab_of(old ? RELEASE_27 : RELEASE_43, NULL, NULL, 1, replicas[old]);
        int64_t next_us = cluster_next_leader_balance_us(lab->cluster);

        CHECK_INT(LAB_START_US + (old ? 305000000 : 300000000), next_us);
        stop(lab, 2);
        start(lab, 2);
        CHECK_INT(1, students(lab)->leader);
        next_us = cluster_next_leader_balance_us(lab->cluster);
        CHECK_INT(LAB_START_US + (old ? 305000000 : 300000000), next_us);
        cluster_lab_advance_ms(lab, (next_us - queue_now_us(lab->queue)) / 1000 - 1);
        CHECK_INT(1, students(lab)->leader);
        cluster_lab_advance_ms(lab, 2);
        CHECK_INT(2, students(lab)->leader);
        cluster_lab_free(lab);
    }
}

TEST(with_2_7_a_few_leaders_elsewhere_are_left_there)
{
    static const int32_t replicas[] = { 2, 1, 0 };
    struct cluster_lab *lab = lab_of(RELEASE_27, NULL, NULL, 20, replicas);
    int32_t elsewhere = 0;

    stop(lab, 2);
    start(lab, 2);
    for (int32_t p = 2; p < 20; p++) /* but for two of twenty: 10 percent, and more than that it must be */
        CHECK_INT(ERR_OK, elect(lab, "students", p, false).err);
    cluster_lab_advance_ms(lab, 700000);
    for (int32_t p = 0; p < 20; p++)
        elsewhere += partition_of(lab, "students", p)->leader != 2;
    CHECK_INT(2, elsewhere);
    stop(lab, 2);
    start(lab, 2);
    cluster_lab_advance_ms(lab, 400000);
    for (int32_t p = 0; p < 20; p++)
        CHECK_INT(2, partition_of(lab, "students", p)->leader);
    cluster_lab_free(lab);
}

TEST(nobody_looks_where_leaders_may_stay)
{
    static const int32_t replicas[] = { 2, 1, 3 };
    struct cluster_lab *lab = lab_of(RELEASE_43, "auto.leader.rebalance.enable=false", NULL, 1, replicas);

    CHECK_INT(INT64_MAX, cluster_next_leader_balance_us(lab->cluster));
    stop(lab, 2);
    start(lab, 2);
    cluster_lab_advance_ms(lab, 3600000);
    CHECK_INT(1, students(lab)->leader);
    cluster_lab_free(lab);
}

/* students-0 is at 2, which leads, and 3, which is stopped. */
static struct cluster_lab *lab_without_the_follower(void)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_43, 3, NULL);
    struct assignment assignment = { 0, (const int32_t[]){ 2, 3 }, 2 };
    struct create_topic create = { .name = "students", .assignments = &assignment, .assignment_count = 1, .partition_count = -1, .replication_factor = -1 };

    CHECK_INT(ERR_OK, controller_create_topic(lab->cluster, &create, false, NULL, NULL, &lab->reason));
    cluster_lab_advance_ms(lab, 1000);
    stop(lab, 3);
    return lab;
}

TEST(an_unclean_election_is_asked_for)
{
    struct cluster_lab *lab = lab_without_the_follower();
    int32_t epoch;

    CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 10, 20, 1));
    stop(lab, 2);
    CHECK_STATE(lab, -1, "", "2");
    start(lab, 3);
    CHECK_STATE(lab, -1, "", "2");
    CHECK_ELECTED(ERR_PREFERRED_LEADER_NOT_AVAILABLE, err_message(ERR_PREFERRED_LEADER_NOT_AVAILABLE), elect(lab, "students", 0, false));
    epoch = students(lab)->leader_epoch;
    CHECK_ELECTED(ERR_OK, "", elect(lab, "students", 0, true));
    CHECK_STATE(lab, 3, "3", "");
    CHECK_INT(epoch + 1, students(lab)->leader_epoch);
    CHECK_ELECTED(ERR_ELECTION_NOT_NEEDED, err_message(ERR_ELECTION_NOT_NEEDED), elect(lab, "students", 0, true));
    start(lab, 2);
    CHECK_STATE(lab, 3, "2,3", "");
    cluster_lab_free(lab);
}

static struct cluster_lab *leaderless(enum release release, int32_t *left)
{
    bool old = release_is_27(release);
    struct cluster_lab *lab = cluster_lab_new(release, 3, NULL);
    int32_t replicas[2] = { 2, old ? 1 : 3 };
    struct assignment assignment = { 0, replicas, 2 };
    struct create_topic create = { .name = "students", .assignments = &assignment, .assignment_count = 1, .partition_count = -1, .replication_factor = -1 };

    *left = replicas[1];
    CHECK_INT(ERR_OK, controller_create_topic(lab->cluster, &create, false, NULL, NULL, &lab->reason));
    cluster_lab_advance_ms(lab, 1000);
    stop(lab, *left);
    CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 10, 20, 1));
    CHECK_INT(ERR_OK, broker_kill(broker_of(lab, 2), "killed", &lab->reason));
    cluster_lab_advance_ms(lab, 20000);
    start(lab, *left);
    CHECK_INT(-1, students(lab)->leader);
    return lab;
}

TEST(where_unclean_elections_are_allowed_afterwards_a_leader_is_found)
{
    int32_t left;
    struct cluster_lab *lab = leaderless(RELEASE_27, &left);

    CHECK_IDS("2", students(lab)->isr, students(lab)->isr_count);
    CHECK_INT(ERR_OK, cluster_lab_alter(lab, "students", "unclean.leader.election.enable", "true"));
    cluster_lab_advance_ms(lab, 10); /* at once */
    CHECK_STATE(lab, 1, "1", "");
    cluster_lab_free(lab);

    lab = leaderless(RELEASE_43, &left);
    CHECK_STATE(lab, -1, "", "2");
    CHECK_INT(ERR_OK, cluster_lab_alter(lab, "students", "unclean.leader.election.enable", "true"));
    cluster_lab_advance_ms(lab, 1000);
    CHECK_STATE(lab, -1, "", "2");
    cluster_lab_advance_ms(lab, (cluster_next_unclean_scan_us(lab->cluster) - queue_now_us(lab->queue)) / 1000 + 10);
    CHECK_STATE(lab, 3, "3", "");
    cluster_lab_free(lab);
}

TEST(below_the_minimum_those_who_leave_are_eligible)
{
    static const int32_t replicas[] = { 2, 3, 1 };
    struct cluster_lab *lab = lab_of(RELEASE_43, NULL, "min.insync.replicas=2", 1, replicas);

    stop(lab, 3);
    CHECK_STATE(lab, 2, "2,1", ""); /* two are enough */
    stop(lab, 2);
    CHECK_STATE(lab, 1, "1", "2");
    start(lab, 3);
    CHECK_STATE(lab, 1, "1,3", "");
    stop(lab, 3);
    CHECK_STATE(lab, 1, "1", "3");
    CHECK_INT(ERR_OK, cluster_lab_alter(lab, "students", "min.insync.replicas", "1"));
    CHECK_STATE(lab, 1, "1", "");
    cluster_lab_free(lab);
}

TEST(after_an_unclean_shutdown_nobody_is_eligible)
{
    struct cluster_lab *lab = lab_without_the_follower();
    int32_t epoch;

    CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 10, 20, -1));
    CHECK_INT(ERR_OK, broker_kill(broker_of(lab, 2), "killed", &lab->reason));
    cluster_lab_advance_ms(lab, 9000);
    CHECK_STATE(lab, -1, "", "2");
    CHECK_IDS("2", students(lab)->last_known_elr, students(lab)->last_known_elr_count);
    start(lab, 3); /* it stopped cleanly, and lacks what 2 has */
    CHECK_STATE(lab, -1, "", "2");
    epoch = students(lab)->leader_epoch;
    CHECK_INT(ERR_OK, broker_start(broker_of(lab, 2), &lab->reason));
    CHECK_STATE(lab, 2, "2", ""); /* what it may have lost nobody knows, but it led last */
    CHECK_INT(LEADER_RECOVERING, students(lab)->leader_recovery_state);
    CHECK_INT(0, students(lab)->last_known_elr_count);
    CHECK_INT(epoch + 1, students(lab)->leader_epoch);
    cluster_lab_advance_ms(lab, 2500);
    CHECK_STATE(lab, 2, "2,3", "");
    CHECK_INT(LEADER_RECOVERED, students(lab)->leader_recovery_state); /* said with the next change of the ISR */
    cluster_lab_free(lab);
}
