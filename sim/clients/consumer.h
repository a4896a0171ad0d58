/* A consumer over a transport: assign or subscribe (range, roundrobin, classic protocol), poll, commit, seek, reset. Kafka's config names. */
#pragma once
#include "sim/clients/client.h"
#include "sim/cluster/config.h"
#include "sim/log/batch.h"

struct consumer;
struct consumer_record {             /* borrowed until the next poll */
    const char *topic;
    int32_t partition, leader_epoch;
    int64_t offset, timestamp_ms;
    bool log_append_time;
    struct bytes key, value;
    const struct header *headers;
    int32_t header_count;
};
/* `config`: group.id, auto.offset.reset, enable.auto.commit, auto.commit.interval.ms, session.timeout.ms, heartbeat.interval.ms, max.poll.interval.ms,
 * max.poll.records, fetch.min.bytes, fetch.max.wait.ms, fetch.max.bytes, max.partition.fetch.bytes, isolation.level, partition.assignment.strategy,
 * client.id, group.instance.id, allow.auto.create.topics, exclude.internal.topics, request.timeout.ms. */
enum err consumer_open(struct consumer **out, const struct client_options *options, struct queue *queue, const struct config_map *config, struct reason *reason);
enum err consumer_subscribe(struct consumer *consumer, const char *const *topics, size_t count);
enum err consumer_subscribe_pattern(struct consumer *consumer, const char *java_pattern, struct reason *reason);
struct consumer_position { const char *topic; int32_t partition; int64_t offset; }; /* offset -1: by group or reset; -2: earliest; -3: latest */
enum err consumer_assign(struct consumer *consumer, const struct consumer_position *positions, size_t count);
/* Waits until records are there or `timeout_us` of the client's clock has passed; *count 0 then. */
enum err consumer_poll(struct task *task, struct consumer *consumer, int64_t timeout_us, const struct consumer_record **records, size_t *count, struct reason *reason);
enum err consumer_commit(struct task *task, struct consumer *consumer, struct reason *reason);
/* The next poll goes on from there. Nothing happens for a partition that is not assigned. */
void consumer_seek(struct consumer *consumer, const char *topic, int32_t partition, int64_t offset);
/* Commits if it should, leaves the group if it must. */
void consumer_close(struct task *task, struct consumer *consumer);
void consumer_drop(struct consumer *consumer);     /* as a crash: nothing is sent */
/* What happens to it, for whoever watches: partitions that are new to it or given up (`lost`: it was thrown out of the group), and offsets that the broker took. */
struct consumer_watch {
    void (*assigned)(void *context, const struct consumer_position *partitions, size_t count, int32_t generation);
    void (*revoked)(void *context, const struct consumer_position *partitions, size_t count, int32_t generation, bool lost);
    void (*committed)(void *context, const struct consumer_position *positions, size_t count);
    void *context;
};
void consumer_watch(struct consumer *consumer, const struct consumer_watch *watch);
struct consumer_counts { int64_t lag; size_t assigned, in_flight; int32_t generation; bool auto_commit; };  /* lag: up to the high watermarks as last heard; -1: not known */
void consumer_counts(const struct consumer *consumer, struct consumer_counts *out);
size_t consumer_assignment(const struct consumer *consumer, struct consumer_position *out, size_t most);
