/* What a replica is: leader, follower or neither, as the metadata says. Kafka's Partition.makeLeader and makeFollower, ReplicaManager. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/cluster/cluster_internal.h"

static bool is_offsets(const struct partition *partition)
{
    return partition->topic->internal && strcmp(partition->topic->name, "__consumer_offsets") == 0;
}

/* ---- a leader's replicas ---- */

struct replica *partition_replica(const struct partition *leader, int32_t broker)
{
    for (int16_t i = 0; i < leader->replica_count; i++)
        if (leader->replicas[i]->broker == broker)
            return leader->replicas[i];
    return NULL;
}

static void drop_replica(struct replica *replica)
{
    fetch_leader_gone(replica);
    mem_free(replica);
}

static void drop_replicas(struct partition *partition)
{
    for (int16_t i = 0; i < partition->replica_count; i++)
        drop_replica(partition->replicas[i]);
    mem_free(partition->replicas);
    partition->replicas = NULL;
    partition->replica_count = 0;
}

static struct replica *new_replica(struct partition *leader, int32_t broker)
{
    struct replica *replica = mem_zero(sizeof(*replica));

    *replica = (struct replica){
        .leader = leader, .broker = broker, .broker_epoch = -1, .log_end_offset = -1, .log_start_offset = -1, .end_at_last_fetch = -1,
        .sent_high_watermark = -1, .sent_log_start = -1, .diverging_epoch = -1,
    };
    return replica;
}

/* Those that were there stay as they are known. */
static void take_replicas(struct partition *leader, const struct image_partition *image)
{
    struct replica **old = leader->replicas;
    int16_t old_count = leader->replica_count, count = 0;

    if (image->replica_count <= 1 && !old_count)
        return;
    leader->replicas = mem_zero_array((size_t)image->replica_count + 1, sizeof(*leader->replicas));
    for (int16_t i = 0; i < image->replica_count; i++) {
        struct replica *replica = NULL;

        if (image->replicas[i] == leader->broker->id)
            continue;
        for (int16_t k = 0; !replica && k < old_count; k++)
            if (old[k] && old[k]->broker == image->replicas[i]) {
                replica = old[k];
                old[k] = NULL;
            }
        leader->replicas[count++] = replica ? replica : new_replica(leader, image->replicas[i]);
    }
    leader->replica_count = count;
    for (int16_t k = 0; k < old_count; k++)
        if (old[k])
            drop_replica(old[k]);
    mem_free(old);
}

/* ---- roles ---- */

static void leave_role(struct partition *partition)
{
    event_cancel(partition->broker->cluster->queue, &partition->slow_event);
    drop_replicas(partition);
    isr_forget(partition);
    fetcher_leave(partition);
}

static void resign(struct partition *partition, bool led)
{
    if (led && is_offsets(partition))
        groups_partition_resigned(partition->broker->groups, partition->number);
    partition_fail_waits(partition);
}

void partition_stop(struct partition *partition)
{
    bool led = partition->leads;

    leave_role(partition);
    partition->leads = false;
    resign(partition, led);
}

static void say_begins(const struct partition *partition)
{
    char text[400];

    if (partition->topic->internal || partition->broker->cluster->opening)
        return;
    snprintf(text, sizeof(text), "%s-%d: broker %d begins leader epoch %d at offset %lld, high watermark %lld", partition->topic->name, partition->number,
             partition->broker->id, partition->leader_epoch, (long long)partition->epoch_start_offset, (long long)log_high_watermark(partition->log));
    journal_add(partition->broker->cluster->journal,
                ENTRY(EVENT_epoch_started, .broker = partition->broker->id, .topic = partition->topic->name, .partition = partition->number,
                      .offset = partition->epoch_start_offset, .text = text,
                      .facts = { { "leader_epoch", partition->leader_epoch, NULL }, { "start_offset", partition->epoch_start_offset, NULL },
                                 { "high_watermark", log_high_watermark(partition->log), NULL } }, .fact_count = 3));
}

/* Kafka's Replica.resetReplicaState: of one that led before what its followers have is still known. */
static void reset_replica(struct replica *replica, bool led, int64_t now_ms)
{
    int64_t since_ms = replica->in_isr ? now_ms : 0;

    replica->last_caught_up_ms = since_ms;
    replica->last_fetch_ms = led ? since_ms : 0;
    replica->end_at_last_fetch = led ? log_end_offset(replica->leader->log) : -1;
    replica->caught_up = false;
}

static void lead(struct partition *partition, const struct image_partition *image, bool led)
{
    struct broker *broker = partition->broker;
    int64_t now_ms = queue_now_ms(broker->cluster->queue);

    partition->leads = true;
    log_begin_epoch(partition->log, partition->leader_epoch, NULL);
    partition->epoch_start_offset = log_end_offset(partition->log);
    for (int16_t i = 0; i < partition->replica_count; i++) /* sessions of the epoch before are over; who follows comes anew */
        fetch_end_session(partition->replicas[i]);
    take_replicas(partition, image);
    isr_take(partition);
    for (int16_t i = 0; i < partition->replica_count; i++)
        reset_replica(partition->replicas[i], led, now_ms);
    say_begins(partition);
    partition_advance(partition);
    isr_note_lag(partition);
    if (is_offsets(partition))
        groups_partition_led(broker->groups, partition->number, partition->leader_epoch);
}

/* The same leader in the same epoch: the ISR, or who has a replica. What the leader was told by the controller itself may be newer. */
static void take_change(struct partition *partition, const struct image_partition *image)
{
    if (image->partition_epoch <= partition->partition_epoch)
        return;
    partition->partition_epoch = image->partition_epoch;
    if (!partition->leads)
        return;
    take_replicas(partition, image);
    isr_take(partition);
    partition_advance(partition);
    isr_recheck(partition);
    isr_note_lag(partition);
    partition_complete_deletions(partition);
}

void partition_reconcile(struct partition *partition)
{
    const struct image_partition *image = partition_image(partition);
    struct broker *broker = partition->broker;
    bool led = partition->leads, leads = image->leader == broker->id;

    if (image->leader_epoch == partition->leader_epoch && image->leader == partition->leader) {
        take_change(partition, image);
        return;
    }
    if (!leads)
        leave_role(partition);
    else
        fetcher_leave(partition);
    partition->leads = false;
    partition->leader = image->leader;
    partition->leader_epoch = image->leader_epoch;
    partition->partition_epoch = image->partition_epoch;
    if (leads) {
        lead(partition, image, led);
    } else {
        resign(partition, led);
        fetcher_follow(partition);
    }
    partition_changed(partition);
}
