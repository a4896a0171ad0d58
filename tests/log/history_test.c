/* Random histories of one log against a list of what should be in it. */
#include <stdio.h>

#include "sim/base/text.h"
#include "tests/log/lab.h"

struct kept { int64_t base, last, timestamp_ms; };
struct model {
    struct kept items[4096];
    size_t count;
    int64_t start, end;
};

/* All that lies at or above the log's start is there, in order, and each offset is found. */
static void check_against(struct lab *lab, const struct model *model, struct random *random)
{
    struct log_cursor cursor;
    struct batch batch;
    int64_t from = log_start_offset(lab->log);

    CHECK_INT(model->end, log_end_offset(lab->log));
    log_cursor_init(&cursor, lab->log, from, false);
    for (size_t i = 0; i < model->count; i++) {
        if (model->items[i].last < from)
            continue;
        CHECK(log_cursor_next(&cursor, &batch));
        CHECK_INT(model->items[i].base, batch.base_offset);
        CHECK_INT(model->items[i].last, batch.last_offset);
        CHECK_INT(model->items[i].timestamp_ms, batch.max_timestamp_ms);
    }
    CHECK(!log_cursor_next(&cursor, &batch));
    log_cursor_done(&cursor);
    if (model->count) {
        const struct kept *kept = &model->items[random_below(random, model->count)];
        struct log_slice slice;

        if (kept->base >= from) {
            OK(log_read(lab->log, kept->last, 1, model->end, true, &slice, NULL));
            CHECK_INT(kept->base, slice.base_offset);
            file_unpin(slice.file);
        }
    }
}

static void append_some(struct lab *lab, struct model *model, struct random *random)
{
    struct batch_builder builder = { 0 };
    struct bytes records;
    struct log_appended out;
    static const uint8_t value[300];
    int count = 1 + (int)random_below(random, 4);
    int64_t timestamp_ms = lab_now_ms(lab) - (int64_t)random_below(random, 50);

    batch_builder_init(&builder, (int)random_below(random, CODECS));
    for (int i = 0; i < count; i++)
        batch_builder_add(&builder, timestamp_ms, (struct bytes){ 0 }, (struct bytes){ value, random_below(random, 300) }, NULL, 0);
    OK(batch_builder_finish(&builder, &records, NULL));
    OK(lab_send(lab, records, APPEND_CLIENT, &out));
    CHECK_INT(model->end, out.base_offset);
    model->items[model->count++] = (struct kept){ out.base_offset, out.last_offset, timestamp_ms };
    model->end = out.last_offset + 1;
    batch_builder_done(&builder);
}

static void truncate_some(struct lab *lab, struct model *model, struct random *random)
{
    int64_t to = model->start + (int64_t)random_below(random, (uint64_t)(model->end - model->start) + 1);

    OK(log_truncate_to(lab->log, to, lab_now_ms(lab), NULL));
    while (model->count && model->items[model->count - 1].last >= to)
        model->count--;
    model->end = to;
}

/* The last bytes never reached the disk: what recovery cuts is what the model loses. */
static void tear(struct lab *lab, struct model *model, struct random *random)
{
    struct segment_info info;
    char path[100];
    struct file *file;
    int64_t size;

    log_segment_get(lab->log, log_segment_count(lab->log) - 1, &info);
    snprintf(path, sizeof(path), "%s/%020lld.log", lab->how.dir, (long long)info.base_offset);
    lab_kill(lab);
    OK(fs_open(lab->fs, path, FILE_READ | FILE_WRITE, &file, NULL));
    size = file_size(file);
    if (size)
        OK(file_truncate(file, size - 1 - (int64_t)random_below(random, size > 40 ? 40 : (uint64_t)size), NULL));
    file_close(file);
    lab_open(lab);
    CHECK(log_end_offset(lab->log) <= model->end);
    if (model->count && model->items[model->count - 1].last >= log_end_offset(lab->log))
        model->count--;                    /* the torn batch went, and no other */
    CHECK(!model->count || model->items[model->count - 1].last < log_end_offset(lab->log));
    model->end = log_end_offset(lab->log);
}

/* A cut inside a batch leaves the end above the last batch, until a restart finds it there. */
static void reopen(struct lab *lab, struct model *model, bool clean)
{
    if (clean)
        lab_close(lab);
    else
        lab_kill(lab);
    lab_open(lab);
    CHECK(log_end_offset(lab->log) <= model->end);
    CHECK(!model->count || model->items[model->count - 1].last < log_end_offset(lab->log));
    model->end = log_end_offset(lab->log);
}

static void play(enum release release, uint64_t seed)
{
    struct lab *lab = lab_new(release);
    struct model *model = mem_zero(sizeof(*model));
    struct random random;

    random_init(&random, seed);
    lab->config.segment_bytes = 1500 + (int32_t)random_below(&random, 3000);
    lab->config.index_interval_bytes = (int32_t)random_below(&random, 1000);
    lab->config.retention_ms = 2000;
    lab_open(lab);
    for (int step = 0; step < 120; step++) {
        switch (random_below(&random, 16)) {
        case 0:
        case 1:
            reopen(lab, model, random_u64(&random) % 2);
            break;
        case 2:
            truncate_some(lab, model, &random);
            break;
        case 3:
            lab_check(lab);
            log_unlink_due(lab->log, lab_now_ms(lab), SIZE_MAX);
            break;
        case 4:
            log_raise_start_offset(lab->log, model->start + (int64_t)random_below(&random, (uint64_t)(model->end - model->start) + 1));
            break;
        case 5:
            tear(lab, model, &random);
            break;
        default:
            append_some(lab, model, &random);
            break;
        }
        model->start = log_start_offset(lab->log);
        while (model->count && model->items[0].last < model->start) {
            memmove(model->items, model->items + 1, --model->count * sizeof(*model->items));
        }
        check_against(lab, model, &random);
        lab_advance_ms(lab, (int64_t)random_below(&random, 100));
    }
    mem_free(model);
    lab_free(lab);
}

TEST(a_log_is_what_was_put_into_it_whatever_happens)
{
    for (uint64_t seed = 1; seed <= 60; seed++) {
        play(seed % 2 ? RELEASE_43 : RELEASE_27, seed);
    }
}
