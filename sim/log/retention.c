/* Retention: what goes and why, the .deleted files, and the log start offset. */
#include "sim/log/log_internal.h"

/* ---- deciding ---- */

enum pass { PASS_TIME, PASS_SIZE, PASS_START, PASSES };

/* The same order as Kafka's deleteOldSegments. */
static const enum pass order_27[PASSES] = { PASS_TIME, PASS_SIZE, PASS_START };
static const enum pass order_43[PASSES] = { PASS_START, PASS_SIZE, PASS_TIME };
static const char *const rules[PASSES] = { "retention.ms", "retention.bytes", "log start offset" };

static bool pass_runs(const struct log *log, enum pass pass)
{
    if (pass == PASS_START)
        return true;
    return log->config->cleanup_delete && (pass == PASS_TIME ? log->config->retention_ms : log->config->retention_bytes) >= 0;
}

/* Bytes that may go beyond retention.bytes, of the segments from `first` on; -1: not over it. */
static int64_t excess_of(const struct log *log, size_t first)
{
    int64_t total = log->size_bytes;

    for (size_t i = 0; i < first; i++)
        total -= log->segments[i]->size_bytes;
    return total - log->config->retention_bytes;
}

static bool takes(const struct log *log, enum pass pass, size_t i, int64_t excess, int64_t now_ms)
{
    struct segment *segment = log->segments[i];
    bool last = i + 1 == log->segment_count;

    if (log->high_watermark < segment_next_offset(log, i) || (last && !segment->size_bytes))
        return false;
    switch (pass) {
    case PASS_TIME:
        if (now_ms - segment_newest((struct log *)log, segment, NULL) <= log->config->retention_ms)
            return false;
        segment_verify_newest((struct log *)log, segment); /* it came from an index, and is about to cost records */
        return now_ms - segment_newest((struct log *)log, segment, NULL) > log->config->retention_ms;
    case PASS_SIZE:
        return excess >= 0 && excess - segment->size_bytes >= 0;
    default:
        return !last && log->segments[i + 1]->base_offset <= log->start_offset;
    }
}

static struct segment_verdict verdict_of(const struct log *log, size_t i, enum pass pass, int64_t excess, int64_t now_ms)
{
    struct segment *segment = log->segments[i];
    struct segment_verdict verdict = {
        .base_offset = segment->base_offset, .next_offset = segment_next_offset(log, i), .size_bytes = segment->size_bytes,
        .active = i + 1 == log->segment_count, .rule = rules[pass], .expires_at_ms = INT64_MAX,
    };

    verdict.newest_ms = segment_newest((struct log *)log, segment, &verdict.newest_is_mtime);
    if (log->config->cleanup_delete && log->config->retention_ms >= 0 && segment->size_bytes &&
        verdict.newest_ms <= INT64_MAX - log->config->retention_ms - 1)
        verdict.expires_at_ms = verdict.newest_ms + log->config->retention_ms + 1;
    if (pass == PASS_TIME) {
        verdict.value = now_ms - verdict.newest_ms;
        verdict.limit = log->config->retention_ms;
    } else if (pass == PASS_SIZE) {
        verdict.value = excess;
        verdict.limit = segment->size_bytes;
    } else {
        verdict.value = verdict.next_offset;
        verdict.limit = log->start_offset;
    }
    verdict.age_ms = now_ms - verdict.newest_ms;
    verdict.committed = log->high_watermark >= verdict.next_offset;
    verdict.excess_bytes = log->config->retention_bytes >= 0 ? excess_of(log, i) : 0;
    verdict.too_old = pass_runs(log, PASS_TIME) && takes(log, PASS_TIME, i, 0, now_ms);
    verdict.too_much = pass_runs(log, PASS_SIZE) && takes(log, PASS_SIZE, i, verdict.excess_bytes, now_ms);
    verdict.below_start = takes(log, PASS_START, i, 0, now_ms);
    return verdict;
}

/* Why the first that stays stays: the rule that a person would ask about. */
static struct segment_verdict kept_verdict(const struct log *log, size_t i, int64_t now_ms)
{
    int64_t excess = log->config->retention_bytes >= 0 ? excess_of(log, i) : -1;
    bool time = pass_runs(log, PASS_TIME), size = pass_runs(log, PASS_SIZE);
    struct segment_verdict verdict = verdict_of(log, i, time ? PASS_TIME : size ? PASS_SIZE : PASS_START, excess, now_ms);

    verdict.verdict = VERDICT_KEEP;
    if (verdict.active && !verdict.size_bytes) {
        verdict.rule = "empty";
        verdict.value = verdict.limit = 0;
    } else if (log->high_watermark < verdict.next_offset && (!time || verdict.value > verdict.limit)) {
        verdict.rule = "high watermark";
        verdict.value = log->high_watermark;
        verdict.limit = verdict.next_offset;
    }
    return verdict;
}

struct retention_decision log_decide_retention(const struct log *log, int64_t now_ms)
{
    const enum pass *order = log_is_27(log) ? order_27 : order_43;
    struct retention_decision decision = { .total_bytes = log->size_bytes, .decided_at_ms = now_ms, .new_log_start_offset = log->start_offset };
    size_t capacity = 0, at = 0;

    for (int p = 0; p < PASSES; p++) {
        int64_t excess = order[p] == PASS_SIZE && pass_runs(log, PASS_SIZE) ? excess_of(log, at) : -1;

        while (pass_runs(log, order[p]) && at < log->segment_count && takes(log, order[p], at, excess, now_ms)) {
            struct segment_verdict *verdict = &ARRAY_ADD(decision.segments, decision.count, capacity);

            *verdict = verdict_of(log, at, order[p], excess, now_ms);
            verdict->verdict = VERDICT_DELETE;
            if (order[p] == PASS_SIZE)
                excess -= log->segments[at]->size_bytes;
            at++;
        }
    }
    decision.delete_count = at;
    decision.rolls = at == log->segment_count;
    if (at && decision.rolls)
        decision.new_log_start_offset = log->end_offset;
    else if (at && log->segments[at]->base_offset > log->start_offset)
        decision.new_log_start_offset = log->segments[at]->base_offset;
    if (at < log->segment_count)
        ARRAY_ADD(decision.segments, decision.count, capacity) = kept_verdict(log, at, now_ms);
    return decision;
}

struct retention_decision log_weigh_retention(const struct log *log, int64_t now_ms)
{
    struct retention_decision decision;
    size_t capacity;

    ((struct log *)log)->only_looks = true;
    decision = log_decide_retention(log, now_ms);
    capacity = decision.count;
    for (size_t i = decision.count; i < log->segment_count; i++) {
        struct segment_verdict verdict = kept_verdict(log, i, now_ms);

        if (verdict.too_old || verdict.too_much || verdict.below_start)
            verdict.rule = "older segment";
        ARRAY_ADD(decision.segments, decision.count, capacity) = verdict;
    }
    ((struct log *)log)->only_looks = false;
    return decision;
}

void retention_decision_done(struct retention_decision *decision)
{
    mem_free(decision->segments);
    *decision = (struct retention_decision){ 0 };
}

bool retention_decision_limit(struct retention_decision *decision, size_t most)
{
    if (decision->delete_count <= most)
        return false;
    decision->count = decision->delete_count = most;
    decision->rolls = false;
    if (decision->segments[most].base_offset < decision->new_log_start_offset)
        decision->new_log_start_offset = decision->segments[most].base_offset;
    return true;
}

/* The time pass looks at the empty active segment and so creates its time index: it looks only if nothing stands before it. */
static bool touches(const struct log *log)
{
    return pass_runs(log, PASS_TIME) && log->segment_count == 1 && !log_active(log)->times.file &&
           log->high_watermark >= log->end_offset;
}

bool log_retention_due(const struct log *log, int64_t now_ms)
{
    int64_t excess = pass_runs(log, PASS_SIZE) ? log->size_bytes - log->config->retention_bytes : -1;

    for (enum pass pass = 0; pass < PASSES; pass++)
        if (pass_runs(log, pass) && takes(log, pass, 0, excess, now_ms))
            return true;
    return touches(log);
}

int64_t log_next_expiry_ms(const struct log *log)
{
    int64_t newest;

    if (!pass_runs(log, PASS_TIME) || !log->segments[0]->size_bytes)
        return INT64_MAX;
    newest = segment_newest((struct log *)log, log->segments[0], NULL);
    return newest > INT64_MAX - log->config->retention_ms - 1 ? INT64_MAX : newest + log->config->retention_ms + 1;
}

void log_touch_by_retention(struct log *log, int64_t now_ms)
{
    (void)now_ms;
    if (touches(log))
        segment_load_times(log, log_active(log), NULL);
}

/* ---- saying it ---- */

static void text_age(struct text *text, const struct segment_verdict *verdict)
{
    const char *word = verdict->newest_is_mtime ? "file changed" : "newest";
    bool over = verdict->verdict == VERDICT_DELETE;

    if (verdict->value / 100 == verdict->limit / 100) {
        text_printf(text, "%s %lld ms%s %lld ms", word, (long long)verdict->value, over ? " >" : ", not over", (long long)verdict->limit);
        return;
    }
    text_printf(text, "%s ", word);
    log_text_ms(text, verdict->value);
    text_add(text, over ? " > " : ", not over ");
    log_text_ms(text, verdict->limit);
}

static void text_verdict(struct text *text, const struct segment_verdict *verdict)
{
    bool gone = verdict->verdict == VERDICT_DELETE;

    if (text_equal(verdict->rule, "retention.ms")) {
        text_age(text, verdict);
    } else if (text_equal(verdict->rule, "retention.bytes") && gone) {
        text_printf(text, "%lld B over retention.bytes, its %lld B fit in that", (long long)verdict->value, (long long)verdict->limit);
    } else if (text_equal(verdict->rule, "retention.bytes")) {
        text_printf(text, verdict->value < 0 ? "%lld B below retention.bytes" : "%lld B over retention.bytes, fewer than its %lld B",
                    llabs((long long)verdict->value), (long long)verdict->limit);
    } else if (text_equal(verdict->rule, "high watermark")) {
        text_printf(text, "high watermark %lld < %lld", (long long)verdict->value, (long long)verdict->limit);
    } else if (text_equal(verdict->rule, "empty")) {
        text_add(text, "active and empty");
    } else if (gone) {
        text_printf(text, "next segment at %lld, log start offset %lld", (long long)verdict->value, (long long)verdict->limit);
    } else {
        text_add(text, "no limit set");
    }
}

static void say_verdict(struct log *log, const struct segment_verdict *verdict, int64_t start_before)
{
    struct text text = { 0 };
    bool gone = verdict->verdict == VERDICT_DELETE;
    struct entry entry = {
        .kind = gone ? EVENT_segment_deleted : EVENT_segment_kept, .broker = log->env->broker, .topic = log->topic,
        .partition = log->partition, .offset = verdict->base_offset, .rule = verdict->rule,
        .facts = { { "value", verdict->value, NULL }, { "limit", verdict->limit, NULL }, { "newest_ms", verdict->newest_ms, NULL },
                   { "size_bytes", verdict->size_bytes, NULL }, { "next_offset", verdict->next_offset, NULL },
                   { "retention_ms", log->config->retention_ms, NULL }, { "retention_bytes", log->config->retention_bytes, NULL },
                   { "high_watermark", log->high_watermark, NULL }, { "active", verdict->active, NULL },
                   { "newest_is_mtime", verdict->newest_is_mtime, NULL }, { "log_start_offset_before", start_before, NULL } },
        .fact_count = 11,
    };

    if (!log->env->journal)
        return;
    text_printf(&text, "%s-%d/%lld: ", log->topic, log->partition, (long long)verdict->base_offset);
    text_verdict(&text, verdict);
    if (gone && verdict->next_offset > start_before)
        text_printf(&text, "; log start %lld -> %lld", (long long)start_before, (long long)verdict->next_offset);
    else if (!gone)
        text_add(&text, "; stops looking");
    entry.text = text_chars(&text);
    journal_add(log->env->journal, &entry);
    text_done(&text);
}

/* ---- doing it ---- */

static const char *const suffixes[] = { ".log", ".index", ".timeindex", ".txnindex" };

static enum err rename_deleted(struct log *log, int64_t base_offset, const char *suffix, bool *renamed, struct reason *reason)
{
    char *from = segment_path(log->dir, base_offset, suffix), *to = mem_printf("%s.deleted", from);
    enum err err = ERR_OK;

    *renamed = fs_exists(log->env->fs, from);
    if (*renamed)
        err = fs_rename(log->env->fs, from, to, reason);
    mem_free(from);
    mem_free(to);
    return err;
}

/* segments[i] out of the folder: its files are renamed. It is still in the list. */
static enum err retire(struct log *log, size_t i, bool with_snapshot, int64_t now_ms, struct reason *reason)
{
    struct segment *segment = log->segments[i];
    enum err err = ERR_OK;
    bool there;

    for (size_t s = 0; !err && s < sizeof(suffixes) / sizeof(*suffixes); s++)
        err = rename_deleted(log, segment->base_offset, suffixes[s], &there, reason);
    if (!err && with_snapshot && !log_is_27(log) && producers_has_snapshot(&log->producers, segment->base_offset)) {
        err = rename_deleted(log, segment->base_offset, ".snapshot", &there, reason);
        segment->snapshot_deleted = there;
        producers_forget_snapshot(&log->producers, segment->base_offset);
    }
    segment->deleted_at_ms = now_ms;
    segment->unlink_at_ms = now_ms + log->config->file_delete_delay_ms;
    segment->deleted_next_offset = segment_next_offset(log, i);
    ARRAY_ADD(log->deleted, log->deleted_count, log->deleted_capacity) = segment;
    log->size_bytes -= segment->size_bytes;
    return err;
}

enum err log_replace_segments(struct log *log, size_t from, size_t count, struct segment *cleaned, int64_t now_ms, struct reason *reason)
{
    enum err err = segment_change_suffix(log, cleaned, ".cleaned", ".swap", reason);

    if (err)
        return err;
    /* from here on it is the log: a start that finds .swap goes on from here */
    for (size_t i = from; i < from + count; i++) {
        enum err failed = retire(log, i, log->segments[i]->base_offset != cleaned->base_offset, now_ms, err ? NULL : reason);

        err = err ? err : failed;
    }
    log->segments[from] = cleaned;
    log->size_bytes += cleaned->size_bytes;
    memmove(log->segments + from + 1, log->segments + from + count, (log->segment_count - from - count) * sizeof(struct segment *));
    log->segment_count -= count - 1;
    log_forget_places(log);
    return err ? err : segment_change_suffix(log, cleaned, ".swap", "", reason);
}

enum err log_delete_segments(struct log *log, size_t from, size_t count, int64_t now_ms, struct reason *reason)
{
    enum err err = ERR_OK;
    size_t done = 0;

    log_stop_cleaning(log);
    while (!err && done < count) /* no further than the first that can't be renamed: those behind it would leave a hole */
        err = retire(log, from + done++, true, now_ms, reason);
    count = done;
    memmove(log->segments + from, log->segments + from + count, (log->segment_count - from - count) * sizeof(struct segment *));
    log->segment_count -= count;
    log_forget_places(log);
    return err;
}

enum err log_move_start(struct log *log, int64_t offset, struct reason *reason)
{
    enum err err;

    if (offset <= log->start_offset)
        return ERR_OK;
    log->start_offset = offset;
    if (log->high_watermark < offset)
        log->high_watermark = offset;
    err = epochs_truncate_start(&log->epochs, offset, reason);
    producers_start_moved(&log->producers, offset);
    return err;
}

void log_raise_start_offset(struct log *log, int64_t offset)
{
    int64_t before = log->start_offset;
    struct text text = { 0 };

    if (offset > log->end_offset)
        offset = log->end_offset;
    if (offset <= before)
        return;
    log_move_start(log, offset, NULL);
    text_printf(&text, "%s-%d: log start %lld -> %lld", log->topic, log->partition, (long long)before, (long long)offset);
    journal_add(log->env->journal, ENTRY(EVENT_log_start_moved, .broker = log->env->broker, .topic = log->topic, .partition = log->partition,
                                         .offset = offset, .text = text_chars(&text),
                                         .facts = { { "before", before, NULL }, { "log_start_offset", offset, NULL } }, .fact_count = 2));
    text_done(&text);
}

/* An empty segment first if nothing else would be left; then Kafka 4 moves the log start before it renames, 2.7 after. */
enum err log_apply_retention(struct log *log, const struct retention_decision *decision, struct reason *reason)
{
    int64_t start = log->start_offset, now_ms = decision->decided_at_ms;
    const struct segment_verdict *kept = decision->count > decision->delete_count ? &decision->segments[decision->delete_count] : NULL;
    enum err err = ERR_OK;

    if (decision->delete_count) {
        assert(decision->delete_count <= log->segment_count);
        if (decision->rolls)
            err = log_roll_to(log, log->end_offset, NULL, now_ms, reason);
        if (!err && !log_is_27(log))
            err = log_move_start(log, decision->new_log_start_offset, reason);
        if (!err)
            err = log_delete_segments(log, 0, decision->delete_count, now_ms, reason);
        if (!err && log_is_27(log))
            err = log_move_start(log, decision->new_log_start_offset, reason);
        if (err)
            return err;
        for (size_t i = 0; i < decision->delete_count; i++) {
            say_verdict(log, &decision->segments[i], start);
            start = decision->segments[i].next_offset > start ? decision->segments[i].next_offset : start;
        }
        log->kept_base = -1;
        /* 4.x looks at times last: at the new segment too, if it was the size that took the others */
        if (decision->rolls && !log_is_27(log) && text_equal(decision->segments[decision->delete_count - 1].rule, "retention.bytes"))
            log_touch_by_retention(log, now_ms);
    } else {
        log_touch_by_retention(log, now_ms);
    }
    if (kept && (log->kept_base != kept->base_offset || !text_equal(log->kept_rule, kept->rule))) {
        if (!text_equal(kept->rule, "empty"))
            say_verdict(log, kept, start);
        log->kept_base = kept->base_offset;
        log->kept_rule = kept->rule;
    }
    return err;
}

/* ---- the delay ---- */

int64_t log_next_unlink_ms(const struct log *log)
{
    int64_t next = INT64_MAX;

    for (size_t i = 0; i < log->deleted_count; i++)
        if (log->deleted[i]->unlink_at_ms < next)
            next = log->deleted[i]->unlink_at_ms;
    return next;
}

void log_shift_unlinks(struct log *log, int64_t by_ms)
{
    for (size_t i = 0; i < log->deleted_count; i++) {
        log->deleted[i]->deleted_at_ms += by_ms;
        log->deleted[i]->unlink_at_ms += by_ms;
    }
}

static void unlink_segment(struct log *log, struct segment *segment)
{
    char *name = mem_printf("%s-%d/%lld", log->topic, log->partition, (long long)segment->base_offset);
    struct text text = { 0 };

    for (size_t s = 0; s <= sizeof(suffixes) / sizeof(*suffixes); s++) {
        bool snapshot = s == sizeof(suffixes) / sizeof(*suffixes);
        char *path = segment_path(log->dir, segment->base_offset, snapshot ? ".snapshot" : suffixes[s]);
        char *deleted = mem_printf("%s.deleted", path);

        if (!snapshot || segment->snapshot_deleted)
            fs_unlink(log->env->fs, deleted, NULL);
        mem_free(deleted);
        mem_free(path);
    }
    text_printf(&text, "%s: %lld B left the disk, ", name, (long long)segment->size_bytes);
    log_text_ms(&text, segment->unlink_at_ms - segment->deleted_at_ms);
    text_add(&text, " after the deletion (file.delete.delay.ms)");
    journal_add(log->env->journal, ENTRY(EVENT_segment_unlinked, .broker = log->env->broker, .topic = log->topic, .partition = log->partition,
                                         .offset = segment->base_offset, .rule = "file.delete.delay.ms", .text = text_chars(&text),
                                         .facts = { { "size_bytes", segment->size_bytes, NULL }, { "deleted_at_ms", segment->deleted_at_ms, NULL },
                                                    { "unlink_at_ms", segment->unlink_at_ms, NULL } },
                                         .fact_count = 3));
    text_done(&text);
    mem_free(name);
    segment_free(segment);
}

size_t log_unlink_due(struct log *log, int64_t now_ms, size_t most)
{
    size_t kept = 0, gone = 0;

    for (size_t i = 0; i < log->deleted_count; i++) {
        if (gone < most && log->deleted[i]->unlink_at_ms <= now_ms) {
            unlink_segment(log, log->deleted[i]);
            gone++;
        } else {
            log->deleted[kept++] = log->deleted[i];
        }
    }
    log->deleted_count = kept;
    return gone;
}
