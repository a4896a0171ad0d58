/* Running virtual time on in slices, and saying what came to pass. */
#include "shell/commands/pace.h"

#include "shell/explain.h"
#include <string.h>

#include "shell/breaks.h"
#include "shell/prose.h"
#include "shell/shell.h"

bool pace_run(struct call *call, int64_t until_us, const bool *stop)
{
    struct lab *lab = call_lab(call);
    int64_t began = queue_now_us(lab_queue(lab)), wall_began = monotonic_now_us(), shown = wall_began + 1000000;
    bool progress = false;

    call->session->shell->broke = false;
    while (!lab_run_slice(lab, until_us, stop)) {
        if (breaks_look(call->session->shell, lab, call) || (stop && *stop))
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

bool pace_broke(const struct call *call)
{
    return call->session->shell->broke;
}

bool pace_at_present(struct call *call)
{
    if (!lab_past_at_end(call_lab(call)))
        return false;
    prose_print(call, "This is the present, or as far as the recording goes: rewind end goes back to the lab that lives.\n");
    return true;
}

bool pace_watch(struct call *call, journal_fn *fn, void *context, const bool *stop)
{
    struct lab *lab = call_lab(call);

    journal_watch(lab_journal(lab), fn, context);
    pace_run(call, queue_now_us(lab_queue(lab)) + 86400000000LL, stop);
    journal_unwatch(lab_journal(lab), fn, context);
    return *stop || (!pace_broke(call) && !pace_at_present(call));
}

void entry_text(enum lang lang, const struct entry *entry, struct text *out)
{
    text_time(out, entry->at_us, TIME_CLOCK | TIME_TENTHS);
    text_printf(out, " %-6s ", event_label(entry->kind));
    explain_entry(lang, entry, out);
}

void entry_print(struct call *call, const struct entry *entry)
{
    struct text line = { 0 };

    entry_text(call->session->lang, entry, &line);
    prose_print(call, "%s\n", text_chars(&line));
    text_done(&line);
}

struct digest digest_begin(const struct lab *lab)
{
    return (struct digest){ .from = journal_last(lab_journal(lab)), .from_us = queue_now_us(lab_queue(lab)) };
}

enum { MOST_LOSSES = 5 };

static const char *counted(enum lang lang, enum event_kind kind, int64_t count)
{
    switch (kind) {
    case EVENT_segment_rolled:
        return n_(lang, "%lld roll", "%lld rolls", count);
    case EVENT_segment_deleted:
        return n_(lang, "%lld segment deleted", "%lld segments deleted", count);
    case EVENT_segment_unlinked:
        return n_(lang, "%lld segment unlinked", "%lld segments unlinked", count);
    case EVENT_offset_expired:
        return n_(lang, "%lld offset expired", "%lld offsets expired", count);
    case EVENT_member_left:
        return n_(lang, "%lld member left", "%lld members left", count);
    case EVENT_group_rebalance:
        return n_(lang, "%lld rebalance", "%lld rebalances", count);
    case EVENT_leader_elected:
        return n_(lang, "%lld election", "%lld elections", count);
    case EVENT_isr_changed:
        return n_(lang, "%lld change of an ISR", "%lld changes of an ISR", count);
    case EVENT_producer_expired:
        return n_(lang, "%lld producer forgotten", "%lld producers forgotten", count);
    default:
        return NULL;
    }
}

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
            call_print(call, _(call->session->lang, "... (events EXPIRE lists all)\n"));
            return;
        }
        entry_print(call, entry);
    }
}

void digest_print(struct call *call, const struct digest *digest)
{
    static const enum event_kind order[] = { EVENT_segment_rolled, EVENT_segment_deleted, EVENT_segment_unlinked, EVENT_offset_expired, EVENT_member_left,
                                             EVENT_group_rebalance, EVENT_leader_elected, EVENT_isr_changed, EVENT_producer_expired };
    struct lab *lab = call_lab(call);
    struct journal *journal = lab_journal(lab);
    enum lang lang = call->session->lang;
    int64_t now = queue_now_us(lab_queue(lab)), counts[EVENT_KINDS] = { 0 }, interval_ms, checks, records = 0;
    int64_t next = broker_next_retention_check_us(cluster_broker_at(lab_cluster(lab), 0));
    struct text line = { 0 };

    for (uint64_t i = digest->from + 1; i <= journal_last(journal); i++) {
        const struct entry *entry = journal_get(journal, i);
        int64_t taken = entry && entry->kind == EVENT_segment_deleted ? entry_fact(entry, "next_offset", 0) - entry->offset : 0;

        if (entry)
            counts[entry->kind]++;
        records += taken > 0 ? taken : 0;
    }
    lang_duration(lang, &line, now - digest->from_us);
    text_add(&line, ": ");
    checks = checks_between(lab, digest->from_us, now, &interval_ms);
    text_printf(&line, n_(lang, "%lld check", "%lld checks", checks), (long long)checks);
    for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++) {
        int64_t count = counts[order[i]];

        if (!count)
            continue;
        text_add(&line, ", ");
        text_printf(&line, counted(lang, order[i], count), (long long)count);
        if (order[i] == EVENT_segment_deleted && records)
            text_printf(&line, n_(lang, " with %lld record", " with %lld records", records), (long long)records);
    }
    if (checks && !counts[EVENT_segment_deleted])
        text_add(&line, _(lang, ", nothing deleted"));
    if (next != INT64_MAX) {
        text_add(&line, _(lang, "; next check "));
        text_time(&line, next, next - now > 86400000000LL ? TIME_DATE | TIME_CLOCK : TIME_CLOCK);
        text_printf(&line, " (log.retention.check.interval.ms=%lld)", (long long)interval_ms);
    }
    prose_print(call, "%s\n", text_chars(&line));
    text_done(&line);
}

/* The last entry before a moment, of those that are still there. */
static uint64_t entry_before(const struct journal *journal, int64_t at_us)
{
    uint64_t n = journal_last(journal);

    for (; n && n >= journal_first(journal); n--) {
        const struct entry *entry = journal_get(journal, n);

        if (entry && entry->at_us < at_us)
            break;
    }
    return n;
}

bool since_parse(struct call *call, const char *text, struct since *out)
{
    struct lab *lab = call_lab(call);
    int64_t now = queue_now_us(lab_queue(lab)), number;
    struct mark mark;

    *out = (struct since){ .shell = call->session->shell, .at_us = lab_start_us(lab), .entry = lab_first_entry(lab) - 1 };
    if (!text)
        return true;
    if (lab_mark_find(session_live(call->session), text, &mark)) {
        out->name = mark.name;
        out->at_us = mark.at_us;
        out->entry = mark.entry;
    } else if (parse_i64(text, &number) && number > 0) {
        const struct entry *entry = journal_get(lab_journal(lab), (uint64_t)number);

        if ((uint64_t)number > journal_last(lab_journal(lab)) + 1) {
            call_error(call, "%s: there is no event %s yet; the last is %llu\n", call->argv[0], text, (unsigned long long)journal_last(lab_journal(lab)));
            return false;
        }
        out->entry = (uint64_t)number - 1;
        out->at_us = entry ? entry->at_us : out->at_us;
    } else if ((strchr(text, ':') && parse_time(text, now, &number)) || (parse_duration(text, &number) && ((number = now - number), true))) {
        out->at_us = number;
        out->entry = entry_before(lab_journal(lab), number);
    } else {
        call_error(call, "%s: --since wants a mark (mark --list), an event's number, a time or a while ago, not '%s'\n", call->argv[0], text);
        return false;
    }
    return true;
}
