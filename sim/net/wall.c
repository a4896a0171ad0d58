/* Clocks of the system, and timers that run on them. All timers of one owner share one uv timer and a heap of their own, ordered by the
 * monotonic clock; one that fires is put into the lab's queue at the present virtual moment, so that what it does is an input like a request. */
#include <string.h>
#include <time.h>

#include "sim/base/mem.h"
#include "sim/net/net.h"
#include "sim/net/wall.h"

struct wall {
    struct timers timers; /* first */
    uv_timer_t *tick;     /* on its own: libuv lets go of it later */
    struct queue *heap;   /* of the wall clock's moments */
    struct wall_entry *first;
    void (*before_input)(void *context);
    void *before_input_context;
    int64_t frozen_at_us; /* 0: running */
    bool running;         /* inside on_tick: the tick is set anew at its end */
    uint64_t armed;       /* how often, since the start */
    void (*fired)(void *context, uint64_t number);
    void *fired_context;
};

struct wall_entry {
    struct event event;
    struct timer *timer;
    struct wall *wall;
    struct wall_entry *previous, *next;
};

static int64_t clock_us(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t wall_now_us(void)
{
    return clock_us(CLOCK_REALTIME);
}

int64_t monotonic_now_us(void)
{
    return clock_us(CLOCK_MONOTONIC);
}

static void on_tick(uv_timer_t *tick);

static void set_tick(struct wall *wall)
{
    int64_t next_us = queue_next_us(wall->heap), left_us;

    if (wall->running)
        return;
    if (next_us == NEVER_US || wall->frozen_at_us) {
        uv_timer_stop(wall->tick);
        return;
    }
    left_us = next_us - monotonic_now_us();
    uv_update_time(wall->tick->loop);
    uv_timer_start(wall->tick, on_tick, left_us > 0 ? (uint64_t)(left_us + 999) / 1000 : 0, 0);
}

static void entry_free(struct wall_entry *entry)
{
    struct wall *wall = entry->wall;

    event_cancel(wall->heap, &entry->event);
    if (entry->previous)
        entry->previous->next = entry->next;
    else
        wall->first = entry->next;
    if (entry->next)
        entry->next->previous = entry->previous;
    mem_free(entry);
}

/* In the queue's turn: the input itself. */
static void fire(void *context)
{
    struct timer *timer = context;
    struct wall *wall = (struct wall *)timer->timers;

    if (wall->fired)
        wall->fired(wall->fired_context, timer->number);
    timer->timers = NULL;
    timer->run(timer->context);
}

static void entry_due(void *context)
{
    struct wall_entry *entry = context;
    struct timer *timer = entry->timer;
    struct wall *wall = entry->wall;

    timer->implementation = NULL;
    entry_free(entry);
    timer->event.run = fire;
    timer->event.context = timer;
    timer->event.outside = true;
    event_at(wall->timers.queue, &timer->event, queue_now_us(wall->timers.queue));
}

static void on_tick(uv_timer_t *tick)
{
    struct wall *wall = tick->data;

    wall->running = true;
    if (queue_next_us(wall->heap) <= monotonic_now_us()) {
        if (wall->before_input)
            wall->before_input(wall->before_input_context);
        queue_run_until(wall->heap, monotonic_now_us());
        uv_stop(tick->loop); /* the queue has something to do: no waiting now, if this was called before the wait */
    }
    wall->running = false;
    set_tick(wall);
}

static void arm(struct timers *timers, struct timer *timer, int64_t delay_us)
{
    struct wall *wall = (struct wall *)timers;
    struct wall_entry *entry = mem_zero(sizeof(*entry));
    int64_t from_us = wall->frozen_at_us ? wall->frozen_at_us : monotonic_now_us();
    int64_t at_us = delay_us > INT64_MAX / 2 ? INT64_MAX / 2 : from_us + (delay_us > 0 ? delay_us : 0);

    *entry = (struct wall_entry){ .timer = timer, .wall = wall, .next = wall->first };
    entry->event.run = entry_due;
    entry->event.context = entry;
    if (wall->first)
        wall->first->previous = entry;
    wall->first = entry;
    timer->implementation = entry;
    timer->number = ++wall->armed;
    event_at(wall->heap, &entry->event, at_us);
    if (queue_next_us(wall->heap) == at_us)
        set_tick(wall);
}

/* The tick is left where it stands: one that comes too early finds nothing due, which costs less than moving it each time. */
static void cancel(struct timers *timers, struct timer *timer)
{
    (void)timers;
    if (timer->implementation)
        entry_free(timer->implementation);
    timer->implementation = NULL;
}

static int64_t left_us(struct timers *timers, const struct timer *timer)
{
    const struct wall *wall = (struct wall *)timers;
    const struct wall_entry *entry = timer->implementation;
    int64_t left;

    if (!entry) /* fired, its event waits in the queue */
        return 0;
    left = entry->event.at_us - (wall->frozen_at_us ? wall->frozen_at_us : monotonic_now_us());
    return left > 0 ? left : 0;
}

struct timers *wall_timers_new(uv_loop_t *loop, struct queue *queue)
{
    struct wall *wall = mem_zero(sizeof(*wall));

    wall->timers = (struct timers){ .queue = queue, .wall = true, .arm = arm, .cancel = cancel, .left_us = left_us };
    wall->heap = queue_new(monotonic_now_us());
    wall->tick = mem_zero(sizeof(*wall->tick));
    uv_timer_init(loop, wall->tick);
    wall->tick->data = wall;
    return &wall->timers;
}

static void tick_gone(uv_handle_t *handle)
{
    mem_free(handle);
}

void wall_timers_free(struct timers *timers)
{
    struct wall *wall = (struct wall *)timers;

    if (!wall)
        return;
    while (wall->first) { /* their owners will not hear of them any more */
        wall->first->timer->timers = NULL;
        wall->first->timer->implementation = NULL;
        entry_free(wall->first);
    }
    uv_timer_stop(wall->tick);
    uv_close((uv_handle_t *)wall->tick, tick_gone);
    queue_free(wall->heap);
    mem_free(wall);
}

void wall_timers_before_input(struct timers *timers, void (*fn)(void *context), void *context)
{
    struct wall *wall = (struct wall *)timers;

    wall->before_input = fn;
    wall->before_input_context = context;
}

void wall_timers_count_from(struct timers *timers, uint64_t armed)
{
    ((struct wall *)timers)->armed = armed;
}

void wall_timers_record(struct timers *timers, void (*fired)(void *context, uint64_t number), void *context)
{
    struct wall *wall = (struct wall *)timers;

    wall->fired = fired;
    wall->fired_context = context;
}

/* All moments move by the time that was spent frozen, in an order that keeps the heap's. */
void wall_timers_freeze(struct timers *timers, bool frozen)
{
    struct wall *wall = (struct wall *)timers;
    int64_t slept_us;

    if (frozen == (wall->frozen_at_us != 0))
        return;
    if (frozen) {
        wall->frozen_at_us = monotonic_now_us();
    } else {
        slept_us = monotonic_now_us() - wall->frozen_at_us;
        wall->frozen_at_us = 0;
        for (struct wall_entry *entry = wall->first; entry; entry = entry->next)
            event_at(wall->heap, &entry->event, entry->event.at_us + slept_us);
    }
    set_tick(wall);
}
