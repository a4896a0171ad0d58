/* cat: files, the brokers' as well, or what comes in. */
#include <string.h>

#include "shell/command.h"

static void show(struct call *call, const uint8_t *data, size_t size)
{
    struct text text = { 0 };
    size_t from = 0;

    if (!call->out->terminal) {
        call_write(call, data, size);
        return;
    }
    for (size_t i = 0; i <= size; i++) { /* a file of a broker is full of bytes that a terminal would obey */
        if (i < size && data[i] != '\n' && data[i] != '\t')
            continue;
        text_escaped(&text, (struct bytes){ data + from, i - from });
        if (i < size)
            text_char(&text, (char)data[i]);
        from = i + 1;
    }
    call_write(call, text_chars(&text), text.size);
    text_done(&text);
}

static int show_input(struct call *call)
{
    size_t size;
    char *line;

    while ((line = call_read_line(call, NULL, &size))) {
        show(call, (const uint8_t *)line, size);
        call_print(call, "\n");
        mem_free(line);
    }
    return call_interrupted(call) ? 130 : 0;
}

static int show_file(struct call *call, const char *name)
{
    struct lab *lab = call_lab(call);
    char *path = lab_resolve_path(lab, name);
    struct file_stat stat;
    struct file *file = NULL;
    struct reason reason = { "" };
    uint8_t part[16384];
    size_t got = 0;
    int64_t at = 0;
    int status = 1;

    if (fs_stat(lab_fs(lab), path, &stat)) {
        call_error(call, "cat: %s: No such file or directory\n", name);
    } else if (stat.folder) {
        call_error(call, "cat: %s: Is a directory\n", name);
    } else if (fs_open(lab_fs(lab), path, FILE_READ, &file, &reason)) {
        call_error(call, "cat: %s\n", reason.text);
    } else {
        status = 0;
        while (!status && !file_read_some(file, part, sizeof(part), at, &got, &reason) && got) {
            show(call, part, got);
            at += (int64_t)got;
            if (at % (1 << 20) == 0 && !call_yield(call))
                status = 130;
        }
    }
    file_close(file);
    mem_free(path);
    return status;
}

static int run(struct call *call)
{
    int status = 0;

    if (call->argc < 2)
        return show_input(call);
    if (!call_lab(call)) {
        call_error(call, "cat: there is no lab here\n");
        return 1;
    }
    for (int i = 1; i < call->argc && status != 130; i++)
        status |= !strcmp(call->argv[i], "-") ? show_input(call) : show_file(call, call->argv[i]);
    return status;
}

const struct command command_cat = {
    .name = "cat", .summary = "print files, the brokers' as well", .usage = "cat [FILE]...",
    .details = N_("Paths as in ls. On a terminal, bytes that are no text are shown as \\xNN."), .example = "cat /tmp/kafka-logs/students-0/leader-epoch-checkpoint",
    .argument = COMPLETE_FILE, .past = "", .run = run,
};
