/* why isr, why commit TOPIC-P: who is in sync and what the others lack, what the high watermark waits for. */
#include "shell/commands/why.h"

#include <string.h>

/* In ms since 1970; INT64_MAX: it stays. */
static int64_t leaves_ms(const struct why *why, int32_t follower)
{
    int64_t us = partition_leads(why->replica) ? partition_follower_leaves_us(why->replica, follower) : INT64_MAX;

    return us == INT64_MAX ? us : us / 1000;
}

/* ---- isr ---- */

static void say_departure(struct why *why, int32_t replica)
{
    const struct entry *lag = why_newest(why, EVENT_follower_lags, replica), *change = why_newest(why, EVENT_isr_changed, replica);

    if (lag && (!change || lag->number < change->number) && (!change || change->at_us - lag->at_us < 60000000)) {
        why_say(why, _(why->lang, "    It left at %s: its log ended at %lld, the leader's at %lld, and it had last caught up %s before, longer ago than replica.lag.time.max.ms=%lld.\n"),
                why_moment(why, lag->at_us / 1000), (long long)entry_fact(lag, "log_end_offset", -1), (long long)entry_fact(lag, "leader_log_end_offset", -1),
                why_lasts(why, entry_fact(lag, "lag_ms", 0)), (long long)entry_fact(lag, "replica_lag_time_max_ms", 0));
    } else if (change && entry_fact(change, "isr_is", 0) < entry_fact(change, "isr_was", 0)) {
        why_say(why, _(why->lang, "    It left at %s: %s.\n"), why_moment(why, change->at_us / 1000), why_words(why, entry_fact_text(change, "because")));
    }
}

static void say_follower(struct why *why, const struct image_partition *image, int32_t id)
{
    const char *hindered = why_hindrance(why, id, image->leader);
    struct isr_decision decision = partition_decide_follower(why->replica, id);
    int64_t leaves = leaves_ms(why, id);
    bool in_isr = why_lists(image->isr, image->isr_count, id);

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
    const struct image_partition *image = why_image(why);
    int64_t least = why_setting(why, "min.insync.replicas");
    bool leads = why->replica && partition_leads(why->replica);
    const char *mend = NULL;

    why_say(why, _(why->lang, "%s-%d: in sync (ISR) are %s of the replicas %s; min.insync.replicas=%lld"), why->topic, why->partition, why_ids(why, image->isr, image->isr_count),
            why_ids(why, image->replicas, image->replica_count), (long long)least);
    if (image->elr_count)
        why_say(why, _(why->lang, "; eligible to lead all the same (ELR): %s"), why_ids(why, image->elr, image->elr_count));
    why_say(why, image->isr_count < least ? _(why->lang, ". That is too few: a producer with acks=all is refused.\n") : ".\n");
    if (image->leader < 0)
        why_say(why, _(why->lang, "Nobody leads it, so nobody watches: `why leader %s-%d`.\n"), why->topic, why->partition);
    else if (!leads)
        why_say(why, _(why->lang, "Broker %d, which leads it by the controller's last word, is away: `why leader %s-%d`.\n"), image->leader, why->topic, why->partition);
    else
        why_say(why, _(why->lang, "  %d leads, its log ends at %lld.\n"), image->leader, (long long)log_end_offset(why->log));
    for (int16_t i = 0; i < image->replica_count && leads; i++) {
        const char *remedy;

        if (image->replicas[i] == image->leader)
            continue;
        say_follower(why, image, image->replicas[i]);
        if (why_lists(image->isr, image->isr_count, image->replicas[i]))
            continue;
        remedy = why_remedy(why, image->replicas[i], image->leader);
        mend = remedy ? remedy : mend;
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
    const struct image_partition *image = why_image(why);
    long long high = (long long)log_high_watermark(why->log), end = (long long)log_end_offset(why->log);
    bool old = release_is_27(lab_release(why->lab));
    int64_t least = why_setting(why, "min.insync.replicas");
    int32_t slowest = -1;
    const char *hindered = NULL;

    if (!old && least > image->replica_count)
        least = image->replica_count;
    if (high >= end) {
        why_say(why, _(why->lang, "%s-%d: the high watermark is %lld, the log's end: all that was written is at all replicas in sync (%s), and consumers can read it.\n"), why->topic, why->partition, high,
                why_ids(why, image->isr, image->isr_count));
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
            hindered = why_hindrance(why, slowest, image->leader);
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
