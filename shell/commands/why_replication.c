/* why leader, why isr, why commit TOPIC-P: who leads and since when, who is in sync and what the others lack, what the high watermark waits for. */
#include "shell/commands/why.h"

#include <string.h>

#include "sim/cluster/network.h"

static const struct image_partition *image_of(const struct why *why)
{
    return image_partition(cluster_image(lab_cluster(why->lab)), why->topic, why->partition);
}

static const char *ids(struct why *why, const int32_t *list, int16_t count)
{
    struct text text = { 0 };
    const char *copy;

    for (int16_t i = 0; i < count; i++)
        text_printf(&text, "%s%d", i ? "," : "", list[i]);
    copy = arena_text(&why->arena, count ? text_chars(&text) : "-", count ? text.size : 1);
    text_done(&text);
    return copy;
}

static bool has(const int32_t *list, int16_t count, int32_t id)
{
    for (int16_t i = 0; i < count; i++)
        if (list[i] == id)
            return true;
    return false;
}

/* The newest entry of a kind about the partition, whoever's broker it names; `replica` -1: any. */
static const struct entry *newest(const struct why *why, enum event_kind kind, int32_t replica)
{
    for (size_t i = why->entry_count; i-- > 0;) {
        const struct entry *entry = why->entries[i];

        if (entry->kind == kind && entry->partition == why->partition && (replica < 0 || entry_fact(entry, "replica", -1) == replica))
            return entry;
    }
    return NULL;
}

static bool is_held(const struct why *why, int32_t id)
{
    const struct broker *broker = cluster_broker(lab_cluster(why->lab), id);
    const struct partition *replica = broker ? broker_partition(broker, why->topic, why->partition) : NULL;

    return replica && partition_held(replica);
}

/* In ms since 1970; INT64_MAX: it stays. */
static int64_t leaves_ms(const struct why *why, int32_t follower)
{
    int64_t us = partition_leads(why->replica) ? partition_follower_leaves_us(why->replica, follower) : INT64_MAX;

    return us == INT64_MAX ? us : us / 1000;
}

static int64_t topic_setting(const struct why *why, const char *key)
{
    struct config_layers layers = broker_topic_config(partition_broker(why->replica), why->topic);

    return config_long(&layers, key);
}

/* What keeps a broker from fetching, where it is the simulator's doing; NULL: nothing is known. */
static const char *hindrance(struct why *why, int32_t id, int32_t leader)
{
    const struct cluster *cluster = lab_cluster(why->lab);
    const struct broker *broker = cluster_broker(cluster, id);

    if (!broker || broker_state(broker) == BROKER_DOWN)
        return _(why->lang, "it is down");
    if (broker_frozen(broker))
        return _(why->lang, "it stands still (broker freeze)");
    if (is_held(why, id))
        return _(why->lang, "its fetching is held (replica hold)");
    if (leader >= 0 && !network_open_both_ways(cluster, id, leader))
        return _(why->lang, "its link to the leader is cut");
    return NULL;
}

/* ---- leader ---- */

/* "1: alive, in the ISR, chosen; 2: ...": a line each. */
static void say_candidates(struct why *why, const char *candidates)
{
    while (candidates && *candidates) {
        size_t size = strcspn(candidates, ";");

        why_say(why, "  %.*s\n", (int)size, candidates);
        candidates += size;
        candidates += strspn(candidates, "; ");
    }
}

int why_leader(struct why *why)
{
    const struct image_partition *image = image_of(why);
    const struct entry *entry = newest(why, EVENT_leader_elected, -1);
    bool unclean = entry && entry_fact(entry, "unclean", 0);

    if (image->leader >= 0)
        why_say(why, _(why->lang, "%s-%d is led by broker %d, in leader epoch %d"), why->topic, why->partition, image->leader, image->leader_epoch);
    else
        why_say(why, _(why->lang, "%s-%d has no leader: it can neither be written nor read (leader epoch %d)"), why->topic, why->partition, image->leader_epoch);
    if (!entry) {
        why_say(why, _(why->lang, ", as it has been since it was made: the first live one in the order of assignment %s leads.\n"), ids(why, image->replicas, image->replica_count));
        why_show(why, "kafka-topics.sh --describe --topic %s --bootstrap-server %s", why->topic, why_server(why));
        return 0;
    }
    why_say(why, _(why->lang, ", since %s: %s.\n"), why_moment(why, entry->at_us / 1000), why_name(why, entry_fact_text(entry, "because")));
    if (entry_fact(entry, "was", -1) >= 0)
        why_say(why, _(why->lang, "Before, broker %lld led.\n"), (long long)entry_fact(entry, "was", -1));
    else
        why_say(why, _(why->lang, "Before, nobody led.\n"));
    why_say(why, _(why->lang, "The controller looked at the replicas in the order of assignment, and decided by: %s.\n"), why_name(why, entry->rule));
    say_candidates(why, entry_fact_text(entry, "candidates"));
    if (unclean)
        why_say(why, _(why->lang, "It was not in sync (unclean.leader.election.enable=true): what it lacked is lost, and the others cut their logs down to its own.\n"));
    else if (image->leader < 0)
        why_say(why, _(why->lang, "Nobody who has all that was committed lives. Kafka rather waits than lose it (unclean.leader.election.enable=false).\n"));
    else if (image->leader != image->replicas[0])
        why_say(why, _(why->lang, "Broker %d is the preferred leader, as the first of %s; it leads again when somebody asks for it, or by itself at a look of the controller (auto.leader.rebalance.enable, every leader.imbalance.check.interval.seconds), once it is in sync.\n"),
                image->replicas[0], ids(why, image->replicas, image->replica_count));
    if (unclean)
        why_mend_text(why, "unclean.leader.election.enable", "false", _(why->lang, "rather no leader than a loss"));
    else if (image->leader < 0 && image->isr_count + image->elr_count > 0)
        why_mend(why, "broker start %d", image->isr_count ? image->isr[0] : image->elr[0]);
    else if (image->leader != image->replicas[0] && has(image->isr, image->isr_count, image->replicas[0]))
        why_mend(why, "kafka-leader-election.sh --election-type preferred --topic %s --partition %d --bootstrap-server %s", why->topic, why->partition, why_server(why));
    else
        why_show(why, "events 20 %s", why->topic);
    return 0;
}

/* ---- isr ---- */

static void say_departure(struct why *why, int32_t replica)
{
    const struct entry *lag = newest(why, EVENT_follower_lags, replica), *change = newest(why, EVENT_isr_changed, replica);

    if (lag && (!change || lag->number < change->number) && (!change || change->at_us - lag->at_us < 60000000)) {
        why_say(why, _(why->lang, "    It left at %s: its log ended at %lld, the leader's at %lld, and it had last caught up %s before, longer ago than replica.lag.time.max.ms=%lld.\n"),
                why_moment(why, lag->at_us / 1000), (long long)entry_fact(lag, "log_end_offset", -1), (long long)entry_fact(lag, "leader_log_end_offset", -1),
                why_lasts(why, entry_fact(lag, "lag_ms", 0)), (long long)entry_fact(lag, "replica_lag_time_max_ms", 0));
    } else if (change && entry_fact(change, "isr_is", 0) < entry_fact(change, "isr_was", 0)) {
        why_say(why, _(why->lang, "    It left at %s: %s.\n"), why_moment(why, change->at_us / 1000), why_name(why, entry_fact_text(change, "because")));
    }
}

static void say_follower(struct why *why, const struct image_partition *image, int32_t id)
{
    const char *hindered = hindrance(why, id, image->leader);
    struct isr_decision decision = partition_decide_follower(why->replica, id);
    int64_t leaves = leaves_ms(why, id);
    bool in_isr = has(image->isr, image->isr_count, id);

    why_say(why, in_isr ? _(why->lang, "  %d is in sync") : _(why->lang, "  %d is OUT"), id);
    if (decision.log_end_offset < 0)
        why_say(why, _(why->lang, ": it has not fetched from this leader yet"));
    else if (decision.log_end_offset == decision.leader_end_offset)
        why_say(why, _(why->lang, ": it has all up to the log end %lld"), (long long)decision.leader_end_offset);
    else
        why_say(why, _(why->lang, ": it has up to %lld of %lld, and last caught up %s ago"), (long long)decision.log_end_offset, (long long)decision.leader_end_offset,
                why_lasts(why, decision.last_caught_up_ms > 0 ? decision.now_ms - decision.last_caught_up_ms : 0));
    why_say(why, hindered ? "; %s.\n" : ".\n", hindered);
    if (in_isr && leaves != INT64_MAX)
        why_say(why, _(why->lang, "    If it stays so it leaves at %s: the leader looks each half of replica.lag.time.max.ms=%lld, and drops whoever is behind and caught up longer ago than that.\n"),
                why_moment(why, leaves), (long long)decision.max_lag_ms);
    else if (!in_isr && decision.log_end_offset >= 0)
        why_say(why, _(why->lang, "    It comes back when it has %lld: all that is committed (high watermark %lld), and what is there since this leader began (%lld).\n"),
                (long long)(decision.high_watermark > decision.epoch_start_offset ? decision.high_watermark : decision.epoch_start_offset), (long long)decision.high_watermark,
                (long long)decision.epoch_start_offset);
    if (!in_isr)
        say_departure(why, id);
}

int why_isr(struct why *why)
{
    const struct image_partition *image = image_of(why);
    int64_t least = topic_setting(why, "min.insync.replicas");
    const char *mend = NULL;

    why_say(why, _(why->lang, "%s-%d: in sync (ISR) are %s of the replicas %s; min.insync.replicas=%lld"), why->topic, why->partition, ids(why, image->isr, image->isr_count),
            ids(why, image->replicas, image->replica_count), (long long)least);
    if (image->elr_count)
        why_say(why, _(why->lang, "; eligible to lead all the same (ELR): %s"), ids(why, image->elr, image->elr_count));
    why_say(why, image->isr_count < least ? _(why->lang, ": too few, a producer with acks=all is refused.\n") : ".\n");
    if (image->leader < 0)
        why_say(why, _(why->lang, "Nobody leads it, so nobody watches: `why leader %s-%d`.\n"), why->topic, why->partition);
    else
        why_say(why, _(why->lang, "  %d leads, its log ends at %lld.\n"), image->leader, (long long)log_end_offset(why->log));
    for (int16_t i = 0; i < image->replica_count && partition_leads(why->replica); i++) {
        const struct broker *broker = cluster_broker(lab_cluster(why->lab), image->replicas[i]);

        if (image->replicas[i] == image->leader)
            continue;
        say_follower(why, image, image->replicas[i]);
        if (has(image->isr, image->isr_count, image->replicas[i]))
            continue;
        if (broker && broker_state(broker) == BROKER_DOWN)
            mend = arena_printf(&why->arena, "broker start %d", image->replicas[i]);
        else if (broker && broker_frozen(broker))
            mend = arena_printf(&why->arena, "broker thaw %d", image->replicas[i]);
        else if (is_held(why, image->replicas[i]))
            mend = arena_printf(&why->arena, "replica release %d", image->replicas[i]);
        else if (image->leader >= 0 && !network_open_both_ways(lab_cluster(why->lab), image->replicas[i], image->leader))
            mend = arena_printf(&why->arena, "net heal %d %d", image->replicas[i], image->leader);
    }
    why_say_moving(why);
    why_show(why, "SELECT * FROM replicas WHERE topic = '%s' AND partition = %d", why->topic, why->partition);
    if (mend)
        why_mend(why, "%s", mend);
    return 0;
}

/* ---- the high watermark ---- */

int why_commit(struct why *why)
{
    const struct image_partition *image = image_of(why);
    long long high = (long long)log_high_watermark(why->log), end = (long long)log_end_offset(why->log);
    bool old = release_is_27(lab_release(why->lab));
    int64_t least = topic_setting(why, "min.insync.replicas");
    int32_t slowest = -1;
    const char *hindered = NULL;

    if (!old && least > image->replica_count)
        least = image->replica_count;
    if (high >= end) {
        why_say(why, _(why->lang, "%s-%d: the high watermark is %lld, the log's end: all that was written is at all replicas in sync (%s), and consumers can read it.\n"), why->topic, why->partition, high,
                ids(why, image->isr, image->isr_count));
        why_show(why, "why isr %s-%d", why->topic, why->partition);
        return 0;
    }
    why_say(why, n_(why->lang, "%s-%d: the high watermark is %lld, the log ends at %lld: %lld record is written and not committed. No consumer sees it, and a producer with acks=all waits.\n",
                    "%s-%d: the high watermark is %lld, the log ends at %lld: %lld records are written and not committed. No consumer sees them, and a producer with acks=all waits.\n", end - high),
            why->topic, why->partition, high, end, end - high);
    if (!partition_leads(why->replica)) {
        why_say(why, _(why->lang, "Nobody leads it: a leader counts whom it hears of (`why leader %s-%d`).\n"), why->topic, why->partition);
        return 0;
    }
    if (!old && image->isr_count < least)
        why_say(why, _(why->lang, "It stands still because %d in sync are fewer than min.insync.replicas=%lld: since 3.7 nothing is committed then, so that whoever was in sync last lacks nothing (2.7 would go on).\n"),
                image->isr_count, (long long)least);
    why_say(why, _(why->lang, "It is the least that the leader knows all in sync to have:\n"));
    for (int16_t i = 0; i < image->isr_count; i++) {
        struct isr_decision decision;

        if (image->isr[i] == image->leader) {
            why_say(why, _(why->lang, "  %d leads: %lld\n"), image->leader, end);
            continue;
        }
        decision = partition_decide_follower(why->replica, image->isr[i]);
        why_say(why, decision.log_end_offset < end ? _(why->lang, "  %d: up to %lld; it holds the others back") : _(why->lang, "  %d: up to %lld"), image->isr[i], (long long)decision.log_end_offset);
        if (decision.log_end_offset < end) {
            slowest = image->isr[i];
            hindered = hindrance(why, slowest, image->leader);
        }
        why_say(why, decision.log_end_offset < end && hindered ? ": %s\n" : "\n", hindered);
    }
    if (slowest >= 0 && leaves_ms(why, slowest) != INT64_MAX)
        why_say(why, _(why->lang, "If %d stays so it leaves the ISR at %s (replica.lag.time.max.ms), and the high watermark no longer waits for it.\n"), slowest,
                why_moment(why, leaves_ms(why, slowest)));
    else if (slowest < 0 && image->isr_count >= least)
        why_say(why, _(why->lang, "All of them have it: the leader hears so with their next fetch.\n"));
    why_show(why, "until isr %s-%d", why->topic, why->partition);
    return 0;
}
