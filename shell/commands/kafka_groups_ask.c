/* What kafka-consumer-groups asks of brokers. */
#include "shell/commands/kafka_consumer_groups.h"

#include <stdlib.h>
#include <string.h>

/* ---- partitions ---- */

struct spot *spots_add(struct spots *spots, const char *topic, int32_t partition)
{
    struct spot *spot = &ARRAY_ADD(spots->items, spots->count, spots->capacity);

    *spot = (struct spot){ .topic = topic, .partition = partition, .committed = -1, .epoch = -1, .offset = -1 };
    return spot;
}

struct spot *spots_find(const struct spots *spots, const char *topic, int32_t partition)
{
    for (size_t i = 0; i < spots->count; i++)
        if (spots->items[i].partition == partition && text_equal(spots->items[i].topic, topic))
            return &spots->items[i];
    return NULL;
}

bool groups_partitions(const struct groups *groups, const char *argument, const char *topic, char *list, struct spots *spots, struct trouble *trouble)
{
    int32_t partition;
    char *one;

    while ((one = strsep(&list, ","))) {
        if (!*one && !list)
            break;
        if (!parse_i32(one, &partition))
            return groups_old(groups)
                       ? trouble_illegal(trouble, "For input string: \"%s\"", one)
                       : trouble_illegal(trouble, "Invalid partition '%s' specified in topic arg '%s''", one, argument);
        if (!spots_find(spots, topic, partition))
            spots_add(spots, topic, partition);
    }
    return true;
}

void spots_done(struct spots *spots)
{
    mem_free(spots->items);
    *spots = (struct spots){ 0 };
}

void spots_reorder(struct spots *spots, size_t *order)
{
    struct spot *items = mem_zero_array(spots->count + 1, sizeof(*items));

    for (size_t i = 0; i < spots->count; i++)
        items[i] = spots->items[order[i]];
    mem_free(spots->items);
    mem_free(order);
    spots->items = items;
    spots->capacity = spots->count + 1;
}

uint32_t *spots_hashes(const struct spots *spots)
{
    uint32_t *hashes = mem_zero_array(spots->count + 1, sizeof(*hashes));

    for (size_t i = 0; i < spots->count; i++)
        hashes[i] = topic_partition_hash(spots->items[i].topic, spots->items[i].partition);
    return hashes;
}

void spots_order_map(const struct groups *groups, struct spots *spots)
{
    uint32_t *hashes = spots_hashes(spots);

    spots_reorder(spots, groups_old(groups) ? scala_order_hashes(hashes, spots->count)
                                            : java_order_hashes(hashes, spots->count, 0));
    mem_free(hashes);
}

/* java.util.HashSet over a collection. */
static void spots_order_set(struct spots *spots)
{
    uint32_t *hashes = spots_hashes(spots);
    size_t room = spots->count * 4 / 3 + 1;

    spots_reorder(spots, java_order_hashes(hashes, spots->count, room > 16 ? room : 16));
    mem_free(hashes);
}

void spots_sort_partitions(struct spots *spots)
{
    for (size_t i = 1; i < spots->count; i++) { /* stable: what the map gave first stays first */
        struct spot spot = spots->items[i];
        size_t to = i;

        for (; to && spots->items[to - 1].partition > spot.partition; to--)
            spots->items[to] = spots->items[to - 1];
        spots->items[to] = spot;
    }
}

/* ---- calls to a group's coordinator, again while it moves ---- */

enum { COORDINATOR_TRIES = 50 };

static bool ask_coordinator(struct groups *groups, const char *group, int16_t api, int16_t most, const void *request,
                            int16_t (*code)(const void *answer), void **answer, int32_t *node, const char *name,
                            struct trouble *trouble)
{
    for (int i = 0; i < COORDINATOR_TRIES; i++) {
        if (!tool_group_coordinator(&groups->admin, group, node, trouble) ||
            !tool_admin_call(&groups->admin, *node, api, most, request, answer, name, trouble))
            return false;
        if (!tool_coordinator_moved(code(*answer)) || !call_sleep(groups->call, 100000))
            break;
    }
    return true;
}

/* ---- list ---- */

static bool proper(const char *text, const char *const *names, size_t count, bool exact, const char **out)
{
    for (size_t i = 0; i < count; i++)
        if (exact ? text_equal(text, names[i]) : !strcasecmp(text, names[i])) {
            *out = names[i];
            return true;
        }
    return false;
}

static bool parse_filter(struct groups *groups, const char *list, bool types, const char ***out, int32_t *count,
                         struct trouble *trouble)
{
    static const char *const states_27[] = { "PreparingRebalance", "CompletingRebalance", "Stable", "Dead", "Empty" };
    static const char *const states_43[] = { "Reconciling",        "Assigning", "CompletingRebalance", "Empty", "Dead",
                                             "PreparingRebalance", "Stable" };
    static const char *const types_43[] = { "Consumer", "Classic" };
    bool old = groups_old(groups), ok = true;
    const char *const *names = types ? types_43 : old ? states_27 : states_43;
    size_t known = types ? 2 : old ? 5 : 7;
    char *rest, *one, *all;

    *count = 0;
    if (!list || !*list)
        return true;
    rest = arena_text(&groups->admin.arena, list, strlen(list));
    *out = arena_alloc(&groups->admin.arena, (strlen(list) + 1) * sizeof(**out));
    while (ok && (one = strsep(&rest, ","))) {
        while (*one == ' ')
            one++;
        for (char *end = one + strlen(one); end > one && end[-1] == ' ';)
            *--end = 0;
        ok = proper(one, names, known, old, &(*out)[*count]);
        *count += ok;
    }
    if (ok)
        return true;
    all = tool_join(names, known, ", ");
    trouble_illegal(trouble,
                   types ? "Invalid types list '%s'. Valid types are: %s"
                         : "Invalid state list '%s'. Valid states are: %s",
                   list, all);
    mem_free(all);
    return false;
}

static bool is_consumer(const struct list_groups_response_group *group)
{
    return !group->protocol_type || !*group->protocol_type || text_equal(group->protocol_type, "consumer");
}

static const char *type_name(const char *type)
{
    return !type || !*type                 ? "Unknown"
           : !strcasecmp(type, "classic")  ? "Classic"
           : !strcasecmp(type, "consumer") ? "Consumer"
                                           : type;
}

bool groups_list(struct groups *groups, const char *states, const char *types, struct listing **out, size_t *count,
                 struct trouble *trouble)
{
    struct list_groups_request request;
    struct metadata_response *cluster;
    struct listing *found = NULL;
    const char **names;
    size_t capacity = 0, *order;

    *count = 0;
    fields_preset(&list_groups_request_message, &request);
    if (!parse_filter(groups, types, true, &request.types_filter.items, &request.types_filter.count, trouble) ||
        !parse_filter(groups, states, false, &request.states_filter.items, &request.states_filter.count, trouble))
        return false;
    if (!tool_metadata(&groups->admin, "findAllBrokers", &cluster, trouble)) {
        trouble_wrap(trouble, "org.apache.kafka.common.KafkaException", "Failed to find brokers to send ListGroups");
        return groups_future(groups, true, trouble);
    }
    for (int32_t i = 0; i < cluster->brokers.count; i++) {
        struct list_groups_response *response;
        void *answer;

        if (!tool_admin_call(&groups->admin, cluster->brokers.items[i].node_id, 16, -1, &request, &answer,
                             "listConsumerGroups", trouble)) {
            mem_free(found);
            return groups_future(groups, true, trouble);
        }
        response = answer;
        for (int32_t g = 0; g < response->groups.count; g++)
            if (is_consumer(&response->groups.items[g]))
                ARRAY_ADD(found, *count, capacity) =
                    (struct listing){ response->groups.items[g].group_id, response->groups.items[g].group_state,
                                      type_name(response->groups.items[g].group_type) };
    }
    names = mem_zero_array(*count + 1, sizeof(*names));
    *out = arena_alloc(&groups->admin.arena, (*count + 1) * sizeof(**out));
    for (size_t i = 0; i < *count; i++)
        names[i] = found[i].name;
    order = java_order(names, *count, 0);
    for (size_t i = 0; i < *count; i++)
        (*out)[i] = found[order[i]];
    mem_free(order);
    mem_free(names);
    mem_free(found);
    return true;
}

bool groups_named(struct groups *groups, const char ***names, size_t *count, struct trouble *trouble)
{
    struct listing *all;

    *count = 0;
    if (tool_has(groups->options, "all-groups")) {
        if (!groups_list(groups, NULL, NULL, &all, count, trouble))
            return false;
    } else {
        *count = tool_count(groups->options, "group");
    }
    *names = arena_alloc(&groups->admin.arena, (*count + 1) * sizeof(**names));
    for (size_t i = 0; i < *count; i++)
        (*names)[i] = tool_has(groups->options, "all-groups") ? all[i].name : tool_at(groups->options, "group", i);
    return true;
}

/* ---- describe ---- */

static int16_t describe_code(const void *answer)
{
    const struct describe_groups_response *response = answer;

    return response->groups.count ? response->groups.items[0].error_code : 0;
}

static int16_t modern_code(const void *answer)
{
    const struct consumer_group_describe_response *response = answer;

    return response->groups.count ? response->groups.items[0].error_code : 0;
}

/* What a member was given, as the consumers' own protocol says it. */
static void read_assignment(struct groups *groups, struct bytes bytes, struct spots *out)
{
    struct consumer_protocol_assignment assignment;
    struct reader reader = reader_of(bytes);
    int16_t version;

    if (!bytes.data || bytes.size < 2)
        return;
    version = reader_i16(&reader);
    if (version < 0)
        return;
    if (version > consumer_protocol_assignment_message.last)
        version = consumer_protocol_assignment_message.last;
    if (fields_decode(&consumer_protocol_assignment_message, version, &reader, &groups->admin.arena, &assignment, NULL))
        return;
    for (int32_t t = 0; t < assignment.assigned_partitions.count; t++)
        for (int32_t p = 0; p < assignment.assigned_partitions.items[t].partitions.count; p++)
            spots_add(out, assignment.assigned_partitions.items[t].topic,
                      assignment.assigned_partitions.items[t].partitions.items[p]);
    spots_order_set(out);
}

static void take_classic(struct groups *groups, const struct describe_groups_response_group *from, struct group *out)
{
    out->state = from->group_state && *from->group_state ? from->group_state : "Dead";
    out->assignor = from->protocol_data ? from->protocol_data : "";
    out->member_count = (size_t)from->members.count;
    out->members = mem_zero_array(out->member_count + 1, sizeof(*out->members));
    for (size_t i = 0; i < out->member_count; i++) {
        const struct describe_groups_response_member *member = &from->members.items[i];

        out->members[i] = (struct member){ .id = member->member_id,
                                           .instance = member->group_instance_id,
                                           .host = member->client_host,
                                           .client = member->client_id,
                                           .epoch = -1 };
        read_assignment(groups, member->member_assignment, &out->members[i].assigned);
    }
}

static void take_topics(const struct consumer_group_describe_response_assignment *from, struct spots *out)
{
    for (int32_t t = 0; t < from->topic_partitions.count; t++)
        for (int32_t p = 0; p < from->topic_partitions.items[t].partitions.count; p++)
            spots_add(out, from->topic_partitions.items[t].topic_name,
                      from->topic_partitions.items[t].partitions.items[p]);
    spots_order_set(out);
}

static void take_modern(const struct consumer_group_describe_response_group *from, struct group *out)
{
    out->state = from->group_state;
    out->assignor = from->assignor_name;
    out->epoch = from->group_epoch;
    out->target_epoch = from->assignment_epoch;
    out->member_count = (size_t)from->members.count;
    out->members = mem_zero_array(out->member_count + 1, sizeof(*out->members));
    for (size_t i = 0; i < out->member_count; i++) {
        const struct consumer_group_describe_response_member *member = &from->members.items[i];

        out->members[i] = (struct member){ .id = member->member_id,
                                           .instance = member->instance_id,
                                           .host = member->client_host,
                                           .client = member->client_id,
                                           .epoch = member->member_epoch };
        take_topics(&member->assignment, &out->members[i].assigned);
        take_topics(&member->target_assignment, &out->members[i].target);
    }
}

/* A group of the new protocol, if it is one and the broker knows such; false with *trouble empty: it isn't. */
static bool describe_modern(struct groups *groups, const char *name, struct group *out, struct trouble *trouble)
{
    struct consumer_group_describe_request request;
    struct consumer_group_describe_response *response;
    void *answer;

    if (groups_old(groups) || tool_admin_version(&groups->admin, 69) < 0)
        return false;
    fields_preset(&consumer_group_describe_request_message, &request);
    request.group_ids.items = &name;
    request.group_ids.count = 1;
    if (!ask_coordinator(groups, name, 69, -1, &request, modern_code, &answer, &out->coordinator,
                         "ConsumerGroupDescribe", trouble))
        return false;
    response = answer;
    if (!response->groups.count || response->groups.items[0].error_code == ERR_GROUP_ID_NOT_FOUND ||
        response->groups.items[0].error_code == ERR_UNSUPPORTED_VERSION)
        return false;
    if (!tool_check(response->groups.items[0].error_code, response->groups.items[0].error_message, trouble))
        return false;
    take_modern(&response->groups.items[0], out);
    return true;
}

bool groups_describe_one(struct groups *groups, const char *name, struct group *out, struct trouble *trouble)
{
    struct describe_groups_request request;
    struct describe_groups_response *response;
    void *answer;

    *out = (struct group){ .name = name, .state = "Dead", .assignor = "", .epoch = -1, .target_epoch = -1 };
    if (describe_modern(groups, name, out, trouble))
        return true;
    if (trouble->exception)
        return false;
    fields_preset(&describe_groups_request_message, &request);
    request.groups.items = &name;
    request.groups.count = 1;
    if (!ask_coordinator(groups, name, 15, -1, &request, describe_code, &answer, &out->coordinator,
                         "describeConsumerGroups", trouble))
        return false;
    response = answer;
    if (!response->groups.count)
        return true;
    if (!tool_check(response->groups.items[0].error_code, response->groups.items[0].error_message, trouble))
        return false;
    if (response->groups.items[0].protocol_type && *response->groups.items[0].protocol_type &&
        !text_equal(response->groups.items[0].protocol_type, "consumer"))
        return trouble_illegal(trouble, "GroupId %s is not a consumer group (%s).", name,
                              response->groups.items[0].protocol_type);
    take_classic(groups, &response->groups.items[0], out);
    return true;
}

void groups_group_done(struct group *group)
{
    for (size_t i = 0; i < group->member_count; i++) {
        spots_done(&group->members[i].assigned);
        spots_done(&group->members[i].target);
    }
    mem_free(group->members);
    *group = (struct group){ 0 };
}

/* ---- offsets ---- */

static int16_t fetch_code(const void *answer)
{
    const struct offset_fetch_response *response = answer;

    return response->groups.count ? response->groups.items[0].error_code : response->error_code;
}

static void take_offset(struct spots *out, const char *topic, int32_t partition, int64_t offset, int32_t epoch,
                        int16_t error)
{
    if (error || offset < 0)
        return;
    struct spot *spot = spots_add(out, topic, partition);

    spot->committed = offset;
    spot->epoch = epoch;
}

bool groups_committed(struct groups *groups, const char *group, struct spots *out, struct trouble *trouble)
{
    struct offset_fetch_request request;
    struct offset_fetch_request_group one = { .group_id = group, .member_epoch = -1, .topics.count = -1 };
    struct offset_fetch_response *response;
    uint32_t *hashes;
    int32_t node;
    void *answer;

    fields_preset(&offset_fetch_request_message, &request);
    request.group_id = group; /* up to version 7 ... */
    request.topics.items = NULL;
    request.topics.count = -1;
    request.groups.items = &one; /* ... and from 8 */
    request.groups.count = 1;
    if (!ask_coordinator(groups, group, 9, 9, &request, fetch_code, &answer, &node, "listConsumerGroupOffsets",
                         trouble))
        return false;
    response = answer;
    if (!tool_check(fetch_code(answer), NULL, trouble))
        return false;
    for (int32_t t = 0; t < response->topics.count; t++)
        for (int32_t p = 0; p < response->topics.items[t].partitions.count; p++) {
            const struct offset_fetch_response_partition *from = &response->topics.items[t].partitions.items[p];

            take_offset(out, response->topics.items[t].name, from->partition_index, from->committed_offset,
                        from->committed_leader_epoch, from->error_code);
        }
    for (int32_t t = 0; response->groups.count && t < response->groups.items[0].topics.count; t++)
        for (int32_t p = 0; p < response->groups.items[0].topics.items[t].partitions.count; p++) {
            const struct offset_fetch_response_group_topic_partition *from =
                &response->groups.items[0].topics.items[t].partitions.items[p];

            take_offset(out, response->groups.items[0].topics.items[t].name, from->partition_index,
                        from->committed_offset, from->committed_leader_epoch, from->error_code);
        }
    hashes = spots_hashes(out); /* the client keeps them in a HashMap */
    spots_reorder(out, java_order_hashes(hashes, out->count, 0));
    mem_free(hashes);
    return true;
}

static int16_t commit_code(const void *answer)
{
    const struct offset_commit_response *response = answer;

    for (int32_t t = 0; t < response->topics.count; t++)
        for (int32_t p = 0; p < response->topics.items[t].partitions.count; p++)
            if (response->topics.items[t].partitions.items[p].error_code)
                return response->topics.items[t].partitions.items[p].error_code;
    return 0;
}

bool groups_commit(struct groups *groups, const char *group, const struct spots *spots, struct trouble *trouble)
{
    struct arena *arena = &groups->admin.arena;
    struct offset_commit_request request;
    int32_t node;
    void *answer;

    fields_preset(&offset_commit_request_message, &request);
    request.group_id = group;
    request.generation_id_or_member_epoch = -1;
    request.member_id = "";
    request.group_instance_id = NULL;
    request.retention_time_ms = -1;
    request.topics.items = arena_alloc(arena, (spots->count + 1) * sizeof(*request.topics.items));
    for (size_t i = 0; i < spots->count; i++) {
        struct offset_commit_request_topic *topic = NULL;

        for (int32_t t = 0; t < request.topics.count; t++)
            if (text_equal(request.topics.items[t].name, spots->items[i].topic))
                topic = &request.topics.items[t];
        if (!topic) {
            topic = &request.topics.items[request.topics.count++];
            topic->name = spots->items[i].topic;
            topic->partitions.items = arena_alloc(arena, spots->count * sizeof(*topic->partitions.items));
        }
        topic->partitions.items[topic->partitions.count++] =
            (struct offset_commit_request_partition){ .partition_index = spots->items[i].partition,
                                                      .committed_offset = spots->items[i].offset,
                                                      .committed_leader_epoch = -1,
                                                      .commit_timestamp = -1,
                                                      .committed_metadata = "" };
    }
    return ask_coordinator(groups, group, 8, 9, &request, commit_code, &answer, &node, "alterConsumerGroupOffsets",
                           trouble) &&
           tool_check(commit_code(answer), NULL, trouble);
}

/* ---- delete ---- */

static int16_t delete_code(const void *answer)
{
    const struct delete_groups_response *response = answer;

    return response->results.count ? response->results.items[0].error_code : 0;
}

bool groups_delete_one(struct groups *groups, const char *group, struct trouble *trouble)
{
    struct delete_groups_request request;
    int32_t node;
    void *answer;

    fields_preset(&delete_groups_request_message, &request);
    request.groups_names.items = &group;
    request.groups_names.count = 1;
    return ask_coordinator(groups, group, 42, -1, &request, delete_code, &answer, &node, "deleteConsumerGroups",
                           trouble) &&
           tool_check(delete_code(answer), NULL, trouble);
}

static int16_t offset_delete_code(const void *answer)
{
    return ((const struct offset_delete_response *)answer)->error_code;
}

bool groups_delete_spots(struct groups *groups, const char *group, struct spots *spots, int16_t *code,
                         struct trouble *trouble)
{
    struct arena *arena = &groups->admin.arena;
    struct offset_delete_request request;
    struct offset_delete_response *response;
    int32_t node;
    void *answer;

    fields_preset(&offset_delete_request_message, &request);
    request.group_id = group;
    request.topics.items = arena_alloc(arena, (spots->count + 1) * sizeof(*request.topics.items));
    for (size_t i = 0; i < spots->count; i++) {
        struct offset_delete_request_topic *topic = NULL;

        spots->items[i].epoch = 0;
        for (int32_t t = 0; t < request.topics.count; t++)
            if (text_equal(request.topics.items[t].name, spots->items[i].topic))
                topic = &request.topics.items[t];
        if (!topic) {
            topic = &request.topics.items[request.topics.count++];
            topic->name = spots->items[i].topic;
            topic->partitions.items = arena_alloc(arena, spots->count * sizeof(*topic->partitions.items));
        }
        topic->partitions.items[topic->partitions.count++].partition_index = spots->items[i].partition;
    }
    if (!ask_coordinator(groups, group, 47, -1, &request, offset_delete_code, &answer, &node,
                         "deleteConsumerGroupOffsets", trouble))
        return false;
    response = answer;
    *code = response->error_code;
    for (size_t i = 0; i < spots->count; i++)
        spots->items[i].epoch = response->error_code;
    for (int32_t t = 0; !response->error_code && t < response->topics.count; t++)
        for (int32_t p = 0; p < response->topics.items[t].partitions.count; p++) {
            struct spot *spot = spots_find(spots, response->topics.items[t].name,
                                           response->topics.items[t].partitions.items[p].partition_index);

            if (spot)
                spot->epoch = response->topics.items[t].partitions.items[p].error_code;
        }
    for (size_t i = 0; !*code && i < spots->count; i++)
        *code = (int16_t)spots->items[i].epoch;
    return true;
}

/* ---- logs ---- */

/* 4.3's client looks up leaders first, and there a name that can't be one ends it. */
static bool check_names(struct groups *groups, const struct spots *spots, struct trouble *trouble)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    const char *exception = "org.apache.kafka.common.errors.InvalidTopicException";

    for (size_t i = 0; !groups_old(groups) && i < spots->count; i++) {
        const char *topic = spots->items[i].topic;
        char *message;

        if (*topic && strspn(topic, letters) == strlen(topic))
            continue;
        message = mem_printf(
            "[AdminClient clientId=adminclient-1] Received invalid topic error for topic %s in `Metadata` response",
            topic);
        call_log(groups->call, "ERROR", message, "org.apache.kafka.clients.admin.internals.PartitionLeaderStrategy");
        mem_free(message);
        call_error(groups->call, "%s: %s\n", exception, err_message(ERR_INVALID_TOPIC_EXCEPTION));
        return trouble_set(trouble, exception, "Failed to fetch metadata for partition %s-%d due to invalid topic `%s`",
                           topic, (int)spots->items[i].partition, topic);
    }
    return true;
}

bool groups_lookup(struct groups *groups, struct spots *spots, int64_t timestamp, struct trouble *trouble)
{
    struct tool_offset *offsets = arena_alloc(&groups->admin.arena, (spots->count + 1) * sizeof(*offsets));

    for (size_t i = 0; i < spots->count; i++)
        offsets[i] = (struct tool_offset){ .topic = spots->items[i].topic,
                                           .partition = spots->items[i].partition,
                                           .timestamp = timestamp };
    if (!check_names(groups, spots, trouble) || !tool_list_offsets(&groups->admin, offsets, spots->count, trouble))
        return groups_future(groups, true, trouble);
    for (size_t i = 0; i < spots->count; i++) {
        if (!tool_check(offsets[i].error, NULL, trouble))
            return groups_future(groups, true, trouble);
        spots->items[i].offset = offsets[i].offset;
    }
    return true;
}

bool groups_topic(struct groups *groups, const char *topic, struct spots *spots, struct trouble *trouble)
{
    struct metadata_request request;
    struct metadata_request_topic one = { .name = topic };
    struct metadata_response *response;
    void *answer;

    fields_preset(&metadata_request_message, &request);
    request.topics.items = &one;
    request.topics.count = 1;
    request.allow_auto_topic_creation = false;
    if (!tool_admin_call(&groups->admin, NODE_ANY, 3, -1, &request, &answer, "describeTopics", trouble))
        return false;
    response = answer;
    if (!response->topics.count)
        return tool_check(ERR_UNKNOWN_TOPIC_OR_PARTITION, NULL, trouble);
    if (!tool_check(response->topics.items[0].error_code, NULL, trouble))
        return false;
    struct spots own = { 0 };

    for (int32_t p = 0; p < response->topics.items[0].partitions.count; p++)
        spots_add(&own, topic, response->topics.items[0].partitions.items[p].partition_index);
    spots_sort_partitions(&own);
    for (size_t i = 0; i < own.count; i++)
        spots_add(spots, topic, own.items[i].partition);
    spots_done(&own);
    return true;
}
