/* A broker's folder that is only looked at, whatever lies in it. */
#include <stdio.h>

#include "sim/cluster/inspect.h"
#include "tests/cluster/cluster_lab.h"

static void fill(struct cluster_lab *lab, int16_t factor)
{
    CHECK_INT(ERR_OK, cluster_lab_create(lab, "students", 2, factor, "retention.ms=3600000"));
    CHECK_INT(ERR_OK, cluster_lab_create(lab, "orders", 1, factor, NULL));
    for (int i = 0; i < 5; i++) {
        CHECK_INT(ERR_OK, cluster_lab_append(lab, "students", 0, 3, 20, -1));
        CHECK_INT(ERR_OK, cluster_lab_append(lab, "orders", 0, 2, 20, -1));
    }
    cluster_lab_advance_ms(lab, 10000);
}

static enum err look(struct cluster_lab *lab, const char *dir, struct cluster **out)
{
    struct cluster_options options = lab->options;
    struct inspect_options how = { .dirs = &dir, .dir_count = 1 };
    enum err err = inspect_release(lab->fs, &how, &options.release, &lab->reason);

    *out = NULL;
    return err ? err : cluster_inspect(out, &options, &how, &lab->reason);
}

/* Every cell of every table. */
static int read_tables(struct cluster *cluster)
{
    struct tables *tables = tables_new();
    int rows = 0;

    cluster_register_tables(cluster, tables);
    for (size_t i = 0; i < tables_count(tables); i++) {
        void *context, *cursor;
        const struct table *table = tables_get(tables, i, &context);

        cursor = table->open(context, NULL, 0);
        for (int n = 0; table->next(cursor); n++, rows++) {
            CHECK(n < 5000);
            for (int c = 0; table->columns[c].name; c++)
                table->get(cursor, c);
        }
        table->close(cursor);
    }
    tables_free(tables);
    return rows;
}

static void shows_what_the_broker_had(enum release release, bool clean)
{
    bool old = release_is_27(release);
    struct cluster_lab *lab = cluster_lab_new(release, 1, NULL);
    const char *dir = old ? "lab/broker-0" : "lab/broker-1";
    struct cluster *seen;
    uint64_t writes;

    fill(lab, 1);
    if (clean)
        cluster_close(lab->cluster);
    else
        cluster_drop(lab->cluster);
    writes = fs_counts(lab->fs).writes;
    CHECK_INT(ERR_OK, look(lab, dir, &seen));
    CHECK_INT(old ? RELEASE_27 : RELEASE_43, cluster_release(seen));
    CHECK_INT(clean, cluster_inspect_clean(seen));
    CHECK_INT(!old, cluster_inspect_metadata(seen));
    CHECK_INT(3, broker_partition_count(cluster_broker_at(seen, 0)));
    CHECK_INT(15, log_end_offset(partition_log(broker_partition(cluster_broker_at(seen, 0), "students", 0))));
    CHECK_INT(15, log_high_watermark(partition_log(broker_partition(cluster_broker_at(seen, 0), "students", 0))));
    CHECK_INT(old ? 604800000 : 3600000, log_settings(partition_log(broker_partition(cluster_broker_at(seen, 0), "students", 1)))->retention_ms);
    CHECK(read_tables(seen) > 10);
    CHECK(!cluster_inspect_changed(seen));
    CHECK_INT(0, queue_count(lab->queue)); /* nothing will ever happen to it */
    cluster_drop(seen);
    CHECK_INT(writes, fs_counts(lab->fs).writes);
    lab->cluster = NULL;
    cluster_lab_free(lab);
}

TEST(a_folder_shows_what_its_broker_had)
{
    for (int clean = 0; clean < 2; clean++) {
        shows_what_the_broker_had(RELEASE_27, clean);
        shows_what_the_broker_had(RELEASE_43, clean);
    }
}

TEST(one_broker_of_three_shows_its_own_replicas)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_43, 3, NULL);
    struct replica_info replicas[3];
    struct cluster *seen;
    struct broker *broker;
    int32_t leader;

    fill(lab, 3);
    leader = image_partition(cluster_image(lab->cluster), "students", 0)->leader;
    cluster_drop(lab->cluster);
    lab->cluster = NULL;
    CHECK_INT(ERR_OK, look(lab, leader == 2 ? "lab/broker-3" : "lab/broker-2", &seen));
    broker = cluster_broker_at(seen, 0);
    CHECK_INT(leader == 2 ? 3 : 2, broker_id(broker));
    CHECK_INT(leader, image_partition(cluster_image(seen), "students", 0)->leader); /* of the cluster, not of what is looked at */
    CHECK_INT(15, log_end_offset(partition_log(broker_partition(broker, "students", 0))));
    CHECK_INT(3, cluster_replicas(seen, "students", 0, replicas, 3));
    for (int i = 0; i < 3; i++)
        CHECK_INT(replicas[i].broker == broker_id(broker) ? 15 : -1, replicas[i].log_end_offset); /* of the others nothing is known */
    CHECK(read_tables(seen) > 10);
    cluster_drop(seen);
    cluster_lab_free(lab);
}

TEST(folders_that_are_no_replicas_are_named)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_43, 1, NULL);
    static const struct { const char *name; enum folder_kind kind; const char *topic; int32_t partition; } folders[] = {
        { "gone-7.0123456789abcdef0123456789abcdef-delete", FOLDER_DELETE, "gone", 7 },
        { "moving-1.0123456789abcdef0123456789abcdef-future", FOLDER_FUTURE, "moving", 1 },
        { "lost-0.0123456789abcdef0123456789abcdef-stray", FOLDER_STRAY, "lost", 0 },
        { "empty-0", FOLDER_UNREADABLE, "empty", 0 },
        { "empty-2147483647", FOLDER_UNREADABLE, "empty", 2147483647 },
        { "notes", FOLDER_OTHER, NULL, -1 },
    };
    struct cluster *seen;

    fill(lab, 1);
    cluster_drop(lab->cluster);
    lab->cluster = NULL;
    for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
        char *path = mem_printf("lab/broker-1/%s", folders[i].name);

        CHECK_INT(ERR_OK, fs_mkdir(lab->fs, path, NULL));
        mem_free(path);
    }
    CHECK_INT(ERR_OK, look(lab, "lab/broker-1", &seen));
    CHECK_INT(3, broker_partition_count(cluster_broker_at(seen, 0)));
    for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
        bool found = false;

        for (size_t k = 0; k < cluster_inspect_folder_count(seen); k++) {
            struct folder_info info = cluster_inspect_folder(seen, k);

            if (strcmp(info.name, folders[i].name) != 0)
                continue;
            found = true;
            CHECK_INT(folders[i].kind, info.kind);
            CHECK_INT(folders[i].partition, info.partition);
            CHECK(text_equal(folders[i].topic, info.topic));
            CHECK(info.kind == FOLDER_OTHER || *info.note);
        }
        CHECK(found);
    }
    cluster_drop(seen);
    cluster_lab_free(lab);
}

static void damage(struct cluster_lab *lab, const char *dir, const char *name, int *opened, int *refused)
{
    char *path = mem_printf("%s/%s", dir, name);
    struct buffer bytes = { 0 };
    struct file *file;
    struct cluster *seen;

    CHECK_INT(ERR_OK, fs_read_all(lab->fs, path, 1 << 20, &bytes, NULL));
    for (size_t i = 0; i < bytes.size * 2; i++) {
        size_t at = i / 2, size = i % 2 ? at : bytes.size; /* a byte changed, or all from it on cut off */

        bytes.data[at] ^= 0xff;
        CHECK_INT(ERR_OK, fs_open(lab->fs, path, FILE_WRITE, &file, NULL));
        CHECK_INT(ERR_OK, file_truncate(file, 0, NULL));
        CHECK_INT(ERR_OK, file_write(file, bytes.data, size, 0, NULL));
        file_close(file);
        bytes.data[at] ^= 0xff;
        if (look(lab, dir, &seen)) {
            CHECK(*lab->reason.text);
            ++*refused;
            continue;
        }
        ++*opened;
        if (i % 16 == 0)
            read_tables(seen);
        cluster_drop(seen);
    }
    CHECK_INT(ERR_OK, fs_open(lab->fs, path, FILE_WRITE, &file, NULL));
    CHECK_INT(ERR_OK, file_truncate(file, 0, NULL));
    CHECK_INT(ERR_OK, file_write(file, bytes.data, bytes.size, 0, NULL));
    file_close(file);
    buffer_done(&bytes);
    mem_free(path);
}

TEST(no_damage_keeps_the_rest_from_being_shown)
{
    struct cluster_lab *lab = cluster_lab_new(RELEASE_43, 1, NULL);
    static const char *const files[] = { "__cluster_metadata-0/00000000000000000000.log", "__cluster_metadata-0/00000000000000000000-0000000000.checkpoint",
                                         "__cluster_metadata-0/partition.metadata", "meta.properties", "replication-offset-checkpoint",
                                         "recovery-point-offset-checkpoint", "students-0/partition.metadata", "students-0/leader-epoch-checkpoint" };
    int opened = 0, refused = 0;

    fill(lab, 1);
    cluster_close(lab->cluster);
    lab->cluster = NULL;
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
        damage(lab, "lab/broker-1", files[i], &opened, &refused);
    CHECK(opened > 1000);
    CHECK(refused < 200); /* whose folder it is could not be read any more */
    cluster_lab_free(lab);
}
