/* kafka-topics --describe: topics with their settings, partitions with leader, replicas, ISR and ELR. */
#include "shell/commands/kafka_topics.h"

#include <stdlib.h>
#include <string.h>

#include "shell/java_order.h"

struct ids {
    const int32_t *items;
    int32_t count;
};
struct view { /* a partition, from Metadata or DescribeTopicPartitions */
    int32_t partition, leader;
    struct ids replicas, isr, elr, last_known_elr, adding, removing;
    bool has_elr, moving;
};
struct description {
    const char *name;
    struct uuid id;
    struct view *views;
    int32_t count, room;
    const struct describe_configs_response_resource *configs;
};

#define IDS(array) ((struct ids){ (array).items, (array).count })

static int by_partition(const void *a, const void *b)
{
    const struct view *left = a, *right = b;

    return left->partition < right->partition ? -1 : left->partition > right->partition;
}

static bool describe_by_metadata(struct topics *topics, struct description *all, size_t count, struct uuid id,
                                 struct trouble *trouble)
{
    struct metadata_request request;
    struct metadata_response *response;
    void *answer;

    fields_preset(&metadata_request_message, &request);
    request.topics.items = arena_alloc(&topics->admin.arena, count * sizeof(*request.topics.items));
    request.topics.count = (int32_t)count;
    request.allow_auto_topic_creation = false;
    for (size_t i = 0; i < count; i++) {
        request.topics.items[i].name = uuid_is_zero(id) ? all[i].name : NULL;
        request.topics.items[i].topic_id = id;
    }
    if (topics->zookeeper)
        answer = topics->cluster; /* with what no broker knows any more */
    else if (!tool_admin_call(&topics->admin, NODE_ANY, 3, -1, &request, &answer, "describeTopics", trouble))
        return false;
    response = answer;
    for (int32_t i = 0; i < response->topics.count; i++) {
        const struct metadata_response_topic *topic = &response->topics.items[i];

        if (!tool_check(topic->error_code, NULL, trouble))
            return false;
        for (size_t j = 0; j < count; j++) {
            if (!all[j].name)
                all[j].name = topic->name;
            if (!text_equal(all[j].name, topic->name))
                continue;
            all[j].id = topic->topic_id;
            all[j].views =
                arena_alloc(&topics->admin.arena, ((size_t)topic->partitions.count + 1) * sizeof(*all[j].views));
            for (int32_t p = 0; p < topic->partitions.count; p++) {
                const struct metadata_response_partition *from = &topic->partitions.items[p];

                all[j].views[all[j].count++] = (struct view){ .partition = from->partition_index,
                                                              .leader = from->leader_id,
                                                              .replicas = IDS(from->replica_nodes),
                                                              .isr = IDS(from->isr_nodes) };
            }
        }
    }
    return true;
}

static void add_views(struct arena *arena, struct description *to,
                      const struct describe_topic_partitions_response_topic *from)
{
    if (to->count + from->partitions.count > to->room) {
        struct view *old = to->views;

        to->room = (to->count + from->partitions.count) * 2;
        to->views = arena_alloc(arena, (size_t)to->room * sizeof(*to->views));
        if (old)
            memcpy(to->views, old, (size_t)to->count * sizeof(*old));
    }
    for (int32_t i = 0; i < from->partitions.count; i++) {
        const struct describe_topic_partitions_response_partition *p = &from->partitions.items[i];

        to->views[to->count++] = (struct view){ .partition = p->partition_index,
                                                .leader = p->leader_id,
                                                .replicas = IDS(p->replica_nodes),
                                                .isr = IDS(p->isr_nodes),
                                                .elr = IDS(p->eligible_leader_replicas),
                                                .last_known_elr = IDS(p->last_known_elr),
                                                .has_elr = p->eligible_leader_replicas.count >= 0 };
    }
}

/* Page by page (KIP-966). */
static bool describe_by_partitions(struct topics *topics, struct description *all, size_t count,
                                   struct trouble *trouble)
{
    struct arena *arena = &topics->admin.arena;
    struct describe_topic_partitions_request request;
    struct describe_topic_partitions_response *response;
    struct describe_topic_partitions_request_cursor cursor;
    int32_t limit = 2000;
    void *answer;

    if (!tool_i32(topics->options, "partition-size-limit-per-response", &limit, trouble))
        return false;
    fields_preset(&describe_topic_partitions_request_message, &request);
    request.topics.items = arena_alloc(arena, count * sizeof(*request.topics.items));
    request.topics.count = (int32_t)count;
    request.response_partition_limit = limit;
    for (size_t i = 0; i < count; i++)
        request.topics.items[i].name = all[i].name;
    do {
        if (!tool_admin_call(&topics->admin, NODE_ANY, 75, -1, &request, &answer, "describeTopicPartitions", trouble))
            return false;
        response = answer;
        for (int32_t i = 0; i < response->topics.count; i++) {
            if (!tool_check(response->topics.items[i].error_code, NULL, trouble))
                return false;
            for (size_t j = 0; j < count; j++)
                if (text_equal(all[j].name, response->topics.items[i].name)) {
                    all[j].id = response->topics.items[i].topic_id;
                    add_views(arena, &all[j], &response->topics.items[i]);
                }
        }
        if (response->next_cursor) {
            if (request.cursor && text_equal(cursor.topic_name, response->next_cursor->topic_name) &&
                cursor.partition_index == response->next_cursor->partition_index)
                break; /* a broker that doesn't move on */
            cursor.topic_name = response->next_cursor->topic_name;
            cursor.partition_index = response->next_cursor->partition_index;
            request.cursor = &cursor;
        }
    } while (response->next_cursor);
    return true;
}

static bool describe_configs(struct topics *topics, struct description *all, size_t count, struct trouble *trouble)
{
    struct describe_configs_request request;
    struct describe_configs_response *response;
    void *answer;

    fields_preset(&describe_configs_request_message, &request);
    request.resources.items = arena_alloc(&topics->admin.arena, count * sizeof(*request.resources.items));
    request.resources.count = (int32_t)count;
    for (size_t i = 0; i < count; i++) {
        request.resources.items[i].resource_type = RESOURCE_TOPIC;
        request.resources.items[i].resource_name = all[i].name;
        request.resources.items[i].configuration_keys.count = -1;
    }
    if (!tool_admin_call(&topics->admin, NODE_ANY, 32, -1, &request, &answer, "describeConfigs", trouble))
        return false;
    response = answer;
    for (size_t i = 0; i < count; i++)
        for (int32_t j = 0; j < response->results.count; j++)
            if (text_equal(response->results.items[j].resource_name, all[i].name)) {
                if (!tool_check(response->results.items[j].error_code, response->results.items[j].error_message,
                                trouble))
                    return false;
                all[i].configs = &response->results.items[j];
            }
    return true;
}

/* Moves under way, of brokers that have the API; without it there are none to show. */
static bool describe_moves(struct topics *topics, struct description *all, size_t count, struct trouble *trouble)
{
    struct list_partition_reassignments_request request;
    struct list_partition_reassignments_response *response;
    void *answer;

    if (topics->zookeeper || tool_admin_version(&topics->admin, 46) < 0)
        return true;
    fields_preset(&list_partition_reassignments_request_message, &request);
    request.timeout_ms = 60000;
    request.topics.count = -1;
    if (!tool_admin_call(&topics->admin, NODE_CONTROLLER, 46, -1, &request, &answer, "listPartitionReassignments",
                         trouble)) {
        bool unsupported = text_equal(trouble->exception, "org.apache.kafka.common.errors.UnsupportedVersionException");

        if (unsupported)
            trouble_done(trouble);
        return unsupported;
    }
    response = answer;
    for (int32_t i = 0; i < response->topics.count; i++)
        for (size_t j = 0; j < count; j++)
            for (int32_t p = 0; text_equal(all[j].name, response->topics.items[i].name) &&
                                p < response->topics.items[i].partitions.count;
                 p++)
                for (int32_t v = 0; v < all[j].count; v++) {
                    const struct list_partition_reassignments_response_partition *move =
                        &response->topics.items[i].partitions.items[p];

                    if (all[j].views[v].partition == move->partition_index) {
                        all[j].views[v].moving = true;
                        all[j].views[v].adding = IDS(move->adding_replicas);
                        all[j].views[v].removing = IDS(move->removing_replicas);
                    }
                }
    return true;
}

/* Not counting replicas that a move adds. */
static int32_t factor(const struct view *view)
{
    return view->replicas.count - (view->moving ? view->adding.count : 0);
}

static const char *config_value(const struct description *topic, const char *name)
{
    for (int32_t i = 0; topic->configs && i < topic->configs->configs.count; i++)
        if (text_equal(topic->configs->configs.items[i].name, name))
            return topic->configs->configs.items[i].value;
    return NULL;
}

static bool lives(const struct topics *topics, int32_t broker)
{
    for (int32_t i = 0; i < topics->cluster->brokers.count; i++)
        if (topics->cluster->brokers.items[i].node_id == broker)
            return true;
    return false;
}

static bool reported(const struct topics *topics, const struct description *topic, const struct view *view)
{
    const struct tool_options *o = topics->options;
    int32_t min_isr = 0;
    bool has_min = !topics->zookeeper && config_value(topic, "min.insync.replicas") &&
                   parse_i32(config_value(topic, "min.insync.replicas"), &min_isr);

    return (tool_has(o, "under-replicated-partitions") && factor(view) > view->isr.count) ||
           (tool_has(o, "unavailable-partitions") && !lives(topics, view->leader)) ||
           (tool_has(o, "under-min-isr-partitions") &&
            (!lives(topics, view->leader) || (has_min && view->isr.count < min_isr))) ||
           (tool_has(o, "at-min-isr-partitions") && has_min && view->isr.count == min_isr);
}

static void add_ids(struct text *line, const char *label, struct ids ids)
{
    text_printf(line, "\t%s: ", label);
    for (int32_t i = 0; i < ids.count; i++)
        text_printf(line, "%s%d", i ? "," : "", (int)ids.items[i]);
}

static void print_partition(const struct topics *topics, const struct description *topic, const struct view *view)
{
    bool old = topics->zookeeper || release_is_27(call_release(topics->call));
    struct text line = { 0 };

    text_printf(&line, "\tTopic: %s\tPartition: %d\tLeader: ", topic->name, (int)view->partition);
    if (lives(topics, view->leader))
        text_printf(&line, "%d", (int)view->leader);
    else
        text_add(&line, "none");
    add_ids(&line, "Replicas", view->replicas);
    add_ids(&line, "Isr", view->isr);
    if (view->moving) {
        add_ids(&line, "Adding Replicas", view->adding);
        add_ids(&line, "Removing Replicas", view->removing);
    }
    if (!old && view->has_elr) {
        add_ids(&line, "Elr", view->elr);
        add_ids(&line, "LastKnownElr", view->last_known_elr);
    } else if (!old) {
        text_add(&line, "\tElr: N/A\tLastKnownElr: N/A");
    }
    if (topics_marked(topics, topic->name))
        text_add(&line, "\tMarkedForDeletion: true");
    call_print(topics->call, "%s\n", line.data);
    text_done(&line);
}

static bool is_default(const struct topics *topics, const struct describe_configs_response_config *config)
{
    return topics->zookeeper       ? config->config_source != SOURCE_TOPIC
           : config->config_source ? config->config_source == SOURCE_DEFAULT
                                   : config->is_default;
}

static void print_topic(const struct topics *topics, const struct description *topic)
{
    bool old = topics->zookeeper || release_is_27(call_release(topics->call));
    int32_t count = topic->configs ? topic->configs->configs.count : 0;
    const char **names = mem_zero_array((size_t)count + 1, sizeof(*names));
    struct text configs = { 0 };
    char id[UUID_TEXT];
    size_t *order;

    for (int32_t i = 0; i < count; i++)
        names[i] = topic->configs->configs.items[i].name;
    order = java_order_of_scala(names, (size_t)count);
    for (int32_t i = 0; i < count; i++) {
        const struct describe_configs_response_config *config = &topic->configs->configs.items[order[i]];

        if (!is_default(topics, config))
            text_printf(&configs, "%s%s=%s", configs.size ? "," : "", config->name,
                        config->value ? config->value : "null");
    }
    mem_free(order);
    mem_free(names);
    if (!tool_has(topics->options, "topics-with-overrides") || configs.size) {
        call_print(topics->call, "Topic: %s", topic->name);
        if (!old && !uuid_is_zero(topic->id)) {
            uuid_text(topic->id, id);
            call_print(topics->call, "\tTopicId: %s", id);
        }
        call_print(topics->call, "\tPartitionCount: %d\tReplicationFactor: %d\tConfigs: %s%s\n", (int)topic->count,
                   topic->count ? (int)factor(topic->views) : 0, text_chars(&configs),
                   topics_marked(topics, topic->name) ? "\tMarkedForDeletion: true" : "");
    }
    text_done(&configs);
}

static void print_descriptions(const struct topics *topics, const struct description *all, size_t count)
{
    const struct tool_options *o = topics->options;
    bool report = tool_has(o, "under-replicated-partitions") || tool_has(o, "unavailable-partitions") ||
                  tool_has(o, "under-min-isr-partitions") || tool_has(o, "at-min-isr-partitions");
    const char **names = mem_zero_array(count + 1, sizeof(*names));
    size_t *order;

    for (size_t i = 0; i < count; i++)
        names[i] = all[i].name;
    order = java_order(names, count, count);
    for (size_t i = 0; i < count; i++) {
        const struct description *topic = &all[topics->zookeeper ? i : order[i]];

        if (!report)
            print_topic(topics, topic);
        for (int32_t p = 0; !tool_has(o, "topics-with-overrides") && p < topic->count; p++)
            if (!report || reported(topics, topic, &topic->views[p]))
                print_partition(topics, topic, &topic->views[p]);
    }
    mem_free(order);
    mem_free(names);
}

/* A topic's id as org.apache.kafka.common.Uuid.fromString() takes it. */
static bool parse_id(const char *text, struct uuid *id, struct trouble *trouble)
{
    size_t size = strlen(text), bytes = size / 4 * 3 + (size % 4 ? size % 4 - 1 : 0);

    if (size > 24)
        return trouble_set(trouble, "java.lang.IllegalArgumentException",
                           "Input string with prefix `%.24s` is too long to be decoded as a base64 UUID", text);
    if (uuid_parse(text, id))
        return true;
    return trouble_set(
        trouble, "java.lang.IllegalArgumentException",
        "Input string `%s` decoded as %zu bytes, which is not equal to the expected 16 bytes of a base64-encoded UUID",
        text, bytes);
}

static bool find_id(struct topics *topics, struct uuid id, size_t *found, struct trouble *trouble)
{
    char text[UUID_TEXT];

    *found = 0;
    if (!tool_metadata(&topics->admin, "listTopics", &topics->cluster, trouble))
        return false;
    for (int32_t i = 0; i < topics->cluster->topics.count; i++)
        *found += uuid_equal(topics->cluster->topics.items[i].topic_id, id) &&
                  !(tool_has(topics->options, "exclude-internal") &&
                    topic_is_internal(topics->cluster->topics.items[i].name));
    if (*found || tool_has(topics->options, "if-exists"))
        return true;
    uuid_text(id, text);
    return trouble_set(trouble, "java.lang.IllegalArgumentException", "TopicId '%s' does not exist as expected", text);
}

bool topics_describe(struct topics *topics, struct trouble *trouble)
{
    struct description *all;
    struct uuid id = { { 0 } };
    const char *id_text, **names = NULL;
    size_t count;
    bool ok;

    if (!tool_text(topics->options, "topic-id", &id_text, trouble) || (id_text && !parse_id(id_text, &id, trouble)))
        return false;
    if (uuid_is_zero(id))
        ok = topics_get(topics, &names, &count, trouble) && topics_ensure_exists(topics, count, trouble);
    else
        ok = find_id(topics, id, &count, trouble);
    if (!ok || !count)
        return ok;
    all = arena_alloc(&topics->admin.arena, count * sizeof(*all));
    for (size_t i = 0; names && i < count; i++)
        all[i].name = names[i];
    if (uuid_is_zero(id) && !release_is_27(call_release(topics->call)) && !topics->zookeeper &&
        tool_admin_version(&topics->admin, 75) >= 0)
        ok = describe_by_partitions(topics, all, count, trouble);
    else
        ok = describe_by_metadata(topics, all, count, id, trouble);
    if (!ok || !describe_configs(topics, all, count, trouble) || !describe_moves(topics, all, count, trouble))
        return false;
    for (size_t i = 0; i < count; i++)
        qsort(all[i].views, (size_t)all[i].count, sizeof(*all[i].views), by_partition);
    print_descriptions(topics, all, count);
    return true;
}
