/* DeleteRecords (21): moves the log start offset of partitions forward. */
#pragma once
#include "sim/base/fields.h"

/* offset -1 is the high watermark. */
struct delete_records_request_partition {
    int32_t partition_index;
    int64_t offset;
};

struct delete_records_request_topic {
    const char *name;
    ARRAY_OF(struct delete_records_request_partition) partitions;
};

struct delete_records_request {
    ARRAY_OF(struct delete_records_request_topic) topics;
    int32_t timeout_ms;
};

extern const struct message delete_records_request_message;

struct delete_records_response_partition {
    int32_t partition_index;
    int64_t low_watermark;
    int16_t error_code;
};

struct delete_records_response_topic {
    const char *name;
    ARRAY_OF(struct delete_records_response_partition) partitions;
};

struct delete_records_response {
    int32_t throttle_time_ms;
    ARRAY_OF(struct delete_records_response_topic) topics;
};

extern const struct message delete_records_response_message;
