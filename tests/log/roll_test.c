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

/* ---- the conditions, each at its limit ---- */

/* A log of both releases with one record of 69 bytes stamped `first_ms` after the lab's start, asked for the next. */
static struct lab *with_first(enum release release, int64_t first_ms)
{
    struct lab *lab = lab_new(release);

    lab->config.segment_bytes = 1000;
    lab->config.segment_ms = 1000;
    lab_open(lab);
    lab_append_at(lab, first_ms == -1 ? -1 : lab->start_ms + first_ms);
    return lab;
}

TEST(each_condition_has_its_exact_limit)
{
    static const struct {
        int64_t first_ms;           /* of the record that is there; -1: without a timestamp */
        int32_t bytes;              /* what comes: its size, its newest timestamp, its last offset, the clock */
        int64_t newest_ms, last_offset, clock_ms;
        const char *rule;
    } cases[] = {
        { 0, 1000 - 69, 0, 1, 0, NULL },
        { 0, 1000 - 68, 0, 1, 0, "segment.bytes" },
        { 0, 69, 1000, 1, 0, NULL },
        { 0, 69, 1001, 1, 0, "segment.ms" },
        { 0, 69, -5000, 1, 1000000, NULL },               /* older than the first one, whatever the clock says */
        { 0, 1000 - 68, 1001, 1, 0, "segment.bytes" },    /* the first that holds is said */
        { -1, 69, -1, 1, 1000, NULL },                    /* without timestamps: since the segment was made */
        { -1, 69, -1, 1, 1001, "segment.ms" },
        { 0, 69, 0, INT32_MAX, 0, NULL },
        { 0, 69, 0, (int64_t)INT32_MAX + 1, 0, "offset range" },
        { 0, 69, 0, -1, 0, "offset range" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        for (int r = 0; r < 2; r++) {
            struct lab *lab = with_first(r ? RELEASE_43 : RELEASE_27, cases[i].first_ms);
            int64_t newest_ms = cases[i].newest_ms == -1 ? -1 : lab->start_ms + cases[i].newest_ms;
            struct roll_decision decision = log_decide_roll(lab->log, cases[i].bytes, newest_ms, cases[i].last_offset, lab->start_ms + cases[i].clock_ms);

            if (decision.rolls != (cases[i].rule != NULL))
                print_error("case %zu\n", i);
            CHECK_INT(cases[i].rule != NULL, decision.rolls);
            CHECK_TEXT(cases[i].rule, decision.rule);
            lab_free(lab);
        }
    }
}

TEST(an_empty_segment_neither_ages_nor_is_too_small)
{
    struct lab *lab = lab_new(RELEASE_43);
    struct roll_decision decision;

    lab->config.segment_bytes = 1000;
    lab->config.segment_ms = 1000;
    lab_open(lab);
    decision = log_decide_roll(lab->log, 1000, lab->start_ms + 99999, 0, lab->start_ms + 99999);
    CHECK(!decision.rolls);
    lab_free(lab);
}

TEST(a_change_of_settings_acts_at_the_next_append)
{
    struct lab *lab = lab_new(RELEASE_43);

    lab_open(lab);
    lab_append(lab, 10);
    lab->config.segment_bytes = 700;                      /* smaller than what is there already */
    lab_advance_ms(lab, 1000000);
    CHECK_INT(1, log_segment_count(lab->log));
    lab_append(lab, 1);
    CHECK_FILES(lab, "*.log", "0.log 690, 10.log 69");
    lab->config.segment_ms = 10;
    lab_advance_ms(lab, 10);
    lab_append(lab, 1);
    lab_advance_ms(lab, 1);
    lab_append(lab, 1);
    CHECK_FILES(lab, "*.log", "0.log 690, 10.log 138, 12.log 69");
    lab_free(lab);
}

TEST(a_compacted_segment_is_no_older_than_its_lag)
{
    struct lab *lab = with_first(RELEASE_43, 0);
    int64_t newest_ms = lab->start_ms + 501;

    lab->config.max_compaction_lag_ms = 500;
    CHECK(!log_decide_roll(lab->log, 69, newest_ms, 1, lab->start_ms).rolls);
    lab->config.cleanup_compact = true;
    CHECK_INT(500, log_decide_roll(lab->log, 69, newest_ms, 1, lab->start_ms).limit_ms);
    CHECK(log_decide_roll(lab->log, 69, newest_ms, 1, lab->start_ms).rolls);
    CHECK(!log_decide_roll(lab->log, 69, newest_ms - 1, 1, lab->start_ms).rolls);
    lab->config.max_compaction_lag_ms = 0;                /* none */
    CHECK_INT(1000, log_decide_roll(lab->log, 69, newest_ms, 1, lab->start_ms).limit_ms);
    lab_free(lab);
}

/* The first batch's newest timestamp counts, not its first record's; and after a restart it is found in the file. */
TEST(age_is_counted_from_the_newest_of_the_first_batch)
{
    for (int r = 0; r < 4; r++) {
        struct lab *lab = lab_new(r & 1 ? RELEASE_43 : RELEASE_27);
        struct batch_builder builder = { 0 };
        struct log_appended out;
        struct bytes records;

        lab->config.segment_ms = 1000;
        lab_open(lab);
        batch_builder_init(&builder, CODEC_NONE);
        batch_builder_add(&builder, lab->start_ms, (struct bytes){ 0 }, bytes_text("x"), NULL, 0);
        batch_builder_add(&builder, lab->start_ms + 400, (struct bytes){ 0 }, bytes_text("x"), NULL, 0);
        OK(batch_builder_finish(&builder, &records, NULL));
        OK(lab_send(lab, records, APPEND_CLIENT, &out));
        batch_builder_done(&builder);
        if (r & 2) {
            lab_close(lab);
            lab_open(lab);
        }
        CHECK_INT(lab->start_ms + 400, log_decide_roll(lab->log, 69, 0, 2, 0).first_timestamp_ms);
        lab_append_at(lab, lab->start_ms + 1400);
        CHECK_INT(1, log_segment_count(lab->log));
        lab_append_at(lab, lab->start_ms + 1401);
        CHECK_INT(2, log_segment_count(lab->log));
        lab_free(lab);
    }
}

/* A follower that takes several batches in one fetch: 2.7 counts from the newest of the whole set until the next restart, 4.3 always from the
 * first batch's. */
TEST(a_followers_first_set_counts_as_one_in_27)
{
    for (int r = 0; r < 4; r++) {
        bool old = !(r & 1), restarts = r & 2;
        struct lab *lab = lab_new(old ? RELEASE_27 : RELEASE_43);
        struct batch_builder builder = { 0 };
        struct buffer set = { 0 };
        struct log_appended out;

        lab_open(lab);
        for (int i = 0; i < 2; i++) {
            struct bytes made;

            batch_builder_init(&builder, CODEC_NONE);
            builder.base_offset = i;
            builder.leader_epoch = 0;
            batch_builder_add(&builder, lab->start_ms + i * 700, (struct bytes){ 0 }, bytes_text("x"), NULL, 0);
            OK(batch_builder_finish(&builder, &made, NULL));
            buffer_put(&set, made.data, made.size);
        }
        batch_builder_done(&builder);
        OK(lab_send(lab, buffer_bytes(&set), APPEND_REPLICATION, &out));
        buffer_done(&set);
        if (restarts) {
            lab_close(lab);
            lab_open(lab);
        }
        CHECK_INT(lab->start_ms + (old && !restarts ? 700 : 0), log_decide_roll(lab->log, 69, 0, 2, 0).first_timestamp_ms);
        lab_free(lab);
    }
}

TEST(a_full_index_rolls_on_either_side)
{
    struct lab *lab = lab_new(RELEASE_27);

    lab->config.segment_index_bytes = 48;                 /* 6 entries of the offset index, 4 of the time index, 3 before the last is kept */
    lab->config.index_interval_bytes = 0;
    lab_open(lab);
    for (int i = 0; i < 5; i++) {                         /* equal timestamps: the time index has only one entry */
        lab_append(lab, 1);
        CHECK(!log_decide_roll(lab->log, 69, lab_now_ms(lab), i + 1, lab_now_ms(lab)).rolls);
    }
    lab_append(lab, 2);                                   /* the first batch has no entry */
    CHECK_TEXT("index full", log_decide_roll(lab->log, 69, lab_now_ms(lab), 7, lab_now_ms(lab)).rule);
    lab_append(lab, 1);
    CHECK_FILES(lab, "*.log", "0.log 483, 7.log 69");
    for (int i = 0; i < 3; i++) {
        lab_advance_ms(lab, 1);
        lab_append(lab, 1);
    }
    CHECK_TEXT("index full", log_decide_roll(lab->log, 69, lab_now_ms(lab), 11, lab_now_ms(lab)).rule);
    lab_free(lab);
}

TEST(a_segment_whose_index_has_no_room_at_all_is_made_again)
{
    struct lab *lab = lab_new(RELEASE_43);

    lab->config.segment_index_bytes = 12;                 /* one entry of each: the time index keeps it for the end, so it is full at once */
    lab_open(lab);
    lab_append(lab, 1);
    CHECK_FILES(lab, "*.log", "0.log 69");
    CHECK_FILES(lab, "*.log.deleted", "0.log.deleted 0");
    lab_append(lab, 1);
    CHECK_FILES(lab, "*.log", "0.log 69, 1.log 69");
    lab_free(lab);
}

TEST(a_preallocated_segment_is_cut_when_it_is_closed)
{
    for (int r = 0; r < 2; r++) {
        struct lab *lab = lab_new(r ? RELEASE_43 : RELEASE_27);

        lab->config.preallocate = true;
        lab->config.segment_bytes = 1000;
        lab_open(lab);
        lab_append(lab, 14);                              /* 966 bytes */
        CHECK_FILES(lab, "*.log", "0.log 1000");
        lab_append(lab, 1);
        CHECK_FILES(lab, "*.log", "0.log 966, 14.log 1000");
        lab_close(lab);
        CHECK_FILES(lab, "*.log", "0.log 966, 14.log 69");
        lab_free(lab);
    }
}

TEST(jitter_is_drawn_below_both_limits)
{
    struct lab *lab = lab_new(RELEASE_43);
    int64_t least = INT64_MAX, most = 0;

    lab->config.segment_ms = 100;
    lab->config.segment_jitter_ms = 1000;                 /* no more than segment.ms counts */
    lab_open(lab);
    for (int i = 0; i < 200; i++) {
        int64_t limit_ms;

        lab_append(lab, 1);
        limit_ms = log_decide_roll(lab->log, 69, lab_now_ms(lab), i + 1, lab_now_ms(lab)).limit_ms;
        least = limit_ms < least ? limit_ms : least;
        most = limit_ms > most ? limit_ms : most;
        OK(log_roll(lab->log, lab_now_ms(lab), NULL));
    }
    CHECK(least >= 1 && least < 20 && most > 80 && most <= 100);
    lab_free(lab);
}
