/* kafka-consumer-groups --describe: offsets with their lag, members, state. */
#include "shell/commands/kafka_consumer_groups.h"

#include <stdlib.h>
#include <string.h>

struct row {
    const char *topic, *consumer, *host, *client;
    int32_t partition, epoch;
    int64_t committed, end;
};
struct rows {
    struct row *items;
    size_t count, capacity;
};

static int wider(int width, const char *text)
{
    int size = (int)strlen(text ? text : "-");

    return size > width ? size : width;
}

static const char *cell(struct arena *arena, int64_t number, bool known)
{
    return known ? arena_printf(arena, "%lld", (long long)number) : "-";
}

/* Whether there is something to print below it. */
static bool should_print(struct groups *groups, const struct group *group, size_t rows)
{
    const char *state = group->state;

    if (text_equal(state, "Dead"))
        groups_error(groups, "Consumer group '%s' does not exist.", group->name);
    else if (text_equal(state, "Empty"))
        call_error(groups->call, "\nConsumer group '%s' has no active members.\n", group->name);
    else if (text_equal(state, "PreparingRebalance") || text_equal(state, "CompletingRebalance") ||
             text_equal(state, "Assigning") || text_equal(state, "Reconciling"))
        call_error(groups->call, "\nWarning: Consumer group '%s' is rebalancing.\n", group->name);
    return !text_equal(state, "Dead") && rows;
}

/* ---- offsets ---- */

static bool add_rows(struct groups *groups, struct rows *rows, struct spots *spots, const struct spots *committed,
                     const struct member *member, struct trouble *trouble)
{
    if (!groups_lookup(groups, spots, -1, trouble))
        return false;
    for (size_t i = 0; i < spots->count; i++) {
        const struct spot *spot = &spots->items[i], *known = spots_find(committed, spot->topic, spot->partition);

        ARRAY_ADD(rows->items, rows->count, rows->capacity) = (struct row){
            spot->topic,     member ? member->id : "-", member ? member->host : "-",   member ? member->client : "-",
            spot->partition, known ? known->epoch : -1, known ? known->committed : -1, spot->offset
        };
    }
    return true;
}

/* Members with most partitions first, else as they came. */
static void order_members(const struct group *group, size_t *order)
{
    for (size_t i = 0; i < group->member_count; i++) {
        size_t to = i;

        for (; to && group->members[order[to - 1]].assigned.count < group->members[i].assigned.count; to--)
            order[to] = order[to - 1];
        order[to] = i;
    }
}

static bool collect_rows(struct groups *groups, const struct group *group, const struct spots *committed,
                         struct rows *rows, struct trouble *trouble)
{
    size_t *order = mem_zero_array(group->member_count + 1, sizeof(*order));
    struct spots left = { 0 };
    uint32_t *hashes;
    bool ok = true;

    order_members(group, order);
    for (size_t i = 0; ok && i < group->member_count; i++) {
        struct member *member = &group->members[order[i]];
        struct spots spots = { 0 };

        for (size_t p = 0; p < member->assigned.count; p++)
            spots_add(&spots, member->assigned.items[p].topic, member->assigned.items[p].partition);
        spots_sort_partitions(&spots);
        spots_order_map(groups, &spots);
        ok = !spots.count || add_rows(groups, rows, &spots, committed, member, trouble);
        spots_done(&spots);
    }
    for (size_t i = 0; i < committed->count; i++) {
        bool assigned = false;

        for (size_t m = 0; m < group->member_count; m++)
            assigned |= spots_find(&group->members[m].assigned, committed->items[i].topic,
                                   committed->items[i].partition) != NULL;
        if (!assigned)
            spots_add(&left, committed->items[i].topic, committed->items[i].partition);
    }
    if (groups_old(groups)) {
        hashes = spots_hashes(&left);
        spots_reorder(&left, scala_mutable_order_hashes(hashes, left.count));
        mem_free(hashes);
    } else {
        spots_sort_partitions(&left);
        spots_order_map(groups, &left);
    }
    ok = ok && (!left.count || add_rows(groups, rows, &left, committed, NULL, trouble));
    spots_done(&left);
    mem_free(order);
    return ok;
}

static void print_rows(struct groups *groups, const struct group *group, const struct rows *rows)
{
    bool verbose = !groups_old(groups) && tool_has(groups->options, "verbose");
    int group_width = wider(15, group->name), topic_width = 15, consumer_width = 15, host_width = 15;
    struct arena *arena = &groups->admin.arena;

    for (size_t i = 0; i < rows->count; i++) {
        topic_width = wider(topic_width, rows->items[i].topic);
        consumer_width = wider(consumer_width, rows->items[i].consumer);
        host_width = wider(host_width, rows->items[i].host);
    }
    call_print(groups->call, "\n%-*s %-*s %-10s %s%-15s %-15s %-15s %-*s %-*s %s\n", group_width, "GROUP", topic_width,
               "TOPIC", "PARTITION", verbose ? "LEADER-EPOCH    " : "", "CURRENT-OFFSET", "LOG-END-OFFSET", "LAG",
               consumer_width, "CONSUMER-ID", host_width, "HOST", "CLIENT-ID");
    for (size_t i = 0; i < rows->count; i++) {
        const struct row *row = &rows->items[i];
        char epoch[24] = "";

        if (verbose)
            snprintf(epoch, sizeof(epoch), "%-15s ", cell(arena, row->epoch, row->epoch >= 0));
        call_print(groups->call, "%-*s %-*s %-10d %s%-15s %-15s %-15s %-*s %-*s %s\n", group_width, group->name,
                   topic_width, row->topic, (int)row->partition, epoch,
                   cell(arena, row->committed, row->committed >= 0), cell(arena, row->end, row->end >= 0),
                   cell(arena, row->end - row->committed, row->committed >= 0 && row->end >= 0), consumer_width,
                   row->consumer, host_width, row->host, row->client);
    }
}

static bool describe_offsets(struct groups *groups, struct group *all, size_t count, struct trouble *trouble)
{
    struct rows *rows = mem_zero_array(count + 1, sizeof(*rows));
    struct spots committed = { 0 };
    bool ok = true;

    for (size_t i = 0; ok && i < count; i++) {
        if (text_equal(all[i].state, "Dead") && !groups_old(groups))
            continue;
        ok = groups_committed(groups, all[i].name, &committed, trouble) || groups_future(groups, true, trouble);
        ok = ok && collect_rows(groups, &all[i], &committed, &rows[i], trouble);
        spots_done(&committed);
    }
    for (size_t i = 0; ok && i < count; i++)
        if (should_print(groups, &all[i], rows[i].count))
            print_rows(groups, &all[i], &rows[i]);
    for (size_t i = 0; i < count; i++)
        mem_free(rows[i].items);
    mem_free(rows);
    return ok;
}

/* ---- members ---- */

static int by_spot(const void *a, const void *b)
{
    const struct spot *left = a, *right = b;
    int order = strcmp(left->topic, right->topic);

    return order ? order : left->partition < right->partition ? -1 : left->partition > right->partition;
}

/* 2.7 "orders(0,1), students(0)"; 4.3 "orders:0,1;students:0". */
static const char *assignment_text(struct groups *groups, struct spots *spots)
{
    bool old = groups_old(groups);
    struct text text = { 0 };
    const char *out;

    if (!spots->count)
        return "-";
    qsort(spots->items, spots->count, sizeof(*spots->items), by_spot);
    for (size_t i = 0; i < spots->count; i++) {
        bool first = !i || !text_equal(spots->items[i].topic, spots->items[i - 1].topic);

        if (first)
            text_printf(&text, "%s%s%s", !i ? "" : old ? "), " : ";", spots->items[i].topic, old ? "(" : ":");
        text_printf(&text, "%s%d", first ? "" : ",", (int)spots->items[i].partition);
    }
    if (old)
        text_char(&text, ')');
    out = arena_text(&groups->admin.arena, text.data, text.size);
    text_done(&text);
    return out;
}

static void print_members(struct groups *groups, const struct group *group)
{
    bool verbose = tool_has(groups->options, "verbose"), old = groups_old(groups), instances = false;
    int group_width = wider(15, group->name), id_width = 15, instance_width = 17, host_width = 15, client_width = 15,
        current_width = 20, target_width = 20;
    struct arena *arena = &groups->admin.arena;
    char instance[300] = "";

    for (size_t i = 0; i < group->member_count; i++) {
        const struct member *member = &group->members[i];

        id_width = wider(id_width, member->id);
        host_width = wider(host_width, member->host);
        client_width = wider(client_width, member->client);
        if (member->instance && *member->instance) {
            instances = true;
            instance_width = wider(instance_width, member->instance);
        }
        current_width = wider(current_width, assignment_text(groups, &group->members[i].assigned));
        target_width = wider(target_width, assignment_text(groups, &group->members[i].target));
    }
    if (instances)
        snprintf(instance, sizeof(instance), "%-*.*s ", instance_width, 280, "GROUP-INSTANCE-ID");
    call_print(groups->call, "\n%-*s %-*s %s%-*s %-*s %-15s ", group_width, "GROUP", id_width, "CONSUMER-ID", instance,
               host_width, "HOST", client_width, "CLIENT-ID", "#PARTITIONS");
    if (verbose && old)
        call_print(groups->call, "ASSIGNMENT");
    else if (verbose)
        call_print(groups->call, "%-15s %-*s %-15s %-*s", "CURRENT-EPOCH", current_width, "CURRENT-ASSIGNMENT",
                   "TARGET-EPOCH", target_width, "TARGET-ASSIGNMENT");
    call_print(groups->call, "\n");
    for (size_t i = 0; i < group->member_count; i++) {
        struct member *member = &group->members[i];

        if (instances)
            snprintf(instance, sizeof(instance), "%-*.*s ", instance_width, 280,
                     member->instance ? member->instance : "");
        call_print(groups->call, "%-*s %-*s %s%-*s %-*s %-15zu ", group_width, group->name, id_width, member->id,
                   instance, host_width, member->host, client_width, member->client, member->assigned.count);
        if (verbose && old)
            call_print(groups->call, "%s", assignment_text(groups, &member->assigned));
        else if (verbose)
            call_print(groups->call, "%-15s %-*s %-15s %-*s", cell(arena, member->epoch, member->epoch >= 0),
                       current_width, assignment_text(groups, &member->assigned),
                       cell(arena, group->target_epoch, group->target_epoch >= 0), target_width,
                       assignment_text(groups, &member->target));
        call_print(groups->call, "\n");
    }
}

/* ---- state ---- */

static bool print_state(struct groups *groups, const struct group *group, struct trouble *trouble)
{
    bool old = groups_old(groups), verbose = tool_has(groups->options, "verbose");
    struct metadata_response *cluster;
    struct arena *arena = &groups->admin.arena;
    const char *coordinator = "";
    int width, group_width = wider(15, group->name);

    if (!tool_metadata(&groups->admin, "describeCluster", &cluster, trouble))
        return groups_future(groups, false, trouble);
    for (int32_t i = 0; i < cluster->brokers.count; i++)
        if (cluster->brokers.items[i].node_id == group->coordinator)
            coordinator = arena_printf(arena, old ? "%s:%d (%d)" : "%s:%d  (%d)", cluster->brokers.items[i].host,
                                       (int)cluster->brokers.items[i].port, (int)group->coordinator);
    width = wider(25, coordinator);
    if (old) { /* the first column is as wide as the second would have to be: so it is in 2.7 */
        call_print(groups->call, "\n%-*s %-25s %-20s %-15s %s", width, "GROUP", "COORDINATOR (ID)",
                   "ASSIGNMENT-STRATEGY", "STATE", "#MEMBERS");
        call_print(groups->call, "\n%-*s %-25s %-20s %-15s %zu\n", width, group->name, coordinator, group->assignor,
                   group->state, group->member_count);
        return true;
    }
    call_print(groups->call, "\n%-*s %-*s %-20s %-20s ", group_width, "GROUP", width, "COORDINATOR (ID)",
               "ASSIGNMENT-STRATEGY", "STATE");
    call_print(groups->call, verbose ? "%-15s %-25s #MEMBERS\n" : "#MEMBERS\n", "GROUP-EPOCH",
               "TARGET-ASSIGNMENT-EPOCH");
    call_print(groups->call, "%-*s %-*s %-20s %-20s ", group_width, group->name, width, coordinator,
               group->assignor && *group->assignor ? group->assignor : "-", group->state);
    if (verbose)
        call_print(groups->call, "%-15s %-25s ", cell(arena, group->epoch, group->epoch >= 0),
                   cell(arena, group->target_epoch, group->target_epoch >= 0));
    call_print(groups->call, "%zu\n", group->member_count);
    return true;
}

/* ---- */

static int by_group(const void *a, const void *b)
{
    return strcmp(((const struct group *)a)->name, ((const struct group *)b)->name);
}

bool groups_describe(struct groups *groups, struct trouble *trouble)
{
    bool members = tool_has(groups->options, "members"), state = tool_has(groups->options, "state"), ok;
    struct group *all;
    const char **names;
    size_t count, found = 0;

    if (!groups_named(groups, &names, &count, trouble))
        return false;
    all = mem_zero_array(count + 1, sizeof(*all));
    ok = true;
    for (size_t i = 0; ok && i < count; i++) {
        bool twice = false;

        for (size_t j = 0; j < found; j++)
            twice |= text_equal(all[j].name, names[i]);
        if (twice)
            continue;
        ok = groups_describe_one(groups, names[i], &all[found], trouble) || groups_future(groups, false, trouble);
        found++;
    }
    qsort(all, found, sizeof(*all), by_group);
    if (ok && !members && !state)
        ok = describe_offsets(groups, all, found, trouble);
    for (size_t i = 0; ok && i < found; i++) {
        if (members && (should_print(groups, &all[i], all[i].member_count) ||
                        (!groups_old(groups) && !text_equal(all[i].state, "Dead"))))
            print_members(groups, &all[i]);
        else if (state && !members && should_print(groups, &all[i], 1))
            ok = print_state(groups, &all[i], trouble);
    }
    for (size_t i = 0; i < found; i++)
        groups_group_done(&all[i]);
    mem_free(all);
    return ok;
}
