/* JoinGroup: its bytes and what the broker does with it. */
#include "sim/wire/api/11_join_group.h"

#include "sim/cluster/group.h"
#include "sim/wire/api/keep.h"

static const struct field join_group_request_protocol_fields[] = {
    FIELD(join_group_request_protocol, name, T_STRING, 0, NEWEST),
    FIELD(join_group_request_protocol, metadata, T_BYTES, 0, NEWEST),
    { 0 },
};

static const struct field join_group_request_fields[] = {
    FIELD(join_group_request, group_id, T_STRING, 0, NEWEST),
    FIELD(join_group_request, session_timeout_ms, T_INT32, 0, NEWEST),
    FIELD(join_group_request, rebalance_timeout_ms, T_INT32, 1, NEWEST, .preset = -1),
    FIELD(join_group_request, member_id, T_STRING, 0, NEWEST),
    FIELD(join_group_request, group_instance_id, T_STRING, 5, NEWEST, .null_since = 5,
          .preset = PRESET_NULL),
    FIELD(join_group_request, protocol_type, T_STRING, 0, NEWEST),
    FIELD_STRUCTS(join_group_request, protocols, join_group_request_protocol, 0, NEWEST),
    FIELD(join_group_request, reason, T_STRING, 8, NEWEST, .null_since = 8, .preset = PRESET_NULL),
    { 0 },
};

const struct message join_group_request_message = {
    .name = "JoinGroupRequest",
    .first = 0,
    .last = 9,
    .flexible_since = 6,
    .fields = join_group_request_fields,
    .size = sizeof(struct join_group_request),
};

static const struct field join_group_response_member_fields[] = {
    FIELD(join_group_response_member, member_id, T_STRING, 0, NEWEST),
    FIELD(join_group_response_member, group_instance_id, T_STRING, 5, NEWEST, .null_since = 5,
          .preset = PRESET_NULL),
    FIELD(join_group_response_member, metadata, T_BYTES, 0, NEWEST),
    { 0 },
};

static const struct field join_group_response_fields[] = {
    FIELD(join_group_response, throttle_time_ms, T_INT32, 2, NEWEST),
    FIELD(join_group_response, error_code, T_INT16, 0, NEWEST),
    FIELD(join_group_response, generation_id, T_INT32, 0, NEWEST, .preset = -1),
    FIELD(join_group_response, protocol_type, T_STRING, 7, NEWEST, .null_since = 7,
          .preset = PRESET_NULL),
    FIELD(join_group_response, protocol_name, T_STRING, 0, NEWEST, .null_since = 7),
    FIELD(join_group_response, leader, T_STRING, 0, NEWEST),
    FIELD(join_group_response, skip_assignment, T_BOOL, 9, NEWEST),
    FIELD(join_group_response, member_id, T_STRING, 0, NEWEST),
    FIELD_STRUCTS(join_group_response, members, join_group_response_member, 0, NEWEST),
    { 0 },
};

const struct message join_group_response_message = {
    .name = "JoinGroupResponse",
    .first = 0,
    .last = 9,
    .flexible_since = 6,
    .fields = join_group_response_fields,
    .size = sizeof(struct join_group_response),
};

/* ---- the handler ---- */

/* Before version 7 there is no null name for "no protocol". */
static void on_joined(void *context, const struct group_joined *joined)
{
    struct request *request = context;
    struct join_group_response *out = request->out;

    out->error_code = (int16_t)joined->err;
    out->generation_id = joined->generation;
    out->protocol_type = keep_text(request, joined->protocol_type);
    out->protocol_name = keep_text(request, joined->protocol);
    if (!out->protocol_name && request->version < 7)
        out->protocol_name = "";
    out->leader = text_or_empty(keep_text(request, joined->leader));
    out->skip_assignment = joined->skip_assignment;
    out->member_id = text_or_empty(keep_text(request, joined->member_id));
    REPLY_ARRAY(request, out->members, joined->member_count);
    for (int32_t i = 0; i < joined->member_count; i++)
        out->members.items[i] = (struct join_group_response_member){
            .member_id = keep_text(request, joined->members[i].member_id),
            .group_instance_id = keep_text(request, joined->members[i].instance_id),
            .metadata = keep_bytes(request, joined->members[i].metadata),
        };
    request_reply(request);
}

/* Version 0 knows one timeout for both. From version 4 a dynamic member gets its id before it is let in, so that one that went away between
 * is not waited for. */
enum reply handle_join_group(struct request *request)
{
    const struct join_group_request *in = request->in;
    struct group_protocol *protocols = arena_alloc(&request->arena, (size_t)in->protocols.count * sizeof(*protocols) + 1);
    struct group_call *call = arena_alloc(&request->arena, sizeof(*call));
    struct group_join join = {
        .group = in->group_id, .member_id = in->member_id, .instance_id = in->group_instance_id, .client_id = request->client_id,
        .client_host = arena_printf(&request->arena, "/%s", request_client(request)->client_host), .protocol_type = in->protocol_type,
        .protocols = protocols, .protocol_count = in->protocols.count, .session_timeout_ms = in->session_timeout_ms,
        .rebalance_timeout_ms = request->version == 0 ? in->session_timeout_ms : in->rebalance_timeout_ms,
        .needs_member_id = request->version >= 4 && !in->group_instance_id, .supports_skip_assignment = request->version >= 9,
        .timers = request_timers(request),
    };

    for (int32_t i = 0; i < in->protocols.count; i++)
        protocols[i] = (struct group_protocol){ in->protocols.items[i].name, in->protocols.items[i].metadata };
    *call = (struct group_call){ .joined = on_joined, .context = request };
    request->state = call;
    if (!in->group_id[0])
        on_joined(request, &(struct group_joined){ .err = ERR_INVALID_GROUP_ID, .generation = -1, .member_id = in->member_id });
    else
        group_join(request->broker, &join, call);
    return REPLY_LATER;
}

void cancel_join_group(struct request *request)
{
    group_call_forget(request->state);
}
