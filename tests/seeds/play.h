/* Plays a history in a lab in memory, with its clients, and checks it. */
#pragma once
#include "tests/seeds/check.h"

enum stepping {
    STEPPING_EVENTS,  /* one event after the other, all is sampled after each */
    STEPPING_SLICES,  /* the same in slices of time, nothing is looked at in between */
};
struct play {
    enum stepping stepping;
    bool sums, record;                /* sum up the files; keep the recording */
    int rest_steps, satisfied_step;   /* half seconds until all was at rest, and until clients had all; in slices: given */
    /* what came of it */
    struct failure failure;
    uint64_t events_run;
    int64_t virtual_us;
    struct text events, files;        /* the journal's entries; a line for each file, with its sha256 */
    struct buffer recording;
    struct checks_counts counts;
};
void play_history(const struct history *history, struct play *play);
void play_done(struct play *play);
/* Plays it, and again in slices, and from its recording: all the same. The failure is of the first, or "same". */
void play_thrice(const struct history *history, struct play *play);
