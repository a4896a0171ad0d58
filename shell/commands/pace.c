/* Running virtual time on in slices, and saying what came to pass. */
#include "shell/commands/pace.h"

#include "shell/prose.h"

bool pace_run(struct call *call, int64_t until_us, const bool *stop)
{
    struct lab *lab = call_lab(call);
    int64_t began = queue_now_us(lab_queue(lab)), wall_began = monotonic_now_us(), shown = wall_began + 1000000;
    bool progress = false;

    while (!lab_run_slice(lab, until_us, stop)) {
        if (stop && *stop)
            break;
        if (monotonic_now_us() > shown) {
            struct text at = { 0 };

            text_time(&at, queue_now_us(lab_queue(lab)), TIME_DATE | TIME_CLOCK);
            if (until_us != NEVER_US)
                call_progress(call, "%s  %d %%", text_chars(&at), (int)((double)(queue_now_us(lab_queue(lab)) - began) * 100 / (double)(until_us - began)));
            else
                call_progress(call, "%s", text_chars(&at));
            text_done(&at);
            progress = true;
            shown = monotonic_now_us() + 100000;
        }
        if (!call_yield(call))
            break;
    }
    if (progress)
        call_progress(call, "%s", "");
    return !call_interrupted(call);
}

void entry_text(const struct entry *entry, struct text *out)
{
    text_time(out, entry->at_us, TIME_CLOCK | TIME_TENTHS);
    text_printf(out, " %-6s ", event_label(entry->kind));
    if (entry->text)
        text_escaped(out, bytes_text(entry->text));
}

void entry_print(struct call *call, const struct entry *entry)
{
    struct text line = { 0 };

    entry_text(entry, &line);
    prose_print(call, "%s\n", text_chars(&line));
    text_done(&line);
}

struct digest digest_begin(const struct lab *lab)
{
    return (struct digest){ .from = journal_last(lab_journal(lab)), .from_us = queue_now_us(lab_queue(lab)) };
}

enum { MOST_LOSSES = 5 };

static const struct { enum event_kind kind; const char *one, *many; } counted[] = {
    { EVENT_segment_rolled, "roll", "rolls" },
    { EVENT_segment_deleted, "segment deleted", "segments deleted" },
    { EVENT_segment_unlinked, "unlinked", "unlinked" },
    { EVENT_offset_expired, "offset expired", "offsets expired" },
    { EVENT_member_left, "member left", "members left" },
    { EVENT_group_rebalance, "rebalance", "rebalances" },
    { EVENT_leader_elected, "election", "elections" },
    { EVENT_isr_changed, "change of an ISR", "changes of an ISR" },
    { EVENT_producer_expired, "producer forgotten", "producers forgotten" },
};

/* Checks of the retention task between two moments: they cost no events where they would change nothing, so they are counted from the interval. */
static int64_t checks_between(const struct lab *lab, int64_t from_us, int64_t to_us, int64_t *interval_ms)
{
    const struct broker *broker = cluster_broker_at(lab_cluster(lab), 0);
    struct config_layers layers = broker_config(broker);
    int64_t next = broker_next_retention_check_us(broker), interval_us, before;

    *interval_ms = config_long(&layers, "log.retention.check.interval.ms");
    interval_us = *interval_ms * 1000;
    if (next == INT64_MAX || interval_us <= 0)
        return 0;
    before = next - interval_us; /* the last check that lies behind */
    if (before > to_us || before <= from_us)
        return 0;
    int64_t first = broker_started_us(broker) + 30 * 1000000LL, low = from_us > first ? from_us : first - 1;
    return before < low ? 0 : (before - low) / interval_us + ((before - low) % interval_us != 0 || low == first - 1 ? 1 : 0);
}

static int64_t fact(const struct entry *entry, const char *name)
{
    for (int i = 0; i < entry->fact_count; i++)
        if (text_equal(entry->facts[i].name, name))
            return entry->facts[i].number;
    return -1;
}

/* Whose offsets went, and who left: a number alone does not say what a teacher will be asked. */
void digest_print_losses(struct call *call, const struct digest *digest)
{
    struct journal *journal = lab_journal(call_lab(call));
    int shown = 0;

    for (uint64_t i = digest->from + 1; i <= journal_last(journal); i++) {
        const struct entry *entry = journal_get(journal, i);

        if (!entry || (entry->kind != EVENT_offset_expired && entry->kind != EVENT_member_left))
            continue;
        if (++shown > MOST_LOSSES) {
            call_print(call, "... (events EXPIRE lists all)\n");
            return;
        }
        entry_print(call, entry);
    }
}

void digest_print(struct call *call, const struct digest *digest)
{
    struct lab *lab = call_lab(call);
    struct journal *journal = lab_journal(lab);
    int64_t now = queue_now_us(lab_queue(lab)), counts[EVENT_KINDS] = { 0 }, interval_ms, checks;
    int64_t next = broker_next_retention_check_us(cluster_broker_at(lab_cluster(lab), 0));
    struct text line = { 0 };
    bool deleted = false;
    int64_t records = 0;

    for (uint64_t i = digest->from + 1; i <= journal_last(journal); i++) {
        const struct entry *entry = journal_get(journal, i);

        if (entry)
            counts[entry->kind]++;
        if (entry && entry->kind == EVENT_segment_deleted && fact(entry, "next_offset") > entry->offset)
            records += fact(entry, "next_offset") - entry->offset;
    }
    text_duration(&line, now - digest->from_us);
    checks = checks_between(lab, digest->from_us, now, &interval_ms);
    text_printf(&line, ": %lld check%s", (long long)checks, checks == 1 ? "" : "s");
    for (size_t i = 0; i < sizeof(counted) / sizeof(*counted); i++) {
        int64_t count = counts[counted[i].kind];

        if (!count)
            continue;
        if (counted[i].kind == EVENT_segment_deleted)
            deleted = true;
        text_printf(&line, ", %lld %s", (long long)count, count == 1 ? counted[i].one : counted[i].many);
        if (counted[i].kind == EVENT_segment_deleted && records)
            text_printf(&line, " with %lld record%s", (long long)records, records == 1 ? "" : "s");
    }
    if (checks && !deleted)
        text_add(&line, ", nothing deleted");
    if (next != INT64_MAX) {
        text_add(&line, "; next check ");
        text_time(&line, next, next - now > 86400000000LL ? TIME_DATE | TIME_CLOCK : TIME_CLOCK);
        text_printf(&line, " (log.retention.check.interval.ms=%lld)", (long long)interval_ms);
    }
    prose_print(call, "%s\n", text_chars(&line));
    text_done(&line);
}
