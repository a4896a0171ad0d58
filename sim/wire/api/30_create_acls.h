/* CreateAcls (30): adds access rules. */
#pragma once
#include "sim/base/fields.h"

struct create_acls_request_creation {
    int8_t resource_type;
    const char *resource_name;
    int8_t resource_pattern_type; /* from version 1 */
    const char *principal;
    const char *host;
    int8_t operation;
    int8_t permission_type;
};

struct create_acls_request {
    ARRAY_OF(struct create_acls_request_creation) creations;
};

extern const struct message create_acls_request_message;

struct create_acls_response_result {
    int16_t error_code;
    const char *error_message;
};

struct create_acls_response {
    int32_t throttle_time_ms;
    ARRAY_OF(struct create_acls_response_result) results;
};

extern const struct message create_acls_response_message;
