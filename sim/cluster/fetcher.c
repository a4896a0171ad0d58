/* Followers fetch: one round trip after the other between a follower and a leader, over the network. A fetch that would bring nothing is parked at the leader and
 * costs no event; new data answers it at once, a new high watermark alone only when it returns after replica.fetch.wait.max.ms, as in Kafka. So a follower has the
 * records after one way, the leader knows it after another, and the follower learns the high watermark one fetch later. What an answer brings was read when the
 * leader sent it: it may be late, and from a leader that is none any more. Here is the follower's side. Kafka's AbstractFetcherThread, ReplicaFetcherThread. */
#include <assert.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/cluster/fetcher_internal.h"

static void arrive(void *context);
static void go_on(void *context);
static void socket_timed_out(void *context);

static struct queue *queue_of(const struct fetcher *fetcher)
{
    return fetcher->follower->cluster->queue;
}

static int64_t now_us(const struct fetcher *fetcher)
{
    return queue_now_us(queue_of(fetcher));
}

static bool old(const struct fetcher *fetcher)
{
    return release_is_27(fetcher->follower->cluster->release);
}

/* ---- made, ended ---- */

static struct fetcher *fetcher_of(struct broker *follower, struct broker *leader)
{
    struct fetcher **slot = &follower->fetchers[leader->index];

    if (!*slot) {
        struct fetcher *fetcher = *slot = mem_zero(sizeof(*fetcher));

        fetcher->follower = follower;
        fetcher->leader = leader;
        fetcher->message = (struct network_message){ .run = arrive, .context = fetcher };
        fetcher->event = (struct event){ .run = go_on, .context = fetcher };
        fetcher->socket = (struct event){ .run = socket_timed_out, .context = fetcher };
        fetcher->wait_us = broker_setting(follower, "replica.fetch.wait.max.ms") * 1000;
        fetcher->backoff_us = broker_setting(follower, "replica.fetch.backoff.ms") * 1000;
        fetcher->socket_timeout_us = broker_setting(follower, "replica.socket.timeout.ms") * 1000;
        fetcher->min_bytes = broker_setting(follower, "replica.fetch.min.bytes");
        fetcher->partition_bytes = (int32_t)broker_setting(follower, "replica.fetch.max.bytes");
        fetcher->response_bytes = (int32_t)broker_setting(follower, "replica.fetch.response.max.bytes");
    }
    return *slot;
}

/* Ends what is under way. */
void fetcher_drop_items(struct fetcher *fetcher)
{
    for (size_t i = 0; i < fetcher->item_count; i++) {
        if (fetcher->items[i].slice.file)
            file_unpin(fetcher->items[i].slice.file);
        mem_free(fetcher->items[i].copy);
    }
    fetcher->item_count = fetcher->cursor = fetcher->kept = 0;
}

static void end_exchange(struct fetcher *fetcher)
{
    network_cancel(&fetcher->message);
    event_cancel(queue_of(fetcher), &fetcher->event);
    event_cancel(queue_of(fetcher), &fetcher->socket);
    fetcher_drop_items(fetcher);
    fetcher->reset = fetcher->failed = fetcher->ideal = false;
    fetcher->exchange = EXCHANGE_FETCH;
    fetcher->range.partition = NULL;
    fetcher->state = FETCHER_IDLE;
}

void fetcher_free(struct fetcher *fetcher)
{
    if (!fetcher)
        return;
    end_exchange(fetcher);
    buffer_done(&fetcher->scratch);
    mem_free(fetcher->due);
    mem_free(fetcher->delayed);
    mem_free(fetcher->items);
    mem_free(fetcher->news);
    mem_free(fetcher->lost);
    mem_free(fetcher);
}

/* ---- its partitions ---- */

static void make_due(struct fetcher *fetcher, struct partition *partition)
{
    partition->follow.where = FOLLOW_DUE;
    partition->follow.place = fetcher->due_count;
    ARRAY_ADD(fetcher->due, fetcher->due_count, fetcher->due_capacity) = partition;
}

/* An error: not before the backoff has passed. It is not named in a fetch until then. */
static void delay(struct fetcher *fetcher, struct partition *partition, int64_t by_us)
{
    if (partition->follow.session)
        fetch_end_session(partition->follow.session);
    if (partition->follow.where == FOLLOW_DUE)
        fetcher->due[partition->follow.place] = NULL;
    partition->follow.where = FOLLOW_DELAYED;
    partition->follow.delayed_until_us = now_us(fetcher) + by_us;
    partition->follow.place = fetcher->delayed_count;
    ARRAY_ADD(fetcher->delayed, fetcher->delayed_count, fetcher->delayed_capacity) = partition;
    fetcher->delayed_left++;
}

/* FENCED_LEADER_EPOCH: there is a newer epoch; it will hear of it. */
static void fail(struct fetcher *fetcher, struct partition *partition)
{
    if (partition->follow.session)
        fetch_end_session(partition->follow.session);
    partition->follow.where = FOLLOW_FAILED;
    fetcher->failed_count++;
}

static void leave_list(struct partition *partition)
{
    struct fetcher *fetcher = partition->follow.fetcher;

    switch (partition->follow.where) {
    case FOLLOW_DUE:
        fetcher->due[partition->follow.place] = NULL;
        break;
    case FOLLOW_DELAYED:
        fetcher->delayed[partition->follow.place] = NULL;
        fetcher->delayed_left--;
        break;
    case FOLLOW_FAILED:
        fetcher->failed_count--;
        break;
    case FOLLOW_NAMED:
        break;
    }
}

void fetcher_leave(struct partition *partition)
{
    struct fetcher *fetcher = partition->follow.fetcher;

    if (!fetcher)
        return;
    if (partition->follow.session)
        fetch_end_session(partition->follow.session);
    leave_list(partition);
    if (partition->follow.item < fetcher->item_count && fetcher->items[partition->follow.item].partition == partition)
        fetcher->items[partition->follow.item].partition = NULL;
    if (fetcher->range.partition == partition)
        fetcher->range.partition = NULL;
    for (size_t i = 0; i < fetcher->lost_count; i++)
        if (fetcher->lost[i] == partition)
            fetcher->lost[i] = NULL;
    partition->follow = (struct follow){ 0 };
    if (!--fetcher->count && fetcher->state != FETCHER_AT_FOLLOWER && fetcher->state != FETCHER_AT_LEADER) {
        end_exchange(fetcher); /* the thread ends, and its connection */
        fetcher->due_count = fetcher->delayed_count = fetcher->lost_count = fetcher->news_count = 0;
    }
}

void fetcher_follow(struct partition *partition)
{
    struct broker *broker = partition->broker, *leader = cluster_broker(broker->cluster, partition->leader);
    struct fetcher *fetcher;

    fetcher_leave(partition);
    if (!leader || leader == broker || partition->leads || broker->cluster->inspection || partition->held || broker->held ||
        broker->shutdown.stops_fetching)
        return;
    fetcher = fetcher_of(broker, leader);
    partition->follow = (struct follow){
        .fetcher = fetcher, .leader_epoch = partition->leader_epoch, .truncating = old(fetcher) || log_latest_epoch(partition->log) < 0,
    };
    fetcher->count++;
    make_due(fetcher, partition);
    if (fetcher->state == FETCHER_IDLE)
        event_at(queue_of(fetcher), &fetcher->event, now_us(fetcher));
    else if (fetcher->state == FETCHER_PARKED)
        fetch_return_for(fetcher, now_us(fetcher));
}

/* ---- asking ---- */

static const char *api_of(const struct fetcher *fetcher)
{
    return fetcher->exchange == EXCHANGE_FETCH ? "Fetch" : fetcher->exchange == EXCHANGE_EPOCHS ? "OffsetForLeaderEpoch" : "ListOffsets";
}

void fetcher_watch_socket(struct fetcher *fetcher)
{
    if (!event_scheduled(&fetcher->socket))
        event_at(queue_of(fetcher), &fetcher->socket, fetcher->asked_us + fetcher->socket_timeout_us);
}

static void send_request(struct fetcher *fetcher, enum exchange exchange)
{
    struct cluster *cluster = fetcher->follower->cluster;
    size_t count = exchange == EXCHANGE_FETCH || exchange == EXCHANGE_EPOCHS ? fetcher->item_count : 1;

    fetcher->exchange = exchange;
    fetcher->state = FETCHER_TO_LEADER;
    fetcher->asked_us = now_us(fetcher);
    fetcher->broker_epoch = fetcher->follower->epoch;
    fetcher->reset = fetcher->failed = false;
    network_send_request(cluster, &(struct fault_query){ .api = api_of(fetcher), .from = fetcher->follower->id, .to = fetcher->leader->id },
                         &fetcher->message, 80 + 40 * count);
    if (fetcher->message.verdict.kind != FAULT_NONE || network_disturbed_count(cluster) || network_frozen(cluster, fetcher->leader->id))
        fetcher_watch_socket(fetcher);
}

static void add_item(struct fetcher *fetcher, struct partition *partition)
{
    struct log *log = partition->log;

    partition->follow.where = FOLLOW_NAMED;
    partition->follow.item = fetcher->item_count;
    ARRAY_ADD(fetcher->items, fetcher->item_count, fetcher->item_capacity) = (struct fetch_item){
        .partition = partition, .leader_epoch = partition->follow.leader_epoch,
        .last_epoch = old(fetcher) && !partition->follow.truncating ? -1 : log_latest_epoch(log), .offset = log_end_offset(log),
        .log_start_offset = log_start_offset(log), .known_high_watermark = log_high_watermark(log), .epoch = -1, .end_offset = -1,
    };
}

static void note_truncated(struct partition *partition)
{
    cleaner_truncated(partition);
    partition->retention_at_ms = INT64_MAX;
    broker_note_high_watermark(partition->broker);
    broker_note_recovery_point(partition->broker);
    broker_note_retention(partition->broker, partition);
}

static void truncate_to(struct partition *partition, int64_t offset, const char *rule)
{
    bool cuts = offset < log_end_offset(partition->log);

    log_truncate_because(partition->log, offset, broker_now_ms(partition->broker), rule, NULL);
    if (cuts)
        note_truncated(partition);
}

/* The delayed whose time has come, and where nothing can be asked about epochs: back to the high watermark. */
static void make_ready(struct fetcher *fetcher)
{
    size_t left = 0;

    for (size_t i = 0; i < fetcher->delayed_count; i++) {
        struct partition *partition = fetcher->delayed[i];

        if (!partition)
            continue;
        if (partition->follow.delayed_until_us <= now_us(fetcher)) {
            fetcher->delayed_left--;
            make_due(fetcher, partition);
            continue;
        }
        partition->follow.place = left;
        fetcher->delayed[left++] = partition;
    }
    fetcher->delayed_count = left;
    for (size_t i = 0; i < fetcher->due_count; i++) {
        struct partition *partition = fetcher->due[i];

        if (!partition || !partition->follow.truncating || log_latest_epoch(partition->log) >= 0)
            continue;
        truncate_to(partition, log_high_watermark(partition->log), "no leader epoch is known: back to the high watermark");
        partition->follow.truncating = false;
    }
}

/* Takes from those due: `truncating` ones, or the others. */
static void take_due(struct fetcher *fetcher, bool truncating)
{
    size_t left = 0;

    fetcher_drop_items(fetcher);
    for (size_t i = 0; i < fetcher->due_count; i++) {
        struct partition *partition = fetcher->due[i];

        if (!partition)
            continue;
        if (partition->follow.truncating == truncating) {
            add_item(fetcher, partition);
        } else {
            partition->follow.place = left;
            fetcher->due[left++] = partition;
        }
    }
    fetcher->due_count = left;
}

static int64_t next_ready_us(const struct fetcher *fetcher)
{
    int64_t next = INT64_MAX;

    for (size_t i = 0; i < fetcher->delayed_count; i++)
        if (fetcher->delayed[i] && fetcher->delayed[i]->follow.delayed_until_us < next)
            next = fetcher->delayed[i]->follow.delayed_until_us;
    return next;
}

/* While the quota is exceeded throttled partitions that lag are left out of this fetch. True: some are. */
static bool leave_out_throttled(struct fetcher *fetcher)
{
    struct broker *broker = fetcher->follower;
    bool some = false;

    if (!replication_quota_decide(broker, QUOTA_FOLLOWER).exceeded)
        return false;
    for (size_t i = 0; i < broker->partition_count; i++) {
        struct partition *partition = broker->partitions[i];
        const struct follow *follow = &partition->follow;

        if (follow->fetcher != fetcher || follow->in_sync || (follow->where != FOLLOW_NAMED && follow->where != FOLLOW_DUE) ||
            !replication_throttled(partition, QUOTA_FOLLOWER))
            continue;
        delay(fetcher, partition, 0); /* it is looked at again before the next fetch */
        some = true;
    }
    return some;
}

static void fetch(struct fetcher *fetcher)
{
    bool throttled = leave_out_throttled(fetcher);
    int64_t next_us;

    take_due(fetcher, false);
    if (fetcher->count > fetcher->delayed_left + fetcher->failed_count + fetcher->due_count) {
        send_request(fetcher, EXCHANGE_FETCH);
        return;
    }
    fetcher->state = FETCHER_IDLE;
    next_us = fetcher->due_count ? now_us(fetcher) : next_ready_us(fetcher);
    if (throttled && next_us < now_us(fetcher) + fetcher->backoff_us) /* nobody is left to fetch: it waits */
        next_us = now_us(fetcher) + fetcher->backoff_us;
    if (next_us != INT64_MAX)
        event_at(queue_of(fetcher), &fetcher->event, next_us);
}

/* Its loop: first what must be cut off, then a fetch. */
static void fetcher_begin(struct fetcher *fetcher)
{
    struct queue *queue = queue_of(fetcher);
    int64_t written_us = disk_busy_until_us(fetcher->follower->dirs[0].disk);
    const struct event *metadata = &fetcher->follower->metadata_event;

    fetcher->state = FETCHER_IDLE;
    if (!fetcher->count)
        return;
    /* A slow disk: it asks for more when what came is written. And metadata that is taken in slices is taken as a whole. */
    if (written_us > queue_now_us(queue) || (event_scheduled(metadata) && metadata->at_us <= queue_now_us(queue))) {
        event_at(queue, &fetcher->event, written_us);
        return;
    }
    make_ready(fetcher);
    take_due(fetcher, true);
    if (fetcher->item_count)
        send_request(fetcher, EXCHANGE_EPOCHS);
    else
        fetch(fetcher);
}

/* ---- the answer ---- */

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

static enum err bytes_of(struct fetcher *fetcher, const struct fetch_item *item, struct bytes *out)
{
    const struct log_slice *slice = &item->slice;
    const uint8_t *data = item->copy ? item->copy : file_bytes(slice->file);
    enum err err = ERR_OK;

    if (data && !item->copy) {
        data += slice->position;
    } else if (!data) {
        buffer_clear(&fetcher->scratch);
        data = buffer_add(&fetcher->scratch, (size_t)slice->size);
        err = file_read(slice->file, (uint8_t *)data, (size_t)slice->size, slice->position, NULL);
    }
    *out = (struct bytes){ data, (size_t)slice->size };
    out->size = whole_batches(*out);
    return err;
}

static enum err append_records(struct fetcher *fetcher, const struct fetch_item *item)
{
    struct partition *partition = item->partition;
    struct log_append append = { .origin = APPEND_REPLICATION, .leader_epoch = partition->leader_epoch, .produce_version = -1,
                                 .now_ms = broker_now_ms(partition->broker) };
    struct log_appended appended;
    enum err err = bytes_of(fetcher, item, &append.records);

    if (err || !append.records.size)
        return err;
    /* The leader's log may start in the midst of a batch: the whole of it comes. */
    if (get_i64(append.records.data) < item->offset && log_start_offset(partition->log) == item->offset)
        err = log_truncate_fully(partition->log, get_i64(append.records.data), append.now_ms, NULL);
    if (!err)
        err = log_append(partition->log, &append, &appended, NULL);
    if (err)
        return err;
    partition_mark(partition, METER_REPLICATION_BYTES_IN, (int64_t)append.records.size);
    replication_quota_record(partition, QUOTA_FOLLOWER, (int64_t)append.records.size);
    broker_note_producers(partition->broker, append.records);
    broker_note_flush(partition->broker, partition);
    if (appended.rolled) {
        broker_note_recovery_point(partition->broker);
        partition->retention_at_ms = INT64_MAX;
    }
    return ERR_OK;
}

static void raise_start(struct partition *partition, int64_t leader_start)
{
    if (leader_start <= log_start_offset(partition->log))
        return;
    log_raise_start_offset(partition->log, leader_start);
    partition->broker->starts_dirty = true;
    partition->retention_at_ms = INT64_MAX;
    partition->cleaner_base = -1;
    broker_note_retention(partition->broker, partition);
}

static enum err take_data(struct fetcher *fetcher, const struct fetch_item *item)
{
    struct partition *partition = item->partition;
    int64_t end = log_end_offset(partition->log), before = log_high_watermark(partition->log), start = log_start_offset(partition->log);
    enum err err = item->slice.file ? append_records(fetcher, item) : ERR_OK;

    if (err)
        return err;
    partition->follow.lag = item->high_watermark > log_end_offset(partition->log) ? item->high_watermark - log_end_offset(partition->log) : 0;
    partition->follow.in_sync = !partition->follow.lag;
    log_set_high_watermark(partition->log, item->high_watermark);
    raise_start(partition, item->leader_log_start);
    if (log_high_watermark(partition->log) != before) {
        broker_note_high_watermark(partition->broker);
        broker_note_retention(partition->broker, partition);
        partition_changed(partition);
    }
    if (item->slice.file || item->copy || log_end_offset(partition->log) != end || log_start_offset(partition->log) != start)
        make_due(fetcher, partition); /* also where what came is the begin of a batch only: next time another partition goes before it */
    return ERR_OK;
}

/* KIP-101, KIP-279: the leader says that `epoch`, its last one that is not newer than ours, ends at `end`. False: that is not the end of it yet, it is to be asked
 * again. Kafka's getOffsetTruncationState. */
static bool truncate_to_epoch(struct partition *partition, int32_t epoch, int64_t end)
{
    struct log *log = partition->log;
    int64_t own_end, to = log_end_offset(log);
    int32_t own_epoch;
    bool done = true;

    if (end < 0) {
        truncate_to(partition, log_high_watermark(log), "the leader knows no such leader epoch: back to the high watermark");
        return true;
    }
    log_end_offset_for_epoch(log, epoch, &own_epoch, &own_end);
    if (epoch >= 0 && own_epoch >= 0) {
        done = own_epoch == epoch;
        if (own_end < to)
            to = own_end;
    }
    if ((done || epoch < 0) && end < to)
        to = end;
    truncate_to(partition, to, done ? "the leader's log has another history from here" : "a leader epoch that the leader does not know begins here");
    return done;
}

/* False: the leader is asked first. */
static bool take_item(struct fetcher *fetcher, struct fetch_item *item)
{
    struct partition *partition = item->partition;

    if (!partition || partition->follow.where != FOLLOW_NAMED || log_end_offset(partition->log) != item->offset)
        return true;
    switch (item->err) {
    case ERR_OK:
        if (item->end_offset >= 0) {
            truncate_to_epoch(partition, item->epoch, item->end_offset);
            make_due(fetcher, partition);
        } else if (take_data(fetcher, item)) {
            delay(fetcher, partition, fetcher->backoff_us);
        }
        return true;
    case ERR_OFFSET_OUT_OF_RANGE:
        fetcher->range = (struct fetch_item){ .partition = partition, .leader_epoch = item->leader_epoch };
        send_request(fetcher, EXCHANGE_LATEST);
        return false;
    case ERR_FENCED_LEADER_EPOCH:
        fail(fetcher, partition);
        return true;
    default:
        delay(fetcher, partition, fetcher->backoff_us);
        return true;
    }
}

static void take_fetched(struct fetcher *fetcher)
{
    int64_t copied = 0;
    int taken = 0;

    fetcher->state = FETCHER_AT_FOLLOWER;
    while (fetcher->cursor < fetcher->item_count) {
        struct fetch_item *item = &fetcher->items[fetcher->cursor];

        if (taken++ == PARTITION_SLICE || copied >= BYTES_SLICE) {
            event_after(queue_of(fetcher), &fetcher->event, 0);
            return;
        }
        copied += item->slice.size;
        fetcher->cursor++;
        if (!take_item(fetcher, item))
            return;
    }
    fetcher_drop_items(fetcher);
    if (fetcher->scratch.capacity > 256 * 1024)
        buffer_done(&fetcher->scratch);
    fetcher_begin(fetcher);
}

static void take_epochs(struct fetcher *fetcher)
{
    for (size_t i = 0; i < fetcher->item_count; i++) {
        struct fetch_item *item = &fetcher->items[i];
        struct partition *partition = item->partition;

        if (!partition)
            continue;
        if (fetcher->failed || (item->err && item->err != ERR_FENCED_LEADER_EPOCH)) {
            delay(fetcher, partition, fetcher->backoff_us);
        } else if (item->err) {
            fail(fetcher, partition);
        } else {
            partition->follow.truncating = !truncate_to_epoch(partition, item->epoch, item->end_offset);
            make_due(fetcher, partition);
        }
    }
    fetcher_drop_items(fetcher);
    fetch(fetcher);
}

/* OFFSET_OUT_OF_RANGE: where the leader's log ends, and if that is not before ours, where it begins. */
static void take_range(struct fetcher *fetcher)
{
    struct partition *partition = fetcher->range.partition;
    int64_t offset = fetcher->range.offset;

    if (partition && (fetcher->failed || fetcher->range.err)) {
        if (!fetcher->failed && fetcher->range.err == ERR_FENCED_LEADER_EPOCH)
            fail(fetcher, partition);
        else
            delay(fetcher, partition, fetcher->backoff_us);
        partition = NULL;
    } else if (partition && fetcher->exchange == EXCHANGE_LATEST && offset >= log_end_offset(partition->log)) {
        send_request(fetcher, EXCHANGE_EARLIEST);
        return;
    }
    if (partition && fetcher->exchange == EXCHANGE_LATEST) {
        truncate_to(partition, offset, "the leader's log ends there");
    } else if (partition && offset > log_end_offset(partition->log)) {
        log_truncate_fully(partition->log, offset, broker_now_ms(partition->broker), NULL);
        note_truncated(partition);
    }
    if (partition)
        make_due(fetcher, partition);
    fetcher->range.partition = NULL;
    fetcher->exchange = EXCHANGE_FETCH;
    take_fetched(fetcher);
}

/* ---- no answer ---- */

/* A dead connection: all of its partitions wait. 2.7's thread sleeps first, and its partitions wait after that. */
static int64_t pause_us(const struct fetcher *fetcher)
{
    return old(fetcher) ? 2 * fetcher->backoff_us : fetcher->backoff_us;
}

/* The leader has no session of them any more, as it went down and came back. */
static void name_anew(struct fetcher *fetcher)
{
    for (size_t i = 0; i < fetcher->follower->partition_count; i++) {
        struct partition *partition = fetcher->follower->partitions[i];
        struct follow *follow = &partition->follow;
        bool in_hand = follow->item < fetcher->item_count && fetcher->items[follow->item].partition == partition;

        if (follow->fetcher == fetcher && follow->where == FOLLOW_NAMED && !follow->session && !in_hand && fetcher->range.partition != partition)
            make_due(fetcher, partition);
    }
}

static void exchange_failed(struct fetcher *fetcher)
{
    enum exchange exchange = fetcher->exchange;

    event_cancel(queue_of(fetcher), &fetcher->socket);
    if (exchange != EXCHANGE_FETCH) {
        fetcher->failed = true;
        name_anew(fetcher);
        if (exchange == EXCHANGE_EPOCHS)
            take_epochs(fetcher);
        else
            take_range(fetcher);
        return;
    }
    fetch_end_all(fetcher);
    end_exchange(fetcher);
    for (size_t i = 0; i < fetcher->follower->partition_count; i++) {
        struct partition *partition = fetcher->follower->partitions[i];

        if (partition->follow.fetcher == fetcher && (partition->follow.where == FOLLOW_NAMED || partition->follow.where == FOLLOW_DUE))
            delay(fetcher, partition, pause_us(fetcher));
    }
    fetcher->due_count = 0;
    if (fetcher->leader->up) {
        fetcher_begin(fetcher);
    } else {
        fetcher->state = FETCHER_AWAY;
        fetcher->away_since_us = now_us(fetcher);
    }
}

static void socket_timed_out(void *context)
{
    struct fetcher *fetcher = context;

    if (broker_sleeps(fetcher->follower, &fetcher->socket) || (fetcher->state == FETCHER_PARKED && fetcher->ideal) ||
        fetcher->state == FETCHER_AT_FOLLOWER || fetcher->state == FETCHER_IDLE || fetcher->state == FETCHER_AWAY)
        return;
    if (now_us(fetcher) < fetcher->asked_us + fetcher->socket_timeout_us) { /* it was set for an earlier request */
        fetcher_watch_socket(fetcher);
        return;
    }
    network_cancel(&fetcher->message);
    event_cancel(queue_of(fetcher), &fetcher->event);
    exchange_failed(fetcher);
}

void fetchers_leader_down(struct broker *leader)
{
    for (size_t i = 0; i < leader->cluster->broker_count; i++) {
        struct fetcher *fetcher = leader->cluster->brokers[i]->fetchers[leader->index];

        if (!fetcher)
            continue;
        fetch_end_all(fetcher);
        if (fetcher->state == FETCHER_PARKED || fetcher->state == FETCHER_AT_LEADER)
            fetch_answer_reset(fetcher);
    }
}

/* It has tried again and again meanwhile; the next time it finds somebody. */
void fetchers_leader_up(struct broker *leader)
{
    struct cluster *cluster = leader->cluster;

    for (size_t i = 0; i < cluster->broker_count; i++) {
        struct fetcher *fetcher = cluster->brokers[i]->fetchers[leader->index];
        int64_t period_us, at_us;

        if (!fetcher || fetcher->state != FETCHER_AWAY)
            continue;
        period_us = pause_us(fetcher) + network_latency_us(cluster, fetcher->follower->id, leader->id) +
                    network_latency_us(cluster, leader->id, fetcher->follower->id);
        at_us = fetcher->away_since_us + pause_us(fetcher);
        if (at_us < now_us(fetcher) && period_us > 0)
            at_us += (now_us(fetcher) - at_us + period_us - 1) / period_us * period_us;
        for (size_t k = 0; k < fetcher->delayed_count; k++)
            if (fetcher->delayed[k])
                fetcher->delayed[k]->follow.delayed_until_us = at_us;
        fetcher->state = FETCHER_IDLE;
        event_at(queue_of(fetcher), &fetcher->event, at_us);
    }
}

/* ---- events ---- */

static void arrive(void *context)
{
    struct fetcher *fetcher = context;

    if (fetcher->state == FETCHER_TO_LEADER) {
        fetch_arrive(fetcher);
        return;
    }
    event_cancel(queue_of(fetcher), &fetcher->socket);
    if (fetcher->reset || (fetcher->failed && fetcher->exchange == EXCHANGE_FETCH)) {
        exchange_failed(fetcher);
        return;
    }
    fetcher->state = FETCHER_AT_FOLLOWER;
    fetcher->cursor = fetcher->exchange == EXCHANGE_FETCH ? 0 : fetcher->cursor;
    if (fetcher->exchange == EXCHANGE_FETCH)
        take_fetched(fetcher);
    else if (fetcher->exchange == EXCHANGE_EPOCHS)
        take_epochs(fetcher);
    else
        take_range(fetcher);
}

static void go_on(void *context)
{
    struct fetcher *fetcher = context;
    bool at_leader = fetcher->state == FETCHER_PARKED || fetcher->state == FETCHER_AT_LEADER || fetcher->state == FETCHER_TO_LEADER;

    if (broker_sleeps(at_leader ? fetcher->leader : fetcher->follower, &fetcher->event))
        return;
    if (at_leader)
        fetch_go_on(fetcher);
    else if (fetcher->state == FETCHER_AT_FOLLOWER)
        take_fetched(fetcher);
    else if (fetcher->state == FETCHER_IDLE)
        fetcher_begin(fetcher);
}
