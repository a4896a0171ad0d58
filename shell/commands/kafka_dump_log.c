/* kafka-dump-log: shows what lies in the files of a partition's folder. It needs no cluster. */
#include <stdlib.h>
#include <string.h>

#include "shell/commands/dump_log.h"

static const struct option options[] = {
    { "cluster-metadata-decoder", NULL, "show records of __cluster_metadata as what they are", 0, RELEASE_43 },
    { "deep-iteration", NULL, "show each record, not only batches; with --print-data-log always", 0, 0 },
    { "files", "String: file1, file2, ...", "REQUIRED: the files, with commas between", COMPLETE_FILE, 0 },
    { "help", NULL, "show these options", 0, 0 },
    { "index-sanity-check", NULL, "only tell whether an index would be kept at a broker's start", 0, 0 },
    { "key-decoder-class", "[String]", "class that decodes keys", 0, 0 },
    { "max-bytes", "Integer: size", "read only so many bytes of a .log", 0, RELEASE_43 },
    { "max-message-size", "Integer: size", "the largest batch that an index may point at", 0, 0 },
    { "offsets-decoder", NULL, "show records of __consumer_offsets as what they are", 0, 0 },
    { "print-data-log", NULL, "show keys and values; with any decoder always", 0, 0 },
    { "remote-log-metadata-decoder", NULL, "show records of __remote_log_metadata as what they are", 0, RELEASE_43 },
    { "share-group-state-decoder", NULL, "show records of __share_group_state as what they are", 0, RELEASE_43 },
    { "skip-record-metadata", NULL, "only keys and values of records", 0, RELEASE_43 },
    { "transaction-log-decoder", NULL, "show records of __transaction_state as what they are", 0, 0 },
    { "value-decoder-class", "[String]", "class that decodes values", 0, 0 },
    { "verify-index-only", NULL, "hold indexes against the log and print only what is wrong", 0, 0 },
    { "version", NULL, "show Kafka's version", 0, 0 },
    { 0 },
};

#define PURPOSE "This tool helps to parse a log file and dump its contents to the console, useful for debugging a seemingly corrupt log segment.\n"

static const struct { const char *option; enum record_family family; } families[] = { /* the first given counts */
    { "offsets-decoder", RECORDS_GROUP },
    { "transaction-log-decoder", RECORDS_TRANSACTION },
    { "cluster-metadata-decoder", RECORDS_METADATA },
    { "remote-log-metadata-decoder", RECORDS_REMOTE_LOG },
    { "share-group-state-decoder", RECORDS_SHARE_STATE },
};

/* Of the classes that Kafka brings. */
static bool decoder_class(struct dump *dump, const struct tool_options *options, const char *option, enum dump_decoder *out)
{
    static const struct { const char *name; enum dump_decoder decoder; } decoders[] = {
        { "StringDecoder", DECODE_STRING }, { "DefaultDecoder", DECODE_BYTES }, { "IntegerDecoder", DECODE_INTEGER }, { "LongDecoder", DECODE_LONG },
    };
    const char *class = NULL, *package = dump->old ? "kafka.serializer." : "org.apache.kafka.tools.api.";

    if (!tool_has_argument(options, option))
        return true;
    if (!tool_text(options, option, &class, &dump->trouble))
        return false;
    for (size_t i = 0; text_starts(class, package) && i < sizeof(decoders) / sizeof(*decoders); i++) {
        if (!text_equal(class + strlen(package), decoders[i].name))
            continue;
        *out = decoders[i].decoder;
        return true;
    }
    if (dump->old)
        return trouble_set(&dump->trouble, "java.lang.ClassNotFoundException", "%s", class);
    trouble_set(&dump->trouble, "java.lang.RuntimeException", "Failed to load decoder class");
    trouble_cause(&dump->trouble, "java.lang.ClassNotFoundException", "%s", class);
    return false;
}

static bool read_options(struct dump *dump, const struct tool_options *options)
{
    bool any = tool_has(options, "value-decoder-class") || tool_has(options, "key-decoder-class");

    for (size_t i = sizeof(families) / sizeof(*families); i-- > 0;)
        if (tool_has(options, families[i].option)) {
            dump->family = families[i].family;
            any = true;
        }
    dump->contents = any || tool_has(options, "print-data-log");
    dump->deep = dump->contents || tool_has(options, "deep-iteration");
    dump->skip_metadata = tool_has(options, "skip-record-metadata");
    dump->sanity_only = tool_has(options, "index-sanity-check");
    dump->verify_only = tool_has(options, "verify-index-only");
    return tool_i32(options, "max-message-size", &dump->max_message_size, &dump->trouble) &&
           tool_i32(options, "max-bytes", &dump->max_bytes, &dump->trouble);
}

static bool is_log(const struct dump *dump, const char *name)
{
    return text_ends(name, ".log") || (!dump->old && text_ends(name, ".checkpoint"));
}

static bool dump_files(struct dump *dump, const struct tool_options *options, const char *files)
{
    char *names = mem_text(files), *next = names;
    bool good = true;

    for (size_t size = strlen(names); size && names[size - 1] == ',';) /* as Java splits: nothing behind the last */
        names[--size] = 0;
    while (good && next) {
        char *name = next;

        next = strchr(name, ',');
        if (next)
            *next++ = 0;
        if (is_log(dump, name) && !dump->family) { /* the classes are looked for when a log is met */
            enum dump_decoder unread;

            if (!decoder_class(dump, options, "value-decoder-class", &unread) || !decoder_class(dump, options, "key-decoder-class", &unread)) {
                text_printf(&dump->out, "Dumping %s\n", name);
                dump_flush(dump, true);
                good = false;
                break;
            }
            decoder_class(dump, options, "value-decoder-class", &dump->value_decoder);
            decoder_class(dump, options, "key-decoder-class", &dump->key_decoder);
        }
        good = dump_file(dump, name);
    }
    mem_free(names);
    return good;
}

static int run_tool(struct dump *dump, const struct tool_options *options)
{
    static const char *const required[] = { "files", NULL };
    struct call *call = dump->call;
    const char *files = NULL;

    if (tool_has(options, "help") || call->argc == 1)
        return tool_usage(call, call->command->options, PURPOSE) && tool_has(options, "help") ? 0 : 1;
    if (tool_has(options, "version")) {
        tool_print_version(call);
        return 0;
    }
    if (!tool_require(call, options, required))
        return 1;
    if (!read_options(dump, options) || !tool_text(options, "files", &files, &dump->trouble) || !dump_files(dump, options, files))
        return -1;
    dump_findings(dump);
    return 0;
}

static int run(struct call *call)
{
    struct tool_options *parsed = NULL;
    struct dump dump;
    int64_t clock = 0;
    int status = -1;

    dump_init(&dump, call);
    dump.lab = call_lab(call);
    dump.fs = dump.lab ? lab_fs(dump.lab) : fs_real(&clock, 0, false);
    if (tool_options_parse(&parsed, call, options, &dump.trouble))
        status = run_tool(&dump, parsed);
    if (status < 0)
        status = call_interrupted(call) || !dump.trouble.exception ? 130 : trouble_uncaught(call, &dump.trouble);
    tool_options_done(parsed);
    if (!dump.lab)
        fs_free(dump.fs);
    dump_done(&dump);
    return status;
}

const struct command command_kafka_dump_log = {
    .name = "kafka-dump-log",
    .summary = "batches, records and indexes in a folder's files",
    .details = N_("In the shell /tmp/kafka-logs is the first broker's folder. `dump students-0` does all files of a folder, with the right decoder."),
    .example = "kafka-dump-log.sh --files /tmp/kafka-logs/students-0/00000000000000000000.log --print-data-log",
    .options = options,
    .tool = true,
    .past = "", .run = run,
};
