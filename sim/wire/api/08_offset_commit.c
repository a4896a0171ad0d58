/* OffsetCommit: its bytes and what the broker does with it. */
#include "sim/wire/api/08_offset_commit.h"

#include "sim/cluster/group.h"
#include "sim/wire/api/keep.h"

static const struct field offset_commit_request_partition_fields[] = {
    FIELD(offset_commit_request_partition, partition_index, T_INT32, 0, NEWEST),
    FIELD(offset_commit_request_partition, committed_offset, T_INT64, 0, NEWEST),
    FIELD(offset_commit_request_partition, committed_leader_epoch, T_INT32, 6, NEWEST,
          .preset = -1),
    FIELD(offset_commit_request_partition, commit_timestamp, T_INT64, 1, 1, .preset = -1),
    FIELD(offset_commit_request_partition, committed_metadata, T_STRING, 0, NEWEST,
          .null_since = 0),
    { 0 },
};

static const struct field offset_commit_request_topic_fields[] = {
    FIELD(offset_commit_request_topic, name, T_STRING, 0, 9),
    FIELD(offset_commit_request_topic, topic_id, T_UUID, 10, NEWEST),
    FIELD_STRUCTS(offset_commit_request_topic, partitions, offset_commit_request_partition, 0,
                  NEWEST),
    { 0 },
};

static const struct field offset_commit_request_fields[] = {
    FIELD(offset_commit_request, group_id, T_STRING, 0, NEWEST),
    FIELD(offset_commit_request, generation_id_or_member_epoch, T_INT32, 1, NEWEST, .preset = -1),
    FIELD(offset_commit_request, member_id, T_STRING, 1, NEWEST),
    FIELD(offset_commit_request, group_instance_id, T_STRING, 7, NEWEST, .null_since = 7,
          .preset = PRESET_NULL),
    FIELD(offset_commit_request, retention_time_ms, T_INT64, 2, 4, .preset = -1),
    FIELD_STRUCTS(offset_commit_request, topics, offset_commit_request_topic, 0, NEWEST),
    { 0 },
};

const struct message offset_commit_request_message = {
    .name = "OffsetCommitRequest",
    .first = 0,
    .last = 10,
    .flexible_since = 8,
    .fields = offset_commit_request_fields,
    .size = sizeof(struct offset_commit_request),
};

static const struct field offset_commit_response_partition_fields[] = {
    FIELD(offset_commit_response_partition, partition_index, T_INT32, 0, NEWEST),
    FIELD(offset_commit_response_partition, error_code, T_INT16, 0, NEWEST),
    { 0 },
};

static const struct field offset_commit_response_topic_fields[] = {
    FIELD(offset_commit_response_topic, name, T_STRING, 0, 9),
    FIELD(offset_commit_response_topic, topic_id, T_UUID, 10, NEWEST),
    FIELD_STRUCTS(offset_commit_response_topic, partitions, offset_commit_response_partition, 0,
                  NEWEST),
    { 0 },
};

static const struct field offset_commit_response_fields[] = {
    FIELD(offset_commit_response, throttle_time_ms, T_INT32, 3, NEWEST),
    FIELD_STRUCTS(offset_commit_response, topics, offset_commit_response_topic, 0, NEWEST),
    { 0 },
};

const struct message offset_commit_response_message = {
    .name = "OffsetCommitResponse",
    .first = 0,
    .last = 10,
    .flexible_since = 8,
    .fields = offset_commit_response_fields,
    .size = sizeof(struct offset_commit_response),
};

/* ---- the handler ---- */

struct commit { /* what waits for the coordinator */
    struct group_call call;
    struct group_commit commit;
    int16_t **codes; /* where in the answer each offset's error goes */
};

/* A partition's code before the coordinator is asked: only those that exist are. From version 10 topics come by id. */
static enum err check(const struct request *request, const struct offset_commit_request_topic *topic, int32_t partition, const char **name)
{
    const struct image *image = broker_image(request->broker);
    const struct image_topic *found = request->version >= 10 ? image_topic_by_id(image, topic->topic_id) : image_topic(image, topic->name);

    if (!found)
        return request->version >= 10 ? ERR_UNKNOWN_TOPIC_ID : ERR_UNKNOWN_TOPIC_OR_PARTITION;
    *name = found->name;
    return partition >= 0 && partition < found->partition_count ? ERR_OK : ERR_UNKNOWN_TOPIC_OR_PARTITION;
}

static void gather(struct request *request, struct commit *commit)
{
    const struct offset_commit_request *in = request->in;
    struct offset_commit_response *out = request->out;
    int32_t most = 0;

    for (int32_t t = 0; t < in->topics.count; t++)
        most += in->topics.items[t].partitions.count;
    commit->commit.offsets = arena_alloc(&request->arena, (size_t)most * sizeof(*commit->commit.offsets) + 1);
    commit->codes = arena_alloc(&request->arena, (size_t)most * sizeof(*commit->codes) + 1);
    REPLY_ARRAY(request, out->topics, in->topics.count);
    for (int32_t t = 0; t < in->topics.count; t++) {
        const struct offset_commit_request_topic *topic = &in->topics.items[t];
        struct offset_commit_response_topic *answer = &out->topics.items[t];

        answer->name = topic->name;
        answer->topic_id = topic->topic_id;
        REPLY_ARRAY(request, answer->partitions, topic->partitions.count);
        for (int32_t p = 0; p < topic->partitions.count; p++) {
            const struct offset_commit_request_partition *from = &topic->partitions.items[p];
            const char *name = NULL;
            enum err err = check(request, topic, from->partition_index, &name);

            answer->partitions.items[p] = (struct offset_commit_response_partition){ from->partition_index, (int16_t)err };
            if (err)
                continue;
            commit->codes[commit->commit.count] = &answer->partitions.items[p].error_code;
            commit->commit.offsets[commit->commit.count++] = (struct group_offset){
                .topic = keep_text(request, name), .partition = from->partition_index, .offset = from->committed_offset,
                .leader_epoch = from->committed_leader_epoch, .metadata = text_or_empty(from->committed_metadata),
            };
        }
    }
}

static void on_committed(void *context)
{
    struct request *request = context;
    struct commit *commit = request->state;

    for (int32_t i = 0; i < commit->commit.count; i++)
        *commit->codes[i] = (int16_t)commit->commit.offsets[i].err;
    request_reply(request);
}

/* A generation of a group that does not exist: newer clients are told so. */
static bool group_is_unknown(struct request *request, const char *group)
{
    struct group_info info;

    return !group_describe(request->broker, group, &request->arena, &info) && info.state == GROUP_DEAD;
}

enum reply handle_offset_commit(struct request *request)
{
    const struct offset_commit_request *in = request->in;
    struct commit *commit = arena_alloc(&request->arena, sizeof(*commit));

    gather(request, commit);
    if (!commit->commit.count)
        return REPLY_NOW;
    if (request->version >= 9 && in->generation_id_or_member_epoch >= 0 && group_is_unknown(request, in->group_id)) {
        for (int32_t i = 0; i < commit->commit.count; i++)
            *commit->codes[i] = ERR_GROUP_ID_NOT_FOUND;
        return REPLY_NOW;
    }
    commit->commit.group = in->group_id;
    commit->commit.member_id = text_or_empty(in->member_id);
    commit->commit.instance_id = in->group_instance_id;
    commit->commit.generation = in->generation_id_or_member_epoch;
    commit->commit.retention_ms = in->retention_time_ms;
    commit->call = (struct group_call){ .committed = on_committed, .context = request };
    request->state = commit;
    group_move_timers(request->broker, in->group_id, commit->commit.member_id, request_timers(request));
    group_commit(request->broker, &commit->commit, &commit->call);
    return REPLY_LATER;
}

void cancel_offset_commit(struct request *request)
{
    struct commit *commit = request->state;

    group_call_forget(&commit->call);
}
