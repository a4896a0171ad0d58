/* One replica of a partition: what may be asked of it, who watches it, what a leader appends. Kafka's Partition. */
#include "sim/cluster/partition.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/cluster/cluster_internal.h"

/* ---- asking ---- */

struct log *partition_log(const struct partition *partition)
{
    return partition->log;
}

struct broker *partition_broker(const struct partition *partition)
{
    return partition->broker;
}

const char *partition_topic(const struct partition *partition)
{
    return partition->topic->name;
}

struct uuid partition_topic_id(const struct partition *partition)
{
    return partition->topic->id;
}

int32_t partition_number(const struct partition *partition)
{
    return partition->number;
}

bool partition_leads(const struct partition *partition)
{
    return partition->leads;
}

int32_t partition_leader_epoch(const struct partition *partition)
{
    return partition->leader_epoch;
}

const struct image_partition *partition_image(const struct partition *partition)
{
    return &partition->topic->partitions[partition->number];
}

int64_t partition_read_bound(const struct partition *partition, bool read_committed)
{
    return read_committed ? log_last_stable_offset(partition->log) : log_high_watermark(partition->log);
}

/* 4.3 never asks for more replicas than there are. */
int32_t partition_min_isr(const struct partition *partition)
{
    int64_t least = partition->settings->min_insync_replicas;
    int16_t factor = partition_image(partition)->replica_count;

    if (!release_is_27(partition->broker->cluster->release) && least > factor)
        least = factor;
    return least > INT32_MAX ? INT32_MAX : (int32_t)least;
}

int64_t partition_epoch_start_offset(const struct partition *partition)
{
    return partition->leads ? partition->epoch_start_offset : -1;
}

static bool in_rack(const struct partition *partition, int32_t id, const char *rack)
{
    const struct image_broker *broker = image_broker(partition->broker->image, id);

    return broker && !broker->fenced && broker->rack && strcmp(broker->rack, rack) == 0;
}

/* Of those in the rack the one whose log is longest, then the one caught up last, then the greatest id. */
int32_t partition_preferred_read_replica(const struct partition *leader, const char *rack, int64_t fetch_offset)
{
    const struct replica *best = NULL;

    if (!leader->leads || !rack || !*rack || in_rack(leader, leader->broker->id, rack))
        return -1;
    for (int16_t i = 0; i < leader->replica_count; i++) {
        const struct replica *replica = leader->replicas[i];
        int64_t later;

        if (!in_rack(leader, replica->broker, rack) || replica->log_end_offset < fetch_offset || replica->log_start_offset > fetch_offset ||
            (!release_is_27(leader->broker->cluster->release) && !replica->in_isr))
            continue;
        later = best ? replica_last_caught_up_ms(replica) - replica_last_caught_up_ms(best) : 0;
        if (!best || replica->log_end_offset > best->log_end_offset ||
            (replica->log_end_offset == best->log_end_offset && (later > 0 || (later == 0 && replica->broker > best->broker))))
            best = replica;
    }
    return best ? best->broker : -1;
}

enum err partition_check(const struct partition *partition, int32_t request_leader_epoch, bool must_lead, struct reason *reason)
{
    if (request_leader_epoch >= 0 && request_leader_epoch < partition->leader_epoch)
        return err_because(ERR_FENCED_LEADER_EPOCH, reason, "%s-%d: leader epoch %d of the request is older than %d",
                           partition->topic->name, partition->number, request_leader_epoch, partition->leader_epoch);
    if (request_leader_epoch >= 0 && request_leader_epoch > partition->leader_epoch)
        return err_because(ERR_UNKNOWN_LEADER_EPOCH, reason, "%s-%d: leader epoch %d of the request is newer than %d",
                           partition->topic->name, partition->number, request_leader_epoch, partition->leader_epoch);
    if (must_lead && !partition->leads)
        return err_because(ERR_NOT_LEADER_OR_FOLLOWER, reason, "%s-%d: broker %d does not lead it, broker %d does",
                           partition->topic->name, partition->number, partition->broker->id, partition->leader);
    return ERR_OK;
}

/* ---- watches ---- */

static void watch_put(struct partition_watch **list, struct partition_watch *watch)
{
    watch->previous = NULL;
    watch->next = *list;
    if (*list)
        (*list)->previous = watch;
    *list = watch;
}

static void watch_take(struct partition *partition, struct partition_watch *watch)
{
    if (watch->next)
        watch->next->previous = watch->previous;
    if (watch->previous)
        watch->previous->next = watch->next;
    else if (partition->watches == watch)
        partition->watches = watch->next;
    else
        partition->calling = watch->next;
    watch->next = watch->previous = NULL;
}

void partition_watch(struct partition *partition, struct partition_watch *watch)
{
    assert(!watch->partition);
    watch->partition = partition;
    watch_put(&partition->watches, watch);
}

void partition_unwatch(struct partition_watch *watch)
{
    if (!watch->partition)
        return;
    watch_take(watch->partition, watch);
    watch->partition = NULL;
}

/* Those told go back to the list before they are told, so each may take itself or another out, or watch anew. Inside of such
 * a call nothing is told again: what is being told now sees the newest state anyway. */
void partition_changed(struct partition *partition)
{
    struct partition_watch *watch;

    if (partition->calling || !partition->watches)
        return;
    partition->calling = partition->watches;
    partition->watches = NULL;
    while ((watch = partition->calling)) {
        watch_take(partition, watch);
        watch_put(&partition->watches, watch);
        watch->changed(watch->context);
    }
}

void partition_forget_watches(struct partition *partition)
{
    struct partition_watch *watch;

    while ((watch = partition->calling ? partition->calling : partition->watches)) {
        watch_take(partition, watch);
        watch->partition = NULL;
        watch->changed(watch->context);
    }
}

/* ---- append ---- */

static enum err not_enough(const struct partition *partition, int32_t least, struct reason *reason)
{
    const int32_t *isr = partition_isr(partition);
    char ids[200] = "";
    size_t size = 0;

    for (int32_t i = 0; i < partition_isr_count(partition) && size < sizeof(ids) - 16; i++)
        size += (size_t)snprintf(ids + size, sizeof(ids) - size, "%s%d", i ? ", " : "", isr[i]);
    return err_because(ERR_NOT_ENOUGH_REPLICAS, reason,
                       "The size of the current ISR Set(%s) is insufficient to satisfy the min.isr requirement of %d for partition %s-%d",
                       ids, least, partition->topic->name, partition->number);
}

int64_t partition_written_us(const struct partition *partition)
{
    return disk_busy_until_us(partition->dir->disk);
}

enum err partition_append(struct partition *partition, const struct log_append *append, int16_t acks, struct log_appended *out,
                          struct reason *reason)
{
    struct broker *broker = partition->broker;
    struct log_append own = *append;
    int64_t recovery_point = log_recovery_point(partition->log);
    enum err err;

    if (!partition->leads)
        return partition_check(partition, -1, true, reason);
    err = cluster_refuse_change(broker->cluster, reason);
    if (err)
        return err;
    if (acks == -1 && partition_isr_count(partition) < partition_min_isr(partition))
        return not_enough(partition, partition_min_isr(partition), reason);
    own.leader_epoch = partition->leader_epoch;
    err = log_append(partition->log, &own, out, reason);
    if (err)
        return err;
    if (log_recovery_point(partition->log) != recovery_point) /* a roll, or flush.messages */
        broker_note_recovery_point(broker);
    if (out->duplicate || out->base_offset < 0)
        return ERR_OK;
    if (own.origin == APPEND_CLIENT) {
        partition_mark(partition, METER_MESSAGES_IN, out->record_count);
        partition_mark(partition, METER_BYTES_IN, out->bytes);
    }
    partition_wait_for_disk(partition, out->base_offset);
    broker_note_flush(broker, partition);
    if (out->rolled)
        partition->retention_at_ms = INT64_MAX;   /* looked at anew: a new segment's time index is made by a check */
    broker_note_producers(broker, own.records);
    if (broker->cluster->journal && !partition->topic->internal)
        journal_add(broker->cluster->journal,
                    ENTRY(EVENT_records_appended, .broker = broker->id, .topic = partition->topic->name, .partition = partition->number,
                          .offset = out->base_offset,
                          .facts = { { "last_offset", out->last_offset, NULL }, { "bytes", out->bytes, NULL }, { "leader_epoch", partition->leader_epoch, NULL },
                                     { "acks", acks, NULL } }, .fact_count = 4));
    partition_advance(partition);
    for (int16_t i = 0; i < partition->replica_count; i++)
        fetch_note_data(partition->replicas[i]);
    isr_note_lag(partition);
    return ERR_OK;
}

/* ---- for looking ---- */

static bool in_isr(const struct image_partition *image, int32_t broker)
{
    for (int16_t i = 0; i < image->isr_count; i++)
        if (image->isr[i] == broker)
            return true;
    return false;
}

size_t cluster_replicas(const struct cluster *cluster, const char *topic, int32_t number, struct replica_info *out, size_t most)
{
    const struct image_partition *image = image_partition(cluster->controller.image, topic, number);
    struct broker *leader = image ? cluster_broker(cluster, image->leader) : NULL;
    struct partition *leading = leader ? broker_partition(leader, topic, number) : NULL;
    size_t count = 0;

    for (int16_t i = 0; image && i < image->replica_count && count < most; i++) {
        struct broker *broker = cluster_broker(cluster, image->replicas[i]);
        struct partition *partition = broker && broker->id == image->replicas[i] ? broker_partition(broker, topic, number) : NULL;
        struct replica *replica = leading ? partition_replica(leading, image->replicas[i]) : NULL;
        struct replica_info *info = &out[count++];

        *info = (struct replica_info){
            .broker = image->replicas[i], .leader = image->leader == image->replicas[i], .in_isr = in_isr(image, image->replicas[i]), .leader_epoch = -1,
            .log_end_offset = -1, .log_start_offset = -1, .high_watermark = -1, .known_end_offset = -1, .last_caught_up_ms = -1, .lag = -1,
            .leaves_isr_us = INT64_MAX,
        };
        if (replica) {
            info->known_end_offset = replica->log_end_offset;
            info->last_caught_up_ms = replica_last_caught_up_ms(replica);
            info->leaves_isr_us = partition_follower_leaves_us(leading, info->broker);
        }
        if (!partition)
            continue;
        info->follows = partition->follow.fetcher;
        info->held = partition_held(partition);
        info->leader_epoch = partition->leader_epoch;
        info->log_end_offset = log_end_offset(partition->log);
        info->log_start_offset = log_start_offset(partition->log);
        info->high_watermark = log_high_watermark(partition->log);
        if (leading)
            info->lag = log_end_offset(leading->log) > info->log_end_offset ? log_end_offset(leading->log) - info->log_end_offset : 0;
    }
    return count;
}
