/* CreateTopics: its bytes and what the broker does with it. */
#include "sim/wire/api/19_create_topics.h"

static const struct field create_topics_request_assignment_fields[] = {
    FIELD(create_topics_request_assignment, partition_index, T_INT32, 0, NEWEST),
    FIELD_ARRAY(create_topics_request_assignment, broker_ids, T_INT32, 0, NEWEST),
    { 0 },
};

static const struct field create_topics_request_config_fields[] = {
    FIELD(create_topics_request_config, name, T_STRING, 0, NEWEST),
    FIELD(create_topics_request_config, value, T_STRING, 0, NEWEST, .null_since = 0),
    { 0 },
};

static const struct field create_topics_request_topic_fields[] = {
    FIELD(create_topics_request_topic, name, T_STRING, 0, NEWEST),
    FIELD(create_topics_request_topic, num_partitions, T_INT32, 0, NEWEST),
    FIELD(create_topics_request_topic, replication_factor, T_INT16, 0, NEWEST),
    FIELD_STRUCTS(create_topics_request_topic, assignments, create_topics_request_assignment, 0,
                  NEWEST),
    FIELD_STRUCTS(create_topics_request_topic, configs, create_topics_request_config, 0, NEWEST),
    { 0 },
};

static const struct field create_topics_request_fields[] = {
    FIELD_STRUCTS(create_topics_request, topics, create_topics_request_topic, 0, NEWEST),
    FIELD(create_topics_request, timeout_ms, T_INT32, 0, NEWEST, .preset = 60000),
    FIELD(create_topics_request, validate_only, T_BOOL, 1, NEWEST),
    { 0 },
};

const struct message create_topics_request_message = {
    .name = "CreateTopicsRequest",
    .first = 0,
    .last = 7,
    .flexible_since = 5,
    .fields = create_topics_request_fields,
    .size = sizeof(struct create_topics_request),
};

static const struct field create_topics_response_config_fields[] = {
    FIELD(create_topics_response_config, name, T_STRING, 5, NEWEST),
    FIELD(create_topics_response_config, value, T_STRING, 5, NEWEST, .null_since = 5),
    FIELD(create_topics_response_config, read_only, T_BOOL, 5, NEWEST),
    FIELD(create_topics_response_config, config_source, T_INT8, 5, NEWEST, .preset = -1),
    FIELD(create_topics_response_config, is_sensitive, T_BOOL, 5, NEWEST),
    { 0 },
};

static const struct field create_topics_response_topic_fields[] = {
    FIELD(create_topics_response_topic, name, T_STRING, 0, NEWEST),
    FIELD(create_topics_response_topic, topic_id, T_UUID, 7, NEWEST),
    FIELD(create_topics_response_topic, error_code, T_INT16, 0, NEWEST),
    FIELD(create_topics_response_topic, error_message, T_STRING, 1, NEWEST, .null_since = 1),
    FIELD(create_topics_response_topic, topic_config_error_code, T_INT16, 5, NEWEST, .tag = 0,
          .tag_since = 5),
    FIELD(create_topics_response_topic, num_partitions, T_INT32, 5, NEWEST, .preset = -1),
    FIELD(create_topics_response_topic, replication_factor, T_INT16, 5, NEWEST, .preset = -1),
    FIELD_STRUCTS(create_topics_response_topic, configs, create_topics_response_config, 5, NEWEST,
                  .null_since = 5),
    { 0 },
};

static const struct field create_topics_response_fields[] = {
    FIELD(create_topics_response, throttle_time_ms, T_INT32, 2, NEWEST),
    FIELD_STRUCTS(create_topics_response, topics, create_topics_response_topic, 0, NEWEST),
    { 0 },
};

const struct message create_topics_response_message = {
    .name = "CreateTopicsResponse",
    .first = 0,
    .last = 7,
    .flexible_since = 5,
    .fields = create_topics_response_fields,
    .size = sizeof(struct create_topics_response),
};
