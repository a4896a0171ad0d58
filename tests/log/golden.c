#include "tests/log/golden.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/base/text.h"

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static size_t list(const char *path, char *names[MOST_GOLDEN_FILES])
{
    char whole[300];
    size_t count = 0;
    struct dirent *entry;
    DIR *dir;

    snprintf(whole, sizeof(whole), "tests/golden/%s", path);
    dir = opendir(whole);
    CHECK(dir != NULL);
    while ((entry = readdir(dir)) && count < MOST_GOLDEN_FILES)
        if (*entry->d_name != '.')
            names[count++] = mem_text(entry->d_name);
    closedir(dir);
    qsort(names, count, sizeof(*names), by_name);
    return count;
}

void golden_open(struct golden *golden, const char *name)
{
    char *inside[MOST_GOLDEN_FILES];
    size_t count;

    *golden = (struct golden){ .release = text_starts(name, "2.7") ? RELEASE_27 : RELEASE_43 };
    snprintf(golden->dir, sizeof(golden->dir), "segments/%s", name);
    count = list(golden->dir, inside);
    for (size_t i = 0; i < count; i++) {
        if (!text_equal(inside[i], "dump.txt"))
            snprintf(golden->dir, sizeof(golden->dir), "segments/%s/%s", name, inside[i]);
        mem_free(inside[i]);
    }
    golden->count = list(golden->dir, golden->names);
}

void golden_done(struct golden *golden)
{
    for (size_t i = 0; i < golden->count; i++)
        mem_free(golden->names[i]);
}

uint8_t *golden_file(const struct golden *golden, const char *file, size_t *size)
{
    char path[300];

    snprintf(path, sizeof(path), "%s/%s", golden->dir, file);
    return golden_read(path, size);
}

size_t golden_names(char *names[MOST_GOLDEN_FILES])
{
    size_t count = list("segments", names), kept = 0;

    for (size_t i = 0; i < count; i++) {
        if (text_ends(names[i], "-root"))
            mem_free(names[i]);
        else
            names[kept++] = names[i];
    }
    return kept;
}

struct lab *golden_lab(const struct golden *golden)
{
    return golden_lab_at(golden, 1795500000000);
}

struct lab *golden_lab_at(const struct golden *golden, int64_t now_ms)
{
    struct lab *lab = lab_new(golden->release);

    lab_advance_ms(lab, now_ms - lab->start_ms);
    for (size_t i = 0; i < golden->count; i++) {
        size_t size;
        char *text;

        if (!text_equal(golden->names[i], "partition.metadata"))
            continue;
        text = (char *)golden_file(golden, golden->names[i], &size);
        CHECK(uuid_parse(strstr(text, "topic_id: ") + 10, &lab->how.topic_id));
        free(text);
    }
    return lab;
}

void golden_copy(const struct golden *golden, struct lab *lab)
{
    OK(fs_mkdir(lab->fs, lab->how.dir, NULL));
    for (size_t i = 0; i < golden->count; i++) {
        size_t size;
        uint8_t *data = golden_file(golden, golden->names[i], &size);
        char *path = mem_printf("%s/%s", lab->how.dir, golden->names[i]);

        OK(fs_replace(lab->fs, path, (struct bytes){ data, size }, NULL));
        mem_free(path);
        free(data);
    }
}

void golden_feed(const struct golden *golden, struct lab *lab)
{
    for (size_t i = 0; i < golden->count; i++) {
        size_t size, at = 0;
        uint8_t *data;

        if (!text_ends(golden->names[i], ".log"))
            continue;
        data = golden_file(golden, golden->names[i], &size);
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
}

struct bytes golden_as_sent(struct batch_builder *builder, const struct batch *stored, int codec)
{
    uint8_t *copy = mem_copy(stored->bytes.data, stored->bytes.size);
    struct batch batch;
    struct record_iterator it;
    struct record record;
    struct bytes made;

    batch_set_max_timestamp(copy, false, stored->max_timestamp_ms);
    OK(batch_decode((struct bytes){ copy, stored->bytes.size }, &batch, NULL, NULL));
    batch_builder_init(builder, codec);
    builder->attributes = (int16_t)(batch.attributes & (ATTRIBUTE_TRANSACTIONAL | ATTRIBUTE_CONTROL));
    builder->producer_id = batch.producer_id;
    builder->producer_epoch = batch.producer_epoch;
    builder->base_sequence = batch.base_sequence;
    records_begin(&it, &batch);
    while (records_next(&it, &record))
        batch_builder_add(builder, record.timestamp_ms, record.key, record.value, record.headers, record.header_count);
    OK(it.err);
    records_done(&it);
    OK(batch_builder_finish(builder, &made, NULL));
    mem_free(copy);
    return made;
}

static void compare_file(const struct golden *golden, struct lab *lab, const char *name)
{
    char *path = mem_printf("%s/%s", lab->how.dir, name);
    struct buffer bytes = { 0 };
    size_t size;
    uint8_t *data = golden_file(golden, name, &size);

    if (fs_read_all(lab->fs, path, 1 << 26, &bytes, NULL) || bytes.size != size || (size && memcmp(bytes.data, data, size))) {
        print_error("%s/%s differs: %zu bytes, expected %zu\n", golden->dir, name, bytes.size, size);
        for (size_t b = 0; b < bytes.size && b < 64; b++)
            print_error("%02x", bytes.data[b]);
        fail();
    }
    buffer_done(&bytes);
    free(data);
    mem_free(path);
}

void golden_compare(const struct golden *golden, struct lab *lab, const char *except)
{
    struct fs_names ours;
    size_t wanted = 0, there = 0;

    OK(fs_list(lab->fs, lab->how.dir, &ours, NULL));
    for (size_t i = 0; i < golden->count; i++) {
        if (except && text_matches(golden->names[i], except))
            continue;
        wanted++;
        compare_file(golden, lab, golden->names[i]);
    }
    for (size_t i = 0; i < ours.count; i++)
        there += !(except && text_matches(ours.names[i], except));
    CHECK_INT(wanted, there);
    fs_names_free(&ours);
}
