/* ListOffsets: its bytes and what the broker does with it. */
#include "sim/wire/api/02_list_offsets.h"

#include "sim/cluster/log_dirs.h"
#include "sim/cluster/partition.h"
#include "sim/wire/wire.h"

static const struct field list_offsets_request_partition_fields[] = {
    FIELD(list_offsets_request_partition, partition_index, T_INT32, 0, NEWEST),
    FIELD(list_offsets_request_partition, current_leader_epoch, T_INT32, 4, NEWEST, .preset = -1),
    FIELD(list_offsets_request_partition, timestamp, T_INT64, 0, NEWEST),
    FIELD(list_offsets_request_partition, max_num_offsets, T_INT32, 0, 0, .preset = 1),
    { 0 },
};

static const struct field list_offsets_request_topic_fields[] = {
    FIELD(list_offsets_request_topic, name, T_STRING, 0, NEWEST),
    FIELD_STRUCTS(list_offsets_request_topic, partitions, list_offsets_request_partition, 0,
                  NEWEST),
    { 0 },
};

static const struct field list_offsets_request_fields[] = {
    FIELD(list_offsets_request, replica_id, T_INT32, 0, NEWEST),
    FIELD(list_offsets_request, isolation_level, T_INT8, 2, NEWEST),
    FIELD_STRUCTS(list_offsets_request, topics, list_offsets_request_topic, 0, NEWEST),
    FIELD(list_offsets_request, timeout_ms, T_INT32, 10, NEWEST),
    { 0 },
};

const struct message list_offsets_request_message = {
    .name = "ListOffsetsRequest",
    .first = 0,
    .last = 11,
    .flexible_since = 6,
    .fields = list_offsets_request_fields,
    .size = sizeof(struct list_offsets_request),
};

static const struct field list_offsets_response_partition_fields[] = {
    FIELD(list_offsets_response_partition, partition_index, T_INT32, 0, NEWEST),
    FIELD(list_offsets_response_partition, error_code, T_INT16, 0, NEWEST),
    FIELD_ARRAY(list_offsets_response_partition, old_style_offsets, T_INT64, 0, 0),
    FIELD(list_offsets_response_partition, timestamp, T_INT64, 1, NEWEST, .preset = -1),
    FIELD(list_offsets_response_partition, offset, T_INT64, 1, NEWEST, .preset = -1),
    FIELD(list_offsets_response_partition, leader_epoch, T_INT32, 4, NEWEST, .preset = -1),
    { 0 },
};

static const struct field list_offsets_response_topic_fields[] = {
    FIELD(list_offsets_response_topic, name, T_STRING, 0, NEWEST),
    FIELD_STRUCTS(list_offsets_response_topic, partitions, list_offsets_response_partition, 0,
                  NEWEST),
    { 0 },
};

static const struct field list_offsets_response_fields[] = {
    FIELD(list_offsets_response, throttle_time_ms, T_INT32, 2, NEWEST),
    FIELD_STRUCTS(list_offsets_response, topics, list_offsets_response_topic, 0, NEWEST),
    { 0 },
};

const struct message list_offsets_response_message = {
    .name = "ListOffsetsResponse",
    .first = 0,
    .last = 11,
    .flexible_since = 6,
    .fields = list_offsets_response_fields,
    .size = sizeof(struct list_offsets_response),
};

/* ---- what the broker does ---- */

enum { LATEST = -1, EARLIEST = -2, MAX_TIMESTAMP = -3, EARLIEST_LOCAL = -4, LATEST_TIERED = -5, EARLIEST_PENDING_UPLOAD = -6 };
enum { CONSUMER = -1, DEBUGGING_CONSUMER = -2 }; /* the second asks any replica, and sees what is not replicated yet */

/* What stands for an offset, and the version that brought it. */
static const struct {
    int64_t timestamp;
    int16_t since;
} specials[] = {
    { LATEST, 0 }, { EARLIEST, 0 }, { MAX_TIMESTAMP, 7 }, { EARLIEST_LOCAL, 8 }, { LATEST_TIERED, 9 }, { EARLIEST_PENDING_UPLOAD, 11 },
};

static bool is_known(int64_t timestamp, int16_t version)
{
    for (size_t i = 0; i < sizeof(specials) / sizeof(*specials); i++)
        if (specials[i].timestamp == timestamp)
            return version >= specials[i].since;
    return timestamp >= 0;
}

/* The epoch of the batch at `offset`, by the leader epochs kept. */
static int32_t epoch_at(struct log *log, int64_t offset)
{
    struct log_cursor cursor;
    struct batch batch;
    int32_t epoch = -1;

    if (offset >= log_end_offset(log))
        return log_latest_epoch(log);
    log_cursor_init(&cursor, log, offset, true);
    if (log_cursor_next(&cursor, &batch))
        epoch = batch.leader_epoch;
    log_cursor_done(&cursor);
    return epoch;
}

static enum err find_offset(struct log *log, int64_t timestamp, int64_t bound, struct log_found *out)
{
    enum err err;

    *out = (struct log_found){ -1, -1, -1 };
    switch (timestamp) {
    case LATEST: *out = (struct log_found){ bound, -1, log_latest_epoch(log) }; return ERR_OK;
    case EARLIEST:
    case EARLIEST_LOCAL:
        *out = (struct log_found){ log_start_offset(log), -1, epoch_at(log, log_start_offset(log)) };
        return ERR_OK;
    case MAX_TIMESTAMP: return log_offset_of_max_timestamp(log, out, NULL);
    case LATEST_TIERED: /* nothing is tiered */
    case EARLIEST_PENDING_UPLOAD: return ERR_OK;
    }
    err = log_offset_for_time(log, timestamp, out, NULL);
    if (!err && out->offset >= bound)
        *out = (struct log_found){ -1, -1, -1 };
    return err;
}

/* Version 0: offsets of segments that are not younger than the timestamp, newest first (Kafka's legacyFetchOffsetsBefore). */
static void list_old_style(struct request *request, struct log *log, const struct list_offsets_request_partition *in, int64_t bound,
                           struct list_offsets_response_partition *out)
{
    size_t count = log_segment_count(log);
    int32_t most = in->max_num_offsets < 0 ? 0 : in->max_num_offsets;

    if ((size_t)most > count + 1)
        most = (int32_t)count + 1;
    REPLY_ARRAY(request, out->old_style_offsets, most);
    out->old_style_offsets.count = 0;
    if (in->timestamp == LATEST && most > 0)
        out->old_style_offsets.items[out->old_style_offsets.count++] = bound;
    if (in->timestamp == EARLIEST && most > 0) {
        out->old_style_offsets.items[out->old_style_offsets.count++] = log_start_offset(log);
        return;
    }
    for (size_t i = count; i-- > 0 && out->old_style_offsets.count < most;) {
        struct segment_info segment;

        log_segment_get(log, i, &segment);
        if (segment.state == SEGMENT_DELETED || segment.base_offset == bound)
            continue;
        if (in->timestamp == LATEST || segment.mtime_ms <= in->timestamp)
            out->old_style_offsets.items[out->old_style_offsets.count++] =
                segment.base_offset > log_start_offset(log) ? segment.base_offset : log_start_offset(log);
    }
}

static enum err find_partition(const struct request *request, const char *topic, const struct list_offsets_request_partition *in,
                               struct partition **out)
{
    const struct list_offsets_request *all = request->in;

    *out = broker_partition(request->broker, topic, in->partition_index);
    if (*out)
        return partition_check(*out, request->version >= 4 ? in->current_leader_epoch : -1, all->replica_id != DEBUGGING_CONSUMER, NULL);
    return broker_no_replica(request->broker, topic, in->partition_index);
}

/* A new leader whose high watermark has not come as far as its epoch: what is latest for a consumer, nobody knows yet. */
static bool lags_behind_its_epoch(const struct request *request, const struct partition *partition)
{
    const struct list_offsets_request *all = request->in;

    return all->replica_id == CONSUMER && partition_epoch_start_offset(partition) > log_high_watermark(partition_log(partition));
}

static void list_partition(struct request *request, const char *topic, const struct list_offsets_request_partition *in,
                           struct list_offsets_response_partition *out)
{
    const struct list_offsets_request *all = request->in;
    struct log_found found = { -1, -1, -1 };
    struct partition *partition = NULL;
    int64_t bound, timestamp = in->timestamp;
    enum err err;

    *out = (struct list_offsets_response_partition){ .partition_index = in->partition_index, .timestamp = -1, .offset = -1, .leader_epoch = -1 };
    err = is_known(timestamp, request->version) ? find_partition(request, topic, in, &partition) : ERR_UNSUPPORTED_VERSION;
    if (!err) {
        struct log *log = partition_log(partition);

        bound = all->replica_id != CONSUMER ? log_end_offset(log) : partition_read_bound(partition, request->version >= 2 && all->isolation_level == 1);
        if (timestamp >= 0)
            timestamp += request_shift_ms(request, timestamp);
        if (request->version == 0)
            list_old_style(request, log, in, bound, out);
        else
            err = find_offset(log, timestamp, bound, &found);
        if (!err && request->version > 0 && (timestamp == LATEST || (timestamp >= 0 && found.offset < 0)) && lags_behind_its_epoch(request, partition)) {
            err = request->version >= 5 ? ERR_OFFSET_NOT_AVAILABLE : ERR_LEADER_NOT_AVAILABLE;
            found = (struct log_found){ -1, -1, -1 };
        }
    }
    out->error_code = (int16_t)err;
    out->timestamp = found.timestamp_ms;
    out->offset = found.offset;
    out->leader_epoch = found.leader_epoch;
}

enum reply handle_list_offsets(struct request *request)
{
    const struct list_offsets_request *in = request->in;
    struct list_offsets_response *answer = request->out;

    REPLY_ARRAY(request, answer->topics, in->topics.count);
    for (int32_t i = 0; i < in->topics.count; i++) {
        const struct list_offsets_request_topic *topic = &in->topics.items[i];
        struct list_offsets_response_topic *out = &answer->topics.items[i];

        out->name = topic->name;
        REPLY_ARRAY(request, out->partitions, topic->partitions.count);
        for (int32_t j = 0; j < topic->partitions.count; j++)
            list_partition(request, topic->name, &topic->partitions.items[j], &out->partitions.items[j]);
    }
    return REPLY_NOW;
}
