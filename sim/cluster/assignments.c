/* AssignReplicasToDirs of 4.3: a broker with several log dirs tells the controller in which one each replica lies, as soon as it made it or is about to move it. Kafka's
 * AssignmentsManager; the controller's side: ReplicationControlManager.handleAssignReplicasToDirs. */
#include <string.h>

#include "sim/base/mem.h"
#include "sim/cluster/cluster_internal.h"
#include "sim/cluster/faults.h"
#include "sim/cluster/partition_change.h"

enum { MOST_A_REQUEST = 2250, FIRST_DELAY_US = 100000, MOST_DELAY_US = 10000000 };

struct assignments {
    struct broker *broker;
    struct network_message message;
    struct event send_event, timeout;
    struct dir_assignment *ready, *sent;
    size_t ready_count, ready_capacity, sent_count, sent_capacity;
    struct image_wait wait;           /* at the controller: told when it is committed */
    bool waits, in_flight, on_its_way_back;
    enum err err;                     /* of the whole */
    int32_t home;
    int64_t broker_epoch;
    int failures;                     /* one after the other */
};

/* ---- the controller ---- */

static bool is_replica(const struct image_partition *partition, int32_t broker)
{
    return ids_contain(partition->replicas, partition->replica_count, broker);
}

static enum err assign_one(struct cluster *cluster, int32_t broker, const struct dir_assignment *item)
{
    const struct image_topic *topic = image_topic_by_id(cluster->controller.image, item->topic_id);
    struct partition_target target;
    struct partition_change change;
    struct arena arena;

    if (!topic)
        return ERR_UNKNOWN_TOPIC_ID;
    if (item->partition < 0 || item->partition >= topic->partition_count)
        return ERR_UNKNOWN_TOPIC_OR_PARTITION;
    if (!is_replica(&topic->partitions[item->partition], broker))
        return ERR_NOT_LEADER_OR_FOLLOWER;
    target = partition_target(&topic->partitions[item->partition]);
    target.directory_of = broker;
    target.directory = item->directory;
    if (!image_directory_online(cluster->controller.image, broker, item->directory))
        target.leaves = broker;
    arena_init(&arena);
    partition_change_make(&change, cluster, topic, item->partition, &target, &arena);
    partition_change_write(cluster, topic, &change, broker, "its log dir is another");
    arena_done(&arena);
    return ERR_OK;
}

enum err controller_assign_dirs(struct cluster *cluster, int32_t id, int64_t broker_epoch, struct dir_assignment *items, size_t count, int64_t *offset)
{
    const struct image_broker *known = image_broker(cluster->controller.image, id);

    if (cluster->controller.down)
        return ERR_NOT_CONTROLLER;
    if (!known || known->epoch != broker_epoch)
        return ERR_STALE_BROKER_EPOCH;
    for (size_t i = 0; i < count; i++)
        items[i].err = assign_one(cluster, id, &items[i]);
    return controller_commit(cluster, offset, NULL);
}

/* ---- the broker ---- */

static void send_soon(struct assignments *own)
{
    struct queue *queue = own->broker->cluster->queue;
    int64_t delay_us = FIRST_DELAY_US;

    for (int i = 1; i < own->failures && delay_us < MOST_DELAY_US; i++)
        delay_us *= 2;
    if (own->ready_count && !own->in_flight && !event_scheduled(&own->send_event))
        event_after(queue, &own->send_event, delay_us < MOST_DELAY_US ? delay_us : MOST_DELAY_US);
}

static void stop_waiting(struct assignments *own)
{
    if (own->waits)
        broker_forget_image_wait(cluster_broker(own->broker->cluster, own->home), &own->wait);
    own->waits = false;
}

/* The newest word about a replica counts. */
static struct dir_assignment *find(struct dir_assignment *items, size_t count, struct uuid topic_id, int32_t partition)
{
    for (size_t i = 0; i < count; i++)
        if (items[i].partition == partition && uuid_equal(items[i].topic_id, topic_id))
            return &items[i];
    return NULL;
}

static void ask_again(struct assignments *own, const struct dir_assignment *item)
{
    if (!find(own->ready, own->ready_count, item->topic_id, item->partition))
        ARRAY_ADD(own->ready, own->ready_count, own->ready_capacity) = *item;
}

static void take_answer(struct assignments *own, enum err err)
{
    event_cancel(own->broker->cluster->queue, &own->timeout);
    own->in_flight = false;
    own->failures = err ? own->failures + 1 : 0;
    for (size_t i = 0; i < own->sent_count; i++) {
        const struct dir_assignment *item = &own->sent[i];
        const struct image_topic *topic = image_topic_by_id(own->broker->image, item->topic_id);
        struct partition *partition = topic ? broker_partition(own->broker, topic->name, item->partition) : NULL;

        if (err || item->err)
            ask_again(own, item);
        else if (partition)
            log_move_accepted(partition, item->directory);
    }
    own->sent_count = 0;
    send_soon(own);
}

static void answer(struct assignments *own)
{
    own->waits = false;
    own->on_its_way_back = true;
    network_send_answer(own->broker->cluster, own->home, own->broker->id, &own->message, 64 + 24 * own->sent_count);
}

static void committed(void *context) { answer(context); }

static void lost(void *context)
{
    struct assignments *own = context;

    own->err = ERR_NOT_CONTROLLER;
    answer(own);
}

static void at_controller(struct assignments *own)
{
    struct cluster *cluster = own->broker->cluster;
    struct broker *home = cluster_broker(cluster, own->home);
    int64_t offset = -1;

    own->err = network_refusal(&own->message);
    if (!home->up) {
        take_answer(own, ERR_NETWORK_EXCEPTION);
        return;
    }
    if (!own->err && controller_home(cluster) != own->home)
        own->err = ERR_NOT_CONTROLLER;
    if (!own->err)
        own->err = controller_assign_dirs(cluster, own->broker->id, own->broker_epoch, own->sent, own->sent_count, &offset);
    if (own->err || offset < 0) {
        answer(own);
        return;
    }
    own->waits = true;
    own->wait = (struct image_wait){ .done = committed, .lost = lost, .context = own };
    broker_await_image(home, &own->wait, offset);
}

static void arrives(void *context)
{
    struct assignments *own = context;

    if (own->on_its_way_back)
        take_answer(own, own->err);
    else
        at_controller(own);
}

static void give_up(struct assignments *own)
{
    network_cancel(&own->message);
    stop_waiting(own);
    take_answer(own, ERR_REQUEST_TIMED_OUT);
}

static void time_is_over(void *context)
{
    struct assignments *own = context;

    if (!broker_sleeps(own->broker, &own->timeout))
        give_up(own);
}

static bool is_valid(const struct broker *broker, const struct dir_assignment *item)
{
    const struct image_topic *topic = image_topic_by_id(broker->image, item->topic_id);

    return topic && item->partition < topic->partition_count && is_replica(&topic->partitions[item->partition], broker->id);
}

static void send(void *context)
{
    struct assignments *own = context;
    struct broker *broker = own->broker;
    struct cluster *cluster = broker->cluster;
    size_t taken = 0;

    if (broker_sleeps(broker, &own->send_event) || own->in_flight || cluster->controller.down) /* assignments_controller_back */
        return;
    while (taken < own->ready_count && own->sent_count < MOST_A_REQUEST) {
        const struct dir_assignment *item = &own->ready[taken++];

        if (is_valid(broker, item))
            ARRAY_ADD(own->sent, own->sent_count, own->sent_capacity) = *item;
    }
    own->ready_count -= taken;
    memmove(own->ready, own->ready + taken, own->ready_count * sizeof(*own->ready));
    if (!own->sent_count)
        return;
    own->in_flight = true;
    own->on_its_way_back = false;
    own->home = controller_home(cluster);
    own->broker_epoch = broker->epoch;
    event_after(cluster->queue, &own->timeout, broker_setting(broker, "controller.socket.timeout.ms") * 1000);
    network_send_request(cluster, &(struct fault_query){ .api = "AssignReplicasToDirs", .from = broker->id, .to = own->home }, &own->message, 64 + 40 * own->sent_count);
}

void assignment_ask(struct partition *partition, const struct log_dir *dir)
{
    struct broker *broker = partition->broker;
    struct assignments *own = broker->assignments;
    struct dir_assignment *known;

    if (release_is_27(broker->cluster->release) || broker->dir_count == 1)
        return;
    if (!own) {
        own = broker->assignments = mem_zero(sizeof(*own));
        own->broker = broker;
        own->message = (struct network_message){ .run = arrives, .context = own };
        own->send_event = (struct event){ .run = send, .context = own };
        own->timeout = (struct event){ .run = time_is_over, .context = own };
    }
    known = find(own->ready, own->ready_count, partition->topic->id, partition->number);
    if (known)
        known->directory = dir->id;
    else
        ARRAY_ADD(own->ready, own->ready_count, own->ready_capacity) =
            (struct dir_assignment){ .topic_id = partition->topic->id, .partition = partition->number, .directory = dir->id };
    send_soon(own);
}

void assignment_check(struct partition *partition)
{
    struct broker *broker = partition->broker;
    const struct image_partition *image = partition_image(partition);
    struct uuid known;

    if (release_is_27(broker->cluster->release) || broker->dir_count == 1 || (partition->move && partition->move->step != MOVE_COPIES))
        return; /* of one that is about to take its place there the controller was told already */
    known = image_directory(broker->image, image, broker->id);
    if (!uuid_equal(known, partition->dir->id))
        assignment_ask(partition, partition->dir);
}

void assignments_controller_back(struct broker *broker)
{
    struct assignments *own = broker->assignments;

    if (!own || !broker->up)
        return;
    if (own->waits) /* whoever would have answered was gone */
        give_up(own);
    send_soon(own);
}

void assignments_stop(struct broker *broker)
{
    struct assignments *own = broker->assignments;

    if (!own)
        return;
    network_cancel(&own->message);
    stop_waiting(own);
    event_cancel(broker->cluster->queue, &own->send_event);
    event_cancel(broker->cluster->queue, &own->timeout);
    mem_free(own->ready);
    mem_free(own->sent);
    mem_free(own);
    broker->assignments = NULL;
}
