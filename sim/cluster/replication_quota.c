/* Replication throttles: how much a broker sends to, and fetches for, the replicas that are named in leader. and follower.replication.throttled.replicas. What passed
 * is kept in samples; while their rate is over the bound a throttled partition is left out of a fetch, or out of its answer. Kafka's ReplicationQuotaManager
 * over SimpleRate and SampledStat, ReplicaManager.shouldLeaderThrottle, AbstractFetcherThread.shouldFollowerThrottle. */
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/cluster/cluster_internal.h"

static bool old(const struct broker *broker)
{
    return release_is_27(broker->cluster->release);
}

/* ---- who is throttled ---- */

/* "0:1,1:2", "*", "none": does it name the partition at this broker? */
static bool names(const char *list, int32_t partition, int32_t broker)
{
    if (!strcmp(list, "*"))
        return true;
    for (const char *at = list; *at;) {
        char *end;
        long number = strtol(at, &end, 10);

        if (end != at && *end == ':' && number == partition && strtol(end + 1, NULL, 10) == broker)
            return true;
        at += strcspn(at, ",");
        at += *at == ',';
    }
    return false;
}

static char *kept(const struct config_layers *layers, const char *key)
{
    const char *list = config_text(layers, key);

    return list && *list ? mem_text(list) : NULL;
}

void replication_quota_topic(struct topic_settings *settings, const struct config_layers *layers)
{
    replication_quota_forget(settings);
    settings->leader_throttled = kept(layers, "leader.replication.throttled.replicas");
    settings->follower_throttled = kept(layers, "follower.replication.throttled.replicas");
}

void replication_quota_forget(struct topic_settings *settings)
{
    mem_free(settings->leader_throttled);
    mem_free(settings->follower_throttled);
    settings->leader_throttled = settings->follower_throttled = NULL;
}

bool replication_throttled(const struct partition *partition, enum quota_side side)
{
    const char *list = side == QUOTA_MOVES ? "*" : side == QUOTA_LEADER ? partition->settings->leader_throttled : partition->settings->follower_throttled;

    return list && names(list, partition->number, partition->broker->id);
}

/* ---- the rate ---- */

static void reset(struct quota_sample *sample, int64_t now_ms)
{
    *sample = (struct quota_sample){ .start_ms = now_ms, .last_ms = now_ms };
}

static void begin(struct broker *broker, struct replication_quota *quota, int64_t now_ms)
{
    bool moves = quota == &broker->quotas[QUOTA_MOVES];
    int64_t most = broker_setting(broker, moves ? "alter.log.dirs.replication.quota.window.num" : "replication.quota.window.num") +
                   !old(broker); /* 4.3 keeps one more */

    if (quota->samples)
        return;
    quota->most = most > 0 && most < 100000 ? (size_t)most : 1;
    quota->window_ms = broker_setting(broker, moves ? "alter.log.dirs.replication.quota.window.size.seconds" : "replication.quota.window.size.seconds") * 1000;
    quota->expires_ms = (int64_t)(quota->most - !old(broker)) * quota->window_ms;
    quota->samples = mem_zero_array(quota->most, sizeof(*quota->samples));
    quota->count = 1;
    quota->current = 0;
    reset(&quota->samples[0], now_ms);
}

static void purge(const struct broker *broker, struct replication_quota *quota, int64_t now_ms)
{
    for (size_t i = 0; i < quota->count; i++) {
        struct quota_sample *sample = &quota->samples[i];

        if (now_ms - (old(broker) ? sample->start_ms : sample->last_ms) >= quota->expires_ms)
            reset(sample, now_ms);
    }
}

void replication_quota_record(const struct partition *partition, enum quota_side side, int64_t bytes)
{
    struct broker *broker = partition->broker;
    struct replication_quota *quota = &broker->quotas[side];
    int64_t now_ms = queue_now_ms(broker->cluster->queue);

    if (!replication_throttled(partition, side))
        return;
    begin(broker, quota, now_ms);
    if (now_ms - quota->samples[quota->current].start_ms >= quota->window_ms) {
        quota->current = (quota->current + 1) % quota->most;
        if (quota->current >= quota->count)
            quota->count = quota->current + 1;
        reset(&quota->samples[quota->current], now_ms);
    }
    quota->samples[quota->current].bytes += bytes;
    quota->samples[quota->current].last_ms = now_ms;
}

struct quota_decision replication_quota_decide(struct broker *broker, enum quota_side side)
{
    static const char *const bounds[QUOTA_SIDES] = { "leader.replication.throttled.rate", "follower.replication.throttled.rate",
                                                     "replica.alter.log.dirs.io.max.bytes.per.second" };
    struct replication_quota *quota = &broker->quotas[side];
    int64_t now_ms = queue_now_ms(broker->cluster->queue), oldest_ms, bytes = 0;
    struct quota_decision decision = { .bound = INT64_MAX };

    if (!quota->samples)
        return decision;
    decision.bound = broker_setting(broker, bounds[side]);
    purge(broker, quota, now_ms);
    oldest_ms = quota->samples[0].start_ms;
    for (size_t i = 0; i < quota->count; i++) {
        bytes += quota->samples[i].bytes;
        if (quota->samples[i].start_ms < oldest_ms)
            oldest_ms = quota->samples[i].start_ms;
    }
    decision.window_ms = now_ms - oldest_ms > quota->window_ms ? now_ms - oldest_ms : quota->window_ms;
    decision.bytes = bytes;
    decision.rate = (double)bytes * 1000 / (double)decision.window_ms;
    decision.exceeded = decision.rate > (double)decision.bound;
    return decision;
}

/* As decide(), and nothing changes by it: looking at samples makes them begin anew. */
static struct quota_decision look(const struct broker *broker, enum quota_side side)
{
    const struct replication_quota *quota = &broker->quotas[side];
    struct broker copy = *broker;
    struct quota_decision decision;

    if (!quota->samples)
        return replication_quota_decide(&copy, side);
    copy.quotas[side].samples = mem_copy(quota->samples, quota->most * sizeof(*quota->samples));
    decision = replication_quota_decide(&copy, side);
    mem_free(copy.quotas[side].samples);
    return decision;
}

bool partition_throttled(const struct partition *leader, int32_t follower, struct quota_decision *out, bool *by_leader)
{
    const struct replica *replica = partition_replica(leader, follower);
    const struct broker *broker = cluster_broker(leader->broker->cluster, follower);
    const struct partition *partition = broker ? broker_partition(broker, leader->topic->name, leader->number) : NULL;

    *out = (struct quota_decision){ .bound = INT64_MAX };
    *by_leader = replica && !replica->in_isr && replication_throttled(leader, QUOTA_LEADER);
    if (*by_leader)
        *out = look(leader->broker, QUOTA_LEADER);
    if (out->exceeded)
        return true;
    *by_leader = false;
    if (partition && !partition->follow.in_sync && replication_throttled(partition, QUOTA_FOLLOWER))
        *out = look(broker, QUOTA_FOLLOWER);
    return out->exceeded;
}

bool broker_moves_throttled(const struct broker *broker, struct quota_decision *out)
{
    *out = look(broker, QUOTA_MOVES);
    return out->exceeded;
}

bool replication_leader_throttles(const struct replica *replica)
{
    return !replica->in_isr && replication_throttled(replica->leader, QUOTA_LEADER) &&
           replication_quota_decide(replica->leader->broker, QUOTA_LEADER).exceeded;
}

void replication_quotas_done(struct broker *broker)
{
    for (int side = 0; side < QUOTA_SIDES; side++) {
        mem_free(broker->quotas[side].samples);
        broker->quotas[side] = (struct replication_quota){ 0 };
    }
}
