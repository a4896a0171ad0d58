/* Files: the same promises on a disk and in memory. */
#include "sim/base/files.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/base/mem.h"
#include "sim/base/random.h"
#include "sim/base/text.h"
#include "tests/harness.h"

static const int64_t START = 1767225600000000; /* 2026-01-01 */

struct place {
    struct fs *fs;
    int64_t now_us;
    char dir[64];
    struct reason reason;
    char path[4][256];
    int next;
};

static struct place *place_new(bool real, size_t most_open)
{
    struct place *place = mem_zero(sizeof(*place));

    place->now_us = START;
    strcpy(place->dir, real ? "/tmp/files-test-XXXXXX" : "/lab");
    if (real)
        CHECK(mkdtemp(place->dir) != NULL);
    place->fs = real ? fs_real(&place->now_us, most_open, false) : fs_memory(&place->now_us);
    CHECK_INT(ERR_OK, fs_mkdir(place->fs, place->dir, &place->reason));
    return place;
}

static void place_free(struct place *place)
{
    CHECK_INT(ERR_OK, fs_remove_tree(place->fs, place->dir, &place->reason));
    CHECK(!fs_exists(place->fs, place->dir));
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

    if (fs_open(place->fs, at(place, name), flags, &file, &place->reason))
        print_error("%s\n", place->reason.text);
    CHECK(file != NULL);
    return file;
}

static void put(struct file *file, const char *text)
{
    CHECK_INT(ERR_OK, file_append(file, text, strlen(text), NULL));
}

static void check_bytes(struct file *file, const char *expected)
{
    char data[256] = "";

    CHECK_INT(strlen(expected), file_size(file));
    CHECK_INT(ERR_OK, file_read(file, data, (size_t)file_size(file), 0, NULL));
    CHECK_TEXT(expected, data);
}

static void check_list(struct place *place, const char *folder, const char *expected)
{
    struct fs_names names;
    char all[512] = "";

    CHECK_INT(ERR_OK, fs_list(place->fs, folder, &names, &place->reason));
    for (size_t i = 0; i < names.count; i++)
        strcat(strcat(all, i ? " " : ""), names.names[i]);
    CHECK_TEXT(expected, all);
    fs_names_free(&names);
}

#define ON_BOTH(name)                                    \
    static void name(struct place *place);               \
    TEST(name##_on_disk)                                 \
    {                                                    \
        struct place *place = place_new(true, 0);        \
        name(place);                                     \
        place_free(place);                               \
    }                                                    \
    TEST(name##_in_memory)                               \
    {                                                    \
        struct place *place = place_new(false, 0);       \
        name(place);                                     \
        place_free(place);                               \
    }                                                    \
    static void name(struct place *place)

ON_BOTH(bytes_written_are_read_back)
{
    struct file *file = open_file(place, "a", FILE_NEW);
    char data[16] = "";
    size_t got;

    put(file, "hello");
    put(file, " world");
    check_bytes(file, "hello world");
    CHECK_INT(ERR_OK, file_write(file, "J", 1, 0, NULL));
    CHECK_INT(ERR_OK, file_read_some(file, data, sizeof(data), 6, &got, NULL));
    CHECK_INT(5, got);
    CHECK_TEXT("world", data);
    CHECK_INT(ERR_OK, file_read_some(file, data, sizeof(data), 11, &got, NULL));
    CHECK_INT(0, got);
    CHECK_INT(ERR_KAFKA_STORAGE_ERROR, file_read(file, data, 12, 0, &place->reason));
    CHECK(strstr(place->reason.text, at(place, "a")) != NULL);
    CHECK_INT(ERR_OK, file_truncate(file, 3, NULL));
    check_bytes(file, "Jel");
    CHECK_INT(ERR_OK, file_write(file, "x", 1, 5, NULL)); /* a hole of two */
    CHECK_INT(ERR_OK, file_read(file, data, 6, 0, NULL));
    CHECK_HEX("4a 65 6c 00 00 78", data, 6);
    file_close(file);
    file_close(NULL);
    file = open_file(place, "a", FILE_READ);
    CHECK_INT(6, file_size(file));
    file_close(file);
}

ON_BOTH(opening_says_what_is_wrong)
{
    struct file *file, *again;

    CHECK_INT(ERR_KAFKA_STORAGE_ERROR, fs_open(place->fs, at(place, "none"), FILE_READ, &file, &place->reason));
    CHECK(file == NULL);
    CHECK_INT(ENOENT, fs_errno(place->fs));
    CHECK(strstr(place->reason.text, "none: No such file or directory") != NULL);
    CHECK_INT(ERR_KAFKA_STORAGE_ERROR, fs_open(place->fs, at(place, "no/folder"), FILE_CREATE, &file, NULL));
    CHECK_INT(ENOENT, fs_errno(place->fs));
    CHECK_INT(ERR_KAFKA_STORAGE_ERROR, fs_open(place->fs, place->dir, FILE_READ, &file, NULL));
    CHECK_INT(EISDIR, fs_errno(place->fs));
    file = open_file(place, "a", FILE_CREATE);
    CHECK_INT(ERR_KAFKA_STORAGE_ERROR, fs_open(place->fs, at(place, "a"), FILE_NEW, &again, NULL));
    CHECK_INT(EEXIST, fs_errno(place->fs));
    put(file, "shared");
    again = open_file(place, "a", FILE_READ);
    check_bytes(again, "shared");
    file_close(again);
    put(file, "!");
    file_close(file);
    again = open_file(place, "a", FILE_READ);
    file = open_file(place, "a", FILE_WRITE); /* a second that may write, while one that may not is open */
    put(file, "?");
    check_bytes(again, "shared!?");
    file_close(file);
    file_close(again);
    CHECK_INT(ERR_KAFKA_STORAGE_ERROR, fs_open(place->fs, at(place, "a/b"), FILE_CREATE, &file, NULL));
    CHECK_INT(ENOTDIR, fs_errno(place->fs));
}

ON_BOTH(folders_are_made_listed_and_removed)
{
    for (const char *const *p = (const char *[]){ "x/y/b", "x/y/a", "x/y/B", "x/z", NULL }; *p; p++) {
        CHECK_INT(ERR_OK, fs_mkdir(place->fs, at(place, "x/y"), NULL));
        file_close(open_file(place, *p, FILE_NEW));
    }
    check_list(place, at(place, "x"), "y z");
    check_list(place, at(place, "x/y/"), "B a b");
    CHECK_INT(ERR_KAFKA_STORAGE_ERROR, fs_mkdir(place->fs, at(place, "x/z"), NULL));
    CHECK_INT(ERR_OK, fs_unlink(place->fs, at(place, "x/y/a"), NULL));
    CHECK_INT(ERR_OK, fs_unlink(place->fs, at(place, "x/y/a"), NULL));
    CHECK_INT(ERR_KAFKA_STORAGE_ERROR, fs_unlink(place->fs, at(place, "x/y"), NULL));
    check_list(place, at(place, "./x/../x/y"), "B b");
    CHECK_INT(ERR_OK, fs_remove_tree(place->fs, at(place, "x"), NULL));
    CHECK_INT(ERR_OK, fs_remove_tree(place->fs, at(place, "x"), NULL));
    check_list(place, place->dir, "");
    CHECK_INT(ERR_OK, fs_mkdir(place->fs, at(place, "x"), NULL)); /* a new one, nothing of the old is known */
    check_list(place, at(place, "x"), "");
    struct fs_names names;
    CHECK_INT(ERR_KAFKA_STORAGE_ERROR, fs_list(place->fs, at(place, "none"), &names, &place->reason));
}

ON_BOTH(handles_follow_renames)
{
    struct file *file, *other;

    CHECK_INT(ERR_OK, fs_mkdir(place->fs, at(place, "t-0/deep"), NULL));
    file = open_file(place, "t-0/deep/1.log", FILE_NEW);
    put(file, "one");
    CHECK_TEXT(at(place, "t-0/deep/1.log"), file_path(file));
    CHECK_INT(ERR_OK, fs_rename(place->fs, at(place, "t-0/deep/1.log"), at(place, "t-0/deep/1.log.deleted"), NULL));
    CHECK_TEXT(at(place, "t-0/deep/1.log.deleted"), file_path(file));
    CHECK_INT(ERR_OK, fs_rename(place->fs, at(place, "t-0"), at(place, "t-0-delete"), NULL));
    CHECK_TEXT(at(place, "t-0-delete/deep/1.log.deleted"), file_path(file));
    put(file, " two");
    check_bytes(file, "one two");
    CHECK(!fs_exists(place->fs, at(place, "t-0")));
    CHECK(fs_exists(place->fs, at(place, "t-0-delete/deep/1.log.deleted")));
    check_list(place, at(place, "t-0-delete/deep"), "1.log.deleted");
    CHECK_INT(ERR_OK, fs_mkdir(place->fs, at(place, "t-0"), NULL));
    other = open_file(place, "t-0/new", FILE_NEW);
    CHECK_INT(ERR_OK, fs_rename(place->fs, at(place, "t-0/new"), at(place, "t-0-delete/deep/1.log.deleted"), NULL)); /* over it */
    put(other, "new");
    check_bytes(file, "one two");
    CHECK_TEXT(at(place, "t-0-delete/deep/1.log.deleted"), file_path(other));
    file_close(file);
    check_bytes(other, "new");
    file_close(other);
    CHECK_INT(ERR_KAFKA_STORAGE_ERROR, fs_rename(place->fs, at(place, "none"), at(place, "x"), &place->reason));
    CHECK_INT(ENOENT, fs_errno(place->fs));
    CHECK_INT(ERR_KAFKA_STORAGE_ERROR, fs_rename(place->fs, at(place, "t-0"), at(place, "t-0/below"), NULL));
    CHECK_INT(ERR_KAFKA_STORAGE_ERROR, fs_rename(place->fs, at(place, "t-0"), at(place, "t-0-delete"), NULL));
    CHECK_INT(ENOTEMPTY, fs_errno(place->fs));
    CHECK_INT(ERR_OK, fs_rename(place->fs, at(place, "t-0"), at(place, "t-0"), NULL));
}

ON_BOTH(pinned_bytes_outlive_their_name)
{
    struct file *file = open_file(place, "a", FILE_NEW), *pin, *new;

    put(file, "still here");
    pin = file_pin(file_pin(file));
    file_close(file);
    CHECK_INT(ERR_OK, fs_rename(place->fs, at(place, "a"), at(place, "a.deleted"), NULL));
    CHECK_INT(ERR_OK, fs_unlink(place->fs, at(place, "a.deleted"), NULL));
    check_list(place, place->dir, "");
    new = open_file(place, "a", FILE_NEW);
    put(new, "another");
    check_bytes(pin, "still here");
    CHECK_TEXT(at(place, "a.deleted"), file_path(pin));
    file_unpin(pin);
    check_bytes(pin, "still here");
    file_unpin(pin);
    check_bytes(new, "another");
    file_pin(new);
    file_close(new);
    pin = open_file(place, "a", FILE_READ); /* opened again while only pinned */
    check_bytes(pin, "another");
    file_close(pin);
    file_unpin(new);
}

ON_BOTH(mtime_is_the_virtual_clock_s)
{
    struct file *file = open_file(place, "a", FILE_NEW);
    struct file_stat stat;

    put(file, "x");
    place->now_us += 5000123;
    CHECK_INT(ERR_OK, fs_stat(place->fs, at(place, "a"), &stat));
    CHECK_INT(START, stat.mtime_us);
    put(file, "y");
    CHECK_INT(ERR_OK, fs_stat(place->fs, at(place, "a"), &stat));
    CHECK_INT(START + 5000123, stat.mtime_us);
    CHECK_INT(2, stat.size);
    CHECK(!stat.folder);
    CHECK_INT(ERR_OK, fs_rename(place->fs, at(place, "a"), at(place, "b"), NULL));
    CHECK_INT(ERR_OK, fs_stat(place->fs, at(place, "b"), &stat));
    CHECK_INT(START + 5000123, stat.mtime_us);
    fs_set_mtime(place->fs, at(place, "b"), START + 7);
    file_close(file);
    CHECK_INT(ERR_OK, fs_stat(place->fs, at(place, "b"), &stat));
    CHECK_INT(START + 7, stat.mtime_us);
    CHECK_INT(ERR_OK, fs_stat(place->fs, place->dir, &stat));
    CHECK(stat.folder);
    CHECK_INT(START + 5000123, stat.mtime_us); /* of the rename */
    CHECK_INT(ERR_UNKNOWN_SERVER_ERROR, fs_stat(place->fs, at(place, "a"), &stat));
}

ON_BOTH(a_file_is_replaced_whole)
{
    struct buffer all = { 0 };

    CHECK_INT(ERR_UNKNOWN_SERVER_ERROR, fs_read_all(place->fs, at(place, "c"), 100, &all, NULL));
    for (int i = 0; i < 3; i++) {
        place->now_us += 1000000;
        CHECK_INT(ERR_OK, fs_replace(place->fs, at(place, "c"), bytes_text(i == 1 ? "longer text" : "short"), NULL));
        check_list(place, place->dir, "c");
    }
    CHECK_INT(ERR_OK, fs_read_all(place->fs, at(place, "c"), 5, &all, NULL));
    CHECK_HEX("73 68 6f 72 74", all.data, all.size);
    CHECK_INT(ERR_KAFKA_STORAGE_ERROR, fs_read_all(place->fs, at(place, "c"), 4, &all, &place->reason));
    CHECK_INT(ERR_OK, fs_replace(place->fs, at(place, "c"), (struct bytes){ 0 }, NULL));
    CHECK_INT(ERR_OK, fs_read_all(place->fs, at(place, "c"), 4, &all, NULL));
    CHECK_INT(0, all.size);
    CHECK_INT(4, fs_counts(place->fs).syncs);
    CHECK_INT(ERR_KAFKA_STORAGE_ERROR, fs_replace(place->fs, at(place, "none/c"), bytes_text("x"), NULL));
    buffer_done(&all);
}

ON_BOTH(a_hole_costs_nothing)
{
    struct file *file = open_file(place, "i", FILE_NEW);
    struct file_stat stat;
    uint8_t data[8];

    CHECK_INT(ERR_OK, file_truncate(file, 10485760, NULL));
    CHECK_INT(ERR_OK, file_write(file, "12345678", 8, 0, NULL));
    CHECK_INT(ERR_OK, fs_stat(place->fs, at(place, "i"), &stat));
    CHECK_INT(10485760, stat.size);
    CHECK_INT(4096, stat.allocated);
    CHECK_INT(ERR_OK, file_read(file, data, 8, 4, NULL));
    CHECK_HEX("35 36 37 38 00 00 00 00", data, 8);
    CHECK_INT(ERR_OK, file_read(file, data, 8, 10485752, NULL));
    CHECK_HEX("00 00 00 00 00 00 00 00", data, 8);
    CHECK_INT(ERR_OK, file_truncate(file, 4, NULL));
    CHECK_INT(ERR_OK, file_truncate(file, 8, NULL)); /* what was cut off does not come back */
    CHECK_INT(ERR_OK, file_read(file, data, 8, 0, NULL));
    CHECK_HEX("31 32 33 34 00 00 00 00", data, 8);
    file_close(file);
}

TEST(bytes_in_memory_lie_open)
{
    struct place *place = place_new(false, 0);
    struct file *file = open_file(place, "i", FILE_NEW);
    struct file_stat stat;

    CHECK(file_bytes(file) != NULL);
    put(file, "abc");
    CHECK_INT(ERR_OK, file_truncate(file, 1 << 20, NULL));
    CHECK_HEX("61 62 63 00", file_bytes(file), 4);
    CHECK_INT(0, file_bytes(file)[(1 << 20) - 1]);
    CHECK_INT(ERR_OK, file_write(file, "d", 1, 100000, NULL));
    CHECK_INT('d', file_bytes(file)[100000]);
    CHECK_INT(ERR_OK, file_truncate(file, 100000, NULL));
    CHECK_INT(ERR_OK, file_truncate(file, 200000, NULL));
    CHECK_INT(0, file_bytes(file)[100000]);
    CHECK_INT('c', file_bytes(file)[2]);
    CHECK_INT(-1, file_descriptor(file, NULL));
    CHECK_INT(ERR_OK, fs_stat(place->fs, at(place, "i"), &stat));
    CHECK(stat.allocated <= 102400);
    file_close(file);
    place_free(place);
}

TEST(many_handles_need_few_descriptors)
{
    struct place *place = place_new(true, 3);
    struct file *files[50];
    char name[16], data[16], path[64];
    int open_now = 0;

    for (int i = 0; i < 50; i++) {
        snprintf(name, sizeof(name), "f%d", i);
        files[i] = open_file(place, name, FILE_NEW);
        put(files[i], name);
    }
    for (int fd = 0; fd < 256; fd++) {
        ssize_t size;

        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        size = readlink(path, data, sizeof(data));
        open_now += size > 11 && !memcmp(data, "/tmp/files-", 11);
    }
    CHECK_INT(3, open_now);
    file_pin(files[7]);
    CHECK_INT(ERR_OK, fs_unlink(place->fs, at(place, "f7"), NULL));
    for (int i = 49; i >= 0; i--) {
        memset(data, 0, sizeof(data));
        CHECK_INT(ERR_OK, file_read(files[i], data, (size_t)file_size(files[i]), 0, NULL));
        snprintf(name, sizeof(name), "f%d", i);
        CHECK_TEXT(name, data);
    }
    CHECK(file_descriptor(files[7], NULL) >= 0);
    CHECK(file_descriptor(files[30], NULL) >= 0);
    for (int i = 0; i < 50; i++)
        file_close(files[i]);
    file_unpin(files[7]);
    place_free(place);
}

TEST(virtual_times_reach_the_disk_when_settled)
{
    struct place *place = place_new(true, 0);
    struct file *file = open_file(place, "a", FILE_NEW);
    struct stat system;
    struct fs *later;
    struct file_stat seen;

    put(file, "x");
    CHECK_INT(0, stat(at(place, "a"), &system));
    CHECK(system.st_mtim.tv_sec != START / 1000000);
    place->now_us += 1234;
    put(file, "y");
    fs_settle(place->fs);
    CHECK_INT(0, stat(at(place, "a"), &system));
    CHECK_INT(START / 1000000, system.st_mtim.tv_sec);
    CHECK_INT(1234000, system.st_mtim.tv_nsec);
    CHECK_INT(0, stat(place->dir, &system));
    CHECK_INT(START / 1000000, system.st_mtim.tv_sec);
    CHECK_INT(0, stat("/tmp", &system)); /* not ours */
    CHECK(system.st_mtim.tv_sec != START / 1000000);
    place->now_us += 1000000;
    put(file, "z");
    file_close(file); /* settles it */
    later = fs_real(&place->now_us, 0, false);
    CHECK_INT(ERR_OK, fs_stat(later, at(place, "a"), &seen));
    CHECK_INT(START + 1001234, seen.mtime_us);
    fs_free(later);
    place_free(place);
}

TEST(a_link_is_removed_and_not_what_it_points_at)
{
    struct place *place = place_new(true, 0);

    CHECK_INT(ERR_OK, fs_mkdir(place->fs, at(place, "keep"), NULL));
    CHECK_INT(ERR_OK, fs_mkdir(place->fs, at(place, "go"), NULL));
    file_close(open_file(place, "keep/a", FILE_NEW));
    CHECK_INT(0, symlink(at(place, "keep"), at(place, "go/link")));
    CHECK_INT(ERR_OK, fs_remove_tree(place->fs, at(place, "go"), NULL));
    check_list(place, place->dir, "keep");
    check_list(place, at(place, "keep"), "a");
    place_free(place);
}

TEST(relative_paths_stay_relative)
{
    int64_t now = START;
    struct fs *fs = fs_memory(&now);
    struct file *file;

    CHECK_INT(ERR_OK, fs_mkdir(fs, "a/b", NULL));
    CHECK_INT(ERR_OK, fs_open(fs, "a/b/c", FILE_NEW, &file, NULL));
    CHECK_TEXT("a/b/c", file_path(file));
    file_close(file);
    fs_free(fs);
}

TEST(what_is_no_file_is_not_opened)
{
    int64_t now = START;
    struct fs *fs = fs_real(&now, 0, false);
    struct file *file;

    CHECK_INT(ERR_KAFKA_STORAGE_ERROR, fs_open(fs, "/dev/null", FILE_READ, &file, NULL));
    CHECK_INT(EINVAL, fs_errno(fs));
    fs_free(fs);
}

TEST(of_a_write_that_found_no_room_nothing_stays)
{
    struct place *place = place_new(true, 0);
    struct file *file = open_file(place, "a", FILE_NEW);
    struct rlimit before, small;
    struct stat system;
    char data[80] = "";

    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    small = (struct rlimit){ 100, before.rlim_max };
    setrlimit(RLIMIT_FSIZE, &small);
    CHECK_INT(ERR_OK, file_append(file, data, 80, NULL));
    enum err err = file_append(file, data, 40, &place->reason); /* 20 of it fit */
    setrlimit(RLIMIT_FSIZE, &before);
    CHECK_INT(ERR_KAFKA_STORAGE_ERROR, err);
    CHECK_INT(EFBIG, fs_errno(place->fs));
    CHECK(strstr(place->reason.text, "File too large") != NULL);
    CHECK_INT(80, file_size(file));
    CHECK_INT(0, stat(at(place, "a"), &system));
    CHECK_INT(80, system.st_size);
    put(file, "goes on");
    CHECK_INT(87, file_size(file));
    file_close(file);
    place_free(place);
}

TEST(a_big_file_in_memory_keeps_every_byte)
{
    struct place *place = place_new(false, 0);
    struct file *file = open_file(place, "big", FILE_NEW);
    uint8_t data[10007];

    for (int i = 0; i < 400; i++) { /* 4 MB, over the border between small and big pieces */
        memset(data, i, sizeof(data));
        CHECK_INT(ERR_OK, file_append(file, data, sizeof(data), NULL));
    }
    for (int i = 0; i < 400; i++) {
        CHECK_INT(ERR_OK, file_read(file, data, sizeof(data), i * 10007, NULL));
        CHECK(data[0] == (uint8_t)i && data[10006] == (uint8_t)i);
    }
    CHECK_INT(ERR_OK, file_truncate(file, 20000, NULL)); /* back to a small piece */
    CHECK_INT(ERR_OK, file_truncate(file, 3000000, NULL));
    CHECK_INT(ERR_OK, file_read(file, data, sizeof(data), 15000, NULL));
    CHECK(data[4999] == 1 && data[5000] == 0);
    CHECK_INT(0, file_bytes(file)[2999999]);
    file_close(file);
    place_free(place);
}

/* The same random life on a disk and in memory must look the same. */
static void live(struct place *place, uint64_t seed, struct text *story)
{
    static const char *const names[] = { "a", "b", "d", "d/a", "d/b", "e", "e/a", "d/f", "d/f/a" };
    struct file *files[4] = { 0 };
    struct random random;

    random_init(&random, seed);
    for (int step = 0; step < 300; step++) {
        const char *name = names[random_below(&random, 9)], *other = names[random_below(&random, 9)];
        struct file **file = &files[random_below(&random, 4)];
        size_t size = random_below(&random, 9), position = random_below(&random, 40);
        uint64_t action = random_below(&random, 12);
        enum err err = ERR_OK;
        struct file_stat stat;

        place->now_us += 1000;
        if (action == 0)
            err = fs_mkdir(place->fs, at(place, name), NULL);
        else if (action == 1)
            err = fs_rename(place->fs, at(place, name), at(place, other), NULL);
        else if (action == 2)
            err = fs_unlink(place->fs, at(place, name), NULL);
        else if (action == 3 && random_below(&random, 4) == 0)
            err = fs_remove_tree(place->fs, at(place, name), NULL);
        else if (action == 4 && !err)
            err = fs_replace(place->fs, at(place, name), bytes_text(other), NULL);
        else if (action <= 6 && !*file)
            err = fs_open(place->fs, at(place, name), (int)random_below(&random, 8) | FILE_WRITE, file, NULL);
        else if (action == 7)
            file_close(*file), *file = NULL;
        else if (action == 8 && *file)
            err = file_truncate(*file, (int64_t)position, NULL);
        else if (action == 9 && *file)
            err = file_write(*file, "123456789", size, (int64_t)position, NULL);
        else if (*file)
            err = file_append(*file, "abcdefghi", size, NULL);
        text_printf(story, "%d: %d %s %d\n", step, (int)action, name, err);
        if (err && fs_errno(place->fs) != ENOENT && fs_errno(place->fs) != ENOTDIR)
            text_printf(story, "  %s\n", strerror(fs_errno(place->fs)));
        if (!fs_stat(place->fs, at(place, other), &stat))
            text_printf(story, "  %s %lld %d %lld\n", other, stat.folder ? 0 : (long long)stat.size, stat.folder,
                        stat.folder ? 0 : (long long)stat.mtime_us);
        if (*file) {
            char data[128];
            size_t got;

            CHECK_INT(ERR_OK, file_read_some(*file, data, sizeof(data), 0, &got, NULL));
            text_printf(story, "  %s ", file_path(*file) + strlen(place->dir));
            text_escaped(story, (struct bytes){ (uint8_t *)data, got });
            text_char(story, '\n');
        }
    }
    for (int i = 0; i < 4; i++)
        file_close(files[i]);
}

TEST(a_disk_and_memory_live_the_same_life)
{
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct place *disk = place_new(true, 1 + seed % 3), *memory = place_new(false, 0);
        struct text a = { 0 }, b = { 0 };

        live(disk, seed, &a);
        live(memory, seed, &b);
        size_t same = 0; /* a failure shows where they part */

        while (same < a.size && a.data[same] == text_chars(&b)[same])
            same++;
        same -= same < 60 ? same : 60;
        CHECK_TEXT(text_chars(&a) + same, text_chars(&b) + same);
        text_done(&a);
        text_done(&b);
        place_free(disk);
        place_free(memory);
    }
}

TEST(thirty_thousand_files_are_quick)
{
    struct place *place = place_new(false, 0);
    struct fs_names names;
    char name[64];

    for (int i = 0; i < 10000; i++) {
        snprintf(name, sizeof(name), "t-%d", i);
        CHECK_INT(ERR_OK, fs_mkdir(place->fs, at(place, name), NULL));
        for (int j = 0; j < 3; j++) {
            snprintf(name, sizeof(name), "t-%d/%d.log", i, j);
            file_close(open_file(place, name, FILE_NEW));
        }
    }
    for (int i = 0; i < 10000; i++) {
        snprintf(name, sizeof(name), "t-%d", i);
        CHECK_INT(ERR_OK, fs_list(place->fs, at(place, name), &names, NULL));
        CHECK_INT(3, names.count);
        fs_names_free(&names);
    }
    place_free(place);
}
