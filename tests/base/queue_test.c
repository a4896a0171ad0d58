/* The queue runs events in the order of time, and of asking where the time is the same. */
#include "sim/base/queue.h"

#include "sim/base/text.h"
#include "tests/harness.h"

struct note {
    struct event event;
    struct queue *queue;
    char *out;
    char letter;
    struct event *cancels;
};

static void write_letter(void *context)
{
    struct note *note = context;

    note->out[strlen(note->out)] = note->letter;
    if (note->cancels)
        event_cancel(note->queue, note->cancels);
}

TEST(events_run_by_time_and_then_by_number)
{
    struct queue *queue = queue_new(1000);
    char out[8] = "";
    struct note notes[4];

    for (int i = 0; i < 4; i++)
        notes[i] = (struct note){ { .run = write_letter, .context = &notes[i] }, queue, out, (char)('a' + i), NULL };
    event_at(queue, &notes[0].event, 3000);
    event_at(queue, &notes[1].event, 2000);
    event_at(queue, &notes[2].event, 3000);
    event_at(queue, &notes[3].event, 5); /* the past is now */
    queue_run_until(queue, 3000);
    CHECK_TEXT("dbac", out);
    CHECK_INT(3000, queue_now_us(queue));
    CHECK_INT(0, queue_count(queue));
    queue_free(queue);
}

TEST(an_event_may_cancel_another_of_its_moment)
{
    struct queue *queue = queue_new(0);
    char out[8] = "";
    struct note b = { { .run = write_letter, .context = &b }, queue, out, 'b', NULL };
    struct note a = { { .run = write_letter, .context = &a }, queue, out, 'a', &b.event };

    event_at(queue, &a.event, 10);
    event_at(queue, &b.event, 10);
    while (queue_run_next(queue))
        ;
    CHECK_TEXT("a", out);
    queue_free(queue);
}
