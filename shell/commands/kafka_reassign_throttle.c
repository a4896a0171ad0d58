/* kafka-reassign-partitions: throttles, set on topics for the replicas that move and on the brokers that take part. */
#include <stdlib.h>
#include <string.h>

#include "shell/commands/kafka_reassign_partitions.h"
#include "shell/java_order.h"

enum { API_INCREMENTAL_ALTER = 44 };

#define LEADER_RATE "leader.replication.throttled.rate"
#define FOLLOWER_RATE "follower.replication.throttled.rate"
#define DIR_RATE "replica.alter.log.dirs.io.max.bytes.per.second"
#define LEADER_REPLICAS "leader.replication.throttled.replicas"
#define FOLLOWER_REPLICAS "follower.replication.throttled.replicas"

/* ---- the order ---- */

static void add_op(struct incremental_alter_configs_request_resource *resource, const char *name, const char *value)
{
    resource->configs.items[resource->configs.count++] =
        (struct incremental_alter_configs_request_config){ .name = name, .config_operation = value ? CONFIG_SET : CONFIG_DELETE, .value = value };
}

static struct incremental_alter_configs_request_resource resource_of(struct reassign *reassign, int8_t type, const char *name)
{
    struct incremental_alter_configs_request_resource resource = { .resource_type = type, .resource_name = name };

    resource.configs.items = arena_alloc(&reassign->admin.arena, 3 * sizeof(*resource.configs.items));
    return resource;
}

static bool alter(struct reassign *reassign, int32_t node, struct incremental_alter_configs_request_resource *resources, int32_t count,
                  struct trouble *trouble)
{
    struct incremental_alter_configs_request request;
    struct incremental_alter_configs_response *response;
    bool ok;
    void *answer;

    fields_preset(&incremental_alter_configs_request_message, &request);
    request.resources.items = resources;
    request.resources.count = count;
    ok = tool_admin_call(&reassign->admin, node, API_INCREMENTAL_ALTER, -1, &request, &answer, "incrementalAlterConfigs", trouble);
    response = answer;
    for (int32_t i = 0; ok && i < response->responses.count; i++)
        ok = tool_check(response->responses.items[i].error_code, response->responses.items[i].error_message, trouble);
    if (!ok)
        tool_execution(trouble);
    return ok;
}

static bool alter_broker(struct reassign *reassign, int32_t broker, const char *const *names, const char *value, struct trouble *trouble)
{
    struct incremental_alter_configs_request_resource resource =
        resource_of(reassign, RESOURCE_BROKER, arena_printf(&reassign->admin.arena, "%d", (int)broker));

    for (; *names; names++)
        add_op(&resource, *names, value);
    return alter(reassign, broker, &resource, 1, trouble);
}

/* ---- which replicas ---- */

/* From where to where: `replicas` are the sources, `adding` the others that will have it. */
static struct plan move_map(struct reassign *reassign, const struct plan *moves, const struct plan *proposed, const struct plan *current)
{
    struct arena *arena = &reassign->admin.arena;
    bool old = reassign_is_old(reassign);
    struct plan map = { 0 };

    for (size_t i = 0; i < moves->count; i++) {
        const struct placed *move = &moves->items[i];
        struct placed from_to = { .topic = move->topic, .partition = move->partition };

        if (plan_find(proposed, move->topic, move->partition))
            continue;
        for (int32_t r = 0; r < move->replicas.count; r++)
            if (old || !broker_ids_contain(&move->adding, move->replicas.items[r]))
                broker_ids_add(arena, &from_to.replicas, move->replicas.items[r]);
        if (!old)
            from_to.adding = move->adding;
        ARRAY_ADD(map.items, map.count, map.capacity) = from_to;
    }
    for (size_t i = 0; i < proposed->count; i++) {
        const struct placed *to = &proposed->items[i], *from = plan_find(current, to->topic, to->partition);
        const struct placed *move = old ? NULL : plan_find(moves, to->topic, to->partition);
        struct placed from_to = { .topic = to->topic, .partition = to->partition };

        if (move)
            from = move;
        for (int32_t r = 0; from && r < from->replicas.count; r++)
            if (!move || !broker_ids_contain(&move->adding, from->replicas.items[r]))
                broker_ids_add(arena, &from_to.replicas, from->replicas.items[r]);
        for (int32_t r = 0; r < to->replicas.count; r++)
            if (!broker_ids_contain(&from_to.replicas, to->replicas.items[r]))
                broker_ids_add(arena, &from_to.adding, to->replicas.items[r]);
        ARRAY_ADD(map.items, map.count, map.capacity) = from_to;
    }
    plan_sort(&map);
    return map;
}

/* "0:1,0:2" of a topic's partitions [from, end): as texts they are in order, and each is there once. */
static const char *throttled(struct arena *arena, const struct plan *map, size_t from, size_t end, bool leaders)
{
    const char **names = NULL;
    size_t count = 0, capacity = 0;
    struct text text = { 0 };
    const char *out;

    for (size_t i = from; i < end; i++) {
        const struct broker_ids *ids = leaders ? &map->items[i].replicas : &map->items[i].adding;

        for (int32_t r = 0; r < ids->count; r++)
            ARRAY_ADD(names, count, capacity) = arena_printf(arena, "%d:%d", (int)map->items[i].partition, (int)ids->items[r]);
    }
    if (count)
        qsort(names, count, sizeof(*names), by_text);
    text_add(&text, "");
    for (size_t i = 0; i < count; i++)
        if (!i || !text_equal(names[i], names[i - 1]))
            text_printf(&text, "%s%s", text.size ? "," : "", names[i]);
    mem_free(names);
    out = arena_text(arena, text_chars(&text), text.size);
    text_done(&text);
    return out;
}

static bool throttle_topics(struct reassign *reassign, const struct plan *map, struct trouble *trouble)
{
    struct arena *arena = &reassign->admin.arena;
    struct incremental_alter_configs_request_resource *resources = arena_alloc(arena, (map->count + 1) * sizeof(*resources));
    int32_t count = 0;
    size_t end;

    for (size_t i = 0; i < map->count; i = end) {
        for (end = i; end < map->count && text_equal(map->items[end].topic, map->items[i].topic); end++)
            ;
        resources[count] = resource_of(reassign, RESOURCE_TOPIC, map->items[i].topic);
        add_op(&resources[count], LEADER_REPLICAS, throttled(arena, map, i, end, true));
        add_op(&resources[count++], FOLLOWER_REPLICAS, throttled(arena, map, i, end, false));
    }
    return alter(reassign, NODE_ANY, resources, count, trouble);
}

static int by_id(const void *a, const void *b)
{
    int32_t left = *(const int32_t *)a, right = *(const int32_t *)b;

    return (left > right) - (left < right);
}

static bool throttle_brokers(struct reassign *reassign, struct broker_ids *brokers, const char *const *names, int64_t rate, struct trouble *trouble)
{
    const char *value = arena_printf(&reassign->admin.arena, "%lld", (long long)rate);

    if (brokers->count)
        qsort(brokers->items, (size_t)brokers->count, sizeof(*brokers->items), by_id);
    for (int32_t i = 0; i < brokers->count; i++)
        if (!alter_broker(reassign, brokers->items[i], names, value, trouble))
            return false;
    return true;
}

static void add_new(struct arena *arena, struct broker_ids *ids, const struct broker_ids *more)
{
    for (int32_t i = 0; i < more->count; i++)
        if (!broker_ids_contain(ids, more->items[i]))
            broker_ids_add(arena, ids, more->items[i]);
}

bool reassign_throttle(struct reassign *reassign, const struct plan *moves, const struct plan *proposed, const struct plan *current, int64_t rate,
                       struct trouble *trouble)
{
    static const char *const names[] = { LEADER_RATE, FOLLOWER_RATE, NULL };
    struct plan map = move_map(reassign, moves, proposed, current);
    struct broker_ids brokers = { 0 };
    bool ok = throttle_topics(reassign, &map, trouble);

    for (size_t i = 0; i < map.count; i++) {
        add_new(&reassign->admin.arena, &brokers, &map.items[i].replicas);
        add_new(&reassign->admin.arena, &brokers, &map.items[i].adding);
    }
    plan_done(&map);
    if (!ok || !throttle_brokers(reassign, &brokers, names, rate, trouble))
        return false;
    call_print(reassign->call, "The inter-broker throttle limit was set to %lld B/s\n", (long long)rate);
    return true;
}

bool reassign_throttle_dirs(struct reassign *reassign, const struct plan *proposed, int64_t rate, struct trouble *trouble)
{
    static const char *const names[] = { DIR_RATE, NULL };
    struct broker_ids brokers = { 0 };

    for (size_t i = 0; i < proposed->count; i++)
        for (int32_t r = 0; proposed->items[i].dirs && r < proposed->items[i].replicas.count; r++)
            if (proposed->items[i].dirs[r] && !broker_ids_contain(&brokers, proposed->items[i].replicas.items[r]))
                broker_ids_add(&reassign->admin.arena, &brokers, proposed->items[i].replicas.items[r]);
    if (!throttle_brokers(reassign, &brokers, names, rate, trouble))
        return false;
    call_print(reassign->call, "The replica-alter-dir throttle limit was set to %lld B/s\n", (long long)rate);
    return true;
}

/* ---- taking them back ---- */

static uint32_t string_hash(const char *text)
{
    uint32_t hash = 0;

    for (; *text; text++)
        hash = hash * 31 + (unsigned char)*text;
    return hash;
}

static size_t *order_of(struct reassign *reassign, const uint32_t *hashes, size_t count)
{
    return reassign_is_old(reassign) ? scala_order_hashes(hashes, count) : java_order_hashes(hashes, count, 0);
}

static bool clear_brokers(struct reassign *reassign, const struct plan *plan, struct trouble *trouble)
{
    static const char *const names[] = { LEADER_RATE, FOLLOWER_RATE, DIR_RATE, NULL };
    struct arena *arena = &reassign->admin.arena;
    struct metadata_response *cluster;
    struct broker_ids brokers = { 0 };
    uint32_t *hashes;
    size_t *order;

    if (!reassign_brokers(reassign, &cluster, trouble))
        return false;
    for (int32_t i = 0; i < cluster->brokers.count; i++)
        broker_ids_add(arena, &brokers, cluster->brokers.items[i].node_id);
    if (brokers.count)
        qsort(brokers.items, (size_t)brokers.count, sizeof(*brokers.items), by_id);
    for (size_t i = 0; i < plan->count; i++)
        add_new(arena, &brokers, &plan->items[i].replicas);
    hashes = arena_alloc(arena, ((size_t)brokers.count + 1) * sizeof(*hashes));
    for (int32_t i = 0; i < brokers.count; i++)
        hashes[i] = (uint32_t)brokers.items[i];
    order = order_of(reassign, hashes, (size_t)brokers.count);
    call_print(reassign->call, "Clearing broker-level throttles on broker%s ", brokers.count == 1 ? "" : "s");
    for (int32_t i = 0; i < brokers.count; i++)
        call_print(reassign->call, "%s%d", i ? "," : "", (int)brokers.items[order[i]]);
    call_print(reassign->call, "\n");
    mem_free(order);
    for (int32_t i = 0; i < brokers.count; i++)
        if (!alter_broker(reassign, brokers.items[i], names, NULL, trouble))
            return false;
    return true;
}

bool reassign_clear_throttles(struct reassign *reassign, const struct plan *plan, struct trouble *trouble)
{
    struct arena *arena = &reassign->admin.arena;
    struct incremental_alter_configs_request_resource *resources = arena_alloc(arena, (plan->count + 1) * sizeof(*resources));
    const char **topics = arena_alloc(arena, (plan->count + 1) * sizeof(*topics));
    uint32_t *hashes = arena_alloc(arena, (plan->count + 1) * sizeof(*hashes));
    size_t count = 0, *order;

    if (!clear_brokers(reassign, plan, trouble))
        return false;
    for (size_t i = 0; i < plan->count; i++) /* sorted */
        if (!i || !text_equal(plan->items[i].topic, plan->items[i - 1].topic)) {
            hashes[count] = string_hash(plan->items[i].topic);
            topics[count++] = plan->items[i].topic;
        }
    order = order_of(reassign, hashes, count);
    call_print(reassign->call, "Clearing topic-level throttles on topic%s ", count == 1 ? "" : "s");
    for (size_t i = 0; i < count; i++) {
        call_print(reassign->call, "%s%s", i ? "," : "", topics[order[i]]);
        resources[i] = resource_of(reassign, RESOURCE_TOPIC, topics[order[i]]);
        add_op(&resources[i], LEADER_REPLICAS, NULL);
        add_op(&resources[i], FOLLOWER_REPLICAS, NULL);
    }
    call_print(reassign->call, "\n");
    mem_free(order);
    return alter(reassign, NODE_ANY, resources, (int32_t)count, trouble);
}
