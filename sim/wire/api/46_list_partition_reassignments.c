/* ListPartitionReassignments: its bytes and what the broker does with it. */
#include "sim/wire/api/46_list_partition_reassignments.h"

#include "sim/wire/order.h"

static const struct field list_partition_reassignments_request_topic_fields[] = {
    FIELD(list_partition_reassignments_request_topic, name, T_STRING, 0, NEWEST),
    FIELD_ARRAY(list_partition_reassignments_request_topic, partition_indexes, T_INT32, 0, NEWEST),
    { 0 },
};

static const struct field list_partition_reassignments_request_fields[] = {
    FIELD(list_partition_reassignments_request, timeout_ms, T_INT32, 0, NEWEST, .preset = 60000),
    FIELD_STRUCTS(list_partition_reassignments_request, topics,
                  list_partition_reassignments_request_topic, 0, NEWEST, .null_since = 0,
                  .preset = PRESET_NULL),
    { 0 },
};

const struct message list_partition_reassignments_request_message = {
    .name = "ListPartitionReassignmentsRequest",
    .first = 0,
    .last = 0,
    .flexible_since = 0,
    .fields = list_partition_reassignments_request_fields,
    .size = sizeof(struct list_partition_reassignments_request),
};

static const struct field list_partition_reassignments_response_partition_fields[] = {
    FIELD(list_partition_reassignments_response_partition, partition_index, T_INT32, 0, NEWEST),
    FIELD_ARRAY(list_partition_reassignments_response_partition, replicas, T_INT32, 0, NEWEST),
    FIELD_ARRAY(list_partition_reassignments_response_partition, adding_replicas, T_INT32, 0,
                NEWEST),
    FIELD_ARRAY(list_partition_reassignments_response_partition, removing_replicas, T_INT32, 0,
                NEWEST),
    { 0 },
};

static const struct field list_partition_reassignments_response_topic_fields[] = {
    FIELD(list_partition_reassignments_response_topic, name, T_STRING, 0, NEWEST),
    FIELD_STRUCTS(list_partition_reassignments_response_topic, partitions,
                  list_partition_reassignments_response_partition, 0, NEWEST),
    { 0 },
};

static const struct field list_partition_reassignments_response_fields[] = {
    FIELD(list_partition_reassignments_response, throttle_time_ms, T_INT32, 0, NEWEST),
    FIELD(list_partition_reassignments_response, error_code, T_INT16, 0, NEWEST),
    FIELD(list_partition_reassignments_response, error_message, T_STRING, 0, NEWEST,
          .null_since = 0),
    FIELD_STRUCTS(list_partition_reassignments_response, topics,
                  list_partition_reassignments_response_topic, 0, NEWEST),
    { 0 },
};

const struct message list_partition_reassignments_response_message = {
    .name = "ListPartitionReassignmentsResponse",
    .first = 0,
    .last = 0,
    .flexible_since = 0,
    .fields = list_partition_reassignments_response_fields,
    .size = sizeof(struct list_partition_reassignments_response),
};

/* ---- what the broker does ---- */

/* Partitions are not moved yet, so none is on its way. */
enum reply handle_list_partition_reassignments(struct request *request)
{
    struct list_partition_reassignments_response *answer = request->out;

    answer->error_message = NULL;
    if (order_is_misplaced(request))
        answer->error_code = ERR_NOT_CONTROLLER;
    return REPLY_NOW;
}
