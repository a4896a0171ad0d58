/* `make seeds N=1000`: random histories, each checked; one that fails is cut down and kept as a text that can be played again. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/seeds/shrink.h"

enum { THRICE_EVERY = 8, MOST_SHRINK_PLAYS = 600, MOST_JOBS = 64, MOST_SHOWN = 12 };

static const char usage[] =
    "build/seeds [N] [--from SEED] [--jobs N]   plays N seeds (default 100), two at a time\n"
    "build/seeds --seed SEED                    plays that one, and makes it smaller if it fails\n"
    "build/seeds --print SEED                   its history\n"
    "build/seeds --play FILE [--shrink]         plays a history that was kept\n"
    "  --trace   prints the journal\n"
    "  --found DIR   where failing histories go (default build/found)    --no-shrink   as they are    --until-found   ends with the first\n";

struct options {
    uint64_t count, from, seed;
    int jobs;
    bool one, print, no_shrink, shrink, until_found, trace;
    const char *file, *found;
};

static bool thrice(uint64_t seed)
{
    return seed % THRICE_EVERY < 2; /* of each release */
}

static void say_failure(const struct outcome *outcome)
{
    struct text text = { 0 };

    text_time(&text, outcome->at_us, TIME_CLOCK | TIME_MILLIS);
    printf("  %s, at %s: %s\n", outcome->checker, text_chars(&text), outcome->text);
    text_done(&text);
}

/* ---- one history ---- */

static void keep(struct history *history, const struct outcome *outcome, bool thrice_, const char *path, bool shrinks)
{
    struct text text = { 0 };
    FILE *file;

    if (shrinks)
        history_shrink(history, outcome, thrice_, MOST_SHRINK_PLAYS);
    text_printf(&text, "# %s: %s\n", outcome->checker, outcome->text);
    history_print(history, &text);
    file = fopen(path, "we");
    if (file) {
        fputs(text_chars(&text), file);
        fclose(file);
        printf("  kept with %zu steps; again: build/seeds --play %s\n", history->step_count, path);
    } else {
        printf("  %s: %s\n%s", path, strerror(errno), text_chars(&text));
    }
    text_done(&text);
}

static int play_one(const struct options *options)
{
    struct history history;
    struct outcome outcome;
    struct reason reason = { "" };

    if (options->file) {
        struct buffer bytes = { 0 };
        struct text text = { 0 };
        int64_t clock = 0;
        struct fs *fs = fs_real(&clock, 4, false);
        enum err err = fs_read_all(fs, options->file, 1 << 20, &bytes, &reason);

        text_add_size(&text, (const char *)bytes.data, bytes.size);
        if (!err)
            err = history_parse(&history, text_chars(&text), &reason);
        else
            snprintf(reason.text, sizeof(reason.text), "it can't be read");
        fs_free(fs);
        buffer_done(&bytes);
        text_done(&text);
        if (err) {
            fprintf(stderr, "seeds: %s: %s\n", options->file, reason.text);
            return 2;
        }
    } else {
        history_generate(&history, options->seed);
    }
    play_apart(&history, true, options->trace, &outcome);
    printf("%llu events in %.1f virtual seconds: %llu records acknowledged, %llu failed, %llu read; %llu elections (%llu unclean), %llu changes of an ISR, %llu truncations, "
           "%llu generations, %llu commits, %llu duplicates; %llu log starts moved, %llu cleanings, %llu partitions deleted\n", (unsigned long long)outcome.events_run, (double)outcome.virtual_us / 1e6,
           (unsigned long long)outcome.counts.acked, (unsigned long long)outcome.counts.failed, (unsigned long long)outcome.counts.read,
           (unsigned long long)outcome.counts.elections, (unsigned long long)outcome.counts.unclean, (unsigned long long)outcome.counts.isr_changes,
           (unsigned long long)outcome.counts.truncations, (unsigned long long)outcome.counts.generations, (unsigned long long)outcome.counts.commits,
           (unsigned long long)outcome.counts.duplicates, (unsigned long long)outcome.counts.removals, (unsigned long long)outcome.counts.cleanings,
           (unsigned long long)outcome.counts.deletions);
    if (outcome.failed) {
        char path[400];

        say_failure(&outcome);
        snprintf(path, sizeof(path), "%s/seed-%llu.history", options->found, (unsigned long long)options->seed);
        if (options->file ? options->shrink : !options->no_shrink)
            keep(&history, &outcome, !strcmp(outcome.checker, "same"), options->file ? options->file : path, true);
    }
    history_done(&history);
    return outcome.failed;
}

/* ---- many ---- */

struct report { uint64_t seed; bool begun; struct outcome outcome; };
struct worker { pid_t pid; int from; uint64_t next, now; bool busy; };

static void work(const struct options *options, uint64_t next, int to)
{
    for (; next < options->from + options->count; next += (uint64_t)options->jobs) {
        struct report report = { .seed = next, .begun = true };
        struct history history;
        struct play play = { 0 };

        if (write(to, &report, sizeof(report)) != (ssize_t)sizeof(report))
            _exit(1);
        alarm(MOST_SECONDS);
        history_generate(&history, next);
        if (thrice(next))
            play_thrice(&history, &play);
        else
            play_history(&history, &play);
        report.begun = false;
        outcome_of(&play, &report.outcome);
        history_done(&history);
        play_done(&play);
        if (write(to, &report, sizeof(report)) != (ssize_t)sizeof(report))
            _exit(1);
    }
    _exit(0);
}

static void start_worker(const struct options *options, struct worker *worker)
{
    int ends[2];

    fflush(stdout);
    if (pipe(ends)) {
        perror("seeds");
        exit(2);
    }
    worker->busy = false;
    worker->from = ends[0];
    worker->pid = fork();
    if (!worker->pid) {
        close(ends[0]);
        work(options, worker->next, ends[1]);
    }
    close(ends[1]);
}

struct totals { uint64_t played, failed, events; int64_t virtual_us; struct checks_counts counts; };

static void add_up(struct totals *totals, const struct outcome *outcome)
{
    const uint64_t *from = (const uint64_t *)&outcome->counts;
    uint64_t *to = (uint64_t *)&totals->counts;

    totals->played++;
    totals->failed += outcome->failed;
    totals->events += outcome->events_run;
    totals->virtual_us += outcome->virtual_us;
    for (size_t i = 0; i < sizeof(outcome->counts) / sizeof(*from); i++)
        to[i] += from[i];
}

static void take_outcome(const struct options *options, struct totals *totals, uint64_t seed, const struct outcome *outcome)
{
    struct history history;
    char path[400];

    add_up(totals, outcome);
    if (!outcome->failed)
        return;
    printf("seed %llu fails; again: build/seeds --seed %llu\n", (unsigned long long)seed, (unsigned long long)seed);
    say_failure(outcome);
    if (totals->failed > MOST_SHOWN || options->no_shrink)
        return;
    history_generate(&history, seed);
    snprintf(path, sizeof(path), "%s/seed-%llu.history", options->found, (unsigned long long)seed);
    keep(&history, outcome, !strcmp(outcome->checker, "same"), path, true);
    history_done(&history);
    fflush(stdout);
}

/* The next report of a worker; false: it has ended. One that dies goes on with its next seed. */
static bool next_report(const struct options *options, struct worker *worker, struct report *report)
{
    size_t got = 0;
    ssize_t more;
    int status;

    while (got < sizeof(*report) && (more = read(worker->from, (char *)report + got, sizeof(*report) - got)) > 0)
        got += (size_t)more;
    if (got == sizeof(*report)) {
        worker->busy = report->begun;
        worker->now = report->seed;
        return true;
    }
    close(worker->from);
    waitpid(worker->pid, &status, 0);
    worker->pid = 0;
    if (!worker->busy)
        return false;
    memset(report, 0, sizeof(*report));
    report->seed = worker->now;
    report->outcome.failed = true;
    snprintf(report->outcome.checker, sizeof(report->outcome.checker), WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM ? "hangs" : "crashes");
    snprintf(report->outcome.text, sizeof(report->outcome.text), "signal %d, status %d", WIFSIGNALED(status) ? WTERMSIG(status) : 0, WEXITSTATUS(status));
    worker->next = worker->now + (uint64_t)options->jobs;
    start_worker(options, worker);
    return true;
}

static double seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int play_many(const struct options *options)
{
    struct worker workers[MOST_JOBS] = { 0 };
    struct totals totals = { 0 };
    double began = seconds_now();
    int alive = options->jobs;

    for (int i = 0; i < options->jobs; i++) {
        workers[i].next = options->from + (uint64_t)i;
        start_worker(options, &workers[i]);
    }
    while (alive) /* in turn, so the order of what is said is that of the seeds */
        for (int i = 0; i < options->jobs; i++) {
            struct report report;

            do {
                if (!workers[i].pid)
                    break;
                if (!next_report(options, &workers[i], &report)) {
                    alive--;
                    break;
                }
            } while (report.begun);
            if (!workers[i].pid || report.begun)
                continue;
            take_outcome(options, &totals, report.seed, &report.outcome);
            if (totals.failed && options->until_found) {
                for (int w = 0; w < options->jobs; w++)
                    if (workers[w].pid)
                        kill(workers[w].pid, SIGKILL);
                printf("found after %llu seeds\n", (unsigned long long)totals.played);
                return 1;
            }
        }
    printf("%llu seeds, %llu failed, in %.0f s: %llu events in %.0f virtual hours; %llu records acknowledged, %llu failed, %llu read, %llu duplicates; %llu elections (%llu unclean), "
           "%llu changes of an ISR, %llu truncations, %llu generations of groups, %llu commits; %llu log starts moved, %llu cleanings, %llu partitions deleted\n", (unsigned long long)totals.played, (unsigned long long)totals.failed,
           seconds_now() - began, (unsigned long long)totals.events, (double)totals.virtual_us / 3.6e9, (unsigned long long)totals.counts.acked,
           (unsigned long long)totals.counts.failed, (unsigned long long)totals.counts.read, (unsigned long long)totals.counts.duplicates,
           (unsigned long long)totals.counts.elections, (unsigned long long)totals.counts.unclean, (unsigned long long)totals.counts.isr_changes,
           (unsigned long long)totals.counts.truncations, (unsigned long long)totals.counts.generations, (unsigned long long)totals.counts.commits, (unsigned long long)totals.counts.removals,
           (unsigned long long)totals.counts.cleanings, (unsigned long long)totals.counts.deletions);
    return totals.failed != 0;
}

/* ---- the command line ---- */

static bool take_number(char **argv, int *i, uint64_t *out)
{
    int64_t number;

    if (!argv[*i] || !parse_i64(argv[*i], &number) || number < 0)
        return false;
    *out = (uint64_t)number;
    return true;
}

int main(int argc, char **argv)
{
    struct options options = { .count = 100, .from = 1, .jobs = 2, .found = "build/found" };
    bool fine = true;

    for (int i = 1; i < argc && fine; i++) {
        uint64_t number = 2;

        if (!strcmp(argv[i], "--from")) {
            fine = take_number(argv, (i++, &i), &options.from);
        } else if (!strcmp(argv[i], "--jobs")) {
            fine = take_number(argv, (i++, &i), &number) && number > 0 && number <= MOST_JOBS;
            options.jobs = (int)number;
        } else if (!strcmp(argv[i], "--seed") || !strcmp(argv[i], "--print")) {
            options.print = argv[i][2] == 'p';
            options.one = true;
            fine = take_number(argv, (i++, &i), &options.seed);
        } else if (!strcmp(argv[i], "--play")) {
            options.one = fine = (options.file = argv[++i]) != NULL;
        } else if (!strcmp(argv[i], "--found")) {
            fine = (options.found = argv[++i]) != NULL;
        } else if (!strcmp(argv[i], "--no-shrink")) {
            options.no_shrink = true;
        } else if (!strcmp(argv[i], "--shrink")) {
            options.shrink = true;
        } else if (!strcmp(argv[i], "--trace")) {
            options.trace = true;
        } else if (!strcmp(argv[i], "--until-found")) {
            options.until_found = true;
        } else {
            fine = take_number(argv, &i, &options.count);
        }
    }
    if (!fine) {
        fputs(usage, stderr);
        return 2;
    }
    if (options.print) {
        struct history history;
        struct text text = { 0 };

        history_generate(&history, options.seed);
        history_print(&history, &text);
        fputs(text_chars(&text), stdout);
        text_done(&text);
        history_done(&history);
        return 0;
    }
    mkdir(options.found, 0777);
    return options.one ? play_one(&options) : play_many(&options);
}
