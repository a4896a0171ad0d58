/* LeaveGroup: its bytes and what the broker does with it. */
#include "sim/wire/api/13_leave_group.h"

#include "sim/cluster/group.h"
#include "sim/wire/api/keep.h"

static const struct field leave_group_request_member_fields[] = {
    FIELD(leave_group_request_member, member_id, T_STRING, 3, NEWEST),
    FIELD(leave_group_request_member, group_instance_id, T_STRING, 3, NEWEST, .null_since = 3,
          .preset = PRESET_NULL),
    FIELD(leave_group_request_member, reason, T_STRING, 5, NEWEST, .null_since = 5,
          .preset = PRESET_NULL),
    { 0 },
};

static const struct field leave_group_request_fields[] = {
    FIELD(leave_group_request, group_id, T_STRING, 0, NEWEST),
    FIELD(leave_group_request, member_id, T_STRING, 0, 2),
    FIELD_STRUCTS(leave_group_request, members, leave_group_request_member, 3, NEWEST),
    { 0 },
};

const struct message leave_group_request_message = {
    .name = "LeaveGroupRequest",
    .first = 0,
    .last = 5,
    .flexible_since = 4,
    .fields = leave_group_request_fields,
    .size = sizeof(struct leave_group_request),
};

static const struct field leave_group_response_member_fields[] = {
    FIELD(leave_group_response_member, member_id, T_STRING, 3, NEWEST),
    FIELD(leave_group_response_member, group_instance_id, T_STRING, 3, NEWEST, .null_since = 3),
    FIELD(leave_group_response_member, error_code, T_INT16, 3, NEWEST),
    { 0 },
};

static const struct field leave_group_response_fields[] = {
    FIELD(leave_group_response, throttle_time_ms, T_INT32, 1, NEWEST),
    FIELD(leave_group_response, error_code, T_INT16, 0, NEWEST),
    FIELD_STRUCTS(leave_group_response, members, leave_group_response_member, 3, NEWEST),
    { 0 },
};

const struct message leave_group_response_message = {
    .name = "LeaveGroupResponse",
    .first = 0,
    .last = 5,
    .flexible_since = 4,
    .fields = leave_group_response_fields,
    .size = sizeof(struct leave_group_response),
};

/* ---- the handler ---- */

/* Errors of the group as a whole stand at the top, those of one member beside it. */
static bool is_of_group(enum err err)
{
    return err == ERR_INVALID_GROUP_ID || err == ERR_NOT_COORDINATOR || err == ERR_COORDINATOR_NOT_AVAILABLE || err == ERR_COORDINATOR_LOAD_IN_PROGRESS;
}

static enum err leave(struct request *request, const char *member_id, const char *instance_id, const char *reason)
{
    const struct leave_group_request *in = request->in;

    if (!in->group_id[0])
        return ERR_INVALID_GROUP_ID;
    return group_leave(request->broker, in->group_id, member_id, instance_id, reason);
}

enum reply handle_leave_group(struct request *request)
{
    const struct leave_group_request *in = request->in;
    struct leave_group_response *out = request->out;

    if (request->version < 3) {
        out->error_code = (int16_t)leave(request, in->member_id, NULL, NULL);
        return REPLY_NOW;
    }
    REPLY_ARRAY(request, out->members, in->members.count);
    for (int32_t i = 0; i < in->members.count; i++) {
        const struct leave_group_request_member *member = &in->members.items[i];
        enum err err = leave(request, member->member_id, member->group_instance_id, member->reason);

        if (is_of_group(err)) {
            out->error_code = (int16_t)err;
            out->members.count = 0;
            break;
        }
        out->members.items[i] = (struct leave_group_response_member){ member->member_id, member->group_instance_id, (int16_t)err };
    }
    return REPLY_NOW;
}
