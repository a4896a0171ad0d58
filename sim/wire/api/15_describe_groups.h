/* DescribeGroups (15): the state and members of groups of the classic protocol. */
#pragma once
#include "sim/base/fields.h"

struct describe_groups_request {
    ARRAY_OF(const char *) groups;
    bool include_authorized_operations; /* from version 3 */
};

extern const struct message describe_groups_request_message;

struct describe_groups_response_member {
    const char *member_id;
    const char *group_instance_id; /* from version 4 */
    const char *client_id;
    const char *client_host;
    struct bytes member_metadata;
    struct bytes member_assignment;
};

struct describe_groups_response_group {
    int16_t error_code;
    const char *error_message;     /* from version 6 */
    const char *group_id;
    const char *group_state;
    const char *protocol_type;
    const char *protocol_data;
    ARRAY_OF(struct describe_groups_response_member) members;
    int32_t authorized_operations; /* from version 3 */
};

struct describe_groups_response {
    int32_t throttle_time_ms; /* from version 1 */
    ARRAY_OF(struct describe_groups_response_group) groups;
};

extern const struct message describe_groups_response_message;
