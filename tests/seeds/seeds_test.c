/* Random histories of both releases, those that failed once, and the machinery around them. */
#include <stdio.h>

#include "tests/harness.h"
#include "tests/seeds/shrink.h"

enum { SEEDS = 90, THRICE = 8 };       /* of each release; so many of them in other steps and from their recording too */

static void check_play(const struct play *play, const char *name, const char *command)
{
    if (!play->failure.checker)
        return;
    print_error("%s: %s: %s\nagain: build/seeds %s\n", name, play->failure.checker, play->failure.text, command);
    fail();
}

static void play_seeds(uint64_t first, uint64_t count, bool thrice)
{
    for (uint64_t seed = first; seed < first + 2 * count; seed += 2) {
        struct history history;
        struct play play = { 0 };
        char name[32], command[64];

        history_generate(&history, seed);
        if (thrice)
            play_thrice(&history, &play);
        else
            play_history(&history, &play);
        snprintf(name, sizeof(name), "seed %llu", (unsigned long long)seed);
        snprintf(command, sizeof(command), "--seed %llu", (unsigned long long)seed);
        check_play(&play, name, command);
        history_done(&history);
        play_done(&play);
    }
}

TEST(random_histories_of_2_7_keep_what_kafka_promises) { play_seeds(1, SEEDS - THRICE, false); }
TEST(random_histories_of_4_3_keep_what_kafka_promises) { play_seeds(2, SEEDS - THRICE, false); }
TEST(random_histories_of_2_7_are_the_same_in_other_steps_and_from_their_recording) { play_seeds(1 + 2 * (SEEDS - THRICE), THRICE, true); }
TEST(random_histories_of_4_3_are_the_same_in_other_steps_and_from_their_recording) { play_seeds(2 + 2 * (SEEDS - THRICE), THRICE, true); }

static char *read_text(struct fs *fs, const char *path)
{
    struct buffer bytes = { 0 };
    char *text;

    CHECK_INT(ERR_OK, fs_read_all(fs, path, 1 << 20, &bytes, NULL));
    text = mem_text_size((const char *)bytes.data, bytes.size);
    buffer_done(&bytes);
    return text;
}

TEST(histories_that_failed_once)
{
    static const int64_t clock;
    struct fs *fs = fs_real(&clock, 4, false);
    struct fs_names names;

    CHECK_INT(ERR_OK, fs_list(fs, "tests/seeds/histories", &names, NULL));
    CHECK(names.count > 10);
    for (size_t i = 0; i < names.count; i++) {
        char *path = mem_printf("tests/seeds/histories/%s", names.names[i]), *command = mem_printf("--play %s", path), *text = read_text(fs, path);
        struct history history;
        struct play play = { 0 };
        struct reason reason = { "" };

        if (history_parse(&history, text, &reason))
            fail_msg("%s: %s", path, reason.text);
        play_history(&history, &play);
        check_play(&play, path, command);
        play_done(&play);
        history_done(&history);
        mem_free(text);
        mem_free(command);
        mem_free(path);
    }
    fs_names_free(&names);
    fs_free(fs);
}

TEST(a_history_is_read_as_it_is_printed)
{
    for (uint64_t seed = 1; seed < 30; seed++) {
        struct history history, again;
        struct text printed = { 0 }, printed_again = { 0 };

        history_generate(&history, seed);
        history_print(&history, &printed);
        CHECK_INT(ERR_OK, history_parse(&again, text_chars(&printed), NULL));
        history_print(&again, &printed_again);
        CHECK_TEXT(text_chars(&printed), text_chars(&printed_again));
        text_done(&printed);
        text_done(&printed_again);
        history_done(&history);
        history_done(&again);
    }
}

TEST(what_is_no_line_of_a_history_is_named)
{
    static const char *const wrong[] = { "kafka 3.9", "brokers none", "topic t0 one 1", "at 1.0 explode p0", "at -1 end", "at 1.0 send p9 1", "consumer c0 g0" };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        struct history history;
        struct reason reason = { "" };

        CHECK_INT(ERR_INVALID_REQUEST, history_parse(&history, wrong[i], &reason));
        CHECK(strstr(reason.text, wrong[i]));
    }
}

/* The disk may lose what it need not keep, but the history says that all is flushed: that fails, and only what it takes is left. */
TEST(a_history_that_fails_is_cut_down)
{
    static const char text[] =
        "kafka 4.3\nbrokers 3\nseed 5\n"
        "topic t0 1 3 min.insync.replicas=2\ntopic t1 2 3 min.insync.replicas=2\n"
        "producer p0 t0 acks=all enable.idempotence=true\nproducer p1 t1 acks=all enable.idempotence=true\n"
        "consumer c0 g0 t0,t1\n"
        "at 0.100 send p0 5\nat 0.200 send p1 5\nat 0.300 start c0\nat 0.500 send p0 3\nat 1.000 send p1 9\nat 2.000 order broker kill 3\nat 8.000 send p0 2\n"
        "at 9.000 order broker explode 1\nat 12.000 end\n";
    struct history history;
    struct outcome outcome = { .failed = true, .checker = "history" };
    size_t steps;

    CHECK_INT(ERR_OK, history_parse(&history, text, NULL));
    steps = history.step_count;
    mem_free(history.topics[0].settings);
    history.topics[0].settings = mem_text("min.insync.replicas=0"); /* no such value: this is what fails */
    play_apart(&history, false, false, &outcome);
    CHECK_TEXT("history", outcome.checker);
    history_shrink(&history, &outcome, false, 200);
    CHECK_INT(8, steps);
    CHECK_INT(0, history.step_count);
    CHECK_INT(0, history.client_count);
    CHECK_INT(1, history.topic_count);
    history_done(&history);
}
