/* ListTransactions: its bytes and what the broker does with it. */
#include "sim/wire/api/66_list_transactions.h"

static const struct field list_transactions_request_fields[] = {
    FIELD_ARRAY(list_transactions_request, state_filters, T_STRING, 0, NEWEST),
    FIELD_ARRAY(list_transactions_request, producer_id_filters, T_INT64, 0, NEWEST),
    FIELD(list_transactions_request, duration_filter, T_INT64, 1, NEWEST, .preset = -1),
    FIELD(list_transactions_request, transactional_id_pattern, T_STRING, 2, NEWEST,
          .null_since = 2, .preset = PRESET_NULL),
    { 0 },
};

const struct message list_transactions_request_message = {
    .name = "ListTransactionsRequest",
    .first = 0,
    .last = 2,
    .flexible_since = 0,
    .fields = list_transactions_request_fields,
    .size = sizeof(struct list_transactions_request),
};

static const struct field list_transactions_response_transaction_fields[] = {
    FIELD(list_transactions_response_transaction, transactional_id, T_STRING, 0, NEWEST),
    FIELD(list_transactions_response_transaction, producer_id, T_INT64, 0, NEWEST),
    FIELD(list_transactions_response_transaction, transaction_state, T_STRING, 0, NEWEST),
    { 0 },
};

static const struct field list_transactions_response_fields[] = {
    FIELD(list_transactions_response, throttle_time_ms, T_INT32, 0, NEWEST),
    FIELD(list_transactions_response, error_code, T_INT16, 0, NEWEST),
    FIELD_ARRAY(list_transactions_response, unknown_state_filters, T_STRING, 0, NEWEST),
    FIELD_STRUCTS(list_transactions_response, transaction_states,
                  list_transactions_response_transaction, 0, NEWEST),
    { 0 },
};

const struct message list_transactions_response_message = {
    .name = "ListTransactionsResponse",
    .first = 0,
    .last = 2,
    .flexible_since = 0,
    .fields = list_transactions_response_fields,
    .size = sizeof(struct list_transactions_response),
};
