/* DescribeProducers: its bytes and what the broker does with it. */
#include "sim/wire/api/61_describe_producers.h"

static const struct field describe_producers_request_topic_fields[] = {
    FIELD(describe_producers_request_topic, name, T_STRING, 0, NEWEST),
    FIELD_ARRAY(describe_producers_request_topic, partition_indexes, T_INT32, 0, NEWEST),
    { 0 },
};

static const struct field describe_producers_request_fields[] = {
    FIELD_STRUCTS(describe_producers_request, topics, describe_producers_request_topic, 0, NEWEST),
    { 0 },
};

const struct message describe_producers_request_message = {
    .name = "DescribeProducersRequest",
    .first = 0,
    .last = 0,
    .flexible_since = 0,
    .fields = describe_producers_request_fields,
    .size = sizeof(struct describe_producers_request),
};

static const struct field describe_producers_response_producer_fields[] = {
    FIELD(describe_producers_response_producer, producer_id, T_INT64, 0, NEWEST),
    FIELD(describe_producers_response_producer, producer_epoch, T_INT32, 0, NEWEST),
    FIELD(describe_producers_response_producer, last_sequence, T_INT32, 0, NEWEST, .preset = -1),
    FIELD(describe_producers_response_producer, last_timestamp, T_INT64, 0, NEWEST, .preset = -1),
    FIELD(describe_producers_response_producer, coordinator_epoch, T_INT32, 0, NEWEST),
    FIELD(describe_producers_response_producer, current_txn_start_offset, T_INT64, 0, NEWEST,
          .preset = -1),
    { 0 },
};

static const struct field describe_producers_response_partition_fields[] = {
    FIELD(describe_producers_response_partition, partition_index, T_INT32, 0, NEWEST),
    FIELD(describe_producers_response_partition, error_code, T_INT16, 0, NEWEST),
    FIELD(describe_producers_response_partition, error_message, T_STRING, 0, NEWEST,
          .null_since = 0, .preset = PRESET_NULL),
    FIELD_STRUCTS(describe_producers_response_partition, active_producers,
                  describe_producers_response_producer, 0, NEWEST),
    { 0 },
};

static const struct field describe_producers_response_topic_fields[] = {
    FIELD(describe_producers_response_topic, name, T_STRING, 0, NEWEST),
    FIELD_STRUCTS(describe_producers_response_topic, partitions,
                  describe_producers_response_partition, 0, NEWEST),
    { 0 },
};

static const struct field describe_producers_response_fields[] = {
    FIELD(describe_producers_response, throttle_time_ms, T_INT32, 0, NEWEST),
    FIELD_STRUCTS(describe_producers_response, topics, describe_producers_response_topic, 0,
                  NEWEST),
    { 0 },
};

const struct message describe_producers_response_message = {
    .name = "DescribeProducersResponse",
    .first = 0,
    .last = 0,
    .flexible_since = 0,
    .fields = describe_producers_response_fields,
    .size = sizeof(struct describe_producers_response),
};
