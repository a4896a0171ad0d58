/* Appending, reading, replicating, truncating. */
#include "tests/log/lab.h"

/* ---- offsets ---- */

TEST(offsets_grow_by_one_a_record_and_survive_a_restart)
{
    struct lab *lab = lab_new(RELEASE_43);

    lab_open(lab);
    CHECK_INT(0, log_end_offset(lab->log));
    lab_append(lab, 10);
    CHECK_INT(10, log_end_offset(lab->log));
    CHECK_INT(690, log_size_bytes(lab->log));
    lab_close(lab);
    lab_open(lab);
    CHECK_INT(10, log_end_offset(lab->log));
    CHECK_INT(690, log_size_bytes(lab->log));
    lab_append(lab, 1);
    CHECK_INT(11, log_end_offset(lab->log));
    lab_free(lab);
}

TEST(the_time_index_names_the_record_in_27_and_the_batch_in_43)
{
    static const enum release releases[] = { RELEASE_27, RELEASE_43 };

    for (int r = 0; r < 2; r++) {
        struct lab *lab = lab_new(releases[r]);
        struct batch_builder builder = { 0 };
        struct bytes records;
        struct log_appended out;
        struct buffer bytes = { 0 };

        lab_open(lab);
        lab_append(lab, 3);
        batch_builder_init(&builder, CODEC_NONE);
        for (int i = 0; i < 3; i++)
            batch_builder_add(&builder, lab->start_ms + (int[]){ 10, 20, 15 }[i], (struct bytes){ 0 }, bytes_text("x"), NULL, 0);
        OK(batch_builder_finish(&builder, &records, NULL));
        OK(lab_send(lab, records, APPEND_CLIENT, &out));
        lab_close(lab);
        OK(fs_read_all(lab->fs, "logs/students-0/00000000000000000000.timeindex", 100, &bytes, NULL));
        CHECK_HEX(r ? "0000017487 6e8014 00000005" : "0000017487 6e8014 00000004", bytes.data, bytes.size);
        buffer_done(&bytes);
        batch_builder_done(&builder);
        lab_free(lab);
    }
}

/* ---- reading ---- */

static void check_read(struct lab *lab, int64_t offset, int32_t max_bytes, int64_t upper, bool one, int64_t position, int32_t size)
{
    struct log_slice slice;

    OK(log_read(lab->log, offset, max_bytes, upper, one, &slice, NULL));
    CHECK_INT(size, slice.size);
    if (size)
        CHECK_INT(position, slice.position);
    if (slice.file)
        file_unpin(slice.file);
}

TEST(a_read_gives_a_slice_of_one_segment_up_to_a_bound)
{
    struct lab *lab = lab_new(RELEASE_43);
    struct log_slice slice;

    lab->config.segment_bytes = 690;
    lab_open(lab);
    lab_append(lab, 25);                                     /* 0..9, 10..19, 20..24 */
    check_read(lab, 0, 1 << 20, 25, true, 0, 690);           /* a segment's end is a read's end */
    check_read(lab, 3, 1 << 20, 25, true, 207, 483);
    check_read(lab, 3, 1 << 20, 5, true, 207, 138);
    check_read(lab, 3, 100, 25, true, 207, 100);             /* the last batch may be cut */
    check_read(lab, 3, 10, 25, true, 207, 69);               /* but not the first, if one is wanted */
    check_read(lab, 3, 10, 25, false, 207, 10);
    check_read(lab, 24, 1 << 20, 25, true, 276, 69);
    check_read(lab, 25, 1 << 20, 25, true, 0, 0);
    check_read(lab, 12, 1 << 20, 12, true, 0, 0);
    CHECK_INT(ERR_OFFSET_OUT_OF_RANGE, log_read(lab->log, 26, 100, 25, true, &slice, NULL));
    log_raise_start_offset(lab->log, 4);
    CHECK_INT(ERR_OFFSET_OUT_OF_RANGE, log_read(lab->log, 3, 100, 25, true, &slice, NULL));
    CHECK_INT(69 * 13, log_readable_bytes(lab->log, 5, 18, INT64_MAX));
    CHECK_INT(100, log_readable_bytes(lab->log, 5, 18, 100));
    lab_free(lab);
}

TEST(every_offset_of_a_long_segment_is_found)
{
    struct lab *lab = lab_new(RELEASE_27);

    lab_open(lab);
    for (int i = 0; i < 300; i++) {
        lab_append_bytes(lab, 500 + i);
        lab_advance_ms(lab, 1);
    }
    for (int pass = 0; pass < 2; pass++) {
        int64_t position = 0;

        for (int i = 0; i < 300; i++) {
            check_read(lab, i, 1, 300, true, position, 500 + i);
            position += 500 + i;
        }
        lab_close(lab);
        lab_open(lab);
    }
    lab_free(lab);
}

TEST(a_pinned_slice_outlives_its_segment)
{
    struct lab *lab = lab_new(RELEASE_43);
    struct log_slice slice;
    uint8_t bytes[69];

    lab->config.retention_ms = 1000;
    lab->config.file_delete_delay_ms = 0;
    lab_open(lab);
    lab_append(lab, 1);
    OK(log_read(lab->log, 0, 100, 1, true, &slice, NULL));
    lab_advance_ms(lab, 1001);
    CHECK_INT(1, lab_check(lab));
    log_unlink_due(lab->log, lab_now_ms(lab), SIZE_MAX);
    CHECK_FILES(lab, "*.log*", "1.log 0");
    OK(file_read(slice.file, bytes, 69, slice.position, NULL));
    CHECK_INT(69 - 12, get_i32(bytes + 8));
    file_unpin(slice.file);
    lab_free(lab);
}

TEST(a_cursor_walks_over_segments)
{
    struct lab *lab = lab_new(RELEASE_43);
    struct log_cursor cursor;
    struct batch batch;
    int64_t offset = 7;

    lab->config.segment_bytes = 690;
    lab_open(lab);
    lab_append(lab, 25);
    for (int headers = 0; headers < 2; headers++) {
        offset = 7;
        log_cursor_init(&cursor, lab->log, 7, headers);
        while (log_cursor_next(&cursor, &batch)) {
            CHECK_INT(offset, batch.base_offset);
            CHECK_INT(offset / 10 * 10, cursor.segment_base);
            CHECK_INT(offset % 10 * 69, cursor.position);
            CHECK(headers || batch_crc_right(&batch));
            offset++;
        }
        CHECK_INT(25, offset);
        log_cursor_done(&cursor);
    }
    lab_free(lab);
}

TEST(offsets_are_found_by_time)
{
    struct lab *lab = lab_new(RELEASE_43);
    struct log_found found;

    lab->config.segment_bytes = 690;
    lab_open(lab);
    for (int i = 0; i < 25; i++)
        lab_append_at(lab, lab->start_ms + i * 10);
    OK(log_offset_for_time(lab->log, lab->start_ms + 101, &found, NULL));
    CHECK_INT(11, found.offset);
    CHECK_INT(lab->start_ms + 110, found.timestamp_ms);
    CHECK_INT(0, found.leader_epoch);
    OK(log_offset_for_time(lab->log, 0, &found, NULL));
    CHECK_INT(0, found.offset);
    OK(log_offset_for_time(lab->log, lab->start_ms + 241, &found, NULL));
    CHECK_INT(-1, found.offset);
    lab_append_at(lab, lab->start_ms);                       /* late: not the newest */
    OK(log_offset_of_max_timestamp(lab->log, &found, NULL));
    CHECK_INT(24, found.offset);
    CHECK_INT(lab->start_ms + 240, found.timestamp_ms);
    log_raise_start_offset(lab->log, 5);
    OK(log_offset_for_time(lab->log, 0, &found, NULL));
    CHECK_INT(5, found.offset);
    lab_free(lab);
}

/* ---- followers ---- */

TEST(a_follower_keeps_offsets_epochs_and_bytes)
{
    static const enum release releases[] = { RELEASE_27, RELEASE_43 };

    for (int r = 0; r < 2; r++) {
        struct lab *leader = lab_new(releases[r]), *follower = lab_new(releases[r]);
        struct log_slice slice;
        struct log_appended out;
        static const uint8_t value[1000];
        uint8_t *bytes;

        lab_open(leader);
        lab_open(follower);
        follower->leader_epoch = 7;
        OK(log_begin_epoch(leader->log, 7, NULL));
        for (int i = 0; i < 10; i++) {
            struct batch_builder builder = { 0 };
            struct bytes records;

            batch_builder_init(&builder, CODEC_NONE);
            batch_builder_add(&builder, lab_now_ms(leader) + i, (struct bytes){ 0 }, (struct bytes){ value, sizeof(value) }, NULL, 0);
            OK(batch_builder_finish(&builder, &records, NULL));
            OK(log_append(leader->log, &(struct log_append){ .records = records, .origin = APPEND_CLIENT, .leader_epoch = 7, .produce_version = 8, .now_ms = lab_now_ms(leader) }, &out, NULL));
            batch_builder_done(&builder);
        }
        OK(log_read(leader->log, 0, 1 << 20, 10, true, &slice, NULL));
        bytes = mem_alloc((size_t)slice.size);
        OK(file_read(slice.file, bytes, (size_t)slice.size, slice.position, NULL));
        OK(lab_send(follower, (struct bytes){ bytes, (size_t)slice.size - 5 }, APPEND_REPLICATION, &out)); /* the last batch is cut */
        CHECK_INT(0, out.base_offset);
        CHECK_INT(8, out.last_offset);
        CHECK_INT(9, log_end_offset(follower->log));
        CHECK_INT(7, log_latest_epoch(follower->log));
        CHECK_INT(ERR_UNKNOWN_SERVER_ERROR, lab_send(follower, (struct bytes){ bytes, (size_t)slice.size }, APPEND_REPLICATION, &out)); /* again */
        lab_close(follower);
        /* 2.7 sees one append of 9 batches, 4.3 nine */
        CHECK_FILES(follower, "*", r ? "0.index 16, 0.log 9630, 0.timeindex 24, 9.snapshot 10, leader-epoch-checkpoint 8"
                                     : "0.index 0, 0.log 9630, 0.timeindex 12, 9.snapshot 10, leader-epoch-checkpoint 8");
        file_unpin(slice.file);
        mem_free(bytes);
        lab_free(leader);
        lab_free(follower);
    }
}

TEST(a_damaged_batch_is_not_replicated)
{
    struct lab *leader = lab_new(RELEASE_43), *follower = lab_new(RELEASE_43);
    struct log_slice slice;
    struct log_appended out;
    uint8_t bytes[69];

    lab_open(leader);
    lab_open(follower);
    lab_append(leader, 1);
    OK(log_read(leader->log, 0, 1000, 1, true, &slice, NULL));
    OK(file_read(slice.file, bytes, 69, slice.position, NULL));
    bytes[66] ^= 1;
    CHECK_INT(ERR_CORRUPT_MESSAGE, lab_send(follower, (struct bytes){ bytes, 69 }, APPEND_REPLICATION, &out));
    CHECK_INT(0, log_size_bytes(follower->log));
    file_unpin(slice.file);
    lab_free(leader);
    lab_free(follower);
}

TEST(a_follower_cuts_its_log_back)
{
    struct lab *lab = lab_new(RELEASE_43);

    lab->config.segment_bytes = 690;
    lab_open(lab);
    OK(log_begin_epoch(lab->log, 0, NULL));
    lab_append(lab, 15);
    OK(log_begin_epoch(lab->log, 1, NULL));
    lab->leader_epoch = 1;
    lab_append(lab, 10);
    OK(log_truncate_to(lab->log, 13, lab_now_ms(lab), NULL));
    CHECK_INT(13, log_end_offset(lab->log));
    CHECK_INT(13, log_high_watermark(lab->log));
    CHECK_INT(13 * 69, log_size_bytes(lab->log));
    CHECK_INT(0, log_latest_epoch(lab->log));
    CHECK_FILES(lab, "*.log*", "0.log 690, 10.log 207, 20.log.deleted 345");
    CHECK_TEXT("students-0: log end 25 -> 13", lab_said(lab, EVENT_log_truncated));
    lab_append(lab, 1);
    CHECK_INT(14, log_end_offset(lab->log));
    lab_close(lab);
    lab_open(lab);
    CHECK_INT(14, log_end_offset(lab->log));
    OK(log_truncate_fully(lab->log, 100, lab_now_ms(lab), NULL));
    CHECK_INT(100, log_start_offset(lab->log));
    CHECK_INT(100, log_end_offset(lab->log));
    CHECK_INT(0, log_size_bytes(lab->log));
    CHECK_FILES(lab, "*.log", "100.log 0");
    lab_free(lab);
}

TEST(a_deleted_log_becomes_a_folder_to_remove)
{
    struct lab *lab = lab_new(RELEASE_43);
    char *renamed;

    lab_open(lab);
    lab_append(lab, 1);
    OK(log_delete(lab->log, "0123456789abcdef0123456789abcdef", &renamed, NULL));
    lab->log = NULL;
    CHECK_TEXT("logs/students-0.0123456789abcdef0123456789abcdef-delete", renamed);
    CHECK(fs_exists(lab->fs, renamed));
    CHECK(!fs_exists(lab->fs, "logs/students-0"));
    mem_free(renamed);
    lab_free(lab);
}

/* One buffer for many logs: what one prepared is not mixed into the other's, and a large append doesn't stay in memory. */
TEST(logs_may_share_where_appends_are_prepared)
{
    struct lab *labs[] = { lab_new(RELEASE_27), lab_new(RELEASE_43) };
    struct buffer scratch = { 0 };

    for (int i = 0; i < 2; i++) {
        labs[i]->env.scratch = &scratch;
        lab_open(labs[i]);
    }
    for (int i = 0; i < 20; i++)
        lab_append_bytes(labs[i % 2], 200 + i);
    CHECK(scratch.capacity > 0);
    for (int i = 0; i < 2; i++) {
        struct log_cursor cursor;
        struct batch batch;

        log_cursor_init(&cursor, labs[i]->log, 0, false);
        for (int k = 0; k < 10; k++) {
            CHECK(log_cursor_next(&cursor, &batch));
            CHECK_INT(k, batch.base_offset);
            CHECK_INT(200 + 2 * k + i, batch.size_bytes);
            CHECK(batch_crc_right(&batch));
        }
        log_cursor_done(&cursor);
    }
    lab_append_bytes(labs[0], 100 * 1024);
    CHECK_INT(0, scratch.capacity);
    lab_free(labs[0]);
    lab_free(labs[1]);
    buffer_done(&scratch);
}

/* Batches larger than what is read at once: the index leads to the right one, and its size is remembered. */
TEST(a_read_of_large_batches_looks_once)
{
    struct lab *lab = lab_new(RELEASE_43);

    lab_open(lab);
    for (int i = 0; i < 50; i++)
        lab_append_bytes(lab, 9000 + i);
    for (int pass = 0; pass < 2; pass++) {
        struct log_slice slice;
        int64_t position = 0;

        for (int i = 0; i < 50; i++) {
            uint64_t before = fs_counts(lab->fs).reads;

            OK(log_read(lab->log, i, 100, 50, true, &slice, NULL));
            CHECK_INT(position, slice.position);
            CHECK_INT(9000 + i, slice.size);
            file_unpin(slice.file);
            if (i)
                CHECK(fs_counts(lab->fs).reads - before <= 1);
            position += 9000 + i;
        }
        lab_close(lab);
        lab_open(lab);
    }
    lab_free(lab);
}

TEST(any_record_of_large_batches_is_found_with_one_look)
{
    struct lab *lab = lab_new(RELEASE_43);
    struct log_appended out;
    int64_t size;

    lab_open(lab);
    for (int i = 0; i < 20; i++)
        OK(lab_produce(lab, 5, 0, i * 1000, 1000, &out));
    log_set_high_watermark(lab->log, 20000);
    size = log_size_bytes(lab->log) / 20;
    CHECK(size > 4096);
    lab_close(lab);
    lab_open(lab);
    for (int offset = 0; offset < 20000; offset += 333) {
        uint64_t before = fs_counts(lab->fs).reads;
        struct log_slice slice;

        OK(log_read(lab->log, offset, 1 << 20, 20000, true, &slice, NULL));
        CHECK_INT(offset / 1000 * size, slice.position);
        CHECK_INT(offset / 1000 * 1000, slice.base_offset);
        if (offset >= 1000)
            CHECK(fs_counts(lab->fs).reads - before <= 1);
        file_unpin(slice.file);
    }
    lab_free(lab);
}

TEST(a_look_by_time_makes_the_indexes_of_an_empty_segment)
{
    struct lab *lab = lab_new(RELEASE_43);
    struct log_found found;

    lab_open(lab);
    lab_append(lab, 1);
    OK(log_roll(lab->log, lab_now_ms(lab), NULL));
    CHECK_FILES(lab, "*1.*index", "");
    OK(log_offset_for_time(lab->log, lab_now_ms(lab) - 1, &found, NULL));
    CHECK_FILES(lab, "*1.*index", "");                       /* found in the first */
    lab_advance_ms(lab, 10);
    OK(log_truncate_fully(lab->log, 5, lab_now_ms(lab), NULL));
    OK(log_offset_for_time(lab->log, 0, &found, NULL));      /* an empty one is as new as its file: looked into */
    CHECK_INT(-1, found.offset);
    CHECK_FILES(lab, "*5.*index", "5.index 10485760, 5.timeindex 10485756");
    lab_free(lab);
}

TEST(closing_an_empty_segment_makes_its_indexes_in_43)
{
    static const enum release releases[] = { RELEASE_27, RELEASE_43 };

    for (size_t i = 0; i < 2; i++) {
        struct lab *lab = lab_new(releases[i]);

        lab_open(lab);
        lab_append(lab, 1);
        OK(log_roll(lab->log, lab_now_ms(lab), NULL));
        lab_close(lab);
        CHECK_FILES(lab, "*1.*index", releases[i] == RELEASE_27 ? "" : "1.index 0, 1.timeindex 0");
        lab_free(lab);
    }
}

TEST(without_timestamps_the_first_record_has_the_largest)
{
    struct lab *lab = lab_new(RELEASE_43);
    struct log_found found;

    lab_open(lab);
    OK(log_offset_of_max_timestamp(lab->log, &found, NULL));
    CHECK_INT(-1, found.offset);
    lab_append_at(lab, -1);
    lab_append_at(lab, -1);
    OK(log_offset_of_max_timestamp(lab->log, &found, NULL));
    CHECK_INT(0, found.offset);
    CHECK_INT(-1, found.timestamp_ms);
    lab_append_at(lab, lab->start_ms);
    OK(log_offset_of_max_timestamp(lab->log, &found, NULL));
    CHECK_INT(2, found.offset);
    lab_free(lab);
}
