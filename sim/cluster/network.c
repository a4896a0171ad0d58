/* What goes from one broker to another takes time. Later faults (cut, delay, lost) belong here; now every link is whole. */
#include "sim/cluster/cluster_internal.h"

enum { LATENCY_US = 100 };

int64_t network_latency_us(const struct cluster *cluster, int32_t from, int32_t to)
{
    (void)cluster;
    return from == to ? 0 : LATENCY_US;
}

void network_send(struct cluster *cluster, int32_t from, int32_t to, struct event *event)
{
    event_after(cluster->queue, event, network_latency_us(cluster, from, to));
}
