/* DescribeTransactions: its bytes and what the broker does with it. */
#include "sim/wire/api/65_describe_transactions.h"

static const struct field describe_transactions_request_fields[] = {
    FIELD_ARRAY(describe_transactions_request, transactional_ids, T_STRING, 0, NEWEST),
    { 0 },
};

const struct message describe_transactions_request_message = {
    .name = "DescribeTransactionsRequest",
    .first = 0,
    .last = 0,
    .flexible_since = 0,
    .fields = describe_transactions_request_fields,
    .size = sizeof(struct describe_transactions_request),
};

static const struct field describe_transactions_response_topic_fields[] = {
    FIELD(describe_transactions_response_topic, topic, T_STRING, 0, NEWEST),
    FIELD_ARRAY(describe_transactions_response_topic, partitions, T_INT32, 0, NEWEST),
    { 0 },
};

static const struct field describe_transactions_response_transaction_fields[] = {
    FIELD(describe_transactions_response_transaction, error_code, T_INT16, 0, NEWEST),
    FIELD(describe_transactions_response_transaction, transactional_id, T_STRING, 0, NEWEST),
    FIELD(describe_transactions_response_transaction, transaction_state, T_STRING, 0, NEWEST),
    FIELD(describe_transactions_response_transaction, transaction_timeout_ms, T_INT32, 0, NEWEST),
    FIELD(describe_transactions_response_transaction, transaction_start_time_ms, T_INT64, 0,
          NEWEST),
    FIELD(describe_transactions_response_transaction, producer_id, T_INT64, 0, NEWEST),
    FIELD(describe_transactions_response_transaction, producer_epoch, T_INT16, 0, NEWEST),
    FIELD_STRUCTS(describe_transactions_response_transaction, topics,
                  describe_transactions_response_topic, 0, NEWEST),
    { 0 },
};

static const struct field describe_transactions_response_fields[] = {
    FIELD(describe_transactions_response, throttle_time_ms, T_INT32, 0, NEWEST),
    FIELD_STRUCTS(describe_transactions_response, transaction_states,
                  describe_transactions_response_transaction, 0, NEWEST),
    { 0 },
};

const struct message describe_transactions_response_message = {
    .name = "DescribeTransactionsResponse",
    .first = 0,
    .last = 0,
    .flexible_since = 0,
    .fields = describe_transactions_response_fields,
    .size = sizeof(struct describe_transactions_response),
};
