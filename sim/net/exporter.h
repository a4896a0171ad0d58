/* GET /metrics over HTTP, in Prometheus' text format, of what the brokers measure. It only looks: nothing of the cluster moves because of it. */
#pragma once
#include <uv.h>

#include "sim/cluster/cluster.h"

struct exporter;
/* At `address` ("127.0.0.1" for NULL); `port` 0: any free. ERR_BROKER_NOT_AVAILABLE: that can't be listened on, and why. */
enum err exporter_open(struct exporter **out, uv_loop_t *loop, struct cluster *cluster, const char *address, int32_t port, struct reason *reason);
int32_t exporter_port(const struct exporter *exporter);
void exporter_close(struct exporter *exporter);
