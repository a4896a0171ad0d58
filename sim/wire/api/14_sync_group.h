/* SyncGroup (14): the leader hands over the assignment, everybody else waits for it. */
#pragma once
#include "sim/base/fields.h"

struct sync_group_request_assignment {
    const char *member_id;
    struct bytes assignment;
};

struct sync_group_request {
    const char *group_id;
    int32_t generation_id;
    const char *member_id;
    const char *group_instance_id; /* from version 3 */
    const char *protocol_type;     /* from version 5 */
    const char *protocol_name;     /* from version 5 */
    ARRAY_OF(struct sync_group_request_assignment) assignments;
};

extern const struct message sync_group_request_message;

struct sync_group_response {
    int32_t throttle_time_ms;  /* from version 1 */
    int16_t error_code;
    const char *protocol_type; /* from version 5 */
    const char *protocol_name; /* from version 5 */
    struct bytes assignment;
};

extern const struct message sync_group_response_message;
