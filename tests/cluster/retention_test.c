/* Retention as the course shows it: 85 records, retention.ms=30000, and the active segment goes too. */
#include "tests/cluster/cluster_lab.h"

/* Course settings: a check every 10 s, the first after 30 s, files unlinked 10 s after they were renamed. */
#define COURSE "log.retention.check.interval.ms=10000 log.segment.delete.delay.ms=10000"

static struct cluster_lab *course(enum release release, int32_t brokers, const char *settings)
{
    struct cluster_lab *lab = cluster_lab_new(release, brokers, settings);

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 1, (int16_t)brokers, NULL));
    CHECK_INT(ERR_OK, cluster_lab_alter(lab, "students", "retention.ms", "30000"));
    for (int i = 0; i < 85; i++)
        CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 1, 20, 1));
    return lab;
}

TEST(retention_empties_a_quiet_partition)
{
    struct cluster_lab *lab = course(RELEASE_27, 1, COURSE);
    struct log *log = partition_log(cluster_lab_leader(lab, "students", 0));

    CHECK_INT(85, log_end_offset(log));
    cluster_lab_advance_ms(lab, 29990);             /* the first check is at 30.000 s; records are of 0.002 s */
    CHECK_INT(0, log_start_offset(log));
    cluster_lab_advance_ms(lab, 10000);             /* the second one takes them */
    CHECK_INT(0, log_start_offset(log));
    cluster_lab_advance_ms(lab, 10);
    CHECK_INT(85, log_start_offset(log));
    CHECK_FILES(lab, "lab/broker-0/students-0", "*.log", "00000000000000000085.log");
    CHECK_FILES(lab, "lab/broker-0/students-0", "*.log.deleted", "00000000000000000000.log.deleted");
    cluster_lab_advance_ms(lab, 9000);
    CHECK_FILES(lab, "lab/broker-0/students-0", "*.deleted",
                "00000000000000000000.index.deleted,00000000000000000000.log.deleted,00000000000000000000.timeindex.deleted");
    cluster_lab_advance_ms(lab, 1100);
    CHECK_FILES(lab, "lab/broker-0/students-0", "*.deleted", "");
    cluster_lab_free(lab);
}

TEST(the_next_check_is_known_though_it_costs_no_event)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_27, 1, COURSE);
    struct broker *broker = cluster_broker(lab->cluster, 0);
    int64_t start = broker_started_us(broker);

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 1, 1, NULL));
    CHECK_INT(start + 30000000, broker_next_retention_check_us(broker));
    cluster_lab_advance_ms(lab, 30000);
    CHECK_INT(start + 40000000, broker_next_retention_check_us(broker));
    cluster_lab_advance_ms(lab, 86400000);
    CHECK_INT(0, cluster_lab_entries(lab, EVENT_retention_checked));
    cluster_lab_append(lab, "students", 0, 1, 20, 1);
    cluster_lab_advance_ms(lab, 6 * 86400000LL);
    CHECK_INT(0, log_start_offset(partition_log(cluster_lab_leader(lab, "students", 0))));
    cluster_lab_advance_ms(lab, 86400000LL + 10000);
    CHECK_INT(1, log_start_offset(partition_log(cluster_lab_leader(lab, "students", 0))));
    CHECK(cluster_lab_entries(lab, EVENT_retention_checked) < 5);
    cluster_lab_free(lab);
}

TEST(a_shorter_retention_acts_at_the_next_check)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_43, 1, "log.retention.check.interval.ms=10000");
    struct log *log;

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 1, 1, NULL));
    log = partition_log(cluster_lab_leader(lab, "students", 0));
    cluster_lab_append(lab, "students", 0, 5, 20, 1);
    cluster_lab_advance_ms(lab, 60000);
    CHECK_INT(0, log_start_offset(log));
    CHECK_INT(ERR_OK, cluster_lab_alter(lab, "students", "retention.ms", "1000"));
    CHECK_INT(0, log_start_offset(log));
    cluster_lab_advance_ms(lab, 10000);
    CHECK_INT(5, log_start_offset(log));
    cluster_lab_free(lab);
}

TEST(retention_by_size_leaves_what_fits)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_27, 1, COURSE " log.segment.bytes=1000 log.retention.bytes=3000");
    struct log *log;

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 1, 1, NULL));
    log = partition_log(cluster_lab_leader(lab, "students", 0));
    for (int i = 0; i < 60; i++)
        cluster_lab_append(lab, "students", 0, 1, 100, 1);
    cluster_lab_advance_ms(lab, 31000);
    CHECK(log_size_bytes(log) >= 3000 && log_size_bytes(log) < 4000);
    CHECK(log_start_offset(log) > 0);
    cluster_lab_free(lab);
}

TEST(each_replica_deletes_for_itself)
{
    struct cluster_lab *lab = course(RELEASE_43, 3, COURSE);
    struct replica_info replicas[3];

    cluster_lab_advance_ms(lab, 41000);
    CHECK_INT(3, cluster_replicas(lab->cluster, "students", 0, replicas, 3));
    for (int i = 0; i < 3; i++)
        CHECK_INT(85, replicas[i].log_start_offset);
    CHECK_FILES(lab, "lab/broker-2/students-0", "*.log", "00000000000000000085.log");
    cluster_lab_free(lab);
}

TEST(a_deleted_topic_leaves_its_folder_for_a_while)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_27, 1, COURSE);
    struct fs_names names;

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 2, 1, NULL));
    CHECK_INT(ERR_OK, controller_delete_topic(lab->cluster, "students", NULL, &lab->reason));
    cluster_lab_advance_ms(lab, 1);
    CHECK(!broker_partition(cluster_broker(lab->cluster, 0), "students", 0));
    CHECK_FILES(lab, "lab/broker-0", "students-?", "");
    CHECK_INT(ERR_OK, fs_list(lab->fs, "lab/broker-0", &names, NULL));
    fs_names_free(&names);
    cluster_lab_advance_ms(lab, 9000);
    {
        char *files = cluster_lab_files(lab, "lab/broker-0", "students-0.*-delete");

        CHECK_INT((int64_t)strlen("students-0.0123456789abcdef0123456789abcdef-delete"), (int64_t)strlen(files));
        mem_free(files);
    }
    cluster_lab_advance_ms(lab, 20900);         /* the task that removes it has its first turn 30 s after the start */
    {
        char *files = cluster_lab_files(lab, "lab/broker-0", "students-0.*-delete");

        CHECK(*files);
        mem_free(files);
    }
    cluster_lab_advance_ms(lab, 200);
    CHECK_FILES(lab, "lab/broker-0", "*-delete", "");
    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 1, 1, "file.delete.delay.ms=1"));
    CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 1, 20, -1));
    CHECK_INT(ERR_OK, controller_delete_topic(lab->cluster, "students", NULL, &lab->reason));
    cluster_lab_advance_ms(lab, 9900);          /* and the broker's delay counts */
    {
        char *files = cluster_lab_files(lab, "lab/broker-0", "students-0.*-delete");

        CHECK(*files);
        mem_free(files);
    }
    cluster_lab_advance_ms(lab, 200);
    CHECK_FILES(lab, "lab/broker-0", "*-delete", "");
    cluster_lab_free(lab);
}

TEST(checkpoints_are_written_at_their_tick_when_something_changed)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_27, 1, NULL);
    struct buffer bytes = { 0 };

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 1, 1, NULL));
    cluster_lab_append(lab, "students", 0, 7, 20, 1);
    cluster_lab_advance_ms(lab, 5000);
    CHECK_INT(ERR_OK, fs_read_all(lab->fs, "lab/broker-0/replication-offset-checkpoint", 1000, &bytes, NULL));
    buffer_i8(&bytes, 0);
    CHECK_TEXT("0\n1\nstudents 0 7\n", (char *)bytes.data);
    buffer_done(&bytes);
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_checkpoint_written));
    cluster_lab_advance_ms(lab, 25000);
    CHECK_INT(2, cluster_lab_entries(lab, EVENT_checkpoint_written)); /* recovery points, for the new partition */
    cluster_lab_advance_ms(lab, 600000);
    CHECK_INT(2, cluster_lab_entries(lab, EVENT_checkpoint_written));
    cluster_lab_free(lab);
}

TEST(a_silent_producer_is_forgotten_after_a_day)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_43, 1, NULL);
    struct batch_builder builder = { 0 };
    struct log_append append = { .origin = APPEND_CLIENT, .produce_version = 9, .now_ms = LAB_START_US / 1000 };
    struct log_appended appended;
    struct log *log;
    uint64_t events;

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 1, 1, "retention.ms=-1"));
    batch_builder_init(&builder, CODEC_NONE);
    builder.producer_id = 7;
    builder.producer_epoch = 0;
    builder.base_sequence = 0;
    batch_builder_add(&builder, append.now_ms, (struct bytes){ 0 }, bytes_text("v"), NULL, 0);
    CHECK_INT(ERR_OK, batch_builder_finish(&builder, &append.records, NULL));
    CHECK_INT(ERR_OK, partition_append(cluster_lab_leader(lab, "students", 0), &append, -1, &appended, &lab->reason));
    batch_builder_done(&builder);
    log = partition_log(cluster_lab_leader(lab, "students", 0));
    cluster_lab_advance_ms(lab, 86000000);
    CHECK_INT(1, log_producers(log, NULL, 0));
    cluster_lab_advance_ms(lab, 1200000);
    CHECK_INT(0, log_producers(log, NULL, 0));
    events = queue_events_run(lab->queue);
    cluster_lab_advance_ms(lab, 30 * 86400000LL);
    CHECK_INT(events, queue_events_run(lab->queue));
    cluster_lab_free(lab);
}

/* What the real 2.7.0 does, file by file, with a check each second (first after 30 s) and a delete delay of 5 s. */
TEST(the_files_appear_and_vanish_as_in_2_7)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_27, 1, "log.retention.check.interval.ms=1000 log.segment.delete.delay.ms=5000");
    const char *dir = "lab/broker-0/students-0";

    cluster_lab_advance_ms(lab, 31500);
    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 1, 1, "retention.ms=10000"));
    for (int i = 0; i < 85; i++) {
        cluster_lab_append(lab, "students", 0, 1, 9, 1);
        cluster_lab_advance_ms(lab, 50);
    }
    CHECK_FILES(lab, dir, "*", "00000000000000000000.index,00000000000000000000.log,00000000000000000000.timeindex,leader-epoch-checkpoint");
    while (log_start_offset(partition_log(cluster_lab_leader(lab, "students", 0))) == 0)
        cluster_lab_advance_ms(lab, 1);
    CHECK_INT(46000, queue_now_ms(lab->queue) - LAB_START_US / 1000); /* the newest is of 35.701: the first check after 45.701 */
    CHECK_FILES(lab, dir, "*",
                "00000000000000000000.index.deleted,00000000000000000000.log.deleted,00000000000000000000.timeindex.deleted,"
                "00000000000000000085.log,00000000000000000085.snapshot,leader-epoch-checkpoint");
    cluster_lab_advance_ms(lab, 1000);
    CHECK_FILES(lab, dir, "*85.*", "00000000000000000085.log,00000000000000000085.snapshot,00000000000000000085.timeindex");
    cluster_lab_advance_ms(lab, 4001);
    CHECK_FILES(lab, dir, "*", "00000000000000000085.log,00000000000000000085.snapshot,00000000000000000085.timeindex,leader-epoch-checkpoint");
    cluster_lab_append(lab, "students", 0, 5, 9, 1);
    CHECK_FILES(lab, dir, "*85.*",
                "00000000000000000085.index,00000000000000000085.log,00000000000000000085.snapshot,00000000000000000085.timeindex");
    cluster_close(lab->cluster);
    lab->cluster = NULL;
    CHECK_FILES(lab, dir, "*",
                "00000000000000000085.index,00000000000000000085.log,00000000000000000085.snapshot,00000000000000000085.timeindex,"
                "00000000000000000090.snapshot,leader-epoch-checkpoint");
    cluster_lab_free(lab);
}

static int64_t oldest_kept(struct cluster_lab *lab)
{
    return log_start_offset(partition_log(cluster_lab_leader(lab, "students", 0)));
}

/* 100 segments are due at one check: each event of it takes some, and all go at the same moment. */
TEST(a_check_of_many_segments_goes_in_slices)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_43, 1, COURSE);
    struct broker *broker = cluster_broker(lab->cluster, 1);
    int64_t check_us, most = 0, before = 0;
    int events = 0;

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 1, 1, "segment.bytes=1048576"));
    CHECK_INT(ERR_OK, cluster_lab_alter(lab, "students", "retention.ms", "5000"));
    for (int i = 0; i < 100; i++)
        CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 1, 600000, 1));
    check_us = broker_next_retention_check_us(broker);
    queue_run_until(lab->queue, check_us - 1);
    while (queue_next_us(lab->queue) <= check_us) {
        queue_run_next(lab->queue);
        events += oldest_kept(lab) > before;
        most = oldest_kept(lab) - before > most ? oldest_kept(lab) - before : most;
        before = oldest_kept(lab);
    }
    CHECK_INT(100, before);
    CHECK_INT(check_us, queue_now_us(lab->queue));
    CHECK(events > 1);
    CHECK(most <= 32);
    CHECK_FILES(lab, "lab/broker-1/students-0", "*.log", "00000000000000000100.log");
    CHECK_INT(100, cluster_lab_entries(lab, EVENT_segment_deleted));
    cluster_lab_advance_ms(lab, 10000);
    CHECK_INT(100, cluster_lab_entries(lab, EVENT_segment_unlinked));
    CHECK_FILES(lab, "lab/broker-1/students-0", "*.deleted", "");
    cluster_lab_free(lab);
}

/* A topic of 100 partitions is deleted over several events, and none of its folders is left with its old name. */
TEST(a_large_topic_is_deleted_in_slices)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_43, 1, COURSE);
    struct broker *broker = cluster_broker(lab->cluster, 1);
    size_t most = 0, before;

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 100, 1, NULL));
    CHECK_INT(ERR_OK, controller_delete_topic(lab->cluster, "students", NULL, NULL));
    before = broker_partition_count(broker);
    CHECK_INT(100, before);
    for (int i = 0; i < 100 && broker_partition_count(broker); i++) {
        size_t now;

        CHECK(queue_run_next(lab->queue));
        now = broker_partition_count(broker);
        most = before - now > most ? before - now : most;
        before = now;
    }
    CHECK_INT(0, before);
    CHECK(most <= 33);
    CHECK_FILES(lab, "lab/broker-1", "students-?", "");
    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 1, 1, NULL));
    CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 1, 20, 1));
    cluster_lab_free(lab);
}
