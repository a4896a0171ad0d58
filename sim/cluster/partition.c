/* One replica of a partition: leader or follower, its high watermark, who waits for it. Kafka's Partition. */
#include "sim/cluster/partition.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/cluster/cluster_internal.h"
#include "sim/log/inspect.h"

/* ---- the broker's table of what it hosts ---- */

static size_t hash_of(const char *topic, int32_t number)
{
    uint32_t hash = 2166136261u ^ (uint32_t)number * 2654435761u;

    for (const char *at = topic; *at; at++)
        hash = (hash ^ (uint8_t)*at) * 16777619u;
    return hash ^ hash >> 15;
}

static void hash_put(struct broker *broker, struct partition *partition)
{
    struct partition **slot = &broker->hash[hash_of(partition->topic->name, partition->number) & (broker->hash_size - 1)];

    partition->hash_next = *slot;
    *slot = partition;
}

static void hash_grow(struct broker *broker)
{
    broker->hash_size = broker->hash_size ? broker->hash_size * 2 : 64;
    mem_free(broker->hash);
    broker->hash = mem_zero_array(broker->hash_size, sizeof(*broker->hash));
    for (size_t i = 0; i < broker->partition_count; i++)
        hash_put(broker, broker->partitions[i]);
}

static void hash_remove(struct broker *broker, struct partition *partition)
{
    struct partition **at = &broker->hash[hash_of(partition->topic->name, partition->number) & (broker->hash_size - 1)];

    while (*at != partition)
        at = &(*at)->hash_next;
    *at = partition->hash_next;
}

struct partition *broker_partition(const struct broker *broker, const char *topic, int32_t number)
{
    if (!broker->hash_size)
        return NULL;
    for (struct partition *p = broker->hash[hash_of(topic, number) & (broker->hash_size - 1)]; p; p = p->hash_next)
        if (p->number == number && strcmp(p->topic->name, topic) == 0)
            return p;
    return NULL;
}

size_t broker_partition_count(const struct broker *broker)
{
    return broker->partition_count;
}

struct partition *broker_partition_at(const struct broker *broker, size_t i)
{
    return i < broker->partition_count ? broker->partitions[i] : NULL;
}

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

/* ---- waiting for acks=all ---- */

static void wait_take(struct partition *partition, struct commit_wait *wait)
{
    if (wait->next)
        wait->next->previous = wait->previous;
    else
        partition->last_wait = wait->previous;
    if (wait->previous)
        wait->previous->next = wait->next;
    else
        partition->waits = wait->next;
    wait->next = wait->previous = NULL;
    wait->partition = NULL;
}

static enum err commit_result(const struct partition *partition)
{
    return partition_image(partition)->isr_count < partition_min_isr(partition) ? ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND : ERR_OK;
}

void partition_await_commit(struct partition *partition, struct commit_wait *wait, int64_t high_watermark)
{
    struct commit_wait *before = partition->last_wait;

    assert(!wait->partition);
    wait->offset = high_watermark;
    if (!partition->leads) {
        wait->done(wait->context, ERR_NOT_LEADER_OR_FOLLOWER);
        return;
    }
    if (log_high_watermark(partition->log) >= high_watermark) {
        wait->done(wait->context, commit_result(partition));
        return;
    }
    wait->partition = partition;
    while (before && before->offset > high_watermark)
        before = before->previous;
    wait->previous = before;
    wait->next = before ? before->next : partition->waits;
    if (wait->next)
        wait->next->previous = wait;
    else
        partition->last_wait = wait;
    if (before)
        before->next = wait;
    else
        partition->waits = wait;
}

void partition_forget_commit(struct commit_wait *wait)
{
    if (wait->partition)
        wait_take(wait->partition, wait);
}

static void complete_waits(struct partition *partition, int64_t high_watermark)
{
    struct commit_wait *wait;

    while ((wait = partition->waits) && wait->offset <= high_watermark) {
        enum err err = commit_result(partition);

        wait_take(partition, wait);
        wait->done(wait->context, err);
    }
}

static void fail_waits(struct partition *partition)
{
    struct commit_wait *wait;

    while ((wait = partition->waits)) {
        wait_take(partition, wait);
        wait->done(wait->context, ERR_NOT_LEADER_OR_FOLLOWER);
    }
    partition_fail_deletions(partition);
}

/* ---- the high watermark ---- */

static bool in_isr(const struct image_partition *image, int32_t broker)
{
    for (int16_t i = 0; i < image->isr_count; i++)
        if (image->isr[i] == broker)
            return true;
    return false;
}

/* Every in-sync replica has all below it. Since 3.7 it stands still while too few are in sync. */
void partition_advance(struct partition *leader)
{
    int64_t candidate = event_scheduled(&leader->slow_event) ? leader->slow_from : log_end_offset(leader->log);

    if (!leader->leads)
        return;
    if (leader->replica_count) {
        const struct image_partition *image = partition_image(leader);

        if (!release_is_27(leader->broker->cluster->release) && image->isr_count < partition_min_isr(leader))
            return;
        for (int16_t i = 0; i < leader->replica_count; i++)
            if (leader->replicas[i].log_end_offset < candidate && in_isr(image, leader->replicas[i].broker))
                candidate = leader->replicas[i].log_end_offset;
    }
    if (candidate <= log_high_watermark(leader->log))
        return;
    log_set_high_watermark(leader->log, candidate);
    broker_note_high_watermark(leader->broker);
    broker_note_retention(leader->broker, leader);
    for (int16_t i = 0; i < leader->replica_count; i++)
        fetcher_note_high_watermark(&leader->replicas[i]);
    complete_waits(leader, candidate);
    partition_changed(leader);
}

/* A slow disk: what was written counts as the leader's own only when the disk would be done. An append that comes meanwhile waits for the next turn. */
static void disk_is_done(void *context)
{
    struct partition *partition = context;
    int64_t end = log_end_offset(partition->log);

    if (end > partition->slow_until) {
        partition->slow_from = partition->slow_until;
        partition->slow_until = end;
        event_at(partition->broker->cluster->queue, &partition->slow_event, disk_busy_until_us(partition->broker->disk));
    }
    partition_advance(partition);
}

static void wait_for_disk(struct partition *partition, int64_t base_offset)
{
    struct queue *queue = partition->broker->cluster->queue;

    if (disk_busy_until_us(partition->broker->disk) <= queue_now_us(queue) || event_scheduled(&partition->slow_event))
        return;
    partition->slow_from = base_offset;
    partition->slow_until = log_end_offset(partition->log);
    partition->slow_event.run = disk_is_done;
    partition->slow_event.context = partition;
    event_at(queue, &partition->slow_event, disk_busy_until_us(partition->broker->disk));
}

/* What a follower's fetch tells its leader: it has all below the offset it asks for. */
void partition_follower_fetched(struct replica *replica, int64_t log_end_offset_of_follower, int64_t log_start_offset_of_follower)
{
    struct partition *leader = replica->leader;
    int64_t end = log_end_offset(leader->log), now_ms = queue_now_ms(leader->broker->cluster->queue);

    if (log_end_offset_of_follower >= end)
        replica->last_caught_up_ms = now_ms;
    else if (log_end_offset_of_follower >= replica->end_at_last_fetch && replica->last_fetch_ms > replica->last_caught_up_ms)
        replica->last_caught_up_ms = replica->last_fetch_ms;
    replica->last_fetch_ms = now_ms;
    replica->end_at_last_fetch = end;
    if (replica->log_start_offset != log_start_offset_of_follower) {
        replica->log_start_offset = log_start_offset_of_follower;
        partition_complete_deletions(leader);
    }
    if (replica->log_end_offset != log_end_offset_of_follower) {
        replica->log_end_offset = log_end_offset_of_follower;
        partition_advance(leader);
    }
    partition_consider(replica);
}

/* It may come into the ISR once it has all that is committed, and where this leader's epoch begins. */
void partition_consider(struct replica *replica)
{
    struct partition *leader = replica->leader;

    if (leader->isr_changing || replica->log_end_offset < 0 || in_isr(partition_image(leader), replica->broker) ||
        replica->log_end_offset < log_high_watermark(leader->log) || replica->log_end_offset < leader->epoch_start_offset)
        return;
    leader->isr_changing = !controller_expand_isr(leader, replica->broker);
}

/* ---- append ---- */

static enum err not_enough(const struct partition *partition, int32_t least, struct reason *reason)
{
    const struct image_partition *image = partition_image(partition);
    char ids[200] = "";
    size_t size = 0;

    for (int16_t i = 0; i < image->isr_count && size < sizeof(ids) - 16; i++)
        size += (size_t)snprintf(ids + size, sizeof(ids) - size, "%s%d", i ? ", " : "", image->isr[i]);
    return err_because(ERR_NOT_ENOUGH_REPLICAS, reason,
                       "The size of the current ISR Set(%s) is insufficient to satisfy the min.isr requirement of %d for partition %s-%d",
                       ids, least, partition->topic->name, partition->number);
}

int64_t partition_written_us(const struct partition *partition)
{
    return disk_busy_until_us(partition->broker->disk);
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
    if (acks == -1 && partition_image(partition)->isr_count < partition_min_isr(partition))
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
    wait_for_disk(partition, out->base_offset);
    broker_note_flush(broker, partition);
    if (out->rolled)
        partition->retention_at_ms = INT64_MAX;   /* looked at anew: a new segment's time index is made by a check */
    broker_note_producers(broker, own.records);
    for (int16_t i = 0; i < partition->replica_count; i++)
        fetcher_note_data(&partition->replicas[i]);
    if (broker->cluster->journal && !partition->topic->internal)
        journal_add(broker->cluster->journal,
                    ENTRY(EVENT_records_appended, .broker = broker->id, .topic = partition->topic->name, .partition = partition->number,
                          .offset = out->base_offset,
                          .facts = { { "last_offset", out->last_offset, NULL }, { "bytes", out->bytes, NULL } }, .fact_count = 2));
    partition_advance(partition);
    return ERR_OK;
}

/* ---- roles ---- */

static bool is_offsets(const struct partition *partition)
{
    return partition->topic->internal && strcmp(partition->topic->name, "__consumer_offsets") == 0;
}

static void drop_replicas(struct partition *partition)
{
    for (int16_t i = 0; i < partition->replica_count; i++)
        fetcher_leave(&partition->replicas[i]);
    mem_free(partition->replicas);
    partition->replicas = NULL;
    partition->replica_count = 0;
}

static void leave_role(struct partition *partition)
{
    event_cancel(partition->broker->cluster->queue, &partition->slow_event);
    drop_replicas(partition);
    if (partition->upstream)
        fetcher_leave(partition->upstream);
}

void partition_stop(struct partition *partition)
{
    bool led = partition->leads;

    leave_role(partition);
    partition->leads = false;
    if (led && is_offsets(partition))
        groups_partition_resigned(partition->broker->groups, partition->number);
    fail_waits(partition);
}

static struct replica *replica_of(struct partition *leader, int32_t broker)
{
    for (int16_t i = 0; i < leader->replica_count; i++)
        if (leader->replicas[i].broker == broker)
            return &leader->replicas[i];
    return NULL;
}

/* Leader and follower meet once both know of the epoch, whichever comes last. */
static void try_join(struct partition *leader, struct partition *follower)
{
    struct replica *replica;

    if (!leader || !follower || !leader->leads || follower->leads || leader->leader_epoch != follower->leader_epoch ||
        follower->leader != leader->broker->id || follower->upstream)
        return;
    replica = replica_of(leader, follower->broker->id);
    if (replica)
        fetcher_join(replica, follower);
}

static void lead(struct partition *partition, const struct image_partition *image)
{
    struct broker *broker = partition->broker;
    struct cluster *cluster = broker->cluster;
    int64_t now_ms = queue_now_ms(cluster->queue);
    int16_t count = 0;

    partition->leads = true;
    log_begin_epoch(partition->log, partition->leader_epoch, NULL);
    partition->epoch_start_offset = log_end_offset(partition->log);
    if (image->replica_count > 1)
        partition->replicas = mem_zero_array((size_t)image->replica_count, sizeof(*partition->replicas));
    for (int16_t i = 0; i < image->replica_count; i++) {
        struct replica *replica;

        if (image->replicas[i] == broker->id)
            continue;
        replica = &partition->replicas[count++];
        *replica = (struct replica){
            .leader = partition, .broker = image->replicas[i], .log_end_offset = -1, .log_start_offset = -1,
            .sent_high_watermark = -1, .last_caught_up_ms = in_isr(image, image->replicas[i]) ? now_ms : 0,
        };
    }
    partition->replica_count = count;
    for (int16_t i = 0; i < count; i++) {
        struct broker *other = cluster_broker(cluster, partition->replicas[i].broker);

        if (other) /* one that is down hosts nothing; one that starts has no role yet where it can't follow */
            try_join(partition, broker_partition(other, partition->topic->name, partition->number));
    }
    partition_advance(partition);
    if (is_offsets(partition))
        groups_partition_led(broker->groups, partition->number, partition->leader_epoch);
}

void partition_consider_all(struct partition *leader)
{
    for (int16_t i = 0; i < leader->replica_count; i++)
        if (leader->replicas[i].follower && !leader->replicas[i].joining)
            partition_consider(&leader->replicas[i]);
}

void partition_reconcile(struct partition *partition)
{
    const struct image_partition *image = partition_image(partition);
    struct broker *broker = partition->broker;
    bool led = partition->leads, leads = image->leader == broker->id;

    if (image->leader_epoch == partition->leader_epoch && image->leader == partition->leader) {
        if (image->partition_epoch != partition->partition_epoch) {
            partition->partition_epoch = image->partition_epoch;
            partition->isr_changing = false;
            partition_advance(partition);
            partition_consider_all(partition);
            partition_complete_deletions(partition);
        }
        return;
    }
    leave_role(partition);
    partition->isr_changing = false;
    partition->leads = false;
    partition->leader = image->leader;
    partition->leader_epoch = image->leader_epoch;
    partition->partition_epoch = image->partition_epoch;
    if (leads) {
        lead(partition, image);
    } else {
        struct broker *leader = cluster_broker(broker->cluster, image->leader);

        if (led && is_offsets(partition))
            groups_partition_resigned(broker->groups, partition->number);
        fail_waits(partition);
        if (leader)
            try_join(broker_partition(leader, partition->topic->name, partition->number), partition);
    }
    partition_changed(partition);
}

/* ---- coming and going ---- */

static struct partition *partition_new(struct broker *broker, const struct image_topic *topic, int32_t number)
{
    struct partition *partition = mem_zero(sizeof(*partition));

    partition->broker = broker;
    partition->topic = topic;
    partition->number = number;
    partition->leader = -1;
    partition->leader_epoch = partition->partition_epoch = -1;
    partition->retention_at_ms = partition->unlink_at_ms = partition->cleaning_at_ms = INT64_MAX;
    partition->cleaner_base = partition->cleaner_stable = -1;
    partition->cleaner_offset = checkpoint_offset(&broker->cleaner_offsets, topic->name, number, -1);
    partition->flushed_ms = queue_now_ms(broker->cluster->queue);
    partition->settings = broker_take_settings(broker, topic->name);
    return partition;
}

static void take_in(struct broker *broker, struct partition *partition)
{
    partition->index = broker->partition_count;
    ARRAY_ADD(broker->partitions, broker->partition_count, broker->partition_capacity) = partition;
    if (broker->partition_count > broker->hash_size)
        hash_grow(broker);
    else
        hash_put(broker, partition);
}

/* What is looked at answers for its partition, whoever leads it: nobody else can. */
enum err partition_inspect(struct broker *broker, const struct image_topic *topic, int32_t number, const struct log_open *how, struct reason *reason)
{
    struct partition *partition = partition_new(broker, topic, number);
    const struct image_partition *image = partition_image(partition);
    struct log_open own = *how;
    enum err err;

    own.config = &partition->settings->config;
    err = log_inspect(&partition->log, &broker->env, &own, reason);
    if (err) {
        broker_give_settings(broker, partition->settings);
        mem_free(partition);
        return err;
    }
    partition->leads = true;
    partition->leader = image->leader;
    partition->leader_epoch = image->leader_epoch;
    partition->partition_epoch = image->partition_epoch;
    if (image->isr_count == 1 && image->isr[0] == broker->id) /* nobody else holds it back; the checkpoint is up to 5 s old */
        log_set_high_watermark(partition->log, log_end_offset(partition->log));
    take_in(broker, partition);
    if (is_offsets(partition))
        groups_partition_led(broker->groups, number, partition->leader_epoch);
    return ERR_OK;
}

enum err partition_host(struct broker *broker, const struct image_topic *topic, int32_t number, struct reason *reason)
{
    struct partition *partition = partition_new(broker, topic, number);
    char *dir = mem_printf("%s/%s-%d", broker->log_dir, topic->name, number);
    struct log_open how = {
        .dir = dir, .topic = topic->name, .partition = number, .clean = broker->clean,
        .recovery_point = checkpoint_offset(&broker->recovery_points, topic->name, number, 0),
        .log_start_offset = checkpoint_offset(&broker->log_starts, topic->name, number, 0),
        .high_watermark = checkpoint_offset(&broker->high_watermarks, topic->name, number, 0),
        .now_ms = queue_now_ms(broker->cluster->queue),
    };
    enum err err;

    how.config = &partition->settings->config;
    if (!release_is_27(broker->cluster->release))
        how.topic_id = topic->id;
    err = log_open(&partition->log, &broker->env, &how, reason);
    mem_free(dir);
    if (err) {
        broker_give_settings(broker, partition->settings);
        mem_free(partition);
        return err;
    }
    take_in(broker, partition);
    broker_note_recovery_point(broker);
    broker_note_high_watermark(broker);
    broker_note_retention(broker, partition);
    broker_note_unlink(broker, partition);
    return ERR_OK;
}

void partition_unhost(struct partition *partition)
{
    struct broker *broker = partition->broker;
    struct partition_watch *watch;

    partition_stop(partition);
    hash_remove(broker, partition);
    broker->partitions[partition->index] = broker->partitions[--broker->partition_count];
    broker->partitions[partition->index]->index = partition->index;
    broker->producer_next_ms = 0; /* where the last took its place a look that goes on may miss it: the next one comes soon */
    while ((watch = partition->calling ? partition->calling : partition->watches)) {
        watch_take(partition, watch);
        watch->partition = NULL;
        watch->changed(watch->context);
    }
    broker_give_settings(broker, partition->settings);
    mem_free(partition);
}

static void random_hex(struct random *random, char out[33])
{
    for (int i = 0; i < 32; i += 16)
        snprintf(out + i, 17, "%016" PRIx64, random_u64(random));
}

enum err partition_remove(struct partition *partition, struct reason *reason)
{
    struct broker *broker = partition->broker;
    char hex[33], *renamed = NULL;
    enum err err;

    partition_stop(partition);
    cleaner_forget(partition);
    broker->removed = true;
    random_hex(&broker->cluster->random, hex);
    err = log_delete(partition->log, hex, &renamed, reason);
    partition->log = NULL;
    if (!err)
        broker_doom(broker, renamed);
    broker_note_recovery_point(broker);
    broker_note_high_watermark(broker);
    partition_unhost(partition);
    return err;
}

/* ---- for looking ---- */

size_t cluster_replicas(const struct cluster *cluster, const char *topic, int32_t number, struct replica_info *out, size_t most)
{
    const struct image_partition *image = image_partition(cluster->controller.image, topic, number);
    struct broker *leader = image ? cluster_broker(cluster, image->leader) : NULL;
    struct partition *leading = leader ? broker_partition(leader, topic, number) : NULL;
    size_t count = 0;

    for (int16_t i = 0; image && i < image->replica_count && count < most; i++) {
        struct broker *broker = cluster_broker(cluster, image->replicas[i]);
        struct partition *partition = broker && broker->id == image->replicas[i] ? broker_partition(broker, topic, number) : NULL;
        struct replica *replica = leading ? replica_of(leading, image->replicas[i]) : NULL;
        struct replica_info *info = &out[count++];

        *info = (struct replica_info){
            .broker = image->replicas[i], .leader = image->leader == image->replicas[i], .in_isr = in_isr(image, image->replicas[i]),
            .log_end_offset = -1, .log_start_offset = -1, .high_watermark = -1,
            .last_caught_up_ms = replica ? replica->last_caught_up_ms : -1,
        };
        if (partition) {
            info->log_end_offset = log_end_offset(partition->log);
            info->log_start_offset = log_start_offset(partition->log);
            info->high_watermark = log_high_watermark(partition->log);
        }
    }
    return count;
}
