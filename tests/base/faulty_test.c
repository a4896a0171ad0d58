/* A faulty disk: full, slow, failing at the n-th operation; and what a power-off takes. */
#include "sim/base/files_faulty.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/base/mem.h"
#include "sim/base/text.h"
#include "tests/harness.h"

struct place {
    struct fs *fs;
    int64_t now_us;
    char dir[64];
    struct disk *disk;
    struct reason reason;
    char path[4][256];
    int next;
};

static struct place *place_new(bool real)
{
    struct place *place = mem_zero(sizeof(*place));

    place->now_us = 1767225600000000;
    strcpy(place->dir, real ? "/tmp/faulty-test-XXXXXX" : "/lab");
    if (real)
        CHECK(mkdtemp(place->dir) != NULL);
    place->fs = real ? fs_real(&place->now_us, 4, false) : fs_memory(&place->now_us);
    CHECK_INT(ERR_OK, fs_mkdir(place->fs, place->dir, &place->reason));
    place->disk = disk_add(place->fs, place->dir);
    CHECK(disk_add(place->fs, place->dir) == place->disk);
    return place;
}

static void place_free(struct place *place)
{
    disk_heal(place->disk);
    CHECK_INT(ERR_OK, fs_remove_tree(place->fs, place->dir, &place->reason));
    fs_free(place->fs);
    mem_free(place);
}

static const char *at(struct place *place, const char *name)
{
    char *path = place->path[place->next++ % 4];

    snprintf(path, sizeof(place->path[0]), "%s/%s", place->dir, name);
    return path;
}

static struct file *open_file(struct place *place, const char *name, int flags)
{
    struct file *file;

    CHECK_INT(ERR_OK, fs_open(place->fs, at(place, name), flags, &file, &place->reason));
    return file;
}

static enum err append(struct file *file, int size, char c)
{
    char *data = mem_alloc((size_t)size);
    enum err err;

    memset(data, c, (size_t)size);
    err = file_append(file, data, (size_t)size, NULL);
    mem_free(data);
    return err;
}

static char *content(struct place *place, const char *name)
{
    struct buffer bytes = { 0 };
    char *text = fs_read_all(place->fs, at(place, name), 1 << 20, &bytes, NULL) ? NULL : mem_text_size(bytes.size ? (const char *)bytes.data : "", bytes.size);

    buffer_done(&bytes);
    return text;
}

TEST(a_full_disk_takes_what_fits_and_refuses_the_rest)
{
    for (int real = 0; real < 2; real++) {
        struct place *place = place_new(real);
        struct file *file = open_file(place, "a", FILE_CREATE);

        disk_set_full(place->disk, 100);
        CHECK_INT(ERR_OK, append(file, 60, 'x'));
        CHECK_INT(ERR_KAFKA_STORAGE_ERROR, file_append(file, place, 50, &place->reason));
        CHECK_INT(ENOSPC, fs_errno(place->fs));
        CHECK(strstr(place->reason.text, "No space left on device"));
        CHECK_INT(60, file_size(file));
        CHECK_INT(ERR_OK, append(file, 40, 'x'));
        CHECK_INT(ERR_KAFKA_STORAGE_ERROR, append(file, 1, 'x'));
        disk_heal(place->disk);
        CHECK_INT(ERR_OK, append(file, 1000, 'x'));
        CHECK_INT(1100, file_size(file));
        CHECK_INT(2, disk_state(place->disk).refused);
        file_close(file);
        place_free(place);
    }
}

TEST(the_nth_operation_fails_once_or_from_there_on)
{
    struct place *place = place_new(false);
    struct file *file = open_file(place, "a", FILE_CREATE);

    disk_set_failing(place->disk, DISK_SYNC, 2, false);
    CHECK_INT(ERR_OK, file_sync(file, NULL));
    CHECK_INT(ERR_OK, append(file, 10, 'x'));
    CHECK_INT(ERR_KAFKA_STORAGE_ERROR, file_sync(file, &place->reason));
    CHECK_INT(EIO, fs_errno(place->fs));
    CHECK_INT(ERR_OK, file_sync(file, NULL));
    disk_set_failing(place->disk, DISK_RENAME, 1, true);
    CHECK_INT(ERR_KAFKA_STORAGE_ERROR, fs_rename(place->fs, at(place, "a"), at(place, "b"), NULL));
    CHECK_INT(ERR_KAFKA_STORAGE_ERROR, fs_rename(place->fs, at(place, "a"), at(place, "b"), NULL));
    CHECK(fs_exists(place->fs, at(place, "a")));
    CHECK_INT(ERR_OK, append(file, 10, 'x'));
    disk_heal(place->disk);
    CHECK_INT(ERR_OK, fs_rename(place->fs, at(place, "a"), at(place, "b"), NULL));
    disk_set_failing(place->disk, DISK_CREATE, 1, false);
    CHECK_INT(ERR_KAFKA_STORAGE_ERROR, fs_mkdir(place->fs, at(place, "folder"), NULL));
    CHECK_INT(ERR_OK, fs_mkdir(place->fs, at(place, "folder"), NULL));
    disk_set_failing(place->disk, DISK_DELETE, 1, false);
    CHECK_INT(ERR_OK, fs_unlink(place->fs, at(place, "nothing"), NULL)); /* no operation */
    CHECK_INT(ERR_KAFKA_STORAGE_ERROR, fs_unlink(place->fs, at(place, "b"), NULL));
    CHECK_INT(20, file_size(file));
    disk_set_failing(place->disk, DISK_OPERATIONS, 3, false);
    CHECK_INT(ERR_OK, append(file, 10, 'x'));
    CHECK_INT(ERR_OK, file_sync(file, NULL));
    CHECK_INT(ERR_KAFKA_STORAGE_ERROR, append(file, 10, 'x'));
    CHECK_INT(ERR_OK, append(file, 10, 'x'));
    file_close(file);
    place_free(place);
}

TEST(another_folder_is_another_disk)
{
    struct place *place = place_new(false);
    struct file *file;

    CHECK_INT(ERR_OK, fs_mkdir(place->fs, "/lab2", NULL));
    disk_set_full(place->disk, 0);
    CHECK_INT(ERR_OK, fs_open(place->fs, "/lab2/a", FILE_CREATE, &file, NULL));
    CHECK_INT(ERR_OK, append(file, 10, 'x'));
    file_close(file);
    disk_power_off(place->disk, &(struct random){ { 1, 2, 3, 4 } }, NULL);
    CHECK(fs_exists(place->fs, "/lab2/a"));
    place_free(place);
}

TEST(a_slow_disk_says_when_it_would_be_done)
{
    struct place *place = place_new(false);
    struct file *file = open_file(place, "a", FILE_CREATE);

    disk_set_slow(place->disk, 5000);
    CHECK(disk_busy_until_us(place->disk) <= place->now_us);
    append(file, 10, 'x');
    append(file, 10, 'x');
    CHECK_INT(place->now_us + 10000, disk_busy_until_us(place->disk));
    place->now_us += 7000;
    file_sync(file, NULL);
    CHECK_INT(place->now_us + 8000, disk_busy_until_us(place->disk));
    place->now_us += 60000;
    append(file, 10, 'x');
    CHECK_INT(place->now_us + 5000, disk_busy_until_us(place->disk));
    file_close(file);
    place_free(place);
}

/* ---- power ---- */

TEST(what_was_flushed_survives_and_what_was_appended_since_may_be_cut)
{
    bool kept = false, lost = false, cut = false, blank = false;

    for (uint64_t seed = 0; seed < 200; seed++) {
        struct place *place = place_new(seed % 10 == 9);
        struct file *file = open_file(place, "a", FILE_CREATE);
        struct random random;
        struct disk_losses losses;
        char *text;
        size_t size;

        random_init(&random, seed);
        append(file, 700, 'a');
        CHECK_INT(ERR_OK, file_sync(file, NULL));
        CHECK_INT(0, disk_state(place->disk).unflushed_files);
        append(file, 900, 'b');
        append(file, 900, 'b');
        CHECK_INT(1, disk_state(place->disk).unflushed_files);
        CHECK_INT(1800, disk_state(place->disk).unflushed_bytes);
        file_close(file);
        disk_power_off(place->disk, &random, &losses);
        text = content(place, "a");
        CHECK(text != NULL);
        file = open_file(place, "a", FILE_READ);
        size = (size_t)file_size(file);
        file_close(file);
        CHECK(size >= 700 && size <= 2500);
        for (size_t i = 0; i < 700; i++)
            CHECK_INT('a', text[i]);
        for (size_t i = 700; i < size; i++) {
            CHECK(text[i] == 'b' || !text[i]);
            blank = blank || !text[i];
        }
        CHECK_INT(2500 - (int64_t)size, losses.bytes);
        kept = kept || (size == 2500 && !losses.count);
        lost = lost || size == 700;
        cut = cut || (size > 700 && size < 2500);
        CHECK_INT(0, disk_state(place->disk).unflushed_files);
        disk_losses_done(&losses);
        mem_free(text);
        place_free(place);
    }
    CHECK(kept && lost && cut && blank);
}

TEST(overwritten_sectors_are_old_or_new)
{
    bool old = false, fresh = false, mixed = false;

    for (uint64_t seed = 0; seed < 100; seed++) {
        struct place *place = place_new(false);
        struct file *file = open_file(place, "a", FILE_CREATE);
        struct random random;
        char data[2048];
        int olds = 0;

        random_init(&random, seed);
        append(file, 2048, 'a');
        CHECK_INT(ERR_OK, file_sync(file, NULL));
        memset(data, 'b', sizeof(data));
        for (int i = 0; i < 2048; i += 64)
            CHECK_INT(ERR_OK, file_write(file, data, 64, i, NULL));
        file_close(file);
        disk_power_off(place->disk, &random, NULL);
        file = open_file(place, "a", FILE_READ);
        CHECK_INT(2048, file_size(file));
        CHECK_INT(ERR_OK, file_read(file, data, sizeof(data), 0, NULL));
        for (int sector = 0; sector < 4; sector++) {
            olds += data[sector * 512] == 'a';
            for (int i = 1; i < 512; i++)
                CHECK_INT(data[sector * 512], data[sector * 512 + i]);
        }
        old = old || olds == 4;
        fresh = fresh || olds == 0;
        mixed = mixed || (olds > 0 && olds < 4);
        file_close(file);
        place_free(place);
    }
    CHECK(old && fresh && mixed);
}

TEST(a_cut_may_not_have_happened)
{
    bool whole = false, short_ = false;

    for (uint64_t seed = 0; seed < 30; seed++) {
        struct place *place = place_new(false);
        struct file *file = open_file(place, "a", FILE_CREATE);
        struct random random;
        char *text;

        random_init(&random, seed);
        append(file, 600, 'a');
        append(file, 600, 'b');
        CHECK_INT(ERR_OK, file_sync(file, NULL));
        CHECK_INT(ERR_OK, file_truncate(file, 600, NULL));
        file_close(file);
        disk_power_off(place->disk, &random, NULL);
        text = content(place, "a");
        whole = whole || strlen(text) == 1200;
        short_ = short_ || strlen(text) == 600;
        CHECK(strlen(text) == 600 || (strlen(text) == 1200 && text[599] == 'a' && text[600] == 'b' && text[1199] == 'b'));
        mem_free(text);
        place_free(place);
    }
    CHECK(whole && short_);
}

TEST(a_cut_is_settled_by_the_next_sync_on_its_disk)
{
    for (uint64_t seed = 0; seed < 30; seed++) {
        struct place *place = place_new(seed % 2);
        struct file *file = open_file(place, "a", FILE_CREATE), *other = open_file(place, "b", FILE_CREATE);
        struct random random;
        char *text;

        random_init(&random, seed);
        append(file, 600, 'a');
        append(file, 600, 'b');
        CHECK_INT(ERR_OK, file_sync(file, NULL));
        CHECK_INT(ERR_OK, file_truncate(file, 600, NULL));
        CHECK_INT(ERR_OK, file_sync(other, NULL));
        append(file, 600, 'c');
        file_close(file);
        file_close(other);
        disk_power_off(place->disk, &random, NULL);
        text = content(place, "a");
        CHECK(text && strlen(text) >= 600);
        CHECK(!strchr(text, 'b')); /* it does not come back where the new bytes were not flushed */
        mem_free(text);
        place_free(place);
    }
}

/* Names change in an order, and survive up to some point of it. */
TEST(changes_of_names_are_kept_up_to_some_point)
{
    bool seen[7] = { 0 };

    for (uint64_t seed = 0; seed < 200; seed++) {
        struct place *place = place_new(false);
        struct file *file = open_file(place, "old", FILE_CREATE);
        struct random random;
        char *old, *gone;
        int point;

        random_init(&random, seed);
        append(file, 3, 'o');
        file_close(file);
        file = open_file(place, "gone", FILE_CREATE);
        append(file, 3, 'g');
        CHECK_INT(ERR_OK, file_sync(file, NULL));
        file_close(file);
        file = open_file(place, "old", FILE_WRITE);
        CHECK_INT(ERR_OK, file_sync(file, NULL));
        file_close(file);
        CHECK_INT(0, disk_state(place->disk).unsettled_names);
        CHECK_INT(ERR_OK, fs_mkdir(place->fs, at(place, "folder"), NULL));
        file_close(open_file(place, "folder/new", FILE_CREATE));
        CHECK_INT(ERR_OK, fs_unlink(place->fs, at(place, "gone"), NULL));
        CHECK_INT(ERR_OK, fs_rename(place->fs, at(place, "folder/new"), at(place, "folder/newer"), NULL));
        CHECK_INT(ERR_OK, fs_rename(place->fs, at(place, "folder/newer"), at(place, "old"), NULL));
        CHECK_INT(ERR_OK, fs_remove_tree(place->fs, at(place, "folder"), NULL));
        CHECK_INT(6, disk_state(place->disk).unsettled_names);
        disk_power_off(place->disk, &random, NULL);
        old = content(place, "old");
        gone = content(place, "gone");
        point = !fs_exists(place->fs, at(place, "folder")) && !strcmp(old, "ooo") ? 0
              : fs_exists(place->fs, at(place, "folder/new"))   ? (gone ? 2 : 3)
              : fs_exists(place->fs, at(place, "folder/newer")) ? 4
              : !strcmp(old, "ooo")                             ? 1
              : fs_exists(place->fs, at(place, "folder"))       ? 5 : 6;
        seen[point] = true;
        CHECK_TEXT(point < 5 ? "ooo" : "", old);
        CHECK_TEXT(point < 3 ? "ggg" : NULL, gone);
        mem_free(old);
        mem_free(gone);
        place_free(place);
    }
    for (int i = 0; i < 7; i++)
        CHECK(seen[i]);
}

TEST(a_sync_settles_the_names_before_it)
{
    for (uint64_t seed = 0; seed < 30; seed++) {
        struct place *place = place_new(seed % 2);
        struct file *file;
        struct random random;
        char *text;

        random_init(&random, seed);
        CHECK_INT(ERR_OK, fs_mkdir(place->fs, at(place, "folder"), NULL));
        file = open_file(place, "folder/a", FILE_CREATE);
        append(file, 3, 'a');
        CHECK_INT(ERR_OK, file_sync(file, NULL));
        file_close(file);
        CHECK_INT(ERR_OK, fs_replace(place->fs, at(place, "checkpoint"), bytes_text("0\n0\n"), NULL));
        disk_power_off(place->disk, &random, NULL);
        text = content(place, "folder/a");
        CHECK_TEXT("aaa", text);
        mem_free(text);
        text = content(place, "checkpoint");
        CHECK(!text || !strcmp(text, "0\n0\n")); /* the rename may be gone, half a file never is there */
        mem_free(text);
        place_free(place);
    }
}

TEST(the_same_seed_takes_the_same)
{
    char *sums[2];

    for (int i = 0; i < 2; i++) {
        struct place *place = place_new(false);
        struct file *file = open_file(place, "a", FILE_CREATE);
        struct random random;

        random_init(&random, 12);
        CHECK_INT(ERR_OK, fs_sync_folder(place->fs, place->dir, NULL));
        for (int j = 0; j < 40; j++)
            append(file, 100, (char)('a' + j % 26));
        file_close(file);
        disk_power_off(place->disk, &random, NULL);
        sums[i] = content(place, "a");
        place_free(place);
    }
    CHECK(sums[0] && strlen(sums[0]) < 4000);
    CHECK_TEXT(sums[0], sums[1]);
    mem_free(sums[0]);
    mem_free(sums[1]);
}
