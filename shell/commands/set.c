/* set: how this session behaves. */
#include <string.h>

#include "shell/command.h"

static const char *const modes[] = { "table", "csv", "json" };

static int set_mode(struct call *call, const char *value)
{
    for (int i = 0; i < 3; i++) {
        if (text_equal(value, modes[i])) {
            call->session->mode = (enum print_mode)i;
            return 0;
        }
    }
    call_error(call, "set: mode is table, csv or json, not '%s'\n", value ? value : "");
    return 2;
}

static int set_lang(struct call *call, const char *value)
{
    enum lang lang;

    if (!value || !lang_parse(value, &lang)) {
        call_error(call, _(call->session->lang, "set: lang is en or ru, not '%s'\n"), value ? value : "");
        return 2;
    }
    if (!lang_known(lang)) {
        call_error(call, "set: the texts of '%s' are not here: share/locale/%s/LC_MESSAGES/kafkarium.mo beside the program; `make` builds it\n", value,
                   lang_code(lang));
        return 1;
    }
    call->session->lang = lang;
    return 0;
}

static int run(struct call *call)
{
    struct session *session = call->session;
    int status = 0;

    if (call->argc == 1) {
        call_print(call, "mode %s\nlang %s\nset %ce\n", modes[session->mode], lang_code(session->lang), session->stop_at_error ? '-' : '+');
        return 0;
    }
    for (int i = 1; i < call->argc && !status; i++) {
        const char *word = call->argv[i];

        if (*word == '-' || *word == '+') { /* -ex, -euo pipefail: what has no meaning here does no harm */
            if (strchr(word, 'e'))
                session->stop_at_error = *word == '-';
            if (strchr(word, 'o') && i + 1 < call->argc)
                i++;
        } else if (text_equal(word, "mode")) {
            status = set_mode(call, i + 1 < call->argc ? call->argv[++i] : NULL);
        } else if (text_starts(word, "mode=")) {
            status = set_mode(call, word + 5);
        } else if (text_equal(word, "lang")) {
            status = set_lang(call, i + 1 < call->argc ? call->argv[++i] : NULL);
        } else if (text_starts(word, "lang=")) {
            status = set_lang(call, word + 5);
        } else {
            call_error(call, "set: what is '%s'? It is set -e, set +e, set mode table|csv|json, or set lang en|ru\n", word);
            status = 2;
        }
    }
    return status;
}

const struct command command_set = {
    .name = "set", .summary = "how this session behaves", .usage = "set [-e|+e] [mode table|csv|json] [lang en|ru]",
    .details = N_("-e: stop at the first command that fails. mode: how sql and Kafkarium's own commands print. lang: the language of lessons,\n"
               "of why and of what happens; what Kafka's tools print stays English, as Kafka's. Alone: what is set. "
               "Variables: NAME=VALUE, then $NAME."),
    .example = "set mode csv", .words = "mode lang -e +e", .local = true, .past = "", .run = run,
};
