/* DescribeAcls (29): lists access rules. */
#pragma once
#include "sim/base/fields.h"

/* In a filter null and ANY (1) match all. */
struct describe_acls_request {
    int8_t resource_type_filter;
    const char *resource_name_filter;
    int8_t pattern_type_filter; /* from version 1 */
    const char *principal_filter;
    const char *host_filter;
    int8_t operation;
    int8_t permission_type;
};

extern const struct message describe_acls_request_message;

struct describe_acls_response_acl {
    const char *principal;
    const char *host;
    int8_t operation;
    int8_t permission_type;
};

struct describe_acls_response_resource {
    int8_t resource_type;
    const char *resource_name;
    int8_t pattern_type; /* from version 1 */
    ARRAY_OF(struct describe_acls_response_acl) acls;
};

struct describe_acls_response {
    int32_t throttle_time_ms;
    int16_t error_code;
    const char *error_message;
    ARRAY_OF(struct describe_acls_response_resource) resources;
};

extern const struct message describe_acls_response_message;
