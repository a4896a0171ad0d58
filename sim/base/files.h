/* Files: the only way to a disk. A `struct fs` is a real folder tree or one in memory (and later a faulty one); paths are
 * absolute for a real one ("/tmp/kafka-logs/students-0/00000000000000000000.log") and any '/'-separated name in memory.
 *
 * mtime is virtual: it is the queue's clock at the last change, kept here, written to the real file with utimensat when
 * fs_settle() is called or the file is closed, and read back from the system only when a folder is first seen after a start.
 *
 * Handles are cheap: the descriptor behind one is opened on demand and the least recently used are closed when more than
 * `most_open` are open, so tens of thousands of segments may have handles. Reads and writes are by position; nothing seeks.
 * All functions return ERR_OK or ERR_KAFKA_STORAGE_ERROR with a reason that names the path and the system's word, except
 * where said. errno of the last failure: fs_errno(). */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/bytes.h"
#include "sim/base/err.h"

struct fs;
struct file;

/* `clock` is queue_clock() of the lab; it must outlive the fs. `most_open`: 0 for a quarter of the limit of open files.
 * `durable`: fs_sync and file_sync really sync; else they are only counted. */
struct fs *fs_real(const int64_t *clock, size_t most_open, bool durable);
struct fs *fs_memory(const int64_t *clock);
/* A real one that only looks: whatever would change something fails with "Read-only file system" and reaches no system call. Times are the
 * system's own; even the time of the last access stays, where the system lets us. */
struct fs *fs_read_only(const int64_t *clock, size_t most_open);
void fs_free(struct fs *fs);                 /* all handles have been closed before */

enum { FILE_READ = 0, FILE_WRITE = 1, FILE_CREATE = 2, FILE_NEW = 4 }; /* CREATE: if missing; NEW: must not exist */
enum err fs_open(struct fs *fs, const char *path, int flags, struct file **out, struct reason *reason);
void file_close(struct file *file);          /* accepts NULL; a file still pinned goes when the last pin goes */
/* Holds the bytes while somebody still sends them: pin/unpin nest, also over file_close, rename and unlink. */
struct file *file_pin(struct file *file);
void file_unpin(struct file *file);

const char *file_path(const struct file *file);
int64_t file_size(const struct file *file);  /* known without asking the system */
/* Exactly `size` bytes or an error. */
enum err file_read(struct file *file, void *data, size_t size, int64_t position, struct reason *reason);
/* As many as there are, up to `size`; *got says how many. */
enum err file_read_some(struct file *file, void *data, size_t size, int64_t position, size_t *got, struct reason *reason);
enum err file_write(struct file *file, const void *data, size_t size, int64_t position, struct reason *reason);
enum err file_append(struct file *file, const void *data, size_t size, struct reason *reason);
/* Cuts, or grows by a hole. */
enum err file_truncate(struct file *file, int64_t size, struct reason *reason);
/* Where the next byte that is no hole may lie, from `position` on; the size, if there is none. */
int64_t file_next_data(struct file *file, int64_t position);
enum err file_sync(struct file *file, struct reason *reason);
/* A descriptor for sendfile, valid until the next call on this fs; -1 in memory (then file_read). */
int file_descriptor(struct file *file, struct reason *reason);
/* The bytes themselves where they lie in memory (fs_memory), borrowed until the file changes; NULL for a real file. */
const uint8_t *file_bytes(struct file *file);

struct file_stat {
    int64_t size;
    int64_t allocated;     /* bytes on disk: less than size where there are holes */
    int64_t mtime_us;      /* virtual */
    int64_t ctime_us;      /* last change of the file or of its name, by the system's clock; -1: nobody keeps it */
    bool folder;
};
/* ERR_UNKNOWN_SERVER_ERROR (nothing printed) where nothing of that name is. */
enum err fs_stat(struct fs *fs, const char *path, struct file_stat *out);
bool fs_exists(struct fs *fs, const char *path);
void fs_set_mtime(struct fs *fs, const char *path, int64_t mtime_us);

enum err fs_rename(struct fs *fs, const char *from, const char *to, struct reason *reason); /* handles follow */
enum err fs_unlink(struct fs *fs, const char *path, struct reason *reason);                 /* no error if missing */
enum err fs_mkdir(struct fs *fs, const char *path, struct reason *reason);                  /* with parents; no error if there */
enum err fs_remove_tree(struct fs *fs, const char *path, struct reason *reason);            /* a folder and all in it */
enum err fs_sync_folder(struct fs *fs, const char *path, struct reason *reason);

/* Names in a folder, sorted by byte, without "." and "..". Free with fs_names_free. */
struct fs_names {
    char **names;
    size_t count;
};
enum err fs_list(struct fs *fs, const char *path, struct fs_names *out, struct reason *reason);
void fs_names_free(struct fs_names *names);

/* A whole small file, at most `limit` bytes. ERR_UNKNOWN_SERVER_ERROR where it is missing. */
enum err fs_read_all(struct fs *fs, const char *path, size_t limit, struct buffer *out, struct reason *reason);
/* Kafka's way to write a checkpoint: `path`.tmp, sync, rename over. */
enum err fs_replace(struct fs *fs, const char *path, struct bytes bytes, struct reason *reason);

/* Writes the virtual mtimes of files changed since the last call; main calls it when idle. */
void fs_settle(struct fs *fs);
int fs_errno(const struct fs *fs);

struct fs_counts { /* since the start, for measures */
    uint64_t reads, writes, bytes_read, bytes_written, syncs, opens;
};
struct fs_counts fs_counts(const struct fs *fs);
