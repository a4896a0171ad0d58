/* Files in memory: the tree is the disk. A file costs what was written to it, whatever its size says. */
#include <errno.h>
#include <string.h>

#include "sim/base/files_internal.h"
#include "sim/base/mem.h"

enum { BLOCK = 4096, SMALL = 64 * 1024 };

static int make(struct fs *fs, const char *path, bool folder, struct file **out)
{
    char *name;
    struct file *parent = tree_parent(fs, path, false, &name);
    int error = !parent ? ENOENT : !parent->folder ? ENOTDIR : 0;

    if (!error) {
        *out = tree_add(parent, name, folder);
        file_changed(*out);
        folder_changed(parent);
    }
    mem_free(name);
    return error;
}

static int memory_open(struct fs *fs, const char *path, int flags, struct file **out)
{
    int error = 0;

    *out = tree_find(fs, path);
    if (*out && flags & FILE_NEW)
        return EEXIST;
    if (*out && (*out)->folder)
        return EISDIR;
    if (!*out)
        error = flags & FILE_CREATE || flags & FILE_NEW ? make(fs, path, false, out) : ENOENT;
    if (!error && flags & FILE_WRITE)
        (*out)->writable = true;
    return error;
}

static int memory_read(struct file *file, void *data, size_t size, int64_t position)
{
    size_t at = (size_t)position, there = at < file->written ? file->written - at : 0;

    if (there > size)
        there = size;
    if (there)
        memcpy(data, file->data + at, there);
    if (size > there)
        memset((uint8_t *)data + there, 0, size - there);
    return 0;
}

/* Keeps what lies behind `written` zero. Fresh large pieces come zeroed and untouched from the system. */
static void make_room(struct file *file, size_t capacity)
{
    uint8_t *data;

    if (capacity <= file->capacity)
        return;
    if (capacity < SMALL) {
        file->data = mem_resize(file->data, capacity);
        memset(file->data + file->capacity, 0, capacity - file->capacity);
    } else {
        data = mem_zero(capacity);
        if (file->written)
            memcpy(data, file->data, file->written);
        mem_free(file->data);
        file->data = data;
    }
    file->capacity = capacity;
}

static int memory_write(struct file *file, const void *data, size_t size, int64_t position)
{
    size_t end = (size_t)position + size;

    if (end > file->capacity) {
        size_t capacity = file->capacity * 2 > 256 ? file->capacity * 2 : 256;

        make_room(file, capacity > end ? capacity : end);
    }
    memcpy(file->data + position, data, size);
    if (end > file->written)
        file->written = end;
    return 0;
}

static int memory_truncate(struct file *file, int64_t size)
{
    if ((uint64_t)size < file->written) {
        memset(file->data + size, 0, file->written - (size_t)size);
        file->written = (size_t)size;
    }
    if (size == 0) {
        mem_free(file->data);
        file->data = NULL;
        file->capacity = 0;
    } else if (file->capacity > SMALL && file->written < file->capacity / 4) {
        uint8_t *data = mem_zero(file->written + 1); /* index files end up at a part of what they once might have had */

        memcpy(data, file->data, file->written);
        mem_free(file->data);
        file->data = data;
        file->capacity = file->written + 1;
    }
    return 0;
}

static int nothing(struct file *file)
{
    (void)file;
    return 0;
}

static void idle(struct file *file)
{
    (void)file;
}

static void release(struct file *file)
{
    mem_free(file->data);
}

static int memory_stat(struct fs *fs, const char *path, struct file_stat *out)
{
    struct file *file = tree_find(fs, path);

    if (!file)
        return ENOENT;
    *out = (struct file_stat){ .size = file->folder ? BLOCK : file->size,
                               .allocated = (int64_t)((file->written + BLOCK - 1) / BLOCK * BLOCK),
                               .mtime_us = file->mtime_us,
                               .folder = file->folder };
    if (file->folder)
        out->allocated = BLOCK;
    return 0;
}

static int memory_rename(struct fs *fs, const char *from, const char *to)
{
    struct file *moved = tree_find(fs, from), *old = tree_find(fs, to), *parent;
    char *name;

    if (!moved)
        return ENOENT;
    parent = tree_parent(fs, to, false, &name);
    mem_free(name);
    if (!parent)
        return ENOENT;
    if (!parent->folder)
        return ENOTDIR;
    for (struct file *above = parent; above; above = above->parent)
        if (above == moved)
            return EINVAL;
    if (!old || old == moved)
        return 0;
    if (old->folder != moved->folder)
        return old->folder ? EISDIR : ENOTDIR;
    return old->children ? ENOTEMPTY : 0;
}

static int memory_unlink(struct fs *fs, const char *path)
{
    struct file *file = tree_find(fs, path);

    return !file ? ENOENT : file->folder ? EISDIR : 0;
}

static int memory_mkdir(struct fs *fs, const char *path)
{
    struct file *folder;

    return make(fs, path, true, &folder);
}

static int memory_rmdir(struct fs *fs, const char *path)
{
    struct file *file = tree_find(fs, path);

    return !file ? ENOENT : !file->folder ? ENOTDIR : file->children ? ENOTEMPTY : !file->parent ? EBUSY : 0;
}

static int memory_list(struct fs *fs, const char *path, struct fs_names *out, size_t *capacity)
{
    struct file *folder = tree_find(fs, path);

    if (!folder)
        return ENOENT;
    if (!folder->folder)
        return ENOTDIR;
    for (struct file *file = folder->children; file; file = file->next)
        ARRAY_ADD(out->names, out->count, *capacity) = mem_text(file->name);
    return 0;
}

static int sync_folder(struct fs *fs, const char *path)
{
    struct file *folder = tree_find(fs, path);

    return folder ? 0 : ENOENT;
}

static const struct fs_kind memory = {
    .open = memory_open,
    .read = memory_read,
    .write = memory_write,
    .truncate = memory_truncate,
    .sync = nothing,
    .keep = nothing,
    .lost = idle,
    .idle = idle,
    .release = release,
    .stat = memory_stat,
    .rename = memory_rename,
    .unlink = memory_unlink,
    .mkdir = memory_mkdir,
    .rmdir = memory_rmdir,
    .list = memory_list,
    .sync_folder = sync_folder,
};

struct fs *fs_memory(const int64_t *clock)
{
    return fs_new(&memory, clock);
}

const uint8_t *file_bytes(struct file *file)
{
    if (file->fs->kind != &memory)
        return NULL;
    make_room(file, file->size ? (size_t)file->size : 1);
    return file->data;
}
