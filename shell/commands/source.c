/* source: runs the lines of a file here. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "shell/command.h"

enum { MOST_BYTES = 16 << 20 };

static int run(struct call *call)
{
    struct text text = { 0 };
    char part[16384];
    size_t got;
    FILE *file;
    int status;

    if (call->argc != 2) {
        call_error(call, "source: one file is wanted, for instance: source lesson.kfk\n");
        return 2;
    }
    file = fopen(call->argv[1], "re");
    if (!file) {
        call_error(call, "source: %s: %s\n", call->argv[1], strerror(errno));
        return 1;
    }
    while (text.size < MOST_BYTES && (got = fread(part, 1, sizeof(part), file)) > 0)
        text_add_size(&text, part, got);
    if (ferror(file) || text.size >= MOST_BYTES || (text.size && memchr(text.data, 0, text.size))) {
        call_error(call, "source: %s: %s\n", call->argv[1], ferror(file) ? strerror(errno) : "this is no text");
        status = 1;
    } else {
        status = session_run(call->task, call->session, text_chars(&text), call->out, call->err, call->in);
    }
    fclose(file);
    text_done(&text);
    return status;
}

const struct command command_source = {
    .name = "source", .summary = "run the lines of a file", .usage = "source FILE", .details = N_("As if typed here; set -e in it stops at the first command that fails."),
    .example = "source retention.kfk", .argument = COMPLETE_FILE, .local = true, .past = "", .run = run,
};
