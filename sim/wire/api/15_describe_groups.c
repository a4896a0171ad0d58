/* DescribeGroups: its bytes and what the broker does with it. */
#include "sim/wire/api/15_describe_groups.h"

#include "sim/cluster/group.h"
#include "sim/wire/api/keep.h"

static const struct field describe_groups_request_fields[] = {
    FIELD_ARRAY(describe_groups_request, groups, T_STRING, 0, NEWEST),
    FIELD(describe_groups_request, include_authorized_operations, T_BOOL, 3, NEWEST),
    { 0 },
};

const struct message describe_groups_request_message = {
    .name = "DescribeGroupsRequest",
    .first = 0,
    .last = 6,
    .flexible_since = 5,
    .fields = describe_groups_request_fields,
    .size = sizeof(struct describe_groups_request),
};

static const struct field describe_groups_response_member_fields[] = {
    FIELD(describe_groups_response_member, member_id, T_STRING, 0, NEWEST),
    FIELD(describe_groups_response_member, group_instance_id, T_STRING, 4, NEWEST, .null_since = 4,
          .preset = PRESET_NULL),
    FIELD(describe_groups_response_member, client_id, T_STRING, 0, NEWEST),
    FIELD(describe_groups_response_member, client_host, T_STRING, 0, NEWEST),
    FIELD(describe_groups_response_member, member_metadata, T_BYTES, 0, NEWEST),
    FIELD(describe_groups_response_member, member_assignment, T_BYTES, 0, NEWEST),
    { 0 },
};

static const struct field describe_groups_response_group_fields[] = {
    FIELD(describe_groups_response_group, error_code, T_INT16, 0, NEWEST),
    FIELD(describe_groups_response_group, error_message, T_STRING, 6, NEWEST, .null_since = 6,
          .preset = PRESET_NULL),
    FIELD(describe_groups_response_group, group_id, T_STRING, 0, NEWEST),
    FIELD(describe_groups_response_group, group_state, T_STRING, 0, NEWEST),
    FIELD(describe_groups_response_group, protocol_type, T_STRING, 0, NEWEST),
    FIELD(describe_groups_response_group, protocol_data, T_STRING, 0, NEWEST),
    FIELD_STRUCTS(describe_groups_response_group, members, describe_groups_response_member, 0,
                  NEWEST),
    FIELD(describe_groups_response_group, authorized_operations, T_INT32, 3, NEWEST,
          .preset = INT32_MIN),
    { 0 },
};

static const struct field describe_groups_response_fields[] = {
    FIELD(describe_groups_response, throttle_time_ms, T_INT32, 1, NEWEST),
    FIELD_STRUCTS(describe_groups_response, groups, describe_groups_response_group, 0, NEWEST),
    { 0 },
};

const struct message describe_groups_response_message = {
    .name = "DescribeGroupsResponse",
    .first = 0,
    .last = 6,
    .flexible_since = 5,
    .fields = describe_groups_response_fields,
    .size = sizeof(struct describe_groups_response),
};

/* ---- the handler ---- */

/* Subscriptions and assignments are shown only while they hold: in a stable group. */
static void describe(struct request *request, const char *group, struct describe_groups_response_group *out)
{
    struct group_info info = { 0 };
    enum err err = group_describe(request->broker, group, &request->arena, &info);
    bool stable = info.state == GROUP_STABLE;

    *out = (struct describe_groups_response_group){
        .error_code = (int16_t)err, .group_id = group, .group_state = "", .protocol_type = "", .protocol_data = "",
        .authorized_operations = OPERATIONS_NOT_ASKED,
    };
    if (err)
        return;
    out->group_state = group_state_name(info.state);
    if (info.state == GROUP_DEAD && request->version >= 6) {
        out->error_code = ERR_GROUP_ID_NOT_FOUND;
        out->error_message = arena_printf(&request->arena, "Group %s not found.", group);
        return;
    }
    out->protocol_type = text_or_empty(info.protocol_type);
    if (stable)
        out->protocol_data = text_or_empty(info.protocol);
    REPLY_ARRAY(request, out->members, info.member_count);
    for (int32_t i = 0; i < info.member_count; i++) {
        const struct group_member_info *member = &info.members[i];

        out->members.items[i] = (struct describe_groups_response_member){
            .member_id = member->member_id, .group_instance_id = member->instance_id, .client_id = text_or_empty(member->client_id),
            .client_host = text_or_empty(member->client_host), .member_metadata = stable ? member->metadata : (struct bytes){ 0 },
            .member_assignment = stable ? member->assignment : (struct bytes){ 0 },
        };
    }
}

enum reply handle_describe_groups(struct request *request)
{
    const struct describe_groups_request *in = request->in;
    struct describe_groups_response *out = request->out;

    REPLY_ARRAY(request, out->groups, in->groups.count);
    for (int32_t i = 0; i < in->groups.count; i++) {
        describe(request, text_or_empty(in->groups.items[i]), &out->groups.items[i]);
        if (in->include_authorized_operations && !out->groups.items[i].error_code)
            out->groups.items[i].authorized_operations = release_is_27(cluster_release(request->cluster)) ? ALL_ON_GROUP_27 : ALL_ON_GROUP;
    }
    return REPLY_NOW;
}
