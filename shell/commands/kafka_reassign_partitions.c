/* kafka-reassign-partitions: proposes where partitions could lie, moves them, tells how far that is, calls it off. */
#include "shell/commands/kafka_reassign_partitions.h"

#include <stdlib.h>
#include <string.h>

#define TERSE "org.apache.kafka.server.util.TerseException"

static const char *const actions[] = { "generate", "execute", "verify", "cancel", "list" };
enum { ACTIONS = sizeof(actions) / sizeof(*actions) };

static const struct option options[] = {
    { "additional", NULL, "with --execute: beside moves under way; also to change their throttle", 0, 0 },
    { "bootstrap-controller", "[String: bootstrap controller to connect to]", "a controller's address, for --cancel and --list", COMPLETE_BOOTSTRAP,
      RELEASE_43 },
    { "bootstrap-server", "String: Server(s) to use for bootstrapping", "brokers' addresses", COMPLETE_BOOTSTRAP, RELEASE_27 },
    { "bootstrap-server", "[String: Server(s) to use for bootstrapping]", "brokers' addresses", COMPLETE_BOOTSTRAP, RELEASE_43 },
    { "broker-list", "String: brokerlist", "with --generate: ids of the brokers to use, as 0,1,2", COMPLETE_BROKER, 0 },
    { "cancel", NULL, "call off the moves of the partitions in --reassignment-json-file", 0, 0 },
    { "command-config", "String: Admin client property file", "a file with settings for the tool's client", COMPLETE_FILE, 0 },
    { "disable-rack-aware", NULL, "with --generate: never mind the racks", 0, 0 },
    { "disallow-replication-factor-change", NULL, "with --execute: refuse a move that changes how many replicas a partition has", 0, RELEASE_43 },
    { "execute", NULL, "move the partitions as --reassignment-json-file says", 0, 0 },
    { "generate", NULL, "propose a plan that spreads topics over brokers; moves nothing", 0, 0 },
    { "help", NULL, "show these options", 0, 0 },
    { "list", NULL, "show the moves under way", 0, 0 },
    { "preserve-throttles", NULL, "with --verify and --cancel: leave throttles as they are", 0, 0 },
    { "reassignment-json-file", "String: manual assignment json file path",
      "the plan: {\"partitions\": [{\"topic\": \"foo\", \"partition\": 1, \"replicas\": [1,2,3]}], \"version\": 1}; \"log_dirs\" beside "
      "replicas: \"any\" or a folder for each", COMPLETE_FILE, 0 },
    { "replica-alter-log-dirs-throttle", "Long: replicaAlterLogDirsThrottle", "with --execute: bytes/s between folders of one broker", 0, 0 },
    { "throttle", "Long: throttle", "with --execute: bytes/s between brokers, until --verify takes it back", 0, 0 },
    { "timeout", "Long: timeout", "how many ms to wait for moves between folders to begin (10000)", 0, 0 },
    { "topics-to-move-json-file", "String: topics to reassign json file path",
      "with --generate: {\"topics\": [{\"topic\": \"foo\"}], \"version\": 1}", COMPLETE_FILE, 0 },
    { "verify", NULL, "tell how far the moves of --reassignment-json-file are; when all are done, take the throttles back", 0, 0 },
    { "version", NULL, "show Kafka's version", 0, 0 },
    { "zookeeper", "String: urls", "the old way to reach the cluster: whatever the address, this lab", 0, RELEASE_27 },
    { 0 },
};

bool reassign_is_old(const struct reassign *reassign)
{
    return reassign->zookeeper || release_is_27(call_release(reassign->call));
}

bool reassign_refuse(const struct reassign *reassign, struct trouble *trouble, const char *format, ...)
{
    va_list args;
    char *text;

    va_start(args, format);
    text = mem_vprintf(format, args);
    va_end(args);
    trouble_set(trouble, reassign_is_old(reassign) ? "kafka.common.AdminCommandFailedException" : "org.apache.kafka.tools.AdminCommandFailedException",
                "%s", text);
    mem_free(text);
    return false;
}

bool reassign_terse(struct trouble *trouble, const char *format, ...)
{
    va_list args;
    char *text;

    va_start(args, format);
    text = mem_vprintf(format, args);
    va_end(args);
    trouble_set(trouble, TERSE, "%s", text);
    mem_free(text);
    return false;
}

/* ---- the command line ---- */

static const char *action_of(const struct tool_options *options)
{
    const char *action = NULL;
    size_t count = 0;

    for (size_t i = 0; i < ACTIONS; i++)
        if (tool_has(options, actions[i])) {
            action = actions[i];
            count++;
        }
    return count == 1 ? action : NULL;
}

static bool is_among(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (text_equal(name, *names))
            return true;
    return false;
}

/* What goes with each action, but for the release's ways to the cluster. */
static bool is_permitted(const char *action, const char *name)
{
    static const char *const of_generate[] = { "topics-to-move-json-file", "broker-list", "disable-rack-aware", NULL };
    static const char *const of_execute[] = { "reassignment-json-file", "additional", "throttle", "replica-alter-log-dirs-throttle", "timeout",
                                              "disallow-replication-factor-change", NULL };
    static const char *const of_verify[] = { "reassignment-json-file", "preserve-throttles", NULL };
    static const char *const of_cancel[] = { "reassignment-json-file", "preserve-throttles", "timeout", NULL };
    static const char *const of_list[] = { NULL };
    static const char *const *const of[ACTIONS] = { of_generate, of_execute, of_verify, of_cancel, of_list };
    bool changes_moves = text_equal(action, "cancel") || text_equal(action, "list");

    if (text_equal(name, action) || text_equal(name, "bootstrap-server") || text_equal(name, "command-config"))
        return true;
    if (text_equal(name, "bootstrap-controller"))
        return changes_moves;
    if (text_equal(name, "zookeeper"))
        return !changes_moves;
    for (size_t i = 0; i < ACTIONS; i++)
        if (text_equal(action, actions[i]))
            return is_among(name, of[i]);
    return false;
}

static bool check_way(struct reassign *reassign)
{
    const struct tool_options *o = reassign->options;
    bool old = release_is_27(call_release(reassign->call)), server = tool_has(o, "bootstrap-server"), controller = tool_has(o, "bootstrap-controller");

    if (server && controller)
        tool_usage(reassign->call, options, "Please don't specify both --bootstrap-server and --bootstrap-controller\n");
    else if (!server && !controller && !tool_has(o, "zookeeper"))
        tool_usage(reassign->call, options,
                   old ? "Please specify --bootstrap-server\n" : "Please specify either --bootstrap-server or --bootstrap-controller\n");
    return server + controller == 1 || (!server && !controller && tool_has(o, "zookeeper"));
}

static bool check_options(struct reassign *reassign, const char *action)
{
    static const char *const to_generate[] = { "topics-to-move-json-file", "broker-list", NULL };
    static const char *const plan[] = { "reassignment-json-file", NULL };
    const char *name, *argument;

    if (!check_way(reassign))
        return false;
    if (!text_equal(action, "list") && !tool_require(reassign->call, reassign->options, text_equal(action, "generate") ? to_generate : plan))
        return false;
    for (size_t i = 0; tool_given(reassign->options, i, &name, &argument); i++)
        if (!is_permitted(action, name)) {
            tool_usage(reassign->call, options, "Option \"[%s]\" can't be used with action \"[%s]\"\n", name, action);
            return false;
        }
    return true;
}

/* 2.7: what ZooKeeper could not do. */
static bool check_zookeeper(struct reassign *reassign, struct trouble *trouble)
{
    static const char *const names[] = { "additional", "cancel", "command-config", "replica-alter-log-dirs-throttle", "list", "timeout" };

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (tool_has(reassign->options, names[i]))
            return trouble_set(trouble, "java.lang.RuntimeException", "You must specify --bootstrap-server when using \"[%s]\"", names[i]);
    return true;
}

/* ---- generate ---- */

static int by_id(const void *a, const void *b)
{
    int32_t left = *(const int32_t *)a, right = *(const int32_t *)b;

    return (left > right) - (left < right);
}

static bool read_brokers(struct reassign *reassign, const char *list, struct broker_ids *out, struct trouble *trouble)
{
    char *copy = mem_text(list), *rest = copy, *one;
    struct text twice = { 0 };
    int32_t id;

    while (!trouble->exception && (one = strsep(&rest, ","))) {
        if (!parse_i32(one, &id))
            trouble_set(trouble, "java.lang.NumberFormatException", "For input string: \"%s\"", one);
        else if (broker_ids_contain(out, id))
            text_printf(&twice, "%s%d", twice.size ? reassign_is_old(reassign) ? "," : ", " : "", (int)id);
        else
            broker_ids_add(&reassign->file, out, id);
    }
    mem_free(copy);
    if (!trouble->exception && twice.size)
        reassign_refuse(reassign, trouble, reassign_is_old(reassign) ? "Broker list contains duplicate entries: %s"
                                                                     : "Broker list contains duplicate entries: [%s]", text_chars(&twice));
    text_done(&twice);
    if (out->count)
        qsort(out->items, (size_t)out->count, sizeof(*out->items), by_id);
    return !trouble->exception;
}

static bool check_topics(struct reassign *reassign, const char **topics, size_t count, struct trouble *trouble)
{
    struct text twice = { 0 };
    bool any;

    for (size_t i = 0; i < count; i++) {
        size_t before = 0, after = 0;

        for (size_t j = 0; j < count; j++)
            if (text_equal(topics[i], topics[j]))
                before += j < i, after += j > i;
        if (!before && after)
            text_printf(&twice, "%s%s", twice.size ? reassign_is_old(reassign) ? "," : ", " : "", topics[i]);
    }
    any = twice.size;
    if (any)
        reassign_refuse(reassign, trouble, reassign_is_old(reassign) ? "List of topics to reassign contains duplicate entries: %s"
                                                                     : "List of topics to reassign contains duplicate entries: [%s]", text_chars(&twice));
    text_done(&twice);
    return !any;
}

/* The brokers of the list that are there, with their racks. */
static bool find_brokers(struct reassign *reassign, const struct metadata_response *cluster, const struct broker_ids *wanted,
                         struct placement_broker *out, int32_t *count, struct trouble *trouble)
{
    bool racks = !tool_has(reassign->options, "disable-rack-aware");
    int32_t rackless = 0;

    *count = 0;
    for (int32_t i = 0; i < wanted->count; i++)
        for (int32_t b = 0; b < cluster->brokers.count; b++)
            if (cluster->brokers.items[b].node_id == wanted->items[i]) {
                out[*count] = (struct placement_broker){ .id = wanted->items[i], .rack = racks ? cluster->brokers.items[b].rack : NULL };
                rackless += !out[(*count)++].rack;
            }
    if (racks && rackless && rackless < *count)
        return trouble_set(trouble, reassign_is_old(reassign) ? "kafka.admin.AdminOperationException" : "org.apache.kafka.tools.AdminOperationException",
                           "Not all brokers have rack information. Add --disable-rack-aware in command line to make replica assignment without rack "
                           "information.");
    return true;
}

/* Chance of its own, from what is asked: the same question gets the same proposal, and the cluster's chance stays as it is. */
static struct random chance_of(const struct broker_ids *brokers, const char **topics, size_t count)
{
    struct random random;
    uint64_t seed = 5;

    for (int32_t i = 0; i < brokers->count; i++)
        seed = seed * 1099511628211u + (uint64_t)brokers->items[i];
    for (size_t i = 0; i < count; i++)
        for (const char *c = topics[i]; *c; c++)
            seed = seed * 1099511628211u + (unsigned char)*c;
    random_init(&random, seed);
    return random;
}

/* One topic's partitions [from, end) of `places`. */
static bool propose_topic(struct reassign *reassign, const struct plan *places, size_t from, size_t end, const struct placement_broker *brokers,
                          int32_t broker_count, struct random *random, struct plan *out, struct trouble *trouble)
{
    int32_t factor = places->items[from].replicas.count, *ids;
    struct placement placement = {
        .brokers = brokers, .broker_count = broker_count, .partition_count = (int32_t)(end - from), .replication_factor = (int16_t)factor,
        .fixed_start = -1, .release = reassign_is_old(reassign) ? RELEASE_27 : RELEASE_43,
    };
    struct reason reason = { "" };
    enum err err;

    ids = arena_alloc(&reassign->admin.arena, ((size_t)placement.partition_count * (size_t)factor + 1) * sizeof(*ids));
    err = placement_make(&placement, random, ids, &reason);
    if (err) {
        const char *prefix = strstr(reason.text, " time(s): "); /* the controller's beginning */

        return tool_check((int16_t)err, prefix ? prefix + strlen(" time(s): ") : reason.text, trouble);
    }
    for (size_t i = from; i < end; i++)
        ARRAY_ADD(out->items, out->count, out->capacity) =
            (struct placed){ .topic = places->items[from].topic, .partition = (int32_t)(i - from),
                             .replicas = { ids + (i - from) * (size_t)factor, factor } };
    return true;
}

static bool propose(struct reassign *reassign, const struct plan *places, const struct placement_broker *brokers, int32_t broker_count,
                    struct random *random, struct plan *out, struct trouble *trouble)
{
    size_t end;

    for (size_t i = 0; i < places->count; i = end) {
        for (end = i; end < places->count && text_equal(places->items[end].topic, places->items[i].topic); end++)
            ;
        if (!propose_topic(reassign, places, i, end, brokers, broker_count, random, out, trouble))
            return false;
    }
    plan_sort(out);
    return true;
}

static bool generate(struct reassign *reassign, struct trouble *trouble)
{
    const char *path, *list, **topics;
    struct placement_broker *brokers;
    struct metadata_response *cluster;
    struct broker_ids wanted = { 0 };
    struct plan places = { 0 }, proposed = { 0 };
    struct random random;
    int32_t broker_count;
    size_t count;
    bool ok;

    if (!tool_text(reassign->options, "topics-to-move-json-file", &path, trouble) || !tool_text(reassign->options, "broker-list", &list, trouble) ||
        !plan_read_topics(reassign, path, &topics, &count, trouble) || !read_brokers(reassign, list, &wanted, trouble) ||
        !check_topics(reassign, topics, count, trouble))
        return false;
    random = chance_of(&wanted, topics, count);
    brokers = arena_alloc(&reassign->file, ((size_t)wanted.count + 1) * sizeof(*brokers));
    ok = reassign_places(reassign, topics, count, reassign->zookeeper, &places, trouble) && reassign_brokers(reassign, &cluster, trouble) &&
         (reassign_is_old(reassign) || reassign_find_dirs(reassign, cluster, &places, trouble)) &&
         find_brokers(reassign, cluster, &wanted, brokers, &broker_count, trouble) &&
         propose(reassign, &places, brokers, broker_count, &random, &proposed, trouble);
    if (ok) {
        call_print(reassign->call, "Current partition replica assignment\n");
        plan_print(reassign, &places);
        call_print(reassign->call, "\nProposed partition reassignment configuration\n");
        plan_print(reassign, &proposed);
    }
    plan_done(&places);
    plan_done(&proposed);
    return ok;
}

/* ---- execute ---- */

static const char **topics_of(struct reassign *reassign, const struct plan *plan, size_t *count)
{
    const char **topics = arena_alloc(&reassign->file, (plan->count + 1) * sizeof(*topics));

    *count = 0;
    for (size_t i = 0; i < plan->count; i++) /* sorted */
        if (!i || !text_equal(plan->items[i].topic, plan->items[i - 1].topic))
            topics[(*count)++] = plan->items[i].topic;
    return topics;
}

/* Where the plan's partitions are now. 4.3 names those that there are not; with ZooKeeper 2.7 did. */
static bool current_places(struct reassign *reassign, const struct plan *plan, struct plan *out, struct trouble *trouble)
{
    struct plan all = { 0 };
    struct text missing = { 0 };
    size_t count;
    const char **topics = topics_of(reassign, plan, &count);
    bool ok = reassign_places(reassign, topics, count, reassign->zookeeper, &all, trouble);

    for (size_t i = 0; ok && i < plan->count; i++) {
        struct placed *found = plan_find(&all, plan->items[i].topic, plan->items[i].partition);

        if (found)
            ARRAY_ADD(out->items, out->count, out->capacity) = *found;
        else
            text_printf(&missing, "%s%s-%d", missing.size ? ", " : "", plan->items[i].topic, (int)plan->items[i].partition);
    }
    plan_done(&all);
    if (ok && missing.size && reassign->zookeeper) {
        ok = reassign_refuse(reassign, trouble, "The proposed assignment contains non-existent partitions: List(%s)", text_chars(&missing));
    } else if (ok && missing.size && !reassign_is_old(reassign)) {
        ok = trouble_set(trouble, err_exception(ERR_UNKNOWN_TOPIC_OR_PARTITION), "Unable to find partition: %s", text_chars(&missing));
        tool_execution(trouble);
    }
    text_done(&missing);
    return ok;
}

static bool check_brokers(struct reassign *reassign, const struct metadata_response *cluster, const struct plan *plan, struct trouble *trouble)
{
    for (size_t i = 0; i < plan->count; i++)
        for (int32_t r = 0; r < plan->items[i].replicas.count; r++) {
            int32_t id = plan->items[i].replicas.items[r];
            bool known = false;

            for (int32_t b = 0; b < cluster->brokers.count; b++)
                known = known || cluster->brokers.items[b].node_id == id;
            if (!known)
                return reassign_refuse(reassign, trouble, reassign->zookeeper ? "The proposed assignment contains non-existent brokerIDs: %d"
                                                                              : "Unknown broker id %d", (int)id);
        }
    return true;
}

static bool throttle(struct reassign *reassign, const struct plan *moves, const struct plan *plan, const struct plan *places, struct trouble *trouble)
{
    int64_t rate = -1, dir_rate = -1;

    if (!tool_i64(reassign->options, "throttle", &rate, trouble) ||
        !tool_i64(reassign->options, "replica-alter-log-dirs-throttle", &dir_rate, trouble))
        return false;
    if (rate < 0 && dir_rate < 0)
        return true;
    call_print(reassign->call, "Warning: You must run --verify periodically, until the reassignment completes, to ensure the throttle is removed.\n");
    return (rate < 0 || reassign_throttle(reassign, moves, plan, places, rate, trouble)) &&
           (dir_rate < 0 || reassign_throttle_dirs(reassign, plan, dir_rate, trouble));
}

static bool order_moves(struct reassign *reassign, const struct plan *moves, const struct plan *plan, struct trouble *trouble)
{
    struct plan places = { 0 };
    struct metadata_response *cluster;
    bool ok = reassign_brokers(reassign, &cluster, trouble) && (reassign->zookeeper || check_brokers(reassign, cluster, plan, trouble)) &&
              current_places(reassign, plan, &places, trouble) && (!reassign->zookeeper || check_brokers(reassign, cluster, plan, trouble)) &&
              (reassign_is_old(reassign) || reassign_find_dirs(reassign, cluster, &places, trouble));

    if (ok) {
        call_print(reassign->call, "Current partition replica assignment\n\n");
        plan_print(reassign, &places);
        call_print(reassign->call, "\nSave this to use as the --reassignment-json-file option during rollback\n");
        ok = throttle(reassign, moves, plan, &places, trouble) && reassign_alter(reassign, plan, false, "Error reassigning partition(s):", trouble);
    }
    if (ok) {
        char *names = plan_names(plan);

        call_print(reassign->call, "Successfully started partition reassignment%s for %s\n", plan->count == 1 ? "" : "s", names);
        mem_free(names);
        ok = reassign_move_dirs(reassign, plan, trouble);
    }
    plan_done(&places);
    return ok;
}

static bool execute(struct reassign *reassign, struct plan *plan, struct trouble *trouble)
{
    struct plan moves = { 0 };
    bool ok = plan_check(reassign, plan, trouble);

    plan_sort(plan);
    if (ok && reassign->zookeeper && plan_has_dirs(plan))
        ok = reassign_refuse(reassign, trouble, "bootstrap-server needs to be provided when replica reassignments are present.");
    ok = ok && reassign_moves(reassign, NULL, &moves, trouble);
    if (ok && moves.count && !tool_has(reassign->options, "additional"))
        ok = reassign_terse(trouble, "Cannot execute because there is an existing partition assignment.  Use --additional to override this and create a "
                                     "new partition assignment in addition to the existing one. The --additional flag can also be used to change the "
                                     "throttle by resubmitting the current reassignment.");
    ok = ok && order_moves(reassign, &moves, plan, trouble);
    plan_done(&moves);
    return ok;
}

/* ---- verify ---- */

static void add_ids(struct text *text, const struct broker_ids *ids)
{
    for (int32_t i = 0; i < ids->count; i++)
        text_printf(text, "%s%d", i ? "," : "", (int)ids->items[i]);
}

static void print_state(struct reassign *reassign, const struct placed *target, const struct placed *now)
{
    struct broker_ids none = { 0 };
    const struct broker_ids *ids = now ? &now->replicas : &none;
    struct text text = { 0 };

    if (ids->count == target->replicas.count && !memcmp(ids->items, target->replicas.items, (size_t)ids->count * sizeof(*ids->items))) {
        text_printf(&text, reassign_is_old(reassign) ? "Reassignment of partition %s-%d is complete." : "Reassignment of partition %s-%d is completed.",
                    target->topic, (int)target->partition);
    } else {
        text_printf(&text, "There is no active reassignment of partition %s-%d, but replica set is ", target->topic, (int)target->partition);
        add_ids(&text, ids);
        text_add(&text, " rather than ");
        add_ids(&text, &target->replicas);
        text_char(&text, '.');
    }
    call_print(reassign->call, "%s\n", text_chars(&text));
    text_done(&text);
}

/* Kafka takes a partition right behind a topic's last for one that it has. */
static bool check_last(const struct plan *plan, const struct plan *moves, const struct plan *places, struct trouble *trouble)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct placed *one = &plan->items[i];

        if (one->partition > 0 && !plan_find(moves, one->topic, one->partition) && !plan_find(places, one->topic, one->partition) &&
            plan_find(places, one->topic, one->partition - 1))
            return trouble_set(trouble, "java.lang.IndexOutOfBoundsException", "Index %d out of bounds for length %d", (int)one->partition,
                               (int)one->partition);
    }
    return true;
}

static bool verify(struct reassign *reassign, struct plan *plan, struct trouble *trouble)
{
    struct plan moves = { 0 }, places = { 0 };
    bool running = false, ok = true;
    const char **topics;
    size_t count;

    plan_sort(plan);
    topics = topics_of(reassign, plan, &count);
    if (reassign->zookeeper && plan_has_dirs(plan))
        return reassign_refuse(reassign, trouble, "bootstrap-server needs to be provided when replica reassignments are present.");
    if (reassign->zookeeper)
        call_print(reassign->call, "Warning: because you are using the deprecated --zookeeper option, the results may be incomplete.  Use "
                                   "--bootstrap-server instead for more accurate results.\n");
    ok = reassign_moves(reassign, NULL, &moves, trouble) && reassign_places(reassign, topics, count, true, &places, trouble) &&
         (reassign->zookeeper || check_last(plan, &moves, &places, trouble));
    if (ok)
        call_print(reassign->call, "Status of partition reassignment:\n");
    for (size_t i = 0; ok && i < plan->count; i++) {
        const struct placed *target = &plan->items[i];

        if (plan_find(&moves, target->topic, target->partition))
            call_print(reassign->call, "Reassignment of partition %s-%d is still in progress.\n", target->topic, (int)target->partition);
        else
            print_state(reassign, target, plan_find(&places, target->topic, target->partition));
    }
    ok = ok && (reassign->zookeeper || reassign_verify_dirs(reassign, plan, &running, trouble));
    if (ok && !moves.count && !running && !tool_has(reassign->options, "preserve-throttles"))
        ok = reassign_clear_throttles(reassign, plan, trouble);
    plan_done(&moves);
    plan_done(&places);
    return ok;
}

/* ---- cancel, list ---- */

/* 4.3's tool overlooks a move that only adds replicas. */
static bool is_seen(const struct reassign *reassign, const struct placed *move)
{
    if (reassign_is_old(reassign))
        return move->adding.count || move->removing.count;
    return !move->adding.count || move->removing.count;
}

static bool cancel(struct reassign *reassign, struct plan *plan, struct trouble *trouble)
{
    struct plan moves = { 0 };
    bool ok, dirs = false;
    size_t kept = 0;

    plan_sort(plan);
    ok = reassign_moves(reassign, plan, &moves, trouble);
    for (size_t i = 0; i < moves.count; i++)
        if (is_seen(reassign, &moves.items[i]))
            moves.items[kept++] = moves.items[i];
    moves.count = kept;
    if (ok && moves.count) {
        char *names = plan_names(&moves);

        ok = reassign_alter(reassign, &moves, true, "Error cancelling partition reassignment", trouble);
        if (ok)
            call_print(reassign->call, "Successfully cancelled partition reassignment%s for: %s\n", moves.count == 1 ? "" : "s", names);
        mem_free(names);
    } else if (ok) {
        call_print(reassign->call, "None of the specified partition reassignments are active.\n");
    }
    plan_done(&moves);
    ok = ok && reassign_cancel_dirs(reassign, plan, &dirs, trouble);
    if (ok && !dirs) /* 4.3's ends no line */
        call_print(reassign->call, "None of the specified partition moves are active.%s", reassign_is_old(reassign) ? "\n" : "");
    return ok && (tool_has(reassign->options, "preserve-throttles") || reassign_clear_throttles(reassign, plan, trouble));
}

static bool list(struct reassign *reassign, struct trouble *trouble)
{
    struct plan moves = { 0 };
    bool ok = reassign_moves(reassign, NULL, &moves, trouble);

    if (ok)
        call_print(reassign->call, moves.count ? "Current partition reassignments:\n" : "No partition reassignments found.\n");
    for (size_t i = 0; ok && i < moves.count; i++) {
        const struct placed *move = &moves.items[i];
        struct text text = { 0 };

        text_printf(&text, "%s-%d: replicas: ", move->topic, (int)move->partition);
        add_ids(&text, &move->replicas);
        text_add(&text, move->adding.count ? ". adding: " : ".");
        add_ids(&text, &move->adding);
        text_add(&text, move->adding.count ? "." : "");
        text_add(&text, move->removing.count ? " removing: " : "");
        add_ids(&text, &move->removing);
        text_add(&text, move->removing.count ? "." : "");
        call_print(reassign->call, "%s\n", text_chars(&text));
        text_done(&text);
    }
    plan_done(&moves);
    return ok;
}

/* ---- */

static bool act_on_plan(struct reassign *reassign, const char *action, struct trouble *trouble)
{
    struct plan plan = { 0 };
    const char *path;
    bool ok = tool_text(reassign->options, "reassignment-json-file", &path, trouble) && plan_read(reassign, path, &plan, trouble);

    if (ok)
        ok = text_equal(action, "verify")    ? verify(reassign, &plan, trouble)
             : text_equal(action, "execute") ? execute(reassign, &plan, trouble)
                                             : cancel(reassign, &plan, trouble);
    plan_done(&plan);
    return ok;
}

static bool open_client(struct reassign *reassign, struct trouble *trouble)
{
    const char *server, *controller = NULL, *file;
    struct config_map config = { 0 };
    char *lab = NULL;
    bool ok;

    reassign->zookeeper = tool_has(reassign->options, "zookeeper") && !tool_has(reassign->options, "bootstrap-server");
    if (tool_has(reassign->options, "zookeeper"))
        call_print(reassign->call, reassign->zookeeper
                                       ? "Warning: --zookeeper is deprecated, and will be removed in a future version of Kafka.\n"
                                       : "Warning: ignoring deprecated --zookeeper option because --bootstrap-server was specified.  The --zookeeper option "
                                         "will be removed in a future version of Kafka.\n");
    ok = tool_text(reassign->options, "command-config", &file, trouble) && (!file || tool_properties(file, &config, trouble)) &&
         tool_text(reassign->options, "bootstrap-server", &server, trouble) &&
         tool_text(reassign->options, "bootstrap-controller", &controller, trouble);
    if (ok && reassign->zookeeper) {
        lab = tool_lab_bootstrap(reassign->call);
        if (!lab)
            ok = trouble_set(trouble, "kafka.zookeeper.ZooKeeperClientTimeoutException",
                             "Timed out waiting for connection while in state: CONNECTING");
    }
    ok = ok && tool_admin_open(&reassign->admin, reassign->call, lab ? lab : server ? server : controller ? controller : "", "reassign-partitions-tool",
                               &config, trouble);
    mem_free(lab);
    config_map_done(&config);
    return ok;
}

static bool act(struct reassign *reassign, const char *action, struct trouble *trouble)
{
    if (!open_client(reassign, trouble))
        return false;
    if (text_equal(action, "generate"))
        return generate(reassign, trouble);
    return text_equal(action, "list") ? list(reassign, trouble) : act_on_plan(reassign, action, trouble);
}

/* All goes to stdout. */
static int failed(struct call *call, struct trouble *trouble)
{
    struct text trace = { 0 };

    if (!call_interrupted(call) && text_equal(trouble->exception, TERSE)) {
        call_print(call, "%s\n", trouble->message);
    } else if (!call_interrupted(call)) {
        trouble_text(trouble, &trace);
        call_print(call, "Error: %s\n%s\n", trouble->message ? trouble->message : "null", text_chars(&trace));
    }
    text_done(&trace);
    trouble_done(trouble);
    return 1;
}

static int run(struct call *call)
{
    struct reassign reassign = { .call = call };
    struct trouble trouble = { 0 };
    const char *action;
    int status = 0;

    if (!tool_options_parse(&reassign.options, call, options, &trouble))
        return trouble_uncaught(call, &trouble);
    action = action_of(reassign.options);
    if (call->argc == 1 || tool_has(reassign.options, "help"))
        status = tool_usage(call, options, "This tool helps to move topic partitions between replicas.\n");
    else if (tool_has(reassign.options, "version"))
        tool_print_version(call);
    else if (!action)
        status = tool_usage(call, options, "Command must include exactly one action: --generate, --execute, --verify, --cancel, --list\n");
    else if (!check_options(&reassign, action))
        status = 1;
    else if (tool_has(reassign.options, "zookeeper") && !tool_has(reassign.options, "bootstrap-server") && !check_zookeeper(&reassign, &trouble))
        status = trouble_uncaught(call, &trouble);
    else if (!act(&reassign, action, &trouble))
        status = failed(call, &trouble);
    arena_done(&reassign.file);
    trouble_done(&trouble);
    tool_admin_close(&reassign.admin);
    tool_options_done(reassign.options);
    return tool_status(call, status);
}

const struct command command_kafka_reassign_partitions = {
    .name = "kafka-reassign-partitions",
    .summary = "move partitions to other brokers",
    .example = "kafka-reassign-partitions.sh --reassignment-json-file plan.json --execute --bootstrap-server localhost:9092",
    .options = options,
    .tool = true,
    .past = "--list", .run = run,
};
