/* Restoring the terminal. What a signal handler needs is static: a process has one terminal. */
#include "shell/repl/terminal.h"

#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static struct termios found;
static volatile sig_atomic_t known, full_screen;
static char handler_stack[32768];

void terminal_restore(void)
{
    static const char plain[] = "\x1b[?2004l", leave[] = "\x1b[?1000l\x1b[?1006l\x1b[0m\x1b[?25h\x1b[?1049l";

    if (!known)
        return;
    if (full_screen && write(1, leave, sizeof(leave) - 1) < 0)
        full_screen = 0;
    full_screen = 0;
    if (isatty(1) && write(1, plain, sizeof(plain) - 1) < 0)
        known = 0;
    tcsetattr(0, TCSADRAIN, &found);
}

void terminal_full_screen(bool on)
{
    full_screen = on;
}

static void on_crash(int number)
{
    terminal_restore();
    signal(number, SIG_DFL);
    raise(number);
}

void terminal_begin(void)
{
    static const int crashes[] = { SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL };
    stack_t stack = { .ss_sp = handler_stack, .ss_size = sizeof(handler_stack) };
    struct sigaction action = { .sa_handler = on_crash, .sa_flags = SA_ONSTACK | SA_NODEFER };

    if (known || tcgetattr(0, &found))
        return;
    known = 1;
    sigaltstack(&stack, NULL); /* a task may have run out of its own */
    for (size_t i = 0; i < sizeof(crashes) / sizeof(*crashes); i++)
        sigaction(crashes[i], &action, NULL);
    atexit(terminal_restore);
}
