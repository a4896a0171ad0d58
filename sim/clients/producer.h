/* A producer over a transport: batching (batch.size, linger.ms), partitioner (murmur2 for keys, sticky without), acks, retries,
 * idempotence. Kafka's config names. Records come back one by one to `done`. */
#pragma once
#include "sim/clients/client.h"
#include "sim/cluster/config.h"
#include "sim/log/batch.h"

struct producer;
struct producer_record {
    const char *topic;
    int32_t partition;               /* -1: the partitioner chooses */
    int64_t timestamp_ms;            /* -1: now */
    struct bytes key, value;         /* data NULL: null */
    const struct header *headers;
    int32_t header_count;
};
struct producer_result { enum err err; const char *message; const char *topic; int32_t partition; int64_t offset, timestamp_ms; uint64_t number; };
typedef void producer_done(void *context, const struct producer_result *result);

/* `config`: acks, linger.ms, batch.size, buffer.memory, compression.type, enable.idempotence, retries, retry.backoff.ms, request.timeout.ms,
 * delivery.timeout.ms, max.block.ms, max.in.flight.requests.per.connection, max.request.size, partitioner.class, client.id; others are ignored with a warning.
 * ERR_INVALID_CONFIG with Kafka's message. `queue`: for record timestamps (virtual now). */
enum err producer_open(struct producer **out, const struct client_options *options, struct queue *queue, const struct config_map *config,
                       producer_done *done, void *context, struct reason *reason);
/* Waits only while metadata is missing (max.block.ms) or the buffer is full. The record's bytes are copied. *number tells it apart in `done`. */
enum err producer_send(struct task *task, struct producer *producer, const struct producer_record *record, uint64_t *number, struct reason *reason);
enum err producer_flush(struct task *task, struct producer *producer);  /* until all sent records have their result */
void producer_close(struct producer *producer);   /* what is unsent fails */
