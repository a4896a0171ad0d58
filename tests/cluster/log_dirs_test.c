/* Brokers with several log dirs: what lies where. */
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
