/* why compaction TOPIC-P: where the dirty part begins and ends, what the cleaner compares there, and when it comes. */
#include "shell/commands/why.h"

enum { MOST_BATCHES = 200000 };

/* By the broker's clock; INT64_MAX: never. */
static int64_t next_cleaning_us(const struct why *why)
{
    int64_t at_us = partition_next_cleaning_us(why->replica);

    return at_us == INT64_MAX ? at_us : at_us + broker_skew_us(partition_broker(why->replica));
}

static void say_head(struct why *why)
{
    const struct log_config *config = log_settings(why->log);

    why_say_extent(why);
    why_say(why, "; cleanup.policy=%s%s%s min.cleanable.dirty.ratio=%g min.compaction.lag.ms=%lld delete.retention.ms=%lld",
            config->cleanup_compact ? "compact" : "", config->cleanup_compact && config->cleanup_delete ? "," : "", config->cleanup_delete ? "delete" : "",
            config->min_cleanable_dirty_ratio, (long long)config->min_compaction_lag_ms, (long long)config->delete_retention_ms);
    if (config->max_compaction_lag_ms < INT64_MAX)
        why_say(why, " max.compaction.lag.ms=%lld", (long long)config->max_compaction_lag_ms);
    why_say(why, "\n");
}

/* ---- the bounds ---- */

static void say_bounds(struct why *why, const struct compaction_decision *decision)
{
    long long first = (long long)decision->first_dirty_offset, end = (long long)decision->first_uncleanable_offset, checkpoint = (long long)decision->checkpoint_offset;
    long long start = (long long)log_start_offset(why->log);

    if (text_equal(decision->first_dirty_rule, "cleaner checkpoint"))
        why_say(why, _(why->lang, "Dirty from %lld on: what lies below was compacted already (cleaner-offset-checkpoint).\n"), first);
    else if (text_equal(decision->first_dirty_rule, "no checkpoint"))
        why_say(why, _(why->lang, "Dirty from %lld on, the log start: it was never compacted (no line in cleaner-offset-checkpoint).\n"), first);
    else
        why_say(why, _(why->lang, "Dirty from %lld on, the log start: the checkpoint %lld lies outside the log %lld..%lld and is set back.\n"), first, checkpoint, start,
                (long long)log_end_offset(why->log));
    if (text_equal(decision->uncleanable_rule, "active segment"))
        why_say(why, _(why->lang, "It can be cleaned up to %lld, where the active segment begins: that one is never compacted.\n"), end);
    else if (text_equal(decision->uncleanable_rule, "last stable offset"))
        why_say(why, _(why->lang, "It can be cleaned up to the last stable offset %lld: what lies behind is not committed yet, or belongs to an open transaction.\n"), end);
    else
        why_say(why, _(why->lang, "It can be cleaned up to %lld: the newest record of that segment, of %s, is not min.compaction.lag.ms=%lld old yet.\n"), end,
                why_moment(why, decision->young_newest_ms), (long long)decision->min_compaction_lag_ms);
}

static void say_segments(struct why *why, const struct compaction_decision *decision)
{
    for (size_t i = 0; i < log_segment_count(why->log); i++) {
        struct segment_info info;
        const char *offsets;

        log_segment_get(why->log, i, &info);
        if (info.state == SEGMENT_DELETED)
            continue;
        offsets = why_offsets(why, info.base_offset, info.next_offset);
        if (info.state == SEGMENT_ACTIVE)
            why_say(why, _(why->lang, "  %s active, %lld bytes: not looked at\n"), offsets, (long long)info.size_bytes);
        else if (info.base_offset >= decision->end_offset)
            why_say(why, _(why->lang, "  %s closed, %lld bytes: not yet\n"), offsets, (long long)info.size_bytes);
        else if (info.next_offset <= decision->first_dirty_offset)
            why_say(why, _(why->lang, "  %s clean, %lld bytes\n"), offsets, (long long)info.size_bytes);
        else
            why_say(why, _(why->lang, "  %s dirty, %lld bytes\n"), offsets, (long long)info.size_bytes);
    }
}

/* ---- the comparison ---- */

static void say_ratio(struct why *why, const struct compaction_decision *decision)
{
    long long clean = (long long)decision->clean_bytes, cleanable = (long long)decision->cleanable_bytes;

    if (clean + cleanable == 0) {
        why_say(why, _(why->lang, "There is nothing to clean: no closed segment has bytes there.\n"));
        return;
    }
    why_say(why, _(why->lang, "Dirty ratio, in whole segments: %lld / (%lld clean + %lld dirty) = %.3f, "), cleanable, clean, cleanable, decision->ratio);
    why_say(why, decision->ratio > decision->min_ratio ? _(why->lang, "over min.cleanable.dirty.ratio=%g.\n") : _(why->lang, "not over min.cleanable.dirty.ratio=%g.\n"),
            decision->min_ratio);
    if (decision->oldest_dirty_ms != INT64_MAX && decision->max_compaction_lag_ms < INT64_MAX)
        why_say(why, decision->forced ? _(why->lang, "Its oldest dirty record, of %s, is more than max.compaction.lag.ms=%lld old: it is cleaned whatever the ratio.\n")
                                      : _(why->lang, "Its oldest dirty record, of %s, is not more than max.compaction.lag.ms=%lld old.\n"),
                why_moment(why, decision->oldest_dirty_ms), (long long)decision->max_compaction_lag_ms);
}

static void say_verdict(struct why *why, const struct compaction_decision *decision)
{
    struct config_layers layers = broker_config(partition_broker(why->replica));
    long long backoff = (long long)config_long(&layers, "log.cleaner.backoff.ms");
    int64_t next_us = next_cleaning_us(why);

    if (partition_uncleanable(why->replica))
        why_say(why, _(why->lang, "But the cleaner met an error there and leaves it alone until the broker starts again (events CLEAN).\n"));
    else if (decision->cleans && next_us == INT64_MAX && !lab_inspects(why->lab))
        why_say(why, _(why->lang, "So it could be cleaned, by %s, but no cleaner runs here (log.cleaner.enable, log.cleaner.threads).\n"), decision->rule);
    else if (decision->cleans && next_us == INT64_MAX)
        why_say(why, _(why->lang, "So the cleaner takes it, by %s, when its thread looks for the filthiest log: every log.cleaner.backoff.ms when it has nothing to do.\n"),
                decision->rule);
    else if (decision->cleans)
        why_say(why, _(why->lang, "So the cleaner takes it, by %s, at its look of %s: when it has nothing to do its thread looks for the filthiest log every %s "
                                  "(log.cleaner.backoff.ms=%lld).\n"),
                decision->rule, why_moment(why, next_us / 1000), why_lasts(why, backoff), backoff);
    else if (text_equal(decision->rule, "empty"))
        why_say(why, _(why->lang, "So the cleaner leaves it: there are no bytes in what may be cleaned.\n"));
    else
        why_say(why, _(why->lang, "So the cleaner leaves it; what stands in the way: %s.\n"), decision->rule);
    if (!decision->cleans && decision->next_at_ms != INT64_MAX && next_us != INT64_MAX)
        why_say(why, _(why->lang, "If nothing is appended that changes at %s, by %s, and the cleaner takes it at its look of %s.\n"), why_moment(why, decision->next_at_ms),
                decision->next_rule, why_moment(why, next_us / 1000));
    else if (!decision->cleans && decision->next_at_ms != INT64_MAX)
        why_say(why, _(why->lang, "If nothing is appended that changes at %s, by %s.\n"), why_moment(why, decision->next_at_ms), decision->next_rule);
    else if (!decision->cleans)
        why_say(why, _(why->lang, "Time alone does not change that: only records, the roll that they bring, or a setting.\n"));
}

/* What the last cleaning came to. */
static void say_last(struct why *why)
{
    const struct entry *entry = why_find(why, EVENT_log_cleaned, NULL, 0);

    if (!entry)
        return;
    why_say(why, _(why->lang, "The last cleaning, at %s: %lld bytes became %lld; of %lld records it kept %lld (%lld superseded by a later one of their key, %lld tombstones whose time was "
                              "over, %lld of aborted transactions).\n"),
            why_clock(why, entry->at_us / 1000), (long long)entry_fact(entry, "bytes_before", 0), (long long)entry_fact(entry, "bytes_after", 0),
            (long long)entry_fact(entry, "records_before", 0), (long long)entry_fact(entry, "records_after", 0), (long long)entry_fact(entry, "superseded", 0),
            (long long)entry_fact(entry, "tombstones_removed", 0), (long long)entry_fact(entry, "aborted", 0));
}

/* ---- tombstones ---- */

static void say_tombstones(struct why *why, const struct compaction_decision *decision)
{
    const struct log_config *config = log_settings(why->log);
    int64_t first_ms = INT64_MAX, batches = 0, seen = 0;
    struct log_cursor cursor;
    struct batch batch;

    if (release_is_27(lab_release(why->lab))) {
        why_say(why, _(why->lang, "Tombstones (records without a value) stay until the segment that they lie in was last changed delete.retention.ms=%lld before the newest clean one: "
                                  "who reads from the start within that time sees them.\n"),
                (long long)config->delete_retention_ms);
        return;
    }
    log_cursor_init(&cursor, why->log, log_start_offset(why->log), true);
    while (seen++ < MOST_BATCHES && log_cursor_next(&cursor, &batch) && batch.base_offset < decision->first_dirty_offset) {
        if (!(batch.attributes & ATTRIBUTE_DELETE_HORIZON))
            continue;
        batches++;
        first_ms = batch.base_timestamp_ms < first_ms ? batch.base_timestamp_ms : first_ms;
    }
    log_cursor_done(&cursor);
    if (batches)
        why_say(why, n_(why->lang, "%lld batch with tombstones has its delete horizon: the first cleaning after %s removes them.\n",
                        "%lld batches with tombstones have their delete horizons: cleanings after %s and later remove them.\n", batches),
                (long long)batches, why_clock(why, first_ms));
    why_say(why, _(why->lang, "Tombstones (records without a value) are kept delete.retention.ms=%lld from the first cleaning that meets them, so that who reads from the start "
                              "within that time sees them.\n"),
            (long long)config->delete_retention_ms);
}

/* ---- */

static void mend(struct why *why, const struct compaction_decision *decision)
{
    int64_t next_us = lab_inspects(why->lab) ? INT64_MAX : next_cleaning_us(why);
    char value[32];

    if (next_us != INT64_MAX && log_settings(why->log)->cleanup_compact)
        why_show(why, next_us / 1000 - why->now_ms < 86400000 ? "until clean %s-%d" : "until clean %s-%d --limit 3650d", why->topic, why->partition);
    if (text_equal(decision->rule, "cleanup.policy")) {
        why_mend_text(why, "cleanup.policy", "compact", _(why->lang, "the newest record of each key is kept"));
    } else if (text_equal(decision->rule, "min.cleanable.dirty.ratio") && !decision->cleans) {
        snprintf(value, sizeof(value), "%.3f", decision->ratio / 2);
        why_mend_text(why, "min.cleanable.dirty.ratio", value, _(why->lang, "then it is dirty enough"));
    } else if (text_equal(decision->rule, "min.compaction.lag.ms")) {
        why_mend_text(why, "min.compaction.lag.ms", "0", _(why->lang, "cleaned however young"));
    } else if (text_equal(decision->rule, "active segment") || text_equal(decision->rule, "empty")) {
        why_mend_text(why, "segment.ms", "1000", _(why->lang, "a record stamped a second later closes the segment"));
    } else if (next_us == INT64_MAX) {
        why_show(why, "SELECT offset, key, value FROM records WHERE topic = '%s' AND partition = %d", why->topic, why->partition);
    }
}

int why_compaction(struct why *why)
{
    struct compaction_decision decision = log_decide_compaction(why->log, partition_cleaner_offset(why->replica), why->now_ms);

    say_head(why);
    if (!log_settings(why->log)->cleanup_compact) {
        why_say(why, _(why->lang, "Without compact in cleanup.policy the cleaner passes this partition by: records go by age and size, not by key (why %s-%d).\n"), why->topic,
                why->partition);
    } else {
        say_bounds(why, &decision);
        say_segments(why, &decision);
        say_ratio(why, &decision);
        say_verdict(why, &decision);
        say_last(why);
        say_tombstones(why, &decision);
    }
    mend(why, &decision);
    return 0;
}
