/* ListTransactions (66): the transactional ids that this broker coordinates. */
#pragma once
#include "sim/base/fields.h"

struct list_transactions_request {
    ARRAY_OF(const char *) state_filters;
    ARRAY_OF(int64_t) producer_id_filters;
    int64_t duration_filter;              /* from version 1 */
    const char *transactional_id_pattern; /* from version 2 */
};

extern const struct message list_transactions_request_message;

struct list_transactions_response_transaction {
    const char *transactional_id;
    int64_t producer_id;
    const char *transaction_state;
};

struct list_transactions_response {
    int32_t throttle_time_ms;
    int16_t error_code;
    ARRAY_OF(const char *) unknown_state_filters;
    ARRAY_OF(struct list_transactions_response_transaction) transaction_states;
};

extern const struct message list_transactions_response_message;
