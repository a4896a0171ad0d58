/* ListGroups: its bytes and what the broker does with it. */
#include "sim/wire/api/16_list_groups.h"

static const struct field list_groups_request_fields[] = {
    FIELD_ARRAY(list_groups_request, states_filter, T_STRING, 4, NEWEST),
    FIELD_ARRAY(list_groups_request, types_filter, T_STRING, 5, NEWEST),
    { 0 },
};

const struct message list_groups_request_message = {
    .name = "ListGroupsRequest",
    .first = 0,
    .last = 5,
    .flexible_since = 3,
    .fields = list_groups_request_fields,
    .size = sizeof(struct list_groups_request),
};

static const struct field list_groups_response_group_fields[] = {
    FIELD(list_groups_response_group, group_id, T_STRING, 0, NEWEST),
    FIELD(list_groups_response_group, protocol_type, T_STRING, 0, NEWEST),
    FIELD(list_groups_response_group, group_state, T_STRING, 4, NEWEST),
    FIELD(list_groups_response_group, group_type, T_STRING, 5, NEWEST),
    { 0 },
};

static const struct field list_groups_response_fields[] = {
    FIELD(list_groups_response, throttle_time_ms, T_INT32, 1, NEWEST),
    FIELD(list_groups_response, error_code, T_INT16, 0, NEWEST),
    FIELD_STRUCTS(list_groups_response, groups, list_groups_response_group, 0, NEWEST),
    { 0 },
};

const struct message list_groups_response_message = {
    .name = "ListGroupsResponse",
    .first = 0,
    .last = 5,
    .flexible_since = 3,
    .fields = list_groups_response_fields,
    .size = sizeof(struct list_groups_response),
};
