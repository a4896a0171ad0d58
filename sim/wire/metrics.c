/* What the requests of clients add to a broker's metrics: RequestMetrics, and who waits (DelayedOperationPurgatory). */
#include <stdio.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/wire/wire_internal.h"

/* Of one API at one broker. */
struct api_count {
    const struct api *api;
    int32_t broker;
    struct meter requests, errors;
};

void wire_count_request(struct wire *wire, const struct request *request, int16_t error)
{
    int32_t broker = request->connection->info.broker;
    struct api_count *count = NULL;
    int64_t now_us = queue_now_us(wire->queue);

    for (size_t i = 0; i < wire->api_count_count && !count; i++)
        if (wire->api_counts[i].api == request->api && wire->api_counts[i].broker == broker)
            count = &wire->api_counts[i];
    if (!count) {
        count = &ARRAY_ADD(wire->api_counts, wire->api_count_count, wire->api_count_capacity);
        *count = (struct api_count){ .api = request->api, .broker = broker };
    }
    meter_mark(&count->requests, 1, now_us);
    if (error)
        meter_mark(&count->errors, 1, now_us);
}

/* Its counts end with its process. */
void wire_forget_counts(struct wire *wire, int32_t broker)
{
    size_t kept = 0;

    for (size_t i = 0; i < wire->api_count_count; i++)
        if (wire->api_counts[i].broker != broker)
            wire->api_counts[kept++] = wire->api_counts[i];
    wire->api_count_count = kept;
}

void wire_list_metrics(void *context, struct broker *broker, const struct metric_filter *filter, metric_fn *fn, void *fn_context)
{
    struct wire *wire = context;
    int64_t waiting[2] = { 0 }, connections = 0;
    struct metric metric = { .broker = broker_id(broker), .domain = "kafka.network", .type = "RequestMetrics" };
    char tags[100];

    for (size_t i = 0; i < wire->api_count_count; i++) {
        struct api_count *count = &wire->api_counts[i];
        struct meter *meters[] = { &count->requests, &count->errors };

        for (int m = 0; count->broker == metric.broker && m < 2; m++) {
            metric.name = m ? "ErrorsPerSec" : "RequestsPerSec";
            metric.doc = m ? "of these, answered with an error code" : "requests answered";
            if (!metric_wanted(filter, metric.name, false))
                continue;
            snprintf(tags, sizeof(tags), "request=%s", count->api->name);
            meter_catch_up(meters[m], queue_now_us(wire->queue));
            metric.tags = tags;
            metric.meter = meters[m];
            metric.value = (double)meters[m]->count;
            fn(fn_context, &metric);
        }
    }
    for (size_t i = 0; i < wire->connection_count; i++) {
        const struct connection *connection = wire->connections[i];

        if (connection->broker != broker || connection->guest)
            continue;
        connections++;
        if (connection->request.parked && (connection->request.api->key == 0 || connection->request.api->key == 1))
            waiting[connection->request.api->key]++;
    }
    metric.meter = NULL;
    for (int api = 0; api < 2; api++) {
        metric.domain = "kafka.server", metric.type = "DelayedOperationPurgatory", metric.name = "PurgatorySize";
        metric.tags = api ? "delayedOperation=Fetch" : "delayedOperation=Produce";
        metric.doc = api ? "consumers' fetches that wait for data" : "produce requests with acks=all that wait for followers";
        metric.value = (double)waiting[api];
        if (metric_wanted(filter, metric.name, false))
            fn(fn_context, &metric);
    }
    metric.type = "socket-server-metrics", metric.name = "connection-count", metric.tags = "", metric.doc = "clients connected", metric.value = (double)connections;
    if (metric_wanted(filter, metric.name, false))
        fn(fn_context, &metric);
}
