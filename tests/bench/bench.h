/* What the measures share. Each runs in a process of its own, with an empty folder on the disk, and prints its figures. */
#pragma once
#include "sim/base/err.h"

double seconds_now(void);
double cpu_seconds(void);               /* of this process, user and system: what others do to the machine hardly shows in it */
double resident_megabytes(void);        /* VmRSS */
void give_up(const char *what, enum err err, const struct reason *reason) __attribute__((noreturn));

void bench_append(const char *folder);
void bench_read(const char *folder);
void bench_recovery(const char *folder);
void bench_year(const char *folder);
void bench_lives(const char *folder);
void bench_long_log(const char *folder);
void bench_replication(const char *folder);
void bench_retention(const char *folder);
void bench_descriptors(const char *folder);
void bench_simulated(const char *folder);
