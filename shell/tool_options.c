/* joptsimple's manners: what is an option, what is its argument, and the words when it is neither. */
#include "shell/tool_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- exceptions ---- */

void trouble_done(struct trouble *trouble)
{
    mem_free(trouble->exception);
    mem_free(trouble->message);
    for (int i = 0; i < trouble->cause_count; i++) {
        mem_free(trouble->causes[i].exception);
        mem_free(trouble->causes[i].message);
    }
    *trouble = (struct trouble){ 0 };
}

/* Takes over `message`, which may have been made of what `trouble` held. */
static void set(struct trouble *trouble, const char *exception, char *message)
{
    trouble_done(trouble);
    trouble->exception = mem_text(exception);
    trouble->message = message;
}

bool trouble_set(struct trouble *trouble, const char *exception, const char *format, ...)
{
    char *message = NULL;
    va_list args;

    if (format) {
        va_start(args, format);
        message = mem_vprintf(format, args);
        va_end(args);
    }
    set(trouble, exception, message);
    return false;
}

bool trouble_illegal(struct trouble *trouble, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    set(trouble, "java.lang.IllegalArgumentException", mem_vprintf(format, args));
    va_end(args);
    return false;
}

void trouble_cause(struct trouble *trouble, const char *exception, const char *format, ...)
{
    va_list args;

    if (trouble->cause_count == (int)(sizeof(trouble->causes) / sizeof(*trouble->causes)))
        return;
    trouble->causes[trouble->cause_count].exception = mem_text(exception);
    if (format) {
        va_start(args, format);
        trouble->causes[trouble->cause_count].message = mem_vprintf(format, args);
        va_end(args);
    }
    trouble->cause_count++;
}

void trouble_wrap(struct trouble *trouble, const char *exception, const char *message)
{
    int last = (int)(sizeof(trouble->causes) / sizeof(*trouble->causes)) - 1;
    char *inner =
        trouble->message ? mem_printf("%s: %s", trouble->exception, trouble->message) : mem_text(trouble->exception);

    if (trouble->cause_count > last) {
        mem_free(trouble->causes[last].exception);
        mem_free(trouble->causes[last].message);
        trouble->cause_count = last;
    }
    memmove(&trouble->causes[1], &trouble->causes[0], (size_t)trouble->cause_count * sizeof(*trouble->causes));
    trouble->cause_count++;
    trouble->causes[0].exception = trouble->exception;
    trouble->causes[0].message = trouble->message;
    trouble->exception = mem_text(exception);
    trouble->message = message ? mem_text(message) : inner;
    if (message)
        mem_free(inner);
}

static void add_line(struct text *out, const char *exception, const char *message)
{
    text_add(out, exception);
    if (message)
        text_printf(out, ": %s", message);
    text_char(out, '\n');
}

void trouble_text(const struct trouble *trouble, struct text *out)
{
    add_line(out, trouble->exception, trouble->message);
    for (int i = 0; i < trouble->cause_count; i++) {
        text_add(out, "Caused by: ");
        add_line(out, trouble->causes[i].exception, trouble->causes[i].message);
    }
}

void trouble_print(struct call *call, const struct trouble *trouble)
{
    struct text text = { 0 };

    trouble_text(trouble, &text);
    call_error(call, "%s", text_chars(&text));
    text_done(&text);
}

int trouble_uncaught(struct call *call, struct trouble *trouble)
{
    call_error(call, "Exception in thread \"main\" ");
    trouble_print(call, trouble);
    trouble_done(trouble);
    return 1;
}

/* ---- reading ---- */

struct given {
    const char *name;     /* as the table has it */
    const char *argument; /* NULL: none */
};
struct tool_options {
    struct given *given;
    size_t given_count, given_capacity;
    const char **words;
    size_t word_count, word_capacity;
};

/* Whether the row belongs to the tool that is played: the session's release, both when it is any or not fixed. */
static bool tool_option_known(const struct call *call, const struct option *option)
{
    const struct session *session = call->session;
    enum release release = session->lab && lab_release(session->lab) == RELEASE_ANY ? RELEASE_ANY : session->release;

    if (option->only == RELEASE_ANY || release == RELEASE_ANY || (!session->release_fixed && !session->lab))
        return true;
    return release_is_27(option->only) == release_is_27(release);
}

static const struct option *option_find(const struct call *call, const struct option *table, const char *name,
                                        size_t size)
{
    for (; table->name; table++)
        if (strlen(table->name) == size && !memcmp(table->name, name, size) && tool_option_known(call, table))
            return table;
    return NULL;
}

static bool looks_like_option(const char *word)
{
    return word[0] == '-' && word[1] && !text_equal(word, "--");
}

static bool is_number(const struct option *option)
{
    return strstr(option->argument, "Integer") || strstr(option->argument, "Long");
}

static bool converts(const struct option *option, const char *word)
{
    int64_t long_value;
    int32_t value;

    return strstr(option->argument, "Integer") ? parse_i32(word, &value)
           : strstr(option->argument, "Long")  ? parse_i64(word, &long_value)
                                               : true;
}

/* Takes the option's argument from behind '=' or from the next word. */
static bool take(struct tool_options *options, struct call *call, const struct option *option, const char *argument,
                 int *at, struct trouble *trouble)
{
    if (option->argument && (!argument || !*argument)) {
        const char *next = *at < call->argc ? call->argv[*at] : NULL;
        bool optional = option->argument[0] == '[';

        argument = NULL;
        if (!optional && !next)
            return trouble_set(trouble, "joptsimple.OptionMissingRequiredArgumentException",
                               "Option %s requires an argument", option->name);
        if (next && (!optional || (looks_like_option(next) ? is_number(option) && converts(option, next)
                                                           : converts(option, next)))) {
            argument = next;
            ++*at;
        }
    } else if (!option->argument) {
        argument = NULL; /* "--list=x" is "--list" */
    }
    ARRAY_ADD(options->given, options->given_count, options->given_capacity) = (struct given){ option->name, argument };
    return true;
}

static bool unrecognized(struct trouble *trouble, const char *name, size_t size)
{
    return trouble_set(trouble, "joptsimple.UnrecognizedOptionException", "%.*s is not a recognized option", (int)size,
                       name);
}

static bool read_word(struct tool_options *options, struct call *call, const struct option *table, const char *word,
                      int *at, struct trouble *trouble)
{
    bool is_long = word[1] == '-';
    const char *name = word + (is_long ? 2 : 1), *equals = strchr(name, '=');
    size_t size = equals ? (size_t)(equals - name) : strlen(name);
    const struct option *option = option_find(call, table, name, size);

    if (option)
        return take(options, call, option, equals ? equals + 1 : NULL, at, trouble);
    if (is_long)
        return unrecognized(trouble, name, size);
    return unrecognized(trouble, name, 1); /* a cluster of one-letter options: Kafka's tools have none */
}

bool tool_options_parse(struct tool_options **out, struct call *call, const struct option *table,
                        struct trouble *trouble)
{
    struct tool_options *options = mem_zero(sizeof(*options));
    bool ended = false;

    *out = NULL;
    for (int at = 1; at < call->argc;) {
        const char *word = call->argv[at++];

        if (!ended && text_equal(word, "--")) {
            ended = true;
        } else if (!ended && looks_like_option(word)) {
            if (!read_word(options, call, table, word, &at, trouble)) {
                tool_options_done(options);
                return false;
            }
        } else {
            ARRAY_ADD(options->words, options->word_count, options->word_capacity) = word;
        }
    }
    *out = options;
    return true;
}

void tool_options_done(struct tool_options *options)
{
    if (!options)
        return;
    mem_free(options->given);
    mem_free(options->words);
    mem_free(options);
}

bool tool_has(const struct tool_options *options, const char *name)
{
    for (size_t i = 0; i < options->given_count; i++)
        if (text_equal(options->given[i].name, name))
            return true;
    return false;
}

bool tool_has_argument(const struct tool_options *options, const char *name)
{
    return tool_count(options, name) > 0;
}

size_t tool_count(const struct tool_options *options, const char *name)
{
    size_t count = 0;

    for (size_t i = 0; i < options->given_count; i++)
        count += text_equal(options->given[i].name, name) && options->given[i].argument;
    return count;
}

const char *tool_at(const struct tool_options *options, const char *name, size_t nth)
{
    for (size_t i = 0; i < options->given_count; i++)
        if (text_equal(options->given[i].name, name) && options->given[i].argument && !nth--)
            return options->given[i].argument;
    return NULL;
}

bool tool_text(const struct tool_options *options, const char *name, const char **value, struct trouble *trouble)
{
    *value = tool_at(options, name, 0);
    if (tool_count(options, name) > 1)
        return trouble_set(trouble, "joptsimple.MultipleArgumentsForOptionException",
                           "Found multiple arguments for option %s, but you asked for only one", name);
    return true;
}

static bool no_number(const char *name, const char *value, struct trouble *trouble)
{
    trouble_set(trouble, "joptsimple.OptionArgumentConversionException", "Cannot parse argument '%s' of option %s",
                value, name);
    trouble_cause(trouble, "joptsimple.internal.ReflectionException",
                  "java.lang.NumberFormatException: For input string: \"%s\"", value);
    trouble_cause(trouble, "java.lang.NumberFormatException", "For input string: \"%s\"", value);
    return false;
}

bool tool_i64(const struct tool_options *options, const char *name, int64_t *value, struct trouble *trouble)
{
    const char *text;

    if (!tool_text(options, name, &text, trouble))
        return false;
    if (text && !parse_i64(text, value))
        return no_number(name, text, trouble);
    return true;
}

bool tool_i32(const struct tool_options *options, const char *name, int32_t *value, struct trouble *trouble)
{
    const char *text;

    if (!tool_text(options, name, &text, trouble))
        return false;
    if (text && !parse_i32(text, value))
        return no_number(name, text, trouble);
    return true;
}

bool tool_given(const struct tool_options *options, size_t i, const char **name, const char **argument)
{
    if (i >= options->given_count)
        return false;
    *name = options->given[i].name;
    *argument = options->given[i].argument;
    return true;
}

size_t tool_words(const struct tool_options *options)
{
    return options->word_count;
}

const char *tool_word(const struct tool_options *options, size_t i)
{
    return i < options->word_count ? options->words[i] : NULL;
}

/* ---- CommandLineUtils ---- */

enum { USAGE_COLUMNS = 80, USAGE_NAME_COLUMNS = 40 };

/* One cell's next line: breaks at blanks, or in the middle of a word too long. */
static size_t cell_line(const char **text, size_t room)
{
    size_t size = strlen(*text), cut;

    while (**text == ' ')
        ++*text, --size;
    if (size <= room)
        return size;
    for (cut = room; cut && (*text)[cut] != ' '; cut--)
        ;
    return cut ? cut : room;
}

static void usage_row(struct call *call, const char *name, const char *help)
{
    const size_t room = USAGE_COLUMNS - USAGE_NAME_COLUMNS - 1;
    bool first = true;

    while (*name || *help) {
        size_t left_indent = first ? 0 : 2, right_indent = first ? 0 : 2;
        size_t left = cell_line(&name, USAGE_NAME_COLUMNS - left_indent), right = cell_line(&help, room - right_indent);

        call_error(call, "%*s%-*.*s %*s%-*.*s\n", (int)left_indent, "", (int)(USAGE_NAME_COLUMNS - left_indent),
                   (int)left, name, (int)right_indent, "", (int)(room - right_indent), (int)right, help);
        name += left;
        help += right;
        first = false;
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const struct option *const *)a)->name, (*(const struct option *const *)b)->name);
}

int tool_usage(struct call *call, const struct option *table, const char *format, ...)
{
    const struct option **rows = NULL;
    size_t count = 0, capacity = 0;
    va_list args;

    if (format) {
        va_start(args, format);
        char *first = mem_vprintf(format, args);
        va_end(args);
        call_error(call, "%s", first);
        mem_free(first);
    }
    for (const struct option *option = table; option->name; option++)
        if (tool_option_known(call, option))
            ARRAY_ADD(rows, count, capacity) = option;
    qsort(rows, count, sizeof(*rows), by_name);
    usage_row(call, "Option", "Description");
    usage_row(call, "------", "-----------");
    for (size_t i = 0; i < count; i++) {
        const char *argument = rows[i]->argument;
        char *name = !argument            ? mem_printf("--%s", rows[i]->name)
                     : argument[0] == '[' ? mem_printf("--%s %s", rows[i]->name, argument)
                                          : mem_printf("--%s <%s>", rows[i]->name, argument);

        if (!i || !text_equal(rows[i]->name, rows[i - 1]->name)) /* a row for each release: once */
            usage_row(call, name, rows[i]->help ? rows[i]->help : "");
        mem_free(name);
    }
    mem_free(rows);
    return 1;
}

bool tool_require(struct call *call, const struct tool_options *options, const char *const *names)
{
    for (; *names; names++)
        if (!tool_has(options, *names)) {
            tool_usage(call, call->command->options, "Missing required argument \"[%s]\"\n", *names);
            return false;
        }
    return true;
}

bool tool_forbid(struct call *call, const struct tool_options *options, const char *used, const char *const *invalid)
{
    if (!tool_has(options, used))
        return true;
    for (; *invalid; invalid++)
        if (tool_has(options, *invalid)) {
            tool_usage(call, call->command->options, "Option \"[%s]\" can't be used with option \"[%s]\"\n", used,
                       *invalid);
            return false;
        }
    return true;
}

void tool_print_version(struct call *call)
{
    call_print(call, release_is_27(call_release(call)) ? "2.7.0 (Commit:448719dc99a19793)\n" : "4.3.0\n");
}
