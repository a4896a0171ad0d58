/* kafka-metadata-quorum: which controller leads, and how far each has the metadata log. 4.3 only. */
#include <inttypes.h>
#include <string.h>

#include "shell/tool_admin.h"

enum { API_DESCRIBE_CLUSTER = 60, API_DESCRIBE_QUORUM = 55, COLUMNS = 7 };

static const struct option options[] = {
    { "bootstrap-controller", "String: controllers", "the controllers' addresses; nobody listens there in a lab", COMPLETE_NONE, RELEASE_43 },
    { "bootstrap-server", "String: server(s)", "REQUIRED: brokers' addresses", COMPLETE_BOOTSTRAP, RELEASE_43 },
    { "command-config", "String: config file", "a file with settings for the tool's client", COMPLETE_FILE, RELEASE_43 },
    { "help", NULL, "show these options", 0, 0 },
    { "human-readable", NULL, "with --replication: how long ago instead of when", 0, RELEASE_43 },
    { "replication", NULL, "describe: each voter and observer, and what it lacks", 0, RELEASE_43 },
    { "status", NULL, "describe: the leader, its epoch, what is committed, who votes", 0, RELEASE_43 },
    { "version", NULL, "show Kafka's version", 0, 0 },
    { 0 },
};

typedef struct describe_quorum_response_partition quorum_state;
typedef struct describe_quorum_response_replica replica_state;

static int say(struct call *call, const char *text)
{
    call_error(call, "%s\n", text);
    return 1;
}

static bool ask(struct tool_admin *admin, const struct describe_quorum_response **all, const quorum_state **out, struct trouble *trouble)
{
    struct describe_quorum_request_partition partition = { 0 };
    struct describe_quorum_request_topic topic = { .topic_name = "__cluster_metadata", .partitions = { .items = &partition, .count = 1 } };
    struct describe_quorum_request request = { .topics = { .items = &topic, .count = 1 } };
    const struct describe_quorum_response *answer;
    void *bytes;

    if (!tool_admin_call(admin, NODE_ANY, API_DESCRIBE_QUORUM, -1, &request, &bytes, "describeMetadataQuorum", trouble))
        return false;
    answer = bytes;
    *all = answer;
    if (!tool_check(answer->error_code, answer->error_message, trouble)) {
        tool_execution(trouble);
        return false;
    }
    if (answer->topics.count != 1 || answer->topics.items[0].partitions.count != 1)
        return trouble_set(trouble, "org.apache.kafka.common.errors.UnknownServerException", "DescribeMetadataQuorum received %d topics when 1 was expected",
                           answer->topics.count);
    *out = &answer->topics.items[0].partitions.items[0];
    if (!tool_check((*out)->error_code, (*out)->error_message, trouble)) {
        tool_execution(trouble);
        return false;
    }
    return true;
}

static const replica_state *leader_of(const quorum_state *state)
{
    for (int32_t i = 0; i < state->current_voters.count; i++)
        if (state->current_voters.items[i].replica_id == state->leader_id)
            return &state->current_voters.items[i];
    return NULL;
}

/* ---- describe --status ---- */

static const struct describe_quorum_response_node *node_of(const struct describe_quorum_response *all, int32_t id)
{
    for (int32_t i = 0; i < all->nodes.count; i++)
        if (all->nodes.items[i].node_id == id)
            return &all->nodes.items[i];
    return NULL;
}

static void add_replicas(struct text *out, const struct describe_quorum_response *all, const replica_state *items, int32_t count)
{
    for (int32_t i = 0; i < count; i++) {
        const struct describe_quorum_response_node *node = node_of(all, items[i].replica_id);
        char directory[UUID_TEXT];

        uuid_text(items[i].replica_directory_id, directory);
        text_printf(out, "%s{\"id\": %" PRId32 ", \"directoryId\": ", i ? ", " : "", items[i].replica_id);
        if (uuid_is_zero(items[i].replica_directory_id))
            text_add(out, "null");
        else
            text_printf(out, "\"%s\"", directory);
        for (int32_t l = 0; node && l < node->listeners.count; l++)
            text_printf(out, "%s\"%s://%s:%u\"", l ? ", " : ", \"endpoints\": [", node->listeners.items[l].name, node->listeners.items[l].host,
                        (unsigned)node->listeners.items[l].port);
        text_add(out, node && node->listeners.count ? "]}" : "}");
    }
}

static bool describe_status(struct tool_admin *admin, struct trouble *trouble)
{
    struct describe_cluster_request request = { .endpoint_type = 1 };
    const struct describe_cluster_response *cluster;
    const struct describe_quorum_response *all;
    const quorum_state *state;
    const replica_state *leader, *last;
    struct text voters = { 0 }, observers = { 0 };
    int64_t behind_ms = -1;
    void *answer;

    if (!tool_admin_call(admin, NODE_ANY, API_DESCRIBE_CLUSTER, -1, &request, &answer, "listNodes", trouble) || !ask(admin, &all, &state, trouble))
        return false;
    cluster = answer;
    leader = leader_of(state);
    if (!leader)
        return trouble_set(trouble, "java.util.NoSuchElementException", "No value present");
    last = &state->current_voters.items[0];
    for (int32_t i = 1; i < state->current_voters.count; i++)
        if (state->current_voters.items[i].log_end_offset < last->log_end_offset)
            last = &state->current_voters.items[i];
    if (last == leader)
        behind_ms = 0;
    else if (leader->last_caught_up_timestamp >= 0 && last->last_caught_up_timestamp >= 0)
        behind_ms = leader->last_caught_up_timestamp - last->last_caught_up_timestamp;
    add_replicas(&voters, all, state->current_voters.items, state->current_voters.count);
    add_replicas(&observers, all, state->observers.items, state->observers.count);
    call_print(admin->call, "ClusterId:              %s\nLeaderId:               %d\nLeaderEpoch:            %d\nHighWatermark:          %lld\n", cluster->cluster_id,
               state->leader_id, state->leader_epoch, (long long)state->high_watermark);
    call_print(admin->call, "MaxFollowerLag:         %lld\nMaxFollowerLagTimeMs:   %lld\nCurrentVoters:          [%s]\nCurrentObservers:       [%s]\n",
               (long long)(leader->log_end_offset - last->log_end_offset), (long long)behind_ms, text_chars(&voters), text_chars(&observers));
    text_done(&voters);
    text_done(&observers);
    return true;
}

/* ---- describe --replication ---- */

struct sheet {
    char *(*rows)[COLUMNS];
    size_t count, capacity;
};

static char *when(const struct tool_admin *admin, int64_t at_ms, bool human)
{
    if (at_ms < 0)
        return mem_text("-1");
    return human ? mem_printf("%lld ms ago", (long long)(tool_now_ms(admin->call) - at_ms)) : mem_printf("%lld", (long long)at_ms);
}

static void add_row(struct sheet *sheet, const struct tool_admin *admin, const replica_state *replica, const replica_state *leader, const char *status, bool human)
{
    char directory[UUID_TEXT], **row;

    sheet->rows = mem_grow(sheet->rows, sheet->count, &sheet->capacity, sizeof(*sheet->rows));
    row = sheet->rows[sheet->count++];
    uuid_text(replica->replica_directory_id, directory);
    row[0] = mem_printf("%d", replica->replica_id);
    row[1] = mem_text(directory);
    row[2] = mem_printf("%lld", (long long)replica->log_end_offset);
    row[3] = mem_printf("%lld", (long long)(leader->log_end_offset - replica->log_end_offset));
    row[4] = when(admin, replica->last_fetch_timestamp, human);
    row[5] = when(admin, replica->last_caught_up_timestamp, human);
    row[6] = mem_text(status);
}

static void print_sheet(struct call *call, const struct sheet *sheet)
{
    static const char *const names[COLUMNS] = { "NodeId", "DirectoryId", "LogEndOffset", "Lag", "LastFetchTimestamp", "LastCaughtUpTimestamp", "Status" };

    for (size_t r = 0; r <= sheet->count; r++) {
        for (size_t c = 0; c < COLUMNS; c++) {
            size_t width = strlen(names[c]);

            for (size_t i = 0; i < sheet->count; i++)
                if (strlen(sheet->rows[i][c]) > width)
                    width = strlen(sheet->rows[i][c]);
            call_print(call, "%-*s\t", (int)width, r ? sheet->rows[r - 1][c] : names[c]);
        }
        call_print(call, "\n");
    }
}

static bool describe_replication(struct tool_admin *admin, bool human, struct trouble *trouble)
{
    const struct describe_quorum_response *all;
    const quorum_state *state;
    const replica_state *leader;
    struct sheet sheet = { 0 };

    if (!ask(admin, &all, &state, trouble))
        return false;
    leader = leader_of(state);
    if (!leader)
        return trouble_set(trouble, "java.util.NoSuchElementException", "No value present");
    add_row(&sheet, admin, leader, leader, "Leader", human);
    for (int32_t i = 0; i < state->current_voters.count; i++)
        if (&state->current_voters.items[i] != leader)
            add_row(&sheet, admin, &state->current_voters.items[i], leader, "Follower", human);
    for (int32_t i = 0; i < state->observers.count; i++)
        add_row(&sheet, admin, &state->observers.items[i], leader, "Observer", human);
    print_sheet(admin->call, &sheet);
    for (size_t r = 0; r < sheet.count; r++)
        for (size_t c = 0; c < COLUMNS; c++)
            mem_free(sheet.rows[r][c]);
    mem_free(sheet.rows);
    return true;
}

/* ---- the command line ---- */

static int wrong(struct call *call, const char *what)
{
    call_error(call, "usage: kafka-metadata-quorum [-h] [--command-config COMMAND_CONFIG]\n"
                     "                             (--bootstrap-server BOOTSTRAP_SERVER |\n"
                     "                             --bootstrap-controller BOOTSTRAP_CONTROLLER)\n"
                     "                             {describe,add-controller,remove-controller}\n"
                     "                             ...\n"
                     "kafka-metadata-quorum: error: %s\n", what);
    return 1;
}

static int act(struct call *call, struct tool_options *given, struct tool_admin *admin, struct trouble *trouble)
{
    bool status = tool_has(given, "status"), replication = tool_has(given, "replication"), human = tool_has(given, "human-readable");
    const char *command = tool_words(given) ? tool_word(given, 0) : "", *bootstrap, *file;
    struct config_map config = { 0 };
    bool ok;

    if (!strcmp(command, "add-controller") || !strcmp(command, "remove-controller"))
        return say(call, "Which brokers vote is fixed when the lab is made: --controllers N");
    if (strcmp(command, "describe"))
        return wrong(call, *command ? "invalid choice (choose from 'describe', 'add-controller', 'remove-controller')" : "too few arguments");
    if (tool_has(given, "bootstrap-controller"))
        return say(call, "The controllers have no port of their own here; --bootstrap-server asks the same of a broker");
    if (!tool_has(given, "bootstrap-server"))
        return wrong(call, "one of the arguments --bootstrap-server --bootstrap-controller is required");
    if (status && replication)
        return say(call, "Only one of --status or --replication should be specified with describe sub-command");
    if (status && human)
        return say(call, "The option --human-readable is only supported along with --replication");
    if (!status && !replication)
        return say(call, "One of --status or --replication must be specified with describe sub-command");
    ok = tool_text(given, "command-config", &file, trouble) && (!file || tool_properties(file, &config, trouble)) &&
         tool_text(given, "bootstrap-server", &bootstrap, trouble) && tool_admin_open(admin, call, bootstrap, NULL, &config, trouble);
    config_map_done(&config);
    if (ok && (status ? describe_status(admin, trouble) : describe_replication(admin, human, trouble)))
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

    if (release_is_27(call_release(call)))
        return say(call, "kafka-metadata-quorum: Kafka 2.7 has no such tool: there ZooKeeper keeps the metadata, and `broker` shows the controller");
    if (!tool_options_parse(&given, call, options, &trouble))
        return tool_failed(call, &trouble);
    if (tool_has(given, "help"))
        status = tool_usage(call, options, "kafka-metadata-quorum describe --status|--replication: how the controllers are.\n");
    else if (tool_has(given, "version"))
        tool_print_version(call);
    else
        status = act(call, given, &admin, &trouble);
    trouble_done(&trouble);
    tool_admin_close(&admin);
    tool_options_done(given);
    return tool_status(call, status);
}

const struct command command_kafka_metadata_quorum = {
    .name = "kafka-metadata-quorum",
    .summary = "which controller leads, what each has (4.3)",
    .example = "kafka-metadata-quorum.sh --bootstrap-server localhost:9092 describe --status",
    .options = options,
    .words = "describe",
    .tool = true,
    .past = "", .run = run,
};
