/* FindCoordinator: its bytes and what the broker does with it. */
#include "sim/wire/api/10_find_coordinator.h"

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
