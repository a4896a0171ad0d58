/* What the files cleaning*.c share: one cleaning of one log. */
#pragma once
#include "sim/log/log_internal.h"
#include "sim/log/offset_map.h"
#include "sim/log/record.h"

/* Segments that become one. */
struct group { int64_t first_base, last_base; size_t count; };

struct open_abort { struct aborted_entry entry; bool observed; }; /* observed: a batch of it was met in this pass */

/* What is known of transactions at the place where the pass is. */
struct transactions {
    struct aborted_entry *ahead;          /* by first offset, from `next` on */
    size_t next, ahead_count, ahead_capacity;
    struct open_abort *aborted;           /* by producer id */
    size_t aborted_count, aborted_capacity;
    int64_t *committed;                   /* producer ids with data that isn't aborted, sorted */
    size_t committed_count, committed_capacity;
};

struct last_record { int64_t producer_id, offset; int16_t epoch; }; /* offset -1: no data known */

enum stage { STAGE_MAP, STAGE_CLEAN, STAGE_SWAP, STAGE_DONE };

struct cleaning {
    struct log *log;
    struct compaction_decision decision;
    struct cleaner_limits limits;
    struct cleaning_result result;
    bool stopped;
    enum stage stage;
    int64_t now_ms, legacy_horizon_ms;
    struct offset_map map;
    struct transactions transactions;
    int64_t segment_base, position;       /* what is read next */
    struct buffer in;                     /* a piece of that segment */
    size_t in_at;
    size_t io_bytes;                      /* of a piece: grows for large batches */
    struct group *groups;
    size_t group_count, group_capacity, group;
    struct segment *cleaned;
    struct last_record *lasts;
    size_t last_count;
    bool retain_legacy;                   /* tombstones of 2.7 and of old messages, in this segment */
    bool discard;                         /* records of this batch */
    struct buffer out;                    /* of this piece, not written yet */
    int64_t out_batches, out_first_max_ms, out_max_ms, out_max_offset, out_last_offset;
    struct buffer kept;                   /* a byte a record of the batch at hand */
    struct batch_builder builder;
};

/* ---- cleaning_transactions.c ---- */
/* Aborted transactions with records in [from, upper) are to be met in this pass. */
void cleaning_collect_aborted(struct cleaning *cleaning, int64_t from, int64_t upper);
/* A data batch: is it of an aborted transaction? */
bool cleaning_batch_aborted(struct transactions *transactions, const struct batch *batch);
/* A control batch: can it go, as nothing of its transaction was met in this pass? An abort that stays goes into the index of `cleaned`, unless that is NULL. */
enum err cleaning_take_marker(struct cleaning *cleaning, struct segment *cleaned, const struct batch *batch, bool *can_go, struct reason *reason);
void cleaning_transactions_clear(struct transactions *transactions);

/* ---- cleaning_batch.c ---- */
void cleaning_note_producers(struct cleaning *cleaning);   /* their last batches, as they are now: those stay */
void cleaning_begin_out(struct cleaning *cleaning);
/* What came of a piece is one append, as in Kafka: 2.7 makes at most one index entry of it. */
enum err cleaning_write_out(struct cleaning *cleaning, struct reason *reason);
/* What stays of `batch` goes to `out`. */
enum err cleaning_clean_batch(struct cleaning *cleaning, const struct batch *batch, struct reason *reason);
