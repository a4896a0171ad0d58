/* kafka-topics: creates, lists, describes, alters and deletes topics. Over a broker; with 2.7's --zookeeper the words
 * are those of its old way. */
#include "shell/commands/kafka_topics.h"

#include <stdlib.h>
#include <string.h>

#include "shell/java_order.h"

static const struct option options[] = {
    { "alter", NULL, "change the number of partitions (--partitions) and where they are", 0, 0 },
    { "at-min-isr-partitions", NULL,
      "with --describe: only partitions whose ISR has just as many replicas as min.insync.replicas asks for", 0, 0 },
    { "bootstrap-server", "String: server to connect to", "REQUIRED: a broker's address, HOST:PORT", COMPLETE_BOOTSTRAP,
      0 },
    { "command-config", "String: command config property file", "a file with settings for the tool's client",
      COMPLETE_FILE, 0 },
    { "config", "String: name=value",
      "a setting of the topic that is created; may be given several times (kafka-configs changes them later)",
      COMPLETE_CONFIG, 0 },
    { "create", NULL, "create a topic", 0, 0 },
    { "delete", NULL, "delete topics", 0, 0 },
    { "delete-config", "String: name", "a setting to take back (2.7, with --zookeeper only)", COMPLETE_CONFIG, 0 },
    { "describe", NULL, "show partitions, leaders, replicas and settings", 0, 0 },
    { "disable-rack-aware", NULL, "place replicas without looking at racks", 0, RELEASE_27 },
    { "exclude-internal", NULL, "with --list and --describe: leave out Kafka's own topics", 0, 0 },
    { "force", NULL, "ask nothing", 0, RELEASE_27 },
    { "help", NULL, "show these options", 0, 0 },
    { "if-exists", NULL, "with --alter, --delete, --describe: it is no mistake when the topic isn't there", 0, 0 },
    { "if-not-exists", NULL, "with --create: it is no mistake when the topic is there", 0, 0 },
    { "list", NULL, "list the topics", 0, 0 },
    { "partition-size-limit-per-response", "Integer: maximum number of partitions per response",
      "how many partitions to ask for at once", 0, RELEASE_43 },
    { "partitions", "Integer: # of partitions", "how many partitions (more of them change where a key's records go)", 0,
      0 },
    { "replica-assignment",
      "String: broker_id_for_part1_replica1 : broker_id_for_part1_replica2 , broker_id_for_part2_replica1 : "
      "broker_id_for_part2_replica2 , ...",
      "the brokers of each partition: replicas joined by :, partitions by a comma", 0, 0 },
    { "replication-factor", "Integer: replication factor", "how many replicas each partition has", 0, 0 },
    { "topic", "String: topic", "the topic; a regular expression too, except with --create", COMPLETE_TOPIC, 0 },
    { "topic-id", "String: topic-id", "with --describe: the topic by its id", 0, RELEASE_43 },
    { "topics-with-overrides", NULL, "with --describe: only topics with settings of their own", 0, 0 },
    { "unavailable-partitions", NULL, "with --describe: only partitions without a living leader", 0, 0 },
    { "under-min-isr-partitions", NULL,
      "with --describe: only partitions whose ISR is smaller than min.insync.replicas", 0, 0 },
    { "under-replicated-partitions", NULL, "with --describe: only partitions with replicas out of the ISR", 0, 0 },
    { "version", NULL, "show Kafka's version", 0, 0 },
    { "zookeeper", "String: hosts", "the old way to reach the cluster: whatever the address, this lab", 0, RELEASE_27 },
    { 0 },
};

#define NAMES(...) ((const char *const[]){ __VA_ARGS__, NULL })
static const char actions_wrong[] =
    "Command must include exactly one action: --list, --describe, --create, --alter or --delete\n";
static const char altering[] =
    "(the kafka-configs CLI supports altering topic configs with a --bootstrap-server option)";

/* Which options bear each other. False: said already. */
static bool check_forbidden(const struct topics *topics)
{
    static const struct {
        const char *used;
        const char *invalid[10];
        enum release only;
    } rules[] = {
        { "config", { "describe", "list", "delete" }, 0 },
        { "delete-config", { "create", "describe", "list", "delete", "bootstrap-server" }, RELEASE_27 },
        { "partitions", { "describe", "list", "delete" }, 0 },
        { "replication-factor", { "alter", "describe", "list", "delete" }, 0 },
        { "replica-assignment", { "describe", "list", "delete" }, 0 },
    };
    static const char *const reports[] = { "under-replicated-partitions", "under-min-isr-partitions",
                                           "at-min-isr-partitions", "unavailable-partitions" };
    const struct tool_options *o = topics->options;
    bool old = topics->zookeeper || release_is_27(call_release(topics->call));

    for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
        if ((!rules[i].only || release_is_27(rules[i].only) == old) &&
            !tool_forbid(topics->call, o, rules[i].used, rules[i].invalid))
            return false;
    if (tool_has(o, "create") &&
        !tool_forbid(topics->call, o, "replica-assignment", NAMES("partitions", "replication-factor")))
        return false;
    for (size_t i = 0; i < 4; i++) {
        const char *invalid[12] = { "alter", "create", "list", "delete" };
        size_t count = 4;

        for (size_t j = 0; old && j < 4; j++)
            if (j != i)
                invalid[count++] = reports[j];
        invalid[count++] = "topics-with-overrides";
        if (old && (i == 1 || i == 2))
            invalid[count++] = "zookeeper";
        if (!tool_forbid(topics->call, o, reports[i], invalid))
            return false;
    }
    return tool_forbid(topics->call, o, "topics-with-overrides",
                       NAMES("alter", "create", "list", "delete", reports[0], reports[1], reports[2], reports[3])) &&
           tool_forbid(topics->call, o, "if-exists", NAMES("create", "list")) &&
           tool_forbid(topics->call, o, "if-not-exists", NAMES("alter", "describe", "list", "delete")) &&
           tool_forbid(topics->call, o, "exclude-internal", NAMES("alter", "create", "delete"));
}

/* 4.3: what has to be there. -1: go on. */
static int check_required(struct topics *topics, struct trouble *trouble)
{
    const struct tool_options *o = topics->options;
    struct call *call = topics->call;

    if (tool_has(o, "delete-config"))
        call_error(call, "delete-config option is no longer supported and deprecated since version 4.0. The config "
                         "will be fully removed in future releases.\n");
    if (!tool_has(o, "bootstrap-server")) {
        trouble_set(trouble, "java.lang.IllegalArgumentException", "--bootstrap-server must be specified");
        return tool_failed(call, trouble);
    }
    if (tool_has(o, "describe") && tool_has(o, "if-exists")) {
        if (!tool_has(o, "topic") && !tool_has(o, "topic-id"))
            return tool_usage(call, options, "--topic or --topic-id is required to describe a topic\n");
        if (tool_has(o, "topic") && tool_has(o, "topic-id"))
            call_print(call, "Only topic id will be used when both --topic and --topic-id are specified and topicId is "
                             "not Uuid.ZERO_UUID\n");
    }
    if (!tool_has(o, "list") && !tool_has(o, "describe") && !tool_require(call, o, NAMES("topic")))
        return 1;
    if (tool_has(o, "alter")) {
        if (tool_has(o, "config"))
            return tool_usage(
                call, options,
                "Option combination \"[[bootstrap-server], [config]]\" can't be used with option \"[alter]\" "
                "(To alter topic configurations, the kafka-configs tool can be used.)\n");
        if (!tool_require(call, o, NAMES("partitions")))
            return 1;
    }
    return -1;
}

static int check_required_27(struct topics *topics, struct trouble *trouble)
{
    const struct tool_options *o = topics->options;
    struct call *call = topics->call;

    if (tool_has(o, "bootstrap-server") == tool_has(o, "zookeeper")) {
        trouble_set(trouble, "java.lang.IllegalArgumentException",
                    "Only one of --bootstrap-server or --zookeeper must be specified");
        return tool_failed(call, trouble);
    }
    if (((tool_has(o, "describe") && tool_has(o, "if-exists")) || (!tool_has(o, "list") && !tool_has(o, "describe"))) &&
        !tool_require(call, o, NAMES("topic")))
        return 1;
    if (tool_has(o, "create") && !tool_has(o, "replica-assignment") && topics->zookeeper &&
        !tool_require(call, o, NAMES("partitions", "replication-factor")))
        return 1;
    if (!topics->zookeeper && tool_has(o, "alter")) {
        if (tool_has(o, "config"))
            return tool_usage(
                call, options,
                "Option combination \"[bootstrap-server],[config]\" can't be used with option \"[alter]\" %s\n",
                altering);
        if (!tool_require(call, o, NAMES("partitions")))
            return 1;
    }
    return -1;
}

static int check(struct topics *topics, struct trouble *trouble)
{
    static const char *const actions[] = { "create", "list", "alter", "describe", "delete" };
    const struct tool_options *o = topics->options;
    struct call *call = topics->call;
    int count = 0, status;

    if (call->argc == 1)
        return tool_usage(call, options, "Create, delete, describe, or change a topic.\n");
    if (tool_has(o, "help"))
        return tool_usage(call, options, "This tool helps to create, delete, describe, or change a topic.\n");
    if (tool_has(o, "version")) {
        tool_print_version(call);
        return 0;
    }
    for (size_t i = 0; i < 5; i++)
        count += tool_has(o, actions[i]);
    if (count != 1)
        return tool_usage(call, options, "%s", actions_wrong);
    status = topics->zookeeper || release_is_27(call_release(call)) ? check_required_27(topics, trouble)
                                                                    : check_required(topics, trouble);
    if (status >= 0)
        return status;
    return check_forbidden(topics) ? -1 : 1;
}

/* ---- what several actions need ---- */

bool topics_marked(const struct topics *topics, const char *name)
{
    const struct image_topic *topic = topics->zookeeper ? image_topic(cluster_image(lab_cluster(call_lab(topics->call))), name) : NULL;

    return topic && topic->deleting;
}

static int32_t *copied(struct arena *arena, const int32_t *ids, int32_t count)
{
    int32_t *copy = arena_alloc(arena, ((size_t)count + 1) * sizeof(*copy));

    for (int32_t i = 0; i < count; i++)
        copy[i] = ids[i];
    return copy;
}

static void add_deleting(struct arena *arena, const struct image_topic *topic, struct metadata_response_topic *out)
{
    *out = (struct metadata_response_topic){ .name = arena_text(arena, topic->name, strlen(topic->name)), .is_internal = topic->internal };
    out->partitions.items = arena_alloc(arena, (size_t)topic->partition_count * sizeof(*out->partitions.items));
    out->partitions.count = topic->partition_count;
    for (int32_t p = 0; p < topic->partition_count; p++) {
        const struct image_partition *from = &topic->partitions[p];
        struct metadata_response_partition *to = &out->partitions.items[p];

        *to = (struct metadata_response_partition){ .partition_index = p, .leader_id = from->leader, .leader_epoch = from->leader_epoch };
        to->replica_nodes.items = copied(arena, from->replicas, from->replica_count);
        to->replica_nodes.count = from->replica_count;
        to->isr_nodes.items = copied(arena, from->isr, from->isr_count);
        to->isr_nodes.count = from->isr_count;
    }
}

/* ZooKeeper has a topic until it is gone; the brokers know nothing of it from the moment at which they were told to remove it. */
static void add_all_deleting(struct topics *topics)
{
    const struct image *image = cluster_image(lab_cluster(call_lab(topics->call)));
    struct metadata_response *cluster = topics->cluster;
    struct arena *arena = &topics->admin.arena;
    struct metadata_response_topic *all;

    if (!image_deleting_count(image))
        return;
    all = arena_alloc(arena, ((size_t)cluster->topics.count + image_deleting_count(image)) * sizeof(*all));
    for (int32_t i = 0; i < cluster->topics.count; i++)
        all[i] = cluster->topics.items[i];
    for (size_t t = 0; t < image_topic_count(image); t++)
        if (image_topic_at(image, t)->deleting)
            add_deleting(arena, image_topic_at(image, t), &all[cluster->topics.count++]);
    cluster->topics.items = all;
}

bool topics_get(struct topics *topics, const char ***names, size_t *count, struct trouble *trouble)
{
    bool exclude = tool_has(topics->options, "exclude-internal");
    struct tool_filter *filter = NULL;
    const char *topic;

    *count = 0;
    if (!tool_text(topics->options, "topic", &topic, trouble) ||
        !tool_metadata(&topics->admin, "listTopics", &topics->cluster, trouble))
        return false;
    if (topics->zookeeper)
        add_all_deleting(topics);
    if (topic && !tool_filter_new(&filter, topic, trouble))
        return false;
    *names = arena_alloc(&topics->admin.arena, ((size_t)topics->cluster->topics.count + 1) * sizeof(**names));
    for (int32_t i = 0; i < topics->cluster->topics.count; i++) {
        const char *name = topics->cluster->topics.items[i].name;

        if (name && (filter ? tool_filter_allows(filter, name, exclude) : !(exclude && topic_is_internal(name))))
            (*names)[(*count)++] = name;
    }
    tool_filter_free(filter);
    qsort(*names, *count, sizeof(**names), by_text);
    return true;
}

bool topics_ensure_exists(struct topics *topics, size_t found, struct trouble *trouble)
{
    const char *topic = tool_at(topics->options, "topic", 0);

    if (!found && topic && !tool_has(topics->options, "if-exists") &&
        (*topic || release_is_27(call_release(topics->call))))
        return trouble_set(trouble, "java.lang.IllegalArgumentException", "Topic '%s' does not exist as expected",
                           topic);
    return true;
}

struct brokers {
    int32_t *ids;
    int32_t count;
};
struct wish { /* what --create and --alter were given */
    const char *name;
    int32_t partitions, factor;
    bool has_partitions, has_factor;
    struct brokers *assignment;
    int32_t assigned;
    struct config_map configs;
};

static bool parse_brokers(struct topics *topics, char *text, struct brokers *out,
                          struct trouble *trouble)
{
    bool old = release_is_27(call_release(topics->call));
    struct text twice = { 0 };
    char *one;

    out->ids = arena_alloc(&topics->admin.arena, (strlen(text) / 2 + 2) * sizeof(*out->ids));
    while ((one = strsep(&text, ":"))) {
        char *end;
        int32_t id;

        while (*one == ' ')
            one++;
        for (end = one + strlen(one); end > one && end[-1] == ' ';)
            *--end = 0;
        if (!parse_i32(one, &id)) {
            text_done(&twice);
            return trouble_set(trouble, "java.lang.NumberFormatException", "For input string: \"%s\"", one);
        }
        for (int32_t i = 0; i < out->count; i++)
            if (out->ids[i] == id)
                text_printf(&twice, "%s%d", twice.size ? "," : "", (int)id);
        out->ids[out->count++] = id;
    }
    if (twice.size)
        trouble_set(trouble,
                    old ? "kafka.common.AdminCommandFailedException"
                        : "org.apache.kafka.tools.AdminCommandFailedException",
                    "Partition replica lists may not contain duplicate entries: %s", twice.data);
    text_done(&twice);
    return !trouble->exception;
}

static bool parse_assignment(struct topics *topics, struct wish *wish, const char *text, struct trouble *trouble)
{
    char *rest, *one;

    if (!text || !*text)
        return true;
    rest = arena_text(&topics->admin.arena, text, strlen(text));
    wish->assignment = arena_alloc(&topics->admin.arena, (strlen(text) + 1) * sizeof(*wish->assignment));
    while ((one = strsep(&rest, ","))) {
        struct brokers *brokers = &wish->assignment[wish->assigned];

        if (!*one && !rest)
            break; /* Java's split() drops what is empty at the end */
        if (!parse_brokers(topics, one, brokers, trouble))
            return false;
        if (brokers->count != wish->assignment->count)
            return trouble_set(trouble,
                               release_is_27(call_release(topics->call))
                                   ? "kafka.admin.AdminOperationException"
                                   : "org.apache.kafka.server.common.AdminOperationException",
                               "Partition %d has different replication factor: %s", (int)wish->assigned, one);
        wish->assigned++;
    }
    return true;
}

static char *trimmed(struct arena *arena, const char *text, size_t size)
{
    while (size && strchr(" \t\n\r", text[size - 1]))
        size--;
    while (size && strchr(" \t\n\r", *text))
        text++, size--;
    return arena_text(arena, text, size);
}

static bool parse_configs(struct topics *topics, struct wish *wish, struct trouble *trouble)
{
    enum release release = topics->zookeeper ? RELEASE_27 : call_release(topics->call);
    const struct lab *lab = call_lab(topics->call);
    struct reason reason = { "" };

    /* What only guards production is left to a cluster that may be wider: one played as `any`, or one not yet known. */
    if (release == RELEASE_43 && (lab ? lab_release(lab) == RELEASE_ANY : !topics->call->session->release_fixed))
        release = RELEASE_ANY;
    for (size_t i = 0; i < tool_count(topics->options, "config"); i++) {
        const char *pair = tool_at(topics->options, "config", i), *equals = strchr(pair, '=');

        if (!equals || !equals[1] || strchr(equals + 1, '='))
            return trouble_set(
                trouble, "java.lang.IllegalArgumentException",
                "requirement failed: Invalid topic config: all configs to be added must be in the format \"key=val\".");
        config_map_set(&wish->configs, trimmed(&topics->admin.arena, pair, (size_t)(equals - pair)),
                       trimmed(&topics->admin.arena, equals + 1, strlen(equals + 1)));
    }
    for (size_t i = 0; i < wish->configs.count; i++)
        if (!config_key_known(config_key_find(CONFIG_TOPIC, wish->configs.sets[i].name), release))
            return trouble_set(trouble, "org.apache.kafka.common.errors.InvalidConfigurationException",
                               "Unknown topic config name: %s", wish->configs.sets[i].name);
    for (size_t i = 0; i < wish->configs.count; i++)
        if (config_check(config_key_find(CONFIG_TOPIC, wish->configs.sets[i].name), wish->configs.sets[i].value,
                         release, &reason))
            return trouble_set(trouble, "org.apache.kafka.common.config.ConfigException", "%s", reason.text);
    if (config_check_together(CONFIG_TOPIC, &wish->configs, release, &reason))
        return trouble_set(trouble, "org.apache.kafka.common.errors.InvalidConfigurationException", "%s", reason.text);
    if (release_is_27(release) && config_map_get(&wish->configs, "message.format.version"))
        call_print(topics->call,
                   "WARNING: The configuration message.format.version=%s is specified. This configuration will be "
                   "ignored if the version is newer than the "
                   "inter.broker.protocol.version specified in the broker.\n",
                   config_map_get(&wish->configs, "message.format.version"));
    return true;
}

static bool parse_wish(struct topics *topics, struct wish *wish, struct trouble *trouble)
{
    const char *assignment;

    wish->has_partitions = tool_has(topics->options, "partitions");
    wish->has_factor = tool_has(topics->options, "replication-factor");
    return tool_text(topics->options, "topic", &wish->name, trouble) &&
           tool_i32(topics->options, "partitions", &wish->partitions, trouble) &&
           tool_i32(topics->options, "replication-factor", &wish->factor, trouble) &&
           tool_text(topics->options, "replica-assignment", &assignment, trouble) &&
           parse_assignment(topics, wish, assignment, trouble) && parse_configs(topics, wish, trouble);
}

/* ---- create ---- */

static bool create_topic(struct topics *topics, const struct wish *wish, struct trouble *trouble)
{
    struct arena *arena = &topics->admin.arena;
    struct create_topics_request request;
    struct create_topics_request_topic topic = { .name = wish->name, .num_partitions = -1, .replication_factor = -1 };
    struct create_topics_response *response;
    const char **names = arena_alloc(arena, (wish->configs.count + 1) * sizeof(*names));
    size_t *order;
    void *answer;

    if (wish->assigned) {
        topic.assignments.items = arena_alloc(arena, (size_t)wish->assigned * sizeof(*topic.assignments.items));
        for (int32_t i = 0; i < wish->assigned; i++) {
            struct create_topics_request_assignment *to = &topic.assignments.items[topic.assignments.count++];

            to->partition_index = i;
            to->broker_ids.items = wish->assignment[i].ids;
            to->broker_ids.count = wish->assignment[i].count;
        }
    } else {
        topic.num_partitions = wish->has_partitions ? wish->partitions : -1;
        topic.replication_factor = (int16_t)(wish->has_factor ? wish->factor : -1);
    }
    topic.configs.items = arena_alloc(arena, (wish->configs.count + 1) * sizeof(*topic.configs.items));
    for (size_t i = 0; i < wish->configs.count; i++)
        names[i] = wish->configs.sets[i].name;
    order = java_order(names, wish->configs.count, 0);
    for (size_t i = 0; i < wish->configs.count; i++)
        topic.configs.items[topic.configs.count++] =
            (struct create_topics_request_config){ wish->configs.sets[order[i]].name,
                                                   wish->configs.sets[order[i]].value };
    mem_free(order);
    fields_preset(&create_topics_request_message, &request);
    request.topics.items = &topic;
    request.topics.count = 1;
    request.timeout_ms = 30000;
    request.validate_only = false;
    if (!tool_admin_call(&topics->admin, NODE_CONTROLLER, 19, -1, &request, &answer, "createTopics", trouble))
        return false;
    response = answer;
    for (int32_t i = 0; i < response->topics.count; i++)
        if (!tool_check(response->topics.items[i].error_code, response->topics.items[i].error_message, trouble))
            return response->topics.items[i].error_code == ERR_TOPIC_ALREADY_EXISTS &&
                   tool_has(topics->options, "if-not-exists");
    call_print(topics->call, "Created topic %s.\n", wish->name);
    return true;
}

static bool create(struct topics *topics, struct trouble *trouble)
{
    struct wish wish = { 0 };
    bool ok = parse_wish(topics, &wish, trouble);

    if (ok && strpbrk(wish.name, "._"))
        call_print(topics->call, "WARNING: Due to limitations in metric names, topics with a period ('.') or "
                                 "underscore ('_') could collide. "
                                 "To avoid issues it is best to use either, but not both.\n");
    if (ok && wish.has_factor && (wish.factor > INT16_MAX || wish.factor < 1) && !topics->zookeeper)
        ok = trouble_set(trouble, "java.lang.IllegalArgumentException",
                         "The replication factor must be between 1 and 32767 inclusive");
    if (ok && wish.has_partitions && wish.partitions < 1 && !topics->zookeeper)
        ok = trouble_set(trouble, "java.lang.IllegalArgumentException", "The partitions must be greater than 0");
    if (ok && !*wish.name)
        ok = trouble_set(trouble, "org.apache.kafka.common.errors.InvalidTopicException",
                         "The given topic name '' cannot be represented in a request.");
    ok = ok && create_topic(topics, &wish, trouble);
    config_map_done(&wish.configs);
    return ok;
}

/* ---- alter ---- */

static struct metadata_response_topic *found_topic(const struct topics *topics, const char *name)
{
    for (int32_t i = 0; i < topics->cluster->topics.count; i++)
        if (text_equal(topics->cluster->topics.items[i].name, name))
            return &topics->cluster->topics.items[i];
    return NULL;
}

static bool add_partitions(struct topics *topics, const struct wish *wish, const char *const *names, size_t count,
                           struct trouble *trouble)
{
    struct arena *arena = &topics->admin.arena;
    struct create_partitions_request request;
    struct create_partitions_response *response;
    void *answer;

    fields_preset(&create_partitions_request_message, &request);
    request.topics.items = arena_alloc(arena, count * sizeof(*request.topics.items));
    request.topics.count = (int32_t)count;
    request.timeout_ms = 30000;
    for (size_t i = 0; i < count; i++) {
        struct create_partitions_request_topic *topic = &request.topics.items[i];
        const struct metadata_response_topic *known = found_topic(topics, names[i]);

        topic->name = names[i];
        topic->count = wish->partitions;
        topic->assignments.count = -1;
        if (!wish->assigned)
            continue;
        topic->assignments.items = arena_alloc(arena, (size_t)wish->assigned * sizeof(*topic->assignments.items));
        topic->assignments.count = 0;
        for (int32_t p = known ? known->partitions.count : 0; p < wish->assigned; p++) {
            topic->assignments.items[topic->assignments.count].broker_ids.items = wish->assignment[p].ids;
            topic->assignments.items[topic->assignments.count++].broker_ids.count = wish->assignment[p].count;
        }
    }
    if (!tool_admin_call(&topics->admin, NODE_CONTROLLER, 37, -1, &request, &answer, "createPartitions", trouble))
        return false;
    response = answer;
    for (int32_t i = 0; i < response->results.count; i++)
        if (!tool_check(response->results.items[i].error_code, response->results.items[i].error_message, trouble))
            return false;
    return true;
}

static bool alter_configs(struct topics *topics, const struct wish *wish, const char *topic, struct trouble *trouble)
{
    struct incremental_alter_configs_request request;
    struct incremental_alter_configs_request_resource resource = { .resource_type = RESOURCE_TOPIC,
                                                                   .resource_name = topic };
    size_t removed = tool_count(topics->options, "delete-config");
    struct incremental_alter_configs_response *response;
    void *answer;

    resource.configs.items =
        arena_alloc(&topics->admin.arena, (wish->configs.count + removed) * sizeof(*resource.configs.items));
    for (size_t i = 0; i < wish->configs.count; i++)
        resource.configs.items[resource.configs.count++] =
            (struct incremental_alter_configs_request_config){ wish->configs.sets[i].name, 0,
                                                               wish->configs.sets[i].value };
    for (size_t i = 0; i < removed; i++)
        if (!config_map_get(&wish->configs, tool_at(topics->options, "delete-config", i)))
            resource.configs.items[resource.configs.count++] =
                (struct incremental_alter_configs_request_config){ tool_at(topics->options, "delete-config", i), 1,
                                                                   NULL };
    fields_preset(&incremental_alter_configs_request_message, &request);
    request.resources.items = &resource;
    request.resources.count = 1;
    call_print(topics->call, "WARNING: Altering topic configuration from this script has been deprecated and may be "
                             "removed in future releases.\n"
                             "         Going forward, please use kafka-configs.sh for this functionality\n");
    if (!tool_admin_call(&topics->admin, NODE_CONTROLLER, 44, -1, &request, &answer, "incrementalAlterConfigs",
                         trouble))
        return false;
    response = answer;
    for (int32_t i = 0; i < response->responses.count; i++)
        if (!tool_check(response->responses.items[i].error_code, response->responses.items[i].error_message, trouble))
            return false;
    call_print(topics->call, "Updated config for topic %s.\n", topic);
    return true;
}

static bool alter_zookeeper(struct topics *topics, const struct wish *wish, const char *topic, struct trouble *trouble)
{
    const struct metadata_response_topic *known = found_topic(topics, topic);

    if ((wish->configs.count || tool_has(topics->options, "delete-config")) &&
        !alter_configs(topics, wish, topic, trouble))
        return false;
    if (!wish->has_partitions)
        return true;
    if (topic_is_internal(topic))
        return trouble_set(trouble, "java.lang.IllegalArgumentException",
                           "The number of partitions for the internal topic %s cannot be changed.", topic);
    call_print(topics->call, "WARNING: If partitions are increased for a topic that has a key, the partition logic or "
                             "ordering of the messages will be affected\n");
    if (known && wish->partitions <= known->partitions.count)
        return trouble_set(trouble, "org.apache.kafka.common.errors.InvalidPartitionsException",
                           "The number of partitions for a topic can only be increased. Topic %s currently has %d "
                           "partitions, %d would not be an increase.",
                           topic, (int)known->partitions.count, (int)wish->partitions);
    if (!add_partitions(topics, wish, &topic, 1, trouble))
        return false;
    call_print(topics->call, "Adding partitions succeeded!\n");
    return true;
}

static bool alter(struct topics *topics, struct trouble *trouble)
{
    struct wish wish = { 0 };
    const char **names;
    size_t count;
    bool ok = parse_wish(topics, &wish, trouble) && topics_get(topics, &names, &count, trouble) &&
              topics_ensure_exists(topics, count, trouble);

    if (ok && topics->zookeeper)
        for (size_t i = 0; ok && i < count; i++)
            ok = alter_zookeeper(topics, &wish, names[i], trouble);
    else if (ok && count)
        ok = add_partitions(topics, &wish, names, count, trouble);
    config_map_done(&wish.configs);
    return ok;
}

/* ---- list, delete ---- */

static bool list(struct topics *topics, struct trouble *trouble)
{
    const char **names;
    size_t count;
    char *all;

    if (!topics_get(topics, &names, &count, trouble))
        return false;
    for (size_t i = 0; i < count; i++)
        if (topics_marked(topics, names[i])) {
            struct text line = { 0 };

            text_printf(&line, "%s - marked for deletion", names[i]);
            names[i] = arena_text(&topics->admin.arena, text_chars(&line), line.size);
            text_done(&line);
        }
    all = tool_join(names, count, "\n");
    if (count || !topics->zookeeper)
        call_print(topics->call, "%s\n", all);
    mem_free(all);
    return true;
}

/* With --zookeeper it is told to ZooKeeper, and nobody waits for more: but for the second that this tool of Kafka's needs to end and the next to start. */
enum { DELETE_MS = 30000, MARK_MS = 1000 };

static bool delete_all(struct topics *topics, const char **names, size_t count, struct trouble *trouble)
{
    struct delete_topics_request request;
    struct delete_topics_response *response;
    void *answer;

    fields_preset(&delete_topics_request_message, &request);
    request.topics.items = arena_alloc(&topics->admin.arena, count * sizeof(*request.topics.items));
    request.topics.count = (int32_t)count;
    request.topic_names.items = names;
    request.topic_names.count = (int32_t)count;
    request.timeout_ms = topics->zookeeper ? MARK_MS : DELETE_MS;
    for (size_t i = 0; i < count; i++)
        request.topics.items[i].name = names[i];
    if (!tool_admin_call(&topics->admin, NODE_CONTROLLER, 20, -1, &request, &answer, "deleteTopics", trouble))
        return false;
    response = answer;
    for (int32_t i = 0; i < response->responses.count; i++) {
        const struct delete_topics_response_topic *topic = &response->responses.items[i];

        if (!(topics->zookeeper && topic->error_code == ERR_REQUEST_TIMED_OUT) && !tool_check(topic->error_code, topic->error_message, trouble))
            return false;
    }
    return true;
}

static bool mark_one(struct topics *topics, const char *name, struct trouble *trouble)
{
    if (topic_is_internal(name))
        return trouble_set(trouble, "kafka.admin.AdminOperationException",
                           "Topic %s is a kafka internal topic and is not allowed to be marked for deletion.", name);
    if (topics_marked(topics, name)) {
        call_print(topics->call, "Topic %s is already marked for deletion.\n", name);
        return true;
    }
    if (!delete_all(topics, &name, 1, trouble))
        return false;
    call_print(topics->call, "Topic %s is marked for deletion.\nNote: This will have no impact if delete.topic.enable is not set to true.\n", name);
    return true;
}

static bool delete (struct topics *topics, struct trouble *trouble)
{
    const char **names;
    size_t count;

    if (!topics_get(topics, &names, &count, trouble) || !topics_ensure_exists(topics, count, trouble))
        return false;
    if (!topics->zookeeper)
        return !count || delete_all(topics, names, count, trouble);
    for (size_t i = 0; i < count; i++)
        if (!mark_one(topics, names[i], trouble))
            return false;
    return true;
}

/* ---- */

static int say(struct topics *topics, struct trouble *trouble)
{
    struct text trace = { 0 };

    if (!call_interrupted(topics->call)) {
        call_print(topics->call, "Error while executing topic command : %s\n",
                   trouble->message ? trouble->message : "null");
        trouble_text(trouble, &trace);
        call_log(topics->call, "ERROR", text_chars(&trace),
                 topics->zookeeper || release_is_27(call_release(topics->call))
                     ? "kafka.admin.TopicCommand$"
                     : "org.apache.kafka.tools.TopicCommand");
        text_done(&trace);
    }
    trouble_done(trouble);
    return tool_status(topics->call, 1);
}

static bool open_client(struct topics *topics, struct trouble *trouble)
{
    struct config_map config = { 0 };
    const char *bootstrap, *file;
    char *lab = NULL;
    bool ok;

    if (topics->zookeeper) {
        if (!tool_text(topics->options, "zookeeper", &bootstrap, trouble))
            return false;
        if (!(lab = tool_lab_bootstrap(topics->call)))
            return trouble_set(trouble, "kafka.zookeeper.ZooKeeperClientTimeoutException",
                               "Timed out waiting for connection while in state: CONNECTING");
        bootstrap = lab;
        ok = true;
    } else {
        ok = tool_text(topics->options, "command-config", &file, trouble) &&
             (!file || tool_properties(file, &config, trouble)) &&
             tool_text(topics->options, "bootstrap-server", &bootstrap, trouble);
    }
    ok = ok && tool_admin_open(&topics->admin, topics->call, bootstrap, NULL, &config, trouble);
    config_map_done(&config);
    mem_free(lab);
    return ok;
}

static int run(struct call *call)
{
    static const struct {
        const char *name;
        bool (*act)(struct topics *topics, struct trouble *trouble);
    } actions[] = {
        { "create", create }, { "alter", alter }, { "list", list }, { "describe", topics_describe },
        { "delete", delete },
    };
    struct topics topics = { .call = call };
    struct trouble trouble = { 0 };
    int status;

    if (!tool_options_parse(&topics.options, call, options, &trouble))
        return tool_failed(call, &trouble);
    topics.zookeeper = tool_has(topics.options, "zookeeper");
    status = check(&topics, &trouble);
    if (status < 0 && !open_client(&topics, &trouble))
        status = topics.zookeeper ? trouble_uncaught(call, &trouble) : tool_failed(call, &trouble);
    for (size_t i = 0; status < 0 && i < sizeof(actions) / sizeof(*actions); i++)
        if (tool_has(topics.options, actions[i].name))
            status = actions[i].act(&topics, &trouble) ? 0 : say(&topics, &trouble);
    trouble_done(&trouble);
    tool_admin_close(&topics.admin);
    tool_options_done(topics.options);
    return tool_status(call, status);
}

const struct command command_kafka_topics = {
    .name = "kafka-topics",
    .summary = "create, list, describe, alter and delete topics",
    .example = "kafka-topics.sh --create --topic students --bootstrap-server localhost:9092",
    .options = options,
    .tool = true,
    .past = "--list --describe --version --help", .run = run,
};
