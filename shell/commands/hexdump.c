/* hexdump: the bytes of a file, brokers' files too. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "shell/command.h"

static void print_line(struct call *call, int64_t at, const uint8_t *data, size_t size)
{
    struct text line = { 0 };

    text_printf(&line, "%08llx  ", (long long)at);
    for (size_t i = 0; i < 16; i++) {
        if (i < size)
            text_printf(&line, "%02x ", data[i]);
        else
            text_add(&line, "   ");
        if (i == 7)
            text_char(&line, ' ');
    }
    text_add(&line, " |");
    for (size_t i = 0; i < size; i++)
        text_char(&line, isprint(data[i]) && data[i] < 128 ? (char)data[i] : '.');
    text_add(&line, "|\n");
    call_write(call, text_chars(&line), line.size);
    text_done(&line);
}

static int dump(struct call *call, const char *name, int64_t from, int64_t most)
{
    struct lab *lab = call_lab(call);
    char *path = lab_resolve_path(lab, name);
    struct file *file = NULL;
    struct file_stat st;
    uint8_t data[16], last[16];
    size_t got = 0;
    bool starred = false, first = true;
    int64_t at = from, end;
    struct reason reason = { "" };

    if (fs_stat(lab_fs(lab), path, &st) || st.folder || fs_open(lab_fs(lab), path, FILE_READ, &file, &reason)) {
        call_error(call, "hexdump: %s: %s\n", name, reason.text[0] ? reason.text : "there is no such file");
        mem_free(path);
        return 1;
    }
    end = most > 0 && from + most < file_size(file) ? from + most : file_size(file);
    for (; at < end && !call_interrupted(call); at += 16) {
        size_t want = end - at < 16 ? (size_t)(end - at) : 16;

        if (file_read_some(file, data, want, at, &got, &reason) || !got)
            break;
        if (!first && got == 16 && !memcmp(data, last, 16) && at + 16 < end) { /* as hexdump: the same again is one star */
            if (!starred)
                call_print(call, "*\n");
            starred = true;
            if (at % (1 << 20) == 0 && !call_yield(call))
                break;
            continue;
        }
        starred = first = false;
        memcpy(last, data, got);
        print_line(call, at, data, got);
    }
    call_print(call, "%08llx\n", (long long)end);
    file_close(file);
    mem_free(path);
    return 0;
}

static int run(struct call *call)
{
    int64_t from = 0, most = 0;
    const char *name = NULL;

    for (int i = 1; i < call->argc; i++) {
        if (!strcmp(call->argv[i], "-s") && i + 1 < call->argc)
            from = strtoll(call->argv[++i], NULL, 0);
        else if (!strcmp(call->argv[i], "-n") && i + 1 < call->argc)
            most = strtoll(call->argv[++i], NULL, 0);
        else if (strcmp(call->argv[i], "-C"))
            name = call->argv[i];
    }
    if (!name || from < 0 || most < 0) {
        call_error(call, "hexdump: a file is wanted, for instance: hexdump students-0/00000000000000000000.log -n 97\n");
        return 2;
    }
    return dump(call, name, from, most);
}

static const struct option options[] = {
    { "s", "OFFSET", "begin at this byte", COMPLETE_NONE, RELEASE_ANY },
    { "n", "LENGTH", "show this many bytes", COMPLETE_NONE, RELEASE_ANY },
    { 0 },
};

const struct command command_hexdump = {
    .name = "hexdump", .summary = "the bytes of a file, brokers' files too", .usage = "hexdump FILE [-s OFFSET] [-n LENGTH]",
    .example = "hexdump students-0/00000000000000000000.log -n 97", .options = options, .argument = COMPLETE_FILE, .needs_lab = true, .looks = true, .run = run,
};
