/* WriteTxnMarkers (27): a transaction coordinator ends a transaction in the partitions that took part. */
#pragma once
#include "sim/base/fields.h"

struct write_txn_markers_request_topic {
    const char *name;
    ARRAY_OF(int32_t) partition_indexes;
};

/* transaction_result: true commits, false aborts. */
struct write_txn_markers_request_marker {
    int64_t producer_id;
    int16_t producer_epoch;
    bool transaction_result;
    ARRAY_OF(struct write_txn_markers_request_topic) topics;
    int32_t coordinator_epoch;
    int8_t transaction_version; /* from version 2 */
};

struct write_txn_markers_request {
    ARRAY_OF(struct write_txn_markers_request_marker) markers;
};

extern const struct message write_txn_markers_request_message;

struct write_txn_markers_response_partition {
    int32_t partition_index;
    int16_t error_code;
};

struct write_txn_markers_response_topic {
    const char *name;
    ARRAY_OF(struct write_txn_markers_response_partition) partitions;
};

struct write_txn_markers_response_marker {
    int64_t producer_id;
    ARRAY_OF(struct write_txn_markers_response_topic) topics;
};

struct write_txn_markers_response {
    ARRAY_OF(struct write_txn_markers_response_marker) markers;
};

extern const struct message write_txn_markers_response_message;
