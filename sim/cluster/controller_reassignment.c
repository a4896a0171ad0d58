/* Partitions that move to other brokers. 4.3: one record begins a move, and the change of the ISR that completes it ends it (partition_change.c), as
 * Kafka's ReplicationControlManager does with PartitionReassignmentReplicas. 2.7: in the steps of KafkaController.onPartitionReassignment, each of which
 * begins a leader epoch. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/cluster/cluster_internal.h"
#include "sim/cluster/partition_change.h"

enum { RESUME_SLICE = 64 };

struct assigned { struct ids replicas, adding, removing; };

static bool is_moving(const struct image_partition *partition)
{
    return partition->adding_count || partition->removing_count;
}

static bool has(struct ids ids, int32_t id)
{
    return ids_contain(ids.items, ids.count, id);
}

/* Those of `ids` that are not among `others`. */
static struct ids but(struct arena *arena, struct ids ids, struct ids others)
{
    int32_t *items = arena_alloc(arena, (size_t)(ids.count + 1) * sizeof(*items)), count = 0;

    for (int32_t i = 0; i < ids.count; i++)
        if (!has(others, ids.items[i]))
            items[count++] = ids.items[i];
    return (struct ids){ items, count };
}

static struct ids joined(struct arena *arena, struct ids first, struct ids then)
{
    struct ids rest = but(arena, then, first);
    int32_t *items = arena_alloc(arena, (size_t)(first.count + rest.count + 1) * sizeof(*items));

    if (first.count)
        memcpy(items, first.items, (size_t)first.count * sizeof(*items));
    if (rest.count)
        memcpy(items + first.count, rest.items, (size_t)rest.count * sizeof(*items));
    return (struct ids){ items, first.count + rest.count };
}

static int by_id(const void *a, const void *b)
{
    int32_t left = *(const int32_t *)a, right = *(const int32_t *)b;

    return (left > right) - (left < right);
}

static struct ids sorted(struct ids ids)
{
    if (ids.count)
        qsort((int32_t *)ids.items, (size_t)ids.count, sizeof(*ids.items), by_id);
    return ids;
}

static struct ids originally(struct arena *arena, const struct image_partition *partition)
{
    return but(arena, (struct ids){ partition->replicas, partition->replica_count }, (struct ids){ partition->adding_replicas, partition->adding_count });
}

static void ids_text(struct ids ids, char *out, size_t size)
{
    size_t used = 0;

    *out = 0;
    for (int32_t i = 0; i < ids.count && used + 16 < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%d", i ? "," : "", ids.items[i]);
}

/* ---- told ---- */

void reassignment_say(struct cluster *cluster, const struct image_topic *topic, const struct partition_change *change)
{
    int32_t number = change->record.partition_change.partition_id;
    const struct image_partition *was = &topic->partitions[number], *is = &change->after;
    struct ids replicas = { is->replicas, is->replica_count };
    char before[160], after[160], adding[160], removing[160], text[900];
    enum event_kind kind = EVENT_reassignment_started;
    const char *rule = "AlterPartitionReassignments";
    struct arena arena;

    if (topic->internal || (!is_moving(was) && !is_moving(is)) ||
        (is_moving(was) && is_moving(is) && change->record.partition_change.replicas.count < 0 && change->record.partition_change.adding_replicas.count < 0))
        return;
    arena_init(&arena);
    ids_text(originally(&arena, was), before, sizeof(before));
    ids_text(is_moving(is) ? (struct ids){ is->adding_replicas, is->adding_count } : (struct ids){ was->adding_replicas, was->adding_count }, adding,
             sizeof(adding));
    ids_text(is_moving(is) ? (struct ids){ is->removing_replicas, is->removing_count } : (struct ids){ was->removing_replicas, was->removing_count },
             removing, sizeof(removing));
    if (is_moving(is)) {
        ids_text(but(&arena, replicas, (struct ids){ is->removing_replicas, is->removing_count }), after, sizeof(after));
        snprintf(text, sizeof(text), "%s-%d: a move from %s to %s began%s%s%s%s", topic->name, number, before, after, *adding ? "; adding " : "", adding,
                 *removing ? "; removing " : "", removing);
    } else {
        struct ids original = originally(&arena, was);
        bool back = replicas.count == original.count && !memcmp(replicas.items, original.items, (size_t)original.count * sizeof(*original.items));

        ids_text(replicas, after, sizeof(after));
        kind = back ? EVENT_reassignment_cancelled : EVENT_reassignment_completed;
        rule = back ? rule : "the added replicas are in the ISR";
        snprintf(text, sizeof(text), back ? "%s-%d: the move was called off: replicas %s" : "%s-%d: the move is complete: replicas %s", topic->name, number,
                 after);
    }
    journal_add(cluster->journal,
                ENTRY(kind, .broker = is->leader, .topic = topic->name, .partition = number, .rule = rule, .text = text,
                      .facts = { { "replicas_were", 0, before }, { "replicas", 0, after }, { "adding", 0, adding }, { "removing", 0, removing },
                                 { "in_sync_replicas", is->isr_count, NULL }, { "leader", is->leader, NULL },
                                 { "leader_epoch", is->leader_epoch, NULL } }, .fact_count = 7));
    arena_done(&arena);
}

/* ---- 4.3 ---- */

static enum err write_change(struct cluster *cluster, const struct image_topic *topic, int32_t number, const struct partition_target *target,
                             int32_t replica, const char *why, struct arena *arena, int64_t *offset, struct reason *reason)
{
    struct partition_change change;

    partition_change_make(&change, cluster, topic, number, target, arena);
    partition_change_write(cluster, topic, &change, replica, why);
    return controller_commit(cluster, offset, reason);
}

static enum err check_43(const struct cluster *cluster, const struct image_partition *partition, const struct reassignment *move, struct ids target,
                         struct arena *arena, struct reason *reason)
{
    struct ids order = sorted(joined(arena, (struct ids){ NULL, 0 }, target));
    int32_t now = partition->replica_count - partition->adding_count;

    if (!target.count)
        return err_because(ERR_INVALID_REPLICA_ASSIGNMENT, reason, "The manual partition assignment includes an empty replica list.");
    for (int32_t i = 0; i < order.count; i++) {
        if (!image_broker(cluster->controller.image, order.items[i]))
            return err_because(ERR_INVALID_REPLICA_ASSIGNMENT, reason,
                               "The manual partition assignment includes broker %d, but no such broker is registered.", order.items[i]);
        if (i && order.items[i] == order.items[i - 1])
            return err_because(ERR_INVALID_REPLICA_ASSIGNMENT, reason, "The manual partition assignment includes the broker %d more than once.",
                               order.items[i]);
    }
    if (!move->allow_factor_change && target.count != now)
        return err_because(ERR_INVALID_REPLICATION_FACTOR, reason, "The replication factor is changed from %d to %d", now, target.count);
    return ERR_OK;
}

static enum err move_43(struct cluster *cluster, const struct image_topic *topic, const struct reassignment *move, struct arena *arena, int64_t *offset,
                        struct reason *reason)
{
    const struct image_partition *partition = &topic->partitions[move->partition];
    struct ids wanted = { move->replicas, move->count }, present = { partition->replicas, partition->replica_count }, adding, removing;
    struct partition_target target = partition_target(partition);
    enum err err = check_43(cluster, partition, move, wanted, arena, reason);

    if (err)
        return err;
    adding = sorted(but(arena, wanted, present));
    removing = sorted(but(arena, present, wanted));
    target.replicas = joined(arena, wanted, removing);
    if (adding.count) /* what an earlier move was adding stays so where this one adds nothing: PartitionChangeBuilder's defaults */
        target.adding = adding;
    if (removing.count)
        target.removing = removing;
    return write_change(cluster, topic, move->partition, &target, -1, "the partition moves", arena, offset, reason);
}

static enum err cancel_43(struct cluster *cluster, const struct image_topic *topic, int32_t number, struct arena *arena, int64_t *offset,
                          struct reason *reason)
{
    const struct image_partition *partition = &topic->partitions[number];
    struct partition_target target = partition_target(partition);
    bool unclean = controller_unclean_enabled(cluster, topic);

    target.replicas = originally(arena, partition);
    target.isr = but(arena, target.isr, (struct ids){ partition->adding_replicas, partition->adding_count });
    if (!target.isr.count && !unclean)
        return err_because(ERR_INVALID_REPLICA_ASSIGNMENT, reason,
                           "Unable to revert partition assignment for %s:%d because it would require an unclean leader election.", topic->name, number);
    if (!target.isr.count)
        target.isr = (struct ids){ target.replicas.items, target.replicas.count ? 1 : 0 };
    target.adding = target.removing = (struct ids){ NULL, 0 };
    target.rule = unclean ? ELECTION_UNCLEAN : ELECTION_ONLINE;
    return write_change(cluster, topic, number, &target, -1, "the move was called off", arena, offset, reason);
}

/* ---- 2.7 ---- */

/* ReplicaAssignment.reassignTo(). */
static struct assigned reassign_to(struct arena *arena, const struct image_partition *partition, struct ids target)
{
    struct ids original = originally(arena, partition), all = joined(arena, target, original);

    return (struct assigned){ all, but(arena, all, original), but(arena, all, target) };
}

static void scala_text(const char *name, struct ids ids, char *out, size_t size)
{
    size_t used = (size_t)snprintf(out, size, "%s(", name);

    for (int32_t i = 0; i < ids.count && used + 16 < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%d", i ? ", " : "", ids.items[i]);
    snprintf(out + used, size - used, ")");
}

static enum err check_27(const struct cluster *cluster, struct ids target, struct ids adding, struct arena *arena, struct reason *reason)
{
    const struct image *image = cluster->controller.image;
    char replicas[240], live[160];
    struct ids brokers;
    int32_t *ids;

    scala_text("ArrayBuffer", target, replicas, sizeof(replicas));
    if (!target.count)
        return err_because(ERR_INVALID_REPLICA_ASSIGNMENT, reason, "Empty replica list specified in partition reassignment.");
    for (int32_t i = 0; i < target.count; i++)
        if (ids_contain(target.items, i, target.items[i]))
            return err_because(ERR_INVALID_REPLICA_ASSIGNMENT, reason, "Duplicate replica ids in partition reassignment replica list: %s", replicas);
    for (int32_t i = 0; i < target.count; i++)
        if (target.items[i] < 0)
            return err_because(ERR_INVALID_REPLICA_ASSIGNMENT, reason, "Invalid broker id in replica list: %s", replicas);
    brokers.items = ids = arena_alloc(arena, (image_broker_count(image) + 1) * sizeof(*ids));
    brokers.count = 0;
    for (size_t i = 0; i < image_broker_count(image); i++)
        if (controller_active(cluster, image_broker_at(image, i)->id))
            ids[brokers.count++] = image_broker_at(image, i)->id;
    if (!but(arena, adding, brokers).count)
        return ERR_OK;
    scala_text("ArrayBuffer", adding, replicas, sizeof(replicas));
    scala_text("Set", brokers, live, sizeof(live));
    return err_because(ERR_INVALID_REPLICA_ASSIGNMENT, reason,
                       "Replica assignment has brokers that are not alive. Replica list: %s, live broker list: %s", replicas, live);
}

/* One record a replica that was in sync, each with an epoch of its own: ReplicaStateMachine.removeReplicasFromIsr(). */
static enum err leave_isr_27(struct cluster *cluster, const struct image_topic *topic, int32_t number, struct ids gone, struct arena *arena,
                             int64_t *offset, struct reason *reason)
{
    const struct image_partition *partition = &topic->partitions[number];
    enum err err = ERR_OK;

    for (int32_t i = 0; i < gone.count && !err; i++) {
        struct partition_target target = partition_target(partition);

        if (!has(target.isr, gone.items[i]) || target.isr.count < 2)
            continue;
        target.isr = but(arena, target.isr, (struct ids){ &gone.items[i], 1 });
        target.leaves = gone.items[i];
        err = write_change(cluster, topic, number, &target, gone.items[i], "its replica was removed", arena, offset, reason);
    }
    return err;
}

/* Steps A1 and A2, or B1 to B8 where the target is in sync already. */
static enum err advance_27(struct cluster *cluster, const struct image_topic *topic, int32_t number, struct assigned to, struct arena *arena,
                           int64_t *offset, struct reason *reason)
{
    const struct image_partition *partition = &topic->partitions[number];
    struct ids isr = { partition->isr, partition->isr_count }, wanted = but(arena, to.replicas, to.removing), removing = to.removing;
    bool moving = to.adding.count || to.removing.count, complete = !moving || !but(arena, wanted, isr).count;
    struct partition_target target = partition_target(partition);
    int32_t epoch = partition->leader_epoch;
    enum err err;

    target.replicas = complete ? wanted : to.replicas;
    target.adding = complete ? (struct ids){ NULL, 0 } : to.adding;
    target.removing = complete ? (struct ids){ NULL, 0 } : to.removing;
    if (complete && !has(wanted, partition->leader))
        target.leaves = partition->leader;
    err = write_change(cluster, topic, number, &target, -1, complete ? "the partition has moved" : "the partition moves", arena, offset, reason);
    if (!err && partition->leader_epoch == epoch) { /* nothing differs: but for the epoch */
        struct metadata_record record = metadata_record(METADATA_PARTITION_CHANGE);

        record.partition_change.partition_id = number;
        record.partition_change.topic_id = topic->id;
        record.partition_change.leader = partition->leader;
        controller_add(cluster, &record);
        err = controller_commit(cluster, offset, reason);
    }
    return !err && complete ? leave_isr_27(cluster, topic, number, removing, arena, offset, reason) : err;
}

static enum err move_27(struct cluster *cluster, const struct image_topic *topic, const struct reassignment *move, struct arena *arena, int64_t *offset,
                        struct reason *reason)
{
    static const struct image_partition nowhere;
    const struct image_partition *partition = topic && move->partition >= 0 && move->partition < topic->partition_count ? &topic->partitions[move->partition]
                                                                                                                        : &nowhere;
    struct ids target = { move->replicas, move->count };
    struct assigned to;
    enum err err;

    if (move->count < 0 && !is_moving(partition))
        return err_because(ERR_NO_REASSIGNMENT_IN_PROGRESS, reason, "%s", err_message(ERR_NO_REASSIGNMENT_IN_PROGRESS));
    to = reassign_to(arena, partition, move->count < 0 ? originally(arena, partition) : target);
    err = move->count < 0 ? ERR_OK : check_27(cluster, target, to.adding, arena, reason);
    if (err)
        return err;
    if (topic && topic->deleting)
        return err_because(ERR_UNKNOWN_TOPIC_OR_PARTITION, reason, "The topic is being deleted.");
    if (partition == &nowhere)
        return err_because(ERR_UNKNOWN_TOPIC_OR_PARTITION, reason, "The partition does not exist.");
    err = leave_isr_27(cluster, topic, move->partition, but(arena, (struct ids){ partition->replicas, partition->replica_count }, to.replicas), arena, offset,
                       reason);
    return err ? err : advance_27(cluster, topic, move->partition, to, arena, offset, reason);
}

static struct assigned as_assigned(const struct image_partition *partition)
{
    return (struct assigned){ { partition->replicas, partition->replica_count }, { partition->adding_replicas, partition->adding_count },
                              { partition->removing_replicas, partition->removing_count } };
}

/* What the lists of an image point to is gone with the record that changes it. */
static struct assigned kept(struct arena *arena, struct assigned assigned)
{
    struct ids none = { NULL, 0 };

    return (struct assigned){ but(arena, assigned.replicas, none), but(arena, assigned.adding, none), but(arena, assigned.removing, none) };
}

void controller_isr_changed(struct cluster *cluster, const struct image_topic *topic, int32_t number)
{
    const struct image_partition *partition = &topic->partitions[number];
    struct arena arena;
    struct ids wanted;

    if (!release_is_27(cluster->release) || !is_moving(partition))
        return;
    arena_init(&arena);
    wanted = but(&arena, as_assigned(partition).replicas, as_assigned(partition).removing);
    if (!but(&arena, wanted, (struct ids){ partition->isr, partition->isr_count }).count)
        advance_27(cluster, topic, number, kept(&arena, as_assigned(partition)), &arena, NULL, NULL);
    arena_done(&arena);
}

enum err controller_resume_reassignments(struct cluster *cluster, int32_t broker, struct move_cursor *cursor, bool *more, struct reason *reason)
{
    const struct image *image = cluster->controller.image;
    int32_t resumed = 0;

    *more = false;
    for (; release_is_27(cluster->release) && cursor->topic < image_topic_count(image); cursor->topic++, cursor->partition = 0) {
        const struct image_topic *topic = image_topic_at(image, cursor->topic);

        for (; cursor->partition < topic->partition_count; cursor->partition++) {
            const struct image_partition *partition = &topic->partitions[cursor->partition];
            struct arena arena;
            enum err err;

            if (!is_moving(partition) || !ids_contain(partition->replicas, partition->replica_count, broker) ||
                ids_contain(partition->removing_replicas, partition->removing_count, broker))
                continue;
            if (resumed++ == RESUME_SLICE) {
                *more = true;
                return ERR_OK;
            }
            arena_init(&arena);
            err = advance_27(cluster, topic, cursor->partition, kept(&arena, as_assigned(partition)), &arena, NULL, reason);
            arena_done(&arena);
            if (err)
                return err;
        }
    }
    return ERR_OK;
}

/* ---- the order ---- */

static enum err order_43(struct cluster *cluster, const struct image_topic *topic, const struct reassignment *move, struct arena *arena, int64_t *offset,
                         struct reason *reason)
{
    if (!topic)
        return err_because(ERR_UNKNOWN_TOPIC_OR_PARTITION, reason, "Unable to find a topic named %s.", move->topic);
    if (move->partition < 0 || move->partition >= topic->partition_count)
        return err_because(ERR_UNKNOWN_TOPIC_OR_PARTITION, reason, "Unable to find partition %s:%d.", move->topic, move->partition);
    if (move->count >= 0)
        return move_43(cluster, topic, move, arena, offset, reason);
    if (!is_moving(&topic->partitions[move->partition]))
        return err_because(ERR_NO_REASSIGNMENT_IN_PROGRESS, reason, "%s", err_message(ERR_NO_REASSIGNMENT_IN_PROGRESS));
    return cancel_43(cluster, topic, move->partition, arena, offset, reason);
}

enum err controller_reassign(struct cluster *cluster, const struct reassignment *move, int64_t *offset, struct reason *reason)
{
    const struct image_topic *topic;
    struct arena arena;
    enum err err = controller_check_acts(cluster, reason);

    if (err)
        return err;
    if (move->count > MOST_REPLICAS / 2)
        return err_because(ERR_INVALID_REPLICA_ASSIGNMENT, reason, "%d replicas are more than a partition can move to (%d)", move->count,
                           MOST_REPLICAS / 2);
    topic = image_topic(cluster->controller.image, move->topic);
    arena_init(&arena);
    err = release_is_27(cluster->release) ? move_27(cluster, topic, move, &arena, offset, reason) : order_43(cluster, topic, move, &arena, offset, reason);
    arena_done(&arena);
    return err;
}
