/* The group APIs as a client meets them: requests over the transport in process, in the versions of both releases. */
#include <stdio.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/wire/messages.h"
#include "sim/wire/transport.h"
#include "tests/harness.h"

enum { OFFSET_COMMIT = 8, OFFSET_FETCH = 9, FIND = 10, JOIN = 11, HEARTBEAT = 12, LEAVE = 13, SYNC = 14, DESCRIBE = 15, LIST = 16, DELETE = 42, OFFSET_DELETE = 47 };

/* ---- the scene ---- */

struct scene {
    struct queue *queue;
    struct fs *fs;
    struct random random;
    struct journal *journal;
    struct config_map settings;
    struct cluster *cluster;
    struct wire *wire;
    struct timers timers;
    struct transport *transport;
    struct channel *channel, *second;
    struct arena arena;
};

static void on_opened(void *context, enum err err)
{
    *(enum err *)context = err;
}

static struct channel *dial(struct scene *scene)
{
    enum err err = ERR_UNKNOWN_SERVER_ERROR;
    struct channel *channel = scene->transport->open(scene->transport, "localhost", 9092, on_opened, &err);

    queue_run_due(scene->queue, 1000);
    CHECK_INT(ERR_OK, err);
    return channel;
}

static struct scene *scene_new(enum release release)
{
    static const int32_t ports[] = { 9092 };
    struct scene *scene = mem_zero(sizeof(*scene));
    struct cluster_options options;

    scene->queue = queue_new(1767261600000000);
    scene->fs = fs_memory(queue_clock(scene->queue));
    random_init(&scene->random, 42);
    scene->journal = journal_new(queue_clock(scene->queue), 0);
    config_map_set(&scene->settings, "offsets.topic.replication.factor", "1");
    config_map_set(&scene->settings, "group.initial.rebalance.delay.ms", "0");
    options = (struct cluster_options){
        .release = release, .broker_count = 1, .first_broker_id = 1, .dir = "lab", .settings = &scene->settings, .host = "localhost",
        .ports = ports, .queue = scene->queue, .random = &scene->random, .journal = scene->journal, .fs = scene->fs,
    };
    CHECK_INT(ERR_OK, cluster_open(&scene->cluster, &options, NULL));
    CHECK_INT(ERR_OK, controller_create_topic(scene->cluster, &(struct create_topic){ .name = "students", .partition_count = 2, .replication_factor = 1 },
                                              false, NULL, NULL, NULL));
    CHECK_INT(ERR_OK, controller_ensure_internal_topic(scene->cluster, "__consumer_offsets", NULL, NULL));
    queue_run_until(scene->queue, queue_now_us(scene->queue) + 5000000);
    scene->wire = wire_new(scene->cluster);
    scene->timers = timers_virtual(scene->queue);
    scene->transport = transport_local(scene->wire, &scene->timers, "127.0.0.1");
    scene->channel = dial(scene);
    scene->second = dial(scene);
    arena_init(&scene->arena);
    return scene;
}

static void scene_free(struct scene *scene)
{
    channel_close(scene->channel);
    channel_close(scene->second);
    transport_free(scene->transport);
    queue_run_due(scene->queue, 1000);
    wire_free(scene->wire);
    cluster_drop(scene->cluster);
    arena_done(&scene->arena);
    fs_free(scene->fs);
    journal_free(scene->journal);
    queue_free(scene->queue);
    config_map_done(&scene->settings);
    mem_free(scene);
}

/* ---- a call ---- */

struct call {
    struct scene *scene;
    const struct api *api;
    int16_t version;
    bool done;
    enum err err;
    void *out;
};

static void on_answer(void *context, enum err err, struct bytes answer)
{
    struct call *call = context;
    const struct message *message = call->api->response;
    struct response_header header;
    struct reader reader;
    uint8_t *kept;

    call->done = true;
    call->err = err;
    if (err)
        return;
    kept = memcpy(arena_alloc(&call->scene->arena, answer.size), answer.data, answer.size);
    reader = reader_of((struct bytes){ kept, answer.size });
    CHECK_INT(ERR_OK, response_header_decode(response_header_version(message, call->version), &reader, &header, NULL));
    call->out = arena_alloc(&call->scene->arena, message->size);
    CHECK_INT(ERR_OK, fields_decode(message, call->version, &reader, &call->scene->arena, call->out, NULL));
    CHECK_INT(0, reader_left(&reader));
}

static struct call *start_on(struct scene *scene, struct channel *channel, int16_t key, int16_t version, const void *in)
{
    struct call *call = arena_alloc(&scene->arena, sizeof(*call));
    struct request_header header = { key, version, 7, "tester" };
    struct frame frame = { 0 };

    *call = (struct call){ .scene = scene, .api = api_find(key), .version = version };
    CHECK_INT(ERR_OK, request_header_encode(request_header_version(call->api->request, version), &header, &frame, NULL));
    CHECK_INT(ERR_OK, fields_encode(call->api->request, version, in, &frame, NULL));
    channel->transport->send(channel, &frame, on_answer, call);
    queue_run_due(scene->queue, 10000);
    return call;
}

static void *finish(struct call *call)
{
    for (int i = 0; i < 10000 && !call->done; i++)
        CHECK(queue_run_next(call->scene->queue));
    CHECK(call->done);
    CHECK_INT(ERR_OK, call->err);
    return call->out;
}

static void *ask(struct scene *scene, int16_t key, int16_t version, const void *in)
{
    return finish(start_on(scene, scene->channel, key, version, in));
}

/* ---- requests ---- */

static struct bytes subscription(void)
{
    return (struct bytes){ (const uint8_t *)"\0\0\0\0\0\1\0\10students\0\0\0\0", 20 };
}

static struct join_group_request join_request(const char *member_id)
{
    static struct join_group_request_protocol protocol;
    struct join_group_request request;

    protocol = (struct join_group_request_protocol){ "range", subscription() };
    fields_preset(&join_group_request_message, &request);
    request.group_id = "g";
    request.session_timeout_ms = 10000;
    request.rebalance_timeout_ms = 60000;
    request.member_id = member_id;
    request.protocol_type = "consumer";
    request.protocols.items = &protocol;
    request.protocols.count = 1;
    return request;
}

/* A member that leads the group alone, with partition assignment "plan". */
static const char *join_alone(struct scene *scene, int16_t join_version, int16_t sync_version, int32_t *generation)
{
    struct join_group_request join = join_request("");
    struct join_group_response *joined = ask(scene, JOIN, join_version, &join);
    struct sync_group_request_assignment assignment = { NULL, { (const uint8_t *)"plan", 4 } };
    struct sync_group_request sync;
    struct sync_group_response *synced;

    if (join_version >= 4) {
        CHECK_INT(ERR_MEMBER_ID_REQUIRED, joined->error_code);
        CHECK(joined->member_id[0]);
        CHECK_INT(-1, joined->generation_id);
        join = join_request(joined->member_id);
        joined = ask(scene, JOIN, join_version, &join);
    }
    CHECK_INT(ERR_NONE, joined->error_code);
    CHECK_TEXT(joined->member_id, joined->leader);
    CHECK_TEXT("range", joined->protocol_name);
    CHECK_INT(1, joined->members.count);
    CHECK_TEXT(join_version >= 7 ? "consumer" : NULL, joined->protocol_type);
    CHECK_INT(20, joined->members.items[0].metadata.size);
    *generation = joined->generation_id;
    fields_preset(&sync_group_request_message, &sync);
    sync.group_id = "g";
    sync.generation_id = *generation;
    sync.member_id = assignment.member_id = joined->member_id;
    if (sync_version >= 5) {
        sync.protocol_type = "consumer";
        sync.protocol_name = "range";
    }
    sync.assignments.items = &assignment;
    sync.assignments.count = 1;
    synced = ask(scene, SYNC, sync_version, &sync);
    CHECK_INT(ERR_NONE, synced->error_code);
    CHECK_INT(4, synced->assignment.size);
    CHECK(!memcmp(synced->assignment.data, "plan", 4));
    return joined->member_id;
}

static int16_t heartbeat(struct scene *scene, const char *member_id, int32_t generation)
{
    struct heartbeat_request request;

    fields_preset(&heartbeat_request_message, &request);
    request.group_id = "g";
    request.generation_id = generation;
    request.member_id = member_id;
    return ((struct heartbeat_response *)ask(scene, HEARTBEAT, 4, &request))->error_code;
}

static int16_t commit(struct scene *scene, int16_t version, const char *member_id, int32_t generation, const char *topic, int32_t partition, int64_t offset)
{
    struct offset_commit_request_partition part = { partition, offset, -1, -1, "md" };
    struct offset_commit_request_topic in = { .name = topic };
    const struct image_topic *known = image_topic(cluster_image(scene->cluster), topic);
    struct offset_commit_request request;
    struct offset_commit_response *out;

    fields_preset(&offset_commit_request_message, &request);
    if (known)
        in.topic_id = known->id;
    in.partitions.items = &part;
    in.partitions.count = 1;
    request.group_id = "g";
    request.generation_id_or_member_epoch = generation;
    request.member_id = member_id;
    request.topics.items = &in;
    request.topics.count = 1;
    out = ask(scene, OFFSET_COMMIT, version, &request);
    CHECK_INT(1, out->topics.count);
    CHECK_INT(partition, out->topics.items[0].partitions.items[0].partition_index);
    return out->topics.items[0].partitions.items[0].error_code;
}

/* ---- what they say ---- */

TEST(find_coordinator_answers_one_key_or_many)
{
    struct scene *scene = scene_new(RELEASE_ANY);
    const char *keys[] = { "a", "b" };
    struct find_coordinator_request request;
    struct find_coordinator_response *out;

    fields_preset(&find_coordinator_request_message, &request);
    request.key = "a";
    request.coordinator_keys.items = keys;
    request.coordinator_keys.count = 2;
    for (int16_t version = 0; version <= 3; version++) {
        out = ask(scene, FIND, version, &request);
        CHECK_INT(ERR_NONE, out->error_code);
        CHECK_INT(1, out->node_id);
        CHECK_TEXT("localhost", out->host);
        CHECK_INT(9092, out->port);
        if (version >= 1)
            CHECK_TEXT("NONE", out->error_message);
    }
    for (int16_t version = 4; version <= 6; version++) {
        out = ask(scene, FIND, version, &request);
        CHECK_INT(2, out->coordinators.count);
        CHECK_TEXT("b", out->coordinators.items[1].key);
        CHECK_INT(1, out->coordinators.items[1].node_id);
        CHECK_TEXT("", out->coordinators.items[1].error_message);
    }
    request.key_type = 1;
    out = ask(scene, FIND, 2, &request);
    CHECK_INT(ERR_INVALID_REQUEST, out->error_code);
    CHECK_INT(-1, out->node_id);
    scene_free(scene);
}

TEST(a_member_joins_syncs_beats_and_leaves_in_every_version)
{
    static const int16_t joins[] = { 0, 1, 3, 4, 5, 6, 7, 9 }, leaves[] = { 0, 1, 2, 3, 4, 4, 5, 5 };

    for (size_t i = 0; i < 8; i++) {
        struct scene *scene = scene_new(RELEASE_ANY);
        int32_t generation;
        const char *member_id = join_alone(scene, joins[i], joins[i] > 5 ? 5 : joins[i] > 3 ? 3 : joins[i], &generation);
        struct leave_group_request_member who = { member_id, NULL, NULL };
        struct leave_group_request request;
        struct leave_group_response *out;

        CHECK_INT(1, generation);
        CHECK_INT(ERR_NONE, heartbeat(scene, member_id, generation));
        CHECK_INT(ERR_ILLEGAL_GENERATION, heartbeat(scene, member_id, generation + 1));
        CHECK_INT(ERR_UNKNOWN_MEMBER_ID, heartbeat(scene, "nobody", generation));
        fields_preset(&leave_group_request_message, &request);
        request.group_id = "g";
        request.member_id = member_id;
        request.members.items = &who;
        request.members.count = 1;
        out = ask(scene, LEAVE, leaves[i], &request);
        CHECK_INT(ERR_NONE, out->error_code);
        if (leaves[i] >= 3)
            CHECK_TEXT(member_id, out->members.items[0].member_id);
        out = ask(scene, LEAVE, leaves[i], &request);
        CHECK_INT(ERR_UNKNOWN_MEMBER_ID, leaves[i] >= 3 ? out->members.items[0].error_code : out->error_code);
        scene_free(scene);
    }
}

TEST(requests_for_no_group_are_refused)
{
    struct scene *scene = scene_new(RELEASE_ANY);
    struct join_group_request join = join_request("");
    struct sync_group_request sync;

    join.group_id = "";
    CHECK_INT(ERR_INVALID_GROUP_ID, ((struct join_group_response *)ask(scene, JOIN, 2, &join))->error_code);
    fields_preset(&sync_group_request_message, &sync);
    sync.group_id = "g";
    sync.member_id = "x";
    CHECK_INT(ERR_INCONSISTENT_GROUP_PROTOCOL, ((struct sync_group_response *)ask(scene, SYNC, 5, &sync))->error_code);
    CHECK_INT(ERR_UNKNOWN_MEMBER_ID, ((struct sync_group_response *)ask(scene, SYNC, 4, &sync))->error_code);
    scene_free(scene);
}

TEST(offsets_are_committed_and_fetched_in_every_version)
{
    struct scene *scene = scene_new(RELEASE_ANY);
    int32_t partitions[] = { 0, 1 };
    struct offset_fetch_request_topic topic = { .name = "students", .partition_indexes = { partitions, 2 } };
    struct offset_fetch_request_group_topic group_topic = { .name = "students", .partition_indexes = { partitions, 2 } };
    struct offset_fetch_request_group group = { .group_id = "g", .member_epoch = -1, .topics = { &group_topic, 1 } };
    struct offset_fetch_request request;
    struct offset_fetch_response *out;

    for (int16_t version = 0; version <= 10; version++)
        CHECK_INT(ERR_NONE, commit(scene, version, "", -1, "students", 1, 100 + version));
    CHECK_INT(ERR_UNKNOWN_TOPIC_OR_PARTITION, commit(scene, 8, "", -1, "students", 2, 1));
    CHECK_INT(ERR_UNKNOWN_TOPIC_OR_PARTITION, commit(scene, 8, "", -1, "nope", 0, 1));
    CHECK_INT(ERR_UNKNOWN_TOPIC_ID, commit(scene, 10, "", -1, "nope", 0, 1));
    fields_preset(&offset_fetch_request_message, &request);
    request.group_id = "g";
    request.topics.items = &topic;
    request.topics.count = 1;
    request.groups.items = &group;
    request.groups.count = 1;
    for (int16_t version = 0; version <= 7; version++) {
        out = ask(scene, OFFSET_FETCH, version, &request);
        CHECK_INT(1, out->topics.count);
        CHECK_INT(-1, out->topics.items[0].partitions.items[0].committed_offset);
        CHECK_TEXT("", out->topics.items[0].partitions.items[0].metadata);
        CHECK_INT(110, out->topics.items[0].partitions.items[1].committed_offset);
        CHECK_TEXT("md", out->topics.items[0].partitions.items[1].metadata);
    }
    group_topic.topic_id = image_topic(cluster_image(scene->cluster), "students")->id;
    for (int16_t version = 8; version <= 10; version++) {
        out = ask(scene, OFFSET_FETCH, version, &request);
        CHECK_INT(1, out->groups.items[0].topics.count);
        CHECK_INT(110, out->groups.items[0].topics.items[0].partitions.items[1].committed_offset);
    }
    group_topic.topic_id.bytes[3] ^= 1;
    out = ask(scene, OFFSET_FETCH, 10, &request);
    CHECK_INT(ERR_UNKNOWN_TOPIC_ID, out->groups.items[0].topics.items[0].partitions.items[0].error_code);
    request.topics.count = -1;
    request.topics.items = NULL;
    group.topics.count = -1;
    group.topics.items = NULL;
    out = ask(scene, OFFSET_FETCH, 7, &request);
    CHECK_INT(1, out->topics.count);
    CHECK_INT(1, out->topics.items[0].partitions.count);
    CHECK_INT(1, out->topics.items[0].partitions.items[0].partition_index);
    out = ask(scene, OFFSET_FETCH, 10, &request);
    CHECK_INT(1, out->groups.items[0].topics.count);
    CHECK(uuid_equal(out->groups.items[0].topics.items[0].topic_id, image_topic(cluster_image(scene->cluster), "students")->id));
    scene_free(scene);
}

TEST(members_commit_with_their_generation_only)
{
    struct scene *scene = scene_new(RELEASE_43);
    int32_t generation;
    const char *member_id;

    CHECK_INT(ERR_ILLEGAL_GENERATION, commit(scene, 8, "x", 3, "students", 0, 5));
    CHECK_INT(ERR_GROUP_ID_NOT_FOUND, commit(scene, 9, "x", 3, "students", 0, 5));
    member_id = join_alone(scene, 9, 5, &generation);
    CHECK_INT(ERR_NONE, commit(scene, 10, member_id, generation, "students", 0, 5));
    CHECK_INT(ERR_ILLEGAL_GENERATION, commit(scene, 10, member_id, generation + 1, "students", 0, 5));
    CHECK_INT(ERR_UNKNOWN_MEMBER_ID, commit(scene, 10, "", -1, "students", 0, 5));
    scene_free(scene);
}

static struct describe_groups_response_group *describe(struct scene *scene, int16_t version, const char *group)
{
    struct describe_groups_request request;

    fields_preset(&describe_groups_request_message, &request);
    request.groups.items = &group;
    request.groups.count = 1;
    request.include_authorized_operations = true;
    return ((struct describe_groups_response *)ask(scene, DESCRIBE, version, &request))->groups.items;
}

TEST(groups_are_described_and_listed)
{
    struct scene *scene = scene_new(RELEASE_ANY);
    const char *states[] = { "STABLE" }, *types[] = { "consumer" };
    struct list_groups_request request;
    struct list_groups_response *list;
    struct describe_groups_response_group *group;
    int32_t generation;

    join_alone(scene, 9, 5, &generation);
    for (int16_t version = 0; version <= 6; version++) {
        group = describe(scene, version, "g");
        CHECK_INT(ERR_NONE, group->error_code);
        CHECK_TEXT("Stable", group->group_state);
        CHECK_TEXT("consumer", group->protocol_type);
        CHECK_TEXT("range", group->protocol_data);
        CHECK_INT(1, group->members.count);
        CHECK_TEXT("tester", group->members.items[0].client_id);
        CHECK_TEXT("/127.0.0.1", group->members.items[0].client_host);
        CHECK_INT(20, group->members.items[0].member_metadata.size);
        CHECK_INT(4, group->members.items[0].member_assignment.size);
        CHECK_INT(version >= 3 ? 3400 : INT32_MIN, group->authorized_operations);
    }
    group = describe(scene, 5, "nope");
    CHECK_INT(ERR_NONE, group->error_code);
    CHECK_TEXT("Dead", group->group_state);
    group = describe(scene, 6, "nope");
    CHECK_INT(ERR_GROUP_ID_NOT_FOUND, group->error_code);
    CHECK_TEXT("Group nope not found.", group->error_message);
    fields_preset(&list_groups_request_message, &request);
    for (int16_t version = 0; version <= 5; version++) {
        list = ask(scene, LIST, version, &request);
        CHECK_INT(1, list->groups.count);
        CHECK_TEXT("consumer", list->groups.items[0].protocol_type);
        if (version >= 4)
            CHECK_TEXT("Stable", list->groups.items[0].group_state);
        if (version >= 5)
            CHECK_TEXT("classic", list->groups.items[0].group_type);
    }
    request.states_filter.items = states;
    request.states_filter.count = 1;
    list = ask(scene, LIST, 5, &request);
    CHECK_INT(1, list->groups.count);
    request.types_filter.items = types;
    request.types_filter.count = 1;
    list = ask(scene, LIST, 5, &request);
    CHECK_INT(0, list->groups.count);
    scene_free(scene);
}

static int16_t delete_group(struct scene *scene, const char *group)
{
    struct delete_groups_request request;
    struct delete_groups_response *out;

    fields_preset(&delete_groups_request_message, &request);
    request.groups_names.items = &group;
    request.groups_names.count = 1;
    out = ask(scene, DELETE, 2, &request);
    CHECK_TEXT(group, out->results.items[0].group_id);
    return out->results.items[0].error_code;
}

static struct offset_delete_response *delete_offset(struct scene *scene, const char *topic)
{
    static struct offset_delete_request_partition partition;
    static struct offset_delete_request_topic in;
    struct offset_delete_request request;

    fields_preset(&offset_delete_request_message, &request);
    in.name = topic;
    in.partitions.items = &partition;
    in.partitions.count = 1;
    request.group_id = "g";
    request.topics.items = &in;
    request.topics.count = 1;
    return ask(scene, OFFSET_DELETE, 0, &request);
}

TEST(groups_and_offsets_are_deleted_when_nobody_uses_them)
{
    struct scene *scene = scene_new(RELEASE_27);
    int32_t generation;

    CHECK_INT(ERR_GROUP_ID_NOT_FOUND, delete_group(scene, "g"));
    CHECK_INT(ERR_GROUP_ID_NOT_FOUND, delete_offset(scene, "students")->error_code);
    CHECK_INT(ERR_NONE, commit(scene, 8, "", -1, "students", 0, 5));
    CHECK_INT(ERR_UNKNOWN_TOPIC_OR_PARTITION, delete_offset(scene, "nope")->topics.items[0].partitions.items[0].error_code);
    CHECK_INT(ERR_NONE, delete_offset(scene, "students")->topics.items[0].partitions.items[0].error_code);
    join_alone(scene, 7, 5, &generation);
    CHECK_INT(ERR_GROUP_SUBSCRIBED_TO_TOPIC, delete_offset(scene, "students")->topics.items[0].partitions.items[0].error_code);
    CHECK_INT(ERR_NON_EMPTY_GROUP, delete_group(scene, "g"));
    queue_run_until(scene->queue, queue_now_us(scene->queue) + 30000000); /* its session ends */
    CHECK_INT(ERR_NONE, delete_group(scene, "g"));
    CHECK_INT(ERR_GROUP_ID_NOT_FOUND, delete_group(scene, "g"));
    scene_free(scene);
}

/* The second member's join waits for the first to come again; when its client goes, nothing of it is left behind. */
TEST(a_parked_join_is_forgotten_when_its_client_goes)
{
    struct scene *scene = scene_new(RELEASE_27);
    struct join_group_request join = join_request("");
    struct call *call;
    int32_t generation;
    const char *member_id = join_alone(scene, 7, 5, &generation);

    call = start_on(scene, scene->second, JOIN, 2, &join);
    CHECK(!call->done);
    CHECK_INT(ERR_REBALANCE_IN_PROGRESS, heartbeat(scene, member_id, generation));
    channel_close(scene->second);
    scene->second = NULL;
    queue_run_until(scene->queue, queue_now_us(scene->queue) + 400000000);
    CHECK(!call->done);
    CHECK_TEXT("Empty", describe(scene, 5, "g")->group_state);
    scene_free(scene);
}
