/* DeleteRecords: its bytes and what the broker does with it. */
#include "sim/wire/api/21_delete_records.h"

#include "sim/cluster/partition.h"
#include "sim/wire/wire.h"

static const struct field delete_records_request_partition_fields[] = {
    FIELD(delete_records_request_partition, partition_index, T_INT32, 0, NEWEST),
    FIELD(delete_records_request_partition, offset, T_INT64, 0, NEWEST),
    { 0 },
};

static const struct field delete_records_request_topic_fields[] = {
    FIELD(delete_records_request_topic, name, T_STRING, 0, NEWEST),
    FIELD_STRUCTS(delete_records_request_topic, partitions, delete_records_request_partition, 0,
                  NEWEST),
    { 0 },
};

static const struct field delete_records_request_fields[] = {
    FIELD_STRUCTS(delete_records_request, topics, delete_records_request_topic, 0, NEWEST),
    FIELD(delete_records_request, timeout_ms, T_INT32, 0, NEWEST),
    { 0 },
};

const struct message delete_records_request_message = {
    .name = "DeleteRecordsRequest",
    .first = 0,
    .last = 2,
    .flexible_since = 2,
    .fields = delete_records_request_fields,
    .size = sizeof(struct delete_records_request),
};

static const struct field delete_records_response_partition_fields[] = {
    FIELD(delete_records_response_partition, partition_index, T_INT32, 0, NEWEST),
    FIELD(delete_records_response_partition, low_watermark, T_INT64, 0, NEWEST),
    FIELD(delete_records_response_partition, error_code, T_INT16, 0, NEWEST),
    { 0 },
};

static const struct field delete_records_response_topic_fields[] = {
    FIELD(delete_records_response_topic, name, T_STRING, 0, NEWEST),
    FIELD_STRUCTS(delete_records_response_topic, partitions, delete_records_response_partition, 0,
                  NEWEST),
    { 0 },
};

static const struct field delete_records_response_fields[] = {
    FIELD(delete_records_response, throttle_time_ms, T_INT32, 0, NEWEST),
    FIELD_STRUCTS(delete_records_response, topics, delete_records_response_topic, 0, NEWEST),
    { 0 },
};

const struct message delete_records_response_message = {
    .name = "DeleteRecordsResponse",
    .first = 0,
    .last = 2,
    .flexible_since = 2,
    .fields = delete_records_response_fields,
    .size = sizeof(struct delete_records_response),
};

/* ---- what the broker does ---- */

static enum err delete_before(struct request *request, const char *topic, const struct delete_records_request_partition *in,
                              int64_t *low_watermark)
{
    const struct image *image = broker_image(request->broker);
    const struct image_topic *known = image_topic(image, topic);
    struct partition *partition;
    struct reason reason = { "" };

    if (!known || !image_partition(image, topic, in->partition_index))
        return ERR_UNKNOWN_TOPIC_OR_PARTITION;
    if (known->internal)
        return ERR_INVALID_TOPIC_EXCEPTION;
    partition = broker_partition(request->broker, topic, in->partition_index);
    return partition ? partition_delete_records(partition, in->offset, low_watermark, &reason) : ERR_NOT_LEADER_OR_FOLLOWER;
}

/* Followers hear of it with their next fetch; the leader's new start is the answer, without waiting for theirs. */
enum reply handle_delete_records(struct request *request)
{
    const struct delete_records_request *in = request->in;
    struct delete_records_response *answer = request->out;

    REPLY_ARRAY(request, answer->topics, in->topics.count);
    for (int32_t t = 0; t < in->topics.count; t++) {
        const struct delete_records_request_topic *topic = &in->topics.items[t];
        struct delete_records_response_topic *out = &answer->topics.items[t];

        out->name = topic->name;
        REPLY_ARRAY(request, out->partitions, topic->partitions.count);
        for (int32_t p = 0; p < topic->partitions.count; p++) {
            int64_t low_watermark = -1;
            enum err err = delete_before(request, topic->name, &topic->partitions.items[p], &low_watermark);

            out->partitions.items[p] = (struct delete_records_response_partition){
                .partition_index = topic->partitions.items[p].partition_index,
                .low_watermark = err ? -1 : low_watermark, .error_code = (int16_t)err,
            };
        }
    }
    return REPLY_NOW;
}
