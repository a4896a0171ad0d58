/* Metadata: its bytes and what the broker does with it. */
#include "sim/wire/api/03_metadata.h"

#include <string.h>

#include "sim/wire/wire.h"

static const struct field metadata_request_topic_fields[] = {
    FIELD(metadata_request_topic, topic_id, T_UUID, 10, NEWEST),
    FIELD(metadata_request_topic, name, T_STRING, 0, NEWEST, .null_since = 10),
    { 0 },
};

static const struct field metadata_request_fields[] = {
    FIELD_STRUCTS(metadata_request, topics, metadata_request_topic, 0, NEWEST, .null_since = 1),
    FIELD(metadata_request, allow_auto_topic_creation, T_BOOL, 4, NEWEST, .preset = 1),
    FIELD(metadata_request, include_cluster_authorized_operations, T_BOOL, 8, 10),
    FIELD(metadata_request, include_topic_authorized_operations, T_BOOL, 8, NEWEST),
    { 0 },
};

const struct message metadata_request_message = {
    .name = "MetadataRequest",
    .first = 0,
    .last = 13,
    .flexible_since = 9,
    .fields = metadata_request_fields,
    .size = sizeof(struct metadata_request),
};

static const struct field metadata_response_broker_fields[] = {
    FIELD(metadata_response_broker, node_id, T_INT32, 0, NEWEST),
    FIELD(metadata_response_broker, host, T_STRING, 0, NEWEST),
    FIELD(metadata_response_broker, port, T_INT32, 0, NEWEST),
    FIELD(metadata_response_broker, rack, T_STRING, 1, NEWEST, .null_since = 1,
          .preset = PRESET_NULL),
    { 0 },
};

static const struct field metadata_response_partition_fields[] = {
    FIELD(metadata_response_partition, error_code, T_INT16, 0, NEWEST),
    FIELD(metadata_response_partition, partition_index, T_INT32, 0, NEWEST),
    FIELD(metadata_response_partition, leader_id, T_INT32, 0, NEWEST),
    FIELD(metadata_response_partition, leader_epoch, T_INT32, 7, NEWEST, .preset = -1),
    FIELD_ARRAY(metadata_response_partition, replica_nodes, T_INT32, 0, NEWEST),
    FIELD_ARRAY(metadata_response_partition, isr_nodes, T_INT32, 0, NEWEST),
    FIELD_ARRAY(metadata_response_partition, offline_replicas, T_INT32, 5, NEWEST),
    { 0 },
};

static const struct field metadata_response_topic_fields[] = {
    FIELD(metadata_response_topic, error_code, T_INT16, 0, NEWEST),
    FIELD(metadata_response_topic, name, T_STRING, 0, NEWEST, .null_since = 12),
    FIELD(metadata_response_topic, topic_id, T_UUID, 10, NEWEST),
    FIELD(metadata_response_topic, is_internal, T_BOOL, 1, NEWEST),
    FIELD_STRUCTS(metadata_response_topic, partitions, metadata_response_partition, 0, NEWEST),
    FIELD(metadata_response_topic, topic_authorized_operations, T_INT32, 8, NEWEST,
          .preset = INT32_MIN),
    { 0 },
};

static const struct field metadata_response_fields[] = {
    FIELD(metadata_response, throttle_time_ms, T_INT32, 3, NEWEST),
    FIELD_STRUCTS(metadata_response, brokers, metadata_response_broker, 0, NEWEST),
    FIELD(metadata_response, cluster_id, T_STRING, 2, NEWEST, .null_since = 2,
          .preset = PRESET_NULL),
    FIELD(metadata_response, controller_id, T_INT32, 1, NEWEST, .preset = -1),
    FIELD_STRUCTS(metadata_response, topics, metadata_response_topic, 0, NEWEST),
    FIELD(metadata_response, cluster_authorized_operations, T_INT32, 8, 10, .preset = INT32_MIN),
    FIELD(metadata_response, error_code, T_INT16, 13, NEWEST),
    { 0 },
};

const struct message metadata_response_message = {
    .name = "MetadataResponse",
    .first = 0,
    .last = 13,
    .flexible_since = 9,
    .fields = metadata_response_fields,
    .size = sizeof(struct metadata_response),
};

/* ---- what the broker does ---- */

static void add_brokers(struct request *request, struct metadata_response *answer)
{
    const struct image *image = broker_image(request->broker);

    REPLY_ARRAY(request, answer->brokers, image_broker_count(image));
    answer->brokers.count = 0;
    for (size_t i = 0; i < image_broker_count(image); i++) {
        int32_t id = image_broker_at(image, i)->id;
        struct wire_node node;

        if (request_node(request, id, &node))
            answer->brokers.items[answer->brokers.count++] = (struct metadata_response_broker){ id, node.host, node.port, node.rack };
    }
}

static bool is_live(const struct image *image, int32_t id)
{
    const struct image_broker *broker = image_broker(image, id);

    return broker && !broker->fenced;
}

static void add_partition(struct request *request, const struct image_partition *partition, int32_t index,
                          struct metadata_response_partition *out)
{
    const struct image *image = broker_image(request->broker);

    *out = (struct metadata_response_partition){ .partition_index = index, .leader_id = partition->leader, .leader_epoch = partition->leader_epoch };
    out->replica_nodes.items = partition->replicas; /* the image doesn't change before the answer is encoded */
    out->replica_nodes.count = partition->replica_count;
    out->isr_nodes.items = partition->isr;
    out->isr_nodes.count = partition->isr_count;
    if (partition->leader < 0 || !is_live(image, partition->leader)) {
        out->error_code = ERR_LEADER_NOT_AVAILABLE;
        out->leader_id = -1;
    }
    for (int16_t i = 0; i < partition->replica_count; i++) {
        if (is_live(image, partition->replicas[i]))
            continue;
        if (!out->offline_replicas.items) {
            REPLY_ARRAY(request, out->offline_replicas, partition->replica_count);
            out->offline_replicas.count = 0;
        }
        out->offline_replicas.items[out->offline_replicas.count++] = partition->replicas[i];
    }
}

static void add_topic(struct request *request, const struct image_topic *topic, struct metadata_response_topic *out)
{
    const struct metadata_request *in = request->in;

    *out = (struct metadata_response_topic){
        .name = topic->name, .topic_id = topic->id, .is_internal = topic->internal,
        .topic_authorized_operations = in->include_topic_authorized_operations ? ALL_ON_TOPIC : OPERATIONS_NOT_ASKED,
    };
    REPLY_ARRAY(request, out->partitions, topic->partition_count);
    for (int32_t i = 0; i < topic->partition_count; i++)
        add_partition(request, &topic->partitions[i], i, &out->partitions.items[i]);
}

/* A topic that isn't there: made, where it may be. The client is told to come again, as Kafka tells it: 2.7 says that the leader isn't
 * known yet, 4.3 that the topic isn't. */
static enum err missing_topic(struct request *request, const char *name)
{
    const struct metadata_request *in = request->in;
    struct config_layers layers = broker_config(request->broker);
    bool old = release_is_27(cluster_release(request->cluster));
    bool internal = !strcmp(name, "__consumer_offsets") || !strcmp(name, "__transaction_state");
    bool may = (request->version < 4 || in->allow_auto_topic_creation) && config_boolean(&layers, "auto.create.topics.enable");
    enum err err;

    if ((!may && !(old && internal)) || request_is_guest(request))
        return ERR_UNKNOWN_TOPIC_OR_PARTITION;
    if (internal)
        err = controller_ensure_internal_topic(request->cluster, name, NULL, NULL);
    else
        err = controller_create_topic(request->cluster, &(struct create_topic){ .name = name, .partition_count = -1, .replication_factor = -1 },
                                      false, NULL, NULL, NULL);
    if (err == ERR_INVALID_TOPIC_EXCEPTION || (old && err && err != ERR_TOPIC_ALREADY_EXISTS))
        return err;
    return old ? ERR_LEADER_NOT_AVAILABLE : ERR_UNKNOWN_TOPIC_OR_PARTITION;
}

static const struct image_topic *find_topic(const struct request *request, const struct metadata_request_topic *asked)
{
    const struct image *image = broker_image(request->broker);

    const struct image_topic *topic = asked->name ? image_topic(image, asked->name) : NULL;

    if (request->version >= 10 && !uuid_is_zero(asked->topic_id))
        topic = image_topic_by_id(image, asked->topic_id);
    return topic && !topic->deleting ? topic : NULL; /* 2.7's controller tells brokers to forget it before it is gone */
}

static void answer_missing(struct request *request, const struct metadata_request_topic *asked, struct metadata_response_topic *out)
{
    *out = (struct metadata_response_topic){ .name = asked->name, .topic_id = asked->topic_id, .topic_authorized_operations = OPERATIONS_NOT_ASKED };
    if (request->version >= 10 && !uuid_is_zero(asked->topic_id))
        out->error_code = ERR_UNKNOWN_TOPIC_ID;
    else if (asked->name)
        out->error_code = (int16_t)missing_topic(request, asked->name);
    else
        out->error_code = ERR_INVALID_REQUEST;
    if (!out->name && request->version < 12)
        out->name = "";
    out->is_internal = out->name && (!strcmp(out->name, "__consumer_offsets") || !strcmp(out->name, "__transaction_state"));
}

/* First the missing ones: making them changes what the image points to. */
static void answer_topics(struct request *request, struct metadata_response *answer)
{
    const struct metadata_request *in = request->in;

    REPLY_ARRAY(request, answer->topics, in->topics.count);
    for (int32_t i = 0; i < in->topics.count; i++)
        if (!find_topic(request, &in->topics.items[i]))
            answer_missing(request, &in->topics.items[i], &answer->topics.items[i]);
    for (int32_t i = 0; i < in->topics.count; i++)
        if (!answer->topics.items[i].error_code)
            add_topic(request, find_topic(request, &in->topics.items[i]), &answer->topics.items[i]);
}

static void answer_all(struct request *request, struct metadata_response *answer)
{
    const struct image *image = broker_image(request->broker);

    REPLY_ARRAY(request, answer->topics, image_topic_count(image));
    answer->topics.count = 0;
    for (size_t i = 0; i < image_topic_count(image); i++)
        if (!image_topic_at(image, i)->deleting)
            add_topic(request, image_topic_at(image, i), &answer->topics.items[answer->topics.count++]);
}

enum reply handle_metadata(struct request *request)
{
    const struct metadata_request *in = request->in;
    struct metadata_response *answer = request->out;
    const struct image *image = broker_image(request->broker);

    if (in->topics.count < 0 || (request->version == 0 && in->topics.count == 0))
        answer_all(request, answer);
    else
        answer_topics(request, answer);
    add_brokers(request, answer);
    answer->cluster_id = image_cluster_id(image);
    answer->controller_id = request_controller(request);
    answer->cluster_authorized_operations = in->include_cluster_authorized_operations ? ALL_ON_CLUSTER : OPERATIONS_NOT_ASKED;
    return REPLY_NOW;
}
