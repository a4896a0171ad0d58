/* DescribeLogDirs (35): what lies in the log dirs of a broker. */
#pragma once
#include "sim/base/fields.h"

struct describe_log_dirs_request_topic {
    const char *topic;
    ARRAY_OF(int32_t) partitions;
};

/* topics null means all. */
struct describe_log_dirs_request {
    ARRAY_OF(struct describe_log_dirs_request_topic) topics;
};

extern const struct message describe_log_dirs_request_message;

struct describe_log_dirs_response_partition {
    int32_t partition_index;
    int64_t partition_size;
    int64_t offset_lag;
    bool is_future_key;
};

struct describe_log_dirs_response_topic {
    const char *name;
    ARRAY_OF(struct describe_log_dirs_response_partition) partitions;
};

struct describe_log_dirs_response_dir {
    int16_t error_code;
    const char *log_dir;
    ARRAY_OF(struct describe_log_dirs_response_topic) topics;
    int64_t total_bytes;  /* from version 4 */
    int64_t usable_bytes; /* from version 4 */
    bool is_cordoned;     /* from version 5 */
};

struct describe_log_dirs_response {
    int32_t throttle_time_ms;
    int16_t error_code; /* from version 3 */
    ARRAY_OF(struct describe_log_dirs_response_dir) results;
};

extern const struct message describe_log_dirs_response_message;
