/* why, why refused: the latest decision, and what can be asked. */
#include "shell/commands/why.h"

#include "shell/commands/pace.h"

static const struct entry *latest(struct why *why, enum event_kind kind)
{
    struct journal *journal = lab_journal(why->lab);

    for (uint64_t n = journal_last(journal); n && n >= journal_first(journal); n--) {
        const struct entry *entry = journal_get(journal, n);

        if (entry && (kind == EVENT_KINDS ? event_shown(entry->kind) && entry->rule : entry->kind == kind))
            return entry;
    }
    return NULL;
}

static void say_values(struct why *why, const struct entry *entry)
{
    bool any = false;

    for (int i = 0; i < entry->fact_count; i++) {
        why_say(why, any ? ", %s=" : "  %s=", entry->facts[i].name);
        if (entry->facts[i].text)
            why_say(why, "%s", why_words(why, entry->facts[i].text));
        else
            why_say(why, "%lld", (long long)entry->facts[i].number);
        any = true;
    }
    if (any)
        why_say(why, "\n");
}

/* ---- a batch that was not written ---- */

static void mend_size(struct why *why, const struct entry *entry, const char *key)
{
    int64_t value = entry_fact(entry, "value", 0);

    why_mend(why, "kafka-configs.sh --bootstrap-server %s --entity-type topics --entity-name %s --alter --add-config %s=%lld", why_server(why), entry->topic, key,
             (long long)(value > INT32_MAX / 2 ? INT32_MAX : value * 2));
}

static void say_refused(struct why *why, const struct entry *entry)
{
    const char *client = why_name(why, entry->subject ? entry->subject : ""), *reason = entry_fact_text(entry, "reason");
    long long value = (long long)entry_fact(entry, "value", 0), limit = (long long)entry_fact(entry, "limit", 0);

    switch ((int)entry_fact(entry, "error_code", 0)) {
    case ERR_MESSAGE_TOO_LARGE:
        why_say(why, _(why->lang, "A batch of \"%s\" has %lld bytes, more than max.message.bytes=%lld of %s. The limit is for the batch as it was sent, compressed or not; the producer "
                                  "keeps below it by max.request.size and batch.size.\n"),
                client, value, limit, entry->topic);
        mend_size(why, entry, "max.message.bytes");
        return;
    case ERR_RECORD_LIST_TOO_LARGE:
        why_say(why, _(why->lang, "A batch of \"%s\" has %lld bytes, more than segment.bytes=%lld of %s: a batch is never split, and it fits in no segment.\n"), client, value, limit,
                entry->topic);
        mend_size(why, entry, "segment.bytes");
        return;
    case ERR_NOT_ENOUGH_REPLICAS:
        why_say(why, _(why->lang, "\"%s\" asks for acks=all, and %s-%d has %lld in its ISR, fewer than min.insync.replicas=%lld: nothing was written, the producer tries again.\n"), client,
                entry->topic, entry->partition, value, limit);
        why_mend(why, "kafka-configs.sh --bootstrap-server %s --entity-type topics --entity-name %s --alter --add-config min.insync.replicas=%lld", why_server(why), entry->topic,
                 value > 0 ? value : 1);
        return;
    case ERR_INVALID_TIMESTAMP:
        why_say(why, _(why->lang, "A record of \"%s\" is stamped too far from the broker's clock, which said %s: the whole batch was refused.\n"), client,
                why_moment(why, entry_fact(entry, "now_ms", 0)));
        break;
    case ERR_INVALID_RECORD:
        why_say(why, text_starts(entry->rule, "cleanup.policy") ? _(why->lang, "A record of \"%s\" has no key, and a compacted topic keeps one record a key: the whole batch was refused.\n")
                                                                : _(why->lang, "A batch of \"%s\" is not as the format wants it.\n"),
                client);
        break;
    case ERR_CORRUPT_MESSAGE:
        why_say(why, _(why->lang, "A batch of \"%s\" does not have the checksum that it claims: it was damaged on its way.\n"), client);
        break;
    case ERR_OUT_OF_ORDER_SEQUENCE_NUMBER:
        why_say(why, _(why->lang, "A batch of \"%s\" is not the next of its idempotent producer: one before it is missing.\n"), client);
        break;
    case ERR_INVALID_PRODUCER_EPOCH:
        why_say(why, _(why->lang, "A batch of \"%s\" has an older epoch than its producer: a newer instance took its place.\n"), client);
        break;
    default:
        why_say(why, _(why->lang, "A batch of \"%s\" was answered by %s.\n"), client, entry_fact_text(entry, "error"));
    }
    if (reason && *reason)
        why_say(why, _(why->lang, "The broker said: %s\n"), why_name(why, reason));
    why_show(why, "events 5 append_refused");
}

/* The question that tells more of it. */
static void say_more(struct why *why, const struct entry *entry)
{
    switch (entry->kind) {
    case EVENT_segment_rolled:
        why_show(why, "why rolled %s-%d %lld", entry->topic, entry->partition, (long long)entry->offset);
        break;
    case EVENT_segment_deleted:
    case EVENT_log_start_moved:
        why_show(why, "why %s-%d %lld", entry->topic, entry->partition, (long long)(entry->kind == EVENT_segment_deleted ? entry->offset : entry->offset - 1));
        break;
    case EVENT_log_cleaned:
        why_show(why, "why compaction %s-%d", entry->topic, entry->partition);
        break;
    case EVENT_leader_elected:
        why_show(why, "why leader %s-%d", entry->topic, entry->partition);
        break;
    case EVENT_isr_changed:
    case EVENT_follower_lags:
        why_show(why, "why isr %s-%d", entry->topic, entry->partition);
        break;
    case EVENT_group_rebalance:
        why_show(why, "why rebalance %s", why_name(why, entry->subject));
        break;
    case EVENT_reassignment_started:
        why_show(why, "why move %s-%d", entry->topic, entry->partition);
        break;
    case EVENT_log_truncated:
        if (entry->offset >= 0)
            why_show(why, "why %s-%d %lld", entry->topic, entry->partition, (long long)entry->offset);
        break;
    case EVENT_segment_unlinked:
    case EVENT_log_recovered:
        why_show(why, "why %s-%d", entry->topic, entry->partition);
        break;
    default:
        why_show(why, "events 5 %s", event_name(entry->kind));
    }
}

int why_event(struct why *why, enum event_kind kind, const char *none)
{
    const struct entry *entry = latest(why, kind);
    const char *more = NULL;
    struct text text = { 0 };

    if (!entry) {
        why_say(why, "%s\n", none ? none : _(why->lang, "Nothing was decided yet."));
    } else {
        entry_text(why->lang, entry, &text);
        why_say(why, "%s\n", text_chars(&text));
        text_done(&text);
        if (entry->kind == EVENT_append_refused && kind == entry->kind && entry_fact(entry, "error_code", 0)) {
            say_refused(why, entry);
            return 0;
        }
        if (entry->kind == EVENT_append_refused)
            more = "why refused";
        if (entry->rule)
            why_say(why, _(why->lang, "Decided by %s; the values:\n"), why_words(why, entry->rule));
        say_values(why, entry);
    }
    if (kind == EVENT_KINDS) {
        why_say(why, _(why->lang, "What can be asked:\n"));
        why_say(why, _(why->lang, "  why students-0             each segment of a partition, and when retention takes it\n"));
        why_say(why, _(why->lang, "  why students-0 17          a record: is it there, and if not, what took it\n"));
        why_say(why, _(why->lang, "  why rolled students-0      what made a segment roll, and what will make the next\n"));
        why_say(why, _(why->lang, "  why compaction students-0  what the cleaner sees, and when it comes\n"));
        why_say(why, _(why->lang, "  why leader students-0      who leads a partition, and why that one\n"));
        why_say(why, _(why->lang, "  why isr students-0         who is in sync, and what the others lack\n"));
        why_say(why, _(why->lang, "  why commit students-0      what the high watermark waits for\n"));
        why_say(why, _(why->lang, "  why move students-0        how far a partition's move to other brokers is\n"));
        why_say(why, _(why->lang, "  why rebalance my-group     what began a group's rebalances\n"));
        why_say(why, _(why->lang, "  why lag my-group           a group's lag, split into deleted and readable\n"));
        why_say(why, _(why->lang, "  why refused                the last batch that was not written\n"));
    }
    if (more)
        why_show(why, "%s", more);
    else if (entry)
        say_more(why, entry);
    else
        why_show(why, "events --kinds");
    return 0;
}
