/* Rolling: when an append begins a new segment, and what happens to the files then. */
#include "sim/log/log_internal.h"
#include "sim/log/record.h"

static int64_t waited_ms(struct segment *segment, int64_t max_timestamp_ms, int64_t now_ms)
{
    int64_t first = segment_first_timestamp(segment);

    return first >= 0 ? subtract_wrapping(max_timestamp_ms, first) : now_ms - segment->created_ms;
}

static int64_t segment_ms_limit(const struct log_config *config)
{
    int64_t limit = config->segment_ms;

    if (config->cleanup_compact && config->max_compaction_lag_ms > 0 && config->max_compaction_lag_ms < limit)
        limit = config->max_compaction_lag_ms;
    return limit;
}

struct roll_decision log_decide_roll(const struct log *log, int32_t append_bytes, int64_t max_timestamp_ms, int64_t last_offset, int64_t now_ms)
{
    struct segment *active = log_active(log);
    struct roll_decision decision = {
        .size_bytes = active->size_bytes, .append_bytes = append_bytes, .limit_bytes = log->config->segment_bytes,
        .limit_ms = segment_ms_limit(log->config) - active->jitter_ms, .first_timestamp_ms = -1, .max_timestamp_ms = max_timestamp_ms,
        .jitter_ms = active->jitter_ms, .base_offset = active->base_offset,
    };
    int64_t relative = last_offset - active->base_offset;

    if (active->size_bytes) {
        decision.first_timestamp_ms = segment_first_timestamp(active);
        decision.waited_ms = waited_ms(active, max_timestamp_ms, now_ms);
    }
    if (active->size_bytes + append_bytes > decision.limit_bytes)
        decision.rule = "segment.bytes";
    else if (active->size_bytes && decision.waited_ms > decision.limit_ms)
        decision.rule = "segment.ms";
    else if (segment_index_full(active))
        decision.rule = "index full";
    else if (relative < 0 || relative > INT32_MAX)
        decision.rule = "offset range";
    decision.rolls = decision.rule != NULL;
    return decision;
}

static void say(struct log *log, const struct roll_decision *decision, int64_t base_offset)
{
    struct entry entry = { .kind = EVENT_segment_rolled, .broker = log->env->broker, .topic = log->topic, .partition = log->partition, .offset = base_offset };
    struct text text = { 0 };

    if (!log->env->journal)
        return;
    text_printf(&text, "%s-%d at %lld: ", log->topic, log->partition, (long long)base_offset);
    if (!decision) {
        entry.rule = "retention";
        text_add(&text, "a new empty one (all of the old ones go)");
    } else {
        struct fact facts[] = {
            { "size_bytes", decision->size_bytes, NULL }, { "append_bytes", decision->append_bytes, NULL },
            { "segment_bytes", decision->limit_bytes, NULL }, { "waited_ms", decision->waited_ms, NULL },
            { "segment_ms", decision->limit_ms, NULL }, { "first_timestamp_ms", decision->first_timestamp_ms, NULL },
            { "max_timestamp_ms", decision->max_timestamp_ms, NULL }, { "segment_jitter_ms", decision->jitter_ms, NULL },
            { "closed_base_offset", decision->base_offset, NULL },
        };

        entry.rule = decision->rule;
        memcpy(entry.facts, facts, sizeof(facts));
        entry.fact_count = sizeof(facts) / sizeof(*facts);
        if (text_equal(decision->rule, "segment.bytes")) {
            text_printf(&text, "%lld + %lld > %lld", (long long)decision->size_bytes, (long long)decision->append_bytes, (long long)decision->limit_bytes);
        } else if (text_equal(decision->rule, "segment.ms")) {
            if (decision->waited_ms / 100 == decision->limit_ms / 100) {
                text_printf(&text, "%lld ms > %lld ms", (long long)decision->waited_ms, (long long)decision->limit_ms);
            } else {
                log_text_ms(&text, decision->waited_ms);
                text_add(&text, " > ");
                log_text_ms(&text, decision->limit_ms);
            }
            text_add(&text, " between its first record and this one");
        } else {
            text_add(&text, text_equal(decision->rule, "index full") ? "no room for another index entry" : "the offset is too far from the base offset");
        }
        text_printf(&text, " (%s)", decision->rule);
    }
    entry.text = text_chars(&text);
    journal_add(log->env->journal, &entry);
    text_done(&text);
}

/* Files of that base offset that lie about: left by a crash. */
static void remove_strays(struct log *log, int64_t base_offset)
{
    static const char *const suffixes[] = { ".log", ".index", ".timeindex", ".txnindex" };

    for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
        char *path = segment_path(log->dir, base_offset, suffixes[i]);

        fs_unlink(log->env->fs, path, NULL);
        mem_free(path);
    }
}

enum err log_roll_to(struct log *log, int64_t expected_offset, const struct roll_decision *decision, int64_t now_ms, struct reason *reason)
{
    int64_t base = expected_offset > log->end_offset ? expected_offset : log->end_offset;
    struct segment *old = log_active(log), *segment = NULL;
    enum err err = ERR_OK;

    if (base == old->base_offset) {
        if (old->size_bytes)
            return err_because(ERR_UNKNOWN_SERVER_ERROR, reason, "%s-%d: a segment with base offset %lld is there already", log->topic, log->partition, (long long)base);
        /* its index is full though nothing is in it: Kafka deletes and makes it again */
        err = log_delete_segments(log, log->segment_count - 1, 1, now_ms, reason);
        old = NULL;
    } else {
        remove_strays(log, base);
        err = segment_finish(log, old, reason);
    }
    producers_set_end(&log->producers, base);
    if (!err && log_is_27(log))
        err = producers_snapshot(&log->producers, reason);
    if (!err)
        err = segment_create(log, base, false, now_ms, &segment, reason);
    if (err)
        return err;
    log_add_segment(log, segment);
    if (!log_is_27(log))
        err = producers_snapshot(&log->producers, reason);
    /* Kafka's flush-log task follows at once */
    if (!err && old)
        err = segment_sync(old, reason);
    log->end_offset = base;
    if (!err && log->recovery_point < base)
        log->recovery_point = base;
    say(log, decision, base);
    return err;
}

enum err log_roll(struct log *log, int64_t now_ms, struct reason *reason)
{
    return log_roll_to(log, log->end_offset, NULL, now_ms, reason);
}
