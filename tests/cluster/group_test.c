/* Members of a group on a real cluster: joining, assigning, staying, leaving. */
#include "tests/cluster/group_lab.h"

#include <stdio.h>

TEST(a_group_has_a_coordinator_by_its_hash)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_43, 1, GROUP_SETTINGS);
    struct broker *broker = cluster_broker_at(lab->cluster, 0);
    int32_t id;

    CHECK_INT(ERR_COORDINATOR_NOT_AVAILABLE, group_coordinator_of(broker, "readers", &id, &lab->reason));
    CHECK_INT(-1, id);
    group_lab_run(lab);
    CHECK_INT(ERR_OK, group_coordinator_of(broker, "readers", &id, &lab->reason));
    CHECK_INT(1, id);
    CHECK_INT(ERR_INVALID_GROUP_ID, group_coordinator_of(broker, NULL, &id, &lab->reason));
    CHECK_INT(50, image_topic(broker_image(broker), "__consumer_offsets")->partition_count);
    cluster_lab_free(lab);
}

static void a_member_joins(enum release release)
{
    struct cluster_lab *lab = group_lab_new(release);
    struct caller a;
    int32_t members;

    caller_init(&a, lab, "a");
    caller_join_once(&a, "range");
    group_lab_run(lab);
    CHECK_INT(ERR_MEMBER_ID_REQUIRED, a.err);
    CHECK(text_starts(a.member_id, "a-") && strlen(a.member_id) == 38);
    caller_join_once(&a, "range");
    group_lab_run(lab);
    CHECK_INT(ERR_OK, a.err);
    CHECK_INT(1, a.generation);
    CHECK_INT(1, a.member_count);
    CHECK_TEXT(a.member_id, a.leader);
    CHECK_TEXT("range", a.protocol);
    CHECK_INT(GROUP_COMPLETING_REBALANCE, group_lab_state(lab, "readers", NULL));
    CHECK_INT(ERR_REBALANCE_IN_PROGRESS, caller_commit(&a, 0, 1));
    caller_sync_alone(&a);
    CHECK_INT(ERR_OK, a.err);
    CHECK_TEXT("students-0", a.assignment);
    CHECK_INT(GROUP_STABLE, group_lab_state(lab, "readers", &members));
    CHECK_INT(1, members);
    CHECK_INT(ERR_OK, caller_heartbeat(&a));
    a.generation = 0;
    CHECK_INT(ERR_ILLEGAL_GENERATION, caller_heartbeat(&a));
    CHECK_INT(ERR_ILLEGAL_GENERATION, caller_commit(&a, 0, 1));
    a.generation = 1;
    CHECK_INT(ERR_OK, caller_commit(&a, 0, 18));
    CHECK_INT(18, group_lab_fetched(lab, "readers", 0));
    CHECK_INT(-1, group_lab_fetched(lab, "readers", 1));
    CHECK_INT(1, group_lab_fetched_count(lab, "readers"));
    CHECK_INT(0, group_lab_fetched_count(lab, "nobody"));
    CHECK_INT(ERR_OK, caller_leave(&a));
    CHECK_INT(GROUP_EMPTY, group_lab_state(lab, "readers", NULL));
    CHECK_INT(ERR_UNKNOWN_MEMBER_ID, caller_heartbeat(&a));
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_group_created));
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_member_joined));
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_group_generation));
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_group_empty));
    CHECK_TEXT("LeaveGroup", group_lab_last_entry(lab, EVENT_member_left)->rule);
    cluster_lab_free(lab);
}

TEST(a_member_joins_27) { a_member_joins(RELEASE_27); }
TEST(a_member_joins_43) { a_member_joins(RELEASE_43); }

/* a is in; b joins; both rejoin; a assigns. */
static void make_two(struct cluster_lab *lab, struct caller *a, struct caller *b)
{
    uint8_t first[30], second[30];
    struct group_assignment assignments[] = { { a->member_id, group_lab_partition(first, 0) }, { b->member_id, group_lab_partition(second, 1) } };

    caller_join(a);
    caller_sync_alone(a);
    caller_join(b);
    CHECK_INT(0, b->joined_count - 1);  /* only MEMBER_ID_REQUIRED so far */
    CHECK_INT(ERR_REBALANCE_IN_PROGRESS, caller_heartbeat(a));
    CHECK_INT(GROUP_PREPARING_REBALANCE, group_lab_state(lab, "readers", NULL));
    caller_join(a);
    CHECK_INT(2, a->generation);
    CHECK_INT(2, b->generation);
    CHECK_INT(2, a->member_count);
    CHECK_INT(0, b->member_count);
    CHECK_TEXT(a->member_id, b->leader);
    caller_sync_with(b, NULL, 0);
    CHECK_INT(0, b->synced_count);
    caller_sync_with(a, assignments, 2);
    CHECK_INT(1, b->synced_count);
    CHECK_TEXT("students-0", a->assignment);
    CHECK_TEXT("students-1", b->assignment);
    CHECK_INT(GROUP_STABLE, group_lab_state(lab, "readers", NULL));
}

static void two_members(enum release release)
{
    struct cluster_lab *lab = group_lab_new(release);
    struct caller a, b;

    caller_init(&a, lab, "a");
    caller_init(&b, lab, "b");
    make_two(lab, &a, &b);
    CHECK_INT(ERR_OK, caller_leave(&b));
    CHECK_INT(ERR_REBALANCE_IN_PROGRESS, caller_heartbeat(&a));
    CHECK_INT(ERR_OK, caller_commit(&a, 0, 5));    /* still with the old generation */
    caller_join(&a);
    CHECK_INT(3, a.generation);
    CHECK_INT(1, a.member_count);
    cluster_lab_free(lab);
}

TEST(two_members_share_27) { two_members(RELEASE_27); }
TEST(two_members_share_43) { two_members(RELEASE_43); }

TEST(a_silent_member_is_removed_when_its_session_ends)
{
    struct cluster_lab *lab = group_lab_new(RELEASE_43);
    struct caller a;

    caller_init(&a, lab, "a");
    caller_join(&a);
    caller_sync_alone(&a);
    cluster_lab_advance_ms(lab, 44000);
    CHECK_INT(ERR_OK, caller_heartbeat(&a));
    cluster_lab_advance_ms(lab, 44900);
    CHECK_INT(GROUP_STABLE, group_lab_state(lab, "readers", NULL));
    cluster_lab_advance_ms(lab, 200);
    CHECK_INT(GROUP_EMPTY, group_lab_state(lab, "readers", NULL));
    CHECK_TEXT("session.timeout.ms", group_lab_last_entry(lab, EVENT_member_left)->rule);
    CHECK_INT(ERR_UNKNOWN_MEMBER_ID, caller_heartbeat(&a));
    a.member_id[0] = 0;
    caller_join(&a);
    CHECK_INT(3, a.generation);
    cluster_lab_free(lab);
}

TEST(who_does_not_rejoin_is_left_behind)
{
    struct cluster_lab *lab = group_lab_new(RELEASE_27);
    struct caller a, b;

    caller_init(&a, lab, "a");
    caller_init(&b, lab, "b");
    a.rebalance_timeout_ms = b.rebalance_timeout_ms = 20000;
    caller_join(&a);
    caller_sync_alone(&a);
    caller_join(&b);
    cluster_lab_advance_ms(lab, 19000);
    CHECK_INT(ERR_REBALANCE_IN_PROGRESS, caller_heartbeat(&a));
    CHECK_INT(1, b.joined_count);
    cluster_lab_advance_ms(lab, 1000);
    CHECK_INT(2, b.joined_count);
    CHECK_TEXT(b.member_id, b.leader);
    CHECK_INT(ERR_UNKNOWN_MEMBER_ID, caller_heartbeat(&a));
    cluster_lab_free(lab);
}

TEST(only_43_waits_in_vain_for_a_sync)
{
    for (int release = RELEASE_27; release <= RELEASE_43; release++) {
        struct cluster_lab *lab = group_lab_new(release);
        struct caller a;

        caller_init(&a, lab, "a");
        a.rebalance_timeout_ms = 10000;
        caller_join(&a);
        for (int i = 0; i < 4; i++) {
            caller_heartbeat(&a);
            cluster_lab_advance_ms(lab, 3000);
        }
        CHECK_INT(release == RELEASE_27 ? GROUP_COMPLETING_REBALANCE : GROUP_EMPTY, group_lab_state(lab, "readers", NULL));
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
    caller_join(&a);
    cluster_lab_advance_ms(lab, 2000);
    caller_join(&b);
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
    struct cluster_lab *lab = group_lab_new(RELEASE_43);
    struct caller a, b;

    caller_init(&a, lab, "a");
    caller_init(&b, lab, "b");
    caller_join(&a);
    caller_sync_alone(&a);
    caller_join(&b);
    CHECK(b.join.parked != NULL);
    group_call_forget(&b.join);
    caller_join(&a);
    CHECK_INT(2, a.member_count);           /* the coordinator goes on with it */
    CHECK_INT(1, b.joined_count);
    cluster_lab_advance_ms(lab, 46000);
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_member_left) > 0);
    cluster_lab_free(lab);
}

TEST(sessions_bounds_and_protocols_are_checked)
{
    struct cluster_lab *lab = group_lab_new(RELEASE_43);
    struct caller a, b;

    caller_init(&a, lab, "a");
    caller_init(&b, lab, "b");
    a.session_timeout_ms = 5999;
    caller_join(&a);
    CHECK_INT(ERR_INVALID_SESSION_TIMEOUT, a.err);
    a.session_timeout_ms = 6000;
    caller_join(&a);
    caller_sync_alone(&a);
    caller_join_once(&b, "roundrobin");
    CHECK_INT(ERR_INCONSISTENT_GROUP_PROTOCOL, b.err);
    snprintf(b.member_id, sizeof(b.member_id), "b-1");
    caller_join_once(&b, "range");
    CHECK_INT(ERR_UNKNOWN_MEMBER_ID, b.err);
    b.group = "";
    b.generation = 1;
    CHECK_INT(ERR_INVALID_GROUP_ID, caller_heartbeat(&b));
    cluster_lab_free(lab);
}

TEST(a_static_member_comes_back_without_a_rebalance)
{
    struct cluster_lab *lab = group_lab_new(RELEASE_43);
    struct caller a, again;

    caller_init(&a, lab, "a");
    a.instance_id = "desk-1";
    caller_join(&a);
    CHECK(text_starts(a.member_id, "desk-1-"));
    caller_sync_alone(&a);
    caller_init(&again, lab, "a");
    again.instance_id = "desk-1";
    caller_join(&again);
    CHECK_INT(ERR_OK, again.err);
    CHECK_INT(1, again.generation);
    CHECK(again.skip_assignment);
    CHECK_INT(1, again.member_count);
    caller_sync_with(&again, NULL, 0);
    CHECK_TEXT("students-0", again.assignment);
    CHECK_INT(ERR_FENCED_INSTANCE_ID, caller_heartbeat(&a));
    CHECK_INT(ERR_FENCED_INSTANCE_ID, caller_commit(&a, 0, 3));
    CHECK_INT(ERR_OK, caller_heartbeat(&again));
    cluster_lab_free(lab);
}

TEST(a_connection_goes_and_the_session_lives_on)
{
    struct cluster_lab *lab = group_lab_new(RELEASE_43);
    struct timers wall = timers_virtual(lab->queue);
    struct caller a;

    wall.wall = true;
    caller_init(&a, lab, "a");
    a.timers.wall = true;
    caller_join(&a);
    caller_sync_alone(&a);
    cluster_lab_advance_ms(lab, 40000);
    group_connection_gone(lab->cluster, &a.timers, &wall);
    memset(&a.timers, 0xff, sizeof(a.timers));
    cluster_lab_advance_ms(lab, 6000);
    CHECK_INT(GROUP_EMPTY, group_lab_state(lab, "readers", NULL));
    cluster_lab_free(lab);
}

TEST(a_member_can_be_expired_by_hand)
{
    struct cluster_lab *lab = group_lab_new(RELEASE_43);
    struct caller a;

    caller_init(&a, lab, "a");
    caller_join(&a);
    caller_sync_alone(&a);
    CHECK_INT(ERR_GROUP_ID_NOT_FOUND, group_expire_member(lab->cluster, "nobody", "x", &lab->reason));
    CHECK_INT(ERR_UNKNOWN_MEMBER_ID, group_expire_member(lab->cluster, "readers", "x", &lab->reason));
    CHECK_INT(ERR_OK, group_expire_member(lab->cluster, "readers", a.member_id, &lab->reason));
    CHECK_INT(GROUP_EMPTY, group_lab_state(lab, "readers", NULL));
    cluster_lab_free(lab);
}

/* A client that answers from inside the answer. */
static void join_and_sync(void *context, const struct group_joined *answer)
{
    struct caller *caller = context;
    struct group_assignment assignment = { caller->member_id, { (const uint8_t *)"", 0 } };
    struct group_sync sync = { .group = caller->group, .member_id = caller->member_id, .assignments = &assignment, .assignment_count = 1 };

    caller_on_joined(context, answer);
    sync.generation = caller->generation;
    if (!caller->err)
        group_sync(group_lab_coordinator(caller->lab, caller->group), &sync, &caller->sync);
}

TEST(answers_may_be_answered_at_once)
{
    struct cluster_lab *lab = group_lab_new(RELEASE_43);
    struct caller a, b;

    caller_init(&a, lab, "a");
    caller_init(&b, lab, "b");
    a.join.joined = b.join.joined = join_and_sync;
    caller_join(&a);
    CHECK_INT(1, a.synced_count);
    caller_join(&b);
    caller_join(&a);
    CHECK_INT(2, a.synced_count);
    CHECK_INT(1, b.synced_count);
    CHECK_INT(ERR_OK, b.err);
    CHECK_INT(GROUP_STABLE, group_lab_state(lab, "readers", NULL));
    cluster_lab_free(lab);
}

TEST(a_rebalance_timeout_of_nothing_does_no_harm)
{
    struct cluster_lab *lab = group_lab_new(RELEASE_27);
    struct caller a, b;

    caller_init(&a, lab, "a");
    caller_init(&b, lab, "b");
    a.rebalance_timeout_ms = b.rebalance_timeout_ms = 0;
    a.session_timeout_ms = b.session_timeout_ms = 6000;
    a.instance_id = "desk-1";
    caller_join(&a);
    caller_sync_alone(&a);
    caller_join(&b);
    CHECK_INT(2, b.joined_count);               /* nobody waits for a, which keeps its place */
    CHECK_INT(ERR_OK, caller_leave(&b));
    cluster_lab_advance_ms(lab, 10000);
    CHECK_INT(GROUP_EMPTY, group_lab_state(lab, "readers", NULL));
    cluster_lab_free(lab);
}
