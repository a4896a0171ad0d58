/* The small text files of a log dir. */
#include "sim/log/checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim/base/mem.h"

enum { MOST_CHECKPOINT_BYTES = 64 * 1024 * 1024, MOST_PROPERTIES_BYTES = 64 * 1024 };

static char *join(const char *dir, const char *name)
{
    return mem_printf("%s/%s", dir, name);
}

/* A whole text file with a NUL behind it; *there false: missing or empty. */
static enum err read_text(struct fs *fs, const char *path, size_t limit, struct buffer *out, bool *there, struct reason *reason)
{
    enum err err = fs_read_all(fs, path, limit, out, reason);

    *there = !err && out->size;
    *buffer_add(out, 1) = 0;
    return err == ERR_UNKNOWN_SERVER_ERROR ? ERR_OK : err;
}

/* ---- offset checkpoints ---- */

void checkpoint_add(struct checkpoint *checkpoint, const char *topic, int32_t partition, int64_t offset)
{
    ARRAY_ADD(checkpoint->lines, checkpoint->count, checkpoint->capacity) =
        (struct checkpoint_line){ mem_text(topic), partition, offset };
}

void checkpoint_done(struct checkpoint *checkpoint)
{
    for (size_t i = 0; i < checkpoint->count; i++)
        mem_free(checkpoint->lines[i].topic);
    mem_free(checkpoint->lines);
    *checkpoint = (struct checkpoint){ 0 };
}

/* The line at *at without its end, NUL put in; NULL: none is left. */
static char *take_line(char **at)
{
    char *line = *at, *end = strchr(line, '\n');

    if (!*line)
        return NULL;
    if (end)
        *end = 0;
    *at = end ? end + 1 : line + strlen(line);
    return line;
}

static bool parse_line(char *line, struct checkpoint *out)
{
    char *second = strrchr(line, ' '), *first;
    int64_t offset;
    int32_t partition;

    if (!second)
        return false;
    *second++ = 0;
    first = strrchr(line, ' ');
    if (!first || first == line)
        return false;
    *first++ = 0;
    if (!parse_i32(first, &partition) || partition < 0 || !parse_i64(second, &offset))
        return false;
    checkpoint_add(out, line, partition, offset);
    return true;
}

enum err checkpoint_read(struct fs *fs, const char *path, struct checkpoint *out, struct reason *reason)
{
    struct buffer bytes = { 0 };
    char *at, *line;
    int64_t version, count, number = 0;
    bool there;
    enum err err;

    *out = (struct checkpoint){ 0 };
    err = read_text(fs, path, MOST_CHECKPOINT_BYTES, &bytes, &there, reason);
    if (err || !there)
        goto out;
    at = (char *)bytes.data;
    line = take_line(&at);
    number++;
    if (!line || !parse_i64(line, &version) || version != 0)
        goto damaged;
    line = take_line(&at);
    number++;
    if (!line || !parse_i64(line, &count) || count < 0)
        goto damaged;
    while ((line = take_line(&at))) {
        number++;
        if ((int64_t)out->count == count || !parse_line(line, out))
            goto damaged;
    }
    if ((int64_t)out->count == count)
        goto out;
damaged:
    err = err_because(ERR_KAFKA_STORAGE_ERROR, reason, "%s: line %lld is not what a checkpoint has there", path, (long long)number);
    checkpoint_done(out);
out:
    buffer_done(&bytes);
    return err;
}

static int line_order(const void *a, const void *b)
{
    const struct checkpoint_line *left = a, *right = b;
    int order = strcmp(left->topic, right->topic);

    return order ? order : (left->partition > right->partition) - (left->partition < right->partition);
}

void checkpoint_sort(struct checkpoint *checkpoint)
{
    if (checkpoint->count > 1)
        qsort(checkpoint->lines, checkpoint->count, sizeof(*checkpoint->lines), line_order);
}

int64_t checkpoint_offset(const struct checkpoint *checkpoint, const char *topic, int32_t partition, int64_t missing)
{
    const struct checkpoint_line wanted = { .topic = (char *)topic, .partition = partition };
    const struct checkpoint_line *line = checkpoint->count ? bsearch(&wanted, checkpoint->lines, checkpoint->count, sizeof(wanted), line_order) : NULL;

    return line ? line->offset : missing;
}

static void put_number(struct text *text, int64_t number)
{
    char digits[24], *at = digits + sizeof(digits);
    uint64_t left = number < 0 ? -(uint64_t)number : (uint64_t)number;

    *--at = 0;
    do
        *--at = (char)('0' + left % 10);
    while (left /= 10);
    if (number < 0)
        *--at = '-';
    text_add(text, at);
}

void checkpoint_line(struct text *lines, const char *topic, int32_t partition, int64_t offset)
{
    text_add(lines, topic);
    text_add(lines, " ");
    put_number(lines, partition);
    text_add(lines, " ");
    put_number(lines, offset);
    text_add(lines, "\n");
}

enum err checkpoint_write(struct fs *fs, const char *path, const struct checkpoint *checkpoint, struct reason *reason)
{
    struct text lines = { 0 };
    enum err err;

    for (size_t i = 0; i < checkpoint->count; i++)
        checkpoint_line(&lines, checkpoint->lines[i].topic, checkpoint->lines[i].partition, checkpoint->lines[i].offset);
    err = checkpoint_write_lines(fs, path, checkpoint->count, &lines, reason);
    text_done(&lines);
    return err;
}

enum err checkpoint_write_lines(struct fs *fs, const char *path, size_t count, const struct text *lines, struct reason *reason)
{
    struct text text = { 0 };
    enum err err;

    text_printf(&text, "0\n%zu\n", count);
    if (count)
        text_add(&text, text_chars(lines));
    err = fs_replace(fs, path, bytes_text(text_chars(&text)), reason);
    text_done(&text);
    return err;
}

/* ---- partition.metadata ---- */

enum err partition_metadata_write(struct fs *fs, const char *dir, struct uuid topic_id, struct reason *reason)
{
    char *path = join(dir, "partition.metadata"), id[UUID_TEXT], text[64];
    struct uuid there;
    enum err err = ERR_OK;

    uuid_text(topic_id, id);
    snprintf(text, sizeof(text), "version: 0\ntopic_id: %s", id);
    if (partition_metadata_read(fs, dir, &there, NULL) || !uuid_equal(there, topic_id))
        err = fs_replace(fs, path, bytes_text(text), reason);
    mem_free(path);
    return err;
}

enum err partition_metadata_read(struct fs *fs, const char *dir, struct uuid *topic_id, struct reason *reason)
{
    char *path = join(dir, "partition.metadata"), *at, *line;
    struct buffer bytes = { 0 };
    bool there, version = false, id = false;
    enum err err;

    *topic_id = (struct uuid){ 0 };
    err = read_text(fs, path, MOST_PROPERTIES_BYTES, &bytes, &there, reason);
    at = (char *)bytes.data;
    while (!err && there && (line = take_line(&at))) {
        if (text_equal(line, "version: 0"))
            version = true;
        else if (text_starts(line, "topic_id: "))
            id = uuid_parse(line + strlen("topic_id: "), topic_id);
    }
    if (!err && there && !(version && id))
        err = err_because(ERR_KAFKA_STORAGE_ERROR, reason, "%s: should say version: 0 and topic_id: 22 characters", path);
    buffer_done(&bytes);
    mem_free(path);
    return err;
}

/* ---- meta.properties ---- */

/* java.util.Date: "Mon Nov 23 07:49:27 UTC 2026". */
static void add_java_date(struct text *text, int64_t now_us)
{
    static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t seconds = (time_t)(now_us / 1000000);
    struct tm tm;

    gmtime_r(&seconds, &tm);
    text_printf(text, "%.3s %.3s %02d %02d:%02d:%02d UTC %d", days + tm.tm_wday * 3, months + tm.tm_mon * 3, tm.tm_mday,
                tm.tm_hour, tm.tm_min, tm.tm_sec, tm.tm_year + 1900);
}

enum err meta_properties_write(struct fs *fs, const char *log_dir, enum release release, int64_t now_us,
                               const struct meta_properties *meta, struct reason *reason)
{
    char *path = join(log_dir, "meta.properties");
    struct text text = { 0 };
    enum err err;

    text_add(&text, "#\n#");
    add_java_date(&text, now_us);
    if (release_is_27(release))
        text_printf(&text, "\nbroker.id=%d\nversion=0\ncluster.id=%s\n", meta->node_id, meta->cluster_id);
    else
        text_printf(&text, "\nnode.id=%d\ndirectory.id=%s\nversion=1\ncluster.id=%s\n", meta->node_id, meta->directory_id, meta->cluster_id);
    err = fs_replace(fs, path, bytes_text(text_chars(&text)), reason);
    text_done(&text);
    mem_free(path);
    return err;
}

static void copy_id(char out[UUID_TEXT], const char *value)
{
    snprintf(out, UUID_TEXT, "%s", value);
}

enum err meta_properties_read(struct fs *fs, const char *log_dir, struct meta_properties *out, struct reason *reason)
{
    char *path = join(log_dir, "meta.properties"), *at, *line;
    struct buffer bytes = { 0 };
    bool there;
    enum err err;

    *out = (struct meta_properties){ .node_id = -1 };
    err = read_text(fs, path, MOST_PROPERTIES_BYTES, &bytes, &there, reason);
    at = (char *)bytes.data;
    while (!err && there && (line = take_line(&at))) {
        char *equals = strchr(line, '=');

        if (*line == '#' || !equals)
            continue;
        *equals++ = 0;
        if (text_equal(line, "broker.id") || text_equal(line, "node.id"))
            parse_i32(equals, &out->node_id);
        else if (text_equal(line, "cluster.id"))
            copy_id(out->cluster_id, equals);
        else if (text_equal(line, "directory.id"))
            copy_id(out->directory_id, equals);
    }
    if (!err && there && out->node_id < 0)
        err = err_because(ERR_KAFKA_STORAGE_ERROR, reason, "%s names no broker.id or node.id", path);
    buffer_done(&bytes);
    mem_free(path);
    return err;
}

/* ---- the clean marker ---- */

enum err clean_marker_write(struct fs *fs, const char *log_dir, enum release release, int64_t broker_epoch, struct reason *reason)
{
    char *path = join(log_dir, ".kafka_cleanshutdown"), text[64] = "";
    struct file *file;
    enum err err;

    if (!release_is_27(release))
        snprintf(text, sizeof(text), "{\"version\":0,\"brokerEpoch\":%lld}", (long long)broker_epoch);
    err = fs_open(fs, path, FILE_READ | FILE_WRITE | FILE_CREATE, &file, reason);
    mem_free(path);
    if (err)
        return err;
    err = file_truncate(file, 0, reason);
    if (!err && *text)
        err = file_write(file, text, strlen(text), 0, reason);
    if (!err)
        err = file_sync(file, reason);
    file_close(file);
    return err;
}

bool clean_marker_take(struct fs *fs, const char *log_dir)
{
    char *path = join(log_dir, ".kafka_cleanshutdown");
    bool there = fs_exists(fs, path);

    if (there)
        fs_unlink(fs, path, NULL);
    mem_free(path);
    return there;
}
