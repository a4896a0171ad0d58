/* Orders to groups: expire. */
#include <string.h>

#include "sim/lab_internal.h"
#include "sim/order.h"

/* The group at whoever coordinates it; false: `reason` says which there are. */
static bool find_group(struct order_call *call, const char *name, struct arena *arena, struct group_info *out)
{
    struct cluster *cluster = lab_cluster(call->lab);
    struct text known = { 0 }, shown = { 0 };
    bool found = false;

    for (size_t i = 0; i < cluster_broker_count(cluster) && !found; i++) {
        struct broker *broker = cluster_broker_at(cluster, i);
        struct group_info *groups = NULL;
        int32_t count = 0;

        if (!broker_up(broker) || group_list(broker, arena, &groups, &count))
            continue;
        for (int32_t g = 0; g < count && !found; g++) {
            found = !strcmp(groups[g].group, name) && !group_describe(broker, name, arena, out);
            text_add(&known, known.size ? ", " : "");
            text_escaped(&known, bytes_text(groups[g].group));
        }
    }
    text_escaped(&shown, bytes_text(name));
    if (!found)
        err_because(ERR_GROUP_ID_NOT_FOUND, call->reason, "there is no group %s%s%s", text_chars(&shown), known.size ? "; there are: " : ", nor any other", text_chars(&known));
    text_done(&known);
    text_done(&shown);
    return found;
}

static bool is_meant(const struct group_member_info *member, const char *word)
{
    return text_starts(member->member_id, word) || text_equal(member->client_id, word) || text_equal(member->instance_id, word);
}

static enum err no_member(struct order_call *call, const struct group_info *group, const char *word, int meant)
{
    struct text members = { 0 }, shown = { 0 };
    enum err err;

    text_escaped(&shown, bytes_text(word));
    for (int32_t i = 0; i < group->member_count; i++) {
        text_add(&members, i ? ", " : "");
        text_escaped(&members, bytes_text(group->members[i].member_id));
    }
    if (!group->member_count)
        err = err_because(ERR_UNKNOWN_MEMBER_ID, call->reason, "group %s has no members", group->group);
    else
        err = err_because(ERR_UNKNOWN_MEMBER_ID, call->reason, "%d members of group %s are meant by '%s'; it has: %s (the beginning of a member's id, a client.id, or all)", meant,
                          group->group, text_chars(&shown), text_chars(&members));
    text_done(&members);
    text_done(&shown);
    return err;
}

enum err order_group_expire(struct order_call *call)
{
    const char *word = call->count == 2 ? call->words[1] : "";
    struct group_info group = { 0 };
    bool all = !strcmp(word, "all");
    struct arena arena;
    enum err err = ERR_OK;
    int meant = 0;

    if (call->count < 1 || call->count > 2)
        return err_because(ERR_INVALID_REQUEST, call->reason, "which group, and which of its members? For instance: group expire my-group all");
    arena_init(&arena);
    if (!find_group(call, call->words[0], &arena, &group)) {
        arena_done(&arena);
        return ERR_GROUP_ID_NOT_FOUND;
    }
    for (int32_t i = 0; i < group.member_count; i++)
        meant += all || is_meant(&group.members[i], word);
    if (!meant || (meant > 1 && !all))
        err = no_member(call, &group, word, meant);
    for (int32_t i = 0; i < group.member_count && !err; i++) {
        if (!all && !is_meant(&group.members[i], word))
            continue;
        err = group_expire_member(lab_cluster(call->lab), group.group, group.members[i].member_id, call->reason);
        if (err)
            continue;
        text_add(call->answer, "Out of the group, as if its session had ended: ");
        text_escaped(call->answer, bytes_text(group.members[i].member_id));
        text_add(call->answer, "\n");
    }
    arena_done(&arena);
    return err;
}
