/* Options of Kafka's tools, read as joptsimple reads them (without abbreviations, as all of Kafka's tools ask for):
 * "--opt value",
 * "--opt=value", "-opt", "--" ends them. Wrong ones are Java exceptions, because that is what the tools print. */
#pragma once
#include "shell/command.h"

/* ---- a Java exception, as far as a tool prints it ---- */
struct trouble {     /* all zero: none. The texts are its own: trouble_done() */
    char *exception; /* "joptsimple.UnrecognizedOptionException" */
    char *message;   /* NULL: the exception has none */
    struct {
        char *exception, *message;
    } causes[4];
    int cause_count;
    bool local; /* found by the tool or the client library, not answered by a broker */
};
void trouble_done(struct trouble *trouble);
/* Sets it (what was there is forgotten) and returns false, for `return trouble_set(...)`. Format NULL: no message. */
bool trouble_set(struct trouble *trouble, const char *exception, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* java.lang.IllegalArgumentException. */
bool trouble_illegal(struct trouble *trouble, const char *format, ...) __attribute__((format(printf, 2, 3)));
void trouble_cause(struct trouble *trouble, const char *exception, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* What it was becomes the first cause of a new one. `message` NULL: as Throwable(cause) makes it, "CLASS: MESSAGE" of
 * the cause. */
void trouble_wrap(struct trouble *trouble, const char *exception, const char *message);
/* "CLASS: MESSAGE\nCaused by: CLASS: MESSAGE\n": a stack trace without its frames. */
void trouble_text(const struct trouble *trouble, struct text *out);
void trouble_print(struct call *call, const struct trouble *trouble); /* to stderr */
/* Prints it with `Exception in thread "main" ` before, ends it and returns 1: a main() that let it fly. */
int trouble_uncaught(struct call *call, struct trouble *trouble);

/* ---- options ----
 * A row's `argument` says how it is read: NULL a flag, "Integer: n" and "Long: n" numbers, "[String]" one that may be
 * missing. */
struct tool_options;
/* Reads call->argv[1..]. False: *trouble tells, *out is NULL. Texts are borrowed from call->argv. */
bool tool_options_parse(struct tool_options **out, struct call *call, const struct option *table,
                        struct trouble *trouble);
void tool_options_done(struct tool_options *options);
bool tool_has(const struct tool_options *options, const char *name); /* given, with or without an argument */
bool tool_has_argument(const struct tool_options *options, const char *name);
size_t tool_count(const struct tool_options *options, const char *name); /* how many arguments */
const char *tool_at(const struct tool_options *options, const char *name, size_t i);
/* The only argument, NULL when not given. False: given twice (MultipleArgumentsForOptionException). */
bool tool_text(const struct tool_options *options, const char *name, const char **value, struct trouble *trouble);
/* *value stays as it is when not given. False: given twice, or no number (OptionArgumentConversionException). */
bool tool_i32(const struct tool_options *options, const char *name, int32_t *value, struct trouble *trouble);
bool tool_i64(const struct tool_options *options, const char *name, int64_t *value, struct trouble *trouble);
/* All that was given, in the order of the line; false: no more. `argument` NULL: none. */
bool tool_given(const struct tool_options *options, size_t i, const char **name, const char **argument);
/* Words that belong to no option. */
size_t tool_words(const struct tool_options *options);
const char *tool_word(const struct tool_options *options, size_t i);

/* ---- what Kafka's CommandLineUtils does ---- */
/* The table of options on stderr, after `first` (with its newline; NULL: nothing). Returns 1, the exit status. */
int tool_usage(struct call *call, const struct option *table, const char *first_format, ...)
    __attribute__((format(printf, 3, 4)));
/* All of the NULL-ended names given; else says which is missing, prints the usage and returns false. */
bool tool_require(struct call *call, const struct tool_options *options, const char *const *names);
/* `used` given together with one of `invalid`: says so, prints the usage and returns false. */
bool tool_forbid(struct call *call, const struct tool_options *options, const char *used, const char *const *invalid);
/* --version's line. */
void tool_print_version(struct call *call);
