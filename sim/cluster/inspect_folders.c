/* What the folders of a log.dirs are, by their names and files; and which release wrote them. */
#include <assert.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/cluster/inspect_internal.h"

enum { MOST_TOPIC = 249, MOST_PROPERTIES = 64 * 1024 };

static bool ends_with(const char *name, const char *end, size_t *size)
{
    size_t tail = strlen(end);

    if (*size <= tail || memcmp(name + *size - tail, end, tail))
        return false;
    *size -= tail;
    return true;
}

/* "students-0" of `size` characters. */
static bool parse_partition(const char *name, size_t size, char **topic, int32_t *partition)
{
    char *copy = mem_text_size(name, size), *dash = strrchr(copy, '-');
    bool good = dash && dash != copy && dash - copy <= MOST_TOPIC && dash[1] >= '0' && dash[1] <= '9' && parse_i32(dash + 1, partition);

    *topic = good ? mem_text_size(copy, (size_t)(dash - copy)) : NULL;
    mem_free(copy);
    return good;
}

/* The name of a folder that a broker put aside: TOPIC-P.32 hexadecimal digits-KIND. */
static bool parse_aside(const char *name, const char *kind, char **topic, int32_t *partition)
{
    size_t size = strlen(name);
    const char *dot;

    if (!ends_with(name, kind, &size))
        return false;
    dot = memrchr(name, '.', size);
    if (!dot || !parse_partition(name, (size_t)(dot - name), topic, partition)) {
        *topic = NULL;
        *partition = -1;
    }
    return true;
}

void inspect_classify(struct folder *folder)
{
    static const struct { const char *end; enum folder_kind kind; const char *note; } asides[] = {
        { "-delete", FOLDER_DELETE, "its topic was deleted: goes after file.delete.delay.ms, or at the next start" },
        { "-future", FOLDER_FUTURE, "a replica that moves to this folder: it takes the place of the other when it has caught up" },
        { "-stray", FOLDER_STRAY, "put aside: the metadata did not know it" },
    };

    folder->partition = -1;
    for (size_t i = 0; i < sizeof(asides) / sizeof(*asides); i++) {
        if (parse_aside(folder->name, asides[i].end, &folder->topic, &folder->partition)) {
            folder->kind = asides[i].kind;
            folder->note = mem_text(asides[i].note);
            return;
        }
    }
    folder->kind = FOLDER_OTHER;
    if (!parse_partition(folder->name, strlen(folder->name), &folder->topic, &folder->partition))
        folder->partition = -1;
    else
        folder->kind = text_equal(folder->topic, "__cluster_metadata") ? FOLDER_METADATA : FOLDER_PARTITION;
}

static bool has_segment(struct fs *fs, const char *dir)
{
    struct fs_names names;
    bool found = false;

    if (fs_list(fs, dir, &names, NULL))
        return false;
    for (size_t i = 0; i < names.count && !found; i++)
        found = strlen(names.names[i]) == 24 && strspn(names.names[i], "0123456789") == 20 && text_ends(names.names[i], ".log");
    fs_names_free(&names);
    return found;
}

bool inspect_has_file(struct fs *fs, const char *dir, const char *name)
{
    char *path = mem_printf("%s/%s", dir, name);
    bool there = fs_exists(fs, path);

    mem_free(path);
    return there;
}

void inspect_split_dir(struct fs *fs, const char *given, char **dir, char **only)
{
    size_t size = strlen(given);
    char *clean, *slash, *topic = NULL;
    int32_t partition;

    while (size > 1 && given[size - 1] == '/')
        size--;
    clean = mem_text_size(given, size);
    slash = strrchr(clean, '/');
    *only = NULL;
    if (!inspect_has_file(fs, clean, "meta.properties") && parse_partition(slash ? slash + 1 : clean, strlen(slash ? slash + 1 : clean), &topic, &partition) &&
        has_segment(fs, clean)) {
        *only = mem_text(slash ? slash + 1 : clean);
        *dir = !slash ? mem_text(".") : slash == clean ? mem_text("/") : mem_text_size(clean, (size_t)(slash - clean));
        mem_free(clean);
    } else {
        *dir = clean;
    }
    mem_free(topic);
}

void inspect_set_aside(struct folder *folder, enum folder_kind kind, const char *why)
{
    folder->kind = kind;
    mem_free(folder->note);
    folder->note = mem_text(why);
}

static bool any_partition(struct fs *fs, const char *dir, const char *only, enum release *release, struct reason *reason, enum err *err)
{
    struct fs_names names = { 0 };
    bool found = false;

    *err = fs_list(fs, dir, &names, reason);
    for (size_t i = 0; !*err && i < names.count; i++) {
        char *topic = NULL, *path;
        int32_t partition;

        if (only && strcmp(only, names.names[i]))
            continue;
        if (!parse_partition(names.names[i], strlen(names.names[i]), &topic, &partition))
            continue;
        path = mem_printf("%s/%s", dir, names.names[i]);
        if (has_segment(fs, path)) {
            found = true;
            if (inspect_has_file(fs, path, "partition.metadata"))
                *release = RELEASE_43;
        }
        mem_free(path);
        mem_free(topic);
    }
    fs_names_free(&names);
    return found;
}

static enum err release_of(struct fs *fs, const char *dir, const char *only, enum release *release, struct reason *reason)
{
    char *path = mem_printf("%s/meta.properties", dir), *line, *rest;
    struct buffer bytes = { 0 };
    struct file_stat stat;
    enum err err = ERR_OK;

    *release = RELEASE_27;
    if (fs_stat(fs, dir, &stat)) {
        err = err_because(ERR_KAFKA_STORAGE_ERROR, reason, "%s: there is no such folder", dir);
    } else if (!stat.folder) {
        err = err_because(ERR_KAFKA_STORAGE_ERROR, reason, "%s is a file; --inspect wants the folder that a broker's log.dirs names", dir);
    } else if (fs_exists(fs, path)) {
        err = fs_read_all(fs, path, MOST_PROPERTIES, &bytes, reason);
        buffer_i8(&bytes, 0);
        for (line = err ? NULL : strtok_r((char *)bytes.data, "\r\n", &rest); line; line = strtok_r(NULL, "\r\n", &rest))
            if (text_equal(line, "version=1") || text_starts(line, "node.id="))
                *release = RELEASE_43;
    } else if (!any_partition(fs, dir, only, release, reason, &err) && !err) {
        if (inspect_has_file(fs, dir, "lab.db") || inspect_has_file(fs, dir, "broker-1") || inspect_has_file(fs, dir, "broker-0"))
            err = err_because(ERR_KAFKA_STORAGE_ERROR, reason, "%s is a lab of Kafkarium, no broker's log.dirs: kafkarium %s opens it; its brokers' folders are %s/broker-N",
                              dir, dir, dir);
        else
            err = err_because(ERR_KAFKA_STORAGE_ERROR, reason, "%s is no log.dirs of a broker: it has neither a meta.properties nor a folder TOPIC-PARTITION with a segment (.log) in it",
                              dir);
    }
    buffer_done(&bytes);
    mem_free(path);
    return err;
}

enum err inspect_release(struct fs *fs, const struct inspect_options *how, enum release *release, struct reason *reason)
{
    enum err err = ERR_OK;

    assert(how->dir_count);
    for (size_t i = 0; i < how->dir_count && !err; i++) {
        enum release one;
        char *dir, *only;

        inspect_split_dir(fs, how->dirs[i], &dir, &only);
        err = release_of(fs, dir, only, &one, reason);
        if (!err && i && one != *release)
            err = err_because(ERR_KAFKA_STORAGE_ERROR, reason, "%s and %s are not of one broker: one was written by a release with ZooKeeper, the other by one without", how->dirs[0], dir);
        *release = one;
        mem_free(dir);
        mem_free(only);
    }
    return err;
}
