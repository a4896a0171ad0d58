/* The controller: its log of metadata records and what only it may decide about brokers and leaders. Orders of clients are in
 * controller_topics.c and controller_configs.c. A change is decided on the controller's image, written to the log as records,
 * applied to the image from those records, and then travels to the brokers. */
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/cluster/cluster_internal.h"

int32_t controller_home(const struct cluster *cluster)
{
    return cluster->brokers[0]->id;
}

struct config_layers controller_layers(const struct cluster *cluster, const struct config_map *topic)
{
    const struct image *image = cluster->controller.image;

    return (struct config_layers){
        .topic = topic, .dynamic_default = image_config(image, CONFIG_BROKER, ""),
        .static_broker = &cluster->brokers[0]->settings, .release = cluster->release,
    };
}

struct uuid controller_directory(const struct cluster *cluster, int32_t broker_id)
{
    for (size_t i = 0; i < cluster->broker_count; i++)
        if (cluster->brokers[i]->id == broker_id)
            return cluster->directories[i];
    return (struct uuid){ 0 };
}

/* ---- writing ---- */

static enum err apply_to_image(void *context, const struct metadata_record *record, int64_t offset, struct reason *reason)
{
    struct cluster *cluster = context;

    return image_apply(cluster->controller.image, record, offset, reason);
}

static void pending_add(struct cluster *cluster, struct bytes bytes, int64_t base_offset, int64_t last_offset)
{
    struct controller *controller = &cluster->controller;
    struct metadata_pending *pending = mem_zero(sizeof(*pending));

    pending->base_offset = base_offset;
    pending->last_offset = last_offset;
    pending->sent_us = queue_now_us(cluster->queue);
    pending->bytes = mem_copy(bytes.data, bytes.size);
    pending->size = bytes.size;
    if (controller->last)
        controller->last->next = pending;
    else
        controller->first = pending;
    controller->last = pending;
}

/* Ends the batch under construction, if there is one: written, applied, sent on. */
static enum err flush(struct cluster *cluster, struct reason *reason)
{
    struct controller *controller = &cluster->controller;
    struct bytes bytes;
    enum err err;

    if (!controller->filling)
        return ERR_OK;
    controller->filling = false;
    err = batch_builder_finish(&controller->batch.builder, &bytes, reason);
    if (!err)
        err = metadata_log_append(&controller->log, bytes, METADATA_EPOCH, queue_now_ms(cluster->queue), reason);
    if (!err) {
        pending_add(cluster, bytes, controller->batch.base_offset, controller->batch.base_offset + controller->batch.count - 1);
        err = metadata_batch_replay(bytes, apply_to_image, cluster, reason);
    }
    metadata_batch_done(&controller->batch);
    if (err)
        controller->failed = err;
    return err;
}

struct metadata_batch *controller_add(struct cluster *cluster, const struct metadata_record *record)
{
    struct controller *controller = &cluster->controller;

    if (controller->filling && controller->batch.count >= METADATA_BATCH_RECORDS)
        flush(cluster, NULL);
    if (!controller->filling) {
        metadata_batch_begin(&controller->batch, log_end_offset(controller->log.log), METADATA_EPOCH, false);
        controller->filling = true;
    }
    metadata_batch_add(&controller->batch, record, queue_now_ms(cluster->queue));
    return &controller->batch;
}

enum err controller_commit(struct cluster *cluster, int64_t *offset, struct reason *reason)
{
    enum err err = flush(cluster, reason);

    if (!err && cluster->controller.failed)
        err = err_because(cluster->controller.failed, reason, "the controller cannot write its log");
    if (err)
        return err;
    if (offset)
        *offset = image_offset(cluster->controller.image);
    for (size_t i = 0; i < cluster->broker_count; i++)
        if (cluster->brokers[i]->up)
            broker_schedule_metadata(cluster->brokers[i]);
    return ERR_OK;
}

/* ---- opening ---- */

enum err controller_open(struct cluster *cluster, const struct config_layers *layers, const char *log_dir, bool clean, int64_t recovery_point,
                         struct reason *reason)
{
    struct controller *controller = &cluster->controller;
    struct log_env env = {
        .fs = cluster->fs, .random = &cluster->random, .release = cluster->release, .broker = cluster->brokers[0]->id,
        .scratch = &cluster->scratch,
    };
    enum err err;

    controller->image = image_new();
    err = metadata_log_open(&controller->log, &env, log_dir, layers, clean, recovery_point, queue_now_ms(cluster->queue), reason);
    if (!err)
        err = metadata_log_replay(&controller->log, 0, apply_to_image, cluster, reason);
    if (!err)
        image_set_offset(controller->image, log_end_offset(controller->log.log) - 1);
    return err;
}

/* The three control records with which a controller's log begins: its election, the version of Raft, the voters. */
static enum err write_first_batch(struct cluster *cluster, struct reason *reason)
{
    struct metadata_batch batch;
    int64_t now_ms = queue_now_ms(cluster->queue);
    int32_t voter = controller_home(cluster);
    struct bytes bytes;
    enum err err;

    metadata_batch_begin(&batch, 0, METADATA_EPOCH, true);
    raft_add_control(&batch, RAFT_LEADER_CHANGE, voter, cluster, now_ms);
    raft_add_control(&batch, RAFT_VERSION, voter, cluster, now_ms);
    raft_add_control(&batch, RAFT_VOTERS, voter, cluster, now_ms);
    err = batch_builder_finish(&batch.builder, &bytes, reason);
    if (!err)
        err = metadata_log_append(&cluster->controller.log, bytes, METADATA_EPOCH, now_ms, reason);
    if (!err)
        pending_add(cluster, bytes, 0, batch.count - 1);
    metadata_batch_done(&batch);
    return err;
}

/* A new cluster's first records. 2.7 has no such log; its records are the same, without features. */
enum err controller_bootstrap(struct cluster *cluster, struct reason *reason)
{
    struct metadata_record record;
    enum err err = write_first_batch(cluster, reason);

    if (err)
        return err;
    image_set_offset(cluster->controller.image, log_end_offset(cluster->controller.log.log) - 1);
    if (release_is_27(cluster->release))
        return ERR_OK;
    err = raft_write_quorum_files(cluster, reason);
    if (err)
        return err;
    record = metadata_record(METADATA_BEGIN_TRANSACTION);
    record.transaction.name = "Bootstrap records";
    controller_add(cluster, &record);
    for (size_t i = 0; i < raft_feature_count(); i++) {
        record = metadata_record(METADATA_FEATURE_LEVEL);
        record.feature_level.name = raft_features()[i].name;
        record.feature_level.feature_level = raft_features()[i].max_supported_version;
        controller_add(cluster, &record);
    }
    /* With eligible leader replicas the minimum is the cluster's matter, so it is written down once. */
    record = metadata_record(METADATA_CONFIG);
    record.config = (struct metadata_config){ METADATA_RESOURCE_BROKER, "", "min.insync.replicas", "1" };
    record.config.value = config_map_get(&cluster->brokers[0]->settings, "min.insync.replicas");
    if (!record.config.value)
        record.config.value = "1";
    controller_add(cluster, &record);
    record = metadata_record(METADATA_END_TRANSACTION);
    controller_add(cluster, &record);
    return controller_commit(cluster, NULL, reason);
}

/* ---- brokers ---- */

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

/* The first in the order of assignment that lives and is in sync. */
static struct election elect(const struct image *image, const struct image_partition *partition)
{
    struct election election = { .leader = -1, .was = partition->leader, .rule = "no replica in sync lives" };

    for (int32_t i = 0; i < partition->replica_count; i++) {
        int32_t id = partition->replicas[i];
        bool lives = live(image, id), in_sync = contains(partition->isr, partition->isr_count, id);

        election.live += lives;
        election.in_sync += in_sync;
        if (election.leader < 0 && lives && in_sync) {
            election.leader = id;
            election.rule = i == 0 ? "preferred replica, in sync" : "first live replica in sync";
        }
    }
    return election;
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

    if (release_is_27(cluster->release))
        return ERR_OK;
    for (size_t t = 0; t < image_topic_count(image); t++) {
        const struct image_topic *topic = image_topic_at(image, t);

        for (int32_t p = 0; p < topic->partition_count; p++) {
            struct election election = elect(image, &topic->partitions[p]);

            if (topic->partitions[p].leader != -1)
                change_leader(cluster, topic, p, -1);
            if (election.leader == -1)
                continue;
            change_leader(cluster, topic, p, election.leader);
            changed++;
            if (topic->internal)
                continue;
            journal_add(cluster->journal,
                        ENTRY(EVENT_leader_elected, .broker = election.leader, .topic = topic->name, .partition = p,
                              .rule = election.rule, .text = "elected after the restart of all brokers",
                              .facts = { { "leader", election.leader, NULL }, { "was", election.was, NULL },
                                         { "live_replicas", election.live, NULL }, { "in_sync_replicas", election.in_sync, NULL } },
                              .fact_count = 4));
        }
    }
    if (changed)
        err = controller_commit(cluster, NULL, reason);
    return err;
}

void controller_close(struct cluster *cluster, bool clean)
{
    struct controller *controller = &cluster->controller;

    if (controller->filling)
        metadata_batch_done(&controller->batch);
    controller->filling = false;
    if (clean)
        metadata_log_close(&controller->log, queue_now_ms(cluster->queue));
    else
        metadata_log_drop(&controller->log);
    while (controller->first) {
        struct metadata_pending *next = controller->first->next;

        mem_free(controller->first->bytes);
        mem_free(controller->first);
        controller->first = next;
    }
    controller->last = NULL;
    image_free(controller->image);
    controller->image = NULL;
}

/* ---- producer ids ---- */

enum err broker_new_producer_id(struct broker *broker, int64_t *producer_id, struct reason *reason)
{
    struct cluster *cluster = broker->cluster;

    if (broker->producer_id_next >= broker->producer_id_end) {
        struct metadata_record record = metadata_record(METADATA_PRODUCER_IDS);
        int64_t first = image_next_producer_id(cluster->controller.image);
        enum err err;

        record.producer_ids.broker_id = broker->id;
        record.producer_ids.broker_epoch = broker->epoch;
        record.producer_ids.next_producer_id = first + PRODUCER_ID_BLOCK;
        controller_add(cluster, &record);
        err = controller_commit(cluster, NULL, reason);
        if (err)
            return err;
        broker->producer_id_next = first;
        broker->producer_id_end = first + PRODUCER_ID_BLOCK;
    }
    *producer_id = broker->producer_id_next++;
    journal_add(cluster->journal, ENTRY(EVENT_producer_id, .broker = broker->id, .text = "a producer id was handed out",
                                        .facts = { { "producer_id", *producer_id, NULL } }, .fact_count = 1));
    return ERR_OK;
}
