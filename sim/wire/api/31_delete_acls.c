/* DeleteAcls: its bytes and what the broker does with it. */
#include "sim/wire/api/31_delete_acls.h"

#include "sim/wire/wire.h"

static const struct field delete_acls_request_filter_fields[] = {
    FIELD(delete_acls_request_filter, resource_type_filter, T_INT8, 0, NEWEST),
    FIELD(delete_acls_request_filter, resource_name_filter, T_STRING, 0, NEWEST, .null_since = 0),
    FIELD(delete_acls_request_filter, pattern_type_filter, T_INT8, 1, NEWEST, .preset = 3),
    FIELD(delete_acls_request_filter, principal_filter, T_STRING, 0, NEWEST, .null_since = 0),
    FIELD(delete_acls_request_filter, host_filter, T_STRING, 0, NEWEST, .null_since = 0),
    FIELD(delete_acls_request_filter, operation, T_INT8, 0, NEWEST),
    FIELD(delete_acls_request_filter, permission_type, T_INT8, 0, NEWEST),
    { 0 },
};

static const struct field delete_acls_request_fields[] = {
    FIELD_STRUCTS(delete_acls_request, filters, delete_acls_request_filter, 0, NEWEST),
    { 0 },
};

const struct message delete_acls_request_message = {
    .name = "DeleteAclsRequest",
    .first = 0,
    .last = 3,
    .flexible_since = 2,
    .fields = delete_acls_request_fields,
    .size = sizeof(struct delete_acls_request),
};

static const struct field delete_acls_response_acl_fields[] = {
    FIELD(delete_acls_response_acl, error_code, T_INT16, 0, NEWEST),
    FIELD(delete_acls_response_acl, error_message, T_STRING, 0, NEWEST, .null_since = 0),
    FIELD(delete_acls_response_acl, resource_type, T_INT8, 0, NEWEST),
    FIELD(delete_acls_response_acl, resource_name, T_STRING, 0, NEWEST),
    FIELD(delete_acls_response_acl, pattern_type, T_INT8, 1, NEWEST, .preset = 3),
    FIELD(delete_acls_response_acl, principal, T_STRING, 0, NEWEST),
    FIELD(delete_acls_response_acl, host, T_STRING, 0, NEWEST),
    FIELD(delete_acls_response_acl, operation, T_INT8, 0, NEWEST),
    FIELD(delete_acls_response_acl, permission_type, T_INT8, 0, NEWEST),
    { 0 },
};

static const struct field delete_acls_response_result_fields[] = {
    FIELD(delete_acls_response_result, error_code, T_INT16, 0, NEWEST),
    FIELD(delete_acls_response_result, error_message, T_STRING, 0, NEWEST, .null_since = 0),
    FIELD_STRUCTS(delete_acls_response_result, matching_acls, delete_acls_response_acl, 0, NEWEST),
    { 0 },
};

static const struct field delete_acls_response_fields[] = {
    FIELD(delete_acls_response, throttle_time_ms, T_INT32, 0, NEWEST),
    FIELD_STRUCTS(delete_acls_response, filter_results, delete_acls_response_result, 0, NEWEST),
    { 0 },
};

const struct message delete_acls_response_message = {
    .name = "DeleteAclsResponse",
    .first = 0,
    .last = 3,
    .flexible_since = 2,
    .fields = delete_acls_response_fields,
    .size = sizeof(struct delete_acls_response),
};

/* ---- what the broker does ---- */

/* As a broker without an authorizer. */
enum reply handle_delete_acls(struct request *request)
{
    const struct delete_acls_request *in = request->in;
    struct delete_acls_response *answer = request->out;
    bool old = release_is_27(cluster_release(request->cluster));

    REPLY_ARRAY(request, answer->filter_results, in->filters.count);
    for (int32_t i = 0; i < in->filters.count; i++)
        answer->filter_results.items[i] = (struct delete_acls_response_result){
            .error_code = ERR_SECURITY_DISABLED,
            .error_message = old ? "No Authorizer is configured on the broker." : "No Authorizer is configured.",
        };
    return REPLY_NOW;
}
