/* ListGroups: its bytes and what the broker does with it. */
#include "sim/wire/api/16_list_groups.h"

#include <strings.h>

#include "sim/cluster/group.h"
#include "sim/wire/api/keep.h"

static const struct field list_groups_request_fields[] = {
    FIELD_ARRAY(list_groups_request, states_filter, T_STRING, 4, NEWEST),
    FIELD_ARRAY(list_groups_request, types_filter, T_STRING, 5, NEWEST),
    { 0 },
};

const struct message list_groups_request_message = {
    .name = "ListGroupsRequest",
    .first = 0,
    .last = 5,
    .flexible_since = 3,
    .fields = list_groups_request_fields,
    .size = sizeof(struct list_groups_request),
};

static const struct field list_groups_response_group_fields[] = {
    FIELD(list_groups_response_group, group_id, T_STRING, 0, NEWEST),
    FIELD(list_groups_response_group, protocol_type, T_STRING, 0, NEWEST),
    FIELD(list_groups_response_group, group_state, T_STRING, 4, NEWEST),
    FIELD(list_groups_response_group, group_type, T_STRING, 5, NEWEST),
    { 0 },
};

static const struct field list_groups_response_fields[] = {
    FIELD(list_groups_response, throttle_time_ms, T_INT32, 1, NEWEST),
    FIELD(list_groups_response, error_code, T_INT16, 0, NEWEST),
    FIELD_STRUCTS(list_groups_response, groups, list_groups_response_group, 0, NEWEST),
    { 0 },
};

const struct message list_groups_response_message = {
    .name = "ListGroupsResponse",
    .first = 0,
    .last = 5,
    .flexible_since = 3,
    .fields = list_groups_response_fields,
    .size = sizeof(struct list_groups_response),
};

/* ---- the handler ---- */

/* No filter lets all through; 4.3 takes names in any case. */
static bool passes(const struct request *request, const char *const *names, int32_t count, const char *name)
{
    bool exact = release_is_27(cluster_release(request->cluster));

    for (int32_t i = 0; i < count; i++)
        if (exact ? !strcmp(names[i], name) : !strcasecmp(names[i], name))
            return true;
    return count <= 0;
}

enum reply handle_list_groups(struct request *request)
{
    const struct list_groups_request *in = request->in;
    struct list_groups_response *out = request->out;
    struct group_info *groups;
    int32_t count = 0, kept = 0;
    enum err err = group_list(request->broker, &request->arena, &groups, &count);

    out->error_code = (int16_t)err;
    if (err)
        return REPLY_NOW;
    REPLY_ARRAY(request, out->groups, count);
    for (int32_t i = 0; i < count; i++) {
        const char *state = group_state_name(groups[i].state);

        if (!passes(request, in->states_filter.items, in->states_filter.count, state)
            || !passes(request, in->types_filter.items, in->types_filter.count, "classic"))
            continue;
        out->groups.items[kept++] = (struct list_groups_response_group){ groups[i].group, text_or_empty(groups[i].protocol_type), state, "classic" };
    }
    out->groups.count = kept;
    return REPLY_NOW;
}
