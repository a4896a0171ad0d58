/* The terminal as it was found, and getting back to it whatever happens. */
#pragma once
#include <stdbool.h>

/* Remembers the terminal's settings and sees to it that they come back on SEGV, ABRT, BUS, FPE, ILL and at exit. Once a process; more is harmless. */
void terminal_begin(void);
/* A full screen is in use (alternate screen, hidden cursor, mouse): restoring leaves it too. */
void terminal_full_screen(bool on);
/* Back to how it was found. Safe in a signal handler; more than once is harmless. */
void terminal_restore(void);
