/* The controller: its log of metadata records. What it decides about brokers and leaders is in controller_brokers.c, orders of clients
 * in controller_topics.c and controller_configs.c. A change is decided on the controller's image, written to the log as records,
 * applied to the image from those records, and then travels to the brokers. */
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/cluster/cluster_internal.h"

int32_t controller_home(const struct cluster *cluster)
{
    return cluster->brokers[cluster->controller.home]->id;
}

bool cluster_controller_up(const struct cluster *cluster)
{
    return !cluster->controller.down;
}

enum err controller_check(const struct cluster *cluster, struct reason *reason)
{
    if (!cluster->controller.down)
        return cluster_refuse_change(cluster, reason);
    return err_because(ERR_REQUEST_TIMED_OUT, reason, "no controller is up: broker %d, at which it sits, is down", controller_home(cluster));
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
    for (size_t i = 0; i < cluster->broker_count; i++)
        if (cluster->brokers[i]->up && !cluster->brokers[i]->pending)
            cluster->brokers[i]->pending = pending;
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
        err = metadata_log_append(controller->log, bytes, METADATA_EPOCH, queue_now_ms(cluster->queue), reason);
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

    assert(!controller->down); /* controller_check() comes first */
    if (controller->filling && controller->batch.count >= METADATA_BATCH_RECORDS)
        flush(cluster, NULL);
    if (!controller->filling) {
        metadata_batch_begin(&controller->batch, log_end_offset(controller->log->log), METADATA_EPOCH, false);
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

    image_free(controller->image);
    controller->image = image_new();
    controller->failed = ERR_OK;
    controller->down = false;
    controller->log->flushes = true;
    err = metadata_log_open(controller->log, &env, log_dir, layers, clean, recovery_point, queue_now_ms(cluster->queue), reason);
    if (!err)
        err = metadata_log_replay(controller->log, 0, apply_to_image, cluster, reason);
    if (!err)
        image_set_offset(controller->image, log_end_offset(controller->log->log) - 1);
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
        err = metadata_log_append(cluster->controller.log, bytes, METADATA_EPOCH, now_ms, reason);
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
    image_set_offset(cluster->controller.image, log_end_offset(cluster->controller.log->log) - 1);
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

/* ---- the end ---- */

/* Its image stays, for looking, until it is opened again. */
void controller_shut(struct cluster *cluster, bool clean)
{
    struct controller *controller = &cluster->controller;

    if (controller->filling)
        metadata_batch_done(&controller->batch);
    controller->filling = false;
    elections_stop(cluster);
    if (clean)
        metadata_log_close(controller->log, queue_now_ms(cluster->queue));
    else
        metadata_log_drop(controller->log);
    while (controller->first) {
        struct metadata_pending *next = controller->first->next;

        mem_free(controller->first->bytes);
        mem_free(controller->first);
        controller->first = next;
    }
    controller->last = NULL;
    for (size_t i = 0; i < cluster->broker_count; i++)
        if (cluster->brokers[i])
            cluster->brokers[i]->pending = NULL;
    controller->down = true;
}

void controller_close(struct cluster *cluster, bool clean)
{
    controller_shut(cluster, clean);
    image_free(cluster->controller.image);
    cluster->controller.image = NULL;
}

/* ---- producer ids ---- */

enum err broker_new_producer_id(struct broker *broker, int64_t *producer_id, struct reason *reason)
{
    struct cluster *cluster = broker->cluster;

    if (cluster->inspection)
        return cluster_refuse_change(cluster, reason);
    if (broker->producer_id_next >= broker->producer_id_end) {
        struct metadata_record record = metadata_record(METADATA_PRODUCER_IDS);
        int64_t first = image_next_producer_id(cluster->controller.image);
        enum err err = controller_check(cluster, reason);

        if (err)
            return err;
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
