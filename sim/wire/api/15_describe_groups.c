/* DescribeGroups: its bytes and what the broker does with it. */
#include "sim/wire/api/15_describe_groups.h"

static const struct field describe_groups_request_fields[] = {
    FIELD_ARRAY(describe_groups_request, groups, T_STRING, 0, NEWEST),
    FIELD(describe_groups_request, include_authorized_operations, T_BOOL, 3, NEWEST),
    { 0 },
};

const struct message describe_groups_request_message = {
    .name = "DescribeGroupsRequest",
    .first = 0,
    .last = 6,
    .flexible_since = 5,
    .fields = describe_groups_request_fields,
    .size = sizeof(struct describe_groups_request),
};

static const struct field describe_groups_response_member_fields[] = {
    FIELD(describe_groups_response_member, member_id, T_STRING, 0, NEWEST),
    FIELD(describe_groups_response_member, group_instance_id, T_STRING, 4, NEWEST, .null_since = 4,
          .preset = PRESET_NULL),
    FIELD(describe_groups_response_member, client_id, T_STRING, 0, NEWEST),
    FIELD(describe_groups_response_member, client_host, T_STRING, 0, NEWEST),
    FIELD(describe_groups_response_member, member_metadata, T_BYTES, 0, NEWEST),
    FIELD(describe_groups_response_member, member_assignment, T_BYTES, 0, NEWEST),
    { 0 },
};

static const struct field describe_groups_response_group_fields[] = {
    FIELD(describe_groups_response_group, error_code, T_INT16, 0, NEWEST),
    FIELD(describe_groups_response_group, error_message, T_STRING, 6, NEWEST, .null_since = 6,
          .preset = PRESET_NULL),
    FIELD(describe_groups_response_group, group_id, T_STRING, 0, NEWEST),
    FIELD(describe_groups_response_group, group_state, T_STRING, 0, NEWEST),
    FIELD(describe_groups_response_group, protocol_type, T_STRING, 0, NEWEST),
    FIELD(describe_groups_response_group, protocol_data, T_STRING, 0, NEWEST),
    FIELD_STRUCTS(describe_groups_response_group, members, describe_groups_response_member, 0,
                  NEWEST),
    FIELD(describe_groups_response_group, authorized_operations, T_INT32, 3, NEWEST,
          .preset = INT32_MIN),
    { 0 },
};

static const struct field describe_groups_response_fields[] = {
    FIELD(describe_groups_response, throttle_time_ms, T_INT32, 1, NEWEST),
    FIELD_STRUCTS(describe_groups_response, groups, describe_groups_response_group, 0, NEWEST),
    { 0 },
};

const struct message describe_groups_response_message = {
    .name = "DescribeGroupsResponse",
    .first = 0,
    .last = 6,
    .flexible_since = 5,
    .fields = describe_groups_response_fields,
    .size = sizeof(struct describe_groups_response),
};
