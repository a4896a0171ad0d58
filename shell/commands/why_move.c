/* why move TOPIC-P: a partition on its way to other brokers: who is being added and what they lack, what holds them back, when it is done; or the last move. */
#include <inttypes.h>
#include <string.h>

#include "shell/commands/why.h"

/* Those of `list` that are not in `without`: "2,3", or "-". */
static const char *ids(struct why *why, const int32_t *list, int16_t count, const int32_t *without, int16_t without_count)
{
    struct text text = { 0 };
    const char *copy;

    for (int16_t i = 0; i < count; i++)
        if (!why_lists(without, without_count, list[i]))
            text_printf(&text, "%s%" PRId32, text.size ? "," : "", list[i]);
    copy = arena_text(&why->arena, text.size ? text_chars(&text) : "-", text.size ? text.size : 1);
    text_done(&text);
    return copy;
}

static const struct entry *newest(const struct why *why, bool started)
{
    for (size_t i = why->entry_count; i-- > 0;) {
        const struct entry *entry = why->entries[i];

        if (entry->partition == why->partition && (started ? entry->kind == EVENT_reassignment_started
                                                           : entry->kind == EVENT_reassignment_completed || entry->kind == EVENT_reassignment_cancelled))
            return entry;
    }
    return NULL;
}

static bool is_moving(const struct image_partition *image)
{
    return image->adding_count || image->removing_count;
}

bool why_say_moving(struct why *why)
{
    const struct image_partition *image = why_image(why);

    if (!image || !is_moving(image))
        return false;
    why_say(why, _(why->lang, "It is being moved from %s to %s: `why move %s-%d`.\n"),
            ids(why, image->replicas, image->replica_count, image->adding_replicas, image->adding_count),
            ids(why, image->replicas, image->replica_count, image->removing_replicas, image->removing_count), why->topic, why->partition);
    return true;
}

/* What a replica that is to be added has and lacks. The line to type that helps it on; NULL: nothing is in its way. */
static const char *say_added(struct why *why, const struct image_partition *image, int32_t id)
{
    const struct broker *broker = cluster_broker(lab_cluster(why->lab), id);
    const struct partition *replica = broker ? broker_partition(broker, why->topic, why->partition) : NULL;
    struct quota_decision quota;
    bool by_leader;

    if (why_lists(image->isr, image->isr_count, id)) {
        why_say(why, _(why->lang, "  %d is in the ISR.\n"), id);
        return NULL;
    }
    if (!broker || broker_state(broker) == BROKER_DOWN) {
        why_say(why, _(why->lang, "  %d is down: the move waits for it.\n"), id);
        return arena_printf(&why->arena, "broker start %d", id);
    }
    if (!replica || !partition_log(replica))
        why_say(why, _(why->lang, "  %d has not heard of it yet.\n"), id);
    else
        why_say(why, _(why->lang, "  %d has up to %lld of %lld.\n"), id, (long long)log_end_offset(partition_log(replica)), (long long)log_end_offset(why->log));
    if (!partition_throttled(why->replica, id, &quota, &by_leader))
        return NULL;
    why_say(why, by_leader ? _(why->lang, "    The leader holds it back: %lld bytes passed to throttled replicas in %lld ms, which is %.0f a second, over leader.replication.throttled.rate=%lld.\n")
                           : _(why->lang, "    It holds itself back: %lld bytes of throttled replicas came in %lld ms, which is %.0f a second, over follower.replication.throttled.rate=%lld.\n"),
            (long long)quota.bytes, (long long)quota.window_ms, quota.rate, (long long)quota.bound);
    return arena_printf(&why->arena, "kafka-configs.sh --bootstrap-server %s --entity-type brokers --entity-name %d --alter --add-config %s.replication.throttled.rate=10000000",
                        why_server(why), by_leader ? image->leader : id, by_leader ? "leader" : "follower");
}

static void say_end(struct why *why, const struct image_partition *image)
{
    if (!image->removing_count)
        why_say(why, _(why->lang, "It is complete once all of them are in the ISR.\n"));
    else if (image->adding_count)
        why_say(why, _(why->lang, "It is complete once all of them are in the ISR; then %s is removed, and its folder goes.\n"),
                ids(why, image->removing_replicas, image->removing_count, NULL, 0));
    else
        why_say(why, _(why->lang, "It is complete once those who stay are in the ISR; then %s is removed, and its folder goes.\n"),
                ids(why, image->removing_replicas, image->removing_count, NULL, 0));
}

/* Brokers on which it moves from one log dir to another, and where it can't be read. True: there are some. */
static bool say_log_dirs(struct why *why, const char **mend)
{
    const struct cluster *cluster = lab_cluster(why->lab);
    bool any = false;

    for (size_t i = 0; i < cluster_broker_count(cluster); i++) {
        const struct broker *broker = cluster_broker_at(cluster, i);
        const struct partition *replica = broker_partition(broker, why->topic, why->partition);
        const struct log *copy = replica ? partition_future_log(replica) : NULL;
        struct quota_decision quota;

        if (broker_replica_offline(broker, why->topic, why->partition))
            why_say(why, _(why->lang, "On broker %d its log dir failed: it is offline there until the broker starts again with a disk that is well (disk).\n"), broker_id(broker));
        if (!copy)
            continue;
        any = true;
        why_say(why, _(why->lang, "On broker %d it moves from %s to %s: %lld of %lld is copied; when all is, the copy takes its place.\n"), broker_id(broker),
                log_dir_name(partition_log_dir(replica)), log_dir_name(partition_future_dir(replica)), (long long)log_end_offset(copy), (long long)log_end_offset(partition_log(replica)));
        if (!broker_moves_throttled(broker, &quota))
            continue;
        why_say(why, _(why->lang, "  It is held back: %lld bytes were copied in %lld ms, which is %.0f a second, over replica.alter.log.dirs.io.max.bytes.per.second=%lld.\n"),
                (long long)quota.bytes, (long long)quota.window_ms, quota.rate, (long long)quota.bound);
        *mend = arena_printf(&why->arena, "kafka-configs.sh --bootstrap-server %s --entity-type brokers --entity-name %d --alter --delete-config replica.alter.log.dirs.io.max.bytes.per.second",
                             why_server(why), broker_id(broker));
    }
    return any;
}

int why_move(struct why *why)
{
    const struct image_partition *image = why_image(why);
    const struct entry *entry = newest(why, is_moving(image));
    const char *mend = NULL, *one;
    bool between = say_log_dirs(why, &mend);

    if (between && !is_moving(image)) {
        why_show(why, "kafka-log-dirs.sh --describe --topic-list %s --bootstrap-server %s", why->topic, why_server(why));
        if (mend)
            why_mend(why, "%s", mend);
        return 0;
    }
    if (!is_moving(image)) {
        struct text text = { 0 };

        why_say(why, _(why->lang, "%s-%d is not being moved; its replicas are %s.\n"), why->topic, why->partition, ids(why, image->replicas, image->replica_count, NULL, 0));
        if (entry) {
            explain_entry(why->lang, entry, &text);
            why_say(why, _(why->lang, "The last move ended at %s: %s.\n"), why_moment(why, entry->at_us / 1000), text_chars(&text));
            text_done(&text);
        }
        why_show(why, "kafka-topics.sh --describe --topic %s --bootstrap-server %s", why->topic, why_server(why));
        return 0;
    }
    why_say(why, _(why->lang, "%s-%d is being moved from %s to %s"), why->topic, why->partition,
            ids(why, image->replicas, image->replica_count, image->adding_replicas, image->adding_count),
            ids(why, image->replicas, image->replica_count, image->removing_replicas, image->removing_count));
    if (entry)
        why_say(why, _(why->lang, ", since %s"), why_moment(why, entry->at_us / 1000));
    why_say(why, image->adding_count ? _(why->lang, ". Being added:\n") : ".\n");
    for (int16_t i = 0; i < image->adding_count && partition_leads(why->replica); i++) {
        one = say_added(why, image, image->adding_replicas[i]);
        mend = mend ? mend : one;
    }
    say_end(why, image);
    why_show(why, "kafka-reassign-partitions.sh --bootstrap-server %s --list", why_server(why));
    if (mend)
        why_mend(why, "%s", mend);
    return 0;
}
