/* Followers fetch: one round trip after the other between a follower and a leader, over the network. A fetch that would bring
 * nothing is parked at the leader and costs no event; new data answers it at once, a new high watermark alone only after
 * replica.fetch.wait.max.ms, as in Kafka. So a follower has the records after one way, the leader knows it after another, and
 * the follower learns the high watermark one fetch later. Kafka's AbstractFetcherThread, ReplicaManager, DelayedFetch. */
#include <assert.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/cluster/cluster_internal.h"

enum state { PARKED, TO_FOLLOWER, TO_LEADER };

/* What one event does of a fetch or an answer: partitions, and bytes copied. The rest follows at the same moment. */
enum { PARTITION_SLICE = 64, BYTES_SLICE = 4 * 1024 * 1024 };

struct fetcher {
    struct broker *follower, *leader;
    enum state state;
    bool failed;                       /* the last answer could not be kept: the next comes later */
    struct network_message message;
    struct event event, timeout;       /* event: the rest of a fetch or an answer that was too much for one */
    struct replica **list;             /* partitions that something is to be said of, on this round */
    size_t count, capacity;
    struct replica **taken;            /* the list being worked on */
    size_t taken_count, taken_capacity;
    size_t cursor;                     /* in the list that an event has not come to the end of; 0: it begins */
    struct buffer scratch;
};

static void arrive(void *context);
static void time_is_over(void *context);

struct fetcher *fetcher_of(struct broker *follower, struct broker *leader)
{
    struct fetcher **slot = &follower->fetchers[leader->index];

    if (!*slot) {
        struct fetcher *fetcher = *slot = mem_zero(sizeof(*fetcher));

        fetcher->follower = follower;
        fetcher->leader = leader;
        fetcher->message = (struct network_message){ .run = arrive, .context = fetcher };
        fetcher->event = (struct event){ .run = arrive, .context = fetcher };
        fetcher->timeout = (struct event){ .run = time_is_over, .context = fetcher };
    }
    return *slot;
}

void fetcher_free(struct fetcher *fetcher)
{
    if (!fetcher)
        return;
    network_cancel(&fetcher->message);
    event_cancel(fetcher->follower->cluster->queue, &fetcher->event);
    event_cancel(fetcher->follower->cluster->queue, &fetcher->timeout);
    buffer_done(&fetcher->scratch);
    mem_free(fetcher->list);
    mem_free(fetcher->taken);
    mem_free(fetcher);
}

static void send_later(struct fetcher *fetcher, enum state state, int64_t delay_us)
{
    struct broker *from = state == TO_FOLLOWER ? fetcher->leader : fetcher->follower;
    struct broker *to = state == TO_FOLLOWER ? fetcher->follower : fetcher->leader;

    event_cancel(from->cluster->queue, &fetcher->timeout);
    fetcher->state = state;
    network_send_later(from->cluster, from->id, to->id, &fetcher->message, 0, delay_us);
}

static void send_to(struct fetcher *fetcher, enum state state)
{
    send_later(fetcher, state, 0);
}

static void list(struct replica *replica)
{
    struct fetcher *fetcher = replica->fetcher;

    if (replica->listed)
        return;
    replica->listed = true;
    ARRAY_ADD(fetcher->list, fetcher->count, fetcher->capacity) = replica;
}

void fetcher_note_data(struct replica *replica)
{
    if (!replica->follower || replica->joining)
        return;
    list(replica);
    if (replica->fetcher->state == PARKED)
        send_to(replica->fetcher, TO_FOLLOWER);
}

static void arm_timeout(struct fetcher *fetcher)
{
    struct config_layers layers = broker_config(fetcher->follower);
    const char *key = fetcher->failed ? "replica.fetch.backoff.ms" : "replica.fetch.wait.max.ms";

    if (!event_scheduled(&fetcher->timeout))
        event_after(fetcher->follower->cluster->queue, &fetcher->timeout, config_long(&layers, key) * 1000);
}

void fetcher_note_high_watermark(struct replica *replica)
{
    if (!replica->follower || replica->joining || replica->sent_high_watermark >= log_high_watermark(replica->leader->log))
        return;
    list(replica);
    if (replica->fetcher->state == PARKED)
        arm_timeout(replica->fetcher);
}

static void time_is_over(void *context)
{
    struct fetcher *fetcher = context;

    if (fetcher->state == PARKED)
        send_to(fetcher, TO_FOLLOWER);
}

void fetcher_join(struct replica *replica, struct partition *follower)
{
    struct fetcher *fetcher = fetcher_of(follower->broker, replica->leader->broker);

    replica->fetcher = fetcher;
    replica->follower = follower;
    replica->joining = true;
    follower->upstream = replica;
    list(replica);
    if (fetcher->state == PARKED)
        send_to(fetcher, TO_LEADER);
}

static void forget(struct replica **items, size_t count, const struct replica *replica)
{
    for (size_t i = 0; i < count; i++)
        if (items[i] == replica)
            items[i] = NULL;
}

void fetcher_leave(struct replica *replica)
{
    if (!replica->fetcher)
        return;
    if (replica->listed)
        forget(replica->fetcher->list, replica->fetcher->count, replica);
    forget(replica->fetcher->taken, replica->fetcher->taken_count, replica);
    replica->follower->upstream = NULL;
    replica->follower = NULL;
    replica->fetcher = NULL;
    replica->listed = replica->joining = false;
}

/* ---- at the follower: the answer ---- */

/* Whole batches at the start of `bytes`: a read may end within one. */
static size_t whole_batches(struct bytes bytes)
{
    size_t at = 0;

    while (bytes.size - at >= BATCH_OVERHEAD) {
        int32_t length = get_i32(bytes.data + at + 8);

        if (length < 0 || (size_t)length > bytes.size - at - BATCH_OVERHEAD)
            break;
        at += BATCH_OVERHEAD + (size_t)length;
    }
    return at;
}

/* Where the leader has no more what the follower needs next, the follower starts over from what the leader has. */
static enum err fit_range(struct partition *leader, struct partition *follower, int64_t now_ms)
{
    int64_t end = log_end_offset(follower->log);
    enum err err = ERR_OK;

    if (end > log_end_offset(leader->log))
        err = log_truncate_to(follower->log, log_end_offset(leader->log), now_ms, NULL);
    else if (end < log_start_offset(leader->log))
        err = log_truncate_fully(follower->log, log_start_offset(leader->log), now_ms, NULL);
    cleaner_truncated(follower);
    return err;
}

static enum err copy_records(struct fetcher *fetcher, struct replica *replica, int32_t most_bytes, int64_t *copied)
{
    struct partition *leader = replica->leader, *follower = replica->follower;
    int64_t now_ms = queue_now_ms(fetcher->follower->cluster->queue);
    struct log_append append = { .origin = APPEND_REPLICATION, .leader_epoch = follower->leader_epoch, .produce_version = -1, .now_ms = now_ms };
    struct log_appended appended;
    struct log_slice slice = { 0 };
    const uint8_t *data;
    enum err err = fit_range(leader, follower, now_ms);

    if (err || log_end_offset(follower->log) >= log_end_offset(leader->log))
        return err;
    err = log_read(leader->log, log_end_offset(follower->log), most_bytes, log_end_offset(leader->log), true, &slice, NULL);
    if (err || !slice.file)
        return err;
    data = file_bytes(slice.file);
    if (data) {
        data += slice.position;
    } else {
        buffer_clear(&fetcher->scratch);
        data = buffer_add(&fetcher->scratch, (size_t)slice.size);
        err = file_read(slice.file, (uint8_t *)data, (size_t)slice.size, slice.position, NULL);
    }
    append.records = (struct bytes){ data, (size_t)slice.size };
    append.records.size = whole_batches(append.records);
    *copied += slice.size;
    if (!err && append.records.size)
        err = log_append(follower->log, &append, &appended, NULL);
    if (!err && append.records.size) {
        broker_note_producers(follower->broker, append.records);
        broker_note_flush(follower->broker, follower);
    }
    if (!err && append.records.size && appended.rolled) {
        broker_note_recovery_point(follower->broker);
        follower->retention_at_ms = INT64_MAX;
    }
    file_unpin(slice.file);
    return err;
}

static void take_answer(struct fetcher *fetcher, struct replica *replica, int32_t most_bytes, int64_t *copied)
{
    struct partition *leader = replica->leader, *follower = replica->follower;
    int64_t before = log_high_watermark(follower->log);

    if (copy_records(fetcher, replica, most_bytes, copied)) {
        fetcher->failed = true;
        return;
    }
    replica->sent_high_watermark = log_high_watermark(leader->log);
    log_set_high_watermark(follower->log, replica->sent_high_watermark);
    if (log_start_offset(leader->log) > log_start_offset(follower->log)) {
        log_raise_start_offset(follower->log, log_start_offset(leader->log));
        follower->broker->starts_dirty = true;
        follower->retention_at_ms = INT64_MAX;
        follower->cleaner_base = -1;
        broker_note_retention(follower->broker, follower);
    }
    if (log_high_watermark(follower->log) != before) {
        broker_note_high_watermark(follower->broker);
        broker_note_retention(follower->broker, follower);
        partition_changed(follower);
    }
}

static void arrive_at_follower(struct fetcher *fetcher)
{
    struct config_layers layers = broker_config(fetcher->follower);
    int32_t most_bytes = (int32_t)config_long(&layers, "replica.fetch.max.bytes");
    struct queue *queue = fetcher->follower->cluster->queue;
    int64_t written_us, copied = 0;
    int taken = 0;

    if (!fetcher->cursor)
        fetcher->failed = false;
    for (; fetcher->cursor < fetcher->count; fetcher->cursor++) {
        struct replica *replica = fetcher->list[fetcher->cursor];

        if (!replica || replica->joining)
            continue;
        if (taken++ == PARTITION_SLICE || copied >= BYTES_SLICE) {
            event_after(queue, &fetcher->event, 0);
            return;
        }
        take_answer(fetcher, replica, most_bytes, &copied);
    }
    fetcher->cursor = 0;
    if (fetcher->scratch.capacity > 256 * 1024)
        buffer_done(&fetcher->scratch);
    /* A slow disk: it asks for more when this is written. */
    written_us = disk_busy_until_us(fetcher->follower->disk);
    send_later(fetcher, TO_LEADER, written_us > queue_now_us(queue) ? written_us - queue_now_us(queue) : 0);
}

/* ---- at the leader: the next fetch ---- */

/* KIP-101, KIP-279: back to where both logs are the same, found by the epochs. */
static void find_common_end(struct partition *leader, struct partition *follower, int64_t now_ms)
{
    for (int tries = 0; tries < 1000; tries++) {
        int32_t epoch = log_latest_epoch(follower->log), leaders_epoch, own_epoch;
        int64_t end, own_end, to;

        if (epoch < 0) {
            if (log_end_offset(follower->log) > log_high_watermark(follower->log))
                log_truncate_to(follower->log, log_high_watermark(follower->log), now_ms, NULL);
            return;
        }
        log_end_offset_for_epoch(leader->log, epoch, &leaders_epoch, &end);
        if (leaders_epoch < 0 || (leaders_epoch == epoch && end >= log_end_offset(follower->log)))
            return;
        log_end_offset_for_epoch(follower->log, leaders_epoch, &own_epoch, &own_end);
        to = own_epoch < 0 ? end : own_epoch != leaders_epoch ? own_end : end < own_end ? end : own_end;
        if (to > log_end_offset(follower->log))
            to = log_end_offset(follower->log);
        if (log_truncate_to(follower->log, to, now_ms, NULL) || own_epoch < 0 || own_epoch == leaders_epoch)
            return;
    }
}

static void take_fetch(struct replica *replica)
{
    struct partition *follower = replica->follower;

    if (replica->joining) {
        int64_t now_ms = queue_now_ms(follower->broker->cluster->queue);

        replica->joining = false;
        find_common_end(replica->leader, follower, now_ms);
        fit_range(replica->leader, follower, now_ms);
        /* It knows its own high watermark; what the leader's is comes with the answer. */
        replica->sent_high_watermark = log_high_watermark(follower->log);
    }
    partition_follower_fetched(replica, log_end_offset(follower->log), log_start_offset(follower->log));
}

static bool has_news(const struct replica *replica)
{
    return log_end_offset(replica->leader->log) > log_end_offset(replica->follower->log) ||
           log_start_offset(replica->leader->log) > log_start_offset(replica->follower->log);
}

static void begin_fetch(struct fetcher *fetcher)
{
    struct replica **items = fetcher->list;
    size_t capacity = fetcher->capacity;

    fetcher->taken_count = fetcher->count;
    fetcher->list = fetcher->taken;
    fetcher->capacity = fetcher->taken_capacity;
    fetcher->count = 0;
    fetcher->taken = items;
    fetcher->taken_capacity = capacity;
    for (size_t i = 0; i < fetcher->taken_count; i++)
        if (fetcher->taken[i])
            fetcher->taken[i]->listed = false;
}

static void arrive_at_leader(struct fetcher *fetcher)
{
    bool news = false, late = false;
    int taken = 0;

    if (!fetcher->cursor)
        begin_fetch(fetcher);
    for (; fetcher->cursor < fetcher->taken_count; fetcher->cursor++) {
        if (!fetcher->taken[fetcher->cursor])
            continue;
        if (taken++ == PARTITION_SLICE) {
            event_after(fetcher->leader->cluster->queue, &fetcher->event, 0);
            return;
        }
        take_fetch(fetcher->taken[fetcher->cursor]);
    }
    fetcher->cursor = 0;
    for (size_t i = 0; i < fetcher->taken_count; i++)
        if (fetcher->taken[i] && (has_news(fetcher->taken[i]) ||
                                  fetcher->taken[i]->sent_high_watermark < log_high_watermark(fetcher->taken[i]->leader->log)))
            list(fetcher->taken[i]);
    fetcher->taken_count = 0;
    for (size_t i = 0; i < fetcher->count; i++) {
        if (!fetcher->list[i])
            continue;
        if (fetcher->list[i]->joining)
            late = true;
        else if (has_news(fetcher->list[i]))
            news = true;
    }
    fetcher->state = PARKED;
    if (fetcher->failed)
        arm_timeout(fetcher);
    else if (news)
        send_to(fetcher, TO_FOLLOWER);
    else if (late)
        send_to(fetcher, TO_LEADER);
    else if (fetcher->count)
        arm_timeout(fetcher);
}

static void arrive(void *context)
{
    struct fetcher *fetcher = context;

    if (fetcher->state == TO_FOLLOWER)
        arrive_at_follower(fetcher);
    else
        arrive_at_leader(fetcher);
}
