/* What a broker counts, and what is worked out when somebody looks. */
#include "sim/cluster/metrics.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/text.h"
#include "sim/cluster/group_internal.h"
#include "sim/cluster/quorum.h"

/* ---- meters: Yammer's, as Kafka uses them ---- */

/* Rates of 1, 5, 15 minutes: what a tick of 5 s takes over of the present rate. */
static const double minutes[] = { 1, 5, 15 };

static void tick(struct meter *meter, int64_t ticks)
{
    double now = (double)meter->uncounted / (METER_TICK_US / 1e6);

    for (int i = 0; i < 3; i++) {
        double alpha = 1 - exp(-(METER_TICK_US / 1e6) / (60 * minutes[i]));

        meter->rates[i] = meter->begun ? meter->rates[i] + alpha * (now - meter->rates[i]) : now;
        if (ticks > 1) /* silence since */
            meter->rates[i] *= pow(1 - alpha, (double)(ticks - 1));
    }
    meter->begun = true;
    meter->uncounted = 0;
}

void meter_catch_up(struct meter *meter, int64_t now_us)
{
    int64_t ticks = (now_us - meter->tick_us) / METER_TICK_US;

    if (!meter->tick_us || ticks < 1)
        return;
    tick(meter, ticks);
    for (int64_t i = 0; i < ticks && i < METER_TICKS; i++)
        meter->recent[(meter->tick_us / METER_TICK_US + 1 + i) % METER_TICKS] = 0;
    if (ticks > METER_TICKS)
        memset(meter->recent, 0, sizeof(meter->recent));
    meter->tick_us += ticks * METER_TICK_US;
}

void meter_mark(struct meter *meter, int64_t n, int64_t now_us)
{
    int64_t place;

    if (!meter->tick_us) {
        meter->started_us = now_us;
        meter->tick_us = now_us / METER_TICK_US * METER_TICK_US;
    } else if (now_us - meter->tick_us >= METER_TICK_US) {
        meter_catch_up(meter, now_us);
    }
    meter->count += n;
    meter->uncounted += n;
    place = meter->tick_us / METER_TICK_US % METER_TICKS;
    meter->recent[place] = n > (int64_t)(UINT32_MAX - meter->recent[place]) ? UINT32_MAX : meter->recent[place] + (uint32_t)n;
}

double meter_mean_rate(const struct meter *meter, int64_t now_us)
{
    return meter->tick_us && now_us > meter->started_us ? (double)meter->count * 1e6 / (double)(now_us - meter->started_us) : 0;
}

void meter_recent(struct meter *meter, int64_t now_us, int64_t *out, size_t count)
{
    meter_catch_up(meter, now_us);
    for (size_t i = 0; i < count; i++) {
        int64_t back = (int64_t)(count - 1 - i);

        out[i] = meter->tick_us && back < METER_TICKS ? meter->recent[(meter->tick_us / METER_TICK_US - back) % METER_TICKS] : 0;
    }
}

/* ---- what is counted ---- */

static void mark(struct broker *broker, struct topic_settings *settings, enum topic_meter meter, int64_t n)
{
    int64_t now_us = queue_now_us(broker->cluster->queue);

    meter_mark(&broker->topic_meters[meter], n, now_us);
    if (!settings)
        return;
    if (!settings->meters)
        settings->meters = mem_zero_array(TOPIC_METERS, sizeof(*settings->meters));
    meter_mark(&settings->meters[meter], n, now_us);
}

void partition_mark(struct partition *partition, enum topic_meter meter, int64_t n)
{
    mark(partition->broker, partition->settings, meter, n);
}

void broker_mark_topic(struct broker *broker, const char *topic, enum topic_meter meter, int64_t n)
{
    mark(broker, broker_topic_settings(broker, topic), meter, n);
}

void broker_mark(struct broker *broker, enum broker_meter meter, int64_t n)
{
    meter_mark(&broker->meters[meter], n, queue_now_us(broker->cluster->queue));
}

struct meter *broker_topic_meter(struct broker *broker, enum topic_meter meter) { return &broker->topic_meters[meter]; }
struct meter *broker_meter_of(struct broker *broker, enum broker_meter meter) { return &broker->meters[meter]; }

void metrics_forget(struct broker *broker)
{
    memset(broker->topic_meters, 0, sizeof(broker->topic_meters));
    memset(broker->meters, 0, sizeof(broker->meters));
}

/* ---- looking ---- */

static const struct { const char *name, *doc; } topic_meters[] = {
#define TOPIC_METER(id, name, doc) { name, doc },
#include "sim/cluster/meters.def"
#undef TOPIC_METER
};
static const struct { const char *type, *name, *doc; } broker_meters[] = {
#define BROKER_METER(id, type, name, doc) { type, name, doc },
#include "sim/cluster/meters.def"
#undef BROKER_METER
};

bool metric_wanted(const struct metric_filter *filter, const char *name, bool detail)
{
    return !(detail && filter->summary) && (!filter->name || !strcmp(filter->name, name));
}

struct look {
    struct broker *broker;
    const struct metric_filter *filter;
    metric_fn *fn;
    void *context;
};

static void gauge(const struct look *look, const char *domain, const char *type, const char *name, const char *tags, double value, const char *doc)
{
    struct metric metric = { look->broker->id, domain, type, name, tags, doc, NULL, value };

    if (metric_wanted(look->filter, name, *tags && strstr(tags, "topic=")))
        look->fn(look->context, &metric);
}

static void counted(const struct look *look, const char *domain, const char *type, const char *name, const char *tags, struct meter *meter, const char *doc)
{
    struct metric metric = { look->broker->id, domain, type, name, tags, doc, meter, (double)meter->count };

    if (!metric_wanted(look->filter, name, *tags && strstr(tags, "topic=")))
        return;
    meter_catch_up(meter, queue_now_us(look->broker->cluster->queue));
    look->fn(look->context, &metric);
}

static void meters(const struct look *look)
{
    struct broker *broker = look->broker;

    for (int m = 0; m < TOPIC_METERS; m++)
        counted(look, "kafka.server", "BrokerTopicMetrics", topic_meters[m].name, "", &broker->topic_meters[m], topic_meters[m].doc);
    for (size_t t = 0; t < broker->topic_count; t++) {
        char tags[300];

        if (!broker->topics[t]->meters)
            continue;
        snprintf(tags, sizeof(tags), "topic=%s", broker->topics[t]->name);
        for (int m = 0; m < TOPIC_METERS; m++)
            counted(look, "kafka.server", "BrokerTopicMetrics", topic_meters[m].name, tags, &broker->topics[t]->meters[m], topic_meters[m].doc);
    }
    for (int m = 0; m < BROKER_METERS; m++)
        counted(look, strcmp(broker_meters[m].type, "ControllerStats") ? "kafka.server" : "kafka.controller", broker_meters[m].type, broker_meters[m].name, "",
                &broker->meters[m], broker_meters[m].doc);
}

/* How a partition stands, as its leader counts it. */
struct standing { bool under_replicated, under_min_isr, at_min_isr, moves; };

static struct standing standing(const struct partition *partition)
{
    const struct image_partition *image = partition_image(partition);
    int32_t least = partition_min_isr(partition);

    return (struct standing){ image->isr_count < image->replica_count, image->isr_count < least, image->isr_count == least,
                              image->adding_count > 0 || image->removing_count > 0 };
}

static void replica_manager(const struct look *look)
{
    int64_t leaders = 0, under_replicated = 0, under_min = 0, at_min = 0, moving = 0, max_lag = 0;
    struct broker *broker = look->broker;

    for (size_t i = 0; i < broker->partition_count; i++) {
        struct partition *partition = broker->partitions[i];
        struct standing is = standing(partition);

        if (partition->leads) {
            leaders++;
            under_replicated += is.under_replicated;
            under_min += is.under_min_isr;
            at_min += is.at_min_isr;
            moving += is.moves;
        } else if (partition->follow.fetcher && partition->follow.lag > max_lag) {
            max_lag = partition->follow.lag;
        }
    }
    gauge(look, "kafka.server", "ReplicaManager", "PartitionCount", "", (double)broker->partition_count, "replicas here, leaders and followers");
    gauge(look, "kafka.server", "ReplicaManager", "LeaderCount", "", (double)leaders, "partitions led here");
    gauge(look, "kafka.server", "ReplicaManager", "UnderReplicatedPartitions", "", (double)under_replicated, "led here with a replica that is not in sync: 0 when all is well");
    gauge(look, "kafka.server", "ReplicaManager", "UnderMinIsrPartitionCount", "", (double)under_min, "led here with fewer in sync than min.insync.replicas: acks=all is refused");
    gauge(look, "kafka.server", "ReplicaManager", "AtMinIsrPartitionCount", "", (double)at_min, "led here with just as many: one more loss and acks=all is refused");
    gauge(look, "kafka.server", "ReplicaManager", "ReassigningPartitions", "", (double)moving, "led here and being moved to other brokers");
    gauge(look, "kafka.server", "ReplicaManager", "OfflineReplicaCount", "", 0, "replicas on a log dir that failed; here the broker halts then");
    gauge(look, "kafka.server", "ReplicaFetcherManager", "MaxLag", "clientId=Replica", (double)max_lag, "committed records that the slowest follower here lacked after its last fetch");
}

static void partitions(const struct look *look)
{
    struct broker *broker = look->broker;
    char tags[320];

    if (look->filter->summary)
        return;
    for (size_t i = 0; i < broker->partition_count; i++) {
        struct partition *partition = broker->partitions[i];
        const struct image_partition *image = partition_image(partition);
        struct standing is = standing(partition);

        snprintf(tags, sizeof(tags), "topic=%s,partition=%d", partition->topic->name, partition->number);
        gauge(look, "kafka.log", "Log", "LogStartOffset", tags, (double)log_start_offset(partition->log), "first offset that can be read");
        gauge(look, "kafka.log", "Log", "LogEndOffset", tags, (double)log_end_offset(partition->log), "offset of the next record");
        gauge(look, "kafka.log", "Log", "NumLogSegments", tags, (double)log_segment_count(partition->log), "segments, deleted ones that still lie on disk too");
        gauge(look, "kafka.log", "Log", "Size", tags, (double)log_size_bytes(partition->log), "bytes of all segments");
        gauge(look, "kafka.cluster", "Partition", "UnderReplicated", tags, partition->leads && is.under_replicated, "1: led here, and a replica is not in sync");
        gauge(look, "kafka.cluster", "Partition", "UnderMinIsr", tags, partition->leads && is.under_min_isr, "1: led here, with fewer in sync than min.insync.replicas");
        gauge(look, "kafka.cluster", "Partition", "AtMinIsr", tags, partition->leads && is.at_min_isr, "1: led here, with just as many in sync");
        gauge(look, "kafka.cluster", "Partition", "InSyncReplicasCount", tags, partition->leads ? image->isr_count : 0, "in sync, where it is led here");
        gauge(look, "kafka.cluster", "Partition", "ReplicasCount", tags, partition->leads ? image->replica_count : 0, "replicas, where it is led here");
        gauge(look, "kafka.cluster", "Partition", "LastStableOffsetLag", tags,
              partition->leads ? (double)(log_high_watermark(partition->log) - log_last_stable_offset(partition->log)) : 0, "records that an open transaction hides");
        if (!partition->leads && partition->follow.fetcher) {
            snprintf(tags, sizeof(tags), "clientId=ReplicaFetcherThread-0-%d,topic=%s,partition=%d", partition->leader, partition->topic->name,
                     partition->number);
            gauge(look, "kafka.server", "FetcherLagMetrics", "ConsumerLag", tags, (double)partition->follow.lag,
                  "committed records that this follower lacked after its last fetch");
        }
    }
}

static void groups(const struct look *look)
{
    static const struct { enum group_state state; const char *name; } names[] = {
        { GROUP_PREPARING_REBALANCE, "NumGroupsPreparingRebalance" }, { GROUP_COMPLETING_REBALANCE, "NumGroupsCompletingRebalance" },
        { GROUP_STABLE, "NumGroupsStable" }, { GROUP_EMPTY, "NumGroupsEmpty" }, { GROUP_DEAD, "NumGroupsDead" },
    };
    const struct groups *groups = look->broker->groups;
    int64_t counts[GROUP_DEAD + 1] = { 0 }, all = 0;

    for (const struct group *group = groups ? groups->first : NULL; group; group = group->next, all++)
        counts[group->state]++;
    gauge(look, "kafka.coordinator.group", "GroupMetadataManager", "NumGroups", "", (double)all, "groups coordinated here");
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        gauge(look, "kafka.coordinator.group", "GroupMetadataManager", names[i].name, "", (double)counts[names[i].state], "of these, in that state");
}

/* KafkaRaftMetrics: what this one knows of the quorum; its state is a word, and stands in the table `quorum`. */
static void raft(const struct look *look, const struct quorum_replica *self, int64_t high_watermark)
{
    gauge(look, "kafka.server", "raft-metrics", "current-leader", "", self->leader, "the active controller as known here; -1: none is");
    gauge(look, "kafka.server", "raft-metrics", "current-vote", "", self->voted, "whom this controller voted for in this epoch; -1: nobody");
    gauge(look, "kafka.server", "raft-metrics", "current-epoch", "", self->epoch, "of the quorum, as known here");
    gauge(look, "kafka.server", "raft-metrics", "high-watermark", "", (double)high_watermark, "first offset of the metadata that is not committed; -1: no controller is active");
    gauge(look, "kafka.server", "raft-metrics", "log-end-offset", "", (double)self->log_end_offset, "of the copy of the metadata log that lies here");
}

/* 2.7: all brokers have these, and count 0 where they are not the controller. 4.3: the controllers have them, also those that wait, by what each has heard. */
static void controller(const struct look *look)
{
    struct cluster *cluster = look->broker->cluster;
    bool active = look->broker->old_epoch || (!cluster->controller.down && controller_home(cluster) == look->broker->id), knows = active;
    const struct image *image = active ? cluster->controller.image : look->broker->image;
    int64_t topics = 0, all = 0, offline = 0, imbalance = 0, live = 0, fenced = 0;
    struct quorum_replica self;
    struct quorum_info quorum;

    if (cluster_quorum(cluster, &quorum)) {
        self = cluster_quorum_replica(cluster, look->broker->index);
        raft(look, &self, quorum.high_watermark);
        if (!self.voter)
            return;
        knows = image != NULL;
    }
    for (size_t t = 0; knows && t < image_topic_count(image); t++) {
        const struct image_topic *topic = image_topic_at(image, t);

        topics++;
        all += topic->partition_count;
        for (int32_t p = 0; p < topic->partition_count; p++) {
            offline += topic->partitions[p].leader < 0;
            imbalance += topic->partitions[p].replica_count && topic->partitions[p].leader != topic->partitions[p].replicas[0];
        }
    }
    for (size_t i = 0; knows && i < image_broker_count(image); i++)
        *(image_broker_at(image, i)->fenced ? &fenced : &live) += 1;
    gauge(look, "kafka.controller", "KafkaController", "ActiveControllerCount", "", active, "1 at the broker that is the controller, which there is one of");
    gauge(look, "kafka.controller", "KafkaController", "OfflinePartitionsCount", "", (double)offline, "partitions without a leader: neither written nor read");
    gauge(look, "kafka.controller", "KafkaController", "PreferredReplicaImbalanceCount", "", (double)imbalance, "partitions that another than the preferred replica leads");
    gauge(look, "kafka.controller", "KafkaController", "GlobalTopicCount", "", (double)topics, "topics of the cluster");
    gauge(look, "kafka.controller", "KafkaController", "GlobalPartitionCount", "", (double)all, "partitions of the cluster");
    if (release_is_27(cluster->release))
        return;
    gauge(look, "kafka.controller", "KafkaController", "ActiveBrokerCount", "", (double)live, "brokers that are registered and take part");
    gauge(look, "kafka.controller", "KafkaController", "FencedBrokerCount", "", (double)fenced, "brokers that are registered and kept out");
}

void cluster_add_metrics(struct cluster *cluster, struct metric_source *source)
{
    struct metric_source **at = &cluster->metric_sources;

    while (*at)
        at = &(*at)->next;
    source->next = NULL;
    *at = source;
}

void cluster_remove_metrics(struct cluster *cluster, struct metric_source *source)
{
    for (struct metric_source **at = &cluster->metric_sources; *at; at = &(*at)->next)
        if (*at == source) {
            *at = source->next;
            return;
        }
}

void cluster_metrics(struct cluster *cluster, const struct metric_filter *filter, metric_fn *fn, void *context)
{
    for (size_t i = 0; i < cluster->broker_count; i++) {
        struct look look = { cluster->brokers[i], filter, fn, context };

        if (!look.broker->up || (filter->broker && *filter->broker != look.broker->id))
            continue;
        replica_manager(&look);
        controller(&look);
        meters(&look);
        groups(&look);
        for (struct metric_source *source = cluster->metric_sources; source; source = source->next)
            source->list(source->context, look.broker, filter, fn, context);
        partitions(&look);
    }
}
