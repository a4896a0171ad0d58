/* report: what came to pass since a moment, for people, programs and continuous integration. */
#include <stdio.h>
#include <string.h>

#include "shell/commands/pace.h"
#include "shell/outcomes.h"
#include "shell/prose.h"
#include "shell/shell.h"

enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_JUNIT };
enum { MOST_DECISIONS = 1000 };

struct report {
    struct lab *lab;
    struct since since;
    uint64_t first;                /* the first entry in it that is still there */
    int64_t counts[EVENT_KINDS];
    struct text out;
};

static void count(struct report *report)
{
    struct journal *journal = lab_journal(report->lab);

    report->first = report->since.entry + 1 > journal_first(journal) ? report->since.entry + 1 : journal_first(journal);
    for (uint64_t n = report->first; n <= journal_last(journal); n++) {
        const struct entry *entry = journal_get(journal, n);

        if (entry)
            report->counts[entry->kind]++;
    }
}

static int64_t fact(const struct entry *entry, const char *name)
{
    for (int i = 0; i < entry->fact_count; i++)
        if (text_equal(entry->facts[i].name, name))
            return entry->facts[i].number;
    return -1;
}

/* What nobody can read any more, and which commits were forgotten. */
static bool is_loss(const struct entry *entry)
{
    return entry->kind == EVENT_segment_deleted || entry->kind == EVENT_offset_expired || entry->kind == EVENT_log_truncated ||
           (entry->kind == EVENT_log_start_moved && entry->rule && strcmp(entry->rule, "retention.ms") && strcmp(entry->rule, "retention.bytes"));
}

static void loss_text(const struct entry *entry, struct text *out)
{
    int64_t next = fact(entry, "next_offset");

    if (entry->kind == EVENT_segment_deleted && next > entry->offset)
        text_printf(out, "%s-%d offsets %lld..%lld: %s", entry->topic, entry->partition, (long long)entry->offset, (long long)next - 1, entry->rule ? entry->rule : "deleted");
    else
        text_escaped(out, bytes_text(entry->text ? entry->text : ""));
}

static bool belongs(const struct report *report, const struct outcome *outcome)
{
    return outcome->lab == report->lab && outcome->entry >= report->since.entry && outcome->ended_us >= report->since.at_us;
}

/* ---- text ---- */

static void as_text(struct report *report)
{
    struct text *out = &report->out;
    struct journal *journal = lab_journal(report->lab);
    const struct shell *shell = report->since.shell;
    int64_t now = queue_now_us(lab_queue(report->lab)), shown = 0;
    bool any = false;

    text_add(out, "Since ");
    if (report->since.name)
        text_printf(out, "%s, ", report->since.name);
    text_time(out, report->since.at_us, TIME_DATE | TIME_CLOCK | TIME_TENTHS);
    text_add(out, ": ");
    text_duration(out, now - report->since.at_us);
    text_printf(out, ", events %llu to %llu\n", (unsigned long long)report->since.entry + 1, (unsigned long long)journal_last(journal));
    if (report->first > report->since.entry + 1)
        text_printf(out, "Those before %llu are not in memory any more: lab.db has what was decided.\n", (unsigned long long)report->first);
    text_add(out, "\nWHAT HAPPENED\n");
    for (int kind = 0; kind < EVENT_KINDS; kind++)
        if (report->counts[kind]) {
            text_printf(out, "  %6lld  %-20s %s\n", (long long)report->counts[kind], event_name((enum event_kind)kind), event_doc((enum event_kind)kind));
            any = true;
        }
    if (!any)
        text_add(out, "  nothing\n");
    text_add(out, "\nWHAT WAS DECIDED, AND WHY\n");
    for (uint64_t n = report->first; n <= journal_last(journal) && shown < MOST_DECISIONS; n++) {
        const struct entry *entry = journal_get(journal, n);

        if (!entry || !entry->rule || entry->kind == EVENT_segment_kept)
            continue;
        text_add(out, "  ");
        entry_text(LANG_EN, entry, out);
        text_char(out, '\n');
        shown++;
    }
    text_add(out, shown ? shown == MOST_DECISIONS ? "  ...\n" : "" : "  nothing\n");
    text_add(out, "\nWHAT WAS LOST\n");
    any = false;
    for (uint64_t n = report->first; n <= journal_last(journal); n++) {
        const struct entry *entry = journal_get(journal, n);

        if (!entry || !is_loss(entry))
            continue;
        text_add(out, "  ");
        loss_text(entry, out);
        text_char(out, '\n');
        any = true;
    }
    text_add(out, any ? "" : "  nothing\n");
    text_add(out, "\nCHECKS AND FAILURES\n");
    any = false;
    for (size_t i = 0; i < outcome_count(shell); i++) {
        const struct outcome *outcome = outcome_at(shell, i);

        if (!belongs(report, outcome))
            continue;
        text_printf(out, "  %s  ", outcome->status ? "FAIL" : "pass");
        text_escaped(out, bytes_text(outcome->text));
        if (outcome->status && *outcome->said) {
            text_add(out, ": ");
            text_escaped(out, bytes_text(outcome->said));
        }
        text_char(out, '\n');
        any = true;
    }
    text_add(out, any ? "" : "  none\n");
}

/* ---- JSON ---- */

static void as_json(struct report *report)
{
    struct text *out = &report->out;
    struct journal *journal = lab_journal(report->lab);
    const struct shell *shell = report->since.shell;
    const char *comma = "";

    text_add(out, "{\"since\":");
    if (report->since.name)
        text_json(out, bytes_text(report->since.name));
    else
        text_add(out, "null");
    text_printf(out, ",\"from_ms\":%lld,\"to_ms\":%lld,\"first_event\":%llu,\"last_event\":%llu,\"events\":{", (long long)report->since.at_us / 1000,
                (long long)queue_now_ms(lab_queue(report->lab)), (unsigned long long)report->first, (unsigned long long)journal_last(journal));
    for (int kind = 0; kind < EVENT_KINDS; kind++)
        if (report->counts[kind]) {
            text_printf(out, "%s\"%s\":%lld", comma, event_name((enum event_kind)kind), (long long)report->counts[kind]);
            comma = ",";
        }
    for (int losses = 0; losses < 2; losses++) {
        int64_t shown = 0;

        text_add(out, losses ? "],\"lost\":[" : "},\"decisions\":[");
        for (uint64_t n = report->first; n <= journal_last(journal) && shown < MOST_DECISIONS; n++) {
            const struct entry *entry = journal_get(journal, n);

            if (!entry || (losses ? !is_loss(entry) : !entry->rule || entry->kind == EVENT_segment_kept))
                continue;
            text_printf(out, "%s{\"event\":%llu,\"at_ms\":%lld,\"kind\":\"%s\"", shown++ ? "," : "", (unsigned long long)entry->number, (long long)entry->at_us / 1000,
                        event_name(entry->kind));
            if (entry->topic) {
                text_add(out, ",\"topic\":");
                text_json(out, bytes_text(entry->topic));
                text_printf(out, ",\"partition\":%d", entry->partition);
            }
            if (entry->offset >= 0)
                text_printf(out, ",\"offset\":%lld", (long long)entry->offset);
            if (losses && fact(entry, "next_offset") >= 0)
                text_printf(out, ",\"next_offset\":%lld", (long long)fact(entry, "next_offset"));
            if (entry->rule) {
                text_add(out, ",\"rule\":");
                text_json(out, bytes_text(entry->rule));
            }
            text_add(out, ",\"text\":");
            text_json(out, bytes_text(entry->text ? entry->text : ""));
            text_char(out, '}');
        }
    }
    text_add(out, "],\"checks\":[");
    comma = "";
    for (size_t i = 0; i < outcome_count(shell); i++) {
        const struct outcome *outcome = outcome_at(shell, i);

        if (!belongs(report, outcome))
            continue;
        text_printf(out, "%s{\"command\":", comma);
        text_json(out, bytes_text(outcome->text));
        text_printf(out, ",\"check\":%s,\"status\":%d,\"at_ms\":%lld,\"took_ms\":%lld,\"said\":", outcome->checks ? "true" : "false", outcome->status,
                    (long long)outcome->ended_us / 1000, (long long)(outcome->ended_us - outcome->began_us) / 1000);
        text_json(out, bytes_text(outcome->said));
        text_char(out, '}');
        comma = ",";
    }
    text_add(out, "]}\n");
}

/* ---- JUnit's XML ---- */

static void xml(struct text *out, const char *text)
{
    struct text clean = { 0 };

    text_escaped(&clean, bytes_text(text));
    for (const char *at = text_chars(&clean); *at; at++) {
        if (*at == '&')
            text_add(out, "&amp;");
        else if (*at == '<')
            text_add(out, "&lt;");
        else if (*at == '>')
            text_add(out, "&gt;");
        else if (*at == '"')
            text_add(out, "&quot;");
        else
            text_char(out, *at);
    }
    text_done(&clean);
}

static void as_junit(struct report *report)
{
    struct text *out = &report->out;
    const struct shell *shell = report->since.shell;
    int64_t tests = 0, failures = 0;

    for (size_t i = 0; i < outcome_count(shell); i++)
        if (belongs(report, outcome_at(shell, i))) {
            tests++;
            failures += outcome_at(shell, i)->status != 0;
        }
    text_printf(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"kafkarium\" tests=\"%lld\" failures=\"%lld\" errors=\"0\" skipped=\"0\" time=\"%.3f\">\n",
                (long long)tests, (long long)failures, (double)(queue_now_us(lab_queue(report->lab)) - report->since.at_us) / 1e6);
    for (size_t i = 0; i < outcome_count(shell); i++) {
        const struct outcome *outcome = outcome_at(shell, i);

        if (!belongs(report, outcome))
            continue;
        text_printf(out, "  <testcase classname=\"kafkarium.%s\" name=\"", outcome->checks ? "check" : "command");
        xml(out, outcome->text);
        text_printf(out, "\" time=\"%.3f\"", (double)(outcome->ended_us - outcome->began_us) / 1e6);
        if (!outcome->status) {
            text_add(out, "/>\n");
            continue;
        }
        text_printf(out, ">\n    <failure message=\"");
        xml(out, *outcome->said ? outcome->said : "failed");
        text_printf(out, "\">exit status %d</failure>\n  </testcase>\n", outcome->status);
    }
    text_add(out, "</testsuite>\n");
}

static int run(struct call *call)
{
    static const struct { const char *name; void (*write)(struct report *report); } formats[] = { { "text", as_text }, { "json", as_json }, { "junit", as_junit } };
    struct report report = { .lab = call_lab(call) };
    const char *since = NULL;
    size_t format = 0;

    for (int i = 1; i < call->argc; i++) {
        if (text_equal(call->argv[i], "--since") && i + 1 < call->argc) {
            since = call->argv[++i];
        } else if (text_equal(call->argv[i], "--format") && i + 1 < call->argc) {
            for (format = 0; format < 3 && !text_equal(formats[format].name, call->argv[i + 1]);)
                format++;
            if (format == 3) {
                call_error(call, "report: --format is text, json or junit, not '%s'\n", call->argv[i + 1]);
                return 1;
            }
            i++;
        } else {
            call_error(call, "report: what is '%s'? --since MARK|EVENT|TIME and --format text|json|junit are taken\n", call->argv[i]);
            return 1;
        }
    }
    if (!since_parse(call, since, &report.since))
        return 1;
    count(&report);
    formats[format].write(&report);
    if (format == 0)
        prose_write(call, text_chars(&report.out));
    else
        call_write(call, text_chars(&report.out), report.out.size);
    text_done(&report.out);
    return 0;
}

static const struct option options[] = {
    { "since", "MARK|EVENT|TIME", N_("from when on: a mark, an event's number, a time or a while ago (the start)"), COMPLETE_NONE, RELEASE_ANY },
    { "format", "FORMAT", N_("text, json or junit (text)"), COMPLETE_NONE, RELEASE_ANY },
    { 0 },
};

const struct command command_report = {
    .name = "report", .summary = "what came to pass since a moment", .usage = "report [--since MARK|EVENT|TIME] [--format text|json|junit]",
    .details = N_("What happened, how often; what was decided, with the values that were compared; which offsets nobody can read any more; which checks (until, wait, lesson check)\n"
               "held and which commands failed. junit makes a test case of each of these, for continuous integration; times are virtual."),
    .example = "report --since 1 --format json", .options = options, .past = "", .needs_lab = true, .run = run,
};
