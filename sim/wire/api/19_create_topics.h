/* CreateTopics (19): creates topics. */
#pragma once
#include "sim/base/fields.h"

/* A partition's brokers, the first is its preferred leader. */
struct create_topics_request_assignment {
    int32_t partition_index;
    ARRAY_OF(int32_t) broker_ids;
};

struct create_topics_request_config {
    const char *name;
    const char *value;
};

/* num_partitions and replication_factor are -1 where assignments say it, or for the broker's default. */
struct create_topics_request_topic {
    const char *name;
    int32_t num_partitions;
    int16_t replication_factor;
    ARRAY_OF(struct create_topics_request_assignment) assignments;
    ARRAY_OF(struct create_topics_request_config) configs;
};

struct create_topics_request {
    ARRAY_OF(struct create_topics_request_topic) topics;
    int32_t timeout_ms;
    bool validate_only; /* from version 1 */
};

extern const struct message create_topics_request_message;

struct create_topics_response_config {
    const char *name;
    const char *value;
    bool read_only;
    int8_t config_source;
    bool is_sensitive;
};

/* num_partitions and all below it are what the topic got; topic_config_error_code says why configs is null. */
struct create_topics_response_topic {
    const char *name;
    struct uuid topic_id;                                   /* from version 7 */
    int16_t error_code;
    const char *error_message;                              /* from version 1 */
    int16_t topic_config_error_code;                        /* from version 5, tagged */
    int32_t num_partitions;                                 /* from version 5 */
    int16_t replication_factor;                             /* from version 5 */
    ARRAY_OF(struct create_topics_response_config) configs; /* from version 5 */
};

struct create_topics_response {
    int32_t throttle_time_ms; /* from version 2 */
    ARRAY_OF(struct create_topics_response_topic) topics;
};

extern const struct message create_topics_response_message;
