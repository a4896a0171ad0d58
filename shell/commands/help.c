/* help: what there is, in groups, and each command with its options. */
#include <stdio.h>
#include <string.h>

#include "shell/command.h"
#include "shell/prose.h"

enum { WIDEST_OPTION = 40 };

static const struct { const char *title, *names; } groups[] = {
    { N_("Kafka's tools"), "kafka-topics kafka-configs kafka-console-producer kafka-console-consumer kafka-consumer-groups kafka-get-offsets kafka-delete-records kafka-log-dirs "
                     "kafka-leader-election kafka-reassign-partitions kafka-metadata-quorum kafka-cluster kafka-dump-log kafka-broker-api-versions" },
    { N_("time"), "time pause resume freeze speed next step advance until wait break rewind branch replay" },
    { N_("look"), "view why events trace sql ls hexdump dump status clients refresh" },
    { N_("break things"), "broker replica net disk clock fault at chaos" },
    { N_("clients"), "producer consumer group" },
    { N_("learn"), "demo lesson" },
    { N_("lab"), "share save open mark report source set help exit" },
    { N_("shell"), "jobs kill cat echo clear" },
};

enum { GROUPS = sizeof(groups) / sizeof(*groups) };

static bool names(const char *list, const char *name)
{
    size_t size = strlen(name);

    for (const char *at = list; (at = strstr(at, name)); at += size)
        if ((at == list || at[-1] == ' ') && (at[size] == ' ' || !at[size]))
            return true;
    return false;
}

/* `left`, and beside it from `column` on what it means, broken at the terminal's edge; below it, where `left` is too long. */
static void print_entry(struct call *call, const char *left, int column, const char *text)
{
    struct text out = { 0 };
    int width = call->out->columns < column + 20 ? INT32_MAX : call->out->columns - column;
    bool below = width < INT32_MAX && text_width(left) + 2 > column;

    text_printf(&out, "  %s%*s", left, below || !*text || text_width(left) + 2 > column ? 0 : column - 2 - text_width(left), "");
    for (const char *next = text; *text; text = next) {
        int size = prose_line(text, width, &next);

        if (below)
            text_printf(&out, "\n%*s", column, "");
        below = true;
        text_add_size(&out, text, (size_t)size);
    }
    prose_print(call, "%s\n", text_chars(&out)); /* breaks a `left` that is wider than the terminal */
    text_done(&out);
}

static bool in_a_group(const char *name)
{
    for (size_t g = 0; g < GROUPS; g++)
        if (names(groups[g].names, name))
            return true;
    return false;
}

/* The names of the group that are commands here; those of no group come with the last. */
static bool member(size_t group, const char *name)
{
    return names(groups[group].names, name) || (group + 1 == GROUPS && !in_a_group(name));
}

static void help_all(struct call *call)
{
    for (size_t g = 0; g < GROUPS; g++) {
        bool any = false;

        for (size_t i = 0; i < command_count(); i++) {
            if (!member(g, command_at(i)->name))
                continue;
            if (!any)
                call_print(call, "%s\n", _(call->session->lang, groups[g].title));
            any = true;
            print_entry(call, command_at(i)->name, 28, _(call->session->lang, command_at(i)->summary)); /* `make po` knows the summaries */
        }
    }
}

/* Where the list with a word on each would run off the top of the terminal. */
static void help_names(struct call *call)
{
    for (size_t g = 0; g < GROUPS; g++) {
        struct text list = { 0 };

        for (size_t i = 0; i < command_count(); i++)
            if (member(g, command_at(i)->name))
                text_printf(&list, "%s%s", list.size ? " " : "", command_at(i)->name);
        if (list.size)
            print_entry(call, _(call->session->lang, groups[g].title), 20, text_chars(&list));
        text_done(&list);
    }
}

static void option_name(const struct option *option, struct text *out)
{
    text_printf(out, "%s%s", strlen(option->name) == 1 ? "-" : "--", option->name);
    if (option->argument)
        text_printf(out, " <%s>", option->argument);
}

static void print_options(struct call *call, const struct command *command)
{
    int widest = 0, most = call->out->columns >= 40 && call->out->columns / 3 < WIDEST_OPTION ? call->out->columns / 3 : WIDEST_OPTION;

    for (const struct option *option = command->options; option && option->name; option++) {
        struct text left = { 0 };

        option_name(option, &left);
        if ((int)left.size > widest && (int)left.size <= most)
            widest = (int)left.size;
        text_done(&left);
    }
    for (const struct option *option = command->options; option && option->name; option++) {
        struct text left = { 0 }, help = { 0 };

        option_name(option, &left);
        text_printf(&help, "%s%s", option->help ? _(call->session->lang, option->help) : "", /* those of Kafka's tools are Kafka's, and in no catalogue */
                    option->only == RELEASE_27 ? " (2.7 only)" : option->only == RELEASE_43 ? " (4.3 only)" : "");
        print_entry(call, text_chars(&left), widest + 4, text_chars(&help));
        text_done(&left);
        text_done(&help);
    }
}

/* Only the end of a sentence ends a line: others were broken where the source's did. */
static void print_details(struct call *call, const char *details)
{
    struct text text = { 0 };

    for (const char *c = details; *c; c++)
        text_char(&text, *c == '\n' && c > details && !strchr(".):", c[-1]) ? ' ' : *c);
    prose_print(call, "%s\n", text_chars(&text));
    text_done(&text);
}

static int help_one(struct call *call, const char *name)
{
    const struct command *command = command_find(name);
    const char *near = command ? NULL : command_nearest(name);

    if (!command) {
        struct text shown = { 0 };

        text_escaped(&shown, bytes_text(name));
        call_error(call, _(call->session->lang, "help: there is no command %s%s%s\n"), text_chars(&shown), near ? _(call->session->lang, "; did you mean ") : "",
                   near ? near : "");
        text_done(&shown);
        return 1;
    }
    prose_print(call, "%s: %s\n", command->name, _(call->session->lang, command->summary));
    if (command->usage)
        prose_print(call, _(call->session->lang, "usage: %s\n"), command->usage);
    if (command->details)
        print_details(call, _(call->session->lang, command->details));
    print_options(call, command);
    if (command->example) {
        struct text example = { 0 };

        prose_command(&example, call->out->columns, _(call->session->lang, "example"), command->example);
        call_write(call, text_chars(&example), example.size);
        text_done(&example);
    }
    return 0;
}

static int run(struct call *call)
{
    bool all = call->argc == 2 && !strcmp(call->argv[1], "all");
    int status = 0;

    if (call->argc < 2 || all) {
        bool fits = !call->out->terminal || !call->out->rows || command_count() + GROUPS + 4 <= (size_t)call->out->rows;

        if (all || fits)
            help_all(call);
        else
            help_names(call);
        prose_print(call, "\n%s%s\n", all || fits ? "" : _(call->session->lang, "help all says what each is for. "),
                    _(call->session->lang, "help NAME tells more. Lines work as pasted from a course: !, paths, .sh, \\, quotes, |, <, >, <<<, &, ; and a bare SELECT."));
        return 0;
    }
    for (int i = 1; i < call->argc; i++)
        status |= help_one(call, call->argv[i]);
    return status;
}

const struct command command_help = {
    .name = "help", .summary = "what there is, and how a command is used", .usage = "help [all|NAME...]", .example = "help kafka-topics", .words = "all", .argument = COMPLETE_COMMAND,
    .local = true, .past = "", .run = run,
};
