/* OffsetForLeaderEpoch: its bytes and what the broker does with it. */
#include "sim/wire/api/23_offset_for_leader_epoch.h"

#include "sim/cluster/log_dirs.h"
#include "sim/cluster/partition.h"
#include "sim/wire/wire.h"

static const struct field offset_for_leader_epoch_request_partition_fields[] = {
    FIELD(offset_for_leader_epoch_request_partition, partition, T_INT32, 0, NEWEST),
    FIELD(offset_for_leader_epoch_request_partition, current_leader_epoch, T_INT32, 2, NEWEST,
          .preset = -1),
    FIELD(offset_for_leader_epoch_request_partition, leader_epoch, T_INT32, 0, NEWEST),
    { 0 },
};

static const struct field offset_for_leader_epoch_request_topic_fields[] = {
    FIELD(offset_for_leader_epoch_request_topic, topic, T_STRING, 0, NEWEST),
    FIELD_STRUCTS(offset_for_leader_epoch_request_topic, partitions,
                  offset_for_leader_epoch_request_partition, 0, NEWEST),
    { 0 },
};

static const struct field offset_for_leader_epoch_request_fields[] = {
    FIELD(offset_for_leader_epoch_request, replica_id, T_INT32, 3, NEWEST, .preset = -2),
    FIELD_STRUCTS(offset_for_leader_epoch_request, topics, offset_for_leader_epoch_request_topic,
                  0, NEWEST),
    { 0 },
};

const struct message offset_for_leader_epoch_request_message = {
    .name = "OffsetForLeaderEpochRequest",
    .first = 0,
    .last = 4,
    .flexible_since = 4,
    .fields = offset_for_leader_epoch_request_fields,
    .size = sizeof(struct offset_for_leader_epoch_request),
};

static const struct field offset_for_leader_epoch_response_partition_fields[] = {
    FIELD(offset_for_leader_epoch_response_partition, error_code, T_INT16, 0, NEWEST),
    FIELD(offset_for_leader_epoch_response_partition, partition, T_INT32, 0, NEWEST),
    FIELD(offset_for_leader_epoch_response_partition, leader_epoch, T_INT32, 1, NEWEST,
          .preset = -1),
    FIELD(offset_for_leader_epoch_response_partition, end_offset, T_INT64, 0, NEWEST, .preset = -1),
    { 0 },
};

static const struct field offset_for_leader_epoch_response_topic_fields[] = {
    FIELD(offset_for_leader_epoch_response_topic, topic, T_STRING, 0, NEWEST),
    FIELD_STRUCTS(offset_for_leader_epoch_response_topic, partitions,
                  offset_for_leader_epoch_response_partition, 0, NEWEST),
    { 0 },
};

static const struct field offset_for_leader_epoch_response_fields[] = {
    FIELD(offset_for_leader_epoch_response, throttle_time_ms, T_INT32, 2, NEWEST),
    FIELD_STRUCTS(offset_for_leader_epoch_response, topics, offset_for_leader_epoch_response_topic,
                  0, NEWEST),
    { 0 },
};

const struct message offset_for_leader_epoch_response_message = {
    .name = "OffsetForLeaderEpochResponse",
    .first = 0,
    .last = 4,
    .flexible_since = 4,
    .fields = offset_for_leader_epoch_response_fields,
    .size = sizeof(struct offset_for_leader_epoch_response),
};

/* ---- what the broker does ---- */

/* Where an epoch ended: the largest that is known and not newer, and where the next one began. Only a leader knows. */
static void answer_partition(struct request *request, const char *topic, const struct offset_for_leader_epoch_request_partition *in,
                             struct offset_for_leader_epoch_response_partition *out)
{
    const struct partition *partition = broker_partition(request->broker, topic, in->partition);
    enum err err;

    *out = (struct offset_for_leader_epoch_response_partition){ .partition = in->partition, .leader_epoch = -1, .end_offset = -1 };
    if (partition)
        err = partition_check(partition, request->version >= 2 ? in->current_leader_epoch : -1, true, NULL);
    else
        err = broker_no_replica(request->broker, topic, in->partition);
    if (!err)
        log_end_offset_for_epoch(partition_log(partition), in->leader_epoch, &out->leader_epoch, &out->end_offset);
    out->error_code = (int16_t)err;
}

enum reply handle_offset_for_leader_epoch(struct request *request)
{
    const struct offset_for_leader_epoch_request *in = request->in;
    struct offset_for_leader_epoch_response *answer = request->out;

    REPLY_ARRAY(request, answer->topics, in->topics.count);
    for (int32_t i = 0; i < in->topics.count; i++) {
        const struct offset_for_leader_epoch_request_topic *topic = &in->topics.items[i];
        struct offset_for_leader_epoch_response_topic *out = &answer->topics.items[i];

        out->topic = topic->topic;
        REPLY_ARRAY(request, out->partitions, topic->partitions.count);
        for (int32_t j = 0; j < topic->partitions.count; j++)
            answer_partition(request, topic->topic, &topic->partitions.items[j], &out->partitions.items[j]);
    }
    return REPLY_NOW;
}
