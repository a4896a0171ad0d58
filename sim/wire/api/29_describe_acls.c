/* DescribeAcls: its bytes and what the broker does with it. */
#include "sim/wire/api/29_describe_acls.h"

#include "sim/wire/wire.h"

static const struct field describe_acls_request_fields[] = {
    FIELD(describe_acls_request, resource_type_filter, T_INT8, 0, NEWEST),
    FIELD(describe_acls_request, resource_name_filter, T_STRING, 0, NEWEST, .null_since = 0),
    FIELD(describe_acls_request, pattern_type_filter, T_INT8, 1, NEWEST, .preset = 3),
    FIELD(describe_acls_request, principal_filter, T_STRING, 0, NEWEST, .null_since = 0),
    FIELD(describe_acls_request, host_filter, T_STRING, 0, NEWEST, .null_since = 0),
    FIELD(describe_acls_request, operation, T_INT8, 0, NEWEST),
    FIELD(describe_acls_request, permission_type, T_INT8, 0, NEWEST),
    { 0 },
};

const struct message describe_acls_request_message = {
    .name = "DescribeAclsRequest",
    .first = 0,
    .last = 3,
    .flexible_since = 2,
    .fields = describe_acls_request_fields,
    .size = sizeof(struct describe_acls_request),
};

static const struct field describe_acls_response_acl_fields[] = {
    FIELD(describe_acls_response_acl, principal, T_STRING, 0, NEWEST),
    FIELD(describe_acls_response_acl, host, T_STRING, 0, NEWEST),
    FIELD(describe_acls_response_acl, operation, T_INT8, 0, NEWEST),
    FIELD(describe_acls_response_acl, permission_type, T_INT8, 0, NEWEST),
    { 0 },
};

static const struct field describe_acls_response_resource_fields[] = {
    FIELD(describe_acls_response_resource, resource_type, T_INT8, 0, NEWEST),
    FIELD(describe_acls_response_resource, resource_name, T_STRING, 0, NEWEST),
    FIELD(describe_acls_response_resource, pattern_type, T_INT8, 1, NEWEST, .preset = 3),
    FIELD_STRUCTS(describe_acls_response_resource, acls, describe_acls_response_acl, 0, NEWEST),
    { 0 },
};

static const struct field describe_acls_response_fields[] = {
    FIELD(describe_acls_response, throttle_time_ms, T_INT32, 0, NEWEST),
    FIELD(describe_acls_response, error_code, T_INT16, 0, NEWEST),
    FIELD(describe_acls_response, error_message, T_STRING, 0, NEWEST, .null_since = 0),
    FIELD_STRUCTS(describe_acls_response, resources, describe_acls_response_resource, 0, NEWEST),
    { 0 },
};

const struct message describe_acls_response_message = {
    .name = "DescribeAclsResponse",
    .first = 0,
    .last = 3,
    .flexible_since = 2,
    .fields = describe_acls_response_fields,
    .size = sizeof(struct describe_acls_response),
};

/* ---- what the broker does ---- */

/* As a broker without an authorizer. */
enum reply handle_describe_acls(struct request *request)
{
    struct describe_acls_response *answer = request->out;

    answer->error_code = ERR_SECURITY_DISABLED;
    answer->error_message = "No Authorizer is configured on the broker";
    return REPLY_NOW;
}
