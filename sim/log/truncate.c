/* Cutting a log back to what its leader has. */
#include "sim/log/log_internal.h"

static void say(struct log *log, int64_t from, int64_t to, const char *rule)
{
    struct text text = { 0 };

    text_printf(&text, "%s-%d: log end %lld -> %lld", log->topic, log->partition, (long long)from, (long long)to);
    journal_add(log->env->journal, ENTRY(EVENT_log_truncated, .broker = log->env->broker, .topic = log->topic, .partition = log->partition,
                                         .offset = to, .rule = rule, .text = text_chars(&text),
                                         .facts = { { "log_end_offset_before", from, NULL }, { "log_end_offset", to, NULL } }, .fact_count = 2));
    text_done(&text);
}

static enum err drop_all(struct log *log, int64_t start_offset, int64_t now_ms, struct reason *reason)
{
    struct segment *segment;
    enum err err = log_delete_segments(log, 0, log->segment_count, now_ms, reason);

    if (!err)
        err = segment_create(log, start_offset, true, now_ms, &segment, reason);
    if (err)
        return err;
    log_add_segment(log, segment);
    err = epochs_clear(&log->epochs, reason);
    producers_clear(&log->producers, start_offset);
    log->end_offset = log->start_offset = log->high_watermark = start_offset;
    if (log->recovery_point > start_offset)
        log->recovery_point = start_offset;
    return err;
}

enum err log_truncate_fully(struct log *log, int64_t start_offset, int64_t now_ms, struct reason *reason)
{
    int64_t before = log->end_offset;
    enum err err = drop_all(log, start_offset, now_ms, reason);

    if (!err)
        say(log, before, start_offset, "the leader's log begins there");
    return err;
}

enum err log_truncate_to(struct log *log, int64_t offset, int64_t now_ms, struct reason *reason)
{
    return log_truncate_because(log, offset, now_ms, "the leader's log ends there", reason);
}

enum err log_truncate_because(struct log *log, int64_t offset, int64_t now_ms, const char *rule, struct reason *reason)
{
    int64_t before = log->end_offset, size;
    size_t holder;
    enum err err = ERR_OK;

    if (offset < log_active(log)->base_offset)
        log_stop_cleaning(log);

    if (offset < 0)
        return err_because(ERR_UNKNOWN_SERVER_ERROR, reason, "%s-%d: cannot be truncated to %lld", log->topic, log->partition, (long long)offset);
    if (offset >= log->end_offset) /* nothing to cut; epochs that begin there had no records */
        return epochs_truncate_end(&log->epochs, offset, reason);
    if (log->segments[0]->base_offset > offset)
        return log_truncate_fully(log, offset, now_ms, reason);
    holder = log_segment_of(log, offset);
    if (holder + 1 < log->segment_count)
        err = log_delete_segments(log, holder + 1, log->segment_count - holder - 1, now_ms, reason);
    size = log->segments[holder]->size_bytes;
    if (!err)
        err = segment_truncate(log, log->segments[holder], offset, now_ms, reason);
    log->size_bytes += log->segments[holder]->size_bytes - size;
    log_forget_places(log);
    if (err)
        return err;
    log->end_offset = offset;
    if (log->start_offset > offset)
        log->start_offset = offset;
    err = epochs_truncate_end(&log->epochs, offset, reason);
    if (!err)
        err = log_rebuild_producers(log, &log->producers, log->start_offset, offset, false, now_ms, reason);
    if (log->recovery_point > offset)
        log->recovery_point = offset;
    if (log->high_watermark > offset)
        log_set_high_watermark(log, offset);
    if (!err)
        say(log, before, offset, rule);
    return err;
}
