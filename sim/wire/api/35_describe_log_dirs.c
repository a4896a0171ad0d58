/* DescribeLogDirs: its bytes and what the broker does with it. */
#include "sim/wire/api/35_describe_log_dirs.h"

static const struct field describe_log_dirs_request_topic_fields[] = {
    FIELD(describe_log_dirs_request_topic, topic, T_STRING, 0, NEWEST),
    FIELD_ARRAY(describe_log_dirs_request_topic, partitions, T_INT32, 0, NEWEST),
    { 0 },
};

static const struct field describe_log_dirs_request_fields[] = {
    FIELD_STRUCTS(describe_log_dirs_request, topics, describe_log_dirs_request_topic, 0, NEWEST,
                  .null_since = 0),
    { 0 },
};

const struct message describe_log_dirs_request_message = {
    .name = "DescribeLogDirsRequest",
    .first = 0,
    .last = 5,
    .flexible_since = 2,
    .fields = describe_log_dirs_request_fields,
    .size = sizeof(struct describe_log_dirs_request),
};

static const struct field describe_log_dirs_response_partition_fields[] = {
    FIELD(describe_log_dirs_response_partition, partition_index, T_INT32, 0, NEWEST),
    FIELD(describe_log_dirs_response_partition, partition_size, T_INT64, 0, NEWEST),
    FIELD(describe_log_dirs_response_partition, offset_lag, T_INT64, 0, NEWEST),
    FIELD(describe_log_dirs_response_partition, is_future_key, T_BOOL, 0, NEWEST),
    { 0 },
};

static const struct field describe_log_dirs_response_topic_fields[] = {
    FIELD(describe_log_dirs_response_topic, name, T_STRING, 0, NEWEST),
    FIELD_STRUCTS(describe_log_dirs_response_topic, partitions,
                  describe_log_dirs_response_partition, 0, NEWEST),
    { 0 },
};

static const struct field describe_log_dirs_response_dir_fields[] = {
    FIELD(describe_log_dirs_response_dir, error_code, T_INT16, 0, NEWEST),
    FIELD(describe_log_dirs_response_dir, log_dir, T_STRING, 0, NEWEST),
    FIELD_STRUCTS(describe_log_dirs_response_dir, topics, describe_log_dirs_response_topic, 0,
                  NEWEST),
    FIELD(describe_log_dirs_response_dir, total_bytes, T_INT64, 4, NEWEST, .preset = -1),
    FIELD(describe_log_dirs_response_dir, usable_bytes, T_INT64, 4, NEWEST, .preset = -1),
    FIELD(describe_log_dirs_response_dir, is_cordoned, T_BOOL, 5, NEWEST),
    { 0 },
};

static const struct field describe_log_dirs_response_fields[] = {
    FIELD(describe_log_dirs_response, throttle_time_ms, T_INT32, 0, NEWEST),
    FIELD(describe_log_dirs_response, error_code, T_INT16, 3, NEWEST),
    FIELD_STRUCTS(describe_log_dirs_response, results, describe_log_dirs_response_dir, 0, NEWEST),
    { 0 },
};

const struct message describe_log_dirs_response_message = {
    .name = "DescribeLogDirsResponse",
    .first = 0,
    .last = 5,
    .flexible_since = 2,
    .fields = describe_log_dirs_response_fields,
    .size = sizeof(struct describe_log_dirs_response),
};
