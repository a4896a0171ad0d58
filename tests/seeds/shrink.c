/* What can be left out of a history that fails, so that it still fails the same way. */
#include "tests/seeds/shrink.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

void outcome_of(const struct play *play, struct outcome *out)
{
    *out = (struct outcome){ .failed = play->failure.checker, .at_us = play->failure.at_us, .virtual_us = play->virtual_us, .events_run = play->events_run,
                             .counts = play->counts };
    snprintf(out->checker, sizeof(out->checker), "%s", play->failure.checker ? play->failure.checker : "");
    snprintf(out->text, sizeof(out->text), "%s", play->failure.text);
}

/* Moments as a clock's. */
static void print_trace(const struct play *play)
{
    for (const char *line = text_chars(&play->events); *line; line += strcspn(line, "\n") + 1) {
        long long number, at_us;
        struct text clock = { 0 };
        int used = 0;

        if (sscanf(line, "%lld %lld%n", &number, &at_us, &used) == 2)
            text_time(&clock, at_us, TIME_CLOCK | TIME_MILLIS);
        printf("%s%.*s\n", text_chars(&clock), (int)strcspn(line, "\n") - used, line + used);
        text_done(&clock);
    }
    fflush(stdout);
}

void play_apart(const struct history *history, bool thrice, bool trace, struct outcome *out)
{
    int ends[2], status;
    size_t got = 0;
    ssize_t more;
    pid_t child;

    memset(out, 0, sizeof(*out));
    if (pipe(ends))
        return;
    child = fork();
    if (!child) {
        struct play play = { 0 };

        close(ends[0]);
        alarm(MOST_SECONDS);
        if (thrice)
            play_thrice(history, &play);
        else
            play_history(history, &play);
        outcome_of(&play, out);
        if (trace)
            print_trace(&play);
        _exit(write(ends[1], out, sizeof(*out)) != (ssize_t)sizeof(*out));
    }
    close(ends[1]);
    while (got < sizeof(*out) && (more = read(ends[0], (char *)out + got, sizeof(*out) - got)) > 0)
        got += (size_t)more;
    close(ends[0]);
    waitpid(child, &status, 0);
    if (got == sizeof(*out))
        return;
    memset(out, 0, sizeof(*out));
    out->failed = true;
    snprintf(out->checker, sizeof(out->checker), WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM ? "hangs" : "crashes");
    snprintf(out->text, sizeof(out->text), WIFSIGNALED(status) ? "by signal %d" : "with status %d", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

/* ---- attempts ---- */

struct shrinking {
    struct history *history;
    const struct outcome *outcome;
    bool thrice;
    int left;
};

/* `smaller` is taken in place of the history if it fails the same way; else it is freed. */
static bool attempt(struct shrinking *shrinking, struct history *smaller)
{
    struct outcome outcome = { 0 };

    if (shrinking->left-- > 0)
        play_apart(smaller, shrinking->thrice, false, &outcome);
    if (!outcome.failed || strcmp(outcome.checker, shrinking->outcome->checker)) {
        history_done(smaller);
        return false;
    }
    history_done(shrinking->history);
    *shrinking->history = *smaller;
    return true;
}

static void remove_steps(struct history *history, size_t from, size_t count)
{
    for (size_t i = from; i < from + count; i++)
        mem_free(history->steps[i].who);
    memmove(history->steps + from, history->steps + from + count, (history->step_count - from - count) * sizeof(*history->steps));
    history->step_count -= count;
}

static bool shrink_steps(struct shrinking *shrinking)
{
    bool any = false;

    for (size_t piece = shrinking->history->step_count / 2; piece > 0; piece /= 2)
        for (size_t at = 0; at < shrinking->history->step_count && shrinking->left > 0;) {
            size_t left = shrinking->history->step_count - at;
            struct history smaller;

            history_copy(&smaller, shrinking->history);
            remove_steps(&smaller, at, piece < left ? piece : left);
            if (attempt(shrinking, &smaller))
                any = true;
            else
                at += piece;
        }
    return any;
}

static void remove_client(struct history *history, size_t client)
{
    for (size_t i = history->step_count; i-- > 0;)
        if (!strcmp(history->steps[i].who, history->clients[client].name))
            remove_steps(history, i, 1);
    mem_free(history->clients[client].name);
    mem_free(history->clients[client].topics);
    mem_free(history->clients[client].settings);
    mem_free(history->clients[client].group);
    memmove(history->clients + client, history->clients + client + 1, (--history->client_count - client) * sizeof(*history->clients));
}

static bool shrink_clients(struct shrinking *shrinking)
{
    bool any = false;

    for (size_t i = shrinking->history->client_count; i-- > 0 && shrinking->left > 0;) {
        struct history smaller;

        history_copy(&smaller, shrinking->history);
        remove_client(&smaller, i);
        any |= attempt(shrinking, &smaller);
    }
    return any;
}

static bool wanted(const struct history *history, const char *topic)
{
    for (size_t i = 0; i < history->client_count; i++)
        if (topics_have(history->clients[i].topics, topic))
            return true;
    return false;
}

static bool shrink_topics(struct shrinking *shrinking)
{
    bool any = false;

    for (size_t i = shrinking->history->topic_count; i-- > 0 && shrinking->left > 0;) {
        struct history smaller;

        history_copy(&smaller, shrinking->history);
        if (!wanted(&smaller, smaller.topics[i].name)) {
            mem_free(smaller.topics[i].name);
            mem_free(smaller.topics[i].settings);
            memmove(smaller.topics + i, smaller.topics + i + 1, (--smaller.topic_count - i) * sizeof(*smaller.topics));
        } else if (smaller.topics[i].partitions > 1) {
            smaller.topics[i].partitions = 1;
        } else {
            history_done(&smaller);
            continue;
        }
        any |= attempt(shrinking, &smaller);
    }
    return any;
}

static bool shrink_counts(struct shrinking *shrinking)
{
    bool any = false;

    for (size_t i = 0; i < shrinking->history->step_count && shrinking->left > 0; i++) {
        struct history smaller;

        if (shrinking->history->steps[i].kind != STEP_SEND || shrinking->history->steps[i].count == 1)
            continue;
        history_copy(&smaller, shrinking->history);
        smaller.steps[i].count = 1;
        any |= attempt(shrinking, &smaller);
    }
    return any;
}

/* The nth "key=value" out; NULL: there are not so many. */
static char *without_setting(const char *settings, int nth)
{
    struct text out = { 0 };
    char *copy = mem_text(settings), *rest = copy, *one;
    int at = 0;

    while ((one = strsep(&rest, " ")))
        if (at++ != nth)
            text_printf(&out, "%s%s", out.size ? " " : "", one);
    mem_free(copy);
    if (nth < at && *settings)
        return out.size ? text_take(&out) : mem_text("");
    text_done(&out);
    return NULL;
}

static char **settings_of(struct history *history, size_t i)
{
    return i < history->topic_count ? &history->topics[i].settings
           : i < history->topic_count + history->client_count ? &history->clients[i - history->topic_count].settings : &history->settings;
}

/* What the checkers promise by is not left out: it would be another promise. */
static bool promised(const char *settings, const char *without)
{
    static const char *const keys[] = { "acks=", "enable.idempotence=", "min.insync.replicas=", "log.flush.interval.messages=", "log.cleaner.enable=", "unclean", "retries=", "cleanup.policy=", "keyed=", "simulated.",
                                        "retention", "auto.create" };

    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
        if (strstr(settings, keys[i]) && !strstr(without, keys[i]))
            return true;
    return false;
}

static bool shrink_settings(struct shrinking *shrinking)
{
    bool any = false;

    for (size_t i = 0; i <= shrinking->history->topic_count + shrinking->history->client_count; i++)
        for (int nth = 0; shrinking->left > 0; nth++) {
            struct history smaller;
            char *without, **settings;

            history_copy(&smaller, shrinking->history);
            settings = settings_of(&smaller, i);
            without = without_setting(*settings, nth);
            if (!without || promised(*settings, without)) {
                history_done(&smaller);
                mem_free(without);
                if (!without)
                    break;
                continue;
            }
            mem_free(*settings);
            *settings = without;
            if (attempt(shrinking, &smaller)) {
                any = true;
                nth--;
            }
        }
    return any;
}

static bool shrink_end(struct shrinking *shrinking)
{
    struct history smaller;
    int64_t last_ms = shrinking->history->step_count ? shrinking->history->steps[shrinking->history->step_count - 1].at_ms : 0;

    if (shrinking->history->end_ms <= last_ms + 100)
        return false;
    history_copy(&smaller, shrinking->history);
    smaller.end_ms = last_ms + 100;
    return attempt(shrinking, &smaller);
}

void history_shrink(struct history *history, const struct outcome *outcome, bool thrice, int most_plays)
{
    struct shrinking shrinking = { history, outcome, thrice, most_plays };
    bool any = true;

    while (any && shrinking.left > 0) {
        any = shrink_clients(&shrinking);
        any |= shrink_steps(&shrinking);
        any |= shrink_topics(&shrinking);
        any |= shrink_counts(&shrinking);
        any |= shrink_end(&shrinking);
        any |= shrink_settings(&shrinking);
    }
}
