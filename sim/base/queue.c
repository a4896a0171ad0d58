/* A binary heap of intrusive events. */
#include "sim/base/queue.h"

#include <assert.h>

#include "sim/base/mem.h"

struct queue {
    int64_t now_us;
    uint64_t next_number, events_run;
    struct event **heap; /* from 1 */
    size_t count, capacity;
    int running;
    struct put_off { struct event *event; int32_t key; } *put_off; /* in the order in which they came */
    size_t put_off_count, put_off_capacity;
};

#define PUT_OFF (~(SIZE_MAX >> 1)) /* in `place`: it waits in put_off, at the rest of it */

struct queue *queue_new(int64_t start_us)
{
    struct queue *queue = mem_zero(sizeof(*queue));

    queue->now_us = start_us;
    queue->capacity = 64;
    queue->heap = mem_alloc((queue->capacity + 1) * sizeof(*queue->heap));
    return queue;
}

void queue_free(struct queue *queue)
{
    if (!queue)
        return;
    for (size_t i = 1; i <= queue->count; i++)
        queue->heap[i]->place = 0;
    for (size_t i = 0; i < queue->put_off_count; i++)
        queue->put_off[i].event->place = 0;
    mem_free(queue->put_off);
    mem_free(queue->heap);
    mem_free(queue);
}

int64_t queue_now_us(const struct queue *queue)
{
    return queue->now_us;
}

int64_t queue_now_ms(const struct queue *queue)
{
    return queue->now_us / 1000;
}

const int64_t *queue_clock(const struct queue *queue)
{
    return &queue->now_us;
}

static bool before(const struct event *a, const struct event *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->number < b->number;
}

static void put(struct queue *queue, struct event *event, size_t place)
{
    queue->heap[place] = event;
    event->place = place;
}

static void sift_up(struct queue *queue, struct event *event, size_t place)
{
    for (; place > 1 && before(event, queue->heap[place / 2]); place /= 2)
        put(queue, queue->heap[place / 2], place);
    put(queue, event, place);
}

static void sift_down(struct queue *queue, struct event *event, size_t place)
{
    for (size_t child; (child = place * 2) <= queue->count; place = child) {
        if (child < queue->count && before(queue->heap[child + 1], queue->heap[child]))
            child++;
        if (!before(queue->heap[child], event))
            break;
        put(queue, queue->heap[child], place);
    }
    put(queue, event, place);
}

void event_at(struct queue *queue, struct event *event, int64_t at_us)
{
    event_cancel(queue, event);
    event->at_us = at_us > queue->now_us ? at_us : queue->now_us;
    event->number = ++queue->next_number;
    if (queue->count == queue->capacity) {
        queue->capacity *= 2;
        queue->heap = mem_resize(queue->heap, (queue->capacity + 1) * sizeof(*queue->heap));
    }
    sift_up(queue, event, ++queue->count);
}

void event_after(struct queue *queue, struct event *event, int64_t delay_us)
{
    if (delay_us < 0)
        delay_us = 0;
    event_at(queue, event, delay_us > INT64_MAX - queue->now_us ? INT64_MAX : queue->now_us + delay_us);
}

static struct event *take_put_off(struct queue *queue, size_t i)
{
    struct event *event = queue->put_off[i].event;

    event->place = 0;
    queue->put_off_count--;
    for (; i < queue->put_off_count; i++) {
        queue->put_off[i] = queue->put_off[i + 1];
        queue->put_off[i].event->place = PUT_OFF | i;
    }
    return event;
}

void event_put_off(struct queue *queue, struct event *event, int32_t key)
{
    event_cancel(queue, event);
    event->place = PUT_OFF | queue->put_off_count;
    ARRAY_ADD(queue->put_off, queue->put_off_count, queue->put_off_capacity) = (struct put_off){ event, key };
}

void queue_go_on(struct queue *queue, int32_t key)
{
    for (size_t i = 0; i < queue->put_off_count;) {
        if (queue->put_off[i].key == key)
            event_at(queue, take_put_off(queue, i), queue->now_us);
        else
            i++;
    }
}

void event_cancel(struct queue *queue, struct event *event)
{
    size_t place = event->place;
    struct event *last;

    if (!place)
        return;
    if (place & PUT_OFF) {
        take_put_off(queue, place & ~PUT_OFF);
        return;
    }
    assert(queue->heap[place] == event);
    event->place = 0;
    last = queue->heap[queue->count--];
    if (last == event)
        return;
    if (place > 1 && before(last, queue->heap[place / 2]))
        sift_up(queue, last, place);
    else
        sift_down(queue, last, place);
}

int64_t queue_next_us(const struct queue *queue)
{
    return queue->count ? queue->heap[1]->at_us : NEVER_US;
}

bool queue_running(const struct queue *queue)
{
    return queue->running > 0;
}

bool queue_next_outside(const struct queue *queue)
{
    return queue->count && queue->heap[1]->outside;
}

bool queue_run_outside(struct queue *queue)
{
    enum { MOST = 1024 };
    bool ran = false;

    for (int i = 0; i < MOST; i++) {
        struct event *first = NULL;

        for (size_t place = 1; place <= queue->count; place++) {
            struct event *event = queue->heap[place];

            if (event->outside && event->at_us <= queue->now_us && (!first || before(event, first)))
                first = event;
        }
        if (!first)
            break;
        event_cancel(queue, first);
        queue->running++;
        first->run(first->context);
        queue->running--;
        ran = true;
    }
    return ran;
}

size_t queue_count(const struct queue *queue)
{
    return queue->count;
}

bool queue_run_next(struct queue *queue)
{
    struct event *event;

    if (!queue->count)
        return false;
    event = queue->heap[1];
    event_cancel(queue, event);
    if (event->at_us > queue->now_us)
        queue->now_us = event->at_us;
    queue->events_run += !event->outside;
    queue->running++;
    event->run(event->context);
    queue->running--;
    return true;
}

void queue_run_until(struct queue *queue, int64_t until_us)
{
    while (queue_next_us(queue) <= until_us && queue_run_next(queue))
        ;
    if (queue->now_us < until_us)
        queue->now_us = until_us;
}

bool queue_run_due(struct queue *queue, size_t most)
{
    for (; queue_next_us(queue) <= queue->now_us; most--) {
        if (!most)
            return false;
        queue_run_next(queue);
    }
    return true;
}

void queue_set_us(struct queue *queue, int64_t now_us)
{
    assert(now_us <= queue_next_us(queue));
    if (now_us > queue->now_us)
        queue->now_us = now_us;
}

uint64_t queue_events_run(const struct queue *queue)
{
    return queue->events_run;
}
