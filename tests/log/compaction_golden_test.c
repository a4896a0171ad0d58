/* What real cleaners made of logs, made again: golden/compaction has folders before and after, from brokers that were sent all kinds of records.
 * COMPACTION_CASES=DIR plays the files of another folder. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/base/text.h"
#include "sim/log/segment.h"
#include "tests/log/lab.h"

enum { MOST_FILES = 400 };

struct kept_file {
    char *name;
    uint8_t *data;
    size_t size;
    int64_t mtime_ms;
    bool same;
};
struct folder { struct kept_file files[MOST_FILES]; size_t count; };
struct scene {
    enum release release;
    int64_t checkpoint_before, checkpoint_after, now_ms, active;
    struct folder before, after;
    char *text;
};

/* ---- reading a case ---- */

static uint8_t *from_hex(const char *hex, size_t *size)
{
    uint8_t *data;

    *size = strcmp(hex, "-") ? strlen(hex) / 2 : 0;
    data = mem_alloc(*size + 1);
    for (size_t i = 0; i < *size; i++) {
        unsigned byte;

        CHECK_INT(1, sscanf(hex + 2 * i, "%2x", &byte));
        data[i] = (uint8_t)byte;
    }
    return data;
}

static struct kept_file *add_file(struct folder *folder, char *name)
{
    CHECK(folder->count < MOST_FILES);
    folder->files[folder->count] = (struct kept_file){ .name = name };
    return &folder->files[folder->count++];
}

static void set_config(struct log_config *config, const char *key, const char *value)
{
    int64_t number = strtoll(value, NULL, 10);

    if (!strcmp(key, "segment.bytes"))
        config->segment_bytes = (int32_t)number;
    else if (!strcmp(key, "segment.index.bytes"))
        config->segment_index_bytes = (int32_t)number;
    else if (!strcmp(key, "index.interval.bytes"))
        config->index_interval_bytes = (int32_t)number;
    else if (!strcmp(key, "segment.ms"))
        config->segment_ms = number;
    else if (!strcmp(key, "delete.retention.ms"))
        config->delete_retention_ms = number;
    else if (!strcmp(key, "message.timestamp.type"))
        config->log_append_time = !strcmp(value, "LogAppendTime");
    else if (!strcmp(key, "message.format.version"))
        config->magic = !strcmp(value, "0.9.0") ? 0 : 1;
    else
        CHECK(!strcmp(key, "cleanup.policy") || !strcmp(key, "retention.ms"));
}

static void scene_read(struct scene *scene, const char *path, struct log_config *config)
{
    struct buffer bytes = { 0 };
    FILE *file = fopen(path, "r");
    char *save = NULL;
    size_t got;

    CHECK(file);
    do {
        got = fread(buffer_add(&bytes, 65536), 1, 65536, file);
        bytes.size -= 65536 - got;
    } while (got);
    fclose(file);
    buffer_i8(&bytes, 0);
    scene->text = (char *)bytes.data;
    scene->release = strstr(scene->text, "release 2.7") ? RELEASE_27 : RELEASE_43;
    log_config_default(config, scene->release);
    config->min_cleanable_dirty_ratio = 0.01;
    config->cleanup_delete = false;
    config->cleanup_compact = true;
    for (char *line = strtok_r(scene->text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        char *rest = strchr(line, ' '), *next;

        *rest++ = 0;
        next = strchr(rest, ' ');
        if (next)
            *next++ = 0;
        if (!strcmp(line, "checkpoint-before")) {
            scene->checkpoint_before = strtoll(rest, NULL, 10);
        } else if (!strcmp(line, "checkpoint-after")) {
            scene->checkpoint_after = strtoll(rest, NULL, 10);
        } else if (!strcmp(line, "now")) {
            scene->now_ms = strtoll(rest, NULL, 10);
        } else if (!strcmp(line, "active")) {
            scene->active = strtoll(rest, NULL, 10);
        } else if (!strcmp(line, "set")) {
            set_config(config, rest, next);
        } else if (!strcmp(line, "before")) {
            struct kept_file *kept = add_file(&scene->before, rest);

            kept->mtime_ms = strtoll(next, &next, 10);
            kept->data = from_hex(next + 1, &kept->size);
        } else if (!strcmp(line, "after")) {
            struct kept_file *kept = add_file(&scene->after, rest);

            kept->data = from_hex(next, &kept->size);
        } else if (!strcmp(line, "same")) {
            struct kept_file *kept = add_file(&scene->after, rest);

            kept->same = true;
            for (size_t i = 0; i < scene->before.count; i++)
                if (!strcmp(scene->before.files[i].name, rest)) {
                    kept->data = mem_copy(scene->before.files[i].data, scene->before.files[i].size);
                    kept->size = scene->before.files[i].size;
                }
        }
    }
}

static void scene_done(struct scene *scene)
{
    for (size_t i = 0; i < scene->before.count; i++)
        mem_free(scene->before.files[i].data);
    for (size_t i = 0; i < scene->after.count; i++)
        mem_free(scene->after.files[i].data);
    mem_free(scene->text);
}

/* ---- comparing ---- */

static void check_same_records(const char *name, const struct batch *wanted, const struct batch *ours)
{
    struct record_iterator a, b;
    struct record left, right;

    records_begin(&a, wanted);
    records_begin(&b, ours);
    while (records_next(&a, &left)) {
        if (!records_next(&b, &right) || left.offset != right.offset || left.timestamp_ms != right.timestamp_ms || !bytes_equal(left.key, right.key) ||
            !bytes_equal(left.value, right.value) || left.header_count != right.header_count) {
            print_error("%s: offset %lld differs\n", name, (long long)left.offset);
            fail();
        }
    }
    CHECK(!records_next(&b, &right) && !a.err && !b.err);
    records_done(&a);
    records_done(&b);
}

static void print_log(struct bytes bytes)
{
    struct batch batch;

    while (bytes.size && !batch_decode(bytes, &batch, NULL, NULL)) {
        print_error("    %lld..%lld epoch %d magic %d attributes %x base time %lld max %lld producer %lld/%d seq %d records %d size %d\n",
                    (long long)batch.base_offset, (long long)batch.last_offset, batch.leader_epoch, batch.magic, batch.attributes,
                    (long long)batch.base_timestamp_ms, (long long)batch.max_timestamp_ms, (long long)batch.producer_id, batch.producer_epoch,
                    batch.base_sequence, batch.record_count, batch.size_bytes);
        bytes.data += batch.size_bytes;
        bytes.size -= (size_t)batch.size_bytes;
    }
}

/* Compressed batches that a cleaner made are the same if their records are. True: sizes are the same too. */
static bool check_log(const char *name, struct bytes wanted, struct bytes ours)
{
    struct bytes all = wanted, all_ours = ours;
    bool same_size = wanted.size == ours.size;

    while (wanted.size || ours.size) {
        struct batch a = { 0 }, b = { 0 };
        bool there = !batch_decode(wanted, &a, NULL, NULL) && !batch_decode(ours, &b, NULL, NULL);
        size_t size = (size_t)a.size_bytes;

        if (there && a.size_bytes == b.size_bytes && !memcmp(a.bytes.data, b.bytes.data, size)) {
            /* the same to the byte */
        } else if (!there || !batch_codec(&a) || a.base_offset != b.base_offset || a.last_offset != b.last_offset || a.attributes != b.attributes ||
                   a.leader_epoch != b.leader_epoch || a.base_timestamp_ms != b.base_timestamp_ms || a.max_timestamp_ms != b.max_timestamp_ms ||
                   a.producer_id != b.producer_id || a.producer_epoch != b.producer_epoch || a.base_sequence != b.base_sequence ||
                   a.record_count != b.record_count || a.magic != b.magic || !batch_crc_right(&b)) {
            print_error("%s differs; the real one:\n", name);
            print_log(all);
            print_error("ours:\n");
            print_log(all_ours);
            fail();
        } else {
            check_same_records(name, &a, &b);
            same_size &= a.size_bytes == b.size_bytes;
        }
        wanted.data += size;
        wanted.size -= size;
        ours.data += b.size_bytes;
        ours.size -= (size_t)b.size_bytes;
    }
    return same_size;
}

static void print_hex(const char *what, const uint8_t *data, size_t size)
{
    print_error("%s ", what);
    for (size_t i = 0; i < size && i < 400; i++)
        print_error("%02x", data[i]);
    print_error("\n");
}

static struct bytes our_file(struct lab *lab, const char *name, struct buffer *buffer)
{
    char *path = mem_printf("%s/%s", lab->how.dir, name);

    if (fs_read_all(lab->fs, path, 1 << 26, buffer, NULL)) {
        print_error("%s is missing\n", name);
        fail();
    }
    mem_free(path);
    return buffer_bytes(buffer);
}

/* An index points into its log: where that has other sizes, it has other entries. */
static void check_segment(struct lab *lab, const struct scene *scene, const struct kept_file *log)
{
    struct buffer bytes = { 0 };
    bool sizes = check_log(log->name, (struct bytes){ log->data, log->size }, our_file(lab, log->name, &bytes));

    for (size_t i = 0; i < scene->after.count && sizes && strtoll(log->name, NULL, 10) != scene->active; i++) {
        const struct kept_file *file = &scene->after.files[i];

        if (strncmp(file->name, log->name, 20) || !text_ends(file->name, "index"))
            continue;
        buffer_clear(&bytes);
        our_file(lab, file->name, &bytes);
        if (bytes.size != file->size || (bytes.size && memcmp(bytes.data, file->data, bytes.size))) {
            print_error("%s differs\n", file->name);
            print_hex("real", file->data, file->size);
            print_hex("ours", bytes.data, bytes.size);
            fail();
        }
    }
    buffer_done(&bytes);
}

static bool is_in(const struct folder *folder, const char *name)
{
    for (size_t i = 0; i < folder->count; i++)
        if (!strcmp(folder->files[i].name, name))
            return true;
    return false;
}

/* Snapshots differ in what our opening makes; those that the cleaner took away are gone. (2.7 removes some at its own ticks, which may have fallen between.) */
static void check_names(struct lab *lab, const struct scene *scene)
{
    struct fs_names names;

    OK(fs_list(lab->fs, lab->how.dir, &names, NULL));
    for (size_t i = 0; i < names.count; i++) {
        bool known = text_ends(names.names[i], ".deleted") || is_in(&scene->after, names.names[i]) ||
                     (text_ends(names.names[i], ".snapshot") && (scene->release == RELEASE_27 || !is_in(&scene->before, names.names[i])));

        if (!known)
            print_error("%s: the real one has no such file\n", names.names[i]);
        CHECK(known);
    }
    fs_names_free(&names);
}

static void play(const char *path, int64_t slice_bytes)
{
    struct scene *scene = mem_zero(sizeof(*scene));
    struct log_config config;
    struct lab *lab;

    scene_read(scene, path, &config);
    lab = lab_new(scene->release);
    lab->config = config;
    lab->limits.dedupe_bytes = 1100000;
    lab->clean_slice_bytes = slice_bytes;
    lab_advance_ms(lab, scene->now_ms - lab->start_ms);
    OK(fs_mkdir(lab->fs, lab->how.dir, NULL));
    for (size_t i = 0; i < scene->before.count; i++) {
        const struct kept_file *kept = &scene->before.files[i];
        char *to = mem_printf("%s/%s", lab->how.dir, kept->name);

        OK(fs_replace(lab->fs, to, (struct bytes){ kept->data, kept->size }, NULL));
        fs_set_mtime(lab->fs, to, kept->mtime_ms * 1000);
        mem_free(to);
    }
    lab->how.clean = false;
    lab->how.recovery_point = scene->active;
    lab->how.high_watermark = INT64_MAX;
    lab_open(lab);
    lab->cleaner_offset = scene->checkpoint_before;
    lab->cleaning_may_fail = scene->checkpoint_after == scene->checkpoint_before; /* then the real one failed, or nothing was dirty */
    lab_clean(lab);
    CHECK_INT(scene->checkpoint_after, lab->cleaner_offset);
    for (size_t i = 0; i < scene->after.count; i++)
        if (text_ends(scene->after.files[i].name, ".log"))
            check_segment(lab, scene, &scene->after.files[i]);
    check_names(lab, scene);
    lab_free(lab);
    scene_done(scene);
    mem_free(scene);
}

TEST(what_real_cleaners_made_of_logs)
{
    const char *other = getenv("COMPACTION_CASES");
    char *folder = mem_text(other ? other : "tests/golden/compaction");
    DIR *dir = opendir(folder);
    int played = 0;

    CHECK(dir);
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        char *path = mem_printf("%s/%s", folder, entry->d_name);

        if (text_ends(entry->d_name, ".txt")) {
            print_message("%s\n", entry->d_name);
            play(path, 256 << 10);
            play(path, 1);
            played++;
        }
        mem_free(path);
    }
    closedir(dir);
    CHECK(played > 0);
    mem_free(folder);
}
