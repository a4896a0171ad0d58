/* A timer of somebody's life: a member's session, a fetch that waits. On whose clock it runs is the business of `struct timers`:
 * those of a simulated client run on the queue's virtual time, those of a real client on the wall clock (net/ implements them;
 * a firing enters the queue at the present virtual moment as an input). Lies inside its owner; all zero is one not armed. */
#pragma once
#include "sim/base/queue.h"

struct timers;
struct timer {
    void (*run)(void *context);
    void *context;
    struct timers *timers;     /* set while armed */
    struct event event;        /* for virtual ones, and for the firing of wall ones */
    void *implementation;
    uint64_t number;           /* on the wall clock: the how-manieth arming, by which a recording names it */
};
struct timers {                /* the interface, and its virtual implementation when `arm` is NULL */
    struct queue *queue;
    bool wall, outside;        /* outside: a client's own, see struct event */
    void (*arm)(struct timers *timers, struct timer *timer, int64_t delay_us);
    void (*cancel)(struct timers *timers, struct timer *timer);
    int64_t (*left_us)(struct timers *timers, const struct timer *timer);
};
static inline struct timers timers_virtual(struct queue *queue) { return (struct timers){ .queue = queue }; }

void timer_arm(struct timers *timers, struct timer *timer, int64_t delay_us);   /* anew if it was armed */
void timer_cancel(struct timer *timer);
/* One that fired just now is put off until queue_go_on(key), on the queue's clock; it counts as armed. */
void timer_put_off(struct timers *timers, struct timer *timer, int32_t key);
static inline bool timer_armed(const struct timer *timer) { return timer->timers != NULL; }
int64_t timer_left_us(const struct timer *timer);
