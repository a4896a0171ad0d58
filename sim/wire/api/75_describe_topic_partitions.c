/* DescribeTopicPartitions: its bytes and what the broker does with it. */
#include "sim/wire/api/75_describe_topic_partitions.h"

#include <stdlib.h>
#include <string.h>

#include "sim/wire/wire.h"

static const struct field describe_topic_partitions_request_topic_fields[] = {
    FIELD(describe_topic_partitions_request_topic, name, T_STRING, 0, NEWEST),
    { 0 },
};

static const struct field describe_topic_partitions_request_cursor_fields[] = {
    FIELD(describe_topic_partitions_request_cursor, topic_name, T_STRING, 0, NEWEST),
    FIELD(describe_topic_partitions_request_cursor, partition_index, T_INT32, 0, NEWEST),
    { 0 },
};

static const struct field describe_topic_partitions_request_fields[] = {
    FIELD_STRUCTS(describe_topic_partitions_request, topics,
                  describe_topic_partitions_request_topic, 0, NEWEST),
    FIELD(describe_topic_partitions_request, response_partition_limit, T_INT32, 0, NEWEST,
          .preset = 2000),
    FIELD_STRUCT(describe_topic_partitions_request, cursor,
                 describe_topic_partitions_request_cursor, 0, NEWEST, .null_since = 0),
    { 0 },
};

const struct message describe_topic_partitions_request_message = {
    .name = "DescribeTopicPartitionsRequest",
    .first = 0,
    .last = 0,
    .flexible_since = 0,
    .fields = describe_topic_partitions_request_fields,
    .size = sizeof(struct describe_topic_partitions_request),
};

static const struct field describe_topic_partitions_response_partition_fields[] = {
    FIELD(describe_topic_partitions_response_partition, error_code, T_INT16, 0, NEWEST),
    FIELD(describe_topic_partitions_response_partition, partition_index, T_INT32, 0, NEWEST),
    FIELD(describe_topic_partitions_response_partition, leader_id, T_INT32, 0, NEWEST),
    FIELD(describe_topic_partitions_response_partition, leader_epoch, T_INT32, 0, NEWEST,
          .preset = -1),
    FIELD_ARRAY(describe_topic_partitions_response_partition, replica_nodes, T_INT32, 0, NEWEST),
    FIELD_ARRAY(describe_topic_partitions_response_partition, isr_nodes, T_INT32, 0, NEWEST),
    FIELD_ARRAY(describe_topic_partitions_response_partition, eligible_leader_replicas, T_INT32, 0,
                NEWEST, .null_since = 0, .preset = PRESET_NULL),
    FIELD_ARRAY(describe_topic_partitions_response_partition, last_known_elr, T_INT32, 0, NEWEST,
                .null_since = 0, .preset = PRESET_NULL),
    FIELD_ARRAY(describe_topic_partitions_response_partition, offline_replicas, T_INT32, 0, NEWEST),
    { 0 },
};

static const struct field describe_topic_partitions_response_topic_fields[] = {
    FIELD(describe_topic_partitions_response_topic, error_code, T_INT16, 0, NEWEST),
    FIELD(describe_topic_partitions_response_topic, name, T_STRING, 0, NEWEST, .null_since = 0),
    FIELD(describe_topic_partitions_response_topic, topic_id, T_UUID, 0, NEWEST),
    FIELD(describe_topic_partitions_response_topic, is_internal, T_BOOL, 0, NEWEST),
    FIELD_STRUCTS(describe_topic_partitions_response_topic, partitions,
                  describe_topic_partitions_response_partition, 0, NEWEST),
    FIELD(describe_topic_partitions_response_topic, topic_authorized_operations, T_INT32, 0,
          NEWEST, .preset = INT32_MIN),
    { 0 },
};

static const struct field describe_topic_partitions_response_cursor_fields[] = {
    FIELD(describe_topic_partitions_response_cursor, topic_name, T_STRING, 0, NEWEST),
    FIELD(describe_topic_partitions_response_cursor, partition_index, T_INT32, 0, NEWEST),
    { 0 },
};

static const struct field describe_topic_partitions_response_fields[] = {
    FIELD(describe_topic_partitions_response, throttle_time_ms, T_INT32, 0, NEWEST),
    FIELD_STRUCTS(describe_topic_partitions_response, topics,
                  describe_topic_partitions_response_topic, 0, NEWEST),
    FIELD_STRUCT(describe_topic_partitions_response, next_cursor,
                 describe_topic_partitions_response_cursor, 0, NEWEST, .null_since = 0),
    { 0 },
};

const struct message describe_topic_partitions_response_message = {
    .name = "DescribeTopicPartitionsResponse",
    .first = 0,
    .last = 0,
    .flexible_since = 0,
    .fields = describe_topic_partitions_response_fields,
    .size = sizeof(struct describe_topic_partitions_response),
};

/* ---- what the broker does ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The topics asked for, sorted, each once; all when none is named. Kafka begins at the cursor's topic. */
static size_t gather_names(struct request *request, const char ***out)
{
    const struct describe_topic_partitions_request *in = request->in;
    const struct image *image = broker_image(request->broker);
    size_t count = in->topics.count ? (size_t)in->topics.count : image_topic_count(image), kept = 0;
    const char **names = arena_alloc(&request->arena, count * sizeof(*names));

    for (size_t i = 0; i < count; i++)
        names[i] = in->topics.count ? in->topics.items[i].name : image_topic_at(image, i)->name;
    qsort(names, count, sizeof(*names), by_name);
    for (size_t i = 0; i < count; i++) {
        bool before = in->cursor && strcmp(names[i], in->cursor->topic_name) < 0;

        if (!before && (!kept || strcmp(names[i], names[kept - 1])))
            names[kept++] = names[i];
    }
    *out = names;
    return kept;
}

static bool is_live(const struct image *image, int32_t id)
{
    const struct image_broker *broker = image_broker(image, id);

    return broker && !broker->fenced;
}

static void add_partition(struct request *request, const struct image_partition *partition, int32_t index,
                          struct describe_topic_partitions_response_partition *out)
{
    const struct image *image = broker_image(request->broker);
    bool led = partition->leader >= 0 && is_live(image, partition->leader);

    *out = (struct describe_topic_partitions_response_partition){
        .error_code = led ? ERR_OK : ERR_LEADER_NOT_AVAILABLE, .partition_index = index, .leader_id = led ? partition->leader : -1,
        .leader_epoch = partition->leader_epoch,
    };
    out->replica_nodes.items = partition->replicas;
    out->replica_nodes.count = partition->replica_count;
    out->isr_nodes.items = partition->isr;
    out->isr_nodes.count = partition->isr_count;
    out->eligible_leader_replicas.items = partition->elr;
    out->eligible_leader_replicas.count = partition->elr_count;
    out->last_known_elr.items = partition->last_known_elr;
    out->last_known_elr.count = partition->last_known_elr_count;
    REPLY_ARRAY(request, out->offline_replicas, partition->replica_count);
    out->offline_replicas.count = 0;
    for (int16_t i = 0; i < partition->replica_count; i++)
        if (!is_live(image, partition->replicas[i]))
            out->offline_replicas.items[out->offline_replicas.count++] = partition->replicas[i];
}

/* Partitions from `first` on, at most `most`; the number of the first that is left out, -1: all are in. */
static int32_t add_topic(struct request *request, const char *name, int32_t first, int32_t most,
                         struct describe_topic_partitions_response_topic *out)
{
    const struct image_topic *topic = image_topic(broker_image(request->broker), name);
    int32_t count;

    *out = (struct describe_topic_partitions_response_topic){ .name = name, .topic_authorized_operations = ALL_ON_TOPIC };
    if (!topic) {
        out->error_code = ERR_UNKNOWN_TOPIC_OR_PARTITION;
        out->topic_authorized_operations = OPERATIONS_NOT_ASKED;
        return -1;
    }
    out->topic_id = topic->id;
    out->is_internal = topic->internal;
    count = topic->partition_count - first > most ? most : topic->partition_count - first;
    REPLY_ARRAY(request, out->partitions, count > 0 ? count : 0);
    for (int32_t i = 0; i < count; i++)
        add_partition(request, &topic->partitions[first + i], first + i, &out->partitions.items[i]);
    return first + count < topic->partition_count ? first + count : -1;
}

enum reply handle_describe_topic_partitions(struct request *request)
{
    const struct describe_topic_partitions_request *in = request->in;
    struct describe_topic_partitions_response *answer = request->out;
    struct config_layers layers = broker_config(request->broker);
    int64_t limit = config_long(&layers, "max.request.partition.size.limit");
    const char **names;
    size_t count = gather_names(request, &names);
    int32_t left = in->response_partition_limit < limit ? in->response_partition_limit : (int32_t)limit;

    REPLY_ARRAY(request, answer->topics, count);
    answer->topics.count = 0;
    for (size_t i = 0; i < count; i++) {
        struct describe_topic_partitions_response_topic *out = &answer->topics.items[answer->topics.count];
        int32_t first = in->cursor && !strcmp(in->cursor->topic_name, names[i]) && in->cursor->partition_index > 0 ? in->cursor->partition_index : 0;
        int32_t next = left > 0 ? add_topic(request, names[i], first, left, out) : first;

        if (left > 0)
            answer->topics.count++, left -= out->partitions.count;
        if (next >= 0) {
            answer->next_cursor = arena_alloc(&request->arena, sizeof(*answer->next_cursor));
            *answer->next_cursor = (struct describe_topic_partitions_response_cursor){ names[i], next };
            break;
        }
    }
    return REPLY_NOW;
}
