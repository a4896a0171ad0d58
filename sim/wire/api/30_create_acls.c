/* CreateAcls: its bytes and what the broker does with it. */
#include "sim/wire/api/30_create_acls.h"

#include "sim/wire/wire.h"

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

/* ---- what the broker does ---- */

/* As a broker without an authorizer. */
enum reply handle_create_acls(struct request *request)
{
    const struct create_acls_request *in = request->in;
    struct create_acls_response *answer = request->out;
    bool old = release_is_27(cluster_release(request->cluster));

    REPLY_ARRAY(request, answer->results, in->creations.count);
    for (int32_t i = 0; i < in->creations.count; i++)
        answer->results.items[i] = (struct create_acls_response_result){
            ERR_SECURITY_DISABLED, old ? "No Authorizer is configured on the broker." : "No Authorizer is configured on the broker"
        };
    return REPLY_NOW;
}
