/* kafka-reassign-partitions: what it asks and orders of the brokers. */
#include <stdlib.h>
#include <string.h>

#include "shell/commands/kafka_reassign_partitions.h"

enum { API_ALTER_REPLICA_LOG_DIRS = 34, API_DESCRIBE_LOG_DIRS = 35, API_ALTER_MOVES = 45, API_LIST_MOVES = 46, RETRY_US = 100000 };

static bool fail(struct trouble *trouble)
{
    tool_execution(trouble);
    return false;
}

static struct broker_ids copy_ids(struct arena *arena, const int32_t *items, int32_t count)
{
    struct broker_ids ids = { arena_alloc(arena, ((size_t)count + 1) * sizeof(*items)), count };

    if (count)
        memcpy(ids.items, items, (size_t)count * sizeof(*items));
    return ids;
}

/* ---- moves under way ---- */

bool reassign_moves(struct reassign *reassign, const struct plan *only, struct plan *moves, struct trouble *trouble)
{
    struct arena *arena = &reassign->admin.arena;
    struct list_partition_reassignments_request request;
    struct list_partition_reassignments_response *response;
    struct list_partition_reassignments_request_topic *topic = NULL;
    void *answer;

    fields_preset(&list_partition_reassignments_request_message, &request);
    request.topics.count = -1;
    if (only) {
        request.topics.count = 0;
        request.topics.items = arena_alloc(arena, (only->count + 1) * sizeof(*request.topics.items));
        for (size_t i = 0; i < only->count; i++) { /* sorted */
            if (!topic || !text_equal(topic->name, only->items[i].topic)) {
                topic = &request.topics.items[request.topics.count++];
                topic->name = only->items[i].topic;
                topic->partition_indexes.items = arena_alloc(arena, (only->count - i) * sizeof(int32_t));
            }
            topic->partition_indexes.items[topic->partition_indexes.count++] = only->items[i].partition;
        }
    }
    if (!tool_admin_call(&reassign->admin, NODE_CONTROLLER, API_LIST_MOVES, -1, &request, &answer, "listPartitionReassignments", trouble))
        return fail(trouble);
    response = answer;
    if (!tool_check(response->error_code, response->error_message, trouble))
        return fail(trouble);
    for (int32_t t = 0; t < response->topics.count; t++)
        for (int32_t p = 0; p < response->topics.items[t].partitions.count; p++) {
            const struct list_partition_reassignments_response_partition *from = &response->topics.items[t].partitions.items[p];

            ARRAY_ADD(moves->items, moves->count, moves->capacity) =
                (struct placed){ .topic = response->topics.items[t].name, .partition = from->partition_index,
                                 .replicas = copy_ids(arena, from->replicas.items, from->replicas.count),
                                 .adding = copy_ids(arena, from->adding_replicas.items, from->adding_replicas.count),
                                 .removing = copy_ids(arena, from->removing_replicas.items, from->removing_replicas.count) };
        }
    plan_sort(moves);
    return true;
}

/* ---- where partitions are ---- */

bool reassign_brokers(struct reassign *reassign, struct metadata_response **cluster, struct trouble *trouble)
{
    return tool_metadata(&reassign->admin, "listNodes", cluster, trouble) || fail(trouble);
}

static bool unknown(struct reassign *reassign, const char *topic, struct trouble *trouble)
{
    char *message = mem_printf("Topic %s not found.", topic);

    tool_check(ERR_UNKNOWN_TOPIC_OR_PARTITION, reassign_is_old(reassign) ? NULL : message, trouble);
    mem_free(message);
    return fail(trouble);
}

bool reassign_places(struct reassign *reassign, const char *const *topics, size_t count, bool missing_is_fine, struct plan *places,
                     struct trouble *trouble)
{
    struct metadata_response *cluster;

    if (!count)
        return true;
    if (!tool_metadata(&reassign->admin, "describeTopics", &cluster, trouble))
        return fail(trouble);
    for (size_t i = 0; i < count; i++) {
        const struct metadata_response_topic *found = NULL;

        for (int32_t t = 0; t < cluster->topics.count; t++)
            if (text_equal(cluster->topics.items[t].name, topics[i]))
                found = &cluster->topics.items[t];
        if (!found && missing_is_fine)
            continue;
        if (!found)
            return unknown(reassign, topics[i], trouble);
        for (int32_t p = 0; p < found->partitions.count; p++)
            ARRAY_ADD(places->items, places->count, places->capacity) =
                (struct placed){ .topic = topics[i], .partition = found->partitions.items[p].partition_index,
                                 .replicas = copy_ids(&reassign->admin.arena, found->partitions.items[p].replica_nodes.items,
                                                      found->partitions.items[p].replica_nodes.count) };
    }
    plan_sort(places);
    return true;
}

/* ---- the order ---- */

static struct alter_partition_reassignments_request alter_request(struct reassign *reassign, const struct plan *plan, bool cancel)
{
    struct arena *arena = &reassign->admin.arena;
    struct alter_partition_reassignments_request request;
    struct alter_partition_reassignments_request_topic *topic = NULL;

    fields_preset(&alter_partition_reassignments_request_message, &request);
    request.allow_replication_factor_change = !tool_has(reassign->options, "disallow-replication-factor-change");
    request.topics.items = arena_alloc(arena, (plan->count + 1) * sizeof(*request.topics.items));
    for (size_t i = 0; i < plan->count; i++) { /* sorted */
        struct alter_partition_reassignments_request_partition *partition;

        if (!topic || !text_equal(topic->name, plan->items[i].topic)) {
            topic = &request.topics.items[request.topics.count++];
            topic->name = plan->items[i].topic;
            topic->partitions.items = arena_alloc(arena, (plan->count - i) * sizeof(*topic->partitions.items));
        }
        partition = &topic->partitions.items[topic->partitions.count++];
        partition->partition_index = plan->items[i].partition;
        partition->replicas.items = plan->items[i].replicas.items;
        partition->replicas.count = cancel ? -1 : plan->items[i].replicas.count;
    }
    return request;
}

/* What was refused, in order of the names: "students-0: The partition does not exist." a line; how many. */
static size_t refusals(const struct plan *plan, const struct alter_partition_reassignments_response *response, struct text *out)
{
    size_t count = 0;

    for (size_t i = 0; i < plan->count; i++) {
        int16_t code = response->error_code;
        const char *message = response->error_message;
        struct trouble error = { 0 };

        for (int32_t t = 0; !code && t < response->responses.count; t++)
            for (int32_t p = 0; !code && text_equal(response->responses.items[t].name, plan->items[i].topic) &&
                                p < response->responses.items[t].partitions.count; p++)
                if (response->responses.items[t].partitions.items[p].partition_index == plan->items[i].partition) {
                    code = response->responses.items[t].partitions.items[p].error_code;
                    message = response->responses.items[t].partitions.items[p].error_message;
                }
        if (tool_check(code, message, &error))
            continue;
        text_printf(out, "%s%s-%d: %s", count++ ? "\n" : "", plan->items[i].topic, (int)plan->items[i].partition, error.message);
        trouble_done(&error);
    }
    return count;
}

bool reassign_alter(struct reassign *reassign, const struct plan *plan, bool cancel, const char *what, struct trouble *trouble)
{
    struct alter_partition_reassignments_request request = alter_request(reassign, plan, cancel);
    struct text refused = { 0 };
    size_t count;
    void *answer;

    if (tool_admin_call(&reassign->admin, NODE_CONTROLLER, API_ALTER_MOVES, -1, &request, &answer, "alterPartitionReassignments", trouble)) {
        count = refusals(plan, answer, &refused);
    } else if (call_interrupted(reassign->call)) {
        return false;
    } else { /* each partition has failed */
        count = plan->count;
        for (size_t i = 0; i < plan->count; i++)
            text_printf(&refused, "%s%s-%d: %s", i ? "\n" : "", plan->items[i].topic, (int)plan->items[i].partition, trouble->message);
    }
    if (count && cancel)
        reassign_terse(trouble, "%s%s for:\n%s", what, count == 1 ? "" : "s", text_chars(&refused));
    else if (count)
        reassign_terse(trouble, "%s\n%s", what, text_chars(&refused));
    text_done(&refused);
    return !count;
}

/* ---- folders ---- */

struct found_dir { const char *now, *future; };

static bool lives(const struct metadata_response *cluster, int32_t broker)
{
    for (int32_t i = 0; i < cluster->brokers.count; i++)
        if (cluster->brokers.items[i].node_id == broker)
            return true;
    return false;
}

static bool describe_dirs(struct reassign *reassign, int32_t broker, struct describe_log_dirs_response **out, struct trouble *trouble)
{
    struct describe_log_dirs_request request;
    void *answer;

    fields_preset(&describe_log_dirs_request_message, &request);
    request.topics.count = -1;
    if (!tool_admin_call(&reassign->admin, broker, API_DESCRIBE_LOG_DIRS, -1, &request, &answer, "describeReplicaLogDirs", trouble))
        return fail(trouble);
    *out = answer;
    return tool_check((*out)->error_code, NULL, trouble) || fail(trouble);
}

static struct found_dir find_dir(const struct describe_log_dirs_response *response, const char *topic, int32_t partition)
{
    struct found_dir found = { NULL, NULL };

    for (int32_t d = 0; d < response->results.count; d++)
        for (int32_t t = 0; t < response->results.items[d].topics.count; t++) {
            const struct describe_log_dirs_response_topic *one = &response->results.items[d].topics.items[t];

            for (int32_t p = 0; text_equal(one->name, topic) && p < one->partitions.count; p++)
                if (one->partitions.items[p].partition_index == partition)
                    *(one->partitions.items[p].is_future_key ? &found.future : &found.now) = response->results.items[d].log_dir;
        }
    return found;
}

bool reassign_find_dirs(struct reassign *reassign, const struct metadata_response *cluster, struct plan *plan, struct trouble *trouble)
{
    struct broker_ids asked = { 0 };

    for (size_t i = 0; i < plan->count; i++)
        plan->items[i].dirs = arena_alloc(&reassign->admin.arena, ((size_t)plan->items[i].replicas.count + 1) * sizeof(*plan->items[i].dirs));
    for (size_t i = 0; i < plan->count; i++)
        for (int32_t r = 0; r < plan->items[i].replicas.count; r++) {
            int32_t broker = plan->items[i].replicas.items[r];
            struct describe_log_dirs_response *response;

            if (broker_ids_contain(&asked, broker) || !lives(cluster, broker))
                continue;
            broker_ids_add(&reassign->admin.arena, &asked, broker);
            if (!describe_dirs(reassign, broker, &response, trouble))
                return false;
            for (size_t j = i; j < plan->count; j++)
                for (int32_t other = 0; other < plan->items[j].replicas.count; other++)
                    if (plan->items[j].replicas.items[other] == broker)
                        plan->items[j].dirs[other] = find_dir(response, plan->items[j].topic, plan->items[j].partition).now;
        }
    return true;
}

/* A replica that is to lie in a certain dir of its broker. */
struct dir_move {
    const char *topic, *dir;
    int32_t partition, broker;
    bool done;
};
struct dir_moves { struct dir_move *items; size_t count, capacity; };

static int by_replica(const void *a, const void *b)
{
    const struct dir_move *left = a, *right = b;
    int order = (left->broker > right->broker) - (left->broker < right->broker);

    if (!order)
        order = strcmp(left->topic, right->topic);
    return order ? order : (left->partition > right->partition) - (left->partition < right->partition);
}

static struct dir_moves dir_moves_of(const struct plan *plan)
{
    struct dir_moves moves = { 0 };

    for (size_t i = 0; i < plan->count; i++)
        for (int32_t r = 0; plan->items[i].dirs && r < plan->items[i].replicas.count; r++)
            if (plan->items[i].dirs[r])
                ARRAY_ADD(moves.items, moves.count, moves.capacity) =
                    (struct dir_move){ plan->items[i].topic, plan->items[i].dirs[r], plan->items[i].partition, plan->items[i].replicas.items[r], false };
    if (moves.count)
        qsort(moves.items, moves.count, sizeof(*moves.items), by_replica);
    return moves;
}

/* One replica's; an error but for one that is not there yet. */
static bool move_dir(struct reassign *reassign, struct dir_move *move, struct trouble *trouble)
{
    struct alter_replica_log_dirs_request request;
    struct alter_replica_log_dirs_request_dir dir = { .path = move->dir };
    struct alter_replica_log_dirs_request_topic topic = { .name = move->topic };
    struct alter_replica_log_dirs_response *response;
    struct trouble error = { 0 };
    int16_t code = ERR_OK;
    char *message;
    void *answer;

    fields_preset(&alter_replica_log_dirs_request_message, &request);
    topic.partitions.items = &move->partition;
    topic.partitions.count = 1;
    dir.topics.items = &topic;
    dir.topics.count = 1;
    request.dirs.items = &dir;
    request.dirs.count = 1;
    if (tool_admin_call(&reassign->admin, move->broker, API_ALTER_REPLICA_LOG_DIRS, -1, &request, &answer, "alterReplicaLogDirs", &error)) {
        response = answer;
        if (response->results.count == 1 && response->results.items[0].partitions.count == 1)
            code = response->results.items[0].partitions.items[0].error_code;
        move->done = tool_check(code, NULL, &error);
    }
    if (move->done || code == ERR_REPLICA_NOT_AVAILABLE) {
        trouble_done(&error);
        return true;
    }
    if (!reassign_is_old(reassign))
        tool_execution(&error);
    *trouble = error;
    message = mem_printf("Failed to alter dir for %s-%d-%d", move->topic, (int)move->partition, (int)move->broker);
    trouble_wrap(trouble, reassign_is_old(reassign) ? "kafka.common.AdminCommandFailedException" : "org.apache.kafka.tools.AdminCommandFailedException",
                 message);
    mem_free(message);
    return false;
}

static char *moves_left(const struct dir_moves *moves, size_t *count)
{
    struct text names = { 0 };

    *count = 0;
    text_add(&names, "");
    for (size_t i = 0; i < moves->count; i++)
        if (!moves->items[i].done)
            text_printf(&names, "%s%s-%d-%d", (*count)++ ? "," : "", moves->items[i].topic, (int)moves->items[i].partition, (int)moves->items[i].broker);
    return text_take(&names);
}

static bool move_once(struct reassign *reassign, struct dir_moves *moves, struct trouble *trouble)
{
    struct text started = { 0 };
    size_t count = 0;

    for (size_t i = 0; i < moves->count; i++) {
        struct dir_move *move = &moves->items[i];

        if (move->done)
            continue;
        if (!move_dir(reassign, move, trouble)) {
            text_done(&started);
            return false;
        }
        if (!move->done)
            continue;
        if (reassign_is_old(reassign))
            text_printf(&started, "%s%s-%d-%d", count ? "," : "", move->topic, (int)move->partition, (int)move->broker);
        else
            text_printf(&started, "Successfully started moving log directory to %s for replica %s-%d with broker %d \n", move->dir, move->topic,
                        (int)move->partition, (int)move->broker);
        count++;
    }
    if (count && reassign_is_old(reassign))
        call_print(reassign->call, "Successfully started log directory move%s for: %s\n", count == 1 ? "" : "s", text_chars(&started));
    else if (count)
        call_print(reassign->call, "%s", text_chars(&started));
    text_done(&started);
    return true;
}

/* Until the brokers have the replicas and have begun. */
static bool run_moves(struct reassign *reassign, struct dir_moves *moves, struct trouble *trouble)
{
    int64_t timeout_ms = 10000, began_ms = tool_now_ms(reassign->call);
    bool ok = tool_i64(reassign->options, "timeout", &timeout_ms, trouble);
    size_t left = moves->count;

    while (ok && left) {
        char *names;

        ok = move_once(reassign, moves, trouble);
        names = moves_left(moves, &left);
        if (ok && left && tool_now_ms(reassign->call) - began_ms >= timeout_ms)
            ok = reassign_terse(trouble, "Timed out before log directory move%s could be started for: %s", left == 1 ? "" : "s", names);
        else if (ok && left)
            ok = call_sleep(reassign->call, RETRY_US);
        mem_free(names);
    }
    return ok;
}

bool reassign_move_dirs(struct reassign *reassign, const struct plan *plan, struct trouble *trouble)
{
    struct dir_moves moves = dir_moves_of(plan);
    bool ok = run_moves(reassign, &moves, trouble);

    mem_free(moves.items);
    return ok;
}

bool reassign_cancel_dirs(struct reassign *reassign, const struct plan *plan, bool *any, struct trouble *trouble)
{
    struct dir_moves moves = dir_moves_of(plan);
    struct describe_log_dirs_response *response = NULL;
    int32_t broker = -1;
    size_t kept = 0;
    bool ok = true;

    for (size_t i = 0; ok && i < moves.count; i++) {
        struct dir_move move = moves.items[i];
        struct found_dir found;

        if (move.broker != broker)
            ok = describe_dirs(reassign, move.broker, &response, trouble);
        if (!ok)
            break;
        broker = move.broker;
        found = find_dir(response, move.topic, move.partition);
        if (!found.now || !found.future)
            continue;
        move.dir = found.now; /* back to where it is */
        moves.items[kept++] = move;
    }
    moves.count = kept;
    *any = kept;
    ok = ok && run_moves(reassign, &moves, trouble);
    mem_free(moves.items);
    return ok;
}

static void print_dir_move(struct reassign *reassign, const struct dir_move *move, struct found_dir found, bool *running)
{
    struct call *call = reassign->call;
    const char *topic = move->topic;
    int partition = (int)move->partition, broker = (int)move->broker;

    if (!found.now) {
        *running = true; /* for all that Kafka's tool knows */
        call_print(call, "Partition %s-%d is not found in any live log dir on broker %d. There is likely an offline log directory on the broker.\n", topic,
                   partition, broker);
    } else if (found.future) {
        *running = true;
        if (text_equal(found.future, move->dir))
            call_print(call, "Reassignment of replica %s-%d-%d is still in progress.\n", topic, partition, broker);
        else
            call_print(call, "Partition %s-%d on broker %d is being moved to log dir %s instead of %s.\n", topic, partition, broker, found.future,
                       move->dir);
    } else if (text_equal(found.now, move->dir)) {
        call_print(call, "Reassignment of replica %s-%d-%d completed successfully.\n", topic, partition, broker);
    } else {
        call_print(call, "Partition %s-%d on broker %d is not being moved from log dir %s to %s.\n", topic, partition, broker, found.now, move->dir);
    }
}

bool reassign_verify_dirs(struct reassign *reassign, const struct plan *plan, bool *running, struct trouble *trouble)
{
    struct dir_moves moves = dir_moves_of(plan);
    struct describe_log_dirs_response *response = NULL;
    bool ok = true;

    *running = false;
    for (size_t i = 0; ok && i < moves.count; i++) {
        if (!i || moves.items[i].broker != moves.items[i - 1].broker)
            ok = describe_dirs(reassign, moves.items[i].broker, &response, trouble);
        if (ok)
            print_dir_move(reassign, &moves.items[i], find_dir(response, moves.items[i].topic, moves.items[i].partition), running);
    }
    if (!moves.count)
        call_print(reassign->call, "\n");
    mem_free(moves.items);
    return ok;
}
