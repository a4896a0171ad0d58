/* ConsumerGroupDescribe (69): the state and members of groups of the consumer protocol (KIP-848). */
#pragma once
#include "sim/base/fields.h"

struct consumer_group_describe_request {
    ARRAY_OF(const char *) group_ids;
    bool include_authorized_operations;
};

extern const struct message consumer_group_describe_request_message;

struct consumer_group_describe_response_topic {
    struct uuid topic_id;
    const char *topic_name;
    ARRAY_OF(int32_t) partitions;
};

struct consumer_group_describe_response_assignment {
    ARRAY_OF(struct consumer_group_describe_response_topic) topic_partitions;
};

/* member_type: 0 classic, 1 consumer, -1 not told. */
struct consumer_group_describe_response_member {
    const char *member_id;
    const char *instance_id;
    const char *rack_id;
    int32_t member_epoch;
    const char *client_id;
    const char *client_host;
    ARRAY_OF(const char *) subscribed_topic_names;
    const char *subscribed_topic_regex;
    struct consumer_group_describe_response_assignment assignment;
    struct consumer_group_describe_response_assignment target_assignment;
    int8_t member_type; /* from version 1 */
};

struct consumer_group_describe_response_group {
    int16_t error_code;
    const char *error_message;
    const char *group_id;
    const char *group_state;
    int32_t group_epoch;
    int32_t assignment_epoch;
    const char *assignor_name;
    ARRAY_OF(struct consumer_group_describe_response_member) members;
    int32_t authorized_operations;
};

struct consumer_group_describe_response {
    int32_t throttle_time_ms;
    ARRAY_OF(struct consumer_group_describe_response_group) groups;
};

extern const struct message consumer_group_describe_response_message;
