/* Who is in sync: a leader watches how far its followers are, and asks the controller to take stragglers out of the ISR and those that caught up into it.
 * Kafka's Partition, Replica, AlterPartitionManager (2.7: AlterIsrManager). */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/cluster/cluster_internal.h"
#include "sim/cluster/faults.h"

enum { RETRY_US = 50 * 1000, SEND_MS = 50 }; /* both Kafka's own constants */

/* What the controller is asked for. Until it answers the leader is as careful as either outcome needs. */
struct isr_change {
    int32_t leader_epoch, partition_epoch;
    int32_t joins;                    /* who comes in; -1: some leave */
    int32_t count;
    struct alter_partition_member members[];
};

/* One request at a time, with all that is to be asked. */
struct isr_sender {
    struct broker *broker;
    struct network_message message;
    struct event retry, timeout;      /* timeout: controller.socket.timeout.ms, then it asks whoever is the controller by then */
    struct partition **unsent, **asked; /* asked: NULL where it went away meanwhile */
    size_t unsent_count, unsent_capacity, asked_count, asked_capacity;
    struct isr_change **changes;      /* of those asked: what was sent. An answer to anything else is out of date */
    size_t change_count, change_capacity;
    struct alter_partition_result result;
    struct image_wait wait;           /* at the controller: what it decided holds once it is committed */
    bool waits, on_its_way_back, unanswered; /* nobody listens there */
    int32_t home;
    int64_t broker_epoch;
};

/* ---- asking ---- */

int32_t partition_isr_count(const struct partition *partition)
{
    return partition->isr ? partition->isr_count : partition_image(partition)->isr_count;
}

const int32_t *partition_isr(const struct partition *partition)
{
    return partition->isr ? partition->isr : partition_image(partition)->isr;
}

/* Those that count for the high watermark and for acks=all once it is reached. */
int32_t partition_maximal_isr_count(const struct partition *partition)
{
    return partition_isr_count(partition) + (partition->isr_change && partition->isr_change->joins >= 0);
}

bool isr_may_join(const struct replica *replica)
{
    const struct broker *broker = replica->leader->broker;
    const struct image_broker *known = image_broker(broker->image, replica->broker);

    if (release_is_27(broker->cluster->release))
        return true;
    return known && !known->fenced && !known->shutting_down && replica->broker_epoch == known->epoch;
}

struct isr_decision partition_decide_follower(const struct partition *leader, int32_t follower)
{
    const struct broker *broker = leader->broker;
    const struct replica *replica = partition_replica(leader, follower);
    struct isr_decision decision = {
        .follower = follower, .log_end_offset = -1, .leader_end_offset = log_end_offset(leader->log), .last_caught_up_ms = -1,
        .now_ms = queue_now_ms(broker->cluster->queue), .max_lag_ms = broker->max_lag_ms, .rule = "replica.lag.time.max.ms",
        .high_watermark = log_high_watermark(leader->log), .epoch_start_offset = leader->epoch_start_offset,
    };

    if (!replica)
        return decision;
    decision.in_isr = replica->in_isr;
    decision.eligible = isr_may_join(replica);
    decision.log_end_offset = replica->log_end_offset;
    decision.last_caught_up_ms = replica_last_caught_up_ms(replica);
    decision.leaves = replica->in_isr && decision.log_end_offset != decision.leader_end_offset &&
                      decision.now_ms - decision.last_caught_up_ms > decision.max_lag_ms;
    decision.joins = !replica->in_isr && decision.eligible && decision.log_end_offset >= decision.high_watermark &&
                     decision.log_end_offset >= decision.epoch_start_offset;
    return decision;
}

int64_t partition_follower_leaves_us(const struct partition *leader, int32_t follower)
{
    const struct broker *broker = leader->broker;
    const struct replica *replica = partition_replica(leader, follower);
    int64_t at_us, now_us = queue_now_us(broker->cluster->queue);

    if (!leader->leads || !replica || !replica->in_isr || replica->log_end_offset == log_end_offset(leader->log) || !broker->isr_tick.interval_us)
        return INT64_MAX;
    at_us = (replica_last_caught_up_ms(replica) + broker->max_lag_ms + 1) * 1000; /* longer than the limit, in whole milliseconds */
    return ticker_after(&broker->isr_tick, at_us - 1 > now_us ? at_us - 1 : now_us);
}

/* ---- what is committed, what is pending ---- */

static void forget_change(struct partition *partition)
{
    mem_free(partition->isr_change);
    partition->isr_change = NULL;
    for (int16_t i = 0; i < partition->replica_count; i++)
        partition->replicas[i]->counts = partition->replicas[i]->in_isr;
}

static void commit(struct partition *leader, const int32_t *isr, int32_t count)
{
    mem_free(leader->isr);
    leader->isr = mem_copy(isr, (size_t)(count ? count : 1) * sizeof(*isr));
    leader->isr_count = (int16_t)count;
    for (int16_t i = 0; i < leader->replica_count; i++) {
        leader->replicas[i]->in_isr = false;
        for (int32_t k = 0; k < count; k++)
            leader->replicas[i]->in_isr = leader->replicas[i]->in_isr || isr[k] == leader->replicas[i]->broker;
    }
    forget_change(leader);
}

static void leave_queue(struct partition *partition)
{
    struct isr_sender *sender = partition->broker->isr_sender;

    for (size_t i = 0; sender && i < sender->unsent_count; i++)
        if (sender->unsent[i] == partition) {
            memmove(&sender->unsent[i], &sender->unsent[i + 1], (--sender->unsent_count - i) * sizeof(*sender->unsent));
            partition->isr_asked = false;
            return;
        }
}

/* What it asked for was done, and metadata is here before the answer: counted as if that had come. */
static void count_change(struct partition *leader, const struct image_partition *image)
{
    const struct isr_change *change = leader->isr_change;
    bool done = change && image->partition_epoch > change->partition_epoch && image->leader_epoch == change->leader_epoch && image->isr_count == change->count;

    for (int16_t i = 0; done && i < image->isr_count; i++) {
        bool asked = false;

        for (int32_t k = 0; k < change->count; k++)
            asked = asked || change->members[k].broker == image->isr[i];
        done = asked;
    }
    if (done)
        broker_mark(leader->broker, change->joins >= 0 ? METER_ISR_EXPANDS : METER_ISR_SHRINKS, 1);
}

void isr_take(struct partition *leader)
{
    const struct image_partition *image = partition_image(leader);

    if (!leader->replica_count)
        return;
    count_change(leader, image);
    leave_queue(leader);
    commit(leader, image->isr, image->isr_count);
}

void isr_forget(struct partition *partition)
{
    leave_queue(partition);
    forget_change(partition);
    mem_free(partition->isr);
    partition->isr = NULL;
    partition->isr_count = 0;
}

void isr_partition_gone(struct partition *partition)
{
    struct isr_sender *sender = partition->broker->isr_sender;

    isr_forget(partition);
    for (size_t i = 0; sender && i < sender->asked_count; i++)
        if (sender->asked[i] == partition)
            sender->asked[i] = NULL;
}

/* ---- to the controller ---- */

static void send(struct isr_sender *sender);

static void sender_arrives(void *context);
static void time_is_over(void *context);

static void retry(void *context)
{
    struct isr_sender *sender = context;

    if (!broker_sleeps(sender->broker, &sender->retry))
        send(sender);
}

static struct isr_sender *sender_of(struct broker *broker)
{
    if (!broker->isr_sender) {
        struct isr_sender *sender = broker->isr_sender = mem_zero(sizeof(*sender));

        sender->broker = broker;
        sender->message = (struct network_message){ .run = sender_arrives, .context = sender };
        sender->retry = (struct event){ .run = retry, .context = sender };
        sender->timeout = (struct event){ .run = time_is_over, .context = sender };
    }
    return broker->isr_sender;
}

static void send(struct isr_sender *sender)
{
    struct broker *broker = sender->broker;
    struct cluster *cluster = broker->cluster;
    bool old = release_is_27(cluster->release);
    size_t bytes = 64;

    if (network_under_way(&sender->message) || sender->waits || !sender->unsent_count || event_scheduled(&sender->retry))
        return;
    if (cluster->controller.down)
        return; /* isr_controller_back */
    sender->asked_count = sender->change_count = 0;
    for (size_t i = 0; i < sender->unsent_count; i++) {
        ARRAY_ADD(sender->asked, sender->asked_count, sender->asked_capacity) = sender->unsent[i];
        ARRAY_ADD(sender->changes, sender->change_count, sender->change_capacity) = sender->unsent[i]->isr_change;
        bytes += 40 + 12 * (size_t)sender->unsent[i]->isr_change->count;
    }
    sender->unsent_count = 0;
    sender->on_its_way_back = sender->unanswered = false;
    sender->broker_epoch = broker->epoch;
    sender->home = old && cluster_broker(cluster, image_controller(broker->image)) ? image_controller(broker->image) : controller_home(cluster); /* whom it believes */
    event_after(cluster->queue, &sender->timeout, broker_setting(broker, "controller.socket.timeout.ms") * 1000);
    network_send_request(cluster, &(struct fault_query){ .api = old ? "AlterIsr" : "AlterPartition", .from = broker->id, .to = sender->home },
                         &sender->message, bytes);
}

/* 2.7 looks every 50 ms for something to send. */
static void send_soon(struct broker *broker)
{
    if (release_is_27(broker->cluster->release))
        ticker_arm(broker, &broker->isr_send_tick, 0);
    else
        send(sender_of(broker));
}

static void run_send(void *context)
{
    struct broker *broker = context;

    if (!broker_sleeps(broker, &broker->isr_send_tick.event))
        send(sender_of(broker));
}

/* Whoever was asked about and is still as it was asked. */
static struct partition *still_asked(const struct isr_sender *sender, size_t i)
{
    struct partition *partition = sender->asked[i];

    return partition && partition->isr_change == sender->changes[i] ? partition : NULL;
}

static void answer(struct isr_sender *sender)
{
    sender->waits = false;
    sender->on_its_way_back = true;
    network_send_answer(sender->broker->cluster, sender->home, sender->broker->id, &sender->message, 64 + 40 * sender->asked_count);
}

static void committed(void *context)
{
    answer(context);
}

static void lost(void *context)
{
    struct isr_sender *sender = context;

    alter_partition_result_done(&sender->result);
    sender->result.err = ERR_NOT_CONTROLLER;
    answer(sender);
}

static void at_controller(struct isr_sender *sender)
{
    struct cluster *cluster = sender->broker->cluster;
    struct broker *home = cluster_broker(cluster, sender->home);
    struct alter_partition_item *items = mem_zero_array(sender->asked_count + 1, sizeof(*items));
    struct alter_partition request = { .broker = sender->broker->id, .broker_epoch = sender->broker_epoch, .items = items };
    enum err err = network_refusal(&sender->message);

    if (broker_waits_for_zookeeper(home)) {
        sender->waits = true;
        mem_free(items);
        return;
    }
    for (size_t i = 0; i < sender->asked_count; i++) {
        const struct partition *partition = still_asked(sender, i);
        const struct isr_change *change = sender->changes[i];

        if (!partition)
            continue;
        items[request.count++] = (struct alter_partition_item){
            .topic_id = partition->topic->id, .partition = partition->number, .leader_epoch = change->leader_epoch,
            .partition_epoch = change->partition_epoch, .isr = change->members, .isr_count = change->count,
        };
    }
    if (!home->up)
        sender->unanswered = true;
    else if (err || cluster->controller.down || controller_home(cluster) != sender->home)
        sender->result = (struct alter_partition_result){ .err = err ? err : ERR_NOT_CONTROLLER };
    else
        controller_alter_partition(cluster, &request, &sender->result);
    mem_free(items);
    if (sender->unanswered || sender->result.err || sender->result.offset < 0 || controller_all_committed(cluster)) {
        answer(sender);
        return;
    }
    sender->waits = true;
    sender->wait = (struct image_wait){ .done = committed, .lost = lost, .context = sender };
    broker_await_image(home, &sender->wait, sender->result.offset);
}

static void stop_waiting(struct isr_sender *sender)
{
    struct broker *home = cluster_broker(sender->broker->cluster, sender->home);

    if (sender->waits)
        broker_forget_image_wait(home, &sender->wait);
    sender->waits = false;
}

/* Back among those that are to be sent. */
static void ask_again(struct isr_sender *sender, struct partition *partition)
{
    ARRAY_ADD(sender->unsent, sender->unsent_count, sender->unsent_capacity) = partition;
    partition->isr_asked = true;
}

static void accept(struct partition *leader, const struct alter_partition_result_item *item)
{
    bool joins = leader->isr_change->joins >= 0;

    if (item->leader_epoch != leader->leader_epoch || item->partition_epoch < leader->partition_epoch) {
        broker_mark(leader->broker, METER_FAILED_ISR_UPDATES, 1);
        return; /* metadata will tell */
    }
    broker_mark(leader->broker, joins ? METER_ISR_EXPANDS : METER_ISR_SHRINKS, 1);
    leader->partition_epoch = item->partition_epoch;
    commit(leader, item->isr, item->isr_count);
    partition_advance(leader);
    isr_recheck(leader);
    if (leader->leads)
        isr_note_lag(leader);
}

/* True: it is to be asked again. */
static bool refused(struct partition *leader, enum err err)
{
    broker_mark(leader->broker, METER_FAILED_ISR_UPDATES, 1);
    switch (err) {
    case ERR_INELIGIBLE_REPLICA:
    case ERR_OPERATION_NOT_ATTEMPTED:
        forget_change(leader); /* it was not done, that much is sure */
        isr_recheck(leader);
        return false;
    case ERR_UNKNOWN_TOPIC_OR_PARTITION:
    case ERR_UNKNOWN_TOPIC_ID:
    case ERR_FENCED_LEADER_EPOCH:
    case ERR_INVALID_UPDATE_VERSION:
    case ERR_INVALID_REQUEST:
    case ERR_NEW_LEADER_ELECTED:
        return false;          /* metadata will tell what is so; until then it stays careful */
    default:
        return true;
    }
}

static void answered(struct isr_sender *sender)
{
    size_t k = 0;

    for (size_t i = 0; i < sender->asked_count; i++) {
        struct partition *partition = still_asked(sender, i);
        const struct alter_partition_result_item *item = NULL;

        if (sender->asked[i])
            sender->asked[i]->isr_asked = false;
        if (!partition) {
            if (sender->asked[i])
                isr_recheck(sender->asked[i]); /* metadata was first: what came meanwhile could not be asked for */
            continue;
        }
        for (int32_t n = 0; !item && n < sender->result.count; n++) { /* in the order asked, without those that had gone */
            const struct alter_partition_result_item *one = &sender->result.items[(k + (size_t)n) % (size_t)sender->result.count];

            if (one->partition == partition->number && uuid_equal(one->topic_id, partition->topic->id)) {
                item = one;
                k += (size_t)n + 1;
            }
        }
        if (!item)
            ask_again(sender, partition);
        else if (!item->err)
            accept(partition, item);
        else if (refused(partition, item->err))
            ask_again(sender, partition);
    }
}

static void take_answer(struct isr_sender *sender)
{
    struct broker *broker = sender->broker;
    bool failed = sender->unanswered || sender->result.err;

    event_cancel(broker->cluster->queue, &sender->timeout);
    if (!failed) {
        answered(sender);
    } else {
        for (size_t i = 0; i < sender->asked_count; i++) {
            if (sender->asked[i])
                sender->asked[i]->isr_asked = false;
            if (still_asked(sender, i))
                ask_again(sender, sender->asked[i]);
            else if (sender->asked[i])
                isr_recheck(sender->asked[i]);
        }
    }
    alter_partition_result_done(&sender->result);
    sender->asked_count = sender->change_count = 0;
    if (!sender->unsent_count)
        return;
    if (!failed || release_is_27(broker->cluster->release))
        send_soon(broker);
    else
        event_after(broker->cluster->queue, &sender->retry, RETRY_US);
}

static void sender_arrives(void *context)
{
    struct isr_sender *sender = context;

    if (sender->on_its_way_back)
        take_answer(sender);
    else
        at_controller(sender);
}

static void time_is_over(void *context)
{
    struct isr_sender *sender = context;

    if (broker_sleeps(sender->broker, &sender->timeout))
        return;
    network_cancel(&sender->message);
    stop_waiting(sender);
    sender->unanswered = true;
    take_answer(sender);
}

void isr_controller_back(struct broker *broker)
{
    struct isr_sender *sender = broker->isr_sender;

    if (!sender || !broker->up)
        return;
    if (sender->waits) { /* whoever would have answered was gone */
        stop_waiting(sender);
        sender->unanswered = true;
        take_answer(sender);
    } else if (sender->unsent_count) {
        send_soon(broker);
    }
}

static int by_broker(const void *a, const void *b)
{
    int32_t left = ((const struct alter_partition_member *)a)->broker, right = ((const struct alter_partition_member *)b)->broker;

    return (left > right) - (left < right);
}

static int64_t epoch_of(const struct partition *leader, int32_t id)
{
    const struct replica *replica = partition_replica(leader, id);

    if (release_is_27(leader->broker->cluster->release))
        return -1;
    return id == leader->broker->id ? leader->broker->epoch : replica ? replica->broker_epoch : -1;
}

static struct isr_change *change_begin(const struct partition *leader)
{
    struct isr_change *change = mem_zero(sizeof(*change) + (size_t)(leader->isr_count + 1) * sizeof(*change->members));

    change->leader_epoch = leader->leader_epoch;
    change->partition_epoch = leader->partition_epoch;
    change->joins = -1;
    return change;
}

static void change_add(const struct partition *leader, struct isr_change *change, int32_t id)
{
    change->members[change->count++] = (struct alter_partition_member){ id, epoch_of(leader, id) };
}

static void propose(struct partition *leader, struct isr_change *change)
{
    struct isr_sender *sender = sender_of(leader->broker);

    if (!release_is_27(leader->broker->cluster->release)) /* 2.7's leader keeps a newcomer last, 4.3's sends a set, which is in order of the ids */
        qsort(change->members, (size_t)change->count, sizeof(*change->members), by_broker);
    leader->isr_change = change;
    if (change->joins >= 0)
        partition_replica(leader, change->joins)->counts = true;
    ask_again(sender, leader);
    send_soon(leader->broker);
}

/* ---- followers that catch up ---- */

static void consider(struct replica *replica)
{
    struct partition *leader = replica->leader;
    struct isr_change *change;

    if (leader->isr_change || leader->isr_asked || replica->in_isr || replica->log_end_offset < log_high_watermark(leader->log) ||
        replica->log_end_offset < leader->epoch_start_offset || !isr_may_join(replica))
        return;
    change = change_begin(leader);
    change->joins = replica->broker;
    for (int16_t i = 0; i < leader->isr_count; i++)
        change_add(leader, change, leader->isr[i]);
    change_add(leader, change, replica->broker);
    propose(leader, change);
}

enum err isr_follower_fetched(struct replica *replica, int64_t end_offset, int64_t start_offset, int64_t broker_epoch)
{
    struct partition *leader = replica->leader;
    const struct image_broker *known = image_broker(leader->broker->image, replica->broker);
    int64_t end = log_end_offset(leader->log), now_ms = queue_now_ms(leader->broker->cluster->queue);
    bool moved = replica->log_end_offset != end_offset, start_moved = replica->log_start_offset != start_offset;

    if (!release_is_27(leader->broker->cluster->release) && known && !known->fenced && known->epoch > broker_epoch)
        return ERR_NOT_LEADER_OR_FOLLOWER;
    if (end_offset >= end && now_ms > replica->last_caught_up_ms)
        replica->last_caught_up_ms = now_ms;
    else if (end_offset < end && end_offset >= replica->end_at_last_fetch && replica->last_fetch_ms > replica->last_caught_up_ms)
        replica->last_caught_up_ms = replica->last_fetch_ms;
    replica->last_fetch_ms = now_ms;
    replica->end_at_last_fetch = end;
    replica->broker_epoch = broker_epoch;
    replica->log_start_offset = start_offset;
    replica->log_end_offset = end_offset;
    if (start_moved)
        partition_complete_deletions(leader);
    if (!replica->in_isr)
        consider(replica);
    if (moved)
        partition_advance(leader);
    return ERR_OK;
}

void isr_recheck(struct partition *leader)
{
    for (int16_t i = 0; leader->leads && i < leader->replica_count; i++)
        if (!leader->replicas[i]->in_isr)
            fetch_recheck(leader->replicas[i]);
}

void isr_broker_changed(struct broker *broker, int32_t other)
{
    if (!broker->up || other == broker->id)
        return;
    for (size_t p = 0; p < broker->partition_count; p++) {
        struct partition *partition = broker->partitions[p];
        struct replica *replica = partition->leads && partition->replica_count ? partition_replica(partition, other) : NULL;

        if (!replica || replica->in_isr)
            continue;
        fetch_recheck(replica);
        partition_advance(partition); /* one that was fenced is waited for no longer */
    }
}

/* ---- followers that fall behind: a look every half of the limit, while one lags ---- */

void isr_note_lag(struct partition *leader)
{
    if (leader->replica_count && !event_scheduled(&leader->broker->isr_tick.event))
        ticker_arm(leader->broker, &leader->broker->isr_tick, 0);
}

static void say_lags(const struct partition *leader, const struct isr_decision *decision)
{
    int64_t silent_ms = decision->now_ms - decision->last_caught_up_ms;
    char text[600], end[48] = "did not fetch from it yet";

    if (leader->topic->internal)
        return;
    if (decision->log_end_offset >= 0)
        snprintf(end, sizeof(end), "ends at %lld", (long long)decision->log_end_offset);
    snprintf(text, sizeof(text), "%s-%d: broker %d %s, the log at %lld, and it was caught up last %lld ms ago: longer than %lld (replica.lag.time.max.ms), out of the ISR",
             leader->topic->name, leader->number, decision->follower, end, (long long)decision->leader_end_offset, (long long)silent_ms,
             (long long)decision->max_lag_ms);
    journal_add(leader->broker->cluster->journal,
                ENTRY(EVENT_follower_lags, .broker = leader->broker->id, .topic = leader->topic->name, .partition = leader->number,
                      .offset = decision->log_end_offset, .rule = decision->rule, .text = text,
                      .facts = { { "replica", decision->follower, NULL }, { "log_end_offset", decision->log_end_offset, NULL },
                                 { "leader_log_end_offset", decision->leader_end_offset, NULL },
                                 { "last_caught_up_ms", decision->last_caught_up_ms, NULL }, { "now_ms", decision->now_ms, NULL },
                                 { "lag_ms", silent_ms, NULL }, { "replica_lag_time_max_ms", decision->max_lag_ms, NULL } }, .fact_count = 7));
}

/* Anybody that lags is to be looked at again. */
static bool shrink(struct partition *leader)
{
    struct isr_change *change = NULL;
    bool lags = false;

    for (int16_t i = 0; i < leader->replica_count; i++) {
        struct isr_decision decision;

        if (!leader->replicas[i]->in_isr || leader->replicas[i]->log_end_offset == log_end_offset(leader->log))
            continue;
        lags = true;
        decision = partition_decide_follower(leader, leader->replicas[i]->broker);
        if (!decision.leaves || leader->isr_change || leader->isr_asked)
            continue;
        if (!change) {
            change = change_begin(leader);
            for (int16_t k = 0; k < leader->isr_count; k++)
                change_add(leader, change, leader->isr[k]);
        }
        for (int32_t k = 0; k < change->count; k++)
            if (change->members[k].broker == decision.follower) {
                memmove(&change->members[k], &change->members[k + 1], (size_t)(--change->count - k) * sizeof(*change->members));
                break;
            }
        say_lags(leader, &decision);
    }
    if (change)
        propose(leader, change);
    return lags;
}

static void run_look(void *context)
{
    struct broker *broker = context;
    bool lags = false;

    if (broker_sleeps(broker, &broker->isr_tick.event))
        return;
    for (size_t p = 0; p < broker->partition_count; p++) {
        struct partition *partition = broker->partitions[p];

        if (partition->leads && partition->replica_count && shrink(partition))
            lags = true;
    }
    if (lags)
        ticker_arm(broker, &broker->isr_tick, 0);
}

/* ---- its life ---- */

void isr_start(struct broker *broker)
{
    broker->max_lag_ms = broker_setting(broker, "replica.lag.time.max.ms");
    ticker_start(broker, &broker->isr_tick, 0, broker->max_lag_ms / 2, run_look);
    ticker_start(broker, &broker->isr_send_tick, SEND_MS, SEND_MS, run_send);
}

void isr_stop(struct broker *broker)
{
    struct isr_sender *sender = broker->isr_sender;

    event_cancel(broker->cluster->queue, &broker->isr_tick.event);
    event_cancel(broker->cluster->queue, &broker->isr_send_tick.event);
    if (!sender)
        return;
    network_cancel(&sender->message);
    stop_waiting(sender);
    event_cancel(broker->cluster->queue, &sender->retry);
    event_cancel(broker->cluster->queue, &sender->timeout);
    for (size_t i = 0; i < sender->unsent_count; i++)
        sender->unsent[i]->isr_asked = false;
    for (size_t i = 0; i < sender->asked_count; i++)
        if (sender->asked[i])
            sender->asked[i]->isr_asked = false;
    alter_partition_result_done(&sender->result);
    mem_free(sender->unsent);
    mem_free(sender->asked);
    mem_free(sender->changes);
    mem_free(sender);
    broker->isr_sender = NULL;
}
