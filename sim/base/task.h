/* A task is a function that can wait: a stackful coroutine (glibc's ucontext). A shell command, a simulated client and a tool
 * are tasks, written from top to bottom. There is no scheduler: whoever completes what a task waits for runs it on, at once,
 * until it waits again or ends. Only main runs a loop.
 *
 *     struct reply *reply = NULL;                     // in the task
 *     send(request, on_reply, &(struct call){ task, &reply });
 *     while (!reply)
 *         if (!task_wait(task))                       // false: it was interrupted (Ctrl-C, the lab closes)
 *             return cancel(request);
 *
 *     static void on_reply(...)                       // elsewhere, in an event
 *     { *call->reply = reply; task_wake(call->task); }
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "sim/base/queue.h"

struct task;
typedef void task_fn(struct task *task, void *context);

/* Starts `run` in a task of its own and returns when it first waits or ends. `done` (may be NULL) is called after it ended,
 * outside the task, with the same context; after that the task is gone. Stack: 256 kB, with a guard page. */
struct task *task_start(task_fn *run, void (*done)(void *context), void *context);

/* In the task: gives control back until task_wake(); false if the task was interrupted, from then on at once and always. */
bool task_wait(struct task *task);
/* In the task: lets virtual time pass; false if interrupted. */
bool task_sleep(struct task *task, struct queue *queue, int64_t us);
bool task_interrupted(const struct task *task);
/* In the task: the interruption is heard; what it still has to do (say goodbye to a broker) may wait again. The next one ends that too. */
void task_clear_interrupt(struct task *task);

/* From outside (or from another task): runs it on if it waits; of one that runs at present nothing happens, so waits stand in loops. */
void task_wake(struct task *task);
void task_interrupt(struct task *task);
