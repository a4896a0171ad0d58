/* kafka-get-offsets (2.7: kafka.tools.GetOffsetShell): the start, the end, or the offset at a time, of partitions. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "shell/tool_admin.h"

static const struct option options[] = {
    { "bootstrap-server", "String: HOST1:PORT1,...,HOST3:PORT3", "REQUIRED: brokers' addresses", COMPLETE_BOOTSTRAP,
      RELEASE_43 },
    { "broker-list", "String: hostname:port,...,hostname:port", "REQUIRED: brokers' addresses", COMPLETE_BOOTSTRAP,
      RELEASE_27 },
    { "command-config", "String: config file", "a file with settings for the tool's client", COMPLETE_FILE,
      RELEASE_43 },
    { "exclude-internal-topics", NULL, "leave out Kafka's own topics", 0, RELEASE_43 },
    { "help", NULL, "show these options", 0, RELEASE_43 },
    { "max-wait-ms", "Integer: ms", "not looked at any more", 0, RELEASE_27 },
    { "offsets", "Integer: count", "not looked at any more", 0, RELEASE_27 },
    { "partitions", "String: partition ids", "only these partitions: numbers with commas between", 0, 0 },
    { "time",
      "String: <timestamp> / -1 or latest / -2 or earliest / -3 or max-timestamp / -4 or earliest-local / -5 or "
      "latest-tiered / -6 or earliest-pending-upload",
      "the first offset at or after this moment (ms since 1970), or the end (latest, the default), the start, ...", 0,
      RELEASE_43 },
    { "time", "Long: timestamp/-1(latest)/-2(earliest)",
      "the first offset at or after this moment (ms since 1970), or the end (-1, the default) or the start (-2)", 0,
      RELEASE_27 },
    { "topic", "String: topic", "the topic; in 4.3 a regular expression too, and all topics without it", COMPLETE_TOPIC,
      0 },
    { "topic-partitions", "String: topic1:1,topic2:0-3,topic3,topic4:5-,topic5:-3",
      "partitions of topics: a number, a range (the end not in it), or all", COMPLETE_PARTITION, RELEASE_43 },
    { "version", NULL, "show Kafka's version", 0, RELEASE_43 },
    { 0 },
};

struct rule { /* partitions [low, high) of topics that match */
    struct tool_filter *filter;
    int32_t low, high;
};
struct offsets {
    struct call *call;
    struct tool_options *options;
    struct tool_admin admin;
    struct rule *rules;
    size_t rule_count, rule_capacity;
    int32_t *partitions; /* NULL: all */
    size_t partition_count, partition_capacity;
};

/* Both releases want numbers, and say the same when they get none. */
static bool parse_partitions(struct offsets *offsets, const char *list)
{
    char *copy = mem_text(list ? list : ""), *rest = copy, *one;
    bool ok = true;
    int32_t id;

    while (*copy && ok && (one = strsep(&rest, ","))) {
        if (!*one && !rest)
            break;
        ok = parse_i32(one, &id);
        if (ok)
            ARRAY_ADD(offsets->partitions, offsets->partition_count, offsets->partition_capacity) = id;
    }
    mem_free(copy);
    return ok;
}

static bool wanted(const struct offsets *offsets, int32_t partition)
{
    for (size_t i = 0; i < offsets->partition_count; i++)
        if (offsets->partitions[i] == partition)
            return true;
    return !offsets->partition_count;
}

static int by_offset_partition(const void *a, const void *b)
{
    const struct tool_offset *left = a, *right = b;

    return left->partition < right->partition ? -1 : left->partition > right->partition;
}

/* ---- 2.7: one topic, over a consumer ---- */

static void print_missing(const struct offsets *offsets, const struct metadata_response_topic *topic)
{
    for (size_t i = 0; i < offsets->partition_count; i++) {
        bool found = false;

        for (int32_t p = 0; p < topic->partitions.count; p++)
            found |= topic->partitions.items[p].partition_index == offsets->partitions[i];
        if (!found)
            call_error(offsets->call, "Error: partition %d does not exist\n", (int)offsets->partitions[i]);
    }
}

static int print_topic_27(struct offsets *offsets, const struct metadata_response_topic *topic, int64_t time,
                          const char *ids, struct trouble *trouble)
{
    struct tool_offset *found =
        arena_alloc(&offsets->admin.arena, ((size_t)topic->partitions.count + 1) * sizeof(*found));
    size_t count = 0, asked = 0;

    for (int32_t p = 0; p < topic->partitions.count; p++)
        asked += wanted(offsets, topic->partitions.items[p].partition_index);
    if (!asked) {
        if (offsets->partition_count)
            call_error(offsets->call, "Topic %s does not have any of the requested partitions %s\n", topic->name, ids);
        else
            call_error(offsets->call, "Topic %s has 0 partitions\n", topic->name);
        return 1;
    }
    print_missing(offsets, topic);
    for (int32_t p = 0; p < topic->partitions.count; p++) {
        if (!wanted(offsets, topic->partitions.items[p].partition_index))
            continue;
        if (topic->partitions.items[p].leader_id < 0)
            call_error(offsets->call, "Error: partition %d does not have a leader. Skip getting offsets\n",
                       (int)topic->partitions.items[p].partition_index);
        else
            found[count++] = (struct tool_offset){ .topic = topic->name,
                                                   .partition = topic->partitions.items[p].partition_index,
                                                   .timestamp = time };
    }
    qsort(found, count, sizeof(*found), by_offset_partition);
    if (count && time < -2) {
        trouble_set(trouble, "java.lang.IllegalArgumentException",
                    "The target time for partition %s-%d is %lld. The target time cannot be negative.", topic->name,
                    (int)found[0].partition, (long long)time);
        return -1;
    }
    if (!tool_list_offsets(&offsets->admin, found, count, trouble))
        return -1;
    for (size_t i = 0; i < count; i++) {
        if (!tool_check(found[i].error, NULL, trouble))
            return -1;
        if (found[i].offset >= 0)
            call_print(offsets->call, "%s:%d:%lld\n", topic->name, (int)found[i].partition, (long long)found[i].offset);
        else
            call_print(offsets->call, "%s:%d:\n", topic->name, (int)found[i].partition);
    }
    return 0;
}

static int run_27(struct offsets *offsets, struct trouble *trouble)
{
    struct call *call = offsets->call;
    const char *brokers, *topic, *ids;
    struct metadata_response *cluster;
    int64_t time = -1;

    if (call->argc == 1)
        return tool_usage(call, options, "An interactive shell for getting topic offsets.\n");
    if (!tool_require(call, offsets->options, (const char *const[]){ "broker-list", "topic", NULL }))
        return 1;
    if (!tool_text(offsets->options, "broker-list", &brokers, trouble) ||
        !tool_text(offsets->options, "topic", &topic, trouble) ||
        !tool_text(offsets->options, "partitions", &ids, trouble))
        return -1;
    if (!strchr(brokers, ':'))
        return tool_usage(call, options, "Please provide valid host:port like host1:9091,host2:9092\n \n");
    if (!parse_partitions(offsets, ids)) {
        call_error(call, "--partitions expects a comma separated list of numeric partition ids, but received: %s\n",
                   ids);
        return 1;
    }
    if (!tool_i64(offsets->options, "time", &time, trouble) ||
        !tool_consumer_open(&offsets->admin, call, brokers, "GetOffsetShell", NULL, trouble))
        return -1;
    if (!tool_metadata(&offsets->admin, "listTopics", &cluster, trouble)) {
        if (text_equal(trouble->exception, "org.apache.kafka.common.errors.TimeoutException"))
            trouble_set(trouble, "org.apache.kafka.common.errors.TimeoutException",
                        "Timeout expired while fetching topic metadata");
        return -1;
    }
    for (int32_t i = 0; i < cluster->topics.count; i++)
        if (text_equal(cluster->topics.items[i].name, topic))
            return print_topic_27(offsets, &cluster->topics.items[i], time, ids, trouble);
    call_error(call, "Topic %s does not exist\n", topic);
    return 1;
}

/* ---- 4.3: over the admin client ---- */

/* Mistakes that the tool words itself: no trace. */
#define TERSE "org.apache.kafka.server.util.TerseException"

static bool parse_time_43(const char *text, int64_t *time, struct trouble *trouble)
{
    static const struct {
        const char *name;
        int64_t time;
    } names[] = {
        { "latest", -1 },         { "earliest", -2 },      { "max-timestamp", -3 },
        { "earliest-local", -4 }, { "latest-tiered", -5 }, { "earliest-pending-upload", -6 },
    };

    *time = -1;
    if (!text)
        return true;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (text_equal(text, names[i].name)) {
            *time = names[i].time;
            return true;
        }
    return parse_i64(text, time) || trouble_set(trouble, TERSE,
                                                "Malformed time argument %s. Please use -1 or latest / -2 or earliest "
                                                "/ -3 or max-timestamp / -4 or earliest-local / -5 or latest-tiered / "
                                                "-6 or earliest-pending-upload, or a specified long format timestamp",
                                                text);
}

/* TOPIC:NUMBER, TOPIC:LOW-HIGH with either end left out, TOPIC, :PARTITIONS. */
static bool parse_rule(struct offsets *offsets, char *spec, struct trouble *trouble)
{
    char *colon = strchr(spec, ':'), *digits = colon ? colon + 1 : NULL, *dash = digits ? strchr(digits, '-') : NULL;
    struct rule rule = { .low = 0, .high = INT32_MAX };

    for (const char *c = digits; c && *c; c++)
        if (!isdigit((unsigned char)*c) && c != dash) {
            char *message =
                mem_printf("org.apache.kafka.server.util.TerseException: Invalid rule specification: %s", spec);

            trouble_set(trouble, "java.lang.RuntimeException", "%s", message);
            mem_free(message);
            trouble_cause(trouble, "org.apache.kafka.server.util.TerseException", "Invalid rule specification: %s",
                          spec);
            return false;
        }
    if (colon)
        *colon = 0;
    if (dash) {
        *dash = 0;
        parse_i32(digits, &rule.low);
        parse_i32(dash + 1, &rule.high);
    } else if (digits && parse_i32(digits, &rule.low)) {
        rule.high = rule.low + 1;
    }
    if (!tool_filter_new(&rule.filter, *spec ? spec : ".*", trouble))
        return false;
    ARRAY_ADD(offsets->rules, offsets->rule_count, offsets->rule_capacity) = rule;
    return true;
}

static bool parse_rules(struct offsets *offsets, const char *topic, const char *ids, const char *list,
                        struct trouble *trouble)
{
    char *copy, *rest, *one;
    bool ok = true;

    if (!list) {
        if (!parse_partitions(offsets, ids))
            return trouble_set(trouble, TERSE,
                               "--partitions expects a comma separated list of numeric partition ids, but received: %s",
                               ids);
        struct rule rule = { .low = 0, .high = INT32_MAX };

        if (!tool_filter_new(&rule.filter, topic ? topic : ".*", trouble))
            return false;
        ARRAY_ADD(offsets->rules, offsets->rule_count, offsets->rule_capacity) = rule;
        return true;
    }
    copy = rest = mem_text(list);
    while (ok && (one = strsep(&rest, ",")))
        ok = (!*one && !rest) || parse_rule(offsets, one, trouble);
    mem_free(copy);
    return ok;
}

static bool matches(const struct offsets *offsets, const char *topic, int32_t partition)
{
    for (size_t i = 0; i < offsets->rule_count; i++)
        if (tool_filter_allows(offsets->rules[i].filter, topic, false) && partition >= offsets->rules[i].low &&
            partition < offsets->rules[i].high && wanted(offsets, partition))
            return true;
    return false;
}

/* As the texts "orders-10" and "orders-2" compare. */
static int by_topic_partition(const void *a, const void *b)
{
    const struct tool_offset *left = a, *right = b;
    char one[300], two[300];

    snprintf(one, sizeof(one), "%s-%d", left->topic, (int)left->partition);
    snprintf(two, sizeof(two), "%s-%d", right->topic, (int)right->partition);
    return strcmp(one, two);
}

static bool print_43(struct offsets *offsets, int64_t time, struct trouble *trouble)
{
    bool exclude = tool_has(offsets->options, "exclude-internal-topics");
    struct metadata_response *cluster;
    struct tool_offset *found;
    size_t count = 0, room = 0;

    if (!tool_metadata(&offsets->admin, "listTopics", &cluster, trouble)) {
        tool_execution(trouble);
        return false;
    }
    for (int32_t t = 0; t < cluster->topics.count; t++)
        room += (size_t)cluster->topics.items[t].partitions.count;
    found = arena_alloc(&offsets->admin.arena, (room + 1) * sizeof(*found));
    for (int32_t t = 0; t < cluster->topics.count; t++)
        for (int32_t p = 0; p < cluster->topics.items[t].partitions.count; p++) {
            const char *topic = cluster->topics.items[t].name;
            int32_t partition = cluster->topics.items[t].partitions.items[p].partition_index;

            if (matches(offsets, topic, partition) && !(exclude && topic_is_internal(topic)))
                found[count++] = (struct tool_offset){ .topic = topic, .partition = partition, .timestamp = time };
        }
    if (!count)
        return trouble_set(trouble, TERSE, "Could not match any topic-partitions with the specified filters");
    if (!tool_list_offsets(&offsets->admin, found, count, trouble)) {
        tool_execution(trouble);
        return false;
    }
    qsort(found, count, sizeof(*found), by_topic_partition);
    for (size_t i = 0; i < count; i++) {
        if (found[i].error && !tool_check(found[i].error, NULL, trouble)) {
            call_error(offsets->call, "Skip getting offsets for topic-partition %s-%d due to error: %s: %s\n",
                       found[i].topic, (int)found[i].partition, trouble->exception, trouble->message);
            trouble_done(trouble);
        } else if (found[i].offset != -1) {
            call_print(offsets->call, "%s:%d:%lld\n", found[i].topic, (int)found[i].partition,
                       (long long)found[i].offset);
        }
    }
    return true;
}

static int run_43(struct offsets *offsets, struct trouble *trouble)
{
    const struct tool_options *o = offsets->options;
    const char *bootstrap, *topic, *ids, *list, *when, *file;
    struct config_map config = { 0 };
    struct call *call = offsets->call;
    int64_t time;
    bool ok;

    if (call->argc == 1 || tool_has(o, "help"))
        return tool_usage(call, options, "An interactive shell for getting topic-partition offsets.\n");
    if (tool_has(o, "version")) {
        tool_print_version(call);
        return 0;
    }
    if (!tool_require(call, o, (const char *const[]){ "bootstrap-server", NULL }))
        return 1;
    if (!tool_text(o, "bootstrap-server", &bootstrap, trouble))
        return -1;
    if (!strchr(bootstrap, ':'))
        return tool_usage(call, options, "Please provide valid host:port like host1:9091,host2:9092\n\n");
    if (tool_has(o, "topic-partitions") && (tool_has(o, "topic") || tool_has(o, "partitions"))) {
        trouble_set(trouble, TERSE, "--topic-partitions cannot be used with --topic or --partitions");
        return -1;
    }
    ok = tool_text(o, "time", &when, trouble) && parse_time_43(when, &time, trouble) &&
         tool_text(o, "topic", &topic, trouble) && tool_text(o, "partitions", &ids, trouble) &&
         tool_text(o, "topic-partitions", &list, trouble) && parse_rules(offsets, topic, ids, list, trouble) &&
         tool_text(o, "command-config", &file, trouble) && (!file || tool_properties(file, &config, trouble));
    if (ok)
        config_map_set(&config, "client.id", "GetOffsetShell");
    ok = ok && tool_admin_open(&offsets->admin, call, bootstrap, NULL, &config, trouble) &&
         print_43(offsets, time, trouble);
    config_map_done(&config);
    return ok ? 0 : -1;
}

/* ---- */

static int say(struct call *call, struct trouble *trouble)
{
    bool terse =
        trouble->exception && (text_equal(trouble->exception, TERSE) || text_starts(trouble->exception, "joptsimple."));

    if (call_interrupted(call)) {
        trouble_done(trouble);
        return 130;
    }
    call_error(call, "Error occurred: %s\n", trouble->message ? trouble->message : "null");
    if (!terse) {
        trouble_print(call, trouble);
        call_error(call, "\n");
    }
    trouble_done(trouble);
    return 1;
}

/* For kafka-run-class.sh, as 2.7 called it. */
#define OLD_CLASS "kafka.tools.GetOffsetShell"

static int run(struct call *call)
{
    struct offsets offsets = { .call = call };
    struct trouble trouble = { 0 };
    bool old = release_is_27(call_release(call)), any = call->session->lab && lab_release(call->session->lab) == RELEASE_ANY;
    int status = -1;

    if (!old && !any && text_equal(call->argv[0], OLD_CLASS)) {
        call_error(call, "Error: Could not find or load main class %s\nCaused by: java.lang.ClassNotFoundException: %s\n", OLD_CLASS, OLD_CLASS);
        return 1;
    }
    if (tool_options_parse(&offsets.options, call, options, &trouble)) {
        old |= tool_has(offsets.options, "broker-list"); /* only 2.7's tool has it: a tool that plays both follows */
        status = (old ? run_27 : run_43)(&offsets, &trouble);
    }
    if (status < 0)
        status = !old ? say(call, &trouble) : call_interrupted(call) ? 130 : trouble_uncaught(call, &trouble);
    for (size_t i = 0; i < offsets.rule_count; i++)
        tool_filter_free(offsets.rules[i].filter);
    mem_free(offsets.rules);
    mem_free(offsets.partitions);
    trouble_done(&trouble);
    tool_admin_close(&offsets.admin);
    tool_options_done(offsets.options);
    return tool_status(call, status);
}

const struct command command_kafka_get_offsets = {
    .name = "kafka-get-offsets",
    .summary = "start, end or offset at a time of partitions",
    .example = "kafka-get-offsets.sh --topic students --time -2 --bootstrap-server localhost:9092",
    .options = options,
    .tool = true,
    .past = "", .run = run,
};
