/* Copying folders from one disk to another in slices: holes stay holes, times are kept. For a lab that is saved, for the files with which a recording begins. */
#pragma once
#include "sim/base/files.h"

struct copy;
/* All below `folder`, to `into` (made if missing). The disks are borrowed; they may be the same. */
struct copy *copy_new(struct fs *from, struct fs *to);
void copy_add(struct copy *copy, const char *folder, const char *into);
/* Some more, at most until `now_us` (NULL: all of it) has gone on by `most_us`; true: all is there, or it failed. */
bool copy_slice(struct copy *copy, int64_t (*now_us)(void), int64_t most_us);
enum err copy_error(const struct copy *copy, struct reason *reason);
int64_t copy_bytes(const struct copy *copy);   /* copied so far: what lies in files, without holes */
int64_t copy_files(const struct copy *copy);
void copy_free(struct copy *copy);             /* what was copied stays */
/* Bytes on the disk below a folder, at most: it stops counting beyond `most`. */
int64_t copy_size(struct fs *fs, const char *folder, int64_t most);
