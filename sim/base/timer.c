/* Timers on the queue's clock, and the way to those of others. */
#include "sim/base/timer.h"

static void fire(void *context)
{
    struct timer *timer = context;

    timer->timers = NULL;
    timer->run(timer->context);
}

void timer_arm(struct timers *timers, struct timer *timer, int64_t delay_us)
{
    timer_cancel(timer);
    timer->timers = timers;
    timer->event.run = fire;
    timer->event.context = timer;
    timer->event.outside = timers->outside;
    if (timers->arm)
        timers->arm(timers, timer, delay_us);
    else
        event_after(timers->queue, &timer->event, delay_us);
}

void timer_cancel(struct timer *timer)
{
    struct timers *timers = timer->timers;

    if (!timers)
        return;
    timer->timers = NULL;
    if (timers->cancel)
        timers->cancel(timers, timer);
    event_cancel(timers->queue, &timer->event);
}

void timer_put_off(struct timers *timers, struct timer *timer, int32_t key)
{
    timer->timers = timers;
    event_put_off(timers->queue, &timer->event, key);
}

int64_t timer_left_us(const struct timer *timer)
{
    if (!timer->timers)
        return 0;
    if (timer->timers->left_us)
        return timer->timers->left_us(timer->timers, timer);
    return timer->event.at_us - queue_now_us(timer->timers->queue);
}
