/* CreateAcls: its bytes and what the broker does with it. */
#include "sim/wire/api/30_create_acls.h"

static const struct field create_acls_request_creation_fields[] = {
    FIELD(create_acls_request_creation, resource_type, T_INT8, 0, NEWEST),
    FIELD(create_acls_request_creation, resource_name, T_STRING, 0, NEWEST),
    FIELD(create_acls_request_creation, resource_pattern_type, T_INT8, 1, NEWEST, .preset = 3),
    FIELD(create_acls_request_creation, principal, T_STRING, 0, NEWEST),
    FIELD(create_acls_request_creation, host, T_STRING, 0, NEWEST),
    FIELD(create_acls_request_creation, operation, T_INT8, 0, NEWEST),
    FIELD(create_acls_request_creation, permission_type, T_INT8, 0, NEWEST),
    { 0 },
};

static const struct field create_acls_request_fields[] = {
    FIELD_STRUCTS(create_acls_request, creations, create_acls_request_creation, 0, NEWEST),
    { 0 },
};

const struct message create_acls_request_message = {
    .name = "CreateAclsRequest",
    .first = 0,
    .last = 3,
    .flexible_since = 2,
    .fields = create_acls_request_fields,
    .size = sizeof(struct create_acls_request),
};

static const struct field create_acls_response_result_fields[] = {
    FIELD(create_acls_response_result, error_code, T_INT16, 0, NEWEST),
    FIELD(create_acls_response_result, error_message, T_STRING, 0, NEWEST, .null_since = 0),
    { 0 },
};

static const struct field create_acls_response_fields[] = {
    FIELD(create_acls_response, throttle_time_ms, T_INT32, 0, NEWEST),
    FIELD_STRUCTS(create_acls_response, results, create_acls_response_result, 0, NEWEST),
    { 0 },
};

const struct message create_acls_response_message = {
    .name = "CreateAclsResponse",
    .first = 0,
    .last = 3,
    .flexible_since = 2,
    .fields = create_acls_response_fields,
    .size = sizeof(struct create_acls_response),
};
