/* Heartbeat: its bytes and what the broker does with it. */
#include "sim/wire/api/12_heartbeat.h"

#include "sim/cluster/group.h"
#include "sim/wire/api/keep.h"

static const struct field heartbeat_request_fields[] = {
    FIELD(heartbeat_request, group_id, T_STRING, 0, NEWEST),
    FIELD(heartbeat_request, generation_id, T_INT32, 0, NEWEST),
    FIELD(heartbeat_request, member_id, T_STRING, 0, NEWEST),
    FIELD(heartbeat_request, group_instance_id, T_STRING, 3, NEWEST, .null_since = 3,
          .preset = PRESET_NULL),
    { 0 },
};

const struct message heartbeat_request_message = {
    .name = "HeartbeatRequest",
    .first = 0,
    .last = 4,
    .flexible_since = 4,
    .fields = heartbeat_request_fields,
    .size = sizeof(struct heartbeat_request),
};

static const struct field heartbeat_response_fields[] = {
    FIELD(heartbeat_response, throttle_time_ms, T_INT32, 1, NEWEST),
    FIELD(heartbeat_response, error_code, T_INT16, 0, NEWEST),
    { 0 },
};

const struct message heartbeat_response_message = {
    .name = "HeartbeatResponse",
    .first = 0,
    .last = 4,
    .flexible_since = 4,
    .fields = heartbeat_response_fields,
    .size = sizeof(struct heartbeat_response),
};

enum reply handle_heartbeat(struct request *request)
{
    const struct heartbeat_request *in = request->in;
    struct heartbeat_response *out = request->out;

    group_move_timers(request->broker, in->group_id, in->member_id, request_timers(request));
    out->error_code = (int16_t)(in->group_id[0] ? group_heartbeat(request->broker, in->group_id, in->member_id, in->group_instance_id, in->generation_id)
                                                : ERR_INVALID_GROUP_ID);
    return REPLY_NOW;
}
