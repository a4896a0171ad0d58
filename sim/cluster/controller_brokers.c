/* What the controller decides about brokers that come and go, and about leaders and in-sync replicas. Kafka's ReplicationControlManager with
 * PartitionChangeBuilder and ClusterControlManager (4.3); KafkaController, PartitionStateMachine, ReplicaStateMachine (2.7). */
#include <string.h>

#include "sim/base/mem.h"
#include "sim/cluster/cluster_internal.h"
#include "sim/cluster/partition_change.h"

enum { ELECTION_SLICE = 2 * METADATA_BATCH_RECORDS }; /* partitions changed by one event */

/* ---- registration ---- */

enum err controller_register(struct cluster *cluster, struct broker *broker, bool fenced, struct reason *reason)
{
    struct metadata_record record = metadata_record(METADATA_REGISTER_BROKER);
    struct metadata_register_broker *r = &record.register_broker;
    struct metadata_endpoint endpoint = { "PLAINTEXT", cluster->host, (uint16_t)broker->port, 0 };
    const char *rack = config_map_get(&broker->settings, "broker.rack");
    struct uuid ids[MOST_LOG_DIRS];

    /* Its epoch is the offset of this record. */
    if (fenced || broker->epoch < 0)
        broker->epoch = log_end_offset(cluster->controller.log->log) + (cluster->controller.filling ? cluster->controller.batch.count : 0);
    controller_forget_lost(cluster, broker->id);
    r->broker_id = broker->id;
    r->incarnation_id = uuid_random(&cluster->random);
    r->broker_epoch = broker->epoch;
    r->end_points.items = &endpoint;
    r->end_points.count = 1;
    r->features.items = (struct metadata_feature *)raft_features();
    r->features.count = release_is_27(cluster->release) ? 0 : (int32_t)raft_feature_count();
    r->rack = rack;
    r->fenced = fenced;
    if (!release_is_27(cluster->release)) {
        r->log_dirs.items = ids;
        r->log_dirs.count = log_dirs_ids(broker, ids);
    }
    controller_add(cluster, &record);
    return controller_commit(cluster, NULL, reason);
}

enum err controller_unfence(struct cluster *cluster, struct broker *broker, struct reason *reason)
{
    struct metadata_record record = metadata_record(METADATA_BROKER_REGISTRATION_CHANGE);
    struct move_cursor cursor = { 0 };
    bool more = true;
    enum err err;

    record.broker_change.broker_id = broker->id;
    record.broker_change.broker_epoch = broker->epoch;
    record.broker_change.fenced = -1;
    controller_add(cluster, &record);
    err = controller_commit(cluster, NULL, reason);
    while (!err && more)
        err = controller_resume_reassignments(cluster, broker->id, &cursor, &more, reason);
    return err || cluster->opening ? err : controller_resume_deletions(cluster, reason);
}

/* ---- election ---- */

/* Makes and writes one change, if it is one. */
static bool change(struct cluster *cluster, const struct image_topic *topic, int32_t number, const struct partition_target *target, int32_t replica,
                   const char *why)
{
    struct partition_change made;
    struct arena arena;
    bool changes;

    arena_init(&arena);
    partition_change_make(&made, cluster, topic, number, target, &arena);
    partition_change_write(cluster, topic, &made, replica, why);
    changes = made.changes;
    arena_done(&arena);
    return changes;
}

static enum election_rule usual_rule(const struct cluster *cluster, const struct image_topic *topic)
{
    return controller_unclean_enabled(cluster, topic) ? ELECTION_UNCLEAN : ELECTION_ONLINE;
}

/* Elects where nobody leads, a slice a call. */
static enum err elect_offline(struct cluster *cluster, const char *why, bool *more, struct reason *reason)
{
    const struct image *image = cluster->controller.image;
    int changed = 0;
    enum err err;

    *more = false;
    for (size_t t = 0; t < image_topic_count(image); t++) {
        const struct image_topic *topic = image_topic_at(image, t);

        for (int32_t p = 0; p < topic->partition_count; p++) {
            struct partition_target target;

            if (topic->partitions[p].leader != -1)
                continue;
            target = partition_target(&topic->partitions[p]);
            target.rule = usual_rule(cluster, topic);
            if (change(cluster, topic, p, &target, -1, why) && ++changed == ELECTION_SLICE) {
                err = controller_commit(cluster, NULL, reason);
                *more = !err;
                return err;
            }
        }
    }
    return controller_commit(cluster, NULL, reason);
}

enum err controller_elect_offline(struct cluster *cluster, bool *more, struct reason *reason)
{
    return elect_offline(cluster, "a replica in sync is back", more, reason);
}

/* All brokers were away and are back. KRaft first fenced them, which left partitions without a leader (one epoch), then
 * unfenced them, which elected one (another). With ZooKeeper nobody was there to notice: the leaders are what they were. */
enum err controller_elect_after_restart(struct cluster *cluster, struct reason *reason)
{
    const struct image *image = cluster->controller.image;
    enum err err = ERR_OK;
    bool more = true;

    for (size_t t = 0; !release_is_27(cluster->release) && t < image_topic_count(image); t++) {
        const struct image_topic *topic = image_topic_at(image, t);

        for (int32_t p = 0; p < topic->partition_count; p++) {
            struct metadata_record record = metadata_record(METADATA_PARTITION_CHANGE);

            if (topic->partitions[p].leader == -1)
                continue;
            record.partition_change.partition_id = p;
            record.partition_change.topic_id = topic->id;
            record.partition_change.leader = -1;
            controller_add(cluster, &record);
        }
    }
    err = controller_commit(cluster, NULL, reason);
    while (more && !err)
        err = elect_offline(cluster, "elected after the restart of all brokers", &more, reason);
    return err;
}

/* ---- brokers that go ---- */

/* True: something of it changes. */
static bool leave_partition(struct cluster *cluster, const struct image_topic *topic, int32_t number, int32_t id, enum broker_leaving how, const char *why)
{
    const struct image_partition *partition = &topic->partitions[number];
    struct partition_target target = partition_target(partition);
    bool leads = partition->leader == id;
    int32_t rest[MOST_REPLICAS], count = 0;

    for (int32_t i = 0; i < partition->isr_count; i++)
        if (partition->isr[i] != id)
            rest[count++] = partition->isr[i];
    if (!leads && count == partition->isr_count &&
        !(how == LEAVING_UNCLEAN && ids_contain(partition->elr, partition->elr_count, id)))
        return false;
    if (release_is_27(cluster->release)) {
        bool other = false;

        for (int32_t i = 0; i < count; i++)
            other = other || controller_active(cluster, rest[i]);
        if (how == LEAVING_STOPS && leads && !other)
            return false; /* it leads as long as it lives */
        if (!count && !leads)
            return false; /* the last in sync is remembered */
    }
    target.isr = (struct ids){ rest, count };
    if (how == LEAVING_UNCLEAN)
        target.unclean_shutdown = id;
    else
        target.leaves = id;
    target.rule = how != LEAVING_STOPS || !release_is_27(cluster->release) ? usual_rule(cluster, topic) : ELECTION_ONLINE;
    return change(cluster, topic, number, &target, id, why);
}

/* The registration says so: before the partitions of one that is about to go, after those of one that is gone. */
static void say_leaving(struct cluster *cluster, int32_t id, enum broker_leaving how)
{
    const struct image_broker *known = image_broker(cluster->controller.image, id);
    struct metadata_record record = metadata_record(METADATA_BROKER_REGISTRATION_CHANGE);

    if (!known || (how == LEAVING_STOPS ? known->shutting_down : known->fenced))
        return;
    record.broker_change.broker_id = id;
    record.broker_change.broker_epoch = known->epoch;
    if (how == LEAVING_STOPS) {
        record.version = 1;
        record.broker_change.in_controlled_shutdown = 1;
    } else {
        record.broker_change.fenced = 1;
    }
    controller_add(cluster, &record);
}

enum err controller_broker_leaves(struct cluster *cluster, struct broker *broker, enum broker_leaving how, const char *why, bool *more, struct reason *reason)
{
    const struct image *image = cluster->controller.image;
    int changed = 0;

    if (how == LEAVING_STOPS)
        say_leaving(cluster, broker->id, how);
    for (size_t t = 0; t < image_topic_count(image); t++)
        for (int32_t p = 0; p < image_topic_at(image, t)->partition_count; p++)
            if (leave_partition(cluster, image_topic_at(image, t), p, broker->id, how, why) && ++changed == ELECTION_SLICE) {
                enum err err = controller_commit(cluster, NULL, reason);

                *more = !err;
                return err;
            }
    *more = false;
    if (how != LEAVING_STOPS)
        say_leaving(cluster, broker->id, how);
    return controller_commit(cluster, NULL, reason);
}

/* ---- log dirs that fail ---- */

static bool lies_there(const struct cluster *cluster, const struct broker *broker, const struct image_topic *topic, int32_t number)
{
    const struct image *image = cluster->controller.image;
    struct uuid directory;

    if (release_is_27(cluster->release))
        return broker_replica_offline(broker, topic->name, number);
    directory = image_directory(image, &topic->partitions[number], broker->id);
    for (size_t i = 0; i < broker->dir_count; i++)
        if (broker->dirs[i].offline && uuid_equal(broker->dirs[i].id, directory))
            return true;
    return false;
}

/* 2.7's controller knows it as long as it lives and the broker does not come back; 4.3's registration says it. */
static void note_lost(struct cluster *cluster, const struct broker *broker)
{
    struct controller *controller = &cluster->controller;

    controller_forget_lost(cluster, broker->id);
    for (size_t i = 0; i < broker->offline_count; i++)
        ARRAY_ADD(controller->lost, controller->lost_count, controller->lost_capacity) =
            (struct lost_replica){ broker->offline[i].topic_id, broker->offline[i].partition, broker->id };
}

static void say_dirs(struct cluster *cluster, const struct broker *broker)
{
    const struct image_broker *known = image_broker(cluster->controller.image, broker->id);
    struct metadata_record record = metadata_record(METADATA_BROKER_REGISTRATION_CHANGE);
    struct uuid ids[MOST_LOG_DIRS];

    record.broker_change.log_dirs.items = ids;
    record.broker_change.log_dirs.count = log_dirs_ids(broker, ids);
    if (!known || record.broker_change.log_dirs.count >= known->log_dir_count)
        return;
    record.version = 2;
    record.broker_change.broker_id = broker->id;
    record.broker_change.broker_epoch = known->epoch;
    controller_add(cluster, &record);
}

enum err controller_dirs_offline(struct cluster *cluster, struct broker *broker, bool *more, struct reason *reason)
{
    const struct image *image = cluster->controller.image;
    int changed = 0;

    *more = false;
    if (release_is_27(cluster->release))
        note_lost(cluster, broker);
    for (size_t t = 0; t < image_topic_count(image); t++)
        for (int32_t p = 0; p < image_topic_at(image, t)->partition_count; p++) {
            const struct image_topic *topic = image_topic_at(image, t);
            enum err err;

            if (!lies_there(cluster, broker, topic, p) || !leave_partition(cluster, topic, p, broker->id, LEAVING_GONE, "its log dir failed") || ++changed < ELECTION_SLICE)
                continue;
            err = controller_commit(cluster, NULL, reason);
            *more = !err;
            return err;
        }
    if (!release_is_27(cluster->release))
        say_dirs(cluster, broker);
    return controller_commit(cluster, NULL, reason);
}

void controller_forget_lost(struct cluster *cluster, int32_t id)
{
    struct controller *controller = &cluster->controller;

    for (size_t i = controller->lost_count; i-- > 0;)
        if (controller->lost[i].broker == id)
            controller->lost[i] = controller->lost[--controller->lost_count];
}

bool controller_replica_online(const struct cluster *cluster, struct uuid topic_id, const struct image_partition *partition, int32_t number, int32_t id)
{
    const struct controller *controller = &cluster->controller;

    if (!release_is_27(cluster->release))
        return image_directory_online(controller->image, id, image_directory(controller->image, partition, id));
    for (size_t i = 0; i < controller->lost_count; i++)
        if (controller->lost[i].broker == id && controller->lost[i].partition == number && uuid_equal(controller->lost[i].topic_id, topic_id))
            return false;
    return true;
}

/* ---- AlterPartition, of a leader (AlterIsr in 2.7) ---- */

static enum err check_sender(const struct cluster *cluster, const struct alter_partition *request)
{
    const struct image_broker *known = image_broker(cluster->controller.image, request->broker);

    if (cluster->controller.down)
        return ERR_NOT_CONTROLLER;
    if (!known || (release_is_27(cluster->release) && known->fenced))
        return ERR_STALE_BROKER_EPOCH;
    return known->epoch == request->broker_epoch ? ERR_OK : ERR_STALE_BROKER_EPOCH;
}

/* 2.7 compares no more than the two epochs, in this order. */
static enum err check_alter_27(const struct alter_partition_item *item, const struct image_partition *partition)
{
    if (item->leader_epoch < partition->leader_epoch)
        return ERR_FENCED_LEADER_EPOCH;
    return item->partition_epoch == partition->partition_epoch ? ERR_OK : ERR_INVALID_UPDATE_VERSION;
}

static enum err check_alter_43(const struct cluster *cluster, int32_t sender, const struct alter_partition_item *item,
                               const struct image_partition *partition)
{
    bool with_leader = false;

    if (item->leader_epoch > partition->leader_epoch || item->partition_epoch > partition->partition_epoch)
        return ERR_NOT_CONTROLLER; /* the sender knows of a newer controller */
    if (item->leader_epoch < partition->leader_epoch)
        return ERR_FENCED_LEADER_EPOCH;
    if (sender != partition->leader)
        return ERR_INVALID_REQUEST;
    if (item->partition_epoch < partition->partition_epoch)
        return ERR_INVALID_UPDATE_VERSION;
    for (int32_t i = 0; i < item->isr_count; i++) {
        if (!ids_contain(partition->replicas, partition->replica_count, item->isr[i].broker))
            return ERR_INVALID_REQUEST;
        for (int32_t j = 0; j < i; j++)
            if (item->isr[i].broker == item->isr[j].broker)
                return ERR_INVALID_REQUEST;
        with_leader = with_leader || item->isr[i].broker == partition->leader;
    }
    if (!with_leader || (item->leader_recovery_state == LEADER_RECOVERING &&
                         (item->isr_count > 1 || partition->leader_recovery_state == LEADER_RECOVERED)))
        return ERR_INVALID_REQUEST;
    for (int32_t i = 0; i < item->isr_count; i++) {
        const struct image_broker *broker = image_broker(cluster->controller.image, item->isr[i].broker);

        if (!broker || broker->shutting_down || broker->fenced || (item->isr[i].epoch != -1 && item->isr[i].epoch != broker->epoch))
            return ERR_INELIGIBLE_REPLICA;
    }
    return ERR_OK;
}

/* Who is new in the ISR, or who left it: for the journal. */
static int32_t differing(const struct image_partition *partition, struct ids isr, bool *joined)
{
    *joined = true;
    for (int32_t i = 0; i < isr.count; i++)
        if (!ids_contain(partition->isr, partition->isr_count, isr.items[i]))
            return isr.items[i];
    *joined = false;
    for (int32_t i = 0; i < partition->isr_count; i++)
        if (!ids_contain(isr.items, isr.count, partition->isr[i]))
            return partition->isr[i];
    return -1;
}

static void set_result(struct alter_partition_result_item *out, const struct image_partition *partition)
{
    out->leader = partition->leader;
    out->leader_epoch = partition->leader_epoch;
    out->partition_epoch = partition->partition_epoch;
    out->leader_recovery_state = partition->leader_recovery_state;
    out->isr_count = partition->isr_count;
    out->isr = mem_copy(partition->isr, (size_t)partition->isr_count * sizeof(*out->isr));
}

static void alter_one(struct cluster *cluster, int32_t sender, const struct alter_partition_item *item, struct alter_partition_result_item *out)
{
    const struct image_topic *topic = image_topic_by_id(cluster->controller.image, item->topic_id);
    bool old = release_is_27(cluster->release), joined;
    const struct image_partition *partition;
    struct partition_target target;
    struct partition_change made;
    struct arena arena;
    int32_t *isr, replica;

    out->topic_id = item->topic_id;
    out->partition = item->partition;
    out->err = !topic && !old ? ERR_UNKNOWN_TOPIC_ID : ERR_UNKNOWN_TOPIC_OR_PARTITION;
    if (!topic || item->partition < 0 || item->partition >= topic->partition_count)
        return;
    partition = &topic->partitions[item->partition];
    out->err = old ? check_alter_27(item, partition) : check_alter_43(cluster, sender, item, partition);
    if (out->err)
        return;
    arena_init(&arena);
    isr = arena_alloc(&arena, (size_t)(item->isr_count + 1) * sizeof(*isr));
    for (int32_t i = 0; i < item->isr_count; i++)
        isr[i] = item->isr[i].broker;
    target = partition_target(partition);
    target.isr = (struct ids){ isr, item->isr_count };
    target.by_leader = true;
    target.rule = old ? ELECTION_ONLINE : usual_rule(cluster, topic);
    if (!old)
        target.leader_recovery_state = item->leader_recovery_state;
    replica = differing(partition, target.isr, &joined);
    partition_change_make(&made, cluster, topic, item->partition, &target, &arena);
    made.isr_rule = joined ? "high watermark" : "replica.lag.time.max.ms";
    partition_change_write(cluster, topic, &made, replica, joined ? "the replica has caught up" : "the replica fell behind");
    if (made.changes && made.election.leader != sender && made.after.leader_epoch != partition->leader_epoch)
        out->err = ERR_NEW_LEADER_ELECTED;
    else
        set_result(out, &made.after);
    arena_done(&arena);
}

enum err controller_alter_partition(struct cluster *cluster, const struct alter_partition *request, struct alter_partition_result *out)
{
    *out = (struct alter_partition_result){ .err = check_sender(cluster, request), .offset = -1 };
    if (out->err)
        return out->err;
    out->items = mem_zero_array((size_t)request->count + 1, sizeof(*out->items));
    out->count = request->count;
    for (int32_t i = 0; i < request->count; i++)
        alter_one(cluster, request->broker, &request->items[i], &out->items[i]);
    out->err = controller_commit(cluster, &out->offset, NULL);
    for (int32_t i = 0; i < request->count && !out->err; i++) {
        const struct image_topic *topic = out->items[i].err ? NULL : image_topic_by_id(cluster->controller.image, request->items[i].topic_id);

        if (topic)
            controller_isr_changed(cluster, topic, request->items[i].partition);
    }
    return out->err;
}

void alter_partition_result_done(struct alter_partition_result *result)
{
    for (int32_t i = 0; i < result->count; i++)
        mem_free(result->items[i].isr);
    mem_free(result->items);
    *result = (struct alter_partition_result){ 0 };
}
