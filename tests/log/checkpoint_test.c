/* The text files of a log dir. */
#include "sim/log/checkpoint.h"

#include <stdlib.h>

#include "tests/log/lab.h"

static void check_file(struct lab *lab, const char *path, const char *expected)
{
    struct buffer bytes = { 0 };

    OK(fs_read_all(lab->fs, path, 1000, &bytes, NULL));
    buffer_i8(&bytes, 0);
    CHECK_TEXT(expected, (const char *)bytes.data);
    buffer_done(&bytes);
}

TEST(a_checkpoint_is_read_as_it_was_written)
{
    struct lab *lab = lab_new(RELEASE_27);
    struct checkpoint checkpoint = { 0 };

    OK(fs_mkdir(lab->fs, "logs", NULL));
    OK(checkpoint_read(lab->fs, "logs/replication-offset-checkpoint", &checkpoint, NULL));
    CHECK_INT(0, checkpoint.count);
    checkpoint_add(&checkpoint, "students", 0, 85);
    checkpoint_add(&checkpoint, "__consumer_offsets", 49, 3);
    OK(checkpoint_write(lab->fs, "logs/replication-offset-checkpoint", &checkpoint, NULL));
    check_file(lab, "logs/replication-offset-checkpoint", "0\n2\nstudents 0 85\n__consumer_offsets 49 3\n");
    checkpoint_done(&checkpoint);
    OK(checkpoint_read(lab->fs, "logs/replication-offset-checkpoint", &checkpoint, NULL));
    checkpoint_sort(&checkpoint);
    CHECK_INT(85, checkpoint_offset(&checkpoint, "students", 0, -1));
    CHECK_INT(-1, checkpoint_offset(&checkpoint, "students", 1, -1));
    checkpoint_done(&checkpoint);
    lab_free(lab);
}

TEST(a_damaged_checkpoint_is_refused_and_an_empty_one_is_none)
{
    static const char *const bad[] = { "1\n0\n", "0\n", "0\n2\na 0 1\n", "0\n1\na 0 1\nb 0 1\n", "0\n1\na 0\n", "0\n1\na x 1\n", "0\n1\n a1\n" };
    struct lab *lab = lab_new(RELEASE_27);
    struct checkpoint checkpoint;
    struct reason reason;

    OK(fs_mkdir(lab->fs, "logs", NULL));
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        OK(fs_replace(lab->fs, "logs/c", bytes_text(bad[i]), NULL));
        CHECK_INT(ERR_KAFKA_STORAGE_ERROR, checkpoint_read(lab->fs, "logs/c", &checkpoint, &reason));
    }
    CHECK_TEXT("logs/c: line 3 is not what a checkpoint has there", reason.text);
    OK(fs_replace(lab->fs, "logs/c", (struct bytes){ (const uint8_t *)"", 0 }, NULL));
    OK(checkpoint_read(lab->fs, "logs/c", &checkpoint, NULL));
    CHECK_INT(0, checkpoint.count);
    lab_free(lab);
}

TEST(meta_properties_are_those_of_the_release)
{
    static const struct { enum release release; const char *golden; int64_t at_us; } cases[] = {
        { RELEASE_27, "segments/2.7.0-data-folder-root/meta.properties", 1795419707000000 }, /* Mon Nov 23 07:41:47 UTC 2026 */
        { RELEASE_43, "segments/4.3.0-data-folder-root/meta.properties", 1795421270000000 }, /* Mon Nov 23 08:07:50 UTC 2026 */
    };
    struct lab *lab = lab_new(RELEASE_27);

    OK(fs_mkdir(lab->fs, "logs", NULL));
    for (size_t i = 0; i < 2; i++) {
        size_t size;
        char *golden = (char *)golden_read(cases[i].golden, &size);
        struct meta_properties meta;

        OK(fs_replace(lab->fs, "logs/meta.properties", bytes_text(golden), NULL));
        OK(meta_properties_read(lab->fs, "logs", &meta, NULL));
        OK(meta_properties_write(lab->fs, "logs", cases[i].release, cases[i].at_us, &meta, NULL));
        check_file(lab, "logs/meta.properties", golden);
        free(golden);
    }
    lab_free(lab);
}

TEST(the_clean_marker_is_there_once)
{
    struct lab *lab = lab_new(RELEASE_43);

    OK(fs_mkdir(lab->fs, "logs", NULL));
    CHECK(!clean_marker_take(lab->fs, "logs"));
    OK(clean_marker_write(lab->fs, "logs", RELEASE_43, 15, NULL));
    check_file(lab, "logs/.kafka_cleanshutdown", "{\"version\":0,\"brokerEpoch\":15}");
    CHECK(clean_marker_take(lab->fs, "logs"));
    CHECK(!clean_marker_take(lab->fs, "logs"));
    OK(clean_marker_write(lab->fs, "logs", RELEASE_27, 15, NULL));
    check_file(lab, "logs/.kafka_cleanshutdown", "");
    lab_free(lab);
}

TEST(partition_metadata_holds_the_topic_id)
{
    struct lab *lab = lab_new(RELEASE_43);
    struct uuid id, read;
    size_t size;
    char *golden = (char *)golden_read("segments/4.3.0-plain/plain-0/partition.metadata", &size);

    OK(fs_mkdir(lab->fs, "logs", NULL));
    OK(partition_metadata_read(lab->fs, "logs", &read, NULL));
    CHECK(uuid_is_zero(read));
    CHECK(uuid_parse("M7Y3BXtRQkWI0qJIpf7ArQ", &id));
    OK(partition_metadata_write(lab->fs, "logs", id, NULL));
    OK(partition_metadata_read(lab->fs, "logs", &read, NULL));
    CHECK(uuid_equal(id, read));
    CHECK_INT(43, size);
    check_file(lab, "logs/partition.metadata", golden);
    free(golden);
    lab_free(lab);
}
