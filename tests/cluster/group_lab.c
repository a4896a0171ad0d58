#include "tests/cluster/group_lab.h"
#include "sim/cluster/group_records.h"

#include <stdio.h>

void caller_on_joined(void *context, const struct group_joined *answer)
{
    struct caller *caller = context;

    caller->joined_count++;
    caller->err = answer->err;
    caller->generation = answer->generation;
    caller->member_count = answer->member_count;
    caller->skip_assignment = answer->skip_assignment;
    snprintf(caller->member_id, sizeof(caller->member_id), "%s", answer->member_id);
    snprintf(caller->leader, sizeof(caller->leader), "%s", answer->leader);
    snprintf(caller->protocol, sizeof(caller->protocol), "%s", answer->protocol ? answer->protocol : "");
}

static void on_synced(void *context, enum err err, const char *protocol_type, const char *protocol, struct bytes assignment)
{
    struct caller *caller = context;
    struct text text = { 0 };

    (void)protocol_type, (void)protocol;
    caller->synced_count++;
    caller->err = err;
    consumer_assignment_text(assignment, &text);
    snprintf(caller->assignment, sizeof(caller->assignment), "%s", text_chars(&text));
    text_done(&text);
}

static void on_committed(void *context)
{
    ((struct caller *)context)->committed_count++;
}

void caller_init(struct caller *caller, struct cluster_lab *lab, const char *name)
{
    *caller = (struct caller){ .lab = lab, .name = name, .group = "readers", .session_timeout_ms = 45000, .rebalance_timeout_ms = 300000,
                               .timers = timers_virtual(lab->queue) };
    caller->join = (struct group_call){ .joined = caller_on_joined, .context = caller };
    caller->sync = (struct group_call){ .synced = on_synced, .context = caller };
    caller->commit = (struct group_call){ .committed = on_committed, .context = caller };
}

struct broker *group_lab_coordinator(struct cluster_lab *lab, const char *group)
{
    struct broker *first = cluster_broker_at(lab->cluster, 0);
    int32_t id = -1;

    if (group_coordinator_of(first, group, &id, &lab->reason)) {
        cluster_lab_advance_ms(lab, 10);
        CHECK_INT(ERR_OK, group_coordinator_of(first, group, &id, &lab->reason));
    }
    return cluster_broker(lab->cluster, id);
}

void group_lab_run(struct cluster_lab *lab)
{
    cluster_lab_advance_ms(lab, 10);
}

/* A subscription or an assignment of version 0 to topic "students". */
static size_t subscription(uint8_t *out)
{
    static const uint8_t bytes[] = "\0\0\0\0\0\1\0\10students\xff\xff\xff\xff";

    memcpy(out, bytes, sizeof(bytes) - 1);
    return sizeof(bytes) - 1;
}

struct bytes group_lab_partition(uint8_t out[30], uint8_t partition)
{
    memcpy(out, "\0\0\0\0\0\1\0\10students\0\0\0\1\0\0\0\0\xff\xff\xff\xff", 28);
    out[23] = partition;
    return (struct bytes){ out, 28 };
}

void caller_join_once(struct caller *caller, const char *protocol)
{
    uint8_t metadata[40];
    struct group_protocol protocols[] = { { protocol, { metadata, subscription(metadata) } } };
    char id[100];
    struct group_join join = { .group = caller->group, .member_id = id, .instance_id = caller->instance_id, .client_id = caller->name,
                               .client_host = "/127.0.0.1", .protocol_type = "consumer", .protocols = protocols, .protocol_count = 1,
                               .session_timeout_ms = caller->session_timeout_ms, .rebalance_timeout_ms = caller->rebalance_timeout_ms,
                               .needs_member_id = !caller->old_client, .supports_skip_assignment = !caller->old_client,
                               .timers = &caller->timers };

    snprintf(id, sizeof(id), "%s", caller->member_id);
    group_join(group_lab_coordinator(caller->lab, caller->group), &join, &caller->join);
}

void caller_join(struct caller *caller)
{
    caller_join_once(caller, "range");
    group_lab_run(caller->lab);
    if (caller->err == ERR_MEMBER_ID_REQUIRED) {
        caller_join_once(caller, "range");
        group_lab_run(caller->lab);
    }
}

void caller_sync_with(struct caller *caller, const struct group_assignment *assignments, int32_t count)
{
    struct group_sync sync = { .group = caller->group, .member_id = caller->member_id, .instance_id = caller->instance_id,
                               .protocol_type = "consumer", .protocol = "range", .generation = caller->generation,
                               .assignments = assignments, .assignment_count = count };

    group_sync(group_lab_coordinator(caller->lab, caller->group), &sync, &caller->sync);
    group_lab_run(caller->lab);
}

void caller_sync_alone(struct caller *caller)
{
    uint8_t bytes[30];
    struct group_assignment assignment = { caller->member_id, group_lab_partition(bytes, 0) };

    caller_sync_with(caller, &assignment, 1);
}

enum err caller_heartbeat(struct caller *caller)
{
    return group_heartbeat(group_lab_coordinator(caller->lab, caller->group), caller->group, caller->member_id, caller->instance_id, caller->generation);
}

enum err caller_leave(struct caller *caller)
{
    enum err err = group_leave(group_lab_coordinator(caller->lab, caller->group), caller->group, caller->member_id, caller->instance_id, "bye");

    group_lab_run(caller->lab);
    return err;
}

enum err caller_commit(struct caller *caller, int32_t partition, int64_t offset)
{
    caller->offsets[0] = (struct group_offset){ .topic = "students", .partition = partition, .offset = offset, .leader_epoch = -1, .metadata = "md" };
    caller->request = (struct group_commit){ .group = caller->group, .member_id = caller->member_id, .instance_id = caller->instance_id,
                                             .generation = caller->generation, .retention_ms = -1, .offsets = caller->offsets, .count = 1 };
    group_commit(group_lab_coordinator(caller->lab, caller->group), &caller->request, &caller->commit);
    group_lab_run(caller->lab);
    return caller->offsets[0].err;
}

int64_t group_lab_fetched(struct cluster_lab *lab, const char *group, int32_t partition)
{
    struct group_offset one = { .topic = "students", .partition = partition }, *offsets = &one;
    struct arena arena;
    int32_t count = 1;
    enum err err;

    arena_init(&arena);
    err = group_fetch_offsets(group_lab_coordinator(lab, group), group, &offsets, &count, &arena);
    arena_done(&arena);
    CHECK_INT(ERR_OK, err);
    CHECK_INT(ERR_OK, one.err);
    return one.offset;
}

int32_t group_lab_fetched_count(struct cluster_lab *lab, const char *group)
{
    struct group_offset *offsets = NULL;
    struct arena arena;
    int32_t count = -1;

    arena_init(&arena);
    CHECK_INT(ERR_OK, group_fetch_offsets(group_lab_coordinator(lab, group), group, &offsets, &count, &arena));
    arena_done(&arena);
    return count;
}

enum group_state group_lab_state(struct cluster_lab *lab, const char *group, int32_t *members)
{
    struct group_info info;
    struct arena arena;

    arena_init(&arena);
    CHECK_INT(ERR_OK, group_describe(group_lab_coordinator(lab, group), group, &arena, &info));
    if (members)
        *members = info.member_count;
    arena_done(&arena);
    return info.state;
}

struct cluster_lab *group_lab_new(enum release release)
{
    struct cluster_lab *lab = cluster_lab_new(release, 1, GROUP_SETTINGS);

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 2, 1, NULL));
    return lab;
}

const struct entry *group_lab_last_entry(struct cluster_lab *lab, enum event_kind kind)
{
    for (uint64_t n = journal_last(lab->journal); n && n >= journal_first(lab->journal); n--)
        if (journal_get(lab->journal, n)->kind == kind)
            return journal_get(lab->journal, n);
    return NULL;
}
