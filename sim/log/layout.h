/* What a log's files are made of, described once as tables of fields: for dumps and annotated hexdumps. batch.c, message_set.c, segment.c and
 * producers.c read and write the same bytes by hand, for speed; tests/log/layout_test.c holds both against each other. */
#pragma once
#include "sim/base/fields.h"
#include "sim/log/batch.h"

/* The 61 bytes before the records of a batch of magic 2. Any bytes decode, also what batch_decode() refuses. */
struct batch_header {
    int64_t base_offset;
    int32_t batch_length;               /* of all behind it */
    int32_t partition_leader_epoch;
    int8_t magic;
    uint32_t crc;                       /* CRC-32C of all behind it */
    int16_t attributes;                 /* ATTRIBUTE_... */
    int32_t last_offset_delta;
    int64_t base_timestamp, max_timestamp; /* with ATTRIBUTE_DELETE_HORIZON the first is when tombstones may go */
    int64_t producer_id;
    int16_t producer_epoch;
    int32_t base_sequence, records_count;
};
extern const struct message batch_header_layout;
extern const struct message record_layout;          /* one record of such a batch, uncompressed */

/* One message of magic 0 or 1 (the version); compressed ones hold others in their value. */
struct old_message_fields {
    int64_t offset;
    int32_t message_size;
    uint32_t crc;                       /* CRC-32 of all behind it */
    int8_t magic, attributes;
    int64_t timestamp;                  /* magic 1 */
    struct bytes key, value;
};
extern const struct message old_message_layout;

/* Key of a control record: its version and what it is; the value of those that end a transaction. */
enum { CONTROL_ABORT, CONTROL_COMMIT, CONTROL_LEADER_CHANGE, CONTROL_SNAPSHOT_HEADER, CONTROL_SNAPSHOT_FOOTER, CONTROL_KRAFT_VERSION,
       CONTROL_KRAFT_VOTERS, CONTROL_TYPES };
extern const struct message control_key_layout, end_transaction_layout;
/* The value of a control record of the metadata log; NULL: of another one. */
const struct message *control_layout(int16_t type);

/* Entries of .index, .timeindex and .txnindex. */
struct offset_entry { int32_t relative_offset, position; };
struct time_entry { int64_t timestamp; int32_t relative_offset; };
struct aborted_fields { int16_t version; int64_t producer_id, first_offset, last_offset, last_stable_offset; };
extern const struct message offset_entry_layout, time_entry_layout, aborted_entry_layout;

/* A producer snapshot: version and crc (CRC-32C of all behind it), then the producers. */
struct snapshot_producer {
    int64_t producer_id;
    int16_t epoch;
    int32_t last_sequence;
    int64_t last_offset;
    int32_t offset_delta;
    int64_t timestamp;
    int32_t coordinator_epoch;
    int64_t current_txn_first_offset;   /* -1: no transaction open */
};
struct producer_snapshot {
    int16_t version;
    uint32_t crc;
    ARRAY_OF(struct snapshot_producer) producer_entries;
};
extern const struct message producer_snapshot_layout;
