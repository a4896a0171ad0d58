/* JoinGroup: its bytes and what the broker does with it. */
#include "sim/wire/api/11_join_group.h"

static const struct field join_group_request_protocol_fields[] = {
    FIELD(join_group_request_protocol, name, T_STRING, 0, NEWEST),
    FIELD(join_group_request_protocol, metadata, T_BYTES, 0, NEWEST),
    { 0 },
};

static const struct field join_group_request_fields[] = {
    FIELD(join_group_request, group_id, T_STRING, 0, NEWEST),
    FIELD(join_group_request, session_timeout_ms, T_INT32, 0, NEWEST),
    FIELD(join_group_request, rebalance_timeout_ms, T_INT32, 1, NEWEST, .preset = -1),
    FIELD(join_group_request, member_id, T_STRING, 0, NEWEST),
    FIELD(join_group_request, group_instance_id, T_STRING, 5, NEWEST, .null_since = 5,
          .preset = PRESET_NULL),
    FIELD(join_group_request, protocol_type, T_STRING, 0, NEWEST),
    FIELD_STRUCTS(join_group_request, protocols, join_group_request_protocol, 0, NEWEST),
    FIELD(join_group_request, reason, T_STRING, 8, NEWEST, .null_since = 8, .preset = PRESET_NULL),
    { 0 },
};

const struct message join_group_request_message = {
    .name = "JoinGroupRequest",
    .first = 0,
    .last = 9,
    .flexible_since = 6,
    .fields = join_group_request_fields,
    .size = sizeof(struct join_group_request),
};

static const struct field join_group_response_member_fields[] = {
    FIELD(join_group_response_member, member_id, T_STRING, 0, NEWEST),
    FIELD(join_group_response_member, group_instance_id, T_STRING, 5, NEWEST, .null_since = 5,
          .preset = PRESET_NULL),
    FIELD(join_group_response_member, metadata, T_BYTES, 0, NEWEST),
    { 0 },
};

static const struct field join_group_response_fields[] = {
    FIELD(join_group_response, throttle_time_ms, T_INT32, 2, NEWEST),
    FIELD(join_group_response, error_code, T_INT16, 0, NEWEST),
    FIELD(join_group_response, generation_id, T_INT32, 0, NEWEST, .preset = -1),
    FIELD(join_group_response, protocol_type, T_STRING, 7, NEWEST, .null_since = 7,
          .preset = PRESET_NULL),
    FIELD(join_group_response, protocol_name, T_STRING, 0, NEWEST, .null_since = 7),
    FIELD(join_group_response, leader, T_STRING, 0, NEWEST),
    FIELD(join_group_response, skip_assignment, T_BOOL, 9, NEWEST),
    FIELD(join_group_response, member_id, T_STRING, 0, NEWEST),
    FIELD_STRUCTS(join_group_response, members, join_group_response_member, 0, NEWEST),
    { 0 },
};

const struct message join_group_response_message = {
    .name = "JoinGroupResponse",
    .first = 0,
    .last = 9,
    .flexible_since = 6,
    .fields = join_group_response_fields,
    .size = sizeof(struct join_group_response),
};
