/* Replication: the high watermark is what every in-sync replica has; acks=all waits for it; an idle cluster costs no event. */
#include "tests/cluster/cluster_lab.h"

static void note(void *context, enum err err)
{
    *(int *)context = err;
}

TEST(a_topic_is_there_once_its_brokers_heard_of_it)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_43, 3, NULL);
    struct create_topic create = { .name = "students", .partition_count = 2, .replication_factor = 3 };

    CHECK_INT(ERR_OK, controller_create_topic(lab->cluster, &create, false, NULL, NULL, &lab->reason));
    CHECK(!broker_partition(cluster_broker(lab->cluster, 2), "students", 0));
    cluster_lab_advance_ms(lab, 1);
    CHECK(broker_partition(cluster_broker(lab->cluster, 2), "students", 0));
    CHECK(cluster_lab_leader(lab, "students", 0));
    CHECK(partition_leads(cluster_lab_leader(lab, "students", 0)));
    cluster_lab_free(lab);
}

TEST(one_replica_commits_at_once)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_27, 1, NULL);

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 1, 1, NULL));
    CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 10, 20, -1));
    CHECK_INT(10, log_high_watermark(partition_log(cluster_lab_leader(lab, "students", 0))));
    cluster_lab_free(lab);
}

TEST(acks_all_waits_for_every_follower)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_43, 3, NULL);
    struct partition *leader;
    struct commit_wait wait = { .done = note };
    struct replica_info replicas[3];
    int result = -2;

    wait.context = &result;
    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 1, 3, NULL));
    leader = cluster_lab_leader(lab, "students", 0);
    CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 10, 20, -1));
    CHECK_INT(0, log_high_watermark(partition_log(leader)));
    partition_await_commit(leader, &wait, 10);
    CHECK_INT(-2, result);
    queue_run_until(lab->queue, queue_now_us(lab->queue) + 150);  /* the records are there, the leader doesn't know yet */
    CHECK_INT(3, cluster_replicas(lab->cluster, "students", 0, replicas, 3));
    for (int i = 0; i < 3; i++)
        CHECK_INT(10, replicas[i].log_end_offset);
    CHECK_INT(-2, result);
    queue_run_until(lab->queue, queue_now_us(lab->queue) + 100);
    CHECK_INT(ERR_OK, result);
    CHECK_INT(10, log_high_watermark(partition_log(leader)));
    cluster_lab_free(lab);
}

TEST(a_follower_learns_the_high_watermark_a_fetch_later_and_then_all_is_quiet)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_43, 3, NULL);
    struct replica_info replicas[3];
    uint64_t events;

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 1, 3, "retention.ms=-1"));
    cluster_lab_append(lab, "students", 0, 10, 20, 1);
    cluster_lab_advance_ms(lab, 400);
    cluster_replicas(lab->cluster, "students", 0, replicas, 3);
    CHECK_INT(0, replicas[replicas[0].leader ? 1 : 0].high_watermark);
    cluster_lab_advance_ms(lab, 200);                              /* replica.fetch.wait.max.ms=500 */
    cluster_replicas(lab->cluster, "students", 0, replicas, 3);
    for (int i = 0; i < 3; i++)
        CHECK_INT(10, replicas[i].high_watermark);
    cluster_lab_advance_ms(lab, 120000);                           /* checkpoints, the first check */
    events = queue_events_run(lab->queue);
    cluster_lab_advance_ms(lab, 365LL * 86400 * 1000);
    CHECK_INT(events, queue_events_run(lab->queue));
    cluster_lab_free(lab);
}

TEST(too_few_in_sync_replicas_refuse_acks_all)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_27, 1, NULL);

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "strict", 1, 1, "min.insync.replicas=2"));
    CHECK_INT(ERR_NOT_ENOUGH_REPLICAS, cluster_lab_append(lab, "strict", 0, 1, 20, -1));
    CHECK_TEXT("The size of the current ISR Set(0) is insufficient to satisfy the min.isr requirement of 2 for partition strict-0",
               lab->reason.text);
    CHECK_INT(ERR_OK, cluster_lab_append(lab, "strict", 0, 1, 20, 1));
    cluster_lab_free(lab);

    lab = cluster_lab_new(RELEASE_43, 1, NULL);                    /* 4.3 asks for no more than there are */
    CHECK_INT(ERR_OK, cluster_lab_create(lab, "strict", 1, 1, "min.insync.replicas=2"));
    CHECK_INT(ERR_OK, cluster_lab_append(lab, "strict", 0, 1, 20, -1));
    cluster_lab_free(lab);
}

TEST(followers_copy_many_batches_over_segments)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_27, 3, "log.segment.bytes=4000");
    struct replica_info replicas[3];

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 3, 3, NULL));
    for (int i = 0; i < 200; i++) {
        CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", i % 3, 5, 30, -1));
        if (i % 7 == 0)
            cluster_lab_advance_ms(lab, 1);
    }
    cluster_lab_advance_ms(lab, 1000);
    for (int p = 0; p < 3; p++) {
        CHECK_INT(3, cluster_replicas(lab->cluster, "students", p, replicas, 3));
        for (int i = 0; i < 3; i++) {
            CHECK_INT(p < 2 ? 335 : 330, replicas[i].log_end_offset);
            CHECK_INT(replicas[i].log_end_offset, replicas[i].high_watermark);
        }
    }
    cluster_lab_free(lab);
}
