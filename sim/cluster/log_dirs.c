/* The folders of log.dirs: what a start finds in them, where a new log goes. Kafka's LogManager. */
#include "sim/cluster/log_dirs.h"

#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/cluster/cluster_internal.h"

size_t broker_dir_count(const struct broker *broker) { return broker->dir_count; }
struct log_dir *broker_dir_at(const struct broker *broker, size_t i) { return i < broker->dir_count ? &broker->dirs[i] : NULL; }
const char *broker_log_dir(const struct broker *broker) { return broker->dirs[0].path; }
const char *log_dir_path(const struct log_dir *dir) { return dir->path; }
const char *log_dir_name(const struct log_dir *dir) { return dir->name; }
struct disk *log_dir_disk(const struct log_dir *dir) { return dir->disk; }
struct disk *broker_disk(const struct broker *broker) { return broker->dirs[0].disk; }
struct log_dir *partition_log_dir(const struct partition *partition) { return partition->dir; }

struct log_dir *broker_dir_of_path(const struct broker *broker, const char *path)
{
    for (size_t i = 0; i < broker->dir_count; i++)
        if (!strcmp(broker->dirs[i].path, path))
            return &broker->dirs[i];
    return NULL;
}

/* ---- coming and going ---- */

char *cluster_log_dir_name(int32_t broker, int32_t index)
{
    return index ? mem_printf("broker-%d.dir%d", broker, index + 1) : mem_printf("broker-%d", broker);
}

void log_dirs_init(struct broker *broker, const struct cluster_options *options)
{
    broker->dir_count = options->log_dirs > 1 ? (size_t)options->log_dirs : 1;
    broker->dirs = mem_zero_array(broker->dir_count, sizeof(*broker->dirs));
    for (size_t i = 0; i < broker->dir_count; i++) {
        struct log_dir *dir = &broker->dirs[i];

        dir->broker = broker;
        dir->name = cluster_log_dir_name(broker->id, (int32_t)i);
        dir->path = !i && !broker->index && options->log_dir ? mem_text(options->log_dir) : mem_printf("%s/%s", options->dir, dir->name);
    }
}

void log_dirs_forget_checkpoints(struct broker *broker)
{
    for (size_t i = 0; i < broker->dir_count; i++)
        for (enum checkpoint_kind kind = RECOVERY_POINTS; kind < CHECKPOINT_KINDS; kind++) {
            checkpoint_done(&broker->dirs[i].checkpoints[kind]);
            broker->dirs[i].checkpoints[kind] = (struct checkpoint){ 0 };
        }
}

void log_dirs_done(struct broker *broker)
{
    log_dirs_forget_checkpoints(broker);
    for (size_t i = 0; i < broker->dir_count; i++) {
        mem_free(broker->dirs[i].path);
        mem_free(broker->dirs[i].name);
        mem_free(broker->dirs[i].failure);
    }
    mem_free(broker->dirs);
}

char *log_dirs_setting(const struct broker *broker)
{
    struct text text = { 0 };
    char *result;

    for (size_t i = 0; i < broker->dir_count; i++)
        text_printf(&text, "%s%s", i ? "," : "", broker->dirs[i].path);
    result = mem_text(text_chars(&text));
    text_done(&text);
    return result;
}

enum err log_dirs_make(struct broker *broker, struct reason *reason)
{
    enum err err = ERR_OK;

    for (size_t i = 0; !err && i < broker->dir_count; i++)
        err = fs_mkdir(broker->cluster->fs, broker->dirs[i].path, reason);
    return err;
}

/* ---- what a start finds ---- */

/* A damaged checkpoint counts as missing; the logs are then read further back. */
static void read_checkpoint(struct log_dir *dir, enum checkpoint_kind kind)
{
    char *path = mem_printf("%s/%s", dir->path, broker_checkpoint_name(kind));
    struct checkpoint *out = &dir->checkpoints[kind];

    if (checkpoint_read(dir->broker->cluster->fs, path, out, NULL)) {
        checkpoint_done(out);
        *out = (struct checkpoint){ 0 };
    }
    checkpoint_sort(out);
    mem_free(path);
}

/* Kafka makes these at once, empty. */
static enum err make_file(struct log_dir *dir, const char *name, struct reason *reason)
{
    struct fs *fs = dir->broker->cluster->fs;
    char *path = mem_printf("%s/%s", dir->path, name);
    struct file *file = NULL;
    enum err err = ERR_OK;

    if (!fs_exists(fs, path)) {
        err = fs_open(fs, path, FILE_WRITE | FILE_CREATE, &file, reason);
        file_close(file);
    }
    mem_free(path);
    return err;
}

static enum err load(struct log_dir *dir, struct reason *reason)
{
    static const char *const files[] = { ".lock", "cleaner-offset-checkpoint", "log-start-offset-checkpoint",
                                         "recovery-point-offset-checkpoint", "replication-offset-checkpoint" };
    enum err err = ERR_OK;

    for (enum checkpoint_kind kind = RECOVERY_POINTS; kind < CHECKPOINT_KINDS; kind++)
        read_checkpoint(dir, kind);
    dir->clean = clean_marker_take(dir->broker->cluster->fs, dir->path);
    if (dir->clean) /* gone for good: no power-off may bring it back beside logs that are not clean any more */
        err = fs_sync_folder(dir->broker->cluster->fs, dir->path, reason);
    for (size_t i = 0; !err && i < sizeof(files) / sizeof(files[0]); i++)
        err = make_file(dir, files[i], reason);
    return err;
}

enum err log_dirs_load(struct broker *broker, struct reason *reason)
{
    enum err err = ERR_OK;

    log_dirs_forget_checkpoints(broker); /* of a start that came no further */
    broker->clean = true;
    for (size_t i = 0; !err && i < broker->dir_count; i++) {
        struct reason why = { "" };

        err = load(&broker->dirs[i], &why);
        err = log_dir_do_without(&broker->dirs[i], err, &why, reason);
        broker->clean = broker->clean && broker->dirs[i].clean;
    }
    return err;
}

/* ---- where a log lies ---- */

struct log_dir *log_dirs_find(const struct broker *broker, const char *topic, int32_t number)
{
    for (size_t i = 0; i < broker->dir_count; i++) {
        char *path = mem_printf("%s/%s-%d", broker->dirs[i].path, topic, number);
        bool there = !broker->dirs[i].offline && fs_exists(broker->cluster->fs, path);

        mem_free(path);
        if (there)
            return &broker->dirs[i];
    }
    return NULL;
}

struct log_dir *log_dirs_next(const struct broker *broker)
{
    struct log_dir *next = NULL;

    for (size_t i = 0; i < broker->dir_count; i++)
        if (!broker->dirs[i].offline && (!next || broker->dirs[i].log_count < next->log_count))
            next = &broker->dirs[i];
    return next;
}

static int by_id(const void *a, const void *b)
{
    const struct uuid *left = a, *right = b;
    int64_t high[] = { get_i64(left->bytes), get_i64(right->bytes) }, low[] = { get_i64(left->bytes + 8), get_i64(right->bytes + 8) };

    return high[0] != high[1] ? (high[0] > high[1]) - (high[0] < high[1]) : (low[0] > low[1]) - (low[0] < low[1]);
}

int32_t log_dirs_ids(const struct broker *broker, struct uuid ids[MOST_LOG_DIRS])
{
    size_t count = 0;

    for (size_t i = 0; i < broker->dir_count; i++)
        if (!broker->dirs[i].offline)
            ids[count++] = broker->dirs[i].id;
    qsort(ids, count, sizeof(*ids), by_id);
    return (int32_t)count;
}

void log_dirs_mark_clean(struct broker *broker)
{
    struct cluster *cluster = broker->cluster;

    for (size_t i = 0; i < broker->dir_count; i++)
        if (!broker->dirs[i].refused && !broker->dirs[i].offline)
            clean_marker_write(cluster->fs, broker->dirs[i].path, cluster->release, broker->epoch, NULL);
}
