/* why TOPIC-P OFFSET: is that record there, who can read it, and if it is not there, what became of it. */
#include "shell/commands/why.h"

#include <string.h>

enum { MOST_SCAN_BYTES = 16 << 20 };

/* ---- what was there once ---- */

/* The newest append that wrote this offset, before journal number `before`. */
static const struct entry *written_before(struct why *why, int64_t offset, uint64_t before)
{
    for (size_t i = why->entry_count; i-- > 0;) {
        const struct entry *entry = why->entries[i];

        if (entry->number < before && entry->kind == EVENT_records_appended && entry->offset <= offset && entry_fact(entry, "last_offset", -1) >= offset)
            return entry;
    }
    return NULL;
}

/* The newest cut of this replica that took the offset away: the recovery after an unclean stop, or a follower's truncation. */
static bool cut_below(const struct entry *entry, int64_t offset)
{
    int64_t end = entry_fact(entry, "log_end_offset", INT64_MAX), before = entry_fact(entry, "log_end_offset_before", INT64_MAX);

    return end <= offset && offset < before;
}

static bool lost_with_power(const struct entry *entry, int64_t offset)
{
    return entry_fact(entry, "first_lost_offset", INT64_MAX) <= offset && offset <= entry_fact(entry, "last_lost_offset", -1);
}

/* A loss is said after the recovery that found it, so that the newest tells most. */
static const struct entry *find_cut(struct why *why, int64_t offset)
{
    const struct entry *found[] = { why_find(why, EVENT_log_recovered, cut_below, offset), why_find(why, EVENT_log_truncated, cut_below, offset),
                                    why_find(why, EVENT_records_lost, lost_with_power, offset) };
    const struct entry *newest = NULL;

    for (size_t i = 0; i < sizeof(found) / sizeof(*found); i++)
        if (found[i] && (!newest || found[i]->number > newest->number))
            newest = found[i];
    return newest;
}

static void say_power(struct why *why, const struct entry *cut)
{
    why_say(why, _(why->lang, "broker %d lost its power, and %s had not been flushed to its disk (recovery point %lld, flush.messages=%lld). Kafka leaves flushing to the system and "
                              "relies on replicas; no other one had it.\n"),
            cut->broker, why_offsets(why, entry_fact(cut, "first_lost_offset", 0), entry_fact(cut, "last_lost_offset", 0) + 1), (long long)entry_fact(cut, "recovery_point", -1),
            (long long)entry_fact(cut, "flush_messages", -1));
}

/* How an offset at or beyond the end was lost; false: it never was there, as far as the journal knows. */
static bool say_cut(struct why *why, int64_t offset, bool written_again)
{
    const struct entry *cut = find_cut(why, offset), *written = cut ? written_before(why, offset, cut->number) : NULL;
    long long bytes;

    if (!cut || (!written && cut->kind == EVENT_log_recovered))
        return false;
    if (written_again)
        why_say(why, _(why->lang, "It is not the first record with this offset: "));
    else
        why_say(why, _(why->lang, "%lld was there and is lost: "), (long long)offset);
    if (written)
        why_say(why, _(why->lang, written_again ? N_("one was written at %s, and ") : N_("it was written at %s, but ")), why_clock(why, written->at_us / 1000));
    bytes = (long long)entry_fact(cut, "cut_bytes", 0);
    if (cut->kind == EVENT_records_lost)
        say_power(why, cut);
    else if (cut->kind == EVENT_log_truncated)
        why_say(why, _(why->lang, "broker %d cut its log off at %lld (it ended at %lld), because its leader has nothing there: a follower gives up what was never committed.\n"),
                cut->broker, (long long)entry_fact(cut, "log_end_offset", -1), (long long)entry_fact(cut, "log_end_offset_before", -1));
    else if (bytes > 0)
        why_say(why, n_(why->lang, "the recovery of %s cut %lld damaged byte off the end of the log, which then ended at %lld.\n",
                        "the recovery of %s cut %lld damaged bytes off the end of the log, which then ended at %lld.\n", bytes),
                why_clock(why, cut->at_us / 1000), bytes, (long long)entry_fact(cut, "log_end_offset", -1));
    else
        why_say(why, _(why->lang, "the recovery of %s found the log ending at %lld: what was written behind that had not been flushed when the broker stopped uncleanly "
                                  "(flush.messages, flush.ms), and no other replica had it.\n"),
                why_clock(why, cut->at_us / 1000), (long long)entry_fact(cut, "log_end_offset", -1));
    return true;
}

/* ---- lost with its leader ---- */

/* An offset that one leader wrote, and that the log of a later one did not have when it began. */
struct forgotten {
    const struct entry *written, *began, *elected;
};

static struct forgotten find_forgotten(struct why *why, int64_t offset)
{
    struct forgotten found = { 0 };
    const struct entry *written = NULL, *elected = NULL;

    for (size_t i = 0; i < why->entry_count; i++) {
        const struct entry *entry = why->entries[i];

        if (entry->partition != why->partition)
            continue;
        if (entry->kind == EVENT_leader_elected)
            elected = entry;
        else if (entry->kind == EVENT_records_appended && entry->offset <= offset && offset <= entry_fact(entry, "last_offset", -1))
            written = entry;
        if (entry->kind != EVENT_epoch_started || !written || entry_fact(entry, "start_offset", INT64_MAX) > offset)
            continue;
        if (entry->broker != written->broker) /* else it lost its own: the cut of its log tells of that */
            found = (struct forgotten){ written, entry, elected };
        written = NULL;
    }
    return found;
}

static bool say_forgotten(struct why *why, int64_t offset, bool written_again)
{
    struct forgotten lost = find_forgotten(why, offset);
    long long acks = lost.written ? (long long)entry_fact(lost.written, "acks", -2) : 0;
    bool unclean = lost.elected && entry_fact(lost.elected, "unclean", 0);

    if (!lost.written)
        return false;
    if (written_again)
        why_say(why, _(why->lang, "It is not the first record with this offset: "));
    else
        why_say(why, _(why->lang, "%lld was there and is lost: "), (long long)offset);
    why_say(why, _(why->lang, "leader %d wrote one at %s (leader epoch %lld), and before the others had fetched it broker %d became leader, at %s (leader epoch %lld): its log ended at %lld.\n"),
            lost.written->broker, why_moment(why, lost.written->at_us / 1000), (long long)entry_fact(lost.written, "leader_epoch", -1), lost.began->broker,
            why_moment(why, lost.began->at_us / 1000), (long long)entry_fact(lost.began, "leader_epoch", -1), (long long)entry_fact(lost.began, "start_offset", -1));
    if (lost.elected)
        why_say(why, _(why->lang, "Why it was elected: %s.\n"), why_words(why, entry_fact_text(lost.elected, "because")));
    if (unclean)
        why_say(why, _(why->lang, "It was not in sync: an unclean election brings a leader back and loses what it lacked, whatever acks were asked for.\n"));
    else if (acks == 1)
        why_say(why, _(why->lang, "The producer asked for acks=1: it was told that the leader had it, and no more than that was true.\n"));
    else if (acks == 0)
        why_say(why, _(why->lang, "The producer asked for acks=0: it was told nothing.\n"));
    else if (acks == -1)
        why_say(why, _(why->lang, "The producer asked for acks=all: it was never told that it was kept, and had to send it again.\n"));
    if (unclean)
        why_mend_text(why, "unclean.leader.election.enable", "false", _(why->lang, "rather no leader than a loss"));
    else if (acks != -1)
        why_mend_config(why, "min.insync.replicas", 2, _(why->lang, "and acks=all in the producer: an answer then means two copies"));
    return true;
}

static int not_written(struct why *why, int64_t offset)
{
    long long end = (long long)log_end_offset(why->log);
    const struct entry *cut = find_cut(why, offset);

    if (!say_forgotten(why, offset, false) && !say_cut(why, offset, false))
        why_say(why, _(why->lang, "%lld has not been written yet: the next record gets offset %lld.\n"), (long long)offset, end);
    else
        why_say(why, _(why->lang, "The next record gets offset %lld.\n"), end);
    if (cut && cut->kind == EVENT_records_lost)
        why_mend_config(why, "flush.messages", 1, _(why->lang, "each batch is flushed before it is answered"));
    if (lab_inspects(why->lab))
        why_show_segments(why);
    else
        why_show_offsets(why);
    return 0;
}

/* ---- gone from the front ---- */

/* The first event by which it could no longer be read: the deletion of its segment, or a log start offset moved beyond it. */
static const struct entry *find_end(struct why *why, int64_t offset)
{
    for (size_t i = 0; i < why->entry_count; i++) {
        const struct entry *entry = why->entries[i];

        if (!why_about(why, entry))
            continue;
        if (entry->kind == EVENT_segment_deleted && entry->offset <= offset && offset < entry_fact(entry, "next_offset", -1))
            return entry;
        if (entry->kind == EVENT_log_start_moved && entry_fact(entry, "before", INT64_MAX) <= offset && offset < entry_fact(entry, "log_start_offset", -1))
            return entry;
    }
    return NULL;
}

/* What would have kept it, for that check at least. */
static void say_remedy(struct why *why, const struct entry *entry)
{
    int64_t value = entry_fact(entry, "value", 0);

    if (text_equal(entry->rule, "retention.ms")) {
        why_say(why, _(why->lang, "What would have kept it at that check: a retention.ms of %lld or more, or one newer record in its segment, as the newest decides for all of it.\n"),
                (long long)value);
        if (value < 604800000)
            why_mend_config(why, "retention.ms", 604800000, _(why->lang, "the next ones are kept for a week"));
        else
            why_mend_config(why, "retention.ms", -1, _(why->lang, "the next ones are kept for ever"));
    } else if (text_equal(entry->rule, "retention.bytes")) {
        int64_t needed = entry_fact(entry, "retention_bytes", 0) + value - entry_fact(entry, "limit", 0) + 1;

        why_say(why, _(why->lang, "What would have kept it at that check: a retention.bytes of %lld or more, or smaller segments (segment.bytes), as only whole ones go.\n"),
                (long long)needed);
        if (needed < 1073741824)
            why_mend_config(why, "retention.bytes", 1073741824, _(why->lang, "1 GiB of the next ones is kept"));
        else
            why_mend_config(why, "retention.bytes", -1, _(why->lang, "no limit to the bytes of the next ones"));
    }
}

static void say_deletion(struct why *why, int64_t offset, const struct entry *entry)
{
    long long next = (long long)entry_fact(entry, "next_offset", 0);

    why_say(why, _(why->lang, "%lld is gone since %s: retention took its whole segment %s by %s, because "), (long long)offset, why_clock(why, entry->at_us / 1000),
            why_offsets(why, entry->offset, next), entry->rule);
    why_deleted(why, entry);
    why_say(why, ".\n");
    if (entry_fact(entry, "active", 0))
        why_say(why, _(why->lang, "It was the active segment: that is no protection, an empty one was rolled first.\n"));
    if (next - entry->offset > 1)
        why_say(why, _(why->lang, "Segments go whole, the oldest first: an older record may outlive its time in one, but none goes before the newest of its segment may.\n"));
}

static int gone(struct why *why, int64_t offset)
{
    const struct entry *entry = find_end(why, offset);

    if (!entry) {
        if (why->begins_us >= 0)
            why_say(why, _(why->lang, "%lld is gone: the log starts at %lld. When and why that came, the journal does not tell: it begins at %s.\n"), (long long)offset,
                    (long long)log_start_offset(why->log), why_clock(why, why->begins_us / 1000));
        else
            why_say(why, _(why->lang, "%lld is gone: the log starts at %lld. When and why that came, no journal tells here.\n"), (long long)offset,
                    (long long)log_start_offset(why->log));
        if (lab_inspects(why->lab))
            why_show_segments(why);
        else
            why_show_offsets(why);
        return 0;
    }
    if (entry->kind == EVENT_segment_deleted) {
        say_deletion(why, offset, entry);
        if (text_equal(entry->rule, "log start offset"))
            why_show(why, "events 20 %s", why->topic);
        else
            say_remedy(why, entry);
        return 0;
    }
    why_say(why, _(why->lang, "%lld can not be read since %s: DeleteRecords (kafka-delete-records.sh, or a client's) moved the log start offset from %lld to %lld. No retention "
                              "would have kept it, and nothing brings it back.\n"),
            (long long)offset, why_clock(why, entry->at_us / 1000), (long long)entry_fact(entry, "before", -1), (long long)entry_fact(entry, "log_start_offset", -1));
    why_say(why, _(why->lang, "Its bytes stay on the disk until a check finds its whole segment below the log start offset; the active one stays in any case.\n"));
    why_show(why, "events 20 %s", why->topic);
    return 0;
}

/* ---- there ---- */

struct place {
    struct batch batch;          /* header; the bytes are gone */
    int64_t segment_base, position;
    bool found;                  /* a batch spans the offset */
    bool damaged;                /* whose CRC is not that of its bytes, */
    uint32_t crc;                /* which is this */
    bool record;                 /* and has that record */
    int64_t next_offset;         /* where not: of the first record behind it; -1: none */
    int64_t timestamp_ms;
    bool has_key, null_value;
    char *key;                   /* as a terminal may show it; NULL: null */
    struct bytes raw_key;        /* in the arena */
};

static void take_record(struct why *why, const struct record *record, struct place *place)
{
    struct text text = { 0 };

    place->record = true;
    place->timestamp_ms = record->timestamp_ms;
    place->null_value = !record->value.data;
    place->has_key = record->key.data != NULL;
    if (!place->has_key)
        return;
    place->raw_key = (struct bytes){ (const uint8_t *)arena_text(&why->arena, (const char *)record->key.data, record->key.size), record->key.size };
    text_escaped(&text, (struct bytes){ record->key.data, record->key.size > 40 ? 40 : record->key.size });
    place->key = arena_printf(&why->arena, "%s%s", text_chars(&text), record->key.size > 40 ? "..." : "");
    text_done(&text);
}

static void look_up(struct why *why, int64_t offset, struct place *place)
{
    struct log_cursor cursor;
    struct batch batch;

    *place = (struct place){ .next_offset = -1 };
    log_cursor_init(&cursor, why->log, offset, false);
    if (log_cursor_next(&cursor, &batch)) {
        struct record_iterator it;
        struct record record;

        place->batch = batch;
        place->segment_base = cursor.segment_base;
        place->position = cursor.position;
        place->found = batch.base_offset <= offset;
        place->next_offset = batch.base_offset > offset ? batch.base_offset : batch.last_offset + 1;
        if (place->found) {
            place->damaged = !batch_crc_right(&batch);
            place->crc = place->damaged ? batch_crc(batch.bytes) : batch.crc;
            records_begin(&it, &batch);
            while (records_next(&it, &record) && record.offset <= offset)
                if (record.offset == offset)
                    take_record(why, &record, place);
            if (!place->record && it.index > 0 && record.offset > offset)
                place->next_offset = record.offset;
            records_done(&it);
        }
        place->batch.bytes = (struct bytes){ NULL, 0 };
    }
    log_cursor_done(&cursor);
}

/* The first later record of the same key; -1: none. *whole: the log was looked through to its end. */
static int64_t later_of_key(struct why *why, int64_t offset, struct bytes key, bool *tombstone, bool *whole)
{
    struct log_cursor cursor;
    struct batch batch;
    int64_t found = -1, bytes = 0;

    *whole = true;
    log_cursor_init(&cursor, why->log, offset + 1, false);
    while (found < 0 && log_cursor_next(&cursor, &batch)) {
        struct record_iterator it;
        struct record record;

        bytes += batch.size_bytes;
        if (bytes > MOST_SCAN_BYTES) {
            *whole = false;
            break;
        }
        if (batch_control(&batch))
            continue;
        records_begin(&it, &batch);
        while (found < 0 && records_next(&it, &record)) {
            if (record.offset > offset && record.key.data && record.key.size == key.size && !memcmp(record.key.data, key.data, key.size)) {
                found = record.offset;
                *tombstone = !record.value.data;
            }
        }
        records_done(&it);
    }
    log_cursor_done(&cursor);
    return found;
}

static bool is_aborted(struct why *why, const struct batch *batch, int64_t offset)
{
    struct aborted aborted[64];
    size_t count = log_aborted(why->log, offset, offset + 1, aborted, 64);

    for (size_t i = 0; i < count && i < 64; i++)
        if (aborted[i].producer_id == batch->producer_id && aborted[i].first_offset <= offset)
            return true;
    return false;
}

/* Who may read it; gives whether a consumer does. */
static bool say_readers(struct why *why, const struct place *place, int64_t offset)
{
    int64_t committed = log_high_watermark(why->log), stable = log_last_stable_offset(why->log);
    const struct batch *batch = &place->batch;

    if (batch_control(batch)) {
        why_say(why, _(why->lang, "It is a control record, the marker that ends a transaction: it takes up an offset, and consumers never see it.\n"));
        return false;
    }
    if (offset >= committed) {
        why_say(why, _(why->lang, "It is not committed: the high watermark is %lld, as not every replica of the ISR has it. Consumers do not see it yet.\n"), (long long)committed);
        return false;
    }
    if (batch_transactional(batch) && is_aborted(why, batch, offset)) {
        why_say(why, _(why->lang, "Its transaction (producer id %lld) was aborted: consumers with isolation.level=read_committed never see it, those with read_uncommitted, the "
                                  "default, do.\n"),
                (long long)batch->producer_id);
        return true;
    }
    if (offset >= stable) {
        why_say(why, _(why->lang, "It is committed (high watermark %lld), but a transaction that began at %lld is open: consumers with isolation.level=read_committed wait at the last "
                                  "stable offset %lld, others read it.\n"),
                (long long)committed, (long long)stable, (long long)stable);
        return true;
    }
    why_say(why, _(why->lang, "It is below the high watermark %lld: consumers can read it.\n"), (long long)committed);
    return true;
}

static void say_key(struct why *why, const struct place *place, int64_t offset)
{
    bool tombstone = false, whole;
    int64_t later;

    if (!log_settings(why->log)->cleanup_compact || batch_control(&place->batch) || !place->has_key)
        return;
    later = later_of_key(why, offset, place->raw_key, &tombstone, &whole);
    if (later >= 0)
        why_say(why, tombstone ? _(why->lang, "A later record of its key, the tombstone %lld, will take its place when the cleaner comes (why compaction %s-%d).\n")
                               : _(why->lang, "A later record of its key, %lld, will take its place when the cleaner comes (why compaction %s-%d).\n"),
                (long long)later, why->topic, why->partition);
    if (later >= log_active_base_offset(why->log))
        why_say(why, _(why->lang, "Not before that one's segment is closed: the cleaner does not look into the active one.\n"));
    if (later >= 0)
        return;
    if (place->null_value)
        why_say(why, _(why->lang, "It is a tombstone, the last word about its key: the cleaner removes it delete.retention.ms=%lld after it first met it.\n"),
                (long long)log_settings(why->log)->delete_retention_ms);
    else if (whole)
        why_say(why, _(why->lang, "It is the newest of its key: compaction keeps it.\n"));
}

static void say_fate(struct why *why, int64_t offset, int64_t *goes_at_ms)
{
    struct retention_decision decision = log_weigh_retention(why->log, why->now_ms);
    int64_t at_ms = why->now_ms;

    *goes_at_ms = INT64_MAX;
    for (size_t i = 0; i < decision.count; i++) {
        size_t size = why->out.size;
        bool its = decision.segments[i].base_offset <= offset && offset < decision.segments[i].next_offset;

        why_segment(why, &decision.segments[i], at_ms, &at_ms);
        if (its) {
            *goes_at_ms = at_ms;
            break;
        }
        why->out.size = size; /* an older one's: only its moment counts */
        why->out.data[size] = 0;
    }
    retention_decision_done(&decision);
}

static int there(struct why *why, int64_t offset, const struct place *place)
{
    int64_t goes_at_ms = INT64_MAX;
    bool readable;

    why_say(why, _(why->lang, "%lld is there: in %020lld.log at position %lld, in the batch %s of %d bytes, "), (long long)offset, (long long)place->segment_base,
            (long long)place->position, why_offsets(why, place->batch.base_offset, place->batch.last_offset + 1), place->batch.size_bytes);
    if (place->timestamp_ms >= 0)
        why_say(why, _(why->lang, "stamped %s (%s)"), why_moment(why, place->timestamp_ms), batch_log_append_time(&place->batch) ? "LogAppendTime" : "CreateTime");
    else
        why_say(why, _(why->lang, "without a timestamp"));
    if (place->key && !batch_control(&place->batch))
        why_say(why, _(why->lang, ", key \"%s\""), place->key);
    if (place->null_value && !batch_control(&place->batch))
        why_say(why, _(why->lang, ", value null"));
    why_say(why, ".\n");
    if (place->damaged)
        why_say(why, _(why->lang, "Its batch is damaged: the CRC in its header is %u, that of its bytes is %u. A consumer that checks (check.crcs, the default) ends here with an error.\n"),
                (unsigned)place->batch.crc, (unsigned)place->crc);
    readable = !place->damaged && say_readers(why, place, offset);
    if (!say_forgotten(why, offset, true))
        say_cut(why, offset, true);
    say_key(why, place, offset);
    if (log_settings(why->log)->cleanup_delete) {
        why_say(why, _(why->lang, "It goes with its segment:\n"));
        say_fate(why, offset, &goes_at_ms);
    }
    if (place->damaged)
        why_show(why, "hexdump %s-%d %lld", why->topic, why->partition, (long long)offset);
    if (readable)
        why_show(why, "kafka-console-consumer.sh --bootstrap-server %s --topic %s --partition %d --offset %lld --max-messages 1", why_server(why), why->topic, why->partition,
                 (long long)offset);
    if (goes_at_ms != INT64_MAX && log_first_base_offset(why->log) == place->segment_base)
        why_show_delete(why, goes_at_ms);
    else if (goes_at_ms != INT64_MAX && goes_at_ms - why->now_ms < 86400000)
        why_show(why, "until (select min(base_offset) > %lld from segments where topic = '%s' and partition = %d and state <> 'deleted')", (long long)offset, why->topic,
                 why->partition);
    if ((!readable && goes_at_ms == INT64_MAX) || lab_inspects(why->lab))
        why_show(why, "SELECT * FROM batches WHERE topic = '%s' AND partition = %d AND last_offset >= %lld LIMIT 1", why->topic, why->partition, (long long)offset);
    return 0;
}

/* ---- a hole ---- */

/* The cleanings that went over it: it went with one of them. */
static void say_cleanings(struct why *why, int64_t offset)
{
    const struct entry *first = NULL, *last = NULL;

    for (size_t i = 0; i < why->entry_count; i++) {
        const struct entry *entry = why->entries[i];

        if (!why_about(why, entry) || entry->kind != EVENT_log_cleaned || entry->offset <= offset)
            continue;
        first = first ? first : entry;
        last = entry;
    }
    if (first && first == last)
        why_say(why, _(why->lang, "The cleaner went over it at %s, by %s.\n"), why_clock(why, first->at_us / 1000), first->rule);
    else if (first)
        why_say(why, _(why->lang, "The cleaner went over it at %s for the first time, and for the last at %s.\n"), why_clock(why, first->at_us / 1000),
                why_clock(why, last->at_us / 1000));
}

static int missing(struct why *why, int64_t offset, const struct place *place)
{
    long long next = (long long)place->next_offset;

    if (place->found && batch_control(&place->batch)) {
        why_say(why, _(why->lang, "%lld holds no record: it lies in a control batch.\n"), (long long)offset);
    } else if (log_settings(why->log)->cleanup_compact) {
        why_say(why, _(why->lang, "%lld was compacted away: a later record of the same key took its place, or it was a tombstone (or the marker of a transaction) whose time was over. "
                                  "Offsets do not move up: a consumer that asks for %lld gets %lld, the next there is.\n"),
                (long long)offset, (long long)offset, next);
        say_cleanings(why, offset);
        if (place->found)
            why_say(why, _(why->lang, "Its batch %s is still there, without it.\n"), why_offsets(why, place->batch.base_offset, place->batch.last_offset + 1));
    } else {
        why_say(why, _(why->lang, "%lld is a hole: no record was kept under it. Such are left where the topic was compacted once, or where offsets were skipped when this replica "
                                  "was copied. A consumer that asks for it gets %lld.\n"),
                (long long)offset, next);
    }
    why_show(why, "SELECT offset, key, value FROM records WHERE topic = '%s' AND partition = %d AND offset >= %lld LIMIT 5", why->topic, why->partition, (long long)offset);
    return 0;
}

int why_record(struct why *why, int64_t offset)
{
    struct place place;

    if (offset >= log_end_offset(why->log))
        return not_written(why, offset);
    if (offset < log_start_offset(why->log))
        return gone(why, offset);
    look_up(why, offset, &place);
    return place.record ? there(why, offset, &place) : missing(why, offset, &place);
}
