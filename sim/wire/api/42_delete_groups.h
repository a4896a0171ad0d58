/* DeleteGroups (42): deletes groups that have no members. */
#pragma once
#include "sim/base/fields.h"

struct delete_groups_request {
    ARRAY_OF(const char *) groups_names;
};

extern const struct message delete_groups_request_message;

struct delete_groups_response_group {
    const char *group_id;
    int16_t error_code;
};

struct delete_groups_response {
    int32_t throttle_time_ms;
    ARRAY_OF(struct delete_groups_response_group) results;
};

extern const struct message delete_groups_response_message;
