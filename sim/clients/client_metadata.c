/* What a client knows of the cluster: brokers, topics, leaders, as Metadata told it last. */
#include <string.h>

#include "sim/base/mem.h"
#include "sim/clients/client_internal.h"

enum { API_METADATA = 3 };

static void topic_free(struct topic *topic)
{
    arena_done(&topic->arena);
    mem_free(topic);
}

void metadata_done(struct client *client)
{
    for (size_t i = 0; i < client->topic_count; i++)
        topic_free(client->topics[i]);
    mem_free(client->topics);
    arena_done(&client->node_arena);
}

/* ---- taking in an answer ---- */

static const char *keep(struct arena *arena, const char *text)
{
    return text ? arena_text(arena, text, strlen(text)) : NULL;
}

static const int32_t *keep_ids(struct arena *arena, const int32_t *ids, int32_t count)
{
    int32_t *copy = arena_alloc(arena, (size_t)(count > 0 ? count : 0) * sizeof(*copy) + 1);

    if (count > 0)
        memcpy(copy, ids, (size_t)count * sizeof(*copy));
    return copy;
}

static void take_nodes(struct client *client, const struct metadata_response *answer)
{
    if (answer->brokers.count <= 0)
        return;
    arena_reset(&client->node_arena);
    client->node_count = (size_t)answer->brokers.count;
    client->nodes = arena_alloc(&client->node_arena, client->node_count * sizeof(*client->nodes));
    for (size_t i = 0; i < client->node_count; i++) {
        const struct metadata_response_broker *broker = &answer->brokers.items[i];

        client->nodes[i] = (struct client_node){ broker->node_id, keep(&client->node_arena, broker->host), broker->port,
                                                 keep(&client->node_arena, broker->rack) };
    }
    client->controller = answer->controller_id;
    client->known = true;
}

static size_t find_place(const struct client *client, const char *name, bool *found)
{
    size_t low = 0, high = client->topic_count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (strcmp(client->topics[middle]->shown.name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *found = low < client->topic_count && !strcmp(client->topics[low]->shown.name, name);
    return low;
}

static struct topic *make_topic(const struct metadata_response_topic *from)
{
    struct topic *topic = mem_zero(sizeof(*topic));
    struct client_partition *partitions;
    int32_t count = from->partitions.count > 0 ? from->partitions.count : 0;

    arena_init(&topic->arena);
    partitions = arena_alloc(&topic->arena, (size_t)count * sizeof(*partitions) + 1);
    for (int32_t i = 0; i < count; i++)
        partitions[i] = (struct client_partition){ .leader = -1, .leader_epoch = -1, .err = ERR_LEADER_NOT_AVAILABLE };
    for (int32_t i = 0; i < count; i++) { /* they come in any order */
        const struct metadata_response_partition *partition = &from->partitions.items[i];

        if (partition->partition_index < 0 || partition->partition_index >= count)
            continue;
        partitions[partition->partition_index] = (struct client_partition){
            .leader = partition->leader_id, .leader_epoch = partition->leader_epoch, .err = (enum err)partition->error_code,
            .replicas = keep_ids(&topic->arena, partition->replica_nodes.items, partition->replica_nodes.count),
            .isr = keep_ids(&topic->arena, partition->isr_nodes.items, partition->isr_nodes.count),
            .replica_count = partition->replica_nodes.count, .isr_count = partition->isr_nodes.count,
        };
    }
    topic->shown = (struct client_topic){ .name = keep(&topic->arena, from->name), .id = from->topic_id, .err = (enum err)from->error_code,
                                          .internal = from->is_internal, .partitions = partitions, .partition_count = count };
    return topic;
}

static bool same_leaders(const struct client_topic *a, const struct client_topic *b)
{
    if (a->err != b->err || a->partition_count != b->partition_count)
        return false;
    for (int32_t i = 0; i < a->partition_count; i++)
        if (a->partitions[i].leader != b->partitions[i].leader || a->partitions[i].leader_epoch != b->partitions[i].leader_epoch)
            return false;
    return true;
}

/* A broker that lags behind tells of an older leader than is known already: then that one stays, as long as it is the same topic. */
static void keep_newer(const struct client_topic *known, struct client_topic *told)
{
    static const struct uuid none;
    struct client_partition *partitions = (struct client_partition *)told->partitions;

    if (uuid_equal(known->id, none) || !uuid_equal(known->id, told->id))
        return;
    for (int32_t i = 0; i < told->partition_count && i < known->partition_count; i++)
        if (partitions[i].leader_epoch >= 0 && partitions[i].leader_epoch < known->partitions[i].leader_epoch) {
            partitions[i].leader = known->partitions[i].leader;
            partitions[i].leader_epoch = known->partitions[i].leader_epoch;
            partitions[i].err = known->partitions[i].err;
        }
}

static void take_topic(struct client *client, const struct metadata_response_topic *from)
{
    struct topic *topic;
    bool found;
    size_t at;

    if (!from->name)
        return;
    at = find_place(client, from->name, &found);
    topic = make_topic(from);
    if (found)
        keep_newer(&client->topics[at]->shown, &topic->shown);
    client->news += !found || !same_leaders(&client->topics[at]->shown, &topic->shown);
    if (found) {
        topic_free(client->topics[at]);
    } else {
        ARRAY_ADD(client->topics, client->topic_count, client->topic_capacity) = NULL;
        memmove(client->topics + at + 1, client->topics + at, (client->topic_count - at - 1) * sizeof(*client->topics));
    }
    client->topics[at] = topic;
}

/* ---- what the library says about it ---- */

static void say_errors(struct client *client, const struct metadata_response *answer, int32_t correlation_id)
{
    struct text errors = { 0 }, invalid = { 0 };

    if (client->options.kind != CLIENT_ADMIN) {
        for (int32_t i = 0; i < answer->topics.count; i++) {
            const struct metadata_response_topic *topic = &answer->topics.items[i];

            if (topic->error_code)
                text_printf(&errors, "%s%s=%s", errors.size ? ", " : "", topic->name ? topic->name : "null", err_name((enum err)topic->error_code));
            if (topic->error_code == ERR_INVALID_TOPIC_EXCEPTION)
                text_printf(&invalid, "%s%s", invalid.size ? ", " : "", topic->name ? topic->name : "null");
        }
    }
    if (errors.size)
        client_warn(client, "WARN", "org.apache.kafka.clients.NetworkClient",
                    release_is_27(client->options.release) ? "Error while fetching metadata with correlation id %d : {%s}"
                                                           : "The metadata response from the cluster reported a recoverable issue with correlation id %d : {%s}",
                    correlation_id, text_chars(&errors));
    if (invalid.size)
        client_warn(client, "ERROR", "org.apache.kafka.clients.Metadata", "Metadata response reported invalid topics [%s]", text_chars(&invalid));
    text_done(&errors);
    text_done(&invalid);
}

/* ---- asking ---- */

static void fill_request(struct metadata_request *request, const char *const *topics, int32_t count, bool allow_auto_create, struct arena *arena)
{
    fields_preset(&metadata_request_message, request);
    request->allow_auto_topic_creation = allow_auto_create;
    if (!topics) {
        request->topics.items = NULL;
        request->topics.count = -1;
        return;
    }
    request->topics.items = arena_alloc(arena, (size_t)count * sizeof(*request->topics.items) + 1);
    request->topics.count = count;
    for (int32_t i = 0; i < count; i++)
        request->topics.items[i].name = topics[i];
}

enum err metadata_ask(struct client_wait *wait, const char *const *topics, int32_t count, bool allow_auto_create, struct reason *reason)
{
    struct client *client = wait->client;
    struct metadata_request request;
    struct arena arena;
    struct link *link;
    int32_t correlation_id = 0;
    void *out;
    enum err err;

    arena_init(&arena);
    fill_request(&request, topics, count, allow_auto_create, &arena);
    do { /* a broker that went away while it was asked: the next */
        err = client_ready_link(wait, NODE_ANY, &link, reason);
        if (!err) {
            err = client_call_link(wait, link, API_METADATA, -1, &request, &arena, &out, &correlation_id, reason);
            if (err != ERR_NETWORK_EXCEPTION && err != ERR_REQUEST_TIMED_OUT)
                break;
            if (!client_pause(wait, 100000))
                err = client_wait_error(wait, reason);
            else
                continue;
        }
        break;
    } while (true);
    if (!err && !client->closed) {
        const struct metadata_response *answer = out;

        client->metadata_count++;
        say_errors(client, answer, correlation_id);
        take_nodes(client, answer);
        for (size_t i = 0; !topics && i < client->topic_count; i++)
            topic_free(client->topics[i]);
        if (!topics)
            client->topic_count = 0;
        for (int32_t i = 0; i < answer->topics.count; i++)
            take_topic(client, &answer->topics.items[i]);
    }
    arena_done(&arena);
    return err;
}

enum err client_metadata(struct task *task, struct client *client, const char *const *topics, int32_t count, bool allow_auto_create, bool refresh,
                         struct reason *reason)
{
    struct client_wait wait;
    bool known = client->known && topics;
    enum err err = ERR_OK;

    for (int32_t i = 0; known && i < count; i++)
        known = client_topic(client, topics[i]) != NULL;
    if (known && !refresh)
        return ERR_OK;
    client_wait_begin(&wait, task, client, client->options.api_timeout_us);
    if (client->options.kind == CLIENT_ADMIN && !client->known) { /* the admin client learns the brokers first, and asks one of them */
        static const char *const none[1] = { NULL };

        err = metadata_ask(&wait, none, 0, true, reason);
    }
    if (!err)
        err = metadata_ask(&wait, topics, count, allow_auto_create, reason);
    client_wait_end(&wait);
    return err;
}

/* ---- looking ---- */

const struct client_topic *client_topic(const struct client *client, const char *name)
{
    bool found;
    size_t at = find_place(client, name, &found);

    return found ? &client->topics[at]->shown : NULL;
}

size_t client_topic_count(const struct client *client)
{
    return client->topic_count;
}

const struct client_topic *client_topic_at(const struct client *client, size_t i)
{
    return &client->topics[i]->shown;
}

size_t client_node_count(const struct client *client)
{
    return client->node_count;
}

struct client_node client_node_at(const struct client *client, size_t i)
{
    return client->nodes[i];
}
