/* The admin client of the tools, and failures in the words of both releases. */
#include "shell/tool_admin.h"

#include <errno.h>
#include <netdb.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shell/shell.h"

/* ---- properties ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\f' || c == '\r';
}

static void property_line(char *line, struct config_map *map)
{
    struct text key = { 0 }, value = { 0 };
    bool in_value = false;

    while (is_blank(*line))
        line++;
    if (!*line || *line == '#' || *line == '!')
        return;
    for (; *line; line++) {
        struct text *to = in_value ? &value : &key;

        if (*line == '\\' && line[1]) {
            line++;
            text_char(to, *line == 'n' ? '\n' : *line == 't' ? '\t' : *line == 'r' ? '\r' : *line);
        } else if (!in_value && (*line == '=' || *line == ':' || is_blank(*line))) {
            while (is_blank(*line))
                line++;
            if (*line == '=' || *line == ':')
                line++;
            while (is_blank(*line))
                line++;
            line--;
            in_value = true;
        } else {
            text_char(to, *line);
        }
    }
    config_map_set(map, text_chars(&key), text_chars(&value));
    text_done(&key);
    text_done(&value);
}

bool tool_properties(const char *path, struct config_map *map, struct trouble *trouble)
{
    FILE *file = fopen(path, "re");
    struct text whole = { 0 };
    char *line = NULL;
    size_t room = 0;
    ssize_t got;

    if (!file)
        return trouble_set(
            trouble, errno == EACCES ? "java.nio.file.AccessDeniedException" : "java.nio.file.NoSuchFileException",
            "%s", path);
    while ((got = getline(&line, &room, file)) >= 0) {
        while (got && (line[got - 1] == '\n' || line[got - 1] == '\r'))
            line[--got] = 0;
        if (got && line[got - 1] == '\\' && !(got > 1 && line[got - 2] == '\\')) {
            text_add_size(&whole, line, (size_t)got - 1); /* goes on in the next line */
            continue;
        }
        text_add(&whole, line);
        char *all = text_take(&whole);
        property_line(all, map);
        mem_free(all);
    }
    text_done(&whole);
    free(line);
    fclose(file);
    return true;
}

bool tool_file(const struct tool_options *options, const char *name, struct config_map *map, struct trouble *trouble)
{
    const char *path;

    return tool_text(options, name, &path, trouble) && (!path || tool_properties(path, map, trouble));
}

void tool_pairs(const struct tool_options *options, const char *name, struct config_map *map)
{
    const char *pair;

    for (size_t i = 0; (pair = tool_at(options, name, i)); i++) {
        const char *equals = strchr(pair, '=');
        char *key = mem_text_size(pair, equals ? (size_t)(equals - pair) : strlen(pair));

        config_map_set(map, key, equals ? equals + 1 : "");
        mem_free(key);
    }
}

/* ---- addresses ---- */

struct lookup {
    uv_getaddrinfo_t request;
    struct task *task;
    int status;
    bool done, dropped;
};

static void looked_up(uv_getaddrinfo_t *request, int status, struct addrinfo *result)
{
    struct lookup *lookup = request->data;

    uv_freeaddrinfo(result);
    lookup->status = status;
    lookup->done = true;
    if (lookup->dropped)
        mem_free(lookup);
    else
        task_wake(lookup->task);
}

static bool has_address(struct call *call, const char *host)
{
    struct lookup *lookup = mem_zero(sizeof(*lookup));
    bool found;

    lookup->request.data = lookup;
    lookup->task = call->task;
    if (uv_getaddrinfo(call->session->shell->loop, &lookup->request, looked_up, host, NULL, NULL)) {
        mem_free(lookup);
        return false;
    }
    call->session->shell->outside_waits++;
    while (!lookup->done && task_wait(call->task))
        ;
    call->session->shell->outside_waits--;
    if (!lookup->done) {
        lookup->dropped = true; /* interrupted: the answer still comes */
        return true;
    }
    found = !lookup->status;
    mem_free(lookup);
    return found;
}

bool tool_resolve(struct call *call, const char *bootstrap, struct trouble *trouble)
{
    char *list = mem_text(bootstrap), *rest = list, *one;
    bool any = false;

    while ((one = strsep(&rest, ","))) {
        char *colon = strrchr(one, ':'), *host, *whole;
        int32_t port = 0;

        while (*one == ' ')
            one++;
        if (!colon || colon <= one || !parse_i32(colon + 1, &port))
            continue;
        whole = mem_text(one);
        *colon = 0;
        host = strstr(one, "://") ? strstr(one, "://") + 3 : one;
        if (*host == '[') {
            host++;
            if (strchr(host, ']'))
                *strchr(host, ']') = 0;
        }
        if ((call_lab(call) && transport_local_knows(lab_wire(call_lab(call)), host, port)) ||
            has_address(call, host)) {
            any = true;
        } else {
            char *message = mem_printf(
                "Couldn't resolve server %s from bootstrap.servers as DNS resolution failed for %s", whole, host);

            call_log(call, "WARN", message, "org.apache.kafka.clients.ClientUtils");
            mem_free(message);
        }
        mem_free(whole);
    }
    mem_free(list);
    return any || trouble_set(trouble, "org.apache.kafka.common.config.ConfigException",
                              "No resolvable bootstrap urls given in bootstrap.servers");
}

char *tool_lab_bootstrap(const struct call *call)
{
    struct lab *lab = call_lab(call);
    struct text list = { 0 };

    if (!lab)
        return NULL;
    for (size_t i = 0; i < cluster_broker_count(lab_cluster(lab)); i++)
        text_printf(&list, "%slocalhost:%d", i ? "," : "", (int)lab_port(lab, i));
    return text_take(&list);
}

/* ---- the client ---- */

static void log_it(void *context, const char *level, const char *message, const char *logger)
{
    call_log(context, level, message, logger);
}

static bool read_timeout(const struct config_map *config, const char *name, int64_t *us, struct trouble *trouble)
{
    const char *text = config ? config_map_get(config, name) : NULL;
    int64_t ms;

    if (!text)
        return true;
    if (!parse_i64(text, &ms) || ms < 0 || ms > INT32_MAX)
        return trouble_set(trouble, "org.apache.kafka.common.config.ConfigException",
                           "Invalid value %s for configuration %s: Not a number of type INT", text, name);
    *us = (ms ? ms : 1) * 1000;
    return true;
}

static bool client_start(struct tool_admin *admin, struct call *call, enum client_kind kind, const char *bootstrap,
                         const char *client_id, const struct config_map *config, struct trouble *trouble)
{
    const char *set_id = config ? config_map_get(config, "client.id") : NULL;
    struct client_options options = { .kind = kind, .bootstrap = bootstrap, .warn = log_it, .warn_context = call };
    struct reason reason = { "" };

    *admin = (struct tool_admin){ .call = call, .timeout_us = 60000000 };
    arena_init(&admin->arena);
    options.request_timeout_us = 30000000;
    if (!read_timeout(config, "default.api.timeout.ms", &admin->timeout_us, trouble) ||
        !read_timeout(config, "request.timeout.ms", &options.request_timeout_us, trouble))
        return false;
    admin->transport = call_transport(call);
    options.transport = admin->transport;
    options.client_id = set_id ? set_id : client_id ? client_id : "adminclient-1";
    options.release = call_release(call);
    options.api_timeout_us = admin->timeout_us;
    if (options.request_timeout_us > admin->timeout_us)
        options.request_timeout_us = admin->timeout_us;
    if (client_open(&admin->client, &options, &reason)) {
        trouble_set(trouble, "org.apache.kafka.common.config.ConfigException", "%s", reason.text);
        return false;
    }
    return tool_resolve(call, bootstrap, trouble);
}

bool tool_admin_open(struct tool_admin *admin, struct call *call, const char *bootstrap, const char *client_id,
                     const struct config_map *config, struct trouble *trouble)
{
    if (client_start(admin, call, CLIENT_ADMIN, bootstrap, client_id, config, trouble))
        return true;
    trouble_wrap(trouble, "org.apache.kafka.common.KafkaException", "Failed to create new KafkaAdminClient");
    return false;
}

bool tool_consumer_open(struct tool_admin *admin, struct call *call, const char *bootstrap, const char *client_id,
                        const struct config_map *config, struct trouble *trouble)
{
    if (client_start(admin, call, CLIENT_CONSUMER, bootstrap, client_id, config, trouble))
        return true;
    trouble_wrap(trouble, "org.apache.kafka.common.KafkaException", "Failed to construct kafka consumer");
    return false;
}

void tool_admin_close(struct tool_admin *admin)
{
    if (!admin->call)
        return;
    client_close(admin->client);
    if (admin->transport)
        transport_free(admin->transport);
    arena_done(&admin->arena);
    *admin = (struct tool_admin){ 0 };
}

int64_t tool_now_ms(const struct call *call)
{
    return (call_lab(call) ? queue_now_us(lab_queue(call_lab(call))) : wall_now_us()) / 1000;
}

static bool timed_out(struct tool_admin *admin, const char *call_name, int64_t began_ms, struct trouble *trouble)
{
    const char *exception = "org.apache.kafka.common.errors.TimeoutException";
    long long now = (long long)tool_now_ms(admin->call);

    if (!release_is_27(call_release(admin->call)))
        return trouble_set(trouble, exception, "Timed out waiting for a node assignment. Call: %s", call_name);
    trouble_set(
        trouble, exception,
        "Call(callName=%s, deadlineMs=%lld, tries=1, nextAllowedTryMs=%lld) timed out at %lld after 1 attempt(s)",
        call_name, (long long)(began_ms + admin->timeout_us / 1000), now + 100, now);
    trouble_cause(trouble, exception, "Timed out waiting for a node assignment. Call: %s", call_name);
    return false;
}

/* Which release the tool plays shows with the first answer, unless it was said. */
static bool settle_release(struct tool_admin *admin)
{
    struct session *session = admin->call->session;

    if (!session->release_fixed && !session->lab)
        session->release = client_broker_release(admin->client);
    return true;
}

static bool call_failed(struct tool_admin *admin, enum err err, const struct reason *reason, const char *call_name,
                        int64_t began_ms, struct trouble *trouble)
{
    if (call_interrupted(admin->call))
        return trouble_set(trouble, "org.apache.kafka.common.errors.InterruptException", NULL);
    if (err == ERR_NETWORK_EXCEPTION || err == ERR_REQUEST_TIMED_OUT || err == ERR_BROKER_NOT_AVAILABLE)
        return timed_out(admin, call_name, began_ms, trouble);
    return tool_check((int16_t)err, reason->text[0] ? reason->text : NULL, trouble);
}

bool tool_admin_call(struct tool_admin *admin, int32_t node, int16_t api, int16_t most_version, const void *request,
                     void **answer, const char *call_name, struct trouble *trouble)
{
    struct reason reason = { "" };
    int64_t began_ms = tool_now_ms(admin->call);
    enum err err;

    *answer = NULL;
    err =
        client_call(admin->call->task, admin->client, node, api, most_version, request, &admin->arena, answer, &reason);
    return !err ? settle_release(admin) : call_failed(admin, err, &reason, call_name, began_ms, trouble);
}

bool tool_group_coordinator(struct tool_admin *admin, const char *group, int32_t *node, struct trouble *trouble)
{
    struct reason reason = { "" };
    int64_t began_ms = tool_now_ms(admin->call);
    enum err err = client_group_coordinator(admin->call->task, admin->client, group, true, node, &reason);

    return !err ? settle_release(admin) : call_failed(admin, err, &reason, "findCoordinator", began_ms, trouble);
}

bool tool_coordinator_moved(int16_t code)
{
    return code == ERR_COORDINATOR_LOAD_IN_PROGRESS || code == ERR_COORDINATOR_NOT_AVAILABLE ||
           code == ERR_NOT_COORDINATOR;
}

int16_t tool_admin_version(struct tool_admin *admin, int16_t api)
{
    return client_version(admin->call->task, admin->client, NODE_ANY, api, -1);
}

bool tool_check(int16_t code, const char *message, struct trouble *trouble)
{
    enum err err = err_known(code) ? (enum err)code : ERR_UNKNOWN_SERVER_ERROR;

    if (!code)
        return true;
    return trouble_set(trouble, err_exception(err), "%s", message ? message : err_message(err));
}

void tool_execution(struct trouble *trouble)
{
    trouble_wrap(trouble, "java.util.concurrent.ExecutionException", NULL);
}

bool tool_metadata(struct tool_admin *admin, const char *call_name, struct metadata_response **out,
                   struct trouble *trouble)
{
    struct metadata_request request;
    void *answer;

    fields_preset(&metadata_request_message, &request);
    request.topics.items = NULL;
    request.topics.count = -1;
    request.allow_auto_topic_creation = true;
    if (!tool_admin_call(admin, NODE_ANY, 3, -1, &request, &answer, call_name, trouble))
        return false;
    *out = answer;
    return true;
}

int32_t tool_leader_of(const struct metadata_response *cluster, const char *topic, int32_t partition, int16_t *error)
{
    *error = ERR_UNKNOWN_TOPIC_OR_PARTITION;
    for (int32_t t = 0; t < cluster->topics.count; t++) {
        const struct metadata_response_topic *found = &cluster->topics.items[t];

        if (!text_equal(found->name, topic))
            continue;
        *error = ERR_LEADER_NOT_AVAILABLE; /* what Kafka's client says of a partition that the topic has not */
        for (int32_t p = 0; p < found->partitions.count; p++)
            if (found->partitions.items[p].partition_index == partition && found->partitions.items[p].leader_id >= 0) {
                *error = 0;
                return found->partitions.items[p].leader_id;
            }
    }
    return -1;
}

static bool list_at(struct tool_admin *admin, int32_t node, struct tool_offset *offsets, const int32_t *leaders,
                    size_t count, struct trouble *trouble)
{
    struct list_offsets_request request;
    struct list_offsets_response *response;
    void *answer;

    fields_preset(&list_offsets_request_message, &request);
    request.replica_id = -1;
    request.isolation_level = 0;
    request.timeout_ms = 30000;
    request.topics.items = arena_alloc(&admin->arena, count * sizeof(*request.topics.items));
    for (size_t i = 0; i < count; i++) {
        struct list_offsets_request_topic *topic = NULL;

        if (leaders[i] != node)
            continue;
        for (int32_t t = 0; t < request.topics.count; t++)
            if (text_equal(request.topics.items[t].name, offsets[i].topic))
                topic = &request.topics.items[t];
        if (!topic) {
            topic = &request.topics.items[request.topics.count++];
            topic->name = offsets[i].topic;
            topic->partitions.items = arena_alloc(&admin->arena, count * sizeof(*topic->partitions.items));
        }
        topic->partitions.items[topic->partitions.count++] =
            (struct list_offsets_request_partition){ .partition_index = offsets[i].partition,
                                                     .current_leader_epoch = -1,
                                                     .timestamp = offsets[i].timestamp,
                                                     .max_num_offsets = 1 };
    }
    if (!tool_admin_call(admin, node, 2, -1, &request, &answer, "listOffsets", trouble))
        return false;
    response = answer;
    for (int32_t t = 0; t < response->topics.count; t++)
        for (int32_t p = 0; p < response->topics.items[t].partitions.count; p++)
            for (size_t i = 0; i < count; i++)
                if (leaders[i] == node &&
                    offsets[i].partition == response->topics.items[t].partitions.items[p].partition_index &&
                    text_equal(offsets[i].topic, response->topics.items[t].name)) {
                    offsets[i].offset = response->topics.items[t].partitions.items[p].offset;
                    offsets[i].error = response->topics.items[t].partitions.items[p].error_code;
                }
    return true;
}

bool tool_list_offsets(struct tool_admin *admin, struct tool_offset *offsets, size_t count, struct trouble *trouble)
{
    struct metadata_response *cluster;
    int32_t *leaders;

    if (!count)
        return true;
    if (!tool_metadata(admin, "listOffsets", &cluster, trouble))
        return false;
    leaders = arena_alloc(&admin->arena, count * sizeof(*leaders));
    for (size_t i = 0; i < count; i++) {
        offsets[i].offset = -1;
        leaders[i] = tool_leader_of(cluster, offsets[i].topic, offsets[i].partition, &offsets[i].error);
    }
    for (size_t i = 0; i < count; i++) {
        bool done = leaders[i] < 0;

        for (size_t j = 0; j < i; j++)
            done |= leaders[j] == leaders[i];
        if (!done && !list_at(admin, leaders[i], offsets, leaders, count, trouble))
            return false;
    }
    return true;
}

/* ---- failing ---- */

int tool_failed(struct call *call, struct trouble *trouble)
{
    if (call_interrupted(call)) {
        trouble_done(trouble);
        return 130;
    }
    if (release_is_27(call_release(call)))
        return trouble_uncaught(call, trouble);
    call_error(call, "%s\n", trouble->message ? trouble->message : "null");
    trouble_print(call, trouble);
    call_error(call, "\n");
    trouble_done(trouble);
    return 1;
}

int tool_status(const struct call *call, int status)
{
    return call_interrupted(call) ? 130 : status;
}

/* ---- names ---- */

bool topic_is_internal(const char *name)
{
    return text_equal(name, "__consumer_offsets") || text_equal(name, "__transaction_state") ||
           text_equal(name, "__share_group_state");
}

struct tool_filter {
    regex_t regex;
    bool nothing; /* an empty pattern matches no topic */
};

static struct tool_filter *filter_of(const char *pattern)
{
    struct tool_filter *filter;
    char *posix;
    int bad;

    if (strchr("*+?", *pattern) && *pattern)
        return NULL; /* "Dangling meta character" in Java, literal in POSIX */
    filter = mem_zero(sizeof(*filter));
    filter->nothing = !*pattern;
    if (filter->nothing)
        return filter;
    posix = text_posix_pattern(pattern);
    bad = regcomp(&filter->regex, posix, REG_EXTENDED | REG_NOSUB);
    mem_free(posix);
    if (bad) {
        mem_free(filter);
        return NULL;
    }
    return filter;
}

bool tool_filter_new(struct tool_filter **out, const char *raw, struct trouble *trouble)
{
    struct text pattern = { 0 };
    size_t size, from = 0;

    for (; *raw; raw++)
        if (*raw != ' ')
            text_char(&pattern, *raw == ',' ? '|' : *raw);
    for (size = pattern.size; size && strchr("\"'", pattern.data[size - 1]); size--)
        ;
    while (from < size && strchr("\"'", pattern.data[from]))
        from++;
    char *cut = mem_text_size(pattern.data ? pattern.data + from : "", size - from);
    text_done(&pattern);
    *out = filter_of(cut);
    if (!*out)
        trouble_set(trouble, "java.lang.RuntimeException", "%s is an invalid regex.", cut);
    mem_free(cut);
    return *out != NULL;
}

void tool_filter_free(struct tool_filter *filter)
{
    if (!filter)
        return;
    if (!filter->nothing)
        regfree(&filter->regex);
    mem_free(filter);
}

bool tool_filter_allows(const struct tool_filter *filter, const char *topic, bool exclude_internal)
{
    if (filter->nothing || (exclude_internal && topic_is_internal(topic)))
        return false;
    return !regexec(&filter->regex, topic, 0, NULL, 0);
}

bool tool_matches(const char *pattern, const char *text, bool *invalid)
{
    struct tool_filter *filter = filter_of(pattern);
    bool matches;

    *invalid = !filter;
    matches = filter && (filter->nothing ? !*text : tool_filter_allows(filter, text, false));
    tool_filter_free(filter);
    return matches;
}

char *tool_join(const char *const *texts, size_t count, const char *between)
{
    struct text text = { 0 };

    text_add(&text, "");
    for (size_t i = 0; i < count; i++)
        text_printf(&text, "%s%s", i ? between : "", texts[i]);
    return text.data ? text_take(&text) : mem_text("");
}

int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}
