/* echo: prints its words, for instance into a console producer. */
#include <stdlib.h>
#include <string.h>

#include "shell/command.h"

/* \n, \t, \\ and \0NNN, \xHH of echo -e. */
static void add_escaped(struct text *out, const char *word)
{
    static const char letters[] = "abefnrtv\\", bytes[] = "\a\b\033\f\n\r\t\v\\";

    for (; *word; word++) {
        const char *found = *word == '\\' && word[1] ? strchr(letters, word[1]) : NULL;
        bool hex = *word == '\\' && word[1] == 'x';

        if (found) {
            text_char(out, bytes[found - letters]);
            word++;
        } else if (hex || (*word == '\\' && word[1] == '0')) {
            char digits[4] = "", *end;

            strncpy(digits, word + 2, hex ? 2 : 3);
            text_char(out, (char)strtol(digits, &end, hex ? 16 : 8));
            word += 1 + (end - digits);
        } else {
            text_char(out, *word);
        }
    }
}

static int run(struct call *call)
{
    struct text out = { 0 };
    bool line_end = true, escapes = false;
    int at = 1;

    for (; at < call->argc && call->argv[at][0] == '-' && call->argv[at][1] && !call->argv[at][1 + strspn(call->argv[at] + 1, "neE")]; at++) {
        line_end &= !strchr(call->argv[at], 'n');
        escapes |= strchr(call->argv[at], 'e') != NULL;
    }
    for (int i = at; i < call->argc; i++) {
        if (i > at)
            text_char(&out, ' ');
        if (escapes)
            add_escaped(&out, call->argv[i]);
        else
            text_add(&out, call->argv[i]);
    }
    if (line_end)
        text_char(&out, '\n');
    call_write(call, text_chars(&out), out.size);
    text_done(&out);
    return 0;
}

const struct command command_echo = {
    .name = "echo", .summary = "print words", .usage = "echo [-n] [-e] [WORD]...", .details = N_("-n: no end of line; -e: \\n, \\t, \\xHH mean what they say."),
    .example = "echo Hello, World! | kafka-console-producer.sh --topic students --bootstrap-server localhost:9092", .local = true, .past = "", .run = run,
};
