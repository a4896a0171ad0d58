/* group: a member put out of its group; alone: the members of all groups. */
#include <string.h>

#include "shell/commands/orders.h"
#include "shell/listing.h"

static bool any_groups(struct cluster *cluster, struct arena *arena)
{
    struct group_info *groups;
    int32_t count = 0, all = 0;

    for (size_t i = 0; i < cluster_broker_count(cluster); i++)
        if (broker_up(cluster_broker_at(cluster, i)) && !group_list(cluster_broker_at(cluster, i), arena, &groups, &count))
            all += count;
    return all;
}

static int list(struct call *call)
{
    struct cluster *cluster = lab_cluster(call_lab(call));
    const char *names[] = { "group", "state", "generation", "member", "client_id", "address", "session" };
    struct listing *rows;
    struct arena arena;

    arena_init(&arena);
    if (!any_groups(cluster, &arena)) {
        call_print(call, "%s\n", _(call->session->lang, "There are no groups."));
        arena_done(&arena);
        return 0;
    }
    rows = listing_new(call, 7, names);
    for (size_t i = 0; i < cluster_broker_count(cluster); i++) {
        struct broker *broker = cluster_broker_at(cluster, i);
        struct group_info *groups = NULL, group;
        int32_t count = 0;

        if (!broker_up(broker) || group_list(broker, &arena, &groups, &count))
            continue;
        for (int32_t g = 0; g < count; g++) {
            if (group_describe(broker, groups[g].group, &arena, &group))
                continue;
            for (int32_t m = 0; m < group.member_count || (!m && !group.member_count); m++) {
                const struct group_member_info none = { .member_id = "", .client_id = "", .client_host = "" }, *member = group.member_count ? &group.members[m] : &none;
                struct text session = { 0 };

                if (member->session_timeout_ms)
                    text_duration(&session, (int64_t)member->session_timeout_ms * 1000);
                listing_add(rows, (struct value[]){ value_text(group.group), value_text(group_state_name(group.state)), value_int(group.generation), value_text(member->member_id),
                                                    value_text(member->client_id), value_text(member->client_host), value_text(text_chars(&session)) });
                text_done(&session);
            }
        }
    }
    listing_print(rows);
    arena_done(&arena);
    return 0;
}

static int run(struct call *call)
{
    return call->argc == 1 ? list(call) : order_run(call);
}

const struct command command_group = {
    .name = "group", .summary = "put a member out of its group; alone: a list", .usage = "group [expire GROUP MEMBER|all]",
    .details = N_("expire does at once what the end of a session does: the member is out, the others rebalance, and it learns of it with its next request. MEMBER is the beginning of a member's "
               "id, a client.id or a group.instance.id; it may be left out where there is only one. Sessions of real clients run on their own clocks: advance 45s --clients moves all of them on."),
    .example = "group", .words = "expire", .argument = COMPLETE_GROUP, .needs_lab = true, .run = run,
};
