/* The tree of names that all kinds of files share: found by folder and name in one hash table. */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "sim/base/files_faulty.h"
#include "sim/base/files_internal.h"
#include "sim/base/mem.h"

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

static struct file *tree_child(struct file *folder, const char *name, size_t size)
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

void tree_move(struct file *file, struct file *folder, char *name)
{
    unlink_node(file);
    mem_free(file->name);
    file->name = name;
    link_node(folder, file);
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

void tree_release(struct file *file)
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
        tree_release(file);
        return;
    }
    file_clean(file);
    disk_forget(file);
    file->fs->kind->lost(file);
    file->orphan = true;
}

size_t tree_path_size(const struct file *file)
{
    size_t size = 0;

    for (; file->parent; file = file->parent)
        size += strlen(file->name) + 1;
    return size;
}

int tree_path(const struct file *file, char *out, size_t size)
{
    size_t at = tree_path_size(file);
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
        memmove(out, out + 1, tree_path_size(file)); /* a relative one has no slash in front */
    if (!*out)
        strcpy(out, node == &node->fs->roots[1] ? "." : "/");
    return 0;
}
