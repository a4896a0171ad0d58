/* What the controller decides about brokers that come and go, and about leaders and in-sync replicas. Kafka's ReplicationControlManager with
 * PartitionChangeBuilder and ClusterControlManager (4.3); KafkaController, PartitionStateMachine, ReplicaStateMachine (2.7). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/cluster/cluster_internal.h"

enum { ELECTION_SLICE = 2 * METADATA_BATCH_RECORDS }; /* partitions changed by one event */

/* ---- registration ---- */

enum err controller_register(struct cluster *cluster, struct broker *broker, bool fenced, struct reason *reason)
{
    struct metadata_record record = metadata_record(METADATA_REGISTER_BROKER);
    struct metadata_register_broker *r = &record.register_broker;
    struct metadata_endpoint endpoint = { "PLAINTEXT", cluster->host, (uint16_t)broker->port, 0 };
    const char *rack = config_map_get(&broker->settings, "broker.rack");
    enum err err;

    /* Its epoch is the offset of this record. */
    if (fenced || broker->epoch < 0)
        broker->epoch = log_end_offset(cluster->controller.log.log) + (cluster->controller.filling ? cluster->controller.batch.count : 0);
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
        r->log_dirs.items = &cluster->directories[broker->index];
        r->log_dirs.count = 1;
    }
    controller_add(cluster, &record);
    err = controller_commit(cluster, NULL, reason);
    return err;
}

enum err controller_unfence(struct cluster *cluster, struct broker *broker, struct reason *reason)
{
    struct metadata_record record = metadata_record(METADATA_BROKER_REGISTRATION_CHANGE);

    record.broker_change.broker_id = broker->id;
    record.broker_change.broker_epoch = broker->epoch;
    record.broker_change.fenced = -1;
    controller_add(cluster, &record);
    return controller_commit(cluster, NULL, reason);
}

/* ---- election ---- */

struct election {                 /* who becomes leader, and why: kept by the journal */
    int32_t leader, was;          /* -1: none */
    const char *rule;
    int32_t live, in_sync;        /* of the replicas */
};

static bool live(const struct image *image, int32_t id)
{
    const struct image_broker *broker = image_broker(image, id);

    return broker && !broker->fenced && !broker->shutting_down;
}

static bool contains(const int32_t *ids, int32_t count, int32_t id)
{
    for (int32_t i = 0; i < count; i++)
        if (ids[i] == id)
            return true;
    return false;
}

/* The first in the order of assignment that lives and is in sync; `without`: a broker that is about to go, -1 for none. */
static struct election elect(const struct image *image, const struct image_partition *partition, int32_t without)
{
    struct election election = { .leader = -1, .was = partition->leader, .rule = "no replica in sync lives" };

    for (int32_t i = 0; i < partition->replica_count; i++) {
        int32_t id = partition->replicas[i];
        bool lives = id != without && live(image, id), in_sync = contains(partition->isr, partition->isr_count, id);

        election.live += lives;
        election.in_sync += in_sync;
        if (election.leader < 0 && lives && in_sync) {
            election.leader = id;
            election.rule = i == 0 ? "preferred replica, in sync" : "first live replica in sync";
        }
    }
    return election;
}

static void say_elected(struct cluster *cluster, const struct image_topic *topic, int32_t partition, const struct election *election, const char *why)
{
    char text[512];

    if (topic->internal)
        return;
    if (election->leader < 0)
        snprintf(text, sizeof(text), "%s-%d has no leader: %s", topic->name, partition, why);
    else
        snprintf(text, sizeof(text), "%s-%d: leader %d, was %d: %s", topic->name, partition, election->leader, election->was, why);
    journal_add(cluster->journal,
                ENTRY(EVENT_leader_elected, .broker = election->leader, .topic = topic->name, .partition = partition, .rule = election->rule,
                      .text = text,
                      .facts = { { "leader", election->leader, NULL }, { "was", election->was, NULL },
                                 { "live_replicas", election->live, NULL }, { "in_sync_replicas", election->in_sync, NULL } },
                      .fact_count = 4));
}

static void ids_text(const int32_t *ids, int32_t count, char *out, size_t size)
{
    size_t used = 0;

    *out = 0;
    for (int32_t i = 0; i < count && used + 16 < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%d", i ? "," : "", ids[i]);
}

/* `isr` becomes what `was` was; `broker` left it or joined it. */
static void say_isr(struct cluster *cluster, const struct image_topic *topic, int32_t partition, const struct image_partition *was,
                    const int32_t *isr, int32_t count, int32_t broker, const char *why)
{
    char before[128], after[128], text[700];

    if (topic->internal)
        return;
    ids_text(was->isr, was->isr_count, before, sizeof(before));
    ids_text(isr, count, after, sizeof(after));
    snprintf(text, sizeof(text), "%s-%d: ISR %s -> %s: %s", topic->name, partition, before, after, why);
    journal_add(cluster->journal,
                ENTRY(EVENT_isr_changed, .broker = was->leader, .topic = topic->name, .partition = partition, .text = text,
                      .facts = { { "replica", broker, NULL }, { "isr_was", was->isr_count, NULL }, { "isr_is", count, NULL } }, .fact_count = 3));
}

static void change_leader(struct cluster *cluster, const struct image_topic *topic, int32_t partition, int32_t leader)
{
    struct metadata_record record = metadata_record(METADATA_PARTITION_CHANGE);

    record.partition_change.partition_id = partition;
    record.partition_change.topic_id = topic->id;
    record.partition_change.leader = leader;
    controller_add(cluster, &record);
}

/* All brokers were away and are back. KRaft first fenced them, which left partitions without a leader (one epoch), then
 * unfenced them, which elected one (another). With ZooKeeper nobody was there to notice: the leaders are what they were. */
enum err controller_elect_after_restart(struct cluster *cluster, struct reason *reason)
{
    const struct image *image = cluster->controller.image;
    enum err err = ERR_OK;
    size_t changed = 0;

    if (release_is_27(cluster->release)) { /* but for those that had none */
        bool more = true;

        while (more && !err)
            err = controller_elect_offline(cluster, &more, reason);
        return err;
    }
    for (size_t t = 0; t < image_topic_count(image); t++) {
        const struct image_topic *topic = image_topic_at(image, t);

        for (int32_t p = 0; p < topic->partition_count; p++) {
            struct election election = elect(image, &topic->partitions[p], -1);

            if (topic->partitions[p].leader != -1)
                change_leader(cluster, topic, p, -1);
            if (election.leader == -1)
                continue;
            change_leader(cluster, topic, p, election.leader);
            changed++;
            say_elected(cluster, topic, p, &election, "elected after the restart of all brokers");
        }
    }
    if (changed)
        err = controller_commit(cluster, NULL, reason);
    return err;
}


/* ---- brokers that go ---- */

/* True: something of it changes. */
static bool leave_partition(struct cluster *cluster, const struct image_topic *topic, int32_t number, int32_t id, bool fence, const char *why)
{
    const struct image_partition *partition = &topic->partitions[number];
    bool old = release_is_27(cluster->release), leads = partition->leader == id;
    struct metadata_record record;
    struct metadata_partition_change *change = &record.partition_change;
    struct election election;
    int32_t rest[1000], count = 0; /* as many replicas as image.c takes */

    for (int32_t i = 0; i < partition->isr_count && count < 1000; i++)
        if (partition->isr[i] != id)
            rest[count++] = partition->isr[i];
    if (!leads && count == partition->isr_count)
        return false;
    election = elect(cluster->controller.image, partition, id);
    if (old && !fence && leads && election.leader < 0)
        return false; /* it leads as long as it lives */
    if (!leads && !count && partition->leader == -1)
        return false; /* the last in sync is remembered */
    record = metadata_record(METADATA_PARTITION_CHANGE);
    change->partition_id = number;
    change->topic_id = topic->id;
    if (count && count < partition->isr_count) {
        change->isr.items = rest;
        change->isr.count = count;
        say_isr(cluster, topic, number, partition, rest, count, id, why);
    }
    if (leads)
        change->leader = election.leader;
    else if (old)
        change->leader = partition->leader; /* ZooKeeper's controller begins an epoch whenever it touches the ISR */
    if (leads)
        say_elected(cluster, topic, number, &election, why);
    if (!leads && change->isr.count <= 0)
        return false;
    controller_add(cluster, &record);
    return true;
}

enum err controller_broker_leaves(struct cluster *cluster, struct broker *broker, bool fence, const char *why, bool *more, struct reason *reason)
{
    const struct image *image = cluster->controller.image;
    const struct image_broker *known = image_broker(image, broker->id);
    struct metadata_record record = metadata_record(METADATA_BROKER_REGISTRATION_CHANGE);
    int changed = 0;

    for (size_t t = 0; t < image_topic_count(image); t++)
        for (int32_t p = 0; p < image_topic_at(image, t)->partition_count; p++)
            if (leave_partition(cluster, image_topic_at(image, t), p, broker->id, fence, why) && ++changed == ELECTION_SLICE) {
                enum err err = controller_commit(cluster, NULL, reason);

                *more = !err;
                return err;
            }
    *more = false;
    if (known && (fence ? !known->fenced : !known->shutting_down)) {
        record.broker_change.broker_id = broker->id;
        record.broker_change.broker_epoch = known->epoch;
        if (fence) {
            record.broker_change.fenced = 1;
        } else {
            record.version = 1;
            record.broker_change.in_controlled_shutdown = 1;
        }
        controller_add(cluster, &record);
    }
    return controller_commit(cluster, NULL, reason);
}

enum err controller_elect_offline(struct cluster *cluster, bool *more, struct reason *reason)
{
    const struct image *image = cluster->controller.image;
    int changed = 0;
    enum err err;

    *more = false;
    for (size_t t = 0; t < image_topic_count(image); t++) {
        const struct image_topic *topic = image_topic_at(image, t);

        for (int32_t p = 0; p < topic->partition_count; p++) {
            struct election election;

            if (topic->partitions[p].leader != -1)
                continue;
            election = elect(image, &topic->partitions[p], -1);
            if (election.leader == -1)
                continue;
            change_leader(cluster, topic, p, election.leader);
            say_elected(cluster, topic, p, &election, "a replica in sync is back");
            if (++changed == ELECTION_SLICE) {
                err = controller_commit(cluster, NULL, reason);
                *more = !err;
                return err;
            }
        }
    }
    return controller_commit(cluster, NULL, reason);
}

/* ---- replicas that catch up ---- */

static int by_id(const void *a, const void *b)
{
    int32_t left = *(const int32_t *)a, right = *(const int32_t *)b;

    return (left > right) - (left < right);
}

enum err controller_expand_isr(struct partition *leader, int32_t broker_id)
{
    struct cluster *cluster = leader->broker->cluster;
    const struct image_topic *topic = image_topic(cluster->controller.image, leader->topic->name);
    struct metadata_record record = metadata_record(METADATA_PARTITION_CHANGE);
    const struct image_partition *partition;
    int32_t isr[1000], count = 0;

    if (cluster->controller.down || !topic || leader->number >= topic->partition_count)
        return ERR_NOT_CONTROLLER;
    partition = &topic->partitions[leader->number];
    if (partition->leader_epoch != leader->leader_epoch || partition->partition_epoch != leader->partition_epoch)
        return ERR_INVALID_UPDATE_VERSION;
    if (!live(cluster->controller.image, broker_id) || contains(partition->isr, partition->isr_count, broker_id))
        return ERR_INELIGIBLE_REPLICA;
    for (int32_t i = 0; i < partition->isr_count && count < 999; i++)
        isr[count++] = partition->isr[i];
    isr[count++] = broker_id;
    if (!release_is_27(cluster->release)) /* 2.7's leader keeps the newcomer last, 4.3's sends a set, which is in order of the ids */
        qsort(isr, (size_t)count, sizeof(*isr), by_id);
    record.partition_change.partition_id = leader->number;
    record.partition_change.topic_id = topic->id;
    record.partition_change.isr.items = isr;
    record.partition_change.isr.count = count;
    say_isr(cluster, topic, leader->number, partition, isr, count, broker_id, "the replica has caught up");
    controller_add(cluster, &record);
    return controller_commit(cluster, NULL, NULL);
}
