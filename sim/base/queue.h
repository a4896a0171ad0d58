/* The queue: everything that changes the cluster is an event here, ordered by (virtual time, number); its clock is the
 * cluster's only one. Times are microseconds since 1970, UTC. Numbers are given when an event is scheduled, so events of one
 * moment run in the order in which they were asked for. Running an event may schedule and cancel others, also itself. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NEVER_US INT64_MAX

/* Lies inside its owner, so that scheduling allocates nothing; all zero plus `run` and `context` is a ready one.
 * The owner cancels it before it goes away. */
struct event {
    void (*run)(void *context);
    void *context;
    int64_t at_us;       /* when, while scheduled */
    uint64_t number;
    size_t place;        /* in the heap, from 1; 0: not scheduled; of one that is put off: elsewhere */
    bool outside;        /* a client's or the shell's, no part of the cluster's history: not counted, as a replay will not have it */
};

struct queue;
struct queue *queue_new(int64_t start_us);
void queue_free(struct queue *queue);

int64_t queue_now_us(const struct queue *queue);
int64_t queue_now_ms(const struct queue *queue);        /* what records carry */
const int64_t *queue_clock(const struct queue *queue);  /* where the microseconds stand; valid as long as the queue */

/* Schedules, or moves if it was scheduled. A moment in the past means now. */
void event_at(struct queue *queue, struct event *event, int64_t at_us);
void event_after(struct queue *queue, struct event *event, int64_t delay_us);
void event_cancel(struct queue *queue, struct event *event);   /* also of one that isn't scheduled */
static inline bool event_scheduled(const struct event *event) { return event->place != 0; }

/* Puts off one that just came, until queue_go_on() with the same key: then all of them run at that moment, in the order in which they came. Meanwhile it counts as
 * scheduled, may be cancelled, and event_at gives it another moment. */
void event_put_off(struct queue *queue, struct event *event, int32_t key);
void queue_go_on(struct queue *queue, int32_t key);

int64_t queue_next_us(const struct queue *queue);       /* of the next event; NEVER_US: none */
/* One of its events is under way: whoever is called from there must not run others, as what that event still has to do would come after them. */
bool queue_running(const struct queue *queue);
bool queue_next_outside(const struct queue *queue);     /* the next event is from outside */
/* Runs those events from outside that are due at the present moment, also past others; true if any was. For a history that must not move meanwhile. */
bool queue_run_outside(struct queue *queue);
size_t queue_count(const struct queue *queue);
bool queue_run_next(struct queue *queue);               /* clock to the next event and runs it; false: none */
/* Runs all events up to and including `until_us`, then sets the clock there (never back). */
void queue_run_until(struct queue *queue, int64_t until_us);
/* Runs what is due at the present moment, at most `most` events; false if some are left. */
bool queue_run_due(struct queue *queue, size_t most);
void queue_set_us(struct queue *queue, int64_t now_us); /* forward only, and not past the next event */
uint64_t queue_events_run(const struct queue *queue);   /* since the start, without those from outside: the place of an input in a replay */
