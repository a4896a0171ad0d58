/* A producer over a transport, as Kafka's: records gather in batches, a sender finds the leaders, keeps several requests in flight, sends again what
 * may be sent again, and with idempotence numbers what it sends. Kafka's config names. Records come back one by one to `done`, or batch by batch to a watch. */
#pragma once
#include "sim/base/random.h"
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
    uint64_t number;                 /* the caller's own for it; 0: they are counted from 1 */
};
struct producer_result { enum err err; const char *message; const char *topic; int32_t partition; int64_t offset, timestamp_ms; uint64_t number; };
typedef void producer_done(void *context, const struct producer_result *result);

/* `config`: acks, linger.ms, batch.size, buffer.memory, compression.type, enable.idempotence, retries, retry.backoff.ms, retry.backoff.max.ms,
 * request.timeout.ms, delivery.timeout.ms, max.block.ms, max.in.flight.requests.per.connection, max.request.size, metadata.max.age.ms,
 * reconnect.backoff.ms, reconnect.backoff.max.ms, partitioner.class, partitioner.ignore.keys, partitioner.adaptive.partitioning.enable, client.id;
 * others are ignored. ERR_INVALID_CONFIG with Kafka's message. `queue`: for record timestamps (virtual now). */
enum err producer_open(struct producer **out, const struct client_options *options, struct queue *queue, const struct config_map *config,
                       producer_done *done, void *context, struct reason *reason);
/* Waits only while metadata is missing (max.block.ms) or the buffer is full. The record's bytes are copied. *number tells it apart in `done`. */
enum err producer_send(struct task *task, struct producer *producer, const struct producer_record *record, uint64_t *number, struct reason *reason);
enum err producer_flush(struct task *task, struct producer *producer);  /* until all sent records have their result */
void producer_close(struct producer *producer);   /* what is unsent fails */

/* ---- for a client that is no task: a simulated one ---- */
struct producer_batch_result {
    enum err err;
    const char *message;
    const char *topic;
    int32_t partition;
    int64_t base_offset, log_append_time_ms;          /* -1: not known; the records' own times hold */
    size_t count;
    const struct producer_sent { uint64_t number; int64_t timestamp_ms; } *records;
    const char *const *record_messages;               /* of each record, NULL: `message` */
};
struct producer_watch {
    void (*batch)(void *context, const struct producer_batch_result *result);  /* in place of `done` */
    /* The sender is about to look what is ready: whoever makes records in time with the clock offers now those that are due. */
    void (*pull)(void *context);
    void (*stepped)(void *context);            /* it has looked, and sent what could be sent */
    void (*retried)(void *context, const char *topic, int32_t partition, enum err err, size_t records);
    void *context;
};
void producer_watch(struct producer *producer, const struct producer_watch *watch);
/* As producer_send, without waiting, at a moment that may lie a little back. PRODUCER_NO_METADATA, PRODUCER_FULL: not taken; pull() comes again once that changes, and whoever
 * has waited for max.block.ms calls producer_blocked() for the error. */
enum producer_offer { PRODUCER_TOOK, PRODUCER_NO_METADATA, PRODUCER_FULL, PRODUCER_REFUSED };
enum producer_offer producer_offer(struct producer *producer, const struct producer_record *record, int64_t at_us, uint64_t *number, enum err *err,
                                   struct reason *reason);
int64_t producer_max_block_us(const struct producer *producer);
enum err producer_blocked(const struct producer *producer, enum producer_offer why, const struct producer_record *record, struct reason *reason);
/* How many more records of that size may be offered late, at the next pull(), without a difference to anybody; 0: the next one is to be offered when it is due. */
int64_t producer_slack(const struct producer *producer, const char *topic, size_t record_bytes);
void producer_step(struct producer *producer);      /* pull() and what follows, now */
void producer_flush_begin(struct producer *producer);
void producer_set_chance(struct producer *producer, struct random random);   /* its own from the beginning */

struct producer_counts { uint64_t unsent; size_t buffered_bytes, in_flight; int64_t producer_id; int16_t producer_epoch; uint64_t retries; };
void producer_counts(const struct producer *producer, struct producer_counts *out);
