/* What a start finds after a stop that was not clean. */
#include "tests/log/lab.h"

static void write_file(struct lab *lab, const char *name, const void *data, size_t size)
{
    char *path = mem_printf("%s/%s", lab->how.dir, name);
    struct file *file;

    OK(fs_open(lab->fs, path, FILE_READ | FILE_WRITE | FILE_CREATE, &file, NULL));
    OK(file_write(file, data, size, file_size(file), NULL));
    file_close(file);
    mem_free(path);
}

static void cut_file(struct lab *lab, const char *name, int64_t size)
{
    char *path = mem_printf("%s/%s", lab->how.dir, name);
    struct file *file;

    OK(fs_open(lab->fs, path, FILE_READ | FILE_WRITE, &file, NULL));
    OK(file_truncate(file, size, NULL));
    file_close(file);
    mem_free(path);
}

/* timelines/kill-and-restart: 25 batches of 11706 bytes, indexes of 2 and 3 entries after the next clean stop. */
TEST(a_killed_log_is_rebuilt_from_its_batches)
{
    static const enum release releases[] = { RELEASE_27, RELEASE_43 };

    for (int r = 0; r < 2; r++) {
        struct lab *lab = lab_new(releases[r]);

        lab_open(lab);
        OK(log_begin_epoch(lab->log, 0, NULL));
        for (int i = 0; i < 20; i++) {
            lab_append_bytes(lab, 570);
            lab_advance_ms(lab, 1);
        }
        lab_kill(lab);
        CHECK_FILES(lab, "*", "0.index 10485760, 0.log 11400, 0.timeindex 10485756, leader-epoch-checkpoint 8");
        lab_open(lab);
        CHECK_INT(20, log_end_offset(lab->log));
        CHECK_TEXT("students-0: unclean stop, 1 segment and 20 batches checked, nothing cut off; log end offset 20", lab_said(lab, EVENT_log_recovered));
        CHECK_FILES(lab, "*", "0.index 10485760, 0.log 11400, 0.timeindex 10485756, 20.snapshot 10, leader-epoch-checkpoint 8");
        lab_close(lab);
        CHECK_FILES(lab, "*", "0.index 16, 0.log 11400, 0.timeindex 36, 20.snapshot 10, leader-epoch-checkpoint 8");
        lab_free(lab);
    }
}

TEST(a_batch_that_was_cut_short_goes)
{
    struct lab *lab = lab_new(RELEASE_43);

    lab_open(lab);
    OK(log_begin_epoch(lab->log, 0, NULL));
    lab_append(lab, 10);
    lab_kill(lab);
    cut_file(lab, "00000000000000000000.log", 680);
    lab_open(lab);
    CHECK_INT(9, log_end_offset(lab->log));
    CHECK_INT(9, log_high_watermark(lab->log));
    CHECK_FILES(lab, "*.log", "0.log 621");
    CHECK_TEXT("students-0: unclean stop, 1 segment and 9 batches checked, 59 damaged bytes cut off; log end offset 9", lab_said(lab, EVENT_log_recovered));
    lab_append(lab, 1);
    CHECK_INT(10, log_end_offset(lab->log));
    lab_free(lab);
}

TEST(zeros_and_garbage_at_the_end_go)
{
    static const uint8_t zeros[200];

    for (int garbage = 0; garbage < 2; garbage++) {
        struct lab *lab = lab_new(RELEASE_43);

        lab_open(lab);
        lab_append(lab, 10);
        lab_kill(lab);
        write_file(lab, "00000000000000000000.log", garbage ? (const void *)"\0\0\0\0\0\0\0\x0a\x7f\xff\xff\xff garbage garbage garbage" : zeros, garbage ? 36 : 200);
        lab_open(lab);
        CHECK_INT(10, log_end_offset(lab->log));
        CHECK_FILES(lab, "*.log", "0.log 690");
        lab_free(lab);
    }
}

TEST(what_follows_a_damaged_batch_goes_with_its_segments)
{
    struct lab *lab = lab_new(RELEASE_43);
    struct file *file;

    lab->config.segment_bytes = 690;
    lab_open(lab);
    OK(log_begin_epoch(lab->log, 0, NULL));
    lab_append(lab, 25);
    lab_kill(lab);
    lab->how.recovery_point = 0;
    OK(fs_open(lab->fs, "logs/students-0/00000000000000000010.log", FILE_READ | FILE_WRITE, &file, NULL));
    OK(file_write(file, "x", 1, 69 * 3 + 65, NULL));
    file_close(file);
    lab_open(lab);
    CHECK_INT(13, log_end_offset(lab->log));
    CHECK_FILES(lab, "*.log*", "0.log 690, 10.log 207, 20.log.deleted 345");
    lab_append(lab, 1);
    CHECK_INT(14, log_end_offset(lab->log));
    lab_free(lab);
}

TEST(only_what_lies_above_the_recovery_point_is_read)
{
    struct lab *lab = lab_new(RELEASE_43);

    lab->config.segment_bytes = 690;
    lab_open(lab);
    lab_append(lab, 25);
    lab_kill(lab);
    CHECK_INT(20, lab->how.recovery_point);                /* the rolls flushed it */
    lab_open(lab);
    CHECK_TEXT("students-0: unclean stop, 1 segment and 5 batches checked, nothing cut off; log end offset 25", lab_said(lab, EVENT_log_recovered));
    lab_free(lab);
}

TEST(leftovers_of_deletion_and_cleaning_are_put_right)
{
    struct lab *lab = lab_new(RELEASE_43);

    lab->config.segment_bytes = 690;
    lab_open(lab);
    lab_append(lab, 25);
    lab_close(lab);
    /* a finished cleaning of 0 and 10 into one segment, killed between its renames; another one hardly begun; a deletion */
    OK(fs_rename(lab->fs, "logs/students-0/00000000000000000000.log", "logs/students-0/00000000000000000000.log.swap", NULL));
    OK(fs_rename(lab->fs, "logs/students-0/00000000000000000000.index", "logs/students-0/00000000000000000000.index.swap", NULL));
    OK(fs_rename(lab->fs, "logs/students-0/00000000000000000000.timeindex", "logs/students-0/00000000000000000000.timeindex.swap", NULL));
    write_file(lab, "00000000000000000000.log", "old", 3);
    write_file(lab, "00000000000000000020.log.cleaned", "new", 3);
    write_file(lab, "00000000000000000005.log.deleted", "gone", 4);
    write_file(lab, "00000000000000000007.index", "lost", 4);
    lab_open(lab);
    CHECK_INT(25, log_end_offset(lab->log));
    CHECK_FILES(lab, "*.log*", "0.log 690, 10.log 690, 20.log 345");
    CHECK_FILES(lab, "*.index*", "0.index 0, 10.index 0, 20.index 10485760");
    lab_free(lab);
}

TEST(a_lost_index_is_rebuilt_even_after_a_clean_stop)
{
    struct lab *lab = lab_new(RELEASE_43);

    lab->config.index_interval_bytes = 100;
    lab_open(lab);
    for (int i = 0; i < 10; i++) {
        lab_append(lab, 1);
        lab_advance_ms(lab, 1);
    }
    lab_close(lab);
    CHECK_FILES(lab, "*index", "0.index 32, 0.timeindex 60");
    OK(fs_unlink(lab->fs, "logs/students-0/00000000000000000000.index", NULL));
    lab_open(lab);
    CHECK_INT(10, log_end_offset(lab->log));
    lab_close(lab);
    CHECK_FILES(lab, "*index", "0.index 32, 0.timeindex 60");
    lab_free(lab);
}

TEST(a_file_that_was_cut_after_a_clean_stop_is_recovered_too)
{
    struct lab *lab = lab_new(RELEASE_43);

    lab_open(lab);
    lab_append(lab, 10);
    lab_close(lab);
    cut_file(lab, "00000000000000000000.log", 600);
    lab_open(lab);
    CHECK_INT(8, log_end_offset(lab->log));
    CHECK_INT(8 * 69, log_size_bytes(lab->log));
    CHECK_TEXT("students-0: damaged, 1 segment and 8 batches checked, 48 damaged bytes cut off; log end offset 8", lab_said(lab, EVENT_log_recovered));
    lab_append(lab, 1);
    CHECK_INT(9, log_end_offset(lab->log));
    lab_free(lab);
}

TEST(a_log_that_ends_before_its_start_begins_anew)
{
    struct lab *lab = lab_new(RELEASE_43);

    lab_open(lab);
    lab_append(lab, 10);
    lab_close(lab);
    lab->how.log_start_offset = 50;
    lab_open(lab);
    CHECK_INT(50, log_start_offset(lab->log));
    CHECK_INT(50, log_end_offset(lab->log));
    CHECK_FILES(lab, "*.log", "50.log 0");
    lab_free(lab);
}

TEST(the_high_watermark_is_kept_within_the_log)
{
    struct lab *lab = lab_new(RELEASE_43);

    lab_open(lab);
    lab_append(lab, 10);
    lab_close(lab);
    lab->how.high_watermark = 99;
    lab_open(lab);
    CHECK_INT(10, log_high_watermark(lab->log));
    lab_free(lab);
}

TEST(a_retention_that_was_killed_midway_ends_well)
{
    struct lab *lab = lab_new(RELEASE_43);

    lab->config.retention_ms = 1000;
    lab_open(lab);
    OK(log_begin_epoch(lab->log, 0, NULL));
    lab_append(lab, 10);
    lab_advance_ms(lab, 1001);
    CHECK_INT(1, lab_check(lab));
    lab_kill(lab);
    lab->how.log_start_offset = 0;                         /* that checkpoint wasn't written yet */
    lab_open(lab);
    CHECK_INT(10, log_start_offset(lab->log));
    CHECK_INT(10, log_end_offset(lab->log));
    CHECK_FILES(lab, "*.deleted", "");
    lab_append(lab, 1);
    CHECK_INT(11, log_end_offset(lab->log));
    lab_free(lab);
}
