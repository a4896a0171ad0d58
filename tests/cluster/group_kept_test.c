/* What a group keeps: read back after restarts, kills and a compaction; the bytes of __consumer_offsets. */
#include "sim/cluster/group_records.h"
#include "sim/log/batch.h"
#include "tests/cluster/group_lab.h"

#include <stdlib.h>

static void restart(enum release release, bool clean)
{
    struct cluster_lab *lab = group_lab_new(release);
    struct caller a, simple;
    int32_t members;

    caller_init(&a, lab, "a");
    caller_init(&simple, lab, "");
    simple.group = "notes";
    simple.generation = -1;
    caller_join(&a);
    caller_sync_alone(&a);
    CHECK_INT(ERR_OK, caller_commit(&a, 0, 18));
    CHECK_INT(ERR_OK, caller_commit(&a, 0, 20));
    CHECK_INT(ERR_OK, caller_commit(&simple, 1, 7));
    cluster_lab_reopen(lab, clean);
    CHECK_INT(GROUP_STABLE, group_lab_state(lab, "readers", &members));
    CHECK_INT(1, members);
    CHECK_INT(20, group_lab_fetched(lab, "readers", 0));
    CHECK_INT(7, group_lab_fetched(lab, "notes", 1));
    CHECK_INT(GROUP_EMPTY, group_lab_state(lab, "notes", NULL));
    CHECK(cluster_lab_entries(lab, EVENT_groups_loaded) == 2);
    cluster_lab_advance_ms(lab, 100000);    /* it has no clock until it speaks */
    CHECK_INT(ERR_OK, caller_heartbeat(&a));
    group_move_timers(group_lab_coordinator(lab, "readers"), "readers", a.member_id, &a.timers);
    CHECK_INT(ERR_OK, caller_commit(&a, 0, 21));
    cluster_lab_advance_ms(lab, 46000);
    CHECK_INT(GROUP_EMPTY, group_lab_state(lab, "readers", NULL));
    cluster_lab_reopen(lab, clean);
    CHECK_INT(GROUP_EMPTY, group_lab_state(lab, "readers", NULL));
    CHECK_INT(21, group_lab_fetched(lab, "readers", 0));
    a.member_id[0] = 0;
    caller_join(&a);
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
    struct cluster_lab *lab = cluster_lab_new(release, 1, GROUP_SETTINGS " offsets.topic.num.partitions=1");
    struct caller simple;
    int64_t size;

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 2, 1, NULL));
    caller_init(&simple, lab, "");
    simple.group = "notes";
    simple.generation = -1;
    for (int i = 0; i < 60; i++) {
        CHECK_INT(ERR_OK, caller_commit(&simple, 0, i));
        CHECK_INT(ERR_OK, caller_commit(&simple, 1, 2 * i));
        if (!i)
            CHECK_INT(ERR_OK, cluster_lab_alter(lab, "__consumer_offsets", "segment.ms", "100"));
    }
    size = log_size_bytes(partition_log(cluster_lab_leader(lab, "__consumer_offsets", 0)));
    cluster_lab_advance_ms(lab, 16000);
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_log_cleaned));
    CHECK(log_size_bytes(partition_log(cluster_lab_leader(lab, "__consumer_offsets", 0))) < size / 3);
    for (int clean = 0; clean < 2; clean++) {
        cluster_lab_reopen(lab, clean);
        CHECK_INT(59, group_lab_fetched(lab, "notes", 0));
        CHECK_INT(118, group_lab_fetched(lab, "notes", 1));
        CHECK_INT(GROUP_EMPTY, group_lab_state(lab, "notes", NULL));
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
    struct cluster_lab *lab = group_lab_new(RELEASE_43);
    struct timers wall = timers_virtual(lab->queue);
    struct caller a;

    wall.wall = true;
    caller_init(&a, lab, "a");
    caller_join(&a);
    caller_sync_alone(&a);
    cluster_lab_reopen(lab, true);
    groups_use_wall(lab->cluster, &wall);
    cluster_lab_advance_ms(lab, 44000);
    CHECK_INT(GROUP_STABLE, group_lab_state(lab, "readers", NULL));
    group_advance_wall(lab->cluster, 2000000);
    group_lab_run(lab);
    CHECK_INT(GROUP_EMPTY, group_lab_state(lab, "readers", NULL));
    groups_use_wall(lab->cluster, NULL);
    cluster_lab_free(lab);
}

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
    struct cluster_lab *lab = cluster_lab_new(release, 1, GROUP_SETTINGS);
    struct text text = { 0 };
    struct log_cursor cursor;
    struct batch batch;
    struct caller c1;

    cluster_lab_create(lab, "students", 2, 1, NULL);
    caller_init(&c1, lab, "c1");
    caller_join(&c1);
    caller_sync_alone(&c1);
    CHECK_INT(ERR_OK, caller_commit(&c1, 0, 4));
    CHECK_INT(ERR_OK, caller_leave(&c1));
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

TEST(a_coordinator_that_loses_its_partition_says_so)
{
    struct cluster_lab *lab = group_lab_new(RELEASE_43);
    struct groups *groups = broker_groups(cluster_broker_at(lab->cluster, 0));
    struct caller a, b;

    caller_init(&a, lab, "a");
    caller_init(&b, lab, "b");
    caller_join(&a);
    caller_sync_alone(&a);
    CHECK_INT(ERR_OK, caller_commit(&a, 0, 18));
    caller_join(&b);
    groups_partition_resigned(groups, 28);
    CHECK_INT(ERR_NOT_COORDINATOR, b.err);
    CHECK(b.join.parked == NULL);
    CHECK_INT(ERR_NOT_COORDINATOR, caller_heartbeat(&a));
    groups_partition_led(groups, 28, 1);
    CHECK_INT(18, group_lab_fetched(lab, "readers", 0));
    CHECK_INT(ERR_OK, caller_heartbeat(&a));           /* as it stands in the log: the rebalance is forgotten */
    cluster_lab_free(lab);
}
