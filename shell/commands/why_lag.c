/* why lag GROUP: what a group has not read, what it can not read any more, and who should. */
#include "shell/commands/why.h"

#include <string.h>

enum { MOST_PARTITIONS = 200 };

static const struct entry *last_commit(struct why *why, const char *group, const struct group_offset *offset)
{
    struct journal *journal = lab_journal(why->lab);

    for (uint64_t n = journal_last(journal); n && n >= journal_first(journal); n--) {
        const struct entry *entry = journal_get(journal, n);

        if (entry && entry->kind == EVENT_offset_committed && text_equal(entry->subject, group) && entry->partition == offset->partition &&
            text_equal(entry->topic, offset->topic))
            return entry;
    }
    return NULL;
}

static void say_state(struct why *why, const struct group_info *info)
{
    why_say(why, n_(why->lang, "%s is %s with %d member", "%s is %s with %d members", info->member_count), why_name(why, info->group), group_state_name(info->state),
            info->member_count);
    for (int32_t i = 0; i < info->member_count && i < 5; i++)
        why_say(why, "%s%s%s", i ? ", " : ": ", why_name(why, info->members[i].client_id), why_name(why, info->members[i].client_host));
    why_say(why, info->member_count > 5 ? ", ...\n" : ".\n");
}

struct sums {
    int64_t lag, deleted, readable;
    const char *first_topic;       /* of the first partition with something to read; NULL: none */
    bool any;
};

static void say_partition(struct why *why, const struct group_info *info, const struct group_offset *offset, struct sums *sums)
{
    const struct entry *commit = last_commit(why, info->group, offset);
    struct look_lag lag;

    if (!look_lag(why->lab, offset, &lag)) {
        why_say(why, _(why->lang, "  %s-%d: committed %lld; the partition has no leader, so its end is not known\n"), offset->topic, offset->partition, (long long)offset->offset);
        return;
    }
    sums->any = true;
    sums->lag += lag.lag;
    sums->deleted += lag.deleted;
    sums->readable += lag.readable;
    why_say(why, _(why->lang, "  %s-%d: committed %lld, end %lld: lag %lld = %lld deleted + %lld readable"), offset->topic, offset->partition, (long long)lag.committed,
            (long long)lag.end, (long long)lag.lag, (long long)lag.deleted, (long long)lag.readable);
    if (commit)
        why_say(why, _(why->lang, "; last commit at %s, %s ago"), why_clock(why, commit->at_us / 1000), why_lasts(why, why->now_ms - commit->at_us / 1000));
    why_say(why, "\n");
    if (lag.lag < 0)
        why_say(why, _(why->lang, "    It committed beyond the end: the topic was made anew, or records were lost. A member finds its offset out of range and starts where "
                                  "auto.offset.reset says.\n"));
    if (lag.deleted > 0)
        why_say(why, _(why->lang, "    Retention or DeleteRecords took %s before the group read it: Kafka counts that in LAG all the same. A member that comes now finds its offset out of range "
                                  "and starts where auto.offset.reset says.\n"),
                why_offsets(why, lag.committed, lag.committed + lag.deleted));
    if (lag.readable > 0 && !sums->first_topic)
        sums->first_topic = offset->topic;
}

static void say_help(struct why *why, const struct group_info *info, const struct sums *sums)
{
    const char *group = why_name(why, info->group);

    if (!sums->any) {
        why_say(why, _(why->lang, "It has committed no offset, so there is nothing to count from: a member starts where auto.offset.reset says.\n"));
    } else if (sums->lag <= 0) {
        why_say(why, _(why->lang, "Everything is read and committed.\n"));
    } else if (sums->readable > 0 && !info->member_count) {
        why_say(why, _(why->lang, "Nobody of the group is there to read: the lag grows by what is produced. A member that reads and commits takes it down.\n"));
    } else if (sums->readable > 0) {
        why_say(why, _(why->lang, "Its members read, but have not committed this far: lag counts commits, not reads. They are behind, or commit rarely (auto.commit.interval.ms), or "
                                  "not at all.\n"));
    } else {
        why_say(why, _(why->lang, "All of the lag is deleted: nothing of it can be read. A commit at the log start takes it to 0.\n"));
    }
    if (sums->any && sums->lag > 0 && sums->readable > 0 && !info->member_count)
        why_mend(why, "kafka-console-consumer.sh --bootstrap-server %s --topic %s --group %s --timeout-ms 5000", why_server(why), sums->first_topic, group);
    else if (sums->any && sums->deleted > 0 && !info->member_count)
        why_mend(why, "kafka-consumer-groups.sh --bootstrap-server %s --group %s --all-topics --reset-offsets --to-earliest --execute", why_server(why), group);
    else if (sums->any && sums->lag > 0)
        why_show(why, "until lag %s = 0", group);
    else
        why_show(why, "kafka-consumer-groups.sh --bootstrap-server %s --describe --group %s", why_server(why), group);
}

int why_lag(struct why *why, const char *group)
{
    struct cluster *cluster = lab_cluster(why->lab);
    struct group_offset *offsets = NULL;
    struct group_info info = { 0 };
    struct broker *broker = NULL;
    struct sums sums = { 0 };
    int32_t count = 0, coordinator;

    for (size_t i = 0; i < cluster_broker_count(cluster) && !broker; i++) {
        struct broker *any = cluster_broker_at(cluster, i);

        if (broker_up(any) && !group_coordinator_look(any, group, &coordinator, NULL))
            broker = cluster_broker(cluster, coordinator);
    }
    if (!broker || group_describe(broker, group, &why->arena, &info) || group_fetch_offsets(broker, group, &offsets, &count, &why->arena) ||
        (info.state == GROUP_DEAD && !count)) {
        why_error_line(why, _(why->lang, "show me"), arena_printf(&why->arena, "kafka-consumer-groups.sh --bootstrap-server %s --list", why_server(why)),
                       _(why->lang, "there is no group '%s'"), why_name(why, group));
        return 1;
    }
    say_state(why, &info);
    for (int32_t i = 0; i < count && i < MOST_PARTITIONS; i++)
        say_partition(why, &info, &offsets[i], &sums);
    if (count > MOST_PARTITIONS)
        why_say(why, n_(why->lang, "  and %d partition more\n", "  and %d partitions more\n", count - MOST_PARTITIONS), count - MOST_PARTITIONS);
    say_help(why, &info, &sums);
    return 0;
}
