/* ListOffsets (2): the first offset at or after a timestamp; -1 asks for the end, -2 for the start. */
#pragma once
#include "sim/base/fields.h"

struct list_offsets_request_partition {
    int32_t partition_index;
    int32_t current_leader_epoch; /* from version 4 */
    int64_t timestamp;            /* -1 end, -2 start, -3 the record of the newest timestamp */
    int32_t max_num_offsets;      /* version 0 */
};

struct list_offsets_request_topic {
    const char *name;
    ARRAY_OF(struct list_offsets_request_partition) partitions;
};

struct list_offsets_request {
    int32_t replica_id;     /* -1 a consumer */
    int8_t isolation_level; /* 0 uncommitted, 1 committed; from version 2 */
    ARRAY_OF(struct list_offsets_request_topic) topics;
    int32_t timeout_ms;     /* from version 10 */
};

extern const struct message list_offsets_request_message;

struct list_offsets_response_partition {
    int32_t partition_index;
    int16_t error_code;
    ARRAY_OF(int64_t) old_style_offsets; /* version 0 */
    int64_t timestamp;                   /* from version 1 */
    int64_t offset;                      /* from version 1 */
    int32_t leader_epoch;                /* from version 4 */
};

struct list_offsets_response_topic {
    const char *name;
    ARRAY_OF(struct list_offsets_response_partition) partitions;
};

struct list_offsets_response {
    int32_t throttle_time_ms; /* from version 2 */
    ARRAY_OF(struct list_offsets_response_topic) topics;
};

extern const struct message list_offsets_response_message;
