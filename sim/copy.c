/* A stack of what is still to be copied, and the file under way. */
#include "sim/copy.h"

#include <string.h>

#include "sim/base/mem.h"

enum { PART = 256 * 1024, HOLE = 4096 };

struct item {
    char *from, *into;
    bool done;                    /* a folder whose content is there: its time is set now */
    int64_t mtime_us;
};
struct copy {
    struct fs *from, *to;
    struct item *items;
    size_t count, capacity;
    struct file *source, *target; /* of the last item, while a file is copied */
    int64_t at, size, bytes, files;
    uint8_t *part;
    enum err err;
    struct reason reason;
};

struct copy *copy_new(struct fs *from, struct fs *to)
{
    struct copy *copy = mem_zero(sizeof(*copy));

    copy->from = from;
    copy->to = to;
    copy->part = mem_alloc(PART);
    return copy;
}

void copy_add(struct copy *copy, const char *folder, const char *into)
{
    ARRAY_ADD(copy->items, copy->count, copy->capacity) = (struct item){ mem_text(folder), mem_text(into), false, 0 };
}

static void drop_item(struct copy *copy)
{
    struct item *item = &copy->items[--copy->count];

    mem_free(item->from);
    mem_free(item->into);
}

static void close_files(struct copy *copy)
{
    file_close(copy->source);
    file_close(copy->target);
    copy->source = copy->target = NULL;
}

static bool is_zero(const uint8_t *data, size_t size)
{
    return !size || (!*data && !memcmp(data, data + 1, size - 1));
}

static enum err write_part(struct copy *copy, size_t size)
{
    enum err err = ERR_OK;

    for (size_t at = 0; at < size && !err;) { /* runs of blocks with something in them */
        size_t end = at;

        while (end < size && !is_zero(copy->part + end, size - end < HOLE ? size - end : HOLE))
            end += size - end < HOLE ? size - end : HOLE;
        if (end > at) {
            err = file_write(copy->target, copy->part + at, end - at, copy->at + (int64_t)at, &copy->reason);
            copy->bytes += (int64_t)(end - at);
        }
        at = end > at ? end : end + (size - end < HOLE ? size - end : HOLE);
    }
    return err;
}

static enum err end_file(struct copy *copy)
{
    struct item item = copy->items[copy->count - 1];
    enum err err = ERR_OK;

    if (file_size(copy->target) != copy->size)
        err = file_truncate(copy->target, copy->size, &copy->reason);
    close_files(copy);
    if (!err)
        fs_set_mtime(copy->to, item.into, item.mtime_us);
    copy->files++;
    drop_item(copy);
    return err;
}

static enum err copy_part(struct copy *copy)
{
    int64_t at = file_next_data(copy->source, copy->at);
    size_t size;
    enum err err;

    copy->at = at < copy->size ? at : copy->size;
    size = copy->size - copy->at < PART ? (size_t)(copy->size - copy->at) : PART;
    if (!size)
        return end_file(copy);
    err = file_read(copy->source, copy->part, size, copy->at, &copy->reason);
    if (!err)
        err = write_part(copy, size);
    copy->at += (int64_t)size;
    return err;
}

static enum err open_folder(struct copy *copy)
{
    struct item item = copy->items[copy->count - 1];
    struct fs_names names;
    enum err err = fs_mkdir(copy->to, item.into, &copy->reason);

    copy->items[copy->count - 1].done = true;
    if (!err)
        err = fs_list(copy->from, item.from, &names, &copy->reason);
    if (err)
        return err;
    for (size_t i = 0; i < names.count; i++)
        ARRAY_ADD(copy->items, copy->count, copy->capacity) =
            (struct item){ mem_printf("%s/%s", item.from, names.names[i]), mem_printf("%s/%s", item.into, names.names[i]), false, 0 };
    fs_names_free(&names);
    return ERR_OK;
}

static enum err begin_item(struct copy *copy)
{
    struct item *item = &copy->items[copy->count - 1];
    struct file_stat stat;
    enum err err;

    if (item->done) {
        fs_set_mtime(copy->to, item->into, item->mtime_us);
        drop_item(copy);
        return ERR_OK;
    }
    if (fs_stat(copy->from, item->from, &stat)) { /* it went while others were copied */
        drop_item(copy);
        return ERR_OK;
    }
    item->mtime_us = stat.mtime_us;
    if (stat.folder)
        return open_folder(copy);
    err = fs_open(copy->from, item->from, FILE_READ, &copy->source, &copy->reason);
    if (err)
        return err;
    copy->at = 0;
    copy->size = file_size(copy->source);
    return fs_open(copy->to, item->into, FILE_WRITE | FILE_CREATE, &copy->target, &copy->reason);
}

bool copy_slice(struct copy *copy, int64_t (*now_us)(void), int64_t most_us)
{
    int64_t end = now_us ? now_us() + most_us : 0;

    while (copy->count && !copy->err) {
        copy->err = copy->target ? copy_part(copy) : begin_item(copy);
        if (copy->err)
            close_files(copy);
        else if (now_us && now_us() >= end)
            return !copy->count;
    }
    return true;
}

enum err copy_error(const struct copy *copy, struct reason *reason)
{
    return copy->err ? err_because(copy->err, reason, "%s", copy->reason.text) : ERR_OK;
}

int64_t copy_bytes(const struct copy *copy) { return copy->bytes; }
int64_t copy_files(const struct copy *copy) { return copy->files; }

void copy_free(struct copy *copy)
{
    if (!copy)
        return;
    close_files(copy);
    while (copy->count)
        drop_item(copy);
    mem_free(copy->items);
    mem_free(copy->part);
    mem_free(copy);
}

int64_t copy_size(struct fs *fs, const char *folder, int64_t most)
{
    struct fs_names names;
    int64_t size = 0;

    if (fs_list(fs, folder, &names, NULL))
        return 0;
    for (size_t i = 0; i < names.count && size <= most; i++) {
        char *path = mem_printf("%s/%s", folder, names.names[i]);
        struct file_stat stat;

        if (!fs_stat(fs, path, &stat))
            size += stat.folder ? copy_size(fs, path, most - size) : stat.allocated;
        mem_free(path);
    }
    fs_names_free(&names);
    return size;
}
