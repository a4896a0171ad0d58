/* Wall timers: they fire by the system's clock, into the lab's queue. */
#include "sim/net/net.h"
#include "sim/net/wall.h"
#include "tests/harness.h"

struct bell {
    struct timer timer;
    struct queue *queue;
    int rings;
    int64_t rang_at_us;
};

static void ring(void *context)
{
    struct bell *bell = context;

    bell->rings++;
    bell->rang_at_us = queue_now_us(bell->queue);
}

static void bell_init(struct bell *bell, struct queue *queue)
{
    *bell = (struct bell){ .queue = queue, .timer = { .run = ring, .context = bell } };
}

static void spin(uv_loop_t *loop, struct queue *queue, int64_t us)
{
    int64_t end_us = monotonic_now_us() + us;

    while (monotonic_now_us() < end_us) {
        uv_run(loop, UV_RUN_NOWAIT);
        queue_run_due(queue, 100);
    }
}

static void count(void *context)
{
    ++*(int *)context;
}

TEST(a_wall_timer_fires_at_the_present_virtual_moment)
{
    uv_loop_t loop;
    struct queue *queue = queue_new(1000);
    struct bell soon, later, never;
    struct timers *timers;
    int inputs = 0;

    uv_loop_init(&loop);
    timers = wall_timers_new(&loop, queue);
    CHECK(timers->wall);
    wall_timers_before_input(timers, count, &inputs);
    bell_init(&soon, queue);
    bell_init(&later, queue);
    bell_init(&never, queue);
    timer_arm(timers, &later.timer, 15000);
    timer_arm(timers, &soon.timer, 3000);
    timer_arm(timers, &never.timer, 6000);
    CHECK(timer_left_us(&later.timer) <= 15000);
    timer_cancel(&never.timer);
    queue_set_us(queue, 5000);
    while (!soon.rings || !later.rings)
        spin(&loop, queue, 1000);
    CHECK_INT(1, soon.rings);
    CHECK_INT(1, later.rings);
    CHECK_INT(0, never.rings);
    CHECK_INT(5000, soon.rang_at_us);
    CHECK(inputs >= 1);
    CHECK(!timer_armed(&soon.timer));
    wall_timers_free(timers);
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&loop));
    queue_free(queue);
}

TEST(a_frozen_wall_timer_keeps_what_it_had_left)
{
    uv_loop_t loop;
    struct queue *queue = queue_new(0);
    struct bell bell;
    struct timers *timers;
    int64_t left_us, thaw_us;

    uv_loop_init(&loop);
    timers = wall_timers_new(&loop, queue);
    bell_init(&bell, queue);
    timer_arm(timers, &bell.timer, 20000);
    wall_timers_freeze(timers, true);
    left_us = timer_left_us(&bell.timer);
    spin(&loop, queue, 30000);
    CHECK_INT(0, bell.rings);
    CHECK_INT(left_us, timer_left_us(&bell.timer));
    thaw_us = monotonic_now_us();
    wall_timers_freeze(timers, false);
    left_us -= timer_left_us(&bell.timer); /* has gone since then, whatever the machine's load */
    CHECK(left_us >= 0 && left_us <= monotonic_now_us() - thaw_us);
    while (!bell.rings)
        spin(&loop, queue, 1000);
    CHECK_INT(1, bell.rings);
    wall_timers_free(timers);
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&loop));
    queue_free(queue);
}

/* Its owner may end later than the clock: what it cancels then is nothing any more. */
TEST(timers_left_behind_are_disarmed)
{
    uv_loop_t loop;
    struct queue *queue = queue_new(0);
    struct bell bell;
    struct timers *timers;

    uv_loop_init(&loop);
    timers = wall_timers_new(&loop, queue);
    bell_init(&bell, queue);
    timer_arm(timers, &bell.timer, 1000000);
    wall_timers_free(timers);
    CHECK(!timer_armed(&bell.timer));
    timer_cancel(&bell.timer);
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&loop));
    queue_free(queue);
}

/* libuv runs timers before it waits: what fired then is for the queue's turn, not for after the next timer. */
TEST(a_timer_that_fires_ends_the_waiting)
{
    uv_loop_t loop;
    struct queue *queue = queue_new(0);
    struct bell soon, later;
    struct timers *timers;
    int64_t began_us = monotonic_now_us();

    uv_loop_init(&loop);
    timers = wall_timers_new(&loop, queue);
    bell_init(&soon, queue);
    bell_init(&later, queue);
    timer_arm(timers, &later.timer, 5000000);
    timer_arm(timers, &soon.timer, 0);
    uv_run(&loop, UV_RUN_ONCE);
    CHECK(monotonic_now_us() - began_us < 2000000);
    CHECK_INT(0, queue_next_us(queue));
    timer_cancel(&soon.timer);
    timer_cancel(&later.timer);
    wall_timers_free(timers);
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_INT(0, uv_loop_close(&loop));
    queue_free(queue);
}
