/* Heartbeat (12): says that a member is alive, and hears whether the group rebalances. */
#pragma once
#include "sim/base/fields.h"

struct heartbeat_request {
    const char *group_id;
    int32_t generation_id;
    const char *member_id;
    const char *group_instance_id; /* from version 3 */
};

extern const struct message heartbeat_request_message;

struct heartbeat_response {
    int32_t throttle_time_ms; /* from version 1 */
    int16_t error_code;
};

extern const struct message heartbeat_response_message;
