/* Fuzz targets: each takes any bytes for what comes from outside, and must neither fall, hang nor contradict itself. The same functions run
 * under libFuzzer (`make fuzz`) and as plain loops over their seeds in `make test` (seeds_test.c). */
#pragma once
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/bytes.h"
#include "sim/base/mem.h"
#include "sim/base/text.h"
#include "sim/wire/wire.h"

typedef void seed_fn(void *context, struct bytes seed);
struct target {
    const char *name;
    void (*run)(struct bytes input);
    void (*seeds)(seed_fn *give, void *context); /* made from tests/golden, always the same */
};
#define TARGET(name_) extern const struct target target_##name_;
#include "tests/fuzz/targets.def"
#undef TARGET
const struct target *target_find(const char *name);  /* NULL: none */
size_t target_count(void);
const struct target *target_at(size_t i);

/* Inputs under which a target once failed: tests/fuzz/findings/TARGET-what. */
void target_findings(const struct target *target, seed_fn *give, void *context);

/* What must hold whatever the input is. */
#define HOLDS(condition) ((condition) ? (void)0 : broken(#condition, __FILE__, __LINE__))
void broken(const char *what, const char *file, int line) __attribute__((noreturn));

/* A fixture, the caller's; size 0 if it is missing. */
struct buffer golden(const char *name);
/* Each file below a folder of tests/golden, by name. */
void golden_each(const char *folder, void (*fn)(void *context, const char *path, struct bytes bytes), void *context);
/* Each line of golden/wire/messages.txt: bytes of a message as Kafka's classes write them. */
void golden_messages(void (*fn)(void *context, const char *name, int16_t version, struct bytes body), void *context);

/* Inputs of several parts: a part is its size in two bytes and so many bytes; the last may be short. */
bool next_part(struct reader *reader, struct bytes *out);
void put_part(struct buffer *out, struct bytes part);

/* A cluster in memory behind a wire, small and quick. */
struct fuzz_lab {
    struct queue *queue;
    struct fs *fs;
    struct random random;
    struct journal *journal;
    struct config_map settings;
    struct cluster *cluster;   /* NULL: it did not open */
    struct wire *wire;
    struct timers timers;
};
void fuzz_lab_init(struct fuzz_lab *lab, enum release release);
enum err fuzz_lab_open(struct fuzz_lab *lab, enum release release, int32_t brokers); /* or reopen */
void fuzz_lab_drop(struct fuzz_lab *lab);  /* as kill -9; the files stay */
void fuzz_lab_done(struct fuzz_lab *lab);
/* Runs at most `events` events, none later than `us` from now. */
void fuzz_lab_run(struct fuzz_lab *lab, int events, int64_t us);
/* A topic "students" with records: what hostile requests find. */
void fuzz_lab_fill(struct fuzz_lab *lab);
