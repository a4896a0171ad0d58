/* The tree of names, handles and pins, and what real and memory files have in common. */
#include "sim/base/files.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/files_faulty.h"
#include "sim/base/files_internal.h"
#include "sim/base/mem.h"

/* ---- the tree ---- */

static uint32_t hash_of(uint32_t folder_id, const char *name, size_t size)
{
    uint32_t hash = 2166136261u ^ folder_id * 2654435761u;

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (uint8_t)name[i]) * 16777619u;
    return hash ^ hash >> 15;
}

static void table_put(struct fs *fs, struct file *file)
{
    struct file **slot = &fs->table[file->hash & (fs->table_size - 1)];

    file->hash_next = *slot;
    *slot = file;
}

static void table_grow(struct fs *fs)
{
    struct file **old = fs->table;
    size_t old_size = fs->table_size;

    fs->table_size *= 2;
    fs->table = mem_zero_array(fs->table_size, sizeof(*fs->table));
    for (size_t i = 0; i < old_size; i++) {
        for (struct file *file = old[i], *next; file; file = next) {
            next = file->hash_next;
            table_put(fs, file);
        }
    }
    mem_free(old);
}

static void link_node(struct file *folder, struct file *file)
{
    struct fs *fs = folder->fs;

    file->parent = folder;
    file->previous = NULL;
    file->next = folder->children;
    if (file->next)
        file->next->previous = file;
    folder->children = file;
    file->hash = hash_of(folder->id, file->name, strlen(file->name));
    if (fs->node_count++ >= fs->table_size)
        table_grow(fs);
    table_put(fs, file);
}

static void unlink_node(struct file *file)
{
    struct fs *fs = file->fs;
    struct file **slot = &fs->table[file->hash & (fs->table_size - 1)];

    while (*slot != file)
        slot = &(*slot)->hash_next;
    *slot = file->hash_next;
    fs->node_count--;
    if (file->previous)
        file->previous->next = file->next;
    else
        file->parent->children = file->next;
    if (file->next)
        file->next->previous = file->previous;
    file->parent = file->next = file->previous = NULL;
}

struct file *tree_child(struct file *folder, const char *name, size_t size)
{
    struct fs *fs = folder->fs;
    uint32_t hash = hash_of(folder->id, name, size);
    struct file *file = fs->table[hash & (fs->table_size - 1)];

    for (; file; file = file->hash_next)
        if (file->hash == hash && file->parent == folder && !strncmp(file->name, name, size) && !file->name[size])
            return file;
    return NULL;
}

struct file *tree_add(struct file *folder, const char *name, bool is_folder)
{
    struct file *file = mem_zero(sizeof(*file));

    file->fs = folder->fs;
    file->id = ++folder->fs->next_id;
    file->name = mem_text(name);
    file->folder = is_folder;
    if (folder->fs->kind->settle)
        file->fd = -1;
    link_node(folder, file);
    return file;
}

/* The next name of a path, "." left out; size 0 at the end. */
static const char *next_name(const char **path, size_t *size)
{
    const char *at = *path;

    for (;;) {
        while (*at == '/')
            at++;
        *size = strcspn(at, "/");
        if (*size != 1 || *at != '.')
            break;
        at++;
    }
    *path = at + *size;
    return at;
}

static bool goes_up(const struct file *at, const char *name, size_t size)
{
    return size == 2 && !memcmp(name, "..", 2) && (at == &at->fs->roots[0] || (at->parent && strcmp(at->name, "..")));
}

/* Walks all names of `path` but the last `leave` (0 or 1). */
static struct file *walk(struct fs *fs, const char *path, bool make, bool last_is_folder, bool leave, char **left)
{
    struct file *at = &fs->roots[*path != '/'];
    size_t size, next_size;
    const char *name = next_name(&path, &size);

    for (; size && at; size = next_size) {
        const char *next = next_name(&path, &next_size);

        if (leave && !next_size) {
            *left = mem_text_size(name, size);
            return at;
        }
        if (goes_up(at, name, size)) {
            at = at->parent ? at->parent : at;
        } else {
            struct file *child = tree_child(at, name, size);

            if (!child && make) {
                char *copy = mem_text_size(name, size);

                child = tree_add(at, copy, next_size || last_is_folder);
                mem_free(copy);
            }
            at = child;
        }
        name = next;
    }
    return leave ? NULL : at;
}

struct file *tree_find(struct fs *fs, const char *path)
{
    return walk(fs, path, false, false, false, NULL);
}

struct file *tree_make(struct fs *fs, const char *path, bool folder)
{
    return walk(fs, path, true, folder, false, NULL);
}

struct file *tree_parent(struct fs *fs, const char *path, bool make, char **name)
{
    *name = NULL;
    return walk(fs, path, make, true, true, name);
}

static void node_free(struct file *file)
{
    file_clean(file);
    disk_forget(file);
    file->fs->kind->release(file);
    mem_free(file->name);
    mem_free(file->path);
    mem_free(file);
}

void tree_drop(struct file *file)
{
    while (file->children)
        tree_drop(file->children);
    assert(file->parent);
    if (file_held(file))
        file_path(file); /* still told by it */
    unlink_node(file);
    if (!file_held(file)) {
        node_free(file);
        return;
    }
    file_clean(file);
    disk_forget(file);
    file->fs->kind->lost(file);
    file->orphan = true;
}

static size_t path_size(const struct file *file)
{
    size_t size = 0;

    for (; file->parent; file = file->parent)
        size += strlen(file->name) + 1;
    return size;
}

int tree_path(const struct file *file, char *out, size_t size)
{
    size_t at = path_size(file);
    const struct file *node = file;

    if (at + 2 > size)
        return ENAMETOOLONG;
    out[at] = 0;
    for (; node->parent; node = node->parent) {
        size_t length = strlen(node->name);

        at -= length;
        memcpy(out + at, node->name, length);
        out[--at] = '/';
    }
    if (node == &node->fs->roots[1])
        memmove(out, out + 1, path_size(file)); /* a relative one has no slash in front */
    if (!*out)
        strcpy(out, node == &node->fs->roots[1] ? "." : "/");
    return 0;
}

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
        node_free(file);
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
    size = path_size(file) + 2;
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
        unlink_node(moved);
        mem_free(moved->name);
        moved->name = name;
        link_node(folder, moved);
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
