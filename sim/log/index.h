/* An index of a segment: entries of one size, in the order of their keys. Private to sim/log; segment.h says what its file looks like.
 * Source: Kafka's AbstractIndex, OffsetIndex, TimeIndex. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "sim/base/bytes.h"
#include "sim/base/files.h"

enum { OFFSET_ENTRY = 8, TIME_ENTRY = 12 };

struct index {
    struct file *file;        /* NULL: not created yet */
    uint8_t *entries;         /* as in the file; valid once loaded */
    uint32_t count, capacity; /* entries there; room in memory */
    uint32_t most;            /* that the file has room for */
    uint32_t found;           /* the first so many were in the file when it was opened: verify.c compares them with the log */
    uint8_t entry_size;
    bool loaded;
};

void index_init(struct index *index, uint8_t entry_size);
void index_done(struct index *index);              /* closes its file, writes nothing */
/* A new file, with room for `index_bytes`. */
enum err index_create(struct index *index, struct fs *fs, const char *path, int32_t index_bytes, struct reason *reason);
/* The file, if there is one; its entries are read by index_load(). */
enum err index_open(struct index *index, struct fs *fs, const char *path, struct reason *reason);
/* To read only: one that a running broker keeps at full size ends with its last entry. `log_bytes`: of the segment's .log. False: there is none that could be used. */
bool index_look(struct index *index, struct fs *fs, const char *path, int64_t log_bytes);
enum err index_load(struct index *index, struct reason *reason);

/* Appends an entry of entry_size bytes, in memory and in the file. */
enum err index_add(struct index *index, const uint8_t *entry, struct reason *reason);
enum err index_grow(struct index *index, int32_t index_bytes, struct reason *reason);    /* the file to full size, the rest a hole */
enum err index_trim(struct index *index, struct reason *reason);                         /* the file to what is in it */
enum err index_cut(struct index *index, uint32_t count, struct reason *reason);          /* to the first `count` entries */
/* Without entries, and a file of no bytes: what a crash left behind must not come back with the growing. */
enum err index_empty(struct index *index, struct reason *reason);

/* Of one that is loaded: the i-th entry, and how many have a key that is <= the wanted one. */
const uint8_t *index_entry(const struct index *index, uint32_t i);
uint32_t index_upper(const struct index *index, int64_t (*key)(const uint8_t *entry), int64_t wanted);
/* Keys: relative offset and position in an offset index, time in a time index. */
static inline int64_t offset_key(const uint8_t *entry) { return get_i32(entry); }
static inline int64_t position_key(const uint8_t *entry) { return get_u32(entry + 4); }
static inline int64_t time_key(const uint8_t *entry) { return get_i64(entry); }
