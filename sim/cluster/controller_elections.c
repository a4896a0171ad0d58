/* Elections that somebody asks for (ElectLeaders) and those that come around: preferred leaders are put back, and where unclean elections are allowed partitions without a
 * leader get one. The tasks cost no event while they would find nothing to do. Kafka's ReplicationControlManager.electLeader, maybeBalancePartitionLeaders,
 * maybeElectUncleanLeaders with PeriodicTaskControlManager (4.3); KafkaController.processReplicaLeaderElection, checkAndTriggerAutoLeaderRebalance (2.7). */
#include <string.h>

#include "sim/base/mem.h"
#include "sim/cluster/cluster_internal.h"
#include "sim/cluster/partition_change.h"

enum { ELECTION_SLICE = 2 * METADATA_BATCH_RECORDS, FIRST_BALANCE_27_US = 5000000 };

static bool old(const struct cluster *cluster)
{
    return release_is_27(cluster->release);
}

/* ---- asked for ---- */

static bool may_lead(const struct cluster *cluster, const struct image_partition *partition, int32_t id)
{
    return controller_active(cluster, id) && ids_contain(partition->isr, partition->isr_count, id);
}

/* It is so already. */
static bool not_needed(const struct cluster *cluster, const struct image_partition *partition, bool unclean)
{
    const struct image_broker *leader = image_broker(cluster->controller.image, partition->leader);

    if (!unclean)
        return partition->leader == partition->replicas[0];
    return partition->leader != -1 && (!old(cluster) || (leader && !leader->fenced && !leader->shutting_down));
}

static enum err no_candidate(const struct cluster *cluster, const char *topic, int32_t partition, bool unclean, struct reason *reason)
{
    enum err err = unclean ? ERR_ELIGIBLE_LEADERS_NOT_AVAILABLE : ERR_PREFERRED_LEADER_NOT_AVAILABLE;

    if (!old(cluster))
        return err_because(err, reason, "%s", err_message(err));
    return err_because(err, reason, "Failed to elect leader for partition %s-%d under strategy %s", topic, partition,
                       unclean ? "OfflinePartitionLeaderElectionStrategy(true)" : "PreferredReplicaPartitionLeaderElectionStrategy");
}

static enum err elect_one(struct cluster *cluster, const char *name, int32_t number, bool unclean, int32_t *leader, struct reason *reason)
{
    const struct image_topic *topic = image_topic(cluster->controller.image, name);
    const struct image_partition *partition;
    struct partition_target target;
    struct partition_change change;
    struct arena arena;
    bool changes;

    if (!topic && !old(cluster))
        return err_because(ERR_UNKNOWN_TOPIC_OR_PARTITION, reason, "No such topic as %s", name);
    if (!topic || number < 0 || number >= topic->partition_count) {
        if (old(cluster))
            return err_because(ERR_UNKNOWN_TOPIC_OR_PARTITION, reason, "The partition does not exist.");
        return err_because(ERR_UNKNOWN_TOPIC_OR_PARTITION, reason, "No such partition as %s-%d", name, number);
    }
    if (topic->deleting)
        return err_because(ERR_INVALID_TOPIC_EXCEPTION, reason, "The topic is being deleted");
    partition = &topic->partitions[number];
    if (not_needed(cluster, partition, unclean))
        return err_because(ERR_ELECTION_NOT_NEEDED, reason, "%s", err_message(ERR_ELECTION_NOT_NEEDED));
    if (old(cluster) && !unclean && !may_lead(cluster, partition, partition->replicas[0]))
        return no_candidate(cluster, name, number, unclean, reason);
    target = partition_target(partition);
    target.rule = unclean ? ELECTION_UNCLEAN : ELECTION_PREFERRED;
    arena_init(&arena);
    partition_change_make(&change, cluster, topic, number, &target, &arena);
    partition_change_write(cluster, topic, &change, -1, unclean ? "an unclean election was asked for" : "the preferred leader was asked for");
    changes = change.changes;
    *leader = change.after.leader;
    arena_done(&arena);
    return changes ? ERR_OK : no_candidate(cluster, name, number, unclean, reason);
}

enum err controller_elect_leaders(struct cluster *cluster, bool unclean, struct elect_leader *items, size_t count, int64_t *offset, struct reason *reason)
{
    enum err err = controller_check_acts(cluster, reason);

    if (err)
        return err;
    for (size_t i = 0; i < count; i++) {
        items[i].reason = (struct reason){ "" };
        items[i].leader = -1;
        items[i].err = elect_one(cluster, items[i].topic, items[i].partition, unclean, &items[i].leader, &items[i].reason);
    }
    return controller_commit(cluster, offset, reason);
}

void elections_min_isr_changed(struct cluster *cluster)
{
    const struct image *image = cluster->controller.image;
    bool some = false;

    for (size_t t = 0; !old(cluster) && t < image_topic_count(image); t++) {
        const struct image_topic *topic = image_topic_at(image, t);

        for (int32_t p = 0; p < topic->partition_count; p++) {
            struct partition_target target = partition_target(&topic->partitions[p]);
            struct partition_change change;
            struct arena arena;

            if (!topic->partitions[p].elr_count)
                continue;
            arena_init(&arena);
            partition_change_make(&change, cluster, topic, p, &target, &arena);
            partition_change_write(cluster, topic, &change, -1, "min.insync.replicas was changed");
            some = some || change.changes;
            arena_done(&arena);
        }
    }
    if (some)
        controller_commit(cluster, NULL, NULL);
}

/* ---- what comes around ---- */

static int64_t controller_setting(const struct cluster *cluster, const char *key)
{
    struct config_layers layers = broker_config(cluster->brokers[cluster->controller.home]);

    return config_long(&layers, key);
}

static bool balances(const struct cluster *cluster)
{
    struct config_layers layers = broker_config(cluster->brokers[cluster->controller.home]);

    return config_boolean(&layers, "auto.leader.rebalance.enable");
}

/* The moments of a task of the controller: `first` after it became the controller, then each `every`. */
static int64_t next_us(const struct cluster *cluster, int64_t first_us, int64_t every_us)
{
    int64_t at_us = cluster->controller.since_us + first_us, now_us = queue_now_us(cluster->queue);

    if (every_us < 1)
        return NEVER_US;
    return at_us > now_us ? at_us : at_us + ((now_us - at_us) / every_us + 1) * every_us;
}

int64_t cluster_next_leader_balance_us(const struct cluster *cluster)
{
    int64_t every_us;

    if (cluster->controller.down || !balances(cluster))
        return NEVER_US;
    every_us = controller_setting(cluster, "leader.imbalance.check.interval.seconds") * 1000000;
    return next_us(cluster, old(cluster) ? FIRST_BALANCE_27_US : every_us, every_us);
}

int64_t cluster_next_unclean_scan_us(const struct cluster *cluster)
{
    int64_t every_us;

    if (cluster->controller.down || old(cluster))
        return NEVER_US;
    every_us = controller_setting(cluster, "unclean.leader.election.interval.ms") * 1000;
    return next_us(cluster, every_us, every_us);
}

static bool unbalanced(const struct cluster *cluster, const struct image_partition *partition)
{
    return partition->leader != partition->replicas[0] && may_lead(cluster, partition, partition->replicas[0]);
}

/* 2.7 puts leaders back where they are too many: of the partitions that prefer this broker so many percent. */
static bool too_many(const struct cluster *cluster, int32_t broker)
{
    const struct image *image = cluster->controller.image;
    int64_t prefer = 0, elsewhere = 0;

    for (size_t t = 0; t < image_topic_count(image); t++)
        for (int32_t p = 0; p < image_topic_at(image, t)->partition_count; p++) {
            const struct image_partition *partition = &image_topic_at(image, t)->partitions[p];

            prefer += partition->replicas[0] == broker;
            elsewhere += partition->replicas[0] == broker && partition->leader != broker;
        }
    return elsewhere * 100 > prefer * controller_setting(cluster, "leader.imbalance.per.broker.percentage");
}

static bool reassigning(const struct cluster *cluster)
{
    const struct image *image = cluster->controller.image;

    for (size_t t = 0; t < image_topic_count(image); t++)
        for (int32_t p = 0; p < image_topic_at(image, t)->partition_count; p++)
            if (image_topic_at(image, t)->partitions[p].adding_count || image_topic_at(image, t)->partitions[p].removing_count)
                return true;
    return false;
}

/* One slice; true: there may be more. */
static bool elect_some(struct cluster *cluster, bool (*wanted)(const struct cluster *, const struct image_topic *, const struct image_partition *),
                       enum election_rule rule, const char *why)
{
    const struct image *image = cluster->controller.image;
    int changed = 0;

    for (size_t t = 0; t < image_topic_count(image); t++) {
        const struct image_topic *topic = image_topic_at(image, t);

        for (int32_t p = 0; p < topic->partition_count; p++) {
            struct partition_target target = partition_target(&topic->partitions[p]);
            struct partition_change change;
            struct arena arena;

            if (!wanted(cluster, topic, &topic->partitions[p]))
                continue;
            target.rule = rule;
            arena_init(&arena);
            partition_change_make(&change, cluster, topic, p, &target, &arena);
            partition_change_write(cluster, topic, &change, -1, why);
            changed += change.changes;
            arena_done(&arena);
            if (changed == ELECTION_SLICE)
                return !controller_commit(cluster, NULL, NULL);
        }
    }
    controller_commit(cluster, NULL, NULL);
    return false;
}

static bool wants_preferred(const struct cluster *cluster, const struct image_topic *topic, const struct image_partition *partition)
{
    int32_t preferred = partition->replicas[0];
    const struct controller *controller = &cluster->controller;

    (void)topic;
    if (!unbalanced(cluster, partition))
        return false;
    return !old(cluster) || ids_contain(controller->too_many, (int32_t)controller->too_many_count, preferred);
}

static bool wants_unclean(const struct cluster *cluster, const struct image_topic *topic, const struct image_partition *partition)
{
    return partition->leader == -1 && controller_unclean_enabled(cluster, topic);
}

static bool acts(const struct cluster *cluster)
{
    return session_acts(cluster) && cluster->brokers[cluster->controller.home]->up && !network_frozen(cluster, controller_home(cluster));
}

static void balance(void *context)
{
    struct cluster *cluster = context;
    struct controller *controller = &cluster->controller;

    if (!acts(cluster))
        return;
    if (old(cluster) && reassigning(cluster)) {
        event_at(cluster->queue, &controller->balance_event, cluster_next_leader_balance_us(cluster));
        return;
    }
    if (!controller->balancing) { /* the first slice of a round */
        controller->too_many_count = 0;
        for (size_t i = 0; old(cluster) && i < image_broker_count(controller->image); i++) {
            int32_t id = image_broker_at(controller->image, i)->id;

            if (too_many(cluster, id))
                ARRAY_ADD(controller->too_many, controller->too_many_count, controller->too_many_capacity) = id;
        }
    }
    controller->balancing = elect_some(cluster, wants_preferred, ELECTION_PREFERRED, "the preferred replica is in sync (auto.leader.rebalance.enable)");
    if (controller->balancing)
        event_at(cluster->queue, &controller->balance_event, queue_now_us(cluster->queue));
}

static void scan_unclean(void *context)
{
    struct cluster *cluster = context;

    if (acts(cluster) && elect_some(cluster, wants_unclean, ELECTION_UNCLEAN, "unclean.leader.election.enable, nobody in sync is there"))
        event_at(cluster->queue, &cluster->controller.unclean_event, queue_now_us(cluster->queue));
}

void elections_note(struct cluster *cluster, const struct image_partition *partition)
{
    int64_t at_us;

    if (cluster->opening || cluster->inspection || event_scheduled(&cluster->controller.balance_event) || !unbalanced(cluster, partition))
        return;
    at_us = cluster_next_leader_balance_us(cluster);
    cluster->controller.balance_event.run = balance;
    cluster->controller.balance_event.context = cluster;
    if (at_us != NEVER_US)
        event_at(cluster->queue, &cluster->controller.balance_event, at_us);
}

/* 2.7 acts at once, 4.3 at the task's next moment. */
void elections_config_changed(struct cluster *cluster)
{
    const struct image *image = cluster->controller.image;
    bool some = false;

    for (size_t t = 0; !some && t < image_topic_count(image); t++)
        for (int32_t p = 0; !some && p < image_topic_at(image, t)->partition_count; p++)
            some = wants_unclean(cluster, image_topic_at(image, t), &image_topic_at(image, t)->partitions[p]);
    cluster->controller.unclean_event.run = scan_unclean;
    cluster->controller.unclean_event.context = cluster;
    if (some && !cluster->opening)
        event_at(cluster->queue, &cluster->controller.unclean_event,
                 old(cluster) ? queue_now_us(cluster->queue) : cluster_next_unclean_scan_us(cluster));
}

void elections_begin(struct cluster *cluster)
{
    const struct image *image = cluster->controller.image;

    elections_stop(cluster);
    cluster->controller.since_us = queue_now_us(cluster->queue);
    for (size_t t = 0; t < image_topic_count(image); t++)
        for (int32_t p = 0; p < image_topic_at(image, t)->partition_count; p++)
            elections_note(cluster, &image_topic_at(image, t)->partitions[p]);
    elections_config_changed(cluster);
}

void elections_stop(struct cluster *cluster)
{
    event_cancel(cluster->queue, &cluster->controller.balance_event);
    event_cancel(cluster->queue, &cluster->controller.unclean_event);
    cluster->controller.balancing = false;
    mem_free(cluster->controller.too_many);
    cluster->controller.too_many = NULL;
    cluster->controller.too_many_count = cluster->controller.too_many_capacity = 0;
}
