/* ConsumerGroupDescribe: its bytes and what the broker does with it. */
#include "sim/wire/api/69_consumer_group_describe.h"

static const struct field consumer_group_describe_request_fields[] = {
    FIELD_ARRAY(consumer_group_describe_request, group_ids, T_STRING, 0, NEWEST),
    FIELD(consumer_group_describe_request, include_authorized_operations, T_BOOL, 0, NEWEST),
    { 0 },
};

const struct message consumer_group_describe_request_message = {
    .name = "ConsumerGroupDescribeRequest",
    .first = 0,
    .last = 1,
    .flexible_since = 0,
    .fields = consumer_group_describe_request_fields,
    .size = sizeof(struct consumer_group_describe_request),
};

static const struct field consumer_group_describe_response_topic_fields[] = {
    FIELD(consumer_group_describe_response_topic, topic_id, T_UUID, 0, NEWEST),
    FIELD(consumer_group_describe_response_topic, topic_name, T_STRING, 0, NEWEST),
    FIELD_ARRAY(consumer_group_describe_response_topic, partitions, T_INT32, 0, NEWEST),
    { 0 },
};

static const struct field consumer_group_describe_response_assignment_fields[] = {
    FIELD_STRUCTS(consumer_group_describe_response_assignment, topic_partitions,
                  consumer_group_describe_response_topic, 0, NEWEST),
    { 0 },
};

static const struct field consumer_group_describe_response_member_fields[] = {
    FIELD(consumer_group_describe_response_member, member_id, T_STRING, 0, NEWEST),
    FIELD(consumer_group_describe_response_member, instance_id, T_STRING, 0, NEWEST,
          .null_since = 0, .preset = PRESET_NULL),
    FIELD(consumer_group_describe_response_member, rack_id, T_STRING, 0, NEWEST, .null_since = 0,
          .preset = PRESET_NULL),
    FIELD(consumer_group_describe_response_member, member_epoch, T_INT32, 0, NEWEST),
    FIELD(consumer_group_describe_response_member, client_id, T_STRING, 0, NEWEST),
    FIELD(consumer_group_describe_response_member, client_host, T_STRING, 0, NEWEST),
    FIELD_ARRAY(consumer_group_describe_response_member, subscribed_topic_names, T_STRING, 0,
                NEWEST),
    FIELD(consumer_group_describe_response_member, subscribed_topic_regex, T_STRING, 0, NEWEST,
          .null_since = 0, .preset = PRESET_NULL),
    FIELD_STRUCT(consumer_group_describe_response_member, assignment,
                 consumer_group_describe_response_assignment, 0, NEWEST),
    FIELD_STRUCT(consumer_group_describe_response_member, target_assignment,
                 consumer_group_describe_response_assignment, 0, NEWEST),
    FIELD(consumer_group_describe_response_member, member_type, T_INT8, 1, NEWEST, .preset = -1),
    { 0 },
};

static const struct field consumer_group_describe_response_group_fields[] = {
    FIELD(consumer_group_describe_response_group, error_code, T_INT16, 0, NEWEST),
    FIELD(consumer_group_describe_response_group, error_message, T_STRING, 0, NEWEST,
          .null_since = 0, .preset = PRESET_NULL),
    FIELD(consumer_group_describe_response_group, group_id, T_STRING, 0, NEWEST),
    FIELD(consumer_group_describe_response_group, group_state, T_STRING, 0, NEWEST),
    FIELD(consumer_group_describe_response_group, group_epoch, T_INT32, 0, NEWEST),
    FIELD(consumer_group_describe_response_group, assignment_epoch, T_INT32, 0, NEWEST),
    FIELD(consumer_group_describe_response_group, assignor_name, T_STRING, 0, NEWEST),
    FIELD_STRUCTS(consumer_group_describe_response_group, members,
                  consumer_group_describe_response_member, 0, NEWEST),
    FIELD(consumer_group_describe_response_group, authorized_operations, T_INT32, 0, NEWEST,
          .preset = INT32_MIN),
    { 0 },
};

static const struct field consumer_group_describe_response_fields[] = {
    FIELD(consumer_group_describe_response, throttle_time_ms, T_INT32, 0, NEWEST),
    FIELD_STRUCTS(consumer_group_describe_response, groups, consumer_group_describe_response_group,
                  0, NEWEST),
    { 0 },
};

const struct message consumer_group_describe_response_message = {
    .name = "ConsumerGroupDescribeResponse",
    .first = 0,
    .last = 1,
    .flexible_since = 0,
    .fields = consumer_group_describe_response_fields,
    .size = sizeof(struct consumer_group_describe_response),
};
