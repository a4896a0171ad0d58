/* The journal's lines, from facts, in any language. */
#include "shell/explain.h"

#include <stdlib.h>
#include <string.h>

#include "shell/phrases.h"

int64_t entry_fact(const struct entry *entry, const char *name, int64_t otherwise)
{
    for (int i = 0; i < entry->fact_count; i++)
        if (text_equal(entry->facts[i].name, name))
            return entry->facts[i].number;
    return otherwise;
}

const char *entry_fact_text(const struct entry *entry, const char *name)
{
    for (int i = 0; i < entry->fact_count; i++)
        if (text_equal(entry->facts[i].name, name))
            return entry->facts[i].text;
    return NULL;
}

static long long fact(const struct entry *entry, const char *name)
{
    return (long long)entry_fact(entry, name, -1);
}

/* "35.9 s": how the journal says a number of ms. */
static void explain_ms(enum lang lang, struct text *out, int64_t ms)
{
    if (ms > -100000 && ms < 100000)
        text_printf(out, "%s%lld.%lld %s", ms < 0 ? "-" : "", llabs((long long)ms) / 1000, llabs((long long)ms) / 100 % 10, _(lang, "s"));
    else if (ms > INT64_MAX / 1000 || ms < INT64_MIN / 1000)
        text_add(out, _(lang, "forever"));
    else
        lang_duration(lang, out, ms * 1000);
}

/* ---- segments ---- */

/* "newest 35.9 s > 30.0 s"; in ms where tenths of a second would look the same. */
static void say_ages(enum lang lang, const struct entry *entry, bool over, struct text *out)
{
    int64_t value = entry_fact(entry, "value", 0), limit = entry_fact(entry, "limit", 0);

    text_printf(out, "%s ", entry_fact(entry, "newest_is_mtime", 0) ? _(lang, "file changed") : _(lang, "newest"));
    if (value / 100 == limit / 100)
        text_printf(out, "%lld %s", (long long)value, _(lang, "ms"));
    else
        explain_ms(lang, out, value);
    text_add(out, over ? " > " : _(lang, ", not over "));
    if (value / 100 == limit / 100)
        text_printf(out, "%lld %s", (long long)limit, _(lang, "ms"));
    else
        explain_ms(lang, out, limit);
}

static void say_verdict(enum lang lang, const struct entry *entry, struct text *out)
{
    bool gone = entry->kind == EVENT_segment_deleted;
    long long value = fact(entry, "value"), limit = fact(entry, "limit"), start = fact(entry, "log_start_offset_before"), next = fact(entry, "next_offset");

    text_printf(out, "%s-%d/%lld: ", entry->topic, entry->partition, (long long)entry->offset);
    if (text_equal(entry->rule, "retention.ms"))
        say_ages(lang, entry, gone, out);
    else if (text_equal(entry->rule, "retention.bytes") && gone)
        text_printf(out, _(lang, "%lld B over retention.bytes, its %lld B fit in that"), value, limit);
    else if (text_equal(entry->rule, "retention.bytes") && value < 0)
        text_printf(out, _(lang, "%lld B below retention.bytes"), -value);
    else if (text_equal(entry->rule, "retention.bytes"))
        text_printf(out, _(lang, "%lld B over retention.bytes, fewer than its %lld B"), value, limit);
    else if (text_equal(entry->rule, "high watermark"))
        text_printf(out, _(lang, "high watermark %lld < %lld"), value, limit);
    else if (text_equal(entry->rule, "empty"))
        text_add(out, _(lang, "active and empty"));
    else if (gone)
        text_printf(out, _(lang, "next segment at %lld, log start offset %lld"), value, limit);
    else
        text_add(out, _(lang, "no limit set"));
    if (gone && next > start)
        text_printf(out, _(lang, "; log start %lld -> %lld"), start, next);
    else if (!gone)
        text_add(out, _(lang, "; stops looking"));
}

static void say_roll(enum lang lang, const struct entry *entry, struct text *out)
{
    int64_t waited = entry_fact(entry, "waited_ms", 0), limit = entry_fact(entry, "segment_ms", 0);

    text_printf(out, _(lang, "%s-%d at %lld: "), entry->topic, entry->partition, (long long)entry->offset);
    if (text_equal(entry->rule, "retention")) {
        text_add(out, _(lang, "a new empty one (all of the old ones go)"));
        return;
    }
    if (text_equal(entry->rule, "segment.bytes")) {
        text_printf(out, "%lld + %lld > %lld", fact(entry, "size_bytes"), fact(entry, "append_bytes"), fact(entry, "segment_bytes"));
    } else if (text_equal(entry->rule, "segment.ms")) {
        struct text first = { 0 }, second = { 0 };

        if (waited / 100 == limit / 100) {
            text_printf(&first, "%lld %s", (long long)waited, _(lang, "ms"));
            text_printf(&second, "%lld %s", (long long)limit, _(lang, "ms"));
        } else {
            explain_ms(lang, &first, waited);
            explain_ms(lang, &second, limit);
        }
        text_printf(out, _(lang, "%s > %s between its first record and this one"), text_chars(&first), text_chars(&second));
        text_done(&first);
        text_done(&second);
    } else if (text_equal(entry->rule, "index full")) {
        text_add(out, _(lang, "no room for another index entry"));
    } else {
        text_add(out, _(lang, "the offset is too far from the base offset"));
    }
    text_printf(out, " (%s)", entry->rule);
}

static void say_unlinked(enum lang lang, const struct entry *entry, struct text *out)
{
    struct text delay = { 0 };

    explain_ms(lang, &delay, entry_fact(entry, "unlink_at_ms", 0) - entry_fact(entry, "deleted_at_ms", 0));
    text_printf(out, _(lang, "%s-%d/%lld: %lld B left the disk, %s after the deletion (file.delete.delay.ms)"), entry->topic, entry->partition,
                (long long)entry->offset, fact(entry, "size_bytes"), text_chars(&delay));
    text_done(&delay);
}

static void say_cleaned(enum lang lang, const struct entry *entry, struct text *out)
{
    long long segments = fact(entry, "segments_before");

    text_printf(out, n_(lang, "%s-%d: %lld segment %lld B -> %lld of %lld B, records %lld -> %lld; clean up to %lld",
                        "%s-%d: %lld segments %lld B -> %lld of %lld B, records %lld -> %lld; clean up to %lld", segments),
                entry->topic, entry->partition, segments, fact(entry, "bytes_before"), fact(entry, "segments_after"), fact(entry, "bytes_after"),
                fact(entry, "records_before"), fact(entry, "records_after"), (long long)entry->offset);
}

static void say_start(enum lang lang, const struct entry *entry, struct text *out)
{
    text_printf(out, _(lang, "%s-%d: log start %lld -> %lld"), entry->topic, entry->partition, fact(entry, "before"), fact(entry, "log_start_offset"));
}

static void say_truncated(enum lang lang, const struct entry *entry, struct text *out)
{
    text_printf(out, _(lang, "%s-%d: log end %lld -> %lld"), entry->topic, entry->partition, fact(entry, "log_end_offset_before"), fact(entry, "log_end_offset"));
}

static void say_recovered(enum lang lang, const struct entry *entry, struct text *out)
{
    struct text segments = { 0 }, batches = { 0 };
    long long cut = fact(entry, "cut_bytes");

    text_printf(&segments, n_(lang, "%lld segment", "%lld segments", fact(entry, "segments")), fact(entry, "segments"));
    text_printf(&batches, n_(lang, "%lld batch", "%lld batches", fact(entry, "batches")), fact(entry, "batches"));
    text_printf(out, _(lang, "%s-%d: %s, %s and %s checked, "), entry->topic, entry->partition,
                text_equal(entry->rule, "damaged") ? _(lang, "damaged") : _(lang, "unclean stop"), text_chars(&segments), text_chars(&batches));
    if (cut > 0)
        text_printf(out, n_(lang, "%lld damaged byte cut off; log end offset %lld", "%lld damaged bytes cut off; log end offset %lld", cut), cut,
                    fact(entry, "log_end_offset"));
    else
        text_printf(out, _(lang, "nothing cut off; log end offset %lld"), fact(entry, "log_end_offset"));
    text_done(&segments);
    text_done(&batches);
}

static void say_check(enum lang lang, const struct entry *entry, struct text *out)
{
    (void)entry;
    text_add(out, _(lang, "the retention task looks at the logs"));
}

static void say_producers(enum lang lang, const struct entry *entry, struct text *out)
{
    struct text limit = { 0 };
    long long count = fact(entry, "producers");

    explain_ms(lang, &limit, entry_fact(entry, "producer_id_expiration_ms", 0));
    text_printf(out, n_(lang, "%s-%d: %lld producer id silent for %s or more: forgotten", "%s-%d: %lld producer ids silent for %s or more: forgotten", count),
                entry->topic, entry->partition, count, text_chars(&limit));
    text_done(&limit);
}

static void say_refused(enum lang lang, const struct entry *entry, struct text *out)
{
    /* Kafka's own words, and numbers */
    text_printf(out, "%s-%d: %s", entry->topic, entry->partition, entry_fact_text(entry, "error"));
    if (fact(entry, "limit") >= 0)
        text_printf(out, ", %lld %s %lld", fact(entry, "value"), text_equal(entry->rule, "min.insync.replicas") ? "<" : ">", fact(entry, "limit"));
    text_add(out, " (");
    phrase_add(lang, out, entry->rule);
    text_printf(out, "), %s", entry->subject);
}

static void say_duplicate(enum lang lang, const struct entry *entry, struct text *out)
{
    text_printf(out, _(lang, "%s-%d: producer %lld sent sequence %lld again, it lies at %lld already; nothing was written"), entry->topic, entry->partition,
                fact(entry, "producer_id"), fact(entry, "base_sequence"), (long long)entry->offset);
}

/* ---- topics, groups ---- */

static void say_topic(enum lang lang, const struct entry *entry, struct text *out)
{
    long long count = fact(entry, "partitions");

    text_printf(out, n_(lang, "%s: %lld partition, replication factor %lld", "%s: %lld partitions, replication factor %lld", count), entry->topic, count,
                fact(entry, "replication_factor"));
}

static void say_broker(enum lang lang, const struct entry *entry, struct text *out)
{
    text_printf(out, _(lang, "broker %d registered and unfenced"), entry->broker);
}

static void say_empty(enum lang lang, const struct entry *entry, struct text *out)
{
    text_printf(out, _(lang, "%s is empty, generation %lld"), entry->subject, fact(entry, "generation"));
}

/* Rules that are sentences; those that are names of settings or requests stay as they are. */
static const char *const left_rules[] = {
    N_("did not rejoin within the rebalance timeout (max.poll.interval.ms)"),
    N_("sent no SyncGroup within the rebalance timeout"),
    N_("its first join waited 5 minutes"),
};

static void say_left(enum lang lang, const struct entry *entry, struct text *out)
{
    const char *member = entry_fact_text(entry, "member"), *rule = entry->rule, *reason = entry_fact_text(entry, "reason");

    for (size_t i = 0; i < sizeof(left_rules) / sizeof(*left_rules); i++)
        if (text_equal(rule, left_rules[i]))
            rule = _(lang, left_rules[i]);
    if (text_equal(entry->rule, "LeaveGroup"))
        rule = reason;
    text_printf(out, _(lang, "%s left %s"), member ? member : "?", entry->subject);
    if (rule && *rule)
        text_printf(out, ": %s", rule);
}

static void say_expired(enum lang lang, const struct entry *entry, struct text *out)
{
    long long age = fact(entry, "age_ms"), kept = fact(entry, "retention_ms");

    if (text_equal(entry->rule, "the topic was deleted")) {
        text_printf(out, _(lang, "%s forgets %s-%d at %lld: the topic was deleted"), entry->subject, entry->topic, entry->partition, (long long)entry->offset);
        return;
    }
    if (!text_equal(entry->rule, "offsets.retention.minutes"))
        kept = fact(entry, "expire_timestamp_ms") - fact(entry, "since_ms");
    text_printf(out, _(lang, "%s forgets %s-%d at %lld: %lld ms old, kept %lld ms"), entry->subject, entry->topic, entry->partition, (long long)entry->offset, age, kept);
}

static void say_committed(enum lang lang, const struct entry *entry, struct text *out)
{
    text_printf(out, _(lang, "%s committed %lld of %s-%d"), entry->subject, (long long)entry->offset, entry->topic, entry->partition);
}

/* The hot path leaves its words to whoever looks. */
static void say_appended(enum lang lang, const struct entry *entry, struct text *out)
{
    long long first = (long long)entry->offset, last = (long long)entry_fact(entry, "last_offset", first), epoch = (long long)entry_fact(entry, "leader_epoch", -1);

    if (first == last)
        text_printf(out, _(lang, "%s-%d: offset %lld was written in leader epoch %lld"), entry->topic, entry->partition, first, epoch);
    else
        text_printf(out, _(lang, "%s-%d: offsets %lld..%lld were written in leader epoch %lld"), entry->topic, entry->partition, first, last, epoch);
}

/* ---- moves ---- */

static void say_move(enum lang lang, const struct entry *entry, struct text *out)
{
    const char *was = entry_fact_text(entry, "replicas_were"), *is = entry_fact_text(entry, "replicas"), *adding = entry_fact_text(entry, "adding");
    const char *removing = entry_fact_text(entry, "removing");

    if (entry->kind != EVENT_reassignment_started) {
        text_printf(out, entry->kind == EVENT_reassignment_completed ? _(lang, "%s-%d: the move is complete: replicas %s")
                                                                     : _(lang, "%s-%d: the move was called off: replicas %s"), entry->topic, entry->partition, is ? is : "");
        return;
    }
    text_printf(out, _(lang, "%s-%d: a move from %s to %s began"), entry->topic, entry->partition, was ? was : "", is ? is : "");
    if (adding && *adding)
        text_printf(out, _(lang, "; adding %s"), adding);
    if (removing && *removing)
        text_printf(out, _(lang, "; removing %s"), removing);
}

/* ---- */

static const struct {
    enum event_kind kind;
    void (*say)(enum lang lang, const struct entry *entry, struct text *out);
    const char *needs;          /* a fact without which it is another event of that kind; NULL: none */
} sayings[] = {
    { EVENT_segment_deleted, say_verdict, "value" },
    { EVENT_segment_kept, say_verdict, "value" },
    { EVENT_segment_rolled, say_roll, NULL },
    { EVENT_segment_unlinked, say_unlinked, "unlink_at_ms" },
    { EVENT_log_start_moved, say_start, "before" },
    { EVENT_log_cleaned, say_cleaned, "segments_before" },
    { EVENT_append_refused, say_refused, "error_code" },
    { EVENT_records_appended, say_appended, "last_offset" },
    { EVENT_producer_duplicate, say_duplicate, "producer_id" },
    { EVENT_log_truncated, say_truncated, "log_end_offset_before" },
    { EVENT_log_recovered, say_recovered, "cut_bytes" },
    { EVENT_retention_checked, say_check, "logs" },
    { EVENT_producer_expired, say_producers, "producers" },
    { EVENT_topic_created, say_topic, "partitions" },
    { EVENT_broker_started, say_broker, "epoch" },
    { EVENT_group_empty, say_empty, "generation" },
    { EVENT_member_left, say_left, "generation" },
    { EVENT_offset_expired, say_expired, NULL },
    { EVENT_offset_committed, say_committed, "offset" },
    { EVENT_reassignment_started, say_move, "adding" },
    { EVENT_reassignment_completed, say_move, "adding" },
    { EVENT_reassignment_cancelled, say_move, "adding" },
};

static bool has_fact(const struct entry *entry, const char *name)
{
    for (int i = 0; i < entry->fact_count; i++)
        if (text_equal(entry->facts[i].name, name))
            return true;
    return false;
}

bool explain_facts(enum lang lang, const struct entry *entry, struct text *out)
{
    for (size_t i = 0; i < sizeof(sayings) / sizeof(*sayings); i++) {
        struct text plain = { 0 };

        if (sayings[i].kind != entry->kind || (sayings[i].needs && !has_fact(entry, sayings[i].needs)))
            continue;
        sayings[i].say(lang, entry, &plain);
        text_escaped(out, bytes_text(text_chars(&plain))); /* names of groups and members come from clients */
        text_done(&plain);
        return true;
    }
    return false;
}

void explain_entry(enum lang lang, const struct entry *entry, struct text *out)
{
    struct text plain = { 0 };

    if ((lang != LANG_EN || !entry->text) && explain_facts(lang, entry, out))
        return;
    if (!entry->text)
        return;
    phrase_add(lang, &plain, entry->text);
    text_escaped(out, bytes_text(text_chars(&plain)));
    text_done(&plain);
}
