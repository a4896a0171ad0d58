/* Faults at what brokers say to each other and to their controller, by the name of the API that Kafka uses for it (`Fetch` of a follower, `AlterPartition`,
 * `BrokerHeartbeat`, 2.7's `LeaderAndIsr` ...). Which there are is decided above, where orders come in (sim/wire/faults.h); here is only the question, asked once
 * for each request. Whoever sends one:
 *
 *     network_send_request(cluster, &(struct fault_query){ .api = "AlterPartition", .from = 1, .to = 3, .topic = name, .partition = 0 }, &message, bytes);
 *     if ((err = network_refusal(&message))) ...     at the taker, in message.run: it answers this error, and does nothing else
 *     network_send_answer(cluster, 3, 1, &message, bytes);
 *
 * A lost request or answer never comes: who waits for it needs a timeout of its own, and network_cancel() before the next try. */
#pragma once
#include "sim/base/err.h"
#include "sim/cluster/network.h"

struct fault_query {
    const char *api;
    int32_t from, to;             /* brokers; a controller is at its broker; NETWORK_ZOOKEEPER */
    const char *topic;            /* NULL: of several, or of none */
    int32_t partition;            /* with a topic */
    bool part;                    /* set by cluster_partition_fault(): the request as a whole was asked about before */
};
struct fault_hook {
    struct fault_verdict (*ask)(void *context, const struct fault_query *query);
    bool (*may_hit)(void *context, const struct fault_query *query);                   /* the next of this kind, or one after it; nothing is counted */
    void *context;
};
void cluster_set_fault_hook(struct cluster *cluster, const struct fault_hook *hook);   /* borrowed; NULL: no faults */
/* What goes on by itself while all is well (heartbeats, the quorum's idle fetches) is no event; as long as a fault may hit it, it is. */
bool cluster_fault_may_hit(const struct cluster *cluster, const struct fault_query *query);
void cluster_faults_changed(struct cluster *cluster);                                  /* one was added or taken away */

void network_send_request(struct cluster *cluster, const struct fault_query *query, struct network_message *message, size_t bytes);
static inline enum err network_refusal(const struct network_message *message) { return message->verdict.kind == FAULT_ERROR ? message->verdict.error : ERR_OK; }
/* The two steps of it, for what travels another way than it is asked about: the question, and the way of a message whose verdict is set. */
struct fault_verdict cluster_fault(const struct cluster *cluster, const struct fault_query *query);
void network_send_judged(struct cluster *cluster, int32_t from, int32_t to, struct network_message *message, size_t bytes, int64_t delay_us);
/* The same message on its way back; if the answer is another one, its `verdict` is first to be set from the request's. */
void network_send_answer(struct cluster *cluster, int32_t from, int32_t to, struct network_message *message, size_t bytes);
/* Of one partition among several in a request that was asked about as a whole: the error that it is answered with. */
enum err cluster_partition_fault(struct cluster *cluster, const struct fault_query *query);

/* Messages that were held by this fault go on. */
void network_release(struct cluster *cluster, uint64_t fault);
size_t network_held_by_fault(const struct cluster *cluster, uint64_t fault);
