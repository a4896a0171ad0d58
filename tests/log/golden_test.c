/* The folders that real brokers left: built again byte for byte from their batches, opened, recovered. */
#include "tests/log/golden.h"

#include <stdlib.h>

#include "sim/base/text.h"

static void rebuild(const char *name, int32_t segment_bytes)
{
    struct golden golden;
    struct lab *lab;

    golden_open(&golden, name);
    lab = golden_lab(&golden);
    lab->config.segment_bytes = segment_bytes;
    lab_open(lab);
    OK(log_begin_epoch(lab->log, 0, NULL));
    golden_feed(&golden, lab);
    log_remove_old_snapshots(lab->log);
    lab_close(lab);
    golden_compare(&golden, lab, NULL);
    lab_free(lab);
    golden_done(&golden);
}

TEST(golden_folders_are_rebuilt_byte_for_byte)
{
    static const char *const names[] = { "empty", "plain", "idempotent", "keys-headers-nulls", "gzip", "snappy", "lz4", "zstd", "transactional" };

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        for (int r = 0; r < 2; r++) {
            char *name = mem_printf("%s-%s", r ? "4.3.0" : "2.7.0", names[i]);

            rebuild(name, 1 << 30);
            mem_free(name);
        }
    }
}

TEST(a_golden_folder_of_several_segments_is_rebuilt)
{
    rebuild("2.7.0-rolled", 16384);
}

TEST(the_golden_folder_after_retention_is_rebuilt)
{
    for (int r = 0; r < 2; r++) {
        struct golden golden;
        struct lab *lab;

        golden_open(&golden, r ? "4.3.0-after-retention" : "2.7.0-after-retention");
        lab = golden_lab(&golden);
        lab->config.retention_ms = 10000;
        lab_open(lab);
        OK(log_begin_epoch(lab->log, 0, NULL));
        lab_append(lab, 85);
        lab_advance_ms(lab, 10001);
        CHECK_INT(1, lab_check(lab));
        lab_advance_ms(lab, 60000);
        CHECK_INT(0, lab_check(lab));
        log_unlink_due(lab->log, lab_now_ms(lab), SIZE_MAX);
        golden_feed(&golden, lab);
        lab_close(lab);
        golden_compare(&golden, lab, NULL);
        lab_free(lab);
        golden_done(&golden);
    }
}

/* Batches and their last offset; every byte of every .log is in a batch. */
static int64_t walk(struct lab *lab)
{
    struct log_cursor cursor;
    struct batch batch;
    int64_t bytes = 0, end = log_start_offset(lab->log);

    log_cursor_init(&cursor, lab->log, 0, false);
    while (log_cursor_next(&cursor, &batch)) {
        CHECK(batch.base_offset >= end);
        bytes += batch.size_bytes;
        end = batch.last_offset + 1;
    }
    log_cursor_done(&cursor);
    CHECK_INT(log_size_bytes(lab->log), bytes);
    return end;
}

/* Opening and closing cleanly changes no byte; after an unclean stop the scan makes the same indexes as the writing did (2.7 knows
 * only there which record was the newest, so its time index may name another offset of the batch). */
TEST(every_golden_folder_opens_and_recovers)
{
    char *names[MOST_GOLDEN_FILES];
    size_t count = golden_names(names);

    CHECK(count >= 30);
    for (size_t i = 0; i < count; i++) {
        for (int clean = 0; clean < 2; clean++) {
            struct golden golden;
            struct lab *lab;

            golden_open(&golden, names[i]);
            lab = golden_lab(&golden);
            lab->config.magic = text_ends(names[i], "magic-0") ? 0 : text_ends(names[i], "magic-1") ? 1 : 2;
            golden_copy(&golden, lab);
            lab->how.clean = clean;
            lab_open(lab);
            CHECK_INT(walk(lab), log_end_offset(lab->log));
            lab_close(lab);
            /* an epoch that begins at the end of the log is forgotten at a start: the empty folder's */
            golden_compare(&golden, lab, !clean && golden.release == RELEASE_27 ? "*[tx]" : text_ends(names[i], "-empty") ? "*t" : "*.snapshot");
            lab_free(lab);
            golden_done(&golden);
        }
        mem_free(names[i]);
    }
}
