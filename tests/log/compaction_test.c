/* The cleaner of one log: each value that is compared, what stays and what goes, and what a crash or a change in between leaves. */
#include "sim/log/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/base/files_internal.h"
#include "sim/base/text.h"
#include "sim/log/offset_map.h"
#include "tests/log/lab.h"

static const enum release releases[] = { RELEASE_27, RELEASE_43 };

static struct lab *compacted_lab(enum release release)
{
    struct lab *lab = lab_new(release);

    lab->config.cleanup_delete = false;
    lab->config.cleanup_compact = true;
    lab->config.min_cleanable_dirty_ratio = 0;
    lab_open(lab);
    return lab;
}

static void roll(struct lab *lab)
{
    OK(log_roll(lab->log, lab_now_ms(lab), NULL));
}

static struct compaction_decision decide(struct lab *lab)
{
    return log_decide_compaction(lab->log, lab->cleaner_offset, lab_now_ms(lab));
}

/* ---- is it dirty enough? ---- */

TEST(a_dirty_ratio_must_be_over_the_limit)
{
    struct lab *lab = compacted_lab(RELEASE_43);
    struct compaction_decision decision;

    lab_put(lab, "a", "1");
    roll(lab);
    lab_put(lab, "b", "1");
    roll(lab);
    lab->cleaner_offset = 1;
    lab->config.min_cleanable_dirty_ratio = 0.5;
    decision = decide(lab);
    CHECK_INT(70, decision.clean_bytes);
    CHECK_INT(70, decision.cleanable_bytes);
    CHECK(decision.ratio == 0.5);
    CHECK(!decision.cleans);
    CHECK_TEXT("min.cleanable.dirty.ratio", decision.rule);
    lab->config.min_cleanable_dirty_ratio = 0.4999;
    decision = decide(lab);
    CHECK(decision.cleans);
    CHECK_TEXT("min.cleanable.dirty.ratio", decision.rule);
    lab_free(lab);
}

TEST(a_checkpoint_outside_the_log_begins_again_at_its_start)
{
    struct lab *lab = compacted_lab(RELEASE_43);
    struct compaction_decision decision;

    for (int i = 0; i < 4; i++) {
        lab_put(lab, "a", "1");
        roll(lab);
    }
    decision = decide(lab);
    CHECK_TEXT("no checkpoint", decision.first_dirty_rule);
    CHECK_INT(0, decision.first_dirty_offset);
    CHECK(!decision.resets_checkpoint);
    log_raise_start_offset(lab->log, 2);
    lab->cleaner_offset = 1;
    decision = decide(lab);
    CHECK_TEXT("checkpoint below log start", decision.first_dirty_rule);
    CHECK_INT(2, decision.first_dirty_offset);
    CHECK(decision.resets_checkpoint);
    lab->cleaner_offset = 2;
    CHECK_TEXT("cleaner checkpoint", decide(lab).first_dirty_rule);
    lab->cleaner_offset = 4;
    CHECK_TEXT("cleaner checkpoint", decide(lab).first_dirty_rule);
    CHECK_TEXT("active segment", decide(lab).rule);
    lab->cleaner_offset = 5;
    decision = decide(lab);
    CHECK_TEXT("checkpoint past log end", decision.first_dirty_rule);
    CHECK_INT(2, decision.first_dirty_offset);
    CHECK(decision.resets_checkpoint);
    lab_free(lab);
}

TEST(nothing_is_cleaned_from_the_last_stable_offset_on)
{
    struct lab *lab = compacted_lab(RELEASE_43);
    struct compaction_decision decision;

    for (int i = 0; i < 3; i++) {
        lab_put(lab, "a", "1");
        lab_put(lab, "a", "1");
        roll(lab);
    }
    CHECK_INT(6, decide(lab).end_offset);
    CHECK_TEXT("active segment", decide(lab).uncleanable_rule);
    lab->how.high_watermark = 0;
    log_drop(lab->log);
    lab_open(lab); /* as after a start: the high watermark is not known yet */
    log_set_high_watermark(lab->log, 3);
    decision = decide(lab);
    CHECK_INT(3, decision.last_stable_offset);
    CHECK_INT(3, decision.first_uncleanable_offset);
    CHECK_TEXT("last stable offset", decision.uncleanable_rule);
    CHECK_INT(2, decision.end_offset); /* the segment that holds it is left alone as a whole */
    CHECK_INT(140, decision.cleanable_bytes);
    log_set_high_watermark(lab->log, 0);
    decision = decide(lab);
    lab_free(lab);
}

TEST(young_records_wait_for_min_compaction_lag)
{
    struct lab *lab = compacted_lab(RELEASE_43);
    struct compaction_decision decision;

    lab->config.min_compaction_lag_ms = 1000;
    lab_put(lab, "a", "1");
    roll(lab);
    lab_advance_ms(lab, 1);
    lab_put(lab, "a", "2");
    roll(lab);
    lab_advance_ms(lab, 999);
    decision = decide(lab);
    CHECK_TEXT("min.compaction.lag.ms", decision.uncleanable_rule);
    CHECK_INT(1, decision.young_base_offset);
    CHECK_INT(1, decision.end_offset); /* the first is 1000 ms old: not younger than the lag */
    CHECK(decision.cleans);
    lab->cleaner_offset = 1;
    decision = decide(lab);
    CHECK(!decision.cleans);
    CHECK_TEXT("min.compaction.lag.ms", decision.rule);
    CHECK_INT(lab_now_ms(lab) + 1, decision.next_at_ms);
    CHECK_TEXT("min.compaction.lag.ms", decision.next_rule);
    lab_advance_ms(lab, 1);
    CHECK(decide(lab).cleans);
    lab_free(lab);
}

TEST(max_compaction_lag_forces_a_cleaning)
{
    struct lab *lab = compacted_lab(RELEASE_43);
    struct compaction_decision decision;

    lab->config.min_cleanable_dirty_ratio = 1;
    lab->config.max_compaction_lag_ms = 5000;
    lab_put(lab, "a", "1");
    roll(lab);
    lab_advance_ms(lab, 5000);
    decision = decide(lab);
    CHECK(!decision.forced && !decision.cleans);
    CHECK_INT(lab_now_ms(lab) + 1, decision.next_at_ms);
    CHECK_TEXT("max.compaction.lag.ms", decision.next_rule);
    lab_advance_ms(lab, 1);
    decision = decide(lab);
    CHECK(decision.forced && decision.cleans);
    CHECK_TEXT("max.compaction.lag.ms", decision.rule);
    CHECK_INT(1, lab_clean(lab));
    CHECK(!decide(lab).forced);
    lab_free(lab);
}

TEST(what_is_not_compacted_or_empty_is_not_cleaned)
{
    struct lab *lab = compacted_lab(RELEASE_43);

    CHECK_TEXT("empty", decide(lab).rule);
    lab_put(lab, "a", "1");
    CHECK_TEXT("empty", decide(lab).rule);
    roll(lab);
    CHECK(decide(lab).cleans);
    lab->config.cleanup_compact = false;
    CHECK_TEXT("cleanup.policy", decide(lab).rule);
    CHECK(!decide(lab).cleans);
    lab_free(lab);
}

/* ---- the offset map ---- */

static void check_md5(const char *text, const char *expected)
{
    uint8_t sum[MD5_SIZE];
    char hex[2 * MD5_SIZE + 1];

    md5(bytes_text(text), sum);
    for (int i = 0; i < MD5_SIZE; i++)
        snprintf(hex + 2 * i, 3, "%02x", sum[i]);
    CHECK_TEXT(expected, hex);
}

TEST(md5_is_that_of_rfc_1321)
{
    check_md5("", "d41d8cd98f00b204e9800998ecf8427e");
    check_md5("a", "0cc175b9c0f1b6a831c399e269772661");
    check_md5("abc", "900150983cd24fb0d6963f7d28e17f72");
    check_md5("message digest", "f96b697d7cb7938d525a2f31aaf161d0");
    check_md5("abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b");
    check_md5("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", "d174ab98d277d9f5a5611c2c9f419d9f");
    check_md5("12345678901234567890123456789012345678901234567890123456789012345678901234567890", "57edf4a22be3c955ac49da2e2107b67a");
}

TEST(the_offset_map_keeps_the_newest_offset_and_says_when_it_is_full)
{
    struct offset_map map;
    char key[16];

    offset_map_init(&map, 100 * OFFSET_MAP_SLOT, 0.9, 1000);
    CHECK_INT(90, map.most);
    for (int i = 0; i < 90; i++) {
        snprintf(key, sizeof(key), "key%d", i);
        CHECK(offset_map_put(&map, bytes_text(key), i));
    }
    CHECK(!offset_map_put(&map, bytes_text("another"), 90));
    CHECK(!offset_map_put(&map, bytes_text("key3"), 91)); /* Kafka looks at the count first */
    CHECK_INT(89, map.latest_offset);
    for (int i = 0; i < 90; i++) {
        snprintf(key, sizeof(key), "key%d", i);
        CHECK_INT(i, offset_map_get(&map, bytes_text(key)));
    }
    CHECK_INT(-1, offset_map_get(&map, bytes_text("another")));
    offset_map_done(&map);
    offset_map_init(&map, 100 * OFFSET_MAP_SLOT, 1, 1000); /* to the last slot */
    for (int i = 0; i < 100; i++) {
        snprintf(key, sizeof(key), "key%d", i);
        CHECK(offset_map_put(&map, bytes_text(key), i));
    }
    CHECK_INT(57, offset_map_get(&map, bytes_text("key57")));
    CHECK_INT(-1, offset_map_get(&map, bytes_text("another")));
    offset_map_done(&map);
}

TEST(a_full_map_cleans_in_several_rounds)
{
    struct lab *lab = compacted_lab(RELEASE_43);
    char key[16];

    for (int i = 0; i < 60; i++) {
        snprintf(key, sizeof(key), "k%d", i % 20);
        lab_put(lab, key, "v");
        if (i % 10 == 9)
            roll(lab);
    }
    lab->limits.dedupe_bytes = 10 * OFFSET_MAP_SLOT;
    CHECK(lab_clean(lab) > 3);
    CHECK_INT(60, lab->cleaner_offset);
    CHECK_RECORDS(lab, "40:k0=v 41:k1=v 42:k2=v 43:k3=v 44:k4=v 45:k5=v 46:k6=v 47:k7=v 48:k8=v 49:k9=v "
                       "50:k10=v 51:k11=v 52:k12=v 53:k13=v 54:k14=v 55:k15=v 56:k16=v 57:k17=v 58:k18=v 59:k19=v");
    lab_free(lab);
}

/* ---- tombstones ---- */

TEST(a_tombstone_of_4_3_goes_at_its_delete_horizon)
{
    struct lab *lab = compacted_lab(RELEASE_43);
    int64_t horizon_ms;

    lab->config.delete_retention_ms = 5000;
    lab_put(lab, "a", "1");
    lab_put(lab, "a", NULL);
    roll(lab);
    lab_advance_ms(lab, 300);
    horizon_ms = lab_now_ms(lab) + 5000;
    CHECK_INT(1, lab_clean(lab));
    CHECK_INT(1, lab->cleaned.horizons_set);
    CHECK_RECORDS(lab, "1:a=");
    lab_put(lab, "b", "1");
    roll(lab);
    lab_advance_ms(lab, horizon_ms - 1 - lab_now_ms(lab));
    CHECK_INT(1, lab_clean(lab));
    CHECK_RECORDS(lab, "1:a= 2:b=1");
    lab_advance_ms(lab, 1);
    CHECK_INT(0, lab_clean(lab)); /* time alone does not clean it: the log isn't dirty */
    lab_put(lab, "c", "1");
    roll(lab);
    CHECK_INT(1, lab_clean(lab));
    CHECK_INT(1, lab->cleaned.tombstones_removed);
    CHECK_RECORDS(lab, "2:b=1 3:c=1");
    lab_free(lab);
}

TEST(a_tombstone_of_2_7_goes_by_the_age_of_its_file)
{
    struct lab *lab = compacted_lab(RELEASE_27);

    lab->config.delete_retention_ms = 5000;
    lab_put(lab, "a", NULL);
    roll(lab);
    CHECK_INT(1, lab_clean(lab));
    CHECK_RECORDS(lab, "0:a="); /* nothing lies below the dirty part: the horizon is 0 */
    lab_advance_ms(lab, 4999);
    lab_put(lab, "b", "1");
    roll(lab);
    CHECK_INT(1, lab_clean(lab)); /* compared with its own file: younger than itself less 5000 */
    CHECK_RECORDS(lab, "0:a= 1:b=1");
    lab_advance_ms(lab, 100000);
    lab_put(lab, "c", "1");
    roll(lab);
    CHECK_INT(1, lab_clean(lab)); /* the file before the dirty part has the mtime of b's, 4999 ms after a's; now they are one file, as old as c */
    CHECK_RECORDS(lab, "0:a= 1:b=1 2:c=1");
    lab->config.delete_retention_ms = 0;
    lab_put(lab, "d", "1");
    roll(lab);
    CHECK_INT(1, lab_clean(lab)); /* not younger than itself */
    CHECK_RECORDS(lab, "1:b=1 2:c=1 3:d=1");
    lab_free(lab);
}

/* ---- producers and transactions ---- */

TEST(the_last_batch_of_a_producer_stays_as_an_empty_one)
{
    for (int r = 0; r < 2; r++) {
        struct lab *lab = compacted_lab(releases[r]);
        struct log_appended out;

        lab->config.cleanup_compact = false;
        OK(lab_produce(lab, 7, 0, 0, 2, &out)); /* without keys: all of it goes */
        OK(lab_produce(lab, 7, 0, 2, 3, &out));
        lab->config.cleanup_compact = true;
        roll(lab);
        lab_put(lab, "a", "1");
        roll(lab);
        CHECK_INT(1, lab_clean(lab));
        CHECK_RECORDS(lab, "(2..4) 5:a=1");
        CHECK_INT(1, lab->cleaned.batches_emptied);
        lab_kill(lab);
        lab->how.recovery_point = 0;
        lab->config.cleanup_compact = false;
        lab_open(lab);
        OK(lab_produce(lab, 7, 0, 2, 3, &out));
        CHECK(out.duplicate);
        CHECK_INT(2, out.base_offset);
        OK(lab_produce(lab, 7, 0, 5, 1, &out));
        CHECK(!out.duplicate);
        lab_free(lab);
    }
}

TEST(the_end_of_the_round_stays_in_4_3)
{
    for (int r = 0; r < 2; r++) {
        struct lab *lab = compacted_lab(releases[r]);

        lab->config.delete_retention_ms = 0;
        lab_put(lab, "a", "1");
        lab->config.cleanup_compact = false;
        lab_append(lab, 1); /* without a key */
        lab->config.cleanup_compact = true;
        roll(lab);
        CHECK_INT(1, lab_clean(lab));
        CHECK_RECORDS(lab, r ? "0:a=1 (1..1)" : "0:a=1");
        lab_free(lab);
    }
}

/* ---- what happens meanwhile ---- */

static struct cleaning *begin(struct lab *lab)
{
    struct compaction_decision decision = decide(lab);

    CHECK(decision.cleans);
    return cleaning_begin(lab->log, &decision, &lab->limits);
}

TEST(who_walks_through_a_log_goes_on_after_a_compaction)
{
    struct lab *lab = compacted_lab(RELEASE_43);
    struct log_cursor cursor;
    struct batch batch;
    int64_t next[] = { 2, 3, 4 };

    lab_put(lab, "a", "1");
    lab_put(lab, "a", "a longer value than the others have");
    lab_put(lab, "a", "3");
    lab_put(lab, "b", "1");
    roll(lab);
    lab_put(lab, "c", "1");
    log_cursor_init(&cursor, lab->log, 0, false);
    CHECK(log_cursor_next(&cursor, &batch));
    CHECK_INT(0, batch.base_offset);
    CHECK_INT(1, lab_clean(lab));
    for (int i = 0; i < 3; i++) {
        CHECK(log_cursor_next(&cursor, &batch));
        CHECK_INT(next[i], batch.base_offset);
        CHECK(batch_crc_right(&batch));
    }
    CHECK(!log_cursor_next(&cursor, &batch));
    log_cursor_done(&cursor);
    lab_free(lab);
}

TEST(a_log_grows_while_it_is_cleaned)
{
    struct lab *lab = compacted_lab(RELEASE_43);
    struct cleaning *cleaning;
    enum cleaning_state now;
    char key[16];
    int steps = 0;

    for (int i = 0; i < 30; i++) {
        snprintf(key, sizeof(key), "k%d", i % 3);
        lab_put(lab, key, "v");
        if (i % 5 == 4)
            roll(lab);
    }
    cleaning = begin(lab);
    while ((now = cleaning_step(cleaning, 1, NULL)) == CLEANING_GOES_ON) {
        lab_put(lab, "new", "v");
        if (steps++ % 7 == 0)
            roll(lab);
    }
    CHECK_INT(CLEANING_DONE, now);
    CHECK_INT(30, cleaning_result(cleaning)->end_offset);
    CHECK(steps > 60);
    cleaning_end(cleaning, true);
    CHECK_INT(30 + steps, log_end_offset(lab->log));
    lab->cleaner_offset = 30;
    roll(lab);
    CHECK_INT(1, lab_clean(lab));
    snprintf(key, sizeof(key), "%d", 29 + steps);
    {
        char *expected = mem_printf("27:k0=v 28:k1=v 29:k2=v %s:new=v", key);

        CHECK_RECORDS(lab, expected);
        mem_free(expected);
    }
    lab_free(lab);
}

TEST(truncation_and_retention_end_a_cleaning)
{
    for (int what = 0; what < 3; what++) {
        struct lab *lab = compacted_lab(RELEASE_43);
        struct cleaning *cleaning;

        for (int i = 0; i < 6; i++) {
            lab_put(lab, "a", "v");
            lab_put(lab, "b", "v");
            roll(lab);
        }
        cleaning = begin(lab);
        do
            CHECK_INT(CLEANING_GOES_ON, cleaning_step(cleaning, 1, NULL));
        while (!fs_exists(lab->fs, "logs/students-0/00000000000000000000.log.cleaned"));
        if (what == 0)
            OK(log_truncate_to(lab->log, 5, lab_now_ms(lab), NULL));
        else if (what == 1)
            OK(log_truncate_fully(lab->log, 100, lab_now_ms(lab), NULL));
        else {
            log_raise_start_offset(lab->log, 4);
            CHECK_INT(2, lab_check(lab));
        }
        CHECK_INT(CLEANING_STOPPED, cleaning_step(cleaning, 1, NULL));
        cleaning_end(cleaning, true);
        CHECK_FILES(lab, "*.cleaned", "");
        CHECK_RECORDS(lab, what == 0 ? "0:a=v 1:b=v 2:a=v 3:b=v 4:a=v" : what == 1 ? "" : "4:a=v 5:b=v 6:a=v 7:b=v 8:a=v 9:b=v 10:a=v 11:b=v");
        lab_free(lab);
    }
}

TEST(a_damaged_batch_fails_the_cleaning_and_costs_nothing)
{
    struct lab *lab = compacted_lab(RELEASE_43);
    struct reason reason = { "" };
    struct cleaning *cleaning;
    enum cleaning_state now;
    char *path = mem_printf("%s/00000000000000000000.log", lab->how.dir);
    struct file *file;
    uint8_t bad = 9;

    lab_put(lab, "a", "1");
    lab_put(lab, "a", "2");
    lab_put(lab, "b", "1");
    roll(lab);
    OK(fs_open(lab->fs, path, FILE_READ | FILE_WRITE, &file, NULL));
    OK(file_write(file, &bad, 1, 70 + 16, NULL)); /* magic of the second */
    file_close(file);
    cleaning = begin(lab);
    while ((now = cleaning_step(cleaning, 1, &reason)) == CLEANING_GOES_ON)
        ;
    CHECK_INT(CLEANING_FAILED, now);
    CHECK_TEXT("Invalid magic found in record: 9", reason.text);
    cleaning_end(cleaning, true);
    CHECK_FILES(lab, "*.log*", "0.log 210, 3.log 0");
    mem_free(path);
    lab_free(lab);
}

/* ---- a crash at every change of the disk ---- */

static struct {
    const struct fs_kind *real;
    struct fs_kind broken;
    int left;
} disk;

static bool fails(void)
{
    return disk.left-- <= 0;
}
static int broken_open(struct fs *fs, const char *path, int flags, struct file **out)
{
    return flags & FILE_CREATE && !tree_find(fs, path) && fails() ? EIO : disk.real->open(fs, path, flags, out);
}
static int broken_write(struct file *file, const void *data, size_t size, int64_t position)
{
    return fails() ? EIO : disk.real->write(file, data, size, position);
}
static int broken_truncate(struct file *file, int64_t size)
{
    return fails() ? EIO : disk.real->truncate(file, size);
}
static int broken_rename(struct fs *fs, const char *from, const char *to)
{
    return fails() ? EIO : disk.real->rename(fs, from, to);
}
static int broken_unlink(struct fs *fs, const char *path)
{
    return fails() ? EIO : disk.real->unlink(fs, path);
}

/* From the change after `left` more on nothing reaches the disk. */
static void break_disk(struct fs *fs, int left)
{
    disk.real = fs->kind;
    disk.broken = *fs->kind;
    disk.broken.open = broken_open;
    disk.broken.write = broken_write;
    disk.broken.truncate = broken_truncate;
    disk.broken.rename = broken_rename;
    disk.broken.unlink = broken_unlink;
    disk.left = left;
    fs->kind = &disk.broken;
}

static void mend_disk(struct fs *fs)
{
    fs->kind = disk.real;
}

static void fill_for_a_crash(struct lab *lab)
{
    char key[16];

    lab->config.index_interval_bytes = 100;
    lab->config.segment_bytes = 800; /* several groups */
    for (int i = 0; i < 40; i++) {
        snprintf(key, sizeof(key), "k%d", i % 6);
        lab_put(lab, key, i % 11 == 5 ? NULL : "value");
        if (i % 4 == 3)
            roll(lab);
    }
}

TEST(a_crash_at_any_change_of_the_disk_loses_and_raises_nothing)
{
    for (int r = 0; r < 2; r++) {
        int at = 0;
        bool whole = false;
        struct lab *sound = compacted_lab(releases[r]);
        char *expected;

        fill_for_a_crash(sound);
        CHECK_INT(1, lab_clean(sound));
        expected = lab_records(sound);
        for (at = 0; !whole; at++) {
            struct lab *lab = compacted_lab(releases[r]);
            struct cleaning *cleaning;
            enum cleaning_state now;
            char *got;

            fill_for_a_crash(lab);
            cleaning = begin(lab);
            break_disk(lab->fs, at);
            while ((now = cleaning_step(cleaning, 64, NULL)) == CLEANING_GOES_ON)
                ;
            whole = now == CLEANING_DONE && disk.left >= 0;
            CHECK(whole || now == CLEANING_FAILED || disk.left < 0);
            cleaning_end(cleaning, false);
            lab_kill(lab);
            mend_disk(lab->fs);
            lab->how.recovery_point = 40;
            lab_open(lab);
            CHECK_INT(40, log_end_offset(lab->log));
            log_set_high_watermark(lab->log, 40);
            CHECK_FILES(lab, "*.cleaned", "");
            CHECK_FILES(lab, "*.swap", "");
            lab_clean(lab);
            got = lab_records(lab);
            CHECK_TEXT(expected, got);
            mem_free(got);
            lab_free(lab);
        }
        CHECK(at > 40);
        mem_free(expected);
        lab_free(sound);
    }
}

/* ---- random histories ---- */

enum { MODEL_KEYS = 12, MODEL_PRODUCERS = 3 };
struct model {
    int64_t offset[MODEL_KEYS];          /* of the newest record of each key; -1: none */
    bool tombstone[MODEL_KEYS];
    int32_t sequences[MODEL_PRODUCERS];
};

static void put_some(struct lab *lab, struct model *model, struct random *random)
{
    struct batch_builder builder = { 0 };
    struct log_appended out;
    struct bytes records;
    int count = 1 + (int)random_below(random, 6), producer = (int)random_below(random, MODEL_PRODUCERS + 1) - 1;
    int keys[6];
    bool tombstones[6];

    batch_builder_init(&builder, (int)random_below(random, CODECS));
    if (producer >= 0) {
        builder.producer_id = producer;
        builder.producer_epoch = 0;
        builder.base_sequence = model->sequences[producer];
        model->sequences[producer] += count;
    }
    for (int i = 0; i < count; i++) {
        char key[16], value[40];

        keys[i] = (int)random_below(random, MODEL_KEYS);
        tombstones[i] = !random_below(random, 5);
        snprintf(key, sizeof(key), "key-%d", keys[i]);
        snprintf(value, sizeof(value), "%lld", (long long)log_end_offset(lab->log) + i);
        batch_builder_add(&builder, lab_now_ms(lab), bytes_text(key), bytes_text(tombstones[i] ? NULL : value), NULL, 0);
    }
    OK(batch_builder_finish(&builder, &records, NULL));
    OK(lab_send(lab, records, APPEND_CLIENT, &out));
    CHECK(!out.duplicate);
    for (int i = 0; i < count; i++) {
        model->offset[keys[i]] = out.base_offset + i;
        model->tombstone[keys[i]] = tombstones[i];
    }
    batch_builder_done(&builder);
}

/* The newest record of each key is there, with its own value, unless it is a tombstone, which may have gone. Below the checkpoint no key is there twice. */
static void check_model(struct lab *lab, const struct model *model)
{
    struct log_cursor cursor;
    struct batch batch;
    int64_t last = -1, seen[MODEL_KEYS];
    int below[MODEL_KEYS] = { 0 };

    for (int k = 0; k < MODEL_KEYS; k++)
        seen[k] = -1;
    log_cursor_init(&cursor, lab->log, 0, false);
    while (log_cursor_next(&cursor, &batch)) {
        struct record_iterator it;
        struct record record;

        CHECK(batch.base_offset > last && batch_crc_right(&batch));
        records_begin(&it, &batch);
        while (records_next(&it, &record)) {
            int key = atoi((const char *)record.key.data + 4);
            char value[40];

            CHECK(record.offset > last && record.offset <= batch.last_offset);
            snprintf(value, sizeof(value), "%lld", (long long)record.offset);
            CHECK(!record.value.data || bytes_equal(record.value, bytes_text(value)));
            seen[key] = record.offset;
            below[key] += record.offset < lab->cleaner_offset;
            last = record.offset;
        }
        CHECK_INT(ERR_OK, it.err);
        records_done(&it);
        last = batch.last_offset;
    }
    log_cursor_done(&cursor);
    for (int k = 0; k < MODEL_KEYS; k++) {
        CHECK(seen[k] == model->offset[k] || (model->tombstone[k] && seen[k] < 0));
        CHECK(below[k] <= 1);
    }
}

static void play(enum release release, uint64_t seed)
{
    struct lab *lab = compacted_lab(release);
    struct model model = { 0 };
    struct random random;

    random_init(&random, seed);
    lab->config.segment_bytes = 400 + (int32_t)random_below(&random, 3000);
    lab->config.index_interval_bytes = (int32_t)random_below(&random, 500);
    lab->config.delete_retention_ms = (int64_t)random_below(&random, 3) * 400;
    lab->limits.io_bytes = 1 + (int32_t)random_below(&random, 2000);
    lab->limits.dedupe_bytes = (4 + (int64_t)random_below(&random, 20)) * OFFSET_MAP_SLOT;
    lab->clean_slice_bytes = 1 + (int64_t)random_below(&random, 1000);
    for (int k = 0; k < MODEL_KEYS; k++)
        model.offset[k] = -1;
    for (int step = 0; step < 150; step++) {
        switch (random_below(&random, 12)) {
        case 0:
            lab_clean(lab);
            check_model(lab, &model);
            break;
        case 1:
            if (random_below(&random, 2))
                lab_close(lab);
            else
                lab_kill(lab);
            lab_open(lab);
            log_set_high_watermark(lab->log, log_end_offset(lab->log));
            check_model(lab, &model);
            break;
        case 2:
            log_unlink_due(lab->log, lab_now_ms(lab), SIZE_MAX);
            lab_advance_ms(lab, 30000);
            break;
        default:
            put_some(lab, &model, &random);
            lab_advance_ms(lab, (int64_t)random_below(&random, 200));
        }
    }
    lab_clean(lab);
    check_model(lab, &model);
    lab_free(lab);
}

TEST(random_compacted_logs_keep_the_newest_of_each_key)
{
    for (uint64_t seed = 1; seed <= 40; seed++) {
        print_message("seed %llu\n", (unsigned long long)seed);
        play(RELEASE_27, seed);
        play(RELEASE_43, seed);
    }
}
