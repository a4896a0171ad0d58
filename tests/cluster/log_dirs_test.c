/* Brokers with several log dirs: what lies where. */
#include <stdio.h>

#include "sim/cluster/cluster_internal.h"
#include "tests/cluster/cluster_lab.h"

static struct broker *broker_of(struct cluster_lab *lab) { return cluster_broker_at(lab->cluster, 0); }

static void check_placed(enum release release, const char *first, const char *second)
{
    struct cluster_lab *lab = cluster_lab_new_dirs(release, 1, 2, NULL);

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 1, 1, NULL));
    CHECK_INT(ERR_OK, cluster_lab_create(lab, "orders", 4, 1, NULL));
    CHECK_FILES(lab, first, "s*-0", "students-0");
    CHECK_FILES(lab, first, "orders-*", "orders-1,orders-3");
    CHECK_FILES(lab, second, "orders-*", "orders-0,orders-2");
    CHECK_TEXT(first + 4, log_dir_name(partition_log_dir(cluster_lab_leader(lab, "students", 0)))); /* without "lab/" */
    CHECK_TEXT(second + 4, log_dir_name(partition_log_dir(cluster_lab_leader(lab, "orders", 2))));
    cluster_lab_free(lab);
}

/* Of dirs with as many the first; captured: tests/golden/log-dirs. */
TEST(a_new_partition_goes_to_the_log_dir_with_the_fewest)
{
    check_placed(RELEASE_27, "lab/broker-0", "lab/broker-0.dir2");
    check_placed(RELEASE_43, "lab/broker-1", "lab/broker-1.dir2");
}

static char *content(struct cluster_lab *lab, const char *path)
{
    struct buffer bytes = { 0 };
    char *text;

    CHECK_INT(ERR_OK, fs_read_all(lab->fs, path, 4096, &bytes, NULL));
    text = mem_text_size((const char *)bytes.data, bytes.size);
    buffer_done(&bytes);
    return text;
}

TEST(each_log_dir_has_checkpoints_of_its_own)
{
    struct cluster_lab *lab = cluster_lab_new_dirs(RELEASE_43, 1, 2, NULL);
    char *first, *second;

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "orders", 2, 1, NULL));
    CHECK_INT(ERR_OK, cluster_lab_append(lab, "orders", 0, 3, 100, 1));
    CHECK_INT(ERR_OK, cluster_lab_append(lab, "orders", 1, 5, 100, 1));
    cluster_lab_advance_ms(lab, 6000);
    first = content(lab, "lab/broker-1/replication-offset-checkpoint");
    second = content(lab, "lab/broker-1.dir2/replication-offset-checkpoint");
    CHECK_TEXT("0\n1\norders 0 3\n", first);
    CHECK_TEXT("0\n1\norders 1 5\n", second);
    mem_free(first);
    mem_free(second);
    cluster_lab_free(lab);
}

static void check_reopened(bool clean)
{
    struct cluster_lab *lab = cluster_lab_new_dirs(RELEASE_43, 1, 3, NULL);
    struct uuid ids[3];

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "orders", 6, 1, NULL));
    CHECK_INT(ERR_OK, cluster_lab_append(lab, "orders", 4, 3, 100, 1));
    for (size_t i = 0; i < 3; i++)
        ids[i] = broker_of(lab)->dirs[i].id;
    cluster_lab_advance_ms(lab, 6000);
    cluster_lab_reopen(lab, clean);
    for (size_t i = 0; i < 3; i++) {
        CHECK(uuid_equal(ids[i], broker_of(lab)->dirs[i].id));
        CHECK_INT(2, broker_of(lab)->dirs[i].log_count);
    }
    CHECK_TEXT("broker-1.dir2", log_dir_name(partition_log_dir(cluster_lab_leader(lab, "orders", 4))));
    CHECK_INT(3, log_end_offset(partition_log(cluster_lab_leader(lab, "orders", 4))));
    cluster_lab_free(lab);
}

TEST(what_lies_in_a_log_dir_is_there_again_after_a_restart)
{
    check_reopened(true);
    check_reopened(false);
}

/* ---- moves ---- */

static enum err move(struct cluster_lab *lab, const char *topic, int32_t partition, size_t dir)
{
    struct broker *broker = broker_of(lab);

    return broker_alter_log_dir(broker, topic, partition, log_dir_path(broker_dir_at(broker, dir)), &lab->reason);
}

static void set_throttle(struct cluster_lab *lab, const char *value)
{
    struct config_change change = { "replica.alter.log.dirs.io.max.bytes.per.second", value ? CONFIG_SET : CONFIG_DELETE, value };
    char id[12];

    snprintf(id, sizeof(id), "%d", broker_id(broker_of(lab)));
    CHECK_INT(ERR_OK, controller_alter_config(lab->cluster, CONFIG_BROKER, id, &change, 1, false, false, NULL, &lab->reason));
    cluster_lab_advance_ms(lab, 1);
}

/* 3 MB: more than the throttle lets pass at once. */
static void fill(struct cluster_lab *lab, const char *topic)
{
    CHECK_INT(ERR_OK, cluster_lab_create(lab, topic, 1, 1, "segment.bytes=1048576"));
    for (int i = 0; i < 30; i++)
        CHECK_INT(ERR_OK, cluster_lab_append(lab, topic, 0, 100, 1000, 1));
}

static void check_moved(enum release release)
{
    struct cluster_lab *lab = cluster_lab_new_dirs(release, 1, 2, NULL);
    struct partition *partition;
    struct log *log;

    fill(lab, "students");
    partition = cluster_lab_leader(lab, "students", 0);
    CHECK_INT(ERR_OK, move(lab, "students", 0, 1));
    CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 1, 100, 1));
    cluster_lab_advance_ms(lab, 1000);
    CHECK(!partition_future_log(partition));
    CHECK(partition_log_dir(partition) == broker_dir_at(broker_of(lab), 1));
    log = partition_log(partition);
    CHECK_INT(3001, log_end_offset(log));
    CHECK_INT(3001, log_high_watermark(log));
    CHECK_INT(0, log_latest_epoch(log));
    CHECK_FILES(lab, release_is_27(release) ? "lab/broker-0.dir2" : "lab/broker-1.dir2", "students*", "students-0");
    CHECK_FILES(lab, release_is_27(release) ? "lab/broker-0" : "lab/broker-1", "students-0", "");
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_log_moved));
    cluster_lab_advance_ms(lab, 120000);
    CHECK_FILES(lab, release_is_27(release) ? "lab/broker-0" : "lab/broker-1", "students*", ""); /* after file.delete.delay.ms */
    CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 1, 100, 1));
    cluster_lab_reopen(lab, false);
    CHECK_INT(3002, log_end_offset(partition_log(cluster_lab_leader(lab, "students", 0))));
    cluster_lab_free(lab);
}

TEST(a_replica_moves_to_another_log_dir)
{
    check_moved(RELEASE_27);
    check_moved(RELEASE_43);
}

TEST(a_move_is_as_slow_as_its_throttle)
{
    struct cluster_lab *lab = cluster_lab_new_dirs(RELEASE_27, 1, 2, NULL);
    struct partition *partition;
    int64_t began_us;

    fill(lab, "students");
    partition = cluster_lab_leader(lab, "students", 0);
    set_throttle(lab, "100000");
    began_us = queue_now_us(lab->queue);
    CHECK_INT(ERR_OK, move(lab, "students", 0, 1));
    cluster_lab_advance_ms(lab, 1000);
    CHECK_INT(1000, log_end_offset(partition_future_log(partition))); /* a read goes through before anything was counted: a segment */
    while (partition_future_log(partition) && queue_now_us(lab->queue) < began_us + 120 * 1000000)
        cluster_lab_advance_ms(lab, 1000);
    CHECK(queue_now_us(lab->queue) - began_us > 20 * 1000000);
    CHECK(queue_now_us(lab->queue) - began_us < 40 * 1000000);
    cluster_lab_free(lab);
}

TEST(a_throttle_that_is_lifted_lets_a_move_go_on_at_once)
{
    struct cluster_lab *lab = cluster_lab_new_dirs(RELEASE_27, 1, 2, NULL);

    fill(lab, "students");
    set_throttle(lab, "10");
    CHECK_INT(ERR_OK, move(lab, "students", 0, 1));
    cluster_lab_advance_ms(lab, 3000);
    CHECK(partition_future_log(cluster_lab_leader(lab, "students", 0)) != NULL);
    set_throttle(lab, NULL);
    CHECK(!partition_future_log(cluster_lab_leader(lab, "students", 0)));
    cluster_lab_free(lab);
}

TEST(a_move_that_is_called_off_leaves_nothing)
{
    struct cluster_lab *lab = cluster_lab_new_dirs(RELEASE_27, 1, 2, NULL);
    struct partition *partition;

    fill(lab, "students");
    partition = cluster_lab_leader(lab, "students", 0);
    set_throttle(lab, "10");
    CHECK_INT(ERR_OK, move(lab, "students", 0, 1));
    cluster_lab_advance_ms(lab, 1000);
    CHECK_INT(ERR_OK, move(lab, "students", 0, 0)); /* where it is */
    CHECK(!partition_future_log(partition));
    CHECK_FILES(lab, "lab/broker-0.dir2", "*-future", "");
    cluster_lab_advance_ms(lab, 120000);
    CHECK_FILES(lab, "lab/broker-0.dir2", "students*", "");
    CHECK_INT(3000, log_end_offset(partition_log(partition)));
    CHECK_INT(ERR_OK, move(lab, "students", 0, 1));
    CHECK_INT(ERR_OK, controller_delete_topic(lab->cluster, "students", NULL, &lab->reason));
    cluster_lab_advance_ms(lab, 120000);
    CHECK_FILES(lab, "lab/broker-0.dir2", "students*", "");
    CHECK_FILES(lab, "lab/broker-0", "students*", "");
    cluster_lab_free(lab);
}

TEST(a_move_that_makes_no_sense_is_refused)
{
    struct cluster_lab *lab = cluster_lab_new_dirs(RELEASE_43, 1, 2, NULL);
    char name[240];

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 1, 1, NULL));
    CHECK_INT(ERR_LOG_DIR_NOT_FOUND, broker_alter_log_dir(broker_of(lab), "students", 0, "/nope", NULL));
    CHECK_INT(ERR_LOG_DIR_NOT_FOUND, broker_alter_log_dir(broker_of(lab), "students", 0, "broker-1.dir2", NULL));
    CHECK_INT(ERR_UNKNOWN_TOPIC_OR_PARTITION, move(lab, "nobody", 0, 1));
    CHECK_INT(ERR_UNKNOWN_TOPIC_OR_PARTITION, move(lab, "students", 7, 1));
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = 0;
    CHECK_INT(ERR_INVALID_TOPIC_EXCEPTION, move(lab, name, 0, 1));
    CHECK_INT(ERR_OK, move(lab, "students", 0, 0));
    CHECK(!partition_future_log(cluster_lab_leader(lab, "students", 0)));
    cluster_lab_free(lab);
}

/* Kafka's tool asks before the reassignment begins: REPLICA_NOT_AVAILABLE, and the broker remembers. */
TEST(a_log_dir_is_chosen_before_there_is_a_replica)
{
    struct cluster_lab *lab = cluster_lab_new_dirs(RELEASE_43, 1, 3, NULL);

    CHECK_INT(ERR_UNKNOWN_TOPIC_OR_PARTITION, move(lab, "orders", 0, 2));
    CHECK_INT(ERR_OK, cluster_lab_create(lab, "orders", 2, 1, NULL));
    CHECK_TEXT("broker-1.dir3", log_dir_name(partition_log_dir(cluster_lab_leader(lab, "orders", 0))));
    CHECK_TEXT("broker-1", log_dir_name(partition_log_dir(cluster_lab_leader(lab, "orders", 1))));
    cluster_lab_free(lab);
}

static void check_resumed(enum release release, bool clean)
{
    struct cluster_lab *lab = cluster_lab_new_dirs(release, 1, 2, NULL);
    struct partition *partition;

    fill(lab, "students");
    set_throttle(lab, "10");
    CHECK_INT(ERR_OK, move(lab, "students", 0, 1));
    cluster_lab_advance_ms(lab, 6000);
    CHECK_INT(1000, log_end_offset(partition_future_log(cluster_lab_leader(lab, "students", 0))));
    cluster_lab_reopen(lab, clean);
    partition = cluster_lab_leader(lab, "students", 0);
    CHECK(partition_log_dir(partition) == broker_dir_at(broker_of(lab), 0));
    CHECK(partition_future_dir(partition) == broker_dir_at(broker_of(lab), 1));
    CHECK_INT(1000, log_end_offset(partition_future_log(partition))); /* what was copied is not copied again */
    cluster_lab_advance_ms(lab, 1);
    CHECK_INT(2000, log_end_offset(partition_future_log(partition)));
    set_throttle(lab, NULL);
    cluster_lab_advance_ms(lab, 1000);
    CHECK(!partition_future_log(partition));
    CHECK_INT(3000, log_end_offset(partition_log(partition)));
    CHECK_INT(3000, log_high_watermark(partition_log(partition)));
    cluster_lab_free(lab);
}

TEST(a_move_goes_on_after_a_restart)
{
    check_resumed(RELEASE_27, true);
    check_resumed(RELEASE_27, false);
    check_resumed(RELEASE_43, true);
    check_resumed(RELEASE_43, false);
}

/* ---- 4.3: the controller knows where replicas lie ---- */

static size_t known_dir(struct cluster_lab *lab, const char *topic, int32_t partition, int32_t id)
{
    const struct broker *broker = cluster_broker(lab->cluster, id);
    struct uuid known = image_directory(cluster_image(lab->cluster), image_partition(cluster_image(lab->cluster), topic, partition), id);

    for (size_t i = 0; i < broker->dir_count; i++)
        if (uuid_equal(known, broker->dirs[i].id))
            return i;
    CHECK(uuid_equal(known, directory_unassigned));
    return SIZE_MAX;
}

TEST(the_controller_is_told_in_which_log_dir_a_replica_lies)
{
    struct cluster_lab *lab = cluster_lab_new_dirs(RELEASE_43, 3, 2, NULL);

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "orders", 2, 3, NULL));
    CHECK(known_dir(lab, "orders", 0, 1) == SIZE_MAX); /* a tenth of a second later, with all others */
    cluster_lab_advance_ms(lab, 200);
    for (int32_t id = 1; id <= 3; id++) {
        CHECK_INT(0, known_dir(lab, "orders", 0, id));
        CHECK_INT(1, known_dir(lab, "orders", 1, id));
    }
    cluster_lab_reopen(lab, true);
    CHECK_INT(1, known_dir(lab, "orders", 1, 3));
    cluster_lab_free(lab);
}

TEST(a_moved_replica_takes_its_place_when_the_controller_knows)
{
    struct cluster_lab *lab = cluster_lab_new_dirs(RELEASE_43, 1, 2, NULL);
    struct partition *partition;

    fill(lab, "students");
    partition = cluster_lab_leader(lab, "students", 0);
    cluster_lab_advance_ms(lab, 200);
    CHECK_INT(0, known_dir(lab, "students", 0, 1));
    CHECK_INT(ERR_OK, move(lab, "students", 0, 1));
    cluster_lab_advance_ms(lab, 50);
    CHECK_INT(3000, log_end_offset(partition_future_log(partition)));
    CHECK_INT(0, known_dir(lab, "students", 0, 1));
    CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 10, 100, 1));
    cluster_lab_advance_ms(lab, 1);
    CHECK_INT(3010, log_end_offset(partition_future_log(partition))); /* it goes on following */
    cluster_lab_advance_ms(lab, 100);
    CHECK(!partition_future_log(partition));
    CHECK_INT(1, known_dir(lab, "students", 0, 1));
    CHECK_INT(3010, log_end_offset(partition_log(partition)));
    cluster_lab_free(lab);
}

/* ---- a log dir that fails ---- */

/* orders: four partitions led by the second broker, followed by the first; lone: two that only the second has. */
static struct cluster_lab *two_brokers(enum release release)
{
    struct cluster_lab *lab = cluster_lab_new_dirs(release, 2, 2, "auto.leader.rebalance.enable=false");
    int32_t x = broker_id(cluster_broker_at(lab->cluster, 0)), y = x + 1;
    int32_t both[] = { y, x };
    struct assignment pairs[4], alone[2];
    struct create_topic orders = { .name = "orders", .partition_count = -1, .replication_factor = -1, .assignments = pairs, .assignment_count = 4 };
    struct create_topic lone = { .name = "lone", .partition_count = -1, .replication_factor = -1, .assignments = alone, .assignment_count = 2 };

    for (int32_t i = 0; i < 4; i++)
        pairs[i] = (struct assignment){ i, both, 2 };
    for (int32_t i = 0; i < 2; i++)
        alone[i] = (struct assignment){ i, both, 1 };
    CHECK_INT(ERR_OK, controller_create_topic(lab->cluster, &orders, false, NULL, NULL, &lab->reason));
    CHECK_INT(ERR_OK, controller_create_topic(lab->cluster, &lone, false, NULL, NULL, &lab->reason));
    cluster_lab_advance_ms(lab, 1000);
    for (int32_t i = 0; i < 4; i++)
        CHECK_INT(ERR_OK, cluster_lab_append(lab, "orders", i, 5, 100, -1));
    for (int32_t i = 0; i < 2; i++)
        CHECK_INT(ERR_OK, cluster_lab_append(lab, "lone", i, 5, 100, 1));
    cluster_lab_advance_ms(lab, 1000);
    return lab;
}

static void check_failed(enum release release)
{
    struct cluster_lab *lab = two_brokers(release);
    struct broker *x = cluster_broker_at(lab->cluster, 0), *y = cluster_broker_at(lab->cluster, 1);
    const struct image *image;

    disk_set_failing(log_dir_disk(broker_dir_at(y, 1)), DISK_WRITE, 1, true);
    CHECK_INT(ERR_KAFKA_STORAGE_ERROR, cluster_lab_append(lab, "orders", 1, 1, 100, 1)); /* 1 and 3 lie there */
    cluster_lab_advance_ms(lab, 2000);
    image = cluster_image(lab->cluster);
    CHECK_INT(BROKER_UP, broker_state(y));
    CHECK(!log_dir_online(broker_dir_at(y, 1)));
    CHECK_INT(1, cluster_lab_entries(lab, EVENT_log_dir_failed));
    for (int32_t p = 0; p < 4; p++) {
        const struct image_partition *partition = image_partition(image, "orders", p);

        CHECK_INT(broker_id(p % 2 ? x : y), partition->leader);
        CHECK_INT(p % 2 ? 1 : 2, partition->isr_count);
        CHECK(broker_replica_offline(y, "orders", p) == (p % 2 == 1));
    }
    CHECK_INT(broker_id(y), image_partition(image, "lone", 0)->leader);
    CHECK_INT(-1, image_partition(image, "lone", 1)->leader);
    CHECK_INT(ERR_KAFKA_STORAGE_ERROR, broker_no_replica(y, "lone", 1));
    CHECK_INT(release_is_27(release) ? 0 : 1, (int)image_broker(image, broker_id(y))->log_dir_count);
    CHECK_INT(ERR_OK, cluster_lab_append(lab, "orders", 1, 1, 100, -1)); /* the other broker serves it */
    CHECK_INT(ERR_KAFKA_STORAGE_ERROR, broker_alter_log_dir(y, "lone", 1, log_dir_path(broker_dir_at(y, 0)), NULL));
    CHECK_INT(ERR_KAFKA_STORAGE_ERROR, broker_alter_log_dir(y, "lone", 0, log_dir_path(broker_dir_at(y, 1)), NULL));
    CHECK_INT(ERR_OK, cluster_lab_create(lab, "later", 2, 2, NULL)); /* new ones go where a dir is left */
    cluster_lab_advance_ms(lab, 1000);
    CHECK(broker_partition(y, "later", 0) != NULL && broker_partition(y, "later", 1) != NULL);
    /* A healed disk alone changes nothing; a start does. */
    disk_heal(log_dir_disk(broker_dir_at(y, 1)));
    cluster_lab_advance_ms(lab, 1000);
    CHECK_INT(-1, image_partition(image, "lone", 1)->leader);
    CHECK_INT(ERR_OK, broker_stop(y, &lab->reason));
    cluster_lab_advance_ms(lab, 20000);
    CHECK_INT(BROKER_DOWN, broker_state(y));
    CHECK_INT(ERR_OK, broker_start(y, &lab->reason));
    cluster_lab_advance_ms(lab, 20000);
    image = cluster_image(lab->cluster);
    CHECK(log_dir_online(broker_dir_at(y, 1)));
    CHECK_INT(broker_id(y), image_partition(image, "lone", 1)->leader);
    CHECK_INT(5, log_end_offset(partition_log(cluster_lab_leader(lab, "lone", 1))));
    for (int32_t p = 0; p < 4; p++)
        CHECK_INT(2, image_partition(image, "orders", p)->isr_count);
    CHECK_INT(log_end_offset(partition_log(broker_partition(x, "orders", 1))), log_end_offset(partition_log(broker_partition(y, "orders", 1))));
    cluster_lab_free(lab);
}

TEST(a_log_dir_that_fails_takes_only_its_own_replicas_along)
{
    check_failed(RELEASE_27);
    check_failed(RELEASE_43);
}

static void check_last_failed(enum release release, size_t first, size_t second)
{
    struct cluster_lab *lab = two_brokers(release);
    struct broker *y = cluster_broker_at(lab->cluster, 1);
    size_t dirs[] = { first, second };

    for (int i = 0; i < 2 && broker_state(y) == BROKER_UP; i++) {
        disk_set_failing(log_dir_disk(broker_dir_at(y, dirs[i])), DISK_OPERATIONS, 1, true);
        for (int32_t p = 0; p < 2; p++)
            if (cluster_lab_leader(lab, "lone", p))
                cluster_lab_append(lab, "lone", p, 1, 100, 1);
        cluster_lab_advance_ms(lab, 6000);
    }
    CHECK_INT(BROKER_DOWN, broker_state(y));
    CHECK_INT(!release_is_27(release) && first == 0 ? 1 : 2, cluster_lab_entries(lab, EVENT_log_dir_failed));
    cluster_lab_free(lab);
}

/* 4.3 keeps its metadata in the first: without that it halts at once. */
TEST(a_broker_without_any_log_dir_halts)
{
    check_last_failed(RELEASE_27, 0, 1);
    check_last_failed(RELEASE_27, 1, 0);
    check_last_failed(RELEASE_43, 1, 0);
    check_last_failed(RELEASE_43, 0, 1);
}

TEST(a_broker_starts_without_a_log_dir_that_is_broken)
{
    struct cluster_lab *lab = two_brokers(RELEASE_43);
    struct broker *y = cluster_broker_at(lab->cluster, 1);

    CHECK_INT(ERR_OK, broker_kill(y, "by a test", &lab->reason));
    cluster_lab_advance_ms(lab, 20000);
    disk_set_failing(log_dir_disk(broker_dir_at(y, 1)), DISK_OPERATIONS, 1, true);
    CHECK_INT(ERR_OK, broker_start(y, &lab->reason));
    cluster_lab_advance_ms(lab, 20000);
    CHECK_INT(BROKER_UP, broker_state(y));
    CHECK(!log_dir_online(broker_dir_at(y, 1)));
    CHECK_INT(-1, image_partition(cluster_image(lab->cluster), "lone", 1)->leader);
    CHECK_INT(broker_id(y), image_partition(cluster_image(lab->cluster), "lone", 0)->leader);
    CHECK(broker_replica_offline(y, "orders", 3)); /* not made anew in the other */
    cluster_lab_free(lab);
}

/* Killed after the controller was told and before the copy took the replica's place: 4.3 finds the copy where metadata says the replica lies. */
TEST(a_copy_that_metadata_names_takes_its_place_at_the_start)
{
    struct cluster_lab *lab = cluster_lab_new_dirs(RELEASE_43, 1, 2, NULL);
    struct partition *partition;

    fill(lab, "students");
    cluster_lab_advance_ms(lab, 200);
    CHECK_INT(ERR_OK, move(lab, "students", 0, 1));
    for (int i = 0; i < 200 && known_dir(lab, "students", 0, 1) == 0; i++) { /* the moment at which the record is there */
        partition = cluster_lab_leader(lab, "students", 0);
        queue_run_until(lab->queue, queue_now_us(lab->queue) + 1000);
        if (known_dir(lab, "students", 0, 1) == 1 && partition_future_log(partition))
            break;
    }
    if (partition_future_log(cluster_lab_leader(lab, "students", 0)) == NULL) { /* both in one moment: the names are put back as they were then */
        cluster_drop(lab->cluster);
        CHECK_INT(ERR_OK, fs_rename(lab->fs, "lab/broker-1.dir2/students-0", "lab/broker-1.dir2/students-0.0123456789abcdef0123456789abcdef-future", NULL));
        CHECK_INT(ERR_OK, cluster_open(&lab->cluster, &lab->options, &lab->reason));
    } else {
        cluster_lab_reopen(lab, false);
    }
    partition = cluster_lab_leader(lab, "students", 0);
    CHECK_TEXT("broker-1.dir2", log_dir_name(partition_log_dir(partition)));
    CHECK_INT(3000, log_end_offset(partition_log(partition)));
    CHECK(!partition_future_log(partition));
    CHECK_FILES(lab, "lab/broker-1", "students-0", "");
    cluster_lab_free(lab);
}

TEST(a_partition_in_two_log_dirs_stops_the_start)
{
    struct cluster_lab *lab = cluster_lab_new_dirs(RELEASE_27, 1, 2, NULL);

    fill(lab, "students");
    cluster_close(lab->cluster);
    CHECK_INT(ERR_OK, fs_mkdir(lab->fs, "lab/broker-0.dir2/students-0", NULL));
    CHECK_INT(ERR_KAFKA_STORAGE_ERROR, cluster_open(&lab->cluster, &lab->options, &lab->reason));
    CHECK(text_starts(lab->reason.text, "Duplicate log directories for students-0 are found in both lab/broker-0.dir2/students-0 and lab/broker-0/students-0."));
    fs_remove_tree(lab->fs, "lab/broker-0.dir2/students-0", NULL);
    CHECK_INT(ERR_OK, cluster_open(&lab->cluster, &lab->options, &lab->reason));
    cluster_lab_free(lab);
}

/* A replica that is new here is told of twice: where it was made, and where it moves to at once. */
TEST(a_new_replica_moves_before_the_controller_heard_where_it_is)
{
    struct cluster_lab *lab = cluster_lab_new_dirs(RELEASE_43, 1, 2, NULL);

    CHECK_INT(ERR_OK, cluster_lab_create(lab, "orders", 1, 1, NULL));
    CHECK_INT(ERR_OK, move(lab, "orders", 0, 1));
    cluster_lab_advance_ms(lab, 1);
    CHECK_INT(ERR_OK, controller_add_partitions(lab->cluster, "orders", 2, NULL, 0, false, NULL, &lab->reason));
    assignment_check(cluster_lab_leader(lab, "orders", 0)); /* as each change of it does */
    cluster_lab_advance_ms(lab, 1000);
    CHECK(!partition_future_log(cluster_lab_leader(lab, "orders", 0)));
    CHECK_INT(1, known_dir(lab, "orders", 0, 1));
    cluster_lab_free(lab);
}
