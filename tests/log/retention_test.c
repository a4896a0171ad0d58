/* What retention takes, when, and what the folder looks like at each moment. */
#include "sim/base/files_faulty.h"
#include "tests/log/lab.h"

TEST(retention_empties_a_quiet_partition)
{
    struct lab *lab = lab_new(RELEASE_27);

    lab->config.retention_ms = 30000;
    lab_open(lab);
    OK(log_begin_epoch(lab->log, 0, NULL));
    lab_append(lab, 85);
    lab_advance_ms(lab, 30000);
    CHECK(!log_retention_due(lab->log, lab_now_ms(lab)));
    CHECK_INT(0, lab_check(lab));                          /* not over it: 30000 > 30000 is false */
    lab_advance_ms(lab, 1);
    CHECK_INT(lab_now_ms(lab), log_next_expiry_ms(lab->log));
    CHECK(log_retention_due(lab->log, lab_now_ms(lab)));
    CHECK_INT(1, lab_check(lab));
    CHECK_INT(85, log_start_offset(lab->log));
    CHECK_INT(85, log_end_offset(lab->log));
    CHECK_FILES(lab, "*.log", "85.log 0");
    CHECK_TEXT("students-0/0: newest 30001 ms > 30000 ms; log start 0 -> 85", lab_said(lab, EVENT_segment_deleted));
    lab_free(lab);
}

/* The moments of timelines/retention-2.7.0: the same files with the same sizes. */
TEST(the_folder_passes_through_the_states_of_the_capture)
{
    struct lab *lab = lab_new(RELEASE_27);

    lab->config.retention_ms = 10000;
    lab->config.file_delete_delay_ms = 5000;
    lab_open(lab);
    OK(log_begin_epoch(lab->log, 0, NULL));
    CHECK_FILES(lab, "*", "0.index 10485760, 0.log 0, 0.timeindex 10485756, leader-epoch-checkpoint 8");
    for (int i = 0; i < 85; i++) {
        lab_append_bytes(lab, i < 10 ? 77 : 78);
        lab_advance_ms(lab, 50);
    }
    CHECK_FILES(lab, "*.log", "0.log 6620");
    lab_advance_ms(lab, 10000);
    CHECK_INT(1, lab_check(lab));
    CHECK_FILES(lab, "*", "0.index.deleted 8, 0.log.deleted 6620, 0.timeindex.deleted 24, 85.log 0, 85.snapshot 10, leader-epoch-checkpoint 9");
    lab_advance_ms(lab, 1000);
    CHECK(log_retention_due(lab->log, lab_now_ms(lab)));   /* it has the time index to make */
    CHECK_INT(0, lab_check(lab));
    CHECK(!log_retention_due(lab->log, lab_now_ms(lab)));
    CHECK_FILES(lab, "*85.*", "85.log 0, 85.snapshot 10, 85.timeindex 10485756");
    CHECK_INT(lab_now_ms(lab) + 4000, log_next_unlink_ms(lab->log));
    lab_advance_ms(lab, 3999);
    log_unlink_due(lab->log, lab_now_ms(lab), SIZE_MAX);
    CHECK_FILES(lab, "*.deleted", "0.index.deleted 8, 0.log.deleted 6620, 0.timeindex.deleted 24");
    lab_advance_ms(lab, 1);
    log_unlink_due(lab->log, lab_now_ms(lab), SIZE_MAX);
    CHECK_TEXT("students-0/0: 6620 B left the disk, 5.0 s after the deletion (file.delete.delay.ms)", lab_said(lab, EVENT_segment_unlinked));
    CHECK_FILES(lab, "*", "85.log 0, 85.snapshot 10, 85.timeindex 10485756, leader-epoch-checkpoint 9");
    CHECK_INT(INT64_MAX, log_next_unlink_ms(lab->log));
    lab_append_bytes(lab, 121);
    CHECK_FILES(lab, "*", "85.index 10485760, 85.log 121, 85.snapshot 10, 85.timeindex 10485756, leader-epoch-checkpoint 9");
    lab_close(lab);
    CHECK_FILES(lab, "*", "85.index 0, 85.log 121, 85.snapshot 10, 85.timeindex 12, 86.snapshot 10, leader-epoch-checkpoint 9");
    lab_free(lab);
}

TEST(older_segments_go_one_by_one_and_the_first_that_stays_ends_the_look)
{
    struct lab *lab = lab_new(RELEASE_43);
    struct retention_decision decision;

    lab->config.retention_ms = 30000;
    lab->config.segment_bytes = 2000;
    lab_open(lab);
    for (int i = 0; i < 95; i++) {
        lab_append(lab, 1);
        lab_advance_ms(lab, 1000);
    }
    /* segments 0, 28, 56, 84; the newest of 28 is from second 55, that is 40 s ago; of 56 from 83, 12 s */
    decision = log_decide_retention(lab->log, lab_now_ms(lab));
    CHECK_INT(3, decision.count);
    CHECK_INT(2, decision.delete_count);
    CHECK_INT(56, decision.new_log_start_offset);
    CHECK_INT(VERDICT_KEEP, decision.segments[2].verdict);
    CHECK_TEXT("retention.ms", decision.segments[2].rule);
    CHECK_INT(12000, decision.segments[2].value);
    CHECK_INT(lab->start_ms + 83000 + 30001, decision.segments[2].expires_at_ms);
    OK(log_apply_retention(lab->log, &decision, NULL));
    retention_decision_done(&decision);
    CHECK_TEXT("students-0/28: newest 40.0 s > 30.0 s; log start 28 -> 56", lab_said(lab, EVENT_segment_deleted));
    CHECK_TEXT("students-0/56: newest 12.0 s, not over 30.0 s; stops looking", lab_said(lab, EVENT_segment_kept));
    CHECK_INT(4, log_segment_count(lab->log));             /* two of them .deleted */
    lab_free(lab);
}

/* Whatever rename is refused, what is left on the disk is one piece. */
TEST(a_disk_that_fails_in_the_midst_leaves_no_hole)
{
    for (int nth = 1; nth < 14; nth++) {
        struct lab *lab = lab_new(RELEASE_27);
        struct retention_decision decision;
        struct log_cursor cursor;
        struct batch batch;
        struct disk *disk;
        int64_t next;

        lab->config.retention_ms = 1000;
        lab->config.segment_bytes = 400;
        lab_open(lab);
        disk = disk_add(lab->fs, lab->how.dir);
        lab_append(lab, 20);
        lab_advance_ms(lab, 30000);
        lab_append(lab, 1);
        decision = log_decide_retention(lab->log, lab_now_ms(lab));
        CHECK(decision.delete_count > 3);
        disk_set_failing(disk, DISK_RENAME, nth, false);
        CHECK_INT(ERR_KAFKA_STORAGE_ERROR, log_apply_retention(lab->log, &decision, NULL));
        retention_decision_done(&decision);
        disk_heal(disk);
        log_drop(lab->log);
        lab->how.clean = false;
        lab_open(lab);
        next = log_start_offset(lab->log);
        CHECK_INT(21, log_end_offset(lab->log));
        log_cursor_init(&cursor, lab->log, next, true);
        while (log_cursor_next(&cursor, &batch)) {
            CHECK_INT(next, batch.base_offset);
            next = batch.last_offset + 1;
        }
        log_cursor_done(&cursor);
        CHECK_INT(21, next);
        lab_free(lab);
    }
}

TEST(a_kept_segment_is_said_once)
{
    struct lab *lab = lab_new(RELEASE_43);
    uint64_t last;

    lab->config.retention_ms = 30000;
    lab_open(lab);
    lab_append(lab, 1);
    lab_check(lab);
    last = journal_last(lab->env.journal);
    lab_advance_ms(lab, 1000);
    lab_check(lab);
    CHECK_INT(last, journal_last(lab->env.journal));
    lab_free(lab);
}

TEST(size_retention_leaves_up_to_one_segment_more)
{
    struct lab *lab = lab_new(RELEASE_27);

    lab->config.retention_ms = -1;
    lab->config.retention_bytes = 32768;
    lab->config.segment_bytes = 16384;
    lab_open(lab);
    for (int i = 0; i < 100; i++)
        lab_append_bytes(lab, 1070);
    CHECK_INT(4, lab_check(lab));                          /* 107000 - 4 * 16050 = 42800 */
    CHECK_INT(60, log_start_offset(lab->log));
    CHECK_FILES(lab, "*.log", "60.log 16050, 75.log 16050, 90.log 10700");
    CHECK_FILES(lab, "*.snapshot", "60.snapshot 10, 75.snapshot 10, 90.snapshot 10");
    lab->config.retention_bytes = 0;
    CHECK_INT(3, lab_check(lab));
    CHECK_INT(100, log_start_offset(lab->log));
    CHECK_FILES(lab, "*100*", "100.log 0, 100.snapshot 10");
    lab_free(lab);
}

TEST(snapshots_go_with_their_segments_in_43_and_below_the_start_in_27)
{
    static const enum release releases[] = { RELEASE_27, RELEASE_43 };

    for (int r = 0; r < 2; r++) {
        struct lab *lab = lab_new(releases[r]);

        lab->config.retention_bytes = 690;
        lab->config.segment_bytes = 690;
        lab_open(lab);
        lab_append(lab, 35);
        CHECK_INT(2, lab_check(lab));
        CHECK_FILES(lab, "*.snapshot*", r ? "10.snapshot.deleted 10, 20.snapshot 10, 30.snapshot 10" : "20.snapshot 10, 30.snapshot 10");
        lab_advance_ms(lab, 60000);
        log_unlink_due(lab->log, lab_now_ms(lab), SIZE_MAX);
        CHECK_FILES(lab, "*.deleted", "");
        lab_free(lab);
    }
}

TEST(nothing_above_the_high_watermark_goes)
{
    struct lab *lab = lab_new(RELEASE_43);
    struct retention_decision decision;

    lab->config.retention_ms = 1000;
    lab_open(lab);
    lab_append(lab, 5);
    log_set_high_watermark(lab->log, 4);
    lab_advance_ms(lab, 5000);
    CHECK(!log_retention_due(lab->log, lab_now_ms(lab)));
    decision = log_decide_retention(lab->log, lab_now_ms(lab));
    CHECK_INT(0, decision.delete_count);
    CHECK_TEXT("high watermark", decision.segments[0].rule);
    retention_decision_done(&decision);
    lab_free(lab);
}

TEST(a_record_of_the_future_keeps_its_segment_and_those_behind_it)
{
    struct lab *lab = lab_new(RELEASE_27);

    lab->config.retention_ms = 1000;
    lab->config.segment_bytes = 690;
    lab_open(lab);
    lab_append_at(lab, lab_now_ms(lab) + 3600000);
    lab_append(lab, 15);
    lab_advance_ms(lab, 60000);
    CHECK_INT(0, lab_check(lab));
    lab_advance_ms(lab, 3600000);
    CHECK_INT(2, lab_check(lab));
    lab_free(lab);
}

TEST(records_without_timestamps_age_by_the_files_mtime)
{
    struct lab *lab = lab_new(RELEASE_43);
    struct retention_decision decision;

    lab->config.retention_ms = 1000;
    lab_open(lab);
    lab_append_at(lab, -1);
    lab_advance_ms(lab, 1001);
    decision = log_decide_retention(lab->log, lab_now_ms(lab));
    CHECK_INT(1, decision.delete_count);
    CHECK(decision.segments[0].newest_is_mtime);
    retention_decision_done(&decision);
    lab_free(lab);
}

TEST(deleted_records_leave_the_disk_by_whole_segments)
{
    struct lab *lab = lab_new(RELEASE_43);

    lab->config.retention_ms = -1;
    lab->config.segment_bytes = 690;
    lab_open(lab);
    lab_append(lab, 25);
    log_raise_start_offset(lab->log, 15);
    CHECK_TEXT("students-0: log start 0 -> 15", lab_said(lab, EVENT_log_start_moved));
    log_raise_start_offset(lab->log, 3);                   /* never down */
    CHECK_INT(15, log_start_offset(lab->log));
    CHECK(log_retention_due(lab->log, lab_now_ms(lab)));
    CHECK_INT(1, lab_check(lab));
    CHECK_FILES(lab, "*.log", "10.log 690, 20.log 345");
    CHECK_INT(15, log_start_offset(lab->log));
    CHECK_TEXT("students-0/0: next segment at 10, log start offset 15", lab_said(lab, EVENT_segment_deleted));
    lab_free(lab);
}

TEST(compacted_topics_lose_nothing_to_time)
{
    struct lab *lab = lab_new(RELEASE_43);

    lab->config.cleanup_delete = false;
    lab->config.retention_ms = 1000;
    lab_open(lab);
    lab_append(lab, 5);
    lab_advance_ms(lab, 5000);
    CHECK(!log_retention_due(lab->log, lab_now_ms(lab)));
    CHECK_INT(0, lab_check(lab));
    CHECK_INT(INT64_MAX, log_next_expiry_ms(lab->log));
    lab_free(lab);
}

/* 4.3 looks at times after sizes: the segment that was just made gets its time index in the same check. */
TEST(the_order_of_the_passes_shows_in_the_folder)
{
    static const enum release releases[] = { RELEASE_27, RELEASE_43 };

    for (int r = 0; r < 2; r++) {
        struct lab *lab = lab_new(releases[r]);

        lab->config.retention_bytes = 0;
        lab_open(lab);
        lab_append(lab, 5);
        CHECK_INT(1, lab_check(lab));
        CHECK_FILES(lab, "*5.*", r ? "5.log 0, 5.snapshot 10, 5.timeindex 10485756" : "5.log 0, 5.snapshot 10");
        lab_free(lab);
    }
}

/* What `why` shows: every segment, each rule asked by itself. */
TEST(all_segments_are_weighed)
{
    struct lab *lab = lab_new(RELEASE_43);
    struct retention_decision decision;

    lab->config.retention_ms = 30000;
    lab->config.segment_bytes = 138;               /* two batches of 69 */
    lab_open(lab);
    lab_append_at(lab, lab_now_ms(lab) + 60000);   /* the oldest is stamped in the future */
    lab_append(lab, 5);
    lab_advance_ms(lab, 30001);
    decision = log_weigh_retention(lab->log, lab_now_ms(lab));
    CHECK_INT(3, decision.count);
    CHECK_INT(0, decision.delete_count);
    CHECK_TEXT("retention.ms", decision.segments[0].rule);
    CHECK_INT(-29999, decision.segments[0].age_ms);
    CHECK(!decision.segments[0].too_old);
    CHECK_TEXT("older segment", decision.segments[1].rule);
    CHECK(decision.segments[1].too_old);
    CHECK_TEXT("older segment", decision.segments[2].rule);
    CHECK(decision.segments[2].active && decision.segments[2].too_old);
    retention_decision_done(&decision);
    CHECK_INT(0, lab_check(lab));                  /* and so it is */

    lab->config.retention_ms = -1;
    lab->config.retention_bytes = 276;
    decision = log_weigh_retention(lab->log, lab_now_ms(lab));
    CHECK_INT(1, decision.delete_count);           /* 414 - 276 = 138 */
    CHECK_INT(138, decision.segments[0].excess_bytes);
    CHECK_INT(0, decision.segments[1].excess_bytes);
    CHECK(!decision.segments[1].too_much);
    CHECK_TEXT("retention.bytes", decision.segments[1].rule);
    retention_decision_done(&decision);

    log_set_high_watermark(lab->log, 1);
    decision = log_weigh_retention(lab->log, lab_now_ms(lab));
    CHECK_INT(1, log_high_watermark(lab->log));
    CHECK_INT(0, decision.delete_count);
    CHECK(!decision.segments[0].committed);
    CHECK_TEXT("high watermark", decision.segments[0].rule);
    retention_decision_done(&decision);
    lab_free(lab);
}
