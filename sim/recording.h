/* The form of a recording, for sim/recording.c, which writes it, and sim/replay.c, which reads it: "KFKR", a version, how the lab was made, then the
 * inputs: kind (8 bits), virtual time and cluster's events run before it (64 each), size (32), and so many bytes of what the kind needs. The last is
 * INPUT_END, with what the lab had come to by then. */
#pragma once
#include <stdio.h>

#include "sim/lab_internal.h"
#include "sim/replay.h"

enum input {
    INPUT_OPEN = 1, INPUT_REQUEST, INPUT_CLOSE, INPUT_TIMER,
    INPUT_END,       /* journal's last number, chance's state (64 bits each) */
    INPUT_NOTE,      /* a journal entry that comes from outside: event's name, broker, subject, text */
    INPUT_ADVANCE,   /* the wall timers of clients were moved: microseconds */
    INPUT_BRANCH,    /* from here on another lab: all connections ended before, the groups' timers were armed anew */
    INPUT_ORDER,     /* sim/order.h: its words */
    INPUT_PORT,      /* a broker got another port than the one it registered with: its index, the port (32 bits each) */
};
enum { RECORDING_FORMAT = 3, RECORDING_MOST_TEXT = 4096, INPUT_HEAD_BYTES = 21 };
enum { HEAD_KEEP_TIMESTAMPS = 1, HEAD_BASE = 2, HEAD_NO_WALL = 4 /* members live in virtual time, also those read from disk */ };
extern const char recording_magic[4];

struct place {       /* in a lab's history: the moment, and how many of its events had run */
    int64_t at_us;
    uint64_t events;
};
/* Of a live recorder: bytes kept so far from `at` on, at most `most`, appended to `out`; file parts are read by a handle of the reader's own (*file, opened at
 * first need). False: the file can't be read. */
bool recorder_read(const struct recorder *recorder, size_t at, size_t most, FILE **file, struct buffer *out);
void recorder_timer(struct recorder *recorder, uint64_t number);  /* a wall timer fired; NULL: nobody keeps it */
void recorder_go_live(struct recorder *recorder);
void recorder_port(struct recorder *recorder, int32_t broker_index, int32_t port);
void recorder_branch(struct recorder *recorder);
struct place recorder_end(const struct recorder *recorder);   /* how far what is kept reaches */
