/* Coroutines over ucontext, with the notes that AddressSanitizer and valgrind want about other stacks. */
#include "sim/base/task.h"

#include <assert.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "sim/base/mem.h"

#if defined(__SANITIZE_ADDRESS__)
#define ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ASAN 1
#endif
#endif
#ifdef ASAN
#include <sanitizer/common_interface_defs.h>
#endif

/* Costs a few instructions a task where valgrind doesn't run. */
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define VALGRIND_STACK_REGISTER(start, end) 0
#define VALGRIND_STACK_DEREGISTER(id) (void)(id)
#endif

enum { STACK_SIZE = 256 * 1024, GUARD_SIZE = 4096 };

struct task {
    ucontext_t inside, outside;
    uint8_t *stack; /* the guard page first */
    task_fn *run;
    void (*done)(void *context);
    void *context;
    bool running, ended, interrupted;
    unsigned stack_id; /* valgrind's */
#ifdef ASAN
    void *fake_inside, *fake_outside;
    const void *outside_stack;
    size_t outside_size;
#endif
};

static void leave(struct task *task, bool for_good)
{
#ifdef ASAN
    __sanitizer_start_switch_fiber(for_good ? NULL : &task->fake_inside, task->outside_stack, task->outside_size);
#else
    (void)for_good;
#endif
    swapcontext(&task->inside, &task->outside);
#ifdef ASAN
    __sanitizer_finish_switch_fiber(task->fake_inside, &task->outside_stack, &task->outside_size);
#endif
}

static void enter(struct task *task)
{
    task->running = true;
#ifdef ASAN
    __sanitizer_start_switch_fiber(&task->fake_outside, task->stack + GUARD_SIZE, STACK_SIZE);
#endif
    swapcontext(&task->outside, &task->inside);
#ifdef ASAN
    __sanitizer_finish_switch_fiber(task->fake_outside, NULL, NULL);
#endif
    task->running = false;
    if (task->ended) {
        void (*done)(void *) = task->done;
        void *context = task->context;

        VALGRIND_STACK_DEREGISTER(task->stack_id);
        munmap(task->stack, GUARD_SIZE + STACK_SIZE);
        mem_free(task);
        if (done)
            done(context);
    }
}

static void start(unsigned high, unsigned low)
{
    struct task *task = (struct task *)((uintptr_t)high << 32 | low);

#ifdef ASAN
    __sanitizer_finish_switch_fiber(NULL, &task->outside_stack, &task->outside_size);
#endif
    task->run(task, task->context);
    task->ended = true;
    leave(task, true);
}

struct task *task_start(task_fn *run, void (*done)(void *context), void *context)
{
    struct task *task = mem_zero(sizeof(*task));
    uintptr_t self = (uintptr_t)task;

    task->stack = mmap(NULL, GUARD_SIZE + STACK_SIZE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
    if (task->stack == MAP_FAILED)
        mem_alloc(SIZE_MAX / 2); /* ends the program with the word of mem.h */
    mprotect(task->stack, GUARD_SIZE, PROT_NONE);
    task->stack_id = VALGRIND_STACK_REGISTER(task->stack + GUARD_SIZE, task->stack + GUARD_SIZE + STACK_SIZE);
    task->run = run;
    task->done = done;
    task->context = context;
    getcontext(&task->inside);
    task->inside.uc_stack.ss_sp = task->stack + GUARD_SIZE;
    task->inside.uc_stack.ss_size = STACK_SIZE;
    task->inside.uc_link = NULL;
    makecontext(&task->inside, (void (*)(void))start, 2, (unsigned)(self >> 32), (unsigned)self);
    enter(task);
    return task; /* the caller uses it only where `done` has not been called */
}

bool task_wait(struct task *task)
{
    assert(task->running);
    if (!task->interrupted)
        leave(task, false);
    return !task->interrupted;
}

bool task_interrupted(const struct task *task)
{
    return task->interrupted;
}

void task_clear_interrupt(struct task *task)
{
    task->interrupted = false;
}

void task_wake(struct task *task)
{
    if (!task->running)
        enter(task);
}

void task_interrupt(struct task *task)
{
    task->interrupted = true;
    task_wake(task);
}

struct sleep {
    struct event event;
    struct task *task;
    bool over;
};

static void wake_up(void *context)
{
    struct sleep *sleep = context;

    sleep->over = true;
    task_wake(sleep->task);
}

bool task_sleep(struct task *task, struct queue *queue, int64_t us)
{
    struct sleep sleep = { .event = { .run = wake_up, .context = &sleep, .outside = true }, .task = task };

    event_after(queue, &sleep.event, us);
    while (!sleep.over) {
        if (!task_wait(task)) {
            event_cancel(queue, &sleep.event);
            return false;
        }
    }
    return true;
}
