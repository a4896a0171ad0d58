/* SyncGroup: its bytes and what the broker does with it. */
#include "sim/wire/api/14_sync_group.h"

#include "sim/cluster/group.h"
#include "sim/wire/api/keep.h"

static const struct field sync_group_request_assignment_fields[] = {
    FIELD(sync_group_request_assignment, member_id, T_STRING, 0, NEWEST),
    FIELD(sync_group_request_assignment, assignment, T_BYTES, 0, NEWEST),
    { 0 },
};

static const struct field sync_group_request_fields[] = {
    FIELD(sync_group_request, group_id, T_STRING, 0, NEWEST),
    FIELD(sync_group_request, generation_id, T_INT32, 0, NEWEST),
    FIELD(sync_group_request, member_id, T_STRING, 0, NEWEST),
    FIELD(sync_group_request, group_instance_id, T_STRING, 3, NEWEST, .null_since = 3,
          .preset = PRESET_NULL),
    FIELD(sync_group_request, protocol_type, T_STRING, 5, NEWEST, .null_since = 5,
          .preset = PRESET_NULL),
    FIELD(sync_group_request, protocol_name, T_STRING, 5, NEWEST, .null_since = 5,
          .preset = PRESET_NULL),
    FIELD_STRUCTS(sync_group_request, assignments, sync_group_request_assignment, 0, NEWEST),
    { 0 },
};

const struct message sync_group_request_message = {
    .name = "SyncGroupRequest",
    .first = 0,
    .last = 5,
    .flexible_since = 4,
    .fields = sync_group_request_fields,
    .size = sizeof(struct sync_group_request),
};

static const struct field sync_group_response_fields[] = {
    FIELD(sync_group_response, throttle_time_ms, T_INT32, 1, NEWEST),
    FIELD(sync_group_response, error_code, T_INT16, 0, NEWEST),
    FIELD(sync_group_response, protocol_type, T_STRING, 5, NEWEST, .null_since = 5,
          .preset = PRESET_NULL),
    FIELD(sync_group_response, protocol_name, T_STRING, 5, NEWEST, .null_since = 5,
          .preset = PRESET_NULL),
    FIELD(sync_group_response, assignment, T_BYTES, 0, NEWEST),
    { 0 },
};

const struct message sync_group_response_message = {
    .name = "SyncGroupResponse",
    .first = 0,
    .last = 5,
    .flexible_since = 4,
    .fields = sync_group_response_fields,
    .size = sizeof(struct sync_group_response),
};

/* ---- the handler ---- */

static void on_synced(void *context, enum err err, const char *protocol_type, const char *protocol, struct bytes assignment)
{
    struct request *request = context;
    struct sync_group_response *out = request->out;

    out->error_code = (int16_t)err;
    out->protocol_type = keep_text(request, protocol_type);
    out->protocol_name = keep_text(request, protocol);
    out->assignment = keep_bytes(request, assignment);
    request_reply(request);
}

/* From version 5 a member says which protocol it believes was chosen, and both have to be given. */
enum reply handle_sync_group(struct request *request)
{
    const struct sync_group_request *in = request->in;
    struct group_assignment *assignments = arena_alloc(&request->arena, (size_t)in->assignments.count * sizeof(*assignments) + 1);
    struct group_call *call = arena_alloc(&request->arena, sizeof(*call));
    struct group_sync sync = {
        .group = in->group_id, .member_id = in->member_id, .instance_id = in->group_instance_id, .protocol_type = in->protocol_type,
        .protocol = in->protocol_name, .generation = in->generation_id, .assignments = assignments, .assignment_count = in->assignments.count,
    };
    enum err err = !in->group_id[0] ? ERR_INVALID_GROUP_ID
        : request->version >= 5 && (!in->protocol_type || !in->protocol_name) ? ERR_INCONSISTENT_GROUP_PROTOCOL : ERR_OK;

    for (int32_t i = 0; i < in->assignments.count; i++)
        assignments[i] = (struct group_assignment){ in->assignments.items[i].member_id, in->assignments.items[i].assignment };
    *call = (struct group_call){ .synced = on_synced, .context = request };
    request->state = call;
    group_move_timers(request->broker, in->group_id, in->member_id, request_timers(request));
    if (err)
        on_synced(request, err, NULL, NULL, (struct bytes){ 0 });
    else
        group_sync(request->broker, &sync, call);
    return REPLY_LATER;
}

void cancel_sync_group(struct request *request)
{
    group_call_forget(request->state);
}
