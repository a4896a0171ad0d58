/* ListGroups (16): the groups that this broker coordinates. */
#pragma once
#include "sim/base/fields.h"

struct list_groups_request {
    ARRAY_OF(const char *) states_filter; /* from version 4 */
    ARRAY_OF(const char *) types_filter;  /* from version 5 */
};

extern const struct message list_groups_request_message;

struct list_groups_response_group {
    const char *group_id;
    const char *protocol_type;
    const char *group_state; /* from version 4 */
    const char *group_type;  /* from version 5 */
};

struct list_groups_response {
    int32_t throttle_time_ms; /* from version 1 */
    int16_t error_code;
    ARRAY_OF(struct list_groups_response_group) groups;
};

extern const struct message list_groups_response_message;
