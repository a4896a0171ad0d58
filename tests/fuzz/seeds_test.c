/* Each target over its seeds, whole, and over a few that are damaged the same way every time. */
#include "sim/base/random.h"
#include "tests/fuzz/fuzz.h"
#include "tests/harness.h"

struct replay {
    const struct target *target;
    struct random random;
    int count, every;     /* of many seeds each so-manieth */
    int damaged;
};

static void damage(struct random *random, uint8_t *data, size_t *size)
{
    for (uint64_t n = 1 + random_below(random, 4); n > 0 && *size > 1; n--) {
        size_t at = (size_t)random_below(random, *size);

        switch (random_below(random, 5)) {
        case 0: data[at] ^= (uint8_t)(1 << random_below(random, 8)); break;
        case 1: data[at] = (uint8_t)random_u64(random); break;
        case 2: data[at] = random_below(random, 2) ? 0xff : 0x7f; break;
        case 3: data[at] = 0x80; break;
        default: *size = at; break;
        }
    }
}

static void replay_one(void *context, struct bytes seed)
{
    struct replay *replay = context;

    if (replay->count++ % replay->every)
        return;
    for (int round = 0; round <= replay->damaged; round++) {
        /* Bytes of their own, so that a sanitizer sees a read past their end. */
        uint8_t *copy = mem_alloc(seed.size);
        size_t size = seed.size;

        if (size)
            memcpy(copy, seed.data, size);
        if (round)
            damage(&replay->random, copy, &size);
        replay->target->run((struct bytes){ copy, size });
        mem_free(copy);
    }
}

static void replay_target(const char *name, int every, int damaged)
{
    struct replay replay = { .target = target_find(name), .every = every, .damaged = damaged };

    random_init(&replay.random, 11);
    replay.target->seeds(replay_one, &replay);
    replay.every = 1;
    target_findings(replay.target, replay_one, &replay);
    CHECK(replay.count > 0);
}

TEST(messages_from_anybody) { replay_target("messages", 1, 8); }
TEST(requests_from_anybody) { replay_target("requests", 7, 2); }
TEST(batches_from_anybody) { replay_target("batches", 1, 20); }
TEST(partition_folders_from_anybody) { replay_target("partition", 1, 20); }
TEST(internal_records_from_anybody) { replay_target("records", 1, 8); }
TEST(files_of_partitions_from_anybody) { replay_target("dump", 1, 8); }
TEST(labs_damaged_while_closed) { replay_target("reopen", 1, 2); }
TEST(answers_from_anybody) { replay_target("answers", 1, 4); }
TEST(recordings_from_anybody) { replay_target("replay", 1, 10); }
TEST(shell_lines_from_anybody) { replay_target("language", 1, 20); }
TEST(lessons_from_anybody) { replay_target("lesson", 1, 100); }
TEST(control_frames_from_anybody) { replay_target("control", 1, 100); }
TEST(texts_from_anybody) { replay_target("texts", 1, 50); }
