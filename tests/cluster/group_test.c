/* Groups on a real cluster: joining, assigning, staying, leaving; offsets committed, kept over restarts, expired; the bytes of
 * __consumer_offsets. */
#include "sim/cluster/group_records.h"
#include "sim/log/batch.h"
#include "tests/cluster/cluster_lab.h"

#include <stdio.h>
#include <stdlib.h>

#define SETTINGS "offsets.topic.replication.factor=1 group.initial.rebalance.delay.ms=0"
#define SEVEN_DAYS_MS (7LL * 24 * 3600 * 1000)

/* Somebody who calls, and remembers what was answered. */
struct caller {
    struct cluster_lab *lab;
    const char *name, *group, *instance_id;
    char member_id[100], leader[100], protocol[40], assignment[200];
    enum err err;
    int32_t generation, member_count, session_timeout_ms, rebalance_timeout_ms;
    bool skip_assignment;
    int joined_count, synced_count, committed_count;
    bool old_client;                     /* JoinGroup before v4 */
    struct timers timers;
    struct group_call join, sync, commit;
    struct group_commit request;
    struct group_offset offsets[4];
};

static void on_joined(void *context, const struct group_joined *answer)
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

static void caller_init(struct caller *caller, struct cluster_lab *lab, const char *name)
{
    *caller = (struct caller){ .lab = lab, .name = name, .group = "readers", .session_timeout_ms = 45000, .rebalance_timeout_ms = 300000,
                               .timers = timers_virtual(lab->queue) };
    caller->join = (struct group_call){ .joined = on_joined, .context = caller };
    caller->sync = (struct group_call){ .synced = on_synced, .context = caller };
    caller->commit = (struct group_call){ .committed = on_committed, .context = caller };
}

static struct broker *coordinator(struct cluster_lab *lab, const char *group)
{
    struct broker *first = cluster_broker_at(lab->cluster, 0);
    int32_t id = -1;

    if (group_coordinator_of(first, group, &id, &lab->reason)) {
        cluster_lab_advance_ms(lab, 10);
        CHECK_INT(ERR_OK, group_coordinator_of(first, group, &id, &lab->reason));
    }
    return cluster_broker(lab->cluster, id);
}

static void run(struct cluster_lab *lab)
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

static struct bytes one_partition(uint8_t out[30], uint8_t partition)
{
    memcpy(out, "\0\0\0\0\0\1\0\10students\0\0\0\1\0\0\0\0\xff\xff\xff\xff", 28);
    out[23] = partition;
    return (struct bytes){ out, 28 };
}

static void join_once(struct caller *caller, const char *protocol)
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
    group_join(coordinator(caller->lab, caller->group), &join, &caller->join);
}

static void join(struct caller *caller)
{
    join_once(caller, "range");
    run(caller->lab);
    if (caller->err == ERR_MEMBER_ID_REQUIRED) {
        join_once(caller, "range");
        run(caller->lab);
    }
}

static void sync_with(struct caller *caller, const struct group_assignment *assignments, int32_t count)
{
    struct group_sync sync = { .group = caller->group, .member_id = caller->member_id, .instance_id = caller->instance_id,
                               .protocol_type = "consumer", .protocol = "range", .generation = caller->generation,
                               .assignments = assignments, .assignment_count = count };

    group_sync(coordinator(caller->lab, caller->group), &sync, &caller->sync);
    run(caller->lab);
}

static void sync_alone(struct caller *caller)
{
    uint8_t bytes[30];
    struct group_assignment assignment = { caller->member_id, one_partition(bytes, 0) };

    sync_with(caller, &assignment, 1);
}

static enum err heartbeat(struct caller *caller)
{
    return group_heartbeat(coordinator(caller->lab, caller->group), caller->group, caller->member_id, caller->instance_id, caller->generation);
}

static enum err leave(struct caller *caller)
{
    enum err err = group_leave(coordinator(caller->lab, caller->group), caller->group, caller->member_id, caller->instance_id, "bye");

    run(caller->lab);
    return err;
}

static enum err commit(struct caller *caller, int32_t partition, int64_t offset)
{
    caller->offsets[0] = (struct group_offset){ .topic = "students", .partition = partition, .offset = offset, .leader_epoch = -1, .metadata = "md" };
    caller->request = (struct group_commit){ .group = caller->group, .member_id = caller->member_id, .instance_id = caller->instance_id,
                                             .generation = caller->generation, .retention_ms = -1, .offsets = caller->offsets, .count = 1 };
    group_commit(coordinator(caller->lab, caller->group), &caller->request, &caller->commit);
    run(caller->lab);
    return caller->offsets[0].err;
}

static int64_t fetched(struct cluster_lab *lab, const char *group, int32_t partition)
{
    struct group_offset one = { .topic = "students", .partition = partition }, *offsets = &one;
    struct arena arena;
    int32_t count = 1;
    enum err err;

    arena_init(&arena);
    err = group_fetch_offsets(coordinator(lab, group), group, &offsets, &count, &arena);
    arena_done(&arena);
    CHECK_INT(ERR_OK, err);
    CHECK_INT(ERR_OK, one.err);
    return one.offset;
}

static int32_t fetched_count(struct cluster_lab *lab, const char *group)
{
    struct group_offset *offsets = NULL;
    struct arena arena;
    int32_t count = -1;

    arena_init(&arena);
    CHECK_INT(ERR_OK, group_fetch_offsets(coordinator(lab, group), group, &offsets, &count, &arena));
    arena_done(&arena);
    return count;
}

static enum group_state state_of(struct cluster_lab *lab, const char *group, int32_t *members)
{
    struct group_info info;
    struct arena arena;

    arena_init(&arena);
    CHECK_INT(ERR_OK, group_describe(coordinator(lab, group), group, &arena, &info));
    if (members)
        *members = info.member_count;
    arena_done(&arena);
    return info.state;
}

static struct cluster_lab *lab_with_topic(enum release release)
{
    struct cluster_lab *lab = cluster_lab_new(release, 1, SETTINGS);

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 2, 1, NULL));
    return lab;
}

static const struct entry *last_entry(struct cluster_lab *lab, enum event_kind kind)
{
    for (uint64_t n = journal_last(lab->journal); n && n >= journal_first(lab->journal); n--)
        if (journal_get(lab->journal, n)->kind == kind)
            return journal_get(lab->journal, n);
    return NULL;
}

TEST(a_group_has_a_coordinator_by_its_hash)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_43, 1, SETTINGS);
    struct broker *broker = cluster_broker_at(lab->cluster, 0);
    int32_t id;

    CHECK_INT(ERR_COORDINATOR_NOT_AVAILABLE, group_coordinator_of(broker, "readers", &id, &lab->reason));
    CHECK_INT(-1, id);
    run(lab);
    CHECK_INT(ERR_OK, group_coordinator_of(broker, "readers", &id, &lab->reason));
    CHECK_INT(1, id);
    CHECK_INT(ERR_INVALID_GROUP_ID, group_coordinator_of(broker, NULL, &id, &lab->reason));
    CHECK_INT(50, image_topic(broker_image(broker), "__consumer_offsets")->partition_count);
    cluster_lab_free(lab);
}

static void a_member_joins(enum release release)
{
    struct cluster_lab *lab = lab_with_topic(release);
    struct caller a;
    int32_t members;

    caller_init(&a, lab, "a");
    join_once(&a, "range");
    run(lab);
    CHECK_INT(ERR_MEMBER_ID_REQUIRED, a.err);
    CHECK(text_starts(a.member_id, "a-") && strlen(a.member_id) == 38);
    join_once(&a, "range");
    run(lab);
    CHECK_INT(ERR_OK, a.err);
    CHECK_INT(1, a.generation);
    CHECK_INT(1, a.member_count);
    CHECK_TEXT(a.member_id, a.leader);
    CHECK_TEXT("range", a.protocol);
    CHECK_INT(GROUP_COMPLETING_REBALANCE, state_of(lab, "readers", NULL));
    CHECK_INT(ERR_REBALANCE_IN_PROGRESS, commit(&a, 0, 1));
    sync_alone(&a);
    CHECK_INT(ERR_OK, a.err);
    CHECK_TEXT("students-0", a.assignment);
    CHECK_INT(GROUP_STABLE, state_of(lab, "readers", &members));
    CHECK_INT(1, members);
    CHECK_INT(ERR_OK, heartbeat(&a));
    a.generation = 0;
    CHECK_INT(ERR_ILLEGAL_GENERATION, heartbeat(&a));
    CHECK_INT(ERR_ILLEGAL_GENERATION, commit(&a, 0, 1));
    a.generation = 1;
    CHECK_INT(ERR_OK, commit(&a, 0, 18));
    CHECK_INT(18, fetched(lab, "readers", 0));
    CHECK_INT(-1, fetched(lab, "readers", 1));
    CHECK_INT(1, fetched_count(lab, "readers"));
    CHECK_INT(0, fetched_count(lab, "nobody"));
    CHECK_INT(ERR_OK, leave(&a));
    CHECK_INT(GROUP_EMPTY, state_of(lab, "readers", NULL));
    CHECK_INT(ERR_UNKNOWN_MEMBER_ID, heartbeat(&a));
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_group_created));
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_member_joined));
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_group_generation));
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_group_empty));
    CHECK_TEXT("LeaveGroup", last_entry(lab, EVENT_member_left)->rule);
    cluster_lab_free(lab);
}

TEST(a_member_joins_27) { a_member_joins(RELEASE_27); }
TEST(a_member_joins_43) { a_member_joins(RELEASE_43); }

/* a is in; b joins; both rejoin; a assigns. */
static void make_two(struct cluster_lab *lab, struct caller *a, struct caller *b)
{
    uint8_t first[30], second[30];
    struct group_assignment assignments[] = { { a->member_id, one_partition(first, 0) }, { b->member_id, one_partition(second, 1) } };

    join(a);
    sync_alone(a);
    join(b);
    CHECK_INT(0, b->joined_count - 1);  /* only MEMBER_ID_REQUIRED so far */
    CHECK_INT(ERR_REBALANCE_IN_PROGRESS, heartbeat(a));
    CHECK_INT(GROUP_PREPARING_REBALANCE, state_of(lab, "readers", NULL));
    join(a);
    CHECK_INT(2, a->generation);
    CHECK_INT(2, b->generation);
    CHECK_INT(2, a->member_count);
    CHECK_INT(0, b->member_count);
    CHECK_TEXT(a->member_id, b->leader);
    sync_with(b, NULL, 0);
    CHECK_INT(0, b->synced_count);
    sync_with(a, assignments, 2);
    CHECK_INT(1, b->synced_count);
    CHECK_TEXT("students-0", a->assignment);
    CHECK_TEXT("students-1", b->assignment);
    CHECK_INT(GROUP_STABLE, state_of(lab, "readers", NULL));
}

static void two_members(enum release release)
{
    struct cluster_lab *lab = lab_with_topic(release);
    struct caller a, b;

    caller_init(&a, lab, "a");
    caller_init(&b, lab, "b");
    make_two(lab, &a, &b);
    CHECK_INT(ERR_OK, leave(&b));
    CHECK_INT(ERR_REBALANCE_IN_PROGRESS, heartbeat(&a));
    CHECK_INT(ERR_OK, commit(&a, 0, 5));    /* still with the old generation */
    join(&a);
    CHECK_INT(3, a.generation);
    CHECK_INT(1, a.member_count);
    cluster_lab_free(lab);
}

TEST(two_members_share_27) { two_members(RELEASE_27); }
TEST(two_members_share_43) { two_members(RELEASE_43); }

TEST(a_silent_member_is_removed_when_its_session_ends)
{
    struct cluster_lab *lab = lab_with_topic(RELEASE_43);
    struct caller a;

    caller_init(&a, lab, "a");
    join(&a);
    sync_alone(&a);
    cluster_lab_advance_ms(lab, 44000);
    CHECK_INT(ERR_OK, heartbeat(&a));
    cluster_lab_advance_ms(lab, 44900);
    CHECK_INT(GROUP_STABLE, state_of(lab, "readers", NULL));
    cluster_lab_advance_ms(lab, 200);
    CHECK_INT(GROUP_EMPTY, state_of(lab, "readers", NULL));
    CHECK_TEXT("session.timeout.ms", last_entry(lab, EVENT_member_left)->rule);
    CHECK_INT(ERR_UNKNOWN_MEMBER_ID, heartbeat(&a));
    a.member_id[0] = 0;
    join(&a);
    CHECK_INT(3, a.generation);
    cluster_lab_free(lab);
}

TEST(who_does_not_rejoin_is_left_behind)
{
    struct cluster_lab *lab = lab_with_topic(RELEASE_27);
    struct caller a, b;

    caller_init(&a, lab, "a");
    caller_init(&b, lab, "b");
    a.rebalance_timeout_ms = b.rebalance_timeout_ms = 20000;
    join(&a);
    sync_alone(&a);
    join(&b);
    cluster_lab_advance_ms(lab, 19000);
    CHECK_INT(ERR_REBALANCE_IN_PROGRESS, heartbeat(&a));
    CHECK_INT(1, b.joined_count);
    cluster_lab_advance_ms(lab, 1000);
    CHECK_INT(2, b.joined_count);
    CHECK_TEXT(b.member_id, b.leader);
    CHECK_INT(ERR_UNKNOWN_MEMBER_ID, heartbeat(&a));
    cluster_lab_free(lab);
}

TEST(only_43_waits_in_vain_for_a_sync)
{
    for (int release = RELEASE_27; release <= RELEASE_43; release++) {
        struct cluster_lab *lab = lab_with_topic(release);
        struct caller a;

        caller_init(&a, lab, "a");
        a.rebalance_timeout_ms = 10000;
        join(&a);
        for (int i = 0; i < 4; i++) {
            heartbeat(&a);
            cluster_lab_advance_ms(lab, 3000);
        }
        CHECK_INT(release == RELEASE_27 ? GROUP_COMPLETING_REBALANCE : GROUP_EMPTY, state_of(lab, "readers", NULL));
        cluster_lab_free(lab);
    }
}

TEST(the_first_rebalance_waits_for_more)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_43, 1, "offsets.topic.replication.factor=1");
    struct caller a, b;

    cluster_lab_create(lab, "students", 2, 1, NULL);
    caller_init(&a, lab, "a");
    caller_init(&b, lab, "b");
    join(&a);
    cluster_lab_advance_ms(lab, 2000);
    join(&b);
    cluster_lab_advance_ms(lab, 1500);
    CHECK_INT(1, a.joined_count);           /* b came: three seconds more */
    cluster_lab_advance_ms(lab, 3000);
    CHECK_INT(2, a.joined_count);
    CHECK_INT(2, a.member_count);
    CHECK_INT(1, b.generation);
    cluster_lab_free(lab);
}

TEST(a_call_may_be_forgotten)
{
    struct cluster_lab *lab = lab_with_topic(RELEASE_43);
    struct caller a, b;

    caller_init(&a, lab, "a");
    caller_init(&b, lab, "b");
    join(&a);
    sync_alone(&a);
    join(&b);
    CHECK(b.join.parked != NULL);
    group_call_forget(&b.join);
    join(&a);
    CHECK_INT(2, a.member_count);           /* the coordinator goes on with it */
    CHECK_INT(1, b.joined_count);
    cluster_lab_advance_ms(lab, 46000);
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_member_left) > 0);
    cluster_lab_free(lab);
}

TEST(sessions_bounds_and_protocols_are_checked)
{
    struct cluster_lab *lab = lab_with_topic(RELEASE_43);
    struct caller a, b;

    caller_init(&a, lab, "a");
    caller_init(&b, lab, "b");
    a.session_timeout_ms = 5999;
    join(&a);
    CHECK_INT(ERR_INVALID_SESSION_TIMEOUT, a.err);
    a.session_timeout_ms = 6000;
    join(&a);
    sync_alone(&a);
    join_once(&b, "roundrobin");
    CHECK_INT(ERR_INCONSISTENT_GROUP_PROTOCOL, b.err);
    snprintf(b.member_id, sizeof(b.member_id), "b-1");
    join_once(&b, "range");
    CHECK_INT(ERR_UNKNOWN_MEMBER_ID, b.err);
    b.group = "";
    b.generation = 1;
    CHECK_INT(ERR_INVALID_GROUP_ID, heartbeat(&b));
    cluster_lab_free(lab);
}

TEST(a_static_member_comes_back_without_a_rebalance)
{
    struct cluster_lab *lab = lab_with_topic(RELEASE_43);
    struct caller a, again;

    caller_init(&a, lab, "a");
    a.instance_id = "desk-1";
    join(&a);
    CHECK(text_starts(a.member_id, "desk-1-"));
    sync_alone(&a);
    caller_init(&again, lab, "a");
    again.instance_id = "desk-1";
    join(&again);
    CHECK_INT(ERR_OK, again.err);
    CHECK_INT(1, again.generation);
    CHECK(again.skip_assignment);
    CHECK_INT(1, again.member_count);
    sync_with(&again, NULL, 0);
    CHECK_TEXT("students-0", again.assignment);
    CHECK_INT(ERR_FENCED_INSTANCE_ID, heartbeat(&a));
    CHECK_INT(ERR_FENCED_INSTANCE_ID, commit(&a, 0, 3));
    CHECK_INT(ERR_OK, heartbeat(&again));
    cluster_lab_free(lab);
}

static void restart(enum release release, bool clean)
{
    struct cluster_lab *lab = lab_with_topic(release);
    struct caller a, simple;
    int32_t members;

    caller_init(&a, lab, "a");
    caller_init(&simple, lab, "");
    simple.group = "notes";
    simple.generation = -1;
    join(&a);
    sync_alone(&a);
    CHECK_INT(ERR_OK, commit(&a, 0, 18));
    CHECK_INT(ERR_OK, commit(&a, 0, 20));
    CHECK_INT(ERR_OK, commit(&simple, 1, 7));
    cluster_lab_reopen(lab, clean);
    CHECK_INT(GROUP_STABLE, state_of(lab, "readers", &members));
    CHECK_INT(1, members);
    CHECK_INT(20, fetched(lab, "readers", 0));
    CHECK_INT(7, fetched(lab, "notes", 1));
    CHECK_INT(GROUP_EMPTY, state_of(lab, "notes", NULL));
    CHECK(cluster_lab_entries(lab, EVENT_groups_loaded) == 2);
    cluster_lab_advance_ms(lab, 100000);    /* it has no clock until it speaks */
    CHECK_INT(ERR_OK, heartbeat(&a));
    group_move_timers(coordinator(lab, "readers"), "readers", a.member_id, &a.timers);
    CHECK_INT(ERR_OK, commit(&a, 0, 21));
    cluster_lab_advance_ms(lab, 46000);
    CHECK_INT(GROUP_EMPTY, state_of(lab, "readers", NULL));
    cluster_lab_reopen(lab, clean);
    CHECK_INT(GROUP_EMPTY, state_of(lab, "readers", NULL));
    CHECK_INT(21, fetched(lab, "readers", 0));
    a.member_id[0] = 0;
    join(&a);
    CHECK_INT(3, a.generation);
    cluster_lab_free(lab);
}

TEST(groups_are_there_after_a_clean_restart)
{
    restart(RELEASE_27, true);
    restart(RELEASE_43, true);
}

/* The coordinator's log is compacted like any other: what it keeps in memory is what is read back. */
static void compacted(enum release release)
{
    struct cluster_lab *lab = cluster_lab_new(release, 1, SETTINGS " offsets.topic.num.partitions=1");
    struct caller simple;
    int64_t size;

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 2, 1, NULL));
    caller_init(&simple, lab, "");
    simple.group = "notes";
    simple.generation = -1;
    for (int i = 0; i < 60; i++) {
        CHECK_INT(ERR_OK, commit(&simple, 0, i));
        CHECK_INT(ERR_OK, commit(&simple, 1, 2 * i));
        if (!i)
            CHECK_INT(ERR_OK, cluster_lab_alter(lab, "__consumer_offsets", "segment.ms", "100"));
    }
    size = log_size_bytes(partition_log(cluster_lab_leader(lab, "__consumer_offsets", 0)));
    cluster_lab_advance_ms(lab, 16000);
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_log_cleaned));
    CHECK(log_size_bytes(partition_log(cluster_lab_leader(lab, "__consumer_offsets", 0))) < size / 3);
    for (int clean = 0; clean < 2; clean++) {
        cluster_lab_reopen(lab, clean);
        CHECK_INT(59, fetched(lab, "notes", 0));
        CHECK_INT(118, fetched(lab, "notes", 1));
        CHECK_INT(GROUP_EMPTY, state_of(lab, "notes", NULL));
    }
    cluster_lab_free(lab);
}

TEST(groups_are_there_after_a_compaction)
{
    compacted(RELEASE_27);
    compacted(RELEASE_43);
}

TEST(groups_are_there_after_a_kill)
{
    restart(RELEASE_27, false);
    restart(RELEASE_43, false);
}

TEST(members_read_from_disk_live_on_the_wall_clock_if_there_is_one)
{
    struct cluster_lab *lab = lab_with_topic(RELEASE_43);
    struct timers wall = timers_virtual(lab->queue);
    struct caller a;

    wall.wall = true;
    caller_init(&a, lab, "a");
    join(&a);
    sync_alone(&a);
    cluster_lab_reopen(lab, true);
    groups_use_wall(lab->cluster, &wall);
    cluster_lab_advance_ms(lab, 44000);
    CHECK_INT(GROUP_STABLE, state_of(lab, "readers", NULL));
    group_advance_wall(lab->cluster, 2000000);
    run(lab);
    CHECK_INT(GROUP_EMPTY, state_of(lab, "readers", NULL));
    groups_use_wall(lab->cluster, NULL);
    cluster_lab_free(lab);
}

TEST(a_connection_goes_and_the_session_lives_on)
{
    struct cluster_lab *lab = lab_with_topic(RELEASE_43);
    struct timers wall = timers_virtual(lab->queue);
    struct caller a;

    wall.wall = true;
    caller_init(&a, lab, "a");
    a.timers.wall = true;
    join(&a);
    sync_alone(&a);
    cluster_lab_advance_ms(lab, 40000);
    group_connection_gone(lab->cluster, &a.timers, &wall);
    memset(&a.timers, 0xff, sizeof(a.timers));
    cluster_lab_advance_ms(lab, 6000);
    CHECK_INT(GROUP_EMPTY, state_of(lab, "readers", NULL));
    cluster_lab_free(lab);
}

TEST(a_member_can_be_expired_by_hand)
{
    struct cluster_lab *lab = lab_with_topic(RELEASE_43);
    struct caller a;

    caller_init(&a, lab, "a");
    join(&a);
    sync_alone(&a);
    CHECK_INT(ERR_GROUP_ID_NOT_FOUND, group_expire_member(lab->cluster, "nobody", "x", &lab->reason));
    CHECK_INT(ERR_UNKNOWN_MEMBER_ID, group_expire_member(lab->cluster, "readers", "x", &lab->reason));
    CHECK_INT(ERR_OK, group_expire_member(lab->cluster, "readers", a.member_id, &lab->reason));
    CHECK_INT(GROUP_EMPTY, state_of(lab, "readers", NULL));
    cluster_lab_free(lab);
}

static void expiry(enum release release)
{
    struct cluster_lab *lab = lab_with_topic(release);
    struct caller a, simple;

    caller_init(&a, lab, "a");
    caller_init(&simple, lab, "");
    simple.group = "notes";
    simple.generation = -1;
    CHECK_INT(ERR_OK, commit(&simple, 1, 7));
    cluster_lab_advance_ms(lab, 3600000);
    join(&a);
    sync_alone(&a);
    CHECK_INT(ERR_OK, commit(&a, 0, 18));
    for (int i = 0; i < 3600000 / 30000; i++) {
        heartbeat(&a);
        cluster_lab_advance_ms(lab, 30000);
    }
    CHECK_INT(ERR_OK, leave(&a));           /* from now on it counts */
    cluster_lab_advance_ms(lab, SEVEN_DAYS_MS - 7200000);
    CHECK_INT(7, fetched(lab, "notes", 1));
    cluster_lab_advance_ms(lab, 1200000);
    CHECK_INT(-1, fetched(lab, "notes", 1));
    CHECK_INT(GROUP_DEAD, state_of(lab, "notes", NULL));
    CHECK_TEXT("offsets.retention.minutes", last_entry(lab, EVENT_offset_expired)->rule);
    CHECK_INT(18, fetched(lab, "readers", 0));
    cluster_lab_advance_ms(lab, 7200000);
    CHECK_INT(-1, fetched(lab, "readers", 0));
    CHECK_INT(GROUP_DEAD, state_of(lab, "readers", NULL));
    CHECK_INT(2, cluster_lab_entries(lab, EVENT_offset_expired));
    CHECK_INT(2, cluster_lab_entries(lab, EVENT_group_deleted));
    cluster_lab_reopen(lab, true);
    CHECK_INT(GROUP_DEAD, state_of(lab, "readers", NULL));
    CHECK_INT(0, fetched_count(lab, "notes"));
    CHECK_INT(INT64_MAX, groups_next_expiry_us(broker_groups(cluster_broker_at(lab->cluster, 0))));
    cluster_lab_free(lab);
}

TEST(offsets_expire_after_seven_days)
{
    expiry(RELEASE_27);
    expiry(RELEASE_43);
}

TEST(expiry_costs_nothing_while_nothing_can_expire)
{
    struct cluster_lab *lab = lab_with_topic(RELEASE_43);
    struct groups *groups = broker_groups(cluster_broker_at(lab->cluster, 0));
    struct caller a;
    uint64_t before;

    caller_init(&a, lab, "a");
    a.session_timeout_ms = 1800000;
    join(&a);
    sync_alone(&a);
    CHECK_INT(ERR_OK, commit(&a, 0, 18));
    cluster_lab_advance_ms(lab, 700000);    /* a check for the time in which the group was new */
    CHECK_INT(INT64_MAX, groups_next_expiry_us(groups));
    CHECK_INT(ERR_OK, leave(&a));
    CHECK(groups_next_expiry_us(groups) >= queue_now_us(lab->queue) + SEVEN_DAYS_MS * 1000 - 10000);
    CHECK(groups_next_expiry_us(groups) <= queue_now_us(lab->queue) + (SEVEN_DAYS_MS + 600000) * 1000);
    before = queue_events_run(lab->queue);
    cluster_lab_advance_ms(lab, SEVEN_DAYS_MS - 1000);
    CHECK(queue_events_run(lab->queue) - before < 50);
    cluster_lab_free(lab);
}

TEST(an_old_client_says_itself_how_long_an_offset_is_kept)
{
    struct cluster_lab *lab = lab_with_topic(RELEASE_27);
    struct caller simple;

    caller_init(&simple, lab, "");
    simple.offsets[0] = (struct group_offset){ .topic = "students", .partition = 0, .offset = 9, .leader_epoch = -1 };
    simple.request = (struct group_commit){ .group = "notes", .member_id = "", .generation = -1, .retention_ms = 3600000,
                                            .offsets = simple.offsets, .count = 1 };
    group_commit(coordinator(lab, "notes"), &simple.request, &simple.commit);
    run(lab);
    CHECK_INT(1, simple.committed_count);
    CHECK_INT(ERR_OK, simple.offsets[0].err);
    cluster_lab_reopen(lab, false);
    cluster_lab_advance_ms(lab, 3500000);
    CHECK_INT(9, fetched(lab, "notes", 0));
    cluster_lab_advance_ms(lab, 700000);
    CHECK_INT(-1, fetched(lab, "notes", 0));
    cluster_lab_free(lab);
}

TEST(offsets_of_bad_partitions_and_long_notes_are_refused)
{
    struct cluster_lab *lab = lab_with_topic(RELEASE_43);
    struct caller simple;
    char note[4200];

    memset(note, 'n', sizeof(note) - 1);
    note[sizeof(note) - 1] = 0;
    caller_init(&simple, lab, "");
    simple.offsets[0] = (struct group_offset){ .topic = "nothing", .partition = 0, .offset = 1, .leader_epoch = -1, .metadata = "" };
    simple.offsets[1] = (struct group_offset){ .topic = "students", .partition = 9, .offset = 1, .leader_epoch = -1, .metadata = "" };
    simple.offsets[2] = (struct group_offset){ .topic = "students", .partition = 0, .offset = 1, .leader_epoch = -1, .metadata = note };
    simple.offsets[3] = (struct group_offset){ .topic = "students", .partition = 1, .offset = 1, .leader_epoch = -1, .metadata = "" };
    simple.request = (struct group_commit){ .group = "notes", .member_id = "", .generation = -1, .retention_ms = -1,
                                            .offsets = simple.offsets, .count = 4 };
    group_commit(coordinator(lab, "notes"), &simple.request, &simple.commit);
    run(lab);
    CHECK_INT(ERR_UNKNOWN_TOPIC_OR_PARTITION, simple.offsets[0].err);
    CHECK_INT(ERR_UNKNOWN_TOPIC_OR_PARTITION, simple.offsets[1].err);
    CHECK_INT(ERR_OFFSET_METADATA_TOO_LARGE, simple.offsets[2].err);
    CHECK_INT(ERR_OK, simple.offsets[3].err);
    CHECK_INT(1, fetched_count(lab, "notes"));
    simple.generation = 4;
    simple.group = "others";
    CHECK_INT(ERR_ILLEGAL_GENERATION, commit(&simple, 0, 1));
    cluster_lab_free(lab);
}

TEST(groups_and_offsets_are_deleted_by_request)
{
    struct cluster_lab *lab = lab_with_topic(RELEASE_43);
    struct broker *broker = coordinator(lab, "readers");
    struct group_offset one = { .topic = "students", .partition = 0 };
    struct caller a;

    caller_init(&a, lab, "a");
    CHECK_INT(ERR_GROUP_ID_NOT_FOUND, group_delete(broker, "readers"));
    CHECK_INT(ERR_GROUP_ID_NOT_FOUND, group_delete_offsets(broker, "readers", &one, 1));
    join(&a);
    sync_alone(&a);
    CHECK_INT(ERR_OK, commit(&a, 0, 18));
    CHECK_INT(ERR_NON_EMPTY_GROUP, group_delete(broker, "readers"));
    CHECK_INT(ERR_OK, group_delete_offsets(broker, "readers", &one, 1));
    CHECK_INT(ERR_GROUP_SUBSCRIBED_TO_TOPIC, one.err);
    CHECK_INT(ERR_OK, leave(&a));
    CHECK_INT(ERR_OK, group_delete_offsets(broker, "readers", &one, 1));
    CHECK_INT(ERR_OK, one.err);
    CHECK_INT(0, fetched_count(lab, "readers"));
    CHECK_INT(ERR_OK, group_delete(broker, "readers"));
    CHECK_INT(GROUP_DEAD, state_of(lab, "readers", NULL));
    cluster_lab_reopen(lab, false);
    CHECK_INT(GROUP_DEAD, state_of(lab, "readers", NULL));
    cluster_lab_free(lab);
}

TEST(offsets_of_a_deleted_topic_go)
{
    struct cluster_lab *lab = lab_with_topic(RELEASE_43);
    struct caller simple;

    caller_init(&simple, lab, "");
    simple.group = "notes";
    simple.generation = -1;
    CHECK_INT(ERR_OK, commit(&simple, 0, 3));
    CHECK_INT(ERR_OK, commit(&simple, 1, 4));
    CHECK_INT(ERR_OK, controller_delete_topic(lab->cluster, "students", NULL, &lab->reason));
    run(lab);
    CHECK_INT(0, fetched_count(lab, "notes"));
    CHECK_INT(2, cluster_lab_entries(lab, EVENT_offset_expired));
    cluster_lab_free(lab);
}

TEST(three_brokers_commit_when_all_have_it)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_43, 3, "group.initial.rebalance.delay.ms=0");
    struct caller a;

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 2, 3, NULL));
    cluster_lab_advance_ms(lab, 2000);
    caller_init(&a, lab, "a");
    coordinator(lab, "readers");
    cluster_lab_advance_ms(lab, 2000);
    join(&a);
    cluster_lab_advance_ms(lab, 1000);
    sync_alone(&a);
    cluster_lab_advance_ms(lab, 1000);
    CHECK_INT(1, a.synced_count);
    CHECK_TEXT("students-0", a.assignment);
    commit(&a, 0, 18);
    cluster_lab_advance_ms(lab, 1000);
    CHECK_INT(1, a.committed_count);
    CHECK_INT(18, fetched(lab, "readers", 0));
    for (size_t i = 0; i < 3; i++) {        /* asked elsewhere: not here */
        struct broker *broker = cluster_broker_at(lab->cluster, i);

        if (broker != coordinator(lab, "readers"))
            CHECK_INT(ERR_NOT_COORDINATOR, group_heartbeat(broker, "readers", a.member_id, NULL, 1));
    }
    cluster_lab_reopen(lab, false);
    CHECK_INT(18, fetched(lab, "readers", 0));
    cluster_lab_free(lab);
}

TEST(a_commit_may_be_forgotten_while_it_waits_for_the_replicas)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_27, 3, "group.initial.rebalance.delay.ms=0");
    struct caller simple;

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 1, 3, NULL));
    coordinator(lab, "notes");
    cluster_lab_advance_ms(lab, 2000);
    caller_init(&simple, lab, "");
    simple.offsets[0] = (struct group_offset){ .topic = "students", .offset = 9, .leader_epoch = -1, .metadata = "" };
    simple.request = (struct group_commit){ .group = "notes", .member_id = "", .generation = -1, .retention_ms = -1,
                                            .offsets = simple.offsets, .count = 1 };
    group_commit(coordinator(lab, "notes"), &simple.request, &simple.commit);
    CHECK(simple.commit.parked != NULL);
    CHECK_INT(-1, fetched(lab, "notes", 0));    /* not before it is committed */
    group_call_forget(&simple.commit);
    memset(&simple, 0xff, sizeof(simple));
    cluster_lab_advance_ms(lab, 1000);
    CHECK_INT(9, fetched(lab, "notes", 0));
    cluster_lab_free(lab);
}

TEST(a_coordinator_that_loses_its_partition_says_so)
{
    struct cluster_lab *lab = lab_with_topic(RELEASE_43);
    struct groups *groups = broker_groups(cluster_broker_at(lab->cluster, 0));
    struct caller a, b;

    caller_init(&a, lab, "a");
    caller_init(&b, lab, "b");
    join(&a);
    sync_alone(&a);
    CHECK_INT(ERR_OK, commit(&a, 0, 18));
    join(&b);
    groups_partition_resigned(groups, 28);
    CHECK_INT(ERR_NOT_COORDINATOR, b.err);
    CHECK(b.join.parked == NULL);
    CHECK_INT(ERR_NOT_COORDINATOR, heartbeat(&a));
    groups_partition_led(groups, 28, 1);
    CHECK_INT(18, fetched(lab, "readers", 0));
    CHECK_INT(ERR_OK, heartbeat(&a));           /* as it stands in the log: the rebalance is forgotten */
    cluster_lab_free(lab);
}

/* A client that answers from inside the answer. */
static void join_and_sync(void *context, const struct group_joined *answer)
{
    struct caller *caller = context;
    struct group_assignment assignment = { caller->member_id, { (const uint8_t *)"", 0 } };
    struct group_sync sync = { .group = caller->group, .member_id = caller->member_id, .assignments = &assignment, .assignment_count = 1 };

    on_joined(context, answer);
    sync.generation = caller->generation;
    if (!caller->err)
        group_sync(coordinator(caller->lab, caller->group), &sync, &caller->sync);
}

TEST(answers_may_be_answered_at_once)
{
    struct cluster_lab *lab = lab_with_topic(RELEASE_43);
    struct caller a, b;

    caller_init(&a, lab, "a");
    caller_init(&b, lab, "b");
    a.join.joined = b.join.joined = join_and_sync;
    join(&a);
    CHECK_INT(1, a.synced_count);
    join(&b);
    join(&a);
    CHECK_INT(2, a.synced_count);
    CHECK_INT(1, b.synced_count);
    CHECK_INT(ERR_OK, b.err);
    CHECK_INT(GROUP_STABLE, state_of(lab, "readers", NULL));
    cluster_lab_free(lab);
}

TEST(a_rebalance_timeout_of_nothing_does_no_harm)
{
    struct cluster_lab *lab = lab_with_topic(RELEASE_27);
    struct caller a, b;

    caller_init(&a, lab, "a");
    caller_init(&b, lab, "b");
    a.rebalance_timeout_ms = b.rebalance_timeout_ms = 0;
    a.session_timeout_ms = b.session_timeout_ms = 6000;
    a.instance_id = "desk-1";
    join(&a);
    sync_alone(&a);
    join(&b);
    CHECK_INT(2, b.joined_count);               /* nobody waits for a, which keeps its place */
    CHECK_INT(ERR_OK, leave(&b));
    cluster_lab_advance_ms(lab, 10000);
    CHECK_INT(GROUP_EMPTY, state_of(lab, "readers", NULL));
    cluster_lab_free(lab);
}

/* ---- bytes ---- */

static void encode_again(const struct record *record, struct frame *key_out, struct frame *value_out)
{
    struct arena arena;
    struct group_key key;

    arena_init(&arena);
    CHECK_INT(ERR_OK, group_key_decode(record->key, &arena, &key, NULL));
    group_key_encode(&key, key_out);
    if (key.type == KEY_GROUP) {
        struct group_value value;

        CHECK_INT(ERR_OK, group_value_decode(record->value, &arena, &value, NULL));
        group_value_encode(&value, value_out);
    } else {
        struct offset_value value;

        CHECK_INT(ERR_OK, offset_value_decode(record->value, &arena, &value, NULL));
        CHECK_INT(4, value.offset);
        offset_value_encode(&value, get_i16(record->value.data), value_out);
    }
    arena_done(&arena);
}

static void check_golden(const char *name, int records)
{
    size_t size;
    uint8_t *data = golden_read(name, &size);
    struct bytes left = { data, size };
    int seen = 0;

    while (left.size > 0) {
        struct record_iterator it;
        struct record record;
        struct batch batch;
        size_t need;

        CHECK_INT(ERR_OK, batch_decode(left, &batch, &need, NULL));
        records_begin(&it, &batch);
        while (records_next(&it, &record)) {
            struct frame key = { 0 }, value = { 0 };

            encode_again(&record, &key, &value);
            CHECK(bytes_equal(record.key, buffer_bytes(&key.bytes)));
            CHECK(bytes_equal(record.value, buffer_bytes(&value.bytes)));
            frame_done(&key);
            frame_done(&value);
            seen++;
        }
        records_done(&it);
        left.data += batch.size_bytes;
        left.size -= (size_t)batch.size_bytes;
    }
    CHECK_INT(records, seen);
    free(data);
}

TEST(records_of_both_releases_are_read_and_written_the_same)
{
    check_golden("cluster/2.7.0-consumer-offsets/00000000000000000000.log", 3);
    check_golden("cluster/4.3.0-consumer-offsets/00000000000000000000.log", 4);
}

/* What a member that came, committed and left leaves behind: as the golden folders have it, sizes and sequences of batches too. */
static void check_written(enum release release, const char *expected)
{
    struct cluster_lab *lab = cluster_lab_new(release, 1, SETTINGS);
    struct text text = { 0 };
    struct log_cursor cursor;
    struct batch batch;
    struct caller c1;

    cluster_lab_create(lab, "students", 2, 1, NULL);
    caller_init(&c1, lab, "c1");
    join(&c1);
    sync_alone(&c1);
    CHECK_INT(ERR_OK, commit(&c1, 0, 4));
    CHECK_INT(ERR_OK, leave(&c1));
    log_cursor_init(&cursor, partition_log(cluster_lab_leader(lab, "__consumer_offsets", 28)), 0, false);
    while (log_cursor_next(&cursor, &batch))
        text_printf(&text, "%lld:%d:%d ", (long long)batch.base_offset, batch.size_bytes, batch.base_sequence);
    log_cursor_done(&cursor);
    CHECK_TEXT(expected, text_chars(&text));
    text_done(&text);
    cluster_lab_free(lab);
}

/* The golden sizes but for the older, shorter subscription, the longer topic name and the metadata "md". */
TEST(a_member_leaves_the_records_that_kafka_leaves)
{
    check_written(RELEASE_27, "0:280:-1 1:119:0 2:111:-1 ");
    check_written(RELEASE_43, "0:103:0 1:280:0 2:138:0 3:111:0 ");
}

/* ---- tables ---- */

static int64_t column(struct cluster_lab *lab, const char *table_name, const char *column_name, struct text *text)
{
    struct tables *tables = tables_new();
    const struct table *table;
    void *context, *cursor;
    int64_t number = -1;

    groups_register_tables(lab->cluster, tables);
    table = tables_find(tables, table_name, &context);
    cursor = table->open(context, NULL, 0);
    text_clear(text);
    if (table->next(cursor))
        for (int i = 0; table->columns[i].name; i++)
            if (text_equal(table->columns[i].name, column_name)) {
                struct value value = table->get(cursor, i);

                number = value.type == VALUE_INT ? value.integer : -1;
                if (value.type == VALUE_TEXT)
                    text_add(text, value.text);
            }
    table->close(cursor);
    tables_free(tables);
    return number;
}

TEST(lag_is_split_into_deleted_and_readable)
{
    struct cluster_lab *lab = lab_with_topic(RELEASE_43);
    struct text text = { 0 };
    int64_t low, required;
    struct caller a;

    for (int i = 0; i < 10; i++)
        CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 10, 10, -1));
    caller_init(&a, lab, "a");
    join(&a);
    sync_alone(&a);
    CHECK_INT(ERR_OK, commit(&a, 0, 18));
    CHECK_INT(ERR_OK, partition_delete_records(cluster_lab_leader(lab, "students", 0), 56, &required, &low, &lab->reason));
    CHECK_INT(18, column(lab, "offsets", "committed", &text));
    CHECK_INT(100, column(lab, "offsets", "log_end_offset", &text));
    CHECK_INT(82, column(lab, "offsets", "lag", &text));
    CHECK_INT(38, column(lab, "offsets", "deleted", &text));
    CHECK_INT(44, column(lab, "offsets", "readable", &text));
    column(lab, "offsets", "member", &text);
    CHECK_TEXT(a.member_id, text_chars(&text));
    column(lab, "members", "assignment", &text);
    CHECK_TEXT("students-0", text_chars(&text));
    column(lab, "members", "subscription", &text);
    CHECK_TEXT("students", text_chars(&text));
    column(lab, "members", "clock", &text);
    CHECK_TEXT("virtual", text_chars(&text));
    column(lab, "groups", "state", &text);
    CHECK_TEXT("Stable", text_chars(&text));
    CHECK_INT(28, column(lab, "groups", "partition", &text));
    text_done(&text);
    cluster_lab_free(lab);
}
