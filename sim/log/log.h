/* The log of one partition: segments in order, in Kafka's files. Offsets are int64_t, times milliseconds of virtual time;
 * no function here reads a clock or schedules anything. Each returns ERR_OK or the code a client would get and explains in
 * `reason`; what it decides it returns as a struct, which the journal keeps and `why` prints.
 * Source: Kafka's UnifiedLog/Log, LogSegment, OffsetIndex, TimeIndex, ProducerStateManager, LeaderEpochFileCache, LogLoader. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/err.h"
#include "sim/base/files.h"
#include "sim/base/journal.h"
#include "sim/base/random.h"
#include "sim/base/release.h"
#include "sim/base/text.h"
#include "sim/log/batch.h"

struct log;

/* The effective settings of one log (topic value, else broker's). The log borrows the struct; its owner changes it in place,
 * which acts from the next use on, as in Kafka. */
struct log_config {
    bool cleanup_delete, cleanup_compact;
    int64_t retention_ms, retention_bytes;         /* -1: no limit */
    int32_t segment_bytes, segment_index_bytes, index_interval_bytes, max_message_bytes;
    int64_t segment_ms, segment_jitter_ms;
    int64_t file_delete_delay_ms;
    int codec, codec_level;                        /* compression.type: CODEC_PRODUCER or a codec */
    bool log_append_time, preallocate;
    int64_t timestamp_before_max_ms, timestamp_after_max_ms; /* 2.7: both message.timestamp.difference.max.ms */
    int8_t magic;                                  /* 2, but for 2.7's message.format.version */
    int64_t flush_messages, flush_ms;
    int64_t min_compaction_lag_ms, max_compaction_lag_ms, delete_retention_ms;
    double min_cleanable_dirty_ratio;
    int64_t producer_id_expiration_ms;
};
void log_config_default(struct log_config *config, enum release release);

struct log_env {               /* what a log lives in; borrowed, outlives it */
    struct fs *fs;
    struct journal *journal;   /* may be NULL */
    struct random *random;     /* for segment.jitter.ms */
    enum release release;
    int32_t broker;            /* for the journal */
    struct buffer *scratch;    /* where appends are prepared; may be shared by all logs of a lab. NULL: each log has one */
    /* While a log opens: so many more bytes were gone through. May let others run before it returns (nobody else knows of the log yet); false: the opening
     * is to be given up, as by kill -9. Called at counts and not at moments. NULL: all in one go. */
    bool (*breathe)(void *context, int64_t bytes);
    void *breathe_context;
};

struct log_open {
    const char *dir;           /* LOGDIR/students-0; made if missing */
    const char *topic;
    int32_t partition;
    struct uuid topic_id;      /* written to partition.metadata by 4.3; zero: none */
    const struct log_config *config;
    bool clean;                /* the clean marker was there: nothing is scanned */
    int64_t recovery_point, log_start_offset, high_watermark; /* from the checkpoints; 0 if missing */
    int64_t now_ms;
};
/* Opens (recovering what an unclean stop left) or creates. The caller owns *out and ends it with log_close or log_drop. */
enum err log_open(struct log **out, const struct log_env *env, const struct log_open *how, struct reason *reason);
/* Clean: flushes, writes final index entries and the snapshot, trims. Accepts NULL and a half-built one. */
void log_close(struct log *log, int64_t now_ms);
/* As after kill -9: frees, writes nothing. */
void log_drop(struct log *log);
/* Renames the folder to `TOPIC-P.HEX-delete`, and gives its new path (the caller's) for removal after file.delete.delay.ms. The log is gone. */
enum err log_delete(struct log *log, const char *hex, char **renamed, struct reason *reason);

/* Its folder gets another name, on the same disk; from now on it lives in `env`. On an error all is as it was. */
enum err log_rename(struct log *log, const char *dir, const struct log_env *env, struct reason *reason);

const char *log_dir(const struct log *log);
const struct log_config *log_settings(const struct log *log);

/* Always log_start_offset <= high_watermark <= log_end_offset, and last_stable_offset <= high_watermark. */
int64_t log_start_offset(const struct log *log);       /* first offset a client may read */
int64_t log_end_offset(const struct log *log);         /* offset the next record will get */
int64_t log_high_watermark(const struct log *log);     /* every ISR member has all below it; set by cluster */
int64_t log_last_stable_offset(const struct log *log); /* below it no transaction is open */
int64_t log_recovery_point(const struct log *log);     /* all below is flushed */
int64_t log_active_base_offset(const struct log *log);
int64_t log_size_bytes(const struct log *log);         /* of all segments not .deleted */
int64_t log_first_base_offset(const struct log *log);  /* of the oldest segment not .deleted */
void log_set_high_watermark(struct log *log, int64_t offset);         /* bounded to [start, end] */
/* DeleteRecords, or the leader's log start offset at a follower; only up. */
void log_raise_start_offset(struct log *log, int64_t offset);

/* ---- append ---- */
enum append_origin { APPEND_CLIENT, APPEND_COORDINATOR, APPEND_REPLICATION };
struct log_append {
    struct bytes records;
    enum append_origin origin;     /* REPLICATION: offsets and epochs are kept as given, several batches may come */
    int32_t leader_epoch;
    int16_t produce_version;       /* -1: not from a request, or records_check_request was asked already */
    int64_t now_ms;
    struct record_errors *errors;  /* where records that are refused one by one are named, the owner's to end; NULL: nobody asks */
    bool may_change;               /* the bytes of `records` are nobody else's: what is stored may be prepared in them */
};
struct log_appended {
    int64_t base_offset, last_offset;     /* -1 where nothing was appended */
    int64_t log_append_time_ms;           /* -1 unless LogAppendTime */
    int64_t log_start_offset;
    int64_t max_timestamp_ms;
    int64_t record_count;
    int32_t bytes;
    bool duplicate, rolled;
};
/* Checks, assigns offsets, rolls if it must, writes. On an error nothing was written (a roll may have happened, as in Kafka). */
enum err log_append(struct log *log, const struct log_append *append, struct log_appended *out, struct reason *reason);

/* ---- read ---- */
struct log_slice {
    struct file *file;             /* pinned for the caller, file_unpin; NULL: nothing to read */
    int64_t position;
    int32_t size;
    int64_t base_offset;           /* of the first batch */
};
/* Batches from the one that holds `offset`, up to max_bytes (the last may be cut), none past `upper` (exclusive), within one segment;
 * `at_least_one`: the first batch whole, even if larger. ERR_OFFSET_OUT_OF_RANGE outside [start, end]. Empty where offset >= upper. */
enum err log_read(struct log *log, int64_t offset, int32_t max_bytes, int64_t upper, bool at_least_one, struct log_slice *out, struct reason *reason);
/* Bytes a read of [offset, upper) would have, up to `most`: what min.bytes is compared with. */
int64_t log_readable_bytes(struct log *log, int64_t offset, int64_t upper, int64_t most);
/* Walks batches (headers decoded, bytes in `batch->bytes` borrowed until the next call) from the one holding `offset`, over segments. */
struct log_cursor {
    struct log *log;
    int64_t offset;
    struct buffer buffer;
    bool headers_only;
    int64_t segment_base, position;   /* of the batch given last: where it lies */
    int64_t next_position;            /* and the next one; -1: not begun */
    int64_t piece_base, piece_at;     /* what `buffer` holds */
    uint64_t changes;                 /* of the log when that was so: it may be compacted or truncated between two calls */
};
void log_cursor_init(struct log_cursor *cursor, struct log *log, int64_t offset, bool headers_only);
bool log_cursor_next(struct log_cursor *cursor, struct batch *out); /* false: end, or unreadable */
void log_cursor_done(struct log_cursor *cursor);

struct log_found {
    int64_t offset, timestamp_ms;     /* -1, -1: none */
    int32_t leader_epoch;
};
/* The first record with timestamp >= timestamp_ms and offset >= log start. */
enum err log_offset_for_time(struct log *log, int64_t timestamp_ms, struct log_found *out, struct reason *reason);
enum err log_offset_of_max_timestamp(struct log *log, struct log_found *out, struct reason *reason);

/* ---- aborted transactions, for read_committed ---- */
struct aborted { int64_t producer_id, first_offset; };
/* Up to where a fetch tells of them, with `size` bytes read from `offset` on: Kafka asks the offset index, which knows only every so often where an
 * offset lies, so it is past what was read, and without a further entry the end of the segment. */
int64_t log_aborted_bound(struct log *log, int64_t offset, int32_t size);
size_t log_aborted(struct log *log, int64_t from, int64_t upper, struct aborted *out, size_t most);

/* ---- roll: evaluated at an append; here so that it can be asked ahead ---- */
struct roll_decision {
    bool rolls;
    const char *rule;                 /* "segment.bytes", "segment.ms", "index full", "offset range"; NULL */
    int64_t size_bytes, append_bytes, limit_bytes;
    int64_t waited_ms, limit_ms;      /* message time between the first batch and this one */
    int64_t first_timestamp_ms;
    int64_t max_timestamp_ms, jitter_ms;  /* of what is appended; what segment.jitter.ms took off the limit */
    int64_t base_offset;                  /* of the segment that is active */
};
struct roll_decision log_decide_roll(const struct log *log, int32_t append_bytes, int64_t max_timestamp_ms, int64_t last_offset, int64_t now_ms);
/* A new segment now, for tests and for retention. */
enum err log_roll(struct log *log, int64_t now_ms, struct reason *reason);

/* ---- retention ---- */
enum verdict { VERDICT_KEEP, VERDICT_DELETE };
struct segment_verdict {
    int64_t base_offset, next_offset;
    int64_t size_bytes, newest_ms;    /* largest timestamp, or mtime where records have none */
    bool newest_is_mtime, active;
    enum verdict verdict;
    const char *rule;                 /* DELETE: what took it; KEEP: the rule that came closest: "retention.ms", "retention.bytes",
                                       * "log start offset", "high watermark", "older segment", or "empty" (the active one without records) */
    int64_t value, limit;             /* compared: age and retention.ms; excess and size; ... */
    int64_t expires_at_ms;            /* first moment at which retention.ms would take it; INT64_MAX: never */
    /* what each rule says by itself, whether it was its turn or not */
    int64_t age_ms;                   /* now - newest_ms */
    int64_t excess_bytes;             /* of this and the newer segments, above retention.bytes; negative: so many below it */
    bool too_old, too_much, below_start; /* retention.ms, retention.bytes, the log start offset would take it */
    bool committed;                   /* the high watermark is at its end: else nothing takes it */
};
struct retention_decision {
    struct segment_verdict *segments; /* from the oldest to the first that stays; owned */
    size_t count, delete_count;
    int64_t total_bytes;
    int64_t new_log_start_offset;     /* if applied */
    bool rolls;                       /* the active segment goes too: an empty one is rolled first */
    int64_t decided_at_ms;
};
/* What retention would do now, and why; only decides. */
struct retention_decision log_decide_retention(const struct log *log, int64_t now_ms);
/* The same of all segments: those behind the first that stays as well, kept by the rule "older segment" if only that keeps them. Not to be applied. */
struct retention_decision log_weigh_retention(const struct log *log, int64_t now_ms);
void retention_decision_done(struct retention_decision *decision);
/* Of a decision that takes more than `most` segments, what takes the oldest `most` only; deciding anew at the same moment gives the rest. So
 * a check over very many segments is done in slices. True: something was left for later. */
bool retention_decision_limit(struct retention_decision *decision, size_t most);
/* Renames to .deleted, moves the log start offset, writes what Kafka writes, and the journal's entries. Also does what
 * log_touch_by_retention does, and says KEEP for the segment at which it stopped unless it said the same last time. */
enum err log_apply_retention(struct log *log, const struct retention_decision *decision, struct reason *reason);
/* First moment at which some segment may be taken by retention.ms; INT64_MAX: none as things are. For parking the periodic check. */
int64_t log_next_expiry_ms(const struct log *log);
/* Whether a check at `now_ms` would do anything (delete, or create the lazily created time index, as a check does). Cheap: no I/O. */
bool log_retention_due(const struct log *log, int64_t now_ms);
/* What the retention task does beyond deleting: loading the lazily created time index of the active segment. */
void log_touch_by_retention(struct log *log, int64_t now_ms);

/* ---- compaction: what the cleaner would do with this log ---- */
struct compaction_decision {
    /* Where the dirty part begins: at the cleaner checkpoint, else at the log start. */
    int64_t checkpoint_offset;            /* of cleaner-offset-checkpoint; -1: no line */
    int64_t first_dirty_offset;
    const char *first_dirty_rule;         /* "cleaner checkpoint", "no checkpoint", "checkpoint below log start", "checkpoint past log end" */
    bool resets_checkpoint;               /* the last two: Kafka writes the log start into the file, whatever the verdict */
    /* Where it ends: the least of three. */
    int64_t last_stable_offset;           /* no open transaction below it; never above the high watermark */
    int64_t active_base_offset;           /* the active segment is never cleaned */
    int64_t young_base_offset;            /* first dirty closed segment with newest > now - min.compaction.lag.ms; -1: none, or no lag set */
    int64_t young_newest_ms;              /* its largest timestamp (mtime where records have none); -1 */
    int64_t min_compaction_lag_ms;
    int64_t first_uncleanable_offset;
    const char *uncleanable_rule;         /* which it was: "last stable offset", "active segment", "min.compaction.lag.ms" */
    int64_t end_offset;                   /* base of the segment that holds it: a cleaning reads [first_dirty_offset, end_offset) */
    /* How dirty it is, in whole segments: cleanable / (clean + cleanable) > min.cleanable.dirty.ratio. */
    int64_t clean_bytes, cleanable_bytes; /* the segment that holds first_dirty_offset counts as both if it begins below it */
    double ratio, min_ratio;              /* ratio 0 where there are no bytes at all */
    /* Or how old: the oldest first batch of a dirty closed segment < now - max.compaction.lag.ms. */
    int64_t oldest_dirty_ms;              /* INT64_MAX: none has a timestamp */
    int64_t max_compaction_lag_ms;
    bool forced;                          /* too old */
    /* What comes of it. */
    bool cleans;
    const char *rule;                     /* cleans: "min.cleanable.dirty.ratio" or "max.compaction.lag.ms". Else what stands in the way:
                                           * "cleanup.policy" (not compact), "empty" (no bytes before the end_offset),
                                           * or the uncleanable_rule if nothing is cleanable for it, or "min.cleanable.dirty.ratio" (not over it) */
    int64_t next_at_ms;                   /* first moment at which time alone may make `cleans` true; INT64_MAX: only appends, a roll,
                                           * the end of a transaction or a setting can */
    const char *next_rule;                /* "min.compaction.lag.ms" or "max.compaction.lag.ms"; NULL: none */
    int64_t decided_at_ms;
};
/* Whether the cleaner would take this log now, and why; only decides, and reads at most one batch header a segment. `checkpoint_offset`: the log's
 * line of cleaner-offset-checkpoint, -1 without one (cluster's partition_cleaner_offset() knows it). Which of several logs goes first is the cleaner's
 * choice: the greatest ratio. Source: Kafka's LogCleanerManager, LogToClean. */
struct compaction_decision log_decide_compaction(const struct log *log, int64_t checkpoint_offset, int64_t now_ms);

/* ---- cleaning: done step by step, while appends go on ---- */
struct cleaning;
struct cleaner_limits {                   /* of one cleaner thread */
    int64_t dedupe_bytes;                 /* log.cleaner.dedupe.buffer.size / threads */
    double load_factor;                   /* log.cleaner.io.buffer.load.factor: how full the offset map gets */
    int32_t io_bytes;                     /* log.cleaner.io.buffer.size / threads / 2: what is read and written at once; 2.7's index entries go by it */
};
struct cleaning_result {
    int64_t first_dirty_offset, end_offset;  /* end: the new cleaner checkpoint. Less than the decision's where the offset map was full */
    int64_t segments_before, segments_after, bytes_before, bytes_after;
    int64_t keys;                         /* in the offset map */
    int64_t records_read, records_kept;
    int64_t superseded;                   /* a newer record has the key */
    int64_t tombstones_kept, tombstones_removed, without_key;
    int64_t aborted;                      /* records of aborted transactions */
    int64_t markers_removed;
    int64_t batches_emptied;              /* kept as headers: last of a producer, or (4.3) the end of the round */
    int64_t horizons_set;                 /* 4.3: batches that got a delete horizon */
};
/* Begins what `decision` (which says cleans) asks for. One cleaning at a time of a log; it must be ended with cleaning_end before the log is closed.
 * Truncation and the deletion of segments end it by themselves: its next step says so. */
struct cleaning *cleaning_begin(struct log *log, const struct compaction_decision *decision, const struct cleaner_limits *limits);
enum cleaning_state { CLEANING_GOES_ON, CLEANING_DONE, CLEANING_STOPPED, CLEANING_FAILED };
/* Works through about `most_bytes` (unpacked), or swaps a group of segments in. FAILED: the log can't be cleaned (what was swapped in before stays); `reason` says why. */
enum cleaning_state cleaning_step(struct cleaning *cleaning, int64_t most_bytes, struct reason *reason);
const struct cleaning_result *cleaning_result(const struct cleaning *cleaning);
/* `tidy`: removes the .cleaned files that are half done; false: as after kill -9, they stay. Accepts NULL. */
void cleaning_end(struct cleaning *cleaning, bool tidy);

/* .deleted files wait file.delete.delay.ms. */
int64_t log_next_unlink_ms(const struct log *log);    /* INT64_MAX: none waits */
void log_shift_unlinks(struct log *log, int64_t by_ms); /* the clock of its times was set: the delay goes on as it was */
/* Removes the files of at most `most` segments whose delay is over; says of how many. */
size_t log_unlink_due(struct log *log, int64_t now_ms, size_t most);

/* ---- what is there, for the view, why, SQL ---- */
enum segment_state { SEGMENT_ACTIVE, SEGMENT_CLOSED, SEGMENT_DELETED };
struct segment_info {
    enum segment_state state;
    int64_t base_offset, next_offset;     /* next: base of the following, or log end */
    int64_t size_bytes, index_bytes, time_index_bytes;
    int64_t first_timestamp_ms, newest_ms;/* -1: no timestamps */
    int64_t mtime_ms, created_ms;
    int64_t deleted_at_ms, unlink_at_ms;  /* SEGMENT_DELETED */
    int64_t expires_at_ms;                /* by retention.ms; INT64_MAX: never */
    int64_t batch_count;                  /* -1: not counted */
    int64_t record_count;                 /* of one that the cleaner wrote since the start; -1: not counted */
};
size_t log_segment_count(const struct log *log);      /* with the deleted ones that still lie on disk, oldest first */
void log_segment_get(const struct log *log, size_t i, struct segment_info *out);

/* ---- producers ---- */
struct producer_info {
    int64_t producer_id;
    int16_t producer_epoch;
    int32_t last_sequence, coordinator_epoch;
    int64_t last_timestamp_ms, last_offset, transaction_start_offset; /* -1: none open */
};
size_t log_producers(const struct log *log, struct producer_info *out, size_t most);
void log_expire_producers(struct log *log, int64_t now_ms);
void log_remove_old_snapshots(struct log *log);       /* 2.7, when recovery points are checkpointed */

/* ---- leader epochs ---- */
int32_t log_latest_epoch(const struct log *log);      /* -1: none */
enum err log_begin_epoch(struct log *log, int32_t epoch, struct reason *reason);   /* a leader begins at log end offset */
/* leader-epoch-checkpoint, for looking. */
size_t log_epoch_count(const struct log *log);
void log_epoch_get(const struct log *log, size_t i, int32_t *epoch, int64_t *start_offset);
/* (epoch, end offset) as OffsetForLeaderEpoch answers; -1, -1: unknown. */
void log_end_offset_for_epoch(const struct log *log, int32_t epoch, int32_t *out_epoch, int64_t *out_offset);

/* ---- truncation, for followers ---- */
enum err log_truncate_to(struct log *log, int64_t offset, int64_t now_ms, struct reason *reason);
/* The same; `rule` (a literal) says in the journal why. */
enum err log_truncate_because(struct log *log, int64_t offset, int64_t now_ms, const char *rule, struct reason *reason);
enum err log_truncate_fully(struct log *log, int64_t start_offset, int64_t now_ms, struct reason *reason);
enum err log_flush(struct log *log, struct reason *reason);   /* recovery point := log end */
