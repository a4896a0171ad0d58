/* Leader epochs: where each began, and where it ended. */
#include "sim/log/epochs.h"

#include "tests/log/lab.h"

static void check_file(struct lab *lab, const char *expected)
{
    struct buffer bytes = { 0 };

    OK(fs_read_all(lab->fs, "logs/leader-epoch-checkpoint", 1000, &bytes, NULL));
    buffer_i8(&bytes, 0);
    CHECK_TEXT(expected, (const char *)bytes.data);
    buffer_done(&bytes);
}

static void check_end(const struct epochs *epochs, int32_t asked, int32_t epoch, int64_t offset)
{
    int32_t found;
    int64_t end;

    epochs_end_offset(epochs, asked, 100, &found, &end);
    CHECK_INT(epoch, found);
    CHECK_INT(offset, end);
}

TEST(epochs_end_where_the_next_one_began)
{
    struct lab *lab = lab_new(RELEASE_43);
    struct epochs epochs = { 0 };

    OK(fs_mkdir(lab->fs, "logs", NULL));
    OK(epochs_open(&epochs, lab->fs, "logs", NULL));
    CHECK_INT(-1, epochs_latest(&epochs));
    check_end(&epochs, 0, -1, -1);
    OK(epochs_assign(&epochs, 2, 10, NULL));
    OK(epochs_assign(&epochs, 2, 15, NULL)); /* the same epoch later: nothing new */
    OK(epochs_assign(&epochs, 5, 40, NULL));
    check_file(lab, "0\n2\n2 10\n5 40\n");
    check_end(&epochs, 1, 1, 10);            /* before the first known: it ended there */
    check_end(&epochs, 2, 2, 40);
    check_end(&epochs, 4, 2, 40);
    check_end(&epochs, 5, 5, 100);
    check_end(&epochs, 6, -1, -1);
    epochs_done(&epochs);
    OK(epochs_open(&epochs, lab->fs, "logs", NULL));
    CHECK_INT(5, epochs_latest(&epochs));
    epochs_done(&epochs);
    lab_free(lab);
}

TEST(epochs_follow_the_start_and_the_end_of_the_log)
{
    struct lab *lab = lab_new(RELEASE_43);
    struct epochs epochs = { 0 };

    OK(fs_mkdir(lab->fs, "logs", NULL));
    OK(epochs_open(&epochs, lab->fs, "logs", NULL));
    OK(epochs_assign(&epochs, 0, 0, NULL));
    OK(epochs_assign(&epochs, 1, 20, NULL));
    OK(epochs_assign(&epochs, 3, 50, NULL));
    OK(epochs_truncate_start(&epochs, 30, NULL));
    check_file(lab, "0\n2\n1 30\n3 50\n");
    OK(epochs_truncate_end(&epochs, 50, NULL));
    check_file(lab, "0\n1\n1 30\n");
    OK(epochs_assign(&epochs, 0, 25, NULL));  /* an older one in front of it: what contradicts it goes */
    check_file(lab, "0\n1\n0 25\n");
    epochs_done(&epochs);
    lab_free(lab);
}

TEST(a_damaged_epoch_file_is_known_as_damaged)
{
    static const char *const bad[] = { "1\n0\n", "0\n2\n0 0\n", "0\n1\nx y\n", "0\n", "0\n1\n0 0", "0\n1\n0 0\n1 1\n", "0\n2\n1 0\n0 5\n", "0\n2\n0 5\n1 4\n", "0\n1\n0 -1\n" };
    struct lab *lab = lab_new(RELEASE_43);

    OK(fs_mkdir(lab->fs, "logs", NULL));
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct epochs epochs = { 0 };

        OK(fs_replace(lab->fs, "logs/leader-epoch-checkpoint", bytes_text(bad[i]), NULL));
        OK(epochs_open(&epochs, lab->fs, "logs", NULL));
        CHECK(epochs.damaged);
        CHECK_INT(0, epochs.count);
        epochs_done(&epochs);
    }
    lab_free(lab);
}
