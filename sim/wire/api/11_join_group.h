/* JoinGroup (11): enters a group, or answers its call to a rebalance; the reply comes when all are in. */
#pragma once
#include "sim/base/fields.h"

/* An assignor that the member could use, with its subscription. */
struct join_group_request_protocol {
    const char *name;
    struct bytes metadata;
};

struct join_group_request {
    const char *group_id;
    int32_t session_timeout_ms;
    int32_t rebalance_timeout_ms;  /* from version 1 */
    const char *member_id;
    const char *group_instance_id; /* from version 5 */
    const char *protocol_type;
    ARRAY_OF(struct join_group_request_protocol) protocols;
    const char *reason;            /* from version 8 */
};

extern const struct message join_group_request_message;

struct join_group_response_member {
    const char *member_id;
    const char *group_instance_id; /* from version 5 */
    struct bytes metadata;
};

/* members is empty but for the leader. */
struct join_group_response {
    int32_t throttle_time_ms;  /* from version 2 */
    int16_t error_code;
    int32_t generation_id;
    const char *protocol_type; /* from version 7 */
    const char *protocol_name;
    const char *leader;
    bool skip_assignment;      /* from version 9 */
    const char *member_id;
    ARRAY_OF(struct join_group_response_member) members;
};

extern const struct message join_group_response_message;
