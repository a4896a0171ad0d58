/* Faults at requests: which ones are hit, and how. They are asked for by orders (sim/order_fault.c), each hit is an event of the journal. Those of clients are hit
 * at the gate (gate.h), where they come in; those that brokers send each other on the simulated network (sim/cluster/faults.h), known there by the API's name only.
 *
 * A fault matches requests by all that it names; the first `skip` of them pass, then `count` are hit. Of several that match one request the oldest acts, but
 * each that only observes counts. */
#pragma once
#include "sim/cluster/faults.h"
#include "sim/wire/wire.h"

enum { FAULT_FROM_CLIENTS = -2, FAULT_FROM_BROKERS = -3, MOST_FAULTS = 200 };

struct fault_rule {
    const char *api;              /* "Produce"; "*": all */
    enum fault_kind kind;         /* FAULT_NONE: it only observes */
    enum err error;
    int64_t delay_us;
    const char *topic, *group, *client; /* patterns (* ? []); NULL: whatever */
    int32_t partition, broker;    /* broker: that it is sent to, or with inner_api.of_sender that sends it; -1: whatever */
    int32_t from;                 /* FAULT_FROM_..., or the id of the broker that sends it */
    int64_t skip, count;          /* count 0: no end */
    bool may_miss;                /* chance made it: nobody expects that it hits */
};
struct fault {
    uint64_t id;                  /* from 1 */
    struct fault_rule rule;
    int64_t matched, hits;
    int64_t added_us;
    bool over;                    /* released: it hits nothing any more */
    bool cleared;                 /* kept only because it was never hit */
};

/* The right spelling of an API's name, of whatever is spoken here ("joingroup": "JoinGroup"); NULL: there is none. `clients`: these may send it. */
const char *fault_api(const char *name, bool *clients);
/* The next name of an API that is like it, for "did you mean"; NULL. */
const char *fault_api_near(const char *name);

/* What brokers and controllers send each other only. */
struct inner_api {
    const char *name;
    bool in_27, in_43;            /* whose brokers speak it */
    bool of_sender;               /* broker= is the one that it is about, and that sends it: its receiver is the controller */
    const char *errors;           /* that its sender gets over, each with a space behind; NULL: any */
};
const struct inner_api *fault_inner_api(const char *name);               /* spelt right; NULL: clients send it */

/* All names; NULL: no more. */
const char *fault_api_at(size_t i);

/* Its number; 0: there are MOST_FAULTS already. */
uint64_t faults_add(struct wire *wire, const struct fault_rule *rule);
/* One of another sitting: with its number and what it has hit. What it held went with its connections. Nobody expects that it hits something more. */
enum err faults_restore(struct wire *wire, const struct fault *as_it_was, struct reason *reason);
void fault_may_miss(struct wire *wire, uint64_t id);                     /* sets rule.may_miss */
size_t faults_count(const struct wire *wire);
const struct fault *faults_at(const struct wire *wire, size_t i);
const struct fault *faults_find(const struct wire *wire, uint64_t id);
size_t fault_holds(const struct wire *wire, const struct fault *fault);  /* requests that wait because of it */
/* What it holds goes on, and it hits nothing any more. */
void faults_release(struct wire *wire, uint64_t id);
void faults_clear(struct wire *wire, uint64_t id);                       /* released, and forgotten */
uint64_t faults_last(const struct wire *wire);                           /* number of the newest that ever was; 0 */
/* "Produce topic=students error=NOT_LEADER_OR_FOLLOWER": as it was ordered. */
void fault_describe(const struct fault *fault, struct text *out);
const char *fault_state(const struct fault *fault);                      /* "on", "used up", "released" */
/* Those that never hit anything, cleared or not, but for those that may (rule.may_miss): a line each. Cleared ones are not told of again. */
size_t faults_missed(struct wire *wire, struct text *out);
extern const struct table fault_table;                                   /* `faults`; its context is the wire */
