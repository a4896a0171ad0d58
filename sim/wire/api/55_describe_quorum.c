/* DescribeQuorum: its bytes and what the broker does with it. The active controller answers; a broker hands the question on. */
#include "sim/wire/api/55_describe_quorum.h"

#include <string.h>

#include "sim/cluster/quorum.h"
#include "sim/wire/wire.h"

static const struct field describe_quorum_request_partition_fields[] = {
    FIELD(describe_quorum_request_partition, partition_index, T_INT32, 0, NEWEST),
    { 0 },
};

static const struct field describe_quorum_request_topic_fields[] = {
    FIELD(describe_quorum_request_topic, topic_name, T_STRING, 0, NEWEST),
    FIELD_STRUCTS(describe_quorum_request_topic, partitions, describe_quorum_request_partition, 0, NEWEST),
    { 0 },
};

static const struct field describe_quorum_request_fields[] = {
    FIELD_STRUCTS(describe_quorum_request, topics, describe_quorum_request_topic, 0, NEWEST),
    { 0 },
};

const struct message describe_quorum_request_message = {
    .name = "DescribeQuorumRequest",
    .first = 0,
    .last = 2,
    .flexible_since = 0,
    .fields = describe_quorum_request_fields,
    .size = sizeof(struct describe_quorum_request),
};

static const struct field describe_quorum_response_replica_fields[] = {
    FIELD(describe_quorum_response_replica, replica_id, T_INT32, 0, NEWEST),
    FIELD(describe_quorum_response_replica, replica_directory_id, T_UUID, 2, NEWEST),
    FIELD(describe_quorum_response_replica, log_end_offset, T_INT64, 0, NEWEST),
    FIELD(describe_quorum_response_replica, last_fetch_timestamp, T_INT64, 1, NEWEST, .preset = -1),
    FIELD(describe_quorum_response_replica, last_caught_up_timestamp, T_INT64, 1, NEWEST, .preset = -1),
    { 0 },
};

static const struct field describe_quorum_response_partition_fields[] = {
    FIELD(describe_quorum_response_partition, partition_index, T_INT32, 0, NEWEST),
    FIELD(describe_quorum_response_partition, error_code, T_INT16, 0, NEWEST),
    FIELD(describe_quorum_response_partition, error_message, T_STRING, 2, NEWEST, .null_since = 2),
    FIELD(describe_quorum_response_partition, leader_id, T_INT32, 0, NEWEST),
    FIELD(describe_quorum_response_partition, leader_epoch, T_INT32, 0, NEWEST),
    FIELD(describe_quorum_response_partition, high_watermark, T_INT64, 0, NEWEST),
    FIELD_STRUCTS(describe_quorum_response_partition, current_voters, describe_quorum_response_replica, 0, NEWEST),
    FIELD_STRUCTS(describe_quorum_response_partition, observers, describe_quorum_response_replica, 0, NEWEST),
    { 0 },
};

static const struct field describe_quorum_response_topic_fields[] = {
    FIELD(describe_quorum_response_topic, topic_name, T_STRING, 0, NEWEST),
    FIELD_STRUCTS(describe_quorum_response_topic, partitions, describe_quorum_response_partition, 0, NEWEST),
    { 0 },
};

static const struct field describe_quorum_response_listener_fields[] = {
    FIELD(describe_quorum_response_listener, name, T_STRING, 2, NEWEST),
    FIELD(describe_quorum_response_listener, host, T_STRING, 2, NEWEST),
    FIELD(describe_quorum_response_listener, port, T_UINT16, 2, NEWEST),
    { 0 },
};

static const struct field describe_quorum_response_node_fields[] = {
    FIELD(describe_quorum_response_node, node_id, T_INT32, 2, NEWEST),
    FIELD_STRUCTS(describe_quorum_response_node, listeners, describe_quorum_response_listener, 2, NEWEST),
    { 0 },
};

static const struct field describe_quorum_response_fields[] = {
    FIELD(describe_quorum_response, error_code, T_INT16, 0, NEWEST),
    FIELD(describe_quorum_response, error_message, T_STRING, 2, NEWEST, .null_since = 2),
    FIELD_STRUCTS(describe_quorum_response, topics, describe_quorum_response_topic, 0, NEWEST),
    FIELD_STRUCTS(describe_quorum_response, nodes, describe_quorum_response_node, 2, NEWEST),
    { 0 },
};

const struct message describe_quorum_response_message = {
    .name = "DescribeQuorumResponse",
    .first = 0,
    .last = 2,
    .flexible_since = 0,
    .fields = describe_quorum_response_fields,
    .size = sizeof(struct describe_quorum_response),
};

/* ---- what the broker does ---- */

static void describe(struct request *request, const struct quorum_info *info, struct describe_quorum_response_partition *out)
{
    size_t brokers = cluster_broker_count(request->cluster);

    out->leader_id = info->leader;
    out->leader_epoch = info->epoch;
    out->high_watermark = info->high_watermark;
    REPLY_ARRAY(request, out->current_voters, brokers);
    REPLY_ARRAY(request, out->observers, brokers);
    out->current_voters.count = out->observers.count = 0;
    for (size_t i = 0; i < brokers; i++) {
        struct quorum_replica replica = cluster_quorum_replica(request->cluster, i);
        struct describe_quorum_response_replica row = { replica.broker, replica.directory, replica.known_end_offset, replica.last_fetch_ms, replica.last_caught_up_ms };

        if (replica.voter)
            out->current_voters.items[out->current_voters.count++] = row;
        else if (replica.role != QUORUM_DOWN)
            out->observers.items[out->observers.count++] = row;
    }
}

static void add_nodes(struct request *request, struct describe_quorum_response *answer)
{
    size_t brokers = cluster_broker_count(request->cluster);

    REPLY_ARRAY(request, answer->nodes, brokers);
    answer->nodes.count = 0;
    for (size_t i = 0; i < brokers; i++) {
        struct quorum_replica replica = cluster_quorum_replica(request->cluster, i);
        struct describe_quorum_response_node *node = &answer->nodes.items[answer->nodes.count];

        if (!replica.voter)
            continue;
        answer->nodes.count++;
        node->node_id = replica.broker;
        REPLY_ARRAY(request, node->listeners, 1);
        node->listeners.items[0] = (struct describe_quorum_response_listener){ "CONTROLLER", replica.host, (uint16_t)replica.port };
    }
}

enum reply handle_describe_quorum(struct request *request)
{
    const struct describe_quorum_request *in = request->in;
    struct describe_quorum_response *answer = request->out;
    bool some = false;
    struct quorum_info info;

    if (!cluster_quorum(request->cluster, &info) || info.leader < 0) { /* it waited for one */
        answer->error_code = ERR_REQUEST_TIMED_OUT;
        return REPLY_NOW;
    }
    REPLY_ARRAY(request, answer->topics, in->topics.count);
    for (int32_t t = 0; t < in->topics.count; t++) {
        const struct describe_quorum_request_topic *topic = &in->topics.items[t];
        struct describe_quorum_response_topic *out = &answer->topics.items[t];

        out->topic_name = topic->topic_name;
        REPLY_ARRAY(request, out->partitions, topic->partitions.count);
        for (int32_t p = 0; p < topic->partitions.count; p++) {
            struct describe_quorum_response_partition *partition = &out->partitions.items[p];

            partition->partition_index = topic->partitions.items[p].partition_index;
            if (strcmp(topic->topic_name, "__cluster_metadata") || partition->partition_index) {
                partition->error_code = ERR_UNKNOWN_TOPIC_OR_PARTITION;
                continue;
            }
            describe(request, &info, partition);
            some = true;
        }
    }
    if (some)
        add_nodes(request, answer);
    return REPLY_NOW;
}
