/* kafka-console-producer: each line of the input is a record. */
#include <ctype.h>
#include <string.h>

#include "shell/shell.h"
#include "shell/tool_admin.h"

static const struct option options[] = {
    { "batch-size", "Integer: size", "how many bytes of records may gather for a partition before they are sent", 0, 0 },
    { "bootstrap-server", "String: server to connect to", "REQUIRED: a broker's address, HOST:PORT", COMPLETE_BOOTSTRAP, 0 },
    { "broker-list", "String: broker-list", "the old name of --bootstrap-server", COMPLETE_BOOTSTRAP, RELEASE_27 },
    { "command-config", "String: config file", "a file with the producer's settings", COMPLETE_FILE, RELEASE_43 },
    { "command-property", "String: producer_prop", "a setting of the producer: key=value", 0, RELEASE_43 },
    { "compression-codec", "[String: compression-codec]", "none, gzip, snappy, lz4 or zstd; without a value gzip", 0, 0 },
    { "help", NULL, "show these options", 0, 0 },
    { "line-reader", "String: reader_class", "the class that reads lines: only the usual one is here", 0, 0 },
    { "max-block-ms", "Long: max block on send", "how long a send may wait for metadata or for room (60000)", 0, 0 },
    { "max-memory-bytes", "Long: total memory in bytes", "how many bytes may wait to be sent (33554432)", 0, 0 },
    { "max-partition-memory-bytes", "Integer: memory in bytes per partition", "as --batch-size, and stronger (16384)", 0, 0 },
    { "message-send-max-retries", "Integer", "how often a batch is sent again (3)", 0, 0 },
    { "metadata-expiry-ms", "Long: metadata expiration interval", "after how long metadata is asked anew (300000)", 0, 0 },
    { "producer-property", "String: producer_prop", "a setting of the producer: key=value", 0, 0 },
    { "producer.config", "String: config file", "a file with the producer's settings", COMPLETE_FILE, 0 },
    { "property", "String: prop", "a setting of the line reader: parse.key=true, key.separator=:, parse.headers=true (4.3), null.marker=X (4.3), ignore.error=true", 0, 0 },
    { "reader-config", "String: config file", "a file with the line reader's settings", COMPLETE_FILE, RELEASE_43 },
    { "reader-property", "String: prop", "a setting of the line reader: key=value", 0, RELEASE_43 },
    { "request-required-acks", "String: request required acks", "0: none, 1: the leader, -1 or all: all in sync (2.7: 1, 4.3: -1)", 0, 0 },
    { "request-timeout-ms", "Integer: request timeout ms", "how long an answer is waited for (1500)", 0, 0 },
    { "retry-backoff-ms", "Long", "how long to wait before sending again (100)", 0, 0 },
    { "socket-buffer-size", "Integer: size", "of the connection (102400)", 0, 0 },
    { "sync", NULL, "send the next line only when the last one is written", 0, 0 },
    { "timeout", "Long: timeout_ms", "how long records may gather in a batch (1000)", 0, 0 },
    { "topic", "String: topic", "REQUIRED: where the records go", COMPLETE_TOPIC, 0 },
    { "version", NULL, "show Kafka's version", 0, 0 },
    { 0 },
};

static const char kafka_exception[] = "org.apache.kafka.common.KafkaException";
static const char first_line[] = "This tool helps to read data from standard input and publish it to Kafka.\n";

struct unsent {                       /* a record whose result is awaited: what an error line says of it */
    uint64_t number;
    int64_t key_size, value_size;     /* -1: null */
    struct unsent *next;
};

struct console {
    struct call *call;
    struct tool_options *options;
    struct config_map config, reader;
    struct transport *transport;
    struct producer *producer;
    const char *topic;
    bool is_27, sync;
    struct unsent *first, **last;
    enum err sync_err;
    struct reason sync_reason;
    /* reader */
    bool parse_key, parse_headers, ignore_error;
    const char *key_separator, *headers_delimiter, *headers_separator, *headers_key_separator, *null_marker;
    long long line_number;
};

/* ---- options ---- */

static bool valid_address(const char *text)
{
    const char *colon = strrchr(text, ':');

    return colon && colon[1] && strspn(colon + 1, "0123456789") == strlen(colon + 1);
}

static bool valid_addresses(const char *list)
{
    char *copy = mem_text(list), *rest = copy, *one;
    bool valid = true;

    while ((one = strsep(&rest, ",")))
        valid &= valid_address(one);
    mem_free(copy);
    return valid;
}

/* -1: go on. */
static int check(struct console *console, const char **bootstrap, struct trouble *trouble)
{
    const struct tool_options *o = console->options;
    struct call *call = console->call;

    if (call->argc == 1 && !console->is_27)
        return tool_usage(call, options, "%s", first_line);
    if (tool_has(o, "help"))
        return tool_usage(call, options, "%s", first_line);
    if (tool_has(o, "version")) {
        tool_print_version(call);
        return 0;
    }
    if (console->is_27 && !tool_has(o, "bootstrap-server") && !tool_has(o, "broker-list"))
        return tool_usage(call, options, "Missing required option(s) [bootstrap-server]\n");
    if (!tool_require(call, o, (const char *const[]){ "topic", NULL }))
        return 1;
    if (!tool_text(o, "topic", &console->topic, trouble) ||
        !tool_text(o, tool_has(o, "bootstrap-server") ? "bootstrap-server" : "broker-list", bootstrap, trouble))
        return -1;
    if (!*bootstrap)
        return tool_usage(call, options, "Error while validating the bootstrap address\n\n");
    if (!valid_addresses(*bootstrap))
        return tool_usage(call, options, "Please provide valid host:port like host1:9091,host2:9092\n%s\n", console->is_27 ? " " : "");
    return -1;
}

static void warn_of_old_options(const struct console *console)
{
    static const struct { const char *old, *now; } renamed[] = {
        { "producer-property", "command-property" }, { "producer.config", "command-config" }, { "property", "reader-property" },
    };

    for (size_t i = 0; i < sizeof(renamed) / sizeof(*renamed) && !console->is_27; i++)
        if (tool_has(console->options, renamed[i].old))
            call_print(console->call, "Warning: --%s is deprecated and will be removed in a future version. Use --%s instead.\n", renamed[i].old,
                       renamed[i].now);
}

/* The options that are settings of the producer, with the tool's own defaults. */
static bool merge(struct console *console, struct trouble *trouble)
{
    static const struct { const char *option, *key, *preset; bool number; } merged[] = {
        { "timeout", "linger.ms", "1000", true },
        { "request-required-acks", "acks", NULL, false },
        { "request-timeout-ms", "request.timeout.ms", "1500", true },
        { "message-send-max-retries", "retries", "3", true },
        { "retry-backoff-ms", "retry.backoff.ms", "100", true },
        { "socket-buffer-size", "send.buffer.bytes", "102400", true },
        { "max-memory-bytes", "buffer.memory", "33554432", true },
        { "batch-size", "batch.size", "16384", true },
        { "max-partition-memory-bytes", "batch.size", "16384", true },
        { "metadata-expiry-ms", "metadata.max.age.ms", "300000", true },
        { "max-block-ms", "max.block.ms", "60000", true },
    };

    for (size_t i = 0; i < sizeof(merged) / sizeof(*merged); i++) {
        const char *text, *preset = merged[i].preset ? merged[i].preset : console->is_27 ? "1" : "-1";
        int64_t number;

        if (!tool_text(console->options, merged[i].option, &text, trouble) ||
            (merged[i].number && !tool_i64(console->options, merged[i].option, &number, trouble)))
            return false;
        if (console->is_27 && !strcmp(merged[i].option, "batch-size"))
            continue; /* there it counts records, and nothing reads it */
        if (text || !config_map_get(&console->config, merged[i].key))
            config_map_set(&console->config, merged[i].key, text ? text : preset);
    }
    return true;
}

static bool take_config(struct console *console, struct trouble *trouble)
{
    const struct tool_options *o = console->options;
    const char *codec;

    if (!tool_file(o, "producer.config", &console->config, trouble) || !tool_file(o, "command-config", &console->config, trouble) ||
        !tool_text(o, "compression-codec", &codec, trouble))
        return false;
    tool_pairs(o, "producer-property", &console->config);
    tool_pairs(o, "command-property", &console->config);
    config_map_set(&console->config, "compression.type", !tool_has(o, "compression-codec") ? "none" : codec && *codec ? codec : "gzip");
    if (!config_map_get(&console->config, "client.id"))
        config_map_set(&console->config, "client.id", "console-producer");
    return merge(console, trouble);
}

/* ---- the line reader ---- */

static bool is_true(const char *text)
{
    if (!text)
        return false;
    while (isspace((unsigned char)*text))
        text++;
    return !strncasecmp(text, "true", 4) && !text[4 + strspn(text + 4, " \t")];
}

static const char *setting(const struct config_map *map, const char *key, const char *preset)
{
    const char *value = config_map_get(map, key);

    return value ? value : preset;
}

static bool take_reader(struct console *console, struct trouble *trouble)
{
    const struct config_map *map = &console->reader;
    const char *reader;

    if (!tool_text(console->options, "line-reader", &reader, trouble) || !tool_file(console->options, "reader-config", &console->reader, trouble))
        return false;
    if (reader && strcmp(reader, "org.apache.kafka.tools.LineMessageReader") && strcmp(reader, "kafka.tools.ConsoleProducer$LineMessageReader"))
        return trouble_set(trouble, "java.lang.ClassNotFoundException", "%s", reader);
    tool_pairs(console->options, "property", &console->reader);
    tool_pairs(console->options, "reader-property", &console->reader);
    console->parse_key = is_true(config_map_get(map, "parse.key"));
    console->ignore_error = is_true(config_map_get(map, "ignore.error"));
    console->key_separator = setting(map, "key.separator", "\t");
    if (console->is_27)
        return true;
    console->parse_headers = is_true(config_map_get(map, "parse.headers"));
    console->headers_delimiter = setting(map, "headers.delimiter", "\t");
    console->headers_separator = setting(map, "headers.separator", ",");
    console->headers_key_separator = setting(map, "headers.key.separator", ":");
    console->null_marker = config_map_get(map, "null.marker");
    const struct { const char *name, *value, *other_name, *other; } rules[] = {
        { "headers.delimiter", console->headers_delimiter, "headers.separator", console->headers_separator },
        { "headers.delimiter", console->headers_delimiter, "headers.key.separator", console->headers_key_separator },
        { "headers.separator", console->headers_separator, "headers.key.separator", console->headers_key_separator },
        { "null.marker", console->null_marker, "key.separator", console->key_separator },
        { "null.marker", console->null_marker, "headers.separator", console->headers_separator },
        { "null.marker", console->null_marker, "headers.delimiter", console->headers_delimiter },
        { "null.marker", console->null_marker, "headers.key.separator", console->headers_key_separator },
    };
    for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
        if (text_equal(rules[i].value, rules[i].other))
            return trouble_set(trouble, kafka_exception, "%s and %s may not be equal", rules[i].name, rules[i].other_name);
    return true;
}

static const uint8_t *find(struct bytes where, const char *what)
{
    return where.size ? memmem(where.data, where.size, what, strlen(what)) : *what ? NULL : where.data;
}

/* The part before `separator`, taken off *rest. False: not there, and that is an error. */
static bool cut(struct console *console, struct bytes *rest, const char *separator, const char *name, struct bytes line, struct bytes *out, struct trouble *trouble)
{
    const uint8_t *at = find(*rest, separator);
    size_t skip;

    *out = (struct bytes){ 0 };
    if (!at && console->ignore_error)
        return true;
    if (!at && console->is_27)
        return trouble_set(trouble, kafka_exception, "No key found on line %lld: %.*s", console->line_number, (int)line.size, (const char *)line.data);
    if (!at)
        return trouble_set(trouble, kafka_exception, "No %s found on line number %lld: '%.*s'", name, console->line_number, (int)line.size,
                           (const char *)line.data);
    *out = (struct bytes){ rest->data, (size_t)(at - rest->data) };
    skip = out->size + strlen(separator);
    *rest = (struct bytes){ rest->data + skip, rest->size - skip };
    return true;
}

static struct bytes or_null(const struct console *console, struct bytes bytes)
{
    return bytes.data && console->null_marker && bytes_equal(bytes, bytes_text(console->null_marker)) ? (struct bytes){ 0 } : bytes;
}

/* "h1:v1,h2:v2". */
static bool take_headers(struct console *console, struct bytes headers, struct header **out, int32_t *count, struct arena *arena, struct trouble *trouble)
{
    struct header *list = arena_alloc(arena, (headers.size + 1) * sizeof(*list)); /* no more than bytes */

    *out = list;
    while (headers.data) {
        const uint8_t *end = *console->headers_separator ? find(headers, console->headers_separator) : NULL;
        struct bytes pair = { headers.data, end ? (size_t)(end - headers.data) : headers.size };
        const uint8_t *colon = find(pair, console->headers_key_separator);
        struct header *header = &list[*count];

        headers = end ? (struct bytes){ end + strlen(console->headers_separator), headers.size - pair.size - strlen(console->headers_separator) }
                      : (struct bytes){ 0 };
        if (!headers.size)
            headers.data = NULL; /* as Java's split: nothing behind the last separator */
        if (!colon && !console->ignore_error)
            return trouble_set(trouble, kafka_exception, "No header key separator found in pair '%.*s' on line number %lld", (int)pair.size,
                               (const char *)pair.data, console->line_number);
        *header = (struct header){ .key = colon ? (struct bytes){ pair.data, (size_t)(colon - pair.data) } : pair };
        if (colon && !or_null(console, header->key).data)
            return trouble_set(trouble, kafka_exception, "Header keys should not be equal to the null marker '%s' as they can't be null", console->null_marker);
        if (colon) {
            size_t skip = header->key.size + strlen(console->headers_key_separator);

            header->value = or_null(console, (struct bytes){ pair.data + skip, pair.size - skip });
        }
        ++*count;
    }
    return true;
}

static bool parse_line(struct console *console, struct bytes line, struct producer_record *record, struct arena *arena, struct trouble *trouble)
{
    struct bytes rest = line, headers = { 0 };
    struct header *list = NULL;

    *record = (struct producer_record){ .topic = console->topic, .partition = -1, .timestamp_ms = -1 };
    if (console->parse_headers && !cut(console, &rest, console->headers_delimiter, "headers delimiter", line, &headers, trouble))
        return false;
    if (console->parse_key && !cut(console, &rest, console->key_separator, "key separator", line, &record->key, trouble))
        return false;
    record->key = or_null(console, record->key);
    record->value = or_null(console, rest);
    headers = or_null(console, headers);
    if (headers.data && !take_headers(console, headers, &list, &record->header_count, arena, trouble))
        return false;
    record->headers = list;
    return true;
}

/* ---- sending ---- */

static void say_size(struct text *text, int64_t size)
{
    if (size < 0)
        text_add(text, "null");
    else
        text_printf(text, "%lld bytes", (long long)size);
}

static void say_failed(struct console *console, const struct unsent *unsent, enum err err, const char *message)
{
    struct text line = { 0 };
    const char *exception = err_exception(err);

    text_printf(&line, "Error when sending message to topic %s with key: ", console->topic);
    say_size(&line, unsent->key_size);
    text_add(&line, ", value: ");
    say_size(&line, unsent->value_size);
    text_add(&line, " with error:");
    call_log(console->call, "ERROR", text_chars(&line), "org.apache.kafka.clients.producer.internals.ErrorLoggingCallback");
    call_error(console->call, "%s: %s\n", exception ? exception : kafka_exception, message && *message ? message : err_message(err));
    text_done(&line);
}

static void on_done(void *context, const struct producer_result *result)
{
    struct console *console = context;
    struct unsent **at = &console->first, *found;

    while (*at && (*at)->number != result->number)
        at = &(*at)->next;
    found = *at;
    if (!found)
        return;
    *at = found->next;
    if (!found->next)
        console->last = at;
    if (result->err && console->sync) {
        console->sync_err = result->err;
        err_because(result->err, &console->sync_reason, "%s", result->message ? result->message : err_message(result->err));
    } else if (result->err) {
        say_failed(console, found, result->err, result->message);
    }
    mem_free(found);
}

static bool send_line(struct console *console, const struct producer_record *record, struct trouble *trouble)
{
    struct unsent *unsent = mem_zero(sizeof(*unsent));
    struct reason reason = { "" };
    enum err err;

    *unsent = (struct unsent){ 0, record->key.data ? (int64_t)record->key.size : -1, record->value.data ? (int64_t)record->value.size : -1, NULL };
    *console->last = unsent;
    console->last = &unsent->next;
    err = producer_send(console->call->task, console->producer, record, &unsent->number, &reason);
    if (err && call_interrupted(console->call))
        return false;
    if (err) {
        struct producer_result result = { .err = err, .message = reason.text, .number = unsent->number };

        on_done(console, &result);
    }
    if (!console->sync)
        return true;
    producer_flush(console->call->task, console->producer);
    if (!console->sync_err)
        return true;
    trouble_set(trouble, err_exception(console->sync_err), "%s", console->sync_reason.text);
    tool_execution(trouble);
    return false;
}

static bool produce(struct console *console, struct trouble *trouble)
{
    bool prompts = console->is_27 || (input_terminal(console->call->in) && call_on_terminal(console->call)), good = true;
    char *line;
    size_t size;

    while (good) {
        struct producer_record record;
        struct arena arena;

        console->line_number++;
        line = call_read_line(console->call, prompts ? ">" : NULL, &size);
        if (!line)
            break;
        if (size && line[size - 1] == '\r') /* Java's readLine() ends a line so too */
            size--;
        arena_init(&arena);
        good = parse_line(console, (struct bytes){ (const uint8_t *)line, size }, &record, &arena, trouble) && send_line(console, &record, trouble);
        arena_done(&arena);
        mem_free(line);
    }
    return good;
}

/* ---- */

static void log_it(void *context, const char *level, const char *message, const char *logger)
{
    call_log(context, level, message, logger);
}

static bool open_producer(struct console *console, const char *bootstrap, struct trouble *trouble)
{
    struct call *call = console->call;
    struct queue *queue = call_lab(call) ? lab_queue(call_lab(call)) : call->session->shell->outside;
    struct reason reason = { "" };
    struct client_options client = { .bootstrap = bootstrap, .client_id = config_map_get(&console->config, "client.id"), .release = call_release(call),
                                     .kind = CLIENT_PRODUCER, .warn = log_it, .warn_context = call };
    enum err err;

    console->transport = client.transport = call_transport(call);
    err = producer_open(&console->producer, &client, queue, &console->config, on_done, console, &reason);
    if (!err && tool_resolve(call, bootstrap, trouble))
        return true;
    if (err)
        trouble_set(trouble, err == ERR_UNSUPPORTED_COMPRESSION_TYPE ? "java.lang.IllegalArgumentException" : "org.apache.kafka.common.config.ConfigException",
                    "%s", reason.text);
    if (!err || err == ERR_UNSUPPORTED_COMPRESSION_TYPE || strstr(reason.text, "bootstrap")) /* found while it is made, not in its settings */
        trouble_wrap(trouble, kafka_exception, "Failed to construct kafka producer");
    return false;
}

static void close_all(struct console *console)
{
    if (console->producer) {
        task_clear_interrupt(console->call->task); /* what was typed before Ctrl-C is still sent */
        producer_flush(console->call->task, console->producer);
        producer_close(console->producer);
    }
    while (console->first) {
        struct unsent *next = console->first->next;

        mem_free(console->first);
        console->first = next;
    }
    if (console->transport)
        transport_free(console->transport);
    config_map_done(&console->config);
    config_map_done(&console->reader);
    tool_options_done(console->options);
}

static int run(struct call *call)
{
    struct console console = { .call = call, .is_27 = release_is_27(call_release(call)) };
    struct trouble trouble = { 0 };
    const char *bootstrap = NULL;
    bool interrupted;
    int status;

    console.last = &console.first;
    if (!tool_options_parse(&console.options, call, options, &trouble)) {
        status = tool_usage(call, options, "%s\n", trouble.message);
        trouble_done(&trouble);
        return status;
    }
    status = check(&console, &bootstrap, &trouble);
    if (status < 0 && !trouble.exception) {
        console.sync = tool_has(console.options, "sync");
        warn_of_old_options(&console);
        if (take_reader(&console, &trouble) && take_config(&console, &trouble) && open_producer(&console, bootstrap, &trouble))
            produce(&console, &trouble);
    }
    interrupted = call_interrupted(call);
    if (trouble.exception && text_starts(trouble.exception, "joptsimple."))
        call_error(call, "%s\n", trouble.message);
    else if (trouble.exception && !interrupted)
        trouble_print(call, &trouble);
    if (status < 0)
        status = trouble.exception ? 1 : 0;
    trouble_done(&trouble);
    close_all(&console);
    return interrupted ? 130 : status;
}

const struct command command_kafka_console_producer = {
    .name = "kafka-console-producer", .summary = "send the lines of the input as records",
    .example = "kafka-console-producer.sh --topic students --bootstrap-server localhost:9092", .options = options, .tool = true, .past = "--version --help", .run = run,
};
