/* kafka-log-dirs: what lies in the brokers' folders, as one line of JSON. */
#include <stdlib.h>
#include <string.h>

#include "shell/java_order.h"
#include "shell/tool_admin.h"

enum { API_DESCRIBE_LOG_DIRS = 35 };

/* A mistake that the tool words itself: no trace. */
#define TERSE "org.apache.kafka.server.util.TerseException"

static const struct option options[] = {
    { "bootstrap-server", "String: The server(s) to use for bootstrapping", "REQUIRED: brokers' addresses", COMPLETE_BOOTSTRAP, 0 },
    { "broker-list", "String: Broker list", "only these brokers: ids with commas between", COMPLETE_BROKER, 0 },
    { "command-config", "String: Admin client property file", "a file with settings for the tool's client", COMPLETE_FILE, 0 },
    { "describe", NULL, "REQUIRED: show the folders", 0, 0 },
    { "help", NULL, "show these options", 0, 0 },
    { "topic-list", "String: Topic list", "only these topics: names with commas between", COMPLETE_TOPIC, 0 },
    { "version", NULL, "show Kafka's version", 0, 0 },
    { 0 },
};

struct dirs {
    struct call *call;
    struct tool_options *options;
    struct tool_admin admin;
    const char *topics; /* NULL: all */
    int32_t *brokers;
    size_t count, capacity;
};

static bool is_old(const struct dirs *dirs)
{
    return release_is_27(call_release(dirs->call));
}

/* ---- which brokers ---- */

static bool read_brokers(struct dirs *dirs, const char *list, struct trouble *trouble)
{
    char *copy = mem_text(list), *rest = copy, *one;
    int32_t id;

    while (!trouble->exception && (one = strsep(&rest, ","))) {
        if (!*one)
            continue;
        if (parse_i32(one, &id))
            ARRAY_ADD(dirs->brokers, dirs->count, dirs->capacity) = id;
        else
            trouble_set(trouble, "java.lang.NumberFormatException", "For input string: \"%s\"", one);
    }
    mem_free(copy);
    return !trouble->exception;
}

static char *ids_text(const int32_t *ids, size_t count)
{
    struct text text = { 0 };

    text_add(&text, "");
    for (size_t i = 0; i < count; i++)
        text_printf(&text, "%s%d", i ? "," : "", (int)ids[i]);
    return text_take(&text);
}

static int by_id(const void *a, const void *b)
{
    int32_t left = *(const int32_t *)a, right = *(const int32_t *)b;

    return (left > right) - (left < right);
}

static bool is_among(const int32_t *ids, size_t count, int32_t id)
{
    for (size_t i = 0; i < count; i++)
        if (ids[i] == id)
            return true;
    return false;
}

/* 4.3 names those that aren't there; 2.7 waits for them. */
static bool check_brokers(struct dirs *dirs, const int32_t *known, size_t known_count, struct trouble *trouble)
{
    int32_t *missing = mem_zero_array(dirs->count + 1, sizeof(*missing));
    size_t count = 0, kept = 0;
    char *all = ids_text(known, known_count), *absent;

    for (size_t i = 0; i < dirs->count; i++) {
        if (is_among(known, known_count, dirs->brokers[i])) {
            if (!is_among(dirs->brokers, kept, dirs->brokers[i]))
                dirs->brokers[kept++] = dirs->brokers[i];
        } else if (!is_among(missing, count, dirs->brokers[i])) {
            missing[count++] = dirs->brokers[i];
        }
    }
    qsort(dirs->brokers, kept, sizeof(*dirs->brokers), by_id);
    absent = ids_text(missing, count);
    if (count)
        trouble_set(trouble, TERSE, "ERROR: The given brokers do not exist from --broker-list: %s. Current existent brokers: %s", absent, all);
    else
        dirs->count = kept;
    mem_free(absent);
    mem_free(all);
    mem_free(missing);
    return !count;
}

static bool find_brokers(struct dirs *dirs, const char *list, struct trouble *trouble)
{
    struct metadata_response *cluster;
    int32_t *known;
    bool ok, all;

    if (is_old(dirs) && list)
        return read_brokers(dirs, list, trouble);
    if (!tool_metadata(&dirs->admin, "listNodes", &cluster, trouble)) {
        tool_execution(trouble);
        return false;
    }
    known = mem_zero_array((size_t)cluster->brokers.count + 1, sizeof(*known));
    for (int32_t i = 0; i < cluster->brokers.count; i++)
        known[i] = cluster->brokers.items[i].node_id;
    qsort(known, (size_t)cluster->brokers.count, sizeof(*known), by_id);
    ok = !list || read_brokers(dirs, list, trouble);
    all = !dirs->count;
    for (int32_t i = 0; ok && all && i < cluster->brokers.count; i++)
        ARRAY_ADD(dirs->brokers, dirs->count, dirs->capacity) = known[i];
    ok = ok && (is_old(dirs) || check_brokers(dirs, known, (size_t)cluster->brokers.count, trouble));
    mem_free(known);
    return ok;
}

/* ---- their folders ---- */

static bool wanted(const struct dirs *dirs, const char *topic)
{
    size_t size = strlen(topic);

    if (!dirs->topics)
        return true;
    for (const char *at = dirs->topics; *at; at += strspn(at, ",")) {
        size_t span = strcspn(at, ",");

        if (span == size && !memcmp(at, topic, size))
            return true;
        at += span;
    }
    return false;
}

static void add_quoted(struct text *out, const char *text)
{
    text_json(out, bytes_text(text));
}

static void add_partitions(const struct dirs *dirs, const struct describe_log_dirs_response_dir *dir, struct text *out)
{
    const struct describe_log_dirs_response_partition **found;
    const char **topics;
    uint32_t *hashes;
    size_t count = 0, room = 0, *order;

    for (int32_t t = 0; t < dir->topics.count; t++)
        room += (size_t)dir->topics.items[t].partitions.count;
    found = mem_zero_array(room + 1, sizeof(*found));
    topics = mem_zero_array(room + 1, sizeof(*topics));
    hashes = mem_zero_array(room + 1, sizeof(*hashes));
    for (int32_t t = 0; t < dir->topics.count; t++)
        for (int32_t p = 0; p < dir->topics.items[t].partitions.count && wanted(dirs, dir->topics.items[t].name); p++) {
            found[count] = &dir->topics.items[t].partitions.items[p];
            topics[count] = dir->topics.items[t].name;
            hashes[count] = topic_partition_hash(topics[count], found[count]->partition_index);
            count++;
        }
    order = is_old(dirs) ? scala_mutable_order_hashes(hashes, count) : java_order_hashes(hashes, count, 0);
    text_char(out, '[');
    for (size_t i = 0; i < count; i++) {
        char *name = mem_printf("%s-%d", topics[order[i]], (int)found[order[i]]->partition_index);

        text_printf(out, "%s{\"partition\":", i ? "," : "");
        add_quoted(out, name);
        text_printf(out, ",\"size\":%lld,\"offsetLag\":%lld,\"isFuture\":%s}", (long long)found[order[i]]->partition_size,
                    (long long)found[order[i]]->offset_lag, found[order[i]]->is_future_key ? "true" : "false");
        mem_free(name);
    }
    text_char(out, ']');
    mem_free(order);
    mem_free(hashes);
    mem_free(topics);
    mem_free(found);
}

static void add_dir(const struct dirs *dirs, const struct describe_log_dirs_response_dir *dir, struct text *out)
{
    struct text error = { 0 };

    if (dir->error_code)
        add_quoted(&error, err_exception(err_known(dir->error_code) ? (enum err)dir->error_code : ERR_UNKNOWN_SERVER_ERROR));
    else
        text_add(&error, "null");
    text_add(out, is_old(dirs) ? "{\"logDir\":" : "{\"partitions\":");
    if (is_old(dirs)) {
        add_quoted(out, dir->log_dir);
        text_printf(out, ",\"error\":%s,\"partitions\":", text_chars(&error));
        add_partitions(dirs, dir, out);
    } else {
        add_partitions(dirs, dir, out);
        text_printf(out, ",\"error\":%s,\"logDir\":", text_chars(&error));
        add_quoted(out, dir->log_dir);
    }
    text_char(out, '}');
    text_done(&error);
}

static bool add_broker(struct dirs *dirs, int32_t broker, struct text *out, struct trouble *trouble)
{
    struct describe_log_dirs_request request;
    struct describe_log_dirs_response *response;
    void *answer;

    fields_preset(&describe_log_dirs_request_message, &request);
    request.topics.count = -1; /* all: the tool chooses */
    if (!tool_admin_call(&dirs->admin, broker, API_DESCRIBE_LOG_DIRS, -1, &request, &answer, "describeLogDirs", trouble))
        return false;
    response = answer;
    if (!tool_check(response->error_code, NULL, trouble))
        return false;
    text_printf(out, "{\"broker\":%d,\"logDirs\":[", (int)broker);
    for (int32_t i = 0; i < response->results.count; i++) {
        if (i)
            text_char(out, ',');
        add_dir(dirs, &response->results.items[i], out);
    }
    text_add(out, "]}");
    return true;
}

static bool describe(struct dirs *dirs, struct trouble *trouble)
{
    struct text out = { 0 };
    char *ids;
    bool ok = true;

    call_print(dirs->call, "Querying brokers for log directories information\n");
    text_add(&out, is_old(dirs) ? "{\"version\":1,\"brokers\":[" : "{\"brokers\":[");
    for (size_t i = 0; ok && i < dirs->count; i++) {
        if (i)
            text_char(&out, ',');
        ok = add_broker(dirs, dirs->brokers[i], &out, trouble);
    }
    text_add(&out, is_old(dirs) ? "]}" : "],\"version\":1}");
    if (ok) {
        ids = ids_text(dirs->brokers, dirs->count);
        call_print(dirs->call, "Received log directory information from brokers %s\n%s\n", ids, text_chars(&out));
        mem_free(ids);
    } else {
        tool_execution(trouble);
    }
    text_done(&out);
    return ok;
}

/* ---- */

static bool act(struct dirs *dirs, struct trouble *trouble)
{
    const char *bootstrap, *file, *brokers;
    struct config_map config = { 0 };
    bool ok = tool_text(dirs->options, "command-config", &file, trouble) && (!file || tool_properties(file, &config, trouble)) &&
              tool_text(dirs->options, "bootstrap-server", &bootstrap, trouble) && tool_text(dirs->options, "topic-list", &dirs->topics, trouble) &&
              tool_text(dirs->options, "broker-list", &brokers, trouble) &&
              tool_admin_open(&dirs->admin, dirs->call, bootstrap, "log-dirs-tool", &config, trouble);

    config_map_done(&config);
    if (dirs->topics && !dirs->topics[strspn(dirs->topics, ",")])
        dirs->topics = NULL;
    return ok && find_brokers(dirs, brokers, trouble) && describe(dirs, trouble);
}

static int failed(struct call *call, struct trouble *trouble)
{
    if (!text_equal(trouble->exception, TERSE) || call_interrupted(call))
        return tool_failed(call, trouble);
    call_error(call, "%s\n", trouble->message);
    trouble_done(trouble);
    return 1;
}

static int run(struct call *call)
{
    struct dirs dirs = { .call = call };
    struct trouble trouble = { 0 };
    int status = 0;

    if (!tool_options_parse(&dirs.options, call, options, &trouble))
        return tool_failed(call, &trouble);
    if (call->argc == 1 || tool_has(dirs.options, "help"))
        status = tool_usage(call, options, "This tool helps to query log directory usage on the specified brokers.\n");
    else if (tool_has(dirs.options, "version"))
        tool_print_version(call);
    else if (!tool_require(call, dirs.options, (const char *const[]){ "bootstrap-server", "describe", NULL }))
        status = 1;
    else if (!act(&dirs, &trouble))
        status = failed(call, &trouble);
    mem_free(dirs.brokers);
    trouble_done(&trouble);
    tool_admin_close(&dirs.admin);
    tool_options_done(dirs.options);
    return tool_status(call, status);
}

const struct command command_kafka_log_dirs = {
    .name = "kafka-log-dirs",
    .summary = "how much of which partition each broker keeps",
    .example = "kafka-log-dirs.sh --describe --bootstrap-server localhost:9092",
    .options = options,
    .tool = true,
    .past = "", .run = run,
};
