/* dump: the files of a partition's folder as kafka-dump-log shows them, with the decoder that its topic needs, and no word of Kafka's to remember. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "shell/commands/dump_log.h"

/* ---- a partition's folder ---- */

static const char *const suffixes[] = { ".log", ".index", ".timeindex", ".txnindex", ".snapshot", ".checkpoint" };
enum { SUFFIXES = sizeof(suffixes) / sizeof(*suffixes) };

static int rank_of(const char *name)
{
    const char *dot = strchr(name, '.');

    for (int i = 0; dot && i < SUFFIXES; i++)
        if (text_equal(dot, suffixes[i]))
            return i;
    return SUFFIXES;
}

static int by_offset(const void *a, const void *b)
{
    const char *x = *(const char *const *)a, *y = *(const char *const *)b;
    size_t stem = strcspn(x, "."), other = strcspn(y, ".");
    int order = strncmp(x, y, stem < other ? stem : other);

    return order ? order : stem != other ? (stem > other) - (stem < other) : rank_of(x) - rank_of(y);
}

bool dump_folder_open(struct dump *dump, const char *name, struct dump_folder *out)
{
    struct file_stat st;
    struct fs_names names;
    size_t capacity = 0;

    *out = (struct dump_folder){ .path = lab_resolve_path(dump->lab, name) };
    if (fs_stat(dump->fs, out->path, &st) || !st.folder || fs_list(dump->fs, out->path, &names, NULL)) {
        dump_folder_done(out);
        return false;
    }
    for (size_t i = 0; i < names.count; i++)
        if (rank_of(names.names[i]) < SUFFIXES)
            ARRAY_ADD(out->names, out->count, capacity) = mem_text(names.names[i]);
    fs_names_free(&names);
    if (out->count)
        qsort(out->names, out->count, sizeof(*out->names), by_offset);
    return true;
}

void dump_folder_done(struct dump_folder *folder)
{
    for (size_t i = 0; i < folder->count; i++)
        mem_free(folder->names[i]);
    mem_free(folder->names);
    mem_free(folder->path);
    *folder = (struct dump_folder){ 0 };
}

const char *dump_folder_log(const struct dump_folder *folder, int64_t offset)
{
    const char *found = NULL;

    for (size_t i = 0; i < folder->count; i++) {
        int64_t base_offset;
        char *stem;

        if (rank_of(folder->names[i]))
            continue;
        stem = mem_text_size(folder->names[i], strcspn(folder->names[i], "."));
        if (parse_i64(stem, &base_offset) && base_offset <= offset)
            found = folder->names[i];
        mem_free(stem);
    }
    return found;
}

int dump_no_offset(struct dump *dump, const char *name, const struct dump_folder *folder, int64_t offset)
{
    struct text segments = { 0 };

    for (size_t i = 0; i < folder->count; i++)
        if (!rank_of(folder->names[i]))
            text_printf(&segments, "%s%s", segments.size ? ", " : "", folder->names[i]);
    call_error(dump->call, "%s: no batch of %s holds offset %" PRId64 " (there %s %s); `why %s %" PRId64 "` tells where a record is\n",
               dump->call->command->name, name, offset, segments.size ? "is" : "is no .log,", segments.size ? text_chars(&segments) : "then", name, offset);
    text_done(&segments);
    return 1;
}

int dump_no_folder(struct dump *dump, const char *name)
{
    call_error(dump->call, "%s: %s is no partition's folder; `ls` shows which there are\n", dump->call->command->name, name);
    return 1;
}

int dump_say_trouble(struct dump *dump, const char *name)
{
    const struct trouble *trouble = &dump->trouble;

    if (trouble->exception && text_ends(trouble->exception, "NoSuchFileException"))
        call_error(dump->call, "%s: %s: there is no such file; `ls` shows which there are\n", dump->call->command->name, name);
    else
        call_error(dump->call, "%s: %s: %s\n", dump->call->command->name, name,
                   trouble->message ? trouble->message : trouble->exception ? trouble->exception : "it can't be read");
    for (int i = 0; i < trouble->cause_count; i++)
        call_error(dump->call, "  because of: %s\n", trouble->causes[i].message ? trouble->causes[i].message : trouble->causes[i].exception);
    return 1;
}

enum record_family dump_family_of(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *folder = name;
    char *topic, *dash;
    enum record_family family;

    if (text_equal(name, "bootstrap.checkpoint"))
        return RECORDS_METADATA;
    if (strchr(name, '.') && slash) { /* a file: its folder's name, also of one that goes: "students-0.HEX-delete" */
        for (folder = slash; folder > path && folder[-1] != '/';)
            folder--;
        topic = mem_text_size(folder, (size_t)(slash - folder));
    } else {
        topic = mem_text(name);
    }
    dash = strrchr(topic, '-');
    if (dash)
        *dash = 0;
    family = record_family_of(topic);
    mem_free(topic);
    return family;
}

/* ---- */

/* Nothing in it, or an index that only holds room for entries. */
static bool says_nothing(struct dump *dump, const char *path)
{
    static const uint8_t zeros[12];
    uint8_t data[12];
    struct file *file = NULL;
    struct file_stat st;
    size_t got = 0;

    if (fs_stat(dump->fs, path, &st) || !st.size)
        return true;
    if (!text_ends(path, "index") || fs_open(dump->fs, path, FILE_READ, &file, NULL))
        return false;
    if (file_read_some(file, data, sizeof(data), 0, &got, NULL))
        got = 0;
    file_close(file);
    return got && !memcmp(data, zeros, got);
}

static int dump_folder(struct dump *dump, const char *name, const struct dump_folder *folder)
{
    int shown = 0;

    for (size_t i = 0; i < folder->count; i++) {
        char *path = mem_printf("%s/%s", name, folder->names[i]), *real = mem_printf("%s/%s", folder->path, folder->names[i]);
        bool good = true;

        if (!says_nothing(dump, real)) {
            good = dump_file(dump, path);
            shown++;
        }
        mem_free(path);
        mem_free(real);
        if (!good)
            return -1;
    }
    if (!shown)
        call_print(dump->call, "%s: nothing is written there yet\n", name);
    return 0;
}

static int dump_offset(struct dump *dump, const char *name, const struct dump_folder *folder, int64_t offset)
{
    const char *log = dump_folder_log(folder, offset);
    char *path;
    bool good;

    if (!log)
        return dump_no_offset(dump, name, folder, offset);
    path = mem_printf("%s/%s", name, log);
    dump->only_offset = offset;
    good = dump_file(dump, path);
    mem_free(path);
    return !good ? -1 : dump->found ? 0 : dump_no_offset(dump, name, folder, offset);
}

static int one_file(struct dump *dump, const char *name)
{
    const char *slash = strrchr(name, '/');
    char *path = lab_resolve_path(dump->lab, name);
    bool there = fs_exists(dump->fs, path);

    mem_free(path);
    if (!there) {
        call_error(dump->call, "dump: %s: there is no such partition or file; `ls` shows which there are\n", name);
        return 1;
    }
    if (rank_of(slash ? slash + 1 : name) == SUFFIXES) {
        call_error(dump->call, "dump: %s has neither batches nor entries; `hexdump %s` shows what it holds\n", name, name);
        return 1;
    }
    return dump_file(dump, name) ? 0 : -1;
}

static int run(struct call *call)
{
    const char *name = NULL;
    struct dump_folder folder;
    struct dump dump;
    int64_t offset = -1;
    int status = 2;

    dump_init(&dump, call);
    dump.lab = call_lab(call);
    dump.fs = lab_fs(dump.lab);
    dump.deep = dump.contents = dump.friendly = true;
    for (int i = 1; i < call->argc; i++) {
        if (!name)
            name = call->argv[i];
        else if (offset >= 0 || !parse_i64(call->argv[i], &offset) || offset < 0)
            offset = INT64_MIN;
    }
    if (!name || offset == INT64_MIN) {
        call_error(call, "dump: a partition or a file is wanted, for instance: dump students-0, dump students-0 17\n");
    } else {
        char *path = lab_resolve_path(dump.lab, name);

        dump.family = dump_family_of(path);
        if (dump.old && dump.family > RECORDS_TRANSACTION) /* 2.7's tool knows no others */
            dump.old = false;
        mem_free(path);
        if (!dump_folder_open(&dump, name, &folder))
            status = offset >= 0 ? dump_no_folder(&dump, name) : one_file(&dump, name);
        else
            status = offset >= 0 ? dump_offset(&dump, name, &folder, offset) : dump_folder(&dump, name, &folder);
        dump_folder_done(&folder);
    }
    if (status < 0 && !call_interrupted(call) && dump.trouble.exception)
        status = dump_say_trouble(&dump, name);
    else if (status < 0)
        status = 130;
    else if (!status)
        dump_findings(&dump);
    dump_done(&dump);
    return status;
}

const struct command command_dump = {
    .name = "dump", .summary = "what lies in a partition's files, decoded",
    .usage = "dump TOPIC-P [OFFSET] | dump FILE",
    .details = N_("All files of a partition's folder as kafka-dump-log --print-data-log shows them, internal topics with their own decoder; with an offset just the "
               "batch that holds it. A file alone works too, and /tmp/kafka-logs/students-0 as in Kafka. `hexdump students-0 17` shows the bytes."),
    .example = "dump students-0", .argument = COMPLETE_PARTITION, .needs_lab = true, .looks = true, .run = run,
};
