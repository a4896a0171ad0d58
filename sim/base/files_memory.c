/* Files in memory: the tree is the disk. A file costs what was written to it, whatever its size says. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "sim/base/files_internal.h"
#include "sim/base/mem.h"

enum { BLOCK = 4096, BIG = 1 << 20, AHEAD = 256 * 1024 };

static int make(struct fs *fs, const char *path, bool folder, struct file **out)
{
    char *name;
    struct file *parent = tree_parent(fs, path, false, &name);
    int error = !parent ? ENOENT : !parent->folder ? ENOTDIR : 0;

    if (!error) {
        *out = tree_add(parent, name, folder);
        (*out)->created = true;
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

static bool is_mapped(size_t capacity)
{
    return capacity >= BIG;
}

static void give_back(struct file *file)
{
    if (is_mapped(file->capacity))
        munmap(file->data, file->capacity);
    else
        mem_free(file->data);
}

static uint8_t *map(size_t size)
{
    uint8_t *data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return data == MAP_FAILED ? mem_alloc(SIZE_MAX / 2) : data; /* that ends the program, as mem.h says */
}

/* Keeps what lies behind `written` zero. Big pieces are maps: they come zeroed and untouched, and grow without a copy. */
static void set_capacity(struct file *file, size_t capacity)
{
    uint8_t *data;

    if (is_mapped(capacity))
        capacity = (capacity + BLOCK - 1) / BLOCK * BLOCK;
    if (is_mapped(capacity) && is_mapped(file->capacity)) {
        data = mremap(file->data, file->capacity, capacity, MREMAP_MAYMOVE);
        file->data = data == MAP_FAILED ? mem_alloc(SIZE_MAX / 2) : data;
    } else if (!is_mapped(capacity) && !is_mapped(file->capacity)) {
        file->data = mem_resize(file->data, capacity);
        if (capacity > file->capacity)
            memset(file->data + file->capacity, 0, capacity - file->capacity);
    } else {
        data = is_mapped(capacity) ? map(capacity) : mem_zero(capacity);
        if (file->written)
            memcpy(data, file->data, file->written);
        give_back(file);
        file->data = data;
    }
    file->capacity = capacity;
}

static void make_room(struct file *file, size_t capacity)
{
    if (capacity > file->capacity)
        set_capacity(file, capacity);
}

/* Asks the system for the next pages of a growing map at once: one by one they cost far more than the bytes put in them. */
static void touch_ahead(struct file *file, size_t end)
{
#ifdef MADV_POPULATE_WRITE
    size_t from = (file->written + AHEAD - 1) / AHEAD * AHEAD, until = (end + AHEAD - 1) / AHEAD * AHEAD;

    if (until > file->capacity)
        until = file->capacity;
    if (from < until)
        madvise(file->data + from, until - from, MADV_POPULATE_WRITE); /* if it can't: they come by themselves */
#else
    (void)file, (void)end;
#endif
}

static int memory_write(struct file *file, const void *data, size_t size, int64_t position)
{
    size_t end = (size_t)position + size;

    if (end > file->capacity) {
        size_t capacity = file->capacity * 2 > 256 ? file->capacity * 2 : 256;

        make_room(file, capacity > end ? capacity : end);
    }
    if (is_mapped(file->capacity) && (size_t)position <= file->written)
        touch_ahead(file, end);
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
    /* index files end up at a small part of what they might have become */
    if (is_mapped(file->capacity) && file->written < file->capacity / 4)
        set_capacity(file, file->written + 1);
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
    give_back(file);
}

static int memory_stat(struct fs *fs, const char *path, struct file_stat *out)
{
    struct file *file = tree_find(fs, path);

    if (!file)
        return ENOENT;
    *out = (struct file_stat){ .size = file->folder ? BLOCK : file->size,
                               .allocated = (int64_t)((file->written + BLOCK - 1) / BLOCK * BLOCK),
                               .mtime_us = file->mtime_us,
                               .ctime_us = -1,
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
    for (struct file *above = moved->parent; above; above = above->parent)
        if (above == old)
            return ENOTEMPTY;
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

static int64_t memory_next_data(struct file *file, int64_t position)
{
    return (size_t)position < file->written ? position : file->size;
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
    .next_data = memory_next_data,
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
