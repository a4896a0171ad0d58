/* Chaos: faults drawn by chance, from a seed of their own, for a while; in the end all of it is mended. All it does are orders, given in events of the lab, so it is history like
 * any other: the same seed at the same moment of the same lab does the same.
 *
 * Gentle, the default, asks before it takes a broker away from others (kills, stops, freezes, cuts it off): one at a time, not one without which the controllers have no majority, and only
 * if each partition with more than one replica keeps min.insync.replicas in sync. So what was acknowledged with acks=all stays, and is soon to be had again. Rough asks nothing. */
#pragma once
#include "sim/sim.h"

enum chaos_kind {
    CHAOS_KILL, CHAOS_STOP, CHAOS_POWER_OFF, CHAOS_FREEZE, CHAOS_CUT, CHAOS_DISK_FAIL, /* these take a broker away */
    CHAOS_DELAY, CHAOS_LOSS, CHAOS_DISK, CHAOS_REQUESTS,
    CHAOS_KINDS
};
const char *chaos_kind_name(enum chaos_kind kind);    /* "power-off" */

struct chaos_options {
    uint64_t seed;
    int64_t for_us;
    bool kinds[CHAOS_KINDS];
    const int32_t *brokers;       /* those it may touch */
    size_t broker_count;
    bool rough;
};
struct chaos_deed {               /* what it did */
    int64_t at_us, until_us;      /* until_us: when it is mended; INT64_MAX: not planned (it is being mended, and that takes what it takes) */
    int64_t mended_us;            /* 0: not yet */
    enum chaos_kind kind;
    int32_t broker, other;        /* other: NETWORK_CLIENTS, or a broker; -1: none */
    char *words;                  /* the order: "broker kill 2" */
    uint64_t fault;               /* CHAOS_REQUESTS */
};

/* What is left of it when its lab is closed: a lab opens with all its brokers up and nothing in their way, so of its deeds only faults at requests are not mended yet. */
enum { CHAOS_STATE_NUMBERS = 4 };
struct chaos_state {
    struct chaos_options options; /* for_us: from when it goes on */
    uint64_t random[CHAOS_STATE_NUMBERS];
    int64_t next_us;              /* from now */
    bool over;
};

struct chaos;
/* ERR_INVALID_REQUEST: one goes on already. */
enum err chaos_begin(struct lab *lab, const struct chaos_options *options, struct reason *reason);
/* False: there is none that goes on. What the options name is the chaos's. */
bool chaos_state(const struct lab *lab, struct chaos_state *out);
enum err chaos_go_on(struct lab *lab, const struct chaos_state *state, struct reason *reason);
/* A deed of before, whose fault at requests is there. */
void chaos_add_fault(struct lab *lab, uint64_t fault, int32_t broker, int64_t at_us, int64_t until_us, const char *words);
enum err chaos_end(struct lab *lab, struct reason *reason);                /* mends all now */
const struct chaos *lab_chaos(const struct lab *lab);                      /* the latest; NULL: there was none */
bool chaos_goes_on(const struct chaos *chaos);                             /* until all is mended */
int64_t chaos_until_us(const struct chaos *chaos);                         /* when it begins to mend at last */
uint64_t chaos_seed(const struct chaos *chaos);
size_t chaos_deed_count(const struct chaos *chaos);
const struct chaos_deed *chaos_deed_at(const struct chaos *chaos, size_t i);
