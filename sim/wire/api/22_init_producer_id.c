/* InitProducerId: its bytes and what the broker does with it. */
#include "sim/wire/api/22_init_producer_id.h"

static const struct field init_producer_id_request_fields[] = {
    FIELD(init_producer_id_request, transactional_id, T_STRING, 0, NEWEST, .null_since = 0),
    FIELD(init_producer_id_request, transaction_timeout_ms, T_INT32, 0, NEWEST),
    FIELD(init_producer_id_request, producer_id, T_INT64, 3, NEWEST, .preset = -1),
    FIELD(init_producer_id_request, producer_epoch, T_INT16, 3, NEWEST, .preset = -1),
    FIELD(init_producer_id_request, enable2_pc, T_BOOL, 6, NEWEST),
    FIELD(init_producer_id_request, keep_prepared_txn, T_BOOL, 6, NEWEST),
    { 0 },
};

const struct message init_producer_id_request_message = {
    .name = "InitProducerIdRequest",
    .first = 0,
    .last = 6,
    .flexible_since = 2,
    .fields = init_producer_id_request_fields,
    .size = sizeof(struct init_producer_id_request),
};

static const struct field init_producer_id_response_fields[] = {
    FIELD(init_producer_id_response, throttle_time_ms, T_INT32, 0, NEWEST),
    FIELD(init_producer_id_response, error_code, T_INT16, 0, NEWEST),
    FIELD(init_producer_id_response, producer_id, T_INT64, 0, NEWEST, .preset = -1),
    FIELD(init_producer_id_response, producer_epoch, T_INT16, 0, NEWEST),
    FIELD(init_producer_id_response, ongoing_txn_producer_id, T_INT64, 6, NEWEST, .preset = -1),
    FIELD(init_producer_id_response, ongoing_txn_producer_epoch, T_INT16, 6, NEWEST, .preset = -1),
    { 0 },
};

const struct message init_producer_id_response_message = {
    .name = "InitProducerIdResponse",
    .first = 0,
    .last = 6,
    .flexible_since = 2,
    .fields = init_producer_id_response_fields,
    .size = sizeof(struct init_producer_id_response),
};
