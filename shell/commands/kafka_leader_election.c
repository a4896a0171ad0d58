/* kafka-leader-election: the preferred replica leads again, or, where none in sync is left, any that lives. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "shell/java_order.h"
#include "shell/tool_admin.h"
#include "shell/tool_json.h"

enum { API_ELECT_LEADERS = 43, PREFERRED = 0, UNCLEAN = 1, TIMEOUT_MS = 30000 };

static const struct option options[] = {
    { "admin.config", "String: config file", "a file with settings for the tool's client; 4.3 wants --command-config", COMPLETE_FILE, 0 },
    { "all-topic-partitions", NULL, "all partitions of which such an election can change something", 0, 0 },
    { "bootstrap-server", "String: host:port", "REQUIRED: brokers' addresses", COMPLETE_BOOTSTRAP, 0 },
    { "command-config", "String: Config file", "a file with settings for the tool's client", COMPLETE_FILE, RELEASE_43 },
    { "election-type", "PREFERRED,UNCLEAN: election type",
      "REQUIRED: preferred: the first replica of the assignment, if it is in sync; unclean: where there is no leader, any replica that lives, "
      "also one that lacks records", 0, 0 },
    { "help", NULL, "show these options", 0, 0 },
    { "partition", "Integer: partition id", "the partition of --topic", COMPLETE_NONE, 0 },
    { "path-to-json-file", "String: Path to JSON file", "which: {\"partitions\": [{\"topic\": \"foo\", \"partition\": 1}]}", COMPLETE_FILE, 0 },
    { "topic", "String: topic name", "its partition --partition", COMPLETE_TOPIC, 0 },
    { "version", NULL, "show Kafka's version", 0, 0 },
    { 0 },
};

struct elected {
    const char *topic;
    int32_t partition;
    int16_t code;
    const char *message; /* the broker's; NULL */
};
struct elections {
    struct call *call;
    struct tool_options *options;
    struct tool_admin admin;
    struct arena file; /* what was read of --path-to-json-file */
    int8_t type;
    struct elected *items; /* asked for, then answered */
    size_t count, capacity;
    struct text suppressed; /* what went wrong, a partition a line */
};

static bool is_old(const struct elections *elections)
{
    return release_is_27(call_release(elections->call));
}

static bool failure(const struct elections *elections, struct trouble *trouble, const char *what)
{
    return trouble_set(trouble, is_old(elections) ? "kafka.common.AdminCommandFailedException" : "org.apache.kafka.tools.AdminCommandFailedException",
                       "%s", what);
}

/* ---- the command line ---- */

static bool check_options(struct elections *elections, struct trouble *trouble)
{
    static const char *const required[] = { "bootstrap-server", "election-type" };
    const struct tool_options *o = elections->options;
    const char *missing[2];
    size_t count = 0;

    for (size_t i = 0; i < 2; i++) {
        const char *name = required[is_old(elections) ? 1 - i : i];

        if (!tool_has(o, name))
            missing[count++] = name;
    }
    if (count) {
        char *names = tool_join(missing, count, ", "), *text = mem_printf("Missing required option(s): %s", names);

        failure(elections, trouble, text);
        mem_free(names);
        mem_free(text);
        return false;
    }
    if (tool_has(o, "topic") + tool_has(o, "all-topic-partitions") + tool_has(o, "path-to-json-file") != 1)
        return failure(elections, trouble,
                       "One and only one of the following options is required: topic, all-topic-partitions, path-to-json-file");
    if (tool_has(o, "topic") && !tool_has(o, "partition"))
        return failure(elections, trouble, "Missing required option(s): partition");
    if (!tool_has(o, "topic") && tool_has(o, "partition"))
        return failure(elections, trouble, "Option partition is only allowed if topic is used");
    return true;
}

static bool read_type(struct elections *elections, struct trouble *trouble)
{
    const char *text;

    if (!tool_text(elections->options, "election-type", &text, trouble))
        return false;
    if (!strcasecmp(text, "preferred") || !strcasecmp(text, "unclean")) {
        elections->type = strcasecmp(text, "preferred") ? UNCLEAN : PREFERRED;
        return true;
    }
    trouble_set(trouble, "joptsimple.OptionArgumentConversionException", "Cannot parse argument '%s' of option election-type", text);
    trouble_cause(trouble, "joptsimple.ValueConversionException", "Value [%s] is not one of [[PREFERRED,UNCLEAN]]", text);
    return false;
}

/* ---- which partitions ---- */

static bool admin_operation(const struct elections *elections, struct trouble *trouble, const char *what)
{
    return trouble_set(trouble, is_old(elections) ? "kafka.admin.AdminOperationException" : "org.apache.kafka.tools.AdminOperationException", "%s",
                       what);
}

static bool same_place(const struct elected *a, const struct elected *b)
{
    return a->partition == b->partition && text_equal(a->topic, b->topic);
}

static size_t *in_order(const struct elections *elections, const struct elected *items, size_t count)
{
    uint32_t *hashes = mem_zero_array(count + 1, sizeof(*hashes));
    size_t *order;

    for (size_t i = 0; i < count; i++)
        hashes[i] = topic_partition_hash(items[i].topic, items[i].partition);
    order = is_old(elections) ? scala_mutable_order_hashes(hashes, count) : java_order_hashes(hashes, count, 0);
    mem_free(hashes);
    return order;
}

static bool check_twice(const struct elections *elections, struct trouble *trouble)
{
    struct elected *twice = mem_zero_array(elections->count + 1, sizeof(*twice));
    struct text names = { 0 };
    size_t count = 0, *order;

    for (size_t i = 0; i < elections->count; i++) {
        size_t before = 0, after = 0;

        for (size_t j = 0; j < elections->count; j++)
            if (same_place(&elections->items[i], &elections->items[j]))
                before += j < i, after += j > i;
        if (!before && after)
            twice[count++] = elections->items[i];
    }
    order = in_order(elections, twice, count);
    for (size_t i = 0; i < count; i++)
        text_printf(&names, "%s%s-%d", i ? is_old(elections) ? "," : ", " : "", twice[order[i]].topic, (int)twice[order[i]].partition);
    if (count) {
        char *text = mem_printf(is_old(elections) ? "Replica election data contains duplicate partitions: %s"
                                                  : "Replica election data contains duplicate partitions: [%s]", text_chars(&names));

        admin_operation(elections, trouble, text);
        mem_free(text);
    }
    mem_free(order);
    mem_free(twice);
    text_done(&names);
    return !count;
}

static bool parse_file(struct elections *elections, const char *text, struct trouble *trouble)
{
    const struct json *whole = json_parse(&elections->file, text), *partitions, *topic, *partition;

    if (!whole)
        return admin_operation(elections, trouble, "Replica election data is empty");
    if (!tool_json_object(whole, trouble))
        return false;
    partitions = json_get(whole, "partitions");
    if (!partitions)
        return admin_operation(elections, trouble, "Replica election data is missing \"partitions\" field");
    if (!tool_json_array(partitions, trouble))
        return false;
    for (const struct json *item = partitions->items; item; item = item->next) {
        struct elected elected = { 0 };

        if (!tool_json_object(item, trouble) || !tool_json_member(item, "topic", &topic, trouble) || !tool_json_text(topic, &elected.topic, trouble) ||
            !tool_json_member(item, "partition", &partition, trouble) || !tool_json_i32(partition, &elected.partition, trouble))
            return false;
        ARRAY_ADD(elections->items, elections->count, elections->capacity) = elected;
    }
    return check_twice(elections, trouble);
}

static bool read_file(struct elections *elections, const char *path, struct trouble *trouble)
{
    const char *text;

    if (tool_read_file(&elections->file, path, &text, trouble))
        return parse_file(elections, text, trouble);
    if (!is_old(elections))
        trouble_wrap(trouble, "java.lang.RuntimeException", NULL);
    return false;
}

static bool read_partitions(struct elections *elections, struct trouble *trouble)
{
    const char *path, *topic;
    int32_t partition = 0;

    if (!tool_text(elections->options, "path-to-json-file", &path, trouble) || !tool_text(elections->options, "topic", &topic, trouble) ||
        !tool_i32(elections->options, "partition", &partition, trouble))
        return false;
    if (path)
        return read_file(elections, path, trouble);
    if (topic)
        ARRAY_ADD(elections->items, elections->count, elections->capacity) = (struct elected){ .topic = topic, .partition = partition };
    return true;
}

/* ---- the election ---- */

static void fill_request(struct elections *elections, struct elect_leaders_request *request)
{
    struct arena *arena = &elections->admin.arena;

    fields_preset(&elect_leaders_request_message, request);
    request->election_type = elections->type;
    request->timeout_ms = TIMEOUT_MS;
    request->topic_partitions.count = -1;
    if (tool_has(elections->options, "all-topic-partitions"))
        return;
    request->topic_partitions.count = 0;
    request->topic_partitions.items = arena_alloc(arena, (elections->count + 1) * sizeof(*request->topic_partitions.items));
    for (size_t i = 0; i < elections->count; i++) {
        struct elect_leaders_request_topic *topic = NULL;

        for (int32_t t = 0; t < request->topic_partitions.count; t++)
            if (text_equal(request->topic_partitions.items[t].topic, elections->items[i].topic))
                topic = &request->topic_partitions.items[t];
        if (!topic) {
            topic = &request->topic_partitions.items[request->topic_partitions.count++];
            topic->topic = elections->items[i].topic;
            topic->partitions.items = arena_alloc(arena, elections->count * sizeof(*topic->partitions.items));
        }
        topic->partitions.items[topic->partitions.count++] = elections->items[i].partition;
    }
}

static bool elect(struct elections *elections, struct trouble *trouble)
{
    struct elect_leaders_request request;
    struct elect_leaders_response *response;
    void *answer;

    fill_request(elections, &request);
    if (!tool_admin_call(&elections->admin, NODE_CONTROLLER, API_ELECT_LEADERS, -1, &request, &answer, "electLeaders", trouble))
        return false;
    response = answer;
    if (!tool_check(response->error_code, NULL, trouble))
        return false;
    elections->count = 0;
    for (int32_t t = 0; t < response->replica_election_results.count; t++) {
        const struct elect_leaders_response_topic *topic = &response->replica_election_results.items[t];

        for (int32_t p = 0; p < topic->partition_result.count; p++)
            ARRAY_ADD(elections->items, elections->count, elections->capacity) =
                (struct elected){ .topic = topic->topic, .partition = topic->partition_result.items[p].partition_id,
                                  .code = topic->partition_result.items[p].error_code, .message = topic->partition_result.items[p].error_message };
    }
    return true;
}

/* What the client's library says of a request that failed as a whole. */
static bool ask(struct elections *elections, struct trouble *trouble)
{
    static const char message[] = "Timeout waiting for election results";

    if (elect(elections, trouble))
        return true;
    if (call_interrupted(elections->call))
        return false;
    if (text_equal(trouble->exception, "org.apache.kafka.common.errors.TimeoutException")) {
        call_print(elections->call, "%s\n", message);
        trouble_wrap(trouble, is_old(elections) ? "kafka.common.AdminCommandFailedException" : "org.apache.kafka.tools.AdminCommandFailedException",
                     message);
        return false;
    }
    tool_execution(trouble);
    if (!is_old(elections))
        trouble_wrap(trouble, "java.lang.RuntimeException", NULL);
    return false;
}

static char *names_with(const struct elections *elections, int16_t code, size_t *count)
{
    struct elected *found = mem_zero_array(elections->count + 1, sizeof(*found));
    struct text names = { 0 };
    size_t *order;

    *count = 0;
    for (size_t i = 0; i < elections->count; i++)
        if (elections->items[i].code == code)
            found[(*count)++] = elections->items[i];
    order = in_order(elections, found, *count);
    text_add(&names, "");
    for (size_t i = 0; i < *count; i++)
        text_printf(&names, "%s%s-%d", i ? ", " : "", found[order[i]].topic, (int)found[order[i]].partition);
    mem_free(order);
    mem_free(found);
    return text_take(&names);
}

static bool report(struct elections *elections, struct trouble *trouble)
{
    const char *type = elections->type == PREFERRED ? "PREFERRED" : "UNCLEAN";
    size_t succeeded, needless, failed = 0, *order = in_order(elections, elections->items, elections->count);
    char *names = names_with(elections, ERR_OK, &succeeded), *valid = names_with(elections, ERR_ELECTION_NOT_NEEDED, &needless);

    if (succeeded)
        call_print(elections->call, "Successfully completed leader election (%s) for partitions %s\n", type, names);
    if (needless) /* 2.7 names here those that succeeded */
        call_print(elections->call, "Valid replica already elected for partitions %s\n", is_old(elections) ? names : valid);
    for (size_t i = 0; i < elections->count; i++) {
        const struct elected *item = &elections->items[order[i]];
        struct trouble error = { 0 };

        if (item->code == ERR_ELECTION_NOT_NEEDED || tool_check(item->code, item->message, &error))
            continue;
        failed++;
        call_print(elections->call, "Error completing leader election (%s) for partition: %s-%d: %s: %s\n", type, item->topic, (int)item->partition,
                   error.exception, error.message);
        text_printf(&elections->suppressed, "\tSuppressed: %s: %s\n", error.exception, error.message);
        trouble_done(&error);
    }
    mem_free(order);
    mem_free(names);
    mem_free(valid);
    if (failed) {
        char *text = mem_printf("%zu replica(s) could not be elected", failed);

        failure(elections, trouble, text);
        mem_free(text);
    }
    return !failed;
}

/* ---- */

static bool act(struct elections *elections, struct trouble *trouble)
{
    const char *bootstrap, *old_file, *new_file = NULL;
    struct config_map config = { 0 };
    bool ok = check_options(elections, trouble) && read_type(elections, trouble) && read_partitions(elections, trouble) &&
              tool_text(elections->options, "admin.config", &old_file, trouble) &&
              tool_text(elections->options, "command-config", &new_file, trouble);

    if (ok && (new_file || old_file))
        ok = tool_properties(new_file ? new_file : old_file, &config, trouble);
    if (ok && (is_old(elections) || !config_map_get(&config, "default.api.timeout.ms")))
        config_map_set(&config, "default.api.timeout.ms", "30000");
    if (ok && (is_old(elections) || !config_map_get(&config, "request.timeout.ms")))
        config_map_set(&config, "request.timeout.ms", "15000");
    ok = ok && tool_text(elections->options, "bootstrap-server", &bootstrap, trouble) &&
         tool_admin_open(&elections->admin, elections->call, bootstrap, NULL, &config, trouble) && ask(elections, trouble) &&
         report(elections, trouble);
    config_map_done(&config);
    return ok;
}

static int failed(struct elections *elections, struct trouble *trouble)
{
    struct call *call = elections->call;
    bool old = is_old(elections);

    if (!elections->suppressed.size || call_interrupted(call))
        return tool_failed(call, trouble);
    if (old)
        call_error(call, "Exception in thread \"main\" %s: %s\n%s", trouble->exception, trouble->message, text_chars(&elections->suppressed));
    else
        call_error(call, "%s\n%s: %s\n%s\n", trouble->message, trouble->exception, trouble->message, text_chars(&elections->suppressed));
    trouble_done(trouble);
    return 1;
}

static int run(struct call *call)
{
    struct elections elections = { .call = call };
    struct trouble trouble = { 0 };
    int status = 0;

    if (!tool_options_parse(&elections.options, call, options, &trouble))
        return tool_failed(call, &trouble);
    if (call->argc == 1 || tool_has(elections.options, "help"))
        status = tool_usage(call, options, "This tool attempts to elect a new leader for a set of topic partitions. The type of elections supported are "
                                           "preferred replicas and unclean replicas.\n");
    else if (tool_has(elections.options, "version"))
        tool_print_version(call);
    else if (!act(&elections, &trouble))
        status = failed(&elections, &trouble);
    arena_done(&elections.file);
    mem_free(elections.items);
    text_done(&elections.suppressed);
    trouble_done(&trouble);
    tool_admin_close(&elections.admin);
    tool_options_done(elections.options);
    return tool_status(call, status);
}

const struct command command_kafka_leader_election = {
    .name = "kafka-leader-election",
    .summary = "elect leaders: preferred ones, or unclean",
    .example = "kafka-leader-election.sh --election-type preferred --all-topic-partitions --bootstrap-server localhost:9092",
    .options = options,
    .tool = true,
    .run = run,
};
