/* Where logs begin: what retention and DeleteRecords may take, and that it does not come back. */
#include <string.h>

#include "tests/seeds/check_internal.h"

static int64_t bytes_from(const struct seen_partition *seen, const struct partition *partition, int64_t from)
{
    const struct seen_batch *last = seen->batch_count ? &seen->batches[seen->batch_count - 1] : NULL;
    int64_t bytes = last ? last->before + last->size : 0;
    struct log_cursor cursor;
    struct batch batch;

    for (size_t i = 0; i < seen->batch_count && seen->batches[i].last < from; i++)
        bytes = last->before + last->size - seen->batches[i].before - seen->batches[i].size;
    log_cursor_init(&cursor, partition_log(partition), seen->committed, true);
    while (log_cursor_next(&cursor, &batch))
        bytes += batch.base_offset >= seen->committed ? batch.size_bytes : 0;
    log_cursor_done(&cursor);
    return bytes;
}

/* Whether retention by time takes a batch: of a compacted log the newest record that is left counts. */
static bool old(const struct checks *checks, const struct seen_partition *seen, const struct seen_batch *batch, int64_t now_ms)
{
    if (seen->promise.retention_ms < 0)
        return false;
    if (!seen->promise.compacts)
        return now_ms - batch->max_timestamp_ms > seen->promise.retention_ms;
    for (int64_t at = batch->base; (at = checks_must_be(checks, seen, at, batch->last + 1, 0)) <= batch->last; at++)
        if (now_ms - seen->records[at].committed_ms <= seen->promise.retention_ms)
            return false;
    return true;
}

/* Retention by time takes what is older than retention.ms, the newest of a segment included; retention by size leaves at least retention.bytes. */
static bool retention_explains(const struct checks *checks, const struct seen_partition *seen, size_t index, int64_t start)
{
    int64_t now_ms = queue_now_ms(lab_queue(checks->lab)) + checks->skew_ms[index], from = seen->replicas[index].start, young = start;
    const struct promise *promise = &seen->promise;

    if (!promise->deletes)
        return false;
    for (size_t i = seen->batch_count; i-- > 0 && seen->batches[i].last >= from;) {
        if (seen->batches[i].base >= start)
            continue;
        if (!old(checks, seen, &seen->batches[i], now_ms))
            break;
        young = seen->batches[i].base;
    }
    if (young <= from)
        return true;
    return promise->retention_bytes >= 0 && bytes_from(seen, seen->replicas[index].partition, young) >= promise->retention_bytes;
}

void checks_start_moved(struct checks *checks, struct seen_partition *seen, size_t index, int64_t start)
{
    struct seen_replica *replica = &seen->replicas[index];
    int32_t id = checks_broker_id(checks, index);

    if (seen->lossy)
        return;
    if (start < replica->start) {
        checks_fail(checks, "start", "%s-%d: broker %d's log start went back from %lld to %lld", seen->topic, seen->number, id, (long long)replica->start, (long long)start);
        return;
    }
    if (start > seen->committed) {
        checks_fail(checks, "start", "%s-%d: broker %d's log start went from %lld to %lld, committed is all below %lld", seen->topic, seen->number, id,
                    (long long)replica->start, (long long)start, (long long)seen->committed);
        return;
    }
    if (start > seen->removed && start > seen->asked_removed) {
        replica->start_by_segment = true;
        if (!retention_explains(checks, seen, index, start))
            checks_fail(checks, "start", "%s-%d: broker %d's log start went from %lld to %lld; retention.ms=%lld and retention.bytes=%lld do not take that, nobody deleted it",
                        seen->topic, seen->number, id, (long long)replica->start, (long long)start, (long long)seen->promise.retention_ms,
                        (long long)seen->promise.retention_bytes);
    } else {
        replica->start_by_segment = false;
    }
    if (start > seen->removed)
        seen->removed = start;
}

void checks_start_found(struct checks *checks, struct seen_partition *seen, size_t index, int64_t start)
{
    struct seen_replica *replica = &seen->replicas[index];

    if (start < replica->kept_start && !seen->lossy && !checks->power_went)
        checks_fail(checks, "start", "%s-%d: broker %d came up with log start %lld, it was %lld before", seen->topic, seen->number, checks_broker_id(checks, index),
                    (long long)start, (long long)replica->kept_start);
}

/* ---- DeleteRecords ---- */

static void on_request(void *context, const struct request *request, bool answered)
{
    enum { DELETE_RECORDS = 21 };
    const struct delete_records_request *in = request->in;
    struct checks *checks = context;

    if (answered || request->api->key != DELETE_RECORDS)
        return;
    for (int32_t t = 0; t < in->topics.count; t++)
        for (int32_t p = 0; p < in->topics.items[t].partitions.count; p++) {
            struct seen_partition *seen = checks_next_named(checks, in->topics.items[t].name, in->topics.items[t].partitions.items[p].partition_index, NULL);
            int64_t offset = in->topics.items[t].partitions.items[p].offset;

            if (offset == -1) /* up to the high watermark, when its turn comes */
                offset = INT64_MAX;
            if (seen && seen->promise.deletes && offset > seen->asked_removed)
                seen->asked_removed = offset;
        }
}

void checks_start_watch(struct checks *checks)
{
    wire_watch(lab_wire(checks->lab), on_request, checks);
}

void checks_start_unwatch(struct checks *checks)
{
    wire_unwatch(lab_wire(checks->lab), on_request, checks);
}
