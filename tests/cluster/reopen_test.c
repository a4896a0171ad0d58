/* A lab that is opened again has everything from its files: topics, settings, records, high watermarks, epochs. */
#include "tests/cluster/cluster_lab.h"

static void fill(struct cluster_lab *lab, int16_t factor)
{
    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 2, factor, "retention.ms=3600000"));
    CHECK_INT(ERR_OK, cluster_lab_create(lab, "orders", 1, factor, NULL));
    CHECK_INT(ERR_OK, cluster_lab_alter(lab, "orders", "segment.ms", "5000"));
    for (int i = 0; i < 10; i++) {
        CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 3, 20, -1));
        CHECK_INT(ERR_OK, cluster_lab_append(lab, "orders", 0, 2, 20, -1));
    }
    cluster_lab_advance_ms(lab, 10000);
}

static void check_filled(struct cluster_lab *lab, size_t factor)
{
    struct replica_info replicas[3];

    CHECK_INT(2, image_topic_count(cluster_image(lab->cluster)));
    CHECK_TEXT("3600000", config_map_get(image_config(cluster_image(lab->cluster), CONFIG_TOPIC, "students"), "retention.ms"));
    CHECK_TEXT("5000", config_map_get(image_config(cluster_image(lab->cluster), CONFIG_TOPIC, "orders"), "segment.ms"));
    CHECK_INT(3600000, log_settings(partition_log(cluster_lab_leader(lab, "students", 0)))->retention_ms);
    cluster_lab_advance_ms(lab, 2000);
    CHECK_INT(factor, cluster_replicas(lab->cluster, "students", 0, replicas, 3));
    for (size_t i = 0; i < factor; i++) {
        CHECK_INT(30, replicas[i].log_end_offset);
        CHECK_INT(30, replicas[i].high_watermark);
    }
    CHECK_INT(20, log_end_offset(partition_log(cluster_lab_leader(lab, "orders", 0))));
    CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 1, 20, -1));
    cluster_lab_advance_ms(lab, 1);
    CHECK_INT(31, log_high_watermark(partition_log(cluster_lab_leader(lab, "students", 0))));
}

TEST(a_closed_lab_opens_whole)
{
    for (int release = RELEASE_ANY; release <= RELEASE_43; release++) {
        for (int16_t brokers = 1; brokers <= 3; brokers += 2) {
            struct cluster_lab *lab = cluster_lab_new(release, brokers, NULL);

            fill(lab, brokers);
            cluster_lab_reopen(lab, true);
            check_filled(lab, (size_t)brokers);
            cluster_lab_free(lab);
        }
    }
}

TEST(a_killed_lab_opens_whole)
{
    for (int release = RELEASE_ANY; release <= RELEASE_43; release++) {
        for (int16_t brokers = 1; brokers <= 3; brokers += 2) {
            struct cluster_lab *lab = cluster_lab_new(release, brokers, NULL);

            fill(lab, brokers);
            cluster_lab_reopen(lab, false);
            check_filled(lab, (size_t)brokers);
            cluster_lab_reopen(lab, false);
            CHECK_INT(31, log_end_offset(partition_log(cluster_lab_leader(lab, "students", 0))));
            cluster_lab_free(lab);
        }
    }
}

TEST(a_restart_costs_two_epochs_with_raft_and_none_with_zookeeper)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_43, 1, NULL);
    struct buffer bytes = { 0 };

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 1, 1, NULL));
    cluster_lab_append(lab, "students", 0, 25, 20, 1);
    cluster_lab_reopen(lab, false);
    CHECK_INT(2, partition_leader_epoch(cluster_lab_leader(lab, "students", 0)));
    CHECK_INT(ERR_OK, fs_read_all(lab->fs, "lab/broker-1/students-0/leader-epoch-checkpoint", 1000, &bytes, NULL));
    buffer_i8(&bytes, 0);
    CHECK_TEXT("0\n2\n0 0\n2 25\n", (char *)bytes.data);
    buffer_done(&bytes);
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_leader_elected));
    cluster_lab_free(lab);

    lab = cluster_lab_new(RELEASE_27, 1, NULL);
    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 1, 1, NULL));
    cluster_lab_append(lab, "students", 0, 25, 20, 1);
    cluster_lab_reopen(lab, false);
    CHECK_INT(0, partition_leader_epoch(cluster_lab_leader(lab, "students", 0)));
    cluster_lab_free(lab);
}

TEST(a_deleted_topic_stays_deleted)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_43, 3, NULL);

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 3, 2, NULL));
    CHECK_INT(ERR_OK, controller_delete_topic(lab->cluster, "students", NULL, &lab->reason));
    cluster_lab_reopen(lab, false);             /* before a broker heard of it */
    CHECK_INT(0, image_topic_count(cluster_image(lab->cluster)));
    CHECK_FILES(lab, "lab/broker-1", "students-?", "");
    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 3, 3, NULL));
    CHECK_INT(0, log_end_offset(partition_log(cluster_lab_leader(lab, "students", 0))));
    cluster_lab_free(lab);
}

TEST(producer_ids_are_never_given_twice)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_43, 2, NULL);
    int64_t first, second, third;

    CHECK_INT(ERR_OK, broker_new_producer_id(cluster_broker(lab->cluster, 1), &first, NULL, NULL));
    CHECK_INT(ERR_OK, broker_new_producer_id(cluster_broker(lab->cluster, 2), &second, NULL, NULL));
    CHECK_INT(0, first);
    CHECK_INT(1000, second);
    cluster_lab_reopen(lab, false);
    CHECK_INT(ERR_OK, broker_new_producer_id(cluster_broker(lab->cluster, 1), &third, NULL, NULL));
    CHECK_INT(2000, third);
    cluster_lab_free(lab);
}

TEST(a_folder_of_another_cluster_is_refused)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_43, 2, NULL);
    struct cluster *other = NULL;

    cluster_close(lab->cluster);
    CHECK_INT(ERR_OK, fs_replace(lab->fs, "lab/broker-2/meta.properties",
                                 bytes_text("#\n#x\nnode.id=2\nversion=1\ncluster.id=AAAAAAAAAAAAAAAAAAAAAA\n"), NULL));
    CHECK_INT(ERR_INCONSISTENT_CLUSTER_ID, cluster_open(&other, &lab->options, &lab->reason));
    CHECK(!other);
    lab->cluster = NULL;
    cluster_lab_free(lab);
}
