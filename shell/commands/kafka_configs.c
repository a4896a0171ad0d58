/* kafka-configs: shows and changes the settings of topics, brokers and others while they run. */
#include "shell/commands/kafka_configs.h"

static const struct option options[] = {
    { "add-config", "String", "settings to make, 'k1=v1,k2=[v1,v2],k3=v3': brackets hold values with commas together",
      COMPLETE_CONFIG, 0 },
    { "add-config-file", "String", "a properties file with settings to make", COMPLETE_FILE, 0 },
    { "all", NULL, "with --describe: every setting, also those that nobody made", 0, 0 },
    { "alter", NULL, "change settings", 0, 0 },
    { "bootstrap-controller", "String: controller to connect to", "a controller's address, HOST:PORT",
      COMPLETE_BOOTSTRAP, RELEASE_43 },
    { "bootstrap-server", "String: server to connect to", "a broker's address, HOST:PORT", COMPLETE_BOOTSTRAP, 0 },
    { "broker", "String", "the broker with this id", COMPLETE_BROKER, 0 },
    { "broker-defaults", NULL, "what holds for all brokers", 0, 0 },
    { "broker-logger", "String", "the loggers of the broker with this id", COMPLETE_BROKER, 0 },
    { "client", "String", "the client with this id", 0, 0 },
    { "client-defaults", NULL, "what holds for all clients", 0, 0 },
    { "client-metrics", "String", "the metrics subscription with this name", 0, RELEASE_43 },
    { "command-config", "String: command config property file", "a file with settings for the tool's client",
      COMPLETE_FILE, 0 },
    { "delete-config", "String", "settings to take back, 'k1,k2'", COMPLETE_CONFIG, 0 },
    { "describe", NULL, "show settings", 0, 0 },
    { "entity-default", NULL, "the default of the entity type before it", 0, 0 },
    { "entity-name", "String", "the name of the entity whose type stands before it", COMPLETE_TOPIC, 0 },
    { "entity-type", "String",
      "topics, brokers, broker-loggers, clients, users; in 4.3 also ips, groups, client-metrics", COMPLETE_ENTITY_TYPE,
      0 },
    { "force", NULL, "ask nothing", 0, RELEASE_27 },
    { "group", "String", "the group with this id", COMPLETE_GROUP, RELEASE_43 },
    { "help", NULL, "show these options", 0, 0 },
    { "ip", "String", "the address of clients", 0, RELEASE_43 },
    { "ip-defaults", NULL, "what holds for all addresses", 0, RELEASE_43 },
    { "topic", "String", "the topic with this name", COMPLETE_TOPIC, 0 },
    { "user", "String", "the user with this name", 0, 0 },
    { "user-defaults", NULL, "what holds for all users", 0, 0 },
    { "version", NULL, "show Kafka's version", 0, 0 },
    { "zk-tls-config-file", "String: ZooKeeper TLS configuration", "not needed here", COMPLETE_FILE, RELEASE_27 },
    { "zookeeper", "String: urls", "the old way to reach the cluster: whatever the address, this lab", 0, RELEASE_27 },
    { 0 },
};

static const struct {
    const char *flag, *type;
} named[] = {
    /* in the order in which the tool collects them */
    { "topic", "topics" },
    { "client", "clients" },
    { "user", "users" },
    { "broker", "brokers" },
    { "broker-logger", "broker-loggers" },
    { "ip", "ips" },
    { "client-metrics", "client-metrics" },
    { "group", "groups" },
};
static const struct {
    const char *flag, *type;
} defaults[] = {
    { "client-defaults", "clients" },
    { "user-defaults", "users" },
    { "broker-defaults", "brokers" },
    { "ip-defaults", "ips" },
};

bool configs_old(const struct configs *configs)
{
    return configs->zookeeper || release_is_27(call_release(configs->call));
}

/* ---- the command line ---- */

static bool has_type(const struct configs *configs, const char *type)
{
    for (size_t i = 0; i < configs->type_count; i++)
        if (text_equal(configs->types[i], type))
            return true;
    return false;
}

bool configs_has_name(const struct configs *configs, bool empty)
{
    for (size_t i = 0; i < configs->name_count; i++)
        if (!*configs->names[i] == empty)
            return true;
    return false;
}

static bool add_type(struct configs *configs, const char *type, struct trouble *trouble)
{
    if (configs->type_count == NAMES_MAX)
        return trouble_illegal(trouble, "Only 'users' and 'clients' entity types may be specified together");
    configs->types[configs->type_count++] = type;
    return true;
}

static bool collect(struct configs *configs, struct trouble *trouble)
{
    const char *name, *argument, *value;

    for (size_t i = 0; tool_given(configs->options, i, &name, &argument); i++) {
        if (text_equal(name, "entity-type") && !add_type(configs, argument, trouble))
            return false;
        if ((text_equal(name, "entity-name") || text_equal(name, "entity-default")) && configs->name_count < NAMES_MAX)
            configs->names[configs->name_count++] = argument ? argument : "";
    }
    for (size_t i = 0; i < COUNT(named); i++) {
        if (!tool_has(configs->options, named[i].flag))
            continue;
        if (!tool_text(configs->options, named[i].flag, &value, trouble) || !add_type(configs, named[i].type, trouble))
            return false;
        if (configs->name_count < NAMES_MAX)
            configs->names[configs->name_count++] = value;
    }
    for (size_t i = 0; i < COUNT(defaults); i++) {
        if (!tool_has(configs->options, defaults[i].flag))
            continue;
        if (!add_type(configs, defaults[i].type, trouble))
            return false;
        if (configs->name_count < NAMES_MAX)
            configs->names[configs->name_count++] = "";
    }
    return true;
}

static bool check_types(const struct configs *configs, struct trouble *trouble)
{
    static const char *const types_27[] = { "topics", "clients", "users", "brokers", "broker-loggers" };
    static const char *const types_43[] = { "topics", "clients",        "users",  "brokers",
                                            "ips",    "client-metrics", "groups", "broker-loggers" };
    bool is_old = configs_old(configs);
    const char *const *allowed = is_old ? types_27 : types_43;
    size_t allowed_count = is_old ? COUNT(types_27) - configs->zookeeper : COUNT(types_43);

    for (size_t i = 0; i < configs->type_count; i++)
        for (size_t j = 0; j < i; j++)
            if (text_equal(configs->types[i], configs->types[j]))
                return trouble_illegal(trouble, "Duplicate entity type(s) specified: %s", configs->types[i]);
    for (size_t i = 0; i < configs->type_count; i++) {
        bool found = false;
        char *all;

        for (size_t j = 0; j < allowed_count; j++)
            found |= text_equal(configs->types[i], allowed[j]);
        if (found)
            continue;
        all = tool_join(allowed, allowed_count, is_old ? "," : ", ");
        trouble_illegal(trouble, "Invalid entity type %s, the entity type must be one of %s with %s argument",
                        configs->types[i], all,
                        configs->zookeeper ? "the --zookeeper"
                        : is_old           ? "the --bootstrap-server"
                                           : "a --bootstrap-server or --bootstrap-controller");
        mem_free(all);
        return false;
    }
    if (!configs->type_count)
        return trouble_illegal(trouble, "At least one entity type must be specified");
    if (configs->type_count > 1 &&
        !(configs->type_count == 2 && has_type(configs, "users") && has_type(configs, "clients")))
        return trouble_illegal(trouble, "Only 'users' and 'clients' entity types may be specified together");
    if (tool_has(configs->options, "entity-name") || tool_has(configs->options, "entity-type") ||
        tool_has(configs->options, "entity-default")) {
        bool flags = false;

        for (size_t i = 0; i < COUNT(named); i++)
            flags |= tool_has(configs->options, named[i].flag);
        for (size_t i = 0; i < COUNT(defaults); i++)
            flags |= tool_has(configs->options, defaults[i].flag);
        if (flags)
            return trouble_illegal(
                trouble, "--entity-{type,name,default} should not be used in conjunction with specific entity flags");
    }
    return true;
}

static bool check_connection(const struct configs *configs, struct trouble *trouble)
{
    const struct tool_options *o = configs->options;
    bool server = tool_has(o, "bootstrap-server"), controller = tool_has(o, "bootstrap-controller");

    if (configs_old(configs)) {
        if (!server && !configs->zookeeper)
            return trouble_illegal(trouble,
                                   "One of the required --bootstrap-server or --zookeeper arguments must be specified");
        if (server && configs->zookeeper)
            return trouble_illegal(trouble, "Only one of --bootstrap-server or --zookeeper must be specified");
        if (tool_has(o, "all") && configs->zookeeper)
            return trouble_illegal(trouble, "--bootstrap-server must be specified for --all");
        return true;
    }
    if (!server && !controller)
        return trouble_illegal(trouble, "Either --bootstrap-server or --bootstrap-controller must be specified.");
    if (server && controller)
        return trouble_illegal(trouble, "Only one of --bootstrap-server or --bootstrap-controller can be specified.");
    return true;
}

static bool check_alter(const struct configs *configs, const char *an, struct trouble *trouble)
{
    const struct tool_options *o = configs->options;
    bool some = configs_has_name(configs, false), add = tool_has(o, "add-config"),
         file = tool_has(o, "add-config-file");

    if (has_type(configs, "users") || has_type(configs, "clients") || has_type(configs, "brokers") ||
        has_type(configs, "ips")) {
        if (!some && !configs_has_name(configs, true))
            return trouble_illegal(
                trouble, "%s entity-name or default entity must be specified with --alter of users, clients%s", an,
                configs_old(configs) ? " or brokers" : ", brokers or ips");
    } else if (!some) {
        return trouble_illegal(trouble, "%s entity name must be specified with --alter of %s", an, configs->types[0]);
    }
    if (add && file)
        return trouble_illegal(trouble, "Only one of --add-config or --add-config-file must be specified");
    if (!add && !file && !tool_has(o, "delete-config"))
        return trouble_illegal(
            trouble,
            "At least one of --add-config, --add-config-file, or --delete-config must be specified with --alter");
    return true;
}

/* -1: go on; -2: trouble. */
static int check(struct configs *configs, struct trouble *trouble)
{
    const struct tool_options *o = configs->options;
    struct call *call = configs->call;
    const char *an = configs_old(configs) ? "an" : "An";
    int32_t id;

    if (call->argc == 1 || tool_has(o, "help"))
        return tool_usage(call, options,
                          "This tool helps to manipulate and describe entity config for a topic, client, user%s\n",
                          configs_old(configs) ? " or broker" : ", broker, ip, client-metrics or group");
    if (tool_has(o, "version")) {
        tool_print_version(call);
        return 0;
    }
    if (tool_has(o, "alter") == tool_has(o, "describe"))
        return tool_usage(call, options, "Command must include exactly one action: --describe, --alter\n");
    if (!tool_forbid(call, o, "describe", (const char *const[]){ "add-config", "delete-config", NULL }))
        return 1;
    if (!collect(configs, trouble) || !check_types(configs, trouble) || !check_connection(configs, trouble))
        return -2;
    for (size_t i = 0; i < configs->name_count && (has_type(configs, "brokers") || has_type(configs, "broker-loggers"));
         i++)
        if (*configs->names[i] && !parse_i32(configs->names[i], &id))
            return trouble_illegal(trouble, "The entity name for %s must be a valid integer broker id, but it is: %s",
                                   configs->types[0], configs->names[i]) -
                   2;
    if (tool_has(o, "describe") && !configs_old(configs) && tool_has(o, "entity-default") &&
        !has_type(configs, "users") && !has_type(configs, "clients") && !has_type(configs, "brokers") &&
        !has_type(configs, "ips"))
        return trouble_illegal(trouble, "--entity-default must not be specified with --describe of %s",
                               configs->types[0]) -
               2;
    if (tool_has(o, "describe") && has_type(configs, "broker-loggers") && !configs_has_name(configs, false))
        return trouble_illegal(trouble, "%s entity name must be specified with --describe of %s", an,
                               configs->types[0]) -
               2;
    if (tool_has(o, "alter") && !check_alter(configs, an, trouble))
        return -2;
    return -1;
}

static bool open_client(struct configs *configs, struct trouble *trouble)
{
    const struct tool_options *o = configs->options;
    struct config_map config = { 0 };
    const char *bootstrap, *file;
    char *lab = NULL;
    bool ok;

    if (configs->zookeeper) {
        if (!tool_text(o, "zookeeper", &bootstrap, trouble))
            return false;
        if (!(lab = tool_lab_bootstrap(configs->call)))
            return trouble_set(trouble, "kafka.zookeeper.ZooKeeperClientTimeoutException",
                               "Timed out waiting for connection while in state: CONNECTING");
        bootstrap = lab;
    }
    ok = tool_text(o, "command-config", &file, trouble) && (!file || tool_properties(file, &config, trouble)) &&
         (configs->zookeeper ||
          tool_text(o, tool_has(o, "bootstrap-server") ? "bootstrap-server" : "bootstrap-controller", &bootstrap,
                    trouble));
    if (ok && configs_old(configs) && !config_map_get(&config, "default.api.timeout.ms"))
        config_map_set(&config, "default.api.timeout.ms", "30000"); /* as long as the tool waits for an answer */
    ok = ok && tool_admin_open(&configs->admin, configs->call, bootstrap, NULL, &config, trouble);
    config_map_done(&config);
    mem_free(lab);
    return ok;
}

/* Mistakes of who typed: one line. Else the line as it was typed, and the trace. */
static int say(struct configs *configs, struct trouble *trouble)
{
    struct call *call = configs->call;
    char *args;

    if (call_interrupted(call)) {
        trouble_done(trouble);
        return 130;
    }
    if (text_equal(trouble->exception, "java.lang.IllegalArgumentException") ||
        text_equal(trouble->exception, "org.apache.kafka.common.errors.InvalidConfigurationException") ||
        text_starts(trouble->exception, "joptsimple.")) {
        call_error(call, "%s\n", trouble->message);
    } else {
        args = tool_join((const char *const *)call->argv + 1, (size_t)call->argc - 1, " ");
        call_error(call, "Error while executing config command with args '%s'\n", args);
        mem_free(args);
        trouble_print(call, trouble);
    }
    trouble_done(trouble);
    return 1;
}

static int run(struct call *call)
{
    struct configs configs = { .call = call };
    struct trouble trouble = { 0 };
    int status = -2;
    bool ok;

    if (tool_options_parse(&configs.options, call, options, &trouble)) {
        configs.zookeeper = tool_has(configs.options, "zookeeper");
        status = check(&configs, &trouble);
    }
    if (status == -1) {
        if (configs.zookeeper)
            call_print(call, "Warning: --zookeeper is deprecated and will be removed in a future version of Kafka.\n"
                             "Use --bootstrap-server instead to specify a broker to connect to.\n");
        ok = open_client(&configs, &trouble) &&
             (tool_has(configs.options, "alter")
                  ? (configs.zookeeper ? configs_alter_zookeeper : configs_alter)(&configs, &trouble)
                  : (configs.zookeeper ? configs_describe_zookeeper : configs_describe)(&configs, &trouble));
        status = ok ? 0 : -2;
    }
    if (status == -2)
        status = say(&configs, &trouble);
    tool_admin_close(&configs.admin);
    config_map_done(&configs.add);
    mem_free(configs.remove);
    tool_options_done(configs.options);
    return tool_status(call, status);
}

const struct command command_kafka_configs = {
    .name = "kafka-configs",
    .summary = "show and change the settings of topics and brokers",
    .example = "kafka-configs.sh --alter --entity-type topics --entity-name students --add-config retention.ms=30000 "
               "--bootstrap-server localhost:9092",
    .options = options,
    .tool = true,
    .past = "--describe --version --help", .run = run,
};
