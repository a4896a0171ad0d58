/* The leader's side of followers' fetches: a session of all partitions that a follower fetches here, who has news, what is parked, what an answer carries.
 * In a request only those are named of which the leader does not know yet how far the follower is; the others are in it all the same, as in Kafka's fetch sessions.
 * Kafka's ReplicaManager, DelayedFetch, FetchSession. */
#include <assert.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/cluster/fetcher_internal.h"

static struct queue *queue_of(const struct fetcher *fetcher)
{
    return fetcher->leader->cluster->queue;
}

static int64_t now_us(const struct fetcher *fetcher)
{
    return queue_now_us(queue_of(fetcher));
}

static struct fetcher *fetcher_of(const struct replica *replica)
{
    return replica->follower ? replica->follower->follow.fetcher : NULL;
}

/* ---- fetches that come around without an event ---- */

static int64_t rounds(const struct fetcher *fetcher)
{
    return fetcher->state == FETCHER_PARKED && fetcher->ideal ? (now_us(fetcher) - fetcher->arrived_us) / fetcher->period_us : 0;
}

/* The last one, also of those that cost no event. */
static int64_t fetch_arrived_us(const struct fetcher *fetcher)
{
    return fetcher->arrived_us + rounds(fetcher) * fetcher->period_us;
}

static int64_t replica_last_fetch_ms(const struct replica *replica)
{
    const struct fetcher *fetcher = replica->caught_up ? fetcher_of(replica) : NULL;
    int64_t ms = fetcher ? fetch_arrived_us(fetcher) / 1000 : 0;

    return ms > replica->last_fetch_ms ? ms : replica->last_fetch_ms;
}

int64_t replica_last_caught_up_ms(const struct replica *replica)
{
    int64_t ms = replica->caught_up ? replica_last_fetch_ms(replica) : 0;

    return ms > replica->last_caught_up_ms ? ms : replica->last_caught_up_ms;
}

/* It is caught up no more, or its fetches end: what was so until now is written down. */
static void note_down(struct replica *replica)
{
    if (!replica->caught_up)
        return;
    replica->last_caught_up_ms = replica_last_caught_up_ms(replica);
    replica->last_fetch_ms = replica_last_fetch_ms(replica);
    replica->caught_up = false;
}

static void send_at(struct fetcher *fetcher, enum fetcher_state state, int64_t at_us)
{
    struct broker *from = state == FETCHER_TO_LEADER ? fetcher->follower : fetcher->leader;
    struct broker *to = state == FETCHER_TO_LEADER ? fetcher->leader : fetcher->follower;

    fetcher->state = state;
    network_send_later(from->cluster, from->id, to->id, &fetcher->message, 0,
                       at_us - now_us(fetcher) - network_latency_us(from->cluster, from->id, to->id));
}

/* Parked: from now on with events; false: it is on its way already. */
static bool fetch_settle(struct fetcher *fetcher)
{
    int64_t into_us;

    if (!fetcher->ideal)
        return true;
    into_us = (now_us(fetcher) - fetcher->arrived_us) % fetcher->period_us;
    fetcher->arrived_us = fetch_arrived_us(fetcher);
    fetcher->ideal = false;
    if (into_us <= fetcher->wait_us)
        return true;
    /* Its wait was over, it went back with nothing, and comes again. */
    event_cancel(queue_of(fetcher), &fetcher->event);
    fetcher->asked_us = fetcher->arrived_us + fetcher->wait_us + fetcher->back_us;
    if (into_us < fetcher->wait_us + fetcher->back_us)
        send_at(fetcher, FETCHER_TO_FOLLOWER, fetcher->asked_us);
    else
        send_at(fetcher, FETCHER_TO_LEADER, fetcher->arrived_us + fetcher->period_us);
    return false;
}

void fetch_return_for(struct fetcher *fetcher, int64_t not_before_us)
{
    int64_t at_us = fetcher->arrived_us + fetcher->wait_us, least_us = not_before_us - fetcher->back_us;

    if (least_us < now_us(fetcher))
        least_us = now_us(fetcher);
    if (fetcher->ideal && at_us < least_us)
        at_us += (least_us - at_us + fetcher->period_us - 1) / fetcher->period_us * fetcher->period_us;
    if (!event_scheduled(&fetcher->event) || fetcher->event.at_us > at_us)
        event_at(queue_of(fetcher), &fetcher->event, at_us);
}

/* ---- the session ---- */

static void list(struct fetcher *fetcher, struct replica *replica)
{
    if (replica->listed)
        return;
    replica->listed = true;
    replica->place = fetcher->news_count;
    ARRAY_ADD(fetcher->news, fetcher->news_count, fetcher->news_capacity) = replica;
}

static void unlist(struct fetcher *fetcher, struct replica *replica)
{
    if (!replica->listed)
        return;
    fetcher->news[replica->place] = NULL;
    replica->listed = false;
}

void fetch_end_session(struct replica *replica)
{
    struct fetcher *fetcher = fetcher_of(replica);

    if (!fetcher)
        return;
    note_down(replica);
    unlist(fetcher, replica);
    replica->follower->follow.session = NULL;
    replica->follower = NULL;
    replica->recheck = false;
}

void fetch_end_all(struct fetcher *fetcher)
{
    for (size_t i = 0; i < fetcher->follower->partition_count; i++) {
        struct partition *partition = fetcher->follower->partitions[i];

        if (partition->follow.fetcher == fetcher && partition->follow.session)
            fetch_end_session(partition->follow.session);
    }
    fetcher->news_count = fetcher->lost_count = 0;
}

/* The bytes as they are now: the file is about to change. */
static void copy_out(struct fetch_item *item)
{
    const struct log_slice *slice = &item->slice;

    if (!slice->file || item->copy)
        return;
    item->copy = mem_zero((size_t)slice->size + 1);
    if (file_read(slice->file, item->copy, (size_t)slice->size, slice->position, NULL))
        item->slice.size = 0;
    file_unpin(slice->file);
    item->slice.file = NULL;
}

static void answer(struct fetcher *fetcher);

void fetch_leader_gone(struct replica *replica)
{
    struct broker *broker = replica->leader->broker;
    struct broker *other = cluster_broker(broker->cluster, replica->broker);
    struct fetcher *fetcher = other && other->fetchers ? other->fetchers[broker->index] : NULL;
    struct partition *follower = replica->follower;

    if (fetcher && replica->item < fetcher->item_count && fetcher->items[replica->item].replica == replica) {
        copy_out(&fetcher->items[replica->item]);
        fetcher->items[replica->item].replica = NULL;
    }
    fetch_end_session(replica);
    if (!follower || !broker->up)
        return;
    ARRAY_ADD(fetcher->lost, fetcher->lost_count, fetcher->lost_capacity) = follower;
    if (fetcher->state == FETCHER_PARKED && fetch_settle(fetcher))
        answer(fetcher);
}

/* ---- a request: who is named in it ---- */

static enum err check(struct fetcher *fetcher, const struct fetch_item *item, struct partition **partition, struct replica **replica)
{
    bool old = release_is_27(fetcher->leader->cluster->release);
    const struct partition *asks = item->partition;
    enum err err;

    *partition = broker_partition(fetcher->leader, asks->topic->name, asks->number);
    *replica = NULL;
    if (!*partition || (!old && !uuid_equal((*partition)->topic->id, asks->topic->id)))
        return old ? ERR_UNKNOWN_TOPIC_OR_PARTITION : ERR_UNKNOWN_TOPIC_ID;
    err = cluster_partition_fault(fetcher->leader->cluster, &(struct fault_query){ .api = "Fetch", .from = fetcher->follower->id, .to = fetcher->leader->id,
                                                                                  .topic = asks->topic->name, .partition = asks->number });
    if (!err)
        err = partition_check(*partition, item->leader_epoch, true, NULL);
    if (err)
        return err;
    *replica = partition_replica(*partition, fetcher->follower->id);
    return *replica ? ERR_OK : old ? ERR_NOT_LEADER_OR_FOLLOWER : ERR_UNKNOWN_LEADER_EPOCH;
}

static void admit(struct fetcher *fetcher, struct fetch_item *item)
{
    struct partition *leader, *follower = item->partition;
    struct replica *replica;
    enum err err;

    if (!follower)
        return;
    err = check(fetcher, item, &leader, &replica);
    if (err) {
        if (follower->follow.session)
            fetch_end_session(follower->follow.session);
        item->err = err;
        follower->follow.item = fetcher->kept;
        fetcher->items[fetcher->kept++] = *item;
        fetcher->must_answer = true;
        return;
    }
    if (replica->follower && replica->follower != follower)
        fetch_end_session(replica);
    note_down(replica);
    replica->follower = follower;
    follower->follow.session = replica;
    replica->fetch_offset = item->offset;
    replica->fetch_epoch = item->leader_epoch;
    replica->last_fetched_epoch = item->last_epoch;
    replica->sent_high_watermark = item->known_high_watermark;
    replica->sent_log_start = item->log_start_offset;
    list(fetcher, replica);
}

/* KIP-595: the leader says where the histories part. */
static enum err compare(struct replica *replica)
{
    struct log *log = replica->leader->log;
    int64_t end;
    int32_t epoch;

    replica->diverging_epoch = -1;
    if (replica->last_fetched_epoch >= 0) {
        log_end_offset_for_epoch(log, replica->last_fetched_epoch, &epoch, &end);
        if (epoch < 0 || end < 0 || replica->fetch_offset < log_start_offset(log))
            return ERR_OFFSET_OUT_OF_RANGE;
        if (epoch < replica->last_fetched_epoch || end < replica->fetch_offset) {
            replica->diverging_epoch = epoch;
            replica->diverging_end = end;
            return ERR_OK;
        }
    }
    return replica->fetch_offset < log_start_offset(log) || replica->fetch_offset > log_end_offset(log) ? ERR_OFFSET_OUT_OF_RANGE : ERR_OK;
}

static bool has_data(const struct replica *replica)
{
    return replica->diverging_epoch < 0 && replica->fetch_offset < log_end_offset(replica->leader->log);
}

/* Bytes that an answer would have of it; only as exactly as min.bytes asks for. */
static int64_t readable(const struct fetcher *fetcher, const struct replica *replica)
{
    if (!has_data(replica) || replication_leader_throttles(replica))
        return 0;
    return fetcher->min_bytes <= 1 ? 1 : log_readable_bytes(replica->leader->log, replica->fetch_offset, log_end_offset(replica->leader->log),
                                                            fetcher->partition_bytes);
}

static void consider(struct fetcher *fetcher, struct replica *replica)
{
    replica->recheck = false;
    note_down(replica);
    replica->refused = compare(replica);
    if (!replica->refused && replica->diverging_epoch < 0)
        replica->refused = isr_follower_fetched(replica, replica->fetch_offset, replica->sent_log_start, fetcher->broker_epoch);
    if (replica->refused || replica->diverging_epoch >= 0) {
        fetcher->must_answer = true;
        return;
    }
    replica->caught_up = replica->fetch_offset == log_end_offset(replica->leader->log);
    fetcher->bytes += readable(fetcher, replica);
}

/* ---- parked ---- */

static bool has_word(const struct replica *replica)
{
    return replica->sent_high_watermark != log_high_watermark(replica->leader->log) || replica->sent_log_start < log_start_offset(replica->leader->log);
}

static void park(struct fetcher *fetcher)
{
    struct cluster *cluster = fetcher->leader->cluster;
    int32_t a = fetcher->follower->id, b = fetcher->leader->id;
    int64_t ready_us = INT64_MAX;
    size_t left = 0;

    for (size_t i = 0; i < fetcher->news_count; i++) {
        struct replica *replica = fetcher->news[i];

        if (!replica)
            continue;
        replica->listed = has_word(replica) || has_data(replica) || replica->recheck;
        if (!replica->listed)
            continue;
        replica->place = left;
        fetcher->news[left++] = replica;
    }
    fetcher->news_count = left;
    fetcher->state = FETCHER_PARKED;
    fetcher->back_us = network_latency_us(cluster, b, a);
    fetcher->period_us = fetcher->wait_us + fetcher->back_us + network_latency_us(cluster, a, b);
    fetcher->ideal = fetcher->period_us > 0 && network_open_both_ways(cluster, a, b);
    for (size_t i = 0; i < fetcher->delayed_count; i++)
        if (fetcher->delayed[i] && fetcher->delayed[i]->follow.delayed_until_us < ready_us)
            ready_us = fetcher->delayed[i]->follow.delayed_until_us;
    for (size_t i = 0; i < fetcher->due_count; i++)
        if (fetcher->due[i])
            ready_us = now_us(fetcher);
    if (left || !fetcher->ideal)
        fetch_return_for(fetcher, now_us(fetcher));
    else if (ready_us != INT64_MAX)
        fetch_return_for(fetcher, ready_us);
}

static int64_t all_readable(const struct fetcher *fetcher)
{
    int64_t bytes = 0;

    for (size_t i = 0; i < fetcher->news_count && bytes < fetcher->min_bytes; i++)
        if (fetcher->news[i])
            bytes += readable(fetcher, fetcher->news[i]);
    return bytes;
}

void fetch_note_data(struct replica *replica)
{
    struct fetcher *fetcher = fetcher_of(replica);

    if (!fetcher)
        return;
    note_down(replica);
    list(fetcher, replica);
    if (fetcher->state == FETCHER_PARKED && fetch_settle(fetcher)) {
        if (fetcher->min_bytes <= 1 ? !replication_leader_throttles(replica) : all_readable(fetcher) >= fetcher->min_bytes)
            answer(fetcher);
        else
            fetch_return_for(fetcher, now_us(fetcher));
    }
}

void fetch_note(struct replica *replica)
{
    struct fetcher *fetcher = fetcher_of(replica);

    if (!fetcher || !has_word(replica))
        return;
    list(fetcher, replica);
    if (fetcher->state == FETCHER_PARKED)
        fetch_return_for(fetcher, now_us(fetcher));
}

void fetch_recheck(struct replica *replica)
{
    struct fetcher *fetcher = fetcher_of(replica);

    if (!fetcher)
        return;
    replica->recheck = true;
    list(fetcher, replica);
    if (fetcher->state == FETCHER_PARKED)
        fetch_return_for(fetcher, now_us(fetcher));
}

/* ---- the answer ---- */

static void send_answer(struct fetcher *fetcher, size_t bytes)
{
    fetcher->state = FETCHER_TO_FOLLOWER;
    network_send_answer(fetcher->leader->cluster, fetcher->leader->id, fetcher->follower->id, &fetcher->message, bytes);
}

void fetch_answer_reset(struct fetcher *fetcher)
{
    event_cancel(queue_of(fetcher), &fetcher->event);
    fetcher_drop_items(fetcher);
    fetcher->reset = true;
    fetcher->ideal = fetcher->answering = false;
    if (!network_open_both_ways(fetcher->leader->cluster, fetcher->leader->id, fetcher->follower->id))
        fetcher_watch_socket(fetcher);
    send_answer(fetcher, 40);
}

static struct fetch_item *add_item(struct fetcher *fetcher, struct partition *follower, struct replica *replica)
{
    follower->follow.item = fetcher->item_count;
    if (replica)
        replica->item = fetcher->item_count;
    ARRAY_ADD(fetcher->items, fetcher->item_count, fetcher->item_capacity) = (struct fetch_item){
        .partition = follower, .replica = replica, .leader_epoch = follower->follow.leader_epoch, .epoch = -1, .end_offset = -1,
    };
    return &fetcher->items[fetcher->item_count - 1];
}

/* A first batch of which only the beginning fits is not sent at all, but where nothing else is: its turn comes first with the next fetch. */
static bool cut_short(const struct log_slice *slice)
{
    uint8_t head[BATCH_OVERHEAD];

    return slice->size < (int32_t)sizeof(head) || file_read(slice->file, head, sizeof(head), slice->position, NULL) ||
           (int64_t)get_i32(head + 8) + BATCH_OVERHEAD > slice->size;
}

/* False: there is no room for it. */
static bool read_records(const struct fetcher *fetcher, const struct replica *replica, struct log_slice *slice, enum err *err)
{
    struct log *log = replica->leader->log;
    int64_t left = fetcher->response_bytes - fetcher->bytes;
    int32_t most = left < fetcher->partition_bytes ? (int32_t)left : fetcher->partition_bytes;

    if (left <= 0)
        return false;
    *err = log_read(log, replica->fetch_offset, most, log_end_offset(log), !fetcher->bytes, slice, NULL);
    if (*err || !slice->file || !fetcher->bytes || slice->size < most || !cut_short(slice))
        return true;
    file_unpin(slice->file);
    return false;
}

/* Nothing, where there is no room for its records: it stays listed. */
static void add_news(struct fetcher *fetcher, struct replica *replica)
{
    struct log *log = replica->leader->log;
    bool data = !replica->refused && has_data(replica), throttled = data && replication_leader_throttles(replica);
    struct log_slice slice = { 0 };
    enum err err = replica->refused;
    struct fetch_item *item;

    if (replica->follower->follow.where != FOLLOW_NAMED) { /* its position is about to come anew */
        unlist(fetcher, replica);
        return;
    }
    if (data && !throttled && !read_records(fetcher, replica, &slice, &err))
        return;
    if (!replica->refused && (!data || throttled) && replica->diverging_epoch < 0 && !has_word(replica)) {
        if (!replica->recheck && !throttled)
            unlist(fetcher, replica);
        return;
    }
    item = add_item(fetcher, replica->follower, replica);
    item->offset = replica->fetch_offset;
    item->leader_epoch = replica->fetch_epoch;
    item->err = err;
    item->slice = slice;
    if (!err && replica->diverging_epoch >= 0) {
        item->epoch = replica->diverging_epoch;
        item->end_offset = replica->diverging_end;
    } else if (slice.size) {
        fetcher->bytes += slice.size;
        partition_mark(replica->leader, METER_REPLICATION_BYTES_OUT, slice.size);
        replication_quota_record(replica->leader, QUOTA_LEADER, slice.size);
    }
    item->high_watermark = log_high_watermark(log);
    item->leader_log_start = log_start_offset(log);
    replica->sent_high_watermark = item->high_watermark;
    if (item->leader_log_start > replica->sent_log_start)
        replica->sent_log_start = item->leader_log_start;
    if (err)
        fetch_end_session(replica);
    else if (!replica->recheck && !throttled)
        unlist(fetcher, replica);
}

/* One that was named and refused since is in the answer: twice it would be left in it by fetcher_leave(). */
static bool is_answered(const struct fetcher *fetcher, const struct partition *follower)
{
    return follower->follow.item < fetcher->item_count && fetcher->items[follower->follow.item].partition == follower;
}

static void add_lost(struct fetcher *fetcher)
{
    for (size_t i = 0; i < fetcher->lost_count; i++) {
        struct partition *follower = fetcher->lost[i];

        if (!follower || follower->follow.where != FOLLOW_NAMED || follower->follow.session || is_answered(fetcher, follower))
            continue;
        add_item(fetcher, follower, NULL)->err = ERR_NOT_LEADER_OR_FOLLOWER;
        fetcher->items[fetcher->item_count - 1].offset = log_end_offset(follower->log);
    }
    fetcher->lost_count = 0;
}

/* In slices: the state is AT_LEADER until all of it is said. */
static void answer(struct fetcher *fetcher)
{
    size_t left = 0;
    int taken = 0;

    if (!fetcher->answering) {
        event_cancel(queue_of(fetcher), &fetcher->event);
        fetcher->answering = true;
        fetcher->ideal = false;
        fetcher->bytes = 0;
        fetcher->cursor = 0;
        fetcher->item_count = fetcher->kept;
        add_lost(fetcher);
    }
    fetcher->state = FETCHER_AT_LEADER;
    for (; fetcher->cursor < fetcher->news_count; fetcher->cursor++) {
        struct replica *replica = fetcher->news[fetcher->cursor];

        if (!replica)
            continue;
        if (taken++ == PARTITION_SLICE) {
            event_after(queue_of(fetcher), &fetcher->event, 0);
            return;
        }
        add_news(fetcher, replica);
    }
    for (size_t i = 0; i < fetcher->news_count; i++)
        if (fetcher->news[i]) {
            fetcher->news[i]->place = left;
            fetcher->news[left++] = fetcher->news[i];
        }
    fetcher->news_count = left;
    fetcher->answering = false;
    fetcher->cursor = fetcher->kept = 0;
    send_answer(fetcher, 80 + 50 * fetcher->item_count + (size_t)fetcher->bytes);
}

/* ---- a request ---- */

static void look(struct fetcher *fetcher)
{
    int taken = 0;

    for (; !fetcher->admitted && fetcher->cursor < fetcher->item_count; fetcher->cursor++) {
        if (taken++ == PARTITION_SLICE) {
            event_after(queue_of(fetcher), &fetcher->event, 0);
            return;
        }
        admit(fetcher, &fetcher->items[fetcher->cursor]);
    }
    if (!fetcher->admitted) {
        fetcher->admitted = true;
        fetcher->item_count = fetcher->kept;
        fetcher->cursor = 0;
    }
    for (; fetcher->cursor < fetcher->news_count; fetcher->cursor++) {
        if (!fetcher->news[fetcher->cursor])
            continue;
        if (taken++ == PARTITION_SLICE) {
            event_after(queue_of(fetcher), &fetcher->event, 0);
            return;
        }
        consider(fetcher, fetcher->news[fetcher->cursor]);
    }
    if (fetcher->must_answer || fetcher->lost_count || (fetcher->bytes && fetcher->bytes >= fetcher->min_bytes) || fetcher->wait_us <= 0)
        answer(fetcher);
    else
        park(fetcher);
}

static void answer_epochs(struct fetcher *fetcher)
{
    for (size_t i = 0; i < fetcher->item_count; i++) {
        struct fetch_item *item = &fetcher->items[i];
        struct partition *partition;
        struct replica *replica;

        if (!item->partition)
            continue;
        item->err = check(fetcher, item, &partition, &replica);
        if (item->err == ERR_UNKNOWN_TOPIC_ID)
            item->err = ERR_UNKNOWN_TOPIC_OR_PARTITION;
        if (!item->err)
            log_end_offset_for_epoch(partition->log, item->last_epoch, &item->epoch, &item->end_offset);
    }
    send_answer(fetcher, 60 + 20 * fetcher->item_count);
}

static void answer_range(struct fetcher *fetcher)
{
    struct fetch_item *item = &fetcher->range;
    struct partition *partition = NULL;
    struct replica *replica;

    item->err = item->partition ? check(fetcher, item, &partition, &replica) : ERR_OK;
    if (!item->err && partition)
        item->offset = fetcher->exchange == EXCHANGE_LATEST ? log_end_offset(partition->log) : log_start_offset(partition->log);
    send_answer(fetcher, 100);
}

void fetch_arrive(struct fetcher *fetcher)
{
    const struct event *metadata = &fetcher->leader->metadata_event;

    if (!fetcher->leader->up) {
        if (fetcher->exchange == EXCHANGE_FETCH)
            fetcher_drop_items(fetcher);
        fetcher->reset = true;
        send_answer(fetcher, 40);
        return;
    }
    if (network_refusal(&fetcher->message)) {
        fetcher->failed = true;
        send_answer(fetcher, 40);
        return;
    }
    if (event_scheduled(metadata) && metadata->at_us <= now_us(fetcher)) { /* it takes metadata in slices, and as a whole */
        event_at(queue_of(fetcher), &fetcher->event, now_us(fetcher));
        return;
    }
    if (fetcher->exchange == EXCHANGE_EPOCHS) {
        answer_epochs(fetcher);
    } else if (fetcher->exchange != EXCHANGE_FETCH) {
        answer_range(fetcher);
    } else {
        fetcher->arrived_us = now_us(fetcher);
        fetcher->state = FETCHER_AT_LEADER;
        fetcher->admitted = fetcher->answering = fetcher->must_answer = false;
        fetcher->bytes = 0;
        fetcher->cursor = fetcher->kept = 0;
        look(fetcher);
    }
}

void fetch_go_on(struct fetcher *fetcher)
{
    if (fetcher->state == FETCHER_TO_LEADER) {
        fetch_arrive(fetcher);
    } else if (fetcher->state == FETCHER_AT_LEADER) {
        if (fetcher->answering)
            answer(fetcher);
        else
            look(fetcher);
    } else if (fetch_settle(fetcher)) { /* parked: its wait is over */
        answer(fetcher);
    }
}

/* ---- the network ---- */

static void network_changed(struct fetcher *fetcher)
{
    bool open = network_open_both_ways(fetcher->leader->cluster, fetcher->follower->id, fetcher->leader->id);

    if (open || fetcher->state == FETCHER_IDLE || fetcher->state == FETCHER_AWAY)
        return;
    if (fetcher->state == FETCHER_PARKED && fetcher->ideal) {
        fetcher->asked_us = fetch_arrived_us(fetcher) - (fetcher->period_us - fetcher->wait_us - fetcher->back_us);
        if (fetch_settle(fetcher))
            fetch_return_for(fetcher, now_us(fetcher));
    }
    fetcher_watch_socket(fetcher);
}

static void link_changed(void *context, int32_t from, int32_t to)
{
    struct cluster *cluster = context;

    for (size_t i = 0; i < cluster->broker_count; i++)
        for (size_t k = 0; k < cluster->broker_count; k++) {
            struct fetcher *fetcher = cluster->brokers[i]->fetchers[k];
            int32_t follower = cluster->brokers[i]->id, leader = cluster->brokers[k]->id;

            if (fetcher && (from == to ? follower == from || leader == from : (follower == from && leader == to) || (follower == to && leader == from)))
                network_changed(fetcher);
        }
}

void fetchers_watch_network(struct cluster *cluster)
{
    cluster->fetch_watch = (struct network_watch){ .changed = link_changed, .context = cluster };
    network_watch(cluster, &cluster->fetch_watch);
}
