/* Playing a history in a process of its own, and making one that fails smaller as long as it fails the same way. */
#pragma once
#include "tests/seeds/play.h"

enum { MOST_SECONDS = 120 };          /* of one play; more is a failure of its own, "hangs" */
/* failure.checker of one that ends the process: "crashes". `thrice`: play_thrice(). Of what is played only these come back. */
struct outcome {
    bool failed;
    char checker[24], text[1200];
    int64_t at_us, virtual_us;
    uint64_t events_run;
    struct checks_counts counts;
};
/* `trace`: the journal goes to stdout. */
void play_apart(const struct history *history, bool thrice, bool trace, struct outcome *out);
void outcome_of(const struct play *play, struct outcome *out);
/* `history` becomes smaller; at most so many plays. */
void history_shrink(struct history *history, const struct outcome *outcome, bool thrice, int most_plays);
