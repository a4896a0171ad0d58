/* DeleteGroups: its bytes and what the broker does with it. */
#include "sim/wire/api/42_delete_groups.h"

#include "sim/cluster/group.h"
#include "sim/wire/api/keep.h"

static const struct field delete_groups_request_fields[] = {
    FIELD_ARRAY(delete_groups_request, groups_names, T_STRING, 0, NEWEST),
    { 0 },
};

const struct message delete_groups_request_message = {
    .name = "DeleteGroupsRequest",
    .first = 0,
    .last = 2,
    .flexible_since = 2,
    .fields = delete_groups_request_fields,
    .size = sizeof(struct delete_groups_request),
};

static const struct field delete_groups_response_group_fields[] = {
    FIELD(delete_groups_response_group, group_id, T_STRING, 0, NEWEST),
    FIELD(delete_groups_response_group, error_code, T_INT16, 0, NEWEST),
    { 0 },
};

static const struct field delete_groups_response_fields[] = {
    FIELD(delete_groups_response, throttle_time_ms, T_INT32, 0, NEWEST),
    FIELD_STRUCTS(delete_groups_response, results, delete_groups_response_group, 0, NEWEST),
    { 0 },
};

const struct message delete_groups_response_message = {
    .name = "DeleteGroupsResponse",
    .first = 0,
    .last = 2,
    .flexible_since = 2,
    .fields = delete_groups_response_fields,
    .size = sizeof(struct delete_groups_response),
};

enum reply handle_delete_groups(struct request *request)
{
    const struct delete_groups_request *in = request->in;
    struct delete_groups_response *out = request->out;

    REPLY_ARRAY(request, out->results, in->groups_names.count);
    for (int32_t i = 0; i < in->groups_names.count; i++) {
        const char *group = text_or_empty(in->groups_names.items[i]);

        out->results.items[i] = (struct delete_groups_response_group){ group, (int16_t)group_delete(request->broker, group) };
    }
    return REPLY_NOW;
}
