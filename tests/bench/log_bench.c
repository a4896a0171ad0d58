/* One log on the disk against the same bytes without one. Runs alternate and the best of each counts: the machine is noisy. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/base/mem.h"
#include "sim/base/queue.h"
#include "sim/base/random.h"
#include "sim/log/log.h"
#include "tests/bench/bench.h"

enum { BATCH_RECORDS = 150, RECORD_BYTES = 100, BATCHES = 12000, ROUNDS = 3, READ_BYTES = 1024 * 1024, SEGMENT_BYTES = 64 * 1024 * 1024 };
static const int64_t start_us = 1767225600000000;

struct lone {                           /* a log and what it lives in */
    struct queue *queue;
    struct fs *fs;
    struct random random;
    struct log_config config;
    struct log_env env;
    struct log_open how;
    char *dir;
    struct log *log;
};

static void lone_open(struct lone *lone, const char *folder, const char *name)
{
    struct reason reason = { "" };
    enum err err;

    *lone = (struct lone){ .queue = queue_new(start_us), .dir = mem_printf("%s/%s", folder, name) };
    lone->fs = fs_real(queue_clock(lone->queue), 0, false);
    random_init(&lone->random, 1);
    log_config_default(&lone->config, RELEASE_43);
    lone->config.segment_bytes = SEGMENT_BYTES;
    lone->env = (struct log_env){ .fs = lone->fs, .random = &lone->random, .release = RELEASE_43, .broker = 1 };
    lone->how = (struct log_open){ .dir = lone->dir, .topic = "bench", .config = &lone->config, .now_ms = start_us / 1000 };
    err = log_open(&lone->log, &lone->env, &lone->how, &reason);
    if (err)
        give_up(name, err, &reason);
}

static void lone_done(struct lone *lone)
{
    log_drop(lone->log);
    fs_free(lone->fs);
    queue_free(lone->queue);
    mem_free(lone->dir);
}

/* A batch as a producer sends it. */
static struct bytes make_batch(struct batch_builder *builder)
{
    uint8_t value[RECORD_BYTES];
    struct bytes out;
    struct reason reason = { "" };
    enum err err;

    memset(builder, 0, sizeof(*builder));
    batch_builder_init(builder, CODEC_NONE);
    for (int i = 0; i < BATCH_RECORDS; i++) {
        memset(value, 'a' + i % 26, sizeof(value));
        batch_builder_add(builder, start_us / 1000, (struct bytes){ 0 }, (struct bytes){ value, sizeof(value) }, NULL, 0);
    }
    err = batch_builder_finish(builder, &out, &reason);
    if (err)
        give_up("a batch", err, &reason);
    return out;
}

static double fill(struct lone *lone, struct bytes batch)
{
    struct buffer copy = { 0 };
    struct reason reason = { "" };
    double begin = seconds_now();

    for (int i = 0; i < BATCHES; i++) {
        struct log_appended out;
        enum err err;

        buffer_clear(&copy); /* as it comes from a socket, into a buffer of its own */
        buffer_put(&copy, batch.data, batch.size);
        err = log_append(lone->log, &(struct log_append){ .records = { copy.data, copy.size }, .origin = APPEND_CLIENT, .produce_version = 9,
                                                          .now_ms = start_us / 1000, .may_change = true }, &out, &reason);
        if (err)
            give_up("append", err, &reason);
    }
    buffer_done(&copy);
    return seconds_now() - begin;
}

static double fill_plain(const char *path, struct bytes batch)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    double begin = seconds_now();
    off_t at = 0;

    for (int i = 0; i < BATCHES; i++) {
        if (pwrite(fd, batch.data, batch.size, at) != (ssize_t)batch.size)
            give_up(path, ERR_KAFKA_STORAGE_ERROR, NULL);
        at += (off_t)batch.size;
    }
    begin = seconds_now() - begin;
    close(fd);
    return begin;
}

static double read_plain(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *piece = mem_zero(READ_BYTES);
    double begin = seconds_now();
    off_t at = 0;
    ssize_t got;

    while ((got = pread(fd, piece, READ_BYTES, at)) > 0)
        at += got;
    begin = seconds_now() - begin;
    mem_free(piece);
    close(fd);
    return begin;
}

static void keep_least(double *least, double value)
{
    if (!*least || value < *least)
        *least = value;
}

static void print_ratio(const char *what, double ours, double plain, size_t bytes)
{
    printf("    %-10s %6.3f s, plain %6.3f s: ratio %.2f (%.0f MB, batches of %d x %d B, best of %d)\n", what, ours, plain, ours / plain,
           (double)bytes / 1e6, BATCH_RECORDS, RECORD_BYTES, ROUNDS);
}

void bench_append(const char *folder)
{
    struct batch_builder builder;
    struct bytes batch = make_batch(&builder);
    char *path = mem_printf("%s/plain", folder);
    double ours = 0, plain = 0;

    for (int round = 0; round < ROUNDS; round++) {
        struct lone lone;
        char name[32];

        snprintf(name, sizeof(name), "bench-%d", round);
        lone_open(&lone, folder, name);
        keep_least(&ours, fill(&lone, batch));
        lone_done(&lone);
        keep_least(&plain, fill_plain(path, batch));
    }
    print_ratio("append", ours, plain, batch.size * BATCHES);
    batch_builder_done(&builder);
    mem_free(path);
}

static double read_log(struct lone *lone)
{
    char *piece = mem_zero(READ_BYTES);
    struct reason reason = { "" };
    double begin = seconds_now();
    int64_t offset = 0, end = log_end_offset(lone->log);

    while (offset < end) { /* as a consumer: a fetch begins at the record after the last whole batch of the one before */
        struct log_slice slice;
        struct batch last;
        size_t at = 0;
        enum err err = log_read(lone->log, offset, READ_BYTES, end, true, &slice, &reason);

        if (!err)
            err = file_read(slice.file, piece, (size_t)slice.size, slice.position, &reason);
        if (err)
            give_up("read", err, &reason);
        while (!batch_decode((struct bytes){ (uint8_t *)piece + at, (size_t)slice.size - at }, &last, NULL, NULL)) {
            at += (size_t)last.size_bytes;
            offset = last.last_offset + 1;
        }
        file_unpin(slice.file);
    }
    begin = seconds_now() - begin;
    mem_free(piece);
    return begin;
}

void bench_read(const char *folder)
{
    struct batch_builder builder;
    struct bytes batch = make_batch(&builder);
    char *path = mem_printf("%s/plain", folder);
    double ours = 0, plain = 0;
    struct lone lone;

    lone_open(&lone, folder, "bench-0");
    fill(&lone, batch);
    fill_plain(path, batch);
    for (int round = 0; round < ROUNDS; round++) {
        keep_least(&ours, read_log(&lone));
        keep_least(&plain, read_plain(path));
    }
    print_ratio("read", ours, plain, batch.size * BATCHES);
    lone_done(&lone);
    batch_builder_done(&builder);
    mem_free(path);
}

void bench_recovery(const char *folder)
{
    struct batch_builder builder;
    struct bytes batch = make_batch(&builder);
    char *path = mem_printf("%s/plain", folder);
    double ours = 0, plain = 0;
    struct reason reason = { "" };
    struct lone lone;

    lone_open(&lone, folder, "bench-0");
    fill(&lone, batch);
    fill_plain(path, batch);
    for (int round = 0; round < ROUNDS; round++) {
        double begin;
        enum err err;

        log_drop(lone.log); /* as after kill -9, and no checkpoint was written: all of it is looked at */
        begin = seconds_now();
        err = log_open(&lone.log, &lone.env, &lone.how, &reason);
        if (err || log_end_offset(lone.log) != (int64_t)BATCHES * BATCH_RECORDS)
            give_up("recovery", err, &reason);
        keep_least(&ours, seconds_now() - begin);
        keep_least(&plain, read_plain(path));
    }
    print_ratio("recovery", ours, plain, batch.size * BATCHES);
    lone_done(&lone);
    batch_builder_done(&builder);
    mem_free(path);
}
