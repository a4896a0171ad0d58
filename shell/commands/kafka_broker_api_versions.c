/* kafka-broker-api-versions: which versions of which APIs each broker takes, and which of them the release's own client would use. */
#include <string.h>

#include "shell/tool_admin.h"

enum { API_VERSIONS = 18, PLAIN_VERSION = 2 }; /* version 2 tells all that is printed */

static const struct option options[] = {
    { "bootstrap-server", "String: server(s) to use for bootstrapping", "REQUIRED: brokers' addresses", COMPLETE_BOOTSTRAP, 0 },
    { "command-config", "String: command config property file", "a file with settings for the tool's client", COMPLETE_FILE, 0 },
    { "help", NULL, "show these options", 0, 0 },
    { "version", NULL, "show Kafka's version", 0, 0 },
    { 0 },
};

/* What Kafka's clients know: the newest version in 2.7 and in 4.3, -1: not at all. */
static const struct known_api {
    int16_t key;
    const char *name;
    int16_t last_27, last_43;
} apis[] = {
    { 0, "Produce", 8, 13 },
    { 1, "Fetch", 12, 18 },
    { 2, "ListOffsets", 5, 11 },
    { 3, "Metadata", 9, 13 },
    { 4, "LeaderAndIsr", 4, -1 },
    { 5, "StopReplica", 3, -1 },
    { 6, "UpdateMetadata", 6, -1 },
    { 7, "ControlledShutdown", 3, -1 },
    { 8, "OffsetCommit", 8, 10 },
    { 9, "OffsetFetch", 7, 10 },
    { 10, "FindCoordinator", 3, 6 },
    { 11, "JoinGroup", 7, 9 },
    { 12, "Heartbeat", 4, 4 },
    { 13, "LeaveGroup", 4, 5 },
    { 14, "SyncGroup", 5, 5 },
    { 15, "DescribeGroups", 5, 6 },
    { 16, "ListGroups", 4, 5 },
    { 17, "SaslHandshake", 1, 1 },
    { 18, "ApiVersions", 3, 4 },
    { 19, "CreateTopics", 6, 7 },
    { 20, "DeleteTopics", 5, 6 },
    { 21, "DeleteRecords", 2, 2 },
    { 22, "InitProducerId", 4, 5 },
    { 23, "OffsetForLeaderEpoch", 3, 4 },
    { 24, "AddPartitionsToTxn", 2, 5 },
    { 25, "AddOffsetsToTxn", 2, 4 },
    { 26, "EndTxn", 2, 5 },
    { 27, "WriteTxnMarkers", 0, 2 },
    { 28, "TxnOffsetCommit", 3, 5 },
    { 29, "DescribeAcls", 2, 3 },
    { 30, "CreateAcls", 2, 3 },
    { 31, "DeleteAcls", 2, 3 },
    { 32, "DescribeConfigs", 3, 4 },
    { 33, "AlterConfigs", 1, 2 },
    { 34, "AlterReplicaLogDirs", 1, 2 },
    { 35, "DescribeLogDirs", 2, 5 },
    { 36, "SaslAuthenticate", 2, 2 },
    { 37, "CreatePartitions", 3, 3 },
    { 38, "CreateDelegationToken", 2, 3 },
    { 39, "RenewDelegationToken", 2, 2 },
    { 40, "ExpireDelegationToken", 2, 2 },
    { 41, "DescribeDelegationToken", 2, 3 },
    { 42, "DeleteGroups", 2, 2 },
    { 43, "ElectLeaders", 2, 2 },
    { 44, "IncrementalAlterConfigs", 1, 1 },
    { 45, "AlterPartitionReassignments", 0, 1 },
    { 46, "ListPartitionReassignments", 0, 0 },
    { 47, "OffsetDelete", 0, 0 },
    { 48, "DescribeClientQuotas", 0, 1 },
    { 49, "AlterClientQuotas", 0, 1 },
    { 50, "DescribeUserScramCredentials", 0, 0 },
    { 51, "AlterUserScramCredentials", 0, 0 },
    { 55, "DescribeQuorum", -1, 2 },
    { 56, "AlterIsr", 0, -1 },
    { 57, "UpdateFeatures", 0, 2 },
    { 60, "DescribeCluster", -1, 2 },
    { 61, "DescribeProducers", -1, 0 },
    { 64, "UnregisterBroker", -1, 0 },
    { 65, "DescribeTransactions", -1, 0 },
    { 66, "ListTransactions", -1, 2 },
    { 68, "ConsumerGroupHeartbeat", -1, 1 },
    { 69, "ConsumerGroupDescribe", -1, 1 },
    { 71, "GetTelemetrySubscriptions", -1, 0 },
    { 72, "PushTelemetry", -1, 0 },
    { 74, "ListConfigResources", -1, 1 },
    { 75, "DescribeTopicPartitions", -1, 0 },
    { 76, "ShareGroupHeartbeat", -1, 1 },
    { 77, "ShareGroupDescribe", -1, 1 },
    { 78, "ShareFetch", -1, 2 },
    { 79, "ShareAcknowledge", -1, 2 },
    { 80, "AddRaftVoter", -1, 1 },
    { 81, "RemoveRaftVoter", -1, 0 },
    { 83, "InitializeShareGroupState", -1, 0 },
    { 84, "ReadShareGroupState", -1, 0 },
    { 85, "WriteShareGroupState", -1, 1 },
    { 86, "DeleteShareGroupState", -1, 0 },
    { 87, "ReadShareGroupStateSummary", -1, 1 },
    { 88, "StreamsGroupHeartbeat", -1, 0 },
    { 89, "StreamsGroupDescribe", -1, 0 },
    { 90, "DescribeShareGroupOffsets", -1, 1 },
    { 91, "AlterShareGroupOffsets", -1, 0 },
    { 92, "DeleteShareGroupOffsets", -1, 0 },
};
enum { APIS = sizeof(apis) / sizeof(*apis) };

static int16_t newest_of(const struct known_api *api, bool old)
{
    return old ? api->last_27 : api->last_43;
}

static const struct api_versions_response_api *find(const struct api_versions_response *answer, int16_t key)
{
    for (int32_t i = 0; i < answer->api_keys.count; i++)
        if (answer->api_keys.items[i].api_key == key)
            return &answer->api_keys.items[i];
    return NULL;
}

static void add_range(struct text *out, const struct api_versions_response_api *range)
{
    text_printf(out, range->min_version == range->max_version ? "%d" : "%d to %d", range->min_version, range->max_version);
}

static void add_known(struct text *out, const struct known_api *api, const struct api_versions_response_api *range, bool old)
{
    int16_t newest = newest_of(api, old);

    text_printf(out, "%s\t%s(%d): ", out->size ? ",\n" : "", api->name, api->key);
    if (!range) {
        text_add(out, "UNSUPPORTED");
        return;
    }
    add_range(out, range);
    if (newest < range->min_version)
        text_add(out, old ? " [unusable: broker too new]" : " [unusable: node too new]");
    else
        text_printf(out, " [usable: %d]", newest < range->max_version ? newest : range->max_version);
}

static void print_broker(struct call *call, const struct metadata_response_broker *broker, const struct api_versions_response *answer)
{
    bool old = release_is_27(call_release(call));
    struct text out = { 0 };
    int32_t next = 0;

    for (int16_t key = 0; key < INT16_MAX; key++) {
        const struct api_versions_response_api *range = find(answer, key);

        while (next < APIS && apis[next].key < key)
            next++;
        if (next < APIS && apis[next].key == key && newest_of(&apis[next], old) >= 0) {
            add_known(&out, &apis[next], range, old);
        } else if (range) {
            text_printf(&out, "%s\tUNKNOWN(%d): ", out.size ? ",\n" : "", key);
            add_range(&out, range);
        }
    }
    call_print(call, "%s:%d (id: %d rack: %s%s) -> (\n%s\n)\n", broker->host, (int)broker->port, (int)broker->node_id,
               broker->rack ? broker->rack : "null", old ? "" : " isFenced: false", text_chars(&out));
    text_done(&out);
}

/* The list of the brokers that were asked, as both releases' clients say that none answered. */
static bool nobody_answers(struct call *call, const char *bootstrap, struct trouble *trouble)
{
    bool old = release_is_27(call_release(call));
    char *copy = mem_text(bootstrap), *rest = copy, *one;
    struct text list = { 0 };
    int node = 0;

    while ((one = strsep(&rest, ",")))
        if (*one)
            text_printf(&list, "%s%s (id: %d rack: null%s)", list.size ? ", " : "", one, --node, old ? "" : " isFenced: false");
    trouble_set(trouble, "java.lang.RuntimeException", old ? "Request METADATA failed on brokers List(%s)" : "Request METADATA failed on brokers [%s]",
                text_chars(&list));
    text_done(&list);
    mem_free(copy);
    return false;
}

static bool act(struct call *call, struct tool_options *given, struct tool_admin *admin, struct trouble *trouble)
{
    struct config_map config = { 0 };
    struct metadata_response *cluster;
    struct api_versions_request request;
    const char *bootstrap, *file;
    void *answer;
    bool ok = tool_text(given, "command-config", &file, trouble) && (!file || tool_properties(file, &config, trouble)) &&
              tool_text(given, "bootstrap-server", &bootstrap, trouble) && tool_admin_open(admin, call, bootstrap, "admin-1", &config, trouble);

    config_map_done(&config);
    if (!ok)
        return false;
    if (!tool_metadata(admin, "findAllBrokers", &cluster, trouble))
        return text_ends(trouble->exception, "TimeoutException") ? nobody_answers(call, bootstrap, trouble) : false;
    fields_preset(&api_versions_request_message, &request);
    for (int32_t i = 0; i < cluster->brokers.count; i++) {
        if (!tool_admin_call(admin, cluster->brokers.items[i].node_id, API_VERSIONS, PLAIN_VERSION, &request, &answer, "apiVersions", trouble))
            return false;
        print_broker(call, &cluster->brokers.items[i], answer);
    }
    return true;
}

static int run(struct call *call)
{
    struct tool_options *given;
    struct tool_admin admin = { 0 };
    struct trouble trouble = { 0 };
    int status = 0;

    if (!tool_options_parse(&given, call, options, &trouble))
        return tool_failed(call, &trouble);
    if (call->argc == 1 || tool_has(given, "help"))
        status = tool_usage(call, options, "This tool helps to retrieve broker version information.\n");
    else if (tool_has(given, "version"))
        tool_print_version(call);
    else if (!tool_require(call, given, (const char *const[]){ "bootstrap-server", NULL }))
        status = 1;
    else if (!act(call, given, &admin, &trouble))
        status = tool_failed(call, &trouble);
    trouble_done(&trouble);
    tool_admin_close(&admin);
    tool_options_done(given);
    return tool_status(call, status);
}

const struct command command_kafka_broker_api_versions = {
    .name = "kafka-broker-api-versions",
    .summary = "which versions of which APIs the brokers take",
    .example = "kafka-broker-api-versions.sh --bootstrap-server localhost:9092",
    .options = options,
    .tool = true,
    .past = "", .run = run,
};
