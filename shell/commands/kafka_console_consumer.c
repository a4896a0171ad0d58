/* kafka-console-consumer: prints the records of topics. How a record looks is console_format.c's. */
#include <stdlib.h>
#include <string.h>

#include "shell/commands/console_format.h"
#include "shell/shell.h"
#include "shell/tool_admin.h"

static const struct option options[] = {
    { "bootstrap-server", "String: server to connect to", "REQUIRED: a broker's address, HOST:PORT", COMPLETE_BOOTSTRAP, 0 },
    { "command-config", "String: config file", "a file with the consumer's settings", COMPLETE_FILE, RELEASE_43 },
    { "command-property", "String: consumer_prop", "a setting of the consumer: key=value", 0, RELEASE_43 },
    { "consumer-property", "String: consumer_prop", "a setting of the consumer: key=value", 0, 0 },
    { "consumer.config", "String: config file", "a file with the consumer's settings", COMPLETE_FILE, 0 },
    { "enable-systest-events", NULL, "for Kafka's own tests: says when it ends", 0, 0 },
    { "formatter", "String: class", "how records are printed: the name of a formatter's class", COMPLETE_FORMATTER, 0 },
    { "formatter-config", "String: config file", "a file with the formatter's settings", COMPLETE_FILE, RELEASE_43 },
    { "formatter-property", "String: prop", "a setting of the formatter: key=value", 0, RELEASE_43 },
    { "from-beginning", NULL, "where the group has committed nothing: from the oldest record on, not only new ones", 0, 0 },
    { "group", "String: consumer group id", "the group; without it one of its own that leaves no trace", COMPLETE_GROUP, 0 },
    { "help", NULL, "show these options", 0, 0 },
    { "include", "String: Java regex (String)", "all topics that match this regular expression", 0, RELEASE_43 },
    { "isolation-level", "String", "read_committed leaves out what belongs to no committed transaction (read_uncommitted)", 0, 0 },
    { "key-deserializer", "String: deserializer for key", "how keys are read: a class of org.apache.kafka.common.serialization", 0, 0 },
    { "max-messages", "Integer: num_messages", "end after so many records", 0, 0 },
    { "offset", "String: consume offset", "where to begin in the partition: a number, earliest or latest", 0, 0 },
    { "partition", "Integer: partition", "only this partition, without a group", COMPLETE_PARTITION, 0 },
    { "property", "String: prop", "a setting of the formatter: print.key=true, print.timestamp, print.partition, print.offset, print.headers, print.value, "
      "key.separator=:, line.separator, headers.separator, null.literal, key.deserializer, value.deserializer", 0, 0 },
    { "skip-message-on-error", NULL, "a record that can't be printed is left out", 0, 0 },
    { "timeout-ms", "Integer: timeout_ms", "end when no record comes for so long", 0, RELEASE_27 },
    { "timeout-ms", "Long: timeout_ms", "end when no record comes for so long", 0, RELEASE_43 },
    { "topic", "String: topic", "the topic", COMPLETE_TOPIC, 0 },
    { "value-deserializer", "String: deserializer for values", "how values are read: a class of org.apache.kafka.common.serialization", 0, 0 },
    { "version", NULL, "show Kafka's version", 0, 0 },
    { "whitelist", "String: whitelist", "all topics that match this regular expression", 0, RELEASE_27 },
    { 0 },
};

static const char first_line[] = "This tool helps to read data from Kafka topics and outputs it to standard output.\n";
static const char rebalance_notice[] = "The consumer rebalance protocol (KIP-848) is production-ready! Set group.protocol=consumer to try it out. "
                                       "See https://kafka.apache.org/documentation/#consumer_rebalance_protocol\n";
enum { OFFSET_EARLIEST = -2, OFFSET_LATEST = -3, HINT_AFTER_US = 3000000 };

struct console {
    struct call *call;
    struct tool_options *options;
    struct config_map config, format_config;
    struct console_format *format;
    struct transport *transport;
    struct consumer *consumer;
    struct queue *queue;
    const char *topic, *include;
    bool is_27, has_partition, hinted, by_wall;
    int32_t partition, most;          /* -1: no end */
    int64_t offset;                   /* of --offset */
    int64_t timeout_us;               /* NEVER_US: none */
    long long processed;
    /* records of the last poll that were not printed yet */
    const struct consumer_record *records;
    size_t count, at;
};

static const char *logger(const struct console *console)
{
    return console->is_27 ? "kafka.tools.ConsoleConsumer$" : "org.apache.kafka.tools.consumer.ConsoleConsumer";
}

/* ---- options ---- */

static void warn_of_old_options(const struct console *console)
{
    static const struct { const char *old, *now; } renamed[] = {
        { "consumer-property", "command-property" }, { "consumer.config", "command-config" }, { "property", "formatter-property" },
    };

    for (size_t i = 0; i < sizeof(renamed) / sizeof(*renamed) && !console->is_27; i++)
        if (tool_has(console->options, renamed[i].old))
            call_print(console->call, "Option --%s is deprecated and will be removed in a future version. Use --%s instead.\n", renamed[i].old,
                       renamed[i].now);
}

/* --offset; false: said already. */
static bool take_offset(struct console *console)
{
    const char *text = tool_at(console->options, "offset", 0);

    console->offset = tool_has(console->options, "from-beginning") ? OFFSET_EARLIEST : OFFSET_LATEST;
    if (!text)
        return true;
    if (!strcasecmp(text, "earliest"))
        console->offset = OFFSET_EARLIEST;
    else if (!strcasecmp(text, "latest"))
        console->offset = OFFSET_LATEST;
    else if (!parse_i64(text, &console->offset) || console->offset < 0) {
        tool_usage(console->call, options, "The provided offset value '%s' is incorrect. Valid values are 'earliest', 'latest', or a non-negative long.\n", text);
        return false;
    }
    return true;
}

static bool check_topics(struct console *console)
{
    const struct tool_options *o = console->options;
    struct call *call = console->call;

    if (!console->topic == !console->include) {
        tool_usage(call, options, console->is_27 ? "Exactly one of whitelist/topic is required.\n"
                                                 : "Exactly one of the following arguments is required: [topic], [include]\n");
        return false;
    }
    if (console->has_partition && !console->topic) {
        tool_usage(call, options, "The topic is required when partition is specified.\n");
        return false;
    }
    if (console->has_partition && tool_has(o, "from-beginning") && tool_has(o, "offset")) {
        tool_usage(call, options, "Options from-beginning and offset cannot be specified together.\n");
        return false;
    }
    if (!console->has_partition && tool_has(o, "offset")) {
        tool_usage(call, options, "The partition is required when offset is specified.\n");
        return false;
    }
    return true;
}

/* The group as it was given in one or several places; false: they differ, said already. */
static bool check_group(struct console *console, const struct config_map *file, const struct config_map *pairs, const char **group)
{
    const char *given[3] = { tool_at(console->options, "group", 0), config_map_get(file, "group.id"), config_map_get(pairs, "group.id") }, *found[3];
    struct text list = { 0 };
    size_t count = 0;

    for (size_t i = 0; i < 3; i++) {
        bool known = !given[i];

        for (size_t j = 0; j < count; j++)
            known |= text_equal(found[j], given[i]);
        if (!known)
            found[count++] = given[i];
    }
    *group = count ? found[0] : NULL;
    for (size_t i = 0; i < count; i++)
        text_printf(&list, "%s'%s'", i ? ", " : "", found[i]);
    if (count > 1)
        tool_usage(console->call, options, "The group ids provided in different places (directly using '--group', via '--consumer-property', or via "
                                           "'--consumer.config') do not match. Detected group ids: %s\n", text_chars(&list));
    else if (count && console->has_partition)
        tool_usage(console->call, options, "Options group and partition cannot be specified together.\n");
    text_done(&list);
    return count <= 1 && !(count && console->has_partition);
}

/* False: said already. */
static bool take_reset(struct console *console)
{
    const char *set = config_map_get(&console->config, "auto.offset.reset");
    bool from_beginning = tool_has(console->options, "from-beginning");

    if (set && from_beginning && strcmp(set, "earliest")) {
        call_error(console->call, "Can't simultaneously specify --from-beginning and 'auto.offset.reset=%s', please remove one option\n", set);
        return false;
    }
    if (!set)
        config_map_set(&console->config, "auto.offset.reset", from_beginning ? "earliest" : "latest");
    return true;
}

static void take_group(struct console *console, const char *group)
{
    struct random chance;
    char *made;

    if (group) {
        config_map_set(&console->config, "group.id", group);
        return;
    }
    random_init(&chance, (uint64_t)(call_lab(console->call) ? (int64_t)lab_seed(console->call->lab) : 0) ^ (uint64_t)queue_now_us(console->queue) ^
                             (uint64_t)queue_events_run(console->queue) << 20);
    made = mem_printf("console-consumer-%d", (int)random_below(&chance, 100000));
    config_map_set(&console->config, "group.id", made);
    mem_free(made);
    if (!config_map_get(&console->config, "enable.auto.commit"))
        config_map_set(&console->config, "enable.auto.commit", "false"); /* its offsets are of no use later */
}

/* -1: go on. */
static int take_config(struct console *console, struct trouble *trouble)
{
    const struct tool_options *o = console->options;
    struct config_map file = { 0 }, pairs = { 0 };
    const char *group = NULL, *isolation;
    int status = -1;

    if (tool_file(o, "consumer.config", &file, trouble) && tool_file(o, "command-config", &file, trouble) && tool_text(o, "isolation-level", &isolation, trouble)) {
        tool_pairs(o, "consumer-property", &pairs);
        tool_pairs(o, "command-property", &pairs);
        if (!check_group(console, &file, &pairs, &group)) {
            status = 1;
        } else {
            config_map_copy(&console->config, &file);
            for (size_t i = 0; i < pairs.count; i++)
                config_map_set(&console->config, pairs.sets[i].name, pairs.sets[i].value);
            if (!take_reset(console))
                status = 1;
            if (isolation || !config_map_get(&console->config, "isolation.level"))
                config_map_set(&console->config, "isolation.level", isolation ? isolation : "read_uncommitted");
            take_group(console, group);
            if (!console->is_27 && !config_map_get(&console->config, "client.id"))
                config_map_set(&console->config, "client.id", "console-consumer");
        }
    }
    config_map_done(&file);
    config_map_done(&pairs);
    return status;
}

static bool take_format(struct console *console, struct trouble *trouble)
{
    const struct tool_options *o = console->options;
    const char *name, *key, *value;

    if (!tool_text(o, "formatter", &name, trouble) || !tool_text(o, "key-deserializer", &key, trouble) ||
        !tool_text(o, "value-deserializer", &value, trouble) || !tool_file(o, "formatter-config", &console->format_config, trouble))
        return false;
    if (key && *key)
        config_map_set(&console->format_config, "key.deserializer", key);
    if (value && *value)
        config_map_set(&console->format_config, "value.deserializer", value);
    tool_pairs(o, "property", &console->format_config);
    tool_pairs(o, "formatter-property", &console->format_config);
    return console_format_new(&console->format, console->call, name, &console->format_config, trouble);
}

/* -1: go on. */
static int check(struct console *console, struct trouble *trouble)
{
    const struct tool_options *o = console->options;
    struct call *call = console->call;
    int64_t timeout_ms = -1;
    int status;

    if (call->argc == 1 || tool_has(o, "help"))
        return tool_usage(call, options, "%s", first_line);
    if (tool_has(o, "version")) {
        tool_print_version(call);
        return 0;
    }
    console->has_partition = tool_has(o, "partition");
    warn_of_old_options(console);
    if (!tool_text(o, "topic", &console->topic, trouble) ||
        !tool_text(o, tool_has(o, "include") ? "include" : "whitelist", &console->include, trouble) ||
        (console->has_partition && !tool_i32(o, "partition", &console->partition, trouble)))
        return -1;
    if (console->is_27 && (!tool_i32(o, "max-messages", &console->most, trouble) || !tool_i64(o, "timeout-ms", &timeout_ms, trouble) ||
                           !take_format(console, trouble))) /* there all options are read before any is judged */
        return -1;
    if (!check_topics(console) || !tool_require(call, o, (const char *const[]){ "bootstrap-server", NULL }))
        return 1;
    status = take_config(console, trouble);
    if (status >= 0 || trouble->exception)
        return status;
    if (!take_offset(console))
        return 1;
    if (!tool_i64(o, "timeout-ms", &timeout_ms, trouble))
        return -1;
    console->timeout_us = timeout_ms >= 0 ? timeout_ms * 1000 : NEVER_US;
    if (!console->is_27 && !take_format(console, trouble) && !text_starts(trouble->exception, "joptsimple.")) {
        status = tool_usage(call, options, "%s\n", trouble->message);
        trouble_done(trouble);
        return status;
    }
    return -1;
}

/* ---- reading ---- */

static int64_t records_of(struct cluster *cluster, const char *topic, int32_t partition)
{
    int64_t count = 0;

    for (size_t b = 0; b < cluster_broker_count(cluster); b++) {
        struct broker *broker = cluster_broker_at(cluster, b);

        for (size_t i = 0; i < broker_partition_count(broker); i++) {
            const struct partition *found = broker_partition_at(broker, i);

            if (partition_leads(found) && text_equal(partition_topic(found), topic) && (partition < 0 || partition_number(found) == partition))
                count += log_end_offset(partition_log(found)) - log_start_offset(partition_log(found));
        }
    }
    return count;
}

/* On a terminal, in the shell: somebody waits for what lies behind him. */
static void hint(struct console *console)
{
    struct lab *lab = call_lab(console->call);
    long long older;

    console->hinted = true;
    if (!lab || !call_on_terminal(console->call) || !console->topic || tool_has(console->options, "group"))
        return;
    older = records_of(lab_cluster(lab), console->topic, console->has_partition ? console->partition : -1);
    if (older)
        call_error(console->call, "%lld older record%s: --from-beginning reads %s\n", older, older == 1 ? "" : "s", older == 1 ? "it" : "them");
}

static bool poll(struct console *console, int64_t timeout_us, enum err *err, struct reason *reason)
{
    *err = consumer_poll(console->call->task, console->consumer, timeout_us, &console->records, &console->count, reason);
    console->at = 0;
    return !*err && console->count;
}

/* The clock of a tool: virtual, but the wall's where that stands still (sim/lab.c arms its timers the same way). */
static int64_t client_now_us(const struct console *console)
{
    return console->by_wall ? monotonic_now_us() : queue_now_us(console->queue);
}

/* The next record; NULL: time is up (*err 0), interrupted, or failed. */
static const struct consumer_record *receive(struct console *console, enum err *err, struct reason *reason)
{
    int64_t began_us;
    bool waits_for_new = console->offset == OFFSET_LATEST && !tool_has(console->options, "from-beginning") && !console->processed && !console->hinted;

    console->by_wall = call_lab(console->call) && lab_pace(call_lab(console->call)) == PACE_PAUSED;
    began_us = client_now_us(console);
    *err = ERR_OK;
    while (console->at == console->count) {
        int64_t left_us = console->timeout_us == NEVER_US ? NEVER_US : console->timeout_us - (client_now_us(console) - began_us);

        if (left_us < 0)
            left_us = 0;
        if (waits_for_new && left_us > HINT_AFTER_US) {
            waits_for_new = false;
            if (poll(console, HINT_AFTER_US, err, reason) || *err || call_interrupted(console->call))
                continue;
            hint(console);
            continue;
        }
        if (poll(console, left_us, err, reason))
            break;
        if (*err || call_interrupted(console->call) || (console->timeout_us != NEVER_US && client_now_us(console) - began_us >= console->timeout_us))
            return NULL;
    }
    return *err ? NULL : &console->records[console->at++];
}

static void say_ending(const struct console *console, enum err err, const struct reason *reason)
{
    const char *exception = err ? err_exception(err) : "org.apache.kafka.common.errors.TimeoutException";

    call_log(console->call, "ERROR", "Error processing message, terminating consumer process: ", logger(console));
    if (err)
        call_error(console->call, "%s: %s\n", exception ? exception : "org.apache.kafka.common.KafkaException", reason->text);
    else
        call_error(console->call, "%s\n", exception);
}

/* False: *trouble tells what went wrong with a record. */
static bool process(struct console *console, struct trouble *trouble)
{
    bool skip = tool_has(console->options, "skip-message-on-error");

    while (console->most < 0 || console->processed < console->most) {
        struct reason reason = { "" };
        enum err err;
        const struct consumer_record *record = receive(console, &err, &reason);

        if (!record && call_interrupted(console->call))
            return true;
        if (!record) {
            say_ending(console, err, &reason);
            return true;
        }
        console->processed++;
        if (!console_format_write(console->format, record, trouble)) {
            if (!skip)
                return false;
            call_log(console->call, "ERROR", "Error processing message, skipping this message: ", logger(console));
            trouble_print(console->call, trouble);
            trouble_done(trouble);
        }
    }
    return true;
}

/* What was fetched and not printed is not to be committed. */
static void reset_unread(struct console *console)
{
    while (console->count > console->at) { /* from the newest, so that the oldest of a partition has the last word */
        const struct consumer_record *record = &console->records[--console->count];

        consumer_seek(console->consumer, record->topic, record->partition, record->offset);
    }
}

/* ---- */

static void log_it(void *context, const char *level, const char *message, const char *log)
{
    call_log(context, level, message, log);
}

static bool open_consumer(struct console *console, struct trouble *trouble)
{
    struct call *call = console->call;
    const char *bootstrap = tool_at(console->options, "bootstrap-server", 0);
    struct reason reason = { "" };
    struct client_options client = { .bootstrap = bootstrap, .client_id = config_map_get(&console->config, "client.id"), .release = call_release(call),
                                     .kind = CLIENT_CONSUMER, .warn = log_it, .warn_context = call };
    enum err err;

    console->transport = client.transport = call_transport(call);
    err = consumer_open(&console->consumer, &client, console->queue, &console->config, &reason);
    if (!err && tool_resolve(call, bootstrap, trouble))
        return true;
    if (err)
        trouble_set(trouble, "org.apache.kafka.common.config.ConfigException", "%s", reason.text);
    if (!err || strstr(reason.text, "bootstrap"))
        trouble_wrap(trouble, "org.apache.kafka.common.KafkaException", "Failed to construct kafka consumer");
    return false;
}

/* In the past no group can be joined: all partitions are read as they are. */
static bool begin_in_past(struct console *console, struct trouble *trouble)
{
    const struct image_topic *topic = console->topic ? image_topic(cluster_image(lab_cluster(call_lab(console->call))), console->topic) : NULL;
    struct consumer_position *positions;

    if (tool_has(console->options, "group") || !console->topic)
        return trouble_set(trouble, "java.lang.IllegalStateException", "this is the past, where a group can't be joined: %s", console->topic ? "leave out --group" : "name one --topic");
    if (!topic)
        return trouble_set(trouble, "org.apache.kafka.common.errors.UnknownTopicOrPartitionException", "the topic %s was not there yet", console->topic);
    positions = mem_zero_array((size_t)topic->partition_count, sizeof(*positions));
    for (int32_t i = 0; i < topic->partition_count; i++)
        positions[i] = (struct consumer_position){ console->topic, i, console->offset ? console->offset : OFFSET_LATEST };
    consumer_assign(console->consumer, positions, (size_t)topic->partition_count);
    mem_free(positions);
    return true;
}

static bool begin(struct console *console, struct trouble *trouble)
{
    struct reason reason = { "" };
    const char *protocol = config_map_get(&console->config, "group.protocol");

    if (console->has_partition) {
        consumer_assign(console->consumer, &(struct consumer_position){ console->topic, console->partition, console->offset }, 1);
        return true;
    }
    if (call_lab(console->call) && lab_is_past(call_lab(console->call)))
        return begin_in_past(console, trouble);
    if (!console->is_27 && !(protocol && !strcasecmp(protocol, "consumer")))
        call_error(console->call, "%s", rebalance_notice);
    if (console->topic)
        return !consumer_subscribe(console->consumer, &console->topic, 1);
    return !consumer_subscribe_pattern(console->consumer, console->include, &reason) ||
           trouble_set(trouble, "java.lang.RuntimeException", "%s", reason.text);
}

/* Opens, reads, closes; what flies out of it is logged and makes the exit status 1. */
static int consume(struct console *console, struct trouble *trouble)
{
    struct call *call = console->call;
    bool interrupted = false;

    if (open_consumer(console, trouble) && begin(console, trouble)) {
        if (console->is_27 || tool_i32(console->options, "max-messages", &console->most, trouble)) /* 4.3 reads it this late */
            process(console, trouble);
        interrupted = call_interrupted(call);
        if (interrupted)
            task_clear_interrupt(call->task); /* the group hears of the end, its offsets are committed */
        reset_unread(console);
        consumer_close(call->task, console->consumer);
        console->consumer = NULL;
        call_error(call, "Processed a total of %lld messages\n", console->processed);
        if (interrupted && tool_has(console->options, "enable-systest-events"))
            call_print(call, "shutdown_complete\n");
    }
    if (interrupted || !trouble->exception)
        return interrupted ? 130 : 0;
    call_log(call, "ERROR", "Unknown error when running consumer: ", logger(console));
    trouble_print(call, trouble);
    return 1;
}

static int run(struct call *call)
{
    struct console console = { .call = call, .is_27 = release_is_27(call_release(call)), .timeout_us = NEVER_US, .most = -1 };
    struct trouble trouble = { 0 };
    int status;

    console.queue = call_lab(call) ? lab_queue(call_lab(call)) : call->session->shell->outside;
    if (!tool_options_parse(&console.options, call, options, &trouble)) {
        status = tool_usage(call, options, "%s\n", trouble.message);
        trouble_done(&trouble);
        return status;
    }
    status = check(&console, &trouble);
    if (status < 0 && trouble.exception)
        status = trouble_uncaught(call, &trouble);
    else if (status < 0)
        status = consume(&console, &trouble);
    trouble_done(&trouble);
    consumer_drop(console.consumer);
    if (console.transport)
        transport_free(console.transport);
    console_format_free(console.format);
    config_map_done(&console.config);
    config_map_done(&console.format_config);
    tool_options_done(console.options);
    return status;
}

const struct command command_kafka_console_consumer = {
    .name = "kafka-console-consumer", .summary = "print the records of a topic",
    .example = "kafka-console-consumer.sh --topic students --from-beginning --bootstrap-server localhost:9092", .options = options, .tool = true, .past = "", .run = run,
};
