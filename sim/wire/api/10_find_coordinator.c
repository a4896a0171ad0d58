/* FindCoordinator: its bytes and what the broker does with it. */
#include "sim/wire/api/10_find_coordinator.h"

#include "sim/cluster/group.h"
#include "sim/wire/api/keep.h"

static const struct field find_coordinator_request_fields[] = {
    FIELD(find_coordinator_request, key, T_STRING, 0, 3),
    FIELD(find_coordinator_request, key_type, T_INT8, 1, NEWEST),
    FIELD_ARRAY(find_coordinator_request, coordinator_keys, T_STRING, 4, NEWEST),
    { 0 },
};

const struct message find_coordinator_request_message = {
    .name = "FindCoordinatorRequest",
    .first = 0,
    .last = 6,
    .flexible_since = 3,
    .fields = find_coordinator_request_fields,
    .size = sizeof(struct find_coordinator_request),
};

static const struct field find_coordinator_response_coordinator_fields[] = {
    FIELD(find_coordinator_response_coordinator, key, T_STRING, 4, NEWEST),
    FIELD(find_coordinator_response_coordinator, node_id, T_INT32, 4, NEWEST),
    FIELD(find_coordinator_response_coordinator, host, T_STRING, 4, NEWEST),
    FIELD(find_coordinator_response_coordinator, port, T_INT32, 4, NEWEST),
    FIELD(find_coordinator_response_coordinator, error_code, T_INT16, 4, NEWEST),
    FIELD(find_coordinator_response_coordinator, error_message, T_STRING, 4, NEWEST,
          .null_since = 4),
    { 0 },
};

static const struct field find_coordinator_response_fields[] = {
    FIELD(find_coordinator_response, throttle_time_ms, T_INT32, 1, NEWEST),
    FIELD(find_coordinator_response, error_code, T_INT16, 0, 3),
    FIELD(find_coordinator_response, error_message, T_STRING, 1, 3, .null_since = 1),
    FIELD(find_coordinator_response, node_id, T_INT32, 0, 3),
    FIELD(find_coordinator_response, host, T_STRING, 0, 3),
    FIELD(find_coordinator_response, port, T_INT32, 0, 3),
    FIELD_STRUCTS(find_coordinator_response, coordinators, find_coordinator_response_coordinator,
                  4, NEWEST),
    { 0 },
};

const struct message find_coordinator_response_message = {
    .name = "FindCoordinatorResponse",
    .first = 0,
    .last = 6,
    .flexible_since = 3,
    .fields = find_coordinator_response_fields,
    .size = sizeof(struct find_coordinator_response),
};

/* ---- the handler ---- */

enum { KEY_GROUP = 0, KEY_TRANSACTION = 1, KEY_SHARE = 2 };

struct place { /* of a coordinator, or why there is none */
    enum err err;
    const char *message;
    int32_t node;
    const char *host;
    int32_t port;
};

static struct place nowhere(enum err err, const char *message)
{
    return (struct place){ err, message, -1, "", -1 };
}

static struct place find(struct request *request, int8_t type, const char *key)
{
    const struct image_broker *broker;
    int32_t node;
    enum err err;

    if (type == KEY_TRANSACTION) /* the transactions issue gives them a coordinator */
        return nowhere(ERR_INVALID_REQUEST, "Transactions are not simulated here yet.");
    if (type != KEY_GROUP)
        return nowhere(ERR_INVALID_REQUEST, err_message(ERR_INVALID_REQUEST));
    if (request_is_guest(request) && !image_topic(broker_image(request->broker), "__consumer_offsets")) /* it is not made for who only looks */
        return nowhere(ERR_GROUP_ID_NOT_FOUND, err_message(ERR_GROUP_ID_NOT_FOUND));
    err = group_coordinator_of(request->broker, key, &node, NULL);
    if (err)
        return nowhere(err, err_message(err));
    broker = image_broker(broker_image(request->broker), node);
    if (!broker || broker->fenced)
        return nowhere(ERR_COORDINATOR_NOT_AVAILABLE, err_message(ERR_COORDINATOR_NOT_AVAILABLE));
    return (struct place){ ERR_OK, "NONE", node, request_local_host(request) ? request_local_host(request) : broker->host, broker->port };
}

/* One key at the top up to version 3; from 4 several, whose places carry no message but for errors. */
enum reply handle_find_coordinator(struct request *request)
{
    const struct find_coordinator_request *in = request->in;
    struct find_coordinator_response *out = request->out;
    struct place place;

    if (request->version < 4) {
        place = find(request, in->key_type, text_or_empty(in->key));
        out->error_code = (int16_t)place.err;
        out->error_message = place.message;
        out->node_id = place.node;
        out->host = place.host;
        out->port = place.port;
        return REPLY_NOW;
    }
    REPLY_ARRAY(request, out->coordinators, in->coordinator_keys.count);
    for (int32_t i = 0; i < in->coordinator_keys.count; i++) {
        const char *key = text_or_empty(in->coordinator_keys.items[i]);

        place = find(request, in->key_type, key);
        out->coordinators.items[i] = (struct find_coordinator_response_coordinator){
            .key = key, .node_id = place.node, .host = place.host, .port = place.port, .error_code = (int16_t)place.err,
            .error_message = place.err ? place.message : "",
        };
    }
    return REPLY_NOW;
}
