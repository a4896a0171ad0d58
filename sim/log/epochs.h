/* The leader epochs of a partition and the offset at which each began: the file leader-epoch-checkpoint. Private to sim/log.
 * Source: Kafka's LeaderEpochFileCache. */
#pragma once
#include "sim/base/files.h"

struct epoch { int32_t epoch; int64_t start_offset; };
struct epochs {
    struct fs *fs;
    char *path;
    struct epoch *items;       /* ascending in both */
    size_t count, capacity;
    bool off;                  /* a log of magic < 2 keeps none */
    bool damaged;              /* the file made no sense: there is nothing here until somebody reads the batches, which know their epochs */
};
/* Reads the file; a missing one is empty, a damaged one too. */
enum err epochs_open(struct epochs *epochs, struct fs *fs, const char *dir, struct reason *reason);
void epochs_moved(struct epochs *epochs, const char *dir);  /* the log's folder has another name */
void epochs_done(struct epochs *epochs);
int32_t epochs_latest(const struct epochs *epochs);      /* -1: none */
enum err epochs_assign(struct epochs *epochs, int32_t epoch, int64_t start_offset, struct reason *reason);
/* Entries that begin at or before `start` collapse to one that begins there. */
enum err epochs_truncate_start(struct epochs *epochs, int64_t start, struct reason *reason);
/* Entries that begin at or after `end` go. */
enum err epochs_truncate_end(struct epochs *epochs, int64_t end, struct reason *reason);
enum err epochs_clear(struct epochs *epochs, struct reason *reason);
void epochs_end_offset(const struct epochs *epochs, int32_t epoch, int64_t log_end, int32_t *out_epoch, int64_t *out_offset);
