/* DeleteAcls (31): removes access rules. */
#pragma once
#include "sim/base/fields.h"

struct delete_acls_request_filter {
    int8_t resource_type_filter;
    const char *resource_name_filter;
    int8_t pattern_type_filter; /* from version 1 */
    const char *principal_filter;
    const char *host_filter;
    int8_t operation;
    int8_t permission_type;
};

struct delete_acls_request {
    ARRAY_OF(struct delete_acls_request_filter) filters;
};

extern const struct message delete_acls_request_message;

struct delete_acls_response_acl {
    int16_t error_code;
    const char *error_message;
    int8_t resource_type;
    const char *resource_name;
    int8_t pattern_type; /* from version 1 */
    const char *principal;
    const char *host;
    int8_t operation;
    int8_t permission_type;
};

struct delete_acls_response_result {
    int16_t error_code;
    const char *error_message;
    ARRAY_OF(struct delete_acls_response_acl) matching_acls;
};

struct delete_acls_response {
    int32_t throttle_time_ms;
    ARRAY_OF(struct delete_acls_response_result) filter_results;
};

extern const struct message delete_acls_response_message;
