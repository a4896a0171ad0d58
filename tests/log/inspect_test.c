/* A log that is only looked at: what is shown, what it says a start would do, and that nothing is written. */
#include <stdio.h>

#include "sim/log/inspect.h"
#include "tests/log/lab.h"

enum { MOST_FILES = 32, MOST_BYTES = 4096 };

struct saved { char *name; uint8_t bytes[MOST_BYTES]; size_t size; };
struct folder { struct saved files[MOST_FILES]; size_t count; };

static void save(struct lab *lab, struct folder *folder)
{
    struct fs_names names;

    folder->count = 0;
    OK(fs_list(lab->fs, lab->how.dir, &names, NULL));
    for (size_t i = 0; i < names.count; i++) {
        struct saved *saved = &folder->files[folder->count++];
        struct buffer bytes = { 0 };
        char *path = mem_printf("%s/%s", lab->how.dir, names.names[i]);

        CHECK(folder->count <= MOST_FILES);
        OK(fs_read_all(lab->fs, path, MOST_BYTES, &bytes, NULL));
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
static void restore(struct lab *lab, const struct folder *folder, const struct saved *file, const uint8_t *bytes, size_t size)
{
    OK(fs_remove_tree(lab->fs, lab->how.dir, NULL));
    OK(fs_mkdir(lab->fs, lab->how.dir, NULL));
    for (size_t i = 0; i < folder->count; i++) {
        const struct saved *saved = &folder->files[i];
        char *path = mem_printf("%s/%s", lab->how.dir, saved->name);
        struct file *out;

        OK(fs_open(lab->fs, path, FILE_WRITE | FILE_CREATE, &out, NULL));
        OK(saved == file ? file_append(out, bytes, size, NULL) : file_append(out, saved->bytes, saved->size, NULL));
        file_close(out);
        mem_free(path);
    }
}

static void folder_done(struct folder *folder)
{
    for (size_t i = 0; i < folder->count; i++)
        mem_free(folder->files[i].name);
}

static struct start_decision decide(struct log *log)
{
    struct start_check *check = start_check_begin(log);
    struct start_decision decision;

    while (!start_check_slice(check, 100)) /* slices smaller than a segment */
        ;
    decision = *start_check_decision(check);
    start_check_end(check);
    return decision;
}

static struct log *look(struct lab *lab, bool clean)
{
    struct log_open how = lab->how;
    struct log *log;

    how.config = &lab->config;
    how.clean = clean;
    OK(log_inspect(&log, &lab->env, &how, NULL));
    return log;
}

/* Several small segments, with index entries. */
static struct lab *filled(enum release release)
{
    struct lab *lab = lab_new(release);

    lab->config.segment_bytes = 900;
    lab->config.index_interval_bytes = 150;
    lab->config.segment_index_bytes = 240;
    lab_open(lab);
    OK(log_begin_epoch(lab->log, 0, NULL));
    for (int i = 0; i < 40; i++) {
        lab_append(lab, 1);
        lab_advance_ms(lab, 1000);
    }
    return lab;
}

static void shows_a_running_log(enum release release)
{
    struct lab *lab = filled(release);
    uint64_t writes = fs_counts(lab->fs).writes;
    struct log *log = look(lab, false); /* beside the living one: its indexes are at full size, zeros behind their entries */

    CHECK_INT(log_end_offset(lab->log), log_end_offset(log));
    CHECK_INT(log_size_bytes(lab->log), log_size_bytes(log));
    CHECK_INT(log_segment_count(lab->log), log_segment_count(log));
    for (size_t i = 0; i < log_segment_count(log); i++) {
        struct segment_info living, seen;

        log_segment_get(lab->log, i, &living);
        log_segment_get(log, i, &seen);
        CHECK_INT(living.base_offset, seen.base_offset);
        CHECK_INT(living.next_offset, seen.next_offset);
        CHECK_INT(living.size_bytes, seen.size_bytes);
        CHECK_INT(living.index_bytes, seen.index_bytes);
        CHECK_INT(living.time_index_bytes, seen.time_index_bytes);
        CHECK_INT(living.newest_ms, seen.newest_ms);
        CHECK_INT(living.state, seen.state);
    }
    CHECK_INT(writes, fs_counts(lab->fs).writes);
    log_drop(log);
    lab_free(lab);
}

TEST(a_running_log_is_shown_as_its_broker_knows_it)
{
    shows_a_running_log(RELEASE_27);
    shows_a_running_log(RELEASE_43);
}

TEST(what_is_looked_at_is_not_changed)
{
    struct lab *lab = filled(RELEASE_43);
    struct log *log = look(lab, false);
    struct log_appended out;
    struct reason reason;

    CHECK_INT(ERR_POLICY_VIOLATION, log_append(log, &(struct log_append){ .origin = APPEND_CLIENT }, &out, &reason));
    CHECK(strstr(reason.text, "only looked at"));
    log_drop(log);
    lab_free(lab);
}

TEST(half_a_batch_at_the_end_is_told_and_not_cut)
{
    struct lab *lab = filled(RELEASE_43);
    struct segment_info active;
    struct start_decision decision;
    struct file *file;
    struct log *log;
    uint8_t head[37] = { 0 };
    char *path;

    log_segment_get(lab->log, log_segment_count(lab->log) - 1, &active);
    path = mem_printf("%s/%020lld.log", lab->how.dir, (long long)active.base_offset);
    head[7] = 40;
    head[11] = 57;
    head[16] = 2;
    OK(fs_open(lab->fs, path, FILE_WRITE, &file, NULL));
    OK(file_append(file, head, sizeof(head), NULL));
    file_close(file);
    log = look(lab, false);
    decision = decide(log);
    CHECK_INT(40, log_end_offset(log));
    CHECK_INT(37, decision.cut_bytes);
    CHECK_INT(active.size_bytes, decision.cut_position);
    CHECK_TEXT("half a batch", decision.rule);
    CHECK_INT(40, decision.log_end_offset);
    CHECK(!decision.clean);
    log_drop(log);
    log = look(lab, true); /* a clean stop's log is believed: they would stay */
    decision = decide(log);
    CHECK(decision.clean);
    CHECK_INT(37, decision.cut_bytes);
    log_drop(log);
    mem_free(path);
    lab_free(lab);
}

TEST(what_waits_to_be_unlinked_is_shown)
{
    struct lab *lab = filled(RELEASE_43);
    struct segment_info info;
    struct log *log;
    size_t gone;

    lab->config.retention_ms = 15000;
    gone = lab_check(lab);
    CHECK(gone > 0);
    log = look(lab, false);
    CHECK_INT(log_segment_count(lab->log), log_segment_count(log));
    log_segment_get(log, 0, &info);
    CHECK_INT(SEGMENT_DELETED, info.state);
    CHECK_INT(0, info.base_offset);
    CHECK(info.next_offset > 0);
    CHECK(decide(log).deleted_files >= gone * 3);
    CHECK_INT(log_start_offset(lab->log), log_start_offset(log));
    log_drop(log);
    lab_free(lab);
}

/* What a look says of a start is what a start does. */
static int differ(struct lab *lab, const struct folder *folder, const struct saved *file, const uint8_t *bytes, size_t size)
{
    struct log_open how = lab->how;
    struct start_decision decision;
    struct log *log;
    struct log_cursor cursor;
    struct batch batch;
    uint64_t writes;
    int64_t end;
    bool same;

    restore(lab, folder, file, bytes, size);
    writes = fs_counts(lab->fs).writes;
    how.config = &lab->config;
    how.clean = false;
    OK(log_inspect(&log, &lab->env, &how, NULL));
    decision = decide(log);
    CHECK(decision.whole);
    log_cursor_init(&cursor, log, 0, false);
    for (int batches = 0; log_cursor_next(&cursor, &batch); batches++)
        CHECK(batches < 1000); /* it comes to an end */
    log_cursor_done(&cursor);
    log_producers(log, NULL, 0);
    for (size_t i = 0; i < log_segment_count(log); i++) {
        struct segment_info info;

        log_segment_get(log, i, &info);
    }
    log_drop(log);
    CHECK_INT(writes, fs_counts(lab->fs).writes);
    OK(log_open(&log, &lab->env, &how, NULL));
    end = log_end_offset(log);
    same = end == decision.log_end_offset;
    if (!same)
        fprintf(stderr, "%s: said %lld, did %lld (%s)\n", file->name, (long long)decision.log_end_offset, (long long)end, decision.rule ? decision.rule : "whole");
    log_drop(log);
    return !same;
}

static void each_byte(enum release release)
{
    struct lab *lab = filled(release);
    struct folder folder;
    int wrong = 0;

    lab_kill(lab);
    save(lab, &folder);
    for (size_t f = 0; f < folder.count && wrong < 5; f++) {
        const struct saved *file = &folder.files[f];
        uint8_t bytes[MOST_BYTES];

        memcpy(bytes, file->bytes, file->size);
        for (size_t i = 0; i < file->size && wrong < 5; i++) {
            bytes[i] ^= 0xff;
            wrong += differ(lab, &folder, file, bytes, file->size);
            bytes[i] ^= 0xff;
            wrong += differ(lab, &folder, file, bytes, i);
        }
    }
    CHECK_INT(0, wrong);
    folder_done(&folder);
    lab_free(lab);
}

TEST(after_any_damage_a_start_does_what_was_said_27) { each_byte(RELEASE_27); }
TEST(after_any_damage_a_start_does_what_was_said_43) { each_byte(RELEASE_43); }

TEST(the_newest_bytes_of_a_log_are_found_by_its_indexes)
{
    struct lab *lab = filled(RELEASE_43);
    struct log *log = look(lab, false);
    int64_t size = log_size_bytes(log), before = log_end_offset(log);

    CHECK_INT(log_start_offset(log), log_inspect_tail(log, size));
    for (int64_t bytes = 0; bytes < size; bytes += 50) {
        int64_t from = log_inspect_tail(log, bytes);

        CHECK(from <= before); /* more bytes, further back */
        CHECK((log_end_offset(log) - from) * 69 <= bytes + 3 * 69); /* not much more than that: an entry comes every 3 batches */
        before = from;
    }
    CHECK(before < 10);
    log_drop(log);
    lab_free(lab);
}
