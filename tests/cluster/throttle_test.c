/* Replication throttles: what is named is held back to the rate, as Kafka counts it; what is in sync, or not named, goes on. */
#include <stdio.h>

#include "tests/cluster/cluster_lab.h"

enum { RECORD = 90000, RECORDS = 40 };

static void set(struct cluster_lab *lab, enum config_scope scope, const char *name, const char *key, const char *value)
{
    struct config_change change = { key, value ? CONFIG_SET : CONFIG_DELETE, value };

    CHECK_INT(ERR_OK, controller_alter_config(lab->cluster, scope, name, &change, 1, false, false, NULL, &lab->reason));
    cluster_lab_advance_ms(lab, 10);
}

/* students-0 at the first broker, with 3.6 MB. */
static struct cluster_lab *filled(enum release release)
{
    struct cluster_lab *lab = cluster_lab_new(release, 3, NULL);
    int32_t first = broker_id(cluster_broker_at(lab->cluster, 0));
    struct assignment assignment = { 0, &first, 1 };
    struct create_topic topic = { .name = "students", .partition_count = -1, .replication_factor = -1, .assignments = &assignment, .assignment_count = 1 };

    CHECK_INT(ERR_OK, controller_create_topic(lab->cluster, &topic, false, NULL, NULL, &lab->reason));
    cluster_lab_advance_ms(lab, 10);
    for (int i = 0; i < RECORDS; i++)
        CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 1, RECORD, 1));
    return lab;
}

static void move_to_second(struct cluster_lab *lab)
{
    int32_t second = broker_id(cluster_broker_at(lab->cluster, 1));
    struct reassignment move = { "students", 0, &second, 1, true };

    CHECK_INT(ERR_OK, controller_reassign(lab->cluster, &move, NULL, &lab->reason));
}

static int64_t copied(struct cluster_lab *lab)
{
    struct partition *partition = broker_partition(cluster_broker_at(lab->cluster, 1), "students", 0);

    return partition ? log_end_offset(partition_log(partition)) : -1;
}

static bool moving(struct cluster_lab *lab)
{
    const struct image_partition *partition = image_partition(cluster_image(lab->cluster), "students", 0);

    return partition->adding_count || partition->removing_count;
}

TEST(without_a_throttle_a_move_is_done_in_seconds)
{
    struct cluster_lab *lab = filled(RELEASE_43);

    move_to_second(lab);
    cluster_lab_advance_ms(lab, 3000);
    CHECK(!moving(lab));
    CHECK_INT(RECORDS, copied(lab));
    cluster_lab_free(lab);
}

/* A fetch of a megabyte is over 1000 B/s for as long as it is remembered: one each 11 windows of a second. */
TEST(a_leader_holds_back_what_is_throttled)
{
    const enum release releases[] = { RELEASE_43, RELEASE_27 };

    for (int i = 0; i < 2; i++) {
        struct cluster_lab *lab = filled(releases[i]);
        char name[16];
        int64_t first;
        uint64_t events;

        snprintf(name, sizeof(name), "%d", broker_id(cluster_broker_at(lab->cluster, 0)));
        set(lab, CONFIG_BROKER, name, "leader.replication.throttled.rate", "1000");
        set(lab, CONFIG_TOPIC, "students", "leader.replication.throttled.replicas", "*");
        move_to_second(lab);
        cluster_lab_advance_ms(lab, 2000);
        first = copied(lab);
        CHECK(first > 5 && first <= 12); /* replica.fetch.max.bytes=1048576 */
        CHECK(moving(lab));
        events = queue_events_run(lab->queue);
        cluster_lab_advance_ms(lab, 8000);
        CHECK_INT(first, copied(lab));
        CHECK(queue_events_run(lab->queue) - events < 100); /* it asks twice a second, and gets nothing */
        cluster_lab_advance_ms(lab, 4000);
        CHECK_INT(2 * first, copied(lab));
        cluster_lab_advance_ms(lab, 40000);
        CHECK(!moving(lab));
        CHECK_INT(RECORDS, copied(lab));
        cluster_lab_free(lab);
    }
}

TEST(a_follower_leaves_out_what_is_throttled)
{
    const enum release releases[] = { RELEASE_43, RELEASE_27 };

    for (int i = 0; i < 2; i++) {
        struct cluster_lab *lab = filled(releases[i]);
        char name[16], list[32];
        int64_t first;

        snprintf(name, sizeof(name), "%d", broker_id(cluster_broker_at(lab->cluster, 1)));
        snprintf(list, sizeof(list), "7:9,0:%s", name);
        set(lab, CONFIG_BROKER, name, "follower.replication.throttled.rate", "1000");
        set(lab, CONFIG_TOPIC, "students", "follower.replication.throttled.replicas", list);
        move_to_second(lab);
        cluster_lab_advance_ms(lab, 2000);
        first = copied(lab);
        CHECK(first > 5 && first <= 12);
        cluster_lab_advance_ms(lab, 8000);
        CHECK_INT(first, copied(lab));
        set(lab, CONFIG_BROKER, name, "follower.replication.throttled.rate", NULL); /* taken back: it goes on */
        cluster_lab_advance_ms(lab, 5000);
        CHECK(!moving(lab));
        CHECK_INT(RECORDS, copied(lab));
        cluster_lab_free(lab);
    }
}

TEST(others_are_not_held_back)
{
    struct cluster_lab *lab = filled(RELEASE_43);

    set(lab, CONFIG_BROKER, "1", "leader.replication.throttled.rate", "1000");
    set(lab, CONFIG_TOPIC, "students", "leader.replication.throttled.replicas", "0:3,1:1"); /* another leader, another partition */
    move_to_second(lab);
    cluster_lab_advance_ms(lab, 3000);
    CHECK(!moving(lab));
    cluster_lab_free(lab);
}

/* Who is in the ISR is never held back by the leader: acks=all would wait. */
TEST(a_follower_in_sync_is_not_throttled)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_43, 3, NULL);
    struct partition *leader;
    char name[16];

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 1, 3, NULL));
    cluster_lab_advance_ms(lab, 2000);
    leader = cluster_lab_leader(lab, "students", 0);
    snprintf(name, sizeof(name), "%d", image_partition(cluster_image(lab->cluster), "students", 0)->leader);
    set(lab, CONFIG_BROKER, name, "leader.replication.throttled.rate", "1000");
    set(lab, CONFIG_TOPIC, "students", "leader.replication.throttled.replicas", "*");
    for (int i = 0; i < RECORDS; i++)
        CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 1, RECORD, 1));
    cluster_lab_advance_ms(lab, 3000);
    CHECK_INT(RECORDS, log_high_watermark(partition_log(leader)));
    cluster_lab_free(lab);
}
