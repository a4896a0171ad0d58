/* When a new segment begins. */
#include "tests/log/lab.h"

TEST(a_segment_is_filled_up_to_segment_bytes)
{
    struct lab *lab = lab_new(RELEASE_27);
    struct segment_info info;

    lab->config.segment_bytes = 2000;
    lab_open(lab);
    lab_append(lab, 28);                                  /* 1932 bytes */
    CHECK_INT(1, log_segment_count(lab->log));
    lab_append(lab, 1);
    CHECK_INT(2, log_segment_count(lab->log));
    log_segment_get(lab->log, 1, &info);
    CHECK_INT(28, info.base_offset);
    CHECK_TEXT("students-0 at 28: 1932 + 69 > 2000 (segment.bytes)", lab_said(lab, EVENT_segment_rolled));
    lab_append_bytes(lab, 2000 - 69);                     /* exactly full */
    CHECK_INT(2, log_segment_count(lab->log));
    CHECK_FILES(lab, "*.log", "0.log 1932, 28.log 2000");
    lab_free(lab);
}

TEST(message_time_rolls_and_not_the_clock)
{
    static const int64_t delays[] = { 0, 1000, 1001, 500, 2002 };
    struct lab *lab = lab_new(RELEASE_43);

    lab->config.segment_ms = 1000;
    lab_open(lab);
    for (int i = 0; i < 5; i++) {
        lab_append_at(lab, lab->start_ms + delays[i]);
        lab_advance_ms(lab, 60000);
    }
    CHECK_FILES(lab, "*.log", "0.log 138, 2.log 138, 4.log 69");
    CHECK_TEXT("students-0 at 4: 1001 ms > 1000 ms between its first record and this one (segment.ms)", lab_said(lab, EVENT_segment_rolled));
    lab_free(lab);
}

TEST(without_timestamps_the_clock_counts)
{
    struct lab *lab = lab_new(RELEASE_43);

    lab->config.segment_ms = 1000;
    lab_open(lab);
    lab_append_at(lab, -1);
    lab_advance_ms(lab, 1000);
    lab_append_at(lab, -1);
    lab_advance_ms(lab, 1);
    lab_append_at(lab, -1);
    CHECK_FILES(lab, "*.log", "0.log 138, 2.log 69");
    lab_free(lab);
}

TEST(a_full_index_rolls)
{
    struct lab *lab = lab_new(RELEASE_43);

    lab->config.segment_index_bytes = 24;                 /* 3 entries; of the time index 2, one kept for the end */
    lab->config.index_interval_bytes = 0;
    lab_open(lab);
    for (int i = 0; i < 4; i++) {
        lab_append(lab, 1);
        lab_advance_ms(lab, 1);
    }
    CHECK_FILES(lab, "*.log", "0.log 138, 2.log 138");
    CHECK_TEXT("students-0 at 2: no room for another index entry (index full)", lab_said(lab, EVENT_segment_rolled));
    lab_free(lab);
}

TEST(a_roll_trims_the_old_indexes_and_takes_a_snapshot)
{
    struct lab *lab = lab_new(RELEASE_27);

    lab->config.segment_bytes = 16384;
    lab_open(lab);
    CHECK_FILES(lab, "*", "0.index 10485760, 0.log 0, 0.timeindex 10485756");
    for (int i = 0; i < 15; i++) {
        lab_append_bytes(lab, 1070);
        lab_advance_ms(lab, 10);
    }
    OK(log_roll(lab->log, lab_now_ms(lab), NULL));
    CHECK_FILES(lab, "*", "0.index 24, 0.log 16050, 0.timeindex 48, 15.log 0, 15.snapshot 10, leader-epoch-checkpoint 8");
    CHECK_INT(15, log_recovery_point(lab->log));
    lab_append_bytes(lab, 1070);
    CHECK_FILES(lab, "*15.*", "15.index 10485760, 15.log 1070, 15.snapshot 10, 15.timeindex 10485756");
    lab_free(lab);
}

TEST(a_batch_larger_than_a_segment_is_refused)
{
    struct lab *lab = lab_new(RELEASE_27);
    struct log_appended out;

    lab->config.segment_bytes = 1000;
    lab_open(lab);
    CHECK_INT(ERR_RECORD_LIST_TOO_LARGE, lab_try(lab, lab_now_ms(lab), 1001, &out));
    CHECK_INT(0, log_end_offset(lab->log));
    lab_append_bytes(lab, 1000);
    CHECK_INT(1, log_end_offset(lab->log));
    lab_free(lab);
}

TEST(jitter_makes_a_segment_shorter_lived)
{
    struct lab *lab = lab_new(RELEASE_43);
    struct roll_decision decision;

    lab->config.segment_ms = 1000;
    lab->config.segment_jitter_ms = 500;
    lab_open(lab);
    lab_append(lab, 1);
    decision = log_decide_roll(lab->log, 69, lab_now_ms(lab), 1, lab_now_ms(lab));
    CHECK(decision.limit_ms > 500 && decision.limit_ms <= 1000);
    CHECK(!decision.rolls);
    lab_free(lab);
}

/* Found by playing random histories on real brokers too (tests/differential), as the next two. */
TEST(a_segment_keeps_the_index_settings_it_was_made_with)
{
    struct lab *lab = lab_new(RELEASE_43);

    lab_open(lab);
    lab_append(lab, 1);
    lab->config.index_interval_bytes = 0;
    lab->config.segment_index_bytes = 24;
    lab_append(lab, 3);
    OK(log_roll(lab->log, lab_now_ms(lab), NULL));
    lab_append(lab, 2);
    CHECK_FILES(lab, "*.index", "0.index 0, 4.index 24");
    OK(log_roll(lab->log, lab_now_ms(lab), NULL));
    CHECK_FILES(lab, "*.index", "0.index 0, 4.index 8");
    lab_free(lab);
}

TEST(what_is_refused_by_an_empty_segment_makes_its_indexes)
{
    static const enum release releases[] = { RELEASE_27, RELEASE_43 };

    for (size_t i = 0; i < 2; i++) {
        struct lab *lab = lab_new(releases[i]);
        struct log_appended out;

        lab_open(lab);
        OK(lab_produce(lab, 7, 0, 0, 1, &out));
        OK(log_roll(lab->log, lab_now_ms(lab), NULL));
        CHECK_FILES(lab, "1.*index", "");
        CHECK_INT(ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, lab_produce(lab, 7, 0, 5, 1, &out));
        CHECK_FILES(lab, "*1.*index", "1.index 10485760, 1.timeindex 10485756");
        lab_free(lab);
    }
}
