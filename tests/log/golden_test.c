/* The folders that real brokers left: built again byte for byte from their batches, opened, recovered. */
#include "tests/log/golden.h"

#include <stdio.h>
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
    static const char *const names[] = { "empty", "plain", "idempotent", "keys-headers-nulls", "gzip", "snappy", "lz4", "zstd", "transactional",
                                         "consumer-offsets", "transaction-state" };

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

/* ---- compaction ---- */

enum { COMPACTED_RECORDS = 19 };
struct scene_record { int64_t at_ms; char key[8], value[32]; };

/* "   0.25 s  offset 0: a=a0" of the timeline that the folder is the end of. */
static int64_t scene_read(const char *release, struct scene_record records[COMPACTED_RECORDS])
{
    char *path = mem_printf("timelines/compaction-%s.txt", release), *save = NULL;
    size_t size;
    char *text = (char *)golden_read(path, &size);
    int64_t end_ms = -1;
    int count = 0;

    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        struct scene_record record;
        double at;
        int offset;

        if (sscanf(line, "%lf s  offset %d: %7[^=]=%31[^\n]", &at, &offset, record.key, record.value) == 4) {
            CHECK_INT(count, offset);
            record.at_ms = (int64_t)(at * 1000);
            records[count++] = record;
        } else if (strstr(line, " s  clean shutdown")) {
            end_ms = (int64_t)(strtod(line, NULL) * 1000);
        }
    }
    CHECK_INT(COMPACTED_RECORDS, count);
    free(text);
    mem_free(path);
    return end_ms;
}

/* The timestamp of a record that is still there; -1: it was cleaned away. */
static int64_t golden_timestamp(const struct golden *golden, int64_t offset)
{
    int64_t found = -1;

    for (size_t i = 0; i < golden->count && found < 0; i++) {
        size_t size, at = 0;
        uint8_t *data;

        if (!text_ends(golden->names[i], ".log"))
            continue;
        data = golden_file(golden, golden->names[i], &size);
        while (at < size) {
            struct batch batch;

            OK(batch_decode((struct bytes){ data + at, size - at }, &batch, NULL, NULL));
            if (batch.base_offset == offset)
                found = batch.max_timestamp_ms;
            at += (size_t)batch.size_bytes;
        }
        free(data);
    }
    return found;
}

static void look_until(struct lab *lab, int64_t at_ms)
{
    while (lab_now_ms(lab) + 1000 <= at_ms) {
        lab_advance_ms(lab, 1000);
        lab_clean(lab);
        log_unlink_due(lab->log, lab_now_ms(lab), SIZE_MAX);
    }
    if (lab_now_ms(lab) < at_ms)
        lab_advance_ms(lab, at_ms - lab_now_ms(lab));
}

TEST(the_golden_compacted_folder_is_rebuilt_byte_for_byte)
{
    for (int r = 0; r < 2; r++) {
        struct scene_record records[COMPACTED_RECORDS];
        struct golden golden;
        struct lab *lab;
        int64_t end_ms = scene_read(r ? "4.3.0" : "2.7.0", records), zero_ms;

        golden_open(&golden, r ? "4.3.0-compacted" : "2.7.0-compacted");
        zero_ms = golden_timestamp(&golden, 9) - records[9].at_ms;
        lab = golden_lab_at(&golden, zero_ms);
        lab->config.cleanup_delete = false;
        lab->config.cleanup_compact = true;
        lab->config.min_cleanable_dirty_ratio = 0.01;
        lab->config.segment_ms = 2000;
        lab->config.delete_retention_ms = 3000;
        lab->config.file_delete_delay_ms = 5000;
        lab_open(lab);
        OK(log_begin_epoch(lab->log, 0, NULL));
        for (int i = 0; i < COMPACTED_RECORDS; i++) {
            int64_t timestamp_ms = golden_timestamp(&golden, i);

            if (timestamp_ms < 0)
                timestamp_ms = zero_ms + records[i].at_ms;
            look_until(lab, timestamp_ms);
            CHECK_INT(i, lab_put_at(lab, records[i].key, strcmp(records[i].value, "None") ? records[i].value : NULL, timestamp_ms));
        }
        look_until(lab, zero_ms + end_ms);
        CHECK_INT(18, lab->cleaner_offset);
        lab_close(lab);
        golden_compare(&golden, lab, NULL);
        lab_free(lab);
        golden_done(&golden);
    }
}

/* The only batch of the folder's only segment. */
static uint8_t *only_batch(const struct golden *golden, struct batch *out)
{
    size_t size;
    uint8_t *data = golden_file(golden, "00000000000000000000.log", &size);

    OK(batch_decode((struct bytes){ data, size }, out, NULL, NULL));
    CHECK_INT(size, out->size_bytes);
    return data;
}

/* A producer that knows the records sends them plain, at the moment at which the broker stamped or packed them. */
static void rebuild_changed(const char *name, bool log_append_time, int codec)
{
    struct batch_builder builder = { 0 };
    struct golden golden;
    struct log_appended out;
    struct batch batch;
    uint8_t *data;
    struct lab *lab;

    golden_open(&golden, name);
    data = only_batch(&golden, &batch);
    lab = golden_lab_at(&golden, log_append_time ? batch.max_timestamp_ms : 1795419817000);
    lab->config.log_append_time = log_append_time;
    lab->config.codec = codec;
    lab_open(lab);
    OK(log_begin_epoch(lab->log, 0, NULL));
    OK(lab_send(lab, golden_as_sent(&builder, &batch, CODEC_NONE), APPEND_CLIENT, &out));
    CHECK_INT(log_append_time ? batch.max_timestamp_ms : -1, out.log_append_time_ms);
    lab_close(lab);
    golden_compare(&golden, lab, NULL);
    batch_builder_done(&builder);
    free(data);
    lab_free(lab);
    golden_done(&golden);
}

TEST(the_golden_folders_that_a_broker_stamped_or_packed_are_rebuilt)
{
    rebuild_changed("2.7.0-log-append-time", true, CODEC_PRODUCER);
    rebuild_changed("4.3.0-log-append-time", true, CODEC_PRODUCER);
    rebuild_changed("2.7.0-broker-gzip", false, CODEC_GZIP);
    rebuild_changed("4.3.0-broker-gzip", false, CODEC_GZIP);
}

/* kafka-python sent three records, then three more: batches of magic 2 that the broker wrote in the topic's old format. */
TEST(the_golden_folders_of_old_formats_are_rebuilt_from_new_batches)
{
    for (int8_t magic = 0; magic < 2; magic++) {
        struct golden golden;
        struct lab *lab;

        golden_open(&golden, magic ? "2.7.0-magic-1" : "2.7.0-magic-0");
        lab = golden_lab_at(&golden, 1795419817000);
        lab->config.magic = magic;
        lab_open(lab);
        for (int b = 0; b < 2; b++) {
            struct batch_builder builder = { 0 };
            struct log_appended out;
            struct bytes made;

            batch_builder_init(&builder, CODEC_NONE);
            for (int i = 0; i < 3; i++) {
                char key[8] = { 'k', (char)('0' + i) }, value[8] = { 'v', (char)('0' + i) };

                batch_builder_add(&builder, 1600000000000 + 10 * b + i, bytes_text(key), bytes_text(value), NULL, 0);
            }
            OK(batch_builder_finish(&builder, &made, NULL));
            OK(lab_send(lab, made, APPEND_CLIENT, &out));
            CHECK_INT(3 * b, out.base_offset);
            batch_builder_done(&builder);
        }
        lab_close(lab);
        golden_compare(&golden, lab, NULL);
        lab_free(lab);
        golden_done(&golden);
    }
}

/* Kafka's and kafka-python's encoders against ours: what they sent uncompressed is what ours makes of the records; what they compressed
 * has the same content. */
TEST(our_encoder_writes_what_theirs_wrote)
{
    char *names[MOST_GOLDEN_FILES];
    size_t count = golden_names(names);
    int whole = 0, packed = 0;

    for (size_t i = 0; i < count; i++) {
        struct golden golden;

        golden_open(&golden, names[i]);
        for (size_t f = 0; f < golden.count; f++) {
            size_t size, at = 0;
            uint8_t *data;

            if (!text_ends(golden.names[f], ".log") || strstr(names[i], "magic") || strstr(names[i], "metadata") || strstr(names[i], "compacted"))
                continue;
            data = golden_file(&golden, golden.names[f], &size);
            while (at < size) {
                struct batch_builder builder = { 0 };
                struct batch batch;
                struct bytes made;

                OK(batch_decode((struct bytes){ data + at, size - at }, &batch, NULL, NULL));
                at += (size_t)batch.size_bytes;
                made = golden_as_sent(&builder, &batch, batch_codec(&batch));
                batch_set_offset((uint8_t *)batch.bytes.data, 0, -1);
                if (batch_log_append_time(&batch)) {
                    batch_set_max_timestamp((uint8_t *)made.data, true, batch.max_timestamp_ms);
                } else if (batch_codec(&batch)) {
                    packed++;
                    CHECK(batch.size_bytes > 61 && made.size > 61 && !memcmp(made.data + 23, batch.bytes.data + 23, 61 - 23));
                    batch_builder_done(&builder);
                    continue;
                }
                whole++;
                if (!bytes_equal(made, batch.bytes))
                    print_error("%s/%s: batch before %zu differs\n", golden.dir, golden.names[f], at);
                CHECK(bytes_equal(made, batch.bytes));
                batch_builder_done(&builder);
            }
            free(data);
        }
        golden_done(&golden);
        mem_free(names[i]);
    }
    CHECK(whole > 100);
    CHECK(packed >= 8);
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
