/* Metrics under Kafka's names (docs/ops: Monitoring; JMX): what a broker would tell an operator. Gauges are worked out when somebody looks; meters count what happened
 * since the broker started and keep their rates as Yammer's do (exponentially weighted, a tick each 5 s of virtual time, caught up when looked at), so neither
 * costs an event. */
#pragma once
#include "sim/base/table.h"
#include "sim/cluster/cluster.h"

/* Counts, and the rates of the last 1, 5 and 15 minutes. All zero is a new one. */
enum { METER_TICK_US = 5000000, METER_TICKS = 60 };
struct meter {
    int64_t count;
    int64_t started_us, tick_us;      /* tick_us: end of the last tick that is in the rates; 0: nothing was counted yet */
    double rates[3];                  /* a second */
    int64_t uncounted;                /* since that tick */
    bool begun;                       /* the rates have a first value */
    uint32_t recent[METER_TICKS];     /* counted in each of the last ticks; a ring, by tick_us / METER_TICK_US */
};
void meter_mark(struct meter *meter, int64_t n, int64_t now_us);
void meter_catch_up(struct meter *meter, int64_t now_us);
double meter_mean_rate(const struct meter *meter, int64_t now_us);
/* What was counted in the last `count` ticks, the oldest first; the last is the one under way. For sparklines. */
void meter_recent(struct meter *meter, int64_t now_us, int64_t *out, size_t count);

/* kafka.server:type=BrokerTopicMetrics: of each broker, and of each topic at it. */
enum topic_meter {
#define TOPIC_METER(id, name, doc) METER_##id,
#include "sim/cluster/meters.def"
#undef TOPIC_METER
    TOPIC_METERS
};
/* Of a broker as a whole. */
enum broker_meter {
#define BROKER_METER(id, type, name, doc) METER_##id,
#include "sim/cluster/meters.def"
#undef BROKER_METER
    BROKER_METERS
};
void partition_mark(struct partition *partition, enum topic_meter meter, int64_t n);   /* the topic's at its broker, and the broker's */
void broker_mark_topic(struct broker *broker, const char *topic, enum topic_meter meter, int64_t n);  /* one that it may not host */
void broker_mark(struct broker *broker, enum broker_meter meter, int64_t n);
struct meter *broker_topic_meter(struct broker *broker, enum topic_meter meter);       /* for looking */
struct meter *broker_meter_of(struct broker *broker, enum broker_meter meter);

struct metric {
    int32_t broker;
    const char *domain, *type, *name; /* "kafka.server", "ReplicaManager", "UnderReplicatedPartitions" */
    const char *tags;                 /* "topic=students,partition=0"; "": none */
    const char *doc;
    const struct meter *meter;        /* NULL: a gauge */
    double value;                     /* of a gauge; the count of a meter */
};
typedef void metric_fn(void *context, const struct metric *metric);
/* What a look wants; zero: all. */
struct metric_filter {
    const char *name;                 /* that name only; NULL */
    const int32_t *broker;            /* that broker only; NULL */
    bool summary;                     /* none that is of one topic or partition */
};
/* All metrics of the brokers that are up, broker by broker. Those of other layers come after the cluster's. */
void cluster_metrics(struct cluster *cluster, const struct metric_filter *filter, metric_fn *fn, void *context);
struct metric_source {                /* borrowed; of a layer above */
    void (*list)(void *context, struct broker *broker, const struct metric_filter *filter, metric_fn *fn, void *fn_context);
    void *context;
    struct metric_source *next;
};
void cluster_add_metrics(struct cluster *cluster, struct metric_source *source);
void cluster_remove_metrics(struct cluster *cluster, struct metric_source *source);
bool metric_wanted(const struct metric_filter *filter, const char *name, bool detail);
void cluster_register_metrics_table(struct cluster *cluster, struct tables *tables);
/* Prometheus' text format, with the names that its JMX exporter gives by default: kafka_server_replicamanager_underreplicatedpartitions{broker="1"} 0. */
struct text;
void cluster_metrics_prometheus(struct cluster *cluster, struct text *out);
