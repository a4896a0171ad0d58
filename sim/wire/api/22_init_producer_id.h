/* InitProducerId (22): gives a producer its id and epoch. */
#pragma once
#include "sim/base/fields.h"

/* transactional_id null: only idempotent. */
struct init_producer_id_request {
    const char *transactional_id;
    int32_t transaction_timeout_ms;
    int64_t producer_id;    /* from version 3 */
    int16_t producer_epoch; /* from version 3 */
    bool enable2_pc;        /* from version 6 */
    bool keep_prepared_txn; /* from version 6 */
};

extern const struct message init_producer_id_request_message;

struct init_producer_id_response {
    int32_t throttle_time_ms;
    int16_t error_code;
    int64_t producer_id;
    int16_t producer_epoch;
    int64_t ongoing_txn_producer_id;    /* from version 6 */
    int16_t ongoing_txn_producer_epoch; /* from version 6 */
};

extern const struct message init_producer_id_response_message;
