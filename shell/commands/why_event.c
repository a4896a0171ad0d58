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
            why_say(why, "%s", why_name(why, entry->facts[i].text));
        else
            why_say(why, "%lld", (long long)entry->facts[i].number);
        any = true;
    }
    if (any)
        why_say(why, "\n");
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
    case EVENT_segment_unlinked:
    case EVENT_log_truncated:
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
    struct text text = { 0 };

    if (!entry) {
        why_say(why, "%s\n", none ? none : _(why->lang, "Nothing was decided yet."));
    } else {
        entry_text(why->lang, entry, &text);
        why_say(why, "%s\n", text_chars(&text));
        text_done(&text);
        if (entry->rule)
            why_say(why, _(why->lang, "Decided by %s; the values:\n"), why_name(why, entry->rule));
        say_values(why, entry);
    }
    if (kind == EVENT_KINDS) {
        why_say(why, _(why->lang, "What can be asked:\n"));
        why_say(why, _(why->lang, "  why students-0             each segment of a partition, and when retention takes it\n"));
        why_say(why, _(why->lang, "  why students-0 17          a record: is it there, and if not, what took it\n"));
        why_say(why, _(why->lang, "  why rolled students-0      what made a segment roll, and what will make the next\n"));
        why_say(why, _(why->lang, "  why compaction students-0  what the cleaner sees, and when it comes\n"));
        why_say(why, _(why->lang, "  why lag my-group           a group's lag, split into deleted and readable\n"));
        why_say(why, _(why->lang, "  why refused                the last batch that was not written\n"));
    }
    if (entry)
        say_more(why, entry);
    else
        why_show(why, "events --kinds");
    return 0;
}
