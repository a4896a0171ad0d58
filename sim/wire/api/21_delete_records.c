/* DeleteRecords: its bytes and what the broker does with it. */
#include "sim/wire/api/21_delete_records.h"

static const struct field delete_records_request_partition_fields[] = {
    FIELD(delete_records_request_partition, partition_index, T_INT32, 0, NEWEST),
    FIELD(delete_records_request_partition, offset, T_INT64, 0, NEWEST),
    { 0 },
};

static const struct field delete_records_request_topic_fields[] = {
    FIELD(delete_records_request_topic, name, T_STRING, 0, NEWEST),
    FIELD_STRUCTS(delete_records_request_topic, partitions, delete_records_request_partition, 0,
                  NEWEST),
    { 0 },
};

static const struct field delete_records_request_fields[] = {
    FIELD_STRUCTS(delete_records_request, topics, delete_records_request_topic, 0, NEWEST),
    FIELD(delete_records_request, timeout_ms, T_INT32, 0, NEWEST),
    { 0 },
};

const struct message delete_records_request_message = {
    .name = "DeleteRecordsRequest",
    .first = 0,
    .last = 2,
    .flexible_since = 2,
    .fields = delete_records_request_fields,
    .size = sizeof(struct delete_records_request),
};

static const struct field delete_records_response_partition_fields[] = {
    FIELD(delete_records_response_partition, partition_index, T_INT32, 0, NEWEST),
    FIELD(delete_records_response_partition, low_watermark, T_INT64, 0, NEWEST),
    FIELD(delete_records_response_partition, error_code, T_INT16, 0, NEWEST),
    { 0 },
};

static const struct field delete_records_response_topic_fields[] = {
    FIELD(delete_records_response_topic, name, T_STRING, 0, NEWEST),
    FIELD_STRUCTS(delete_records_response_topic, partitions, delete_records_response_partition, 0,
                  NEWEST),
    { 0 },
};

static const struct field delete_records_response_fields[] = {
    FIELD(delete_records_response, throttle_time_ms, T_INT32, 0, NEWEST),
    FIELD_STRUCTS(delete_records_response, topics, delete_records_response_topic, 0, NEWEST),
    { 0 },
};

const struct message delete_records_response_message = {
    .name = "DeleteRecordsResponse",
    .first = 0,
    .last = 2,
    .flexible_since = 2,
    .fields = delete_records_response_fields,
    .size = sizeof(struct delete_records_response),
};
