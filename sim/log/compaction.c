/* Compaction: which part of a log is dirty, and whether it is dirty enough to be cleaned. */
#include "sim/log/log_internal.h"
#include "sim/log/record.h"

/* ---- deciding ---- */

static void find_first_dirty(const struct log *log, struct compaction_decision *decision)
{
    int64_t checkpoint = decision->checkpoint_offset;

    decision->first_dirty_offset = log->start_offset;
    if (checkpoint < 0) {
        decision->first_dirty_rule = "no checkpoint";
    } else if (checkpoint < log->start_offset) {
        decision->first_dirty_rule = "checkpoint below log start";
        decision->resets_checkpoint = true;
    } else if (checkpoint > log->end_offset) {
        decision->first_dirty_rule = "checkpoint past log end";
        decision->resets_checkpoint = true;
    } else {
        decision->first_dirty_rule = "cleaner checkpoint";
        decision->first_dirty_offset = checkpoint;
    }
}

/* The segment that holds an offset, or the first one. */
static size_t segment_holding(const struct log *log, int64_t offset)
{
    size_t i = log_segment_of(log, offset);

    return i < log->segment_count ? i : 0;
}

/* The first closed segment of the dirty part that is too young. */
static void find_young(const struct log *log, size_t first, struct compaction_decision *decision)
{
    int64_t lag = decision->min_compaction_lag_ms;

    decision->young_base_offset = decision->young_newest_ms = -1;
    for (size_t i = first; lag > 0 && i + 1 < log->segment_count; i++) {
        int64_t newest = segment_newest((struct log *)log, log->segments[i], NULL);

        if (newest > subtract_wrapping(decision->decided_at_ms, lag)) {
            decision->young_base_offset = log->segments[i]->base_offset;
            decision->young_newest_ms = newest;
            return;
        }
    }
}

static void find_first_uncleanable(const struct log *log, struct compaction_decision *decision)
{
    decision->last_stable_offset = log_last_stable_offset(log);
    decision->active_base_offset = log_active(log)->base_offset;
    decision->first_uncleanable_offset = decision->active_base_offset;
    decision->uncleanable_rule = "active segment";
    if (decision->young_base_offset >= 0 && decision->young_base_offset < decision->first_uncleanable_offset) {
        decision->first_uncleanable_offset = decision->young_base_offset;
        decision->uncleanable_rule = "min.compaction.lag.ms";
    }
    if (decision->last_stable_offset < decision->first_uncleanable_offset) {
        decision->first_uncleanable_offset = decision->last_stable_offset;
        decision->uncleanable_rule = "last stable offset";
    }
}

static void count_bytes(const struct log *log, struct compaction_decision *decision)
{
    int64_t from = decision->first_dirty_offset < decision->end_offset ? decision->first_dirty_offset : decision->end_offset;
    size_t first = segment_holding(log, from);

    for (size_t i = 0; i < log->segment_count; i++) {
        const struct segment *segment = log->segments[i];

        if (segment->base_offset < decision->first_dirty_offset)
            decision->clean_bytes += segment->size_bytes;
        if (i >= first && segment->base_offset < decision->end_offset && from < decision->end_offset)
            decision->cleanable_bytes += segment->size_bytes;
    }
    if (decision->clean_bytes + decision->cleanable_bytes)
        decision->ratio = (double)decision->cleanable_bytes / (double)(decision->clean_bytes + decision->cleanable_bytes);
}

static void find_oldest(const struct log *log, size_t first, struct compaction_decision *decision)
{
    decision->oldest_dirty_ms = INT64_MAX;
    for (size_t i = first; i + 1 < log->segment_count; i++) {
        int64_t oldest = segment_first_timestamp(log->segments[i]);

        if (oldest > 0 && oldest < decision->oldest_dirty_ms)
            decision->oldest_dirty_ms = oldest;
    }
    decision->forced = decision->oldest_dirty_ms < subtract_wrapping(decision->decided_at_ms, decision->max_compaction_lag_ms);
}

static void give_verdict(const struct log *log, struct compaction_decision *decision)
{
    bool dirty_enough = decision->ratio > decision->min_ratio;

    if (!log->config->cleanup_compact) {
        decision->rule = "cleanup.policy";
    } else if (!(decision->clean_bytes + decision->cleanable_bytes)) {
        decision->rule = "empty";
    } else if (dirty_enough || (decision->forced && decision->cleanable_bytes)) {
        decision->cleans = true;
        decision->rule = dirty_enough ? "min.cleanable.dirty.ratio" : "max.compaction.lag.ms";
    } else {
        decision->rule = decision->cleanable_bytes ? "min.cleanable.dirty.ratio" : decision->uncleanable_rule;
    }
}

static void maybe_sooner(struct compaction_decision *decision, int64_t at_ms, const char *rule)
{
    if (at_ms > decision->decided_at_ms && at_ms < decision->next_at_ms) {
        decision->next_at_ms = at_ms;
        decision->next_rule = rule;
    }
}

/* A young segment becomes cleanable at newest + min lag, an old one is forced at oldest + max lag + 1. */
static void find_next(struct compaction_decision *decision)
{
    decision->next_at_ms = INT64_MAX;
    if (decision->cleans || text_equal(decision->rule, "cleanup.policy"))
        return;
    if (decision->young_base_offset >= 0 && decision->young_newest_ms <= INT64_MAX - decision->min_compaction_lag_ms)
        maybe_sooner(decision, decision->young_newest_ms + decision->min_compaction_lag_ms, "min.compaction.lag.ms");
    if (decision->oldest_dirty_ms < INT64_MAX - decision->max_compaction_lag_ms)
        maybe_sooner(decision, decision->oldest_dirty_ms + decision->max_compaction_lag_ms + 1, "max.compaction.lag.ms");
}

struct compaction_decision log_decide_compaction(const struct log *log, int64_t checkpoint_offset, int64_t now_ms)
{
    const struct log_config *config = log->config;
    struct compaction_decision decision = {
        .checkpoint_offset = checkpoint_offset, .decided_at_ms = now_ms, .min_ratio = config->min_cleanable_dirty_ratio,
        .min_compaction_lag_ms = config->min_compaction_lag_ms > 0 ? config->min_compaction_lag_ms : 0,
        .max_compaction_lag_ms = config->max_compaction_lag_ms > 0 ? config->max_compaction_lag_ms : 0,
    };
    size_t first;

    find_first_dirty(log, &decision);
    first = segment_holding(log, decision.first_dirty_offset);
    find_young(log, first, &decision);
    find_first_uncleanable(log, &decision);
    decision.end_offset = log->segments[segment_holding(log, decision.first_uncleanable_offset)]->base_offset;
    count_bytes(log, &decision);
    find_oldest(log, first, &decision);
    give_verdict(log, &decision);
    find_next(&decision);
    return decision;
}
