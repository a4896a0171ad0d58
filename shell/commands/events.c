/* events: what happened. */
#include <string.h>

#include "shell/commands/pace.h"
#include "shell/listing.h"

static bool chosen(const struct entry *entry, const char *kind, bool all)
{
    if (kind && *kind)
        return text_matches(event_name(entry->kind), kind) || text_equal(event_label(entry->kind), kind) ||
               (entry->topic && text_equal(entry->topic, kind));
    return all || event_shown(entry->kind) || entry->rule;
}

static int list_kinds(struct call *call)
{
    const char *names[] = { "event", "label", "step_stops", "what" };
    struct listing *rows = listing_new(call, 4, names);

    for (int i = 0; i < EVENT_KINDS; i++)
        listing_add(rows, (struct value[]){ value_text(event_name((enum event_kind)i)), value_text(event_label((enum event_kind)i)),
                                         value_text(event_shown((enum event_kind)i) ? "yes" : "no"), value_text(event_doc((enum event_kind)i)) });
    listing_print(rows);
    return 0;
}

static void print_entries(struct call *call, const struct entry **found, int64_t count)
{
    const char *names[] = { "number", "at_ms", "event", "broker", "topic", "partition", "offset", "subject", "rule", "text" };
    struct listing *rows;

    if (call->session->mode == PRINT_TABLE) {
        for (int64_t i = count - 1; i >= 0; i--)
            entry_print(call, found[i]);
        return;
    }
    rows = listing_new(call, 10, names);
    for (int64_t i = count - 1; i >= 0; i--) {
        const struct entry *e = found[i];

        listing_add(rows, (struct value[]){ value_int((int64_t)e->number), value_int(e->at_us / 1000), value_text(event_name(e->kind)),
                                         e->broker < 0 ? value_null() : value_int(e->broker), value_text(e->topic),
                                         e->partition < 0 ? value_null() : value_int(e->partition), e->offset < 0 ? value_null() : value_int(e->offset),
                                         value_text(e->subject), value_text(e->rule), value_text(e->text) });
    }
    listing_print(rows);
}

static int run(struct call *call)
{
    struct journal *journal = lab_journal(call_lab(call));
    const char *kind = NULL;
    int64_t most = 20, count = 0;
    bool all = false;
    const struct entry **found;
    const char *since_text = NULL;
    struct since since;

    for (int i = 1; i < call->argc; i++) {
        if (!strcmp(call->argv[i], "--all"))
            all = true;
        else if (!strcmp(call->argv[i], "--kinds"))
            return list_kinds(call);
        else if (!strcmp(call->argv[i], "--since") && i + 1 < call->argc)
            since_text = call->argv[++i];
        else if (!parse_i64(call->argv[i], &most))
            kind = call->argv[i];
    }
    if (!since_parse(call, since_text, &since))
        return 1;
    if (since_text && most == 20)
        most = 100000;
    if (most < 1 || most > 1000000)
        most = 20;
    found = mem_zero_array((size_t)most, sizeof(*found));
    for (uint64_t n = journal_last(journal); n && n >= journal_first(journal) && (!since_text || n > since.entry) && count < most; n--) {
        const struct entry *entry = journal_get(journal, n);

        if (entry && chosen(entry, kind, all))
            found[count++] = entry;
    }
    if (!count && call_on_terminal(call))
        call_print(call, "Nothing of that kind has happened; events --kinds lists what can.\n");
    print_entries(call, found, count);
    mem_free(found);
    return 0;
}

static const struct option options[] = {
    { "all", NULL, N_("also what step does not stop at"), COMPLETE_NONE, RELEASE_ANY },
    { "since", "MARK|EVENT|TIME", N_("from when on: all of them, not the last 20"), COMPLETE_NONE, RELEASE_ANY },
    { "kinds", NULL, N_("lists the kinds of events"), COMPLETE_NONE, RELEASE_ANY },
    { 0 },
};

const struct command command_events = {
    .name = "events", .summary = "what happened, newest last", .usage = "events [N] [KIND|TOPIC] [--since MARK] [--all|--kinds]",
    .details = N_("The last 20, or N. KIND may be a pattern (group_*), a label (ROLL) or a topic. The tables events and decisions hold all of it."),
    .example = "events 50 segment_*", .options = options, .argument = COMPLETE_EVENT, .needs_lab = true, .looks = true, .run = run,
};
