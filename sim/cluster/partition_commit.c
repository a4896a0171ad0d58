/* The high watermark of a leader, and who waits for it: acks=all. Kafka's Partition, DelayedProduce. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/cluster/cluster_internal.h"

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
    return partition_maximal_isr_count(partition) < partition_min_isr(partition) ? ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND : ERR_OK;
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

void partition_fail_waits(struct partition *partition)
{
    struct commit_wait *wait;

    while ((wait = partition->waits)) {
        wait_take(partition, wait);
        wait->done(wait->context, ERR_NOT_LEADER_OR_FOLLOWER);
    }
    partition_fail_deletions(partition);
}

/* ---- the high watermark ---- */

/* A follower that is not in the ISR but nearly: the high watermark waits for it, else it would run away from it for ever. */
static bool waits_for(const struct replica *replica, int64_t end)
{
    const struct broker *broker = replica->leader->broker;
    bool recent = queue_now_ms(broker->cluster->queue) - replica_last_caught_up_ms(replica) <= broker->max_lag_ms;

    return release_is_27(broker->cluster->release) ? recent : (recent || replica->log_end_offset == end) && isr_may_join(replica);
}

/* Every replica that counts has all below it. Since 3.7 it stands still while too few are in sync. */
void partition_advance(struct partition *leader)
{
    int64_t end = log_end_offset(leader->log), candidate = event_scheduled(&leader->slow_event) ? leader->slow_from : end;

    if (!leader->leads)
        return;
    if (leader->replica_count && !release_is_27(leader->broker->cluster->release) && partition_isr_count(leader) < partition_min_isr(leader))
        return;
    for (int16_t i = 0; i < leader->replica_count; i++) {
        const struct replica *replica = leader->replicas[i];

        if (replica->log_end_offset < candidate && (replica->counts || waits_for(replica, end)))
            candidate = replica->log_end_offset;
    }
    if (candidate <= log_high_watermark(leader->log))
        return;
    log_set_high_watermark(leader->log, candidate);
    broker_note_high_watermark(leader->broker);
    broker_note_retention(leader->broker, leader);
    for (int16_t i = 0; i < leader->replica_count; i++)
        fetch_note(leader->replicas[i]);
    complete_waits(leader, candidate);
    partition_changed(leader);
}

/* A slow disk: what was written counts as the leader's own only when the disk would be done. An append that comes meanwhile waits for the next turn. */
static void disk_is_done(void *context)
{
    struct partition *partition = context;
    int64_t end = log_end_offset(partition->log);

    if (broker_sleeps(partition->broker, &partition->slow_event))
        return;
    if (end > partition->slow_until) {
        partition->slow_from = partition->slow_until;
        partition->slow_until = end;
        event_at(partition->broker->cluster->queue, &partition->slow_event, disk_busy_until_us(partition->dir->disk));
    }
    partition_advance(partition);
}

void partition_wait_for_disk(struct partition *partition, int64_t base_offset)
{
    struct queue *queue = partition->broker->cluster->queue;

    if (disk_busy_until_us(partition->dir->disk) <= queue_now_us(queue) || event_scheduled(&partition->slow_event))
        return;
    partition->slow_from = base_offset;
    partition->slow_until = log_end_offset(partition->log);
    partition->slow_event.run = disk_is_done;
    partition->slow_event.context = partition;
    event_at(queue, &partition->slow_event, disk_busy_until_us(partition->dir->disk));
}

