/* What is committed: each batch and record that a leader showed below its high watermark; and what of it a replica may lack. */
#include <stdio.h>
#include <string.h>

#include "tests/seeds/check_internal.h"

/* ---- what settings promise ---- */

static void promise_setting(struct promise *promise, const char *settings)
{
    const char *policy = strstr(settings, "cleanup.policy=");
    int64_t ms = checks_setting(settings, "retention.ms", -1), bytes = checks_setting(settings, "retention.bytes", -1);
    int64_t tombstones = checks_setting(settings, "delete.retention.ms", -1);
    int32_t least = (int32_t)checks_setting(settings, "min.insync.replicas", promise->least_in_sync);

    promise->unclean |= settings_have(settings, "unclean.leader.election.enable=true");
    if (policy) {
        promise->compacts |= text_starts(policy, "cleanup.policy=compact");
        promise->deletes |= text_starts(policy, "cleanup.policy=delete") || text_starts(policy, "cleanup.policy=compact,delete");
    }
    if (ms >= 0 && (promise->retention_ms < 0 || ms < promise->retention_ms))
        promise->retention_ms = ms;
    if (bytes >= 0 && (promise->retention_bytes < 0 || bytes < promise->retention_bytes))
        promise->retention_bytes = bytes;
    if (tombstones >= 0 && (promise->delete_retention_ms < 0 || tombstones < promise->delete_retention_ms))
        promise->delete_retention_ms = tombstones;
    if (least < promise->least_in_sync)
        promise->least_in_sync = least;
}

struct promise checks_promise(const struct checks *checks, const char *topic)
{
    const struct history *history = checks->history;
    const struct history_topic *line = checks_topic(checks, topic);
    struct promise promise = { .retention_ms = -1, .retention_bytes = -1, .delete_retention_ms = -1 };

    if (!line) {
        promise.least_in_sync = 1;
        promise.compacts = !settings_have(history->settings, "log.cleaner.enable=false");
        promise.unclean = settings_have(history->settings, "unclean.leader.election.enable=true");
        return promise;
    }
    promise.least_in_sync = (int32_t)checks_setting(line->settings, "min.insync.replicas", checks_setting(history->settings, "min.insync.replicas", 1));
    promise_setting(&promise, strstr(line->settings, "unclean") ? line->settings : history->settings);
    promise_setting(&promise, line->settings);
    promise.deletes |= !promise.compacts;
    for (size_t i = 0; i < history->step_count; i++) {
        const struct step *step = &history->steps[i];
        size_t size = strlen(topic);

        if (strncmp(step->who, topic, size) || (step->who[size] && step->who[size] != ' '))
            continue;
        promise.fickle |= step->kind == STEP_DELETE;
        if (step->kind == STEP_CONFIG)
            promise_setting(&promise, step->who + size);
    }
    if (promise.least_in_sync > line->factor && !release_is_27(history->release))
        promise.least_in_sync = line->factor;
    return promise;
}

/* ---- keys ---- */

static struct seen_key *key_place(const struct seen_partition *seen, uint64_t key)
{
    size_t at = (size_t)key & (seen->key_room - 1);

    while (seen->keys[at].newest >= 0 && seen->keys[at].key != key)
        at = (at + 1) & (seen->key_room - 1);
    return &seen->keys[at];
}

static void more_keys(struct seen_partition *seen)
{
    struct seen_key *old = seen->keys;
    size_t room = seen->key_room;

    seen->key_room = room ? room * 2 : 32;
    seen->keys = mem_zero_array(seen->key_room, sizeof(*seen->keys));
    for (size_t i = 0; i < seen->key_room; i++)
        seen->keys[i].newest = -1;
    for (size_t i = 0; i < room; i++)
        if (old[i].newest >= 0)
            *key_place(seen, old[i].key) = old[i];
    mem_free(old);
}

static void note_key(struct seen_partition *seen, int64_t offset, uint64_t key)
{
    struct seen_key *place;

    if (seen->key_count * 2 >= seen->key_room)
        more_keys(seen);
    place = key_place(seen, key);
    if (place->newest >= 0)
        seen->records[place->newest].newer = offset;
    else
        seen->key_count++;
    *place = (struct seen_key){ key, offset };
}

/* ---- records ---- */

static uint64_t sum_bytes(uint64_t sum, struct bytes bytes)
{
    return (sum ^ (bytes.data ? checks_sum(bytes.data, bytes.size) : 0x9e3779b97f4a7c15u)) * 1099511628211u;
}

static uint64_t record_sum(const struct record *record)
{
    uint64_t sum = sum_bytes(sum_bytes((uint64_t)record->timestamp_ms, record->key), record->value);

    for (int32_t i = 0; i < record->header_count; i++)
        sum = sum_bytes(sum_bytes(sum, record->headers[i].key), record->headers[i].value);
    return sum;
}

/* Whether a leader must know that it was there: a broker that starts with a log that was emptied up to its end has forgotten the producers (ProducerStateManager
 * drops the snapshot at the log start). */
static bool known(const struct seen_partition *seen, int64_t offset)
{
    return offset >= seen->removed;
}

/* Whose it is: sent by a producer of the history, once if that was promised, in order. */
static void check_sent(struct checks *checks, struct seen_partition *seen, const struct record *record, struct seen_record *out)
{
    const struct seen_client *client;
    struct seen_last *last;
    struct sent *sent;

    out->client = checks_producer(checks, record->value, record->headers, record->header_count, &out->number);
    if (out->client < 0) {
        checks_fail(checks, "log", "%s-%d@%lld: a record that nobody sent", seen->topic, seen->number, (long long)record->offset);
        return;
    }
    client = &checks->clients[out->client];
    sent = &client->sent[out->number];
    if (!checks_value_is(checks, (size_t)out->client, out->number, record->value))
        checks_fail(checks, "log", "%s-%d@%lld: record %s/%u has other bytes", seen->topic, seen->number, (long long)record->offset, client->line->name, out->number);
    if (sent->found && uuid_equal(sent->found->id, seen->id)) {
        checks->counts.duplicates++;
        if ((client->idempotent && known(sent->found, sent->found_at)) || client->no_retries)
            checks_fail(checks, "acks", "record %s/%u is at %s-%d@%lld and at %d@%lld; its producer %s", client->line->name, out->number, seen->topic, sent->found->number,
                        (long long)sent->found_at, seen->number, (long long)record->offset, client->idempotent ? "is idempotent" : "tries once");
    } else if (sent->found && sent->state == SENT_ACKED && sent->acked_us < seen->since_us) {
        checks_fail(checks, "topic", "record %s/%u was acknowledged at %s-%d@%lld, that topic was deleted, and it is in the new one at %d@%lld", client->line->name,
                    out->number, seen->topic, sent->found->number, (long long)sent->found_at, seen->number, (long long)record->offset);
    }
    sent->found = seen;
    sent->found_at = record->offset;
    if (!seen->last) {
        seen->last = mem_zero_array(checks->history->client_count, sizeof(*seen->last));
        memset(seen->last, 0xff, checks->history->client_count * sizeof(*seen->last));
    }
    last = &seen->last[out->client];
    if (client->idempotent && (int64_t)out->number < last->number && known(seen, last->offset))
        checks_fail(checks, "acks", "record %s/%u at %s-%d@%lld is behind %s/%lld; its producer is idempotent", client->line->name, out->number, seen->topic, seen->number,
                    (long long)record->offset, client->line->name, (long long)last->number);
    if ((int64_t)out->number > last->number)
        *last = (struct seen_last){ out->number, record->offset };
}

static void take_record(struct checks *checks, struct seen_partition *seen, const struct record *record)
{
    struct seen_record out = { .client = -1, .newer = -1, .sum = record_sum(record), .committed_ms = queue_now_ms(lab_queue(checks->lab)), .tombstone = !record->value.data };

    if (record->offset != (int64_t)seen->record_count) {
        checks_fail(checks, "log", "%s-%d: committed is offset %lld where %zu is next", seen->topic, seen->number, (long long)record->offset, seen->record_count);
        return;
    }
    if (record->timestamp_ms >= 0 && record->timestamp_ms < out.committed_ms)
        out.committed_ms = record->timestamp_ms;
    if (record->key.data)
        out.key = sum_bytes(1, record->key) | 1;
    if (!seen->internal)
        check_sent(checks, seen, record, &out);
    ARRAY_ADD(seen->records, seen->record_count, seen->record_capacity) = out;
    if (out.key && seen->promise.compacts)
        note_key(seen, record->offset, out.key);
}

static void take_batch(struct checks *checks, struct seen_partition *seen, const struct batch *batch)
{
    const struct seen_batch *last = seen->batch_count ? &seen->batches[seen->batch_count - 1] : NULL;
    int64_t before = last ? last->before + last->size : 0;
    struct record_iterator it;
    struct record record;

    ARRAY_ADD(seen->batches, seen->batch_count, seen->batch_capacity) = (struct seen_batch){
        .base = batch->base_offset, .last = batch->last_offset, .max_timestamp_ms = batch->max_timestamp_ms, .epoch = batch->leader_epoch, .size = batch->size_bytes,
        .sum = checks_sum(batch->bytes.data, batch->bytes.size), .before = before };
    records_begin(&it, batch);
    while (records_next(&it, &record))
        take_record(checks, seen, &record);
    records_done(&it);
    if ((int64_t)seen->record_count != batch->last_offset + 1)
        checks_fail(checks, "log", "%s-%d: the batch %lld..%lld holds records up to %zu", seen->topic, seen->number, (long long)batch->base_offset,
                    (long long)batch->last_offset, seen->record_count);
}

void checks_extend(struct checks *checks, struct seen_partition *seen, const struct partition *leader, int64_t high_watermark, int32_t id)
{
    struct log_cursor cursor;
    struct batch batch;

    log_cursor_init(&cursor, partition_log(leader), seen->committed, false);
    while (seen->committed < high_watermark && log_cursor_next(&cursor, &batch)) {
        if (batch.last_offset < seen->committed)
            continue;
        if (batch.base_offset != seen->committed || batch.last_offset >= high_watermark) {
            checks_fail(checks, "log", "%s-%d at broker %d: committed up to %lld of high watermark %lld, there is a batch %lld..%lld", seen->topic,
                        seen->number, id, (long long)seen->committed, (long long)high_watermark, (long long)batch.base_offset, (long long)batch.last_offset);
            break;
        }
        take_batch(checks, seen, &batch);
        seen->committed = batch.last_offset + 1;
    }
    if (seen->committed < high_watermark)
        checks_fail(checks, "log", "%s-%d at broker %d: nothing can be read at %lld, below high watermark %lld", seen->topic, seen->number, id,
                    (long long)seen->committed, (long long)high_watermark);
    log_cursor_done(&cursor);
    seen->dirty = true;
}

/* ---- what may be missing ---- */

/* A cleaner took it: a newer one of its key is committed, below some replica's active segment; or it was a tombstone for long enough. */
static bool cleaned(const struct checks *checks, const struct seen_partition *seen, const struct seen_record *record)
{
    int64_t now_ms = queue_now_ms(lab_queue(checks->lab)), furthest = 0;

    if (!seen->promise.compacts)
        return false;
    if (!record->key || (record->newer >= 0 && record->newer < seen->active_base))
        return true;
    for (size_t i = 0; i < checks->broker_count; i++)
        if (checks->skew_ms[i] > furthest)
            furthest = checks->skew_ms[i];
    return record->tombstone && seen->promise.delete_retention_ms >= 0 && now_ms + furthest - record->committed_ms >= seen->promise.delete_retention_ms;
}

int64_t checks_must_be(const struct checks *checks, const struct seen_partition *seen, int64_t from, int64_t to, int64_t start)
{
    if (from < start)
        from = start < to ? start : to;
    while (from < to && from < (int64_t)seen->record_count && cleaned(checks, seen, &seen->records[from]))
        from++;
    return from < (int64_t)seen->record_count ? from : to;
}

static const struct seen_batch *batch_at(const struct seen_partition *seen, int64_t offset)
{
    size_t low = 0, high = seen->batch_count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (seen->batches[middle].last < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low < seen->batch_count ? &seen->batches[low] : NULL;
}

/* The records that are left are what they were, and the others may be missing. */
static void check_left(struct checks *checks, const struct seen_partition *seen, const struct batch *batch, int32_t id)
{
    int64_t next = batch->base_offset, missing;
    struct record_iterator it;
    struct record record;

    records_begin(&it, batch);
    while (records_next(&it, &record)) {
        missing = checks_must_be(checks, seen, next, record.offset, 0);
        if (missing < record.offset || record.offset < next || record.offset > batch->last_offset || seen->records[record.offset].sum != record_sum(&record))
            checks_fail(checks, "cleaned", "%s-%d: broker %d's batch %lld..%lld %s @%lld", seen->topic, seen->number, id, (long long)batch->base_offset,
                        (long long)batch->last_offset, missing < record.offset ? "lacks" : "has another record", (long long)(missing < record.offset ? missing : record.offset));
        next = record.offset + 1;
    }
    records_done(&it);
    missing = checks_must_be(checks, seen, next, batch->last_offset + 1, 0);
    if (missing <= batch->last_offset)
        checks_fail(checks, "cleaned", "%s-%d: broker %d's batch %lld..%lld lacks @%lld, the newest of its key", seen->topic, seen->number, id,
                    (long long)batch->base_offset, (long long)batch->last_offset, (long long)missing);
}

bool checks_batch(struct checks *checks, const struct seen_partition *seen, const struct batch *batch, int32_t id)
{
    const struct seen_batch *known = batch_at(seen, batch->base_offset);

    if (known && known->base == batch->base_offset && known->last == batch->last_offset && known->epoch == batch->leader_epoch) {
        if (known->sum == checks_sum(batch->bytes.data, batch->bytes.size))
            return true;
        if (seen->promise.compacts) {
            check_left(checks, seen, batch, id);
            return !checks->failure.checker;
        }
    }
    checks_fail(checks, "committed", "%s-%d: broker %d has a batch %lld..%lld of epoch %d, committed was %lld..%lld of epoch %d%s", seen->topic, seen->number, id,
                (long long)batch->base_offset, (long long)batch->last_offset, batch->leader_epoch, known ? (long long)known->base : -1,
                known ? (long long)known->last : -1, known ? known->epoch : -1,
                known && known->base == batch->base_offset && known->epoch == batch->leader_epoch ? " with other bytes" : "");
    return false;
}

void checks_verify(struct checks *checks, struct seen_partition *seen, struct seen_replica *replica, int64_t upto, int32_t id)
{
    struct log_cursor cursor;
    struct batch batch;
    int64_t missing;

    if (replica->verified < seen->removed) /* it may be back after a crash, and then anything may be there that was never known to differ */
        replica->verified = seen->removed < upto ? seen->removed : upto;
    log_cursor_init(&cursor, partition_log(replica->partition), replica->verified, false);
    while (replica->verified < upto && log_cursor_next(&cursor, &batch) && batch.base_offset < upto) {
        if (batch.last_offset < replica->verified)
            continue;
        missing = checks_must_be(checks, seen, replica->verified, batch.base_offset, replica->start);
        if (missing < batch.base_offset || !checks_batch(checks, seen, &batch, id))
            break;
        replica->verified = batch.last_offset + 1;
    }
    log_cursor_done(&cursor);
    missing = checks_must_be(checks, seen, replica->verified, upto, replica->start);
    if (missing < upto)
        checks_fail(checks, seen->promise.compacts ? "cleaned" : "committed", "%s-%d: broker %d has nothing at %lld, below %lld", seen->topic, seen->number, id,
                    (long long)missing, (long long)upto);
    replica->verified = upto;
}
