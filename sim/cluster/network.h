/* The simulated network: what goes from one node of the cluster to another takes time, may be late, lost on the way, or not come through at all.
 * Nodes are the brokers by their ids (a controller sits at its broker), ZooKeeper (2.7), and the clients, all of them at one place.
 * A link has a direction; what nobody changed is whole: 100 us between nodes, nothing to and from clients.
 *
 * As TCP has it: messages of one direction arrive in the order in which they were sent; a lost one is sent again after a timeout (200 ms, then twice that, and
 * so on), so loss is delay; through a cut link nothing comes, and what was sent waits until it is healed: who waits for an answer needs a timeout of its own. A frozen
 * node (a long pause of its garbage collector) neither sends nor takes anything until it thaws; then all of it comes. Deviation: after a cut, TCP's next try can be
 * a while off; here what waited goes on at once.
 *
 * An undisturbed link costs nothing beside the event of the message, and no chance is drawn for it. */
#pragma once
#include "sim/base/err.h"
#include "sim/base/table.h"
#include "sim/cluster/cluster.h"

enum { NETWORK_CLIENTS = -2, NETWORK_ZOOKEEPER = -3 };

/* What a fault does to a request: see faults.h. */
enum fault_kind { FAULT_NONE, FAULT_ERROR, FAULT_LOSE_REQUEST, FAULT_LOSE_RESPONSE, FAULT_DELAY, FAULT_HOLD, FAULT_BLACKHOLE };
struct fault_verdict {
    enum fault_kind kind;
    enum err error;
    int64_t delay_us;
    uint64_t fault;                   /* its number */
};

/* Lies in its owner. All zero plus run and context is a ready one; the owner cancels it before it goes away. */
struct network_message {
    void (*run)(void *context);       /* it has arrived */
    void *context;
    /* the network's own: */
    struct cluster *cluster;
    struct event event;
    int32_t from, to;
    int64_t held_since_us;
    bool held;                        /* by a cut link or a frozen node; by the verdict's fault, with `faulty`; it was lost, with `lost` */
    bool faulty, lost;
    struct fault_verdict verdict;     /* of the request: faults.h */
    struct network_message *next, *previous; /* of those held, in the order in which they would have come */
};
/* `bytes`: what it would take on the wire, for links of limited bandwidth. One that is under way already must not be sent. */
void network_send(struct cluster *cluster, int32_t from, int32_t to, struct network_message *message, size_t bytes);
/* As network_send, but it leaves only after so long (a slow disk): the rest of its way begins then. */
void network_send_later(struct cluster *cluster, int32_t from, int32_t to, struct network_message *message, size_t bytes, int64_t delay_us);
void network_cancel(struct network_message *message);   /* also of one that isn't under way */
static inline bool network_under_way(const struct network_message *message) { return message->held || event_scheduled(&message->event); }

/* What comes through at this moment: the link is not cut and neither end is frozen. */
bool network_open(const struct cluster *cluster, int32_t from, int32_t to);
bool network_is_direct(const struct cluster *cluster, int32_t from, int32_t to);       /* nothing is to be sent at all: it comes at once, as between clients and brokers at first */
bool network_open_both_ways(const struct cluster *cluster, int32_t a, int32_t b);
int64_t network_latency_us(const struct cluster *cluster, int32_t from, int32_t to);   /* without jitter and loss */
bool network_frozen(const struct cluster *cluster, int32_t node);
int64_t network_frozen_since_us(const struct cluster *cluster, int32_t node);          /* NEVER_US: it is not */

/* ---- what is done to it; each tells the watches of it, after the change, once for each direction or node ---- */
struct network_link {
    int32_t from, to;
    int64_t latency_us, jitter_us;    /* jitter: 0..jitter_us more, evenly, by the network's chance */
    int64_t bytes_per_second;         /* 0: no limit */
    int32_t loss_ppm;                 /* of a million messages so many are lost once, and of these again */
    bool cut;
    int64_t cut_since_us;
};
struct network_link network_link(const struct cluster *cluster, int32_t from, int32_t to);  /* as it is, also an undisturbed one */
/* Sets all of it; what is held by a link that is cut no longer goes on, in order, with its latency anew. */
void network_set_link(struct cluster *cluster, const struct network_link *link);
void network_cut(struct cluster *cluster, int32_t from, int32_t to);     /* one way */
void network_heal(struct cluster *cluster, int32_t from, int32_t to);    /* one way: all of it back to undisturbed */
void network_heal_all(struct cluster *cluster);                          /* links; frozen nodes stay frozen */
void network_freeze(struct cluster *cluster, int32_t node);
void network_thaw(struct cluster *cluster, int32_t node);

/* Told when a link is cut or comes through again (node: also all links of a node that freezes or thaws: from == to == the node). Latency and the like are not told:
 * the next message sees them. */
struct network_watch {
    void (*changed)(void *context, int32_t from, int32_t to);
    void *context;
    struct network_watch *next;
};
void network_watch(struct cluster *cluster, struct network_watch *watch);   /* borrowed until network_unwatch or the cluster's end */
void network_unwatch(struct cluster *cluster, struct network_watch *watch);

/* "1", "clients", "zookeeper": the caller's words of a node. False: it is none of this cluster. */
bool network_node_parse(const struct cluster *cluster, const char *text, int32_t *node);
void network_node_name(int32_t node, char name[16]);
/* Links that are not as they were at first. */
size_t network_disturbed_count(const struct cluster *cluster);
struct network_link network_disturbed_at(const struct cluster *cluster, size_t i);
size_t network_held_count(const struct cluster *cluster, int32_t from, int32_t to);   /* messages that wait in that direction */
