/* Handles and pins, names, and what else real and memory files have in common. */
#include "sim/base/files.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/files_faulty.h"
#include "sim/base/files_internal.h"
#include "sim/base/mem.h"

/* ---- virtual mtimes ---- */

static void make_dirty(struct file *file)
{
    struct fs *fs = file->fs;

    file->mtime_known = true;
    if (file->dirty || !fs->kind->settle || file->orphan)
        return;
    file->dirty = true;
    file->dirty_previous = NULL;
    file->dirty_next = fs->dirty;
    if (fs->dirty)
        fs->dirty->dirty_previous = file;
    fs->dirty = file;
}

void file_clean(struct file *file)
{
    if (!file->dirty)
        return;
    file->dirty = false;
    if (file->dirty_previous)
        file->dirty_previous->dirty_next = file->dirty_next;
    else
        file->fs->dirty = file->dirty_next;
    if (file->dirty_next)
        file->dirty_next->dirty_previous = file->dirty_previous;
}

void file_changed(struct file *file)
{
    file->mtime_us = *file->fs->clock;
    make_dirty(file);
}

void folder_changed(struct file *folder)
{
    if (folder && (folder->ours || !folder->fs->kind->settle))
        file_changed(folder);
}

void fs_set_mtime(struct fs *fs, const char *path, int64_t mtime_us)
{
    struct file *file = tree_find(fs, path);
    struct file_stat stat;

    if (!file) {
        if (fs->kind->stat(fs, path, &stat))
            return;
        file = tree_make(fs, path, stat.folder);
    }
    file->mtime_us = mtime_us;
    make_dirty(file);
}

void fs_settle(struct fs *fs)
{
    while (fs->dirty) {
        struct file *file = fs->dirty;

        file_clean(file);
        fs->kind->settle(file); /* a file system that keeps no times is no reason to stop */
    }
}

/* ---- errors ---- */

static enum err refuse(struct fs *fs, struct reason *reason, int error, const char *verb, const char *path)
{
    struct reason own;
    enum err err;

    fs->last_errno = error;
    if (!reason)
        reason = &own;
    err = err_because(ERR_KAFKA_STORAGE_ERROR, reason, "can't %s %s: %s", verb, path, strerror(error));
    if (fs->disks)
        disk_failed(fs, path, error, reason->text);
    return err;
}

static inline enum err answer(struct file *file, struct reason *reason, int error, const char *verb)
{
    return error ? refuse(file->fs, reason, error, verb, file_path(file)) : ERR_OK;
}

int fs_errno(const struct fs *fs)
{
    return fs->last_errno;
}

/* ---- the whole ---- */

struct fs *fs_new(const struct fs_kind *kind, const int64_t *clock)
{
    struct fs *fs = mem_zero(sizeof(*fs));

    fs->kind = kind;
    fs->clock = clock;
    fs->table_size = 256;
    fs->table = mem_zero_array(fs->table_size, sizeof(*fs->table));
    for (int i = 0; i < 2; i++) {
        fs->roots[i].fs = fs;
        fs->roots[i].folder = true;
        fs->roots[i].id = ++fs->next_id;
        fs->roots[i].mtime_us = *clock;
        if (kind->settle)
            fs->roots[i].fd = -1;
    }
    return fs;
}

void fs_free(struct fs *fs)
{
    if (!fs)
        return;
    fs_settle(fs);
    disks_free(fs);
    for (int i = 0; i < 2; i++) {
        while (fs->roots[i].children)
            tree_drop(fs->roots[i].children);
        mem_free(fs->roots[i].path);
    }
    mem_free(fs->table);
    mem_free(fs);
}

struct fs_counts fs_counts(const struct fs *fs)
{
    return fs->counts;
}

/* ---- handles ---- */

enum err fs_open(struct fs *fs, const char *path, int flags, struct file **out, struct reason *reason)
{
    int error;

    *out = NULL;
    if (flags & (FILE_CREATE | FILE_NEW))
        flags |= FILE_WRITE;
    error = fs->disks && flags & (FILE_CREATE | FILE_NEW) ? disk_before_create(fs, path, false) : 0;
    if (!error)
        error = fs->kind->open(fs, path, flags, out);
    if (error) {
        *out = NULL;
        return refuse(fs, reason, error, flags & FILE_NEW ? "create" : "open", path);
    }
    if ((*out)->created && fs->disks)
        disk_created(fs, path, false);
    (*out)->created = false;
    (*out)->refs++;
    fs->counts.opens++;
    return ERR_OK;
}

static void let_go(struct file *file)
{
    if (file_held(file))
        return;
    if (file->orphan)
        tree_release(file);
    else
        file->fs->kind->idle(file);
}

void file_close(struct file *file)
{
    if (!file)
        return;
    assert(file->refs > 0);
    file->refs--;
    if (file->dirty && !file->refs) {
        file_clean(file);
        file->fs->kind->settle(file);
    }
    let_go(file);
}

struct file *file_pin(struct file *file)
{
    file->pins++;
    return file;
}

void file_unpin(struct file *file)
{
    assert(file->pins > 0);
    file->pins--;
    let_go(file);
}

const char *file_path(const struct file *file)
{
    struct file *node = (struct file *)file; /* only what is remembered changes */
    size_t size;

    if (file->orphan || (file->path && file->path_age == file->fs->age))
        return file->path;
    size = tree_path_size(file) + 2;
    node->path = mem_resize(file->path, size);
    node->path_age = file->fs->age;
    tree_path(file, node->path, size);
    return node->path;
}

int64_t file_size(const struct file *file)
{
    return file->size;
}

enum err file_read(struct file *file, void *data, size_t size, int64_t position, struct reason *reason)
{
    if (position < 0 || position > file->size || (uint64_t)(file->size - position) < size) {
        file->fs->last_errno = ENODATA;
        return err_because(ERR_KAFKA_STORAGE_ERROR, reason, "can't read %s: %zu bytes at %lld, but it ends at %lld",
                           file_path(file), size, (long long)position, (long long)file->size);
    }
    if (file->fs->faulty_disks) {
        int error = disk_before_read(file);

        if (error)
            return refuse(file->fs, reason, error, "read", file_path(file));
    }
    file->fs->counts.reads++;
    file->fs->counts.bytes_read += size;
    return answer(file, reason, file->fs->kind->read(file, data, size, position), "read");
}

enum err file_read_some(struct file *file, void *data, size_t size, int64_t position, size_t *got, struct reason *reason)
{
    enum err err;

    *got = 0;
    if (position >= file->size)
        return ERR_OK;
    if (position >= 0 && (uint64_t)(file->size - position) < size)
        size = (size_t)(file->size - position);
    err = file_read(file, data, size, position, reason);
    if (!err)
        *got = size;
    return err;
}

enum err file_write(struct file *file, const void *data, size_t size, int64_t position, struct reason *reason)
{
    int error;

    assert(position >= 0 && file->writable);
    if (!size)
        return ERR_OK;
    error = file->fs->disks ? disk_before_write(file, size, position) : 0;
    if (!error)
        error = file->fs->kind->write(file, data, size, position);
    if (error)
        return refuse(file->fs, reason, error, "write", file_path(file));
    if (position + (int64_t)size > file->size)
        file->size = position + (int64_t)size;
    file->fs->counts.writes++;
    file->fs->counts.bytes_written += size;
    file_changed(file);
    return ERR_OK;
}

enum err file_append(struct file *file, const void *data, size_t size, struct reason *reason)
{
    return file_write(file, data, size, file->size, reason);
}

enum err file_truncate(struct file *file, int64_t size, struct reason *reason)
{
    int error;

    assert(size >= 0 && file->writable);
    if (size == file->size)
        return ERR_OK;
    error = file->fs->disks ? disk_before_truncate(file, size) : 0;
    if (!error)
        error = file->fs->kind->truncate(file, size);
    if (error)
        return refuse(file->fs, reason, error, "cut", file_path(file));
    file->size = size;
    file_changed(file);
    return ERR_OK;
}

enum err file_sync(struct file *file, struct reason *reason)
{
    int error = file->fs->disks ? disk_before_sync(file) : 0;

    file->fs->counts.syncs++;
    if (!error && file->fs->durable)
        error = file->fs->kind->sync(file);
    if (!error && file->fs->disks)
        disk_synced(file);
    return answer(file, reason, error, "sync");
}

int64_t file_next_data(struct file *file, int64_t position)
{
    int64_t at = position < file->size && file->fs->kind->next_data ? file->fs->kind->next_data(file, position) : position;

    return at < file->size ? at : file->size;
}

int file_descriptor(struct file *file, struct reason *reason)
{
    int fd = -1;

    if (!file->fs->kind->descriptor)
        return -1;
    answer(file, reason, file->fs->kind->descriptor(file, &fd), "open");
    return fd;
}

/* ---- names ---- */

enum err fs_stat(struct fs *fs, const char *path, struct file_stat *out)
{
    int error = fs->kind->stat(fs, path, out);

    if (!error)
        return ERR_OK;
    fs->last_errno = error;
    *out = (struct file_stat){ 0 };
    return ERR_UNKNOWN_SERVER_ERROR;
}

bool fs_exists(struct fs *fs, const char *path)
{
    struct file_stat stat;

    return !fs->kind->stat(fs, path, &stat);
}

static int rename_node(struct fs *fs, const char *from, const char *to)
{
    struct file *moved = tree_find(fs, from), *old = tree_find(fs, to), *folder, *left = NULL;
    char *name;
    int error = fs->disks ? disk_before_rename(fs, from, to) : 0;
    bool over = fs->disks && (old || fs_exists(fs, to));

    if (!error && old && old != moved && file_held(old))
        error = fs->kind->keep(old);
    if (!error)
        error = fs->kind->rename(fs, from, to);
    if (fs->disks && !error)
        disk_renamed(fs, from, to, over);
    else if (fs->disks)
        disk_rename_failed(fs, from);
    if (error || (moved && moved == old))
        return error;
    if (old)
        tree_drop(old);
    if (moved) {
        folder = tree_parent(fs, to, true, &name);
        left = moved->parent;
        tree_move(moved, folder, name);
        if (moved->folder)
            fs->age++;
        moved->path_age = fs->age - 1; /* its own path at least is another now */
    } else {
        left = tree_parent(fs, from, false, &name);
        mem_free(name);
        folder = tree_parent(fs, to, false, &name);
        mem_free(name);
    }
    folder_changed(left);
    folder_changed(folder);
    return 0;
}

static enum err refuse_rename(struct fs *fs, struct reason *reason, int error, const char *from, const char *to)
{
    struct reason own;
    enum err err;

    fs->last_errno = error;
    if (!reason)
        reason = &own;
    err = err_because(ERR_KAFKA_STORAGE_ERROR, reason, "can't rename %s to %s: %s", from, to, strerror(error));
    if (fs->disks)
        disk_failed(fs, from, error, reason->text);
    return err;
}

enum err fs_rename(struct fs *fs, const char *from, const char *to, struct reason *reason)
{
    int error = rename_node(fs, from, to);

    if (!error)
        return ERR_OK;
    return refuse_rename(fs, reason, error, from, to);
}

static int unlink_name(struct fs *fs, const char *path)
{
    struct file *file = tree_find(fs, path), *folder;
    int error = file && file_held(file) ? fs->kind->keep(file) : 0;

    if (error && error != ENOENT)
        return error;
    error = fs->disks ? disk_before_delete(fs, path, false) : 0;
    if (error)
        return error;
    error = fs->kind->unlink(fs, path);
    if (fs->disks)
        disk_deleted(fs, path, false, !error);
    if (error)
        return error == ENOENT || error == ENOTDIR ? 0 : error; /* below a file there is nothing */
    if (file) {
        folder = file->parent;
        tree_drop(file);
    } else {
        char *name;

        folder = tree_parent(fs, path, false, &name);
        mem_free(name);
    }
    folder_changed(folder);
    return 0;
}

enum err fs_unlink(struct fs *fs, const char *path, struct reason *reason)
{
    int error = unlink_name(fs, path);

    return error ? refuse(fs, reason, error, "delete", path) : ERR_OK;
}

static int make_folder(struct fs *fs, const char *path)
{
    struct file_stat stat;
    struct file *folder;
    const char *end = path + strlen(path);
    int error;

    if (!fs->kind->stat(fs, path, &stat))
        return stat.folder ? 0 : EEXIST;
    while (end > path && end[-1] == '/')
        end--;
    while (end > path && end[-1] != '/')
        end--;
    if (end > path + 1) {
        char *above = mem_text_size(path, (size_t)(end - path));

        error = make_folder(fs, above);
        mem_free(above);
        if (error)
            return error;
    }
    error = fs->disks ? disk_before_create(fs, path, true) : 0;
    if (!error)
        error = fs->kind->mkdir(fs, path);
    if (error)
        return error;
    if (fs->disks)
        disk_created(fs, path, true);
    folder = tree_make(fs, path, true);
    folder->ours = true;
    file_changed(folder);
    folder_changed(folder->parent);
    return 0;
}

enum err fs_mkdir(struct fs *fs, const char *path, struct reason *reason)
{
    int error = make_folder(fs, path);

    return error ? refuse(fs, reason, error, "create the folder", path) : ERR_OK;
}

enum err fs_remove_tree(struct fs *fs, const char *path, struct reason *reason)
{
    struct fs_names names = { 0 };
    struct file *node, *parent;
    size_t capacity = 0;
    enum err err = ERR_OK;
    int error;

    error = unlink_name(fs, path); /* first, as a link to a folder goes and not what it points at */
    if (error == EISDIR)
        error = fs->kind->list(fs, path, &names, &capacity);
    else if (!error)
        return ERR_OK;
    if (error)
        return refuse(fs, reason, error, "delete", path);
    for (size_t i = 0; i < names.count && !err; i++) {
        char *below = mem_printf("%s/%s", path, names.names[i]);

        err = fs_remove_tree(fs, below, reason);
        mem_free(below);
    }
    fs_names_free(&names);
    if (err)
        return err;
    error = fs->disks ? disk_before_delete(fs, path, true) : 0;
    if (!error)
        error = fs->kind->rmdir(fs, path);
    if (fs->disks)
        disk_deleted(fs, path, true, !error);
    if (error)
        return refuse(fs, reason, error, "delete", path);
    node = tree_find(fs, path);
    if (node && node->parent) {
        parent = node->parent;
        tree_drop(node);
        folder_changed(parent);
    }
    return ERR_OK;
}

enum err fs_sync_folder(struct fs *fs, const char *path, struct reason *reason)
{
    int error;

    fs->counts.syncs++;
    error = fs->disks ? disk_before_sync_folder(fs, path) : 0;
    if (!error && fs->durable)
        error = fs->kind->sync_folder(fs, path);
    if (!error && fs->disks)
        disk_folder_synced(fs, path);
    return error ? refuse(fs, reason, error, "sync", path) : ERR_OK;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

enum err fs_list(struct fs *fs, const char *path, struct fs_names *out, struct reason *reason)
{
    size_t capacity = 0;
    int error;

    *out = (struct fs_names){ 0 };
    error = fs->kind->list(fs, path, out, &capacity);
    if (error) {
        fs_names_free(out);
        return refuse(fs, reason, error, "list", path);
    }
    if (out->count)
        qsort(out->names, out->count, sizeof(*out->names), by_bytes);
    return ERR_OK;
}

void fs_names_free(struct fs_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        mem_free(names->names[i]);
    mem_free(names->names);
    *names = (struct fs_names){ 0 };
}

/* ---- whole files ---- */

enum err fs_read_all(struct fs *fs, const char *path, size_t limit, struct buffer *out, struct reason *reason)
{
    struct file *file;
    enum err err = fs_open(fs, path, FILE_READ, &file, reason);

    buffer_clear(out);
    if (err)
        return fs->last_errno == ENOENT ? ERR_UNKNOWN_SERVER_ERROR : err;
    if ((uint64_t)file->size > limit) {
        fs->last_errno = EFBIG;
        err = err_because(ERR_KAFKA_STORAGE_ERROR, reason, "%s has %lld bytes, more than the %zu that it may have", path,
                          (long long)file->size, limit);
    } else if (file->size) {
        err = file_read(file, buffer_add(out, (size_t)file->size), (size_t)file->size, 0, reason);
        if (err)
            buffer_clear(out);
    }
    file_close(file);
    return err;
}

static enum err sync_folder_of(struct fs *fs, const char *path, struct reason *reason)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? mem_text_size(path, (size_t)(slash - path) + 1) : mem_text(".");
    enum err err = fs_sync_folder(fs, folder, reason);

    mem_free(folder);
    return err;
}

enum err fs_replace(struct fs *fs, const char *path, struct bytes bytes, struct reason *reason)
{
    char *new_path = mem_printf("%s.tmp", path);
    struct file *file;
    enum err err = fs_open(fs, new_path, FILE_CREATE, &file, reason);

    if (err)
        goto out;
    err = file_truncate(file, 0, reason); /* left by a crash */
    if (!err)
        err = file_write(file, bytes.data, bytes.size, 0, reason);
    if (!err)
        err = file_sync(file, reason);
    file_changed(file);
    file->refs--; /* not file_close(): the time is written once, by fs_settle() */
    let_go(file);
    if (!err)
        err = fs_rename(fs, new_path, path, reason);
    if (err)
        fs_unlink(fs, new_path, NULL);
    else if (fs->durable)
        err = sync_folder_of(fs, path, reason);
out:
    mem_free(new_path);
    return err;
}
