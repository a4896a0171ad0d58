/* A faulty disk: what is refused, and what a power-off takes. */
#include "sim/base/files_faulty.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/files_internal.h"
#include "sim/base/mem.h"

enum { SECTOR = 512, MOST_SAVED_BYTES = 1 << 20, MOST_CHANGES = 4096, MOST_CUT = 64 * 1024, MOST_KEPT = 64 << 20, MOST_LOSSES = 1000 };

struct saved {                    /* a sector as it was when it was last flushed */
    int64_t number;
    uint8_t *bytes;               /* NULL: zeros */
};

struct unflushed {                /* a file with bytes that a power-off may take */
    struct file *file;
    struct disk *disk;
    struct unflushed *next, *previous;
    int64_t flushed_size;
    int64_t cut_size;             /* the least size since, where that is less; INT64_MAX: it was not cut */
    int64_t written_end;          /* of what was written since; beyond it there may be a hole */
    struct saved *saved;          /* sectors below flushed_size that were overwritten or cut since */
    size_t saved_count, saved_capacity;
    int64_t last_saved;           /* greatest number */
};

enum change_kind { CHANGE_CREATE, CHANGE_MKDIR, CHANGE_RENAME, CHANGE_DELETE, CHANGE_RMDIR };
struct change {                   /* of names, not settled yet */
    enum change_kind kind;
    char *path, *to;              /* to: of a rename */
    struct buffer *content;       /* of a deleted file, or of the one renamed over; NULL: there was none */
};

struct disk {
    struct fs *fs;
    struct disk *next;
    char *folder;
    size_t folder_size;
    struct file *node;
    bool resolving;               /* a power-off is at work: nothing is refused or noted */
    bool faulty;                  /* some fault is set */
    bool has_cuts;                /* some file has a cut_size */
    void (*on_failure)(void *context, const char *what);
    void *failure_context;
    struct disk_state state;
    int64_t busy_until_us;
    struct unflushed *unflushed;
    size_t saved_bytes;
    struct change *changes;
    size_t change_count, change_capacity;
    struct buffer *taken;         /* content of the file about to be deleted or renamed over */
};

/* ---- which disk ---- */

static struct disk *disk_at(const struct fs *fs, const char *path)
{
    for (struct disk *disk = fs->disks; disk; disk = disk->next)
        if (!strncmp(path, disk->folder, disk->folder_size) && (path[disk->folder_size] == '/' || !path[disk->folder_size]))
            return disk;
    return NULL;
}

struct disk *disk_add(struct fs *fs, const char *folder)
{
    struct disk *disk = disk_at(fs, folder);

    if (disk && !strcmp(disk->folder, folder))
        return disk;
    disk = mem_zero(sizeof(*disk));
    disk->fs = fs;
    disk->folder = mem_text(folder);
    disk->folder_size = strlen(folder);
    disk->state.full_after = -1;
    disk->node = tree_make(fs, folder, true);
    disk->node->is_disk = true;
    disk->next = fs->disks;
    fs->disks = disk;
    return disk;
}


static struct disk *disk_of(const struct file *file)
{
    struct disk *disk = file->fs->disks;

    if (file->unflushed)
        return file->unflushed->disk;
    for (; file && !file->is_disk; file = file->parent)
        ;
    while (disk && file && disk->node != file)
        disk = disk->next;
    return file ? disk : NULL;
}

/* ---- faults ---- */

const char *disk_operation_name(enum disk_operation operation)
{
    static const char *const names[] = { "write", "fsync", "rename", "create", "delete", "read", "operation" };

    return names[operation];
}

void disk_on_failure(struct disk *disk, void (*failed)(void *context, const char *what), void *context)
{
    disk->on_failure = failed;
    disk->failure_context = context;
}

/* A name that is missing or taken says nothing about the disk, nor does a program that has too many files open. */
void disk_failed(struct fs *fs, const char *path, int error, const char *what)
{
    static const int harmless[] = { ENOENT, EEXIST, ENOTDIR, EISDIR, ENOTEMPTY, ENODATA, EFBIG, ENAMETOOLONG, EINVAL, EBUSY, EMFILE, ENFILE };
    struct disk *disk = disk_at(fs, path);

    for (size_t i = 0; i < sizeof(harmless) / sizeof(*harmless); i++)
        if (error == harmless[i])
            return;
    if (disk && disk->on_failure && !disk->resolving)
        disk->on_failure(disk->failure_context, what);
}

static void look_if_faulty(struct disk *disk)
{
    bool faulty = disk->state.full_after >= 0 || disk->state.slow_us > 0;

    for (int i = 0; i <= DISK_OPERATIONS; i++)
        faulty = faulty || disk->state.fails_at[i];
    disk->fs->faulty_disks += (size_t)faulty - (size_t)disk->faulty;
    disk->faulty = faulty;
}

void disk_set_full(struct disk *disk, int64_t bytes_left)
{
    disk->state.full_after = bytes_left;
    look_if_faulty(disk);
}

void disk_set_failing(struct disk *disk, enum disk_operation operation, int64_t nth, bool always)
{
    disk->state.fails_at[operation] = nth;
    disk->state.always[operation] = always;
    look_if_faulty(disk);
}

void disk_set_slow(struct disk *disk, int64_t us)
{
    disk->state.slow_us = us;
    look_if_faulty(disk);
}

void disk_heal(struct disk *disk)
{
    disk->state.full_after = -1;
    disk->state.slow_us = 0;
    memset(disk->state.fails_at, 0, sizeof(disk->state.fails_at));
    look_if_faulty(disk);
}

int64_t disk_busy_until_us(const struct disk *disk) { return disk->busy_until_us; }

struct disk_state disk_state(const struct disk *disk)
{
    struct disk_state state = disk->state;

    state.unsettled_names = disk->change_count;
    for (const struct unflushed *u = disk->unflushed; u; u = u->next) {
        state.unflushed_files++;
        if (u->written_end > u->flushed_size)
            state.unflushed_bytes += u->written_end - u->flushed_size;
    }
    return state;
}

static bool counts_down(struct disk *disk, enum disk_operation operation)
{
    int64_t *left = &disk->state.fails_at[operation];

    if (!*left)
        return false;
    if (*left > 1) {
        --*left;
        return false;
    }
    if (!disk->state.always[operation]) {
        *left = 0;
        look_if_faulty(disk);
    }
    return true;
}

/* 0 or the errno with which it is refused; `bytes`: that it would write. */
static int ask(struct disk *disk, enum disk_operation operation, size_t bytes)
{
    bool fails;

    disk->state.operations[operation]++;
    disk->state.operations[DISK_OPERATIONS]++;
    if (!disk->faulty)
        return 0;
    fails = counts_down(disk, operation);
    fails = counts_down(disk, DISK_OPERATIONS) || fails;
    if (!fails && disk->state.slow_us && (operation == DISK_WRITE || operation == DISK_SYNC)) {
        if (disk->busy_until_us < *disk->fs->clock)
            disk->busy_until_us = *disk->fs->clock;
        disk->busy_until_us += disk->state.slow_us;
    }
    if (!fails && bytes && disk->state.full_after >= 0) {
        if ((uint64_t)disk->state.full_after < bytes) {
            disk->state.refused++;
            return ENOSPC;
        }
        disk->state.full_after -= (int64_t)bytes;
    }
    disk->state.refused += fails;
    return fails ? EIO : 0;
}

/* ---- bytes that are not flushed ---- */

static void drop_saved(struct unflushed *unflushed, size_t from)
{
    for (size_t i = from; i < unflushed->saved_count; i++) {
        if (unflushed->saved[i].bytes)
            unflushed->disk->saved_bytes -= SECTOR;
        mem_free(unflushed->saved[i].bytes);
    }
    unflushed->saved_count = from;
}

static void unflushed_free(struct unflushed *unflushed)
{
    struct disk *disk = unflushed->disk;

    drop_saved(unflushed, 0);
    *(unflushed->previous ? &unflushed->previous->next : &disk->unflushed) = unflushed->next;
    if (unflushed->next)
        unflushed->next->previous = unflushed->previous;
    unflushed->file->unflushed = NULL;
    mem_free(unflushed->saved);
    mem_free(unflushed);
}

void disk_forget(struct file *file)
{
    if (file->unflushed)
        unflushed_free(file->unflushed);
    if (!file->is_disk)
        return;
    for (struct disk *disk = file->fs->disks; disk; disk = disk->next)
        if (disk->node == file)
            disk->node = NULL;
}

static struct unflushed *note_unflushed(struct disk *disk, struct file *file)
{
    struct unflushed *unflushed = file->unflushed;

    if (unflushed)
        return unflushed;
    unflushed = mem_zero(sizeof(*unflushed));
    unflushed->file = file;
    unflushed->disk = disk;
    unflushed->flushed_size = file->size;
    unflushed->last_saved = -1;
    unflushed->cut_size = INT64_MAX;
    unflushed->next = disk->unflushed;
    if (unflushed->next)
        unflushed->next->previous = unflushed;
    disk->unflushed = unflushed;
    file->unflushed = unflushed;
    return unflushed;
}

static bool is_saved(const struct unflushed *unflushed, int64_t number)
{
    if (number > unflushed->last_saved)
        return false;
    for (size_t i = unflushed->saved_count; i-- > 0;)
        if (unflushed->saved[i].number == number)
            return true;
    return false;
}

static bool all_zero(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i])
            return false;
    return true;
}

/* What lies at [position, end) of the flushed part is about to change. */
static void save_sectors(struct unflushed *unflushed, int64_t position, int64_t end)
{
    struct file *file = unflushed->file;

    if (end > unflushed->flushed_size)
        end = unflushed->flushed_size;
    for (int64_t number = position / SECTOR; position < end && number * SECTOR < end; number++) {
        uint8_t bytes[SECTOR] = { 0 };
        int64_t at = number * SECTOR, size = file->size - at < SECTOR ? file->size - at : SECTOR;
        struct saved saved = { .number = number };

        if (is_saved(unflushed, number) || size <= 0)
            continue;
        if (file->fs->kind->read(file, bytes, (size_t)size, at))
            continue; /* it can't be read: then it can't come back either */
        if (!all_zero(bytes, sizeof(bytes))) {
            saved.bytes = mem_copy(bytes, sizeof(bytes));
            unflushed->disk->saved_bytes += SECTOR;
        }
        ARRAY_ADD(unflushed->saved, unflushed->saved_count, unflushed->saved_capacity) = saved;
        if (number > unflushed->last_saved)
            unflushed->last_saved = number;
    }
    if (unflushed->disk->saved_bytes > MOST_SAVED_BYTES || unflushed->saved_count > MOST_SAVED_BYTES / SECTOR)
        drop_saved(unflushed, 0); /* the system wrote this file back by itself */
}

int disk_before_write(struct file *file, size_t size, int64_t position)
{
    struct disk *disk = disk_of(file);
    struct unflushed *unflushed;
    int error;

    if (!disk || disk->resolving)
        return 0;
    error = ask(disk, DISK_WRITE, size);
    if (error)
        return error;
    unflushed = note_unflushed(disk, file);
    if (position + (int64_t)size > unflushed->written_end)
        unflushed->written_end = position + (int64_t)size;
    if (position < unflushed->flushed_size)
        save_sectors(unflushed, position, position + (int64_t)size);
    return 0;
}

/* What was cut off does not come back any more. */
static void settle_cut(struct unflushed *unflushed, int64_t size)
{
    unflushed->flushed_size = size;
    unflushed->cut_size = INT64_MAX;
    for (size_t i = unflushed->saved_count; i-- > 0;) {
        if (unflushed->saved[i].number * SECTOR < size)
            continue;
        if (unflushed->saved[i].bytes)
            unflushed->disk->saved_bytes -= SECTOR;
        mem_free(unflushed->saved[i].bytes);
        unflushed->saved[i] = unflushed->saved[--unflushed->saved_count];
    }
}

int disk_before_truncate(struct file *file, int64_t size)
{
    struct disk *disk = disk_of(file);
    struct unflushed *unflushed;
    int error;

    if (!disk || disk->resolving)
        return 0;
    error = ask(disk, DISK_WRITE, 0);
    if (error)
        return error;
    unflushed = note_unflushed(disk, file);
    if (size < unflushed->written_end)
        unflushed->written_end = size;
    if (size >= unflushed->flushed_size)
        return 0;
    if (unflushed->flushed_size - size > MOST_CUT) {
        settle_cut(unflushed, size);
        return 0;
    }
    save_sectors(unflushed, size, unflushed->flushed_size);
    if (size < unflushed->cut_size)
        unflushed->cut_size = size;
    disk->has_cuts = true;
    return 0;
}

int disk_before_read(struct file *file)
{
    struct disk *disk = disk_of(file);

    return !disk || disk->resolving ? 0 : ask(disk, DISK_READ, 0);
}

int disk_before_sync(struct file *file)
{
    struct disk *disk = disk_of(file);

    return !disk || disk->resolving ? 0 : ask(disk, DISK_SYNC, 0);
}

int disk_before_sync_folder(struct fs *fs, const char *path)
{
    struct disk *disk = disk_at(fs, path);

    return !disk || disk->resolving ? 0 : ask(disk, DISK_SYNC, 0);
}

/* ---- names ---- */

static void change_done(struct change *change)
{
    mem_free(change->path);
    mem_free(change->to);
    if (change->content)
        buffer_done(change->content);
    mem_free(change->content);
}

static void settle(struct disk *disk)
{
    for (size_t i = 0; i < disk->change_count; i++)
        change_done(&disk->changes[i]);
    disk->change_count = 0;
    for (struct unflushed *u = disk->has_cuts ? disk->unflushed : NULL; u; u = u->next)
        if (u->cut_size < u->flushed_size)
            settle_cut(u, u->cut_size);
    disk->has_cuts = false;
}

void disk_synced(struct file *file)
{
    struct disk *disk = disk_of(file);

    if (!disk)
        return;
    if (file->unflushed)
        unflushed_free(file->unflushed);
    settle(disk);
}

void disk_folder_synced(struct fs *fs, const char *path)
{
    struct disk *disk = disk_at(fs, path);

    if (disk)
        settle(disk);
}

static void add_change(struct disk *disk, enum change_kind kind, const char *path, const char *to, struct buffer *content)
{
    if (disk->change_count >= MOST_CHANGES)
        settle(disk);
    ARRAY_ADD(disk->changes, disk->change_count, disk->change_capacity) =
        (struct change){ kind, mem_text(path), to ? mem_text(to) : NULL, content };
}

int disk_before_create(struct fs *fs, const char *path, bool folder)
{
    struct disk *disk = disk_at(fs, path);
    struct file_stat stat;

    (void)folder;
    if (!disk || disk->resolving || !fs->kind->stat(fs, path, &stat))
        return 0;
    return ask(disk, DISK_CREATE, 0);
}

void disk_created(struct fs *fs, const char *path, bool folder)
{
    struct disk *disk = disk_at(fs, path);

    if (disk && !disk->resolving)
        add_change(disk, folder ? CHANGE_MKDIR : CHANGE_CREATE, path, NULL, NULL);
}

/* The content of a file that is about to lose its name; NULL: it can't be undone here. */
static struct buffer *take_content(struct fs *fs, const char *path)
{
    struct file *file = tree_find(fs, path);
    struct buffer *content;

    if (fs->kind->settle || !file || file->folder || file->size > MOST_KEPT) /* a real disk: reading it would cost too much */
        return NULL;
    content = mem_zero(sizeof(*content));
    if (file->size && fs->kind->read(file, buffer_add(content, (size_t)file->size), (size_t)file->size, 0)) {
        buffer_done(content);
        mem_free(content);
        return NULL;
    }
    return content;
}

static void give_back(struct disk *disk)
{
    if (disk->taken)
        buffer_done(disk->taken);
    mem_free(disk->taken);
    disk->taken = NULL;
}

int disk_before_rename(struct fs *fs, const char *from, const char *to)
{
    struct disk *disk = disk_at(fs, from);
    int error;

    if (!disk || disk->resolving)
        return 0;
    error = ask(disk, DISK_RENAME, 0);
    give_back(disk);
    if (!error)
        disk->taken = take_content(fs, to);
    return error;
}

void disk_rename_failed(struct fs *fs, const char *from)
{
    struct disk *disk = disk_at(fs, from);

    if (disk)
        give_back(disk);
}

/* `over` another file on a real disk: settled, and with it all before. */
void disk_renamed(struct fs *fs, const char *from, const char *to, bool over)
{
    struct disk *disk = disk_at(fs, from);

    if (!disk || disk->resolving)
        return;
    if (over && !disk->taken) {
        settle(disk);
        return;
    }
    add_change(disk, CHANGE_RENAME, from, to, disk->taken);
    disk->taken = NULL;
}

int disk_before_delete(struct fs *fs, const char *path, bool folder)
{
    struct disk *disk = disk_at(fs, path);
    int error;

    if (!disk || disk->resolving || (fs->kind->settle ? disk->faulty && !fs_exists(fs, path) : !tree_find(fs, path)))
        return 0;
    give_back(disk);
    error = ask(disk, DISK_DELETE, 0);
    if (!error && !folder)
        disk->taken = take_content(fs, path);
    return error;
}

void disk_deleted(struct fs *fs, const char *path, bool folder, bool done)
{
    struct disk *disk = disk_at(fs, path);

    if (!disk || disk->resolving)
        return;
    if (!done) {
        give_back(disk);
        return;
    }
    if (!folder && !disk->taken) {
        settle(disk);
        return;
    }
    add_change(disk, folder ? CHANGE_RMDIR : CHANGE_DELETE, path, NULL, disk->taken);
    disk->taken = NULL;
}

/* ---- power-off ---- */

static void write_back(struct fs *fs, const char *path, const struct buffer *content)
{
    struct file *file;

    if (fs_open(fs, path, FILE_CREATE, &file, NULL))
        return;
    file_truncate(file, 0, NULL);
    file_write(file, content->data, content->size, 0, NULL);
    file_close(file);
}

static void undo(struct disk *disk, const struct change *change)
{
    struct fs *fs = disk->fs;

    switch (change->kind) {
    case CHANGE_CREATE:
        fs_unlink(fs, change->path, NULL);
        break;
    case CHANGE_MKDIR:
        fs_remove_tree(fs, change->path, NULL);
        break;
    case CHANGE_RENAME:
        fs_rename(fs, change->to, change->path, NULL);
        if (change->content)
            write_back(fs, change->to, change->content);
        break;
    case CHANGE_DELETE:
        write_back(fs, change->path, change->content);
        break;
    case CHANGE_RMDIR:
        fs_mkdir(fs, change->path, NULL);
        break;
    }
}

static void note_loss(struct disk_losses *out, struct file *file, int64_t size_was, int64_t torn)
{
    char path[PATH_MAX] = "";

    if (!out || (file->size >= size_was && !torn))
        return;
    if (file->size < size_was)
        out->bytes += size_was - file->size;
    if (out->count >= MOST_LOSSES || tree_path(file, path, sizeof(path)))
        return;
    ARRAY_ADD(out->items, out->count, out->capacity) = (struct disk_loss){ mem_text(path), size_was, file->size, torn };
}

/* Zeros where sectors did not make it, in [from, until). */
static int64_t blank_out(struct file *file, int64_t from, int64_t until)
{
    static const uint8_t zeros[SECTOR];
    int64_t at = from;

    while (at < until) {
        int64_t end = (at / SECTOR + 1) * SECTOR < until ? (at / SECTOR + 1) * SECTOR : until;

        file_write(file, zeros, (size_t)(end - at), at, NULL);
        at = end;
    }
    return until - from;
}

static int64_t between(struct random *random, int64_t low, int64_t high)
{
    return low + (int64_t)random_below(random, (uint64_t)(high - low + 1));
}

/* What was appended: cut somewhere, at a sector's end or not; and of what is left some run of sectors may not have made it. */
static int64_t tear_end(struct file *file, int64_t flushed, int64_t written_end, struct random *random)
{
    int64_t end = between(random, flushed, written_end), torn = 0;

    if (random_below(random, 2))
        end = end / SECTOR * SECTOR < flushed ? flushed : end / SECTOR * SECTOR;
    if (end < file->size && random_below(random, 3)) /* else the size made it, and the bytes did not */
        file_truncate(file, end, NULL);
    else if (written_end - end <= MOST_SAVED_BYTES)
        torn += blank_out(file, end, written_end);
    else
        file_truncate(file, end, NULL);
    if (end - flushed > SECTOR && random_below(random, 2)) {
        int64_t from = between(random, flushed, end - 1), until;

        from = from / SECTOR * SECTOR < flushed ? flushed : from / SECTOR * SECTOR;
        until = (from / SECTOR + 1 + (int64_t)random_below(random, 8)) * SECTOR;
        torn += blank_out(file, from, until < end ? until : end);
    }
    return torn;
}

static void restore(struct unflushed *unflushed, const struct saved *saved)
{
    static const uint8_t zeros[SECTOR];
    int64_t at = saved->number * SECTOR, size = unflushed->flushed_size - at;

    if (size > 0)
        file_write(unflushed->file, saved->bytes ? saved->bytes : zeros, (size_t)(size < SECTOR ? size : SECTOR), at, NULL);
}

static void go_back(struct unflushed *unflushed)
{
    for (size_t i = 0; i < unflushed->saved_count; i++)
        restore(unflushed, &unflushed->saved[i]);
    file_truncate(unflushed->file, unflushed->flushed_size, NULL);
}

enum { KEPT, GONE, TORN, OUTCOMES };

static void resolve(struct unflushed *unflushed, struct random *random, struct disk_losses *out)
{
    struct file *file, *node = unflushed->file;
    int64_t size_was, torn = 0, flushed = unflushed->flushed_size;
    uint64_t outcome = random_below(random, OUTCOMES);
    char path[PATH_MAX];

    if (tree_path(node, path, sizeof(path)) || fs_open(node->fs, path, FILE_WRITE, &file, NULL)) {
        unflushed_free(unflushed);
        return;
    }
    size_was = file->size;
    if (outcome == GONE || (outcome == TORN && file->size < flushed)) {
        torn = (int64_t)unflushed->saved_count * SECTOR;
        go_back(unflushed);
    } else if (outcome == TORN) {
        for (size_t i = 0; i < unflushed->saved_count; i++)
            if (random_below(random, 2)) {
                restore(unflushed, &unflushed->saved[i]);
                torn += SECTOR;
            }
        if (unflushed->written_end > flushed)
            torn += tear_end(file, flushed, unflushed->written_end, random);
    }
    note_loss(out, file, size_was, torn);
    unflushed_free(unflushed);
    file_close(file);
}

void disk_flush_all(struct disk *disk)
{
    settle(disk);
    while (disk->unflushed)
        unflushed_free(disk->unflushed);
}

void disk_power_off(struct disk *disk, struct random *random, struct disk_losses *out)
{
    size_t kept = disk->change_count ? (size_t)random_below(random, disk->change_count + 1) : 0;

    if (disk->change_count && random_below(random, 3) == 0)
        kept = disk->change_count;
    if (out)
        *out = (struct disk_losses){ .names = disk->change_count - kept };
    disk->resolving = true;
    for (size_t i = disk->change_count; i-- > kept;)
        undo(disk, &disk->changes[i]);
    disk->has_cuts = false; /* they are resolved with their files, below */
    settle(disk);
    while (disk->unflushed)
        resolve(disk->unflushed, random, out);
    disk->resolving = false;
    disk->busy_until_us = 0;
}

void disk_losses_done(struct disk_losses *losses)
{
    for (size_t i = 0; i < losses->count; i++)
        mem_free(losses->items[i].path);
    mem_free(losses->items);
    *losses = (struct disk_losses){ 0 };
}

void disks_free(struct fs *fs)
{
    while (fs->disks) {
        struct disk *disk = fs->disks;

        fs->disks = disk->next;
        while (disk->unflushed)
            unflushed_free(disk->unflushed);
        settle(disk);
        give_back(disk);
        mem_free(disk->changes);
        mem_free(disk->folder);
        mem_free(disk);
    }
}
