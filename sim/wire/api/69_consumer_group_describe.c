/* ConsumerGroupDescribe: its bytes and what the broker does with it. */
#include "sim/wire/api/69_consumer_group_describe.h"

#include "sim/cluster/group.h"
#include "sim/wire/wire.h"

static const struct field consumer_group_describe_request_fields[] = {
    FIELD_ARRAY(consumer_group_describe_request, group_ids, T_STRING, 0, NEWEST),
    FIELD(consumer_group_describe_request, include_authorized_operations, T_BOOL, 0, NEWEST),
    { 0 },
};

const struct message consumer_group_describe_request_message = {
    .name = "ConsumerGroupDescribeRequest",
    .first = 0,
    .last = 1,
    .flexible_since = 0,
    .fields = consumer_group_describe_request_fields,
    .size = sizeof(struct consumer_group_describe_request),
};

static const struct field consumer_group_describe_response_topic_fields[] = {
    FIELD(consumer_group_describe_response_topic, topic_id, T_UUID, 0, NEWEST),
    FIELD(consumer_group_describe_response_topic, topic_name, T_STRING, 0, NEWEST),
    FIELD_ARRAY(consumer_group_describe_response_topic, partitions, T_INT32, 0, NEWEST),
    { 0 },
};

static const struct field consumer_group_describe_response_assignment_fields[] = {
    FIELD_STRUCTS(consumer_group_describe_response_assignment, topic_partitions,
                  consumer_group_describe_response_topic, 0, NEWEST),
    { 0 },
};

static const struct field consumer_group_describe_response_member_fields[] = {
    FIELD(consumer_group_describe_response_member, member_id, T_STRING, 0, NEWEST),
    FIELD(consumer_group_describe_response_member, instance_id, T_STRING, 0, NEWEST,
          .null_since = 0, .preset = PRESET_NULL),
    FIELD(consumer_group_describe_response_member, rack_id, T_STRING, 0, NEWEST, .null_since = 0,
          .preset = PRESET_NULL),
    FIELD(consumer_group_describe_response_member, member_epoch, T_INT32, 0, NEWEST),
    FIELD(consumer_group_describe_response_member, client_id, T_STRING, 0, NEWEST),
    FIELD(consumer_group_describe_response_member, client_host, T_STRING, 0, NEWEST),
    FIELD_ARRAY(consumer_group_describe_response_member, subscribed_topic_names, T_STRING, 0,
                NEWEST),
    FIELD(consumer_group_describe_response_member, subscribed_topic_regex, T_STRING, 0, NEWEST,
          .null_since = 0, .preset = PRESET_NULL),
    FIELD_STRUCT(consumer_group_describe_response_member, assignment,
                 consumer_group_describe_response_assignment, 0, NEWEST),
    FIELD_STRUCT(consumer_group_describe_response_member, target_assignment,
                 consumer_group_describe_response_assignment, 0, NEWEST),
    FIELD(consumer_group_describe_response_member, member_type, T_INT8, 1, NEWEST, .preset = -1),
    { 0 },
};

static const struct field consumer_group_describe_response_group_fields[] = {
    FIELD(consumer_group_describe_response_group, error_code, T_INT16, 0, NEWEST),
    FIELD(consumer_group_describe_response_group, error_message, T_STRING, 0, NEWEST,
          .null_since = 0, .preset = PRESET_NULL),
    FIELD(consumer_group_describe_response_group, group_id, T_STRING, 0, NEWEST),
    FIELD(consumer_group_describe_response_group, group_state, T_STRING, 0, NEWEST),
    FIELD(consumer_group_describe_response_group, group_epoch, T_INT32, 0, NEWEST),
    FIELD(consumer_group_describe_response_group, assignment_epoch, T_INT32, 0, NEWEST),
    FIELD(consumer_group_describe_response_group, assignor_name, T_STRING, 0, NEWEST),
    FIELD_STRUCTS(consumer_group_describe_response_group, members,
                  consumer_group_describe_response_member, 0, NEWEST),
    FIELD(consumer_group_describe_response_group, authorized_operations, T_INT32, 0, NEWEST,
          .preset = INT32_MIN),
    { 0 },
};

static const struct field consumer_group_describe_response_fields[] = {
    FIELD(consumer_group_describe_response, throttle_time_ms, T_INT32, 0, NEWEST),
    FIELD_STRUCTS(consumer_group_describe_response, groups, consumer_group_describe_response_group,
                  0, NEWEST),
    { 0 },
};

const struct message consumer_group_describe_response_message = {
    .name = "ConsumerGroupDescribeResponse",
    .first = 0,
    .last = 1,
    .flexible_since = 0,
    .fields = consumer_group_describe_response_fields,
    .size = sizeof(struct consumer_group_describe_response),
};

/* ---- what the broker does ---- */

/* All groups here are of the classic protocol: of those a client asks with DescribeGroups when it has heard this. */
enum reply handle_consumer_group_describe(struct request *request)
{
    const struct consumer_group_describe_request *in = request->in;
    struct consumer_group_describe_response *answer = request->out;

    REPLY_ARRAY(request, answer->groups, in->group_ids.count);
    for (int32_t i = 0; i < in->group_ids.count; i++) {
        const char *group = in->group_ids.items[i];
        struct group_info info = { 0 };
        enum err err = group_describe(request->broker, group, &request->arena, &info);
        bool there = !err && info.state != GROUP_DEAD;

        answer->groups.items[i] = (struct consumer_group_describe_response_group){
            .error_code = (int16_t)(err ? err : ERR_GROUP_ID_NOT_FOUND), .group_id = group, .group_state = "", .assignor_name = "",
            .error_message = err ? NULL
                                 : arena_printf(&request->arena, there ? "Group %s is not a consumer group." : "Group %s not found.", group),
            .authorized_operations = OPERATIONS_NOT_ASKED,
        };
    }
    return REPLY_NOW;
}
