/* InitProducerId: its bytes and what the broker does with it. */
#include "sim/wire/api/22_init_producer_id.h"

#include <string.h>

#include "sim/wire/order.h"

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

/* ---- what the broker does ---- */

/* With a transactional id: UNSUPPORTED_VERSION until there is a transaction coordinator. Every client takes it for final and says so, where
 * COORDINATOR_NOT_AVAILABLE would have it ask again for ever and an authorization error would send people looking for ACLs. */
enum reply handle_init_producer_id(struct request *request)
{
    const struct init_producer_id_request *in = request->in;
    struct init_producer_id_response *answer = request->out;
    int64_t offset = -1;

    answer->producer_id = -1;
    answer->producer_epoch = -1;
    if (in->transactional_id) {
        answer->error_code = *in->transactional_id ? ERR_UNSUPPORTED_VERSION : ERR_INVALID_REQUEST;
        return REPLY_NOW;
    }
    answer->error_code = (int16_t)broker_new_producer_id(request->broker, &answer->producer_id, &offset, NULL);
    if (answer->error_code)
        answer->producer_id = -1;
    else
        answer->producer_epoch = 0; /* without a transactional id every call gets a new id, whatever the request says of an old one */
    return order_reply(request, answer->error_code ? -1 : offset, NULL);
}

void cancel_init_producer_id(struct request *request)
{
    order_cancel(request);
}
