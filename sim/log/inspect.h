/* Looking at a log as it lies on disk: that of a broker that runs, was stopped, or was killed. Nothing is recovered, nothing written (the fs may be
 * one of fs_read_only); what a start of the broker would do is decided apart and only said. The log that comes of it answers everything of log.h
 * that looks; what changes it is refused. Source: Kafka's LogLoader, LogSegment, UnifiedLog. */
#pragma once
#include "sim/log/log.h"

/* `how` as for log_open: `clean` and the offsets are what marker and checkpoints say. Its end is after the last whole batch of the newest segment;
 * only indexes and what lies behind their last entries are read, so segments of any size cost the same. A half-written or damaged end, indexes longer
 * than their entries, missing indexes and files marked .deleted, .cleaned and .swap are no error. ERR_KAFKA_STORAGE_ERROR: unreadable, or no segment.
 * What producers are known comes at first use, from the newest snapshot and the batches behind it (64 MB of them at most). */
enum err log_inspect(struct log **out, const struct log_env *env, const struct log_open *how, struct reason *reason);
/* Where its last `bytes` begin, about: the start if it has no more. */
int64_t log_inspect_tail(struct log *log, int64_t bytes);
int64_t log_inspect_active(const struct log *log);         /* base offset of its newest segment */

/* What a start of the broker would do with the folder, with what it would compare. */
struct start_decision {
    bool clean;                        /* the marker of a clean stop is there: batches are believed */
    int64_t recovery_point;            /* else they are read from the segment that holds this offset on */
    size_t check_count;                /* segments that would be read */
    int64_t check_bytes, read_bytes;   /* in them; and how much of that was looked at here */
    bool whole;                        /* all of it was */
    size_t deleted_files, cleaned_files, swap_files;
    size_t missing_indexes;            /* files that would be made anew: not there, or no index */
    const char *rule;                  /* why bytes would be cut (clean: what they are, and they would stay): "half a batch", "no batch", "CRC", "offsets go back", "zeros"; NULL: none */
    int64_t cut_base_offset;           /* segment in which */
    int64_t cut_position, cut_bytes;   /* from there, to its end */
    size_t drop_count;                 /* segments after it, which would go whole */
    int64_t log_end_offset;            /* after the start */
    int64_t log_start_offset;
};
/* Reading is in slices: begin, then slices until one says that it is done. What a running broker has not finished writing looks like half a batch. */
struct start_check;
struct start_check *start_check_begin(struct log *log);
bool start_check_slice(struct start_check *check, int64_t budget_bytes); /* true: done */
const struct start_decision *start_check_decision(const struct start_check *check);
void start_check_end(struct start_check *check);
