/* The shell's language: text becomes statements. Knows words, quotes, redirections and what people paste from courses and notebooks; runs
 * nothing. One statement is parsed at a time, so that a variable set by one is seen by the next. */
#pragma once
#include "shell/command.h"

enum redirect_kind {
    REDIRECT_IN,          /* < FILE */
    REDIRECT_TEXT,        /* <<< WORD, << END: `word` is the text */
    REDIRECT_OUT,         /* > FILE */
    REDIRECT_APPEND,      /* >> FILE */
    REDIRECT_ERR,         /* 2> FILE */
    REDIRECT_ERR_APPEND,  /* 2>> FILE */
    REDIRECT_ERR_TO_OUT,  /* 2>&1 */
    REDIRECT_OUT_TO_ERR,  /* >&2 */
};
struct redirect {
    enum redirect_kind kind;
    char *word;           /* NULL for the last two */
};
struct simple {           /* one command of a pipeline */
    char **argv;          /* argv[0] without path and .sh where it is ours; NULL after the last */
    int argc;
    size_t argv_capacity;
    struct redirect *redirects;
    size_t redirect_count, redirect_capacity;
    char *source;         /* as typed, without redirections and prefixes: for /bin/sh */
    const struct command *command; /* NULL: none of ours */
};
enum join { JOIN_ALWAYS, JOIN_AND, JOIN_OR };
enum statement_kind {
    STATEMENT_RUN,
    STATEMENT_ASSIGN,     /* NAME=VALUE ...: argv of the only stage */
    STATEMENT_PYTHON,     /* a block of Python */
    STATEMENT_NOT_NEEDED, /* wget, docker, kafka-server-start ...: `hint` says why */
    STATEMENT_LAYOUT,     /* typed with a Russian layout: `hint` is what was meant */
};
struct statement {
    enum statement_kind kind;
    enum join join;       /* to the statement before */
    bool background, bang;
    struct simple *stages;
    size_t count, capacity;
    char *source;         /* for `jobs` */
    char *hint;
};
void statement_done(struct statement *statement);

typedef const char *language_variable(void *context, const char *name); /* NULL: not set */
struct language {
    const char *text, *at;
    language_variable *variable; /* may be NULL */
    void *context;
    /* inside */
    enum join join;
    bool bang, incomplete, in_line;
    const char *skip_at, *skip_to;  /* a here-document: from its line's end to behind it */
};
void language_begin(struct language *language, const char *text, language_variable *variable, void *context);
/* 1: a statement in *out (statement_done ends it); 0: the end; -1: wrong, with a sentence; the rest of that line was passed over. */
int language_next(struct language *language, struct statement *out, struct reason *reason);
/* False: more lines are needed: an open quote, a backslash or a pipe at the end. */
bool language_complete(const char *text);
/* "kafka-topics" of "лфалф-ещзшсы"; NULL where nothing is Cyrillic. The caller's. */
char *language_from_cyrillic(const char *text);
