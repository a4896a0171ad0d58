/* How metadata records reach a broker, and what it does about each. */
#include <assert.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/cluster/cluster_internal.h"
#include "sim/cluster/faults.h"

enum { REMOVE_SLICE = 32, HOST_SLICE = 32 }; /* replicas removed, made by one event */

static bool contains(const int32_t *ids, int32_t count, int32_t id)
{
    for (int32_t i = 0; i < count; i++)
        if (ids[i] == id)
            return true;
    return false;
}

/* A topic of that name that is another one has nothing to do with what lies there. */
static bool still_offline(const struct broker *broker, const struct image_topic *topic, int32_t number)
{
    for (size_t i = 0; i < broker->offline_count; i++)
        if (broker->offline[i].partition == number && uuid_equal(broker->offline[i].topic_id, topic->id))
            return true;
    return false;
}

static void follow_partition(struct broker *broker, struct uuid topic_id, int32_t number)
{
    const struct image_topic *topic = image_topic_by_id(broker->image, topic_id);
    const struct image_partition *image = &topic->partitions[number];
    struct partition *partition = broker_partition(broker, topic->name, number);
    struct reason reason;

    if (!contains(image->replicas, image->replica_count, broker->id)) {
        if (partition)
            partition_remove(partition, NULL);
        broker_forget_offline(broker, topic->name, number);
        return;
    }
    if (!partition && !still_offline(broker, topic, number))
        broker_forget_offline(broker, topic->name, number);
    else if (!partition)
        return;
    broker->hosted += !partition;
    if (!partition && partition_host(broker, topic, number, &reason)) {
        /* Its folder can't be made or read: the replica stays away, and the journal says so. */
        journal_add(broker->cluster->journal, ENTRY(EVENT_append_refused, .broker = broker->id, .topic = topic->name, .partition = number,
                                                    .rule = "log.dirs", .text = reason.text));
        return;
    }
    partition = broker_partition(broker, topic->name, number);
    if (!partition) /* it may lie in a log dir that failed */
        return;
    partition_reconcile(partition);
    assignment_check(partition);
}

/* Removes replicas of a topic, at most `most`; true: some are left. */
static bool remove_replicas(struct broker *broker, const struct image_topic *topic, int32_t most)
{
    int32_t removed = 0;

    for (int32_t i = broker->remove_cursor; i < topic->partition_count; i++) {
        struct partition *partition = broker_partition(broker, topic->name, i);

        if (!partition)
            continue;
        if (removed++ == most) {
            broker->remove_cursor = i;
            return true;
        }
        partition_remove(partition, NULL);
    }
    broker->remove_cursor = 0;
    return false;
}

static void remove_topic(struct broker *broker, struct uuid id, bool whole)
{
    const struct image_topic *topic = image_topic_by_id(broker->image, id);

    if (!topic)
        return;
    remove_replicas(broker, topic, INT32_MAX);
    broker_forget_offline(broker, topic->name, -1);
    if (whole)
        groups_topic_deleted(broker->groups, topic->name);
}

/* The replicas of topics that the next batch removes go before it is applied, a slice at a time; ERR_REQUEST_TIMED_OUT: a slice was done. */
static enum err remove_slice(void *context, const struct metadata_record *record, int64_t offset, struct reason *reason)
{
    struct broker *broker = context;
    const struct image_topic *topic = NULL;

    (void)reason;
    if ((record->kind == METADATA_REMOVE_TOPIC || record->kind == METADATA_TOPIC_DELETION) && broker->image && offset > image_offset(broker->image))
        topic = image_topic_by_id(broker->image, record->remove_topic.topic_id);
    return topic && remove_replicas(broker, topic, REMOVE_SLICE) ? ERR_REQUEST_TIMED_OUT : ERR_OK;
}

static void follow_config(struct broker *broker, const struct metadata_config *config)
{
    int32_t id;

    if (config->resource_type == METADATA_RESOURCE_TOPIC)
        broker_topic_changed(broker, config->resource_name);
    else if (config->resource_type == METADATA_RESOURCE_BROKER &&
             (!*config->resource_name || (parse_i32(config->resource_name, &id) && id == broker->id)))
        broker_settings_changed(broker);
}

static enum err follow(void *context, const struct metadata_record *record, int64_t offset, struct reason *reason)
{
    struct broker *broker = context;
    enum err err;

    if (offset <= image_offset(broker->image))
        return ERR_OK;
    if (broker->hosted >= HOST_SLICE) /* the rest of the batch comes in the next event */
        return ERR_REQUEST_TIMED_OUT;
    if (record->kind == METADATA_REMOVE_TOPIC || record->kind == METADATA_TOPIC_DELETION) /* while the image still knows its name */
        remove_topic(broker, record->remove_topic.topic_id, record->kind == METADATA_REMOVE_TOPIC);
    err = image_apply(broker->image, record, offset, reason);
    if (err)
        return err;
    if (record->kind == METADATA_PARTITION)
        follow_partition(broker, record->partition.topic_id, record->partition.partition_id);
    else if (record->kind == METADATA_PARTITION_CHANGE)
        follow_partition(broker, record->partition_change.topic_id, record->partition_change.partition_id);
    else if (record->kind == METADATA_BROKER_REGISTRATION_CHANGE)
        isr_broker_changed(broker, record->broker_change.broker_id);
    else if (record->kind == METADATA_CONFIG)
        follow_config(broker, &record->config);
    return ERR_OK;
}

static void wake_waits(struct broker *broker)
{
    struct image_wait **at = &broker->image_waits;

    while (*at) {
        struct image_wait *wait = *at;

        if (wait->offset > image_offset(broker->image)) {
            at = &wait->next;
            continue;
        }
        *at = wait->next;
        wait->next = NULL;
        wait->done(wait->context);
        at = &broker->image_waits; /* anything may have come or gone meanwhile */
    }
}

/* Batches that every broker has seen are forgotten; on disk they stay. */
static void forget_seen(struct cluster *cluster)
{
    struct controller *controller = &cluster->controller;
    int64_t seen = INT64_MAX;

    for (size_t i = 0; i < cluster->broker_count; i++) {
        const struct broker *broker = cluster->brokers[i];
        int64_t offset = broker->image ? image_offset(broker->image) : -1;

        if (!broker->up && !cluster->opening)
            continue; /* it reads the log when it comes up */
        if (offset < seen)
            seen = offset;
    }
    while (controller->first && controller->first->last_offset <= seen) {
        struct metadata_pending *next = controller->first->next;

        for (size_t i = 0; i < cluster->broker_count; i++) /* one that is down may point to it still */
            if (cluster->brokers[i]->pending == controller->first)
                cluster->brokers[i]->pending = cluster->brokers[i]->up ? next : NULL;
        mem_free(controller->first->bytes);
        mem_free(controller->first);
        controller->first = next;
    }
    if (!controller->first)
        controller->last = NULL;
}

static bool seen(const struct broker *broker, const struct metadata_pending *pending)
{
    return broker->image && pending->last_offset <= image_offset(broker->image) &&
           (!broker->metadata.log || broker->metadata.by_majority || pending->last_offset < log_end_offset(broker->metadata.log));
}

static bool is_committed(const struct cluster *cluster, const struct metadata_pending *pending)
{
    return !cluster->quorum || pending->last_offset < cluster->controller.committed;
}

/* True: so much was to be made that some of it is left for another call. */
static bool take_batch(struct broker *broker, const struct metadata_pending *pending)
{
    struct bytes bytes = { pending->bytes, pending->size };
    bool more;

    broker->hosted = 0;
    if (broker->metadata.log && !broker->metadata.by_majority && pending->base_offset >= log_end_offset(broker->metadata.log))
        metadata_log_append(&broker->metadata, bytes, pending->epoch, queue_now_ms(broker->cluster->queue), NULL);
    if (!broker->image || pending->last_offset <= image_offset(broker->image))
        return false;
    more = metadata_batch_replay(bytes, follow, broker, NULL) == ERR_REQUEST_TIMED_OUT;
    if (!more && image_offset(broker->image) < pending->last_offset)
        image_set_offset(broker->image, pending->last_offset);
    broker_note_removed(broker);
    return more;
}

void broker_catch_up(struct broker *broker)
{
    const struct cluster *cluster = broker->cluster;
    struct metadata_pending *pending = cluster->controller.first;

    for (; pending && is_committed(cluster, pending); pending = pending->next)
        while (!seen(broker, pending) && take_batch(broker, pending))
            ;
    broker->pending = pending;
    if (!broker->image)
        return;
    wake_waits(broker);
    forget_seen(broker->cluster);
}

enum err broker_read_metadata(struct broker *broker, struct reason *reason)
{
    struct log_cursor cursor;
    struct batch batch;
    enum err err = ERR_OK;

    log_cursor_init(&cursor, broker->cluster->controller.log->log, image_offset(broker->image) + 1, false);
    if (log_cursor_next(&cursor, &batch))
        take_batch(broker, &(struct metadata_pending){ .base_offset = batch.base_offset, .last_offset = batch.last_offset,
                                                       .bytes = (uint8_t *)batch.bytes.data, .size = batch.bytes.size });
    else
        err = err_because(ERR_KAFKA_STORAGE_ERROR, reason, "the controller's log can't be read at offset %lld", (long long)image_offset(broker->image) + 1);
    log_cursor_done(&cursor);
    return err;
}

static struct metadata_pending *next_unseen(struct broker *broker)
{
    while (broker->pending && seen(broker, broker->pending))
        broker->pending = broker->pending->next;
    return broker->pending && is_committed(broker->cluster, broker->pending) ? broker->pending : NULL;
}

/* One batch an event, and a deletion in slices: a topic of ten thousand partitions must not hold up everything else. */
static void metadata_arrives(void *context)
{
    struct broker *broker = context;
    struct metadata_pending *pending = next_unseen(broker);

    broker->metadata_parked = false;
    if (!pending) {
        broker_fetch_metadata(broker);
        controller_finish_deletions(broker->cluster);
        return;
    }
    if (metadata_batch_replay((struct bytes){ pending->bytes, pending->size }, remove_slice, broker, NULL) == ERR_REQUEST_TIMED_OUT) {
        event_at(broker->cluster->queue, &broker->metadata_event, queue_now_us(broker->cluster->queue));
        return;
    }
    if (take_batch(broker, pending))
        event_at(broker->cluster->queue, &broker->metadata_event, queue_now_us(broker->cluster->queue));
    else
        broker_fetch_metadata(broker);
    next_unseen(broker); /* before what all have seen is freed */
    wake_waits(broker);
    forget_seen(broker->cluster);
    controller_finish_deletions(broker->cluster); /* 2.7: its answer to StopReplica */
}

void broker_take_metadata(struct broker *broker)
{
    metadata_arrives(broker);
}

static void message_arrives(void *context)
{
    struct broker *broker = context;

    image_set_controller(broker->image, broker->metadata_message.from);
    if (release_is_27(broker->cluster->release))
        broker->controller_epoch = broker->cluster->controller.epoch;
    metadata_arrives(broker);
}

/* 2.7's controller sends to those alone that have a node in ZooKeeper. */
static bool is_sent_to(const struct broker *broker)
{
    const struct image_broker *known = image_broker(broker->cluster->controller.image, broker->id);

    return !release_is_27(broker->cluster->release) || (known && !known->fenced && broker->session_step != SESSION_TAKES);
}

/* Under 4.3 a broker fetches: with the answer it asks for more, and what is asked lies at the controller until there is something. 2.7's controller sends as it likes. */
static bool park(struct broker *broker)
{
    const struct cluster *cluster = broker->cluster;

    if (!release_is_27(cluster->release) && !network_open(cluster, broker->id, controller_home(cluster)))
        return false;
    broker->metadata_parked = true;
    broker->metadata_parked_us = queue_now_us(cluster->queue);
    return true;
}

void broker_meet_controller(struct broker *broker)
{
    struct cluster *cluster = broker->cluster;

    network_cancel(&broker->metadata_message);
    if (cluster->opening || controller_home(cluster) == broker->id) {
        image_set_controller(broker->image, controller_home(cluster));
        broker->controller_epoch = cluster->controller.epoch;
    }
    broker->metadata_message.run = message_arrives;
    broker->metadata_message.context = broker;
    broker->metadata_parked = false;
    if (park(broker) && !cluster->opening && is_sent_to(broker))
        network_send(cluster, controller_home(cluster), broker->id, &broker->metadata_message, 0);
}

/* 2.7's controller pushes, a broker of 4.3 fetches; one that is lost or refused is asked for again. */
static void send_metadata(struct broker *broker, size_t bytes, int64_t delay_us)
{
    enum { PUSH_TIMEOUT_US = 30000000, FETCH_TIMEOUT_US = 2000000, BACKOFF_US = 100000 }; /* controller.socket.timeout.ms, controller.quorum.request.timeout.ms */
    struct cluster *cluster = broker->cluster;
    struct network_message *message = &broker->metadata_message;
    bool old = release_is_27(cluster->release);
    int32_t home = controller_home(cluster);

    message->verdict = cluster_fault(cluster, old ? &(struct fault_query){ .api = "LeaderAndIsr", .from = home, .to = broker->id }
                                                  : &(struct fault_query){ .api = "Fetch", .from = broker->id, .to = home, .topic = "__cluster_metadata" });
    switch (message->verdict.kind) {
    case FAULT_ERROR: delay_us += BACKOFF_US; break;
    case FAULT_LOSE_REQUEST:
    case FAULT_LOSE_RESPONSE: delay_us += old ? PUSH_TIMEOUT_US : FETCH_TIMEOUT_US; break;
    default: network_send_judged(cluster, home, broker->id, message, bytes, delay_us); return;
    }
    message->verdict = (struct fault_verdict){ .kind = FAULT_NONE };
    network_send_later(cluster, home, broker->id, message, bytes, delay_us);
}

void broker_schedule_metadata(struct broker *broker)
{
    struct cluster *cluster = broker->cluster;
    struct metadata_pending *pending = next_unseen(broker);

    broker->metadata_event.run = metadata_arrives;
    broker->metadata_message.run = message_arrives;
    broker->metadata_event.context = broker->metadata_message.context = broker;
    if (cluster->opening || cluster->controller.down || !pending || !is_sent_to(broker) || !broker->metadata_parked || event_scheduled(&broker->metadata_event) ||
        network_under_way(&broker->metadata_message))
        return;
    send_metadata(broker, pending->size, pending->sent_us - queue_now_us(cluster->queue)); /* it left while others before it were on the way */
}

void broker_fetch_metadata(struct broker *broker)
{
    if (broker->metadata_parked || park(broker))
        broker_schedule_metadata(broker);
}

void metadata_links_changed(void *context, int32_t from, int32_t to)
{
    struct cluster *cluster = context;

    quorum_link_changed(cluster, from, to);
    for (size_t i = 0; i < cluster->broker_count; i++) {
        struct broker *broker = cluster->brokers[i];

        if (broker->up && !cluster->controller.down && !broker->metadata_parked && !event_scheduled(&broker->metadata_event))
            broker_meet_controller(broker);
    }
    controller_finish_deletions(cluster);
}

void broker_await_image(struct broker *broker, struct image_wait *wait, int64_t offset)
{
    wait->offset = offset;
    wait->next = NULL;
    if (image_offset(broker->image) >= offset) {
        wait->done(wait->context);
        return;
    }
    wait->next = broker->image_waits;
    broker->image_waits = wait;
}

void broker_forget_image_wait(struct broker *broker, struct image_wait *wait)
{
    for (struct image_wait **at = &broker->image_waits; *at; at = &(*at)->next) {
        if (*at == wait) {
            *at = wait->next;
            wait->next = NULL;
            return;
        }
    }
}
