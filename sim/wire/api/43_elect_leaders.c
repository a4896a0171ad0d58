/* ElectLeaders: its bytes and what the broker does with it. */
#include "sim/wire/api/43_elect_leaders.h"

static const struct field elect_leaders_request_topic_fields[] = {
    FIELD(elect_leaders_request_topic, topic, T_STRING, 0, NEWEST),
    FIELD_ARRAY(elect_leaders_request_topic, partitions, T_INT32, 0, NEWEST),
    { 0 },
};

static const struct field elect_leaders_request_fields[] = {
    FIELD(elect_leaders_request, election_type, T_INT8, 1, NEWEST),
    FIELD_STRUCTS(elect_leaders_request, topic_partitions, elect_leaders_request_topic, 0, NEWEST,
                  .null_since = 0),
    FIELD(elect_leaders_request, timeout_ms, T_INT32, 0, NEWEST, .preset = 60000),
    { 0 },
};

const struct message elect_leaders_request_message = {
    .name = "ElectLeadersRequest",
    .first = 0,
    .last = 2,
    .flexible_since = 2,
    .fields = elect_leaders_request_fields,
    .size = sizeof(struct elect_leaders_request),
};

static const struct field elect_leaders_response_partition_fields[] = {
    FIELD(elect_leaders_response_partition, partition_id, T_INT32, 0, NEWEST),
    FIELD(elect_leaders_response_partition, error_code, T_INT16, 0, NEWEST),
    FIELD(elect_leaders_response_partition, error_message, T_STRING, 0, NEWEST, .null_since = 0),
    { 0 },
};

static const struct field elect_leaders_response_topic_fields[] = {
    FIELD(elect_leaders_response_topic, topic, T_STRING, 0, NEWEST),
    FIELD_STRUCTS(elect_leaders_response_topic, partition_result, elect_leaders_response_partition,
                  0, NEWEST),
    { 0 },
};

static const struct field elect_leaders_response_fields[] = {
    FIELD(elect_leaders_response, throttle_time_ms, T_INT32, 0, NEWEST),
    FIELD(elect_leaders_response, error_code, T_INT16, 1, NEWEST),
    FIELD_STRUCTS(elect_leaders_response, replica_election_results, elect_leaders_response_topic,
                  0, NEWEST),
    { 0 },
};

const struct message elect_leaders_response_message = {
    .name = "ElectLeadersResponse",
    .first = 0,
    .last = 2,
    .flexible_since = 2,
    .fields = elect_leaders_response_fields,
    .size = sizeof(struct elect_leaders_response),
};
