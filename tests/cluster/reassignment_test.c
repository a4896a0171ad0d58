/* Partitions move: the added replicas catch up first, then the others go; each release's epochs, texts and refusals. */
#include <string.h>

#include "tests/cluster/cluster_lab.h"

static const struct image_partition *of(struct cluster_lab *lab, int32_t partition)
{
    return image_partition(cluster_image(lab->cluster), "students", partition);
}

/* "replicas 2,3 isr 3 leader 3", and what is moving. */
static const char *shown(struct cluster_lab *lab, int32_t partition)
{
    static struct text out;
    const struct image_partition *p = of(lab, partition);
    const struct { const char *name; const int32_t *ids; int16_t count; } lists[] = {
        { "replicas", p->replicas, p->replica_count }, { " isr", p->isr, p->isr_count },
        { " adding", p->adding_replicas, p->adding_count }, { " removing", p->removing_replicas, p->removing_count },
    };

    text_clear(&out);
    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
        if (i >= 2 && !lists[i].count)
            continue;
        text_add(&out, lists[i].name);
        for (int16_t id = 0; id < lists[i].count; id++)
            text_printf(&out, "%s%d", id ? "," : " ", lists[i].ids[id]);
    }
    text_printf(&out, " leader %d", p->leader);
    return text_chars(&out);
}

static enum err create(struct cluster_lab *lab, const int32_t *replicas, int32_t count)
{
    struct assignment assignment = { 0, replicas, count };
    struct create_topic topic = { .name = "students", .partition_count = -1, .replication_factor = -1, .assignments = &assignment, .assignment_count = 1 };
    enum err err = controller_create_topic(lab->cluster, &topic, false, NULL, NULL, &lab->reason);

    cluster_lab_advance_ms(lab, 10);
    return err;
}
#define CREATE(lab, ...) create((lab), (const int32_t[]){ __VA_ARGS__ }, sizeof((const int32_t[]){ __VA_ARGS__ }) / sizeof(int32_t))

static enum err move_to(struct cluster_lab *lab, int32_t partition, const int32_t *replicas, int32_t count, bool allow_factor_change)
{
    struct reassignment move = { "students", partition, replicas, count, allow_factor_change };

    *lab->reason.text = 0;
    return controller_reassign(lab->cluster, &move, NULL, &lab->reason);
}
#define MOVE(lab, ...) move_to((lab), 0, (const int32_t[]){ __VA_ARGS__ }, sizeof((const int32_t[]){ __VA_ARGS__ }) / sizeof(int32_t), true)
#define CANCEL(lab) move_to((lab), 0, NULL, -1, true)

TEST(the_added_replica_catches_up_and_then_the_removed_one_goes)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_43, 3, NULL);
    struct replica_info replicas[3];

    CHECK_INT(ERR_OK, CREATE(lab, 1));
    CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 10, 100, 1));
    CHECK_INT(ERR_OK, MOVE(lab, 2));
    CHECK_TEXT("replicas 2,1 isr 1 adding 2 removing 1 leader 1", shown(lab, 0));
    CHECK_INT(0, of(lab, 0)->leader_epoch); /* nobody was removed yet */
    CHECK_INT(1, of(lab, 0)->partition_epoch);
    cluster_lab_advance_ms(lab, 2000);
    CHECK_TEXT("replicas 2 isr 2 leader 2", shown(lab, 0));
    CHECK_INT(1, of(lab, 0)->leader_epoch);
    CHECK_INT(2, of(lab, 0)->partition_epoch); /* joining, leaving and the new leader are one change */
    CHECK_INT(1, cluster_replicas(lab->cluster, "students", 0, replicas, 3));
    CHECK_INT(10, replicas[0].log_end_offset);
    CHECK_INT(10, replicas[0].high_watermark);
    CHECK(!broker_partition(cluster_broker(lab->cluster, 1), "students", 0));
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_reassignment_started));
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_reassignment_completed));
    CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 1, 100, 1));
    cluster_lab_free(lab);
}

TEST(zookeepers_controller_moves_in_steps_and_each_begins_an_epoch)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_27, 3, NULL);

    CHECK_INT(ERR_OK, CREATE(lab, 0));
    CHECK_INT(ERR_OK, MOVE(lab, 1));
    CHECK_TEXT("replicas 1,0 isr 0 adding 1 removing 0 leader 0", shown(lab, 0));
    CHECK_INT(1, of(lab, 0)->leader_epoch); /* A1 */
    cluster_lab_advance_ms(lab, 5000);
    CHECK_TEXT("replicas 1 isr 1 leader 1", shown(lab, 0));
    CHECK_INT(3, of(lab, 0)->leader_epoch);    /* B3 another leader, B4 the removed one out of the ISR */
    CHECK_INT(4, of(lab, 0)->partition_epoch); /* and between them the leader's own change of the ISR */
    CHECK(!broker_partition(cluster_broker(lab->cluster, 0), "students", 0));
    cluster_lab_free(lab);
}

TEST(more_replicas_keep_the_leader_and_the_order_that_was_asked_for)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_43, 3, NULL);

    CHECK_INT(ERR_OK, CREATE(lab, 2));
    CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 3, 100, 1));
    CHECK_INT(ERR_OK, MOVE(lab, 1, 2, 3));
    CHECK_TEXT("replicas 1,2,3 isr 2 adding 1,3 leader 2", shown(lab, 0));
    cluster_lab_advance_ms(lab, 2000);
    CHECK_TEXT("replicas 1,2,3 isr 1,2,3 leader 2", shown(lab, 0));
    CHECK_INT(0, of(lab, 0)->leader_epoch);
    CHECK_INT(ERR_OK, MOVE(lab, 3, 2)); /* fewer: at once, all are in sync */
    CHECK_TEXT("replicas 3,2 isr 2,3 leader 2", shown(lab, 0));
    CHECK_INT(1, of(lab, 0)->leader_epoch);
    cluster_lab_free(lab);
}

TEST(a_move_that_is_called_off_leaves_all_as_it_was)
{
    const enum release releases[] = { RELEASE_43, RELEASE_27 };

    for (int i = 0; i < 2; i++) {
        struct cluster_lab *lab = cluster_lab_new(releases[i], 4, NULL);

        CHECK_INT(ERR_OK, CREATE(lab, 1));
        CHECK_INT(ERR_NO_REASSIGNMENT_IN_PROGRESS, CANCEL(lab));
        CHECK_TEXT("No partition reassignment is in progress.", lab->reason.text);
        CHECK_INT(ERR_OK, MOVE(lab, 2, 3));
        CHECK_TEXT("replicas 2,3,1 isr 1 adding 2,3 removing 1 leader 1", shown(lab, 0));
        CHECK_INT(ERR_OK, CANCEL(lab));
        CHECK_TEXT("replicas 1 isr 1 leader 1", shown(lab, 0));
        CHECK_INT(1, cluster_lab_entries(lab, EVENT_reassignment_cancelled));
        cluster_lab_advance_ms(lab, 1000);
        CHECK(!broker_partition(cluster_broker(lab->cluster, 2), "students", 0));
        CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 3, 100, 1));
        cluster_lab_free(lab);
    }
}

TEST(a_new_target_takes_the_place_of_the_one_under_way)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_43, 3, NULL), *old = cluster_lab_new(RELEASE_27, 3, NULL);

    CHECK_INT(ERR_OK, CREATE(lab, 1));
    CHECK_INT(ERR_OK, MOVE(lab, 2));
    CHECK_INT(ERR_OK, MOVE(lab, 2)); /* the same again adds nothing, and what is being added stays so */
    CHECK_TEXT("replicas 2,1 isr 1 adding 2 removing 1 leader 1", shown(lab, 0));
    CHECK_INT(ERR_OK, MOVE(lab, 3));
    CHECK_TEXT("replicas 3,1,2 isr 1 adding 3 removing 1,2 leader 1", shown(lab, 0));
    cluster_lab_advance_ms(lab, 2000);
    CHECK_TEXT("replicas 3 isr 3 leader 3", shown(lab, 0));
    CHECK(!broker_partition(cluster_broker(lab->cluster, 2), "students", 0));
    CHECK_INT(ERR_OK, CREATE(old, 0));
    CHECK_INT(ERR_OK, MOVE(old, 1));
    CHECK_INT(ERR_OK, MOVE(old, 2)); /* 2.7 forgets 1 at once */
    CHECK_TEXT("replicas 2,0 isr 0 adding 2 removing 0 leader 0", shown(old, 0));
    cluster_lab_advance_ms(old, 5000);
    CHECK_TEXT("replicas 2 isr 2 leader 2", shown(old, 0));
    cluster_lab_free(lab);
    cluster_lab_free(old);
}

TEST(a_move_to_a_broker_that_is_down_waits_for_it)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_43, 3, NULL);

    CHECK_INT(ERR_OK, CREATE(lab, 1));
    CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 3, 100, 1));
    CHECK_INT(ERR_OK, broker_kill(cluster_broker(lab->cluster, 3), "a test", &lab->reason));
    cluster_lab_advance_ms(lab, 20000);
    CHECK_INT(ERR_OK, MOVE(lab, 3));
    cluster_lab_advance_ms(lab, 60000);
    CHECK_TEXT("replicas 3,1 isr 1 adding 3 removing 1 leader 1", shown(lab, 0));
    CHECK_INT(ERR_OK, broker_start(cluster_broker(lab->cluster, 3), &lab->reason));
    cluster_lab_advance_ms(lab, 5000);
    CHECK_TEXT("replicas 3 isr 3 leader 3", shown(lab, 0));
    cluster_lab_free(lab);
}

TEST(a_move_outlives_the_cluster)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_43, 2, NULL);

    CHECK_INT(ERR_OK, CREATE(lab, 1));
    CHECK_INT(ERR_OK, MOVE(lab, 2));
    cluster_lab_reopen(lab, true);
    CHECK_INT(1, of(lab, 0)->adding_count);
    cluster_lab_advance_ms(lab, 5000);
    CHECK_TEXT("replicas 2 isr 2 leader 2", shown(lab, 0));
    cluster_lab_free(lab);
}

TEST(each_release_refuses_in_its_own_words)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_43, 3, NULL), *old = cluster_lab_new(RELEASE_27, 3, NULL);

    CHECK_INT(ERR_OK, CREATE(lab, 1));
    CHECK_INT(ERR_INVALID_REPLICA_ASSIGNMENT, MOVE(lab, 9));
    CHECK_TEXT("The manual partition assignment includes broker 9, but no such broker is registered.", lab->reason.text);
    CHECK_INT(ERR_INVALID_REPLICA_ASSIGNMENT, MOVE(lab, 2, 2));
    CHECK_TEXT("The manual partition assignment includes the broker 2 more than once.", lab->reason.text);
    CHECK_INT(ERR_INVALID_REPLICA_ASSIGNMENT, move_to(lab, 0, NULL, 0, true));
    CHECK_TEXT("The manual partition assignment includes an empty replica list.", lab->reason.text);
    CHECK_INT(ERR_INVALID_REPLICATION_FACTOR, move_to(lab, 0, (const int32_t[]){ 1, 2 }, 2, false));
    CHECK_TEXT("The replication factor is changed from 1 to 2", lab->reason.text);
    CHECK_INT(ERR_UNKNOWN_TOPIC_OR_PARTITION, move_to(lab, 7, (const int32_t[]){ 1 }, 1, true));
    CHECK_TEXT("Unable to find partition students:7.", lab->reason.text);
    CHECK_INT(ERR_OK, CREATE(old, 0));
    CHECK_INT(ERR_INVALID_REPLICA_ASSIGNMENT, MOVE(old, 9));
    CHECK_TEXT("Replica assignment has brokers that are not alive. Replica list: ArrayBuffer(9), live broker list: Set(0, 1, 2)", old->reason.text);
    CHECK_INT(ERR_INVALID_REPLICA_ASSIGNMENT, MOVE(old, 2, 2));
    CHECK_TEXT("Duplicate replica ids in partition reassignment replica list: ArrayBuffer(2, 2)", old->reason.text);
    CHECK_INT(ERR_UNKNOWN_TOPIC_OR_PARTITION, move_to(old, 7, (const int32_t[]){ 1 }, 1, true));
    CHECK_TEXT("The partition does not exist.", old->reason.text);
    CHECK_INT(ERR_OK, MOVE(old, 1));
    CHECK_INT(ERR_REASSIGNMENT_IN_PROGRESS, controller_add_partitions(old->cluster, "students", 2, NULL, 0, false, NULL, &old->reason));
    CHECK_TEXT("A partition reassignment is in progress for the topic 'students'.", old->reason.text);
    cluster_lab_free(lab);
    cluster_lab_free(old);
}
