/* A broker whose wall clock is wrong: what it stamps, what it finds too old, and what does not go by that clock. */
#include "sim/cluster/cluster_internal.h"
#include "tests/cluster/cluster_lab.h"

static struct cluster_lab *one_broker(enum release release, const char *configs)
{
    struct cluster_lab *lab = cluster_lab_new(release, 1, "log.retention.check.interval.ms=10000");

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 1, 1, configs));
    return lab;
}

static struct broker *broker_of(struct cluster_lab *lab) { return cluster_broker_at(lab->cluster, 0); }

static int64_t newest_ms(struct cluster_lab *lab)
{
    struct segment_info info;
    struct log *log = partition_log(cluster_lab_leader(lab, "students", 0));

    log_segment_get(log, log_segment_count(log) - 1, &info);
    return info.newest_ms;
}

static void check_retention(enum release release)
{
    struct cluster_lab *lab = one_broker(release, "retention.ms=3600000");
    struct partition *partition = cluster_lab_leader(lab, "students", 0);

    CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 10, 100, 1));
    cluster_lab_advance_ms(lab, 60000);
    CHECK_INT(0, log_start_offset(partition_log(partition)));
    broker_set_skew(broker_of(lab), (int64_t)3600 * 1000000);  /* an hour ahead: the records are an hour and a minute old there */
    CHECK_INT(queue_now_ms(lab->queue) + 3600000, broker_now_ms(broker_of(lab)));
    cluster_lab_advance_ms(lab, 10000);
    CHECK_INT(10, log_start_offset(partition_log(partition)));
    cluster_lab_free(lab);
}

TEST(a_clock_ahead_makes_retention_come_sooner)
{
    check_retention(RELEASE_27);
    check_retention(RELEASE_43);
}

TEST(a_clock_behind_makes_retention_come_later)
{
    struct cluster_lab *lab = one_broker(RELEASE_43, "retention.ms=30000");
    struct log *log = partition_log(cluster_lab_leader(lab, "students", 0));

    broker_set_skew(broker_of(lab), (int64_t)-100 * 1000000);
    CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 10, 100, 1)); /* stamped by the client, whose clock is right */
    cluster_lab_advance_ms(lab, 120000);
    CHECK_INT(0, log_start_offset(log));
    cluster_lab_advance_ms(lab, 20000);
    CHECK_INT(10, log_start_offset(log));
    cluster_lab_free(lab);
}

TEST(it_stamps_what_it_appends_and_the_stamp_stays_when_the_clock_is_right_again)
{
    struct cluster_lab *lab = one_broker(RELEASE_43, "message.timestamp.type=LogAppendTime");
    int64_t stamped_ms;

    broker_set_skew(broker_of(lab), 90000000);
    CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 1, 100, 1));
    stamped_ms = newest_ms(lab);
    CHECK_INT(queue_now_ms(lab->queue) + 90000, stamped_ms);
    broker_set_skew(broker_of(lab), 0);
    CHECK_INT(stamped_ms, newest_ms(lab));
    CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 1, 100, 1)); /* earlier than the one before it */
    CHECK_INT(stamped_ms, newest_ms(lab));
    CHECK_INT(2, cluster_lab_entries(lab, EVENT_clock_skewed));
    cluster_lab_free(lab);
}

TEST(it_refuses_what_seems_too_old_or_not_to_be_yet)
{
    struct cluster_lab *lab = one_broker(RELEASE_43, "message.timestamp.before.max.ms=60000 message.timestamp.after.max.ms=60000");

    CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 1, 100, 1));
    broker_set_skew(broker_of(lab), 61000000);
    CHECK_INT(ERR_INVALID_TIMESTAMP, cluster_lab_append(lab, "students", 0, 1, 100, 1));
    broker_set_skew(broker_of(lab), -61000000);
    CHECK_INT(ERR_INVALID_TIMESTAMP, cluster_lab_append(lab, "students", 0, 1, 100, 1));
    broker_set_skew(broker_of(lab), -59000000);
    CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 1, 100, 1));
    cluster_lab_free(lab);
}

/* file.delete.delay.ms is a scheduler's. */
TEST(a_delay_under_way_does_not_go_by_it)
{
    struct cluster_lab *lab = one_broker(RELEASE_43, "retention.ms=30000 file.delete.delay.ms=60000");
    char *dir = mem_printf("%s/students-0", broker_log_dir(broker_of(lab)));

    CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 10, 100, 1));
    cluster_lab_advance_ms(lab, 41000);
    CHECK_FILES(lab, dir, "*.log.deleted", "00000000000000000000.log.deleted");
    broker_set_skew(broker_of(lab), (int64_t)86400 * 1000000);
    cluster_lab_advance_ms(lab, 40000);
    CHECK_FILES(lab, dir, "*.log.deleted", "00000000000000000000.log.deleted");
    broker_set_skew(broker_of(lab), (int64_t)-86400 * 1000000);
    cluster_lab_advance_ms(lab, 20001);
    CHECK_FILES(lab, dir, "*.log.deleted", "");
    mem_free(dir);
    cluster_lab_free(lab);
}

TEST(a_broker_keeps_its_wrong_clock_over_a_restart_and_only_its_own)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_43, 3, "");
    struct broker *broker = cluster_broker(lab->cluster, 2);

    broker_set_skew(broker, 5000000);
    CHECK_INT(ERR_OK, broker_kill(broker, "killed", NULL));
    cluster_lab_advance_ms(lab, 20000);
    CHECK_INT(ERR_OK, broker_start(broker, NULL));
    cluster_lab_advance_ms(lab, 20000);
    CHECK(broker_up(broker));
    CHECK_INT(queue_now_ms(lab->queue) + 5000, broker_now_ms(broker));
    CHECK_INT(queue_now_ms(lab->queue), broker_now_ms(cluster_broker(lab->cluster, 1)));
    cluster_lab_free(lab);
}
