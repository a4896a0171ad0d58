/* kafka-delete-records: raises the start of partitions, so that what lies before it is gone. */
#include <stdlib.h>
#include <string.h>

#include "shell/java_order.h"
#include "shell/tool_admin.h"
#include "shell/tool_json.h"

enum { API_DELETE_RECORDS = 21 };

static const struct option options[] = {
    { "bootstrap-server", "String: server(s) to use for bootstrapping", "REQUIRED: brokers' addresses", COMPLETE_BOOTSTRAP, 0 },
    { "command-config", "String: command config property file path", "a file with settings for the tool's client", COMPLETE_FILE, 0 },
    { "help", NULL, "show these options", 0, 0 },
    { "offset-json-file", "String: Offset json file path",
      "REQUIRED: what to delete: {\"partitions\": [{\"topic\": \"foo\", \"partition\": 1, \"offset\": 1}], \"version\": 1}; the offset is the "
      "first that stays, -1: the high watermark", COMPLETE_FILE, 0 },
    { "version", NULL, "show Kafka's version", 0, 0 },
    { 0 },
};

struct cut {
    const char *topic;
    int32_t partition, leader;
    int64_t before, low_watermark;
    int16_t error;
};
struct deletion {
    struct call *call;
    struct tool_options *options;
    struct tool_admin admin;
    struct cut *cuts;
    size_t count, capacity;
};

static bool is_old(const struct deletion *deletion)
{
    return release_is_27(call_release(deletion->call));
}

/* ---- the file ---- */

static bool wrong(const struct deletion *deletion, struct trouble *trouble, const char *what)
{
    return trouble_set(trouble, is_old(deletion) ? "kafka.admin.AdminOperationException" : "org.apache.kafka.tools.AdminOperationException",
                       "%s", what);
}

static bool add_cut(struct deletion *deletion, const struct json *item, struct trouble *trouble)
{
    const struct json *topic, *partition, *offset;
    struct cut cut = { .low_watermark = -1 };

    if (!tool_json_object(item, trouble) || !tool_json_member(item, "topic", &topic, trouble) || !tool_json_text(topic, &cut.topic, trouble) ||
        !tool_json_member(item, "partition", &partition, trouble) || !tool_json_i32(partition, &cut.partition, trouble) ||
        !tool_json_member(item, "offset", &offset, trouble) || !tool_json_i64(offset, &cut.before, trouble))
        return false;
    ARRAY_ADD(deletion->cuts, deletion->count, deletion->capacity) = cut;
    return true;
}

static bool read_cuts(struct deletion *deletion, const char *text, struct trouble *trouble)
{
    const struct json *whole = json_parse(&deletion->admin.arena, text), *version, *partitions;
    int32_t number_of = 1;
    char *message;

    if (!whole)
        return wrong(deletion, trouble, "The input string is not a valid JSON");
    if (!tool_json_object(whole, trouble))
        return false;
    version = json_get(whole, "version");
    if (version && !tool_json_i32(version, &number_of, trouble))
        return false;
    if (number_of != 1) {
        message = mem_printf("Not supported version field value %d", number_of);
        wrong(deletion, trouble, message);
        mem_free(message);
        return false;
    }
    partitions = json_get(whole, "partitions");
    if (!partitions)
        return wrong(deletion, trouble, "Missing partitions field");
    if (!tool_json_array(partitions, trouble))
        return false;
    for (const struct json *item = partitions->items; item; item = item->next)
        if (!add_cut(deletion, item, trouble))
            return false;
    return true;
}

static bool same_place(const struct cut *a, const struct cut *b)
{
    return a->partition == b->partition && text_equal(a->topic, b->topic);
}

static bool check_twice(const struct deletion *deletion, struct trouble *trouble)
{
    struct text names = { 0 };

    for (size_t i = 0; i < deletion->count; i++) {
        size_t before = 0, after = 0;

        for (size_t j = 0; j < deletion->count; j++)
            if (same_place(&deletion->cuts[i], &deletion->cuts[j]))
                before += j < i, after += j > i;
        if (!before && after)
            text_printf(&names, "%s%s-%d", names.size ? "," : "", deletion->cuts[i].topic, (int)deletion->cuts[i].partition);
    }
    if (names.size)
        trouble_set(trouble, is_old(deletion) ? "kafka.common.AdminCommandFailedException" : "org.apache.kafka.tools.AdminCommandFailedException",
                    "Offset json file contains duplicate topic partitions: %s", text_chars(&names));
    text_done(&names);
    return !trouble->exception;
}

/* ---- the brokers ---- */

static bool delete_at(struct deletion *deletion, int32_t node, struct trouble *trouble)
{
    struct arena *arena = &deletion->admin.arena;
    struct delete_records_request request;
    struct delete_records_response *response;
    void *answer;

    fields_preset(&delete_records_request_message, &request);
    request.timeout_ms = 30000;
    request.topics.items = arena_alloc(arena, deletion->count * sizeof(*request.topics.items));
    for (size_t i = 0; i < deletion->count; i++) {
        const struct cut *cut = &deletion->cuts[i];
        struct delete_records_request_topic *topic = NULL;

        if (cut->error || cut->leader != node)
            continue;
        for (int32_t t = 0; t < request.topics.count; t++)
            if (text_equal(request.topics.items[t].name, cut->topic))
                topic = &request.topics.items[t];
        if (!topic) {
            topic = &request.topics.items[request.topics.count++];
            topic->name = cut->topic;
            topic->partitions.items = arena_alloc(arena, deletion->count * sizeof(*topic->partitions.items));
        }
        topic->partitions.items[topic->partitions.count++] = (struct delete_records_request_partition){ cut->partition, cut->before };
    }
    if (!tool_admin_call(&deletion->admin, node, API_DELETE_RECORDS, -1, &request, &answer, "deleteRecords", trouble))
        return false;
    response = answer;
    for (int32_t t = 0; t < response->topics.count; t++)
        for (int32_t p = 0; p < response->topics.items[t].partitions.count; p++)
            for (size_t i = 0; i < deletion->count; i++) {
                struct cut *cut = &deletion->cuts[i];
                const struct delete_records_response_partition *found = &response->topics.items[t].partitions.items[p];

                if (cut->partition == found->partition_index && text_equal(cut->topic, response->topics.items[t].name)) {
                    cut->low_watermark = found->low_watermark;
                    cut->error = found->error_code;
                }
            }
    return true;
}

static bool delete_all(struct deletion *deletion, struct trouble *trouble)
{
    struct metadata_response *cluster;

    if (!tool_metadata(&deletion->admin, "deleteRecords", &cluster, trouble))
        return false;
    for (size_t i = 0; i < deletion->count; i++)
        deletion->cuts[i].leader = tool_leader_of(cluster, deletion->cuts[i].topic, deletion->cuts[i].partition, &deletion->cuts[i].error);
    for (size_t i = 0; i < deletion->count; i++) {
        bool done = deletion->cuts[i].error;

        for (size_t j = 0; j < i; j++)
            done = done || deletion->cuts[j].leader == deletion->cuts[i].leader;
        if (!done && !delete_at(deletion, deletion->cuts[i].leader, trouble))
            return false;
    }
    return true;
}

static void log_error(const struct deletion *deletion, const struct cut *cut)
{
    char *message = mem_printf("[AdminClient clientId=adminclient-1] DeleteRecords request for topic partition %s-%d failed due to an unexpected error %s",
                               cut->topic, (int)cut->partition, err_name((enum err)cut->error));

    call_log(deletion->call, "ERROR", message, "org.apache.kafka.clients.admin.internals.DeleteRecordsHandler");
    mem_free(message);
}

/* 4.3's client asks for the leader again and again, each time later, until its time is up. */
static bool await_leader(struct deletion *deletion, struct cut *cut, struct trouble *trouble)
{
    int64_t now_ms = tool_now_ms(deletion->call), limit_ms = now_ms + deletion->admin.timeout_us / 1000, wait_ms = 100;
    int tries = 1;

    while (now_ms + wait_ms < limit_ms) {
        struct metadata_response *cluster;

        if (!call_sleep(deletion->call, wait_ms * 1000) || !tool_metadata(&deletion->admin, "deleteRecords", &cluster, trouble))
            return false;
        tries++;
        now_ms = tool_now_ms(deletion->call);
        wait_ms = wait_ms * 2 > 1000 ? 1000 : wait_ms * 2;
        cut->leader = tool_leader_of(cluster, cut->topic, cut->partition, &cut->error);
        if (!cut->error)
            return delete_at(deletion, cut->leader, trouble);
    }
    if (!call_sleep(deletion->call, (limit_ms - now_ms) * 1000))
        return false;
    call_print(deletion->call,
               "partition: %s-%d\terror: org.apache.kafka.common.errors.TimeoutException: Call(callName=deleteRecords(api=METADATA), deadlineMs=%lld, "
               "tries=%d, nextAllowedTryMs=%lld) timed out at %lld after %d attempt(s)\n",
               cut->topic, (int)cut->partition, (long long)limit_ms, tries, (long long)limit_ms + wait_ms, (long long)limit_ms, tries);
    return true;
}

static bool print_cut(struct deletion *deletion, struct cut *cut, struct trouble *trouble)
{
    struct trouble error = { 0 };

    if (!is_old(deletion) && cut->leader < 0) {
        if (!await_leader(deletion, cut, trouble))
            return false;
        if (cut->leader < 0)
            return true;
    }
    if (tool_check(cut->error, NULL, &error))
        call_print(deletion->call, "partition: %s-%d\tlow_watermark: %lld\n", cut->topic, (int)cut->partition, (long long)cut->low_watermark);
    else
        call_print(deletion->call, "partition: %s-%d\terror: %s: %s\n", cut->topic, (int)cut->partition, error.exception, error.message);
    trouble_done(&error);
    return true;
}

static bool print_cuts(struct deletion *deletion, struct trouble *trouble)
{
    uint32_t *hashes = mem_zero_array(deletion->count + 1, sizeof(*hashes));
    size_t *order;
    bool ok = true;

    for (size_t i = 0; i < deletion->count; i++) {
        hashes[i] = topic_partition_hash(deletion->cuts[i].topic, deletion->cuts[i].partition);
        if (!is_old(deletion) && deletion->cuts[i].error && deletion->cuts[i].leader >= 0)
            log_error(deletion, &deletion->cuts[i]);
    }
    order = java_order_hashes(hashes, deletion->count, deletion->count);
    for (size_t i = 0; ok && i < deletion->count; i++)
        ok = print_cut(deletion, &deletion->cuts[order[i]], trouble);
    mem_free(order);
    mem_free(hashes);
    return ok;
}

/* ---- */

static bool act(struct deletion *deletion, struct trouble *trouble)
{
    const char *bootstrap, *file, *path, *text;
    struct config_map config = { 0 };
    bool ok = tool_text(deletion->options, "command-config", &file, trouble) && (!file || tool_properties(file, &config, trouble)) &&
              tool_text(deletion->options, "bootstrap-server", &bootstrap, trouble) &&
              tool_admin_open(&deletion->admin, deletion->call, bootstrap, NULL, &config, trouble) &&
              tool_text(deletion->options, "offset-json-file", &path, trouble) && tool_read_file(&deletion->admin.arena, path, &text, trouble) &&
              read_cuts(deletion, text, trouble) && check_twice(deletion, trouble);

    config_map_done(&config);
    if (!ok)
        return false;
    call_print(deletion->call, "Executing records delete operation\n");
    if (!delete_all(deletion, trouble))
        return false;
    call_print(deletion->call, "Records delete operation completed:\n");
    return print_cuts(deletion, trouble);
}

static int run(struct call *call)
{
    struct deletion deletion = { .call = call };
    struct trouble trouble = { 0 };
    int status = 0;

    if (!tool_options_parse(&deletion.options, call, options, &trouble))
        return tool_failed(call, &trouble);
    if (call->argc == 1 || tool_has(deletion.options, "help"))
        status = tool_usage(call, options, "This tool helps to delete records of the given partitions down to the specified offset.\n");
    else if (tool_has(deletion.options, "version"))
        tool_print_version(call);
    else if (!tool_require(call, deletion.options, (const char *const[]){ "bootstrap-server", "offset-json-file", NULL }))
        status = 1;
    else if (!act(&deletion, &trouble))
        status = tool_failed(call, &trouble);
    mem_free(deletion.cuts);
    trouble_done(&trouble);
    tool_admin_close(&deletion.admin);
    tool_options_done(deletion.options);
    return tool_status(call, status);
}

const struct command command_kafka_delete_records = {
    .name = "kafka-delete-records",
    .summary = "delete the oldest records of partitions",
    .example = "kafka-delete-records.sh --offset-json-file delete.json --bootstrap-server localhost:9092",
    .options = options,
    .tool = true,
    .run = run,
};
