/* Links between nodes: how long a message takes, and those that must wait. */
#include "sim/cluster/network.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/text.h"
#include "sim/cluster/cluster_internal.h"
#include "sim/cluster/faults.h"

enum { LATENCY_US = 100, RESEND_US = 200 * 1000, MOST_RESENDS = 8, MOST_FROZEN = MOST_BROKERS };

struct disturbed {
    struct network_link link;
    int64_t busy_until_us;            /* limited bandwidth: the last byte of what was sent before has left */
    int64_t last_arrival_us;          /* nothing overtakes */
};

struct network {
    struct random random;
    struct disturbed *links;          /* sorted by from, to */
    size_t link_count, link_capacity;
    struct frozen { int32_t node; int64_t since_us; } *frozen;
    size_t frozen_count, frozen_capacity;
    struct network_message *held, *last_held;
    struct network_watch *watches;
    const struct fault_hook *faults;
};

struct network *network_new(struct cluster *cluster)
{
    struct network *network = mem_zero(sizeof(*network));

    network->random = random_fork(&cluster->random, "network");
    return network;
}

void network_free(struct network *network)
{
    if (!network)
        return;
    mem_free(network->links);
    mem_free(network->frozen);
    mem_free(network);
}

/* ---- asking ---- */

static bool before(const struct network_link *link, int32_t from, int32_t to)
{
    return link->from != from ? link->from < from : link->to < to;
}

static size_t place_of(const struct network *network, int32_t from, int32_t to)
{
    size_t at = 0;

    while (at < network->link_count && before(&network->links[at].link, from, to))
        at++;
    return at;
}

static struct disturbed *find(const struct network *network, int32_t from, int32_t to)
{
    size_t at = network->link_count ? place_of(network, from, to) : 0;
    struct disturbed *found = at < network->link_count ? &network->links[at] : NULL;

    return found && found->link.from == from && found->link.to == to ? found : NULL;
}

static int64_t undisturbed_us(int32_t from, int32_t to)
{
    return from == to || from == NETWORK_CLIENTS || to == NETWORK_CLIENTS ? 0 : LATENCY_US;
}

struct network_link network_link(const struct cluster *cluster, int32_t from, int32_t to)
{
    const struct disturbed *disturbed = find(cluster->network, from, to);

    return disturbed ? disturbed->link : (struct network_link){ .from = from, .to = to, .latency_us = undisturbed_us(from, to) };
}

int64_t network_latency_us(const struct cluster *cluster, int32_t from, int32_t to)
{
    const struct disturbed *disturbed = find(cluster->network, from, to);

    return disturbed ? disturbed->link.latency_us : undisturbed_us(from, to);
}

static struct frozen *frozen(const struct network *network, int32_t node)
{
    for (size_t i = 0; i < network->frozen_count; i++)
        if (network->frozen[i].node == node)
            return &network->frozen[i];
    return NULL;
}

bool network_frozen(const struct cluster *cluster, int32_t node)
{
    return frozen(cluster->network, node);
}

int64_t network_frozen_since_us(const struct cluster *cluster, int32_t node)
{
    const struct frozen *found = frozen(cluster->network, node);

    return found ? found->since_us : NEVER_US;
}

bool network_open(const struct cluster *cluster, int32_t from, int32_t to)
{
    const struct network *network = cluster->network;
    const struct disturbed *disturbed = find(network, from, to);

    return !(disturbed && disturbed->link.cut) && !(network->frozen_count && (frozen(network, from) || frozen(network, to)));
}

bool network_is_direct(const struct cluster *cluster, int32_t from, int32_t to)
{
    const struct network *network = cluster->network;

    return !undisturbed_us(from, to) && !(network->link_count && find(network, from, to)) && !(network->frozen_count && (frozen(network, from) || frozen(network, to)));
}

bool network_open_both_ways(const struct cluster *cluster, int32_t a, int32_t b)
{
    return network_open(cluster, a, b) && network_open(cluster, b, a);
}

size_t network_held_count(const struct cluster *cluster, int32_t from, int32_t to)
{
    size_t count = 0;

    for (const struct network_message *message = cluster->network->held; message; message = message->next)
        count += message->from == from && message->to == to;
    return count;
}

size_t network_disturbed_count(const struct cluster *cluster)
{
    return cluster->network->link_count;
}

struct network_link network_disturbed_at(const struct cluster *cluster, size_t i)
{
    return cluster->network->links[i].link;
}

bool network_node_parse(const struct cluster *cluster, const char *text, int32_t *node)
{
    if (!strcmp(text, "clients"))
        *node = NETWORK_CLIENTS;
    else if (!strcmp(text, "zookeeper") && release_is_27(cluster->release))
        *node = NETWORK_ZOOKEEPER;
    else
        return parse_i32(text, node) && cluster_broker(cluster, *node);
    return true;
}

void network_node_name(int32_t node, char name[16])
{
    if (node == NETWORK_CLIENTS || node == NETWORK_ZOOKEEPER)
        strcpy(name, node == NETWORK_CLIENTS ? "clients" : "zookeeper");
    else
        snprintf(name, 16, "%d", node);
}

/* ---- on the way ---- */

/* Of a link that somebody changed: chance, what is before it, how much fits through. */
static int64_t arrival_us(struct network *network, struct disturbed *disturbed, int64_t leaves_us, size_t bytes)
{
    const struct network_link *link = &disturbed->link;
    int64_t at_us = leaves_us, resend_us = RESEND_US;

    if (link->bytes_per_second) {
        if (disturbed->busy_until_us > at_us)
            at_us = disturbed->busy_until_us;
        at_us += (int64_t)((double)bytes * 1e6 / (double)link->bytes_per_second);
        disturbed->busy_until_us = at_us;
    }
    at_us += link->latency_us;
    if (link->jitter_us)
        at_us += (int64_t)random_below(&network->random, (uint64_t)link->jitter_us + 1);
    for (int i = 0; link->loss_ppm && i < MOST_RESENDS && random_below(&network->random, 1000000) < (uint64_t)link->loss_ppm; i++, resend_us *= 2)
        at_us += resend_us;
    if (at_us < disturbed->last_arrival_us)
        at_us = disturbed->last_arrival_us;
    disturbed->last_arrival_us = at_us;
    return at_us;
}

static void hold(struct network *network, struct network_message *message)
{
    message->held = true;
    message->held_since_us = queue_now_us(message->cluster->queue);
    message->next = NULL;
    message->previous = network->last_held;
    if (network->last_held)
        network->last_held->next = message;
    else
        network->held = message;
    network->last_held = message;
}

static void let_go(struct network *network, struct network_message *message)
{
    if (message->next)
        message->next->previous = message->previous;
    else
        network->last_held = message->previous;
    if (message->previous)
        message->previous->next = message->next;
    else
        network->held = message->next;
    message->next = message->previous = NULL;
    message->held = message->faulty = message->lost = false;
}

static void arrives(void *context)
{
    struct network_message *message = context;

    if (network_open(message->cluster, message->from, message->to))
        message->run(message->context);
    else
        hold(message->cluster->network, message);
}

void network_send_later(struct cluster *cluster, int32_t from, int32_t to, struct network_message *message, size_t bytes, int64_t delay_us)
{
    struct disturbed *disturbed = find(cluster->network, from, to);
    int64_t leaves_us = queue_now_us(cluster->queue) + delay_us;

    assert(!network_under_way(message));
    message->cluster = cluster;
    message->from = from;
    message->to = to;
    message->event.run = arrives;
    message->event.context = message;
    event_at(cluster->queue, &message->event,
             disturbed ? arrival_us(cluster->network, disturbed, leaves_us, bytes) : leaves_us + undisturbed_us(from, to));
}

void network_send(struct cluster *cluster, int32_t from, int32_t to, struct network_message *message, size_t bytes)
{
    network_send_later(cluster, from, to, message, bytes, 0);
}

void network_cancel(struct network_message *message)
{
    if (message->held)
        let_go(message->cluster->network, message);
    else if (event_scheduled(&message->event))
        event_cancel(message->cluster->queue, &message->event);
}

/* All that may come through now goes on, in its order. */
static void release(struct cluster *cluster)
{
    struct network *network = cluster->network;

    for (struct network_message *message = network->held, *next; message; message = next) {
        next = message->next;
        if (message->faulty || message->lost || !network_open(cluster, message->from, message->to))
            continue;
        let_go(network, message);
        network_send(cluster, message->from, message->to, message, 0);
    }
}

/* ---- faults ---- */

void cluster_set_fault_hook(struct cluster *cluster, const struct fault_hook *hook)
{
    cluster->network->faults = hook;
}

struct fault_verdict cluster_fault(const struct cluster *cluster, const struct fault_query *query)
{
    const struct fault_hook *hook = cluster->network->faults;

    return hook ? hook->ask(hook->context, query) : (struct fault_verdict){ .kind = FAULT_NONE };
}

bool cluster_fault_may_hit(const struct cluster *cluster, const struct fault_query *query)
{
    const struct fault_hook *hook = cluster->network->faults;

    return hook && hook->may_hit(hook->context, query);
}

void cluster_faults_changed(struct cluster *cluster)
{
    if (cluster->opening || cluster->inspection)
        return;
    heartbeats_check(cluster);
    quorum_faults_changed(cluster);
}

static void keep_back(struct cluster *cluster, int32_t from, int32_t to, struct network_message *message, bool lost)
{
    assert(!network_under_way(message));
    message->cluster = cluster;
    message->from = from;
    message->to = to;
    hold(cluster->network, message);
    message->lost = lost;
    message->faulty = !lost;
}

void network_send_judged(struct cluster *cluster, int32_t from, int32_t to, struct network_message *message, size_t bytes, int64_t delay_us)
{
    switch (message->verdict.kind) {
    case FAULT_LOSE_REQUEST:
        keep_back(cluster, from, to, message, true);
        return;
    case FAULT_HOLD:
    case FAULT_BLACKHOLE:
        keep_back(cluster, from, to, message, false);
        return;
    default:
        network_send_later(cluster, from, to, message, bytes, delay_us + message->verdict.delay_us);
    }
}

void network_send_request(struct cluster *cluster, const struct fault_query *query, struct network_message *message, size_t bytes)
{
    message->verdict = cluster_fault(cluster, query);
    network_send_judged(cluster, query->from, query->to, message, bytes, 0);
}

void network_send_answer(struct cluster *cluster, int32_t from, int32_t to, struct network_message *message, size_t bytes)
{
    enum fault_kind kind = message->verdict.kind;

    message->verdict = (struct fault_verdict){ .kind = FAULT_NONE };
    if (kind == FAULT_LOSE_RESPONSE)
        keep_back(cluster, from, to, message, true);
    else
        network_send(cluster, from, to, message, bytes);
}

enum err cluster_partition_fault(struct cluster *cluster, const struct fault_query *query)
{
    struct fault_query part = *query;
    struct fault_verdict verdict;

    part.part = true;
    verdict = cluster_fault(cluster, &part);
    return verdict.kind == FAULT_ERROR ? verdict.error : ERR_OK;
}

void network_release(struct cluster *cluster, uint64_t fault)
{
    struct network *network = cluster->network;

    for (struct network_message *message = network->held, *next; message; message = next) {
        next = message->next;
        if (!message->faulty || message->verdict.fault != fault)
            continue;
        let_go(network, message);
        message->verdict = (struct fault_verdict){ .kind = FAULT_NONE };
        network_send(cluster, message->from, message->to, message, 0);
    }
}

size_t network_held_by_fault(const struct cluster *cluster, uint64_t fault)
{
    size_t count = 0;

    for (const struct network_message *message = cluster->network->held; message; message = message->next)
        count += message->faulty && message->verdict.fault == fault;
    return count;
}

/* ---- what is done to it ---- */

void network_watch(struct cluster *cluster, struct network_watch *watch)
{
    struct network_watch **at = &cluster->network->watches;

    while (*at) /* told in the order in which they came */
        at = &(*at)->next;
    watch->next = NULL;
    *at = watch;
}

void network_unwatch(struct cluster *cluster, struct network_watch *watch)
{
    for (struct network_watch **at = &cluster->network->watches; *at; at = &(*at)->next)
        if (*at == watch) {
            *at = watch->next;
            watch->next = NULL;
            return;
        }
}

static void tell(struct cluster *cluster, int32_t from, int32_t to)
{
    for (struct network_watch *watch = cluster->network->watches, *next; watch; watch = next) {
        next = watch->next;
        watch->changed(watch->context, from, to);
    }
}

static bool as_at_first(const struct network_link *link)
{
    return !link->cut && !link->jitter_us && !link->loss_ppm && !link->bytes_per_second && link->latency_us == undisturbed_us(link->from, link->to);
}

void network_set_link(struct cluster *cluster, const struct network_link *link)
{
    struct network *network = cluster->network;
    struct disturbed *disturbed = find(network, link->from, link->to);
    bool was_cut = disturbed && disturbed->link.cut;
    int64_t cut_since_us = was_cut ? disturbed->link.cut_since_us : queue_now_us(cluster->queue);
    size_t at = place_of(network, link->from, link->to);

    if (!disturbed && as_at_first(link))
        return;
    if (disturbed && as_at_first(link)) {
        network->link_count--;
        memmove(&network->links[at], &network->links[at + 1], (network->link_count - at) * sizeof(*network->links));
    } else {
        if (!disturbed) {
            ARRAY_ADD(network->links, network->link_count, network->link_capacity) = (struct disturbed){ 0 };
            memmove(&network->links[at + 1], &network->links[at], (network->link_count - 1 - at) * sizeof(*network->links));
            network->links[at] = (struct disturbed){ 0 };
        }
        network->links[at].link = *link;
        network->links[at].link.cut_since_us = link->cut ? cut_since_us : 0;
    }
    if (was_cut && !link->cut)
        release(cluster);
    if (was_cut != link->cut)
        tell(cluster, link->from, link->to);
}

void network_cut(struct cluster *cluster, int32_t from, int32_t to)
{
    struct network_link link = network_link(cluster, from, to);

    link.cut = true;
    network_set_link(cluster, &link);
}

void network_heal(struct cluster *cluster, int32_t from, int32_t to)
{
    network_set_link(cluster, &(struct network_link){ .from = from, .to = to, .latency_us = undisturbed_us(from, to) });
}

void network_heal_all(struct cluster *cluster)
{
    while (cluster->network->link_count) {
        const struct network_link *link = &cluster->network->links[0].link;

        network_heal(cluster, link->from, link->to);
    }
}

void network_freeze(struct cluster *cluster, int32_t node)
{
    struct network *network = cluster->network;

    if (frozen(network, node))
        return;
    ARRAY_ADD(network->frozen, network->frozen_count, network->frozen_capacity) = (struct frozen){ node, queue_now_us(cluster->queue) };
    tell(cluster, node, node);
}

void network_thaw(struct cluster *cluster, int32_t node)
{
    struct network *network = cluster->network;
    struct frozen *found = frozen(network, node);

    if (!found)
        return;
    *found = network->frozen[--network->frozen_count];
    release(cluster);
    tell(cluster, node, node);
}
