/* Files on a real disk. Descriptors are opened on demand, the least recently used is closed when there are too many; the
 * times that the system keeps are overwritten by the virtual ones when there is time for it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/base/files_internal.h"
#include "sim/base/mem.h"

/* ---- descriptors ---- */

static void leave_line(struct file *file)
{
    struct fs *fs = file->fs;

    *(file->newer ? &file->newer->older : &fs->newest) = file->older;
    *(file->older ? &file->older->newer : &fs->oldest) = file->newer;
    file->newer = file->older = NULL;
    fs->open_count--;
}

static void join_line(struct file *file)
{
    struct fs *fs = file->fs;

    file->newer = NULL;
    file->older = fs->newest;
    *(file->older ? &file->older->newer : &fs->oldest) = file;
    fs->newest = file;
    fs->open_count++;
}

static void close_descriptor(struct file *file)
{
    if (file->fd < 0)
        return;
    if (!file->orphan)
        leave_line(file);
    close(file->fd);
    file->fd = -1;
}

/* Opens, giving up older descriptors where there are too many. -1 with errno. */
static int open_path(struct fs *fs, const char *path, int flags)
{
    int fd, unseen = fs->read_only ? O_NOATIME : 0;

    while (fs->open_count >= fs->most_open)
        close_descriptor(fs->oldest);
    /* O_NONBLOCK: a pipe put in a folder must not hold up the program */
    while ((fd = open(path, flags | O_CLOEXEC | O_NONBLOCK | unseen, 0644)) < 0) {
        if (errno == EPERM && unseen) { /* only the owner may ask for that */
            unseen = 0;
            continue;
        }
        if ((errno == EMFILE || errno == ENFILE) && fs->oldest)
            close_descriptor(fs->oldest);
        else if (errno != EINTR)
            break;
    }
    return fd;
}

static int reopen(struct file *file)
{
    char path[PATH_MAX];
    int error = file->orphan ? ENOENT : tree_path(file, path, sizeof(path));

    if (error)
        return error;
    file->fd = open_path(file->fs, path, file->writable ? O_RDWR : O_RDONLY);
    if (file->fd < 0)
        return errno;
    join_line(file);
    return 0;
}

static inline int use(struct file *file)
{
    if (file->fd < 0)
        return reopen(file);
    if (file->fs->newest != file && !file->orphan) {
        leave_line(file);
        join_line(file);
    }
    return 0;
}

static int64_t time_of(const struct timespec *time)
{
    return (int64_t)time->tv_sec * 1000000 + time->tv_nsec / 1000;
}

/* One that is held already: its size is known, only the right to write may be missing. */
static int open_again(struct file *file, int flags)
{
    int error;

    if (flags & FILE_NEW)
        return EEXIST;
    if (!(flags & FILE_WRITE) || file->writable)
        return 0;
    close_descriptor(file);
    file->writable = true;
    error = use(file);
    if (error)
        file->writable = false;
    return error;
}

static int real_open(struct fs *fs, const char *path, int flags, struct file **out)
{
    struct file *file = tree_find(fs, path);
    struct stat stat;
    bool created = flags & FILE_NEW;
    int how = flags & FILE_WRITE ? O_RDWR : O_RDONLY, fd;

    if (file && file_held(file)) {
        *out = file;
        return open_again(file, flags);
    }
    fd = open_path(fs, path, how | (created ? O_CREAT | O_EXCL : 0));
    if (fd < 0 && errno == ENOENT && flags & FILE_CREATE) {
        created = true;
        fd = open_path(fs, path, how | O_CREAT | O_EXCL);
    }
    if (fd < 0)
        return errno;
    if (fstat(fd, &stat) || !S_ISREG(stat.st_mode)) {
        close(fd);
        return S_ISDIR(stat.st_mode) ? EISDIR : EINVAL;
    }
    *out = file = tree_make(fs, path, false);
    file->fd = fd;
    join_line(file);
    file->size = stat.st_size;
    file->writable = flags & FILE_WRITE;
    file->created = created;
    if (created) {
        file->parent->ours = true;
        folder_changed(file->parent);
        file_changed(file);
    } else if (!file->mtime_known || fs->read_only) {
        file->mtime_us = time_of(&stat.st_mtim);
        file->mtime_known = true;
    }
    if (flags & FILE_WRITE)
        file->parent->ours = true;
    return 0;
}

/* ---- bytes ---- */

static int real_read(struct file *file, void *data, size_t size, int64_t position)
{
    uint8_t *at = data;
    int error = use(file);

    while (size && !error) {
        ssize_t got = pread(file->fd, at, size, position);

        if (got > 0)
            at += got, size -= (size_t)got, position += got;
        else if (!got)
            error = ENODATA; /* somebody else cut the file */
        else if (errno != EINTR)
            error = errno;
    }
    return error;
}

static int real_write(struct file *file, const void *data, size_t size, int64_t position)
{
    const uint8_t *at = data;
    int error = use(file);

    while (size && !error) {
        ssize_t put = pwrite(file->fd, at, size, position);

        if (put > 0)
            at += put, size -= (size_t)put, position += put;
        else if (!put || errno != EINTR)
            error = put ? errno : ENOSPC;
    }
    /* half a batch must not stay behind the end that is known */
    if (error && at != data && position > file->size && ftruncate(file->fd, file->size))
        return error;
    return error;
}

static int real_truncate(struct file *file, int64_t size)
{
    int error = use(file);

    if (!error && ftruncate(file->fd, size))
        error = errno;
    return error;
}

static int real_sync(struct file *file)
{
    int error = use(file);

    if (!error && fdatasync(file->fd))
        error = errno;
    return error;
}

static int real_descriptor(struct file *file, int *fd)
{
    int error = use(file);

    *fd = error ? -1 : file->fd;
    return error;
}

static int64_t real_next_data(struct file *file, int64_t position)
{
    off_t at = use(file) ? position : lseek(file->fd, position, SEEK_DATA);

    return at >= 0 ? at : errno == ENXIO ? file->size : position; /* a file system that knows no holes: all is data */
}

static int real_keep(struct file *file)
{
    return file->folder ? 0 : use(file);
}

/* Without a name it can be reached by its descriptor only, so that leaves the line of those that may be closed. */
static void real_lost(struct file *file)
{
    if (file->fd >= 0)
        leave_line(file);
}

static void real_idle(struct file *file)
{
    close_descriptor(file);
}

static void real_release(struct file *file)
{
    close_descriptor(file);
}

/* ---- names ---- */

static int real_stat(struct fs *fs, const char *path, struct file_stat *out)
{
    struct file *file;
    struct stat system;

    if (stat(path, &system))
        return errno;
    file = tree_find(fs, path);
    *out = (struct file_stat){ .size = file && file_held(file) && !file->folder && !fs->read_only ? file->size : system.st_size,
                               .allocated = (int64_t)system.st_blocks * 512,
                               .mtime_us = file && file->mtime_known && !fs->read_only ? file->mtime_us : time_of(&system.st_mtim),
                               .ctime_us = time_of(&system.st_ctim),
                               .folder = S_ISDIR(system.st_mode) };
    return 0;
}

static int real_rename(struct fs *fs, const char *from, const char *to)
{
    (void)fs;
    return rename(from, to) ? errno : 0;
}

static int real_unlink(struct fs *fs, const char *path)
{
    (void)fs;
    return unlink(path) ? errno : 0;
}

static int real_mkdir(struct fs *fs, const char *path)
{
    (void)fs;
    return mkdir(path, 0755) ? errno : 0;
}

static int real_rmdir(struct fs *fs, const char *path)
{
    (void)fs;
    return rmdir(path) ? errno : 0;
}

static int real_list(struct fs *fs, const char *path, struct fs_names *out, size_t *capacity)
{
    int fd = open_path(fs, path, O_RDONLY | O_DIRECTORY), error;
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;

    if (!folder) {
        error = errno;
        if (fd >= 0)
            close(fd);
        return error;
    }
    while (errno = 0, (entry = readdir(folder))) {
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
            ARRAY_ADD(out->names, out->count, *capacity) = mem_text(entry->d_name);
    }
    error = errno;
    closedir(folder);
    return error;
}

static int real_sync_folder(struct fs *fs, const char *path)
{
    int fd = open_path(fs, path, O_RDONLY | O_DIRECTORY), error = 0;

    if (fd < 0)
        return errno;
    if (fsync(fd))
        error = errno;
    close(fd);
    return error;
}

static int real_settle(struct file *file)
{
    int64_t us = file->mtime_us % 1000000 < 0 ? file->mtime_us % 1000000 + 1000000 : file->mtime_us % 1000000;
    struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
                                 { .tv_sec = (file->mtime_us - us) / 1000000, .tv_nsec = us * 1000 } };
    char path[PATH_MAX];
    int error;

    if (file->fd >= 0)
        return futimens(file->fd, times) ? errno : 0;
    error = tree_path(file, path, sizeof(path));
    if (!error && utimensat(AT_FDCWD, path, times, 0))
        error = errno;
    return error;
}

static const struct fs_kind real = {
    .open = real_open,
    .read = real_read,
    .write = real_write,
    .truncate = real_truncate,
    .sync = real_sync,
    .keep = real_keep,
    .lost = real_lost,
    .idle = real_idle,
    .release = real_release,
    .stat = real_stat,
    .rename = real_rename,
    .unlink = real_unlink,
    .mkdir = real_mkdir,
    .rmdir = real_rmdir,
    .list = real_list,
    .sync_folder = real_sync_folder,
    .settle = real_settle,
    .descriptor = real_descriptor,
    .next_data = real_next_data,
};

/* ---- only looking ---- */

static int read_only_open(struct fs *fs, const char *path, int flags, struct file **out)
{
    return flags & FILE_WRITE ? EROFS : real_open(fs, path, flags, out);
}

static int refuse_write(struct file *file, const void *data, size_t size, int64_t position)
{
    (void)file, (void)data, (void)size, (void)position;
    return EROFS;
}

static int refuse_truncate(struct file *file, int64_t size)
{
    (void)file, (void)size;
    return EROFS;
}

static int refuse_two_names(struct fs *fs, const char *from, const char *to)
{
    (void)fs, (void)from, (void)to;
    return EROFS;
}

static int refuse_name(struct fs *fs, const char *path)
{
    (void)fs, (void)path;
    return EROFS;
}

static int no_sync(struct file *file)
{
    (void)file;
    return 0;
}

static const struct fs_kind read_only = {
    .open = read_only_open,
    .read = real_read,
    .write = refuse_write,
    .truncate = refuse_truncate,
    .sync = no_sync,
    .keep = real_keep,
    .lost = real_lost,
    .idle = real_idle,
    .release = real_release,
    .stat = real_stat,
    .rename = refuse_two_names,
    .unlink = refuse_name,
    .mkdir = refuse_name,
    .rmdir = refuse_name,
    .list = real_list,
    .sync_folder = refuse_name,
    .settle = no_sync,
    .descriptor = real_descriptor,
};

static struct fs *new_of(const struct fs_kind *kind, const int64_t *clock, size_t most_open)
{
    struct fs *fs = fs_new(kind, clock);
    struct rlimit limit;

    if (!most_open && !getrlimit(RLIMIT_NOFILE, &limit))
        most_open = limit.rlim_cur == RLIM_INFINITY ? 65536 : (size_t)limit.rlim_cur / 4;
    fs->most_open = most_open ? most_open : 1;
    return fs;
}

struct fs *fs_real(const int64_t *clock, size_t most_open, bool durable)
{
    struct fs *fs = new_of(&real, clock, most_open);

    fs->durable = durable;
    return fs;
}

struct fs *fs_read_only(const int64_t *clock, size_t most_open)
{
    struct fs *fs = new_of(&read_only, clock, most_open);

    fs->read_only = true;
    return fs;
}
