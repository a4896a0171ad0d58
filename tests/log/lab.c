#include "tests/log/lab.h"

#include <stdio.h>
#include <stdlib.h>

#include "sim/base/text.h"

void check_ok(enum err err, const char *what, const char *file, int line)
{
    if (err) {
        print_error("%s: %s\n", what, err_name(err));
        _fail(file, line);
    }
}

struct lab *lab_new(enum release release)
{
    struct lab *lab = mem_zero(sizeof(*lab));

    lab->start_ms = 1600000000000;
    lab->queue = queue_new(lab->start_ms * 1000);
    lab->fs = fs_memory(queue_clock(lab->queue));
    random_init(&lab->random, 42);
    lab->env = (struct log_env){ .fs = lab->fs, .journal = journal_new(queue_clock(lab->queue), 0), .random = &lab->random, .release = release, .broker = 1 };
    log_config_default(&lab->config, release);
    lab->cleaner_offset = -1;
    lab->limits = (struct cleaner_limits){ .dedupe_bytes = 128 << 20, .load_factor = 0.9, .io_bytes = 256 << 10 };
    lab->clean_slice_bytes = 256 << 10;
    lab->how = (struct log_open){ .dir = "logs/students-0", .topic = "students", .partition = 0, .config = &lab->config, .clean = true };
    return lab;
}

void lab_free(struct lab *lab)
{
    log_drop(lab->log);
    journal_free(lab->env.journal);
    fs_free(lab->fs);
    queue_free(lab->queue);
    mem_free(lab);
}

int64_t lab_now_ms(const struct lab *lab) { return queue_now_ms(lab->queue); }

void lab_advance_ms(struct lab *lab, int64_t ms)
{
    queue_run_until(lab->queue, queue_now_us(lab->queue) + ms * 1000);
}

struct log *lab_open(struct lab *lab)
{
    struct reason reason = { "" };

    lab->how.now_ms = lab_now_ms(lab);
    if (log_open(&lab->log, &lab->env, &lab->how, &reason)) {
        print_error("%s\n", reason.text);
        fail();
    }
    return lab->log;
}

static void remember(struct lab *lab, bool clean)
{
    lab->how.clean = clean;
    lab->how.recovery_point = log_recovery_point(lab->log);
    lab->how.log_start_offset = log_start_offset(lab->log);
    lab->how.high_watermark = log_high_watermark(lab->log);
}

void lab_close(struct lab *lab)
{
    remember(lab, true);
    lab->how.recovery_point = log_end_offset(lab->log);
    log_close(lab->log, lab_now_ms(lab));
    lab->log = NULL;
}

void lab_kill(struct lab *lab)
{
    remember(lab, false);
    log_drop(lab->log);
    lab->log = NULL;
}

enum err lab_send(struct lab *lab, struct bytes records, enum append_origin origin, struct log_appended *out)
{
    struct reason reason = { "" };
    enum err err = log_append(lab->log, &(struct log_append){
        .records = records, .origin = origin, .leader_epoch = lab->leader_epoch, .produce_version = origin == APPEND_CLIENT ? 8 : -1, .now_ms = lab_now_ms(lab),
    }, out, &reason);

    if (!err)
        log_set_high_watermark(lab->log, log_end_offset(lab->log));
    return err;
}

static enum err send_built(struct lab *lab, struct batch_builder *builder, struct log_appended *out)
{
    struct bytes records;

    OK(batch_builder_finish(builder, &records, NULL));
    return lab_send(lab, records, APPEND_CLIENT, out);
}

enum err lab_try(struct lab *lab, int64_t timestamp_ms, int32_t batch_bytes, struct log_appended *out)
{
    struct batch_builder builder = { 0 };
    uint8_t *value = mem_zero((size_t)batch_bytes);
    size_t size = (size_t)batch_bytes - BATCH_HEADER;
    enum err err;

    batch_builder_init(&builder, CODEC_NONE);
    while (batch_builder_size_with(&builder, (struct bytes){ 0 }, (struct bytes){ value, size }, NULL, 0) > (size_t)batch_bytes)
        size--;
    batch_builder_add(&builder, timestamp_ms, (struct bytes){ 0 }, (struct bytes){ value, size }, NULL, 0);
    err = send_built(lab, &builder, out);
    batch_builder_done(&builder);
    mem_free(value);
    return err;
}

void lab_append_at(struct lab *lab, int64_t timestamp_ms)
{
    struct log_appended out;

    OK(lab_try(lab, timestamp_ms, 69, &out));
    CHECK_INT(69, out.bytes);
}

void lab_append_bytes(struct lab *lab, int32_t batch_bytes)
{
    struct log_appended out;

    OK(lab_try(lab, lab_now_ms(lab), batch_bytes, &out));
    CHECK_INT(batch_bytes, out.bytes);
}

void lab_append(struct lab *lab, int count)
{
    while (count--)
        lab_append_at(lab, lab_now_ms(lab));
}

int64_t lab_put(struct lab *lab, const char *key, const char *value)
{
    return lab_put_at(lab, key, value, lab_now_ms(lab));
}

int64_t lab_put_at(struct lab *lab, const char *key, const char *value, int64_t timestamp_ms)
{
    struct batch_builder builder = { 0 };
    struct log_appended out;

    batch_builder_init(&builder, CODEC_NONE);
    batch_builder_add(&builder, timestamp_ms, bytes_text(key), bytes_text(value), NULL, 0);
    OK(send_built(lab, &builder, &out));
    batch_builder_done(&builder);
    return out.base_offset;
}

int lab_clean(struct lab *lab)
{
    int rounds = 0;

    for (;;) {
        struct compaction_decision decision = log_decide_compaction(lab->log, lab->cleaner_offset, lab_now_ms(lab));
        struct reason reason = { "" };
        struct cleaning *cleaning;
        enum cleaning_state state;

        if (decision.resets_checkpoint)
            lab->cleaner_offset = decision.first_dirty_offset;
        if (!decision.cleans)
            return rounds;
        cleaning = cleaning_begin(lab->log, &decision, &lab->limits);
        do
            state = cleaning_step(cleaning, lab->clean_slice_bytes, &reason);
        while (state == CLEANING_GOES_ON);
        if (state == CLEANING_FAILED && lab->cleaning_may_fail) {
            snprintf(lab->cleaning_failed, sizeof(lab->cleaning_failed), "%s", reason.text);
            cleaning_end(cleaning, true);
            return rounds;
        }
        if (state != CLEANING_DONE)
            print_error("%s\n", reason.text);
        CHECK_INT(CLEANING_DONE, state);
        lab->cleaned = *cleaning_result(cleaning);
        CHECK(lab->cleaned.end_offset > decision.first_dirty_offset);
        lab->cleaner_offset = lab->cleaned.end_offset;
        cleaning_end(cleaning, true);
        rounds++;
    }
}

static void text_batch(struct text *text, const struct batch *batch)
{
    struct record_iterator it;
    struct record record;

    if (!batch->record_count)
        text_printf(text, " (%lld..%lld)", (long long)batch->base_offset, (long long)batch->last_offset);
    records_begin(&it, batch);
    while (records_next(&it, &record)) {
        if (batch_control(batch))
            text_printf(text, " [%s %lld]", record.key.data[3] ? "commit" : "abort", (long long)record.offset);
        else
            text_printf(text, " %lld:%.*s%s%.*s", (long long)record.offset, (int)record.key.size, (const char *)record.key.data,
                        record.key.data ? "=" : "", (int)record.value.size, (const char *)record.value.data);
    }
    CHECK_INT(ERR_OK, it.err);
    records_done(&it);
}

char *lab_records(struct lab *lab)
{
    struct log_cursor cursor;
    struct batch batch;
    struct text text = { 0 };
    int64_t bytes = 0;
    char *out;

    log_cursor_init(&cursor, lab->log, 0, false);
    while (log_cursor_next(&cursor, &batch)) {
        CHECK(batch_crc_right(&batch));
        bytes += batch.size_bytes;
        text_batch(&text, &batch);
    }
    log_cursor_done(&cursor);
    CHECK_INT(log_size_bytes(lab->log), bytes);
    out = mem_text(text.size ? text_chars(&text) + 1 : "");
    text_done(&text);
    return out;
}

void check_records(struct lab *lab, const char *expected, const char *file, int line)
{
    char *got = lab_records(lab);

    if (strcmp(expected, got)) {
        print_error("expected \"%s\"\ngot      \"%s\"\n", expected, got);
        _fail(file, line);
    }
    mem_free(got);
}

enum err lab_produce(struct lab *lab, int64_t producer_id, int16_t epoch, int32_t sequence, int32_t count, struct log_appended *out)
{
    struct batch_builder builder = { 0 };
    enum err err;

    batch_builder_init(&builder, CODEC_NONE);
    builder.producer_id = producer_id;
    builder.producer_epoch = epoch;
    builder.base_sequence = sequence;
    while (count--)
        batch_builder_add(&builder, lab_now_ms(lab), (struct bytes){ 0 }, bytes_text("x"), NULL, 0);
    err = send_built(lab, &builder, out);
    batch_builder_done(&builder);
    return err;
}

size_t lab_check(struct lab *lab)
{
    struct retention_decision decision = log_decide_retention(lab->log, lab_now_ms(lab));
    size_t count = decision.delete_count;

    OK(log_apply_retention(lab->log, &decision, NULL));
    retention_decision_done(&decision);
    return count;
}

void check_files(struct lab *lab, const char *pattern, const char *expected, const char *file, int line)
{
    struct fs_names names;
    struct text text = { 0 };

    OK(fs_list(lab->fs, lab->how.dir, &names, NULL));
    for (size_t i = 0; i < names.count; i++) {
        char *path = mem_printf("%s/%s", lab->how.dir, names.names[i]);
        const char *name = names.names[i];
        struct file_stat stat;

        if (text_matches(name, pattern)) {
            OK(fs_stat(lab->fs, path, &stat));
            while (name[0] == '0' && name[1] != '.')
                name++;
            text_printf(&text, "%s%s %lld", *text_chars(&text) ? ", " : "", name, (long long)stat.size);
        }
        mem_free(path);
    }
    fs_names_free(&names);
    check_text(expected, text_chars(&text), pattern, file, line);
    text_done(&text);
}

const char *lab_said(struct lab *lab, enum event_kind kind)
{
    struct journal *journal = lab->env.journal;

    for (uint64_t number = journal_last(journal); number && number >= journal_first(journal); number--) {
        const struct entry *entry = journal_get(journal, number);

        if (entry && entry->kind == kind)
            return entry->text;
    }
    return NULL;
}
