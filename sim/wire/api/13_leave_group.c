/* LeaveGroup: its bytes and what the broker does with it. */
#include "sim/wire/api/13_leave_group.h"

static const struct field leave_group_request_member_fields[] = {
    FIELD(leave_group_request_member, member_id, T_STRING, 3, NEWEST),
    FIELD(leave_group_request_member, group_instance_id, T_STRING, 3, NEWEST, .null_since = 3,
          .preset = PRESET_NULL),
    FIELD(leave_group_request_member, reason, T_STRING, 5, NEWEST, .null_since = 5,
          .preset = PRESET_NULL),
    { 0 },
};

static const struct field leave_group_request_fields[] = {
    FIELD(leave_group_request, group_id, T_STRING, 0, NEWEST),
    FIELD(leave_group_request, member_id, T_STRING, 0, 2),
    FIELD_STRUCTS(leave_group_request, members, leave_group_request_member, 3, NEWEST),
    { 0 },
};

const struct message leave_group_request_message = {
    .name = "LeaveGroupRequest",
    .first = 0,
    .last = 5,
    .flexible_since = 4,
    .fields = leave_group_request_fields,
    .size = sizeof(struct leave_group_request),
};

static const struct field leave_group_response_member_fields[] = {
    FIELD(leave_group_response_member, member_id, T_STRING, 3, NEWEST),
    FIELD(leave_group_response_member, group_instance_id, T_STRING, 3, NEWEST, .null_since = 3),
    FIELD(leave_group_response_member, error_code, T_INT16, 3, NEWEST),
    { 0 },
};

static const struct field leave_group_response_fields[] = {
    FIELD(leave_group_response, throttle_time_ms, T_INT32, 1, NEWEST),
    FIELD(leave_group_response, error_code, T_INT16, 0, NEWEST),
    FIELD_STRUCTS(leave_group_response, members, leave_group_response_member, 3, NEWEST),
    { 0 },
};

const struct message leave_group_response_message = {
    .name = "LeaveGroupResponse",
    .first = 0,
    .last = 5,
    .flexible_since = 4,
    .fields = leave_group_response_fields,
    .size = sizeof(struct leave_group_response),
};
