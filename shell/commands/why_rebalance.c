/* why rebalance GROUP: what began the last rebalances of a group, whom they waited for, and what came of them. */
#include "shell/commands/why.h"

#include <string.h>

enum { MOST_REBALANCES = 5 };

/* From the newest `rebalance` of the group on. */
static void say_rebalance(struct why *why, const struct entry *entry)
{
    struct journal *journal = lab_journal(why->lab);
    const char *member = entry_fact_text(entry, "member");
    long long waits = (long long)entry_fact(entry, "waits_for", 0), timeout = (long long)entry_fact(entry, "rebalance_timeout_ms", -1),
              initial = (long long)entry_fact(entry, "initial_delay_ms", -1);
    bool ended = false;

    why_say(why, _(why->lang, "%s  generation %lld ends: %s"), why_moment(why, entry->at_us / 1000), (long long)entry_fact(entry, "generation", -1), why_words(why, entry->rule));
    why_say(why, member && *member ? " (%s).\n" : ".\n", member && *member ? why_name(why, member) : "");
    if (initial > 0)
        why_say(why, _(why->lang, "    The group was empty: others may be about to come, so it waited %s (group.initial.rebalance.delay.ms).\n"), why_lasts(why, initial));
    else if (waits > 0)
        why_say(why, n_(why->lang, "    %lld member had to join anew, and was waited for %s at most (max.poll.interval.ms of the slowest); until then all of them stand still.\n",
                        "    %lld members had to join anew, and were waited for %s at most (max.poll.interval.ms of the slowest); until then all of them stand still.\n", waits),
                waits, why_lasts(why, timeout));
    for (uint64_t n = entry->number + 1; n <= journal_last(journal) && !ended; n++) {
        const struct entry *later = journal_get(journal, n);

        if (!later || !text_equal(later->subject, entry->subject))
            continue;
        if (later->kind == EVENT_group_rebalance)
            break;
        if (later->kind == EVENT_member_left && later->rule)
            why_say(why, _(why->lang, "    %s  %s went: %s.\n"), why_moment(why, later->at_us / 1000), why_name(why, entry_fact_text(later, "member")), why_words(why, later->rule));
        if (later->kind != EVENT_group_generation)
            continue;
        why_say(why, n_(why->lang, "    %s  generation %lld began, with %lld member, after %s; %s shares out by %s.\n", "    %s  generation %lld began, with %lld members, after %s; %s shares out by %s.\n",
                        entry_fact(later, "members", 0)),
                why_moment(why, later->at_us / 1000), (long long)entry_fact(later, "generation", -1), (long long)entry_fact(later, "members", 0),
                why_lasts(why, (later->at_us - entry->at_us) / 1000), why_name(why, entry_fact_text(later, "leader")), why_name(why, entry_fact_text(later, "protocol")));
        ended = true;
    }
    if (!ended)
        why_say(why, _(why->lang, "    It goes on still.\n"));
}

int why_rebalance(struct why *why, const char *group)
{
    struct journal *journal = lab_journal(why->lab);
    const struct entry *found[MOST_REBALANCES];
    int count = 0, all = 0;

    for (uint64_t n = journal_last(journal); n && n >= journal_first(journal); n--) {
        const struct entry *entry = journal_get(journal, n);

        if (!entry || entry->kind != EVENT_group_rebalance || !text_equal(entry->subject, group))
            continue;
        if (count < MOST_REBALANCES)
            found[count++] = entry;
        all++;
    }
    if (!count) {
        why_error_line(why, _(why->lang, "show me"), arena_printf(&why->arena, "kafka-consumer-groups.sh --list --bootstrap-server %s", why_server(why)),
                       _(why->lang, "group %s has not rebalanced, as far as the journal reaches"), why_name(why, group));
        return 1;
    }
    why_say(why, n_(why->lang, "%s rebalanced %d time; the last, oldest first:\n", "%s rebalanced %d times; the last, oldest first:\n", all), why_name(why, group), all);
    while (count--)
        say_rebalance(why, found[count]);
    why_show(why, "kafka-consumer-groups.sh --describe --group %s --members --bootstrap-server %s", group, why_server(why));
    return 0;
}
