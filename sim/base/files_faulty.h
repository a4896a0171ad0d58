/* A faulty disk: one folder of an fs, real or in memory, and all below it. It can be full, slow, refuse an operation, and lose power: then what was not
 * flushed is gone. It is no fs around another but a part of one: handles, pins and descriptors stay what they are, and a folder without a disk costs one test.
 *
 * Deterministic: faults come by count, what a power-off takes by the chance that is given. A refused operation changes nothing (as files.h has it).
 *
 * What survives a power-off: of a file all up to its last file_sync(), which also settles every change of names and every cut before it on this disk, as a
 * journaling file system commits; fs_sync_folder() settles those alone. Beyond that each file is kept, lost or torn: cut at any byte, sectors of 512 bytes in the cut part zero
 * as if the size had been written and they not, overwritten sectors old or new. Creations, renames and deletions since are kept up to some point, in their
 * order, and undone after it. fsync need not be called for that (fs_real's `durable`): this is its record.
 * A system may write anything back earlier, and so does this record where it would grow: beyond 1 MB of overwritten bytes, beyond 4096 changes of names, a cut
 * of more than 64 KiB. On a real disk a deletion and a rename over another file are settled at once (in memory they can be undone like the rest). */
#pragma once
#include "sim/base/files.h"
#include "sim/base/random.h"

struct disk;
/* The fs owns it; the one that the folder has already, if it has. `folder` as the paths below it are given to the fs, without a '/' at its end. */
struct disk *disk_add(struct fs *fs, const char *folder);

/* Told of each refusal of the disk, injected or the system's own (a full disk, a broken one; not a name that is missing or taken): what the reason says. It
 * is called inside the operation, so it only takes note. NULL: nobody. */
void disk_on_failure(struct disk *disk, void (*failed)(void *context, const char *what), void *context);

/* ---- faults ---- */
enum disk_operation {
    DISK_WRITE,      /* file_write, file_append, file_truncate */
    DISK_SYNC,       /* file_sync, fs_sync_folder */
    DISK_RENAME,
    DISK_CREATE,     /* a file, a folder */
    DISK_DELETE,
    DISK_READ,       /* file_read; counted only while some disk of the fs is faulty, and not what a socket takes by file_descriptor() */
    DISK_OPERATIONS, /* any of them; and how many kinds there are */
};
const char *disk_operation_name(enum disk_operation operation); /* "fsync", ...; "operation" for any */
/* ENOSPC once so many more bytes were written; deletions give nothing back (others are quicker). -1: not. */
void disk_set_full(struct disk *disk, int64_t bytes_left);
/* EIO at the nth of these from now on (1: the next), once or from there on always. 0: never. */
void disk_set_failing(struct disk *disk, enum disk_operation operation, int64_t nth, bool always);
/* Each write and sync takes so long: nothing here waits, but disk_busy_until_us() says when what was asked so far would be done. */
void disk_set_slow(struct disk *disk, int64_t us);
int64_t disk_busy_until_us(const struct disk *disk); /* a moment of the fs's clock; at most now where it is idle or not slow */
void disk_heal(struct disk *disk);                    /* none of these any more */
struct disk_state {
    int64_t full_after;              /* bytes left; -1: no limit */
    int64_t fails_at[DISK_OPERATIONS + 1]; /* 0: not */
    bool always[DISK_OPERATIONS + 1];
    int64_t slow_us;
    int64_t operations[DISK_OPERATIONS + 1]; /* asked for since the start, refused ones too */
    uint64_t refused;
    size_t unflushed_files, unsettled_names;  /* what a power-off could touch */
    int64_t unflushed_bytes;
};
struct disk_state disk_state(const struct disk *disk);

/* ---- power ---- */
struct disk_loss { char *path; int64_t size_was, size, torn; }; /* torn: bytes that are there and not what was written */
struct disk_losses {
    struct disk_loss *items;         /* files that lost something, at most 1000 of them */
    size_t count, capacity;
    size_t names;                    /* creations, renames, deletions undone */
    int64_t bytes;                   /* gone from the ends of files */
};
void disk_flush_all(struct disk *disk);   /* all that is there counts as flushed: it was, before this program came to know it */
/* All handles and pins on its files have been let go. `out` is the caller's to end; may be NULL. */
void disk_power_off(struct disk *disk, struct random *random, struct disk_losses *out);
void disk_losses_done(struct disk_losses *losses);

/* ---- for files.c. Each gives 0 or an errno, before the operation; and takes its note of it. ---- */
struct file;
int disk_before_write(struct file *file, size_t size, int64_t position);
int disk_before_truncate(struct file *file, int64_t size);
int disk_before_read(struct file *file);
int disk_before_sync(struct file *file);
int disk_before_sync_folder(struct fs *fs, const char *path);
int disk_before_create(struct fs *fs, const char *path, bool folder);
int disk_before_rename(struct fs *fs, const char *from, const char *to);
int disk_before_delete(struct fs *fs, const char *path, bool folder);
void disk_synced(struct file *file);
void disk_folder_synced(struct fs *fs, const char *path);
void disk_created(struct fs *fs, const char *path, bool folder);
void disk_renamed(struct fs *fs, const char *from, const char *to, bool over);
void disk_deleted(struct fs *fs, const char *path, bool folder, bool done); /* after disk_before_delete; `done`: it went */
void disk_rename_failed(struct fs *fs, const char *from);
void disk_failed(struct fs *fs, const char *path, int error, const char *what);
void disk_forget(struct file *file);      /* its node goes */
void disks_free(struct fs *fs);
