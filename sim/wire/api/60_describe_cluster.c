/* DescribeCluster: its bytes and what the broker does with it. */
#include "sim/wire/api/60_describe_cluster.h"

#include "sim/wire/wire.h"

static const struct field describe_cluster_request_fields[] = {
    FIELD(describe_cluster_request, include_cluster_authorized_operations, T_BOOL, 0, NEWEST),
    FIELD(describe_cluster_request, endpoint_type, T_INT8, 1, NEWEST, .preset = 1),
    FIELD(describe_cluster_request, include_fenced_brokers, T_BOOL, 2, NEWEST),
    { 0 },
};

const struct message describe_cluster_request_message = {
    .name = "DescribeClusterRequest",
    .first = 0,
    .last = 2,
    .flexible_since = 0,
    .fields = describe_cluster_request_fields,
    .size = sizeof(struct describe_cluster_request),
};

static const struct field describe_cluster_response_broker_fields[] = {
    FIELD(describe_cluster_response_broker, broker_id, T_INT32, 0, NEWEST),
    FIELD(describe_cluster_response_broker, host, T_STRING, 0, NEWEST),
    FIELD(describe_cluster_response_broker, port, T_INT32, 0, NEWEST),
    FIELD(describe_cluster_response_broker, rack, T_STRING, 0, NEWEST, .null_since = 0,
          .preset = PRESET_NULL),
    FIELD(describe_cluster_response_broker, is_fenced, T_BOOL, 2, NEWEST),
    { 0 },
};

static const struct field describe_cluster_response_fields[] = {
    FIELD(describe_cluster_response, throttle_time_ms, T_INT32, 0, NEWEST),
    FIELD(describe_cluster_response, error_code, T_INT16, 0, NEWEST),
    FIELD(describe_cluster_response, error_message, T_STRING, 0, NEWEST, .null_since = 0,
          .preset = PRESET_NULL),
    FIELD(describe_cluster_response, endpoint_type, T_INT8, 1, NEWEST, .preset = 1),
    FIELD(describe_cluster_response, cluster_id, T_STRING, 0, NEWEST),
    FIELD(describe_cluster_response, controller_id, T_INT32, 0, NEWEST, .preset = -1),
    FIELD_STRUCTS(describe_cluster_response, brokers, describe_cluster_response_broker, 0, NEWEST),
    FIELD(describe_cluster_response, cluster_authorized_operations, T_INT32, 0, NEWEST,
          .preset = INT32_MIN),
    { 0 },
};

const struct message describe_cluster_response_message = {
    .name = "DescribeClusterResponse",
    .first = 0,
    .last = 2,
    .flexible_since = 0,
    .fields = describe_cluster_response_fields,
    .size = sizeof(struct describe_cluster_response),
};

/* ---- what the broker does ---- */

enum { ENDPOINT_BROKERS = 1, ENDPOINT_CONTROLLERS = 2 };

enum reply handle_describe_cluster(struct request *request)
{
    const struct describe_cluster_request *in = request->in;
    struct describe_cluster_response *answer = request->out;
    const struct image *image = broker_image(request->broker);

    answer->cluster_authorized_operations = in->include_cluster_authorized_operations ? ALL_ON_CLUSTER : OPERATIONS_NOT_ASKED;
    answer->controller_id = -1;
    answer->error_message = NULL;
    if (request->version >= 1 && in->endpoint_type != ENDPOINT_BROKERS) {
        answer->error_code = in->endpoint_type == ENDPOINT_CONTROLLERS ? ERR_MISMATCHED_ENDPOINT_TYPE : ERR_UNSUPPORTED_ENDPOINT_TYPE;
        answer->error_message = in->endpoint_type == ENDPOINT_CONTROLLERS
                                    ? "The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER"
                                    : arena_printf(&request->arena, "Unsupported endpoint type %d", in->endpoint_type);
        return REPLY_NOW;
    }
    answer->endpoint_type = ENDPOINT_BROKERS;
    answer->cluster_id = image_cluster_id(image);
    answer->controller_id = request_controller(request);
    REPLY_ARRAY(request, answer->brokers, image_broker_count(image));
    answer->brokers.count = 0;
    for (size_t i = 0; i < image_broker_count(image); i++) {
        const struct image_broker *broker = image_broker_at(image, i);
        struct wire_node node;

        if (request_node(request, broker->id, &node))
            answer->brokers.items[answer->brokers.count++] =
                (struct describe_cluster_response_broker){ broker->id, node.host, node.port, node.rack, false };
        else if (in->include_fenced_brokers)
            answer->brokers.items[answer->brokers.count++] =
                (struct describe_cluster_response_broker){ broker->id, broker->host, broker->port, broker->rack, true };
    }
    return REPLY_NOW;
}
