/* SyncGroup: its bytes and what the broker does with it. */
#include "sim/wire/api/14_sync_group.h"

static const struct field sync_group_request_assignment_fields[] = {
    FIELD(sync_group_request_assignment, member_id, T_STRING, 0, NEWEST),
    FIELD(sync_group_request_assignment, assignment, T_BYTES, 0, NEWEST),
    { 0 },
};

static const struct field sync_group_request_fields[] = {
    FIELD(sync_group_request, group_id, T_STRING, 0, NEWEST),
    FIELD(sync_group_request, generation_id, T_INT32, 0, NEWEST),
    FIELD(sync_group_request, member_id, T_STRING, 0, NEWEST),
    FIELD(sync_group_request, group_instance_id, T_STRING, 3, NEWEST, .null_since = 3,
          .preset = PRESET_NULL),
    FIELD(sync_group_request, protocol_type, T_STRING, 5, NEWEST, .null_since = 5,
          .preset = PRESET_NULL),
    FIELD(sync_group_request, protocol_name, T_STRING, 5, NEWEST, .null_since = 5,
          .preset = PRESET_NULL),
    FIELD_STRUCTS(sync_group_request, assignments, sync_group_request_assignment, 0, NEWEST),
    { 0 },
};

const struct message sync_group_request_message = {
    .name = "SyncGroupRequest",
    .first = 0,
    .last = 5,
    .flexible_since = 4,
    .fields = sync_group_request_fields,
    .size = sizeof(struct sync_group_request),
};

static const struct field sync_group_response_fields[] = {
    FIELD(sync_group_response, throttle_time_ms, T_INT32, 1, NEWEST),
    FIELD(sync_group_response, error_code, T_INT16, 0, NEWEST),
    FIELD(sync_group_response, protocol_type, T_STRING, 5, NEWEST, .null_since = 5,
          .preset = PRESET_NULL),
    FIELD(sync_group_response, protocol_name, T_STRING, 5, NEWEST, .null_since = 5,
          .preset = PRESET_NULL),
    FIELD(sync_group_response, assignment, T_BYTES, 0, NEWEST),
    { 0 },
};

const struct message sync_group_response_message = {
    .name = "SyncGroupResponse",
    .first = 0,
    .last = 5,
    .flexible_since = 4,
    .fields = sync_group_response_fields,
    .size = sizeof(struct sync_group_response),
};
