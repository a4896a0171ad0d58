/* Every byte of a small log and its indexes changed, and every file cut at every length, in turn: the log opens, what lies below the damage is served, what
 * is served is what was written, and a word in the journal or the answer tells of the rest. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/log/lab.h"

enum { BATCHES = 24, RECORDS_A_BATCH = 2, RECORDS = BATCHES * RECORDS_A_BATCH, MOST_FILES = 32, MOST_BYTES = 4096 };
enum { UNPROTECTED_BYTES = 17 }; /* of a batch: base offset, length, leader epoch, magic lie outside the CRC, in Kafka's format */

struct saved { char *name; uint8_t bytes[MOST_BYTES]; size_t size; };
struct scene {
    struct lab *lab;
    struct saved files[MOST_FILES];
    size_t count;
    int64_t batch_offset[BATCHES]; /* where each batch lies: its segment, and its place in that */
    int64_t batch_segment[BATCHES], batch_position[BATCHES];
};

static void value_of(int64_t offset, char out[32])
{
    snprintf(out, 32, "value number %lld", (long long)offset);
}

static void save(struct scene *scene)
{
    struct fs_names names;

    OK(fs_list(scene->lab->fs, scene->lab->how.dir, &names, NULL));
    for (size_t i = 0; i < names.count; i++) {
        struct saved *saved = &scene->files[scene->count++];
        struct buffer bytes = { 0 };
        char *path = mem_printf("%s/%s", scene->lab->how.dir, names.names[i]);

        CHECK(scene->count <= MOST_FILES);
        OK(fs_read_all(scene->lab->fs, path, MOST_BYTES, &bytes, NULL));
        saved->name = mem_text(names.names[i]);
        saved->size = bytes.size;
        if (bytes.size)
            memcpy(saved->bytes, bytes.data, bytes.size);
        buffer_done(&bytes);
        mem_free(path);
    }
    fs_names_free(&names);
}

/* The folder as it was, but `file` with other bytes. */
static void restore(struct scene *scene, const struct saved *file, const uint8_t *bytes, size_t size)
{
    struct fs *fs = scene->lab->fs;

    OK(fs_remove_tree(fs, scene->lab->how.dir, NULL));
    OK(fs_mkdir(fs, scene->lab->how.dir, NULL));
    for (size_t i = 0; i < scene->count; i++) {
        const struct saved *saved = &scene->files[i];
        char *path = mem_printf("%s/%s", scene->lab->how.dir, saved->name);
        struct file *out;

        OK(fs_open(fs, path, FILE_WRITE | FILE_CREATE, &out, NULL));
        OK(saved == file ? file_append(out, bytes, size, NULL) : file_append(out, saved->bytes, saved->size, NULL));
        file_close(out);
        mem_free(path);
    }
}

static void scene_begin(struct scene *scene, enum release release)
{
    struct log_cursor cursor;
    struct batch batch;
    struct lab *lab = lab_new(release);

    *scene = (struct scene){ .lab = lab };
    lab->config.segment_bytes = 900;
    lab->config.index_interval_bytes = 150;
    lab->config.segment_index_bytes = 240;
    lab_open(lab);
    OK(log_begin_epoch(lab->log, 0, NULL));
    for (int b = 0; b < BATCHES; b++) {
        struct batch_builder builder = { 0 };
        struct log_appended out;
        struct bytes records;

        batch_builder_init(&builder, CODEC_NONE);
        for (int i = 0; i < RECORDS_A_BATCH; i++) {
            char value[32];

            value_of(b * RECORDS_A_BATCH + i, value);
            batch_builder_add(&builder, lab_now_ms(lab), (struct bytes){ 0 }, bytes_text(value), NULL, 0);
        }
        if (b % 3 == 0) {
            builder.producer_id = 7;
            builder.producer_epoch = 0;
            builder.base_sequence = b / 3 * RECORDS_A_BATCH;
        }
        OK(batch_builder_finish(&builder, &records, NULL));
        OK(lab_send(lab, records, APPEND_CLIENT, &out));
        batch_builder_done(&builder);
        lab_advance_ms(lab, 10);
    }
    log_cursor_init(&cursor, lab->log, 0, true);
    for (int b = 0; b < BATCHES; b++) {
        CHECK(log_cursor_next(&cursor, &batch));
        scene->batch_offset[b] = batch.base_offset;
        scene->batch_segment[b] = cursor.segment_base;
        scene->batch_position[b] = cursor.position;
    }
    log_cursor_done(&cursor);
    lab_close(lab);
    save(scene);
}

static void scene_end(struct scene *scene)
{
    for (size_t i = 0; i < scene->count; i++)
        mem_free(scene->files[i].name);
    lab_free(scene->lab);
}

static bool right_record(const struct record *record, bool offsets)
{
    char value[32];
    long long number;
    char text[64];

    snprintf(text, sizeof(text), "%.*s", (int)(record->value.size < 63 ? record->value.size : 63), (const char *)record->value.data);
    value_of(record->offset, value);
    return offsets ? !strcmp(text, value) : sscanf(text, "value number %lld", &number) == 1 && number >= 0 && number < RECORDS;
}

/* Reads as a consumer does, who tests each CRC, from `from` on; gives the offset at which it ends: where it is refused, meets a wrong CRC, or the end. `offsets`:
 * each record's offset must be its own too, and none may be missing in between. */
static int64_t consume(struct lab *lab, int64_t from, bool offsets, bool *refused)
{
    int64_t offset = from, end = log_end_offset(lab->log);
    uint8_t piece[8192];

    *refused = false;
    while (offset < end) {
        struct log_slice slice;
        size_t at = 0;
        int64_t before = offset;
        struct batch batch;
        enum err decoded, err = log_read(lab->log, offset, sizeof(piece), end, true, &slice, NULL);

        if (err) {
            CHECK_INT(ERR_CORRUPT_MESSAGE, err);
            *refused = true;
            return offset;
        }
        if (!slice.file)
            return offset;
        OK(file_read(slice.file, piece, (size_t)slice.size, slice.position, NULL));
        file_unpin(slice.file);
        while (!(decoded = batch_decode((struct bytes){ piece + at, (size_t)slice.size - at }, &batch, NULL, NULL))) {
            struct record_iterator it;
            struct record record;

            if (!batch_crc_right(&batch)) {
                *refused = true;
                return offset;
            }
            at += (size_t)batch.size_bytes;
            if (offsets && batch.base_offset > offset)
                return offset;
            if (batch.last_offset < offset)
                continue;
            records_begin(&it, &batch);
            while (records_next(&it, &record))
                CHECK(right_record(&record, offsets));
            CHECK_INT(ERR_OK, it.err);
            records_done(&it);
            offset = batch.last_offset + 1;
        }
        *refused = decoded == ERR_CORRUPT_MESSAGE; /* a header that makes no sense */
        if (*refused || offset == before)
            break;
    }
    return offset;
}

/* The first offset that the damage may take away; RECORDS: none. `offsets`: whether offsets can be trusted. */
static int64_t first_hurt(const struct scene *scene, const struct saved *file, size_t at, bool cut, bool *offsets)
{
    size_t length = strlen(file->name);

    *offsets = true;
    if (strcmp(file->name + length - 4, ".log"))
        return RECORDS;
    for (int b = BATCHES; b-- > 0;) {
        if (scene->batch_segment[b] != atoll(file->name) || scene->batch_position[b] > (int64_t)at)
            continue;
        *offsets = cut || (int64_t)at - scene->batch_position[b] >= UNPROTECTED_BYTES;
        return scene->batch_offset[b];
    }
    return 0;
}

static void try_damage(struct scene *scene, const struct saved *file, const uint8_t *bytes, size_t size, size_t at, bool clean)
{
    struct lab *lab = scene->lab;
    bool cut = size < file->size, offsets, refused;
    int64_t hurt = first_hurt(scene, file, at, cut, &offsets), reached, begin;
    uint64_t said = journal_last(lab->env.journal);
    struct log_appended out;
    struct reason reason = { "" };

    restore(scene, file, bytes, size);
    lab->how.clean = clean;
    lab->how.recovery_point = clean ? RECORDS : 0;
    lab->how.log_start_offset = 0;
    lab->how.high_watermark = RECORDS;
    lab->how.now_ms = lab_now_ms(lab);
    if (log_open(&lab->log, &lab->env, &lab->how, &reason)) {
        print_error("%s, byte %zu, %s: %s\n", file->name, at, clean ? "clean" : "unclean", reason.text);
        fail();
    }
    begin = log_start_offset(lab->log);
    CHECK(begin == 0 || !offsets);
    reached = consume(lab, begin, offsets, &refused);
    if (offsets && reached < hurt) {
        print_error("%s, byte %zu of %zu (%s, %s): read up to %lld, hurt is %lld\n", file->name, at, file->size, cut ? "cut" : "changed", clean ? "clean" : "unclean",
                    (long long)reached, (long long)hurt);
        fail();
    }
    if (offsets && reached < RECORDS && !refused && journal_last(lab->env.journal) == said) {
        print_error("%s, byte %zu of %zu (%s, %s): ends at %lld and nobody said so\n", file->name, at, file->size, cut ? "cut" : "changed",
                    clean ? "clean" : "unclean", (long long)reached);
        fail();
    }
    for (int64_t from = 0; offsets && from < reached; from += 5)
        CHECK_INT(reached, consume(lab, from, true, &refused));
    /* and it goes on: what is written now is read now */
    if (!lab_try(lab, lab_now_ms(lab), 90, &out)) {
        struct log_slice slice;

        OK(log_read(lab->log, out.base_offset, 1000, log_end_offset(lab->log), true, &slice, NULL));
        CHECK(slice.file != NULL);
        CHECK_INT(90, slice.size);
        file_unpin(slice.file);
    } else {
        CHECK(!offsets);
    }
    log_close(lab->log, lab_now_ms(lab));
    lab->log = NULL;
}

static void damage_everything(enum release release)
{
    struct scene scene;

    scene_begin(&scene, release);
    for (size_t f = 0; f < scene.count; f++) {
        struct saved *file = &scene.files[f];

        for (size_t at = 0; at < file->size; at++) {
            static const uint8_t changes[] = { 0x01, 0x80, 0xff };
            uint8_t bytes[MOST_BYTES];

            memcpy(bytes, file->bytes, file->size);
            for (size_t c = 0; c < sizeof(changes); c++) {
                bytes[at] = file->bytes[at] ^ changes[c];
                try_damage(&scene, file, bytes, file->size, at, true);
                try_damage(&scene, file, bytes, file->size, at, false);
            }
            try_damage(&scene, file, file->bytes, at, at, true);
            try_damage(&scene, file, file->bytes, at, at, false);
        }
    }
    scene_end(&scene);
}

/* ---- the transaction index ---- */

static void send_transactional(struct lab *lab, int64_t producer_id, int32_t sequence)
{
    struct batch_builder builder = { 0 };
    struct log_appended out;
    struct bytes records;

    batch_builder_init(&builder, CODEC_NONE);
    builder.attributes |= ATTRIBUTE_TRANSACTIONAL;
    builder.producer_id = producer_id;
    builder.producer_epoch = 0;
    builder.base_sequence = sequence;
    batch_builder_add(&builder, lab_now_ms(lab), (struct bytes){ 0 }, bytes_text("in a transaction"), NULL, 0);
    OK(batch_builder_finish(&builder, &records, NULL));
    OK(lab_send(lab, records, APPEND_COORDINATOR, &out));
    batch_builder_done(&builder);
}

static void send_marker(struct lab *lab, int64_t producer_id, bool commit)
{
    uint8_t key[4] = { 0, 0, 0, commit }, value[6] = { 0 };
    struct batch_builder builder = { 0 };
    struct log_appended out;
    struct bytes records;

    batch_builder_init(&builder, CODEC_NONE);
    builder.attributes |= ATTRIBUTE_TRANSACTIONAL | ATTRIBUTE_CONTROL;
    builder.producer_id = producer_id;
    builder.producer_epoch = 0;
    batch_builder_add(&builder, lab_now_ms(lab), (struct bytes){ key, sizeof(key) }, (struct bytes){ value, sizeof(value) }, NULL, 0);
    OK(batch_builder_finish(&builder, &records, NULL));
    OK(lab_send(lab, records, APPEND_COORDINATOR, &out));
    batch_builder_done(&builder);
}

/* Producers 1, 2, 3 write in turns, over two segments; 1 and 3 abort, 2 commits, 1 aborts once more. Each byte of each .txnindex is changed, and each is cut within
 * an entry: what a read_committed consumer is told stays right. */
TEST(a_damaged_transaction_index_never_shows_what_was_aborted)
{
    struct lab *lab = lab_new(RELEASE_43);
    struct scene scene = { .lab = lab };
    struct aborted expected[8], found[8];
    size_t count, files = 0;

    lab->config.segment_bytes = 560;
    lab->config.segment_index_bytes = 240;
    lab_open(lab);
    for (int round = 0; round < 3; round++) {
        for (int64_t id = 1; id <= 3; id++)
            send_transactional(lab, id, round);
        send_marker(lab, 1, false);
        send_marker(lab, 2, true);
        send_marker(lab, 3, round == 1);
    }
    count = log_aborted(lab->log, 0, log_end_offset(lab->log), expected, 8);
    CHECK_INT(5, count);
    lab_close(lab);
    save(&scene);
    for (size_t f = 0; f < scene.count; f++) {
        struct saved *file = &scene.files[f];
        uint8_t bytes[MOST_BYTES];

        if (!strstr(file->name, ".txnindex"))
            continue;
        files++;
        memcpy(bytes, file->bytes, file->size);
        for (size_t at = 0; at < 2 * file->size; at++) {
            bool cut = at >= file->size;
            uint64_t said = journal_last(lab->env.journal);

            if (cut && at % 34 == 0)
                continue; /* an entry that is missing whole can't be noticed */
            bytes[at % file->size] ^= cut ? 0 : 0x81;
            restore(&scene, file, bytes, cut ? at - file->size : file->size);
            lab->how.clean = true;
            lab_open(lab);
            CHECK_INT(count, log_aborted(lab->log, 0, log_end_offset(lab->log), found, 8));
            CHECK(!memcmp(expected, found, count * sizeof(*found)));
            CHECK(journal_last(lab->env.journal) > said && strstr(lab_said(lab, EVENT_log_recovered), "transaction index") != NULL);
            log_close(lab->log, lab_now_ms(lab));
            lab->log = NULL;
            lab_open(lab); /* and was written so */
            CHECK_INT(count, log_aborted(lab->log, 0, log_end_offset(lab->log), found, 8));
            log_close(lab->log, lab_now_ms(lab));
            lab->log = NULL;
            memcpy(bytes, file->bytes, file->size);
        }
    }
    CHECK(files >= 2);
    scene_end(&scene);
}

/* Who walks a log, or weighs what retention would take, only looks: an index that does not fit is mended by the first who serves by it. */
TEST(looking_mends_no_index)
{
    struct scene scene;
    struct lab *lab;
    struct log_cursor cursor;
    struct batch batch;
    struct log_slice slice;
    struct retention_decision decision;
    const struct saved *times;
    uint64_t said;
    size_t at = 0, batches = 0;

    scene_begin(&scene, RELEASE_43);
    lab = scene.lab;
    while (strcmp(scene.files[at].name, "00000000000000000000.timeindex") != 0)
        at++;
    times = &scene.files[at];
    restore(&scene, times, times->bytes, times->size - 1);
    lab->how.clean = true;
    lab->how.recovery_point = RECORDS;
    lab_open(lab);
    said = journal_last(lab->env.journal);
    log_cursor_init(&cursor, lab->log, 0, false);
    while (log_cursor_next(&cursor, &batch))
        batches++;
    log_cursor_done(&cursor);
    CHECK_INT(BATCHES, (long long)batches);
    lab->config.retention_ms = 0;
    lab_advance_ms(lab, 1000);
    decision = log_weigh_retention(lab->log, lab_now_ms(lab));
    retention_decision_done(&decision);
    CHECK_INT((long long)said, (long long)journal_last(lab->env.journal));
    OK(log_read(lab->log, 1, 100, RECORDS, true, &slice, NULL));
    file_unpin(slice.file);
    CHECK(journal_last(lab->env.journal) > said && strstr(lab_said(lab, EVENT_log_recovered), "time index") != NULL);
    scene_end(&scene);
}

TEST(no_damaged_byte_hides_what_is_below_it_in_27) { damage_everything(RELEASE_27); }
TEST(no_damaged_byte_hides_what_is_below_it_in_43) { damage_everything(RELEASE_43); }
