/* why TOPIC-P: each segment, what retention compares there, and when it may go. */
#include "shell/commands/why.h"

#include "shell/inspected.h"

enum { FIRST_CHECK_US = 30000000 };

/* ---- what is there ---- */

static void say_head(struct why *why)
{
    const struct log_config *config = log_settings(why->log);

    why_say_extent(why);
    why_say(why, "; retention.ms=%lld retention.bytes=%lld segment.bytes=%d cleanup.policy=%s%s%s\n", (long long)config->retention_ms,
            (long long)config->retention_bytes, config->segment_bytes, config->cleanup_compact ? "compact" : "",
            config->cleanup_compact && config->cleanup_delete ? "," : "", config->cleanup_delete ? "delete" : "");
}

void why_deleted(struct why *why, const struct entry *entry)
{
    long long value = (long long)entry_fact(entry, "value", 0), limit = (long long)entry_fact(entry, "limit", 0);

    if (text_equal(entry->rule, "retention.ms")) {
        why_say(why, entry_fact(entry, "newest_is_mtime", 0) ? _(why->lang, "its records bear no timestamps, and its file was last changed %s before: %lld ms > retention.ms=%lld")
                                                             : _(why->lang, "its newest record was %s old: %lld ms > retention.ms=%lld"),
                why_lasts(why, value), value, limit);
    } else if (text_equal(entry->rule, "retention.bytes")) {
        why_say(why, _(why->lang, "the log was %lld bytes above retention.bytes=%lld, and its %lld bytes fit in that"), value,
                (long long)entry_fact(entry, "retention_bytes", -1), limit);
    } else {
        why_say(why, _(why->lang, "the next segment begins at %lld, not above the log start offset %lld: nothing in it could be read"), value, limit);
    }
}

static bool has_base(const struct entry *entry, int64_t offset)
{
    return entry->offset == offset;
}

/* Taken already, the files still on the disk under another name. */
static void say_deleted(struct why *why, const struct segment_info *info)
{
    const struct entry *entry = why_find(why, EVENT_segment_deleted, has_base, info->base_offset);

    why_say(why, _(why->lang, "  %s (.deleted) was taken at %s"), why_offsets(why, info->base_offset, info->next_offset), why_clock(why, info->deleted_at_ms));
    if (entry && entry->at_us / 1000 == info->deleted_at_ms) {
        why_say(why, _(why->lang, " by %s: "), entry->rule);
        why_deleted(why, entry);
    }
    why_say(why, _(why->lang, ". Its files bear the suffix .deleted and leave the disk at %s (file.delete.delay.ms=%lld).\n"), why_clock(why, info->unlink_at_ms),
            (long long)(info->unlink_at_ms - info->deleted_at_ms));
}

/* ---- one segment ---- */

static void say_goes(struct why *why, const struct segment_verdict *verdict)
{
    const struct log_config *config = log_settings(why->log);

    why_say(why, _(why->lang, "goes at the next check, by %s: "), verdict->rule);
    if (text_equal(verdict->rule, "retention.ms"))
        why_say(why, verdict->newest_is_mtime ? _(why->lang, "its records bear no timestamps, and its file was last changed %s ago: %lld ms > retention.ms=%lld")
                                              : _(why->lang, "its newest record is %s old: %lld ms > retention.ms=%lld"),
                why_lasts(why, verdict->age_ms), (long long)verdict->age_ms, (long long)config->retention_ms);
    else if (text_equal(verdict->rule, "retention.bytes"))
        why_say(why, _(why->lang, "from here on the log is %lld bytes above retention.bytes=%lld, and its %lld bytes fit in that"), (long long)verdict->value,
                (long long)config->retention_bytes, (long long)verdict->limit);
    else
        why_say(why, _(why->lang, "the next segment begins at %lld, not above the log start offset %lld: nothing in it can be read"), (long long)verdict->value,
                (long long)verdict->limit);
}

/* The age against retention.ms, and the moments that follow from it. */
static void say_age(struct why *why, const struct segment_verdict *verdict, int64_t older_goes_at_ms, int64_t *goes_at_ms)
{
    long long limit = (long long)log_settings(why->log)->retention_ms, age = (long long)verdict->age_ms;
    int64_t last;

    if (verdict->too_old)
        why_say(why, _(why->lang, "its newest record is %s old: %lld ms > retention.ms=%lld"), why_lasts(why, age), age, limit);
    else if (verdict->newest_is_mtime)
        why_say(why, _(why->lang, "its records bear no timestamps, so the last change of its file counts, %s ago: %lld ms, not over retention.ms=%lld"),
                why_lasts(why, age), age, limit);
    else if (age < 0)
        why_say(why, _(why->lang, "its newest record is stamped %s ahead of now, at %s: a record stamped in the future keeps its segment and all newer ones until then, and "
                                  "for retention.ms=%lld after"),
                why_lasts(why, -age), why_clock(why, verdict->newest_ms), limit);
    else
        why_say(why, _(why->lang, "its newest record is %s old: %lld ms, not over retention.ms=%lld"), why_lasts(why, age), age, limit);
    if (verdict->expires_at_ms == INT64_MAX)
        return;
    if (!verdict->too_old)
        why_say(why, verdict->active ? _(why->lang, "; if nothing is appended it expires at %s") : _(why->lang, "; it expires at %s"), why_moment(why, verdict->expires_at_ms));
    if (older_goes_at_ms == INT64_MAX)
        return;
    last = look_check_after_ms(why->replica, verdict->expires_at_ms > older_goes_at_ms ? verdict->expires_at_ms : older_goes_at_ms);
    if (last == INT64_MAX)
        return;
    *goes_at_ms = last;
    if (older_goes_at_ms > verdict->expires_at_ms && look_check_after_ms(why->replica, verdict->expires_at_ms) < last)
        why_say(why, _(why->lang, ", but the older ones go first, so it goes at the check of %s"), why_clock(why, last));
    else
        why_say(why, verdict->too_old ? _(why->lang, ", so it goes at the check of %s") : _(why->lang, ", and goes at the check of %s"), why_clock(why, last));
}

/* What is left after it, against retention.bytes: a floor, not a ceiling. */
static void say_size(struct why *why, const struct segment_verdict *verdict)
{
    const struct log_config *config = log_settings(why->log);
    long long excess = (long long)verdict->excess_bytes, size = (long long)verdict->size_bytes, limit = (long long)config->retention_bytes;

    if (verdict->too_much)
        why_say(why, _(why->lang, "its %lld bytes fit in the %lld that the log has from here on above retention.bytes=%lld"), size, excess, limit);
    else if (excess < 0)
        why_say(why, _(why->lang, "from here on the log is %lld bytes below retention.bytes=%lld"), -excess, limit);
    else
        why_say(why, _(why->lang, "without its %lld bytes fewer than retention.bytes=%lld would be left (%lld are above it): it goes when %lld more have come"), size, limit,
                excess, size - excess);
}

static void say_stays(struct why *why, const struct segment_verdict *verdict, int64_t older_goes_at_ms, int64_t *goes_at_ms)
{
    const struct log_config *config = log_settings(why->log);
    bool by_time = config->cleanup_delete && config->retention_ms >= 0, by_size = config->cleanup_delete && config->retention_bytes >= 0;

    if (verdict->active && !verdict->size_bytes) {
        why_say(why, _(why->lang, "stays: it is empty, and an empty active segment is never taken"));
        return;
    }
    if (text_equal(verdict->rule, "high watermark")) {
        why_say(why, _(why->lang, "stays: the high watermark is %lld, below its end %lld, and nothing is deleted that is not committed (replicated to all of the ISR)"),
                (long long)verdict->value, (long long)verdict->limit);
        return;
    }
    if (!config->cleanup_delete) {
        why_say(why, _(why->lang, "stays: without delete in cleanup.policy only what lies below the log start offset %lld goes"), (long long)log_start_offset(why->log));
        return;
    }
    why_say(why, text_equal(verdict->rule, "older segment") ? _(why->lang, "stays for now, because an older one does: ") : _(why->lang, "stays: "));
    if (!by_time && !by_size)
        why_say(why, _(why->lang, "retention.ms=-1 and retention.bytes=-1 set no limit"));
    if (by_time)
        say_age(why, verdict, older_goes_at_ms, goes_at_ms);
    if (by_time && by_size)
        why_say(why, "; ");
    if (by_size)
        say_size(why, verdict);
}

void why_segment(struct why *why, const struct segment_verdict *verdict, int64_t older_goes_at_ms, int64_t *goes_at_ms)
{
    *goes_at_ms = INT64_MAX;
    if (verdict->next_offset > verdict->base_offset)
        why_say(why, verdict->active ? _(why->lang, "  %s (active, %lld bytes) ") : _(why->lang, "  %s (%lld bytes) "),
                why_offsets(why, verdict->base_offset, verdict->next_offset), (long long)verdict->size_bytes);
    else
        why_say(why, _(why->lang, "  %lld (active) "), (long long)verdict->base_offset);
    if (verdict->verdict == VERDICT_DELETE) {
        *goes_at_ms = look_check_after_ms(why->replica, why->now_ms);
        say_goes(why, verdict);
    } else {
        say_stays(why, verdict, older_goes_at_ms, goes_at_ms);
    }
    why_say(why, ".\n");
}

/* ---- when Kafka looks ---- */

/* When Kafka looks: the check's interval, or for the first time. */
static void why_next_check(struct why *why)
{
    struct broker *broker = partition_broker(why->replica);
    struct config_layers layers = broker_config(broker);
    int64_t next = broker_next_retention_check_us(broker), skew_us = broker_skew_us(broker);
    long long interval = (long long)config_long(&layers, "log.retention.check.interval.ms");

    if (next == INT64_MAX)
        return;
    if (next - broker_started_us(broker) <= FIRST_CHECK_US)
        why_say(why, _(why->lang, "Retention looks for the first time at %s, 30 s after the broker's start, then every %s (log.retention.check.interval.ms=%lld).\n"),
                why_clock(why, (next + skew_us) / 1000), why_lasts(why, interval), interval);
    else
        why_say(why, _(why->lang, "Retention looks next at %s (log.retention.check.interval.ms=%lld).\n"), why_clock(why, (next + skew_us) / 1000), interval);
}

static void say_order(struct why *why, const struct retention_decision *decision)
{
    const struct log_config *config = log_settings(why->log);
    bool old = release_is_27(lab_release(why->lab));

    if (!config->cleanup_delete) {
        why_say(why, config->cleanup_compact ? _(why->lang, "cleanup.policy=compact: the retention check passes this partition by; the cleaner works here (why compaction %s-%d).\n")
                                             : _(why->lang, "cleanup.policy is empty: neither age nor size deletes anything of %s-%d.\n"),
                why->topic, why->partition);
        return;
    }
    if (config->cleanup_compact)
        why_say(why, _(why->lang, "cleanup.policy=compact,delete: the cleaner's threads look here, not the retention check (why compaction %s-%d).\n"), why->topic, why->partition);
    if (decision->count > 1)
        why_say(why, old ? _(why->lang, "Kafka 2.7 asks retention.ms first, then retention.bytes, then the log start offset; each from the oldest segment to the first that stays.\n")
                         : _(why->lang, "Kafka 4.3 asks the log start offset first, then retention.bytes, then retention.ms; each from the oldest segment to the first that stays.\n"));
    if (decision->rolls)
        why_say(why, _(why->lang, "The active segment goes too, as all of its records are too old: an empty one is rolled at %lld first.\n"), (long long)log_end_offset(why->log));
    else if (config->retention_ms >= 0)
        why_say(why, _(why->lang, "The active segment is no exception: once all of its records are too old, an empty one is rolled and it goes like the others.\n"));
    if (config->retention_bytes >= 0)
        why_say(why, _(why->lang, "retention.bytes is a floor: only whole segments above it go, so up to a segment more than %lld bytes is kept.\n"),
                (long long)config->retention_bytes);
}

/* ---- */

/* A retention.ms by which the oldest segment is gone at the next check; 0: there is none worth saying. */
static int64_t sooner_ms(struct why *why, const struct segment_verdict *oldest)
{
    int64_t check = look_check_after_ms(why->replica, why->now_ms), age;

    if (check == INT64_MAX || oldest->verdict == VERDICT_DELETE || !log_settings(why->log)->cleanup_delete || !oldest->size_bytes || !oldest->committed)
        return 0;
    age = check - oldest->newest_ms;
    return age < 2000 ? 0 : (age - 1) / 1000 * 1000;
}

int why_retention(struct why *why)
{
    struct retention_decision decision = log_weigh_retention(why->log, why->now_ms);
    int64_t goes_at_ms = why->now_ms, first_goes_at_ms = INT64_MAX, sooner;
    int status = 0;

    say_head(why);
    for (size_t i = 0; i < log_segment_count(why->log); i++) {
        struct segment_info info;

        log_segment_get(why->log, i, &info);
        if (info.state == SEGMENT_DELETED)
            say_deleted(why, &info);
    }
    for (size_t i = 0; i < decision.count; i++) {
        why_segment(why, &decision.segments[i], goes_at_ms, &goes_at_ms);
        if (!i)
            first_goes_at_ms = goes_at_ms;
    }
    say_order(why, &decision);
    why_say_moving(why);
    if (log_settings(why->log)->cleanup_delete && !log_settings(why->log)->cleanup_compact)
        why_next_check(why);
    if (lab_inspects(why->lab)) {
        why_say(why, _(why->lang, "When the broker looks is not on its disk: 30 s after its start, then every log.retention.check.interval.ms.\n"));
        why_flush(why);
        status = inspected_say(why->call, why->log, why->topic) ? 0 : 130;
    }
    why_show_delete(why, first_goes_at_ms);
    sooner = decision.count ? sooner_ms(why, &decision.segments[0]) : 0;
    if (sooner && (first_goes_at_ms == INT64_MAX || look_check_after_ms(why->replica, why->now_ms) < first_goes_at_ms))
        why_mend_config(why, "retention.ms", sooner, _(why->lang, "it goes at the check of %s"), why_clock(why, look_check_after_ms(why->replica, why->now_ms)));
    else if (first_goes_at_ms != INT64_MAX && decision.count && decision.segments[0].verdict == VERDICT_DELETE && text_equal(decision.segments[0].rule, "retention.ms"))
        why_mend_config(why, "retention.ms", 604800000, _(why->lang, "kept for a week"));
    else if (first_goes_at_ms == INT64_MAX && !lab_inspects(why->lab))
        why_show(why, "events 20 %s", why->topic);
    if (lab_inspects(why->lab))
        why_show_segments(why);
    retention_decision_done(&decision);
    return status;
}
