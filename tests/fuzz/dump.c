/* Files of a partition's folder as anybody may have left them: dumped by both releases' tool with each decoder, and shown field by field. */
#include "shell/commands/hexdump.h"

#include "tests/fuzz/fuzz.h"

static const char *const suffixes[] = { ".log", ".index", ".timeindex", ".txnindex", ".snapshot", ".checkpoint" };
enum { SUFFIXES = sizeof(suffixes) / sizeof(*suffixes) };

struct running {
    struct call call;
    struct session session;
    struct command command;
    struct text out, err;
    struct fs *fs;
    int64_t clock;
};

static void put_file(struct running *running, const char *path, struct bytes bytes)
{
    struct file *file = NULL;

    HOLDS(!fs_open(running->fs, path, FILE_READ | FILE_WRITE | FILE_CREATE, &file, NULL));
    HOLDS(!bytes.size || !file_write(file, bytes.data, bytes.size, 0, NULL));
    file_close(file);
}

static void dump_one(struct running *running, const char *path, uint8_t how, enum record_family family)
{
    struct dump dump;

    running->session.release = how & 1 ? RELEASE_27 : RELEASE_43;
    dump_init(&dump, &running->call);
    dump.fs = running->fs;
    dump.family = dump.old && family > RECORDS_TRANSACTION ? RECORDS_PLAIN : family;
    dump.deep = how & 2;
    dump.contents = dump.deep && how & 4;
    dump.skip_metadata = how & 8;
    dump.sanity_only = how & 16;
    dump.friendly = how & 32;
    dump.key_decoder = how & 64 ? DECODE_INTEGER : DECODE_STRING;
    dump.value_decoder = how & 128 ? DECODE_LONG : DECODE_STRING;
    if (!dump_file(&dump, path))
        HOLDS(dump.trouble.exception);
    dump_findings(&dump);
    dump_done(&dump);
}

static void hexdump_one(struct running *running, const char *path, uint8_t how)
{
    struct hexdump hexdump = { .to = INT64_MAX, .all = how & 1, .across = how & 2 ? 16 : 8, .columns = how & 4 ? 80 : 0 };
    struct dump_file file;
    bool known;

    dump_init(&hexdump.dump, &running->call);
    hexdump.dump.fs = running->fs;
    HOLDS(dump_open(&hexdump.dump, &file, path));
    hexdump_file(&hexdump, &file, &known);
    HOLDS(known);
    dump_flush(&hexdump.dump, true);
    dump_close(&file);
    dump_done(&hexdump.dump);
}

/* A byte for the kind of file, one for the topic, one for the options; then the file, and for an index its .log, as parts. */
static void run(struct bytes input)
{
    static const char *const folders[] = { "/students-0", "/__consumer_offsets-0", "/__transaction_state-0", "/__share_group_state-0",
                                           "/__cluster_metadata-0", "/__remote_log_metadata-0" };
    struct reader reader = reader_of(input);
    uint8_t kind = (uint8_t)reader_i8(&reader) % SUFFIXES, family = (uint8_t)reader_i8(&reader) % 6, how = (uint8_t)reader_i8(&reader);
    struct running running = { .command = { .name = "dump" } };
    struct bytes part = { 0 };
    char path[100], log[100];

    running.call = (struct call){ .session = &running.session, .command = &running.command, .out = stream_text(&running.out),
                                  .err = stream_text(&running.err) };
    running.fs = fs_memory(&running.clock);
    snprintf(path, sizeof(path), "%s/%s%s", folders[family], kind == 5 ? "00000000000000000007-0000000002" : "00000000000000000007", suffixes[kind]);
    snprintf(log, sizeof(log), "%s/00000000000000000007.log", folders[family]);
    fs_mkdir(running.fs, folders[family], NULL);
    next_part(&reader, &part);
    put_file(&running, path, part);
    if (kind == 1 || kind == 2) {
        char beside[100];

        next_part(&reader, &part);
        put_file(&running, log, part);
        snprintf(beside, sizeof(beside), "%s/00000000000000000007.%s", folders[family], kind == 1 ? "timeindex" : "index");
        next_part(&reader, &part);
        put_file(&running, beside, part);
    }
    dump_one(&running, path, how, (enum record_family)family);
    hexdump_one(&running, path, how);
    text_done(&running.out);
    text_done(&running.err);
    stream_close(running.call.out);
    stream_close(running.call.err);
    fs_free(running.fs);
}

struct giving { seed_fn *give; void *context; };
static void give_file(void *context, const char *path, struct bytes bytes)
{
    static const char *const topics[] = { "/students-", "/__consumer_offsets-", "/__transaction_state-", "/__share_group_state-", "/__cluster_metadata-" };
    struct giving *giving = context;
    uint8_t family = 0;

    for (uint8_t i = 0; i < 5; i++)
        if (strstr(path, topics[i]))
            family = i;
    for (uint8_t kind = 0; kind < SUFFIXES; kind++) {
        if (!text_ends(path, suffixes[kind]) || bytes.size > 6000)
            continue;
        for (int how = 0; how < 2; how++) {
            struct buffer seed = { 0 };

            buffer_i8(&seed, (int8_t)kind);
            buffer_i8(&seed, (int8_t)family);
            buffer_i8(&seed, (int8_t)(6 + how));
            put_part(&seed, bytes);
            giving->give(giving->context, buffer_bytes(&seed));
            buffer_done(&seed);
        }
    }
}

static void seeds(seed_fn *give, void *context)
{
    golden_each("segments", give_file, &(struct giving){ give, context });
}

const struct target target_dump = { "dump", run, seeds };
