/* The struct of a log. Private to sim/log. */
#pragma once
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/log/epochs.h"
#include "sim/log/log.h"
#include "sim/log/producers.h"
#include "sim/log/segment.h"

/* Where the first batch with last offset >= `offset` lies: reads at the end of a log need no index. */
struct place { int64_t offset, segment_base, position; int32_t size; /* of the batch that begins there; 0: not known */ };
enum { PLACES = 8 };

struct log {
    const struct log_env *env;
    const struct log_config *config;
    char *dir, *topic;
    int32_t partition;
    struct segment **segments;             /* ascending, at least one once open; the last is active */
    size_t segment_count, segment_capacity;
    struct segment **deleted;              /* wait for their delay, the oldest first */
    size_t deleted_count, deleted_capacity;
    int64_t start_offset, end_offset, high_watermark, recovery_point, size_bytes;
    struct producers producers;
    struct epochs epochs;
    struct buffer out;                     /* of validation, where env has no scratch */
    struct place places[PLACES];
    unsigned next_place;
    uint64_t changes;                      /* how often what lay somewhere came to lie elsewhere */
    int64_t kept_base;                     /* segment that the last applied decision kept, and why: said once */
    const char *kept_rule;
    struct cleaning *cleaning;             /* one that goes on; its cleaner's */
    bool opening;
    struct inspected *inspected;           /* what was found of a log that is only looked at; NULL: one that lives */
    bool only_looks;                  /* for the moment: nothing is mended by who only looks */
};

static inline struct segment *log_active(const struct log *log) { return log->segments[log->segment_count - 1]; }
static inline bool log_is_27(const struct log *log) { return release_is_27(log->env->release); }
static inline int64_t segment_next_offset(const struct log *log, size_t i)
{
    return i + 1 < log->segment_count ? log->segments[i + 1]->base_offset : log->end_offset;
}
/* Index of the segment with the greatest base offset <= offset; segment_count: none. */
size_t log_segment_of(const struct log *log, int64_t offset);
/* Without segments yet. */
struct log *log_new(const struct log_env *env, const struct log_open *how);
void log_add_segment(struct log *log, struct segment *segment);
void log_forget_places(struct log *log);
/* Where Kafka puts the last stable offset when an open transaction began below the log start: 2.7 at the log start, 4.3 at the first offset of the
 * batch that holds it. */
int64_t log_first_offset_of_start(const struct log *log);
void log_note_place(struct log *log, int64_t offset, int64_t segment_base, int64_t position, int32_t size);
/* The stages of opening, in recovery.c. */
enum err log_load(struct log *log, const struct log_open *how, struct reason *reason);
/* Rolls to a segment that begins at max(expected_offset, log end). `decision` NULL: by retention or a test. */
enum err log_roll_to(struct log *log, int64_t expected_offset, const struct roll_decision *decision, int64_t now_ms, struct reason *reason);
/* Renames the files of segments[from..from+count) to .deleted; they leave the list. */
enum err log_delete_segments(struct log *log, size_t from, size_t count, int64_t now_ms, struct reason *reason);
/* The cleaner's segment in place of segments[from..from+count), whose first base offset it has. On an error it is in the list all the same. */
enum err log_replace_segments(struct log *log, size_t from, size_t count, struct segment *cleaned, int64_t now_ms, struct reason *reason);
/* A cleaning that goes on reads segments that are about to go: its next step ends it. */
void log_stop_cleaning(struct log *log);
/* Everything that follows from a new log start offset. */
enum err log_move_start(struct log *log, int64_t offset, struct reason *reason);
/* Producer state up to the log's end, from the newest snapshot and the batches after it. */
enum err log_rebuild_producers(struct log *log, struct producers *producers, int64_t log_start, int64_t end, bool clean, int64_t now_ms, struct reason *reason);
/* A log that is only looked at reads its producers when they are asked for. */
void log_know_producers(const struct log *log);
/* Of a segment without a time index: its batches say it. */
int64_t log_look_newest(const struct segment *segment, int64_t *offset);
void inspected_free(struct inspected *inspected);
enum err log_refuse_change(const struct log *log, struct reason *reason);
/* "00000000000000000085.index.deleted": its offset and what follows; false: no file of a segment. */
bool log_parse_name(const char *name, int64_t *offset, const char **suffix);
/* A number of ms for people: "35.0 s". */
void log_text_ms(struct text *text, int64_t ms);
