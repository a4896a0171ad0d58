/* why rolled TOPIC-P: which condition began a segment, and what will begin the next. */
#include "shell/commands/why.h"

#include <string.h>

static bool begins_at(const struct entry *entry, int64_t offset)
{
    return offset < 0 || entry->offset == offset;
}

static void say_bytes(struct why *why, const struct entry *entry)
{
    why_say(why, _(why->lang, "by segment.bytes: the segment before it had %lld bytes, the batch to be appended %lld: %lld + %lld > segment.bytes=%lld. A batch is never split, so a new "
                              "segment began with it.\n"),
            (long long)entry_fact(entry, "size_bytes", 0), (long long)entry_fact(entry, "append_bytes", 0), (long long)entry_fact(entry, "size_bytes", 0),
            (long long)entry_fact(entry, "append_bytes", 0), (long long)entry_fact(entry, "segment_bytes", 0));
}

static void say_ms(struct why *why, const struct entry *entry)
{
    long long waited = (long long)entry_fact(entry, "waited_ms", 0), limit = (long long)entry_fact(entry, "segment_ms", 0);
    long long jitter = (long long)entry_fact(entry, "segment_jitter_ms", 0);
    int64_t first = entry_fact(entry, "first_timestamp_ms", -1);

    if (first >= 0)
        why_say(why, _(why->lang, "by segment.ms: the batch appended is stamped %s, the first batch of the segment before it %s: %lld ms between the records' own timestamps > %lld"),
                why_moment(why, entry_fact(entry, "max_timestamp_ms", 0)), why_moment(why, first), waited, limit);
    else
        why_say(why, _(why->lang, "by segment.ms: its records bear no timestamps, so the clock counts, from the making of the segment before it: %lld ms > %lld"), waited, limit);
    if (jitter > 0)
        why_say(why, _(why->lang, " (segment.ms less a jitter of %lld that segment.jitter.ms chose for that segment)"), jitter);
    why_say(why, _(why->lang, ". No timer rolls a segment: it took this batch to do it.\n"));
}

static void say_rolled(struct why *why, const struct entry *entry)
{
    why_say(why, _(why->lang, "%s-%d rolled at %s: the segment %lld began, "), why->topic, why->partition, why_clock(why, entry->at_us / 1000), (long long)entry->offset);
    if (text_equal(entry->rule, "segment.bytes"))
        say_bytes(why, entry);
    else if (text_equal(entry->rule, "segment.ms"))
        say_ms(why, entry);
    else if (text_equal(entry->rule, "index full"))
        why_say(why, _(why->lang, "because an index of the segment before it was full: segment.index.bytes=%d is room for %d entries of the offset index and %d of the time "
                                  "index, which keeps one for the end.\n"),
                log_settings(why->log)->segment_index_bytes, log_settings(why->log)->segment_index_bytes / 8, log_settings(why->log)->segment_index_bytes / 12);
    else if (text_equal(entry->rule, "retention"))
        why_say(why, _(why->lang, "empty, because retention took all the others: there is always an active segment.\n"));
    else
        why_say(why, _(why->lang, "because the offset of what was appended lies more than 2147483647 beyond the base offset: an index could not tell it.\n"));
}

/* The first segment, or one from before the journal. */
static void say_unknown(struct why *why, int64_t base_offset)
{
    struct segment_info first = { 0 };
    bool found = false;

    for (size_t i = 0; i < log_segment_count(why->log); i++) {
        struct segment_info info;

        log_segment_get(why->log, i, &info);
        if (!i)
            first = info;
        found |= info.base_offset == base_offset;
    }
    if (base_offset >= 0 && !found)
        why_say(why, _(why->lang, "No segment of %s-%d begins at %lld.\n"), why->topic, why->partition, (long long)base_offset);
    else if (base_offset == 0 || (base_offset < 0 && first.base_offset == 0 && log_segment_count(why->log) == 1))
        why_say(why, _(why->lang, "%s-%d has not rolled yet: its first segment came with the partition.\n"), why->topic, why->partition);
    else
        why_say(why, _(why->lang, "What made it roll is not known: the journal does not reach back so far.\n"));
}

/* ---- the next ---- */

static void say_next_ms(struct why *why, const struct segment_info *active, const struct roll_decision *decision)
{
    const struct log_config *config = log_settings(why->log);
    long long limit = (long long)decision->limit_ms;

    if (!active->size_bytes) {
        why_say(why, _(why->lang, "segment.ms=%lld counts from its first record on, and there is none yet.\n"), (long long)config->segment_ms);
        return;
    }
    if (active->first_timestamp_ms < 0)
        why_say(why, _(why->lang, "Its records bear no timestamps, so segment.ms=%lld counts by the clock from its making: a batch that comes after %s rolls it"),
                (long long)config->segment_ms, active->created_ms < INT64_MAX - limit ? why_moment(why, active->created_ms + limit) : _(why->lang, "the end of time"));
    else
        why_say(why, _(why->lang, "segment.ms=%lld is driven by the records' own timestamps, not by a timer: its first batch is stamped %s, so a batch stamped after %s rolls it, "
                                  "whenever that one comes"),
                (long long)config->segment_ms, why_moment(why, active->first_timestamp_ms),
                active->first_timestamp_ms < INT64_MAX - limit ? why_moment(why, active->first_timestamp_ms + limit) : _(why->lang, "the end of time"));
    if (decision->jitter_ms > 0)
        why_say(why, _(why->lang, " (segment.jitter.ms took %lld off for this segment)"), (long long)decision->jitter_ms);
    if (limit + decision->jitter_ms < config->segment_ms)
        why_say(why, _(why->lang, " (max.compaction.lag.ms=%lld is shorter and counts instead)"), (long long)config->max_compaction_lag_ms);
    why_say(why, ".\n");
}

static void say_next(struct why *why)
{
    const struct log_config *config = log_settings(why->log);
    struct segment_info active = { 0 };
    struct roll_decision decision;
    long long room;

    for (size_t i = 0; i < log_segment_count(why->log); i++) {
        struct segment_info info;

        log_segment_get(why->log, i, &info);
        if (info.state == SEGMENT_ACTIVE)
            active = info;
    }
    decision = log_decide_roll(why->log, 0, active.first_timestamp_ms, active.next_offset, why->now_ms);
    room = (long long)config->segment_bytes - (long long)active.size_bytes;
    why_say(why, _(why->lang, "The active segment begins at %lld and has %lld of segment.bytes=%d: a batch of more than %lld bytes rolls it.\n"), (long long)active.base_offset,
            (long long)active.size_bytes, config->segment_bytes, room < 0 ? 0 : room);
    say_next_ms(why, &active, &decision);
    why_say(why, _(why->lang, "Nobody appends, nothing rolls: a quiet partition keeps its active segment until retention takes it.\n"));
}

int why_roll(struct why *why, int64_t base_offset)
{
    const struct entry *entry = why_find(why, EVENT_segment_rolled, begins_at, base_offset);

    if (entry)
        say_rolled(why, entry);
    else
        say_unknown(why, base_offset);
    if (base_offset < 0)
        say_next(why);
    why_show_segments(why);
    return 0;
}
