/* The controller: its log of metadata records. What it decides about brokers and leaders is in controller_brokers.c, orders of clients
 * in controller_topics.c and controller_configs.c. A change is decided on the controller's image, written to the log as records,
 * applied to the image from those records, and then travels to the brokers. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/cluster/cluster_internal.h"

int32_t controller_home(const struct cluster *cluster)
{
    return cluster->brokers[cluster->controller.home]->id;
}

bool controller_all_committed(const struct cluster *cluster)
{
    return !cluster->quorum || cluster->controller.committed >= log_end_offset(cluster->controller.log->log);
}

int64_t controller_high_watermark(const struct cluster *cluster)
{
    return cluster->quorum ? cluster->controller.committed : log_end_offset(cluster->controller.log->log);
}

int32_t cluster_controller_epoch(const struct cluster *cluster)
{
    return cluster->controller.epoch;
}

bool cluster_controller_up(const struct cluster *cluster)
{
    return !cluster->controller.down;
}

enum err controller_check(const struct cluster *cluster, struct reason *reason)
{
    if (!cluster->controller.down)
        return cluster_refuse_change(cluster, reason);
    if (cluster->quorum)
        return err_because(ERR_REQUEST_TIMED_OUT, reason, "no controller is active: a majority of the voters has to elect one");
    return err_because(ERR_REQUEST_TIMED_OUT, reason, "no controller is up: broker %d, at which it sits, is down", controller_home(cluster));
}

enum err controller_check_acts(const struct cluster *cluster, struct reason *reason)
{
    enum err err = controller_check(cluster, reason);

    if (err || cluster->opening || !release_is_27(cluster->release) || !broker_waits_for_zookeeper(cluster->brokers[cluster->controller.home]))
        return err;
    return err_because(ERR_REQUEST_TIMED_OUT, reason, "controller %d does not reach ZooKeeper, to which it would write this", controller_home(cluster));
}

struct config_layers controller_layers(const struct cluster *cluster, const struct config_map *topic)
{
    const struct image *image = cluster->controller.image;

    return (struct config_layers){
        .topic = topic, .dynamic_default = image_config(image, CONFIG_BROKER, ""),
        .static_broker = &cluster->brokers[0]->settings, .release = cluster->release,
    };
}

struct config_layers cluster_topic_config(const struct cluster *cluster, const char *topic)
{
    return controller_layers(cluster, image_config(cluster->controller.image, CONFIG_TOPIC, topic));
}

struct uuid controller_directory(const struct cluster *cluster, int32_t broker_id)
{
    const struct image_broker *broker = image_broker(cluster->controller.image, broker_id);

    return broker && broker->log_dir_count == 1 ? broker->log_dirs[0] : directory_unassigned;
}

/* ---- writing ---- */

static enum err apply_to_image(void *context, const struct metadata_record *record, int64_t offset, struct reason *reason)
{
    struct cluster *cluster = context;

    return image_apply(cluster->controller.image, record, offset, reason);
}

static void pending_add(struct cluster *cluster, struct bytes bytes, int64_t base_offset, int64_t last_offset, int32_t epoch)
{
    struct controller *controller = &cluster->controller;
    struct metadata_pending *pending = mem_zero(sizeof(*pending));

    pending->base_offset = base_offset;
    pending->last_offset = last_offset;
    pending->sent_us = queue_now_us(cluster->queue);
    pending->epoch = epoch;
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

/* From `offset` on. */
static void pending_drop(struct cluster *cluster, int64_t offset)
{
    struct controller *controller = &cluster->controller;
    struct metadata_pending **at = &controller->first, *pending, *next;

    controller->last = NULL;
    while (*at && (*at)->last_offset < offset) {
        controller->last = *at;
        at = &(*at)->next;
    }
    for (size_t i = 0; i < cluster->broker_count; i++)
        if (cluster->brokers[i] && (!cluster->brokers[i]->up || (cluster->brokers[i]->pending && cluster->brokers[i]->pending->last_offset >= offset)))
            cluster->brokers[i]->pending = NULL;
    for (pending = *at, *at = NULL; pending; pending = next) {
        next = pending->next;
        mem_free(pending->bytes);
        mem_free(pending);
    }
}

/* Anew from the log: all that some broker has not seen. */
static void pending_read(struct cluster *cluster)
{
    int64_t seen = INT64_MAX;
    struct log_cursor cursor;
    struct batch batch;

    pending_drop(cluster, 0);
    for (size_t i = 0; i < cluster->broker_count; i++)
        if (cluster->brokers[i]->up && image_offset(cluster->brokers[i]->image) < seen)
            seen = image_offset(cluster->brokers[i]->image);
    if (seen >= log_end_offset(cluster->controller.log->log) - 1)
        return;
    log_cursor_init(&cursor, cluster->controller.log->log, seen + 1, false);
    while (log_cursor_next(&cursor, &batch))
        pending_add(cluster, batch.bytes, batch.base_offset, batch.last_offset, batch.leader_epoch);
    log_cursor_done(&cursor);
}

/* What it stamps its records with: under 4.3 the clock of the broker at which it sits; 2.7's are ZooKeeper's. */
static int64_t clock_ms(const struct cluster *cluster)
{
    return release_is_27(cluster->release) ? queue_now_ms(cluster->queue) : broker_now_ms(cluster->brokers[cluster->controller.home]);
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
        err = metadata_log_append(controller->log, bytes, controller->epoch, clock_ms(cluster), reason);
    if (!err) {
        pending_add(cluster, bytes, controller->batch.base_offset, controller->batch.base_offset + controller->batch.count - 1,
                    controller->epoch);
        err = metadata_batch_replay(bytes, apply_to_image, cluster, reason);
    }
    metadata_batch_done(&controller->batch);
    if (err)
        controller->failed = err;
    else
        quorum_appended(cluster);
    return err;
}

struct metadata_batch *controller_add(struct cluster *cluster, const struct metadata_record *record)
{
    struct controller *controller = &cluster->controller;

    assert(!controller->down); /* controller_check() comes first */
    if (controller->filling && controller->batch.count >= METADATA_BATCH_RECORDS)
        flush(cluster, NULL);
    if (!controller->filling) {
        metadata_batch_begin(&controller->batch, log_end_offset(controller->log->log), controller->epoch, false);
        controller->filling = true;
    }
    metadata_batch_add(&controller->batch, record, clock_ms(cluster));
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

/* A record of Raft's, alone: nothing of the image changes by it. */
static enum err append_control(struct cluster *cluster, struct metadata_batch *batch, struct reason *reason)
{
    struct controller *controller = &cluster->controller;
    int64_t first = batch->base_offset, last = first + batch->count - 1;
    struct bytes bytes;
    enum err err = batch_builder_finish(&batch->builder, &bytes, reason);

    if (!err)
        err = metadata_log_append(controller->log, bytes, controller->epoch, queue_now_ms(cluster->queue), reason);
    if (!err)
        pending_add(cluster, bytes, first, last, controller->epoch);
    metadata_batch_done(batch);
    return err;
}

/* ---- 2.7: /controller_epoch, kept as the epoch of what lies in the log ---- */

static void say_elected(struct cluster *cluster)
{
    const struct controller *controller = &cluster->controller;
    char text[200];

    snprintf(text, sizeof(text), "broker %d made the node /controller in ZooKeeper: it is the controller, with epoch %d", controller_home(cluster), controller->epoch);
    journal_add(cluster->journal, ENTRY(EVENT_controller_elected, .broker = controller_home(cluster), .rule = "/controller", .text = text,
                                        .facts = { { "epoch", controller->epoch, NULL } }, .fact_count = 1));
}

void controller_begin_epoch(struct cluster *cluster)
{
    struct controller *controller = &cluster->controller;
    struct metadata_batch batch;
    enum err err;

    if (controller->filling)
        flush(cluster, NULL);
    controller->epoch++;
    metadata_batch_begin(&batch, log_end_offset(controller->log->log), controller->epoch, true);
    raft_add_control(&batch, RAFT_LEADER_CHANGE, cluster, queue_now_ms(cluster->queue));
    err = append_control(cluster, &batch, NULL);
    if (err)
        controller->failed = err;
    else
        image_set_offset(controller->image, log_end_offset(controller->log->log) - 1);
    if (!cluster->opening)
        say_elected(cluster);
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
    controller->epoch = METADATA_EPOCH;
    controller->log->flushes = true;
    err = metadata_log_open(controller->log, &env, log_dir, layers, clean, recovery_point, queue_now_ms(cluster->queue), reason);
    if (!err)
        err = metadata_log_replay(controller->log, 0, apply_to_image, cluster, reason);
    if (!err)
        image_set_offset(controller->image, log_end_offset(controller->log->log) - 1);
    if (!err && release_is_27(cluster->release) && log_latest_epoch(controller->log->log) > controller->epoch)
        controller->epoch = log_latest_epoch(controller->log->log);
    if (!err && !cluster->opening)
        pending_read(cluster); /* those who were cut off when it went */
    return err;
}

/* The three control records with which a controller's log begins: its election, the version of Raft, the voters. */
static enum err write_first_batch(struct cluster *cluster, struct reason *reason)
{
    struct metadata_batch batch;
    int64_t now_ms = queue_now_ms(cluster->queue);
    enum err err;

    metadata_batch_begin(&batch, 0, cluster->controller.epoch, true);
    raft_add_control(&batch, RAFT_LEADER_CHANGE, cluster, now_ms);
    raft_add_control(&batch, RAFT_VERSION, cluster, now_ms);
    raft_add_control(&batch, RAFT_VOTERS, cluster, now_ms);
    err = append_control(cluster, &batch, reason);
    if (!err)
        quorum_appended(cluster);
    return err;
}

static enum err write_voters_files(struct cluster *cluster, struct broker *broker, struct reason *reason)
{
    char *dir = mem_printf("%s/__cluster_metadata-0", broker_log_dir(broker));
    enum err err = ERR_OK;

    if (!cluster->quorum) /* those of a quorum have written theirs */
        err = raft_write_state(broker, controller_home(cluster), cluster->controller.epoch, -1, reason);
    if (!err)
        err = raft_write_first_snapshot(cluster, dir, reason);
    mem_free(dir);
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
    for (int32_t i = 0; !err && i < cluster->controllers; i++)
        err = write_voters_files(cluster, cluster->brokers[i], reason);
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

/* ---- a quorum: what is committed, and who decides ---- */

void controller_committed(struct cluster *cluster, int64_t high_watermark)
{
    struct controller *controller = &cluster->controller;
    int64_t was = controller->committed;

    if (high_watermark <= was)
        return;
    controller->committed = high_watermark;
    for (struct metadata_pending *pending = controller->first; pending; pending = pending->next)
        if (pending->last_offset >= was && pending->last_offset < high_watermark)
            pending->sent_us = queue_now_us(cluster->queue);
    for (size_t i = 0; i < cluster->broker_count; i++)
        if (cluster->brokers[i]->up)
            broker_schedule_metadata(cluster->brokers[i]);
    if (controller_all_committed(cluster))
        life_committed(cluster);
}

/* What is committed, as far as its broker had it applied, and the rest of the log: what of that is not committed yet is so with the first record of this epoch. */
void controller_claim(struct cluster *cluster, struct broker *broker, int32_t epoch)
{
    struct controller *controller = &cluster->controller;
    struct image *was = controller->image;

    controller->log = &broker->metadata;
    controller->epoch = epoch;
    controller->failed = ERR_OK;
    controller->image = broker->image ? image_copy(broker->image) : image_new();
    if (was && !broker->image)
        image_set_cluster_id(controller->image, image_cluster_id(was));
    image_free(was);
    if (metadata_log_replay(controller->log, broker->image ? image_offset(controller->image) + 1 : 0, apply_to_image, cluster, NULL))
        controller->failed = ERR_KAFKA_STORAGE_ERROR;
    image_set_offset(controller->image, log_end_offset(controller->log->log) - 1);
    if (cluster->opening) {
        life_set_home(cluster, broker->index);
        return;
    }
    pending_read(cluster);
    life_set_home(cluster, broker->index);
    session_controller_starts(cluster);
    life_controller_is_back(cluster);
}

static void lose_waits(struct broker *broker, int64_t committed)
{
    struct image_wait **at = &broker->image_waits;

    while (*at) {
        struct image_wait *wait = *at;

        if (wait->offset < committed || !wait->lost) {
            at = &wait->next;
            continue;
        }
        *at = wait->next;
        wait->next = NULL;
        wait->lost(wait->context);
        at = &broker->image_waits; /* anything may have come or gone meanwhile */
    }
}

static void say_renounced(struct cluster *cluster, int64_t forgotten, const char *why)
{
    const struct controller *controller = &cluster->controller;
    struct text text = { 0 };

    text_printf(&text, "controller %d of epoch %d leads no more: %s", controller_home(cluster), controller->epoch, why ? why : "");
    if (forgotten > 0)
        text_printf(&text, "; %lld record%s that it had not committed %s forgotten", (long long)forgotten, forgotten == 1 ? "" : "s", forgotten == 1 ? "is" : "are");
    journal_add(cluster->journal,
                ENTRY(EVENT_controller_resigned, .broker = controller_home(cluster), .rule = "controller.quorum.fetch.timeout.ms", .text = text_chars(&text),
                      .facts = { { "epoch", controller->epoch, NULL }, { "high_watermark", controller->committed, NULL },
                                 { "log_end_offset", log_end_offset(controller->log->log), NULL }, { "forgotten", forgotten, NULL } }, .fact_count = 4));
    text_done(&text);
}

/* The brokers' images have committed records alone: the newest of them is what stays, for looking. */
static void forget_uncommitted(struct cluster *cluster)
{
    struct controller *controller = &cluster->controller;
    const struct broker *newest = NULL;

    pending_drop(cluster, controller->committed);
    for (size_t i = 0; i < cluster->broker_count; i++)
        if (cluster->brokers[i]->up && (!newest || image_offset(cluster->brokers[i]->image) > image_offset(newest->image)))
            newest = cluster->brokers[i];
    if (!newest)
        return;
    image_free(controller->image);
    controller->image = image_copy(newest->image);
}

void controller_renounce(struct cluster *cluster, const char *why)
{
    struct controller *controller = &cluster->controller;
    int64_t forgotten = log_end_offset(controller->log->log) - controller->committed;

    if (controller->filling)
        metadata_batch_done(&controller->batch);
    controller->filling = false;
    say_renounced(cluster, forgotten, why);
    if (forgotten > 0)
        forget_uncommitted(cluster);
    controller->down = true;
    controller->log = &controller->own;
    elections_stop(cluster);
    session_controller_gone(cluster);
    for (size_t i = 0; i < cluster->broker_count; i++) /* the next controller may give the same block to another */
        if (cluster->brokers[i]->producer_id_offset >= controller->committed)
            cluster->brokers[i]->producer_id_next = cluster->brokers[i]->producer_id_end = 0;
    for (size_t i = 0; i < cluster->broker_count; i++)
        if (cluster->brokers[i]->up)
            lose_waits(cluster->brokers[i], controller->committed);
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
    controller->log = &controller->own;
    if (clean)
        metadata_log_close(controller->log, queue_now_ms(cluster->queue));
    else
        metadata_log_drop(controller->log);
    pending_drop(cluster, 0);
    controller->down = true;
}

void controller_close(struct cluster *cluster, bool clean)
{
    controller_shut(cluster, clean);
    image_free(cluster->controller.image);
    cluster->controller.image = NULL;
    mem_free(cluster->controller.lost);
    cluster->controller.lost = NULL;
    cluster->controller.lost_count = cluster->controller.lost_capacity = 0;
}

/* ---- producer ids ---- */

enum err broker_new_producer_id(struct broker *broker, int64_t *producer_id, int64_t *offset, struct reason *reason)
{
    struct cluster *cluster = broker->cluster;

    if (cluster->inspection)
        return cluster_refuse_change(cluster, reason);
    if (broker->producer_id_next >= broker->producer_id_end) {
        struct metadata_record record = metadata_record(METADATA_PRODUCER_IDS);
        int64_t first = image_next_producer_id(cluster->controller.image);
        enum err err = controller_check(cluster, reason);

        if (!err && !release_is_27(cluster->release) && !broker_reaches_controller(broker)) /* clients ask again */
            err = err_because(ERR_COORDINATOR_LOAD_IN_PROGRESS, reason, "broker %d does not reach the controller, which gives it the next producer ids", broker->id);
        if (err)
            return err;
        record.producer_ids.broker_id = broker->id;
        record.producer_ids.broker_epoch = broker->epoch;
        record.producer_ids.next_producer_id = first + PRODUCER_ID_BLOCK;
        controller_add(cluster, &record);
        err = controller_commit(cluster, &broker->producer_id_offset, reason);
        if (err)
            return err;
        broker->producer_id_next = first;
        broker->producer_id_end = first + PRODUCER_ID_BLOCK;
    }
    *producer_id = broker->producer_id_next++;
    if (offset)
        *offset = cluster->quorum && broker->producer_id_offset > image_offset(broker->image) ? broker->producer_id_offset : -1;
    journal_add(cluster->journal, ENTRY(EVENT_producer_id, .broker = broker->id, .text = "a producer id was handed out",
                                        .facts = { { "producer_id", *producer_id, NULL } }, .fact_count = 1));
    return ERR_OK;
}
