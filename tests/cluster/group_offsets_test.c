/* Offsets of a group: committed, expired, refused, deleted, replicated; its lag. */
#include "tests/cluster/group_lab.h"

#define SEVEN_DAYS_MS (7LL * 24 * 3600 * 1000)

static void expiry(enum release release)
{
    struct cluster_lab *lab = group_lab_new(release);
    struct caller a, simple;

    caller_init(&a, lab, "a");
    caller_init(&simple, lab, "");
    simple.group = "notes";
    simple.generation = -1;
    CHECK_INT(ERR_OK, caller_commit(&simple, 1, 7));
    cluster_lab_advance_ms(lab, 3600000);
    caller_join(&a);
    caller_sync_alone(&a);
    CHECK_INT(ERR_OK, caller_commit(&a, 0, 18));
    for (int i = 0; i < 3600000 / 30000; i++) {
        caller_heartbeat(&a);
        cluster_lab_advance_ms(lab, 30000);
    }
    CHECK_INT(ERR_OK, caller_leave(&a));           /* from now on it counts */
    cluster_lab_advance_ms(lab, SEVEN_DAYS_MS - 7200000);
    CHECK_INT(7, group_lab_fetched(lab, "notes", 1));
    cluster_lab_advance_ms(lab, 1200000);
    CHECK_INT(-1, group_lab_fetched(lab, "notes", 1));
    CHECK_INT(GROUP_DEAD, group_lab_state(lab, "notes", NULL));
    CHECK_TEXT("offsets.retention.minutes", group_lab_last_entry(lab, EVENT_offset_expired)->rule);
    CHECK_INT(18, group_lab_fetched(lab, "readers", 0));
    cluster_lab_advance_ms(lab, 7200000);
    CHECK_INT(-1, group_lab_fetched(lab, "readers", 0));
    CHECK_INT(GROUP_DEAD, group_lab_state(lab, "readers", NULL));
    CHECK_INT(2, cluster_lab_entries(lab, EVENT_offset_expired));
    CHECK_INT(2, cluster_lab_entries(lab, EVENT_group_deleted));
    cluster_lab_reopen(lab, true);
    CHECK_INT(GROUP_DEAD, group_lab_state(lab, "readers", NULL));
    CHECK_INT(0, group_lab_fetched_count(lab, "notes"));
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
    struct cluster_lab *lab = group_lab_new(RELEASE_43);
    struct groups *groups = broker_groups(cluster_broker_at(lab->cluster, 0));
    struct caller a;
    uint64_t before;

    caller_init(&a, lab, "a");
    a.session_timeout_ms = 1800000;
    caller_join(&a);
    caller_sync_alone(&a);
    CHECK_INT(ERR_OK, caller_commit(&a, 0, 18));
    cluster_lab_advance_ms(lab, 700000);    /* a check for the time in which the group was new */
    CHECK_INT(INT64_MAX, groups_next_expiry_us(groups));
    CHECK_INT(ERR_OK, caller_leave(&a));
    CHECK(groups_next_expiry_us(groups) >= queue_now_us(lab->queue) + SEVEN_DAYS_MS * 1000 - 10000);
    CHECK(groups_next_expiry_us(groups) <= queue_now_us(lab->queue) + (SEVEN_DAYS_MS + 600000) * 1000);
    before = queue_events_run(lab->queue);
    cluster_lab_advance_ms(lab, SEVEN_DAYS_MS - 1000);
    CHECK(queue_events_run(lab->queue) - before < 50);
    cluster_lab_free(lab);
}

TEST(an_old_client_says_itself_how_long_an_offset_is_kept)
{
    struct cluster_lab *lab = group_lab_new(RELEASE_27);
    struct caller simple;

    caller_init(&simple, lab, "");
    simple.offsets[0] = (struct group_offset){ .topic = "students", .partition = 0, .offset = 9, .leader_epoch = -1 };
    simple.request = (struct group_commit){ .group = "notes", .member_id = "", .generation = -1, .retention_ms = 3600000,
                                            .offsets = simple.offsets, .count = 1 };
    group_commit(group_lab_coordinator(lab, "notes"), &simple.request, &simple.commit);
    group_lab_run(lab);
    CHECK_INT(1, simple.committed_count);
    CHECK_INT(ERR_OK, simple.offsets[0].err);
    cluster_lab_reopen(lab, false);
    cluster_lab_advance_ms(lab, 3500000);
    CHECK_INT(9, group_lab_fetched(lab, "notes", 0));
    cluster_lab_advance_ms(lab, 700000);
    CHECK_INT(-1, group_lab_fetched(lab, "notes", 0));
    cluster_lab_free(lab);
}

TEST(offsets_of_bad_partitions_and_long_notes_are_refused)
{
    struct cluster_lab *lab = group_lab_new(RELEASE_43);
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
    group_commit(group_lab_coordinator(lab, "notes"), &simple.request, &simple.commit);
    group_lab_run(lab);
    CHECK_INT(ERR_UNKNOWN_TOPIC_OR_PARTITION, simple.offsets[0].err);
    CHECK_INT(ERR_UNKNOWN_TOPIC_OR_PARTITION, simple.offsets[1].err);
    CHECK_INT(ERR_OFFSET_METADATA_TOO_LARGE, simple.offsets[2].err);
    CHECK_INT(ERR_OK, simple.offsets[3].err);
    CHECK_INT(1, group_lab_fetched_count(lab, "notes"));
    simple.generation = 4;
    simple.group = "others";
    CHECK_INT(ERR_ILLEGAL_GENERATION, caller_commit(&simple, 0, 1));
    cluster_lab_free(lab);
}

TEST(groups_and_offsets_are_deleted_by_request)
{
    struct cluster_lab *lab = group_lab_new(RELEASE_43);
    struct broker *broker = group_lab_coordinator(lab, "readers");
    struct group_offset one = { .topic = "students", .partition = 0 };
    struct caller a;

    caller_init(&a, lab, "a");
    CHECK_INT(ERR_GROUP_ID_NOT_FOUND, group_delete(broker, "readers"));
    CHECK_INT(ERR_GROUP_ID_NOT_FOUND, group_delete_offsets(broker, "readers", &one, 1));
    caller_join(&a);
    caller_sync_alone(&a);
    CHECK_INT(ERR_OK, caller_commit(&a, 0, 18));
    CHECK_INT(ERR_NON_EMPTY_GROUP, group_delete(broker, "readers"));
    CHECK_INT(ERR_OK, group_delete_offsets(broker, "readers", &one, 1));
    CHECK_INT(ERR_GROUP_SUBSCRIBED_TO_TOPIC, one.err);
    CHECK_INT(ERR_OK, caller_leave(&a));
    CHECK_INT(ERR_OK, group_delete_offsets(broker, "readers", &one, 1));
    CHECK_INT(ERR_OK, one.err);
    CHECK_INT(0, group_lab_fetched_count(lab, "readers"));
    CHECK_INT(ERR_OK, group_delete(broker, "readers"));
    CHECK_INT(GROUP_DEAD, group_lab_state(lab, "readers", NULL));
    cluster_lab_reopen(lab, false);
    CHECK_INT(GROUP_DEAD, group_lab_state(lab, "readers", NULL));
    cluster_lab_free(lab);
}

TEST(offsets_of_a_deleted_topic_go)
{
    struct cluster_lab *lab = group_lab_new(RELEASE_43);
    struct caller simple;

    caller_init(&simple, lab, "");
    simple.group = "notes";
    simple.generation = -1;
    CHECK_INT(ERR_OK, caller_commit(&simple, 0, 3));
    CHECK_INT(ERR_OK, caller_commit(&simple, 1, 4));
    CHECK_INT(ERR_OK, controller_delete_topic(lab->cluster, "students", NULL, &lab->reason));
    group_lab_run(lab);
    CHECK_INT(0, group_lab_fetched_count(lab, "notes"));
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
    group_lab_coordinator(lab, "readers");
    cluster_lab_advance_ms(lab, 2000);
    caller_join(&a);
    cluster_lab_advance_ms(lab, 1000);
    caller_sync_alone(&a);
    cluster_lab_advance_ms(lab, 1000);
    CHECK_INT(1, a.synced_count);
    CHECK_TEXT("students-0", a.assignment);
    caller_commit(&a, 0, 18);
    cluster_lab_advance_ms(lab, 1000);
    CHECK_INT(1, a.committed_count);
    CHECK_INT(18, group_lab_fetched(lab, "readers", 0));
    for (size_t i = 0; i < 3; i++) {        /* asked elsewhere: not here */
        struct broker *broker = cluster_broker_at(lab->cluster, i);

        if (broker != group_lab_coordinator(lab, "readers"))
            CHECK_INT(ERR_NOT_COORDINATOR, group_heartbeat(broker, "readers", a.member_id, NULL, 1));
    }
    cluster_lab_reopen(lab, false);
    CHECK_INT(18, group_lab_fetched(lab, "readers", 0));
    cluster_lab_free(lab);
}

TEST(a_commit_may_be_forgotten_while_it_waits_for_the_replicas)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_27, 3, "group.initial.rebalance.delay.ms=0");
    struct caller simple;

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 1, 3, NULL));
    group_lab_coordinator(lab, "notes");
    cluster_lab_advance_ms(lab, 2000);
    caller_init(&simple, lab, "");
    simple.offsets[0] = (struct group_offset){ .topic = "students", .offset = 9, .leader_epoch = -1, .metadata = "" };
    simple.request = (struct group_commit){ .group = "notes", .member_id = "", .generation = -1, .retention_ms = -1,
                                            .offsets = simple.offsets, .count = 1 };
    group_commit(group_lab_coordinator(lab, "notes"), &simple.request, &simple.commit);
    CHECK(simple.commit.parked != NULL);
    CHECK_INT(-1, group_lab_fetched(lab, "notes", 0));    /* not before it is committed */
    group_call_forget(&simple.commit);
    memset(&simple, 0xff, sizeof(simple));
    cluster_lab_advance_ms(lab, 1000);
    CHECK_INT(9, group_lab_fetched(lab, "notes", 0));
    cluster_lab_free(lab);
}

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
    struct cluster_lab *lab = group_lab_new(RELEASE_43);
    struct text text = { 0 };
    int64_t low, required;
    struct caller a;

    for (int i = 0; i < 10; i++)
        CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 10, 10, -1));
    caller_init(&a, lab, "a");
    caller_join(&a);
    caller_sync_alone(&a);
    CHECK_INT(ERR_OK, caller_commit(&a, 0, 18));
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
