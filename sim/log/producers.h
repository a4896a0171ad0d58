/* What a log knows of idempotent and transactional producers, and its snapshots. Private to sim/log.
 * Source: Kafka's ProducerStateManager, ProducerAppendInfo, ProducerStateEntry. */
#pragma once
#include "sim/base/files.h"
#include "sim/base/release.h"
#include "sim/log/batch.h"
#include "sim/log/log.h"

enum { PRODUCER_BATCHES = 5 };

struct producer_batch {
    int32_t first_sequence, last_sequence;
    int64_t last_offset;
    int32_t offset_delta;
    int64_t timestamp_ms;
};
struct producer_state {
    int64_t producer_id;
    int16_t epoch;
    uint8_t batch_count;
    int32_t coordinator_epoch;
    int64_t last_timestamp_ms;
    int64_t transaction_start;               /* -1: none open */
    struct producer_batch batches[PRODUCER_BATCHES]; /* the oldest first */
};
struct transaction { int64_t producer_id, first_offset, last_offset; }; /* ended, but its end isn't below the high watermark yet */

struct producers {
    struct fs *fs;
    const char *dir;                         /* the log's */
    enum release release;
    struct producer_state *items;            /* by producer id */
    size_t count, capacity;
    struct transaction *ended;               /* by first offset */
    size_t ended_count, ended_capacity;
    int64_t map_end, last_snapshot;          /* offsets */
    bool looking;                            /* no snapshot is written or deleted */
    int64_t *snapshots;                      /* those on disk, ascending */
    size_t snapshot_count, snapshot_capacity;
};
void producers_init(struct producers *producers, struct fs *fs, const char *dir, enum release release);
void producers_done(struct producers *producers);

/* What a batch with a producer id would do: *duplicate is the earlier one if it was seen. Errors as the leader answers them; with
 * APPEND_REPLICATION nothing is checked. */
enum err producers_check(const struct producers *producers, const struct batch *batch, enum append_origin origin,
                         const struct producer_batch **duplicate, struct reason *reason);
struct completed {                           /* a marker ended a transaction */
    bool is;
    bool aborted;
    int64_t producer_id, first_offset, last_offset;
};
/* Takes in a batch that was written. `records`: whole batch in batch->bytes, needed for control batches. */
void producers_update(struct producers *producers, const struct batch *batch, struct completed *completed);
/* Of a completed transaction, before producers_complete: what the abort entry carries. */
int64_t producers_stable_offset(const struct producers *producers, const struct completed *completed);
void producers_complete(struct producers *producers, const struct completed *completed);
/* First offset of an open transaction or of an ended one whose end isn't committed; -1: none. */
int64_t producers_first_unstable(const struct producers *producers);
void producers_committed(struct producers *producers, int64_t high_watermark);

void producers_set_end(struct producers *producers, int64_t map_end);
/* Writes FILE.snapshot at map_end if there isn't one as new. */
enum err producers_snapshot(struct producers *producers, struct reason *reason);
enum err producers_list_snapshots(struct producers *producers, struct reason *reason);
/* Deletes snapshots outside (log start, log end] and reads the newest that is left, unless the state is already of that end. */
enum err producers_reload(struct producers *producers, int64_t log_start, int64_t log_end, int64_t now_ms, int64_t expiration_ms, struct reason *reason);
void producers_start_moved(struct producers *producers, int64_t log_start);
void producers_clear(struct producers *producers, int64_t offset);   /* state and snapshots: truncated fully */
void producers_delete_snapshots_before(struct producers *producers, int64_t offset);
void producers_delete_snapshot(struct producers *producers, size_t i);
bool producers_has_snapshot(const struct producers *producers, int64_t offset);
void producers_forget_snapshot(struct producers *producers, int64_t offset);   /* its file was renamed */
size_t producers_expire(struct producers *producers, int64_t now_ms, int64_t expiration_ms);
