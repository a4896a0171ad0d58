/* Measures: how long the things of DESIGN's table take on this machine, as figures or as ratios to plain reading and writing of the same bytes in the
 * same run. `make bench` runs all, `make bench ONLY=recovery` one; BENCH_DIR: a folder other than /dev/shm (ext4 spends seconds on the inodes of files just
 * deleted, which would be measured instead). Nothing is asserted: a slow machine is no fault of the code. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sim/base/mem.h"
#include "sim/log/log.h"
#include "sim/sim.h"
#include "tests/bench/bench.h"

double seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

double cpu_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

double resident_megabytes(void)
{
    char line[256];
    long kilobytes = -1;
    FILE *file = fopen("/proc/self/status", "re");

    while (file && fgets(line, sizeof(line), file))
        if (sscanf(line, "VmRSS: %ld", &kilobytes) == 1)
            break;
    if (file)
        fclose(file);
    return (double)kilobytes / 1024;
}

void give_up(const char *what, enum err err, const struct reason *reason)
{
    fprintf(stderr, "bench: %s: %s %s\n", what, err_name(err), reason ? reason->text : "");
    exit(1);
}

static const struct bench {
    const char *name, *what;
    void (*run)(const char *folder);
} benches[] = {
    { "append", "a log's append, against pwrite of the same bytes", bench_append },
    { "read", "a log's read, against pread of the same bytes", bench_read },
    { "recovery", "opening after an unclean stop, against pread of the same bytes", bench_recovery },
    { "year", "a virtual year of a quiet cluster of three", bench_year },
    { "replication", "records a second at factor 3, and 1,000 quiet partitions", bench_replication },
    { "retention", "a retention check over 10,000 partitions", bench_retention },
    { "lives", "brokers with 10,000 partitions killed, started, stopped", bench_lives },
    { "long-log", "a broker with one long log killed and started", bench_long_log },
    { "simulated", "simulated producers and consumers, factor 3, 6 partitions, batches of 100 x 100 B", bench_simulated },
    { "descriptors", "10,000 partitions with 1024 open files at most", bench_descriptors },
};

/* In a process and a folder of its own: memory and files of one don't show in the next. */
static int run_one(const struct bench *bench)
{
    const char *below = getenv("BENCH_DIR");
    char *folder = mem_printf("%s/kafkarium-bench-XXXXXX", below ? below : "/dev/shm"), *remove;
    pid_t child;
    int status = 1;

    if (!mkdtemp(folder)) {
        perror(folder);
        return 1;
    }
    printf("%s: %s\n", bench->name, bench->what);
    fflush(stdout);
    child = fork();
    if (!child) {
        bench->run(folder);
        fflush(stdout);
        _exit(0);
    }
    waitpid(child, &status, 0);
    remove = mem_printf("rm -rf %s", folder);
    if (system(remove))
        fprintf(stderr, "bench: %s is left\n", folder);
    mem_free(remove);
    mem_free(folder);
    return status != 0;
}

int main(int argc, char **argv)
{
    int failed = 0;

    for (size_t i = 0; i < sizeof(benches) / sizeof(*benches); i++)
        if (argc < 2 || !strcmp(argv[1], benches[i].name))
            failed |= run_one(&benches[i]);
    return failed;
}
