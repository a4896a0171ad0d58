/* Record batches: the bytes in which records travel and lie (magic 2), how to read, build and check them, and the message
 * sets of old (magic 0 and 1). Source: the protocol guide's "Record Batch"; Kafka's DefaultRecordBatch, DefaultRecord,
 * LegacyRecord, MemoryRecordsBuilder, LogValidator. Nothing here knows a file, a clock or a partition. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/bytes.h"
#include "sim/base/err.h"
#include "sim/base/mem.h"

enum codec { CODEC_NONE, CODEC_GZIP, CODEC_SNAPPY, CODEC_LZ4, CODEC_ZSTD, CODECS };
#define CODEC_PRODUCER (-1)             /* compression.type=producer: as it came */
const char *codec_name(int codec);      /* "none", "gzip", ... "producer" */
bool codec_parse(const char *name, int *codec); /* also "uncompressed" for none */
/* Kafka's stream of each codec: gzip member, xerial snappy, lz4 frame (64 kB independent blocks), zstd frame. `level` INT32_MIN: the codec's default. */
enum err codec_compress(int codec, int level, struct bytes plain, struct buffer *out, struct reason *reason);
/* Appends at most `limit` bytes to out; ERR_CORRUPT_MESSAGE for a broken stream or one that is larger. */
enum err codec_decompress(int codec, struct bytes packed, size_t limit, struct buffer *out, struct reason *reason);
uint32_t crc32c(const void *data, size_t size);   /* Castagnoli, as batches and snapshots carry it */

enum {
    BATCH_HEADER = 61,                  /* bytes before the records */
    BATCH_OVERHEAD = 12,                /* baseOffset and batchLength: what batchLength does not count */
    BATCH_MOST_BYTES = 100 * 1024 * 1024,
    ATTRIBUTE_CODEC = 7, ATTRIBUTE_LOG_APPEND_TIME = 8, ATTRIBUTE_TRANSACTIONAL = 16, ATTRIBUTE_CONTROL = 32,
    ATTRIBUTE_DELETE_HORIZON = 64,
};

/* A batch's header, decoded; `bytes` is the whole batch, borrowed. An old message (magic 0, 1) is shown as a batch of its records. */
struct batch {
    struct bytes bytes;
    int64_t base_offset;                /* of magic 0/1: of the first record inside, as far as known without decompression */
    int64_t last_offset;
    int32_t size_bytes;                 /* whole, with the 12 bytes of overhead */
    int32_t leader_epoch;               /* -1 for magic 0/1 */
    int8_t magic;
    uint32_t crc;
    int16_t attributes;
    int64_t base_timestamp_ms, max_timestamp_ms;
    int64_t producer_id;
    int16_t producer_epoch;
    int32_t base_sequence;
    int32_t record_count;               /* -1: a compressed set of magic 0/1, not unpacked to count */
};
static inline int batch_codec(const struct batch *batch) { return batch->attributes & ATTRIBUTE_CODEC; }
static inline bool batch_control(const struct batch *batch) { return batch->attributes & ATTRIBUTE_CONTROL; }
static inline bool batch_transactional(const struct batch *batch) { return batch->attributes & ATTRIBUTE_TRANSACTIONAL; }
static inline bool batch_log_append_time(const struct batch *batch) { return batch->attributes & ATTRIBUTE_LOG_APPEND_TIME; }
int32_t batch_last_sequence(const struct batch *batch);   /* wraps 2147483647 -> 0; -1 without sequences */

/* The batch at the start of `bytes`. ERR_CORRUPT_MESSAGE: fields make no sense. ERR_OFFSET_OUT_OF_RANGE: cut short (fewer bytes than its size; *need says how many). */
enum err batch_decode(struct bytes bytes, struct batch *out, size_t *need, struct reason *reason);
/* Only the header is at hand (at least 61 bytes, 17 for magic < 2 answer by the same rules); sizes are believed no further than BATCH_MOST_BYTES. */
enum err batch_decode_header(struct bytes header, struct batch *out, struct reason *reason);
bool batch_crc_right(const struct batch *batch);
uint32_t batch_crc(struct bytes batch);   /* what its CRC should be; of at least 22 bytes, whatever they are */

/* ---- records of a batch ---- */
struct header {
    struct bytes key, value;            /* value.data NULL: null */
};
struct record {
    int64_t offset, timestamp_ms;
    int32_t sequence;                   /* -1: none */
    struct bytes key, value;            /* data NULL: null */
    struct header *headers;             /* in the iterator's memory, until the next record */
    int32_t header_count;
    int32_t size_bytes;                 /* of the record within its batch, uncompressed */
};
/* Walks the records of one batch, decompressing if need be. */
struct record_iterator {
    const struct batch *batch;
    struct buffer plain;                /* decompressed records; the iterator's own */
    struct reader reader;
    int32_t index;                      /* records given so far */
    struct header *headers;
    size_t header_capacity;
    enum err err;                       /* what went wrong; the walk ends there */
    struct reason reason;
    void *old;                          /* magic 0/1: what it needs */
};
void records_begin(struct record_iterator *it, const struct batch *batch);
bool records_next(struct record_iterator *it, struct record *out);
void records_done(struct record_iterator *it);
/* The CRC of the message of magic 0 or 1 that was given last, and whether it is right; false: of magic 2, whose records have none. */
bool records_crc(const struct record_iterator *it, uint32_t *crc, bool *right);

/* ---- building ---- */
struct batch_builder {                  /* all zero, then batch_builder_init */
    struct buffer plain;                /* records so far */
    struct buffer out;
    int64_t base_offset, base_timestamp_ms, max_timestamp_ms, first_timestamp_ms;
    int32_t leader_epoch;
    int16_t attributes;
    int codec, level;
    int64_t producer_id;
    int16_t producer_epoch;
    int32_t base_sequence;
    int32_t record_count, last_delta;
};
void batch_builder_init(struct batch_builder *builder, int codec);      /* ids and epochs -1, offset 0 */
/* With the one record of a transaction marker, COMMIT or ABORT, in it: only batch_builder_finish is left to do. */
void batch_builder_init_marker(struct batch_builder *builder, bool commit, int64_t producer_id, int16_t producer_epoch, int32_t coordinator_epoch,
                               int64_t timestamp_ms);
void batch_builder_done(struct batch_builder *builder);
void batch_builder_add(struct batch_builder *builder, int64_t timestamp_ms, struct bytes key, struct bytes value,
                       const struct header *headers, int32_t header_count);
/* The same at a given offset (at least the last one's + 1): for batches with holes, or rewritten ones. */
void batch_builder_add_at(struct batch_builder *builder, int64_t offset, int64_t timestamp_ms, struct bytes key, struct bytes value,
                          const struct header *headers, int32_t header_count);
/* The size the batch would have uncompressed with one more record of these sizes, stamped like the newest; or exactly, for its timestamp. */
size_t batch_builder_size_with_timestamp(const struct batch_builder *builder, int64_t timestamp_ms, struct bytes key,
                                         struct bytes value, const struct header *headers, int32_t header_count);
size_t batch_builder_size_with(const struct batch_builder *builder, struct bytes key, struct bytes value,
                               const struct header *headers, int32_t header_count);
/* The finished batch, owned by the builder until it is used again. */
enum err batch_builder_finish(struct batch_builder *builder, struct bytes *out, struct reason *reason);

/* Rewrites in place what a leader rewrites: base offset and leader epoch (outside the CRC). */
void batch_set_offset(uint8_t *batch, int64_t base_offset, int32_t leader_epoch);
/* LogAppendTime: sets the bit and the max timestamp, and the CRC anew. CreateTime: the true maximum. */
void batch_set_max_timestamp(uint8_t *batch, bool log_append_time, int64_t max_timestamp_ms);
/* Adds `by_ms` to base and max timestamp (not to -1) and makes the CRC anew: a real client's stamps are moved into virtual time so. */
void batch_shift_timestamps(uint8_t *batch, int64_t by_ms);

/* ---- checking what a client sent (LogValidator) ---- */
struct record_error {                   /* ProduceResponse v8+: which record and why */
    int32_t batch_index;
    char *message;
};
enum { RECORD_ERRORS_MOST = 16384 };    /* that are named of one batch: no answer grows beyond a few MB */
struct record_errors {                  /* all zero, then record_errors_done */
    struct record_error *items;
    size_t count, capacity;
};
void record_errors_done(struct record_errors *errors);
/* What is checked of a request before anything else of it is looked at (ProduceRequest.validateRecords): from produce v3 on exactly one
 * batch of magic 2. What is cut short behind it doesn't count. */
enum err records_check_request(struct bytes records, int version, bool is_27, struct reason *reason);
/* The first batch of a request's records, as far as it is looked at before they are checked: its attributes; -1: there is no whole one.
 * ERR_CORRUPT_MESSAGE, ERR_UNKNOWN_SERVER_ERROR: Kafka fails on the request as a whole. */
enum err records_first_attributes(struct bytes records, bool is_27, int *attributes, struct reason *reason);
struct validate {
    /* in */
    int target_codec;                   /* CODEC_PRODUCER: as it came */
    int level;
    int8_t target_magic;                /* 2 but for 2.7's message.format.version */
    bool log_append_time, compacted, is_27, from_client;
    int64_t now_ms, timestamp_before_max_ms, timestamp_after_max_ms;
    int64_t first_offset;               /* offset for the first record */
    int32_t leader_epoch;
    int32_t max_message_bytes;          /* 0: not checked */
    int16_t produce_version;            /* -1: not from a produce request, or records_check_request was asked already */
    const char *topic_partition;        /* "students-0", for Kafka's messages; borrowed; NULL: "?" */
    struct record_errors *errors;       /* where records that are refused one by one are named, emptied first; NULL: nobody asks */
    bool may_change;                    /* what may stay as it came is prepared in `records` itself, without a copy */
    /* out */
    struct bytes stored;                /* the batch(es) as they are to be written, offsets set; in `out`, or in `records` */
    struct buffer out;                  /* added to; the caller ends it */
    int64_t last_offset, max_timestamp_ms, offset_of_max_timestamp; /* 2.7: of the record, 4.3: the batch's last */
    int64_t record_count;
    bool recompressed, converted;
};
/* Checks `records` (one batch of magic 2, or a message set of magic 0/1 from old clients, which is converted up) in Kafka's order and
 * gives what is to be stored in validate->stored. On an error that is empty; `reason` has Kafka's message. */
enum err records_validate(struct bytes records, struct validate *validate, struct reason *reason);

/* For Fetch v0..v3 of 2.7: magic 2 batches as a message set of magic 0 or 1. */
enum err records_down_convert(struct bytes records, int8_t magic, int64_t from_offset, struct buffer *out, struct reason *reason);
