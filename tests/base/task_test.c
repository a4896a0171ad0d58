/* Tasks wait, are woken, sleep in virtual time, and end when interrupted. */
#include "sim/base/task.h"

#include "tests/harness.h"

struct story {
    char out[64];
    struct queue *queue;
    struct task *other;
    bool ready;
};

static void say(struct story *story, const char *word)
{
    strcat(story->out, word);
}

static void ended(void *context)
{
    say(context, "end ");
}

static void wait_twice(struct task *task, void *context)
{
    say(context, "one ");
    say(context, task_wait(task) ? "two " : "cut ");
    say(context, task_wait(task) ? "three " : "cut ");
}

TEST(a_task_goes_on_where_it_waited)
{
    struct story story = { .out = "" };
    struct task *task = task_start(wait_twice, ended, &story);

    CHECK_TEXT("one ", story.out);
    task_wake(task);
    CHECK_TEXT("one two ", story.out);
    task_wake(task);
    CHECK_TEXT("one two three end ", story.out);
}

TEST(an_interrupted_task_waits_no_more)
{
    struct story story = { .out = "" };

    task_interrupt(task_start(wait_twice, ended, &story));
    CHECK_TEXT("one cut cut end ", story.out);
}

static void sleep_a_while(struct task *task, void *context)
{
    struct story *story = context;

    say(story, task_sleep(task, story->queue, 1000) ? "slept " : "cut ");
    say(story, task_sleep(task, story->queue, INT64_MAX) ? "slept " : "cut ");
    say(story, task_interrupted(task) ? "interrupted " : "");
}

TEST(sleep_lets_virtual_time_pass)
{
    struct story story = { .out = "", .queue = queue_new(5) };
    struct task *task = task_start(sleep_a_while, ended, &story);

    queue_run_until(story.queue, 1004);
    CHECK_TEXT("", story.out);
    queue_run_until(story.queue, 1005);
    CHECK_TEXT("slept ", story.out);
    task_wake(task); /* woken too early it sleeps on */
    CHECK_TEXT("slept ", story.out);
    task_interrupt(task);
    CHECK_TEXT("slept cut interrupted end ", story.out);
    CHECK_INT(0, queue_count(story.queue)); /* its timer is gone */
    queue_free(story.queue);
}

static void answer(struct task *task, void *context)
{
    struct story *story = context;

    say(story, "answer ");
    story->ready = true;
    task_wake(task);        /* itself: nothing happens */
    task_wake(story->other);
    say(story, "after ");
}

static void ask(struct task *task, void *context)
{
    struct story *story = context;

    while (!story->ready)
        task_wait(task);
    say(story, "got ");
}

TEST(one_task_may_wake_another)
{
    struct story story = { .out = "" };

    story.other = task_start(ask, NULL, &story);
    task_wake(story.other); /* not ready: it waits again */
    task_start(answer, ended, &story);
    CHECK_TEXT("answer got after end ", story.out);
}

static void fill(struct task *task, void *context)
{
    char data[100000]; /* a task has room for real work */

    memset(data, 1, sizeof(data));
    task_wait(task);
    say(context, data[99999] == 1 ? "kept " : "lost ");
}

TEST(hundreds_of_tasks_keep_their_stacks)
{
    struct task *tasks[300];
    struct story story = { .out = "" };

    for (int i = 0; i < 300; i++)
        tasks[i] = task_start(fill, NULL, &story);
    for (int i = 0; i < 300; i++) {
        *story.out = 0;
        task_wake(tasks[i]);
        CHECK_TEXT("kept ", story.out);
    }
}
