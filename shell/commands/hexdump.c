/* hexdump: the bytes of a file; of one of Kafka's, with what each of its fields is. */
#include "shell/commands/hexdump.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { NARROW = 8, WIDE = 16, WIDE_FROM = 112 };

/* ---- plain bytes ---- */

static void plain_line(struct text *out, int64_t at, struct bytes bytes)
{
    text_printf(out, "%08" PRIx64 "  ", at);
    for (size_t i = 0; i < 16; i++) {
        if (i < bytes.size)
            text_printf(out, "%02x ", bytes.data[i]);
        else
            text_add(out, "   ");
        if (i == 7)
            text_char(out, ' ');
    }
    text_add(out, " |");
    for (size_t i = 0; i < bytes.size; i++)
        text_char(out, bytes.data[i] >= 32 && bytes.data[i] < 127 ? (char)bytes.data[i] : '.');
    text_add(out, "|\n");
}

void hexdump_bytes(struct hexdump *hexdump, int64_t at, struct bytes bytes)
{
    bool starred = false;

    for (size_t i = 0; i < bytes.size; i += 16) {
        struct bytes here = { bytes.data + i, bytes.size - i < 16 ? bytes.size - i : 16 };

        if (i && here.size == 16 && i + 16 < bytes.size && !memcmp(here.data, here.data - 16, 16)) {
            if (!starred)
                text_add(&hexdump->dump.out, "*\n");
            starred = true;
            continue;
        }
        starred = false;
        plain_line(&hexdump->dump.out, at + (int64_t)i, here);
    }
}

static bool plain(struct hexdump *hexdump, struct dump_file *file)
{
    struct bytes bytes;
    int64_t at = hexdump->from, end = hexdump->to < file->size ? hexdump->to : file->size;

    for (; at < end; at += (int64_t)bytes.size) {
        if (!dump_bytes(&hexdump->dump, file, at, end - at < 65536 ? (size_t)(end - at) : 65536, &bytes) || !bytes.size)
            return false;
        hexdump_bytes(hexdump, at, bytes);
        if (!dump_flush(&hexdump->dump, false))
            return false;
    }
    text_printf(&hexdump->dump.out, "%08" PRIx64 "\n", end);
    return true;
}

/* ---- */

static int one_file(struct hexdump *hexdump, const char *name, bool raw)
{
    struct dump *dump = &hexdump->dump;
    struct dump_file file;
    bool known = false, good = dump_open(dump, &file, name);

    if (good && hexdump->from > file.size) {
        call_error(dump->call, "hexdump: %s has %" PRId64 " bytes; -s %" PRId64 " is behind them\n", name, file.size, hexdump->from);
        dump_close(&file);
        return 1;
    }
    if (good && !raw)
        good = hexdump_file(hexdump, &file, &known);
    if (good && !known)
        good = plain(hexdump, &file);
    dump_close(&file);
    dump_flush(dump, true);
    return good ? 0 : dump->call->task && call_interrupted(dump->call) ? 130 : dump_say_trouble(dump, name);
}

static int offset_of_folder(struct hexdump *hexdump, const char *name, int64_t offset, bool raw)
{
    struct dump_folder folder;
    const char *log;
    char *path;
    int status;

    if (!dump_folder_open(&hexdump->dump, name, &folder))
        return dump_no_folder(&hexdump->dump, name);
    log = dump_folder_log(&folder, offset);
    if (log) {
        path = mem_printf("%s/%s", name, log);
        hexdump->dump.only_offset = offset;
        status = one_file(hexdump, path, raw);
        mem_free(path);
    } else {
        status = dump_no_offset(&hexdump->dump, name, &folder, offset);
    }
    if (log && !status && !hexdump->dump.found)
        status = dump_no_offset(&hexdump->dump, name, &folder, offset);
    dump_folder_done(&folder);
    return status;
}

static int which_file(struct hexdump *hexdump, const char *name)
{
    struct dump_folder folder;
    struct text files = { 0 };

    if (!dump_folder_open(&hexdump->dump, name, &folder))
        return one_file(hexdump, name, false);
    for (size_t i = 0; i < folder.count; i++)
        text_printf(&files, "  hexdump %s/%s\n", name, folder.names[i]);
    call_error(hexdump->dump.call, "hexdump: %s is a folder: one of its files, or an offset, as in: hexdump %s 17\n%s", name, name, text_chars(&files));
    text_done(&files);
    dump_folder_done(&folder);
    return 1;
}

static bool is_folder(struct hexdump *hexdump, const char *name)
{
    char *path = lab_resolve_path(hexdump->dump.lab, name);
    struct file_stat st;
    bool folder = !fs_stat(hexdump->dump.fs, path, &st) && st.folder;

    mem_free(path);
    return folder;
}

/* "17" is an offset in a log here; bytes are -s and -n, in any of C's bases. */
static bool read_number(const char *text, int64_t *out)
{
    char *end;

    if (text_starts(text, "0x") || text_starts(text, "0X")) {
        *out = strtoll(text, &end, 16);
        return !*end && *out >= 0;
    }
    return parse_i64(text, out) && *out >= 0;
}

static int run(struct call *call)
{
    struct hexdump hexdump = { .to = INT64_MAX };
    int64_t offset = -1, length = 0;
    const char *name = NULL;
    bool raw = false, good = true;
    int status = 2;

    dump_init(&hexdump.dump, call);
    hexdump.dump.lab = call_lab(call);
    hexdump.dump.fs = lab_fs(hexdump.dump.lab);
    hexdump.columns = call_on_terminal(call) ? call->out->columns : 0;
    hexdump.across = call->out->columns >= WIDE_FROM ? WIDE : NARROW;
    for (int i = 1; i < call->argc && good; i++) {
        const char *word = call->argv[i], *next = i + 1 < call->argc ? call->argv[i + 1] : NULL;

        if (text_equal(word, "-s") || text_equal(word, "--from") || text_equal(word, "-n") || text_equal(word, "--length")) {
            good = next && read_number(next, text_equal(word, "-s") || text_equal(word, "--from") ? &hexdump.from : &length);
            i++;
        } else if (text_equal(word, "-C")) {
            raw = true;
        } else if (text_equal(word, "--all")) {
            hexdump.all = true;
        } else if (!name && word[0] != '-') {
            name = word;
        } else {
            good = name && offset < 0 && read_number(word, &offset);
        }
    }
    if (length > 0 && length < INT64_MAX - hexdump.from)
        hexdump.to = hexdump.from + length;
    if (!good || !name)
        call_error(call, "hexdump: a file is wanted, or an offset of a partition, for instance: hexdump students-0 17, "
                         "hexdump students-0/00000000000000000000.log -n 97\n");
    else if (offset >= 0)
        status = offset_of_folder(&hexdump, name, offset, false);
    else
        status = is_folder(&hexdump, name) ? which_file(&hexdump, name) : one_file(&hexdump, name, raw);
    dump_done(&hexdump.dump);
    return status;
}

static const struct option options[] = {
    { "s", "OFFSET", N_("begin at this byte (also --from)"), COMPLETE_NONE, RELEASE_ANY },
    { "n", "LENGTH", N_("show this many bytes (also --length); of Kafka's files whole batches and entries"), COMPLETE_NONE, RELEASE_ANY },
    { "C", NULL, N_("bytes alone, without fields"), COMPLETE_NONE, RELEASE_ANY },
    { "all", NULL, N_("long values whole"), COMPLETE_NONE, RELEASE_ANY },
    { 0 },
};

const struct command command_hexdump = {
    .name = "hexdump", .summary = "the bytes of a file, and what each field is",
    .usage = "hexdump FILE [-s OFFSET] [-n LENGTH] [-C] [--all] | hexdump TOPIC-P OFFSET",
    .details = N_("Segments, indexes, snapshots and checkpoints are shown field by field: a batch's header, its records (unpacked ones with + before their place), and the keys and "
               "values of internal topics. A CRC is said to be right, or what it should be. Damaged files are shown as far as they make sense, then as bytes."),
    .example = "hexdump students-0 0", .options = options, .argument = COMPLETE_FILE, .needs_lab = true, .looks = true, .run = run,
};
