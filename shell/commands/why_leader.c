/* why leader TOPIC-P: who leads, since when and why that one; where nobody leads, whom the controller waits for, and what it would cost not to wait.
 * All of it is the controller's knowledge: it answers while no broker with a replica is up. */
#include "shell/commands/why.h"

#include <string.h>

/* "1: alive, in the ISR, chosen; 2: ...": a line each. */
static void say_candidates(struct why *why, const char *candidates)
{
    while (candidates && *candidates) {
        size_t size = strcspn(candidates, ";");

        why_say(why, "  %s\n", why_words(why, arena_text(&why->arena, candidates, size)));
        candidates += size;
        candidates += strspn(candidates, "; ");
    }
}

/* How it came to be so, by the newest election. */
static void say_election(struct why *why, const struct entry *entry)
{
    why_say(why, _(why->lang, ", since %s: %s.\n"), why_moment(why, entry->at_us / 1000), why_words(why, entry_fact_text(entry, "because")));
    if (entry_fact(entry, "was", -1) >= 0)
        why_say(why, _(why->lang, "Before, broker %lld led.\n"), (long long)entry_fact(entry, "was", -1));
    else
        why_say(why, _(why->lang, "Before, nobody led.\n"));
    why_say(why, _(why->lang, "The controller looked at the replicas in the order of assignment, and decided by: %s.\n"), why_words(why, entry->rule ? entry->rule : entry_fact_text(entry, "decided_by")));
    say_candidates(why, entry_fact_text(entry, "candidates"));
}

/* ---- nobody leads ---- */

/* Those who lack nothing that was committed: in the ISR to the last, or (4.3) eligible, or the last leader where both lists are empty. */
static const int32_t *awaited(const struct image_partition *image, int16_t *count, const char **word)
{
    const int32_t *const lists[] = { image->isr, image->elr, image->last_known_elr };
    const int16_t counts[] = { image->isr_count, image->elr_count, image->last_known_elr_count };
    static const char *const words[] = { N_("in the ISR to the last"), N_("eligible leader replicas, ELR"), N_("the last known leader") };

    for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
        if (counts[i]) {
            *count = counts[i];
            *word = words[i];
            return lists[i];
        }
    *count = 0;
    return NULL;
}

/* Broker `id` could lead by an unclean election now: nothing is in its way but what it lacks. */
static bool could_lead(struct why *why, int32_t id)
{
    const struct image_broker *known = image_broker(cluster_image(lab_cluster(why->lab)), id);

    return known && !known->fenced && !known->shutting_down && !why_hindrance(why, id, -1);
}

static void say_replica(struct why *why, int32_t id, bool wanted)
{
    const char *hindered = why_hindrance(why, id, -1);
    const struct broker *broker = cluster_broker(lab_cluster(why->lab), id);
    const struct partition *replica = broker ? broker_partition(broker, why->topic, why->partition) : NULL;

    why_say(why, wanted ? _(why->lang, "  %d may lead: ") : _(why->lang, "  %d may not, it was not in sync: "), id);
    why_say(why, "%s", hindered ? hindered : _(why->lang, "it is up"));
    if (!wanted && replica && partition_log(replica))
        why_say(why, _(why->lang, ", its log ends at %lld"), (long long)log_end_offset(partition_log(replica)));
    why_say(why, ".\n");
}

/* The way out that loses nothing, and the one that does. */
static void mend_offline(struct why *why, const struct image_partition *image, const int32_t *wanted, int16_t wanted_count, bool unclean)
{
    const char *remedy = NULL, *key = "unclean.leader.election.enable";

    for (int16_t i = 0; i < wanted_count && !remedy; i++)
        remedy = why_remedy(why, wanted[i], -1);
    if (!wanted_count)
        for (int16_t i = 0; i < image->replica_count && !remedy; i++)
            remedy = why_remedy(why, image->replicas[i], -1);
    if (remedy)
        why_mend(why, "%s", remedy);
    for (int16_t i = 0; i < image->replica_count; i++) {
        if (why_lists(wanted, wanted_count, image->replicas[i]) || !could_lead(why, image->replicas[i]))
            continue;
        why_mend_effect(why, _(why->lang, "loses what only the others have"),
                        "kafka-leader-election.sh --election-type unclean --topic %s --partition %d --bootstrap-server %s", why->topic, why->partition, why_server(why));
        return;
    }
    if (!unclean && wanted_count)
        why_mend_text(why, key, "true", _(why->lang, "whoever comes back first leads; what it lacks is lost"));
}

static void say_offline(struct why *why, const struct image_partition *image)
{
    bool unclean = why_boolean(why, "unclean.leader.election.enable");
    const char *word = NULL;
    int16_t count;
    const int32_t *wanted = awaited(image, &count, &word);

    if (count)
        why_say(why, _(why->lang, "It waits for whoever has all that was committed: %s (%s).\n"), why_ids(why, wanted, count), _(why->lang, word));
    else
        why_say(why, _(why->lang, "Nobody was in sync: it waits for the first replica that comes.\n"));
    for (int16_t i = 0; i < image->replica_count; i++)
        say_replica(why, image->replicas[i], !count || why_lists(wanted, count, image->replicas[i]));
    why_say(why, unclean ? _(why->lang, "unclean.leader.election.enable=true: when none of those lives any other replica may lead, and what it lacks is lost; here none lives.\n")
                         : _(why->lang, "Kafka rather waits than lose what it lacks (unclean.leader.election.enable=false).\n"));
    mend_offline(why, image, wanted, count, unclean);
}

/* ---- its leader is away, and nobody has decided anything yet ---- */

static bool say_away(struct why *why, const struct image_partition *image)
{
    const char *hindered = why_hindrance(why, image->leader, -1);
    const struct cluster *cluster = lab_cluster(why->lab);
    const struct broker *leader = cluster_broker(cluster, image->leader);
    int64_t ends_us = leader ? broker_session_ends_us(leader) : NEVER_US;
    const char *key = release_is_27(lab_release(why->lab)) ? "zookeeper.session.timeout.ms" : "broker.session.timeout.ms";
    struct quorum_info quorum;

    if (!hindered || lab_inspects(why->lab))
        return false;
    why_say(why, _(why->lang, "But broker %d is away: %s.\n"), image->leader, hindered);
    if (cluster_quorum(cluster, &quorum) && quorum.leader < 0)
        why_say(why, _(why->lang, "No controller can elect another: %d of %d controllers are up, and it takes %d that reach each other.\n"), quorum.voters_up, quorum.voters, quorum.majority);
    else if (!cluster_controller_up(cluster))
        why_say(why, _(why->lang, "Nobody can elect another: the controller is down too.\n"));
    else if (ends_us != NEVER_US)
        why_say(why, _(why->lang, "The controller has not noticed: it takes the leadership away when the broker's session ends, at %s (%s).\n"), why_moment(why, ends_us / 1000), key);
    if (ends_us != NEVER_US)
        why_show(why, "next leader");
    if (why_remedy(why, image->leader, -1))
        why_mend(why, "%s", why_remedy(why, image->leader, -1));
    return true;
}

/* ---- it has one ---- */

static void say_preferred(struct why *why, const struct image_partition *image, bool unclean)
{
    if (unclean)
        why_say(why, _(why->lang, "It was not in sync (unclean.leader.election.enable=true): what it lacked is lost, and the others cut their logs down to its own.\n"));
    else if (image->leader != image->replicas[0])
        why_say(why, _(why->lang, "Broker %d is the preferred leader, as the first of %s; it leads again when somebody asks for it, or by itself at a look of the controller (auto.leader.rebalance.enable, every leader.imbalance.check.interval.seconds), once it is in sync.\n"),
                image->replicas[0], why_ids(why, image->replicas, image->replica_count));
    if (unclean)
        why_mend_text(why, "unclean.leader.election.enable", "false", _(why->lang, "rather no leader than a loss"));
    else if (image->leader != image->replicas[0] && why_lists(image->isr, image->isr_count, image->replicas[0]))
        why_mend(why, "kafka-leader-election.sh --election-type preferred --topic %s --partition %d --bootstrap-server %s", why->topic, why->partition, why_server(why));
    else
        why_show(why, "events 20 %s", why->topic);
}

/* The journal knows of all that happened to it. */
static bool knows_all(const struct why *why)
{
    return lab_inspects(why->lab) || (why->entry_count && why->entries[0]->kind == EVENT_topic_created);
}

int why_leader(struct why *why)
{
    const struct image_partition *image = why_image(why);
    const struct entry *entry = why_newest(why, EVENT_leader_elected, -1);

    if (image->leader >= 0)
        why_say(why, _(why->lang, "%s-%d is led by broker %d, in leader epoch %d"), why->topic, why->partition, image->leader, image->leader_epoch);
    else
        why_say(why, _(why->lang, "%s-%d has no leader: it can neither be written nor read (leader epoch %d)"), why->topic, why->partition, image->leader_epoch);
    if (entry)
        say_election(why, entry);
    else if (image->leader >= 0 && (!image->leader_epoch || knows_all(why)))
        why_say(why, _(why->lang, ", as it has been since it was made: the first live one in the order of assignment %s leads.\n"), why_ids(why, image->replicas, image->replica_count));
    else
        why_say(why, _(why->lang, "; the journal does not reach back to how that came.\n"));
    if (image->leader < 0 && lab_inspects(why->lab))
        why_show(why, "SELECT * FROM partitions WHERE topic = '%s' AND partition = %d", why->topic, why->partition);
    else if (image->leader < 0)
        say_offline(why, image);
    else if (say_away(why, image))
        return 0;
    else if (entry)
        say_preferred(why, image, entry_fact(entry, "unclean", 0));
    else
        why_show(why, "kafka-topics.sh --describe --topic %s --bootstrap-server %s", why->topic, why_server(why));
    return 0;
}
