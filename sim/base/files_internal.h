/* What the kinds of files share: a tree of names. In memory the tree is the disk; for a real folder it holds what is known of
 * the files met so far: virtual mtimes, and sizes and descriptors of the open ones. A handle is the node itself, counted, so
 * a rename moves one node and all handles below it follow. Private to files*.c. */
#pragma once
#include "sim/base/files.h"

struct file {
    struct fs *fs;
    struct file *parent, *children, *next, *previous;   /* next, previous: among the parent's children */
    struct file *hash_next;
    char *name;
    char *path;              /* as file_path() last gave it, of path_age; or NULL */
    uint64_t path_age;
    uint32_t id, hash;
    uint32_t refs, pins;
    bool folder;
    bool orphan;             /* has no name any more, lives until nobody holds it */
    bool mtime_known, dirty; /* dirty: the disk does not have mtime_us yet */
    bool writable;
    bool created;            /* by the open under way */
    bool is_disk;            /* a folder that disk_add() was given */
    bool ours;               /* a folder in which we make files: its mtime is virtual too (/tmp's is not) */
    int64_t size;            /* true while held */
    int64_t mtime_us;
    struct file *dirty_next, *dirty_previous;
    struct unflushed *unflushed; /* files_faulty.c's; NULL: nothing is */
    union {
        struct {
            int fd;          /* -1: none at present */
            struct file *newer, *older;
        };
        struct {             /* data[written..capacity) is zero; bytes from there to size are a hole */
            uint8_t *data;
            size_t written, capacity;
        };
    };
};

/* Each returns 0 or an errno. */
struct fs_kind {
    int (*open)(struct fs *fs, const char *path, int flags, struct file **out); /* does not count the handle */
    int (*read)(struct file *file, void *data, size_t size, int64_t position);  /* inside the size */
    int (*write)(struct file *file, const void *data, size_t size, int64_t position);
    int (*truncate)(struct file *file, int64_t size);
    int (*sync)(struct file *file);
    int (*keep)(struct file *file);        /* it may lose its name while held: its bytes must stay within reach */
    void (*lost)(struct file *file);       /* and now it has; before .orphan is set */
    void (*idle)(struct file *file);       /* the last handle and pin went */
    void (*release)(struct file *file);    /* the node goes */
    int (*stat)(struct fs *fs, const char *path, struct file_stat *out);
    int (*rename)(struct fs *fs, const char *from, const char *to);
    int (*unlink)(struct fs *fs, const char *path);
    int (*mkdir)(struct fs *fs, const char *path);
    int (*rmdir)(struct fs *fs, const char *path);
    int (*list)(struct fs *fs, const char *path, struct fs_names *out, size_t *capacity);
    int (*sync_folder)(struct fs *fs, const char *path);
    int (*settle)(struct file *file);      /* NULL: nothing behind that could keep an mtime */
    int (*descriptor)(struct file *file, int *fd);
    int64_t (*next_data)(struct file *file, int64_t position); /* inside the size */
};

struct fs {
    const struct fs_kind *kind;
    const int64_t *clock;
    struct file roots[2];                  /* of "/a" and of "a" */
    struct file **table;
    size_t table_size, node_count;         /* the size is a power of two */
    uint64_t age;                          /* grows when a folder is renamed: cached paths end */
    uint32_t next_id;
    int last_errno;
    bool durable, read_only;
    struct file *dirty;
    struct disk *disks;                    /* files_faulty.c's; NULL: there is none */
    size_t faulty_disks;
    struct file *newest, *oldest;          /* open descriptors */
    size_t open_count, most_open;
    struct fs_counts counts;
};

struct fs *fs_new(const struct fs_kind *kind, const int64_t *clock);
static inline bool file_held(const struct file *file) { return file->refs || file->pins; }

struct file *tree_find(struct fs *fs, const char *path);             /* NULL: not there, or not known */
/* Finds or makes, with the folders above; the new node is a file if `folder` is false. */
struct file *tree_make(struct fs *fs, const char *path, bool folder);
/* The folder in which the last name of `path` lies; *name is that name, allocated. NULL: there is no such node. */
struct file *tree_parent(struct fs *fs, const char *path, bool make, char **name);
struct file *tree_add(struct file *folder, const char *name, bool is_folder);
void tree_drop(struct file *file);                                   /* and all below; what is held becomes an orphan */
void tree_move(struct file *file, struct file *folder, char *name);  /* `name` is the tree's from here on */
void tree_release(struct file *file);                                /* one that has no name: its memory */
size_t tree_path_size(const struct file *file);                      /* characters, without the end */
int tree_path(const struct file *file, char *out, size_t size);      /* 0 or ENAMETOOLONG */

void file_changed(struct file *file);                                /* its mtime is now */
void folder_changed(struct file *folder);
void file_clean(struct file *file);                                  /* off the list of those to settle */
