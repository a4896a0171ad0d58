/* One segment of a log: a .log with its .index, .timeindex and .txnindex. Private to sim/log.
 *
 * Kafka maps its index files at full size and fills them; here the entries that are there lie in memory, and each is written to
 * its place when it comes, into a file that has the full size by a hole. So the files look as Kafka's do at every moment.
 * Source: Kafka's LogSegment, AbstractIndex, OffsetIndex, TimeIndex, TransactionIndex, LazyIndex. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "sim/base/files.h"
#include "sim/log/batch.h"
#include "sim/log/index.h"

struct log;
struct scan;

enum { ABORTED_ENTRY = 34 };

struct aborted_entry { int64_t producer_id, first_offset, last_offset, last_stable_offset; };

struct segment {
    int64_t base_offset;
    int64_t size_bytes;               /* of the batches; a preallocated file is longer */
    int64_t created_ms, jitter_ms;
    int32_t index_bytes, index_interval_bytes; /* as they were set when it was made or opened: Kafka passes them to the segment then */
    int64_t first_timestamp_ms;       /* what segment.ms counts from; -1: no timestamps */
    int64_t max_timestamp_ms, max_timestamp_offset; /* -1: none; valid when max_known */
    int64_t bytes_since_entry;        /* written since the last entry of the offset index */
    int64_t batch_count;              /* -1: not counted */
    int64_t record_count;             /* of one that the cleaner wrote; -1: not counted */
    struct file *log;
    struct index offsets, times;
    struct file *aborted_file;        /* .txnindex; NULL: none */
    struct aborted_entry *aborted;
    size_t aborted_count, aborted_capacity;
    size_t aborted_found;             /* the first so many were in the file when it was opened, and were not compared with the log yet */
    bool aborted_cut;                 /* the file ended within an entry, or with one of another version */
    int64_t deleted_at_ms, unlink_at_ms;
    int64_t deleted_next_offset;      /* what followed when it was deleted */
    bool first_known, max_known;
    bool gap_said;                    /* read.c: that offsets are missing at its end */
    bool checked, mended, newest_verified; /* verify.c: its indexes were looked at; were built anew; its newest timestamp was compared with the log */
    bool snapshot_deleted;            /* a .snapshot.deleted goes with the files (4.3) */
    bool cleaned;                     /* the cleaner writes it: its files are called .cleaned */
};

/* LOGDIR/TOPIC-P/00000000000000000000SUFFIX, the caller's. */
char *segment_path(const char *dir, int64_t base_offset, const char *suffix);
char *segment_own_path(const struct log *log, const struct segment *segment, const char *suffix);   /* with .cleaned behind it, if it is the cleaner's */

/* A new segment with an empty .log. `indexes`: with both index files at once, as a partition's first one; else they come at their first use. */
enum err segment_create(struct log *log, int64_t base_offset, bool indexes, int64_t now_ms, struct segment **out, struct reason *reason);
/* A new one for the cleaner, beside the one it will replace: NAME.cleaned. What a crash left of that name is removed. */
enum err segment_create_cleaned(struct log *log, int64_t base_offset, int64_t now_ms, struct segment **out, struct reason *reason);
/* Renames its files from one suffix to another (".cleaned" to ".swap", ".swap" to ""). */
enum err segment_change_suffix(struct log *log, struct segment *segment, const char *from, const char *to, struct reason *reason);
void segment_remove_files(struct log *log, int64_t base_offset, const char *suffix);
/* One that is on disk. Its indexes are read when they are used. */
enum err segment_open(struct log *log, int64_t base_offset, int64_t now_ms, struct segment **out, struct reason *reason);
/* As it lies there: nothing is made, a missing or senseless index counts in *missing and is none, one that a running broker keeps at full size ends
 * with its last entry. `marker`: "" or ".deleted", behind each name. */
enum err segment_inspect(struct log *log, int64_t base_offset, const char *marker, struct segment **out, size_t *missing, struct reason *reason);
void segment_free(struct segment *segment);        /* closes its files, writes nothing */

/* The transaction index: what is on disk; without the entries that end at or past `offset`. */
enum err segment_open_aborted(struct log *log, struct segment *segment, struct reason *reason);
void segment_drop_aborted(struct segment *segment, int64_t offset);

/* One append of one or more batches, in one write, with the index entries that are due. `first`: the first batch's header.
 * `last_offset`, `max_timestamp_ms`, `max_timestamp_offset`: of the whole set (2.7 looks at it as one, 4.3 batch by batch). */
struct segment_append {
    struct bytes records;
    int64_t first_max_timestamp_ms;
    int64_t last_offset, max_timestamp_ms, max_timestamp_offset;
    int64_t batch_count;
};
enum err segment_append(struct log *log, struct segment *segment, const struct segment_append *append, struct reason *reason);
enum err segment_add_aborted(struct log *log, struct segment *segment, const struct aborted_entry *entry, struct reason *reason);
/* Becomes inactive: the last time entry, indexes and log file cut to what is in them. */
enum err segment_finish(struct log *log, struct segment *segment, struct reason *reason);
/* Indexes at full size again: the last segment of a log that was opened or truncated. */
enum err segment_grow_indexes(struct log *log, struct segment *segment, struct reason *reason);
enum err segment_sync(struct segment *segment, struct reason *reason);
enum err segment_truncate(struct log *log, struct segment *segment, int64_t offset, int64_t now_ms, struct reason *reason);
/* Empties the three indexes before they are built anew; or the two that batches alone can tell. */
enum err segment_reset_indexes(struct log *log, struct segment *segment, struct reason *reason);
enum err segment_reset_lookup(struct log *log, struct segment *segment, struct reason *reason);
/* A batch found by a scan: entries by the rule of recovery. *indexed_at: position of the last entry's batch, 0 at the start. */
enum err segment_index_found(struct log *log, struct segment *segment, const struct batch *batch, int64_t position, int64_t *indexed_at, struct reason *reason);
enum err segment_cut_file(struct segment *segment, int64_t size_bytes, struct reason *reason);

/* The indexes, created if they aren't there yet, and read. */
enum err segment_load_offsets(struct log *log, struct segment *segment, struct reason *reason);
enum err segment_load_times(struct log *log, struct segment *segment, struct reason *reason);
bool segment_index_full(const struct segment *segment);
/* Offset of the first entry of the offset index at that position or behind it; -1: none. */
int64_t segment_indexed_from(struct segment *segment, int64_t position);
/* How many entries of the offset index have an offset <= offset. */
uint32_t segment_entries_to(struct segment *segment, int64_t offset);
/* Of the time index: greatest timestamp <= timestamp_ms; -1 and the base offset without one. */
void segment_index_time(struct segment *segment, int64_t timestamp_ms, int64_t *found_ms, int64_t *offset);

/* verify.c: whether the entries of both indexes that were found on disk can be right at all, once. */
void segment_check(struct log *log, struct segment *segment);
/* Begins `scan` at the entry with the greatest offset <= offset, or at the start; and that of the time index. What is found was compared with the batch that it
 * names; an index that lied was built anew, and the journal says so. */
void segment_seek(struct log *log, struct segment *segment, int64_t offset, struct scan *scan);
void segment_time_position(struct log *log, struct segment *segment, int64_t timestamp_ms, int64_t *found_ms, int64_t *offset);
/* The entries of the transaction index that were found on disk, compared with the batches that they name, once. (An entry that is missing whole can't be noticed.) */
void segment_check_aborted(struct log *log, struct segment *segment);
/* All of them anew. */
enum err segment_set_aborted(struct log *log, struct segment *segment, const struct aborted_entry *entries, size_t count, struct reason *reason);

/* Before a segment is deleted for its age: its newest timestamp, compared with the log once. */
void segment_verify_newest(struct log *log, struct segment *segment);

/* The largest timestamp; -1: records have none. From the time index's last entry after a start, as Kafka takes it. */
int64_t segment_max_timestamp(struct log *log, struct segment *segment);
/* That, or the mtime of the .log. */
int64_t segment_newest(struct log *log, struct segment *segment, bool *is_mtime);
/* Max timestamp of the first batch: what segment.ms is counted from; -1: none. */
int64_t segment_first_timestamp(struct segment *segment);
int64_t segment_mtime(struct log *log, const struct segment *segment);

/* Headers of batches from a position on, read in pieces. */
struct scan {
    const struct segment *segment;
    int64_t position;                 /* of the next batch; after scan_next past the one given */
    int64_t at;                       /* of the batch given last */
    int64_t limit;                    /* end of the data */
    int64_t last_offset;              /* of the batch given last; -1: none yet */
    int64_t piece_at;
    size_t piece_size;
    enum err err;                     /* ERR_CORRUPT_MESSAGE: what is there is no batch, is cut short, or its offsets go back */
    uint8_t piece[4096];
};
void scan_begin(struct scan *scan, const struct segment *segment, int64_t position);
bool scan_next(struct scan *scan, struct batch *out); /* out->bytes has no data */
/* Position of the first batch whose last offset is >= offset; -1: none in this segment; SEGMENT_DAMAGED: what lies before it is no batch, so none can be found.
 * `base_offset`, `size`: of that batch; may be NULL. */
enum { SEGMENT_DAMAGED = -2 };
int64_t segment_find(struct log *log, struct segment *segment, int64_t offset, int64_t *base_offset, int32_t *size);
/* A batch as a whole into `buffer`; out->bytes lies there. */
enum err segment_read_batch(const struct segment *segment, int64_t position, int32_t size, struct buffer *buffer, struct batch *out, struct reason *reason);
