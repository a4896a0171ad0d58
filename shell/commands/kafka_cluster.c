/* kafka-cluster: the cluster's id, and where its brokers are. 4.3 only. */
#include <string.h>

#include "shell/tool_admin.h"

enum { API_DESCRIBE_CLUSTER = 60 };

static const struct option options[] = {
    { "bootstrap-controller", "String: controllers", "the controllers' addresses; nobody listens there in a lab", COMPLETE_NONE, RELEASE_43 },
    { "bootstrap-server", "String: server(s)", "REQUIRED: brokers' addresses", COMPLETE_BOOTSTRAP, RELEASE_43 },
    { "command-config", "String: config file", "a file with settings for the tool's client", COMPLETE_FILE, RELEASE_43 },
    { "config", "String: config file", "its old name", COMPLETE_FILE, RELEASE_43 },
    { "help", NULL, "show these options", 0, 0 },
    { "id", "Integer: id", "unregister: of the broker", COMPLETE_NONE, RELEASE_43 },
    { "include-fenced-brokers", NULL, "list-endpoints: also brokers that the controller keeps out", 0, RELEASE_43 },
    { "version", NULL, "show Kafka's version", 0, 0 },
    { 0 },
};

/* ---- what is asked ---- */

static void print_endpoints(struct call *call, const struct describe_cluster_response *cluster)
{
    int host = (int)strlen("HOST");

    for (int32_t i = 0; i < cluster->brokers.count; i++)
        if ((int)strlen(cluster->brokers.items[i].host) > host)
            host = (int)strlen(cluster->brokers.items[i].host);
    call_print(call, "%-10s %-*s %-10s %-10s %-10s %-15s\n", "ID", host, "HOST", "PORT", "RACK", "STATE", "ENDPOINT_TYPE");
    for (int32_t i = 0; i < cluster->brokers.count; i++) {
        const struct describe_cluster_response_broker *broker = &cluster->brokers.items[i];

        call_print(call, "%-10d %-*s %-10d %-10s %-10s %-15s\n", broker->broker_id, host, broker->host, broker->port, broker->rack ? broker->rack : "null",
                   broker->is_fenced ? "fenced" : "unfenced", "broker");
    }
}

static bool describe(struct tool_admin *admin, bool endpoints, bool fenced, struct trouble *trouble)
{
    struct describe_cluster_request request = { .endpoint_type = 1, .include_fenced_brokers = fenced };
    const struct describe_cluster_response *cluster;
    void *answer;

    if (!tool_admin_call(admin, NODE_ANY, API_DESCRIBE_CLUSTER, -1, &request, &answer, "listNodes", trouble))
        return false;
    cluster = answer;
    if (!tool_check(cluster->error_code, cluster->error_message, trouble)) {
        tool_execution(trouble);
        return false;
    }
    if (endpoints)
        print_endpoints(admin->call, cluster);
    else
        call_print(admin->call, "Cluster ID: %s\n", cluster->cluster_id);
    return true;
}

/* ---- the command line ---- */

static int wrong(struct call *call, const char *what)
{
    call_error(call, "usage: kafka-cluster [-h] {cluster-id,unregister,list-endpoints} ...\nkafka-cluster: error: %s\n", what);
    return 1;
}

static int nobody_named(struct call *call, const char *command)
{
    if (strcmp(command, "cluster-id"))
        return wrong(call, "one of the arguments --bootstrap-server/-b --bootstrap-controller/-C is required");
    call_error(call, "usage: kafka-cluster cluster-id [-h] [--config CONFIG]\n"
                     "                     [--command-config COMMAND_CONFIG]\n"
                     "                     (--bootstrap-server BOOTSTRAP_SERVER |\n"
                     "                     --bootstrap-controller BOOTSTRAP_CONTROLLER)\n"
                     "kafka-cluster:  error:  one  of   the  arguments  --bootstrap-server/-b  --\n"
                     "bootstrap-controller/-C is required\n");
    return 1;
}

static int act(struct call *call, struct tool_options *given, struct tool_admin *admin, struct trouble *trouble)
{
    const char *command = tool_words(given) ? tool_word(given, 0) : "", *bootstrap, *file;
    bool endpoints = !strcmp(command, "list-endpoints"), unregister = !strcmp(command, "unregister");
    struct config_map config = { 0 };
    bool ok;

    if (!endpoints && !unregister && strcmp(command, "cluster-id"))
        return wrong(call, *command ? "invalid choice (choose from 'cluster-id', 'unregister', 'list-endpoints')" : "too few arguments");
    if (tool_has(given, "bootstrap-controller"))
        return call_error(call, "The controllers have no port of their own here; --bootstrap-server asks the same of a broker\n"), 1;
    if (!tool_has(given, "bootstrap-server"))
        return nobody_named(call, command);
    ok = tool_text(given, tool_has(given, "config") ? "config" : "command-config", &file, trouble) && (!file || tool_properties(file, &config, trouble)) &&
         tool_text(given, "bootstrap-server", &bootstrap, trouble) && tool_admin_open(admin, call, bootstrap, NULL, &config, trouble);
    config_map_done(&config);
    if (ok && unregister) { /* UnregisterBroker is not there yet: what Kafka's tool says of such a cluster */
        call_print(call, "The target cluster does not support the broker unregistration API.\n");
        return 0;
    }
    if (ok && describe(admin, endpoints, tool_has(given, "include-fenced-brokers"), trouble))
        return 0;
    trouble_print(call, trouble);
    return call_interrupted(call) ? 130 : 1;
}

static int run(struct call *call)
{
    struct tool_options *given;
    struct tool_admin admin = { 0 };
    struct trouble trouble = { 0 };
    int status = 0;

    if (release_is_27(call_release(call))) /* its script is there, the class came with 2.8 */
        return call_error(call, "Error: Could not find or load main class kafka.tools.ClusterTool\nCaused by: java.lang.ClassNotFoundException: kafka.tools.ClusterTool\n"), 1;
    if (!tool_options_parse(&given, call, options, &trouble))
        return tool_failed(call, &trouble);
    if (tool_has(given, "help"))
        status = tool_usage(call, options, "The Kafka cluster tool: cluster-id, list-endpoints.\n");
    else if (tool_has(given, "version"))
        tool_print_version(call);
    else
        status = act(call, given, &admin, &trouble);
    trouble_done(&trouble);
    tool_admin_close(&admin);
    tool_options_done(given);
    return tool_status(call, status);
}

const struct command command_kafka_cluster = {
    .name = "kafka-cluster",
    .summary = "the cluster's id, and its brokers (4.3)",
    .example = "kafka-cluster.sh list-endpoints --bootstrap-server localhost:9092",
    .options = options,
    .words = "cluster-id list-endpoints unregister",
    .tool = true,
    .past = "", .run = run,
};
