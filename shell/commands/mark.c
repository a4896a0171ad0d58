/* mark: a name for this moment. */
#include <stdio.h>
#include <string.h>

#include "shell/commands/pace.h"
#include "shell/past.h"

static int list(struct call *call, const struct lab *lab)
{
    if (!lab_mark_count(lab))
        call_print(call, "There is no mark. mark before makes one; report --since before and rewind before go by it.\n");
    for (size_t i = 0; i < lab_mark_count(lab); i++) {
        struct mark mark = lab_mark_at(lab, i);
        struct text line = { 0 };

        text_time(&line, mark.at_us, TIME_DATE | TIME_CLOCK | TIME_TENTHS);
        call_print(call, "%s  event %llu  %s\n", text_chars(&line), (unsigned long long)mark.entry, mark.name);
        text_done(&line);
    }
    return 0;
}

static bool is_name(const char *name)
{
    int64_t number;

    if (!*name || strlen(name) > 60 || *name == '-' || parse_i64(name, &number) || parse_duration(name, &number) || strchr(name, ':'))
        return false;
    for (const char *at = name; *at; at++)
        if ((unsigned char)*at <= ' ' || *at == 127)
            return false;
    return true;
}

static int run(struct call *call)
{
    struct lab *lab = call_lab(call);
    const char *name = call->argc > 1 ? call->argv[1] : NULL;
    char made[32];
    struct text line = { 0 };

    if (name && text_equal(name, "--list"))
        return list(call, lab);
    if (call->argc > 2 || (name && !is_name(name))) {
        call_error(call, "mark: a name of one word is wanted, that is no number and no time, for instance: mark before\n");
        return 1;
    }
    if (!name) {
        snprintf(made, sizeof(made), "mark-%zu", lab_mark_count(lab) + 1);
        name = made;
    }
    lab_mark(lab, name);
    text_time(&line, queue_now_us(lab_queue(lab)), TIME_CLOCK | TIME_TENTHS);
    call_print(call, "%s: %s, after event %llu.\n", name, text_chars(&line), (unsigned long long)journal_last(lab_journal(lab)));
    text_done(&line);
    return 0;
}

static const struct option options[] = {
    { "list", NULL, N_("shows the marks there are"), COMPLETE_NONE, RELEASE_ANY },
    { 0 },
};

const struct command command_mark = {
    .name = "mark", .summary = "give this moment a name", .usage = "mark [NAME] | mark --list",
    .details = N_("For report --since NAME, events --since NAME and rewind NAME. A mark of that name moves. Marks are no events: the cluster does not notice."),
    .example = "mark before", .options = options, .needs_lab = true, .run = run,
};
