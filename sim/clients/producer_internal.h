/* The inside of a producer: producer.c (settings, open, send, flush, close), producer_batches.c (what gathers: batches, memory, ages), producer_partitions.c (which
 * partition), producer_sender.c (requests and answers) and producer_sequences.c (idempotence). Source of behaviour: Kafka's KafkaProducer, RecordAccumulator,
 * BuiltInPartitioner, Sender and the part of TransactionManager that is about idempotence. */
#pragma once
#include "sim/base/mem.h"
#include "sim/base/text.h"
#include "sim/clients/producer.h"

enum { API_PRODUCE = 0, API_INIT_PRODUCER_ID = 22, NO_SEQUENCE = -1 };

struct batch_out {               /* one batch: being filled, waiting, on its way, or waiting to be sent again */
    struct batch_out *next;      /* in its partition's queue or in that of those on their way, or in the list of free ones */
    struct partition_out *partition;
    struct batch_builder builder;
    struct bytes bytes;          /* once it was finished */
    struct producer_sent *records;
    size_t count, capacity;
    size_t memory;               /* of buffer.memory */
    int64_t made_us, tried_us;   /* of delivery.timeout.ms, and when it was put back to be tried again */
    int64_t backoff_us;          /* after which it is */
    int attempts;                /* how often it was put back */
    int32_t tried_epoch;         /* the leader's, when it was sent last; -1: never or not known */
    bool closed;                 /* takes no more records */
    bool sequenced, renumbered;  /* renumbered: its numbers were given anew while it was not done */
    bool on_way;                 /* in a request */
    bool over;                   /* its records have their result; the request that it is in has not come back */
    bool split;                  /* of one that was too large: its memory was given back */
};

struct queue_out { struct batch_out *first, *last; };

struct partition_out {
    struct topic_out *topic;
    int32_t index;
    bool used;                   /* something went there */
    struct queue_out waiting;    /* in the order in which they are to be sent */
    struct queue_out on_way;
    /* idempotence */
    int64_t producer_id;         /* whose numbers these are */
    int16_t producer_epoch;
    int32_t next_sequence, last_acked_sequence;   /* NO_SEQUENCE: none */
    int64_t last_acked_offset;
    bool unresolved, renumber;   /* a batch was given up whose fate nobody knows; its numbers begin anew with the next epoch */
    int32_t unresolved_sequence; /* the one after that batch */
};

struct topic_out {
    struct topic_out *next;
    char *name;
    struct partition_out **partitions;
    int32_t count;
    uint64_t known_at, counted_at; /* of client_metadata_count(): `known` and `count` are of then */
    const struct client_topic *known;
    int32_t sticky;              /* where records without key go; -1: to be chosen */
    size_t sticky_bytes;         /* so many since it was chosen */
    uint32_t round;
    int32_t *load, *load_partition;   /* the table by which the next sticky one is drawn: running sums; load_count 0: evenly */
    int32_t load_count, load_capacity;
    double ratio;                /* of compression, as estimated */
};

struct flight {                  /* a request on its way to one broker */
    struct flight *next;
    struct producer *producer;
    struct arena arena;
    struct client_send *send;
    struct produce_request *request;
    struct batch_out **batches;  /* as in the request */
    size_t count;
    int32_t node, correlation_id;
    bool by_id;
};

struct node_out {                /* a broker to which something is sent */
    int32_t id;
    size_t turn;                 /* the partition with which the next request begins */
    bool ready;
};

struct producer {
    struct client *client;
    struct client_options options;    /* for its log lines; texts are not ours */
    char *client_id;
    struct queue *queue;
    struct timers *timers;
    producer_done *done;
    void *context;
    struct producer_watch watch;
    /* settings */
    int16_t acks;
    int64_t linger_us, delivery_us, max_block_us, backoff_us, backoff_max_us, max_age_us;
    int64_t batch_size, buffer_memory, max_request_size, retries, most_in_flight;
    int32_t request_timeout_ms;
    int codec;
    bool idempotent, is_27, ignore_keys, adaptive;
    enum { PARTITION_BY_KEY, PARTITION_ROUND_ROBIN, PARTITION_STICKY } partitioner;
    /* state */
    struct topic_out *topics;
    struct flight *flights, *free_flights, *sending; /* sending: within client_send, which may answer at once */
    struct batch_out *free_batches;
    size_t buffered, unsent, flight_count;     /* bytes; records without a result yet */
    bool exhausted;                   /* somebody waits for memory: what there is, is sent */
    uint64_t next_number, retried, losses;
    int64_t producer_id;
    int16_t producer_epoch;
    bool bump;                        /* the epoch, before anything else is sent */
    struct node_out *nodes;
    size_t node_count, node_capacity;
    struct partition_out **parts;     /* scratch: those of one broker */
    size_t part_capacity;
    struct task *worker, *waiter;     /* waiter: in producer_send or producer_flush */
    struct timer wake, rest;          /* wake: the sender; rest: the worker */
    int64_t wake_at_us, clock_us;     /* clock_us: where the timers have come to, should the queue's clock stand still */
    int64_t refresh_at_us, refreshed_us, identify_at_us;
    int refreshes;                    /* in a row that brought nothing new */
    uint64_t seen_news;
    bool refresh, flushing, closing, stepping, again;
    bool work;                        /* the worker is to look again */
    char *wanted, *refused;           /* the topic that was offered and is not known yet; refused: its name beyond that */
    enum err wanted_err;              /* of that, if it can't be */
    int using;                        /* calls on the stack that still look at us; the worker is one */
    struct random random;
};

/* ---- producer.c ---- */
int64_t producer_now_us(const struct producer *producer);
void producer_enter(struct producer *producer);
void producer_leave(struct producer *producer);
void producer_wake_worker(struct producer *producer);
void producer_want_metadata(struct producer *producer);
void producer_warn(struct producer *producer, const char *level, const char *logger, const char *format, ...) __attribute__((format(printf, 4, 5)));
const struct client_partition *producer_leader(const struct producer *producer, const struct partition_out *partition);

/* ---- producer_batches.c ---- */
void queue_out_add(struct queue_out *queue, struct batch_out *batch);
void queue_out_add_first(struct queue_out *queue, struct batch_out *batch);
bool queue_out_remove(struct queue_out *queue, struct batch_out *batch);
size_t record_most_bytes(const struct producer_record *record);   /* what it takes with a batch of its own, at most */
size_t batch_bytes(const struct producer *producer, const struct batch_out *batch);   /* as estimated, while it is open */
bool batch_full(const struct producer *producer, const struct batch_out *batch);
/* Adds a record to the last batch of a partition; false: it does not fit, or there is none. */
bool partition_take(struct producer *producer, struct partition_out *partition, const struct producer_record *record, int64_t timestamp_ms, size_t *bytes);
struct batch_out *partition_new_batch(struct producer *producer, struct partition_out *partition, size_t memory, int64_t at_us);
size_t batch_memory(const struct producer *producer, const struct producer_record *record);
/* Gives its records their result; the batch is gone, or stays `over` while a request has it. It is in no queue. */
void batch_end(struct producer *producer, struct batch_out *batch, enum err err, const char *message, const struct produce_response_partition *answer);
void batch_free(struct producer *producer, struct batch_out *batch);
void batches_split(struct producer *producer, struct batch_out *batch);   /* too large for the broker: smaller ones in its place */
void batches_expire(struct producer *producer, int64_t *next_us);
void batches_fail_all(struct producer *producer, enum err err, const char *message);
void partition_requeue(struct producer *producer, struct batch_out *batch);

/* ---- producer_sender.c ---- */
void flights_cancel(struct producer *producer);

/* ---- producer_partitions.c ---- */
/* Where a record goes; for one without a key that is the sticky partition. */
int32_t partition_choose(struct producer *producer, struct topic_out *topic, const struct producer_record *record, bool *sticks);
/* 2.7: a new batch is to be begun in that partition; the sticky one is another then. */
void partition_full_27(struct producer *producer, struct topic_out *topic, int32_t partition);
/* 4.3: so many bytes went to the sticky partition; enough of them, and it is another - once its batch is full, so that none is cut short. */
void partition_stuck(struct producer *producer, struct topic_out *topic, size_t bytes, bool may_switch);
void partition_measure(struct producer *producer, struct topic_out *topic);   /* 4.3: how long the queues are */

/* ---- producer_sequences.c ---- */
bool sequences_ready(struct producer *producer);     /* before sending: false: there is no producer id yet */
bool sequences_hold(const struct producer *producer, const struct partition_out *partition, const struct batch_out *batch);
void sequences_number(struct producer *producer, struct partition_out *partition, struct batch_out *batch);
void sequences_insert(struct partition_out *partition, struct batch_out *batch);
void sequences_acked(struct producer *producer, struct batch_out *batch, int64_t base_offset);
void sequences_failed(struct producer *producer, struct batch_out *batch, enum err err, bool sure);
void sequences_expired(struct producer *producer, struct batch_out *batch);
bool sequences_may_retry(struct producer *producer, struct batch_out *batch, enum err err, int64_t log_start_offset);
