/* LeaveGroup (13): members leave a group at once instead of timing out. */
#pragma once
#include "sim/base/fields.h"

struct leave_group_request_member {
    const char *member_id;
    const char *group_instance_id;
    const char *reason; /* from version 5 */
};

/* One member up to version 2. */
struct leave_group_request {
    const char *group_id;
    const char *member_id;                               /* to version 2 */
    ARRAY_OF(struct leave_group_request_member) members; /* from version 3 */
};

extern const struct message leave_group_request_message;

struct leave_group_response_member {
    const char *member_id;
    const char *group_instance_id;
    int16_t error_code;
};

struct leave_group_response {
    int32_t throttle_time_ms;                             /* from version 1 */
    int16_t error_code;
    ARRAY_OF(struct leave_group_response_member) members; /* from version 3 */
};

extern const struct message leave_group_response_message;
