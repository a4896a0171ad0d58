/* DeleteTopics: its bytes and what the broker does with it. */
#include "sim/wire/api/20_delete_topics.h"

static const struct field delete_topics_request_topic_fields[] = {
    FIELD(delete_topics_request_topic, name, T_STRING, 6, NEWEST, .null_since = 6,
          .preset = PRESET_NULL),
    FIELD(delete_topics_request_topic, topic_id, T_UUID, 6, NEWEST),
    { 0 },
};

static const struct field delete_topics_request_fields[] = {
    FIELD_STRUCTS(delete_topics_request, topics, delete_topics_request_topic, 6, NEWEST),
    FIELD_ARRAY(delete_topics_request, topic_names, T_STRING, 0, 5),
    FIELD(delete_topics_request, timeout_ms, T_INT32, 0, NEWEST),
    { 0 },
};

const struct message delete_topics_request_message = {
    .name = "DeleteTopicsRequest",
    .first = 0,
    .last = 6,
    .flexible_since = 4,
    .fields = delete_topics_request_fields,
    .size = sizeof(struct delete_topics_request),
};

static const struct field delete_topics_response_topic_fields[] = {
    FIELD(delete_topics_response_topic, name, T_STRING, 0, NEWEST, .null_since = 6),
    FIELD(delete_topics_response_topic, topic_id, T_UUID, 6, NEWEST),
    FIELD(delete_topics_response_topic, error_code, T_INT16, 0, NEWEST),
    FIELD(delete_topics_response_topic, error_message, T_STRING, 5, NEWEST, .null_since = 5,
          .preset = PRESET_NULL),
    { 0 },
};

static const struct field delete_topics_response_fields[] = {
    FIELD(delete_topics_response, throttle_time_ms, T_INT32, 1, NEWEST),
    FIELD_STRUCTS(delete_topics_response, responses, delete_topics_response_topic, 0, NEWEST),
    { 0 },
};

const struct message delete_topics_response_message = {
    .name = "DeleteTopicsResponse",
    .first = 0,
    .last = 6,
    .flexible_since = 4,
    .fields = delete_topics_response_fields,
    .size = sizeof(struct delete_topics_response),
};
