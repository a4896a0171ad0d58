/* DeleteRecords at a leader: its log start offset goes up, followers hear of it with their next fetch and tell theirs with the one after it;
 * who asked waits for the smallest of them, the low watermark. Kafka's Partition.deleteRecordsOnLeader, DelayedDeleteRecords. */
#include <assert.h>
#include <inttypes.h>

#include "sim/cluster/cluster_internal.h"

static int64_t partition_low_watermark(const struct partition *partition)
{
    const struct image *image = partition->broker->image;
    int64_t low = log_start_offset(partition->log);

    for (int16_t i = 0; i < partition->replica_count; i++) {
        const struct replica *replica = partition->replicas[i];
        const struct image_broker *broker = image_broker(image, replica->broker);

        if (broker && !broker->fenced && replica->log_start_offset < low)
            low = replica->log_start_offset;
    }
    return low;
}

enum err partition_delete_records(struct partition *partition, int64_t before_offset, int64_t *required_offset, int64_t *low_watermark,
                                  struct reason *reason)
{
    struct log *log = partition->log;
    bool old = release_is_27(partition->broker->cluster->release);
    enum err err = partition_check(partition, -1, true, reason);

    *low_watermark = -1;
    if (!err)
        err = cluster_refuse_change(partition->broker->cluster, reason);
    if (err)
        return err;
    if (!partition->settings->config.cleanup_delete && (old || partition->settings->config.cleanup_compact))
        return err_because(ERR_POLICY_VIOLATION, reason, "Records of partition %s-%d can not be deleted due to the configured policy",
                           partition->topic->name, partition->number);
    if (before_offset == -1)
        before_offset = log_high_watermark(log);
    if (before_offset < 0 || before_offset > log_high_watermark(log))
        return err_because(ERR_OFFSET_OUT_OF_RANGE, reason, "The offset %" PRId64 " for partition %s-%d is not valid", before_offset,
                           partition->topic->name, partition->number);
    *required_offset = before_offset;
    if (before_offset > log_start_offset(log)) {
        log_raise_start_offset(log, before_offset);
        partition->broker->starts_dirty = true;
        partition->retention_at_ms = INT64_MAX;
        partition->cleaner_base = -1;
        broker_note_retention(partition->broker, partition);
        partition_changed(partition);
    }
    *low_watermark = partition_low_watermark(partition);
    if (*low_watermark < before_offset)
        for (int16_t i = 0; i < partition->replica_count; i++)
            fetch_note(partition->replicas[i]); /* told when the parked fetch returns; the next one tells what the follower did */
    return ERR_OK;
}

/* ---- who waits ---- */

static void take(struct partition *partition, struct deletion_wait *wait)
{
    if (wait->next)
        wait->next->previous = wait->previous;
    if (wait->previous)
        wait->previous->next = wait->next;
    else
        partition->deletion_waits = wait->next;
    wait->next = wait->previous = NULL;
    wait->partition = NULL;
}

void partition_await_deletion(struct partition *partition, struct deletion_wait *wait, int64_t offset)
{
    assert(!wait->partition);
    wait->offset = offset;
    wait->partition = partition;
    wait->previous = NULL;
    wait->next = partition->deletion_waits;
    if (wait->next)
        wait->next->previous = wait;
    partition->deletion_waits = wait;
}

void partition_forget_deletion(struct deletion_wait *wait)
{
    if (wait->partition)
        take(wait->partition, wait);
}

/* Each of those told may take others out: after each the walk begins anew. */
void partition_complete_deletions(struct partition *partition)
{
    struct deletion_wait *wait = partition->deletion_waits;
    int64_t low = wait ? partition_low_watermark(partition) : -1;

    while (wait) {
        if (low < wait->offset) {
            wait = wait->next;
            continue;
        }
        take(partition, wait);
        wait->done(wait->context, ERR_OK, low);
        wait = partition->deletion_waits;
    }
}

void partition_fail_deletions(struct partition *partition)
{
    struct deletion_wait *wait;

    while ((wait = partition->deletion_waits)) {
        take(partition, wait);
        wait->done(wait->context, ERR_NOT_LEADER_OR_FOLLOWER, -1);
    }
}
