/* help: what there is, in groups, and each command with its options. */
#include <stdio.h>
#include <string.h>

#include "shell/command.h"
#include "shell/prose.h"

static const struct { const char *title, *names; } groups[] = {
    { N_("Kafka's tools"), "kafka-topics kafka-configs kafka-console-producer kafka-console-consumer kafka-consumer-groups kafka-get-offsets kafka-delete-records kafka-log-dirs "
                     "kafka-dump-log kafka-broker-api-versions" },
    { N_("time"), "time pause resume freeze speed next step advance until wait break rewind branch" },
    { N_("look"), "view why events trace sql ls hexdump dump status clients refresh" },
    { N_("break things"), "broker replica net disk clock fault chaos" },
    { N_("clients"), "producer consumer group" },
    { N_("learn"), "demo lesson" },
    { N_("shell"), "source jobs kill cat echo clear set share save open mark report help exit" },
};

static bool names(const char *list, const char *name)
{
    size_t size = strlen(name);

    for (const char *at = list; (at = strstr(at, name)); at += size)
        if ((at == list || at[-1] == ' ') && (at[size] == ' ' || !at[size]))
            return true;
    return false;
}

static void print_line(struct call *call, const struct command *command)
{
    call_print(call, "  %-23s %s\n", command->name, _(call->session->lang, command->summary)); /* `make po` knows the summaries */
}

static bool in_a_group(const char *name)
{
    for (size_t g = 0; g < sizeof(groups) / sizeof(*groups); g++)
        if (names(groups[g].names, name))
            return true;
    return false;
}

static int help_all(struct call *call)
{
    bool others = false;

    for (size_t g = 0; g < sizeof(groups) / sizeof(*groups); g++) {
        bool any = false;

        for (size_t i = 0; i < command_count(); i++) {
            if (!names(groups[g].names, command_at(i)->name))
                continue;
            if (!any)
                call_print(call, "%s\n", _(call->session->lang, groups[g].title));
            any = true;
            print_line(call, command_at(i));
        }
    }
    for (size_t i = 0; i < command_count(); i++) {
        if (in_a_group(command_at(i)->name))
            continue;
        if (!others)
            call_print(call, "%s\n", _(call->session->lang, "others"));
        others = true;
        print_line(call, command_at(i));
    }
    prose_print(call, "\n%s\n", _(call->session->lang, "help NAME tells more. Lines work as pasted from a course: !, paths, .sh, \\, quotes, |, <, >, <<<, &, ; and a bare SELECT."));
    return 0;
}

static void print_options(struct call *call, const struct command *command)
{
    int widest = 0;

    for (const struct option *option = command->options; option && option->name; option++) {
        int width = (int)strlen(option->name) + 2 + (option->argument ? (int)strlen(option->argument) + 3 : 0);

        widest = width > widest && width <= 40 ? width : widest;
    }
    for (const struct option *option = command->options; option && option->name; option++) {
        bool dash = strlen(option->name) == 1;
        struct text left = { 0 };

        text_printf(&left, "%s%s", dash ? "-" : "--", option->name);
        if (option->argument)
            text_printf(&left, " <%s>", option->argument);
        call_print(call, "  %-*s  %s%s\n", widest, text_chars(&left), option->help ? option->help : "",
                   option->only == RELEASE_27 ? " (2.7 only)" : option->only == RELEASE_43 ? " (4.3 only)" : "");
        text_done(&left);
    }
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
    call_print(call, "%s: %s\n", command->name, _(call->session->lang, command->summary));
    if (command->usage)
        prose_print(call, _(call->session->lang, "usage: %s\n"), command->usage);
    if (command->details)
        prose_print(call, "%s\n", _(call->session->lang, command->details));
    print_options(call, command);
    if (command->example)
        call_print(call, _(call->session->lang, "example: %s\n"), command->example);
    return 0;
}

static int run(struct call *call)
{
    int status = 0;

    if (call->argc < 2)
        return help_all(call);
    for (int i = 1; i < call->argc; i++)
        status |= help_one(call, call->argv[i]);
    return status;
}

const struct command command_help = {
    .name = "help", .summary = "what there is, and how a command is used", .usage = "help [NAME]...", .example = "help kafka-topics", .argument = COMPLETE_COMMAND,
    .local = true, .past = "", .run = run,
};
