/* AlterReplicaLogDirs: its bytes and what the broker does with it. */
#include "sim/wire/api/34_alter_replica_log_dirs.h"

#include <string.h>

#include "sim/cluster/log_dirs.h"
#include "sim/wire/wire.h"

static const struct field alter_replica_log_dirs_request_topic_fields[] = {
    FIELD(alter_replica_log_dirs_request_topic, name, T_STRING, 0, NEWEST),
    FIELD_ARRAY(alter_replica_log_dirs_request_topic, partitions, T_INT32, 0, NEWEST),
    { 0 },
};

static const struct field alter_replica_log_dirs_request_dir_fields[] = {
    FIELD(alter_replica_log_dirs_request_dir, path, T_STRING, 0, NEWEST),
    FIELD_STRUCTS(alter_replica_log_dirs_request_dir, topics, alter_replica_log_dirs_request_topic, 0, NEWEST),
    { 0 },
};

static const struct field alter_replica_log_dirs_request_fields[] = {
    FIELD_STRUCTS(alter_replica_log_dirs_request, dirs, alter_replica_log_dirs_request_dir, 0, NEWEST),
    { 0 },
};

const struct message alter_replica_log_dirs_request_message = {
    .name = "AlterReplicaLogDirsRequest",
    .first = 0,
    .last = 2,
    .flexible_since = 2,
    .fields = alter_replica_log_dirs_request_fields,
    .size = sizeof(struct alter_replica_log_dirs_request),
};

static const struct field alter_replica_log_dirs_response_partition_fields[] = {
    FIELD(alter_replica_log_dirs_response_partition, partition_index, T_INT32, 0, NEWEST),
    FIELD(alter_replica_log_dirs_response_partition, error_code, T_INT16, 0, NEWEST),
    { 0 },
};

static const struct field alter_replica_log_dirs_response_topic_fields[] = {
    FIELD(alter_replica_log_dirs_response_topic, topic_name, T_STRING, 0, NEWEST),
    FIELD_STRUCTS(alter_replica_log_dirs_response_topic, partitions, alter_replica_log_dirs_response_partition, 0, NEWEST),
    { 0 },
};

static const struct field alter_replica_log_dirs_response_fields[] = {
    FIELD(alter_replica_log_dirs_response, throttle_time_ms, T_INT32, 0, NEWEST),
    FIELD_STRUCTS(alter_replica_log_dirs_response, results, alter_replica_log_dirs_response_topic, 0, NEWEST),
    { 0 },
};

const struct message alter_replica_log_dirs_response_message = {
    .name = "AlterReplicaLogDirsResponse",
    .first = 0,
    .last = 2,
    .flexible_since = 2,
    .fields = alter_replica_log_dirs_response_fields,
    .size = sizeof(struct alter_replica_log_dirs_response),
};

/* ---- what the broker does ---- */

static struct alter_replica_log_dirs_response_topic *result_of(struct alter_replica_log_dirs_response *answer, const char *name)
{
    for (int32_t i = 0; i < answer->results.count; i++)
        if (!strcmp(answer->results.items[i].topic_name, name))
            return &answer->results.items[i];
    return NULL;
}

/* Results stand by topic, whatever the dirs: first how many there are of each, then they are filled in. */
enum reply handle_alter_replica_log_dirs(struct request *request)
{
    const struct alter_replica_log_dirs_request *in = request->in;
    struct alter_replica_log_dirs_response *answer = request->out;
    size_t room = 0;

    for (int32_t d = 0; d < in->dirs.count; d++)
        room += (size_t)in->dirs.items[d].topics.count;
    REPLY_ARRAY(request, answer->results, room);
    answer->results.count = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int32_t d = 0; d < in->dirs.count; d++)
            for (int32_t t = 0; t < in->dirs.items[d].topics.count; t++) {
                const struct alter_replica_log_dirs_request_topic *topic = &in->dirs.items[d].topics.items[t];
                struct alter_replica_log_dirs_response_topic *result = result_of(answer, topic->name);

                if (!result) {
                    result = &answer->results.items[answer->results.count++];
                    result->topic_name = topic->name;
                }
                if (!pass) {
                    result->partitions.count += topic->partitions.count;
                    continue;
                }
                if (!result->partitions.items) {
                    REPLY_ARRAY(request, result->partitions, (size_t)result->partitions.count);
                    result->partitions.count = 0;
                }
                for (int32_t p = 0; p < topic->partitions.count; p++)
                    result->partitions.items[result->partitions.count++] = (struct alter_replica_log_dirs_response_partition){
                        topic->partitions.items[p], (int16_t)broker_alter_log_dir(request->broker, topic->name, topic->partitions.items[p], in->dirs.items[d].path, NULL) };
            }
    return REPLY_NOW;
}
