/* Text to statements. Source for the shape of words: POSIX, Shell Command Language; here without substitution of commands. */
#include "shell/language.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "shell/pasted.h"

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* A blank, or a no-break space as pages and chats have it; its size. */
static size_t blank_size(const char *at)
{
    return blank(*at) ? 1 : (uint8_t)at[0] == 0xc2 && (uint8_t)at[1] == 0xa0 ? 2 : at[0] == '\\' && at[1] == '\n' ? 2 : at[0] == '\\' && at[1] == '\r' && at[2] == '\n' ? 3 : 0;
}

static const char *line_end(const char *at)
{
    const char *end = strchr(at, '\n');

    return end ? end : at + strlen(at);
}

static void skip_blanks(struct language *language)
{
    size_t size;

    while ((size = blank_size(language->at)))
        language->at += size;
    if (language->at[0] == '\\' && !language->at[1]) {
        language->incomplete = true;
        language->at++;
    }
}

static void end_line(struct language *language)
{
    if (*language->at == '\n')
        language->at = language->skip_at == language->at ? language->skip_to : language->at + 1;
    language->in_line = false;
    language->bang = false;
}

/* ---- statements as memory ---- */

static void simple_done(struct simple *simple)
{
    for (int i = 0; i < simple->argc; i++)
        mem_free(simple->argv[i]);
    mem_free(simple->argv);
    for (size_t i = 0; i < simple->redirect_count; i++)
        mem_free(simple->redirects[i].word);
    mem_free(simple->redirects);
    mem_free(simple->source);
}

void statement_done(struct statement *statement)
{
    for (size_t i = 0; i < statement->count; i++)
        simple_done(&statement->stages[i]);
    mem_free(statement->stages);
    mem_free(statement->source);
    mem_free(statement->hint);
    *statement = (struct statement){ 0 };
}

static void add_word(struct simple *simple, char *word)
{
    size_t count = (size_t)simple->argc;

    ARRAY_ADD(simple->argv, count, simple->argv_capacity) = word;
    simple->argc = (int)count;
    ARRAY_ADD(simple->argv, count, simple->argv_capacity) = NULL; /* not counted */
}

static void drop_words(struct simple *simple, int count)
{
    for (int i = 0; i < count; i++)
        mem_free(simple->argv[i]);
    memmove(simple->argv, simple->argv + count, (size_t)(simple->argc - count + 1) * sizeof(*simple->argv));
    simple->argc -= count;
}

/* ---- words ---- */

struct word {
    struct text text;
    bool any;             /* also an empty one in quotes */
};

static void flush_word(struct simple *simple, struct word *word)
{
    if (word->any && simple)
        add_word(simple, word->text.size ? mem_text(text_chars(&word->text)) : mem_text(""));
    text_clear(&word->text);
    word->any = false;
}

static size_t name_size(const char *at)
{
    size_t size = 0;

    if (isalpha((unsigned char)*at) || *at == '_')
        while (isalnum((unsigned char)at[size]) || at[size] == '_')
            size++;
    return size;
}

/* $NAME, ${NAME} or $? at the cursor; false where the dollar is just a dollar. Unquoted values fall apart into words. */
static bool take_variable(struct language *language, struct simple *simple, struct word *word, bool quoted)
{
    const char *at = language->at + 1, *value;
    bool braces = *at == '{';
    size_t size = *at == '?' ? 1 : name_size(at + braces);
    char *name;

    if (!size || (braces && at[1 + size] != '}') || !language->variable)
        return false;
    name = mem_text_size(at + braces, size);
    value = language->variable(language->context, name);
    mem_free(name);
    language->at = at + size + (braces ? 2 : 0);
    for (; value && *value; value++) {
        if (!quoted && simple && blank(*value)) {
            flush_word(simple, word);
        } else {
            text_char(&word->text, *value);
            word->any = true;
        }
    }
    return true;
}

/* “ ” „ as word processors make them; their size. */
static size_t curly_quote(const char *at)
{
    return !memcmp(at, "\xe2\x80", strnlen(at, 2) == 2 ? 2 : 0) && strnlen(at, 3) == 3 && ((uint8_t)at[2] == 0x9c || (uint8_t)at[2] == 0x9d || (uint8_t)at[2] == 0x9e) ? 3 : 0;
}

static void take_double_quotes(struct language *language, struct word *word)
{
    bool curly = *language->at != '"';

    language->at += curly ? 3 : 1;
    word->any = true;
    for (;;) {
        const char *at = language->at;

        if (!*at) {
            language->incomplete = true;
            return;
        }
        if (curly ? curly_quote(at) > 0 : *at == '"') {
            language->at += curly ? 3 : 1;
            return;
        }
        if (*at == '$' && take_variable(language, NULL, word, true))
            continue;
        if (*at == '\\' && at[1] == '\n') {
            language->at += 2;
            continue;
        }
        if (*at == '\\' && at[1] && strchr("\\\"$`", at[1]))
            language->at++;
        text_char(&word->text, *language->at++);
    }
}

static void take_single_quotes(struct language *language, struct word *word)
{
    const char *end = strchr(++language->at, '\'');

    word->any = true;
    if (!end) {
        language->incomplete = true;
        end = language->at + strlen(language->at);
    }
    text_add_size(&word->text, language->at, (size_t)(end - language->at));
    language->at = *end ? end + 1 : end;
}

/* "—topic" of a chat is "--topic". */
static bool take_long_dash(struct language *language, struct word *word)
{
    const char *at = language->at;

    if (word->any || strncmp(at, "\xe2\x80", 2) || ((uint8_t)at[2] != 0x93 && (uint8_t)at[2] != 0x94) || !isalpha((unsigned char)at[3]))
        return false;
    text_add(&word->text, "--");
    word->any = true;
    language->at += 3;
    return true;
}

static bool ends_word(const char *at, bool compares)
{
    return !*at || *at == '\n' || blank_size(at) || *at == ';' || *at == '|' || *at == '&' || (!compares && (*at == '<' || *at == '>'));
}

/* One word; may be several, or none, where a variable is in it. */
static void take_word(struct language *language, struct simple *simple, struct word *word, bool compares)
{
    bool dos = false;

    if (simple && !simple->argc) { /* bin\windows\kafka-topics.bat */
        const char *end = language->at + strcspn(language->at, " \t\r\n");

        dos = end - language->at > 4 && !memcmp(end - 4, ".bat", 4);
    }
    while (!ends_word(language->at, compares)) {
        const char *at = language->at;

        if (compares && simple && simple->argc > 1 && (*at == '\'' || *at == '"')) { /* SQL's own quotes */
            const char *end = strchr(at + 1, *at);

            end = end ? end + 1 : at + strlen(at);
            text_add_size(&word->text, at, (size_t)(end - at));
            word->any = true;
            language->incomplete |= !*end && end[-1] != *at;
            language->at = end;
        } else if (*at == '"' || curly_quote(at)) {
            take_double_quotes(language, word);
        } else if (*at == '\'') {
            take_single_quotes(language, word);
        } else if (*at == '$' && take_variable(language, simple, word, false)) {
            ;
        } else if (take_long_dash(language, word)) {
            ;
        } else if (*at == '\\' && dos) {
            text_char(&word->text, '/');
            language->at++;
        } else {
            if (*at == '\\') {
                at++;
                language->at++;
                if (!*at) {
                    language->incomplete = true;
                    break;
                }
            }
            text_char(&word->text, *at);
            word->any = true;
            language->at++;
        }
    }
}

/* ---- redirections ---- */

/* The here-document of this line: its lines up to the one that is `end` alone. */
static void take_document(struct language *language, struct redirect *redirect, const char *end, bool strip)
{
    const char *line = language->skip_at ? language->skip_to : line_end(language->at);
    struct text text = { 0 };

    if (!language->skip_at) {
        language->skip_at = line;
        line += *line != 0;
    }
    for (;;) {
        const char *stop = line_end(line), *from = line;
        size_t size;

        if (!*line) {
            language->incomplete = true;
            break;
        }
        while (strip && *from == '\t')
            from++;
        size = (size_t)(stop - from) - (stop > from && stop[-1] == '\r');
        line = stop + (*stop != 0);
        if (size == strlen(end) && !memcmp(from, end, size))
            break;
        text_add_size(&text, from, size);
        text_char(&text, '\n');
    }
    language->skip_to = line;
    redirect->word = mem_text(text_chars(&text));
    text_done(&text);
}

static const struct { const char *sign; enum redirect_kind kind; bool wants, both; } signs[] = { /* longest first */
    { "<<<", REDIRECT_TEXT, true, false },     { "2>&1", REDIRECT_ERR_TO_OUT, false, false }, { "1>&2", REDIRECT_OUT_TO_ERR, false, false },
    { "2>>", REDIRECT_ERR_APPEND, true, false }, { "&>>", REDIRECT_APPEND, true, true },      { "1>>", REDIRECT_APPEND, true, false },
    { ">&2", REDIRECT_OUT_TO_ERR, false, false }, { "2>", REDIRECT_ERR, true, false },        { "&>", REDIRECT_OUT, true, true },
    { "1>", REDIRECT_OUT, true, false },       { ">>", REDIRECT_APPEND, true, false },        { ">|", REDIRECT_OUT, true, false },
    { ">", REDIRECT_OUT, true, false },        { "<", REDIRECT_IN, true, false },
};

/* 1: took one, 0: there is none here, -1: wrong. */
static int take_redirect(struct language *language, struct simple *simple, struct reason *reason)
{
    const char *at = language->at;
    bool document = !strncmp(at, "<<", 2) && at[2] != '<';
    struct redirect redirect = { 0 };
    struct word word = { 0 };
    size_t row = 0;

    while (row < sizeof(signs) / sizeof(*signs) && strncmp(at, signs[row].sign, strlen(signs[row].sign)) != 0)
        row++;
    if (row == sizeof(signs) / sizeof(*signs))
        return 0;
    language->at += document ? 2 + (at[2] == '-') : strlen(signs[row].sign);
    redirect.kind = document ? REDIRECT_TEXT : signs[row].kind;
    if (document || signs[row].wants) {
        skip_blanks(language);
        take_word(language, NULL, &word, false);
        if (!word.any) {
            err_because(ERR_INVALID_REQUEST, reason, "a %s is wanted after %.*s", signs[row].kind == REDIRECT_TEXT ? "text" : "file",
                        (int)strlen(signs[row].sign), at);
            text_done(&word.text);
            return -1;
        }
        if (document)
            take_document(language, &redirect, text_chars(&word.text), at[2] == '-');
        else
            redirect.word = mem_printf("%s%s", text_chars(&word.text), redirect.kind == REDIRECT_TEXT ? "\n" : "");
        text_done(&word.text);
    }
    ARRAY_ADD(simple->redirects, simple->redirect_count, simple->redirect_capacity) = redirect;
    if (!document && signs[row].both)
        ARRAY_ADD(simple->redirects, simple->redirect_count, simple->redirect_capacity) = (struct redirect){ REDIRECT_ERR_TO_OUT, NULL };
    return 1;
}

/* ---- SQL: the rest of the line is one word ---- */

static void take_raw(struct language *language, struct simple *simple, struct text *source)
{
    struct text text = { 0 };
    const char *at = language->at;
    int depth = 0;

    for (; *at; at++) {
        if (*at == '\'' || *at == '"') {
            const char *end = strchr(at + 1, *at);

            if (!end) {
                language->incomplete = true;
                end = at + strlen(at) - 1;
            }
            text_add_size(&text, at, (size_t)(end - at + 1));
            at = end;
            continue;
        }
        if (*at == ';' || (*at == '&' && at[1] == '&'))
            break;
        if (*at == '|' && at[1] != '|')
            break;
        if (*at == '|') {
            text_char(&text, *at++);
        } else if (*at == '#' && at > language->text && blank(at[-1])) {
            at = line_end(at) - 1;
            continue;
        } else if (*at == '\n') {
            const char *last = text_chars(&text) + text.size;

            while (last > text_chars(&text) && blank(last[-1]))
                last--;
            if (depth <= 0 && !(last > text_chars(&text) && last[-1] == ',') && !pasted_sql_goes_on(at + 1))
                break;
        } else if (*at == '\\' && at[1] == '\n') {
            continue;
        }
        depth += (*at == '(') - (*at == ')');
        text_char(&text, *at);
    }
    if (!*at && depth > 0)
        language->incomplete = true;
    while (text.size && (blank(text.data[text.size - 1]) || text.data[text.size - 1] == '\n'))
        text.data[--text.size] = 0;
    text_add(source, text_chars(&text));
    add_word(simple, mem_text(text_chars(&text)));
    text_done(&text);
    language->at = at;
}

/* ---- one command ---- */

static bool assignment(const char *word)
{
    size_t size = name_size(word);

    return size && word[size] == '=';
}

/* Name and prefixes settled once all words are there. */
static void settle(struct simple *simple)
{
    int skip = 0;

    while (skip < simple->argc && assignment(simple->argv[skip]))
        skip++;
    if (skip && skip < simple->argc) /* KAFKA_HEAP_OPTS=... kafka-topics.sh */
        drop_words(simple, skip);
    if (!simple->argc)
        return;
    skip = pasted_wrapped(simple->argv, simple->argc);
    if (skip)
        drop_words(simple, skip);
    if (simple->argc > 1 && strstr(simple->argv[0], "kafka-run-class") && command_of_class(simple->argv[1])) {
        drop_words(simple, 1); /* the class stays: not each release has each */
        simple->command = command_of_class(simple->argv[0]);
        return;
    }
    simple->command = command_find(simple->argv[0]);
    if (simple->command) {
        mem_free(simple->argv[0]);
        simple->argv[0] = mem_text(simple->command->name);
    }
}

static bool bare_sql(const char *at)
{
    size_t size = name_size(at);

    return ((size == 6 && !strncasecmp(at, "select", 6)) || (size == 4 && !strncasecmp(at, "with", 4))) && (blank_size(at + size) || strchr("\n*('\"", at[size])) && at[size];
}

static int take_simple(struct language *language, struct simple *simple, struct reason *reason)
{
    struct word word = { 0 };
    struct text source = { 0 };
    int status = 1;

    skip_blanks(language);
    if (bare_sql(language->at)) {
        add_word(simple, mem_text("sql"));
        take_raw(language, simple, &source);
    }
    while (status > 0) {
        const char *from;
        const struct command *command;
        int before = simple->argc;

        skip_blanks(language);
        command = simple->argc == 1 ? command_find(simple->argv[0]) : NULL;
        if (command && command->raw && *language->at && *language->at != '"' && *language->at != '\'' && !ends_word(language->at, false)) {
            text_char(&source, ' ');
            take_raw(language, simple, &source);
            break;
        }
        if (*language->at == '#') {
            language->at = line_end(language->at);
            break;
        }
        command = simple->argc ? command_find(simple->argv[0]) : NULL;
        if (!command || !command->compares) {
            int took = take_redirect(language, simple, reason);

            if (took < 0)
                status = -1;
            if (took)
                continue;
        }
        if (ends_word(language->at, command && command->compares))
            break;
        from = language->at;
        take_word(language, simple, &word, command && command->compares);
        flush_word(simple, &word);
        if (simple->argc > 1 || !assignment(simple->argc ? simple->argv[0] : "") || before) {
            text_add(&source, source.size ? " " : "");
            text_add_size(&source, from, (size_t)(language->at - from));
        }
    }
    text_done(&word.text);
    simple->source = mem_text(text_chars(&source));
    text_done(&source);
    if (status > 0)
        settle(simple);
    return status;
}

/* ---- statements ---- */

/* "In [6]:", "Out[3]: ...", "%%bash", "!", "$ ", a prompt of ours: what stands before a line in notebooks and manuals. */
static void strip_prefixes(struct language *language)
{
    static const char *const prompts[] = { "kafkarium> ", "$ " };
    int used;

    for (;;) {
        const char *at;

        skip_blanks(language);
        at = language->at;
        used = 0;
        if (!strncmp(at, "In", 2) && (at[2] == '[' || (at[2] == ' ' && at[3] == '['))) {
            used = (int)strcspn(at, "]:\n");
            used = at[used] == ']' ? used + 1 + (at[used + 1] == ':') : 0;
        } else if (!strncmp(at, "Out[", 4) || !strncmp(at, "%%bash", 6) || !strncmp(at, "%%sh", 4) || !strncmp(at, "%%capture", 9)) {
            used = (int)(line_end(at) - at);
        } else if (*at == '!') {
            language->bang = true;
            used = 1;
        } else if (!language->bang) {
            for (size_t i = 0; !used && i < sizeof(prompts) / sizeof(*prompts); i++)
                if (!strncmp(at, prompts[i], strlen(prompts[i])))
                    used = (int)strlen(prompts[i]);
        }
        if (!used)
            return;
        language->at += used;
    }
}

static void hint(struct statement *statement, enum statement_kind kind, char *text)
{
    statement->kind = kind;
    mem_free(statement->hint);
    statement->hint = text;
}

/* What a statement is, when its words are known. */
static void judge(struct statement *statement)
{
    struct simple *first = &statement->stages[0];
    const char *why;
    char *latin;
    int assigned = 0;

    if (!first->argc)
        return;
    if (first->command)
        return;
    if (!strcmp(first->argv[0], "export") && first->argc > 1 && assignment(first->argv[1]))
        drop_words(first, 1);
    while (assigned < first->argc && assignment(first->argv[assigned]))
        assigned++;
    if (assigned && assigned == first->argc) {
        statement->kind = STATEMENT_ASSIGN;
        return;
    }
    why = pasted_not_needed(first->argv, first->argc, statement->bang);
    if (why) {
        hint(statement, STATEMENT_NOT_NEEDED, mem_text(why));
        return;
    }
    latin = language_from_cyrillic(statement->source);
    if (latin) {
        char *word = mem_text_size(latin, strcspn(latin, " \t\n|;&<>"));

        if (command_find(word) || command_nearest(word)) {
            hint(statement, STATEMENT_LAYOUT, latin);
            latin = NULL;
        }
        mem_free(word);
        mem_free(latin);
    }
}

static void take_statement_end(struct language *language, struct statement *statement)
{
    language->join = JOIN_ALWAYS;
    skip_blanks(language);
    if (!strncmp(language->at, "&&", 2) || !strncmp(language->at, "||", 2)) {
        language->join = *language->at == '&' ? JOIN_AND : JOIN_OR;
        language->at += 2;
        for (;;) { /* the right side may stand on the next line */
            skip_blanks(language);
            if (*language->at != '\n' || language->at == language->skip_at)
                break;
            language->at++;
        }
        language->incomplete |= !*language->at;
    } else if (*language->at == '&') {
        statement->background = true;
        language->at++;
    } else if (*language->at == ';') {
        language->at++;
    }
}

static int take_pipeline(struct language *language, struct statement *statement, struct reason *reason)
{
    const char *from = language->at;

    for (;;) {
        struct simple simple = { 0 };
        int status = take_simple(language, &simple, reason);
        bool empty = !simple.argc && !simple.redirect_count;

        ARRAY_ADD(statement->stages, statement->count, statement->capacity) = simple;
        if (status < 0)
            return status;
        if (empty && (statement->count > 1 || strchr("|&", *language->at)) && *language->at != '\n' && !language->incomplete && *language->at) {
            err_because(ERR_INVALID_REQUEST, reason, "a command is wanted before '%.*s'", language->at[0] == language->at[1] ? 2 : 1, language->at);
            return -1;
        }
        if (empty && statement->count > 1 && !language->incomplete) {
            err_because(ERR_INVALID_REQUEST, reason, "a command is wanted after '|'");
            return -1;
        }
        if (*language->at != '|' || language->at[1] == '|')
            break;
        language->at++;
        if (*language->at == '&') { /* |& */
            struct simple *last = &statement->stages[statement->count - 1];

            ARRAY_ADD(last->redirects, last->redirect_count, last->redirect_capacity) = (struct redirect){ REDIRECT_ERR_TO_OUT, NULL };
            language->at++;
        }
        skip_blanks(language);
        while (*language->at == '\n' && language->at != language->skip_at) {
            language->at++;
            skip_blanks(language);
        }
        if (!*language->at)
            language->incomplete = true;
    }
    while (language->at > from && blank(language->at[-1]))
        language->at--;
    statement->source = mem_text_size(from, (size_t)(language->at - from));
    return 1;
}

/* `for x in ...; do ...; done` after a `!`: all of the line is the system shell's. */
static bool whole_line(struct language *language, struct statement *statement)
{
    static const char *const words[] = { "for ", "while ", "if ", "case ", "(", "{ " };
    struct simple simple = { 0 };
    bool is = false;

    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        is |= text_starts(language->at, words[i]);
    if (!is || !language->bang)
        return false;
    simple.source = mem_text_size(language->at, (size_t)(line_end(language->at) - language->at));
    add_word(&simple, mem_text_size(language->at, strcspn(language->at, " ")));
    ARRAY_ADD(statement->stages, statement->count, statement->capacity) = simple;
    statement->source = mem_text(simple.source);
    language->at = line_end(language->at);
    return true;
}

void language_begin(struct language *language, const char *text, language_variable *variable, void *context)
{
    *language = (struct language){ .text = text, .at = text, .variable = variable, .context = context };
    if (!strncmp(text, "\xef\xbb\xbf", 3))
        language->at += 3;
}

int language_next(struct language *language, struct statement *out, struct reason *reason)
{
    *out = (struct statement){ 0 };
    for (;;) {
        int status;

        skip_blanks(language);
        if (!language->in_line) {
            strip_prefixes(language);
            if (!language->bang && pasted_python(language->at)) {
                out->join = JOIN_ALWAYS;
                out->kind = STATEMENT_PYTHON;
                out->source = mem_text_size(language->at, strcspn(language->at, "\n"));
                language->at = pasted_python_end(language->at);
                return 1;
            }
        }
        if (!*language->at)
            return 0;
        if (*language->at == '#')
            language->at = line_end(language->at);
        if (*language->at == '\n') {
            end_line(language);
            continue;
        }
        if (!*language->at)
            return 0;
        if (*language->at == ';' && language->in_line) {
            language->at++;
            continue;
        }
        if (language->in_line && *language->at == '!' && language->at[1] && !blank_size(language->at + 1)) { /* echo a; !date */
            language->at++;
            out->bang = true;
        }
        language->in_line = true;
        out->join = language->join;
        out->bang |= language->bang;
        status = whole_line(language, out) ? 1 : take_pipeline(language, out, reason);
        if (status < 0) {
            statement_done(out);
            language->join = JOIN_ALWAYS;
            language->at = line_end(language->at);
            return -1;
        }
        take_statement_end(language, out);
        judge(out);
        return 1;
    }
}

bool language_complete(const char *text)
{
    struct language language;
    struct statement statement;
    int status;

    language_begin(&language, text, NULL, NULL);
    while ((status = language_next(&language, &statement, NULL)) != 0) {
        if (status > 0)
            statement_done(&statement);
        if (language.incomplete)
            return false;
    }
    return !language.incomplete;
}

/* By key: what the Latin letter on the same key is. */
char *language_from_cyrillic(const char *text)
{
    static const char *const cyrillic = "йцукенгшщзхъфывапролджэячсмитьбю.ё", latin[] = "qwertyuiop[]asdfghjkl;'zxcvbnm,./`";
    struct text out = { 0 };
    bool any = false;

    for (const char *at = text; *at;) {
        const char *key = cyrillic;
        size_t i = 0, size = (uint8_t)*at >= 0xc0 ? 2 : 1;
        char lower[3] = { at[0], size == 2 ? at[1] : 0, 0 };
        bool upper = false;

        if (size == 2 && !at[1])
            break;
        if (size == 2 && (uint8_t)at[0] == 0xd0 && (uint8_t)at[1] >= 0x90 && (uint8_t)at[1] <= 0xaf) { /* А..Я */
            unsigned code = 0x410u + ((uint8_t)at[1] - 0x90u) + 0x20;

            lower[0] = (char)(0xc0 | code >> 6);
            lower[1] = (char)(0x80 | (code & 0x3f));
            upper = true;
        }
        for (; *key; i++) {
            size_t width = (uint8_t)*key >= 0xc0 ? 2 : 1;

            if (width == size && size == 2 && !memcmp(key, lower, 2))
                break;
            key += width;
        }
        if (*key) {
            any = true;
            text_char(&out, upper ? (char)toupper((unsigned char)latin[i]) : latin[i]);
        } else {
            text_add_size(&out, at, size);
        }
        at += size;
    }
    if (any)
        return text_take(&out);
    text_done(&out);
    return NULL;
}
