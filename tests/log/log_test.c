/* Appending and reading; and the folders that real brokers left, built again byte for byte from their batches. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/base/text.h"
#include "tests/log/lab.h"

/* ---- golden folders ---- */

static const char *golden_name(const char *release, const char *name, const char *file)
{
    static char path[300];

    snprintf(path, sizeof(path), "log/%s-%s/%s", release, name, file);
    return path;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static size_t list(const char *release, const char *name, char *names[64])
{
    char path[300];
    size_t count = 0;
    struct dirent *entry;
    DIR *dir;

    snprintf(path, sizeof(path), "tests/golden/log/%s-%s", release, name);
    dir = opendir(path);
    CHECK(dir != NULL);
    while ((entry = readdir(dir)) && count < 64)
        if (*entry->d_name != '.')
            names[count++] = mem_text(entry->d_name);
    closedir(dir);
    qsort(names, count, sizeof(*names), by_name);
    return count;
}

/* Every batch of the golden .log, as its producer sent it: base offset 0 and no leader epoch. */
static void feed(struct lab *lab, const char *path)
{
    size_t size, at = 0;
    uint8_t *data = golden_read(path, &size);

    while (at < size) {
        struct batch batch;
        struct log_appended out;
        int64_t base;

        OK(batch_decode((struct bytes){ data + at, size - at }, &batch, NULL, NULL));
        base = batch.base_offset;
        batch_set_offset(data + at, 0, -1);
        OK(lab_send(lab, (struct bytes){ data + at, (size_t)batch.size_bytes }, batch_control(&batch) ? APPEND_COORDINATOR : APPEND_CLIENT, &out));
        CHECK_INT(base, out.base_offset);
        at += (size_t)batch.size_bytes;
    }
    free(data);
}

static void compare(struct lab *lab, const char *release, const char *name)
{
    char *names[64];
    size_t count = list(release, name, names);
    struct fs_names ours;

    OK(fs_list(lab->fs, lab->how.dir, &ours, NULL));
    for (size_t i = 0; i < count; i++) {
        char *path = mem_printf("%s/%s", lab->how.dir, names[i]);
        struct buffer bytes = { 0 };
        size_t size;
        uint8_t *data = golden_read(golden_name(release, name, names[i]), &size);

        if (i >= ours.count || !text_equal(ours.names[i], names[i])) {
            print_error("%s-%s: %s is missing\n", release, name, names[i]);
            fail();
        }
        OK(fs_read_all(lab->fs, path, 1 << 20, &bytes, NULL));
        if (bytes.size != size || (size && memcmp(bytes.data, data, size))) {
            print_error("%s-%s: %s differs: %zu bytes, expected %zu\n", release, name, names[i], bytes.size, size);
            for (size_t b = 0; b < bytes.size && b < 64; b++)
                print_error("%02x", bytes.data[b]);
            fail();
        }
        buffer_done(&bytes);
        free(data);
        mem_free(path);
    }
    CHECK_INT(count, ours.count);
    for (size_t i = 0; i < count; i++)
        mem_free(names[i]);
    fs_names_free(&ours);
}

static struct lab *golden_lab(const char *release, const char *name)
{
    struct lab *lab = lab_new(text_equal(release, "2.7.0") ? RELEASE_27 : RELEASE_43);

    lab_advance_ms(lab, 1795500000000 - lab->start_ms);   /* after all that was captured */
    if (!release_is_27(lab->env.release)) {
        size_t size;
        char *text = (char *)golden_read(golden_name(release, name, "partition.metadata"), &size);

        CHECK(uuid_parse(strstr(text, "topic_id: ") + 10, &lab->how.topic_id));
        free(text);
    }
    return lab;
}

static void rebuild(const char *release, const char *name, int32_t segment_bytes)
{
    struct lab *lab = golden_lab(release, name);
    char *names[64];
    size_t count = list(release, name, names);

    lab->config.segment_bytes = segment_bytes;
    lab_open(lab);
    OK(log_begin_epoch(lab->log, 0, NULL));
    for (size_t i = 0; i < count; i++) {
        if (text_ends(names[i], ".log"))
            feed(lab, golden_name(release, name, names[i]));
        mem_free(names[i]);
    }
    log_remove_old_snapshots(lab->log);
    lab_close(lab);
    compare(lab, release, name);
    lab_free(lab);
}

TEST(golden_folders_are_rebuilt_byte_for_byte)
{
    static const char *const releases[] = { "2.7.0", "4.3.0" };
    static const char *const names[] = { "empty", "plain", "idempotent", "keys-headers-nulls", "gzip", "snappy", "lz4", "zstd", "transactional" };

    for (size_t r = 0; r < 2; r++)
        for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
            rebuild(releases[r], names[i], 1 << 30);
}

TEST(a_golden_folder_of_several_segments_is_rebuilt)
{
    rebuild("2.7.0", "rolled", 16384);
}

TEST(the_golden_folder_after_retention_is_rebuilt)
{
    static const char *const releases[] = { "2.7.0", "4.3.0" };

    for (size_t r = 0; r < 2; r++) {
        struct lab *lab = golden_lab(releases[r], "after-retention");

        lab->config.retention_ms = 10000;
        lab_open(lab);
        OK(log_begin_epoch(lab->log, 0, NULL));
        lab_append(lab, 85);
        lab_advance_ms(lab, 10001);
        CHECK_INT(1, lab_check(lab));
        lab_advance_ms(lab, 60000);
        CHECK_INT(0, lab_check(lab));
        log_unlink_due(lab->log, lab_now_ms(lab));
        feed(lab, golden_name(releases[r], "after-retention", "00000000000000000085.log"));
        lab_close(lab);
        compare(lab, releases[r], "after-retention");
        lab_free(lab);
    }
}

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
    log_unlink_due(lab->log, lab_now_ms(lab));
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
            OK(log_append(leader->log, &(struct log_append){ records, APPEND_CLIENT, 7, 8, lab_now_ms(leader) }, &out, NULL));
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
