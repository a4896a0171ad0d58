/* DeleteTopics (20): deletes topics. */
#pragma once
#include "sim/base/fields.h"

struct delete_topics_request_topic {
    const char *name;
    struct uuid topic_id;
};

/* topic_names up to version 5, topics from 6. */
struct delete_topics_request {
    ARRAY_OF(struct delete_topics_request_topic) topics; /* from version 6 */
    ARRAY_OF(const char *) topic_names;                  /* to version 5 */
    int32_t timeout_ms;
};

extern const struct message delete_topics_request_message;

struct delete_topics_response_topic {
    const char *name;
    struct uuid topic_id;      /* from version 6 */
    int16_t error_code;
    const char *error_message; /* from version 5 */
};

struct delete_topics_response {
    int32_t throttle_time_ms; /* from version 1 */
    ARRAY_OF(struct delete_topics_response_topic) responses;
};

extern const struct message delete_topics_response_message;
