/* rewind: looks at what was, in a second lab beside the one that lives. */
#include <string.h>
#include <strings.h>

#include "shell/commands/pace.h"
#include "shell/condition.h"
#include "shell/look.h"
#include "shell/past.h"
#include "shell/prose.h"
#include "shell/shell.h"

/* What can be gone back to: the lab's own recording, one of an earlier sitting of it, or the recording that is looked at. */
struct reach {
    const struct recorder *recorder;   /* NULL: a file */
    char *path, *base;
    int64_t from_us, end_us;           /* INT64_MAX: not known */
    uint64_t first, last;              /* entries; 0: not known */
};

static void reach_done(struct reach *reach)
{
    mem_free(reach->path);
    mem_free(reach->base);
}

static bool reach_file(const char *path, const char *base, struct reach *out)
{
    struct recording_span span;

    if (recording_look(path, &span, NULL))
        return false;
    *out = (struct reach){ .path = mem_text(path), .base = mem_text(base), .from_us = span.from_us, .end_us = span.end_us, .first = span.first_entry, .last = span.last_entry };
    return true;
}

/* False: said why there is none. */
static bool reach_of(struct call *call, struct reach *out)
{
    struct session *session = call->session;
    struct lab *live = session_live(session);
    struct past *here = session_past(session);
    const struct recorder *recorder = lab_recorder(live);

    *out = (struct reach){ 0 };
    if (here && past_path(here)) {
        if (reach_file(past_path(here), past_base(here), out))
            return true;
        call_error(call, "rewind: %s can't be read any more\n", past_path(here));
        return false;
    }
    if (!recorder) {
        call_error(call, "rewind: there is no way back: %s\n", lab_no_recording(live));
        return false;
    }
    *out = (struct reach){ .recorder = recorder, .base = mem_text(lab_recording_base(live)), .from_us = lab_start_us(live), .end_us = recorder_end_us(recorder),
                           .first = lab_first_entry(live), .last = journal_last(lab_journal(live)) };
    return true;
}

/* The number'th sitting of the session's lab; false: it can't be played. */
static bool reach_part(struct lab *live, int number, struct reach *out)
{
    char *folder = mem_printf("%s/inputs", lab_dir(live)), *path = lab_part_path(folder, "recording", number), *base = lab_part_path(folder, "base", number);
    bool good = number > 0 && fs_exists(lab_fs(live), path) && reach_file(path, fs_exists(lab_fs(live), base) ? base : NULL, out);

    mem_free(folder);
    mem_free(path);
    mem_free(base);
    return good;
}

static int say_range(struct call *call)
{
    struct session *session = call->session;
    struct lab *live = session_live(session);
    struct text line = { 0 };
    struct reach reach;
    double seconds;

    if (!reach_of(call, &reach))
        return 1;
    text_add(&line, "The past can be seen from ");
    text_time(&line, reach.from_us, TIME_DATE | TIME_CLOCK | TIME_TENTHS);
    text_printf(&line, " (event %llu) on", (unsigned long long)reach.first);
    if (!reach.recorder) {
        text_add(&line, ", up to ");
        text_time(&line, reach.end_us, TIME_DATE | TIME_CLOCK | TIME_TENTHS);
        text_printf(&line, ", which is what %s has.", reach.path);
    } else {
        text_add(&line, recorder_full(reach.recorder) ? ", up to " : ", which is ");
        if (recorder_full(reach.recorder)) {
            text_time(&line, reach.end_us, TIME_DATE | TIME_CLOCK | TIME_TENTHS);
            text_add(&line, ": there the recording was full (");
            text_bytes_size(&line, (int64_t)recorder_most_bytes(reach.recorder));
            text_add(&line, "), and nothing after it was kept");
        } else {
            text_duration(&line, queue_now_us(lab_queue(live)) - reach.from_us);
            text_add(&line, " back");
        }
        seconds = (double)(queue_events_run(lab_queue(live)) + recorder_count(reach.recorder)) / session->shell->replayed_per_s;
        text_printf(&line, ". The price of going there: all is played again from the beginning, up to %zu input%s and %llu event%s, ", recorder_count(reach.recorder),
                    recorder_count(reach.recorder) == 1 ? "" : "s", (unsigned long long)queue_events_run(lab_queue(live)),
                    queue_events_run(lab_queue(live)) == 1 ? "" : "s");
        text_duration(&line, (int64_t)(seconds * 1e6) / 100000 * 100000 + 100000);
        text_add(&line, " at most; kept of it: ");
        text_bytes_size(&line, (int64_t)recorder_bytes(reach.recorder));
        text_add(&line, " of ");
        text_bytes_size(&line, (int64_t)recorder_most_bytes(reach.recorder));
        text_add(&line, ".");
    }
    prose_print(call, "%s\n", text_chars(&line));
    for (int number = reach.recorder ? lab_part(live) - 1 : 0; number > 0; number--) {
        struct reach part;

        if (!reach_part(live, number, &part))
            continue;
        text_clear(&line);
        text_add(&line, "An earlier sitting: ");
        text_time(&line, part.from_us, TIME_DATE | TIME_CLOCK | TIME_TENTHS);
        text_add(&line, " to ");
        text_time(&line, part.end_us, TIME_DATE | TIME_CLOCK | TIME_TENTHS);
        prose_print(call, "%s\n", text_chars(&line));
        reach_done(&part);
    }
    text_clear(&line);
    if (session_past(session)) {
        past_title(session->lab, &line);
        text_add(&line, ", ");
        past_ago(session->lab, session->lang, &line);
        prose_print(call, _(session->lang, "You look at %s; rewind end goes back to the present.\n"), text_chars(&line));
    } else {
        prose_print(call, "rewind 30s, rewind 10:03:04, rewind 120 (an event's number, as events shows), rewind roll students-0 (the last one), rewind start.\n");
    }
    text_done(&line);
    reach_done(&reach);
    return 0;
}

/* ---- where to ---- */

struct goal {
    int64_t at_us;        /* NEVER_US: by the entry */
    uint64_t entry;       /* 0: by the moment */
};

static bool is_about(const struct entry *entry, const char *subject)
{
    char *topic = NULL;
    int32_t partition;
    bool is = text_equal(entry->topic, subject) || text_equal(entry->subject, subject);

    if (!is && look_parse(subject, &topic, &partition))
        is = text_equal(entry->topic, topic) && entry->partition == partition;
    mem_free(topic);
    return is;
}

/* The last happening of that kind before what the session looks at. */
static uint64_t last_of(struct lab *lab, const char *word, const char *subject)
{
    struct journal *journal = lab_journal(lab);
    uint64_t last = journal_last(journal);

    if (lab_is_past(lab) && last) /* what happened just here: before it */
        last--;
    for (uint64_t n = last; n && n >= journal_first(journal); n--) {
        const struct entry *entry = journal_get(journal, n);

        if (entry && condition_is_kind(word, entry->kind) && (!subject || is_about(entry, subject)))
            return n;
    }
    return 0;
}

/* False: said why not. */
static bool find_goal(struct call *call, const struct reach *reach, struct goal *goal)
{
    struct lab *lab = call->session->lab;
    int64_t now = queue_now_us(lab_queue(lab)), number;
    const char *word = call->argv[1];
    struct mark mark;

    *goal = (struct goal){ NEVER_US, 0 };
    if (call->argc > 3 || (call->argc == 3 && !condition_is_word(word))) {
        call_error(call, "rewind: one moment is wanted: 30s, 10:03:04, an event's number, a mark, or a happening (roll students-0)\n");
        return false;
    }
    if (text_equal(word, "start")) {
        goal->at_us = reach->from_us;
    } else if (parse_i64(word, &number)) {
        if (number < 1) {
            call_error(call, "rewind: events are numbered from 1\n");
            return false;
        }
        goal->entry = (uint64_t)number;
    } else if (strchr(word, ':') && parse_time(word, now, &number)) {
        goal->at_us = number;
    } else if (parse_duration(word, &number)) {
        goal->at_us = now - number;
    } else if (lab_mark_find(session_live(call->session), word, &mark)) {
        goal->at_us = mark.at_us;
    } else if (condition_is_word(word)) {
        goal->entry = last_of(lab, word, call->argc > 2 ? call->argv[2] : NULL);
        if (!goal->entry)
            call_error(call, "rewind: nothing of that kind happened before this moment (events %s)\n", word);
        return goal->entry != 0;
    } else {
        call_error(call, "rewind: what is '%s'? A while (30s), a time (10:03:04), an event's number (events shows them), a mark, or a happening (roll students-0)\n", word);
        return false;
    }
    return true;
}

/* ---- going ---- */

static void say_price(struct call *call, const struct reach *reach, const struct goal *goal)
{
    const struct queue *queue = lab_queue(session_live(call->session));
    double part = 1, span = (double)(reach->end_us - reach->from_us), seconds;
    struct text line = { 0 };

    if (!reach->recorder || !call_on_terminal(call)) /* a file: as it goes */
        return;
    if (goal->at_us != NEVER_US && span > 0)
        part = (double)(goal->at_us - reach->from_us) / span;
    seconds = part * (double)(queue_events_run(queue) + recorder_count(reach->recorder)) / call->session->shell->replayed_per_s;
    if (seconds < 1)
        return;
    text_duration(&line, (int64_t)(seconds * 1e6));
    prose_print(call, "About %.0f inputs and %.0f events are played again: %s or so (Ctrl-C gives up, and nothing has changed).\n",
                part * (double)recorder_count(reach->recorder), part * (double)queue_events_run(queue), text_chars(&line));
    text_done(&line);
}

static void say_where(struct call *call, const struct goal *goal)
{
    struct lab *lab = call->session->lab;
    struct text line = { 0 };

    past_title(lab, &line);
    text_add(&line, ", ");
    past_ago(lab, call->session->lang, &line);
    prose_print(call, _(call->session->lang, "%s. Only to look at: step, next, until and advance walk on from here; rewind end goes back to the present, branch lives on from here.\n"), text_chars(&line));
    text_done(&line);
    if (goal->entry) {
        const struct entry *entry = journal_get(lab_journal(lab), goal->entry);

        if (entry && entry->text)
            entry_print(call, entry);
        else if (entry)
            call_print(call, "%s %s-%d at %lld\n", event_label(entry->kind), entry->topic ? entry->topic : "", entry->partition, (long long)entry->offset);
    }
}

/* How fast it went, for the next price. */
static void learn(struct shell *shell, struct past *past, int64_t took_us)
{
    double done = (double)(queue_events_run(lab_queue(past_lab(past))) + past_inputs(past));

    if (took_us > 50000)
        shell->replayed_per_s = done * 1e6 / (double)took_us;
}

/* Does what the session looks at come from there? */
static bool is_of(struct past *here, const struct reach *reach)
{
    return here && (reach->recorder ? !past_path(here) : text_equal(past_path(here), reach->path));
}

static int go(struct call *call, const struct reach *reach, const struct goal *goal)
{
    struct session *session = call->session;
    struct past *here = session_past(session), *past = NULL;
    struct reason reason = { "" };
    bool forward = is_of(here, reach) &&
                   (goal->at_us != NEVER_US ? goal->at_us >= queue_now_us(lab_queue(session->lab)) : goal->entry > journal_last(lab_journal(session->lab)));
    int64_t began = monotonic_now_us();
    enum err err = ERR_OK;

    if (forward) {
        past = here;
    } else {
        say_price(call, reach, goal);
        err = reach->recorder ? past_open_live(&past, reach->recorder, reach->base, session->shell->loop, &reason)
                              : past_open_file(&past, reach->path, reach->base, session->shell->loop, &reason);
    }
    if (err) {
        call_error(call, "rewind: %s\n", reason.text);
        return 1;
    }
    if (!past_run(call, past, goal->at_us, goal->entry)) {
        if (!forward)
            past_close(past);
        call_error(call, "rewind: given up, nothing has changed\n");
        return 130;
    }
    if (past_error(past, &reason)) {
        call_error(call, "rewind: %s\n", reason.text);
        if (!forward)
            past_close(past);
        return 1;
    }
    learn(session->shell, past, monotonic_now_us() - began);
    if (!forward)
        past_enter(session, past);
    say_where(call, goal);
    return 0;
}

/* A moment before this sitting: in an earlier one, if that can be played; between two of them time stood still. */
static void look_earlier(struct call *call, struct goal *goal, struct reach *reach)
{
    struct lab *live = session_live(call->session);
    struct reach part;

    for (int number = lab_part(live) - 1; reach->recorder && number > 0; number--) {
        if (!reach_part(live, number, &part))
            continue;
        if (goal->at_us < part.from_us) {
            reach_done(&part);
            continue;
        }
        reach_done(reach);
        *reach = part;
        if (goal->at_us > reach->end_us)
            goal->at_us = reach->end_us;
        return;
    }
}

/* Is the moment one that was kept? */
static bool check(struct call *call, struct goal *goal, struct reach *reach)
{
    struct text line = { 0 };
    bool good = false;

    if (goal->at_us != NEVER_US && goal->at_us < reach->from_us)
        look_earlier(call, goal, reach);
    if (goal->at_us != NEVER_US && goal->at_us < reach->from_us) {
        text_time(&line, reach->from_us, TIME_DATE | TIME_CLOCK | TIME_TENTHS);
        prose_print(call, "The past begins at %s: before that nothing can be seen.\n", text_chars(&line));
        goal->at_us = reach->from_us;
        good = true;
    } else if (goal->at_us != NEVER_US && goal->at_us > reach->end_us) {
        text_time(&line, reach->end_us, TIME_DATE | TIME_CLOCK | TIME_TENTHS);
        call_error(call, !reach->recorder                  ? "rewind: the recording ends at %s\n"
                         : recorder_full(reach->recorder) ? "rewind: the recording was full at %s; what came after it was not kept\n"
                                                           : "rewind: the present is %s; advance goes further\n",
                   text_chars(&line));
    } else if (goal->entry && (goal->entry < reach->first || (reach->last && goal->entry > reach->last))) {
        call_error(call, "rewind: there is no event %llu; the past has %llu to %llu\n", (unsigned long long)goal->entry, (unsigned long long)reach->first,
                   (unsigned long long)reach->last);
    } else {
        good = true;
    }
    text_done(&line);
    return good;
}

static int run(struct call *call)
{
    struct goal goal;
    struct reach reach;
    int status = 1;

    if (call->argc < 2)
        return say_range(call);
    if (text_equal(call->argv[1], "end") || text_equal(call->argv[1], "present")) {
        bool was = session_past(call->session) != NULL;
        struct text now = { 0 };

        past_leave(call->session);
        text_time(&now, queue_now_us(lab_queue(call->session->lab)), TIME_CLOCK | TIME_TENTHS);
        call_print(call, was ? "The present: %s.\n" : "This is the present: %s.\n", text_chars(&now));
        text_done(&now);
        return 0;
    }
    if (!reach_of(call, &reach))
        return 1;
    if (find_goal(call, &reach, &goal) && check(call, &goal, &reach))
        status = go(call, &reach, &goal);
    reach_done(&reach);
    return status;
}

const struct command command_rewind = {
    .name = "rewind", .summary = "look at what was, read-only", .usage = "rewind [DURATION|TIME|EVENT|MARK|HAPPENING [TOPIC-P]|start|end]",
    .details = N_("Opens a second lab beside this one and plays into it again what came in, up to the moment asked for; this one goes on meanwhile. The session then looks at\n"
               "the past: view, why, sql, ls, events and Kafka's tools that only read work there, step, next, until and advance walk on towards the present.\n"
               "A duration is counted from what is looked at, so a second rewind goes further back. rewind end comes back. Alone it says how far back one can go, and the price."),
    .example = "rewind 30s", .words = "start end roll delete unlink check leader isr rebalance expire", .argument = COMPLETE_PARTITION, .past = "", .needs_lab = true, .run = run,
};
