/* Orders: the simulator's own controls that change the cluster - brokers killed and started, disks that fail - as one line of words. Each is an
 * input, recorded and replayed like a client's request. What only looks or moves time is no order. */
#pragma once
#include "sim/sim.h"

/* Carries out "broker kill 1" at the present moment. `answer` (may be NULL) gets what is to be told to whoever ordered it, a line or more.
 * ERR_INVALID_REQUEST: no such order, or its words are wrong; `reason` says what it takes. Another error: it could not be done, nothing was. */
enum err lab_order(struct lab *lab, const char *words, struct text *answer, struct reason *reason);

enum { MOST_ORDER_WORDS = 64, MOST_ORDER_TEXT = 2000 };
struct order_call {               /* for a row's function */
    struct lab *lab;
    int count;                    /* words behind the row's own */
    char **words;
    struct text *answer;          /* never NULL */
    struct reason *reason;
};
struct order_row {                /* sim/orders.def */
    const char *group, *verb;     /* "broker", "kill"; "TIME": any word, which is the first that `run` gets */
    const char *usage;            /* "ID": what follows them */
    const char *summary;          /* one line of help */
    enum err (*run)(struct order_call *call);
    /* What could refuse it only here and not in a replay (a port); done first, and an error ends it before it is an input. NULL: nothing. */
    enum err (*prepare)(struct order_call *call);
};
size_t order_count(void);
const struct order_row *order_at(size_t i);

/* Whether there is an order that begins so; the rest of its words is looked at when it is carried out. */
enum err order_known(const char *words, struct reason *reason);

/* 0, "100000", "64KiB", "10MB": bytes. */
bool order_bytes(const char *text, int64_t *bytes);
/* The broker of a word; NULL: `reason` says which there are. */
struct broker *order_broker(struct order_call *call, const char *word);
/* "'WORD': WHY", the word escaped; ERR_INVALID_REQUEST. */
enum err order_refuse(struct order_call *call, const char *word, const char *why);
