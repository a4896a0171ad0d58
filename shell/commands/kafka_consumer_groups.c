/* kafka-consumer-groups: lists and describes groups, resets and deletes what they committed. */
#include "shell/commands/kafka_consumer_groups.h"

#include <stdlib.h>
#include <string.h>

static const struct option options[] = {
    { "all-groups", NULL, "all groups", 0, 0 },
    { "all-topics", NULL, "with --reset-offsets: all topics of which the group has committed offsets", 0, 0 },
    { "bootstrap-server", "String: server to connect to", "REQUIRED: a broker's address, HOST:PORT", COMPLETE_BOOTSTRAP,
      0 },
    { "by-duration", "String: duration", "with --reset-offsets: to this long ago, PnDTnHnMnS", 0, 0 },
    { "command-config", "String: command config property file", "a file with settings for the tool's client",
      COMPLETE_FILE, 0 },
    { "delete", NULL, "delete groups that have no members, with all their offsets", 0, 0 },
    { "delete-offsets", NULL, "delete the offsets of topics (--topic) that a group committed", 0, 0 },
    { "describe", NULL, "show a group's offsets and its lag, its members (--members) or its state (--state)", 0, 0 },
    { "dry-run", NULL, "with --reset-offsets: only show what would become of it (as without --execute)", 0, 0 },
    { "execute", NULL, "with --reset-offsets: do it", 0, 0 },
    { "export", NULL, "with --reset-offsets: show it as CSV", 0, 0 },
    { "from-file", "String: path to CSV file",
      "with --reset-offsets: to what the file says, topic,partition,offset or group,topic,partition,offset",
      COMPLETE_FILE, 0 },
    { "group", "String: consumer group", "the group; may be given several times", COMPLETE_GROUP, 0 },
    { "help", NULL, "show these options", 0, 0 },
    { "list", NULL, "list the groups", 0, 0 },
    { "members", NULL, "with --describe: the members", 0, 0 },
    { "offsets", NULL, "with --describe: offsets and lag; so it is without it too", 0, 0 },
    { "reset-offsets", NULL, "move a group without members to other offsets: say which topics, where to, and --execute",
      0, 0 },
    { "shift-by", "Long: number-of-offsets", "with --reset-offsets: this many on, or back if negative", 0, 0 },
    { "state", "[String]", "with --describe: the state; with --list: the states too, or only groups in these states", 0,
      0 },
    { "timeout", "Long: timeout (ms)", "how long to wait for an answer, 5000 without it", 0, 0 },
    { "to-current", NULL, "with --reset-offsets: to where the group is", 0, 0 },
    { "to-datetime", "String: datetime", "with --reset-offsets: to a moment, YYYY-MM-DDTHH:mm:SS.sss", 0, 0 },
    { "to-earliest", NULL, "with --reset-offsets: to the start", 0, 0 },
    { "to-latest", NULL, "with --reset-offsets: to the end", 0, 0 },
    { "to-offset", "Long: offset", "with --reset-offsets: to this offset", 0, 0 },
    { "topic", "String: topic", "the topic, or some of its partitions as topic:0,1; may be given several times",
      COMPLETE_TOPIC, 0 },
    { "type", "[String]", "with --list: the types too, or only groups of these types", 0, RELEASE_43 },
    { "validate-regex", "String: regex", "look whether a regular expression is one that groups can subscribe with", 0,
      RELEASE_43 },
    { "verbose", NULL, "with --describe: more columns", 0, 0 },
    { "version", NULL, "show Kafka's version", 0, 0 },
    { 0 },
};

void groups_error(struct groups *groups, const char *format, ...)
{
    va_list args;
    char *message;

    va_start(args, format);
    message = mem_vprintf(format, args);
    va_end(args);
    call_print(groups->call, "\nError: %s\n", message);
    mem_free(message);
}

bool groups_future(struct groups *groups, bool runtime, struct trouble *trouble)
{
    tool_execution(trouble);
    if (runtime && !groups_old(groups))
        trouble_wrap(trouble, "java.lang.RuntimeException", NULL);
    return false;
}

/* ---- the command line ---- */

#define NAMES(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* Options that need another beside them: joptsimple itself looks. */
static bool check_available(const struct groups *groups, struct trouble *trouble)
{
    static const struct {
        const char *name;
        bool describe, list;
    } needs[] = {
        { "members", true, false }, { "verbose", true, false }, { "offsets", true, false },
        { "state", true, true },    { "type", false, true },
    };
    struct text names = { 0 };

    if (tool_has(groups->options, "help"))
        return true;
    for (size_t i = 0; i < sizeof(needs) / sizeof(*needs); i++)
        if (tool_has(groups->options, needs[i].name) && !(needs[i].describe && tool_has(groups->options, "describe")) &&
            !(needs[i].list && tool_has(groups->options, "list")))
            text_printf(&names, "%s%s", names.size ? ", " : "", needs[i].name);
    if (names.size)
        trouble_set(trouble, "joptsimple.UnavailableOptionException",
                    "Option(s) [%s] are unavailable given other options on the command line", names.data);
    text_done(&names);
    return !trouble->exception;
}

static bool check_reset(const struct groups *groups)
{
    static const char *const scenarios[] = { "to-offset", "to-datetime", "by-duration", "to-earliest",
                                             "to-latest", "to-current",  "shift-by",    "from-file" };
    const struct tool_options *o = groups->options;
    struct call *call = groups->call;

    if (tool_has(o, "dry-run") && tool_has(o, "execute"))
        return !tool_usage(call, options, "Option [reset-offsets] only accepts one of [execute] and [dry-run]\n");
    if (!tool_has(o, "dry-run") && !tool_has(o, "execute"))
        call_error(
            call,
            "WARN: No action will be performed as the --execute option is missing.%s You should add the --dry-run "
            "option explicitly "
            "if you are scripting this command and want to keep the current default behavior without prompting.\n",
            groups_old(groups)
                ? "In a future major release, the default behavior of this command will be to prompt the user before "
                  "executing the reset rather than doing a dry run."
                : " In version 5.0, this command will require either --dry-run or --execute to be specified.");
    if (!tool_has(o, "group") && !tool_has(o, "all-groups"))
        return !tool_usage(call, options, "Option [reset-offsets] takes one of these options: [group], [all-groups]\n");
    for (size_t i = 0; i < 8; i++)
        for (size_t j = 0; j < 8; j++)
            if (i != j && !tool_forbid(call, o, scenarios[i], NAMES(scenarios[j])))
                return false;
    return true;
}

static bool check_args(const struct groups *groups)
{
    const struct tool_options *o = groups->options;
    struct call *call = groups->call;
    bool named = tool_has(o, "group") || tool_has(o, "all-groups");

    if (!tool_require(call, o, NAMES("bootstrap-server")))
        return false;
    if (tool_has(o, "describe")) {
        if (!named)
            return !tool_usage(call, options, "Option [describe] takes one of these options: [group], [all-groups]\n");
        if (tool_has(o, "members") + tool_has(o, "offsets") + tool_has(o, "state") > 1)
            return !tool_usage(call, options,
                               "Option [describe] takes at most one of these options: [members], [offsets], [state]\n");
        if (tool_has_argument(o, "state"))
            return !tool_usage(call, options, "Option [describe] does not take a value for [state]\n");
    }
    if (tool_has(o, "delete")) {
        if (!named)
            return !tool_usage(call, options, "Option [delete] takes one of these options: [group], [all-groups]\n");
        if (tool_has(o, "topic"))
            return !tool_usage(call, options,
                               "The consumer does not support topic-specific offset deletion from a consumer group.\n");
    }
    if (tool_has(o, "delete-offsets") && (!tool_has(o, "group") || !tool_has(o, "topic")))
        return !tool_usage(call, options, "Option [delete-offsets] takes the following options: [%s], [%s]\n",
                           groups_old(groups) ? "group" : "topic", groups_old(groups) ? "topic" : "group");
    if (tool_has(o, "reset-offsets") && !check_reset(groups))
        return false;
    return tool_forbid(call, o, "group", NAMES("all-groups", "list")) &&
           tool_forbid(call, o, "topic", NAMES("list", "describe"));
}

/* -1: go on. */
static int check(const struct groups *groups)
{
    static const char *const actions[] = { "list",          "describe",       "delete",
                                           "reset-offsets", "delete-offsets", "validate-regex" };
    const struct tool_options *o = groups->options;
    struct call *call = groups->call;
    bool old = groups_old(groups);
    int count = 0;

    if (old && !check_args(groups)) /* 2.7 looks at the others before --help */
        return 1;
    if (call->argc == 1 || tool_has(o, "help"))
        return tool_usage(call, options,
                          "This tool helps to list all consumer groups, describe a consumer group, delete consumer "
                          "group info, or reset consumer group offsets.\n");
    if (tool_has(o, "version")) {
        tool_print_version(call);
        return 0;
    }
    if (!old && !check_args(groups))
        return 1;
    for (size_t i = 0; i < 6; i++)
        count += tool_has(o, actions[i]);
    if (count != 1)
        return tool_usage(call, options,
                          "Command must include exactly one action: --list, --describe, --delete, --reset-offsets, "
                          "--delete-offsets%s\n",
                          old ? "" : ", --validate-regex");
    return -1;
}

/* ---- list ---- */

static bool list(struct groups *groups, struct trouble *trouble)
{
    bool state = tool_has(groups->options, "state"), type = tool_has(groups->options, "type"), old = groups_old(groups);
    const char *states, *types;
    struct listing *all;
    size_t count;
    int width = 15;

    if (!tool_text(groups->options, "type", &types, trouble) ||
        !tool_text(groups->options, "state", &states, trouble) ||
        !groups_list(groups, states, types, &all, &count, trouble))
        return false;
    if (!state && !type) {
        for (size_t i = 0; i < count; i++)
            call_print(groups->call, "%s\n", all[i].name);
        return true;
    }
    for (size_t i = 0; i < count; i++)
        width = (int)strlen(all[i].name) > width ? (int)strlen(all[i].name) : width;
    if (old) {
        call_print(groups->call, "%-*s STATE\n", width, "GROUP");
        for (size_t i = 0; i < count; i++)
            call_print(groups->call, "%-*s %s\n", width, all[i].name, all[i].state ? all[i].state : "Unknown");
        return true;
    }
    width += 10;
    call_print(groups->call, "%-*s%s%s\n", width, "GROUP", type ? " TYPE                " : "",
               state ? " STATE               " : "");
    for (size_t i = 0; i < count; i++) {
        call_print(groups->call, "%-*s", width, all[i].name);
        if (type)
            call_print(groups->call, " %-20s", all[i].type);
        if (state)
            call_print(groups->call, " %-20s", all[i].state && *all[i].state ? all[i].state : "Unknown");
        call_print(groups->call, "\n");
    }
    return true;
}

/* ---- delete ---- */

static char *quoted(const char *const *names, size_t count)
{
    struct text text = { 0 };

    for (size_t i = 0; i < count; i++)
        text_printf(&text, "%s'%s'", i ? ", " : "", names[i]);
    return text.data ? text_take(&text) : mem_text("");
}

static bool delete_groups(struct groups *groups, struct trouble *trouble)
{
    const char **names, **done;
    struct trouble *failures;
    size_t count, done_count = 0, failed = 0, *order;
    uint32_t *hashes;
    bool old = groups_old(groups);
    char *list;

    if (!groups_named(groups, &names, &count, trouble))
        return false;
    failures = mem_zero_array(count + 1, sizeof(*failures));
    done = mem_zero_array(count + 1, sizeof(*done));
    hashes = mem_zero_array(count + 1, sizeof(*hashes));
    for (size_t i = 0; i < count; i++) {
        hashes[i] = java_hash(names[i]);
        failed += !groups_delete_one(groups, names[i], &failures[i]);
    }
    order = old ? scala_mutable_order_hashes(hashes, count) : java_order_hashes(hashes, count, 0);
    for (size_t i = 0; i < count; i++)
        if (!failures[order[i]].exception)
            done[done_count++] = names[order[i]];
    list = !done_count && old ? mem_text("''") : quoted(done, done_count);
    if (!failed)
        call_print(groups->call, "Deletion of requested consumer groups (%s) was successful.\n", list);
    else
        groups_error(groups, "Deletion of some consumer groups failed:");
    for (size_t i = 0; i < count; i++) {
        const struct trouble *failure = &failures[order[i]];

        if (failure->exception)
            call_print(groups->call, "* Group '%s' could not be deleted due to: %s%s: %s\n", names[order[i]],
                       old ? "java.util.concurrent.ExecutionException: " : "", failure->exception, failure->message);
    }
    if (failed && done_count)
        call_print(groups->call, "\nThese consumer groups were deleted successfully: %s\n", list);
    for (size_t i = 0; i < count; i++)
        trouble_done(&failures[i]);
    mem_free(list);
    mem_free(order);
    mem_free(hashes);
    mem_free(done);
    mem_free(failures);
    return true;
}

/* ---- delete offsets ---- */

/* As "topic" + "partition" compare, one text. */
static int by_name(const void *a, const void *b)
{
    const struct spot *left = a, *right = b;
    char one[300], two[300];

    snprintf(one, sizeof(one), "%s%d", left->topic, (int)left->partition);
    snprintf(two, sizeof(two), "%s%d", right->topic, (int)right->partition);
    return strcmp(one, two);
}

static void print_verdict(struct groups *groups, const char *group, int16_t code)
{
    bool old = groups_old(groups);
    struct text topics = { 0 };

    switch (code) {
    case 0:
        for (size_t i = 0; i < tool_count(groups->options, "topic"); i++)
            text_printf(&topics, "%s%s", i ? ", " : "", tool_at(groups->options, "topic", i));
        if (old)
            call_print(groups->call, "Request succeed for deleting offsets with topic %s group %s\n",
                       text_chars(&topics), group);
        else
            call_print(groups->call, "Request succeeded for deleting offsets from group %s.\n", group);
        text_done(&topics);
        break;
    case ERR_INVALID_GROUP_ID:
    case ERR_GROUP_ID_NOT_FOUND:
    case ERR_GROUP_AUTHORIZATION_FAILED:
    case ERR_NON_EMPTY_GROUP:
        if (!old)
            groups_error(groups, "%s", err_message((enum err)code));
        else if (code == ERR_GROUP_AUTHORIZATION_FAILED)
            groups_error(groups, "Access to '%s' is not authorized.", group);
        else if (code == ERR_NON_EMPTY_GROUP)
            groups_error(groups, "Deleting offsets of a consumer group '%s' is forbidden if the group is not empty.",
                         group);
        else
            groups_error(groups, "'%s' %s.", group, code == ERR_INVALID_GROUP_ID ? "is not valid" : "does not exist");
        break;
    case ERR_GROUP_SUBSCRIBED_TO_TOPIC:
    case ERR_TOPIC_AUTHORIZATION_FAILED:
    case ERR_UNKNOWN_TOPIC_OR_PARTITION:
        groups_error(groups, "%s",
                     old ? "Encounter some partition level error, see the follow-up details:"
                         : "Encountered some partition-level error, see the follow-up details.");
        break;
    default:
        groups_error(groups, "%s some unknown error: %s", old ? "Encounter" : "Encountered", err_name((enum err)code));
    }
}

static void print_deleted(struct groups *groups, const struct spots *spots)
{
    bool old = groups_old(groups);
    int topic_width = old ? 30 : 15, partition_width = old ? 15 : 10;

    for (size_t i = 0; !old && i < spots->count; i++)
        topic_width =
            (int)strlen(spots->items[i].topic) > topic_width ? (int)strlen(spots->items[i].topic) : topic_width;
    call_print(groups->call, "\n%-*s %-*s %-15s\n", topic_width, "TOPIC", partition_width, "PARTITION", "STATUS");
    for (size_t i = 0; i < spots->count; i++) {
        const struct spot *spot = &spots->items[i];
        enum err err = (enum err)spot->epoch;
        char partition[16];
        char *status = err ? mem_printf("Error: %s: %s", err_exception(err), err_message(err)) : mem_text("Successful");

        if (spot->partition >= 0)
            snprintf(partition, sizeof(partition), "%d", (int)spot->partition);
        else
            snprintf(partition, sizeof(partition), "%s", old ? "Not Provided" : "-");
        call_print(groups->call, "%-*s %-*s %-15s\n", topic_width, spot->topic, partition_width, partition, status);
        mem_free(status);
    }
}

static bool split_topic(struct groups *groups, const char *argument, struct spots *spots, struct trouble *trouble)
{
    char *topic = arena_text(&groups->admin.arena, argument, strlen(argument)), *rest = strchr(topic, ':');

    *rest++ = 0;
    return groups_partitions(groups, argument, topic, rest, spots, trouble);
}

static bool delete_offsets(struct groups *groups, struct trouble *trouble)
{
    struct spots spots = { 0 }, unknown = { 0 };
    const char *group;
    int16_t code = 0;
    bool ok = tool_text(groups->options, "group", &group, trouble);

    for (size_t i = 0; ok && i < tool_count(groups->options, "topic"); i++) {
        const char *topic = tool_at(groups->options, "topic", i);

        if (strchr(topic, ':')) {
            ok = split_topic(groups, topic, &spots, trouble);
        } else if (!groups_topic(groups, topic, &spots, trouble)) {
            ok = text_equal(trouble->exception, "org.apache.kafka.common.errors.UnknownTopicOrPartitionException") ||
                 groups_future(groups, false, trouble);
            spots_add(&unknown, topic, -1)->epoch = ERR_UNKNOWN_TOPIC_OR_PARTITION;
            if (ok)
                trouble_done(trouble);
        }
    }
    ok = ok && (groups_delete_spots(groups, group, &spots, &code, trouble) || groups_future(groups, false, trouble));
    for (size_t i = 0; i < unknown.count; i++)
        spots_add(&spots, unknown.items[i].topic, -1)->epoch = unknown.items[i].epoch;
    if (ok) {
        qsort(spots.items, spots.count, sizeof(*spots.items), by_name);
        print_verdict(groups, group, code);
        print_deleted(groups, &spots);
    }
    spots_done(&spots);
    spots_done(&unknown);
    return ok;
}

static bool validate_regex(struct groups *groups, struct trouble *trouble)
{
    const char *regex;
    bool invalid;

    if (!tool_text(groups->options, "validate-regex", &regex, trouble))
        return false;
    tool_matches(regex, "", &invalid);
    call_print(groups->call,
               invalid ? "The regular expression `%s` is invalid.\n" : "The regular expression `%s` is valid.\n",
               regex);
    return true;
}

/* ---- */

static bool open_client(struct groups *groups, struct trouble *trouble)
{
    struct config_map config = { 0 };
    const char *bootstrap, *file;
    int64_t timeout = 5000;
    char text[24];
    bool ok;

    ok = tool_text(groups->options, "command-config", &file, trouble) &&
         (!file || tool_properties(file, &config, trouble)) &&
         tool_text(groups->options, "bootstrap-server", &bootstrap, trouble) &&
         tool_i64(groups->options, "timeout", &timeout, trouble);
    snprintf(text, sizeof(text), "%lld", (long long)(timeout < 1 ? 1 : timeout));
    config_map_set(&config, "default.api.timeout.ms", text);
    ok = ok && tool_admin_open(&groups->admin, groups->call, bootstrap, NULL, &config, trouble);
    config_map_done(&config);
    return ok;
}

/* The tool ends with 0 after most mistakes: so does Kafka's. */
static int say(struct groups *groups, bool opened, struct trouble *trouble)
{
    int status = 0;

    if (call_interrupted(groups->call))
        status = 130;
    else if (groups->status)
        status = groups->status;
    else if (!opened && groups_old(groups) && !text_starts(trouble->exception, "joptsimple."))
        return trouble_uncaught(groups->call, trouble);
    else if (text_equal(trouble->exception, "java.lang.IllegalArgumentException") ||
             (!opened && text_starts(trouble->exception, "joptsimple.")))
        status = tool_usage(groups->call, options, "%s\n", trouble->message);
    else {
        groups_error(groups, "Executing consumer group command failed due to %s",
                     trouble->message ? trouble->message : "null");
        trouble_print(groups->call, trouble);
    }
    trouble_done(trouble);
    return status;
}

static int run(struct call *call)
{
    static const struct {
        const char *name;
        bool (*act)(struct groups *groups, struct trouble *trouble);
    } actions[] = {
        { "list", list },
        { "describe", groups_describe },
        { "delete", delete_groups },
        { "reset-offsets", groups_reset },
        { "delete-offsets", delete_offsets },
        { "validate-regex", validate_regex },
    };
    struct groups groups = { .call = call };
    struct trouble trouble = { 0 };
    int status;

    if (!tool_options_parse(&groups.options, call, options, &trouble))
        return trouble_uncaught(call, &trouble);
    if (!check_available(&groups, &trouble)) {
        tool_options_done(groups.options);
        return trouble_uncaught(call, &trouble);
    }
    status = check(&groups);
    if (status < 0 && !open_client(&groups, &trouble))
        status = say(&groups, false, &trouble);
    for (size_t i = 0; status < 0 && i < sizeof(actions) / sizeof(*actions); i++)
        if (tool_has(groups.options, actions[i].name))
            status = actions[i].act(&groups, &trouble) ? 0 : say(&groups, true, &trouble);
    tool_admin_close(&groups.admin);
    tool_options_done(groups.options);
    return tool_status(call, status);
}

const struct command command_kafka_consumer_groups = {
    .name = "kafka-consumer-groups",
    .summary = "groups and their lag; reset, delete their offsets",
    .example = "kafka-consumer-groups.sh --describe --group readers --bootstrap-server localhost:9092",
    .options = options,
    .tool = true,
    .past = "--list --describe --version --help", .run = run,
};
